/* dns: what libspf2 asks, asked of a name server through c-ares within a deadline and budgets, and remembered. Layer: spf.
 *
 * libspf2 stops at the first lookup that fails with TRY_AGAIN. So whatever must end a question (a budget spent, the deadline, a
 * policy that is refused) is kept as the verdict, and from then on each lookup fails at once. */
#include "spf/dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>

#include "base/error.h"

/* RFC 7208 section 4.6.4 */
#define TERMS_MAX 10
#define HOSTS_MAX 10
#define VOIDS_MAX 2
/* The first policy, each term, and each host of each term: more cannot be asked by the rules above; it is a bound to rely on. */
#define QUERIES_MAX (1 + TERMS_MAX + TERMS_MAX * HOSTS_MAX)

/* A packet may get lost twice in the time of one question. */
#define TRIES 3
#define TRY_MIN_MS 50

/* c-ares' own limit of time for a try: longer than any question has, as ask() keeps the time. */
#define ARES_TRY_MS 600000

/* What fits through any path unfragmented (DNS flag day 2020). */
#define UDP_SIZE 1232

#define CACHE_MAX 4096
/* An answer with more is not kept: it would let 4,096 of them fill the memory this process may have. */
#define CACHE_RECORDS_MAX 64
#define TTL_MAX 3600
#define TTL_NEGATIVE_MAX 60

#define NAME_MAX_SIZE 253
#define LABEL_MAX_SIZE 63

/* One answer's names, each of which may be asked about without being a term of its own. */
typedef struct {
	GHashTable *names;
	guint asked;
	bool ptr;
} Hosts;

typedef struct {
	char *key;
	SPF_dns_rr_t *set;
	const char *refused;
	gint64 expires;
} Cached;

struct SpfDns {
	SPF_dns_server_t layer;
	ares_channel channel;
	GHashTable *cache;    /* key -> Cached */
	GQueue order;         /* Cached, oldest first; the table owns them */
	/* Of the question under way: */
	gint64 deadline, try_time;
	guint terms, voids, queries;
	bool first_done;
	GPtrArray *hosts;     /* Hosts, newest last */
	SpfView view;         /* for whom policies are read */
	SpfResult verdict;
	const char *reason;
};

/* ---- start and end ---- */

static void hosts_free(gpointer data)
{
	Hosts *hosts = data;

	g_hash_table_unref(hosts->names);
	g_free(hosts);
}

static void cached_free(gpointer data)
{
	Cached *cached = data;

	SPF_dns_rr_free(cached->set);
	g_free(cached->key);
	g_free(cached);
}

/* Takes "IP", "IP:PORT", "[IPv6]" or "[IPv6]:PORT" apart. */
static bool read_nameserver(const char *text, struct ares_addr_port_node *node)
{
	bool bracket = text[0] == '[';
	const char *end = bracket ? strchr(text, ']') : NULL;
	const char *colon = bracket ? (end != NULL ? end + 1 : NULL) : strchr(text, ':');
	g_autofree char *host = NULL;
	guint64 port = 53;

	if (bracket && end == NULL)
		return false;
	/* Two colons without brackets: an IPv6 address alone. */
	if (!bracket && colon != NULL && strchr(colon + 1, ':') != NULL)
		colon = NULL;
	if (colon != NULL && *colon != '\0' &&
	    (*colon != ':' || !g_ascii_string_to_unsigned(colon + 1, 10, 1, G_MAXUINT16, &port, NULL)))
		return false;
	if (bracket)
		host = g_strndup(text + 1, (gsize)(end - text - 1));
	else
		host = colon != NULL ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
	node->udp_port = node->tcp_port = (int)port;
	node->family = !bracket && inet_pton(AF_INET, host, &node->addr.addr4) == 1 ? AF_INET : AF_INET6;
	return node->family == AF_INET || inet_pton(AF_INET6, host, &node->addr.addr6) == 1;
}

static bool open_channel(SpfDns *dns, const char *nameserver, GError **error)
{
	struct ares_addr_port_node node = { 0 };
	char lookups[] = "b";
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS, .timeout = ARES_TRY_MS, .tries = 1,
		.lookups = lookups, .ednspsz = UDP_SIZE,
	};
	int status;

	if (nameserver != NULL && *nameserver != '\0' && !read_nameserver(nameserver, &node)) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID,
		    "the name server \"%s\" is none: write IP, IP:PORT or [IPv6]:PORT", nameserver);
		return false;
	}
	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS)
		status = ares_init_options(&dns->channel, &options, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		    ARES_OPT_LOOKUPS | ARES_OPT_EDNSPSZ | ARES_OPT_ROTATE);
	if (status == ARES_SUCCESS && node.family != 0)
		status = ares_set_servers_ports(dns->channel, &node);
	if (status != ARES_SUCCESS)
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "DNS cannot be used: %s", ares_strerror(status));
	return status == ARES_SUCCESS;
}

static SPF_dns_rr_t *lookup(SPF_dns_server_t *layer, const char *name, ns_type type, int should_cache);

SpfDns *spf_dns_new(const char *nameserver, GError **error)
{
	SpfDns *dns = g_new0(SpfDns, 1);

	/* No destructor: SPF_server_free must leave the layer alone. */
	dns->layer = (SPF_dns_server_t) { .lookup = lookup, .name = "outage-spf", .hook = dns };
	dns->cache = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, cached_free);
	dns->hosts = g_ptr_array_new_with_free_func(hosts_free);
	g_queue_init(&dns->order);
	if (open_channel(dns, nameserver, error))
		return dns;
	spf_dns_free(dns);
	return NULL;
}

void spf_dns_free(SpfDns *dns)
{
	if (dns == NULL)
		return;
	if (dns->channel != NULL)
		ares_destroy(dns->channel);
	ares_library_cleanup();
	g_queue_clear(&dns->order);
	g_hash_table_unref(dns->cache);
	g_ptr_array_unref(dns->hosts);
	g_free(dns);
}

SPF_dns_server_t *spf_dns_layer(SpfDns *dns)
{
	return &dns->layer;
}

/* ---- one question ---- */

void spf_dns_begin(SpfDns *dns, gint64 timeout)
{
	dns->deadline = g_get_monotonic_time() + timeout * 1000;
	dns->try_time = MAX(timeout / TRIES, TRY_MIN_MS) * 1000;
	dns->terms = dns->voids = dns->queries = 0;
	dns->first_done = false;
	g_ptr_array_set_size(dns->hosts, 0);
	dns->verdict = SPF_UNASKED;
	dns->reason = NULL;
}

void spf_dns_client(SpfDns *dns, const SpfView *view)
{
	dns->view = *view;
}

SpfResult spf_dns_verdict(const SpfDns *dns, const char **reason)
{
	if (dns->verdict != SPF_UNASKED)
		*reason = dns->reason;
	return dns->verdict;
}

/* Returns false, for its callers to return. */
static bool end_question(SpfDns *dns, SpfResult verdict, const char *reason)
{
	if (dns->verdict == SPF_UNASKED) {
		dns->verdict = verdict;
		dns->reason = reason;
	}
	return false;
}

static Hosts *find_hosts(SpfDns *dns, const char *name)
{
	for (guint i = dns->hosts->len; i > 0; i--) {
		Hosts *hosts = dns->hosts->pdata[i - 1];

		if (g_hash_table_contains(hosts->names, name))
			return hosts;
	}
	return NULL;
}

/* Counts a lookup before it is made. False where it is one too many. */
static bool spend(SpfDns *dns, const char *name, int type)
{
	bool address = type == ns_t_a || type == ns_t_aaaa;
	Hosts *hosts = address ? find_hosts(dns, name) : NULL;

	if (++dns->queries > QUERIES_MAX)
		return end_question(dns, SPF_PERMERROR, "the policy needs more lookups than are made");
	if (type == ns_t_txt && !dns->first_done)
		return true;
	if (hosts != NULL && hosts->asked++ < HOSTS_MAX)
		return true;
	if (hosts != NULL && !hosts->ptr)
		return end_question(dns, SPF_PERMERROR, "the policy has an mx of more than 10 hosts");
	if (++dns->terms > TERMS_MAX)
		return end_question(dns, SPF_PERMERROR, "the policy has more than 10 terms that look something up");
	return true;
}

/* Remembers the names in an answer as hosts, lower case. Of those of a ptr the first ten count. */
static void remember_hosts(SpfDns *dns, SPF_dns_rr_t *set)
{
	Hosts *hosts = g_new0(Hosts, 1);

	hosts->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	hosts->ptr = set->rr_type == ns_t_ptr;
	if (hosts->ptr)
		set->num_rr = MIN(set->num_rr, HOSTS_MAX);
	for (int i = 0; i < set->num_rr; i++)
		g_hash_table_add(hosts->names, g_ascii_strdown(hosts->ptr ? set->rr[i]->ptr : set->rr[i]->mx, -1));
	g_ptr_array_add(dns->hosts, hosts);
}

/* ---- names ---- */

static bool labels_ok(const char *name)
{
	gsize label = 0;

	for (const char *p = name; *p != '\0'; p++) {
		if ((guchar)*p < ' ' || (guchar)*p >= 0x7f || *p == '\\')
			return false;
		label = *p == '.' ? 0 : label + 1;
		if (label > LABEL_MAX_SIZE || (*p == '.' && (p == name || p[-1] == '.')))
			return false;
	}
	return name[0] != '\0';
}

/* Returns the name as it is asked for: lower case, without a dot at the end, labels taken off its front while it is longer than
 * DNS allows (RFC 7208 section 7.3). NULL where it is no name. Caller frees. */
static char *query_name(const char *name)
{
	gsize size = strlen(name);

	if (size > 0 && name[size - 1] == '.')
		size--;
	while (size > NAME_MAX_SIZE) {
		const char *dot = memchr(name, '.', size);

		if (dot == NULL)
			return NULL;
		size -= (gsize)(dot + 1 - name);
		name = dot + 1;
	}
	g_autofree char *lower = g_ascii_strdown(name, (gssize)size);

	return labels_ok(lower) ? g_steal_pointer(&lower) : NULL;
}

/* ---- asking ---- */

typedef struct {
	GByteArray *message;  /* NULL until there is an answer */
	guint pending;
	bool no_such_name;    /* c-ares knows so without asking */
} Asked;

static void on_answer(void *data, int status, int timeouts, unsigned char *message, int size)
{
	Asked *asked = data;

	(void)timeouts;
	asked->pending--;
	if (asked->message != NULL)
		return;
	if (message != NULL && size > 0 && (status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND)) {
		asked->message = g_byte_array_sized_new((guint)size);
		g_byte_array_append(asked->message, message, (guint)size);
	} else if (status == ARES_ENOTFOUND || status == ARES_EBADNAME) {
		asked->no_such_name = true;
	}
}

/* Waits for c-ares' sockets until then at most, and lets it read. */
static void wait_for_sockets(SpfDns *dns, gint64 until)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	struct pollfd polls[ARES_GETSOCK_MAXNUM];
	guint bits = (guint)ares_getsock(dns->channel, sockets, ARES_GETSOCK_MAXNUM);
	gint64 wait = MAX(until - g_get_monotonic_time(), 0);
	nfds_t count = 0;

	/* The header's own macros shift a sign bit. */
	for (guint i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		short events = (short)((bits >> i & 1 ? POLLIN : 0) | (bits >> (i + ARES_GETSOCK_MAXNUM) & 1 ? POLLOUT : 0));

		if (events != 0)
			polls[count++] = (struct pollfd) { .fd = sockets[i], .events = events };
	}
	if (poll(polls, count, (int)((wait + 999) / 1000)) <= 0)
		return;
	for (nfds_t i = 0; i < count; i++)
		if (polls[i].revents != 0)
			ares_process_fd(dns->channel, (polls[i].revents & (POLLIN | POLLERR | POLLHUP)) ? polls[i].fd : ARES_SOCKET_BAD,
			    (polls[i].revents & POLLOUT) ? polls[i].fd : ARES_SOCKET_BAD);
}

/* Asks for name and type until there is an answer, the server fails or the deadline is over. A try that has lasted long is joined
 * by another and not given up: the server may be slow, or the packet lost. */
static SPF_dns_rr_t *ask(SpfDns *dns, const char *name, int type, guint *ttl, const char **refused)
{
	gint64 next_try = g_get_monotonic_time();
	Asked asked = { 0 };
	SPF_dns_rr_t *set;

	*ttl = 0;
	*refused = NULL;
	for (guint tries = 0;;) {
		gint64 now = g_get_monotonic_time();

		if (now >= dns->deadline)
			break;
		if (tries < TRIES && now >= next_try) {
			tries++;
			next_try = now + dns->try_time;
			asked.pending++;
			ares_query(dns->channel, name, ns_c_in, type, on_answer, &asked);
		}
		if (asked.message != NULL || asked.pending == 0)
			break;
		wait_for_sockets(dns, tries < TRIES ? MIN(next_try, dns->deadline) : dns->deadline);
		if (asked.message != NULL || asked.pending == 0)
			break;
	}
	/* Calls on_answer for what is still under way. */
	ares_cancel(dns->channel);
	if (asked.message == NULL)
		return SPF_dns_rr_new_init(NULL, name, (ns_type)type, 0, asked.no_such_name ? HOST_NOT_FOUND : TRY_AGAIN);
	set = spf_dns_read(asked.message->data, asked.message->len, name, type, ttl, refused);
	g_byte_array_unref(asked.message);
	return set;
}

/* ---- the cache ---- */

static void forget(SpfDns *dns, Cached *cached)
{
	g_queue_remove(&dns->order, cached);
	g_hash_table_remove(dns->cache, cached->key);
}

static Cached *find_cached(SpfDns *dns, const char *key)
{
	Cached *cached = g_hash_table_lookup(dns->cache, key);

	if (cached == NULL || g_get_monotonic_time() < cached->expires)
		return cached;
	forget(dns, cached);
	return NULL;
}

/* Keeps set if that may be; else returns false, and it stays the caller's. */
static bool keep(SpfDns *dns, const char *key, SPF_dns_rr_t *set, guint ttl, const char *refused)
{
	bool negative = set->num_rr == 0 && refused == NULL;
	Cached *cached;

	if (set->herrno == TRY_AGAIN || set->num_rr > CACHE_RECORDS_MAX)
		return false;
	if (g_hash_table_size(dns->cache) >= CACHE_MAX)
		forget(dns, g_queue_peek_head(&dns->order));
	cached = g_new0(Cached, 1);
	cached->key = g_strdup(key);
	cached->set = set;
	cached->refused = refused;
	cached->expires = g_get_monotonic_time() + CLAMP(ttl, 1, negative ? TTL_NEGATIVE_MAX : TTL_MAX) * (gint64)G_USEC_PER_SEC;
	g_hash_table_insert(dns->cache, cached->key, cached);
	g_queue_push_tail(&dns->order, cached);
	return true;
}

/* Returns what is known or can be found out; the caller's to free. */
static SPF_dns_rr_t *resolve(SpfDns *dns, const char *name, int type, const char **refused)
{
	g_autofree char *key = g_strdup_printf("%d %s", type, name);
	Cached *cached = find_cached(dns, key);
	SPF_dns_rr_t *set, *copy = NULL;
	guint ttl;

	if (cached == NULL) {
		set = ask(dns, name, type, &ttl, refused);
		if (set == NULL)
			g_error("out of memory");
		if (!keep(dns, key, set, ttl, *refused))
			return set;
	} else {
		set = cached->set;
		*refused = cached->refused;
	}
	if (SPF_dns_rr_dup(&copy, set) != SPF_E_SUCCESS)
		g_error("out of memory");
	return copy;
}

/* ---- the layer ---- */

static SPF_dns_rr_t *nothing(const char *name, int type, SPF_dns_stat_t state)
{
	SPF_dns_rr_t *set = SPF_dns_rr_new_init(NULL, name, (ns_type)type, 0, state);

	if (set == NULL)
		g_error("out of memory");
	return set;
}

/* Puts the policy in set as it reads for the client in its place. */
static bool fit_policy(SpfDns *dns, SPF_dns_rr_t *set, const char *name)
{
	const char *refused;
	g_autofree char *policy = NULL;

	dns->view.domain = name;
	policy = spf_policy_for(set->rr[0]->txt, &dns->view, &refused);
	dns->view.domain = NULL;
	if (policy == NULL)
		return end_question(dns, SPF_PERMERROR, refused);
	if (SPF_dns_rr_buf_realloc(set, 0, strlen(policy) + 1) != SPF_E_SUCCESS)
		g_error("out of memory");
	strcpy(set->rr[0]->txt, policy);
	return true;
}

/* Draws the conclusions from what was found. False where the question is at its end. first: it was for the sender's own policy. */
static bool weigh(SpfDns *dns, SPF_dns_rr_t *set, const char *name, bool first, const char *refused)
{
	Hosts *hosts = set->rr_type == ns_t_a || set->rr_type == ns_t_aaaa ? find_hosts(dns, name) : NULL;

	if (refused != NULL)
		return end_question(dns, SPF_PERMERROR, refused);
	if (set->herrno == TRY_AGAIN) {
		if (g_get_monotonic_time() >= dns->deadline)
			return end_question(dns, SPF_TEMPERROR, "DNS did not answer in time");
		/* RFC 7208 section 5.5: where the client's own names fail, ptr does not match, and that is all. */
		if (set->rr_type != ns_t_ptr && (hosts == NULL || !hosts->ptr))
			return end_question(dns, SPF_TEMPERROR, "DNS failed");
		set->herrno = NO_DATA;
		return true;
	}
	/* What section 4.6.4 counts is terms: an mx found its hosts, and often some have no address of the client's family. */
	if (set->num_rr == 0)
		return first || hosts != NULL || ++dns->voids <= VOIDS_MAX ||
		    end_question(dns, SPF_PERMERROR, "the policy has more than 2 lookups that find nothing");
	if (set->rr_type == ns_t_mx || set->rr_type == ns_t_ptr)
		remember_hosts(dns, set);
	return set->rr_type != ns_t_txt || fit_policy(dns, set, name);
}

static SPF_dns_rr_t *lookup(SPF_dns_server_t *layer, const char *name, ns_type type, int should_cache)
{
	SpfDns *dns = layer->hook;
	const char *refused = NULL;
	g_autofree char *asked = NULL;
	bool first = type == ns_t_txt && !dns->first_done;
	SPF_dns_rr_t *set;

	(void)should_cache;
	/* RFC 7208 section 3.1: policies are in TXT only; libspf2 still asks for its own type first. */
	if (type != ns_t_a && type != ns_t_aaaa && type != ns_t_mx && type != ns_t_ptr && type != ns_t_txt)
		return nothing(name, type, NO_DATA);
	asked = query_name(name);
	if (dns->verdict != SPF_UNASKED || !spend(dns, asked != NULL ? asked : "", type))
		return nothing(name, type, TRY_AGAIN);
	dns->first_done |= first;
	/* RFC 7208 section 4.8: what a macro made of it is no name, so there is nothing by it. */
	if (asked == NULL)
		return nothing(name, type, HOST_NOT_FOUND);
	set = resolve(dns, asked, type, &refused);
	set->source = layer;
	if (weigh(dns, set, asked, first, refused))
		return set;
	SPF_dns_rr_free(set);
	return nothing(name, type, TRY_AGAIN);
}
