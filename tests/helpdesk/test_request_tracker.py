"""Request Tracker 5 behind Postfix with our milter: tickets land where the routes say, and each customer gets one acknowledgement."""

import itertools

import pytest

import mail
from mail import Letter, outage_report
from postfix import Postfix
from process import free_port
from requesttracker import RequestTracker, prepare
from stand import Stand, reload

ROUTES = [
    {"name": "accounts", "when": {"account": True}, "queue": "accounts", "group": "Große Kunden", "priority": "urgent", "ack": "none"},
    # By plus-addressing, as where RT takes no command from a header.
    {"name": "legal", "when": {"escalate": ["legal"]}, "queue": "escalations", "group": "", "priority": "none", "ack": "none",
     "add_recipients": ["support+Escalations@support.example"], "replace_recipients": True},
    # RT has no such queue, and no such owner.
    {"name": "press", "when": {"escalate": ["media"]}, "queue": "press", "owner": "nobody-knows-her", "ack": "none"},
    # There is one, but customers can open no ticket in it.
    {"name": "refund", "when": {"escalate": ["refund"]}, "queue": "staff", "group": "Staff", "ack": "none"},
    {"name": "outage", "when": {"match": True}, "queue": "surge", "group": "Outage"},
]
SETTINGS = {"helpdesk": "rt", "rt_header": "X-Outage-RT-Command", "routes": ROUTES, "canary": ["@corp.example"]}

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A live site with P1 declared, whose support address is an RT."""
    folder = tmp_path_factory.mktemp("desk")
    for parent in (folder, *folder.parents):
        if parent.stat().st_mode & 0o005 != 0o005:
            parent.chmod(parent.stat().st_mode | 0o055)
    port = free_port()
    postfix = Postfix(folder, "desk")
    prepare(postfix, port)
    tracker = RequestTracker(folder, port, postfix)
    stand = Stand(folder, [postfix], changes=SETTINGS)
    stand.tracker = tracker
    try:
        postfix.start()
        tracker.start()
        stand.start()
        stand.put_account("acme.example", account="Acme", manager="jane@support.example", respond_within="30m")
        stand.declare("P1", "--title", "Login is down", "--next-update", "30m")
        stand.wait_account("it@acme.example", "Acme")
        yield stand
    finally:
        stand.stop()
        tracker.stop()
        postfix.stop()


def letter(sender: str, text: str = mail.OUTAGE_TEXT, subject: str = "Service down, 503 errors", **more) -> Letter:
    """A mail with a subject that no other has."""
    subject = f"{subject} {next(_numbers)}"
    made = Letter(sender, subject, text, **more)
    made.subject = subject
    return made


def open_ticket(desk: Stand, message: Letter) -> dict:
    """Sends it; returns the one ticket that it made, once everything that followed from it has arrived."""
    desk.send(message)
    desk.wait_quiet()
    tickets = desk.tracker.tickets(message.subject)
    assert len(tickets) == 1, (desk.postfix.log(), desk.tracker.process.lines[-30:])
    return tickets[0]


def from_tracker(desk: Stand, sender: str) -> list[mail.Received]:
    return [message for message in desk.mailbox(sender).messages() if message.all("X-RT-Loop-Prevention")]


def test_outage_mail_is_sorted_and_acknowledged_once_by_us(desk):
    ticket = open_ticket(desk, letter("flood@customer.example"))
    assert (ticket["queue"], int(ticket["Priority"])) == ("Outage", 80)
    desk.mailbox("flood@customer.example").wait_reply()
    desk.wait_quiet()
    messages = desk.mailbox("flood@customer.example").messages()
    assert len(messages) == 1
    assert from_tracker(desk, "flood@customer.example") == []


def test_a_customer_who_is_not_answered_by_us_hears_from_the_tracker(desk):
    """Such as one who wrote before in this incident: he gets the number of his new ticket."""
    for expected in (0, 1):
        open_ticket(desk, letter("again@customer.example"))
        desk.mailbox("again@customer.example").wait_reply()
        desk.wait_quiet()
        assert len(from_tracker(desk, "again@customer.example")) == expected
    assert len(desk.mailbox("again@customer.example").messages()) == 2


def test_an_account_lands_on_its_managers_desk(desk):
    ticket = open_ticket(desk, letter("it@acme.example"))
    assert (ticket["queue"], int(ticket["Priority"])) == ("Große Kunden", 100)
    assert ticket["Owner"]["id"] == "jane"
    assert ticket["Due"] > ticket["Created"]
    assert [message.one("X-RT-Loop-Prevention") for message in desk.mailbox("it@acme.example").messages()] == ["support.example"]


def test_other_mail_is_the_trackers_as_ever(desk):
    ticket = open_ticket(desk, letter("invoice@customer.example", "Please send last month's invoice again.\n", "Invoice"))
    assert (ticket["queue"], int(ticket["Priority"])) == ("General", 0)
    assert len(from_tracker(desk, "invoice@customer.example")) == len(desk.mailbox("invoice@customer.example").messages()) == 1


def test_a_forged_order_is_none(desk):
    forged = [("X-Outage-RT-Command", "Queue: Escalations"), ("X-Outage-RT-Command", "Priority: 99"), ("X-RT-Command", "Queue: Outage")]
    ticket = open_ticket(desk, letter("forger@customer.example", "Please send last month's invoice again.\n", "Invoice", headers=forged))
    assert (ticket["queue"], int(ticket["Priority"])) == ("General", 0)


@pytest.mark.parametrize("text, warned", [("I am a journalist and writing an article about this outage.", "wants the queue press"),
                                          ("We want our money back and demand a full refund.", "wants the queue Staff")])
def test_an_order_that_cannot_be_carried_out_loses_no_mail(desk, text, warned):
    sender = f"order{next(_numbers)}@customer.example"
    ticket = open_ticket(desk, letter(sender, f"{mail.OUTAGE_TEXT}\n{text}\n"))
    assert (ticket["queue"], int(ticket["Priority"]), ticket["Owner"]["id"]) == ("General", 80, "Nobody")
    desk.tracker.process.wait_for_line(warned)
    assert len(from_tracker(desk, sender)) == 1


def test_a_recipient_can_name_the_queue(desk):
    ticket = open_ticket(desk, letter("lawyer@customer.example", f"{mail.OUTAGE_TEXT}\nOur lawyers will take legal action.\n"))
    assert (ticket["queue"], int(ticket["Priority"])) == ("Escalations", 0)


def test_an_answer_to_a_ticket_changes_nothing_about_it(desk):
    first = letter("answer@customer.example", "Please send last month's invoice again.\n", "Invoice")
    ticket = open_ticket(desk, first)
    subject = f"Re: [support.example #{ticket['id']}] {first.subject}"
    desk.send(outage_report("answer@customer.example", subject=subject))
    desk.wait_quiet()
    assert desk.tracker.tickets(subject) == []
    ticket = desk.tracker.tickets(first.subject)[0]
    assert (ticket["queue"], int(ticket["Priority"])) == ("General", 0)
    kinds = [item["Type"] for item in desk.tracker.ask(f"ticket/{ticket['id']}/history?fields=Type")["items"]]
    assert "Correspond" in kinds


def test_in_shadow_the_tracker_is_as_ever_but_for_canaries(desk):
    desk.configure({**SETTINGS, "mode": "shadow"})
    desk.node.reload()
    reload(desk.replier)
    try:
        ticket = open_ticket(desk, letter("shadow@customer.example"))
        assert (ticket["queue"], int(ticket["Priority"])) == ("General", 0)
        assert len(from_tracker(desk, "shadow@customer.example")) == len(desk.mailbox("shadow@customer.example").messages()) == 1
        ticket = open_ticket(desk, letter("tester@corp.example"))
        assert (ticket["queue"], int(ticket["Priority"])) == ("Outage", 80)
        desk.mailbox("tester@corp.example").wait_reply()
        desk.wait_quiet()
        assert from_tracker(desk, "tester@corp.example") == []
    finally:
        desk.configure(SETTINGS)
        desk.node.reload()
        reload(desk.replier)
