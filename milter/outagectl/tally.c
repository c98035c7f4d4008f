/* tally: see tally.h. Layer: program. */
#include "outagectl/tally.h"

#include <string.h>

Tally tally_new(void)
{
	return (Tally){ .people = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL) };
}

void tally_clear(Tally *tally)
{
	g_hash_table_unref(tally->people);
}

bool tally_add(Tally *tally, const Verdict *verdict, const char *name)
{
	Reason first = 0;

	if (verdict->match && strcmp(verdict->incident->name, name) != 0) {
		tally->elsewhere++;
		return false;
	}
	if (verdict->claim != NULL) {
		bool fresh = g_hash_table_add(tally->people, g_strdup(verdict->claim->sender));

		tally->wanted += fresh;
		tally->again += !fresh;
		return fresh;
	}
	while (first < REASONS && (verdict->reasons & REASON_BIT(first)) == 0)
		first++;
	if (!verdict->inspected)
		tally->given_up++;
	else if (first < REASONS)
		tally->reasons[first]++;
	else
		tally->shadow++;
	return false;
}

static void append(GString *text, guint count, const char *what)
{
	if (count > 0)
		g_string_append_printf(text, "%s%u %s", text->len > 0 ? ", " : "", count, what);
}

char *tally_left_alone(const Tally *tally)
{
	GString *text = g_string_new(NULL);

	for (Reason reason = 0; reason < REASONS; reason++)
		append(text, tally->reasons[reason], reason_name(reason));
	append(text, tally->shadow, "no canary (mode is shadow)");
	append(text, tally->answered, "answered already");
	append(text, tally->again, "more of the same people");
	append(text, tally->elsewhere, "about another incident");
	append(text, tally->given_up, "to an address that is no support address any more");
	append(text, tally->unverified, "not signed by this site");
	return g_string_free(text, FALSE);
}

char *tally_answers(const Tally *tally)
{
	GString *text = g_string_new(NULL);
	guint held = 0;

	for (guint i = 0; i < G_N_ELEMENTS(tally->answers); i++)
		held += i != CLAIM_WON && i != CLAIM_ALREADY ? tally->answers[i] : 0;
	g_string_printf(text, "%u queued", tally->answers[CLAIM_WON]);
	append(text, tally->answers[CLAIM_ALREADY], "answered already");
	append(text, held, "held back:");
	if (held > 0) {
		g_autoptr(GString) why = g_string_new(NULL);

		append(why, tally->answers[CLAIM_BOUNCED], "whose mail comes back");
		append(why, tally->answers[CLAIM_RATE], "over a cap");
		append(why, tally->answers[CLAIM_PAUSED], "paused");
		append(why, tally->answers[CLAIM_ENDED], "ended meanwhile");
		append(why, tally->answers[CLAIM_FULL], "the queue is full");
		g_string_append_printf(text, " %s", why->str);
	}
	return g_string_free(text, FALSE);
}
