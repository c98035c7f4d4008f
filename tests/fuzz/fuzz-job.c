/* fuzz-job: a job's payload as it may lie in the store, correctly signed, so that the parser behind the signature is reached. What it
 * accepts must survive being signed and read again. */
#include <glib/gstdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/job.h"

static Secret *secret;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	g_autofree char *dir = g_dir_make_tmp("outage-fuzz-XXXXXX", NULL), *path = g_build_filename(dir, "secret", NULL);

	(void)argc;
	(void)argv;
	secret = secret_load(path, true, NULL);
	g_unlink(path);
	g_rmdir(dir);
	return secret != NULL ? 0 : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	StoredJob stored = { .payload = g_strndup((const char *)data, size) }, again = { .handle = NULL };
	g_autoptr(Job) job = NULL, copy = NULL;

	stored.mac = secret_hmac(secret, stored.payload, -1);
	job = job_open(secret, &stored, NULL);
	if (job != NULL) {
		again.payload = job_sign(secret, job->request, job->token, &again.mac);
		copy = job_open(secret, &again, NULL);
		if (copy == NULL || strcmp(copy->request->to, job->request->to) != 0)
			abort();
	}
	g_free(stored.payload);
	g_free(stored.mac);
	g_free(again.payload);
	g_free(again.mac);
	return 0;
}
