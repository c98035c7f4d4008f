"""What the replier tells besides acknowledgements: notices to those who wrote in, the feed, and calls for a person."""

import json

import pytest

from mail import LEGAL_TEXT, Letter, ack, outage_report
from process import Process, eventually
from stand import PROGRAM_ENV

TEAM = "team@other.example"
MANAGER = "manager@support.example"


def notices(stand) -> dict:
    """name -> the notice, as outagectl shows it."""
    return {one["name"]: one for one in json.loads(stand.ctl("notices", "--json").stdout)}


def order(stand, *args: str) -> None:
    stand.ctl(*args, "--notify", "--yes")


def wait_done(stand, kind: str = "update", timeout: float = 30) -> dict:
    """Waits until the newest notice of that kind is over, and returns it."""
    def done():
        found = [one for name, one in sorted(notices(stand).items()) if name.startswith(kind)]
        return found[-1] if found and found[-1]["done"] else None
    return eventually(done, timeout, f"the notice ({kind}) is over")


def write_in(stand, *customers: str) -> None:
    """Has them write; returns once each is acknowledged and can be told how it goes on."""
    for customer in customers:
        assert ack(stand.deliver(outage_report(customer))) == "queued"
    for customer in customers:
        stand.mailbox(customer).wait_reply()
    wait_contacts(stand, len(customers))


def wait_contacts(stand, count: int) -> None:
    eventually(lambda: f"goes to {count}" in stand.ctl("update", "A question.", "--notify", check=False).stdout, 20,
               f"{count} people can be told")


def texts(stand, customer: str) -> list[str]:
    """The bodies of what a customer has got, without the first line's end of paragraphs."""
    return [" ".join(message.text().split()) for message in stand.mailbox(customer).messages()]


def told(stand, customer: str, text: str) -> int:
    return sum(text in body for body in texts(stand, customer))


@pytest.fixture
def customers(customer) -> list[str]:
    return [f"{name}.{customer}" for name in ("ann", "bob", "cid", "dan", "eve", "fay")]


def test_update_that_the_fix_has_overtaken_stops(make_stand, customers):
    stand = make_stand(notice__rate=1).start()
    stand.declare("P1")
    write_in(stand, *customers[:3])
    order(stand, "update", "We are still looking.")
    eventually(lambda: sum(told(stand, customer, "We are still looking.") for customer in customers), 20, "the first one is told")
    order(stand, "resolve", "--fix", "A new disk.")
    assert wait_done(stand, "update")["told"] == 1
    stand.replier.wait_for_line("why=\"the incident was resolved\"")
    assert sum(told(stand, customer, "We are still looking.") for customer in customers) == 1


def test_one_replier_of_several_spreads_all_so_that_the_rate_is_the_sites(make_stand, store, customers):
    stand = make_stand(store, notice__rate=60).start()
    second = Process("outage-replier", [stand.build / "outage-replier", "-f", "-c", stand.node.config], stand.dir / "second.log", PROGRAM_ENV)
    try:
        second.wait_for_line("event=ready")
        stand.declare("P1")
        write_in(stand, *customers)
        order(stand, "update", "Half of it works.")
        eventually(lambda: sum(told(stand, customer, "Half of it works.") for customer in customers), 30, "the first one is told")
        order(stand, "update", "Most of it works.")
        eventually(lambda: [one["done"] for one in notices(stand).values()] == [True, True], 60, "both are over")
        assert [one["told"] for one in notices(stand).values()] == [len(customers)] * 2
        assert sorted(sum("event=notice-done" in line for line in process.lines) for process in (stand.replier, second)) == [0, 2]
    finally:
        second.stop()


def test_contacts_of_accounts_are_told_by_choice(make_stand, customers):
    stand = make_stand().start()
    ann, acme, contact, *_ = customers
    stand.declare("P1")
    stand.put_account(acme, account="Acme", contacts=[contact, ann])
    stand.wait_account(acme, "Acme")
    write_in(stand, ann)
    stand.deliver(outage_report(acme))
    order(stand, "update", "Without them.")
    wait_done(stand)
    order(stand, "update", "With them.", "--accounts")
    eventually(lambda: told(stand, contact, "With them.") == 1, 20, "the contact is told")
    wait_done(stand)
    stand.settle()
    assert [told(stand, customer, "With them.") for customer in (ann, acme, contact)] == [1, 0, 1]
    assert told(stand, contact, "Without them.") == 0


def test_feed_tells_what_happened_once_whoever_is_answered(make_stand):
    stand = make_stand(mode="shadow", feed__recipients=[TEAM, "second@other.example"]).start()
    stand.declare("P2", "--title", "Login is slow")
    stand.ctl("declare", "P1")
    stand.ctl("update", "The disk is full.")
    stand.ctl("resolve", "--fix", "A new disk.")
    for address in (TEAM, "second@other.example"):
        mails = stand.mailbox(address).wait_count(4, 20)
        for text in ("P2 declared", "severity changed to P1", "The disk is full.", "resolved"):
            assert sum(text in mail.text() for mail in mails) >= 1, text
    stand.replier.stop()
    stand.start_replier()
    stand.ctl("clear")
    eventually(lambda: any("ended" in mail.text() for mail in stand.mailbox(TEAM).messages()), 20, "the end is told")
    stand.wait_quiet()
    assert len(stand.mailbox(TEAM).messages()) == 5


def test_staff_is_told_in_a_pause_and_customers_wait(make_stand, customers):
    stand = make_stand(feed__recipients=[TEAM]).start()
    stand.declare("P1", "--title", "Login is down")
    stand.mailbox(TEAM).wait_count(1, 20)
    stand.replier.stop()
    for customer in customers:
        assert ack(stand.deliver(outage_report(customer))) == "queued"
    stand.ctl("pause", "wrong text")
    stand.ctl("update", "A pause.")
    stand.start_replier()
    stand.mailbox(TEAM).wait_for(lambda mail: "A pause." in mail.text(), 20, "the feed goes on")
    assert [stand.mailbox(customer).messages() for customer in customers] == [[]] * len(customers)
    stand.ctl("resume")
    for customer in customers:
        stand.mailbox(customer).wait_reply(20)


@pytest.fixture
def pager(tmp_path):
    """A program that writes down what it is called with, one file a call."""
    folder = tmp_path / "calls"
    folder.mkdir()
    program = tmp_path / "pager"
    program.write_text(f'#!/bin/sh\nenv >"{folder}/new.$$" && mv "{folder}/new.$$" "{folder}/call.$$"\n')
    program.chmod(0o755)

    def calls() -> list[dict]:
        found = [dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line) for path in folder.glob("call.*")]
        return sorted(found, key=lambda call: call["OUTAGE_PAGE"])

    calls.command = [str(program), "--now"]
    return calls


def test_command_is_told_what_it_is_about_and_nothing_of_the_mail_is_run(make_stand, customers, pager):
    stand = make_stand(page__command=pager.command, page__to=["duty@support.example"], page__times=3).start()
    acme = customers[0]
    stand.declare("P1", "--title", "Login is down")
    stand.put_account(acme, account="Acme", level="platinum", manager=MANAGER)
    stand.wait_account(acme, "Acme")
    mail = stand.deliver(outage_report(acme, subject="Down; $(touch /tmp/x) `id`"))
    call, = eventually(pager, 20, "the command was run")
    assert call["OUTAGE_REASON"] == "account"
    assert (call["OUTAGE_ACCOUNT"], call["OUTAGE_LEVEL"], call["OUTAGE_MANAGER"]) == ("Acme", "platinum", MANAGER)
    assert call["OUTAGE_SENDER"] == acme
    assert call["OUTAGE_SUBJECT"] == "Down; $(touch /tmp/x) `id`"
    assert call["OUTAGE_MESSAGE_ID"] == mail.message_id
    assert (call["OUTAGE_INCIDENT"], call["OUTAGE_SEVERITY"], call["OUTAGE_PAGE"], call["OUTAGE_PAGES"]) == ("default", "P1", "1", "3")
    assert set(call) <= {"PATH", "HOME", "LANG", "PWD", "SHLVL", "_"} | {name for name in call if name.startswith("OUTAGE_")}
    page = stand.mailbox(MANAGER).wait_count(1, 20)[0]
    assert acme in page.text()
    assert "1 of 3" in page.text()


def test_nobody_is_called_in_shadow_mode_or_for_one_who_is_answered(make_stand, customers, pager):
    stand = make_stand(page__command=pager.command, page__to=["duty@support.example"]).start()
    ann, lawyer, *_ = customers
    stand.declare("P1")
    stand.deliver(outage_report(ann))
    stand.configure({"mode": "shadow", "page.command": pager.command, "page.to": ["duty@support.example"]})
    for node in stand.nodes:
        node.reload()
    stand.replier.stop()
    stand.start_replier()
    stand.deliver(Letter(lawyer, "Service down", LEGAL_TEXT))
    stand.configure({"mode": "live", "page.command": pager.command, "page.to": ["duty@support.example"]})
    for node in stand.nodes:
        node.reload()
    fence = "fence." + ann
    stand.deliver(Letter(fence, "Service down", LEGAL_TEXT))
    stand.replier.stop()
    stand.start_replier()
    assert {call["OUTAGE_SENDER"] for call in eventually(pager, 20, "the fence was called for")} <= {fence, lawyer}


def test_command_that_fails_or_hangs_holds_nothing_up(make_stand, customers, tmp_path):
    program = tmp_path / "pager"
    program.write_text("#!/bin/sh\necho no credit\nexec sleep 600\n")
    program.chmod(0o755)
    stand = make_stand(page__command=[str(program)], page__timeout="1s", page__to=["duty@support.example"],
                       feed__recipients=[TEAM]).start()
    stand.declare("P1")
    stand.deliver(Letter(customers[0], "Service down", LEGAL_TEXT))
    stand.mailbox("duty@support.example").wait_count(1, 20)
    stand.replier.wait_for_line("it took longer than page.timeout")
    stand.replier.wait_for_line("no credit")
    stand.ctl("update", "Still there.")
    stand.mailbox(TEAM).wait_for(lambda mail: "Still there." in mail.text(), 20, "the feed goes on")
