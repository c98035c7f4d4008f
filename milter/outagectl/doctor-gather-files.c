/* doctor-gather-files: what lies on this host: the milter's socket, the site secret, sendmail.cf, OpenDKIM's settings, units, what
 * packages have left. Layer: program. */
#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "outagectl/doctor.h"

#define SENDMAIL_CF "/etc/mail/sendmail.cf"
#define OPENDKIM_CONF "/etc/opendkim.conf"
#define FILE_MAX (1024 * 1024)
#define CONNECT_SECONDS 2
#define LEFTOVERS_MAX 20

static void note_unread(DoctorFacts *facts, const char *path, int why)
{
	g_ptr_array_add(facts->unread, g_strdup_printf("%s: %s", path, g_strerror(why)));
}

static PathFact *look_at(DoctorFacts *facts, const char *path)
{
	PathFact *fact = g_new0(PathFact, 1);
	struct stat st;

	fact->path = g_strdup(path);
	if (stat(path, &st) == 0) {
		fact->exists = true;
		fact->mode = st.st_mode & 07777;
		fact->uid = st.st_uid;
		fact->gid = st.st_gid;
	} else if (errno != ENOENT) {
		note_unread(facts, path, errno);
	}
	return fact;
}

/* Returns a text file, or NULL: where it is there and cannot be read that is noted, and where it is not *missing is set. Caller frees. */
static char *read_text(DoctorFacts *facts, const char *path, bool *missing)
{
	g_autoptr(GError) error = NULL;
	struct stat st;
	char *text = NULL;

	*missing = false;
	if (stat(path, &st) != 0) {
		*missing = errno == ENOENT || errno == ENOTDIR;
		if (!*missing)
			note_unread(facts, path, errno);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		g_ptr_array_add(facts->unread, g_strdup_printf("%s: it is no plain file of at most %d bytes", path, FILE_MAX));
	else if (!g_file_get_contents(path, &text, NULL, &error))
		g_ptr_array_add(facts->unread, g_strdup(error->message));
	return text;
}

/* --- the milter's socket --- */

static bool can_connect(DoctorFacts *facts, GSocketAddress *address, const char *shown)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GSocket) sock = g_socket_new(g_socket_address_get_family(address), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, &error);

	if (sock == NULL)
		return false;
	g_socket_set_timeout(sock, CONNECT_SECONDS);
	if (g_socket_connect(sock, address, NULL, &error))
		return true;
	facts->socket_unknown = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
	if (facts->socket_unknown)
		g_ptr_array_add(facts->unread, g_strdup_printf("%s: %s", shown, error->message));
	return false;
}

/* Where nothing but every address is said it is asked on loopback. Of other names than that one no resolver is asked. */
static void look_at_port(DoctorFacts *facts, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, "@", 2);
	bool six = g_str_has_prefix(facts->config->socket, "inet6:");
	g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(six ? G_SOCKET_FAMILY_IPV6 : G_SOCKET_FAMILY_IPV4);
	const char *name = parts[0] != NULL && parts[1] != NULL ? parts[1] : "localhost";
	g_autoptr(GInetAddress) named = g_inet_address_new_from_string(name);
	GInetAddress *host = named != NULL && !g_inet_address_get_is_any(named) ? named : loopback;
	g_autoptr(GSocketAddress) address = NULL;

	facts->socket_unknown = named == NULL && strcmp(name, "localhost") != 0;
	if (parts[0] == NULL || facts->socket_unknown)
		return;
	address = g_inet_socket_address_new(host, (guint16)g_ascii_strtoull(parts[0], NULL, 10));
	facts->socket_answers = can_connect(facts, address, text);
}

/* Where else the socket at path is found: behind the links on the way to it, and under the same path in a queue directory, which is what
 * a chrooted smtpd looks for. */
static void look_for_names(DoctorFacts *facts, const char *path)
{
	/* The folder is looked at: the socket itself is there only while the milter runs. */
	g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
	char *real = realpath(folder, NULL);

	if (real == NULL)
		return;
	g_ptr_array_add(facts->socket_names, g_build_filename(real, name, NULL));
	for (guint i = 0; i < facts->postfix->len; i++) {
		const PostfixFact *postfix = g_ptr_array_index(facts->postfix, i);
		const char *queue = postfix->settings != NULL ? postfix_effective(postfix->settings, NULL, "queue_directory") : "";
		g_autofree char *inside = g_strconcat(queue, folder, NULL);
		char *there = *queue != '\0' ? realpath(inside, NULL) : NULL;

		if (g_strcmp0(there, real) == 0)
			g_ptr_array_add(facts->socket_names, g_build_filename(inside, name, NULL));
		free(there);
	}
	free(real);
}

static void look_at_socket(DoctorFacts *facts)
{
	const char *colon = strchr(facts->config->socket, ':'), *path = colon != NULL ? colon + 1 : facts->config->socket;
	g_autofree char *at = g_strdup(path);
	g_autoptr(GSocketAddress) address = NULL;

	if (g_str_has_prefix(facts->config->socket, "inet")) {
		look_at_port(facts, path);
		return;
	}
	while (strlen(at) > 1) {
		char *above = g_path_get_dirname(at);

		g_ptr_array_add(facts->socket, look_at(facts, at));
		g_free(at);
		at = above;
	}
	look_for_names(facts, path);
	address = g_unix_socket_address_new(path);
	facts->socket_answers = can_connect(facts, address, path);
}

/* --- the secret --- */

static void look_at_secret(DoctorFacts *facts)
{
	g_autofree char *path = config_secret_path(facts->config);
	g_autoptr(GError) error = NULL;
	g_autoptr(Secret) secret = NULL;

	facts->secret = look_at(facts, path);
	if (!facts->secret->exists)
		return;
	secret = secret_load(path, false, &error);
	if (secret != NULL)
		facts->fingerprint = secret_fingerprint(secret);
	else if (g_error_matches(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID))
		facts->secret_trouble = g_strdup(error->message);
	else
		g_ptr_array_add(facts->unread, g_strdup(error->message));
}

/* --- OpenDKIM --- */

/* The domain that an entry of a signing table is for: of "*@example.com" and "jane@example.com" what stands behind the "@". */
static void add_pattern(DoctorFacts *facts, const char *pattern)
{
	const char *at = strrchr(pattern, '@');

	if (*pattern != '\0' && *pattern != '#')
		g_ptr_array_add(facts->dkim_domains, g_ascii_strdown(at != NULL ? at + 1 : pattern, -1));
}

/*     table = *( pattern 1*SP key LF )        of other kinds (databases, LDAP) nothing is to be told */
static void read_signing_table(DoctorFacts *facts, const char *source)
{
	const char *colon = strchr(source, ':'), *path = colon != NULL ? colon + 1 : source;
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	bool missing;

	if (*path == '/' && (colon == NULL || g_str_has_prefix(source, "refile:") || g_str_has_prefix(source, "file:")))
		text = read_text(facts, path, &missing);
	if (text == NULL) {
		g_clear_pointer(&facts->dkim_domains, g_ptr_array_unref);
		return;
	}
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		g_strstrip(*line)[strcspn(*line, " \t")] = '\0';
		add_pattern(facts, *line);
	}
}

/*     domains = domain *( ( "," / 1*SP ) domain ) / [ kind ":" ] path          of another data set nothing is to be told */
static void read_domains(DoctorFacts *facts, const char *value)
{
	g_auto(GStrv) domains = g_strsplit_set(g_str_has_prefix(value, "csl:") ? value + strlen("csl:") : value, ", \t", -1);

	for (char **domain = domains; *domain != NULL && facts->dkim_domains != NULL; domain++) {
		if (strpbrk(*domain, "/:") != NULL)
			g_clear_pointer(&facts->dkim_domains, g_ptr_array_unref);
		else
			add_pattern(facts, *domain);
	}
}

/*     opendkim.conf = *( name 1*SP value LF / "#" text LF )          opendkim.conf(5); names in any case */
static void look_at_dkim(const DoctorOptions *options, DoctorFacts *facts)
{
	const char *path = options->opendkim != NULL ? options->opendkim : OPENDKIM_CONF;
	bool missing;
	g_autofree char *text = read_text(facts, path, &missing);
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);

	if (text == NULL)
		return;
	facts->dkim_path = g_strdup(path);
	facts->dkim_signs = true;
	facts->dkim_domains = g_ptr_array_new_with_free_func(g_free);
	for (char **line = lines; *line != NULL; line++) {
		gsize size = strcspn(g_strstrip(*line), " \t");
		g_autofree char *name = g_strndup(*line, size), *value = g_strstrip(g_strdup(*line + size));

		if (g_ascii_strcasecmp(name, "Mode") == 0)
			facts->dkim_signs = strchr(value, 's') != NULL;
		else if (g_ascii_strcasecmp(name, "SigningTable") == 0 && facts->dkim_domains != NULL) {
			facts->dkim_table = true;
			read_signing_table(facts, value);
		} else if (g_ascii_strcasecmp(name, "Domain") == 0) {
			read_domains(facts, value);
		}
	}
}

/* --- systemd, packages --- */

static void look_at_units(DoctorFacts *facts)
{
	static const char *const names[] = { "outage-milter.service", "outage-replier.service" };

	if (!g_file_test("/run/systemd/system", G_FILE_TEST_IS_DIR))
		return;
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		/* "is-enabled" fails where it is not; "show" says it. */
		const char *const ask[] = { "systemctl", "show", "--value", "--property=UnitFileState", names[i], NULL };
		g_autoptr(GError) error = NULL;
		char *state = doctor_run((char *const *)ask, &error);
		UnitFact *unit;

		if (state == NULL) {
			g_ptr_array_add(facts->unread, g_strdup_printf("%s: %s", names[i], error->message));
			continue;
		}
		unit = g_new0(UnitFact, 1);
		unit->name = g_strdup(names[i]);
		unit->enabled = g_strstrip(state);
		g_ptr_array_add(facts->units, unit);
	}
}

/* What dpkg, rpm, ucf and our own installation put beside a file that was changed. */
static bool is_leftover(const char *name)
{
	static const char *const endings[] = { ".new", ".dpkg-new", ".dpkg-dist", ".dpkg-old", ".dpkg-bak", ".rpmnew", ".rpmsave", ".rpmorig",
		".ucf-dist", ".ucf-old", ".ucf-new" };

	for (gsize i = 0; i < G_N_ELEMENTS(endings); i++)
		if (g_str_has_suffix(name, endings[i]))
			return true;
	return false;
}

static int by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Templates lie one folder deeper, by language. */
static void look_for_leftovers(DoctorFacts *facts, const char *path, guint deeper)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && facts->leftovers->len < LEFTOVERS_MAX && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *full = g_build_filename(path, name, NULL);

		if (is_leftover(name) && !g_ptr_array_find_with_equal_func(facts->leftovers, full, g_str_equal, NULL))
			g_ptr_array_add(facts->leftovers, g_steal_pointer(&full));
		else if (deeper > 0 && *name != '.' && g_file_test(full, G_FILE_TEST_IS_DIR))
			look_for_leftovers(facts, full, deeper - 1);
	}
}

void doctor_gather_files(const DoctorOptions *options, DoctorFacts *facts)
{
	const char *sendmail = options->sendmail != NULL ? options->sendmail : SENDMAIL_CF;
	bool missing;

	facts->sendmail_text = read_text(facts, sendmail, &missing);
	facts->sendmail_path = missing ? NULL : g_strdup(sendmail);
	look_at_dkim(options, facts);
	look_at_units(facts);
	if (facts->config == NULL)
		return;
	look_at_socket(facts);
	look_at_secret(facts);
	look_for_leftovers(facts, facts->config->dir, 0);
	look_for_leftovers(facts, facts->config->rules_dir, 0);
	look_for_leftovers(facts, facts->config->template_dir, 1);
	g_ptr_array_sort(facts->leftovers, by_text);
}
