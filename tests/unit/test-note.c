/* test-note: what is kept of a mail, and what the operator orders, comes back as it was; what anybody else wrote is refused. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "store/note.h"

static GPtrArray *names(const char *list)
{
	GPtrArray *array = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) parts = g_strsplit(list, ",", -1);

	for (char **part = parts; *part != NULL; part++)
		g_ptr_array_add(array, g_strdup(*part));
	return array;
}

static Facts *sample(void)
{
	Facts *facts = g_new0(Facts, 1);

	facts->rcpt = g_strdup("Support@shop.example");
	facts->from = g_strdup("Jane@customer.example");
	facts->sender = g_strdup("jörg@xn--bcher-kva.example");
	facts->to = g_strdup("Jörg@xn--bcher-kva.example");
	facts->verified = VERIFIED_SPF;
	facts->from_verified = VERIFIED_DMARC;
	facts->score = 7.25;
	facts->rules = names("down,since_update");
	facts->escalate = names("legal,media");
	facts->sensitive = names("");
	facts->evidence = true;
	facts->language = g_strdup("de-AT");
	facts->message_reasons = REASON_BIT(REASON_NOT_ADDRESSED);
	facts->subject = g_strdup("Störung: \"nichts\" geht\\");
	facts->message_id = g_strdup("<a@b>");
	facts->references = g_strdup("<x@b> <y@b>");
	facts->queue_id = g_strdup("4Xyz12Abc");
	facts->written_at = 1795273800;
	facts->incident = g_strdup("default");
	facts->id = g_strdup("20261121T151000Z-default");
	facts->account = g_strdup("Acme \"GmbH\"");
	facts->level = g_strdup("gold");
	facts->manager = g_strdup("m@shop.example");
	facts->account_language = g_strdup("pt-BR");
	facts->respond_by = 1795275600;
	facts->queue = g_strdup("accounts");
	facts->reasons = REASON_BIT(REASON_NOT_ADDRESSED) | REASON_BIT(REASON_VIP);
	facts->page = true;
	return facts;
}

static void put(const Secret *secret, StoredNote *note, const Facts *facts)
{
	note->payload = note_sign(secret, facts, &note->mac);
}

static void clear(StoredNote *note)
{
	g_clear_pointer(&note->payload, g_free);
	g_clear_pointer(&note->mac, g_free);
}

/* Every member that is text, for comparing two Facts. */
static const gsize texts[] = {
	G_STRUCT_OFFSET(Facts, rcpt), G_STRUCT_OFFSET(Facts, from), G_STRUCT_OFFSET(Facts, sender), G_STRUCT_OFFSET(Facts, to),
	G_STRUCT_OFFSET(Facts, language), G_STRUCT_OFFSET(Facts, subject), G_STRUCT_OFFSET(Facts, message_id),
	G_STRUCT_OFFSET(Facts, references), G_STRUCT_OFFSET(Facts, queue_id), G_STRUCT_OFFSET(Facts, incident),
	G_STRUCT_OFFSET(Facts, id), G_STRUCT_OFFSET(Facts, account), G_STRUCT_OFFSET(Facts, level), G_STRUCT_OFFSET(Facts, manager),
	G_STRUCT_OFFSET(Facts, account_language), G_STRUCT_OFFSET(Facts, queue),
};

static void assert_same(const Facts *a, const Facts *b)
{
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		g_assert_cmpstr(G_STRUCT_MEMBER(char *, a, texts[i]), ==, G_STRUCT_MEMBER(char *, b, texts[i]));
	g_assert_cmpint(a->verified, ==, b->verified);
	g_assert_cmpint(a->from_verified, ==, b->from_verified);
	g_assert_cmpfloat(a->score, ==, b->score);
	g_assert_cmpint(a->evidence, ==, b->evidence);
	g_assert_cmpint(a->still_affected, ==, b->still_affected);
	g_assert_cmpint(a->recovered, ==, b->recovered);
	g_assert_cmphex(a->message_reasons, ==, b->message_reasons);
	g_assert_cmphex(a->reasons, ==, b->reasons);
	g_assert_cmpint(a->written_at, ==, b->written_at);
	g_assert_cmpint(a->respond_by, ==, b->respond_by);
	g_assert_cmpint(a->queued, ==, b->queued);
	g_assert_cmpint(a->page, ==, b->page);
}

static void a_note_comes_back_as_it_was(void)
{
	static const double scores[] = { 7.25, 5, 0, -3, 4.9999999999999991, 0.1 + 0.2, 1e-5, 123456.789 };
	g_autoptr(Secret) secret = secret_generate();

	for (gsize i = 0; i < G_N_ELEMENTS(scores); i++) {
		g_autoptr(Facts) facts = sample(), back = NULL;
		g_autoptr(GError) error = NULL;
		StoredNote note = { .key = NULL };

		facts->score = scores[i];
		put(secret, &note, facts);
		back = note_open(secret, &note, &error);
		g_assert_no_error(error);
		assert_same(facts, back);
		g_assert_cmpuint(back->rules->len, ==, 2);
		g_assert_cmpstr(g_ptr_array_index(back->rules, 0), ==, "down");
		g_assert_cmpuint(back->escalate->len, ==, 2);
		g_assert_cmpstr(g_ptr_array_index(back->escalate, 1), ==, "media");
		g_assert_cmpuint(back->sensitive->len, ==, 0);
		clear(&note);
	}
}

/* The least that a mail gives: no From, nobody to answer, nothing matched. */
static void a_note_may_have_little_to_say(void)
{
	g_autoptr(Secret) secret = secret_generate();
	g_autoptr(Facts) facts = g_new0(Facts, 1), back = NULL;
	g_autoptr(GError) error = NULL;
	StoredNote note = { .key = NULL };

	facts->rcpt = g_strdup("support@shop.example");
	facts->rules = names("");
	facts->escalate = names("");
	facts->sensitive = names("");
	facts->subject = g_strdup("");
	facts->written_at = 1795273800;
	put(secret, &note, facts);
	back = note_open(secret, &note, &error);
	g_assert_no_error(error);
	assert_same(facts, back);
	g_assert_cmpuint(back->rules->len, ==, 0);
	clear(&note);
}

/* A mail's own values may be anything: the note is readable all the same, with what can be used. */
static void wild_mail_is_tamed_when_signed(void)
{
	g_autoptr(Secret) secret = secret_generate();
	g_autoptr(Facts) facts = sample(), back = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *long_name = g_strnfill(9000, '"');
	g_autoptr(GString) references = g_string_new(NULL);
	StoredNote note = { .key = NULL };

	for (int i = 0; i < 3000; i++)
		g_string_append_printf(references, "<\"\\%d@b> ", i);
	g_free(facts->subject);
	facts->subject = g_strdup("a\tb\r\nBcc: x \xff");
	g_free(facts->message_id);
	facts->message_id = g_strdup("no id <");
	g_free(facts->references);
	facts->references = g_strdup(references->str);
	g_free(facts->from);
	facts->from = g_strdup("not an address");
	g_free(facts->to);
	facts->to = g_strdup("victim%b.example@a.example");
	g_free(facts->language);
	facts->language = g_strdup("x;q=1");
	g_free(facts->queue_id);
	facts->queue_id = g_strdup("id with spaces");
	g_free(facts->account);
	facts->account = g_strdup(long_name);
	g_free(facts->level);
	facts->level = g_strdup(long_name);
	g_free(facts->queue);
	facts->queue = g_strdup(long_name);
	facts->score = NAN;
	for (int i = 0; i < 200; i++)
		g_ptr_array_add(facts->rules, g_strdup_printf("rule_%d", i));
	put(secret, &note, facts);
	g_assert_cmpuint(strlen(note.payload), <=, 32768);
	back = note_open(secret, &note, &error);
	g_assert_no_error(error);
	g_assert_null(strpbrk(back->subject, "\t\r\n"));
	g_assert_null(back->message_id);
	g_assert_null(back->from);
	g_assert_null(back->to);
	g_assert_null(back->sender);
	g_assert_null(back->language);
	g_assert_null(back->queue_id);
	g_assert_true(g_str_has_suffix(back->references, "\\2999@b>"));
	g_assert_cmpuint(back->rules->len, ==, 40);
	g_assert_cmpfloat(back->score, ==, 0);
	clear(&note);
}

static void what_is_not_ours_is_refused(void)
{
	g_autoptr(Secret) secret = secret_generate(), other = secret_generate();
	g_autoptr(Facts) facts = sample();
	g_autoptr(GError) foreign = NULL, unsigned_note = NULL, missing = NULL;
	StoredNote note = { .key = NULL };

	put(other, &note, facts);
	g_assert_null(note_open(secret, &note, &foreign));
	g_assert_error(foreign, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED);
	g_clear_pointer(&note.mac, g_free);
	g_assert_null(note_open(secret, &note, &unsigned_note));
	g_assert_error(unsigned_note, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED);
	clear(&note);
	g_assert_null(note_open(secret, &note, &missing));
	g_assert_error(missing, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
}

static char *replaced(const char *text, const char *from, const char *to)
{
	g_auto(GStrv) parts = g_strsplit(text, from, -1);

	g_assert_cmpuint(g_strv_length(parts), ==, 2);
	return g_strjoinv(to, parts);
}

static void each_member_is_read_again(void)
{
	static const struct {
		const char *from, *to, *member;
	} wrong[] = {
		{ "\"v\":1", "\"v\":2", "v" },
		{ "\"kind\":\"note\"", "\"kind\":\"notice\"", "kind" },
		{ "\"kind\":\"note\",", "", "kind" },
		{ "\"Support@shop.example\"", "\"Support\"", "rcpt" },
		{ "\"Support@shop.example\"", "7", "rcpt" },
		{ "\"Jörg@xn", "\"<Jörg@xn", "to" },
		{ "\"Jörg@xn", "\"Joerg@xn", "to" },
		{ "\"jörg@xn", "\"JÖRG@xn", "sender" },
		{ "\"spf\"", "\"certainly\"", "verified" },
		{ "\"dmarc\"", "true", "from_verified" },
		{ ":7.25", ":\"7.25\"", "score" },
		{ ":7.25", ":1e300", "score" },
		{ "\"down,since_update\"", "\"down,,x\"", "rules" },
		{ "\"legal,media\"", "\"legal media\"", "escalate" },
		{ "\"evidence\":true", "\"evidence\":1", "evidence" },
		{ "\"recovered\":false,", "", "recovered" },
		{ "\"de-AT\"", "\"de AT\"", "language" },
		{ "\"pt-BR\"", "\"pt;BR\"", "account_language" },
		{ "\"message_reasons\":\"not-addressed\"", "\"message_reasons\":\"vip\"", "message_reasons" },
		{ "\"not-addressed,vip\"", "\"not-addressed,never\"", "reasons" },
		{ "geht\\\\\"", "geht\\n\"", "subject" },
		{ "\"<a@b>\"", "\"<a b>\"", "message_id" },
		{ "\"<x@b> <y@b>\"", "\"<x@b>  <y@b>\"", "references" },
		{ "\"4Xyz12Abc\"", "\"4Xyz12/Abc\"", "queue_id" },
		{ "1795273800", "253402300800", "written_at" },
		{ "1795275600", "-1", "respond_by" },
		{ "\"incident\":\"default\"", "\"incident\":\"payments\"", "id" },
		{ "\"incident\":\"default\",", "", "id" },
		{ "T151000Z-default", "T151000Z", "id" },
		{ "\"m@shop.example\"", "\"<m@shop.example>\"", "manager" },
		{ ",\"page\":true", "", "page" },
		{ ",\"page\":true", ",\"page\":true,\"page\":true", "payload" },
	};
	g_autoptr(Secret) secret = secret_generate();
	g_autoptr(Facts) facts = sample();
	g_autofree char *mac = NULL, *payload = note_sign(secret, facts, &mac);

	for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autofree char *text = replaced(payload, wrong[i].from, wrong[i].to), *seal = secret_hmac(secret, text, -1);
		g_autofree char *prefix = g_strdup_printf("note: %s: ", wrong[i].member);
		const StoredNote note = { .payload = text, .mac = seal };
		g_autoptr(GError) error = NULL;

		g_test_message("%s -> %s", wrong[i].from, wrong[i].to);
		g_assert_null(note_open(secret, &note, &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
		g_assert_true(g_str_has_prefix(error->message, prefix));
	}
}

/* A job of this site is signed with the same secret. */
static void one_kind_is_not_taken_for_another(void)
{
	g_autoptr(Secret) secret = secret_generate();
	g_autoptr(Facts) facts = sample();
	StoredNote note = { .key = NULL };
	StoredNotice notice = { .name = NULL };

	put(secret, &note, facts);
	notice.payload = note.payload;
	notice.mac = note.mac;
	g_assert_null(notice_open(secret, &notice, NULL));
	clear(&note);
}

static Notice order(void)
{
	return (Notice){
		.name = (char *)"update-20261121t151000z", .incident = (char *)"default", .id = (char *)"20261121T151000Z-default",
		.epoch = 3, .text = (char *)"Wir sind dran.\nMehr um 17 Uhr.", .by = (char *)"jane", .ordered_at = 1795273800,
		.media = true, .contacts = true,
	};
}

static void a_notice_comes_back_as_it_was(void)
{
	g_autoptr(Secret) secret = secret_generate();
	g_autoptr(Notice) back = NULL, other = NULL;
	g_autoptr(GError) error = NULL, moved = NULL;
	const Notice notice = order();
	StoredNotice stored = { .name = notice.name };

	stored.payload = notice_sign(secret, &notice, &stored.mac);
	back = notice_open(secret, &stored, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(back->name, ==, notice.name);
	g_assert_cmpstr(back->incident, ==, notice.incident);
	g_assert_cmpstr(back->id, ==, notice.id);
	g_assert_cmpuint(back->epoch, ==, 3);
	g_assert_cmpstr(back->text, ==, notice.text);
	g_assert_cmpstr(back->by, ==, "jane");
	g_assert_cmpint(back->ordered_at, ==, notice.ordered_at);
	g_assert_false(back->legal);
	g_assert_true(back->media);
	g_assert_false(back->accounts);
	g_assert_true(back->contacts);
	/* Under another name it would be told twice. */
	stored.name = (char *)"update-20261121t151001z";
	other = notice_open(secret, &stored, &moved);
	g_assert_null(other);
	g_assert_error(moved, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_free(stored.payload);
	g_free(stored.mac);
}

static void a_notice_has_a_name_that_says_what_it_is(void)
{
	static const struct {
		const char *name;
		bool good;
	} cases[] = {
		{ "update-20261121t151000z", true },
		{ "resolved-20261121t151000z", true },
		{ "postmortem-20261121t151000z", true },
		{ "update-20261121T151000Z", false },
		{ "update-20261121t151000z-x", false },
		{ "update-20261399t151000z", false },
		{ "update-", false },
		{ "20261121t151000z", false },
		{ "feed-20261121t151000z", false },
	};
	g_autoptr(Secret) secret = secret_generate();

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Notice notice = order();
		StoredNotice stored = { .name = (char *)cases[i].name };
		g_autoptr(Notice) back = NULL;

		g_test_message("%s", cases[i].name);
		notice.name = (char *)cases[i].name;
		stored.payload = notice_sign(secret, &notice, &stored.mac);
		back = notice_open(secret, &stored, NULL);
		g_assert_cmpint(back != NULL, ==, cases[i].good);
		g_free(stored.payload);
		g_free(stored.mac);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/note/a-note-comes-back-as-it-was", a_note_comes_back_as_it_was);
	g_test_add_func("/note/a-note-may-have-little-to-say", a_note_may_have_little_to_say);
	g_test_add_func("/note/wild-mail-is-tamed-when-signed", wild_mail_is_tamed_when_signed);
	g_test_add_func("/note/what-is-not-ours-is-refused", what_is_not_ours_is_refused);
	g_test_add_func("/note/each-member-is-read-again", each_member_is_read_again);
	g_test_add_func("/note/one-kind-is-not-taken-for-another", one_kind_is_not_taken_for_another);
	g_test_add_func("/note/a-notice-comes-back-as-it-was", a_notice_comes_back_as_it_was);
	g_test_add_func("/note/a-notice-has-a-name-that-says-what-it-is", a_notice_has_a_name_that_says_what_it_is);
	return g_test_run();
}
