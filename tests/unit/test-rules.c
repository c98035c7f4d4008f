/* test-rules: what the shipped rules say of mail, and what the loader says of wrong files. The sentences are made up. Layer: tests. */
#include "rules-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

#define THRESHOLD 5.0

static Rules *shipped;

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
	g_autoptr(RulesResult) result = rules_fixture_match(shipped, sample->subject, sample->body);
	g_autofree char *names = rules_fixture_joined(result->names);
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
	g_autoptr(RulesResult) result = rules_fixture_match(shipped, "", sample->body);
	g_autofree char *escalate = rules_fixture_joined(result->escalate);
	g_autofree char *sensitive = rules_fixture_joined(result->sensitive);
	g_assert_cmpstr(escalate, ==, sample->escalate);
	g_assert_cmpstr(sensitive, ==, sample->sensitive);
	g_assert_cmpint(result->evidence, ==, sample->evidence);
	g_assert_cmpint(result->still_affected, ==, sample->still_affected);
	g_assert_cmpint(result->recovered, ==, sample->recovered);
}

/* --- escalation: what happened or is demanded, and what only mentions it --- */

static const struct {
	const char *text, *escalate;
} escalations[] = {
	/* money is wanted back, or was wrongly taken */
	{ "We were cut off for nine days. Refund the whole of May, please.", "refund" },
	{ "Give us our deposit back.", "refund" },
	{ "You took the monthly fee twice, on the 3rd and on the 4th.", "refund" },
	{ "A charge of $31.90 is on my statement and I never signed up for anything.", "refund" },
	{ "Every month £12 is debited, and nobody here has ever ordered such a subscription. Why was I charged?", "refund" },
	{ "I ordered a headset, it has the wrong plug, I will send it back and want the money.", "refund" },
	{ "I have disputed the charge with my bank.", "refund" },
	{ "We have been billed after we cancelled the contract in June.", "refund" },
	{ "Unexplained fees turned up on our invoice for August.", "refund" },
	/* not: how refunds work, one under way, prices, taxes, what was meant by back */
	{ "What is your refund policy for annual plans?", "" },
	{ "My refund has not arrived in my account yet.", "" },
	{ "When will the refund be processed?", "" },
	{ "Thanks for the quick refund!", "" },
	{ "Which credit cards do you take, and is there a discount for schools?", "" },
	{ "Is VAT included in the $20 charge?", "" },
	{ "The call hands in 90 rows and gets 30 back.", "" },
	{ "What does one export cost? My quota shows 15 credits for it.", "" },
	{ "Please send the invoice for May, our bookkeeping needs it.", "" },
	{ "Am I going to be charged again next year?", "" },

	/* something happened, or stands open */
	{ "Our mailbox was hacked, how do I secure my account now?", "security" },
	{ "A breach of our customer database was discovered last night, please advise how to prevent further ones.", "security" },
	{ "Someone logged in to my account from a city I have never been to.", "security" },
	{ "I keep receiving verification codes that I never asked for.", "security" },
	{ "A freelancer pushed our API key to a public repository.", "security" },
	{ "Our access token was forwarded to a former contractor.", "security" },
	{ "Any user can read the invoices of others by changing the number in the address.", "privacy,security" },
	{ "There is a withdrawal on my card that I did not make.", "security" },
	{ "Somebody sends mails in your name and asks for card details.", "security" },
	{ "Under attack: we were hit by ransomware, can you cut the line?", "security" },
	/* not: advice, prevention, denial, names of things */
	{ "Which measures do you have against phishing and data breaches?", "" },
	{ "How do you protect customers from hackers?", "" },
	{ "Please send us your guidelines on the security of patient data.", "" },
	{ "I forgot my security question and cannot log in.", "" },
	{ "How do I set up two-factor authentication on a new phone?", "" },
	{ "Is the security update for the app out yet?", "" },
	{ "I saw no suspicious activity, the account is simply locked.", "" },
	{ "Is the connection secure when I pay by card?", "" },

	/* data gone, not data somebody wants to be gone, nor fields that were never filled */
	{ "Two years of notes have vanished from our workspace.", "data-loss" },
	{ "An import has replaced our 900 article texts with placeholders.", "data-loss" },
	{ "We lost the connection to the booking database.", "" },
	{ "The export has missing values in the column for the town.", "" },
	{ "How do I avoid data loss when I change the disk?", "" },
	/* a person's data, not the undoing of one's own click */
	{ "Erase my personal data from your systems.", "privacy" },
	{ "The invoices in our account are made out to another customer.", "privacy" },
	{ "I clicked delete on my account by accident, please restore it.", "" },
	{ "Could you share any information about your training courses?", "" },

	/* German */
	{ "Sie haben mir den Beitrag zweimal abgebucht.", "refund" },
	{ "Auf der Rechnung stehen unerwartete Gebühren.", "refund" },
	{ "Ich will mein Geld zurück für die Tage ohne Netz.", "refund" },
	{ "Wann kommt die Erstattung? Bisher ist nichts auf dem Konto.", "" },
	{ "Wo finde ich die Erstattungsrichtlinien?", "" },
	{ "Unser Konto wurde gehackt, wie können wir uns schützen?", "security" },
	{ "Gestern wurde ein unbefugter Zugriff auf unsere Akten festgestellt.", "security" },
	{ "Welche Maßnahmen zum Schutz vor Phishing empfehlen Sie?", "" },

	/* French */
	{ "Vous m'avez prélevé deux fois ce mois-ci.", "refund" },
	{ "Je demande un remboursement pour les jours sans connexion.", "refund" },
	{ "Quelle est votre politique de remboursement ?", "" },
	{ "Quand vais-je recevoir le remboursement ?", "" },
	{ "Mon compte a été piraté cette nuit.", "security" },
	{ "Quels conseils pour la sécurité et contre le phishing ?", "" },

	/* Spanish */
	{ "Me cobraron dos veces la misma factura.", "refund" },
	{ "Quiero que me devuelvan el dinero de este mes.", "refund" },
	{ "¿Cuál es la política de reembolsos?", "" },
	{ "Alguien entró en mi cuenta y cambió el correo.", "security" },
	{ "¿Qué hacen ustedes para prevenir ataques de phishing?", "" },

	/* Portuguese */
	{ "Fui cobrado duas vezes pela mesma mensalidade.", "refund" },
	{ "Há cobranças indevidas na minha fatura.", "refund" },
	{ "Quando chega o reembolso?", "" },
	{ "Minha conta foi hackeada ontem.", "security" },
	{ "Quais são as boas práticas de segurança contra golpes?", "" },

	/* Italian */
	{ "Mi avete addebitato due volte il canone.", "refund" },
	{ "Voglio il rimborso dei giorni senza linea.", "refund" },
	{ "Quali sono le condizioni di rimborso?", "" },
	{ "Qualcuno ha usato il mio account, la password era rubata.", "security" },
	{ "Avete consigli per la sicurezza e per evitare frodi?", "" },

	/* Dutch */
	{ "Het bedrag is dubbel afgeschreven van mijn rekening.", "refund" },
	{ "Ik wil mijn geld terug voor de dagen zonder internet.", "refund" },
	{ "Wanneer komt de terugbetaling?", "" },
	{ "Ons account is gehackt, er worden berichten verstuurd.", "security" },
	{ "Hebben jullie tips over beveiliging om phishing te voorkomen?", "" },

	/* Japanese: charged twice; money back; when does it come; hijacked; how to guard against it */
	{ "今月の料金が二重に請求されています。", "refund" },
	{ "使えなかった日の分を返金してください。", "refund" },
	{ "返金はいつ反映されますか。", "" },
	{ "アカウントが乗っ取られました。", "security" },
	{ "フィッシング対策の方法を教えてください。", "" },
};

static void test_escalations(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(escalations); i++) {
		g_autoptr(RulesResult) result = rules_fixture_match(shipped, "", escalations[i].text);
		g_autofree char *escalate = rules_fixture_joined(result->escalate);

		if (strcmp(escalate, escalations[i].escalate) != 0)
			g_test_message("\"%s\": \"%s\", not \"%s\"", escalations[i].text, escalate, escalations[i].escalate);
		if (strcmp(escalate, escalations[i].escalate) != 0)
			g_test_fail();
	}
}

/* --- files --- */

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
	  { "a.conf:2: the pattern cannot be used: missing closing parenthesis at offset 3" } },
	{ "rules = (\n { name = \"a\"; class = \"evidence\"; pattern = \"x*\"; } );",
	  { "a.conf:2: the pattern cannot be used: it matches the empty text and so would match every message" } },
	{ "rules = (\n { name = \"a\"; class = \"evidence\"; pattern = \"x\"; },\n { name = \"a\"; class = \"evidence\"; pattern = \"y\"; } );",
	  { "a.conf:3: there is already a rule \"a\" at " } },
	{ "rules = (\n { name = \"a\"; class = \"outage\"; pattern = \"x\"; } );",
	  { "a.conf:2: the rule has no \"weight\", which class outage needs" } },
	{ "rules = (\n { name = \"a\"; class = \"evidence\"; weight = 2; pattern = \"x\"; } );",
	  { "a.conf:2: \"weight\" means nothing for class evidence" } },
	{ "rules = (\n { name = \"a\"; class = \"escalate.legal\"; weight = -30; pattern = \"x\"; } );",
	  { "a.conf:2: weight -30 is out of range: -20 to 20" } },
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
	  { "a.conf:2: unknown class \"x\"", "a.conf:3: the pattern cannot be used: ", "a.conf:4: weight 99 is out of range: -20 to 20",
	    "a.conf:5: unknown key \"more\"" } },
};

static void test_mistakes_named(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(wrong_files); i++) {
		char *dir = rules_fixture_dir();
		rules_fixture_put(dir, "a.conf", wrong_files[i].text);
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
		rules_fixture_remove(dir);
	}
}

static void test_no_folder(void)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	char *dir = rules_fixture_dir();
	g_autofree char *missing = g_build_filename(dir, "none", NULL);
	g_assert_null(rules_load(missing, mistakes));
	g_assert_cmpuint(mistakes->len, ==, 1);
	g_assert_nonnull(strstr(g_ptr_array_index(mistakes, 0), missing));

	g_autoptr(Rules) rules = rules_load(dir, mistakes);
	g_assert_nonnull(rules);
	g_assert_cmpuint(mistakes->len, ==, 2);
	g_assert_nonnull(strstr(g_ptr_array_index(mistakes, 1), "no rules file"));
	rules_fixture_remove(dir);
}

static void test_duplicate_in_two_files(void)
{
	char *dir = rules_fixture_dir();
	rules_fixture_put(dir, "b.conf", "rules = ( { name = \"same\"; class = \"evidence\"; pattern = \"x\"; } );");
	rules_fixture_put(dir, "a.conf", "\nrules = ( { name = \"same\"; class = \"evidence\"; pattern = \"x\"; } );");
	rules_fixture_put(dir, "a.conf~", "this is no rules file");
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Rules) rules = rules_load(dir, mistakes);
	g_assert_cmpuint(mistakes->len, ==, 1);
	g_autofree char *wanted = g_strdup_printf("%s/b.conf:1: there is already a rule \"same\" at %s/a.conf:2", dir, dir);
	g_assert_cmpstr(g_ptr_array_index(mistakes, 0), ==, wanted);
	g_assert_cmpuint(rules_count(rules), ==, 1);
	rules_fixture_remove(dir);
}

/* --- how rules count --- */

static void test_weights_and_fields(void)
{
	g_autoptr(Rules) rules = rules_fixture_of(
		"words = { thing = \"cat|dog\"; };\n"
		"rules = (\n"
		" { name = \"light\"; class = \"outage\"; weight = 1; pattern = \"\\\\b{{thing}}s?\\\\b\"; },\n"
		" { name = \"against\"; class = \"outage\"; weight = -7.5; pattern = \"bird\"; },\n"
		" { name = \"heavy\"; class = \"outage\"; weight = 3; pattern = \"fish\"; },\n"
		" { name = \"top\"; class = \"outage\"; field = \"subject\"; weight = 10; pattern = \"worm\"; },\n"
		" { name = \"text\"; class = \"outage\"; field = \"body\"; weight = 0.5; pattern = \"snail\"; } );");
	g_autoptr(RulesResult) result = rules_fixture_match(rules, "fish snail FISH", "CATS, a bird and a dog, fish; worm");
	g_autofree char *names = rules_fixture_joined(result->names);
	g_assert_cmpstr(names, ==, "against,heavy,light");
	g_assert_cmpfloat(result->score, ==, -3.5);

	g_autoptr(RulesResult) swapped = rules_fixture_match(rules, "worm", "snail");
	g_assert_cmpfloat(swapped->score, ==, 10.5);
}

/* Half a weight wants company, one below 0 takes away, and in a text of unknown language no pack helps another. */
static void test_weights_of_escalations(void)
{
	g_autoptr(Rules) rules = rules_fixture_of(
		"rules = (\n"
		" { name = \"whole\"; class = \"escalate.legal\"; pattern = \"court\"; },\n"
		" { name = \"some\"; class = \"escalate.refund\"; weight = 0.7; pattern = \"charged\"; },\n"
		" { name = \"more\"; class = \"escalate.refund\"; weight = 0.2; pattern = \"wrong\"; },\n"
		" { name = \"last\"; class = \"escalate.refund\"; weight = 0.1; pattern = \"again\"; },\n"
		" { name = \"against\"; class = \"escalate.legal\"; weight = -1; pattern = \"tennis\"; },\n"
		" { name = \"german\"; class = \"escalate.security\"; language = \"de\"; weight = 0.5; pattern = \"virus\"; },\n"
		" { name = \"dutch\"; class = \"escalate.security\"; language = \"nl\"; weight = 0.5; pattern = \"virus\"; },\n"
		" { name = \"any\"; class = \"escalate.security\"; weight = 0.5; pattern = \"trojan\"; } );");
	static const struct {
		const char *body, *escalate;
	} cases[] = {
		{ "court court", "legal" },
		{ "tennis court", "" },
		{ "charged charged", "" },
		{ "charged, wrong, again", "refund" },
		{ "charged, wrong", "" },
		{ "court; charged wrong again", "legal,refund" },
		{ "virus", "" },
		{ "virus, trojan", "security" },
	};
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RulesResult) result = rules_fixture_match(rules, "", cases[i].body);
		g_autofree char *escalate = rules_fixture_joined(result->escalate);
		g_assert_cmpstr(escalate, ==, cases[i].escalate);
	}
}

static void test_language_of_rules(void)
{
	g_autoptr(Rules) rules = rules_fixture_of(
		"language = \"de\";\n"
		"rules = (\n"
		" { name = \"german\"; class = \"outage\"; weight = 1; pattern = \"server\"; },\n"
		" { name = \"english\"; class = \"outage\"; language = \"en-GB\"; weight = 2; pattern = \"server\"; },\n"
		" { name = \"any\"; class = \"outage\"; language = \"*\"; weight = 4; pattern = \"server\"; } );");
	g_autoptr(RulesResult) german = rules_fixture_match(rules, "", "Seit heute ist der Server nicht mehr da und wir warten.");
	g_assert_cmpfloat(german->score, ==, 5.0);
	g_autoptr(RulesResult) english = rules_fixture_match(rules, "", "Since this morning the server is not there and we are waiting.");
	g_assert_cmpfloat(english->score, ==, 6.0);
	g_autoptr(RulesResult) unknown = rules_fixture_match(rules, "", "Server?");
	/* A word that is the same in two languages does not count twice. */
	g_assert_cmpfloat(unknown->score, ==, 6.0);
	g_autofree char *names = rules_fixture_joined(unknown->names);
	g_assert_cmpstr(names, ==, "any,english");
}

/* At the start the site's own language is made ready, and not what takes a second: all the others. */
static void test_own_language_is_ready_first(void)
{
	g_autoptr(Rules) rules = rules_fixture_of(
		"rules = (\n"
		" { name = \"any\"; class = \"outage\"; weight = 1; pattern = \"one\"; },\n"
		" { name = \"german\"; class = \"outage\"; language = \"de\"; weight = 1; pattern = \"two\"; },\n"
		" { name = \"french\"; class = \"outage\"; language = \"fr\"; weight = 1; pattern = \"three\"; } );");
	rules_warm_language(rules, "de-AT");
	for (guint i = 0; i < rules->packs->len; i++) {
		const RulePack *pack = g_ptr_array_index(rules->packs, i);
		g_assert_cmpint(pack->ready, ==, strcmp(pack->language, "fr") != 0);
	}
	g_autoptr(Rules) next = rules_fixture_of("rules = ( { name = \"f\"; class = \"outage\"; language = \"fr\"; weight = 1; pattern = \"x\"; },"
		" { name = \"g\"; class = \"outage\"; language = \"de\"; weight = 1; pattern = \"x\"; } );");
	rules_warm(next, rules);
	for (guint i = 0; i < next->packs->len; i++) {
		const RulePack *pack = g_ptr_array_index(next->packs, i);
		g_assert_cmpint(pack->ready, ==, strcmp(pack->language, "de") == 0);
	}
}

static void test_names_outlive_reload(void)
{
	Rules *rules = rules_fixture_of("rules = ( { name = \"short_lived\"; class = \"outage\"; weight = 1; pattern = \"x\"; } );");
	g_autoptr(RulesResult) result = rules_fixture_match(rules, "", "x");
	rules_unref(rules);
	g_assert_cmpstr(g_ptr_array_index(result->names, 0), ==, "short_lived");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	shipped = rules_fixture_shipped();
	for (guint i = 0; i < G_N_ELEMENTS(outage_samples); i++) {
		const OutageSample *sample = &outage_samples[i];
		g_autofree char *path = g_strdup_printf("/rules/%s/%s", sample->outage ? "outage-found" : "other-mail-left-alone", sample->name);
		g_test_add_data_func(path, sample, test_outage);
	}
	for (guint i = 0; i < G_N_ELEMENTS(class_samples); i++) {
		g_autofree char *path = g_strdup_printf("/rules/classes/%u", i);
		g_test_add_data_func(path, &class_samples[i], test_classes);
	}
	g_test_add_func("/rules/escalations", test_escalations);
	g_test_add_func("/rules/weights-of-escalations", test_weights_of_escalations);
	g_test_add_func("/rules/load/mistakes-named", test_mistakes_named);
	g_test_add_func("/rules/load/no-folder", test_no_folder);
	g_test_add_func("/rules/load/duplicate-in-two-files", test_duplicate_in_two_files);
	g_test_add_func("/rules/weights-and-fields", test_weights_and_fields);
	g_test_add_func("/rules/language-of-rules", test_language_of_rules);
	g_test_add_func("/rules/names-outlive-reload", test_names_outlive_reload);
	g_test_add_func("/rules/own-language-is-ready-first", test_own_language_is_ready_first);
	int status = g_test_run();
	rules_unref(shipped);
	return status;
}
