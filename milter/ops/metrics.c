/* metrics: the text format, and the small HTTP server that hands it out (see metrics.h). Layer: ops.
 *
 * libmicrohttpd works in one thread of its own with few connections, little memory for each and a time limit. Who holds connections open
 * keeps nobody out: the oldest goes where a new one comes. Nothing of the mail's way waits for this thread.
 *
 * The format (https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4):
 *
 *     page    = *family
 *     family  = "# HELP " NAME " " help LF "# TYPE " NAME " " ("counter" / "gauge" / "histogram") LF *sample
 *     sample  = NAME ["{" label *("," label) "}"] " " VALUE LF
 *     label   = LABEL '="' value '"'
 *     help    : \ and LF as \\ and \n          value : the same, and " as \" */
#include "ops/metrics.h"

#include <gio/gio.h>
#include <math.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

#define PREFIX "outage_"
#define CONNECTIONS_MAX 32
/* Above so many the oldest is cut, so that there is always room for one more. */
#define CONNECTIONS_KEPT (CONNECTIONS_MAX - 4)
/* Of silence on a connection. */
#define TIMEOUT_SECONDS 5u
#define MEMORY_MAX ((size_t)16 * 1024)

struct MetricsPage {
	GString *text;
	char *name;           /* of the family begun last */
};

struct Metrics {
	struct MHD_Daemon *daemon;
	MetricsSource source;
	GQueue open;          /* descriptors of the connections, the oldest first; only the server's thread looks */
};

/* --- the text --- */

static void append_escaped(GString *out, const char *text, bool quoted)
{
	g_autofree char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);

	for (const char *p = valid; *p != '\0'; p++) {
		if (*p == '\n')
			g_string_append(out, "\\n");
		else if (*p == '\\' || (quoted && *p == '"'))
			g_string_append_printf(out, "\\%c", *p);
		else
			g_string_append_c(out, *p);
	}
}

static void append_value(GString *out, double value)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];

	if (isnan(value))
		g_string_append(out, "NaN");
	else if (isinf(value))
		g_string_append(out, value > 0 ? "+Inf" : "-Inf");
	else if (fabs(value) < 1e15 && value == floor(value))
		g_string_append_printf(out, "%" G_GINT64_FORMAT, (gint64)value);
	else
		g_string_append(out, g_ascii_formatd(number, sizeof number, "%.10g", value));
}

void metrics_family(MetricsPage *page, const char *name, MetricType type, const char *help)
{
	static const char *const types[] = { [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram" };

	g_free(page->name);
	page->name = g_strconcat(PREFIX, name, NULL);
	g_string_append_printf(page->text, "# HELP %s ", page->name);
	append_escaped(page->text, help, false);
	g_string_append_printf(page->text, "\n# TYPE %s %s\n", page->name, types[type]);
}

void metrics_sample(MetricsPage *page, double value, ...)
{
	const char *label;
	bool any = false;
	va_list args;

	g_string_append(page->text, page->name);
	va_start(args, value);
	while ((label = va_arg(args, const char *)) != NULL) {
		g_string_append_printf(page->text, "%s%s=\"", any ? "," : "{", label);
		append_escaped(page->text, va_arg(args, const char *), true);
		g_string_append_c(page->text, '"');
		any = true;
	}
	va_end(args);
	g_string_append(page->text, any ? "} " : " ");
	append_value(page->text, value);
	g_string_append_c(page->text, '\n');
}

void metrics_single(MetricsPage *page, const char *name, MetricType type, double value, const char *help)
{
	metrics_family(page, name, type, help);
	metrics_sample(page, value, NULL);
}

void metrics_buckets(MetricsPage *page, const double *bounds, const guint64 *counts, guint n, double sum)
{
	guint64 below = 0;

	for (guint i = 0; i <= n; i++) {
		below += counts[i];
		g_string_append_printf(page->text, "%s_bucket{le=\"", page->name);
		append_value(page->text, i < n ? bounds[i] : (double)INFINITY);
		g_string_append_printf(page->text, "\"} %" G_GUINT64_FORMAT "\n", below);
	}
	g_string_append_printf(page->text, "%s_sum ", page->name);
	append_value(page->text, sum);
	g_string_append_printf(page->text, "\n%s_count %" G_GUINT64_FORMAT "\n", page->name, below);
}

char *metrics_render(const MetricsSource *source)
{
	MetricsPage page = { .text = g_string_new(NULL) };

	source->describe(&page, source->data);
	g_free(page.name);
	return g_string_free(page.text, FALSE);
}

/* Returns what /healthz says; caller frees. */
static char *render_health(const MetricsSource *source, bool *healthy)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	GString *text = g_string_new(NULL);

	source->wrong(lines, source->data);
	*healthy = lines->len == 0;
	for (guint i = 0; i < lines->len; i++) {
		g_autofree char *safe = log_escape(g_ptr_array_index(lines, i), 0);

		g_string_append_printf(text, "%s\n", safe);
	}
	return g_string_free(*healthy ? g_string_append(text, "ok\n") : text, FALSE);
}

/* --- the server --- */

/* Takes text over. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status, const char *type, char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (response == NULL) {
		free(text);
		return MHD_NO;
	}
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

#define PLAIN "text/plain; charset=utf-8"

/* libmicrohttpd calls this once the headers are there; it is answered then, whatever else comes. */
static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_size, void **state)
{
	const Metrics *metrics = data;
	bool healthy;
	char *text;

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)state;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, PLAIN, g_strdup("GET and HEAD only\n"));
	if (strcmp(url, "/metrics") == 0)
		return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", metrics_render(&metrics->source));
	if (strcmp(url, "/healthz") == 0) {
		text = render_health(&metrics->source, &healthy);
		return answer(connection, healthy ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, PLAIN, text);
	}
	return answer(connection, MHD_HTTP_NOT_FOUND, PLAIN, g_strdup("there are /metrics and /healthz\n"));
}

/* Keeps the list of open connections, in the server's thread. The oldest is shut down, not closed: its end is the library's to see. */
static void on_connection(void *data, struct MHD_Connection *connection, void **state, enum MHD_ConnectionNotificationCode what)
{
	Metrics *metrics = data;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	(void)state;
	if (info == NULL)
		return;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		(void)g_queue_remove(&metrics->open, GINT_TO_POINTER(info->connect_fd));
		return;
	}
	if (g_queue_get_length(&metrics->open) >= CONNECTIONS_KEPT)
		(void)shutdown(GPOINTER_TO_INT(g_queue_pop_head(&metrics->open)), SHUT_RDWR);
	g_queue_push_tail(&metrics->open, GINT_TO_POINTER(info->connect_fd));
}

/* What strangers did wrong is no news. */
static void on_library_log(void *data, const char *format, va_list args)
{
	g_autofree char *text = NULL;

	(void)data;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	text = g_strdup_vprintf(format, args);
#pragma GCC diagnostic pop
	log_debug("metrics: %s", g_strchomp(text));
}

/* Returns a socket that listens, or -1 with error. where: "IP:PORT" or "[IP6]:PORT". */
static int listen_on(const char *where, GError **error)
{
	const char *colon = strrchr(where, ':');
	g_autofree char *host = colon != NULL ? g_strndup(where, (gsize)(colon - where)) : NULL;
	gsize length = host != NULL ? strlen(host) : 0;
	g_autoptr(GSocketAddress) address = NULL;
	g_autoptr(GSocket) listener = NULL;
	guint64 port = 0;

	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		memmove(host, host + 1, length - 2);
		host[length - 2] = '\0';
	}
	if (host == NULL || !g_ascii_string_to_unsigned(colon + 1, 10, 0, 65535, &port, NULL) ||
	    (address = g_inet_socket_address_new_from_string(host, (guint)port)) == NULL) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "\"%s\" is not IP:PORT", where);
		return -1;
	}
	listener = g_socket_new(g_socket_address_get_family(address), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
	if (listener == NULL || !g_socket_bind(listener, address, TRUE, error) || !g_socket_listen(listener, error))
		return -1;
	return dup(g_socket_get_fd(listener));
}

Metrics *metrics_start(const char *where, const MetricsSource *source, GError **error)
{
	g_autoptr(GError) why = NULL;
	Metrics *metrics;
	int listener;

	if (*where == '\0')
		return NULL;
	listener = listen_on(where, &why);
	if (listener < 0) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "%s: %s", where, why != NULL ? why->message : g_strerror(errno));
		return NULL;
	}
	metrics = g_new0(Metrics, 1);
	metrics->source = *source;
	g_queue_init(&metrics->open);
	metrics->daemon = MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, metrics,
	    MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL, MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned int)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY_MAX,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, metrics, MHD_OPTION_END);
	if (metrics->daemon == NULL) {
		(void)close(listener);
		g_free(metrics);
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "%s: the HTTP server did not start", where);
		return NULL;
	}
	return metrics;
}

void metrics_stop(Metrics *metrics)
{
	if (metrics == NULL)
		return;
	MHD_stop_daemon(metrics->daemon);
	g_queue_clear(&metrics->open);
	g_free(metrics);
}

guint metrics_port(const Metrics *metrics)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(metrics->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info != NULL ? info->port : 0;
}
