/* sent: the tokens of the letters that this process has sent (see sent.h). Layer: program. Apart from work.c so that it
 * can be tested without a store. */
#include "outage-replier/sent.h"

struct SentLog {
	GHashTable *states; /* token (owned) -> SentState */
	GQueue order;       /* the same tokens, the oldest at its head */
	guint limit;
};

SentLog *sent_log_new(guint limit)
{
	SentLog *log = g_new0(SentLog, 1);

	log->states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_queue_init(&log->order);
	log->limit = limit;
	return log;
}

void sent_log_free(SentLog *log)
{
	if (log == NULL)
		return;
	g_queue_clear(&log->order);
	g_hash_table_unref(log->states);
	g_free(log);
}

static void set_state(SentLog *log, char *token, SentState state)
{
	g_hash_table_insert(log->states, token, GINT_TO_POINTER(state));
}

void sent_log_add(SentLog *log, const char *token)
{
	char *copy;

	if (sent_log_state(log, token) != SENT_NOT)
		return;
	copy = g_strdup(token);
	set_state(log, copy, SENT_TAKEN);
	g_queue_push_tail(&log->order, copy);
	if (log->order.length > log->limit)
		g_hash_table_remove(log->states, g_queue_pop_head(&log->order));
}

void sent_log_end(SentLog *log, const char *token)
{
	/* A key that is there keeps its own copy, and frees the one that it is given. */
	if (g_hash_table_contains(log->states, token))
		set_state(log, g_strdup(token), SENT_ENDED);
}

SentState sent_log_state(const SentLog *log, const char *token)
{
	return (SentState)GPOINTER_TO_INT(g_hash_table_lookup(log->states, token));
}
