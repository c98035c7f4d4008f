"""SPF of our own: a real Postfix passes a client's address, a real DNS server answers or misbehaves.

Nobody but SPF vouches for these senders: where it does not pass, the only reason against an answer is `unauthenticated`."""

import struct
import time
from contextlib import closing

import pytest

from conftest import StandMaker
from dns import DnsServer
from mail import OUTAGE_TEXT, PASSWORD_TEXT, Letter, ack, parse_value, reasons
from milterclient import MilterSession
from process import free_port
from relay import FakeRelay
from settings import SUPPORT, TRUSTED_ID
from spfsite import CLIENT, MARGIN, RELAY, SETTINGS, STRANGER, TIMEOUT, SpfSite, assert_unauthenticated, helpers, make_site


@pytest.fixture(scope="module")
def spf(site, tmp_path_factory, request):
    """One for all tests that harm nothing; it has the second Postfix, so that tests with a site of their own have the first."""
    failed_before = request.session.testsfailed
    maker = StandMaker(lambda count: site(2)[1:], tmp_path_factory.mktemp("spf"))
    with DnsServer() as dns, closing(FakeRelay(free_port())) as relay:
        try:
            spf = make_site(maker, dns, relay)
            spf.stand.put_account("acme.example", account="Acme", level="platinum")
            spf.stand.wait_account("it@acme.example", "Acme")
            yield spf
        finally:
            maker.end(request.session.testsfailed > failed_before)


# -- what the policy says

def test_pass_is_answered(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all")
    assert ack(spf.write(domain)) == "queued"
    spf.wait_answered(f"jane@{domain}")


def test_pass_makes_the_account_of_an_aligned_from_believed(spf):
    spf.dns.zone["acme.example"] = {"TXT": "v=spf1 ip4:192.0.2.10 -all"}
    spf.dns.zone["mail.acme.example"] = {"TXT": "v=spf1 ip4:192.0.2.10 -all"}
    for sender in ("acme.example", "mail.acme.example"):
        received = spf.write(sender, from_header="Jane <jane@acme.example>")
        assert parse_value(received.one("X-Outage-Account"))[1]["verified"] == "spf"
        assert received.one("X-Outage-Queue") == "accounts"
        assert reasons(received) == ["vip"]
    forged = spf.write("acme.example", client=STRANGER, from_header="Jane <jane@acme.example>")
    assert parse_value(forged.one("X-Outage-Account"))[1]["verified"] == "no"
    assert forged.one("X-Outage-Queue") == "surge"


def test_pass_of_another_domain_does_not_make_an_account_believed(spf):
    received = spf.write(spf.domain("v=spf1 ip4:192.0.2.10 -all"), from_header="Jane <jane@acme.example>")
    assert parse_value(received.one("X-Outage-Account"))[1]["verified"] == "no"
    assert received.one("X-Outage-Queue") == "surge"


NOT_PASS = {
    "fail": "v=spf1 -all",
    "softfail": "v=spf1 ip4:203.0.113.1 ~all",
    "neutral": "v=spf1 ?all",
    "neutral-by-default": "v=spf1 ip4:203.0.113.1",
    "own-mechanism-fails": "v=spf1 -ip4:192.0.2.10 +ip4:192.0.2.0/24 -all",
    "other-records-only": ["google-site-verification=1", "v=spf10 +ip4:192.0.2.10", "spf2.0/pra ip4:192.0.2.10 -all"],
    "two-policies": ["v=spf1 ip4:192.0.2.10 -all", "v=spf1 ip4:192.0.2.11 -all"],
    "unknown-mechanism": "v=spf1 ip4:192.0.2.10 teleport:x -all",
    "broken-address": "v=spf1 ip4:192.0.2.999 ip4:192.0.2.10 -all",
    "include-of-nothing": "v=spf1 include:nothing.{d} ip4:192.0.2.10 -all",
    "redirect-to-nothing": "v=spf1 redirect=nothing.{d}",
    "bad-macro": "v=spf1 exists:%{z}.{d} ip4:192.0.2.10 -all",
    "bare-percent": "v=spf1 exists:%.{d} ip4:192.0.2.10 -all",
    "huge-macro": "v=spf1 exists:%{i99999999999999999999}.{d} ip4:192.0.2.10 -all",
    "control-characters": b"v=spf1 ip4:192.0.2.10 \x01\x1b[2J\r\nevent=acknowledged -all",
    "not-ascii": "v=spf1 ip4:192.0.2.10 include:münchen.{d} -all".encode(),
    "oversized": "v=spf1 ip4:192.0.2.10 " + "ip4:203.0.113.1 " * 300 + "-all",
}


@pytest.mark.parametrize("kind", NOT_PASS)
def test_anything_but_pass_is_not_answered(spf, kind):
    assert_unauthenticated(spf.write(spf.domain(NOT_PASS[kind])))


def test_domain_without_a_policy_is_not_answered(spf):
    assert_unauthenticated(spf.write(spf.domain(does={"A": CLIENT})))
    assert_unauthenticated(spf.write(spf.domain()))


PASSING = {
    "redirect": ("v=spf1 redirect=p.{d}", {"p": "v=spf1 ip4:192.0.2.10 -all"}),
    "include": ("v=spf1 include:p.{d} -all", {"p": "v=spf1 ip4:192.0.2.10 -all"}),
    "a": ("v=spf1 a:p.{d} -all", {"p": {"A": CLIENT}}),
    "a-network": ("v=spf1 a:p.{d}/24 -all", {"p": {"A": "192.0.2.99"}}),
    "mx": ("v=spf1 mx:p.{d} -all", {"p": {"MX": ["10 m.{d}", "20 n.{d}"]}, "m": {"A": "192.0.2.9"}, "n": {"A": CLIENT}}),
    "in-pieces": ([["v=spf1 ip4:192.", "0.2.10", " -all"]], {}),
    "among-others": (["some=other", "v=spf1 ip4:192.0.2.10 -all", "more"], {}),
    "upper-case": ("V=SPF1 IP4:192.0.2.10 -ALL", {}),
    "two-voids": ("v=spf1 a:v1.{d} a:v2.{d} ip4:192.0.2.10 -all", {}),
    "address-macro": ("v=spf1 exists:%{i}.i.{d} -all", {"192.0.2.10.i": {"A": "127.0.0.2"}}),
    "reversed-address-macro": ("v=spf1 exists:%{ir}.list.{d} -all", {"10.2.0.192.list": {"A": "127.0.0.2"}}),
    "domain-macro": ("v=spf1 include:_spf.%{d} -all", {"_spf": "v=spf1 ip4:192.0.2.10 -all"}),
    "local-part-macro": ("v=spf1 exists:%{l}.%{i}.user.{d} -all", {"jane.192.0.2.10.user": {"A": "127.0.0.2"}}),
    "helo-macro": ("v=spf1 exists:%{h}.%{i}.helo.{d} -all", {"mail.client.example.192.0.2.10.helo": {"A": "127.0.0.2"}}),
    "sender-macros": ("v=spf1 exists:%{o}.%{d1}.%{v}.%{i}.s.{d} -all",
                      {"{d}.example.in-addr.192.0.2.10.s": {"A": "127.0.0.2"}}),
}


@pytest.mark.parametrize("kind", PASSING)
def test_policy_that_passes_only_its_own_is_understood(spf, kind):
    policy, below = PASSING[kind]
    domain = spf.domain(policy, **below)
    assert ack(spf.write(domain)) == "queued"
    assert_unauthenticated(spf.write(domain, client=STRANGER))


BROAD = {
    "all": ("v=spf1 +all", {}),
    "bare-all": ("v=spf1 all", {}),
    "behind-an-own-address": ("v=spf1 ip4:192.0.2.10 +all", {}),
    "network-of-all": ("v=spf1 ip4:0.0.0.0/0 -all", {}),
    "two-halves": ("v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all", {}),
    "two-halves-in-includes": ("v=spf1 include:lower.{d} include:upper.{d} -all",
                               {"lower": "v=spf1 ip4:0.0.0.0/1 -all", "upper": "v=spf1 ip4:128.0.0.0/1 -all"}),
    "include-of-all": ("v=spf1 include:p.{d} -all", {"p": "v=spf1 +all"}),
    "redirect-to-all": ("v=spf1 redirect=p.{d}", {"p": "v=spf1 +all"}),
    "name-that-exists-for-everybody": ("v=spf1 exists:p.{d} -all", {"p": {"A": "127.0.0.2"}}),
    # A forger writes local part and HELO himself.
    "macro-of-the-local-part": ("v=spf1 exists:%{l}.user.{d} -all", {"jane.user": {"A": "127.0.0.2"}}),
    "macro-of-the-helo": ("v=spf1 exists:%{h}.helo.{d} -all", {"mail.client.example.helo": {"A": "127.0.0.2"}}),
    "a-of-all": ("v=spf1 a:p.{d}/0 -all", {"p": {"A": "192.0.2.99"}}),
}


@pytest.mark.parametrize("kind", BROAD)
def test_policy_that_passes_everybody_counts_as_none(spf, kind):
    policy, below = BROAD[kind]
    assert_unauthenticated(spf.write(spf.domain(policy, **below)))


def test_pass_of_a_trusted_header_counts_only_where_the_policy_is_not_broad(spf):
    def vouched(domain: str) -> list:
        return [("Authentication-Results", f"{TRUSTED_ID}; spf=pass smtp.mailfrom=jane@{domain}")]

    narrow, broad = spf.domain("v=spf1 ip4:203.0.113.1 -all"), spf.domain("v=spf1 +all")
    assert ack(spf.write(narrow, headers=vouched(narrow))) == "queued"
    assert_unauthenticated(spf.write(broad, headers=vouched(broad)))


def test_failure_in_a_trusted_header_is_not_asked_again(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all")
    for result in ("fail", "softfail", "neutral", "none", "permerror"):
        headers = [("Authentication-Results", f"{TRUSTED_ID}; spf={result} smtp.mailfrom=jane@{domain}")]
        assert_unauthenticated(spf.write(domain, headers=headers))
    assert not spf.dns.was_asked(domain)
    headers = [("Authentication-Results", f"{TRUSTED_ID}; spf=temperror smtp.mailfrom=jane@{domain}")]
    assert ack(spf.write(domain, headers=headers)) == "queued"


def test_header_of_a_stranger_does_not_keep_us_from_asking(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all")
    headers = [("Authentication-Results", f"stranger.example; spf=fail smtp.mailfrom=jane@{domain}")]
    assert ack(spf.write(domain, headers=headers)) == "queued"


def test_explanation_is_never_fetched(spf):
    domain = spf.domain("v=spf1 -all exp=why.{d}", why="Write to evil@evil.example")
    assert_unauthenticated(spf.write(domain))
    assert spf.dns.was_asked(domain)
    assert not spf.dns.was_asked(f"why.{domain}")


def test_explanation_does_not_break_a_pass(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all exp=why.{d}", why="no")
    assert ack(spf.write(domain)) == "queued"
    assert not spf.dns.was_asked(f"why.{domain}")


# -- who is the client

def test_loopback_client_never_passes_by_itself(spf):
    domain = spf.domain("v=spf1 ip4:127.0.0.0/8 -all")
    assert_unauthenticated(spf.write(domain, client=None))
    assert_unauthenticated(spf.write(domain, client="127.0.0.5"))
    assert not spf.dns.was_asked(domain)


class SixSession(MilterSession):
    """A milter session whose client has an IPv6 address."""

    def step(self, command: bytes, data: bytes) -> bytes:
        if command == b"C":
            data = b"client.example\0" + b"6" + struct.pack("!H", 25000) + b"IPv6:2001:db8::10\0"
        return super().step(command, data)


def ask_from_ipv6(spf, domain: str) -> str:
    session = SixSession(spf.stand.node.socket)
    with closing(session):
        headers = [("From", f"<jane@{domain}>"), ("To", f"<{SUPPORT}>"), ("Subject", "Service down, 503 errors")]
        answer = session.message(f"jane@{domain}", [SUPPORT], headers, OUTAGE_TEXT.encode())
    return answer.header("X-Outage-Ack")


@pytest.mark.parametrize("policy,expected", [
    ("v=spf1 ip6:2001:db8::/64 -all", "queued"),
    ("v=spf1 a:p.{d} -all", "queued"),
    ("v=spf1 ip6:2001:db8:1::/64 -all", "none"),
    ("v=spf1 ip4:192.0.2.10 -all", "none"),
    ("v=spf1 ip6:::/0 -all", "none"),
    ("v=spf1 ip6:::/1 ip6:8000::/1 -all", "none"),
])
def test_ipv6_client(spf, policy, expected):
    domain = spf.domain(policy, p={"AAAA": "2001:db8::10", "A": CLIENT})
    assert parse_value(ask_from_ipv6(spf, domain))[0] == expected


def received_field(client: str, helo: str = "mail.outside.example", by: str = "relay.support.example") -> tuple[str, str]:
    """As Postfix writes it."""
    return "Received", (f"from {helo} (unknown [{client}])\n\tby {by} (Postfix) with ESMTPS id 4Test1234567z\n"
                        f"\tfor <{SUPPORT}>; Sat, 21 Nov 2026 15:10:01 +0000 (UTC)")


def test_mail_of_our_relay_is_judged_by_its_first_outside_hop(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all")
    assert ack(spf.write(domain, client=RELAY, headers=[received_field(CLIENT)])) == "queued"
    assert_unauthenticated(spf.write(domain, client=RELAY, local="joe", headers=[received_field(STRANGER)]))


def test_helo_of_the_outside_hop_counts_not_the_relays(spf):
    domain = spf.domain("v=spf1 exists:%{h}.%{i}.helo.{d} -all", **{"mail.outside.example.192.0.2.10.helo": {"A": "127.0.0.2"}})
    assert ack(spf.write(domain, client=RELAY, helo="relay.support.example", headers=[received_field(CLIENT)])) == "queued"


def test_two_relays_of_ours_in_a_row(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all")
    hops = [received_field("192.0.2.201", "relay2.support.example"), received_field(CLIENT, by="relay2.support.example")]
    assert ack(spf.write(domain, client=RELAY, headers=hops)) == "queued"


def test_received_fields_below_the_first_outside_hop_are_not_believed(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all")
    hops = [received_field(STRANGER), received_field(CLIENT)]
    assert_unauthenticated(spf.write(domain, client=RELAY, headers=hops))


@pytest.mark.parametrize("value", [
    None,
    "by relay.support.example (Postfix, from userid 33) id 4Test; Sat, 21 Nov 2026 15:10:01 +0000",
    "from mail.outside.example by relay.support.example; Sat, 21 Nov 2026 15:10:01 +0000",
    "from [192.0.2.10] (unknown [198.51.100.66]) (really [192.0.2.10]) by relay.support.example; Sat, 21 Nov 2026 15:10:01 +0000",
    "from mail.outside.example (unknown [unknown]) by relay.support.example (Postfix); Sat, 21 Nov 2026 15:10:01 +0000",
])
def test_relay_that_does_not_say_whom_it_had_the_mail_from(spf, value):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 ip4:192.0.2.200 -all")
    headers = [("Received", value)] if value else []
    assert_unauthenticated(spf.write(domain, client=RELAY, headers=headers))


def test_relays_own_address_in_the_senders_policy_helps_no_forger(spf):
    # Whoever writes through our relay would pass as a customer who sends through the same provider.
    domain = spf.domain("v=spf1 ip4:192.0.2.200 -all")
    assert_unauthenticated(spf.write(domain, client=RELAY, headers=[received_field(STRANGER)]))
    assert_unauthenticated(spf.write(domain, client=RELAY))


def test_loopback_hop_behind_our_relay_never_passes(spf):
    domain = spf.domain("v=spf1 ip4:127.0.0.1 -all")
    assert_unauthenticated(spf.write(domain, client=RELAY, headers=[received_field("127.0.0.1")]))


def test_relays_own_authentication_results_are_believed(spf):
    domain = spf.domain("v=spf1 ip4:203.0.113.1 -all")
    headers = [("Authentication-Results", f"{TRUSTED_ID}; dkim=pass header.d={domain}"), received_field(STRANGER)]
    assert ack(spf.write(domain, client=RELAY, headers=headers)) == "queued"
    assert not spf.dns.was_asked(domain)
    headers = [("Authentication-Results", f"{TRUSTED_ID}; spf=pass smtp.mailfrom={domain}"), received_field(STRANGER)]
    assert ack(spf.write(domain, client=RELAY, local="joe", headers=headers)) == "queued"


def test_client_that_is_no_relay_of_ours_cannot_name_another_hop(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all")
    assert_unauthenticated(spf.write(domain, client=STRANGER, headers=[received_field(CLIENT)]))


# -- submission with a login

def test_mail_of_a_user_who_logged_in_is_his(spf):
    domain = spf.domain("v=spf1 -all")
    assert ack(spf.write(domain, login=f"jane@{domain}")) == "queued"
    assert ack(spf.write(domain, local="joe", login=f"JOE@{domain.upper()}")) == "queued"
    assert not spf.dns.was_asked(domain)


def test_user_who_logged_in_cannot_write_as_another(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all")
    assert_unauthenticated(spf.write(domain, login=f"joe@{domain}"))
    assert_unauthenticated(spf.write(domain, login="jane@elsewhere.example"))
    assert_unauthenticated(spf.write(domain, login="jane"))
    # His client is his own machine: what a policy says of its address says nothing of him.
    assert not spf.dns.was_asked(domain)


def test_bare_login_counts_in_the_domains_of_the_site(spf):
    assert ack(spf.write("login.example", login="jane")) == "queued"
    assert_unauthenticated(spf.write("login.example", local="joe", login="jane"))
    assert not spf.dns.was_asked("login.example")


# -- a DNS that is sick

SICK = {
    "silent": ("v=spf1 ip4:192.0.2.10 -all", {"does": "silent"}, {}, "temperror"),
    "servfail": ("v=spf1 ip4:192.0.2.10 -all", {"does": "servfail"}, {}, "temperror"),
    "refused": ("v=spf1 ip4:192.0.2.10 -all", {"does": "refused"}, {}, "temperror"),
    "garbage": ("v=spf1 ip4:192.0.2.10 -all", {"does": "garbage"}, {}, "temperror"),
    "wrong-id": ("v=spf1 ip4:192.0.2.10 -all", {"does": "wrong-id"}, {}, "temperror"),
    "other-name": ("v=spf1 ip4:192.0.2.10 -all", {"does": "other-name"}, {}, "temperror"),
    "slower-than-the-deadline": ("v=spf1 ip4:192.0.2.10 -all", {"delay": 3 * TIMEOUT}, {}, "temperror"),
    "silent-include": ("v=spf1 include:p.{d} ip4:192.0.2.10 -all", {}, {"p": {"does": "silent"}}, "temperror"),
    "servfail-include": ("v=spf1 include:p.{d} ip4:192.0.2.10 -all", {}, {"p": {"does": "servfail"}}, "temperror"),
    "slow-includes": ("v=spf1 " + " ".join(f"include:s{n}.{{d}}" for n in range(9)) + " ip4:192.0.2.10 -all", {},
                      {f"s{n}": {"TXT": "v=spf1 -all", "delay": 0.3 * TIMEOUT} for n in range(9)}, "temperror"),
    "eleven-lookups": ("v=spf1 " + " ".join(f"include:s{n}.{{d}}" for n in range(11)) + " ip4:192.0.2.10 -all", {},
                       {f"s{n}": "v=spf1 -all" for n in range(11)}, "permerror"),
    "chain-of-includes": ("v=spf1 include:c0.{d} ip4:192.0.2.10 -all", {},
                          {f"c{n}": f"v=spf1 include:c{n + 1}.{{d}} -all" for n in range(20)}, "permerror"),
    "three-voids": ("v=spf1 a:v1.{d} a:v2.{d} a:v3.{d} ip4:192.0.2.10 -all", {}, {}, "permerror"),
    "include-of-itself": ("v=spf1 include:{d} ip4:192.0.2.10 -all", {}, {}, "permerror"),
    "includes-in-a-circle": ("v=spf1 include:p.{d} ip4:192.0.2.10 -all", {}, {"p": "v=spf1 include:{d} -all"}, "permerror"),
    "redirect-to-itself": ("v=spf1 redirect={d}", {}, {}, "permerror"),
    "many-mx": ("v=spf1 mx:p.{d} ip4:192.0.2.10 -all", {}, {"p": {"MX": [f"10 m{n}.{{d}}" for n in range(11)]},
                **{f"m{n}": {"A": "203.0.113.1"} for n in range(11)}}, "permerror"),
    "cname-circle": (None, {"CNAME": "{d}"}, {}, None),
    "two-policies": (["v=spf1 ip4:192.0.2.10 -all", "v=spf1 -all"], {}, {}, "permerror"),
}


@pytest.mark.parametrize("kind", SICK)
def test_sick_dns_holds_no_mail_and_vouches_for_nobody(spf, kind):
    policy, does, below, result = SICK[kind]
    domain = spf.domain(policy, does, **below)
    said, start = spf.said(), time.monotonic()
    received = spf.write(domain)
    assert time.monotonic() - start < TIMEOUT + MARGIN
    assert_unauthenticated(received)
    if result is not None:
        spf.stand.node.process.wait_for_line(result, start=said)


def test_include_bomb(spf):
    """A tree of nine times nine includes: some libraries go through all of it."""
    bomb = {f"a{n}": "v=spf1 " + " ".join(f"include:b{n}x{m}.{{d}}" for m in range(9)) + " -all" for n in range(9)}
    bomb.update({f"b{n}x{m}": "v=spf1 ip4:203.0.113.1 -all" for n in range(9) for m in range(9)})
    domain = spf.domain("v=spf1 " + " ".join(f"include:a{n}.{{d}}" for n in range(9)) + " ip4:192.0.2.10 -all", **bomb)
    said, start = spf.said(), time.monotonic()
    assert_unauthenticated(spf.write(domain))
    assert time.monotonic() - start < TIMEOUT + MARGIN
    spf.stand.node.process.wait_for_line("permerror", start=said)
    assert spf.dns.count(domain) <= 25


def test_ten_lookups_are_allowed(spf):
    policy = "v=spf1 " + " ".join(f"include:s{n}.{{d}}" for n in range(10)) + " ip4:192.0.2.10 -all"
    assert ack(spf.write(spf.domain(policy, **{f"s{n}": "v=spf1 ip4:203.0.113.1 -all" for n in range(10)}))) == "queued"


def test_truncated_answer_is_asked_for_again_over_tcp(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all", {"does": "truncated"})
    assert ack(spf.write(domain)) == "queued"
    assert (domain, "TXT", "tcp") in spf.dns.asked


def test_policy_too_long_for_one_datagram(spf):
    domain = spf.domain("v=spf1 " + "ip4:203.0.113.1 " * 100 + "ip4:192.0.2.10 -all")
    assert ack(spf.write(domain)) == "queued"


def test_slow_dns_within_the_deadline_is_waited_for(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all", {"delay": 0.4 * TIMEOUT})
    assert ack(spf.write(domain)) == "queued"


def test_policy_behind_a_chain_of_cnames(spf):
    domain = spf.domain(None, {"CNAME": "c1.{d}"}, c1={"CNAME": "c2.{d}"}, c2="v=spf1 ip4:192.0.2.10 -all")
    assert ack(spf.write(domain)) == "queued"


def test_answer_is_remembered_for_its_time(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all", {"ttl": 300})
    for number in range(8):
        assert ack(spf.write(domain, local=f"jane{number}")) == "queued"
    # Each helper keeps a memory of its own.
    assert spf.dns.count(domain) <= SETTINGS["spf__helpers"]


def test_hostile_answers_leave_the_log_readable(spf):
    said = spf.said()
    domain = spf.domain(b"v=spf1 ip4:192.0.2.10 \x01\x1b[2J\nevent=acknowledged to=victim@other.example\x00 -all")
    assert_unauthenticated(spf.write(domain))
    for line in spf.stand.node.process.lines[said:]:
        assert all(character >= " " or character == "\t" for character in line), repr(line)
        assert not line.startswith("event=acknowledged")


def test_closed_port_holds_no_mail(make_stand, fake_relay):
    with DnsServer() as gone:
        address = gone.address
    stand = make_stand(spf__nameserver=address, **SETTINGS).start()
    stand.declare("P1")
    said, start = len(stand.node.process.lines), time.monotonic()
    received = SpfSite(stand, gone, fake_relay).write("closed.example")
    assert time.monotonic() - start < TIMEOUT + MARGIN
    assert_unauthenticated(received)
    stand.node.process.wait_for_line("temperror", start=said)


# -- when nobody is asked

def test_no_question_without_an_incident_where_nothing_is_kept_for_one(make_stand, dns, fake_relay):
    stand = make_stand(spf__nameserver=dns.address, recent__keep=0, **SETTINGS).start()
    site = SpfSite(stand, dns, fake_relay)
    received = site.write(site.domain("v=spf1 ip4:192.0.2.10 -all"))
    assert received.outage() == {}
    assert dns.asked == []


def test_no_question_where_spf_is_switched_off(make_stand, dns, fake_relay):
    site = make_site(make_stand, dns, fake_relay, spf__enabled=False)
    assert_unauthenticated(site.write(site.domain("v=spf1 ip4:192.0.2.10 -all")))
    assert dns.asked == []
    assert helpers(site.stand) == []


def test_no_question_about_mail_that_does_not_match(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all")
    letter = Letter(f"jane@{domain}", "Forgot my password", PASSWORD_TEXT, auth=False)
    received = spf.stand.deliver(letter, client=CLIENT)
    assert "no-match" in reasons(received)
    assert not spf.dns.was_asked(domain)


@pytest.mark.parametrize("name,value", [
    ("Auto-Submitted", "auto-replied"), ("Precedence", "bulk"), ("List-Id", "<users.lists.example>"), ("X-Loop", "yes")])
def test_no_question_about_mail_of_machines(spf, name, value):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all")
    assert ack(spf.write(domain, headers=[(name, value)])) == "none"
    assert not spf.dns.was_asked(domain)


@pytest.mark.parametrize("result", ["dkim=pass header.d={}", "dmarc=pass header.from={}"])
def test_no_question_where_somebody_trusted_vouches(spf, result):
    domain = spf.domain("v=spf1 +all")
    received = spf.write(domain, headers=[("Authentication-Results", f"{TRUSTED_ID}; {result.format(domain)}")])
    assert ack(received) == "queued"
    assert not spf.dns.was_asked(domain)


def test_no_question_about_mail_to_others(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all")
    assert spf.write(domain, to="somebody@corp.example").outage() == {}
    assert not spf.dns.was_asked(domain)


def test_no_question_about_the_null_sender(spf):
    domain = spf.domain("v=spf1 ip4:192.0.2.10 -all")
    letter = Letter("", "Service down, 503 errors", OUTAGE_TEXT, from_header=f"<jane@{domain}>")
    assert reasons(spf.stand.deliver(letter, client=CLIENT))[0] == "null-sender"
    assert not spf.dns.was_asked(domain)
