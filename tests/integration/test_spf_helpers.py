"""The helper processes behind SPF: they die, hang, and are kept waiting, and no mail suffers."""

import concurrent.futures
import os
import pwd
import signal
import threading
import time
from pathlib import Path

import pytest

from mail import Letter, Received, ack, outage_report
from process import build_dir, eventually
from settings import SUPPORT
from spfsite import CLIENT, MARGIN, SETTINGS, TIMEOUT, SpfSite, assert_unauthenticated, helpers, make_site, session_of


def write_meanwhile(site: SpfSite, domain: str):
    """Delivers a mail in a thread; returns the thread and a list that gets what arrived."""
    arrived: list[Received] = []
    thread = threading.Thread(target=lambda: arrived.append(site.write(domain)))
    thread.start()
    return thread, arrived


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_helper_that_dies_in_mid_question(make_stand, dns, fake_relay, number):
    site = make_site(make_stand, dns, fake_relay, spf__helpers=1, spf__timeout="10s")
    dns.zone["slow.example"] = {"TXT": "v=spf1 ip4:192.0.2.10 -all", "delay": 8}
    dns.zone["good.example"] = {"TXT": "v=spf1 ip4:192.0.2.10 -all"}
    helper, = eventually(lambda: helpers(site.stand), what="a helper runs")
    start, said = time.monotonic(), site.said()
    thread, arrived = write_meanwhile(site, "slow.example")
    dns.wait_asked("slow.example")
    os.kill(helper, number)
    thread.join(60)
    assert time.monotonic() - start < 8, "the mail waited for a helper that was dead"
    assert_unauthenticated(arrived[0])
    site.stand.node.process.wait_for_line("temperror", start=said)
    assert ack(site.write("good.example")) == "queued"
    assert [pid for pid in helpers(site.stand) if pid != helper]


def test_helper_that_hangs_is_replaced(make_stand, dns, fake_relay):
    site = make_site(make_stand, dns, fake_relay, spf__helpers=1)
    dns.zone["good.example"] = dns.zone["other.example"] = {"TXT": "v=spf1 ip4:192.0.2.10 -all"}
    helper, = eventually(lambda: helpers(site.stand), what="a helper runs")
    os.kill(helper, signal.SIGSTOP)
    start = time.monotonic()
    assert_unauthenticated(site.write("good.example"))
    assert time.monotonic() - start < TIMEOUT + MARGIN
    eventually(lambda: any(pid != helper for pid in helpers(site.stand)), what="a new helper runs")
    assert helper not in helpers(site.stand)
    # The domain that was asked about is left alone for a while; others are not.
    assert_unauthenticated(site.write("good.example", local="joe"))
    assert ack(site.write("other.example")) == "queued"


def test_helper_that_was_silenced_by_dns_answers_the_next_question_rightly(make_stand, dns, fake_relay):
    # A late answer must not be taken for the next question's.
    site = make_site(make_stand, dns, fake_relay, spf__helpers=1)
    dns.zone["late.example"] = {"TXT": "v=spf1 ip4:192.0.2.10 -all", "delay": TIMEOUT + 0.3}
    dns.zone["no.example"] = {"TXT": "v=spf1 -all"}
    dns.zone["good.example"] = {"TXT": "v=spf1 ip4:192.0.2.10 -all"}
    for number in range(3):
        assert_unauthenticated(site.write("late.example", local=f"a{number}"))
        assert_unauthenticated(site.write("no.example", local=f"b{number}"))
        assert ack(site.write("good.example", local=f"c{number}")) == "queued"


def test_helpers_end_with_the_milter(make_stand, dns, fake_relay):
    site = make_site(make_stand, dns, fake_relay, spf__helpers=3)
    running = eventually(lambda: len(found := helpers(site.stand)) == 3 and found, what="three helpers run")
    site.stand.stop()
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in running)


def test_helpers_outlive_no_killed_milter(make_stand, dns, fake_relay):
    site = make_site(make_stand, dns, fake_relay)
    running = eventually(lambda: len(found := helpers(site.stand)) == SETTINGS["spf__helpers"] and found, what="helpers run")

    def gone(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    site.stand.node.process.kill()
    eventually(lambda: all(gone(pid) for pid in running), what="the helpers end")


def test_helpers_have_no_privileges(make_stand, dns, fake_relay):
    nobody = pwd.getpwnam("nobody")
    stand = make_stand(spf__nameserver=dns.address, user="nobody", group="nogroup", **{**SETTINGS, "spf__helpers": 1})
    for path in (stand.dir / "store", stand.node.state_dir):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    secret = stand.dir / "secret"
    secret.write_text("0123456789abcdef" * 4)
    secret.chmod(0o600)
    os.chown(secret, nobody.pw_uid, nobody.pw_gid)
    if not os.access(build_dir() / "outage-spf", os.X_OK):
        raise FileNotFoundError("outage-spf has not been built")
    stand.node.start()
    helper, = eventually(lambda: helpers(stand), what="a helper runs")
    def status(pid: int) -> dict:
        return dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    # Its own filter of system calls, besides the milter's, is the last that it gives up.
    eventually(lambda: int(status(helper)["Seccomp_filters"]) > int(status(stand.node.process.pid)["Seccomp_filters"]),
               what="the helper has given its privileges up")
    fields = status(helper)
    assert set(fields["Uid"].split()) == {str(nobody.pw_uid)}
    assert set(fields["Gid"].split()) == {str(nobody.pw_gid)}
    assert int(fields["CapEff"], 16) == 0
    limits = Path(f"/proc/{helper}/limits").read_text()
    for limit in ("Max address space", "Max open files"):
        line = next(line for line in limits.splitlines() if line.startswith(limit))
        assert line[len(limit):].split()[0] != "unlimited", line


def test_hundred_mails_at_once_while_the_dns_is_silent(make_stand, dns, fake_relay):
    site = make_site(make_stand, dns, fake_relay, spf__helpers=4)
    dns.zone["*.silent.example"] = {"does": "silent"}
    dns.zone["good.example"] = {"TXT": "v=spf1 ip4:192.0.2.10 -all"}
    letters = [outage_report(f"jane@d{number}.silent.example", auth=False) for number in range(100)]
    ready = threading.Barrier(len(letters))

    def work(letter: Letter) -> float:
        """Returns how long the end of the message took."""
        with session_of(site.stand.postfix, CLIENT) as smtp:
            smtp.mail(letter.sender)
            smtp.rcpt(SUPPORT)
            assert smtp.docmd("DATA")[0] == 354
            ready.wait(60)
            start = time.monotonic()
            smtp.send(letter.bytes + b"\r\n.\r\n")
            assert smtp.getreply()[0] == 250
            return time.monotonic() - start

    with concurrent.futures.ThreadPoolExecutor(len(letters)) as pool:
        took = list(pool.map(work, letters))
    assert max(took) < TIMEOUT + MARGIN, sorted(took)[-5:]
    arrived = [site.stand.mailbox(SUPPORT).wait_id(letter.message_id, 60) for letter in letters]
    for received in arrived:
        assert received.one("X-Outage-Queue") == "surge", "the milter had no say"
        assert_unauthenticated(received)
    eventually(lambda: len(helpers(site.stand)) == 4, what="four helpers run again")
    assert ack(site.write("good.example")) == "queued"
