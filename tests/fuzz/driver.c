/* driver: runs one fuzz target over its corpus, so that `make check` keeps every input that once mattered. The target is known by
 * the program's name: fuzz-NAME reads tests/fuzz/corpus/NAME. Prints TAP. With --enable-fuzzing libFuzzer takes its place. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

int main(int argc, char **argv)
{
	g_autofree char *name = g_path_get_basename(argv[0]);
	const char *source = g_getenv("G_TEST_SRCDIR");
	const char *target = strstr(name, "fuzz-");
	g_autofree char *path = NULL;
	g_autoptr(GDir) dir = NULL;
	const char *file;
	int count = 0;

	if (LLVMFuzzerInitialize != NULL)
		(void)LLVMFuzzerInitialize(&argc, &argv);
	path = g_build_filename(source != NULL ? source : ".", "tests", "fuzz", "corpus", target != NULL ? target + 5 : name, NULL);
	dir = g_dir_open(path, 0, NULL);
	while (dir != NULL && (file = g_dir_read_name(dir)) != NULL) {
		g_autofree char *full = g_build_filename(path, file, NULL);
		g_autofree char *bytes = NULL;
		gsize size;

		if (!g_file_get_contents(full, &bytes, &size, NULL))
			continue;
		/* An exact copy, so that the sanitiser sees one byte too far. */
		g_autofree uint8_t *exact = g_memdup2(bytes, size > 0 ? size : 1);
		(void)LLVMFuzzerTestOneInput(exact, size);
		printf("ok %d - %s\n", ++count, file);
	}
	if (count == 0)
		printf("not ok 1 - the corpus %s holds no file\n", path);
	printf("1..%d\n", MAX(count, 1));
	return count == 0;
}
