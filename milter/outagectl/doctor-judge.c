/* doctor-judge: what of a site's facts is wrong, worth a look or fine, what that means for customers and what cures it. Layer: program.
 * Pure.
 *
 * What `outagectl status` finds wrong (status-wrong.c) is taken over, with what it means. */
#include <string.h>

#include "base/address.h"
#include "outagectl/doctor.h"

#define GATEWAY_LEAST 10   /* mails of persons a day that something can be said by */
#define NINE_OF_TEN(part, whole) ((part) * 10 >= (whole) * 9)
#define CLOCK_SECONDS 5    /* by which clocks may differ: a beat takes its time */
#define LOSSES 3           /* of the store, and the last not long ago */
#define LOSS_LATELY 600
#define NOBODY "NO CUSTOMER IS BEING ANSWERED."

/* --- findings --- */

void finding_free(Finding *finding)
{
	g_free(finding->what);
	g_free(finding->means);
	g_free(finding->file);
	g_free(finding->place);
	g_free(finding->line);
	g_free(finding);
}

Finding *doctor_add(GPtrArray *findings, FoundSeverity severity, const char *check, const char *means, const char *format, ...)
{
	Finding *finding = g_new0(Finding, 1);
	va_list args;

	finding->severity = severity;
	finding->check = check;
	finding->means = g_strdup(means);
	va_start(args, format);
	finding->what = g_strdup_vprintf(format, args);
	va_end(args);
	g_ptr_array_add(findings, finding);
	return finding;
}

void doctor_fix_setting(Finding *finding, const DoctorFacts *facts, const char *setting, const char *format, ...)
{
	const char *dot = strrchr(setting, '.');
	g_autofree char *value = NULL;
	va_list args;

	va_start(args, format);
	value = g_strdup_vprintf(format, args);
	va_end(args);
	finding->file = g_strdup(facts->config_path);
	finding->place = dot != NULL ? g_strndup(setting, (gsize)(dot - setting)) : NULL;
	finding->line = g_strdup_printf("%s = %s;", dot != NULL ? dot + 1 : setting, value);
}

void doctor_fix_postfix(Finding *finding, const PostfixFact *postfix, const PostfixService *service, const char *name,
    const char *format, ...)
{
	g_autofree char *value = NULL;
	va_list args;

	va_start(args, format);
	value = g_strdup_vprintf(format, args);
	va_end(args);
	finding->file = g_build_filename(postfix->dir, service != NULL ? "master.cf" : "main.cf", NULL);
	finding->place = service != NULL ? g_strdup_printf("%s/%s", service->name, service->type) : NULL;
	finding->line = g_strdup_printf(service != NULL ? "-o { %s = %s }" : "%s = %s", name, value);
}

void doctor_fix_run(Finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finding->line = g_strdup_vprintf(format, args);
	va_end(args);
}

guint doctor_count(const GPtrArray *findings, FoundSeverity severity)
{
	guint count = 0;

	for (guint i = 0; i < findings->len; i++)
		count += ((const Finding *)g_ptr_array_index(findings, i))->severity == severity;
	return count;
}

/* --- what status knows --- */

/* What it means that status says so; means NULL: it is judged here, with more to go by. */
static const struct { FoundSeverity severity; const char *check, *means, *file, *line; } ranks[WRONG_RANKS] = {
	[RANK_STORE_AWAY] = { FOUND_WRONG, "store-away",
	    "The incident that is on is not heard of, and acknowledgements wait.", NULL, NULL },
	[RANK_STORE_FULL] = { FOUND_WRONG, "store-full",
	    "Acknowledgements wait on the nodes; those of a node that is lost meanwhile are lost.", NULL,
	    NULL },
	[RANK_NO_MILTER] = { FOUND_WRONG, "milter-running", "No mail is looked at: no customer is tagged, lifted out or answered.", NULL,
	    "systemctl start outage-milter" },
	[RANK_STORE_EMPTY] = { FOUND_WRONG, "store-empty", "Acknowledgements are held back until somebody says what is on.", NULL, NULL },
	[RANK_UNREAD] = { FOUND_WRONG, "store-value",
	    "The last good value of it goes on to hold; what was meant does not reach customers.", NULL,
	    NULL },
	[RANK_PAUSED] = { FOUND_LOOK, "paused", "Customers who write now are not acknowledged.", NULL, "outagectl resume" },
	[RANK_FULL] = { FOUND_WRONG, "queue-full", "No new customer is acknowledged.", NULL, NULL },
	[RANK_HELD_BACK] = { FOUND_LOOK, "update-silence",
	    "Acknowledgements are held back, for what they would say is old.", NULL, NULL },
	[RANK_NO_REPLIER] = { FOUND_WRONG, "replier-running", "Acknowledgements are recorded and do not leave.", NULL,
	    "systemctl start outage-replier" },
	[RANK_PERSON] = { FOUND_LOOK, "waiting", "Customers who were promised a person still wait for one.", NULL, NULL },
	[RANK_ALARM] = { FOUND_LOOK, "alarm", "See what the alarm says.", NULL, NULL },
	[RANK_NODE_DIFFERS] = { FOUND_WRONG, "node-differs",
	    "What comes in through that node is treated otherwise than through the others.", NULL,
	    NULL },
	[RANK_NODE_SILENT] = { FOUND_LOOK, "node-silent", "If it still takes mail, that is not looked at.", NULL, NULL },
	[RANK_DEAD] = { FOUND_LOOK, "acks-dead", "These customers have not been answered.", NULL, "outagectl acks dead" },
	[RANK_WAITING] = { FOUND_LOOK, "acks-waiting", "These customers are answered later.", NULL, NULL },
	[RANK_EVICTS] = { FOUND_WRONG, "redis-evicts", "Acknowledgements are lost, or customers are answered twice.", "redis.conf",
	    "maxmemory-policy noeviction" },
	[RANK_NOT_SAFE] = { FOUND_LOOK, "redis-unsafe",
	    "After a restart or a failover customers are answered twice, or never.", NULL, NULL },
	[RANK_OVERDUE] = { FOUND_LOOK, "update-overdue", "A promise to customers has passed.", NULL, NULL },
	[RANK_ENTRIES] = { FOUND_LOOK, "accounts", "These accounts are treated like everybody else.", NULL, "outagectl accounts list" },
};

static void take_status(GPtrArray *findings, const DoctorFacts *facts)
{
	for (guint i = 0; i < facts->status->wrong->len; i++) {
		const Wrong *wrong = g_ptr_array_index(facts->status->wrong, i);
		Finding *finding;

		if (wrong->rank >= WRONG_RANKS || ranks[wrong->rank].means == NULL)
			continue;
		finding = doctor_add(findings, ranks[wrong->rank].severity, ranks[wrong->rank].check, ranks[wrong->rank].means, "%s.", wrong->text);
		finding->file = g_strdup(ranks[wrong->rank].file);
		finding->line = g_strdup(ranks[wrong->rank].line);
		/* One rank for all that is not safe; the line is for the one that a line cures. */
		if (wrong->rank == RANK_NOT_SAFE && strstr(wrong->text, "appendonly yes") != NULL) {
			finding->file = g_strdup("redis.conf");
			finding->line = g_strdup("appendonly yes");
		}
	}
}

/* --- the configuration --- */

static void judge_mistakes(GPtrArray *findings, const DoctorFacts *facts)
{
	for (guint i = 0; i < facts->mistakes->len; i++)
		doctor_add(findings, FOUND_WRONG, "configuration",
		    facts->config == NULL ? "The programs do not start with it; those that run go on with what they had."
		                          : "The programs do not start with it, or letters leave otherwise than they were meant.",
		    "%s", (const char *)g_ptr_array_index(facts->mistakes, i));
	if (facts->mistakes->len == 0)
		doctor_add(findings, FOUND_FINE, "configuration",
		    NULL, "%s, the rules and the templates are without mistakes.", facts->config_path);
}

static const char *some_domain(const DoctorFacts *facts)
{
	for (guint i = 0; i < facts->postfix->len; i++) {
		const PostfixFact *postfix = g_ptr_array_index(facts->postfix, i);
		const char *domain = postfix->settings != NULL ? g_hash_table_lookup(postfix->settings, "mydomain") : NULL;

		if (domain != NULL && *domain != '\0')
			return domain;
	}
	return "example.com";
}

static bool incident_on(const DoctorFacts *facts)
{
	return facts->status->snapshot != NULL &&
	    snapshot_is_active(facts->status->snapshot, facts->now, facts->config->resolved_for / 1000);
}

static void judge_mode(GPtrArray *findings, const DoctorFacts *facts)
{
	bool on = incident_on(facts);

	if (facts->config->mode == MODE_SHADOW)
		doctor_fix_setting(doctor_add(findings, on ? FOUND_WRONG : FOUND_LOOK, "shadow", NOBODY,
		    on ? "mode is shadow while an incident is on." : "mode is shadow: all is decided and logged, and nothing is sent."), facts,
		    "mode", "\"live\"");
	for (SupportAddress **support = facts->config->support; *support != NULL; support++)
		if (facts->config->mode == MODE_LIVE && (*support)->mode == MODE_SHADOW)
			doctor_add(findings, on ? FOUND_WRONG : FOUND_LOOK, "shadow", "Who writes there is not answered.",
			    "mode is shadow for %s%s: set it to \"live\" there.", (*support)->address != NULL ? (*support)->address : (*support)->domain,
			    on ? " while an incident is on" : "");
}

static void judge_settings(GPtrArray *findings, const DoctorFacts *facts)
{
	const char *domain = some_domain(facts);

	if (facts->config->support[0] == NULL)
		doctor_fix_setting(doctor_add(findings, FOUND_WRONG, "support", "NO MAIL IS INSPECTED, and " NOBODY,
		    "No support address is configured."), facts, "support", "( { address = \"support@%s\"; } )", domain);
	if (!config_authenticates(facts->config))
		doctor_fix_setting(doctor_add(findings, FOUND_WRONG, "authentication", NOBODY,
		    "auth.trusted_ids is empty and spf.enabled is off, so that no sender counts as authenticated."), facts, "spf.enabled", "true");
	judge_mode(findings, facts);
}

/* --- the incident's own links --- */

static void judge_links(GPtrArray *findings, const DoctorFacts *facts)
{
	const Snapshot *snapshot = facts->status->snapshot;

	for (guint i = 0; snapshot != NULL && i < snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(snapshot->incidents, i);
		const char *url = incident->texts[TEXT_STATUS_URL];
		g_autoptr(GUri) uri = url != NULL && word_is_open(incident->state.word) ? g_uri_parse(url, G_URI_FLAGS_NONE, NULL) : NULL;
		g_autofree char *host = uri != NULL ? domain_to_ascii(g_uri_get_host(uri)) : NULL;
		g_autoptr(GString) domains = g_string_new(NULL);
		bool covered = host == NULL;

		for (char **domain = facts->config->url_domains; *domain != NULL; domain++) {
			covered = covered || domain_is_under(host, *domain);
			g_string_append_printf(domains, "\"%s\", ", *domain);
		}
		if (!covered)
			doctor_fix_setting(doctor_add(findings, FOUND_WRONG, "status-url", "Replies leave without the link to the status page.",
			    "The status page of %s, on %s, is not covered by reply.url_domains; add it if it is yours.", incident->name, host), facts, "reply.url_domains",
			    "( %s\"%s\" )", domains->str, host);
	}
}

/* --- who counts as authenticated --- */

/* Filters mostly write the host's name into their Authentication-Results. Where there is no filter nobody else's claim to that name would be
 * removed: then nothing is advised. */
static void trust_own_name(Finding *finding, const DoctorFacts *facts)
{
	const PostfixFact *postfix = facts->postfix->len > 0 ? g_ptr_array_index(facts->postfix, 0) : NULL;
	const char *name = postfix != NULL && postfix->services != NULL ? postfix_effective(postfix->settings, NULL, "myhostname") : "";
	g_autoptr(GString) ids = g_string_new(NULL);

	if (*name == '\0' || !doctor_has_filter(facts, postfix))
		return;
	for (char **id = facts->config->authserv_ids; *id != NULL; id++) {
		if (g_ascii_strcasecmp(*id, name) == 0)
			return;
		g_string_append_printf(ids, "\"%s\", ", *id);
	}
	doctor_fix_setting(finding, facts, "auth.trusted_ids", "( %s\"%s\" )", ids->str, name);
}

static void judge_senders(GPtrArray *findings, const DoctorFacts *facts)
{
	g_autoptr(GString) relays = g_string_new(NULL);
	Finding *finding;

	if (!facts->counted || facts->persons < GATEWAY_LEAST || !NINE_OF_TEN(facts->unauthenticated, facts->persons))
		return;
	if (facts->client != NULL && NINE_OF_TEN(facts->client_mails, facts->unauthenticated) && !config_is_relay(facts->config, facts->client) &&
	    facts->config->spf_enabled) {
		for (char **relay = facts->config->spf_trusted_relays; *relay != NULL; relay++)
			g_string_append_printf(relays, "\"%s\", ", *relay);
		finding = doctor_add(findings, FOUND_WRONG, "gateway",
		    "Customers whose mail comes by it are not answered, and their accounts are not believed.",
		    "%" G_GUINT64_FORMAT " of the last %" G_GUINT64_FORMAT " mails have a sender nobody vouches for, and %" G_GUINT64_FORMAT
		    " of them came from %s: that looks like a gateway of yours in front.", facts->unauthenticated, facts->persons, facts->client_mails,
		    facts->client);
		doctor_fix_setting(finding, facts, "spf.trusted_relays", "( %s\"%s\" )", relays->str, facts->client);
		return;
	}
	finding = doctor_add(findings, FOUND_WRONG, "unauthenticated", "These customers are not answered.",
	    "%" G_GUINT64_FORMAT " of the last %" G_GUINT64_FORMAT " mails have a sender nobody vouches for: no Authentication-Results "
	    "of a name in auth.trusted_ids said so%s.", facts->unauthenticated, facts->persons,
	    facts->config->spf_enabled ? ", nor did SPF" : ", and spf.enabled is off");
	if (!facts->config->spf_enabled) {
		doctor_fix_setting(finding, facts, "spf.enabled", "true");
	} else {
		trust_own_name(finding, facts);
	}
}

static void judge_dns(GPtrArray *findings, const DoctorFacts *facts)
{
	const char *server = facts->config->spf_nameserver;

	if (!facts->config->spf_enabled)
		return;
	if (!facts->dns_silent)
		doctor_add(findings, FOUND_FINE, "dns", NULL, "The name server answers within spf.timeout.");
	else if (*server != '\0')
		doctor_fix_setting(doctor_add(findings, FOUND_WRONG, "dns", "Senders that SPF alone speaks for are not answered.",
		    "The name server %s (spf.nameserver) does not answer within spf.timeout; left empty, the system's is asked.", server), facts,
		    "spf.nameserver", "\"\"");
	else
		doctor_add(findings, FOUND_WRONG, "dns", "Senders that SPF alone speaks for are not answered.",
		    "The system's name servers (/etc/resolv.conf) do not answer within spf.timeout.");
}

/* --- the store --- */

static void judge_flips(GPtrArray *findings, const DoctorFacts *facts)
{
	for (guint i = 0; i < facts->flips->len; i++) {
		const FlipFact *flip = g_ptr_array_index(facts->flips, i);

		if (flip->word == NULL)
			continue;
		doctor_fix_setting(doctor_add(findings, FOUND_WRONG, "flip-elsewhere",
		    "Whoever flips the key there is not heard: nobody is answered in the outage.",
		    "The Redis at %s holds %sincident = %s, but the store is the embedded one (store.url).", flip->url, facts->config->store_prefix,
		    flip->word), facts, "store.url", "\"%s\"", flip->url);
	}
}

/* --- nodes --- */

static void judge_versions(GPtrArray *findings, const DoctorFacts *facts)
{
	const StatusNode *first = NULL;

	for (guint i = 0; i < facts->status->nodes->len; i++) {
		const StatusNode *node = g_ptr_array_index(facts->status->nodes, i);

		if (node->silent || node->version == NULL)
			continue;
		if (first == NULL)
			first = node;
		else if (strcmp(first->version, node->version) != 0)
			doctor_add(findings, FOUND_LOOK, "versions", "The same mail may be treated otherwise by one node than by the other.",
			    "%s runs version %s and %s runs %s: upgrade the older one, and restart it.", first->name, first->version, node->name,
			    node->version);
	}
}

static void judge_node(GPtrArray *findings, const DoctorFacts *facts, const StatusNode *node)
{
	if (node->silent)
		return;
	if (node->clock > 0 && node->at > 0 && ABS(node->at - node->clock) > CLOCK_SECONDS)
		doctor_fix_run(doctor_add(findings, FOUND_WRONG, "clock",
		    "Times that customers are told are wrong, and deadlines pass too early or late.",
		    "The clock of %s is %" G_GINT64_FORMAT " seconds %s the store's.", node->name, ABS(node->at - node->clock),
		    node->clock < node->at ? "behind" : "ahead of"), "timedatectl set-ntp true");
	if (node->secret != NULL && facts->fingerprint != NULL && strcmp(node->secret, facts->fingerprint) != 0)
		doctor_add(findings, FOUND_WRONG, "secret-differs",
		    "Acknowledgements that one node records are refused by the other, and customers are answered twice.",
		    "%s has another site secret than this host: copy %s, mode 0600 or 0640, and restart both programs.", node->name,
		    facts->secret->path);
	if (node->shadow && facts->config->mode == MODE_LIVE)
		doctor_fix_run(doctor_add(findings, FOUND_WRONG, "not-reloaded", NOBODY,
		    "mode is live in the configuration, but %s still works in shadow mode.", node->name),
		    "systemctl reload outage-milter outage-replier");
	if (node->losses >= LOSSES && node->last_error_at > facts->now - LOSS_LATELY && g_strcmp0(node->program, "outage-milter") == 0)
		doctor_add(findings, FOUND_LOOK, "watch", "A flip of the key reaches that node late.",
		    "%s has lost the store %" G_GINT64_FORMAT " times, lately: %s.", node->name, node->losses,
		    node->last_error != NULL ? node->last_error : "no reason is known");
}

static bool heard(const DoctorFacts *facts, const char *program)
{
	for (guint i = 0; i < facts->status->nodes->len; i++) {
		const StatusNode *node = g_ptr_array_index(facts->status->nodes, i);

		if (!node->silent && g_strcmp0(node->program, program) == 0)
			return true;
	}
	return false;
}

static void judge_nodes(GPtrArray *findings, const DoctorFacts *facts)
{
	guint before = findings->len;

	judge_versions(findings, facts);
	for (guint i = 0; i < facts->status->nodes->len; i++)
		judge_node(findings, facts, g_ptr_array_index(facts->status->nodes, i));
	/* The store hears a heartbeat for a minute after its node has gone; and others may be up. */
	if (!facts->socket_answers && !facts->socket_unknown && heard(facts, "outage-milter"))
		doctor_fix_run(doctor_add(findings, FOUND_WRONG, "milter-socket-silent", "Mail on this host passes without being looked at.",
		    "Nobody answers on %s: outage-milter does not run on this host, or has another socket.", facts->config->socket),
		    "systemctl start outage-milter");
	if (findings->len == before && heard(facts, "outage-milter") && heard(facts, "outage-replier"))
		doctor_add(findings, FOUND_FINE, "programs", NULL, "outage-milter and outage-replier run, and agree.");
}

/* --- this host --- */

static void judge_secret(GPtrArray *findings, const DoctorFacts *facts)
{
	g_autofree char *quoted = facts->secret != NULL ? g_shell_quote(facts->secret->path) : NULL;

	if (facts->secret == NULL)
		return;
	if (facts->secret_trouble != NULL && (facts->secret->mode & 007) != 0)
		doctor_fix_run(doctor_add(findings, FOUND_WRONG, "secret-readable",
		    "Anybody with a login here can have letters sent in your name; the programs do not start.",
		    "The site secret %s can be read by everybody.", facts->secret->path), "chmod 0640 %s", quoted);
	else if (facts->secret_trouble != NULL)
		doctor_add(findings, FOUND_WRONG, "secret", "The programs do not start.", "%s.", facts->secret_trouble);
	else if (!facts->secret->exists && facts->fingerprint == NULL)
		doctor_add(findings, FOUND_LOOK, "secret",
		    "Until it is there nothing is recorded; each host that makes its own refuses the others' letters.",
		    "There is no site secret at %s yet: the first start makes it, on a second node copy it from the first.", facts->secret->path);
	else if (facts->fingerprint != NULL)
		doctor_add(findings, FOUND_FINE, "secret", NULL, "The site secret is there, and not for everybody to read.");
}

static void judge_host(GPtrArray *findings, const DoctorFacts *facts)
{
	for (guint i = 0; i < facts->units->len; i++) {
		const UnitFact *unit = g_ptr_array_index(facts->units, i);

		if (*unit->enabled != '\0' && !g_str_has_prefix(unit->enabled, "enabled") && strcmp(unit->enabled, "static") != 0)
			doctor_fix_run(doctor_add(findings, FOUND_WRONG, "unit", "After the next restart of this host nobody is answered.",
			    "%s is %s: it does not start with the system.", unit->name, unit->enabled), "systemctl enable %s", unit->name);
	}
	for (guint i = 0; i < facts->leftovers->len; i++)
		doctor_add(findings, FOUND_LOOK, "leftover", "Improvements of the new version may be missing from what customers get.",
		    "%s lies beside a file of ours: compare the two, take over what is new, and remove it.",
		    (const char *)g_ptr_array_index(facts->leftovers, i));
	for (guint i = 0; i < facts->unread->len; i++)
		doctor_add(findings, FOUND_LOOK, "unread", "What stands there may be wrong all the same.",
		    "Could not be looked at (root can): %s.", (const char *)g_ptr_array_index(facts->unread, i));
}

static void judge_mta(GPtrArray *findings, const DoctorFacts *facts)
{
	doctor_judge_postfix(findings, facts);
	/* With Postfix there a sendmail.cf is a leftover of another time. */
	if (facts->postfix->len == 0 && facts->sendmail_path != NULL)
		doctor_judge_sendmail(findings, facts);
	else if (facts->postfix->len == 0)
		doctor_add(findings, FOUND_LOOK, "mta", "Whether mail passes outage-milter is not known.",
		    "Neither Postfix nor Sendmail was found on this host (--postfix DIR names a configuration folder).");
}

static int by_severity(gconstpointer a, gconstpointer b)
{
	return (int)(*(Finding *const *)a)->severity - (int)(*(Finding *const *)b)->severity;
}

/* Two services with the same fault in one list of milters are one finding. */
static void drop_repeated(GPtrArray *findings)
{
	for (guint i = 0; i < findings->len; i++) {
		const Finding *one = g_ptr_array_index(findings, i);

		for (guint j = findings->len - 1; j > i; j--) {
			const Finding *other = g_ptr_array_index(findings, j);

			if (strcmp(one->check, other->check) == 0 && strcmp(one->what, other->what) == 0)
				g_ptr_array_remove_index(findings, j);
		}
	}
}

GPtrArray *doctor_judge(const DoctorFacts *facts)
{
	GPtrArray *findings = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free);

	judge_mistakes(findings, facts);
	if (facts->config != NULL) {
		take_status(findings, facts);
		judge_settings(findings, facts);
		judge_mta(findings, facts);
		judge_senders(findings, facts);
		judge_flips(findings, facts);
		judge_nodes(findings, facts);
		judge_links(findings, facts);
		judge_dns(findings, facts);
		judge_secret(findings, facts);
	}
	judge_host(findings, facts);
	drop_repeated(findings);
	g_ptr_array_sort(findings, by_severity);
	return findings;
}
