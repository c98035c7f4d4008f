/* rules-index: finds the places of a text where a rule can match, in one pass over all rules. Layer: inspect.
 *
 * Trying every pattern at every place costs about a microsecond a rule for 40 bytes of mail. Here the three characters at each
 * place are looked up in a table of all beginnings (rules-starts.c), a longer beginning is compared, and only then is that one
 * pattern tried, there and nowhere else. Before that, a bit for each key, set for the rules that are still open in this text,
 * passes over nearly all places: it stays in the first cache, so that more rules cost little. The results are those of a plain
 * search. Hyperscan was tried for this: with rules of this size it takes minutes to compile them. */
#include "inspect/rules-private.h"

#include <stdlib.h>
#include <string.h>

#define KEYS (1 << (5 * START_KEY))

/* One beginning and the rules (guint) that can start with it. */
typedef struct {
	Start start;
	GArray *rules;
} Entry;

/* What is left to compare of an entry once its key is found. */
typedef struct {
	guint8 rest[START_DEPTH - START_KEY + 1]; /* ends with 0 */
	guint32 entry;
} Item;

/* The items of one key are items[first[key]] to items[first[key + 1] - 1], sorted by their rest. next[key] has a bit for each
 * symbol that may follow the key: most places of a text are done with there. */
typedef struct {
	guint32 next[KEYS];
	guint32 first[KEYS + 1];
	Item *items;
} Table;

/* Neighbouring keys: 1, 32 or 1024 of them, aligned. */
typedef struct {
	guint16 first, count;
	bool at_word; /* only there */
	guint16 more; /* hash_more of a beginning that is that long; the key is not asked for then */
	bool is_long;
} KeyRange;

/* What places of a text are passed over by: a bit for each key, and one for each hash of MORE symbols; each at the start of a
 * word, and elsewhere. */
#define MORE 5
typedef struct {
	guint32 keys[2][KEYS / 32];
	guint32 more[2][65536 / 32];
} Filter;

/* symbols: MORE of them, five bits each. */
static guint hash_more(guint32 symbols)
{
	return symbols * 2654435761u >> 16;
}

static void set_bit(guint32 *bits, guint bit)
{
	bits[bit / 32] |= 1u << bit % 32;
}

static bool has_bit(const guint32 *bits, guint bit)
{
	return bits[bit / 32] >> bit % 32 & 1;
}

struct RuleIndex {
	GPtrArray *entries;
	GPtrArray *keys; /* of each rule: GArray of KeyRange; NULL for those in everywhere */
	Table at_word; /* at the start of a word */
	Table inside;  /* elsewhere: rules that do not ask for a word's start */
	GArray *everywhere; /* guint: rules whose beginnings are not known */
	guint8 symbols[256];
};

static void free_entry(gpointer data)
{
	Entry *entry = data;
	g_array_unref(entry->rules);
	g_free(entry);
}

static guint hash_start(gconstpointer key)
{
	return g_str_hash((const char *)((const Start *)key)->symbols);
}

static gboolean same_start(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, sizeof(Start)) == 0;
}

static bool only_at_word(const Start *start)
{
	return start->boundary && start->symbols[0] >= 1 && start->symbols[0] <= START_DIGIT;
}

/* Returns every key that a text beginning with start can have: symbols beyond a short start may be any. */
static KeyRange keys_of(const Start *start)
{
	guint known = MIN(start->length, START_KEY), key = 0;
	for (guint i = 0; i < known; i++)
		key = key << 5 | start->symbols[i];
	guint open = 5 * (START_KEY - known);
	KeyRange range = { .first = (guint16)(key << open), .count = (guint16)(1u << open), .at_word = only_at_word(start) };
	for (guint i = START_KEY; i < MORE; i++)
		key = key << 5 | start->symbols[i];
	range.is_long = start->length >= MORE;
	range.more = (guint16)hash_more(key);
	return range;
}

static void for_each_key(const Start *start, void (*visit)(guint key, gpointer context), gpointer context)
{
	const KeyRange range = keys_of(start);
	for (guint i = 0; i < range.count; i++)
		visit(range.first + i, context);
}

typedef struct {
	Table *table;
	Item item;
	guint32 *fill; /* NULL while counting */
} Visit;

static void visit_key(guint key, gpointer context)
{
	Visit *visit = context;
	if (!visit->fill) {
		visit->table->next[key] |= visit->item.rest[0] ? 1u << visit->item.rest[0] : G_MAXUINT32;
		visit->table->first[key + 1]++;
	} else {
		visit->table->items[visit->fill[key]++] = visit->item;
	}
}

static int compare_items(const void *a, const void *b)
{
	return strcmp((const char *)((const Item *)a)->rest, (const char *)((const Item *)b)->rest);
}

/* Counts first, so that the items of a key lie together, then fills. */
static void build_table(const RuleIndex *index, Table *table, bool at_word)
{
	g_autofree guint32 *fill = g_new0(guint32, KEYS);
	for (int pass = 0; pass < 2; pass++) {
		for (guint i = 0; i < index->entries->len; i++) {
			const Entry *entry = g_ptr_array_index(index->entries, i);
			Visit visit = { .table = table, .item = { .entry = i }, .fill = pass ? fill : NULL };
			memcpy(visit.item.rest, entry->start.symbols + START_KEY, sizeof visit.item.rest);
			if (at_word || !only_at_word(&entry->start))
				for_each_key(&entry->start, visit_key, &visit);
		}
		if (pass)
			break;
		for (guint key = 0; key < KEYS; key++) {
			fill[key] = table->first[key];
			table->first[key + 1] += table->first[key];
		}
		table->items = g_new0(Item, table->first[KEYS]);
	}
	for (guint key = 0; key < KEYS && table->first[KEYS] > 0; key++)
		qsort(table->items + table->first[key], table->first[key + 1] - table->first[key], sizeof(Item), compare_items);
}

static void free_keys(gpointer keys)
{
	if (keys)
		g_array_unref(keys);
}

static GArray *key_ranges(const GArray *starts)
{
	GArray *ranges = g_array_new(FALSE, FALSE, sizeof(KeyRange));
	for (guint i = 0; i < starts->len; i++) {
		KeyRange range = keys_of(&g_array_index(starts, Start, i));
		const KeyRange *last = ranges->len > 0 ? &g_array_index(ranges, KeyRange, ranges->len - 1) : NULL;
		if (!last || last->first != range.first || last->count != range.count || last->at_word != range.at_word || last->is_long ||
		    range.is_long)
			g_array_append_val(ranges, range);
	}
	return ranges;
}

/* Returns true where a text that begins with start can also begin with word. */
static bool agrees(const Start *start, const char *word)
{
	word += *word == NEED_EDGE;
	for (guint i = 0; i < start->length && word[i]; i++)
		if (start_symbol((guchar)word[i]) != start->symbols[i])
			return false;
	return true;
}

/* Returns true where all that match from a text beginning with start are found by the words that they begin with. */
static bool is_led(const Start *start, const GPtrArray *leads)
{
	for (guint i = 0; leads && i < leads->len; i++)
		if (!need_is_word(g_ptr_array_index(leads, i)) && agrees(start, g_ptr_array_index(leads, i)))
			return false;
	return leads != NULL;
}

RuleIndex *rule_index_new(const GPtrArray *rules, const GPtrArray *leads)
{
	RuleIndex *index = g_new0(RuleIndex, 1);
	index->entries = g_ptr_array_new_with_free_func(free_entry);
	index->everywhere = g_array_new(FALSE, FALSE, sizeof(guint));
	index->keys = g_ptr_array_new_with_free_func(free_keys);
	for (guint i = 0; i < 256; i++)
		index->symbols[i] = start_symbol((guchar)i);

	g_autoptr(GHashTable) known = g_hash_table_new(hash_start, same_start);
	for (guint i = 0; i < rules->len; i++) {
		const Rule *rule = g_ptr_array_index(rules, i);
		g_autoptr(GArray) starts = starts_of(rule->pattern);
		const GPtrArray *led = leads ? g_ptr_array_index(leads, i) : NULL;
		for (guint j = starts ? starts->len : 0; j-- > 0;)
			if (is_led(&g_array_index(starts, Start, j), led))
				g_array_remove_index(starts, j);
		g_ptr_array_add(index->keys, starts ? key_ranges(starts) : NULL);
		if (!starts) {
			g_array_append_val(index->everywhere, i);
			continue;
		}
		for (guint j = 0; j < starts->len; j++) {
			Start start = g_array_index(starts, Start, j);
			start.closed = false; /* of no more interest: equal beginnings share an entry */
			Entry *entry = g_hash_table_lookup(known, &start);
			if (!entry) {
				entry = g_new0(Entry, 1);
				entry->start = start;
				entry->rules = g_array_new(FALSE, FALSE, sizeof(guint));
				g_ptr_array_add(index->entries, entry);
				g_hash_table_add(known, entry);
			}
			if (entry->rules->len == 0 || g_array_index(entry->rules, guint, entry->rules->len - 1) != i)
				g_array_append_val(entry->rules, i);
		}
	}
	build_table(index, &index->at_word, true);
	build_table(index, &index->inside, false);
	return index;
}

void rule_index_free(RuleIndex *index)
{
	if (!index)
		return;
	g_ptr_array_unref(index->entries);
	g_ptr_array_unref(index->keys);
	g_free(index->at_word.items);
	g_free(index->inside.items);
	g_array_unref(index->everywhere);
	g_free(index);
}

const GArray *rule_index_everywhere(const RuleIndex *index)
{
	return index->everywhere;
}

/* The text ends with a NUL, whose symbol no beginning holds, so that comparing stops there. */
static bool goes_on_with(const guint8 *symbols, const char *text, const guint8 *rest)
{
	for (; *rest; rest++, text++) {
		if (symbols[(guchar)*text] != *rest)
			return false;
	}
	return true;
}

/* Sets the keys of all rules that are open. Returns false where there is none. */
static bool open_keys(const RuleIndex *index, const guint8 *open, guint8 bit, Filter *filter)
{
	bool any = false;
	for (guint i = 0; i < index->keys->len; i++) {
		const GArray *ranges = (open[i] & bit) ? g_ptr_array_index(index->keys, i) : NULL;
		for (guint j = 0; ranges && j < ranges->len; j++) {
			const KeyRange range = g_array_index(ranges, KeyRange, j);
			for (guint inside = 0; inside < (range.at_word ? 1 : 2); inside++) {
				if (range.is_long)
					set_bit(filter->more[inside], range.more);
				else if (range.count == 1)
					set_bit(filter->keys[inside], range.first);
				else
					memset(&filter->keys[inside][range.first / 32], 0xff, range.count / 8);
			}
			any = true;
		}
	}
	return any;
}

/* Calls attempt for the rules that can match at `at`, where the text has this key and then the symbol following. */
static void try_entries(const RuleIndex *index, const Table *table, guint key, guint following, const char *text, gsize at,
                        RuleTry attempt, void *context)
{
	for (guint32 n = table->first[key]; n < table->first[key + 1]; n++) {
		const Item *item = &table->items[n];
		if (item->rest[0] > following)
			break;
		if (item->rest[0] &&
		    (item->rest[0] < following || !goes_on_with(index->symbols, text + at + START_KEY + 1, item->rest + 1)))
			continue;
		const Entry *entry = g_ptr_array_index(index->entries, item->entry);
		for (guint r = 0; r < entry->rules->len; r++)
			attempt(g_array_index(entry->rules, guint, r), at, context);
	}
}

/* Returns the first place from at on that lies in a block where it is enough to look, or length. */
static gsize next_place(const Places *places, gsize at, gsize length)
{
	for (; at < length && !places_has(places, places->any, at); at = ((at >> places->shift) + 1) << places->shift)
		;
	return MIN(at, length);
}

static bool is_word_byte(const guint8 *symbols, char byte)
{
	return symbols[(guchar)byte] - 1u < START_DIGIT || byte == '_';
}

/* Looks at the places from `from` to before `to`. */
static void scan_part(const RuleIndex *index, const Filter *filter, const char *text, gsize length, gsize from, gsize to,
                      RuleTry attempt, void *context)
{
	const guint8 *symbols = index->symbols;
	const gsize ahead = MORE;
	guint32 five = 0; /* the symbols from i on */
	for (gsize i = from; i < from + ahead; i++)
		five = five << 5 | (i < length ? symbols[(guchar)text[i]] : 0);
	bool in_word = from > 0 && is_word_byte(symbols, text[from - 1]); /* whether the byte before is surely part of a word */
	for (gsize i = from; i < to; i++) {
		const guint32 here = five;
		const guint key = here >> 5 * (MORE - START_KEY);
		const bool inside = in_word;
		five = (five << 5 | (i + ahead < length ? symbols[(guchar)text[i + ahead]] : 0)) & ((1u << 5 * MORE) - 1);
		in_word = is_word_byte(symbols, text[i]);
		if (!(has_bit(filter->keys[inside], key) | has_bit(filter->more[inside], hash_more(here))))
			continue;
		const Table *table = inside ? &index->inside : &index->at_word;
		const guint following = here >> 5 * (MORE - START_KEY - 1) & 31;
		/* Never inside a character: PCRE2 must not be told to start there. */
		if ((table->next[key] >> following & 1) && ((guchar)text[i] & 0xc0) != 0x80)
			try_entries(index, table, key, following, text, i, attempt, context);
	}
}

void rule_index_scan(const RuleIndex *index, const char *text, gsize length, const guint8 *open, guint8 bit, const Places *places,
                     RuleTry attempt, void *context)
{
	Filter filter = { 0 };
	if (!open_keys(index, open, bit, &filter))
		return;
	if (!places)
		scan_part(index, &filter, text, length, 0, length, attempt, context);
	for (gsize from = 0; places && (from = next_place(places, from, length)) < length;) {
		gsize to = from;
		while (to < length && places_has(places, places->any, to))
			to = ((to >> places->shift) + 1) << places->shift;
		scan_part(index, &filter, text, length, from, MIN(to, length), attempt, context);
		from = MIN(to, length);
	}
}
