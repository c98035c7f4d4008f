/* rules-places: where in a text a match of each rule can start, by the words that it needs. Layer: inspect.
 *
 * A pattern such as "server ... down" costs microseconds wherever its first word stands, though the second is rarely near. So the text is
 * cut into blocks (rules-shape.c), one bit each. Hyperscan (rules-words.c) sets the bits where a word starts; the
 * trees of rules-needs.c are worked out over these: words that must stand behind a place within some distance set the bits of so many
 * blocks before them, the parts of a sequence are joined by and, branches by or. What remains is where PCRE2 has to try. Equal parts
 * of several rules ("{{svc}}") are one node, worked out once a text. */
#include "inspect/rules-private.h"

#include <string.h>

#define NO_NODE G_MAXUINT

/* The leaf that a word belongs to, or the rule that it leads, there only at a word's start or anywhere. */
typedef struct {
	guint of;
	bool edge;
} User;

/* A place of a word that leads rules. */
typedef struct {
	guint word;
	gsize at;
} Lead;

typedef struct {
	guint node;
	Reach before, after;
} Part;

typedef struct {
	NeedKind kind;
	guint first, count; /* of parts */
	GArray *rules;      /* guint: those that cannot match where this leaf and others like it do not hold; NULL: none */
} Node;

struct RulePlaces {
	RuleWords *words;
	GArray *lengths;  /* guint: bytes of each word */
	GPtrArray *users; /* GArray of User: the leaves of each word */
	GPtrArray *led;   /* GArray of User: the rules that each word leads; NULL: none */
	GPtrArray *begin; /* GArray of Start: the beginnings of each rule that is led, sorted; NULL: not known */
	guint8 symbols[256];
	GArray *nodes;    /* Node */
	GArray *parts;    /* Part */
	GArray *roots;    /* guint: node of each rule, or NO_NODE */
	guint digit;      /* the node of a digit, or NO_NODE */
	Pool *states;
};

/* What one call needs. Masks hold found.words times 64 bits; those of a word or node are worth something only where it was seen in this
 * generation. */
typedef struct {
	Places found; /* first: it is what the caller gets */
	const RulePlaces *places;
	const TextShape *shape;
	const char *text;
	gsize room; /* found.words that there is room for */
	guint32 generation;
	guint32 *word_seen, *node_seen, *rule_seen; /* a rule: one of its leaves holds */
	guint64 *word_masks; /* anywhere, then at a word's start */
	guint64 *node_masks; /* 0 where it does not hold */
	GArray *touched;     /* guint: words that were seen */
	GArray *leads;       /* Lead: all places of words that lead */
} State;

/* --- making --- */

typedef struct {
	RulePlaces *places;
	GHashTable *nodes; /* what a node consists of -> its number + 1 */
	GHashTable *numbers; /* word -> its number + 1 */
	GPtrArray *words;
} Maker;

static const Node *node_at(const RulePlaces *places, guint number)
{
	return &g_array_index(places->nodes, Node, number);
}

static guint add_node(Maker *maker, const char *key, Node node)
{
	RulePlaces *places = maker->places;
	g_array_append_val(places->nodes, node);
	g_hash_table_insert(maker->nodes, g_strdup(key), GUINT_TO_POINTER(places->nodes->len));
	return places->nodes->len - 1;
}

/* Returns the number of a word. */
static guint word_number(Maker *maker, const char *word)
{
	guint number = GPOINTER_TO_UINT(g_hash_table_lookup(maker->numbers, word));
	if (number == 0) {
		guint length = (guint)strlen(word);
		g_ptr_array_add(maker->words, g_strdup(word));
		g_array_append_val(maker->places->lengths, length);
		g_ptr_array_add(maker->places->users, g_array_new(FALSE, FALSE, sizeof(User)));
		g_ptr_array_add(maker->places->led, NULL);
		number = maker->words->len;
		g_hash_table_insert(maker->numbers, g_ptr_array_index(maker->words, number - 1), GUINT_TO_POINTER(number));
	}
	return number - 1;
}

static void add_word(Maker *maker, const char *word, guint node)
{
	User user = { node, *word == NEED_EDGE };
	guint number = word_number(maker, word + user.edge);
	g_array_append_val((GArray *)g_ptr_array_index(maker->places->users, number), user);
}

static void add_leads(Maker *maker, const GPtrArray *leads, guint rule)
{
	for (guint i = 0; i < leads->len; i++) {
		const char *word = g_ptr_array_index(leads, i);
		if (!need_is_word(word))
			continue;
		User user = { rule, *word == NEED_EDGE };
		guint number = word_number(maker, word + user.edge);
		GArray **led = (GArray **)&g_ptr_array_index(maker->places->led, number);
		if (!*led)
			*led = g_array_new(FALSE, FALSE, sizeof(User));
		g_array_append_val(*led, user);
	}
}

static guint add_words(Maker *maker, const Need *need)
{
	g_autoptr(GString) key = g_string_new("words");
	for (guint i = 0; i < need->words->len; i++)
		g_string_append_printf(key, "\n%s", (const char *)g_ptr_array_index(need->words, i));
	guint number = GPOINTER_TO_UINT(g_hash_table_lookup(maker->nodes, key->str));
	if (number > 0)
		return number - 1;
	guint node = add_node(maker, key->str, (Node) { .kind = NEED_WORDS, });
	for (guint i = 0; i < need->words->len; i++)
		add_word(maker, g_ptr_array_index(need->words, i), node);
	return node;
}

static guint add_digit(Maker *maker)
{
	RulePlaces *places = maker->places;
	if (places->digit == NO_NODE)
		places->digit = add_node(maker, "digit", (Node) { .kind = NEED_DIGIT });
	return places->digit;
}

static guint add_need(Maker *maker, const Need *need)
{
	if (need->kind == NEED_WORDS)
		return add_words(maker, need);
	if (need->kind == NEED_DIGIT)
		return add_digit(maker);
	g_autoptr(GArray) parts = g_array_new(FALSE, TRUE, sizeof(Part));
	for (guint i = 0; i < need->parts->len; i++) {
		const NeedPart *from = &g_array_index(need->parts, NeedPart, i);
		Part part = { add_need(maker, from->need), from->before, from->after };
		g_array_append_val(parts, part);
	}
	g_autoptr(GString) key = g_string_new(need->kind == NEED_ALL ? "all" : "one");
	for (guint i = 0; i < parts->len; i++) {
		const Part *part = &g_array_index(parts, Part, i);
		const Reach a = part->before, b = part->after;
		g_string_append_printf(key, "\n%u %u %u %u %d %u %u %u %d", part->node, a.characters, a.whites, a.solids, a.endless, b.characters,
		                       b.whites, b.solids, b.endless);
	}
	guint number = GPOINTER_TO_UINT(g_hash_table_lookup(maker->nodes, key->str));
	if (number > 0)
		return number - 1;
	Node node = { .kind = need->kind, .first = maker->places->parts->len, .count = parts->len };
	g_array_append_vals(maker->places->parts, parts->data, parts->len);
	return add_node(maker, key->str, node);
}

/* Notes rule with the leaves of which one must hold for it to match: of parts those of the least likely, which is the first. */
static void add_rule(const RulePlaces *places, guint number, guint rule)
{
	Node *node = &g_array_index(places->nodes, Node, number);
	if (node->kind == NEED_WORDS || node->kind == NEED_DIGIT) {
		if (!node->rules)
			node->rules = g_array_new(FALSE, FALSE, sizeof(guint));
		if (node->rules->len == 0 || g_array_index(node->rules, guint, node->rules->len - 1) != rule)
			g_array_append_val(node->rules, rule);
		return;
	}
	for (guint i = 0; i < (node->kind == NEED_ALL ? 1 : node->count); i++)
		add_rule(places, g_array_index(places->parts, Part, node->first + i).node, rule);
}

static void *state_new(void *context);

static void state_free(gpointer area)
{
	State *state = area;
	g_free(state->word_seen);
	g_free(state->node_seen);
	g_free(state->word_masks);
	g_free(state->node_masks);
	g_free(state->rule_seen);
	g_free(state->found.starts);
	g_array_unref(state->touched);
	g_array_unref(state->leads);
	g_free(state);
}

static void free_users(gpointer users)
{
	if (users)
		g_array_unref(users);
}

/* Returns the beginnings of a pattern, without those that begin with another, or NULL. */
static GArray *beginnings(const char *pattern)
{
	GArray *starts = starts_of(pattern);
	guint kept = 0;
	for (guint i = 0; starts && i < starts->len; i++) {
		const Start *start = &g_array_index(starts, Start, i), *last = kept > 0 ? &g_array_index(starts, Start, kept - 1) : NULL;
		if (!last || memcmp(last->symbols, start->symbols, last->length) != 0)
			g_array_index(starts, Start, kept++) = *start;
	}
	if (starts)
		g_array_set_size(starts, kept);
	return starts;
}

RulePlaces *rule_places_new(const GPtrArray *rules, GPtrArray *leads)
{
	RulePlaces *places = g_new0(RulePlaces, 1);
	Maker maker = { .places = places };
	places->lengths = g_array_new(FALSE, FALSE, sizeof(guint));
	places->users = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	places->led = g_ptr_array_new_with_free_func(free_users);
	places->begin = g_ptr_array_new_with_free_func(free_users);
	for (guint i = 0; i < 256; i++)
		places->symbols[i] = start_symbol((guchar)i);
	places->nodes = g_array_new(FALSE, FALSE, sizeof(Node));
	places->parts = g_array_new(FALSE, FALSE, sizeof(Part));
	places->roots = g_array_new(FALSE, FALSE, sizeof(guint));
	places->digit = NO_NODE;
	places->states = pool_new(state_new, places, state_free);
	maker.nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	maker.numbers = g_hash_table_new(g_str_hash, g_str_equal);
	maker.words = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < rules->len; i++) {
		GPtrArray *first = NULL;
		Need *need = need_of(((const Rule *)g_ptr_array_index(rules, i))->pattern, &first);
		guint root = need ? add_need(&maker, need) : NO_NODE;
		g_array_append_val(places->roots, root);
		if (need)
			add_rule(places, root, i);
		g_ptr_array_add(leads, first);
		if (first)
			add_leads(&maker, first, i);
		g_ptr_array_add(places->begin, first ? beginnings(((const Rule *)g_ptr_array_index(rules, i))->pattern) : NULL);
		need_free(need);
	}
	places->words = rule_words_new(maker.words);
	g_hash_table_unref(maker.numbers);
	g_hash_table_unref(maker.nodes);
	g_ptr_array_unref(maker.words);
	if (places->words)
		return places;
	rule_places_free(places);
	return NULL;
}

void rule_places_free(RulePlaces *places)
{
	if (!places)
		return;
	rule_words_free(places->words);
	for (guint i = 0; i < places->nodes->len; i++)
		if (node_at(places, i)->rules)
			g_array_unref(node_at(places, i)->rules);
	g_array_unref(places->lengths);
	g_ptr_array_unref(places->users);
	g_ptr_array_unref(places->led);
	g_ptr_array_unref(places->begin);
	g_array_unref(places->nodes);
	g_array_unref(places->parts);
	g_array_unref(places->roots);
	pool_free(places->states);
	g_free(places);
}

/* --- masks --- */

/* How many blocks lie between two places that are at most reach apart. */
static guint blocks_of(const TextShape *shape, const Reach *reach)
{
	guint64 bytes = (guint64)reach->characters * shape->character + (guint64)reach->whites * shape->whites +
	                (guint64)reach->solids * shape->solids;
	guint most = 64 * (guint)shape->words;
	if (reach->endless)
		return most;
	return bytes == 0 ? 0 : (guint)MIN((bytes >> shape->shift) + 1, most);
}

/* Sets each bit that has a set one so many bits above it. */
static void or_from_above(guint64 *mask, gsize words, guint bits)
{
	guint whole = bits / 64, rest = bits % 64;
	for (guint i = 0; i + whole < words; i++) {
		guint64 low = mask[i + whole], high = i + whole + 1 < words ? mask[i + whole + 1] : 0;
		mask[i] |= rest ? low >> rest | high << (64 - rest) : low;
	}
}

static void or_from_below(guint64 *mask, gsize words, guint bits)
{
	guint whole = bits / 64, rest = bits % 64;
	for (gsize i = words; i-- > whole;) {
		guint64 high = mask[i - whole], low = i > whole ? mask[i - whole - 1] : 0;
		mask[i] |= rest ? high << rest | low >> (64 - rest) : high;
	}
}

/* Sets every bit of which one at most so many bits above it, or below it, is set. */
static void spread(guint64 *mask, gsize words, guint bits, void (*or_from)(guint64 *mask, gsize words, guint bits))
{
	for (guint step = 1; bits > 0; step *= 2) {
		guint now = MIN(step, bits);
		or_from(mask, words, now);
		bits -= now;
	}
}

/* The same for one word of 64 bits, both ways. */
static guint64 spread_one(guint64 mask, guint above, guint below)
{
	for (guint step = 1; above > 0; step *= 2) {
		guint now = MIN(step, above);
		mask |= now < 64 ? mask >> now : 0;
		above -= now;
	}
	for (guint step = 1; below > 0; step *= 2) {
		guint now = MIN(step, below);
		mask |= now < 64 ? mask << now : 0;
		below -= now;
	}
	return mask;
}

/* --- finding --- */

static void *state_new(void *context)
{
	const RulePlaces *places = context;
	State *state = g_new0(State, 1);
	state->places = places;
	state->word_seen = g_new0(guint32, places->lengths->len);
	state->node_seen = g_new0(guint32, places->nodes->len);
	state->rule_seen = g_new0(guint32, places->roots->len);
	state->touched = g_array_new(FALSE, FALSE, sizeof(guint));
	state->leads = g_array_new(FALSE, FALSE, sizeof(Lead));
	return state;
}

static void begin(State *state, const TextShape *shape, const char *text)
{
	const RulePlaces *places = state->places;
	const gsize words = shape->words;
	state->shape = shape;
	state->text = text;
	state->found.words = words;
	state->found.shift = shape->shift;
	if (words > state->room) {
		state->word_masks = g_renew(guint64, state->word_masks, 2 * words * places->lengths->len);
		state->node_masks = g_renew(guint64, state->node_masks, words * places->nodes->len);
		state->found.starts = g_renew(guint64, state->found.starts, words * (places->roots->len + 1));
		state->room = words;
	}
	state->found.any = state->found.starts + words * places->roots->len;
	memset(state->found.any, 0, words * sizeof *state->found.any);
	g_array_set_size(state->touched, 0);
	g_array_set_size(state->leads, 0);
	if (++state->generation == 0) {
		memset(state->word_seen, 0, places->lengths->len * sizeof *state->word_seen);
		memset(state->node_seen, 0, places->nodes->len * sizeof *state->node_seen);
		memset(state->rule_seen, 0, places->roots->len * sizeof *state->rule_seen);
		state->generation = 1;
	}
}

static bool is_in_word(char c)
{
	return g_ascii_isalnum(c) || c == '_';
}

static void note_word(guint word, gsize end, void *context)
{
	State *state = context;
	const gsize words = state->found.words;
	gsize start = end - g_array_index(state->places->lengths, guint, word), block = start >> state->found.shift;
	guint64 *mask = state->word_masks + 2 * words * word, bit = G_GUINT64_CONSTANT(1) << block % 64;
	if (state->word_seen[word] != state->generation) {
		state->word_seen[word] = state->generation;
		for (guint w = 0; w < 2 * words; w++)
			mask[w] = 0;
		g_array_append_val(state->touched, word);
	}
	if (g_ptr_array_index(state->places->led, word)) {
		Lead lead = { word, start };
		g_array_append_val(state->leads, lead);
	}
	mask[block / 64] |= bit;
	if (start == 0 || !is_in_word(state->text[start - 1]))
		mask[words + block / 64] |= bit;
}

static guint64 *mask_of(const State *state, guint node)
{
	return state->node_masks + state->found.words * node;
}

/* Joins from to the mask of a leaf, and gives hope to its rules. */
static void note_leaf(State *state, guint number, const guint64 *from)
{
	const gsize words = state->found.words;
	guint64 *mask = mask_of(state, number), any = 0;
	const bool fresh = state->node_seen[number] != state->generation;
	for (guint w = 0; w < words; w++)
		any |= from[w];
	if (!any)
		return;
	for (guint w = 0; w < words; w++)
		mask[w] = fresh ? from[w] : mask[w] | from[w];
	state->node_seen[number] = state->generation;
	const GArray *rules = fresh ? node_at(state->places, number)->rules : NULL;
	for (guint i = 0; rules && i < rules->len; i++)
		state->rule_seen[g_array_index(rules, guint, i)] = state->generation;
}

static void note_leaves(State *state)
{
	const gsize words = state->found.words;
	if (state->places->digit != NO_NODE)
		note_leaf(state, state->places->digit, state->shape->digits);
	for (guint i = 0; i < state->touched->len; i++) {
		guint word = g_array_index(state->touched, guint, i);
		const GArray *users = g_ptr_array_index(state->places->users, word);
		for (guint u = 0; u < users->len; u++) {
			const User user = g_array_index(users, User, u);
			note_leaf(state, user.of, state->word_masks + 2 * words * word + (user.edge ? words : 0));
		}
	}
}

/* Returns true where the text from at on has one of the beginnings (sorted; none begins with another). */
static bool begins(const RulePlaces *places, const GArray *begin, const char *text)
{
	guint8 symbols[START_DEPTH + 1] = { 0 };
	for (guint i = 0; i < START_DEPTH && (symbols[i] = places->symbols[(guchar)text[i]]); i++)
		;
	guint low = 0, high = begin->len; /* those before low are not after symbols, those from high on are */
	while (low < high) {
		guint middle = (low + high) / 2;
		if (memcmp(g_array_index(begin, Start, middle).symbols, symbols, sizeof symbols) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	const Start *start = low > 0 ? &g_array_index(begin, Start, low - 1) : NULL;
	return start && memcmp(start->symbols, symbols, start->length) == 0;
}

void rule_places_lead(const RulePlaces *places, const Places *found, const guint8 *open, guint8 bit, RuleTry attempt, void *context)
{
	const State *state = (const State *)found;
	for (guint i = 0; i < state->leads->len; i++) {
		const Lead *lead = &g_array_index(state->leads, Lead, i);
		const GArray *led = g_ptr_array_index(places->led, lead->word);
		bool edge = lead->at == 0 || !is_in_word(state->text[lead->at - 1]);
		for (guint u = 0; u < led->len; u++) {
			const User user = g_array_index(led, User, u);
			const GArray *begin = g_ptr_array_index(places->begin, user.of);
			if ((edge || !user.edge) && (open[user.of] & bit) &&
			    places_has(found, found->starts + found->words * user.of, lead->at) &&
			    (!begin || begins(places, begin, state->text + lead->at)))
				attempt(user.of, lead->at, context);
		}
	}
}

/* Works out the mask of a node in a text of up to 64 blocks, which most are. */
static guint64 work_out_one(State *state, guint number)
{
	guint64 *mask = &state->node_masks[number];
	if (state->node_seen[number] == state->generation)
		return *mask;
	const Node *node = node_at(state->places, number);
	const bool all = node->kind == NEED_ALL;
	guint64 sum = all ? G_MAXUINT64 : 0;
	for (guint i = 0; i < node->count && (!all || sum); i++) {
		const Part *part = &g_array_index(state->places->parts, Part, node->first + i);
		guint64 from = work_out_one(state, part->node);
		if (from)
			from = spread_one(from, blocks_of(state->shape, &part->before), blocks_of(state->shape, &part->after));
		sum = all ? sum & from : sum | from;
	}
	state->node_seen[number] = state->generation;
	*mask = node->count > 0 ? sum : 0; /* a leaf that was not seen does not hold */
	return *mask;
}

/* The same in one of any number. Returns NULL where no bit is set. */
static const guint64 *work_out_many(State *state, guint number)
{
	const gsize words = state->found.words;
	const Node *node = node_at(state->places, number);
	const bool all = node->kind == NEED_ALL;
	guint64 *mask = mask_of(state, number), part[SHAPE_WORDS], any = 0;
	const bool seen = state->node_seen[number] == state->generation;
	for (guint w = 0; w < words && !seen; w++)
		mask[w] = all ? G_MAXUINT64 : 0;
	for (guint i = 0; i < node->count && !seen; i++) {
		const Part *from = &g_array_index(state->places->parts, Part, node->first + i);
		const guint64 *held = work_out_many(state, from->node);
		for (guint w = 0; w < words; w++)
			part[w] = held ? held[w] : 0;
		if (held) {
			spread(part, words, blocks_of(state->shape, &from->before), or_from_above);
			spread(part, words, blocks_of(state->shape, &from->after), or_from_below);
		}
		any = 0;
		for (guint w = 0; w < words; w++)
			any |= mask[w] = all ? mask[w] & part[w] : mask[w] | part[w];
		if (all && !any)
			break;
	}
	state->node_seen[number] = state->generation;
	for (guint w = 0; w < words && seen; w++)
		any |= mask[w];
	return any ? mask : NULL;
}

static const guint64 *work_out(State *state, guint number)
{
	if (state->found.words > 1)
		return work_out_many(state, number);
	return work_out_one(state, number) ? &state->node_masks[number] : NULL;
}

/* Sets where rule can start, to mask or, if that is NULL, to everywhere. */
static void set_starts(State *state, guint rule, const guint64 *mask)
{
	const gsize words = state->found.words;
	for (guint w = 0; w < words; w++) {
		guint64 starts = mask ? mask[w] : G_MAXUINT64;
		state->found.starts[words * rule + w] = starts;
		state->found.any[w] |= starts;
	}
}

const Places *rule_places_find(const RulePlaces *places, const TextShape *shape, const char *text, gsize length, guint8 *open,
                               guint8 bit)
{
	State *state = pool_take(places->states);
	begin(state, shape, text);
	bool scanned = rule_words_find(places->words, text, length, note_word, state);
	if (!scanned) {
		pool_give(places->states, state);
		return NULL;
	}
	note_leaves(state);
	for (guint i = 0; i < places->roots->len; i++) {
		if (!(open[i] & bit))
			continue;
		if (g_array_index(places->roots, guint, i) == NO_NODE) {
			set_starts(state, i, NULL);
			continue;
		}
		const guint64 *mask = state->rule_seen[i] == state->generation ? work_out(state, g_array_index(places->roots, guint, i)) : NULL;
		if (mask)
			set_starts(state, i, mask);
		else
			open[i] &= (guint8)~bit;
	}
	return &state->found;
}

void rule_places_give(const RulePlaces *places, const Places *found)
{
	pool_give(places->states, (void *)found);
}
