"""One site whose senders nobody but their SPF records vouches for, and the hands to write to it from anywhere."""

import itertools
import re
import smtplib
from pathlib import Path

from conftest import StandMaker
from dns import DnsServer
from mail import OUTAGE_TEXT, Letter, Mailbox, Received, ack, connect, reasons, submit
from relay import FakeRelay

CLIENT = "192.0.2.10"
STRANGER = "198.51.100.66"
TIMEOUT = 1.0
# What a mail may take beside the answer of the DNS: Postfix, the milter, two busy processors.
MARGIN = 5.0

RELAY = "192.0.2.200"
SETTINGS = {"spf__enabled": True, "spf__timeout": f"{int(TIMEOUT * 1000)}ms", "spf__helpers": 2, "ack__domain_cap": 0,
            "ack__site_cap": 0, "spf__trusted_relays": ["192.0.2.192/27"], "auth__submission_domains": ["login.example"]}
_domains = itertools.count(1)


def session_of(postfix, client: str | None, helo: str = "mail.client.example", login: str | None = None) -> smtplib.SMTP:
    """An SMTP session as the MTA would have it with that client."""
    return connect(postfix.milter_port, client, helo=helo, login=login)


class SpfSite:
    """A live site with P1 declared that asks our DNS server; what it sends ends up in `relay`."""

    def __init__(self, stand, dns: DnsServer, relay: FakeRelay):
        self.stand = stand
        self.dns = dns
        self.relay = relay

    def domain(self, policy=None, does: dict | None = None, **below) -> str:
        """A fresh domain with that policy; {d} in it is the domain. below: more names below it."""
        domain = f"d{next(_domains)}.example"

        def filled(value):
            if isinstance(value, list):
                return [filled(item) for item in value]
            return re.sub(r"(?<!%)\{d\}", domain, value) if isinstance(value, str) else value

        for label, entry in below.items():
            entry = entry if isinstance(entry, dict) else {"TXT": entry}
            self.dns.zone[f"{filled(label)}.{domain}"] = {kind: filled(value) for kind, value in entry.items()}
        entry = {kind: filled(value) for kind, value in (does or {}).items()}
        if policy is not None:
            entry["TXT"] = filled(policy)
        if entry:
            self.dns.zone[domain] = entry
        return domain

    def write(self, domain: str, client: str | None = CLIENT, helo: str = "mail.client.example", login: str | None = None,
              local: str = "jane", text: str = OUTAGE_TEXT, **more) -> Received:
        """Delivers an outage report of local@domain, for which nobody else vouches."""
        letter = Letter(f"{local}@{domain}", "Service down, 503 errors", text, auth=False, **more)
        with session_of(self.stand.postfix, client, helo, login) as smtp:
            submit(smtp, letter)
        return Mailbox(self.stand.postfix.mail, letter.rcpts[0]).wait_id(letter.message_id)

    def said(self) -> int:
        return len(self.stand.node.process.lines)

    def wait_answered(self, address: str) -> None:
        self.relay.wait(lambda: any(rcpts == [address] for _, rcpts, _ in self.relay.messages))


def make_site(maker: StandMaker, dns: DnsServer, relay: FakeRelay, **more) -> SpfSite:
    stand = maker(spf__nameserver=dns.address, reply__relay=f"smtp://127.0.0.1:{relay.port}", **{**SETTINGS, **more})
    stand.start()
    stand.declare("P1")
    return SpfSite(stand, dns, relay)


def assert_unauthenticated(received: Received) -> None:
    assert ack(received) == "none"
    assert reasons(received) == ["unauthenticated"]


def helpers(stand) -> list[int]:
    """Children of the milter that are helpers."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
                state, parent = rest.split()[:2]
                if name.startswith("outage-spf") and int(parent) == stand.node.process.pid and state != "Z":
                    found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended meanwhile
    return found
