/* fuzz-redis: bytes as what a Redis answers. Whatever it says, no operation may crash, hang or leak.
 *
 *     input = operation LF piece *( LF "%%" LF piece )       operation: one byte, see operations below
 *
 * A thread is the server: it sends one piece for each command that arrives, and closes its side after the last. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "store/redis-private.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MARK "\n%%\n"
#define PATIENCE_MS 1 /* an answer that is not whole is followed by the next piece */

typedef struct {
	int fd;
	const char *bytes;
	size_t size;
} Server;

static Config *config;
static Snapshot *last;
static GAsyncQueue *waiting, *served; /* Server * */

static void serve(Server *server)
{
	char asked[4096];

	while (server->size > 0) {
		const char *mark = memmem(server->bytes, server->size, MARK, strlen(MARK));
		size_t size = mark != NULL ? (size_t)(mark - server->bytes) : server->size, skip = mark != NULL ? strlen(MARK) : 0;
		struct pollfd poller = { .fd = server->fd, .events = POLLIN };

		if (poll(&poller, 1, PATIENCE_MS) > 0 && recv(server->fd, asked, sizeof asked, MSG_DONTWAIT) == 0)
			break;
		/* What does not fit into the socket at once is left out. */
		if (send(server->fd, server->bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			break;
		server->bytes += size + skip;
		server->size -= size + skip;
	}
	shutdown(server->fd, SHUT_WR);
	while (recv(server->fd, asked, sizeof asked, 0) > 0)
		continue;
	close(server->fd);
}

static gpointer serve_all(gpointer data)
{
	for (;;) {
		Server *server = g_async_queue_pop(waiting);

		serve(server);
		g_async_queue_push(served, server);
	}
	return data;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	Incident *incident = incident_new("default");

	(void)argc;
	(void)argv;
	log_open("fuzz-redis", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	config = config_defaults();
	config->store_timeout = 1000;
	g_free(config->state_dir);
	config->state_dir = g_strdup("/nonexistent");
	incident->state.word = incident->state.flip = WORD_P1;
	incident->state.id = g_strdup("20261121T151000Z-default");
	incident->state.declared_at = 1795273800;
	incident->state.changed_ms = 1795273800000;
	incident->texts[TEXT_TITLE] = g_strdup("Logins fail");
	last = snapshot_new();
	last->taken_at = 1795273900;
	g_ptr_array_add(last->incidents, incident);
	waiting = g_async_queue_new();
	served = g_async_queue_new();
	g_thread_unref(g_thread_new("server", serve_all, NULL));
	return 0;
}

static void read_snapshot(Store *store, const Snapshot *before)
{
	g_autoptr(Snapshot) snapshot = store_snapshot(store, before, NULL);

	for (guint i = 0; snapshot != NULL && i < snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(snapshot->incidents, i);

		/* What a reply may be made of. */
		if (incident->state.word != WORD_NONE && (incident->state.id == NULL || incident->state.declared_at == 0))
			g_error("%s: %s without id or time", incident->name, word_name(incident->state.word));
		for (TextField field = 0; field < TEXT_FIELDS; field++)
			if (incident->texts[field] != NULL && !text_field_check(field, incident->texts[field], NULL))
				g_error("%s: bad text", text_field_name(field));
	}
	for (guint i = 0; snapshot != NULL && i < snapshot->problems->len; i++)
		if (!g_utf8_validate(g_ptr_array_index(snapshot->problems, i), -1, NULL))
			g_error("a problem that nobody can read");
}

static void take_job(Store *store)
{
	stored_job_free(store_job_take(store, 0, 1000, NULL));
}

static void list_queue(Store *store)
{
	g_autoptr(GPtrArray) pending = store_queue_list(store, QUEUE_PENDING, 10, NULL);
	g_autoptr(GPtrArray) dead = store_queue_list(store, QUEUE_DEAD, 10, NULL);
	QueueCounts counts;
	guint moved;

	(void)store_queue_counts(store, &counts, NULL);
	(void)store_queue_retry(store, NULL, &moved, NULL);
}

static void read_tables(Store *store)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	Accounts *accounts = store_accounts(store, problems, NULL);
	g_autofree char *why = NULL;
	gint64 until;

	if (accounts != NULL)
		accounts_unref(accounts);
	(void)store_blocked(store, "0123456789abcdef0123456789abcdef", &why, &until, NULL);
}

static void read_nodes(Store *store)
{
	g_autoptr(GPtrArray) nodes = store_nodes(store, NULL);
	g_autoptr(GHashTable) counters = store_counters(store, "20261121T151000Z-default", NULL);
	g_autoptr(GPtrArray) events = store_events(store, 10, NULL);
}

static void set_word(Store *store)
{
	IncidentState state = { .id = NULL };

	(void)store_set_word(store, "default", WORD_P1, NULL, "me", &state, NULL);
	incident_state_clear(&state);
}

static void claim(Store *store)
{
	ClaimRequest request = { .incident = (char *)"default", .id = (char *)"20261121T151000Z-default",
		.sender = (char *)"a@customer.example", .to = (char *)"a@customer.example" };
	StoreClaim ask = { .request = &request, .hash = "h", .token = "t", .payload = "p", .mac = "m", .domain = "customer.example" };
	ClaimAnswer answer;

	(void)store_claim(store, &ask, &answer, NULL);
}

static void read_notes(Store *store)
{
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free), keys = g_ptr_array_new();
	StoredNote note = { .key = (char *)"k", .payload = (char *)"{}", .mac = (char *)"m", .at = 1 };
	g_autofree char *cursor = NULL;
	bool mine;

	g_ptr_array_add(keys, (gpointer)"k");
	(void)store_notes_slice(store, NOTES_CONTACTS, "20261121T151000Z-default", &cursor, notes, NULL);
	(void)store_waiting_end(store, keys, notes, NULL);
	(void)store_note_add(store, NOTES_WAITING, NULL, &note, NULL, NULL);
	(void)store_waiting_page(store, "k", 0, 1, &mine, NULL);
	for (guint i = 0; i < notes->len; i++) {
		const StoredNote *one = notes->pdata[i];

		if (one->key == NULL || one->payload == NULL || one->mac == NULL || one->apart == NULL)
			g_error("half a note");
	}
}

static void read_notices(Store *store)
{
	g_autoptr(GPtrArray) notices = store_notices(store, "20261121T151000Z-default", NULL);
	bool yes;

	(void)store_optout_has(store, "20261121T151000Z-default", "tag", &yes, NULL);
	(void)store_optout_add(store, "20261121T151000Z-default", "tag", NULL);
	(void)store_notice_lease(store, "20261121T151000Z-default", "update-1", 60, &yes, NULL);
	(void)store_notice_progress(store, "20261121T151000Z-default", "update-1", 1, 1, true, NULL);
	for (guint i = 0; notices != NULL && i < notices->len; i++) {
		const StoredNotice *one = notices->pdata[i];

		if (one->name == NULL || one->payload == NULL || one->mac == NULL)
			g_error("half a notice");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Server server = { .bytes = (const char *)data + 2, .size = size >= 2 ? size - 2 : 0 };
	Store *store;
	int fds[2];

	if (size < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return 0;
	server.fd = fds[1];
	g_async_queue_push(waiting, &server);
	store = redis_store_adopt(config, "fuzz", link_adopt(fds[0], "the fuzzer"));
	switch (data[0]) {
	case 's': read_snapshot(store, NULL); break;
	case 'S': read_snapshot(store, last); break;
	case 'j': take_job(store); break;
	case 'q': list_queue(store); break;
	case 'a': read_tables(store); break;
	case 'n': read_nodes(store); break;
	case 'w': set_word(store); break;
	case 'c': claim(store); break;
	case 'o': read_notes(store); break;
	case 'O': read_notices(store); break;
	default: break;
	}
	store_close(store);
	(void)g_async_queue_pop(served);
	return 0;
}
