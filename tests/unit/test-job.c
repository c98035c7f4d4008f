/* The signed job: what a milter writes a replier reads; what anybody else wrote, or what no reply could use, is refused. */
#include <glib/gstdio.h>
#include <string.h>

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

static void test_foreign_jobs_are_refused(void)
{
	g_autoptr(Secret) secret = new_secret(), other = new_secret();
	ClaimRequest request = sample();
	StoredJob stored = sign(other, &request), mine = sign(secret, &request), unsigned_one = { .payload = mine.payload };
	g_autoptr(GError) error = NULL;

	g_assert_null(job_open(secret, &stored, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED);
	g_clear_error(&error);
	g_assert_null(job_open(secret, &unsigned_one, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED);
	g_clear_error(&error);
	/* One changed letter of the recipient. */
	*strstr(mine.payload, "support@") = 'x';
	g_assert_null(job_open(secret, &mine, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED);
	clear(&stored);
	clear(&mine);
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
	{ "\"active\"", "\"ACTIVE\"", "kind" },
	{ "\"word\":\"P2\"", "\"word\":\"P4\"", "word" },
	{ "\"word\":\"P2\"", "\"word\":\"none\"", "word" },
	{ "\"sender\":\"j", "\"sender\":\"a@b@", "sender" },
	{ "\"to\":\"J", "\"to\":\"x@y>\\r\\nRCPT TO:<J", "to" },
	{ "\"to\":\"J", "\"to\":[\"J\"],\"other\":\"", "to" },
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
	g_autofree char *huge = g_strnfill(70000, 'x');
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
	g_test_add_func("/job/unusable-members-are-named", test_unusable_members_are_named);
	g_test_add_func("/job/payloads-that-are-no-object", test_payloads_that_are_no_object);
	g_test_add_func("/job/wild-mail-is-tamed-when-signed", test_wild_mail_is_tamed_when_signed);
	g_test_add_func("/job/a-broken-message-id-costs-no-acknowledgement", test_broken_message_id_costs_no_acknowledgement);
	return g_test_run();
}
