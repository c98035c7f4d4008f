"""What the end of a message costs while the store is healthy, dead, stalled, cut off or locked. Part of scripts/bench.

A real milter with an open incident gets outage reports, each from a customer of his own, at a fixed rate; the load begins the moment
the trouble does. The first messages may all be under way before anybody knows; the others come after, and should cost next to nothing."""

import contextlib
import selectors
import socket
import sqlite3
import threading
from pathlib import Path

from ground import BenchRedis, Milter, eventually, print_table
from process import free_port

CONNECTIONS = 8
RATE = 100
BUDGET_MS = 250  # the default of store.budget
COLUMNS = ["median ms", "99th", "max", f"first {CONNECTIONS}", "rest median", "rest 99th", "rest max", "x healthy", "99th x", "taken"]


class Line(threading.Thread):
    """A TCP relay in front of a server, to be cut like a network: nothing is closed, nothing comes through, no connection is made."""

    def __init__(self, port: int):
        super().__init__(daemon=True)
        self.port = free_port()
        self._to = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self._selector = selectors.DefaultSelector()
        self._knock, self._heard = socket.socketpair()
        self._selector.register(self._heard, selectors.EVENT_READ)
        self._peers: dict[socket.socket, socket.socket] = {}
        self._fillers: list[socket.socket] = []
        self._order = ""
        self._obeyed = threading.Event()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def _tell(self, order: str) -> None:
        self._obeyed.clear()
        self._order = order
        self._knock.send(b"!")
        self._obeyed.wait(10)

    def cut(self) -> None:
        self._tell("cut")

    def mend(self) -> None:
        """As a router that was started again: new connections work, old ones are unknown."""
        self._tell("mend")

    def close(self) -> None:
        self._tell("close")

    def run(self) -> None:
        while self._order != "close":
            for key, _ in self._selector.select():
                if key.fileobj is self._heard:
                    self._obey()
                elif key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj in self._peers:
                    self._pass_on(key.fileobj)

    def _obey(self) -> None:
        self._heard.recv(16)
        if self._order == "cut":
            for sock in (self._listener, *self._peers):
                self._selector.unregister(sock)
            self._fill_up()
        elif self._order == "mend":
            for sock in (*self._peers, *self._fillers):
                sock.close()
            self._peers.clear()
            self._fillers.clear()
            self._listener.listen(64)
            self._selector.register(self._listener, selectors.EVENT_READ)
        else:
            for sock in (self._listener, *self._peers, *self._fillers):
                sock.close()
        self._obeyed.set()

    def _fill_up(self) -> None:
        """With its queue of connections full, the kernel drops whoever knocks, as a network that is gone does."""
        self._listener.listen(0)
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(sock)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(self._to, 2)
        except OSError:
            near.close()
            return
        for sock, peer in ((near, far), (far, near)):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[sock] = peer
            self._selector.register(sock, selectors.EVENT_READ)

    def _pass_on(self, sock: socket.socket) -> None:
        peer = self._peers[sock]
        try:
            data = sock.recv(65536)
            if data:
                peer.sendall(data)
        except OSError:
            data = b""
        if not data:
            for end in (sock, peer):
                self._selector.unregister(end)
                del self._peers[end]
                end.close()


class Trouble:
    def __init__(self, folder: Path, options):
        self.dir = folder / "trouble"
        self.dir.mkdir()
        self.count = int(options.trouble_seconds * RATE)
        self.first = 0
        self.rows: list[list] = []
        self.healthy: dict = {}

    def measure(self, name: str, milter: Milter, count: int = 0) -> None:
        result = milter.load(self.first, CONNECTIONS, count or self.count, RATE)
        self.first += 1_000_000
        if name.startswith("healthy"):
            self.healthy = result
        ms = [f"{result[key] / 1000:.2f}" for key in ("eom_p50_us", "eom_p99_us", "eom_max_us", "eom_first_us", "rest_p50_us",
                                                     "rest_p99_us", "rest_max_us")]
        ratios = [f"{result[key] / max(self.healthy[key], 1):.2f}" for key in ("rest_p50_us", "rest_p99_us")]
        self.rows.append([name, *ms, *ratios, f"{100 * result['queued'] / max(result['messages'], 1):.0f} %"])

    def print(self, title: str) -> None:
        print_table(title, COLUMNS, self.rows)
        self.rows = []

    def wait_taken(self, milter: Milter, redis: BenchRedis) -> None:
        """Until an acknowledgement gets into Redis at once."""
        def marks() -> int:
            return int(redis.cli("EVAL", "return #redis.call('KEYS', 'outage:acked:*')", "0"))

        def taken() -> bool:
            before = marks()
            milter.load(self.first, 1, 1)
            self.first += 1
            return marks() > before
        eventually(taken, 60, "acknowledgements are taken again")

    def redis(self) -> None:
        redis = BenchRedis(self.dir)
        redis.start()
        milter = Milter(self.dir, "on-redis", redis.url)
        try:
            redis.cli("SET", "outage:incident", "P1")
            milter.start().wait_word("P1")

            self.wait_taken(milter, redis)
            self.measure("healthy", milter)
            redis.kill()
            self.measure("dead: kill -9, port closed", milter)
            redis.start()
            self.measure("  started again", milter)
            self.wait_taken(milter, redis)
            redis.freeze()
            self.measure("stalled: SIGSTOP, nothing closes", milter)
            redis.thaw()
            self.measure("  SIGCONT", milter)
        finally:
            milter.stop()
            redis.stop()
        self.print(f"End of message in trouble, store on Redis: {RATE} outage reports a second over {CONNECTIONS} connections, "
                   f"budget {BUDGET_MS} ms")

    def network(self) -> None:
        redis = BenchRedis(self.dir, "redis-behind")
        redis.start()
        line = Line(redis.port)
        milter = Milter(self.dir, "behind-line", line.url)
        try:
            redis.cli("SET", "outage:incident", "P1")
            milter.start().wait_word("P1")
            self.wait_taken(milter, redis)
            self.measure("healthy, through a relay of ours", milter)
            line.cut()
            self.measure("cut off: the network drops everything", milter)
            line.mend()
            self.measure("  mended, old connections reset", milter)
        finally:
            milter.stop()
            line.close()
            redis.stop()
        self.print("The same behind a network that goes away (the relay itself costs something: compare within this table)")

    def sqlite(self) -> None:
        path = self.dir / "store.db"
        milter = Milter(self.dir, "on-sqlite", f"sqlite:{path}")
        try:
            milter.start()
            milter.ctl("declare", "P1")
            milter.wait_word("P1")
            self.measure("healthy", milter)
            with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as other:
                other.execute("BEGIN IMMEDIATE")
                self.measure("locked by another process", milter)
            self.measure("  lock released", milter)
        finally:
            milter.stop()
        self.print("The same, store in an SQLite file")

    def run(self) -> None:
        for part in (self.redis, self.network, self.sqlite):
            part()
        print("taken: mail whose X-Outage-Ack says queued; what is not taken passes all the same")
