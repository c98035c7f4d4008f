/* reason-words: the codes that say why there was no acknowledgement (inspect/answerable.h), in words. One table for report, replay and
 * explain. Layer: program. */
#ifndef OUTAGECTL_REASON_WORDS_H
#define OUTAGECTL_REASON_WORDS_H

/* Returns what goes on from "no acknowledgement, because", e.g. "a machine wrote it"; for a code that is none of ours the code (static, or
 * code). */
const char *reason_words(const char *code);

/* Returns a sentence or two on it, with what to do about it; NULL for a code that is none (static). */
const char *reason_advice(const char *code);

#endif
