/* test-compose: what a customer is told, in each state an incident can be in, and the message that carries it. */
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "compose-fixture.h"
#include "mail/bounce.h"

static void site_bare(Site *site, Word word)
{
	site_set_up(site, word);
	site->config.timezone = s("Europe/Berlin");
}

/* The same site with everything set. */
static void site_full(Site *site, Word word)
{
	site_bare(site, word);
	site->domains[0] = s("example.com");
	site->config.url_domains = site->domains;
	site->config.site_name = s("Acme");
	site->config.team_name = s("the support team");
	site->support.status_url = s("https://status.example.com/");
	char **texts = site->incident.texts;
	texts[TEXT_TITLE] = s("Sign-in fails");
	texts[TEXT_SCOPE] = s("Everybody in Europe who signs in with a password.");
	texts[TEXT_COMPONENTS] = s("Sign-in, API");
	texts[TEXT_WORKAROUND] = s("Sessions that are open go on working.");
	texts[TEXT_STATUS_URL] = s("https://status.example.com/42");
	texts[TEXT_NEXT_UPDATE_AT] = s("2026-11-21T15:00:00Z");
	texts[TEXT_ETA] = s("2026-11-21T16:00:00Z");
	texts[TEXT_CAUSE] = s("A certificate ran out.");
	texts[TEXT_FIX] = s("We replaced it.");
	texts[TEXT_PREVENTION] = s("Certificates are now watched.");
	texts[TEXT_POSTMORTEM_DUE] = s("2026-11-24T12:00:00Z");
	texts[TEXT_CONTACT] = s("+49 30 000000");
	site->incident.update_text = s("We have found the certificate.\nIt is being replaced.");
	site->incident.update_at = NOW - 30;
	for (int i = 0; i < SEVERITIES; i++)
		site->config.playbook[i].update_every = 1800;
	site->request.subject = s("Cannot sign in");
	site->request.message_id = s("<m1@customer.example>");
}

static Composed *compose(Site *site)
{
	g_autoptr(GError) error = NULL;
	Composed *composed = compose_letter(&site->config, shipped, secret, &site->incident, &site->job, NOW, &error);
	g_assert_no_error(error);
	g_assert_nonnull(composed);
	return composed;
}

/* Fails where the letter shows its seams: tags, gaps, labels with nothing behind them, words that nobody approved. */
static void assert_reads_whole(const Composed *composed)
{
	static const char *const never[] = { "{{", "}}", "\n\n\n", " .", " ,", " ;", "..", "(null)", ": \n", "\t", "technical difficult",
		"nconvenience", "refund", "credit", "compensat", "guarantee" };
	g_test_message("%s: %s\n%s", composed->kind, composed->subject, composed->text);
	for (gsize i = 0; i < G_N_ELEMENTS(never); i++) {
		g_assert_null(strstr(composed->text, never[i]));
		g_assert_null(strstr(composed->subject, never[i]));
	}
	g_assert_cmpuint(strlen(composed->subject), >, 8);
	g_assert_true(g_str_has_prefix(composed->text, "Hello,\n\n"));
	g_auto(GStrv) lines = g_strsplit(composed->text, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		g_assert_cmpint(g_utf8_strlen(lines[i], -1), <=, 72);
		g_assert_null(strstr(lines[i] + strspn(lines[i], " "), "  "));
		/* A paragraph that ends in a colon announces what stands below it. */
		if (g_str_has_suffix(lines[i], ":") && lines[i + 1] != NULL && *lines[i + 1] == '\0')
			g_assert_true(lines[i + 2] != NULL && (g_str_has_prefix(lines[i + 2], "    ") || g_str_has_prefix(lines[i + 2], "- ")));
	}
}

/* Words may stand across a line's end. */
static char *unwrapped(const char *text)
{
	g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);
	g_autoptr(GString) out = g_string_new(NULL);
	for (char **word = words; *word != NULL; word++)
		if (**word != '\0')
			g_string_append_printf(out, "%s ", *word);
	return g_strdup(out->str);
}

static void assert_says(const Composed *composed, const char *words)
{
	g_autofree char *text = unwrapped(composed->text);
	g_test_message("looking for '%s'", words);
	g_assert_nonnull(strstr(text, words));
}

static void assert_lacks(const Composed *composed, const char *const *words)
{
	g_autofree char *text = unwrapped(composed->text);
	for (; *words != NULL; words++) {
		g_test_message("looking for '%s'", *words);
		g_assert_null(strstr(text, *words));
		g_assert_null(strstr(composed->subject, *words));
	}
}

typedef struct {
	const char *kind;
	Word word;
	const char *template_name;
} Kind;

static const Kind kinds[] = {
	{ "ack-P1", WORD_P1, NULL }, { "ack-P2", WORD_P2, NULL }, { "ack-P3", WORD_P3, NULL }, { "ack-resolved", WORD_RESOLVED, NULL },
	{ "ack-technical", WORD_P2, "technical" }, { "ack-sensitive", WORD_P1, "sensitive" }, { "ack-personal", WORD_P1, "personal" },
	{ "ack-sensitive-resolved", WORD_RESOLVED, "sensitive" }, { "ack-resolved", WORD_RESOLVED, "technical" },
	{ "ack-P3", WORD_P3, "no-such-template" },
};

static void test_bare_flip(gconstpointer data)
{
	const Kind *kind = data;
	static const char *const unset[] = { "https://", "stimate", "due", " every ", "What is wrong", "What it is about", "ffected:",
		"ffected ", "omponents", "meantime", "this helps", "around it", "latest", "another way", "account", "What happened",
		"What we fixed", "again:", "Europe", NULL };
	Site site;
	site_bare(&site, kind->word);
	site.request.template_name = s(kind->template_name);
	g_autoptr(Composed) composed = compose(&site);
	g_assert_cmpstr(composed->kind, ==, kind->kind);
	assert_reads_whole(composed);
	assert_lacks(composed, unset);
	g_assert_true(g_str_has_suffix(composed->text, "\n\nYour support team\n"));
}

static void test_everything_set(gconstpointer data)
{
	const Kind *kind = data;
	Site site;
	site_full(&site, kind->word);
	site.request.template_name = s(kind->template_name);
	g_autoptr(Composed) composed = compose(&site);
	g_assert_cmpstr(composed->kind, ==, kind->kind);
	assert_reads_whole(composed);
	/* The subject may be where the secret stood. */
	g_assert_cmpstr(composed->subject, ==,
	    g_str_has_prefix(kind->kind, "ack-sensitive") ? "Acme: please change what you sent us" : "Re: Cannot sign in");
	assert_says(composed, "Sign-in fails");
	g_assert_nonnull(strstr(composed->text, "\nhttps://status.example.com/42\n"));
	assert_says(composed, "+49 30 000000");
	g_assert_true(g_str_has_suffix(composed->text, "\n\nThe support team, Acme\n"));
	if (kind->word == WORD_RESOLVED) {
		static const char *const over[] = { "Sessions that are open", "17:00 CET", "16:00 CET", "stimate", "due", NULL };
		assert_says(composed, "A certificate ran out.");
		assert_says(composed, "We replaced it.");
		assert_says(composed, "Certificates are now watched.");
		assert_lacks(composed, over);
	} else {
		assert_says(composed, "Everybody in Europe who signs in with a password.");
		assert_says(composed, "Sessions that are open go on working.");
		g_assert_nonnull(strstr(composed->text, "\n    We have found the certificate.\n    It is being replaced.\n"));
	}
}

static void test_promised_time_is_gone(gconstpointer data)
{
	const Kind *kind = data;
	static const char *const gone[] = { "13:00", "12:00", "14:00", "stimate", "due", " every ", NULL };
	Site site;
	site_full(&site, kind->word);
	site.request.template_name = s(kind->template_name);
	site.incident.state.declared_at = NOW - 4 * 3600;
	site.incident.update_text = NULL;
	site.incident.update_at = 0;
	site.incident.texts[TEXT_NEXT_UPDATE_AT] = s("2026-11-21T13:00:00Z");
	site.incident.texts[TEXT_ETA] = s("2026-11-21T12:00:00Z");
	site.incident.texts[TEXT_POSTMORTEM_DUE] = s("2026-11-21T13:00:00Z");
	g_autoptr(Composed) composed = compose(&site);
	assert_reads_whole(composed);
	assert_lacks(composed, gone);
}

static void assert_value(const Site *site, const char *field, const char *expected)
{
	g_autoptr(GHashTable) values = compose_values(&site->config, &site->incident, &site->support, "en", NULL, NOW);
	g_assert_cmpstr(g_hash_table_lookup(values, field), ==, expected);
}

static void test_times_in_site_zone_and_utc(void)
{
	static const struct { const char *zone, *at, *text; } times[] = {
		{ "Europe/Berlin", "2026-11-22T14:30:00Z", "15:30 CET (14:30 UTC) on 22 November 2026" },
		{ "Europe/Berlin", "2027-07-01T22:30:00Z", "00:30 CEST on 2 July 2027 (22:30 UTC on 1 July 2027)" },
		{ "America/Sao_Paulo", "2026-11-22T14:30:00Z", "11:30 UTC-3 (14:30 UTC) on 22 November 2026" },
		{ "Asia/Kathmandu", "2026-11-22T14:30:00Z", "20:15 UTC+5:45 (14:30 UTC) on 22 November 2026" },
		{ "UTC", "2026-11-22T14:30:00+01:00", "13:30 UTC on 22 November 2026" },
		{ "No/Such_Zone", "2026-11-22T14:30:00Z", "14:30 UTC on 22 November 2026" },
		{ NULL, "2026-11-22T14:30:00Z", "14:30 UTC on 22 November 2026" },
		{ "UTC", "tomorrow at noon", NULL },
	};
	for (gsize i = 0; i < G_N_ELEMENTS(times); i++) {
		Site site;
		site_bare(&site, WORD_P1);
		site.config.timezone = s(times[i].zone);
		site.incident.texts[TEXT_ETA] = s(times[i].at);
		assert_value(&site, "eta", times[i].text);
	}
}

static void test_playbook_fills_what_is_unset(void)
{
	Site site;
	site_bare(&site, WORD_P2);
	site.support.status_url = s("https://status.example.com/support");
	assert_value(&site, "status_url", "https://status.example.com/support");
	site.config.playbook[SEVERITY_P1].title = s("wrong severity");
	site.config.playbook[SEVERITY_P2] =
	    (Playbook){ .title = s("Slow pages"), .scope = s("All"), .status_url = s("https://status.example.com/p2") };
	assert_value(&site, "title", "Slow pages");
	assert_value(&site, "status_url", "https://status.example.com/p2");
	site.incident.texts[TEXT_TITLE] = s("Reports are late");
	site.incident.texts[TEXT_SCOPE] = s("  ");
	assert_value(&site, "title", "Reports are late");
	assert_value(&site, "scope", "All");
}

static void test_cadence_gives_next_update_until_broken(void)
{
	Site site;
	site_bare(&site, WORD_P1);
	site.config.timezone = s("UTC");
	site.config.playbook[SEVERITY_P1].update_every = 2400;
	assert_value(&site, "next_update_at", "14:40 UTC on 21 November 2026");
	assert_value(&site, "update_every", "40 minutes");
	site.incident.update_text = s("Still at it.");
	site.incident.update_at = NOW - 60;
	assert_value(&site, "next_update_at", "15:09 UTC on 21 November 2026");
	site.incident.update_at = NOW - 2400;
	site.incident.state.declared_at = NOW - 7200;
	assert_value(&site, "next_update_at", NULL);
	assert_value(&site, "update_every", NULL);
	site.config.playbook[SEVERITY_P1].update_every = 7200;
	assert_value(&site, "update_every", "2 hours");
	site.incident.texts[TEXT_NEXT_UPDATE_AT] = s("2026-11-21T14:00:00Z");
	assert_value(&site, "next_update_at", NULL);
}

static void test_update_of_before_does_not_speak(void)
{
	Site site;
	site_full(&site, WORD_P1);
	site.incident.update_at = site.incident.state.declared_at - 1;
	assert_value(&site, "update", NULL);
	assert_value(&site, "update_at", NULL);
	site_full(&site, WORD_RESOLVED);
	site.incident.update_at = site.incident.state.resolved_at - 1;
	assert_value(&site, "update", NULL);
	site.incident.update_at = site.incident.state.resolved_at;
	assert_value(&site, "update", "We have found the certificate.\nIt is being replaced.");
}

static void test_links_of_the_store_need_a_configured_host(void)
{
	Site site;
	site_full(&site, WORD_RESOLVED);
	site.incident.texts[TEXT_STATUS_URL] = s("https://status.evil.example/");
	site.incident.texts[TEXT_POSTMORTEM_URL] = s("http://status.example.com/pm");
	site.incident.texts[TEXT_CAUSE] = s("See https://evil.example/ and https://www.example.com/x.");
	assert_value(&site, "status_url", "https://status.example.com/");
	assert_value(&site, "postmortem_url", NULL);
	assert_value(&site, "cause", "See [...] and https://www.example.com/x.");
	site.incident.texts[TEXT_POSTMORTEM_URL] = s("https://status.example.com/pm");
	assert_value(&site, "postmortem_url", "https://status.example.com/pm");
	site.config.url_domains = NULL;
	assert_value(&site, "postmortem_url", NULL);
	assert_value(&site, "status_url", "https://status.example.com/");
	assert_value(&site, "cause", "See [...] and [...].");
}

static void test_published_account_replaces_its_promise(void)
{
	Site site;
	site_full(&site, WORD_RESOLVED);
	g_autoptr(Composed) promised = compose(&site);
	assert_says(promised, "by 13:00 CET (12:00 UTC) on 24 November 2026.");
	site.incident.texts[TEXT_POSTMORTEM_URL] = s("https://www.example.com/account");
	g_autoptr(Composed) published = compose(&site);
	g_assert_nonnull(strstr(published->text, "\nhttps://www.example.com/account\n"));
	static const char *const promise[] = { "24 November", NULL };
	assert_lacks(published, promise);
}

/* Returns the value of the first header of that name, unfolded, or NULL. */
static char *header(const Composed *composed, const char *name)
{
	const char *end = strstr(composed->bytes, "\r\n\r\n");
	g_assert_nonnull(end);
	g_autofree char *head = g_strndup(composed->bytes, (gsize)(end - composed->bytes));
	g_autoptr(GRegex) fold = g_regex_new("\r\n[ \t]+", 0, 0, NULL);
	g_autofree char *unfolded = g_regex_replace_literal(fold, head, -1, 0, " ", 0, NULL);
	g_auto(GStrv) lines = g_strsplit(unfolded, "\r\n", -1);
	g_autofree char *prefix = g_strconcat(name, ": ", NULL);
	for (char **line = lines; *line != NULL; line++)
		if (g_str_has_prefix(*line, prefix))
			return g_strdup(*line + strlen(prefix));
	return NULL;
}

static void assert_header(const Composed *composed, const char *name, const char *expected)
{
	g_autofree char *value = header(composed, name);
	g_test_message("%s", name);
	g_assert_cmpstr(value, ==, expected);
}

static void assert_lines_clean(const Composed *composed)
{
	g_assert_cmpuint(strlen(composed->bytes), ==, composed->size);
	g_assert_true(g_str_has_suffix(composed->bytes, "\r\n"));
	for (const char *line = composed->bytes; *line != '\0';) {
		gsize length = strcspn(line, "\r\n");
		g_assert_cmpuint(length, <=, 998);
		g_assert_true(g_str_has_prefix(line + length, "\r\n"));
		line += length + 2;
	}
}

static void test_headers_of_an_automatic_reply(void)
{
	Site site;
	site_full(&site, WORD_P1);
	g_autoptr(Composed) composed = compose(&site);
	assert_lines_clean(composed);
	assert_header(composed, "From", "\"The support team (Acme)\" <support@example.com>");
	assert_header(composed, "To", "Jane.Doe@customer.example");
	assert_header(composed, "Reply-To", "support@example.com");
	assert_header(composed, "Subject", "Re: Cannot sign in");
	assert_header(composed, "Date", "Sat, 21 Nov 2026 14:30:00 +0000");
	assert_header(composed, "Message-Id", composed->message_id);
	assert_header(composed, "In-Reply-To", "<m1@customer.example>");
	assert_header(composed, "References", "<m1@customer.example>");
	assert_header(composed, "Auto-Submitted", "auto-replied");
	assert_header(composed, "X-Auto-Response-Suppress", "All");
	assert_header(composed, "X-Loop", "support@example.com");
	assert_header(composed, "Content-Language", "en");
	assert_header(composed, "MIME-Version", "1.0");
	assert_header(composed, "Content-Type", "text/plain; charset=utf-8");
	assert_header(composed, "Content-Transfer-Encoding", "7bit");
	g_assert_cmpstr(composed->envelope_sender, ==, "");
	g_assert_cmpstr(composed->to, ==, "Jane.Doe@customer.example");
	g_assert_false(composed->smtputf8);
}

static void test_headers_as_configured(void)
{
	Site site;
	site_full(&site, WORD_P1);
	site.config.reply_from = s("help@mail.example.com");
	site.config.envelope_sender = s("bounces@mail.example.com");
	site.support.reply_to = s("desk@example.com");
	site.support.from_name = s("Hilfe für Kunden\r\nBcc: x@example.com");
	site.request.support = s("support+eu@example.com");
	g_autoptr(Composed) composed = compose(&site);
	assert_lines_clean(composed);
	g_autofree char *from = header(composed, "From");
	g_assert_true(g_str_has_suffix(from, " <help@mail.example.com>"));
	assert_header(composed, "Bcc", NULL);
	assert_header(composed, "Reply-To", "desk@example.com");
	g_assert_cmpstr(composed->envelope_sender, ==, "bounces@mail.example.com");
	g_assert_true(g_str_has_suffix(composed->message_id, "@mail.example.com>"));
	site.config.reply_from = NULL;
	site.support.reply_to = NULL;
	g_autoptr(Composed) plus = compose(&site);
	assert_header(plus, "Reply-To", "support+eu@example.com");
}

static void test_hostile_subject_adds_no_header(void)
{
	Site site;
	site_full(&site, WORD_P1);
	site.request.subject = s("Re: x\r\nBcc: victim@example.com\r\n\r\nbody \xE2\x80\xAE{{eta}} https://evil.example/ \xC3\xA4");
	g_autoptr(Composed) composed = compose(&site);
	assert_lines_clean(composed);
	assert_header(composed, "Bcc", NULL);
	g_assert_cmpstr(composed->subject, ==, "Re: x Bcc: victim@example.com body {{eta}} \xC3\xA4");
}

/* RFC 2047: what a customer wrote comes back as text and not as something that their program decodes once more. */
static void test_subject_is_encoded_within_limits(void)
{
	Site site;
	site_full(&site, WORD_P1);
	g_autoptr(GString) subject = g_string_new("plain words first ");
	for (guint i = 0; i < 60; i++)
		g_string_append(subject, "\xE6\x97\xA5");
	site.request.subject = subject->str;
	g_autoptr(Composed) composed = compose(&site);
	const char *start = strstr(composed->bytes, "Subject: ");
	g_assert_nonnull(start);
	g_assert_true(g_str_has_prefix(start, "Subject: Re: plain words first\r\n =?UTF-8?B?"));
	const char *end = strstr(start, "\r\nDate: ");
	g_assert_nonnull(end);
	for (const char *line = start; line < end; line += strcspn(line, "\n") + 1)
		g_assert_cmpuint(strcspn(line, "\r"), <=, 76);
	site.request.subject = s("=?utf-8?q?faked?=");
	g_autoptr(Composed) faked = compose(&site);
	assert_header(faked, "Subject", "Re: =?UTF-8?B?PT91dGYtOD9xP2Zha2VkPz0=?=");
}

static void test_long_thread_is_bounded(void)
{
	Site site;
	site_full(&site, WORD_P1);
	g_autoptr(GString) references = g_string_new("<first@customer.example> broken <a b@c> <no-at> <x@y");
	for (guint i = 0; i < 200; i++)
		g_string_append_printf(references, " <%03u.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@customer.example>", i);
	site.request.references = references->str;
	g_autoptr(Composed) composed = compose(&site);
	assert_lines_clean(composed);
	g_autofree char *value = header(composed, "References");
	g_assert_true(g_str_has_prefix(value, "<first@customer.example> <191."));
	g_assert_true(g_str_has_suffix(value, "customer.example> <m1@customer.example>"));
	g_assert_cmpuint(strlen(value), <=, 900);
	site.request.references = NULL;
	site.request.message_id = s("<broken id@customer.example>");
	g_autoptr(Composed) unthreaded = compose(&site);
	assert_header(unthreaded, "In-Reply-To", NULL);
	assert_header(unthreaded, "References", NULL);
}

static void test_non_ascii_text_is_quoted_printable(void)
{
	Site site;
	site_full(&site, WORD_P1);
	site.incident.texts[TEXT_SCOPE] = s("Gr\xC3\xBC\xC3\x9F" "e an alle");
	g_autoptr(Composed) composed = compose(&site);
	assert_lines_clean(composed);
	assert_header(composed, "Content-Transfer-Encoding", "quoted-printable");
	g_assert_nonnull(strstr(composed->bytes, "Gr=C3=BC=C3=9Fe an alle"));
}

static void test_utf8_recipient_needs_smtputf8(void)
{
	Site site;
	site_full(&site, WORD_P1);
	site.request.sender = s("j\xC3\xBCrgen@b\xC3\xBC" "cher.example");
	site.request.to = s("J\xC3\xBCrgen@b\xC3\xBC" "cher.example");
	g_autoptr(Composed) composed = compose(&site);
	assert_lines_clean(composed);
	g_assert_true(composed->smtputf8);
	assert_header(composed, "To", "J\xC3\xBCrgen@xn--bcher-kva.example");
}

static void assert_refused(Site *site)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(compose_letter(&site->config, shipped, secret, &site->incident, &site->job, NOW, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
}

/* What needs SMTPUTF8 is refused by most servers: only a local part does, wherever it stands, and never a domain. */
static void test_smtputf8_is_asked_for_only_where_needed(void)
{
	static const struct { const char *to, *from, *sender; bool needs; const char *written; } letters[] = {
		{ "jane@b\xC3\xBC" "cher.example", NULL, NULL, false, "jane@xn--bcher-kva.example" },
		{ "\"jane doe\"@customer.example", NULL, NULL, false, "\"jane doe\"@customer.example" },
		{ "jane@customer.example", "help@b\xC3\xBC" "cher.example", "b@b\xC3\xBC" "cher.example", false, NULL },
		{ "j\xC3\xBC@customer.example", NULL, NULL, true, "j\xC3\xBC@customer.example" },
		{ "jane@customer.example", "h\xC3\xBC@example.com", NULL, true, NULL },
		{ "jane@customer.example", NULL, "b\xC3\xBC@example.com", true, NULL },
	};
	for (gsize i = 0; i < G_N_ELEMENTS(letters); i++) {
		Site site;
		site_full(&site, WORD_P1);
		site.request.to = site.request.sender = s(letters[i].to);
		site.config.reply_from = s(letters[i].from);
		site.config.envelope_sender = s(letters[i].sender);
		g_autoptr(Composed) composed = compose(&site);
		g_test_message("%s", letters[i].to);
		g_assert_true(composed->smtputf8 == letters[i].needs);
		g_assert_true(letters[i].needs || g_str_is_ascii(composed->bytes));
		if (letters[i].written != NULL)
			assert_header(composed, "To", letters[i].written);
	}
}

static void test_bounce_finds_whom_the_letter_went_to(void)
{
	Site site;
	site_full(&site, WORD_P1);
	site.config.bounce_address = s("bounces@mail.example.com");
	g_autoptr(Composed) composed = compose(&site);
	g_autofree char *hash = secret_address_hash(secret, "jane.doe@customer.example");
	g_autofree char *read = bounce_address_read(secret, "bounces@mail.example.com", composed->envelope_sender);
	g_assert_cmpstr(read, ==, hash);
	g_assert_cmpstr(composed->to, ==, "Jane.Doe@customer.example");
	/* What the customer sees and answers to is as without it. */
	assert_header(composed, "Reply-To", "support@example.com");
	g_assert_null(strstr(composed->bytes, "bounces"));
	site.config.bounce_address = s("no address");
	assert_refused(&site);
}

static void test_message_id_names_the_letter(void)
{
	Site site;
	site_full(&site, WORD_P1);
	g_autoptr(Composed) first = compose(&site);
	site.incident.state.word = WORD_P2;
	g_autoptr(Composed) again = compose(&site);
	g_assert_cmpstr(first->message_id, ==, again->message_id);
	g_assert_true(g_regex_match_simple("^<outage-ack\\.[0-9a-f]{32}@example\\.com>$", first->message_id, 0, 0));
	site.incident.state.word = WORD_RESOLVED;
	g_autoptr(Composed) resolved = compose(&site);
	g_assert_cmpstr(first->message_id, !=, resolved->message_id);
	site.incident.state.word = WORD_P1;
	site.request.sender = site.request.to = s("john@customer.example");
	g_autoptr(Composed) other = compose(&site);
	g_assert_cmpstr(first->message_id, !=, other->message_id);
	site.config.ack_again_after = 3600 * 1000;
	g_autoptr(Composed) allowed = compose(&site);
	site.request.written_at += 3600;
	g_autoptr(Composed) later = compose(&site);
	g_assert_cmpstr(allowed->message_id, !=, later->message_id);
}

static void test_no_letter_without_its_incident(void)
{
	Site site;
	site_full(&site, WORD_P1);
	site.request.id = s("20261120T140000Z-default");
	assert_refused(&site);
	site_full(&site, WORD_NONE);
	assert_refused(&site);
}

static void test_no_letter_to_anybody_else(void)
{
	static const char *const others[] = { "other@customer.example", "", "a@b.example\r\nRCPT TO:<c@d.example>" };
	for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
		Site site;
		site_full(&site, WORD_P1);
		site.request.to = s(others[i]);
		assert_refused(&site);
	}
}

static void add_kinds(const char *scenario, GTestDataFunc test)
{
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *path = g_strdup_printf("/compose/%s/%s%s%s", scenario, kinds[i].kind,
		    kinds[i].template_name != NULL ? "-for-" : "", kinds[i].template_name != NULL ? kinds[i].template_name : "");
		g_test_add_data_func(path, &kinds[i], test);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	compose_prepare();
	add_kinds("bare-flip-reads-complete", test_bare_flip);
	add_kinds("everything-set-reads-complete", test_everything_set);
	add_kinds("no-trace-of-a-gone-time", test_promised_time_is_gone);
	g_test_add_func("/compose/times-in-site-zone-and-utc", test_times_in_site_zone_and_utc);
	g_test_add_func("/compose/playbook-fills-what-is-unset", test_playbook_fills_what_is_unset);
	g_test_add_func("/compose/cadence-gives-next-update-until-broken", test_cadence_gives_next_update_until_broken);
	g_test_add_func("/compose/update-of-before-does-not-speak", test_update_of_before_does_not_speak);
	g_test_add_func("/compose/links-of-the-store-need-a-configured-host", test_links_of_the_store_need_a_configured_host);
	g_test_add_func("/compose/published-account-replaces-its-promise", test_published_account_replaces_its_promise);
	g_test_add_func("/compose/headers-of-an-automatic-reply", test_headers_of_an_automatic_reply);
	g_test_add_func("/compose/headers-as-configured", test_headers_as_configured);
	g_test_add_func("/compose/hostile-subject-adds-no-header", test_hostile_subject_adds_no_header);
	g_test_add_func("/compose/subject-is-encoded-within-limits", test_subject_is_encoded_within_limits);
	g_test_add_func("/compose/long-thread-is-bounded", test_long_thread_is_bounded);
	g_test_add_func("/compose/non-ascii-text-is-quoted-printable", test_non_ascii_text_is_quoted_printable);
	g_test_add_func("/compose/utf8-recipient-needs-smtputf8", test_utf8_recipient_needs_smtputf8);
	g_test_add_func("/compose/smtputf8-is-asked-for-only-where-needed", test_smtputf8_is_asked_for_only_where_needed);
	g_test_add_func("/compose/bounce-finds-whom-the-letter-went-to", test_bounce_finds_whom_the_letter_went_to);
	g_test_add_func("/compose/message-id-names-the-letter", test_message_id_names_the_letter);
	g_test_add_func("/compose/no-letter-without-its-incident", test_no_letter_without_its_incident);
	g_test_add_func("/compose/no-letter-to-anybody-else", test_no_letter_to_anybody_else);
	int status = g_test_run();
	compose_finish();
	return status;
}
