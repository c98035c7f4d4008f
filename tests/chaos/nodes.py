"""The whole site: three nodes with Postfix, milter and replier each, Redis with replicas and Sentinels, and the customers' server;
the hands that break it, and the eyes that see when it is whole and when all is done.

The nodes come from the stand of tests/integration; what is added is that there are hosts, a replier on each, and Sentinel."""

import contextlib
import email
import hashlib
import hmac
import json
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import settings
from hosts import Host
from judge import Span
from postfix import Postfix
from process import Process, pause, run
from redisha import RedisSite
from sink import FIX_TEXT, Sink
from stand import PROGRAM_ENV, Node, Stand

# After a replier has gone another one takes its jobs over (twice this, and ten seconds).
REPLY_TIMEOUT = 2
TAKEOVER = 2 * REPLY_TIMEOUT + 10
# How long after its return a store may still be away for a node, which looks for it only now and then.
RECONNECT = 6
WHOLE_WITHIN = 120
DONE_WITHIN = 150

COMMON = {
    "log.level": "info",
    "incident.stale_after": "10m",
    "store.connect_timeout": "500ms",
    "store.poll": "1s",
    # As shipped: what a failover takes is waited for. Where nodes are cut off they answer sooner, so that they do at all.
    "store.local_after": "10s",
    "ack.site_cap": 0, "ack.domain_cap": 0, "ack.address_cap": 0,
    "reply.timeout": f"{REPLY_TIMEOUT}s",
    "reply.tries": 100,
}
# A customer's server that does not answer is given up soon, and asked again soon; what was killed is started again at once.
SINK_PATIENCE = 2
STEPS = ("connect", "helo", "mail", "rcpt", "data_init", "data_xfer", "data_done")
RELAYING = {**{f"smtp_{step}_timeout": f"{SINK_PATIENCE}s" for step in STEPS},
            "smtp_quit_timeout": "1s",
            "smtp_host_lookup": "native", "service_throttle_time": "1s", "smtp_destination_concurrency_failed_cohort_limit": "100"}


class SiteNode(Node):
    """A node of the stand, on a host of its own, with a replier."""

    def __init__(self, site: "Site", postfix: Postfix, number: int, host: Host):
        super().__init__(site, postfix, number)
        self.host = host
        self.replier: Process | None = None
        self.env: dict[str, str] = {}
        self.milter_log = site.dir / f"{self.name}.log"
        self.replier_log = site.dir / f"{self.name}-replier.log"

    @property
    def address(self) -> str:
        return self.postfix.address

    @property
    def port(self) -> int:
        return self.postfix.milter_port

    def start(self) -> None:
        if self.process is None or not self.process.running():
            super().start()

    def start_replier(self) -> None:
        if self.replier is None or not self.replier.running():
            command = self.host.command([self.stand.build / "outage-replier", "-f", "-c", self.config])
            self.replier = Process(f"{self.name}-replier", command, self.replier_log, {**PROGRAM_ENV, **self.env})
            self.replier.wait_for_line("event=ready")

    def spool(self, *states: str) -> int:
        """How many acknowledgements this node keeps by itself in these states."""
        path = self.state_dir / "spool.db"
        if not path.exists():
            return 0
        marks = ", ".join("?" * len(states))
        try:
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as spool:
                return spool.execute(f"SELECT count(*) FROM acks WHERE state IN ({marks})", states).fetchone()[0]
        except sqlite3.OperationalError:
            return 1  # not made yet, or locked for all that time: look again


class Site(Stand):
    """See the top of this file. `site.nodes` are SiteNodes."""

    def __init__(self, folder: Path, network):
        self.network = network
        self.desk = folder / "desk.conf"
        self.sink = Sink(network.customers, network.sink_port)
        self.redis_site = RedisSite(folder, network.hosts)
        self.changes: dict = {}
        self.deaf: list[Span] = []
        self._down: dict[str, float] = {}
        relay = {"relayhost": f"[{network.customers}]:{network.sink_port}", **RELAYING}
        postfixes = [Postfix(folder, host.name, host.outer, (host.ports["smtp"], host.ports["submission"]), host.command,
                             ("support.example",), "1h", relay) for host in network.hosts]
        super().__init__(folder, postfixes, self.redis_site)

    def _make_node(self, postfix: Postfix, number: int) -> SiteNode:
        return SiteNode(self, postfix, number, self.network.hosts[number - 1])

    # -- configuration, start, stop

    def configure(self, changes: dict | None = None) -> None:
        """Settings beyond the standard ones and COMMON; takes effect when the programs start."""
        self.changes = dict(changes or {})
        shared = {**COMMON, "secret_file": str(self.dir / "secret"), **self.changes}
        for node in self.nodes:
            node.state_dir.mkdir(exist_ok=True)
            node.state_dir.chmod(0o700)
            own = settings.standard(node.state_dir, f"unix:{node.socket}", self.store_url, node.postfix.plain_port)
            node.config.write_text(settings.to_libconfig({**own, **shared, "node": node.name}))
        (self.dir / "state-desk").mkdir(exist_ok=True)
        own = settings.standard(self.dir / "state-desk", f"unix:{self.dir}/desk.sock", self.store_url, 25)
        self.desk.write_text(settings.to_libconfig({**own, **shared, "node": "desk"}))

    def milter_command(self, node: SiteNode) -> list:
        args = [self.build / "outage-milter", "-f", "-c", node.config]
        return node.host.command(["env", *(f"{name}={value}" for name, value in node.env.items()), *args] if node.env else args)

    def start(self) -> "Site":
        """Whatever does not run; waits until Redis is whole."""
        self.start_all()
        self.redis_site.wait_whole(WHOLE_WITHIN)
        return self

    def start_all(self) -> None:
        """Whatever does not run. A primary that came back may take Sentinel ten seconds more to make a replica of."""
        self.redis_site.start()
        self.redis_site.wait_primary()
        for node in self.nodes:
            self.start_postfix(node)
            self.start_milter(node)
            node.start_replier()

    def stop(self) -> None:
        """Ends the programs of the nodes; one that ends badly is an error."""
        bad = []
        running = [process for node in self.nodes for process in (node.process, node.replier)
                   if process is not None and process.running()]
        for process in running:
            process.signal(signal.SIGCONT)
            process.signal(signal.SIGTERM)
        for node in self.nodes:
            with contextlib.suppress(TimeoutError):
                node.hurry()
        for process in running:
            try:
                if process.wait(30) != 0:
                    bad.append(f"{process.name} ended badly:\n" + "\n".join(process.lines[-30:]))
            except subprocess.TimeoutExpired:
                process.kill()
                bad.append(f"{process.name} did not end within 30 s of SIGTERM:\n" + "\n".join(process.lines[-30:]))
        if bad:
            raise RuntimeError("\n".join(bad))

    def close(self) -> None:
        """Ends everything, whatever state it is in; each by its own pid."""
        for daemon in [*self.redis_site.servers, *self.redis_site.sentinels]:
            if daemon.running():
                daemon.kill()
        for node in self.nodes:
            for process in (node.process, node.replier):
                if process is not None and process.running():
                    process.kill()
            with contextlib.suppress(Exception):
                node.postfix.kill()
        with contextlib.suppress(Exception):
            self.sink.stop()

    def restart_programs(self, changes: dict) -> None:
        """Milters and repliers with other settings, unless they have them already."""
        if changes == self.changes:
            return
        self.stop()
        self.configure(changes)
        self.start()

    # -- what can be broken

    def kill_milter(self, node: SiteNode) -> None:
        self._down[node.name] = time.monotonic()
        node.process.kill()

    def start_milter(self, node: SiteNode) -> None:
        node.start()
        if node.name in self._down:
            self.deaf.append(Span(node.name, self._down.pop(node.name), time.monotonic()))

    def start_postfix(self, node: SiteNode) -> None:
        if not node.postfix.running():
            node.postfix.start()

    def programs(self, node: SiteNode) -> list[Process]:
        return [node.process, node.replier]

    # -- seeing

    def ready_mail(self, node: SiteNode) -> int:
        """Messages in the Postfix of this node. What cleanup had not finished when it was killed was never accepted, and lies there
        all the same."""
        count = 0
        for folder in ("maildrop", "incoming", "active", "deferred"):
            for path in (node.postfix.dir / "queue" / folder).rglob("*"):
                with contextlib.suppress(FileNotFoundError):
                    count += path.is_file() and bool(path.stat().st_mode & 0o100)
        return count

    def desk_ctl(self, *args: str):
        return run([self.build / "outagectl", "-c", self.desk, *args], check=False, timeout=30)

    def acks(self) -> dict | None:
        """The queue as `outagectl status` tells it; None where it cannot."""
        done = self.desk_ctl("status", "--json")
        try:
            return json.loads(done.stdout)["acks"] if done.returncode == 0 else None
        except (ValueError, KeyError):
            return None

    def left_over(self) -> str:
        """What is still on its way, in words; "" where there is nothing."""
        found = [f"{count} mails in Postfix of {node.name}" for node in self.nodes if (count := self.ready_mail(node))]
        found += [f"{count} acknowledgements kept by {node.name}" for node in self.nodes
                  if (count := node.spool("local", "held", "asked"))]
        acks = self.acks()
        if acks is None:
            return "; ".join([*found, "outagectl status fails"])
        if acks["pending"] or acks["delayed"]:
            found.append(f"{acks['pending']} acknowledgements pending and {acks['delayed']} delayed in Redis")
        return "; ".join(found)

    def wait_done(self) -> str:
        """Waits until nothing is on its way any more, twice in a row; returns what is left at the deadline."""
        deadline = time.monotonic() + DONE_WITHIN
        clean = 0
        while clean < 2:
            left = self.left_over()
            clean = 0 if left else clean + 1
            if time.monotonic() > deadline:
                return left or "work that comes and goes"
            if clean < 2:
                pause(0.25)
        return ""

    def dead(self) -> list[str]:
        """Acknowledgements that were given up, as outagectl lists them."""
        return [line for line in self.desk_ctl("acks", "dead").stdout.splitlines() if line.strip()]

    def delivered(self, seen: dict[Path, tuple[str, bool]]) -> dict[str, list[bool]]:
        """Message-ID -> for each copy in a support mailbox, whether the milter had tagged it. seen: what was read before."""
        found: dict[str, list[bool]] = {}
        for node in self.nodes:
            folder = node.postfix.mail / "support.example" / "new"
            for path in folder.iterdir() if folder.is_dir() else ():
                if path not in seen:
                    with path.open("rb") as file:
                        head = email.message_from_binary_file(file)
                    seen[path] = ((head["Message-ID"] or "").strip(), head["X-Outage-Incident"] is not None)
                message_id, tagged = seen[path]
                found.setdefault(message_id, []).append(tagged)
        return found

    def tell(self, address: str, limit: int = 14) -> list[str]:
        """What is known of one customer: the marks in Redis, and what each node logged about them."""
        primary = self.redis_site.primary()
        told = []
        secret = (self.dir / "secret").read_bytes().strip()
        hashed = hmac.new(secret, address.encode(), hashlib.sha256).hexdigest()[:32]
        if primary is not None:
            client = primary.client()
            told += [f"mark {key} = {client.get(key)}" for key in client.scan_iter(f"outage:acked:*:{hashed}", count=1000)]
        for node in self.nodes:
            for log in (node.milter_log, node.replier_log):
                lines = log.read_text(errors="replace").splitlines() if log.exists() else []
                told += [f"{log.stem}: {line}" for line in lines if address in line]
        return told[:limit]

    # -- incidents

    def flip(self, word: str) -> tuple[float, float]:
        """Sets the flip key and waits until every node knows; returns when it began and when that was so."""
        begin = time.monotonic()
        self.redis_site.set("outage:incident", word)
        self.wait_word("" if word == "none" else word, 60)
        return begin, time.monotonic()

    def write_fix(self) -> None:
        primary = self.redis_site.wait_primary()
        primary.client().hset("outage:incident:default", mapping={"title": "Login and API are down", "fix": FIX_TEXT})
