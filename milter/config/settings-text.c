/* settings-text: checks and normalises settings that are kept as text, one small function a form. Layer: config. */
#include "config/settings.h"

#include <gio/gio.h>
#include <string.h>

#include "base/address.h"
#include "base/error.h"
#include "base/log.h"

#define TEXT_MAX 4096
#define NAME_MAX_BYTES 64
/* sun_path of sockaddr_un with its NUL, on the smallest of the systems we run on. */
#define UNIX_PATH_MAX 104

typedef char *(*Normalise)(const Setting *setting, const char *text, const char *dir, GError **error);

static char *refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static char *refuse(GError **error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (error != NULL)
		*error = g_error_new_valist(OUTAGE_ERROR, OUTAGE_ERROR_INVALID, format, arguments);
	va_end(arguments);
	return NULL;
}

static bool only(const char *text, const char *extra)
{
	for (const char *p = text; *p != '\0'; p++)
		if (!g_ascii_isalnum(*p) && strchr(extra, *p) == NULL)
			return false;
	return true;
}

static char *plain(const Setting *setting, const char *text, const char *dir, GError **error)
{
	(void)setting;
	(void)dir;
	(void)error;
	return g_strdup(text);
}

static char *word(const Setting *setting, const char *text, const char *dir, GError **error)
{
	g_autofree char *words = NULL, *shown = NULL;

	(void)dir;
	if (g_strv_contains(setting->choices, text))
		return g_strdup(text);
	words = g_strjoinv(", ", (char **)setting->choices);
	shown = log_escape(text, 120);
	return refuse(error, "\"%s\" is none of %s", shown, words);
}

static char *path(const Setting *setting, const char *text, const char *dir, GError **error)
{
	(void)setting;
	(void)error;
	return g_canonicalize_filename(text, dir);
}

static char *absolute_path(const Setting *setting, const char *text, const char *dir, GError **error)
{
	(void)setting;
	(void)dir;
	if (!g_path_is_absolute(text))
		return refuse(error, "\"%s\" is not an absolute path", text);
	return g_strdup(text);
}

static char *user(const Setting *setting, const char *text, const char *dir, GError **error)
{
	(void)setting;
	(void)dir;
	if (strlen(text) > NAME_MAX_BYTES || !only(text, "_.-") || text[0] == '-')
		return refuse(error, "\"%s\" is no name of a user or group", text);
	return g_strdup(text);
}

static char *address(const Setting *setting, const char *text, const char *dir, GError **error)
{
	g_autoptr(Address) parsed = address_parse(text, error);

	(void)dir;
	if (parsed == NULL)
		return NULL;
	return setting->form == FORM_KEY_ADDRESS ? address_normal(parsed) : address_to_string(parsed);
}

static char *domain(const Setting *setting, const char *text, const char *dir, GError **error)
{
	char *ascii = text[0] != '[' ? domain_to_ascii(text) : NULL;

	(void)setting;
	(void)dir;
	return ascii != NULL ? ascii : refuse(error, "\"%s\" is no domain", text);
}

static char *helo(const Setting *setting, const char *text, const char *dir, GError **error)
{
	char *ascii = domain_to_ascii(text);

	(void)setting;
	(void)dir;
	return ascii != NULL ? ascii : refuse(error, "\"%s\" is no host name and no address literal", text);
}

static char *sender(const Setting *setting, const char *text, const char *dir, GError **error)
{
	g_autofree char *ascii = NULL;
	g_autoptr(Address) parsed = NULL;

	if (text[0] == '@') {
		ascii = domain(setting, text + 1, dir, error);
		return ascii != NULL ? g_strconcat("@", ascii, NULL) : NULL;
	}
	parsed = address_parse(text, error);
	return parsed != NULL ? address_normal(parsed) : NULL;
}

static char *host(const Setting *setting, const char *text, const char *dir, GError **error)
{
	g_autoptr(GInetAddressMask) mask = g_inet_address_mask_new_from_string(text, NULL);

	(void)setting;
	(void)dir;
	if (mask == NULL)
		return refuse(error, "\"%s\" is no IP address and no network with its host bits zero, such as 192.0.2.0/24", text);
	return g_inet_address_mask_to_string(mask);
}

static GUri *parse_url(const char *text)
{
	GUri *uri;

	for (const char *p = text; *p != '\0'; p++)
		if (!g_ascii_isgraph(*p) || strchr("\"<>\\^`{|}", *p) != NULL)
			return NULL;
	uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
	if (uri != NULL && (g_uri_get_host(uri) == NULL || g_uri_get_host(uri)[0] == '\0'))
		g_clear_pointer(&uri, g_uri_unref);
	return uri;
}

static char *https(const Setting *setting, const char *text, const char *dir, GError **error)
{
	g_autoptr(GUri) uri = parse_url(text);

	(void)setting;
	(void)dir;
	if (uri == NULL || strcmp(g_uri_get_scheme(uri), "https") != 0 || g_uri_get_userinfo(uri) != NULL)
		return refuse(error, "\"%s\" is no https URL", text);
	return g_strdup(text);
}

/* relay = ( "smtp" / "smtps" ) "://" host [ ":" port ] [ "/" ] */
static char *relay(const Setting *setting, const char *text, const char *dir, GError **error)
{
	g_autoptr(GUri) uri = parse_url(text);
	const char *scheme = uri != NULL ? g_uri_get_scheme(uri) : "";
	const char *rest = uri != NULL ? g_uri_get_path(uri) : "";

	(void)setting;
	(void)dir;
	if (strcmp(scheme, "smtp") != 0 && strcmp(scheme, "smtps") != 0)
		return refuse(error, "\"%s\" is no SMTP URL: smtp://HOST:PORT or smtps://HOST:PORT", text);
	if (g_uri_get_userinfo(uri) != NULL || g_uri_get_query(uri) != NULL || g_uri_get_fragment(uri) != NULL ||
	    (rest[0] != '\0' && strcmp(rest, "/") != 0) || g_uri_get_port(uri) == 0)
		return refuse(error, "\"%s\": only a host and a port may stand in it", text);
	return g_strdup(text);
}

/* nameserver = IPv4 [ ":" port ] / IPv6 / "[" IPv6 "]" [ ":" port ] */
static char *nameserver(const Setting *setting, const char *text, const char *dir, GError **error)
{
	const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;
	const char *colon = bracket != NULL ? bracket + 1 : strchr(text, ':');
	g_autofree char *ip = NULL;
	guint64 port = 0;

	(void)setting;
	(void)dir;
	/* Two colons and no brackets: an IPv6 address, and no port. */
	if (bracket == NULL && colon != NULL && strchr(colon + 1, ':') != NULL)
		colon = text + strlen(text);
	if (bracket != NULL)
		ip = g_strndup(text + 1, (gsize)(bracket - text - 1));
	else
		ip = colon != NULL ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
	/* GLib takes a scope ("fe80::1%eth0") for part of an address; a resolver's socket does not. */
	if (!g_hostname_is_ip_address(ip) || strchr(ip, '%') != NULL || (bracket != NULL) > (strchr(ip, ':') != NULL) ||
	    (colon != NULL && *colon != '\0' &&
	        (*colon != ':' || !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL))))
		return refuse(error, "\"%s\" is no IP address, with or without a port", text);
	return g_strdup(text);
}

/* listen = ( IPv4 / "[" IPv6 "]" ) ":" port */
static char *listen_at(const Setting *setting, const char *text, const char *dir, GError **error)
{
	g_autofree char *place = nameserver(setting, text, dir, NULL);
	const char *colon = strrchr(text, ':');

	if (place == NULL || colon == NULL || (strchr(text, ':') != colon && colon[-1] != ']'))
		return refuse(error, "\"%s\" is no IP address with a port", text);
	return g_steal_pointer(&place);
}

/* "+", 32 hex digits, "." and 16 more come behind the local part, of which RFC 5321 section 4.5.3.1.1 allows 64 bytes. */
#define BOUNCE_LOCAL_MAX 14

static char *bounce_address(const Setting *setting, const char *text, const char *dir, GError **error)
{
	g_autoptr(Address) parsed = address_parse(text, error);

	(void)setting;
	(void)dir;
	if (parsed == NULL)
		return NULL;
	if (strlen(parsed->local) > BOUNCE_LOCAL_MAX || !only(parsed->local, "._-"))
		return refuse(error, "\"%s\": the part before the @ may have %d letters, digits, \".\", \"_\" and \"-\", so that there is room for "
		    "a tag", text, BOUNCE_LOCAL_MAX);
	return address_normal(parsed);
}

/* Other URLs are judged by the store itself (store_url_check), which this layer cannot ask. */
static char *store_url(const Setting *setting, const char *text, const char *dir, GError **error)
{
	static const char scheme[] = "sqlite:";
	const char *file = text + strlen(scheme);
	g_autofree char *absolute = NULL;

	(void)setting;
	if (!g_str_has_prefix(text, scheme))
		return g_strdup(text);
	if (file[0] == '\0')
		return refuse(error, "\"%s\" names no file", text);
	absolute = g_canonicalize_filename(file, dir);
	return g_strconcat(scheme, absolute, NULL);
}

static char *store_prefix(const Setting *setting, const char *text, const char *dir, GError **error)
{
	(void)setting;
	(void)dir;
	for (const char *p = text; *p != '\0'; p++)
		if (!g_ascii_isgraph(*p))
			return refuse(error, "\"%s\": only printable ASCII characters without spaces may stand in it", text);
	if (strlen(text) > NAME_MAX_BYTES || !g_str_has_suffix(text, ":"))
		return refuse(error, "\"%s\" does not end in \":\" or is longer than %d bytes", text, NAME_MAX_BYTES);
	return g_strdup(text);
}

/* socket = ( "unix:" / "local:" ) absolute-path / ( "inet:" / "inet6:" ) port "@" host          as libmilter has it */
static char *socket_name(const Setting *setting, const char *text, const char *dir, GError **error)
{
	const char *rest = strchr(text, ':');
	char *end = NULL;
	guint64 port;

	(void)setting;
	(void)dir;
	if (g_str_has_prefix(text, "unix:") || g_str_has_prefix(text, "local:")) {
		if (rest[1] != '/' || strlen(rest + 1) >= UNIX_PATH_MAX)
			return refuse(error, "\"%s\": the path is not absolute or longer than %d bytes", text, UNIX_PATH_MAX - 1);
		return g_strdup(text);
	}
	if (!g_str_has_prefix(text, "inet:") && !g_str_has_prefix(text, "inet6:"))
		return refuse(error, "\"%s\" is no socket: unix:/PATH or inet:PORT@HOST", text);
	port = g_ascii_isdigit(rest[1]) ? g_ascii_strtoull(rest + 1, &end, 10) : 0;
	if (port == 0 || port > G_MAXUINT16 || *end != '@' || end[1] == '\0' || !only(end + 1, ".:-_"))
		return refuse(error, "\"%s\": write inet:PORT@HOST here (inet:HOST:PORT is Postfix's form)", text);
	return g_strdup(text);
}

/* field-name = 1*ftext          RFC 5322 section 2.2 and RFC 9110 token agree on these for every name in use */
static bool is_field_name(const char *text)
{
	return text[0] != '\0' && strlen(text) <= NAME_MAX_BYTES && only(text, "-_.");
}

/* Names of headers that carry the message or vouch for it; those that end in "-" stand for all that begin so. */
static const char *const standard_headers[] = {
	"ARC-", "Authentication-Results", "Auto-Submitted", "Bcc", "Cc", "Content-", "Date", "Delivered-To", "DKIM-Signature",
	"Domainkey-Signature", "From", "In-Reply-To", "List-", "Message-ID", "MIME-Version", "Received", "Received-SPF",
	"References", "Reply-To", "Resent-", "Return-Path", "Sender", "Subject", "To", NULL
};

bool header_is_standard(const char *name)
{
	for (const char *const *standard = standard_headers; *standard != NULL; standard++) {
		bool family = g_str_has_suffix(*standard, "-");
		if (family ? g_ascii_strncasecmp(name, *standard, strlen(*standard)) == 0 : g_ascii_strcasecmp(name, *standard) == 0)
			return true;
	}
	return false;
}

static char *header(const Setting *setting, const char *text, const char *dir, GError **error)
{
	(void)dir;
	if (!is_field_name(text))
		return refuse(error, "\"%s\" is no header name", text);
	if (setting->form == FORM_SET_HEADER && header_is_standard(text))
		return refuse(error, "\"%s\" is a header that mail itself stands on and cannot be used here", text);
	return g_strdup(text);
}

/* Every incoming header of the prefix is removed, so it must not cover anything that others use. */
static char *header_prefix(const Setting *setting, const char *text, const char *dir, GError **error)
{
	(void)setting;
	(void)dir;
	if (!is_field_name(text) || !g_str_has_suffix(text, "-") || strlen(text) > NAME_MAX_BYTES / 2)
		return refuse(error, "\"%s\" is no beginning of a header name that ends in \"-\"", text);
	if (text[0] == '-' || g_ascii_strcasecmp(text, "X-") == 0 || header_is_standard(text))
		return refuse(error, "\"%s\" would remove headers that are not ours", text);
	for (const char *const *standard = standard_headers; *standard != NULL; standard++)
		if (g_ascii_strncasecmp(*standard, text, strlen(text)) == 0)
			return refuse(error, "\"%s\" would remove headers that are not ours, such as %s", text, *standard);
	return g_strdup(text);
}

static char *authserv(const Setting *setting, const char *text, const char *dir, GError **error)
{
	(void)setting;
	(void)dir;
	for (const char *p = text; *p != '\0'; p++)
		if (!((guchar)*p >= 0x80 || g_ascii_isgraph(*p)) || strchr("();\"", *p) != NULL)
			return refuse(error, "\"%s\" is no authserv-id (RFC 8601)", text);
	return g_utf8_strdown(text, -1);
}

/* A List-Id is compared by what stands in its angle brackets (RFC 2919 section 2). */
static char *list_id(const Setting *setting, const char *text, const char *dir, GError **error)
{
	g_autofree char *id = g_ascii_strdown(text, -1);
	gsize size = strlen(id);

	(void)setting;
	(void)dir;
	if (size > 2 && id[0] == '<' && id[size - 1] == '>') {
		id[size - 1] = '\0';
		memmove(id, id + 1, size - 1);
	}
	if (!only(id, ".-_!#$%&'*+/=?^`{|}~@"))
		return refuse(error, "\"%s\" is no List-Id (RFC 2919)", text);
	return g_steal_pointer(&id);
}

/* language = 2*8ALPHA *( "-" 1*8alphanum )          the shape of RFC 5646, not its registry */
static char *language(const Setting *setting, const char *text, const char *dir, GError **error)
{
	g_auto(GStrv) subtags = g_strsplit(text, "-", -1);

	(void)setting;
	(void)dir;
	for (guint i = 0; subtags[i] != NULL; i++) {
		gsize size = strlen(subtags[i]);
		if (size < (i == 0 ? 2 : 1) || size > 8 || !only(subtags[i], ""))
			return refuse(error, "\"%s\" is no language tag (BCP 47)", text);
		if (i > 0)
			continue;
		for (char *p = subtags[0]; *p != '\0'; p++) {
			if (!g_ascii_isalpha(*p))
				return refuse(error, "\"%s\" is no language tag (BCP 47)", text);
			*p = g_ascii_tolower(*p);
		}
	}
	return g_strjoinv("-", subtags);
}

static char *timezone_name(const Setting *setting, const char *text, const char *dir, GError **error)
{
	GTimeZone *zone = g_time_zone_new_identifier(text);

	(void)setting;
	(void)dir;
	if (zone == NULL)
		return refuse(error, "\"%s\" is no time zone of this machine", text);
	g_time_zone_unref(zone);
	return g_strdup(text);
}

static char *template_name(const Setting *setting, const char *text, const char *dir, GError **error)
{
	(void)setting;
	(void)dir;
	if (strlen(text) > 32 || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(text))
		return refuse(error, "\"%s\" is no template name: at most 32 of a-z, 0-9 and \"-\"", text);
	return g_strdup(text);
}

static char *token(const Setting *setting, const char *text, const char *dir, GError **error)
{
	(void)setting;
	(void)dir;
	if (strlen(text) > NAME_MAX_BYTES || (!only(text, "-_.") && strcmp(text, "*") != 0))
		return refuse(error, "\"%s\": at most %d letters, digits, \"-\", \"_\" and \".\"", text, NAME_MAX_BYTES);
	return g_strdup(text);
}

/* NAME = [a-z0-9] *31[a-z0-9_-]          doc/contract.md 3; here also "default" */
static char *incident_name(const Setting *setting, const char *text, const char *dir, GError **error)
{
	(void)setting;
	(void)dir;
	if (strlen(text) > 32 || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(text) ||
	    !g_ascii_isalnum(text[0]))
		return refuse(error, "\"%s\" is no incident name: at most 32 of a-z, 0-9, \"_\" and \"-\"", text);
	return g_strdup(text);
}

static const Normalise normalisers[FORMS] = {
	[FORM_WORD] = word,
	[FORM_TEXT] = plain,
	[FORM_LINES] = plain,
	[FORM_PATH] = path,
	[FORM_ABSOLUTE_PATH] = absolute_path,
	[FORM_USER] = user,
	[FORM_ADDRESS] = address,
	[FORM_KEY_ADDRESS] = address,
	[FORM_SENDER] = sender,
	[FORM_DOMAIN] = domain,
	[FORM_HELO] = helo,
	[FORM_HOST] = host,
	[FORM_HTTPS] = https,
	[FORM_RELAY] = relay,
	[FORM_NAMESERVER] = nameserver,
	[FORM_LISTEN] = listen_at,
	[FORM_BOUNCE] = bounce_address,
	[FORM_STORE_URL] = store_url,
	[FORM_STORE_PREFIX] = store_prefix,
	[FORM_SOCKET] = socket_name,
	[FORM_HEADER] = header,
	[FORM_SET_HEADER] = header,
	[FORM_HEADER_PREFIX] = header_prefix,
	[FORM_AUTHSERV] = authserv,
	[FORM_LIST_ID] = list_id,
	[FORM_LANGUAGE] = language,
	[FORM_TIMEZONE] = timezone_name,
	[FORM_TEMPLATE] = template_name,
	[FORM_TOKEN] = token,
	[FORM_INCIDENT] = incident_name,
};

static bool has_control(Form form, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (g_ascii_iscntrl(*p) && !(form == FORM_LINES && (*p == '\n' || *p == '\t')))
			return true;
	return false;
}

char *setting_normal_text(const Setting *setting, const char *text, const char *dir, GError **error)
{
	if (!g_utf8_validate(text, -1, NULL))
		return refuse(error, "the text is not UTF-8");
	if (strlen(text) > TEXT_MAX)
		return refuse(error, "the text is longer than %d bytes", TEXT_MAX);
	if (has_control(setting->form, text))
		return refuse(error, "the text has control characters");
	if (text[0] == '\0') {
		/* No user means: stay who you are; no place to listen at: nowhere. For the rest empty is a value only where it is the default. */
		if (!setting->list && (setting->form == FORM_USER || setting->form == FORM_LISTEN || setting->standard == NULL || setting->standard[0] == '\0'))
			return g_strdup("");
		return refuse(error, "the text is empty");
	}
	return normalisers[setting->form](setting, text, dir, error);
}
