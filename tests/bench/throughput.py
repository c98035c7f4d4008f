"""outage-milter beside milters that do nothing, in one run: CPU, throughput and latency. Part of scripts/bench.

Each round measures every contestant once, in turn, so that what else happens on the machine hits all alike; the table has the
medians over the rounds. The figures of one machine say little: the ratios to the no-op of the same run are what counts."""

import json
import statistics
from pathlib import Path

from ground import Redis, build_dir, eventually, run
import settings
from milterclient import MilterSession
from process import Process, can_connect

# Goals at one connection: (contestant, size) -> most CPU a message may take, in no-ops with no-reply flags.
GOALS = {("no incident", 4096): 1.3, ("no incident", 65536): 1.3,
         ("P1, matched, claimed", 4096): 3.0, ("P1, matched, claimed", 65536): 8.0}
FLOOR = "no-op, no reply"
COLUMNS = ("CPU us/msg", "x no-op", "msg/s", "of no-op", "p50 us", "p99 us", "headers")


class Contestant:
    """A running milter and how it is to be loaded."""

    def __init__(self, name: str, process: Process, socket: Path, load: list[str]):
        self.name, self.process, self.socket, self.load = name, process, socket, load
        self.results: dict[tuple[int, int], list[dict]] = {}


class Throughput:
    def __init__(self, folder: Path, options):
        self.dir = folder / "throughput"
        self.dir.mkdir()
        self.options = options
        self.build = build_dir()
        self.tools = self.build / "tests" / "bench"
        self.contestants: list[Contestant] = []
        self.redis = Redis(folder)
        self.first = 0

    def start_noop(self, name: str, *args: str) -> None:
        socket = self.dir / f"noop{len(self.contestants)}.sock"
        process = Process(name, [self.tools / "noop-milter", *args, f"unix:{socket}"], self.dir / "noop.log")
        process.wait_for_line("event=ready")
        self.contestants.append(Contestant(name, process, socket, []))

    def start_milter(self, name: str, word: str, load: list[str], own: dict | None = None) -> None:
        """A milter with a key space of its own in the shared Redis. own: settings of its own."""
        number = len(self.contestants)
        state = self.dir / f"state{number}"
        state.mkdir()
        socket = self.dir / f"milter{number}.sock"
        changes = {"store.prefix": f"bench{number}:", "ack.domain_cap": 0, "ack.site_cap": 0, "log.level": "warning",
                   "socket_group": "", **(own or {})}
        config = self.dir / f"milter{number}.conf"
        config.write_text(settings.to_libconfig({**settings.standard(state, f"unix:{socket}", self.redis.url, 25), **changes}))
        process = Process(name, [self.build / "outage-milter", "-f", "-c", config], self.dir / f"milter{number}.log")
        eventually(lambda: socket.exists() and can_connect(socket), 20, f"{name} listens")
        if word:
            self.redis.cli("SET", f"bench{number}:incident", word)
        eventually(lambda: self.word(socket) == bool(word), 20, f"{name} knows the word")
        self.contestants.append(Contestant(name, process, socket, load))

    @staticmethod
    def word(socket: Path) -> bool:
        """True where the milter tags mail."""
        session = MilterSession(socket)
        headers = [("From", "<probe@other.example>"), ("Subject", "probe")]
        answer = session.message("", [settings.SUPPORT], headers, b"probe\r\n")
        session.close()
        return bool(answer.header("X-Outage-Incident"))

    def start(self) -> None:
        self.redis.start()
        outage = ["--outage", "100", "--authres", settings.TRUSTED_ID]
        plain = ["--authres", settings.TRUSTED_ID]
        self.start_noop(FLOOR)
        self.start_noop("no-op, 3 headers", "-a", "3")
        self.start_noop("no-op, a reply a step", "-m", "reply")
        self.start_milter("no incident", "", plain)
        self.start_milter("mail to others", "P1", [*plain, "--rcpt", "somebody@corp.example"])
        self.start_milter("P1, not matched", "P1", plain)
        self.start_milter("P1, matched, claimed", "P1", outage)

    def stop(self) -> None:
        for contestant in self.contestants:
            contestant.process.kill()
        self.redis.stop()

    def measure(self, contestant: Contestant, size: int, connections: int, count: int) -> dict:
        # Each customer writes once: every outage mail is a new claim.
        self.first += 1_000_000
        warmup = 20 * connections
        done = run([self.tools / "milterload", "--socket", f"unix:{contestant.socket}", "--pid", contestant.process.pid,
                    "--size", size, "--connections", connections, "--messages", count, "--warmup", warmup,
                    "--first", self.first, "--senders", 2_000_000_000, *contestant.load], timeout=300)
        return json.loads(done.stdout)

    def measure_all(self) -> None:
        for size in self.options.sizes:
            for connections in self.options.connections:
                count = self.options.messages if size <= 8192 else self.options.messages // 4
                for round_number in range(self.options.rounds):
                    order = self.contestants if round_number % 2 == 0 else self.contestants[::-1]
                    for contestant in order:
                        result = self.measure(contestant, size, connections, count)
                        contestant.results.setdefault((size, connections), []).append(result)
                self.print_table(size, connections)

    def median(self, contestant: Contestant, key: tuple[int, int], what: str) -> float:
        return statistics.median(result[what] for result in contestant.results[key])

    def print_table(self, size: int, connections: int) -> None:
        key = (size, connections)
        floor = self.contestants[0]
        print(f"\n{size} bytes, {connections} connection{'s' if connections > 1 else ''}"
              f" (medians of {self.options.rounds} rounds)")
        print(" " * 24 + "".join(f"{column:>11}" for column in COLUMNS) + "  goal")
        for contestant in self.contestants:
            cpu, rate, p50, p99, headers = (self.median(contestant, key, what)
                                            for what in ("cpu_us", "rate", "p50_us", "p99_us", "headers"))
            ratio = cpu / self.median(floor, key, "cpu_us")
            part = rate / self.median(floor, key, "rate")
            goal = GOALS.get((contestant.name, size)) if connections == 1 else None
            verdict = f"  <= {goal}: {'met' if ratio <= goal else 'MISSED'}" if goal else ""
            print(f"{contestant.name:24}{cpu:11.1f}{ratio:11.2f}{rate:11.0f}{part:11.2f}{p50:11.0f}{p99:11.0f}{headers:11.1f}"
                  f"{verdict}", flush=True)

    def run(self) -> None:
        try:
            self.start()
            self.measure_all()
        finally:
            self.stop()
