/* model: a linear classifier over hashed words, word pairs and character n-grams: does this text speak of an outage? Layer:
 * inspect.
 *
 * The weights are a small file (format: model-private.h), made by `outagectl learn` (learn.h) and shipped as
 * conf/model/outage.model, trained on conf/model/corpus alone. Pure after model_open; safe from any thread. */
#ifndef OUTAGE_INSPECT_MODEL_H
#define OUTAGE_INSPECT_MODEL_H

#include <glib.h>
#include <stdbool.h>

typedef struct Model Model;

/* Reads and checks the file. Returns NULL with OUTAGE_ERROR_INVALID, naming the file and what is wrong with it (no model file, of
 * another version, cut short, damaged), or OUTAGE_ERROR_SYSTEM where it cannot be read. */
Model *model_open(const char *path, GError **error);
/* The same for bytes that lie in memory (taken a reference of); name goes into the errors. */
Model *model_new(GBytes *bytes, const char *name, GError **error);
Model *model_ref(Model *model);
void model_unref(Model *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Model, model_unref)

/* Returns the points that the model adds to the score of a mail, above 0 for outage mail: calibrated so that a text of which it
 * is sure reaches the usual threshold (5.0) alone, and bounded. 0 where there is nothing to judge. subject and body as
 * normal_text leaves them. words (may be NULL) receives the words and word pairs that moved it most, strongest first (char *, at
 * most 6, each "word" or "-word" where it spoke against): only such as consist of letters, so that no key, number or address can
 * be among them. */
double model_score(const Model *model, const char *subject, const char *body, GPtrArray *words);

/* Returns what the file says of itself: how many texts it learned from, when; one line. Caller frees. */
char *model_describe(const Model *model);

#endif
