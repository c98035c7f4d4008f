/* rules-private: what the siblings of rules.c share. Layer: inspect.
 *
 *   rules.c           matching and its result, an incident's own words
 *   rules-load.c      reading the rules files
 *   rules-regex.c     the only file that knows PCRE2: compiling, bounded searching
 *   rules-backtrack.c finds patterns that backtrack badly
 *   rules-pack.c      the rules of one language, made ready when they are needed
 *   rules-index.c     finds the places of a text where a rule can match
 *   rules-starts.c    with which characters a match of a pattern can start
 *   rules-needs.c     words without which a pattern cannot match, and how far apart
 *   rules-words.c     finds those words (Hyperscan)
 *   rules-shape.c     a text in blocks, its longest runs and its digits
 *   rules-places.c    where in a text the words that a rule needs stand together
 *   rules-syntax.c    pieces of PCRE2's syntax
 *   rules-language.c  the language of a text, by its words; rules-language-words.c has them */
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

/* Makes it fast (JIT); with search, makes it ready for regex_find too, which costs as much again: most rules are only tried. Not while
 * others use it. */
void regex_prepare(Regex *regex, bool search);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Regex, regex_free)

/* Work areas for regex_find: a match context with its limits and a JIT stack of its own. */
Pool *regex_pool_new(void);

/* Starts the time account of one message on this work area. */
void regex_work_begin(void *area);

/* Tries to match at offset at and nowhere else; otherwise like regex_find. */
RegexFound regex_try(const Regex *regex, void *area, const char *text, gsize length, gsize at, RegexSpan *span);

/* Searches length bytes of text (valid UTF-8) from offset from on; after regex_prepare. REGEX_LIMITED: a limit ended the search or the
 * message's time is used up. span may be NULL. */
RegexFound regex_find(const Regex *regex, void *area, const char *text, gsize length, gsize from, RegexSpan *span);

/* For rules-backtrack.c. Returns true where the one character of text is a whole match. */
bool regex_takes(const Regex *regex, const char *text, gsize length);

/* Returns true where a try at offset at takes more steps than limit. Counted without JIT, so that the outcome is the same
 * everywhere. */
bool regex_is_limited(const Regex *regex, void *work, const char *text, gsize length, gsize at, guint32 limit);

/* Returns what is wrong with a pattern (regex is the same, compiled) that backtracks badly, in words, or NULL. Caller frees. Takes
 * up to some hundredths of a second. */
char *backtrack_check(const char *pattern, const Regex *regex);

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
	guint number;      /* in the order of the files */
	const char *pack;  /* language of its pack, interned */
	RuleKind kind;
	const char *label; /* NAME of escalate.NAME and sensitive.NAME, static; NULL for the other classes */
	bool luhn;         /* a match counts only where its digits pass the check of ISO/IEC 7812 */
	guint fields;
	double weight;
	char *language;    /* "*" = any */
	char *pattern;     /* words expanded, folded by normal_pattern */
	char *place;       /* "file:line" of the pattern */
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

/* A set of characters. Of ASCII each is told, of the others only whether there are any but white space, which may always be in it. */
typedef struct {
	guint64 may[2];  /* bit for each that may be in it */
	guint64 sure[2]; /* and for each that is, however case counts */
	bool is_high, is_all_high; /* some that are not ASCII may be in it; all of those are */
	bool is_other; /* of those that are not ASCII others than digits may be in it */
} SyntaxSet;

/* Reads the hexadecimal number of a character behind "\x": *c becomes it or, if it is not ASCII, 0x80. Returns false for what is not
 * followed. */
bool syntax_hex(const char **at, guchar *c);

/* Reads what follows a backslash that stands for one character. Returns false for what is not followed. */
bool syntax_escape_set(const char **at, SyntaxSet *set);

/* Reads a class behind its "["; the members (char *) are added where it is nothing but a list of them. Returns false for what is not
 * followed. */
bool syntax_class(const char **at, SyntaxSet *set, GPtrArray *members);

/* Returns true where all of it is white space; where white space (of ASCII) is in it; where letters, digits or "_" (of ASCII) are. */
bool syntax_is_white(const SyntaxSet *set);
bool syntax_has_white(const SyntaxSet *set);
bool syntax_has_word(const SyntaxSet *set);

/* Returns true where nothing is in it but digits. */
bool syntax_is_digit(const SyntaxSet *set);

/* How long a piece of text can be: so many characters, and so many times the longest run of white space of the text, and the longest
 * of other characters. */
typedef struct {
	guint characters, whites, solids;
	bool endless;
} Reach;

/* What must stand in a text, and where, for a pattern to match at a place: one of some words there, a digit of any
 * script, all or one of other needs. */
typedef struct Need Need;
typedef enum { NEED_WORDS, NEED_DIGIT, NEED_ALL, NEED_ONE } NeedKind;
typedef struct {
	Need *need;
	Reach before; /* it stands so far behind the place at most */
	Reach after;  /* or before it */
} NeedPart;
struct Need {
	NeedKind kind;
	GPtrArray *words; /* char *: lower-case ASCII and characters without case, of two bytes or more; one that begins with NEED_EDGE
	                   * only where no letter, digit or "_" (of ASCII) stands before it. Sorted */
	GArray *parts;    /* NeedPart; those of NEED_ALL with the least likely first */
	double chance;    /* a guess how often it is met in a text */
};
#define NEED_EDGE '\1'

/* Returns what every match of pattern needs at the place where it starts, or NULL where nothing is known. *leads: texts as words in Need,
 * but of any length, of which one stands right there, or NULL. The pattern must be one that PCRE2 takes. Caller frees both. */
Need *need_of(const char *pattern, GPtrArray **leads);

/* Returns true where a text is worth looking for as a word. */
bool need_is_word(const char *text);
void need_free(Need *need);

/* Finds many words in one pass over a text (Hyperscan), in whatever case. */
typedef struct RuleWords RuleWords;
typedef void (*RuleWordFound)(guint word, gsize end, void *context);

/* texts: char *. Returns NULL where the build has no Hyperscan, or it does not take them. */
RuleWords *rule_words_new(const GPtrArray *texts);
void rule_words_free(RuleWords *words);

/* Calls found for every place where one of the words stands. Returns false where the text could not be looked through. */
bool rule_words_find(const RuleWords *words, const char *text, gsize length, RuleWordFound found, void *context);

/* A text as rules-places.c sees it: in blocks, of which each is a bit. */
#define SHAPE_WORDS 8
typedef struct {
	gsize words; /* of 64 bits: SHAPE_WORDS at most */
	guint shift; /* a block has 1 << shift bytes */
	gsize character, whites, solids; /* bytes of the longest character, the longest run of white space, the longest of others */
	guint64 digits[SHAPE_WORDS];     /* blocks in which a digit of any script may start */
} TextShape;

void text_shape(TextShape *shape, const char *text, gsize length);

typedef void (*RuleTry)(guint rule, gsize at, void *context);

/* Finds in which parts of a text matches of each rule can start. */
typedef struct RulePlaces RulePlaces;

/* Of one text: a bit for each block, for each rule. */
typedef struct {
	gsize words; /* this and the next as of its shape */
	guint shift;
	guint64 *starts;    /* of rule i from starts[i * words] on */
	guint64 *any;       /* of all rules */
} Places;

static inline bool places_has(const Places *places, const guint64 *starts, gsize at)
{
	gsize block = at >> places->shift;
	return starts[block / 64] >> block % 64 & 1;
}

/* rules: of Rule *. leads: receives those of each (GPtrArray *, or NULL). Returns NULL where the build has no Hyperscan, or nothing is
 * known of any of the rules. */
RulePlaces *rule_places_new(const GPtrArray *rules, GPtrArray *leads);
void rule_places_free(RulePlaces *places);

/* Returns where rules with bit in open can match in text, which has this shape; clears bit in open for those that cannot match
 * anywhere. NULL: not known. Give it back. */
const Places *rule_places_find(const RulePlaces *places, const TextShape *shape, const char *text, gsize length, guint8 *open,
                               guint8 bit);

/* Calls attempt for every place where a rule with bit in open can match that starts with one of its leads. */
void rule_places_lead(const RulePlaces *places, const Places *found, const guint8 *open, guint8 bit, RuleTry attempt, void *context);
void rule_places_give(const RulePlaces *places, const Places *found);

typedef struct RuleIndex RuleIndex;

/* rules: of Rule *. leads: NULL, or of each rule the leads that rule_places_lead finds (GPtrArray *, or NULL): what they find is left
 * out. Never NULL. */
RuleIndex *rule_index_new(const GPtrArray *rules, const GPtrArray *leads);
void rule_index_free(RuleIndex *index);

/* Calls attempt for every place where a rule with bit in open can match, and perhaps for others that are not open; not for those of
 * rule_index_everywhere. places: NULL, or where it is enough to look. */
void rule_index_scan(const RuleIndex *index, const char *text, gsize length, const guint8 *open, guint8 bit, const Places *places,
                     RuleTry attempt, void *context);

/* Returns the rules (guint) that must be searched for plainly. */
const GArray *rule_index_everywhere(const RuleIndex *index);

/* Words of a language; no tag: one that is not told. */
typedef struct {
	const char *tag;
	const char *words; /* with a space between */
} LanguageWords;
enum { LANGUAGE_COUNT = 29 };
extern const LanguageWords language_words[LANGUAGE_COUNT];

/* Returns the BCP 47 tag of the language that subject and body (as normal_text leaves them) are written in (static), "und" where
 * unsure. Only their beginnings are looked at. */
const char *language_guess(const char *subject, const char *body);

/* Returns true for a frequent word (lower-case) of any language. */
bool language_has_word(const char *word);

/* The rules of one language, and what finds them in a text. */
typedef struct {
	const char *language; /* primary subtag, interned; "*": for any */
	GPtrArray *rules;     /* Rule *, not owned, in the order of the files */
	guint8 *fields;       /* of each */
	RuleIndex *index;     /* from here on only once it is ready */
	RulePlaces *places;   /* or NULL */
	RuleIndex *rest;      /* what remains for the index beside places; or NULL */
	gint ready;           /* atomic */
} RulePack;

/* rules: of Rule *, which must outlive the packs; numbers them. Returns RulePack *; caller unrefs. */
GPtrArray *rule_packs_new(const GPtrArray *rules);

/* Makes it ready where it is not, under lock; with search, for plain searching too. Afterwards any thread may use it. */
void rule_pack_ready(RulePack *pack, GMutex *lock, bool search);

struct Rules {
	gatomicrefcount refs;
	GPtrArray *all;   /* Rule *, in the order of the files */
	GPtrArray *packs; /* RulePack *; NULL until rules_seal */
	GMutex lock;      /* of making packs ready */
	bool index_off, words_off;
	Pool *work;
};

void rule_free(Rule *rule);

/* Returns an empty set of rules; rules_seal makes it ready to match once all is filled. */
Rules *rules_new(void);
void rules_seal(Rules *rules);

/* For benchmarks: more may be added until rules_seal is called again. */
void rules_unseal(Rules *rules);

/* For tests and benchmarks: with neither, every rule is searched for plainly; words (Hyperscan, where the build has it) want the
 * index. Not while others match. */
void rules_set_ways(Rules *rules, bool index, bool words);

#endif
