/* notes: see notes.h. Layer: program. */
#include "outage-milter/notes.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "config/shown.h"
#include "store/json-fields.h"
#include "store/notes.h"

#define PAUSE_FIRST_MS 250
#define PAUSE_MAX_MS 30000
/* A store that is there and says no, so often: its memory may be full for a while. With the pauses that is a minute. */
#define TRIES_MAX 8
#define SAY_EVERY_US (60 * G_USEC_PER_SEC)

typedef enum { ENTRY_MAIL, ENTRY_RECENT, ENTRY_ANSWER, ENTRY_ANSWERED, ENTRY_OPTOUT } EntryKind;

typedef struct {
	EntryKind kind;
	guint uses;            /* of MAIL; each goes once it is written */
	Facts *facts;          /* of MAIL, RECENT and ANSWERED */
	GPtrArray *keys;       /* of ANSWER */
	char *waited;          /* of ANSWERED: seconds */
	bool counted;          /* of ANSWERED: only the event is left to be written */
	char *id, *tag;        /* of OPTOUT */
	guint tries;           /* that the store has refused */
} Entry;

struct Notes {
	const Secret *secret;
	char *node;
	GThread *thread;
	GMutex lock;           /* over what follows */
	GCond work;
	Config *config;
	GQueue recent;         /* Entry *: the first to go */
	GQueue others;         /* Entry *: the first to be written */
	bool stopping;
	gint64 until;          /* clock_mono_us: of a stop */
	gint64 next_complaint; /* clock_mono_us */
	guint64 unsaid;        /* dropped since the last complaint */
	guint64 written, dropped, answered;
};

/* What the thread alone knows. */
typedef struct {
	Store *store;          /* NULL while it is away */
	Config *opened_with;
	gint64 pause_ms;       /* 0 = none */
	bool said_away;
	gint64 next_refusal;   /* clock_mono_us: when the next entry that was refused is told of */
} Writer;

static void entry_free(Entry *entry)
{
	facts_free(entry->facts);
	if (entry->keys != NULL)
		g_ptr_array_unref(entry->keys);
	g_free(entry->waited);
	g_free(entry->id);
	g_free(entry->tag);
	g_free(entry);
}

/* --- the queue --- */

/* With the lock. */
static void count_dropped(Notes *notes)
{
	gint64 now = clock_mono_us();

	notes->dropped++;
	notes->unsaid++;
	if (now < notes->next_complaint)
		return;
	log_warning("notes: %" G_GUINT64_FORMAT " could not be kept (the store is away or full); those people may get no notice, or not be listed",
	    notes->unsaid);
	notes->next_complaint = now + SAY_EVERY_US;
	notes->unsaid = 0;
}

static void push(Notes *notes, Entry *entry)
{
	Entry *oldest = NULL;

	g_mutex_lock(&notes->lock);
	if (notes->stopping) {
		oldest = entry;
	} else {
		if (notes->recent.length + notes->others.length >= NOTES_MAX) {
			oldest = g_queue_pop_head(&notes->recent);
			if (oldest == NULL)
				oldest = g_queue_pop_head(&notes->others);
		}
		g_queue_push_tail(entry->kind == ENTRY_RECENT ? &notes->recent : &notes->others, entry);
		g_cond_signal(&notes->work);
	}
	if (oldest != NULL)
		count_dropped(notes);
	g_mutex_unlock(&notes->lock);
	if (oldest != NULL)
		entry_free(oldest);
}

static Entry *entry_new(EntryKind kind)
{
	Entry *entry = g_new0(Entry, 1);

	entry->kind = kind;
	return entry;
}

void notes_add_mail(Notes *notes, Facts *facts, guint uses)
{
	Entry *entry = entry_new(ENTRY_MAIL);

	entry->facts = facts;
	entry->uses = uses;
	push(notes, entry);
}

void notes_add_recent(Notes *notes, Facts *facts)
{
	Entry *entry = entry_new(ENTRY_RECENT);

	entry->facts = facts;
	push(notes, entry);
}

void notes_add_answer(Notes *notes, GPtrArray *keys)
{
	Entry *entry = entry_new(ENTRY_ANSWER);

	entry->keys = keys;
	push(notes, entry);
}

void notes_add_optout(Notes *notes, const char *id, const char *tag)
{
	Entry *entry = entry_new(ENTRY_OPTOUT);

	entry->id = g_strdup(id);
	entry->tag = g_strdup(tag);
	push(notes, entry);
}

/* --- the thread --- */

/* A list that will not have it keeps it out of no other. */
static bool write_mail(Notes *notes, Store *store, Entry *entry, GError **error)
{
	static const struct {
		guint use;
		NoteList list;
	} uses[] = { { FACTS_CONTACT, NOTES_CONTACTS }, { FACTS_WAITING, NOTES_WAITING } };
	GError *refusal = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(uses); i++) {
		GError *failure = NULL;

		if ((entry->uses & uses[i].use) == 0)
			continue;
		if (!store_note_facts(store, notes->secret, uses[i].list, entry->facts, &failure) &&
		    !g_error_matches(failure, OUTAGE_ERROR, OUTAGE_ERROR_INVALID)) {
			g_clear_error(&refusal);
			g_propagate_error(error, failure);
			return false;
		}
		entry->uses &= ~uses[i].use;
		if (refusal == NULL)
			refusal = failure;
		else
			g_clear_error(&failure);
	}
	if (refusal != NULL)
		g_propagate_error(error, refusal);
	return refusal == NULL;
}

static void log_answered(Notes *notes, const Facts *facts, const char *waited)
{
	g_autoptr(Config) config = NULL;
	g_autofree char *account = NULL;

	g_mutex_lock(&notes->lock);
	config = config_ref(notes->config);
	g_mutex_unlock(&notes->lock);
	account = shown_name(notes->secret, config, facts->account);
	log_event("answered", "incident", facts->id, "account", account, "#seconds", waited, NULL);
}

/* His waiting has ended. What is to be counted and told of it is an entry of its own, next in turn, so that a store that fails only now
 * is asked again. */
static void queue_answered(Notes *notes, const StoredNote *note)
{
	g_autofree char *waited = g_strdup_printf("%" G_GINT64_FORMAT, MAX(0, clock_now() - note->at));
	g_autoptr(GError) error = NULL;
	g_autoptr(Facts) facts = note_open(notes->secret, note, &error);
	Entry *entry;

	if (facts == NULL || facts->id == NULL) {
		log_warning("notes: somebody who waited was answered, but what was kept of his mail cannot be read: %s",
		    error != NULL ? error->message : "it names no incident");
		return;
	}
	log_answered(notes, facts, waited);
	entry = entry_new(ENTRY_ANSWERED);
	entry->facts = g_steal_pointer(&facts);
	entry->waited = g_steal_pointer(&waited);
	g_mutex_lock(&notes->lock);
	g_queue_push_head(&notes->others, entry);
	g_mutex_unlock(&notes->lock);
}

static bool write_answer(Notes *notes, Store *store, const Entry *entry, GError **error)
{
	g_autoptr(GPtrArray) ended = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);
	bool ok = store_waiting_end(store, entry->keys, ended, error);

	/* Even where it has failed over the later ones: these are out, and will not come again. */
	for (guint i = 0; i < ended->len; i++)
		queue_answered(notes, g_ptr_array_index(ended, i));
	g_mutex_lock(&notes->lock);
	notes->answered += ended->len;
	g_mutex_unlock(&notes->lock);
	return ok;
}

static bool write_answered(Notes *notes, Store *store, Entry *entry, GError **error)
{
	const Facts *facts = entry->facts;

	if (!entry->counted && !store_count(store, facts->id, "persons-answered", 1, error))
		return false;
	entry->counted = true;
	return store_add_event(store, "answered", facts->incident, notes->node, entry->waited, error);
}

static bool write_entry(Notes *notes, Store *store, Entry *entry, GError **error)
{
	switch (entry->kind) {
	case ENTRY_MAIL:
		return write_mail(notes, store, entry, error);
	case ENTRY_RECENT:
		return store_note_facts(store, notes->secret, NOTES_RECENT, entry->facts, error);
	case ENTRY_ANSWER:
		return write_answer(notes, store, entry, error);
	case ENTRY_ANSWERED:
		return write_answered(notes, store, entry, error);
	case ENTRY_OPTOUT:
		break;
	}
	return store_optout_add(store, entry->id, entry->tag, error);
}

static void writer_close(Writer *writer)
{
	g_clear_pointer(&writer->store, store_close);
	g_clear_pointer(&writer->opened_with, config_unref);
}

typedef enum { OUTCOME_WRITTEN, OUTCOME_REFUSED, OUTCOME_FAILED } Outcome;

/* The store is well, but will not have this entry: its list is full, or somebody has put something else in its place. Nobody else's is to
 * wait for that: least of all an answer, which makes room. */
static Outcome refused(Writer *writer, const GError *error)
{
	gint64 now = clock_mono_us();

	if (now >= writer->next_refusal) {
		log_warning("%s", error->message);
		writer->next_refusal = now + SAY_EVERY_US;
	}
	return OUTCOME_REFUSED;
}

static Outcome failed(Writer *writer, Entry *entry, const GError *error)
{
	if (writer->store != NULL && store_is_lost(writer->store))
		writer_close(writer);
	else if (writer->store != NULL)
		entry->tries++;
	if (!writer->said_away)
		log_warning("notes: %s; what is to be remembered of mails waits in memory", error->message);
	writer->said_away = true;
	writer->pause_ms = CLAMP(writer->pause_ms * 2, PAUSE_FIRST_MS, PAUSE_MAX_MS);
	return OUTCOME_FAILED;
}

/* Without the lock. */
static Outcome try_entry(Notes *notes, Writer *writer, Config *config, Entry *entry)
{
	g_autoptr(GError) error = NULL;

	if (writer->opened_with != config)
		writer_close(writer);
	if (writer->store == NULL) {
		writer->store = store_open(config, notes->node, &error);
		writer->opened_with = writer->store != NULL ? config_ref(config) : NULL;
	}
	if (writer->store == NULL)
		return failed(writer, entry, error);
	if (!write_entry(notes, writer->store, entry, &error))
		return g_error_matches(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID) ? refused(writer, error) : failed(writer, entry, error);
	if (writer->said_away)
		log_info("notes: the store takes them again");
	writer->said_away = false;
	writer->pause_ms = 0;
	return OUTCOME_WRITTEN;
}

/* With the lock. The next entry; NULL where it is time to stop. */
static Entry *next_entry(Notes *notes)
{
	for (;;) {
		Entry *entry;

		if (notes->stopping && clock_mono_us() >= notes->until)
			return NULL;
		entry = g_queue_pop_head(&notes->others);
		if (entry == NULL)
			entry = g_queue_pop_head(&notes->recent);
		if (entry != NULL || notes->stopping)
			return entry;
		g_cond_wait(&notes->work, &notes->lock);
	}
}

/* With the lock. The entry could not be written: it waits at its old place, or goes. */
static void put_back(Notes *notes, Entry *entry)
{
	if (entry->tries >= TRIES_MAX) {
		count_dropped(notes);
		entry_free(entry);
		return;
	}
	g_queue_push_head(entry->kind == ENTRY_RECENT ? &notes->recent : &notes->others, entry);
}

/* With the lock. Nodes that lost the store together do not come back together. */
static void wait_for_store(Notes *notes, gint64 pause_ms)
{
	gint64 until = clock_mono_us() + pause_ms * 500 + g_random_int_range(0, (gint32)pause_ms * 500 + 1);

	while (!notes->stopping && clock_mono_us() < until)
		(void)g_cond_wait_until(&notes->work, &notes->lock, until);
}

static gpointer run(gpointer data)
{
	Notes *notes = data;
	Writer writer = { .store = NULL };
	Entry *entry;

	g_mutex_lock(&notes->lock);
	while ((entry = next_entry(notes)) != NULL) {
		g_autoptr(Config) config = config_ref(notes->config);
		Outcome outcome;

		g_mutex_unlock(&notes->lock);
		outcome = try_entry(notes, &writer, config, entry);
		g_mutex_lock(&notes->lock);
		if (outcome != OUTCOME_FAILED) {
			notes->written += outcome == OUTCOME_WRITTEN;
			if (outcome == OUTCOME_REFUSED)
				count_dropped(notes);
			entry_free(entry);
			continue;
		}
		put_back(notes, entry);
		if (notes->stopping)
			break;
		wait_for_store(notes, writer.pause_ms);
	}
	g_mutex_unlock(&notes->lock);
	writer_close(&writer);
	return NULL;
}

/* --- start and stop --- */

Notes *notes_start(Config *config, const Secret *secret, const char *node)
{
	Notes *notes = g_new0(Notes, 1);

	notes->config = config_ref(config);
	notes->secret = secret;
	notes->node = g_strdup(node);
	g_mutex_init(&notes->lock);
	g_cond_init(&notes->work);
	g_queue_init(&notes->recent);
	g_queue_init(&notes->others);
	notes->thread = g_thread_new("notes", run, notes);
	return notes;
}

void notes_stop(Notes *notes, gint64 drain_ms)
{
	guint left;

	g_mutex_lock(&notes->lock);
	notes->stopping = true;
	notes->until = clock_mono_us() + drain_ms * 1000;
	g_cond_broadcast(&notes->work);
	g_mutex_unlock(&notes->lock);
	g_thread_join(notes->thread);
	left = notes_counts(notes).waiting;
	if (left > 0)
		log_warning("notes: %u were not written before the stop", left);
}

void notes_free(Notes *notes)
{
	g_queue_clear_full(&notes->recent, (GDestroyNotify)entry_free);
	g_queue_clear_full(&notes->others, (GDestroyNotify)entry_free);
	config_unref(notes->config);
	g_mutex_clear(&notes->lock);
	g_cond_clear(&notes->work);
	g_free(notes->node);
	g_free(notes);
}

void notes_reconfigure(Notes *notes, Config *config)
{
	Config *before;

	g_mutex_lock(&notes->lock);
	before = notes->config;
	notes->config = config_ref(config);
	g_mutex_unlock(&notes->lock);
	config_unref(before);
}

/* --- what is told of it --- */

NotesCounts notes_counts(Notes *notes)
{
	NotesCounts counts;

	g_mutex_lock(&notes->lock);
	counts.written = notes->written;
	counts.dropped = notes->dropped;
	counts.answered = notes->answered;
	counts.waiting = notes->recent.length + notes->others.length;
	g_mutex_unlock(&notes->lock);
	return counts;
}

void notes_describe(Notes *notes, JsonBuilder *builder)
{
	NotesCounts counts = notes_counts(notes);

	fields_add_count(builder, "notes", counts.written);
	fields_add_count(builder, "notes_waiting", counts.waiting);
	fields_add_count(builder, "notes_dropped", counts.dropped);
	fields_add_count(builder, "persons_answered", counts.answered);
}

void notes_log(Notes *notes)
{
	NotesCounts counts = notes_counts(notes);
	g_autofree char *written = g_strdup_printf("%" G_GUINT64_FORMAT, counts.written);
	g_autofree char *dropped = g_strdup_printf("%" G_GUINT64_FORMAT, counts.dropped);
	g_autofree char *answered = g_strdup_printf("%" G_GUINT64_FORMAT, counts.answered);

	log_event("notes", "#written", written, "#dropped", dropped, "#answered", answered, NULL);
}
