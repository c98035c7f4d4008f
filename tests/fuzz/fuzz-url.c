/* fuzz-url: no store URL crashes the parser, and what it takes is whole. */
#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "store/link-private.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const LinkUrl *url)
{
	switch (url->kind) {
	case LINK_SQLITE:
	case LINK_UNIX:
		g_assert(url->path && *url->path);
		break;
	case LINK_TCP:
		g_assert(url->hosts->len == 1);
		break;
	case LINK_SENTINEL:
		g_assert(url->hosts->len >= 1 && url->master && *url->master);
		break;
	}
	for (guint i = 0; i < url->hosts->len; i++) {
		const LinkHost *host = url->hosts->pdata[i];

		g_assert(host->host && *host->host && host->port != 0);
	}
	g_assert(!url->password || g_utf8_validate(url->password, -1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(LinkUrl) url = link_url_parse(text, &error);

	g_assert((url == NULL) == (error != NULL));
	if (url)
		check(url);
	g_assert(store_url_check(text, NULL) == (url && (!url->tls || link_tls_built())));
	return 0;
}
