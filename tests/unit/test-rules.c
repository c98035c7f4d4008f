/* test-rules: what the shipped rules say of mail, what the loader says of wrong files, and that no pattern holds up a
 * message. The sentences are made up. Layer: tests. */
#include "inspect/rules-private.h"

#include <glib/gstdio.h>
#include <string.h>

#define THRESHOLD 5.0

static Rules *shipped;

static Rules *load_shipped(void)
{
	g_autofree char *dir = g_test_build_filename(G_TEST_DIST, "conf", "rules", NULL);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	Rules *rules = rules_load(dir, mistakes);
	for (guint i = 0; i < mistakes->len; i++)
		g_test_message("%s", (const char *)g_ptr_array_index(mistakes, i));
	g_assert_nonnull(rules);
	g_assert_cmpuint(mistakes->len, ==, 0);
	return rules;
}

static char *joined(GPtrArray *names)
{
	g_autoptr(GString) out = g_string_new(NULL);
	for (guint i = 0; i < names->len; i++)
		g_string_append_printf(out, "%s%s", i ? "," : "", (const char *)g_ptr_array_index(names, i));
	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* --- outage mail --- */

typedef struct {
	const char *name;
	bool outage;
	const char *subject, *body;
} OutageSample;

static const OutageSample outage_samples[] = {
	{ "site-down", true, "", "Hi, your site is down." },
	{ "site-seems-down", true, "Shop", "Hello, the web shop seems to be down again, can you look?" },
	{ "server-not-responding", true, "", "Our mail server has not been responding for an hour." },
	{ "503", true, "Error", "We get 503 Service Unavailable on every page." },
	{ "500-from-api", true, "", "The orders endpoint returns 500 about half of the time." },
	{ "bad-gateway", true, "", "All I see is \"Bad Gateway\"." },
	{ "is-there-an-outage", true, "", "Is there an outage?" },
	{ "outage-in-area", true, "", "Is there an outage in Springfield? Nothing works in our street." },
	{ "api-since-morning", true, "", "We can't connect to your API since this morning." },
	{ "curly-apostrophe", true, "", "We can\xe2\x80\x99t connect to your API since this morning." },
	{ "no-apostrophe", true, "", "we cant connect to your api since this morning" },
	{ "unable-portal", true, "", "Since 9 am none of our staff is able to work: we are unable to reach the customer portal." },
	{ "app-offline", true, "", "Is the app offline at the moment?" },
	{ "app-wont-load", true, "", "The app won't load for anybody in the office." },
	{ "no-internet", true, "No internet", "No internet since last night, please fix." },
	{ "lost-connectivity", true, "", "We lost all network connectivity at 14:05." },
	{ "without-service", true, "", "I have been without service for two days now." },
	{ "service-interruption", true, "Service interruption", "There was a service interruption again tonight." },
	{ "system-failure", true, "", "A system failure keeps us from printing any labels." },
	{ "databases-crashed", true, "", "The production database has crashed." },
	{ "hosting-unreachable", true, "", "Our hosting is unreachable from all our locations." },
	{ "are-you-down", true, "", "Hi team, are you guys down?" },
	{ "anyone-else", true, "", "Are you having server issues today? Same problem for several customers here." },
	{ "known-issue", true, "", "Is there a known issue with the payment gateway?" },
	{ "down-for-maintenance", true, "", "Is the portal down for maintenance?" },
	{ "under-maintenance", true, "", "The login page says the platform is under maintenance. How long will it take?" },
	{ "back-yet", true, "", "When will the service be back up? Any update on the outage?" },
	{ "back-again", true, "Website", "Is the website working again? It was unavailable all morning." },
	{ "connection-refused", true, "", "curl says connection refused when we call your endpoint, since yesterday." },
	{ "intermittent-500", true, "", "We see intermittent 502 errors from the gateway." },
	{ "line-break", true, "", "Hello,\nit seems your\nservers are\ndown.\n" },
	{ "broadband-down", true, "", "Broadband down for three days, nobody answers the phone." },
	{ "downtime-subject", true, "Downtime?", "We noticed downtime on all our shops." },
	{ "checkout-broken", true, "", "The checkout is broken, our customers cannot pay." },
	{ "dashboard-timeouts", true, "", "The dashboard keeps timing out with a gateway timeout." },
	{ "dns", true, "", "Your DNS servers are failing, our domains do not resolve." },
	{ "what-is-wrong", true, "", "What is going on with your website?" },

	{ "password-reset", false, "Password reset", "Hi, I forgot my password. The reset link does not arrive." },
	{ "locked-account", false, "", "My account is locked after three wrong passwords, please unlock it." },
	{ "let-me-down", false, "", "Your driver let me down and nobody answered." },
	{ "calm-down", false, "", "Please tell your agent to calm down and sit down with us." },
	{ "down-payment", false, "", "I would like to make a down payment of $500 on the car." },
	{ "500-dollars", false, "Invoice", "You charged $500 instead of 50." },
	{ "fortune-500", false, "", "We work for several Fortune 500 companies." },
	{ "speed-test", false, "", "I measured 279 down / 38 up, is that normal for my plan?" },
	{ "slow-only", false, "", "My connection is slower than what I pay for: 40 Mbps." },
	{ "restaurant-server", false, "", "Our server at the restaurant was very rude, and dinner was cold." },
	{ "one-printer", false, "", "My printer is not working since I changed the toner." },
	{ "one-laptop", false, "", "The battery of my laptop died, can I have it replaced?" },
	{ "flight-delay", false, "", "My flight was delayed by four hours and then cancelled." },
	{ "lost-luggage", false, "", "You lost my luggage on the way to Rome." },
	{ "newsletter", false, "Your weekly newsletter",
	  "Ten tips for servers that never sleep. Special offer: 20% off hosting. Unsubscribe here." },
	{ "marketing", false, "Grow with us", "We sell servers, networks and cloud services at good prices. Are you interested?" },
	{ "question", false, "", "How do I add a second user to my account?" },
	{ "invoice", false, "Invoice 4711", "Please send the invoice for March again." },
	{ "stocks", false, "", "The index went down by 3% and shares dropped." },
	{ "feature", false, "Feature request", "It would be nice if the report had a dark mode." },
	{ "thanks", false, "", "Thank you for the quick answer!" },
	{ "out-of-office", false, "Out of office", "I am on holiday until Monday and will answer then." },
	{ "write-down", false, "", "Could you write down the steps for me? I closed the window by mistake." },
	{ "scroll-down", false, "", "When I scroll down I cannot find the export button." },
	{ "plans", false, "", "Which plan do you recommend for ten people?" },
	{ "broken-item", false, "Order 1234", "The cup arrived broken. Can you send another one?" },
	{ "empty", false, "", "" },
};

static void test_outage(gconstpointer data)
{
	const OutageSample *sample = data;
	g_autoptr(RulesResult) result = rules_match(shipped, sample->subject, sample->body);
	g_autofree char *names = joined(result->names);
	g_test_message("score %.1f by %s", result->score, names);
	g_assert_cmpint(result->score >= THRESHOLD, ==, sample->outage);
	g_assert_false(result->limited);
}

/* --- the other classes --- */

typedef struct {
	const char *body;
	const char *escalate, *sensitive; /* joined */
	bool evidence, still_affected, recovered;
} ClassSample;

static const ClassSample class_samples[] = {
	/* escalate, for and against */
	{ "If this is not settled by Friday we will take legal action.", "legal", "", false, false, false },
	{ "You will hear from my lawyer.", "legal", "", false, false, false },
	{ "I am going to report you to the FCC.", "legal", "", false, false, false },
	{ "We will sue you.", "legal", "", false, false, false },
	{ "I study law and my sister is a lawyer, do you offer student plans?", "", "", false, false, false },
	{ "Please forward this to Sue in accounting.", "", "", false, false, false },
	{ "Please find the legal name of our company below.", "", "", false, false, false },
	{ "I'm a reporter with the Daily Mirror, could you give a statement?", "media", "", false, false, false },
	{ "I will go to the press with this.", "media", "", false, false, false },
	{ "Please press the blue button on the social media page.", "", "", false, false, false },
	{ "I want a refund.", "refund", "", false, false, false },
	{ "We expect compensation for the lost day.", "refund", "", false, false, false },
	{ "Please apply an SLA credit to our account.", "refund", "", false, false, false },
	{ "My credit card expires next month.", "", "", false, false, false },
	{ "Our account was hacked last night.", "security", "", false, false, false },
	{ "I found a vulnerability in your login form.", "security", "", false, false, false },
	{ "I got a phishing mail in your name.", "security", "", false, false, false },
	{ "This is a breach of contract.", "legal", "", false, false, false },
	{ "Where do I turn on the security camera?", "", "", false, false, false },
	{ "All our data is gone after the update.", "data-loss", "", false, false, false },
	{ "We lost all our customer records.", "data-loss", "", false, false, false },
	{ "I lost my way in the menus.", "", "", false, false, false },
	{ "Under the GDPR I ask for a copy of my data.", "privacy", "", false, false, false },
	{ "I can see another customer's invoices in my account.", "privacy", "", false, false, false },
	{ "Please respect the privacy of our guests.", "", "", false, false, false },
	{ "We are cancelling our subscription.", "churn", "", false, false, false },
	{ "We will switch to a competitor.", "churn", "", false, false, false },
	{ "Please cancel my order 4711.", "", "", false, false, false },

	/* sensitive */
	{ "key: AKIAIOSFODNN7EXAMPLE please check", "", "api-key", false, false, false },
	{ "We use api_key=9f8e7d6c5b4a39281706f5e4 for this", "", "api-key", false, false, false },
	{ "Where do I find my API key? The documentation is unclear.", "", "", false, false, false },
	{ "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "", "private-key", false, false, false },
	{ "-----BEGIN CERTIFICATE-----\nMIIE\n", "", "", false, false, false },
	{ "user: joe password: hunter2", "", "password", false, false, false },
	{ "My password is Tr0ub4dor&3", "", "password", false, false, false },
	{ "I forgot my password: it is wrong every time.", "", "", false, false, false },
	{ "The password reset mail does not come.", "", "", false, false, false },
	{ "My password is not accepted.", "", "", false, false, false },
	{ "Password: ********", "", "", false, false, false },
	{ "My card is 4111 1111 1111 1111, please charge it.", "", "card-number", false, false, false },
	{ "Card 378282246310005.", "", "card-number", false, false, false },
	{ "Order 4111 1111 1111 1112 has not arrived.", "", "", false, false, false },
	{ "First 4111 1111 1111 1112 and then 5555-5555-5555-4444.", "", "card-number", false, false, false },
	{ "Tracking number 12345678901234567890123", "", "", false, false, false },

	/* evidence */
	{ "< HTTP/1.1 503 Service Unavailable", "", "", true, false, false },
	{ "Traceback (most recent call last):\n  File \"a.py\", line 3, in f", "", "", true, false, false },
	{ "java.lang.IllegalStateException: no\n\tat com.example.Pay.run(Pay.java:42)", "", "", true, false, false },
	{ "Every call runs into a timeout after 30 seconds.", "", "", true, false, false },
	{ "X-Request-Id: 7f3a9c21b4", "", "", true, false, false },
	{ "curl: (7) Failed to connect to example.com port 443", "", "", true, false, false },
	{ "10 packets transmitted, 0 received, 100% packet loss", "", "", true, false, false },
	{ "It says error code E1042.", "", "", true, false, false },
	{ "It began at 2026-11-21T15:10:00Z.", "", "", true, false, false },
	{ "It began around 15:10 CET.", "", "", true, false, false },
	{ "It began this morning, some time after breakfast.", "", "", false, false, false },

	/* state */
	{ "The portal is still down.", "", "", false, true, false },
	{ "It is still not working for us.", "", "", false, true, false },
	{ "The problem persists.", "", "", false, true, false },
	{ "We still get errors on every page.", "", "", false, true, false },
	{ "Your page says resolved but nothing has changed here.", "", "", false, true, false },
	{ "Are you still open on Sunday?", "", "", false, false, false },
	{ "It works again, many greetings.", "", "", false, false, true },
	{ "Everything is back up now.", "", "", false, false, true },
	{ "Thanks, fixed.", "", "", false, false, true },
	{ "Thank you, the problem is resolved.", "", "", false, false, true },
	{ "When will it be back up?", "", "", false, false, false },
};

static void test_classes(gconstpointer data)
{
	const ClassSample *sample = data;
	g_test_message("%s", sample->body);
	g_autoptr(RulesResult) result = rules_match(shipped, "", sample->body);
	g_autofree char *escalate = joined(result->escalate);
	g_autofree char *sensitive = joined(result->sensitive);
	g_assert_cmpstr(escalate, ==, sample->escalate);
	g_assert_cmpstr(sensitive, ==, sample->sensitive);
	g_assert_cmpint(result->evidence, ==, sample->evidence);
	g_assert_cmpint(result->still_affected, ==, sample->still_affected);
	g_assert_cmpint(result->recovered, ==, sample->recovered);
}

/* --- language --- */

static const struct {
	const char *text, *language;
} language_samples[] = {
	{ "Hello, the site is not working for us and we do not know what to do.", "en" },
	{ "Guten Tag, seit heute Morgen ist der Server nicht erreichbar, wir können nicht arbeiten.", "de" },
	{ "Bonjour, depuis ce matin le site ne répond pas et nous ne pouvons pas travailler.", "fr" },
	{ "Hola, desde ayer no podemos entrar en el portal y los clientes se quejan.", "es" },
	{ "Olá, desde ontem o site não está no ar e os nossos clientes não conseguem comprar.", "pt" },
	{ "Buongiorno, il sito non funziona e non possiamo lavorare da questo mattino.", "it" },
	{ "Goedemorgen, de website werkt niet en wij kunnen ook niet bij onze mail.", "nl" },
	{ "サイトにアクセスできません。", "ja" },
	{ "Witam, od rana strona nie działa i nie możemy się zalogować.", "und" },
	{ "OK", "und" },
	{ "", "und" },
};

static void test_language(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(language_samples); i++) {
		g_autoptr(RulesResult) result = rules_match(shipped, "", language_samples[i].text);
		g_test_message("%s", language_samples[i].text);
		g_assert_cmpstr(result->language, ==, language_samples[i].language);
	}
}

/* --- files of the tests --- */

static void remove_dir(char *dir)
{
	g_autoptr(GDir) listing = g_dir_open(dir, 0, NULL);
	for (const char *name = listing ? g_dir_read_name(listing) : NULL; name; name = g_dir_read_name(listing)) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		g_unlink(path);
	}
	g_rmdir(dir);
	g_free(dir);
}

static char *make_dir(void)
{
	g_autoptr(GError) error = NULL;
	char *dir = g_dir_make_tmp("rules-XXXXXX", &error);
	g_assert_no_error(error);
	return dir;
}

static void put_file(const char *dir, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* Loads rules from one text that must be free of mistakes. */
static Rules *rules_of(const char *text)
{
	char *dir = make_dir();
	put_file(dir, "a.conf", text);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	Rules *rules = rules_load(dir, mistakes);
	for (guint i = 0; i < mistakes->len; i++)
		g_test_message("%s", (const char *)g_ptr_array_index(mistakes, i));
	g_assert_cmpuint(mistakes->len, ==, 0);
	remove_dir(dir);
	return rules;
}

static const struct {
	const char *text;
	const char *mistakes[4]; /* each must end "a.conf:LINE: ..." with this, in order */
} wrong_files[] = {
	{ "rules = (\n { name = \"a\"; class = \"outage\"; weight = 1; patern = \"x\"; pattern = \"y\"; } );",
	  { "a.conf:2: unknown key \"patern\"" } },
	{ "language = \"en\";\ncolour = 3;\n", { "a.conf:2: unknown key \"colour\"" } },
	{ "rules = (\n { name = \"a\"; class = \"outrage\"; pattern = \"y\"; } );", { "a.conf:2: unknown class \"outrage\"" } },
	{ "rules = (\n { name = \"a\"; class = \"escalate.boss\"; pattern = \"y\"; } );", { "a.conf:2: unknown class \"escalate.boss\"" } },
	{ "rules = (\n { name = \"a\"; class = \"evidence\"; field = \"head\"; pattern = \"y\"; } );",
	  { "a.conf:2: unknown field \"head\": it is subject, body or both" } },
	{ "rules = (\n { name = \"a\"; class = \"evidence\"; } );", { "a.conf:2: the rule has no \"pattern\"" } },
	{ "rules = (\n { class = \"evidence\"; pattern = \"y\"; } );", { "a.conf:2: the rule has no \"name\"" } },
	{ "rules = (\n { name = \"a\"; pattern = \"y\"; } );", { "a.conf:2: the rule has no \"class\"" } },
	{ "rules = (\n { name = \"a\"; class = \"evidence\"; pattern = \"a(b\"; } );",
	  { "a.conf:2: the pattern does not do: missing closing parenthesis at offset 3" } },
	{ "rules = (\n { name = \"a\"; class = \"evidence\"; pattern = \"x*\"; } );",
	  { "a.conf:2: the pattern does not do: it matches the empty text and so would match every message" } },
	{ "rules = (\n { name = \"a\"; class = \"evidence\"; pattern = \"x\"; },\n { name = \"a\"; class = \"evidence\"; pattern = \"y\"; } );",
	  { "a.conf:3: there is already a rule \"a\" at " } },
	{ "rules = (\n { name = \"a\"; class = \"outage\"; pattern = \"x\"; } );",
	  { "a.conf:2: the rule has no \"weight\", which class outage needs" } },
	{ "rules = (\n { name = \"a\"; class = \"evidence\"; weight = 2; pattern = \"x\"; } );",
	  { "a.conf:2: \"weight\" means nothing for class evidence" } },
	{ "rules = (\n { name = \"a\"; class = \"outage\"; weight = 20.5; pattern = \"x\"; } );",
	  { "a.conf:2: weight 20.5 is out of range: -20 to 20" } },
	{ "rules = (\n { name = \"a\"; class = \"outage\"; weight = -21; pattern = \"x\"; } );",
	  { "a.conf:2: weight -21 is out of range: -20 to 20" } },
	{ "rules = (\n { name = \"a\"; class = \"outage\"; weight = \"2\"; pattern = \"x\"; } );",
	  { "a.conf:2: \"weight\" must be a number" } },
	{ "rules = (\n { name = 3; class = \"evidence\"; pattern = \"x\"; } );", { "a.conf:2: \"name\" must be a text in quotes" } },
	{ "rules = (\n { name = \"Big Rule\"; class = \"evidence\"; pattern = \"x\"; } );",
	  { "a.conf:2: \"Big Rule\" is no name of a rule: use lower-case letters, digits, \"_\" and \"-\", at most 48" } },
	{ "language = \"english please\";\n", { "a.conf:1: \"english please\" is no language: write a tag such as \"en\", or \"*\" for any" } },
	{ "rules = (\n { name = \"a\"; class = \"evidence\"; pattern = \"{{thing}}\"; } );",
	  { "a.conf:2: the word \"{{thing}}\" is not defined above" } },
	{ "words = { a = 3; };\n", { "a.conf:1: \"a\" must be a text in quotes" } },
	{ "words = \"a\";\n", { "a.conf:1: \"words\" must be a group: words = { name = \"pattern\"; };" } },
	{ "rules = { };\n", { "a.conf:1: \"rules\" must be a list: rules = ( { ... }, { ... } );" } },
	{ "rules = (\n 3 );", { "a.conf:2: a rule must be a group: { name = ...; class = ...; pattern = ...; }" } },
	{ "rules = (\n { name = \"a\"; class = \"evidence\"; pattern = \"a\\tb\"; } );",
	  { "a.conf:2: the pattern holds a control character; a backslash is written twice here, as in \"\\\\b\"" } },
	{ "language = \"en\";\nrules = ( {\n", { "a.conf:3: syntax error" } },
	{ "# \xff\n", { "a.conf:1: not UTF-8" } },
	{ "rules = (\n { name = \"a\"; class = \"x\"; pattern = \"y\"; },\n { name = \"b\"; class = \"evidence\"; pattern = \"(\"; },\n"
	  " { name = \"c\"; class = \"outage\"; weight = 99; pattern = \"y\"; } );\nmore = 1;\n",
	  { "a.conf:2: unknown class \"x\"", "a.conf:3: the pattern does not do: ", "a.conf:4: weight 99 is out of range: -20 to 20",
	    "a.conf:5: unknown key \"more\"" } },
};

static void test_mistakes_named(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(wrong_files); i++) {
		char *dir = make_dir();
		put_file(dir, "a.conf", wrong_files[i].text);
		g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
		g_autoptr(Rules) rules = rules_load(dir, mistakes);
		g_assert_nonnull(rules);
		guint wanted = 0;
		for (; wanted < G_N_ELEMENTS(wrong_files[i].mistakes) && wrong_files[i].mistakes[wanted]; wanted++) {
			g_assert_cmpuint(wanted, <, mistakes->len);
			const char *found = g_ptr_array_index(mistakes, wanted);
			g_test_message("%s", found);
			g_assert_true(g_str_has_prefix(found, dir));
			g_assert_nonnull(strstr(found, wrong_files[i].mistakes[wanted]));
		}
		g_assert_cmpuint(mistakes->len, ==, wanted);
		remove_dir(dir);
	}
}

static void test_no_folder(void)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	char *dir = make_dir();
	g_autofree char *missing = g_build_filename(dir, "none", NULL);
	g_assert_null(rules_load(missing, mistakes));
	g_assert_cmpuint(mistakes->len, ==, 1);
	g_assert_nonnull(strstr(g_ptr_array_index(mistakes, 0), missing));

	g_autoptr(Rules) rules = rules_load(dir, mistakes);
	g_assert_nonnull(rules);
	g_assert_cmpuint(mistakes->len, ==, 2);
	g_assert_nonnull(strstr(g_ptr_array_index(mistakes, 1), "no rules file"));
	remove_dir(dir);
}

static void test_duplicate_in_two_files(void)
{
	char *dir = make_dir();
	put_file(dir, "b.conf", "rules = ( { name = \"same\"; class = \"evidence\"; pattern = \"x\"; } );");
	put_file(dir, "a.conf", "\nrules = ( { name = \"same\"; class = \"evidence\"; pattern = \"x\"; } );");
	put_file(dir, "a.conf~", "this is no rules file");
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Rules) rules = rules_load(dir, mistakes);
	g_assert_cmpuint(mistakes->len, ==, 1);
	g_autofree char *wanted = g_strdup_printf("%s/b.conf:1: there is already a rule \"same\" at %s/a.conf:2", dir, dir);
	g_assert_cmpstr(g_ptr_array_index(mistakes, 0), ==, wanted);
	g_assert_cmpuint(rules_count(rules), ==, 1);
	remove_dir(dir);
}

/* --- how rules count --- */

static void test_weights_and_fields(void)
{
	g_autoptr(Rules) rules = rules_of(
		"words = { thing = \"cat|dog\"; };\n"
		"rules = (\n"
		" { name = \"light\"; class = \"outage\"; weight = 1; pattern = \"\\\\b{{thing}}s?\\\\b\"; },\n"
		" { name = \"against\"; class = \"outage\"; weight = -7.5; pattern = \"bird\"; },\n"
		" { name = \"heavy\"; class = \"outage\"; weight = 3; pattern = \"fish\"; },\n"
		" { name = \"top\"; class = \"outage\"; field = \"subject\"; weight = 10; pattern = \"worm\"; },\n"
		" { name = \"text\"; class = \"outage\"; field = \"body\"; weight = 0.5; pattern = \"snail\"; } );");
	g_autoptr(RulesResult) result = rules_match(rules, "fish snail FISH", "CATS, a bird and a dog, fish; worm");
	g_autofree char *names = joined(result->names);
	g_assert_cmpstr(names, ==, "against,heavy,light");
	g_assert_cmpfloat(result->score, ==, -3.5);

	g_autoptr(RulesResult) swapped = rules_match(rules, "worm", "snail");
	g_assert_cmpfloat(swapped->score, ==, 10.5);
}

static void test_language_of_rules(void)
{
	g_autoptr(Rules) rules = rules_of(
		"language = \"de\";\n"
		"rules = (\n"
		" { name = \"german\"; class = \"outage\"; weight = 1; pattern = \"server\"; },\n"
		" { name = \"english\"; class = \"outage\"; language = \"en-GB\"; weight = 2; pattern = \"server\"; },\n"
		" { name = \"any\"; class = \"outage\"; language = \"*\"; weight = 4; pattern = \"server\"; } );");
	g_autoptr(RulesResult) german = rules_match(rules, "", "Seit heute ist der Server nicht mehr da und wir warten.");
	g_assert_cmpfloat(german->score, ==, 5.0);
	g_autoptr(RulesResult) english = rules_match(rules, "", "Since this morning the server is not there and we are waiting.");
	g_assert_cmpfloat(english->score, ==, 6.0);
	g_autoptr(RulesResult) unknown = rules_match(rules, "", "Server?");
	g_assert_cmpfloat(unknown->score, ==, 7.0);
}

static void test_names_outlive_reload(void)
{
	Rules *rules = rules_of("rules = ( { name = \"short_lived\"; class = \"outage\"; weight = 1; pattern = \"x\"; } );");
	g_autoptr(RulesResult) result = rules_match(rules, "", "x");
	rules_unref(rules);
	g_assert_cmpstr(g_ptr_array_index(result->names, 0), ==, "short_lived");
}

/* --- the index finds what a plain search finds --- */

static void compare_ways(Rules *rules, const char *subject, const char *body)
{
	rules_set_index_off(rules, false);
	g_autoptr(RulesResult) with = rules_match(rules, subject, body);
	rules_set_index_off(rules, true);
	g_autoptr(RulesResult) without = rules_match(rules, subject, body);
	rules_set_index_off(rules, false);
	g_autofree char *with_names = joined(with->names), *without_names = joined(without->names);
	g_autofree char *with_escalate = joined(with->escalate), *without_escalate = joined(without->escalate);
	g_autofree char *with_sensitive = joined(with->sensitive), *without_sensitive = joined(without->sensitive);
	g_test_message("%s|%s", subject, body);
	g_assert_cmpstr(with_names, ==, without_names);
	g_assert_cmpstr(with_escalate, ==, without_escalate);
	g_assert_cmpstr(with_sensitive, ==, without_sensitive);
	g_assert_cmpint(with->evidence, ==, without->evidence);
	g_assert_cmpint(with->still_affected, ==, without->still_affected);
	g_assert_cmpint(with->recovered, ==, without->recovered);
}

static void test_index_on_samples(void)
{
	g_autoptr(Rules) rules = load_shipped();
	for (guint i = 0; i < G_N_ELEMENTS(outage_samples); i++)
		compare_ways(rules, outage_samples[i].subject, outage_samples[i].body);
	for (guint i = 0; i < G_N_ELEMENTS(class_samples); i++)
		compare_ways(rules, class_samples[i].body, class_samples[i].body);
}

/* Syntax of every kind, on texts put together at random from the pieces that matter to it. */
static void test_index_on_syntax(void)
{
	static const char *const patterns[] = {
		"abc", "a?bc", "a*b", "(?:ab|c)d", "[a-c]x", "[^a-c]x", "\\\\bis\\\\b", "\\\\Bis", "(?<=a)b", "(?<!a)b", "(?=ab)a", "(?!ab)a.",
		"a{2}b", "a{1,2}b", "a{2,}b", "(a|b){2}c", "(?i:AB)c", "\\\\d\\\\d", "\\\\s+a", "\\\\w+b", ".b", "^ab", "ab$", "\\\\.a", "'s", "(?>a|ab)c",
		"(?P<n>a)b", "(?<n>a)b", "\\\\p{L}b", "\\\\x61b", "é", "[é]b", "s", "k+", "(a)\\\\1", "a++b", "a*?b", "(?|ab|c)", "\\\\Qa.b\\\\E", "ab\\\\Kc",
		"(?#note)ab", "a|(?:)b", "[]a]b", "[a\\\\]]b", "[\\\\d-]b", "[[:alpha:]]b", "(?s).b", "a\\\\z", "\\\\Aa", "(?:a|\\\\d)(?:b|\\\\d)(?:c|\\\\d)\\\\d",
		"\\\\Nb", "ß", "a{,2}b", "{a", "(?(?=a)ab|c)", "_a", "\\\\b_", "\\\\b's", "is\\\\s", "x{0}a",
	};
	static const char *const pieces[] = { "a", "b", "c", "A", "B", "is", " ", "\n", "1", "2", ".", "'s", "é", "É", "ſ", "K", "k", "s", "x", "_", "]",
		                              "-", "ß", "ẞ", "\xc2\xa0", "aa", "ab", "abc", "{", "😀", "“" };
	g_autoptr(GString) text = g_string_new("rules = (");
	for (guint i = 0; i < G_N_ELEMENTS(patterns); i++)
		g_string_append_printf(text, "%s { name = \"r%u\"; class = \"outage\"; weight = 1; pattern = \"%s\"; }", i ? "," : "", i, patterns[i]);
	g_string_append(text, ");");
	g_autoptr(Rules) rules = rules_of(text->str);
	for (guint i = 0; i < 4000; i++) {
		g_autoptr(GString) body = g_string_new(NULL);
		for (gint32 n = g_test_rand_int_range(0, 9); n > 0; n--)
			g_string_append(body, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
		compare_ways(rules, "", body->str);
	}
}

/* --- limits --- */

static const char *const heavy_patterns[] = {
	"(a+)+$", "(a|aa)+$", "(.*)*x", "a*a*a*a*a*[cd]", "(?:a?){50}a{50}b", "(?>\\w+)+[cd]", "[\\w.]++@|@@b", "^(([a-z])+.)+[A-Z]([a-z])+$",
};

static void test_no_pattern_hangs(void)
{
	g_autofree char *text = g_strnfill(200 * 1024, 'a');
	text[strlen(text) - 1] = '!';
	for (guint i = 0; i < G_N_ELEMENTS(heavy_patterns); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GString) file = g_string_new(heavy_patterns[i]);
		g_string_replace(file, "\\", "\\\\", 0);
		g_autofree char *conf = g_strdup_printf("rules = ( { name = \"heavy\"; class = \"outage\"; weight = 1; pattern = \"%s\"; } );", file->str);
		g_autoptr(Rules) rules = rules_of(conf);
		gint64 began = g_get_monotonic_time();
		g_autoptr(RulesResult) result = rules_match(rules, "", text);
		gint64 spent = g_get_monotonic_time() - began;
		g_test_message("%s: %" G_GINT64_FORMAT " us, limited %d", heavy_patterns[i], spent, result->limited);
		g_assert_cmpint(spent, <, 20 * G_USEC_PER_SEC);
		g_assert_cmpuint(result->names->len, ==, 0);

		RulesPattern *pattern = rules_pattern_new(heavy_patterns[i], &error);
		g_assert_no_error(error);
		g_assert_false(rules_pattern_matches(pattern, "", text));
		rules_pattern_free(pattern);
	}
}

static void test_limit_is_told(void)
{
	g_autoptr(Rules) rules = rules_of("rules = (\n"
	                                  " { name = \"heavy\"; class = \"outage\"; weight = 1; pattern = \"(a+)+$\"; },\n"
	                                  " { name = \"plain\"; class = \"outage\"; weight = 2; pattern = \"a!\"; } );");
	g_autofree char *text = g_strnfill(4096, 'a');
	text[4095] = '!';
	g_autoptr(RulesResult) result = rules_match(rules, "", text);
	g_autofree char *names = joined(result->names);
	g_assert_true(result->limited);
	g_assert_cmpstr(names, ==, "plain");
}

/* Each round of a group takes stack: this match needs more than PCRE2's JIT has of its own. */
static void test_long_text(void)
{
	g_autoptr(Rules) rules = rules_of("rules = ( { name = \"far\"; class = \"outage\"; weight = 1; pattern = \"begin(?:.|\\\\n)+?end\"; } );");
	g_autoptr(GString) text = g_string_new(NULL);
	for (guint i = 0; i < 30000; i++)
		g_string_append(text, "x ");
	g_string_append(text, "begin");
	for (guint i = 0; i < 2500; i++)
		g_string_append(text, "y\n");
	g_string_append(text, "end");
	g_autoptr(RulesResult) result = rules_match(rules, "", text->str);
	g_assert_false(result->limited);
	g_assert_cmpfloat(result->score, ==, 1.0);
}

/* --- an incident's own words --- */

static void test_pattern(void)
{
	g_autoptr(GError) error = NULL;
	RulesPattern *pattern = rules_pattern_new("check-?out|caf\xc3\x89|can't pay", &error);
	g_assert_no_error(error);
	g_assert_true(rules_pattern_matches(pattern, "CHECKOUT", ""));
	g_assert_true(rules_pattern_matches(pattern, "", "the caf\xc3\xa9 site"));
	g_assert_true(rules_pattern_matches(pattern, "", "I can\xe2\x80\x99t pay"));
	g_assert_false(rules_pattern_matches(pattern, "check", "out"));
	rules_pattern_free(pattern);
	rules_pattern_free(NULL);
}

static void test_pattern_refused(void)
{
	g_autofree char *longest = g_strnfill(1024, 'a'), *too_long = g_strnfill(1025, 'a');
	static const char *const wrong[] = { "", "a(b", "x*", "\xff", "\\C" };
	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(rules_pattern_new(wrong[i], &error));
		g_assert_nonnull(error);
	}
	g_autoptr(GError) error = NULL;
	g_assert_null(rules_pattern_new(too_long, &error));
	g_assert_nonnull(strstr(error->message, "1025"));
	g_clear_error(&error);
	RulesPattern *pattern = rules_pattern_new(longest, &error);
	g_assert_no_error(error);
	rules_pattern_free(pattern);
}

/* --- threads --- */

static gpointer match_many(gpointer unused G_GNUC_UNUSED)
{
	guint wrong = 0;
	for (guint round = 0; round < 20; round++) {
		for (guint i = 0; i < G_N_ELEMENTS(outage_samples); i++) {
			g_autoptr(RulesResult) result = rules_match(shipped, outage_samples[i].subject, outage_samples[i].body);
			wrong += (result->score >= THRESHOLD) != outage_samples[i].outage;
		}
	}
	return GUINT_TO_POINTER(wrong);
}

static void test_threads_do_not_mix(void)
{
	GThread *threads[4];
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("match", match_many, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(threads[i])), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	shipped = load_shipped();
	for (guint i = 0; i < G_N_ELEMENTS(outage_samples); i++) {
		const OutageSample *sample = &outage_samples[i];
		g_autofree char *path = g_strdup_printf("/rules/%s/%s", sample->outage ? "outage-found" : "other-mail-left-alone", sample->name);
		g_test_add_data_func(path, sample, test_outage);
	}
	for (guint i = 0; i < G_N_ELEMENTS(class_samples); i++) {
		g_autofree char *path = g_strdup_printf("/rules/classes/%u", i);
		g_test_add_data_func(path, &class_samples[i], test_classes);
	}
	g_test_add_func("/rules/language-told", test_language);
	g_test_add_func("/rules/load/mistakes-named", test_mistakes_named);
	g_test_add_func("/rules/load/no-folder", test_no_folder);
	g_test_add_func("/rules/load/duplicate-in-two-files", test_duplicate_in_two_files);
	g_test_add_func("/rules/weights-and-fields", test_weights_and_fields);
	g_test_add_func("/rules/language-of-rules", test_language_of_rules);
	g_test_add_func("/rules/names-outlive-reload", test_names_outlive_reload);
	g_test_add_func("/rules/index/finds-the-same-in-samples", test_index_on_samples);
	g_test_add_func("/rules/index/finds-the-same-for-all-syntax", test_index_on_syntax);
	g_test_add_func("/rules/limits/no-pattern-hangs", test_no_pattern_hangs);
	g_test_add_func("/rules/limits/limit-is-told", test_limit_is_told);
	g_test_add_func("/rules/limits/long-text", test_long_text);
	g_test_add_func("/rules/incident-words/match", test_pattern);
	g_test_add_func("/rules/incident-words/refused", test_pattern_refused);
	g_test_add_func("/rules/threads-do-not-mix", test_threads_do_not_mix);
	int status = g_test_run();
	rules_unref(shipped);
	return status;
}
