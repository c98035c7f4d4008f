/* claimbench: how many acknowledgements a second one store takes from several nodes at the same time. Benchmarks only.
 *
 *     claimbench --url redis://127.0.0.1:PORT|sqlite:/PATH --secret FILE [options]         (--help lists them)
 *
 * Each node is a process with as many connections as a milter's pool has, and a thread for each, that claims through the store's own
 * interface for one sender after another who never wrote before, with jobs signed as the milter signs them. The incident `default` is
 * declared if nothing is on. The shipped caps are off unless --caps asks for them: they would refuse what is to be measured.
 *
 * With --plain each claim is SET NX and XADD of the same signed job instead, sent together and waited for: the least that a mark and
 * a job cost in any store on this Redis. With --end the jobs are taken and ended afterwards, as a replier does it.
 *
 * Prints one JSON object on one line: nodes, connections, claims (won), others (answered otherwise), seconds, rate (claims a second),
 * p50_us, p99_us, max_us (of one claim, in steps of 10 us, at most 100 ms) and, with --pid, server_us (CPU time of that process, a claim)
 * and server_share (of one core); with --end: ended, and end_us (CPU time of that process, a job). Exit status 1 where a claim failed. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* clock_getcpuclockid, MAP_ANONYMOUS */
#endif
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "base/log.h"
#include "base/secret.h"
#include "config/config.h"
#include "rawredis.h"
#include "store/store.h"

#define STEP_US 10
#define STEPS 10000
#define IDLE_MS 3600000

static struct {
	char *url, *secret, *prefix;
	int nodes, connections, count, first, pid;
	double seconds;
	gboolean plain, end, caps;
} options = { .nodes = 1, .connections = 4, .seconds = 2 };

/* What one thread did; in memory that all processes share. */
typedef struct {
	guint64 claims, others, failed;
	guint32 took[STEPS]; /* how many claims took that many steps */
} Tally;

static Config *config;
static Secret *secret;
static IncidentState incident;

/* One thread. */
typedef struct {
	Tally *tally;
	guint number;     /* over all nodes */
	Store *store;     /* or NULL: plain */
	int fd;           /* or -1 */
	gint64 until;     /* when to stop, unless --count says */
} Claimer;

static gint64 server_cpu_us(void)
{
	clockid_t id;
	struct timespec spent;

	if (options.pid <= 0 || clock_getcpuclockid(options.pid, &id) != 0 || clock_gettime(id, &spent) != 0)
		return -1;
	return (gint64)spent.tv_sec * G_USEC_PER_SEC + spent.tv_nsec / 1000;
}

/* The floor: mark and job, nothing else. */
static bool claim_plainly(const Claimer *claimer, const StoreClaim *claim, ClaimAnswer *answer, GError **error)
{
	g_autoptr(GString) commands = g_string_new(NULL);
	g_autofree char *mark = g_strconcat(config->store_prefix, "plain:", claim->hash, NULL);
	g_autofree char *acks = g_strconcat(config->store_prefix, "plain", NULL);

	raw_redis_append(commands, "SET", mark, claim->token, "NX", "EX", "86400", NULL);
	raw_redis_append(commands, "XADD", acks, "*", "payload", claim->payload, "mac", claim->mac, NULL);
	*answer = CLAIM_WON;
	return raw_redis_send(claimer->fd, commands, error) && raw_redis_take_lines(claimer->fd, 3, error);
}

/* The number-th sender of this thread; a domain has fifty, so that its cap is not what is measured. */
static bool claim_once(const Claimer *claimer, guint number, ClaimAnswer *answer, gint64 *took, GError **error)
{
	guint n = (guint)options.first + number * (guint)(options.nodes * options.connections) + claimer->number;
	g_autofree char *domain = g_strdup_printf("customer%u.example", n / 50);
	g_autofree char *sender = g_strdup_printf("user%u@%s", n, domain);
	g_autofree char *message_id = g_strdup_printf("<report-%u@%s>", n, domain);
	g_autofree char *queue_id = g_strdup_printf("4XyZ%08u", n);
	ClaimRequest request = {
		.incident = (char *)"default", .id = incident.id, .epoch = incident.epoch, .word = incident.word, .sender = sender, .to = sender,
		.support = (char *)"support@support.example", .language = (char *)"en", .subject = (char *)"Service down, 503 errors",
		.message_id = message_id, .queue_id = queue_id, .written_at = g_get_real_time() / G_USEC_PER_SEC,
	};
	g_autofree char *token = secret_random_hex(16);
	g_autofree char *hash = secret_address_hash(secret, sender);
	g_autofree char *mac = NULL;
	g_autofree char *payload = job_sign(secret, &request, token, &mac);
	StoreClaim claim = { .request = &request, .hash = hash, .token = token, .payload = payload, .mac = mac, .domain = domain,
		.domain_capped = config->ack_domain_cap > 0 };
	gint64 from = g_get_monotonic_time();
	bool ok = claimer->store != NULL ? store_claim(claimer->store, &claim, answer, error) :
	    claim_plainly(claimer, &claim, answer, error);

	*took = g_get_monotonic_time() - from;
	return ok;
}

static gpointer run_claimer(gpointer data)
{
	Claimer *claimer = data;
	Tally *tally = claimer->tally;

	for (guint i = 0; options.count > 0 ? i < (guint)options.count : g_get_monotonic_time() < claimer->until; i++) {
		g_autoptr(GError) error = NULL;
		ClaimAnswer answer = CLAIM_AWAY;
		gint64 took;

		if (!claim_once(claimer, i, &answer, &took, &error)) {
			fprintf(stderr, "claimbench: %s\n", error->message);
			tally->failed++;
			break;
		}
		tally->claims += answer == CLAIM_WON;
		tally->others += answer != CLAIM_WON;
		tally->took[MIN(took / STEP_US, STEPS - 1)]++;
	}
	return NULL;
}

static bool open_claimer(Claimer *claimer, GError **error)
{
	g_autofree char *node = g_strdup_printf("bench%u", claimer->number);

	claimer->fd = -1;
	if (options.plain)
		claimer->fd = raw_redis_connect(options.url, error);
	else
		claimer->store = store_open(config, node, error);
	return claimer->fd >= 0 || claimer->store != NULL;
}

/* A node's process: opens its connections, says so by one byte, waits for the start (the other end of go is closed), claims. */
static int run_node(guint node, Tally *tallies, int ready, int go)
{
	guint n = (guint)options.connections;
	g_autofree Claimer *claimers = g_new0(Claimer, n);
	g_autofree GThread **threads = g_new0(GThread *, n);
	char byte = 'r';

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (guint i = 0; i < n; i++) {
		g_autoptr(GError) error = NULL;

		claimers[i].number = node * n + i;
		claimers[i].tally = &tallies[claimers[i].number];
		if (!open_claimer(&claimers[i], &error)) {
			fprintf(stderr, "claimbench: %s\n", error->message);
			return 1;
		}
	}
	if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 0)
		return 1;
	for (guint i = 0; i < n; i++) {
		claimers[i].until = g_get_monotonic_time() + (gint64)(options.seconds * G_USEC_PER_SEC);
		threads[i] = g_thread_new("claimer", run_claimer, &claimers[i]);
	}
	for (guint i = 0; i < n; i++) {
		g_thread_join(threads[i]);
		g_clear_pointer(&claimers[i].store, store_close);
		if (claimers[i].fd >= 0)
			close(claimers[i].fd);
	}
	return 0;
}

/* Runs all nodes to their end. Returns how long that took in microseconds, -1 where one failed; *cpu: of the server meanwhile. */
static gint64 run_nodes(Tally *tallies, gint64 *cpu)
{
	int ready[2], go[2], bad = 0, status;
	char byte;

	if (pipe(ready) != 0 || pipe(go) != 0)
		return -1;
	for (int i = 0; i < options.nodes; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			close(ready[0]);
			close(go[1]);
			_exit(run_node((guint)i, tallies, ready[1], go[0]));
		}
		if (pid < 0)
			return -1;
	}
	close(ready[1]);
	close(go[0]);
	for (int i = 0; i < options.nodes; i++)
		bad += read(ready[0], &byte, 1) != 1;
	gint64 from = g_get_monotonic_time(), cpu_from = server_cpu_us();
	close(go[1]);
	for (int i = 0; i < options.nodes; i++)
		bad += wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	close(ready[0]);
	*cpu = cpu_from >= 0 ? server_cpu_us() - cpu_from : -1;
	return bad > 0 ? -1 : g_get_monotonic_time() - from;
}

/* Reads the incident that is on, declaring one where none is. */
static bool read_incident(GError **error)
{
	g_autoptr(Store) store = store_open(config, "claimbench", error);

	return store != NULL && store_set_word(store, "default", WORD_P1, NULL, "claimbench", &incident, error);
}

/* Takes and ends all jobs, as a replier does it after a letter has left. Returns how many, -1 with error. */
static gint64 end_jobs(GError **error)
{
	g_autoptr(Store) store = store_open(config, "claimbench", error);
	g_autoptr(StoredJob) stored = NULL;
	gint64 ended = 0;

	while (store != NULL && (stored = store_job_take(store, 0, IDLE_MS, error)) != NULL) {
		g_autoptr(Job) job = job_open(secret, stored, error);
		g_autofree char *hash = job != NULL ? secret_address_hash(secret, job->request->sender) : NULL;

		if (job == NULL || !store_job_done(store, stored, hash, error))
			return -1;
		g_clear_pointer(&stored, stored_job_free);
		ended++;
	}
	return store == NULL || (error != NULL && *error != NULL) ? -1 : ended;
}

/* Sums all tallies up into the first. */
static void sum_up(Tally *tallies)
{
	for (int i = 1; i < options.nodes * options.connections; i++) {
		tallies[0].claims += tallies[i].claims;
		tallies[0].others += tallies[i].others;
		tallies[0].failed += tallies[i].failed;
		for (guint step = 0; step < STEPS; step++)
			tallies[0].took[step] += tallies[i].took[step];
	}
}

/* The time that this part of all claims stayed below, in microseconds. */
static guint quantile(const Tally *tally, double part)
{
	guint64 wanted = MAX((guint64)(part * (double)(tally->claims + tally->others)), 1), seen = 0;
	guint step = 0;

	while (step < STEPS - 1 && (seen += tally->took[step]) < wanted)
		step++;
	return (step + 1) * STEP_US;
}

static void print_result(const Tally *tally, gint64 took, gint64 cpu)
{
	double seconds = (double)took / G_USEC_PER_SEC, claims = (double)MAX(tally->claims, 1);

	printf("{\"nodes\": %d, \"connections\": %d, \"claims\": %" G_GUINT64_FORMAT ", \"others\": %" G_GUINT64_FORMAT
	    ", \"seconds\": %.3f, \"rate\": %.1f, \"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u", options.nodes, options.connections,
	    tally->claims, tally->others, seconds, (double)tally->claims / seconds, quantile(tally, 0.5), quantile(tally, 0.99),
	    quantile(tally, 1.0));
	if (cpu >= 0)
		printf(", \"server_us\": %.1f, \"server_share\": %.3f", (double)cpu / claims, (double)cpu / (double)MAX(took, 1));
}

static bool read_options(int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
		{ "url", 'u', 0, G_OPTION_ARG_STRING, &options.url, "the store", "URL" },
		{ "prefix", 'x', 0, G_OPTION_ARG_STRING, &options.prefix, "of its keys (outage:)", "TEXT" },
		{ "secret", 's', 0, G_OPTION_ARG_FILENAME, &options.secret, "the site secret; made where there is none", "FILE" },
		{ "nodes", 'n', 0, G_OPTION_ARG_INT, &options.nodes, "processes (1)", "N" },
		{ "connections", 'c', 0, G_OPTION_ARG_INT, &options.connections, "of each (4)", "N" },
		{ "seconds", 't', 0, G_OPTION_ARG_DOUBLE, &options.seconds, "to claim for (2)", "N" },
		{ "count", 'k', 0, G_OPTION_ARG_INT, &options.count, "claims of each connection, however long that takes", "N" },
		{ "first", 'f', 0, G_OPTION_ARG_INT, &options.first, "number of the first sender (0)", "N" },
		{ "pid", 'p', 0, G_OPTION_ARG_INT, &options.pid, "of the server, whose CPU time is reported", "PID" },
		{ "plain", 0, 0, G_OPTION_ARG_NONE, &options.plain, "SET NX and XADD alone (Redis)", NULL },
		{ "caps", 0, 0, G_OPTION_ARG_NONE, &options.caps, "leave the shipped caps on", NULL },
		{ "end", 0, 0, G_OPTION_ARG_NONE, &options.end, "take and end the jobs afterwards", NULL },
		G_OPTION_ENTRY_NULL
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return false;
	if (options.url == NULL || options.secret == NULL || options.nodes < 1 || options.connections < 1 || *argc != 1) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "see --help");
		return false;
	}
	return true;
}

static void configure(void)
{
	config = config_defaults();
	g_free(config->store_url);
	config->store_url = g_strdup(options.url);
	if (options.prefix != NULL) {
		g_free(config->store_prefix);
		config->store_prefix = g_strdup(options.prefix);
	}
	config->store_timeout = 10000; /* a claim that waits in a queue of claims has not failed */
	if (!options.caps)
		config->ack_site_cap = config->ack_queue_limit = 0;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	gint64 took, cpu, ended = 0, end_cpu = 0;

	if (!read_options(&argc, &argv, &error)) {
		fprintf(stderr, "claimbench: %s\n", error->message);
		return 2;
	}
	log_open("claimbench", LOG_TO_STDERR, LOG_LEVEL_WARNING);
	configure();
	secret = secret_load(options.secret, true, &error);
	if (secret == NULL || !read_incident(&error)) {
		fprintf(stderr, "claimbench: %s\n", error->message);
		return 1;
	}
	gsize size = (gsize)(options.nodes * options.connections) * sizeof(Tally);
	Tally *tallies = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tallies == MAP_FAILED || (took = run_nodes(tallies, &cpu)) < 0) {
		fprintf(stderr, "claimbench: the nodes did not run to their end\n");
		return 1;
	}
	sum_up(tallies);
	if (options.end) {
		end_cpu = server_cpu_us();
		ended = end_jobs(&error);
		end_cpu = server_cpu_us() - end_cpu;
	}
	if (ended < 0) {
		fprintf(stderr, "claimbench: %s\n", error->message);
		return 1;
	}
	print_result(tallies, took, cpu);
	if (options.end)
		printf(", \"ended\": %" G_GINT64_FORMAT ", \"end_us\": %.1f", ended, (double)end_cpu / (double)MAX(ended, 1));
	printf("}\n");
	bool ok = tallies->failed == 0;
	munmap(tallies, size);
	incident_state_clear(&incident);
	secret_free(secret);
	config_unref(config);
	return ok ? 0 : 1;
}
