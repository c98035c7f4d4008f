/* expand: what the macros of a policy stand for, for one client and sender. Layer: spf. RFC 7208 section 7.
 *
 *     macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
 *     transformers = *DIGIT [ "r" ]
 *
 * libspf2 could do this, and does it wrongly: asked for as many labels as there are, or more, it loses the first character, so that
 * somebody else's domain decides. So it gets to see only names without macros. The one that is left to it is "p", which wants DNS. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "spf/dns.h"

#define NAME_MAX_BYTES 253

static const char NO_NAME[] = "a macro of the policy stands for what no name can hold";
static const char P_COUNTED[] = "the policy counts labels of the macro p";

/* "192.0.2.1", or the nibbles of an IPv6 address with dots between them (RFC 7208 section 7.3). */
static char *address_text(const SpfView *view)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (int i = 0; i < (view->family == AF_INET ? 4 : 16); i++) {
		if (view->family == AF_INET)
			g_string_append_printf(out, "%s%u", i > 0 ? "." : "", view->address[i]);
		else
			g_string_append_printf(out, "%s%x.%x", i > 0 ? "." : "", view->address[i] >> 4, view->address[i] & 15u);
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* What letter stands for, before its transformers; NULL for one that is not done here. */
static char *value_of(char letter, const SpfView *view)
{
	const char *at = strrchr(view->sender, '@');
	g_autofree char *local = at != NULL && at > view->sender ? g_strndup(view->sender, (gsize)(at - view->sender))
	                                                         : g_strdup("postmaster");
	const char *domain = at != NULL ? at + 1 : view->sender;

	switch (g_ascii_tolower(letter)) {
	case 's':
		return g_strconcat(local, "@", domain, NULL);
	case 'l':
		return g_steal_pointer(&local);
	case 'o':
		return g_strdup(domain);
	case 'd':
		return g_strdup(view->domain);
	case 'i':
		return address_text(view);
	case 'h':
		return g_strdup(view->helo);
	case 'v':
		return g_strdup(view->family == AF_INET ? "in-addr" : "ip6");
	default:
		return NULL;
	}
}

/* Splits value at any of delimiters, turns the parts round where reversed, and joins the last count of them (0 = all) with dots. */
static char *transform(const char *value, guint count, bool reversed, const char *delimiters)
{
	g_auto(GStrv) parts = g_strsplit_set(value, *delimiters != '\0' ? delimiters : ".", -1);
	guint length = g_strv_length(parts), first = count > 0 && count < length ? length - count : 0;

	for (guint i = 0; reversed && i < length / 2; i++) {
		char *part = parts[i];

		parts[i] = parts[length - 1 - i];
		parts[length - 1 - i] = part;
	}
	return g_strjoinv(".", parts + first);
}

/* Appends value as libspf2 reads it back. The sender and the HELO name are a stranger's: what has a meaning in a policy, or none in a
 * name, ends it. False where it does. */
static bool append_value(GString *out, const char *value, bool escaped)
{
	g_autofree char *uri = escaped ? g_uri_escape_string(value, NULL, FALSE) : NULL;

	for (const char *p = uri != NULL ? uri : value; *p != '\0'; p++) {
		if (!g_ascii_isgraph(*p) || strchr("/:\"\\()<>,;", *p) != NULL)
			return false;
		g_string_append(out, *p == '%' ? "%%" : (char[]){ *p, '\0' });
	}
	return true;
}

/* Appends what the macro-expand at p stands for; returns what follows it, or NULL with *refused. The caller has checked the grammar. */
static const char *expand_one(GString *out, const char *p, const SpfView *view, const char **refused)
{
	const char *end = strchr(p, '}'), *letter = p + 2;
	g_autofree char *value = NULL, *name = NULL, *delimiters = NULL;
	guint count = 0;
	bool reversed;

	if (p[1] != '{' || end == NULL) {
		g_string_append_len(out, p, 2);
		return p + 2;
	}
	for (p = letter + 1; g_ascii_isdigit(*p); p++)
		count = MIN(count * 10 + (guint)g_ascii_digit_value(*p), NAME_MAX_BYTES);
	reversed = g_ascii_tolower(*p) == 'r';
	delimiters = g_strndup(p + reversed, (gsize)(end - p) - reversed);
	value = value_of(*letter, view);
	if (value == NULL) {
		*refused = count > 0 ? P_COUNTED : NULL;
		g_string_append_len(out, letter - 2, end + 1 - (letter - 2));
		return count > 0 ? NULL : end + 1;
	}
	name = transform(value, count, reversed, delimiters);
	if (!append_value(out, name, g_ascii_isupper(*letter))) {
		*refused = NO_NAME;
		return NULL;
	}
	return end + 1;
}

char *spf_expand(const char *text, gsize size, const SpfView *view, const char **refused)
{
	g_autofree char *spec = g_strndup(text, size);
	g_autoptr(GString) out = g_string_new(NULL);
	const char *p = spec;

	*refused = NULL;
	while (p != NULL && *p != '\0') {
		if (*p == '%' && p[1] != '\0')
			p = expand_one(out, p, view, refused);
		else
			g_string_append_c(out, *p++);
	}
	if (p == NULL)
		return NULL;
	/* Labels on the left go until the rest is short enough for DNS (RFC 7208 section 7.3). */
	for (p = out->str; strlen(p) > NAME_MAX_BYTES && strchr(p, '.') != NULL; p = strchr(p, '.') + 1)
		;
	return g_strdup(p);
}
