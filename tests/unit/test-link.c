/* test-link: the store's URL, as an operator writes it into the configuration. */
#include <glib.h>
#include <string.h>

#include "base/error.h"
#include "store/link-private.h"
#include "store/store.h"

typedef struct {
	const char *url;
	LinkKind kind;
	const char *hosts;    /* "host port,host port" */
	const char *path, *master, *user, *password;
	guint db;
} Good;

static const Good good[] = {
	{ "sqlite:/var/lib/outage-milter/store.db", LINK_SQLITE, "", "/var/lib/outage-milter/store.db", NULL, NULL, NULL, 0 },
	{ "sqlite:store.db", LINK_SQLITE, "", "store.db", NULL, NULL, NULL, 0 },
	{ "sqlite:100%.db", LINK_SQLITE, "", "100%.db", NULL, NULL, NULL, 0 },
	{ "redis://localhost", LINK_TCP, "localhost 6379", NULL, NULL, NULL, NULL, 0 },
	{ "redis://localhost/", LINK_TCP, "localhost 6379", NULL, NULL, NULL, NULL, 0 },
	{ "redis://10.0.0.7:7000/15", LINK_TCP, "10.0.0.7 7000", NULL, NULL, NULL, NULL, 15 },
	{ "redis://[::1]", LINK_TCP, "::1 6379", NULL, NULL, NULL, NULL, 0 },
	{ "redis://[2001:db8::7]:6380/2", LINK_TCP, "2001:db8::7 6380", NULL, NULL, NULL, NULL, 2 },
	{ "redis://milter:s3cret@cache.example.com", LINK_TCP, "cache.example.com 6379", NULL, NULL, "milter", "s3cret", 0 },
	{ "redis://:s3cret@cache", LINK_TCP, "cache 6379", NULL, NULL, NULL, "s3cret", 0 },
	{ "redis://milter@cache", LINK_TCP, "cache 6379", NULL, NULL, "milter", NULL, 0 },
	{ "redis://a%40b:p%3A%2F%25%20%C3%A9@cache", LINK_TCP, "cache 6379", NULL, NULL, "a@b", "p:/% \xc3\xa9", 0 },
	{ "redis://u:a:b@cache", LINK_TCP, "cache 6379", NULL, NULL, "u", "a:b", 0 },
	{ "redis+unix:///run/redis/redis.sock", LINK_UNIX, "", "/run/redis/redis.sock", NULL, NULL, NULL, 0 },
	{ "redis+unix://u:p@/run/a%3Fb.sock?db=3", LINK_UNIX, "", "/run/a?b.sock", NULL, "u", "p", 3 },
	{ "redis+sentinel://s1,s2:26380,[::1]:5/mymaster", LINK_SENTINEL, "s1 26379,s2 26380,::1 5", NULL, "mymaster", NULL, NULL, 0 },
	{ "redis+sentinel://u:p@s1/mymaster/4", LINK_SENTINEL, "s1 26379", NULL, "mymaster", "u", "p", 4 },
};

static char *hosts_text(const LinkUrl *url)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < url->hosts->len; i++) {
		const LinkHost *host = url->hosts->pdata[i];

		g_string_append_printf(text, "%s%s %u", i ? "," : "", host->host, host->port);
	}
	return g_string_free(text, FALSE);
}

static void test_good(gconstpointer data)
{
	const Good *want = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(LinkUrl) url = link_url_parse(want->url, &error);
	g_autofree char *hosts = NULL;

	g_assert_no_error(error);
	g_assert_nonnull(url);
	hosts = hosts_text(url);
	g_assert_cmpint(url->kind, ==, want->kind);
	g_assert_false(url->tls);
	g_assert_cmpstr(hosts, ==, want->hosts);
	g_assert_cmpstr(url->path, ==, want->path);
	g_assert_cmpstr(url->master, ==, want->master);
	g_assert_cmpstr(url->user, ==, want->user);
	g_assert_cmpstr(url->password, ==, want->password);
	g_assert_cmpuint(url->db, ==, want->db);
	g_assert_true(store_url_check(want->url, NULL));
}

/* What is wrong, and a word of the message that tells the operator so. */
static const struct {
	const char *url, *message;
} bad[] = {
	{ "", "empty" },
	{ "localhost:6379", "begin with" },
	{ "http://localhost", "begin with" },
	{ "REDIS://localhost", "begin with" },
	{ "sqlite:", "path" },
	{ "sqlite:///var/lib/x.db", "path" },
	{ "redis://", "no host" },
	{ "redis://:6379", "no host name" },
	{ "redis:///0", "no host" },
	{ "redis://u:hunter2@", "no host" },
	{ "redis://local host", "no host name" },
	{ "redis://host:0", "port" },
	{ "redis://host:65536", "port" },
	{ "redis://host:", "port" },
	{ "redis://host:6379x", "port" },
	{ "redis://host:hunter2@", "no host" },
	{ "redis://[::1", "brackets" },
	{ "redis://[::1]x", "brackets" },
	{ "redis://[::g]", "IPv6" },
	{ "redis://::1", "no host name" },
	{ "redis://host/zero", "database" },
	{ "redis://host/-1", "database" },
	{ "redis://host/0/1", "database" },
	{ "redis://host/100000", "database" },
	{ "redis://host?db=1", "options" },
	{ "redis://host/0#x", "#" },
	{ "redis://u:hunter2%2@host", "percent" },
	{ "redis://u:hunter2%zz@host", "percent" },
	{ "redis://u:hunter2%00@host", "percent" },
	{ "redis://u:hunter2%ff@host", "percent" },
	{ "redis://u:hunter2@x@host", "%40" },
	{ "redis://u:hunter2/x@host", "%2F" },
	{ "redis://u:hunter2\n@host", "control" },
	{ "redis://\xff\xfehost", "UTF-8" },
	{ "redis+unix://run/redis.sock", "absolute" },
	{ "redis+unix://", "absolute" },
	{ "redis+unix:///", "empty" },
	{ "redis+unix:///run/redis.sock?database=1", "db=N" },
	{ "redis+unix:///run/redis.sock?db=", "database" },
	{ "redis+sentinel://s1,s2", "master" },
	{ "redis+sentinel:///mymaster", "no sentinel" },
	{ "redis+sentinel://s1,,s2/mymaster", "no host name" },
	{ "redis+sentinel://s1/my master", "master" },
	{ "redis+sentinel://s1/m/0/1", "database" },
};

static void test_bad(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autoptr(GError) error = NULL;

	g_assert_false(store_url_check(bad[i].url, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_test_message("%s: %s", bad[i].url, error->message);
	g_assert_nonnull(strstr(error->message, bad[i].message));
	g_assert_null(strstr(error->message, "hunter2"));
}

/* Silently going without TLS would send the password in clear: a build that has none says so when the URL is read. */
static void test_tls_is_never_dropped(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(LinkUrl) url = link_url_parse("rediss://u:p@host:7000/2", NULL);

	g_assert_nonnull(url);
	g_assert_true(url->tls);
	g_assert_cmpint(url->kind, ==, LINK_TCP);
	g_assert_cmpuint(url->db, ==, 2);
	g_assert_cmpint(store_url_check("rediss://u:p@host", &error), ==, link_tls_built());
	if (!link_tls_built())
		g_assert_nonnull(strstr(error->message, "TLS"));
}

/* A path that the kernel would cut would lead to somebody else's socket. */
static void test_long_socket_path(void)
{
	g_autofree char *name = g_strnfill(200, 'x'), *url = g_strconcat("redis+unix:///", name, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_false(store_url_check(url, &error));
	g_assert_nonnull(strstr(error->message, "longer"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autofree char *name = g_strdup_printf("/link/url-is-understood/%zu", i);

		g_test_add_data_func(name, &good[i], test_good);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *name = g_strdup_printf("/link/url-is-refused-in-plain-words/%zu", i);

		g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_bad);
	}
	g_test_add_func("/link/tls-is-never-silently-dropped", test_tls_is_never_dropped);
	g_test_add_func("/link/socket-path-is-never-cut", test_long_socket_path);
	return g_test_run();
}
