/* config: outage-milter.conf as one struct, built whole and swapped whole on reload. Layer: config.
 *
 * The settings stand in one table (settings.c): name, type, default, range, reloadable, help. The checker, the sample
 * configuration and the man page are made from it. */
#ifndef OUTAGE_CONFIG_CONFIG_H
#define OUTAGE_CONFIG_CONFIG_H

#include <glib.h>
#include <stdbool.h>

#include "base/log.h"

typedef enum { MODE_SHADOW, MODE_LIVE } Mode;
typedef enum { ADDRESSES_PLAIN, ADDRESSES_HASHED } AddressLogging;
/* What becomes of acknowledgements while the shared store is away. */
typedef enum { WHEN_DOWN_LOCAL, WHEN_DOWN_HOLD } WhenDown;
/* What becomes of the operator's texts in a letter of another language. */
typedef enum { MIXED_QUOTE, MIXED_FALLBACK } MixedLanguages;
typedef enum { LOG_TEXT, LOG_JSON } LogFormat;
typedef enum { SURGE_ONLY_ALARM, SURGE_DECLARE_P1, SURGE_DECLARE_P2, SURGE_DECLARE_P3 } SurgeDeclare;
typedef enum {
	HELPDESK_NONE, HELPDESK_ZAMMAD, HELPDESK_OTRS, HELPDESK_OTOBO, HELPDESK_RT, HELPDESK_OSTICKET, HELPDESK_FREESCOUT,
	HELPDESK_CHATWOOT, HELPDESK_GENERIC
} Helpdesk;
/* Of a ticket: by the incident's severity, left alone, or one of these. */
typedef enum {
	PRIORITY_AUTO, PRIORITY_NONE, PRIORITY_LOW, PRIORITY_NORMAL, PRIORITY_HIGH, PRIORITY_URGENT, PRIORITIES
} Priority;
/* What an account's manager is called where he becomes a ticket's owner. */
typedef enum { OWNER_AUTO, OWNER_NONE, OWNER_ADDRESS, OWNER_LOGIN } OwnerForm;
/* Index of per-severity settings. */
enum { SEVERITY_P1, SEVERITY_P2, SEVERITY_P3, SEVERITY_RESOLVED, SEVERITIES };

/* One member of the list `support`: an address or a whole domain, with its own settings. NULL and -1 = as the site. */
typedef struct {
	char *address;        /* normalised address, or NULL where domain is set */
	char *domain;         /* every address of this domain, or NULL */
	char **aliases;       /* normalised; count as this address, also in To and Cc */
	bool plus;            /* address+anything counts too (default true) */
	int mode;             /* Mode or -1 */
	char *from_name;      /* display name of replies or NULL */
	char *reply_to;       /* or NULL: the address itself (for a domain: the recipient) */
	char *language;       /* BCP 47 or NULL */
	char *status_url;     /* or NULL */
	char **incidents;     /* names of incidents that concern this address; empty = all */
	double threshold;     /* < 0 = by severity */
} SupportAddress;

/* One member of the list `routes`; conditions that are unset hold. First match decides, `ack` is the strictest of all matches. */
typedef enum { WHEN_ANY, WHEN_YES, WHEN_NO } When;
typedef struct {
	char *name;
	When when_match;       /* the mail matches an incident */
	When when_account;     /* a verified account */
	char **when_level;     /* the account's level is one of these (empty = any) */
	char **when_escalate;  /* one of these classes */
	char **when_sensitive; /* one of these classes, "*" = any */
	When when_evidence;
	char **when_incident;  /* incident name is one of these */
	char **when_severity;  /* P1, P2, P3, resolved */
	char **when_language;
	char *queue;
	char *tier;            /* T1, T2, T3 or NULL */
	gint64 respond_within; /* seconds, 0 = unset */
	int ack;               /* AckPolicy: 0 none, 1 personal, 2 macro */
	char *template_name;   /* template of the acknowledgement or NULL: by severity */
	char *group;           /* what the helpdesk calls the queue, or NULL: it is left alone */
	int priority;          /* Priority */
	char *owner;           /* a name of the helpdesk's, or NULL: the account's manager */
	bool sorts;            /* there are conditions, or an order to the helpdesk: such mail is sorted by us, the rest by the helpdesk */
	char **headers;        /* name, value, name, value, ..., NULL: into the helpdesk's own headers */
	char **add_recipients;
	bool replace_recipients; /* only where the site says so */
	char *subject_tag;     /* or NULL */
	bool page;             /* a person is called (page.*) */
} Route;

/* One member of the list `offers`: what may be offered to customers of an incident that names it. */
typedef struct {
	char *name;            /* [a-z0-9-]{1,32} */
	char **levels;         /* to accounts of these levels; empty = to everybody */
	char *language;        /* of text, BCP 47 */
	char *text;            /* may have line ends */
} Offer;

/* Approved texts for a bare word; any NULL where unset. playbook.P1|P2|P3. */
typedef struct {
	char *title, *scope, *workaround, *status_url, *contact, *prevention;
	gint64 update_every;   /* seconds, 0 = unset: promised cadence of updates */
} Playbook;

typedef struct Config {
	char *path;            /* of the file */
	char *dir;             /* its folder */
	/* general */
	int mode;              /* Mode */
	char **canary;         /* senders (normalised addresses or "@domain") who are answered in shadow mode too */
	char *user, *group;    /* to run as, or "" */
	bool harden;           /* privileges.h */
	char *socket;          /* unix:/path or inet:PORT@HOST (libmilter's notation) */
	char *socket_group;    /* group that may connect, or "" */
	gint64 socket_mode;    /* e.g. 0660 */
	char *state_dir;
	char *node_name;       /* "" = the host's name */
	char *secret_file;     /* "" = STATE_DIR/secret */
	gint64 drain;          /* ms: how long SIGTERM waits for messages in flight */
	/* log */
	int log_destination, log_level, log_addresses;
	int log_format;        /* LogFormat */
	char **log_files;      /* where outagectl explain looks */
	/* mail */
	SupportAddress **support; /* NULL-terminated */
	char *header_prefix;
	char **trusted_hosts;  /* IP or CIDR */
	gint64 body_limit;     /* bytes of body looked at */
	gint64 text_limit;     /* bytes of decoded text looked at */
	/* inspect */
	char *rules_dir;
	char *model_file;      /* "" = none */
	double model_weight;
	double own_words, title_words; /* points */
	double threshold[SEVERITIES];
	char **authserv_ids;   /* lower case */
	bool authres_all;      /* every header of these ids is ours */
	char **submission_domains; /* whose users log in with a bare name */
	bool spf_enabled;
	char *spf_nameserver;  /* "" = the system's */
	gint64 spf_timeout;    /* ms */
	gint64 spf_helpers;
	char **spf_trusted_relays; /* IP or CIDR */
	char *spf_program;     /* "" = the installed one */
	char **form_senders;   /* normalised addresses */
	char **form_hosts;     /* IP or CIDR */
	char **spam_headers;
	char **list_ids;
	gint64 received_max;
	bool route_always;
	gint64 qa_sample;      /* percent */
	Route **routes;        /* NULL-terminated; never empty: shipped defaults where the file has none */
	int helpdesk;          /* Helpdesk */
	char *rt_header;       /* RT's command header */
	int helpdesk_owner;    /* OwnerForm */
	char *helpdesk_priority[PRIORITIES]; /* the site's own words; NULL: those of helpdesks.c */
	/* incident */
	gint64 reopen_within, resolved_for, stale_after, max_silence; /* ms */
	gint64 silence;        /* ms: an alarm */
	Playbook playbook[SEVERITIES];
	/* store */
	char *store_url;       /* sqlite: paths already absolute */
	char *store_prefix;
	char *store_password_file; /* or "" */
	char *store_sentinel_password_file; /* or "" */
	char *store_tls_ca_file, *store_tls_cert_file, *store_tls_key_file; /* or "" */
	gint64 store_connect_timeout, store_timeout, store_poll; /* ms */
	gint64 store_budget;   /* ms: the longest that a message waits for the store */
	int when_down;         /* WhenDown */
	gint64 local_after;    /* ms: how long the store has to be away before a node answers by itself */
	gint64 min_replicas;   /* that have to have a claim before it counts; 0 = none */
	gint64 store_pool;     /* connections */
	/* acknowledgement */
	gint64 ack_delay;      /* ms */
	gint64 ack_again_after; /* ms, 0 = off */
	gint64 ack_site_cap;   /* per minute; above it acknowledgements are delayed; 0 = none */
	gint64 ack_domain_cap; /* per domain and hour; above it none; 0 = none */
	gint64 ack_queue_limit; /* acknowledgements in the shared queue; above it none is taken; 0 = none */
	gint64 ack_address_cap; /* per address and day, over all incidents; above it none; 0 = none */
	char **ack_shared_domains; /* domains of mailbox providers: no domain cap; besides those of the file */
	char *ack_shared_file; /* one domain a line */
	/* reply */
	char *template_dir;
	char *language;        /* default, BCP 47 */
	char *site_name;       /* the company, for texts and From */
	char *team_name;       /* who signs */
	char *timezone;        /* IANA name */
	char *reply_from;      /* address of From; "" = the support address written to */
	char *envelope_sender; /* "" = <> */
	char *bounce_address;  /* normalised; "" = none: replies carry envelope_sender */
	gint64 bounce_block;   /* ms: how long an address is left alone whose mail came back */
	char *relay;           /* smtp://host:port or smtps:// */
	char *relay_helo;      /* "" = the host's name */
	char **url_domains;    /* hosts that may stand in links (subdomains too) */
	gint64 reply_tries;
	gint64 reply_retry_first, reply_retry_max, reply_timeout; /* ms */
	bool reply_html;       /* a text/html alternative goes along */
	char *operator_language; /* in which the incident's texts and the playbook are written; "" = language */
	int mixed;             /* MixedLanguages */
	Offer **offers;        /* NULL-terminated; several of one name differ in language or levels */
	/* notices, pages, feed */
	gint64 notice_rate;    /* a minute */
	char **page_command;   /* program and its arguments; empty = none */
	char **page_to;        /* addresses */
	gint64 page_repeat, page_timeout; /* ms */
	gint64 page_times;     /* at most so often for one mail */
	char **feed_recipients; /* addresses */
	char **outbound_hosts; /* IP or CIDR: where mail that our own people send comes from */
	/* figures, alarms */
	bool stats_enabled;
	char *metrics_milter, *metrics_replier; /* IP:PORT to listen on, or "" */
	char **alarm_command;  /* program and its arguments; empty = none */
	gint64 alarm_repeat, alarm_timeout, alarm_queue_age, alarm_forgotten; /* ms */
	gint64 alarm_still_affected; /* mails in half an hour; 0 = never */
	gint64 alarm_bounces;  /* letters in an hour; 0 = never */
	double surge_factor;
	gint64 surge_least;    /* distinct senders */
	gint64 surge_window;   /* ms */
	int surge_declare;     /* SurgeDeclare */
	/* privacy */
	gint64 retention, recent_keep, account_totals; /* ms */
	/* private to config.c */
	guint store_url_line, rules_dir_line, model_file_line, template_dir_line, spf_program_line, shared_file_line; /* in the file, 0 = not set there */
	gint refs;
	GPtrArray *trusted_masks, *relay_masks, *form_masks, *outbound_masks; /* GInetAddressMask *: the lists of hosts, parsed once */
	GHashTable *shared_domains; /* set of normalised domains, from list and file */
	bool shared_file_missing;
} Config;

/* Reads and checks the file at path (NULL = the installed place). Every mistake goes to mistakes (char *,
 * "file:line: what is wrong", in the file's order). Returns NULL only where there is at least one mistake that leaves no usable
 * configuration; the caller treats any mistake as fatal at start and as "keep the old one" on reload. */
Config *config_load(const char *path, GPtrArray *mistakes);

/* The same for a file whose content (size bytes, a NUL behind them) is at hand; path may name no file. */
Config *config_load_text(const char *path, const char *text, gsize size, GPtrArray *mistakes);
Config *config_ref(Config *config);
void config_unref(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_unref)

/* Returns every default, as if the file were empty; for tests. */
Config *config_defaults(void);

/* On reload: gives each setting of fresh that takes effect only at a restart the value it has in running, so that fresh can be put into force
 * whole. Before anybody else has fresh. Returns the names of those that had been changed (char *); never NULL. */
GPtrArray *config_keep_running(const Config *running, Config *fresh);

/* Returns the support address that rcpt (an address; any form) belongs to, or NULL. Exact before plus before domain. */
const SupportAddress *config_support(const Config *config, const char *rcpt);

/* Returns true where the textual IP is one of trusted_hosts; NULL = false. */
bool config_trusts_host(const Config *config, const char *ip);

/* The same for spf.trusted_relays and answer.form_hosts. */
bool config_is_relay(const Config *config, const char *ip);
bool config_is_form_host(const Config *config, const char *ip);

/* Returns true where the textual IP is one of outbound.hosts; NULL = false. */
bool config_is_outbound_host(const Config *config, const char *ip);

/* Returns the offer of that name for an account of that level (NULL = none), one that names the level before one for everybody, and of
 * these the one in language before one in any; NULL where there is none. */
const Offer *config_offer(const Config *config, const char *name, const char *level, const char *language);

/* Returns true where domain (normalised) or a parent of it belongs to a mailbox provider, so that no cap per domain applies. */
bool config_domain_is_shared(const Config *config, const char *domain);

/* Returns true where the model is to add to the score (model.file, model.weight). */
bool config_wants_model(const Config *config);

/* Returns true where there is any way to tell who wrote a mail; without one nobody is answered. */
bool config_authenticates(const Config *config);

/* Returns the path of the SPF helper; caller frees. */
char *config_spf_program(const Config *config);

/* Returns true where mail of sender (may be NULL) to support (NULL = the site's own mode) is decided and not acted on: the
 * mode that holds is shadow and sender is no canary. */
bool config_is_shadow(const Config *config, const SupportAddress *support, const char *sender);

/* Returns true where list (NULL-terminated; normalised addresses and "@domain", the latter covering subdomains) has address. */
bool config_list_has(char *const *list, const char *address);

/* Returns "FILE:LINE", or "FILE" for line 0: where a mistake stands that only a later check can find; caller frees. */
char *config_where(const Config *config, guint line);

/* Returns true where the store is one that nodes share and that can be away (Redis); the embedded one is neither. */
bool config_store_is_shared(const Config *config);

/* Returns how long a job may lie with who has taken it before another takes it over, in ms: well above the longest submission. */
gint64 config_takeover(const Config *config);

/* Returns the name of this node: node.name, else the host's. */
const char *config_node(const Config *config);

/* Returns the path of the site secret; caller frees. */
char *config_secret_path(const Config *config);

/* Returns the commented sample configuration, or the whole man page outage-milter.conf(5) (mdoc), made from the table;
 * caller frees. */
char *config_sample(void);
char *config_manual(void);

/* Where the configuration is looked for without -c. */
#define CONFIG_DEFAULT_PATH SYSCONFDIR "/outage-milter/outage-milter.conf"

#endif
