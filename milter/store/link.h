/* link: one connection to Redis: where it goes (URL), how it is made (deadline, TLS, AUTH, SELECT, Sentinel, Cluster), and one
 * round trip over it. Layer: store; internal to it.
 *
 * hiredis formats the commands and parses the replies; the socket is ours, so that a deadline spans a whole round
 * trip and not each read of it, no SIGPIPE is raised, and it is known whether a command left this process: what was
 * never written completely cannot have happened. A Link that failed is broken for good; it is freed, never repaired. */
#ifndef OUTAGE_STORE_LINK_H
#define OUTAGE_STORE_LINK_H

#include <glib.h>
#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "config/config.h"

typedef enum { LINK_SQLITE, LINK_TCP, LINK_UNIX, LINK_SENTINEL } LinkKind;

typedef struct {
	char *host;          /* name or IP address, without brackets */
	guint16 port;
} LinkHost;

/* A store URL taken apart, percent-decoded. */
typedef struct {
	LinkKind kind;
	bool tls;
	GPtrArray *hosts;    /* LinkHost *: one for TCP, one or more sentinels */
	char *path;          /* of the database file or the socket, or NULL */
	char *master;        /* name of the master for Sentinel, or NULL */
	char *user;          /* or NULL */
	char *password;      /* or NULL */
	guint db;
} LinkUrl;

/* Parses text. NULL with OUTAGE_ERROR_INVALID, in words that never repeat the credentials. Caller frees. */
LinkUrl *link_url_parse(const char *text, GError **error);
void link_url_free(LinkUrl *url);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LinkUrl, link_url_free)

/* Checks what else of config a connection needs, without making one: the files with passwords, certificates and key. url: of
 * config.store_url. False with error naming the setting. */
bool link_config_check(const Config *config, const LinkUrl *url, GError **error);

typedef struct Link Link;

/* Connects as config says; name: what CLIENT LIST shows. Who is found must be a primary: the one that most Sentinels name, or where the
 * node of a Redis Cluster that owns our slot is. Resolves host names with getaddrinfo(), whose wait no deadline of ours bounds:
 * only background threads may call this. NULL with error. */
Link *link_open(const Config *config, const char *name, GError **error);
void link_free(Link *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Link, link_free)

/* Returns true where the link has failed and every further call will. */
bool link_is_broken(const Link *link);

/* Makes it fail, for a reason that others found out; an earlier one stays. */
void link_break(Link *link, const char *why);

/* Whether the server is still the one that all others use: store_confirm() for one link. With Sentinel, all that config names are
 * asked:
 * - a majority of all of them names our server: it is confirmed;
 * - more of them name another one than ours: it is not, and the link breaks, so that the next connection goes there;
 * - neither (too few can be reached, or they are divided): confirmed only where the server says that it is the primary and a replica
 *   has been heard within ten seconds, which a primary that is cut off together with us has not.
 * Without Sentinel the server must answer in time, and not as a replica. Takes at most store.connect_timeout and twice
 * store.timeout, name lookups apart: for background threads. False with OUTAGE_ERROR_UNAVAILABLE, or our own settings are wrong. */
bool link_confirm(Link *link, const Config *config, GError **error);

/* Returns the run id of the server (INFO server), another after each of its starts; "" where it did not say. Owned by the link. */
const char *link_server_id(const Link *link);

/* Returns host:port or path of the server; owned by the link. */
const char *link_where(const Link *link);

/* Returns whether somebody named the user that we are (ACL), rather than the one that everybody is at first. */
bool link_has_user(const Link *link);

/* Returns the descriptor, for poll(). */
int link_fd(const Link *link);

/* A command is an array of its words. command_new takes them up to NULL; the array owns copies. */
GPtrArray *command_new(const char *first, ...) G_GNUC_NULL_TERMINATED;
void command_add(GPtrArray *command, const char *word);
void command_add_int(GPtrArray *command, gint64 number);

/* Queues command (left to the caller) for the next link_run. */
void link_push(Link *link, const GPtrArray *command);

/* Sends what is queued and returns as many replies (redisReply *, error replies among them) within timeout_ms, to which each megabyte
 * that has arrived adds 100 ms (in all 30 s at most). NULL with OUTAGE_ERROR_UNAVAILABLE, or OUTAGE_ERROR_UNKNOWN where writes is set
 * and the first command had been sent. */
GPtrArray *link_run(Link *link, gint64 timeout_ms, bool writes, GError **error);

/* Sends what is queued, asking for no reply: link_hear brings them. */
bool link_send(Link *link, gint64 timeout_ms, GError **error);

/* Takes the next reply that has already arrived, reading what the socket holds. Returns 1 with *reply (caller frees),
 * 0 where there is none, -1 where the link is lost. */
int link_hear(Link *link, redisReply **reply, GError **error);

/* One command, one reply; an error reply becomes a GError: INVALID for a wrong type, UNAVAILABLE for the rest. */
redisReply *link_ask(Link *link, const GPtrArray *command, gint64 timeout_ms, bool writes, GError **error);

/* Sets error from reply where it is an error reply and returns true; otherwise returns false. Breaks the link where
 * the server is no longer the one to talk to (READONLY, LOADING, MASTERDOWN, MOVED, CLUSTERDOWN). */
bool link_reply_failed(Link *link, const redisReply *reply, GError **error);

/* Makes a link of a connected socket, which it takes over; where: what messages call it. For tests that are the other side. */
Link *link_adopt(int fd, const char *where);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(redisReply, freeReplyObject)

#endif
