/* engine: the configuration as the deciding code wants it (see engine.h). Layer: inspect. Only engine_load reads files. */
#include "inspect/engine.h"

#include "base/address.h"

static void add_all(GPtrArray *to, char *const *from)
{
	for (; from != NULL && *from != NULL; from++)
		g_ptr_array_add(to, g_strdup(*from));
}

static void add_normal(GPtrArray *to, const char *address)
{
	char *normal = address_normal_text(address);

	if (normal != NULL)
		g_ptr_array_add(to, normal);
}

Engine *engine_new(Config *config, Rules *rules, Model *model)
{
	Engine *engine = g_atomic_rc_box_new0(Engine);
	g_autoptr(GPtrArray) addressed = g_ptr_array_new();
	g_autoptr(GPtrArray) own = g_ptr_array_new();

	for (SupportAddress **support = config->support; *support != NULL; support++) {
		if ((*support)->address != NULL)
			add_normal(addressed, (*support)->address);
		else
			g_ptr_array_add(addressed, g_strconcat("@", (*support)->domain, NULL));
		add_all(addressed, (*support)->aliases);
		if ((*support)->reply_to != NULL)
			add_normal(own, (*support)->reply_to);
	}
	for (guint i = 0; i < addressed->len; i++)
		g_ptr_array_add(own, g_strdup(g_ptr_array_index(addressed, i)));
	add_normal(own, config->reply_from);
	add_normal(own, config->envelope_sender);
	add_normal(own, config->bounce_address);
	g_ptr_array_add(addressed, NULL);
	g_ptr_array_add(own, NULL);
	engine->config = config_ref(config);
	engine->rules = rules_ref(rules);
	engine->model = model != NULL ? model_ref(model) : NULL;
	engine->addressed = (char **)g_ptr_array_free(g_steal_pointer(&addressed), FALSE);
	engine->own = (char **)g_ptr_array_free(g_steal_pointer(&own), FALSE);
	return engine;
}

Engine *engine_ref(Engine *engine)
{
	return g_atomic_rc_box_acquire(engine);
}

static void engine_clear(gpointer data)
{
	Engine *engine = data;

	config_unref(engine->config);
	rules_unref(engine->rules);
	model_unref(engine->model);
	g_strfreev(engine->own);
	g_strfreev(engine->addressed);
}

void engine_unref(Engine *engine)
{
	if (engine != NULL)
		g_atomic_rc_box_release_full(engine, engine_clear);
}

Engine *engine_load(Config *config, GPtrArray *mistakes, char **model_wrong)
{
	guint before = mistakes->len;
	g_autofree char *rules_place = config_where(config, config->rules_dir_line);
	g_autofree char *model_place = config_where(config, config->model_file_line);
	g_autoptr(GError) error = NULL;
	g_autoptr(Rules) rules = rules_load(config->rules_dir, mistakes);
	g_autoptr(Model) model = NULL;

	if (rules == NULL)
		g_ptr_array_add(mistakes, g_strdup_printf("%s: rules.dir: %s cannot be read", rules_place, config->rules_dir));
	if (config_wants_model(config)) {
		model = model_open(config->model_file, &error);
		if (model == NULL)
			*model_wrong = g_strdup_printf("%s: model.file: %s", model_place, error->message);
	}
	return mistakes->len == before ? engine_new(config, rules, model) : NULL;
}
