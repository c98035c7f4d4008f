/* rules-index: finds the places of a text where a rule can match, in one pass over all rules. Layer: inspect.
 *
 * Trying every pattern at every place costs about a microsecond a rule for 40 bytes of mail. Here the three characters at
 * each place are looked up in a table of all beginnings (rules-starts.c), a longer beginning is compared, and only then is
 * that one pattern tried, there and nowhere else. The results are those of a plain search. Hyperscan was tried for this: with
 * rules of this size it takes minutes to compile them. */
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

/* The items of one key are items[first[key]] to items[first[key + 1] - 1], sorted by their rest. next[key] has a bit for each symbol that may
 * follow the key: most places of a text are done with there. */
typedef struct {
	guint32 next[KEYS];
	guint32 first[KEYS + 1];
	Item *items;
} Table;

struct RuleIndex {
	GPtrArray *entries;
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

/* Calls visit for every key that a text beginning with start can have: symbols beyond a short start may be any. */
static void for_each_key(const Start *start, void (*visit)(guint key, gpointer context), gpointer context)
{
	guint known = MIN(start->length, START_KEY), key = 0;
	for (guint i = 0; i < known; i++)
		key = key << 5 | start->symbols[i];
	guint open = 5 * (START_KEY - known);
	for (guint rest = 0; rest < 1u << open; rest++)
		visit(key << open | rest, context);
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

RuleIndex *rule_index_new(const GPtrArray *rules)
{
	RuleIndex *index = g_new0(RuleIndex, 1);
	index->entries = g_ptr_array_new_with_free_func(free_entry);
	index->everywhere = g_array_new(FALSE, FALSE, sizeof(guint));
	for (guint i = 0; i < 256; i++)
		index->symbols[i] = start_symbol((guchar)i);

	g_autoptr(GHashTable) known = g_hash_table_new(hash_start, same_start);
	for (guint i = 0; i < rules->len; i++) {
		const Rule *rule = g_ptr_array_index(rules, i);
		g_autoptr(GArray) starts = starts_of(rule->pattern);
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

void rule_index_scan(const RuleIndex *index, const char *text, gsize length, RuleTry attempt, void *context)
{
	const guint8 *symbols = index->symbols;
	const gsize ahead = START_KEY; /* of the symbol that follows the key at i */
	guint key = 0;                 /* the symbols at i */
	for (gsize i = 0; i < ahead; i++)
		key = key << 5 | (i < length ? symbols[(guchar)text[i]] : 0);
	bool in_word = false; /* whether the byte before is surely part of a word */
	for (gsize i = 0; i < length; i++) {
		guint following = i + ahead < length ? symbols[(guchar)text[i + ahead]] : 0;
		const Table *table = in_word ? &index->inside : &index->at_word;
		const guint here = key;
		key = (key << 5 | following) & (KEYS - 1);
		in_word = symbols[(guchar)text[i]] - 1u < START_DIGIT || text[i] == '_';
		/* Never inside a character: PCRE2 must not be told to start there. */
		if (!(table->next[here] >> following & 1) || ((guchar)text[i] & 0xc0) == 0x80)
			continue;
		for (guint32 n = table->first[here]; n < table->first[here + 1]; n++) {
			const Item *item = &table->items[n];
			if (item->rest[0] > following)
				break;
			if (item->rest[0] && (item->rest[0] < following || !goes_on_with(symbols, text + i + START_KEY + 1, item->rest + 1)))
				continue;
			const Entry *entry = g_ptr_array_index(index->entries, item->entry);
			for (guint r = 0; r < entry->rules->len; r++)
				attempt(g_array_index(entry->rules, guint, r), i, context);
		}
	}
}
