/* doctor-gather: the configuration with all that hangs on it, the store and what it counts, DNS. Layer: program. */
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/log.h"
#include "outagectl/doctor.h"
#include "reply/lint.h"
#include "spf/client.h"
#include "store/peek.h"

#define COUNTED_SECONDS 86400

/* --- the configuration --- */

/* What `outage-milter -t` would say. */
static void check_config(Cli *cli, DoctorFacts *facts)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Engine) engine = NULL;
	g_autoptr(Templates) templates = NULL;
	g_autofree char *model_wrong = NULL;
	struct stat st;

	cli->config = config_load(cli->config_path, facts->mistakes);
	facts->config = cli->config;
	facts->config_path = g_strdup(cli->config_path != NULL ? cli->config_path : CONFIG_DEFAULT_PATH);
	if (cli->config != NULL) {
		g_free(facts->config_path);
		facts->config_path = g_strdup(cli->config->path);
	}
	if (stat(facts->config_path, &st) == 0)
		facts->config_changed = st.st_mtime;
	/* What is built of a configuration with mistakes would only repeat them. */
	if (facts->config == NULL || facts->mistakes->len > 0) {
		facts->config = NULL;
		return;
	}
	if (!store_config_check(facts->config, &error))
		g_ptr_array_add(facts->mistakes, g_strdup_printf("%s: store.url: %s", facts->config_path, error->message));
	engine = engine_load(cli->config, facts->mistakes, &model_wrong);
	if (model_wrong != NULL)
		g_ptr_array_add(facts->mistakes, g_steal_pointer(&model_wrong));
	templates = templates_load(facts->config->template_dir, facts->config->language, facts->mistakes);
	if (templates != NULL)
		lint_texts(facts->config, templates, facts->mistakes);
	else
		g_ptr_array_add(facts->mistakes, g_strdup_printf("%s: template.dir: %s cannot be read", facts->config_path,
		                                     facts->config->template_dir));
	engine_unref(g_steal_pointer(&engine));
}

/* --- a key that is flipped elsewhere --- */

static void peek_at(DoctorFacts *facts, const char *url)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *word = store_peek_word(facts->config, url, &error);
	FlipFact *flip;

	/* One that is not there, or is somebody else's and asks for a password, is no finding. */
	if (error != NULL)
		return;
	flip = g_new0(FlipFact, 1);
	flip->url = g_strdup(url);
	flip->word = g_strdup(word);
	g_ptr_array_add(facts->flips, flip);
}

static void look_for_flips(const DoctorOptions *options, DoctorFacts *facts)
{
	static const char *const sockets[] = { "/run/redis/redis-server.sock", "/run/redis/redis.sock",
		"/run/redis-server/redis-server.sock" };

	if (config_store_is_shared(facts->config))
		return;
	peek_at(facts, "redis://127.0.0.1:6379");
	for (gsize i = 0; i < G_N_ELEMENTS(sockets); i++) {
		g_autofree char *url = g_strconcat("redis+unix://", sockets[i], NULL);

		if (g_file_test(sockets[i], G_FILE_TEST_EXISTS))
			peek_at(facts, url);
	}
	for (char **url = options->redis; url != NULL && *url != NULL; url++)
		peek_at(facts, *url);
}

/* --- what is counted --- */

static void find_client(DoctorFacts *facts, GHashTable *clients)
{
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, clients);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		g_autoptr(GInetAddress) address = NULL;
		guint64 mails = *(const guint64 *)value;

		/* It goes into a line that is offered to be copied: out of the store anything may come. */
		address = g_inet_address_new_from_string(name);
		if (address == NULL || mails < facts->client_mails || (mails == facts->client_mails && g_strcmp0(name, facts->client) > 0))
			continue;
		g_free(facts->client);
		facts->client = g_inet_address_to_string(address);
		facts->client_mails = mails;
	}
}

static void read_counts(Cli *cli, DoctorFacts *facts)
{
	/* What was counted before a mistake was put right says nothing any more. */
	gint64 from = CLAMP(facts->config_changed, facts->now - COUNTED_SECONDS, facts->now);
	g_autoptr(GPtrArray) minutes = store_stats_minutes(cli->store, STATS_ALL, from + 59, facts->now + 120, NULL);
	g_autoptr(GHashTable) clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	const gsize prefix = strlen(STATS_UNAUTHENTICATED ":");

	facts->counted = minutes != NULL;
	for (guint i = 0; minutes != NULL && i < minutes->len; i++) {
		const StatsMinute *minute = g_ptr_array_index(minutes, i);
		GHashTableIter iter;
		gpointer name, value;

		facts->persons += stats_minute_get(minute, STATS_PERSONS);
		facts->unauthenticated += stats_minute_get(minute, STATS_UNAUTHENTICATED);
		g_hash_table_iter_init(&iter, minute->counters);
		while (g_hash_table_iter_next(&iter, &name, &value)) {
			guint64 *sum;

			if (!g_str_has_prefix(name, STATS_UNAUTHENTICATED ":"))
				continue;
			sum = g_hash_table_lookup(clients, (const char *)name + prefix);
			if (sum == NULL)
				g_hash_table_insert(clients, g_strdup((const char *)name + prefix), sum = g_new0(guint64, 1));
			*sum += *(const guint64 *)value;
		}
	}
	find_client(facts, clients);
}

/* --- DNS --- */

/* Asks for the policy of the site's own domain, as the milter would: whatever it is, an answer is one. */
static void ask_dns(DoctorFacts *facts)
{
	const SupportAddress *first = facts->config->support[0];
	const char *at = first != NULL && first->address != NULL ? strrchr(first->address, '@') : NULL;
	const char *domain = at != NULL ? at + 1 : first != NULL ? first->domain : NULL;
	/* Of a name without a dot nobody is asked (RFC 7208 section 4.3); example.com is everybody's (RFC 2606). */
	g_autofree char *sender = g_strconcat("postmaster@", domain != NULL && strchr(domain, '.') != NULL ? domain : "example.com", NULL);
	const SpfQuestion question = { .sender = sender, .policy_only = true };
	g_autofree char *program = config_spf_program(facts->config);
	g_autoptr(SpfClient) client = NULL;

	if (!facts->config->spf_enabled)
		return;
	if (!g_file_test(program, G_FILE_TEST_IS_EXECUTABLE)) {
		g_ptr_array_add(facts->mistakes, g_strdup_printf("%s: spf.program: %s cannot be run", facts->config_path, program));
		return;
	}
	/* What goes wrong is a finding, and not a line of a log. */
	log_set_level(LOG_LEVEL_ERROR);
	client = spf_client_start(facts->config, NULL);
	if (client != NULL)
		facts->dns_silent = spf_client_ask(client, &question, facts->config->spf_timeout).result == SPF_TEMPERROR;
	spf_client_stop(g_steal_pointer(&client));
	log_set_level(LOG_LEVEL_WARNING);
}

void doctor_gather(Cli *cli, const DoctorOptions *options, Status *status, DoctorFacts *facts)
{
	check_config(cli, facts);
	doctor_gather_postfix(options, facts);
	doctor_gather_files(options, facts);
	if (facts->config == NULL)
		return;
	status->now = facts->now;
	status_gather(cli, status, NULL);
	facts->status = status;
	if (facts->status->away == NULL)
		read_counts(cli, facts);
	look_for_flips(options, facts);
	ask_dns(facts);
}
