/* fuzz-rules: any subject and body against a few rules of every kind, and any text as an incident's own words and as a rule. Words, index
 * and the plain search must agree. Layer: tests. */
#include "inspect/normal.h"
#include "inspect/rules-private.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const patterns[] = {
	"\\b(?:site|service|server)s?(?:\\s+\\w+){0,3}?\\s+(?:is|are)\\s+(?:still\\s+)?down\\b",
	"\\bcan(?:'t|not)\\s+(?:connect|reach)\\b",
	"(?<![$\\d])\\b50[0234]\\s+(?:error|service)\\b",
	"(?<=no\\s)internet|outages?\\b",
	"\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d",
	"(?:\\d[ -]?){13,19}",
	"é|ß+|[àâ]b",
	"(\\w+)\\s\\1",
	"(?:server|site|dienst)s?\\b(?:\\W+\\w+){0,4}?\\W+(?:down|dead|gest(?:or|ort))(?!\\s+(?:town|side))",
	"(?<=site\\s|server\\s)(?:error|down)\\b.{0,20}\\d|サーバー?[^。]{0,8}?(?:落ち|止)",
};

static void add_rule(Rules *rules, guint number, const char *pattern, Regex *regex)
{
	Rule *rule = g_new0(Rule, 1);
	g_autofree char *name = g_strdup_printf("r%u", number);
	rule->name = g_intern_string(name);
	rule->kind = RULE_OUTAGE;
	rule->fields = RULE_IN_BOTH;
	rule->weight = 1 << number;
	rule->luhn = number == 5;
	rule->language = g_strdup("*");
	rule->pattern = g_strdup(pattern);
	rule->regex = regex;
	g_ptr_array_add(rules->all, rule);
}

static Rules *build_rules(void)
{
	Rules *rules = rules_new();
	for (guint i = 0; i < G_N_ELEMENTS(patterns); i++) {
		g_autofree char *pattern = normal_pattern(patterns[i]);
		add_rule(rules, i, pattern, regex_new(pattern, NULL));
	}
	rules_seal(rules);
	return rules;
}

/* However rules are looked for, the same must be found. */
static void compare_ways(Rules *rules, const char *subject, const char *body)
{
	rules_set_ways(rules, true, true);
	g_autoptr(RulesResult) words = rules_match(rules, subject, body);
	rules_set_ways(rules, true, false);
	g_autoptr(RulesResult) index = rules_match(rules, subject, body);
	rules_set_ways(rules, false, false);
	g_autoptr(RulesResult) plain = rules_match(rules, subject, body);
	if (!words->limited && !index->limited && !plain->limited && (words->score != plain->score || index->score != plain->score))
		g_error("with words and index %g, with the index %g, plainly %g", words->score, index->score, plain->score);
}

static char *folded(const char *bytes)
{
	gsize length;
	g_autofree char *text = g_utf8_make_valid(bytes, -1);
	char *normal = normal_text(text, &length);
	return normal ? normal : g_steal_pointer(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Rules *rules;
	if (!rules)
		rules = build_rules();

	/* Subject, NUL, body. */
	g_autofree char *bytes = g_strndup((const char *)data, size);
	gsize subject_size = strlen(bytes);
	g_autofree char *rest = subject_size < size ? g_strndup((const char *)data + subject_size + 1, size - subject_size - 1) : g_strdup("");
	g_autofree char *subject = folded(bytes);
	g_autofree char *body = folded(rest);

	compare_ways(rules, subject, body);

	if (strlen(subject) <= 256) {
		RulesPattern *pattern = rules_pattern_new(subject, NULL);
		if (pattern)
			(void)rules_pattern_matches(pattern, subject, body);
		g_autofree char *warning = pattern && strlen(subject) <= 64 ? rules_pattern_warning(pattern) : NULL;
		rules_pattern_free(pattern);
		Regex *regex = strlen(subject) <= 64 ? regex_new(subject, NULL) : NULL;
		g_autoptr(Rules) one = regex ? rules_new() : NULL;
		if (one) {
			add_rule(one, 0, subject, regex);
			rules_seal(one);
			compare_ways(one, "", body);
		}
	}
	return 0;
}
