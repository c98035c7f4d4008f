/* text-header: encoded words and address lists of header fields. Layer: mail.
 * GMime parses address lists; here is what keeps hostile ones cheap and finds addresses in lists that nobody can parse. */
#include "mail/text-private.h"

#include <string.h>

#define ADDRESSES_MAX 200
#define VALUE_MAX (16 * 1024) /* bytes of one header field that are looked at */
#define COLONS_MAX 100        /* each may open a group within a group, which GMime reads by recursion */
#define GROUP_DEPTH_MAX 20
#define LABEL_SIZE_MAX 60
#define DATE_SIZE_MAX 200     /* with comments */

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

/* encoded-word = "=?" charset [ "*" language ] "?" ( "B" / "Q" ) "?" text "?="
 *                                                            RFC 2047 section 2, RFC 2231 section 5
 * Read by hand: GMime 3.2 joins neighbouring words before it decodes and then stops at the base64 padding of the first. */
typedef struct {
	char *label;
	char encoding; /* 'b' or 'q' */
	const char *text;
	gsize size;
	const char *end; /* behind the closing "?=" */
} Word;

/* Reads the encoded word that starts at at; returns false where there is none. closed is cleared once no "?=" follows,
 * since then none follows anywhere behind. */
static bool parse_word(const char *at, const char *end, Word *word, bool *closed)
{
	const char *charset = at + 2;
	const char *mark = *closed ? memchr(charset, '?', MIN((gsize)(end - charset), LABEL_SIZE_MAX)) : NULL;
	const char *close;

	if (mark == NULL || mark == charset || end - mark < 3 || mark[2] != '?')
		return false;
	word->encoding = g_ascii_tolower(mark[1]);
	if (word->encoding != 'b' && word->encoding != 'q')
		return false;
	word->text = mark + 3;
	close = g_strstr_len(word->text, end - word->text, "?=");
	if (close == NULL) {
		*closed = false;
		return false;
	}
	word->label = g_strndup(charset, strcspn(charset, "*?"));
	word->size = (gsize)(close - word->text);
	word->end = close + 2;
	return true;
}

/* Appends the bytes of the word, still in its charset. */
static void append_word_bytes(GString *bytes, const Word *word)
{
	g_autoptr(GString) encoded = g_string_new_len(word->text, (gssize)word->size);
	GMimeEncoding state;
	gsize used = bytes->len;

	if (word->encoding == 'b') {
		while (encoded->len % 4 != 0)
			g_string_append_c(encoded, '=');
		g_mime_encoding_init_decode(&state, GMIME_CONTENT_ENCODING_BASE64);
	} else {
		for (gsize i = 0; i < encoded->len; i++)
			if (encoded->str[i] == '_')
				encoded->str[i] = ' ';
		g_mime_encoding_init_decode(&state, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	}
	g_string_set_size(bytes, used + g_mime_encoding_outlen(&state, encoded->len));
	g_string_truncate(bytes, used + g_mime_encoding_flush(&state, encoded->str, encoded->len, bytes->str + used));
}

static void append_utf8(GString *out, const char *bytes, gsize size, const char *label)
{
	g_autoptr(GString) scratch = g_string_new(NULL);
	const char *utf8 = text_to_utf8(bytes, &size, label, scratch);

	g_string_append_len(out, utf8, (gssize)size);
}

/* Encoded words on their way to UTF-8. Neighbours in one charset are joined first: mailers tear characters between them. */
typedef struct {
	GString *out;
	GString *bytes;
	char *label; /* of bytes; NULL = there are none */
} Words;

static void flush_words(Words *words)
{
	if (words->label != NULL)
		append_utf8(words->out, words->bytes->str, words->bytes->len, words->label);
	g_string_truncate(words->bytes, 0);
	g_clear_pointer(&words->label, g_free);
}

static void add_word(Words *words, Word *word)
{
	if (words->label != NULL && g_ascii_strcasecmp(words->label, word->label) != 0)
		flush_words(words);
	append_word_bytes(words->bytes, word);
	g_free(words->label);
	words->label = word->label;
}

static bool is_white(const char *text, const char *end)
{
	while (text < end && g_ascii_isspace(*text))
		text++;
	return text == end;
}

/* Appends value with its encoded words decoded; white space between two of them is none (RFC 2047 section 6.2). */
static void decode_words(GString *out, const char *value, gsize size)
{
	const char *end = value + size;
	const char *literal = value;
	const char *at = value;
	Words words = { .out = out, .bytes = g_string_new(NULL) };
	bool closed = true;

	while ((at = g_strstr_len(at, end - at, "=?")) != NULL) {
		Word word;

		if (!parse_word(at, end, &word, &closed)) {
			at += 2;
			continue;
		}
		if (words.label == NULL || !is_white(literal, at)) {
			flush_words(&words);
			append_utf8(out, literal, (gsize)(at - literal), NULL);
		}
		add_word(&words, &word);
		at = literal = word.end;
	}
	flush_words(&words);
	append_utf8(out, literal, (gsize)(end - literal), NULL);
	g_string_free(words.bytes, TRUE);
}

char *text_decode_header(const char *value)
{
	g_autoptr(GString) decoded = NULL;
	gsize size;

	if (value == NULL)
		return g_strdup("");
	size = strnlen(value, VALUE_MAX);
	decoded = g_string_sized_new(size + 1);
	decode_words(decoded, value, size);
	return one_line(decoded->str, decoded->len);
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

bool text_date(const char *value, gint64 *seconds)
{
	const char *date = value != NULL ? strrchr(value, ';') : NULL;
	g_autofree char *bounded = NULL;
	GDateTime *time;

	if (value == NULL)
		return false;
	bounded = g_strndup(date != NULL ? date + 1 : value, DATE_SIZE_MAX);
	time = g_mime_utils_header_decode_date(bounded);
	if (time == NULL)
		return false;
	*seconds = g_date_time_to_unix(time);
	g_date_time_unref(time);
	return true;
}
