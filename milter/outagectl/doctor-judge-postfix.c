/* doctor-judge-postfix: does mail pass the milter, once and last, and pass on when it is away; and the same of Sendmail. Layer: program.
 * Pure. */
#include <string.h>

#include "outagectl/doctor.h"

#define NOT_LOOKED_AT "No mail is looked at: no customer is tagged, lifted out or answered."

/* A list of milters as it holds for one service, and where it is written. */
typedef struct {
	const DoctorFacts *facts;
	const PostfixFact *postfix;
	const PostfixService *service;
	const PostfixService *written; /* the service, where it has a list of its own; NULL: main.cf */
	GPtrArray *milters;
	int ours;
	MilterKind kind;
	char *where;           /* in words */
} Chain;

static void chain_clear(Chain *chain)
{
	g_clear_pointer(&chain->milters, g_ptr_array_unref);
	g_free(chain->where);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Chain, chain_clear)

static const PostfixService *written_at(const PostfixService *service, const char *name)
{
	return g_hash_table_contains(service->options, name) ? service : NULL;
}

static void chain_read(Chain *chain, const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service)
{
	*chain = (Chain){ .facts = facts, .postfix = postfix, .service = service, .kind = MILTER_OTHER };
	chain->written = written_at(service, "smtpd_milters");
	chain->milters = postfix_read_milters(postfix_effective(postfix->settings, service, "smtpd_milters"));
	chain->ours = doctor_find_ours(facts, postfix, service, chain->milters, &chain->kind);
	chain->where = chain->written != NULL
	                   ? g_strdup_printf("smtpd_milters of the service %s in %s/master.cf", service->name, postfix->dir)
	                   : g_strdup_printf("smtpd_milters in %s/main.cf", postfix->dir);
}

static int by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

/* Returns our entry as it should be, with the other options of the one that is there (NULL: none); caller frees. */
static char *own_entry(const char *endpoint, const PostfixMilter *there)
{
	GString *entry = g_string_new(NULL);
	g_autoptr(GList) names = there != NULL ? g_list_sort(g_hash_table_get_keys(there->options), by_text) : NULL;

	g_string_append_printf(entry, "{ %s, default_action=accept", endpoint);
	for (const GList *name = names; name != NULL; name = name->next)
		if (strcmp(name->data, "default_action") != 0)
			g_string_append_printf(entry, ", %s=%s", (const char *)name->data, (const char *)g_hash_table_lookup(there->options, name->data));
	g_string_append(entry, " }");
	return g_string_free(entry, FALSE);
}

/* The list with our entry, right and last. endpoint: NULL = as it is written there. */
static void fix_list(Finding *finding, const Chain *chain, const char *endpoint)
{
	const PostfixMilter *there = chain->ours >= 0 ? g_ptr_array_index(chain->milters, chain->ours) : NULL;
	g_autofree char *entry = own_entry(endpoint != NULL ? endpoint : there->endpoint, there);
	g_autofree char *list = doctor_milter_list(chain->facts, chain->postfix, chain->service, chain->milters, entry);

	doctor_fix_postfix(finding, chain->postfix, chain->written, "smtpd_milters", "%s", list);
}

/* --- one chain that has it --- */

static void judge_notation(GPtrArray *findings, const Chain *chain)
{
	const PostfixMilter *milter = g_ptr_array_index(chain->milters, chain->ours);
	g_autofree char *endpoint = doctor_own_endpoint(chain->facts, chain->postfix, chain->service);
	Finding *finding = doctor_add(findings, FOUND_WRONG, "milter-notation", NOT_LOOKED_AT,
	    "%s names outage-milter as %s, which Postfix does not understand: it wants inet:HOST:PORT or unix:PATH.", chain->where,
	    milter->endpoint);

	if (endpoint != NULL)
		fix_list(finding, chain, endpoint);
}

static void judge_reach(GPtrArray *findings, const Chain *chain)
{
	const PostfixMilter *milter = g_ptr_array_index(chain->milters, chain->ours);
	const char *queue = postfix_effective(chain->postfix->settings, NULL, "queue_directory");
	const char *path = strchr(milter->endpoint, ':') + 1;
	g_autofree char *endpoint = doctor_own_endpoint(chain->facts, chain->postfix, chain->service);
	Finding *finding = doctor_add(findings, FOUND_WRONG, "milter-socket", NOT_LOOKED_AT,
	    "%s names %s, and smtpd%s does not find the socket there: it is %s%s.", chain->where, milter->endpoint,
	    chain->service->chroot ? ", which runs chrooted in the queue directory," : "", chain->facts->config->socket,
	    chain->service->chroot ? " outside of the chroot" : "");

	if (endpoint != NULL)
		fix_list(finding, chain, endpoint);
	else
		doctor_fix_setting(finding, chain->facts, "socket", "\"unix:%s/%s\"", queue, *path == '/' ? path + 1 : path);
}

static void judge_order(GPtrArray *findings, const Chain *chain)
{
	const PostfixMilter *last = g_ptr_array_index(chain->milters, chain->milters->len - 1);
	Finding *finding;

	if (chain->ours + 1 == (int)chain->milters->len)
		return;
	finding = doctor_add(findings, FOUND_WRONG, "milter-order",
	    "What that one adds (Authentication-Results, spam marks) is not seen, and who is rejected by it may have been answered already.",
	    "%s has %s behind outage-milter, which belongs last.", chain->where, last->endpoint);
	fix_list(finding, chain, NULL);
}

static void judge_default_action(GPtrArray *findings, const Chain *chain)
{
	const PostfixMilter *milter = g_ptr_array_index(chain->milters, chain->ours);
	const char *action = g_hash_table_lookup(milter->options, "default_action");
	Finding *finding;

	if (action == NULL)
		action = postfix_effective(chain->postfix->settings, chain->service, "milter_default_action");
	if (strcmp(action, "accept") == 0)
		return;
	finding = doctor_add(findings, FOUND_WRONG, "milter-default-action",
	    "While outage-milter is away or restarts, mail of customers is deferred or refused instead of passing untouched.",
	    "%s leaves it to Postfix what happens when outage-milter is away, and that is %s.", chain->where, action);
	fix_list(finding, chain, NULL);
}

static void judge_protocol(GPtrArray *findings, const Chain *chain)
{
	const PostfixMilter *milter = g_ptr_array_index(chain->milters, chain->ours);
	const char *own = g_hash_table_lookup(milter->options, "protocol");
	const char *protocol = own != NULL ? own : postfix_effective(chain->postfix->settings, chain->service, "milter_protocol");
	Finding *finding;

	if (*protocol == '\0' || g_ascii_strtoull(protocol, NULL, 10) >= 6)
		return;
	finding = doctor_add(findings, FOUND_WRONG, "milter-protocol",
	    "Headers may be set and removed wrongly, and every message takes longer.",
	    "Postfix speaks version %s of the milter protocol to outage-milter, which wants 6.", protocol);
	if (own == NULL)
		doctor_fix_postfix(finding, chain->postfix, written_at(chain->service, "milter_protocol"), "milter_protocol", "6");
}

/* Whether the user may: bit 1 = pass, 2 = write. */
static bool may(const PostfixFact *postfix, const PathFact *path, guint bit)
{
	if (postfix->uid == path->uid)
		return (path->mode >> 6 & bit) != 0;
	for (guint i = 0; i < postfix->groups->len; i++)
		if (g_array_index(postfix->groups, gid_t, i) == path->gid)
			return (path->mode >> 3 & bit) != 0;
	return (path->mode & bit) != 0;
}

static bool in_group(const PostfixFact *postfix, gint64 gid)
{
	for (guint i = 0; i < postfix->groups->len; i++)
		if (g_array_index(postfix->groups, gid_t, i) == gid)
			return true;
	return false;
}

/* In a chroot what lies above the queue directory is passed already. */
static bool is_above(const Chain *chain, const char *path)
{
	return chain->service->chroot && g_str_has_prefix(postfix_effective(chain->postfix->settings, NULL, "queue_directory"), path);
}

static void judge_permissions(GPtrArray *findings, const Chain *chain)
{
	const PathFact *sock = chain->facts->socket->len > 0 ? g_ptr_array_index(chain->facts->socket, 0) : NULL;
	const char *owner = postfix_effective(chain->postfix->settings, NULL, "mail_owner");

	if (sock == NULL || !sock->exists || chain->postfix->uid < 0)
		return;
	for (guint i = 1; i < chain->facts->socket->len; i++) {
		const PathFact *folder = g_ptr_array_index(chain->facts->socket, i);
		g_autofree char *quoted = g_shell_quote(folder->path);

		if (!folder->exists || is_above(chain, folder->path) || may(chain->postfix, folder, 1))
			continue;
		doctor_fix_run(doctor_add(findings, FOUND_WRONG, "milter-permissions", NOT_LOOKED_AT,
		    "The user %s of Postfix may not pass through %s to the milter's socket.", owner, folder->path), "chmod o+x %s", quoted);
	}
	if (!may(chain->postfix, sock, 2)) {
		bool grouped = in_group(chain->postfix, sock->gid);
		Finding *finding = doctor_add(findings, FOUND_WRONG, "milter-permissions", NOT_LOOKED_AT,
		    "The user %s of Postfix may not connect to %s: its mode is %04o%s. (The milter has to be restarted.)", owner, sock->path,
		    sock->mode, grouped ? "" : " and its group another; the milter's own user has to be in Postfix's group, too");

		if (grouped)
			doctor_fix_setting(finding, chain->facts, "socket_mode", "\"0660\"");
		else
			doctor_fix_setting(finding, chain->facts, "socket_group", "\"%s\"", owner);
	}
}

static void judge_chain(GPtrArray *findings, const Chain *chain)
{
	if (chain->kind == MILTER_MISWRITTEN) {
		judge_notation(findings, chain);
		return;
	}
	if (chain->kind == MILTER_UNREACHED) {
		judge_reach(findings, chain);
		return;
	}
	judge_order(findings, chain);
	judge_default_action(findings, chain);
	judge_protocol(findings, chain);
	judge_permissions(findings, chain);
}

/* --- one instance --- */

/* Returns the smtpd that customers' mail comes in by: behind postscreen, on port 25, or the first that is there for anything but replies
 * and submission; where there is but the one, that. NULL where none listens. */
static const PostfixService *entrance(const DoctorFacts *facts, const PostfixFact *postfix)
{
	const PostfixService *best = NULL;
	guint best_rank = 0;

	for (guint i = 0; i < postfix->services->len; i++) {
		const PostfixService *service = g_ptr_array_index(postfix->services, i);
		g_autofree char *host = NULL;
		guint port = postfix_service_port(service, &host);
		guint rank = strcmp(service->type, "pass") == 0 ? 5 : port == 25 ? 4 : port == 465 || port == 587 ? 2 : 3;

		if (!doctor_is_smtpd(service))
			continue;
		if (rank < 4 && doctor_takes_replies(facts, service))
			rank = 1;
		if (rank > best_rank) {
			best = service;
			best_rank = rank;
		}
	}
	return best;
}

static bool passes_ours(const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service)
{
	g_auto(Chain) chain = { 0 };

	if (!doctor_is_smtpd(service) ||
	    strstr(postfix_effective(postfix->settings, service, "receive_override_options"), "no_milters") != NULL)
		return false;
	chain_read(&chain, facts, postfix, service);
	return chain.ours >= 0;
}

static void judge_absence(GPtrArray *findings, const DoctorFacts *facts, const PostfixFact *postfix, bool elsewhere)
{
	const PostfixService *service = entrance(facts, postfix);
	g_autoptr(GPtrArray) others = postfix_read_milters(postfix_effective(postfix->settings, NULL, "non_smtpd_milters"));
	bool local = service != NULL && doctor_find_ours(facts, postfix, service, others, NULL) >= 0;
	g_auto(Chain) chain = { 0 };
	g_autofree char *endpoint = NULL;
	Finding *finding;

	if (service == NULL)
		return;
	chain_read(&chain, facts, postfix, service);
	if (chain.ours >= 0) {
		doctor_add(findings, FOUND_WRONG, "milter-absent", NOT_LOOKED_AT,
		    "The service %s in %s/master.cf has receive_override_options with no_milters: take that word out.", service->name, postfix->dir);
		return;
	}
	endpoint = doctor_own_endpoint(facts, postfix, service);
	finding = doctor_add(findings, elsewhere ? FOUND_LOOK : FOUND_WRONG, "milter-absent", NOT_LOOKED_AT,
	    local ? "outage-milter stands in non_smtpd_milters, for mail of sendmail(1), but not in %s, for mail that comes in by SMTP."
	          : "outage-milter does not stand in %s.",
	    chain.where);
	/* A chrooted smtpd cannot reach it where it is; where it would be is said once it is there. */
	fix_list(finding, &chain, endpoint != NULL ? endpoint : "unix:outage-milter/milter.sock");
}

/* Mail that a content filter hands back comes in by another port, on loopback, and would pass a second time. */
static void judge_reinjection(GPtrArray *findings, const DoctorFacts *facts, const PostfixFact *postfix)
{
	bool filters = false;

	for (guint i = 0; i < postfix->services->len; i++) {
		const PostfixService *service = g_ptr_array_index(postfix->services, i);

		filters = filters || (doctor_is_smtpd(service) && passes_ours(facts, postfix, service) &&
		    (*postfix_effective(postfix->settings, service, "content_filter") != '\0' ||
		        *postfix_effective(postfix->settings, service, "smtpd_proxy_filter") != '\0'));
	}
	if (!filters || config_trusts_host(facts->config, "127.0.0.1"))
		return;
	for (guint i = 0; i < postfix->services->len; i++) {
		const PostfixService *service = g_ptr_array_index(postfix->services, i);
		g_autofree char *host = NULL;
		guint port = postfix_service_port(service, &host);
		const char *options = postfix_effective(postfix->settings, service, "receive_override_options");
		bool inside = port != 0 && (g_str_has_prefix(host, "127.") || strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0);

		if (!inside || *postfix_effective(postfix->settings, service, "content_filter") != '\0' ||
		    *postfix_effective(postfix->settings, service, "smtpd_proxy_filter") != '\0' || doctor_takes_replies(facts, service) ||
		    !passes_ours(facts, postfix, service))
			continue;
		doctor_fix_postfix(doctor_add(findings, FOUND_WRONG, "milter-twice",
		    "Every mail is decided and counted twice, and what the first pass has set is removed by the second.",
		    "Mail that the content filter hands back to the service %s in %s/master.cf passes outage-milter a second time.", service->name,
		    postfix->dir), postfix, service, "receive_override_options", "%s%sno_milters", options, *options != '\0' ? ", " : "");
	}
}

bool doctor_has_filter(const DoctorFacts *facts, const PostfixFact *postfix)
{
	const PostfixService *service = entrance(facts, postfix);
	g_auto(Chain) chain = { 0 };

	if (service == NULL)
		return false;
	chain_read(&chain, facts, postfix, service);
	return chain.milters->len > (chain.ours >= 0 ? 1u : 0u);
}

static void judge_delimiter(GPtrArray *findings, const DoctorFacts *facts, const PostfixFact *postfix)
{
	const char *delimiter = postfix_effective(postfix->settings, NULL, "recipient_delimiter");

	if (*facts->config->bounce_address == '\0' || strchr(delimiter, '+') != NULL)
		return;
	doctor_fix_postfix(doctor_add(findings, FOUND_WRONG, "recipient-delimiter",
	    "Bounces of replies are refused as sent to an unknown user, so that addresses that do not exist are written to again.",
	    "reply.bounce_address is sent with a tag behind \"+\", and recipient_delimiter in %s/main.cf does not have that.", postfix->dir),
	    postfix, NULL, "recipient_delimiter", "+%s", delimiter);
}

static void judge_instance(GPtrArray *findings, const DoctorFacts *facts, const PostfixFact *postfix)
{
	for (guint i = 0; i < postfix->services->len; i++) {
		const PostfixService *service = g_ptr_array_index(postfix->services, i);
		g_auto(Chain) chain = { 0 };

		if (!passes_ours(facts, postfix, service))
			continue;
		chain_read(&chain, facts, postfix, service);
		judge_chain(findings, &chain);
	}
	judge_reinjection(findings, facts, postfix);
}

static bool instance_passes(const DoctorFacts *facts, const PostfixFact *postfix)
{
	const PostfixService *service = postfix->services != NULL ? entrance(facts, postfix) : NULL;

	return service != NULL && passes_ours(facts, postfix, service);
}

/* Filters such as OpenDKIM leave forged results in that they do not understand, and all of them while they are away (doc/postfix.md). */
static void judge_results(GPtrArray *findings, const DoctorFacts *facts, const PostfixFact *postfix)
{
	const Config *config = facts->config;
	const PostfixService *service = entrance(facts, postfix);
	bool checked = service != NULL &&
	    strstr(postfix_effective(postfix->settings, service, "receive_override_options"), "no_header_body_checks") == NULL;

	if (!config->authres_all || config->authserv_ids[0] == NULL || !instance_passes(facts, postfix) || (checked && postfix->drops_results))
		return;
	/* A gateway of the site's own may remove them before. */
	doctor_fix_setting(doctor_add(findings, *config->spf_trusted_relays != NULL ? FOUND_LOOK : FOUND_WRONG, "forged-results",
	    "Who writes such a header himself counts as authenticated: replies go to people who wrote nothing, and accounts are believed.",
	    "auth.all_instances is on, and header_checks in %s/main.cf do not remove the Authentication-Results that mail comes in with: add "
	    "that, or switch it off.", postfix->dir), facts, "auth.all_instances", "false");
}

void doctor_judge_postfix(GPtrArray *findings, const DoctorFacts *facts)
{
	bool somewhere = false;

	for (guint i = 0; i < facts->postfix->len; i++)
		somewhere = somewhere || instance_passes(facts, g_ptr_array_index(facts->postfix, i));
	for (guint i = 0; i < facts->postfix->len; i++) {
		const PostfixFact *postfix = g_ptr_array_index(facts->postfix, i);
		guint before = findings->len;

		if (postfix->services == NULL)
			continue;
		if (!instance_passes(facts, postfix))
			judge_absence(findings, facts, postfix, somewhere);
		judge_instance(findings, facts, postfix);
		judge_delimiter(findings, facts, postfix);
		judge_results(findings, facts, postfix);
		if (findings->len == before)
			doctor_add(findings, FOUND_FINE, "postfix",
			    NULL, "Postfix in %s passes mail to outage-milter, last, and goes on without it.",
			    postfix->dir);
		doctor_judge_replies(findings, facts, postfix);
	}
}

/* --- Sendmail --- */

/*     sendmail.cf = *( "X" name "," *SP equates LF / "O" SP "InputMailFilters=" names LF / ... LF )        Sendmail's op.me, 5.1.10 */
void doctor_judge_sendmail(GPtrArray *findings, const DoctorFacts *facts)
{
	g_auto(GStrv) lines = NULL;
	const char *line = NULL, *path = strchr(facts->config->socket, ':');
	char *filters = NULL;
	Finding *finding;

	if (facts->sendmail_text == NULL)
		return;
	lines = g_strsplit(facts->sendmail_text, "\n", -1);
	for (char **one = lines; *one != NULL; one++) {
		if (g_str_has_prefix(*one, "Xoutage-milter,"))
			line = *one;
		if (g_str_has_prefix(*one, "O InputMailFilters="))
			filters = *one;
	}
	if (line == NULL || filters == NULL || strstr(filters, "outage-milter") == NULL) {
		finding = doctor_add(findings, FOUND_WRONG, "sendmail-filter", NOT_LOOKED_AT,
		    "%s does not have outage-milter as a filter. (Then make sendmail.cf of sendmail.mc again, and restart Sendmail.)",
		    facts->sendmail_path);
		finding->file = g_build_filename("/etc/mail", "sendmail.mc", NULL);
		finding->line = g_strdup_printf("INPUT_MAIL_FILTER(`outage-milter', `S=%s, T=C:5s;S:10s;R:10s;E:30s')dnl", facts->config->socket);
	} else if (path != NULL && strstr(line, path + 1) == NULL) {
		doctor_add(findings, FOUND_WRONG, "sendmail-socket", NOT_LOOKED_AT, "%s looks for outage-milter at another socket than %s: %s",
		    facts->sendmail_path, facts->config->socket, line);
	} else if (g_regex_match_simple("F=[RT4]", line, 0, 0)) {
		doctor_add(findings, FOUND_WRONG, "milter-default-action",
		    "While outage-milter is away or restarts, mail of customers is refused or deferred instead of passing untouched.",
		    "%s has F=R, F=T or F=4 for outage-milter: leave F= out.", facts->sendmail_path);
	} else if (!g_str_has_suffix(g_strchomp(filters), "outage-milter")) {
		doctor_add(findings, FOUND_WRONG, "milter-order",
		    "What later filters add is not seen, and who is rejected by them may have been answered already.",
		    "%s has filters behind outage-milter, which belongs last.", facts->sendmail_path);
	} else {
		doctor_add(findings, FOUND_FINE, "sendmail", NULL, "Sendmail passes mail to outage-milter, last, and goes on without it.");
	}
}
