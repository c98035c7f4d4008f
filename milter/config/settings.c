/* settings: the one table of settings, in the order of config.h. Layer: config.
 *
 * The reader, the defaults, the sample configuration and outage-milter.conf(5) are made from it: a setting that is added here
 * is read, checked and documented. Settings of one group stand together, for a group may open only once in a file. */
#include "config/settings.h"

#include "config/config-private.h"

#define MS(seconds) ((seconds) * 1000.0)
#define HOURS(hours) MS((hours) * 3600.0)
#define DAYS(days) HOURS((days) * 24.0)
#define KIB(kib) ((kib) * 1024.0)

static const char *const modes[] = { "shadow", "live", NULL };
static const char *const destinations[] = { "auto", "stderr", "syslog", NULL };
static const char *const levels[] = { "error", "warning", "info", "debug", NULL };
static const char *const address_logging[] = { "plain", "hashed", NULL };
static const char *const when_down[] = { "local", "hold", NULL };
static const char *const mixed[] = { "quote", "fallback", NULL };
static const char *const log_formats[] = { "text", "json", NULL };
static const char *const surge_declares[] = { "none", "P1", "P2", "P3", NULL };
static const char *const helpdesks[] = {
	"none", "zammad", "otrs", "otobo", "rt", "osticket", "freescout", "chatwoot", "generic", NULL
};
static const char *const owner_forms[] = { "auto", "none", "address", "login", NULL };

#define SPAM_HEADERS "X-Spam-Flag, X-Spam-Status, X-Spam, X-Barracuda-Spam-Status, X-DSPAM-Result, X-Virus-Status"

#define THRESHOLD(severity, index, text) \
	{ .name = "match.threshold." severity, FLOAT_AT(Config, threshold[index]), .standard = "5.0", .min = 0.1, .max = 1000, \
	  .help = (text) }

#define PRIORITY_WORD(priority, index, text) \
	{ .name = "helpdesk_priority." priority, TEXT_AT(Config, FORM_TEXT, helpdesk_priority[index]), .help = (text) }

/* The seven texts of one severity; help stands with the first. */
#define PLAYBOOK_TEXT(severity, index, how, member, text) \
	{ .name = "playbook." severity "." #member, TEXT_AT(Config, how, playbook[index].member), .help = (text) }
#define PLAYBOOK(severity, index, title_, scope_, workaround_, status_url_, contact_, prevention_, update_every_) \
	PLAYBOOK_TEXT(severity, index, FORM_TEXT, title, title_), \
	PLAYBOOK_TEXT(severity, index, FORM_LINES, scope, scope_), \
	PLAYBOOK_TEXT(severity, index, FORM_LINES, workaround, workaround_), \
	PLAYBOOK_TEXT(severity, index, FORM_HTTPS, status_url, status_url_), \
	PLAYBOOK_TEXT(severity, index, FORM_TEXT, contact, contact_), \
	PLAYBOOK_TEXT(severity, index, FORM_LINES, prevention, prevention_), \
	{ .name = "playbook." severity ".update_every", NUMBER_AT(Config, FORM_SECONDS, playbook[index].update_every), \
	  .standard = "0", .min = 0, .max = 7 * 86400, .help = (update_every_) }

static const Setting rows[] = {
	{ .section = "General",
	  .name = "mode", CHOICE_AT(Config, mode, modes), .standard = "shadow",
	  .help = "shadow: everything is decided, logged and put into X-Outage headers, but no customer is answered, nothing is "
	          "rerouted and no helpdesk header is set. live: the decisions are carried out." },
	{ .name = "canary", LIST_AT(Config, FORM_SENDER, canary), .standard = "",
	  .help = "Senders who are treated as in live mode while the mode is shadow: addresses, or \"@domain\" for a domain and its "
	          "subdomains. Put yourself here to see what a customer would get." },
	{ .name = "user", TEXT_AT(Config, FORM_USER, user), .standard = "outage-milter", .restart = true,
	  .help = "User to run as where the program was started by root. Empty, it stays what it is." },
	{ .name = "group", TEXT_AT(Config, FORM_USER, group), .standard = "", .restart = true,
	  .help = "Group to run as where the program was started by root. Empty, it is the user's own." },
	{ .name = "harden", BOOL_AT(Config, harden), .standard = "true", .restart = true,
	  .help = "The daemons give up all capabilities, new privileges, core dumps and the system calls that no mail program needs, and so does "
	          "what they start: no set-user-id or set-group-id program (sudo, Postfix's postdrop) works in page.command and alarm.command. "
	          "Off only for such a one; the systemd unit has to be loosened besides (doc/hardening.md)." },
	{ .name = "socket", TEXT_AT(Config, FORM_SOCKET, socket), .standard = "unix:/run/outage-milter/milter.sock", .restart = true,
	  .help = "Where the MTA reaches the milter: unix:/PATH or inet:PORT@HOST. A unix socket is much faster: on TCP the "
	          "protocol's short cuts cannot be used." },
	{ .name = "socket_group", TEXT_AT(Config, FORM_USER, socket_group), .standard = "", .restart = true,
	  .help = "Group that may connect to the unix socket, such as \"postfix\". Empty, it is that of the process." },
	{ .name = "socket_mode", NUMBER_AT(Config, FORM_MODE, socket_mode), .standard = "0660", .min = 0, .max = 0777,
	  .restart = true,
	  .help = "Permissions of the unix socket." },
	{ .name = "state_dir", TEXT_AT(Config, FORM_ABSOLUTE_PATH, state_dir), .standard = "/var/lib/outage-milter",
	  .restart = true,
	  .help = "Folder for what has to outlive a restart of this node." },
	{ .name = "node", TEXT_AT(Config, FORM_HELO, node_name), .standard = "", .restart = true,
	  .help = "Name of this node in the status and in events. Empty, it is the host's name; needed where several nodes run on one "
	          "host." },
	{ .name = "secret_file", TEXT_AT(Config, FORM_PATH, secret_file), .standard = "", .restart = true,
	  .help = "File that holds the site secret, the same on all nodes: it signs acknowledgements and hashes addresses. Empty, it "
	          "is the file secret in state_dir, made at the first start." },
	{ .name = "drain", NUMBER_AT(Config, FORM_DURATION, drain), .standard = "10s", .min = 0, .max = MS(300), .restart = true,
	  .help = "How long SIGTERM waits for messages that are being decided." },

	{ .section = "Log",
	  .name = "log.destination", CHOICE_AT(Config, log_destination, destinations), .standard = "auto", .restart = true,
	  .help = "auto is syslog unless standard error is a terminal or the journal." },
	{ .name = "log.level", CHOICE_AT(Config, log_level, levels), .standard = "info",
	  .help = "Least important kind of line that is written." },
	{ .name = "log.addresses", CHOICE_AT(Config, log_addresses, address_logging), .standard = "plain",
	  .help = "hashed replaces customers' addresses by a keyed hash." },
	{ .name = "log.format", CHOICE_AT(Config, log_format, log_formats), .standard = "text",
	  .help = "text: key=value pairs. json: an object a line, for collectors that want one." },
	{ .name = "log.files", LIST_AT(Config, FORM_ABSOLUTE_PATH, log_files), .standard = "/var/log/mail.log, /var/log/maillog, /var/log/syslog",
	  .help = "Files in which outagectl explain looks for what was decided on a mail, with their rotated copies (.1, .2.gz, "
	          "-20261121.gz); where they say nothing of it, it asks the journal." },

	{ .section = "Mail",
	  .name = "support", .form = FORM_GROUPS, .offset = OFFSET(Config, SupportAddress **, support), .read = lists_read_support,
	  .help = "The support addresses, as plain texts or as groups with settings of their own. Only mail to one of them is "
	          "inspected. The address itself goes before plus-addressing, and that before a domain. Without any, nothing is "
	          "touched but forged X-Outage headers." },
	{ .name = "header_prefix", TEXT_AT(Config, FORM_HEADER_PREFIX, header_prefix), .standard = "X-Outage-",
	  .help = "What the names of our headers begin with. Incoming headers that begin so are removed." },
	{ .name = "trusted_hosts", LIST_AT(Config, FORM_HOST, trusted_hosts), .standard = "",
	  .help = "Addresses and networks of our own earlier hops. Mail from them keeps its X-Outage headers and is not inspected "
	          "again." },
	{ .name = "body.limit", NUMBER_AT(Config, FORM_SIZE, body_limit), .standard = "256K", .min = KIB(1), .max = KIB(65536),
	  .help = "How much of a message's body is looked at; the rest passes unread." },
	{ .name = "body.text_limit", NUMBER_AT(Config, FORM_SIZE, text_limit), .standard = "8K", .min = KIB(1), .max = KIB(8192),
	  .help = "How much of what the writer wrote, decoded and without quotations, the rules look at. What people say of an outage "
	          "stands at the top; logs pasted below it are long, and every kilobyte costs time." },

	{ .section = "Inspection",
	  .name = "rules.dir", TEXT_AT(Config, FORM_PATH, rules_dir), .standard = "rules",
	  .help = "Folder of the rules; each file *.conf in it is read. A relative path counts from the configuration's folder." },
	{ .name = "model.file", TEXT_AT(Config, FORM_PATH, model_file), .standard = "model/outage.model",
	  .help = "Weights of the classifier that adds to the rules' score, as `outagectl learn` writes them. Empty: rules alone. A relative path "
	          "counts from the configuration's folder." },
	{ .name = "model.weight", FLOAT_AT(Config, model_weight), .standard = "1.0", .min = 0, .max = 4,
	  .help = "What the classifier's points are multiplied by. At 1.0 a mail of which it is sure reaches the threshold without any rule; 0 does "
	          "without it." },
	{ .name = "match.own_words", FLOAT_AT(Config, own_words), .standard = "3.0", .min = 0, .max = 20,
	  .help = "What an incident's own pattern (match) adds to the score of mail that it is found in: enough to lift a weak report over the "
	          "threshold and to choose between two incidents, not enough to make a mail that merely names the product an outage report." },
	{ .name = "match.title_words", FLOAT_AT(Config, title_words), .standard = "1.5", .min = 0, .max = 20,
	  .help = "What an incident's title and components add at most, by how many of their words the mail speaks of." },
	THRESHOLD("P1", SEVERITY_P1, "Score from which on a mail counts as outage mail, by severity of the incident."),
	THRESHOLD("P2", SEVERITY_P2, NULL),
	THRESHOLD("P3", SEVERITY_P3, NULL),
	THRESHOLD("resolved", SEVERITY_RESOLVED, NULL),
	{ .name = "auth.trusted_ids", LIST_AT(Config, FORM_AUTHSERV, authserv_ids), .standard = "",
	  .help = "The authserv-ids under which our own MTAs write Authentication-Results. Of each only the topmost header is "
	          "believed. A filter named here has to write one for all mail, or to remove those that arrive under its name, or a forger "
	          "writes it." },
	{ .name = "auth.all_instances", BOOL_AT(Config, authres_all), .standard = "false",
	  .help = "Whether all headers of these ids are believed, as is needed where OpenDKIM and OpenDMARC write one each under one name; "
	          "otherwise only the topmost of each id, for those below may be forged. Set it only where every Authentication-Results that "
	          "arrives under one of these ids is removed (RFC 8601 section 5), such as by Postfix's header_checks. OpenDKIM alone does "
	          "not remove all of them; doc/postfix.md has the lines." },
	{ .name = "auth.submission_domains", LIST_AT(Config, FORM_DOMAIN, submission_domains), .standard = "",
	  .help = "Domains whose users log in to our MTA with a bare name. Mail submitted with a login counts as its user's: the login "
	          "has to be the envelope sender, or its local part in one of these domains. Logins are taken for the same in all of them." },
	{ .name = "answer.form_senders", LIST_AT(Config, FORM_KEY_ADDRESS, form_senders), .standard = "",
	  .help = "From addresses of the site's own contact forms. Where From is vouched for, the acknowledgement goes to the one address "
	          "in Reply-To; of no other mail it does." },
	{ .name = "answer.form_hosts", LIST_AT(Config, FORM_HOST, form_hosts), .standard = "",
	  .help = "Addresses and networks of machines that hand in contact forms. Coming from there vouches for a form; for nothing else. "
	          "An address that is one of spf.trusted_relays too vouches for nothing: there the first hop outside counts." },
	{ .name = "answer.spam_headers", LIST_AT(Config, FORM_HEADER, spam_headers), .standard = SPAM_HEADERS,
	  .help = "Headers in which the site's own filter marks spam. Mail that carries such a mark is not answered." },
	{ .name = "answer.list_ids", LIST_AT(Config, FORM_LIST_ID, list_ids), .standard = "",
	  .help = "List-Ids of group aliases in front of a support address. Mail through them is answered although it is list mail; where "
	          "the alias wrote an envelope sender of its own, at From, if DKIM or DMARC vouches for it." },
	{ .name = "answer.received_max", NUMBER_AT(Config, FORM_INTEGER, received_max), .standard = "50", .min = 5, .max = 1000,
	  .help = "Mail with more Received headers than this is taken for a loop and not answered." },
	{ .name = "spf.enabled", BOOL_AT(Config, spf_enabled), .standard = "true", .restart = true,
	  .help = "Whether SPF is looked up in DNS for mail that would be answered, whose account would be believed, or whose writer could be "
	          "sent notices, now or by declare --since (recent.keep), if its sender were vouched for, and that nothing else vouches for. "
	          "Other mail causes no lookups." },
	{ .name = "spf.nameserver", TEXT_AT(Config, FORM_NAMESERVER, spf_nameserver), .standard = "", .restart = true,
	  .help = "Name server to ask, with a port where it is not 53. Empty, those of the system. A caching resolver on the same machine is "
	          "best." },
	{ .name = "spf.timeout", NUMBER_AT(Config, FORM_DURATION, spf_timeout), .standard = "2s", .min = 100, .max = MS(20),
	  .help = "Longest time that a message waits for SPF. Then it passes, and is not answered." },
	{ .name = "spf.helpers", NUMBER_AT(Config, FORM_INTEGER, spf_helpers), .standard = "4", .min = 1, .max = 64, .restart = true,
	  .help = "Helper processes, each of which checks one message at a time." },
	{ .name = "spf.trusted_relays", LIST_AT(Config, FORM_HOST, spf_trusted_relays), .standard = "",
	  .help = "Addresses and networks of our own relays in front of this MTA, such as a gateway, a backup MX, or a content filter on the "
	          "same machine (127.0.0.1). Mail from them is judged by the first hop outside, as their Received fields name it, or by "
	          "their Authentication-Results; never by the relay's address. Each has to write a Received field of its own, as MTAs do "
	          "and plain proxies do not." },
	{ .name = "spf.program", TEXT_AT(Config, FORM_PATH, spf_program), .standard = "", .restart = true,
	  .help = "The helper program outage-spf. Empty, it is the installed one." },
	{ .name = "route.always", BOOL_AT(Config, route_always), .standard = "false",
	  .help = "Whether accounts, escalations and secrets are tagged and routed also while no incident is on." },
	{ .name = "qa.sample", NUMBER_AT(Config, FORM_INTEGER, qa_sample), .standard = "10", .min = 0, .max = 100,
	  .help = "Percentage of matched mail that is marked for a review of the detection." },
	{ .name = "routes", .form = FORM_GROUPS, .offset = OFFSET(Config, Route **, routes), .read = lists_read_routes,
	  .help = "Where support mail goes. The first route whose conditions all hold decides; mail that none takes goes to the "
	          "queue normal. A list here replaces the shipped one." },
	{ .name = "helpdesk", CHOICE_AT(Config, helpdesk, helpdesks), .standard = "none",
	  .help = "The helpdesk that receives the mail. Its own headers are set from the route (group, priority, owner) in its own words, and "
	          "its private ones removed from incoming mail to support addresses; its automatic reply is kept back where ours is on its "
	          "way. generic sets headers of ours (X-Outage-Group, -Priority, -Owner, -Tags) for rules of any other." },
	{ .name = "rt_header", TEXT_AT(Config, FORM_SET_HEADER, rt_header), .standard = "X-RT-Command",
	  .help = "Request Tracker: the header that carries commands such as \"Queue: VIP\", for the mail plugin in conf/helpdesk/rt or the "
	          "extension CommandByMail. A name that begins with header_prefix is removed from all mail that comes in." },
	{ .name = "helpdesk_owner", CHOICE_AT(Config, helpdesk_owner, owner_forms), .standard = "auto",
	  .help = "What the manager of a verified account is called where he becomes the ticket's owner: his address, or its local part "
	          "(login); auto is login for OTRS and OTOBO and address for the others. none: he does not." },
	PRIORITY_WORD("low", PRIORITY_LOW, "What the helpdesk calls a priority, where the site has renamed it. Unset, it is the helpdesk's word, such as "
	    "\"3 high\"."),
	PRIORITY_WORD("normal", PRIORITY_NORMAL, NULL),
	PRIORITY_WORD("high", PRIORITY_HIGH, NULL),
	PRIORITY_WORD("urgent", PRIORITY_URGENT, NULL),

	{ .section = "Incidents",
	  .name = "incident.reopen_within", NUMBER_AT(Config, FORM_DURATION, reopen_within), .standard = "6h", .min = 0,
	  .max = DAYS(90),
	  .help = "An incident that is declared again this soon after its end goes on with its texts, and nobody is answered twice." },
	{ .name = "incident.resolved_for", NUMBER_AT(Config, FORM_DURATION, resolved_for), .standard = "48h", .min = 0,
	  .max = DAYS(90),
	  .help = "How long mail about a resolved incident is answered with the resolution." },
	{ .name = "incident.stale_after", NUMBER_AT(Config, FORM_DURATION, stale_after), .standard = "10m", .min = MS(1),
	  .max = DAYS(7),
	  .help = "Without contact to the store for this long, a node goes on tagging but answers nobody." },
	{ .name = "incident.max_silence", NUMBER_AT(Config, FORM_DURATION, max_silence), .standard = "4h", .min = MS(1),
	  .max = DAYS(30),
	  .help = "An incident without an update for this long is tagged but no longer answered." },
	{ .name = "incident.silence", NUMBER_AT(Config, FORM_DURATION, silence), .standard = "30m", .min = 0, .max = DAYS(7),
	  .help = "An open incident without an update for this long raises the alarm silence. 0 is never." },
	PLAYBOOK("P1", SEVERITY_P1,
	    "Title of an incident that was declared without one, by severity.",
	    "Who or what is concerned, where the incident does not say.",
	    "What customers can do meanwhile, where the incident does not say.",
	    "Status page, where neither the incident nor the support address names one. reply.url_domains must "
	    "cover its host.",
	    "How customers reach us otherwise, where the incident does not say.",
	    "What is done so that it does not happen again, where the incident does not say.",
	    "How often updates are promised. 0 promises nothing."),
	PLAYBOOK("P2", SEVERITY_P2, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	PLAYBOOK("P3", SEVERITY_P3, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	PLAYBOOK("resolved", SEVERITY_RESOLVED, NULL, NULL, NULL, NULL, NULL, NULL, NULL),

	{ .section = "Store",
	  .name = "store.url", TEXT_AT(Config, FORM_STORE_URL, store_url), .standard = "sqlite:/var/lib/outage-milter/state.db",
	  .restart = true,
	  .help = "Where incidents, marks and acknowledgements are kept. sqlite:PATH is for one machine; a relative path counts from "
	          "the configuration's folder. redis://[user:password@]host[:port][/db], rediss:// for the same over TLS, "
	          "redis+unix://[user:password@]/path[?db=N] and redis+sentinel://[user:password@]host:port,host:port/master[/db] are "
	          "shared by all nodes. Credentials are percent-encoded. Redis 6.2 or newer." },
	{ .name = "store.prefix", TEXT_AT(Config, FORM_STORE_PREFIX, store_prefix), .standard = "outage:", .restart = true,
	  .help = "What all keys begin with; ends in a colon. {outage}: puts them into one slot of a Redis Cluster." },
	{ .name = "store.password_file", TEXT_AT(Config, FORM_PATH, store_password_file), .standard = "", .restart = true,
	  .help = "File with the password, so that it need not stand in the URL; where that names no user either, PASSWORD or "
	          "USER:PASSWORD. Readable by the program's user alone. %p in the path is the program's name (outage-milter, "
	          "outage-replier, outagectl), for users with rights of their own." },
	{ .name = "store.sentinel_password_file", TEXT_AT(Config, FORM_PATH, store_sentinel_password_file), .standard = "",
	  .restart = true,
	  .help = "File with the password of the Sentinels, where they ask for one: PASSWORD, or USER:PASSWORD." },
	{ .name = "store.tls_ca_file", TEXT_AT(Config, FORM_PATH, store_tls_ca_file), .standard = "", .restart = true,
	  .help = "For rediss://: file with the certificates that the server's is checked against. Empty, those of the system. The "
	          "server's name is always checked." },
	{ .name = "store.tls_cert_file", TEXT_AT(Config, FORM_PATH, store_tls_cert_file), .standard = "", .restart = true,
	  .help = "For rediss://: our own certificate, where the server asks for one (tls-auth-clients)." },
	{ .name = "store.tls_key_file", TEXT_AT(Config, FORM_PATH, store_tls_key_file), .standard = "", .restart = true,
	  .help = "For rediss://: the key of that certificate." },
	{ .name = "store.connect_timeout", NUMBER_AT(Config, FORM_DURATION, store_connect_timeout), .standard = "500ms", .min = 10,
	  .max = MS(30), .restart = true,
	  .help = "Longest wait for a connection. Messages never wait for it: connections are made in the background." },
	{ .name = "store.timeout", NUMBER_AT(Config, FORM_DURATION, store_timeout), .standard = "1s", .min = 10, .max = MS(30),
	  .restart = true,
	  .help = "Longest wait for an answer of the store, where no message waits for it." },
	{ .name = "store.budget", NUMBER_AT(Config, FORM_DURATION, store_budget), .standard = "250ms", .min = 20, .max = MS(10),
	  .help = "Longest time that a message waits for a shared store (Redis). After the first that waited in vain none waits until the "
	          "store has answered again. For the embedded one, which nothing else can stand in for, it is at least twice store.timeout." },
	{ .name = "store.when_down", CHOICE_AT(Config, when_down, when_down), .standard = "local",
	  .help = "What becomes of acknowledgements while the shared store (Redis) is away. local: each node answers by itself, from what "
	          "it remembers; nodes that cannot see each other may both answer one customer. hold: they are kept on the node and "
	          "leave once the store is back. Those whose claim may have reached the store are always held." },
	{ .name = "store.local_after", NUMBER_AT(Config, FORM_DURATION, local_after), .standard = "10s", .min = 0, .max = MS(3600),
	  .help = "With when_down = \"local\": how long the store has to be away before a node answers by itself. What it records before that "
	          "claims in the store, where no two nodes can answer one customer; a failover is over by then." },
	{ .name = "store.min_replicas", NUMBER_AT(Config, FORM_INTEGER, min_replicas), .standard = "0", .min = 0, .max = 9,
	  .help = "How many replicas of Redis are waited for with each claim. A claim that fewer have taken counts, and its letter leaves; it is "
	          "kept on the node too, and asked again, so that a failover cannot lose it. While replicas are missing, one message a "
	          "second waits for them." },
	{ .name = "store.poll", NUMBER_AT(Config, FORM_DURATION, store_poll), .standard = "5s", .min = 100, .max = MS(300),
	  .restart = true,
	  .help = "Redis tells of changes by itself; this often they are looked for all the same." },
	{ .name = "store.pool", NUMBER_AT(Config, FORM_INTEGER, store_pool), .standard = "4", .min = 1, .max = 64, .restart = true,
	  .help = "Connections for claiming acknowledgements, shared by all messages." },

	{ .section = "Acknowledgements",
	  .name = "ack.delay", NUMBER_AT(Config, FORM_DURATION, ack_delay), .standard = "0", .min = 0, .max = DAYS(1),
	  .help = "Holds each acknowledgement back this long, for a chance to stop it." },
	{ .name = "ack.again_after", NUMBER_AT(Config, FORM_DURATION, ack_again_after), .standard = "0", .min = 0, .max = DAYS(90),
	  .help = "After this time the same sender is acknowledged again in the same incident. 0 is never." },
	{ .name = "ack.site_cap", NUMBER_AT(Config, FORM_INTEGER, ack_site_cap), .standard = "600", .min = 0, .max = 1000000,
	  .help = "Acknowledgements a minute; those above it leave later. 0 is no cap." },
	{ .name = "ack.domain_cap", NUMBER_AT(Config, FORM_INTEGER, ack_domain_cap), .standard = "200", .min = 0, .max = 1000000,
	  .help = "Acknowledgements to one domain an hour; above it none is sent. 0 is no cap." },
	{ .name = "ack.address_cap", NUMBER_AT(Config, FORM_INTEGER, ack_address_cap), .standard = "10", .min = 0, .max = 1000000,
	  .help = "Acknowledgements to one address a day, over all incidents; above it none is sent. 0 is no cap." },
	{ .name = "ack.queue_limit", NUMBER_AT(Config, FORM_INTEGER, ack_queue_limit), .standard = "100000", .min = 0, .max = 10000000,
	  .help = "Acknowledgements that may wait in the shared queue. Above it no new one is taken (reason store), loudly; what waits is "
	          "never dropped. 0 is no limit." },
	{ .name = "ack.shared_domains_file", TEXT_AT(Config, FORM_PATH, ack_shared_file), .standard = "shared-domains",
	  .help = "File with the domains of mailbox providers, one a line, to which ack.domain_cap does not apply: their customers have "
	          "nothing to do with each other. A relative path counts from the configuration's folder." },
	{ .name = "ack.shared_domains", LIST_AT(Config, FORM_DOMAIN, ack_shared_domains), .standard = "",
	  .help = "More such domains, besides those of the file." },

	{ .section = "Replies",
	  .name = "template.dir", TEXT_AT(Config, FORM_PATH, template_dir), .standard = "templates",
	  .help = "Folder of the templates, with one folder for each language. A relative path counts from the configuration's "
	          "folder." },
	{ .name = "template.language", TEXT_AT(Config, FORM_LANGUAGE, language), .standard = "en",
	  .help = "Language of replies where nothing better is known." },
	{ .name = "site.name", TEXT_AT(Config, FORM_TEXT, site_name), .standard = "",
	  .help = "The company, for texts and for the From of replies." },
	{ .name = "site.team", TEXT_AT(Config, FORM_TEXT, team_name), .standard = "",
	  .help = "Who signs replies, before the company. Empty, the company signs, or what a reply's own language has for a support team." },
	{ .name = "site.timezone", TEXT_AT(Config, FORM_TIMEZONE, timezone), .standard = "UTC",
	  .help = "Time zone in which replies name times, such as Europe/Berlin." },
	{ .name = "reply.from", TEXT_AT(Config, FORM_ADDRESS, reply_from), .standard = "",
	  .help = "Address in the From of replies. Empty, it is the support address that was written to." },
	{ .name = "reply.envelope_sender", TEXT_AT(Config, FORM_ADDRESS, envelope_sender), .standard = "",
	  .help = "MAIL FROM of replies. Empty, it is the null sender, so that nothing comes back; the MTA must then sign with DKIM, "
	          "or replies fail DMARC." },
	{ .name = "reply.bounce_address", TEXT_AT(Config, FORM_BOUNCE, bounce_address), .standard = "",
	  .help = "Address to which bounces of replies come back, such as bounces@example.com, tagged for each recipient "
	          "(bounces+TAG@example.com). It has to be delivered through this milter; a bounce there keeps further mail from that "
	          "address. Empty, reply.envelope_sender holds, and only what the relay itself refuses is noticed." },
	{ .name = "reply.bounce_block", NUMBER_AT(Config, FORM_DURATION, bounce_block), .standard = "30d", .min = MS(60), .max = DAYS(3650),
	  .help = "How long nothing is sent to an address whose mail came back." },
	{ .name = "reply.relay", TEXT_AT(Config, FORM_RELAY, relay), .standard = "smtp://127.0.0.1:25",
	  .help = "MTA that takes replies: smtp://HOST:PORT or smtps://HOST:PORT." },
	{ .name = "reply.helo", TEXT_AT(Config, FORM_HELO, relay_helo), .standard = "",
	  .help = "Name given in EHLO. Empty, it is the host's name." },
	{ .name = "reply.url_domains", LIST_AT(Config, FORM_DOMAIN, url_domains), .standard = "",
	  .help = "Domains, subdomains included, to which links in replies may lead; any other link is left out. Empty, only the links "
	          "that stand in this file are let through." },
	{ .name = "reply.tries", NUMBER_AT(Config, FORM_INTEGER, reply_tries), .standard = "12", .min = 1, .max = 1000,
	  .help = "After so many failures a reply is buried; outagectl acks lists it with its reason." },
	{ .name = "reply.retry_first", NUMBER_AT(Config, FORM_DURATION, reply_retry_first), .standard = "30s", .min = 100,
	  .max = DAYS(1),
	  .help = "Wait after the first failure. It doubles with each." },
	{ .name = "reply.retry_max", NUMBER_AT(Config, FORM_DURATION, reply_retry_max), .standard = "1h", .min = 100, .max = DAYS(1),
	  .help = "Longest wait between two tries." },
	{ .name = "reply.timeout", NUMBER_AT(Config, FORM_DURATION, reply_timeout), .standard = "2m", .min = MS(1), .max = MS(600),
	  .help = "Longest time for handing one reply to the MTA. A relay that has the whole message and does not answer in this time may "
	          "have taken it: such a reply is not tried again by itself (outagectl acks dead)." },

	{ .name = "reply.html", BOOL_AT(Config, reply_html), .standard = "false",
	  .help = "Whether replies carry a text/html alternative besides the text. It is made from the text, or from a template KIND.html." },
	{ .name = "reply.operator_language", TEXT_AT(Config, FORM_LANGUAGE, operator_language), .standard = "",
	  .help = "Language in which the texts of incidents, the updates and the playbook are written. Empty, it is template.language." },
	{ .name = "reply.mixed_languages", CHOICE_AT(Config, mixed, mixed), .standard = "quote",
	  .help = "What becomes of these texts in a reply of another language. quote: they stand in it, and the reply says which language "
	          "they are in. fallback: a reply that would quote any of them is written in their language." },
	{ .name = "offers", .form = FORM_GROUPS, .offset = OFFSET(Config, Offer **, offers), .read = lists_read_offers,
	  .help = "What may be offered to customers: an incident's field offer names one of these, and nothing else is offered. Several "
	          "entries of one name give its text in several languages or for several account levels." },

	{ .section = "Notices, pages, feed",
	  .name = "notice.rate", NUMBER_AT(Config, FORM_INTEGER, notice_rate), .standard = "600", .min = 1, .max = 100000,
	  .help = "How many people a minute are told of an update or of the resolution (outagectl update --notify)." },
	{ .name = "page.command", LIST_AT(Config, FORM_TEXT, page_command), .standard = "",
	  .help = "Program that calls a person, and its arguments; run without a shell by the replier, with what it is about in its "
	          "environment (OUTAGE_*). For mail of accounts, of lawyers and the press, and of those who still have the trouble after the "
	          "fix: whatever a route with page = true takes. It can neither become another user (sudo) nor hand mail to sendmail(1), from "
	          "which Postfix takes it by a set-group-id program; page.to and SMTP work (see harden)." },
	{ .name = "page.to", LIST_AT(Config, FORM_ADDRESS, page_to), .standard = "",
	  .help = "Addresses that are written to besides, and instead of the account's manager where there is none." },
	{ .name = "page.repeat", NUMBER_AT(Config, FORM_DURATION, page_repeat), .standard = "15m", .min = MS(5), .max = DAYS(1),
	  .help = "The call is repeated this often while no person has answered." },
	{ .name = "page.times", NUMBER_AT(Config, FORM_INTEGER, page_times), .standard = "4", .min = 1, .max = 100,
	  .help = "At most so many calls for one mail." },
	{ .name = "page.timeout", NUMBER_AT(Config, FORM_DURATION, page_timeout), .standard = "30s", .min = MS(1), .max = MS(600),
	  .help = "Longest time that page.command may take; then it is killed." },
	{ .name = "feed.recipients", LIST_AT(Config, FORM_ADDRESS, feed_recipients), .standard = "",
	  .help = "Addresses of our own staff or outside teams that get each declared, updated and resolved incident as a short mail." },
	{ .name = "outbound.hosts", LIST_AT(Config, FORM_HOST, outbound_hosts), .standard = "127.0.0.1, ::1",
	  .help = "Addresses and networks from which our own people and the helpdesk hand in mail. Mail from a support address that comes "
	          "from there, or from somebody who logged in, and that answers a customer's mail ends that customer's waiting." },

	{ .section = "Figures",
	  .name = "stats.enabled", BOOL_AT(Config, stats_enabled), .standard = "true",
	  .help = "Whether support mail is counted by minute and incident. Without it there is no baseline, no alarm of a surge, and little to "
	          "report." },
	{ .name = "metrics.milter", TEXT_AT(Config, FORM_LISTEN, metrics_milter), .standard = "127.0.0.1:9465", .restart = true,
	  .help = "Where outage-milter answers Prometheus (/metrics) and health checks (/healthz). Empty, nowhere. There is no password: whoever "
	          "reaches it may read it." },
	{ .name = "metrics.replier", TEXT_AT(Config, FORM_LISTEN, metrics_replier), .standard = "127.0.0.1:9466", .restart = true,
	  .help = "The same for outage-replier." },

	{ .section = "Alarms",
	  .name = "alarm.command", LIST_AT(Config, FORM_TEXT, alarm_command), .standard = "",
	  .help = "Program that is told of an alarm, and its arguments; run without a shell, with what it is about in its environment "
	          "(OUTAGE_ALARM, OUTAGE_ALARM_STATE, OUTAGE_TEXT, OUTAGE_INCIDENT, ...). What page.command cannot do, it cannot either." },
	{ .name = "alarm.timeout", NUMBER_AT(Config, FORM_DURATION, alarm_timeout), .standard = "30s", .min = MS(1), .max = MS(600),
	  .help = "Longest time that alarm.command may take; then it is killed." },
	{ .name = "alarm.repeat", NUMBER_AT(Config, FORM_DURATION, alarm_repeat), .standard = "1h", .min = MS(1), .max = DAYS(7),
	  .help = "An alarm that stands is told again this often (postmortem-due once a day at most); in between it is silent." },
	{ .name = "alarm.queue_age", NUMBER_AT(Config, FORM_DURATION, alarm_queue_age), .standard = "10m", .min = MS(1), .max = DAYS(7),
	  .help = "Acknowledgements that have been due for this long raise the alarm queue-stuck." },
	{ .name = "alarm.forgotten", NUMBER_AT(Config, FORM_DURATION, alarm_forgotten), .standard = "12h", .min = MS(60), .max = DAYS(90),
	  .help = "An open incident that has had neither matching mail nor an update for this long raises the alarm forgotten." },
	{ .name = "alarm.still_affected", NUMBER_AT(Config, FORM_INTEGER, alarm_still_affected), .standard = "5", .min = 0, .max = 100000,
	  .help = "So many mails within half an hour that say, after the fix, that it is not fixed raise the alarm regression. 0 is never." },
	{ .name = "alarm.bounces", NUMBER_AT(Config, FORM_INTEGER, alarm_bounces), .standard = "20", .min = 0, .max = 1000,
	  .help = "So many of our letters that come back within an hour raise the alarm bounces. 0 is never." },
	{ .name = "surge.factor", FLOAT_AT(Config, surge_factor), .standard = "3.0", .min = 1.1, .max = 1000,
	  .help = "So many times the usual number of senders (by hour of the week) within surge.window, while nothing is declared, raise the alarm "
	          "surge. Only mail that reads like outage mail counts." },
	{ .name = "surge.least", NUMBER_AT(Config, FORM_INTEGER, surge_least), .standard = "10", .min = 2, .max = 1000000,
	  .help = "Fewer distinct authenticated senders than this raise none; where no baseline is known yet, this many do." },
	{ .name = "surge.window", NUMBER_AT(Config, FORM_DURATION, surge_window), .standard = "10m", .min = MS(300), .max = MS(7200),
	  .help = "The time that is looked at." },
	{ .name = "surge.declare", CHOICE_AT(Config, surge_declare, surge_declares), .standard = "none",
	  .help = "Whether a surge declares the incident default by itself, and with which severity. It does not where a person has ended one within "
	          "incident.reopen_within. As shipped, a person decides." },

	{ .section = "Privacy",
	  .name = "privacy.retention", NUMBER_AT(Config, FORM_DURATION, retention), .standard = "30d", .min = HOURS(1),
	  .max = DAYS(3650),
	  .help = "How long personal data of a past incident is kept." },
	{ .name = "privacy.account_totals", NUMBER_AT(Config, FORM_DURATION, account_totals), .standard = "365d", .min = DAYS(1),
	  .max = DAYS(3650),
	  .help = "How long it is kept how many mails an account has written in outages." },
	{ .name = "recent.keep", NUMBER_AT(Config, FORM_DURATION, recent_keep), .standard = "4h", .min = 0, .max = DAYS(7),
	  .help = "How long it is remembered who wrote lately. 0 remembers nobody: declare --since answers nobody." },
};

const SettingTable settings_main = TABLE_OF(rows);
