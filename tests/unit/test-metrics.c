/* test-metrics: the text that Prometheus reads, and the small server that hands it out to anybody who can connect. */
#include "ops/metrics.h"

#include <gio/gio.h>
#include <math.h>
#include <string.h>

#include "ops/times.h"

/* --- the text --- */

static void describe_awkward(MetricsPage *page, gpointer data)
{
	(void)data;
	metrics_family(page, "things_total", METRIC_COUNTER, "Back\\slash, line\nend, \"quotes\".");
	metrics_sample(page, 3, "name", "a\"b\\c\nd", "other", "", NULL);
	metrics_sample(page, 0.25, "name", "bytes \xff that are no UTF-8", NULL);
	metrics_family(page, "empty_seconds", METRIC_GAUGE, "None.");
	metrics_single(page, "big", METRIC_GAUGE, 1763810736.0, "Whole.");
	metrics_single(page, "nothing", METRIC_GAUGE, NAN, "Not a number.");
	metrics_single(page, "infinite", METRIC_GAUGE, -INFINITY, "Endless.");
}

static void test_text(void)
{
	const MetricsSource source = { .describe = describe_awkward };
	g_autofree char *text = metrics_render(&source);

	g_assert_cmpstr(text, ==,
	    "# HELP outage_things_total Back\\\\slash, line\\nend, \"quotes\".\n"
	    "# TYPE outage_things_total counter\n"
	    "outage_things_total{name=\"a\\\"b\\\\c\\nd\",other=\"\"} 3\n"
	    "outage_things_total{name=\"bytes \xef\xbf\xbd that are no UTF-8\"} 0.25\n"
	    "# HELP outage_empty_seconds None.\n"
	    "# TYPE outage_empty_seconds gauge\n"
	    "# HELP outage_big Whole.\n# TYPE outage_big gauge\noutage_big 1763810736\n"
	    "# HELP outage_nothing Not a number.\n# TYPE outage_nothing gauge\noutage_nothing NaN\n"
	    "# HELP outage_infinite Endless.\n# TYPE outage_infinite gauge\noutage_infinite -Inf\n");
}

static void describe_times(MetricsPage *page, gpointer data)
{
	times_metrics(data, page, "took_seconds", "What it took.");
}

static void test_buckets_add_up(void)
{
	g_autoptr(Times) times = times_new();
	const MetricsSource source = { .describe = describe_times, .data = times };
	g_autofree char *text = NULL;

	times_add(times, -5);
	times_add(times, 500);
	times_add(times, 501);
	times_add(times, 20 * G_USEC_PER_SEC);
	text = metrics_render(&source);
	g_assert_nonnull(strstr(text, "# TYPE outage_took_seconds histogram\n"));
	g_assert_nonnull(strstr(text, "outage_took_seconds_bucket{le=\"0.0005\"} 2\n"));
	g_assert_nonnull(strstr(text, "outage_took_seconds_bucket{le=\"0.001\"} 3\n"));
	g_assert_nonnull(strstr(text, "outage_took_seconds_bucket{le=\"10\"} 3\n"));
	g_assert_nonnull(strstr(text, "outage_took_seconds_bucket{le=\"+Inf\"} 4\n"));
	g_assert_nonnull(strstr(text, "outage_took_seconds_sum 20.001001\n"));
	g_assert_nonnull(strstr(text, "outage_took_seconds_count 4\n"));
}

/* --- the server --- */

static void describe_one(MetricsPage *page, gpointer data)
{
	(void)data;
	metrics_single(page, "one", METRIC_GAUGE, 1, "One.");
}

/* data: what is wrong, or NULL. */
static void wrong_as_told(GPtrArray *lines, gpointer data)
{
	const char *const *what = data;

	if (*what != NULL)
		g_ptr_array_add(lines, g_strdup(*what));
}

static Metrics *start(const char *where, const char **what)
{
	const MetricsSource source = { .describe = describe_one, .wrong = wrong_as_told, .data = what };
	g_autoptr(GError) error = NULL;
	Metrics *metrics = metrics_start(where, &source, &error);

	g_assert_no_error(error);
	g_assert_nonnull(metrics);
	return metrics;
}

static GSocketConnection *dial(const char *host, guint port)
{
	g_autoptr(GSocketClient) client = g_socket_client_new();
	g_autoptr(GSocketConnectable) address = g_network_address_new(host, (guint16)port);
	g_autoptr(GError) error = NULL;
	GSocketConnection *connection;

	g_socket_client_set_timeout(client, 20);
	connection = g_socket_client_connect(client, address, NULL, &error);
	g_assert_no_error(error);
	return connection;
}

/* Returns all that comes until the other side ends; caller frees. */
static char *read_all(GSocketConnection *connection)
{
	GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
	GString *all = g_string_new(NULL);
	char chunk[4096];
	gssize got;

	while ((got = g_input_stream_read(in, chunk, sizeof chunk, NULL, NULL)) > 0)
		g_string_append_len(all, chunk, got);
	return g_string_free(all, FALSE);
}

static char *ask(const char *host, guint port, const char *request)
{
	g_autoptr(GSocketConnection) connection = dial(host, port);

	(void)g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)), request, strlen(request), NULL, NULL, NULL);
	return read_all(connection);
}

#define REQUEST(line) line " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static void test_answers(void)
{
	static const struct { const char *request, *has, *lacks; } cases[] = {
		{ REQUEST("GET /metrics"), "HTTP/1.1 200 ", "404" },
		{ REQUEST("GET /metrics"), "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n", "404" },
		{ REQUEST("GET /metrics"), "outage_one 1\n", "404" },
		{ REQUEST("GET /metrics?x=1"), "outage_one 1\n", "404" },
		{ "GET /metrics HTTP/1.0\r\n\r\n", "outage_one 1\n", "404" },
		{ REQUEST("HEAD /metrics"), "HTTP/1.1 200 ", "outage_one" },
		{ REQUEST("GET /healthz"), "\r\n\r\nok\n", "503" },
		{ REQUEST("GET /"), "HTTP/1.1 404 ", "outage_one" },
		{ REQUEST("GET /metrics/.."), "HTTP/1.1 404 ", "outage_one" },
		{ REQUEST("POST /metrics"), "HTTP/1.1 405 ", "outage_one" },
		{ REQUEST("DELETE /metrics"), "Allow: GET, HEAD\r\n", "outage_one" },
		{ "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 405 ", "outage_one" },
		{ "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", "", "outage_one" },
		{ "garbage\r\n\r\n", "", "outage_one" },
	};
	const char *what = NULL;
	g_autoptr(Metrics) metrics = start("127.0.0.1:0", &what);

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *answer = ask("127.0.0.1", metrics_port(metrics), cases[i].request);

		g_test_message("%s -> %s", cases[i].request, answer);
		g_assert_nonnull(strstr(answer, cases[i].has));
		g_assert_null(strstr(answer, cases[i].lacks));
	}
}

static void test_health_names_what_is_wrong(void)
{
	const char *what = "the store is away\x1b[2J";
	g_autoptr(Metrics) metrics = start("127.0.0.1:0", &what);
	g_autofree char *answer = ask("127.0.0.1", metrics_port(metrics), REQUEST("GET /healthz"));

	g_assert_nonnull(strstr(answer, "HTTP/1.1 503 "));
	g_assert_nonnull(strstr(answer, "the store is away\\x1b[2J\n"));
}

static void test_listens_on_ipv6(void)
{
	const char *what = NULL;
	g_autoptr(Metrics) metrics = start("[::1]:0", &what);
	g_autofree char *answer = ask("::1", metrics_port(metrics), REQUEST("GET /metrics"));

	g_assert_nonnull(strstr(answer, "outage_one 1\n"));
}

static void test_what_cannot_be_listened_on(void)
{
	const char *what = NULL;
	const MetricsSource source = { .describe = describe_one, .wrong = wrong_as_told, .data = &what };
	g_autoptr(Metrics) metrics = start("127.0.0.1:0", &what);
	g_autofree char *taken = g_strdup_printf("127.0.0.1:%u", metrics_port(metrics));
	const char *const places[] = { taken, "127.0.0.1", "somewhere:9000", "127.0.0.1:70000", "[::1:9000", "192.0.2.1:9000" };

	for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(metrics_start(places[i], &source, &error));
		g_assert_nonnull(error);
		g_assert_nonnull(strstr(error->message, places[i]));
	}
	g_assert_null(metrics_start("", &source, NULL));
}

/* Far more than are allowed at once, none of which says a whole request. */
static void test_who_holds_connections_open_keeps_nobody_out(void)
{
	const char *what = NULL;
	g_autoptr(Metrics) metrics = start("127.0.0.1:0", &what);
	g_autoptr(GPtrArray) idle = g_ptr_array_new_with_free_func(g_object_unref);

	for (guint i = 0; i < 100; i++) {
		GSocketConnection *connection = dial("127.0.0.1", metrics_port(metrics));

		(void)g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)), "GET /me", 7, NULL, NULL, NULL);
		g_ptr_array_add(idle, connection);
	}
	for (guint i = 0; i < 3; i++) {
		g_autofree char *answer = ask("127.0.0.1", metrics_port(metrics), REQUEST("GET /metrics"));

		g_assert_nonnull(strstr(answer, "outage_one 1\n"));
	}
}

static void test_endless_headers_are_cut(void)
{
	const char *what = NULL;
	g_autoptr(Metrics) metrics = start("127.0.0.1:0", &what);
	g_autofree char *filler = g_strnfill(200000, 'x');
	g_autofree char *request = g_strdup_printf("GET /metrics HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n", filler);
	g_autofree char *answer = ask("127.0.0.1", metrics_port(metrics), request);
	g_autofree char *next = ask("127.0.0.1", metrics_port(metrics), REQUEST("GET /metrics"));

	g_assert_null(strstr(answer, "outage_one"));
	g_assert_nonnull(strstr(next, "outage_one 1\n"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/metrics/text", test_text);
	g_test_add_func("/metrics/buckets-add-up", test_buckets_add_up);
	g_test_add_func("/metrics/answers", test_answers);
	g_test_add_func("/metrics/health-names-what-is-wrong", test_health_names_what_is_wrong);
	g_test_add_func("/metrics/listens-on-ipv6", test_listens_on_ipv6);
	g_test_add_func("/metrics/what-cannot-be-listened-on", test_what_cannot_be_listened_on);
	g_test_add_func("/metrics/who-holds-connections-open-keeps-nobody-out", test_who_holds_connections_open_keeps_nobody_out);
	g_test_add_func("/metrics/endless-headers-are-cut", test_endless_headers_are_cut);
	return g_test_run();
}
