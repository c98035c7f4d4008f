/* link-open: makes a connection that is ready for use (see link.h). Layer: store.
 *
 * After the socket stands, one round trip introduces us and finds out whom we reached: credentials, database, role, whether the keys of
 * our prefix live there, and the server's run id. What is no primary, or a node of a Cluster that does not own our slot, is not used. */
#include <string.h>
#include <unistd.h>


#include "store/link-private.h"
#include "store/store.h"

/* Two of our keys: of equal length, so that under a prefix without a hash tag they are in different slots whatever the prefix is (their
 * CRC16 differ by a constant). */
#define PROBE_KEY "incident"
#define PROBE_OTHER "accounts"

/* What one connection needs to know. */
typedef struct {
	const Config *config;
	const LinkUrl *url;
	const char *name;        /* for CLIENT LIST */
	LinkSecret secret;
} Opening;

static bool is_denied(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR && g_str_has_prefix(reply->str, "NOPERM");
}

bool link_role_is_primary(Link *link, const redisReply *role, bool strict, GError **error)
{
	if (is_denied(role) && !strict)
		return true;
	if (link_reply_failed(link, role, error))
		return false;
	if (role->type == REDIS_REPLY_ARRAY && role->elements > 0 && role->element[0]->type == REDIS_REPLY_STRING &&
	    strcmp(role->element[0]->str, "master") == 0)
		return true;
	return link_fail(link, OUTAGE_ERROR_UNAVAILABLE, error, link->named ? "Sentinel names it, but it is no primary" :
	    "it is a replica: store.url must lead to the primary");
}

/* Reads "MOVED" SP slot SP host ":" port, where the host may be empty: the one that we asked. NULL where it is something else. */
static LinkHost *parse_moved(const redisReply *reply, const char *same_host)
{
	g_auto(GStrv) words = NULL;
	const char *colon;
	g_autofree char *host = NULL;
	guint64 port;

	if (reply->type != REDIS_REPLY_ERROR || !g_str_has_prefix(reply->str, "MOVED "))
		return NULL;
	words = g_strsplit(reply->str, " ", -1);
	if (g_strv_length(words) != 3 || !(colon = strrchr(words[2], ':')) ||
	    !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL))
		return NULL;
	host = g_strndup(words[2], (gsize)(colon - words[2]));
	if (*host != '\0' && strcmp(host, "?") != 0)
		return link_host_new(host, (guint16)port);
	return same_host ? link_host_new(same_host, (guint16)port) : NULL;
}

/* Judges the answer about the keys of our prefix. *moved is who has them, where it is another one. */
static bool owns_keys(Link *link, const Opening *opening, const redisReply *reply, LinkHost **moved, GError **error)
{
	const LinkUrl *url = opening->url;

	*moved = parse_moved(reply, url->hosts->len > 0 ? ((const LinkHost *)url->hosts->pdata[0])->host : NULL);
	if (*moved || is_denied(reply))
		return true;
	if (reply->type == REDIS_REPLY_ERROR && g_str_has_prefix(reply->str, "CROSSSLOT")) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "Redis at %s is a Cluster, and with store.prefix = \"%s\" our keys would be "
		    "spread over it: set store.prefix = \"{outage}:\" on every node and replier", link->where,
		    opening->config->store_prefix);
		return false;
	}
	return !link_reply_failed(link, reply, error);
}

/* Takes the run id out of INFO server ("run_id:" hex); a user who may not ask (ACL) is no reason to go without a store. */
static void note_server_id(Link *link, const redisReply *reply)
{
	const char *start = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "run_id:") : NULL;

	if (!start)
		return;
	start += strlen("run_id:");
	g_free(link->server_id);
	link->server_id = g_strndup(start, strspn(start, "0123456789abcdef"));
}

/* Queues what introduces us; the name goes last, since its answer alone does not matter. */
static void push_introduction(Link *link, const Opening *opening)
{
	const Config *config = opening->config;
	g_autofree char *db = g_strdup_printf("%u", opening->url->db);
	g_autofree char *client = g_strdelimit(g_strdup_printf("outage-%s", opening->name), " \t\r\n", '-');
	g_autofree char *key = g_strconcat(config->store_prefix, PROBE_KEY, NULL);
	g_autofree char *other = g_strconcat(config->store_prefix, PROBE_OTHER, NULL);
	g_autoptr(GPtrArray) pick = command_new("SELECT", db, NULL), role = command_new("ROLE", NULL);
	g_autoptr(GPtrArray) probe = command_new("EXISTS", key, other, NULL), info = command_new("INFO", "server", NULL);
	g_autoptr(GPtrArray) set_name = command_new("CLIENT", "SETNAME", client, NULL);

	link_push_auth(link, &opening->secret);
	if (opening->url->db != 0)
		link_push(link, pick);
	link_push(link, probe);
	link_push(link, role);
	link_push(link, info);
	link_push(link, set_name);
}

static bool introduce(Link *link, const Opening *opening, LinkHost **moved, GError **error)
{
	g_autoptr(GPtrArray) replies = NULL;
	redisReply *const *next;

	*moved = NULL;
	push_introduction(link, opening);
	replies = link_run(link, opening->config->store_timeout, false, error);
	if (!replies)
		return false;
	next = (redisReply *const *)replies->pdata;
	if (opening->secret.password && link_auth_failed(link, &opening->secret, *next++, error))
		return false;
	if (!opening->secret.password && (*next)->type == REDIS_REPLY_ERROR && g_str_has_prefix((*next)->str, "NOAUTH"))
		return link_fail(link, OUTAGE_ERROR_UNAVAILABLE, error, "it asks for a password (store.password_file)");
	if (opening->url->db != 0 && link_reply_failed(link, *next++, error))
		return false;
	if (!owns_keys(link, opening, next[0], moved, error))
		return false;
	if (*moved)
		return true;
	note_server_id(link, next[2]);
	link->has_user = opening->secret.user != NULL && strcmp(opening->secret.user, "default") != 0;
	return link_role_is_primary(link, next[1], link->named != NULL, error);
}

/* Introduces us on link (taken over), going on once to where a Cluster sends us. NULL with error. */
static Link *settle_in(Link *first, const Opening *opening, GError **error)
{
	g_autoptr(Link) link = first;
	g_autoptr(LinkHost) moved = NULL, again = NULL;
	g_autofree char *from = NULL;

	if (!introduce(link, opening, &moved, error))
		return NULL;
	if (!moved)
		return g_steal_pointer(&link);
	from = g_strdup(link->where);
	link_free(link);
	link = link_connect(opening->config, moved, opening->url->tls, error);
	if (!link) {
		g_prefix_error(error, "Redis at %s, a node of a Cluster, sends us on: ", from);
		return NULL;
	}
	if (!introduce(link, opening, &again, error))
		return NULL;
	if (!again)
		return g_steal_pointer(&link);
	link_fail(link, OUTAGE_ERROR_UNAVAILABLE, error, "the Cluster sends us on and on: it is being changed");
	return NULL;
}

/* Goes to whom most Sentinels name. Where several are named by equally many, the first that says it is the primary wins. */
static Link *open_by_sentinel(const Opening *opening, GError **error)
{
	g_autoptr(LinkVote) vote = link_vote_take(opening->config, opening->url, error);
	g_autoptr(GError) last = NULL;
	guint most;

	if (!vote)
		return NULL;
	if (vote->named->len == 0) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "no Sentinel names the primary of \"%s\": %s", opening->url->master,
		    vote->trouble->str);
		return NULL;
	}
	most = ((const LinkNamed *)vote->named->pdata[0])->voices;
	for (guint i = 0; i < vote->named->len; i++) {
		const LinkNamed *named = vote->named->pdata[i];
		Link *link;

		if (named->voices < most)
			break;
		g_clear_error(&last);
		link = link_connect(opening->config, named->host, false, &last);
		if (link) {
			link->named = link_host_copy(named->host);
			link = settle_in(link, opening, &last);
		}
		if (link)
			return link;
	}
	g_propagate_prefixed_error(error, g_steal_pointer(&last), "the primary that %u of %u Sentinels name: ", most, vote->configured);
	return NULL;
}

Link *link_open(const Config *config, const char *name, GError **error)
{
	g_autoptr(LinkUrl) url = NULL;
	Opening opening = { .config = config, .name = name };
	Link *link;

	if (!store_url_check(config->store_url, error) || !(url = link_url_parse(config->store_url, error)))
		return NULL;
	opening.url = url;
	if (!link_secret_for_redis(config, url, &opening.secret, error))
		return NULL;
	if (url->kind == LINK_SENTINEL) {
		link = open_by_sentinel(&opening, error);
	} else {
		link = url->kind == LINK_UNIX ? link_connect_unix(config, url->path, error) :
		    link_connect(config, url->hosts->pdata[0], url->tls, error);
		if (link)
			link = settle_in(link, &opening, error);
	}
	link_secret_clear(&opening.secret);
	return link;
}

static bool can_read(const char *setting, const char *path, GError **error)
{
	if (!path || !*path || (g_file_test(path, G_FILE_TEST_IS_REGULAR) && access(path, R_OK) == 0))
		return true;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "%s: %s cannot be read", setting, path);
	return false;
}

bool link_config_check(const Config *config, const LinkUrl *url, GError **error)
{
	LinkSecret secret = { NULL };
	bool ok = link_secret_for_redis(config, url, &secret, error);

	link_secret_clear(&secret);
	if (ok && url->kind == LINK_SENTINEL) {
		LinkSecret sentinel = { NULL };

		ok = link_secret_for_sentinel(config, &sentinel, error);
		link_secret_clear(&sentinel);
	}
	if (!ok || !url->tls)
		return ok;
	if (!*config->store_tls_cert_file != !*config->store_tls_key_file) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "store.tls_cert_file and store.tls_key_file go together: one is missing");
		return false;
	}
	return can_read("store.tls_ca_file", config->store_tls_ca_file, error) &&
	    can_read("store.tls_cert_file", config->store_tls_cert_file, error) &&
	    can_read("store.tls_key_file", config->store_tls_key_file, error);
}
