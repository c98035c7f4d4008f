"""Before many people get mail the operator is shown it and asked; those who wrote before the flip; who waits for a person."""

import json
import os
import pty
import subprocess

import pytest

from mail import LEGAL_TEXT, Letter, outage_report
from process import eventually
from settings import STATUS_URL

OFFERS = [{"name": "month", "language": "en", "text": "The month is free."}]


@pytest.fixture
def either(make_stand, store):
    """A live site, once on SQLite and once on Redis."""
    return make_stand(store, offers=OFFERS).start()


@pytest.fixture
def one(make_stand):
    return make_stand(offers=OFFERS).start()


@pytest.fixture
def other_customer(customer) -> str:
    return "other." + customer


def at_terminal(stand, typed: str, *args: str) -> subprocess.CompletedProcess:
    """Runs outagectl with a terminal as its input, on which somebody types."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, typed.encode())
        return subprocess.run([stand.build / "outagectl", "-c", stand.node.config, *args], stdin=theirs, capture_output=True,
                              text=True, timeout=60, check=False)
    finally:
        os.close(ours)
        os.close(theirs)


def told(stand, *args: str) -> list[dict]:
    return json.loads(stand.ctl("notices", *args, "--json").stdout)


def wrote_in(stand, customer: str) -> None:
    """Has the customer write, and waits until the store knows that he can be told how it goes on."""
    stand.deliver(outage_report(customer))
    eventually(lambda: "goes to 1 person" in stand.ctl("update", "A question.", "--notify", check=False).stdout, 20, "he counts as a contact")


def state(stand) -> tuple:
    incident, = [one for one in stand.status()["incidents"] if one["name"] == "default"]
    return incident["word"], incident["update"], incident["texts"]


def test_nothing_is_changed_without_somebody_to_ask(either, customer):
    either.declare("P1")
    wrote_in(either, customer)
    before = state(either)
    done = either.ctl("update", "It burns.", "--phase", "identified", "--notify", check=False)
    assert done.returncode == 2 and "--yes" in done.stderr
    assert "It burns." in done.stdout and "goes to 1 person" in done.stdout, "it is shown all the same"
    assert either.ctl("resolve", "--cause", "A fire", "--notify", check=False).returncode == 2
    assert either.ctl("declare", "P2", "--since", "1h", check=False).returncode == 2
    assert state(either) == before
    assert told(either) == []


def test_no_changes_nothing(either, customer):
    either.declare("P1")
    wrote_in(either, customer)
    before = state(either)
    done = at_terminal(either, "n\n", "update", "It burns.", "--next-update", "1h", "--notify")
    assert done.returncode == 1 and "Send to 1 person? [y/N]" in done.stderr and "nothing was changed" in done.stderr
    done = at_terminal(either, "\n", "resolve", "--notify")
    assert done.returncode == 1
    assert state(either) == before
    assert told(either) == []


def test_yes_changes_and_orders(either, customer):
    either.declare("P1")
    wrote_in(either, customer)
    done = at_terminal(either, "y\n", "update", "It burns.", "--phase", "identified", "--notify", "--include", "legal,accounts")
    assert done.returncode == 0, done
    word, update, texts = state(either)
    assert (word, update, texts["phase"]) == ("P1", "It burns.", "identified")
    notice, = told(either)
    assert notice["name"].startswith("update-") and notice["text"] == "It burns." and notice["incident"] == "default"
    assert notice["name"] in either.ctl("notices").stdout


def test_end_and_post_mortem_are_told(one, customer):
    one.declare("P1")
    wrote_in(one, customer)
    one.ctl("resolve", "--cause", "A fire", "--notify", "--yes")
    first, = told(one)
    assert first["name"].startswith("resolved-")
    refused = one.ctl("update", "One more word", "--notify", "--yes", check=False)
    assert refused.returncode == 2 and "resolve --notify" in refused.stderr
    again = at_terminal(one, "n\n", "resolve", "--notify")
    assert f"ALREADY ORDERED: {first['name']}" in again.stdout
    one.ctl("resolve", "--postmortem", STATUS_URL + "pm", "--notify", "--yes")
    assert [notice["name"].split("-")[0] for notice in told(one)] == ["postmortem", "resolved"]
    assert state(one)[2]["postmortem_url"] == STATUS_URL + "pm"


def test_nobody_is_told_of_what_is_not_on(one):
    assert one.ctl("update", "Well", "--notify", "--yes", check=False).returncode == 1
    assert one.ctl("resolve", "--notify", "--yes", check=False).returncode == 1
    assert one.ctl("notices", check=False).returncode == 1


@pytest.mark.parametrize("args, said", [
    (["update", "A", "--include", "legal"], "--notify"), (["update", "A", "--yes"], "--notify"),
    (["update", "A", "--notify", "--include", "friends"], "friends"), (["declare", "P1", "--yes"], "--since"),
    (["declare", "P1", "--since", "soon"], "soon"), (["declare", "P1", "--since", "0"], "--since"),
    (["declare", "P1", "--offer", "moon"], "month"), (["notices", "a", "b"], "NAME"),
    (["declare", "P1", "--title", "You get a refund"], "refund"), (["update", "We will pay compensation"], "compensation"),
    (["resolve", "--prevention", "A credit for everybody"], "credit")])
def test_wrong_usage_is_said_and_changes_nothing(one, args, said):
    done = one.ctl(*args, check=False)
    assert done.returncode == 2, done
    assert said in done.stderr
    assert one.node.word() == ""


def test_secret_that_cannot_be_read_is_said_before_anything_changes(one):
    one.declare("P1")
    secret = one.dir / "secret"
    kept = secret.read_bytes()
    secret.unlink()
    try:
        for args in (["update", "A", "--notify", "--yes"], ["declare", "P2", "--since", "1h", "--yes"]):
            done = one.ctl(*args, check=False)
            assert done.returncode == 1 and str(secret) in done.stderr and len(done.stderr.splitlines()) == 1
        assert state(one)[0] == "P1"
        assert "no notice" in one.ctl("notices").stdout
    finally:
        secret.write_bytes(kept)
        secret.chmod(0o600)


def test_those_who_wrote_before_the_flip_are_answered_once(one, customer, other_customer):
    for letter in (outage_report(customer), outage_report(customer), outage_report(other_customer, auth=False)):
        one.deliver(letter)
    shown = eventually(lambda: (text := one.ctl("declare", "P1", "--since", "1h", check=False).stdout) and
                       "3 mails since then" in text and text, 20, "all three are remembered")
    assert "1 person would be answered" in shown and "1 unauthenticated" in shown and "1 more of the same people" in shown
    assert "Subject: " in shown, "the letter is shown"
    assert one.node.word() == ""
    done = one.ctl("declare", "P1", "--since", "1h", "--yes")
    assert "default: 1 queued" in done.stdout
    one.mailbox(customer).wait_reply()
    assert "0 queued, 1 answered already" in one.ctl("declare", "P1", "--since", "1h", "--yes").stdout
    assert "goes to 1 person" in one.ctl("update", "A question.", "--notify", check=False).stdout, "he can be told how it goes on"
    one.settle()
    assert len(one.mailbox(customer).replies()) == 1
    assert one.mailbox(other_customer).replies() == []


def test_since_reaches_no_further_than_memory(one):
    shown = one.ctl("declare", "P1", "--since", "2d", "--yes").stdout
    assert "recent.keep" in shown and "0 queued" in shown
    assert "recent.keep" not in one.ctl("declare", "P1", "--since", "1h", "--yes").stdout


def test_shadow_and_pause_are_said_in_capitals(make_stand):
    stand = make_stand(mode="shadow").start()
    stand.declare("P1")
    stand.ctl("pause", "wrong text")
    for args in (["update", "A", "--notify"], ["declare", "P2", "--since", "1h"]):
        shown = stand.ctl(*args, check=False).stdout
        assert "NOBODY BUT CANARIES" in shown and "PAUSED" in shown


def test_who_waits_for_a_person_is_shown_the_largest_first(one, customer, other_customer):
    one.put_account("acme.example", account="Acme", level="platinum", ack="none", respond_within="1h")
    one.declare("P1")
    one.wait_account("it@acme.example", "Acme")
    one.deliver(Letter(customer, "Breach of contract", LEGAL_TEXT))
    one.deliver(outage_report("it@acme.example", subject="All is \x1b[31m down"))
    waiting = eventually(lambda: len(one.status()["waiting"]) == 2 and one.status()["waiting"], 20, "both wait")
    assert [(entry["account"], entry["sender"], entry["signed"]) for entry in waiting] == [("Acme", "it@acme.example", True),
                                                                                  (None, customer, True)]
    assert waiting[0]["level"] == "platinum" and not waiting[0]["overdue"] and waiting[0]["incident"] == "default"
    assert "legal" in waiting[1]["kinds"]
    text = one.ctl("status").stdout
    assert "2 wait for a person" in text and "\x1b" not in text
    assert text.index("Acme (platinum)") < text.index(customer)
