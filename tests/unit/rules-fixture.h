/* rules-fixture: rules for tests, from files as the programs read them. Layer: tests. */
#ifndef OUTAGE_TESTS_RULES_FIXTURE_H
#define OUTAGE_TESTS_RULES_FIXTURE_H

#include "inspect/rules-private.h"

/* The shipped rules; a mistake in them ends the test. */
Rules *rules_fixture_shipped(void);

/* Loads rules from one text that must be free of mistakes. */
Rules *rules_fixture_of(const char *text);

/* As the milter matches: subject and body go through normal_text first. */
RulesResult *rules_fixture_match(const Rules *rules, const char *subject, const char *body);

/* The names with a comma between; caller frees. */
char *rules_fixture_joined(GPtrArray *names);

/* A new empty folder; rules_fixture_remove deletes it with its files and frees the name. */
char *rules_fixture_dir(void);
void rules_fixture_put(const char *dir, const char *name, const char *text);
void rules_fixture_remove(char *dir);

#endif
