"""Mail that nobody sends by accident: it is delivered, or refused by the MTA itself, and the milter goes on."""

import email
import re
import smtplib
import socket
import struct
from contextlib import closing
from pathlib import Path

import pytest

from mail import OUTAGE_TEXT, Letter, Received, ack, authenticated, connect, outage_report, parse_value
from milterclient import MilterSession
from process import eventually
from sendmail import Sendmail
from settings import BILLING, SUPPORT

# Of growth in all, after a thousand times more than an ordinary mail: far above what caches take, far below a leak.
GROWTH_KB = 150 * 1024


def resident(stand) -> int:
    """VmRSS of the milter, in kB."""
    status = Path(f"/proc/{stand.node.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


class Head(Received):
    """The header of what was delivered: nobody wants to parse some of these bodies twice."""

    def __init__(self, path: Path):  # pylint: disable=super-init-not-called
        self.raw = path.read_bytes().partition(b"\n\n")[0] + b"\n\n"
        self.compat = email.message_from_string(self.raw.decode("utf-8", "surrogateescape"))


_seen: dict[Path, bytes] = {}


def arrived(stand, letter: Letter, timeout: float = 60) -> Head:
    """What reached the support mailbox; mail that was looked at before is not read again."""
    folder = stand.postfix.mail / "support.example" / "new"
    wanted = letter.message_id.encode()

    def look():
        for path in folder.iterdir() if folder.is_dir() else ():
            if path not in _seen:
                _seen[path] = path.read_bytes().partition(b"\n\n")[0]
            if wanted in _seen[path]:
                return Head(path)
        return None

    return eventually(look, timeout, f"{letter.message_id} arrives")


def deliver(stand, letter: Letter) -> Head:
    stand.send(letter)
    return arrived(stand, letter)


def assert_well(stand, customer: str) -> None:
    """The milter runs and decides as ever."""
    assert stand.node.process.running()
    assert ack(deliver(stand, outage_report(f"well.{customer}"))) == "queued"


def head(sender: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [authenticated(sender), *more, ("From", f"<{sender}>"), ("To", f"<{SUPPORT}>"), ("Subject", "Service down, 503 errors")]


# -- through the MTA

def test_as_many_recipients_as_the_mta_takes(p1, customer):
    taken = []
    with connect(p1.postfix.milter_port) as smtp:
        letter = outage_report(customer)
        assert smtp.mail(customer, ["BODY=8BITMIME"])[0] == 250
        for number in range(10000):
            rcpt = SUPPORT if number == 0 else f"p{number}@corp.example"
            code, _ = smtp.rcpt(rcpt)
            if code != 250:
                assert code in (452, 421)
                break
            taken.append(rcpt)
        assert smtp.data(letter.bytes)[0] == 250
    assert len(taken) >= 1000
    received = arrived(p1, letter)
    assert ack(received) == "queued"
    p1.postfix.wait_delivered(120)
    others = (p1.postfix.mail / "corp.example" / "new").iterdir()
    assert sum(letter.message_id.encode() in path.read_bytes() for path in others) == len(taken) - 1
    assert_well(p1, customer)


@pytest.mark.parametrize("name", ["X-Long", "Subject", "From", "To", "Reply-To", "References", "Authentication-Results", "List-X",
                                  "Content-Type", "Received"])
def test_header_line_of_a_megabyte(p1, customer, name):
    letter = outage_report(customer, headers=[("X-First", "1")])
    letter.bytes = f"{name}: ".encode() + b"x" * (1 << 20) + b"\r\n" + letter.bytes
    received = deliver(p1, letter)
    # Sendmail hands no field of more than 64 KB to a filter, and goes on without.
    assert ack(received) in ("queued", "none") or isinstance(p1.postfix, Sendmail)
    assert_well(p1, customer)


@pytest.mark.parametrize("name", ["X-Many", "Authentication-Results", "Received", "To", "From", "Subject", "X-Outage-Queue"])
def test_five_thousand_header_fields(p1, customer, name):
    letter = outage_report(customer)
    letter.bytes = b"".join(f"{name}: value{number}@other.example\r\n".encode() for number in range(5000)) + letter.bytes
    with connect(p1.postfix.milter_port) as smtp:
        smtp.mail(letter.sender)
        smtp.rcpt(SUPPORT)
        code, _ = smtp.data(letter.bytes)
    # Too many hops is the MTA's own refusal.
    assert code == 250 or (name == "Received" and code >= 500), code
    if code == 250 and name != "Received":
        received = arrived(p1, letter)
        assert ack(received) in ("queued", "none")
        if name == "X-Outage-Queue":
            assert received.one("X-Outage-Queue") == "surge"
    p1.postfix.wait_delivered()
    assert_well(p1, customer)


BODIES = {
    "nul": b"The service is down\0, 503 errors, nobody can log in.\0\0\r\n",
    "bare-cr": b"The service is down,\r503 errors,\rnobody can log in\r\r\n",
    "eight-bit-rubbish": bytes(range(128, 256)) * 50 + b"\r\nThe service is down, 503 errors, nobody can log in\r\n",
    "empty": b"",
    "one-line": b"The service is down, 503 errors, nobody can log in " + b"x" * 300000 + b"\r\n",
    "turned-around": "The service is down \u202e503 errors\u2066, nobody can log in\r\n".encode() * 100,
    "overlong-utf8": b"\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf\xed\xa0\x80 The service is down, 503 errors, nobody can log in\r\n",
}


@pytest.mark.parametrize("kind", BODIES)
def test_bodies_of_odd_bytes(p1, customer, kind):
    letter = outage_report(customer)
    letter.bytes = letter.bytes.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + BODIES[kind]
    if kind == "bare-cr" and isinstance(p1.postfix, Sendmail):
        with pytest.raises(smtplib.SMTPDataError, match="Bare carriage return"):
            p1.send(letter)
    else:
        assert ack(deliver(p1, letter)) in ("queued", "none")
    assert_well(p1, customer)


MIME = {
    "never-ended": ('multipart/mixed; boundary="b"', b"--b\r\nContent-Type: text/plain\r\n\r\nThe service is down, 503 errors\r\n"),
    "never-begun": ('multipart/mixed; boundary="b"', b"The service is down, 503 errors\r\n"),
    "no-boundary": ("multipart/mixed", b"--b\r\n\r\nThe service is down, 503 errors\r\n--b--\r\n"),
    "boundary-of-nothing": ('multipart/mixed; boundary=""', b"--\r\n\r\nThe service is down, 503 errors\r\n----\r\n"),
    "nested-500-deep": ('multipart/mixed; boundary="b0"',
                        b"".join(b'--b%d\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n' % (n, n + 1) for n in range(500))),
    "ten-thousand-parts": ('multipart/mixed; boundary="b"', b"--b\r\n\r\nx\r\n" * 10000 + b"--b--\r\n"),
    "broken-base64": ("text/plain", b"====!!!!\xff\xfe\0QUJD\r\n" * 50),
    "unknown-charset": ("text/plain; charset=x-klingon", b"The service is down, 503 errors\r\n"),
    "charset-with-lines": ('text/plain; charset="utf-8\n\tX: y"', b"The service is down, 503 errors\r\n"),
    "html-without-end": ("text/html", b"<p>The service is down, 503 errors" + b"<div>" * 20000),
    "html-of-entities": ("text/html", b"&#x0;&#xD800;&#99999999;&lt;" * 2000 + b"<!--"),
    "message-in-message": ("message/rfc822", b"Content-Type: message/rfc822\r\n\r\n" * 300),
    "report-cut-short": ('multipart/report; report-type="delivery-status"; boundary="b"', b"--b\r\nContent-Type: message/delivery-st"),
    "type-of-rubbish": (";;;=/\"\\", b"The service is down, 503 errors\r\n"),
}


@pytest.mark.parametrize("kind", MIME)
def test_mime_that_is_broken(p1, customer, kind):
    content_type, body = MIME[kind]
    transfer = [("Content-Transfer-Encoding", "base64")] if kind == "broken-base64" else []
    letter = outage_report(customer, headers=[("Content-Type", content_type), *transfer])
    letter.bytes = letter.bytes.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
    received = deliver(p1, letter)
    assert ack(received) in ("queued", "none")
    assert_well(p1, customer)


ADDRESSES = {
    "comments": "(comment (nested (deep))) {} (more \\) )",
    "quoted-name": '"Doe, Jane \\"JD\\" <x@other.example>" <{}>',
    "source-route": "<@a.example,@b.example:{}>",
    "group": "people: {}, other@other.example;",
    "unfinished-quote": '"Jane <{}>',
    "unfinished-angle": "Jane <{}",
    "unfinished-comment": "(Jane <{}>",
    "deep-comment": "(" * 20000 + " <{}>",
    "many-commas": ",,,,," * 5000 + "{}",
    "raw-utf8": "Jürgen Müller <{}>",
    "raw-latin1": b"J\xfcrgen <%s>",
    "control-characters": "Jane\x01\x02\x1b[2J <{}>",
    "nul": "Jane\0 <{}>",
    "two-at": "<a@b@{}>",
    "empty": "",
    "spaces": "   ",
    "literal": "<jane@[IPv6:2001:db8::1]>",
}


@pytest.mark.parametrize("field", ["From", "To", "Reply-To"])
@pytest.mark.parametrize("kind", ADDRESSES)
def test_addresses_of_odd_forms_in_headers(p1, customer, field, kind):
    form = ADDRESSES[kind]
    address = SUPPORT if field == "To" else customer
    value = form % address.encode() if isinstance(form, bytes) else form.replace("{}", address).encode()
    letter = outage_report(customer, headers=[(field, "MARK")])
    letter.bytes = letter.bytes.replace(b"MARK", value)
    received = deliver(p1, letter)
    assert ack(received) in ("queued", "none")
    assert p1.node.process.running()


@pytest.mark.parametrize("local", ["jürgen", "用户", "δοκιμή", "a\u0301\u0302", "x\u200by", "\u202ejane"])
@pytest.mark.parametrize("domain", ["customer.example", "münchen.example", "例え.example"])
def test_smtputf8_senders(p1, local, domain):
    letter = Letter(f"{local}@{domain}", "Störung: Service down, 503 errors", OUTAGE_TEXT)
    try:
        assert ack(deliver(p1, letter)) in ("queued", "none")
    except smtplib.SMTPSenderRefused as refusal:
        # Of the bytes from 0x80 to 0x9f Sendmail makes use itself.
        assert isinstance(p1.postfix, Sendmail) and b"8-bit character in mailbox address" in refusal.smtp_error
    assert p1.node.process.running()


def test_header_names_of_odd_forms(p1, customer):
    letter = outage_report(customer)
    letter.bytes = b"X-Outage-Queue : forged\r\nX-Outage-: empty\r\nX-Nothing:\r\n" + letter.bytes
    deliver(p1, letter)
    longer = outage_report(customer)
    longer.bytes = b"X" * 900 + b": long name\r\n" + longer.bytes
    p1.send(longer)
    # To Sendmail that is no header field, but the first line of the body: so is its Message-ID.
    folder, wanted = p1.postfix.mail / "support.example" / "new", longer.message_id.encode()
    eventually(lambda: any(wanted in path.read_bytes() for path in folder.iterdir()), what="it arrives")
    assert_well(p1, customer)


# -- straight to the milter, where an MTA would cut

def test_ten_thousand_recipients(p1, customer):
    rcpts = [*(f"p{number}@corp.example" for number in range(9999)), SUPPORT]
    before = resident(p1)
    for number in range(5):
        sender = f"{number}.{customer}"
        with closing(p1.node.session()) as session:
            answer = session.message(sender, rcpts, head(sender), OUTAGE_TEXT.encode())
        assert parse_value(answer.header("X-Outage-Ack"))[0] == "queued"
        assert answer.final in ("c", "a")
    assert resident(p1) - before < GROWTH_KB


def test_ten_thousand_addresses_in_to(p1, customer):
    everybody = ", ".join(f"p{number}@corp.example" for number in range(2500))
    for number in range(4):
        fields = [*head(f"{number}.{customer}"), *(("Cc", everybody) for _ in range(4))]
        with closing(p1.node.session()) as session:
            answer = session.message(f"{number}.{customer}", [SUPPORT], fields, OUTAGE_TEXT.encode())
        assert parse_value(answer.header("X-Outage-Ack"))[0] == "queued"


LONG = 60000


@pytest.mark.parametrize("name,value", [
    ("X-Long", "x" * LONG), ("Subject", "Service down 503 " * (LONG // 17)), ("Subject", "=?utf-8?q?" + "=0D=0A" * (LONG // 6) + "?="),
    ("Subject", "=?utf-8?b?" * (LONG // 10)), ("Authentication-Results", "mx.example; " + "(" * (LONG - 20)),
    ("Authentication-Results", "mx.example" + "; spf=pass smtp.mailfrom=x" * (LONG // 30)), ("To", "<" * LONG),
    ("From", "a@b.example," * (LONG // 12)), ("References", "<a@b> " * (LONG // 6)), ("Auto-Submitted", "(" * LONG),
    ("List-Id", "<" * LONG), ("Content-Type", "text/plain; " + "a=b; " * (LONG // 5)),
    ("Content-Type", "multipart/mixed; boundary=" + "b" * LONG), ("Received", "from " + "[" * LONG), ("Message-ID", "<" + "x" * LONG + ">"),
    ("X-Auto-Response-Suppress", "OOF, " * (LONG // 5)), ("Precedence", "bulk" * (LONG // 4))])
def test_long_header_values(p1, customer, name, value):
    with closing(p1.node.session()) as session:
        answer = session.message(customer, [SUPPORT], [(name, value), *head(customer)], OUTAGE_TEXT.encode())
    assert parse_value(answer.header("X-Outage-Ack"))[0] in ("queued", "none")
    assert_well(p1, customer)


def test_twenty_thousand_header_fields_leave_no_memory_behind(p1, customer):
    def once() -> None:
        fields = [*head(""), *((f"X-Many-{number % 50}", "value " * 20) for number in range(20000))]
        with closing(p1.node.session()) as session:
            answer = session.message("", [SUPPORT], fields, OUTAGE_TEXT.encode())
        assert reasons_of(answer)[0] == "null-sender"

    once()
    before = resident(p1)
    for _ in range(6):
        once()
    assert resident(p1) - before < GROWTH_KB


def reasons_of(answer) -> list[str]:
    return parse_value(answer.header("X-Outage-Ack"))[1].get("reason", "").split(",")


@pytest.mark.parametrize("sender", [
    "jane\r\nRCPT TO:<victim@other.example>", "jane\x01@customer.example", "jane\r\n@customer.example",
    "@a.example:jane@customer.example", '"unfinished@customer.example', "jane@", "@customer.example", "jane", "a@b@c", "jane@-", "jane@..",
    "jane@" + "x" * 300, "x" * 5000 + "@customer.example", "jane@[999.1.1.1]", "jane@customer.example SIZE=1"])
def test_senders_that_are_no_addresses(p1, sender):
    with closing(p1.node.session()) as session:
        answer = session.message(sender, [SUPPORT], head("jane@customer.example"), OUTAGE_TEXT.encode())
    assert parse_value(answer.header("X-Outage-Ack"))[0] == "none"
    assert {"null-sender", "unauthenticated"} & set(reasons_of(answer))
    assert not any("victim" in value for _, value in answer.headers)


@pytest.mark.parametrize("rcpt", ["", "support", f"{SUPPORT}\r\nX: y", f"@a.example:{SUPPORT}", f'"support"@support.example',
                                  "x" * 5000, f"{SUPPORT}\0x"])
def test_recipients_that_are_no_addresses(p1, customer, rcpt):
    with closing(p1.node.session()) as session:
        answer = session.message(customer, [rcpt, BILLING], head(customer, ("Cc", f"<{BILLING}>")), OUTAGE_TEXT.encode())
    assert parse_value(answer.header("X-Outage-Ack"))[0] in ("queued", "none")
    assert not any("\n" in added or "\r" in added for added in answer.added)
    assert p1.node.process.running()


@pytest.mark.parametrize("packet", [
    struct.pack("!I", 0), struct.pack("!I", 1) + b"?", struct.pack("!I", 0xffffffff) + b"L", struct.pack("!I", 2) + b"L\0",
    struct.pack("!I", 1) + b"M", struct.pack("!I", 4) + b"Rabc", struct.pack("!I", 1) + b"E", struct.pack("!I", 70000) + b"B" + b"x" * 69999])
def test_packets_out_of_order_and_form(p1, customer, packet):
    for begun in (False, True):
        session = p1.node.session()
        try:
            if begun:
                session.begin(customer, [SUPPORT], head(customer))
            session._socket.sendall(packet)
            session._socket.shutdown(socket.SHUT_WR)
            while session._socket.recv(65536):
                pass
        except OSError:
            pass  # closing it is a fine answer
        finally:
            session.close(quit_first=False)
    assert_well(p1, customer)


class OddSession(MilterSession):
    """Its CONNECT names an address of that family."""

    def __init__(self, path: Path, family: bytes, address: bytes):
        self.odd = b"client.example\0" + family + struct.pack("!H", 25) + address + b"\0"
        super().__init__(path, timeout=5)

    def step(self, command: bytes, data: bytes) -> bytes:
        return super().step(command, self.odd if command == b"C" else data)


@pytest.mark.parametrize("family,address", [
    (b"4", b"not an address"), (b"6", b"IPv6:zz"), (b"U", b""), (b"L", b"/run/x"), (b"4", b"x" * 5000), (b"6", b"127.0.0.1"), (b"?", b"")])
def test_connection_addresses_of_odd_forms(p1, customer, family, address):
    try:
        with closing(OddSession(p1.node.socket, family, address)) as session:
            session.message(customer, [SUPPORT], head(customer), OUTAGE_TEXT.encode())
    except OSError:
        pass  # closing it is a fine answer
    assert_well(p1, customer)


def test_memory_after_a_thousand_large_mails_is_what_it_was(p1):
    body = OUTAGE_TEXT.encode() + b"x" * 60000
    with closing(p1.node.session()) as session:
        for _ in range(100):
            session.message("", [SUPPORT], head(""), body)
        before = resident(p1)
        for _ in range(1000):
            session.message("", [SUPPORT], head(""), body)
    assert resident(p1) - before < GROWTH_KB
