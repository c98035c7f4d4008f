/* postfix-conf: what postconf(1) prints, read: settings, services with their overrides, lists of milters. Layer: program. Pure. */
#ifndef OUTAGECTL_POSTFIX_CONF_H
#define OUTAGECTL_POSTFIX_CONF_H

#include <glib.h>
#include <stdbool.h>

/* One line of master.cf. */
typedef struct {
	char *name;            /* "smtp", "127.0.0.1:10026", ... */
	char *type;            /* "inet", "pass", "unix", ... */
	char *command;         /* "smtpd" */
	bool chroot;
	GHashTable *options;   /* char * -> char *: its -o overrides */
} PostfixService;
void postfix_service_free(PostfixService *service);

/* One endpoint of a list of milters. */
typedef struct {
	char *endpoint;        /* as written: "unix:/run/x.sock", "inet:localhost:8891", ... */
	char *text;            /* the whole entry, with its braces */
	GHashTable *options;   /* char * -> char *: default_action, ...; empty where it has no braces */
} PostfixMilter;
void postfix_milter_free(PostfixMilter *milter);

/* Reads the output of `postconf -x NAME...`: char * -> char *. A line that is no setting (a warning) is passed over. Caller unrefs. */
GHashTable *postfix_read_settings(const char *text);

/* Reads the output of `postconf -Mx` (PostfixService *, in order). chroot_default: what "-" means in the column chroot. A line that is no
 * service is passed over. Caller unrefs. */
GPtrArray *postfix_read_services(const char *text, bool chroot_default);

/* Reads the value of smtpd_milters and the like (PostfixMilter *, in order); NULL = "". What stands behind a brace that is never closed
 * belongs to that entry. Caller unrefs. */
GPtrArray *postfix_read_milters(const char *text);

/* Returns the value that holds for service: its override, else that of settings, else "". Owned by these. */
const char *postfix_effective(GHashTable *settings, const PostfixService *service, const char *name);

/* Returns the port that an inet service listens on, with *host its address ("" = any; caller frees); 0 where it is no inet service or its
 * port cannot be told. Of the names of ports those of mail are known. */
guint postfix_service_port(const PostfixService *service, char **host);

#endif
