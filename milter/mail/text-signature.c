/* text-signature: what stands in a mail and is nobody's message: signatures, device lines, disclaimers, banners. Layer: mail.
 *
 *     signature = closing *( name / contact )      closing: "Kind regards,"; contact: a phone number, an address
 *     name      = words that all begin with a capital, particles ("von", "of") aside
 *
 * A line that reads as a sentence ends a signature: people add a "PS" below it, and that counts. */
#include "mail/text-private.h"

#include <string.h>

#define CLOSING_BYTES_MAX 48
#define DEVICE_BYTES_MAX 70      /* of "Sent from my ..." that says no more */
#define SIGNATURE_LINES_MAX 16
#define PARAGRAPH_LINES_MAX 60   /* of a disclaimer */
#define NOTICE_BYTES 2000        /* of a paragraph that are looked at */
#define BANNER_LINE_MIN 60       /* a shorter first line of a banner stands alone */
#define DISCLAIMER_BYTES_MIN 100 /* a shorter one has no further paragraphs */
#define LINE_BYTES_MAX 110       /* of a line in a signature */
#define NAME_WORDS_MAX 8
#define PHONE_DIGITS 7

bool text_is_device_line(const char *line, gsize size)
{
	static const char *const PHRASES[] = {
		"androidから送信", "download outlook voor", "diese nachricht wurde von meinem ", "envoyé de mon ", "envoyé depuis ",
		"envoyé à partir de ", "envoyé avec ", "enviado desde mi ", "enviado desde ", "enviado con ", "enviado do meu ",
		"enviado de meu ", "enviado a partir do", "enviado com ", "enviado via ", "from my ", "get outlook for ",
		"gesendet von mail für ", "gesendet von outlook", "gesendet von meinem ", "gesendet mit ", "galaxyから送信",
		"holen sie sich outlook", "inviato da iphone", "inviato da ", "inviato dal mio ", "inviato con ", "iphoneから送信",
		"ipadから送信", "ios 版 outlook", "outlook für ", "obtenir outlook pour", "obtenez outlook pour", "obtener outlook para",
		"obtén outlook para", "obter o outlook para", "obtenha o outlook para", "ottieni outlook per", "outlook voor ",
		"outlook for ios", "outlook for android", "sent from my ", "sent from mail for ", "sent from outlook",
		"sent from yahoo mail", "sent from proton mail", "sent from samsung", "sent from mailspring", "sent from spark",
		"sent via ", "sent with proton", "sent with [proton", "sent with blackberry", "scarica outlook per",
		"skickat från min ", "sendt fra min ", "télécharger outlook", "von meinem ", "von meiner ", "verstuurd vanaf ",
		"verzonden vanaf ", "verzonden met ", "verstuurd met ", "wysłane z ", "отправлено с ", "Отправлено с ", "发自我的",
	};
	/* These begin many a sentence. */
	static const char *const AMBIGUOUS[] = { "von mein", "from my ", "diese nachricht wurde von mein" };
	static const char *const SENT[] = { "gesendet", "mobile device", "mobile phone", "please excuse" };
	/* What makes a long one; without it, it is a sentence. */
	static const char *const LONG[] = { "http", "gesendet", "excuse", "typo", "brevity", "autocorrect", "tippfehler", "kürze", "brièveté",
		                                "faute", "brevedad", "errata", "brevidade", "erros", "brevità", "errori", "typefout" };
	gsize length;

	length = text_skip(&line, &size, " \t<*_[");
	if (length > 8 || size < 6 || size > 120 || text_starts_with_sorted(line, size, PHRASES, G_N_ELEMENTS(PHRASES)) == NULL)
		return false;
	if (size > DEVICE_BYTES_MAX && text_contains_any(line, size, LONG, G_N_ELEMENTS(LONG)) == NULL)
		return false;
	return text_starts_with_any(line, size, AMBIGUOUS, G_N_ELEMENTS(AMBIGUOUS)) == NULL ||
	       text_contains_any(line, size, SENT, G_N_ELEMENTS(SENT)) != NULL;
}

bool text_is_closing(const char *line, gsize size)
{
	static const char *const PHRASES[] = {
		"all the best", "atentamente", "atte", "atenciosamente", "abraço", "att,", "alvast bedankt", "best regards",
		"best wishes", "best,", "br,", "beste gr", "besten dank", "bien cordialement", "bien à vous", "bonne journée",
		"bedankt", "cheers", "cordially", "cordialement", "cdlt", "cdt", "cordiales saludos", "cumprimentos",
		"com os melhores cumprimentos", "cordialmente", "cordiali saluti", "danke", "distinti saluti", "dank u",
		"freundliche gr", "gruß", "gruss", "grüße", "gracias", "grato", "grata", "grazie", "groet", "herzliche gr",
		"hochachtungsvoll", "hartelijke groet", "hoogachtend", "in fede", "kind regards", "kindest regards", "kr,",
		"liebe gr", "lg", "le saluda", "many thanks", "mit freundliche", "mit besten gr", "mfg", "meilleures salutations",
		"merci", "muchas gracias", "melhores cumprimentos", "met vriendelijke groet", "met hartelijke groet", "mvg",
		"obrigado", "obrigada", "regards", "rgds", "respectfully", "respectueusement", "sincerely", "schöne gr",
		"salutations", "sincères salutations", "saludos", "saluti", "thanks", "thank you", "thx", "take care", "un saludo",
		"un cordial saludo", "un saluto", "viele gr", "vg", "vielen dank", "vriendelijke groet", "warm regards",
		"warmest regards", "with best regards", "with kind regards", "with regards", "yours", "よろしくお願い", "何卒よろしく", "何卒宜しく",
		"以上、よろしく", "以上です", "宜しくお願い", "敬具",
	};
	const char *phrase;
	gsize length;
	gsize whole;

	text_skip(&line, &size, " \t*_");
	whole = size;
	while (size > 0 && strchr(" ,.!*_-\t", line[size - 1]) != NULL)
		size--;
	if (size == 0 || size > CLOSING_BYTES_MAX * 2 || (size > CLOSING_BYTES_MAX && (guchar)*line < 0x80))
		return false;
	phrase = text_starts_with_sorted(line, whole, PHRASES, G_N_ELEMENTS(PHRASES));
	if (phrase == NULL)
		return false;
	length = strlen(phrase);
	/* A word ends here, or goes on in the few ways that these have ("Grüße", "Grüßen"). */
	return (guchar)*line >= 0x80 || length >= size || !g_ascii_isalpha(line[length]) || length > 7;
}

typedef enum {
	SHAPE_BLANK,
	SHAPE_NAME,
	SHAPE_PHONE,   /* surely part of a signature */
	SHAPE_CONTACT, /* an address or page: often part of one */
	SHAPE_OTHER,
	SHAPE_SENTENCE
} Shape;

static bool has_phone(const char *text, gsize size)
{
	static const char *const LABELS[] = {
		"tel", "phone", "fax", "mobile", "mob", "cell", "office", "direct", "handy", "téléphone", "tél", "fon", "mobil", "móvil",
		"teléfono", "celular", "telefone", "telemóvel", "telefono", "cellulare", "cell", "telefoon", "mobiel", "m:", "t:", "p:", "f:",
		"d:", "m +", "t +", "p +", "t ", "電話", "携帯", "直通", "内線",
	};
	bool labelled = text_starts_with_any(text, size, LABELS, G_N_ELEMENTS(LABELS)) != NULL;
	guint digits = 0;
	bool plus = false;

	for (gsize i = 0; i < size; i++) {
		if (g_ascii_isdigit(text[i])) {
			digits++;
		} else if (text[i] == '+' && i + 1 < size && g_ascii_isdigit(text[i + 1])) {
			plus = true;
			digits = 0;
		} else if (strchr(" ()./-", text[i]) == NULL) {
			if (digits >= PHONE_DIGITS && (plus || labelled))
				return true;
			digits = 0;
			plus = false;
		}
	}
	return digits >= PHONE_DIGITS && (plus || labelled);
}

static bool is_particle(const char *word, gsize size)
{
	static const char *const PARTICLES[] = { "of", "and", "the", "for", "in", "von", "van", "vom", "zu", "und", "für", "der", "den", "de",
		                                     "du", "des", "la", "le", "et", "da", "do", "dos", "del", "di", "della", "e", "y", "en",
		                                     "ter", "te", "het", "&", "|", "-", "–", "/", "·", "at" };

	for (guint i = 0; i < G_N_ELEMENTS(PARTICLES); i++)
		if (*PARTICLES[i] == *word && strlen(PARTICLES[i]) == size && memcmp(PARTICLES[i], word, size) == 0)
			return true;
	return false;
}

/* Hiragana, U+3041 to U+309F, are what Japanese sentences cannot do without and names of people and companies can. */
static bool has_hiragana(const char *text, gsize size)
{
	for (gsize i = 0; i + 2 < size; i++)
		if ((guchar)text[i] == 0xe3 && ((guchar)text[i + 1] == 0x81 || ((guchar)text[i + 1] == 0x82 && (guchar)text[i + 2] <= 0x9f)))
			return true;
	return false;
}

/* How the words of a line are written. */
typedef struct {
	guint words;
	guint small; /* that begin with a small letter, particles aside */
	bool odd;    /* digits or signs that no name has */
} Words;

static Words count_words(const char *text, gsize size)
{
	Words words = { 0 };

	for (gsize i = 0; i < size;) {
		gsize start;

		while (i < size && text[i] == ' ')
			i++;
		for (start = i; i < size && text[i] != ' '; i++)
			if (g_ascii_isdigit(text[i]) || strchr(":;?!={}<>@#$%^\\[]\"_~`+", text[i]) != NULL)
				words.odd = true;
		if (i == start)
			continue;
		words.words++;
		if (g_ascii_islower(text[start]) && !is_particle(text + start, i - start))
			words.small++;
	}
	return words;
}

/* Words in capitals that begin what people add below their name. */
static bool starts_addition(const char *text, gsize size)
{
	static const char *const STARTS[] = { "ps:", "ps ", "p.s", "pps", "nb:", "n.b", "note", "edit", "update", "error", "urgent", "warning",
		                                  "fehler", "erreur", "errore", "fout", "追伸", "- ", "* ", "• ", "re:" };

	return text_starts_with_any(text, size, STARTS, G_N_ELEMENTS(STARTS)) != NULL;
}

static Shape line_shape(const TextLines *lines, guint at)
{
	static const char RULES[] = " \t*_-=~|#";
	const char *text = text_line(lines, at);
	gsize size = text_line_size(lines, at);
	bool stop;
	Words words;

	while (size > 0 && strchr(RULES, text[size - 1]) != NULL)
		size--;
	if (size == 0)
		return SHAPE_BLANK;
	text_skip(&text, &size, " \t*_|");
	if (size > LINE_BYTES_MAX || starts_addition(text, size))
		return SHAPE_SENTENCE;
	words = count_words(text, size);
	stop = strchr(".!?", text[size - 1]) != NULL;
	if (words.small <= words.words / 2 && has_phone(text, size))
		return SHAPE_PHONE;
	if (words.words <= 4 && !stop && text[size - 1] != ':' &&
	    (memchr(text, '@', size) != NULL || text_contains(text, size, "www.") || text_starts_with(text, size, "http")))
		return SHAPE_CONTACT;
	if ((guchar)*text >= 0x80 && has_hiragana(text, size))
		return SHAPE_SENTENCE;
	if (!words.odd && words.small == 0 && words.words <= NAME_WORDS_MAX && !(stop && words.words > 3 && text[size - 1] != '.'))
		return SHAPE_NAME;
	return (stop && words.words >= 3) || (words.words >= 4 && words.small * 2 > words.words) ? SHAPE_SENTENCE : SHAPE_OTHER;
}

bool text_is_sentence(const TextLines *lines, guint at)
{
	return line_shape(lines, at) == SHAPE_SENTENCE;
}

/* A bare "Thanks" is also how people begin; what follows is a signature only where nothing but one follows. */
static bool is_thanks(const char *text, gsize size)
{
	static const char *const PHRASES[] = { "thank", "many thanks", "thx", "danke", "vielen dank", "besten dank", "merci", "gracias",
		                                   "muchas gracias", "obrigad", "grazie", "bedankt", "dank u", "alvast", "cheers", "lg", "vg" };

	text_skip(&text, &size, " \t*_");
	return text_starts_with_any(text, size, PHRASES, G_N_ELEMENTS(PHRASES)) != NULL;
}

/* Returns true where an earlier mail may begin, with a header block or another mark. */
static bool is_mark(const TextLines *lines, guint at)
{
	const char *text = text_line(lines, at);
	gsize size = text_line_size(lines, at);

	return text_line_is_quoted(lines, at) || lines->lines[at].last == ':' || text_header_label(text, size) != TEXT_LABEL_NONE ||
	       text_separator(text, size) != TEXT_SEPARATOR_NONE;
}

guint text_signature_end(const TextLines *lines, guint at)
{
	bool thanks = is_thanks(text_line(lines, at), text_line_size(lines, at));
	guint limit = MIN(lines->count, at + 1 + SIGNATURE_LINES_MAX);
	guint end = at + 1;
	bool contact = false;
	bool names = true; /* nothing but names so far, in one paragraph */
	bool rest = false; /* something else came behind */

	for (guint i = at + 1; i < limit && !is_mark(lines, i); i++) {
		Shape shape = line_shape(lines, i);

		if (shape == SHAPE_SENTENCE) {
			rest = true;
			break;
		}
		if (shape == SHAPE_BLANK) {
			names = names && end == at + 1;
		} else if (shape == SHAPE_PHONE || shape == SHAPE_CONTACT) {
			contact = contact || shape == SHAPE_PHONE;
			end = i + 1;
		} else if (shape == SHAPE_NAME && names) {
			end = i + 1;
		} else {
			names = false;
			rest = true;
		}
	}
	return thanks && rest && !contact ? at + 1 : end;
}

guint text_contact_lines(const TextLines *lines, guint at)
{
	guint end = at;
	bool phone = false;

	while (end < lines->count && end - at <= SIGNATURE_LINES_MAX && !text_line_is_blank(lines, end))
		end++;
	if (end - at < 2 || end - at > SIGNATURE_LINES_MAX || text_line_next(lines, end) < lines->count ||
	    line_shape(lines, at) != SHAPE_NAME || text_is_closing(text_line(lines, at), text_line_size(lines, at)))
		return 0;
	for (guint i = at; i < end; i++) {
		Shape shape = line_shape(lines, i);

		if (shape == SHAPE_SENTENCE || text_line_is_quoted(lines, i))
			return 0;
		phone = phone || shape == SHAPE_PHONE;
	}
	return phone ? end - at : 0;
}

static bool has_digit(const char *text, gsize size)
{
	for (gsize i = 0; i < size; i++)
		if (g_ascii_isdigit(text[i]))
			return true;
	return false;
}

/* Returns true where somebody speaks of themselves, which no disclaimer does; "i" in small letters is an Italian article. */
static bool is_personal(const char *paragraph, gsize size)
{
	static const char *const WORDS[] = { " I ", " my ", " ich ", " mein", " je ", " mon ", " mes ", " yo ", " mi ", " mis ", " eu ", " meu ",
		                                 " minha ", " io ", " mio ", " mia ", " ik ", " mijn " };

	for (guint i = 0; i < G_N_ELEMENTS(WORDS); i++)
		if (g_strstr_len(paragraph, (gssize)size, WORDS[i]) != NULL)
			return true;
	return false;
}

static TextNotice judge_notice(const char *paragraph, gsize size)
{
	static const char *const BANNERS[] = {
		"[external", "[外部", "attention: this e", "achtung: diese e-mail", "achtung: externe", "attention : ce ",
		"atenção: est", "attenzione: questa", "caution: ", "caution - ", "caution! ", "ce courriel provient de l",
		"ce message provient de l'ext", "courriel externe", "cuidado: este", "correo externo", "cuidado: e-mail",
		"diese e-mail stammt von auß", "dit bericht komt van buiten", "deze e-mail komt van buiten",
		"diese e-mail wurde von avast", "external email", "external e-mail", "external sender", "external message",
		"external:", "externe e-mail", "este correo procede del exterior", "e-mail externo", "e-mail esterna", "let op: dit",
		"let op: deze", "libre de virus", "livre de vírus", "no suele recibir", "non si ricevono spesso", "précaution : ",
		"precaución: este", "privo di virus", "questa e-mail proviene dall'esterno",
		"some people who received this message don", "sie erhalten nicht h", "sie erhalten nicht oft", "sans virus",
		"this email originated from outside", "this message originated from outside", "this email was sent from outside",
		"this message was sent from outside", "this email has been checked", "this email has been scanned",
		"u ontvangt niet vaak", "vorsicht: diese", "vorsicht: externe", "vous ne recevez pas souvent",
		"vous n'obtenez pas souvent", "você não costuma receber", "virus-free", "virenfrei", "virusvrij", "warning: this e",
		"warning: this message", "you don't often get email from", "you don’t often get email from", "【外部", "【注意】このメールは",
	};
	/* What a gateway cautions against; a customer may caution us, too. */
	static const char *const OUTSIDE[] = { "external", "outside", "email", "e-mail", "sender", "link", "attachment" };
	static const char *const TITLES[] = {
		"aviso de confidencialidad", "aviso legal", "aviso de confidencialidade", "avis de confidentialité",
		"avviso di riservatezza", "avvertenza di riservatezza", "amtsgericht ", "antes de imprimir",
		"bitte denken sie an die umwelt", "bitte prüfen sie, ob diese", "confidentiality notice", "confidentiality note",
		"confidentiality statement", "clause de confidentialité", "company registration", "disclaimer:",
		"denk aan het milieu", "email disclaimer", "e-mail disclaimer", "geschäftsführer:", "geschäftsführung:",
		"hinweis zur vertraulichkeit", "if you are not the intended recipient", "if you have received this",
		"legal disclaimer", "notice of confidentiality", "please consider the environment", "pensez à l'environnement",
		"pensez à l’environnement", "prima di stampare", "registergericht", "registered in england", "registered office",
		"sitz der gesellschaft", "vertraulichkeitshinweis", "vertrouwelijkheid", "【機密",
	};
	/* What a company has to say of itself comes with a number; without one it may be the subject of a sentence. */
	static const char *const REGISTERS[] = { "amtsgericht", "company registration" };
	static const char *const STARTS[] = {
		"any views", "as informações contidas", "ce message", "ce courriel", "cet e-mail", "diese e-mail", "diese email",
		"diese nachricht", "der inhalt dieser", "die in dieser", "die information", "dit bericht", "deze e-mail",
		"de informatie", "de inhoud van", "este mensaje", "este correo", "esta mensagem", "este e-mail", "este email",
		"information in this", "important notice", "important:", "il presente messaggio", "les informations",
		"la información contenida", "la información de este", "le informazioni contenute", "notice:", "privileged",
		"private and", "questo messaggio", "questa e-mail", "questa email", "this email", "this e-mail", "this message",
		"this communication", "this transmission", "the information in this", "the information contained",
		"the information transmitted", "the content of this", "the contents of this", "このメールには", "このメールおよび", "この電子メール",
		"このeメール", "本メール", "本電子メール",
	};
	static const char *const WORDS[] = {
		"confidential", "intended only", "intended solely", "intended recipient", "solely for the use", "privileged",
		"before printing", "vertraulich", "confidentiel", "confidencia", "riservat", "confidenzial", "vertrouwelijk", "destinataire",
		"destinatari", "destinatár", "geadresseerde", "adressaten", "機密", "誤って受信", "宛先以外", "名宛人",
	};
	const char *title;

	title = text_starts_with_sorted(paragraph, size, BANNERS, G_N_ELEMENTS(BANNERS));
	if (title != NULL && (!text_starts_with(title, strlen(title), "caution") || text_contains_any(paragraph, size, OUTSIDE, G_N_ELEMENTS(OUTSIDE))))
		return TEXT_NOTICE_BANNER;
	title = text_starts_with_sorted(paragraph, size, TITLES, G_N_ELEMENTS(TITLES));
	if (title != NULL && (!text_contains_any(title, strlen(title), REGISTERS, G_N_ELEMENTS(REGISTERS)) || has_digit(paragraph, size)))
		return TEXT_NOTICE_DISCLAIMER;
	if (!text_starts_with_sorted(paragraph, size, STARTS, G_N_ELEMENTS(STARTS)) ||
	    !text_contains_any(paragraph, size, WORDS, G_N_ELEMENTS(WORDS)) || is_personal(paragraph, size))
		return TEXT_NOTICE_NONE;
	return size >= DISCLAIMER_BYTES_MIN ? TEXT_NOTICE_DISCLAIMER : TEXT_NOTICE_SHORT;
}

TextNotice text_notice_lines(const TextLines *lines, guint at, guint *count)
{
	const char *paragraph = text_line(lines, at);
	TextNotice notice;
	guint end = at;
	gsize size;
	gsize first;

	while (end < lines->count && end - at < PARAGRAPH_LINES_MAX && !text_line_is_blank(lines, end))
		end++;
	size = lines->lines[end - 1].start + lines->lines[end - 1].size - lines->lines[at].start;
	text_skip(&paragraph, &size, "_*-= \n<(");
	notice = judge_notice(paragraph, MIN(size, NOTICE_BYTES));
	*count = end - at;
	first = text_line_size(lines, at);
	/* "[EXTERNAL]" may stand right above what somebody wrote; "[External] ..." in front of it on the same line. */
	if (notice == TEXT_NOTICE_BANNER && (*paragraph == '[' || first < BANNER_LINE_MIN) && !text_line_is_rule(lines, at))
		*count = 1;
	if (notice == TEXT_NOTICE_BANNER && *paragraph == '[' && text_line(lines, at)[first - 1] != ']')
		return TEXT_NOTICE_NONE;
	return notice;
}
