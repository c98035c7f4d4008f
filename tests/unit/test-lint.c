/* test-lint: what customers must not be sent is found before it is sent: a promise, a phrase that hides who is responsible, a kind that
 * a language lacks, a letter that does not hold together. */
#include "reply/lint.h"

#include <glib/gstdio.h>
#include <string.h>

#include "reply/compose.h"

static const struct {
	const char *text, *language, *found;
} promises[] = {
	{ "We will refund you.", "en", "refund" },
	{ "REFUNDS are on the way", "en", "refund" },
	{ "A service credit", "en", "credit" },
	{ "your compensation", NULL, "compensat" },
	{ "We reimburse all", "en", "reimburs" },
	{ "a 10% discount", "en", "discount" },
	{ "This is guaranteed.", "en", "guarantee" },
	{ "It is free\n  of charge.", "en", "free of charge" },
	{ "It is free-of-charge.", "en", "free of charge" },
	{ "re\xC2\xAD" "fund", "en", "refund" },
	{ "\xEF\xBD\x92\xEF\xBD\x85\xEF\xBD\x86\xEF\xBD\x95\xEF\xBD\x8E\xEF\xBD\x84", "en", "refund" },
	{ "Sie erhalten eine Gutschrift.", "de", "Gutschrift" },
	{ "eine ENTSCHADIGUNG", "de", "Entschädigung" },
	{ "eine Entscha\xCC\x88" "digung", "de-AT", "Entschädigung" },
	{ "a refund in German", "de", "refund" },
	{ "Vous serez remboursés", "fr", "rembours" },
	{ "un avoir de 10 euros", "fr", "un avoir" },
	{ "bon d\xE2\x80\x99" "achat", "fr", "bon d'achat" },
	{ "Le haremos un descuento", "es", "descuento" },
	{ "un credito en su cuenta", "es", "crédito" },
	{ "receber um reembolso", "pt-BR", "reembols" },
	{ "un rimborso", "it", "rimbors" },
	{ "wij vergoeden dit", "nl", "vergoed" },
	{ "ご返金いたします", "ja", "返金" },
	{ "払い\n戻しいたします", "ja", "払い戻" },
	{ "ｸｰﾎﾟﾝを差し上げます", "ja", "クーポン" },
	{ "eine Gutschrift", NULL, "Gutschrift" },
	{ "返金", NULL, "返金" },
	/* nothing of the kind */
	{ "a card number, or a credit card", "en", NULL },
	{ "Payments are taken but not yet credited", "en", NULL },
	{ "What was not credited will be credited", "en", "credited" },
	{ "Zahlungen werden nicht gutgeschrieben", "de", NULL },
	{ "Les paiements ne sont pas crédités", "fr", NULL },
	{ "Credit-card payments fail", "en", NULL },
	{ "We accredit, are incredible and refunctionalise", "en", NULL },
	{ "une carte de crédit", "fr", NULL },
	{ "Wir erstatten Bericht über die Kreditkarte.", "de", NULL },
	{ "クレジットカードの番号", "ja", NULL },
	{ "la remise en service, pour avoir des nouvelles", "fr", NULL },
	{ "un buon lavoro, un buono stato", "it", NULL },
	{ "eine Gutschrift", "fr", NULL },
	{ "", "en", NULL },
	{ "\xFF\xFE", NULL, NULL },
	{ NULL, NULL, NULL },
};

static void test_promises(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(promises); i++) {
		g_test_message("%s", promises[i].text);
		g_assert_cmpstr(lint_promise(promises[i].text, promises[i].language), ==, promises[i].found);
	}
}

static void test_a_card_does_not_hide_a_promise(void)
{
	g_assert_cmpstr(lint_promise("To your credit card we send a credit", "en"), ==, "credit");
}

static void test_style(void)
{
	g_assert_nonnull(lint_style("We have technical\ndifficulties.", "en"));
	g_assert_nonnull(lint_style("Sorry for any inconvenience", "en"));
	g_assert_nonnull(lint_style("Wir bitten, die Unannehmlichkeiten zu entschuldigen", "de"));
	g_assert_null(lint_style("We broke it, and we repair it.", "en"));
}

/* --- whole folders --- */

typedef struct {
	char *dir;
	GPtrArray *files;
	Config *config;
	GPtrArray *mistakes;
} Folder;

static void put(Folder *folder, const char *language, const char *file, const char *text)
{
	g_autofree char *dir = g_build_filename(folder->dir, language, NULL);
	char *path = g_build_filename(dir, file, NULL);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_ptr_array_add(folder->files, path);
	g_ptr_array_add(folder->files, g_steal_pointer(&dir));
}

static void folder_open(Folder *folder)
{
	folder->dir = g_dir_make_tmp("outage-lint-XXXXXX", NULL);
	folder->files = g_ptr_array_new_with_free_func(g_free);
	folder->mistakes = g_ptr_array_new_with_free_func(g_free);
	folder->config = config_defaults();
	g_free(folder->config->template_dir);
	folder->config->template_dir = g_strdup(folder->dir);
	g_free(folder->config->path);
	folder->config->path = g_strdup("site.conf");
	for (const char *const *kind = lint_kinds(); *kind != NULL; kind++) {
		g_autofree char *file = g_strconcat(*kind, ".txt", NULL);

		put(folder, "en", file, "Subject: {{#title}}{{title}}{{/title}}\n\nHello,\n\n{{#scope}}\n{{scope}}\n{{/scope}}\n");
	}
}

static void folder_lint(Folder *folder)
{
	g_autoptr(Templates) templates = templates_load(folder->dir, "en", folder->mistakes);

	g_assert_nonnull(templates);
	lint_texts(folder->config, templates, folder->mistakes);
	for (guint i = 0; i < folder->mistakes->len; i++)
		g_test_message("%s", (char *)g_ptr_array_index(folder->mistakes, i));
}

static void folder_close(Folder *folder)
{
	for (guint i = 0; i < folder->files->len; i++)
		(void)g_remove(g_ptr_array_index(folder->files, i));
	for (guint i = 0; i < folder->files->len; i++)
		(void)g_rmdir(g_ptr_array_index(folder->files, i));
	g_assert_cmpint(g_rmdir(folder->dir), ==, 0);
	g_ptr_array_unref(folder->files);
	g_ptr_array_unref(folder->mistakes);
	config_unref(folder->config);
	g_free(folder->dir);
}

static void assert_one_mistake(const Folder *folder, const char *file, const char *what)
{
	g_autofree char *path = g_build_filename(folder->dir, file, NULL);

	g_assert_cmpuint(folder->mistakes->len, ==, 1);
	g_assert_true(g_str_has_prefix(g_ptr_array_index(folder->mistakes, 0), path) ||
	    g_str_has_prefix(g_ptr_array_index(folder->mistakes, 0), file));
	g_assert_nonnull(strstr(g_ptr_array_index(folder->mistakes, 0), what));
}

static const struct {
	const char *name, *language, *file, *text, *at, *what;
} single[] = {
	{ "nothing-wrong", "en", "own.txt", "Subject: x\n\nHello,\n", NULL, NULL },
	{ "promise", "en", "ack-P1.txt", "Subject: x\n\nHello,\n\nWe give you a free\nvoucher.\n", "en/ack-P1.txt:6:", "\"voucher\"" },
	{ "promise-in-a-kind-of-the-site", "en", "own.txt", "Subject: a discount\n\nx\n", "en/own.txt:1:", "\"discount\"" },
	{ "promise-across-lines", "en", "ack-P1.txt", "Subject: x\n\nIt is free of\ncharge.\n", "en/ack-P1.txt:4:", "free of charge" },
	{ "promise-in-the-offer-is-none", "en", "ack-P1.txt", "Subject: x\n\nHello\n{{#offer}}\nA refund: {{offer}}\n{{/offer}}\n", NULL, NULL },
	{ "promise-in-the-offer-with-spaces-is-none", "en", "ack-P1.txt", "Subject: x\n\n{{# offer }}\nA refund: {{ offer }}\n{{/ offer }}\n", NULL, NULL },
	{ "promise-in-a-comment-is-none", "en", "ack-P1.txt", "{{! no refund here }}\nSubject: x\n\nHello\n", NULL, NULL },
	{ "promise-behind-the-offer", "en", "ack-P1.txt", "Subject: x\n\n{{#offer}}\n{{offer}}\n{{/offer}}\nA refund.\n", "en/ack-P1.txt:6:", "\"refund\"" },
	{ "style", "en", "ack-P1.txt", "Subject: x\n\nSorry for the inconvenience.\n", "en/ack-P1.txt:3:", "\"inconvenience\"" },
	{ "style-of-the-sites-own-kinds-is-theirs", "en", "own.txt", "Subject: x\n\nSorry for the inconvenience.\n", NULL, NULL },
	{ "direction-override-in-the-template", "en", "ack-P1.txt", "Subject: x\n\na\xE2\x80\xAE" "b\n", "en/ack-P1.txt:", "direction" },
};

static void test_single_mistake(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	Folder folder;

	folder_open(&folder);
	put(&folder, single[i].language, single[i].file, single[i].text);
	folder_lint(&folder);
	if (single[i].at == NULL)
		g_assert_cmpuint(folder.mistakes->len, ==, 0);
	else
		assert_one_mistake(&folder, single[i].at, single[i].what);
	folder_close(&folder);
}

static void test_language_needs_every_kind(void)
{
	Folder folder;

	folder_open(&folder);
	for (const char *const *kind = lint_kinds(); *kind != NULL; kind++) {
		g_autofree char *file = g_strconcat(*kind, ".txt", NULL);

		if (strcmp(*kind, "notice-update") != 0)
			put(&folder, "sv", file, "Subject: x\n\nHej\n");
	}
	/* Of the site's own kinds the default language is enough. */
	put(&folder, "en", "own.txt", "Subject: x\n\nHello\n");
	folder_lint(&folder);
	assert_one_mistake(&folder, "sv/notice-update.txt:1:", "missing");
	folder_close(&folder);
}

static void test_kind_missing_in_the_default_language_is_said_once(void)
{
	Folder folder;
	g_autofree char *path = NULL;

	folder_open(&folder);
	path = g_build_filename(folder.dir, "en", "ack-P2.txt", NULL);
	g_assert_cmpint(g_remove(path), ==, 0);
	folder_lint(&folder);
	assert_one_mistake(&folder, "en/ack-P2.txt:1:", "missing");
	folder_close(&folder);
}

static void test_promise_in_the_playbook(void)
{
	Folder folder;

	folder_open(&folder);
	g_free(folder.config->playbook[SEVERITY_P2].workaround);
	folder.config->playbook[SEVERITY_P2].workaround = g_strdup("Ask for a voucher.");
	folder_lint(&folder);
	assert_one_mistake(&folder, "site.conf", "playbook.P2.workaround: \"voucher\"");
	folder_close(&folder);
}

static void test_support_address_needs_its_language(void)
{
	SupportAddress polish = { .address = (char *)"pomoc@example.com", .language = (char *)"pl" };
	SupportAddress british = { .domain = (char *)"help.example.com", .language = (char *)"en-GB" };
	SupportAddress *support[] = { &polish, &british, NULL }, **before;
	Folder folder;

	folder_open(&folder);
	before = folder.config->support;
	folder.config->support = support;
	folder_lint(&folder);
	folder.config->support = before;
	assert_one_mistake(&folder, "site.conf", "pomoc@example.com: there are no templates in \"pl\"");
	folder_close(&folder);
}

static void test_fallback_needs_its_language(void)
{
	Folder folder;

	folder_open(&folder);
	g_free(folder.config->operator_language);
	folder.config->operator_language = g_strdup("sv");
	folder_lint(&folder);
	g_assert_cmpuint(folder.mistakes->len, ==, 0); /* quoted, it needs none */
	folder.config->mixed = MIXED_FALLBACK;
	folder_lint(&folder);
	assert_one_mistake(&folder, "site.conf", "reply.operator_language");
	folder_close(&folder);
}

static void test_shipped_templates_are_clean(void)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *dir = g_test_build_filename(G_TEST_DIST, "conf", "templates", NULL);
	g_autoptr(Config) config = config_defaults();
	g_autoptr(Templates) templates = NULL;

	g_free(config->template_dir);
	config->template_dir = g_strdup(dir);
	templates = templates_load(dir, "en", mistakes);
	g_assert_nonnull(templates);
	lint_texts(config, templates, mistakes);
	for (guint i = 0; i < mistakes->len; i++)
		g_test_message("%s", (char *)g_ptr_array_index(mistakes, i));
	g_assert_cmpuint(mistakes->len, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	compose_init();
	g_test_add_func("/lint/promises", test_promises);
	g_test_add_func("/lint/a-card-does-not-hide-a-promise", test_a_card_does_not_hide_a_promise);
	g_test_add_func("/lint/style", test_style);
	for (gsize i = 0; i < G_N_ELEMENTS(single); i++) {
		g_autofree char *path = g_strconcat("/lint/templates/", single[i].name, NULL);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_single_mistake);
	}
	g_test_add_func("/lint/language-needs-every-kind", test_language_needs_every_kind);
	g_test_add_func("/lint/kind-missing-in-the-default-language-is-said-once", test_kind_missing_in_the_default_language_is_said_once);
	g_test_add_func("/lint/promise-in-the-playbook", test_promise_in_the_playbook);
	g_test_add_func("/lint/support-address-needs-its-language", test_support_address_needs_its_language);
	g_test_add_func("/lint/fallback-needs-its-language", test_fallback_needs_its_language);
	g_test_add_func("/lint/shipped-templates-are-clean", test_shipped_templates_are_clean);
	return g_test_run();
}
