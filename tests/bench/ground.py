"""What the parts of scripts/bench stand on: a Redis that can be measured and filled, a milter, and a table."""

import json
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

import mail  # noqa: E402
import settings  # noqa: E402
from milterclient import MilterSession  # noqa: E402
from process import Process, build_dir, can_connect, eventually, run  # noqa: E402
from stand import Redis  # noqa: E402

MIB = 1024 * 1024


def tool(name: str) -> Path:
    """A program of tests/bench."""
    return build_dir() / "tests" / "bench" / name


class BenchRedis(Redis):
    """A Redis as sites run it (its log is synced once a second); nothing is rewritten while we measure."""

    def __init__(self, folder: Path, name: str = "redis", sync: str = "everysec"):
        super().__init__(folder, name)
        self.sync = sync
        self.slow_us = 0

    def start(self) -> None:
        self.process = Process("redis-server", ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.dir,
                                                "--save", "", "--appendonly", "yes" if self.sync != "never" else "no",
                                                "--appendfsync", self.sync if self.sync != "never" else "no",
                                                "--auto-aof-rewrite-percentage", "0"], self.dir / "redis.log")
        eventually(self.answers, 60, "Redis answers PING")

    def answers(self) -> bool:
        """Also: it has read its log again."""
        return super().answers() and "loading:0" in self.cli("INFO", "persistence")

    def info(self, section: str, name: str) -> str:
        found = re.search(rf"^{name}:(.*?)\r?$", self.cli("INFO", section), re.MULTILINE)
        return found.group(1) if found else ""

    def memory(self) -> int:
        """Bytes that its data takes."""
        return int(self.info("memory", "used_memory"))

    def cpu(self) -> float:
        """Seconds of CPU time so far."""
        return sum(float(self.info("cpu", name)) for name in ("used_cpu_user", "used_cpu_sys"))

    def fill(self, commands) -> None:
        """Runs many commands (lists of strings) through one pipeline."""
        pipe = subprocess.Popen(["redis-cli", "-p", str(self.port), "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, encoding="utf-8")
        parts: list[str] = []
        for words in commands:
            parts.append(f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words))
            if len(parts) == 10000:
                pipe.stdin.write("".join(parts))
                parts.clear()
        pipe.stdin.write("".join(parts))
        said, _ = pipe.communicate(timeout=300)
        if pipe.returncode != 0 or "errors: 0," not in said:
            raise RuntimeError(f"redis-cli --pipe: {said}")

    def watch_slow(self, microseconds: int) -> None:
        """From now on notes the commands that take longer."""
        self.slow_us = microseconds
        self.cli("CONFIG", "SET", "slowlog-log-slower-than", str(microseconds))
        self.cli("CONFIG", "SET", "slowlog-max-len", "10000")
        self.cli("SLOWLOG", "RESET")
        self.cli("CONFIG", "RESETSTAT")

    def slowest(self) -> str:
        """The longest command that was noted, and how long its kind takes as a rule."""
        noted = json.loads(self.cli("--json", "SLOWLOG", "GET", "10000"))
        longest = max(noted, key=lambda entry: entry[2], default=None)
        if longest is None:
            return f"below {self.slow_us / 1000:.2f} ms"
        name = longest[3][0].lower()
        usual = re.search(r"p99\.9=([\d.]+)", self.info("latencystats", f"latency_percentiles_usec_{name}"))
        rest = f"; 99.9 % of them below {float(usual.group(1)) / 1000:.2f}" if usual else ""
        return f"{longest[2] / 1000:.2f} ms ({name.upper()}{rest})"


class Milter:
    """A running outage-milter with a folder of its own, without an MTA."""

    def __init__(self, folder: Path, name: str, store_url: str, changes: dict | None = None):
        self.name = name
        self.dir = folder / name
        self.dir.mkdir()
        self.state_dir = self.dir / "state"
        self.state_dir.mkdir(mode=0o700)
        self.socket = self.dir / "milter.sock"
        self.config = self.dir / "milter.conf"
        own = {"ack.domain_cap": 0, "ack.site_cap": 0, "log.level": "warning", "socket_group": "",
               "secret_file": str(folder / "secret")}
        self.config.write_text(settings.to_libconfig({**settings.standard(self.state_dir, f"unix:{self.socket}", store_url, 25),
                                                      **own, **(changes or {})}))
        self.process: Process | None = None

    def start(self) -> "Milter":
        self.process = Process(self.name, [build_dir() / "outage-milter", "-f", "-c", self.config], self.dir / "milter.log")
        eventually(lambda: self.socket.exists() and can_connect(self.socket), 60, f"{self.name} listens")
        return self

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()

    def ctl(self, *args: str) -> str:
        return run([build_dir() / "outagectl", "-c", self.config, *args]).stdout

    def ask(self, sender: str = "probe@other.example") -> dict[str, str]:
        """The X-Outage headers that an outage report from there would get now; nothing is claimed."""
        headers = [mail.authenticated(sender), ("From", f"<{sender}>"), ("To", f"<{settings.SUPPORT}>"), ("Subject", "down")]
        session = MilterSession(self.socket)
        try:
            answer = session.message("", [settings.SUPPORT], headers, mail.OUTAGE_TEXT.encode())
        finally:
            session.close()
        return {name[len("X-Outage-"):]: value for name, value in answer.headers if name.startswith("X-Outage-")}

    def word(self) -> str:
        """The severity that mail is tagged with, or ""."""
        found = re.search(r"severity=(\w+)", self.ask().get("Incident", ""))
        return found.group(1) if found else ""

    def wait_word(self, word: str) -> None:
        eventually(lambda: self.word() == word, 60, f"{self.name} has {word}")

    def load(self, first: int, connections: int, count: int, rate: int = 0) -> dict:
        """Outage reports, each from a sender of its own that somebody vouches for; first: number of the first sender."""
        done = run([tool("milterload"), "--socket", f"unix:{self.socket}", "--connections", connections, "--messages", count,
                    "--warmup", 0, "--rate", rate, "--first", first, "--senders", 2_000_000_000, "--outage", 100,
                    "--timeout", 60, "--authres", settings.TRUSTED_ID], timeout=300)
        return json.loads(done.stdout)

    def memory(self) -> tuple[float, float]:
        """MiB resident now, and at most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        now, most = (int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE).group(1)) / 1024 for name in ("VmRSS", "VmHWM"))
        return now, most


def print_list(title: str, rows: list[tuple[str, str, str]]) -> None:
    """rows: name, value, remark."""
    print(f"\n{title}")
    width = max(len(value) for _, value, _ in rows) + 2
    for name, value, remark in rows:
        print(f"{name:38}{value:{width}}{remark}".rstrip())
    sys.stdout.flush()


def print_table(title: str, columns: list[str], rows: list[list], first_width: int = 38) -> None:
    """rows: a name and one text for each column."""
    print(f"\n{title}")
    widths = [max(len(column), *(len(str(row[i + 1])) for row in rows)) + 2 for i, column in enumerate(columns)]
    print(" " * first_width + "".join(f"{column:>{width}}" for column, width in zip(columns, widths)))
    for name, *cells in rows:
        print(f"{name:{first_width}}" + "".join(f"{cell!s:>{width}}" for cell, width in zip(cells, widths)))
    sys.stdout.flush()
