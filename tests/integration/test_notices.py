"""Notices: what the operator tells those who wrote in, once a person, whatever dies meanwhile, and never to whom it should not go."""

import email.utils
import json

import pytest

from mail import LEGAL_TEXT, PASSWORD_TEXT, Letter, ack, outage_report
from process import eventually
from settings import SUPPORT

UPDATE = "The database is being restored from last night's copy."


@pytest.fixture
def either(make_stand, store):
    """A live site, once on SQLite and once on Redis."""
    return make_stand(store).start()


def notices(stand, address: str):
    """The notices that arrived for an address: made by a machine, and no answer."""
    return [message for message in stand.mailbox(address).messages() if message.one("Auto-Submitted").startswith("auto-generated")]


def wait_notices(stand, address: str, count: int = 1, timeout: float = 40):
    eventually(lambda: len(notices(stand, address)) >= count, timeout, f"{count} notice(s) for {address}")
    return notices(stand, address)


def wait_contacts(stand, count: int, **more) -> None:
    """Waits until the store knows of so many who wrote in and are told, or left out: it is told in the background."""
    def known() -> bool:
        shown = stand.ctl("update", UPDATE, "--notify", check=False, **more).stdout
        return f"goes to {count} " in shown or f"left out are {count}:" in shown
    eventually(known, 20, f"{count} people who wrote in are known")


def wait_done(stand, count: int = 1, timeout: float = 60) -> None:
    eventually(lambda: stand.ctl("notices").stdout.count("done") >= count, timeout, f"{count} notice(s) done")


def test_who_wrote_in_is_told_once_and_lawyers_and_accounts_are_not(either):
    either.put_account("acme.example", account="Acme", level="platinum")
    either.declare("P1")
    either.wait_account("it@acme.example", "Acme")
    people = [f"person{number}@customer.example" for number in range(3)]
    letters = [outage_report(person) for person in people]
    for letter in letters:
        assert ack(either.deliver(letter)) == "queued"
    either.deliver(outage_report("it@acme.example"))
    either.deliver(Letter("boss@customer.example", "Service down: breach of contract", LEGAL_TEXT))
    either.deliver(Letter("joe@customer.example", "Forgot my password", PASSWORD_TEXT))
    either.deliver(outage_report("forged@customer.example", auth=False))
    for person in people:
        either.mailbox(person).wait_reply()
    wait_contacts(either, 3)
    either.ctl("update", UPDATE, "--notify", "--yes")
    for person, letter in zip(people, letters):
        notice, = wait_notices(either, person)
        assert UPDATE in notice.text()
        assert notice.one("In-Reply-To") == letter.message_id
        assert notice.one("List-Unsubscribe").startswith("<mailto:support+stop-")
        assert notice.one("X-Auto-Response-Suppress") == "All"
    wait_done(either)
    done, = json.loads(either.ctl("notices", "--json").stdout)
    assert (done["told"], done["left_out"]) == (3, 2)
    either.wait_quiet()
    for left_alone in ("it@acme.example", "boss@customer.example", "joe@customer.example", "forged@customer.example"):
        assert notices(either, left_alone) == []
    assert [len(notices(either, person)) for person in people] == [1, 1, 1]


def test_lawyers_and_accounts_are_told_where_they_are_named(either):
    either.put_account("acme.example", account="Acme", level="platinum", contacts=["cto@other.example"])
    either.declare("P1")
    either.wait_account("it@acme.example", "Acme")
    either.deliver(outage_report("it@acme.example"))
    either.deliver(Letter("boss@customer.example", "Service down: breach of contract", LEGAL_TEXT))
    wait_contacts(either, 2)
    either.ctl("update", UPDATE, "--notify", "--include", "legal,accounts", "--accounts", "--yes")
    for address in ("it@acme.example", "boss@customer.example", "cto@other.example"):
        assert UPDATE in wait_notices(either, address)[0].text()


def test_resolution_and_post_mortem_are_told(either, customer):
    either.declare("P1")
    either.deliver(outage_report(customer))
    either.mailbox(customer).wait_reply()
    wait_contacts(either, 1)
    either.ctl("resolve", "--cause", "A disk failed.", "--fix", "The disk was replaced.", "--notify", "--yes")
    either.wait_word("resolved")
    first, = wait_notices(either, customer)
    assert "The disk was replaced." in first.text()
    either.ctl("resolve", "--postmortem", "https://status.support.example/post/7", "--notify", "--yes")
    second = wait_notices(either, customer, 2)[1]
    assert "https://status.support.example/post/7" in second.text()


def test_post_mortem_is_told_when_late_mail_is_not_answered_any_more(make_stand, store, customer):
    stand = make_stand(store, incident__resolved_for="1s").start()
    stand.declare("P1")
    stand.deliver(outage_report(customer))
    stand.mailbox(customer).wait_reply()
    wait_contacts(stand, 1)
    stand.ctl("resolve", "--fix", "The disk was replaced.")
    stand.wait_word("")
    stand.ctl("resolve", "--postmortem", "https://status.support.example/post/7", "--notify", "--yes")
    assert "https://status.support.example/post/7" in wait_notices(stand, customer)[0].text()


def test_nothing_is_changed_or_sent_where_nobody_says_yes(either, customer):
    either.declare("P1")
    either.deliver(outage_report(customer))
    either.mailbox(customer).wait_reply()
    wait_contacts(either, 1)
    done = either.ctl("update", UPDATE, "--notify", check=False)
    assert done.returncode == 2
    assert UPDATE in done.stdout  # what would be sent is shown
    assert UPDATE not in either.ctl("status", check=False).stdout
    assert "done" not in either.ctl("notices").stdout
    assert notices(either, customer) == []


def test_pause_holds_a_notice_and_clear_withdraws_it(either, customer):
    either.declare("P1")
    either.deliver(outage_report(customer))
    either.mailbox(customer).wait_reply()
    wait_contacts(either, 1)
    either.ctl("pause", "reading it once more")
    either.ctl("update", UPDATE, "--notify", "--yes")
    either.ctl("resume")
    wait_notices(either, customer)
    either.ctl("pause", "wrong text")
    either.ctl("update", "This text is wrong.", "--notify", "--yes")
    either.ctl("clear")
    either.wait_word("")
    either.ctl("resume")
    # Whatever is told of the next incident comes after what was left of this one.
    either.ctl("declare", "next", "P1")
    either.wait_word("P1")
    other = "other" + customer
    either.deliver(outage_report(other))
    either.mailbox(other).wait_reply()
    assert [UPDATE in notice.text() for notice in notices(either, customer)] == [True]


def test_who_opted_out_hears_no_more_of_this_incident(either):
    either.declare("P1")
    leaves, stays = "leaves@customer.example", "stays@customer.example"
    for person in (leaves, stays):
        either.deliver(outage_report(person))
        either.mailbox(person).wait_reply()
    wait_contacts(either, 2)
    either.ctl("update", UPDATE, "--notify", "--yes")
    notice = wait_notices(either, leaves)[0]
    wait_notices(either, stays)
    wait_done(either)
    address = notice.one("List-Unsubscribe").removeprefix("<mailto:").partition("?")[0].rstrip(">")
    stop = Letter(leaves, "stop", "please", to=address)
    assert either.deliver(stop).message_id == stop.message_id  # it is not lost
    # Known only in the background: the number of those who would be told shows it.
    eventually(lambda: "1 " in either.ctl("update", "Nearly done.", "--notify", check=False).stdout and
               "want no further" in either.ctl("update", "Nearly done.", "--notify", check=False).stdout, 20, "the wish is known")
    either.ctl("update", "Nearly done.", "--notify", "--yes")
    wait_notices(either, stays, 2)
    wait_done(either, 2)
    either.wait_quiet()
    assert len(notices(either, leaves)) == 1


def test_forged_opt_out_stops_nobody(either, customer):
    either.declare("P1")
    either.deliver(outage_report(customer))
    either.mailbox(customer).wait_reply()
    wait_contacts(either, 1)
    forged = SUPPORT.replace("@", "+stop-" + "0" * 32 + "@")
    either.deliver(Letter("enemy@other.example", "stop", "stop", to=forged))
    either.ctl("update", UPDATE, "--notify", "--yes")
    wait_notices(either, customer)


def test_replier_killed_in_the_middle_tells_everybody_once(make_stand, store):
    # What a killed replier had in hand is taken over after twice reply.timeout and ten seconds.
    stand = make_stand(store, notice__rate=600, ack__domain_cap=0, reply__timeout="1s").start()
    stand.declare("P1")
    people = [f"person{number}@customer.example" for number in range(25)]
    for person in people:
        stand.deliver(outage_report(person))
    stand.mailbox("@customer.example").wait_count(25)
    wait_contacts(stand, 25)
    stand.ctl("update", UPDATE, "--notify", "--yes")
    eventually(lambda: sum(len(notices(stand, person)) for person in people) >= 8, 60, "some of the notices")
    stand.replier.kill()
    stand.start_replier()
    for person in people:
        wait_notices(stand, person, timeout=90)
    wait_done(stand, timeout=90)
    stand.wait_quiet()
    # A letter that the MTA took just before the kill may come again, under the same Message-ID: one for each reader.
    assert [len({notice.message_id for notice in notices(stand, person)}) for person in people] == [1] * 25
    assert sum(len(notices(stand, person)) for person in people) <= 27


def test_shadow_mode_tells_canaries_alone(make_stand):
    stand = make_stand(mode="shadow", canary=["canary@customer.example"]).start()
    stand.declare("P1")
    for person in ("canary@customer.example", "person@customer.example"):
        stand.deliver(outage_report(person))
    stand.mailbox("canary@customer.example").wait_reply()
    wait_contacts(stand, 1)
    done = stand.ctl("update", UPDATE, "--notify", "--yes")
    assert "SHADOW" in done.stdout + done.stderr
    wait_notices(stand, "canary@customer.example")
    wait_done(stand)
    stand.wait_quiet()
    assert notices(stand, "person@customer.example") == []


def test_word_of_promise_is_refused_and_an_offer_goes_to_whom_it_is_for(make_stand):
    offers = [{"name": "credit", "levels": ["gold"], "text": "We will credit the time of this outage to your next invoice."}]
    routes = [{"name": "all", "queue": "surge"}]
    stand = make_stand(offers=offers, routes=routes).start()
    refused = stand.ctl("declare", "P1", "--scope", "Everybody gets a refund", check=False)
    assert refused.returncode == 2 and "refund" in refused.stderr
    stand.put_account("acme.example", account="Acme", level="gold")
    unknown = stand.ctl("declare", "P1", "--offer", "voucher", check=False)
    assert unknown.returncode != 0 and "credit" in unknown.stderr
    stand.declare("P1", "--offer", "credit")
    stand.wait_account("it@acme.example", "Acme")
    for person in ("it@acme.example", "person@customer.example"):
        stand.deliver(outage_report(person))
    assert "credit the time" in stand.mailbox("it@acme.example").wait_reply().text()
    assert "credit" not in stand.mailbox("person@customer.example").wait_reply().text()


@pytest.mark.parametrize("language, word", [("de", "Guten Tag"), ("ja", "お客様")])
def test_letters_come_in_the_language_of_the_customer(stand, customer, language, word):
    stand.declare("P1", "--title", "Login is down")
    stand.deliver(outage_report(customer, headers=[("Content-Language", language)]))
    reply = stand.mailbox(customer).wait_reply()
    assert reply.one("Content-Language") == language
    assert word in reply.text()
    assert email.utils.parseaddr(reply.one("From"))[1] == SUPPORT
