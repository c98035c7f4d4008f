/* rules: weighted patterns (PCRE2) that tell outage mail, escalations, secrets and evidence. Layer: inspect.
 * Loaded once, read by all threads; rules-index.c finds the candidates first. Pure: no I/O after rules_load.
 *
 * A rules file (libconfig):
 *     language = "en";                        # BCP 47, "*" = any
 *     rules = ( { name = "site_down"; class = "outage"; field = "both"; weight = 4.0; pattern = "..."; } );
 * class: outage (adds its weight to the score; negative weights take away), evidence, escalate.NAME, sensitive.NAME,
 * still-affected, recovered. field: subject, body, both.
 * An escalate class is known where the weights of its rules that match, each once, come to 1 or more: a rule that names no
 * weight has 1 and is enough on its own, 0.5 wants company, and one below 0 (how to prevent it, a mere mention) takes away. */
#ifndef OUTAGE_INSPECT_RULES_H
#define OUTAGE_INSPECT_RULES_H

#include <glib.h>
#include <stdbool.h>

typedef struct Rules Rules;

/* Reads every *.conf of dir in byte order. Every mistake is appended to mistakes (char *, "file:line: what is wrong") and the
 * rest is still read, so that -t names all at once; with mistakes the result must not be used for mail. Returns NULL only
 * where dir cannot be read. Caller frees with rules_unref. */
Rules *rules_load(const char *dir, GPtrArray *mistakes);
Rules *rules_ref(Rules *rules);
void rules_unref(Rules *rules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rules, rules_unref)

/* Appends a line ("file:line: warning: ...", char *) to warnings for every rule that works but will be given up on some texts. For
 * -t: takes up to a few seconds. */
void rules_warnings(const Rules *rules, GPtrArray *warnings);

/* Makes the rules ready of every language that like has had texts in (NULL: of all), which takes about a tenth of a second of
 * processor time a language: else the first text in it does. Not needed; for when nobody waits. */
void rules_warm(Rules *rules, const Rules *like);
/* The same for one language (BCP 47) and the rules for any. */
void rules_warm_language(Rules *rules, const char *language);

/* Returns how many rules there are. */
guint rules_count(const Rules *rules);

typedef struct {
	double score;          /* sum of the weights of the outage rules that matched, each once; where the language is unknown, of those
	                        * for any language and of the one pack that gives most */
	GPtrArray *names;      /* const char *, outage rules that matched (negative ones too), heaviest first */
	GPtrArray *escalate;   /* const char *: legal, media, refund, security, data-loss, privacy, churn; where the
	                        * language is unknown, weights are summed up within each pack */
	GPtrArray *sensitive;  /* const char *: api-key, private-key, password, card-number */
	bool evidence;         /* carries what an engineer can use */
	bool still_affected;   /* says that it is not fixed */
	bool recovered;        /* says that it works again */
	char *language;        /* BCP 47 of the text itself as far as stop words tell, or "und" */
	bool limited;          /* a match limit ended a rule early; it counts as no match */
} RulesResult;

/* Matches subject and body (valid UTF-8, not NULL, as normal_text leaves them). Never fails; caller frees. Safe from any thread. */
RulesResult *rules_match(const Rules *rules, const char *subject, const char *body);
void rules_result_free(RulesResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RulesResult, rules_result_free)

/* An incident's own words (TEXT_MATCH), folded by normal_pattern and compiled off the message path, case-insensitive, UTF, UCP,
 * bounded. */
typedef struct RulesPattern RulesPattern;
RulesPattern *rules_pattern_new(const char *text, GError **error);
void rules_pattern_free(RulesPattern *pattern);
/* Returns in words what is wrong with a pattern that works but will be given up on some texts, or NULL. Caller frees. */
char *rules_pattern_warning(const RulesPattern *pattern);
bool rules_pattern_matches(const RulesPattern *pattern, const char *subject, const char *body);

#endif
