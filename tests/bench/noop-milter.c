/* noop-milter: the least a libmilter program can do, as the measure for outage-milter. Tests and benchmarks only.
 *
 *     noop-milter [-m reply|nr|nrbody] [-a COUNT] [-s] SOCKET
 *
 *     -m reply   a reply to every step
 *        nr      no-reply flags for every step but the body (default): what outage-milter asks for on a unix socket
 *        nrbody  no-reply flags for the body too
 *     -a COUNT   insert COUNT headers at end of message (default 0)
 *     -s         skip the rest of the body after its first chunk
 *
 * SOCKET is in libmilter's notation (unix:/path, inet:port@host). Every callback is taken and does nothing. When the socket
 * is open the line "event=ready" goes to stderr, as outage-milter does it, so that the same harness starts both. */
#include <libmilter/mfapi.h>

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#define NO_REPLY_FLAGS (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_UNKN | \
	SMFIP_NR_HDR | SMFIP_NR_EOH)

/* Set once by main before smfi_main, then only read. */
static struct {
	unsigned long no_reply; /* the flags asked for */
	int headers;
	gboolean skip;
} options;

static sfsistat answer(unsigned long flag)
{
	return options.no_reply & flag ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3,
    unsigned long *out0, unsigned long *out1, unsigned long *out2, unsigned long *out3)
{
	(void)ctx;
	(void)f2;
	(void)f3;
	/* An MTA that lacks a flag would wait for the reply we do not send. */
	if ((f1 & options.no_reply) != options.no_reply)
		return SMFIS_REJECT;
	*out0 = f0 & SMFIF_ADDHDRS;
	*out1 = f1 & (options.no_reply | SMFIP_SKIP | SMFIP_HDR_LEADSPC);
	*out2 = 0;
	*out3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)host;
	(void)address;
	return answer(SMFIP_NR_CONN);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	(void)ctx;
	(void)name;
	return answer(SMFIP_NR_HELO);
}

static sfsistat on_mail(SMFICTX *ctx, char **args)
{
	(void)ctx;
	(void)args;
	return answer(SMFIP_NR_MAIL);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **args)
{
	(void)ctx;
	(void)args;
	return answer(SMFIP_NR_RCPT);
}

static sfsistat on_data(SMFICTX *ctx)
{
	(void)ctx;
	return answer(SMFIP_NR_DATA);
}

static sfsistat on_unknown(SMFICTX *ctx, const char *command)
{
	(void)ctx;
	(void)command;
	return answer(SMFIP_NR_UNKN);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return answer(SMFIP_NR_HDR);
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	(void)ctx;
	return answer(SMFIP_NR_EOH);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t size)
{
	(void)ctx;
	(void)chunk;
	(void)size;
	return options.skip ? SMFIS_SKIP : answer(SMFIP_NR_BODY);
}

static sfsistat on_eom(SMFICTX *ctx)
{
	char value[] = " nothing was done to this message"; /* libmilter's strings are not const */

	for (int i = 0; i < options.headers; i++) {
		g_autofree char *name = g_strdup_printf("X-Noop-%d", i + 1);
		if (smfi_insheader(ctx, 1, name, value) != MI_SUCCESS)
			return SMFIS_TEMPFAIL;
	}
	return SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

static bool read_options(int *argc, char ***argv, GError **error)
{
	g_autofree char *mode = NULL;
	const GOptionEntry entries[] = {
		{ "mode", 'm', 0, G_OPTION_ARG_STRING, &mode, "reply, nr or nrbody", "MODE" },
		{ "add", 'a', 0, G_OPTION_ARG_INT, &options.headers, "insert COUNT headers", "COUNT" },
		{ "skip", 's', 0, G_OPTION_ARG_NONE, &options.skip, "skip the rest of the body", NULL },
		G_OPTION_ENTRY_NULL
	};
	g_autoptr(GOptionContext) context = g_option_context_new("SOCKET");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return false;
	if (mode == NULL || g_str_equal(mode, "nr"))
		options.no_reply = NO_REPLY_FLAGS;
	else if (g_str_equal(mode, "nrbody"))
		options.no_reply = NO_REPLY_FLAGS | SMFIP_NR_BODY;
	else if (!g_str_equal(mode, "reply")) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "unknown mode %s", mode);
		return false;
	}
	if (*argc != 2) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "exactly one SOCKET is wanted");
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	if (!read_options(&argc, &argv, &error)) {
		fprintf(stderr, "noop-milter: %s\n", error->message);
		return 2;
	}
	struct smfiDesc description = {
		.xxfi_name = (char[]){ "noop-milter" },
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_unknown = on_unknown,
		.xxfi_data = on_data,
		.xxfi_negotiate = on_negotiate,
	};
	umask(0); /* the MTA's user has to reach a unix socket; the folder around it is the test's own */
	if (smfi_register(description) != MI_SUCCESS || smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_setbacklog(128) != MI_SUCCESS || smfi_opensocket(true) != MI_SUCCESS) {
		fprintf(stderr, "noop-milter: cannot listen on %s\n", argv[1]);
		return 1;
	}
	fprintf(stderr, "event=ready socket=%s\n", argv[1]);
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
