/* engine: everything that a configuration says to the deciding code, made once per (re)load and shared by reference. Layer: inspect. */
#ifndef OUTAGE_INSPECT_ENGINE_H
#define OUTAGE_INSPECT_ENGINE_H

#include <glib.h>

#include "config/config.h"
#include "inspect/model.h"
#include "inspect/rules.h"

typedef struct {
	Config *config;
	Rules *rules;
	Model *model;         /* NULL: rules alone */
	char **own;           /* normalised addresses and "@domain" that are ours: never answered */
	char **addressed;     /* those that count as "addressed to us" */
} Engine;

/* Takes a reference of each; model may be NULL. */
Engine *engine_new(Config *config, Rules *rules, Model *model);
Engine *engine_ref(Engine *engine);
void engine_unref(Engine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Engine, engine_unref)

/* Reads the rules and the model that config names. Every mistake in the rules is appended to mistakes (char *, "file:line: what is wrong"); with
 * any, NULL is returned. A model that cannot be used is no reason to stop: the rules go on alone, and *model_wrong (NULL before) receives one line
 * that says why, for the caller to log or to count as a mistake; caller frees. */
Engine *engine_load(Config *config, GPtrArray *mistakes, char **model_wrong);

#endif
