"""No mail is lost, refused or held because of this program: reload, stop, crash, sick store, odd sessions."""

import concurrent.futures
import itertools
import signal
import socket
import threading

import pytest

import mail
from mail import ack, connect, outage_report, parse_value, reasons, send_half, submit
from process import TOP, Process, eventually, run
from settings import SUPPORT

MANY = 200


class Load:
    """Customers who write all the time, over several connections, until told to stop."""

    def __init__(self, stand, connections: int = 4):
        self.stand = stand
        self.sent: list[str] = []
        self.errors: list[str] = []
        self._stop = threading.Event()
        self._progress = threading.Condition()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(connections)]
        for thread in self._threads:
            thread.start()

    def _work(self, worker: int) -> None:
        count = 0
        try:
            with connect(self.stand.postfix.milter_port) as smtp:
                while not self._stop.is_set():
                    letter = outage_report(f"load{worker}.{count}@customer.example")
                    submit(smtp, letter)
                    count += 1
                    with self._progress:
                        self.sent.append(letter.message_id)
                        self._progress.notify_all()
        except Exception as error:  # whatever it is, the test has to show it
            self.errors.append(repr(error))

    def wait_for_more(self, count: int) -> None:
        """Waits until `count` more were accepted from now on."""
        with self._progress:
            goal = len(self.sent) + count
            assert self._progress.wait_for(lambda: len(self.sent) >= goal or self.errors, 60), "the load stands still"

    def end(self) -> list[mail.Received]:
        """Stops it; every mail must have been accepted, and must arrive once. Returns what arrived."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert not self.errors
        self.stand.postfix.wait_delivered()
        sent = set(self.sent)
        arrived = [message for message in self.stand.mailbox(SUPPORT).messages() if message.message_id in sent]
        assert sorted(message.message_id for message in arrived) == sorted(self.sent)
        return arrived


@pytest.fixture
def calm(make_stand):
    """A live site whose caps do not get in the way of a load."""
    return make_stand(ack__domain_cap=0, ack__site_cap=0).start()


def assert_answered(stand, arrived) -> None:
    """Whoever's mail says queued has exactly one reply, nobody else has any."""
    queued = {parse_sender(message) for message in arrived if ack(message) == "queued"}
    customers = stand.mailbox("@customer.example")
    customers.wait_count(len(queued), 90)
    stand.wait_quiet()
    answered = [reply.rcpt for reply in customers.replies()]
    assert sorted(answered) == sorted(queued)


def parse_sender(message) -> str:
    return message.one("Return-Path").strip("<>")


def test_reload_under_load_loses_no_mail_and_breaks_no_session(calm):
    calm.declare("P1")
    load = Load(calm)
    for _ in range(3):
        load.wait_for_more(10)
        calm.node.reload()
    load.wait_for_more(10)
    arrived = load.end()
    assert calm.node.process.running()
    assert [message.message_id for message in arrived if not message.one("X-Outage-Incident")] == []
    assert_answered(calm, arrived)


def test_reload_takes_the_new_settings(calm, customer):
    calm.declare("P1")
    calm.configure({"mode": "shadow"})
    calm.node.reload()
    assert ack(calm.deliver(outage_report(customer))) == "shadow"


def test_reload_with_a_mistake_keeps_the_old_settings(calm, customer):
    calm.declare("P1")
    calm.node.config.write_text(calm.node.config.read_text().replace('mode = "live"', 'mode = "lively"'))
    said = len(calm.node.process.lines)
    calm.node.process.signal(signal.SIGUSR1)
    line = calm.node.process.wait_for_line("lively", start=said)
    assert f"{calm.node.config}:1" in line
    assert ack(calm.deliver(outage_report(customer))) == "queued"


def test_sigterm_under_load_every_mail_is_delivered(calm):
    calm.declare("P1")
    load = Load(calm)
    load.wait_for_more(20)
    assert calm.node.process.stop() == 0
    load.wait_for_more(20)
    arrived = load.end()
    tagged = [message for message in arrived if message.one("X-Outage-Incident")]
    assert len(tagged) >= 20
    assert_answered(calm, arrived)


def test_killed_milter_costs_no_mail(calm):
    calm.declare("P1")
    load = Load(calm)
    load.wait_for_more(20)
    calm.node.process.kill()
    load.wait_for_more(20)
    calm.node.start()  # its socket file is still there: nobody listens on it
    calm.wait_word("P1")
    load.end()


def test_redis_killed_and_restarted_in_mid_flow(make_stand, redis):
    stand = make_stand(redis, ack__domain_cap=0, ack__site_cap=0).start()
    stand.declare("P1")
    load = Load(stand)
    load.wait_for_more(20)
    redis.kill()
    load.wait_for_more(20)
    redis.start()
    load.wait_for_more(20)
    stand.wait_word("P1")
    numbers = itertools.count()
    eventually(lambda: ack(stand.deliver(outage_report(f"back{next(numbers)}@corp.example"))) == "queued", 30,
               "claims work again")
    arrived = load.end()
    # While Redis was away the nodes went on tagging.
    assert [message.message_id for message in arrived if not message.one("X-Outage-Incident")] == []
    queued = {parse_sender(message) for message in arrived if ack(message) == "queued"}
    customers = stand.mailbox("@customer.example")
    eventually(lambda: queued <= {reply.rcpt for reply in customers.replies()}, 90, "every queued acknowledgement arrives")
    stand.wait_quiet()
    answered = [reply.rcpt for reply in customers.replies()]
    assert len(answered) == len(set(answered)), "somebody was answered twice"


def test_frozen_redis_delays_no_mail_beyond_its_deadline(make_stand, redis, customer):
    stand = make_stand(redis).start()
    stand.declare("P1")
    redis.freeze()
    try:
        received = stand.deliver(outage_report(customer))
        assert received.one("X-Outage-Queue") == "surge"
        assert ack(received) in ("queued", "none")
        if ack(received) == "none":
            assert reasons(received) == ["store"]
    finally:
        redis.thaw()


def test_redis_that_refuses_writes_delays_no_mail_and_fills_no_log(make_stand, redis, customer):
    stand = make_stand(redis).start()
    stand.declare("P1")
    said = len(stand.node.process.lines)
    redis.cli("CONFIG", "SET", "maxmemory", "1mb")
    try:
        received = stand.deliver(outage_report(customer))
    finally:
        redis.cli("CONFIG", "SET", "maxmemory", "0")
    assert received.one("X-Outage-Queue") == "surge"
    # Recorded on the node, and brought to Redis once that takes it.
    assert ack(received) == "queued"
    assert len([line for line in stand.node.process.lines[said:] if "warning:" in line]) < 20
    stand.mailbox(customer).wait_reply(30)


def test_redis_away_at_start_is_no_reason_not_to_start(make_stand, redis, customer):
    redis.kill()
    stand = make_stand(redis)
    stand.node.start()
    assert stand.deliver(outage_report(customer)).message_id
    redis.start()
    redis.cli("SET", "outage:incident", "P1")
    stand.wait_word("P1", 30)


def test_state_is_kept_over_a_restart_while_redis_is_away(make_stand, redis, customer):
    stand = make_stand(redis).start()
    stand.declare("P1")
    redis.kill()
    stand.node.process.stop()
    stand.node.start()
    assert stand.deliver(outage_report(customer)).one("X-Outage-Queue") == "surge"
    redis.start()


@pytest.mark.parametrize("mistakes", [
    ['mode = "lively";'], ["no_such_setting = 1;", 'mode = "live";', "socket = 7;"], ["mode = ;"]])
def test_wrong_configuration_is_named_by_file_and_line(calm, mistakes):
    wrong = calm.dir / "wrong.conf"
    wrong.write_text("\n".join(mistakes) + "\n")
    for args in (["-t"], ["-f"]):
        done = run([calm.build / "outage-milter", *args, "-c", wrong], check=False)
        assert done.returncode == 1
        assert f"{wrong}:1:" in done.stderr
        if len(mistakes) == 3:
            assert f"{wrong}:3:" in done.stderr, "every mistake is to be named at once"
    done = run([calm.build / "outage-replier", "-f", "-c", wrong], check=False)
    assert done.returncode == 1
    assert f"{wrong}:1:" in done.stderr


def test_right_configuration_passes_the_check(calm):
    assert run([calm.build / "outage-milter", "-t", "-c", calm.node.config]).returncode == 0


def test_pattern_that_backtracks_badly_is_named_and_no_mistake(calm):
    rules = calm.dir / "rules"
    rules.mkdir()
    (rules / "own.conf").write_text('rules = (\n  { name = "bad"; class = "evidence"; pattern = "(?:\\\\w+\\\\s*)*down"; },\n'
                                    '  { name = "fine"; class = "evidence"; pattern = "\\\\w+ down"; } );\n')
    config = calm.dir / "own-rules.conf"
    config.write_text(calm.node.config.read_text().replace(str(TOP / "conf" / "rules"), str(rules)))
    done = run([calm.build / "outage-milter", "-t", "-c", config])
    assert f'{rules}/own.conf:2: warning: rule "bad": the pattern backtracks badly' in done.stderr
    assert "fine" not in done.stderr
    shipped = run([calm.build / "outage-milter", "-t", "-c", calm.node.config])
    assert "warning" not in shipped.stderr
    declared = calm.ctl("declare", "P1", "--match", "(a+)+b")
    assert "warning: match: the pattern backtracks badly" in declared.stderr


def test_missing_configuration_is_named(calm):
    done = run([calm.build / "outage-milter", "-t", "-c", calm.dir / "nothing.conf"], check=False)
    assert done.returncode == 1
    assert "nothing.conf" in done.stderr


@pytest.mark.parametrize("size", [64 * 1024, 10 * 1024 * 1024])
def test_large_mail_passes_and_is_tagged(calm, customer, size):
    calm.declare("P1")
    filler = "The quick brown fox jumps over the lazy dog, again and again.\n" * (size // 62 + 1)
    letter = mail.Letter(customer, "Service down, 503 errors", mail.OUTAGE_TEXT + filler)
    calm.send(letter)
    received = calm.mailbox(SUPPORT).wait_id(letter.message_id, 60)
    assert ack(received) == "queued"
    assert received.body_bytes() == letter.bytes.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n")


def test_many_headers_and_long_headers_pass(calm, customer):
    calm.declare("P1")
    headers = [(f"X-Many-{number}", "value") for number in range(300)] + [("X-Long", "word " * 2000)]
    assert ack(calm.deliver(outage_report(customer, headers=headers))) == "queued"


def test_fifty_sessions_at_once(calm):
    calm.declare("P1")
    letters = [outage_report(f"parallel{number}@customer.example") for number in range(MANY)]

    def work(mine) -> None:
        with connect(calm.postfix.milter_port) as smtp:
            for letter in mine:
                submit(smtp, letter)

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        for done in [pool.submit(work, letters[first::50]) for first in range(50)]:
            done.result(90)
    calm.postfix.wait_delivered()
    arrived = calm.mailbox(SUPPORT).messages()
    assert len(arrived) == MANY
    assert [ack(message) for message in arrived].count("queued") == MANY
    assert_answered(calm, arrived)


def test_mail_aborted_in_the_middle_leaves_nothing_behind(calm, customer):
    calm.declare("P1")
    session = calm.node.session()
    session.begin(customer, [SUPPORT], [("X-Outage-Queue", "forged"), ("Subject", "Service down, 503 errors")])
    session.step(b"B", mail.OUTAGE_TEXT.encode())
    session.abort()
    answer = session.message("", ["somebody@corp.example"], [("Subject", "x")], b"x\r\n")
    session.close()
    assert answer.headers == []
    received = calm.deliver(outage_report(customer))
    assert ack(received) == "queued", "the aborted one must not have claimed"


def test_client_that_vanishes_in_the_middle_of_data(calm, customer):
    calm.declare("P1")
    send_half(calm.postfix.milter_port, customer)
    assert ack(calm.deliver(outage_report(customer))) == "queued"
    assert len(calm.mailbox(SUPPORT).messages()) == 1


def test_port_probe_that_connects_and_closes(calm, customer):
    calm.declare("P1")
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(calm.node.socket))
    for _ in range(5):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(calm.node.socket))
            sock.sendall(b"\xff\xff\xff\xffGET / HTTP/1.0\r\n\r\n")
    session = calm.node.session()
    session.close(quit_first=False)
    assert ack(calm.deliver(outage_report(customer))) == "queued"
    assert calm.node.process.running()


def test_stale_socket_is_replaced_and_a_live_one_is_not(calm, customer):
    calm.node.process.kill()
    assert calm.node.socket.exists()
    calm.node.start()
    second = Process("second", calm.milter_command(calm.node), calm.dir / "second.log")
    assert second.wait() == 1
    assert second.says(str(calm.node.socket))
    calm.declare("P1")
    assert ack(calm.deliver(outage_report(customer))) == "queued"


def test_socket_is_gone_after_a_stop(calm):
    assert calm.node.process.stop() == 0
    assert not calm.node.socket.exists()


def test_mta_sends_the_macros_that_are_read_and_no_others(calm):
    session = calm.node.session()
    session.close()
    # CONNECT, HELO, MAIL, RCPT, DATA, end of message, end of headers: each with any macros costs a packet, and over TCP 40 ms.
    assert session.wants_macros == {0: "", 1: "", 2: "{auth_authen}", 3: "", 4: "", 5: "i", 6: ""}


def test_old_mta_without_short_cuts_is_served(calm, customer):
    calm.declare("P1")
    session = calm.node.session()  # offers no no-reply flags
    headers = [mail.authenticated(customer), ("From", f"<{customer}>"), ("To", f"<{SUPPORT}>"),
               ("Subject", "Service down, 503 errors")]
    answer = session.message(customer, [SUPPORT], headers, mail.OUTAGE_TEXT.encode())
    session.close()
    assert parse_value(answer.header("X-Outage-Ack"))[0] == "queued"
