/* rules-private: what the siblings of rules.c share. Layer: inspect.
 *
 *   rules.c           matching and its result, an incident's own words
 *   rules-load.c      reading the rules files
 *   rules-regex.c     the only file that knows PCRE2: compiling, bounded searching
 *   rules-index.c     finds the places of a text where a rule can match
 *   rules-starts.c    with which characters a match of a pattern can start
 *   rules-language.c  the language of a text, by its stop words */
#ifndef OUTAGE_INSPECT_RULES_PRIVATE_H
#define OUTAGE_INSPECT_RULES_PRIVATE_H

#include "inspect/rules.h"

/* A pool of work areas: one is taken for each call and given back, so that no two threads share one. */
typedef struct Pool Pool;
typedef void *(*PoolMake)(void *context);

/* make(context) builds a new area and may return NULL; context must outlive the pool. */
Pool *pool_new(PoolMake make, void *context, GDestroyNotify free_area);
void pool_free(Pool *pool);
void *pool_take(Pool *pool);
void pool_give(Pool *pool, void *area);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pool, pool_free)

/* One compiled pattern: UTF-8, Unicode properties, case-insensitive, JIT where the system lets us. */
typedef struct Regex Regex;
typedef enum { REGEX_NO, REGEX_YES, REGEX_LIMITED } RegexFound;
typedef struct { gsize start, end; } RegexSpan;

/* Returns NULL with OUTAGE_ERROR_INVALID (PCRE2's words and the offset) where pattern does not compile, or matches the
 * empty text and so would match every message. */
Regex *regex_new(const char *pattern, GError **error);
void regex_free(Regex *regex);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Regex, regex_free)

/* Work areas for regex_find: a match context with its limits and a JIT stack of its own. */
Pool *regex_pool_new(void);

/* Starts the time account of one message on this work area. */
void regex_work_begin(void *work);

/* Tries to match at offset at and nowhere else; otherwise like regex_find. */
RegexFound regex_try(const Regex *regex, void *work, const char *text, gsize length, gsize at, RegexSpan *span);

/* Searches length bytes of text (valid UTF-8) from offset from on. REGEX_LIMITED: a limit ended the search or the
 * message's time is used up. span may be NULL. */
RegexFound regex_find(const Regex *regex, void *work, const char *text, gsize length, gsize from, RegexSpan *span);

typedef enum {
	RULE_OUTAGE,
	RULE_EVIDENCE,
	RULE_ESCALATE,
	RULE_SENSITIVE,
	RULE_STILL_AFFECTED,
	RULE_RECOVERED,
} RuleKind;

enum { RULE_IN_SUBJECT = 1, RULE_IN_BODY = 2, RULE_IN_BOTH = 3 };

typedef struct {
	const char *name;  /* interned: results outlive a reload */
	RuleKind kind;
	const char *label; /* NAME of escalate.NAME and sensitive.NAME, static; NULL for the other classes */
	bool luhn;         /* a match counts only where its digits pass the check of ISO/IEC 7812 */
	guint fields;
	double weight;
	char *language;    /* "*" = any */
	char *pattern;     /* words expanded */
	Regex *regex;
} Rule;

/* A text as rules-index.c sees it: one symbol a byte. */
enum { START_DIGIT = 27, START_SPACE, START_HIGH, START_QUOTE, START_OTHER, START_SYMBOLS }; /* 0 = the end, 1 to 26 = a to z */
guint8 start_symbol(guchar byte);

#define START_KEY 3   /* symbols that are looked up at once */
#define START_DEPTH 7 /* symbols that are compared at most */

/* One way in which a match can begin. */
typedef struct {
	guint8 symbols[START_DEPTH + 1]; /* ends with 0 */
	guint8 length;
	bool closed;   /* nothing is known of what follows */
	bool boundary; /* a word's edge stands before it */
} Start;

/* Returns all beginnings (of Start) that a match of pattern can have, or NULL where that is not known. The pattern must be
 * one that PCRE2 takes. Caller unrefs. */
GArray *starts_of(const char *pattern);

/* Skips "?:" and its like behind a group's "(". Returns false for what is not followed; *zero_width tells a look-around. */
bool syntax_skip_group_kind(const char **at, bool *zero_width);

/* Reads a quantifier, if there is one. Returns false, leaving *place alone, where there is none. */
bool syntax_quantifier(const char **place, guint64 *least, guint64 *most);

/* Returns words (char *, lower-case ASCII, each of NEED_MIN bytes or more) of which every match of pattern holds at least one, or
 * NULL where no such set is known. The pattern must be one that PCRE2 takes. Caller unrefs. */
#define NEED_MIN 3
GPtrArray *needs_of(const char *pattern);

/* Finds in one pass which rules have one of their words in a text (Hyperscan). */
typedef struct RuleWords RuleWords;

/* rules: of Rule *. Returns NULL where the build has no Hyperscan, or none of the rules needs a word. */
RuleWords *rule_words_new(const GPtrArray *rules);
void rule_words_free(RuleWords *words);

/* Clears bit in open[i] for each rule i that needs a word and has none in text. */
void rule_words_close(const RuleWords *words, const char *text, gsize length, guint8 *open, guint8 bit);

typedef struct RuleIndex RuleIndex;
typedef void (*RuleTry)(guint rule, gsize at, void *context);

/* rules: of Rule *. Never NULL. */
RuleIndex *rule_index_new(const GPtrArray *rules);
void rule_index_free(RuleIndex *index);

/* Calls attempt for every rule and place where the rule can match; not for those of rule_index_everywhere. */
void rule_index_scan(const RuleIndex *index, const char *text, gsize length, RuleTry attempt, void *context);

/* Returns the rules (guint) that must be searched for plainly. */
const GArray *rule_index_everywhere(const RuleIndex *index);

struct Rules {
	gatomicrefcount refs;
	GPtrArray *all; /* Rule *, in the order of the files */
	RuleIndex *index;
	RuleWords *words; /* or NULL */
	bool index_off;
	Pool *work;
};

void rule_free(Rule *rule);

/* Returns an empty set of rules; rules_seal makes it ready to match once all is filled. */
Rules *rules_new(void);
void rules_seal(Rules *rules);

/* For tests: with off, every rule is searched for plainly. Not while others match. */
void rules_set_index_off(Rules *rules, bool off);

/* Returns the BCP 47 tag of the language that subject and body are written in (static), "und" where unsure. Only the
 * first KB is looked at. */
const char *language_guess(const char *subject, const char *body);

#endif
