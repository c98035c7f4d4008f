"""Somebody tries to make the replier a relay: by writing into Redis, by mail, by DNS.

Every letter that leaves is read strictly; its envelope may only name an address that wrote in."""

import email
import email.policy
import hashlib
import hmac
import json
import re
import smtplib
from contextlib import closing

import pytest

from conftest import StandMaker
from dns import DnsServer
from mail import OUTAGE_TEXT, Letter, ack, connect, outage_report, reasons
from process import eventually, free_port
from relay import FakeRelay
from settings import STATUS_URL, SUPPORT, TRUSTED_ID
from stand import Redis

VICTIM = "victim@other.example"
STRICT = email.policy.SMTP.clone(raise_on_defect=True)
ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted")
KNOWN = {"from", "to", "subject", "date", "message-id", "mime-version", "auto-submitted", "reply-to", "in-reply-to", "references",
         "content-type", "content-transfer-encoding", "content-language", "x-auto-response-suppress", "precedence", "x-loop"}


def check_letter(sender: str, rcpts: list[str], data: bytes, wrote_in: set[str]) -> email.message.EmailMessage:
    """Fails where a letter is not strictly valid, carries what it should not, or goes to anybody who did not write."""
    assert sender in ("", SUPPORT), sender
    assert len(rcpts) == 1
    assert rcpts[0].lower() in {address.lower() for address in wrote_in}, f"{rcpts} did not write in"
    assert b"\0" not in data
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", data), "a bare CR or LF"
    assert max(map(len, data.split(b"\r\n"))) <= 998
    message = email.message_from_bytes(data, policy=STRICT)
    assert message.defects == []
    for part in message.walk():
        for name, value in part.items():
            assert name.lower() in KNOWN, name
            assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", str(value)), (name, value)  # a tab may be where a line was folded
            assert str(value).strip(), f"{name} is empty"
    for name in ONCE:
        assert len(message.get_all(name, [])) == 1, name
    to = message["To"].addresses
    assert len(to) == 1
    if not to[0].username.startswith('"') and rcpts[0].isascii() and '"' not in rcpts[0]:
        assert f"{to[0].username}@{to[0].domain}".lower() == rcpts[0].lower()
    for name in ("Cc", "Bcc", "Resent-To"):
        assert name not in message
    text = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text), "control characters in the text"
    for scheme, rest in re.findall(r"(?i)\b([a-z][a-z0-9+.-]*)://([^\s>\")]*)", text):
        host = re.split(r"[/?#:]", rest)[0].lower()
        assert scheme.lower() == "https", (scheme, rest)
        assert host == "support.example" or host.endswith(".support.example"), (scheme, rest)
    return message


class AbusedSite:
    """A live site whose letters end up in `relay`; check() looks at all that have left so far."""

    def __init__(self, stand, relay: FakeRelay):
        self.stand = stand
        self.relay = relay
        self.wrote_in: set[str] = set()
        self.redis = None
        self.job: dict[str, str] = {}
        self._fences = 0

    def write(self, letter: Letter, client: str | None = None):
        self.wrote_in.add(letter.sender)
        return self.stand.deliver(letter, client)

    def wait_reply(self, address: str) -> email.message.EmailMessage:
        self.relay.wait(lambda: self.to(address))
        return check_letter(*self.to(address)[0], self.wrote_in)

    def to(self, address: str) -> list:
        return [message for message in self.relay.messages if [rcpt.lower() for rcpt in message[1]] == [address.lower()]]

    def settle(self) -> None:
        """Until all that was queued so far has left or been refused."""
        self._fences += 1
        address = f"fence{self._fences}@other.example"
        assert ack(self.write(outage_report(address))) == "queued"
        self.wait_reply(address)

    def check(self) -> None:
        self.settle()
        for sender, rcpts, data in self.relay.messages:
            check_letter(sender, rcpts, data, self.wrote_in)
        for process in (self.stand.node.process, self.stand.replier):
            assert process.running()
            for line in process.lines:
                assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line), repr(line)


def site_with(maker, store, relay: FakeRelay, **more) -> AbusedSite:
    stand = maker(store, reply__relay=f"smtp://127.0.0.1:{relay.port}", ack__domain_cap=0, ack__site_cap=0, **more).start()
    stand.declare("P1", "--title", "Login is down")
    return AbusedSite(stand, relay)


@pytest.fixture
def site_on_redis(make_stand, redis, fake_relay):
    """On a Redis that the test writes into."""
    return site_with(make_stand, redis, fake_relay)


@pytest.fixture(scope="module")
def shared(site, tmp_path_factory, request):
    """One site on Redis for all that leaves nothing behind; it has the second Postfix. `job` is a stream entry that was sent."""
    failed_before = request.session.testsfailed
    folder = tmp_path_factory.mktemp("shared")
    maker = StandMaker(lambda count: site(2)[1:], folder)
    server = Redis(folder)
    with closing(FakeRelay(free_port())) as relay:
        try:
            server.start()
            shared = site_with(maker, server, relay)
            shared.redis = server.client()
            shared.job = real_job(shared, server, "first@customer.example")
            shared.stand.start_replier()
            shared.wait_reply("first@customer.example")
            yield shared
        finally:
            try:
                maker.end(request.session.testsfailed > failed_before)
            finally:
                server.stop()


# -- by writing into Redis

def real_job(site: AbusedSite, redis, customer: str) -> dict[str, str]:
    """Stops the replier, lets a customer write, and returns the stream entry of the acknowledgement."""
    assert site.stand.replier.stop() == 0
    assert ack(site.write(outage_report(customer))) == "queued"
    (_, fields), = redis.client().xrange("outage:acks")[-1:]
    return fields


def sign(site: AbusedSite, payload: str) -> str:
    """What only a node can do: the secret is in no store."""
    secret = (site.stand.dir / "secret").read_bytes().strip()
    return hmac.new(secret, payload.encode(), hashlib.sha256).hexdigest()


def altered(fields: dict[str, str], **members) -> str:
    return json.dumps({**json.loads(fields["payload"]), **members})


def assert_refused(site: AbusedSite, handle: str) -> str:
    """The replier said so, and the job lies among the dead, where an operator sees it."""
    return site.stand.replier.wait_for_line(handle)


UNSIGNED = {
    "other-recipient": lambda fields: {**fields, "payload": altered(fields, to=VICTIM, sender=VICTIM)},
    "other-recipient-of-the-envelope-only": lambda fields: {**fields, "payload": altered(fields, to=VICTIM)},
    "no-mac": lambda fields: {"payload": fields["payload"]},
    "empty-mac": lambda fields: {**fields, "mac": ""},
    "foreign-mac": lambda fields: {"payload": altered(fields, to=VICTIM),
                                   "mac": hmac.new(b"x" * 64, fields["payload"].encode(), hashlib.sha256).hexdigest()},
    "mac-in-capitals": lambda fields: {**fields, "mac": fields["mac"].upper()},
    "shortened-mac": lambda fields: {**fields, "mac": fields["mac"][:8]},
    "no-payload": lambda fields: {"mac": fields["mac"]},
    "no-json": lambda fields: {"payload": "\x00\xff not json", "mac": fields["mac"]},
    "another-json": lambda fields: {"payload": "[" * 5000, "mac": fields["mac"]},
    "trailing-bytes": lambda fields: {**fields, "payload": fields["payload"] + " "},
}


@pytest.mark.parametrize("kind", UNSIGNED)
def test_job_that_no_node_signed_is_refused(shared, kind):
    handle = shared.redis.xadd("outage:acks", UNSIGNED[kind](shared.job))
    assert "not signed" in assert_refused(shared, handle)
    shared.check()
    assert shared.to(VICTIM) == []
    assert len(shared.to("first@customer.example")) == 1
    assert "not signed" in shared.stand.ctl("acks", "dead").stdout


SIGNED = {
    "newline-in-the-address": {"to": f"jane@customer.example>\r\nRCPT TO:<{VICTIM}"},
    "newline-in-the-sender": {"sender": f"jane@customer.example\r\nRCPT TO:<{VICTIM}>"},
    "two-addresses": {"to": f"jane@customer.example, {VICTIM}"},
    "source-route": {"to": f"@relay.example:{VICTIM}"},
    "no-address": {"to": "root"},
    "option-behind-the-address": {"to": f"{VICTIM}> NOTIFY=SUCCESS <"},
    "template-of-another-folder": {"template": "../../etc/passwd"},
    "template-in-capitals": {"template": "ACK"},
    "template-with-a-slash": {"template": "ack/p1"},
    "newline-in-the-subject": {"subject": f"x\r\nBcc: {VICTIM}"},
    "newline-in-the-message-id": {"message_id": f"<x@y>\r\nBcc: {VICTIM}"},
    "newline-in-the-references": {"references": f"<x@y>\r\nBcc: {VICTIM}"},
    "language-of-another-folder": {"language": "../de"},
    "numbers-for-texts": {"to": 7},
    "list-for-a-text": {"to": [VICTIM]},
    "nothing-for-a-text": {"to": None},
    "epoch-as-text": {"epoch": "1"},
    "other-version": {"v": 2},
    "incident-of-another-form": {"id": "20260101T000000Z-../x"},
}


@pytest.mark.parametrize("kind", SIGNED)
def test_signed_job_is_read_as_if_a_stranger_had_written_it(shared, kind):
    payload = altered(shared.job, token="another", **SIGNED[kind])
    handle = shared.redis.xadd("outage:acks", {"payload": payload, "mac": sign(shared, payload)})
    line = assert_refused(shared, handle)
    assert "cannot be used" in line or "is no " in line or "another version" in line
    shared.check()
    assert shared.to(VICTIM) == []


def test_macs_of_two_jobs_exchanged(site_on_redis, redis, customer):
    first = real_job(site_on_redis, redis, customer)
    assert ack(site_on_redis.write(outage_report(f"other.{customer}"))) == "queued"
    (_, second), = redis.client().xrange("outage:acks")[-1:]
    handle = redis.client().xadd("outage:acks", {**first, "mac": second["mac"]})
    site_on_redis.stand.start_replier()
    assert "not signed" in assert_refused(site_on_redis, handle)
    site_on_redis.check()
    assert len(site_on_redis.to(customer)) == 1


def test_job_that_was_sent_is_not_sent_again_by_putting_it_back(site_on_redis, redis, customer):
    fields = real_job(site_on_redis, redis, customer)
    site_on_redis.stand.start_replier()
    site_on_redis.wait_reply(customer)
    site_on_redis.settle()
    client = redis.client()
    handles = [client.xadd("outage:acks", fields) for _ in range(3)]
    client.zadd("outage:acks:retry", {json.dumps([fields["payload"], fields["mac"], "0", ""]): 0})
    for handle in handles:
        assert_refused(site_on_redis, handle)
    site_on_redis.check()
    assert len(site_on_redis.to(customer)) == 1


def test_job_whose_mark_was_taken_away_goes_nowhere(site_on_redis, redis, customer):
    fields = real_job(site_on_redis, redis, customer)
    site_on_redis.stand.start_replier()
    site_on_redis.wait_reply(customer)
    site_on_redis.settle()
    client = redis.client()
    marks = [key for key in client.keys("outage:acked:*") if client.get(key).split()[0] == json.loads(fields["payload"])["token"]]
    assert len(marks) == 1
    client.delete(*marks)
    assert_refused(site_on_redis, client.xadd("outage:acks", fields))
    site_on_redis.check()
    assert len(site_on_redis.to(customer)) == 1


def test_job_of_an_earlier_incident_goes_nowhere(make_stand, redis, fake_relay, customer):
    site = site_with(make_stand, redis, fake_relay, incident__reopen_within="0")
    fields = real_job(site, redis, customer)
    site.stand.start_replier()
    site.wait_reply(customer)
    site.stand.ctl("clear")
    site.stand.wait_word("")
    site.stand.declare("P1", "--title", "Another outage")
    assert_refused(site, redis.client().xadd("outage:acks", fields))
    site.check()
    assert len(site.to(customer)) == 1


def test_delayed_jobs_are_checked_too(site_on_redis, redis, customer):
    fields = real_job(site_on_redis, redis, customer)
    client = redis.client()
    for member in (json.dumps([altered(fields, to=VICTIM, sender=VICTIM), fields["mac"], "0", ""]), "garbage", "[]", "[1,2,3,4]",
                   json.dumps([None, None, None, None]), json.dumps(["", "", "-1", "\r\n"]), '{"a":1}', "[" * 2000):
        client.zadd("outage:acks:retry", {member: 0})
    site_on_redis.stand.start_replier()
    eventually(lambda: client.zcard("outage:acks:retry") == 0, what="all of them are taken")
    site_on_redis.check()
    assert site_on_redis.to(VICTIM) == []
    assert len(site_on_redis.to(customer)) == 1


TEXTS = {
    "title": f"Login is down\r\nBcc: {VICTIM}\r\n\r\nhello",
    "scope": f"=?utf-8?q?all=0D=0ABcc:_{VICTIM.replace('@', '=40')}?= =?utf-8?b?DQpCY2M6IHZpY3RpbUBvdGhlci5leGFtcGxl?=",
    "components": "\x00\x01\x1b[31mapi\x7f \u202egnp.exe\u2066 {{site_name}} {{#x}}{{/x}} {{{title}}}",
    "status_url": "javascript:alert(1)",
    "postmortem_url": "https://evil.example/?https://status.support.example/",
    "workaround": "Pay at https://support.example.evil.example/ or http://evil.example or https://status.support.example@evil.example/x"
                  " or HTTPS://EVIL.EXAMPLE/ or www.evil.example/pay or ftp://evil.example/x",
    "next_update_at": "2099-01-01T00:00:00Z\r\nBcc: x@y.example",
    "eta": "soon\r\n.\r\nMAIL FROM:<x@y.example>",
    "contact": f"mailto:{VICTIM}?subject=x",
    "cause": "x" * 100000,
    "offer": "../../etc/passwd",
    "match": "(a+)+$",
    "phase": "identified\r\nX: y",
}


@pytest.mark.parametrize("names", [[name] for name in TEXTS] + [list(TEXTS)], ids=[*TEXTS, "all"])
def test_texts_of_an_incident_that_somebody_else_wrote(site_on_redis, redis, customer, names):
    redis.client().hset("outage:incident:default", mapping={name: TEXTS[name] for name in names})
    redis.client().xadd("outage:updates:default", {"text": f"We know more.\r\n\r\nBcc: {VICTIM}\r\n.\r\nQUIT",
                                                   "author": "x\r\ny"})
    assert ack(site_on_redis.write(outage_report(customer))) == "queued"
    message = site_on_redis.wait_reply(customer)
    assert "evil.example" not in str(message)
    assert "javascript:" not in str(message)
    site_on_redis.check()


def test_words_of_the_store_are_put_in_once(site_on_redis, redis, customer):
    redis.cli("HSET", "outage:incident:default", "title", "{{scope}}", "scope", "{{status_url}}", "status_url", STATUS_URL + "{{title}}")
    site_on_redis.write(outage_report(customer))
    text = site_on_redis.wait_reply(customer).get_body(("plain",)).get_content()
    assert "{{status_url}}" in text, "the scope, as it was written"
    assert "{{title}}" not in text, "no part of a URL"
    site_on_redis.check()


WRONG = ["acks", "acks:retry", "acks:dead", "incident", "incidents", "incident:default", "state:default", "updates:default", "accounts",
         "pause", "events", "nodes", "known"]


@pytest.mark.parametrize("key", WRONG)
def test_keys_of_wrong_types_stop_no_mail_and_no_program(site_on_redis, redis, customer, key):
    client, name = redis.client(), "outage:" + key
    for number, put in enumerate((lambda pipe: pipe.set(name, "\r\n\x00 not this"), lambda pipe: pipe.rpush(name, "a", "b"),
                                  lambda pipe: pipe.hset(name, "x\r\n", "y"), lambda pipe: pipe.sadd(name, "z"))):
        with client.pipeline(transaction=True) as pipe:
            pipe.delete(name)
            put(pipe)
            pipe.execute()
        site_on_redis.wrote_in.add(f"{number}.{customer}")
        assert site_on_redis.stand.deliver(outage_report(f"{number}.{customer}")).message_id
    assert site_on_redis.stand.node.process.running()
    assert site_on_redis.stand.replier.running()
    site_on_redis.stand.ctl("status", check=False)
    client.delete(name)
    client.set("outage:incident", "none")
    site_on_redis.stand.wait_word("", 40)
    site_on_redis.stand.declare("P1")
    eventually(lambda: ack(site_on_redis.write(outage_report(f"back.{customer}"))) in ("queued", "none"), 30, "mail passes")
    for sender, rcpts, data in site_on_redis.relay.messages:
        check_letter(sender, rcpts, data, site_on_redis.wrote_in)


def test_accounts_that_somebody_else_wrote(site_on_redis, redis, customer):
    redis.client().hset("outage:accounts", mapping={
        customer: json.dumps({"account": f"A\r\nBcc: {VICTIM}", "level": "gold\r\nX: y", "manager": f"m@x.example\r\n{VICTIM}",
                              "template": "../../etc/passwd", "language": "../x", "respond_within": "-1"}),
        "com": json.dumps({"account": "everybody"}), "": "{}", "x" * 5000: "[" * 5000, "other.example": "not json"})
    received = site_on_redis.write(outage_report(customer))
    assert "Bcc" not in received.compat and "X" not in received.compat
    site_on_redis.check()


# -- by mail

def encoded(text: str) -> str:
    """As one encoded word, whatever is in it."""
    return "=?utf-8?q?" + "".join(f"={byte:02X}" for byte in text.encode()) + "?="


HEADERS = {
    "subject-with-lines": [("Subject", f"Service down 503 {encoded(f'x{chr(13)}{chr(10)}Bcc: {VICTIM}')}")],
    "subject-with-nul": [("Subject", "Service down 503 " + encoded("a\0b\x1b[2J\x7f"))],
    "subject-turned-around": [("Subject", "Service down 503 " + encoded("\u202eevil\u2066 \u200b"))],
    "subject-with-a-link": [("Subject", "Service down 503 see https://evil.example/ and www.evil.example")],
    "subject-with-a-template": [("Subject", "Service down 503 {{status_url}} {{#x}} {{{y}}} %s %n $(id) `id`")],
    "subject-of-nothing": [("Subject", "")],
    "subject-without-end": [("Subject", "Service down 503 " + "Re: " * 2000 + "x" * 20000)],
    "message-id-with-spaces": [("Message-ID", "<a b@customer.example>")],
    "message-id-of-two-lines": [("Message-ID", f"<a@customer.example>\n\t<b@c>\n Bcc: {VICTIM}")],
    "no-message-id": [("Message-ID", "nothing")],
    "references-with-everything": [("References", f"<x@y>junk <z\n\t@w> >< <> <{'a' * 2000}@b> <a@b>\n\tBcc: {VICTIM}"),
                                   ("In-Reply-To", f'"text" <a@b> (comment) {VICTIM}')],
    "many-references": [("References", " ".join(f"<{number}@customer.example>" for number in range(2000)))],
    "reply-to-of-somebody-else": [("Reply-To", VICTIM), ("Errors-To", VICTIM), ("Return-Receipt-To", VICTIM),
                                  ("Disposition-Notification-To", VICTIM), ("Resent-From", VICTIM), ("Sender", VICTIM)],
    "from-of-somebody-else": [("From", f"{VICTIM}")],
    "from-of-many": [("From", ", ".join(f"p{number}@other.example" for number in range(200)))],
    "two-froms": [("From", VICTIM), ("From", "second@other.example")],
    "display-name": [("From", f'"\\"quoted\\" <{VICTIM}>, x" <jane@customer.example>')],
    "display-name-encoded": [("From", f"{encoded(f'Jane <{VICTIM}>, {chr(13)}{chr(10)}Bcc: x')} <jane@customer.example>")],
    "account-injection": [("X-Outage-Account", '"Acme"; verified=spf'), ("X-Outage-Ack", "queued")],
}


@pytest.mark.parametrize("kind", HEADERS)
def test_headers_of_a_mail_do_not_lead_anywhere(shared, customer, kind):
    letter = Letter(customer, "", OUTAGE_TEXT, headers=HEADERS[kind])
    shared.wrote_in.add(letter.sender)
    box = shared.stand.mailbox(SUPPORT)
    before = len(box.messages())
    shared.stand.send(letter)
    received = box.wait_count(before + 1)[-1]
    assert ack(received) in ("queued", "none")
    if ack(received) == "queued":
        message = shared.wait_reply(customer)
        assert "Bcc" not in str(message["Subject"]) or "\n" not in str(message["Subject"])
        assert "evil.example" not in message["Subject"]
    shared.check()
    assert shared.to(VICTIM) == []


def raw_mail(port: int, sender: str, data: bytes) -> int:
    """MAIL FROM exactly as given; returns the code of the answer to it, or to the end of the message."""
    with connect(port) as smtp:
        code, _ = smtp.docmd("MAIL", f"FROM:{sender} BODY=8BITMIME")
        if code != 250:
            return code
        code, _ = smtp.rcpt(SUPPORT)
        assert code == 250
        return smtp.data(data)[0]


SENDERS = {
    "source-route": ("<@relay.example,@other.example:{}>", "{}"),
    "quoted": ('<"jane doe"@{domain}>', '"jane doe"@{domain}'),
    "quoted-at": (f'<"{VICTIM}"@{{domain}}>', f'"{VICTIM}"@{{domain}}'),
    "quoted-angle": ('<"a>b<c"@{domain}>', '"a>b<c"@{domain}'),
    "quoted-backslash": ('<"a\\"b\\\\c"@{domain}>', '"a\\"b\\\\c"@{domain}'),
    "percent-hack": ("<victim%other.example@{domain}>", "victim%other.example@{domain}"),
    "bang-path": ("<other.example!victim@{domain}>", "other.example!victim@{domain}"),
    "pipe": ("<|/bin/sh@{domain}>", "|/bin/sh@{domain}"),
    "long-local-part": ("<" + "x" * 200 + "@{domain}>", "x" * 200 + "@{domain}"),
    "long-domain": ("<jane@" + "x." * 130 + "{domain}>", "jane@" + "x." * 130 + "{domain}"),
    "address-literal": ("<jane@[192.0.2.1]>", "jane@[192.0.2.1]"),
    "no-domain": ("<victim>", "victim"),
    "two-at": (f"<jane@customer.example@other.example>", "jane@customer.example@other.example"),
    "commas": (f"<jane,{VICTIM}>", f"jane,{VICTIM}"),
}


@pytest.mark.parametrize("kind", SENDERS)
def test_senders_of_odd_forms(shared, customer, kind):
    written, meant = (text.replace("{domain}", "customer.example").replace("{}", customer) for text in SENDERS[kind])
    letter = Letter(customer, "Service down, 503 errors", OUTAGE_TEXT, auth=False,
                    headers=[("Authentication-Results", f"{TRUSTED_ID}; spf=pass smtp.mailfrom=customer.example")])
    code = raw_mail(shared.stand.postfix.milter_port, written, letter.bytes)
    assert code == 250 or code >= 500, "taken, or refused by Postfix itself"
    if code == 250:
        shared.wrote_in |= {meant, re.sub(r'^"([A-Za-z0-9.]+)"', r"\1", meant)}
        received = shared.stand.mailbox(SUPPORT).wait_id(letter.message_id)
        assert ack(received) in ("queued", "none")
    shared.check()
    assert shared.to(VICTIM) == []


def test_mail_to_support_and_three_hundred_others_makes_one_letter(shared, customer):
    others = [f"p{number}@corp.example" for number in range(300)]
    assert ack(shared.write(outage_report(customer, to=[SUPPORT, *others]))) == "queued"
    shared.check()
    assert len(shared.to(customer)) == 1


def test_mail_to_elsewhere_is_not_sent_on_for_a_stranger(shared, customer):
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        with connect(shared.stand.postfix.milter_port, "192.0.2.99") as smtp:
            smtp.sendmail(customer, ["victim@elsewhere.invalid"], b"Subject: x\r\n\r\nx\r\n")


# -- by DNS

def test_nothing_of_a_policy_gets_into_a_letter_or_a_log(make_stand, fake_relay, customer):
    evil = "=0D=0ABcc: victim@other.example javascript:alert(1)"
    with DnsServer({
        "customer.example": {"TXT": "v=spf1 ip4:192.0.2.10 -all exp=why.customer.example"},
        "why.customer.example": {"TXT": f"Write to https://evil.example/ {evil}"},
        "acme.example": {"TXT": f"v=spf1 -all exp=why.customer.example".encode() + b"\x1b[2J\r\nevent=acknowledged\x00"},
        "corp.example": {"TXT": ["v=spf1 -all exp=why.customer.example", "x\r\nevent=acknowledged to=victim@other.example"]},
        "lists.example": {"TXT": b"v=spf1 include:\x1b]0;x\x07.customer.example -all"},
    }) as dns:
        site = site_with(make_stand, None, fake_relay, spf__enabled=True, spf__nameserver=dns.address)
        assert ack(site.write(outage_report(customer, auth=False), "192.0.2.10")) == "queued"
        letter = site.wait_reply(customer)
        assert "evil.example" not in str(letter)
        for domain in ("customer.example", "acme.example", "corp.example", "lists.example"):
            received = site.write(outage_report(f"x.{customer.partition('@')[0]}@{domain}", auth=False), "198.51.100.66")
            assert reasons(received) == ["unauthenticated"]
        assert not dns.was_asked("why.customer.example")
        site.check()
        for process in (site.stand.node.process, site.stand.replier):
            assert not process.says("evil.example")
            assert not any(line.startswith("event=acknowledged to=victim") for line in process.lines)
