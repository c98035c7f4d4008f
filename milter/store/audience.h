/* audience: to whom a notice goes, and the letter to each. Layer: store. Pure. The replier tells by it, and outagectl counts by it
 * beforehand, so that what the operator was shown is what happens. */
#ifndef OUTAGE_STORE_AUDIENCE_H
#define OUTAGE_STORE_AUDIENCE_H

#include "config/config.h"
#include "inspect/facts.h"
#include "store/note.h"
#include "store/store.h"

/* Returns a letter of that class to an address, or NULL where no machine may write there. Its word cannot be none, for none is no
 * letter's: of an incident that has ended it is resolved. What is particular to the letter is the caller's to fill in. Caller frees. */
ClaimRequest *audience_letter(LetterClass class, const char *to, const char *incident, const char *id, Word word);

/* Returns the address that is written from where no mail says to which one the other side wrote: the first support address that the
 * incident concerns, else reply.from, else one of the first support domain; NULL where the site has none. Caller frees. */
char *audience_support(const Config *config, const char *incident);

/* Returns why the person of these facts is not told (static: "legal", "media", "account", "apart", "shadow", "another incident",
 * "nobody"), or NULL where they are. apart: kinds of this person's mails as the store keeps them (StoredNote.apart; may be NULL); those
 * of the facts themselves count besides. */
const char *audience_left_out(const Config *config, const Notice *notice, const Facts *facts, const char *apart);

/* Returns the letter to that person, or NULL where the address is unusable; caller frees. word: of the incident. */
ClaimRequest *audience_request(const Notice *notice, const Facts *facts, Word word);
/* The same to an address of an account's own contacts, written to as the support address `support`. */
ClaimRequest *audience_contact_request(const Notice *notice, const Account *account, const char *contact, const char *support, Word word);

#endif
