/* link-no-tls: stands in for link-tls.c in a build without OpenSSL (configure --without-openssl). store_url_check refuses rediss://
 * there, so that none of this is ever reached with a URL that was checked. Layer: store. */
#include "store/link-private.h"

bool link_tls_built(void)
{
	return false;
}

LinkTls *link_tls_new(const Config *config, const char *host, int fd, GError **error)
{
	(void)config;
	(void)fd;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "Redis at %s: this build has no TLS", host);
	return NULL;
}

void link_tls_free(LinkTls *tls)
{
	(void)tls;
}

static int refuse(const char **why)
{
	*why = "this build has no TLS";
	return -1;
}

int link_tls_shake(LinkTls *tls, short *wants, const char **why)
{
	(void)tls;
	(void)wants;
	return refuse(why);
}

ssize_t link_tls_read(LinkTls *tls, char *buffer, gsize size, bool peek, short *wants, const char **why)
{
	(void)tls;
	(void)buffer;
	(void)size;
	(void)peek;
	(void)wants;
	return refuse(why);
}

ssize_t link_tls_write(LinkTls *tls, const char *data, gsize size, short *wants, const char **why)
{
	(void)tls;
	(void)data;
	(void)size;
	(void)wants;
	return refuse(why);
}
