/* link-sentinel: whom the Sentinels name as the primary (see link-private.h). Layer: store.
 *
 * All are asked at the same time, so that those which are silent cost nothing while a majority answers. A majority is waited for
 * because one that has just come back names the primary of before, until the others tell it better; where there is none, what most of
 * those that can be reached say is the best there is. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "store/link-private.h"

#define REPLICA_HEARD_S 10

/* One Sentinel while it is asked. */
typedef struct {
	Link *link;                    /* NULL once it has answered or failed */
	struct addrinfo *list;         /* of its addresses */
	const struct addrinfo *next;   /* to be tried */
	gint64 patience;               /* for one address, us */
	gint64 until;                  /* for what is under way; clock_mono_us */
	bool asked;                    /* it is connected and has been sent the question */
	bool auth;                     /* the answer to AUTH is still to come */
} Voice;

typedef struct {
	const Config *config;
	const char *master;
	LinkSecret secret;
	GArray *voices;                /* Voice */
	LinkVote *vote;
} Asking;

static void named_free(gpointer data)
{
	LinkNamed *named = data;

	link_host_free(named->host);
	g_free(named);
}

void link_vote_free(LinkVote *vote)
{
	if (!vote)
		return;
	g_ptr_array_unref(vote->named);
	g_string_free(vote->trouble, TRUE);
	g_free(vote);
}

static void clear_voice(gpointer data)
{
	Voice *voice = data;

	g_clear_pointer(&voice->link, link_free);
	g_clear_pointer(&voice->list, freeaddrinfo);
}

/* Ends a voice that named nobody. */
static void voice_failed(Asking *asking, Voice *voice, const char *why)
{
	g_string_append_printf(asking->vote->trouble, "%s%s", asking->vote->trouble->len > 0 ? "; " : "", why);
	clear_voice(voice);
}

static void voice_named(Asking *asking, Voice *voice, const char *host, guint16 port)
{
	g_autoptr(LinkHost) named = link_host_new(host, port);
	GPtrArray *all = asking->vote->named;
	LinkNamed *found = NULL;

	asking->vote->answered++;
	clear_voice(voice);
	for (guint i = 0; i < all->len && !found; i++) {
		LinkNamed *one = all->pdata[i];

		if (link_host_equal(one->host, named))
			found = one;
	}
	if (!found) {
		found = g_new0(LinkNamed, 1);
		found->host = g_steal_pointer(&named);
		g_ptr_array_add(all, found);
	}
	found->voices++;
}

/* Sends the question over a new connection. It is far smaller than any socket's buffer: this does not wait. */
static void ask(Asking *asking, Voice *voice)
{
	g_autoptr(GPtrArray) question = command_new("SENTINEL", "get-master-addr-by-name", asking->master, NULL);
	g_autoptr(GError) error = NULL;

	voice->asked = true;
	voice->auth = link_push_auth(voice->link, &asking->secret);
	voice->until = clock_mono_us() + asking->config->store_timeout * 1000;
	link_push(voice->link, question);
	if (!link_send(voice->link, asking->config->store_timeout, &error))
		voice_failed(asking, voice, error->message);
}

/* Begins with the next address, failure being how it went with the one before. */
static void try_next_address(Asking *asking, Voice *voice, int failure)
{
	g_autoptr(GError) error = NULL;

	while (voice->next) {
		const struct addrinfo *one = voice->next;
		int begun = link_connect_begin(voice->link, one->ai_addr, one->ai_addrlen);

		failure = errno;
		voice->next = one->ai_next;
		voice->until = clock_mono_us() + voice->patience;
		if (begun > 0)
			ask(asking, voice);
		if (begun >= 0)
			return;
	}
	link_fail(voice->link, OUTAGE_ERROR_UNAVAILABLE, &error, g_strerror(failure));
	voice_failed(asking, voice, error->message);
}

static void start_voice(Asking *asking, Voice *voice, const LinkHost *sentinel)
{
	g_autoptr(GError) error = NULL;
	guint addresses = 0;

	voice->link = link_new("Sentinel", link_host_text(sentinel));
	voice->list = link_resolve(voice->link, sentinel, &error);
	if (!voice->list) {
		voice_failed(asking, voice, error->message);
		return;
	}
	for (const struct addrinfo *one = voice->list; one; one = one->ai_next)
		addresses++;
	voice->patience = asking->config->store_connect_timeout * 1000 / addresses;
	voice->next = voice->list;
	try_next_address(asking, voice, 0);
}

static void take_answer(Asking *asking, Voice *voice, const redisReply *reply)
{
	g_autoptr(GError) error = NULL;
	guint64 port;

	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && reply->element[0]->type == REDIS_REPLY_STRING &&
	    reply->element[0]->len > 0 && reply->element[1]->type == REDIS_REPLY_STRING &&
	    g_ascii_string_to_unsigned(reply->element[1]->str, 10, 1, 65535, &port, NULL)) {
		voice_named(asking, voice, reply->element[0]->str, (guint16)port);
		return;
	}
	if (reply->type == REDIS_REPLY_ERROR && g_str_has_prefix(reply->str, "NOAUTH"))
		link_fail(voice->link, OUTAGE_ERROR_UNAVAILABLE, &error, "it asks for a password (store.sentinel_password_file)");
	else if (!link_reply_failed(voice->link, reply, &error))
		link_fail(voice->link, OUTAGE_ERROR_UNAVAILABLE, &error, "it knows no master of the name in store.url");
	voice_failed(asking, voice, error->message);
}

/* Goes on where poll() says that something has happened. */
static void listen_to(Asking *asking, Voice *voice)
{
	if (!voice->asked) {
		if (link_connect_end(voice->link))
			ask(asking, voice);
		else
			try_next_address(asking, voice, errno);
		return;
	}
	while (voice->link) {
		g_autoptr(redisReply) reply = NULL;
		g_autoptr(GError) error = NULL;
		int got = link_hear(voice->link, &reply, &error);

		if (got == 0)
			return;
		if (got < 0 || (voice->auth && link_auth_failed(voice->link, &asking->secret, reply, &error)))
			voice_failed(asking, voice, error->message);
		else if (voice->auth)
			voice->auth = false;
		else
			take_answer(asking, voice, reply);
	}
}

static gint compare_voices(gconstpointer a, gconstpointer b)
{
	const LinkNamed *first = *(LinkNamed *const *)a, *second = *(LinkNamed *const *)b;

	return first->voices < second->voices ? 1 : first->voices > second->voices ? -1 : 0;
}

/* Whether there is nothing more to be learnt. */
static bool is_decided(LinkVote *vote)
{
	g_ptr_array_sort(vote->named, compare_voices);
	return vote->named->len > 0 && ((LinkNamed *)vote->named->pdata[0])->voices * 2 > vote->configured;
}

/* One round of poll() over those that are still to be heard; returns false where there are none. */
static bool wait_for_voices(Asking *asking)
{
	guint count = asking->voices->len, open = 0;
	g_autofree struct pollfd *fds = g_new0(struct pollfd, count);
	gint64 next = G_MAXINT64, left;

	for (guint i = 0; i < count; i++) {
		const Voice *voice = &g_array_index(asking->voices, Voice, i);

		fds[i].fd = voice->link ? link_fd(voice->link) : -1; /* poll() passes over those below 0 */
		fds[i].events = voice->asked ? POLLIN : POLLOUT;
		open += voice->link != NULL;
		if (voice->link)
			next = MIN(next, voice->until);
	}
	if (open == 0)
		return false;
	left = next - clock_mono_us();
	if (poll(fds, count, left > 0 ? (int)MIN((left + 999) / 1000, G_MAXINT / 2) : 0) < 0)
		return errno == EINTR;
	for (guint i = 0; i < count; i++) {
		Voice *voice = &g_array_index(asking->voices, Voice, i);
		g_autoptr(GError) error = NULL;

		if (voice->link && fds[i].revents != 0) {
			listen_to(asking, voice);
		} else if (voice->link && clock_mono_us() >= voice->until && !voice->asked) {
			try_next_address(asking, voice, ETIMEDOUT);
		} else if (voice->link && clock_mono_us() >= voice->until) {
			link_fail(voice->link, OUTAGE_ERROR_UNAVAILABLE, &error, "no answer in time");
			voice_failed(asking, voice, error->message);
		}
	}
	return true;
}

LinkVote *link_vote_take(const Config *config, const LinkUrl *url, GError **error)
{
	Asking asking = { .config = config, .master = url->master };

	if (!link_secret_for_sentinel(config, &asking.secret, error))
		return NULL;
	asking.vote = g_new0(LinkVote, 1);
	asking.vote->named = g_ptr_array_new_with_free_func(named_free);
	asking.vote->trouble = g_string_new(NULL);
	asking.vote->configured = url->hosts->len;
	asking.voices = g_array_sized_new(FALSE, TRUE, sizeof(Voice), url->hosts->len);
	g_array_set_clear_func(asking.voices, clear_voice);
	g_array_set_size(asking.voices, url->hosts->len);
	for (guint i = 0; i < url->hosts->len; i++)
		start_voice(&asking, &g_array_index(asking.voices, Voice, i), url->hosts->pdata[i]);
	while (!is_decided(asking.vote) && wait_for_voices(&asking))
		;
	g_array_unref(asking.voices);
	link_secret_clear(&asking.secret);
	return asking.vote;
}

/* --- is it still the one --- */

/* A server is known by what Sentinel called it when we connected; where Sentinels announce it differently (one by name, one by address),
 * by the address that we are connected to as well. */
static bool names_us(const Link *link, const LinkHost *host)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t size = sizeof peer;
	char text[INET6_ADDRSTRLEN] = "";

	if (link->named && link_host_equal(link->named, host))
		return true;
	if (getpeername(link->fd, (struct sockaddr *)&peer, &size) != 0)
		return false;
	if (peer.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&peer;

		return ntohs(in->sin_port) == host->port && inet_ntop(AF_INET, &in->sin_addr, text, sizeof text) &&
		    strcmp(text, host->host) == 0;
	}
	if (peer.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&peer;

		return ntohs(in6->sin6_port) == host->port && inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text) &&
		    g_ascii_strcasecmp(text, host->host) == 0;
	}
	return false;
}

/* Reads INFO replication: a line for each replica,
 *     "slave" number ":" ... ",state=online" ... ",lag=" seconds since it was heard
 * Returns whether one that is online was heard lately. */
static bool replica_is_heard(const char *info)
{
	g_auto(GStrv) lines = g_strsplit(info, "\r\n", -1);

	for (guint i = 0; lines[i]; i++) {
		const char *lag = strstr(lines[i], ",lag=");
		char *end = NULL;
		guint64 seconds;

		if (!g_str_has_prefix(lines[i], "slave") || !g_ascii_isdigit(lines[i][strlen("slave")]) || !lag ||
		    !strstr(lines[i], ",state=online"))
			continue;
		lag += strlen(",lag=");
		seconds = g_ascii_strtoull(lag, &end, 10);
		if (end != lag && seconds <= REPLICA_HEARD_S)
			return true;
	}
	return false;
}

/* Asks the server itself. replica: one must have been heard. */
static bool ask_server(Link *link, const Config *config, bool replica, GError **error)
{
	g_autoptr(GPtrArray) role = command_new("ROLE", NULL), info = command_new("INFO", "replication", NULL), replies = NULL;
	const redisReply *said;

	link_push(link, role);
	if (replica)
		link_push(link, info);
	replies = link_run(link, config->store_timeout, false, error);
	if (!replies || !link_role_is_primary(link, replies->pdata[0], replica, error))
		return false;
	if (!replica)
		return true;
	said = replies->pdata[1];
	if (link_reply_failed(link, said, error))
		return false;
	if (said->type == REDIS_REPLY_STRING && replica_is_heard(said->str))
		return true;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "Redis at %s: none of its replicas has been heard for %d s", link->where,
	    REPLICA_HEARD_S);
	return false;
}

/* Neither is there a majority for our server, nor more voices for another: what the server itself sees decides. */
static bool decide_alone(Link *link, const Config *config, const LinkVote *vote, guint ours, GError **error)
{
	g_autofree char *others = vote->trouble->len > 0 ? g_strdup_printf(" (%s)", vote->trouble->str) : g_strdup("");
	g_autoptr(GError) inner = NULL;

	if (ask_server(link, config, true, &inner))
		return true;
	if (link_is_broken(link)) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return false;
	}
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "%s, and %u of %u Sentinels name it%s: this node may be cut off together "
	    "with an old primary", inner->message, ours, vote->configured, others);
	return false;
}

bool link_confirm(Link *link, const Config *config, GError **error)
{
	g_autoptr(LinkUrl) url = link_url_parse(config->store_url, error);
	g_autoptr(LinkVote) vote = NULL;
	const LinkNamed *other = NULL;
	guint ours = 0;

	if (!url)
		return false;
	if (url->kind != LINK_SENTINEL)
		return ask_server(link, config, false, error);
	vote = link_vote_take(config, url, error);
	if (!vote)
		return false;
	for (guint i = 0; i < vote->named->len; i++) {
		const LinkNamed *named = vote->named->pdata[i];

		if (names_us(link, named->host))
			ours += named->voices;
		else if (!other)
			other = named;
	}
	if (ours * 2 > vote->configured)
		return true;
	if (other && other->voices > ours) {
		g_autofree char *host = link_host_text(other->host), *why = g_strdup_printf("Sentinel names %s in its place", host);

		return link_fail(link, OUTAGE_ERROR_UNAVAILABLE, error, why);
	}
	return decide_alone(link, config, vote, ours, error);
}
