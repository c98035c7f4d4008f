/* bounce: the tagged envelope sender of replies, and what comes back to it (see bounce.h). Layer: mail. RFC 3464, RFC 5321
 * sections 4.5.3.1.1 and 4.5.5.
 *
 * Anybody can write to a bounce address and say that a customer's mailbox is gone. What makes a bounce believable is that it came
 * to an address which only the reply's recipient, and the servers on its way, have ever seen. */
#include "mail/bounce.h"

#include <string.h>

#include "base/address.h"
#include "base/log.h"
#include "mail/header.h"
#include "mail/text.h"

#define HASH_DIGITS 32
#define TAG_DIGITS 16
#define WORDS_BYTES 300

static char *make_tag(const Secret *secret, const char *hash)
{
	g_autofree char *data = g_strconcat("bounce\n", hash, NULL);
	g_autofree char *mac = secret_hmac(secret, data, -1);

	return g_strndup(mac, TAG_DIGITS);
}

char *bounce_address_make(const Secret *secret, const char *base, const char *hash)
{
	g_autofree char *tag = make_tag(secret, hash);
	const char *at = strrchr(base, '@');

	return g_strdup_printf("%.*s+%s.%s%s", (int)(at - base), base, hash, tag, at);
}

static bool are_hex(const char *text, gsize count)
{
	for (gsize i = 0; i < count; i++)
		if (!g_ascii_isdigit(text[i]) && (text[i] < 'a' || text[i] > 'f'))
			return false;
	return true;
}

/* Takes the local part apart:
 *
 *     tagged-local = local "+" HASH "." TAG
 *     HASH         = 32HEXDIG            TAG = 16HEXDIG
 *
 * Returns "HASH.TAG" in lower case, NULL where rcpt has not this form; caller frees. Lower case, as a server on the way back may
 * have changed it. */
static char *read_form(const char *base, const char *rcpt)
{
	g_autofree char *normal = base != NULL && *base != '\0' ? address_normal_text(rcpt) : NULL;
	const char *base_at = normal != NULL ? strrchr(base, '@') : NULL;
	const char *at = base_at != NULL ? strrchr(normal, '@') : NULL;
	gsize local = base_at != NULL ? (gsize)(base_at - base) : 0;
	const char *extension;

	if (at == NULL || strcmp(at, base_at) != 0 || (gsize)(at - normal) != local + 1 + HASH_DIGITS + 1 + TAG_DIGITS)
		return NULL;
	extension = normal + local + 1;
	if (memcmp(normal, base, local) != 0 || normal[local] != '+' || extension[HASH_DIGITS] != '.' ||
	    !are_hex(extension, HASH_DIGITS) || !are_hex(extension + HASH_DIGITS + 1, TAG_DIGITS))
		return NULL;
	return g_strndup(extension, HASH_DIGITS + 1 + TAG_DIGITS);
}

bool bounce_address_is(const char *base, const char *rcpt)
{
	g_autofree char *form = read_form(base, rcpt);

	return form != NULL;
}

char *bounce_address_read(const Secret *secret, const char *base, const char *rcpt)
{
	g_autofree char *form = read_form(base, rcpt);
	g_autofree char *hash = form != NULL ? g_strndup(form, HASH_DIGITS) : NULL;
	g_autofree char *right = hash != NULL ? make_tag(secret, hash) : NULL;
	guchar difference = 0;

	if (right == NULL)
		return NULL;
	for (gsize i = 0; i < TAG_DIGITS; i++)
		difference |= (guchar)(right[i] ^ form[HASH_DIGITS + 1 + i]);
	return difference == 0 ? g_steal_pointer(&hash) : NULL;
}

char *bounce_words(const char *text)
{
	g_autofree char *line = header_sanitise(text);
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	g_autoptr(GString) kept = g_string_new(NULL);

	for (char **word = words; *word != NULL && kept->len < WORDS_BYTES; word++)
		g_string_append_printf(kept, "%s%s", kept->len > 0 ? " " : "", strchr(*word, '@') != NULL ? "[address]" : *word);
	return log_escape(kept->str, WORDS_BYTES);
}

static void set_why(char **why, const char *what, const char *words)
{
	g_autofree char *said = *words != '\0' ? g_strconcat(what, ": ", words, NULL) : g_strdup(what);

	if (why != NULL)
		*why = bounce_words(said);
}

/* The enhanced status code at the start of a reply's text (RFC 2034, RFC 3463):
 *
 *     status-code = "5" "." subject "." detail            subject, detail = 1*3DIGIT
 */
static bool read_enhanced(const char *text, guint *subject, guint *detail)
{
	guint *const numbers[] = { subject, detail };

	if (*text++ != '5')
		return false;
	for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
		gsize digits = 0;

		if (*text++ != '.')
			return false;
		while (digits < 4 && g_ascii_isdigit(text[digits]))
			digits++;
		if (digits < 1 || digits > 3)
			return false;
		*numbers[i] = (guint)g_ascii_strtoull(text, NULL, 10);
		text += digits;
	}
	return *text == '\0' || *text == ' ';
}

/* Returns true where a 5xx to RCPT says that this address is wrong or its mailbox closed. Servers answer there, too,
 * what they think of the client and of MAIL FROM: that speaks of us, and whoever takes it for the address never writes
 * to a customer again.
 *
 *     5.1.x  the address (but 5.1.7 and 5.1.8: the sender's)        5.2.x  its mailbox
 *     5.0.x, and a reply without such a code, say nothing more than 550 to 553 do
 *     all others (routing, policy, authentication, the server): not the address */
bool bounce_refusal_is_of_address(const char *refusal)
{
	static const char *const ours[] = { "relay", "authenti", "prohibit", "policy", "spam", "blocklist", "blacklist", "blocked using" };
	g_auto(GStrv) lines = g_strsplit(refusal, "\n", -1);
	g_autofree char *lower = g_ascii_strdown(refusal, -1);
	guint64 code = g_ascii_strtoull(refusal, NULL, 10);

	for (char **line = lines; *line != NULL; line++) {
		guint subject, detail;

		if (strlen(*line) < 5 || !read_enhanced(*line + 4, &subject, &detail) || subject == 0)
			continue;
		return (subject == 1 && detail != 7 && detail != 8) || subject == 2;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(ours); i++)
		if (strstr(lower, ours[i]) != NULL)
			return false;
	return code >= 550 && code <= 553;
}

/* A Status of subject 0 is what an MTA writes that knows, or says, nothing (Exim does so of every refusal). The words
 * that it was told may know more:
 *
 *     diagnostic = "smtp" ";" reply                       RFC 3464 section 2.3.6; what is no reply of that kind knows no more */
static bool diagnostic_is_of_address(const char *diagnostic)
{
	const char *reply = strchr(diagnostic, ';');
	g_autofree char *type = reply != NULL ? g_strstrip(g_strndup(diagnostic, (gsize)(reply - diagnostic))) : NULL;

	if (type == NULL || g_ascii_strcasecmp(type, "smtp") != 0)
		return true;
	reply += 1 + strspn(reply + 1, " ");
	return !g_ascii_isdigit(*reply) || bounce_refusal_is_of_address(reply);
}

/* For good, and for the address' sake: class 5, subjects 0 (not said), 1 (address) and 2 (mailbox) of RFC 3463 section
 * 3. What speaks of the way (4), of the content (6), of policy (7: our own address on somebody's list) or of the
 * sender's address (1.7, 1.8) would come back from every address there; but for 6.7, a mailbox that only SMTPUTF8
 * reaches behind a server that has none (RFC 6531). */
static bool is_failure(const TextDeliveryStatus *status)
{
	const char *text = status->status;

	if (strcmp(status->action, "failed") != 0 || !g_str_has_prefix(text, "5."))
		return false;
	if (strcmp(text, "5.6.7") == 0)
		return true;
	if (strcmp(text, "5.1.7") == 0 || strcmp(text, "5.1.8") == 0)
		return false;
	if (g_str_has_prefix(text, "5.0."))
		return diagnostic_is_of_address(status->diagnostic);
	return (text[2] == '1' || text[2] == '2') && text[3] == '.';
}

bool bounce_is_failure(const Message *message, char **why)
{
	g_autoptr(GPtrArray) statuses = NULL;
	const char *failed;

	if (why != NULL)
		*why = NULL;
	if (g_strcmp0(message->sender, "") != 0)
		return false;
	statuses = text_delivery_statuses(message);
	for (guint i = 0; i < statuses->len; i++) {
		const TextDeliveryStatus *status = g_ptr_array_index(statuses, i);

		if (is_failure(status)) {
			set_why(why, status->status, status->diagnostic);
			return true;
		}
	}
	/* A report that speaks of something else outweighs a field that some MTAs add to it. */
	failed = statuses->len == 0 ? message_header(message, "X-Failed-Recipients", 0) : NULL;
	if (failed == NULL || strchr(failed, '@') == NULL)
		return false;
	set_why(why, "X-Failed-Recipients", "");
	return true;
}
