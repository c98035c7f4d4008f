/* rules-syntax: the pieces of PCRE2's syntax that rules-starts.c and rules-needs.c both read, and sets of characters. Layer: inspect.
 *
 * A set is known from two sides, because what a character class leaves out is needed as well as what it holds: too many rather
 * than too few in `may`, too few rather than too many in `sure`. */
#include "inspect/rules-private.h"

#include <string.h>

bool syntax_skip_group_kind(const char **at, bool *zero_width)
{
	*zero_width = false;
	if (**at == '*')
		return false;
	if (**at != '?')
		return true;
	const char *kind = ++*at;
	if (strchr(":>|=!", *kind) && *kind) {
		*zero_width = *kind == '=' || *kind == '!';
		(*at)++;
		return true;
	}
	if (*kind == '<' && (kind[1] == '=' || kind[1] == '!')) {
		*zero_width = true;
		(*at) += 2;
		return true;
	}
	gsize flags = strspn(kind, "ims-");
	if (flags > 0 && (kind[flags] == ':' || kind[flags] == ')')) {
		(*at) += flags + (kind[flags] == ':');
		return true;
	}
	gsize name = *kind == '<' ? 1 + strspn(kind + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") : 0;
	if (name > 1 && kind[name] == '>') {
		(*at) += name + 1;
		return true;
	}
	return false;
}

bool syntax_quantifier(const char **place, guint64 *least, guint64 *most)
{
	const char *at = *place;
	char *end = NULL;
	*least = *at == '+';
	*most = *at == '?' ? 1 : G_MAXUINT64;
	if (*at == '{' && g_ascii_isdigit(at[1])) {
		*least = *most = g_ascii_strtoull(at + 1, &end, 10);
		if (*end == ',')
			*most = g_ascii_isdigit(end[1]) ? g_ascii_strtoull(end + 1, &end, 10) : (end++, G_MAXUINT64);
		if (*end != '}')
			return false;
		at = end;
	} else if (!*at || !strchr("?*+", *at)) {
		return false;
	}
	at++;
	*place = at + (*at == '?' || *at == '+');
	return true;
}

#define WHITE_LOW (G_GUINT64_CONSTANT(1) << ' ' | G_GUINT64_CONSTANT(0x1f) << '\t')
#define DIGITS_LOW (G_GUINT64_CONSTANT(0x3ff) << '0')
#define LETTERS_HIGH (G_GUINT64_CONSTANT(0x7fffffe) | G_GUINT64_CONSTANT(0x7fffffe) << 32)
#define WORD_HIGH (LETTERS_HIGH | G_GUINT64_CONSTANT(1) << ('_' - 64))
#define ALL G_MAXUINT64
#define LISTED_MAX 10 /* members of a range that are kept apart */

static void add_may(SyntaxSet *set, guchar c)
{
	set->may[c / 64] |= G_GUINT64_CONSTANT(1) << c % 64;
}

static void add_sure(SyntaxSet *set, guchar c)
{
	add_may(set, c);
	set->sure[c / 64] |= G_GUINT64_CONSTANT(1) << c % 64;
}

static void add_literal(SyntaxSet *set, guchar c)
{
	add_sure(set, c);
	add_may(set, (guchar)g_ascii_tolower((char)c));
	add_may(set, (guchar)g_ascii_toupper((char)c));
	set->is_high |= strchr("kKsS", c) != NULL; /* the Kelvin sign and the long s are these to a pattern that ignores case */
	set->is_other |= set->is_high;
}

/* c: an ASCII character, or the first byte of another. */
static void add_character(SyntaxSet *set, guchar c)
{
	if (c < 0x80) {
		add_literal(set, c);
		return;
	}
	set->is_high = set->is_other = true;
	for (const char *folded = "kKsS"; *folded; folded++)
		add_may(set, (guchar)*folded);
}

static void add_set(SyntaxSet *set, const SyntaxSet *more)
{
	for (guint i = 0; i < 2; i++) {
		set->may[i] |= more->may[i];
		set->sure[i] |= more->sure[i];
	}
	set->is_high |= more->is_high;
	set->is_all_high |= more->is_all_high;
	set->is_other |= more->is_other;
}

static void negate(SyntaxSet *set)
{
	const SyntaxSet old = *set;
	for (guint i = 0; i < 2; i++) {
		set->may[i] = ~old.sure[i];
		set->sure[i] = ~old.may[i];
	}
	set->is_high = !old.is_all_high;
	set->is_all_high = !old.is_high;
	set->is_other = true;
}

bool syntax_hex(const char **at, guchar *c)
{
	const bool braced = **at == '{';
	const char *digits = *at + braced;
	gsize count = strspn(digits, "0123456789abcdefABCDEF");
	if (braced ? count < 1 || count > 6 || digits[count] != '}' : count < 2)
		return false;
	g_autofree char *number = g_strndup(digits, braced ? count : 2);
	guint64 value = g_ascii_strtoull(number, NULL, 16);
	*c = (guchar)MIN(value, 0x80);
	*at = digits + strlen(number) + braced;
	return value > 0;
}

bool syntax_escape_set(const char **at, SyntaxSet *set)
{
	static const SyntaxSet white = { { WHITE_LOW, 0 }, { WHITE_LOW, 0 }, false, false, false };
	static const SyntaxSet digits = { { DIGITS_LOW, 0 }, { DIGITS_LOW, 0 }, true, false, false };
	static const SyntaxSet word = { { DIGITS_LOW, WORD_HIGH }, { DIGITS_LOW, WORD_HIGH }, true, false, true };
	static const SyntaxSet any = { { ALL, ALL }, { 0, 0 }, true, false, true };
	guchar c = (guchar)**at;
	memset(set, 0, sizeof *set);
	*at += c != 0;
	switch (c) {
	case 's': case 'S':
		*set = white;
		break;
	case 'd': case 'D':
		*set = digits;
		break;
	case 'w': case 'W':
		*set = word;
		break;
	case 'h': case 'H':
		add_sure(set, ' ');
		add_sure(set, '\t');
		break;
	case 'v': case 'V':
		for (int v = '\n'; v <= '\r'; v++)
			add_sure(set, (guchar)v);
		break;
	case 'n': case 'r': case 't': case 'f':
		add_sure(set, c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : '\f');
		break;
	case 'N':
		*set = any;
		break;
	case 'x':
		if (!syntax_hex(at, &c))
			return false;
		add_character(set, c);
		return true;
	case 'p': case 'P':
		*set = any;
		if (**at != '{' || !strchr(*at, '}'))
			return false;
		*at = strchr(*at, '}') + 1;
		break;
	default:
		if (!c || c >= 0x80 || g_ascii_isalnum(c))
			return false;
		add_sure(set, c);
		break;
	}
	if (strchr("SDWHV", c))
		negate(set);
	return true;
}

/* Reads one member. *single: it if it is one character, with its length in bytes; else NULL. */
static bool class_member(const char **at, SyntaxSet *set, const char **single)
{
	const char *start = *at;
	guchar c = (guchar)*start;
	memset(set, 0, sizeof *set);
	*single = NULL;
	if (c == '\\') {
		(*at)++;
		if (!g_ascii_isalnum(**at))
			*single = *at;
		return syntax_escape_set(at, set);
	}
	*single = start;
	*at = g_utf8_next_char(start);
	add_character(set, c);
	return true;
}

/* Adds all that lie between two members. Returns false where these are not listed. */
static bool class_range(SyntaxSet *set, const char *low, const char *high, GPtrArray *members)
{
	static const SyntaxSet any = { { ALL, ALL }, { 0, 0 }, true, false, true };
	if (!low || !high || (guchar)*low >= 0x80 || (guchar)*high >= 0x80) {
		add_set(set, &any);
		return false;
	}
	const guint first = (guchar)*low, last = (guchar)*high;
	for (guint c = first; c <= last; c++) {
		add_literal(set, (guchar)c);
		if (last - first < LISTED_MAX)
			g_ptr_array_add(members, g_strdup((char[]) { (char)c, '\0' }));
	}
	return last - first < LISTED_MAX;
}

bool syntax_class(const char **at, SyntaxSet *set, GPtrArray *members)
{
	const bool negated = **at == '^';
	bool listed = !negated;
	*at += negated;
	memset(set, 0, sizeof *set);
	for (bool first = true; **at && (first || **at != ']'); first = false) {
		SyntaxSet member;
		const char *low, *high;
		if ((*at)[0] == '[' && (*at)[1] && strchr(":.=", (*at)[1]))
			return false;
		if (!class_member(at, &member, &low))
			return false;
		add_set(set, &member);
		if (low)
			g_ptr_array_add(members, g_strndup(low, (gsize)g_utf8_skip[(guchar)*low]));
		listed &= low != NULL;
		if ((*at)[0] == '-' && (*at)[1] && (*at)[1] != ']') {
			(*at)++;
			if (!class_member(at, &member, &high))
				return false;
			add_set(set, &member);
			listed &= class_range(set, low, high, members);
		}
	}
	if (**at != ']')
		return false;
	(*at)++;
	if (negated)
		negate(set);
	if (!listed)
		g_ptr_array_set_size(members, 0);
	return true;
}

bool syntax_is_white(const SyntaxSet *set)
{
	return !set->is_high && !(set->may[0] & ~WHITE_LOW) && !set->may[1];
}

bool syntax_has_white(const SyntaxSet *set)
{
	return (set->may[0] & WHITE_LOW) != 0;
}

bool syntax_has_word(const SyntaxSet *set)
{
	return (set->may[0] & DIGITS_LOW) || (set->may[1] & WORD_HIGH);
}

bool syntax_is_digit(const SyntaxSet *set)
{
	return !set->is_other && !(set->may[0] & ~DIGITS_LOW) && !set->may[1];
}
