/* doctor-gather-postfix: asks postmulti(1) and postconf(1) what Postfix is to do. Layer: program.
 *
 * Only the settings that are judged are asked for: all of them are a thousand. */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/call.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/error.h"
#include "outagectl/doctor.h"

#define RUN_US (5 * G_USEC_PER_SEC)
#define INSTANCES_US (10 * G_USEC_PER_SEC) /* for all instances: no further one is begun after it */
#define TICK_US 1000 /* no descriptor tells of a child's end everywhere */
#define OUTPUT_MAX (1024 * 1024)
#define INSTANCES_MAX 16
#define GROUPS_MAX 256
#define DEFAULT_DIR "/etc/postfix"

static const char *const settings_asked[] = {
	"compatibility_level", "content_filter", "header_checks", "mail_owner", "milter_default_action", "milter_protocol", "mydomain", "myhostname",
	"non_smtpd_milters", "queue_directory", "receive_override_options", "recipient_delimiter", "relayhost", "smtpd_milters",
	"smtpd_proxy_filter",
};

/* Reads fd to its end. False where the time is up or it is too much. */
static bool read_all(int fd, gint64 until, GString *output)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	char buffer[4096];
	ssize_t got;

	while (clock_mono_us() < until && output->len < OUTPUT_MAX) {
		if (poll(&polled, 1, (int)MAX((until - clock_mono_us()) / 1000, 0) + 1) <= 0)
			continue;
		got = read(fd, buffer, sizeof buffer);
		if (got == 0)
			return true;
		if (got > 0)
			g_string_append_len(output, buffer, got);
		else if (errno != EINTR && errno != EAGAIN)
			return false;
	}
	return false;
}

/* Waits for the end of pid until then, and ends it where it has not. Returns its status. */
static int end_child(pid_t pid, gint64 until)
{
	int status = -1;
	pid_t got;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0 && clock_mono_us() < until)
		g_usleep(TICK_US);
	if (got == 0) {
		(void)kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	return status;
}

/* As call_run, but for outputs of any length, and what it says of trouble is not mixed into what it was asked. */
char *doctor_run(char *const *argv, GError **error)
{
	g_auto(GStrv) environment = call_environment_end(call_environment_new());
	g_autoptr(GString) output = g_string_new(NULL);
	Child child = { .argv = argv, .environment = environment, .input = -1, .in_path = true, .own_group = true };
	gint64 until = clock_mono_us() + RUN_US;
	int ends[2], null, failed, status;
	pid_t pid = -1;
	bool whole;

	if (!g_unix_open_pipe(ends, FD_CLOEXEC, error))
		return NULL;
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	child.output = ends[1];
	child.errors = null >= 0 ? null : ends[1];
	failed = child_start(&child, &pid);
	(void)close(ends[1]);
	if (null >= 0)
		(void)close(null);
	whole = failed == 0 && read_all(ends[0], until, output);
	(void)close(ends[0]);
	if (failed != 0) {
		g_set_error(error, OUTAGE_ERROR, failed == ENOENT ? OUTAGE_ERROR_NOT_FOUND : OUTAGE_ERROR_SYSTEM, "%s cannot be run: %s", argv[0],
		    g_strerror(failed));
		return NULL;
	}
	status = end_child(pid, whole ? until : 0);
	if (whole && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return g_string_free(g_steal_pointer(&output), FALSE);
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, whole ? "%s failed" : "%s did not end in time", argv[0]);
	return NULL;
}

/* The users that Postfix runs as, and what they may pass. */
static void find_owner(PostfixFact *fact)
{
	const char *name = g_hash_table_lookup(fact->settings, "mail_owner");
	const struct passwd *user = name != NULL ? getpwnam(name) : NULL;
	gid_t groups[GROUPS_MAX];
	int count = GROUPS_MAX;

	if (user == NULL)
		return;
	fact->uid = user->pw_uid;
	if (getgrouplist(name, user->pw_gid, groups, &count) >= 0)
		g_array_append_vals(fact->groups, groups, (guint)count);
}

/* compatibility_level below 1 (Postfix before 3.0): services without a word on it are chrooted. */
static bool chroots_by_default(GHashTable *settings)
{
	const char *level = g_hash_table_lookup(settings, "compatibility_level");

	return level != NULL && g_ascii_strtod(level, NULL) < 1;
}

/* What header_checks(5) may do with a header so that it does not get to a milter as it was. */
static bool is_removal(const char *action)
{
	static const char *const removals[] = { "IGNORE", "STRIP", "REPLACE", "REJECT", "DISCARD" };

	for (gsize i = 0; i < G_N_ELEMENTS(removals); i++)
		if (g_ascii_strncasecmp(action, removals[i], strlen(removals[i])) == 0)
			return true;
	return false;
}

/* Asks Postfix itself what becomes of a forged header: tables are of many kinds. Asked only where it matters. */
static bool drops_results(const DoctorFacts *facts, const PostfixFact *fact)
{
	/* Tables are listed as milters are. */
	g_autoptr(GPtrArray) tables = postfix_read_milters(postfix_effective(fact->settings, NULL, "header_checks"));
	g_autofree char *forged = NULL;

	if (facts->config == NULL || !facts->config->authres_all || facts->config->authserv_ids[0] == NULL)
		return false;
	forged = g_strdup_printf("Authentication-Results: %s; spf=pass smtp.mailfrom=example.com", facts->config->authserv_ids[0]);
	for (guint i = 0; i < tables->len; i++) {
		const PostfixMilter *table = g_ptr_array_index(tables, i);
		const char *const ask[] = { "postmap", "-c", fact->dir, "-q", forged, table->text, NULL };
		g_autofree char *action = doctor_run((char *const *)ask, NULL);

		/* The first table that has something to say decides. */
		if (action != NULL)
			return is_removal(action);
	}
	return false;
}

static void read_instance(DoctorFacts *facts, const char *dir, gint64 until)
{
	g_autoptr(GPtrArray) ask = g_ptr_array_new();
	const char *const services[] = { "postconf", "-c", dir, "-Mx", NULL };
	g_autofree char *main_cf = g_build_filename(dir, "main.cf", NULL), *text = NULL, *master = NULL;
	g_autoptr(GError) error = NULL;
	PostfixFact *fact;

	if (clock_mono_us() >= until) {
		g_ptr_array_add(facts->unread, g_strdup_printf("%s: the others took too long", main_cf));
		return;
	}
	fact = g_new0(PostfixFact, 1);
	fact->dir = g_strdup(dir);
	fact->uid = -1;
	fact->groups = g_array_new(FALSE, FALSE, sizeof(gid_t));
	g_ptr_array_add(facts->postfix, fact);
	g_ptr_array_add(ask, (gpointer)"postconf");
	g_ptr_array_add(ask, (gpointer)"-c");
	g_ptr_array_add(ask, (gpointer)dir);
	g_ptr_array_add(ask, (gpointer)"-x");
	for (gsize i = 0; i < G_N_ELEMENTS(settings_asked); i++)
		g_ptr_array_add(ask, (gpointer)settings_asked[i]);
	g_ptr_array_add(ask, NULL);
	text = doctor_run((char *const *)ask->pdata, &error);
	if (text != NULL)
		master = doctor_run((char *const *)services, &error);
	if (master == NULL) {
		g_ptr_array_add(facts->unread, g_strdup_printf("%s: %s", main_cf, error->message));
		return;
	}
	fact->settings = postfix_read_settings(text);
	fact->services = postfix_read_services(master, chroots_by_default(fact->settings));
	find_owner(fact);
	fact->drops_results = drops_results(facts, fact);
}

/*     instances = *( name 1*SP group 1*SP enabled 1*SP directory LF )          ; postmulti -l, enabled: "y" / "n" */
static void find_instances(DoctorFacts *facts, gint64 until)
{
	const char *const list[] = { "postmulti", "-l", NULL };
	g_autofree char *text = doctor_run((char *const *)list, NULL);
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);

	for (char **line = lines; *line != NULL && facts->postfix->len < INSTANCES_MAX; line++) {
		const char *dir = strchr(*line, '/');

		/* One that is switched off takes no mail. */
		if (dir != NULL && !g_regex_match_simple("\\sn\\s+/", *line, 0, 0))
			read_instance(facts, dir, until);
	}
	if (facts->postfix->len == 0 && g_file_test(DEFAULT_DIR "/main.cf", G_FILE_TEST_EXISTS))
		read_instance(facts, DEFAULT_DIR, until);
}

void doctor_gather_postfix(const DoctorOptions *options, DoctorFacts *facts)
{
	gint64 until = clock_mono_us() + INSTANCES_US;

	if (options->postfix == NULL)
		find_instances(facts, until);
	for (char **dir = options->postfix; dir != NULL && *dir != NULL; dir++) {
		g_autofree char *full = g_canonicalize_filename(*dir, NULL);

		read_instance(facts, full, until);
	}
}
