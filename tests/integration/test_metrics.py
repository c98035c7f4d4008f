"""Figures over HTTP, health, and the log: what monitoring gets, and what outagectl explain makes of a mail's lines."""

import http.client
import json
import re
import signal
import socket
import subprocess

from mail import OUTAGE_TEXT, PASSWORD_TEXT, Letter, ack, outage_report, reasons
from process import TOP, can_connect, eventually, free_port, run

PACKAGING = TOP / "packaging"


class Watched:
    """A stand with both endpoints."""

    def __init__(self, make_stand, **changes):
        self.ports = {"milter": free_port(), "replier": free_port()}
        self.changes = {"metrics.milter": f"127.0.0.1:{self.ports['milter']}", "metrics.replier": f"127.0.0.1:{self.ports['replier']}",
                        **{name.replace("__", "."): value for name, value in changes.items()}}
        self.stand = make_stand(**{name.replace(".", "__"): value for name, value in self.changes.items()}).start()

    def configure(self, changes: dict) -> None:
        self.stand.configure({**self.changes, **changes})

    def get(self, who: str, path: str = "/metrics", method: str = "GET") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[who], timeout=20)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def samples(self, who: str) -> dict[str, float]:
        lines = [line for line in self.get(who)[1].splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def wait_sample(self, who: str, name: str, value: float) -> None:
        eventually(lambda: self.samples(who).get(name) == value, 25, f"{name} is {value}")

    def explain(self, *args: str, check: bool = True):
        logs = [piece for name in ("node1.log", "replier.log") for piece in ("--log", str(self.stand.dir / name))]
        return self.stand.ctl("explain", *args, *logs, check=check)


def promtool(*args, text: str | None = None) -> subprocess.CompletedProcess:
    return run(["promtool", *args], check=False, input=text)


def families(page: str) -> set[str]:
    """The names under which a page's samples are known to a query."""
    names = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE):
        names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}
    return names


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\boutage_[a-z_]+\b", text))


def test_rules_hold():
    rules = PACKAGING / "prometheus" / "outage-milter.rules.yml"
    for done in (promtool("check", "rules", rules), promtool("test", "rules", PACKAGING / "prometheus" / "outage-milter.test.yml")):
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_outage_seen_by_monitoring(make_stand, customer):
    site = Watched(make_stand)
    stand = site.stand
    # Nobody who only connects is in the way of anybody.
    for port in site.ports.values():
        eventually(lambda port=port: can_connect(("127.0.0.1", port)), 20, "figures are served")
    idle = [socket.create_connection(("127.0.0.1", port)) for port in site.ports.values() for _ in range(20)]
    for who in site.ports:
        eventually(lambda who=who: site.get(who, "/healthz") == (200, "ok\n"), 20, f"the {who} is healthy")
        assert site.get(who, "/")[0] == 404
        assert site.get(who, method="POST")[0] == 405
        assert site.get(who, method="HEAD") == (200, "")
    assert not [name for name in site.samples("milter") if name.startswith("outage_incident{")]

    stand.declare("P1")
    before = site.samples("milter")
    answered, held, other = outage_report(customer), outage_report("forged." + customer, auth=False), Letter(customer, "Password", PASSWORD_TEXT)
    assert ack(stand.deliver(answered)) == "queued"
    assert reasons(stand.deliver(held)) == ["unauthenticated"]
    assert "no-match" in reasons(stand.deliver(other))
    stand.mailbox(customer).wait_reply()
    for who in site.ports:
        done = promtool("check", "metrics", text=site.get(who)[1])
        assert done.returncode == 0, done.stdout + done.stderr

    after = site.samples("milter")
    assert after['outage_incident{incident="default",severity="P1",phase="investigating"}'] == 1
    for name, grown in (('outage_messages_total{match="yes"}', 2), ('outage_acknowledgements_total{result="none"}', 1),
                        ('outage_held_back_total{reason="unauthenticated"}', 1), ("outage_message_seconds_count", 3),
                        ("outage_claims_won_total", 1)):
        assert after[name] - before[name] == grown, name
    assert after["outage_live"] == 1 and after["outage_store_up"] == 1 and after["outage_model_loaded"] == 1
    site.wait_sample("replier", 'outage_letters_sent_total{class="acknowledgement"}', 1)

    # Dashboard and rules ask for nothing that is not there.
    there = families(site.get("milter")[1]) | families(site.get("replier")[1])
    for path in (PACKAGING / "grafana" / "outage-milter.json", PACKAGING / "prometheus" / "outage-milter.rules.yml"):
        assert names_in(path.read_text()) - there == set(), path
    board = json.loads((PACKAGING / "grafana" / "outage-milter.json").read_text())
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])

    # A reload that is refused, and one that is not; the second has the log written as objects.
    site.configure({"store.timeout": "never"})
    for process, who in ((stand.node.process, "milter"), (stand.replier, "replier")):
        process.signal(signal.SIGUSR1)
        site.wait_sample(who, "outage_config_last_reload_successful", 0)
    site.configure({"log.format": "json", "log.addresses": "hashed"})
    for process, who in ((stand.node.process, "milter"), (stand.replier, "replier")):
        process.signal(signal.SIGUSR1)
        site.wait_sample(who, "outage_config_last_reload_successful", 1)
        process.wait_for_line('"event":"reloaded"')
    # What lies in the store is read every few seconds, and after a reload.
    site.wait_sample("replier", "outage_queue_sent_total", 1)
    site.wait_sample("replier", 'outage_queue_jobs{state="due"}', 0)
    for name in ("node1", "node1/replier"):
        eventually(lambda name=name: site.samples("replier").get(f'outage_node_heartbeat_age_seconds{{node="{name}"}}', 99) < 30, 25, f"{name} is heard")
    secret = Letter("open." + customer, "Service down", OUTAGE_TEXT + "\nMy password: correct-horse-7 and the key AKIAIOSFODNN7EXAMPLE.\n")
    stand.deliver(secret)
    leaked = json.loads(stand.node.process.wait_for_line(secret.message_id))
    assert "password" in leaked["sensitive"]
    assert not [line for line in stand.node.process.lines if "correct-horse" in line or "AKIAIOSFODNN7" in line]
    late = "late." + customer
    hashed = outage_report(late)
    assert ack(stand.deliver(hashed)) == "queued"
    stand.mailbox(late).wait_reply()
    decided = json.loads(stand.node.process.wait_for_line(hashed.message_id))
    sent = json.loads(stand.replier.wait_for_line(f'"queue_id":"{decided["queue_id"]}"'))
    assert decided["message_id"] == hashed.message_id and decided["level"] == "info" and decided["ack"] == "queued"
    assert sent["event"] == "acknowledged" and sent["to"] == decided["sender"]
    assert not [line for process in (stand.node.process, stand.replier) for line in process.lines if late in line and line.startswith("{")]

    check_explain(site, answered, held, other, hashed)
    for one in idle:
        one.close()


def check_explain(site, answered, held, other, hashed):
    """What the log of this stand says of each of its mails."""
    words = site.explain(answered.message_id).stdout
    assert "taken for a report" in words and "was queued" in words and "The acknowledgement left as <outage-ack." in words
    words = site.explain(held.message_id.strip("<>")).stdout
    assert "No acknowledgement" in words and "unauthenticated: Nobody vouches" in words and "auth.trusted_ids" in words
    words = site.explain(other.message_id).stdout
    assert "not taken for a report" in words and "no-match:" in words and "It went to the queue normal" in words
    found, = json.loads(site.explain(hashed.message_id, "--json").stdout)
    assert found["decision"]["match"] == "yes" and [line["event"] for line in found["after"]] == ["acknowledged"]
    words = site.explain(found["decision"]["queue_id"]).stdout
    assert "The acknowledgement left" in words and "customer.example" not in words.replace(hashed.message_id, "")
    piped = site.stand.ctl("explain", answered.message_id, "--log", "-", input=(site.stand.dir / "node1.log").read_text())
    assert "was queued" in piped.stdout and "Nothing here says that it has left" in piped.stdout
    done = site.explain("4NOTHING", check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "looked into" in done.stderr and "node1.log" in done.stderr and "--log FILE" in done.stderr
    assert site.stand.ctl("explain", check=False).returncode == 2


def test_neither_a_taken_port_nor_a_store_that_is_away_stops_mail(make_stand, redis, customer):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = free_port()
        stand = make_stand(redis, metrics__milter=f"127.0.0.1:{port}", metrics__replier=f"127.0.0.1:{taken.getsockname()[1]}",
                           incident__stale_after="1s").start()
        stand.replier.wait_for_line("metrics.replier")
        stand.declare("P1")
        redis.freeze()
        try:
            def health():
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                connection.request("GET", "/healthz")
                answer = connection.getresponse()
                return answer.status, answer.read().decode()

            eventually(lambda: health()[0] == 503 and "longer than incident.stale_after" in health()[1], 20, "the milter says that it is unwell")
            assert "stale" in reasons(stand.deliver(outage_report(customer)))
        finally:
            redis.thaw()
        eventually(lambda: health() == (200, "ok\n"), 20, "the milter is well again")
