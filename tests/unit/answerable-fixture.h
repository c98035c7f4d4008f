/* answerable-fixture: a customer's mail with what a case changes in it, judged as the milter judges it. */
#ifndef OUTAGE_TESTS_ANSWERABLE_FIXTURE_H
#define OUTAGE_TESTS_ANSWERABLE_FIXTURE_H

#include "inspect/answerable.h"

#define TOKEN "outage-ack.0123456789abcdef0123456789abcdef"
#define OUR_ID "<" TOKEN "@example.org>"
#define MIME "MIME-Version: 1.0\nContent-Type: "
#define REPORT(type) MIME "multipart/report; report-type=" type "; boundary=b\n"

/* What is NULL is as in an ordinary customer's mail. */
typedef struct {
	const char *name;
	const char *expected;  /* reasons, "" = may be answered */
	const char *headers;   /* further ones, each with its line end */
	const char *sender, *from, *to, *subject, *reply_to; /* to: "-" = no such header */
	const char *body;
	const char *rcpt;      /* the envelope's */
	Via via;               /* VIA_FORM and VIA_LIST speak for writer, NULL = nobody */
	const char *writer;
} Case;

void assert_reasons(const Case *c);

/* Adds a test for each of cases, all about one reason. Some of them have to be for it and some against. */
void add_table(Reason reason, const Case *cases, guint count);

#endif
