"""Mail of the test stand: building messages, sending them by SMTP, reading Maildirs, reading X-Outage headers."""

import email
import email.policy
import functools
import itertools
import re
import smtplib
import socket
from email.message import EmailMessage
from pathlib import Path

from process import eventually
from settings import SUPPORT, TRUSTED_ID

_numbers = itertools.count(1)

OUTAGE_TEXT = """Hello,

your service is down since nine o'clock this morning. The site does not load at all, every page ends
with "503 Service Unavailable", and nobody in our team can log in. Is there an outage?

Regards
"""
# The same without anything an engineer could use.
PLAIN_TEXT = """Hello,

your website is down since this morning and nobody in our company can log in. Is there an outage?
When will it work again?

Regards
"""
# Of somebody who writes after the fix.
LATE_TEXT = """Hello,

this morning your website was down and nobody in our company could log in. What was the reason for the outage?

Regards
"""
PASSWORD_TEXT = """Hello,

I forgot my password and would like to set a new one. Could you send me the link for that, please?

Thank you
"""
LEGAL_TEXT = """Your service is down again and nobody can log in: 503 Service Unavailable on every page.

Our lawyer has been informed. Unless this is settled by tomorrow we will take legal action for breach of contract.
"""


def authenticated(sender: str, authserv_id: str = TRUSTED_ID) -> tuple[str, str]:
    """The header by which the site's own MTA vouches for an envelope sender."""
    return "Authentication-Results", f"{authserv_id}; spf=pass smtp.mailfrom={sender}"


class Letter:
    """One message to be sent: envelope and bytes. `headers` are (name, value) pairs put on top, in order."""

    def __init__(self, sender: str, subject: str, text: str, to: str | list[str] = SUPPORT, headers=(),
                 auth: bool | None = None, from_header: str | None = None, to_header: str | None = None):
        """auth None: authenticated where there is a sender. sender "" is the null sender."""
        self.sender = sender
        self.rcpts = [to] if isinstance(to, str) else list(to)
        self.message_id = f"<test-{next(_numbers)}@{sender.partition('@')[2] or 'null.example'}>"
        given = {name.lower() for name, _ in headers}
        vouched = [authenticated(sender)] if sender and auth is not False else []
        usual = [("From", from_header or f"Customer <{sender or 'mailer@other.example'}>"),
                 ("To", to_header or ", ".join(self.rcpts)), ("Subject", subject), ("Date", "Sat, 21 Nov 2026 15:10:00 +0000"),
                 ("Message-ID", self.message_id), ("MIME-Version", "1.0"), ("Content-Type", "text/plain; charset=utf-8"),
                 ("Content-Transfer-Encoding", "8bit")]
        fields = [*headers, *vouched, *(field for field in usual if field[0].lower() not in given)]
        head = "".join(f"{name}: {value}\n" for name, value in fields)
        self.bytes = re.sub(rb"\r?\n", b"\r\n", f"{head}\n{text}".encode())


def outage_report(sender: str, to: str | list[str] = SUPPORT, subject: str = "Service down, 503 errors", **more) -> Letter:
    """A letter that anybody would call an outage report."""
    return Letter(sender, subject, OUTAGE_TEXT, to, **more)


def connect(port: int, client: str | None = None, host: str = "127.0.0.1", timeout: float = 60, helo: str = "client.example",
            login: str | None = None) -> smtplib.SMTP:
    """An SMTP session; client: the address that the MTA shall see, login: as whom. Postfix is told so by XCLIENT, another MTA really
    is connected to from there, and logged in to."""
    smtp = smtplib.SMTP(host, port, local_hostname=helo, timeout=timeout)
    smtp.ehlo()
    if client is not None and not smtp.has_extn("xclient"):
        smtp.close()
        smtp = smtplib.SMTP(host, port, local_hostname=helo, timeout=timeout, source_address=(client, 0))
        smtp.ehlo()
        if login is not None:
            smtp.login(login, "secret")
    elif client is not None:
        code, answer = smtp.docmd("XCLIENT", f"ADDR={client} NAME=[UNAVAILABLE]" + (f" LOGIN={login}" if login else ""))
        if code != 220:
            raise RuntimeError(f"XCLIENT: {code} {answer!r}")
        smtp.ehlo()
    return smtp


def submit(smtp: smtplib.SMTP, letter: Letter) -> None:
    """Sends over an open session; raises where the MTA does not take it."""
    options = ["BODY=8BITMIME"]
    if not all(address.isascii() for address in [letter.sender, *letter.rcpts]):
        smtp.command_encoding = "utf-8"
        # An MTA that does not offer it may take the bytes all the same.
        options += ["SMTPUTF8"] if smtp.has_extn("smtputf8") else []
    smtp.sendmail(letter.sender, letter.rcpts, letter.bytes, mail_options=options)


def send(port: int, letter: Letter, client: str | None = None) -> None:
    with connect(port, client) as smtp:
        submit(smtp, letter)


class Received:
    """A delivered message: raw bytes and parsed."""

    def __init__(self, path: Path):
        self.raw = path.read_bytes()
        self.message: EmailMessage = email.message_from_bytes(self.raw, policy=email.policy.default)
        # Header values as written, raw UTF-8 (RFC 6532) included.
        self.compat = email.message_from_string(self.raw.decode("utf-8", "surrogateescape"))

    def all(self, name: str) -> list[str]:
        """Every value of a header, unfolded."""
        return [re.sub(r"\r?\n", "", str(value)).strip() for value in self.compat.get_all(name, [])]

    def one(self, name: str) -> str:
        """The value of a header that stands at most once; "" where it is absent."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times: {values}"
        return values[0] if values else ""

    @property
    def rcpt(self) -> str:
        return self.one("X-Original-To") or self.one("Delivered-To")

    @property
    def message_id(self) -> str:
        return self.one("Message-ID")

    def outage(self) -> dict[str, str]:
        """X-Outage headers by the rest of their name; each may stand once."""
        names = dict.fromkeys(key for key in self.compat.keys() if key.lower().startswith("x-outage-"))
        return {name[len("X-Outage-"):]: self.one(name) for name in names}

    def text(self) -> str:
        """The plain text of the body."""
        part = self.message.get_body(("plain",))
        return part.get_content() if part is not None else ""

    def body_bytes(self) -> bytes:
        """Everything after the empty line."""
        return self.raw.partition(b"\n\n")[2]


def parse_value(value: str) -> tuple[str, dict[str, str]]:
    """`yes; score=8.5; rules="a,b"` -> ("yes", {"score": "8.5", "rules": "a,b"})."""
    pieces = re.findall(r'\s*((?:"(?:\\.|[^"\\])*"|[^;"])+)', value)

    def bare(text: str) -> str:
        text = text.strip()
        return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text

    params = (piece.partition("=") for piece in pieces[1:])
    return bare(pieces[0]) if pieces else "", {name.strip(): bare(rest) for name, _, rest in params}


def reasons(received: Received) -> list[str]:
    """Why no acknowledgement is queued, in order."""
    return parse_value(received.one("X-Outage-Ack"))[1].get("reason", "").split(",")


def ack(received: Received) -> str:
    """`queued`, `shadow` or `none`; "" without the header."""
    return parse_value(received.one("X-Outage-Ack"))[0]


def send_half(port: int, sender: str) -> None:
    """A client that vanishes in the middle of its mail to support."""
    sock = socket.create_connection(("127.0.0.1", port), 20)
    with sock, sock.makefile("rb") as lines:
        for command in ("", "EHLO client.example", f"MAIL FROM:<{sender}>", f"RCPT TO:<{SUPPORT}>", "DATA"):
            if command:
                sock.sendall(f"{command}\r\n".encode())
            while lines.readline()[3:4] == b"-":
                pass
        sock.sendall(b"Subject: Service down\r\n\r\nhalf a mess")


@functools.lru_cache(maxsize=20000)
def received(path: Path) -> Received:
    """Reads each file once, however often somebody looks whether something came: a Maildir never uses a name twice."""
    return Received(path)


class Mailbox:
    """What arrived for one address (or, with "@domain", for a whole domain), read from the Maildir of its domain."""

    def __init__(self, mail: Path, address: str):
        self.address = address.lower()
        self.folder = mail / address.lower().rpartition("@")[2] / "new"
        self._read: dict[str, Received] = {}

    def messages(self) -> list[Received]:
        """In the order of arrival."""
        if self.folder.is_dir():
            for path in sorted(self.folder.iterdir(), key=lambda entry: entry.stat().st_mtime_ns):
                if path.name not in self._read:
                    self._read[path.name] = received(path)
        if self.address.startswith("@"):
            return list(self._read.values())
        return [message for message in self._read.values() if message.rcpt.lower() == self.address]

    def wait_for(self, predicate, timeout: float = 20, what: str = "") -> Received:
        """The first message for which predicate holds, as soon as it is there."""
        return eventually(lambda: next(filter(predicate, self.messages()), None), timeout,
                          what or f"a message for {self.address}")

    def wait_id(self, message_id: str, timeout: float = 20) -> Received:
        return self.wait_for(lambda message: message.message_id == message_id, timeout, f"{message_id} for {self.address}")

    def wait_count(self, count: int, timeout: float = 60) -> list[Received]:
        eventually(lambda: len(self.messages()) >= count, timeout, f"{count} messages for {self.address}")
        return self.messages()

    def replies(self) -> list[Received]:
        """Those that our replier sent."""
        return [message for message in self.messages() if message.one("Auto-Submitted").startswith("auto-replied")]

    def wait_reply(self, timeout: float = 20) -> Received:
        return self.wait_for(lambda message: message.one("Auto-Submitted").startswith("auto-replied"), timeout,
                             f"an acknowledgement for {self.address}")
