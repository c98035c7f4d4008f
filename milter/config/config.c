/* config: loads outage-milter.conf into one struct and answers what is asked of it. Layer: config.
 *
 * A Config is immutable once loaded and shared by reference: a reload builds a new one and swaps one pointer. */
#include "config/config.h"

#include <gio/gio.h>
#include <string.h>

#include "base/address.h"
#include "config/config-private.h"
#include "config/helpdesks.h"

Config *config_ref(Config *config)
{
	g_atomic_int_inc(&config->refs);
	return config;
}

void config_unref(Config *config)
{
	if (config == NULL || !g_atomic_int_dec_and_test(&config->refs))
		return;
	settings_clear(&settings_main, config);
	lists_free(config);
	g_clear_pointer(&config->trusted_masks, g_ptr_array_unref);
	g_clear_pointer(&config->relay_masks, g_ptr_array_unref);
	g_clear_pointer(&config->form_masks, g_ptr_array_unref);
	g_clear_pointer(&config->outbound_masks, g_ptr_array_unref);
	g_clear_pointer(&config->shared_domains, g_hash_table_unref);
	g_free(config->path);
	g_free(config->dir);
	g_free(config);
}

/* Returns one with every default but the lists of groups. path: of the file, in any form. */
static Config *config_new(const char *path)
{
	Config *config = g_new0(Config, 1);

	config->refs = 1;
	config->path = g_canonicalize_filename(path, NULL);
	config->dir = g_path_get_dirname(config->path);
	settings_set_defaults(&settings_main, config, config->dir);
	return config;
}

static GPtrArray *masks_of(char *const *hosts)
{
	GPtrArray *masks = g_ptr_array_new_with_free_func(g_object_unref);

	for (; *hosts != NULL; hosts++) {
		GInetAddressMask *mask = g_inet_address_mask_new_from_string(*hosts, NULL);

		if (mask != NULL)
			g_ptr_array_add(masks, mask);
	}
	return masks;
}

/* shared-domains = *( [ domain ] [ "#" comment ] LF )
 * mistakes NULL: none are wanted. A missing file is the caller's to judge: a preview of a configuration needs none. */
static void read_shared_domains(Config *config, GPtrArray *mistakes)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	config->shared_domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (char **domain = config->ack_shared_domains; *domain != NULL; domain++)
		g_hash_table_add(config->shared_domains, g_strdup(*domain));
	config->shared_file_missing = !g_file_get_contents(config->ack_shared_file, &text, NULL, NULL);
	lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		char *word = g_strstrip(g_strndup(lines[i], strcspn(lines[i], "#")));
		char *ascii = *word != '\0' ? domain_to_ascii(word) : NULL;

		if (ascii != NULL) {
			g_hash_table_add(config->shared_domains, ascii);
		} else if (*word != '\0' && mistakes != NULL) {
			g_autofree char *shown = log_escape(word, 120);

			g_ptr_array_add(mistakes, g_strdup_printf("%s:%u: \"%s\" is no domain", config->ack_shared_file, i + 1, shown));
		}
		g_free(word);
	}
}

/* Fills in what is derived from other members. */
static void complete(Config *config, GPtrArray *mistakes)
{
	lists_set_shipped_routes(config);
	if (config->support == NULL)
		config->support = g_new0(SupportAddress *, 1);
	config->trusted_masks = masks_of(config->trusted_hosts);
	config->relay_masks = masks_of(config->spf_trusted_relays);
	config->form_masks = masks_of(config->form_hosts);
	config->outbound_masks = masks_of(config->outbound_hosts);
	read_shared_domains(config, mistakes);
}

static guint line_of(const config_t *parsed, const char *name)
{
	const config_setting_t *node = config_lookup(parsed, name);

	return node != NULL ? config_setting_source_line(node) : 0;
}

/* A link that reply.url_domains does not cover would be left out of every reply without a word. An empty list lets the links of
 * the configuration itself pass. */
static void check_url(const Reader *reader, const Config *config, guint line, const char *name, const char *url)
{
	g_autoptr(GUri) uri = url != NULL ? g_uri_parse(url, G_URI_FLAGS_NONE, NULL) : NULL;
	g_autofree char *host = uri != NULL ? domain_to_ascii(g_uri_get_host(uri)) : NULL;

	if (uri == NULL || config->url_domains[0] == NULL)
		return;
	for (char **domain = config->url_domains; host != NULL && *domain != NULL; domain++)
		if (domain_is_under(host, *domain))
			return;
	reader_mistake_line(reader, line, "%s: %s is not covered by reply.url_domains, so that no reply would carry the link",
	    name, g_uri_get_host(uri));
}

static void check_urls(const Reader *reader, const Config *config, const config_t *parsed)
{
	static const char *const names[SEVERITIES] = {
		"playbook.P1.status_url", "playbook.P2.status_url", "playbook.P3.status_url", "playbook.resolved.status_url"
	};

	for (guint i = 0; i < SEVERITIES; i++)
		check_url(reader, config, line_of(parsed, names[i]), names[i], config->playbook[i].status_url);
	for (guint i = 0; config->support != NULL && config->support[i] != NULL; i++)
		check_url(reader, config, line_of(parsed, "support"), "support.status_url", config->support[i]->status_url);
}

/* RT's commands may have a name of ours. */
static bool is_own_header(const Config *config, const char *name)
{
	return g_ascii_strncasecmp(name, config->header_prefix, strlen(config->header_prefix)) == 0 &&
	    (config->helpdesk != HELPDESK_RT || g_ascii_strcasecmp(name, config->rt_header) != 0);
}

static void check_route_headers(const Reader *reader, const Config *config, const config_t *parsed)
{
	const char *discarded_for = helpdesk_profile(config)->discarded_for;

	for (Route **route = config->routes; route != NULL && *route != NULL; route++)
		for (char **header = (*route)->headers; *header != NULL; header += 2) {
			if (is_own_header(config, *header))
				reader_mistake_line(reader, line_of(parsed, "routes"), "routes.headers: %s is one of our own headers", *header);
			if (discarded_for != NULL && g_ascii_strcasecmp(*header, discarded_for) == 0)
				reader_mistake_line(reader, line_of(parsed, "routes"),
				    "routes.headers: the helpdesk would throw mail with %s away", *header);
		}
}

/* A class that no rule has would silently disable the route, and let a macro answer a lawyer. */
static void check_classes(const Reader *reader, const config_t *parsed, const char *setting, char *const *found,
    const char *const *known)
{
	for (; *found != NULL; found++)
		if (!g_strv_contains(known, *found))
			reader_mistake_line(reader, line_of(parsed, "routes"), "routes.when.%s: there is no class \"%s\"", setting, *found);
}

static void check_route_classes(const Reader *reader, const Config *config, const config_t *parsed)
{
	static const char *const escalate[] = { "legal", "media", "refund", "security", "data-loss", "privacy", "churn",
		"still-affected", "*", NULL };
	static const char *const sensitive[] = { "api-key", "private-key", "password", "card-number", "*", NULL };

	for (Route **route = config->routes; route != NULL && *route != NULL; route++) {
		check_classes(reader, parsed, "escalate", (*route)->when_escalate, escalate);
		check_classes(reader, parsed, "sensitive", (*route)->when_sensitive, sensitive);
	}
}

/* What no setting can be judged for alone. */
static void check_together(const Reader *reader, const Config *config, const config_t *parsed)
{
	if (config->bounce_address[0] != '\0' && config->envelope_sender[0] != '\0')
		reader_mistake_line(reader, MAX(line_of(parsed, "reply.bounce_address"), line_of(parsed, "reply.envelope_sender")),
		    "reply.bounce_address and reply.envelope_sender exclude each other: replies carry one envelope sender");
	for (SupportAddress **support = config->support; support != NULL && *support != NULL; support++)
		if (config->bounce_address[0] != '\0' && g_strcmp0((*support)->address, config->bounce_address) == 0)
			reader_mistake_line(reader, line_of(parsed, "reply.bounce_address"),
			    "reply.bounce_address: %s is a support address; bounces need one of their own", config->bounce_address);
	if (config->reply_retry_first > config->reply_retry_max)
		reader_mistake_line(reader, MAX(line_of(parsed, "reply.retry_first"), line_of(parsed, "reply.retry_max")),
		    "reply.retry_first is longer than reply.retry_max");
	check_urls(reader, config, parsed);
	check_route_headers(reader, config, parsed);
	check_route_classes(reader, config, parsed);
}

bool config_is_shadow(const Config *config, const SupportAddress *support, const char *sender)
{
	int mode = support != NULL && support->mode >= 0 ? support->mode : config->mode;

	return mode == MODE_SHADOW && !config_list_has(config->canary, sender);
}

char *config_where(const Config *config, guint line)
{
	return line > 0 ? g_strdup_printf("%s:%u", config->path, line) : g_strdup(config->path);
}

Config *config_load_text(const char *path, const char *text, gsize size, GPtrArray *mistakes)
{
	Config *config = config_new(path);
	config_t parsed;
	Reader reader;

	reader_init(&reader, path, config->dir);
	if (reader_parse(&reader, text, size, &parsed)) {
		reader_walk(&reader, config_root_setting(&parsed), "", &settings_main, config);
		check_together(&reader, config, &parsed);
		config->store_url_line = line_of(&parsed, "store.url");
		config->rules_dir_line = line_of(&parsed, "rules.dir");
		config->model_file_line = line_of(&parsed, "model.file");
		config->template_dir_line = line_of(&parsed, "template.dir");
		config->spf_program_line = line_of(&parsed, "spf.program");
		config->shared_file_line = line_of(&parsed, "ack.shared_domains_file");
		config_destroy(&parsed);
	} else {
		g_clear_pointer(&config, config_unref);
	}
	reader_finish(&reader, mistakes);
	if (config != NULL)
		complete(config, mistakes);
	return config;
}

Config *config_load(const char *path, GPtrArray *mistakes)
{
	const char *file = path != NULL ? path : CONFIG_DEFAULT_PATH;
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	gsize size = 0;

	if (g_file_get_contents(file, &text, &size, &error))
		return config_load_text(file, text, size, mistakes);
	g_ptr_array_add(mistakes, g_strdup_printf("%s: %s", file, error->message));
	return NULL;
}

Config *config_defaults(void)
{
	Config *config = config_new(CONFIG_DEFAULT_PATH);

	complete(config, NULL);
	return config;
}

GPtrArray *config_keep_running(const Config *running, Config *fresh)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	for (gsize i = 0; i < settings_main.count; i++) {
		const Setting *setting = &settings_main.rows[i];
		if (!setting->restart || setting_equal(setting, running, fresh))
			continue;
		g_ptr_array_add(names, g_strdup(setting->name));
		setting_copy(setting, running, fresh);
	}
	return names;
}

static bool names_address(const SupportAddress *support, const char *normal)
{
	return g_strcmp0(support->address, normal) == 0 || g_strv_contains((const char *const *)support->aliases, normal);
}

const SupportAddress *config_support(const Config *config, const char *rcpt)
{
	g_autoptr(Address) address = config->support[0] != NULL ? address_parse(rcpt, NULL) : NULL;
	g_autofree char *normal = NULL, *untagged = NULL;

	if (address == NULL)
		return NULL;
	normal = address_normal(address);
	for (SupportAddress **support = config->support; *support != NULL; support++)
		if (names_address(*support, normal))
			return *support;
	untagged = address_normal_untagged(address);
	for (SupportAddress **support = config->support; *support != NULL; support++)
		if ((*support)->plus && names_address(*support, untagged))
			return *support;
	for (SupportAddress **support = config->support; *support != NULL; support++)
		if (g_strcmp0((*support)->domain, address->domain) == 0)
			return *support;
	return NULL;
}

/* Returns the address; an IPv4 address in IPv6 clothes (::ffff:192.0.2.1, RFC 4291 section 2.5.5.2) as the IPv4 one it is. */
static GInetAddress *parse_ip(const char *ip)
{
	static const guint8 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	GInetAddress *address = g_inet_address_new_from_string(ip);
	GInetAddress *inner;

	if (address == NULL || g_inet_address_get_family(address) != G_SOCKET_FAMILY_IPV6 ||
	    memcmp(g_inet_address_to_bytes(address), mapped, sizeof mapped) != 0)
		return address;
	inner = g_inet_address_new_from_bytes(g_inet_address_to_bytes(address) + sizeof mapped, G_SOCKET_FAMILY_IPV4);
	g_object_unref(address);
	return inner;
}

static bool masks_match(const GPtrArray *masks, const char *ip)
{
	g_autoptr(GInetAddress) address = ip != NULL && masks->len > 0 ? parse_ip(ip) : NULL;

	for (guint i = 0; address != NULL && i < masks->len; i++)
		if (g_inet_address_mask_matches(g_ptr_array_index(masks, i), address))
			return true;
	return false;
}

bool config_trusts_host(const Config *config, const char *ip)
{
	return masks_match(config->trusted_masks, ip);
}

bool config_is_relay(const Config *config, const char *ip)
{
	return masks_match(config->relay_masks, ip);
}

bool config_is_form_host(const Config *config, const char *ip)
{
	return masks_match(config->form_masks, ip);
}

bool config_is_outbound_host(const Config *config, const char *ip)
{
	return masks_match(config->outbound_masks, ip);
}

/* How well text of language serves a letter in wanted: 2 the very one, 1 the same but for the region, 0 another. */
static int language_fits(const Config *config, const char *language, const char *wanted)
{
	const char *own = language != NULL ? language : *config->operator_language != '\0' ? config->operator_language : config->language;

	if (wanted == NULL || g_ascii_strcasecmp(own, wanted) == 0)
		return 2;
	return g_ascii_strncasecmp(own, wanted, strcspn(own, "-")) == 0 && strcspn(own, "-") == strcspn(wanted, "-");
}

const Offer *config_offer(const Config *config, const char *name, const char *level, const char *language)
{
	const Offer *best = NULL;
	int best_fit = -1;

	for (Offer **offer = config->offers; name != NULL && offer != NULL && *offer != NULL; offer++) {
		bool everybody = (*offer)->levels[0] == NULL;
		bool meant = everybody || (level != NULL && g_strv_contains((const char *const *)(*offer)->levels, level));
		/* What was approved for this level outranks what everybody gets, also in another language. */
		int fit = language_fits(config, (*offer)->language, language) + (everybody ? 0 : 3);

		if (strcmp((*offer)->name, name) == 0 && meant && fit > best_fit) {
			best = *offer;
			best_fit = fit;
		}
	}
	return best;
}

bool config_domain_is_shared(const Config *config, const char *domain)
{
	while (domain != NULL && !g_hash_table_contains(config->shared_domains, domain)) {
		domain = strchr(domain, '.');
		domain = domain != NULL ? domain + 1 : NULL;
	}
	return domain != NULL;
}

bool config_list_has(char *const *list, const char *address)
{
	g_autofree char *normal = list != NULL && list[0] != NULL ? address_normal_text(address) : NULL;
	const char *domain = normal != NULL ? strrchr(normal, '@') + 1 : NULL;

	for (; normal != NULL && *list != NULL; list++)
		if ((*list)[0] == '@' ? domain_is_under(domain, *list + 1) : strcmp(*list, normal) == 0)
			return true;
	return false;
}

bool config_store_is_shared(const Config *config)
{
	return !g_str_has_prefix(config->store_url, "sqlite:");
}

gint64 config_takeover(const Config *config)
{
	return config->reply_timeout * 2 + 10000;
}

const char *config_node(const Config *config)
{
	return *config->node_name != '\0' ? config->node_name : g_get_host_name();
}

char *config_secret_path(const Config *config)
{
	if (config->secret_file[0] != '\0')
		return g_strdup(config->secret_file);
	return g_build_filename(config->state_dir, "secret", NULL);
}

bool config_wants_model(const Config *config)
{
	return config->model_file[0] != '\0' && config->model_weight > 0;
}

bool config_authenticates(const Config *config)
{
	return config->spf_enabled || config->authserv_ids[0] != NULL;
}

char *config_spf_program(const Config *config)
{
	g_autofree char *self = NULL, *dir = NULL, *beside = NULL;

	if (config->spf_program[0] != '\0')
		return g_strdup(config->spf_program);
	/* A program that runs from where it was built has its helper beside it. */
	self = g_file_read_link("/proc/self/exe", NULL);
	dir = self != NULL ? g_path_get_dirname(self) : NULL;
	beside = dir != NULL ? g_build_filename(dir, "outage-spf", NULL) : NULL;
	if (beside != NULL && g_file_test(beside, G_FILE_TEST_IS_EXECUTABLE))
		return g_steal_pointer(&beside);
	return g_strdup(PKGLIBEXECDIR "/outage-spf");
}
