"""The recipes of doc/postfix.md, run from the very files of conf/postfix: behind OpenDKIM and OpenDMARC, behind rspamd, chrooted, behind
postscreen and a load balancer, on the submission port. What comes in is judged by what those in front say of it; the replies are
signed by them and pass DMARC at the customer's own server, which refuses what does not."""

import contextlib
import os
import re
import smtplib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import open_folder
from dovecot import PASSWORD
from mail import Letter, Mailbox, OUTAGE_TEXT, Received, ack, connect, outage_report, parse_value, reasons, send, submit
from milters import Key, OpenDkim, OpenDmarc, RecipePostfix, Rspamd, SaslDovecot, as_options, resolver, settings_of, snippet
from process import TOP, eventually, free_port, run
from settings import BILLING, SUPPORT
from stand import Stand

CLIENT, STRANGER = "192.0.2.10", "198.51.100.66"
NAME = "Authentication-Results"
OUTBOX = "outbox@customer.example"
UTF8_DOMAIN, ACE_DOMAIN = "bücher.example", "xn--bcher-kva.example"

ZONE = {
    # Replies have no envelope sender: only their signature can make them pass.
    "support.example": {"TXT": "v=spf1 -all"},
    "_dmarc.support.example": {"TXT": "v=DMARC1; p=reject"},
    # Signs, and no address may send for it.
    "customer.example": {"TXT": "v=spf1 -all"},
    "_dmarc.customer.example": {"TXT": "v=DMARC1; p=reject"},
    # Does not sign.
    "acme.example": {"TXT": f"v=spf1 ip4:{CLIENT} -all"},
    ACE_DOMAIN: {"TXT": f"v=spf1 ip4:{CLIENT} -all"},
}


class Site:
    """Two mail servers of ours, each with the milters of one recipe, and the one of all customers."""

    def __init__(self, folder: Path):
        self.dir = folder
        self.running: list = []
        self.dns = resolver(ZONE)
        # An address from which mail is judged, as it is not from 127.0.0.1.
        self.address = self.dns.address.partition(":")[0]
        self.key = Key(folder, "support.example", self.dns.zone)
        self.milters = self._milters(Key(folder, "customer.example", self.dns.zone))
        self.opendkim, self.opendmarc, self.rspamd, *_ = self.milters
        self.ports = {name: free_port() for name in ("opendkim", "opendkim-reply", "rspamd", "rspamd-reply", "alone", "chroot",
                                                     "postscreen", "proxied-postscreen", "proxied-smtpd", "submission")}
        self.customers = RecipePostfix(folder, "remote", domains=("customer.example", "acme.example", "other.example", UTF8_DOMAIN,
                                                                  ACE_DOMAIN))
        self.first = RecipePostfix(folder, "mx1", (self.ports["opendkim"], self.ports["opendkim-reply"]), domains=("support.example",))
        self.second = RecipePostfix(folder, "mx2", tuple(port for name, port in self.ports.items() if not name.startswith("opendkim")),
                                    domains=("support.example",))
        self.servers = (self.customers, self.first, self.second)
        self._write_customers()
        self._write_first()
        self._write_second()

    def _milters(self, customer_key: Key) -> tuple:
        ours = {"example.com": "support.example"}
        theirs = {"mx.example.com": "remote.example"}
        return (OpenDkim(self.dir, "opendkim", snippet("opendkim.conf", {"/etc/dkimkeys/outage.private": self.key.path, **ours}),
                         self.dns),
                OpenDmarc(self.dir, "opendmarc", snippet("opendmarc.conf", ours), self.dns),
                self._rspamd(),
                OpenDkim(self.dir, "their-opendkim", snippet("opendkim.conf", {
                    "/etc/dkimkeys/outage.private": customer_key.path, **theirs, "example.com": "customer.example"}), self.dns),
                OpenDmarc(self.dir, "their-opendmarc", snippet("opendmarc.conf", theirs) + "RejectFailures true\n", self.dns))

    def _rspamd(self) -> Rspamd:
        private = self.dir / "rspamd" / "example.com.outage.key"
        signing = snippet("rspamd.dkim_signing.conf", {"/var/lib/rspamd/dkim/example.com.outage.key": private})
        return Rspamd(self.dir, "rspamd", {"milter_headers.conf": snippet("rspamd.milter_headers.conf", {}),
                                           "dkim_signing.conf": signing.replace("example.com {", "support.example {")},
                      self.dns, {private: self.key.path})

    def _write_customers(self) -> None:
        signer, judge = self.milters[3:]
        self.customers.add(f"smtpd_milters = inet:127.0.0.1:{signer.port}, inet:127.0.0.1:{judge.port}\n")

    def _outward(self) -> str:
        return f"relayhost = [127.0.0.1]:{self.customers.plain_port}\nsmtp_bind_address = {self.address}\n"

    def _write_first(self) -> None:
        checks = self.first.config / "authentication_results"
        checks.write_text(snippet("opendkim.header_checks", {}))
        self.first.add(self._outward() + snippet("opendkim.main.cf", {
            "inet:127.0.0.1:8891": f"inet:127.0.0.1:{self.opendkim.port}", "inet:127.0.0.1:8893": f"inet:127.0.0.1:{self.opendmarc.port}",
            "/run/outage-milter/milter.sock": self.first.socket, "/etc/postfix/authentication_results": checks}),
            f"127.0.0.1:{self.ports['opendkim']} inet n - n - - smtpd\n" + snippet("master.cf", {
                "127.0.0.1:10028": f"127.0.0.1:{self.ports['opendkim-reply']}",
                "inet:127.0.0.1:8891": f"inet:127.0.0.1:{self.opendkim.port}"}))

    def _write_second(self) -> None:
        ports, rspamd = self.ports, f"inet:127.0.0.1:{self.rspamd.port}"
        folder = self.second.dir / "queue" / "outage-milter"
        run(["install", "-d", "-g", "postfix", "-m", "2750", folder])
        self.second.socket = folder / "milter.sock"
        cert, private = self.dir / "tls.crt", self.dir / "tls.key"
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
             "/CN=mx2.example", "-keyout", private, "-out", cert])
        self.second.add(
            # postscreen would let a stranger wait for six seconds.
            self._outward() + f"postscreen_greet_wait = 1s\nsmtpd_tls_cert_file = {cert}\nsmtpd_tls_key_file = {private}\n" +
            snippet("rspamd.main.cf", {"inet:127.0.0.1:11332": rspamd, "/run/outage-milter/milter.sock": self.second.socket}),
            f"127.0.0.1:{ports['rspamd']} inet n - n - - smtpd\n" +
            f"127.0.0.1:{ports['alone']} inet n - n - - smtpd\n" +
            as_options(snippet("main.cf", {"/run/outage-milter/milter.sock": self.second.socket})) +
            f"127.0.0.1:{ports['chroot']} inet n - y - - smtpd\n" + as_options(snippet("chroot.main.cf", {})) +
            snippet("rspamd.master.cf", {"127.0.0.1:10028": f"127.0.0.1:{ports['rspamd-reply']}", "inet:127.0.0.1:11332": rspamd}) +
            re.sub(r"(?m)^smtp ", f"127.0.0.1:{ports['postscreen']} ", snippet("postscreen.master.cf", {})) +
            snippet("haproxy.master.cf", {"10025": f"127.0.0.1:{ports['proxied-postscreen']}",
                                          "10026": f"127.0.0.1:{ports['proxied-smtpd']}"}) +
            re.sub(r"(?m)^submission ", f"127.0.0.1:{ports['submission']} ", snippet("submission.master.cf", {})))

    def _stand(self, postfix: RecipePostfix, reply: str, changes: dict) -> Stand:
        folder = self.dir / f"stand-{postfix.name}"
        folder.mkdir()
        relay = changes["reply.relay"].replace("10028", str(self.ports[reply]))
        stand = Stand(folder, [postfix], None, {**changes, "reply.relay": relay})
        self.running.append(stand)
        return stand

    def start(self) -> "Site":
        for milter in self.milters:
            self.running.append(milter)
            milter.launch()
        with ThreadPoolExecutor() as pool:
            self.running += self.servers
            list(pool.map(RecipePostfix.start, self.servers))
        sasl = SaslDovecot(self.dir, self.second)
        # It would wait for Postfix to end.
        self.running.insert(0, sasl)
        sasl.start()
        for milter in self.milters:
            milter.wait()
        self.behind_opendkim = self._stand(self.first, "opendkim-reply", settings_of(snippet(
            "opendkim.outage-milter.conf", {"example.com": "support.example"}))).start()
        self.behind_rspamd = self._stand(self.second, "rspamd-reply", {
            **settings_of(snippet("rspamd.outage-milter.conf", {"mx.example.com": "mx2.example"})),
            **settings_of(snippet("chroot.outage-milter.conf", {"/var/spool/postfix": self.second.dir / "queue"})),
            "spf.enabled": True, "spf.nameserver": self.dns.address}).start()
        for stand in (self.behind_opendkim, self.behind_rspamd):
            stand.declare("P1")
        return self

    def stop(self) -> None:
        """Also where one of them ends badly."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.dns.close)
            for one in self.running:
                stack.callback(one.stop)

    def arrived(self, letter: Letter) -> Received:
        postfix = self.first if letter.rcpts == [SUPPORT] else self.second
        return Mailbox(postfix.mail, letter.rcpts[0]).wait_id(letter.message_id)

    def signed(self, letter: Letter) -> Letter:
        """As it leaves the server of its writer."""
        raw = Letter(letter.sender, "", "", OUTBOX)
        raw.bytes = letter.bytes
        send(self.customers.plain_port, raw)
        left = Mailbox(self.customers.mail, OUTBOX).wait_id(letter.message_id)
        letter.bytes = re.sub(rb"\r?\n", b"\r\n", left.raw[left.raw.index(b"DKIM-Signature:"):])
        return letter

    def write(self, sender: str, to: str, client: str = CLIENT, signed: bool = False, **more) -> Received:
        """A report of an outage, from a client with that address."""
        letter = outage_report(sender, to, auth=False, **more)
        send(self.ports["opendkim" if to == SUPPORT else "rspamd"], self.signed(letter) if signed else letter, client)
        return self.arrived(letter)

    def reply_to(self, address: str) -> Received:
        """As it came through the customer's server."""
        return Mailbox(self.customers.mail, address).wait_reply()


# What an outsider writes of himself. All of these can be read, and not all of them are removed by OpenDKIM.
FORGED = ["{id}; spf=pass smtp.mailfrom={sender}", "{id}; dkim=pass header.d=customer.example",
          "{id}; dmarc=pass header.from=customer.example", "{id}; dmarc=pass action=none header.from=customer.example",
          '"{id}"; dmarc=pass header.from=customer.example', "(it) {ID} 1;\n\tspf=pass\n\tsmtp.mailfrom={sender};",
          "{id}; x=pass a.a=1 a.b=[1] a.c=x/y a.d=1 a.e=1 a.f=1 a.g=1 a.h=1 a.i=1 a.j=1 a.k=1; dmarc=pass header.from=customer.example"]


class Proxied(smtplib.SMTP):
    """Through a load balancer that speaks version 1 of HAProxy's protocol for the client of that address."""

    def __init__(self, port: int, client: str):
        self.client = client
        super().__init__("127.0.0.1", port, local_hostname="client.example", timeout=60)
        self.ehlo()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = super()._get_socket(host, port, timeout)
        sock.sendall(f"PROXY TCP4 {self.client} 127.0.0.1 40000 25\r\n".encode())
        return sock


@pytest.fixture(scope="module")
def plugged(tmp_path_factory, request):
    """Shared by all tests: each brings its own senders. After a failure it shows what the programs said."""
    folder = tmp_path_factory.mktemp("plugged")
    open_folder(folder)
    site = Site(folder)
    failed_before = request.session.testsfailed
    try:
        yield site.start()
    finally:
        if request.session.testsfailed > failed_before:
            for log in filter(Path.is_file, sorted(folder.rglob("*log"))):
                lines = log.read_text(errors="replace").splitlines()
                print(f"--- {log}", *(line for line in lines[:-60] if "warning" in line or "reject" in line), *lines[-60:], sep="\n")
        site.stop()


def assert_passed(received: Received) -> None:
    """At the customer's server: signed by us, and that makes it pass."""
    assert received.one("Return-Path") == "<>"
    results = " ".join(received.all(NAME))
    assert re.search(r"remote\.example;\s+dkim=pass \([^)]*\) header\.d=support\.example", results), results
    assert "remote.example; dmarc=pass" in results, results


@pytest.mark.parametrize("to", [SUPPORT, BILLING])
def test_signature_vouches_for_a_customer_and_the_reply_passes_dmarc(plugged, to):
    sender = f"signs-{to.partition('@')[0]}@customer.example"
    received = plugged.write(sender, to, signed=True)
    results = " ".join(received.all(NAME))
    assert "dkim=pass" in results and "dmarc=pass" in results and "spf=pass" not in results
    assert ack(received) == "queued"
    assert_passed(plugged.reply_to(sender))


@pytest.mark.parametrize("to", [SUPPORT, BILLING])
def test_address_vouches_for_a_customer_who_does_not_sign(plugged, to):
    sender = f"unsigned-{to.partition('@')[0]}@acme.example"
    received = plugged.write(sender, to)
    assert any("spf=pass" in result for result in received.all(NAME))
    assert ack(received) == "queued"
    assert_passed(plugged.reply_to(sender))


def test_unsigned_reply_would_be_refused(plugged):
    letter = Letter("", "Re: Service down", "We know.\n", "anybody@customer.example", from_header=f"Support <{SUPPORT}>")
    with smtplib.SMTP("127.0.0.1", plugged.customers.plain_port, source_address=(plugged.address, 0), timeout=60) as smtp:
        with pytest.raises(smtplib.SMTPDataError, match="DMARC"):
            smtp.sendmail("", letter.rcpts, letter.bytes)


def assert_forgers_are_not_believed(site: Site, to: str, name: str, forms: list[str]) -> None:
    for number, form in enumerate(forms):
        sender = f"victim{number}@customer.example"
        forged = form.format(id=name, ID=name.upper(), sender=sender)
        received = site.write(sender, to, STRANGER, headers=[(NAME, forged)])
        assert reasons(received) == ["unauthenticated"], (forged, received.all(NAME))


@pytest.mark.parametrize("to, name", [(SUPPORT, "mx.support.example"), (BILLING, "mx2.example")])
def test_who_vouches_for_himself_is_not_believed(plugged, to, name):
    assert_forgers_are_not_believed(plugged, to, name, FORGED)


def test_mail_passes_while_opendkim_and_opendmarc_are_away_and_forgers_are_not_believed(plugged):
    away = (plugged.opendkim, plugged.opendmarc)
    for milter in away:
        milter.kill()
    assert_forgers_are_not_believed(plugged, SUPPORT, "mx.support.example", FORGED[:1])
    for milter in away:
        milter.start()
    assert "dmarc=fail" in " ".join(plugged.write("back@customer.example", SUPPORT).all(NAME))


def test_mail_passes_with_the_results_of_the_others_while_the_milter_is_away(plugged):
    node = plugged.behind_opendkim.node
    node.process.kill()
    received = plugged.write("away@acme.example", SUPPORT)
    node.start()
    assert any("spf=pass" in result for result in received.all(NAME))
    assert received.outage() == {}
    plugged.behind_opendkim.wait_word("P1")
    assert ack(plugged.write("back@acme.example", SUPPORT)) == "queued"


def is_chrooted(postfix: RecipePostfix) -> bool:
    """True where an smtpd of that Postfix lives in its queue folder."""
    return any(os.path.realpath(f"/proc/{pid}/root") == str(postfix.dir / "queue") for pid in postfix.children("smtpd"))


@pytest.mark.parametrize("name, client", [
    ("rspamd", CLIENT), ("rspamd", STRANGER), ("alone", CLIENT), ("alone", STRANGER), ("chroot", CLIENT), ("chroot", STRANGER), ("postscreen", CLIENT), ("postscreen", STRANGER),
    ("proxied-smtpd", CLIENT), ("proxied-smtpd", STRANGER), ("proxied-postscreen", CLIENT),
])
def test_every_port_shows_the_one_milter_the_address_of_the_client(plugged, name, client):
    letter = outage_report(f"{name}-{client}@acme.example", BILLING, auth=False)
    port = plugged.ports[name]
    with Proxied(port, client) if name.startswith("proxied") else connect(port, client) as smtp:
        submit(smtp, letter)
        assert name != "chroot" or is_chrooted(plugged.second)
    received = plugged.arrived(letter)
    assert ack(received) == ("queued" if client == CLIENT else "none")
    assert f" client={client} " in plugged.behind_rspamd.node.process.wait_for_line(f"message_id={letter.message_id}")


def test_login_on_the_submission_port_vouches_for_a_customer(plugged):
    letter = outage_report("jane@other.example", BILLING, auth=False)
    trust = ssl.create_default_context(cafile=plugged.dir / "tls.crt")
    trust.check_hostname = False
    with connect(plugged.ports["submission"]) as smtp:
        smtp.starttls(context=trust)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            submit(smtp, letter)
        smtp.rset()
        smtp.login("jane@other.example", PASSWORD)
        submit(smtp, letter)
    assert ack(plugged.arrived(letter)) == "queued"
    assert_passed(plugged.reply_to("jane@other.example"))


@pytest.mark.parametrize("to, domain", [(SUPPORT, ACE_DOMAIN), (BILLING, ACE_DOMAIN), (BILLING, UTF8_DOMAIN)])
def test_customer_with_an_address_beyond_ascii_is_answered_at_it(plugged, to, domain):
    local = f"jürgen-{to.partition('@')[0]}-{domain[0]}"
    assert ack(plugged.write(f"{local}@{domain}", to)) == "queued"
    reply = plugged.reply_to(f"{local}@{ACE_DOMAIN}")
    assert_passed(reply)
    assert reply.one("To") == f"{local}@{ACE_DOMAIN}"


def test_postfix_knows_every_setting_of_the_recipes(plugged):
    for postfix in (plugged.first, plugged.second):
        for what in ("-n", "-P", "-M"):
            assert run(["postconf", "-c", postfix.config, what]).stderr == ""


def test_documentation_shows_what_was_tested():
    text = (TOP / "doc" / "postfix.md").read_text()
    snippets = {path.name: snippet(path.name.removesuffix(".snippet"), {}) for path in (TOP / "conf" / "postfix").iterdir()}
    for kind, lines in re.findall(r"(?ms)^```([\w.]+)\n(.*?)^```", text):
        assert kind == "console" or lines in snippets.values(), lines
    assert set(re.findall(r"`([\w.-]+\.snippet)`", text)) == set(snippets)
