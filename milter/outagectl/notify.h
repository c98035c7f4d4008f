/* notify: tells those who wrote in (update --notify, resolve --notify): shows what they will read and how many they are, asks, and orders
 * the notice, which the repliers spread. Layer: program. */
#ifndef OUTAGECTL_NOTIFY_H
#define OUTAGECTL_NOTIFY_H

#include "outagectl/cli.h"
#include "reply/compose.h"
#include "store/note.h"

typedef struct {
	/* as given */
	gboolean notify, contacts, yes;
	char *include;
	/* made of it */
	bool legal, media, accounts;
	Secret *secret;
	Notice *notice;        /* after notify_ask */
} Notify;
void notify_clear(Notify *notify);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Notify, notify_clear)

/* The options of a command that can notify; `to` is its Notify. */
#define NOTIFY_OPTIONS(to) \
	{ "notify", 0, 0, G_OPTION_ARG_NONE, &(to).notify, "Tell those who wrote in; shows it first, and asks", NULL }, \
	{ "include", 0, 0, G_OPTION_ARG_STRING, &(to).include, "These of them too: legal, media, accounts", "LIST" }, \
	{ "accounts", 0, 0, G_OPTION_ARG_NONE, &(to).contacts, "The contacts of all accounts too, whoever wrote", NULL }, \
	{ "yes", 0, 0, G_OPTION_ARG_NONE, &(to).yes, "Do not ask", NULL }

/* Checks what was given; CLI_DONE or CLI_USAGE. */
int notify_check(Notify *notify);

typedef enum { NOTIFY_UPDATE, NOTIFY_RESOLVED, NOTIFY_POSTMORTEM } NotifyWhat;

/* Shows the notice as customers will read it once incident is as given, says who gets it and who does not, and asks. text: of the update,
 * else NULL. CLI_DONE: go on; anything else: nothing is to be changed, and why has been said. */
int notify_ask(Cli *cli, Notify *notify, const Snapshot *snapshot, const Incident *incident, NotifyWhat what, const char *text);

/* Orders it, once what it says has been written. */
int notify_order(Cli *cli, Notify *notify);

/* Prints a letter between two rules, as its reader will see it. */
void notify_print_letter(const Composed *composed);

/* Reads the templates and the site's secret: without the right one nothing that is written down here would be sent. Either may be NULL.
 * The caller frees both. CLI_DONE or CLI_FAILED. */
int notify_read_files(const Config *config, Templates **templates, Secret **secret);

#endif
