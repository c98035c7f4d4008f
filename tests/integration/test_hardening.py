"""What the daemons may do when somebody has taken them over: the systemd units, what they give up by themselves, and whether the service
manager hears that they live."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

import settings
from process import TOP, Process, build_dir, eventually, run
from stand import Redis

UNITS = ["outage-milter", "outage-replier"]
# Of systemd-analyze security: exposure in tenths.
EXPOSURE = 15


@pytest.mark.parametrize("unit", UNITS)
def test_unit_is_understood_and_shut(unit, tmp_path):
    """Every line of the unit means something to systemd, and what is left open is little."""
    ours = tmp_path / f"{unit}.service"
    text = (TOP / "packaging" / "systemd" / f"{unit}.service").read_text()
    ours.write_text(re.sub(r"/usr/sbin/(outage-\w+)", rf"{build_dir()}/\1", text))
    analyze = shutil.which("systemd-analyze")
    verified = run([analyze, "verify", "--man=no", "--recursive-errors=no", ours], check=False)
    assert verified.returncode == 0 and str(ours) not in verified.stderr and f"{unit}.service:" not in verified.stderr, verified.stderr
    judged = run([analyze, "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE}", ours], check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, value in (line.split(":", 1) for line in lines)}


def children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


def assert_confined(pid: int) -> None:
    now = status(pid)
    assert [now[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")] == ["0" * 16] * 4
    # An ordinary user cannot empty this one; no program that he runs gains by it.
    assert os.geteuid() != 0 or now["CapBnd"] == "0" * 16
    assert (now["NoNewPrivs"], now["Seccomp"]) == ("1", "2")


class Manager:
    """A service manager: the socket at which programs tell it how they are."""

    def __init__(self, folder: Path):
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.path.chmod(0o777)
        self.said: list[str] = []

    def environment(self) -> dict[str, str]:
        return {"NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": "300000"}

    def wait(self, what: str) -> None:
        """Until it is told that."""
        deadline = time.monotonic() + 20
        while True:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                message = self.socket.recv(4096).decode().split("\n")
            except TimeoutError:
                raise TimeoutError(f"the manager was not told {what!r}, but {self.said[-20:]}") from None
            self.said += message
            if what in message:
                return

    def close(self) -> None:
        self.socket.close()


class Daemon:
    """One of the two, under such a manager; everything else of a site is not needed for it."""

    def __init__(self, program: str, folder: Path, redis: Redis, **changes):
        (folder / "state").mkdir()
        self.folder, self.redis, self.changes = folder, redis, changes
        self.config = folder / "outage-milter.conf"
        self.manager = Manager(folder)
        self.configure()
        self.process = Process(program, [build_dir() / program, "-f", "-c", self.config], folder / "log", self.manager.environment())

    def configure(self, **changes) -> None:
        own = settings.standard(self.folder / "state", f"unix:{self.folder}/milter.sock", self.redis.url, 25)
        changes = {name.replace("__", "."): value for name, value in {**self.changes, **changes}.items()}
        self.config.write_text(settings.to_libconfig({**own, **changes}))

    def reload(self, **changes) -> None:
        self.configure(**changes)
        self.process.signal(signal.SIGUSR1)

    def end(self) -> None:
        self.process.signal(signal.SIGTERM)
        self.manager.wait("STOPPING=1")
        assert self.process.wait(30) == 0
        self.manager.close()


@pytest.fixture(params=UNITS)
def daemon(request, tmp_path, redis):
    daemon = Daemon(request.param, tmp_path, redis, spf__enabled=True)
    yield daemon
    daemon.end()


def test_daemon_is_confined_and_tells_its_manager(daemon, redis):
    """From its start, over reloads that take and that do not, to a store that does not answer."""
    said = daemon.process.lines
    daemon.manager.wait("READY=1")
    assert_confined(daemon.process.pid)
    helpers = children(daemon.process.pid)
    assert (len(helpers) > 0) == (daemon.process.name == "outage-milter")
    for helper in helpers:
        eventually(lambda pid=helper: int(status(pid)["Seccomp_filters"]) > int(status(daemon.process.pid)["Seccomp_filters"]), 20,
                   f"helper {helper} has given up what it does not need")
        assert_confined(helper)
    daemon.process.wait_for_line("event=confined capabilities=none")
    daemon.manager.wait("WATCHDOG=1")

    # What needs a restart waits for one: the store is left and joined again, and is the same.
    client = redis.client()
    eventually(lambda: client.exists("outage:nodes"), 20, "the daemon is heard in the store")
    newest = max(int(one["id"]) for one in client.client_list())
    before = len(said)
    daemon.reload(store__url="redis://127.0.0.1:1", store__prefix="other:")
    daemon.manager.wait("RELOADING=1")
    daemon.manager.wait("READY=1")
    daemon.process.wait_for_line("event=reloaded", start=before)
    for name in ("store.url", "store.prefix"):
        assert any(f"{name} has changed and takes effect at the next restart" in line for line in said[before:])
    eventually(lambda: any(int(one["id"]) > newest for one in client.client_list()), 20, "it joins its store again")
    assert not any("is away" in line or "last known state" in line for line in said)

    daemon.config.write_text("mode = ;\n")
    daemon.process.signal(signal.SIGUSR1)
    daemon.manager.wait("RELOADING=1")
    daemon.manager.wait("READY=1")
    assert any("STATUS=The configuration was not reloaded" in line for line in daemon.manager.said)

    # A store that takes connections and does not answer is waited for, and is no reason to be killed: these pings take longer than its limit.
    redis.freeze()
    for _ in range(11):
        daemon.manager.wait("WATCHDOG=1")
    redis.thaw()


def test_a_signal_that_libmilter_takes_ends_the_milter(tmp_path, redis):
    """libmilter waits for signals, too, and gets one that comes while the milter pings its manager; the milter must not live on without it."""
    daemon = Daemon("outage-milter", tmp_path, redis)
    daemon.manager.wait("READY=1")
    pid = daemon.process.pid

    def taker() -> int | None:
        """A thread takes them while it does not block them."""
        for task in Path(f"/proc/{pid}/task").iterdir():
            # One may be just ending.
            with contextlib.suppress(OSError):
                blocked = int(re.search(r"^SigBlk:\t(\w+)$", (task / "status").read_text(), re.M)[1], 16)
                if int(task.name) != pid and not blocked >> (signal.SIGHUP - 1) & 1:
                    return int(task.name)
        return None
    thread = eventually(taker, 20, "libmilter waits for signals")
    assert ctypes.CDLL(None).tgkill(pid, thread, signal.SIGTERM) == 0
    eventually(lambda: taker() is None, 20, "libmilter has it")
    # It looks round when somebody connects.
    with socket.socket(socket.AF_UNIX) as mta:
        mta.connect(str(tmp_path / "milter.sock"))
        daemon.manager.wait("STOPPING=1")
    daemon.process.told_to_end = True
    assert daemon.process.wait(30) == 0
    daemon.manager.close()


def test_admin_is_told_of_a_command_that_would_do_nothing(tmp_path):
    """Postfix's sendmail(1) needs what the daemons give up; --test says so where it is seen."""
    config = tmp_path / "outage-milter.conf"
    own = settings.standard(tmp_path, f"unix:{tmp_path}/milter.sock", f"sqlite:{tmp_path}/state.db", 25)
    config.write_text(settings.to_libconfig({**own, "page.command": ["/usr/sbin/sendmail", "oncall@example.com"],
                                             "alarm.command": ["/usr/local/bin/raise-alarm"]}))
    done = run([build_dir() / "outage-milter", "-t", "-c", config])
    assert "warning: page.command: sendmail hands mail over through a set-group-id program" in done.stderr
    assert "alarm.command" not in done.stderr


def test_a_group_that_cannot_get_the_socket_is_named(tmp_path):
    """As a unit of systemd the milter may give its socket to its own groups only; an admin who names another is told so."""
    config = tmp_path / "outage-milter.conf"
    own = settings.standard(tmp_path, f"unix:{tmp_path}/milter.sock", f"sqlite:{tmp_path}/state.db", 25)
    config.write_text(settings.to_libconfig({**own, "user": "", "socket_group": "mail"}))
    as_unit = [shutil.which("setpriv"), "--bounding-set=-chown"] if os.geteuid() == 0 else []
    done = run([*as_unit, build_dir() / "outage-milter", "-f", "-c", config], check=False)
    assert done.returncode == 1 and "cannot be given to the group mail, for" in done.stderr
