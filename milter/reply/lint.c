/* lint: what is wrong with the texts that customers may be sent (see lint.h). Layer: reply.
 *
 * Words are looked for in the template files themselves, with comments, tags and whatever stands in a section of the offer blanked
 * out: there the line is known, and nothing that an offer may say gets in the way. All else is looked for in finished letters. */
#include "reply/lint.h"

#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "reply/clean.h"
#include "reply/compose.h"
#include "reply/sample.h"

#define LINE_BYTES 998

static const char *const own_kinds[] = { "ack-P1", "ack-P2", "ack-P3", "ack-personal", "ack-resolved", "ack-sensitive",
	"ack-sensitive-resolved", "ack-technical", "feed", "notice-postmortem", "notice-resolved", "notice-update", "page", NULL };

/* What a letter of ours may have, each once. */
static const char *const own_headers[] = { "From", "To", "Reply-To", "Subject", "Date", "Message-Id", "In-Reply-To", "References",
	"Auto-Submitted", "X-Auto-Response-Suppress", "X-Loop", "List-Unsubscribe", "MIME-Version", "Content-Type",
	"Content-Transfer-Encoding", "Content-Language" };

const char *const *lint_kinds(void)
{
	return own_kinds;
}

static bool is_own_kind(const char *kind)
{
	return g_strv_contains(own_kinds, kind);
}

static void add_mistake(GPtrArray *mistakes, const char *file, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void add_mistake(GPtrArray *mistakes, const char *file, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_ptr_array_add(mistakes, g_strdup_printf("%s: %s", file, what));
}

/* templates_have would find "de" for "de-AT" and so hide what the folder of the latter lacks. */
static char *template_path(const Config *config, const char *language, const char *kind, const char *suffix)
{
	g_autofree char *file = g_strconcat(kind, suffix, NULL);
	return g_build_filename(config->template_dir, language, file, NULL);
}

/* --- the files --- */

static void blank(char *from, const char *to)
{
	for (; from < to; from++)
		if (*from != '\n')
			*from = ' ';
}

/* Returns true where the tag that ends before close (NULL: never) is sign with offer; white space may stand around the name. */
static bool is_offer_tag(const char *tag, const char *close, char sign)
{
	if (close == NULL || close < tag + 3 || tag[2] != sign)
		return false;
	g_autofree char *name = g_strstrip(g_strndup(tag + 3, (gsize)(close - tag - 3)));
	return strcmp(name, "offer") == 0;
}

/* Overwrites comments, tags and sections of the offer with spaces; lines stay where they are. */
static void blank_tags(char *text)
{
	char *offer = NULL;
	for (char *tag = strstr(text, "{{"); tag != NULL; tag = strstr(tag, "{{")) {
		char *close = strstr(tag, "}}");
		char *end = close != NULL ? close + 2 : tag + strlen(tag);
		if (is_offer_tag(tag, close, '#'))
			offer = tag;
		if (offer != NULL && is_offer_tag(tag, close, '/')) {
			blank(offer, end);
			offer = NULL;
		}
		blank(tag, end);
		tag = end;
	}
}

/* Returns the number of the line where what find sees in text first ends; it sees something in the whole. */
static guint line_of(char *text, const char *language, const char *(*find)(const char *text, const char *language))
{
	guint number = 1;
	for (char *end = strchr(text, '\n'); end != NULL; end = strchr(end + 1, '\n'), number++) {
		*end = '\0';
		bool found = find(text, language) != NULL;
		*end = '\n';
		if (found)
			break;
	}
	return number;
}

static void check_words(const char *path, const char *language, bool own, GPtrArray *mistakes)
{
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return; /* of a text, templates_load has said so; HTML need not be there */
	blank_tags(text);
	const char *promise = lint_promise(text, language);
	const char *style = own ? lint_style(text, language) : NULL;
	if (promise != NULL)
		g_ptr_array_add(mistakes, g_strdup_printf("%s:%u: \"%s\" is a word of promise, and those stand in an offer only", path,
		    line_of(text, language, lint_promise), promise));
	if (style != NULL)
		g_ptr_array_add(mistakes, g_strdup_printf("%s:%u: \"%s\" hides who is responsible; say what is broken", path,
		    line_of(text, language, lint_style), style));
}

/* templates_load names what the default language lacks. */
static bool is_named_missing(const GPtrArray *mistakes, const char *path)
{
	g_autofree char *start = g_strconcat(path, ":1: missing", NULL);
	for (guint i = 0; i < mistakes->len; i++)
		if (g_str_has_prefix(g_ptr_array_index(mistakes, i), start))
			return true;
	return false;
}

static void check_files(const Config *config, GPtrArray *languages, GPtrArray *kinds, GPtrArray *mistakes)
{
	for (guint i = 0; i < languages->len; i++) {
		const char *language = g_ptr_array_index(languages, i);
		for (guint j = 0; j < kinds->len; j++) {
			const char *kind = g_ptr_array_index(kinds, j);
			g_autofree char *path = template_path(config, language, kind, ".txt");
			g_autofree char *html = template_path(config, language, kind, ".html");
			check_words(path, language, is_own_kind(kind), mistakes);
			check_words(html, language, is_own_kind(kind), mistakes);
		}
		for (const char *const *kind = own_kinds; *kind != NULL; kind++) {
			g_autofree char *path = template_path(config, language, *kind, ".txt");
			if (!g_file_test(path, G_FILE_TEST_EXISTS) && !is_named_missing(mistakes, path))
				g_ptr_array_add(mistakes, g_strdup_printf("%s:1: missing: every language needs this kind", path));
		}
	}
}

static void check_playbook(const Config *config, GPtrArray *mistakes)
{
	const char *language = config->operator_language != NULL && *config->operator_language != '\0' ? config->operator_language :
	    config->language;
	for (Word word = WORD_P1; word < WORD_NONE; word++) {
		const Playbook *playbook = &config->playbook[word];
		const struct { const char *name, *text; } texts[] = { { "title", playbook->title }, { "scope", playbook->scope },
			{ "workaround", playbook->workaround }, { "contact", playbook->contact }, { "prevention", playbook->prevention } };
		for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
			const char *promise = lint_promise(texts[i].text, language);
			if (promise != NULL)
				add_mistake(mistakes, config->path, "playbook.%s.%s: \"%s\" is a word of promise, and those stand in an offer only",
				    word_name(word), texts[i].name, promise);
		}
	}
}

/* A support address's own language, and the one that letters fall back to. The default's is templates_load's to check. */
static void check_languages(const Config *config, const Templates *templates, GPtrArray *mistakes)
{
	for (SupportAddress **support = config->support; support != NULL && *support != NULL; support++) {
		const char *language = (*support)->language;
		if (language != NULL && !templates_have(templates, own_kinds[0], language))
			add_mistake(mistakes, config->path, "support %s: there are no templates in \"%s\" in %s",
			    (*support)->address != NULL ? (*support)->address : (*support)->domain, language, config->template_dir);
	}
	if (config->mixed == MIXED_FALLBACK && config->operator_language != NULL && *config->operator_language != '\0' &&
	    !templates_have(templates, own_kinds[0], config->operator_language))
		add_mistake(mistakes, config->path, "reply.operator_language: there are no templates in \"%s\" in %s to fall back to",
		    config->operator_language, config->template_dir);
}

/* --- finished letters --- */

/* Header names: at most 16 of them, each a bit. */
static void check_header_name(const char *line, guint *seen, const char *where, GPtrArray *mistakes)
{
	g_autofree char *name = g_strndup(line, strcspn(line, ":\r\n"));
	for (guint i = 0; i < G_N_ELEMENTS(own_headers); i++)
		if (g_ascii_strcasecmp(name, own_headers[i]) == 0) {
			if ((*seen & 1u << i) != 0)
				add_mistake(mistakes, where, "header injection: %s stands twice", own_headers[i]);
			*seen |= 1u << i;
			return;
		}
	g_autofree char *shown = clean_line(name, 80);
	add_mistake(mistakes, where, "header injection: a header \"%s\"", shown);
}

static void check_bytes(const Composed *composed, const char *where, GPtrArray *mistakes)
{
	G_STATIC_ASSERT(G_N_ELEMENTS(own_headers) <= 8 * sizeof(guint));
	guint seen = 0;
	bool head = true;
	if (strlen(composed->bytes) != composed->size)
		add_mistake(mistakes, where, "a NUL in the message");
	for (const char *line = composed->bytes; *line != '\0';) {
		gsize length = strcspn(line, "\r\n");
		head = head && length > 0;
		if (head && *line != ' ' && *line != '\t')
			check_header_name(line, &seen, where, mistakes);
		if (length > LINE_BYTES)
			add_mistake(mistakes, where, "a line of %" G_GSIZE_FORMAT " bytes; %d are allowed", length, LINE_BYTES);
		line += length;
		if (!g_str_has_prefix(line, "\r\n")) {
			add_mistake(mistakes, where, "a line that does not end in CR LF");
			break;
		}
		line += 2;
	}
}

/* What clean_text would still take out of a finished text should not be in it. */
static void check_text(const char *text, const char *what, const char *where, GPtrArray *mistakes)
{
	g_autofree char *clean = clean_text(text, G_MAXSIZE);
	g_autofree char *trimmed = g_strstrip(g_strdup(text));
	if (strcmp(clean, trimmed) != 0)
		add_mistake(mistakes, where, "a control or direction character in the %s", what);
	if (strstr(text, "evil.example/") != NULL)
		add_mistake(mistakes, where, "a link in the %s to a host that reply.url_domains does not name", what);
}

/* The script of the hostile sample has come through as one, or not at all. */
static void check_html(const char *html, const char *where, GPtrArray *mistakes)
{
	check_text(html, "HTML", where, mistakes);
	if (strstr(html, "<script") != NULL)
		add_mistake(mistakes, where, "a script, or a value in the HTML that is not escaped");
	for (const char *line = html; *line != '\0'; line += strspn(line, "\n")) {
		gsize length = strcspn(line, "\n");
		if (length > LINE_BYTES)
			add_mistake(mistakes, where, "a line of %" G_GSIZE_FORMAT " bytes in the HTML", length);
		line += length;
	}
}

/* The operator's texts are taken to be of the letter's language, else the letter might come in theirs. */
static void check_letter(const Config *config, const Templates *templates, const Secret *secret, const char *language, const char *kind,
    GPtrArray *mistakes)
{
	gint64 now = clock_now();
	Config of_language = *config;
	of_language.operator_language = (char *)language;
	of_language.reply_html = true; /* it may be switched on any day */
	g_autofree char *path = template_path(config, language, kind, ".txt");
	static const SampleFill fills[] = { SAMPLE_BARE, SAMPLE_HOSTILE };
	for (gsize i = 0; i < G_N_ELEMENTS(fills); i++) {
		SampleFill fill = fills[i];
		g_autoptr(Incident) incident = sample_incident(config, sample_word(kind), fill, now);
		g_autoptr(Job) job = sample_job(config, incident, kind, language, fill, now);
		g_autoptr(GError) error = NULL;
		g_autoptr(Composed) composed = compose_letter(&of_language, templates, secret, incident, job, now, &error);
		g_autofree char *where = g_strdup_printf("%s: %s", path, fill == SAMPLE_BARE ? "with nothing set" : "with everything set");
		if (composed == NULL) {
			add_mistake(mistakes, where, "%s", error->message);
			return;
		}
		guint before = mistakes->len;
		check_bytes(composed, where, mistakes);
		check_text(composed->subject, "subject", where, mistakes);
		check_text(composed->text, "text", where, mistakes);
		if (composed->html != NULL && mistakes->len == before)
			check_html(composed->html, where, mistakes);
		if (mistakes->len > before)
			return;
	}
}

void lint_texts(const Config *config, const Templates *templates, GPtrArray *mistakes)
{
	g_autoptr(GPtrArray) languages = templates_languages(templates);
	g_autoptr(GPtrArray) kinds = templates_kinds(templates);
	g_autoptr(Secret) secret = secret_generate(); /* nobody gets these letters */
	/* GLib reads the zone's file once as long as somebody holds it, and not anew for each letter. */
	g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(config->timezone);

	check_files(config, languages, kinds, mistakes);
	check_playbook(config, mistakes);
	check_languages(config, templates, mistakes);
	for (guint i = 0; i < languages->len; i++)
		for (guint j = 0; j < kinds->len; j++) {
			const char *language = g_ptr_array_index(languages, i);
			const char *kind = g_ptr_array_index(kinds, j);
			g_autofree char *path = template_path(config, language, kind, ".txt");
			if (g_file_test(path, G_FILE_TEST_EXISTS) && templates_have(templates, kind, language))
				check_letter(config, templates, secret, language, kind, mistakes);
		}
}
