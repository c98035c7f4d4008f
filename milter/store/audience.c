/* audience: see audience.h. Layer: store. */
#include "store/audience.h"

#include <string.h>

#include "base/address.h"

ClaimRequest *audience_letter(LetterClass class, const char *to, const char *incident, const char *id, Word word)
{
	g_autoptr(Address) address = address_parse(to, NULL);
	ClaimRequest *request;

	if (address == NULL || !address_may_be_answered(address))
		return NULL;
	request = g_new0(ClaimRequest, 1);
	request->class = class;
	request->sender = address_normal(address);
	request->to = address_to_string(address);
	request->incident = g_strdup(incident);
	request->id = g_strdup(id);
	request->word = word == WORD_NONE ? WORD_RESOLVED : word;
	request->resolved = request->word == WORD_RESOLVED;
	return request;
}

/* Of a domain it is the postmaster, whom every domain has (RFC 5321 section 4.5.1). */
char *audience_support(const Config *config, const char *incident)
{
	SupportAddress **support = config->support;

	for (guint i = 0; support != NULL && support[i] != NULL; i++) {
		char **names = support[i]->incidents;

		if (support[i]->address != NULL &&
		    (names == NULL || *names == NULL || g_strv_contains((const char *const *)names, incident)))
			return g_strdup(support[i]->address);
	}
	if (config->reply_from != NULL && *config->reply_from != '\0')
		return g_strdup(config->reply_from);
	for (guint i = 0; support != NULL && support[i] != NULL; i++)
		if (support[i]->domain != NULL)
			return g_strconcat("postmaster@", support[i]->domain, NULL);
	return support != NULL && support[0] != NULL ? g_strdup(support[0]->address) : NULL;
}

/* --- notices --- */

/* Returns why a person whose mails are of these kinds (a comma list) is not told (static), or NULL. A kind that is not known is left out
 * as well: a newer node may have found it. What weighs most comes first. */
static const char *kept_apart(const Notice *notice, const char *kinds)
{
	const struct { const char *kind; bool told; } known[] = {
		{ "legal", notice->legal }, { "media", notice->media }, { "account", notice->accounts },
	};
	g_auto(GStrv) list = g_strsplit(kinds, ",", -1);
	guint strange = 0;

	for (char **kind = list; *kind != NULL; kind++)
		strange += **kind != '\0';
	for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
		for (char **kind = list; *kind != NULL; kind++)
			strange -= strcmp(*kind, known[i].kind) == 0;
	if (strange > 0)
		return "apart";
	for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
		if (!known[i].told && g_strv_contains((const char *const *)list, known[i].kind))
			return known[i].kind;
	return NULL;
}

const char *audience_left_out(const Config *config, const Notice *notice, const Facts *facts, const char *apart)
{
	g_autofree char *own = facts_apart(facts);
	g_autofree char *kinds = g_strconcat(own != NULL ? own : "", ",", apart, NULL);
	const char *kind = kept_apart(notice, kinds);

	if (facts->sender == NULL || facts->rcpt == NULL)
		return "nobody";
	/* A signed note of one incident that somebody put among the contacts of another. */
	if (facts->id != NULL && strcmp(facts->id, notice->id) != 0)
		return "another incident";
	if (kind != NULL)
		return kind;
	return config_is_shadow(config, config_support(config, facts->rcpt), facts->sender) ? "shadow" : NULL;
}

static ClaimRequest *new_notice(const Notice *notice, const char *to, const char *support, Word word)
{
	ClaimRequest *request = audience_letter(LETTER_NOTICE, to, notice->incident, notice->id, word);

	if (request == NULL)
		return NULL;
	request->letter = g_strdup(notice->name);
	request->epoch = notice->epoch;
	request->support = g_strdup(support);
	request->text = g_strdup(notice->text);
	return request;
}

ClaimRequest *audience_request(const Notice *notice, const Facts *facts, Word word)
{
	ClaimRequest *request = new_notice(notice, facts->to != NULL ? facts->to : facts->sender, facts->rcpt, word);

	if (request == NULL)
		return NULL;
	request->language = g_strdup(facts->account_language != NULL ? facts->account_language : facts->language);
	request->account = g_strdup(facts->account);
	request->level = g_strdup(facts->level);
	request->subject = g_strdup(facts->subject);
	request->message_id = g_strdup(facts->message_id);
	request->references = g_strdup(facts->references);
	request->queue_id = g_strdup(facts->queue_id);
	request->written_at = facts->written_at;
	return request;
}

ClaimRequest *audience_contact_request(const Notice *notice, const Account *account, const char *contact, const char *support, Word word)
{
	ClaimRequest *request = new_notice(notice, contact, support, word);

	if (request == NULL)
		return NULL;
	request->language = g_strdup(account->language);
	request->account = g_strdup(account->name);
	request->level = g_strdup(account->level);
	request->written_at = notice->ordered_at;
	return request;
}
