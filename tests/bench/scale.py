"""How far one store carries: claims a second by nodes, a million accounts, a million acknowledged senders, fifty watching nodes.
Part of scripts/bench. Figures of one machine say little; what stands side by side in one table was measured in one run."""

import contextlib
import json
import shutil
import socket
import sqlite3
import statistics
import tempfile
import threading
import time
from pathlib import Path

from ground import MIB, BenchRedis, Milter, eventually, print_list, print_table, run, tool

NODES = (1, 2, 4)
FLIP_GOAL_MS = {"Redis": 5, "SQLite": 100}  # design 7.3: 99th percentile
WAITING = 40_000  # acknowledgements that ack.site_cap has put off
SLOW_US = 250     # commands that take Redis longer are noted


def account_key(number: int) -> str:
    return f"customer{number}.example"


def account_json(number: int, name: str = "") -> str:
    return (f'{{"account":"{name or f"Customer {number}"}","level":"gold","manager":"manager{number % 50}@corp.example",'
            '"respond_within":"30m"}')


class Flipper(threading.Thread):
    """Flips the word again and again while it runs, and notes how long each took until the milter tagged mail with it."""

    def __init__(self, redis: BenchRedis, milter: Milter):
        super().__init__(daemon=True)
        self.redis, self.milter = redis, milter
        self.times: list[float] = []
        self.ended = threading.Event()
        self.start()

    def run(self) -> None:
        with socket.create_connection(("127.0.0.1", self.redis.port)) as hand:
            for number in range(1_000_000):
                if self.ended.is_set():
                    return
                word = ("P2", "P1")[number % 2]
                start = time.monotonic()
                hand.sendall(f"*3\r\n$3\r\nSET\r\n$15\r\noutage:incident\r\n$2\r\n{word}\r\n".encode())
                hand.recv(64)
                while self.milter.word() != word and not self.ended.is_set():
                    self.ended.wait(0.0005)
                self.times.append((time.monotonic() - start) * 1000)
                self.ended.wait(0.02)

    def stop(self) -> list[float]:
        self.ended.set()
        self.join(30)
        return self.times


class Scale:
    PARTS = ("claims", "accounts", "senders", "watchers")

    def __init__(self, folder: Path, options):
        self.dir = folder / "scale"
        self.dir.mkdir()
        self.parts = options.only or self.PARTS
        self.seconds, self.rounds, self.flips_count = options.scale_seconds, options.scale_rounds, options.flips
        self.accounts_count = options.accounts
        self.senders_count = options.senders
        self.watchers_count = options.watchers
        self.first = 0
        self.servers = 0

    def claim(self, url: str, redis: BenchRedis | None, nodes: int, *more) -> dict:
        """One run of claimbench; each has senders of its own."""
        self.first += 10_000_000
        pid = ["--pid", redis.process.pid] if redis is not None else []
        done = run([tool("claimbench"), "--url", url, "--secret", self.dir / "secret", "--nodes", nodes, "--first", self.first,
                    "--seconds", self.seconds, *pid, *more], timeout=600)
        return json.loads(done.stdout)

    def server(self, sync: str = "everysec") -> BenchRedis:
        self.servers += 1
        redis = BenchRedis(self.dir, f"redis{self.servers}", sync)
        redis.start()
        return redis

    @staticmethod
    def middle(results: list[dict]) -> dict:
        """The run with the median rate."""
        return sorted(results, key=lambda result: result["rate"])[len(results) // 2]

    # -- claims

    def claims(self) -> None:
        wanted = [("SET NX + XADD alone", nodes, "everysec", ["--plain"]) for nodes in NODES]
        wanted += [("claims", nodes, "everysec", []) for nodes in NODES]
        queued = WAITING // (4 * NODES[-1])
        wanted += [("claims, shipped caps on", NODES[-1], "everysec", ["--caps"]),
                   (f"  {WAITING} waiting", NODES[-1], "everysec", ["--caps"]),
                   ("claims, appendfsync always", NODES[-1], "always", []), ("claims, no log on disk", NODES[-1], "never", [])]
        results: list[list[dict]] = [[] for _ in wanted]
        for _ in range(self.rounds):
            for place, (name, nodes, sync, more) in enumerate(wanted):
                redis = self.server(sync)
                try:
                    if name.endswith("waiting"):
                        self.claim(redis.url, redis, nodes, "--caps", "--count", queued)
                    results[place].append(self.claim(redis.url, redis, nodes, *more))
                finally:
                    redis.stop()
                    shutil.rmtree(redis.dir)
        plain = {nodes: self.middle(results[place])["rate"] for place, nodes in enumerate(NODES)}
        one_node = self.middle(results[len(NODES)])["rate"]
        rows = []
        for (name, nodes, _, _), runs in zip(wanted, results):
            result = self.middle(runs)
            rows.append([f"{name}, {nodes} node{'s' if nodes > 1 else ''}", f"{result['rate']:.0f}", f"{result['rate'] / one_node:.2f}",
                         f"{result['rate'] / plain[nodes]:.2f}", f"{result['server_us']:.0f}", f"{100 * result['server_share']:.0f} %",
                         f"{1_000_000 / result['server_us']:.0f}", f"{result['p50_us'] / 1000:.2f}", f"{result['p99_us'] / 1000:.2f}"])
        print_table("Claims against one Redis: each node a process with 4 connections, senders who never wrote before "
                    f"({self.seconds:g} s each, median of {self.rounds} rounds)",
                    ["a second", "x 1 node", "x SET+XADD", "Redis us each", "Redis of a core", "a core of its own", "median ms", "99th"],
                    rows)
        print("nodes and Redis share the cores of this machine; \"a core of its own\": claims a second if Redis had nothing else to "
              "wait for")

    # -- accounts

    def fill_accounts(self, redis: BenchRedis) -> None:
        slice_size = 50
        redis.fill(["HSET", "outage:accounts", *(part for number in range(start, min(start + slice_size, self.accounts_count))
                                                  for part in (account_key(number), account_json(number)))]
                   for start in range(0, self.accounts_count, slice_size))

    def knows(self, milter: Milter, number: int, name: str = "") -> bool:
        return f'"{name or f"Customer {number}"}"' in milter.ask(f"somebody@{account_key(number)}").get("Account", "")

    def accounts(self) -> None:
        count = self.accounts_count
        redis = self.server()
        milters = []
        try:
            redis.cli("SET", "outage:incident", "P1")
            without = Milter(self.dir, "without", redis.url).start()
            milters.append(without)
            without.wait_word("P1")
            bare, _ = without.memory()
            without.stop()
            before = redis.memory()
            start = time.monotonic()
            self.fill_accounts(redis)
            filled, each = time.monotonic() - start, (redis.memory() - before) / count
            redis.watch_slow(SLOW_US)
            milter = Milter(self.dir, "with", redis.url)
            milters.append(milter)
            cpu, start = redis.cpu(), time.monotonic()
            milter.start()
            milter.wait_word("P1")
            tagged = time.monotonic() - start
            flipper = Flipper(redis, milter)
            sample = [count - 1, *range(0, count, max(count // 20, 1))]
            for number in sample:
                eventually(lambda number=number: self.knows(milter, number), 300, f"account {number} is known")
            known, cpu = time.monotonic() - start, redis.cpu() - cpu
            flips = flipper.stop()
            now, most = milter.memory()
            slow = redis.slowest()
            redis.watch_slow(SLOW_US)
            set_in, seen_in = self.change_account(milter)
            redis.cli("SET", "outage:incident", "P1")
            flips_after = self.flips_of(redis, milter)
            change_slow = redis.slowest()
            again, _ = milter.memory()
        finally:
            for milter in milters:
                milter.stop()
            redis.stop()
        rows = [
            ("in Redis, bytes each", f"{each:.0f}", f"filled in {filled:.1f} s"),
            ("a fresh node tags mail after", f"{tagged:.2f} s", "with the incident"),
            ("  and has all accounts after", f"{known:.2f} s", f"Redis spent {cpu:.2f} s of CPU on it"),
            ("longest command in Redis meanwhile", slow, "by the wall clock, with everything else on these cores"),
            ("flip to tagged mail meanwhile", self.summary(flips), f"{len(flips)} flips"),
            ("  afterwards", self.summary(flips_after), f"{len(flips_after)} flips"),
            ("resident memory of the milter", f"{now:.0f} MiB",
             f"without accounts {bare:.0f}, at most {most:.0f}, after a change {again:.0f}"),
            ("  of it, bytes an account", f"{(now - bare) * MIB / count:.0f}", ""),
            ("one `outagectl accounts set`", f"{seen_in * 1000:.0f} ms",
             f"until the node has it; the command itself took {set_in * 1000:.0f}"),
            ("longest command in Redis for it", change_slow, ""),
        ]
        print_list(f"{count} accounts", rows)

    @staticmethod
    def summary(times: list[float]) -> str:
        return f"median {statistics.median(times):.1f} ms, longest {max(times):.1f}" if times else "none seen"

    def change_account(self, milter: Milter) -> tuple[float, float]:
        number = self.accounts_count // 2
        start = time.monotonic()
        milter.ctl("accounts", "set", account_key(number), account_json(number, "Renamed"))
        done = time.monotonic()
        eventually(lambda: self.knows(milter, number, "Renamed"), 300, "the changed account is known")
        return done - start, time.monotonic() - start

    def flips_of(self, redis: BenchRedis, milter: Milter) -> list[float]:
        milter.wait_word("P1")
        flipper = Flipper(redis, milter)
        eventually(lambda: len(flipper.times) >= 20, 60, "20 flips were seen")
        return flipper.stop()

    # -- acknowledged senders

    def senders(self) -> None:
        rows, servers = [], [self.server(), self.server()]
        try:
            clones = self.learn_sender(servers[1])
            before, start = servers[1].memory(), time.monotonic()
            servers[1].fill(clone for number in range(self.senders_count) for clone in clones(f"{number * 2654435761 % 2**64:032x}"))
            each, filled = (servers[1].memory() - before) / self.senders_count, time.monotonic() - start
            servers[1].watch_slow(SLOW_US)
            # Without and with, in turn: what else the machine does hits both.
            runs = [[[self.claim(redis.url, redis, nodes) for redis in servers] for _ in range(self.rounds)] for nodes in NODES]
            slow = servers[1].slowest()
        finally:
            for redis in servers:
                redis.stop()
        for nodes, pairs in zip(NODES, runs):
            empty, full = (self.middle([pair[place] for pair in pairs]) for place in (0, 1))
            rows.append([f"Redis, {nodes} node{'s' if nodes > 1 else ''}", f"{empty['rate']:.0f}", f"{full['rate']:.0f}",
                         f"{full['rate'] / empty['rate']:.2f}", f"{full['server_us'] / empty['server_us']:.2f}",
                         f"{full['p99_us'] / 1000:.2f}"])
        path = self.dir / "senders.db"
        before_db, after_db, empty_db, full_db = self.sqlite_senders(path)
        rows.append(["SQLite, 1 node", f"{empty_db['rate']:.0f}", f"{full_db['rate']:.0f}", f"{full_db['rate'] / empty_db['rate']:.2f}",
                     "", f"{full_db['p99_us'] / 1000:.2f}"])
        print_table(f"Claims with {self.senders_count} senders acknowledged in this incident",
                    ["a second, none", "with them", "ratio", "Redis CPU x", "99th ms with"], rows)
        print(f"Redis: {each:.0f} bytes a sender (keys learned from a real one; filled in {filled:.0f} s), longest command while claiming "
              f"{slow}; SQLite: {(after_db - before_db) / self.senders_count:.0f} bytes a sender, file {after_db / MIB:.0f} MiB")

    def learn_sender(self, redis: BenchRedis):
        """Lets one sender be acknowledged for real, and returns a function that gives the commands for one more with another hash."""
        self.claim(redis.url, redis, 1, "--connections", 1, "--count", 1, "--end")
        mark, = redis.cli("--raw", "KEYS", "outage:acked:*").split()
        own = mark.rsplit(":", 1)[1]
        made: list[list[str]] = []
        for key in redis.cli("--raw", "KEYS", "*").split():
            kind = redis.cli("TYPE", key)
            if own in key and kind == "string":
                made.append(["SET", key, redis.cli("--raw", "GET", key), "EX", redis.cli("TTL", key)])
            elif own in key:
                raise RuntimeError(f"{key}: a {kind}, which nobody here can copy")
            elif kind == "set" and redis.cli("SISMEMBER", key, own) == "1":
                made.append(["SADD", key, own])
            elif kind == "zset" and redis.cli("ZSCORE", key, own):
                made.append(["ZADD", key, redis.cli("ZSCORE", key, own), own])
            elif kind == "hash" and redis.cli("HEXISTS", key, own) == "1":
                made.append(["HSET", key, own, redis.cli("--raw", "HGET", key, own)])

        def clones(fresh: str) -> list[list[str]]:
            return [[word.replace(own, fresh) for word in command] for command in made]
        return clones

    def sqlite_senders(self, path: Path) -> tuple[int, int, dict, dict]:
        url, empty_url = f"sqlite:{path}", f"sqlite:{self.dir}/empty.db"
        self.claim(url, None, 1, "--connections", 1, "--count", 1, "--end")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
            before = self.checkpointed_size(db, path)
            own, = db.execute("SELECT hash FROM marks").fetchone()
            db.execute("PRAGMA synchronous = OFF")
            db.execute("BEGIN IMMEDIATE")
            db.execute("CREATE TEMP TABLE fresh AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                       f" WHERE i < {self.senders_count}) SELECT lower(hex(randomblob(16))) AS hash FROM n")
            for table, in db.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall():
                names = [row[1] for row in db.execute(f"PRAGMA main.table_info({table})")]
                for held in [name for name in names if db.execute(f"SELECT 1 FROM {table} WHERE {name} = ?", (own,)).fetchone()]:
                    picked = ", ".join("fresh.hash" if name == held else f"own.{name}" for name in names)
                    db.execute(f"INSERT INTO {table} SELECT {picked} FROM fresh, (SELECT * FROM {table} WHERE {held} = ?) AS own",
                               (own,))
            db.execute("COMMIT")
            after = self.checkpointed_size(db, path)
        runs = [[self.claim(place, None, 1) for place in (empty_url, url)] for _ in range(self.rounds)]
        empty, full = (self.middle([pair[place] for pair in runs]) for place in (0, 1))
        return before, after, empty, full

    @staticmethod
    def checkpointed_size(db: sqlite3.Connection, path: Path) -> int:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return path.stat().st_size

    # -- watchers

    def flips(self, url: str, redis: BenchRedis | None, nodes: int, count: int) -> tuple[dict, float]:
        """Runs flipbench; also returns Redis' CPU time for each flip in ms. Fifty nodes have fifty disks: what each of them keeps for a
        restart is written to memory here, where there is a folder for it."""
        state = Path(tempfile.mkdtemp(prefix="outage-bench-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        try:
            before = redis.cpu() if redis is not None else 0
            result = json.loads(run([tool("flipbench"), url, state, count, nodes], timeout=300).stdout)
            return result, ((redis.cpu() - before) * 1000 if redis is not None else 0) / result["flips"]
        finally:
            shutil.rmtree(state)

    def watchers(self) -> None:
        rows, base = [], 0.0
        for name, nodes, count in (("Redis", 1, self.flips_count), ("Redis", self.watchers_count, self.flips_count // 5),
                                   ("SQLite", 1, self.flips_count // 5)):
            redis = self.server() if name == "Redis" else None
            try:
                result, cpu = self.flips(redis.url if redis is not None else f"sqlite:{self.dir}/flip.db", redis, nodes, count)
            finally:
                if redis is not None:
                    redis.stop()
            base = base or result["p50_us"]
            goal = FLIP_GOAL_MS[name]
            rows.append([f"{name}, {nodes} watching node{'s' if nodes > 1 else ''}, {result['flips']} flips",
                         *(f"{result[key] / 1000:.2f}" for key in ("p50_us", "p99_us", "max_us", "last_p50_us", "last_p99_us")),
                         f"{result['p50_us'] / base:.1f}", f"{result['p99_us'] / 1000 / goal:.2f} x {goal} ms",
                         f"{cpu:.2f}" if cpu else ""])
        print_table("From the flip to each node's new snapshot, all nodes connected to one store",
                    ["median ms", "99th", "max", "last one's median", "99th", "x 1 node", "99th of the goal", "Redis CPU ms a flip"],
                    rows)
        print("all nodes and Redis share the cores of this machine: each node's own work on a flip adds up here, and does not between "
              "machines")

    def run(self) -> None:
        for part in self.parts:
            getattr(self, part)()
