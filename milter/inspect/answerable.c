/* answerable: all reasons why a machine must not answer a mail, each judged by itself. Layer: inspect. Pure.
 *
 * Here stand the names of the reasons and those judgements that look at more than one place of a mail; what a
 * single header field gives away is answerable-headers.c, names and subjects answerable-sender.c. */
#include "inspect/answerable.h"

#include <string.h>

#include "base/address.h"
#include "inspect/answerable-private.h"

#define HEX_DIGITS 32

static const char *const NAMES[REASONS] = {
	[REASON_NULL_SENDER] = "null-sender",
	[REASON_OWN_ADDRESS] = "own-address",
	[REASON_AUTO_SUBMITTED] = "auto-submitted",
	[REASON_LIST_MAIL] = "list-mail",
	[REASON_PRECEDENCE] = "precedence",
	[REASON_AUTO_RESPONSE_SUPPRESS] = "auto-response-suppress",
	[REASON_VENDOR_AUTO] = "vendor-auto",
	[REASON_LOOP] = "loop",
	[REASON_REPORT] = "report",
	[REASON_SYSTEM_SENDER] = "system-sender",
	[REASON_AUTO_SUBJECT] = "auto-subject",
	[REASON_SPAM] = "spam",
	[REASON_NOT_ADDRESSED] = "not-addressed",
	[REASON_NO_INCIDENT] = "no-incident",
	[REASON_NO_MATCH] = "no-match",
	[REASON_VIP] = "vip",
	[REASON_ESCALATED] = "escalated",
	[REASON_SENSITIVE] = "sensitive",
	[REASON_ROUTE] = "route",
	[REASON_STALE] = "stale",
	[REASON_PAUSED] = "paused",
	[REASON_UNAUTHENTICATED] = "unauthenticated",
	[REASON_BOUNCED] = "bounced",
	[REASON_ALREADY_ACKED] = "already-acked",
	[REASON_RATE] = "rate",
	[REASON_STORE] = "store",
};

G_STATIC_ASSERT(REASONS <= 32);

const char *reason_name(Reason reason)
{
	return (guint)reason < REASONS ? NAMES[reason] : "unknown";
}

char *reason_list(ReasonSet set)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (guint i = 0; i < REASONS; i++) {
		if (!(set & REASON_BIT(i)))
			continue;
		if (out->len > 0)
			g_string_append_c(out, ',');
		g_string_append(out, NAMES[i]);
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* our-id = ["<"] "outage-ack." 32HEXDIG "@" domain [">"]
 * Returns the length of the one that text starts with, or 0. */
static gsize our_id_length(const char *text)
{
	const char *at = text + (*text == '<');
	gsize domain;

	if (!g_str_has_prefix(at, OUR_MESSAGE_ID_PREFIX))
		return 0;
	at += strlen(OUR_MESSAGE_ID_PREFIX);
	if (strspn(at, "0123456789abcdef") != HEX_DIGITS || at[HEX_DIGITS] != '@')
		return 0;
	at += HEX_DIGITS + 1;
	domain = strcspn(at, "<>@,;() \t\r\n");
	at += domain;
	if (domain == 0 || *at == '@' || *at == '<')
		return 0;
	if (*text == '<' && *at++ != '>')
		return 0;
	return (gsize)(at - text);
}

bool answerable_is_our_message_id(const char *message_id)
{
	gsize length;

	if (!message_id)
		return false;
	message_id += strspn(message_id, " \t\r\n");
	length = our_id_length(message_id);
	return length > 0 && strspn(message_id + length, " \t\r\n") == strlen(message_id + length);
}

/* Returns true where one of the ids in value (of In-Reply-To or References) is ours. */
static bool has_our_id(const char *value)
{
	for (const char *at = strstr(value, OUR_MESSAGE_ID_PREFIX); at; at = strstr(at + 1, OUR_MESSAGE_ID_PREFIX))
		if ((at == value || strchr("<, \t\r\n", at[-1])) && our_id_length(at) > 0)
			return true;
	return false;
}

bool answerable_list_has(const char *const *list, const char *text)
{
	g_autoptr(Address) address = list && *list && text ? address_parse(text, NULL) : NULL;
	g_autofree char *normal = NULL;
	g_autofree char *untagged = NULL;

	if (!address)
		return false;
	normal = address_normal(address);
	untagged = address_normal_untagged(address);
	for (; *list; list++) {
		if (g_str_equal(*list, normal) || g_str_equal(*list, untagged))
			return true;
		if (**list == '@' && g_str_equal(*list + 1, address->domain))
			return true;
	}
	return false;
}

/* Returns the word of value that stands for an address, where none is one: a bounce's From is often
 * "MAILER-DAEMON". */
static char *bare_word(const char *value)
{
	const char *open = strrchr(value, '<');
	const char *start = open ? open + 1 : value;

	start += strspn(start, " \t\r\n\"");
	return g_strndup(start, strcspn(start, " \t\r\n\">("));
}

/* Returns those whom the header name speaks of: given where the caller found exactly one address there, else all
 * that it has. */
static GPtrArray *people_in(const Message *message, const char *name, const char *given)
{
	GPtrArray *people = g_ptr_array_new_with_free_func(g_free);

	if (given) {
		g_ptr_array_add(people, g_strdup(given));
		return people;
	}
	for (guint i = 0; i < message->headers->len; i++) {
		const Header *header = g_ptr_array_index(message->headers, i);
		g_autoptr(GPtrArray) found = NULL;

		if (g_ascii_strcasecmp(header->name, name) != 0)
			continue;
		found = text_addresses(header->value);
		for (guint j = 0; j < found->len; j++)
			g_ptr_array_add(people, g_strdup(g_ptr_array_index(found, j)));
		if (found->len == 0)
			g_ptr_array_add(people, bare_word(header->value));
	}
	return people;
}

/* Returns those in whose name the mail was written: envelope sender and From, or him alone whom a form or a list speaks for. */
static GPtrArray *writers_of(const Message *message, const char *from, const Correspondent *correspondent)
{
	GPtrArray *writers;

	if (correspondent->via == VIA_SENDER) {
		writers = people_in(message, "From", from);
		if (message->sender)
			g_ptr_array_add(writers, g_strdup(message->sender));
	} else {
		writers = g_ptr_array_new_with_free_func(g_free);
		if (correspondent->address)
			g_ptr_array_add(writers, g_strdup(correspondent->address));
	}
	return writers;
}

static bool any_own_address(const AnswerableSettings *settings, const GPtrArray *people)
{
	for (guint i = 0; i < people->len; i++)
		if (answerable_list_has(settings->own_addresses, g_ptr_array_index(people, i)))
			return true;
	return false;
}

static bool has_our_message_id(const Message *message)
{
	for (guint i = 0; i < message->headers->len; i++) {
		const Header *header = g_ptr_array_index(message->headers, i);

		if (g_ascii_strcasecmp(header->name, "Message-ID") == 0 && answerable_is_our_message_id(header->value))
			return true;
	}
	return false;
}

/* What lies inside an attached message is not this mail's: people forward the bounces they got and ask what they
 * mean. */
static bool is_report(const Text *text)
{
	static const char *const types[] = { "delivery-status", "disposition-notification", "feedback-report",
		"global-delivery-status", "global-disposition-notification", NULL }; /* the last two: RFC 6533 */

	if (text->report_type && g_strv_contains(types, text->report_type))
		return true;
	for (guint i = 0; i < text->own_parts->len; i++) {
		const char *type = g_ptr_array_index(text->own_parts, i);

		if (g_str_has_prefix(type, "message/") && g_strv_contains(types, type + strlen("message/")))
			return true;
	}
	return answerable_is_bare_bounce(text->subject, text->own);
}

static bool any_system_address(const GPtrArray *people)
{
	for (guint i = 0; i < people->len; i++)
		if (answerable_is_system_address(g_ptr_array_index(people, i)))
			return true;
	return false;
}

static bool is_answer_to_us(const Message *message)
{
	for (guint i = 0; i < message->headers->len; i++) {
		const Header *header = g_ptr_array_index(message->headers, i);

		if (g_ascii_strcasecmp(header->name, "In-Reply-To") != 0 && g_ascii_strcasecmp(header->name, "References") != 0)
			continue;
		if (has_our_id(header->value))
			return true;
	}
	return false;
}

/* A mail that has none of these headers came as a blind copy, which people do send; one that has them and does not
 * name us went to somebody else first. */
static bool is_addressed_elsewhere(const AnswerableSettings *settings, const Message *message)
{
	static const char *const names[] = { "To", "Cc", "Resent-To", "Resent-Cc" };
	bool seen = false;

	for (guint i = 0; i < message->headers->len; i++) {
		const Header *header = g_ptr_array_index(message->headers, i);
		g_autoptr(GPtrArray) addresses = NULL;
		bool wanted = false;

		for (guint j = 0; j < G_N_ELEMENTS(names); j++)
			wanted = wanted || g_ascii_strcasecmp(header->name, names[j]) == 0;
		if (!wanted)
			continue;
		seen = true;
		addresses = text_addresses(header->value);
		for (guint j = 0; j < addresses->len; j++)
			if (answerable_list_has(settings->addressed, g_ptr_array_index(addresses, j)))
				return false;
	}
	return seen;
}

/* A person who answers our acknowledgement quotes its Message-ID just as a machine does, so that alone is no loop. */
static const ReasonSet MACHINE_MADE = REASON_BIT(REASON_NULL_SENDER) | REASON_BIT(REASON_AUTO_SUBMITTED) |
    REASON_BIT(REASON_PRECEDENCE) | REASON_BIT(REASON_VENDOR_AUTO) | REASON_BIT(REASON_REPORT) |
    REASON_BIT(REASON_SYSTEM_SENDER) | REASON_BIT(REASON_AUTO_SUBJECT);

ReasonSet answerable_check(const AnswerableSettings *settings, const Message *message, const Text *text, const char *from,
    const char *reply_to, const Correspondent *correspondent)
{
	g_autoptr(GPtrArray) writers = writers_of(message, from, correspondent);
	ReasonSet set = answerable_headers(settings, message);

	if (!correspondent->normal)
		set |= REASON_BIT(REASON_NULL_SENDER);
	if (any_own_address(settings, writers) || has_our_message_id(message))
		set |= REASON_BIT(REASON_OWN_ADDRESS);
	if (is_report(text))
		set |= REASON_BIT(REASON_REPORT);
	if (any_system_address(writers))
		set |= REASON_BIT(REASON_SYSTEM_SENDER);
	if (correspondent->via == VIA_SENDER) {
		g_autoptr(GPtrArray) reply_people = people_in(message, "Reply-To", reply_to);

		if (any_system_address(reply_people))
			set |= REASON_BIT(REASON_SYSTEM_SENDER);
	}
	if (answerable_is_auto_subject(text->subject))
		set |= REASON_BIT(REASON_AUTO_SUBJECT);
	if (message_header_count(message, "Received") > settings->received_max)
		set |= REASON_BIT(REASON_LOOP);
	if ((set & MACHINE_MADE) && is_answer_to_us(message))
		set |= REASON_BIT(REASON_LOOP);
	if (is_addressed_elsewhere(settings, message))
		set |= REASON_BIT(REASON_NOT_ADDRESSED);
	return set;
}
