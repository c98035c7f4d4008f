"""One mail at a time during P1: what arrives in the support mailbox and what the customer gets."""

import re

import pytest

from mail import LEGAL_TEXT, OUTAGE_TEXT, PASSWORD_TEXT, Letter, ack, connect, outage_report, parse_value, reasons, submit
from settings import BILLING, SUPPORT


def test_outage_report_is_tagged_and_acknowledged_once(p1, customer):
    received = p1.deliver(outage_report(customer))
    headers = received.outage()
    item, params = parse_value(headers["Incident"])
    assert item == "default"
    assert params["severity"] == "P1"
    assert params["phase"] == "investigating"
    assert re.fullmatch(r"\d{8}T\d{6}Z-default", params["id"])
    match, facts = parse_value(headers["Match"])
    assert match == "yes"
    assert float(facts["score"]) >= float(facts["threshold"]) > 0
    assert facts["rules"]
    assert headers["Queue"] == "surge"
    assert headers["Tier"] in ("T1", "T2")
    assert headers["Ack"] == "queued"
    assert headers["Language"].startswith("en")
    reply = p1.mailbox(customer).wait_reply()
    assert "Login and API are down" in reply.text()
    p1.settle()
    assert len(p1.mailbox(customer).messages()) == 1


def test_second_mail_of_the_same_customer_gets_no_second_acknowledgement(p1, customer):
    p1.deliver(outage_report(customer))
    p1.mailbox(customer).wait_reply()
    again = p1.deliver(outage_report(customer, subject="Still down, 503 errors, nobody can log in"))
    assert ack(again) == "none"
    assert reasons(again) == ["already-acked"]
    # The address is the same one in another case.
    shouted = p1.deliver(outage_report(customer.replace("customer", "CUSTOMER", 1)))
    assert reasons(shouted) == ["already-acked"]
    p1.settle()
    assert len(p1.mailbox(customer).messages()) == 1


def test_large_account_goes_to_people_and_gets_no_macro(p1, customer):
    sender = customer.replace("customer.example", "acme.example")
    received = p1.deliver(outage_report(sender))
    account, params = parse_value(received.one("X-Outage-Account"))
    assert account == "Acme"
    assert params["level"] == "platinum"
    assert params["manager"] == "manager@support.example"
    assert params["verified"] == "spf"
    assert received.one("X-Outage-Queue") == "accounts"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", received.one("X-Outage-Respond-By"))
    assert ack(received) == "none"
    assert "vip" in reasons(received)
    p1.settle()
    assert p1.mailbox(sender).messages() == []


def test_account_is_not_believed_of_a_sender_that_nobody_vouches_for(p1, customer):
    received = p1.deliver(outage_report(customer.replace("customer.example", "acme.example"), auth=False))
    assert parse_value(received.one("X-Outage-Account"))[1]["verified"] == "no"
    assert received.one("X-Outage-Queue") != "accounts"
    assert "unauthenticated" in reasons(received)


def test_legal_threat_goes_to_people_and_gets_no_macro(p1, customer):
    received = p1.deliver(Letter(customer, "Service down: breach of contract", LEGAL_TEXT))
    assert "legal" in re.split(r",\s*", received.one("X-Outage-Escalate"))
    assert received.one("X-Outage-Queue") == "escalations"
    assert ack(received) == "none"
    assert "escalated" in reasons(received)
    p1.settle()
    assert p1.mailbox(customer).messages() == []


def test_ordinary_request_is_left_alone(p1, customer):
    received = p1.deliver(Letter(customer, "Forgot my password", PASSWORD_TEXT))
    headers = received.outage()
    assert parse_value(headers["Match"])[0] == "no"
    assert headers["Queue"] == "normal"
    assert ack(received) == "none"
    assert "no-match" in reasons(received)
    # Mail that does not match carries nothing else.
    assert set(headers) == {"Incident", "Match", "Queue", "Ack"}
    p1.settle()
    assert p1.mailbox(customer).messages() == []


MACHINES = {
    "list": ({"List-Id": "Users <users.lists.example>", "Precedence": "list"}, "list-mail"),
    "bulk": ({"Precedence": "bulk"}, "precedence"),
    "out-of-office": ({"Auto-Submitted": "auto-replied (vacation)"}, "auto-submitted"),
    "vendor": ({"X-Autoreply": "yes"}, "vendor-auto"),
    "exchange": ({"X-Auto-Response-Suppress": "All"}, "auto-response-suppress"),
    "loop": ({"X-Loop": "yes"}, "loop"),
    "spam": ({"X-Spam-Flag": "YES"}, "spam"),
    "bounce-report": ({"Content-Type": 'multipart/report; report-type=delivery-status; boundary="b"'}, "report"),
}


@pytest.mark.parametrize("kind", MACHINES)
def test_machine_is_never_answered(p1, customer, kind):
    headers, reason = MACHINES[kind]
    received = p1.deliver(outage_report(customer, headers=list(headers.items())))
    assert ack(received) == "none"
    assert reason in reasons(received)


def test_bounce_with_null_sender_is_not_answered(p1):
    letter = Letter("", "Undelivered Mail Returned to Sender", OUTAGE_TEXT, headers=[("Auto-Submitted", "auto-replied")])
    received = p1.deliver(letter)
    assert ack(received) == "none"
    assert reasons(received)[0] == "null-sender"
    assert "auto-submitted" in reasons(received)


def test_out_of_office_subject_is_not_answered(p1, customer):
    received = p1.deliver(outage_report(customer, subject="Automatic reply: Service down, 503 errors"))
    assert "auto-subject" in reasons(received)


def test_system_sender_is_not_answered(p1):
    received = p1.deliver(outage_report("mailer-daemon@customer.example"))
    assert "system-sender" in reasons(received)


def test_machines_mail_leaves_no_acknowledgement_behind(p1, customer):
    for headers, _ in MACHINES.values():
        p1.deliver(outage_report(customer, headers=list(headers.items())))
    p1.settle()
    assert p1.mailbox(customer).messages() == []


def test_unauthenticated_sender_is_not_answered(p1, customer):
    received = p1.deliver(outage_report(customer, auth=False))
    assert received.one("X-Outage-Queue") == "surge"
    assert ack(received) == "none"
    assert reasons(received) == ["unauthenticated"]
    p1.settle()
    assert p1.mailbox(customer).messages() == []


def test_mail_that_only_the_envelope_addresses_to_us_is_not_answered(p1, customer):
    received = p1.deliver(outage_report(customer, to_header="undisclosed@other.example"))
    assert "not-addressed" in reasons(received)


FORGED = [("X-Outage-Queue", "escalations"), ("X-Outage-Match", "no"), ("X-OUTAGE-ACK", "queued"),
          ("X-Outage-Match", "yes; score=99"), ("X-Outage-Made-Up", "1")]


def test_forged_control_headers_are_removed(p1, customer):
    received = p1.deliver(outage_report(customer, headers=FORGED))
    headers = received.outage()  # fails where one of them stands twice
    assert headers["Queue"] == "surge"
    assert "Made-Up" not in headers
    assert b"score=99" not in received.raw
    assert b"X-OUTAGE-ACK" not in received.raw


def test_forged_control_headers_are_removed_from_mail_to_others_too(p1, customer):
    received = p1.deliver(outage_report(customer, to="somebody@corp.example", headers=FORGED))
    assert b"x-outage-" not in received.raw.lower()


def without_trace(raw: bytes) -> bytes:
    """A message without the headers that the MTA and the delivery put on top."""
    head, gap, body = raw.partition(b"\n\n")
    fields = re.split(rb"\n(?![ \t])", head)
    own = (b"return-path:", b"x-original-to:", b"delivered-to:", b"received:")
    return b"\n".join(field for field in fields if not field.lower().startswith(own)) + gap + body


def test_mail_to_others_passes_byte_for_byte(p1, customer):
    text = "Zeile eins ü\n\n.\n..\nlast line with white space behind it \t \n"
    letter = Letter(customer, "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", text, to="somebody@corp.example",
                    headers=[("X-Folded", "one\n\ttwo\n   three"), ("x-odd-CASE", "  spaced  "), ("X-Empty", "")])
    received = p1.deliver(letter)
    assert without_trace(received.raw) == letter.bytes.replace(b"\r\n", b"\n")


def test_mail_to_support_keeps_its_own_headers_and_body(p1, customer):
    letter = outage_report(customer, headers=[("X-Folded", "one\n\ttwo"), ("X-Own", "  spaced  ")])
    received = p1.deliver(letter)
    kept = re.sub(rb"(?mi)^x-outage-[^\n]*\n([ \t][^\n]*\n)*", b"", without_trace(received.raw))
    assert kept == letter.bytes.replace(b"\r\n", b"\n")


def test_our_headers_stand_below_the_mtas_own_received(p1, customer):
    received = p1.deliver(outage_report(customer))
    names = [name.lower() for name in received.compat.keys()]
    assert names.index("received") < min(index for index, name in enumerate(names) if name.startswith("x-outage-"))
    assert not re.search(rb"(?mi)^x-outage-[a-z-]+:(  |\S)", received.raw), "exactly one space belongs behind the colon"


def test_mail_to_support_and_others_is_tagged_for_all(p1, customer):
    letter = outage_report(customer, to=["boss@corp.example", BILLING, SUPPORT])
    received = p1.deliver(letter)
    copies = [p1.mailbox(address).wait_id(letter.message_id) for address in (BILLING, SUPPORT)]
    for copy in (received, *copies):
        assert copy.one("X-Outage-Queue") == "surge"
    reply = p1.mailbox(customer).wait_reply()
    # Judged by the first support address in RCPT order.
    assert BILLING in reply.one("From") + reply.one("Reply-To")
    p1.settle()
    assert len(p1.mailbox(customer).messages()) == 1


def test_plus_addressed_support_mail_counts(p1, customer):
    received = p1.deliver(outage_report(customer, to="support+vip-12@support.example"))
    assert ack(received) == "queued"
    p1.mailbox(customer).wait_reply()


def test_other_address_of_the_support_domain_is_not_inspected(p1, customer):
    received = p1.deliver(outage_report(customer, to="jobs@support.example"))
    assert received.outage() == {}


def test_two_messages_in_one_session_are_judged_each_by_itself(p1, customer):
    plain = Letter(customer, "Forgot my password", PASSWORD_TEXT)
    report = outage_report(customer)
    other = outage_report(customer, to="somebody@corp.example")
    with connect(p1.postfix.milter_port) as smtp:
        for letter in (plain, report, other, plain):
            submit(smtp, letter)
    box = p1.mailbox(SUPPORT)
    assert parse_value(box.wait_id(report.message_id).one("X-Outage-Match"))[0] == "yes"
    assert parse_value(box.wait_id(plain.message_id).one("X-Outage-Match"))[0] == "no"
    assert p1.mailbox("somebody@corp.example").wait_id(other.message_id).outage() == {}


@pytest.mark.postfix("Debian's Sendmail is built without SMTPUTF8: no letter to such an address leaves by it")
def test_smtputf8_customer_is_answered(p1, customer):
    sender = "jürgen." + customer
    received = p1.deliver(outage_report(sender, from_header=f"Jürgen <{sender}>"))
    assert ack(received) == "queued"
    assert "Login and API are down" in p1.mailbox(sender).wait_reply().text()


def test_plus_tag_of_a_customer_is_kept_in_the_answer(p1, customer):
    sender = customer.replace("@", "+shop@")
    p1.deliver(outage_report(sender))
    assert sender in p1.mailbox(sender).wait_reply().one("To")


def test_account_and_escalation_stand_together(p1, customer):
    sender = customer.replace("customer.example", "acme.example")
    received = p1.deliver(Letter(sender, "Service down: breach of contract", LEGAL_TEXT))
    assert "legal" in received.one("X-Outage-Escalate")
    assert parse_value(received.one("X-Outage-Account"))[0] == "Acme"
    assert {"vip", "escalated"} <= set(reasons(received))


def test_abandoned_envelope_leaves_no_trace_in_the_next_message(p1, customer):
    with connect(p1.postfix.milter_port, "192.0.2.9") as smtp:
        smtp.mail(customer)
        assert smtp.rcpt(SUPPORT)[0] == 250
        assert smtp.rcpt("nobody@elsewhere.invalid")[0] >= 400
        smtp.rset()
        letter = outage_report(customer, to="somebody@corp.example")
        submit(smtp, letter)
    assert p1.mailbox("somebody@corp.example").wait_id(letter.message_id).outage() == {}
