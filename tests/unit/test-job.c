/* The signed job: what a milter writes a replier reads; what anybody else wrote, or what no reply could use, is refused. */
#include <glib/gstdio.h>
#include <string.h>

#include "base/address.h"
#include "base/error.h"
#include "store/job.h"

static Secret *new_secret(void)
{
	g_autofree char *dir = g_dir_make_tmp("outage-secret-XXXXXX", NULL), *path = g_build_filename(dir, "secret", NULL);
	g_autoptr(GError) error = NULL;
	Secret *secret = secret_load(path, true, &error);

	g_assert_no_error(error);
	g_unlink(path);
	g_rmdir(dir);
	return secret;
}

static ClaimRequest sample(void)
{
	return (ClaimRequest){
		.incident = (char *)"default", .id = (char *)"20261121T151000Z-default", .epoch = 7, .word = WORD_P2,
		.sender = (char *)"jörg@xn--bcher-kva.example", .to = (char *)"Jörg@xn--bcher-kva.example",
		.support = (char *)"support@example.org", .template_name = (char *)"acme", .language = (char *)"de-AT",
		.account = (char *)"Acme \"GmbH\"", .subject = (char *)"Störung: nichts geht", .message_id = (char *)"<a@b>",
		.references = (char *)"<x@b> <y@b>", .queue_id = (char *)"4Xyz12Abc", .written_at = 1795273800,
	};
}

static StoredJob sign(const Secret *secret, const ClaimRequest *request)
{
	StoredJob stored = { .handle = NULL };

	stored.payload = job_sign(secret, request, "0123456789abcdef", &stored.mac);
	return stored;
}

static void clear(StoredJob *stored)
{
	g_free(stored->payload);
	g_free(stored->mac);
}

static void test_round_trip(void)
{
	g_autoptr(Secret) secret = new_secret();
	ClaimRequest request = sample();
	StoredJob stored = sign(secret, &request), again = sign(secret, &request);
	g_autoptr(GError) error = NULL;
	g_autoptr(Job) job = job_open(secret, &stored, &error);

	g_assert_no_error(error);
	/* The same claim told twice is the same job. */
	g_assert_cmpstr(stored.payload, ==, again.payload);
	g_assert_cmpstr(stored.mac, ==, again.mac);
	g_assert_cmpstr(job->token, ==, "0123456789abcdef");
	g_assert_cmpstr(job->request->incident, ==, request.incident);
	g_assert_cmpstr(job->request->id, ==, request.id);
	g_assert_cmpuint(job->request->epoch, ==, 7);
	g_assert_false(job->request->resolved);
	g_assert_cmpint(job->request->word, ==, WORD_P2);
	g_assert_cmpstr(job->request->sender, ==, request.sender);
	g_assert_cmpstr(job->request->to, ==, request.to);
	g_assert_cmpstr(job->request->support, ==, request.support);
	g_assert_cmpstr(job->request->template_name, ==, request.template_name);
	g_assert_cmpstr(job->request->language, ==, request.language);
	g_assert_cmpstr(job->request->account, ==, request.account);
	g_assert_cmpstr(job->request->subject, ==, request.subject);
	g_assert_cmpstr(job->request->message_id, ==, request.message_id);
	g_assert_cmpstr(job->request->references, ==, request.references);
	g_assert_cmpstr(job->request->queue_id, ==, request.queue_id);
	g_assert_cmpint(job->request->written_at, ==, request.written_at);
	clear(&stored);
	clear(&again);
}

static void test_optional_members(void)
{
	g_autoptr(Secret) secret = new_secret();
	ClaimRequest request = { .incident = (char *)"api", .id = (char *)"20261121T151000Z-api", .resolved = true,
		.word = WORD_RESOLVED, .sender = (char *)"a@b.example", .to = (char *)"a@b.example", .support = (char *)"s@b.example",
		.subject = (char *)"", .queue_id = (char *)"" };
	StoredJob stored = sign(secret, &request);
	g_autoptr(GError) error = NULL;
	g_autoptr(Job) job = job_open(secret, &stored, &error);

	g_assert_no_error(error);
	g_assert_true(job->request->resolved);
	g_assert_null(job->request->template_name);
	g_assert_null(job->request->message_id);
	clear(&stored);
}

static void expect_refused(const Secret *secret, const char *payload, const char *mac)
{
	StoredJob stored = { .handle = (char *)"1-1", .payload = (char *)payload, .mac = (char *)mac };
	g_autoptr(GError) error = NULL;

	g_assert_null(job_open(secret, &stored, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED);
}

static void test_foreign_jobs_are_refused(void)
{
	g_autoptr(Secret) secret = new_secret(), other = new_secret();
	ClaimRequest request = sample(), second = sample();
	StoredJob mine = sign(secret, &request), theirs = sign(other, &request), next;
	g_autofree char *upper = g_ascii_strup(mine.mac, -1), *cut = g_strndup(mine.mac, strlen(mine.mac) - 1);
	g_autofree char *longer = g_strconcat(mine.mac, "0", NULL), *spaced = g_strconcat(mine.mac, "\n", NULL);
	g_autofree char *plain = g_compute_checksum_for_string(G_CHECKSUM_SHA256, mine.payload, -1);
	g_autofree char *keyless = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)"", 0, mine.payload, -1);
	g_autofree char *zeros = g_strnfill(strlen(mine.mac), '0');

	second.epoch++;
	next = sign(secret, &second);
	{
		const char *const macs[] = { NULL, "", "0", upper, cut, longer, spaced, plain, keyless, zeros, theirs.mac, next.mac,
			mine.payload };

		for (gsize i = 0; i < G_N_ELEMENTS(macs); i++)
			expect_refused(secret, mine.payload, macs[i]);
	}
	expect_refused(secret, next.payload, mine.mac);
	expect_refused(secret, theirs.payload, theirs.mac);
	expect_refused(secret, "", mine.mac);
	clear(&mine);
	clear(&theirs);
	clear(&next);
}

/* Whichever member it is in: not one letter may be another one. */
static void test_altered_jobs_are_refused(void)
{
	g_autoptr(Secret) secret = new_secret();
	ClaimRequest request = sample();
	StoredJob mine = sign(secret, &request);
	gsize size = strlen(mine.payload);

	for (gsize i = 0; i < size; i++) {
		char kept = mine.payload[i];

		mine.payload[i] = kept == 'x' ? 'y' : 'x';
		expect_refused(secret, mine.payload, mine.mac);
		mine.payload[i] = kept;
	}
	for (gsize cut = 0; cut < size; cut++) {
		g_autofree char *part = g_strndup(mine.payload, cut);

		expect_refused(secret, part, mine.mac);
	}
	clear(&mine);
}

/* The handle is the store's and no part of what is signed: that a job comes back under another one is for its mark to tell. */
static void test_the_handle_is_not_signed(void)
{
	g_autoptr(Secret) secret = new_secret();
	ClaimRequest request = sample();
	StoredJob stored = sign(secret, &request);
	StoredJob again = { .handle = (char *)"9-9", .payload = stored.payload, .mac = stored.mac, .tries = 5 };
	g_autoptr(GError) error = NULL;
	g_autoptr(Job) first = job_open(secret, &stored, &error), second = job_open(secret, &again, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(second->token, ==, first->token);
	clear(&stored);
}

/* While nodes are brought to a new version one after another, a new milter's job has members that an old replier does not know. */
static void test_members_of_a_later_version_are_passed_over(void)
{
	g_autoptr(Secret) secret = new_secret();
	ClaimRequest request = sample();
	StoredJob good = sign(secret, &request), later = { .handle = NULL };
	g_auto(GStrv) parts = g_strsplit(good.payload, "\"v\":1", 2);
	g_autoptr(GError) error = NULL;
	g_autoptr(Job) job = NULL;

	later.payload = g_strconcat(parts[0], "\"v\":1,\"later\":{\"a\":[\"b\",17]}", parts[1], NULL);
	later.mac = secret_hmac(secret, later.payload, -1);
	job = job_open(secret, &later, &error);
	g_assert_no_error(error);
	clear(&good);
	clear(&later);
}

/* An address that a mail can bring (or a bad milter sign), and whether a letter may go there. */
static const struct { const char *address; bool usable; } addresses[] = {
	{ "customer@example.com", true }, { "O'Brien+tag@Sub.Example.com", true }, { "john..doe.@example.com", true },
	{ "a&b=c/d@example.com", true }, { "j\xc3\xb6rg@b\xc3\xbc" "cher.example", true },
	{ "a@x1.2x.example", true }, { "\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.example", true },
	/* Routes: an MTA that follows them carries the letter to a third party. */
	{ "@a.example,@b.example:c@d.example", false }, { "<@a.example:c@d.example>", false }, { "victim%b.example@a.example", false },
	{ "b.example!victim@a.example", false }, { "\"victim@b.example\"@a.example", false }, { "\"@b.example:victim\"@a.example", false },
	{ "\"victim%b.example\"@a.example", false },
	/* Quoting, for those who quote badly; a space would end the address in an SMTP command. */
	{ "\"john doe\"@example.com", false },
	{ "\"a\\\"b\"@a.example", false }, { "\"a>\"@a.example", false }, { "\"a\\\\\"@a.example", false }, { "\"a,b\"@a.example", false },
	{ "\"a;b\"@a.example", false }, { "\"a(b)\"@a.example", false }, { "\"\"@a.example", false }, { "\"a\"b@a.example", false },
	{ "a b@a.example", false }, { "a@a.example (comment)", false }, { "Jane <a@a.example>", false }, { "<a@a.example>", false },
	{ " a@a.example", false }, { "a@a.example ", false }, { "a@a.example, b@b.example", false }, { "a@b@a.example", false },
	/* No names in the mail system. */
	{ "user@[10.0.0.1]", false }, { "user@[IPv6:::1]", false }, { "user@[tag-x:1]", false }, { "user@10.0.0.1", false },
	{ "user@2130706433", false }, { "user@a.example:25", false }, { "user@a.example/x", false }, { "user@a..example", false },
	{ "user@.", false }, { "user@", false }, { "@a.example", false }, { "user", false }, { "<>", false }, { "MAILER-DAEMON", false },
	/* What cannot be seen. */
	{ "a\xe2\x80\xae" "b@a.example", false }, { "a\xe2\x80\xa8" "b@a.example", false }, { "a\xe2\x80\x8b" "b@a.example", false },
	{ "a\xc2\xa0" "b@a.example", false }, { "a\xc2\x85" "b@a.example", false }, { "a@a.ex\xe2\x80\xae" "ample", false },
	{ "a\tb@a.example", false }, { "a@a.example\r\nRCPT TO:<victim@b.example>", false }, { "a\xff@a.example", false },
};

static void check_address(const Secret *secret, const char *address, bool usable)
{
	g_autofree char *normal = address_normal_text(address);
	ClaimRequest request = sample();
	g_autoptr(GError) error = NULL;
	g_autoptr(Job) job = NULL;
	StoredJob stored;

	g_test_message("%s", address);
	request.to = (char *)address;
	request.sender = normal != NULL ? normal : (char *)address;
	stored = sign(secret, &request);
	job = job_open(secret, &stored, &error);
	if (usable) {
		g_assert_no_error(error);
		g_assert_cmpstr(job->request->to, ==, address);
	} else {
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
		g_assert_true(g_str_has_suffix(error->message, ": cannot be used"));
	}
	clear(&stored);
}

static void test_letters_go_to_plain_addresses_only(void)
{
	g_autoptr(Secret) secret = new_secret();
	g_autofree char *local = g_strnfill(129, 'a'), *label = g_strnfill(63, 'a'), *wide = g_strnfill(64, 'a');
	g_autofree char *too_long = g_strconcat(local, "@a.example", NULL), *bad_label = g_strconcat("a@", wide, ".example", NULL);
	g_autofree char *huge = g_strconcat(label, "@", label, ".", label, ".", label, ".", label, ".", label, NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++)
		check_address(secret, addresses[i].address, addresses[i].usable);
	check_address(secret, too_long, false);
	check_address(secret, bad_label, false);
	check_address(secret, huge, false);
}

/* In a good payload, `from` is replaced by `to` and the whole is signed again: what is wrong has to be named. */
static const struct { const char *from, *to, *named; } wrong[] = {
	{ "\"v\":1", "\"v\":2", "v" },
	{ "\"v\":1,", "", "v" },
	{ "\"epoch\":7", "\"epoch\":-7", "epoch" },
	{ "\"epoch\":7", "\"epoch\":\"7\"", "epoch" },
	{ "\"epoch\":7", "\"epoch\":7.5", "epoch" },
	{ "\"0123456789abcdef\"", "\"\"", "token" },
	{ "\"0123456789abcdef\"", "\"a b\"", "token" },
	{ "\"0123456789abcdef\"", "17", "token" },
	{ "\"incident\":\"default\"", "\"incident\":\"P1\"", "incident" },
	{ "\"incident\":\"default\"", "\"incident\":\"../x\"", "incident" },
	{ "\"incident\":\"default\"", "\"incident\":null", "incident" },
	{ "20261121T151000Z-default", "20261121T151000Z", "id" },
	{ "20261121T151000Z-default", "20261321T151000Z-default", "id" },
	{ "20261121T151000Z-default", "20261121T151000Z-De fault", "id" },
	{ "20261121T151000Z-default", "20261121T151000Z-api", "id" },
	{ "\"incident\":\"default\"", "\"incident\":\"api\"", "id" },
	{ "\"active\"", "\"ACTIVE\"", "kind" },
	{ "\"word\":\"P2\"", "\"word\":\"P4\"", "word" },
	{ "\"word\":\"P2\"", "\"word\":\"none\"", "word" },
	{ "\"sender\":\"j", "\"sender\":\"a@b@", "sender" },
	{ "\"to\":\"J", "\"to\":\"x@y>\\r\\nRCPT TO:<J", "to" },
	{ "\"to\":\"J", "\"to\":[\"J\"],\"other\":\"", "to" },
	{ "\"to\":\"J", "\"to\":\"K", "to" },
	{ "\"sender\":\"j", "\"sender\":\"J", "sender" },
	{ "\"support\":\"support@example.org\"", "\"support\":\"\"", "support" },
	{ "\"support\":\"support@example.org\",", "", "support" },
	{ "\"acme\"", "\"../../etc/passwd\"", "template" },
	{ "\"acme\"", "\"ACME\"", "template" },
	{ "\"acme\"", "\"a23456789012345678901234567890123\"", "template" },
	{ "\"de-AT\"", "\"de_AT.UTF-8\"", "language" },
	{ "\"de-AT\"", "{}", "language" },
	{ "St", "St\\r\\nBcc: victim@example.com ", "subject" },
	{ "St", "St\\u0085", "subject" },
	{ "Acme ", "Acme\\n", "account" },
	{ "\"<a@b>\"", "\"a@b\"", "message_id" },
	{ "\"<a@b>\"", "\"<a b>\"", "message_id" },
	{ "\"<a@b>\"", "\"<a@b>\\r\\nX: y>\"", "message_id" },
	{ "\"<a@b>\"", "\"<a@b><c@d>\"", "message_id" },
	{ "<x@b> <y@b>", "<x@b>  <y@b>", "references" },
	{ "<x@b> <y@b>", "<x@b> y", "references" },
	{ "4Xyz12Abc", "4Xyz 12", "queue_id" },
	{ "\"written_at\":", "\"written_at\":\"x\",\"w\":", "written_at" },
	{ "1795273800", "\"1795273800\"", "written_at" },
	{ "1795273800", "179527380099999999999999", "written_at" },
	{ "1795273800", "9223372036854775807", "written_at" },
	{ "1795273800", "253402300800", "written_at" },
	{ "1795273800", "true", "written_at" },
	{ "1795273800", "null", "written_at" },
	{ "St", "\\ud800", "payload" },
	{ "St", "St\n", "subject" },
	/* What two readers could take for two jobs. */
	{ "\"v\":1", "\"v\":0x1", "payload" },
	{ "\"v\":1", "\"v\":01", "payload" },
	{ "\"epoch\":7", "\"epoch\":007", "payload" },
	{ "\"epoch\":7", "\"epoch\": 7", "payload" },
	{ "\"epoch\":7", "\"epoch\":8,\"epoch\":7", "payload" },
	{ "\"word\":\"P2\"", "\"word\":\"P1\",\"word\":\"P2\"", "payload" },
	{ "\"support\":", "\"support\":\"victim@example.com\",\"support\":", "payload" },
	{ "\"support\":", "/* \"support\": */\"support\":", "payload" },
	{ "St", "\\u0053t", "payload" },
	{ "St", "St\\u0000Bcc: victim@example.com", "payload" },
	{ "support@example.org", "support@example.org\\u0000", "payload" },
	{ "}", "}{\"v\":1}", "payload" },
	{ "}", "}\n", "payload" },
	{ "{", "var x = {", "payload" },
	{ "\"v\":1", "\"v\":1,\"x\":[[[[[[[[[[]]]]]]]]]]", "payload" },
	{ "\"v\":1", "\"v\":1,\"x\":{\"y\":[{\"z\":[[[[[[]]]]]]}]}", "payload" },
};

static void test_unusable_members_are_named(void)
{
	g_autoptr(Secret) secret = new_secret();
	ClaimRequest request = sample();
	StoredJob good = sign(secret, &request);

	for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_auto(GStrv) parts = g_strsplit(good.payload, wrong[i].from, 2);
		g_autofree char *prefix = g_strdup_printf("job: %s: ", wrong[i].named);
		g_autoptr(GError) error = NULL;
		StoredJob bad = { .handle = NULL };

		g_test_message("%s -> %s", wrong[i].from, wrong[i].to);
		g_assert_cmpuint(g_strv_length(parts), ==, 2);
		bad.payload = g_strconcat(parts[0], wrong[i].to, parts[1], NULL);
		bad.mac = secret_hmac(secret, bad.payload, -1);
		g_assert_null(job_open(secret, &bad, &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
		g_assert_true(g_str_has_prefix(error->message, prefix));
		clear(&bad);
	}
	clear(&good);
}

static void test_payloads_that_are_no_object(void)
{
	static const char *const payloads[] = { "", "[]", "null", "17", "\"x\"", "{", "{}}", "{\"v\":1", "{}" };
	g_autoptr(Secret) secret = new_secret();
	g_autofree char *huge = g_strnfill(70000, 'x'), *deep = g_strnfill(65000, '[');
	StoredJob missing = { .payload = NULL }, long_one = { .payload = huge };
	g_autoptr(GError) error = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(payloads); i++) {
		StoredJob bad = { .payload = (char *)payloads[i] };

		bad.mac = secret_hmac(secret, bad.payload, -1);
		g_assert_null(job_open(secret, &bad, &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
		g_clear_error(&error);
		g_free(bad.mac);
	}
	g_assert_null(job_open(secret, &missing, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	long_one.mac = secret_hmac(secret, huge, -1);
	g_assert_null(job_open(secret, &long_one, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_free(long_one.mac);
	g_clear_error(&error);
	long_one.payload = deep;
	long_one.mac = secret_hmac(secret, deep, -1);
	g_assert_null(job_open(secret, &long_one, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_free(long_one.mac);
}

/* What an operator is shown of a queue that anybody may have written into. */
static void test_a_look_at_an_unverified_payload(void)
{
	static const struct { const char *payload, *token; } cases[] = {
		{ "{\"token\":\"x\"}", "x" }, { "{\"a\":1,\"token\":\"x\"}", "x" }, { "{\"token\":17}", NULL }, { "{\"token\":[\"x\"]}", NULL },
		{ "{\"token\":null}", NULL }, { "{\"token\":\"\\ud800\"}", NULL }, { "{}", NULL }, { "", NULL }, { "[]", NULL },
		{ "\"token\"", NULL }, { "{\"token\":\"x\"", NULL },
		{ "{\"a\":[[[[[[[[[[]]]]]]]]]],\"token\":\"x\"}", NULL }, { "{\"a\":\"[[[[[[[[[[\",\"token\":\"x\"}", "x" },
		{ "{\"a\":\"\\\"[[[[[[[[[[\",\"token\":\"x\"}", "x" }, { "{/* */\"token\":\"x\"}", NULL },
	};
	g_autofree char *deep = g_strnfill(65000, '[');
	StoredJob job = { .payload = deep };

	g_assert_null(job_peek(&job, "token"));
	job.payload = NULL;
	g_assert_null(job_peek(&job, "token"));
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *token = NULL;

		job.payload = (char *)cases[i].payload;
		token = job_peek(&job, "token");
		g_test_message("%s", cases[i].payload);
		g_assert_cmpstr(token, ==, cases[i].token);
	}
}

/* What a customer's mail may hold must not cost the acknowledgement. */
static void test_wild_mail_is_tamed_when_signed(void)
{
	g_autoptr(Secret) secret = new_secret();
	ClaimRequest request = sample();
	g_autofree char *subject = g_strnfill(9001, 'u');
	g_autoptr(GString) references = g_string_new("not-an-id <a\tb> ");
	g_autoptr(GError) error = NULL;
	g_autoptr(Job) job = NULL;
	StoredJob stored;

	memcpy(subject, "x\ty\r\nz\xc2\x85\xff", 9);
	memcpy(subject + 4095, "\xc3\xa4", 2);
	for (int i = 0; i < 3000; i++)
		g_string_append_printf(references, "<reference-%d@example.com> ", i);
	request.subject = subject;
	request.references = references->str;
	request.message_id = (char *)"no id";
	stored = sign(secret, &request);
	job = job_open(secret, &stored, &error);
	g_assert_no_error(error);
	g_assert_true(g_str_has_prefix(job->request->subject, "x y  z  "));
	g_assert_cmpuint(strlen(job->request->subject), <=, 4096);
	g_assert_true(g_str_has_suffix(job->request->references, "<reference-2998@example.com> <reference-2999@example.com>"));
	g_assert_cmpuint(strlen(job->request->references), <=, 16384);
	g_assert_null(job->request->message_id);
	clear(&stored);
}

static void test_broken_message_id_costs_no_acknowledgement(void)
{
	static const char *const broken[] = { "<a@b> <c@d>", "<a b@c>", "a@b", "<>", "", "<a@b", "<\xff@b>" };
	g_autoptr(Secret) secret = new_secret();

	for (gsize i = 0; i < G_N_ELEMENTS(broken); i++) {
		ClaimRequest request = sample();
		g_autoptr(GError) error = NULL;

		request.message_id = (char *)broken[i];
		StoredJob stored = sign(secret, &request);
		g_autoptr(Job) job = job_open(secret, &stored, &error);
		g_assert_no_error(error);
		g_assert_null(job->request->message_id);
		clear(&stored);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/job/round-trip", test_round_trip);
	g_test_add_func("/job/optional-members", test_optional_members);
	g_test_add_func("/job/foreign-jobs-are-refused", test_foreign_jobs_are_refused);
	g_test_add_func("/job/altered-jobs-are-refused", test_altered_jobs_are_refused);
	g_test_add_func("/job/the-handle-is-not-signed", test_the_handle_is_not_signed);
	g_test_add_func("/job/members-of-a-later-version-are-passed-over", test_members_of_a_later_version_are_passed_over);
	g_test_add_func("/job/letters-go-to-plain-addresses-only", test_letters_go_to_plain_addresses_only);
	g_test_add_func("/job/a-look-at-an-unverified-payload", test_a_look_at_an_unverified_payload);
	g_test_add_func("/job/unusable-members-are-named", test_unusable_members_are_named);
	g_test_add_func("/job/payloads-that-are-no-object", test_payloads_that_are_no_object);
	g_test_add_func("/job/wild-mail-is-tamed-when-signed", test_wild_mail_is_tamed_when_signed);
	g_test_add_func("/job/a-broken-message-id-costs-no-acknowledgement", test_broken_message_id_costs_no_acknowledgement);
	return g_test_run();
}
