/* rules-needs: words without which a pattern cannot match, and how far apart they may stand. Layer: inspect.
 *
 * Reads a pattern into what is known of the texts it matches: all of them where these are few (`exact`), else a tree of what must stand
 * where (`need`). A sequence needs all of its parts, each at most as far from its start as what lies between can be long; an alternation
 * needs one of its branches; a look-ahead or look-behind that must hold is a part that takes no room. What may be left out, and what must
 * not match, needs nothing. What is not understood makes a part, or the whole pattern, unknown: that costs speed and never a match.
 * Grammar: rules-starts.c. */
#include "inspect/rules-private.h"

#include <string.h>

#define NESTING_MAX 60
#define EXACT_MAX 200  /* texts that are kept apart */
#define LENGTH_MAX 24  /* bytes of one */
#define WORDS_MAX 3000 /* of one set */
#define MEMBERS_MAX 16 /* of a class, as texts */
#define REACH_MAX 65536
#define CHANCE_OFTEN 1.0
#define CHANCE_LITTLE 0.4
#define RUN_FROM 8     /* more repeats of one character than this are taken for a run of its kind */

typedef struct {
	const char *at;
	guint nesting;
	bool failed;
} Parser;

typedef struct {
	GPtrArray *exact; /* char *, or NULL */
	Need *need;       /* or NULL: nothing is known but exact */
	GPtrArray *leads; /* char *: each begins with one of these; NULL: not known, or those of exact */
	Reach most;       /* the longest text */
	bool edge;        /* no letter, digit or "_" (of ASCII) stands before what follows */
	bool is_set;      /* it is one character, of set */
	SyntaxSet set;
	Reach after;      /* of a look-behind: so far before the place its need may stand */
	bool is_assertion;
} Known;

void need_free(Need *need)
{
	if (!need)
		return;
	for (guint i = 0; i < need->parts->len; i++)
		need_free(g_array_index(need->parts, NeedPart, i).need);
	g_array_unref(need->parts);
	g_ptr_array_unref(need->words);
	g_free(need);
}

static Need *need_new(NeedKind kind)
{
	Need *need = g_new0(Need, 1);
	need->kind = kind;
	need->words = g_ptr_array_new_with_free_func(g_free);
	need->parts = g_array_new(FALSE, FALSE, sizeof(NeedPart));
	return need;
}

static void known_clear(Known *known)
{
	g_clear_pointer(&known->exact, g_ptr_array_unref);
	g_clear_pointer(&known->need, need_free);
	g_clear_pointer(&known->leads, g_ptr_array_unref);
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
static void set_add_all(GPtrArray *set, const GPtrArray *more)
{
	for (guint i = 0; i < more->len; i++)
		g_ptr_array_add(set, g_strdup(g_ptr_array_index(more, i)));
}

static const char *bare(const char *word)
{
	return word + (*word == NEED_EDGE);
}

/* Every text of left followed by every one of right; NULL where that is too much to keep. */
static GPtrArray *set_product(const GPtrArray *left, const GPtrArray *right)
{
	if (left->len * right->len > EXACT_MAX)
		return NULL;
	g_autoptr(GPtrArray) out = set_new();
	for (guint i = 0; i < left->len; i++) {
		const char *first = g_ptr_array_index(left, i);
		for (guint j = 0; j < right->len; j++) {
			const char *second = g_ptr_array_index(right, j);
			char *both = g_strconcat(first, *first ? bare(second) : second, NULL);
			g_ptr_array_add(out, both);
			if (strlen(both) > LENGTH_MAX)
				return NULL;
		}
	}
	return g_steal_pointer(&out);
}

static int compare_words(gconstpointer a, gconstpointer b)
{
	const char *left = *(const char *const *)a, *right = *(const char *const *)b;
	int order = strcmp(bare(left), bare(right));
	return order != 0 ? order : strcmp(right, left); /* one that may stand anywhere before its like */
}

/* Two letters are worth looking for only at the start of a word, and where they are no word that every text is full of. */
bool need_is_word(const char *word)
{
	gsize length = strlen(bare(word));
	return length >= 3 || (length == 2 && *word == NEED_EDGE && !language_has_word(bare(word)));
}

static Need *need_digit(void)
{
	Need *need = need_new(NEED_DIGIT);
	need->chance = CHANCE_OFTEN;
	return need;
}

/* A guess how often one of these words stands in a text. */
static double chance_of(const GPtrArray *words)
{
	double chance = 0;
	for (guint i = 0; i < words->len; i++) {
		const char *word = g_ptr_array_index(words, i);
		const bool edge = *word == NEED_EDGE;
		gsize length = strlen(bare(word));
		double one = edge ? 0.5 : 1;
		for (gsize n = 2; n < MIN(length, 12); n++)
			one /= 3;
		chance += language_has_word(bare(word)) ? CHANCE_OFTEN : one;
	}
	return chance;
}

/* Returns the need of one of these texts, or NULL where they are of no use. A word that begins with another of them is left out. Of those
 * that are too short for words it is worth knowing that they begin with a digit. */
static Need *need_of_words(const GPtrArray *texts)
{
	if (!texts || texts->len == 0 || texts->len > WORDS_MAX)
		return NULL;
	bool good = true, digit = true;
	for (guint i = 0; i < texts->len; i++) {
		const char *text = g_ptr_array_index(texts, i);
		good = good && need_is_word(text);
		digit = digit && g_ascii_isdigit(*bare(text));
	}
	if (!good)
		return digit ? need_digit() : NULL;
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();
	for (guint i = 0; i < texts->len; i++)
		g_ptr_array_add(sorted, g_ptr_array_index(texts, i));
	g_ptr_array_sort(sorted, compare_words);
	Need *need = need_new(NEED_WORDS);
	const char *last = NULL;
	for (guint i = 0; i < sorted->len; i++) {
		const char *word = g_ptr_array_index(sorted, i);
		if (last && g_str_has_prefix(bare(word), bare(last)) && (*last != NEED_EDGE || *word == NEED_EDGE))
			continue;
		g_ptr_array_add(need->words, g_strdup(word));
		last = word;
	}
	need->chance = chance_of(need->words);
	return need;
}

static Reach reach_of(guint64 characters, guint64 whites, guint64 solids, bool endless)
{
	endless |= MAX(MAX(characters, whites), solids) > REACH_MAX;
	return endless ? (Reach) { .endless = true } : (Reach) { (guint)characters, (guint)whites, (guint)solids, false };
}

static Reach reach_add(Reach a, Reach b)
{
	return reach_of((guint64)a.characters + b.characters, (guint64)a.whites + b.whites, (guint64)a.solids + b.solids,
	                a.endless || b.endless);
}

static Reach reach_times(Reach reach, guint64 times)
{
	return reach_of(reach.characters * times, reach.whites * times, reach.solids * times, reach.endless);
}

/* At least as long as either. */
static Reach reach_either(Reach a, Reach b)
{
	return reach_of(MAX(a.characters, b.characters), MAX(a.whites, b.whites), MAX(a.solids, b.solids), a.endless || b.endless);
}

static Known known_empty(bool edge)
{
	return (Known) { .exact = set_of(""), .edge = edge };
}

static Known known_set(const SyntaxSet *set)
{
	Need *need = syntax_is_digit(set) ? need_digit() : NULL;
	return (Known) { .need = need, .is_set = true, .set = *set, .most = { .characters = 1 }, .edge = !syntax_has_word(set) };
}

static Known parse_alternation(Parser *parser, bool edge);

/* What a look-ahead or look-behind asks for stands where it stands and takes no room. */
static void make_assertion(Known *known, bool negative, bool behind, bool edge)
{
	if (!known->need && !negative)
		known->need = need_of_words(known->exact);
	if (negative)
		g_clear_pointer(&known->need, need_free);
	g_clear_pointer(&known->leads, g_ptr_array_unref);
	g_clear_pointer(&known->exact, g_ptr_array_unref);
	known->exact = set_of("");
	known->edge = edge || (behind && !negative && known->edge);
	known->after = behind ? known->most : (Reach) { 0 };
	known->most = (Reach) { 0 };
	known->is_set = false;
	known->is_assertion = true;
}

static Known parse_group(Parser *parser, bool edge)
{
	const char *kind = parser->at;
	const bool behind = g_str_has_prefix(kind, "?<=") || g_str_has_prefix(kind, "?<!");
	const bool negative = g_str_has_prefix(kind, "?!") || g_str_has_prefix(kind, "?<!");
	bool zero_width = false;
	if (!syntax_skip_group_kind(&parser->at, &zero_width) || ++parser->nesting > NESTING_MAX) {
		parser->failed = true;
		return known_empty(false);
	}
	Known known = parse_alternation(parser, edge && !behind);
	parser->nesting--;
	if (*parser->at == ')')
		parser->at++;
	else
		parser->failed = true;
	if (zero_width)
		make_assertion(&known, negative, behind, edge);
	return known;
}

/* Kana, Han, Hangul and their punctuation. */
static bool has_no_case(gunichar c)
{
	return (c > 0x3000 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3);
}

/* Returns the text of one character that is itself in any case, after at; NULL for those that fold to others. */
static char *text_of_character(const char *at, bool edge)
{
	guchar c = (guchar)*at;
	if (c < 0x80) {
		const char text[] = { NEED_EDGE, g_ascii_tolower((char)c), '\0' };
		return g_strdup(edge && (g_ascii_isalnum(c) || c == '_') ? text : text + 1);
	}
	return has_no_case(g_utf8_get_char(at)) ? g_strndup(at, (gsize)g_utf8_skip[c]) : NULL;
}

static Known parse_class(Parser *parser, bool edge)
{
	SyntaxSet set;
	g_autoptr(GPtrArray) members = set_new();
	if (!syntax_class(&parser->at, &set, members)) {
		parser->failed = true;
		return known_empty(false);
	}
	Known known = known_set(&set);
	known.exact = members->len > 0 && members->len <= MEMBERS_MAX ? set_new() : NULL;
	for (guint i = 0; i < members->len && known.exact; i++) {
		char *text = text_of_character(g_ptr_array_index(members, i), edge);
		if (text)
			g_ptr_array_add(known.exact, text);
		else
			g_clear_pointer(&known.exact, g_ptr_array_unref);
	}
	return known;
}

static Known parse_escape(Parser *parser, bool edge)
{
	guchar c = (guchar)*++parser->at;
	SyntaxSet set;
	if (c && strchr("bBAzZ", c)) {
		parser->at++;
		return known_empty(edge || c == 'b' || c == 'A');
	}
	const char *start = parser->at;
	if (!syntax_escape_set(&parser->at, &set)) {
		parser->failed = true;
		return known_empty(false);
	}
	Known known = known_set(&set);
	if (!g_ascii_isalnum(c))
		known.exact = set_new();
	if (known.exact)
		g_ptr_array_add(known.exact, text_of_character(start, edge));
	return known;
}

static Known parse_literal(Parser *parser, bool edge)
{
	const char *start = parser->at;
	guchar c = (guchar)*start;
	parser->at = g_utf8_next_char(start);
	/* A brace that is no quantifier here is one to other versions of PCRE2. */
	parser->failed |= c == '{';
	char *text = text_of_character(start, edge);
	Known known = { .most = { .characters = 1 }, .edge = c < 0x80 && !g_ascii_isalnum(c) && c != '_' };
	if (text) {
		known.exact = set_new();
		g_ptr_array_add(known.exact, text);
	}
	return known;
}

static Known parse_atom(Parser *parser, bool edge)
{
	static const SyntaxSet any = { { G_MAXUINT64, G_MAXUINT64 }, { 0, 0 }, true, false, true };
	guchar c = (guchar)*parser->at;
	switch (c) {
	case '(':
		parser->at++;
		return parse_group(parser, edge);
	case '[':
		parser->at++;
		return parse_class(parser, edge);
	case '\\':
		return parse_escape(parser, edge);
	case '.':
		parser->at++;
		return known_set(&any);
	case '^': case '$':
		parser->at++;
		return known_empty(edge || c == '^');
	default:
		return parse_literal(parser, edge);
	}
}

/* The longest text of a part that is repeated. */
static Reach repeated(const Known *known, guint64 most)
{
	const bool white = known->is_set && syntax_is_white(&known->set), solid = known->is_set && !syntax_has_white(&known->set);
	if (most > RUN_FROM && white)
		return (Reach) { .whites = 1 };
	if (most > RUN_FROM && solid)
		return (Reach) { .solids = 1 };
	if (most <= REACH_MAX)
		return reach_times(known->most, most);
	return (Reach) { .endless = known->most.characters > 0 || known->most.whites > 0 || known->most.solids > 0 || known->most.endless };
}

/* edge: before the part. */
static void repeat(Known *known, guint64 least, guint64 most, bool edge)
{
	if (least == 1 && most == 1)
		return;
	known->most = repeated(known, most);
	known->is_set = false;
	if (!known->leads && known->exact)
		known->leads = g_ptr_array_ref(known->exact);
	if (least == 0) {
		known->edge = known->edge && edge;
		g_clear_pointer(&known->need, need_free);
	} else if (!known->need) {
		known->need = need_of_words(known->exact);
	}
	if (known->is_assertion)
		return;
	if (least == 0 && most == 1 && known->exact)
		g_ptr_array_add(known->exact, g_strdup(""));
	else
		g_clear_pointer(&known->exact, g_ptr_array_unref);
}

/* Takes need, which may be NULL. */
static void add_part(Need *all, Need *need, Reach before, Reach after)
{
	NeedPart part = { need, before, after };
	if (need)
		g_array_append_val(all->parts, part);
}

static int by_chance(gconstpointer a, gconstpointer b)
{
	double left = ((const NeedPart *)a)->need->chance, right = ((const NeedPart *)b)->need->chance;
	return left < right ? -1 : left > right;
}

/* Puts the least likely parts of a need of all its parts first, and leaves out words that every text is full of where another part
 * says more. Takes it; returns NULL where nothing is left. */
static Need *need_tidied(Need *all)
{
	g_array_sort(all->parts, by_chance);
	while (all->parts->len > 1 && g_array_index(all->parts, NeedPart, 0).need->chance < CHANCE_LITTLE) {
		const NeedPart *last = &g_array_index(all->parts, NeedPart, all->parts->len - 1);
		if (last->need->kind != NEED_WORDS || last->need->chance < CHANCE_OFTEN)
			break;
		need_free(last->need);
		g_array_set_size(all->parts, all->parts->len - 1);
	}
	if (all->parts->len > 0) {
		all->chance = g_array_index(all->parts, NeedPart, 0).need->chance;
		return all;
	}
	need_free(all);
	return NULL;
}

/* What a sequence can begin with, as far as it is read. */
typedef struct {
	GPtrArray *words; /* NULL: not known */
	bool done;        /* nothing that follows can begin it */
} Leads;

/* What comes next in a sequence begins with one of words (NULL: not known), or not at all. */
static void leads_follow(Leads *leads, const GPtrArray *words, bool optional)
{
	if (leads->done)
		return;
	for (guint i = 0; words && i < words->len; i++) {
		const char *word = g_ptr_array_index(words, i);
		optional |= *word == '\0';
		if (*word)
			g_ptr_array_add(leads->words, g_strdup(word));
	}
	if (!words || leads->words->len > WORDS_MAX)
		g_clear_pointer(&leads->words, g_ptr_array_unref);
	leads->done = !leads->words || !optional;
}

/* Ends a sequence: what can be empty begins with nothing. Returns the words, or NULL. */
static GPtrArray *leads_end(Leads *leads)
{
	if (!leads->done)
		g_ptr_array_add(leads->words, g_strdup(""));
	return leads->words;
}

/* Joins the words of a branch to those of the branches before; both may be NULL: not known. */
static void leads_join(GPtrArray **leads, const GPtrArray *branch)
{
	if (*leads && branch && (*leads)->len + branch->len <= WORDS_MAX)
		set_add_all(*leads, branch);
	else
		g_clear_pointer(leads, g_ptr_array_unref);
}

static Known parse_sequence(Parser *parser, bool edge)
{
	Known all = { .exact = NULL, .edge = edge };
	Need *need = need_new(NEED_ALL);
	Leads leads = { set_new(), false };
	bool exact = true; /* so far */
	Reach tail_at = { 0 };
	g_autoptr(GPtrArray) tail = set_of(""); /* the texts of the last parts that are known exactly */
	while (*parser->at && *parser->at != '|' && *parser->at != ')' && !parser->failed) {
		Known part = parse_atom(parser, all.edge);
		guint64 least, most;
		if (syntax_quantifier(&parser->at, &least, &most))
			repeat(&part, least, most, all.edge);
		else
			least = 1;
		g_autoptr(GPtrArray) longer = part.exact ? set_product(tail, part.exact) : NULL;
		if (part.is_assertion)
			add_part(need, g_steal_pointer(&part.need), all.most, part.after);
		if (!longer) {
			exact = false;
			leads_follow(&leads, tail, false);
			if (!part.exact)
				leads_follow(&leads, part.leads, least == 0);
			add_part(need, need_of_words(tail), tail_at, (Reach) { 0 });
			add_part(need, part.exact ? NULL : g_steal_pointer(&part.need), all.most, (Reach) { 0 });
			tail_at = reach_add(all.most, part.exact ? (Reach) { 0 } : part.most);
			longer = part.exact ? g_ptr_array_ref(part.exact) : set_of("");
		}
		all.most = reach_add(all.most, part.most);
		all.edge = part.edge;
		g_ptr_array_unref(tail);
		tail = g_steal_pointer(&longer);
		known_clear(&part);
	}
	leads_follow(&leads, tail, false);
	if (exact)
		all.exact = g_ptr_array_ref(tail);
	else
		add_part(need, need_of_words(tail), tail_at, (Reach) { 0 });
	all.need = need_tidied(need);
	all.leads = leads_end(&leads);
	return all;
}

static bool all_good(const GPtrArray *texts)
{
	for (guint i = 0; i < texts->len; i++)
		if (!need_is_word(g_ptr_array_index(texts, i)))
			return false;
	return true;
}

/* Moves what branch needs into one: its texts to words, or its tree to parts. Returns false where it needs nothing. */
static bool add_branch(Need *one, GPtrArray *words, Known *branch)
{
	if (!branch->need && branch->exact && all_good(branch->exact)) {
		set_add_all(words, branch->exact);
		return true;
	}
	Need *need = branch->need ? g_steal_pointer(&branch->need) : need_of_words(branch->exact);
	add_part(one, need, (Reach) { 0 }, (Reach) { 0 });
	return need != NULL;
}

static Known parse_alternation(Parser *parser, bool edge)
{
	Known all = parse_sequence(parser, edge);
	if (*parser->at != '|' || parser->failed)
		return all;
	Need *one = need_new(NEED_ONE);
	g_autoptr(GPtrArray) words = set_new();
	GPtrArray *exact = all.exact ? g_ptr_array_ref(all.exact) : NULL, *leads = g_steal_pointer(&all.leads);
	bool known = add_branch(one, words, &all);
	while (*parser->at == '|' && !parser->failed) {
		parser->at++;
		Known branch = parse_sequence(parser, edge);
		if (exact && branch.exact && exact->len + branch.exact->len <= EXACT_MAX)
			set_add_all(exact, branch.exact);
		else
			g_clear_pointer(&exact, g_ptr_array_unref);
		known = add_branch(one, words, &branch) && known;
		leads_join(&leads, branch.leads);
		all.most = reach_either(all.most, branch.most);
		all.edge &= branch.edge;
		known_clear(&branch);
	}
	Need *any = need_of_words(words);
	known &= words->len == 0 || any;
	add_part(one, any, (Reach) { 0 }, (Reach) { 0 });
	known_clear(&all);
	all.exact = exact;
	all.leads = leads;
	for (guint i = 0; i < one->parts->len; i++)
		one->chance += g_array_index(one->parts, NeedPart, i).need->chance;
	if (known && !exact)
		all.need = g_steal_pointer(&one);
	need_free(one);
	return all;
}

Need *need_of(const char *pattern, GPtrArray **leads)
{
	Parser parser = { .at = pattern };
	Known known = parse_alternation(&parser, false);
	Need *need = NULL;
	*leads = NULL;
	if (!parser.failed && *parser.at == '\0') {
		*leads = known.leads ? g_ptr_array_ref(known.leads) : NULL;
		need = known.need ? g_steal_pointer(&known.need) : need_of_words(known.exact);
	}
	known_clear(&known);
	return need;
}
