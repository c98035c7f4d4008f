/* submit: hands one finished message to the MTA over SMTP (see submit.h). Layer: reply. RFC 5321, RFC 6531. The only
 * file that knows libcurl.
 *
 * libcurl passes an address on as it is, line breaks included, and sends UTF-8 to servers that never offered SMTPUTF8.
 * So every address is parsed again here, and both sides' lines are read along: they show what EHLO offered, how far the
 * dialogue came, what the server said last, and whether it was the recipient that it did not want. */
#include "reply/submit.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/error.h"
#include "base/log.h"
#include "mail/bounce.h"

#define CONNECT_TIMEOUT_MS 10000
/* A server may close an idle connection at any moment (Postfix under stress: after 10 s); an older one is not worth the try. */
#define IDLE_SECONDS 8L
#define LINE_BYTES 400
#define REFUSAL_BYTES 4000

struct Submitter {
	CURL *curl;
	char *url;
	gint64 timeout;        /* ms */
	char error[CURL_ERROR_SIZE];
	/* What the server said during the current transfer. */
	char *last_line;       /* or NULL */
	int code;              /* of last_line, 0 = nothing was said */
	guint answers;         /* complete ones, whatever they said */
	bool greeted;          /* EHLO (or HELO) was accepted, now or earlier on this connection */
	bool offers_smtputf8;
	bool needs_smtputf8;
	bool lacks_smtputf8;   /* and therefore we left */
	bool sent_whole;       /* every byte of the message has left */
	bool broke_off;        /* and then the connection ended without a word */
	bool asked_rcpt;       /* the command that left last was RCPT */
	GString *rcpt_refusal; /* every line of a 5xx to it, one below the other; "" where there was none */
};

typedef struct {
	const char *bytes;
	gsize left;
} Upload;

static size_t on_read(char *buffer, size_t size, size_t count, void *data)
{
	Upload *upload = data;
	gsize taken = MIN(size * count, upload->left);
	memcpy(buffer, upload->bytes, taken);
	upload->bytes += taken;
	upload->left -= taken;
	return taken;
}

/* libcurl tells of every command on its way out, and of much else that is none of ours. */
static int on_debug(CURL *curl, curl_infotype type, char *bytes, size_t size, void *data)
{
	Submitter *submitter = data;
	(void)curl;
	if (type == CURLINFO_HEADER_OUT)
		submitter->asked_rcpt = size >= 5 && g_ascii_strncasecmp(bytes, "RCPT ", 5) == 0;
	return 0;
}

/* One line of the server:
 *
 *     reply-line = 3DIGIT ( SP / "-" ) text CRLF          RFC 5321 section 4.2; "-": more lines follow
 *
 * A connection begins with 220; the first 2xx after it answers EHLO or HELO, and the lines of that answer name the extensions. 221
 * answers libcurl's QUIT and says nothing about the message. */
static size_t on_server_line(char *buffer, size_t size, size_t count, void *data)
{
	Submitter *submitter = data;
	gsize length = size * count;
	g_autofree char *line = g_strndup(buffer, MIN(length, LINE_BYTES));
	g_strchomp(line);
	if (strlen(line) < 3 || !g_ascii_isdigit(line[0]) || g_str_has_prefix(line, "221"))
		return length;
	bool last = line[3] != '-';
	if (g_str_has_prefix(line, "220"))
		submitter->greeted = submitter->offers_smtputf8 = false;
	else if (!submitter->greeted && line[0] == '2') {
		if (line[3] != '\0' && g_ascii_strncasecmp(line + 4, "SMTPUTF8", 8) == 0 && (line[12] == '\0' || line[12] == ' '))
			submitter->offers_smtputf8 = true;
		submitter->greeted = last;
		submitter->lacks_smtputf8 = last && submitter->needs_smtputf8 && !submitter->offers_smtputf8;
	}
	if (submitter->asked_rcpt && line[0] == '5' && submitter->rcpt_refusal->len < REFUSAL_BYTES)
		g_string_append_printf(submitter->rcpt_refusal, "%s\n", line);
	if (last)
		submitter->answers++;
	submitter->code = atoi(line);
	g_free(submitter->last_line);
	submitter->last_line = g_steal_pointer(&line);
	return submitter->lacks_smtputf8 ? 0 : length; /* 0 ends the transfer before MAIL */
}

/* Returns the relay's URL with the EHLO name as its path, which is where libcurl takes it from. */
static char *relay_url(const Config *config)
{
	gsize length = strlen(config->relay);
	while (length > 0 && config->relay[length - 1] == '/')
		length--;
	const char *helo = config->relay_helo != NULL && *config->relay_helo != '\0' ? config->relay_helo : g_get_host_name();
	g_autofree char *escaped = g_uri_escape_string(helo, NULL, FALSE);
	return g_strdup_printf("%.*s/%s", (int)length, config->relay, escaped);
}

static void set_options(Submitter *submitter)
{
	CURL *curl = submitter->curl;
	curl_easy_setopt(curl, CURLOPT_URL, submitter->url);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
#else
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_SMTP | CURLPROTO_SMTPS));
#endif
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* the environment has no say in where mail goes */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_NONE);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)MIN(CONNECT_TIMEOUT_MS, submitter->timeout));
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)submitter->timeout);
	curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
	curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, submitter->error);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_server_line);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, submitter);
	curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L); /* or on_debug is not asked; it prints nothing */
	curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_debug);
	curl_easy_setopt(curl, CURLOPT_DEBUGDATA, submitter);
}

Submitter *submitter_new(const Config *config)
{
	static gsize done;
	if (g_once_init_enter(&done)) {
		curl_global_init(CURL_GLOBAL_DEFAULT);
		g_once_init_leave(&done, 1);
	}
	Submitter *submitter = g_new0(Submitter, 1);
	submitter->url = relay_url(config);
	submitter->timeout = CLAMP(config->reply_timeout, 1, G_MAXINT);
	submitter->rcpt_refusal = g_string_new(NULL);
	submitter->curl = curl_easy_init();
	if (submitter->curl != NULL)
		set_options(submitter);
	return submitter;
}

void submitter_free(Submitter *submitter)
{
	if (submitter == NULL)
		return;
	curl_easy_cleanup(submitter->curl);
	g_free(submitter->url);
	g_free(submitter->last_line);
	g_string_free(submitter->rcpt_refusal, TRUE);
	g_free(submitter);
}

/* Returns text as it may stand in an SMTP command, or NULL with OUTAGE_ERROR_REFUSED: no second try would change an address. */
static char *envelope_address(const char *text, GError **error)
{
	g_autoptr(GError) why = NULL;
	g_autoptr(Address) address = address_parse(text, &why);
	g_autofree char *plain = address != NULL ? address_to_string(address) : NULL;
	bool usable = plain != NULL && g_utf8_validate(plain, -1, NULL);
	for (const char *p = plain; usable && *p != '\0'; p++)
		usable = (guchar)*p > ' ' && *p != 0x7F && *p != '<' && *p != '>';
	if (usable)
		return g_steal_pointer(&plain);
	g_autofree char *shown = log_escape(text, 200);
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED, "'%s' cannot be used as an envelope address%s%s", shown,
	    why != NULL ? ": " : "", why != NULL ? why->message : "");
	return NULL;
}

static CURLcode transfer(Submitter *submitter, const Composed *message, bool fresh)
{
	Upload upload = { .bytes = message->bytes, .left = message->size };
	g_clear_pointer(&submitter->last_line, g_free);
	submitter->answers = 0;
	submitter->code = 0;
	submitter->lacks_smtputf8 = false;
	submitter->asked_rcpt = false;
	g_string_truncate(submitter->rcpt_refusal, 0);
	submitter->needs_smtputf8 = message->smtputf8;
	submitter->error[0] = '\0';
	curl_easy_setopt(submitter->curl, CURLOPT_READDATA, &upload);
	curl_easy_setopt(submitter->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)message->size);
	curl_easy_setopt(submitter->curl, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
	CURLcode result = curl_easy_perform(submitter->curl);
	submitter->sent_whole = upload.left == 0;
	return result;
}

/* Returns true where the transfer failed only because a kept connection was gone (or its server said so with 421): MAIL had not
 * been accepted, so that nothing can have been sent. */
static bool connection_was_stale(Submitter *submitter, CURLcode result)
{
	long connects = 1;
	curl_easy_getinfo(submitter->curl, CURLINFO_NUM_CONNECTS, &connects);
	if (result == CURLE_OK || result == CURLE_OPERATION_TIMEDOUT || connects > 0)
		return false;
	return submitter->answers == 0 || (submitter->answers == 1 && submitter->code == 421);
}

/* Says what went wrong: a 5xx to MAIL, RCPT, DATA or the final dot is for good. Before that it speaks of this relay's mood and
 * not of the message: later. */
static void set_failure(Submitter *submitter, CURLcode result, GError **error)
{
	if (submitter->lacks_smtputf8) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED,
		    "the address is not ASCII, and the relay does not offer SMTPUTF8 (RFC 6531)");
		return;
	}
	g_autofree char *words = log_escape(submitter->last_line, LINE_BYTES);
	int code = submitter->code;
	if (submitter->greeted && code >= 500 && code <= 599 && result != CURLE_OPERATION_TIMEDOUT) {
		bool of_address = submitter->rcpt_refusal->len > 0 && bounce_refusal_is_of_address(submitter->rcpt_refusal->str);
		g_set_error(error, OUTAGE_ERROR, of_address ? OUTAGE_ERROR_RECIPIENT : OUTAGE_ERROR_REFUSED, "the relay refused: %s", words);
		return;
	}
	const char *reason = result == CURLE_OK ? "the connection ended before the relay had taken the message" :
	    *submitter->error != '\0' ? submitter->error : curl_easy_strerror(result);
	/* 354 is the answer to DATA: the one to the final dot never came. RFC 5321 section 4.5.3.2.6 lets it take its time, and what
	 * took so long may well have gone on. */
	submitter->broke_off = submitter->sent_whole && code == 354 && result != CURLE_OPERATION_TIMEDOUT;
	if (result == CURLE_OPERATION_TIMEDOUT && submitter->sent_whole && code == 354)
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNKNOWN, "the relay has the whole message and did not answer in time");
	else if (code >= 400)
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "the relay did not take it: %s", words);
	else if (code > 0)
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "the relay did not take it: %s; its last words: %s", reason, words);
	else
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "the relay did not take it: %s", reason);
}

bool submitter_broke_off(const Submitter *submitter)
{
	return submitter->broke_off;
}

bool submitter_send(Submitter *submitter, const Composed *message, GError **error)
{
	if (submitter->curl == NULL) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "libcurl could not be started");
		return false;
	}
	bool null_sender = message->envelope_sender == NULL || *message->envelope_sender == '\0';
	g_autofree char *from = null_sender ? g_strdup("") : envelope_address(message->envelope_sender, error);
	g_autofree char *to = from != NULL ? envelope_address(message->to, error) : NULL;
	if (to == NULL)
		return false;
#if LIBCURL_VERSION_NUM < 0x074500
	if (message->smtputf8) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED, "the address is not ASCII, and this libcurl knows no SMTPUTF8");
		return false;
	}
#endif
	/* libcurl says SMTPUTF8 where the envelope needs it, and never for the sake of a header. */
	if (message->smtputf8 && g_str_is_ascii(from) && g_str_is_ascii(to)) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED, "From or Reply-To is not ASCII, and the recipient's address is: "
		    "mail to them needs an ASCII reply.from and reply_to (RFC 6531)");
		return false;
	}
	struct curl_slist *recipients = curl_slist_append(NULL, to);
	curl_easy_setopt(submitter->curl, CURLOPT_MAIL_FROM, from);
	curl_easy_setopt(submitter->curl, CURLOPT_MAIL_RCPT, recipients);
	/* A new connection shows its EHLO answer, which SMTPUTF8 is judged by. */
	CURLcode result = transfer(submitter, message, message->smtputf8);
	if (connection_was_stale(submitter, result))
		result = transfer(submitter, message, true);
	curl_easy_setopt(submitter->curl, CURLOPT_MAIL_RCPT, NULL);
	curl_slist_free_all(recipients);
	/* What finishes a job is the server's own 2xx, whatever libcurl makes of the dialogue. */
	if (result == CURLE_OK && submitter->code / 100 == 2)
		return true;
	set_failure(submitter, result, error);
	return false;
}
