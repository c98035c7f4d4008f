/* waiting: see waiting.h. Layer: program. */
#include "outagectl/waiting.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define SHOWN_BYTES 60 /* of a subject, an address, a name */

void waiting_free(Waiting *waiting)
{
	g_free(waiting->account);
	g_free(waiting->level);
	g_free(waiting->kinds);
	g_free(waiting->sender);
	g_free(waiting->subject);
	g_free(waiting->incident);
	g_free(waiting->queue);
	g_free(waiting);
}

/* --- the order --- */

static guint level_rank(const Waiting *waiting)
{
	static const char *const levels[] = { "platinum", "gold", "silver", "bronze" };

	if (waiting->account == NULL)
		return G_N_ELEMENTS(levels) + 2;
	for (guint i = 0; waiting->level != NULL && i < G_N_ELEMENTS(levels); i++)
		if (g_ascii_strcasecmp(waiting->level, levels[i]) == 0)
			return i;
	return G_N_ELEMENTS(levels) + (waiting->level == NULL);
}

int waiting_compare(const Waiting *a, const Waiting *b)
{
	guint x = level_rank(a), y = level_rank(b);
	gint64 due_a = a->respond_by != 0 ? a->respond_by : G_MAXINT64, due_b = b->respond_by != 0 ? b->respond_by : G_MAXINT64;

	if (x != y)
		return x < y ? -1 : 1;
	if (due_a != due_b)
		return due_a < due_b ? -1 : 1;
	return (a->since > b->since) - (a->since < b->since);
}

static int by_size(gconstpointer a, gconstpointer b)
{
	return waiting_compare(*(const Waiting *const *)a, *(const Waiting *const *)b);
}

bool waiting_is_overdue(const Waiting *waiting, gint64 now)
{
	return waiting->respond_by != 0 && waiting->respond_by < now;
}

/* --- reading --- */

static void append_kinds(GString *kinds, const GPtrArray *names)
{
	for (guint i = 0; i < names->len; i++)
		g_string_append_printf(kinds, "%s%s", kinds->len > 0 ? "," : "", (const char *)g_ptr_array_index(names, i));
}

static void fill_from_facts(Waiting *waiting, const Facts *facts, const Snapshot *snapshot)
{
	const Incident *incident = facts->incident != NULL ? snapshot_find(snapshot, facts->incident) : NULL;
	g_autoptr(GString) kinds = g_string_new(NULL);

	append_kinds(kinds, facts->escalate);
	if (facts_still_affected(facts, incident != NULL ? &incident->state : NULL, waiting->since))
		g_string_append(kinds, kinds->len > 0 ? ",still-affected" : "still-affected");
	append_kinds(kinds, facts->sensitive);
	waiting->kinds = g_strdup(kinds->str);
	waiting->account = g_strdup(facts->account);
	waiting->level = g_strdup(facts->level);
	waiting->sender = g_strdup(facts->sender != NULL ? facts->sender : facts->from);
	waiting->subject = g_strdup(facts->subject);
	waiting->incident = g_strdup(facts->incident);
	waiting->queue = g_strdup(facts->queue);
	waiting->respond_by = facts->respond_by;
	waiting->verified = true;
}

static char *text_member(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_dup_string(node)
	                                                                                                    : NULL;
}

/* Without the secret what is there is shown as it is. */
static void fill_from_payload(Waiting *waiting, const char *payload)
{
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	JsonNode *root, *due;
	JsonObject *object;

	if (payload == NULL || !json_parser_load_from_data(parser, payload, -1, NULL))
		return;
	root = json_parser_get_root(parser);
	if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root))
		return;
	object = json_node_get_object(root);
	waiting->account = text_member(object, "account");
	waiting->level = text_member(object, "level");
	waiting->sender = text_member(object, "sender");
	waiting->subject = text_member(object, "subject");
	waiting->incident = text_member(object, "incident");
	waiting->queue = text_member(object, "queue");
	due = json_object_get_member(object, "respond_by");
	if (due != NULL && JSON_NODE_HOLDS_VALUE(due) && json_node_get_value_type(due) == G_TYPE_INT64)
		waiting->respond_by = json_node_get_int(due);
	waiting->verified = true;
}

static Waiting *read_one(const StoredNote *note, const Secret *secret, const Snapshot *snapshot)
{
	Waiting *waiting = g_new0(Waiting, 1);
	g_autoptr(Facts) facts = secret != NULL ? note_open(secret, note, NULL) : NULL;

	waiting->since = note->at;
	waiting->calls = note->pages;
	waiting->called_at = note->paged_at;
	if (facts != NULL)
		fill_from_facts(waiting, facts, snapshot);
	else if (secret == NULL)
		fill_from_payload(waiting, note->payload);
	return waiting;
}

/* Whether the mail is an account's, as far as can be seen without opening its note: within a JSON string a quote is escaped, so this stands
 * there as the name of a member only. */
static bool seems_an_accounts(const StoredNote *note)
{
	return note->payload != NULL && strstr(note->payload, "\"account\":") != NULL;
}

static int by_urgency(gconstpointer a, gconstpointer b)
{
	const StoredNote *x = *(const StoredNote *const *)a, *y = *(const StoredNote *const *)b;
	bool account_x = seems_an_accounts(x), account_y = seems_an_accounts(y);

	if (account_x != account_y)
		return account_x ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Keeps the WAITING_MAX most urgent. */
static void drop_others(GPtrArray *notes)
{
	g_ptr_array_sort(notes, by_urgency);
	if (notes->len > WAITING_MAX)
		g_ptr_array_set_size(notes, WAITING_MAX);
}

/* Returns the notes (StoredNote *) of the most urgent; *count: of all. NULL with error. Caller unrefs. */
static GPtrArray *read_urgent(Store *store, guint *count, GError **error)
{
	g_autoptr(GPtrArray) urgent = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *cursor = NULL;

	do {
		g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);

		if (!store_notes_slice(store, NOTES_WAITING, NULL, &cursor, notes, error))
			return NULL;
		while (notes->len > 0) {
			StoredNote *note = g_ptr_array_steal_index_fast(notes, notes->len - 1);

			if (g_hash_table_add(seen, g_strdup(note->key)))
				g_ptr_array_add(urgent, note);
			else
				stored_note_free(note);
		}
		if (urgent->len > 2 * WAITING_MAX)
			drop_others(urgent);
	} while (cursor != NULL);
	drop_others(urgent);
	*count = g_hash_table_size(seen);
	return g_steal_pointer(&urgent);
}

GPtrArray *waiting_read(Store *store, const Secret *secret, const Snapshot *snapshot, guint *count, GError **error)
{
	g_autoptr(GPtrArray) urgent = read_urgent(store, count, error);
	GPtrArray *all;

	if (urgent == NULL)
		return NULL;
	all = g_ptr_array_new_with_free_func((GDestroyNotify)waiting_free);
	for (guint i = 0; i < urgent->len; i++)
		g_ptr_array_add(all, read_one(g_ptr_array_index(urgent, i), secret, snapshot));
	g_ptr_array_sort(all, by_size);
	return all;
}

/* --- saying it --- */

static char *ago(gint64 now, gint64 then)
{
	gint64 seconds = MAX(1, now - then);

	return clock_format_duration((seconds >= 60 ? seconds - seconds % 60 : seconds) * 1000);
}

static void append_text(GString *line, const char *before, const char *text, const char *after)
{
	g_autofree char *safe = log_escape(text, SHOWN_BYTES);

	if (*safe != '\0')
		g_string_append_printf(line, "%s%s%s", before, safe, after);
}

char *waiting_line(const Waiting *waiting, gint64 now)
{
	g_autofree char *since = ago(now, waiting->since);
	GString *line = g_string_new(NULL);

	g_string_printf(line, "%-7s", since);
	if (!waiting->verified) {
		g_string_append(line, " a note that this site has not signed");
		return g_string_free(line, FALSE);
	}
	append_text(line, " ", waiting->account, "");
	append_text(line, " (", waiting->level, ")");
	append_text(line, " ", waiting->kinds, "");
	append_text(line, " ", waiting->sender, "");
	append_text(line, " \"", waiting->subject, "\"");
	append_text(line, " in ", waiting->queue, "");
	if (waiting->respond_by != 0) {
		bool overdue = waiting_is_overdue(waiting, now);
		g_autofree char *span = overdue ? ago(now, waiting->respond_by) : ago(waiting->respond_by, now);

		g_string_append_printf(line, overdue ? ", AN ANSWER WAS DUE %s AGO" : ", an answer is due in %s", span);
	}
	if (waiting->calls > 0) {
		g_autofree char *last = ago(now, waiting->called_at);

		g_string_append_printf(line, ", people were called %u time(s), the last %s ago", waiting->calls, last);
	}
	return g_string_free(line, FALSE);
}
