/* milterload-packets: what milterload says as the MTA: the negotiation, and the steps of a message as packets, as far as the milter
 * wants them. Benchmarks only. */
#include "milterload-private.h"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <stdarg.h>
#include <string.h>

#define PROTOCOL_VERSION 6u
#define OFFER_ACTIONS 0x1ffu    /* everything an MTA of version 6 lets a milter change */
#define OFFER_STEPS 0x1fffffu   /* every step flag of version 6 */
#define CHUNK 65535u            /* the most that one body packet carries */

/* Which flags of the negotiation leave a step out, or leave it without a reply. */
static const struct { guint32 unwanted, unanswered; } step_flags[STEPS] = {
	[STEP_CONNECT] = { SMFIP_NOCONNECT, SMFIP_NR_CONN }, [STEP_HELO] = { SMFIP_NOHELO, SMFIP_NR_HELO },
	[STEP_MAIL] = { SMFIP_NOMAIL, SMFIP_NR_MAIL },       [STEP_RCPT] = { SMFIP_NORCPT, SMFIP_NR_RCPT },
	[STEP_DATA] = { SMFIP_NODATA, SMFIP_NR_DATA },       [STEP_HEADER] = { SMFIP_NOHDRS, SMFIP_NR_HDR },
	[STEP_EOH] = { SMFIP_NOEOH, SMFIP_NR_EOH },          [STEP_BODY] = { SMFIP_NOBODY, SMFIP_NR_BODY },
	[STEP_EOM] = { 0, 0 },
};

void put_packet(Connection *c, char command, const void *data, gsize size)
{
	guint32 length = htonl((guint32)size + 1);
	g_byte_array_append(c->out, (const guint8 *)&length, sizeof length);
	g_byte_array_append(c->out, (const guint8 *)&command, 1);
	if (size > 0)
		g_byte_array_append(c->out, data, (guint)size);
}

/* Appends text with its NUL. */
static void put_string(GByteArray *data, const char *text)
{
	g_byte_array_append(data, (const guint8 *)text, (guint)strlen(text) + 1);
}

/* Sends strings (up to NULL) as the data of command, each with its NUL. */
G_GNUC_NULL_TERMINATED static void put_strings(Connection *c, char command, ...)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	va_list args;
	va_start(args, command);
	for (const char *text = va_arg(args, const char *); text != NULL; text = va_arg(args, const char *))
		put_string(data, text);
	va_end(args);
	put_packet(c, command, data->data, data->len);
}

/* Sends macros (name, value, ..., NULL) that belong to command. */
G_GNUC_NULL_TERMINATED static void put_macros(Connection *c, char command, ...)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	g_byte_array_append(data, (const guint8 *)&command, 1);
	va_list args;
	va_start(args, command);
	for (const char *text = va_arg(args, const char *); text != NULL; text = va_arg(args, const char *))
		put_string(data, text);
	va_end(args);
	put_packet(c, SMFIC_MACRO, data->data, data->len);
}

void put_negotiation(Connection *c)
{
	guint32 words[3] = { htonl(PROTOCOL_VERSION), htonl(OFFER_ACTIONS), htonl(OFFER_STEPS) };
	put_packet(c, SMFIC_OPTNEG, words, sizeof words);
}

static void put_connect(Connection *c)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	guint16 port = htons(25000);
	put_macros(c, SMFIC_CONNECT, "j", "mx.example", "{daemon_name}", "mx.example", "v", "milterload", NULL);
	put_string(data, "client.example");
	g_byte_array_append(data, (const guint8 *)"4", 1);
	g_byte_array_append(data, (const guint8 *)&port, sizeof port);
	put_string(data, "192.0.2.25");
	put_packet(c, SMFIC_CONNECT, data->data, data->len);
}

static void put_header(Connection *c, const Header *header)
{
	g_autofree char *spaced = c->flags & SMFIP_HDR_LEADSPC ? g_strconcat(" ", header->value, NULL) : NULL;
	put_strings(c, SMFIC_HEADER, header->name, spaced != NULL ? spaced : header->value, NULL);
}

/* Sends the next piece of the body; returns true where more is left. */
static bool put_body(Connection *c)
{
	const char *body = c->outage ? run.outage_body : run.plain_body;
	gsize size = c->outage ? run.outage_size : run.plain_size;
	gsize piece = MIN(size - c->body_at, CHUNK);
	put_packet(c, SMFIC_BODY, body + c->body_at, piece);
	c->body_at += piece;
	run.body_bytes += piece;
	return c->body_at < size;
}

/* Sends what c->step stands for (one header, one chunk of the body). Returns true where the step has more to send. */
static bool put_step(Connection *c)
{
	g_autofree char *sender = g_strdup_printf("<user%d@%s>", sender_number(c), options.domain);
	g_autofree char *rcpt = g_strdup_printf("<%s>", options.rcpt);
	g_autofree char *queue_id = g_strdup_printf("4Load%08d", c->number);

	switch (c->step) {
	case STEP_CONNECT:
		put_connect(c);
		return false;
	case STEP_HELO:
		put_strings(c, SMFIC_HELO, "client.example", NULL);
		return false;
	case STEP_MAIL:
		put_macros(c, SMFIC_MAIL, "{mail_addr}", sender, "{mail_mailer}", "virtual", NULL);
		put_strings(c, SMFIC_MAIL, sender, NULL);
		return false;
	case STEP_RCPT:
		put_macros(c, SMFIC_RCPT, "{rcpt_addr}", options.rcpt, "{rcpt_mailer}", "virtual", NULL);
		put_strings(c, SMFIC_RCPT, rcpt, NULL);
		return false;
	case STEP_DATA:
		put_macros(c, SMFIC_DATA, "i", queue_id, NULL);
		put_packet(c, SMFIC_DATA, NULL, 0);
		return false;
	case STEP_HEADER:
		put_header(c, &g_array_index(c->headers, Header, c->header));
		return ++c->header < c->headers->len;
	case STEP_EOH:
		put_packet(c, SMFIC_EOH, NULL, 0);
		return false;
	case STEP_BODY:
		return put_body(c);
	case STEP_EOM:
	case STEPS:
		break;
	}
	c->ended = now_us();
	put_macros(c, SMFIC_BODYEOB, "i", queue_id, NULL);
	put_packet(c, SMFIC_BODYEOB, NULL, 0);
	return false;
}

void advance(Connection *c)
{
	for (;;) {
		bool unwanted = (step_flags[c->step].unwanted & c->flags) != 0;
		bool more = unwanted ? false : put_step(c);
		if (!unwanted && (step_flags[c->step].unanswered & c->flags) == 0)
			return;
		if (!more)
			c->step++;
	}
}
