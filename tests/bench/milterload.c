/* milterload: plays the MTA's side of the milter protocol (version 6) against a milter, in a closed loop, and measures it.
 * Tests and benchmarks only.
 *
 *     milterload --socket unix:/path|inet:port@host [options]         (--help lists them)
 *
 * Each of N connections is kept busy with one message after another; with --rate, messages begin at fixed times, as far as
 * connections are free. What the milter asked for when it negotiated is honoured: steps it does not want are left out, steps it does
 * not answer are not waited for (they travel together with the next step that it does answer, as from an MTA), and the body ends
 * early where it says SKIP.
 *
 * Prints one JSON object on one line: messages, failed, seconds, rate (messages a second), p50_us, p99_us and max_us (from
 * MAIL to the last reply, or from connect() for the first message of a connection), headers (inserted, a message),
 * body_bytes (sent, a message), queued (of the messages, those with X-Outage-Ack: queued) and, with --pid, cpu_us (CPU time of
 * that process, a message). Of the end of the message alone, from its command to the last reply: eom_p50_us, eom_p99_us,
 * eom_max_us; eom_first_us, the slowest of the first N measured, which may all be under way at the same time; and
 * rest_p50_us, rest_p99_us, rest_max_us of those that follow. Exit status 1 if any message failed, 2 for wrong usage.
 *
 * What is sent: milterload-packets.c. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* clock_getcpuclockid */
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "milterload-private.h"
#include "quantiles.h"

#define REPLY_MAX (1u << 20)

Options options = { .connections = 1, .messages = 2000, .warmup = -1, .size = 4096, .senders = 1000000, .timeout = 30 };
Run run;

/* CPU time of the measured process, all its threads, also those that ended; microseconds, -1 = not to be had. */
static gint64 cpu_us(void)
{
	clockid_t id;
	struct timespec spent;
	if (options.pid <= 0 || clock_getcpuclockid(options.pid, &id) != 0 || clock_gettime(id, &spent) != 0)
		return -1;
	return (gint64)spent.tv_sec * G_USEC_PER_SEC + spent.tv_nsec / 1000;
}

/* ---- messages ---- */

static char *make_body(bool outage, gsize size)
{
	static const char *const ordinary[] = {
		"Could you tell me where I find the invoices of the last quarter?\r\n",
		"Our new colleague starts on Monday and needs a seat in our team.\r\n",
		"We would like to order twelve more licences of the small kind.\r\n",
		"The colour of the third chart in the report is hard to read.\r\n",
		"Thank you for the quick help of last week, it saved our day.\r\n",
		"Is there a way to sort the list by the date of the last change?\r\n",
	};
	GString *body = g_string_new("Hello,\r\n\r\n");
	if (outage)
		g_string_append(body, "your service is down since this morning: the site does not load at all, every request\r\n"
		    "ends with error 503 Service Unavailable, and nobody here can log in. Is there an outage?\r\n\r\n");
	for (guint i = 0; body->len + 80 < size; i++)
		g_string_append(body, ordinary[i % G_N_ELEMENTS(ordinary)]);
	g_string_append(body, "\r\nKind regards,\r\nAlex\r\n");
	return g_string_free(body, FALSE);
}

static void header_clear(gpointer data)
{
	g_free(((Header *)data)->value);
}

G_GNUC_PRINTF(3, 4) static void add_header(Connection *c, const char *name, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	Header header = { name, g_strdup_vprintf(format, args) };
	va_end(args);
	g_array_append_val(c->headers, header);
}

int sender_number(const Connection *c)
{
	return (options.first + c->number) % options.senders;
}

static void make_message(Connection *c)
{
	int sender = sender_number(c);
	c->outage = c->number % 100 < options.outage_percent;
	g_array_set_size(c->headers, 0);
	if (options.authserv != NULL)
		add_header(c, "Authentication-Results", "%s; spf=pass smtp.mailfrom=user%d@%s", options.authserv, sender,
		    options.domain);
	add_header(c, "Received", "from client.%s (client.%s [192.0.2.25])\n\tby mx.example (Postfix) with ESMTPS id 4XyZ%07d\n"
	    "\tfor <%s>; Sat, 21 Nov 2026 15:10:00 +0000 (UTC)", options.domain, options.domain, c->number, options.rcpt);
	add_header(c, "From", "User %d <user%d@%s>", sender, sender, options.domain);
	add_header(c, "To", "<%s>", options.rcpt);
	add_header(c, "Subject", "%s", c->outage ? "Service down, 503 errors" : "A question about our account");
	add_header(c, "Date", "Sat, 21 Nov 2026 15:10:00 +0000");
	add_header(c, "Message-ID", "<load-%d-%d@%s>", options.first, c->number, options.domain);
	add_header(c, "MIME-Version", "1.0");
	add_header(c, "Content-Type", "text/plain; charset=utf-8");
	add_header(c, "Content-Transfer-Encoding", "7bit");
	add_header(c, "User-Agent", "milterload");
}

/* ---- connections ---- */

static int open_socket(void)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct sockaddr_in inet = { .sin_family = AF_INET };
	bool is_unix = g_str_has_prefix(options.socket, "unix:");

	if (is_unix)
		g_strlcpy(local.sun_path, options.socket + strlen("unix:"), sizeof local.sun_path);
	else {
		const char *at = strchr(options.socket, '@');
		inet.sin_port = htons((guint16)g_ascii_strtoull(options.socket + strlen("inet:"), NULL, 10));
		if (at == NULL || inet_pton(AF_INET, at + 1, &inet.sin_addr) != 1)
			g_error("%s: inet:PORT@ADDRESS is wanted", options.socket);
	}
	int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int done = is_unix ? connect(fd, (struct sockaddr *)&local, sizeof local) :
	    connect(fd, (struct sockaddr *)&inet, sizeof inet);
	if (fd < 0 || done < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		g_error("%s: %s", options.socket, g_strerror(errno));
	return fd;
}

/* When the next message may begin; 0 = at once. */
static gint64 next_due(void)
{
	return options.rate > 0 ? run.from + (gint64)run.started * G_USEC_PER_SEC / options.rate : 0;
}

/* Begins the next message, or rests until it is due; where none is left the connection ends. */
static void next_message(Connection *c)
{
	bool fresh = c->fd < 0;
	c->resting = false;
	if (run.started == options.warmup + options.messages || run.failed > 100) {
		if (!fresh) {
			put_packet(c, SMFIC_QUIT, NULL, 0);
			if (write(c->fd, c->out->data, c->out->len) < 0)
				run.failed++;
			close(c->fd);
			c->fd = -1;
		}
		return;
	}
	c->resting = next_due() > now_us();
	if (c->resting)
		return;
	c->number = run.started++;
	c->started = now_us();
	c->ended = 0;
	c->queued = false;
	c->header = 0;
	c->body_at = 0;
	make_message(c);
	if (!fresh) {
		c->step = STEP_MAIL;
		advance(c);
		return;
	}
	c->fd = open_socket();
	c->negotiated = false;
	c->on_connection = 0;
	g_byte_array_set_size(c->in, 0);
	g_byte_array_set_size(c->out, 0);
	c->written = 0;
	put_negotiation(c);
}

static void message_failed(Connection *c, const char *why)
{
	fprintf(stderr, "milterload: message %d: %s\n", c->number, why);
	run.failed++;
	close(c->fd);
	c->fd = -1;
	next_message(c);
}

static void begin_measuring(void)
{
	run.measure_from = now_us();
	run.cpu_from = cpu_us();
	run.headers = run.body_bytes = 0;
}

static void message_done(Connection *c)
{
	gint64 took = now_us() - c->started;
	gint64 end_took = now_us() - c->ended;
	run.done++;
	c->on_connection++;
	if (run.done > options.warmup) {
		g_array_append_val(run.latencies, took);
		run.queued += c->queued;
	}
	if (c->ended > 0 && c->number >= options.warmup) {
		bool first = c->number < options.warmup + options.connections;
		g_array_append_val(first ? run.first_ends : run.other_ends, end_took);
	}
	if (run.done == options.warmup)
		begin_measuring();
	if (options.per_connection > 0 && c->on_connection == options.per_connection) {
		put_packet(c, SMFIC_QUIT, NULL, 0);
		if (write(c->fd, c->out->data, c->out->len) < 0)
			run.failed++;
		close(c->fd);
		c->fd = -1;
	}
	next_message(c);
}

/* ---- replies ---- */

static void on_negotiated(Connection *c, const guint8 *data, gsize size)
{
	guint32 words[3];
	if (size < sizeof words) {
		message_failed(c, "negotiation too short");
		return;
	}
	memcpy(words, data, sizeof words);
	c->flags = ntohl(words[2]);
	c->negotiated = true;
	c->step = STEP_CONNECT;
	advance(c);
}

static void on_continue(Connection *c)
{
	if (c->step == STEP_EOM) {
		message_done(c);
		return;
	}
	bool more = (c->step == STEP_HEADER && c->header < c->headers->len) ||
	    (c->step == STEP_BODY && c->body_at < (c->outage ? run.outage_size : run.plain_size));
	if (!more)
		c->step++;
	advance(c);
}

/* An inserted header: its place (4 bytes), name, NUL, value, NUL. */
static void on_header(Connection *c, const guint8 *data, gsize size)
{
	static const char ack[] = "X-Outage-Ack";
	const char *name = (const char *)data + 4, *value = name + sizeof ack;

	run.headers++;
	if (size < 4 + sizeof ack + 1 || data[size - 1] != '\0' || memcmp(name, ack, sizeof ack) != 0)
		return;
	c->queued = strcmp(value + strspn(value, " "), "queued") == 0;
}

static void on_reply(Connection *c, char code, const guint8 *data, gsize size)
{
	switch (code) {
	case SMFIC_OPTNEG:
		on_negotiated(c, data, size);
		break;
	case SMFIR_CONTINUE:
		on_continue(c);
		break;
	case SMFIR_SKIP:
		c->step = STEP_EOM;
		advance(c);
		break;
	case SMFIR_ACCEPT:
		if (c->step < STEP_MAIL)
			message_failed(c, "the whole session was accepted: nothing left to measure");
		else
			message_done(c);
		break;
	case SMFIR_INSHEADER:
		on_header(c, data, size);
		break;
	case SMFIR_ADDHEADER:
		run.headers++;
		break;
	case SMFIR_PROGRESS:
	case SMFIR_CHGHEADER:
	case SMFIR_ADDRCPT:
	case SMFIR_DELRCPT:
	case SMFIR_REPLBODY:
	case SMFIR_CHGFROM:
	case SMFIR_ADDRCPT_PAR:
	case SMFIR_QUARANTINE:
		break;
	default: {
		g_autofree char *why = g_strdup_printf("reply '%c' at step %d", g_ascii_isprint(code) ? code : '?', (int)c->step);
		message_failed(c, why);
	}
	}
}

/* Acts on every whole packet that has come in; one of them may replace the connection. */
static void read_packets(Connection *c)
{
	while (c->fd >= 0 && c->in->len >= 5) {
		guint32 length;
		memcpy(&length, c->in->data, sizeof length);
		length = ntohl(length);
		if (length == 0 || length > REPLY_MAX) {
			message_failed(c, "a packet of impossible length");
			return;
		}
		if (c->in->len < 4 + length)
			return;
		g_autofree guint8 *packet = g_memdup2(c->in->data + 4, length);
		g_byte_array_remove_range(c->in, 0, 4 + length);
		on_reply(c, (char)packet[0], packet + 1, length - 1);
	}
}

static void on_readable(Connection *c)
{
	guint8 buffer[16384];
	ssize_t n = read(c->fd, buffer, sizeof buffer);
	if (n > 0) {
		g_byte_array_append(c->in, buffer, (guint)n);
		read_packets(c);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		message_failed(c, n == 0 ? "the milter closed the connection" : g_strerror(errno));
}

static void flush(Connection *c)
{
	while (c->fd >= 0 && c->written < c->out->len) {
		ssize_t n = send(c->fd, c->out->data + c->written, c->out->len - c->written, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			message_failed(c, g_strerror(errno));
			return;
		}
		c->written += (gsize)n;
	}
	g_byte_array_set_size(c->out, 0);
	c->written = 0;
}

/* Wakes connections whose next message is due. Returns for how long none will be, in milliseconds. */
static int wake_rested(Connection *connections)
{
	gint64 left = (gint64)options.timeout * 1000;

	for (int i = 0; i < options.connections; i++) {
		if (connections[i].resting)
			next_message(&connections[i]);
		if (connections[i].resting)
			left = MIN(left, MAX(next_due() - now_us(), 0) / 1000 + 1);
	}
	return (int)left;
}

static bool any_resting(const Connection *connections)
{
	for (int i = 0; i < options.connections; i++)
		if (connections[i].resting)
			return true;
	return false;
}

static void run_load(Connection *connections)
{
	g_autofree struct pollfd *polled = g_new0(struct pollfd, (gsize)options.connections);
	g_autofree int *owner = g_new0(int, (gsize)options.connections);

	run.from = now_us();
	if (options.warmup == 0)
		begin_measuring();
	for (int i = 0; i < options.connections; i++)
		next_message(&connections[i]);
	for (;;) {
		nfds_t n = 0;
		int wait_ms = wake_rested(connections);
		for (int i = 0; i < options.connections; i++) {
			flush(&connections[i]);
			if (connections[i].fd < 0 || connections[i].resting)
				continue;
			owner[n] = i;
			polled[n++] = (struct pollfd){ .fd = connections[i].fd,
				.events = (short)(POLLIN | (connections[i].out->len > 0 ? POLLOUT : 0)) };
		}
		bool resting = any_resting(connections);
		if (n == 0 && !resting)
			return;
		if (poll(polled, n, wait_ms) == 0 && !resting)
			g_error("no reply within %d seconds", options.timeout);
		for (nfds_t i = 0; i < n; i++)
			if (polled[i].revents & (POLLIN | POLLHUP | POLLERR))
				on_readable(&connections[owner[i]]);
	}
}

/* ---- result ---- */

static void print_ends(void)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(gint64));

	g_array_append_vals(all, run.first_ends->data, run.first_ends->len);
	g_array_append_vals(all, run.other_ends->data, run.other_ends->len);
	print_quantiles("eom_", all);
	g_array_sort(run.first_ends, compare_times);
	printf(", \"eom_first_us\": %" G_GINT64_FORMAT, quantile(run.first_ends, 1.0));
	print_quantiles("rest_", run.other_ends);
}

static void print_result(void)
{
	gint64 cpu = cpu_us();
	double seconds = (double)(now_us() - run.measure_from) / G_USEC_PER_SEC;
	double count = MAX(run.latencies->len, 1u);

	printf("{\"label\": \"%s\", \"messages\": %u, \"failed\": %d, \"seconds\": %.3f, \"rate\": %.1f, \"headers\": %.2f, "
	    "\"body_bytes\": %.0f, \"queued\": %" G_GUINT64_FORMAT, options.label, run.latencies->len, run.failed, seconds,
	    count / seconds, (double)run.headers / count, (double)run.body_bytes / count, run.queued);
	print_quantiles("", run.latencies);
	print_ends();
	if (cpu >= 0 && run.cpu_from >= 0)
		printf(", \"cpu_us\": %.1f", (double)(cpu - run.cpu_from) / count);
	printf("}\n");
}

static bool read_options(int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
		{ "socket", 's', 0, G_OPTION_ARG_STRING, &options.socket, "the milter's socket", "unix:/path|inet:port@host" },
		{ "connections", 'c', 0, G_OPTION_ARG_INT, &options.connections, "at the same time (1)", "N" },
		{ "messages", 'n', 0, G_OPTION_ARG_INT, &options.messages, "measured (2000)", "N" },
		{ "warmup", 'w', 0, G_OPTION_ARG_INT, &options.warmup, "before the clock starts (10 a connection)", "N" },
		{ "rate", 'R', 0, G_OPTION_ARG_INT, &options.rate, "begun a second (0: as fast as they are answered)", "N" },
		{ "size", 'l', 0, G_OPTION_ARG_INT, &options.size, "of a body, about (4096)", "BYTES" },
		{ "outage", 'x', 0, G_OPTION_ARG_INT, &options.outage_percent, "of the messages report an outage (0)", "PERCENT" },
		{ "senders", 'u', 0, G_OPTION_ARG_INT, &options.senders, "distinct ones (1000000)", "N" },
		{ "first", 'f', 0, G_OPTION_ARG_INT, &options.first, "number of the first sender (0)", "N" },
		{ "rcpt", 'r', 0, G_OPTION_ARG_STRING, &options.rcpt, "recipient (support@support.example)", "ADDRESS" },
		{ "domain", 'd', 0, G_OPTION_ARG_STRING, &options.domain, "of the senders (customer.example)", "DOMAIN" },
		{ "authres", 'a', 0, G_OPTION_ARG_STRING, &options.authserv, "add Authentication-Results of ID: spf=pass", "ID" },
		{ "per-connection", 'k', 0, G_OPTION_ARG_INT, &options.per_connection, "messages, then a new one (0: all)", "N" },
		{ "timeout", 't', 0, G_OPTION_ARG_INT, &options.timeout, "give up waiting (30)", "SECONDS" },
		{ "pid", 'p', 0, G_OPTION_ARG_INT, &options.pid, "process whose CPU time is reported", "PID" },
		{ "label", 'j', 0, G_OPTION_ARG_STRING, &options.label, "put into the result", "TEXT" },
		G_OPTION_ENTRY_NULL
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return false;
	if (options.socket == NULL || options.connections < 1 || options.messages < 1 || options.senders < 1 || *argc != 1) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "see --help");
		return false;
	}
	options.rcpt = options.rcpt != NULL ? options.rcpt : g_strdup("support@support.example");
	options.domain = options.domain != NULL ? options.domain : g_strdup("customer.example");
	options.label = options.label != NULL ? options.label : g_strdup("");
	if (options.warmup < 0)
		options.warmup = 10 * options.connections;
	return true;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	if (!read_options(&argc, &argv, &error)) {
		fprintf(stderr, "milterload: %s\n", error->message);
		return 2;
	}
	run.plain_body = make_body(false, (gsize)options.size);
	run.outage_body = make_body(true, (gsize)options.size);
	run.plain_size = strlen(run.plain_body);
	run.outage_size = strlen(run.outage_body);
	run.latencies = g_array_new(FALSE, FALSE, sizeof(gint64));
	run.first_ends = g_array_new(FALSE, FALSE, sizeof(gint64));
	run.other_ends = g_array_new(FALSE, FALSE, sizeof(gint64));
	Connection *connections = g_new0(Connection, (gsize)options.connections);
	for (int i = 0; i < options.connections; i++) {
		connections[i].fd = -1;
		connections[i].in = g_byte_array_new();
		connections[i].out = g_byte_array_new();
		connections[i].headers = g_array_new(FALSE, TRUE, sizeof(Header));
		g_array_set_clear_func(connections[i].headers, header_clear);
	}
	run_load(connections);
	print_result();
	for (int i = 0; i < options.connections; i++) {
		g_byte_array_unref(connections[i].in);
		g_byte_array_unref(connections[i].out);
		g_array_unref(connections[i].headers);
	}
	g_free(connections);
	g_array_unref(run.latencies);
	g_array_unref(run.first_ends);
	g_array_unref(run.other_ends);
	g_free(run.plain_body);
	g_free(run.outage_body);
	return run.failed > 0 ? 1 : 0;
}
