/* answerable-headers: the header fields by which a machine, a list or a spam filter gives a mail away. Layer:
 * inspect. Pure.
 *
 * One table says which field means what and which of its values; one pass over the message's fields asks it. Every
 * instance of a field counts, for a forwarder adds its own beside the first one. */
#include "inspect/answerable-private.h"

#include <string.h>

#include "base/address.h"

#define WHITE_SPACE " \t\r\n"

/* Reads one character of a comment or the "(" before it (RFC 5322 section 3.2.2; they nest and hold quoted pairs): returns
 * what comes next, or NULL where *at is outside of comments. */
static const char *skip_in_comment(const char *at, guint *depth)
{
	if (*at == '(')
		(*depth)++;
	else if (*depth == 0)
		return NULL;
	else if (*at == ')')
		(*depth)--;
	else if (*at == '\\' && at[1])
		at++;
	return at + 1;
}

/* Returns value behind leading white space and comments. */
static const char *skip_cfws(const char *value)
{
	guint depth = 0;

	while (*value) {
		const char *next = skip_in_comment(value, &depth);

		if (!next && !strchr(WHITE_SPACE, *value))
			break;
		value = next ? next : value + 1;
	}
	return value;
}

/* Returns value with a space for each comment; caller frees. */
static char *without_comments(const char *value)
{
	GString *out = g_string_new(NULL);
	guint depth = 0;

	while (*value) {
		const char *next = skip_in_comment(value, &depth);

		if (!next)
			g_string_append_c(out, *value);
		else if (depth == 0)
			g_string_append_c(out, ' ');
		value = next ? next : value + 1;
	}
	return g_string_free(out, FALSE);
}

/* Returns true where the first word of value, up to a space, comment, comma or parameter, is word in any case. Some write it in
 * quotes. */
static bool keyword_is(const char *value, const char *word)
{
	const char *start = skip_cfws(value);
	gsize length;

	start += *start == '"';
	length = strcspn(start, WHITE_SPACE "\",;(");
	return length == strlen(word) && g_ascii_strncasecmp(start, word, length) == 0;
}

static bool keyword_in(const char *value, const char *const *words)
{
	for (; *words; words++)
		if (keyword_is(value, *words))
			return true;
	return false;
}

/* What values are judged against. */
typedef struct {
	const AnswerableSettings *settings;
	GHashTable *boxes; /* own_box of all recipients that have one, or NULL where recipients are unknown */
} Mail;

/* Returns the mailbox that text, one of our own addresses, leads to, whatever its tag; NULL where it is none of ours.
 * Caller frees. */
static char *own_box(const AnswerableSettings *settings, const char *text)
{
	g_autoptr(Address) address = answerable_list_has(settings->own_addresses, text) ? address_parse(text, NULL) : NULL;

	return address ? address_normal_untagged(address) : NULL;
}

static GHashTable *boxes_of(const AnswerableSettings *settings, const Message *message)
{
	GHashTable *boxes = message->rcpts->len > 0 ? g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL) : NULL;

	for (guint i = 0; i < message->rcpts->len; i++) {
		char *box = own_box(settings, g_ptr_array_index(message->rcpts, i));

		if (box)
			g_hash_table_add(boxes, box);
	}
	return boxes;
}

/* auto-submitted-field = "Auto-Submitted:" [CFWS] ( "no" / "auto-generated" / "auto-replied" / extension )
 *     [CFWS] opt-parameter-list [CFWS]                                  RFC 3834 section 5 */
static bool is_not_no(const Mail *mail, const char *value)
{
	(void)mail;
	return !keyword_is(value, "no");
}

bool answerable_says_automatic(const Message *message)
{
	for (guint i = 0; i < message->headers->len; i++) {
		const Header *header = g_ptr_array_index(message->headers, i);

		if (g_ascii_strcasecmp(header->name, "Auto-Submitted") == 0 && is_not_no(NULL, header->value))
			return true;
	}
	return false;
}

/* AutoResponseSuppress is a set of bits (MS-OXCMAIL 2.2.3.2.14): OOF = 0x10, AutoReply = 0x20, All = every bit. */
static bool suppresses_auto_reply(const char *item)
{
	bool negative = item[0] == '-';
	const char *digits = item + negative;
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	guint64 number;
	char *end;

	if (g_ascii_strcasecmp(item, "All") == 0 || g_ascii_strcasecmp(item, "AutoReply") == 0)
		return true;
	digits += hex ? 2 : 0;
	if (!g_ascii_isxdigit(*digits))
		return false;
	number = g_ascii_strtoull(digits, &end, hex ? 16 : 10);
	if (*end)
		return false;
	return ((negative ? -number : number) & 0x20) != 0;
}

static bool is_suppressing(const Mail *mail, const char *value)
{
	g_autofree char *bare = without_comments(value);
	g_auto(GStrv) items = g_strsplit_set(bare, WHITE_SPACE ",;\"", -1);

	(void)mail;
	for (char **item = items; *item; item++)
		if (suppresses_auto_reply(*item))
			return true;
	return false;
}

/* The mail was in this mailbox before. An own address that it is not for any more has handed it on: an alias does so. */
static bool is_delivered_to_us(const Mail *mail, const char *value)
{
	g_autofree char *box = own_box(mail->settings, value);

	return box && (!mail->boxes || g_hash_table_contains(mail->boxes, box));
}

/* What the mail is made of is read from its first Content-Type; a bounce must not hide behind another one on top. */
static bool is_report_type(const Mail *mail, const char *value)
{
	static const char *const types[] = { "delivery-status", "disposition-notification", "feedback-report" };
	g_autofree char *lower = g_ascii_strdown(value, -1);

	(void)mail;
	if (!keyword_is(value, "multipart/report"))
		return false;
	for (guint i = 0; i < G_N_ELEMENTS(types); i++)
		if (strstr(lower, types[i]))
			return true;
	return false;
}

/* By old custom the tag is the address of the machine that set it: that of our letters is the support address. */
static bool is_looped(const Mail *mail, const char *value)
{
	const char *open = strrchr(value, '<'), *close = open ? strchr(open, '>') : NULL;
	g_autofree char *whole = g_strstrip(close ? g_strndup(open + 1, (gsize)(close - open - 1)) : g_strdup(value));

	return keyword_is(value, "yes") || keyword_is(value, "true") || is_delivered_to_us(mail, whole);
}

/* A name may stand here twice, with a reason each. */
static const struct {
	const char *name;
	Reason reason;
	bool any;             /* whatever the value */
	const char *words[5]; /* or these, as its first word */
	bool (*holds)(const Mail *mail, const char *value);
} FIELDS[] = {
	{ "Auto-Submitted", REASON_AUTO_SUBMITTED, .holds = is_not_no },
	{ "List-Id", REASON_LIST_MAIL, .any = true },
	{ "List-Help", REASON_LIST_MAIL, .any = true },
	{ "List-Subscribe", REASON_LIST_MAIL, .any = true },
	{ "List-Unsubscribe", REASON_LIST_MAIL, .any = true },
	{ "List-Post", REASON_LIST_MAIL, .any = true },
	{ "List-Owner", REASON_LIST_MAIL, .any = true },
	{ "List-Archive", REASON_LIST_MAIL, .any = true },
	{ "Mailing-List", REASON_LIST_MAIL, .any = true },
	{ "X-Mailing-List", REASON_LIST_MAIL, .any = true },
	{ "Feedback-ID", REASON_LIST_MAIL, .any = true },
	{ "Precedence", REASON_PRECEDENCE, .words = { "bulk", "junk", "list", "auto_reply" } },
	{ "X-Precedence", REASON_PRECEDENCE, .words = { "bulk", "junk", "list", "auto_reply" } },
	{ "Preference", REASON_PRECEDENCE, .words = { "bulk", "junk", "list", "auto_reply" } },
	{ "X-Auto-Response-Suppress", REASON_AUTO_RESPONSE_SUPPRESS, .holds = is_suppressing },
	{ "X-Autoreply", REASON_VENDOR_AUTO, .any = true },
	{ "X-Autorespond", REASON_VENDOR_AUTO, .any = true },
	{ "X-Autoresponder", REASON_VENDOR_AUTO, .any = true },
	{ "X-Autoresponse", REASON_VENDOR_AUTO, .any = true },
	{ "X-AutoReply-From", REASON_VENDOR_AUTO, .any = true },
	{ "X-Mail-Autoreply", REASON_VENDOR_AUTO, .any = true },
	{ "X-Facebook-Notify", REASON_VENDOR_AUTO, .any = true },
	{ "X-Cron-Env", REASON_VENDOR_AUTO, .any = true },
	{ "X-eBay-MailTracker", REASON_VENDOR_AUTO, .any = true },
	{ "X-No-Loop", REASON_VENDOR_AUTO, .any = true },
	{ "X-Autogenerated", REASON_VENDOR_AUTO, .words = { "reply", "forward", "group" } },
	{ "X-FC-MachineGenerated", REASON_VENDOR_AUTO, .words = { "true" } },
	{ "X-POST-MessageClass", REASON_VENDOR_AUTO, .words = { "9" } },
	{ "Autoresponder", REASON_VENDOR_AUTO, .any = true },
	{ "Delivered-To", REASON_VENDOR_AUTO, .words = { "autoresponder" } },
	{ "X-AMAZON-MAIL-RELAY-TYPE", REASON_VENDOR_AUTO, .words = { "notification" } },
	{ "X-Apple-Action", REASON_VENDOR_AUTO, .words = { "vacation" } },
	{ "X-IgnoreVacation", REASON_VENDOR_AUTO, .holds = is_not_no },
	{ "X-MS-Exchange-Inbox-Rules-Loop", REASON_VENDOR_AUTO, .any = true },
	{ "X-Loop", REASON_LOOP, .holds = is_looped },
	{ "X-RT-Loop-Prevention", REASON_LOOP, .any = true },
	{ "Delivered-To", REASON_LOOP, .holds = is_delivered_to_us },
	{ "X-Failed-Recipients", REASON_REPORT, .any = true },
	{ "Content-Type", REASON_REPORT, .holds = is_report_type },
};

/* Old programs leave white space in front of the colon (RFC 5322 section 4.5.3), which some MTAs hand on with the name. */
static bool name_is(const Header *header, const char *name)
{
	gsize size = strlen(name);

	return g_ascii_strncasecmp(header->name, name, size) == 0 &&
	    strspn(header->name + size, " \t") == strlen(header->name + size);
}

static bool is_spam(const AnswerableSettings *settings, const Header *header)
{
	static const char *const words[] = { "yes", "spam", "infected", NULL };

	for (const char *const *name = settings->spam_headers; name && *name; name++)
		if (name_is(header, *name) && keyword_in(header->value, words))
			return true;
	return false;
}

/* What a list of the site's own adds to mail says nothing of who wrote it. No list adds Feedback-ID: it marks what was
 * sent in bulk, such as a newsletter that has the alias among its readers. */
static bool is_of_list(Reason reason, const Header *header)
{
	return (reason == REASON_LIST_MAIL && !name_is(header, "Feedback-ID")) ||
	    (reason == REASON_PRECEDENCE && keyword_is(header->value, "list"));
}

ReasonSet answerable_headers(const AnswerableSettings *settings, const Message *message)
{
	g_autoptr(GHashTable) boxes = boxes_of(settings, message);
	const Mail mail = { settings, boxes };
	bool own_list = correspondent_by_own_list(settings->list_ids, message);
	ReasonSet set = 0;

	for (guint i = 0; i < message->headers->len; i++) {
		const Header *header = g_ptr_array_index(message->headers, i);

		if (is_spam(settings, header))
			set |= REASON_BIT(REASON_SPAM);
		for (guint j = 0; j < G_N_ELEMENTS(FIELDS); j++) {
			if (!name_is(header, FIELDS[j].name) || (own_list && is_of_list(FIELDS[j].reason, header)))
				continue;
			if (FIELDS[j].any || keyword_in(header->value, FIELDS[j].words) ||
			    (FIELDS[j].holds && FIELDS[j].holds(&mail, header->value)))
				set |= REASON_BIT(FIELDS[j].reason);
		}
	}
	return set;
}
