/* test-link-server: one connection and the other side of it: servers of our own that answer what a test tells them to, so that answers
 * no real server gives on demand (a divided vote, a Cluster that sends us in circles, a reply that drips) can be had at will. */
#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/link.h"

#define PRIMARY "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
#define REPLICA "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:1\r\n$9\r\nconnected\r\n:0\r\n"
#define SILENCE "silence"

/* A server: a thread that accepts, and one more for each connection. */
typedef struct {
	int fd;
	guint port;
	GThread *thread;
	GMutex lock;
	GHashTable *answers;  /* one or two words of a command -> what is sent; OK where there is none */
	GPtrArray *threads;   /* of the connections; only the accepting thread and stop() touch it */
	GArray *fds;          /* of the connections */
	gint dripping;        /* sends answers in pieces of this many bytes */
	gint pause_us;        /* between them */
	gint deaf;            /* reads no more */
} Fake;

typedef struct { Fake *fake; int fd; } Visit;

static void fake_say(Fake *fake, const char *command, const char *answer)
{
	g_mutex_lock(&fake->lock);
	g_hash_table_insert(fake->answers, g_strdup(command), g_strdup(answer));
	g_mutex_unlock(&fake->lock);
}

static void fake_say_bulk(Fake *fake, const char *command, const char *text)
{
	g_autofree char *answer = g_strdup_printf("$%zu\r\n%s\r\n", strlen(text), text);

	fake_say(fake, command, answer);
}

static char *find_answer(Fake *fake, const redisReply *command)
{
	const char *first = command->element[0]->str;
	g_autofree char *two = g_strjoin(" ", first, command->elements > 1 ? command->element[1]->str : NULL, NULL);
	const char *answer;
	char *copy;

	g_mutex_lock(&fake->lock);
	answer = g_hash_table_lookup(fake->answers, two);
	if (answer == NULL)
		answer = g_hash_table_lookup(fake->answers, first);
	copy = g_strdup(answer != NULL ? answer : "+OK\r\n");
	g_mutex_unlock(&fake->lock);
	return copy;
}

static bool send_answer(Fake *fake, int fd, const char *answer)
{
	gsize size = strlen(answer), step = (gsize)g_atomic_int_get(&fake->dripping);

	if (strcmp(answer, SILENCE) == 0)
		return true;
	for (gsize sent = 0; sent < size;) {
		ssize_t n = send(fd, answer + sent, step > 0 ? MIN(step, size - sent) : size - sent, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		sent += (gsize)n;
		if (step > 0)
			g_usleep((gulong)g_atomic_int_get(&fake->pause_us));
	}
	return true;
}

static gpointer serve(gpointer data)
{
	Visit *visit = data;
	redisReader *reader = redisReaderCreate();
	char buffer[4096];
	ssize_t n;
	bool ok = true;

	while (ok && (n = recv(visit->fd, buffer, sizeof buffer, 0)) > 0) {
		void *command = NULL;

		if (g_atomic_int_get(&visit->fake->deaf))
			break;
		redisReaderFeed(reader, buffer, (size_t)n);
		while (ok && redisReaderGetReply(reader, &command) == REDIS_OK && command != NULL) {
			g_autofree char *answer = find_answer(visit->fake, command);

			ok = send_answer(visit->fake, visit->fd, answer);
			freeReplyObject(command);
		}
	}
	redisReaderFree(reader);
	g_free(visit);
	return NULL;
}

static gpointer accept_all(gpointer data)
{
	Fake *fake = data;
	int fd;

	while ((fd = accept(fake->fd, NULL, NULL)) >= 0) {
		Visit *visit = g_new0(Visit, 1);

		visit->fake = fake;
		visit->fd = fd;
		g_array_append_val(fake->fds, fd);
		g_ptr_array_add(fake->threads, g_thread_new("visit", serve, visit));
	}
	return NULL;
}

static Fake *fake_new(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof address;
	Fake *fake = g_new0(Fake, 1);

	fake->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(fake->fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	g_assert_cmpint(listen(fake->fd, 16), ==, 0);
	g_assert_cmpint(getsockname(fake->fd, (struct sockaddr *)&address, &size), ==, 0);
	fake->port = ntohs(address.sin_port);
	g_mutex_init(&fake->lock);
	fake->answers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	fake->threads = g_ptr_array_new();
	fake->fds = g_array_new(FALSE, FALSE, sizeof(int));
	fake_say(fake, "ROLE", PRIMARY);
	fake_say(fake, "EXISTS", ":0\r\n");
	fake_say(fake, "INFO", "$0\r\n\r\n");
	fake->thread = g_thread_new("fake", accept_all, fake);
	return fake;
}

/* Refuses connections from now on, and ends those that stand. */
static void fake_stop(Fake *fake)
{
	if (fake->thread == NULL)
		return;
	shutdown(fake->fd, SHUT_RDWR);
	g_thread_join(g_steal_pointer(&fake->thread));
	close(fake->fd);
	for (guint i = 0; i < fake->fds->len; i++)
		shutdown(g_array_index(fake->fds, int, i), SHUT_RDWR);
	for (guint i = 0; i < fake->threads->len; i++) {
		g_thread_join(fake->threads->pdata[i]);
		close(g_array_index(fake->fds, int, i));
	}
}

static void fake_free(Fake *fake)
{
	fake_stop(fake);
	g_hash_table_unref(fake->answers);
	g_ptr_array_unref(fake->threads);
	g_array_unref(fake->fds);
	g_mutex_clear(&fake->lock);
	g_free(fake);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fake, fake_free)

static Config *config_for(char *url)
{
	Config *config = config_defaults();

	g_free(config->store_url);
	config->store_url = url;
	config->store_connect_timeout = 2000;
	config->store_timeout = 2000;
	return config;
}

static Config *config_for_fake(const Fake *fake, const char *login)
{
	return config_for(g_strdup_printf("redis://%s127.0.0.1:%u", login, fake->port));
}

static Link *open_link(const Config *config)
{
	g_autoptr(GError) error = NULL;
	Link *link = link_open(config, "test", &error);

	g_assert_no_error(error);
	return link;
}

static redisReply *ask(Link *link, gint64 timeout_ms, GError **error)
{
	g_autoptr(GPtrArray) command = command_new("GET", "key", NULL);

	return link_ask(link, command, timeout_ms, false, error);
}

/* --- whom we reached --- */

static void test_server_id(void)
{
	g_autoptr(Fake) fake = fake_new();
	g_autoptr(Config) config = config_for_fake(fake, "");

	fake_say_bulk(fake, "INFO server", "# Server\r\nrun_id:0123456789abcdef\r\nos:x\r\n");
	{
		g_autoptr(Link) link = open_link(config);

		g_assert_cmpstr(link_server_id(link), ==, "0123456789abcdef");
	}
	fake_say(fake, "INFO server", "-NOPERM this user has no permissions to run the 'info' command\r\n");
	{
		g_autoptr(Link) link = open_link(config);

		g_assert_cmpstr(link_server_id(link), ==, "");
	}
}

/* How the other side may answer our introduction, and what we say of it. */
static const struct {
	const char *name, *login, *command, *answer;
	const char *says; /* NULL: the connection is good */
} introductions[] = {
	{ "no-password-is-needed", "", "AUTH", "+OK\r\n", NULL },
	{ "password-is-needed", "", "EXISTS", "-NOAUTH Authentication required.\r\n", "store.password_file" },
	{ "password-is-wrong", ":hunter2@", "AUTH", "-WRONGPASS invalid username-password pair or user is disabled.\r\n", "is wrong" },
	{ "password-is-echoed", ":hunter2@", "AUTH", "-ERR unknown command 'AUTH', with args beginning with: 'hunter2'\r\n", "refuses" },
	{ "password-is-not-expected", ":hunter2@", "AUTH",
	    "-ERR AUTH <password> called without any password configured for the default user. Are you sure?\r\n", "no password set" },
	{ "database-is-refused", "", "SELECT", "-ERR DB index is out of range\r\n", NULL },
	{ "role-may-not-be-asked", "", "ROLE", "-NOPERM this user has no permissions\r\n", NULL },
	{ "replica", "", "ROLE", REPLICA, "it is a replica" },
	{ "role-makes-no-sense", "", "ROLE", "+master\r\n", "it is a replica" },
	{ "loading", "", "EXISTS", "-LOADING Redis is loading the dataset in memory\r\n", "LOADING" },
	{ "keys-may-not-be-asked-for", "", "EXISTS", "-NOPERM this user has no permissions\r\n", NULL },
	{ "cluster-without-hash-tag", "", "EXISTS", "-CROSSSLOT Keys in request don't hash to the same slot\r\n", "{outage}:" },
	{ "cluster-is-down", "", "EXISTS", "-CLUSTERDOWN Hash slot not served\r\n", "CLUSTERDOWN" },
	{ "moved-to-nowhere", "", "EXISTS", "-MOVED 1 127.0.0.1\r\n", "MOVED" },
	{ "moved-to-port-0", "", "EXISTS", "-MOVED 1 127.0.0.1:0\r\n", "MOVED" },
	{ "moved-by-a-strange-word", "", "EXISTS", "-MOVED 1 127.0.0.1:1 2\r\n", "MOVED" },
	{ "not-redis", "", "EXISTS", "HTTP/1.1 400 Bad Request\r\n\r\n", "rotocol" },
};

static void test_introduction(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autoptr(Fake) fake = fake_new();
	g_autoptr(Config) config = config_for_fake(fake, introductions[i].login);
	g_autoptr(GError) error = NULL;
	g_autoptr(Link) link = NULL;

	fake_say(fake, introductions[i].command, introductions[i].answer);
	link = link_open(config, "test", &error);
	if (introductions[i].says == NULL) {
		g_assert_no_error(error);
		return;
	}
	g_assert_null(link);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, introductions[i].says));
	g_assert_null(strstr(error->message, "hunter2"));
}

static void say_moved(Fake *fake, const char *host, guint port)
{
	g_autofree char *answer = g_strdup_printf("-MOVED 4000 %s:%u\r\n", host, port);

	fake_say(fake, "EXISTS", answer);
}

static void test_cluster(void)
{
	g_autoptr(Fake) first = fake_new(), second = fake_new();
	g_autoptr(Config) config = config_for_fake(first, "");
	g_autofree char *where = g_strdup_printf("127.0.0.1:%u", second->port);
	g_autoptr(GError) error = NULL;

	say_moved(first, "127.0.0.1", second->port);
	{
		g_autoptr(Link) link = open_link(config);

		g_assert_cmpstr(link_where(link), ==, where);
	}
	/* A node may leave its host out: the one we know. */
	say_moved(first, "", second->port);
	{
		g_autoptr(Link) link = open_link(config);

		g_assert_cmpstr(link_where(link), ==, where);
	}
	say_moved(second, "127.0.0.1", first->port);
	g_assert_null(link_open(config, "test", &error));
	g_assert_nonnull(strstr(error->message, "on and on"));
}

/* --- errors that say that the server is the wrong one --- */

static const struct {
	const char *answer;
	bool breaks;
} errors[] = {
	{ "-READONLY You can't write against a read only replica.\r\n", true },
	{ "-ERR Error running script (call to f_1): @user_script:2: -READONLY You can't write.\r\n", true },
	{ "-LOADING Redis is loading the dataset in memory\r\n", true },
	{ "-MASTERDOWN Link with MASTER is down\r\n", true },
	{ "-MOVED 4000 127.0.0.1:7001\r\n", true },
	{ "-CLUSTERDOWN The cluster is down\r\n", true },
	{ "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n", false },
	{ "-NOSCRIPT No matching script.\r\n", false },
	{ "-NOREPLICAS Not enough good replicas to write.\r\n", false },
	{ "-ERR unknown command 'READONLY '\r\n", false },
};

static void test_error(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autoptr(Fake) fake = fake_new();
	g_autoptr(Config) config = config_for_fake(fake, "");
	g_autoptr(Link) link = open_link(config);
	g_autoptr(GError) error = NULL;

	fake_say(fake, "GET", errors[i].answer);
	g_assert_null(ask(link, 2000, &error));
	g_assert_cmpint(error->domain, ==, OUTAGE_ERROR);
	g_assert_cmpint(link_is_broken(link), ==, errors[i].breaks);
}

/* --- deadlines --- */

/* A large value that somebody put into a key must not make the store look away: 16 MB in pieces take longer than the deadline. */
static void test_large_answer(void)
{
	const gsize size = 16 * 1024 * 1024;
	g_autoptr(Fake) fake = fake_new();
	g_autoptr(Config) config = config_for_fake(fake, "");
	g_autoptr(Link) link = open_link(config);
	g_autofree char *value = g_strnfill(size, 'x'), *answer = g_strdup_printf("$%zu\r\n%s\r\n", size, value);
	g_autoptr(GError) error = NULL;
	g_autoptr(redisReply) reply = NULL;
	gint64 begun;

	fake_say(fake, "GET", answer);
	g_atomic_int_set(&fake->pause_us, 40000);
	g_atomic_int_set(&fake->dripping, 1024 * 1024);
	begun = clock_mono_us();
	reply = ask(link, 500, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(reply->len, ==, size);
	g_assert_cmpint(clock_mono_us() - begun, >, 500 * 1000);
}

/* One that only drips has no more time than any other. */
static void test_dripping_answer(void)
{
	g_autoptr(Fake) fake = fake_new();
	g_autoptr(Config) config = config_for_fake(fake, "");
	g_autoptr(Link) link = open_link(config);
	g_autoptr(GError) error = NULL;

	fake_say(fake, "GET", "$60\r\n012345678901234567890123456789012345678901234567890123456789\r\n");
	g_atomic_int_set(&fake->pause_us, 50000);
	g_atomic_int_set(&fake->dripping, 1);
	g_assert_null(ask(link, 300, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
	g_assert_nonnull(strstr(error->message, "in time"));
	g_assert_true(link_is_broken(link));
}

/* Where the other side takes no more, what had left as a whole may have been done, and what had not has not. */
static void test_half_sent(void)
{
	for (int whole = 0; whole < 2; whole++) {
		g_autoptr(Fake) fake = fake_new();
		g_autoptr(Config) config = config_for_fake(fake, "");
		g_autoptr(Link) link = open_link(config);
		g_autofree char *value = g_strnfill(64 * 1024 * 1024, 'x');
		g_autoptr(GPtrArray) small = command_new("INCR", "key", NULL), large = command_new("SET", "key", value, NULL);
		g_autoptr(GPtrArray) replies = NULL;
		g_autoptr(GError) error = NULL;

		g_atomic_int_set(&fake->deaf, 1);
		if (whole)
			link_push(link, small);
		link_push(link, large);
		replies = link_run(link, 500, true, &error);
		g_assert_null(replies);
		g_assert_nonnull(error);
		g_assert_cmpint(error->code, ==, whole ? OUTAGE_ERROR_UNKNOWN : OUTAGE_ERROR_UNAVAILABLE);
	}
}

/* --- is it still the one --- */

static void test_confirm_without_sentinel(void)
{
	g_autoptr(Fake) fake = fake_new();
	g_autoptr(Config) config = config_for_fake(fake, "");
	g_autoptr(GError) error = NULL;
	g_autoptr(Link) link = open_link(config), other = open_link(config);

	g_assert_true(link_confirm(link, config, &error));
	g_assert_no_error(error);
	fake_say(fake, "ROLE", REPLICA);
	g_assert_false(link_confirm(link, config, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
	g_assert_true(link_is_broken(link));
	g_clear_error(&error);
	fake_say(fake, "ROLE", SILENCE);
	config->store_timeout = 200;
	g_assert_false(link_confirm(other, config, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
}

#define HEARD "role:master\r\nconnected_slaves:1\r\nslave0:ip=10.0.0.8,port=6379,state=online,offset=14,lag=1\r\n"
#define HEARD_AND_MORE "slave0:ip=10.0.0.8,port=6379,state=online,offset=14,lag=10,type=replica\r\n"
#define TOO_OLD "role:master\r\nslave0:ip=10.0.0.8,port=6379,state=online,offset=14,lag=11\r\n"
#define NEVER "role:master\r\nslave0:ip=10.0.0.8,port=6379,state=online,offset=14,lag=-1\r\n"
#define SYNCING "role:master\r\nslave0:ip=10.0.0.8,port=6379,state=wait_bgsave,offset=0,lag=0\r\n"
#define NONE "role:master\r\nconnected_slaves:0\r\nslave_read_only:1\r\n"

/* votes: a letter for each Sentinel: o names our server, x and y others, n knows no master, e answers with an error, p asks for a
 * password, s says nothing, d is down. */
static const struct {
	const char *votes, *role, *info;
	bool confirmed, broken;
} confirmations[] = {
	{ "ooo", PRIMARY, NONE, true, false },
	{ "oox", PRIMARY, NONE, true, false },
	{ "ood", PRIMARY, NONE, true, false },
	{ "oos", PRIMARY, NONE, true, false },
	{ "o", PRIMARY, NONE, true, false },
	{ "xxx", PRIMARY, HEARD, false, true },
	{ "oxx", PRIMARY, HEARD, false, true },
	{ "xxd", PRIMARY, HEARD, false, true },
	{ "xdd", PRIMARY, HEARD, false, true },
	{ "oxxdd", PRIMARY, HEARD, false, true },
	{ "odd", PRIMARY, HEARD, true, false },
	{ "odd", PRIMARY, HEARD_AND_MORE, true, false },
	{ "ons", PRIMARY, HEARD, true, false },
	{ "odd", PRIMARY, TOO_OLD, false, false },
	{ "odd", PRIMARY, NEVER, false, false },
	{ "odd", PRIMARY, SYNCING, false, false },
	{ "odd", PRIMARY, NONE, false, false },
	{ "odd", REPLICA, HEARD, false, true },
	{ "ddd", PRIMARY, HEARD, true, false },
	{ "ddd", PRIMARY, NONE, false, false },
	{ "oxd", PRIMARY, HEARD, true, false },
	{ "oxd", PRIMARY, NONE, false, false },
	{ "oxy", PRIMARY, NONE, false, false },
	{ "oxyd", PRIMARY, HEARD, true, false },
	{ "ep", PRIMARY, HEARD, true, false },
	{ "ep", PRIMARY, NONE, false, false },
};

static void say_name(Fake *sentinel, guint port)
{
	g_autofree char *text = g_strdup_printf("%u", port);
	g_autofree char *answer = g_strdup_printf("*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(text), text);

	fake_say(sentinel, "SENTINEL", answer);
}

static void vote(Fake *sentinel, char letter, guint ours)
{
	switch (letter) {
	case 'o': say_name(sentinel, ours); break;
	case 'x': say_name(sentinel, 1); break;
	case 'y': say_name(sentinel, 2); break;
	case 'n': fake_say(sentinel, "SENTINEL", "*-1\r\n"); break;
	case 'e': fake_say(sentinel, "SENTINEL", "-ERR no\r\n"); break;
	case 'p': fake_say(sentinel, "SENTINEL", "-NOAUTH Authentication required.\r\n"); break;
	case 's': fake_say(sentinel, "SENTINEL", SILENCE); break;
	default: fake_stop(sentinel); break;
	}
}

static GPtrArray *sentinels_new(const Fake *primary, guint count, Config **config)
{
	GPtrArray *sentinels = g_ptr_array_new_with_free_func((GDestroyNotify)fake_free);
	GString *url = g_string_new("redis+sentinel://");

	for (guint i = 0; i < count; i++) {
		Fake *sentinel = fake_new();

		say_name(sentinel, primary->port);
		g_ptr_array_add(sentinels, sentinel);
		g_string_append_printf(url, "%s127.0.0.1:%u", i > 0 ? "," : "", sentinel->port);
	}
	g_string_append(url, "/mymaster");
	*config = config_for(g_string_free(url, FALSE));
	return sentinels;
}

static void test_confirm(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	const char *votes = confirmations[i].votes;
	g_autoptr(Fake) primary = fake_new();
	g_autoptr(Config) config = NULL;
	g_autoptr(GPtrArray) sentinels = sentinels_new(primary, (guint)strlen(votes), &config);
	g_autoptr(Link) link = open_link(config);
	g_autoptr(GError) error = NULL;
	bool confirmed;

	for (guint at = 0; at < sentinels->len; at++)
		vote(sentinels->pdata[at], votes[at], primary->port);
	fake_say(primary, "ROLE", confirmations[i].role);
	fake_say_bulk(primary, "INFO replication", confirmations[i].info);
	if (strchr(votes, 's') != NULL)
		config->store_timeout = 300;
	confirmed = link_confirm(link, config, &error);
	g_test_message("%s: %s", votes, error != NULL ? error->message : "confirmed");
	g_assert_cmpint(confirmed, ==, confirmations[i].confirmed);
	g_assert_cmpint(link_is_broken(link), ==, confirmations[i].broken);
	if (confirmed)
		g_assert_no_error(error);
	else
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
	if (!confirmed && !confirmations[i].broken)
		g_assert_nonnull(strstr(error->message, "cut off together with an old primary"));
}

/* A Sentinel that has just come back names the primary of before; two that know better stand against it. */
static void test_outvoted(void)
{
	g_autoptr(Fake) old = fake_new(), new = fake_new();
	g_autoptr(Config) config = NULL;
	g_autoptr(GPtrArray) sentinels = sentinels_new(new, 3, &config);
	g_autofree char *where = g_strdup_printf("127.0.0.1:%u", new->port);
	g_autoptr(Link) link = NULL;

	say_name(sentinels->pdata[0], old->port);
	link = open_link(config);
	g_assert_cmpstr(link_where(link), ==, where);
}

static void test_named_but_no_primary(void)
{
	g_autoptr(Fake) primary = fake_new();
	g_autoptr(Config) config = NULL;
	g_autoptr(GPtrArray) sentinels = sentinels_new(primary, 3, &config);
	g_autoptr(GError) error = NULL;

	fake_say(primary, "ROLE", REPLICA);
	g_assert_null(link_open(config, "test", &error));
	g_assert_nonnull(strstr(error->message, "Sentinel names it, but it is no primary"));
	g_clear_error(&error);
	fake_say(primary, "ROLE", "-NOPERM this user has no permissions\r\n");
	g_assert_null(link_open(config, "test", &error));
	g_assert_nonnull(strstr(error->message, "NOPERM"));
}

static void add_table(const char *path, gsize count, GTestDataFunc test)
{
	for (gsize i = 0; i < count; i++) {
		g_autofree char *name = g_strdup_printf("%s/%zu", path, i);

		g_test_add_data_func(name, GSIZE_TO_POINTER(i), test);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/link/restart-of-the-server-is-noticed", test_server_id);
	for (gsize i = 0; i < G_N_ELEMENTS(introductions); i++) {
		g_autofree char *name = g_strconcat("/link/introduction/", introductions[i].name, NULL);

		g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_introduction);
	}
	g_test_add_func("/link/cluster-is-followed-once", test_cluster);
	add_table("/link/error-of-the-wrong-server-breaks", G_N_ELEMENTS(errors), test_error);
	g_test_add_func("/link/large-answer-gets-more-time", test_large_answer);
	g_test_add_func("/link/dripping-answer-does-not", test_dripping_answer);
	g_test_add_func("/link/half-sent-is-told-from-sent", test_half_sent);
	g_test_add_func("/link/confirm/without-sentinel", test_confirm_without_sentinel);
	add_table("/link/confirm/with-sentinels", G_N_ELEMENTS(confirmations), test_confirm);
	g_test_add_func("/link/sentinel/of-before-is-outvoted", test_outvoted);
	g_test_add_func("/link/sentinel/names-no-primary", test_named_but_no_primary);
	return g_test_run();
}
