/* cmd-evaluate: how good is the detection on mail of which it is known what it is? Decides by the daemon's own code, with the
 * configuration's rules and model and a P1 incident of which nothing is said. Layer: program. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "inspect/verdict.h"
#include "mail/text.h"
#include "outagectl/cli.h"
#include "outagectl/evaluate.h"
#include "outagectl/offline.h"
#include "outagectl/sources.h"

/* Bytes of a text that are shown of a mistake. */
#define SHOWN 100

typedef struct {
	VerdictContext context;
	GPtrArray *mails;     /* Measured * */
	const char *rcpt;
} Evaluation;

static char *joined(const GPtrArray *names)
{
	GString *list = g_string_new(NULL);

	for (guint i = 0; i < names->len; i++)
		g_string_append_printf(list, "%s%s", i > 0 ? "," : "", (const char *)g_ptr_array_index(names, i));
	return g_string_free(list, FALSE);
}

static char *beginning_of(const Message *message)
{
	g_autoptr(Text) text = text_read(message, 4 * SHOWN);
	g_autofree char *both = g_strconcat(text->subject, *text->subject != '\0' ? " | " : "", text->own, NULL);

	g_strdelimit(both, "\r\n\t", ' ');
	return log_escape(g_strstrip(both), SHOWN);
}

/* What is printed goes into tickets and mails; a secret is not shown there. */
static char *beginning(const Message *message, const Verdict *verdict)
{
	g_autofree char *secrets = joined(verdict->sensitive);

	if (*secrets != '\0')
		return g_strdup_printf("(not shown, for it holds: %s)", secrets);
	return beginning_of(message);
}

static void evaluate_one(const Sample *sample, gpointer data)
{
	Evaluation *evaluation = data;
	Measured *mail = measured_new();
	g_autoptr(Verdict) verdict = NULL;

	message_set_sender(sample->message, "customer@example.invalid");
	message_add_rcpt(sample->message, evaluation->rcpt);
	verdict = verdict_decide(&evaluation->context, sample->message);
	mail->id = log_escape(sample->id, 0);
	mail->source = log_escape(sample->source, 0);
	mail->language = log_escape(sample->language != NULL && *sample->language != '\0' ? sample->language : verdict->language, 0);
	mail->outage = sample->label == SAMPLE_OUTAGE;
	mail->points[MEASURE_BOTH] = verdict->score;
	mail->points[MEASURE_RULES] = verdict->rules_score;
	mail->points[MEASURE_MODEL] = verdict->model_score;
	mail->threshold = verdict->threshold;
	mail->rules = joined(verdict->rules);
	mail->words = joined(verdict->words);
	mail->found = joined(verdict->escalate);
	if (sample->escalate != NULL && strcmp(sample->escalate, "?") != 0)
		mail->wanted = g_strdup(sample->escalate);
	verdict_fold(verdict, &evaluation->context, CLAIM_WON);
	mail->text = beginning(sample->message, verdict);
	g_ptr_array_add(evaluation->mails, mail);
}

static int evaluate(Cli *cli, Sources *sources, char **rest, bool json)
{
	g_autoptr(GPtrArray) mails = g_ptr_array_new_with_free_func((GDestroyNotify)measured_free);
	g_autoptr(Engine) engine = cli_engine(cli);
	const SupportAddress *support = cli->config->support[0];
	g_autofree char *rcpt = support->address != NULL ? g_strdup(support->address) : g_strconcat("support@", support->domain, NULL);
	g_autofree char *model = engine != NULL && engine->model != NULL ? model_describe(engine->model) : NULL;
	gint64 now = clock_now();
	Accounts *accounts;
	Snapshot *snapshot;
	bool any;

	if (engine == NULL)
		return CLI_FAILED;
	accounts = accounts_new();
	snapshot = offline_snapshot(WORD_P1, now);
	any = sources_read(sources, rest, (gsize)cli->config->body_limit, evaluate_one,
	    &(Evaluation){
	        .context = { .engine = engine, .accounts = accounts, .snapshot = snapshot, .now = now },
	        .mails = mails,
	        .rcpt = rcpt,
	    });
	snapshot_unref(snapshot);
	accounts_unref(accounts);
	if (!any)
		return cli_usage("evaluate takes mail of which it is known what it is: --outage, --other, --tsv or PATH");
	if (mails->len == 0)
		return cli_failed("there is no mail to evaluate");
	if (json)
		evaluate_print_json(mails, model);
	else
		evaluate_print_text(mails, model);
	return sources->mistakes > 0 ? CLI_FAILED : CLI_DONE;
}

int command_evaluate(Cli *cli, int argc, char **argv)
{
	g_auto(Sources) sources = { 0 };
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		SOURCES_OPTIONS(&sources),
		{ "json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object", NULL },
		G_OPTION_ENTRY_NULL,
	};

	if (!cli_options(cli, entries, "[PATH...] - how good is the detection on mail of which it is known what it is?", &argc, &argv))
		return CLI_USAGE;
	if (!cli_config(cli))
		return CLI_FAILED;
	offline_prepare(cli->config, NULL);
	return evaluate(cli, &sources, argv + 1, json);
}
