/* rules-backtrack: finds patterns whose search gets out of hand on some texts. Layer: inspect. For -t and `declare`, not for mail.
 *
 * A pattern backtracks badly where a stretch of text can be shared out in many ways among two or more repeats. So the pattern is
 * read into a tree, texts are built from it that get to a repeat and then go on with what it repeats, made of characters that
 * several repeats take, and the pattern is run on them. It is named only where a few rounds of the repeat take it, from one place,
 * to the limit that ends a search in mail too, and where its steps grow with more than the square of the rounds. Syntax that is
 * not understood counts as empty text: a bad pattern may be missed, a good one is never named. Grammar: rules-starts.c. */
#include "inspect/rules-private.h"

#include "base/log.h"

#include <string.h>

#define NESTING_MAX 60
#define LARGE 16          /* rounds from which a repeat counts */
#define SIGNATURES 64     /* sets of characters that are told apart */
#define THEMES_MAX 6
#define SAMPLES 3         /* texts for each repeat and theme */
#define ROUNDS 80
#define STEPS_BAD 20000   /* at these many rounds */
#define STEPS_LEAST 500   /* where the steps of half the rounds are looked for */
#define STEPS_MOST 200000
#define SAMPLE_BYTES 2000
#define STARTS_MAX 40     /* places of a text that are tried */
#define SHOWN_BYTES 48

typedef enum { NODE_CHARACTERS, NODE_SEQUENCE, NODE_BRANCHES, NODE_REPEAT, NODE_LOOK } NodeKind;

typedef struct {
	NodeKind kind;
	const char *set;     /* NODE_CHARACTERS: those of probes that it takes, or one literal; interned */
	GPtrArray *children; /* Node *; one for NODE_REPEAT and NODE_LOOK (an assertion of what follows) */
	guint64 least, most;
} Node;

typedef struct {
	const char *at;
	guint nesting;
} Parser;

typedef struct {
	const Regex *regex;
	void *work;
	GRand *random;
	gunichar theme;
	gsize starts;   /* places of a text to try */
	GHashTable *tried; /* texts */
	GString *hurts; /* the text that does, or empty */
} Attack;

/* What a set is asked for. */
static const char probes[] = "a1 -._/:,=\"'@\n#$%&+;<>()[]{}*?!|~`^\\"
                             "bcdefghijklmnopqrstuvwxyz023456789AZ\xc3\xa9\xe3\x81\x82\xe6\x97\xa5";

static void node_free(gpointer data)
{
	Node *node = data;
	if (node->children)
		g_ptr_array_unref(node->children);
	g_free(node);
}

static Node *node_new(NodeKind kind)
{
	Node *node = g_new0(Node, 1);
	node->kind = kind;
	if (kind != NODE_CHARACTERS)
		node->children = g_ptr_array_new_with_free_func(node_free);
	return node;
}

/* A node of what the size bytes at text, a class, an escape or a dot, take. */
static Node *node_of_set(const char *text, gsize size)
{
	g_autofree char *pattern = g_strndup(text, size);
	g_autoptr(GString) set = g_string_new(NULL);
	g_autoptr(Regex) regex = regex_new(pattern, NULL);
	for (const char *probe = probes; regex && *probe; probe = g_utf8_next_char(probe)) {
		gsize length = (gsize)(g_utf8_next_char(probe) - probe);
		if (regex_takes(regex, probe, length))
			g_string_append_len(set, probe, (gssize)length);
	}
	Node *node = node_new(set->len > 0 ? NODE_CHARACTERS : NODE_SEQUENCE);
	if (set->len > 0)
		node->set = g_intern_string(set->str);
	return node;
}

static Node *node_of_literal(const char *text, gsize size)
{
	g_autofree char *literal = size == 1 ? g_ascii_strdown(text, 1) : g_strndup(text, size);
	Node *node = node_new(NODE_CHARACTERS);
	node->set = g_intern_string(literal);
	return node;
}

static Node *parse_branches(Parser *parser);

static void skip_group(Parser *parser)
{
	for (guint depth = 1; *parser->at && depth > 0; parser->at++) {
		if (parser->at[0] == '\\' && parser->at[1])
			parser->at++;
		else if (*parser->at == '(')
			depth++;
		else if (*parser->at == ')')
			depth--;
	}
}

static Node *parse_group(Parser *parser)
{
	bool zero_width = false;
	bool behind = g_str_has_prefix(parser->at, "?<="), never = *parser->at == '?' && strchr("<!", parser->at[1]) && !behind;
	if (!syntax_skip_group_kind(&parser->at, &zero_width) || parser->nesting >= NESTING_MAX) {
		skip_group(parser);
		return node_new(NODE_SEQUENCE);
	}
	parser->nesting++;
	Node *inside = parse_branches(parser);
	parser->nesting--;
	parser->at += *parser->at == ')';
	if (!zero_width || behind)
		return inside;
	if (never) {
		node_free(inside);
		return node_new(NODE_SEQUENCE);
	}
	Node *look = node_new(NODE_LOOK);
	g_ptr_array_add(look->children, inside);
	return look;
}

static Node *parse_class(Parser *parser)
{
	const char *start = parser->at++;
	parser->at += *parser->at == '^';
	for (bool first = true; *parser->at && (first || *parser->at != ']'); first = false) {
		const char *end = parser->at[0] == '[' && parser->at[1] == ':' ? strstr(parser->at, ":]") : NULL;
		parser->at = end ? end + 2 : parser->at + (parser->at[0] == '\\' && parser->at[1] ? 2 : 1);
	}
	parser->at += *parser->at == ']';
	return node_of_set(start, (gsize)(parser->at - start));
}

static Node *parse_escape(Parser *parser)
{
	const char *start = parser->at;
	guchar c = (guchar)start[1];
	parser->at += c ? 2 : 1;
	if (c && *parser->at == '{' && strchr("pPxoNgk", c) && strchr(parser->at, '}'))
		parser->at = strchr(parser->at, '}') + 1;
	if (c && !g_ascii_isalnum(c))
		return node_of_literal(start + 1, 1);
	if (c && strchr("sSdDwWhHvVNpPntrfx", c))
		return node_of_set(start, (gsize)(parser->at - start));
	return node_new(NODE_SEQUENCE);
}

static Node *parse_atom(Parser *parser)
{
	const char *start = parser->at;
	switch (*start) {
	case '(':
		parser->at++;
		return parse_group(parser);
	case '[':
		return parse_class(parser);
	case '\\':
		return parse_escape(parser);
	case '.':
		parser->at++;
		return node_of_set(".", 1);
	case '^': case '$':
		parser->at++;
		return node_new(NODE_SEQUENCE);
	default:
		parser->at = g_utf8_next_char(start);
		return node_of_literal(start, (gsize)(parser->at - start));
	}
}

static Node *parse_sequence(Parser *parser)
{
	Node *all = node_new(NODE_SEQUENCE);
	while (*parser->at && *parser->at != '|' && *parser->at != ')') {
		Node *atom = parse_atom(parser);
		guint64 least = 0, most = 0;
		if (syntax_quantifier(&parser->at, &least, &most)) {
			Node *repeat = node_new(NODE_REPEAT);
			repeat->least = least;
			repeat->most = most;
			g_ptr_array_add(repeat->children, atom);
			atom = repeat;
		}
		g_ptr_array_add(all->children, atom);
	}
	return all;
}

static Node *parse_branches(Parser *parser)
{
	Node *all = node_new(NODE_BRANCHES);
	g_ptr_array_add(all->children, parse_sequence(parser));
	while (*parser->at == '|') {
		parser->at++;
		g_ptr_array_add(all->children, parse_sequence(parser));
	}
	return all;
}

static bool is_large(const Node *node)
{
	return node->kind == NODE_REPEAT && node->most >= LARGE;
}

/* Counts for each probe in how many repeats a set takes it, and tells apart (signatures) those that other sets take. */
static void count_takers(const Node *node, guint inside, guint *takers, guint64 *signatures, guint *sets)
{
	if (node->kind != NODE_CHARACTERS) {
		bool optional = node->kind == NODE_REPEAT && inside > 0 && node->least != node->most;
		for (guint i = 0; i < node->children->len; i++)
			count_takers(g_ptr_array_index(node->children, i), inside + (is_large(node) || optional), takers, signatures, sets);
		return;
	}
	if (inside == 0)
		return;
	guint place = 0;
	for (const char *probe = probes; *probe; probe = g_utf8_next_char(probe), place++) {
		if (!g_utf8_strchr(node->set, -1, g_utf8_get_char(probe)))
			continue;
		takers[place] += inside;
		signatures[place] |= G_GUINT64_CONSTANT(1) << (*sets % SIGNATURES);
	}
	(*sets)++;
}

/* Fills themes with one character for each group of repeats that can share a text out among them. Returns how many. */
static guint find_themes(const Node *tree, gunichar *themes)
{
	guint takers[sizeof probes] = { 0 }, sets = 0, count = 0, place = 0;
	guint64 signatures[sizeof probes] = { 0 };
	count_takers(tree, 0, takers, signatures, &sets);
	for (const char *probe = probes; *probe && count < THEMES_MAX; probe = g_utf8_next_char(probe), place++) {
		bool known = takers[place] < 2;
		for (guint i = 0; i < place && !known; i++)
			known = signatures[i] == signatures[place];
		if (!known)
			themes[count++] = g_utf8_get_char(probe);
	}
	return count;
}

/* Appends a text that node matches to out, of the theme's character where it can be, put together at random. */
static void sample(const Node *node, Attack *attack, GString *out)
{
	if (out->len > SAMPLE_BYTES)
		return;
	switch (node->kind) {
	case NODE_CHARACTERS:
		g_string_append_unichar(out, g_utf8_strchr(node->set, -1, attack->theme) ? attack->theme : g_utf8_get_char(node->set));
		break;
	case NODE_LOOK:
		break;
	case NODE_SEQUENCE:
		for (guint i = 0; i < node->children->len; i++)
			sample(g_ptr_array_index(node->children, i), attack, out);
		break;
	case NODE_BRANCHES:
		sample(g_ptr_array_index(node->children, g_rand_int_range(attack->random, 0, (gint32)node->children->len)), attack, out);
		break;
	case NODE_REPEAT: {
		guint64 rounds = MIN(node->most, node->least + (guint64)g_rand_int_range(attack->random, 0, 3));
		for (guint64 i = 0; i < rounds && out->len <= SAMPLE_BYTES; i++)
			sample(g_ptr_array_index(node->children, 0), attack, out);
		break;
	}
	}
}

/* prefix, so many rounds of pump, and what hardly any pattern wants. */
static GString *text_of(const GString *prefix, const GString *pump, guint rounds)
{
	GString *text = g_string_new(prefix->str);
	for (guint i = 0; i < rounds; i++)
		g_string_append_len(text, pump->str, (gssize)pump->len);
	return g_string_append(text, "\x01\n\x01");
}

/* Returns true where twice the rounds take more than four times the steps and a bit: a large pattern takes many steps for anything. */
static bool grows_badly(const Attack *attack, const GString *shorter, const GString *text, gsize at)
{
	guint32 steps = STEPS_LEAST;
	while (steps < STEPS_MOST && regex_is_limited(attack->regex, attack->work, shorter->str, shorter->len, at, steps))
		steps += steps / 4;
	return steps >= STEPS_MOST || regex_is_limited(attack->regex, attack->work, text->str, text->len, at, steps * 5);
}

/* Goes on from prefix with what node repeats. */
static void strike(const Node *node, Attack *attack, const GString *prefix)
{
	g_autoptr(GString) pump = g_string_new(NULL);
	sample(g_ptr_array_index(node->children, 0), attack, pump);
	if (!g_utf8_strchr(pump->str, (gssize)pump->len, attack->theme))
		return;
	g_autoptr(GString) text = text_of(prefix, pump, ROUNDS), shorter = text_of(prefix, pump, ROUNDS / 2);
	if (!g_hash_table_add(attack->tried, g_strdup(text->str)))
		return;
	/* What stands in a look-behind is in the prefix too: the match starts behind it. */
	for (gsize at = 0; at < MIN(prefix->len + 1, attack->starts) && attack->hurts->len == 0; at++)
		if (((guchar)text->str[at] & 0xc0) != 0x80 && regex_is_limited(attack->regex, attack->work, text->str, text->len, at, STEPS_BAD) &&
		    grows_badly(attack, shorter, text, at))
			g_string_assign(attack->hurts, text->str);
}

/* Strikes at every large repeat in node, which is reached with prefix. */
static void attack_node(const Node *node, Attack *attack, const GString *prefix)
{
	if (node->kind == NODE_CHARACTERS || attack->hurts->len > 0)
		return;
	if (is_large(node))
		strike(node, attack, prefix);
	g_autoptr(GString) so_far = g_string_new(prefix->str);
	for (guint i = 0; i < node->children->len; i++) {
		const Node *child = g_ptr_array_index(node->children, i);
		attack_node(child, attack, so_far);
		if (node->kind == NODE_SEQUENCE)
			sample(child, attack, so_far);
	}
}

char *backtrack_check(const char *pattern, const Regex *regex)
{
	Parser parser = { .at = pattern };
	Node *tree = parse_branches(&parser);
	gunichar themes[THEMES_MAX];
	guint count = find_themes(tree, themes);
	Pool *pool = regex_pool_new();
	Attack attack = { .regex = regex, .work = pool_take(pool), .random = g_rand_new_with_seed(1), .hurts = g_string_new(NULL) };
	attack.tried = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	attack.starts = strstr(pattern, "(?<=") ? STARTS_MAX : 1;
	g_autoptr(GString) empty = g_string_new(NULL);
	for (guint i = 0; i < count * SAMPLES && attack.hurts->len == 0; i++) {
		attack.theme = themes[i / SAMPLES];
		attack_node(tree, &attack, empty);
	}
	pool_give(pool, attack.work);
	pool_free(pool);
	g_rand_free(attack.random);
	g_hash_table_unref(attack.tried);
	node_free(tree);
	g_autoptr(GString) hurts = attack.hurts;
	if (hurts->len == 0)
		return NULL;
	g_autofree char *shown = log_escape(hurts->str, SHOWN_BYTES);
	return g_strdup_printf("the pattern backtracks badly, and is given up, on a text such as \"%s...\"", shown);
}
