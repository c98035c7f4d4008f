/* text-charset: transfer encodings and charsets to clean UTF-8. Layer: mail.
 *
 * Labels lie, so each is a first guess only: a label that fails, or that says Latin where the bytes are UTF-8, gives way
 * to UTF-8, and what is no UTF-8 either is read as windows-1252, in which nearly every byte means something. */
#include "mail/text-private.h"

#include <errno.h>
#include <string.h>

#define LABEL_MAX 40

/* What kind of charset it is decides which guess comes first. */
typedef enum {
	KIND_UNICODE, /* UTF-8 or a label that says nothing */
	KIND_LATIN,   /* one byte a character: any bytes are valid, so a check for UTF-8 comes first */
	KIND_MULTI,   /* more bytes a character, ASCII as itself */
	KIND_STATEFUL /* ASCII bytes may mean something else */
} CharsetKind;

typedef struct {
	const char *label;
	const char *iconv; /* the superset that mailers mean */
	CharsetKind kind;
} Charset;

/* iconv is only asked for names of this table: both it and GMime keep what they were once asked for. */
static const Charset CHARSETS[] = {
	{ "utf-8", "UTF-8", KIND_UNICODE },
	{ "utf8", "UTF-8", KIND_UNICODE },
	{ "us-ascii", "UTF-8", KIND_UNICODE },
	{ "ascii", "UTF-8", KIND_UNICODE },
	{ "ansi_x3.4-1968", "UTF-8", KIND_UNICODE },
	{ "unknown-8bit", "UTF-8", KIND_UNICODE },
	{ "iso-8859-1", "CP1252", KIND_LATIN },
	{ "iso8859-1", "CP1252", KIND_LATIN },
	{ "iso_8859-1", "CP1252", KIND_LATIN },
	{ "latin1", "CP1252", KIND_LATIN },
	{ "windows-1252", "CP1252", KIND_LATIN },
	{ "cp1252", "CP1252", KIND_LATIN },
	{ "cp-1252", "CP1252", KIND_LATIN },
	{ "iso-8859-2", "ISO-8859-2", KIND_LATIN },
	{ "iso-8859-3", "ISO-8859-3", KIND_LATIN },
	{ "iso-8859-4", "ISO-8859-4", KIND_LATIN },
	{ "iso-8859-5", "ISO-8859-5", KIND_LATIN },
	{ "iso-8859-6", "ISO-8859-6", KIND_LATIN },
	{ "iso-8859-7", "ISO-8859-7", KIND_LATIN },
	{ "iso-8859-8", "ISO-8859-8", KIND_LATIN },
	{ "iso-8859-8-i", "ISO-8859-8", KIND_LATIN },
	{ "iso-8859-9", "CP1254", KIND_LATIN },
	{ "iso-8859-10", "ISO-8859-10", KIND_LATIN },
	{ "iso-8859-11", "CP874", KIND_LATIN },
	{ "iso-8859-13", "ISO-8859-13", KIND_LATIN },
	{ "iso-8859-14", "ISO-8859-14", KIND_LATIN },
	{ "iso-8859-15", "ISO-8859-15", KIND_LATIN },
	{ "iso-8859-16", "ISO-8859-16", KIND_LATIN },
	{ "windows-1250", "CP1250", KIND_LATIN },
	{ "windows-1251", "CP1251", KIND_LATIN },
	{ "cp1251", "CP1251", KIND_LATIN },
	{ "windows-1253", "CP1253", KIND_LATIN },
	{ "windows-1254", "CP1254", KIND_LATIN },
	{ "windows-1255", "CP1255", KIND_LATIN },
	{ "windows-1256", "CP1256", KIND_LATIN },
	{ "windows-1257", "CP1257", KIND_LATIN },
	{ "windows-1258", "CP1258", KIND_LATIN },
	{ "windows-874", "CP874", KIND_LATIN },
	{ "tis-620", "CP874", KIND_LATIN },
	{ "koi8-r", "KOI8-R", KIND_LATIN },
	{ "koi8-u", "KOI8-U", KIND_LATIN },
	{ "ibm437", "CP437", KIND_LATIN },
	{ "cp437", "CP437", KIND_LATIN },
	{ "ibm850", "CP850", KIND_LATIN },
	{ "cp850", "CP850", KIND_LATIN },
	{ "cp866", "CP866", KIND_LATIN },
	{ "macintosh", "MACINTOSH", KIND_LATIN },
	{ "shift_jis", "CP932", KIND_MULTI },
	{ "shift-jis", "CP932", KIND_MULTI },
	{ "x-sjis", "CP932", KIND_MULTI },
	{ "sjis", "CP932", KIND_MULTI },
	{ "windows-31j", "CP932", KIND_MULTI },
	{ "cp932", "CP932", KIND_MULTI },
	{ "euc-jp", "EUC-JP", KIND_MULTI },
	{ "gb2312", "GB18030", KIND_MULTI },
	{ "gbk", "GB18030", KIND_MULTI },
	{ "cp936", "GB18030", KIND_MULTI },
	{ "gb18030", "GB18030", KIND_MULTI },
	{ "big5", "BIG5-HKSCS", KIND_MULTI },
	{ "big5-hkscs", "BIG5-HKSCS", KIND_MULTI },
	{ "euc-tw", "EUC-TW", KIND_MULTI },
	{ "euc-kr", "UHC", KIND_MULTI },
	{ "ks_c_5601-1987", "UHC", KIND_MULTI },
	{ "cp949", "UHC", KIND_MULTI },
	{ "iso-2022-jp", "ISO-2022-JP-3", KIND_STATEFUL },
	{ "iso-2022-jp-1", "ISO-2022-JP-2", KIND_STATEFUL },
	{ "iso-2022-jp-2", "ISO-2022-JP-2", KIND_STATEFUL },
	{ "iso-2022-kr", "ISO-2022-KR", KIND_STATEFUL },
	{ "iso-2022-cn", "ISO-2022-CN", KIND_STATEFUL },
	{ "utf-7", "UTF-7", KIND_STATEFUL },
	{ "unicode-1-1-utf-7", "UTF-7", KIND_STATEFUL },
	{ "utf-16", "UTF-16", KIND_STATEFUL },
	{ "utf-16le", "UTF-16LE", KIND_STATEFUL },
	{ "utf-16be", "UTF-16BE", KIND_STATEFUL },
	{ "utf-32", "UTF-32", KIND_STATEFUL },
	{ "utf-32le", "UTF-32LE", KIND_STATEFUL },
	{ "utf-32be", "UTF-32BE", KIND_STATEFUL },
};

/* Converters kept open between text_init and text_shutdown, so that no mail waits while their modules are loaded from disk,
 * and none is missing after a change of root. The rest is loaded when it comes, which is next to never. */
static const char *const KEPT_OPEN[] = { "CP1250",  "CP1251", "ISO-8859-2", "KOI8-R",      "CP932",  "EUC-JP",
	                                     "GB18030", "UHC",    "BIG5-HKSCS", "ISO-2022-JP-3", "UTF-16", "UTF-7" };

static GIConv kept_open[G_N_ELEMENTS(KEPT_OPEN)];

void text_charset_init(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(KEPT_OPEN); i++)
		kept_open[i] = g_iconv_open("UTF-8", KEPT_OPEN[i]);
}

void text_charset_shutdown(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(KEPT_OPEN); i++)
		if (kept_open[i] != (GIConv)-1)
			g_iconv_close(kept_open[i]);
}

static const Charset *charset_find(const char *label, gsize length)
{
	if (length == 0 || length > LABEL_MAX)
		return NULL;
	for (guint i = 0; i < G_N_ELEMENTS(CHARSETS); i++)
		if (strlen(CHARSETS[i].label) == length && g_ascii_strncasecmp(CHARSETS[i].label, label, length) == 0)
			return &CHARSETS[i];
	return NULL;
}

/* The label of a Content-Type comes with all the dirt mailers put around it. */
static const Charset *charset_of_label(const char *label)
{
	static const char DIRT[] = " \t\r\n\"'";
	gsize length;

	if (label == NULL)
		return NULL;
	label += strspn(label, DIRT);
	length = strcspn(label, " \t\r\n\"';*");
	return charset_find(label, length);
}

static gsize label_length(const char *text, const char *end)
{
	const char *p = text;

	while (p < end && (g_ascii_isalnum(*p) || strchr("-_.:+", *p) != NULL) && *p != '\0')
		p++;
	return (gsize)(p - text);
}

/* encoded-word = "=?" charset [ "*" language ] "?" encoding "?" ...       RFC 2047 section 2, RFC 2231 section 5
 * extended     = name [ "*" DIGIT ] "*=" charset "'" [ language ] "'" ...  RFC 2231 section 4
 * Returns the length of the charset that starts at text, or 0 where this is neither. */
static gsize charset_in_header_syntax(const char *text, const char *end, bool word)
{
	gsize length = label_length(text, end);
	const char *next = text + length;

	if (length == 0 || next == end)
		return 0;
	if (!word)
		return *next == '\'' ? length : 0;
	if (*next == '*')
		next += 1 + label_length(next + 1, end);
	if (end - next < 3 || *next != '?' || strchr("QqBb", next[1]) == NULL || next[2] != '?')
		return 0;
	return length;
}

void text_append_known_labels(GString *out, const char *bytes, gsize size)
{
	const char *end = bytes + size;
	const char *copied = bytes;
	const char *at = bytes;

	while ((at = memchr(at, '=', (gsize)(end - at))) != NULL) {
		bool word = at + 1 < end && at[1] == '?';
		const char *label = at + (word ? 2 : 1);
		gsize length = 0;

		if (label < end && *label == '"' && !word)
			label++;
		if (word || (at > bytes && at[-1] == '*'))
			length = charset_in_header_syntax(label, end, word);
		if (length > 0 && charset_find(label, length) == NULL) {
			g_string_append_len(out, copied, label - copied);
			g_string_append(out, "utf-8");
			copied = label + length;
		}
		at++;
	}
	g_string_append_len(out, copied, end - copied);
}

/* Mailers write "7-bit", "Quoted-Printable;", "base64 (none)": the first word tells. */
static GMimeContentEncoding encoding_of(const char *encoding)
{
	g_autofree char *word = NULL;

	if (encoding == NULL)
		return GMIME_CONTENT_ENCODING_DEFAULT;
	encoding += strspn(encoding, " \t\r\n\"");
	word = g_strndup(encoding, strcspn(encoding, " \t\r\n;,(\""));
	return g_mime_content_encoding_from_string(word);
}

/* The data of uuencoded bytes stands behind the line "begin MODE NAME". */
static const char *uuencoded_start(const char *bytes, gsize *size)
{
	const char *at = bytes;
	gsize left = *size;

	while (left > 0) {
		const char *eol = memchr(at, '\n', left);
		gsize line = eol != NULL ? (gsize)(eol - at) + 1 : left;
		bool begin = line > 6 && memcmp(at, "begin ", 6) == 0;

		at += line;
		left -= line;
		if (begin) {
			*size = left;
			return at;
		}
	}
	return NULL;
}

const char *text_undo_encoding(const char *bytes, gsize *size, const char *encoding, GString *scratch)
{
	GMimeContentEncoding kind = encoding_of(encoding);
	GMimeEncoding state;
	gsize room;

	if (kind == GMIME_CONTENT_ENCODING_UUENCODE) {
		const char *start = uuencoded_start(bytes, size);

		if (start == NULL)
			return bytes;
		bytes = start;
	} else if (kind != GMIME_CONTENT_ENCODING_BASE64 && kind != GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE) {
		return bytes;
	}
	g_mime_encoding_init_decode(&state, kind);
	room = g_mime_encoding_outlen(&state, *size);
	g_string_set_size(scratch, room);
	*size = g_mime_encoding_flush(&state, bytes, *size, scratch->str);
	g_string_truncate(scratch, *size);
	return scratch->str;
}

/* Returns true where all bytes are ASCII, NUL excepted. A word at a time: this runs over every plain mail. */
static bool is_ascii(const char *bytes, gsize size)
{
	gsize i = 0;

	for (; i + sizeof(guint64) <= size; i += sizeof(guint64)) {
		guint64 word;

		memcpy(&word, bytes + i, sizeof word);
		if ((word & G_GUINT64_CONSTANT(0x8080808080808080)) != 0)
			return false;
	}
	for (; i < size; i++)
		if ((guchar)bytes[i] >= 0x80)
			return false;
	return true;
}

/* Converts with iconv, a '?' for each byte that means nothing. Returns how many those were, or G_MAXSIZE where the charset
 * cannot be opened. A character torn at the end (a bounded body) is left out and is no mistake. */
static gsize convert(const char *bytes, gsize size, const char *charset, GString *out)
{
	GIConv converter = g_iconv_open("UTF-8", charset);
	char *in = (char *)bytes;
	gsize left = size;
	gsize mistakes = 0;
	bool flushed = false;

	g_string_truncate(out, 0);
	if (converter == (GIConv)-1)
		return G_MAXSIZE;
	while (!flushed) {
		gsize used = out->len;
		gsize room = left * 2 + 32;
		gsize room_left = room;
		bool last = left == 0;
		char *to;
		gsize result;

		g_string_set_size(out, used + room);
		to = out->str + used;
		/* Some converters hold a character back to see whether an accent follows: the last call fetches it. */
		result = g_iconv(converter, last ? NULL : &in, last ? NULL : &left, &to, &room_left);
		g_string_truncate(out, used + room - room_left);
		if (last) {
			flushed = true;
		} else if (result == (gsize)-1 && errno == EINVAL) {
			left = 0;
		} else if (result == (gsize)-1 && errno != E2BIG) {
			g_string_append_c(out, '?');
			in++;
			left--;
			mistakes++;
		}
	}
	g_iconv_close(converter);
	return mistakes;
}

/* windows-1252 (0x80 to 0x9f; 0 = undefined), by hand since iconv refuses the five undefined bytes */
static const gunichar2 CP1252_HIGH[32] = {
	0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
	0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

static void convert_cp1252(const char *bytes, gsize size, GString *out)
{
	const char *end = bytes + size;

	g_string_truncate(out, 0);
	while (bytes < end) {
		const char *run = bytes;
		guchar c;

		while (bytes < end && (guchar)*bytes < 0x80)
			bytes++;
		g_string_append_len(out, run, bytes - run);
		if (bytes == end)
			return;
		c = (guchar)*bytes++;
		if (c >= 0xa0)
			g_string_append_unichar(out, c);
		else
			g_string_append_unichar(out, CP1252_HIGH[c - 0x80] != 0 ? CP1252_HIGH[c - 0x80] : '?');
	}
}

/* How sure it is that bytes are UTF-8. */
typedef enum {
	UTF8_SAID,    /* the label says so: broken bytes are mistakes */
	UTF8_GUESSED, /* nothing is said */
	UTF8_DENIED   /* the label says Latin: only without a mistake */
} Utf8Claim;

/* Reads UTF-8 with broken bytes. Returns false where it is broken so often that it was meant as something else. */
static bool repair_utf8(const char *bytes, gsize size, Utf8Claim claim, GString *out)
{
	const char *end = bytes + size;
	gsize good = 0;
	gsize bad = 0;

	g_string_truncate(out, 0);
	while (bytes < end) {
		const char *run = bytes;
		gunichar c = 0;

		while (bytes < end && (guchar)*bytes < 0x80)
			bytes++;
		if (bytes < end)
			c = g_utf8_get_char_validated(bytes, end - bytes);
		g_string_append_len(out, run, bytes - run);
		if (bytes == end)
			break;
		/* Torn at the end of a bounded body; but a lone last byte may as well be Latin. */
		if (c == (gunichar)-2 && end - bytes < 4 && (good > 0 || claim == UTF8_SAID))
			break;
		if (c == (gunichar)-1 || c == (gunichar)-2) {
			if (claim == UTF8_DENIED)
				return false;
			bad++;
			g_string_append_c(out, '?');
			bytes++;
		} else {
			run = bytes;
			bytes = g_utf8_next_char(bytes);
			good++;
			g_string_append_len(out, run, bytes - run);
		}
	}
	return bad == 0 || good >= bad * 2;
}

/* UTF-16 and UTF-32 have NULs of their own; elsewhere they are dirt that would end a string early. */
static void drop_nul(GString *text)
{
	gsize to = 0;

	for (gsize from = 0; from < text->len; from++)
		if (text->str[from] != '\0')
			text->str[to++] = text->str[from];
	g_string_truncate(text, to);
}

/* RFC 2781 says big-endian where there is no mark; mailers say little-endian. The zero halves of ASCII tell. */
static const char *utf16_order(const char *bytes, gsize size)
{
	gsize zero[2] = { 0, 0 };

	if (size >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
		return "UTF-16";
	for (gsize i = 0; i < MIN(size, 512); i++)
		zero[i % 2] += bytes[i] == '\0';
	return zero[1] > zero[0] ? "UTF-16LE" : "UTF-16BE";
}

static bool convert_labelled(const char *bytes, gsize size, const Charset *charset, GString *out)
{
	const char *name = charset->iconv;
	gsize mistakes;

	if (strcmp(name, "CP1252") == 0) {
		convert_cp1252(bytes, size, out);
		return true;
	}
	if (strcmp(name, "UTF-16") == 0)
		name = utf16_order(bytes, size);
	mistakes = convert(bytes, size, name, out);
	/* A label that does not quite fit bytes which are UTF-8 is wrong. */
	return mistakes == 0 || (mistakes <= size / 50 && !g_utf8_validate_len(bytes, size, NULL));
}

/* Japanese mail in ISO-2022-JP often comes without any label: its escapes are unmistakable. */
static bool has_jis_escape(const char *bytes, gsize size)
{
	const char *escape = memchr(bytes, '\033', size);

	return escape != NULL && bytes + size - escape > 2 && escape[1] == '$' && (escape[2] == 'B' || escape[2] == '@');
}

const char *text_to_utf8(const char *bytes, gsize *size, const char *label, GString *scratch)
{
	const Charset *charset = charset_of_label(label);
	CharsetKind kind = charset != NULL ? charset->kind : KIND_UNICODE;
	bool plain_ascii = kind != KIND_STATEFUL && is_ascii(bytes, *size);
	bool nul = memchr(bytes, '\0', *size) != NULL;
	Utf8Claim claim = charset == NULL ? UTF8_GUESSED : kind == KIND_LATIN ? UTF8_DENIED : UTF8_SAID;
	bool done = false;

	if (kind != KIND_STATEFUL && kind != KIND_MULTI && has_jis_escape(bytes, *size)) {
		charset = charset_find("iso-2022-jp", strlen("iso-2022-jp"));
		kind = KIND_STATEFUL;
	} else if (!nul && (plain_ascii || (kind <= KIND_LATIN && g_utf8_validate_len(bytes, *size, NULL)))) {
		return bytes;
	}
	if (kind <= KIND_LATIN)
		done = repair_utf8(bytes, *size, claim, scratch);
	if (!done && kind != KIND_UNICODE)
		done = convert_labelled(bytes, *size, charset, scratch);
	if (!done && kind > KIND_LATIN)
		done = repair_utf8(bytes, *size, UTF8_GUESSED, scratch);
	if (!done)
		convert_cp1252(bytes, *size, scratch);
	drop_nul(scratch);
	*size = scratch->len;
	return scratch->str;
}

/* What a clean text does with a character outside printable ASCII: 0 = leave out, else what stands for it. */
static gunichar cleaned(gunichar c)
{
	switch (c) {
	case 0x00a0: /* no-break and fixed-width spaces */
	case 0x2007:
	case 0x202f:
	case 0x3000:
		return ' ';
	case 0x0085: /* next line, line and paragraph separator */
	case 0x2028:
	case 0x2029:
		return '\n';
	case 0x00ad: /* invisible: soft hyphen, joiners and zero-width spaces, which also hide words from rules */
	case 0x034f:
	case 0x200b:
	case 0x2060:
	case 0xfeff:
		return 0;
	default:
		return c < 0x20 || (c >= 0x7f && c < 0xa0) ? 0 : c;
	}
}

/* Bytes that go over as they are: printable ASCII and all of UTF-8 but the lead bytes under which cleaned() has something
 * to change: U+0080 to U+00BF, U+034F, U+2000 to U+2FFF, U+3000, U+FEFF. */
static const bool PLAIN_BYTE[256] = {
	['\t'] = true,           ['\n'] = true,           [0x20 ... 0x7e] = true, [0x80 ... 0xc1] = true,
	[0xc3 ... 0xcc] = true,  [0xce ... 0xe1] = true,  [0xe4 ... 0xee] = true, [0xf0 ... 0xff] = true,
};

bool text_append_bounded(GString *out, const char *text, gsize size, gsize max)
{
	gsize room = out->len < max ? max - out->len : 0;

	if (size > room) {
		while (room > 0 && ((guchar)text[room] & 0xc0) == 0x80)
			room--;
		g_string_append_len(out, text, (gssize)room);
		return false;
	}
	g_string_append_len(out, text, (gssize)size);
	return true;
}

bool text_append_clean(GString *out, const char *text, gsize size, gsize max)
{
	const char *end = text + size;

	while (text < end) {
		const char *run = text;
		char bytes[6];
		gunichar before;
		gunichar c;

		while (text < end && PLAIN_BYTE[(guchar)*text])
			text++;
		if (!text_append_bounded(out, run, (gsize)(text - run), max))
			return false;
		if (text == end)
			break;
		if (*text == '\r' && text + 1 < end && text[1] == '\n') {
			text++;
			continue;
		}
		run = text;
		before = g_utf8_get_char(text);
		text = g_utf8_next_char(text);
		c = before == '\r' ? '\n' : cleaned(before);
		if (c == before ? !text_append_bounded(out, run, (gsize)(text - run), max)
		                : c != 0 && !text_append_bounded(out, bytes, (gsize)g_unichar_to_utf8(c, bytes), max))
			return false;
	}
	return true;
}
