/* authentic: the judgement of who vouches for a mail's sender and for its From. Layer: inspect. Pure.
 *
 * Three may know: the SMTP server whom the writer logged in to, the filters in front of us by their Authentication-Results,
 * and SPF as our own helper answers it. What a header says counts only by who wrote it and what it speaks of: the headers of a
 * trusted authserv-id, and only results about this mail's own envelope sender and From.
 *
 * It is judged once without SPF, which tells what there is to ask, and again with the answer. */
#include "inspect/authentic.h"

#include <gio/gio.h>
#include <string.h>

#include "base/address.h"
#include "inspect/authres.h"
#include "mail/received.h"

static const char *const VERIFIED_NAMES[] = {
	[VERIFIED_NO] = "no",
	[VERIFIED_SPF] = "spf",
	[VERIFIED_DKIM] = "dkim",
	[VERIFIED_DMARC] = "dmarc",
	[VERIFIED_AUTH] = "auth",
};

static const char *const SPF_NAMES[] = {
	[SPF_UNASKED] = "unasked",
	[SPF_NONE] = "none",
	[SPF_NEUTRAL] = "neutral",
	[SPF_PASS] = "pass",
	[SPF_FAIL] = "fail",
	[SPF_SOFTFAIL] = "softfail",
	[SPF_TEMPERROR] = "temperror",
	[SPF_PERMERROR] = "permerror",
};

const char *verified_name(Verified verified)
{
	return (guint)verified < G_N_ELEMENTS(VERIFIED_NAMES) ? VERIFIED_NAMES[verified] : "no";
}

const char *spf_result_name(SpfResult result)
{
	return (guint)result < G_N_ELEMENTS(SPF_NAMES) ? SPF_NAMES[result] : "unasked";
}

bool spf_result_parse(const char *name, gsize size, SpfResult *result)
{
	for (guint i = 0; i < G_N_ELEMENTS(SPF_NAMES); i++) {
		if (strlen(SPF_NAMES[i]) == size && memcmp(SPF_NAMES[i], name, size) == 0) {
			*result = (SpfResult)i;
			return true;
		}
	}
	return false;
}

void spf_question_clear(SpfQuestion *question)
{
	g_free(question->client);
	g_free(question->helo);
	g_free(question->sender);
	memset(question, 0, sizeof *question);
}

void authentic_clear(Authentic *authentic)
{
	spf_question_clear(&authentic->question);
	memset(authentic, 0, sizeof *authentic);
}

/* Who was found to vouch for somebody: bits 1 << Verified. */
typedef guint Vouchers;
#define VOUCHER(verified) (1u << (verified))

/* What this mail claims, and what was found of it. */
typedef struct {
	const AuthenticSettings *settings;
	char *sender;         /* normalised address or NULL: none that could be vouched for */
	char *sender_domain;
	char *from_domain;    /* or NULL */
	Vouchers sender_vouched, from_vouched;
	bool from_is_sender;  /* the only address of the only From is the envelope sender */
	bool from_is_aligned; /* From's domain and the envelope sender's belong to one organisation */
	bool header_seen;
	bool logged_in;       /* whoever submitted this mail did so with a login, be it this sender's or another's */
	bool spf_settled;     /* a trusted header has an SPF result for this sender that asking again would not better */
} Claims;

static void claims_clear(Claims *claims)
{
	g_free(claims->sender);
	g_free(claims->sender_domain);
	g_free(claims->from_domain);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Claims, claims_clear)

static char *address_domain(const char *text)
{
	g_autoptr(Address) address = text ? address_parse(text, NULL) : NULL;

	return address ? g_strdup(address->domain) : NULL;
}

/* Returns true where the two domains are one or share their organisational domain: relaxed alignment, RFC 7489
 * section 3.1. Where one has none (a public suffix, an address literal) only the very same domain is aligned. */
static bool is_aligned(const char *a, const char *b)
{
	g_autofree char *parent_a = NULL;
	g_autofree char *parent_b = NULL;

	if (!a || !b)
		return false;
	if (g_str_equal(a, b))
		return true;
	parent_a = domain_organisational(a);
	parent_b = domain_organisational(b);
	return parent_a && g_strcmp0(parent_a, parent_b) == 0;
}

/* Two From fields, or a From of several addresses (the caller passes NULL then), name nobody in particular. */
static void claims_init(Claims *claims, const AuthenticSettings *settings, const Message *message, const char *from)
{
	memset(claims, 0, sizeof *claims);
	claims->settings = settings;
	claims->sender = address_normal_text(message->sender);
	claims->sender_domain = address_domain(claims->sender);
	if (message_header_count(message, "From") == 1) {
		g_autofree char *normal = address_normal_text(from);

		claims->from_domain = address_domain(from);
		claims->from_is_sender = normal && g_strcmp0(normal, claims->sender) == 0;
	}
	claims->from_is_aligned = is_aligned(claims->sender_domain, claims->from_domain);
}

/* Returns the index of text in list (NULL = empty), or -1. */
static int index_of(const char *const *list, const char *text)
{
	for (int i = 0; text && list && list[i]; i++)
		if (g_str_equal(list[i], text))
			return i;
	return -1;
}

/* Returns true where login, as SASL or a filter tells it, is the envelope sender's: his address, or its local part where his
 * domain's users log in so. */
static bool is_login_of_sender(const Claims *claims, const char *login)
{
	g_autofree char *normal = address_normal_text(login);
	g_autofree char *completed = NULL;
	g_autofree char *completed_normal = NULL;

	if (!login || !claims->sender)
		return false;
	if (normal)
		return g_str_equal(normal, claims->sender);
	if (strchr(login, '@') || index_of(claims->settings->submission_domains, claims->sender_domain) < 0)
		return false;
	completed = g_strconcat(login, "@", claims->sender_domain, NULL);
	completed_normal = address_normal_text(completed);
	return g_strcmp0(completed_normal, claims->sender) == 0;
}

/* A login that is not the sender's own says that somebody of the site wrote, which is nobody to answer. */
static void weigh_login(Claims *claims, const char *login)
{
	claims->logged_in = true;
	if (!is_login_of_sender(claims, login))
		return;
	claims->sender_vouched |= VOUCHER(VERIFIED_AUTH);
	if (claims->from_is_sender)
		claims->from_vouched |= VOUCHER(VERIFIED_AUTH);
}

static void weigh_spf_pass(Claims *claims)
{
	claims->sender_vouched |= VOUCHER(VERIFIED_SPF);
	if (claims->from_is_aligned)
		claims->from_vouched |= VOUCHER(VERIFIED_SPF);
}

/* Returns true where value, a smtp.mailfrom, is the envelope sender itself, or its domain alone as some filters
 * write it. */
static bool is_sender(const Claims *claims, const char *value)
{
	const char *domain = value && value[0] == '@' ? value + 1 : value;
	g_autofree char *normal = NULL;

	if (!value || !claims->sender)
		return false;
	if (strchr(domain, '@')) {
		normal = address_normal_text(value);
		return g_strcmp0(normal, claims->sender) == 0;
	}
	normal = domain_to_ascii(domain);
	return normal && g_str_equal(normal, claims->sender_domain);
}

/* A result for smtp.helo says something of a machine, not of whoever wrote. */
static void weigh_spf(Claims *claims, const AuthresInfo *info)
{
	if (!is_sender(claims, g_hash_table_lookup(info->props, "smtp.mailfrom")))
		return;
	if (g_str_equal(info->result, "pass"))
		weigh_spf_pass(claims);
	else if (!g_str_equal(info->result, "temperror"))
		claims->spf_settled = true;
}

/* Returns the domain that signed: header.d, or where the filter left it out, that of header.i. */
static char *signing_domain(const AuthresInfo *info)
{
	const char *domain = g_hash_table_lookup(info->props, "header.d");

	if (!domain) {
		const char *identity = g_hash_table_lookup(info->props, "header.i");
		const char *at = identity ? strrchr(identity, '@') : NULL;

		domain = at ? at + 1 : identity;
	}
	return domain ? domain_to_ascii(domain) : NULL;
}

static void weigh_dkim_pass(Claims *claims, const AuthresInfo *info)
{
	g_autofree char *domain = signing_domain(info);

	if (!is_aligned(domain, claims->from_domain))
		return;
	claims->from_vouched |= VOUCHER(VERIFIED_DKIM);
	if (claims->from_is_sender)
		claims->sender_vouched |= VOUCHER(VERIFIED_DKIM);
}

static void weigh_dmarc_pass(Claims *claims, const AuthresInfo *info)
{
	const char *value = g_hash_table_lookup(info->props, "header.from");
	const char *at = value ? strrchr(value, '@') : NULL;
	g_autofree char *domain = value ? domain_to_ascii(at ? at + 1 : value) : NULL;

	if (!domain || g_strcmp0(domain, claims->from_domain) != 0)
		return;
	claims->from_vouched |= VOUCHER(VERIFIED_DMARC);
	if (claims->from_is_sender)
		claims->sender_vouched |= VOUCHER(VERIFIED_DMARC);
}

/* A signature says who wrote From, not who stands in MAIL FROM: whoever has a mailbox at a large provider could have any other
 * customer of it answered. So DKIM and DMARC vouch for the sender only where he is the very address of From. Of several
 * results of one method any pass counts: a mail may be signed by many, and every signature is judged by itself. */
static void weigh(Claims *claims, const AuthresInfo *info)
{
	if (g_str_equal(info->method, "spf"))
		weigh_spf(claims, info);
	if (!g_str_equal(info->result, "pass"))
		return;
	if (g_str_equal(info->method, "dkim"))
		weigh_dkim_pass(claims, info);
	else if (g_str_equal(info->method, "dmarc"))
		weigh_dmarc_pass(claims, info);
	else if (g_str_equal(info->method, "auth"))
		weigh_login(claims, g_hash_table_lookup(info->props, "smtp.auth"));
}

/* Headers stand as they were put in: each filter and hop adds on top, so the first of an id is the last one
 * written, and the only one that the sender of the mail cannot have written himself. One below it is not looked
 * at, not even where the topmost cannot be read: that would let a forger fall back on his own. Where our filter
 * wrote none at all, a forged one would be topmost; removing those that carry our id is the border filter's duty
 * (RFC 8601 section 5), and a site that is sure of it may have all of them believed: there each filter adds a header of its
 * own under the one id. */
static void weigh_headers(Claims *claims, const Message *message)
{
	const AuthenticSettings *settings = claims->settings;
	g_autoptr(GHashTable) judged = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < message->headers->len; i++) {
		const Header *header = g_ptr_array_index(message->headers, i);
		g_autofree char *id = NULL;
		g_autoptr(Authres) results = NULL;
		int index;

		if (g_ascii_strcasecmp(header->name, "Authentication-Results") != 0)
			continue;
		id = authres_peek_id(header->value);
		index = index_of(settings->trusted_ids, id);
		if (index < 0 || (!g_hash_table_add(judged, GINT_TO_POINTER(index)) && !settings->all_instances))
			continue;
		results = authres_parse(header->value, NULL);
		if (!results)
			continue;
		claims->header_seen = true;
		for (guint j = 0; j < results->infos->len; j++)
			weigh(claims, g_ptr_array_index(results->infos, j));
	}
}

static bool is_loopback(const char *ip)
{
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(ip);
	const guint8 *bytes = address ? g_inet_address_to_bytes(address) : NULL;
	static const guint8 mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127 };

	if (!address)
		return false;
	return g_inet_address_get_is_loopback(address) ||
	    (g_inet_address_get_native_size(address) == 16 && memcmp(bytes, mapped, sizeof mapped) == 0);
}

/* Sets whose policy has to answer: the client, or behind a relay of ours the first one outside. Returns false where nobody
 * knows him. */
static bool find_client(SpfQuestion *question, const AuthenticSettings *settings, const Message *message, bool by_relay)
{
	if (by_relay) {
		g_autoptr(Received) outside = received_outside(message, settings->is_relay, settings->data);

		if (!outside || is_loopback(outside->client))
			return false;
		question->client = g_steal_pointer(&outside->client);
		question->helo = g_steal_pointer(&outside->helo);
		return true;
	}
	if (!message->client_addr || !g_hostname_is_ip_address(message->client_addr) || is_loopback(message->client_addr))
		return false;
	question->client = g_strdup(message->client_addr);
	question->helo = message->helo && *message->helo ? g_strdup(message->helo) : NULL;
	return true;
}

/* Sets what SPF could still change, if anything. Its breadth is a matter of the policy alone, so that question needs no client. */
static bool find_question(SpfQuestion *question, const Claims *claims, const Message *message, bool by_relay)
{
	static const Vouchers only_spf = VOUCHER(VERIFIED_SPF);

	if (!claims->sender || claims->logged_in)
		return false;
	if (claims->sender_vouched == only_spf || claims->from_vouched == only_spf)
		question->policy_only = true;
	else if (claims->sender_vouched || claims->spf_settled || !find_client(question, claims->settings, message, by_relay))
		return false;
	question->sender = g_strdup(claims->sender);
	return true;
}

/* Returns the best of vouched. SPF comes last: where another one vouches too, nobody asks how broad its policy is. */
static Verified best_of(Vouchers vouched)
{
	static const Verified order[] = { VERIFIED_AUTH, VERIFIED_DMARC, VERIFIED_DKIM, VERIFIED_SPF };

	for (guint i = 0; i < G_N_ELEMENTS(order); i++)
		if (vouched & VOUCHER(order[i]))
			return order[i];
	return VERIFIED_NO;
}

void authentic_judge(Authentic *authentic, const AuthenticSettings *settings, const Message *message, const char *from,
    const SpfAnswer *spf)
{
	g_auto(Claims) claims = { 0 };
	bool by_relay = settings->is_relay && message->client_addr && settings->is_relay(message->client_addr, settings->data);

	authentic_clear(authentic);
	claims_init(&claims, settings, message, from);
	/* A relay of ours that logs in does so by its own name, for whomever it has mail from. What anybody else submits has not been
	 * through our filters, which leave logged-in users alone: the headers in it are the user's own words. */
	if (message->auth_user && *message->auth_user && !by_relay)
		weigh_login(&claims, message->auth_user);
	else
		weigh_headers(&claims, message);
	authentic->asks = find_question(&authentic->question, &claims, message, by_relay);
	if (authentic->asks && spf) {
		if (spf->broad) {
			claims.sender_vouched &= ~VOUCHER(VERIFIED_SPF);
			claims.from_vouched &= ~VOUCHER(VERIFIED_SPF);
		} else if (!authentic->question.policy_only && spf->result == SPF_PASS) {
			weigh_spf_pass(&claims);
		}
		spf_question_clear(&authentic->question);
		authentic->asks = false;
	}
	authentic->header_seen = claims.header_seen;
	authentic->sender = best_of(claims.sender_vouched);
	authentic->from = best_of(claims.from_vouched);
}
