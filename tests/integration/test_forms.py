"""The two exceptions to answering the envelope sender: contact forms that the site names, and group aliases in front of its mailbox.

Whatever else a Reply-To says, nobody writes there."""

import itertools

import pytest

from conftest import StandMaker
from mail import OUTAGE_TEXT, Letter, Received, ack, reasons
from settings import BILLING, SUPPORT, TRUSTED_ID

FORM = "form@corp.example"
FORM_HOST = "192.0.2.40"
LIST_ID = "support-team.lists.example"
TEAM = "support-team@lists.example"
_people = itertools.count(1)


@pytest.fixture(scope="module")
def forms(site, tmp_path_factory, request):
    """A live site with P1 declared that has a contact form, a machine of forms and a group alias."""
    failed_before = request.session.testsfailed
    maker = StandMaker(site, tmp_path_factory.mktemp("forms"))
    request.addfinalizer(lambda: maker.end(request.session.testsfailed > failed_before))
    stand = maker(answer__form_senders=[FORM, "noreply@corp.example"], answer__form_hosts=[FORM_HOST], answer__list_ids=[LIST_ID],
                  support=[{"address": SUPPORT, "aliases": [TEAM]}, {"address": BILLING}]).start()
    stand.declare("P1")
    return stand


@pytest.fixture
def person() -> str:
    """An address of acme.example that no other test uses: senders and people stand in different mailboxes."""
    return f"person{next(_people)}@acme.example"


def vouched(domain: str, method: str = "dkim") -> tuple[str, str]:
    field = {"dkim": "header.d", "dmarc": "header.from", "spf": "smtp.mailfrom"}[method]
    return "Authentication-Results", f"{TRUSTED_ID}; {method}=pass {field}={domain}"


def form_mail(reply_to, sender: str = "www@corp.example", from_address: str = FORM, headers=None, **more) -> Letter:
    """What a contact form sends; reply_to: values of Reply-To fields."""
    reply_to = [reply_to] if isinstance(reply_to, str) else reply_to
    fields = [*([vouched("corp.example")] if headers is None else headers), *(("Reply-To", value) for value in reply_to)]
    return Letter(sender, "Service down, 503 errors", OUTAGE_TEXT, headers=fields, auth=False,
                  from_header=f"Contact form <{from_address}>", **more)


def assert_nobody_answered(stand, *addresses: str) -> None:
    stand.settle()
    for address in addresses:
        assert stand.mailbox(address).replies() == [], address


def refused(received: Received) -> list[str]:
    assert ack(received) == "none"
    return reasons(received)


def test_person_behind_a_form_is_answered(forms, person):
    assert ack(forms.deliver(form_mail(f"Jane Doe <{person}>"))) == "queued"
    reply = forms.mailbox(person).wait_reply()
    assert person in reply.one("To")
    assert_nobody_answered(forms, FORM, "www@corp.example")


@pytest.mark.parametrize("method", ["dkim", "dmarc"])
@pytest.mark.parametrize("sender", ["", "noreply@corp.example", "www-data@corp.example", "bounce-17@other.example"])
def test_forms_own_envelope_says_nothing_of_who_wrote(forms, person, sender, method):
    letter = form_mail(person, sender, "noreply@corp.example", headers=[vouched("corp.example", method)])
    assert ack(forms.deliver(letter)) == "queued"
    forms.mailbox(person).wait_reply()


def test_two_people_use_the_same_form_each_is_answered_once(forms, person):
    other = person.replace("person", "other")
    for address in (person, other, person):
        received = forms.deliver(form_mail(address))
    assert refused(received) == ["already-acked"]
    forms.settle()
    assert [len(forms.mailbox(address).replies()) for address in (person, other)] == [1, 1]


def test_form_that_nobody_vouches_for_is_not_answered(forms, person):
    for headers in ([], [("Authentication-Results", f"{TRUSTED_ID}; dkim=fail header.d=corp.example")],
                    [vouched("elsewhere.example")], [("Authentication-Results", "evil.example; dkim=pass header.d=corp.example")],
                    # SPF of the envelope's domain says nothing of this From.
                    [vouched("www@elsewhere.example", "spf")]):
        sender = "www@elsewhere.example" if headers and "spf" in headers[0][1] else "www@corp.example"
        assert refused(forms.deliver(form_mail(person, sender, headers=headers))) == ["unauthenticated"]
    assert_nobody_answered(forms, person, FORM)


def test_reply_to_of_anybody_else_is_never_answered(forms, customer, person):
    letter = Letter(customer, "Service down, 503 errors", OUTAGE_TEXT, headers=[("Reply-To", person)])
    assert ack(forms.deliver(letter)) == "queued"
    forms.mailbox(customer).wait_reply()
    # A form that the configuration does not name: its machine's address is all that there is to answer.
    unnamed = form_mail(person, "no-reply@corp.example", "no-reply@corp.example")
    assert "system-sender" in refused(forms.deliver(unnamed))
    assert_nobody_answered(forms, person)


@pytest.mark.parametrize("reply_to,reason", [
    ([], "null-sender"),
    (["jane@acme.example, joe@acme.example"], "null-sender"),
    (["jane@acme.example", "joe@acme.example"], "null-sender"),
    (["people: jane@acme.example, joe@acme.example;"], "null-sender"),
    (["undisclosed-recipients:;"], "null-sender"),
    (["not an address"], "null-sender"),
    (["jane@acme.example\n\tjoe@acme.example"], "null-sender"),
    (["postmaster@acme.example"], "system-sender"),
    (["no-reply@acme.example"], "system-sender"),
    ([f"Support <{SUPPORT}>"], "own-address"),
    ([f"Billing <{BILLING.upper()}>"], "own-address"),
])
def test_reply_to_that_is_no_person(forms, reply_to, reason):
    assert reason in refused(forms.deliver(form_mail(reply_to)))
    assert_nobody_answered(forms, "jane@acme.example", "joe@acme.example", "postmaster@acme.example", "no-reply@acme.example")


def test_form_that_says_it_is_a_machine_is_not_answered(forms, person):
    letter = form_mail(person, headers=[vouched("corp.example"), ("Auto-Submitted", "auto-generated")])
    assert "auto-submitted" in refused(forms.deliver(letter))
    assert_nobody_answered(forms, person)


def test_two_froms_are_no_form(forms, person):
    letter = form_mail(person, from_address="x@corp.example")
    letter.bytes = letter.bytes.replace(b"Contact form <x@corp.example>", f"{FORM}, joe@acme.example".encode())
    assert ack(forms.deliver(letter)) == "none"
    assert_nobody_answered(forms, person, "joe@acme.example")


def test_form_of_a_machine_of_the_site(forms, person):
    assert ack(forms.deliver(form_mail(person, headers=[]), client=FORM_HOST)) == "queued"
    forms.mailbox(person).wait_reply()
    other = person.replace("person", "other")
    assert refused(forms.deliver(form_mail(other, headers=[]), client="192.0.2.41")) == ["unauthenticated"]
    assert_nobody_answered(forms, other)


def test_machine_of_forms_does_not_make_everybody_a_form(forms, customer, person):
    letter = form_mail(person, customer, customer, headers=[])
    assert refused(forms.deliver(letter, client=FORM_HOST)) == ["unauthenticated"]
    assert_nobody_answered(forms, customer, person)


# -- a group alias in front of the support box

def list_mail(customer: str, *list_ids: str, headers=None, sender: str = "support-team-bounces@lists.example", **more) -> Letter:
    fields = [*([vouched("customer.example")] if headers is None else headers),
              *(("List-Id", f"Our support team <{list_id}>") for list_id in list_ids)]
    return Letter(sender, "Service down, 503 errors", OUTAGE_TEXT, headers=fields, auth=False,
                  from_header=f"Jane <{customer}>", **more)


def test_person_behind_a_group_alias_is_answered_at_from(forms, customer):
    assert ack(forms.deliver(list_mail(customer, LIST_ID, to_header=TEAM))) == "queued"
    forms.mailbox(customer).wait_reply()
    assert_nobody_answered(forms, "support-team-bounces@lists.example", TEAM)


def test_group_alias_that_adds_all_the_fields_of_a_list(forms, customer):
    letter = list_mail(customer, LIST_ID, headers=[vouched("customer.example", "dmarc"), ("List-Post", f"<mailto:{TEAM}>"),
                                                   ("List-Unsubscribe", "<https://lists.example/leave>")])
    assert ack(forms.deliver(letter)) == "queued"
    forms.mailbox(customer).wait_reply()


def test_group_alias_that_keeps_the_envelope(forms, customer):
    letter = list_mail(customer, LIST_ID, sender=customer, headers=[vouched(customer, "spf")])
    assert ack(forms.deliver(letter)) == "queued"
    forms.mailbox(customer).wait_reply()


def test_spf_of_the_list_does_not_vouch_for_the_writer(forms, customer):
    for headers in ([], [vouched("support-team-bounces@lists.example", "spf")], [vouched("lists.example")]):
        assert refused(forms.deliver(list_mail(customer, LIST_ID, headers=headers))) == ["unauthenticated"]
    assert_nobody_answered(forms, customer, "support-team-bounces@lists.example")


@pytest.mark.parametrize("list_ids", [["users.lists.example"], [LIST_ID, "users.lists.example"], [LIST_ID + ".evil.example"],
                                      ["x" + LIST_ID]])
def test_other_lists_are_not_answered(forms, customer, list_ids):
    assert "list-mail" in refused(forms.deliver(list_mail(customer, *list_ids)))
    assert_nobody_answered(forms, customer)


def test_list_fields_without_the_id_are_a_list(forms, customer):
    letter = list_mail(customer, headers=[vouched("customer.example"), ("List-Post", f"<mailto:{TEAM}>")])
    assert "list-mail" in refused(forms.deliver(letter))
    assert_nobody_answered(forms, customer)


def test_machine_behind_a_group_alias_is_not_answered(forms, customer):
    robot = f"noreply@{customer.partition('@')[2]}"
    assert "system-sender" in refused(forms.deliver(list_mail(robot, LIST_ID)))
    letter = list_mail(customer, LIST_ID, headers=[vouched("customer.example"), ("Auto-Submitted", "auto-replied")])
    assert "auto-submitted" in refused(forms.deliver(letter))
    assert_nobody_answered(forms, customer, robot)
