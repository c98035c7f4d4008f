/* peek: see peek.h. Layer: store.
 *
 * store_snapshot() would do more than look: it brings the incident's state in line with the word. */
#include "store/peek.h"

#include "store/link.h"

#define WORD_MAX 64 /* bytes of a value; no flip word is longer */

char *store_peek_word(const Config *config, const char *url, GError **error)
{
	g_autoptr(Config) elsewhere = config_defaults();
	g_autofree char *key = g_strconcat(config->store_prefix, "incident", NULL), *last = g_strdup_printf("%d", WORD_MAX - 1);
	g_autoptr(GPtrArray) command = command_new("GETRANGE", key, "0", last, NULL);
	g_autoptr(redisReply) reply = NULL;
	g_autoptr(Link) link = NULL;

	g_free(elsewhere->store_url);
	elsewhere->store_url = g_strdup(url);
	elsewhere->store_connect_timeout = config->store_connect_timeout;
	elsewhere->store_timeout = config->store_timeout;
	link = link_open(elsewhere, "outagectl", error);
	if (link == NULL)
		return NULL;
	reply = link_ask(link, command, config->store_timeout, false, error);
	if (reply == NULL || reply->type != REDIS_REPLY_STRING || reply->len == 0)
		return NULL;
	return g_strndup(reply->str, reply->len);
}
