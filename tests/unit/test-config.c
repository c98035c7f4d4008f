/* test-config: what an operator writes into outage-milter.conf, and what the program makes of it. */
#include <glib/gstdio.h>
#include <string.h>

#include "config/config.h"
#include "config/settings.h"
#include "inspect/accounts.h"

typedef struct {
	char *dir, *file;
	GPtrArray *mistakes;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->dir = g_dir_make_tmp("test-config-XXXXXX", NULL);
	g_assert_nonnull(fixture->dir);
	fixture->file = g_build_filename(fixture->dir, "outage-milter.conf", NULL);
	fixture->mistakes = g_ptr_array_new_with_free_func(g_free);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	g_remove(fixture->file);
	g_rmdir(fixture->dir);
	g_free(fixture->file);
	g_free(fixture->dir);
	g_ptr_array_unref(fixture->mistakes);
}

static Config *load_bytes(Fixture *fixture, const char *text, gssize size)
{
	g_ptr_array_set_size(fixture->mistakes, 0);
	g_assert_true(g_file_set_contents(fixture->file, text, size, NULL));
	return config_load(fixture->file, fixture->mistakes);
}

/* Loads text, which must be free of mistakes. */
static Config *load(Fixture *fixture, const char *text)
{
	Config *config = load_bytes(fixture, text, -1);

	for (guint i = 0; i < fixture->mistakes->len; i++)
		g_test_message("%s", (char *)g_ptr_array_index(fixture->mistakes, i));
	g_assert_cmpuint(fixture->mistakes->len, ==, 0);
	g_assert_nonnull(config);
	return config;
}

/* Returns the mistakes without the file's name, joined by newlines. */
static char *mistakes_of(Fixture *fixture, const char *text, gssize size)
{
	g_autoptr(Config) config = load_bytes(fixture, text, size);
	g_autoptr(GString) joined = g_string_new(NULL);

	for (guint i = 0; i < fixture->mistakes->len; i++) {
		const char *mistake = g_ptr_array_index(fixture->mistakes, i);
		g_assert_true(g_str_has_prefix(mistake, fixture->file));
		g_string_append_printf(joined, "%s%s", i > 0 ? "\n" : "", mistake + strlen(fixture->file) + 1);
	}
	return g_string_free(g_steal_pointer(&joined), FALSE);
}

static const struct {
	const char *name, *text, *mistakes;
} mistaken[] = {
	{ "unknown-setting", "mode = \"live\";\n\nmoed = 1;\n", "3: unknown setting moed; did you mean mode?" },
	{ "unknown-in-group", "reply = {\n  relya = \"smtp://a:25\";\n};\n", "2: unknown setting reply.relya; did you mean reply.relay?" },
	{ "setting-outside-its-group", "retention = \"30d\";\n", "1: unknown setting retention; did you mean privacy.retention?" },
	{ "unknown-without-near", "zzz = { a = 1; };\n", "1: unknown setting zzz" },
	{ "wrong-case", "Mode = \"live\";\n", "1: unknown setting Mode; did you mean mode?" },
	{ "wrong-type", "reply = { tries = \"many\"; };\n", "1: reply.tries: a whole number is wanted, not a text in quotes" },
	{ "group-for-scalar", "mode = { };\n", "1: mode: a word in quotes is wanted, not a group { ... }" },
	{ "scalar-for-group", "reply = 1;\n", "1: reply: a group { ... } is wanted, not a whole number" },
	{ "boolean-as-number", "route = { always = 1; };\n", "1: route.always: true or false is wanted, not a whole number" },
	{ "unknown-word", "mode = \"alive\";\n", "1: mode: \"alive\" is none of shadow, live" },
	{ "above-range", "qa = { sample = 101; };\n", "1: qa.sample: 101 is out of range (0 to 100)" },
	{ "below-range", "qa = { sample = -1; };\n", "1: qa.sample: -1 is out of range (0 to 100)" },
	{ "duration-range", "store = { timeout = \"1h\"; };\n", "1: store.timeout: 1h is out of range (10ms to 30s)" },
	{ "duration-without-unit", "drain = 30;\n",
	  "1: drain: \"30\" is not a duration in quotes such as \"30s\" or \"1h30m\"" },
	{ "size-unit", "body = { limit = \"256Q\"; };\n", "1: body.limit: \"256Q\" is not a size such as \"256K\"" },
	{ "size-overflow", "body = { limit = \"18446744073709551615G\"; };\n",
	  "1: body.limit: \"18446744073709551615G\" is not a size such as \"256K\"" },
	{ "number-beyond-32-bits", "qa = {\n sample = 4294967306; };\n", "2: 4294967306 is too large a number" },
	{ "mode-not-octal", "socket_mode = \"0680\";\n",
	  "1: socket_mode: \"0680\" is not octal permissions in quotes such as \"0660\"" },
	{ "bad-address", "support = ( \"nobody\" );\n", "1: support: \"nobody\" is no mail address" },
	{ "support-without-address", "support = (\n  { plus = true; }\n);\n", "2: support: an entry needs either an address or a domain" },
	{ "support-with-both", "support = ( { address = \"a@b.example\"; domain = \"b.example\"; } );\n",
	  "1: support: an entry needs either an address or a domain" },
	{ "support-twice", "support = ( \"a@b.example\",\n { address = \"c@b.example\"; aliases = ( \"A@B.example\" ); } );\n",
	  "2: support: c@b.example or an alias of it stands in the list already" },
	{ "support-typo", "support = ( { adress = \"a@b.example\"; } );\n",
	  "1: unknown setting support.adress; did you mean support.address?" },
	{ "list-element", "trusted_hosts = ( \"10.0.0.1\",\n  \"10.0.0.300\" );\n",
	  "2: trusted_hosts: entry 2: \"10.0.0.300\" is no IP address and no network with its host bits zero, such as 192.0.2.0/24" },
	{ "host-bits", "trusted_hosts = \"10.0.0.1/8\";\n",
	  "1: trusted_hosts: entry 1: \"10.0.0.1/8\" is no IP address and no network with its host bits zero, such as 192.0.2.0/24" },
	{ "list-of-numbers", "canary = ( 1 );\n",
	  "1: canary: entry 1: a mail address or \"@domain\" in quotes is wanted, not a whole number" },
	{ "postfix-socket", "socket = \"inet:127.0.0.1:8890\";\n",
	  "1: socket: \"inet:127.0.0.1:8890\": write inet:PORT@HOST here (inet:HOST:PORT is Postfix's form)" },
	{ "relative-socket", "socket = \"unix:milter.sock\";\n",
	  "1: socket: \"unix:milter.sock\": the path is not absolute or longer than 103 bytes" },
	{ "relative-state-dir", "state_dir = \"state\";\n", "1: state_dir: \"state\" is not an absolute path" },
	{ "relay-scheme", "reply = { relay = \"127.0.0.1:25\"; };\n",
	  "1: reply.relay: \"127.0.0.1:25\" is no SMTP URL: smtp://HOST:PORT or smtps://HOST:PORT" },
	{ "nameserver-name", "spf = { nameserver = \"dns.example.com\"; };\n",
	  "1: spf.nameserver: \"dns.example.com\" is no IP address, with or without a port" },
	{ "nameserver-port", "spf = { nameserver = \"127.0.0.1:99999\"; };\n",
	  "1: spf.nameserver: \"127.0.0.1:99999\" is no IP address, with or without a port" },
	{ "nameserver-brackets", "spf = { nameserver = \"[127.0.0.1]:53\"; };\n",
	  "1: spf.nameserver: \"[127.0.0.1]:53\" is no IP address, with or without a port" },
	{ "bounce-long", "reply = { bounce_address = \"a-very-long-bounce-name@example.com\"; };\n",
	  "1: reply.bounce_address: \"a-very-long-bounce-name@example.com\": the part before the @ may have 14 letters, digits, \".\", "
	  "\"_\" and \"-\", so that there is room for a tag" },
	{ "bounce-plus", "reply = { bounce_address = \"b+x@example.com\"; };\n",
	  "1: reply.bounce_address: \"b+x@example.com\": the part before the @ may have 14 letters, digits, \".\", \"_\" and \"-\", so "
	  "that there is room for a tag" },
	{ "bounce-is-support", "support = ( \"help@example.com\" );\nreply = { bounce_address = \"help@example.com\"; };\n",
	  "2: reply.bounce_address: help@example.com is a support address; bounces need one of their own" },
	{ "bounce-and-envelope", "reply = { bounce_address = \"b@example.com\";\n envelope_sender = \"a@example.com\"; };\n",
	  "2: reply.bounce_address and reply.envelope_sender exclude each other: replies carry one envelope sender" },
	{ "relay-path", "reply = { relay = \"smtp://mx/x\"; };\n", "1: reply.relay: \"smtp://mx/x\": only a host and a port may stand in it" },
	{ "http-url", "playbook = { P1 = { status_url = \"http://s.example\"; }; };\n",
	  "1: playbook.P1.status_url: \"http://s.example\" is no https URL" },
	{ "url-not-covered", "reply = { url_domains = ( \"good.example\" ); };\nplaybook = { P1 = {\n status_url = \"https://bad.example/\"; }; };\n",
	  "3: playbook.P1.status_url: bad.example is not covered by reply.url_domains, so that no reply would carry the link" },
	{ "timezone", "site = { timezone = \"Europe/Nowhere\"; };\n",
	  "1: site.timezone: \"Europe/Nowhere\" is no time zone of this machine" },
	{ "prefix-without-colon", "store = { prefix = \"outage\"; };\n",
	  "1: store.prefix: \"outage\" does not end in \":\" or is longer than 64 bytes" },
	{ "empty-prefix", "store = { prefix = \"\"; };\n", "1: store.prefix: the text is empty" },
	{ "header-prefix-takes-all", "header_prefix = \"X-\";\n", "1: header_prefix: \"X-\" would remove headers that are not ours" },
	{ "header-prefix-takes-received", "header_prefix = \"Received-\";\n",
	  "1: header_prefix: \"Received-\" would remove headers that are not ours, such as Received-SPF" },
	{ "retry-order", "reply = {\n retry_first = \"2h\";\n};\n", "2: reply.retry_first is longer than reply.retry_max" },
	{ "route-without-queue", "routes = ( { name = \"a\"; } );\n", "1: routes: a route without a queue" },
	{ "route-condition", "routes = ( { queue = \"a\"; when = { escalated = ( \"legal\" ); }; } );\n",
	  "1: unknown setting routes.when.escalated; did you mean routes.when.escalate?" },
	{ "route-severity", "routes = ( { queue = \"a\"; when = { severity = ( \"P4\" ); }; } );\n",
	  "1: routes.when.severity: entry 1: \"P4\" is none of P1, P2, P3, resolved" },
	{ "route-sets-received", "routes = ( { queue = \"a\"; headers = ( { name = \"Received\"; value = \"x\"; } ); } );\n",
	  "1: routes.headers.name: \"Received\" is a header that mail itself stands on and cannot be used here" },
	{ "route-sets-arc", "routes = ( { queue = \"a\"; headers = ( { name = \"arc-seal\"; value = \"x\"; } ); } );\n",
	  "1: routes.headers.name: \"arc-seal\" is a header that mail itself stands on and cannot be used here" },
	{ "route-sets-our-header", "routes = ( { queue = \"a\"; headers = ( { name = \"X-Outage-Ack\"; value = \"x\"; } ); } );\n",
	  "1: routes.headers: X-Outage-Ack is one of our own headers" },
	{ "header-injection", "routes = ( { queue = \"a\"; headers = ( { name = \"X-A\"; value = \"x\\r\\nBcc: a\"; } ); } );\n",
	  "1: routes.headers.value: the text has control characters" },
	{ "route-would-lose-mail", "routes = ( { queue = \"a\"; replace_recipients = true; } );\n",
	  "1: routes: replace_recipients without add_recipients would leave nobody" },
	{ "two-mistakes-in-order", "reply = { tries = 0; };\n\nmode = 1;\n",
	  "1: reply.tries: 0 is out of range (1 to 1000)\n3: mode: a word in quotes is wanted, not a whole number" },
	{ "syntax", "mode = \"live\";\n= ;\n", "2: syntax error" },
	{ "open-string", "mode = \"live;\n", "2: syntax error" },
	{ "twice", "mode = \"live\";\nmode = \"live\";\n", "2: duplicate setting name" },
	{ "include-of-a-folder", "mode = \"live\";\n@include \"/\"\n", "2: @include is not supported: the configuration is one file" },
	{ "not-utf8", "# \n# \xff\n", "2: not UTF-8 (or a NUL byte)" },
	{ "escape-not-utf8", "site = { name = \"\\xff\"; };\n", "1: site.name: the text is not UTF-8" },
	{ "control-characters-escaped", "mode = \"\\x1b[2J\";\n", "1: mode: \"\\x1b[2J\" is none of shadow, live" },
};

static void test_mistake(Fixture *fixture, gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autofree char *mistakes = mistakes_of(fixture, mistaken[i].text, -1);

	g_assert_cmpstr(mistakes, ==, mistaken[i].mistakes);
}

static void test_nul_byte(Fixture *fixture, gconstpointer data)
{
	static const char text[] = "mode = \"live\";\n\0qa = 1;";
	g_autofree char *mistakes = mistakes_of(fixture, text, sizeof text - 1);

	(void)data;
	g_assert_cmpstr(mistakes, ==, "2: not UTF-8 (or a NUL byte)");
}

static void test_missing_file(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Config) config = config_load(fixture->file, fixture->mistakes);

	(void)data;
	g_assert_null(config);
	g_assert_cmpuint(fixture->mistakes->len, ==, 1);
	g_assert_nonnull(strstr(g_ptr_array_index(fixture->mistakes, 0), fixture->file));
}

static void test_folder_for_file(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Config) config = config_load(fixture->dir, fixture->mistakes);

	(void)data;
	g_assert_null(config);
	g_assert_cmpuint(fixture->mistakes->len, ==, 1);
}

/* Fails with the names of settings that differ. */
static void assert_same_settings(const Config *one, const Config *other)
{
	g_autoptr(GString) different = g_string_new(NULL);

	for (gsize i = 0; i < settings_main.count; i++)
		if (!setting_equal(&settings_main.rows[i], one, other))
			g_string_append_printf(different, " %s", settings_main.rows[i].name);
	g_assert_cmpstr(different->str, ==, "");
}

/* A cap meant for one company must not hit all customers of a large provider, nor the other way round. */
static void test_shared_domains(Fixture *fixture, gconstpointer data)
{
	g_autofree char *path = g_build_filename(fixture->dir, "shared", NULL);
	g_autoptr(Config) config = NULL, broken = NULL, shipped = NULL, without = NULL;
	g_autofree char *shipped_path = g_test_build_filename(G_TEST_DIST, "conf", "shared-domains", NULL);
	g_autofree char *shipped_text = g_strdup_printf("ack = { shared_domains_file = \"%s\"; };\n", shipped_path);
	static const char text[] = "ack = { shared_domains_file = \"shared\"; shared_domains = ( \"more.example\" ); };\n";

	(void)data;
	g_assert_true(g_file_set_contents(path, "# ours\n\nMail.Example # a comment\nb\303\274cher.example\n", -1, NULL));
	config = load(fixture, text);
	g_assert_true(config_domain_is_shared(config, "mail.example"));
	g_assert_true(config_domain_is_shared(config, "uk.mail.example"));
	g_assert_true(config_domain_is_shared(config, "xn--bcher-kva.example"));
	g_assert_true(config_domain_is_shared(config, "more.example"));
	g_assert_false(config_domain_is_shared(config, "gmail.example"));
	g_assert_false(config_domain_is_shared(config, "example"));
	g_assert_false(config->shared_file_missing);
	g_assert_true(g_file_set_contents(path, "good.example\nno domain\n", -1, NULL));
	broken = load_bytes(fixture, text, -1);
	g_assert_cmpuint(fixture->mistakes->len, ==, 1);
	g_assert_nonnull(strstr(g_ptr_array_index(fixture->mistakes, 0), "/shared:2: \"no domain\" is no domain"));
	g_remove(path);
	without = load(fixture, text);
	g_assert_true(without->shared_file_missing);
	shipped = load(fixture, shipped_text);
	g_assert_true(config_domain_is_shared(shipped, "gmail.com"));
	g_assert_true(config_domain_is_shared(shipped, "outlook.com"));
	g_assert_false(config_domain_is_shared(shipped, "example.com"));
}

/* Which hosts are relays and which hand in forms are two questions. */
static void test_host_lists(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Config) config = load(fixture,
	    "spf = { trusted_relays = ( \"192.0.2.0/28\", \"2001:db8::7\" ); nameserver = \"[::1]:5353\"; };\n"
	    "answer = { form_hosts = ( \"198.51.100.9\" ); };\n");

	(void)data;
	g_assert_true(config_is_relay(config, "192.0.2.3"));
	g_assert_true(config_is_relay(config, "::ffff:192.0.2.3"));
	g_assert_true(config_is_relay(config, "2001:DB8:0::7"));
	g_assert_false(config_is_relay(config, "192.0.2.16"));
	g_assert_false(config_is_relay(config, "198.51.100.9"));
	g_assert_false(config_is_relay(config, NULL));
	g_assert_true(config_is_form_host(config, "198.51.100.9"));
	g_assert_false(config_is_form_host(config, "192.0.2.3"));
	g_assert_cmpstr(config->spf_nameserver, ==, "[::1]:5353");
}

static void test_empty_file_is_all_defaults(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Config) config = load(fixture, "rules = { dir = \"" SYSCONFDIR "/outage-milter/rules\"; };\n"
	    "model = { file = \"" SYSCONFDIR "/outage-milter/model/outage.model\"; };\n"
	    "template = { dir = \"" SYSCONFDIR "/outage-milter/templates\"; };\n"
	    "ack = { shared_domains_file = \"" SYSCONFDIR "/outage-milter/shared-domains\"; };\n");
	g_autoptr(Config) defaults = config_defaults();

	(void)data;
	assert_same_settings(config, defaults);
	g_assert_cmpint(config->mode, ==, MODE_SHADOW);
	g_assert_null(config->support[0]);
	g_assert_cmpint(config->body_limit, ==, 256 * 1024);
	g_assert_cmpint(config->stale_after, ==, 600 * 1000);
	g_assert_cmpint(config->socket_mode, ==, 0660);
	g_assert_cmpfloat(config->threshold[SEVERITY_RESOLVED], ==, 5.0);
	g_assert_null(config->playbook[SEVERITY_P1].title);
	g_assert_cmpint((int)g_strv_length(config->spam_headers), ==, 6);
	g_assert_true(config->spf_enabled);
	g_assert_cmpint(config->spf_timeout, ==, 2000);
}

/* Takes the # away in front of every setting and its further lines: they have no space behind it, comments do. */
static char *uncomment(const char *sample)
{
	g_auto(GStrv) lines = g_strsplit(sample, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		char *mark = *line + strspn(*line, "\t");
		if (mark[0] == '#' && mark[1] != ' ' && mark[1] != '\0')
			memmove(mark, mark + 1, strlen(mark));
	}
	return g_strjoinv("\n", lines);
}

static void test_sample_shows_the_defaults(Fixture *fixture, gconstpointer data)
{
	g_autofree char *sample = config_sample();
	g_autofree char *text = uncomment(sample);
	g_autoptr(Config) as_is = load(fixture, sample);
	g_autoptr(Config) explicit = load(fixture, text);

	(void)data;
	assert_same_settings(as_is, explicit);
	g_assert_null(as_is->support[0]);
	g_assert_cmpstr(explicit->support[0]->address, ==, "support@example.com");
	for (gsize i = 0; i < settings_main.count; i++) {
		g_autofree char *line = g_strdup_printf("%s = ", strrchr(settings_main.rows[i].name, '.') != NULL ?
		    strrchr(settings_main.rows[i].name, '.') + 1 : settings_main.rows[i].name);
		g_assert_nonnull(strstr(text, line));
	}
}

static void assert_file_is(const char *folder, const char *name, const char *text)
{
	g_autofree char *path = g_test_build_filename(G_TEST_DIST, folder, name, NULL);
	g_autofree char *found = NULL;
	g_autoptr(GError) error = NULL;

	g_file_get_contents(path, &found, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(found, ==, text);
}

static void test_committed_files_follow_the_table(void)
{
	g_autofree char *sample = config_sample(), *manual = config_manual();

	assert_file_is("conf", "outage-milter.conf", sample);
	assert_file_is("man", "outage-milter.conf.5", manual);
}

static void test_paths_count_from_the_folder(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Config) config = load(fixture,
	    "rules = { dir = \"../rules\"; };\ntemplate = { dir = \"/srv/t\"; };\nstore = { url = \"sqlite:state.db\"; };\n");
	g_autofree char *parent = g_path_get_dirname(fixture->dir);
	g_autofree char *rules = g_build_filename(parent, "rules", NULL);
	g_autofree char *url = g_strdup_printf("sqlite:%s/state.db", fixture->dir);
	g_autofree char *secret = config_secret_path(config);

	(void)data;
	g_assert_cmpstr(config->dir, ==, fixture->dir);
	g_assert_cmpstr(config->rules_dir, ==, rules);
	g_assert_cmpstr(config->template_dir, ==, "/srv/t");
	g_assert_cmpstr(config->store_url, ==, url);
	g_assert_cmpstr(secret, ==, "/var/lib/outage-milter/secret");
}

static void test_values_are_normalised(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Config) config = load(fixture,
	    "auth = { trusted_ids = ( \"MX.Example.COM\" ); };\n"
	    "answer = { list_ids = ( \"<Support.Lists.example.com>\" ); };\n"
	    "reply = { url_domains = \"B\xc3\xbc" "cher.example\"; from = \"Help@Example.COM\"; timeout = \"1m30s\"; };\n"
	    "canary = ( \"Me@Example.com\", \"@Partner.Example\" );\n"
	    "playbook = { P2 = { update_every = \"30m\"; title = \"\"; scope = \"a\\nb\"; }; };\n"
	    "match = { threshold = { P3 = 7; }; };\n"
	    "secret_file = \"secret\";\n");
	g_autofree char *secret = config_secret_path(config);
	g_autofree char *expected = g_build_filename(fixture->dir, "secret", NULL);

	(void)data;
	g_assert_cmpstr(config->authserv_ids[0], ==, "mx.example.com");
	g_assert_cmpstr(config->list_ids[0], ==, "support.lists.example.com");
	g_assert_cmpstr(config->url_domains[0], ==, "xn--bcher-kva.example");
	g_assert_cmpstr(config->reply_from, ==, "Help@example.com");
	g_assert_cmpint(config->reply_timeout, ==, 90 * 1000);
	g_assert_cmpstr(config->canary[0], ==, "me@example.com");
	g_assert_cmpstr(config->canary[1], ==, "@partner.example");
	g_assert_cmpint(config->playbook[SEVERITY_P2].update_every, ==, 1800);
	g_assert_null(config->playbook[SEVERITY_P2].title);
	g_assert_cmpstr(config->playbook[SEVERITY_P2].scope, ==, "a\nb");
	g_assert_cmpfloat(config->threshold[SEVERITY_P3], ==, 7.0);
	g_assert_cmpstr(secret, ==, expected);
}

static const char support_text[] =
	"support = ( \"Support@Example.com\",\n"
	"  { address = \"vip@example.com\"; aliases = ( \"gold@example.net\" ); plus = false; mode = \"live\"; threshold = 3.5;\n"
	"    from_name = \"Gold desk\"; incidents = ( \"default\", \"eu-west\" ); },\n"
	"  { address = \"support+de@example.com\"; language = \"DE-at\"; },\n"
	"  { domain = \"Help.Example.com\"; } );\n";

static const struct {
	const char *rcpt;
	int entry; /* -1: none of ours */
} recipients[] = {
	{ "support@example.com", 0 }, { "<SUPPORT@EXAMPLE.COM>", 0 }, { "support+x@example.com", 0 },
	{ "support+de@example.com", 2 }, { "support+de+x@example.com", 0 },
	{ "vip@example.com", 1 }, { "gold@example.net", 1 }, { "vip+x@example.com", -1 }, { "gold+x@example.net", -1 },
	{ "anything@help.example.com", 3 }, { "a+b@HELP.example.com.", 3 }, { "a@sub.help.example.com", -1 },
	{ "sales@example.com", -1 }, { "support@example.org", -1 }, { "", -1 }, { "<>", -1 }, { "support", -1 },
};

static void test_recipients_find_their_support_address(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Config) config = load(fixture, support_text);

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(recipients); i++) {
		const SupportAddress *found = config_support(config, recipients[i].rcpt);
		g_test_message("%s", recipients[i].rcpt);
		g_assert_true(found == (recipients[i].entry < 0 ? NULL : config->support[recipients[i].entry]));
	}
	g_assert_null(config_support(config, NULL));
	g_assert_cmpint(config->support[0]->mode, ==, -1);
	g_assert_cmpfloat(config->support[0]->threshold, <, 0);
	g_assert_true(config->support[0]->plus);
	g_assert_cmpint(config->support[1]->mode, ==, MODE_LIVE);
	g_assert_cmpfloat(config->support[1]->threshold, ==, 3.5);
	g_assert_cmpstr(config->support[1]->incidents[1], ==, "eu-west");
	g_assert_cmpstr(config->support[2]->language, ==, "de-at");
	g_assert_null(config->support[3]->address);
}

static void test_trusted_hosts(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Config) config = load(fixture, "trusted_hosts = [ \"192.0.2.0/24\", \"10.1.2.3\", \"2001:db8::/32\" ];\n");
	g_autoptr(Config) none = config_defaults();

	(void)data;
	g_assert_true(config_trusts_host(config, "192.0.2.200"));
	g_assert_true(config_trusts_host(config, "10.1.2.3"));
	g_assert_true(config_trusts_host(config, "::ffff:10.1.2.3"));
	g_assert_true(config_trusts_host(config, "2001:db8:1::1"));
	g_assert_false(config_trusts_host(config, "192.0.3.1"));
	g_assert_false(config_trusts_host(config, "10.1.2.4"));
	g_assert_false(config_trusts_host(config, "2001:db9::1"));
	g_assert_false(config_trusts_host(config, "localhost"));
	g_assert_false(config_trusts_host(config, NULL));
	g_assert_false(config_trusts_host(none, "127.0.0.1"));
}

static void test_address_lists(void)
{
	char *list[] = { (char *)"me@example.com", (char *)"@partner.example", NULL };

	g_assert_true(config_list_has(list, "Me@Example.COM"));
	g_assert_true(config_list_has(list, "x@partner.example"));
	g_assert_true(config_list_has(list, "x@mail.partner.example"));
	g_assert_false(config_list_has(list, "x@notpartner.example"));
	g_assert_false(config_list_has(list, "you@example.com"));
	g_assert_false(config_list_has(list, ""));
	g_assert_false(config_list_has(list, NULL));
}

static const struct {
	const char *name, *queue, *tier, *template_name;
	AckPolicy ack;
	When match, account, evidence;
	const char *escalate;
} shipped[] = {
	{ "accounts", "accounts", NULL, NULL, ACK_NONE, WHEN_ANY, WHEN_YES, WHEN_ANY, NULL },
	{ "legal-media", "escalations", NULL, NULL, ACK_NONE, WHEN_ANY, WHEN_ANY, WHEN_ANY, "legal" },
	{ "still-affected", "escalations", NULL, NULL, ACK_NONE, WHEN_ANY, WHEN_ANY, WHEN_ANY, "still-affected" },
	{ "sensitive", "internal", NULL, "ack-sensitive", ACK_MACRO, WHEN_ANY, WHEN_ANY, WHEN_ANY, NULL },
	{ "evidence", "surge", "T2", "ack-technical", ACK_MACRO, WHEN_YES, WHEN_ANY, WHEN_YES, NULL },
	{ "outage", "surge", "T1", NULL, ACK_MACRO, WHEN_YES, WHEN_ANY, WHEN_ANY, NULL },
	{ "normal", "normal", NULL, NULL, ACK_MACRO, WHEN_ANY, WHEN_ANY, WHEN_ANY, NULL },
};

static void test_shipped_routes(void)
{
	g_autoptr(Config) config = config_defaults();
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(shipped) && config->routes[i] != NULL; i++) {
		const Route *route = config->routes[i];
		g_assert_cmpstr(route->name, ==, shipped[i].name);
		g_assert_cmpstr(route->queue, ==, shipped[i].queue);
		g_assert_cmpstr(route->tier, ==, shipped[i].tier);
		g_assert_cmpstr(route->template_name, ==, shipped[i].template_name);
		g_assert_cmpint(route->ack, ==, (int)shipped[i].ack);
		g_assert_true(route->when_match == shipped[i].match && route->when_account == shipped[i].account);
		g_assert_true(route->when_evidence == shipped[i].evidence);
		g_assert_cmpstr(route->when_escalate[0], ==, shipped[i].escalate);
	}
	g_assert_cmpuint(i, ==, G_N_ELEMENTS(shipped));
	g_assert_null(config->routes[i]);
}

static void test_own_routes_replace_the_shipped(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Config) config = load(fixture,
	    "routes = ( { queue = \"vip desk\"; respond_within = \"30m\"; ack = \"personal\"; subject_tag = \"[VIP]\";\n"
	    "  when = { account = false; level = ( \"gold\" ); severity = ( \"P1\", \"resolved\" ); };\n"
	    "  headers = ( { name = \"X-Zammad-Ticket-Priority\"; value = \"3 high\"; }, { name = \"X-A\"; value = \"b\"; } );\n"
	    "  add_recipients = ( \"Surge@partner.example\" ); } );\n");
	const Route *route = config->routes[0];

	(void)data;
	g_assert_cmpstr(route->name, ==, "1");
	g_assert_cmpstr(route->queue, ==, "vip desk");
	g_assert_cmpint(route->respond_within, ==, 1800);
	g_assert_cmpint(route->ack, ==, ACK_PERSONAL);
	g_assert_true(route->when_account == WHEN_NO);
	g_assert_cmpstr(route->when_severity[1], ==, "resolved");
	g_assert_cmpint((int)g_strv_length(route->headers), ==, 4);
	g_assert_cmpstr(route->headers[1], ==, "3 high");
	g_assert_cmpstr(route->add_recipients[0], ==, "Surge@partner.example");
	/* Mail that no route takes still has one. */
	g_assert_cmpstr(config->routes[1]->queue, ==, "normal");
	g_assert_null(config->routes[2]);
}

/* Both daemons put the fresh configuration into force whole: what needs a restart must not come in with it. */
static void test_reload_keeps_what_needs_a_restart(Fixture *fixture, gconstpointer data)
{
	g_autoptr(Config) before = load(fixture, "mode = \"shadow\";\n");
	g_autoptr(Config) same = load(fixture, "mode = \"live\"; ack = { delay = \"1s\"; }; support = ( \"a@b.example\" );\n");
	g_autoptr(Config) after = load(fixture, "socket = \"inet:8890@127.0.0.1\"; spf = { enabled = false; }; log = { destination = \"syslog\"; };"
	                                        "store = { url = \"redis://r/0\"; pool = 8; budget = \"300ms\"; };\n");
	g_autoptr(GPtrArray) nothing = config_keep_running(before, same);
	g_autoptr(GPtrArray) names = config_keep_running(before, after);
	g_autoptr(GPtrArray) left = NULL;
	static const char *const restart[] = { "socket", "log.destination", "spf.enabled", "store.url", "store.pool" };

	(void)data;
	g_assert_cmpuint(nothing->len, ==, 0);
	g_assert_cmpint(same->mode, ==, MODE_LIVE);
	g_assert_cmpuint(names->len, ==, G_N_ELEMENTS(restart));
	for (guint i = 0; i < names->len; i++)
		g_assert_cmpstr(g_ptr_array_index(names, i), ==, restart[i]);
	g_assert_cmpstr(after->socket, ==, before->socket);
	g_assert_cmpstr(after->store_url, ==, before->store_url);
	g_assert_cmpint(after->store_pool, ==, before->store_pool);
	g_assert_true(after->spf_enabled);
	g_assert_cmpint(after->log_destination, ==, before->log_destination);
	g_assert_cmpint(after->store_budget, ==, 300);
	/* Once they are kept there is nothing to tell. */
	left = config_keep_running(before, after);
	g_assert_cmpuint(left->len, ==, 0);
}

static void add(const char *name, gconstpointer data, void (*test)(Fixture *fixture, gconstpointer data))
{
	g_test_add(name, Fixture, data, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(mistaken); i++) {
		g_autofree char *name = g_strdup_printf("/config/mistake/%s", mistaken[i].name);
		add(name, GSIZE_TO_POINTER(i), test_mistake);
	}
	add("/config/mistake/nul-byte", NULL, test_nul_byte);
	add("/config/mistake/missing-file", NULL, test_missing_file);
	add("/config/mistake/folder-for-file", NULL, test_folder_for_file);
	add("/config/empty-file-is-all-defaults", NULL, test_empty_file_is_all_defaults);
	add("/config/sample-shows-the-defaults", NULL, test_sample_shows_the_defaults);
	g_test_add_func("/config/committed-files-follow-the-table", test_committed_files_follow_the_table);
	add("/config/paths-count-from-the-folder", NULL, test_paths_count_from_the_folder);
	add("/config/values-are-normalised", NULL, test_values_are_normalised);
	add("/config/recipients-find-their-support-address", NULL, test_recipients_find_their_support_address);
	add("/config/trusted-hosts", NULL, test_trusted_hosts);
	add("/config/host-lists", NULL, test_host_lists);
	add("/config/shared-domains", NULL, test_shared_domains);
	g_test_add_func("/config/address-lists", test_address_lists);
	g_test_add_func("/config/shipped-routes", test_shipped_routes);
	add("/config/own-routes-replace-the-shipped", NULL, test_own_routes_replace_the_shipped);
	add("/config/reload-keeps-what-needs-a-restart", NULL, test_reload_keeps_what_needs_a_restart);
	return g_test_run();
}
