/* fuzz-rules: any subject and body against a few rules of every kind, and any text as an incident's own words. The index
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
};

static Rules *build_rules(void)
{
	Rules *rules = rules_new();
	for (guint i = 0; i < G_N_ELEMENTS(patterns); i++) {
		Rule *rule = g_new0(Rule, 1);
		g_autofree char *name = g_strdup_printf("r%u", i);
		rule->name = g_intern_string(name);
		rule->kind = RULE_OUTAGE;
		rule->fields = RULE_IN_BOTH;
		rule->weight = 1 << i;
		rule->luhn = i == 5;
		rule->language = g_strdup("*");
		rule->pattern = normal_pattern(patterns[i]);
		rule->regex = regex_new(rule->pattern, NULL);
		g_ptr_array_add(rules->all, rule);
	}
	rules_seal(rules);
	return rules;
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

	g_autoptr(RulesResult) with = rules_match(rules, subject, body);
	rules_set_ways(rules, false, false);
	g_autoptr(RulesResult) without = rules_match(rules, subject, body);
	rules_set_ways(rules, true, true);
	if (!with->limited && !without->limited && with->score != without->score)
		g_error("with the index %g, without it %g", with->score, without->score);

	if (strlen(subject) <= 256) {
		RulesPattern *pattern = rules_pattern_new(subject, NULL);
		if (pattern)
			(void)rules_pattern_matches(pattern, subject, body);
		g_autofree char *warning = pattern && strlen(subject) <= 64 ? rules_pattern_warning(pattern) : NULL;
		rules_pattern_free(pattern);
		g_autoptr(Regex) regex = regex_new(subject, NULL);
		g_autoptr(GArray) starts = regex ? starts_of(subject) : NULL;
	}
	return 0;
}
