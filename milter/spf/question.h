/* question: what is asked of the helper outage-spf and what it answers, as lines over its standard input and output.
 * Layer: spf.
 *
 *     question = "Q" HT serial HT timeout HT what HT client HT helo HT sender LF
 *     answer   = "A" HT serial HT result HT breadth HT reason LF
 *     serial   = 1*20DIGIT                  timeout = 1*9DIGIT            ; milliseconds
 *     what     = "check" / "policy"         ; policy: only how broad the domain's policy is
 *     result   = "none" / "neutral" / "pass" / "fail" / "softfail" / "temperror" / "permerror"     ; RFC 7208 section 2.6
 *     breadth  = "broad" / "narrow"         ; broad: the policy passes every address
 *     client, helo, sender, reason = *( VCHAR / %x80-FF / "%" 2HEXDIG )     ; escaped: "%", controls and white space
 *
 * One question at a time; the helper answers each. Both sides read what the other wrote as if a stranger had. */
#ifndef OUTAGE_SPF_QUESTION_H
#define OUTAGE_SPF_QUESTION_H

#include <glib.h>
#include <stdbool.h>

#include "inspect/authentic.h"

/* No line is longer (bytes): three values of at most 1,024 bytes, each byte escaped. */
#define SPF_LINE_MAX 10240

/* Returns the line for question, with its LF; timeout in ms. Values longer than 1,024 bytes are cut (they name nothing in DNS).
 * Caller frees. */
char *spf_question_write(const SpfQuestion *question, guint64 serial, gint64 timeout);

/* Reads a line (size bytes, without the LF). False with OUTAGE_ERROR_INVALID where it is none. The strings in *question are the
 * caller's to free with spf_question_clear. */
bool spf_question_read(const char *line, gsize size, SpfQuestion *question, guint64 *serial, gint64 *timeout, GError **error);

/* The same for answers. reason: one line for the log, may be NULL; *reason (may be NULL) is the caller's to free. */
char *spf_answer_write(const SpfAnswer *answer, guint64 serial, const char *reason);
bool spf_answer_read(const char *line, gsize size, SpfAnswer *answer, guint64 *serial, char **reason, GError **error);

#endif
