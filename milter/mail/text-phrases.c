/* text-phrases: what mail clients write between a new mail and the earlier one, by language. Layer: mail.
 * Only tables and their look-up; text-attribution.c and text-quote.c know what follows from them. */
#include "mail/text-private.h"

#include <string.h>

#define SEPARATOR_MIN 10
#define SEPARATOR_MAX 200
#define BARE_MAX 60
#define MARKER_MAX 110
#define MARKER_EXTRA 60 /* bytes that a line has besides "reply above this line" */

/* Between dashes: "-----Original Message-----" */
static const char *const DASHED_ORIGINAL[] = {
	"alkuperäinen viesti", "correo original", "e-mail d'origine", "message d'origine", "message d’origine",
	"message original", "message initial", "mail original", "mensaje original", "mensagem original", "messaggio originale",
	"messaggio original", "original message", "original-nachricht", "original nachricht", "originalnachricht",
	"oorspronkelijk bericht", "oorspronkelijke bericht", "origineel bericht", "originalt meddelande",
	"oprindelig meddelelse", "original melding", "opprinnelig melding", "orijinal ileti", "original appointment",
	"původní zpráva", "rendez-vous d'origine", "reply message", "ursprüngliche nachricht", "ursprüngliche mail",
	"ursprüngliche e-mail", "ursprungligt meddelande", "ursprünglicher termin", "wiadomość oryginalna", "исходное сообщение",
	"元のメッセージ", "元のメール", "原始邮件", "原始郵件",
};

static const char *const DASHED_FORWARD[] = {
	"correo reenviado", "doorgestuurd bericht", "doorgestuurd door", "doorgestuurde bericht", "encaminhado por",
	"forwarded message", "forwarded by", "forwarded mail", "inoltrato da", "message transféré", "message réexpédié",
	"mail transféré", "mensaje reenviado", "mensagem encaminhada", "mensagem reencaminhada", "messaggio inoltrato",
	"réacheminé par", "reenviado por", "transféré par", "vidarebefordrat meddelande", "videresendt",
	"weitergeleitete nachricht", "weitergeleitet von", "weitergeleitete mail", "пересылаемое сообщение", "转发邮件", "転送メッセージ",
	"転送されたメッセージ", "転送メール",
};

/* Without dashes, as the whole line */
static const char *const BARE_FORWARD[] = {
	"anfang der weitergeleiteten nachricht:", "anfang der weitergeleiteten e-mail:", "begin forwarded message:",
	"begin doorgestuurd bericht:", "début du message réexpédié", "début du message transféré",
	"inicio del mensaje reenviado:", "início da mensagem encaminhada:", "início da mensagem reencaminhada:",
	"inizio messaggio inoltrato:", "vidarebefordrat brev:", "転送されたメッセージ:", "転送されたメッセージ：",
};

/* What helpdesks put above their mail, with dashes or signs around it or without. */
static const char *const REPLY_ABOVE[] = {
	"reply above this line", "type your reply above this line", "type your response above this line",
	"write above this line", "respond above this line", "antwort oberhalb dieser zeile", "antworten sie oberhalb dieser zeile",
	"antwort über dieser zeile", "antworten sie über dieser zeile", "réponse au-dessus de cette ligne",
	"répondez au-dessus de cette ligne", "répondre au-dessus de cette ligne", "respuesta por encima de esta línea",
	"respuesta encima de esta línea", "responda por encima de esta línea", "resposta acima desta linha",
	"responda acima desta linha", "risposta sopra questa riga", "rispondi sopra questa riga", "risposta sopra questa linea",
	"antwoord boven deze regel", "antwoord boven deze lijn", "reageer boven deze regel", "この行より上に", "この行の上に",
	"この線より上に",
};

/* The words such a line may begin with where no sign does. */
static const char *const REPLY_WORDS[] = {
	"antwoord", "bitte", "please", "por favor", "reply", "répond", "respond", "rispondi", "typ", "veuillez", "この",
};

/* "---- On Mon, 05 Jan 2026 10:00:00 +0100 Jane <j@x> wrote ----", "-----Jane <j@x> wrote: -----" */
static bool is_dashed_attribution(const char *line, gsize size)
{
	while (size > 0 && line[size - 1] == ' ')
		size--;
	return size > 3 && memcmp(line + size - 3, "---", 3) == 0 && text_has_wrote(line, size);
}

static bool is_reply_marker(const char *line, gsize size)
{
	const char *phrase = text_contains_any(line, size, REPLY_ABOVE, G_N_ELEMENTS(REPLY_ABOVE));

	return phrase != NULL && size <= strlen(phrase) + MARKER_EXTRA;
}

/*     separator = *( SP / "*" ) ( bare / reply-marker / 2*dash *SP ( original / forwarded ) any / 3*dash attribution 3*"-" ) */
TextSeparator text_separator(const char *line, gsize size)
{
	gsize dashes;
	bool sign;

	text_skip(&line, &size, " \t*");
	if (size < SEPARATOR_MIN || size > SEPARATOR_MAX)
		return TEXT_SEPARATOR_NONE;
	if (size < BARE_MAX && text_starts_with_sorted(line, size, BARE_FORWARD, G_N_ELEMENTS(BARE_FORWARD)))
		return TEXT_SEPARATOR_FORWARD;
	sign = strchr("#-_=[(<", *line) != NULL || (guchar)*line == 0xe2; /* the dashes of U+2010 and on */
	if (size < MARKER_MAX && (sign || text_starts_with_sorted(line, size, REPLY_WORDS, G_N_ELEMENTS(REPLY_WORDS)) != NULL) && is_reply_marker(line, size))
		return TEXT_SEPARATOR_REPLY;
	if (text_starts_with(line, size, "##-") && g_strstr_len(line + 3, (gssize)size - 3, "-##") != NULL)
		return TEXT_SEPARATOR_REPLY;
	dashes = sign ? text_skip(&line, &size, "-_=") : 0;
	if (dashes < 2)
		return TEXT_SEPARATOR_NONE;
	text_skip(&line, &size, " \t");
	if (text_starts_with_sorted(line, size, DASHED_ORIGINAL, G_N_ELEMENTS(DASHED_ORIGINAL)))
		return TEXT_SEPARATOR_ORIGINAL;
	if (text_starts_with_sorted(line, size, DASHED_FORWARD, G_N_ELEMENTS(DASHED_FORWARD)))
		return TEXT_SEPARATOR_FORWARD;
	return dashes >= 3 && is_dashed_attribution(line, size) ? TEXT_SEPARATOR_REPLY : TEXT_SEPARATOR_NONE;
}

typedef struct {
	const char *name;
	TextLabel label;
} LabelName;

static const LabelName LABELS[] = {
	/* English, German, French, Spanish, Portuguese, Italian, Dutch, Nordic, Polish, Russian, Japanese, Chinese */
	{ "from", TEXT_LABEL_FROM }, { "von", TEXT_LABEL_FROM }, { "de", TEXT_LABEL_FROM }, { "da", TEXT_LABEL_FROM },
	{ "van", TEXT_LABEL_FROM }, { "från", TEXT_LABEL_FROM }, { "fra", TEXT_LABEL_FROM }, { "lähettäjä", TEXT_LABEL_FROM },
	{ "od", TEXT_LABEL_FROM }, { "от", TEXT_LABEL_FROM }, { "От", TEXT_LABEL_FROM }, { "差出人", TEXT_LABEL_FROM },
	{ "发件人", TEXT_LABEL_FROM }, { "寄件者", TEXT_LABEL_FROM }, { "expéditeur", TEXT_LABEL_FROM },
	{ "remitente", TEXT_LABEL_FROM }, { "remetente", TEXT_LABEL_FROM }, { "mittente", TEXT_LABEL_FROM },
	{ "afzender", TEXT_LABEL_FROM }, { "absender", TEXT_LABEL_FROM }, { "送信者", TEXT_LABEL_FROM }, { "送信元", TEXT_LABEL_FROM },
	{ "sent", TEXT_LABEL_SENT }, { "date", TEXT_LABEL_SENT }, { "gesendet", TEXT_LABEL_SENT },
	{ "datum", TEXT_LABEL_SENT },
	{ "envoyé", TEXT_LABEL_SENT }, { "enviado el", TEXT_LABEL_SENT }, { "enviado", TEXT_LABEL_SENT },
	{ "enviada em", TEXT_LABEL_SENT }, { "enviado em", TEXT_LABEL_SENT }, { "enviada", TEXT_LABEL_SENT },
	{ "fecha", TEXT_LABEL_SENT }, { "data", TEXT_LABEL_SENT }, { "inviato", TEXT_LABEL_SENT },
	{ "verzonden", TEXT_LABEL_SENT },
	{ "skickat", TEXT_LABEL_SENT }, { "sendt", TEXT_LABEL_SENT }, { "lähetetty", TEXT_LABEL_SENT },
	{ "wysłano", TEXT_LABEL_SENT }, { "Отправлено", TEXT_LABEL_SENT }, { "Дата", TEXT_LABEL_SENT },
	{ "enviados", TEXT_LABEL_SENT }, { "enviadas", TEXT_LABEL_SENT }, { "gesendet am", TEXT_LABEL_SENT },
	{ "spedito", TEXT_LABEL_SENT }, { "inviata", TEXT_LABEL_SENT }, { "date et heure", TEXT_LABEL_SENT },
	{ "送信日時", TEXT_LABEL_SENT }, { "日時", TEXT_LABEL_SENT }, { "日付", TEXT_LABEL_SENT }, { "发送时间", TEXT_LABEL_SENT },
	{ "日期", TEXT_LABEL_SENT }, { "寄件日期", TEXT_LABEL_SENT },
	{ "to", TEXT_LABEL_TO }, { "an", TEXT_LABEL_TO }, { "à", TEXT_LABEL_TO }, { "À", TEXT_LABEL_TO },
	{ "para", TEXT_LABEL_TO }, { "a", TEXT_LABEL_TO }, { "aan", TEXT_LABEL_TO }, { "till", TEXT_LABEL_TO },
	{ "til", TEXT_LABEL_TO }, { "vastaanottaja", TEXT_LABEL_TO }, { "do", TEXT_LABEL_TO }, { "Кому", TEXT_LABEL_TO },
	{ "destinatario", TEXT_LABEL_TO }, { "destinatário", TEXT_LABEL_TO },
	{ "宛先", TEXT_LABEL_TO }, { "收件人", TEXT_LABEL_TO }, { "收件者", TEXT_LABEL_TO }, { "destinataire", TEXT_LABEL_TO },
	{ "cc", TEXT_LABEL_CC }, { "bcc", TEXT_LABEL_CC }, { "kopie", TEXT_LABEL_CC }, { "copie à", TEXT_LABEL_CC }, { "cco", TEXT_LABEL_CC }, { "cci", TEXT_LABEL_CC }, { "copia", TEXT_LABEL_CC },
	{ "antwoord aan", TEXT_LABEL_CC }, { "répondre à", TEXT_LABEL_CC }, { "返信先", TEXT_LABEL_CC },
	{ "抄送", TEXT_LABEL_CC }, { "reply-to", TEXT_LABEL_CC }, { "antwort an", TEXT_LABEL_CC },
	{ "subject", TEXT_LABEL_SUBJECT }, { "betreff", TEXT_LABEL_SUBJECT }, { "objet", TEXT_LABEL_SUBJECT },
	{ "asunto", TEXT_LABEL_SUBJECT }, { "assunto", TEXT_LABEL_SUBJECT }, { "oggetto", TEXT_LABEL_SUBJECT },
	{ "onderwerp", TEXT_LABEL_SUBJECT }, { "ämne", TEXT_LABEL_SUBJECT }, { "Ämne", TEXT_LABEL_SUBJECT },
	{ "emne", TEXT_LABEL_SUBJECT }, { "aihe", TEXT_LABEL_SUBJECT }, { "temat", TEXT_LABEL_SUBJECT },
	{ "Тема", TEXT_LABEL_SUBJECT }, { "件名", TEXT_LABEL_SUBJECT }, { "主题", TEXT_LABEL_SUBJECT },
	{ "主旨", TEXT_LABEL_SUBJECT },
};

/* The first byte of U+FF1A, the colon of Japanese and Chinese clients. */
#define FULL_WIDTH_LEAD 0xef

/* header-label = *("*" / SP) name *("*" / SP) (":" / U+FF1A) */
TextLabel text_header_label(const char *line, gsize size)
{
	gsize window;
	char first;

	text_skip(&line, &size, " \t*");
	window = MIN(size, 40);
	if (window == 0 || (!g_ascii_isalpha(*line) && (guchar)*line < 0x80))
		return TEXT_LABEL_NONE;
	first = text_lower(*line);
	if (memchr(line, ':', window) == NULL && memchr(line, FULL_WIDTH_LEAD, window) == NULL)
		return TEXT_LABEL_NONE;
	for (guint i = 0; i < G_N_ELEMENTS(LABELS); i++) {
		const char *rest = line;
		gsize left = size;

		if (text_lower(*LABELS[i].name) != first || !text_starts_with(line, size, LABELS[i].name))
			continue;
		rest += strlen(LABELS[i].name);
		left -= strlen(LABELS[i].name);
		text_skip(&rest, &left, " \t*");
		if (text_starts_with(rest, left, ":") || text_starts_with(rest, left, "："))
			return LABELS[i].label;
	}
	return TEXT_LABEL_NONE;
}
