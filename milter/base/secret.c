/* secret: the site secret and what is signed with it (see secret.h). Layer: base.
 *
 * Whoever can write to the store could otherwise make the replier mail anybody: a job counts only with an HMAC under a key
 * that never leaves the nodes' file systems. */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define SECRET_MIN 32
#define SECRET_MAX 4096

struct Secret {
	guchar *key;
	gsize size;
};

void secret_free(Secret *secret)
{
	if (secret == NULL)
		return;
	if (secret->key != NULL)
		explicit_bzero(secret->key, secret->size);
	g_free(secret->key);
	g_free(secret);
}

static bool random_bytes(guchar *bytes, gsize count)
{
	gsize done = 0;

	while (done < count) {
		ssize_t got = getrandom(bytes + done, count - done, 0);

		if (got < 0 && errno != EINTR)
			return false;
		if (got > 0)
			done += (gsize)got;
	}
	return true;
}

char *secret_random_hex(gsize count)
{
	g_autofree guchar *bytes = g_malloc(count);
	GString *hex = g_string_sized_new(count * 2);

	/* The kernel's generator fails only where the system call is missing; a token that is merely unique still serves. */
	if (!random_bytes(bytes, count))
		for (gsize i = 0; i < count; i++)
			bytes[i] = (guchar)g_random_int();
	for (gsize i = 0; i < count; i++)
		g_string_append_printf(hex, "%02x", bytes[i]);
	return g_string_free(hex, FALSE);
}

static bool system_error(GError **error, const char *what, const char *path)
{
	int saved = errno;

	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "%s %s: %s", what, path, g_strerror(saved));
	return false;
}

/* Makes the file under a name of its own and links it into place: of two programs starting at once both then read the same
 * secret, and nobody ever reads half of one. */
static bool create_file(const char *path, GError **error)
{
	g_autofree char *suffix = secret_random_hex(8);
	g_autofree char *fresh = g_strdup_printf("%s.%s", path, suffix);
	g_autofree char *hex = NULL;
	guchar bytes[SECRET_MIN];
	g_autofree char *line = NULL;
	bool ok;
	int fd;

	if (!random_bytes(bytes, sizeof bytes))
		return system_error(error, "no random bytes for", path);
	hex = g_malloc0(sizeof bytes * 2 + 1);
	for (gsize i = 0; i < sizeof bytes; i++)
		g_snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof bytes);
	line = g_strconcat(hex, "\n", NULL);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return system_error(error, "cannot make the secret file", path);
	ok = write(fd, line, strlen(line)) == (ssize_t)strlen(line) && fsync(fd) == 0;
	if (close(fd) != 0 || !ok) {
		system_error(error, "cannot write the secret file", path);
		(void)unlink(fresh);
		return false;
	}
	if (link(fresh, path) != 0 && errno != EEXIST) {
		system_error(error, "cannot put the secret file in place", path);
		(void)unlink(fresh);
		return false;
	}
	(void)unlink(fresh);
	return true;
}

/* Reads up to SECRET_MAX + 1 bytes of fd. */
static gssize read_all(int fd, guchar *bytes, gsize limit)
{
	gsize done = 0;

	while (done < limit) {
		ssize_t got = read(fd, bytes + done, limit - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (gsize)got;
	}
	return (gssize)done;
}

Secret *secret_load(const char *path, bool create, GError **error)
{
	g_autoptr(Secret) secret = g_new0(Secret, 1);
	struct stat st;
	gssize size;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && create) {
		if (!create_file(path, error))
			return NULL;
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0) {
		system_error(error, "cannot read the secret file", path);
		return NULL;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 007) != 0) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID,
		    "the secret file %s must be a plain file that others cannot read: chmod 0600 or 0640", path);
		(void)close(fd);
		return NULL;
	}
	secret->key = g_malloc0(SECRET_MAX + 1);
	secret->size = SECRET_MAX + 1;
	size = read_all(fd, secret->key, secret->size);
	(void)close(fd);
	while (size > 0 && g_ascii_isspace(secret->key[size - 1]))
		size--;
	if (size < SECRET_MIN || size > SECRET_MAX) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "the secret file %s must hold %d to %d bytes", path, SECRET_MIN,
		    SECRET_MAX);
		return NULL;
	}
	secret->size = (gsize)size;
	return g_steal_pointer(&secret);
}

Secret *secret_generate(void)
{
	Secret *secret = g_new0(Secret, 1);

	secret->key = (guchar *)secret_random_hex(SECRET_MIN);
	secret->size = SECRET_MIN * 2;
	return secret;
}

char *secret_hmac(const Secret *secret, const char *data, gssize size)
{
	return g_compute_hmac_for_data(G_CHECKSUM_SHA256, secret->key, secret->size, (const guchar *)data,
	    size < 0 ? strlen(data) : (gsize)size);
}

bool secret_verify(const Secret *secret, const char *data, gssize size, const char *mac)
{
	g_autofree char *right = secret_hmac(secret, data, size);
	gsize length = strlen(right);
	guchar difference = 0;

	if (mac == NULL || strlen(mac) != length)
		return false;
	for (gsize i = 0; i < length; i++)
		difference |= (guchar)(right[i] ^ mac[i]);
	return difference == 0;
}

char *secret_address_hash(const Secret *secret, const char *normal_address)
{
	g_autofree char *mac = secret_hmac(secret, normal_address, -1);

	return g_strndup(mac, 32);
}

char *secret_fingerprint(const Secret *secret)
{
	g_autofree char *mac = secret_hmac(secret, "fingerprint of the site secret", -1);

	return g_strndup(mac, 16);
}
