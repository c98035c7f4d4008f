/* link-tls: TLS to Redis with OpenSSL (see link-private.h). Layer: store; the only file that knows OpenSSL.
 *
 * The server's certificate and its name are always checked: there is no setting that turns it off, since who can pose as the store can
 * make every node answer every customer. Every call works on the non-blocking socket and says what it waits for; link.c waits.
 * Bytes go through a BIO of our own because OpenSSL's writes without MSG_NOSIGNAL, and outagectl would die of a server that left. */
#include <arpa/inet.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <unistd.h>

#include "store/link-private.h"

struct LinkTls {
	SSL *ssl;
	char *host;
	char *why;           /* the last trouble, where it had to be put together */
	int fd;
};

bool link_tls_built(void)
{
	return true;
}

/* --- the socket below --- */

static int socket_write(BIO *bio, const char *data, int size)
{
	const LinkTls *tls = BIO_get_data(bio);
	ssize_t n = send(tls->fd, data, (size_t)size, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)n;
}

static int socket_read(BIO *bio, char *buffer, int size)
{
	const LinkTls *tls = BIO_get_data(bio);
	ssize_t n = recv(tls->fd, buffer, (size_t)size, 0);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	return (int)n;
}

static long socket_control(BIO *bio, int command, long number, void *data)
{
	(void)bio;
	(void)number;
	(void)data;
	return command == BIO_CTRL_FLUSH ? 1 : 0;
}

/* Made once, kept for the life of the process. */
static const BIO_METHOD *socket_method(void)
{
	static gsize made = 0;

	if (g_once_init_enter(&made)) {
		BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "link");

		g_assert(method != NULL);
		BIO_meth_set_write(method, socket_write);
		BIO_meth_set_read(method, socket_read);
		BIO_meth_set_ctrl(method, socket_control);
		g_once_init_leave(&made, (gsize)method);
	}
	return (const BIO_METHOD *)made;
}

/* --- what went wrong, in plain words --- */

static const char *verify_text(LinkTls *tls)
{
	long result = SSL_get_verify_result(tls->ssl);

	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "the server's certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "the server's certificate is not valid yet";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		g_free(tls->why);
		tls->why = g_strdup_printf("the server's certificate is for another name than %s", tls->host);
		return tls->why;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "the server's certificate comes from an unknown authority (store.tls_ca_file names those that are known)";
	default:
		g_free(tls->why);
		tls->why = g_strdup_printf("the server's certificate is not accepted: %s", X509_verify_cert_error_string(result));
		return tls->why;
	}
}

static const char *protocol_text(LinkTls *tls, unsigned long code)
{
	const char *reason = ERR_reason_error_string(code);

	switch (ERR_GET_REASON(code)) {
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
		return verify_text(tls);
#ifdef SSL_R_UNEXPECTED_EOF_WHILE_READING
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return "the server closed the connection";
#endif
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
		return "the server asks for a certificate of ours (store.tls_cert_file, store.tls_key_file)";
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
		g_free(tls->why);
		tls->why = g_strdup_printf("the server does not accept our certificate (store.tls_cert_file): %s", reason);
		return tls->why;
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
		return "the server does not speak TLS at this port";
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		return "the server does not speak TLS 1.2 or newer";
	default:
		g_free(tls->why);
		tls->why = g_strdup_printf("TLS: %s", reason ? reason : "an error without a name");
		return tls->why;
	}
}

/* Translates what an SSL_* call returned (never more than 0) into what link_tls_* return. */
static int outcome(LinkTls *tls, int result, short *wants, const char **why)
{
	int failure = errno;
	unsigned long code;

	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		*wants = POLLIN;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		*wants = POLLOUT;
		return 0;
	case SSL_ERROR_SSL:
		code = ERR_get_error();
		*why = protocol_text(tls, code);
		break;
	case SSL_ERROR_SYSCALL:
		*why = failure != 0 ? g_strerror(failure) : "the server closed the connection";
		break;
	default:
		*why = "the server closed the connection";
		break;
	}
	return -1;
}

/* OpenSSL judges a call by what stands in its queue of errors, which an earlier one may have left behind. */
static void forget_errors(void)
{
	ERR_clear_error();
	errno = 0;
}

/* --- the settings --- */

/* what: "holds no ..." for a file that can be read and does not help. Returns false. */
static bool refuse_file(const char *setting, const char *path, const char *what, GError **error)
{
	bool readable = g_access(path, R_OK) == 0;

	g_set_error(error, OUTAGE_ERROR, readable ? OUTAGE_ERROR_INVALID : OUTAGE_ERROR_SYSTEM, "%s: %s: %s", setting, path,
	    readable ? what : g_strerror(errno));
	return false;
}

/* A key under a passphrase would make OpenSSL ask for it on the terminal. */
static int no_passphrase(char *buffer, int size, int rwflag, void *data)
{
	(void)buffer;
	(void)size;
	(void)rwflag;
	(void)data;
	return -1;
}

static bool use_authorities(SSL_CTX *context, const char *path, GError **error)
{
	if (*path != '\0') {
		if (SSL_CTX_load_verify_locations(context, path, NULL) != 1)
			return refuse_file("store.tls_ca_file", path, "holds no certificate in PEM form", error);
		return true;
	}
	if (SSL_CTX_set_default_verify_paths(context) == 1)
		return true;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "the system's certificates cannot be read: set store.tls_ca_file");
	return false;
}

static bool use_own_certificate(SSL_CTX *context, const Config *config, GError **error)
{
	const char *cert = config->store_tls_cert_file, *key = config->store_tls_key_file;

	if (*cert == '\0' && *key == '\0')
		return true;
	if (*cert == '\0' || *key == '\0') {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s is set and %s is not: they belong together",
		    *cert ? "store.tls_cert_file" : "store.tls_key_file", *cert ? "store.tls_key_file" : "store.tls_cert_file");
		return false;
	}
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(context, cert) != 1)
		return refuse_file("store.tls_cert_file", cert, "holds no certificate in PEM form", error);
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return refuse_file("store.tls_key_file", key, "holds no key in PEM form without a passphrase that fits the certificate",
		    error);
	return true;
}

/* The name that the certificate must carry; a name, not an address, is also told to the server before it picks one (SNI). */
static bool expect_name(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	struct in6_addr address;

	if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

LinkTls *link_tls_new(const Config *config, const char *host, int fd, GError **error)
{
	SSL_CTX *context;
	LinkTls *tls;
	BIO *bio;

	/* Its clean-up at exit would pull the ground from under a thread that is still connecting. */
	(void)OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL);
	context = SSL_CTX_new(TLS_client_method());
	g_assert(context != NULL); /* only ever fails for want of memory, as those below */
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (!use_authorities(context, config->store_tls_ca_file, error) || !use_own_certificate(context, config, error)) {
		ERR_clear_error();
		SSL_CTX_free(context);
		return NULL;
	}
	tls = g_new0(LinkTls, 1);
	tls->fd = fd;
	tls->host = g_strdup(host);
	tls->ssl = SSL_new(context);
	SSL_CTX_free(context); /* the SSL holds on to it */
	bio = BIO_new(socket_method());
	g_assert(tls->ssl != NULL && bio != NULL);
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio);
	SSL_set_connect_state(tls->ssl);
	if (expect_name(tls->ssl, host))
		return tls;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "Redis at %s: no name that a certificate can carry", host);
	link_tls_free(tls);
	return NULL;
}

void link_tls_free(LinkTls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	g_free(tls->host);
	g_free(tls->why);
	g_free(tls);
}

/* --- one step --- */

int link_tls_shake(LinkTls *tls, short *wants, const char **why)
{
	int result;

	forget_errors();
	result = SSL_do_handshake(tls->ssl);
	return result == 1 ? 1 : outcome(tls, result, wants, why);
}

ssize_t link_tls_read(LinkTls *tls, char *buffer, gsize size, bool peek, short *wants, const char **why)
{
	int result, limit = (int)MIN(size, G_MAXINT);

	forget_errors();
	result = peek ? SSL_peek(tls->ssl, buffer, limit) : SSL_read(tls->ssl, buffer, limit);
	return result > 0 ? result : outcome(tls, result, wants, why);
}

ssize_t link_tls_write(LinkTls *tls, const char *data, gsize size, short *wants, const char **why)
{
	const char *said = NULL;
	short ignored = 0;
	char byte;
	int result;

	forget_errors();
	result = SSL_write(tls->ssl, data, (int)MIN(size, G_MAXINT));
	if (result > 0 || (result = outcome(tls, result, wants, why)) == 0)
		return result;
	/* With TLS 1.3 a server says what it minds about our certificate only after the handshake, and hangs up: its words may still be
	 * there to be read. */
	if (link_tls_read(tls, &byte, 1, true, &ignored, &said) < 0)
		*why = said;
	return -1;
}
