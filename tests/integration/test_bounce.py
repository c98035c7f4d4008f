"""Replies that come back: a real bounce, through Postfix, keeps further mail from its address; a forged one keeps nothing from anybody."""

import re

import pytest

from mail import Letter, ack, outage_report, reasons, send
from postfix import Postfix
from process import eventually, free_port
from relay import FakeRelay
from settings import SUPPORT

BOUNCES = "bounces@support.example"
TAGGED = re.compile(r"bounces\+[0-9a-f]{32}\.[0-9a-f]{16}@support\.example")
# The customers' own server, behind the smarthost below, knows nobody of this domain.
GONE = "customer.example"


@pytest.fixture(scope="module")
def smarthost(site, tmp_path_factory):
    """The site's way out: a Postfix of somebody else, which takes every letter, is told by the customers' server that nobody lives
    there, and says so to the sender: by SMTP to the site's MX, and so through the milter."""
    mx, = site(1)
    customers = FakeRelay(free_port(), "reject")
    base = tmp_path_factory.mktemp("smarthost")
    base.chmod(0o755)
    postfix = Postfix(base, "smarthost")
    (postfix.dir / "transport").write_text(f"{GONE} smtp:[127.0.0.1]:{customers.port}\n"
                                           f"support.example smtp:[127.0.0.1]:{mx.milter_port}\n")
    with (postfix.config / "main.cf").open("a") as main:
        main.write(f"transport_maps = texthash:{postfix.dir}/transport\n")
    postfix.start()
    yield postfix
    postfix.stop()
    customers.close()


def is_blocked(stand, address: str) -> bool:
    said = stand.ctl("bounced", address).stdout
    assert address in said
    return "came back" in said


def tagged_settings(port: int, **more) -> dict:
    return {"reply__bounce_address": BOUNCES, "reply__relay": f"smtp://127.0.0.1:{port}", "incident__reopen_within": "0", **more}


def next_incident(stand) -> None:
    stand.resolve()
    stand.declare("P1")


def test_bounce_of_a_reply_keeps_further_mail_from_its_address(make_stand, store, smarthost, customer):
    stand = make_stand(store, **tagged_settings(smarthost.plain_port)).start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    report = stand.mailbox("@support.example").wait_for(lambda mail: "delivery-status" in mail.one("Content-Type"), 30,
                                                        "the smarthost's report")
    assert TAGGED.fullmatch(report.rcpt)
    assert report.one("Return-Path") == "<>"
    stand.node.process.wait_for_line("event=bounced")
    assert "5.1.1" in stand.ctl("bounced", customer).stdout
    next_incident(stand)
    assert reasons(stand.deliver(outage_report(customer))) == ["bounced"]
    assert ack(stand.deliver(outage_report(customer.replace(GONE, "other.example")))) == "queued"


def test_address_is_written_to_again_on_the_operators_word(make_stand, store, smarthost, customer):
    stand = make_stand(store, **tagged_settings(smarthost.plain_port)).start()
    stand.declare("P1")
    stand.deliver(outage_report(customer))
    eventually(lambda: is_blocked(stand, customer), 30, "the bounce has come back")
    stand.ctl("bounced", "--clear", customer)
    assert not is_blocked(stand, customer)
    next_incident(stand)
    assert ack(stand.deliver(outage_report(customer))) == "queued"


def report(action: str, status: str) -> tuple[list, str]:
    """Headers and body of a delivery status notification."""
    headers = [("Content-Type", "multipart/report; report-type=delivery-status; boundary=b")]
    body = ("--b\nContent-Type: text/plain\n\nAbout your mail.\n--b\nContent-Type: message/delivery-status\n\n"
            f"Reporting-MTA: dns; mx.other.example\n\nFinal-Recipient: rfc822; x@other.example\nAction: {action}\nStatus: {status}\n"
            "--b--\n")
    return headers, body


def bounce(to: str, sender: str = "", action: str = "failed", status: str = "5.1.1") -> Letter:
    headers, body = report(action, status)
    return Letter(sender, "Undelivered Mail Returned to Sender", body, to, headers=headers, auth=False)


def other_digit(address: str, index: int) -> str:
    digit = "0" if address[index] != "0" else "1"
    return address[:index] + digit + address[index + 1:]


FORGERIES = {
    "wrong tag": lambda tagged: bounce(other_digit(tagged, tagged.index("@") - 1)),
    "tag of somebody else": lambda tagged: bounce(other_digit(tagged, len("bounces+"))),
    "right form": lambda tagged: bounce(f"bounces+{'0' * 32}.{'0' * 16}@support.example"),
    "no tag": lambda tagged: bounce(BOUNCES),
    "to the support address": lambda tagged: bounce(SUPPORT),
    "not from the null sender": lambda tagged: bounce(tagged, sender="mailer-daemon@other.example"),
    "delayed": lambda tagged: bounce(tagged, action="delayed", status="4.4.1"),
    "delivered": lambda tagged: bounce(tagged, action="delivered", status="2.0.0"),
    "failed, but not for good": lambda tagged: bounce(tagged, status="4.2.2"),
    "vacation note": lambda tagged: Letter("", "Out of office", "I am away.\n", tagged,
                                           headers=[("Auto-Submitted", "auto-replied (vacation)")]),
}


def test_what_is_no_bounce_of_ours_keeps_nothing_from_anybody(make_stand, store, fake_relay, customer):
    stand = make_stand(store, **tagged_settings(fake_relay.port)).start()
    stand.declare("P1")
    stand.deliver(outage_report(customer))
    fake_relay.wait(lambda: fake_relay.messages)
    tagged, rcpts, _ = fake_relay.messages[0]
    assert TAGGED.fullmatch(tagged) and rcpts == [customer]
    for name, forge in FORGERIES.items():
        letter = forge(tagged)
        stand.deliver(letter)
        assert not is_blocked(stand, customer), name
    # The same letter, now from the null sender and about a failure for good: so nothing but the above held it off.
    send(stand.postfix.milter_port, bounce(tagged))
    assert is_blocked(stand, customer)


def test_tag_of_one_customer_says_nothing_of_another(make_stand, fake_relay, customer):
    stand = make_stand(None, **tagged_settings(fake_relay.port)).start()
    stand.declare("P1")
    other = "other." + customer
    for sender in (customer, other):
        stand.deliver(outage_report(sender))
    fake_relay.wait(lambda: len(fake_relay.messages) == 2)
    tags = {rcpts[0]: sender for sender, rcpts, _ in fake_relay.messages}
    assert tags[customer] != tags[other]
    send(stand.postfix.milter_port, bounce(tags[other].upper()))
    assert is_blocked(stand, other)
    assert not is_blocked(stand, customer)


@pytest.mark.parametrize("mode, blocks", [("reject", True), ("deny", False)])
def test_relays_refusal_of_the_address_counts_without_a_bounce_address(make_stand, store, fake_relay, customer, mode, blocks):
    fake_relay.mode = mode
    stand = make_stand(store, reply__relay=f"smtp://127.0.0.1:{fake_relay.port}", incident__reopen_within="0").start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    eventually(lambda: customer in stand.ctl("acks", "dead").stdout, what="the job is buried")
    assert is_blocked(stand, customer) == blocks
    assert fake_relay.refused == 1
    fake_relay.mode = "accept"
    next_incident(stand)
    received = stand.deliver(outage_report(customer))
    if blocks:
        assert reasons(received) == ["bounced"]
    else:
        assert ack(received) == "queued"
        fake_relay.wait(lambda: fake_relay.messages)


def test_address_that_is_not_ascii_needs_a_relay_that_takes_it(make_stand, store, fake_relay, customer):
    fake_relay.smtputf8 = False
    stand = make_stand(store, reply__relay=f"smtp://127.0.0.1:{fake_relay.port}").start()
    stand.declare("P1")
    sender = "jürgen." + customer
    assert ack(stand.deliver(outage_report(sender))) == "queued"
    dead = eventually(lambda: stand.ctl("acks", "dead").stdout, what="the job is buried")
    assert "SMTPUTF8" in dead
    assert not is_blocked(stand, sender)
    fake_relay.smtputf8 = True
    stand.ctl("acks", "retry", "--all")
    fake_relay.wait(lambda: fake_relay.messages)
    assert fake_relay.messages[0][1] == [sender]
