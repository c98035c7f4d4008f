/* link-private: what the files link*.c share. Layer: store, private.
 *
 * link.c moves bytes and counts replies, link-connect.c makes sockets, link-tls.c (or link-no-tls.c) stands between the two where the
 * URL says rediss://, link-sentinel.c asks the Sentinels, link-open.c puts it all together, link-url.c and link-secret.c read what the
 * operator wrote. */
#ifndef OUTAGE_STORE_LINK_PRIVATE_H
#define OUTAGE_STORE_LINK_PRIVATE_H

#include <sys/socket.h>
#include <sys/types.h>

#include "base/error.h"
#include "store/link.h"

/* --- TLS over a non-blocking descriptor --- */

typedef struct LinkTls LinkTls;

/* Returns whether this build has it. */
bool link_tls_built(void);

/* Prepares a client for the server that the URL calls host (name or IP address), over fd, which stays the caller's. The files of
 * config (store.tls_*) are read anew each time, so that a renewed certificate needs no restart. NULL with error. */
LinkTls *link_tls_new(const Config *config, const char *host, int fd, GError **error);
void link_tls_free(LinkTls *tls);

/* One step each. They return more than 0 where something was done (for reading and writing: so many bytes), 0 where it has to be asked
 * again once poll() says *wants of the descriptor, -1 where it is over, with *why in words that live as long as tls. */
int link_tls_shake(LinkTls *tls, short *wants, const char **why);
ssize_t link_tls_read(LinkTls *tls, char *buffer, gsize size, bool peek, short *wants, const char **why);
ssize_t link_tls_write(LinkTls *tls, const char *data, gsize size, short *wants, const char **why);

/* --- the link itself --- */

struct Link {
	int fd;
	LinkTls *tls;        /* or NULL */
	redisReader *reader;
	GString *out;        /* commands not yet sent */
	gsize first;         /* where the first of them ends */
	guint expected;      /* replies owed to us for commands in out or sent */
	gsize elements;      /* of arrays in the reply that is being read */
	gsize received;      /* bytes of the answers to what link_run asks */
	const char *what;    /* for messages: "Redis" or "Sentinel" */
	char *where;         /* for messages: host:port or path */
	char *server_id;     /* its run id, or NULL */
	bool has_user;       /* we are another user than "default" */
	LinkHost *named;     /* as Sentinel named it when we connected, or NULL */
	char *broken;        /* why it failed, or NULL */
};

/* Returns a link without a socket. where is taken over. */
Link *link_new(const char *what, char *where);

/* Breaks link and says why in error; code is what the caller may conclude about what it asked for. Returns false. */
bool link_fail(Link *link, OutageError code, GError **error, const char *why);

/* Waits for events on the link until deadline (clock_mono_us); false with errno ETIMEDOUT or poll's own. */
bool link_wait(const Link *link, short events, gint64 deadline);

/* --- hosts --- */

LinkHost *link_host_new(const char *host, guint16 port);
LinkHost *link_host_copy(const LinkHost *host);
void link_host_free(LinkHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LinkHost, link_host_free)
bool link_host_equal(const LinkHost *a, const LinkHost *b);
/* Returns host:port, an IPv6 address in brackets; caller frees. */
char *link_host_text(const LinkHost *host);

/* --- sockets (link-connect.c) --- */

struct addrinfo;
/* Returns the addresses of host (freeaddrinfo() them), or NULL with link broken and error. No deadline of ours bounds its wait. */
struct addrinfo *link_resolve(Link *link, const LinkHost *host, GError **error);

/* Begins to connect a new socket in place of the link's. Returns 1 connected, 0 under way until poll() says POLLOUT, -1 with errno. */
int link_connect_begin(Link *link, const struct sockaddr *address, socklen_t size);
/* Returns how what was under way has ended: true, or false with errno. */
bool link_connect_end(const Link *link);

/* Connects within config.store_connect_timeout, the TLS handshake included. NULL with error. */
Link *link_connect(const Config *config, const LinkHost *host, bool tls, GError **error);
Link *link_connect_unix(const Config *config, const char *path, GError **error);

/* --- credentials (link-secret.c) --- */

typedef struct {
	char *user;          /* or NULL */
	char *password;      /* NULL: nobody asks for one */
	bool split;          /* they were one text in a file: USER:PASSWORD */
} LinkSecret;
void link_secret_clear(LinkSecret *secret);

/* Fills secret with what store.password_file, else the URL says. */
bool link_secret_for_redis(const Config *config, const LinkUrl *url, LinkSecret *secret, GError **error);
/* The same for store.sentinel_password_file. */
bool link_secret_for_sentinel(const Config *config, LinkSecret *secret, GError **error);

/* Queues AUTH where secret has a password; returns whether it has. */
bool link_push_auth(Link *link, const LinkSecret *secret);
/* Returns whether reply refuses AUTH, with link broken and error in words of our own: Redis may repeat what it was told. */
bool link_auth_failed(Link *link, const LinkSecret *secret, const redisReply *reply, GError **error);

/* --- what a server says of itself (link-open.c) --- */

/* Returns whether an answer to ROLE says that it is a primary; else error is set. A user who may not ask (ACL) is taken at his word
 * unless strict. */
bool link_role_is_primary(Link *link, const redisReply *role, bool strict, GError **error);

/* --- Sentinel (link-sentinel.c) --- */

typedef struct { LinkHost *host; guint voices; } LinkNamed;

/* What the Sentinels say, as far as it had to be heard: until a majority of all that are configured names one server, or all have
 * answered or failed. */
typedef struct {
	GPtrArray *named;    /* LinkNamed *, most voices first */
	guint configured;    /* how many there are */
	guint answered;
	GString *trouble;    /* of the others, for a message */
} LinkVote;
void link_vote_free(LinkVote *vote);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LinkVote, link_vote_free)

/* Asks all Sentinels of url at the same time whom they name as its master: each may take config.store_connect_timeout and then
 * config.store_timeout. NULL with error only where our own settings are wrong. */
LinkVote *link_vote_take(const Config *config, const LinkUrl *url, GError **error);

#endif
