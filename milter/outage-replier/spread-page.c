/* spread-page: calls a person for mail that nobody has answered (see spread.h). Layer: program.
 *
 * That somebody is called is noted in the store before it is done: of several repliers one calls. One that dies just then, or whose noting
 * is never answered, leaves the mail to the next call, page.repeat later. The command runs in a thread of its own, for it may take its
 * time; the letters are kept until the store has taken them. */
#include "base/call.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "config/shown.h"
#include "outage-replier/due.h"
#include "outage-replier/spread-private.h"

#define LOOK_US (5 * G_USEC_PER_SEC)
/* Notes that one look goes through; the next look goes on from there. */
#define LOOK_NOTES 2000
/* Commands that run at once, and that wait for their turn: what does not fit is called in a later look. */
#define CALLS_AT_ONCE 4
#define CALLS_WAITING 16

struct Pages {
	gint64 next_look;     /* clock_mono_us */
	char *cursor;         /* where the next look goes on, or NULL */
	GQueue owed;          /* ClaimRequest *: to be claimed */
	CallQueue *calls;
};

Pages *spread_pages_new(void)
{
	Pages *pages = g_new0(Pages, 1);

	g_queue_init(&pages->owed);
	pages->calls = call_queue_new("page.command", "page.timeout", CALLS_AT_ONCE);
	return pages;
}

void spread_pages_free(Pages *pages, bool finish)
{
	if (pages == NULL)
		return;
	call_queue_free(pages->calls, finish);
	if (pages->owed.length > 0)
		log_warning("%u letters that call a person were not claimed before the end of this program", pages->owed.length);
	g_queue_clear_full(&pages->owed, (GDestroyNotify)claim_request_free);
	g_free(pages->cursor);
	g_free(pages);
}

void spread_pages_restart(Pages *pages)
{
	if (pages != NULL)
		g_clear_pointer(&pages->cursor, g_free);
}

static bool has_command(const Config *config)
{
	return config->page_command != NULL && config->page_command[0] != NULL;
}

static bool has_room(const Pages *pages)
{
	return call_queue_waiting(pages->calls) < CALLS_WAITING;
}

static void start_call(Pages *pages, const Config *config, const Facts *facts, const Incident *incident, guint number, gint64 since)
{
	call_queue_add(pages->calls, config->page_command, due_page_environment(config, facts, incident, number, since), config->page_timeout,
	    g_strdup_printf("queue id %s (call %u)", facts->queue_id != NULL ? facts->queue_id : "unknown", number));
}

static void log_page(const Spread *spread, const Config *config, const StoredNote *note, const Facts *facts, guint number)
{
	g_autofree char *account = shown_name(spread->secret, config, facts->account);
	g_autofree char *call = g_strdup_printf("%u/%u", number, (guint)config->page_times);

	log_event("page", "incident", facts->id, "account", account, "queue_id", facts->queue_id, "mail", note->key, "call", call,
	    NULL);
}

/* Calls a person for the mail of note. False where the store could not be asked. */
static bool call_for(Spread *spread, const Config *config, const StoredNote *note, const Facts *facts, const Incident *incident,
    GPtrArray *recipients, GError **error)
{
	guint number = note->pages + 1;
	gint64 since = note->at > 0 ? note->at : facts->written_at;
	bool mine;

	if (!store_waiting_page(spread->store, note->key, note->pages, clock_now(), &mine, error))
		return false;
	if (!mine)
		return true;
	log_page(spread, config, note, facts, number);
	if (has_command(config))
		start_call(spread->pages, config, facts, incident, number, since);
	for (guint i = 0; i < recipients->len; i++) {
		ClaimRequest *request =
		    due_page_request(config, facts, note->key, incident, recipients->pdata[i], number, since);

		if (request != NULL) {
			g_queue_push_tail(&spread->pages->owed, request);
		} else {
			g_autofree char *shown = shown_address(spread->secret, config, recipients->pdata[i]);

			log_warning("nobody can be called at %s: it is no address that may be written to", shown);
		}
	}
	return true;
}

static bool look_at(Spread *spread, const Config *config, const StoredNote *note, GError **error)
{
	gint64 now = clock_now();
	g_autoptr(Facts) facts = NULL;
	g_autoptr(GError) why = NULL;
	g_autoptr(GPtrArray) recipients = NULL;
	g_autofree char *key = NULL;
	const Incident *incident;

	/* Cheapest first: most have been called for, or are not to be. */
	if (!due_page(config, note, now) || (has_command(config) && !has_room(spread->pages)))
		return true;
	facts = note_open(spread->secret, note, &why);
	if (facts == NULL) {
		log_debug("note %s of those who wait is not used: %s", note->key, why != NULL ? why->message : "unreadable");
		return true;
	}
	key = facts_key(facts);
	incident = facts->incident != NULL ? spread_incident(spread, facts->incident) : NULL;
	/* A signed note under another key would call once more for the same mail. */
	if (g_strcmp0(key, note->key) != 0 || !due_page_holds(config, facts, incident, now))
		return true;
	recipients = due_page_recipients(config, facts);
	return (recipients->len == 0 && !has_command(config)) ||
	    call_for(spread, config, note, facts, incident, recipients, error);
}

static bool claim_owed(Spread *spread, const Config *config, GError **error)
{
	GQueue *owed = &spread->pages->owed;
	ClaimRequest *request;

	while ((request = g_queue_peek_head(owed)) != NULL) {
		if (!spread_claim_staff(spread, config, request, error))
			return false;
		claim_request_free(g_queue_pop_head(owed));
	}
	return true;
}

bool spread_pages(Spread *spread, const Config *config, GError **error)
{
	Pages *pages = spread->pages;
	guint seen = 0;

	if (!claim_owed(spread, config, error))
		return false;
	/* What the store has lost nobody is called for either: it is not known who has been answered meanwhile. */
	if (clock_mono_us() < pages->next_look || spread->snapshot->store_empty)
		return true;
	do {
		g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);

		if (!store_notes_slice(spread->store, NOTES_WAITING, NULL, &pages->cursor, notes, error))
			return false;
		for (guint i = 0; i < notes->len; i++)
			if (!look_at(spread, config, notes->pdata[i], error))
				return false;
		seen += notes->len;
	} while (pages->cursor != NULL && seen < LOOK_NOTES && !spread_is_stopping(spread));
	/* Only a finished look is put off: one that was cut short goes on with the next round. */
	if (pages->cursor == NULL)
		pages->next_look = clock_mono_us() + LOOK_US;
	return claim_owed(spread, config, error);
}
