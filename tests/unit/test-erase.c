/* What is held of one person is shown whole, goes when he is to be forgotten, and nobody else's goes with it; run against SQLite and
 * against a real Redis by one suite. */
#include <string.h>

#include "base/clock.h"
#include "mail/optout.h"
#include "notes-fixture.h"
#include "spool-fixture.h"
#include "store/erase.h"
#include "store/stats.h"

#define HIS "11111111111111111111111111111111"
#define HERS "22222222222222222222222222222222"
#define HIS_ADDRESS "customer@example.com" /* of the letters that claim-fixture writes */
#define PAST_ID "20200101T000000Z-default"

static int by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Which places hold him, "PLACE[!]", sorted and joined; ! = it stays. Caller frees. */
static char *places_of(const GPtrArray *parts)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < parts->len; i++) {
		const ErasePart *part = parts->pdata[i];

		g_ptr_array_add(names, g_strdup_printf("%s%s", part->place, part->stays ? "!" : ""));
	}
	g_ptr_array_sort(names, by_text);
	for (guint i = 0; i < names->len; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? "; " : "", (const char *)names->pdata[i]);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *held(Store *store, const char *hash, const char *address)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) parts = store_export(store, hash, address, &error);

	g_assert_no_error(error);
	return places_of(parts);
}

static void add_note(Store *store, NoteList list, const char *id, const char *key, const char *member, const char *address)
{
	g_autofree char *payload = g_strdup_printf("{\"v\":1,\"%s\":\"%s\",\"subject\":\"customer@example.com \\\"sender\\\":\"}", member,
	    address);
	StoredNote note = { .key = (char *)key, .payload = payload, .mac = (char *)"0123abcd", .at = clock_now(), .apart = (char *)"" };
	g_autoptr(GError) error = NULL;

	store_note_add(store, list, id, &note, NULL, &error);
	g_assert_no_error(error);
}

static void block(Store *store, const char *hash)
{
	g_autoptr(GError) error = NULL;

	store_block(store, hash, 3600, "550 no such user", "node1", &error);
	g_assert_no_error(error);
}

static void opt_out(Store *store, const char *id, const char *hash)
{
	g_autofree char *tag = optout_tag(hash);
	g_autoptr(GError) error = NULL;

	store_optout_add(store, id, tag, &error);
	g_assert_no_error(error);
}

/* A mail of the figures. */
static void count_mail(Store *store, const char *id, const char *hash, const char *key)
{
	StatsMail mail = { .id = (char *)id, .hash = (char *)hash, .key = (char *)key, .at = clock_now() };
	g_autoptr(GPtrArray) mails = g_ptr_array_new();
	StatsBatch batch = { .mails = mails };
	g_autoptr(GError) error = NULL;

	g_ptr_array_add(mails, &mail);
	store_stats_write(store, &batch, NULL, &error);
	g_assert_no_error(error);
}

/* Everything there can be of him, and the same of her. */
static void fill(Outage *outage)
{
	Store *store = outage->store;
	StoredJob *job;
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(claims_ask(store, &outage->state, false, HIS, "token1"), ==, CLAIM_WON);
	job = claims_take(store);
	g_assert_true(store_job_bury(store, job, "refused", &error));
	stored_job_free(job);
	add_note(store, NOTES_CONTACTS, outage->state.id, HIS, "sender", HIS_ADDRESS);
	add_note(store, NOTES_CONTACTS, outage->state.id, HERS, "sender", "her@example.com");
	add_note(store, NOTES_CONTACTS, PAST_ID, HIS, "sender", HIS_ADDRESS);
	add_note(store, NOTES_WAITING, NULL, "mail1", "from", "CUSTOMER@Example.com");
	add_note(store, NOTES_WAITING, NULL, "mail2", "from", "her@example.com");
	add_note(store, NOTES_RECENT, NULL, "mail3", "sender", HIS_ADDRESS);
	add_note(store, NOTES_RECENT, NULL, "mail4", "sender", "her@example.com");
	block(store, HIS);
	block(store, HERS);
	opt_out(store, outage->state.id, HIS);
	opt_out(store, PAST_ID, HIS);
	opt_out(store, outage->state.id, HERS);
	count_mail(store, outage->state.id, HIS, "mail1");
	count_mail(store, outage->state.id, HERS, "mail2");
}

static void test_everything_of_him_is_shown_and_goes(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autofree char *id = g_strdup(outage->state.id), *before = NULL, *after = NULL, *hers = NULL;
	g_autofree char *expected = g_strdup_printf("acknowledgement %s active!; affected %s; bounced; event bounced; letter that could not be sent; "
	    "letters of today; mails and answers %s; waits; wants no notices " PAST_ID "; wants no notices %s!; wrote in " PAST_ID "; wrote in %s; wrote lately", id, id, id, id, id);
	g_autofree char *left = g_strdup_printf("acknowledgement %s active!; wants no notices %s!", id, id);
	g_autofree char *of_hers = g_strdup_printf("bounced; event bounced; mails and answers %s; waits; wants no notices %s!; wrote in %s; wrote lately", id, id, id);
	g_autoptr(GError) error = NULL;
	guint parts = 0;

	fill(outage);
	before = held(outage->store, HIS, HIS_ADDRESS);
	g_assert_cmpstr(before, ==, expected);
	g_assert_true(store_forget(outage->store, HIS, HIS_ADDRESS, "anna@desk", &parts, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(parts, ==, 11);
	after = held(outage->store, HIS, HIS_ADDRESS);
	g_assert_cmpstr(after, ==, left);
	hers = held(outage->store, HERS, "her@example.com");
	g_assert_cmpstr(hers, ==, of_hers);
	/* He is not answered a second time for it. */
	g_assert_cmpint(claims_ask(outage->store, &outage->state, false, HIS, "token2"), ==, CLAIM_ALREADY);
	g_assert_cmpuint(notes_count(outage->store, NOTES_WAITING), ==, 1);
}

static void test_marks_of_what_is_over_go_too(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autofree char *after = NULL;
	g_autoptr(GError) error = NULL;
	guint parts = 0;

	fill(outage);
	claims_set_word(outage->store, "default", WORD_NONE, NULL);
	g_assert_true(store_forget(outage->store, HIS, HIS_ADDRESS, "anna@desk", &parts, &error));
	after = held(outage->store, HIS, HIS_ADDRESS);
	g_assert_cmpstr(after, ==, "");
}

static void test_a_letter_that_waits_does_not_leave(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(GError) error = NULL;
	StoredJob *job;
	guint parts = 0;

	g_assert_cmpint(claims_ask(outage->store, &outage->state, false, HIS, "token1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask(outage->store, &outage->state, false, HERS, "token2"), ==, CLAIM_WON);
	/* One waits for another try, one for its turn: both are to him by their payload. */
	job = claims_take(outage->store);
	g_assert_true(store_job_retry(outage->store, job, 3600, true, "later", &error));
	stored_job_free(job);
	claims_check_counts(outage->store, 1, 1, 0, 0, 0);
	g_assert_true(store_forget(outage->store, HIS, "other@example.com", "anna", &parts, &error));
	claims_check_counts(outage->store, 1, 1, 0, 0, 0);
	g_assert_true(store_forget(outage->store, HIS, HIS_ADDRESS, "anna", &parts, &error));
	g_assert_no_error(error);
	claims_check_counts(outage->store, 0, 0, 0, 0, 0);
	g_assert_null(claims_take(outage->store));
}

static void test_a_letter_in_a_repliers_hand_ends_quietly(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(GError) error = NULL;
	StoredJob *job;
	guint parts = 0;

	g_assert_cmpint(claims_ask(outage->store, &outage->state, false, HIS, "token1"), ==, CLAIM_WON);
	job = claims_take(outage->store);
	g_assert_true(store_forget(outage->store, HIS, HIS_ADDRESS, "anna", &parts, &error));
	g_assert_true(store_job_done(outage->store, job, HIS, &error));
	g_assert_no_error(error);
	stored_job_free(job);
	g_assert_null(claims_take(outage->store));
}

/* Somebody has written things of other types where ours should be. */
static void test_strange_keys_are_passed_over(void)
{
	g_autoptr(Outage) outage = outage_new("redis");
	g_autofree char *a = fixture_redis("SET", "outage:contacts:x", "foo", NULL), *b = fixture_redis("LPUSH", "outage:affected:x", "1", NULL);
	g_autofree char *c = fixture_redis("SET", "outage:optout:x", "1", NULL), *d = fixture_redis("HSET", "outage:bounced:" HIS, "a", "b", NULL);
	g_autofree char *e = fixture_redis("SET", "outage:acked:x", "1", NULL), *f = fixture_redis("SET", "outage:stats:threads:x", "1", NULL);
	g_autofree char *text = held(outage->store, HIS, HIS_ADDRESS);

	g_assert_cmpstr(text, ==, "bounced");
}

/* The bytes of a mail that was forgotten are not in the file any more. */
static void test_nothing_is_left_in_the_file(void)
{
	g_autoptr(Outage) outage = outage_new("sqlite");
	static const char *const files[] = { "store.db", "store.db-wal" };
	g_autoptr(GError) error = NULL;
	guint parts = 0;

	add_note(outage->store, NOTES_WAITING, NULL, "mail1", "from", "secret-name@private.example");
	g_assert_true(store_forget(outage->store, HIS, "secret-name@private.example", "anna", &parts, &error));
	g_assert_cmpuint(parts, ==, 1);
	for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = g_build_filename(outage->fixture->dir, files[i], NULL), *bytes = NULL;
		gsize size = 0;

		if (i == 0)
			g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
		if (g_file_get_contents(path, &bytes, &size, NULL))
			g_assert_null(memmem(bytes, size, "secret-name", strlen("secret-name")));
	}
}

static void test_a_node_forgets_what_it_kept_and_nothing_newer(void)
{
	Fixture *fixture = spool_fixture_new("sqlite");
	IncidentState state = spool_fixture_state(WORD_P1);
	g_autoptr(Spool) spool = spool_fixture_open(fixture);
	g_autofree char *rows = NULL, *named = NULL;
	g_autoptr(GError) error = NULL;
	guint changed = 0;

	g_assert_cmpint(spool_ask(spool, &state, HIS, "token1", SPOOL_LOCAL), ==, CLAIM_WON);
	g_assert_cmpint(spool_ask(spool, &state, HERS, "token2", SPOOL_LOCAL), ==, CLAIM_WON);
	spool_took(spool, &state, "33333333333333333333333333333333", "token3");
	g_assert_true(spool_forget(spool, HIS, clock_now() - 10, &changed, &error));
	g_assert_cmpuint(changed, ==, 0);
	g_assert_true(spool_forget(spool, HIS, clock_now(), &changed, &error));
	g_assert_cmpuint(changed, ==, 1);
	g_assert_true(spool_forget(spool, "33333333333333333333333333333333", clock_now(), &changed, &error));
	g_assert_no_error(error);
	rows = spool_rows(spool);
	g_assert_cmpstr(rows, ==, "local=1 mirror=1");
	named = spool_sql(fixture, "SELECT count(*) FROM acks WHERE payload <> ''");
	g_assert_cmpstr(named, ==, "1");
	g_clear_pointer(&spool, spool_free);
	incident_state_clear(&state);
	spool_fixture_free(fixture);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("everything-of-him-is-shown-and-goes", test_everything_of_him_is_shown_and_goes);
	fixture_add_test("marks-of-what-is-over-go-too", test_marks_of_what_is_over_go_too);
	fixture_add_test("a-letter-that-waits-does-not-leave", test_a_letter_that_waits_does_not_leave);
	fixture_add_test("a-letter-in-a-repliers-hand-ends-quietly", test_a_letter_in_a_repliers_hand_ends_quietly);
	g_test_add_func("/store/redis/strange-keys-are-passed-over", test_strange_keys_are_passed_over);
	g_test_add_func("/store/sqlite/nothing-is-left-in-the-file", test_nothing_is_left_in_the_file);
	g_test_add_func("/spool/a-node-forgets-what-it-kept-and-nothing-newer", test_a_node_forgets_what_it_kept_and_nothing_newer);
	result = g_test_run();
	claims_shut_down();
	fixture_shut_down();
	return result;
}
