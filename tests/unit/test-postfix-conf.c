/* test-postfix-conf: what postconf prints is read as Postfix reads it: overrides, nested braces, chroot; nonsense is passed over.
 * Layer: tests. */
#include "outagectl/postfix-conf.h"

static const PostfixService *service_at(const GPtrArray *services, guint i)
{
	g_assert_cmpuint(i, <, services->len);
	return g_ptr_array_index(services, i);
}

static void test_services_with_their_overrides(void)
{
	g_autoptr(GPtrArray) services = postfix_read_services(
	    "smtp       inet  n       -       y       -       -       smtpd\n"
	    "postconf: warning: something about the line before\n"
	    "127.0.0.1:10026 inet n   -       n       -       -       smtpd -v -o smtpd_milters=inet:localhost:8891 "
	    "-o {milter_macro_daemon_name=REPLIES two} -o{ mynetworks = 127.0.0.0/8 }\n"
	    "smtpd      pass  -       -       -       -       -       smtpd -o {smtpd_milters={ unix:/x.sock, default_action=accept }} -o x\n"
	    "short line\n\n", true);
	const PostfixService *service = service_at(services, 1);
	g_autofree char *host = NULL, *any = NULL, *none = NULL;

	g_assert_cmpuint(services->len, ==, 3);
	g_assert_true(service_at(services, 0)->chroot);
	g_assert_false(service->chroot);
	g_assert_true(service_at(services, 2)->chroot); /* "-", by what holds here */
	g_assert_cmpstr(service->command, ==, "smtpd");
	g_assert_cmpstr(g_hash_table_lookup(service->options, "smtpd_milters"), ==, "inet:localhost:8891");
	g_assert_cmpstr(g_hash_table_lookup(service->options, "milter_macro_daemon_name"), ==, "REPLIES two");
	g_assert_cmpstr(g_hash_table_lookup(service->options, "mynetworks"), ==, "127.0.0.0/8");
	g_assert_cmpstr(g_hash_table_lookup(service_at(services, 2)->options, "smtpd_milters"), ==, "{ unix:/x.sock, default_action=accept }");
	g_assert_cmpuint(postfix_service_port(service, &host), ==, 10026);
	g_assert_cmpstr(host, ==, "127.0.0.1");
	g_assert_cmpuint(postfix_service_port(service_at(services, 0), &any), ==, 25);
	g_assert_cmpstr(any, ==, "");
	g_assert_cmpuint(postfix_service_port(service_at(services, 2), &none), ==, 0);
}

static void test_an_override_holds_over_main_cf(void)
{
	g_autoptr(GHashTable) settings = postfix_read_settings("smtpd_milters = inet:localhost:1\nempty =\nno setting\n = x\nmilter_protocol=6\n");
	g_autoptr(GPtrArray) services = postfix_read_services("a inet n - n - - smtpd -o smtpd_milters=\nb inet n - n - - smtpd\n", false);

	g_assert_cmpuint(g_hash_table_size(settings), ==, 3);
	g_assert_cmpstr(postfix_effective(settings, service_at(services, 0), "smtpd_milters"), ==, "");
	g_assert_cmpstr(postfix_effective(settings, service_at(services, 1), "smtpd_milters"), ==, "inet:localhost:1");
	g_assert_cmpstr(postfix_effective(settings, NULL, "milter_protocol"), ==, "6");
	g_assert_cmpstr(postfix_effective(settings, NULL, "absent"), ==, "");
}

static void test_lists_of_milters(void)
{
	/* endpoints: joined by a space */
	static const struct { const char *text, *endpoints, *name, *value; } cases[] = {
		{ "", "", NULL, NULL },
		{ " , \n ", "", NULL, NULL },
		{ "inet:h:1,unix:a  unix:/b", "inet:h:1 unix:a unix:/b", NULL, NULL },
		{ "{ unix:/x, default_action=accept }", "unix:/x", "default_action", "accept" },
		{ "{unix:/x default_action = accept}, inet:h:2", "unix:/x inet:h:2", "default_action", "accept" },
		{ "{ unix:/x, { default_action = accept } }", "unix:/x", "default_action", "accept" },
		{ "{ inet:h:1, connect_timeout=5s, command_timeout=10s }", "inet:h:1", "command_timeout", "10s" },
		{ "{ }", "", NULL, NULL },
		{ "{ unix:/x, default_action=accept", "unix:/x", "default_action", "accept" },
		{ "} unix:/x", "} unix:/x", NULL, NULL },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) milters = postfix_read_milters(cases[i].text);
		g_autoptr(GString) endpoints = g_string_new(NULL);

		for (guint m = 0; m < milters->len; m++)
			g_string_append_printf(endpoints, "%s%s", m > 0 ? " " : "", ((const PostfixMilter *)g_ptr_array_index(milters, m))->endpoint);
		g_assert_cmpstr(endpoints->str, ==, cases[i].endpoints);
		if (cases[i].name != NULL)
			g_assert_cmpstr(g_hash_table_lookup(((const PostfixMilter *)g_ptr_array_index(milters, 0))->options, cases[i].name), ==, cases[i].value);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/postfix-conf/services-with-their-overrides", test_services_with_their_overrides);
	g_test_add_func("/postfix-conf/an-override-holds-over-main-cf", test_an_override_holds_over_main_cf);
	g_test_add_func("/postfix-conf/lists-of-milters", test_lists_of_milters);
	return g_test_run();
}
