/* test-keep: the snapshot that survives a restart while the store is away. */
#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "store/keep.h"

static char *dir, *path;

static Snapshot *sample(void)
{
	Snapshot *snapshot = snapshot_new();
	Incident *incident = incident_new("payments");

	incident->state.flip = incident->state.word = WORD_P2;
	incident->state.id = g_strdup("20261121T151000Z-payments");
	incident->state.declared_at = 1795273800;
	incident->state.reopened_at = 1795274800;
	incident->state.epoch = 3;
	incident->state.changed_ms = 1795274800123;
	incident->texts[TEXT_TITLE] = g_strdup("Zahlungen \"hängen\"\nzweite Zeile");
	incident->texts[TEXT_MATCH] = g_strdup("pay(ment)?s?");
	incident->update_text = g_strdup("a disk is replaced");
	incident->update_at = 1795274900;
	g_ptr_array_add(snapshot->incidents, incident_new("default"));
	g_ptr_array_add(snapshot->incidents, incident);
	snapshot->pause = g_strdup("wording");
	snapshot->store_empty = true;
	snapshot->life = g_strdup("1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed/5f0c");
	return snapshot;
}

static void what_was_on_is_on_after_a_restart(void)
{
	g_autoptr(Snapshot) before = sample();
	g_autofree char *text = keep_format(before);
	g_autoptr(GError) error = NULL;

	g_assert_true(keep_save(path, text, 1795275000, &error));
	g_assert_no_error(error);
	g_autoptr(Snapshot) after = keep_load(path, &error);
	g_assert_no_error(error);
	g_autofree char *again = keep_format(after);
	g_assert_cmpstr(again, ==, text);
	g_assert_cmpint(after->taken_at, ==, 1795275000);
	g_assert_true(after->store_empty);
	const Incident *incident = snapshot_find(after, "payments");
	g_assert_nonnull(incident);
	g_assert_cmpint(incident->state.word, ==, WORD_P2);
	g_assert_cmpuint(incident->state.epoch, ==, 3);
	g_assert_cmpint(incident->state.changed_ms, ==, 1795274800123);
	g_assert_cmpstr(after->life, ==, before->life);
	g_assert_cmpstr(incident->texts[TEXT_TITLE], ==, "Zahlungen \"hängen\"\nzweite Zeile");
	g_assert_cmpstr(incident->update_text, ==, "a disk is replaced");
}

static void a_damaged_file_opens_no_incident(void)
{
	static const struct {
		const char *text;
		guint incidents; /* G_MAXUINT: no snapshot at all */
	} cases[] = {
		{ "", G_MAXUINT },
		{ "2026-11-21T15:10:00Z\n", G_MAXUINT },
		{ "2026-11-21T15:10:00Z\n{\"incidents\":[{\"na", G_MAXUINT },
		{ "yesterday\n{}\n", G_MAXUINT },
		{ "2026-11-21T15:10:00Z\n[]\n", G_MAXUINT },
		{ "2026-11-21T15:10:00Z\n{}\n", 0 },
		{ "2026-11-21T15:10:00Z\n{\"incidents\":7,\"pause\":{}}\n", 0 },
		{ "2026-11-21T15:10:00Z\n{\"incidents\":[null,7,{}]}\n", 0 },
		{ "2026-11-21T15:10:00Z\n{\"incidents\":[{\"name\":\"P1\",\"word\":\"P1\",\"flip\":\"P1\",\"id\":\"20261121T151000Z-P1\"}]}\n", 0 },
		{ "2026-11-21T15:10:00Z\n{\"incidents\":[{\"name\":\"default\",\"word\":\"P9\",\"flip\":\"P1\"}]}\n", 0 },
		{ "2026-11-21T15:10:00Z\n{\"incidents\":[{\"name\":\"default\",\"word\":\"P1\",\"flip\":\"P1\"}]}\n", 0 },
		{ "2026-11-21T15:10:00Z\n{\"incidents\":[{\"name\":\"default\",\"word\":\"P1\",\"flip\":\"P1\",\"id\":\"20261121T151000Z-default\","
		  "\"epoch\":\"x\",\"changed_ms\":-7,\"texts\":{\"title\":7,\"scope\":\"a\\u0007b\",\"eta\":\"soon\"}}]}\n", 1 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Snapshot) snapshot = NULL;

		g_assert_true(g_file_set_contents(path, cases[i].text, -1, NULL));
		snapshot = keep_load(path, &error);
		if (cases[i].incidents == G_MAXUINT) {
			g_assert_null(snapshot);
			g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
			continue;
		}
		g_assert_no_error(error);
		g_assert_cmpuint(snapshot->incidents->len, ==, cases[i].incidents);
		for (guint j = 0; j < snapshot->incidents->len; j++)
			for (int field = 0; field < TEXT_FIELDS; field++)
				g_assert_null(((Incident *)g_ptr_array_index(snapshot->incidents, j))->texts[field]);
	}
}

static void no_file_and_no_folder_are_told_apart(void)
{
	g_autofree char *nowhere = g_build_filename(dir, "missing", "snapshot.json", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_null(keep_load(nowhere, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_NOT_FOUND);
	g_clear_error(&error);
	g_assert_false(keep_save(nowhere, "{}", 1, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("outage-keep-XXXXXX", NULL);
	path = g_build_filename(dir, "snapshot.json", NULL);
	g_test_add_func("/keep/what-was-on-is-on-after-a-restart", what_was_on_is_on_after_a_restart);
	g_test_add_func("/keep/a-damaged-file-opens-no-incident", a_damaged_file_opens_no_incident);
	g_test_add_func("/keep/no-file-and-no-folder-are-told-apart", no_file_and_no_folder_are_told_apart);
	status = g_test_run();
	(void)g_unlink(path);
	(void)g_rmdir(dir);
	g_free(path);
	g_free(dir);
	return status;
}
