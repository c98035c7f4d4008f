/* dns-fixture: DNS messages made by hand, and a tiny name server on loopback that answers from a table. */
#ifndef OUTAGE_TESTS_DNS_FIXTURE_H
#define OUTAGE_TESTS_DNS_FIXTURE_H

#include <arpa/nameser.h>
#include <glib.h>

/* The flags of an answer to a query with recursion. */
#define PACKET_ANSWER 0x8180u

/* Begins a message with one question, class IN. */
GByteArray *packet_new(guint id, guint flags, const char *name, int type);
void packet_append_name(GByteArray *bytes, const char *name);
void packet_append_u16(GByteArray *bytes, guint value);
/* Appends a record of class IN to section 1 (answer) or 2 (authority) and counts it in the header. */
void packet_append_record(GByteArray *packet, guint section, const char *owner, int type, guint32 ttl, const void *data,
    gsize size);
/* The same with the data as one writes it: an address, "10 host" for MX, a name, or TXT, which becomes strings of 255 bytes. */
void packet_append_text(GByteArray *packet, const char *owner, int type, guint32 ttl, const char *text);

/* A record of the table, or with type 0 what the server does when it is asked for name: "servfail", "silent", "lose one" (answers
 * from the second packet on), "lie first" (an answer to another question and one with another id, then the true one). */
typedef struct {
	const char *name;
	int type;
	const char *data;
} ZoneRecord;

typedef struct Zone Zone;

/* Starts a server for a table that ends with a NULL name. */
Zone *zone_new(const ZoneRecord *records);
void zone_free(Zone *zone);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Zone, zone_free)

/* Returns "127.0.0.1:PORT". */
const char *zone_address(const Zone *zone);
/* Returns how many packets have asked for name; NULL: how many there were at all. */
guint zone_asked(Zone *zone, const char *name);

#endif
