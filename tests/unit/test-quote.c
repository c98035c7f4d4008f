/* test-quote: only what the writer says counts. What common clients put around it, in eight languages, does not; and nothing the
 * writer said is lost. Each body goes through text_read, as a mail does. */
#include "mail/text-private.h"

#include <string.h>

#define LIMIT (64 * 1024)
#define QUOTED "the whole site is down"

static Text *read_mail(const char *subject, const char *type, const char *body)
{
	g_autoptr(Message) message = message_new(LIMIT);
	g_autofree char *full_type = g_strdup_printf("text/%s; charset=utf-8", type);

	message_add_header(message, "Subject", subject);
	message_add_header(message, "Content-Type", full_type);
	message_add_body(message, body, strlen(body));
	return text_read(message, LIMIT);
}

static void assert_own(const char *subject, const char *type, const char *body, const char *own)
{
	g_autoptr(Text) text = read_mail(subject, type, body);

	if (strcmp(text->own, own) != 0)
		g_test_message("the mail was:\n%s", body);
	g_assert_cmpstr(text->own, ==, own);
	g_assert_false(text->cut);
}

/* A line of a client, and its name and language. */
typedef struct {
	const char *name;
	const char *line;
} Line;

/* "\u00a0" and "\u202f" are spaces that clients put in front of AM and of French colons. */
static const Line ATTRIBUTIONS[] = {
	{ "gmail-en", "On Mon, Jan 5, 2026 at 10:00\u202fAM Support <support@northwind.example> wrote:" },
	{ "gmail-en-gb", "On Mon, 5 Jan 2026 at 10:00, Support <support@northwind.example> wrote:" },
	{ "gmail-de", "Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb Support <support@northwind.example>:" },
	{ "gmail-fr", "Le lun. 5 janv. 2026 à 10:00, Support <support@northwind.example> a écrit\u00a0:" },
	{ "gmail-es", "El lun, 5 ene 2026 a las 10:00, Support (<support@northwind.example>) escribió:" },
	{ "gmail-it", "Il giorno lun 5 gen 2026 alle ore 10:00 Support <support@northwind.example> ha scritto:" },
	{ "gmail-pt-br", "Em seg., 5 de jan. de 2026 às 10:00, Support <support@northwind.example> escreveu:" },
	{ "gmail-pt", "Support <support@northwind.example> escreveu (segunda, 5/01/2026 à(s) 10:00):" },
	{ "gmail-nl", "Op ma 5 jan 2026 om 10:00 schreef Support <support@northwind.example>:" },
	{ "gmail-ja", "2026年1月5日(月) 10:00 Support <support@northwind.example>:" },
	{ "apple-en", "On 5 Jan 2026, at 10:00, Support <support@northwind.example> wrote:" },
	{ "apple-en-us", "On Jan 5, 2026, at 10:00\u202fAM, Support <support@northwind.example> wrote:" },
	{ "apple-de", "Am 05.01.2026 um 10:00 schrieb Support <support@northwind.example>:" },
	{ "apple-fr", "Le 5 janv. 2026 à 10:00, Support <support@northwind.example> a écrit :" },
	{ "apple-es", "El 5 ene 2026, a las 10:00, Support <support@northwind.example> escribió:" },
	{ "apple-it", "Il giorno 5 gen 2026, alle ore 10:00, Support <support@northwind.example> ha scritto:" },
	{ "apple-pt", "No dia 5 de jan. de 2026, às 10:00, Support <support@northwind.example> escreveu:" },
	{ "apple-nl", "Op 5 jan. 2026, om 10:00 heeft Support <support@northwind.example> het volgende geschreven:" },
	{ "apple-ja", "2026/01/05 10:00、Support <support@northwind.example>のメール:" },
	{ "thunderbird-en", "On 1/5/26 10:00, Support wrote:" },
	{ "thunderbird-de", "Am 05.01.26 um 10:00 schrieb Support:" },
	{ "thunderbird-fr", "Le 05/01/2026 à 10:00, Support a écrit :" },
	{ "thunderbird-es", "El 5/1/26 a las 10:00, Support escribió:" },
	{ "thunderbird-it", "Il 05/01/26 10:00, Support ha scritto:" },
	{ "thunderbird-pt", "Em 05/01/2026 10:00, Support escreveu:" },
	{ "thunderbird-nl", "Op 05-01-2026 om 10:00 schreef Support:" },
	{ "thunderbird-ja", "On 2026/01/05 10:00, Support wrote:" },
	{ "yahoo-en", "On Monday, January 5, 2026 at 10:00:00 AM GMT+1, Support <support@northwind.example> wrote:" },
	{ "yahoo-de", "Am Montag, 5. Januar 2026 um 10:00:00 MEZ hat Support <support@northwind.example> Folgendes geschrieben:" },
	{ "yahoo-fr", "Le lundi 5 janvier 2026 à 10:00:00 UTC+1, Support <support@northwind.example> a écrit :" },
	{ "yahoo-es", "En lunes, 5 de enero de 2026, 10:00:00 CET, Support <support@northwind.example> escribió:" },
	{ "yahoo-it", "Il lunedì 5 gennaio 2026 alle ore 10:00:00 CET, Support <support@northwind.example> ha scritto:" },
	{ "yahoo-pt", "Em segunda-feira, 5 de janeiro de 2026 10:00:00 BRT, Support <support@northwind.example> escreveu:" },
	{ "yahoo-nl", "Op maandag 5 januari 2026 om 10:00:00 CET schreef Support <support@northwind.example>:" },
	{ "roundcube-en", "On 2026-01-05 10:00, Support wrote:" },
	{ "roundcube-de", "Am 05.01.2026 10:00, schrieb Support:" },
	{ "roundcube-fr", "Le 2026-01-05 10:00, Support a écrit :" },
	{ "roundcube-es", "El 2026-01-05 10:00, Support escribió:" },
	{ "roundcube-it", "Il 2026-01-05 10:00 Support ha scritto:" },
	{ "roundcube-pt", "Em 2026-01-05 10:00, Support escreveu:" },
	{ "roundcube-nl", "Support schreef op 2026-01-05 10:00:" },
	{ "roundcube-ja", "2026-01-05 10:00 に Support さんは書きました:" },
	{ "proton-en", "On Monday, January 5th, 2026 at 10:00 AM, Support <support@northwind.example> wrote:" },
	{ "proton-de", "Am Montag, 5. Januar 2026 um 10:00 schrieb Support <support@northwind.example>:" },
	{ "k9-en", "On 5 January 2026 10:00:00 CET, Support <support@northwind.example> wrote:" },
	{ "k9-de", "Am 5. Januar 2026 10:00:00 MEZ schrieb Support <support@northwind.example>:" },
	{ "zimbra-fr", "Le 5 Jan 26, à 10:00, Support support@northwind.example a écrit :" },
	{ "outlook-mac-en", "On 05/01/2026, 10:00, \"Support\" <support@northwind.example> wrote:" },
	{ "freshdesk-en", "On Mon, 5 Jan at 10:00 AM , Support <support@northwind.example> wrote:" },
	{ "otrs-de", "05.01.2026 10:00 - Support schrieb:" },
	{ "rt-en", "On Mon Jan 05 10:00:00 2026, support@northwind.example wrote:" },
};

/* Above "> " lines, above unmarked ones, and wrapped onto two lines. */
static void test_attribution(gconstpointer data)
{
	const Line *line = data;
	g_autofree char *wrapped = g_strdup(line->line);
	g_autofree char *marked = g_strdup_printf("still down\n\n%s\n> " QUOTED "\n>\n> more\n", line->line);
	g_autofree char *bare = g_strdup_printf("still down\n\n%s\n\n" QUOTED "\n\nmore\n", line->line);
	g_autofree char *bottom = g_strdup_printf("%s\n> " QUOTED "\n\nstill down\n", line->line);
	g_autofree char *two = NULL;

	*strrchr(wrapped, ' ') = '\n';
	two = g_strdup_printf("still down\n\n%s\n\n> " QUOTED "\n", wrapped);
	assert_own("Re: x", "plain", marked, "still down");
	assert_own("Re: x", "plain", bare, "still down");
	assert_own("Re: x", "plain", bottom, "still down");
	assert_own("Re: x", "plain", two, "still down");
}

/* What stands above an earlier mail that is quoted without marks. */
static const Line HEADERS[] = {
	{ "outlook-en", "________________________________\nFrom: Support <support@northwind.example>\nSent: Monday, January 5, 2026 10:00 AM\n"
	                "To: Maren Okafor <maren@customer.example>\nSubject: Re: x" },
	{ "outlook-de", "Von: Support\nGesendet: Montag, 5. Januar 2026 10:00\nAn: Maren Okafor\nBetreff: AW: x" },
	{ "outlook-fr", "De : Support\nEnvoyé : lundi 5 janvier 2026 10:00\nÀ : Maren Okafor\nObjet : RE: x" },
	{ "outlook-es", "De: Support\nEnviado el: lunes, 5 de enero de 2026 10:00\nPara: Maren Okafor\nAsunto: RE: x" },
	{ "outlook-it", "Da: Support\nInviato: lunedì 5 gennaio 2026 10:00\nA: Maren Okafor\nOggetto: R: x" },
	{ "outlook-pt", "De: Support\nEnviada em: segunda-feira, 5 de janeiro de 2026 10:00\nPara: Maren Okafor\nAssunto: RES: x" },
	{ "outlook-nl", "Van: Support\nVerzonden: maandag 5 januari 2026 10:00\nAan: Maren Okafor\nOnderwerp: RE: x" },
	{ "outlook-ja", "差出人: Support\n送信日時: 2026年1月5日 10:00\n宛先: Maren Okafor\n件名: RE: x" },
	{ "outlook-bold", "*From:* Support\n*Sent:* Monday, 5 January 2026\n*To:* Maren Okafor\n*Subject:* RE: x" },
	{ "outlook-markdown", "**From:** Support\n**Date:** Monday, 5 January 2026\n**To:** Maren Okafor\n**Subject:** RE: x" },
	{ "outlook-mac-en", "From: Support <support@northwind.example>\nDate: Monday, 5 January 2026 at 10:00\nTo: Maren\nCc: Ivo\nSubject: Re: x" },
	{ "outlook-mac-fr", "De : Support\nDate : lundi 5 janvier 2026 à 10:00\nÀ : Maren\nObjet : Re: x" },
	{ "outlook-ios", "Get Outlook for iOS<https://aka.ms/o0ukef>\n________________________________\nFrom: Support <s@northwind.example>\n"
	                 "Sent: Monday, January 5, 2026 10:00:00 AM\nTo: Maren\nSubject: Re: x" },
	{ "outlook-android-de", "Outlook für Android<https://aka.ms/o0ukef> beziehen\n________________________________\nVon: Support\n"
	                        "Gesendet: Montag, 5. Januar 2026\nAn: Maren\nBetreff: Re: x" },
	{ "express-en", "-----Original Message-----\nFrom: Support\nSent: Monday\nTo: Maren\nSubject: x" },
	{ "express-de", "-----Ursprüngliche Nachricht-----\nVon: Support" },
	{ "express-fr", "-----Message d'origine-----\nDe : Support" },
	{ "express-es", "-----Mensaje original-----\nDe: Support" },
	{ "express-it", "-----Messaggio originale-----\nDa: Support" },
	{ "express-pt", "-----Mensagem original-----\nDe: Support" },
	{ "express-nl", "-----Oorspronkelijk bericht-----\nVan: Support" },
	{ "samsung-en", "-------- Original message --------\nFrom: Support\nDate: 05/01/2026 10:00 (GMT+01:00)" },
	{ "samsung-ja", "-------- 元のメッセージ --------\n差出人: Support\n日付: 2026/01/05 10:00" },
	{ "samsung-de", "-------- Ursprüngliche Nachricht --------\nVon: Support\nDatum: 05.01.26 10:00" },
	{ "zimbra-en", "----- Original Message -----\nFrom: \"Support\" <support@northwind.example>" },
	{ "zimbra-fr", "----- Mail original -----\nDe: \"Support\" <support@northwind.example>\nEnvoyé: Lundi 5 Janvier 2026" },
	{ "zimbra-es", "De: \"Support\" <support@northwind.example>\nPara: \"Maren\" <maren@customer.example>\nEnviados: Lunes, 5 de Enero\nAsunto: x" },
	{ "notes-en", "From:\tSupport <support@northwind.example>\nTo:\tMaren Okafor/Contoso\nDate:\t05/01/2026 10:00\nSubject:\tx" },
	{ "notes-de", "Von:\tSupport\nAn:\tMaren\nDatum:\t05.01.2026 10:00\nBetreff:\tx\nGesendet von:\tsupport" },
	{ "notes-line", "Support ---05.01.2026 10:00:00---Hello Maren\n\nFrom:\tSupport\nTo:\tMaren\nDate:\t05/01/2026\nSubject:\tx" },
	{ "notes-dashes", "-----Support <support@northwind.example> wrote: -----" },
	{ "notes-dashes-de", "-----Support <support@northwind.example> schrieb: -----" },
	{ "groupwise", ">>> Support <support@northwind.example> 1/5/2026 10:00 AM >>>" },
	{ "groupwise-long", ">>> On 1/5/2026 at 10:00 AM, in message <695B.4@northwind.example>, Support wrote:" },
	{ "zoho", "---- On Mon, 05 Jan 2026 10:00:00 +0100 Support <support@northwind.example> wrote ----" },
	{ "zoho-de", "---- Am Mo, 05 Jan 2026 10:00:00 +0100 Support <support@northwind.example> schrieb ----" },
	{ "proton-old", "------- Original Message -------\nOn Monday, January 5th, 2026 at 10:00 AM, Support <s@northwind.example> wrote:" },
	{ "exchange", "-----Original Appointment-----\nFrom: Support" },
	{ "zendesk-en", "##- Please type your reply above this line -##" },
	{ "zendesk-de", "##- Bitte geben Sie Ihre Antwort oberhalb dieser Zeile ein. -##" },
	{ "zendesk-fr", "##- Veuillez saisir votre réponse au-dessus de cette ligne -##" },
	{ "zendesk-es", "##- Escriba su respuesta por encima de esta línea -##" },
	{ "zendesk-pt", "##- Digite a sua resposta acima desta linha -##" },
	{ "zendesk-ja", "##- この行より上に返信を入力してください -##" },
	{ "jira", "—-—-—-—\nReply above this line.\n\nSupport commented:" },
	{ "helpdesk-nl", "--- Typ uw antwoord boven deze regel ---" },
	{ "helpdesk-it", "=== Scrivi la tua risposta sopra questa riga ===" },
};

static void test_header(gconstpointer data)
{
	const Line *line = data;
	g_autofree char *body = g_strdup_printf("works again, thanks\n\n%s\n\n" QUOTED "\n\nmore of it\n", line->line);

	assert_own("Re: x", "plain", body, "works again, thanks");
}

/* What stands below a mail and is nobody's message. */
static const Line TAILS[] = {
	{ "signature", "-- \nMaren Okafor\nOutage Desk" },
	{ "signature-no-space", "--\nMaren Okafor" },
	{ "iphone-en", "Sent from my iPhone" },
	{ "iphone-de", "Von meinem iPhone gesendet" },
	{ "iphone-fr", "Envoyé de mon iPhone" },
	{ "iphone-es", "Enviado desde mi iPhone" },
	{ "iphone-it", "Inviato da iPhone" },
	{ "iphone-pt", "Enviado do meu iPhone" },
	{ "iphone-nl", "Verstuurd vanaf mijn iPhone" },
	{ "iphone-ja", "iPhoneから送信" },
	{ "outlook-ios-fr", "Télécharger Outlook pour iOS" },
	{ "outlook-windows", "Sent from Mail for Windows" },
	{ "samsung-en", "Sent from my Galaxy" },
	{ "proton", "Sent with Proton Mail secure email." },
	{ "k9-de", "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet." },
	{ "disclaimer-en", "This e-mail and any attachments are confidential and intended solely for the use of\nthe addressee. Our service desk"
	                   " accepts no liability for failures.\n\nIf it fails to reach you, tell us." },
	{ "disclaimer-de", "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind,\ninformieren Sie bitte"
	                   " den Absender. Ein Ausfall ist nicht auszuschließen." },
	{ "disclaimer-fr", "Ce message et toutes les pièces jointes sont confidentiels et établis à l'intention exclusive de leurs\n"
	                   "destinataires. Toute panne est possible." },
	{ "disclaimer-es", "Este mensaje y sus archivos adjuntos son confidenciales y van dirigidos exclusivamente a su destinatario,\n"
	                   "que no debe divulgarlos aunque falle el servicio." },
	{ "disclaimer-it", "Questo messaggio e i suoi allegati sono riservati ai soli destinatari. Chi lo ha ricevuto per errore è\n"
	                   "pregato di avvisare il mittente." },
	{ "disclaimer-pt", "Esta mensagem e os seus anexos são confidenciais e destinam-se apenas ao seu destinatário. Qualquer falha\n"
	                   "deve ser comunicada." },
	{ "disclaimer-nl", "Dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde. Aan storingen in dit bericht\n"
	                   "kunnen geen rechten worden ontleend." },
	{ "disclaimer-ja", "このメールには機密情報が含まれている場合があります。誤って受信された場合は、障害の有無にかかわらず削除してください。" },
	{ "company-de", "Geschäftsführer: Ivo Brandt\nAmtsgericht Neustadt, HRB 12345" },
	{ "virus", "Virus-free.www.avast.com" },
	{ "pgp", "-----BEGIN PGP SIGNATURE-----\n\niQFFBAEBCAAvFiEE\n=abcd\n-----END PGP SIGNATURE-----" },
	{ "contact-paragraph", "Maren Okafor\nHead of Outage Response\nContoso Ltd. | Tel. +44 20 7946 0000\nwww.contoso.example" },
};

static void test_tail(gconstpointer data)
{
	const Line *line = data;
	g_autofree char *body = g_strdup_printf("nothing loads here\n\n%s\n", line->line);

	assert_own("x", "plain", body, "nothing loads here");
}

/* Closings, which stay, and the names and numbers below them, which do not. */
static const Line CLOSINGS[] = {
	{ "en", "Kind regards,\nMaren Okafor\nHead of Incident Management\nContoso Outages Ltd.\nPhone: +44 20 7946 0000\nwww.contoso.example" },
	{ "en-short", "Best,\nMaren" },
	{ "en-thanks", "Thanks,\nMaren Okafor\nM: +44 7700 900123" },
	{ "de", "Mit freundlichen Grüßen\n\nMaren Okafor\nLeiterin Störungsmanagement\nBeispiel GmbH\nHauptstraße 5\n12345 Neustadt\nTel.: +49 30 1234567" },
	{ "de-short", "Viele Grüße\nMaren" },
	{ "fr", "Cordialement,\n\nMaren Okafor\nResponsable des Pannes\nTél. : +33 1 99 00 12 34" },
	{ "es", "Un cordial saludo,\n\nMaren Okafor\nContoso S.A.\nTeléfono: +34 910 000 000" },
	{ "it", "Cordiali saluti\nMaren Okafor\nContoso S.r.l.\nTel. +39 06 0000 0000" },
	{ "pt", "Atenciosamente,\nMaren Okafor\nContoso Lda.\nmaren@contoso.example" },
	{ "nl", "Met vriendelijke groet,\n\nMaren Okafor\nContoso B.V.\nmaren@contoso.example" },
	{ "ja", "よろしくお願いいたします。\n\n岡田真理\n株式会社例\n電話: 03-0000-0000" },
};

static void test_closing(gconstpointer data)
{
	const Line *line = data;
	g_autofree char *closing = g_strndup(line->line, strcspn(line->line, "\n"));
	g_autofree char *alone = g_strdup_printf("nothing loads here\n\n%s\n", line->line);
	g_autofree char *quoting = g_strdup_printf("nothing loads here\n\n%s\n\nOn 5 Jan 2026 at 10:00, Support <s@x.example> wrote:\n> old\n",
	                                           line->line);
	g_autofree char *own = g_strdup_printf("nothing loads here\n\n%s", closing);
	g_autofree char *more = g_strdup_printf("nothing loads here\n\n%s\n\nPS: the app says error 503 as well.\n", line->line);
	g_autoptr(Text) text = read_mail("x", "plain", more);

	assert_own("x", "plain", alone, own);
	assert_own("Re: x", "plain", quoting, own);
	g_assert_nonnull(strstr(text->own, "nothing loads here"));
	g_assert_nonnull(strstr(text->own, "PS: the app says error 503 as well."));
	g_assert_null(strstr(text->own, "Okafor"));
}

typedef struct {
	const char *name;
	const char *subject;
	const char *body;
	const char *own;
} MailCase;

#define BLOCK "From: Jonas Weide <jonas@customer.example>\nSent: Monday\nTo: Ops\nSubject: [ALARM] checkout\n\n"
#define UPDATE "The outage you wrote to us about is ours to repair, and it is not over yet.\n" \
               "You should not have to ask how it stands, so here is what we know now.\n\n"
#define RESOLVED "The fault you wrote to us about was ours, and it is fixed: our\nservice was restored at 10:00 UTC. We are sorry.\n\n"
#define TEAM "If anything still does not work for you, please answer this message and tell\nus what you see.\n\nSupport, Northwind\n"

static const MailCase PLAIN[] = {
	{ "thanks-above-notice", "Re: checkout", "thanks, works again\n\nHello,\n\n" UPDATE TEAM, "thanks, works again" },
	{ "still-down-above-resolution", "Re: checkout", "still down\n\nHello,\n\n" RESOLVED TEAM, "still down" },
	{ "answer-below-our-letter", "Re: checkout", "Hello,\n\n" RESOLVED TEAM "\nstill down\n", "still down" },
	{ "answer-below-our-letter-without-empty-lines", "Re: checkout",
	  "Hello,\nThe fault you wrote to us about was ours, and it is fixed: our service was restored at 10:00 UTC.\n"
	  "If anything still does not work for you, please answer this message and tell us what you see.\nSupport, Northwind\n\nstill down\n",
	  "still down" },
	{ "our-letter-without-a-word", "Re: checkout", "Hello,\n\n" RESOLVED TEAM, "" },
	{ "our-letter-below-header", "Re: checkout", "thanks\n\nFrom: Support\nSent: Monday\nTo: Maren\nSubject: Re: checkout\n\nHello,\n\n" RESOLVED TEAM,
	  "thanks" },
	{ "answer-below-our-letter-below-header", "Re: checkout",
	  "From: Support\nSent: Monday\nTo: Maren\nSubject: Re: checkout\n\nHello,\n\n" RESOLVED TEAM "\nstill down\n", "still down" },
	{ "our-letter-forwarded", "Fwd: checkout", "FYI\n\n---------- Forwarded message ---------\nFrom: Support <s@x.example>\nDate: Monday\n"
	  "Subject: checkout\nTo: Maren\n\nHello,\n\n" RESOLVED TEAM, "FYI" },
	{ "customer-greets-like-us", "Re: checkout", "Hello,\n\nstill down.\n\nHello,\n\n" UPDATE TEAM, "Hello,\n\nstill down." },
	{ "stop-address-of-other-templates", "Re: x",
	  "ok now\n\nHello,\n\nYour own words here.\n\nNo more of this:\n    support+stop-0123456789abcdef0123456789abcdef01234567@x.example\n",
	  "ok now" },
	{ "customer-says-half-a-sentence-of-ours", "Down", "We are working on it. Your message has vanished, nothing arrives.\n",
	  "We are working on it. Your message has vanished, nothing arrives." },

	{ "interleaved", "Re: x", "On 5 Jan 2026 at 10:00, Support <s@x.example> wrote:\n> Does login work?\nNo.\n\n> And export?\nYes, but slow.\n> ok\n",
	  "No.\n\nYes, but slow." },
	{ "the-bat", "Re: x", "Hello Support,\n\nMonday, January 5, 2026, 10:00:00 AM, you wrote:\n\nSU> Does login work?\n\nNo, it does not.\n\nSU> And export?\n"
	  "\nYes.\n", "Hello Support,\n\nNo, it does not.\n\nYes." },
	{ "prompt-of-a-database", "x", "SQL> select 1\nORA-03113: end-of-file\n", "SQL> select 1\nORA-03113: end-of-file" },
	{ "dated-line-above-quotes", "Re: x", "On 5 January 2026, Support wrote:\n> old\nno change\n", "no change" },
	{ "interleaved-full-width", "Re: x", "＞ ログインできますか。\nできません。\n＞ 書き出しは。\nできます。\n", "できません。\nできます。" },
	{ "between-quotations", "Re: x", "> one\n> two\nstill broken on our side\n\n> three\n\nand the app too\n",
	  "still broken on our side\n\nand the app too" },
	{ "quotation-of-quotation", "Re: x", "no change\n\n> On 5 Jan 2026, Maren wrote:\n> > the site is down\n> checking\n", "no change" },

	{ "story-with-from-and-wrote", "Complaint",
	  "From Monday on nothing worked.\nYour colleague wrote:\nit will be back soon.\nFrom: the look of it nobody cares.\nOn Tuesday at 10:15 you wrote:\n"
	  "it is fixed. It is not.\n",
	  "From Monday on nothing worked.\nYour colleague wrote:\nit will be back soon.\nFrom: the look of it nobody cares.\nOn Tuesday at 10:15 you wrote:\n"
	  "it is fixed. It is not." },
	{ "story-with-date", "Beschwerde", "Am 5. Januar 2026 um 10:00 schrieb Ihr Kollege uns:\nes geht wieder. Es geht aber nicht.\n",
	  "Am 5. Januar 2026 um 10:00 schrieb Ihr Kollege uns:\nes geht wieder. Es geht aber nicht." },
	{ "no-empty-line-above-attribution", "Re: x", "Please call me.\nIt is about the invoice.\nOn Mon, 5 Jan 2026 at 10:00, Support <s@x.example> wrote:\n"
	  "> " QUOTED "\n", "Please call me.\nIt is about the invoice." },
	{ "no-empty-line-above-wrapped-attribution", "Re: x", "Obrigado.\nEm seg., 5 de jan. de 2026 às 10:00, Support <s@x.example>\nescreveu:\n\n> " QUOTED "\n",
	  "Obrigado." },
	{ "prose-with-date-and-time", "Complaint", "Hello,\non 5 January 2026 at 10:00 Jane wrote:\nall is fixed. Nothing is.\n",
	  "Hello,\non 5 January 2026 at 10:00 Jane wrote:\nall is fixed. Nothing is." },
	{ "web-form", "Message from your site", "A visitor wrote:\n\nFrom: j@c.example\nSubject: Shop\nDate: 2026-01-05\n\n" QUOTED "\n",
	  "A visitor wrote:\n\nFrom: j@c.example\nSubject: Shop\nDate: 2026-01-05\n\n" QUOTED },
	{ "bounce-shown-in-the-middle", "Mail", "We get this:\n\nFrom: MAILER-DAEMON@x.example\nTo: me@c.example\nSubject: Undelivered\n\nIs your mail down?\n",
	  "We get this:\n\nFrom: MAILER-DAEMON@x.example\nTo: me@c.example\nSubject: Undelivered\n\nIs your mail down?" },
	{ "all-header-lines-in-a-new-mail", "Mail", "Invoice, please.\n\n" BLOCK QUOTED "\n", "Invoice, please." },
	{ "line-of-two-dashes", "x", "Leeds works.\n--\nYork cannot be reached by anybody at all.\nCall us.\n",
	  "Leeds works.\n--\nYork cannot be reached by anybody at all.\nCall us." },
	{ "two-dashes-and-a-name", "x", "York is dead.\n--\nJonas Weide\nOutage Control Ltd\n", "York is dead." },
	{ "sentence-like-a-device-line", "x", "Sent from my phone because our whole office has no internet, please call back.\n",
	  "Sent from my phone because our whole office has no internet, please call back." },
	{ "device-line-that-excuses-itself", "x", "Nothing loads.\n\nSent from my phone on the road, so please excuse the brevity and all of the typos.\n",
	  "Nothing loads." },
	{ "confidential-by-the-writer", "x", "Hello.\n\nThis message is confidential: since the outage I see other customers' data in my account.\n",
	  "Hello.\n\nThis message is confidential: since the outage I see other customers' data in my account." },
	{ "caution-by-the-writer", "x", "Caution: everybody sees the invoices of others in your portal!\n", "Caution: everybody sees the invoices of others in your portal!" },
	{ "company-word-begins-a-sentence", "x", "Hello.\n\nCompany registration is dead for everybody.\n\nPlease look.\n",
	  "Hello.\n\nCompany registration is dead for everybody.\n\nPlease look." },
	{ "company-and-its-number", "x", "Nothing loads.\n\nCompany registration number 123456, Leeds\n", "Nothing loads." },
	{ "mailbox-escape", "x", "All fine until nine.\n>From nine on, errors only.\n", "All fine until nine.\n>From nine on, errors only." },
	{ "shell-prompt", "API errors", "This is what we run:\n\n> curl https://api.x.example/v1\n> 503 Service Unavailable\n\nSince nine.\n",
	  "This is what we run:\n\n> curl https://api.x.example/v1\n> 503 Service Unavailable\n\nSince nine." },
	{ "python-prompt", "client fails", "To reproduce:\n>>> import northwind\n>>> northwind.ping()\nTimeoutError\n",
	  "To reproduce:\n>>> import northwind\n>>> northwind.ping()\nTimeoutError" },
	{ "quotation-in-an-answer-stays-one", "Re: x", "See here:\n> the site was down\n", "See here:" },
	{ "log-with-bars", "log", "web | starting\n| 10:00 error 503\n| 10:01 error 503\n| 10:02 error 503\n",
	  "web | starting\n| 10:00 error 503\n| 10:01 error 503\n| 10:02 error 503" },
	{ "table", "Re: x", "| node | state |\n|------|-------|\n| a    | down  |\n", "| node | state |\n|------|-------|\n| a    | down  |" },
	{ "diff", "Re: x", "What changed:\n3c3\n< timeout 30\n---\n> timeout 5\n", "What changed:\n3c3\n< timeout 30\n---\n> timeout 5" },
	{ "unified-diff", "x", "--- a/conf\n+++ b/conf\n@@ -1 +1 @@\n-port 80\n+port 443\n", "--- a/conf\n+++ b/conf\n@@ -1 +1 @@\n-port 80\n+port 443" },
	{ "log-lines-with-dashes", "x", "2026-01-05 10:00:12 --- ERROR timeout\n2026-01-05 10:00:13 --- ERROR timeout\n",
	  "2026-01-05 10:00:12 --- ERROR timeout\n2026-01-05 10:00:13 --- ERROR timeout" },
	{ "times-of-an-outage", "x", "Date: 5 January\nFrom: 10:00\nTo: 11:00\nnothing worked\n", "Date: 5 January\nFrom: 10:00\nTo: 11:00\nnothing worked" },
	{ "thanks-first", "x", "Thanks\n\nStill the same error on our side.\n", "Thanks\n\nStill the same error on our side." },
	{ "error-below-name", "x", "Regards\nMaren\n\n2026-01-05 10:00:12 ERROR upstream timed out\n", "Regards\n2026-01-05 10:00:12 ERROR upstream timed out" },
	{ "question-below-name", "x", "Best regards\nMaren\n\nWhen will it be back?\n", "Best regards\nWhen will it be back?" },
	{ "text-below-short-notice", "x", "Hi\n\nThis message is confidential.\n\nNobody can log in.\n", "Hi\n\nNobody can log in." },
	{ "list-of-names-is-no-signature", "x", "These customers are affected:\n\nContoso Ltd\nNorthwind Traders\n",
	  "These customers are affected:\n\nContoso Ltd\nNorthwind Traders" },

	{ "banner-en", "x", "CAUTION: This email originated from outside of the organization. Do not click links.\n\nsite down\n", "site down" },
	{ "banner-bracket", "x", "[EXTERNAL]\nsite down\n", "site down" },
	{ "banner-bracket-in-line", "x", "[External] site down\n", "[External] site down" },
	{ "banner-de", "x", "ACHTUNG: Diese E-Mail stammt von außerhalb des Unternehmens.\n\nnichts geht\n", "nichts geht" },
	{ "banner-fr", "x", "ATTENTION : ce message provient de l'extérieur de l'organisation.\n\nrien ne marche\n", "rien ne marche" },
	{ "banner-nl", "x", "LET OP: dit bericht komt van buiten de organisatie.\n\nniets werkt\n", "niets werkt" },
	{ "banner-outlook", "x", "You don't often get email from maren@customer.example. Learn why this is important<https://aka.ms/x>\n\nsite down\n",
	  "site down" },

	{ "forward-alone", "Fwd: [ALARM] checkout", "---------- Forwarded message ---------\n" BLOCK "checkout answers 503\n", "checkout answers 503" },
	{ "forward-gmail-fyi", "Fwd: [ALARM] checkout", "FYI\n\n---------- Forwarded message ---------\n" BLOCK "checkout answers 503\n",
	  "FYI\n\ncheckout answers 503" },
	{ "forward-outlook-en", "FW: [ALARM] checkout", "Hi team,\nplease see below.\n\nThanks\nMaren\n\n" BLOCK "checkout answers 503\n",
	  "Hi team,\nplease see below.\n\nThanks\ncheckout answers 503" },
	{ "forward-outlook-de", "WG: Alarm", "Zur Info, bitte prüfen.\n\nVon: Jonas Weide\nGesendet: Montag\nAn: Ops\nBetreff: Alarm\n\nKasse antwortet nicht\n",
	  "Zur Info, bitte prüfen.\n\nKasse antwortet nicht" },
	{ "forward-apple-fr", "Tr: alarme", "Pour info\n\nDébut du message réexpédié :\n\n> De: Jonas <j@c.example>\n> Objet: alarme\n> Date: lundi\n> À: Ops\n>\n"
	  "> la caisse ne répond plus\n", "Pour info\n\nla caisse ne répond plus" },
	{ "forward-es", "RV: alarma", "Ver abajo, por favor\n\nDe: Jonas\nEnviado: lunes\nPara: Ops\nAsunto: alarma\n\nla caja no responde\n",
	  "Ver abajo, por favor\n\nla caja no responde" },
	{ "forward-it", "I: allarme", "Vedi sotto\n\nDa: Jonas\nInviato: lunedì\nA: Ops\nOggetto: allarme\n\nla cassa non risponde\n",
	  "Vedi sotto\n\nla cassa non risponde" },
	{ "forward-pt", "ENC: alarme", "Segue abaixo\n\n-----Mensagem original-----\nDe: Jonas\nEnviada em: segunda\nPara: Ops\nAssunto: alarme\n\no caixa não responde\n",
	  "Segue abaixo\n\no caixa não responde" },
	{ "forward-nl", "Doorst: alarm", "Ter info\n\nBegin doorgestuurd bericht:\n\nVan: Jonas\nOnderwerp: alarm\nDatum: maandag\nAan: Ops\n\nde kassa antwoordt niet\n",
	  "Ter info\n\nde kassa antwoordt niet" },
	{ "forward-ja", "転送: 警報", "下記の件、ご確認ください。\n\n---------- Forwarded message ---------\nFrom: 佐藤 <s@c.example>\nDate: 2026年1月5日\nSubject: 警報\nTo: ops\n\n"
	  "決済が応答しません。\n", "下記の件、ご確認ください。\n\n決済が応答しません。" },
	{ "forward-in-forward", "Fwd: Fwd: alarm", "---------- Forwarded message ---------\nFrom: a@c.example\nSubject: Fwd: alarm\n\nfyi\n\n"
	  "---------- Forwarded message ---------\nFrom: b@c.example\nSubject: alarm\n\ncheckout answers 503\n", "fyi\n\ncheckout answers 503" },
	{ "forward-with-words", "Fwd: x", "We have solved this ourselves.\n\n---------- Forwarded message ---------\n" BLOCK "checkout answers 503\n",
	  "We have solved this ourselves." },
	{ "answer-without-a-word", "Re: x", BLOCK "the site is down\n", "" },
	{ "empty-answer-to-original", "RE: x", "-----Original Message-----\n" BLOCK "the site is down\n", "" },
};

static void test_plain(gconstpointer data)
{
	const MailCase *test = data;

	assert_own(test->subject, "plain", test->body, test->own);
}

static const MailCase HTML[] = {
	{ "gmail-interleaved", "Re: x", "<div dir=\"ltr\"><div class=\"gmail_quote\"><div class=\"gmail_attr\">On Mon, Jan 5, 2026 at 10:00 AM Support "
	  "&lt;s@x.example&gt; wrote:<br></div><blockquote class=\"gmail_quote\">" QUOTED "?</blockquote><div>not here</div><blockquote class=\"gmail_quote\">"
	  "anything else?</blockquote><div>only Leeds</div></div></div>", "not here\n\nonly Leeds" },
	{ "gmail-no-break", "Re: x", "<div>still down</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">On Mon, Jan 5, 2026 at 10:00 AM Support "
	  "&lt;s@x.example&gt; wrote:<br></div><blockquote class=\"gmail_quote\">" QUOTED "</blockquote></div>", "still down" },
	{ "gmail", "Re: x", "<div dir=\"ltr\">still down</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, Jan 5, 2026 at "
	  "10:00 AM Support &lt;<a href=\"mailto:s@x.example\">s@x.example</a>&gt; wrote:<br></div><blockquote class=\"gmail_quote\">" QUOTED
	  "</blockquote></div>", "still down" },
	{ "gmail-forward", "Fwd: x", "<div dir=\"ltr\">FYI<br><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">---------- Forwarded message "
	  "---------<br>From: Jonas &lt;j@c.example&gt;<br>Date: Mon, Jan 5, 2026<br>Subject: alarm<br>To: ops<br></div><br><p>checkout answers 503</p>"
	  "</div></div>", "FYI\n\ncheckout answers 503" },
	{ "outlook-web", "Re: x", "<div class=\"elementToProof\">still down</div><div id=\"appendonsend\"></div><hr><div id=\"divRplyFwdMsg\"><b>From:</b> Support"
	  "<br><b>Sent:</b> Monday<br><b>To:</b> Maren<br><b>Subject:</b> x</div><div>" QUOTED "</div>", "still down" },
	{ "outlook-web-requoted", "Re: x", "<div>still down</div><div id=\"x_divRplyFwdMsg\"></div><div>" QUOTED "</div>", "still down" },
	{ "outlook-web-forward", "FW: x", "<div>Please see below</div><div id=\"divRplyFwdMsg\"><b>From:</b> Jonas<br><b>Sent:</b> Monday<br><b>To:</b> Ops<br>"
	  "<b>Subject:</b> alarm</div><div>checkout answers 503</div>", "Please see below\ncheckout answers 503" },
	{ "outlook-windows", "Re: x", "<div class=\"WordSection1\"><p class=\"MsoNormal\">still down</p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;"
	  "padding:3.0pt 0in 0in 0in'><p><b>Lähettäjä:</b> Support</p></div></div><p>" QUOTED "</p></div>", "still down" },
	{ "outlook-windows-left", "Re: x", "<p>still down</p><div style='border:none;border-left:solid blue 1.5pt;padding:0in 0in 0in 4.0pt'><p>" QUOTED
	  "</p></div><p>and the app too</p>", "still down\n\nand the app too" },
	{ "outlook-signature", "x", "<div>still down</div><div id=\"Signature\"><p>Maren, Outage Desk</p></div>", "still down" },
	{ "yahoo", "Re: x", "<div>still down</div><div id=\"ydp12ab34yahoo_quoted_987\" class=\"ydp12ab34yahoo_quoted\">On Monday wrote: " QUOTED "</div>",
	  "still down" },
	{ "thunderbird", "Re: x", "<p>still down</p><div class=\"moz-cite-prefix\">On 1/5/26 10:00, Support wrote:<br></div><blockquote type=\"cite\">" QUOTED
	  "</blockquote><p>no change</p>", "still down\n\nno change" },
	{ "thunderbird-forward", "Fwd: x", "<div class=\"moz-forward-container\">-------- Forwarded Message --------<table><tr><th>Subject: </th><td>alarm</td></tr>"
	  "<tr><th>Date: </th><td>Mon</td></tr><tr><th>From: </th><td>Jonas</td></tr></table><br>checkout answers 503</div>", "checkout answers 503" },
	{ "apple", "Re: x", "still down<br><div><br><blockquote type=\"cite\"><div>On 5 Jan 2026, at 10:00, Support &lt;s@x.example&gt; wrote:</div><br>" QUOTED
	  "</blockquote></div>", "still down" },
	{ "proton", "Re: x", "<div>still down</div><div class=\"protonmail_signature_block\">Sent with Proton Mail</div><div class=\"protonmail_quote\">On Monday, "
	  "January 5th, 2026 wrote:<br><blockquote>" QUOTED "</blockquote></div>", "still down" },
	{ "zoho", "Re: x", "<div>still down</div><div class=\"zmail_extra\">---- On Mon, 05 Jan 2026 wrote ----<blockquote>" QUOTED "</blockquote></div>",
	  "still down" },
	{ "tutanota", "Re: x", "still down<blockquote class=\"tutanota_quote\">" QUOTED "</blockquote>", "still down" },
	{ "spark", "Re: x", "<div>still down</div><div class=\"messageReplySection\">On 5 Jan 2026 <div>" QUOTED "</div></div>", "still down" },
	{ "interleaved", "Re: x", "<blockquote>Does login work?</blockquote><p>No.</p><blockquote>And export?</blockquote><p>Yes.</p>", "No.\n\nYes." },
	{ "indent", "x", "<blockquote style=\"margin: 0 0 0 40px; border: none; padding: 0px;\"><div>503 since nine</div></blockquote>", "503 since nine" },
	{ "our-letter-unmarked", "Re: x", "<div>still down</div><br><div>Hello,</div><p>The fault you wrote to us about was ours, and it is fixed.</p><p>Northwind"
	  "</p>", "still down" },
};

static void test_html(gconstpointer data)
{
	const MailCase *test = data;

	assert_own(test->subject, "html", test->body, test->own);
}

/* Forwarded as an attachment with nothing to say besides; a report is another matter. */
static void test_attached(void)
{
	static const char PARTS[] = "--b\n\n%s\n--b\nContent-Type: message/rfc822\n\nSubject: alarm\n\ncheckout answers 503\n--b--\n";
	static const struct {
		const char *subject;
		const char *type;
		const char *words;
		const char *own;
	} CASES[] = {
		{ "Fwd: alarm", "multipart/mixed; boundary=b", "please see attached", "please see attached\nalarm\ncheckout answers 503" },
		{ "alarm", "multipart/mixed; boundary=b", "", "alarm\ncheckout answers 503" },
		{ "Re: alarm", "multipart/mixed; boundary=b", "", "" },
		{ "alarm", "multipart/mixed; boundary=b", "This one is solved.", "This one is solved." },
		{ "alarm", "multipart/report; report-type=feedback-report; boundary=b", "", "" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autofree char *body = g_strdup_printf(PARTS, CASES[i].words);
		g_autoptr(Message) message = message_new(LIMIT);
		g_autoptr(Text) text = NULL;

		message_add_header(message, "Subject", CASES[i].subject);
		message_add_header(message, "Content-Type", CASES[i].type);
		message_add_body(message, body, strlen(body));
		text = text_read(message, LIMIT);
		g_assert_cmpstr(text->own, ==, CASES[i].own);
	}
}

static void replace(GString *text, const char *pattern, const char *with)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_DOTALL, 0, &error);
	g_autofree char *result = NULL;

	g_assert_no_error(error);
	result = g_regex_replace(regex, text->str, -1, 0, with, 0, &error);
	g_assert_no_error(error);
	g_string_assign(text, result);
}

/* Reads a template as a letter: with every value given, or with none; paragraphs as they stand, or each on one line, as HTML clients
 * make them. */
static GString *read_letter(const char *path, bool values, bool flowed)
{
	g_autofree char *bytes = NULL;
	g_autoptr(GError) error = NULL;
	GString *text = g_string_new(NULL);

	g_file_get_contents(path, &bytes, NULL, &error);
	g_assert_no_error(error);
	g_string_assign(text, strstr(bytes, "\n\n") + 2);
	replace(text, "\\{\\{#offer\\}\\}.*?\\{\\{/offer\\}\\}\n", ""); /* whatever a site likes to write */
	replace(text, values ? "\\{\\{\\^(\\w+)\\}\\}.*?\\{\\{/\\1\\}\\}" : "\\{\\{#(\\w+)\\}\\}.*?\\{\\{/\\1\\}\\}", "");
	replace(text, "\\{\\{[#^/!][^}]*\\}\\}\n?", "");
	replace(text, "\\{\\{stop\\}\\}", "support+stop-0123456789abcdef0123456789abcdef01234567@northwind.example");
	replace(text, "\\{\\{\\w+\\}\\}", "Northwind");
	replace(text, "\n\n\n+", "\n\n");
	if (flowed)
		replace(text, "(?<!\n)\n(?!\n)", " ");
	g_strstrip(text->str);
	text->len = strlen(text->str);
	return text;
}

static void check_letter(const char *path)
{
	for (guint variant = 0; variant < 4; variant++) {
		g_autoptr(GString) letter = read_letter(path, (variant & 1) != 0, (variant & 2) != 0);
		g_autofree char *above = g_strdup_printf("still down\n\n%s\n", letter->str);
		g_autofree char *below = g_strdup_printf("%s\n\nit is still down here\n", letter->str);

		assert_own("Re: x", "plain", letter->str, "");
		assert_own("Re: x", "plain", above, "still down");
		assert_own("Re: x", "plain", below, "it is still down here");
	}
}

/* Each letter that customers get, quoted back by a client that marks nothing. */
static void test_letters(gconstpointer data)
{
	g_autofree char *folder = g_test_build_filename(G_TEST_DIST, "conf", "templates", data, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
	const char *name;
	guint checked = 0;

	g_assert_no_error(error);
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		if (!g_str_has_prefix(name, "ack-") && !g_str_has_prefix(name, "notice-"))
			continue;
		g_test_message("%s", path);
		check_letter(path);
		checked++;
	}
	g_assert_cmpuint(checked, >=, 10);
}

/* Lines that each look back, ahead or at all the rest: the time of a mail must follow its size. */
/* The limit is for what the writer wrote: a long quotation above it does not use it up. */
static void test_long_quotation(void)
{
	g_autoptr(GString) body = g_string_new(NULL);
	g_autoptr(Message) message = message_new(LIMIT);
	g_autoptr(Text) text = NULL;

	while (body->len < LIMIT - 100)
		g_string_append(body, "> " QUOTED "\n");
	g_string_append(body, "\nnot at ours\n");
	message_add_header(message, "Subject", "Re: x");
	message_add_body(message, body->str, body->len);
	text = text_read(message, 1024);
	g_assert_cmpstr(text->own, ==, "not at ours");
	g_assert_cmpuint(strlen(text->quoted), <=, 1024);
}

static void test_hostile(void)
{
	static const char *const LINES[] = { "> From: a\n", ">\n", "> a\n\n", "a:\n\n", "--\n", "-----------\n", "Thanks\n", "+stop-\n", "From:\n",
		                                 "wrote:\n", "This email\n\n", "| a\n", "---- forwarded message\n", ">>> a >>>\n" };

	for (guint i = 0; i < G_N_ELEMENTS(LINES); i++) {
		g_autoptr(GString) body = g_string_new(NULL);
		g_autoptr(Text) text = NULL;

		while (body->len < LIMIT / 2)
			g_string_append(body, LINES[i]);
		text = read_mail("x", "plain", body->str);
		g_assert_cmpuint(strlen(text->own) + strlen(text->quoted), >, 0);
		g_assert_false(text->cut);
	}
}

static void test_filler(void)
{
	static const char *const FILLERS[] = {
		"", "FYI", "Hi team,\nplease see below.\n\nThanks\nMaren Okafor", "zur Kenntnis", "Pour info, merci", "Ver abajo, gracias",
		"Vedi sotto. Grazie", "Segue abaixo", "Zie hieronder", "転送します。ご確認をお願いします。", "any idea what this is?",
		"Can somebody have a look at this please?", "Könnte sich das jemand ansehen? Danke", "¿Alguien puede mirar esto?",
	};
	static const char *const WORDS[] = {
		"thanks, works again", "still down", "läuft wieder", "ça marche", "ya funciona", "これは解決しました。", "not urgent any more",
		"solved", "we have the same problem",
	};

	for (guint i = 0; i < G_N_ELEMENTS(FILLERS); i++)
		g_assert_true(text_is_filler(FILLERS[i], strlen(FILLERS[i])));
	for (guint i = 0; i < G_N_ELEMENTS(WORDS); i++)
		g_assert_false(text_is_filler(WORDS[i], strlen(WORDS[i])));
}

static void test_kind(void)
{
	static const struct {
		const char *subject;
		TextKind kind;
	} CASES[] = {
		{ "Site down", TEXT_KIND_NEW },        { "Re: Site down", TEXT_KIND_REPLY },     { "AW: WG: Alarm", TEXT_KIND_REPLY },
		{ "Re[2]: x", TEXT_KIND_REPLY },       { "RES: x", TEXT_KIND_REPLY },            { "Antw: x", TEXT_KIND_REPLY },
		{ "返信：x", TEXT_KIND_REPLY },        { "Fwd: x", TEXT_KIND_FORWARD },          { "WG: x", TEXT_KIND_FORWARD },
		{ "TR : x", TEXT_KIND_FORWARD },       { "I: x", TEXT_KIND_FORWARD },            { "Reports: x", TEXT_KIND_NEW },
		{ "Incident: x", TEXT_KIND_NEW },      { "", TEXT_KIND_NEW },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++)
		g_assert_cmpint(text_kind(CASES[i].subject, false), ==, CASES[i].kind);
	g_assert_cmpint(text_kind("Site down", true), ==, TEXT_KIND_UNKNOWN);
}

/* Adds one test for each row, named for it. */
#define ADD_ROWS(group, rows, function)                                                                                                    \
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {                                                                                       \
		g_autofree char *path = g_strdup_printf("/quote/" group "/%s", rows[i].name);                                                      \
                                                                                                                                           \
		g_test_add_data_func(path, &rows[i], function);                                                                                    \
	}

int main(int argc, char **argv)
{
	static const char *const LANGUAGES[] = { "de", "en", "es", "fr", "it", "ja", "nl", "pt" };
	int failed;

	g_test_init(&argc, &argv, NULL);
	text_init();
	ADD_ROWS("attribution", ATTRIBUTIONS, test_attribution)
	ADD_ROWS("header", HEADERS, test_header)
	ADD_ROWS("tail", TAILS, test_tail)
	ADD_ROWS("closing", CLOSINGS, test_closing)
	ADD_ROWS("plain", PLAIN, test_plain)
	ADD_ROWS("html", HTML, test_html)
	for (guint i = 0; i < G_N_ELEMENTS(LANGUAGES); i++) {
		g_autofree char *path = g_strdup_printf("/quote/letters/%s", LANGUAGES[i]);

		g_test_add_data_func(path, LANGUAGES[i], test_letters);
	}
	g_test_add_func("/quote/attached", test_attached);
	g_test_add_func("/quote/long-quotation", test_long_quotation);
	g_test_add_func("/quote/hostile-lines", test_hostile);
	g_test_add_func("/quote/filler", test_filler);
	g_test_add_func("/quote/kind", test_kind);
	failed = g_test_run();
	text_shutdown();
	return failed;
}
