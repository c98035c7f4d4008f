/* text-forward: is a mail an answer or forwarded, and is what stands above the forwarded part anything at all. Layer: mail.
 * People forward an alarm to support with "FYI" or nothing above it: then the forwarded text is what they want to say. */
#include "mail/text-private.h"

#include <string.h>

#define FILLER_BYTES_MAX 300
#define FILLER_LINES_MAX 8
#define NAME_WORDS_MAX 3

typedef struct {
	const char *mark; /* in front of the colon */
	TextKind kind;
} SubjectMark;

/*     subject = *( mark [ "[" 1*DIGIT "]" ] ":" ) text
 * Only the first mark tells what this mail is. */
static TextKind subject_kind(const char *subject)
{
	static const SubjectMark MARKS[] = {
		{ "re", TEXT_KIND_REPLY },   { "aw", TEXT_KIND_REPLY },   { "antw", TEXT_KIND_REPLY }, { "antwort", TEXT_KIND_REPLY },
		{ "sv", TEXT_KIND_REPLY },   { "vs", TEXT_KIND_REPLY },   { "r", TEXT_KIND_REPLY },    { "ri", TEXT_KIND_REPLY },
		{ "rif", TEXT_KIND_REPLY },  { "res", TEXT_KIND_REPLY },  { "rép", TEXT_KIND_REPLY },  { "ref", TEXT_KIND_REPLY },
		{ "odp", TEXT_KIND_REPLY },  { "ynt", TEXT_KIND_REPLY },  { "bls", TEXT_KIND_REPLY },  { "返信", TEXT_KIND_REPLY },
		{ "回复", TEXT_KIND_REPLY }, { "答复", TEXT_KIND_REPLY }, { "回覆", TEXT_KIND_REPLY }, { "fwd", TEXT_KIND_FORWARD },
		{ "fw", TEXT_KIND_FORWARD }, { "wg", TEXT_KIND_FORWARD }, { "tr", TEXT_KIND_FORWARD }, { "rv", TEXT_KIND_FORWARD },
		{ "enc", TEXT_KIND_FORWARD }, { "i", TEXT_KIND_FORWARD }, { "doorst", TEXT_KIND_FORWARD }, { "vb", TEXT_KIND_FORWARD },
		{ "vl", TEXT_KIND_FORWARD }, { "pd", TEXT_KIND_FORWARD }, { "転送", TEXT_KIND_FORWARD }, { "转发", TEXT_KIND_FORWARD },
	};

	while (g_ascii_isspace(*subject))
		subject++;
	for (guint i = 0; i < G_N_ELEMENTS(MARKS); i++) {
		const char *at = subject + strlen(MARKS[i].mark);

		if (!text_starts_with(subject, strlen(subject), MARKS[i].mark))
			continue;
		while (g_ascii_isdigit(*at) || *at == '[' || *at == ']' || *at == '(' || *at == ')' || *at == ' ')
			at++;
		if (*at == ':' || g_str_has_prefix(at, "："))
			return MARKS[i].kind;
	}
	return TEXT_KIND_NEW;
}

bool text_subject_is_reply(const char *subject)
{
	return subject_kind(subject) == TEXT_KIND_REPLY;
}

TextKind text_kind(const char *subject, bool threaded)
{
	TextKind kind = subject_kind(subject);

	return kind == TEXT_KIND_NEW && threaded ? TEXT_KIND_UNKNOWN : kind;
}

/* Words of which "Hi all, please see below, can you help? Thanks" and its like are made. */
static bool is_filler_word(const char *word, gsize size)
{
	static const char *const WORDS[] = {
		"fyi", "fyr", "fw", "fwd", "hi", "hello", "hey", "dear", "good", "morning", "afternoon", "evening", "team", "support", "all",
		"everyone", "guys", "sir", "madam", "see", "below", "above", "the", "this", "it", "that", "is", "attached", "forwarded",
		"forwarding", "forward", "email", "e-mail", "mail", "message", "please", "pls", "plz", "help", "us", "me", "with", "advise",
		"look", "into", "at", "check", "could", "can", "you", "we", "i", "just", "got", "get", "received", "urgent", "urgently", "asap",
		"any", "idea", "ideas", "thoughts", "what", "what's", "about", "mean", "means", "does", "do", "thanks", "thank", "thx",
		"regards", "best", "kind", "many", "and", "in", "advance", "for", "your", "our", "from", "info", "information", "a", "an", "of",
		"to", "on", "my", "customer", "monitoring", "alert", "alarm", "original", "somebody", "someone", "anybody", "anyone", "have", "take",
		"zur", "zk", "zk.", "z.k", "info", "kenntnis", "kenntnisnahme", "information", "guten", "tag", "hallo", "liebes", "liebe",
		"damen", "herren", "sehr", "geehrte", "siehe", "unten", "s.u", "anbei", "bitte", "um", "hilfe", "prüfung", "prüfen", "danke",
		"vielen", "dank", "können", "sie", "das", "die", "der", "dem", "den", "mal", "ansehen", "anschauen", "helfen", "uns", "was",
		"ist", "bedeutet", "weitergeleitet", "weiterleitung", "nachricht", "mit", "freundlichen", "grüßen", "gruß", "grüße", "viele",
		"mfg", "lg", "vg", "team", "jemand", "kann", "könnte", "könnten", "mir", "sich",
		"bonjour", "pour", "information", "pi", "voir", "ci-dessous", "merci", "de", "d'avance", "votre", "aide", "svp", "s'il", "vous",
		"plaît", "plait", "pouvez-vous", "regarder", "nous", "aider", "quelqu'un", "peut", "pourrait", "vérifier", "je", "transfère", "ce", "message", "cordialement",
		"hola", "buenos", "buenas", "días", "tardes", "para", "su", "información", "ver", "abajo", "más", "gracias", "por", "favor",
		"ayuda", "pueden", "puede", "alguien", "mirar", "esto", "revisar", "reenvío", "este", "correo", "mensaje", "saludos", "un", "saludo", "vean",
		"olá", "bom", "dia", "boa", "tarde", "sua", "informação", "veja", "vejam", "abaixo", "segue", "obrigado", "obrigada", "ajuda",
		"podem", "pode", "verificar", "alguém", "olhar", "isto", "isso", "encaminho", "esta", "mensagem", "e-mail", "o", "os", "as",
		"ciao", "buongiorno", "salve", "per", "conoscenza", "pc", "p.c", "vedi", "vedere", "sotto", "grazie", "favore", "aiuto", "potete",
		"può", "verificare", "qualcuno", "guardare", "inoltro", "questo", "messaggio", "la", "il", "saluti", "cordiali",
		"goedendag", "goedemorgen", "ter", "tki", "informatie", "zie", "onderstaand", "onderstaande", "hieronder", "bericht", "bedankt",
		"alvast", "dank", "graag", "hulp", "alstublieft", "aub", "a.u.b", "kunt", "u", "kijken", "hiernaar", "naar", "het", "de", "met",
		"vriendelijke", "groet", "groeten", "doorgestuurd", "jullie", "kunnen", "iemand", "kan",
	};

	for (guint i = 0; i < G_N_ELEMENTS(WORDS); i++)
		if (strlen(WORDS[i]) == size && text_starts_with(word, size, WORDS[i]))
			return true;
	return false;
}

/* Japanese puts no spaces: what is left after these are taken away counts. */
static gsize filler_phrase(const char *text, gsize size)
{
	static const char *const PHRASES[] = {
		"お世話になっております", "お世話になります", "お疲れ様です", "いつもお世話になっております", "下記", "以下", "上記", "転送", "いたします",
		"致します", "します", "ご確認", "確認", "ください", "下さい", "お願い", "よろしく", "宜しく", "何卒", "ご参考", "まで", "ご対応", "ご査収",
		"メール", "の通り", "について", "サポート", "担当者様", "ご担当者様", "御中", "様", "件", "こちら", "が", "を", "の", "に", "も", "ので",
		"、", "。", "¿", "¡", "届きました", "受信しました",
	};
	const char *phrase = text_starts_with_any(text, size, PHRASES, G_N_ELEMENTS(PHRASES));

	return phrase != NULL ? strlen(phrase) : 0;
}

/* Returns true where each word of the line is a filler, or, at the end, where it may be a name. */
static bool is_filler_line(const char *text, gsize size, bool name_allowed)
{
	const char *end = text + size;
	guint words = 0;
	bool filler = true;
	bool capitals = true;

	while (text < end) {
		const char *word = text;
		gsize phrase = filler_phrase(text, (gsize)(end - text));

		if (phrase > 0) {
			text += phrase;
			continue;
		}
		if (strchr(" \t,.!?:;()-*_>", *text) != NULL) {
			text++;
			continue;
		}
		while (text < end && strchr(" \t,!?:;()*_", *text) == NULL)
			text++;
		capitals = capitals && (g_ascii_isupper(*word) || (guchar)*word >= 0x80);
		while (text > word + 1 && text[-1] == '.')
			text--;
		words++;
		filler = filler && is_filler_word(word, (gsize)(text - word));
	}
	return filler || (name_allowed && capitals && words <= NAME_WORDS_MAX);
}

bool text_is_filler(const char *text, gsize size)
{
	g_autoptr(GArray) array = NULL;
	TextLines lines;
	guint seen = 0;

	while (size > 0 && g_ascii_isspace(text[size - 1]))
		size--;
	while (size > 0 && g_ascii_isspace(*text)) {
		text++;
		size--;
	}
	if (size > FILLER_BYTES_MAX)
		return false;
	array = text_lines_find(&lines, text, size);
	for (guint i = 0; i < lines.count; i++) {
		if (text_line_is_blank(&lines, i))
			continue;
		/* A name may stand below something, and at the end of a greeting. */
		if (++seen > FILLER_LINES_MAX || !is_filler_line(text_line(&lines, i), text_line_size(&lines, i), seen > 1))
			return false;
	}
	return true;
}
