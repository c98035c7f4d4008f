"""What Postfix and Sendmail have to do alike, in short. OUTAGE_MTA=sendmail plays all the other tests with Sendmail, too."""

import re

import pytest

from conftest import Mta, StandMaker, open_folder
from mail import Letter, ack, connect, outage_report, parse_value, send_half, submit
from postfix import Postfix
from process import TOP, run
from sendmail import PACKAGES, SHIPPED_SOCKET, SNIPPET, Sendmail
from settings import SUPPORT

HELPERS, ARCHIVE = "helpers@corp.example", "archive@other.example"
# A mail to the second support address goes to HELPERS in its place, any other outage mail to ARCHIVE as well.
ROUTES = [{"name": "helpers", "when": {"language": ["de"]}, "queue": "surge", "add_recipients": [HELPERS], "replace_recipients": True,
           "subject_tag": "[outage]"},
          {"name": "all", "when": {"match": True}, "queue": "surge", "tier": "T1", "add_recipients": [ARCHIVE]}]
GERMAN = """Guten Tag,

seit heute morgen ist Ihr Dienst nicht erreichbar, die Seite lädt nicht, und niemand kann sich anmelden: 503 Service Unavailable.
Gibt es eine Störung? Wann ist sie behoben?

Mit freundlichen Grüßen
"""


@pytest.fixture(scope="module", params=[Postfix, Sendmail], ids=["postfix", "sendmail"])
def live(request, site, tmp_path_factory):
    """A live site with P1 declared, in front of the one and of the other."""
    failed_before = request.session.testsfailed
    if request.param is Mta:
        mta = site(1)[0]
    else:
        mta = request.param(open_folder(tmp_path_factory.mktemp("mtas")), "mx")
        request.addfinalizer(mta.stop)
        mta.start()
    maker = StandMaker(lambda count: [mta], tmp_path_factory.mktemp("live"))
    request.addfinalizer(lambda: maker.end(request.session.testsfailed > failed_before))
    stand = maker(ack__domain_cap=0, ack__site_cap=0, routes=ROUTES).start()
    stand.declare("P1", "--title", "Login and API are down")
    return stand


def test_headers_are_inserted_and_forged_ones_removed(live, customer):
    forged = [("X-Outage-Queue", "escalations"), ("X-Outage-Match", "no"), ("X-OUTAGE-ACK", "queued"), ("X-Outage-Match", "yes; score=99"),
              ("Received", "from a.example by b.example; Sat, 21 Nov 2026 15:09:00 +0000")]
    letter = outage_report(customer, headers=forged)
    received = live.deliver(letter)
    headers = received.outage()  # fails where one of them stands twice
    assert headers["Queue"] == "surge"
    assert headers["Ack"] == "queued"
    assert parse_value(headers["Match"])[0] == "yes"
    assert b"score=99" not in received.raw
    names = [name.lower() for name in received.compat.keys()]
    ours = [index for index, name in enumerate(names) if name.startswith("x-outage-")]
    first, second = (index for index, name in enumerate(names) if name == "received")
    assert first < min(ours) <= max(ours) < second, "between the MTA's own Received and what the mail brought along"
    assert not re.search(rb"(?mi)^x-outage-[a-z-]+:(  |\S)", received.raw), "exactly one space belongs behind the colon"
    assert received.body_bytes() == letter.bytes.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n")


def test_recipients_are_added_and_replaced(live, customer):
    letter = outage_report(customer, to=[SUPPORT, "boss@corp.example"])
    live.send(letter)
    for address in (SUPPORT, "boss@corp.example", ARCHIVE):
        assert live.mailbox(address).wait_id(letter.message_id).one("X-Outage-Queue") == "surge"
    german = Letter(f"de.{customer}", "Störung: niemand kann sich anmelden, 503", GERMAN, to=[SUPPORT, "chef@corp.example"])
    live.send(german)
    for address in (HELPERS, "chef@corp.example"):
        assert live.mailbox(address).wait_id(german.message_id).one("Subject") == "[outage] Störung: niemand kann sich anmelden, 503"
    live.wait_quiet()
    assert german.message_id not in [message.message_id for message in live.mailbox(SUPPORT).messages()]


def test_customer_is_answered_once(live, customer):
    received = live.deliver(outage_report(customer))
    live.deliver(outage_report(customer, subject="Still down, 503 errors, nobody can log in"))
    assert "Login and API are down" in live.mailbox(customer).wait_reply().text()
    line = live.node.process.wait_for_line(received.message_id)
    queue_id = re.search(r"queue_id=(\S+)", line)[1]
    assert re.search(rf"\sid {queue_id}\b", received.all("Received")[0]), "the log names the MTA's own id"
    live.settle()
    assert len(live.mailbox(customer).messages()) == 1


def test_replies_port_passes_the_milter_by(live, customer):
    letter = outage_report(customer)
    with connect(live.postfix.plain_port) as smtp:
        submit(smtp, letter)
    assert live.mailbox(SUPPORT).wait_id(letter.message_id).outage() == {}


def test_aborted_mail_leaves_nothing_behind(live, customer):
    with connect(live.postfix.milter_port) as smtp:
        smtp.mail(customer)
        smtp.rcpt(SUPPORT)
        smtp.rset()
        other = outage_report(customer, to="somebody@corp.example")
        submit(smtp, other)
    assert live.mailbox("somebody@corp.example").wait_id(other.message_id).outage() == {}
    before = len(live.mailbox(SUPPORT).messages())
    send_half(live.postfix.milter_port, customer)
    assert ack(live.deliver(outage_report(customer))) == "queued", "the aborted one must not have claimed"
    assert len(live.mailbox(SUPPORT).messages()) == before + 1


def test_one_session_through_reload_and_crash(live, customer):
    def write(smtp, number: int) -> str:
        letter = outage_report(f"{number}.{customer}")
        submit(smtp, letter)
        return ack(live.mailbox(SUPPORT).wait_id(letter.message_id))

    with connect(live.postfix.milter_port) as smtp:
        assert [write(smtp, number) for number in range(20)] == ["queued"] * 20
        live.node.reload()
        assert [write(smtp, number) for number in range(20, 25)] == ["queued"] * 5
        live.node.process.kill()
        assert [write(smtp, number) for number in range(25, 30)] == [""] * 5
    with connect(live.postfix.milter_port) as smtp:
        assert write(smtp, 30) == ""
    live.node.start()  # its socket file is still there: nobody listens on it
    live.wait_word("P1")
    with connect(live.postfix.milter_port) as smtp:
        assert write(smtp, 31) == "queued"


def test_eight_bits_and_long_lines_are_read_alike(live, customer):
    letter = Letter(customer, "Dienst gestört – 503", "Störung: The service is down, 503 errors, nobody can log in.\n" + "ü" * 450 + "\n")
    received = live.deliver(letter)
    assert ack(received) == "queued"
    assert received.one("Subject") == "Dienst gestört – 503"
    assert received.body_bytes() == letter.bytes.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n")


def test_sendmail_alone_uses_no_socket_that_others_could_replace(live, customer):
    """Why doc/sendmail.md says who may write to the socket's folder."""
    folder, before = live.node.socket.parent, live.node.socket.parent.stat().st_mode & 0o7777
    for mode in (0o775, 0o777, 0o755):
        folder.chmod(mode)
        used = isinstance(live.postfix, Postfix) or mode == 0o755
        assert bool(live.deliver(outage_report(f"m{mode}.{customer}")).outage()) == used, oct(mode)
    folder.chmod(before)


# -- conf/sendmail

def sendmail_cf(*lines: str) -> str:
    """What m4 makes of these lines of a sendmail.mc."""
    cf = PACKAGES / "usr" / "share" / "sendmail" / "cf"
    head = [f"define(`_CF_DIR_', `{cf}/')dnl", f"include(`{cf}/m4/cf.m4')dnl", "OSTYPE(`linux')dnl", "FEATURE(`no_default_msa')dnl"]
    return run(["m4"], input="\n".join([*head, *lines, "MAILER(`smtp')dnl", ""])).stdout


def daemons(cf: str) -> list[str]:
    return re.findall(r"(?m)^O DaemonPortOptions=(.*)$", cf)


def test_shipped_lines_let_mail_pass_while_the_milter_is_away():
    made = sendmail_cf("INPUT_MAIL_FILTER(`opendkim', `S=local:/run/opendkim/opendkim.sock')dnl", SNIPPET.read_text())
    assert f"Xoutage-milter, S=local:{SHIPPED_SOCKET}, T=C:5s;S:10s;R:10s;E:30s\n" in made, "no F=: neither R (reject) nor T (defer)"
    assert "O InputMailFilters=opendkim, outage-milter\n" in made, "last"
    assert daemons(made) == ["Name=MTA"], "the port for replies is the site's own decision"
    # Comments are to stay behind: what m4 does not know it would copy into the .cf.
    assert "reply.relay" not in made


def test_documented_lines_are_those_that_are_shipped():
    fences = re.findall(r"(?ms)^```mc\n(.*?)^```$", (TOP / "doc" / "sendmail.md").read_text())
    shipped = {line.removeprefix("dnl ") for line in SNIPPET.read_text().splitlines()}
    lines = "".join(fences).splitlines()
    assert {line.partition("(")[0] for line in lines} == {"INPUT_MAIL_FILTER", "DAEMON_OPTIONS"}
    assert [line for line in lines if line not in shipped] == []


def test_shipped_port_for_replies_runs_only_the_signer_and_leaves_port_25():
    made = sendmail_cf(*(re.sub("^dnl (DAEMON_OPTIONS)", r"\1", line) for line in SNIPPET.read_text().splitlines()))
    assert daemons(made) == ["Name=MTA", "Name=outage-replier, Family=inet, Addr=127.0.0.1, Port=10028, InputMailFilters=opendkim"]
