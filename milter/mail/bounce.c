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

/* For good, and for the address' sake: class 5, subjects 0 (not said), 1 (address) and 2 (mailbox) of RFC 3463 section 3. What speaks of
 * the way (4), of the content (6), of policy (7: our own address on somebody's list) or of the sender's address (1.7, 1.8) would come
 * back from every address there; but for 6.7, a mailbox that only SMTPUTF8 reaches behind a server that has none (RFC 6531). */
static bool is_failure(const TextDeliveryStatus *status)
{
	const char *text = status->status;

	if (strcmp(status->action, "failed") != 0 || !g_str_has_prefix(text, "5."))
		return false;
	if (strcmp(text, "5.6.7") == 0)
		return true;
	if (strcmp(text, "5.1.7") == 0 || strcmp(text, "5.1.8") == 0)
		return false;
	return strchr("012", text[2]) != NULL && text[2] != '\0' && text[3] == '.';
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
