/* check: asks libspf2 about a client and a sender, and about a few addresses besides, to see whether the policy means anything.
 * Layer: spf.
 *
 * libspf2's own result counts only where the DNS layer has nothing to say: it takes what is too much for no match, and what
 * failed for a result without a name (doc/library-traps.md 22, 23). */
#include "spf/check.h"

#include <arpa/inet.h>
#include <spf2/spf_request.h>
#include <spf2/spf_response.h>
#include <spf2/spf_server.h>
#include <string.h>

#include "base/address.h"

/* For the %{r} of explanations, which are never made. */
#define RECEIVER "unknown"

#define SENDER_MAX 1024
#define HELO_MAX 255

typedef struct {
	int family;           /* AF_INET, AF_INET6; AF_UNSPEC = no client */
	guint8 bytes[16];
} Client;

typedef struct {
	SpfDns *dns;
	SPF_server_t *server;
	char *sender, *helo;
	gint64 deadline;      /* g_get_monotonic_time */
	const char *reason;   /* static, of the last evaluation */
} Check;

#define PROBES 8

/* Addresses from all over the space that mail comes from, two in each quarter of it, no two from one network. They are ordinary
 * ones: a policy that refuses private and reserved ranges before its "+all" passes everybody just the same. */
static const char *const probes4[PROBES] = {
	"12.77.3.9", "134.77.3.9", "68.77.3.9", "195.77.3.9", "44.31.77.9", "171.77.3.9", "109.77.3.9", "216.77.3.9",
};

/* The same for IPv6: from what the five registries have to give out. */
static const char *const probes6[PROBES] = {
	"2001:677::9", "2a01:77::9", "2607:77::9", "2400:77::9", "2804:77::9", "2c0f:77::9", "2003:77::9", "2620:77::9",
};

/* So many may be refused, by a list of networks or of bad senders before the "+all". No sender's own networks hold the others. */
#define MISSES_MAX 2

/* ---- clients ---- */

static bool client_parse(const char *text, Client *client)
{
	static const guint8 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	*client = (Client) { AF_UNSPEC, { 0 } };
	if (inet_pton(AF_INET, text, client->bytes) == 1) {
		client->family = AF_INET;
	} else if (inet_pton(AF_INET6, text, client->bytes) == 1) {
		client->family = AF_INET6;
		if (memcmp(client->bytes, mapped, sizeof(mapped)) == 0) {
			memmove(client->bytes, client->bytes + sizeof(mapped), 4);
			client->family = AF_INET;
		}
	}
	return client->family != AF_UNSPEC;
}

static bool client_is_loopback(const Client *client)
{
	static const guint8 loopback6[16] = { [15] = 1 };

	return client->family == AF_INET ? client->bytes[0] == 127 : memcmp(client->bytes, loopback6, sizeof(loopback6)) == 0;
}

/* ---- libspf2 ---- */

static SpfResult result_of(SPF_result_t result, SPF_errcode_t error)
{
	switch (result) {
	case SPF_RESULT_NEUTRAL:
		return SPF_NEUTRAL;
	case SPF_RESULT_PASS:
		return error == SPF_E_SUCCESS ? SPF_PASS : SPF_PERMERROR;
	case SPF_RESULT_FAIL:
		return SPF_FAIL;
	case SPF_RESULT_SOFTFAIL:
		return SPF_SOFTFAIL;
	case SPF_RESULT_NONE:
		return SPF_NONE;
	case SPF_RESULT_PERMERROR:
		return SPF_PERMERROR;
	case SPF_RESULT_TEMPERROR:
		return SPF_TEMPERROR;
	default:
		return error == SPF_E_DNS_ERROR || error == SPF_E_NO_MEMORY ? SPF_TEMPERROR : SPF_PERMERROR;
	}
}

static SPF_request_t *make_request(const Check *check, const Client *client)
{
	SPF_request_t *request = SPF_request_new(check->server);
	struct in_addr address4;
	struct in6_addr address6;

	if (request == NULL)
		return NULL;
	memcpy(&address4, client->bytes, sizeof(address4));
	memcpy(&address6, client->bytes, sizeof(address6));
	if ((client->family == AF_INET ? SPF_request_set_ipv4(request, address4) : SPF_request_set_ipv6(request, address6)) !=
	    SPF_E_SUCCESS || SPF_request_set_env_from(request, check->sender) != 0 ||
	    SPF_request_set_helo_dom(request, check->helo) != SPF_E_SUCCESS) {
		SPF_request_free(request);
		return NULL;
	}
	return request;
}

/* Evaluates the policy for client with what is left of the time. */
static SpfResult evaluate(Check *check, const Client *client)
{
	gint64 left = (check->deadline - g_get_monotonic_time()) / 1000;
	SPF_request_t *request = make_request(check, client);
	SPF_response_t *response = NULL;
	SpfView view = { .family = client->family, .sender = check->sender, .helo = check->helo };
	SPF_errcode_t error;
	SpfResult result, verdict;

	check->reason = NULL;
	if (request == NULL) {
		check->reason = "out of memory";
		return SPF_TEMPERROR;
	}
	spf_dns_begin(check->dns, left);
	memcpy(view.address, client->bytes, sizeof view.address);
	spf_dns_client(check->dns, &view);
	error = SPF_request_query_mailfrom(request, &response);
	result = response != NULL ? result_of(SPF_response_result(response), error) : SPF_TEMPERROR;
	if (result == SPF_PERMERROR || result == SPF_TEMPERROR)
		check->reason = SPF_strerror(error);
	verdict = spf_dns_verdict(check->dns, &check->reason);
	if (verdict != SPF_UNASKED)
		result = verdict;
	if (response != NULL)
		SPF_response_free(response);
	SPF_request_free(request);
	return result;
}

/* ---- breadth ---- */

/* Returns true where nearly all of probes pass; *result is SPF_PASS then, else what one that does not pass gets. */
static bool nearly_all_pass(Check *check, const char *const probes[PROBES], SpfResult *result)
{
	guint misses = 0;

	for (guint i = 0; i < PROBES && misses <= MISSES_MAX; i++) {
		Client client;
		SpfResult found = client_parse(probes[i], &client) ? evaluate(check, &client) : SPF_NONE;

		if (found != SPF_PASS) {
			misses++;
			*result = found;
		}
	}
	if (misses <= MISSES_MAX)
		*result = SPF_PASS;
	return misses <= MISSES_MAX;
}

static bool is_broad(Check *check, int family, SpfResult *result)
{
	if (family != AF_INET6 && nearly_all_pass(check, probes4, result))
		return true;
	return family != AF_INET && nearly_all_pass(check, probes6, result);
}

/* ---- questions ---- */

/* Sets sender, its domain as A-labels. False where the sender has no domain that could have a policy (RFC 7208 section
 * 4.3). */
static bool set_sender(Check *check, const char *sender)
{
	const char *at = strrchr(sender, '@');
	g_autofree char *domain = at != NULL && strlen(sender) <= SENDER_MAX ? domain_to_ascii(at + 1) : NULL;
	g_autofree char *local = domain != NULL && at > sender ? g_strndup(sender, (gsize)(at - sender)) : NULL;

	if (domain == NULL || domain[0] == '[' || strchr(domain, '.') == NULL)
		return false;
	check->sender = g_strconcat(local != NULL ? local : "postmaster", "@", domain, NULL);
	return true;
}

static bool set_server(Check *check)
{
	SPF_response_t *response = NULL;

	check->server = SPF_server_new_dns(spf_dns_layer(check->dns), 0);
	if (check->server == NULL)
		return false;
	/* Nobody reads explanations: a constant costs nothing to make. */
	if (SPF_server_set_explanation(check->server, "none", &response) != SPF_E_SUCCESS ||
	    SPF_server_set_rec_dom(check->server, RECEIVER) != SPF_E_SUCCESS) {
		SPF_server_free(check->server);
		check->server = NULL;
	}
	if (response != NULL)
		SPF_response_free(response);
	return check->server != NULL;
}

static SpfAnswer answer(Check *check, const SpfQuestion *question, const Client *client)
{
	SpfAnswer found = { SPF_TEMPERROR, false };

	if (question->policy_only) {
		found.broad = is_broad(check, client->family, &found.result);
	} else {
		SpfResult ignored;

		found.result = evaluate(check, client);
		/* The reason stays that of the answer, whatever the probes say. */
		if (found.result == SPF_PASS)
			found.broad = is_broad(check, client->family, &ignored);
		if (found.result == SPF_PASS)
			check->reason = found.broad ? "the policy passes every address" : NULL;
	}
	return found;
}

SpfAnswer spf_check(SpfDns *dns, const SpfQuestion *question, gint64 timeout, char **reason)
{
	Check check = { .dns = dns, .deadline = g_get_monotonic_time() + timeout * 1000 };
	SpfAnswer found = { SPF_NONE, false };
	Client client = { AF_UNSPEC, { 0 } };
	bool has_client = question->client != NULL;

	if (has_client && !client_parse(question->client, &client)) {
		check.reason = "the client is no IP address";
	} else if (!has_client && !question->policy_only) {
		check.reason = "there is no client";
	} else if (has_client && !question->policy_only && client_is_loopback(&client)) {
		check.reason = "the client is this machine";
	} else if (!set_sender(&check, question->sender)) {
		check.reason = "the sender has no domain that could have a policy";
	} else if (!set_server(&check)) {
		check.reason = "out of memory";
		found.result = SPF_TEMPERROR;
	} else {
		check.helo = g_strndup(question->helo != NULL && *question->helo != '\0' ? question->helo : "unknown", HELO_MAX);
		found = answer(&check, question, &client);
		SPF_server_free(check.server);
	}
	*reason = g_strdup(check.reason);
	g_free(check.sender);
	g_free(check.helo);
	return found;
}
