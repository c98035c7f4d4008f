/* explain-find: the lines of a log that speak of one mail (see explain.h). Layer: program.
 *
 * Only lines that hold the id, or a queue id of a mail that was found by its Message-ID, are parsed: logs are long. The same line may stand in
 * two files (mail.log and syslog): it counts once. */
#include <stdbool.h>
#include <string.h>

#include "outagectl/explain.h"

/* Of a Message-ID the log has the first 250 bytes (decision.c), and blanks may stand in front of them. */
#define ID_WHOLE 200

struct ExplainSearch {
	char *id;             /* without angle brackets */
	char *part;           /* of it, as every form of the log has it: unescaped */
	GHashTable *queue_ids; /* set of char *: of mails found by their Message-ID */
	guint known_before;   /* of these, when this reading began */
	bool by_message_id;
	GHashTable *seen;     /* set of char *: lines */
	GPtrArray *found;     /* Explained * */
};

void explained_free(Explained *one)
{
	logline_free(one->decision);
	g_free(one->queue_id);
	g_ptr_array_unref(one->after);
	g_free(one);
}

static void forget(ExplainSearch *search)
{
	g_hash_table_remove_all(search->seen);
	g_ptr_array_set_size(search->found, 0);
	search->known_before = g_hash_table_size(search->queue_ids);
}

static char *without_brackets(const char *id)
{
	gsize length = strlen(id);

	return length > 2 && id[0] == '<' && id[length - 1] == '>' ? g_strndup(id + 1, length - 2) : g_strdup(id);
}

/* Returns the longest piece of id that needs escaping neither as text nor as JSON, and that no cut has taken; caller frees. */
static char *plain_part(const char *id)
{
	const char *end = id + strnlen(id, ID_WHOLE), *best = id;
	gsize length, most = 0;

	for (const char *p = id; p < end; p += length + 1) {
		for (length = 0; p + length < end && g_ascii_isprint(p[length]) && p[length] != '"' && p[length] != '\\'; length++)
			;
		if (length > most) {
			most = length;
			best = p;
		}
	}
	return g_strndup(best, most);
}

ExplainSearch *explain_search_new(const char *id)
{
	ExplainSearch *search = g_new0(ExplainSearch, 1);

	search->id = without_brackets(id);
	search->part = plain_part(search->id);
	search->by_message_id = strchr(id, '@') != NULL;
	search->queue_ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	search->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	search->found = g_ptr_array_new_with_free_func((GDestroyNotify)explained_free);
	if (!search->by_message_id)
		g_hash_table_add(search->queue_ids, g_strdup(search->id));
	forget(search);
	return search;
}

void explain_search_free(ExplainSearch *search)
{
	g_free(search->id);
	g_free(search->part);
	g_hash_table_unref(search->queue_ids);
	g_hash_table_unref(search->seen);
	g_ptr_array_unref(search->found);
	g_free(search);
}

static bool may_speak_of_it(const ExplainSearch *search, const char *line)
{
	GHashTableIter iter;
	gpointer id;

	if (strstr(line, search->part) != NULL)
		return true;
	g_hash_table_iter_init(&iter, search->queue_ids);
	while (g_hash_table_iter_next(&iter, &id, NULL))
		if (strstr(line, id) != NULL)
			return true;
	return false;
}

/* Whether a Message-ID of the log is the one that is looked for, as far as the log has it. */
static bool is_message_id(const ExplainSearch *search, const char *logged)
{
	g_autofree char *bare = without_brackets(logged);

	if (strcmp(bare, search->id) == 0)
		return true;
	return logged[0] == '<' && strlen(logged) > ID_WHOLE && strchr(logged, '>') == NULL && g_str_has_prefix(search->id, logged + 1);
}

static bool is_decision(const ExplainSearch *search, const LogLine *line)
{
	const char *message_id = logline_get(line, "message_id"), *queue_id = logline_get(line, "queue_id");

	if (g_strcmp0(line->event, "message") != 0)
		return false;
	return (message_id != NULL && is_message_id(search, message_id)) || g_strcmp0(queue_id, search->id) == 0;
}

/* Returns the newest mail of that queue id (may be NULL), or NULL. */
static Explained *newest(const ExplainSearch *search, const char *queue_id)
{
	for (guint i = search->found->len; i-- > 0;) {
		Explained *one = search->found->pdata[i];

		if (g_strcmp0(one->queue_id, queue_id) == 0)
			return one;
	}
	return NULL;
}

/* decision: taken over; NULL where the replier's log comes before the milter's. */
static Explained *add(ExplainSearch *search, const char *queue_id, LogLine *decision)
{
	Explained *one = queue_id != NULL ? newest(search, queue_id) : NULL;

	if (queue_id != NULL)
		g_hash_table_add(search->queue_ids, g_strdup(queue_id));
	if (one == NULL || one->decision != NULL) {
		one = g_new0(Explained, 1);
		one->queue_id = g_strdup(queue_id);
		one->after = g_ptr_array_new_with_free_func((GDestroyNotify)logline_free);
		g_ptr_array_add(search->found, one);
	}
	one->decision = decision;
	return one;
}

void explain_visit(const char *text, gpointer data)
{
	ExplainSearch *search = data;
	g_autoptr(LogLine) line = NULL;
	const char *queue_id;

	if (!may_speak_of_it(search, text) || g_hash_table_contains(search->seen, text) || (line = logline_parse(text)) == NULL)
		return;
	queue_id = logline_get(line, "queue_id");
	if (is_decision(search, line)) {
		(void)add(search, queue_id, line);
		line = NULL;
	} else if (line->event != NULL && strcmp(line->event, "message") != 0 && queue_id != NULL &&
	    g_hash_table_contains(search->queue_ids, queue_id)) {
		Explained *one = newest(search, queue_id);

		if (one == NULL)
			one = add(search, queue_id, NULL);
		g_ptr_array_add(one->after, g_steal_pointer(&line));
	} else {
		return;
	}
	g_hash_table_add(search->seen, g_strdup(text));
}

bool explain_wants_more(ExplainSearch *search)
{
	if (g_hash_table_size(search->queue_ids) == search->known_before || !search->by_message_id)
		return false;
	forget(search);
	return true;
}

const GPtrArray *explain_found(const ExplainSearch *search)
{
	return search->found;
}
