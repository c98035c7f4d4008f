/* offline: a site and an incident that are only supposed (see offline.h). Layer: program. */
#include "outagectl/offline.h"

#include <json-glib/json-glib.h>

#include "base/address.h"
#include "base/error.h"
#include "mail/text.h"

Snapshot *offline_snapshot(Word word, gint64 now)
{
	Snapshot *snapshot = snapshot_new();

	snapshot->taken_at = now;
	if (word != WORD_NONE) {
		Incident *incident = incident_new("default");

		(void)incident_transition(&incident->state, "default", word == WORD_RESOLVED ? WORD_P1 : word, now, 0);
		(void)incident_transition(&incident->state, "default", word, now, 0);
		g_ptr_array_add(snapshot->incidents, incident);
	}
	return snapshot;
}

/* Without a support address in the configuration the one on the command line, or any, stands in: whoever tries this out has a
 * mail in hand and no site yet. */
static void stand_in_support(Config *config, const char *rcpt)
{
	g_autofree char *normal = address_normal_text(rcpt);
	SupportAddress *support;

	if (config->support[0] != NULL)
		return;
	support = g_new0(SupportAddress, 1);
	support->address = normal != NULL ? g_steal_pointer(&normal) : g_strdup("support@support.invalid");
	support->aliases = g_new0(char *, 1);
	support->incidents = g_new0(char *, 1);
	support->plus = true;
	support->mode = -1;
	support->threshold = -1;
	g_free(config->support);
	config->support = g_new0(SupportAddress *, 2);
	config->support[0] = support;
}

void offline_prepare(Config *config, const char *rcpt)
{
	stand_in_support(config, rcpt);
	config->mode = MODE_LIVE;
	for (SupportAddress **support = config->support; *support != NULL; support++)
		(*support)->mode = MODE_LIVE;
}

void offline_envelope(const Config *config, Message *message, const char *sender, const char *rcpt)
{
	const SupportAddress *support = config->support[0];

	if (sender != NULL) {
		message_set_sender(message, sender);
	} else if (message_header(message, "Return-Path", 0) != NULL) {
		g_autofree char *path = g_strstrip(g_strdup(message_header(message, "Return-Path", 0)));

		message_set_sender(message, path);
	} else {
		g_autoptr(GPtrArray) from = text_addresses(message_header(message, "From", 0));

		message_set_sender(message, from->len > 0 ? g_ptr_array_index(from, 0) : "");
	}
	if (rcpt != NULL) {
		message_add_rcpt(message, rcpt);
	} else {
		g_autofree char *any = support->address == NULL ? g_strconcat("support@", support->domain, NULL) : NULL;

		message_add_rcpt(message, any != NULL ? any : support->address);
	}
}

char *offline_recipient(const Config *config, const Message *message)
{
	/* What our own MTA noted comes before what the writer wrote. */
	static const char *const names[] = { "X-Original-To", "Delivered-To", "To", "Cc" };

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		for (guint nth = 0; nth < 3 && message_header(message, names[i], nth) != NULL; nth++) {
			g_autoptr(GPtrArray) all = text_addresses(message_header(message, names[i], nth));

			for (guint j = 0; j < all->len; j++)
				if (config_support(config, g_ptr_array_index(all, j)) != NULL)
					return g_strdup(g_ptr_array_index(all, j));
		}
	}
	return NULL;
}

static bool is_header(const Message *message, guint index, const char *name)
{
	return g_ascii_strcasecmp(((const Header *)g_ptr_array_index(message->headers, index))->name, name) == 0;
}

void offline_undeliver(Message *message)
{
	guint end = 0;

	if (message->headers->len == 0 || !is_header(message, 0, "Return-Path"))
		return;
	while (end < message->headers->len && !is_header(message, end, "Received"))
		end++;
	/* Without a Received nobody knows what was put there by whom. */
	for (guint i = end; end < message->headers->len && i-- > 0;)
		if (is_header(message, i, "Delivered-To"))
			g_ptr_array_remove_index(message->headers, i);
}

gint64 offline_time(const Message *message, gint64 now)
{
	gint64 at = 0;

	/* When it reached us, by our own clock; else as its writer says. */
	if ((text_date(message_header(message, "Received", 0), &at) && at > 0 && at <= now + 86400) ||
	    (text_date(message_header(message, "Date", 0), &at) && at > 0 && at <= now + 86400))
		return at;
	return 0;
}

Accounts *offline_accounts(const char *path, GError **error)
{
	g_autoptr(Accounts) accounts = accounts_new();
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonObjectIter iter;
	const char *key;
	JsonNode *node;

	if (path == NULL)
		return g_steal_pointer(&accounts);
	if (!json_parser_load_from_file(parser, path, error))
		return NULL;
	if (json_parser_get_root(parser) == NULL || !JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser))) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s: this is not one JSON object, key to account, as accounts import takes it",
		    path);
		return NULL;
	}
	json_object_iter_init(&iter, json_node_get_object(json_parser_get_root(parser)));
	while (json_object_iter_next(&iter, &key, &node)) {
		g_autofree char *json = json_to_string(node, FALSE);
		Account *account = account_parse(key, json, error);

		if (account == NULL)
			return NULL;
		accounts_add(accounts, account);
	}
	return g_steal_pointer(&accounts);
}

GPtrArray *offline_reasons(ReasonSet set)
{
	GPtrArray *names = g_ptr_array_new();

	for (guint reason = 0; reason < REASONS; reason++)
		if ((set & REASON_BIT(reason)) != 0)
			g_ptr_array_add(names, (char *)reason_name(reason));
	return names;
}
