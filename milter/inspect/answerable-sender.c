/* answerable-sender: names behind which no person reads, and words that no person writes. Layer: inspect. Pure. */
#include "inspect/answerable-private.h"

#include <string.h>

#define FOLDED_BYTES 2000 /* of a text looked at: many times "Re:" still fit */
#define REACH 300         /* bytes from "Your message" (with its subject) to what became of it */

static const char *const EXACT[] = {
	"mailer-daemon", "mailer_daemon", "mailer", "postmaster", "post_master", "daemon", "root", "uucp", "nobody",
	"server", "abuse", "listserv", "majordom", "majordomo", "mailman", "listmaster", "autoresponder", "www",
	"www-data", "httpd", "nagios", "ndr", "bounce", "bounces",
};

static const char *const STARTS[] = {
	"owner-", "request-", "bounce-", "bounces-", "autoreply", "noreply", "no-reply", "no_reply", "do-not-reply",
	"do_not_reply", "donotreply",
};

static const char *const ENDS[] = {
	"-request", "-owner", "-bounce", "-bounces", "-admin", "-relay", "-errors", "-confirm", "-outgoing",
	"-autoresponder",
};

static bool is_system_local(const char *local)
{
	for (guint i = 0; i < G_N_ELEMENTS(EXACT); i++)
		if (g_str_equal(local, EXACT[i]))
			return true;
	for (guint i = 0; i < G_N_ELEMENTS(STARTS); i++)
		if (g_str_has_prefix(local, STARTS[i]))
			return true;
	for (guint i = 0; i < G_N_ELEMENTS(ENDS); i++)
		if (g_str_has_suffix(local, ENDS[i]))
			return true;
	return false;
}

static bool has_bounce_label(const char *domain)
{
	while (*domain) {
		gsize length = strcspn(domain, ".");

		if ((length == 6 && g_ascii_strncasecmp(domain, "bounce", 6) == 0) ||
		    (length == 7 && g_ascii_strncasecmp(domain, "bounces", 7) == 0))
			return true;
		domain += length + (domain[length] == '.');
	}
	return false;
}

/* The address need not be a good one: bounces come from "MAILER-DAEMON" without a domain, and that is just what is
 * looked for. */
bool answerable_is_system_address(const char *address)
{
	const char *at = strrchr(address, '@');
	g_autofree char *local = g_ascii_strdown(address, at ? at - address : -1);
	char *tag;

	g_strdelimit(local, "\"<>", ' ');
	g_strstrip(local);
	if (is_system_local(local) || (at && has_bounce_label(at + 1)))
		return true;
	tag = strchr(local, '+');
	if (!tag)
		return false;
	*tag = '\0';
	return is_system_local(local);
}

/* As fold() below leaves them. Those that people might well go on writing from have to end a word. */
static const char *const PHRASES[] = {
	"auto:", "automatic reply", "automatic response", "auto reply", "out of office", "out of the office",
	"abwesenheitsnotiz", "automatische antwort", "automatisch antwoord", "automatiskt svar", "autosvar",
	"automatisk svar", "frånvaro", "réponse automatique", "absence du bureau", "risposta automatica", "fuori sede",
	"respuesta automática", "resposta automática", "fora do escritório", "自動回覆", "自动回复", "自動応答", "不在通知",
	"delivery status notification", "undelivered mail", "mail delivery failed", "returned mail", "failure notice",
	"undeliverable",
};

/* What mail programs put in front of an answer's subject. Those of forwarding are left alone: whoever forwards a
 * bounce to the support team and asks what it means is a person. */
static const char *const ANSWER_PREFIXES[] = {
	"re", "aw", "antw", "antwort", "sv", "ref", "rif", "res", "r", "odp", "ynt", "отв", "απ", "回复", "回覆", "答复", "返信",
};

/* Returns the start of text in the form that phrases are compared in: compatibility-composed, case folded, without
 * invisible characters, runs of white space, hyphens and underscores as one space ("Out-of-Office"). Caller frees. */
static char *fold(const char *text)
{
	g_autofree char *start = g_utf8_make_valid(text, (gssize)strnlen(text, FOLDED_BYTES));
	g_autofree char *composed = g_utf8_normalize(start, -1, G_NORMALIZE_ALL_COMPOSE);
	g_autofree char *folded = g_utf8_casefold(composed, -1);
	g_autoptr(GString) out = g_string_new(NULL);

	for (const char *at = folded; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		GUnicodeType type = g_unichar_type(c);

		if (type == G_UNICODE_FORMAT)
			continue;
		if (!g_unichar_isspace(c) && c != '-' && c != '_' && c != 0x2010 && c != 0x2011 && type != G_UNICODE_CONTROL)
			g_string_append_unichar(out, c);
		else if (out->len > 0 && out->str[out->len - 1] != ' ')
			g_string_append_c(out, ' ');
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* Returns text behind "(2)", "[2]" or "^2", by which some programs count answers, or text itself. */
static const char *skip_count(const char *text)
{
	const char *at = text;
	char close = '\0';

	if (*at != '(' && *at != '[' && *at != '^')
		return text;
	if (*at != '^')
		close = *at == '(' ? ')' : ']';
	at++;
	if (!g_ascii_isdigit(*at))
		return text;
	while (g_ascii_isdigit(*at))
		at++;
	if (close && *at++ != close)
		return text;
	return at;
}

/* Returns text behind one "Re:" in its many forms, or one tag such as "[EXTERNAL]", or text itself. */
static const char *skip_prefix(const char *text)
{
	if (*text == '[') {
		gsize length = strcspn(text + 1, "[]");

		return length <= 60 && text[1 + length] == ']' ? text + length + 2 : text;
	}
	for (guint i = 0; i < G_N_ELEMENTS(ANSWER_PREFIXES); i++) {
		const char *at;

		if (!g_str_has_prefix(text, ANSWER_PREFIXES[i]))
			continue;
		at = text + strlen(ANSWER_PREFIXES[i]);
		at += *at == ' ';
		at = skip_count(at);
		at += *at == ' ';
		if (*at == ':')
			return at + 1;
	}
	return text;
}

static bool starts_with_phrase(const char *subject, const char *phrase)
{
	const char *next = subject + strlen(phrase);
	gunichar last;

	if (!g_str_has_prefix(subject, phrase))
		return false;
	last = g_utf8_get_char(g_utf8_prev_char(next));
	/* Chinese and Japanese leave no space behind a word, and behind ":" anything may stand. */
	if (!g_unichar_isalpha(last) || g_unichar_type(last) == G_UNICODE_OTHER_LETTER)
		return true;
	return !g_unichar_isalnum(g_utf8_get_char(next)) && !g_unichar_ismark(g_utf8_get_char(next));
}

bool answerable_is_auto_subject(const char *subject)
{
	g_autofree char *folded = fold(subject);
	const char *text = folded;
	const char *before;

	do {
		before = text;
		text += *text == ' ';
		text = skip_prefix(text);
	} while (text != before);
	for (guint i = 0; i < G_N_ELEMENTS(PHRASES); i++)
		if (starts_with_phrase(text, PHRASES[i]))
			return true;
	return false;
}

/* Some gateways bounce from an ordinary address in plain text. Then the subject has to name the failure and the
 * body to address the reader as the one whose message it was: who writes to support says "our messages". */
bool answerable_is_bare_bounce(const char *subject, const char *body)
{
	g_autofree char *folded_subject = fold(subject);
	g_autofree char *folded_body = NULL;
	const char *yours;
	const char *fate;

	if (!strstr(folded_subject, "delivery fail"))
		return false;
	folded_body = fold(body);
	if (strstr(folded_body, "could not deliver message to the following recipient"))
		return true;
	yours = strstr(folded_body, "your message");
	fate = yours ? strstr(yours, "could not be delivered to") : NULL;
	return fate && fate - yours < REACH;
}
