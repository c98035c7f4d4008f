"""The letter as the customer gets it: read by a parser that forgives nothing, and by a mail server that is not ours."""

import email
import email.errors
import email.policy
import email.utils
import re
import shutil

import pytest

from conftest import Mta, StandMaker, open_folder
from dovecot import Dovecot
from mail import Letter, OUTAGE_TEXT, ack, authenticated, outage_report
from process import TOP, run
from settings import SUPPORT

STRICT = email.policy.SMTP.clone(raise_on_defect=True)
# Of customers whose own server is a Dovecot.
THERE = "there.example"
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# A letter of ours has these once, what the servers on its way add aside.
ONCE = ("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
        "X-Auto-Response-Suppress", "MIME-Version", "Content-Type")
ADDED = ("Return-Path", "Received", "Delivered-To", "X-Original-To")
MAY_STAND = {name.lower() for name in (*ONCE, *ADDED, "X-Loop", "Content-Transfer-Encoding", "Content-Language")}


def parse(raw: bytes, utf8: bool = False):
    """Everything that holds for each letter of ours. utf8: an address in it needs SMTPUTF8 (RFC 6532)."""
    raw = re.sub(rb"\r?\n", b"\r\n", raw)
    head, _, body = raw.partition(b"\r\n\r\n")
    assert utf8 or head.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", raw)
    assert body.strip()
    # The parser of Python's email takes no raw UTF-8 from bytes.
    message = email.message_from_string(raw.decode(), policy=STRICT) if utf8 else email.message_from_bytes(raw, policy=STRICT)
    for part in message.walk():
        assert not part.defects
        for name, value in part.items():
            # Python's headers are those of RFC 5322; RFC 6532 allows this one.
            defects = [defect for defect in value.defects if not (utf8 and isinstance(defect, email.errors.NonASCIILocalPartDefect))]
            assert not defects, name
            assert "\n" not in str(value) and str(value).strip(), name
    assert {name.lower() for name in message.keys()} <= MAY_STAND
    for name in ONCE:
        assert len(message.get_all(name, [])) <= 1, name
    for name in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"):
        assert message[name], name
    assert len(message["From"].addresses) == len(message["To"].addresses) == 1
    assert email.utils.parsedate_to_datetime(message["Date"]).tzinfo is not None
    return message


@pytest.fixture(scope="module")
def there(tmp_path_factory, request):
    """A live site with P1 declared, its way out to THERE, and Dovecot there."""
    failed_before = request.session.testsfailed
    base = open_folder(tmp_path_factory.mktemp("letters"))
    dovecot = Dovecot(base)
    dovecot.start()
    request.addfinalizer(dovecot.stop)
    mta = Mta(base, "mx", transports={THERE: dovecot.transport})
    request.addfinalizer(mta.stop)
    mta.start()
    maker = StandMaker(lambda count: [mta], tmp_path_factory.mktemp("there"))
    request.addfinalizer(lambda: maker.end(request.session.testsfailed > failed_before))
    stand = maker(reply__html=True, site__name="Müller & Söhne").start()
    stand.declare("P1", "--title", "Anmeldung gestört – niemand kommt hinein", "--scope", "Everybody & all <b>regions</b>",
                  "--next-update", "30m")
    return stand, dovecot


def test_letter_reaches_a_customers_server_whole(there):
    stand, dovecot = there
    letter = outage_report(f"jane@{THERE}", subject="Störung: niemand kommt hinein, 503")
    letter.bytes = b"References: <first@there.example> <second@there.example>\r\n" + letter.bytes
    stand.send(letter)
    message = parse(dovecot.wait(f"jane@{THERE}"))
    assert message["Subject"] == "Re: Störung: niemand kommt hinein, 503"
    assert message["In-Reply-To"].strip() == letter.message_id
    assert message["References"].split() == ["<first@there.example>", "<second@there.example>", letter.message_id]
    assert message["From"].addresses[0].addr_spec == SUPPORT
    assert "Müller & Söhne" in message["From"].addresses[0].display_name
    assert message["To"].addresses[0].addr_spec == f"jane@{THERE}"
    assert message["Return-Path"] == "<>"
    assert message["Auto-Submitted"] == "auto-replied"
    text = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    assert "Anmeldung gestört – niemand kommt hinein" in text
    assert "Everybody & all <b>regions</b>" in text
    assert "Everybody &amp; all &lt;b&gt;regions&lt;/b&gt;" in html
    assert "since nine o'clock" not in text + html
    assert message.get_content_type() == "multipart/alternative"


def test_customers_server_reads_the_same_as_we_wrote(there):
    """Dovecot's own reading of header and structure: a second parser that shares no line with ours or Python's."""
    stand, dovecot = there
    letter = outage_report(f"john@{THERE}", subject="Nobody can log in, 503")
    stand.send(letter)
    message = parse(dovecot.wait(f"john@{THERE}"))
    read = dovecot.envelope(f"john@{THERE}")
    assert '"Re: Nobody can log in, 503"' in read
    assert '"support" "support.example"' in read
    assert f'"john" "{THERE}"' in read
    assert f'"{letter.message_id}"' in read
    assert f'"{message["Message-ID"].strip()}"' in read
    assert '"text" "plain"' in read and '"text" "html"' in read and '"alternative"' in read


def test_server_recognises_a_letter_that_comes_twice(there):
    """The Message-ID is the same for the same customer and incident, and another for another."""
    stand, dovecot = there
    ids = []
    for name in ("twice-a", "twice-b"):
        stand.send(outage_report(f"{name}@{THERE}"))
        ids.append(parse(dovecot.wait(f"{name}@{THERE}"))["Message-ID"].strip())
    assert len(set(ids)) == 2
    assert all(re.fullmatch(r"<outage-ack\.[0-9a-f]{32}@support\.example>", message_id) for message_id in ids)


HOSTILE = {
    "direction overrides": (f"503 {BIDI}down\u202egnp.exe", "Re: 503 downgnp.exe"),
    "raw bytes of another charset": ("Ausf\udce4ll 503", None),
    "ten kilobytes": ("down " * 2048, None),
    "a line without a space": ("d" * 900, None),
    "encoded words": ("=?utf-8?b?U3TDtnJ1bmc=?= =?iso-8859-1?q?_f=FCr_alle_503?=", "Re: Störung für alle 503"),
    "an encoded line end": ("=?utf-8?q?down_503=0D=0ABcc:_victim=40other.example=0D=0A=0D=0Abody?=", None),
    "an encoded word within one": ("=?utf-8?q?=3D=3Futf-8=3Fq=3Fdown=5F503=3F=3D?=", "Re: =?utf-8?q?down_503?="),
    "links": ("503 down https://evil.example/pay now www.evil.example", "Re: 503 down now"),
    "a link that an invisible hides": ("503 http\u200bs://evil.example/ down", "Re: 503 down"),
    "folded lines": ("503 is\r\n\tdown\r\n for all", "Re: 503 is down for all"),
    "marks of answers": ("Re: AW: Fwd: RE[2]: 503 down", "Re: 503 down"),
    "emoji and japanese": ("503 \U0001f525 ログインできません " + "日" * 90, None),
    "quotes and brackets": ('"503" <down> (all); a@b, \\', 'Re: "503" <down> (all); a@b, \\'),
    "nothing": ("", None),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_subject_breaks_nothing(there, case):
    stand, _ = there
    subject, expected = HOSTILE[case]
    customer = f"subject{list(HOSTILE).index(case)}@customer.example"
    letter = outage_report(customer, subject="@SUBJECT@")
    letter.bytes = letter.bytes.replace(b"@SUBJECT@", subject.encode("utf-8", "surrogateescape"))
    assert ack(stand.deliver(letter)) == "queued"
    message = parse(stand.mailbox(customer).wait_reply().raw)
    assert message["Bcc"] is None
    shown = str(message["Subject"])
    assert expected is None or shown == expected
    assert len(shown) <= 110
    assert not set(shown) & set(BIDI)
    assert "evil.example" not in message.as_string()
    assert stand.mailbox("victim@other.example").messages() == []


def test_hostile_ids_break_nothing(there, customer):
    stand, _ = there
    letter = outage_report(customer)
    letter.bytes = letter.bytes.replace(letter.message_id.encode(), b"<a b\"@customer.example>", 1)
    letter.bytes = b"References: " + b" ".join(b"<%d.%s@x.example>" % (i, b"a" * 60) for i in range(300)) + b" <x@y\r\n" + letter.bytes
    stand.send(letter)
    message = parse(stand.mailbox(customer).wait_reply().raw)
    assert message["In-Reply-To"] is None
    assert len(message["References"].split()) <= 12
    assert all(re.fullmatch(r"<[^<>@\s]+@x\.example>", one) for one in message["References"].split())


@pytest.mark.postfix("Debian's Sendmail is built without SMTPUTF8: no letter to such an address leaves by it")
@pytest.mark.parametrize("sender", ["jürgen@customer.example", "пётр@customer.example"])
def test_customer_whose_address_is_no_ascii_is_answered(there, sender):
    stand, _ = there
    letter = Letter(sender, "503 für alle", OUTAGE_TEXT, headers=[authenticated(sender)], auth=False)
    stand.send(letter)
    received = stand.mailbox(sender).wait_reply()
    message = parse(received.raw, utf8=True)
    assert sender in message["To"]
    assert message["Subject"] == "Re: 503 für alle"


def test_own_settings_stand_in_the_header(make_stand, customer):
    stand = make_stand(support=[{"address": SUPPORT, "from_name": "Hilfe, \"Team\" für Sie", "reply_to": "desk@support.example"}],
                       reply__from="help@support.example", reply__envelope_sender="bounces@support.example").start()
    stand.declare("P2")
    stand.send(outage_report(customer))
    message = parse(stand.mailbox(customer).wait_reply().raw)
    assert message["From"].addresses[0].display_name == 'Hilfe, "Team" für Sie'
    assert message["From"].addresses[0].addr_spec == "help@support.example"
    assert message["Reply-To"].addresses[0].addr_spec == "desk@support.example"
    assert message["Return-Path"] == "<bounces@support.example>"


# -- what the operator sees beforehand

def test_preview_shows_every_kind_bare_and_full(stand):
    shown = stand.ctl("preview", "--all").stdout
    for kind in ("ack-P1", "ack-P2", "ack-P3", "ack-resolved", "ack-technical", "ack-sensitive", "ack-personal", "notice-update",
                 "notice-resolved", "notice-postmortem", "feed", "page"):
        assert re.search(rf"^--- {kind}, en, \S+ \(default\)$", shown, re.M), kind
        assert re.search(rf"^--- {kind}, en, \S+ \(default\), everything set$", shown, re.M), kind
    assert "{{" not in shown
    assert "[workaround]" in shown


def test_preview_of_an_account_shows_its_letter_for_every_word(stand):
    stand.put_account("acme.example", account="Acme", template="technical")
    shown = stand.ctl("preview", "--account", "Acme", "--language", "en").stdout
    assert re.findall(r"^--- (\S+), en, (\S+) ", shown, re.M) == [
        ("ack-technical", "P1"), ("ack-technical", "P2"), ("ack-technical", "P3"), ("ack-resolved", "resolved")]


def test_preview_of_one_kind_in_one_language_shows_no_other(stand):
    shown = stand.ctl("preview", "--kind", "notice-update", "--language", "en-GB").stdout
    assert re.findall(r"^--- (\S+), (\S+), ", shown, re.M) == [("notice-update", "en")] * 2


@pytest.mark.parametrize("text, said", [
    ("We will give you a refund.", "en/ack-P2.txt:6: \"refund\""), ("Sorry for the inconvenience.", "en/ack-P2.txt:6: \"inconvenience\""),
    ("{{nothing}}", "en/ack-P2.txt:6: "),
])
def test_mistake_in_a_template_is_told_before_anybody_reads_it(make_stand, tmp_path, text, said):
    stand = make_stand()
    own = tmp_path / "templates"
    shutil.copytree(TOP / "conf" / "templates", own)
    (own / "en" / "ack-P2.txt").write_text(f"Subject: x\n\nHello,\n\nWe are on it.\n{text}\n")
    stand.configure({"template.dir": str(own)})
    for program in (["outage-milter", "-t"], ["outagectl", "preview"]):
        done = run([stand.build / program[0], "-c", stand.node.config, *program[1:]], check=False)
        assert done.returncode == 1, program
        assert said in done.stderr + done.stdout, program
