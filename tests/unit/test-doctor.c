/* test-doctor: each fault of a site is judged by its name and severity, with the line that cures it; a healthy site has none, and what is
 * not known is not complained of. Layer: tests. */
#include <string.h>

#include "outagectl/doctor.h"

#define NOW G_GINT64_CONSTANT(1795273800) /* 2026-11-21T15:10:00Z */
#define OWN "{ unix:/run/outage-milter/milter.sock, default_action=accept }"
#define SIGNED "127.0.0.1:10028 inet n - n - - smtpd -o smtpd_milters=inet:127.0.0.1:8891\n"

/* What a case has otherwise than a healthy site; NULL: as there. */
typedef struct {
	const char *name;
	const char *config;    /* more settings */
	const char *socket;    /* of the configuration */
	const char *settings;  /* lines of postconf */
	const char *services;  /* lines of master.cf */
	void (*change)(DoctorFacts *facts);
	const char *check;     /* that is found; NULL: nothing wrong and nothing worth a look */
	FoundSeverity severity;
	const char *file, *place, *line; /* line NULL: not compared */
	bool without_line;
} Case;

static void add_node(DoctorFacts *facts, const char *name, const char *program, const char *version)
{
	StatusNode *node = g_new0(StatusNode, 1);

	node->name = g_strdup(name);
	node->program = g_strdup(program);
	node->version = g_strdup(version);
	node->secret = g_strdup("0123456789abcdef");
	node->at = node->clock = NOW - 3;
	node->state = g_ptr_array_new();
	g_ptr_array_add(facts->status->nodes, node);
}

static void node_delete(gpointer data)
{
	StatusNode *node = data;

	g_free(node->name);
	g_free(node->program);
	g_free(node->version);
	g_free(node->secret);
	g_ptr_array_unref(node->state);
	g_free(node);
}

static void wrong_delete(gpointer data)
{
	Wrong *wrong = data;

	g_free(wrong->text);
	g_free(wrong);
}

static StatusNode *node_at(DoctorFacts *facts, guint i)
{
	return g_ptr_array_index(facts->status->nodes, i);
}

static PathFact *path_new(const char *path, guint mode, gint64 uid, gint64 gid)
{
	PathFact *fact = g_new0(PathFact, 1);

	*fact = (PathFact){ .path = g_strdup(path), .exists = true, .mode = mode, .uid = uid, .gid = gid };
	return fact;
}

/* --- changes --- */

static void count_mail(DoctorFacts *facts, guint64 persons, guint64 unauthenticated, guint64 by_one)
{
	facts->counted = true;
	facts->persons = persons;
	facts->unauthenticated = unauthenticated;
	facts->client = g_strdup("192.0.2.7");
	facts->client_mails = by_one;
}

static void gateway(DoctorFacts *facts) { count_mail(facts, 100, 95, 94); }
static void from_everywhere(DoctorFacts *facts) { count_mail(facts, 100, 95, 20); }
static void too_few(DoctorFacts *facts) { count_mail(facts, 9, 9, 9); }
static void most_are_known(DoctorFacts *facts) { count_mail(facts, 100, 89, 89); }
static void other_secret(DoctorFacts *facts) { node_at(facts, 0)->secret[0] = 'f'; }
static void linked(DoctorFacts *facts)
{
	g_ptr_array_add(facts->socket_names, g_strdup("/var/spool/postfix/outage-milter/milter.sock"));
	g_ptr_array_add(facts->socket_names, g_strdup("/var/spool/postfix/run/outage-milter/milter.sock"));
}
static void still_in_shadow(DoctorFacts *facts) { node_at(facts, 0)->shadow = true; }
static void slow_clock(DoctorFacts *facts) { node_at(facts, 0)->clock = NOW - 60; }
static void old_node(DoctorFacts *facts) { add_node(facts, "old", "outage-milter", "0.9"); }
static void silent_old_node(DoctorFacts *facts) { old_node(facts); node_at(facts, 2)->silent = true; }
static void nobody_answers(DoctorFacts *facts) { facts->socket_answers = false; }
static void not_to_be_seen(DoctorFacts *facts) { facts->socket_answers = false; facts->socket_unknown = true; }
static void no_dns(DoctorFacts *facts) { facts->dns_silent = true; }
static void leftover(DoctorFacts *facts) { g_ptr_array_add(facts->leftovers, g_strdup("/etc/outage-milter/x.dpkg-dist")); }
static void unread(DoctorFacts *facts) { g_ptr_array_add(facts->unread, g_strdup("/x: Permission denied")); }
static void readable_secret(DoctorFacts *facts) { facts->secret->mode = 0644; facts->secret_trouble = g_strdup("others can read it"); }
static void unreadable_secret(DoctorFacts *facts) { g_clear_pointer(&facts->fingerprint, g_free); }
static void incident_on(DoctorFacts *facts)
{
	Incident *incident = incident_new("default");

	(void)incident_transition(&incident->state, "default", WORD_P1, NOW - 600, 0);
	incident->texts[TEXT_STATUS_URL] = g_strdup("https://status.elsewhere.example/");
	g_ptr_array_add(facts->status->snapshot->incidents, incident);
}

static void flip(DoctorFacts *facts)
{
	FlipFact *fact = g_new0(FlipFact, 1);

	*fact = (FlipFact){ .url = g_strdup("redis://127.0.0.1:6379"), .word = g_strdup("P1") };
	g_ptr_array_add(facts->flips, fact);
}

static void no_flip(DoctorFacts *facts)
{
	flip(facts);
	g_clear_pointer(&((FlipFact *)g_ptr_array_index(facts->flips, 0))->word, g_free);
}

static void disabled_unit(DoctorFacts *facts)
{
	UnitFact *unit = g_new0(UnitFact, 1);

	*unit = (UnitFact){ .name = g_strdup("outage-replier.service"), .enabled = g_strdup("disabled") };
	g_ptr_array_add(facts->units, unit);
}

static void status_says(DoctorFacts *facts, WrongRank rank, const char *text)
{
	Wrong *wrong = g_new0(Wrong, 1);

	wrong->rank = rank;
	wrong->text = g_strdup(text);
	g_ptr_array_add(facts->status->wrong, wrong);
}

static void evicting(DoctorFacts *facts) { status_says(facts, RANK_EVICTS, "the store throws keys away"); }
static void volatile_store(DoctorFacts *facts) { status_says(facts, RANK_NOT_SAFE, "it forgets; set appendonly yes"); }
static void shadow_by_status(DoctorFacts *facts) { status_says(facts, RANK_SHADOW, "mode is shadow"); }
static void closed_folder(DoctorFacts *facts) { ((PathFact *)g_ptr_array_index(facts->socket, 1))->mode = 0700; }
static void foreign_group(DoctorFacts *facts) { ((PathFact *)g_ptr_array_index(facts->socket, 0))->gid = 5; }
static void closed_socket(DoctorFacts *facts) { ((PathFact *)g_ptr_array_index(facts->socket, 0))->mode = 0600; }

static void drops_results(DoctorFacts *facts) { ((PostfixFact *)g_ptr_array_index(facts->postfix, 0))->drops_results = true; }

static void dkim(DoctorFacts *facts, const char *domain, bool signs)
{
	facts->dkim_path = g_strdup("/etc/opendkim.conf");
	facts->dkim_signs = signs;
	facts->dkim_domains = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(facts->dkim_domains, g_strdup(domain));
}

static void dkim_other(DoctorFacts *facts) { dkim(facts, "other.example", true); }
static void dkim_table(DoctorFacts *facts) { dkim_other(facts); facts->dkim_table = true; }
static void dkim_ours(DoctorFacts *facts) { dkim(facts, "*.example", true); }
static void dkim_verifies(DoctorFacts *facts) { dkim(facts, "support.example", false); }

static void sendmail(DoctorFacts *facts, const char *text)
{
	g_ptr_array_set_size(facts->postfix, 0);
	facts->sendmail_path = g_strdup("/etc/mail/sendmail.cf");
	facts->sendmail_text = g_strdup(text);
}

static void sendmail_without(DoctorFacts *facts) { sendmail(facts, "O InputMailFilters=opendkim\nXopendkim, S=inet:8891@localhost\n"); }
static void sendmail_first(DoctorFacts *facts)
{
	sendmail(facts, "Xoutage-milter, S=local:/run/outage-milter/milter.sock, T=C:5s\nO InputMailFilters=outage-milter,opendkim\n");
}
static void sendmail_strict(DoctorFacts *facts)
{
	sendmail(facts, "Xoutage-milter, S=local:/run/outage-milter/milter.sock, F=T\nO InputMailFilters=outage-milter\n");
}
static void sendmail_busy(DoctorFacts *facts)
{
	sendmail(facts, "Xoutage-milter, S=local:/run/outage-milter/milter.sock, F=4\nO InputMailFilters=outage-milter\n");
}
static void sendmail_elsewhere(DoctorFacts *facts)
{
	sendmail(facts, "Xoutage-milter, S=local:/run/x.sock\nO InputMailFilters=outage-milter\n");
}
static void sendmail_well(DoctorFacts *facts)
{
	sendmail(facts, "Xoutage-milter, S=local:/run/outage-milter/milter.sock\nO InputMailFilters=opendkim,outage-milter\n");
}

static const Case cases[] = {
	{ .name = "healthy" },
	{ .name = "no support address", .config = "support = ();", .check = "support", .file = "/etc/outage-milter.conf",
	    .line = "support = ( { address = \"support@corp.example\"; } );" },
	{ .name = "nobody authenticates", .config = "auth: { trusted_ids = (); };", .check = "authentication", .place = "spf", .line = "enabled = true;" },
	{ .name = "shadow", .config = "mode = \"shadow\";", .check = "shadow", .severity = FOUND_LOOK, .line = "mode = \"live\";" },
	{ .name = "shadow in an incident", .config = "mode = \"shadow\"; reply: { url_domains = ( \"elsewhere.example\" ); };", .change = incident_on,
	    .check = "shadow", .line = "mode = \"live\";" },
	{ .name = "shadow is told once", .change = shadow_by_status },
	{ .name = "status page", .config = "reply: { relay = \"smtp://127.0.0.1:10028\"; url_domains = ( \"corp.example\" ); };", .change = incident_on,
	    .check = "status-url", .place = "reply", .line = "url_domains = ( \"corp.example\", \"status.elsewhere.example\" );" },
	{ .name = "evicts", .change = evicting, .check = "redis-evicts", .file = "redis.conf", .line = "maxmemory-policy noeviction" },
	{ .name = "not on disk", .change = volatile_store, .check = "redis-unsafe", .severity = FOUND_LOOK, .file = "redis.conf", .line = "appendonly yes" },
	{ .name = "flip elsewhere", .change = flip, .check = "flip-elsewhere", .place = "store", .line = "url = \"redis://127.0.0.1:6379\";" },
	{ .name = "a Redis of somebody else", .change = no_flip },
	/* who counts as authenticated */
	{ .name = "gateway", .config = "spf: { enabled = true; };", .change = gateway, .check = "gateway", .place = "spf",
	    .line = "trusted_relays = ( \"192.0.2.7\" );" },
	{ .name = "a second gateway", .config = "spf: { enabled = true; trusted_relays = ( \"198.51.100.1\" ); };", .change = gateway, .check = "gateway",
	    .line = "trusted_relays = ( \"198.51.100.1\", \"192.0.2.7\" );" },
	{ .name = "no results", .config = "spf: { enabled = true; };", .settings = "smtpd_milters = inet:127.0.0.1:8891, " OWN "\n",
	    .change = from_everywhere, .check = "unauthenticated", .place = "auth", .line = "trusted_ids = ( \"mx.example\", \"mx.corp.example\" );" },
	{ .name = "nobody writes results", .config = "spf: { enabled = true; };", .change = from_everywhere, .check = "unauthenticated", .without_line = true },
	{ .name = "all results, whoever wrote them", .config = "auth: { trusted_ids = ( \"mx.example\" ); all_instances = true; };",
	    .check = "forged-results", .place = "auth", .line = "all_instances = false;" },
	{ .name = "all results, forged ones removed", .config = "auth: { trusted_ids = ( \"mx.example\" ); all_instances = true; };",
	    .change = drops_results },
	{ .name = "all results, header_checks switched off", .config = "auth: { trusted_ids = ( \"mx.example\" ); all_instances = true; };",
	    .services = "smtp inet n - n - - smtpd -o receive_override_options=no_header_body_checks\n" SIGNED, .change = drops_results,
	    .check = "forged-results" },
	{ .name = "no results, no SPF", .change = gateway, .check = "unauthenticated", .place = "spf", .line = "enabled = true;" },
	{ .name = "too few to say", .change = too_few },
	{ .name = "most are known", .change = most_are_known },
	{ .name = "dns", .config = "spf: { enabled = true; nameserver = \"192.0.2.53\"; };", .change = no_dns, .check = "dns", .line = "nameserver = \"\";" },
	/* nodes, host */
	{ .name = "secret differs", .change = other_secret, .check = "secret-differs" },
	{ .name = "clock", .change = slow_clock, .check = "clock" },
	{ .name = "live, but not reloaded", .change = still_in_shadow, .check = "not-reloaded",
	    .line = "systemctl reload outage-milter outage-replier" },
	{ .name = "versions", .change = old_node, .check = "versions", .severity = FOUND_LOOK },
	{ .name = "a silent node has no version", .change = silent_old_node },
	{ .name = "nobody answers", .change = nobody_answers, .check = "milter-socket-silent", .line = "systemctl start outage-milter" },
	{ .name = "who may not connect knows nothing", .change = not_to_be_seen },
	{ .name = "secret readable", .change = readable_secret, .check = "secret-readable", .line = "chmod 0640 '/var/lib/outage-milter/secret'" },
	{ .name = "who may not read the secret knows nothing", .change = unreadable_secret },
	{ .name = "unit", .change = disabled_unit, .check = "unit", .line = "systemctl enable outage-replier.service" },
	{ .name = "leftover", .change = leftover, .check = "leftover", .severity = FOUND_LOOK },
	{ .name = "unread", .change = unread, .check = "unread", .severity = FOUND_LOOK },
	/* Postfix */
	{ .name = "absent", .settings = "smtpd_milters = inet:127.0.0.1:8891\n", .check = "milter-absent", .file = "/etc/postfix/main.cf",
	    .line = "smtpd_milters = inet:127.0.0.1:8891, " OWN },
	{ .name = "absent behind postscreen", .settings = "smtpd_milters = " OWN "\n",
	    .services = "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd -o smtpd_milters=\n" SIGNED, .check = "milter-absent",
	    .file = "/etc/postfix/master.cf", .place = "smtpd/pass", .line = "-o { smtpd_milters = " OWN " }" },
	{ .name = "behind postscreen", .services = "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n" SIGNED },
	{ .name = "not last", .settings = "smtpd_milters = " OWN ", { inet:127.0.0.1:11332, default_action=tempfail }\n", .check = "milter-order",
	    .line = "smtpd_milters = { inet:127.0.0.1:11332, default_action=tempfail }, " OWN },
	{ .name = "tempfail", .settings = "smtpd_milters = { unix:/run/outage-milter/milter.sock, connect_timeout=5s }\n", .check = "milter-default-action",
	    .line = "smtpd_milters = { unix:/run/outage-milter/milter.sock, default_action=accept, connect_timeout=5s }" },
	{ .name = "accept for all", .settings = "smtpd_milters = unix:/run/outage-milter/milter.sock\nmilter_default_action = accept\n" },
	{ .name = "old name of the folder", .settings = "smtpd_milters = { unix:/var/run/outage-milter/milter.sock, default_action=accept }\n" },
	{ .name = "protocol", .settings = "smtpd_milters = " OWN "\nmilter_protocol = 2\n", .check = "milter-protocol", .line = "milter_protocol = 6" },
	{ .name = "chroot", .services = "smtp inet n - y - - smtpd\n" SIGNED, .check = "milter-socket", .file = "/etc/outage-milter.conf",
	    .line = "socket = \"unix:/var/spool/postfix/run/outage-milter/milter.sock\";" },
	{ .name = "chroot, with the package's links", .change = linked, .services = "smtp inet n - y - - smtpd\n" SIGNED },
	{ .name = "chroot, behind the package's links", .change = linked, .services = "smtp inet n - y - - smtpd\n" SIGNED,
	    .settings = "smtpd_milters = { unix:outage-milter/milter.sock, default_action=accept }\n" },
	{ .name = "absent in a chroot with the package's links", .change = linked, .services = "smtp inet n - y - - smtpd\n" SIGNED,
	    .settings = "smtpd_milters = inet:127.0.0.1:8891\n", .check = "milter-absent",
	    .line = "smtpd_milters = inet:127.0.0.1:8891, " OWN },
	{ .name = "chroot, whole path", .socket = "unix:/var/spool/postfix/outage-milter/milter.sock",
	    .settings = "smtpd_milters = { unix:/var/spool/postfix/outage-milter/milter.sock, default_action=accept }\n",
	    .services = "smtp inet n - y - - smtpd\n" SIGNED, .check = "milter-socket",
	    .line = "smtpd_milters = { unix:outage-milter/milter.sock, default_action=accept }" },
	{ .name = "chroot, right", .socket = "unix:/var/spool/postfix/outage-milter/milter.sock",
	    .settings = "smtpd_milters = { unix:outage-milter/milter.sock, default_action=accept }\n",
	    .services = "smtp inet n - y - - smtpd\n" SIGNED },
	{ .name = "libmilter's notation", .socket = "inet:8899@127.0.0.1", .settings = "smtpd_milters = inet:8899@127.0.0.1\n", .check = "milter-notation",
	    .line = "smtpd_milters = { inet:127.0.0.1:8899, default_action=accept }" },
	{ .name = "no inet: in front", .socket = "inet:8899@127.0.0.1", .settings = "smtpd_milters = localhost:8899\n", .check = "milter-notation",
	    .line = "smtpd_milters = { inet:127.0.0.1:8899, default_action=accept }" },
	{ .name = "inet", .socket = "inet:8899@127.0.0.1", .settings = "smtpd_milters = { inet:localhost:8899, default_action=accept }\n" },
	{ .name = "folder closed", .change = closed_folder, .check = "milter-permissions", .line = "chmod o+x '/run/outage-milter'" },
	{ .name = "foreign group", .change = foreign_group, .check = "milter-permissions", .line = "socket_group = \"postfix\";" },
	{ .name = "socket closed", .change = closed_socket, .check = "milter-permissions", .line = "socket_mode = \"0660\";" },
	{ .name = "twice", .settings = "smtpd_milters = " OWN "\ncontent_filter = smtp:[127.0.0.1]:10024\n",
	    .services = "smtp inet n - n - - smtpd\n" SIGNED "127.0.0.1:10025 inet n - n - - smtpd -o content_filter=\n", .check = "milter-twice",
	    .place = "127.0.0.1:10025/inet", .line = "-o { receive_override_options = no_milters }" },
	{ .name = "once", .settings = "smtpd_milters = " OWN "\ncontent_filter = smtp:[127.0.0.1]:10024\n",
	    .services = "smtp inet n - n - - smtpd\n" SIGNED
	                "127.0.0.1:10025 inet n - n - - smtpd -o content_filter= -o receive_override_options=no_milters\n" },
	{ .name = "delimiter", .config = "reply: { relay = \"smtp://127.0.0.1:10028\"; bounce_address = \"bounces@support.example\"; };",
	    .check = "recipient-delimiter", .line = "recipient_delimiter = +" },
	/* replies */
	{ .name = "unsigned", .services = "smtp inet n - n - - smtpd\n127.0.0.1:10028 inet n - n - - smtpd -o smtpd_milters=\n", .check = "reply-unsigned",
	    .place = "127.0.0.1:10028/inet", .line = "-o { smtpd_milters = inet:127.0.0.1:8891 }" },
	{ .name = "unsigned, with a signer elsewhere", .settings = "smtpd_milters = unix:rspamd/milter.sock, " OWN "\n",
	    .services = "smtp inet n - n - - smtpd\n127.0.0.1:10028 inet n - n - - smtpd -o smtpd_milters=\n", .check = "reply-unsigned",
	    .line = "-o { smtpd_milters = unix:rspamd/milter.sock }" },
	{ .name = "perhaps signed by the relayhost", .settings = "smtpd_milters = " OWN "\nrelayhost = [out.example]\n",
	    .services = "smtp inet n - n - - smtpd\n127.0.0.1:10028 inet n - n - - smtpd -o smtpd_milters=\n", .check = "reply-unsigned",
	    .severity = FOUND_LOOK },
	{ .name = "an unknown milter", .services = "smtp inet n - n - - smtpd\n127.0.0.1:10028 inet n - n - - smtpd -o smtpd_milters=inet:h:7\n",
	    .check = "reply-unsigned", .severity = FOUND_LOOK },
	{ .name = "no_milters", .services = "smtp inet n - n - - smtpd\n127.0.0.1:10028 inet n - n - - smtpd -o smtpd_milters=inet:127.0.0.1:8891 "
	                                    "-o receive_override_options=no_milters,no_address_mappings\n",
	    .check = "reply-no-milters", .line = "-o { receive_override_options = no_address_mappings }" },
	{ .name = "our milter on the replies' port", .settings = "smtpd_milters = inet:127.0.0.1:8891, " OWN "\n",
	    .services = "smtp inet n - n - - smtpd\n127.0.0.1:10028 inet n - n - - smtpd\n", .check = "reply-port",
	    .line = "-o { smtpd_milters = inet:127.0.0.1:8891 }" },
	{ .name = "one port for all", .config = "reply: { relay = \"smtp://127.0.0.1:25\"; };", .settings = "smtpd_milters = inet:127.0.0.1:8891, " OWN "\n",
	    .check = "reply-port", .severity = FOUND_LOOK, .file = "/etc/postfix/master.cf" },
	{ .name = "one port for all, unsigned", .config = "reply: { relay = \"smtp://127.0.0.1:25\"; };", .services = "smtp inet n - y - - smtpd\n",
	    .change = linked, .check = "reply-unsigned", .line = "127.0.0.1:10028 inet n - y - - smtpd "
	    "-o { smtpd_milters = inet:127.0.0.1:8891 } -o smtpd_relay_restrictions=permit_mynetworks,reject" },
	{ .name = "signed for another domain", .change = dkim_other, .check = "dkim-domain", .file = "/etc/opendkim.conf", .line = "Domain other.example, support.example" },
	{ .name = "signed for another domain, by a table", .change = dkim_table, .check = "dkim-domain", .without_line = true },
	{ .name = "OpenDKIM is of another time", .settings = "smtpd_milters = inet:127.0.0.1:11332, " OWN "\n",
	    .services = "smtp inet n - n - - smtpd\n127.0.0.1:10028 inet n - n - - smtpd -o smtpd_milters=inet:127.0.0.1:11332\n",
	    .change = dkim_verifies },
	{ .name = "signed by a pattern", .change = dkim_ours },
	{ .name = "only verified", .change = dkim_verifies, .check = "dkim-mode", .line = "Mode sv" },
	/* Sendmail */
	{ .name = "Sendmail without", .change = sendmail_without, .check = "sendmail-filter", .file = "/etc/mail/sendmail.mc",
	    .line = "INPUT_MAIL_FILTER(`outage-milter', `S=unix:/run/outage-milter/milter.sock, T=C:5s;S:10s;R:10s;E:30s')dnl" },
	{ .name = "Sendmail, first", .change = sendmail_first, .check = "milter-order" },
	{ .name = "Sendmail, F=T", .change = sendmail_strict, .check = "milter-default-action" },
	{ .name = "Sendmail, F=4", .change = sendmail_busy, .check = "milter-default-action" },
	{ .name = "Sendmail, elsewhere", .change = sendmail_elsewhere, .check = "sendmail-socket" },
	{ .name = "Sendmail", .change = sendmail_well },
};

/* --- a site --- */

static void set_postfix(DoctorFacts *facts, const Case *one)
{
	PostfixFact *postfix = g_new0(PostfixFact, 1);
	g_autofree char *settings = g_strconcat("queue_directory = /var/spool/postfix\nmail_owner = postfix\nmydomain = corp.example\n"
	    "myhostname = mx.corp.example\nmilter_protocol = 6\nmilter_default_action = tempfail\n",
	    one->settings != NULL ? one->settings : "smtpd_milters = " OWN "\n", NULL);
	gid_t group = 105;

	postfix->dir = g_strdup("/etc/postfix");
	postfix->settings = postfix_read_settings(settings);
	postfix->services = postfix_read_services(one->services != NULL ? one->services : "smtp inet n - n - - smtpd\n" SIGNED, false);
	postfix->uid = 104;
	postfix->groups = g_array_new(FALSE, FALSE, sizeof group);
	g_array_append_val(postfix->groups, group);
	g_ptr_array_add(facts->postfix, postfix);
}

static Config *make_config(const Case *one)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	const char *more = one->config != NULL ? one->config : "";
	g_autoptr(GString) text = g_string_new(more);
	Config *config;

	if (strstr(more, "mode") == NULL)
		g_string_append(text, "\nmode = \"live\";");
	if (strstr(more, "support =") == NULL)
		g_string_append(text, "\nsupport = ( { address = \"help@support.example\"; } );");
	if (strstr(more, "auth:") == NULL)
		g_string_append(text, "\nauth: { trusted_ids = ( \"mx.example\" ); };");
	if (strstr(more, "spf:") == NULL)
		g_string_append(text, "\nspf: { enabled = false; };");
	if (strstr(more, "reply:") == NULL)
		g_string_append(text, "\nreply: { relay = \"smtp://127.0.0.1:10028\"; };");
	else if (strstr(more, "relay =") == NULL)
		g_string_insert(text, (gssize)(strstr(text->str, "reply: {") - text->str) + 8, " relay = \"smtp://127.0.0.1:10028\";");
	g_string_append_printf(text, "\nsocket = \"%s\";", one->socket != NULL ? one->socket : "unix:/run/outage-milter/milter.sock");
	config = config_load_text("/etc/outage-milter.conf", text->str, text->len, mistakes);
	if (mistakes->len > 0)
		g_error("%s: %s", one->name, (const char *)g_ptr_array_index(mistakes, 0));
	return config;
}

static void make_facts(DoctorFacts *facts, Status *status, const Case *one, const Config *config)
{
	doctor_facts_init(facts);
	facts->now = NOW;
	facts->config = config;
	facts->config_path = g_strdup("/etc/outage-milter.conf");
	facts->status = status;
	status->snapshot = snapshot_new();
	status->nodes = g_ptr_array_new_with_free_func(node_delete);
	status->wrong = g_ptr_array_new_with_free_func(wrong_delete);
	add_node(facts, "node1", "outage-milter", "1.0");
	add_node(facts, "node1/replier", "outage-replier", "1.0");
	facts->socket_answers = true;
	g_ptr_array_add(facts->socket, path_new("/run/outage-milter/milter.sock", 0660, 200, 105));
	g_ptr_array_add(facts->socket, path_new("/run/outage-milter", 0755, 200, 200));
	facts->secret = path_new("/var/lib/outage-milter/secret", 0600, 200, 200);
	facts->fingerprint = g_strdup("0123456789abcdef");
	set_postfix(facts, one);
	if (one->change != NULL)
		one->change(facts);
}

static void check_fine(const Case *one, const GPtrArray *findings)
{
	for (guint i = 0; i < findings->len; i++) {
		const Finding *finding = g_ptr_array_index(findings, i);

		if (finding->severity != FOUND_FINE)
			g_error("%s: %s", one->name, finding->what);
	}
	g_assert_cmpuint(findings->len, >, 3);
}

static void check_found(const Case *one, const GPtrArray *findings)
{
	const Finding *found = NULL;

	for (guint i = 0; i < findings->len && found == NULL; i++)
		if (strcmp(((const Finding *)g_ptr_array_index(findings, i))->check, one->check) == 0)
			found = g_ptr_array_index(findings, i);
	if (found == NULL)
		g_error("%s: %s was not found", one->name, one->check);
	g_assert_cmpint(found->severity, ==, one->severity);
	g_assert_nonnull(found->means);
	if (one->line != NULL)
		g_assert_cmpstr(found->line, ==, one->line);
	if (one->without_line)
		g_assert_null(found->line);
	if (one->file != NULL)
		g_assert_cmpstr(found->file, ==, one->file);
	if (one->place != NULL)
		g_assert_cmpstr(found->place, ==, one->place);
	/* What is found comes before what is fine. */
	g_assert_cmpint(((const Finding *)g_ptr_array_index(findings, 0))->severity, <=, one->severity);
}

static void test_each_fault_has_its_cure(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Config) config = make_config(&cases[i]);
		g_auto(DoctorFacts) facts = { 0 };
		g_autoptr(GPtrArray) findings = NULL;
		Status status = { 0 };

		make_facts(&facts, &status, &cases[i], config);
		findings = doctor_judge(&facts);
		if (cases[i].check == NULL)
			check_fine(&cases[i], findings);
		else
			check_found(&cases[i], findings);
		snapshot_unref(status.snapshot);
		g_ptr_array_unref(status.nodes);
		g_ptr_array_unref(status.wrong);
	}
}

static void test_without_a_configuration_its_mistakes_are_told(void)
{
	g_auto(DoctorFacts) facts = { 0 };
	g_autoptr(GPtrArray) findings = NULL;

	doctor_facts_init(&facts);
	facts.config_path = g_strdup("/etc/outage-milter.conf");
	g_ptr_array_add(facts.mistakes, g_strdup("/etc/outage-milter.conf:3: no such setting"));
	findings = doctor_judge(&facts);
	g_assert_cmpuint(findings->len, ==, 1);
	g_assert_cmpuint(doctor_count(findings, FOUND_WRONG), ==, 1);
	g_assert_cmpstr(((const Finding *)g_ptr_array_index(findings, 0))->what, ==, "/etc/outage-milter.conf:3: no such setting");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/doctor/each-fault-has-its-cure", test_each_fault_has_its_cure);
	g_test_add_func("/doctor/without-a-configuration-its-mistakes-are-told", test_without_a_configuration_its_mistakes_are_told);
	return g_test_run();
}
