/* rules: what subject and body of one message say, by weighted patterns (see rules.h). Layer: inspect.
 *
 * One message: curly quotes are folded to ASCII, the language is guessed, the index names the places where a rule can match,
 * and PCRE2 decides on each of them. A Rules never changes once it is loaded; what a call needs for itself comes from a pool. */
#include "inspect/rules-private.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

#define PATTERN_MAX_BYTES 1024 /* of an incident's own words */
#define CARD_TRIES 4096        /* runs of digits looked at before we give up on a text full of them */

typedef struct {
	const char *text; /* folded, or the caller's own */
	char *folded;
	gsize length;
} Field;

struct RulesPattern {
	Regex *regex;
	Pool *work;
};

void rule_free(Rule *rule)
{
	regex_free(rule->regex);
	g_free(rule->language);
	g_free(rule->pattern);
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
	return rules;
}

void rules_seal(Rules *rules)
{
	rules->index = rule_index_new(rules->all);
	rules->words = rule_words_new(rules->all);
}

void rules_set_index_off(Rules *rules, bool off)
{
	rules->index_off = off;
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
	rule_index_free(rules->index);
	rule_words_free(rules->words);
	pool_free(rules->work);
	g_ptr_array_unref(rules->all);
	g_free(rules);
}

guint rules_count(const Rules *rules)
{
	return rules->all->len;
}

/* Characters that are folded to ASCII: quotes, because people type them either way; and the two letters that PCRE2 takes
 * for an ASCII letter in another case, because the index knows bytes only. */
static const struct {
	const char *from;
	char to;
} folds[] = {
	{ "\xe2\x80\x98", '\'' }, { "\xe2\x80\x99", '\'' }, { "\xe2\x80\x9a", '\'' }, { "\xe2\x80\x9b", '\'' },
	{ "\xe2\x80\x9c", '"' },  { "\xe2\x80\x9d", '"' },  { "\xe2\x80\x9e", '"' },  { "\xe2\x80\x9f", '"' },
	{ "\xc2\xb4", '\'' },      { "\xca\xbc", '\'' },     { "\xc5\xbf", 's' },     { "\xe2\x84\xaa", 'k' },
};

static bool is_ascii(const char *text, gsize length)
{
	gsize i = 0;
	for (; i + sizeof(guint64) <= length; i += sizeof(guint64)) {
		guint64 eight;
		memcpy(&eight, text + i, sizeof eight);
		if (eight & G_GUINT64_CONSTANT(0x8080808080808080))
			return false;
	}
	for (; i < length; i++) {
		if ((guchar)text[i] >= 0x80)
			return false;
	}
	return true;
}

/* Returns the ASCII character that the one at c is folded to, and its size in bytes; 0 where it is not. */
static char fold_at(const char *c, gsize *size)
{
	guchar lead = (guchar)*c;
	if (lead != 0xe2 && lead != 0xc2 && lead != 0xca && lead != 0xc5)
		return 0;
	for (guint i = 0; i < G_N_ELEMENTS(folds); i++) {
		*size = strlen(folds[i].from);
		if (strncmp(c, folds[i].from, *size) == 0)
			return folds[i].to;
	}
	return 0;
}

static Field field_new(const char *text)
{
	Field field = { text, NULL, strlen(text) };
	if (is_ascii(text, field.length))
		return field;
	char *out = field.folded = g_malloc(field.length + 1);
	for (const char *in = text; *in;) {
		gsize size = 1;
		char folded = (guchar)*in >= 0x80 ? fold_at(in, &size) : 0;
		*out++ = folded ? folded : *in;
		in += folded ? size : 1;
	}
	*out = '\0';
	field.text = field.folded;
	field.length = (gsize)(out - field.folded);
	return field;
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

/* A rule of a language is tried on texts of that language and on those whose language is not known. */
static bool language_fits(const char *rule, const char *text)
{
	if (strcmp(rule, "*") == 0 || strcmp(text, "und") == 0)
		return true;
	gsize length = strcspn(rule, "-");
	return length == strcspn(text, "-") && strncmp(rule, text, length) == 0;
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
	case RULE_ESCALATE:
		add_once(result->escalate, rule->label);
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

/* One call of rules_match. */
typedef struct {
	const Rules *rules;
	void *work;
	const Field *field;
	guint8 *open; /* for each rule the fields that it is still looked for in */
	guint8 bit;   /* of field */
	bool *matched;
	bool limited;
} Search;

static void note_found(Search *search, guint rule, RegexFound found)
{
	if (found == REGEX_YES) {
		search->matched[rule] = true;
		search->open[rule] = 0;
	} else if (found == REGEX_LIMITED) {
		search->limited = true;
		search->open[rule] = 0;
	}
}

static void try_rule(guint number, gsize at, void *context)
{
	Search *search = context;
	if (!(search->open[number] & search->bit))
		return;
	const Rule *rule = g_ptr_array_index(search->rules->all, number);
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
	const Rule *rule = g_ptr_array_index(search->rules->all, number);
	const Field *field = search->field;
	note_found(search, number, rule->luhn ? find_card(rule, search->work, field)
	                                      : regex_find(rule->regex, search->work, field->text, field->length, 0, NULL));
}

static bool any_open(const Search *search)
{
	for (guint i = 0; i < search->rules->all->len; i++)
		if (search->open[i] & search->bit)
			return true;
	return false;
}

static void search_field(Search *search, const Field *field, guint8 bit)
{
	const Rules *rules = search->rules;
	search->field = field;
	search->bit = bit;
	if (rules->index_off) {
		for (guint i = 0; i < rules->all->len; i++)
			search_rule(i, search);
		return;
	}
	if (rules->words)
		rule_words_close(rules->words, field->text, field->length, search->open, bit);
	if (!any_open(search))
		return;
	const GArray *everywhere = rule_index_everywhere(rules->index);
	for (guint i = 0; i < everywhere->len; i++)
		search_rule(g_array_index(everywhere, guint, i), search);
	rule_index_scan(rules->index, field->text, field->length, try_rule, search);
}

static void match_all(const Rules *rules, const Field *fields, RulesResult *result)
{
	g_autofree guint8 *open = g_new0(guint8, rules->all->len + 1);
	g_autofree bool *matched = g_new0(bool, rules->all->len + 1);
	for (guint i = 0; i < rules->all->len; i++) {
		const Rule *rule = g_ptr_array_index(rules->all, i);
		open[i] = language_fits(rule->language, result->language) ? (guint8)rule->fields : 0;
	}
	Search search = { .rules = rules, .work = pool_take(rules->work), .open = open, .matched = matched };
	regex_work_begin(search.work);
	search_field(&search, &fields[0], RULE_IN_SUBJECT);
	search_field(&search, &fields[1], RULE_IN_BODY);
	pool_give(rules->work, search.work);
	result->limited = search.limited;

	g_autoptr(GPtrArray) outage = g_ptr_array_new();
	for (guint i = 0; i < rules->all->len; i++) {
		if (matched[i])
			note_match(result, g_ptr_array_index(rules->all, i), outage);
	}
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
	Field fields[2] = { field_new(subject), field_new(body) };
	result->language = g_strdup(language_guess(fields[0].text, fields[1].text));
	match_all(rules, fields, result);
	g_free(fields[0].folded);
	g_free(fields[1].folded);
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
	Regex *regex = regex_new(text, error);
	if (!regex)
		return NULL;
	RulesPattern *pattern = g_new0(RulesPattern, 1);
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
	g_free(pattern);
}

bool rules_pattern_matches(const RulesPattern *pattern, const char *subject, const char *body)
{
	Field fields[2] = { field_new(subject), field_new(body) };
	void *work = pool_take(pattern->work);
	regex_work_begin(work);
	bool found = false;
	for (guint i = 0; i < 2 && !found; i++)
		found = regex_find(pattern->regex, work, fields[i].text, fields[i].length, 0, NULL) == REGEX_YES;
	pool_give(pattern->work, work);
	g_free(fields[0].folded);
	g_free(fields[1].folded);
	return found;
}
