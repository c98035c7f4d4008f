/* config-lists: the lists of groups, `support` and `routes`, each with a table of its own. Layer: config. */
#include "config/config-private.h"

#include <string.h>

static const char *const modes[] = { "shadow", "live", NULL };
static const char *const acks[] = { "none", "personal", "macro", NULL };
static const char *const tiers[] = { "T1", "T2", "T3", NULL };
static const char *const priorities[] = { "auto", "none", "low", "normal", "high", "urgent", NULL };
static const char *const severities[] = { "P1", "P2", "P3", "resolved", NULL };

static const Setting support_rows[] = {
	{ .name = "address", TEXT_AT(SupportAddress, FORM_KEY_ADDRESS, address),
	  .help = "The support address. Either this or domain must be there." },
	{ .name = "domain", TEXT_AT(SupportAddress, FORM_DOMAIN, domain),
	  .help = "Every address of this domain (not of its subdomains). Addresses that stand in the list by themselves keep "
	          "their own settings." },
	{ .name = "aliases", LIST_AT(SupportAddress, FORM_KEY_ADDRESS, aliases), .standard = "",
	  .help = "Other addresses that end up in the same mailbox. They count as this address, also where the mail's To and Cc "
	          "are searched for it." },
	{ .name = "plus", BOOL_AT(SupportAddress, plus), .standard = "true",
	  .help = "Whether support+anything@example.com counts as support@example.com." },
	{ .name = "mode", CHOICE_AT(SupportAddress, mode, modes),
	  .help = "shadow or live for this address alone. Unset, the mode of the site holds." },
	{ .name = "from_name", TEXT_AT(SupportAddress, FORM_TEXT, from_name),
	  .help = "Display name in the From of acknowledgements. Unset, site.name or site.team is taken." },
	{ .name = "reply_to", TEXT_AT(SupportAddress, FORM_ADDRESS, reply_to),
	  .help = "Reply-To of acknowledgements. Unset, it is the support address itself, for a domain the address written to." },
	{ .name = "language", TEXT_AT(SupportAddress, FORM_LANGUAGE, language),
	  .help = "Language of acknowledgements where the mail's own cannot be told." },
	{ .name = "status_url", TEXT_AT(SupportAddress, FORM_HTTPS, status_url),
	  .help = "Status page for customers of this address. reply.url_domains must cover its host." },
	{ .name = "incidents", LIST_AT(SupportAddress, FORM_INCIDENT, incidents), .standard = "",
	  .help = "Names of the incidents that concern this address. Empty, all do." },
	{ .name = "threshold", FLOAT_AT(SupportAddress, threshold), .min = 0.1, .max = 1000,
	  .help = "Score from which on a mail to this address counts as outage mail. Unset, match.threshold holds." },
};
const SettingTable settings_support = TABLE_OF(support_rows);

static const Setting route_rows[] = {
	{ .name = "name", TEXT_AT(Route, FORM_TOKEN, name),
	  .help = "Name of the route in log lines. Unset, it is its number." },
	{ .name = "when.match", WHEN_AT(Route, when_match),
	  .help = "The mail matches an open or lately resolved incident (true) or does not (false)." },
	{ .name = "when.account", WHEN_AT(Route, when_account),
	  .help = "The sender belongs to an account and is verified." },
	{ .name = "when.level", LIST_AT(Route, FORM_TOKEN, when_level), .standard = "",
	  .help = "The account's level is one of these." },
	{ .name = "when.escalate", LIST_AT(Route, FORM_TOKEN, when_escalate), .standard = "",
	  .help = "One of these classes was found: legal, media, refund, security, data-loss, privacy, churn, still-affected." },
	{ .name = "when.sensitive", LIST_AT(Route, FORM_TOKEN, when_sensitive), .standard = "",
	  .help = "One of these secrets was found: api-key, private-key, password, card-number; * is any." },
	{ .name = "when.evidence", WHEN_AT(Route, when_evidence),
	  .help = "The mail carries what an engineer can use, such as a log excerpt or an error code." },
	{ .name = "when.incident", LIST_AT(Route, FORM_INCIDENT, when_incident), .standard = "",
	  .help = "The incident's name is one of these." },
	{ .name = "when.severity", LIST_AT(Route, FORM_WORD, when_severity), .standard = "", .choices = severities,
	  .help = "The incident's flip word is one of P1, P2, P3, resolved." },
	{ .name = "when.language", LIST_AT(Route, FORM_LANGUAGE, when_language), .standard = "",
	  .help = "The mail's language is one of these." },
	{ .name = "queue", TEXT_AT(Route, FORM_TEXT, queue),
	  .help = "Queue for X-Outage-Queue and the helpdesk. Every route needs one." },
	{ .name = "tier", TEXT_AT(Route, FORM_WORD, tier), .choices = tiers,
	  .help = "T1, T2 or T3 for X-Outage-Tier." },
	{ .name = "respond_within", NUMBER_AT(Route, FORM_SECONDS, respond_within), .min = 0, .max = 30 * 86400,
	  .help = "Time within which a person should answer. The earlier of this and the account's becomes X-Outage-Respond-By." },
	{ .name = "ack", CHOICE_AT(Route, ack, acks), .standard = "macro",
	  .help = "Which acknowledgement may go out: none, personal (signed by a person) or macro. The strictest of all routes that "
	          "match counts, not only that of the first." },
	{ .name = "template", TEXT_AT(Route, FORM_TEMPLATE, template_name),
	  .help = "Template of the acknowledgement. Unset, it goes by severity." },
	{ .name = "group", TEXT_AT(Route, FORM_TEXT, group),
	  .help = "What the helpdesk calls the group or queue. Unset, it is queue; an empty text leaves the group to the helpdesk, as a route without "
	          "conditions does unless it names one." },
	{ .name = "priority", CHOICE_AT(Route, priority, priorities), .standard = "auto",
	  .help = "The ticket's priority, in words that mean the same for every helpdesk: low, normal, high, urgent, or none to leave it alone. auto "
	          "goes by severity (P1 high, P2 normal, P3 and resolved low), and is none in a route without conditions." },
	{ .name = "owner", TEXT_AT(Route, FORM_TEXT, owner),
	  .help = "The ticket's owner, as the helpdesk calls him. Unset, it is the manager of a verified account (helpdesk_owner)." },
	{ .name = "headers", .form = FORM_GROUPS, .offset = OFFSET(Route, char **, headers), .read = lists_read_route_headers,
	  .help = "Headers to add for the helpdesk, as { name = ...; value = ...; }. One that helpdesk would set as well is set as it stands "
	          "here. Headers that mail itself stands on are refused." },
	{ .name = "add_recipients", LIST_AT(Route, FORM_ADDRESS, add_recipients), .standard = "",
	  .help = "Addresses that receive the mail as well." },
	{ .name = "replace_recipients", BOOL_AT(Route, replace_recipients), .standard = "false",
	  .help = "Whether add_recipients take the place of the support addresses that were written to." },
	{ .name = "page", BOOL_AT(Route, page), .standard = "false",
	  .help = "Whether a person is called (page.command, page.to) until one has answered." },
	{ .name = "subject_tag", TEXT_AT(Route, FORM_TEXT, subject_tag),
	  .help = "Put in front of the subject. It breaks the sender's DKIM signature." },
};
const SettingTable settings_route = TABLE_OF(route_rows);

static const Setting offer_rows[] = {
	{ .name = "name", TEXT_AT(Offer, FORM_TEMPLATE, name),
	  .help = "What an incident's field offer names it by." },
	{ .name = "levels", LIST_AT(Offer, FORM_TOKEN, levels), .standard = "",
	  .help = "Only to accounts of these levels. Empty, to everybody." },
	{ .name = "language", TEXT_AT(Offer, FORM_LANGUAGE, language),
	  .help = "Language of the text. Unset, it is reply.operator_language." },
	{ .name = "text", TEXT_AT(Offer, FORM_LINES, text),
	  .help = "The offer, as customers read it: whole sentences." },
};
const SettingTable settings_offer = TABLE_OF(offer_rows);

typedef struct {
	char *name, *value;
} RouteHeader;

static const Setting route_header_rows[] = {
	{ .name = "name", TEXT_AT(RouteHeader, FORM_SET_HEADER, name), .help = "Name of the header." },
	{ .name = "value", TEXT_AT(RouteHeader, FORM_TEXT, value), .help = "Its value." },
};
const SettingTable settings_route_header = TABLE_OF(route_header_rows);

const char lists_support_example[] =
	"(\n"
	"\t\"support@example.com\",\n"
	"\t{ address = \"hilfe@example.com\"; aliases = ( \"kontakt@example.com\" ); language = \"de\"; mode = \"live\"; },\n"
	"\t{ domain = \"help.example.com\"; threshold = 6.0; }\n"
	")";

const char lists_offers_example[] =
	"(\n"
	"\t{ name = \"credit\"; levels = ( \"gold\", \"platinum\" ); language = \"en\";\n"
	"\t  text = \"We will credit the time of this outage to your next invoice.\"; }\n"
	")";

const char lists_shipped_routes[] =
	"(\n"
	"\t{ name = \"accounts\"; when = { account = true; }; queue = \"accounts\"; priority = \"urgent\";\n"
	"\t  ack = \"none\"; page = true; },\n"
	"\t{ name = \"legal-media\"; when = { escalate = ( \"legal\", \"media\" ); }; queue = \"escalations\";\n"
	"\t  priority = \"urgent\"; ack = \"none\"; page = true; },\n"
	"\t{ name = \"still-affected\"; when = { escalate = ( \"still-affected\" ); }; queue = \"escalations\";\n"
	"\t  priority = \"urgent\"; ack = \"none\"; page = true; },\n"
	"\t{ name = \"sensitive\"; when = { sensitive = ( \"*\" ); }; queue = \"internal\"; template = \"ack-sensitive\"; },\n"
	"\t{ name = \"evidence\"; when = { match = true; evidence = true; }; queue = \"surge\"; tier = \"T2\";\n"
	"\t  template = \"ack-technical\"; },\n"
	"\t{ name = \"outage\"; when = { match = true; }; queue = \"surge\"; priority = \"normal\"; tier = \"T1\"; },\n"
	"\t{ name = \"normal\"; queue = \"normal\"; }\n"
	")";

static void support_address_free(gpointer data)
{
	settings_clear(&settings_support, data);
	g_free(data);
}

static void route_free(gpointer data)
{
	Route *route = data;

	settings_clear(&settings_route, route);
	g_strfreev(route->headers);
	g_free(route);
}

static void offer_free(gpointer data)
{
	settings_clear(&settings_offer, data);
	g_free(data);
}

void lists_free(Config *config)
{
	for (Offer **offer = config->offers; offer != NULL && *offer != NULL; offer++)
		offer_free(*offer);
	g_free(config->offers);
	for (SupportAddress **support = config->support; support != NULL && *support != NULL; support++)
		support_address_free(*support);
	for (Route **route = config->routes; route != NULL && *route != NULL; route++)
		route_free(*route);
	g_free(config->support);
	g_free(config->routes);
}

static bool is_list(const Reader *reader, const config_setting_t *node)
{
	if (config_setting_type(node) == CONFIG_TYPE_LIST || config_setting_type(node) == CONFIG_TYPE_ARRAY)
		return true;
	reader_mistake(reader, node, "%s: a list ( ... ) is wanted", config_setting_name(node));
	return false;
}

static bool list_overlaps(char *const *one, char *const *other)
{
	for (; *one != NULL; one++)
		if (g_strv_contains((const char *const *)other, *one))
			return true;
	return false;
}

static bool support_claims_same(const SupportAddress *one, const SupportAddress *other)
{
	if (one->domain != NULL && g_strcmp0(one->domain, other->domain) == 0)
		return true;
	if (one->address != NULL && (g_strcmp0(one->address, other->address) == 0 ||
	    g_strv_contains((const char *const *)other->aliases, one->address)))
		return true;
	if (other->address != NULL && g_strv_contains((const char *const *)one->aliases, other->address))
		return true;
	return list_overlaps(one->aliases, other->aliases);
}

static SupportAddress *read_support_entry(const Reader *reader, config_setting_t *node)
{
	SupportAddress *support = g_new0(SupportAddress, 1);
	guint before = reader->mistakes->len;
	g_autoptr(GError) error = NULL;

	support->mode = -1;
	support->threshold = -1;
	settings_set_defaults(&settings_support, support, reader->dir);
	if (config_setting_is_group(node)) {
		reader_walk(reader, node, "support.", &settings_support, support);
	} else if (config_setting_type(node) == CONFIG_TYPE_STRING) {
		const char *text = config_setting_get_string(node);
		setting_set_text(&support_rows[0], support, setting_normal_text(&support_rows[0], text, reader->dir, &error));
		if (error != NULL)
			reader_mistake(reader, node, "support: %s", error->message);
	} else {
		reader_mistake(reader, node, "support: an address in quotes or a group { ... } is wanted");
	}
	if (reader->mistakes->len == before && (support->address == NULL) == (support->domain == NULL))
		reader_mistake(reader, node, "support: an entry needs either an address or a domain");
	if (reader->mistakes->len == before)
		return support;
	support_address_free(support);
	return NULL;
}

void lists_read_support(const Reader *reader, const config_setting_t *node, gpointer base)
{
	Config *config = base;
	g_autoptr(GPtrArray) entries = g_ptr_array_new();

	if (!is_list(reader, node))
		return;
	for (int i = 0; i < config_setting_length(node); i++) {
		config_setting_t *element = config_setting_get_elem(node, (unsigned)i);
		SupportAddress *support = read_support_entry(reader, element);

		for (guint j = 0; support != NULL && j < entries->len; j++)
			if (support_claims_same(support, g_ptr_array_index(entries, j))) {
				reader_mistake(reader, element, "support: %s or an alias of it stands in the list already",
				    support->address != NULL ? support->address : support->domain);
				break;
			}
		if (support != NULL)
			g_ptr_array_add(entries, support);
	}
	g_ptr_array_add(entries, NULL);
	g_free(config->support);
	config->support = (SupportAddress **)g_ptr_array_free(g_steal_pointer(&entries), FALSE);
}

void lists_read_route_headers(const Reader *reader, const config_setting_t *node, gpointer base)
{
	Route *route = base;
	g_autoptr(GStrvBuilder) headers = g_strv_builder_new();

	if (!is_list(reader, node))
		return;
	for (int i = 0; i < config_setting_length(node); i++) {
		config_setting_t *element = config_setting_get_elem(node, (unsigned)i);
		RouteHeader header = { NULL, NULL };
		guint before = reader->mistakes->len;

		if (config_setting_is_group(element))
			reader_walk(reader, element, "routes.headers.", &settings_route_header, &header);
		if (header.name != NULL && header.value != NULL) {
			g_strv_builder_add(headers, header.name);
			g_strv_builder_add(headers, header.value);
		} else if (reader->mistakes->len == before) {
			reader_mistake(reader, element, "routes.headers: { name = \"...\"; value = \"...\"; } is wanted");
		}
		settings_clear(&settings_route_header, &header);
	}
	g_strfreev(route->headers);
	route->headers = g_strv_builder_end(headers);
}

void lists_read_offers(const Reader *reader, const config_setting_t *node, gpointer base)
{
	Config *config = base;
	g_autoptr(GPtrArray) offers = g_ptr_array_new();

	if (!is_list(reader, node))
		return;
	for (int i = 0; i < config_setting_length(node); i++) {
		config_setting_t *element = config_setting_get_elem(node, (unsigned)i);
		Offer *offer = g_new0(Offer, 1);
		guint before = reader->mistakes->len;

		settings_set_defaults(&settings_offer, offer, reader->dir);
		if (config_setting_is_group(element))
			reader_walk(reader, element, "offers.", &settings_offer, offer);
		if (reader->mistakes->len == before && (offer->name == NULL || offer->text == NULL || *offer->text == '\0'))
			reader_mistake(reader, element, "offers: { name = \"...\"; text = \"...\"; } is wanted");
		if (reader->mistakes->len == before)
			g_ptr_array_add(offers, offer);
		else
			offer_free(offer);
	}
	g_ptr_array_add(offers, NULL);
	g_free(config->offers);
	config->offers = (Offer **)g_ptr_array_free(g_steal_pointer(&offers), FALSE);
}

static Route *route_new(const char *dir)
{
	Route *route = g_new0(Route, 1);

	settings_set_defaults(&settings_route, route, dir);
	route->headers = g_new0(char *, 1);
	return route;
}

static bool route_is_conditional(const Route *route)
{
	return route->when_match != WHEN_ANY || route->when_account != WHEN_ANY || route->when_evidence != WHEN_ANY ||
	    route->when_level[0] != NULL || route->when_escalate[0] != NULL || route->when_sensitive[0] != NULL ||
	    route->when_incident[0] != NULL || route->when_severity[0] != NULL || route->when_language[0] != NULL;
}

/* Mail that no condition has sorted is left to the helpdesk, unless the route itself gives an order. */
static void complete_orders(Route *route, const config_setting_t *node)
{
	bool conditional = route_is_conditional(route);

	if (conditional && config_setting_get_member(node, "group") == NULL)
		route->group = g_strdup(route->queue);
	if (!conditional && route->priority == PRIORITY_AUTO)
		route->priority = PRIORITY_NONE;
	route->sorts = conditional || route->group != NULL || route->priority != PRIORITY_NONE || route->owner != NULL;
}

static Route *read_route(const Reader *reader, config_setting_t *node, guint number)
{
	Route *route = route_new(reader->dir);
	guint before = reader->mistakes->len;

	if (config_setting_is_group(node))
		reader_walk(reader, node, "routes.", &settings_route, route);
	else
		reader_mistake(reader, node, "routes: a group { ... } is wanted");
	if (reader->mistakes->len == before && route->queue == NULL)
		reader_mistake(reader, node, "routes: a route without a queue");
	if (route->replace_recipients && route->add_recipients[0] == NULL)
		reader_mistake(reader, node, "routes: replace_recipients without add_recipients would leave nobody");
	if (route->name == NULL)
		route->name = g_strdup_printf("%u", number);
	if (reader->mistakes->len == before) {
		complete_orders(route, node);
		return route;
	}
	route_free(route);
	return NULL;
}

/* A list whose last route has conditions is completed by one without, so that every mail has a route. */
void lists_read_routes(const Reader *reader, const config_setting_t *node, gpointer base)
{
	Config *config = base;
	g_autoptr(GPtrArray) routes = g_ptr_array_new();

	if (!is_list(reader, node))
		return;
	for (int i = 0; i < config_setting_length(node); i++) {
		Route *route = read_route(reader, config_setting_get_elem(node, (unsigned)i), (guint)i + 1);
		if (route != NULL)
			g_ptr_array_add(routes, route);
	}
	if (routes->len == 0 || route_is_conditional(g_ptr_array_index(routes, routes->len - 1))) {
		Route *route = route_new(reader->dir);
		route->name = g_strdup("normal");
		route->queue = g_strdup("normal");
		route->priority = PRIORITY_NONE;
		g_ptr_array_add(routes, route);
	}
	g_ptr_array_add(routes, NULL);
	g_free(config->routes);
	config->routes = (Route **)g_ptr_array_free(g_steal_pointer(&routes), FALSE);
}

void lists_set_shipped_routes(Config *config)
{
	g_autofree char *text = g_strdup_printf("routes = %s;\n", lists_shipped_routes);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	config_t parsed;
	Reader reader;

	if (config->routes != NULL)
		return;
	reader_init(&reader, "shipped routes", config->dir);
	if (reader_parse(&reader, text, strlen(text), &parsed)) {
		lists_read_routes(&reader, config_lookup(&parsed, "routes"), config);
		config_destroy(&parsed);
	}
	reader_finish(&reader, mistakes);
	for (guint i = 0; i < mistakes->len; i++)
		log_bug("%s", (const char *)g_ptr_array_index(mistakes, i));
}
