/* test-text: the words a customer wrote are found, whatever their mail program made of them; and only theirs. */
#include "mail/text-private.h"

#include <string.h>

#define LIMIT (64 * 1024)

static Message *load(const char *name)
{
	g_autofree char *file = g_strconcat(name, ".eml", NULL);
	g_autofree char *path = g_test_build_filename(G_TEST_DIST, "tests", "data", "mime", file, NULL);
	g_autofree char *bytes = NULL;
	g_autoptr(GError) error = NULL;
	gsize size;

	g_file_get_contents(path, &bytes, &size, &error);
	g_assert_no_error(error);
	return message_from_bytes(bytes, size, LIMIT);
}

static char *joined_parts(const Text *text)
{
	GString *parts = g_string_new(NULL);

	for (guint i = 0; i < text->parts->len; i++)
		g_string_append_printf(parts, "%s%s", i > 0 ? " " : "", (const char *)g_ptr_array_index(text->parts, i));
	return g_string_free(parts, FALSE);
}

typedef struct {
	const char *name; /* of the file in tests/data/mime */
	const char *own;
	const char *quoted;  /* NULL = "" */
	const char *subject; /* NULL = not looked at */
	const char *parts;   /* NULL = "text/plain" */
} MailCase;

static const MailCase MAILS[] = {
	{ "plain-crlf", "Hello,\n\nnobody here can log in.\n\nJane", NULL, "Login fails", NULL },
	{ "nested-multipart", "The export stops at 40 %.\nSent through our helpdesk.", NULL, "Re: invoice",
	  "multipart/mixed multipart/related multipart/alternative text/plain text/html image/png text/plain text/plain" },
	{ "base64-utf8", "Guten Tag,\n\nseit heute früh geht nichts mehr.", NULL, "Störung", NULL },
	{ "quoted-printable-latin1", "Bonjour, \nle site est fermé – depuis une heure.", NULL, "Problème d'accès", NULL },
	{ "iso-2022-jp", "サイトが開きません。", NULL, "ログインできません", NULL },
	{ "unlabelled-jis", "障害ですか。", NULL, NULL, NULL },
	{ "gb2312", "无法登录，朱镕基", NULL, NULL, NULL },
	{ "utf-16-base64", "Nothing works any more.", NULL, NULL, NULL },
	{ "label-latin1-bytes-utf8", "Die Größe fehlt.", NULL, NULL, NULL },
	{ "label-utf8-bytes-cp1252", "Preis 5 € – „geht“ nicht.", NULL, NULL, NULL },
	{ "label-unknown", "Café Münster", NULL, "café", NULL },
	{ "uuencode", "The page does not load.", NULL, NULL, NULL },
	{ "odd-encoding-names", "First.\nSecond.\nThird.", NULL, NULL, "multipart/mixed text/plain text/plain text/plain" },
	{ "html-hidden", "Café & Bar is down\n\nLine one\nline two\n\nfirst\nsecond\n\ninvisible", NULL, NULL, "text/html" },
	{ "html-gmail-reply", "Still broken for us.\n\nindented by me",
	  "On Mon, 5 Jan 2026 at 10:00, Support <support@example.com> wrote:\n\n> The site was down.", NULL, "text/html" },
	{ "html-outlook-reply", "It works again.",
	  "> From: Support\n> Sent: Monday\n> To: Jane\n> Subject: Ticket\n\n> We had an outage.", NULL, "text/html" },
	{ "html-stub-alternative", "Payments fail with error 402.", NULL, NULL,
	  "multipart/alternative text/plain text/html" },
	{ "enclosed-message", "See the mail of our customer.\nsite down!\nThe site is down.", NULL, "Fwd: outage",
	  "multipart/mixed text/plain message/rfc822 multipart/report text/plain" },
	{ "bounce-report", "Your mail could not be delivered.",
	  "Reporting-MTA: dns; mx.example\n\nAction: failed\nSubject: the site is down", NULL,
	  "multipart/report text/plain message/delivery-status text/rfc822-headers" },
	{ "wrong-boundary", "The boundary in the header is wrong.", NULL, NULL, "multipart/mixed text/plain" },
	{ "missing-close", "The mail ends early", NULL, NULL, "multipart/mixed text/plain" },
	{ "header-broken-off", "The header was broken.", NULL, "x", "multipart/alternative text/plain" },
	{ "boundary-never-used", "No parts at all, only words.", NULL, NULL, "multipart/mixed" },
	{ "subject-raw-utf8", "x", NULL, "Störung seit 9 Uhr ganz schön", NULL },
	{ "subject-raw-latin1", "x", NULL, "Störung", NULL },
	{ "encrypted", "", NULL, NULL,
	  "multipart/encrypted application/pgp-encrypted application/octet-stream" },
};

static void test_mail(gconstpointer data)
{
	const MailCase *test = data;
	g_autoptr(Message) message = load(test->name);
	g_autoptr(Text) text = text_read(message, LIMIT);
	g_autofree char *parts = joined_parts(text);

	g_assert_cmpstr(text->own, ==, test->own);
	g_assert_cmpstr(text->quoted, ==, test->quoted != NULL ? test->quoted : "");
	if (test->subject != NULL)
		g_assert_cmpstr(text->subject, ==, test->subject);
	g_assert_cmpstr(parts, ==, test->parts != NULL ? test->parts : "text/plain");
	g_assert_false(text->cut);
}

/* The short way for mail of one part must give what the MIME parser gives. */
static void test_both_ways(void)
{
	guint compared = 0;

	for (guint i = 0; i < G_N_ELEMENTS(MAILS); i++) {
		g_autoptr(Message) message = load(MAILS[i].name);
		g_autoptr(Text) direct = text_read_with(message, LIMIT, false);
		g_autoptr(Text) parsed = text_read_with(message, LIMIT, true);
		g_autofree char *direct_parts = joined_parts(direct);
		g_autofree char *parsed_parts = joined_parts(parsed);

		g_assert_cmpstr(direct->own, ==, parsed->own);
		g_assert_cmpstr(direct->quoted, ==, parsed->quoted);
		g_assert_cmpstr(direct->subject, ==, parsed->subject);
		g_assert_cmpstr(direct_parts, ==, parsed_parts);
		g_assert_cmpint(direct->cut, ==, parsed->cut);
		compared += g_str_has_prefix(direct_parts, "text/");
	}
	g_assert_cmpuint(compared, >, 10);
}

static void test_facts(void)
{
	g_autoptr(Message) report = load("bounce-report");
	g_autoptr(Text) report_text = text_read(report, LIMIT);
	g_autoptr(Message) enclosed = load("enclosed-message");
	g_autoptr(Text) enclosed_text = text_read(enclosed, LIMIT);
	g_autoptr(Message) german = load("base64-utf8");
	g_autoptr(Text) german_text = text_read(german, LIMIT);
	g_autoptr(Message) french = load("quoted-printable-latin1");
	g_autoptr(Text) french_text = text_read(french, LIMIT);

	g_assert_cmpstr(report_text->report_type, ==, "delivery-status");
	g_assert_null(report_text->language);
	g_assert_null(enclosed_text->report_type); /* a forwarded bounce makes no bounce */
	g_assert_cmpstr(german_text->language, ==, "de-de");
	g_assert_cmpstr(french_text->language, ==, "fr-fr");
}

typedef struct {
	const char *name;
	const char *plain;
	const char *own;
	const char *rest;
} SplitCase;

static const SplitCase SPLITS[] = {
	{ "no-quote", "Hello\n\nworld\n", "Hello\n\nworld", "" },
	{ "empty", "", "", "" },
	{ "top-posting", "It is down.\n\nOn 5 Jan 2026, Jane <j@x.example> wrote:\n> old\n> > older\n", "It is down.",
	  "On 5 Jan 2026, Jane <j@x.example> wrote:\n> old\n> > older" },
	{ "bottom-posting", "Jane wrote:\n> old text\n\nStill down.\n", "Still down.", "Jane wrote:\n> old text" },
	{ "interleaved", "> one\nyes\n> two\nno\n", "yes\nno", "> one\n> two" },
	{ "wrapped-attribution",
	  "Down.\n\nOn Mon, Jan 5, 2026 at 10:00 AM A Very Long Name\n<long.name@customer.example>\nwrote:\n\n> old\n",
	  "Down.", "On Mon, Jan 5, 2026 at 10:00 AM A Very Long Name\n<long.name@customer.example>\nwrote:\n\n> old" },
	{ "attribution-without-marks",
	  "Down.\n\nOn 5 Jan 2026 at 10:00, Jane <j@x.example> wrote:\n\nold words\nmore\n", "Down.",
	  "On 5 Jan 2026 at 10:00, Jane <j@x.example> wrote:\n\nold words\nmore" },
	{ "sentence-like-attribution", "On Monday our admin wrote:\nthe server is gone\n",
	  "On Monday our admin wrote:\nthe server is gone", "" },
	{ "german-attribution", "Geht nicht.\n\nAm 05.01.26 um 10:00 schrieb Support:\n> alt\n", "Geht nicht.",
	  "Am 05.01.26 um 10:00 schrieb Support:\n> alt" },
	{ "french-attribution", "En panne.\n\nLe 5 janv. 2026 à 10:00, Support a écrit :\n> vieux\n", "En panne.",
	  "Le 5 janv. 2026 à 10:00, Support a écrit :\n> vieux" },
	{ "japanese-attribution", "落ちています。\n\n2026年1月5日(月) 10:00 Support <s@x.example>:\n> old\n", "落ちています。",
	  "2026年1月5日(月) 10:00 Support <s@x.example>:\n> old" },
	{ "original-message", "Down.\n-----Original Message-----\nFrom: a\nold\n", "Down.",
	  "-----Original Message-----\nFrom: a\nold" },
	{ "german-original", "Geht nicht.\n\n-----Ursprüngliche Nachricht-----\nalt\n\nauch alt\n", "Geht nicht.",
	  "-----Ursprüngliche Nachricht-----\nalt\n\nauch alt" },
	{ "outlook-block",
	  "Down.\n\n________________________________\nFrom: Jane\nSent: Monday\nTo: Support\nSubject: x\n\nold\n",
	  "Down.", "________________________________\nFrom: Jane\nSent: Monday\nTo: Support\nSubject: x\n\nold" },
	{ "outlook-german", "Geht nicht.\n\nVon: Jane\nGesendet: Montag\nAn: Support\nBetreff: x\n\nalt\n", "Geht nicht.",
	  "Von: Jane\nGesendet: Montag\nAn: Support\nBetreff: x\n\nalt" },
	{ "outlook-french", "En panne.\n\nDe : Jane\nEnvoyé : lundi\nÀ : Support\nObjet : x\n\nvieux\n", "En panne.",
	  "De : Jane\nEnvoyé : lundi\nÀ : Support\nObjet : x\n\nvieux" },
	{ "outlook-spanish", "Caído.\n\n*De:* Jane\n*Enviado el:* lunes\n*Para:* Support\n*Asunto:* x\n\nviejo\n", "Caído.",
	  "*De:* Jane\n*Enviado el:* lunes\n*Para:* Support\n*Asunto:* x\n\nviejo" },
	{ "outlook-italian", "Giù.\n\nDa: Jane\nInviato: lunedì\nA: Support\nOggetto: x\n\nvecchio\n", "Giù.",
	  "Da: Jane\nInviato: lunedì\nA: Support\nOggetto: x\n\nvecchio" },
	{ "outlook-dutch", "Stuk.\n\nVan: Jane\nVerzonden: maandag\nAan: Support\nOnderwerp: x\n\noud\n", "Stuk.",
	  "Van: Jane\nVerzonden: maandag\nAan: Support\nOnderwerp: x\n\noud" },
	{ "outlook-portuguese", "Caiu.\n\nDe: Jane\nEnviada em: segunda\nPara: Support\nAssunto: x\n\nvelho\n", "Caiu.",
	  "De: Jane\nEnviada em: segunda\nPara: Support\nAssunto: x\n\nvelho" },
	{ "outlook-japanese", "落ちています。\n\n差出人: Jane\n送信日時: 月曜\n宛先: Support\n件名: x\n\n古い\n", "落ちています。",
	  "差出人: Jane\n送信日時: 月曜\n宛先: Support\n件名: x\n\n古い" },
	{ "outage-window-is-no-header", "Date: 5 March\nFrom: 10:00\nTo: 11:00\nnothing worked\n",
	  "Date: 5 March\nFrom: 10:00\nTo: 11:00\nnothing worked", "" },
	{ "forward-only", "---------- Forwarded message ---------\nFrom: a@b.example\nSubject: x\n\nthe site is down\n", "the site is down",
	  "---------- Forwarded message ---------\nFrom: a@b.example\nSubject: x" },
	{ "apple-forward", "fyi\n\nBegin forwarded message:\n\nwords\n", "fyi\n\nwords", "Begin forwarded message:" },
	{ "forward-with-words", "solved\n\nBegin forwarded message:\n\nwords\n", "solved", "Begin forwarded message:\n\nwords" },
	{ "signature", "Down.\n-- \nJane\nACME\n", "Down.", "-- \nJane\nACME" },
	{ "signature-above-quote", "Down.\n-- \nJane\n\n> old\n\nand this\n", "Down.\nand this", "-- \nJane\n\n> old" },
	{ "dashes-in-text", "a\n--\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n", "a\n--\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11", "" },
	{ "phone", "Down.\n\nSent from my iPhone\n", "Down.", "Sent from my iPhone" },
	{ "phone-german", "Geht nicht.\n\nVon meinem iPhone gesendet\n", "Geht nicht.", "Von meinem iPhone gesendet" },
	{ "german-sentence", "Von meinem Rechner geht es nicht\n", "Von meinem Rechner geht es nicht", "" },
	{ "sentence-like-phone", "Sent from my app the export\nfails.\n", "Sent from my app the export\nfails.", "" },
	{ "disclaimer", "Down.\n\nCONFIDENTIALITY NOTICE: for you only.\n\nPlease delete.\n", "Down.",
	  "CONFIDENTIALITY NOTICE: for you only.\n\nPlease delete." },
	{ "disclaimer-wording", "Down.\n\nThis email and any attachments are\nconfidential.\n", "Down.",
	  "This email and any attachments are\nconfidential." },
	{ "not-a-disclaimer", "Down.\n\nThis email address is refused.\n", "Down.\n\nThis email address is refused.", "" },
	{ "disclaimer-on-top", "Disclaimer: scanned.\n\nDown.\n", "Down.", "Disclaimer: scanned." },
	{ "bars", "| old\n| older\n| oldest\nDown.\n", "Down.", "| old\n| older\n| oldest" },
	{ "table", "| a | b |\n| 1 | 2 |\n| 3 | 4 |\n", "| a | b |\n| 1 | 2 |\n| 3 | 4 |", "" },
	{ "pgp-signed", "Down.\n-----BEGIN PGP SIGNATURE-----\nabc\n", "Down.", "-----BEGIN PGP SIGNATURE-----\nabc" },
	{ "reply-marker", "Down.\n\n##- Please type your reply above this line -##\nold\n", "Down.",
	  "##- Please type your reply above this line -##\nold" },
};

static void test_split(gconstpointer data)
{
	const SplitCase *test = data;
	g_autoptr(GString) own = g_string_new(NULL);
	g_autoptr(GString) rest = g_string_new(NULL);

	text_split_quoted(test->plain, own, rest, LIMIT);
	g_assert_cmpstr(own->str, ==, test->own);
	g_assert_cmpstr(rest->str, ==, test->rest);
}

static void test_split_limit(void)
{
	g_autoptr(GString) own = g_string_new(NULL);
	g_autoptr(GString) rest = g_string_new(NULL);

	text_split_quoted("ääää\n> öööö\n", own, rest, 5);
	g_assert_cmpstr(own->str, ==, "ää");
	g_assert_cmpstr(rest->str, ==, "> ö");
}

typedef struct {
	const char *value;
	const char *decoded;
} HeaderCase;

static const HeaderCase HEADERS[] = {
	{ NULL, "" },
	{ "", "" },
	{ "plain", "plain" },
	{ " folded\n line\n\tmore ", "folded line more" },
	{ "=?utf-8?B?w6Q=?= =?utf-8?B?w7Y=?=", "äö" },
	{ "=?UTF-8*en?Q?caf=C3=A9_au_lait?=", "café au lait" },
	{ "=?iso-8859-1?Q?caf=E9?=x", "caféx" },
	{ "=?utf-8?Q?not closed", "=?utf-8?Q?not closed" },
	{ "=?nonsense?Q?caf=C3=A9?=", "café" },
	{ "=?utf-8?Q?a=0D=0AX-Evil:_b?=", "a X-Evil: b" },
	{ "tab\x01\x7f and bell\x07", "tab and bell" },
	{ "caf\xe9 na\xefve", "café naïve" },
};

static void test_headers(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(HEADERS); i++) {
		g_autofree char *decoded = text_decode_header(HEADERS[i].value);

		g_assert_cmpstr(decoded, ==, HEADERS[i].decoded);
	}
}

static const HeaderCase ADDRESSES[] = {
	{ NULL, "" },
	{ "", "" },
	{ "jane@example.com", "jane@example.com" },
	{ "Jane <jane@example.com>, \"Roe, R\" <r@example.com> (comment)", "jane@example.com r@example.com" },
	{ "=?utf-8?Q?J=C3=A4ne?= <Jane+Tag@Example.COM>", "Jane+Tag@Example.COM" },
	{ "Team: a@example.com, B <b@example.com>;, c@example.com", "a@example.com b@example.com c@example.com" },
	{ "undisclosed-recipients:;", "" },
	{ "\"admin@bank.example\" <evil@example.com>", "evil@example.com" },
	{ "jänë@exämple.com", "jänë@exämple.com" },
	{ "Jane jane@example.com>", "jane@example.com" },
	{ "[mailto:jane@example.com]", "jane@example.com" },
	{ "<<<jane@example.com", "jane@example.com" },
	{ "=?utf-8?Q?jane=40example.com?=", "jane@example.com" },
	{ "@@@@", "" },
};

static void test_addresses(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(ADDRESSES); i++) {
		g_autoptr(GPtrArray) addresses = text_addresses(ADDRESSES[i].value);
		g_autofree char *joined = NULL;

		g_ptr_array_add(addresses, NULL);
		joined = g_strjoinv(" ", (char **)addresses->pdata);
		g_assert_cmpstr(joined, ==, ADDRESSES[i].decoded);
	}
}

static void test_many_addresses(void)
{
	g_autoptr(GString) list = g_string_new("a0@example.com");
	g_autoptr(GString) groups = g_string_new(NULL);
	g_autoptr(GPtrArray) addresses = NULL;
	g_autoptr(GPtrArray) nested = NULL;

	for (guint i = 1; i < 500; i++)
		g_string_append_printf(list, ", a%u@example.com", i);
	addresses = text_addresses(list->str);
	g_assert_cmpuint(addresses->len, ==, 200);
	g_assert_cmpstr(g_ptr_array_index(addresses, 199), ==, "a199@example.com");
	for (guint i = 0; i < 5000; i++)
		g_string_append(groups, "a:");
	g_string_append(groups, "b@example.com");
	nested = text_addresses(groups->str);
	g_assert_cmpuint(nested->len, ==, 1);
}

static Text *read_body(const char *type, const char *body, gsize max)
{
	g_autoptr(Message) message = message_new(1024 * 1024);

	message_add_header(message, "Content-Type", type);
	message_add_body(message, body, strlen(body));
	return text_read(message, max);
}

static void test_limits(void)
{
	g_autoptr(GString) nested = g_string_new(NULL);
	g_autoptr(GString) parts = g_string_new(NULL);
	g_autoptr(Text) deep = NULL;
	g_autoptr(Text) wide = NULL;
	g_autoptr(Text) text = read_body("text/plain", "ääääääääää\n> öööööööööö\n", 7);

	for (guint i = 0; i < 40; i++)
		g_string_append_printf(nested, "--b%u\nContent-Type: multipart/mixed; boundary=b%u\n\n", i, i + 1);
	g_string_append(nested, "--b40\n\ntoo deep\n");
	for (guint i = 0; i < 400; i++)
		g_string_append(parts, "--b\n\nx\n");
	deep = read_body("multipart/mixed; boundary=b0", nested->str, LIMIT);
	wide = read_body("multipart/mixed; boundary=b", parts->str, LIMIT);
	g_assert_cmpstr(text->own, ==, "äää");
	g_assert_true(text->cut);
	g_assert_true(deep->cut);
	g_assert_cmpstr(deep->own, ==, "");
	g_assert_true(wide->cut);
	g_assert_cmpuint(wide->parts->len, ==, 200);
}

static void test_body_cut(void)
{
	static const char BODY[] = "Preis 5 €";
	g_autoptr(Message) message = message_new(strlen(BODY) - 1); /* tears the last character */
	g_autoptr(Text) text = NULL;

	message_add_header(message, "Content-Type", "text/plain; charset=utf-8");
	message_add_body(message, BODY, strlen(BODY));
	text = text_read(message, LIMIT);
	g_assert_cmpstr(text->own, ==, "Preis 5");
	g_assert_true(text->cut);
}

static void test_html_cost(void)
{
	g_autoptr(GString) attributes = g_string_new("<p>before</p><a");
	g_autoptr(GString) depth = g_string_new("<p>before</p>");
	g_autoptr(Text) many = NULL;
	g_autoptr(Text) deep = NULL;

	for (guint i = 0; i < 1000; i++)
		g_string_append_printf(attributes, " a%u=\"x\"", i);
	g_string_append(attributes, ">behind</a>");
	for (guint i = 0; i < 1000; i++)
		g_string_append(depth, "<b>");
	g_string_append(depth, "inside");
	many = read_body("text/html", attributes->str, LIMIT);
	deep = read_body("text/html", depth->str, LIMIT);
	g_assert_cmpstr(many->own, ==, "before");
	g_assert_true(many->cut);
	g_assert_cmpstr(deep->own, ==, "before");
	g_assert_true(deep->cut);
}

static void test_control_characters(void)
{
	static const char BODY[] = "a\0b\x01\x1b[1mc\td\r\ne\rf\xc2\x85g\xc2\xa0h";
	g_autoptr(Message) message = message_new(100);
	g_autoptr(Text) text = NULL;

	message_add_body(message, BODY, sizeof BODY - 1);
	text = text_read(message, LIMIT);
	g_assert_cmpstr(text->own, ==, "ab[1mc\td\ne\nf\ng h");
}

static gpointer read_all(gpointer data)
{
	GPtrArray *messages = data;

	for (guint round = 0; round < 20; round++) {
		for (guint i = 0; i < messages->len; i++) {
			g_autoptr(Text) text = text_read(g_ptr_array_index(messages, i), LIMIT);
			g_autoptr(GPtrArray) addresses = text_addresses("Team: =?utf-8?Q?=C3=A4?= <a@example.com>;, b@example.com");

			if (strcmp(text->own, MAILS[i].own) != 0 || addresses->len != 2)
				return GUINT_TO_POINTER(i + 1);
		}
	}
	return NULL;
}

static void test_threads(void)
{
	g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func((GDestroyNotify)message_free);
	GThread *threads[4];

	for (guint i = 0; i < G_N_ELEMENTS(MAILS); i++)
		g_ptr_array_add(messages, load(MAILS[i].name));
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("reader", read_all, messages);
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		g_assert_null(g_thread_join(threads[i]));
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	text_init();
	/* First, so that the threads find nothing that another test has warmed up. */
	g_test_add_func("/text/many-threads-read-the-same", test_threads);
	for (guint i = 0; i < G_N_ELEMENTS(MAILS); i++) {
		g_autofree char *path = g_strconcat("/text/mail/", MAILS[i].name, NULL);

		g_test_add_data_func(path, &MAILS[i], test_mail);
	}
	for (guint i = 0; i < G_N_ELEMENTS(SPLITS); i++) {
		g_autofree char *path = g_strconcat("/text/split/", SPLITS[i].name, NULL);

		g_test_add_data_func(path, &SPLITS[i], test_split);
	}
	g_test_add_func("/text/split-limit-tears-no-character", test_split_limit);
	g_test_add_func("/text/mail-of-one-part-reads-the-same-without-the-parser", test_both_ways);
	g_test_add_func("/text/language-and-report-type", test_facts);
	g_test_add_func("/text/headers-are-decoded-to-one-clean-line", test_headers);
	g_test_add_func("/text/addresses-are-found-in-any-list", test_addresses);
	g_test_add_func("/text/addresses-are-bounded", test_many_addresses);
	g_test_add_func("/text/reading-is-bounded-and-says-so", test_limits);
	g_test_add_func("/text/body-torn-within-a-character", test_body_cut);
	g_test_add_func("/text/hostile-html-is-cut-short", test_html_cost);
	g_test_add_func("/text/control-characters-never-come-out", test_control_characters);
	result = g_test_run();
	text_shutdown();
	return result;
}
