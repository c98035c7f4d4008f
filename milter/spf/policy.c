/* policy: reads an SPF policy to the letter of RFC 7208 and writes it anew, so that libspf2 sees only what it handles well.
 * Pure. Layer: spf.
 *
 *     record           = version terms *SP                   version  = "v=spf1"
 *     terms            = *( 1*SP ( directive / modifier ) )
 *     directive        = [ qualifier ] mechanism             qualifier = "+" / "-" / "?" / "~"
 *     mechanism        = "all" / "include:" domain-spec / "exists:" domain-spec / "ptr" [ ":" domain-spec ]
 *                      / ( "a" / "mx" ) [ ":" domain-spec ] [ dual-cidr-length ]
 *                      / "ip4:" ip4-network [ ip4-cidr-length ] / "ip6:" ip6-network [ ip6-cidr-length ]
 *     dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
 *     ip4-cidr-length  = "/" ( "0" / %x31-39 0*1DIGIT )      ip6-cidr-length = "/" ( "0" / %x31-39 0*2DIGIT )
 *     modifier         = "redirect=" domain-spec / "exp=" domain-spec / name "=" macro-string
 *     name             = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )
 *     domain-spec      = macro-string domain-end
 *     domain-end       = ( "." toplabel [ "." ] ) / macro-expand
 *     toplabel         = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
 *     macro-string     = *( macro-expand / macro-literal )   macro-literal = %x21-24 / %x26-7E
 *     macro-expand     = ( "%{" macro-letter *DIGIT [ "r" ] *delimiter "}" ) / "%%" / "%_" / "%-"
 *     macro-letter     = "s" / "l" / "o" / "d" / "i" / "p" / "h" / "v", and "c" / "r" / "t" in explanations only
 *     delimiter        = "." / "-" / "+" / "," / "/" / "_" / "="                     RFC 7208 sections 4.5, 5, 6, 7.1, 12
 *
 * What is written anew: names in lower case, one space between terms, nothing behind "all", "redirect" last (libspf2 takes it where
 * it stands) and only where there is no "all", other modifiers left out. */
#include "spf/dns.h"

#include <arpa/inet.h>
#include <string.h>
#include <spf2/spf_record.h>

/* A TXT record longer than this would not fit into the answers that resolvers give over UDP, ten times over. */
#define POLICY_MAX 4096

/* No name in DNS is longer than 253 bytes; macros may be a little longer than what they stand for. */
#define DOMAIN_SPEC_MAX 511

/* More labels than a name can have; libspf2 counts on in an int. */
#define LABELS_MAX 128

#define EXPLANATION_LETTERS "crt"

static const char NOT_A_TERM[] = "a term of the policy is not what RFC 7208 allows";
static const char BAD_NAME[] = "a name in the policy is not what RFC 7208 allows";
static const char BAD_PREFIX[] = "an address or prefix length in the policy is not what RFC 7208 allows";
static const char TWICE[] = "the policy has a modifier twice";

/* Part of a text, from here to before end. */
typedef struct {
	const char *here, *end;
} Span;

static gsize span_size(Span span)
{
	return (gsize)(span.end - span.here);
}

static bool span_is(Span span, const char *word)
{
	return span_size(span) == strlen(word) && g_ascii_strncasecmp(span.here, word, span_size(span)) == 0;
}

/* ---- macros and names ---- */

/* Reads the macro-expand at span.here; returns what follows it, or NULL. */
static const char *skip_expand(Span span, bool explanation)
{
	const char *p = span.here + 1;
	guint labels = 0;
	bool counted = false;

	if (p < span.end && (*p == '%' || *p == '_' || *p == '-'))
		return p + 1;
	if (span.end - p < 3 || *p != '{')
		return NULL;
	p++;
	if (strchr(explanation ? "slodiphv" EXPLANATION_LETTERS : "slodiphv", g_ascii_tolower(*p)) == NULL || *p == '\0')
		return NULL;
	for (p++; p < span.end && g_ascii_isdigit(*p); p++) {
		counted = true;
		labels = MIN(labels * 10 + (guint)g_ascii_digit_value(*p), LABELS_MAX + 1);
	}
	if (counted && (labels == 0 || labels > LABELS_MAX))
		return NULL;
	if (p < span.end && (*p == 'r' || *p == 'R'))
		p++;
	while (p < span.end && *p != '\0' && strchr(".-+,/_=", *p) != NULL)
		p++;
	return p < span.end && *p == '}' ? p + 1 : NULL;
}

static bool is_toplabel(Span label)
{
	bool letter_or_hyphen = false;

	if (label.here == label.end || !g_ascii_isalnum(label.here[0]) || !g_ascii_isalnum(label.end[-1]))
		return false;
	for (const char *p = label.here; p < label.end; p++) {
		if (!g_ascii_isalnum(*p) && *p != '-')
			return false;
		letter_or_hyphen |= !g_ascii_isdigit(*p);
	}
	return letter_or_hyphen;
}

/* Reads a macro-string; *tail becomes its last literal part, empty where it ends with a macro. */
static bool read_macro_string(Span text, bool explanation, Span *tail)
{
	*tail = (Span) { text.here, text.end };
	while (text.here < text.end) {
		if (*text.here != '%') {
			text.here++;
			continue;
		}
		text.here = skip_expand(text, explanation);
		if (text.here == NULL)
			return false;
		tail->here = text.here;
	}
	return true;
}

static bool is_domain_spec(Span text)
{
	Span tail;
	const char *dot;

	if (text.here == text.end || span_size(text) > DOMAIN_SPEC_MAX || !read_macro_string(text, false, &tail))
		return false;
	if (tail.here == tail.end)
		return true;
	if (tail.end[-1] == '.')
		tail.end--;
	dot = memrchr(tail.here, '.', span_size(tail));
	return dot != NULL && is_toplabel((Span) { dot + 1, tail.end });
}

/* ---- prefix lengths ---- */

/* Reads a prefix length of at most max out of all of text. */
static bool read_length(Span text, guint max, guint *length)
{
	guint value = 0;

	if (text.here == text.end || span_size(text) > 3 || (*text.here == '0' && span_size(text) > 1))
		return false;
	for (; text.here < text.end; text.here++) {
		if (!g_ascii_isdigit(*text.here))
			return false;
		value = value * 10 + (guint)g_ascii_digit_value(*text.here);
	}
	*length = value;
	return value <= max;
}

/* Returns where the digits at the end of text begin, if there are any and a "/" is in front of them; else NULL. */
static const char *find_length(Span text)
{
	const char *p = text.end;

	while (p > text.here && g_ascii_isdigit(p[-1]))
		p--;
	return p < text.end && p > text.here && p[-1] == '/' ? p : NULL;
}

/* Takes the dual-cidr-length off the end of *text. No top label ends with a digit behind a "/", so there is no doubt what is
 * one. */
static bool take_dual_length(Span *text, guint *length4, guint *length6)
{
	const char *digits = find_length(*text);

	*length4 = 32;
	*length6 = 128;
	if (digits != NULL && digits - 1 > text->here && digits[-2] == '/') {
		if (!read_length((Span) { digits, text->end }, 128, length6))
			return false;
		text->end = digits - 2;
		digits = find_length(*text);
	}
	if (digits != NULL) {
		if (!read_length((Span) { digits, text->end }, 32, length4))
			return false;
		text->end = digits - 1;
	}
	return true;
}

/* Reads an address with or without a prefix length. */
static bool read_network(Span text, int family, guint8 address[16], guint *length)
{
	guint max = family == AF_INET ? 32 : 128;
	const char *slash = memchr(text.here, '/', span_size(text));
	g_autofree char *bare = g_strndup(text.here, slash != NULL ? (gsize)(slash - text.here) : span_size(text));

	*length = max;
	return inet_pton(family, bare, address) == 1 && (slash == NULL || read_length((Span) { slash + 1, text.end }, max, length));
}

/* ---- terms ---- */

typedef enum { ARGUMENT_NONE, ARGUMENT_DOMAIN, ARGUMENT_OPTIONAL, ARGUMENT_OPTIONAL_LENGTH, ARGUMENT_IP4, ARGUMENT_IP6 } Argument;

static const struct {
	const char *name;
	Argument argument;
} mechanisms[] = {
	{ "all", ARGUMENT_NONE }, { "include", ARGUMENT_DOMAIN }, { "exists", ARGUMENT_DOMAIN }, { "ptr", ARGUMENT_OPTIONAL },
	{ "a", ARGUMENT_OPTIONAL_LENGTH }, { "mx", ARGUMENT_OPTIONAL_LENGTH }, { "ip4", ARGUMENT_IP4 }, { "ip6", ARGUMENT_IP6 },
};

typedef struct {
	GString *out;
	Span redirect;        /* its domain-spec; here is NULL where there is none */
	bool has_all, has_exp;
} Policy;

/* Checks what stands behind a mechanism's name, with the ":" or "/" it begins with. Returns why not, or NULL. */
static const char *check_argument(Argument argument, Span text)
{
	guint8 address[16];
	guint length4, length6;
	Span name = text;

	if (argument == ARGUMENT_OPTIONAL_LENGTH && !take_dual_length(&name, &length4, &length6))
		return BAD_PREFIX;
	if (name.here == name.end)
		return argument == ARGUMENT_DOMAIN || argument >= ARGUMENT_IP4 ? NOT_A_TERM : NULL;
	if (*name.here != ':' || argument == ARGUMENT_NONE)
		return NOT_A_TERM;
	name.here++;
	if (argument >= ARGUMENT_IP4)
		return read_network(name, argument == ARGUMENT_IP4 ? AF_INET : AF_INET6, address, &length4) ? NULL : BAD_PREFIX;
	return is_domain_spec(name) ? NULL : BAD_NAME;
}

static const char *read_mechanism(Policy *policy, char qualifier, Span name, Span argument)
{
	for (guint i = 0; i < G_N_ELEMENTS(mechanisms); i++) {
		const char *refused;

		if (!span_is(name, mechanisms[i].name))
			continue;
		refused = check_argument(mechanisms[i].argument, argument);
		if (refused != NULL || policy->has_all)
			return refused;
		g_string_append_c(policy->out, ' ');
		if (qualifier != '+')
			g_string_append_c(policy->out, qualifier);
		g_string_append(policy->out, mechanisms[i].name);
		g_string_append_len(policy->out, argument.here, (gssize)span_size(argument));
		policy->has_all = mechanisms[i].argument == ARGUMENT_NONE;
		return NULL;
	}
	return NOT_A_TERM;
}

static const char *read_modifier(Policy *policy, Span name, Span value)
{
	Span tail;

	if (span_is(name, "redirect")) {
		if (policy->redirect.here != NULL)
			return TWICE;
		policy->redirect = value;
		return is_domain_spec(value) ? NULL : BAD_NAME;
	}
	if (span_is(name, "exp")) {
		if (policy->has_exp)
			return TWICE;
		policy->has_exp = true;
		return is_domain_spec(value) ? NULL : BAD_NAME;
	}
	return read_macro_string(value, true, &tail) ? NULL : NOT_A_TERM;
}

static const char *read_term(Policy *policy, Span term)
{
	bool qualified = strchr("+-?~", *term.here) != NULL;
	char qualifier = qualified ? *term.here++ : '+';
	Span name = { term.here, term.here };

	while (name.end < term.end && (g_ascii_isalnum(*name.end) || strchr("-_.", *name.end) != NULL))
		name.end++;
	if (name.here == name.end || !g_ascii_isalpha(*name.here))
		return NOT_A_TERM;
	if (name.end < term.end && *name.end == '=')
		return qualified ? NOT_A_TERM : read_modifier(policy, name, (Span) { name.end + 1, term.end });
	return read_mechanism(policy, qualifier, name, (Span) { name.end, term.end });
}

/* Returns true where text is "v=spf1" alone or with a space behind it: all else is no policy, and no mistake either. */
static bool is_policy(const char *text, gsize size)
{
	return size >= 6 && g_ascii_strncasecmp(text, "v=spf1", 6) == 0 && (size == 6 || text[6] == ' ');
}

char *spf_policy_clean(const char *text, gsize size, const char **refused)
{
	g_autoptr(GString) out = NULL;
	Policy policy = { 0 };
	Span rest = { text + 6, text + size };

	*refused = NULL;
	if (!is_policy(text, size))
		return NULL;
	if (size > POLICY_MAX)
		*refused = "the policy is longer than 4096 bytes";
	for (gsize i = 0; i < size && *refused == NULL; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			*refused = "the policy holds what is not printable ASCII";
	if (*refused != NULL)
		return NULL;
	policy.out = out = g_string_new("v=spf1");
	while (rest.here < rest.end && *refused == NULL) {
		Span term = { rest.here, memchr(rest.here, ' ', span_size(rest)) };

		if (term.end == NULL)
			term.end = rest.end;
		if (term.here < term.end)
			*refused = read_term(&policy, term);
		rest.here = MIN(term.end + 1, rest.end);
	}
	if (*refused != NULL)
		return NULL;
	if (policy.redirect.here != NULL && !policy.has_all)
		g_string_append_printf(out, " redirect=%.*s", (int)span_size(policy.redirect), policy.redirect.here);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* ---- for one client ---- */

static bool in_network(const guint8 *address, const guint8 *network, guint length)
{
	guint bytes = length / 8, bits = length % 8;

	return memcmp(address, network, bytes) == 0 &&
	    (bits == 0 || (address[bytes] ^ network[bytes]) >> (8 - bits) == 0);
}

/* libspf2 begins each block at a multiple of 4: so much may lie between two. */
#define PADDING_MAX 3

/* At most what libspf2 needs to keep term: a header, and a block for a prefix length, each macro and each literal part of its name.
 * The four bytes and more of a macro's text stand for the block of the literal part behind it; "%-" becomes "%20". */
static gsize compiled_size(Span term)
{
	gsize size = sizeof(SPF_mech_t);

	if (memchr(term.here, '/', span_size(term)) != NULL)
		size += sizeof(SPF_data_t);
	while (term.here < term.end && *term.here != ':' && *term.here != '=')
		term.here++;
	if (term.here < term.end)
		size += sizeof(SPF_data_t) + PADDING_MAX + span_size(term) - 1;
	for (const char *p = term.here; p + 1 < term.end; p++) {
		if (p[0] == '%' && p[1] == '{')
			size += sizeof(SPF_data_t) + PADDING_MAX;
		else if (p[0] == '%' && p[1] == '-')
			size++;
	}
	return size;
}

/* Returns term with its macros put in, NULL where it has none or, with *refused, where that cannot be done. */
static char *expand_term(Span term, const SpfView *view, const char **refused)
{
	const char *spec = term.here;
	g_autofree char *expanded = NULL;

	while (spec < term.end && *spec != ':' && *spec != '=')
		spec++;
	if (memchr(spec, '%', (gsize)(term.end - spec)) == NULL)
		return NULL;
	spec++;
	expanded = spf_expand(spec, (gsize)(term.end - spec), view, refused);
	return expanded != NULL ? g_strdup_printf("%.*s%s", (int)(spec - term.here), term.here, expanded) : NULL;
}

/* Appends term as it reads for the client. Returns false where it decides: nothing behind it matters. */
static bool append_for(GString *out, Span term, int family, const guint8 *address)
{
	Span qualifier = { term.here, term.here + (strchr("-?~", *term.here) != NULL) };
	Span name = { qualifier.end, memchr(qualifier.end, ':', (gsize)(term.end - qualifier.end)) };
	bool is_ip4, is_ip6, matches = false;
	guint length4 = 32, length6 = 128, length;
	guint8 network[16];

	if (name.end == NULL)
		name.end = term.end;
	is_ip4 = span_is(name, "ip4");
	is_ip6 = span_is(name, "ip6");
	if (is_ip4 || is_ip6) {
		if ((is_ip4 ? AF_INET : AF_INET6) != family)
			return true;
		matches = read_network((Span) { name.end + 1, term.end }, family, network, &length) &&
		    in_network(address, network, length);
		if (!matches)
			return true;
	} else if (*name.here == 'a' || *name.here == 'm') {
		(void)take_dual_length(&term, &length4, &length6);
		matches = (family == AF_INET ? length4 : length6) == 0;
	}
	g_string_append_c(out, ' ');
	if (matches) {
		g_string_append_len(out, qualifier.here, (gssize)span_size(qualifier));
		g_string_append(out, "all");
		return false;
	}
	g_string_append_len(out, term.here, (gssize)span_size(term));
	if (family == AF_INET && length4 < 32)
		g_string_append_printf(out, "/%u", length4);
	else if (family == AF_INET6 && length6 < 128)
		g_string_append_printf(out, "//%u", length6);
	return true;
}

char *spf_policy_for(const char *policy, const SpfView *view, const char **refused)
{
	g_autoptr(GString) out = g_string_new("v=spf1");
	g_auto(GStrv) terms = g_strsplit(policy, " ", -1);
	gsize kept = 0;

	*refused = NULL;
	for (guint i = 1; terms[0] != NULL && terms[i] != NULL; i++) {
		g_autofree char *expanded = expand_term((Span) { terms[i], terms[i] + strlen(terms[i]) }, view, refused);
		const char *term = expanded != NULL ? expanded : terms[i];
		gsize before = out->len;
		bool more;

		if (*refused != NULL)
			return NULL;
		more = append_for(out, (Span) { term, term + strlen(term) }, view->family, view->address);
		if (out->len > before && kept + sizeof(SPF_mech_t) > SPF_MAX_MECH_LEN) {
			*refused = "the policy has more mechanisms than can be checked";
			return NULL;
		}
		kept += out->len > before ? compiled_size((Span) { out->str + before, out->str + out->len }) : 0;
		if (!more)
			break;
	}
	g_string_append_c(out, ' ');
	return g_string_free(g_steal_pointer(&out), FALSE);
}
