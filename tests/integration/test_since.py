"""declare --since: who wrote before the flip is answered under the same rules as if he wrote now, once."""

import re

import pytest

from mail import LEGAL_TEXT, PASSWORD_TEXT, Letter, ack, outage_report, reasons
from process import eventually


@pytest.fixture
def either(make_stand, store):
    """A live site, once on SQLite and once on Redis."""
    return make_stand(store).start()


def would_answer(stand, count: int) -> None:
    """Waits until so many would be answered; asking changes nothing."""
    def known() -> bool:
        done = stand.ctl("declare", "P1", "--since", "1h", check=False)
        return done.returncode == 2 and re.search(rf"; {count} (person|people) would be answered", done.stdout)
    eventually(known, 20, f"{count} who wrote before the flip are known")


def test_who_wrote_before_the_flip_is_answered_once_and_others_are_not(either):
    either.put_account("acme.example", account="Acme", level="platinum")
    early = [outage_report(f"early{number}@customer.example") for number in range(3)]
    others = [
        outage_report("it@acme.example"),
        Letter("boss@customer.example", "Service down: breach of contract", LEGAL_TEXT),
        Letter("joe@customer.example", "Forgot my password", PASSWORD_TEXT),
        outage_report("forged@customer.example", auth=False),
        outage_report("robot@customer.example", headers=[("Auto-Submitted", "auto-generated")]),
    ]
    for letter in [*early, *others]:
        assert either.deliver(letter).outage() == {}  # nothing is on: mail passes as it came
    would_answer(either, 3)
    assert either.node.word() == ""
    either.ctl("declare", "P1", "--since", "1h", "--yes")
    either.wait_word("P1")
    for letter in early:
        reply = either.mailbox(letter.sender).wait_reply(40)
        assert reply.one("In-Reply-To") == letter.message_id
    either.settle()
    for letter in others:
        assert either.mailbox(letter.sender).replies() == []
    # Neither a second run nor a second mail brings a second answer, and the question says so beforehand.
    would_answer(either, 0)
    assert "3 answered already" in either.ctl("declare", "P1", "--since", "1h", check=False).stdout
    either.ctl("declare", "P1", "--since", "1h", "--yes")
    again = either.deliver(outage_report(early[0].sender))
    assert ack(again) == "none" and reasons(again) == ["already-acked"]
    either.settle()
    assert [len(either.mailbox(letter.sender).replies()) for letter in early] == [1, 1, 1]


def test_time_window_is_kept(either):
    either.deliver(outage_report("early@customer.example"))
    would_answer(either, 1)
    eventually(lambda: "0 mails since then" in either.ctl("declare", "P1", "--since", "1s", check=False).stdout, 10, "it is too old")
    either.ctl("declare", "P1", "--since", "1s", "--yes")
    either.wait_word("P1")
    either.settle()
    assert either.mailbox("early@customer.example").replies() == []


def test_nobody_is_remembered_where_the_site_does_not_want_it(make_stand):
    stand = make_stand(recent__keep=0).start()
    stand.deliver(outage_report("early@customer.example"))
    stand.declare("P1", "--since", "1h", "--yes")
    stand.settle()
    assert stand.mailbox("early@customer.example").replies() == []


def test_who_is_answered_late_is_among_those_who_are_told(either):
    letter = outage_report("early@customer.example")
    either.deliver(letter)
    would_answer(either, 1)
    either.ctl("declare", "P1", "--since", "1h", "--yes")
    either.wait_word("P1")
    either.mailbox(letter.sender).wait_reply(40)
    either.ctl("update", "We have found the cause.", "--notify", "--yes")
    either.mailbox(letter.sender).wait_for(lambda message: "We have found the cause." in message.text(), 40, "the notice")


def test_shadow_mode_answers_nobody_who_wrote_before(make_stand):
    stand = make_stand(mode="shadow").start()
    stand.deliver(outage_report("early@customer.example"))
    done = stand.ctl("declare", "P1", "--since", "1h", "--yes")
    assert "SHADOW" in done.stdout + done.stderr
    stand.wait_word("P1")
    stand.wait_quiet()
    assert stand.mailbox("early@customer.example").replies() == []
