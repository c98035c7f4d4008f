/* test-milter-notes: what the milter's callbacks leave behind comes to the store, however that is doing, and never grows without end. */
#include <string.h>

#include "base/clock.h"
#include "outage-milter/notes.h"
#include "store-fixture.h"
#include "store/notes.h"

#define DRAIN_MS 60000
#define INCIDENT "20261121T151000Z-default"

static Facts *facts_of(const char *sender, const char *message_id)
{
	Facts *facts = g_new0(Facts, 1);

	facts->rcpt = g_strdup("support@shop.example");
	facts->sender = g_strdup(sender);
	facts->to = g_strdup(sender);
	facts->verified = VERIFIED_DKIM;
	facts->rules = g_ptr_array_new_with_free_func(g_free);
	facts->escalate = g_ptr_array_new_with_free_func(g_free);
	facts->sensitive = g_ptr_array_new_with_free_func(g_free);
	facts->subject = g_strdup("down");
	facts->message_id = g_strdup(message_id);
	facts->written_at = clock_now();
	facts->incident = g_strdup("default");
	facts->id = g_strdup(INCIDENT);
	return facts;
}

static guint64 count(Store *store, NoteList list)
{
	return fixture_count_notes(store, list, list == NOTES_CONTACTS ? INCIDENT : NULL);
}

static void what_is_left_behind_comes_to_the_store(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "test");
	g_autoptr(Secret) secret = secret_generate();
	Notes *notes = notes_start(fixture->config, secret, "node-a");
	g_autoptr(GError) error = NULL;
	bool has;

	notes_add_mail(notes, facts_of("jane@customer.example", "<m1@x>"), FACTS_CONTACT | FACTS_WAITING);
	notes_add_mail(notes, facts_of("jane@customer.example", "<m2@x>"), FACTS_CONTACT);
	notes_add_mail(notes, facts_of("joe@customer.example", "<m3@x>"), FACTS_WAITING);
	notes_add_recent(notes, facts_of("ann@customer.example", "<m4@x>"));
	notes_add_optout(notes, INCIDENT, "0123456789abcdef");
	notes_stop(notes, DRAIN_MS);
	g_assert_cmpuint(notes_counts(notes).written, ==, 5);
	g_assert_cmpuint(count(store, NOTES_CONTACTS), ==, 1);
	g_assert_cmpuint(count(store, NOTES_WAITING), ==, 2);
	g_assert_cmpuint(count(store, NOTES_RECENT), ==, 1);
	g_assert_true(store_optout_has(store, INCIDENT, "0123456789abcdef", &has, &error));
	g_assert_true(has);
	notes_free(notes);
}

static void an_answer_ends_the_waiting(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "test");
	g_autoptr(Secret) secret = secret_generate();
	Notes *notes = notes_start(fixture->config, secret, "node-a");
	GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) counters = NULL;
	g_autoptr(GPtrArray) events = NULL;
	const StoreEvent *event;

	notes_add_mail(notes, facts_of("jane@customer.example", "<m1@x>"), FACTS_WAITING);
	notes_add_mail(notes, facts_of("joe@customer.example", "<m2@x>"), FACTS_WAITING);
	g_ptr_array_add(keys, facts_key_of("<unknown@x>"));
	g_ptr_array_add(keys, facts_key_of("<m1@x>"));
	notes_add_answer(notes, keys);
	notes_stop(notes, DRAIN_MS);
	g_assert_cmpuint(count(store, NOTES_WAITING), ==, 1);
	g_assert_cmpuint(notes_counts(notes).answered, ==, 1);
	counters = store_counters(store, INCIDENT, NULL);
	g_assert_cmpstr(g_hash_table_lookup(counters, "persons-answered"), ==, "1");
	events = store_events(store, 1, NULL);
	g_assert_cmpuint(events->len, ==, 1);
	event = g_ptr_array_index(events, 0);
	g_assert_cmpstr(event->what, ==, "answered");
	g_assert_cmpstr(event->name, ==, "default");
	g_assert_cmpstr(event->by, ==, "node-a");
	g_assert_cmpuint(g_ascii_strtoull(event->detail, NULL, 10), <, 3600);
	notes_free(notes);
}

/* From here on nothing can be counted, while what is there can still be taken out: the server's memory is full, or so. */
static void go_full(const Fixture *fixture)
{
	if (fixture->redis)
		g_free(fixture_redis("CONFIG", "SET", "maxmemory", "1", NULL));
	else
		fixture_run(fixture, NULL, "CREATE TRIGGER full BEFORE INSERT ON stats BEGIN SELECT RAISE(ABORT, 'full'); END");
}

static void have_room_again(const Fixture *fixture)
{
	if (fixture->redis)
		g_free(fixture_redis("CONFIG", "SET", "maxmemory", "0", NULL));
	else
		fixture_run(fixture, NULL, "DROP TRIGGER full");
}

/* The report would say that nobody answered. */
static void an_answer_is_counted_where_the_store_failed_right_behind_it(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "test");
	g_autoptr(Secret) secret = secret_generate();
	Notes *notes = notes_start(fixture->config, secret, "node-a");
	GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) counters = NULL;
	g_autoptr(GPtrArray) events = NULL;

	notes_add_mail(notes, facts_of("jane@customer.example", "<m1@x>"), FACTS_WAITING);
	while (notes_counts(notes).written < 1)
		g_thread_yield();
	go_full(fixture);
	g_ptr_array_add(keys, facts_key_of("<m1@x>"));
	notes_add_answer(notes, keys);
	while (notes_counts(notes).answered < 1)
		g_thread_yield();
	have_room_again(fixture);
	notes_stop(notes, DRAIN_MS);
	counters = store_counters(store, INCIDENT, NULL);
	g_assert_cmpstr(g_hash_table_lookup(counters, "persons-answered"), ==, "1");
	events = store_events(store, 2, NULL);
	g_assert_cmpuint(events->len, ==, 1);
	g_assert_cmpstr(((const StoreEvent *)g_ptr_array_index(events, 0))->what, ==, "answered");
	notes_free(notes);
}

/* One list will never take it: the other does, and the next goes on at once, also where the program is about to end. */
static void what_is_refused_holds_up_nothing_else(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "test");
	g_autoptr(Secret) secret = secret_generate();
	Notes *notes = notes_start(fixture->config, secret, "node-a");
	Facts *of_no_incident = facts_of("jane@customer.example", "<m1@x>");

	g_free(of_no_incident->id);
	of_no_incident->id = g_strdup("no:id");
	notes_add_mail(notes, of_no_incident, FACTS_CONTACT | FACTS_WAITING);
	notes_add_mail(notes, facts_of("joe@customer.example", "<m2@x>"), FACTS_CONTACT);
	notes_stop(notes, DRAIN_MS);
	g_assert_cmpuint(notes_counts(notes).dropped, ==, 1);
	g_assert_cmpuint(notes_counts(notes).written, ==, 1);
	g_assert_cmpuint(count(store, NOTES_CONTACTS), ==, 1);
	g_assert_cmpuint(count(store, NOTES_WAITING), ==, 1);
	notes_free(notes);
}

/* The store is away for long: memory has its bound, and what is least missed goes first. Then it is back. */
static void of_too_many_the_recent_go_first(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "test");
	g_autoptr(Config) right = fixture_other_config(fixture);
	g_autoptr(Secret) secret = secret_generate();
	NotesCounts counts;
	Notes *notes;

	fixture_point_nowhere(fixture);
	notes = notes_start(fixture->config, secret, "node-a");
	notes_add_mail(notes, facts_of("jane@customer.example", "<first@x>"), FACTS_CONTACT);
	for (guint i = 0; i < NOTES_MAX + 6; i++) {
		g_autofree char *id = g_strdup_printf("<r%u@x>", i);

		notes_add_recent(notes, facts_of("jane@customer.example", id));
	}
	notes_add_optout(notes, INCIDENT, "0123456789abcdef");
	counts = notes_counts(notes);
	/* One may be in the thread's hand. */
	g_assert_cmpuint(counts.waiting, >=, NOTES_MAX - 1);
	g_assert_cmpuint(counts.waiting, <=, NOTES_MAX + 1);
	g_assert_cmpuint(counts.dropped, >=, 7);
	g_assert_cmpuint(counts.dropped, <=, 9);
	g_assert_cmpuint(counts.written, ==, 0);
	notes_reconfigure(notes, right);
	while (notes_counts(notes).written < 2)
		g_thread_yield();
	g_assert_cmpuint(count(store, NOTES_CONTACTS), ==, 1);
	notes_stop(notes, 0);
	notes_free(notes);
}

static void a_stop_does_not_wait_for_a_store_that_is_away(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Secret) secret = secret_generate();
	Notes *notes;

	fixture_point_nowhere(fixture);
	notes = notes_start(fixture->config, secret, "node-a");
	notes_add_recent(notes, facts_of("jane@customer.example", "<m1@x>"));
	/* Were it to wait for the whole drain, the test would run out of its time. */
	notes_stop(notes, 24 * 3600 * G_GINT64_CONSTANT(1000));
	g_assert_cmpuint(notes_counts(notes).waiting, ==, 1);
	/* A session that outlived the drain. */
	notes_add_recent(notes, facts_of("jane@customer.example", "<m2@x>"));
	g_assert_cmpuint(notes_counts(notes).dropped, ==, 1);
	g_assert_cmpuint(notes_counts(notes).waiting, ==, 1);
	notes_free(notes);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("what-is-left-behind-comes-to-the-store", what_is_left_behind_comes_to_the_store);
	fixture_add_test("an-answer-ends-the-waiting", an_answer_ends_the_waiting);
	fixture_add_test("an-answer-is-counted-where-the-store-failed", an_answer_is_counted_where_the_store_failed_right_behind_it);
	fixture_add_test("what-is-refused-holds-up-nothing-else", what_is_refused_holds_up_nothing_else);
	fixture_add_test("of-too-many-the-recent-go-first", of_too_many_the_recent_go_first);
	fixture_add_test("a-stop-does-not-wait", a_stop_does_not_wait_for_a_store_that_is_away);
	result = g_test_run();
	fixture_shut_down();
	return result;
}
