/* test-bounce: mail that comes back blocks the address that it went to; whatever else comes to the bounce address blocks nobody. */
#include "mail/bounce.h"

#include <glib/gstdio.h>
#include <string.h>

#include "base/address.h"
#include "mail/text.h"

#define LIMIT (256 * 1024)
#define BASE "bounces@support.example"

static Secret *ours, *theirs;

/* --- the address --- */

static char *hash_of(const char *address)
{
	return secret_address_hash(ours, address);
}

static void test_reply_can_come_back(void)
{
	static const char *const bases[] = {
		BASE, "b@support.example", "bounce.replies@xn--bcher-kva.example", "fourteen-bytes@support.example", "a+b@support.example",
		"b@[192.0.2.1]",
	};
	g_autofree char *hash = hash_of("jane@customer.example");

	for (gsize i = 0; i < G_N_ELEMENTS(bases); i++) {
		g_autofree char *tagged = bounce_address_make(ours, bases[i], hash);
		g_autofree char *bracketed = g_strdup_printf("<%s>", tagged);
		g_autofree char *upper = g_ascii_strup(tagged, -1);
		g_autofree char *read = bounce_address_read(ours, bases[i], tagged);
		g_autofree char *read_bracketed = bounce_address_read(ours, bases[i], bracketed);
		g_autofree char *read_upper = bounce_address_read(ours, bases[i], upper);
		g_autoptr(Address) parsed = address_parse(tagged, NULL);

		g_test_message("%s", tagged);
		g_assert_cmpstr(read, ==, hash);
		g_assert_cmpstr(read_bracketed, ==, hash);
		g_assert_cmpstr(read_upper, ==, hash);
		g_assert_true(bounce_address_is(bases[i], upper));
		/* A server may refuse a longer one: RFC 5321 section 4.5.3.1.1. */
		g_assert_nonnull(parsed);
		g_assert_cmpuint(strlen(parsed->local), <=, 64);
	}
	g_assert_cmpuint(strlen("fourteen-bytes"), ==, BOUNCE_LOCAL_MAX);
}

static void test_tag_is_worth_nothing_elsewhere(void)
{
	g_autofree char *hash = hash_of("jane@customer.example");
	g_autofree char *other_hash = hash_of("john@customer.example");
	g_autofree char *tagged = bounce_address_make(ours, BASE, hash);
	g_autofree char *of_other_site = bounce_address_make(theirs, BASE, hash);
	g_autofree char *tag = g_strndup(strchr(tagged, '.') + 1, 16);
	g_autofree char *moved = g_strdup_printf("bounces+%s.%s@support.example", other_hash, tag);
	g_autofree char *from_other_site = bounce_address_read(ours, BASE, of_other_site);
	g_autofree char *from_moved = bounce_address_read(ours, BASE, moved);

	g_assert_true(bounce_address_is(BASE, of_other_site));
	g_assert_null(from_other_site);
	g_assert_true(bounce_address_is(BASE, moved));
	g_assert_null(from_moved);
	for (gsize i = 0; i < 16; i++) {
		char *digit = strchr(tagged, '.') + 1 + i;
		char before = *digit;
		g_autofree char *read = NULL;

		*digit = before == '0' ? '1' : '0';
		read = bounce_address_read(ours, BASE, tagged);
		g_assert_null(read);
		*digit = before;
	}
}

#define HASH "0123456789abcdef0123456789abcdef"
#define TAG "0123456789abcdef"

static void test_other_addresses_have_no_tag(void)
{
	static const char *const others[] = {
		BASE, "", "<>", "bounces+@support.example", "bounces+" HASH "@support.example", "bounces+" HASH ".@support.example",
		"bounces+" HASH "." TAG "0@support.example", "bounces+" HASH ".0123456789abcde@support.example",
		"bounces+" HASH ".0123456789abcdeg@support.example", "bounces+0" HASH "." TAG "@support.example",
		"bounces+" HASH "-" TAG "@support.example", "bounces-" HASH "." TAG "@support.example",
		"bounce+" HASH "." TAG "@support.example", "xbounces+" HASH "." TAG "@support.example",
		"bounces+x+" HASH "." TAG "@support.example", "bounces+" HASH "." TAG "@support.example.evil.example",
		"bounces+" HASH "." TAG "@other.example", "bounces+" HASH "." TAG, "@support.example",
		"bounces+" HASH "." TAG "@support.example\r\nRCPT TO:<x@y.example>", "\"bounces+" HASH "." TAG " \"@support.example",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
		g_autofree char *read = bounce_address_read(ours, BASE, others[i]);

		g_test_message("%s", others[i]);
		g_assert_false(bounce_address_is(BASE, others[i]));
		g_assert_null(read);
	}
	g_assert_true(bounce_address_is(BASE, "Bounces+" HASH "." TAG "@Support.Example"));
}

static void test_site_without_bounce_address_has_no_tags(void)
{
	g_assert_false(bounce_address_is(NULL, "bounces+" HASH "." TAG "@support.example"));
	g_assert_false(bounce_address_is("", "bounces+" HASH "." TAG "@support.example"));
	g_assert_false(bounce_address_is(BASE, NULL));
	g_assert_null(bounce_address_read(ours, "", "bounces+" HASH "." TAG "@support.example"));
	g_assert_null(bounce_address_read(ours, NULL, NULL));
}

/* --- the report --- */

typedef struct {
	const char *name; /* of the file in tests/data/bounce */
	const char *why;  /* what the log says, or NULL: no failure for good */
} Sample;

static const Sample SAMPLES[] = {
	{ "postfix-failed", "5.1.1: smtp; 550 5.1.1 [address] Recipient address rejected: User unknown in virtual mailbox table" },
	{ "postfix-delayed", NULL },
	{ "postfix-expired", NULL },
	{ "postfix-success", NULL },
	{ "postfix-relayed", NULL },
	{ "postfix-eai", "5.6.7: X-Postfix; SMTPUTF8 is required, but was not offered by host imap.customer.example" },
	{ "exim-failed", "5.0.0: smtp; 550 no such user" },
	{ "exim-delayed", NULL },
	{ "exim-old-plain", "X-Failed-Recipients" },
	{ "sendmail-failed", "5.1.1: SMTP; 550 5.1.1 [address] User unknown" },
	{ "sendmail-warning", NULL },
	{ "exchange-failed", "5.1.10: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient [address] not found by SMTP address lookup" },
	{ "qmail-failed", NULL },
	{ "two-recipients-one-failed", "5.2.1: smtp; 550-5.2.1 The mailbox is closed 550 5.2.1 for good" },
	{ "two-recipients-mixed-but-temporary", NULL },
	{ "in-mixed-with-footer", "5.1.1" },
	{ "forwarded-by-a-person", NULL },
	{ "success-that-encloses-a-bounce", NULL },
	{ "cut-in-the-returned-mail", "5.1.1" },
	{ "cut-before-the-status", NULL },
	{ "one-group-only", "5.1.1" },
	{ "no-report-type", "5.1.1" },
	{ "broken-status", NULL },
	{ "status-in-plain-text", NULL },
	{ "delayed-with-failed-recipients-field", NULL },
	{ "refused-by-policy", NULL },
	{ "sender-refused", NULL },
	{ "vacation", NULL },
	{ "read-receipt", NULL },
	{ "complaint", NULL },
};

static Message *load(const char *name, gsize limit)
{
	g_autofree char *file = g_strconcat(name, ".eml", NULL);
	g_autofree char *path = g_test_build_filename(G_TEST_DIST, "tests", "data", "bounce", file, NULL);
	g_autofree char *bytes = NULL;
	g_autoptr(GError) error = NULL;
	gsize size;
	Message *message;

	g_file_get_contents(path, &bytes, &size, &error);
	g_assert_no_error(error);
	message = message_from_bytes(bytes, size, limit);
	message_set_sender(message, "<>");
	return message;
}

static void test_sample(gconstpointer data)
{
	const Sample *sample = data;
	g_autoptr(Message) message = load(sample->name, LIMIT);
	g_autofree char *why = NULL;

	g_assert_true(bounce_is_failure(message, &why) == (sample->why != NULL));
	g_assert_cmpstr(why, ==, sample->why);
	g_assert_true(bounce_is_failure(message, NULL) == (sample->why != NULL));
}

/* Only the null sender bounces (RFC 5321 section 4.5.5): anybody can write a report by hand. */
static void test_report_from_somebody_is_no_bounce(void)
{
	static const char *const senders[] = { "<jane@customer.example>", "<MAILER-DAEMON@mx.customer.example>", NULL };

	for (gsize i = 0; i < G_N_ELEMENTS(senders); i++) {
		g_autoptr(Message) message = load("postfix-failed", LIMIT);
		g_autofree char *why = g_strdup("untouched");
		char *said = why;

		if (senders[i] != NULL)
			message_set_sender(message, senders[i]);
		else
			g_clear_pointer(&message->sender, g_free);
		g_assert_false(bounce_is_failure(message, &said));
		g_assert_null(said);
	}
}

/* The limit of the body cuts the mail that came back, and then what stands in front of it still counts. */
static void test_body_limit_leaves_the_status(void)
{
	g_autoptr(Message) whole = load("postfix-failed", LIMIT);
	const char *end = strstr(whole->body->str, "Remote-MTA");
	g_autoptr(Message) cut = NULL;
	g_autoptr(Message) before = NULL;

	g_assert_nonnull(end);
	cut = load("postfix-failed", (gsize)(end - whole->body->str));
	g_assert_true(cut->body_cut);
	g_assert_true(bounce_is_failure(cut, NULL));
	before = load("postfix-failed", 200);
	g_assert_false(bounce_is_failure(before, NULL));
}

static void test_words_of_others_are_harmless(void)
{
	g_autoptr(Message) message = load("hostile-words", LIMIT);
	g_autofree char *why = NULL;
	g_autofree char *none = bounce_words(NULL);
	g_autofree char *latin = bounce_words("550 user \xFC" "nknown\r\n jane@customer.example");

	g_assert_true(bounce_is_failure(message, &why));
	g_test_message("%s", why);
	g_assert_true(g_str_has_prefix(why, "5.1.1: smtp; 550 "));
	g_assert_true(g_utf8_validate(why, -1, NULL));
	g_assert_null(strpbrk(why, "\r\n\t\x1b\x07"));
	g_assert_null(strstr(why, "jane"));
	g_assert_null(strstr(why, "\xE2\x80\xAE"));
	g_assert_cmpuint(strlen(why), <=, 400);
	g_assert_cmpstr(none, ==, "");
	g_assert_cmpstr(latin, ==, "550 user ?nknown [address]");
}

/* Reports are machine-made, and so are those that are meant to hurt. */
static Message *build_report(const char *groups, gsize count)
{
	g_autoptr(GString) bytes = g_string_new("Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
	    "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.customer.example\n\n");
	Message *message;

	for (gsize i = 0; i < count; i++)
		g_string_append(bytes, groups);
	g_string_append(bytes, "\n--b--\n");
	message = message_from_bytes(bytes->str, bytes->len, 8 * 1024 * 1024);
	message_set_sender(message, "<>");
	return message;
}

/* Exim writes 5.0.0 for every refusal: a server that dislikes us must not cost the customer every further letter. */
static void test_status_without_subject_is_read_by_its_diagnostic(void)
{
	static const struct {
		const char *diagnostic;
		bool failure;
	} cases[] = {
		{ "", true },
		{ "Diagnostic-Code: smtp; 550 No such user\n", true },
		{ "Diagnostic-Code: SMTP ;550-5.1.1 The account does not exist\n 550 5.1.1 here\n", true },
		{ "Diagnostic-Code: smtp; 552 5.2.2 Full\n", true },
		{ "Diagnostic-Code: X-Other; unknown user\n", true },
		{ "Diagnostic-Code: smtp; the domain has no server\n", true },
		{ "Diagnostic-Code: smtp; 550-5.7.1 Client host blocked\n 550 5.7.1 by a list\n", false },
		{ "Diagnostic-Code: smtp; 550 5.1.8 Sender unknown\n", false },
		{ "Diagnostic-Code: smtp; 550 Looks like SPAM\n", false },
		{ "Diagnostic-Code: smtp; 554 Transaction failed\n", false },
		{ "Diagnostic-Code: smtp; 451 Later\n", false },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *group = g_strconcat("Action: failed\nStatus: 5.0.0\n", cases[i].diagnostic, NULL);
		g_autoptr(Message) message = build_report(group, 1);

		g_test_message("%s", cases[i].diagnostic);
		g_assert_true(bounce_is_failure(message, NULL) == cases[i].failure);
	}
}

static void test_huge_reports_are_bounded(void)
{
	static const char *const pieces[] = {
		"Action: delivered\nStatus: 2.0.0\n\n", "Action: delivered\n", "Diagnostic-Code: smtp; 550\n folded\n", " folded\n", "((((",
		"Action: (", "Diagnostic-Code: =?utf-8?q?x?=\n", "x", "\n", "--b\nContent-Type: multipart/report; boundary=b\n\n",
		"--b\nContent-Type: message/delivery-status\n\nAction: delivered\n\n",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
		g_autoptr(Message) message = build_report(pieces[i], 200000 / strlen(pieces[i]));
		g_autoptr(GPtrArray) statuses = text_delivery_statuses(message);
		gint64 start = g_get_monotonic_time();

		g_assert_false(bounce_is_failure(message, NULL));
		g_test_message("%s: %.1f ms", pieces[i], (double)(g_get_monotonic_time() - start) / 1000);
		g_assert_cmpuint(statuses->len, <=, 100);
	}
}

static void test_report_is_read_whole(void)
{
	g_autoptr(Message) message = load("two-recipients-one-failed", LIMIT);
	g_autoptr(GPtrArray) statuses = text_delivery_statuses(message);
	const TextDeliveryStatus *first, *second;

	g_assert_cmpuint(statuses->len, ==, 2);
	first = g_ptr_array_index(statuses, 0);
	second = g_ptr_array_index(statuses, 1);
	g_assert_cmpstr(first->action, ==, "expanded");
	g_assert_cmpstr(first->status, ==, "2.0.0");
	g_assert_cmpstr(first->diagnostic, ==, "");
	g_assert_cmpstr(second->action, ==, "failed");
	g_assert_cmpstr(second->status, ==, "5.2.1");
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	text_init();
	ours = secret_generate();
	theirs = secret_generate();
	g_test_add_func("/bounce/address/reply-can-come-back", test_reply_can_come_back);
	g_test_add_func("/bounce/address/tag-is-worth-nothing-elsewhere", test_tag_is_worth_nothing_elsewhere);
	g_test_add_func("/bounce/address/others-have-no-tag", test_other_addresses_have_no_tag);
	g_test_add_func("/bounce/address/site-without-one-has-no-tags", test_site_without_bounce_address_has_no_tags);
	for (gsize i = 0; i < G_N_ELEMENTS(SAMPLES); i++) {
		g_autofree char *path = g_strconcat("/bounce/report/", SAMPLES[i].name, NULL);

		g_test_add_data_func(path, &SAMPLES[i], test_sample);
	}
	g_test_add_func("/bounce/report/from-somebody-is-no-bounce", test_report_from_somebody_is_no_bounce);
	g_test_add_func("/bounce/report/body-limit-leaves-the-status", test_body_limit_leaves_the_status);
	g_test_add_func("/bounce/report/words-of-others-are-harmless", test_words_of_others_are_harmless);
	g_test_add_func("/bounce/report/status-without-subject", test_status_without_subject_is_read_by_its_diagnostic);
	g_test_add_func("/bounce/report/huge-ones-are-bounded", test_huge_reports_are_bounded);
	g_test_add_func("/bounce/report/read-whole", test_report_is_read_whole);
	status = g_test_run();
	secret_free(ours);
	secret_free(theirs);
	text_shutdown();
	return status;
}
