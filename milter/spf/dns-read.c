/* dns-read: takes one DNS message from the network apart into what libspf2 keeps. Pure. Layer: spf.
 *
 *     message  = header question *answer *authority *additional                          RFC 1035 section 4.1
 *     header   = id(16) flags(16) qdcount(16) ancount(16) nscount(16) arcount(16)
 *     question = name type(16) class(16)
 *     answer   = name type(16) class(16) ttl(32) rdlength(16) rdata
 *     rdata    = A: 4 octets / AAAA: 16 octets / MX: preference(16) name / PTR, CNAME: name / TXT: *( length(8) *octet )
 *              / SOA: mname rname serial(32) refresh(32) retry(32) expire(32) minimum(32)
 *
 * c-ares expands the names (it knows what compression can do to a reader); its parsers of whole answers are not used: they give
 * no TTL for TXT, MX and PTR, and take any record of the right type, whoever it belongs to. */
#include "spf/dns.h"

#include <ares.h>
#include <string.h>

#define HEADER_SIZE 12
#define FLAG_ANSWER 0x8000u
#define MASK_OPCODE 0x7800u
#define FLAG_TRUNCATED 0x0200u
#define MASK_RCODE 0x000fu

/* RFC 1034 section 3.6.2 wants no chains at all; resolvers follow a few. */
#define ALIASES_MAX 8

typedef struct {
	const guint8 *message;
	gsize size, at;
} Reader;

typedef struct {
	char *owner;
	guint type;
	guint32 ttl;
	gsize data, size;     /* where its rdata is */
} Record;

static void record_free(gpointer data)
{
	Record *record = data;

	g_free(record->owner);
	g_free(record);
}

/* ---- pieces ---- */

static bool read_u16(Reader *reader, guint *value)
{
	if (reader->size - reader->at < 2)
		return false;
	*value = (guint)reader->message[reader->at] << 8 | reader->message[reader->at + 1];
	reader->at += 2;
	return true;
}

static bool read_u32(Reader *reader, guint32 *value)
{
	guint high, low;

	if (!read_u16(reader, &high) || !read_u16(reader, &low))
		return false;
	*value = high << 16 | low;
	return true;
}

/* c-ares puts a backslash in front of what has a meaning in zone files. In a name of a policy's making ("jane@example.com.x", "$")
 * these are ordinary characters; a dot within a label and a backslash of its own keep theirs, as no name that was asked for has
 * them. */
static char *without_escapes(const char *name)
{
	GString *out = g_string_new(NULL);

	for (const char *p = name; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0' && strchr("@$;()\"", p[1]) != NULL)
			p++;
		g_string_append_c(out, *p);
	}
	return g_string_free(out, FALSE);
}

/* Returns the name at the reader, which moves behind it; NULL where it is none. Caller frees. */
static char *read_name(Reader *reader)
{
	char *expanded = NULL, *name;
	long used = 0;

	if (reader->at >= reader->size || ares_expand_name(reader->message + reader->at, reader->message, (int)reader->size,
	    &expanded, &used) != ARES_SUCCESS)
		return NULL;
	name = without_escapes(expanded);
	ares_free_string(expanded);
	reader->at += (gsize)used;
	if (reader->at <= reader->size)
		return name;
	g_free(name);
	return NULL;
}

static Record *read_record(Reader *reader)
{
	g_autofree char *owner = read_name(reader);
	guint type, class, size;
	guint32 ttl;
	Record *record;

	if (owner == NULL || !read_u16(reader, &type) || !read_u16(reader, &class) || !read_u32(reader, &ttl) ||
	    !read_u16(reader, &size) || reader->size - reader->at < size)
		return NULL;
	record = g_new0(Record, 1);
	record->owner = g_steal_pointer(&owner);
	record->type = class == ns_c_in ? type : ns_t_invalid;
	/* RFC 2181 section 8: one with the top bit set is zero. */
	record->ttl = ttl > G_MAXINT32 ? 0 : ttl;
	record->data = reader->at;
	record->size = size;
	reader->at += size;
	return record;
}

/* Returns as many records as count says, or NULL where the message ends before. */
static GPtrArray *read_records(Reader *reader, guint count)
{
	g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(record_free);

	for (guint i = 0; i < count; i++) {
		Record *record = read_record(reader);

		if (record == NULL)
			return NULL;
		g_ptr_array_add(records, record);
	}
	return g_steal_pointer(&records);
}

/* Reads header and question. True where this is an answer, without an error of the server's, to a question for name and type. */
static bool read_head(Reader *reader, const char *name, int type, guint *rcode, guint counts[3])
{
	guint id, flags, questions, asked_type, class;
	g_autofree char *asked = NULL;

	if (!read_u16(reader, &id) || !read_u16(reader, &flags) || !read_u16(reader, &questions) || !read_u16(reader, &counts[0]) ||
	    !read_u16(reader, &counts[1]) || !read_u16(reader, &counts[2]))
		return false;
	*rcode = flags & MASK_RCODE;
	if ((flags & FLAG_ANSWER) == 0 || (flags & (MASK_OPCODE | FLAG_TRUNCATED)) != 0 || questions != 1 ||
	    (*rcode != ns_r_noerror && *rcode != ns_r_nxdomain))
		return false;
	asked = read_name(reader);
	return asked != NULL && read_u16(reader, &asked_type) && read_u16(reader, &class) && class == ns_c_in &&
	    asked_type == (guint)type && g_ascii_strcasecmp(asked, name) == 0;
}

/* ---- what libspf2 keeps ---- */

static void add_data(SPF_dns_rr_t *set, const void *data, gsize size)
{
	/* The one failure there is: no memory. */
	if (SPF_dns_rr_buf_realloc(set, set->num_rr, size) != SPF_E_SUCCESS)
		g_error("out of memory");
	memcpy(set->rr[set->num_rr++], data, size);
}

static bool add_address(SPF_dns_rr_t *set, const Reader *reader, const Record *record, gsize size)
{
	SPF_dns_rr_data_t address = { 0 };

	if (record->size != size)
		return false;
	memcpy(&address, reader->message + record->data, size);
	add_data(set, &address, sizeof(address));
	return true;
}

/* Adds the name that begins skip bytes into the record. "." says that there is none (RFC 7505). */
static bool add_name(SPF_dns_rr_t *set, const Reader *reader, const Record *record, gsize skip)
{
	Reader data = { reader->message, reader->size, record->data + skip };
	g_autofree char *name = record->size > skip ? read_name(&data) : NULL;

	if (name == NULL || data.at != record->data + record->size)
		return false;
	if (name[0] != '\0')
		add_data(set, name, strlen(name) + 1);
	return true;
}

/* Adds the record's policy if it is one. A second one is refused (RFC 7208 section 4.5). */
static bool add_policy(SPF_dns_rr_t *set, const Reader *reader, const Record *record, const char **refused)
{
	const guint8 *data = reader->message + record->data, *end = data + record->size;
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *policy = NULL;
	const char *why;

	while (data < end) {
		gsize size = *data++;

		if ((gsize)(end - data) < size)
			return false;
		g_string_append_len(text, (const char *)data, (gssize)size);
		data += size;
	}
	policy = spf_policy_clean(text->str, text->len, &why);
	if ((policy != NULL || why != NULL) && (set->num_rr > 0 || *refused != NULL))
		*refused = "the domain has several policies";
	else if (policy != NULL)
		add_data(set, policy, strlen(policy) + 1);
	else if (why != NULL)
		*refused = why;
	return true;
}

static bool add_record(SPF_dns_rr_t *set, const Reader *reader, const Record *record, const char **refused)
{
	switch (record->type) {
	case ns_t_a:
		return add_address(set, reader, record, 4);
	case ns_t_aaaa:
		return add_address(set, reader, record, 16);
	case ns_t_mx:
		return add_name(set, reader, record, 2);
	case ns_t_ptr:
		return add_name(set, reader, record, 0);
	case ns_t_txt:
		return add_policy(set, reader, record, refused);
	default:
		return true;
	}
}

/* ---- the answer ---- */

/* Returns what name is another name for, according to records, or NULL; caller frees. */
static char *read_alias(const Reader *reader, const GPtrArray *records, const char *name, guint *ttl)
{
	for (guint i = 0; i < records->len; i++) {
		const Record *record = records->pdata[i];
		Reader data = { reader->message, reader->size, record->data };

		if (record->type != ns_t_cname || g_ascii_strcasecmp(record->owner, name) != 0)
			continue;
		*ttl = MIN(*ttl, record->ttl);
		return read_name(&data);
	}
	return NULL;
}

/* How long to believe that there is nothing (RFC 2308 section 5). */
static guint negative_ttl(const Reader *reader, const GPtrArray *authority)
{
	for (guint i = 0; i < authority->len; i++) {
		const Record *record = authority->pdata[i];
		Reader data = { reader->message, record->data + record->size, record->data + record->size - 4 };
		guint32 minimum;

		if (record->type == ns_t_soa && record->size >= 4 && read_u32(&data, &minimum))
			return MIN(minimum, record->ttl);
	}
	return 0;
}

/* Fills set from the records that belong to name or to what it is another name for. False where one of them is broken. */
static bool collect(SPF_dns_rr_t *set, const Reader *reader, const GPtrArray *records, const char *name, guint *ttl,
    const char **refused)
{
	g_autofree char *owner = g_strdup(name);

	for (guint i = 0; i <= ALIASES_MAX; i++) {
		char *target = read_alias(reader, records, owner, ttl);

		if (target == NULL)
			break;
		if (i == ALIASES_MAX) {
			g_free(target);
			return false;
		}
		g_free(owner);
		owner = target;
	}
	for (guint i = 0; i < records->len; i++) {
		const Record *record = records->pdata[i];

		if (record->type != set->rr_type || g_ascii_strcasecmp(record->owner, owner) != 0)
			continue;
		*ttl = MIN(*ttl, record->ttl);
		if (!add_record(set, reader, record, refused))
			return false;
	}
	return true;
}

static void clear_set(SPF_dns_rr_t *set, SPF_dns_stat_t state)
{
	/* What was added stays allocated, for SPF_dns_rr_free to find. */
	set->num_rr = 0;
	set->herrno = state;
}

SPF_dns_rr_t *spf_dns_read(const guint8 *message, gsize size, const char *name, int type, guint *ttl, const char **refused)
{
	SPF_dns_rr_t *set = SPF_dns_rr_new_init(NULL, name, (ns_type)type, 0, TRY_AGAIN);
	Reader reader = { message, size, 0 };
	g_autoptr(GPtrArray) answers = NULL, authority = NULL;
	guint rcode, counts[3];

	if (set == NULL)
		g_error("out of memory");
	*ttl = 0;
	*refused = NULL;
	if (size < HEADER_SIZE || size > G_MAXUINT16 || !read_head(&reader, name, type, &rcode, counts) ||
	    (answers = read_records(&reader, counts[0])) == NULL || (authority = read_records(&reader, counts[1])) == NULL)
		return set;
	*ttl = G_MAXINT32;
	if (rcode == ns_r_nxdomain) {
		clear_set(set, HOST_NOT_FOUND);
	} else if (!collect(set, &reader, answers, name, ttl, refused)) {
		clear_set(set, TRY_AGAIN);
		*refused = NULL;
		*ttl = 0;
		return set;
	} else {
		set->herrno = set->num_rr > 0 ? NETDB_SUCCESS : NO_DATA;
	}
	if (*refused != NULL)
		clear_set(set, NO_DATA);
	else if (set->num_rr == 0)
		*ttl = MIN(*ttl, negative_ttl(&reader, authority));
	set->ttl = *ttl;
	return set;
}
