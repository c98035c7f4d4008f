/* received: reads who handed a mail to whom from Received fields. Layer: mail. Pure.
 *
 * Of a field only the From clause is read, in these shapes (with FWS between the words, further comments behind):
 *
 *     field      = "from" name 1*comment "by" rest
 *     name       = Domain / address-literal                ; the HELO name, or with Exim and qmail what DNS says
 *     comment    = "(" ( tcp-info / bare-info / helo-info / anything without an address ) ")"
 *     tcp-info   = [ Domain ] literal *( key "=" word )     ; Postfix, Sendmail, Exim: the name is DNS's, or ident@name
 *     bare-info  = [ ident "@" ] ip                         ; Exchange, qmail
 *     helo-info  = ( "HELO" / "EHLO" ) word                 ; qmail
 *     exim-info  = 1*( ( "helo" / "port" / "ident" ) "=" word )
 *     literal    = "[" [ "IPv6:" ] ip "]" [ ":" port ]
 *
 * Where no comment has an address, name is it if it is a literal and exim-info follows. Everything else that stands where
 * an address might, such as a literal behind "HELO" or "Authenticated sender:", two of them, or a second "by" that a HELO name
 * may have brought along, makes the field say nothing: the client writes a good part of it. */
#include "mail/received.h"

#include <gio/gio.h>
#include <string.h>

#define VALUE_MAX 16384  /* bytes of a field; real ones have less than 1 KB */
#define COMMENT_DEPTH 20
#define WHITE_SPACE " \t\r\n"

void received_free(Received *received)
{
	if (!received)
		return;
	g_free(received->client);
	g_free(received->helo);
	g_free(received);
}

/* Returns text, an IP address, in the one form that addresses are compared in; NULL where it is none. A zone ("%eth0") means
 * something on one machine only. Caller frees. */
static char *canonical_ip(const char *text)
{
	static const guint8 mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	g_autoptr(GInetAddress) address = strchr(text, '%') ? NULL : g_inet_address_new_from_string(text);
	const guint8 *bytes;

	if (!address)
		return NULL;
	bytes = g_inet_address_to_bytes(address);
	if (g_inet_address_get_native_size(address) == 16 && memcmp(bytes, mapped, sizeof mapped) == 0) {
		g_autoptr(GInetAddress) plain = g_inet_address_new_from_bytes(bytes + sizeof mapped, G_SOCKET_FAMILY_IPV4);

		return g_inet_address_to_string(plain);
	}
	return g_inet_address_to_string(address);
}

/* Returns the address in word, a literal of the grammar above; NULL where it is none. Caller frees. */
static char *literal_ip(const char *word)
{
	const char *close = *word == '[' ? strchr(word, ']') : NULL;
	g_autofree char *inner = NULL;
	bool tagged;

	if (!close)
		return NULL;
	if (close[1] && (close[1] != ':' || !close[2] || close[2 + strspn(close + 2, "0123456789")]))
		return NULL;
	inner = g_strndup(word + 1, (gsize)(close - word - 1));
	tagged = g_ascii_strncasecmp(inner, "IPv6:", 5) == 0;
	if (tagged && !strchr(inner + 5, ':'))
		return NULL;
	return canonical_ip(inner + (tagged ? 5 : 0));
}

/* What was found so far of one field. */
typedef struct {
	char *name;
	char *client; /* canonical, or NULL: none yet */
	char *helo;   /* where a comment tells it */
	bool exim;    /* a comment is exim-info: then name is no client's word */
	bool doubt;
} Clause;

static void clause_clear(Clause *clause)
{
	g_free(clause->name);
	g_free(clause->client);
	g_free(clause->helo);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Clause, clause_clear)

/* Takes ip, which must be the same wherever there is one. */
static void take_client(Clause *clause, char *ip)
{
	if (clause->client && !g_str_equal(clause->client, ip))
		clause->doubt = true;
	g_free(clause->client);
	clause->client = ip;
}

static void take_helo(Clause *clause, const char *helo)
{
	if (!clause->helo && *helo)
		clause->helo = g_strdup(helo);
}

static bool is_helo_word(const char *word)
{
	return g_ascii_strcasecmp(word, "HELO") == 0 || g_ascii_strcasecmp(word, "EHLO") == 0;
}

/* Returns what stands behind "key=" in word, or NULL. */
static const char *value_of(const char *word, const char *key)
{
	gsize size = strlen(key);

	return g_ascii_strncasecmp(word, key, size) == 0 && word[size] == '=' ? word + size + 1 : NULL;
}

static bool is_exim_word(const char *word)
{
	return value_of(word, "helo") || value_of(word, "port") || value_of(word, "ident");
}

/* bare-info, the only word of its comment. */
static char *bare_ip(const char *word)
{
	const char *at = strchr(word, '@');

	return canonical_ip(at ? at + 1 : word);
}

/* Reads the words of one comment; comments within it are left out already. */
static void read_comment(Clause *clause, const GPtrArray *words)
{
	const char *first = words->len > 0 ? g_ptr_array_index(words, 0) : NULL;
	char *ip;

	if (words->len == 1 && (ip = bare_ip(first)) != NULL) {
		take_client(clause, ip);
		return;
	}
	if (words->len == 2 && is_helo_word(first))
		take_helo(clause, g_ptr_array_index(words, 1));
	if (first && is_exim_word(first))
		clause->exim = true;
	for (guint i = 0; i < words->len; i++) {
		const char *word = g_ptr_array_index(words, i);
		const char *helo = value_of(word, "helo");

		if (helo)
			take_helo(clause, helo);
		ip = literal_ip(word);
		if (!ip)
			continue;
		if (i > 1 || (i == 1 && is_helo_word(first)))
			clause->doubt = true;
		take_client(clause, ip);
	}
}

/* What stands next at the outermost level. */
typedef enum { PIECE_END, PIECE_WORD, PIECE_COMMENT, PIECE_BAD } Piece;

/* Reads on behind the quoted-string at *at; false where it does not end. */
static bool skip_quoted(const char **at)
{
	const char *p;

	for (p = *at + 1; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (!*p)
			return false;
	}
	*at = p + 1;
	return true;
}

static void end_word(GPtrArray *words, GString *word)
{
	if (word->len > 0)
		g_ptr_array_add(words, g_strdup(word->str));
	g_string_truncate(word, 0);
}

/* Reads a comment (RFC 5322 section 3.2.2) from its "(" on into words. */
static Piece read_comment_words(const char **at, GPtrArray *words)
{
	g_autoptr(GString) word = g_string_new(NULL);
	guint depth = 0;

	g_ptr_array_set_size(words, 0);
	for (const char *p = *at; *p; p++) {
		if (*p == '(') {
			if (++depth > COMMENT_DEPTH)
				return PIECE_BAD;
			end_word(words, word);
		} else if (*p == ')') {
			if (depth == 1)
				end_word(words, word);
			if (--depth == 0) {
				*at = p + 1;
				return PIECE_COMMENT;
			}
		} else if (*p == '\\') {
			if (!*++p)
				return PIECE_BAD;
			/* What had to be quoted is part of no address. */
			if (depth == 1)
				g_string_append_c(word, '\\');
		} else if (depth == 1) {
			if (strchr(WHITE_SPACE, *p))
				end_word(words, word);
			else
				g_string_append_c(word, *p);
		}
	}
	return PIECE_BAD;
}

/* Reads the next word or comment into words. ";", which the date follows, is the end. */
static Piece next_piece(const char **at, GPtrArray *words)
{
	const char *start;

	*at += strspn(*at, WHITE_SPACE);
	start = *at;
	if (*start == '(')
		return read_comment_words(at, words);
	g_ptr_array_set_size(words, 0);
	while (**at && !strchr(WHITE_SPACE "(;", **at)) {
		if (**at == ')' || **at == '\\')
			return PIECE_BAD;
		if (**at != '"')
			(*at)++;
		else if (!skip_quoted(at))
			return PIECE_BAD;
	}
	if (*at == start)
		return PIECE_END;
	g_ptr_array_add(words, g_strndup(start, (gsize)(*at - start)));
	return PIECE_WORD;
}

static bool is_word(const GPtrArray *words, const char *wanted)
{
	return g_ascii_strcasecmp(g_ptr_array_index(words, 0), wanted) == 0;
}

/* Reads the From clause up to "by" and sees that the rest has no other. */
static bool read_clause(Clause *clause, const char *value)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	const char *at = value;
	Piece piece;

	if (next_piece(&at, words) != PIECE_WORD || !is_word(words, "from"))
		return false;
	if (next_piece(&at, words) != PIECE_WORD || is_word(words, "by"))
		return false;
	clause->name = g_strdup(g_ptr_array_index(words, 0));
	while ((piece = next_piece(&at, words)) == PIECE_COMMENT)
		read_comment(clause, words);
	if (piece != PIECE_WORD || !is_word(words, "by"))
		return false;
	while ((piece = next_piece(&at, words)) != PIECE_END)
		if (piece == PIECE_BAD || (piece == PIECE_WORD && (is_word(words, "by") || is_word(words, "from"))))
			return false;
	return !clause->doubt;
}

Received *received_parse(const char *value)
{
	g_auto(Clause) clause = { 0 };
	Received *received;

	if (strlen(value) > VALUE_MAX || !read_clause(&clause, value))
		return NULL;
	if (!clause.client) {
		clause.client = clause.exim ? literal_ip(clause.name) : NULL;
		if (!clause.client)
			return NULL;
		g_clear_pointer(&clause.name, g_free);
	}
	received = g_new0(Received, 1);
	received->client = g_steal_pointer(&clause.client);
	received->helo = clause.helo ? g_steal_pointer(&clause.helo) : g_steal_pointer(&clause.name);
	return received;
}

/* qmail-queue writes a field of its own above that of qmail-smtpd: "(qmail 123 invoked from network)". */
static bool is_same_hop(const char *value)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	const char *at = value;

	return strlen(value) <= VALUE_MAX && next_piece(&at, words) == PIECE_COMMENT && words->len == 5 &&
	    is_word(words, "qmail") && g_str_equal(g_ptr_array_index(words, 2), "invoked") &&
	    g_str_equal(g_ptr_array_index(words, 3), "from") && g_str_equal(g_ptr_array_index(words, 4), "network") &&
	    next_piece(&at, words) == PIECE_END;
}

Received *received_outside(const Message *message, bool (*is_relay)(const char *ip, gconstpointer data), gconstpointer data)
{
	for (guint i = 0; i < message->headers->len; i++) {
		const Header *header = g_ptr_array_index(message->headers, i);
		g_autoptr(Received) received = NULL;

		if (g_ascii_strcasecmp(header->name, "Received") != 0 || is_same_hop(header->value))
			continue;
		received = received_parse(header->value);
		if (!received || !is_relay(received->client, data))
			return g_steal_pointer(&received);
	}
	return NULL;
}
