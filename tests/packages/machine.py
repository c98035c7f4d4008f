"""A bare Debian in a folder, and the same as a machine: systemd is its first process, it has a network of its own and no way out.

    machine = Machine(folder)
    machine.bootstrap()                        # debootstrap, packages from where this host has its own
    machine.fetch("postfix", only=True)        # while there is a network: what is to be installed later
    with machine.booted():
        machine.run("apt-get", "install", "-y", "postfix")
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

# What a Debian server has, and minbase has not.
BASE = ["systemd", "systemd-sysv", "dbus"]
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root",
               "DEBIAN_FRONTEND": "noninteractive"}


def command(*words, timeout: float = 300, check: bool = True, **options) -> subprocess.CompletedProcess:
    """Runs a program of this host; where it fails, the test sees what it said."""
    done = subprocess.run([str(word) for word in words], stdin=options.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: exit status {done.returncode}\n{done.stdout[-6000:]}")
    return done


def eventually(true, seconds: float, what: str):
    """Waits until true() is, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = true()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def sources() -> list[dict[str, str]]:
    """Where this host has Debian's packages from: the stanzas of its deb822 files that are Debian's, or its one-line entries."""
    found = []
    for file in sorted(Path("/etc/apt/sources.list.d").glob("*.sources")):
        for stanza in file.read_text().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(("#", " ")))
            if "debian-archive-keyring" in fields.get("Signed-By", ""):
                found.append(fields)
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.list"))]
    for line in (line for file in lists if file.exists() for line in file.read_text().splitlines()):
        words = [word for word in line.split() if not word.startswith("[") and not word.endswith("]")]
        if len(words) > 3 and words[0] == "deb" and "debian" in words[1]:
            found.append({"URIs": words[1], "Suites": words[2], "Components": " ".join(words[3:])})
    assert found, "this host names no source of Debian's packages"
    return found


class Machine:
    def __init__(self, folder: Path):
        self.root = folder
        self.init: int | None = None

    def bootstrap(self) -> None:
        main = sources()[0]
        suite = main["Suites"].split()[0]
        command("debootstrap", "--variant=minbase", f"--include={','.join(BASE)}", suite, self.root, main["URIs"].split()[0], timeout=500)
        (self.root / "etc/apt/sources.list").unlink(missing_ok=True)
        text = "\n".join(f"deb {source['URIs'].split()[0]} {suite} {source['Components']}"
                         for source in sources() for suite in source["Suites"].split())
        (self.root / "etc/apt/sources.list.d/host.list").write_text(text + "\n")
        (self.root / "etc/apt/apt.conf.d/99keep").write_text('Binary::apt-get::APT::Keep-Downloaded-Packages "true";\n')
        (self.root / "etc/hostname").write_text("mail\n")
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 mail.example.com mail\n")
        self.chroot("apt-get", "update", "-qq")

    def chroot(self, *words, **options) -> subprocess.CompletedProcess:
        """While it is off, with this host's network."""
        return command("chroot", self.root, *words, env=ENVIRONMENT, **options)

    def fetch(self, *packages: str, only: bool = False) -> None:
        """Installs them; only: leaves them where apt-get finds them later, without a network."""
        self.chroot("apt-get", "install", "-y", "-qq", "--no-install-recommends", *(["--download-only"] if only else []), *packages,
                    timeout=500)

    def path(self, name: str) -> Path:
        """A file of its disk as this host names it. What it has mounted, /run above all, is seen by run alone."""
        return self.root / name.lstrip("/")

    @contextlib.contextmanager
    def booted(self):
        with (self.root.parent / "console.log").open("w") as console:
            nspawn = subprocess.Popen(["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe",
                                       "--boot", "--directory", self.root], stdin=subprocess.DEVNULL, stdout=console,
                                      stderr=subprocess.STDOUT, start_new_session=True)
        try:
            self.init = eventually(lambda: nspawn.poll() is None and _first_process(nspawn.pid), 30, "the machine has a first process")
            eventually(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"), 60,
                       "the machine is up")
            yield self
        finally:
            if self.init is not None:
                self.run("systemctl", "poweroff", "--no-block", check=False)
            try:
                nspawn.wait(30)
            except subprocess.TimeoutExpired:
                os.kill(nspawn.pid, signal.SIGKILL)
                nspawn.wait()
            self.init = None

    def run(self, *words, **options) -> subprocess.CompletedProcess:
        """While it runs: a program of its own, in it."""
        return command("nsenter", "--target", self.init, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--",
                       "env", "-i", *(f"{name}={value}" for name, value in ENVIRONMENT.items()), *words, **options)

    def from_here(self, *words, **options) -> subprocess.CompletedProcess:
        """While it runs: a program of this host, in its network."""
        return command("nsenter", "--target", self.init, "--net", "--", *words, **options)

    def install(self, *packages: str, options: tuple = ()) -> str:
        return self.run("apt-get", "install", "-y", "-q", "--no-install-recommends", *options,
                        *packages).stdout

    def active(self, unit: str) -> bool:
        return self.run("systemctl", "is-active", unit, check=False).stdout.strip() == "active"

    def journal(self, unit: str) -> str:
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout


def _first_process(nspawn: int) -> int | None:
    """The machine's process 1, as this host numbers it."""
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            if fields.get("PPid") == str(nspawn) and fields["NSpid"].split()[1:] == ["1"] and fields["Name"] == "systemd":
                return int(fields["Pid"])
    return None
