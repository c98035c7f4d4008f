/* test-compose-letter: notices, pages and entries of the feed: what they say, to whom, and how they can be stopped. And that nothing
 * which somebody wrote can become a header or a link of a letter of ours. */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "compose-fixture.h"
#include "mail/optout.h"
#include "reply/clean.h"

#define OTHER_ID "20261121T143000Z-default"

static void site_make(Site *site, LetterClass class, const char *letter)
{
	site_set_up(site, WORD_P1);
	site->domains[0] = s("example.com");
	site->config.url_domains = site->domains;
	site->config.site_name = s("Acme");
	site->incident.texts[TEXT_TITLE] = s("Sign-in fails");
	site->request.word = WORD_P1;
	site->request.sender = s("jane@customer.example");
	site->request.to = s("Jane@customer.example");
	site->request.class = class;
	site->request.letter = s(letter);
	site->request.text = s("The certificate is replaced.\nTwo regions are back.");
	if (class == LETTER_NOTICE) {
		site->request.subject = s("Cannot sign in");
		site->request.message_id = s("<m1@customer.example>");
		site->request.references = s("<m0@customer.example>");
	}
}

static Composed *try_compose(Site *site, const Incident *incident, GError **error)
{
	return compose_letter(&site->config, shipped, secret, incident, &site->job, NOW, error);
}

static Composed *compose(Site *site)
{
	g_autoptr(GError) error = NULL;
	Composed *composed = try_compose(site, &site->incident, &error);

	g_assert_no_error(error);
	g_test_message("%s", composed->bytes);
	return composed;
}

static void assert_refused(Site *site, const Incident *incident)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(try_compose(site, incident, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
}

/* Returns the value of the only header of that name, unfolded, or NULL. */
static char *header(const Composed *composed, const char *name)
{
	const char *end = strstr(composed->bytes, "\r\n\r\n");
	g_autofree char *head = g_strndup(composed->bytes, (gsize)(end - composed->bytes));
	g_autoptr(GRegex) fold = g_regex_new("\r\n[ \t]+", 0, 0, NULL);
	g_autofree char *unfolded = g_regex_replace_literal(fold, head, -1, 0, " ", 0, NULL);
	g_auto(GStrv) lines = g_strsplit(unfolded, "\r\n", -1);
	g_autofree char *prefix = g_strconcat(name, ": ", NULL);
	char *value = NULL;

	for (char **line = lines; *line != NULL; line++)
		if (g_str_has_prefix(*line, prefix)) {
			g_assert_null(value);
			value = g_strdup(*line + strlen(prefix));
		}
	return value;
}

static void assert_header(const Composed *composed, const char *name, const char *expected)
{
	g_autofree char *value = header(composed, name);

	g_test_message("%s", name);
	g_assert_cmpstr(value, ==, expected);
}

static void assert_says(const Composed *composed, const char *words)
{
	g_test_message("looking for '%s'", words);
	g_assert_nonnull(strstr(composed->text, words));
}

static const struct {
	LetterClass class;
	const char *letter, *kind;
} letters[] = {
	{ LETTER_NOTICE, "update-20261121t142900z", "notice-update" },
	{ LETTER_NOTICE, "resolved-20261121t142900z", "notice-resolved" },
	{ LETTER_NOTICE, "postmortem-20261121t142900z", "notice-postmortem" },
	{ LETTER_STAFF, "feed-20261121t142900z-0123abcd", "feed" },
	{ LETTER_STAFF, "page-2-0123abcd", "page" },
};

static void test_each_letter_has_its_template(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(letters); i++) {
		Site site;
		site_make(&site, letters[i].class, letters[i].letter);
		g_autoptr(Composed) composed = compose(&site);
		g_assert_cmpstr(composed->kind, ==, letters[i].kind);
		assert_header(composed, "Auto-Submitted", "auto-generated");
		assert_header(composed, "X-Auto-Response-Suppress", "All");
		assert_header(composed, "To", "Jane@customer.example");
		assert_header(composed, "Reply-To", "support@example.com");
		assert_header(composed, "X-Loop", "support@example.com");
	}
}

static void test_unknown_letters_are_refused(void)
{
	static const struct { LetterClass class; const char *letter; } unknown[] = {
		{ LETTER_NOTICE, "feed-1" }, { LETTER_STAFF, "update-1" }, { LETTER_NOTICE, "update" }, { LETTER_NOTICE, "" },
		{ LETTER_NOTICE, NULL }, { LETTER_STAFF, "active" },
	};
	for (gsize i = 0; i < G_N_ELEMENTS(unknown); i++) {
		Site site;
		site_make(&site, unknown[i].class, unknown[i].letter);
		assert_refused(&site, &site.incident);
	}
}

static void test_notice_stands_in_the_customers_thread(void)
{
	Site site;
	site_make(&site, LETTER_NOTICE, "update-1");
	g_autoptr(Composed) composed = compose(&site);
	assert_header(composed, "Subject", "Re: Cannot sign in");
	assert_header(composed, "In-Reply-To", "<m1@customer.example>");
	assert_header(composed, "References", "<m0@customer.example> <m1@customer.example>");
	assert_says(composed, "\n    The certificate is replaced.\n    Two regions are back.\n");
}

static void test_staff_letter_stands_alone_and_says_what(void)
{
	Site site;
	site_make(&site, LETTER_STAFF, "feed-1");
	g_autoptr(Composed) feed = compose(&site);
	assert_header(feed, "In-Reply-To", NULL);
	assert_header(feed, "References", NULL);
	assert_header(feed, "List-Unsubscribe", NULL);
	assert_header(feed, "Subject", "[P1] Sign-in fails: The certificate is replaced.");
	assert_says(feed, "\n    Two regions are back.\n");
	assert_says(feed, "Incident: " ID);
	site_make(&site, LETTER_STAFF, "page-1-0123abcd");
	site.request.account = s("Initech\r\nBcc: x@example.com");
	g_autoptr(Composed) page = compose(&site);
	assert_header(page, "Bcc", NULL);
	g_assert_true(g_str_has_prefix(page->subject, "Initech Bcc: x@example.com: "));
}

/* The account of what happened comes when nothing is on any more; an acknowledgement does not. */
static void test_notice_outlives_the_end_of_its_incident_only(void)
{
	Site site;
	site_make(&site, LETTER_NOTICE, "postmortem-1");
	site.incident.state.word = WORD_NONE;
	g_autoptr(Composed) composed = compose(&site);
	assert_says(composed, "Sign-in fails");
	site.request.class = LETTER_ACK;
	assert_refused(&site, &site.incident);
	site.request.class = LETTER_NOTICE;
	site.incident.state.id = s(OTHER_ID);
	assert_refused(&site, &site.incident);
	assert_refused(&site, NULL);
}

/* What goes to our own people is a record of what happened, and nothing of a later incident stands in it. */
static void test_staff_letter_is_written_whatever_has_become_of_its_incident(void)
{
	Site site;
	site_make(&site, LETTER_STAFF, "feed-1");
	site.incident.state.id = s(OTHER_ID);
	g_autoptr(Composed) later = compose(&site);
	assert_says(later, "The certificate is replaced.");
	assert_says(later, "Incident: " ID);
	g_assert_null(strstr(later->bytes, "Sign-in"));
	g_assert_null(strstr(later->bytes, OTHER_ID));
	g_autoptr(GError) error = NULL;
	g_autoptr(Composed) unknown = try_compose(&site, NULL, &error);
	g_assert_no_error(error);
	assert_says(unknown, "The certificate is replaced.");
}

/* Returns the address that the letter's List-Unsubscribe holds (RFC 2369), or NULL. */
static char *stop_of(const Composed *composed)
{
	g_autofree char *value = header(composed, "List-Unsubscribe");
	if (value == NULL)
		return NULL;
	g_assert_true(g_str_has_prefix(value, "<mailto:") && g_str_has_suffix(value, "?subject=stop>"));
	g_autofree char *addr = g_strndup(value + strlen("<mailto:"), strlen(value) - strlen("<mailto:?subject=stop>"));
	g_assert_null(strpbrk(addr, " ,<>?&\""));
	return g_uri_unescape_string(addr, NULL);
}

static void test_notices_can_be_stopped(void)
{
	static const struct { const char *support, *written_to, *domain; } supports[] = {
		{ "support@example.com", "support@example.com", NULL }, { "support@example.com", "Support+eu@Example.COM", NULL },
		{ NULL, "help+eu@example.com", "example.com" }, { "a&b?c%d=#@example.com", "a&b?c%d=#@example.com", NULL },
	};
	for (gsize i = 0; i < G_N_ELEMENTS(supports); i++) {
		Site site;
		site_make(&site, LETTER_NOTICE, "update-1");
		site.support.address = s(supports[i].support);
		site.support.domain = s(supports[i].domain);
		site.request.support = s(supports[i].written_to);
		g_autoptr(Composed) composed = compose(&site);
		g_autofree char *stop = stop_of(composed);
		g_autofree char *hash = secret_address_hash(secret, "jane@customer.example");
		g_autofree char *tag = optout_tag(hash);
		g_autofree char *incident = NULL;
		g_autofree char *read = optout_address_read(secret, stop, &incident);
		g_assert_cmpstr(read, ==, tag);
		g_assert_true(optout_incident_is(incident, ID));
		assert_says(composed, stop);
		g_assert_nonnull(config_support(&site.config, stop));
	}
}

static void test_no_address_to_stop_at_is_promised_where_none_works(void)
{
	for (int i = 0; i < 3; i++) {
		Site site;
		site_make(&site, LETTER_NOTICE, "update-1");
		site.support.plus = i != 0;
		if (i == 1)
			site.support.address = site.request.support = s("abcdefghijklmnopqrstuvwxyza@example.com");
		if (i == 2)
			site.request.support = s("somebody@elsewhere.example");
		g_autoptr(Composed) composed = compose(&site);
		assert_header(composed, "List-Unsubscribe", NULL);
		g_assert_null(strstr(composed->text, "+stop-"));
		g_assert_null(strstr(composed->text, "no more notices"));
	}
}

/* A second replier that takes the same job up sends the same id; another notice, person or incident has another. */
static void test_message_id_names_the_letter(void)
{
	Site site;
	site_make(&site, LETTER_NOTICE, "update-1");
	g_autoptr(Composed) first = compose(&site);
	site.incident.state.word = WORD_RESOLVED;
	site.config.ack_again_after = 3600 * 1000;
	site.request.written_at += 7200;
	g_autoptr(Composed) again = compose(&site);
	g_assert_cmpstr(first->message_id, ==, again->message_id);
	for (int i = 0; i < 3; i++) {
		site_make(&site, i == 0 ? LETTER_ACK : LETTER_NOTICE, i == 0 ? NULL : i == 1 ? "update-2" : "update-1");
		if (i == 2)
			site.request.sender = site.request.to = s("john@customer.example");
		g_autoptr(Composed) other = compose(&site);
		g_assert_cmpstr(first->message_id, !=, other->message_id);
	}
}

static void test_ordered_text_is_cleaned(void)
{
	Site site;
	site_make(&site, LETTER_NOTICE, "update-1");
	site.request.text = s("See https://evil.example/x, http\xE2\x80\x8Bs://evil.example and https://status.example.com/1\xE2\x80\xAE\a, "
	    "or at\xC2\xA0www.evil.example {{eta}}\nBcc: x@example.com");
	g_autoptr(Composed) composed = compose(&site);
	assert_says(composed, "\n    See [...], [...] and https://status.example.com/1, or at\xC2\xA0[...] {{eta}}\n    Bcc: x@example.com\n");
	assert_header(composed, "Bcc", NULL);
}

/* Where a line would get longer than RFC 5322 section 2.1.1 recommends, what machines read stays readable to them: an id or an address in
 * encoded words is neither. */
static void test_long_ids_and_addresses_stay_whole(void)
{
	g_autofree char *local = g_strnfill(60, 'a');
	g_autofree char *label = g_strnfill(60, 'd');
	g_autofree char *address = g_strdup_printf("%s@%s.%s.example.com", local, label, label);
	g_autofree char *id = g_strdup_printf("<%s.%s@%s.example.com>", local, local, label);
	g_autofree char *references = g_strdup_printf("<1.%s@%s.example> <2.%s@%s.example>", local, label, local, label);
	g_autofree char *all = g_strdup_printf("%s %s", references, id);
	Site site;
	site_make(&site, LETTER_NOTICE, "update-1");
	site.support.address = site.request.support = address;
	site.request.sender = site.request.to = address;
	site.request.message_id = id;
	site.request.references = references;
	g_autoptr(Composed) composed = compose(&site);
	assert_header(composed, "X-Loop", address);
	assert_header(composed, "To", address);
	assert_header(composed, "Reply-To", address);
	assert_header(composed, "In-Reply-To", id);
	assert_header(composed, "References", all);
	assert_header(composed, "Message-Id", composed->message_id);
}

/* --- what a customer's subject can do to a letter: nothing --- */

static const struct {
	const char *name, *subject, *expected;
} subjects[] = {
	{ "plain", "Cannot sign in", "Cannot sign in" },
	{ "marks-of-answers", "Re: AW: Fwd [2]: SV: down", "down" },
	{ "header-injection", "x\r\nBcc: victim@example.com\r\n\r\nbody", "x Bcc: victim@example.com body" },
	{ "lone-line-ends", "a\nb\rc\v\f\x0E" "d", "a b c d" },
	{ "direction-overrides", "a\xE2\x80\xAA\xE2\x80\xAB\xE2\x80\xAC\xE2\x80\xAD\xE2\x80\xAE" "b", "ab" },
	{ "direction-isolates", "a\xE2\x81\xA6\xE2\x81\xA7\xE2\x81\xA8\xE2\x81\xA9" "b", "ab" },
	{ "direction-marks", "a\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C" "b", "ab" },
	{ "invisible", "a\xE2\x80\x8B\xEF\xBB\xBF\xE2\x81\xA0" "b", "ab" },
	{ "c1-controls", "a\xC2\x85" "b\xC2\x9F" "c", "a bc" },
	{ "line-separators", "a\xE2\x80\xA8" "b\xE2\x80\xA9" "c", "a b c" },
	{ "links", "Win https://evil.example/x now www.evil.example evil.example/pay hxxp://x", "Win now" },
	{ "link-in-brackets", "(https://evil.example) <www.evil.example> down", "down" },
	{ "link-split-by-invisible", "https:/\xE2\x80\x8B/evil.example/ down", "down" },
	{ "link-split-by-control", "htt\x01ps://evil.example/ down", "down" },
	{ "mailto-link", "mailto:thief@evil.example down", "down" },
	{ "script-link", "down javascript:alert(1)", "down" },
	{ "bare-domain", "evil.example is down", "evil.example is down" },
	{ "times-and-ratios", "10:30 and 3/4 and TCP/IP down: 50% and/or", "10:30 and 3/4 and TCP/IP down: 50% and/or" },
	{ "not-utf8", "a\xFF\xFE" "b", "a\xEF\xBF\xBD\xEF\xBF\xBD" "b" },
	{ "only-links", "https://evil.example/", "" },
	{ "encoded-word", "=?utf-8?q?Bcc=3A_x?=", "=?utf-8?q?Bcc=3A_x?=" },
	{ "arabic", "\xD8\xA7\xD9\x84\xD8\xAE\xD8\xAF\xD9\x85\xD8\xA9", "\xD8\xA7\xD9\x84\xD8\xAE\xD8\xAF\xD9\x85\xD8\xA9" },
};

static void test_subject(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autofree char *clean = clean_subject(subjects[i].subject);
	g_assert_cmpstr(clean, ==, subjects[i].expected);
	Site site;
	site_make(&site, LETTER_NOTICE, "update-1");
	site.request.subject = s(subjects[i].subject);
	g_autoptr(Composed) composed = compose(&site);
	assert_header(composed, "Bcc", NULL);
	for (const char *line = composed->bytes; *line != '\0';) {
		gsize length = strcspn(line, "\r\n");
		g_assert_cmpuint(length, <=, 998);
		g_assert_true(g_str_has_prefix(line + length, "\r\n"));
		line += length + 2;
	}
	g_autofree char *head = g_strndup(composed->bytes, (gsize)(strstr(composed->bytes, "\r\n\r\n") - composed->bytes));
	g_assert_true(g_str_is_ascii(head));
}

static void test_subject_of_any_length_is_bounded(void)
{
	static const char *const units[] = { "a", "a ", "\xC3\xA4", "\xE6\x97\xA5", "e\xCC\x81", "\xF0\x9F\x98\x80", "https://e.example/ ", "\r\nX: " };
	for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
		g_autoptr(GString) subject = g_string_new(NULL);
		while (subject->len < 10240)
			g_string_append(subject, units[i]);
		g_autofree char *clean = clean_subject(subject->str);
		g_assert_true(g_utf8_validate(clean, -1, NULL));
		g_assert_cmpint(g_utf8_strlen(clean, -1), <=, 100);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	compose_prepare();
	g_test_add_func("/letter/each-letter-has-its-template", test_each_letter_has_its_template);
	g_test_add_func("/letter/unknown-letters-are-refused", test_unknown_letters_are_refused);
	g_test_add_func("/letter/notice-stands-in-the-customers-thread", test_notice_stands_in_the_customers_thread);
	g_test_add_func("/letter/staff-letter-stands-alone-and-says-what", test_staff_letter_stands_alone_and_says_what);
	g_test_add_func("/letter/notice-outlives-the-end-of-its-incident-only", test_notice_outlives_the_end_of_its_incident_only);
	g_test_add_func("/letter/staff-letter-is-written-whatever-has-become-of-its-incident",
	    test_staff_letter_is_written_whatever_has_become_of_its_incident);
	g_test_add_func("/letter/notices-can-be-stopped", test_notices_can_be_stopped);
	g_test_add_func("/letter/no-address-to-stop-at-is-promised-where-none-works", test_no_address_to_stop_at_is_promised_where_none_works);
	g_test_add_func("/letter/message-id-names-the-letter", test_message_id_names_the_letter);
	g_test_add_func("/letter/ordered-text-is-cleaned", test_ordered_text_is_cleaned);
	g_test_add_func("/letter/long-ids-and-addresses-stay-whole", test_long_ids_and_addresses_stay_whole);
	for (gsize i = 0; i < G_N_ELEMENTS(subjects); i++) {
		g_autofree char *path = g_strconcat("/letter/subject/", subjects[i].name, NULL);
		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_subject);
	}
	g_test_add_func("/letter/subject-of-any-length-is-bounded", test_subject_of_any_length_is_bounded);
	int status = g_test_run();
	compose_finish();
	return status;
}
