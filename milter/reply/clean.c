/* clean: makes text from outside fit to stand in a letter to a customer (see clean.h). Layer: reply.
 *
 * template.c puts every value through clean_text once more before it is substituted, so that no caller can forget it; the link
 * rules are applied by compose-values.c, which knows where a value came from. */
#include "reply/clean.h"

#include <string.h>

#include "base/address.h"

#define SUBJECT_CHARS 100
#define SUBJECT_BYTES_READ 4000
#define URL_BYTES 900
#define LINK_REMOVED "[...]"

static bool is_newline(gunichar c)
{
	return c == '\n' || c == '\v' || c == '\f' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/* Characters that show nothing and change what the reader sees of their neighbours. U+200D stays: emoji and Indic scripts are
 * written with it. */
static bool is_unfit(gunichar c)
{
	return g_unichar_iscntrl(c) || c == 0x061C || c == 0x200B || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
	    (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F) ||
	    (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
}

/* Cuts text to max characters, the last of them an ellipsis, without parting a letter from its combining marks. */
static void cut_chars(GString *text, gsize max)
{
	if (text->len <= max || (gsize)g_utf8_strlen(text->str, (gssize)text->len) <= max)
		return;
	const char *cut = g_utf8_offset_to_pointer(text->str, max > 0 ? (glong)max - 1 : 0);
	while (cut > text->str) {
		const char *before = g_utf8_prev_char(cut);
		gunichar c = g_utf8_get_char(cut);
		if (!g_unichar_ismark(c) && c != 0x200D && g_utf8_get_char(before) != 0x200D)
			break;
		cut = before;
	}
	g_string_truncate(text, (gsize)(cut - text->str));
	while (text->len > 0 && g_ascii_isspace(text->str[text->len - 1]))
		g_string_truncate(text, text->len - 1);
	g_string_append(text, "\xE2\x80\xA6");
}

char *clean_text(const char *text, gsize max_chars)
{
	g_autofree char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);
	GString *out = g_string_sized_new(strlen(valid) + 4);
	for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (c == '\r' && p[1] == '\n')
			continue;
		if (is_newline(c))
			g_string_append_c(out, '\n');
		else if (c == '\t')
			g_string_append_c(out, ' ');
		else if (!is_unfit(c))
			g_string_append_unichar(out, c);
	}
	g_strstrip(out->str);
	g_string_truncate(out, strlen(out->str));
	cut_chars(out, max_chars);
	return g_string_free(out, FALSE);
}

char *clean_line(const char *text, gsize max_chars)
{
	g_autofree char *clean = clean_text(text, G_MAXSIZE);
	GString *out = g_string_sized_new(strlen(clean) + 4);
	bool gap = false;
	for (const char *p = clean; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (g_unichar_isspace(c)) {
			gap = true;
			continue;
		}
		if (gap && out->len > 0)
			g_string_append_c(out, ' ');
		gap = false;
		g_string_append_unichar(out, c);
	}
	cut_chars(out, max_chars);
	return g_string_free(out, FALSE);
}

/*     mark = word *SP [ "[" 1*DIGIT "]" / "(" 1*DIGIT ")" ] *SP ":"     word: one of the list, in any case; the colon may be full-width
 * Returns the length of the mark that text starts with, white space behind it included, or 0. */
static gsize reply_mark_length(const char *text)
{
	static const char *const words[] = { "re", "fwd", "fw", "aw", "wg", "antw", "antwort", "sv", "vs", "vb", "vl", "res", "enc",
		"tr", "rv", "rif", "odp", "pd", "ynt", "ilt", "doorst", "回复", "答复", "回覆", "转发", "轉寄", "返信", "転送" };
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
		gsize at = strlen(words[i]);
		if (g_ascii_strncasecmp(text, words[i], at) != 0)
			continue;
		at += strspn(text + at, " ");
		if (text[at] == '[' || text[at] == '(') {
			gsize digits = strspn(text + at + 1, "0123456789");
			char closing = text[at] == '[' ? ']' : ')';
			if (digits == 0 || text[at + 1 + digits] != closing)
				continue;
			at += digits + 2;
		}
		at += strspn(text + at, " ");
		if (text[at] == ':')
			at++;
		else if (g_str_has_prefix(text + at, "："))
			at += strlen("：");
		else
			continue;
		return at + strspn(text + at, " ");
	}
	return 0;
}

/* Returns true where text has "www." at the start of a word, in any case. */
static bool has_www(const char *text)
{
	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
		if (g_ascii_strncasecmp(p, "www.", 4) == 0 && (p == text || !g_unichar_isalnum(g_utf8_get_char(g_utf8_prev_char(p)))))
			return true;
	return false;
}

/* Returns true where a word (no white space in it) is a link or what mail programs turn into one: a scheme, "www." or a host name
 * with a path. */
static bool word_is_link(const char *word)
{
	static const char *const schemes[] = { "mailto:", "javascript:" }; /* those without "//" that do something when they are clicked */
	g_autofree char *lower = g_ascii_strdown(word, -1);
	if (strstr(word, "://") != NULL || has_www(word))
		return true;
	for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++)
		if (strstr(lower, schemes[i]) != NULL)
			return true;
	word += strspn(word, "<([{\"'");
	const char *slash = strchr(word, '/');
	if (slash == NULL || slash == word)
		return false;
	g_autofree char *host = g_strndup(word, (gsize)(slash - word));
	const char *dot = strrchr(host, '.');
	return dot != NULL && dot != host && g_ascii_isalpha(dot[1]) && g_ascii_isalpha(dot[2]);
}

char *clean_subject(const char *text)
{
	g_autofree char *bounded = g_strndup(text != NULL ? text : "", SUBJECT_BYTES_READ);
	g_autofree char *line = clean_line(bounded, G_MAXSIZE);
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	g_autoptr(GString) kept = g_string_new(NULL);
	for (char **word = words; *word != NULL; word++) {
		if (word_is_link(*word))
			continue;
		if (kept->len > 0)
			g_string_append_c(kept, ' ');
		g_string_append(kept, *word);
	}
	const char *start = kept->str;
	for (gsize length = reply_mark_length(start); length > 0; length = reply_mark_length(start))
		start += length;
	return clean_line(start, SUBJECT_CHARS);
}

static bool host_allowed(const char *host, char *const *domains)
{
	g_autofree char *ascii = domain_to_ascii(host);
	if (ascii == NULL)
		return false;
	for (char *const *domain = domains; *domain != NULL; domain++) {
		g_autofree char *parent = domain_to_ascii(*domain);
		if (parent != NULL && domain_is_under(ascii, parent))
			return true;
	}
	return false;
}

bool clean_url_allowed(const char *url, char *const *domains)
{
	if (url == NULL || strlen(url) > URL_BYTES || g_ascii_strncasecmp(url, "https://", 8) != 0)
		return false;
	for (const char *p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7F || strchr("\"<>\\^`{|}", *p) != NULL)
			return false;
	g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
	if (uri == NULL || g_uri_get_userinfo(uri) != NULL || g_uri_get_host(uri) == NULL || *g_uri_get_host(uri) == '\0')
		return false;
	return domains == NULL || *domains == NULL || host_allowed(g_uri_get_host(uri), domains);
}

/* Appends one word, its link replaced unless it leads to one of domains. A word that holds two links is judged as one
 * broken one. */
static void append_word(GString *out, const char *word, char *const *domains)
{
	if (!word_is_link(word)) {
		g_string_append(out, word);
		return;
	}
	gsize lead = strspn(word, "<([{\"'");
	gsize end = strlen(word);
	while (end > lead && strchr(">)]}\"'.,;:!?", word[end - 1]) != NULL)
		end--;
	g_autofree char *link = g_strndup(word + lead, end - lead);
	const char *scheme = strstr(link, "://");
	g_autofree char *url = scheme != NULL ? g_strdup(link) : g_strconcat("https://", link, NULL);
	bool allowed = domains != NULL && *domains != NULL && (scheme == NULL || strstr(scheme + 3, "://") == NULL) &&
	    clean_url_allowed(url, domains);
	g_string_append_len(out, word, (gssize)lead);
	g_string_append(out, allowed ? link : LINK_REMOVED);
	g_string_append(out, word + end);
}

/* Returns the length of the run of white space, or of anything else, at the start of text. */
static gsize run_length(const char *text, bool space)
{
	const char *p = text;
	while (*p != '\0' && g_unichar_isspace(g_utf8_get_char(p)) == space)
		p = g_utf8_next_char(p);
	return (gsize)(p - text);
}

char *clean_links(const char *text, char *const *domains)
{
	/* Cleaned first: what is invisible in the midst of a link would hide it here and be gone for the reader. */
	g_autofree char *clean = clean_text(text, G_MAXSIZE);
	GString *out = g_string_new(NULL);
	for (const char *p = clean; *p != '\0';) {
		gsize gap = run_length(p, true);
		g_string_append_len(out, p, (gssize)gap);
		p += gap;
		gsize length = run_length(p, false);
		g_autofree char *word = g_strndup(p, length);
		append_word(out, word, domains);
		p += length;
	}
	return g_string_free(out, FALSE);
}
