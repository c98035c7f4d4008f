/* rules: what subject and body of one message say, by weighted patterns (see rules.h). Layer: inspect.
 *
 * One message: the language is guessed; where the words that a rule needs stand together (Hyperscan, rules-places.c) and one of its
 * beginnings is found (rules-index.c), PCRE2 decides. Once it is loaded a Rules changes only where a pack is made ready, under its lock
 * (rules-pack.c); what a call needs for itself comes from a pool. */
#include "inspect/rules-private.h"

#include "base/error.h"
#include "inspect/normal.h"

#include <math.h>
#include <string.h>

#define PATTERN_MAX_BYTES 1024 /* of an incident's own words */
#define CARD_TRIES 4096        /* runs of digits looked at before we give up on a text full of them */
#define ESCALATE_SUM 1.0       /* weights of a class that make it known */
#define ROUNDING 1e-9          /* 0.7 + 0.2 + 0.1 is a little less than 1 */

typedef struct {
	const char *text;
	gsize length;
	TextShape shape;
} Field;

struct RulesPattern {
	char *text; /* folded */
	Regex *regex;
	Pool *work;
};

void rule_free(Rule *rule)
{
	regex_free(rule->regex);
	g_free(rule->language);
	g_free(rule->pattern);
	g_free(rule->place);
	g_free(rule);
}

static void free_rule(gpointer rule)
{
	rule_free(rule);
}

Rules *rules_new(void)
{
	Rules *rules = g_new0(Rules, 1);
	g_atomic_ref_count_init(&rules->refs);
	rules->all = g_ptr_array_new_with_free_func(free_rule);
	rules->work = regex_pool_new();
	g_mutex_init(&rules->lock);
	return rules;
}

void rules_seal(Rules *rules)
{
	rules->packs = rule_packs_new(rules->all);
}

void rules_unseal(Rules *rules)
{
	g_clear_pointer(&rules->packs, g_ptr_array_unref);
}

static RulePack *pack_at(const Rules *rules, guint number)
{
	return g_ptr_array_index(rules->packs, number);
}

static bool is_ready(const Rules *rules, const char *language)
{
	for (guint i = 0; i < rules->packs->len; i++)
		if (pack_at(rules, i)->language == language)
			return g_atomic_int_get(&pack_at(rules, i)->ready);
	return false;
}

void rules_warm(Rules *rules, const Rules *like)
{
	for (guint i = 0; i < rules->packs->len; i++)
		if (!like || is_ready(like, pack_at(rules, i)->language))
			rule_pack_ready(pack_at(rules, i), &rules->lock, rules->index_off);
}

/* Rules for any language. */
static bool is_any(const char *pack)
{
	return strcmp(pack, "*") == 0;
}

void rules_warm_language(Rules *rules, const char *language)
{
	g_autofree char *primary = g_strndup(language, strcspn(language, "-"));
	for (guint i = 0; i < rules->packs->len; i++)
		if (is_any(pack_at(rules, i)->language) || strcmp(pack_at(rules, i)->language, primary) == 0)
			rule_pack_ready(pack_at(rules, i), &rules->lock, rules->index_off);
}

void rules_set_ways(Rules *rules, bool index, bool words)
{
	rules->index_off = !index;
	rules->words_off = !words;
	rules_warm(rules, NULL);
	for (guint i = 0; i < rules->all->len && rules->index_off; i++)
		regex_prepare(((Rule *)g_ptr_array_index(rules->all, i))->regex, true);
}

Rules *rules_ref(Rules *rules)
{
	g_atomic_ref_count_inc(&rules->refs);
	return rules;
}

void rules_unref(Rules *rules)
{
	if (!rules || !g_atomic_ref_count_dec(&rules->refs))
		return;
	rules_unseal(rules);
	pool_free(rules->work);
	g_ptr_array_unref(rules->all);
	g_mutex_clear(&rules->lock);
	g_free(rules);
}

guint rules_count(const Rules *rules)
{
	return rules->all->len;
}

void rules_warnings(const Rules *rules, GPtrArray *warnings)
{
	for (guint i = 0; i < rules->all->len; i++) {
		const Rule *rule = g_ptr_array_index(rules->all, i);
		g_autofree char *what = backtrack_check(rule->pattern, rule->regex);
		if (what)
			g_ptr_array_add(warnings, g_strdup_printf("%s: warning: rule \"%s\": %s", rule->place, rule->name, what));
	}
}

/* The check digit of ISO/IEC 7812 over the digits of text; anything else in it is skipped. */
static bool luhn_holds(const char *text, gsize length)
{
	guint sum = 0;
	bool twice = false;
	for (gsize i = length; i-- > 0;) {
		if (!g_ascii_isdigit(text[i]))
			continue;
		guint digit = (guint)(text[i] - '0') * (twice ? 2 : 1);
		sum += digit > 9 ? digit - 9 : digit;
		twice = !twice;
	}
	return sum % 10 == 0;
}

static RegexFound find_card(const Rule *rule, void *work, const Field *field)
{
	RegexSpan span = { 0, 0 };
	gsize from = 0;
	for (guint i = 0; i < CARD_TRIES && from <= field->length; i++) {
		RegexFound found = regex_find(rule->regex, work, field->text, field->length, from, &span);
		if (found != REGEX_YES)
			return found;
		if (luhn_holds(field->text + span.start, span.end - span.start))
			return REGEX_YES;
		/* Matches may overlap: the next may start at the next character. */
		from = span.start + (gsize)g_utf8_skip[(guchar)field->text[span.start]];
	}
	return REGEX_LIMITED;
}

static void add_once(GPtrArray *labels, const char *label)
{
	if (!g_ptr_array_find(labels, label, NULL))
		g_ptr_array_add(labels, (gpointer)label);
}

static int heavier_first(gconstpointer a, gconstpointer b)
{
	const Rule *left = *(const Rule *const *)a, *right = *(const Rule *const *)b;
	double first = fabs(left->weight), second = fabs(right->weight);
	return first != second ? (first > second ? -1 : 1) : strcmp(left->name, right->name);
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In a text of which the language is not known the rules of all are tried, and many a word is the same in several: they may not add
 * up. Returns the pack whose rules give most, NULL where none gives anything. matched: in the order of the files. */
static const char *likeliest_pack(const GPtrArray *matched)
{
	g_autoptr(GHashTable) sums = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	const char *best = NULL;
	double most = 0;
	for (guint i = 0; i < matched->len; i++) {
		const Rule *rule = g_ptr_array_index(matched, i);
		double *sum = g_hash_table_lookup(sums, rule->pack);
		if (rule->kind != RULE_OUTAGE || is_any(rule->pack))
			continue;
		if (!sum)
			g_hash_table_insert(sums, (gpointer)rule->pack, sum = g_new0(double, 1));
		*sum += rule->weight;
	}
	for (guint i = 0; i < matched->len; i++) {
		const char *pack = ((const Rule *)g_ptr_array_index(matched, i))->pack;
		const double *sum = g_hash_table_lookup(sums, pack);
		if (sum && *sum > most) {
			most = *sum;
			best = pack;
		}
	}
	return best;
}

/* Sums up the rules of the class that label stands for, of one pack and of those for any language; pack NULL: of all packs. */
static double escalate_sum(const GPtrArray *matched, const char *label, const char *pack)
{
	double sum = 0;
	for (guint i = 0; i < matched->len; i++) {
		const Rule *rule = g_ptr_array_index(matched, i);
		if (rule->kind == RULE_ESCALATE && rule->label == label && (!pack || rule->pack == pack || is_any(rule->pack)))
			sum += rule->weight;
	}
	return sum;
}

/* unknown: the language is, so that each pack speaks for itself, as for outage; any of them will do, for a person only looks. */
static void note_escalations(RulesResult *result, const GPtrArray *matched, bool unknown)
{
	for (guint i = 0; i < matched->len; i++) {
		const Rule *rule = g_ptr_array_index(matched, i);
		if (rule->kind == RULE_ESCALATE &&
		    escalate_sum(matched, rule->label, unknown ? rule->pack : NULL) >= ESCALATE_SUM - ROUNDING)
			add_once(result->escalate, rule->label);
	}
}

static void note_match(RulesResult *result, const Rule *rule, GPtrArray *outage)
{
	switch (rule->kind) {
	case RULE_OUTAGE:
		result->score += rule->weight;
		g_ptr_array_add(outage, (gpointer)rule);
		break;
	case RULE_EVIDENCE:
		result->evidence = true;
		break;
	case RULE_ESCALATE: /* see note_escalations */
		break;
	case RULE_SENSITIVE:
		add_once(result->sensitive, rule->label);
		break;
	case RULE_STILL_AFFECTED:
		result->still_affected = true;
		break;
	case RULE_RECOVERED:
		result->recovered = true;
		break;
	}
}

/* One pack in one call of rules_match. */
typedef struct {
	const RulePack *pack;
	const RulePlaces *ways; /* what finds places; or NULL */
	const Places *places;   /* where to look in field; or NULL: everywhere */
	bool plainly;
	void *work;
	const Field *field;
	guint8 *open; /* for each rule the fields that it is still looked for in; 0 once it is found */
	guint8 bit;   /* of field */
	GPtrArray *matched; /* const Rule * */
	bool limited;
} Search;

static const Rule *rule_of(const Search *search, guint number)
{
	return g_ptr_array_index(search->pack->rules, number);
}

static void note_found(Search *search, guint number, RegexFound found)
{
	if (found == REGEX_NO)
		return;
	search->open[number] = 0;
	if (found == REGEX_YES)
		g_ptr_array_add(search->matched, (gpointer)rule_of(search, number));
	else
		search->limited = true;
}

static void try_rule(guint number, gsize at, void *context)
{
	Search *search = context;
	const Places *places = search->places;
	if (!(search->open[number] & search->bit) || (places && !places_has(places, places->starts + places->words * number, at)))
		return;
	const Rule *rule = rule_of(search, number);
	const Field *field = search->field;
	RegexSpan span = { 0, 0 };
	RegexFound found = regex_try(rule->regex, search->work, field->text, field->length, at, &span);
	if (found == REGEX_YES && rule->luhn && !luhn_holds(field->text + span.start, span.end - span.start))
		return;
	note_found(search, number, found);
}

static void search_rule(guint number, Search *search)
{
	if (!(search->open[number] & search->bit))
		return;
	const Rule *rule = rule_of(search, number);
	const Field *field = search->field;
	note_found(search, number, rule->luhn ? find_card(rule, search->work, field)
	                                      : regex_find(rule->regex, search->work, field->text, field->length, 0, NULL));
}

static void search_field(Search *search, const Field *field, guint8 bit)
{
	const RulePack *pack = search->pack;
	search->field = field;
	search->bit = bit;
	if (search->plainly) {
		for (guint i = 0; i < pack->rules->len; i++)
			search_rule(i, search);
		return;
	}
	search->places = search->ways ? rule_places_find(search->ways, &field->shape, field->text, field->length, search->open, bit) : NULL;
	const RuleIndex *index = search->places ? pack->rest : pack->index;
	const GArray *everywhere = rule_index_everywhere(index);
	for (guint i = 0; i < everywhere->len; i++)
		search_rule(g_array_index(everywhere, guint, i), search);
	rule_index_scan(index, field->text, field->length, search->open, bit, search->places, try_rule, search);
	if (search->places) {
		rule_places_lead(search->ways, search->places, search->open, bit, try_rule, search);
		rule_places_give(search->ways, search->places);
	}
}

/* Returns false where a limit ended a rule early. */
static bool search_pack(const Rules *rules, const RulePack *pack, void *work, const Field *fields, GPtrArray *matched)
{
	g_autofree guint8 *open = g_new(guint8, pack->rules->len);
	Search search = { .pack = pack, .plainly = rules->index_off, .work = work, .open = open, .matched = matched };
	search.ways = rules->index_off || rules->words_off ? NULL : pack->places;
	memcpy(open, pack->fields, pack->rules->len);
	search_field(&search, &fields[0], RULE_IN_SUBJECT);
	search_field(&search, &fields[1], RULE_IN_BODY);
	return !search.limited;
}

static int by_number(gconstpointer a, gconstpointer b)
{
	guint left = (*(const Rule *const *)a)->number, right = (*(const Rule *const *)b)->number;
	return left < right ? -1 : left > right;
}

/* Rules of a language are tried on texts of that language and on those whose language is not known. */
static bool is_for(const RulePack *pack, const char *language)
{
	return is_any(pack->language) || strcmp(language, "und") == 0 || strcmp(pack->language, language) == 0;
}

static GPtrArray *search_packs(const Rules *rules, const Field *fields, RulesResult *result)
{
	GPtrArray *matched = g_ptr_array_new();
	void *work = pool_take(rules->work);
	/* Before the message's time begins to count. */
	for (guint i = 0; i < rules->packs->len; i++)
		if (is_for(pack_at(rules, i), result->language))
			rule_pack_ready(pack_at(rules, i), (GMutex *)&rules->lock, rules->index_off);
	regex_work_begin(work);
	for (guint i = 0; i < rules->packs->len; i++)
		if (is_for(pack_at(rules, i), result->language))
			result->limited |= !search_pack(rules, pack_at(rules, i), work, fields, matched);
	pool_give(rules->work, work);
	return matched;
}

static void match_all(const Rules *rules, const Field *fields, RulesResult *result)
{
	g_autoptr(GPtrArray) matched = search_packs(rules, fields, result);
	g_autoptr(GPtrArray) outage = g_ptr_array_new();
	/* In the order of the files: adding up weights in another would give other last digits. */
	g_ptr_array_sort(matched, by_number);
	bool unknown = strcmp(result->language, "und") == 0;
	const char *likeliest = unknown ? likeliest_pack(matched) : NULL;
	for (guint i = 0; i < matched->len; i++) {
		const Rule *rule = g_ptr_array_index(matched, i);
		if (!unknown || rule->kind != RULE_OUTAGE || is_any(rule->pack) || rule->pack == likeliest)
			note_match(result, rule, outage);
	}
	note_escalations(result, matched, unknown);
	g_ptr_array_sort(outage, heavier_first);
	for (guint i = 0; i < outage->len; i++)
		g_ptr_array_add(result->names, (gpointer)((const Rule *)g_ptr_array_index(outage, i))->name);
	g_ptr_array_sort(result->escalate, by_name);
	g_ptr_array_sort(result->sensitive, by_name);
}

RulesResult *rules_match(const Rules *rules, const char *subject, const char *body)
{
	RulesResult *result = g_new0(RulesResult, 1);
	result->names = g_ptr_array_new();
	result->escalate = g_ptr_array_new();
	result->sensitive = g_ptr_array_new();
	Field fields[2] = { { .text = subject, .length = strlen(subject) }, { .text = body, .length = strlen(body) } };
	for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
		text_shape(&fields[i].shape, fields[i].text, fields[i].length);
	result->language = g_strdup(language_guess(fields[0].text, fields[1].text));
	match_all(rules, fields, result);
	return result;
}

void rules_result_free(RulesResult *result)
{
	if (!result)
		return;
	g_ptr_array_unref(result->names);
	g_ptr_array_unref(result->escalate);
	g_ptr_array_unref(result->sensitive);
	g_free(result->language);
	g_free(result);
}

RulesPattern *rules_pattern_new(const char *text, GError **error)
{
	gsize length = strlen(text);
	if (length == 0 || length > PATTERN_MAX_BYTES) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "a pattern has 1 to %d bytes, this one %" G_GSIZE_FORMAT,
		            PATTERN_MAX_BYTES, length);
		return NULL;
	}
	g_autofree char *folded = g_utf8_validate(text, (gssize)length, NULL) ? normal_pattern(text) : g_strdup(text);
	Regex *regex = regex_new(folded, error);
	if (!regex)
		return NULL;
	RulesPattern *pattern = g_new0(RulesPattern, 1);
	pattern->text = g_steal_pointer(&folded);
	regex_prepare(regex, true);
	pattern->regex = regex;
	pattern->work = regex_pool_new();
	return pattern;
}

void rules_pattern_free(RulesPattern *pattern)
{
	if (!pattern)
		return;
	regex_free(pattern->regex);
	pool_free(pattern->work);
	g_free(pattern->text);
	g_free(pattern);
}

char *rules_pattern_warning(const RulesPattern *pattern)
{
	return backtrack_check(pattern->text, pattern->regex);
}

bool rules_pattern_matches(const RulesPattern *pattern, const char *subject, const char *body)
{
	Field fields[2] = { { .text = subject, .length = strlen(subject) }, { .text = body, .length = strlen(body) } };
	void *work = pool_take(pattern->work);
	regex_work_begin(work);
	bool found = false;
	for (guint i = 0; i < 2 && !found; i++)
		found = regex_find(pattern->regex, work, fields[i].text, fields[i].length, 0, NULL) == REGEX_YES;
	pool_give(pattern->work, work);
	return found;
}
