/* link-secret: who we are to Redis and to the Sentinels (see link-private.h). Layer: store.
 *
 *     file = [ user ":" ] password [ [ CR ] LF ]      one line of UTF-8
 *
 * The user of store.url is the user: with one there, the whole line of store.password_file is the password. A password with a colon and
 * without a user is written with a colon before it. The files are read for each connection, so that a password can be changed without
 * a restart. No message repeats what is in them.
 *
 * "%p" in the name of a file is the program's name: so the programs of one configuration can be users with rights of their own. */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "store/link-private.h"

#define SECRET_MAX 4096

void link_secret_clear(LinkSecret *secret)
{
	g_free(secret->user);
	g_free(secret->password);
	*secret = (LinkSecret){ NULL, NULL, false };
}

static bool refuse(OutageError code, const char *setting, const char *path, const char *why, GError **error)
{
	g_set_error(error, OUTAGE_ERROR, code, "%s: %s: %s", setting, path, why);
	return false;
}

/* Says once for each file that others may read it. */
static void warn_if_open(const char *setting, const char *path, const struct stat *info)
{
	static GMutex lock;
	static GHashTable *said;
	bool news;

	if ((info->st_mode & S_IROTH) == 0)
		return;
	g_mutex_lock(&lock);
	if (!said)
		said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	news = g_hash_table_add(said, g_strdup(path));
	g_mutex_unlock(&lock);
	if (news)
		log_warning("%s: %s can be read by everybody on this machine: chmod o-r it", setting, path);
}

/* Returns the line that the file holds; caller frees. */
static char *read_line(const char *setting, const char *path, GError **error)
{
	g_autofree char *text = NULL;
	struct stat info;
	gsize size = 0;

	if (g_stat(path, &info) != 0) {
		refuse(OUTAGE_ERROR_SYSTEM, setting, path, g_strerror(errno), error);
		return NULL;
	}
	if (!S_ISREG(info.st_mode) || info.st_size > SECRET_MAX) {
		refuse(OUTAGE_ERROR_INVALID, setting, path, "it is no file with a password", error);
		return NULL;
	}
	if (!g_file_get_contents(path, &text, &size, NULL)) {
		refuse(OUTAGE_ERROR_SYSTEM, setting, path, g_strerror(errno), error);
		return NULL;
	}
	warn_if_open(setting, path, &info);
	if (size > 0 && text[size - 1] == '\n')
		text[--size] = '\0';
	if (size > 0 && text[size - 1] == '\r')
		text[--size] = '\0';
	if (size == 0)
		refuse(OUTAGE_ERROR_INVALID, setting, path, "it is empty", error);
	else if (strlen(text) != size || strpbrk(text, "\r\n") || !g_utf8_validate(text, (gssize)size, NULL))
		refuse(OUTAGE_ERROR_INVALID, setting, path, "it holds more than one line of text", error);
	else
		return g_steal_pointer(&text);
	return NULL;
}

/* Returns the name of this program's file; caller frees. */
static char *own_path(const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "%p", -1);
	/* outagectl's is followed by the command it does. */
	g_autofree char *program = g_strdup(g_get_prgname());

	return g_strjoinv(program ? g_strdelimit(program, " ", '\0') : "", parts);
}

/* user: the one who was named elsewhere, or NULL. */
static bool read_secret(const char *setting, const char *for_all, const char *user, LinkSecret *secret, GError **error)
{
	g_autofree char *path = own_path(for_all), *line = read_line(setting, path, error);
	const char *colon = line && !user ? strchr(line, ':') : NULL;

	if (!line)
		return false;
	if (colon && colon[1] == '\0')
		return refuse(OUTAGE_ERROR_INVALID, setting, path, "no password follows the user", error);
	secret->split = colon != NULL;
	secret->user = !colon ? g_strdup(user) : colon > line ? g_strndup(line, (gsize)(colon - line)) : NULL;
	secret->password = colon ? g_strdup(colon + 1) : g_steal_pointer(&line);
	return true;
}

bool link_secret_for_redis(const Config *config, const LinkUrl *url, LinkSecret *secret, GError **error)
{
	if (config->store_password_file && *config->store_password_file)
		return read_secret("store.password_file", config->store_password_file, url->user, secret, error);
	if (url->user && !url->password) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID,
		    "store URL: user \"%s\" has no password: add it to the URL or set store.password_file", url->user);
		return false;
	}
	secret->user = g_strdup(url->user);
	secret->password = g_strdup(url->password);
	return true;
}

bool link_secret_for_sentinel(const Config *config, LinkSecret *secret, GError **error)
{
	const char *path = config->store_sentinel_password_file;

	return !path || !*path || read_secret("store.sentinel_password_file", path, NULL, secret, error);
}

bool link_push_auth(Link *link, const LinkSecret *secret)
{
	g_autoptr(GPtrArray) command = command_new("AUTH", NULL);

	if (!secret->password)
		return false;
	if (secret->user)
		command_add(command, secret->user);
	command_add(command, secret->password);
	link_push(link, command);
	return true;
}

bool link_auth_failed(Link *link, const LinkSecret *secret, const redisReply *reply, GError **error)
{
	const char *why = "it refuses to be told a password";

	if (reply->type != REDIS_REPLY_ERROR)
		return false;
	if (g_str_has_prefix(reply->str, "WRONGPASS") || g_str_has_prefix(reply->str, "ERR invalid password"))
		why = secret->split ? "the user or the password is wrong (the file is read as USER:PASSWORD; where there is no user, put a "
		    "colon before the password)" : "the user or the password is wrong";
	else if (g_str_has_prefix(reply->str, "ERR AUTH <password> called without any password"))
		why = "it has no password set, and we were given one";
	else if (g_str_has_prefix(reply->str, "LOADING"))
		why = "the server is still reading its data";
	link_fail(link, OUTAGE_ERROR_UNAVAILABLE, error, why);
	return true;
}
