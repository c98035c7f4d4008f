/* rules-needs: words without which a pattern cannot match. Layer: inspect.
 *
 * Reads a pattern into what is known of the texts it matches: either all of them (`exact`), or a set of words of which
 * each holds at least one (`need`). A sequence has the best set of its parts, an alternation the union of its branches'
 * sets. What is not understood makes a part unknown, which costs speed and never a match. Grammar: rules-starts.c. */
#include "inspect/rules-private.h"

#include <string.h>

#define NESTING_MAX 60
#define EXACT_MAX 200  /* texts that are kept apart */
#define LENGTH_MAX 24  /* bytes of one */
#define NEED_MAX 400   /* words of one set */
#define GOOD_LENGTH 5  /* a longer word is no better */

typedef struct {
	const char *at;
	guint nesting;
	bool failed;
} Parser;

/* Both NULL: nothing is known. */
typedef struct {
	GPtrArray *exact, *need; /* char * */
} Known;

static void known_clear(Known *known)
{
	g_clear_pointer(&known->exact, g_ptr_array_unref);
	g_clear_pointer(&known->need, g_ptr_array_unref);
}

static GPtrArray *set_new(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

static GPtrArray *set_of(const char *text)
{
	GPtrArray *set = set_new();
	g_ptr_array_add(set, g_strdup(text));
	return set;
}

/* A text may be in a set twice: looking for it would cost more than it saves. */
static void set_add(GPtrArray *set, const char *text)
{
	g_ptr_array_add(set, g_strdup(text));
}

static void set_add_all(GPtrArray *set, const GPtrArray *more)
{
	for (guint i = 0; i < more->len; i++)
		set_add(set, g_ptr_array_index(more, i));
}

/* The shortest member decides how often the set is found in texts that do not match. */
static gsize set_shortest(const GPtrArray *set)
{
	gsize shortest = G_MAXSIZE;
	for (guint i = 0; i < set->len; i++)
		shortest = MIN(shortest, strlen(g_ptr_array_index(set, i)));
	return set->len > 0 ? shortest : 0;
}

static bool set_is_better(const GPtrArray *set, const GPtrArray *than)
{
	gsize a = MIN(set_shortest(set), GOOD_LENGTH), b = MIN(set_shortest(than), GOOD_LENGTH);
	return a != b ? a > b : set->len < than->len;
}

/* Makes set the need of *best where it is a better one; takes no ownership. */
static void offer(GPtrArray **best, GPtrArray *set)
{
	if (!set || set->len > NEED_MAX || set_shortest(set) < NEED_MIN || (*best && !set_is_better(set, *best)))
		return;
	g_clear_pointer(best, g_ptr_array_unref);
	*best = g_ptr_array_ref(set);
}

/* Every text of left followed by every one of right; NULL where that is too much to keep. */
static GPtrArray *set_product(const GPtrArray *left, const GPtrArray *right)
{
	if (left->len * right->len > EXACT_MAX)
		return NULL;
	g_autoptr(GPtrArray) out = set_new();
	for (guint i = 0; i < left->len; i++) {
		for (guint j = 0; j < right->len; j++) {
			g_autofree char *both = g_strconcat(g_ptr_array_index(left, i), g_ptr_array_index(right, j), NULL);
			if (strlen(both) > LENGTH_MAX)
				return NULL;
			set_add(out, both);
		}
	}
	return g_steal_pointer(&out);
}

static Known parse_alternation(Parser *parser);

static Known parse_group(Parser *parser)
{
	bool zero_width = false;
	Known known = { NULL, NULL };
	if (!syntax_skip_group_kind(&parser->at, &zero_width) || ++parser->nesting > NESTING_MAX) {
		parser->failed = true;
		return known;
	}
	known = parse_alternation(parser);
	parser->nesting--;
	if (*parser->at == ')')
		parser->at++;
	else
		parser->failed = true;
	if (zero_width) {
		known_clear(&known);
		known.exact = set_of("");
	}
	return known;
}

/* Classes are passed over: their members are characters, not words. */
static Known parse_class(Parser *parser)
{
	parser->at += *parser->at == '^';
	for (bool first = true; *parser->at && (first || *parser->at != ']'); first = false) {
		if (parser->at[0] == '[' && parser->at[1] && strchr(":.=", parser->at[1]))
			parser->failed = true;
		parser->at += parser->at[0] == '\\' && parser->at[1] ? 2 : 1;
	}
	if (*parser->at == ']')
		parser->at++;
	else
		parser->failed = true;
	return (Known) { NULL, NULL };
}

static Known parse_escape(Parser *parser)
{
	guchar c = (guchar)parser->at[1];
	Known known = { NULL, NULL };
	parser->at += c ? 2 : 1;
	if (c && strchr("bBAzZ", c)) {
		known.exact = set_of("");
	} else if (c == 'p' || c == 'P') {
		const char *end = *parser->at == '{' ? strchr(parser->at, '}') : NULL;
		parser->failed |= !end;
		parser->at = end ? end + 1 : parser->at;
	} else if (c && !g_ascii_isalnum(c) && c < 0x80) {
		known.exact = set_of((char[]) { (char)c, '\0' });
	} else if (!c || !strchr("shvdnrtfwWSDHVN", c)) {
		parser->failed = true;
	}
	return known;
}

/* Kana, Han, Hangul. */
static bool has_no_case(gunichar c)
{
	return (c >= 0x3040 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3);
}

static Known parse_atom(Parser *parser)
{
	guchar c = (guchar)*parser->at;
	Known known = { NULL, NULL };
	switch (c) {
	case '(':
		parser->at++;
		return parse_group(parser);
	case '[':
		parser->at++;
		return parse_class(parser);
	case '\\':
		return parse_escape(parser);
	case '.':
		parser->at++;
		return known;
	case '^': case '$':
		parser->at++;
		known.exact = set_of("");
		return known;
	default:
		break;
	}
	if (c < 0x80) {
		parser->at++;
		known.exact = set_of((char[]) { g_ascii_tolower((char)c), '\0' });
		return known;
	}
	/* Folding case may change the bytes of other characters. */
	const char *start = parser->at;
	parser->at = g_utf8_next_char(start);
	if (has_no_case(g_utf8_get_char(start))) {
		g_autofree char *character = g_strndup(start, (gsize)(parser->at - start));
		known.exact = set_of(character);
	}
	return known;
}

static void repeat(Known *known, guint64 least, guint64 most)
{
	GPtrArray *best = NULL;
	if (least == 1 && most == 1)
		return;
	if (least == 0 && most == 1 && known->exact) {
		g_clear_pointer(&known->need, g_ptr_array_unref);
		GPtrArray *wider = set_of("");
		set_add_all(wider, known->exact);
		g_ptr_array_unref(known->exact);
		known->exact = wider;
		return;
	}
	if (least > 0) {
		offer(&best, known->need);
		offer(&best, known->exact);
	}
	known_clear(known);
	known->need = best;
}

static Known parse_sequence(Parser *parser)
{
	Known all = { set_of(""), NULL };
	g_autoptr(GPtrArray) tail = set_of(""); /* the texts of the last parts that are known exactly */
	while (*parser->at && *parser->at != '|' && *parser->at != ')' && !parser->failed) {
		Known part = parse_atom(parser);
		guint64 least = 1, most = 1;
		if (syntax_quantifier(&parser->at, &least, &most))
			repeat(&part, least, most);
		g_autoptr(GPtrArray) longer = part.exact ? set_product(tail, part.exact) : NULL;
		if (!longer) {
			g_clear_pointer(&all.exact, g_ptr_array_unref);
			offer(&all.need, tail);
			offer(&all.need, part.need);
			longer = part.exact ? g_ptr_array_ref(part.exact) : set_of("");
		}
		g_ptr_array_unref(tail);
		tail = g_steal_pointer(&longer);
		known_clear(&part);
	}
	if (all.exact) {
		g_ptr_array_unref(all.exact);
		all.exact = g_ptr_array_ref(tail);
	} else {
		offer(&all.need, tail);
	}
	return all;
}

static Known parse_alternation(Parser *parser)
{
	Known all = parse_sequence(parser);
	while (*parser->at == '|' && !parser->failed) {
		parser->at++;
		Known branch = parse_sequence(parser);
		g_autoptr(GPtrArray) best = NULL, other = NULL;
		offer(&best, all.need);
		offer(&best, all.exact);
		offer(&other, branch.need);
		offer(&other, branch.exact);
		GPtrArray *need = best && other ? set_new() : NULL;
		if (need) {
			set_add_all(need, best);
			set_add_all(need, other);
		}
		GPtrArray *exact = all.exact && branch.exact && all.exact->len + branch.exact->len <= EXACT_MAX ? set_new() : NULL;
		if (exact) {
			set_add_all(exact, all.exact);
			set_add_all(exact, branch.exact);
		}
		known_clear(&all);
		known_clear(&branch);
		all = (Known) { exact, need };
	}
	return all;
}

GPtrArray *needs_of(const char *pattern)
{
	Parser parser = { .at = pattern };
	Known known = parse_alternation(&parser);
	GPtrArray *best = NULL;
	if (!parser.failed && *parser.at == '\0') {
		offer(&best, known.need);
		offer(&best, known.exact);
	}
	known_clear(&known);
	return best;
}
