/* outbound: see outbound.h. Layer: inspect. Pure.
 *
 *     in-reply-to = "In-Reply-To:" 1*msg-id      references = "References:" 1*msg-id      RFC 5322 section 3.6.4
 *     msg-id      = "<" id ">"
 *
 * Old clients write words and addresses without brackets around the ids; those are passed over. */
#include "inspect/outbound.h"

#include <string.h>

#include "inspect/answerable.h"
#include "inspect/facts.h"
#include "mail/text.h"

/* A long thread names its newest mails last. */
#define KEYS_MAX 20
#define ID_MAX 998

bool outbound_may_be(const Config *config, const Message *message)
{
	return message->auth_user != NULL || config_is_outbound_host(config, message->client_addr);
}

bool outbound_reads_header(const char *name)
{
	static const char *const names[] = { "From", "Message-ID", "In-Reply-To", "References", "Auto-Submitted" };

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_ascii_strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_from_us(const Config *config, const Message *message)
{
	g_autoptr(GPtrArray) from = NULL;

	if (message->sender != NULL && config_support(config, message->sender) != NULL)
		return true;
	from = text_addresses(message_header(message, "From", 0));
	for (guint i = 0; i < from->len; i++)
		if (config_support(config, g_ptr_array_index(from, i)) != NULL)
			return true;
	return false;
}

/* A copy to our own box is usual; mail to nothing else answers nobody. */
static bool is_to_others(const Config *config, const Message *message)
{
	for (guint i = 0; i < message->rcpts->len; i++)
		if (config_support(config, g_ptr_array_index(message->rcpts, i)) == NULL)
			return true;
	return false;
}

static void add_keys(GPtrArray *keys, const char *value)
{
	const char *open = value, *close;

	while (open != NULL && (open = strchr(open, '<')) != NULL && (close = strchr(open, '>')) != NULL) {
		if (close - open <= ID_MAX) {
			g_autofree char *id = g_strndup(open, (gsize)(close - open) + 1);

			if (keys->len == KEYS_MAX)
				g_ptr_array_remove_index(keys, 0);
			g_ptr_array_add(keys, facts_key_of(id));
		}
		open = close;
	}
}

GPtrArray *outbound_keys(const Config *config, const Message *message)
{
	g_autoptr(GPtrArray) keys = NULL;
	const char *in_reply_to = message_header(message, "In-Reply-To", 0), *references = message_header(message, "References", 0);

	/* What most mail is not, first. */
	if ((in_reply_to == NULL && references == NULL) || !is_from_us(config, message) || !is_to_others(config, message) ||
	    answerable_says_automatic(message) || answerable_is_our_message_id(message_header(message, "Message-ID", 0)))
		return NULL;
	keys = g_ptr_array_new_with_free_func(g_free);
	/* The mail that is answered stands in both; last, so that it stays. */
	add_keys(keys, references);
	add_keys(keys, in_reply_to);
	return keys->len > 0 ? g_steal_pointer(&keys) : NULL;
}
