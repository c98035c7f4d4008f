/* authentic: who vouches for the sender of a mail and for its From: the SMTP session, Authentication-Results of our own filters,
 * and SPF as our helper answered it. Layer: inspect. Pure. RFC 7208, RFC 8601, RFC 4954. */
#ifndef OUTAGE_INSPECT_AUTHENTIC_H
#define OUTAGE_INSPECT_AUTHENTIC_H

#include <glib.h>
#include <stdbool.h>

#include "mail/message.h"

/* auth: the writer logged in to our own MTA (RFC 4954; RFC 8601's method "auth"). */
typedef enum { VERIFIED_NO, VERIFIED_SPF, VERIFIED_DKIM, VERIFIED_DMARC, VERIFIED_AUTH } Verified;
/* Returns "no", "spf", "dkim", "dmarc", "auth" (static). */
const char *verified_name(Verified verified);

/* RFC 7208 section 2.6; UNASKED: nobody asked. */
typedef enum {
	SPF_UNASKED, SPF_NONE, SPF_NEUTRAL, SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_TEMPERROR, SPF_PERMERROR
} SpfResult;
/* Returns "unasked", "none", "pass", ... (static). */
const char *spf_result_name(SpfResult result);
/* Reads one of those names, size bytes, lower case; false where it is none. */
bool spf_result_parse(const char *name, gsize size, SpfResult *result);

typedef struct {
	SpfResult result;
	bool broad;           /* the policy passes every address, so a pass says nothing */
} SpfAnswer;

typedef struct {
	char *client;         /* textual IP of the first hop outside, or NULL where only the policy is asked about */
	char *helo;           /* its HELO name or NULL */
	char *sender;         /* envelope sender, never NULL */
	bool policy_only;     /* our own filter said pass; all that is asked is whether the policy is broad */
} SpfQuestion;
void spf_question_clear(SpfQuestion *question);

typedef struct {
	const char *const *trusted_ids;        /* authserv-ids in lower case, NULL-terminated */
	bool all_instances;                    /* every header of these ids is ours (RFC 8601 section 5), not only the topmost of each */
	const char *const *submission_domains; /* domains whose users log in with a bare name */
	/* Returns true where ip is one of our own relays, behind which the first hop outside counts. NULL: there are none. */
	bool (*is_relay)(const char *ip, gconstpointer data);
	gconstpointer data;
} AuthenticSettings;

typedef struct {
	Verified sender;      /* who vouches for the envelope sender: an acknowledgement may go to it */
	Verified from;        /* who vouches for the From address: its account may be believed */
	bool header_seen;     /* a trusted Authentication-Results was there, counted and could be read */
	bool asks;            /* SPF could still change one of the two: question says what to ask */
	SpfQuestion question; /* set where asks */
} Authentic;
void authentic_clear(Authentic *authentic);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Authentic, authentic_clear)

/* Judges message. *authentic: zeroed, or judged before. from: addr-spec of the only From, or NULL where there is none
 * or several. spf: what the helper answered to authentic->question, or NULL.
 *
 * For the envelope sender: auth where the login is that address (or its local part, in one of submission_domains);
 * spf=pass of a trusted header whose smtp.mailfrom is the sender or its domain; spf as answered; DKIM (header.d
 * aligned) and DMARC only where From is the envelope sender itself. For From: dmarc=pass with its domain, dkim=pass
 * aligned, auth where From is the sender that logged in, spf where the sender passed and is aligned with From. A broad
 * policy is no policy, whoever found the pass. Aligned: the same organisational domain (libpsl). Of mail that came with
 * a login, other than a relay's, the headers count for nothing.
 *
 * `asks` is false where: the mail was submitted with a login (its client is the user's own machine); a trusted header
 * has an SPF result for this sender other than pass or temperror; the client is unknown, a loopback address, or a relay
 * of ours whose Received does not tell whom it had it from; the sender is no address. It is true with policy_only where
 * a trusted spf=pass is the only voucher of sender or From. */
void authentic_judge(Authentic *authentic, const AuthenticSettings *settings, const Message *message, const char *from,
    const SpfAnswer *spf);

#endif
