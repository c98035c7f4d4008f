/* rules-starts: with which characters a match of a pattern can start. Layer: inspect.
 *
 * Reads the part of PCRE2's syntax that rules are written in and gives the set of all beginnings, a few characters long, so
 * that rules-index.c need not try a pattern where it cannot match. Whatever it does not know makes it give up on the whole
 * pattern, which is then tried everywhere; a set may be too large, never too small.
 *
 *     alternation = sequence *( "|" sequence )
 *     sequence    = *( atom [ quantifier ] )
 *     atom        = literal | escape | "[" class "]" | "." | "^" | "$" | group
 *     group       = "(" [ "?:" | "?>" | "?|" | "?<" name ">" | flags ":" | "?=" | "?!" | "?<=" | "?<!" ] alternation ")"
 *     quantifier  = ( "?" | "*" | "+" | "{" n [ "," [ m ] ] "}" ) [ "?" | "+" ] */
#include "inspect/rules-private.h"

#include <string.h>

#define NESTING_MAX 60
#define STARTS_MAX 3000

/* A class of characters as a set of symbols; WIDE stands for one that would multiply the beginnings too much. */
#define WIDE_FROM 10

typedef struct {
	const char *at;
	guint depth; /* symbols to look at */
	guint nesting;
	bool failed;
} Parser;

guint8 start_symbol(guchar byte)
{
	if (g_ascii_isalpha(byte))
		return (guint8)(1 + g_ascii_tolower((char)byte) - 'a');
	if (g_ascii_isdigit(byte))
		return START_DIGIT;
	if (byte >= 0x80)
		return START_HIGH;
	if (byte == 0)
		return 0;
	return byte == ' ' || (byte >= '\t' && byte <= '\r') ? START_SPACE : byte == '\'' ? START_QUOTE : START_OTHER;
}

static GArray *set_new(void)
{
	return g_array_new(FALSE, TRUE, sizeof(Start));
}

/* Returns the set of the one beginning that says nothing and goes on. */
static GArray *set_of_empty(void)
{
	GArray *set = set_new();
	g_array_set_size(set, 1);
	return set;
}

static int compare_starts(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, sizeof(Start));
}

static void set_tidy(Parser *parser, GArray *set)
{
	g_array_sort(set, compare_starts);
	guint kept = 0;
	Start *all = (Start *)(void *)set->data;
	for (guint i = 0; i < set->len; i++) {
		if (i == 0 || memcmp(&all[i], &all[kept - 1], sizeof(Start)) != 0)
			all[kept++] = all[i];
	}
	g_array_set_size(set, kept);
	if (kept > STARTS_MAX)
		parser->failed = true;
}

static void set_close(GArray *set)
{
	for (guint i = 0; i < set->len; i++)
		g_array_index(set, Start, i).closed = true;
}

static Start start_joined(const Parser *parser, const Start *left, const Start *right)
{
	Start both = *left;
	guint room = parser->depth - left->length;
	guint copied = MIN(room, right->length);
	memcpy(both.symbols + left->length, right->symbols, copied);
	both.length = (guint8)(left->length + copied);
	both.closed = right->closed || both.length == parser->depth;
	both.boundary = left->boundary || (left->length == 0 && right->boundary);
	return both;
}

static guint set_open(const GArray *set)
{
	guint open = 0;
	for (guint i = 0; i < set->len; i++)
		open += !g_array_index(set, Start, i).closed;
	return open;
}

/* Appends every beginning of next to every open one of set; frees both, returns the new set. Most of what is appended is one character,
 * or comes where nothing is open any more: a set that cannot grow is not tidied, which is left to the next one that can. */
static GArray *set_append(Parser *parser, GArray *set, GArray *next)
{
	guint open = set_open(set);
	if (open == 0 || next->len == 1) {
		for (guint i = 0; i < set->len && open > 0; i++) {
			Start *left = &g_array_index(set, Start, i);
			if (!left->closed)
				*left = start_joined(parser, left, &g_array_index(next, Start, 0));
		}
		g_array_unref(next);
		return set;
	}
	if (open > 1)
		set_tidy(parser, set);
	GArray *out = set_new();
	for (guint i = 0; i < set->len && !parser->failed; i++) {
		const Start *left = &g_array_index(set, Start, i);
		if (left->closed) {
			g_array_append_val(out, *left);
			continue;
		}
		for (guint j = 0; j < next->len; j++) {
			Start both = start_joined(parser, left, &g_array_index(next, Start, j));
			g_array_append_val(out, both);
		}
		parser->failed |= out->len > STARTS_MAX;
	}
	g_array_unref(set);
	g_array_unref(next);
	set_tidy(parser, out);
	return out;
}

/* Returns the beginnings of one character out of symbols (a bit each). What follows a high byte is not looked at: it may be
 * of several bytes, and folding case may change their number. */
static GArray *set_of_symbols(guint32 symbols)
{
	guint count = 0;
	for (guint32 rest = symbols; rest; rest &= rest - 1)
		count++;
	GArray *set = set_new();
	if (count >= WIDE_FROM) {
		Start any = { .closed = true };
		g_array_append_val(set, any);
		return set;
	}
	for (guint symbol = 0; symbol < START_SYMBOLS; symbol++) {
		if (!(symbols >> symbol & 1))
			continue;
		Start start = { .symbols = { (guint8)symbol }, .length = 1, .closed = symbol == START_HIGH };
		g_array_append_val(set, start);
	}
	return set;
}

#define BIT(symbol) (1u << (symbol))
#define ALL_SYMBOLS 0xffffffffu
#define SPACES (BIT(START_SPACE) | BIT(START_HIGH))
#define DIGITS (BIT(START_DIGIT) | BIT(START_HIGH))

/* Reads what follows a backslash that stands for characters. Returns their symbols, 0 where it is unknown. */
static guint32 escaped_symbols(Parser *parser)
{
	guchar c = (guchar)*parser->at;
	if (!c)
		return 0;
	parser->at++;
	switch (c) {
	case 's': case 'h': case 'v':
		return SPACES;
	case 'd':
		return DIGITS;
	case 'n': case 'r': case 't': case 'f':
		return BIT(START_SPACE);
	case 'w': case 'W': case 'S': case 'D': case 'H': case 'V': case 'N':
		return ALL_SYMBOLS;
	case 'x':
		return !syntax_hex(&parser->at, &c) ? 0 : c < 0x80 ? BIT(start_symbol(c)) : ALL_SYMBOLS;
	case 'p': case 'P':
		if (*parser->at != '{' || !strchr(parser->at, '}'))
			return 0;
		parser->at = strchr(parser->at, '}') + 1;
		return ALL_SYMBOLS;
	default:
		/* Any other letter or digit has a meaning of its own that we do not follow. */
		return g_ascii_isalnum(c) || c >= 0x80 ? 0 : BIT(start_symbol(c));
	}
}

/* Reads one member of a class or one literal. Sets *byte to it, or to 0 where it is more than one ASCII character. */
static guint32 member_symbols(Parser *parser, guchar *byte)
{
	*byte = 0;
	guchar c = (guchar)*parser->at++;
	if (c == '\\')
		return escaped_symbols(parser);
	if (c < 0x80)
		*byte = c;
	while (c >= 0x80 && ((guchar)*parser->at & 0xc0) == 0x80)
		parser->at++;
	return BIT(start_symbol(c));
}

static GArray *parse_class(Parser *parser)
{
	guint32 symbols = 0;
	bool negated = *parser->at == '^';
	parser->at += negated;
	for (bool first = true; *parser->at && (first || *parser->at != ']'); first = false) {
		if (*parser->at == '[' && strchr(":.=", parser->at[1])) {
			parser->failed = true;
			break;
		}
		guchar low = 0, high = 0;
		guint32 found = member_symbols(parser, &low);
		parser->failed |= found == 0;
		if (parser->at[0] == '-' && parser->at[1] && parser->at[1] != ']') {
			parser->at++;
			guint32 end = member_symbols(parser, &high);
			parser->failed |= end == 0;
			found |= low && high ? 0 : ALL_SYMBOLS;
			for (guint c = low; low && c <= high; c++)
				found |= BIT(start_symbol((guchar)c));
		}
		symbols |= found;
	}
	if (*parser->at == ']')
		parser->at++;
	else
		parser->failed = true;
	return set_of_symbols(negated ? ALL_SYMBOLS : symbols);
}

static GArray *parse_alternation(Parser *parser);

static GArray *parse_group(Parser *parser)
{
	bool zero_width = false;
	if (!syntax_skip_group_kind(&parser->at, &zero_width) || ++parser->nesting > NESTING_MAX) {
		parser->failed = true;
		return set_of_empty();
	}
	GArray *set = parse_alternation(parser);
	parser->nesting--;
	if (*parser->at == ')')
		parser->at++;
	else
		parser->failed = true;
	if (!zero_width)
		return set;
	g_array_unref(set);
	return set_of_empty();
}

static GArray *parse_atom(Parser *parser)
{
	GArray *set = NULL;
	guchar unused;
	switch (*parser->at) {
	case '(':
		parser->at++;
		return parse_group(parser);
	case '[':
		parser->at++;
		return parse_class(parser);
	case '.':
		parser->at++;
		return set_of_symbols(ALL_SYMBOLS);
	case '^': case '$':
		parser->at++;
		return set_of_empty();
	case '\\':
		if (!parser->at[1] || !strchr("bBAzZ", parser->at[1]))
			break;
		set = set_of_empty();
		g_array_index(set, Start, 0).boundary = parser->at[1] == 'b';
		parser->at += 2;
		return set;
	default:
		break;
	}
	guint32 symbols = member_symbols(parser, &unused);
	parser->failed |= symbols == 0;
	return set_of_symbols(symbols);
}

/* The set of an atom that is repeated; takes it. */
static GArray *set_repeat(Parser *parser, GArray *atom, guint64 least, guint64 most)
{
	GArray *set = set_of_empty();
	for (guint64 i = 0; i < MIN(least, parser->depth); i++)
		set = set_append(parser, set, g_array_ref(atom));
	if (most > least) {
		/* Once more, and then we stop looking unless that was the last time; or what follows at once. */
		GArray *more = set_append(parser, g_array_copy(set), g_array_ref(atom));
		if (most > least + 1)
			set_close(more);
		g_array_append_vals(set, more->data, more->len);
		g_array_unref(more);
		set_tidy(parser, set);
	}
	g_array_unref(atom);
	return set;
}

static GArray *parse_sequence(Parser *parser)
{
	GArray *set = set_of_empty();
	while (*parser->at && *parser->at != '|' && *parser->at != ')' && !parser->failed) {
		GArray *atom = parse_atom(parser);
		guint64 least = 0, most = 0;
		if (syntax_quantifier(&parser->at, &least, &most))
			atom = set_repeat(parser, atom, least, most);
		set = set_append(parser, set, atom);
	}
	return set;
}

static GArray *parse_alternation(Parser *parser)
{
	GArray *set = parse_sequence(parser);
	while (*parser->at == '|' && !parser->failed) {
		parser->at++;
		GArray *other = parse_sequence(parser);
		g_array_append_vals(set, other->data, other->len);
		g_array_unref(other);
	}
	set_tidy(parser, set);
	return set;
}

/* Leaves out every beginning that a shorter one stands for. The set is sorted, so that the shorter one comes first. */
static void set_prune(GArray *set)
{
	guint kept = 0;
	Start *all = (Start *)(void *)set->data;
	for (guint i = 0; i < set->len; i++) {
		bool covered = false;
		for (guint j = kept; j-- > 0 && all[j].symbols[0] == all[i].symbols[0] && !covered;)
			covered = memcmp(all[j].symbols, all[i].symbols, all[j].length) == 0 && (!all[j].boundary || all[i].boundary);
		if (!covered)
			all[kept++] = all[i];
	}
	g_array_set_size(set, kept);
}

GArray *starts_of(const char *pattern)
{
	for (guint depth = START_DEPTH; depth >= START_KEY; depth--) {
		Parser parser = { .at = pattern, .depth = depth };
		GArray *set = parse_alternation(&parser);
		bool good = !parser.failed && *parser.at == '\0';
		for (guint i = 0; i < set->len && good; i++)
			good = g_array_index(set, Start, i).length > 0;
		if (good) {
			set_prune(set);
			return set;
		}
		g_array_unref(set);
	}
	return NULL;
}
