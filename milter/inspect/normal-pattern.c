/* normal-pattern: the literals of a pattern, folded like the texts that it is tried on (see normal.h). Layer: inspect. Pure.
 *
 * What is read of PCRE2's syntax is just enough to know which characters are literals:
 *
 *     pattern = *( comment / quoted / escape / class / character )
 *     comment = "(?#" *character ")"
 *     quoted  = "\Q" *character [ "\E" ]
 *     escape  = "\" ASCII character                       (kept; what is in its braces is ASCII too)
 *     class   = "[" [ "^" ] *member "]"
 *     member  = posix class / escape / item [ "-" item ]
 *
 * A character that becomes several ("ß" -> "ss") is put into a group where a quantifier follows. In a class it cannot stay: the class
 * becomes a group of it and the rest, as in (?:ss|[x]); a class of what must not be there just loses it. A range whose ends change is
 * written out. */
#include "inspect/normal-private.h"

#include <string.h>

#define RANGE_MAX 4096 /* characters of a range that are written out */

typedef struct {
	const char *at;
	GString *out;
	bool quoted; /* between \Q and \E */
} Reader;

/* A class under way. */
typedef struct {
	GString *members;  /* as in the pattern */
	GString *branches; /* what is longer than a character, with "|" behind each */
} Class;

/* Appends folded text as literals. */
static void append_literal(GString *out, const char *text, gsize size, bool quoted)
{
	for (gsize i = 0; i < size; i++) {
		if (!quoted && strchr("\\^$.[]|()?*+{}-", text[i]))
			g_string_append_c(out, '\\');
		g_string_append_c(out, text[i]);
	}
}

/* Reads one character of more than a byte with the marks that join it, and appends what they become to folded. Returns where they
 * end. */
static const char *read_character(const char *at, GString *folded)
{
	for (bool first = true; (guchar)*at >= 0x80; first = false) {
		Folded one;
		bool changes = normal_char(g_utf8_get_char(at), &one);
		const char *next = g_utf8_next_char(at);
		if (!first && !(changes && one.joins))
			break;
		if (changes)
			normal_append(folded, 0, &one);
		else
			g_string_append_len(folded, at, next - at);
		at = next;
	}
	return at;
}

static void read_literal(Reader *reader)
{
	g_autoptr(GString) folded = g_string_new(NULL);
	reader->at = read_character(reader->at, folded);
	bool several = folded->len > 0 && *g_utf8_next_char(folded->str) != '\0';
	bool group = several && !reader->quoted && *reader->at && strchr("?*+{", *reader->at);

	if (group)
		g_string_append(reader->out, "(?:");
	append_literal(reader->out, folded->str, folded->len, reader->quoted);
	if (group)
		g_string_append_c(reader->out, ')');
}

/* Copies size bytes, as far as there are any. */
static void copy(Reader *reader, GString *out, gsize size)
{
	size = strnlen(reader->at, size);
	g_string_append_len(out, reader->at, (gssize)size);
	reader->at += size;
}

/* A backslash before a character beyond ASCII says nothing, and must not stand before what that becomes. */
static void read_escape(Reader *reader, GString *out)
{
	if ((guchar)reader->at[1] >= 0x80) {
		reader->at++;
		return;
	}
	reader->quoted |= reader->at[1] == 'Q' && out == reader->out;
	copy(reader, out, 2);
}

/* Skips an escape of a class with what it has in braces, or a posix class. Returns NULL where none stands here. */
static const char *skip_set(const char *at)
{
	if (at[0] == '[' && at[1] == ':') {
		const char *end = strstr(at + 2, ":]");
		return end ? end + 2 : NULL;
	}
	if (at[0] != '\\' || !at[1])
		return NULL;
	const char *close = at[2] == '{' ? strchr(at, '}') : NULL;
	return close ? close + 1 : at + 2;
}

/* Returns true where the class surely takes c (a letter in any case) already. */
static bool has_member(const Class *class, gunichar c)
{
	const gunichar lower = g_unichar_tolower(c), upper = g_unichar_toupper(c);

	for (const char *at = class->members->str + 1; *at;) {
		const char *behind = skip_set(at);
		if (behind) {
			if (g_str_has_prefix(at, "\\w") && g_unichar_isalnum(c))
				return true;
			at = behind;
			continue;
		}
		gunichar low = g_utf8_get_char(at), high = low;
		at = g_utf8_next_char(at);
		if (at[0] == '-' && at[1] && !skip_set(at + 1)) {
			high = g_utf8_get_char(at + 1);
			at = g_utf8_next_char(at + 1);
		}
		if ((low <= lower && lower <= high) || (low <= upper && upper <= high))
			return true;
	}
	return false;
}

static void add_member(Class *class, const GString *folded)
{
	if (folded->len == 0)
		return;
	if (*g_utf8_next_char(folded->str) != '\0') {
		append_literal(class->branches, folded->str, folded->len, false);
		g_string_append_c(class->branches, '|');
	} else if (!has_member(class, g_utf8_get_char(folded->str))) {
		append_literal(class->members, folded->str, folded->len, false);
	}
}

/* Adds the characters from low to high; those below U+0080 as a range of their own. */
static void add_range(Class *class, gunichar low, gunichar high)
{
	if (low < 0x80) {
		g_string_append_printf(class->members, "\\x{%x}-\\x{7f}", low);
		low = 0x80;
	}
	for (gunichar c = low; c <= high; c++) {
		g_autoptr(GString) folded = g_string_new(NULL);
		char bytes[7] = { 0 };
		g_unichar_to_utf8(c, bytes);
		read_character(bytes, folded);
		/* Nobody who writes a range of letters with accents thinks of the "ae" that is in it. */
		if (g_unichar_validate(c) && folded->len > 0 && *g_utf8_next_char(folded->str) == '\0')
			add_member(class, folded);
	}
}

static bool stays(gunichar c)
{
	Folded unused;
	return c < 0x80 || !normal_char(c, &unused);
}

/* A range is written out where folding changes one of its ends. Returns false where what stands here is none, or stays. */
static bool read_range(Reader *reader, Class *class)
{
	const char *dash = g_utf8_next_char(reader->at);
	if (*reader->at == '\\' || *dash != '-' || !dash[1] || dash[1] == ']' || dash[1] == '\\' || dash[1] == '[')
		return false;
	gunichar low = g_utf8_get_char(reader->at), high = g_utf8_get_char(dash + 1);
	if ((stays(low) && stays(high)) || low > high || high - low > RANGE_MAX)
		return false;
	add_range(class, low, high);
	reader->at = g_utf8_next_char(dash + 1);
	return true;
}

static void read_member(Reader *reader, Class *class)
{
	if (reader->at[0] == '[' && reader->at[1] && strchr(":.=", reader->at[1])) {
		const char *end = strstr(reader->at + 2, ":]");
		copy(reader, class->members, end ? (gsize)(end + 2 - reader->at) : 1);
	} else if (*reader->at == '\\') {
		read_escape(reader, class->members);
	} else if (read_range(reader, class)) {
		return;
	} else if ((guchar)*reader->at < 0x80) {
		copy(reader, class->members, 1);
	} else {
		g_autoptr(GString) folded = g_string_new(NULL);
		reader->at = read_character(reader->at, folded);
		add_member(class, folded);
	}
}

static void drop_spelt(Class *class)
{
	g_auto(GStrv) branches = g_strsplit(class->branches->str, "|", -1);
	g_string_truncate(class->branches, 0);
	for (char **branch = branches; *branch && **branch; branch++) {
		bool spelt = true;
		for (const char *c = *branch; *c; c = g_utf8_next_char(c))
			spelt &= has_member(class, g_utf8_get_char(c));
		if (!spelt)
			g_string_append_printf(class->branches, "%s|", *branch);
	}
}

static void read_class(Reader *reader)
{
	Class class = { g_string_new("["), g_string_new(NULL) };

	reader->at++;
	bool negated = *reader->at == '^';
	if (negated)
		copy(reader, class.members, 1);
	gsize empty = class.members->len;
	/* The first may be a "]". */
	if (*reader->at == ']')
		copy(reader, class.members, 1);
	while (*reader->at && *reader->at != ']')
		read_member(reader, &class);
	bool bare = class.members->len == empty;
	if (*reader->at)
		copy(reader, class.members, 1);
	/* Where the class repeats, what consists of its members is in it already; once more, it would make two ways of the same text. */
	if (*reader->at && strchr("*+{", *reader->at))
		drop_spelt(&class);

	if (negated && bare)
		g_string_append(reader->out, "(?s:.)");
	else if (negated || class.branches->len == 0)
		g_string_append(reader->out, bare ? "(?!)" : class.members->str);
	else if (bare)
		g_string_append_printf(reader->out, "(?:%.*s)", (int)class.branches->len - 1, class.branches->str);
	else
		g_string_append_printf(reader->out, "(?:%s%s)", class.branches->str, class.members->str);
	g_string_free(class.members, TRUE);
	g_string_free(class.branches, TRUE);
}

char *normal_pattern(const char *pattern)
{
	gsize size = strlen(pattern);
	if (normal_is_ascii(pattern, size))
		return g_strdup(pattern);
	Reader reader = { pattern, g_string_sized_new(size + 16), false };
	while (*reader.at) {
		const char *comment_end = g_str_has_prefix(reader.at, "(?#") ? strchr(reader.at, ')') : NULL;
		reader.quoted = reader.quoted && !g_str_has_prefix(reader.at, "\\E");
		if ((guchar)*reader.at >= 0x80)
			read_literal(&reader);
		else if (reader.quoted)
			copy(&reader, reader.out, 1);
		else if (comment_end)
			copy(&reader, reader.out, (gsize)(comment_end - reader.at));
		else if (*reader.at == '\\')
			read_escape(&reader, reader.out);
		else if (*reader.at == '[')
			read_class(&reader);
		else
			copy(&reader, reader.out, 1);
	}
	return g_string_free(reader.out, FALSE);
}
