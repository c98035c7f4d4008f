/* rules-regex: compiling patterns and searching with them so that no pattern can hold up a message. Layer: inspect.
 *
 * Two bounds work together. PCRE2's match limit holds for each starting position, in the JIT too (which ignores the depth
 * limit); it counts backtracking, but not the characters that a greedy repeat runs over. So a search is cut into windows of
 * starting positions, the fewer the longer the text, and between windows the CPU time spent on this message is checked.
 * The JIT stack is the work area's own: PCRE2's built-in 32 KB is too small for long texts. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "inspect/rules-private.h"

#include "base/error.h"

#include <pcre2.h>
#include <string.h>
#include <time.h>

#define MATCH_LIMIT 20000                /* steps for one starting position */
#define HEAP_LIMIT_KIB 4096              /* where there is no JIT */
#define WINDOW_STEPS (128 * 1024 * 1024) /* characters read at worst between two looks at the clock */
#define TIME_US 250000                   /* CPU time of one message */
#define TRIES 64                         /* places tried between two looks at the clock */
#define JIT_STACK_START (32 * 1024)
#define JIT_STACK_MAX (1024 * 1024)      /* reserved, not touched unless needed */
#define POOL_IDLE_MAX 64

struct Pool {
	GMutex lock;
	GPtrArray *idle;
	PoolMake make;
	void *context;
	GDestroyNotify free_area;
};

struct Regex {
	char *pattern;
	pcre2_code *anchored; /* matches only where it is told to start */
	pcre2_code *code;     /* of regex_prepare, for searching; or NULL */
	bool prepared;
};

typedef struct {
	pcre2_match_context *context;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
	gint64 began_us;     /* of this message, on the clock that never jumps */
	gint64 began_cpu_us; /* the same on the thread's own */
	guint tries;         /* of regex_try */
	bool spent;
} RegexWork;

Pool *pool_new(PoolMake make, void *context, GDestroyNotify free_area)
{
	Pool *pool = g_new0(Pool, 1);
	g_mutex_init(&pool->lock);
	pool->idle = g_ptr_array_new_with_free_func(free_area);
	pool->make = make;
	pool->context = context;
	pool->free_area = free_area;
	return pool;
}

void pool_free(Pool *pool)
{
	if (!pool)
		return;
	g_ptr_array_unref(pool->idle);
	g_mutex_clear(&pool->lock);
	g_free(pool);
}

void *pool_take(Pool *pool)
{
	void *area = NULL;
	g_mutex_lock(&pool->lock);
	if (pool->idle->len > 0)
		area = g_ptr_array_steal_index_fast(pool->idle, pool->idle->len - 1);
	g_mutex_unlock(&pool->lock);
	return area ? area : pool->make(pool->context);
}

void pool_give(Pool *pool, void *area)
{
	g_mutex_lock(&pool->lock);
	bool keep = pool->idle->len < POOL_IDLE_MAX;
	if (keep)
		g_ptr_array_add(pool->idle, area);
	g_mutex_unlock(&pool->lock);
	if (!keep)
		pool->free_area(area);
}

static gint64 thread_cpu_us(void)
{
	struct timespec now;
	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0)
		return g_get_monotonic_time();
	return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void regex_work_free(void *area)
{
	RegexWork *work = area;
	pcre2_match_data_free(work->data);
	pcre2_match_context_free(work->context);
	pcre2_jit_stack_free(work->stack);
	g_free(work);
}

/* Never NULL: a work area is a few hundred bytes and, where there is no memory for those, GLib ends the program anyway. */
static void *regex_work_new(void *context G_GNUC_UNUSED)
{
	RegexWork *work = g_new0(RegexWork, 1);
	work->context = pcre2_match_context_create(NULL);
	work->data = pcre2_match_data_create(1, NULL);
	if (!work->context || !work->data)
		g_error("out of memory for a match context");
	pcre2_set_match_limit(work->context, MATCH_LIMIT);
	pcre2_set_heap_limit(work->context, HEAP_LIMIT_KIB);
	/* Without a stack of its own (no address space left) the JIT falls back on 32 KB, and a search may end limited. */
	work->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	if (work->stack)
		pcre2_jit_stack_assign(work->context, NULL, work->stack);
	return work;
}

Pool *regex_pool_new(void)
{
	return pool_new(regex_work_new, NULL, regex_work_free);
}

void regex_work_begin(void *area)
{
	RegexWork *work = area;
	work->began_us = g_get_monotonic_time();
	work->began_cpu_us = thread_cpu_us();
	work->tries = 0;
	work->spent = false;
}

/* Returns true where the message's time is used up. On a busy machine more time passes than was spent here, and the outcome
 * must not hang on that; but reading the thread's own clock is a system call, so the cheap one is asked first. */
static bool time_is_up(RegexWork *work)
{
	work->spent = work->spent ||
	              (g_get_monotonic_time() - work->began_us > TIME_US && thread_cpu_us() - work->began_cpu_us > TIME_US);
	return work->spent;
}

/* One call of PCRE2. */
static RegexFound match(const pcre2_code *code, RegexWork *work, const char *text, gsize length, gsize start, RegexSpan *span)
{
	int rc = pcre2_match(code, (PCRE2_SPTR)text, length, start, PCRE2_NO_UTF_CHECK, work->data, work->context);
	if (rc >= 0 && span) {
		const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(work->data);
		*span = (RegexSpan){ offsets[0], offsets[1] };
	}
	return rc >= 0 ? REGEX_YES : rc == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_LIMITED;
}

RegexFound regex_try(const Regex *regex, void *area, const char *text, gsize length, gsize at, RegexSpan *span)
{
	RegexWork *work = area;
	if (work->tries++ % TRIES == 0 ? time_is_up(work) : work->spent)
		return REGEX_LIMITED;
	pcre2_set_offset_limit(work->context, PCRE2_UNSET);
	return match(regex->anchored, work, text, length, at, span);
}

RegexFound regex_find(const Regex *regex, void *area, const char *text, gsize length, gsize from, RegexSpan *span)
{
	RegexWork *work = area;
	if (!regex->code)
		return REGEX_LIMITED;
	const gsize window = WINDOW_STEPS / (length + 1) + 1;
	for (gsize start = from; start <= length;) {
		if (time_is_up(work))
			return REGEX_LIMITED;
		gsize last = MIN(start + window, length);
		/* A window ends where a character starts: the next search must not begin inside one. */
		while (last < length && ((guchar)text[last] & 0xc0) == 0x80)
			last++;
		pcre2_set_offset_limit(work->context, last);
		RegexFound found = match(regex->code, work, text, length, start, span);
		if (found != REGEX_NO)
			return found;
		if (last == length)
			break;
		start = last;
	}
	return REGEX_NO;
}

bool regex_takes(const Regex *regex, const char *text, gsize length)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	int rc = pcre2_match(regex->anchored, (PCRE2_SPTR)text, length, 0, PCRE2_NO_UTF_CHECK, data, NULL);
	pcre2_match_data_free(data);
	return rc >= 0;
}

bool regex_is_limited(const Regex *regex, void *area, const char *text, gsize length, gsize at, guint32 limit)
{
	RegexWork *work = area;
	pcre2_set_match_limit(work->context, limit);
	pcre2_set_offset_limit(work->context, PCRE2_UNSET);
	int rc = pcre2_match(regex->anchored, (PCRE2_SPTR)text, length, at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, work->data, work->context);
	pcre2_set_match_limit(work->context, MATCH_LIMIT);
	return rc < 0 && rc != PCRE2_ERROR_NOMATCH;
}

static void set_pcre2_error(GError **error, int code, gsize offset)
{
	PCRE2_UCHAR text[256]; /* PCRE2 documents that its longest message fits */
	if (pcre2_get_error_message(code, text, sizeof text) < 0)
		g_strlcpy((char *)text, "unknown error", sizeof text);
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s at offset %" G_GSIZE_FORMAT, (char *)text, offset);
}

static pcre2_code *compile(const char *pattern, guint32 more, GError **error)
{
	const guint32 options = PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C | more;
	int code = 0;
	PCRE2_SIZE offset = 0;
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code, &offset, NULL);
	if (!compiled) {
		set_pcre2_error(error, code, offset);
		return NULL;
	}
	return compiled;
}

Regex *regex_new(const char *pattern, GError **error)
{
	g_autoptr(Regex) regex = g_new0(Regex, 1);
	regex->pattern = g_strdup(pattern);
	/* Start optimisations look far ahead, which does not pay where there is but one place to try. */
	regex->anchored = compile(pattern, PCRE2_ANCHORED | PCRE2_NO_START_OPTIMIZE, error);
	if (!regex->anchored)
		return NULL;

	RegexWork *work = regex_work_new(NULL);
	regex_work_begin(work);
	RegexFound empty = regex_try(regex, work, "", 0, 0, NULL);
	regex_work_free(work);
	if (empty == REGEX_YES) {
		g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID,
		                    "it matches the empty text and so would match every message");
		return NULL;
	}
	return g_steal_pointer(&regex);
}

void regex_prepare(Regex *regex, bool search)
{
	/* Where the system forbids writable code pages there is no JIT: slower, with the same limits. */
	if (!regex->prepared)
		(void)pcre2_jit_compile(regex->anchored, PCRE2_JIT_COMPLETE);
	regex->prepared = true;
	if (!search || regex->code)
		return;
	regex->code = compile(regex->pattern, PCRE2_USE_OFFSET_LIMIT, NULL);
	if (regex->code)
		(void)pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
}

void regex_free(Regex *regex)
{
	if (!regex)
		return;
	pcre2_code_free(regex->code);
	pcre2_code_free(regex->anchored);
	g_free(regex->pattern);
	g_free(regex);
}
