"""Programs of the test stand: started by argument list, known by their own pid, waited for by what they say or do.

Nothing here sleeps for a fixed time: every wait ends at its event or fails at its deadline."""

import os
import random
import select
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def build_dir() -> Path:
    """The folder with the built programs: $OUTAGE_BUILD, else build/ of the source tree, else its top."""
    tried = [Path(os.environ["OUTAGE_BUILD"]).resolve()] if "OUTAGE_BUILD" in os.environ else [TOP / "build", TOP]
    for folder in tried:
        if (folder / "outage-milter").exists():
            return folder
    raise FileNotFoundError(f"no outage-milter in {' or '.join(map(str, tried))}: build it, or name the folder in OUTAGE_BUILD")


def _ports() -> range:
    """Where servers get their ports: below those that the kernel gives to whoever connects, for one of these might take the port of a
    server that was killed and is to come back. Each of several test processes has a part of its own."""
    first = 10000
    last = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if last < first + 5000:
        first, last = 40000, 65000
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return range(first, last)[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])::workers]


_ports_given: set[int] = set()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on; never the same twice."""
    while True:
        port = random.choice(_ports())
        if port in _ports_given:
            continue
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        _ports_given.add(port)
        return port


def pause(seconds: float = 0.01) -> None:
    """Lets go of the processor between two looks at something that cannot be waited on."""
    select.select([], [], [], seconds)


def eventually(look, timeout: float = 15, what: str = "") -> object:
    """Calls look() until it returns something true, and returns that."""
    deadline = time.monotonic() + timeout
    rest = 0.005
    while True:
        result = look()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout} s: {what or look}")
        # What takes long is looked at less often: several tests share the processors.
        pause(rest)
        rest = min(rest * 1.2, 0.05)


def can_connect(address) -> bool:
    """True where somebody accepts at (host, port) or at the path of a unix socket."""
    family = socket.AF_UNIX if isinstance(address, (str, Path)) else socket.AF_INET
    with socket.socket(family) as sock:
        sock.settimeout(2)
        try:
            sock.connect(str(address) if family == socket.AF_UNIX else address)
            return True
        except OSError:
            return False


class Process:
    """A running program; a thread collects what it writes to stderr and stdout."""

    def __init__(self, name: str, args: list, log: Path, env: dict | None = None):
        self.name = name
        self.lines: list[str] = []
        self.log = log
        self.told_to_end = False
        self._changed = threading.Condition()
        self._ended = False
        self._popen = subprocess.Popen([str(arg) for arg in args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})
        self.pid = self._popen.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self.log.open("ab") as log:
            for raw in self._popen.stdout:
                log.write(raw)
                log.flush()
                with self._changed:
                    self.lines.append(raw.decode("utf-8", "replace").rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for_line(self, text: str, timeout: float = 20, start: int = 0) -> str:
        """Waits for a line that contains text, among those after the first `start`."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for line in self.lines[start:]:
                    if text in line:
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    break
                self._changed.wait(left)
        raise TimeoutError(f"{self.name} did not say {text!r}; its last words:\n" + "\n".join(self.lines[-30:]))

    def says(self, text: str) -> bool:
        """True where it has said text so far."""
        return any(text in line for line in self.lines)

    def running(self) -> bool:
        return self._popen.poll() is None

    def signal(self, number: int) -> None:
        self.told_to_end = self.told_to_end or number in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT)
        self._popen.send_signal(number)

    def wait(self, timeout: float = 20) -> int:
        """Waits for its end; returns the exit status (negative: signal)."""
        status = self._popen.wait(timeout)
        self._reader.join(5)
        return status

    def stop(self, timeout: float = 20) -> int:
        """SIGTERM, then waits. A program that does not end is killed and that is an error."""
        if self.running():
            self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TimeoutError(f"{self.name} did not end within {timeout} s of SIGTERM") from None

    def kill(self) -> None:
        """SIGKILL."""
        if self.running():
            self.signal(signal.SIGKILL)
        self.wait()


def process_list() -> list[tuple[int, int, str]]:
    """(pid, parent's pid, name) of every process that runs."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            head, _, rest = (folder / "stat").read_text(errors="replace").rpartition(")")
        except OSError:
            continue  # it has just ended
        state, parent = rest.split()[:2]
        if state != "Z":
            found.append((int(folder.name), int(parent), head.partition("(")[2]))
    return found


def run(args: list, check: bool = True, timeout: float = 60, **more) -> subprocess.CompletedProcess:
    """Runs a program to its end; with check, a failure shows what it said."""
    done = subprocess.run([str(arg) for arg in args], capture_output=True, text=True, timeout=timeout, check=False, **more)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done
