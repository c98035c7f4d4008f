/* authres: a reader of Authentication-Results (RFC 8601). Layer: inspect. Pure.
 *
 * The header's text may come from anybody, so the reader takes the grammar of authres.h and three things that
 * filters in use write besides it, all of which carry no result of their own: a ";" at the end, values with ":",
 * "/" or "[" in them that should have been quoted, and a bare "action=none" among the properties (Exchange
 * Online). Anything else is refused. What a header's results are worth is authentic.c's business. */
#include "inspect/authres.h"

#include <string.h>

#include "base/error.h"

#define VALUE_MAX 65536  /* bytes of one header value; real ones have less than 4 KB */
#define COMMENT_DEPTH 20
#define INFOS_MAX 200

static void info_free(AuthresInfo *info)
{
	g_free(info->method);
	g_free(info->result);
	g_clear_pointer(&info->props, g_hash_table_unref);
	g_free(info);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AuthresInfo, info_free)

static AuthresInfo *info_new(void)
{
	AuthresInfo *info = g_new0(AuthresInfo, 1);

	info->props = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return info;
}

static Authres *authres_new(void)
{
	Authres *results = g_new0(Authres, 1);

	results->infos = g_ptr_array_new_with_free_func((GDestroyNotify)info_free);
	return results;
}

void authres_free(Authres *authres)
{
	if (!authres)
		return;
	g_free(authres->authserv_id);
	g_ptr_array_unref(authres->infos);
	g_free(authres);
}

typedef struct {
	const char *start;
	const char *at;
	const char *wanted; /* what should have stood at `at`, once something failed */
} Parser;

static bool fail(Parser *parser, const char *wanted)
{
	parser->wanted = wanted;
	return false;
}

static bool accept(Parser *parser, char c)
{
	if (*parser->at != c)
		return false;
	parser->at++;
	return true;
}

/* [CFWS]: white space and comments, which nest and hold quoted pairs (RFC 5322 section 3.2.2). */
static bool skip_cfws(Parser *parser)
{
	guint depth = 0;

	for (;; parser->at++) {
		switch (*parser->at) {
		case '\0':
			return depth == 0 || fail(parser, "the end of a comment");
		case ' ':
		case '\t':
		case '\r':
		case '\n':
			break;
		case '(':
			if (++depth > COMMENT_DEPTH)
				return fail(parser, "fewer nested comments");
			break;
		case ')':
			if (depth == 0)
				return true;
			depth--;
			break;
		case '\\':
			if (depth == 0)
				return true;
			if (parser->at[1])
				parser->at++;
			break;
		default:
			if (depth == 0)
				return true;
		}
	}
}

/* Keyword = Ldh-str (RFC 5321 section 4.1.2); some filters' own properties have "_". */
static bool in_keyword(char c)
{
	return g_ascii_isalnum(c) || c == '-' || c == '_';
}

/* token of RFC 2045 section 5.1, and UTF-8 as RFC 8616 allows. */
static bool in_token(char c)
{
	return (guchar)c > ' ' && c != 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

/* What a pvalue that is not quoted may hold up to an "@": token and the atext of a Dot-string ("=" and "/" of VERP
 * addresses), and what IP addresses and base64 are made of. */
static bool in_pvalue(char c)
{
	return in_token(c) || (c && strchr("/=?:[]", c));
}

static bool in_domain(char c)
{
	return g_ascii_isalnum(c) || (guchar)c >= 0x80 || (c && strchr("-._[]:", c));
}

static bool is_digit(char c)
{
	return g_ascii_isdigit(c);
}

/* Returns the characters from here on that member takes, or NULL where there is none. */
static char *read_run(Parser *parser, bool (*member)(char))
{
	const char *start = parser->at;

	while (*parser->at && member(*parser->at))
		parser->at++;
	return parser->at > start ? g_strndup(start, (gsize)(parser->at - start)) : NULL;
}

static char *read_keyword(Parser *parser)
{
	g_autofree char *run = read_run(parser, in_keyword);

	return run ? g_ascii_strdown(run, -1) : NULL;
}

/* quoted-string = DQUOTE *( qtext / quoted-pair ) DQUOTE. Returns what it means, or NULL where it does not end. */
static char *read_quoted(Parser *parser)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (parser->at++; *parser->at != '"'; parser->at++) {
		if (*parser->at == '\\')
			parser->at++;
		if (!*parser->at)
			return NULL;
		g_string_append_c(text, *parser->at);
	}
	parser->at++;
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* value = token / quoted-string. */
static char *read_value(Parser *parser)
{
	return *parser->at == '"' ? read_quoted(parser) : read_run(parser, in_token);
}

/* pvalue = [CFWS] ( value / [ [ local-part ] "@" ] domain-name ) [CFWS]
 * A quoted local part keeps its quotes, for it is the address that is wanted then. */
static char *read_pvalue(Parser *parser)
{
	g_autofree char *local = NULL;
	g_autofree char *domain = NULL;
	const char *start;

	if (!skip_cfws(parser))
		return NULL;
	start = parser->at;
	if (*parser->at == '"')
		local = read_quoted(parser);
	else
		local = read_run(parser, in_pvalue);
	if (!local && *start != '@') {
		fail(parser, "a value");
		return NULL;
	}
	if (!accept(parser, '@'))
		return g_steal_pointer(&local);
	domain = read_run(parser, in_domain);
	if (!domain) {
		fail(parser, "a domain");
		return NULL;
	}
	return g_strndup(start, (gsize)(parser->at - start));
}

/* reasonspec = "reason" [CFWS] "=" [CFWS] value
 * propspec = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue */
static bool read_spec(Parser *parser, AuthresInfo *info)
{
	g_autofree char *ptype = read_keyword(parser);
	g_autofree char *property = NULL;
	g_autofree char *value = NULL;

	if (!ptype)
		return fail(parser, "a property");
	if (!skip_cfws(parser))
		return false;
	if (accept(parser, '.')) {
		if (!skip_cfws(parser))
			return false;
		property = read_keyword(parser);
		if (!property)
			return fail(parser, "a property's name");
	}
	if (!skip_cfws(parser))
		return false;
	if (!accept(parser, '='))
		return fail(parser, "\"=\"");
	value = read_pvalue(parser);
	if (!value)
		return false;
	if (property) {
		g_autofree char *name = g_strconcat(ptype, ".", property, NULL);

		if (!g_hash_table_contains(info->props, name))
			g_hash_table_insert(info->props, g_steal_pointer(&name), g_steal_pointer(&value));
	}
	return true;
}

/* methodspec = [CFWS] method [CFWS] "=" [CFWS] result
 * method = Keyword [ [CFWS] "/" [CFWS] method-version ]
 * known: false where it is a version of the method that is not ours, whose results mean we know not what. */
static bool read_methodspec(Parser *parser, AuthresInfo *info, bool *known)
{
	if (!skip_cfws(parser))
		return false;
	info->method = read_keyword(parser);
	if (!info->method)
		return fail(parser, "a method");
	if (!skip_cfws(parser))
		return false;
	*known = true;
	if (accept(parser, '/')) {
		g_autofree char *version = NULL;

		if (!skip_cfws(parser))
			return false;
		version = read_run(parser, is_digit);
		if (!version)
			return fail(parser, "a method's version");
		*known = g_str_equal(version, "1");
		if (!skip_cfws(parser))
			return false;
	}
	if (!accept(parser, '='))
		return fail(parser, "\"=\"");
	if (!skip_cfws(parser))
		return false;
	info->result = read_keyword(parser);
	return info->result || fail(parser, "a result");
}

/* resinfo, from behind its ";", up to the next one or the end. */
static bool read_resinfo(Parser *parser, Authres *results)
{
	g_autoptr(AuthresInfo) info = info_new();
	bool known;

	if (results->infos->len >= INFOS_MAX)
		return fail(parser, "fewer results");
	if (!read_methodspec(parser, info, &known))
		return false;
	for (;;) {
		if (!skip_cfws(parser))
			return false;
		if (!*parser->at || *parser->at == ';')
			break;
		if (!read_spec(parser, info))
			return false;
	}
	if (known)
		g_ptr_array_add(results->infos, g_steal_pointer(&info));
	return true;
}

/* no-result = [CFWS] ";" [CFWS] "none". Moves on only where that is all there is. */
static bool read_none(Parser *parser)
{
	Parser ahead = *parser;
	g_autofree char *word = NULL;

	if (!skip_cfws(&ahead))
		return false;
	word = read_keyword(&ahead);
	if (g_strcmp0(word, "none") != 0 || !skip_cfws(&ahead))
		return false;
	if (accept(&ahead, ';') && !skip_cfws(&ahead))
		return false;
	if (*ahead.at)
		return false;
	*parser = ahead;
	return true;
}

/* [CFWS] authserv-id [ CFWS authres-version ] [CFWS], up to the first ";". */
static bool read_start(Parser *parser, Authres *results)
{
	g_autofree char *id = NULL;

	if (!skip_cfws(parser))
		return false;
	id = read_value(parser);
	if (!id || !*id)
		return fail(parser, "an authserv-id");
	results->authserv_id = g_ascii_strdown(id, -1);
	if (!skip_cfws(parser))
		return false;
	if (g_ascii_isdigit(*parser->at)) {
		g_autofree char *version = read_run(parser, is_digit);

		if (!g_str_equal(version, "1"))
			return fail(parser, "version 1");
	}
	if (!skip_cfws(parser))
		return false;
	return *parser->at == ';' || fail(parser, "\";\"");
}

static bool read_results(Parser *parser, Authres *results)
{
	bool first = true;

	while (accept(parser, ';')) {
		if (first && read_none(parser))
			return true;
		if (!skip_cfws(parser))
			return false;
		if (!*parser->at && !first)
			return true;
		first = false;
		if (!read_resinfo(parser, results))
			return false;
	}
	return !*parser->at || fail(parser, "\";\"");
}

Authres *authres_parse(const char *value, GError **error)
{
	g_autoptr(Authres) results = authres_new();
	Parser parser = { value, value, NULL };

	if (strlen(value) > VALUE_MAX) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "Authentication-Results: longer than %d bytes",
		    VALUE_MAX);
		return NULL;
	}
	if (!read_start(&parser, results) || !read_results(&parser, results)) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID,
		    "Authentication-Results: expected %s at byte %" G_GSIZE_FORMAT, parser.wanted,
		    (gsize)(parser.at - parser.start) + 1);
		return NULL;
	}
	return g_steal_pointer(&results);
}

char *authres_peek_id(const char *value)
{
	Parser parser = { value, value, NULL };
	g_autofree char *id = NULL;

	if (!skip_cfws(&parser))
		return NULL;
	id = read_value(&parser);
	return id && *id ? g_ascii_strdown(id, -1) : NULL;
}
