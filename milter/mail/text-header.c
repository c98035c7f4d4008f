/* text-header: encoded words and address lists of header fields. Layer: mail.
 * GMime reads them; here is what keeps hostile ones cheap and what finds addresses in lists that nobody can parse. */
#include "mail/text-private.h"

#include <string.h>

#define ADDRESSES_MAX 200
#define VALUE_MAX (16 * 1024) /* bytes of one header field that are looked at */
#define COLONS_MAX 100        /* each may open a group within a group, which GMime reads by recursion */
#define GROUP_DEPTH_MAX 20

/* One line: what was folded and every other white space becomes single spaces, the ends are bare. */
static char *one_line(const char *text, gsize size)
{
	g_autoptr(GString) clean = g_string_sized_new(size + 1);
	GString *line = g_string_sized_new(size + 1);

	text_append_clean(clean, text, size, G_MAXSIZE);
	for (gsize i = 0; i < clean->len; i++) {
		char c = clean->str[i];

		if (!g_ascii_isspace(c))
			g_string_append_c(line, c);
		else if (line->len > 0 && line->str[line->len - 1] != ' ')
			g_string_append_c(line, ' ');
	}
	if (line->len > 0 && line->str[line->len - 1] == ' ')
		g_string_truncate(line, line->len - 1);
	return g_string_free(line, FALSE);
}

/* Returns the value with its encoded words decoded by GMime, raw 8-bit bytes made UTF-8 before; caller frees. */
static char *decode_words(const char *value, gsize size)
{
	g_autoptr(GString) scratch = g_string_new(NULL);
	g_autoptr(GString) labelled = g_string_new(NULL);
	const char *utf8 = text_to_utf8(value, &size, NULL, scratch);

	text_append_known_labels(labelled, utf8, size);
	return g_mime_utils_header_decode_text(text_parser_options(), labelled->str);
}

char *text_decode_header(const char *value)
{
	g_autofree char *decoded = NULL;
	g_autoptr(GString) scratch = NULL;
	const char *text = value;
	gsize size;

	if (value == NULL)
		return g_strdup("");
	size = strnlen(value, VALUE_MAX);
	if (g_strstr_len(value, (gssize)size, "=?") != NULL) {
		decoded = decode_words(value, size);
		text = decoded;
		size = strlen(decoded);
	}
	scratch = g_string_new(NULL);
	text = text_to_utf8(text, &size, NULL, scratch);
	return one_line(text, size);
}

static void add_address(GPtrArray *addresses, const char *address)
{
	g_autofree char *clean = one_line(address, strlen(address));

	if (addresses->len < ADDRESSES_MAX && *clean != '\0')
		g_ptr_array_add(addresses, g_steal_pointer(&clean));
}

/* Groups are flattened: their names are no addresses. */
static void add_list(GPtrArray *addresses, InternetAddressList *list, int depth)
{
	int count = internet_address_list_length(list);

	for (int i = 0; i < count && addresses->len < ADDRESSES_MAX; i++) {
		InternetAddress *entry = internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_GROUP(entry)) {
			InternetAddressList *members = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(entry));

			if (members != NULL && depth < GROUP_DEPTH_MAX)
				add_list(addresses, members, depth + 1);
		} else if (INTERNET_ADDRESS_IS_MAILBOX(entry)) {
			const char *address = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(entry));

			if (address != NULL && strchr(address, '@') != NULL && g_utf8_validate(address, -1, NULL))
				add_address(addresses, address);
		}
	}
}

static void parse_list(GPtrArray *addresses, const char *value)
{
	InternetAddressList *list = internet_address_list_parse(text_parser_options(), value);

	if (list == NULL)
		return;
	add_list(addresses, list, 0);
	g_object_unref(list);
}

static bool is_address_char(char c)
{
	return (guchar)c >= 0x80 || g_ascii_isalnum(c) || (c != '\0' && strchr(".!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Last resort, for lists that are no lists: something@something, wherever it stands. */
static void scan_list(GPtrArray *addresses, const char *value)
{
	const char *from = value; /* behind the last address found: keeps "a@a@a@..." linear */
	const char *at = value;

	while ((at = strchr(at, '@')) != NULL && addresses->len < ADDRESSES_MAX) {
		const char *start = at;
		const char *end = at + 1;

		while (start > from && is_address_char(start[-1]))
			start--;
		while (is_address_char(*end))
			end++;
		while (end > at + 1 && strchr(".'", end[-1]) != NULL)
			end--;
		if (start < at && end > at + 1) {
			g_autofree char *address = g_strndup(start, (gsize)(end - start));

			add_address(addresses, address);
		}
		from = end;
		at = end;
	}
}

static guint count_char(const char *text, char wanted)
{
	guint count = 0;

	for (; *text != '\0'; text++)
		count += *text == wanted;
	return count;
}

GPtrArray *text_addresses(const char *value)
{
	GPtrArray *addresses = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) scratch = g_string_new(NULL);
	g_autoptr(GString) list = g_string_new(NULL);
	g_autofree char *decoded = NULL;
	const char *utf8;
	gsize size;

	if (value == NULL || strchr(value, '@') == NULL)
		if (value == NULL || strstr(value, "=?") == NULL)
			return addresses;
	size = strnlen(value, VALUE_MAX);
	utf8 = text_to_utf8(value, &size, NULL, scratch);
	text_append_known_labels(list, utf8, size);
	if (count_char(list->str, ':') <= COLONS_MAX)
		parse_list(addresses, list->str);
	if (addresses->len > 0)
		return addresses;
	/* Some mailers encode the address together with the name. */
	decoded = text_decode_header(list->str);
	if (count_char(decoded, ':') <= COLONS_MAX)
		parse_list(addresses, decoded);
	if (addresses->len == 0)
		scan_list(addresses, decoded);
	return addresses;
}
