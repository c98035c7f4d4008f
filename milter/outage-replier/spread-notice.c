/* spread-notice: tells those who wrote in what the operator ordered to be told (see spread.h). Layer: program.
 *
 * One replier spreads all notices, so that notice.rate holds for the site: each has a lease that is renewed, all repliers ask for the
 * leases in the same order, and whoever is refused one asks for none after it. It goes through the contacts of an incident from the first
 * to the last; what it has come to is kept in memory only. Another one that goes on after its death begins anew, finds by the marks who has
 * been told, and passes those by at once. Several notices take turns, so that a long one does not keep another waiting. */
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "mail/optout.h"
#include "outage-replier/due.h"
#include "outage-replier/spread-private.h"
#include "store/audience.h"

#define LEASE_SECONDS 30
#define RENEW_US (10 * G_USEC_PER_SEC)
#define MINUTE_US (60 * G_USEC_PER_SEC)

typedef enum {
	SEEN = 1,             /* told, left out, or among the requests */
	SEEN_AS_ACCOUNT       /* left out as one who wrote for an account; as a contact of that account he may be told all the same */
} Seen;

/* A notice on its way. */
typedef struct {
	Notice *notice;
	char *cursor;         /* of the contacts */
	bool read;            /* all contacts have been */
	bool gathered;        /* and the accounts' own */
	GQueue requests;      /* ClaimRequest *: whom to tell next */
	GHashTable *seen;     /* hash -> Seen of who has been taken into account */
	GHashTable *accounts; /* account's name -> the support address that it wrote to */
	guint64 told, left_out, said_told, said_left_out; /* said: as the store has it */
	gint64 leased_at;     /* clock_mono_us; 0 = not ours */
	bool resumed;         /* somebody may have been told before */
	bool listed;          /* seen by this round's look */
} Run;

struct Notices {
	GPtrArray *runs;      /* Run * */
	gint64 next_at;       /* clock_mono_us: when the next letter may be claimed */
	GHashTable *refused;  /* set of ID/NAME: said in the log that they cannot be used */
};

typedef enum {
	STEP_DONE,
	STEP_WAITS,
	STEP_ENDED,
	STEP_OTHERS,          /* another replier spreads it, and what comes after it */
	STEP_FAILED
} Step;

static Run *run_new(Notice *notice, bool resumed)
{
	Run *run = g_new0(Run, 1);

	run->notice = notice;
	run->resumed = resumed;
	g_queue_init(&run->requests);
	run->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	run->accounts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return run;
}

static void run_free(gpointer data)
{
	Run *run = data;

	notice_free(run->notice);
	g_free(run->cursor);
	g_queue_clear_full(&run->requests, (GDestroyNotify)claim_request_free);
	g_hash_table_unref(run->seen);
	g_hash_table_unref(run->accounts);
	g_free(run);
}

Notices *spread_notices_new(void)
{
	Notices *notices = g_new0(Notices, 1);

	notices->runs = g_ptr_array_new_with_free_func(run_free);
	notices->refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return notices;
}

void spread_notices_free(Notices *notices)
{
	if (notices == NULL)
		return;
	g_ptr_array_unref(notices->runs);
	g_hash_table_unref(notices->refused);
	g_free(notices);
}

void spread_notices_restart(Notices *notices)
{
	/* Those who have been told stay known: the contacts are gone through again, and nobody waits for his turn twice. */
	for (guint i = 0; i < notices->runs->len; i++) {
		Run *run = notices->runs->pdata[i];

		g_clear_pointer(&run->cursor, g_free);
		run->read = false;
		run->leased_at = 0;
	}
}

/* --- which there are --- */

static Run *find_run(const Notices *notices, const char *id, const char *name)
{
	for (guint i = 0; i < notices->runs->len; i++) {
		Run *run = notices->runs->pdata[i];

		if (g_strcmp0(run->notice->id, id) == 0 && g_strcmp0(run->notice->name, name) == 0)
			return run;
	}
	return NULL;
}

/* Returns what the operator ordered, or NULL where it cannot be told that it was he; said once. */
static Notice *open_notice(Spread *spread, const Incident *incident, const StoredNotice *stored)
{
	g_autoptr(GError) why = NULL;
	Notice *notice = notice_open(spread->secret, stored, &why);
	char *place;

	if (notice != NULL && g_strcmp0(notice->name, stored->name) == 0 && g_strcmp0(notice->id, incident->state.id) == 0 &&
	    g_strcmp0(notice->incident, incident->name) == 0)
		return notice;
	place = g_strconcat(incident->state.id, "/", stored->name, NULL);
	if (g_hash_table_add(spread->notices->refused, place))
		log_error("notice %s of %s is not told: %s", stored->name, incident->state.id,
		    notice != NULL ? "it was ordered for another place" : why != NULL ? why->message : "it cannot be read");
	notice_free(notice);
	return NULL;
}

static bool look_at_incident(Spread *spread, const Incident *incident, GError **error)
{
	g_autoptr(GPtrArray) stored = store_notices(spread->store, incident->state.id, error);

	for (guint i = 0; stored != NULL && i < stored->len; i++) {
		const StoredNotice *one = stored->pdata[i];
		Run *run = one->done ? NULL : find_run(spread->notices, incident->state.id, one->name);
		Notice *notice = one->done || run != NULL ? NULL : open_notice(spread, incident, one);

		if (notice != NULL) {
			run = run_new(notice, one->told > 0 || one->left_out > 0);
			g_ptr_array_add(spread->notices->runs, run);
		}
		if (run != NULL)
			run->listed = true;
	}
	return stored != NULL;
}

/* The order in which all repliers ask for the leases. */
static int compare_runs(gconstpointer a, gconstpointer b)
{
	const Notice *x = (*(const Run *const *)a)->notice, *y = (*(const Run *const *)b)->notice;
	int by_id = strcmp(x->id, y->id);

	return by_id != 0 ? by_id : strcmp(x->name, y->name);
}

/* Finds what has been ordered, and forgets what another has done. */
static bool look(Spread *spread, GError **error)
{
	GPtrArray *runs = spread->notices->runs, *incidents = spread->snapshot->incidents;

	for (guint i = 0; i < runs->len; i++)
		((Run *)runs->pdata[i])->listed = false;
	for (guint i = 0; i < incidents->len; i++) {
		const Incident *incident = incidents->pdata[i];

		if (incident->state.id != NULL && !look_at_incident(spread, incident, error))
			return false;
	}
	for (guint i = runs->len; i > 0; i--) {
		const Run *run = runs->pdata[i - 1];
		const Incident *incident = spread_incident(spread, run->notice->incident);

		/* Where another incident has begun, the notice is over, and that is still to be written down. */
		if (!run->listed && incident != NULL && g_strcmp0(incident->state.id, run->notice->id) == 0)
			g_ptr_array_remove_index(runs, i - 1);
	}
	g_ptr_array_sort(runs, compare_runs);
	return true;
}

/* --- the store's side of one notice --- */

/* *mine: this replier spreads it. */
static bool keep_lease(Spread *spread, Run *run, bool *mine, GError **error)
{
	gint64 now = clock_mono_us();

	*mine = true;
	if (run->leased_at != 0 && now - run->leased_at < RENEW_US)
		return true;
	if (!store_notice_lease(spread->store, run->notice->id, run->notice->name, LEASE_SECONDS, mine, error))
		return false;
	run->leased_at = *mine ? now : 0;
	return true;
}

static bool say_progress(Spread *spread, Run *run, bool done, GError **error)
{
	if (!done && run->told == run->said_told && run->left_out == run->said_left_out)
		return true;
	if (!store_notice_progress(spread->store, run->notice->id, run->notice->name, run->told, run->left_out, done, error))
		return false;
	run->said_told = run->told;
	run->said_left_out = run->left_out;
	return true;
}

/* why: it is over before its end, or NULL. */
static bool finish(Spread *spread, Run *run, const char *why, GError **error)
{
	const Notice *notice = run->notice;
	g_autofree char *told = g_strdup_printf("%" G_GUINT64_FORMAT, run->told);
	g_autofree char *left_out = g_strdup_printf("%" G_GUINT64_FORMAT, run->left_out);
	g_autofree char *detail = g_strdup_printf("%s told %s left out %s%s%s", notice->name, told, left_out,
	    why != NULL ? ": " : "", why != NULL ? why : "");
	g_autoptr(GError) unsaid = NULL;

	if (!say_progress(spread, run, true, error))
		return false;
	log_event("notice-done", "incident", notice->id, "notice", notice->name, "#told", told, "#left_out", left_out, "why", why, NULL);
	/* It is done whether or not that can be read in the log of events. */
	if (!store_add_event(spread->store, "notice-done", notice->incident, spread->node, detail, &unsaid))
		log_warning("the end of notice %s of %s is not among the events: %s", notice->name, notice->id, unsaid->message);
	return true;
}

/* --- whom --- */

static Word word_of(const Spread *spread, const Run *run)
{
	const Incident *incident = spread_incident(spread, run->notice->incident);

	return incident != NULL ? incident->state.word : WORD_NONE;
}

/* Takes the person into account, once: as one to tell (request, taken over), or, with NULL, as one left out. */
static void add_person(Spread *spread, Run *run, const char *address, ClaimRequest *request, Seen as)
{
	char *hash = secret_address_hash(spread->secret, address);
	Seen before = (Seen)GPOINTER_TO_INT(g_hash_table_lookup(run->seen, hash));

	if (before == SEEN || (before == SEEN_AS_ACCOUNT && request == NULL)) {
		g_free(hash);
		if (request != NULL)
			claim_request_free(request);
		return;
	}
	if (request != NULL) {
		g_queue_push_tail(&run->requests, request);
		run->left_out -= before == SEEN_AS_ACCOUNT;
	} else {
		run->left_out++;
	}
	g_hash_table_insert(run->seen, hash, GINT_TO_POINTER(as));
}

static void add_contact(Spread *spread, const Config *config, Run *run, const StoredNote *note)
{
	g_autoptr(GError) why = NULL;
	g_autoptr(Facts) facts = note_open(spread->secret, note, &why);
	const char *left_out;

	if (facts == NULL) {
		log_debug("note %s of the contacts is not used: %s", note->key, why != NULL ? why->message : "unreadable");
		return;
	}
	if (facts->account != NULL && facts->rcpt != NULL && !g_hash_table_contains(run->accounts, facts->account))
		g_hash_table_insert(run->accounts, g_strdup(facts->account), g_strdup(facts->rcpt));
	if (facts->sender == NULL)
		return;
	left_out = audience_left_out(config, run->notice, facts, note->apart);
	if (left_out != NULL)
		log_debug("notice %s leaves the writer of %s out: %s", run->notice->name, note->key, left_out);
	add_person(spread, run, facts->sender,
	    left_out == NULL ? audience_request(run->notice, facts, word_of(spread, run)) : NULL,
	    g_strcmp0(left_out, "account") == 0 ? SEEN_AS_ACCOUNT : SEEN);
}

typedef struct {
	Spread *spread;
	const Config *config;
	Run *run;
} Gathering;

/* For accounts_foreach. Whoever wrote: an account may have more to lose than those of its people who did. */
static void add_account_contacts(const Account *account, gpointer data)
{
	const Gathering *gathering = data;
	Run *run = gathering->run;
	const char *written_to = g_hash_table_lookup(run->accounts, account->name);
	g_autofree char *support = written_to != NULL ? g_strdup(written_to) : audience_support(gathering->config, run->notice->incident);
	const SupportAddress *settings = support != NULL ? config_support(gathering->config, support) : NULL;

	for (char **contact = account->contacts; support != NULL && contact != NULL && *contact != NULL; contact++) {
		g_autofree char *address = address_normal_text(*contact);
		ClaimRequest *request = NULL;

		if (address == NULL)
			continue;
		if (!config_is_shadow(gathering->config, settings, address))
			request = audience_contact_request(run->notice, account, *contact, support, word_of(gathering->spread, run));
		add_person(gathering->spread, run, address, request, SEEN);
	}
}

/* Fills requests from the next slice of contacts, or after the last from the accounts. */
static bool find_more(Spread *spread, const Config *config, Run *run, GError **error)
{
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);
	g_autoptr(Accounts) accounts = NULL;

	if (!run->read) {
		if (!store_notes_slice(spread->store, NOTES_CONTACTS, run->notice->id, &run->cursor, notes, error))
			return false;
		run->read = run->cursor == NULL;
		for (guint i = 0; i < notes->len; i++)
			add_contact(spread, config, run, notes->pdata[i]);
		return true;
	}
	if (run->notice->contacts) {
		Gathering gathering = { spread, config, run };

		accounts = store_accounts(spread->store, NULL, error);
		if (accounts == NULL)
			return false;
		accounts_foreach(accounts, add_account_contacts, &gathering);
	}
	run->gathered = true;
	return true;
}

/* --- telling --- */

/* Waits for the next letter's turn: they leave evenly over the minute. What was missed is made up for by no more than a second's worth.
 * Returns false where the turn does not come in this round. */
static bool wait_for_turn(Spread *spread, const Config *config, gint64 until)
{
	Notices *notices = spread->notices;

	notices->next_at = MAX(notices->next_at, clock_mono_us() - G_USEC_PER_SEC);
	if (notices->next_at >= until || !spread_wait_until(spread, notices->next_at))
		return false;
	notices->next_at += MINUTE_US / MAX(1, config->notice_rate);
	return true;
}

/* *been: this letter has been claimed before, by one who died since. */
static bool was_told(Spread *spread, const Run *run, ClaimRequest *request, const char *hash, bool *been, GError **error)
{
	g_autofree char *token = spread_token(spread, request, hash);
	const Job job = { .token = token, .request = request };
	JobStanding standing = JOB_UNMARKED;

	*been = false;
	if (run->resumed && !store_job_standing(spread->store, &job, hash, &standing, error))
		return false;
	*been = standing == JOB_STANDS || standing == JOB_SENT;
	return true;
}

/* Tells one person, whose letter is the first of the requests. */
static Step tell(Spread *spread, const Config *config, Run *run, gint64 until, GError **error)
{
	ClaimRequest *request = g_queue_peek_head(&run->requests);
	g_autofree char *hash = secret_address_hash(spread->secret, request->sender);
	g_autofree char *tag = optout_tag(hash);
	ClaimAnswer answer = CLAIM_WON;
	bool been, opted_out = false;

	if (!was_told(spread, run, request, hash, &been, error) ||
	    (!been && !store_optout_has(spread->store, request->id, tag, &opted_out, error)))
		return STEP_FAILED;
	if (!been && !opted_out) {
		if (!wait_for_turn(spread, config, until))
			return STEP_WAITS;
		if (!spread_claim(spread, config, request, &answer, error))
			return STEP_FAILED;
	}
	switch (answer) {
	case CLAIM_WON:
	case CLAIM_ALREADY:
		run->told += !opted_out;
		run->left_out += opted_out;
		break;
	case CLAIM_BOUNCED:
	case CLAIM_RATE:
		run->left_out++;
		break;
	/* It holds no more, for the state is another one: the next round sees that. */
	case CLAIM_ENDED:
	case CLAIM_PAUSED:
	case CLAIM_FULL:
	case CLAIM_AWAY:
		return STEP_WAITS;
	}
	claim_request_free(g_queue_pop_head(&run->requests));
	return STEP_DONE;
}

/* Does the next small thing for a notice. */
static Step step(Spread *spread, const Config *config, Run *run, gint64 until, GError **error)
{
	const Incident *incident = spread_incident(spread, run->notice->incident);
	const char *why = due_notice_over(run->notice->name, run->notice->id, run->notice->epoch, incident != NULL ? &incident->state : NULL);
	bool mine;

	/* A state that cannot be read is no ending (doc/contract.md 3). */
	if ((incident == NULL || incident->state.id == NULL) && spread->snapshot->problems->len > 0)
		return STEP_WAITS;
	if (!keep_lease(spread, run, &mine, error))
		return STEP_FAILED;
	if (!mine)
		return STEP_OTHERS;
	if (why == NULL && run->requests.length > 0)
		return tell(spread, config, run, until, error);
	if (why == NULL && !run->gathered)
		return find_more(spread, config, run, error) ? STEP_DONE : STEP_FAILED;
	return finish(spread, run, why, error) ? STEP_ENDED : STEP_FAILED;
}

/* One step for each notice in turn. *busy: there was something to do, and may be more. */
static bool step_all(Spread *spread, const Config *config, gint64 until, bool *busy, GError **error)
{
	GPtrArray *runs = spread->notices->runs;

	*busy = false;
	for (guint i = 0; i < runs->len && clock_mono_us() < until && !spread_is_stopping(spread);) {
		switch (step(spread, config, runs->pdata[i], until, error)) {
		case STEP_FAILED:
			return false;
		case STEP_ENDED:
			g_ptr_array_remove_index(runs, i);
			break;
		/* Forgotten, for how far they will have come is his to say; the next look finds them anew. */
		case STEP_OTHERS:
			g_ptr_array_set_size(runs, (gint)i);
			return true;
		case STEP_DONE:
			*busy = true;
			i++;
			break;
		case STEP_WAITS:
			i++;
			break;
		}
	}
	return true;
}

/* Where nothing may be told to anybody: a notice waits, and is not over. */
static bool is_held(const Spread *spread)
{
	return spread->snapshot->pause != NULL || spread->snapshot->store_empty;
}

bool spread_notices(Spread *spread, const Config *config, gint64 until, GError **error)
{
	GPtrArray *runs = spread->notices->runs;
	bool busy = true;

	if (is_held(spread))
		return true;
	if (!look(spread, error))
		return false;
	while (busy && clock_mono_us() < until && !spread_is_stopping(spread))
		if (!step_all(spread, config, until, &busy, error))
			return false;
	for (guint i = 0; i < runs->len; i++) {
		Run *run = runs->pdata[i];

		if (run->leased_at != 0 && !say_progress(spread, run, false, error))
			return false;
	}
	return true;
}
