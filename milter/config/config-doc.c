/* config-doc: the sample configuration and outage-milter.conf(5), made from the tables of settings. Layer: config. */
#include "config/config.h"

#include <string.h>

#include "config/config-private.h"

#define WIDTH 96     /* of the sample */
#define MAN_WIDTH 78 /* of mdoc source */

static const char sample_head[] =
	"# outage-milter.conf: settings of outage-milter, outage-replier and outagectl; see outage-milter.conf(5).\n"
	"# Check it with: outage-milter -t -c FILE\n"
	"#\n"
	"# As it stands no customer notices anything. Without addresses under \"support\" nothing is touched but forged\n"
	"# X-Outage headers. With them, mode \"shadow\" decides, logs and adds X-Outage headers, and answers nobody.\n"
	"#\n"
	"# Every setting is shown with its default; remove the # in front of it to change it.\n";

static const char manual_head[] =
	".\\\" Made from the table of settings by confdoc; changes belong there.\n"
	".Dd November 22, 2026\n"
	".Dt OUTAGE-MILTER.CONF 5\n"
	".Os\n"
	".Sh NAME\n"
	".Nm outage-milter.conf\n"
	".Nd settings of outage-milter, outage-replier and outagectl\n"
	".Sh DESCRIPTION\n"
	"The three programs read one file.\n"
	"Every setting has a default, so that an empty file is a valid one: without\n"
	"support addresses nothing is touched but forged X-Outage headers, and in mode\n"
	"shadow nobody is answered.\n"
	".Pp\n"
	".Ql outage-milter -t\n"
	"checks the file and names every mistake at once, with file and line.\n"
	"A running milter takes a changed file over on\n"
	".Dv SIGUSR1 ;\n"
	"where it has mistakes, the old settings stay in force.\n"
	".Sh SYNTAX\n"
	"The file is written in the language of libconfig: settings of the form\n"
	".Ql name = value\n"
	"with a semicolon behind them, and comments behind a\n"
	".Ql # .\n"
	"A dotted name below is a setting within groups:\n"
	".Bd -literal -offset indent\n"
	"reply = {\n"
	"    relay = \"smtp://127.0.0.1:2525\";\n"
	"    tries = 20;\n"
	"};\n"
	".Ed\n"
	".Pp\n"
	"A group may stand in the file only once.\n"
	"The values are:\n"
	".Bl -tag -width Ds\n"
	".It boolean\n"
	"true or false, without quotes.\n"
	".It integer , number\n"
	"Without quotes; a number may have a fraction.\n"
	".It size\n"
	"Bytes, or in quotes with K, M or G for powers of 1024: \"256K\".\n"
	".It duration\n"
	"In quotes, numbers with ms, s, m, h, d or w: \"1h30m\".\n"
	"A bare number is refused, but for 0.\n"
	".It permissions\n"
	"Octal, in quotes: \"0660\".\n"
	".It text and all others\n"
	"In quotes.\n"
	"A long text may be written as several in a row.\n"
	".It list\n"
	"Values between ( and ), separated by commas; a single value may stand alone.\n"
	".El\n"
	".Pp\n"
	"Libconfig's @include is refused: the configuration is one file.\n";

static const char manual_tail[] =
	".Sh FILES\n"
	".Bl -tag -width Ds\n"
	".It Pa /etc/outage-milter/outage-milter.conf\n"
	"Read where no other file is named with\n"
	".Fl c .\n"
	"Relative paths in it count from its folder.\n"
	".It Pa /etc/outage-milter/rules\n"
	"The rules; see\n"
	".Xr outage-rules 5 .\n"
	".It Pa /etc/outage-milter/model\n"
	"The model.\n"
	".It Pa /etc/outage-milter/templates\n"
	"The texts to customers; see\n"
	".Xr outage-templates 5 .\n"
	".El\n"
	".Sh EXAMPLES\n"
	"A site with one support address, behind a Postfix that writes\n"
	"Authentication-Results as mx.example.com:\n"
	".\\\" example: conf\n"
	".Bd -literal -offset indent\n"
	"mode = \"live\";\n"
	"support = ( \"support@example.com\" );\n"
	"auth = { trusted_ids = ( \"mx.example.com\" ); };\n"
	"site = { name = \"Example\"; timezone = \"Europe/Berlin\"; };\n"
	"reply = { url_domains = ( \"example.com\" ); };\n"
	"playbook = {\n"
	"    P1 = {\n"
	"        title = \"Our service is not available\";\n"
	"        status_url = \"https://status.example.com/\";\n"
	"        update_every = \"30m\";\n"
	"    };\n"
	"};\n"
	".Ed\n"
	".Sh SEE ALSO\n"
	".Xr outagectl 1 ,\n"
	".Xr outage-rules 5 ,\n"
	".Xr outage-templates 5 ,\n"
	".Xr outage-milter 8 ,\n"
	".Xr outage-replier 8\n";

static void indent(GString *out, guint depth)
{
	for (guint i = 0; i < depth; i++)
		g_string_append_c(out, '\t');
}

/* Appends text as comment lines. first, next: what stands behind "#" on the first and on the other lines. */
static void append_comment(GString *out, guint depth, const char *first, const char *next, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	gsize column = 0;

	for (guint i = 0; words[i] != NULL; i++) {
		if (column == 0 || column + 1 + strlen(words[i]) > WIDTH) {
			if (column > 0)
				g_string_append_c(out, '\n');
			indent(out, depth);
			g_string_append_printf(out, "#%s%s", i == 0 ? first : next, words[i]);
			column = 8 * depth + 1 + strlen(i == 0 ? first : next) + strlen(words[i]);
		} else {
			g_string_append_printf(out, " %s", words[i]);
			column += 1 + strlen(words[i]);
		}
	}
	g_string_append_c(out, '\n');
}

static void append_quoted(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *p);
	}
	g_string_append_c(out, '"');
}

/* Appends a list's default: on one line where it fits, else over several commented ones. */
static void append_list(GString *out, guint depth, const Setting *setting)
{
	g_auto(GStrv) elements = g_strsplit(setting->standard, ", ", -1);
	g_autoptr(GString) line = g_string_new(NULL);

	for (guint i = 0; elements[i] != NULL; i++) {
		append_quoted(line, elements[i]);
		if (elements[i + 1] != NULL)
			g_string_append(line, ", ");
	}
	if (elements[0] == NULL) {
		g_string_append(out, "( )");
	} else if (line->len < WIDTH / 2) {
		g_string_append_printf(out, "( %s )", line->str);
	} else {
		g_string_append(out, "(\n");
		append_comment(out, depth, "\t", "\t", line->str);
		indent(out, depth);
		g_string_append(out, "#)");
	}
}

/* Returns true where the file writes the form without quotes. */
static bool is_bare(Form form)
{
	return !(form_info(form)->takes & TAKES_STRING);
}

static void append_default(GString *out, guint depth, const Setting *setting)
{
	const char *standard = setting->standard != NULL ? setting->standard : "";

	if (setting->list)
		append_list(out, depth, setting);
	else if (is_bare(setting->form))
		g_string_append(out, standard);
	else
		append_quoted(out, standard);
}

static void append_range(GString *out, guint depth, const Setting *setting)
{
	g_autofree char *range = setting_range(setting);
	g_autofree char *words = setting->choices != NULL ? g_strjoinv(", ", (char **)setting->choices) : NULL;
	g_autofree char *text = NULL;

	if (words != NULL)
		text = g_strdup_printf("One of %s.", words);
	else if (range != NULL)
		text = g_strdup_printf("Range: %s.", range);
	if (text != NULL)
		append_comment(out, depth, " ", " ", text);
}

/* Appends file text, every line of it commented out. */
static void append_commented_out(GString *out, const char *name, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	g_string_append_printf(out, "#%s = ", name);
	for (guint i = 0; lines[i] != NULL; i++)
		g_string_append_printf(out, "%s%s%s", i > 0 ? "#" : "", lines[i], lines[i + 1] != NULL ? "\n" : ";\n");
}

static void append_fields(GString *out, const SettingTable *table)
{
	for (gsize i = 0; i < table->count; i++) {
		const Setting *field = &table->rows[i];
		g_autofree char *text = g_strdup_printf("%s (%s%s): %s", field->name, field->list ? "list of " : "",
		    form_info(field->form)->name, field->help);
		append_comment(out, 0, "   ", "     ", text);
	}
}

static void append_groups(GString *out, const Setting *setting)
{
	static const struct {
		void (*read)(const Reader *reader, const config_setting_t *node, gpointer base);
		const SettingTable *table;
		const char *lead, *text;
	} lists[] = {
		{ lists_read_support, &settings_support, "Default: none. An example:", lists_support_example },
		{ lists_read_offers, &settings_offer, "Default: none. An example:", lists_offers_example },
		{ lists_read_routes, &settings_route, "Default:", lists_shipped_routes },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
		if (setting->read != lists[i].read)
			continue;
		append_comment(out, 0, " ", " ", "In a group:");
		append_fields(out, lists[i].table);
		append_comment(out, 0, " ", " ", lists[i].lead);
		append_commented_out(out, setting->name, lists[i].text);
	}
}

/* Closes the groups that name does not share with the open ones and opens those it needs. open: names, outermost first. */
static void close_groups(GString *out, GPtrArray *open, char *const *parts)
{
	guint shared = 0;

	while (shared < open->len && parts[shared] != NULL && parts[shared + 1] != NULL &&
	    strcmp(g_ptr_array_index(open, shared), parts[shared]) == 0)
		shared++;
	while (open->len > shared) {
		g_ptr_array_remove_index(open, open->len - 1);
		indent(out, open->len);
		g_string_append(out, "};\n");
	}
}

/* Sets off what follows by an empty line, but for the first thing in a group. */
static void append_gap(GString *out)
{
	if (!g_str_has_suffix(out->str, "{\n"))
		g_string_append_c(out, '\n');
}

static void open_groups(GString *out, GPtrArray *open, char *const *parts)
{
	while (parts[open->len + 1] != NULL) {
		append_gap(out);
		indent(out, open->len);
		g_string_append_printf(out, "%s = {\n", parts[open->len]);
		g_ptr_array_add(open, g_strdup(parts[open->len]));
	}
}

static void append_sample(GString *out, const Setting *setting, GPtrArray *open)
{
	g_auto(GStrv) parts = g_strsplit(setting->name, ".", -1);

	close_groups(out, open, parts);
	if (setting->section != NULL)
		g_string_append_printf(out, "\n\n# ---- %s ----\n", setting->section);
	open_groups(out, open, parts);
	if (setting->help != NULL) {
		append_gap(out);
		append_comment(out, open->len, " ", " ", setting->help);
		append_range(out, open->len, setting);
		if (setting->restart)
			append_comment(out, open->len, " ", " ", "Takes effect at a restart.");
	}
	if (setting->form == FORM_GROUPS) {
		append_groups(out, setting);
		return;
	}
	indent(out, open->len);
	g_string_append_printf(out, "#%s = ", parts[open->len]);
	append_default(out, open->len, setting);
	g_string_append(out, ";\n");
}

char *config_sample(void)
{
	static char *const nowhere[] = { NULL };
	GString *out = g_string_new(sample_head);
	g_autoptr(GPtrArray) open = g_ptr_array_new_with_free_func(g_free);

	for (gsize i = 0; i < settings_main.count; i++)
		append_sample(out, &settings_main.rows[i], open);
	close_groups(out, open, nowhere);
	return g_string_free(out, FALSE);
}

/* Appends text to mdoc: a new line after each sentence and before the margin, nothing that roff would take for its own. */
static void append_mdoc(GString *out, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	gsize column = 0;

	for (guint i = 0; words[i] != NULL; i++) {
		g_autoptr(GString) word = g_string_new(words[i]);

		g_string_replace(word, "\\", "\\e", 0);
		if (column > 0 && column + 1 + word->len > MAN_WIDTH) {
			g_string_append_c(out, '\n');
			column = 0;
		}
		if (column == 0 && (word->str[0] == '.' || word->str[0] == '\''))
			g_string_prepend(word, "\\&");
		g_string_append_printf(out, "%s%s", column > 0 ? " " : "", word->str);
		column += (column > 0) + word->len;
		if (strchr(".?!", word->str[word->len - 1]) != NULL) {
			g_string_append_c(out, '\n');
			column = 0;
		}
	}
	if (column > 0)
		g_string_append_c(out, '\n');
}

static void append_mdoc_literal(GString *out, const char *name, const char *text)
{
	g_autoptr(GString) shown = g_string_new(text);

	g_string_replace(shown, "\\", "\\e", 0);
	g_string_replace(shown, "\t", "    ", 0);
	g_string_append_printf(out, ".Bd -literal\n%s = %s;\n.Ed\n", name, shown->str);
}

/* Returns true where the names differ in nothing but a severity. */
static bool differ_in_severity(const char *one, const char *other)
{
	static const char *const severities[] = { "P1", "P2", "P3", "resolved", NULL };
	g_auto(GStrv) a = g_strsplit(one, ".", -1), b = g_strsplit(other, ".", -1);
	guint i = 0;

	for (; a[i] != NULL && b[i] != NULL; i++)
		if (strcmp(a[i], b[i]) != 0 && !(g_strv_contains(severities, a[i]) && g_strv_contains(severities, b[i])))
			return false;
	return a[i] == NULL && b[i] == NULL;
}

static void append_head(GString *out, const Setting *setting)
{
	g_string_append_printf(out, ".It Cm %s No = %sAr %s\n", setting->name, setting->list ? "list of " : "",
	    form_info(setting->form)->name);
}

static void append_facts(GString *out, const Setting *setting)
{
	g_autoptr(GString) facts = g_string_new(NULL);
	g_autofree char *range = setting_range(setting);

	if (setting->choices != NULL) {
		g_autofree char *words = g_strjoinv(", ", (char **)setting->choices);
		g_string_append_printf(facts, "One of %s. ", words);
	}
	if (range != NULL)
		g_string_append_printf(facts, "Range: %s. ", range);
	if (setting->form != FORM_GROUPS && setting->standard != NULL)
		g_string_append_printf(facts, "Default: %s. ", setting->standard[0] != '\0' ? setting->standard : "empty");
	if (setting->restart)
		g_string_append(facts, "Takes effect at a restart. ");
	if (facts->len > 0)
		append_mdoc(out, g_strchomp(facts->str));
}

/* Appends the rows from first to before end as one tagged list. */
static void append_items(GString *out, const SettingTable *table, gsize first, gsize end)
{
	g_string_append(out, ".Bl -tag -width Ds\n");
	for (gsize i = first; i < end; i++) {
		const Setting *setting = &table->rows[i];

		if (setting->help == NULL)
			continue;
		append_head(out, setting);
		for (gsize j = i + 1; j < end; j++)
			if (table->rows[j].help == NULL && differ_in_severity(setting->name, table->rows[j].name))
				append_head(out, &table->rows[j]);
		append_mdoc(out, setting->help);
		append_facts(out, setting);
	}
	g_string_append(out, ".El\n");
}

static void append_sections(GString *out)
{
	gsize end;

	g_string_append(out, ".Sh SETTINGS\n");
	for (gsize first = 0; first < settings_main.count; first = end) {
		for (end = first + 1; end < settings_main.count && settings_main.rows[end].section == NULL;)
			end++;
		g_string_append_printf(out, ".Ss %s\n", settings_main.rows[first].section);
		append_items(out, &settings_main, first, end);
	}
}

char *config_manual(void)
{
	GString *out = g_string_new(manual_head);

	append_sections(out);
	g_string_append(out, ".Sh SUPPORT ADDRESSES\n");
	append_mdoc(out, "A member of the list support is an address, or a group of these settings:");
	append_items(out, &settings_support, 0, settings_support.count);
	append_mdoc(out, "For example:");
	append_mdoc_literal(out, "support", lists_support_example);
	g_string_append(out, ".Sh ROUTES\n");
	append_mdoc(out, "A member of the list routes is a group of these settings. Conditions stand in the group when; those that "
	    "are not there hold. A condition that is a list holds where one of its values does.");
	append_items(out, &settings_route, 0, settings_route.count);
	append_mdoc(out, "Where the file has no routes, these are in force:");
	append_mdoc_literal(out, "routes", lists_shipped_routes);
	g_string_append(out, ".Sh OFFERS\n");
	append_mdoc(out, "A member of the list offers is a group of these settings:");
	append_items(out, &settings_offer, 0, settings_offer.count);
	append_mdoc(out, "For example:");
	append_mdoc_literal(out, "offers", lists_offers_example);
	g_string_append(out, manual_tail);
	return g_string_free(out, FALSE);
}
