/* lint-words: words that promise money or a favour, and phrases that no letter of ours has (see lint.h). Layer: reply. Pure.
 *
 * Text and table are compared in one form: compatibility characters and case folded, accents dropped, everything that is neither
 * letter nor digit one space. An entry stands for whole words; one marked as a stem for every word that begins with it. Japanese has
 * no spaces between words: there an entry counts wherever it stands. Words that mean something else where they stand alone (French
 * "avoir", "remise"; Italian "buono") are in the table only with what makes them a promise. */
#include "reply/lint.h"

#include <stdbool.h>
#include <string.h>

typedef struct {
	const char *word; /* folded before it is compared: written as it is spelled */
	bool stem;
} Entry;

typedef struct {
	const char *language;
	const Entry *promise, *style; /* end with a NULL word */
} Words;

static const Entry en_promise[] = {
	{ "refund", true }, { "credit", false }, { "credits", false }, { "credited", false }, { "crediting", false },
	{ "compensat", true }, { "reimburs", true }, { "discount", true }, { "guarantee", true }, { "voucher", true },
	{ "free of charge", false }, { "at no charge", false }, { "money back", false }, { "rebate", true }, { "waive", true },
	{ "indemnif", true }, { "goodwill", false }, { NULL, false },
};
static const Entry en_style[] = { { "technical difficult", true }, { "inconvenience", true }, { NULL, false } };

static const Entry de_promise[] = {
	{ "Erstattung", true }, { "Rückerstattung", true }, { "Rückerstatten", true }, { "Kostenerstattung", true },
	{ "Teilerstattung", true }, { "erstatten", false }, { "erstattet", false }, { "Gutschrift", true }, { "Servicegutschrift", true },
	{ "gutgeschrieben", false }, { "gutschreiben", false }, { "Entschädigung", true }, { "entschädig", true },
	{ "Entschaedigung", true }, { "Schadenersatz", true }, { "Schadensersatz", true }, { "Kompensation", true },
	{ "kompensieren", false }, { "Rabatt", true }, { "Preisnachlass", true }, { "Nachlass", true }, { "Gutschein", true },
	{ "Garantie", true }, { "garantier", true }, { "kostenlos", true }, { "kostenfrei", true }, { "unentgeltlich", true },
	{ "gratis", false }, { "Geld zurück", false }, { "Kulanz", true }, { NULL, false },
};
static const Entry de_style[] = {
	{ "technische Schwierigkeit", true }, { "technischen Schwierigkeit", true }, { "technischer Schwierigkeit", true },
	{ "Unannehmlichkeit", true }, { NULL, false },
};

static const Entry fr_promise[] = {
	{ "rembours", true }, { "crédit", false }, { "crédits", false }, { "crédité", true }, { "un avoir", false }, { "avoir commercial", false },
	{ "compensation", true }, { "dédommag", true }, { "indemnis", true }, { "indemnité", true }, { "rabais", false },
	{ "ristourne", true }, { "remise commerciale", false }, { "réduction tarifaire", false }, { "réduction de prix", false },
	{ "bon d'achat", false }, { "bons d'achat", false }, { "garantie", false }, { "garanties", false }, { "nous garantissons", false },
	{ "garanti", false }, { "garantis", false }, { "gratuit", true }, { "sans frais", false }, { "geste commercial", false }, { NULL, false },
};
static const Entry fr_style[] = {
	{ "difficultés techniques", false }, { "difficulté technique", false }, { "désagrément", true }, { "gêne occasionnée", false },
	{ NULL, false },
};

static const Entry es_promise[] = {
	{ "reembols", true }, { "crédito", false }, { "créditos", false }, { "compensación", false }, { "compensaciones", false },
	{ "compensar", true }, { "compensaremos", false }, { "indemniza", true }, { "resarci", true }, { "descuento", true },
	{ "devolución del importe", false }, { "devolución del dinero", false }, { "rebaja", true }, { "bono", false }, { "bonos", false },
	{ "cupón", false }, { "cupones", false }, { "vale de descuento", false }, { "abono en su cuenta", false }, { "garantía", false },
	{ "garantías", false }, { "garantizamos", false }, { "garantizado", true }, { "gratis", false }, { "gratuit", true },
	{ "sin cargo", false }, { "sin coste", false }, { "sin costo", false }, { NULL, false },
};
static const Entry es_style[] = {
	{ "dificultades técnicas", false }, { "dificultad técnica", false }, { "inconveniente", true }, { "molestia", true }, { NULL, false },
};

static const Entry pt_promise[] = {
	{ "reembols", true }, { "ressarci", true }, { "crédito", false }, { "créditos", false }, { "creditado", true },
	{ "compensação", false }, { "compensações", false }, { "compensar", true }, { "compensaremos", false }, { "indenização", false },
	{ "indenizações", false }, { "indenizar", true }, { "indemnização", false }, { "indemnizar", true }, { "desconto", true },
	{ "devolução do valor", false }, { "devolução do dinheiro", false }, { "vale compra", true }, { "cupom", false }, { "cupão", false },
	{ "voucher", true }, { "garantia", false }, { "garantias", false }, { "garantimos", false }, { "garantido", true },
	{ "grátis", false }, { "gratuit", true }, { "sem custo", true }, { "sem encargos", false }, { NULL, false },
};
static const Entry pt_style[] = {
	{ "dificuldades técnicas", false }, { "dificuldade técnica", false }, { "inconveniente", true }, { "inconveniência", true },
	{ "transtorno", true }, { "incómodo", true }, { NULL, false },
};

static const Entry it_promise[] = {
	{ "rimbors", true }, { "credito", false }, { "crediti", false }, { "accredito", false }, { "accrediti", false },
	{ "accrediteremo", false }, { "compensazione", false }, { "compensazioni", false }, { "compenseremo", false }, { "indenniz", true },
	{ "risarc", true }, { "sconto", false }, { "sconti", false }, { "buono sconto", false }, { "buono acquisto", false },
	{ "garanzia", false }, { "garanzie", false }, { "garantiamo", false }, { "garantito", false }, { "garantita", false },
	{ "gratis", false }, { "gratuit", true }, { "senza costi", false }, { "senza spese", false }, { NULL, false },
};
static const Entry it_style[] = {
	{ "difficoltà tecniche", false }, { "difficoltà tecnica", false }, { "inconvenient", true }, { "disagio", false },
	{ "disagi", false }, { NULL, false },
};

static const Entry nl_promise[] = {
	{ "terugbetal", true }, { "restitutie", true }, { "terugstort", true }, { "creditnota", true },
	{ "compensatie", true }, { "compenseren", false }, { "compenseert", false }, { "gecompenseerd", false }, { "vergoed", true },
	{ "schadevergoeding", true }, { "schadeloosstelling", true }, { "korting", true }, { "waardebon", true }, { "cadeaubon", true },
	{ "tegoedbon", true }, { "garantie", true }, { "garanderen", false }, { "garandeert", false }, { "gegarandeerd", true },
	{ "gratis", false }, { "kosteloos", false }, { "coulance", true }, { NULL, false },
};
static const Entry nl_style[] = {
	{ "technische moeilijkheden", false }, { "technische moeilijkheid", false }, { "ongemak", true }, { NULL, false },
};

static const Entry ja_promise[] = {
	{ "返金", false }, { "払い戻", false }, { "払戻", false }, { "返還", false }, { "補償", false }, { "賠償", false }, { "弁償", false },
	{ "割引", false }, { "割り引", false }, { "値引", false }, { "減額", false }, { "保証", false }, { "無料", false }, { "無償", false },
	{ "クレジット", false }, { "クーポン", false }, { "バウチャー", false }, { "商品券", false }, { NULL, false },
};
static const Entry ja_style[] = {
	{ "技術的な問題", false }, { "技術的な困難", false }, { "技術的問題", false }, { "ご不便", false }, { NULL, false },
};

static const Words words[] = {
	{ "en", en_promise, en_style }, { "de", de_promise, de_style }, { "fr", fr_promise, fr_style }, { "es", es_promise, es_style },
	{ "pt", pt_promise, pt_style }, { "it", it_promise, it_style }, { "nl", nl_promise, nl_style }, { "ja", ja_promise, ja_style },
};

/* What has such a word in it and promises nothing; of any language. */
static const char *const harmless[] = {
	"credit card", "credit cards", "credit or debit card", "credit and debit card", "carte de crédit", "cartes de crédit", "tarjeta de crédito",
	"tarjetas de crédito", "cartão de crédito", "cartões de crédito", "carta di credito", "carte di credito", "クレジットカード",
	/* A payment that does not arrive. */
	"not credited", "not yet credited", "not being credited", "not been credited", "not yet been credited", "credited twice",
	"credited late", "nicht gutgeschrieben", "doppelt gutgeschrieben", "verspätet gutgeschrieben", "pas crédité", "pas crédités",
	"pas créditée", "pas créditées", "non crédité", "non crédités", "non créditée", "non créditées", "não creditado",
	"não creditados",
	"Bericht erstatten", "Bericht erstattet", "erstatten Bericht", "kostenlose Rufnummer", "kostenlose Hotline", "numéro gratuit",
	"número gratuito", "numero gratuito", "gratis nummer", "gratis telefoonnummer", "teléfono gratuito", "número de teléfono gratuito",
};

static bool is_invisible(gunichar c)
{
	return c == 0xAD || (c >= 0x200B && c <= 0x200D) || c == 0x2060 || c == 0xFEFF;
}

/* Returns text as it is compared, with a space at both ends; tight: without any space. */
static char *fold(const char *text, bool tight)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_autofree char *cased = g_utf8_casefold(valid, -1);
	g_autofree char *plain = g_utf8_normalize(cased, -1, G_NORMALIZE_ALL);
	GString *out = g_string_new(tight ? "" : " ");
	for (const char *p = plain; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		bool accent = c >= 0x300 && c < 0x370;
		if (accent || is_invisible(c))
			continue;
		/* The voicing marks of kana are part of the letter. */
		if (g_unichar_isalnum(c) || g_unichar_ismark(c))
			g_string_append_unichar(out, c);
		else if (!tight && out->str[out->len - 1] != ' ')
			g_string_append_c(out, ' ');
	}
	if (!tight && out->str[out->len - 1] != ' ')
		g_string_append_c(out, ' ');
	return g_string_free(out, FALSE);
}

/* An entry as it is searched for. */
typedef struct {
	const char *word;
	char *folded;
} Folded;

/* The tables folded, once for all: by the index of their language in words, each ending with a NULL word. Never freed. */
static struct {
	Folded *promise[G_N_ELEMENTS(words)], *style[G_N_ELEMENTS(words)];
	char *spaced[G_N_ELEMENTS(harmless)], *tight[G_N_ELEMENTS(harmless)];
} tables;

static bool is_spaceless(const Words *of)
{
	return strcmp(of->language, "ja") == 0;
}

static Folded *fold_entries(const Entry *entries, bool tight)
{
	GArray *all = g_array_new(TRUE, TRUE, sizeof(Folded));
	for (; entries->word != NULL; entries++) {
		Folded one = { entries->word, fold(entries->word, tight) };
		if (entries->stem && !tight)
			one.folded[strlen(one.folded) - 1] = '\0';
		g_array_append_val(all, one);
	}
	return (Folded *)(void *)g_array_free(all, FALSE);
}

static void fold_tables(void)
{
	static gsize done;
	if (!g_once_init_enter(&done))
		return;
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
		tables.promise[i] = fold_entries(words[i].promise, is_spaceless(&words[i]));
		tables.style[i] = fold_entries(words[i].style, is_spaceless(&words[i]));
	}
	for (gsize i = 0; i < G_N_ELEMENTS(harmless); i++) {
		tables.spaced[i] = fold(harmless[i], false);
		tables.tight[i] = fold(harmless[i], true);
	}
	g_once_init_leave(&done, 1);
}

/* Overwrites with '_' what is harmless; not the spaces around it. */
static void cover_harmless(char *folded, bool tight)
{
	for (gsize i = 0; i < G_N_ELEMENTS(harmless); i++) {
		const char *phrase = tight ? tables.tight[i] : tables.spaced[i];
		gsize edge = tight ? 0 : 1;
		for (char *at = strstr(folded, phrase); at != NULL; at = strstr(at + 1, phrase))
			memset(at + edge, '_', strlen(phrase) - 2 * edge);
	}
}

static const char *find(const char *folded, const Folded *entries)
{
	for (; entries->word != NULL; entries++)
		if (strstr(folded, entries->folded) != NULL)
			return entries->word;
	return NULL;
}

static bool language_is(const char *language, const char *entry)
{
	gsize length = strlen(entry);
	return language == NULL || strcmp(entry, "en") == 0 ||
	    (g_ascii_strncasecmp(language, entry, length) == 0 && !g_ascii_isalnum(language[length]));
}

static const char *look_up(const char *text, const char *language, bool style)
{
	if (text == NULL)
		return NULL;
	fold_tables();
	g_autofree char *spaced = fold(text, false);
	g_autofree char *tight = fold(text, true);
	cover_harmless(spaced, false);
	cover_harmless(tight, true);
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
		const char *found = language_is(language, words[i].language) ?
		    find(is_spaceless(&words[i]) ? tight : spaced, style ? tables.style[i] : tables.promise[i]) : NULL;
		if (found != NULL)
			return found;
	}
	return NULL;
}

const char *lint_promise(const char *text, const char *language)
{
	return look_up(text, language, false);
}

const char *lint_style(const char *text, const char *language)
{
	return look_up(text, language, true);
}
