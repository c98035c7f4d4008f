/* test-correspondent: an acknowledgement goes to the envelope sender, to no forger's Reply-To, and behind the site's own forms
 * and lists to the person who wrote. */
#include "inspect/correspondent.h"

static const char *const FORMS[] = { "web@example.org", "noreply@forms.example", NULL };
static const char *const LISTS[] = { "support-in.example.org", "<Team.Example.ORG>", NULL };

#define OWN_LIST "Support <support-in.example.org>"
#define JANE "jane@customer.example"
#define LIST_BOUNCES "support-in-bounces@example.org"

typedef struct {
	const char *name;
	const char *sender, *from, *reply_to; /* NULL: none or several */
	const char *list_ids[3];
	bool form_host;
	Verified sender_verified, from_verified;
	const char *expected; /* "via address verified" */
} Case;

static const Case CASES[] = {
	{ "sender", JANE, JANE, NULL, .sender_verified = VERIFIED_SPF, .from_verified = VERIFIED_DMARC, .expected =
	    "sender " JANE " spf" },
	{ "sender-not-from", JANE, "ceo@bigcorp.example", NULL, .from_verified = VERIFIED_DKIM, .expected =
	    "sender " JANE " no" },
	{ "sender-not-reply-to", JANE, JANE, "victim@other.example", .sender_verified = VERIFIED_SPF, .expected =
	    "sender " JANE " spf" },
	{ "sender-as-written", "Jane@Customer.Example", JANE, NULL, .expected = "sender Jane@Customer.Example no" },
	{ "sender-null", "", JANE, "victim@other.example", .expected = "sender - no" },
	{ "sender-unusable", "jane@", JANE, NULL, .expected = "sender - no" },
	{ "sender-routed", "victim%other.example@customer.example", JANE, NULL, .sender_verified = VERIFIED_SPF, .expected = "sender - spf" },
	{ "sender-literal", "root@[192.0.2.10]", JANE, NULL, .sender_verified = VERIFIED_SPF, .expected = "sender - spf" },
	{ "sender-without-from", JANE, NULL, NULL, .sender_verified = VERIFIED_SPF, .expected = "sender " JANE " spf" },

	{ "form", "www-data@example.org", "web@example.org", JANE, .from_verified = VERIFIED_DKIM, .expected =
	    "form " JANE " dkim" },
	{ "form-by-spf", "www-data@example.org", "web@example.org", JANE, .sender_verified = VERIFIED_SPF,
	    .from_verified = VERIFIED_SPF, .expected = "form " JANE " spf" },
	{ "form-case", "", "Web@Example.ORG", JANE, .from_verified = VERIFIED_AUTH, .expected = "form " JANE " auth" },
	{ "form-host", "www-data@web1", "noreply@forms.example", JANE, .form_host = true, .expected = "form " JANE " auth" },
	{ "form-host-and-signature", "", "web@example.org", JANE, .form_host = true, .from_verified = VERIFIED_DKIM,
	    .expected = "form " JANE " dkim" },
	{ "form-forged", "evil@evil.example", "web@example.org", "victim@other.example", .sender_verified = VERIFIED_SPF,
	    .expected = "form victim@other.example no" },
	{ "form-without-reply-to", "www-data@example.org", "web@example.org", NULL, .sender_verified = VERIFIED_SPF,
	    .from_verified = VERIFIED_SPF, .expected = "form - spf" },
	{ "form-with-unusable-reply-to", "", "web@example.org", "jane", .from_verified = VERIFIED_DKIM, .expected =
	    "form - dkim" },
	{ "form-itself-as-envelope", "web@example.org", "web@example.org", JANE, .sender_verified = VERIFIED_AUTH,
	    .from_verified = VERIFIED_AUTH, .expected = "form " JANE " auth" },
	{ "form-tag-is-another-address", JANE, "web+x@example.org", "victim@other.example", .expected = "sender " JANE " no" },
	{ "form-named-by-the-envelope-only", "web@example.org", JANE, "victim@other.example", .sender_verified = VERIFIED_SPF,
	    .expected = "sender web@example.org spf" },
	{ "form-host-without-form", JANE, JANE, "victim@other.example", .form_host = true, .expected = "sender " JANE " no" },
	{ "form-before-list", LIST_BOUNCES, "web@example.org", JANE, .list_ids = { OWN_LIST }, .from_verified = VERIFIED_DKIM,
	    .expected = "form " JANE " dkim" },

	{ "list-by-dkim", LIST_BOUNCES, JANE, NULL, .list_ids = { OWN_LIST }, .from_verified = VERIFIED_DKIM, .expected =
	    "list " JANE " dkim" },
	{ "list-by-dmarc", LIST_BOUNCES, JANE, NULL, .list_ids = { OWN_LIST }, .from_verified = VERIFIED_DMARC, .expected =
	    "list " JANE " dmarc" },
	{ "list-not-by-spf", LIST_BOUNCES, JANE, NULL, .list_ids = { OWN_LIST }, .sender_verified = VERIFIED_SPF,
	    .from_verified = VERIFIED_SPF, .expected = "list " JANE " no" },
	{ "list-without-voucher", LIST_BOUNCES, JANE, NULL, .list_ids = { OWN_LIST }, .sender_verified = VERIFIED_SPF,
	    .expected = "list " JANE " no" },
	{ "list-not-reply-to", LIST_BOUNCES, JANE, "support-in@example.org", .list_ids = { OWN_LIST },
	    .from_verified = VERIFIED_DKIM, .expected = "list " JANE " dkim" },
	{ "list-of-several-from", LIST_BOUNCES, NULL, JANE, .list_ids = { OWN_LIST }, .sender_verified = VERIFIED_SPF,
	    .expected = "list - no" },
	{ "list-keeps-the-sender", "Jane@customer.example", JANE, NULL, .list_ids = { OWN_LIST },
	    .sender_verified = VERIFIED_SPF, .expected = "sender Jane@customer.example spf" },
	{ "list-passes-a-bounce-on", "", JANE, NULL, .list_ids = { "<team.example.org>" }, .from_verified = VERIFIED_DKIM,
	    .expected = "sender - no" },
	{ "two-own-lists", LIST_BOUNCES, JANE, NULL, .list_ids = { OWN_LIST, "TEAM.example.org" },
	    .from_verified = VERIFIED_DKIM, .expected = "list " JANE " dkim" },
	{ "strange-list", LIST_BOUNCES, JANE, NULL, .list_ids = { "<users.lists.example>" }, .from_verified = VERIFIED_DKIM,
	    .expected = "sender " LIST_BOUNCES " no" },
	{ "strange-list-first", LIST_BOUNCES, JANE, NULL, .list_ids = { "<users.lists.example>", OWN_LIST },
	    .from_verified = VERIFIED_DKIM, .expected = "sender " LIST_BOUNCES " no" },
	{ "list-id-in-phrase", LIST_BOUNCES, JANE, NULL, .list_ids = { "\"<support-in.example.org>\" <users.lists.example>" },
	    .from_verified = VERIFIED_DKIM, .expected = "sender " LIST_BOUNCES " no" },
	{ "list-id-empty", LIST_BOUNCES, JANE, NULL, .list_ids = { "" }, .from_verified = VERIFIED_DKIM, .expected =
	    "sender " LIST_BOUNCES " no" },
};

static Message *message_of(const Case *c)
{
	Message *message = message_new(1024);

	message_set_sender(message, c->sender);
	for (guint i = 0; i < G_N_ELEMENTS(c->list_ids) && c->list_ids[i]; i++)
		message_add_header(message, "List-ID", c->list_ids[i]);
	return message;
}

static char *text_of(const Correspondent *correspondent)
{
	static const char *const vias[] = { [VIA_SENDER] = "sender", [VIA_FORM] = "form", [VIA_LIST] = "list" };

	return g_strjoin(" ", vias[correspondent->via], correspondent->address ? correspondent->address : "-",
	    verified_name(correspondent->verified), NULL);
}

static void test_case(gconstpointer data)
{
	const Case *c = data;
	const CorrespondentSettings settings = { FORMS, c->form_host, LISTS };
	const Authentic authentic = { .sender = c->sender_verified, .from = c->from_verified };
	g_autoptr(Message) message = message_of(c);
	g_auto(Correspondent) correspondent = { 0 };
	g_autofree char *text = NULL;
	g_autofree char *lower = NULL;

	correspondent_find(&correspondent, &settings, message, c->from, c->reply_to, &authentic);
	text = text_of(&correspondent);
	g_assert_cmpstr(text, ==, c->expected);
	lower = correspondent.address ? g_ascii_strdown(correspondent.address, -1) : NULL;
	g_assert_cmpstr(correspondent.normal, ==, lower);
}

static void test_nothing_named_is_the_envelope(void)
{
	const CorrespondentSettings settings = { 0 };
	const Authentic authentic = { .from = VERIFIED_DKIM };
	g_autoptr(Message) message = message_of(&CASES[0]);
	g_auto(Correspondent) correspondent = { 0 };

	message_add_header(message, "List-ID", OWN_LIST);
	g_assert_false(correspondent_by_own_list(NULL, message));
	correspondent_find(&correspondent, &settings, message, "web@example.org", "victim@other.example", &authentic);
	g_assert_cmpint(correspondent.via, ==, VIA_SENDER);
	g_assert_cmpstr(correspondent.address, ==, JANE);
	/* Found again, as with SPF's answer. */
	correspondent_find(&correspondent, &settings, message, JANE, NULL, &authentic);
	g_assert_cmpstr(correspondent.normal, ==, JANE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autofree char *path = g_strconcat("/correspondent/", CASES[i].name, NULL);

		g_test_add_data_func(path, &CASES[i], test_case);
	}
	g_test_add_func("/correspondent/nothing-named-is-the-envelope", test_nothing_named_is_the_envelope);
	return g_test_run();
}
