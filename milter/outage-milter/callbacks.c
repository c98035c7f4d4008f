/* callbacks: from libmilter's callbacks to a Message, and from a Verdict to edits. Layer: program.
 *
 * Callbacks of one session may run on different threads, one after the other, so all state hangs at the session
 * (smfi_setpriv). Whatever goes wrong in here, the mail goes on as it came: every path ends in SMFIS_CONTINUE. */
#include "outage-milter/callbacks.h"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/watchdog.h"
#include "inspect/outbound.h"
#include "mail/header.h"
#include "outage-milter/listen.h"

#define BACKLOG 512
#define REPLY_GRACE_US 50000
/* No message takes longer than spf.timeout and twice store.budget, nor, with the embedded store, than a few times store.timeout: by the
 * ranges of these settings less than four minutes, in seconds. */
#define DECIDE_LIMIT 600

typedef struct {
	Message *message;
	HeaderForged *forged;
	Engine *engine;        /* in force since MAIL */
	Snapshot *snapshot;    /* decided on at the end of the headers, so that body and verdict see one state */
	bool no_reply;         /* the MTA does not wait for a reply to each step */
	bool can_skip;
	bool leading_space;    /* values come and go with the space behind the colon */
	bool can_edit;         /* the MTA lets us change headers */
	bool can_rcpt;
	bool trusted;          /* client is one of our own earlier hops */
	bool to_support;
	bool outbound;         /* may be an answer of one of our own people: it comes from where theirs come from */
	char *optout;          /* hash of who wants no more notices, or NULL */
	char *optout_incident; /* of which incident */
	char *bounced;         /* hash of whom a reply went to that may be coming back, or NULL */
	bool inspects;         /* the verdict is wanted */
	bool remembers;        /* nothing is on; the mail may be wanted by an incident yet to be declared, and is counted for a surge */
	bool wants_body;
	bool in_flight;        /* counted among the messages that a stop waits for */
} Session;

/* libmilter hands no user data to its callbacks. */
static Service *service;
/* The listening socket is a unix socket: there the no-reply flags pay (doc/library-traps.md 9). */
static bool local_socket;

/* What is done with a message once it is there whole; lives as long as the program. */
static Watched *deciding;

/* Messages begun before the stop and not yet done with. */
static struct {
	GMutex lock;
	GCond idle;
	guint count;
	bool stopping;
} in_flight;

static void flight_begin(Session *session)
{
	g_mutex_lock(&in_flight.lock);
	session->in_flight = !in_flight.stopping;
	in_flight.count += session->in_flight;
	g_mutex_unlock(&in_flight.lock);
}

static void flight_end(Session *session)
{
	if (!session->in_flight)
		return;
	session->in_flight = false;
	g_mutex_lock(&in_flight.lock);
	if (--in_flight.count == 0)
		g_cond_broadcast(&in_flight.idle);
	g_mutex_unlock(&in_flight.lock);
}

static sfsistat step(const Session *session)
{
	return session != NULL && session->no_reply ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static void session_forget_message(Session *session)
{
	flight_end(session);
	message_reset(session->message);
	header_forged_reset(session->forged);
	g_clear_pointer(&session->engine, engine_unref);
	g_clear_pointer(&session->snapshot, snapshot_unref);
	g_clear_pointer(&session->bounced, g_free);
	g_clear_pointer(&session->optout, g_free);
	g_clear_pointer(&session->optout_incident, g_free);
	session->to_support = session->inspects = session->remembers = session->wants_body = session->outbound = false;
}

static void session_free(Session *session)
{
	flight_end(session);
	message_free(session->message);
	header_forged_free(session->forged);
	engine_unref(session->engine);
	snapshot_unref(session->snapshot);
	g_free(session->bounced);
	g_free(session->optout);
	g_free(session->optout_incident);
	g_free(session);
}

static Session *session_get(SMFICTX *ctx)
{
	return smfi_getpriv(ctx);
}

#define NO_REPLY (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_NR_EOH)
#define UNUSED_STEPS (SMFIP_NODATA | SMFIP_NOUNKNOWN)
#define HEADER_EDITS (SMFIF_ADDHDRS | SMFIF_CHGHDRS)
#define RCPT_EDITS (SMFIF_ADDRCPT | SMFIF_DELRCPT)

/* Asks for the macros that are read in here, and for no others. Each stage with any costs a packet, and over TCP the command that Sendmail
 * sends behind it waits until that packet has been acknowledged (Nagle against delayed ACK): 40 ms for each recipient, for one
 * (doc/library-traps.md 10). */
static void choose_macros(SMFICTX *ctx)
{
	static const struct {
		int stage;
		const char *macros;
	} choice[] = {
		{ SMFIM_CONNECT, "" }, { SMFIM_HELO, "" }, { SMFIM_ENVFROM, "{auth_authen}" }, { SMFIM_ENVRCPT, "" },
		{ SMFIM_DATA, "" }, { SMFIM_EOH, "" }, { SMFIM_EOM, "i" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(choice); i++)
		if (smfi_setsymlist(ctx, choice[i].stage, (char *)choice[i].macros) != MI_SUCCESS)
			log_bug("libmilter took no list of macros for stage %d", choice[i].stage);
}

/* Never SMFIP_NR_BODY: with it libmilter turns SKIP into NOREPLY and the whole body crosses (doc/library-traps.md 5). */
static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3,
    unsigned long *want_actions, unsigned long *want_steps, unsigned long *want_f2, unsigned long *want_f3)
{
	Session *session = g_new0(Session, 1);

	(void)f2;
	(void)f3;
	session->message = message_new(0);
	session->forged = header_forged_new();
	session->can_edit = (actions & HEADER_EDITS) == HEADER_EDITS;
	session->can_rcpt = (actions & RCPT_EDITS) == RCPT_EDITS;
	session->can_skip = (steps & SMFIP_SKIP) != 0;
	session->leading_space = (steps & SMFIP_HDR_LEADSPC) != 0;
	session->no_reply = local_socket && (steps & NO_REPLY) == NO_REPLY;
	*want_actions = (session->can_edit ? HEADER_EDITS : 0) | (session->can_rcpt ? RCPT_EDITS : 0);
	*want_steps = (steps & (SMFIP_SKIP | SMFIP_HDR_LEADSPC | UNUSED_STEPS)) | (session->no_reply ? NO_REPLY : 0);
	*want_f2 = *want_f3 = 0;
	if ((actions & SMFIF_SETSYMLIST) != 0)
		choose_macros(ctx);
	if (!session->can_edit)
		log_warning("the MTA does not let milters add and change headers: mail passes unmarked");
	if (smfi_setpriv(ctx, session) != MI_SUCCESS) {
		session_free(session);
		return SMFIS_REJECT; /* of the negotiation: the MTA goes on without us */
	}
	return SMFIS_CONTINUE;
}

static char *address_text(const _SOCK_ADDR *address)
{
	char text[INET6_ADDRSTRLEN];
	const char *p = NULL;

	if (address == NULL)
		return NULL;
	if (address->sa_family == AF_INET)
		p = inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, text, sizeof text);
	else if (address->sa_family == AF_INET6)
		p = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, text, sizeof text);
	if (p != NULL && g_ascii_strncasecmp(p, "::ffff:", 7) == 0 && strchr(p, '.') != NULL)
		p += 7;
	return g_strdup(p);
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	Session *session = session_get(ctx);

	if (session == NULL)
		return SMFIS_CONTINUE;
	g_free(session->message->client_addr);
	session->message->client_addr = address_text(address);
	g_free(session->message->client_name);
	session->message->client_name = g_strdup(name);
	return step(session);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	Session *session = session_get(ctx);

	if (session != NULL) {
		g_free(session->message->helo);
		session->message->helo = g_strdup(name);
	}
	return step(session);
}

static sfsistat on_mail(SMFICTX *ctx, char **args)
{
	Session *session = session_get(ctx);
	const Config *config;

	if (session == NULL)
		return SMFIS_CONTINUE;
	session_forget_message(session);
	flight_begin(session);
	session->engine = service_engine(service);
	config = session->engine->config;
	session->message->body_limit = (gsize)config->body_limit;
	session->trusted = config_trusts_host(config, session->message->client_addr);
	message_set_sender(session->message, args[0]);
	session->message->auth_user = g_strdup(smfi_getsymval(ctx, (char *)"{auth_authen}"));
	session->outbound = !session->trusted && outbound_may_be(config, session->message);
	return step(session);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **args)
{
	Session *session = session_get(ctx);

	if (session != NULL && session->engine != NULL) {
		message_add_rcpt(session->message, args[0]);
		if (session->optout == NULL && !session->trusted)
			session->optout = service_optout(service, g_ptr_array_index(session->message->rcpts, session->message->rcpts->len - 1),
			    &session->optout_incident);
		if (!session->to_support)
			session->to_support = config_support(session->engine->config, args[0]) != NULL;
		/* Only the null sender brings bounces (RFC 5321 section 4.5.5). */
		if (session->bounced == NULL && g_strcmp0(session->message->sender, "") == 0)
			session->bounced = service_bounce_hash(service, session->engine, args[0]);
	}
	return step(session);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	Session *session = session_get(ctx);

	if (session == NULL || session->engine == NULL || session->trusted)
		return step(session);
	if (verdict_header_is_forged(session->engine->config, name, session->to_support))
		header_forged_add(session->forged, name);
	else if (session->to_support || session->bounced != NULL || (session->outbound && outbound_reads_header(name)))
		message_add_header(session->message, name, value);
	return step(session);
}

static void make_context(VerdictContext *context, const Session *session, const Accounts *accounts)
{
	*context = (VerdictContext){
		.engine = session->engine,
		.snapshot = session->snapshot,
		.accounts = accounts,
		.now = clock_now(),
		.age = snapshot_age(session->snapshot, clock_mono_us()),
	};
}

static sfsistat on_end_of_headers(SMFICTX *ctx)
{
	Session *session = session_get(ctx);
	VerdictContext context;

	if (session == NULL || session->engine == NULL || session->trusted)
		return step(session);
	/* Who says "no more" is told no more. */
	if (session->to_support && session->optout == NULL) {
		session->snapshot = service_snapshot(service);
		make_context(&context, session, NULL);
		session->inspects = !verdict_is_idle(&context);
		/* Of what is a machine's nothing would be kept: its body need not even cross. */
		session->remembers = !session->inspects && (session->engine->config->recent_keep > 0 || session->engine->config->stats_enabled) &&
		    !verdict_is_machine_made(session->engine, session->message);
	}
	session->wants_body = session->inspects || session->remembers || session->bounced != NULL;
	return step(session);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *bytes, size_t size)
{
	Session *session = session_get(ctx);

	if (session == NULL)
		return SMFIS_CONTINUE;
	if (session->wants_body && !message_add_body(session->message, (const char *)bytes, size))
		return SMFIS_CONTINUE;
	return session->can_skip ? SMFIS_SKIP : SMFIS_CONTINUE;
}

static void edit_failed(const Session *session, const char *what)
{
	log_warning("%s: the MTA refused to %s", session->message->queue_id != NULL ? session->message->queue_id : "-", what);
}

static void remove_forged(SMFICTX *ctx, const Session *session)
{
	g_autoptr(GPtrArray) plan = header_forged_plan(session->forged);

	for (guint i = 0; i < plan->len; i++) {
		const HeaderRemoval *removal = g_ptr_array_index(plan, i);

		if (smfi_chgheader(ctx, removal->name, (int)removal->instance, NULL) != MI_SUCCESS) {
			edit_failed(session, "remove a forged header");
			return;
		}
	}
	if (plan->len > 0)
		log_info("%s: removed %u forged header(s), %s first", session->message->queue_id != NULL ? session->message->queue_id : "-",
		    plan->len, ((const HeaderRemoval *)g_ptr_array_index(plan, 0))->name);
}

/* Index 1 is below the MTA's own Received (doc/library-traps.md 7); inserted last to first, they stand in order. */
static void insert_headers(SMFICTX *ctx, const Session *session, const Verdict *verdict)
{
	for (guint i = verdict->headers->len; i-- > 0;) {
		const VerdictHeader *header = g_ptr_array_index(verdict->headers, i);
		g_autofree char *folded = header_fold(header->value, strlen(header->name));
		g_autofree char *value = g_strconcat(session->leading_space ? " " : "", folded, NULL);

		if (smfi_insheader(ctx, 1, header->name, value) != MI_SUCCESS)
			edit_failed(session, "insert a header");
	}
}

static bool is_added(const Verdict *verdict, const char *rcpt)
{
	g_autofree char *normal = address_normal_text(rcpt);

	for (guint i = 0; i < verdict->add_rcpts->len; i++) {
		g_autofree char *added = address_normal_text(g_ptr_array_index(verdict->add_rcpts, i));

		if (g_strcmp0(normal, added) == 0)
			return true;
	}
	return false;
}

static void edit_recipients(SMFICTX *ctx, const Session *session, const Verdict *verdict)
{
	bool added = true;

	for (guint i = 0; i < verdict->add_rcpts->len; i++) {
		g_autofree char *rcpt = g_strdup_printf("<%s>", (const char *)g_ptr_array_index(verdict->add_rcpts, i));

		if (smfi_addrcpt(ctx, rcpt) != MI_SUCCESS) {
			edit_failed(session, "add a recipient");
			added = false;
		}
	}
	/* A recipient goes only once the one that takes its place is in, and never that one itself: no mail may lose its way. */
	for (guint i = 0; verdict->replace_rcpts && added && i < session->message->rcpts->len; i++) {
		const char *rcpt = g_ptr_array_index(session->message->rcpts, i);
		g_autofree char *bracketed = g_strdup_printf("<%s>", rcpt);

		if (config_support(session->engine->config, rcpt) != NULL && !is_added(verdict, rcpt) &&
		    smfi_delrcpt(ctx, bracketed) != MI_SUCCESS)
			edit_failed(session, "replace a recipient");
	}
}

static void apply(SMFICTX *ctx, const Session *session, const Verdict *verdict)
{
	insert_headers(ctx, session, verdict);
	if (verdict->subject != NULL) {
		g_autofree char *folded = header_fold(verdict->subject, strlen("Subject"));
		g_autofree char *value = g_strconcat(session->leading_space ? " " : "", folded, NULL);

		if (smfi_chgheader(ctx, (char *)"Subject", 1, value) != MI_SUCCESS)
			edit_failed(session, "change the subject");
	}
	if (session->can_rcpt)
		edit_recipients(ctx, session, verdict);
}

/* Decides by what context says, and claims what that wants. */
static Verdict *decide(const VerdictContext *context, const Session *session, ClaimAnswer *answer)
{
	Verdict *verdict = verdict_decide(context, session->message);

	*answer = CLAIM_AWAY;
	if (verdict->asks_spf)
		verdict_add_spf(verdict, context, service_spf(service, session->engine, verdict));
	if (verdict->claim != NULL)
		*answer = service_claim(service, session->engine, verdict);
	return verdict;
}

/* The incident changed in the milliseconds between the snapshot and the claim: what was decided is decided again by what holds now, or this
 * customer would be told neither of the outage nor of its end. Once: who flips faster than that is not followed. */
static void decide_again(Verdict **verdict, VerdictContext *context, Session *session, ClaimAnswer *answer)
{
	Snapshot *newer = service_newer_snapshot(service, session->engine, session->snapshot);

	if (newer == NULL)
		return;
	/* It points into the snapshot that it was made by. */
	g_clear_pointer(verdict, verdict_free);
	snapshot_unref(session->snapshot);
	session->snapshot = newer;
	make_context(context, session, context->accounts);
	*verdict = decide(context, session, answer);
}

static void inspect(SMFICTX *ctx, Session *session)
{
	g_autoptr(Accounts) accounts = service_accounts(service);
	g_autoptr(Verdict) verdict = NULL;
	gint64 start = clock_mono_us(), micros;
	ClaimAnswer answer;
	VerdictContext context;

	make_context(&context, session, accounts);
	verdict = decide(&context, session, &answer);
	if (verdict->claim != NULL && answer == CLAIM_ENDED)
		decide_again(&verdict, &context, session, &answer);
	if (verdict->claim != NULL && answer == CLAIM_ENDED)
		answer = service_hold_ended(service, session->engine, verdict);
	service_note_mail(service, verdict, answer);
	verdict_fold(verdict, &context, answer);
	if (session->can_edit)
		apply(ctx, session, verdict);
	micros = clock_mono_us() - start;
	service_count_mail(service, session->engine, session->message, verdict, micros);
	service_log_verdict(service, session->engine, session->message, verdict, micros);
	service_note_recent(service, session->engine, accounts, session->message, verdict);
}

/* What is learned from the mail besides what is decided on it. */
static void learn(const Session *session)
{
	if (session->snapshot != NULL && !session->inspects)
		service_note_quiet(service, session->engine, session->message, session->remembers);
	if (session->outbound)
		service_note_answer(service, session->engine, session->message);
	if (session->optout != NULL)
		service_note_optout(service, session->message, session->optout, session->optout_incident);
	if (session->bounced != NULL && !session->trusted)
		service_note_bounce(service, session->engine, session->message, session->bounced);
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
	Session *session = session_get(ctx);

	if (session == NULL || session->engine == NULL)
		return SMFIS_CONTINUE;
	watched_begin(deciding);
	g_free(session->message->queue_id);
	session->message->queue_id = g_strdup(smfi_getsymval(ctx, (char *)"i"));
	if (session->can_edit && !session->trusted)
		remove_forged(ctx, session);
	if (session->inspects)
		inspect(ctx, session);
	learn(session);
	session_forget_message(session);
	watched_end(deciding);
	return SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	Session *session = session_get(ctx);

	if (session != NULL)
		session_forget_message(session);
	return SMFIS_CONTINUE;
}

/* May run in libmilter's controller thread under its lock: frees memory and does nothing else (doc/library-traps.md 2). */
static sfsistat on_close(SMFICTX *ctx)
{
	Session *session = session_get(ctx);

	if (session != NULL) {
		(void)smfi_setpriv(ctx, NULL);
		session_free(session);
	}
	return SMFIS_CONTINUE;
}

static bool register_all(void)
{
	struct smfiDesc description = {
		.xxfi_name = (char *)"outage-milter",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = HEADER_EDITS | RCPT_EDITS,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_end_of_headers,
		.xxfi_body = on_body,
		.xxfi_eom = on_end_of_message,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};

	return smfi_register(description) == MI_SUCCESS;
}

bool callbacks_open(const Config *config, GError **error)
{
	mode_t before;
	int result;

	local_socket = listen_is_local(config);
	if (!listen_prepare(config, error))
		return false;
	if (!register_all() || smfi_setconn(config->socket) != MI_SUCCESS || smfi_setbacklog(BACKLOG) != MI_SUCCESS) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "libmilter did not take the socket \"%s\"", config->socket);
		return false;
	}
	before = umask(0777);
	result = smfi_opensocket(false);
	(void)umask(before);
	if (result != MI_SUCCESS) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "cannot listen on %s", config->socket);
		return false;
	}
	return listen_finish(config, error);
}

static GThread *server;
/* The program's first, which waits for signals. */
static pthread_t first_thread;

/* libmilter has a thread that waits for the same signals, and gets one that comes while the first thread is not just waiting: then it ends
 * by itself. Without it there is nothing left to wait for, so the first thread is told, and nobody else can be. */
static gpointer run(gpointer unused)
{
	bool ok = smfi_main() == MI_SUCCESS;
	bool stopping;

	(void)unused;
	g_mutex_lock(&in_flight.lock);
	stopping = in_flight.stopping;
	g_mutex_unlock(&in_flight.lock);
	if (!ok)
		log_error("libmilter has ended");
	if (!stopping)
		(void)pthread_kill(first_thread, SIGINT);
	return GINT_TO_POINTER(ok);
}

void callbacks_start(Service *of)
{
	service = of;
	deciding = watched_new("the deciding on messages", DECIDE_LIMIT);
	first_thread = pthread_self();
	server = g_thread_new("libmilter", run, NULL);
}

bool callbacks_stop(const Config *config, gint64 drain_ms)
{
	gint64 until = g_get_monotonic_time() + drain_ms * 1000;
	bool ok;

	g_mutex_lock(&in_flight.lock);
	in_flight.stopping = true;
	g_mutex_unlock(&in_flight.lock);
	(void)smfi_stop();
	listen_close(config);
	ok = g_thread_join(server) != NULL;
	/* libmilter's workers go on with the sessions they have. */
	g_mutex_lock(&in_flight.lock);
	while (in_flight.count > 0)
		if (!g_cond_wait_until(&in_flight.idle, &in_flight.lock, until)) {
			log_warning("%u message(s) were still in flight at the end", in_flight.count);
			break;
		}
	g_mutex_unlock(&in_flight.lock);
	/* The last callback has returned; its reply is written by libmilter, which does not say when. */
	g_usleep(REPLY_GRACE_US);
	return ok;
}
