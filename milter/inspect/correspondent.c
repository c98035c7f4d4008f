/* correspondent: whom an acknowledgement goes to. Layer: inspect. Pure.
 *
 * The envelope sender is whom RFC 3834 wants answered, and the only one of whom SPF knows. A contact form and a group
 * alias put their own address there; behind them somebody else is waiting, whom the mail's header names. */
#include "inspect/correspondent.h"

#include <string.h>

#include "base/address.h"

void correspondent_clear(Correspondent *correspondent)
{
	g_free(correspondent->address);
	g_free(correspondent->normal);
	memset(correspondent, 0, sizeof *correspondent);
}

/* list-id-header = "List-ID:" [phrase] "<" list-id ">"                   RFC 2919 section 3
 * Older lists leave the angle brackets out. A phrase may be quoted, and comments may stand anywhere: brackets in those are only
 * words. Returns the list-id; caller frees. */
static char *list_id(const char *value)
{
	g_autoptr(GString) bare = g_string_new(NULL);
	guint depth = 0;
	bool quoted = false;

	for (const char *at = value; *at; at++) {
		if (*at == '\\' && (quoted || depth > 0) && at[1]) {
			at++;
		} else if (*at == '"' && depth == 0) {
			quoted = !quoted;
		} else if (quoted) {
			continue;
		} else if (*at == '(') {
			depth++;
		} else if (*at == ')' && depth > 0) {
			depth--;
		} else if (depth == 0 && *at == '<') {
			return g_strstrip(g_strndup(at + 1, strcspn(at + 1, ">")));
		} else if (depth == 0) {
			g_string_append_c(bare, *at);
		}
	}
	return g_strstrip(g_string_free(g_steal_pointer(&bare), FALSE));
}

static bool is_own_list(const char *const *list_ids, const char *value)
{
	g_autofree char *id = list_id(value);

	for (; *list_ids; list_ids++) {
		g_autofree char *own = list_id(*list_ids);

		if (*id && g_ascii_strcasecmp(id, own) == 0)
			return true;
	}
	return false;
}

bool correspondent_by_own_list(const char *const *list_ids, const Message *message)
{
	bool own = false;

	if (!list_ids || !*list_ids)
		return false;
	for (guint i = 0; i < message->headers->len; i++) {
		const Header *header = g_ptr_array_index(message->headers, i);

		if (g_ascii_strcasecmp(header->name, "List-Id") != 0)
			continue;
		if (!is_own_list(list_ids, header->value))
			return false;
		own = true;
	}
	return own;
}

static bool is_form(const CorrespondentSettings *settings, const char *from_normal)
{
	for (const char *const *form = settings->form_senders; form && *form && from_normal; form++)
		if (g_str_equal(*form, from_normal))
			return true;
	return false;
}

static void set_address(Correspondent *correspondent, const char *address)
{
	g_autoptr(Address) parsed = address ? address_parse(address, NULL) : NULL;

	if (!parsed || !address_may_be_answered(parsed))
		return;
	correspondent->normal = address_normal(parsed);
	correspondent->address = g_strdup(address);
}

void correspondent_find(Correspondent *correspondent, const CorrespondentSettings *settings, const Message *message,
    const char *from, const char *reply_to, const Authentic *authentic)
{
	g_autofree char *from_normal = address_normal_text(from);
	g_autofree char *sender_normal = address_normal_text(message->sender);
	bool has_sender = message->sender && *message->sender;

	correspondent_clear(correspondent);
	if (is_form(settings, from_normal)) {
		correspondent->via = VIA_FORM;
		set_address(correspondent, reply_to);
		correspondent->verified = authentic->from;
		if (authentic->from == VERIFIED_NO && settings->from_form_host)
			correspondent->verified = VERIFIED_AUTH;
	} else if (has_sender && correspondent_by_own_list(settings->list_ids, message) &&
	    (!from_normal || g_strcmp0(from_normal, sender_normal) != 0)) {
		/* With several in From nobody is answered, least of all the list's own envelope sender. Neither where the envelope is empty:
		 * an alias that does not write its own has let through a bounce or an automatic answer, whatever its From. */
		correspondent->via = VIA_LIST;
		set_address(correspondent, from);
		correspondent->verified = authentic->from == VERIFIED_SPF ? VERIFIED_NO : authentic->from;
	} else {
		correspondent->via = VIA_SENDER;
		set_address(correspondent, message->sender);
		correspondent->verified = authentic->sender;
	}
}
