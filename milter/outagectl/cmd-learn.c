/* cmd-learn: trains the model from mail of which it is known what it is (inspect/learn.h). Layer: program. */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "inspect/learn.h"
#include "inspect/normal.h"
#include "mail/text.h"
#include "outagectl/cli.h"
#include "outagectl/sources.h"

/* The shipped texts, beside the model and where the package has them. */
#define CORPUS "corpus"
/* How often a mail of the site's own counts beside those: it is nearer to the mail that will come, and there are fewer of them. */
#define OWN_WEIGHT 3

typedef struct {
	Sources sources;
	char *output, *stamp;
	gboolean only;
	gint64 at;
	GPtrArray *texts;     /* LearnText * */
	gsize text_limit;
} Learn;

static void learn_clear(Learn *learn)
{
	sources_clear(&learn->sources);
	g_free(learn->output);
	g_free(learn->stamp);
	g_clear_pointer(&learn->texts, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Learn, learn_clear)

/* As the daemon would read it: only what the writer says. */
static void take(const Sample *sample, gpointer data)
{
	Learn *learn = data;
	g_autoptr(Text) text = text_read(sample->message, learn->text_limit);
	gsize length;
	g_autofree char *subject = normal_text(text->subject, &length);
	g_autofree char *own = normal_text(text->own, &length);

	g_ptr_array_add(learn->texts,
	    learn_text_new(subject != NULL ? subject : text->subject, own != NULL ? own : text->own, sample->label == SAMPLE_OUTAGE));
}

/* Returns the folder of the shipped texts, or NULL where there is none. Caller frees. */
static char *find_corpus(const Config *config)
{
	g_autofree char *dir = g_path_get_dirname(config->model_file);
	g_autofree char *beside = g_build_filename(dir, CORPUS, NULL);
	g_autofree char *shipped = g_build_filename(PKGDATADIR, CORPUS, NULL);

	if (config->model_file[0] != '\0' && g_file_test(beside, G_FILE_TEST_IS_DIR))
		return g_steal_pointer(&beside);
	return g_file_test(shipped, G_FILE_TEST_IS_DIR) ? g_steal_pointer(&shipped) : NULL;
}

static int read_texts(Cli *cli, Learn *learn, char **rest)
{
	g_autofree char *corpus = learn->only ? NULL : find_corpus(cli->config);
	g_autoptr(GPtrArray) paths = g_ptr_array_new();
	guint own;

	for (; *rest != NULL; rest++)
		g_ptr_array_add(paths, *rest);
	g_ptr_array_add(paths, NULL);
	learn->texts = g_ptr_array_new_with_free_func((GDestroyNotify)learn_text_free);
	learn->text_limit = (gsize)cli->config->text_limit;
	if (!sources_read(&learn->sources, (char **)paths->pdata, (gsize)cli->config->body_limit, take, learn) && corpus == NULL)
		return cli_usage("learn takes mail of which it is known what it is: --outage, --other, --tsv or PATH");
	if (corpus == NULL && !learn->only)
		return cli_failed("the texts that come with this program are not in " PKGDATADIR "/" CORPUS
		                  ": --only learns without them");
	own = learn->texts->len;
	if (corpus != NULL) {
		char *along[] = { corpus, NULL };
		Sources shipped = { 0 };

		for (guint i = 0; i < own; i++)
			((LearnText *)g_ptr_array_index(learn->texts, i))->weight = OWN_WEIGHT;
		(void)sources_read(&shipped, along, (gsize)cli->config->body_limit, take, learn);
		learn->sources.mistakes += shipped.mistakes;
	}
	printf("%u of your mails and %u texts that come with this program\n", own, learn->texts->len - own);
	if (learn->sources.mistakes > 0)
		return cli_failed("nothing was learned: put right first what was wrong");
	return CLI_DONE;
}

/* Asked before minutes are spent on learning what has nowhere to go. */
static bool has_place(const char *output)
{
	g_autofree char *dir = g_path_get_dirname(output);

	if (g_file_test(output, G_FILE_TEST_IS_DIR))
		(void)cli_failed("%s is a folder: -o takes the file where the model goes", output);
	else if (g_access(dir, W_OK) != 0)
		(void)cli_failed("%s cannot be written: %s: %s", output, dir, g_strerror(errno));
	else
		return true;
	return false;
}

static int learn_and_write(Learn *learn)
{
	LearnReport report;
	GError *error = NULL;
	g_autoptr(GBytes) file = learn_model(learn->texts, learn->at, &report, &error);
	g_autoptr(Model) model = NULL;
	g_autofree char *description = NULL;

	if (file == NULL)
		return cli_error(error);
	model = model_new(file, learn->output, &error);
	if (model == NULL)
		return cli_error(error);
	if (!g_file_set_contents_full(learn->output, g_bytes_get_data(file, NULL), (gssize)g_bytes_get_size(file),
	        G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0644, &error))
		return cli_error(error);
	description = model_describe(model);
	printf("%s: %s (%" G_GSIZE_FORMAT " bytes)\n", learn->output, description, g_bytes_get_size(file));
	printf("%u were nearly the same as another and did not count\n", report.alike);
	printf("held out in turn, by the model alone: precision %.3f, recall %.3f, F1 %.3f; recall at 1.5 %% false alarms %.3f\n",
	    report.precision, report.recall, report.f1, report.recall_at_alarms);
	printf("`outagectl evaluate` measures it on mail that it has not seen; a reload of outage-milter takes it over\n");
	return CLI_DONE;
}

int command_learn(Cli *cli, int argc, char **argv)
{
	int status;
	g_auto(Learn) learn = { .at = clock_now() };
	const GOptionEntry entries[] = {
		SOURCES_OPTIONS(&learn.sources),
		{ "output", 'o', 0, G_OPTION_ARG_FILENAME, &learn.output, "Where the model goes", "FILE" },
		{ "only", 0, 0, G_OPTION_ARG_NONE, &learn.only, "Without the texts that come with this program", NULL },
		{ "stamp", 0, 0, G_OPTION_ARG_STRING, &learn.stamp, "As if it were this time", "TIME" },
		G_OPTION_ENTRY_NULL,
	};

	if (!cli_options(cli, entries, "[PATH...] - train the model from mail of which it is known what it is", &argc, &argv))
		return CLI_USAGE;
	if (learn.output == NULL)
		return cli_usage("learn takes -o FILE: where the model goes");
	if (learn.stamp != NULL && !clock_parse(learn.stamp, &learn.at))
		return cli_usage("--stamp takes an RFC 3339 time, not \"%s\"", learn.stamp);
	if (!cli_config(cli) || !has_place(learn.output))
		return CLI_FAILED;
	status = read_texts(cli, &learn, argv + 1);
	return status == CLI_DONE ? learn_and_write(&learn) : status;
}
