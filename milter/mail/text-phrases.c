/* text-phrases: what mail clients write between a new mail and the earlier one, by language. Layer: mail.
 * Only tables and their look-up; text-quote.c knows what follows from them. */
#include "mail/text-private.h"

#include <string.h>

/* g_ascii_tolower() is a call, and this runs over every line of every mail. */
static inline char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Returns true where text (size bytes) starts with phrase, ASCII in any case. */
static bool starts_with(const char *text, gsize size, const char *phrase)
{
	gsize length = strlen(phrase);

	return size >= length && g_ascii_strncasecmp(text, phrase, length) == 0;
}

/* Returns true where text contains phrase, ASCII in any case. */
static bool contains(const char *text, gsize size, const char *phrase)
{
	gsize length = strlen(phrase);

	for (gsize i = 0; i + length <= size; i++)
		if (lower(text[i]) == lower(*phrase) && g_ascii_strncasecmp(text + i, phrase, length) == 0)
			return true;
	return false;
}

static bool starts_with_any(const char *text, gsize size, const char *const *phrases, gsize count)
{
	char first = size > 0 ? lower(*text) : '\0';

	for (gsize i = 0; i < count; i++)
		if (lower(*phrases[i]) == first && starts_with(text, size, phrases[i]))
			return true;
	return false;
}

static bool contains_any(const char *text, gsize size, const char *const *phrases, gsize count)
{
	for (gsize i = 0; i < count; i++)
		if (contains(text, size, phrases[i]))
			return true;
	return false;
}

/* Moves *text past leading characters of set and returns how many there were. */
static gsize skip(const char **text, gsize *size, const char *set)
{
	gsize count = 0;

	while (*size > 0 && **text != '\0' && strchr(set, **text) != NULL) {
		(*text)++;
		(*size)--;
		count++;
	}
	return count;
}

/* Between dashes: "-----Original Message-----" */
static const char *const DASHED[] = {
	"original message", "original-nachricht", "original nachricht", "originalnachricht", "ursprüngliche nachricht",
	"ursprüngliche mail", "message d'origine", "message d’origine", "message original", "message initial",
	"mensaje original", "mensagem original", "messaggio originale", "oorspronkelijk bericht",
	"originalt meddelande", "ursprungligt meddelande", "oprindelig meddelelse", "original melding",
	"opprinnelig melding", "alkuperäinen viesti", "wiadomość oryginalna", "původní zpráva", "исходное сообщение",
	"orijinal ileti", "元のメッセージ", "original appointment", "原始邮件", "原始郵件", "forwarded message",
	"forwarded by", "weitergeleitete nachricht", "message transféré", "mensaje reenviado", "mensagem encaminhada",
	"messaggio inoltrato", "doorgestuurd bericht", "vidarebefordrat meddelande", "videresendt", "转发邮件",
	"転送メッセージ", "転送されたメッセージ", "пересылаемое сообщение", "reply message", "reply above this line",
};

/* Without dashes, as the whole line */
static const char *const BARE[] = {
	"begin forwarded message:", "anfang der weitergeleiteten nachricht:", "début du message réexpédié",
	"début du message transféré", "inicio del mensaje reenviado:", "início da mensagem encaminhada:",
	"inizio messaggio inoltrato:", "begin doorgestuurd bericht:", "vidarebefordrat brev:",
	"転送されたメッセージ:", "##- please type your reply above this line", "##- please type your response above this line",
};

bool text_is_separator(const char *line, gsize size)
{
	gsize dashes;

	skip(&line, &size, " \t*");
	if (size < 10 || size > 200)
		return false;
	if (starts_with_any(line, size, BARE, G_N_ELEMENTS(BARE)))
		return true;
	dashes = skip(&line, &size, "-_=");
	if (dashes < 2)
		return false;
	skip(&line, &size, " \t");
	return starts_with_any(line, size, DASHED, G_N_ELEMENTS(DASHED));
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
	{ "sent", TEXT_LABEL_SENT }, { "date", TEXT_LABEL_SENT }, { "gesendet", TEXT_LABEL_SENT },
	{ "datum", TEXT_LABEL_SENT },
	{ "envoyé", TEXT_LABEL_SENT }, { "enviado el", TEXT_LABEL_SENT }, { "enviado", TEXT_LABEL_SENT },
	{ "enviada em", TEXT_LABEL_SENT }, { "enviado em", TEXT_LABEL_SENT }, { "enviada", TEXT_LABEL_SENT },
	{ "fecha", TEXT_LABEL_SENT }, { "data", TEXT_LABEL_SENT }, { "inviato", TEXT_LABEL_SENT },
	{ "verzonden", TEXT_LABEL_SENT },
	{ "skickat", TEXT_LABEL_SENT }, { "sendt", TEXT_LABEL_SENT }, { "lähetetty", TEXT_LABEL_SENT },
	{ "wysłano", TEXT_LABEL_SENT }, { "Отправлено", TEXT_LABEL_SENT }, { "Дата", TEXT_LABEL_SENT },
	{ "送信日時", TEXT_LABEL_SENT }, { "日時", TEXT_LABEL_SENT }, { "日付", TEXT_LABEL_SENT }, { "发送时间", TEXT_LABEL_SENT },
	{ "日期", TEXT_LABEL_SENT }, { "寄件日期", TEXT_LABEL_SENT },
	{ "to", TEXT_LABEL_TO }, { "an", TEXT_LABEL_TO }, { "à", TEXT_LABEL_TO }, { "À", TEXT_LABEL_TO },
	{ "para", TEXT_LABEL_TO }, { "a", TEXT_LABEL_TO }, { "aan", TEXT_LABEL_TO }, { "till", TEXT_LABEL_TO },
	{ "til", TEXT_LABEL_TO }, { "vastaanottaja", TEXT_LABEL_TO }, { "do", TEXT_LABEL_TO }, { "Кому", TEXT_LABEL_TO },
	{ "宛先", TEXT_LABEL_TO }, { "收件人", TEXT_LABEL_TO }, { "收件者", TEXT_LABEL_TO }, { "destinataire", TEXT_LABEL_TO },
	{ "cc", TEXT_LABEL_CC }, { "bcc", TEXT_LABEL_CC }, { "kopie", TEXT_LABEL_CC }, { "copie à", TEXT_LABEL_CC },
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

	skip(&line, &size, " \t*");
	window = MIN(size, 40);
	if (window == 0 || (!g_ascii_isalpha(*line) && (guchar)*line < 0x80))
		return TEXT_LABEL_NONE;
	first = lower(*line);
	if (memchr(line, ':', window) == NULL && memchr(line, FULL_WIDTH_LEAD, window) == NULL)
		return TEXT_LABEL_NONE;
	for (guint i = 0; i < G_N_ELEMENTS(LABELS); i++) {
		const char *rest = line;
		gsize left = size;

		if (lower(*LABELS[i].name) != first || !starts_with(line, size, LABELS[i].name))
			continue;
		rest += strlen(LABELS[i].name);
		left -= strlen(LABELS[i].name);
		skip(&rest, &left, " \t*");
		if (starts_with(rest, left, ":") || starts_with(rest, left, "："))
			return LABELS[i].label;
	}
	return TEXT_LABEL_NONE;
}

bool text_is_device_line(const char *line, gsize size)
{
	static const char *const PHRASES[] = {
		"sent from my ", "sent from mail for ", "sent from outlook", "sent from yahoo mail", "sent from proton mail",
		"sent from samsung", "sent via ", "get outlook for ", "von meinem ", "von meiner ", "gesendet von mail für ",
		"gesendet von outlook", "outlook für ", "envoyé de mon ", "envoyé depuis ", "enviado desde mi ",
		"enviado desde ", "enviado do meu ", "enviado de meu ", "inviato da iphone", "inviato da ", "inviato dal mio ",
		"verstuurd vanaf ", "verzonden vanaf ", "skickat från min ", "sendt fra min ", "wysłane z ", "отправлено с ",
		"Отправлено с ", "iphoneから送信", "ipadから送信", "发自我的",
	};
	/* "Von meinem ..." starts many a German sentence. */
	static const char *const SENT[] = { "gesendet" };
	gsize length;

	length = skip(&line, &size, " \t<*_");
	if (length > 8 || size < 6 || size > 90 || !starts_with_any(line, size, PHRASES, G_N_ELEMENTS(PHRASES)))
		return false;
	return !starts_with(line, size, "von mein") || contains_any(line, size, SENT, G_N_ELEMENTS(SENT));
}

bool text_is_disclaimer(const char *paragraph, gsize size)
{
	static const char *const TITLES[] = {
		"confidentiality notice", "confidentiality note", "notice of confidentiality", "confidentiality statement",
		"email disclaimer", "e-mail disclaimer", "legal disclaimer", "disclaimer:", "aviso de confidencialidad",
		"aviso legal", "aviso de confidencialidade", "avis de confidentialité", "hinweis zur vertraulichkeit",
		"if you are not the intended recipient", "if you have received this",
	};
	static const char *const STARTS[] = {
		"this email", "this e-mail", "this message", "this communication", "this transmission", "the information in this",
		"the information contained", "the information transmitted", "the content of this", "the contents of this",
		"information in this", "any views", "important notice", "important:", "notice:", "privileged", "private and",
		"please consider the environment", "diese e-mail", "diese nachricht", "der inhalt dieser", "die in dieser",
		"ce message", "ce courriel", "cet e-mail", "este mensaje", "este correo", "la información contenida",
		"esta mensagem", "este e-mail", "as informações contidas", "questo messaggio", "questa e-mail",
		"le informazioni contenute", "dit bericht", "deze e-mail", "de informatie",
	};
	static const char *const WORDS[] = {
		"confidential", "intended only", "intended solely", "intended recipient", "solely for the use", "privileged",
		"before printing", "vertraulich", "confidentiel", "confidencial", "riservat", "vertrouwelijk",
	};
	static const char *const FRAME[] = { "_", "*", "-", "=", " ", "\n" };
	gsize length;

	while (size > 0 && starts_with_any(paragraph, size, FRAME, G_N_ELEMENTS(FRAME))) {
		paragraph++;
		size--;
	}
	length = MIN(size, 2000);
	if (starts_with_any(paragraph, length, TITLES, G_N_ELEMENTS(TITLES)))
		return true;
	return starts_with_any(paragraph, length, STARTS, G_N_ELEMENTS(STARTS)) &&
	       contains_any(paragraph, length, WORDS, G_N_ELEMENTS(WORDS));
}

static bool has_digit(const char *text, gsize size)
{
	for (gsize i = 0; i < size; i++)
		if (g_ascii_isdigit(text[i]))
			return true;
	return false;
}

/* A time (14:05), a year or an address: what a client puts in and people seldom do. */
static bool has_client_detail(const char *text, gsize size)
{
	guint digits = 0;

	if (memchr(text, '@', size) != NULL)
		return true;
	for (gsize i = 0; i < size; i++) {
		digits = g_ascii_isdigit(text[i]) ? digits + 1 : 0;
		if (digits == 4)
			return true;
		if (digits > 0 && i + 2 < size && (text[i + 1] == ':') && g_ascii_isdigit(text[i + 2]))
			return true;
	}
	return false;
}

TextAttribution text_attribution(const char *lines, gsize size, bool before_quote)
{
	static const char *const STARTS[] = {
		"on ", "at ", "am ", "le ", "el ", "em ", "il ", "op ", "den ", "på ", "dnia ", "w dniu ", "dne ", "ma ", "mon",
		"tue", "wed", "thu", "fri", "sat", "sun", "в ", "В ",
	};
	static const char *const VERBS[] = {
		" wrote", " writes", " schrieb", " a écrit", " escribió", " escreveu", " ha scritto", " schreef", " skrev",
		" kirjoitti", " napisał", " napsal", " írta", " yazdı", " написал", " пишет", "写道", "寫道", "のメール",
	};
	g_autofree char *joined = NULL; /* a line end may stand in front of the verb */
	bool address;
	bool dated;
	bool verb;

	skip(&lines, &size, " \t*_");
	if (size < 5 || size > 500)
		return TEXT_ATTRIBUTION_NONE;
	address = memchr(lines, '@', size) != NULL;
	dated = has_digit(lines, size) &&
	        (g_ascii_isdigit(*lines) || starts_with_any(lines, size, STARTS, G_N_ELEMENTS(STARTS)));
	if (!dated && !address && !before_quote)
		return TEXT_ATTRIBUTION_NONE;
	joined = g_strndup(lines, size);
	g_strdelimit(joined, "\n", ' ');
	verb = contains_any(joined, size, VERBS, G_N_ELEMENTS(VERBS));
	if (dated && (verb || (address && g_strstr_len(lines, (gssize)size, ">:") != NULL)))
		return has_client_detail(lines, size) ? TEXT_ATTRIBUTION_STRONG : TEXT_ATTRIBUTION_SURE;
	if (verb && address)
		return TEXT_ATTRIBUTION_SURE;
	return verb && before_quote ? TEXT_ATTRIBUTION_BARE : TEXT_ATTRIBUTION_NONE;
}
