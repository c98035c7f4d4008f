/* dns-fixture: see dns-fixture.h. */
#include "dns-fixture.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- messages ---- */

void packet_append_u16(GByteArray *bytes, guint value)
{
	const guint8 pair[2] = { (guint8)(value >> 8), (guint8)value };

	g_byte_array_append(bytes, pair, 2);
}

void packet_append_name(GByteArray *bytes, const char *name)
{
	g_auto(GStrv) labels = g_strsplit(name, ".", -1);

	for (guint i = 0; labels[i] != NULL && *labels[i] != '\0'; i++) {
		guint8 size = (guint8)strlen(labels[i]);

		g_byte_array_append(bytes, &size, 1);
		g_byte_array_append(bytes, (const guint8 *)labels[i], size);
	}
	g_byte_array_append(bytes, (const guint8 *)"", 1);
}

GByteArray *packet_new(guint id, guint flags, const char *name, int type)
{
	GByteArray *packet = g_byte_array_new();

	packet_append_u16(packet, id);
	packet_append_u16(packet, flags);
	packet_append_u16(packet, 1);
	for (guint i = 0; i < 3; i++)
		packet_append_u16(packet, 0);
	packet_append_name(packet, name);
	packet_append_u16(packet, (guint)type);
	packet_append_u16(packet, ns_c_in);
	return packet;
}

void packet_append_record(GByteArray *packet, guint section, const char *owner, int type, guint32 ttl, const void *data, gsize size)
{
	packet_append_name(packet, owner);
	packet_append_u16(packet, (guint)type);
	packet_append_u16(packet, ns_c_in);
	packet_append_u16(packet, ttl >> 16);
	packet_append_u16(packet, ttl & 0xffff);
	packet_append_u16(packet, (guint)size);
	g_byte_array_append(packet, data, (guint)size);
	packet->data[4 + 2 * section + 1]++;
}

void packet_append_text(GByteArray *packet, const char *owner, int type, guint32 ttl, const char *text)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	guint8 address[16];
	char *host;

	if (type == ns_t_a || type == ns_t_aaaa) {
		g_assert_cmpint(inet_pton(type == ns_t_a ? AF_INET : AF_INET6, text, address), ==, 1);
		g_byte_array_append(data, address, type == ns_t_a ? 4 : 16);
	} else if (type == ns_t_mx) {
		packet_append_u16(data, (guint)strtoul(text, &host, 10));
		packet_append_name(data, host + 1);
	} else if (type == ns_t_txt) {
		for (gsize left = strlen(text); left > 0;) {
			guint8 size = (guint8)MIN(left, 255);

			g_byte_array_append(data, &size, 1);
			g_byte_array_append(data, (const guint8 *)text, size);
			text += size;
			left -= size;
		}
	} else {
		packet_append_name(data, text);
	}
	packet_append_record(packet, 1, owner, type, ttl, data->data, data->len);
}

/* ---- the server ---- */

struct Zone {
	const ZoneRecord *records;
	int socket;
	char *address;
	GThread *thread;
	GMutex lock;
	GHashTable *asked;    /* name -> how often */
	guint total;
};

/* Reads the question of a query; "" for one that has none. Caller frees. */
static char *read_question(const guint8 *query, gsize size, int *type)
{
	g_autoptr(GString) name = g_string_new(NULL);
	gsize at = 12;

	*type = 0;
	while (at < size && query[at] != 0) {
		g_string_append_len(name, (const char *)query + at + 1, query[at]);
		g_string_append_c(name, '.');
		at += 1u + query[at];
	}
	if (name->len == 0 || at + 5 > size)
		return g_strdup("");
	*type = query[at + 1] << 8 | query[at + 2];
	g_string_truncate(name, name->len - 1);
	return g_string_free(g_steal_pointer(&name), FALSE);
}

static const char *behaviour(const Zone *zone, const char *name)
{
	for (const ZoneRecord *record = zone->records; record->name != NULL; record++)
		if (record->type == 0 && g_ascii_strcasecmp(record->name, name) == 0)
			return record->data;
	return "";
}

static GByteArray *make_answer(const Zone *zone, guint id, const char *name, int type)
{
	GByteArray *packet = packet_new(id, PACKET_ANSWER, name, type);
	bool exists = false;

	for (const ZoneRecord *record = zone->records; record->name != NULL; record++) {
		if (g_ascii_strcasecmp(record->name, name) != 0)
			continue;
		exists = true;
		if (record->type == type)
			packet_append_text(packet, record->name, type, 300, record->data);
	}
	if (!exists)
		packet->data[3] |= ns_r_nxdomain;
	if (strcmp(behaviour(zone, name), "servfail") == 0)
		packet->data[3] |= ns_r_servfail;
	return packet;
}

static void send_packet(const Zone *zone, GByteArray *packet, const struct sockaddr_in *to)
{
	(void)sendto(zone->socket, packet->data, packet->len, 0, (const struct sockaddr *)to, sizeof(*to));
	g_byte_array_unref(packet);
}

/* Says to what was not asked, and under another id to what was, that everybody passes. */
static void send_lies(const Zone *zone, guint id, const char *name, int type, const struct sockaddr_in *to)
{
	GByteArray *other = packet_new(id, PACKET_ANSWER, "other.example", type);
	GByteArray *wrong = packet_new(id ^ 1, PACKET_ANSWER, name, type);

	packet_append_text(other, name, ns_t_txt, 300, "v=spf1 +all");
	packet_append_text(wrong, name, ns_t_txt, 300, "v=spf1 +all");
	send_packet(zone, other, to);
	send_packet(zone, wrong, to);
}

static void answer_query(Zone *zone, const guint8 *query, gsize size, const struct sockaddr_in *from)
{
	int type;
	g_autofree char *name = read_question(query, size, &type);
	guint id = (guint)query[0] << 8 | query[1];
	const char *what = behaviour(zone, name);
	guint times;

	g_mutex_lock(&zone->lock);
	zone->total++;
	times = GPOINTER_TO_UINT(g_hash_table_lookup(zone->asked, name)) + 1;
	g_hash_table_insert(zone->asked, g_strdup(name), GUINT_TO_POINTER(times));
	g_mutex_unlock(&zone->lock);
	if (strcmp(what, "silent") == 0 || (strcmp(what, "lose one") == 0 && times == 1))
		return;
	if (strcmp(what, "lie first") == 0)
		send_lies(zone, id, name, type, from);
	send_packet(zone, make_answer(zone, id, name, type), from);
}

static gpointer serve(gpointer data)
{
	Zone *zone = data;
	guint8 query[2048];

	for (;;) {
		struct sockaddr_in from;
		socklen_t from_size = sizeof(from);
		ssize_t size = recvfrom(zone->socket, query, sizeof(query), 0, (struct sockaddr *)&from, &from_size);

		/* zone_free sends an empty one. */
		if (size <= 0)
			return NULL;
		if (size > 12)
			answer_query(zone, query, (gsize)size, &from);
	}
}

Zone *zone_new(const ZoneRecord *records)
{
	Zone *zone = g_new0(Zone, 1);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	zone->records = records;
	zone->asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_mutex_init(&zone->lock);
	zone->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(zone->socket, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	g_assert_cmpint(getsockname(zone->socket, (struct sockaddr *)&address, &size), ==, 0);
	zone->address = g_strdup_printf("127.0.0.1:%d", ntohs(address.sin_port));
	zone->thread = g_thread_new("zone", serve, zone);
	return zone;
}

void zone_free(Zone *zone)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);

	(void)getsockname(zone->socket, (struct sockaddr *)&address, &size);
	(void)sendto(zone->socket, "", 0, 0, (struct sockaddr *)&address, size);
	g_thread_join(zone->thread);
	(void)close(zone->socket);
	g_hash_table_unref(zone->asked);
	g_mutex_clear(&zone->lock);
	g_free(zone->address);
	g_free(zone);
}

const char *zone_address(const Zone *zone)
{
	return zone->address;
}

guint zone_asked(Zone *zone, const char *name)
{
	guint times;

	g_mutex_lock(&zone->lock);
	times = name != NULL ? GPOINTER_TO_UINT(g_hash_table_lookup(zone->asked, name)) : zone->total;
	g_mutex_unlock(&zone->lock);
	return times;
}
