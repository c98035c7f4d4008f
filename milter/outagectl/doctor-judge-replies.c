/* doctor-judge-replies: by which port replies leave, and whether they are signed there. Layer: program. Pure.
 *
 * Replies have the null sender: SPF does not speak for them, so that without a DKIM signature of the From domain they fail DMARC
 * (RFC 7489 section 3.1). */
#include <gio/gio.h>
#include <string.h>

#include "outagectl/doctor.h"

#define UNSIGNED "Replies fail DMARC: customers find them in the spam folder, or not at all."
#define REPLY_PORT "127.0.0.1:10028"
#define OWN_PORT " Give them a port of their own, and set reply.relay = \"smtp://" REPLY_PORT "\"."
#define USUAL_SIGNER "inet:127.0.0.1:8891"

/* Milters that sign, by what is usual: a socket does not say what is behind it. */
static bool is_signer(const PostfixMilter *milter)
{
	static const char *const signs[] = { "opendkim", "dkim", "rspamd", "amavis", "exim", ":8891", ":11332" };

	for (gsize i = 0; i < G_N_ELEMENTS(signs); i++)
		if (strstr(milter->endpoint, signs[i]) != NULL)
			return true;
	return false;
}

/* Returns the entry of a signer that this Postfix uses elsewhere, or one that is usual; caller frees. */
static char *find_signer(const DoctorFacts *facts, const PostfixFact *postfix)
{
	for (guint i = 0; i <= postfix->services->len; i++) {
		const PostfixService *service = i < postfix->services->len ? g_ptr_array_index(postfix->services, i) : NULL;
		const char *name = service != NULL ? "smtpd_milters" : "non_smtpd_milters";
		g_autoptr(GPtrArray) milters = postfix_read_milters(postfix_effective(postfix->settings, service, name));

		for (guint m = 0; m < milters->len; m++) {
			const PostfixMilter *milter = g_ptr_array_index(milters, m);

			if (is_signer(milter) && (service == NULL || doctor_milter_kind(facts, postfix, service, milter) == MILTER_OTHER))
				return g_strdup(milter->text);
		}
	}
	return g_strdup(USUAL_SIGNER);
}

/* --- the port --- */

/* A port of their own, with milters that find their sockets as they did on the port they are taken from. */
static void fix_port(Finding *finding, const PostfixFact *postfix, const PostfixService *service, const char *milters)
{
	finding->file = g_build_filename(postfix->dir, "master.cf", NULL);
	finding->line = g_strdup_printf(
	    REPLY_PORT " inet n - %c - - smtpd -o { smtpd_milters = %s } -o smtpd_relay_restrictions=permit_mynetworks,reject",
	    service->chroot ? 'y' : 'n', milters);
}

/* A port that customers' mail comes in by, too, cannot do without our milter: replies need one of their own. */
static void judge_own_milter(GPtrArray *findings, const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service,
    bool shared, const GPtrArray *milters)
{
	g_autofree char *signer = find_signer(facts, postfix), *list = doctor_milter_list(facts, postfix, service, milters, NULL);
	Finding *finding;

	finding = doctor_add(findings, shared ? FOUND_LOOK : FOUND_WRONG, "reply-port",
	    "Every reply is inspected like mail of a customer, which slows replies down and takes them for answers of people.",
	    shared ? "reply.relay hands replies to the service %s, by which customers' mail comes in and which passes outage-milter itself; give "
	             "them a port of their own, and set reply.relay = \"smtp://" REPLY_PORT "\"."
	           : "reply.relay hands replies to the service %s, which passes outage-milter itself.", service->name);
	if (!shared) {
		doctor_fix_postfix(finding, postfix, service, "smtpd_milters", "%s", *list != '\0' ? list : signer);
		return;
	}
	fix_port(finding, postfix, service, *list != '\0' ? list : signer);
}

static void judge_signing(GPtrArray *findings, const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service,
    bool shared, const GPtrArray *milters)
{
	const char *options = postfix_effective(postfix->settings, service, "receive_override_options");
	const char *relayhost = postfix_effective(postfix->settings, NULL, "relayhost");
	g_autofree char *signer = find_signer(facts, postfix), *list = doctor_milter_list(facts, postfix, service, milters, signer);
	guint others = 0;
	bool known = false;
	Finding *finding;

	for (guint i = 0; i < milters->len; i++) {
		const PostfixMilter *milter = g_ptr_array_index(milters, i);

		if (doctor_milter_kind(facts, postfix, service, milter) != MILTER_OTHER)
			continue;
		others++;
		known = known || is_signer(milter);
	}
	if (strstr(options, "no_milters") != NULL) {
		g_auto(GStrv) words = g_strsplit_set(options, ", \t", -1);
		g_autoptr(GString) rest = g_string_new(NULL);

		for (char **word = words; *word != NULL; word++)
			if (**word != '\0' && strcmp(*word, "no_milters") != 0)
				g_string_append_printf(rest, "%s%s", rest->len > 0 ? ", " : "", *word);
		doctor_fix_postfix(doctor_add(findings, FOUND_WRONG, "reply-no-milters", UNSIGNED,
		    "The service %s in %s/master.cf, by which replies leave, has receive_override_options with no_milters: nothing signs them.",
		    service->name, postfix->dir), postfix, service, "receive_override_options", "%s", rest->str);
		return;
	}
	if (others == 0) {
		finding = doctor_add(findings, *relayhost != '\0' ? FOUND_LOOK : FOUND_WRONG, "reply-unsigned", UNSIGNED,
		    "No milter signs replies on the service %s in %s/master.cf%s%s%s%s", service->name, postfix->dir,
		    *relayhost != '\0' ? ": does the relayhost " : ".", relayhost, *relayhost != '\0' ? " sign them?" : "", shared ? OWN_PORT : "");
		/* A list for that port alone would take our milter out of it where customers' mail comes in by it. */
		if (shared)
			fix_port(finding, postfix, service, list);
		else
			doctor_fix_postfix(finding, postfix, service, "smtpd_milters", "%s", list);
	} else if (!known) {
		doctor_add(findings, FOUND_LOOK, "reply-unsigned", UNSIGNED,
		    "None of the milters on the service %s in %s/master.cf, by which replies leave, is known as one that signs (DKIM): see that "
		    "one does.",
		    service->name, postfix->dir);
	} else {
		doctor_add(findings, FOUND_FINE, "replies", NULL, "Replies leave by the service %s in %s/master.cf, where they are signed.",
		    service->name, postfix->dir);
	}
}

/* --- the domain --- */

/* Whether rspamd is there to sign: then what opendkim.conf says is of another time. */
static bool signs_otherwise(const GPtrArray *milters)
{
	for (guint i = 0; i < milters->len; i++) {
		const char *endpoint = ((const PostfixMilter *)g_ptr_array_index(milters, i))->endpoint;

		if (strstr(endpoint, "rspamd") != NULL || strstr(endpoint, ":11332") != NULL)
			return true;
	}
	return false;
}

/*     pattern = "*" / "." domain / "*." domain / domain           of OpenDKIM's Domain and SigningTable; "%" stands for any */
static bool signs_for(const DoctorFacts *facts, const char *domain)
{
	for (guint i = 0; i < facts->dkim_domains->len; i++) {
		const char *pattern = g_ptr_array_index(facts->dkim_domains, i);
		g_autofree char *dotted = *pattern == '.' ? g_strconcat("*", pattern, NULL) : NULL;

		if (strcmp(pattern, "%") == 0 || g_pattern_match_simple(dotted != NULL ? dotted : pattern, domain))
			return true;
	}
	return false;
}

static void judge_domain(GPtrArray *findings, const DoctorFacts *facts, const char *address)
{
	const char *at = strrchr(address, '@'), *domain = at != NULL ? at + 1 : address;
	g_autoptr(GString) domains = g_string_new(NULL);
	Finding *finding;

	if (*domain == '\0' || signs_for(facts, domain))
		return;
	finding = doctor_add(findings, FOUND_WRONG, "dkim-domain", UNSIGNED,
	    "OpenDKIM (%s) does not sign for %s, the domain of the replies' From; it needs a key for it%s.", facts->dkim_path,
	    domain, facts->dkim_table ? " in KeyTable, and a line in SigningTable" : "");
	/* In a table it is a line with the name of a key, which nobody knows yet. */
	if (facts->dkim_table)
		return;
	for (guint i = 0; i < facts->dkim_domains->len; i++)
		g_string_append_printf(domains, "%s, ", (const char *)g_ptr_array_index(facts->dkim_domains, i));
	finding->file = g_strdup(facts->dkim_path);
	finding->line = g_strdup_printf("Domain %s%s", domains->str, domain);
}

static void judge_opendkim(GPtrArray *findings, const DoctorFacts *facts)
{
	if (facts->dkim_path == NULL)
		return;
	if (!facts->dkim_signs) {
		Finding *finding = doctor_add(findings, FOUND_WRONG, "dkim-mode",
		    UNSIGNED, "OpenDKIM (%s) only verifies signatures.", facts->dkim_path);

		finding->file = g_strdup(facts->dkim_path);
		finding->line = g_strdup("Mode sv");
	}
	if (facts->dkim_domains == NULL)
		return;
	if (*facts->config->reply_from != '\0') {
		judge_domain(findings, facts, facts->config->reply_from);
		return;
	}
	for (SupportAddress **support = facts->config->support; *support != NULL; support++)
		judge_domain(findings, facts, (*support)->address != NULL ? (*support)->address : (*support)->domain);
}

/* Whether mail of customers comes in by it, too: there is no other port for it. */
static bool is_shared(const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service)
{
	g_autofree char *host = NULL;

	if (postfix_service_port(service, &host) == 25)
		return true;
	for (guint i = 0; i < postfix->services->len; i++) {
		const PostfixService *other = g_ptr_array_index(postfix->services, i);
		g_autoptr(GPtrArray) milters = NULL;

		if (other == service || !doctor_is_smtpd(other) || doctor_takes_replies(facts, other))
			continue;
		milters = postfix_read_milters(postfix_effective(postfix->settings, other, "smtpd_milters"));
		if (doctor_find_ours(facts, postfix, other, milters, NULL) >= 0)
			return false;
	}
	return true;
}

void doctor_judge_replies(GPtrArray *findings, const DoctorFacts *facts, const PostfixFact *postfix)
{
	for (guint i = 0; i < postfix->services->len; i++) {
		const PostfixService *service = g_ptr_array_index(postfix->services, i);
		g_autoptr(GPtrArray) milters = NULL;
		bool shared;

		if (!doctor_takes_replies(facts, service))
			continue;
		shared = is_shared(facts, postfix, service);
		milters = postfix_read_milters(postfix_effective(postfix->settings, service, "smtpd_milters"));
		if (doctor_find_ours(facts, postfix, service, milters, NULL) >= 0)
			judge_own_milter(findings, facts, postfix, service, shared, milters);
		judge_signing(findings, facts, postfix, service, shared, milters);
		if (!signs_otherwise(milters))
			judge_opendkim(findings, facts);
		return;
	}
}
