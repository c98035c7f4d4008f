/* address: mailbox addresses and domains in the one form that marks, accounts and comparisons use. Layer: base.
 *
 * libidn2 turns U-labels into A-labels, libpsl knows the public suffixes; both are known only here. */
#include "base/address.h"

#include <idn2.h>
#include <libpsl.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

/* RFC 5321 section 4.5.3.1: 64 + "@" + 255. */
#define ADDRESS_MAX 320
#define LOCAL_MAX 64
#define DOMAIN_MAX 253

void address_free(Address *address)
{
	if (address == NULL)
		return;
	g_free(address->local);
	g_free(address->domain);
	g_free(address);
}

/* RFC 5322 section 3.2.3 atext, and everything beyond ASCII (RFC 6531). */
static bool is_atext(guchar c)
{
	return g_ascii_isalnum(c) || c >= 0x80 || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/*     Dot-string = Atom *("." Atom)
 * Dots are not judged: real providers hand out "a..b@" and "a.@", and mail to them arrives. */
static bool local_is_plain(const char *local)
{
	if (*local == '\0')
		return false;
	for (const char *p = local; *p != '\0'; p++)
		if (!is_atext((guchar)*p) && *p != '.')
			return false;
	return true;
}

static bool domain_chars_ok(const char *domain)
{
	gsize label = 0;

	for (const char *p = domain; *p != '\0'; p++) {
		if (*p == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (g_ascii_isalnum(*p) || *p == '-' || *p == '_') {
			if (++label > 63)
				return false;
		} else {
			return false;
		}
	}
	return label > 0;
}

static char *literal_to_ascii(const char *domain)
{
	gsize size = strlen(domain);

	if (size < 3 || size > DOMAIN_MAX || domain[size - 1] != ']')
		return NULL;
	for (const char *p = domain + 1; p < domain + size - 1; p++)
		if (!g_ascii_isalnum(*p) && *p != '.' && *p != ':' && *p != '-')
			return NULL;
	return g_ascii_strdown(domain, -1);
}

char *domain_to_ascii(const char *domain)
{
	g_autofree char *trimmed = NULL;
	g_autofree char *lower = NULL;
	char *ascii = NULL;
	gsize size = domain != NULL ? strlen(domain) : 0;

	if (size == 0 || size > DOMAIN_MAX + 1)
		return NULL;
	if (domain[0] == '[')
		return literal_to_ascii(domain);
	trimmed = g_strndup(domain, domain[size - 1] == '.' ? size - 1 : size);
	if (g_str_is_ascii(trimmed)) {
		lower = g_ascii_strdown(trimmed, -1);
	} else {
		if (!g_utf8_validate(trimmed, -1, NULL) ||
		    idn2_lookup_u8((const uint8_t *)trimmed, (uint8_t **)&ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
			return NULL;
		lower = g_ascii_strdown(ascii, -1);
		idn2_free(ascii);
	}
	if (strlen(lower) > DOMAIN_MAX || !domain_chars_ok(lower))
		return NULL;
	return g_steal_pointer(&lower);
}

/* Takes a Quoted-string apart: returns the content and sets *rest behind the closing quote, or NULL. RFC 5321 section 4.1.2. */
static char *unquote_local(const char *text, const char **rest)
{
	g_autoptr(GString) local = g_string_new(NULL);

	for (const char *p = text + 1; *p != '\0'; p++) {
		if (*p == '"') {
			*rest = p + 1;
			return g_string_free(g_steal_pointer(&local), FALSE);
		}
		if (*p == '\\' && *++p == '\0')
			return NULL;
		g_string_append_c(local, *p);
	}
	return NULL;
}

static bool has_control(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if ((guchar)*p < 0x20 || *p == 0x7f)
			return true;
	return false;
}

Address *address_parse(const char *text, GError **error)
{
	g_autofree char *copy = g_strstrip(g_strdup(text != NULL ? text : ""));
	g_autoptr(Address) address = g_new0(Address, 1);
	char *bare = copy;
	const char *at;
	gsize size = strlen(copy);

	if (size >= 2 && copy[0] == '<' && copy[size - 1] == '>') {
		copy[size - 1] = '\0';
		bare = copy + 1;
	}
	if (*bare == '\0') {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "the address is empty");
		return NULL;
	}
	if (strlen(bare) > ADDRESS_MAX || has_control(bare) || !g_utf8_validate(bare, -1, NULL)) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID,
		    "the address is longer than %d bytes, has control characters or is not UTF-8", ADDRESS_MAX);
		return NULL;
	}
	if (bare[0] == '"') {
		address->local = unquote_local(bare, &at);
		if (address->local == NULL || *at != '@')
			at = NULL;
	} else {
		at = strchr(bare, '@');
		address->local = at != NULL ? g_strndup(bare, (gsize)(at - bare)) : NULL;
		if (address->local != NULL && !local_is_plain(address->local))
			at = NULL;
	}
	address->domain = at != NULL ? domain_to_ascii(at + 1) : NULL;
	if (address->domain == NULL || address->local[0] == '\0' || strlen(address->local) > LOCAL_MAX * 2) {
		g_autofree char *shown = log_escape(bare, 80);

		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "\"%s\" is no mail address", shown);
		return NULL;
	}
	return g_steal_pointer(&address);
}

static char *join(const char *local, gssize local_size, const char *domain)
{
	g_autofree char *part = local_size < 0 ? g_strdup(local) : g_strndup(local, (gsize)local_size);
	g_autoptr(GString) quoted = NULL;

	if (local_is_plain(part))
		return g_strconcat(part, "@", domain, NULL);
	quoted = g_string_new("\"");
	for (const char *p = part; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			g_string_append_c(quoted, '\\');
		g_string_append_c(quoted, *p);
	}
	g_string_append(quoted, "\"@");
	g_string_append(quoted, domain);
	return g_string_free(g_steal_pointer(&quoted), FALSE);
}

char *address_to_string(const Address *address)
{
	return join(address->local, -1, address->domain);
}

static char *lower_local(const char *local)
{
	g_autofree char *composed = NULL;

	/* Nearly all are ASCII, and this is asked several times a message. */
	if (g_str_is_ascii(local))
		return g_ascii_strdown(local, -1);
	composed = g_utf8_normalize(local, -1, G_NORMALIZE_NFC);
	return g_utf8_strdown(composed != NULL ? composed : local, -1);
}

char *address_normal(const Address *address)
{
	g_autofree char *lower = lower_local(address->local);

	return join(lower, -1, address->domain);
}

char *address_normal_untagged(const Address *address)
{
	g_autofree char *lower = lower_local(address->local);
	const char *plus = strchr(lower, '+');

	return join(lower, plus != NULL && plus != lower ? plus - lower : -1, address->domain);
}

char *address_normal_text(const char *text)
{
	g_autoptr(Address) address = text != NULL ? address_parse(text, NULL) : NULL;

	return address != NULL ? address_normal(address) : NULL;
}

bool address_needs_smtputf8(const Address *address)
{
	return !g_str_is_ascii(address->local);
}

bool domain_is_under(const char *domain, const char *parent)
{
	gsize domain_size = strlen(domain), parent_size = strlen(parent);

	if (domain_size == parent_size)
		return strcmp(domain, parent) == 0;
	return domain_size > parent_size && parent_size > 0 && domain[domain_size - parent_size - 1] == '.' &&
	    strcmp(domain + domain_size - parent_size, parent) == 0;
}

char *domain_organisational(const char *domain)
{
	const psl_ctx_t *psl = psl_builtin();
	const char *found;

	if (domain == NULL || domain[0] == '[' || psl == NULL)
		return NULL;
	found = psl_registrable_domain(psl, domain);
	return found != NULL ? g_strdup(found) : NULL;
}

bool domain_is_public_suffix(const char *domain)
{
	const psl_ctx_t *psl = psl_builtin();

	return domain != NULL && domain[0] != '[' && psl != NULL && psl_is_public_suffix(psl, domain) != 0;
}

static bool is_visible(gunichar c)
{
	GUnicodeType type = g_unichar_type(c);

	/* U+FFFD stands where something else was. */
	return g_unichar_isgraph(c) && type != G_UNICODE_LINE_SEPARATOR && type != G_UNICODE_PARAGRAPH_SEPARATOR && c != 0xfffd;
}

/* "%", "!", "@" and ":" are the routes of old: an MTA that still follows them carries the mail on to somebody else. "<", ">", the
 * quote, the backslash and the space end an address early where somebody quotes badly. What cannot be seen is in no address of a
 * person. */
static bool is_reply_local(const char *local)
{
	for (const char *p = local; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c < 0x80 ? c <= ' ' || strchr("%!@:<>\"\\,;()", (int)c) != NULL : !is_visible(c))
			return false;
	}
	return true;
}

/* An IP address in place of a domain is a machine's own name for itself, and inside the site's network it is any machine's. */
static bool is_reply_domain(const char *domain)
{
	const char *last = strrchr(domain, '.');

	last = last != NULL ? last + 1 : domain;
	return *domain != '[' && strspn(last, "0123456789") != strlen(last);
}

bool address_may_be_answered(const Address *address)
{
	return is_reply_local(address->local) && is_reply_domain(address->domain);
}
