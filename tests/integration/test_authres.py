"""Who is believed: only the topmost Authentication-Results of a trusted authserv-id vouches for a sender."""

import pytest

from mail import Letter, OUTAGE_TEXT, ack, outage_report, reasons
from settings import TRUSTED_ID

NAME = "Authentication-Results"


def report(sender: str, *results: str, **more) -> Letter:
    """An outage report with these Authentication-Results, topmost first. {sender} and {domain} stand for its own."""
    domain = sender.rpartition("@")[2]
    headers = [(NAME, result.format(sender=sender, domain=domain)) for result in results]
    return outage_report(sender, auth=False, headers=headers, **more)


PASS = TRUSTED_ID + "; spf=pass smtp.mailfrom={sender}"
FAIL = TRUSTED_ID + "; spf=fail smtp.mailfrom={sender}"
FOREIGN = "evil.example; spf=pass smtp.mailfrom={sender}"


@pytest.mark.parametrize("result", [
    PASS,
    TRUSTED_ID + "; spf=pass smtp.mailfrom={domain}",
    TRUSTED_ID + '; spf=pass smtp.mailfrom="{sender}"',
    TRUSTED_ID.upper() + " 1; SPF=Pass (sender is allowed) smtp.mailfrom={sender}",
    TRUSTED_ID + ";\n\tdkim=none;\n\tspf=pass\n\tsmtp.mailfrom={sender}",
    TRUSTED_ID + "; dkim=pass header.d={domain} header.s=s1",
    TRUSTED_ID + "; dmarc=pass (p=none) header.from={domain}",
])
def test_vouched_sender_is_answered(p1, customer, result):
    assert ack(p1.deliver(report(customer, result))) == "queued"
    p1.mailbox(customer).wait_reply()


@pytest.mark.parametrize("result", [
    FAIL,
    FOREIGN,
    TRUSTED_ID + "; none",
    TRUSTED_ID + "; spf=softfail smtp.mailfrom={sender}",
    TRUSTED_ID + "; spf=pass smtp.mailfrom=other@elsewhere.example",
    TRUSTED_ID + "; dkim=pass header.d=elsewhere.example",
    TRUSTED_ID + "; dmarc=pass header.from=elsewhere.example",
    TRUSTED_ID + ".evil.example; spf=pass smtp.mailfrom={sender}",
    TRUSTED_ID + "; x-note=none (; spf=pass smtp.mailfrom={sender})",
    "(" + TRUSTED_ID + ") evil.example; spf=pass smtp.mailfrom={sender}",
])
def test_sender_without_a_valid_voucher_is_not_answered(p1, customer, result):
    received = p1.deliver(report(customer, result))
    assert ack(received) == "none"
    assert reasons(received) == ["unauthenticated"]


def test_forged_copy_below_the_real_one_is_not_believed(p1, customer):
    assert reasons(p1.deliver(report(customer, FAIL, PASS))) == ["unauthenticated"]


def test_forged_copy_above_takes_nothing_from_other_trusted_rules(p1, customer):
    # Topmost is what our own MTA wrote last; a copy of another id above it neither helps nor hurts.
    assert reasons(p1.deliver(report(customer, FOREIGN, FAIL, PASS))) == ["unauthenticated"]
    assert ack(p1.deliver(report(customer, FOREIGN, PASS, FAIL))) == "queued"


def test_unreadable_topmost_header_does_not_open_the_way_for_a_forged_one(p1, customer):
    received = p1.deliver(report(customer, TRUSTED_ID + "; spf=pass smtp.mailfrom", PASS))
    assert ack(received) == "none"
    assert reasons(received) == ["unauthenticated"]


def test_from_of_somebody_else_is_not_believed_as_an_account(p1, customer):
    # SPF vouches for the envelope; the From names a large account.
    letter = Letter(customer, "Service down, 503 errors", OUTAGE_TEXT, from_header="Boss <boss@acme.example>")
    received = p1.deliver(letter)
    assert "verified=no" in received.one("X-Outage-Account")
    assert received.one("X-Outage-Queue") == "surge"
