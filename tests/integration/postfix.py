"""A private Postfix: own configuration, queue and data folders, two SMTP ports on loopback, Maildirs for every domain.

The port `milter_port` passes mail through the milter, `plain_port` does not (replies and deliveries). Mail for any address
of DOMAINS lands in the Maildir of its domain. Needs root, as Postfix does. On another host than this one (see `command`) only the
port with the milter can be reached from here."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from process import can_connect, eventually, free_port, process_list, run

DOMAINS = ("support.example", "customer.example", "acme.example", "lists.example", "corp.example", "other.example")

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
maillog_file = {dir}/log/mail.log
maillog_file_prefixes = {dir}
myhostname = {name}.example
mydestination =
inet_interfaces = {interfaces}
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtputf8_enable = yes
disable_dns_lookups = yes
default_process_limit = 100
in_flow_delay = 0
message_size_limit = 31457280
minimal_backoff_time = 1s
maximal_backoff_time = 5s
queue_run_delay = 1s
maximal_queue_lifetime = {lifetime}
bounce_queue_lifetime = {lifetime}
recipient_delimiter = +
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = texthash:{dir}/mailboxes
virtual_mailbox_limit = 0
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
"""

MASTER_CF = """\
{address}:{milter_port} inet n - n - - smtpd
  -o smtpd_milters=unix:{socket}
  -o milter_default_action=accept
  -o milter_connect_timeout=5s
  -o milter_command_timeout=10s
  -o milter_content_timeout=20s
127.0.0.1:{plain_port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 1 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
lmtp      unix - - n - - lmtp
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
local     unix - n n - - local
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
showq     unix n - n - - showq
flush     unix n - n 1000? 0 flush
tlsmgr    unix - - n 1000? 1 tlsmgr
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """One instance below `base`; start() and stop() own its processes."""

    def __init__(self, base: Path, name: str, address: str = "127.0.0.1", ports: tuple[int, int] | None = None, command=list,
                 domains=DOMAINS, lifetime: str = "60s", more: dict[str, str] | None = None, transports: dict[str, str] | None = None):
        """address: where the port with the milter listens. ports: with the milter, and plain (on 127.0.0.1); None: free ones. command:
        turns an argument list into one that runs on the host of this Postfix. domains: those delivered here. lifetime: of undelivered
        mail. more: further settings of main.cf. transports: of further domains, such as lmtp:inet:HOST:PORT."""
        self.name = name
        self.address = address
        self.command = command
        self._domains = domains
        self._lifetime = lifetime
        self._more = dict(more or {})
        if transports:
            self._more["transport_maps"] = "inline:{ " + ", ".join(f"{domain}={where}" for domain, where in transports.items()) + " }"
        self.dir = base / name
        self.config = self.dir / "etc"
        self.mail = self.dir / "mail"
        self.socket = self.dir / "milter" / "milter.sock"
        self.milter_port, self.plain_port = ports or (free_port(), free_port())
        self._process: subprocess.Popen | None = None
        self._write()

    def _write(self) -> None:
        owner, postfix = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
        for folder in ("", "etc", "queue", "data", "mail", "log", "milter"):
            (self.dir / folder).mkdir()
            (self.dir / folder).chmod(0o755)
        os.chown(self.dir / "data", postfix.pw_uid, 0)
        os.chown(self.mail, owner.pw_uid, owner.pw_gid)
        # The milter may have given up root before it makes its socket.
        os.chmod(self.dir / "milter", 0o777)
        values = {"dir": self.dir, "name": self.name, "domains": ", ".join(self._domains), "uid": owner.pw_uid, "gid": owner.pw_gid,
                  "address": self.address, "interfaces": ", ".join(dict.fromkeys(["127.0.0.1", self.address])),
                  "lifetime": self._lifetime, "milter_port": self.milter_port, "plain_port": self.plain_port, "socket": self.socket}
        more = "".join(f"{name} = {value}\n" for name, value in self._more.items())
        (self.config / "main.cf").write_text(MAIN_CF.format(**values) + more)
        (self.config / "master.cf").write_text(MASTER_CF.format(**values))
        (self.dir / "mailboxes").write_text("".join(f"@{domain} {domain}/\n" for domain in self._domains))

    def start(self) -> None:
        # In the foreground: where no init reaps orphans, `postfix stop` would wait for a master that is a zombie.
        with (self.dir / "log" / "master.log").open("wb") as log:
            self._process = subprocess.Popen(self.command(["postfix", "-c", str(self.config), "start-fg"]), stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log)
        places = [(self.address, self.milter_port)]
        if self.address.startswith("127."):
            places.append(("127.0.0.1", self.plain_port))
        for place in places:
            eventually(lambda place=place: can_connect(place), what=f"Postfix {self.name} on port {place[1]}")

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _master(self) -> int:
        """The master's pid, or 0."""
        pid_file = self.dir / "queue" / "pid" / "master.pid"
        return int(pid_file.read_text()) if self.running() and pid_file.exists() else 0

    def children(self, *names: str) -> list[int]:
        """The pids of what the master has started, of these names or all."""
        master = self._master()
        return [pid for pid, parent, name in process_list() if master and parent == master and (not names or name in names)]

    def kill_children(self, *names: str) -> None:
        """SIGKILL to what it has started, of these names; the master starts others as they are needed."""
        for pid in self.children(*names):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """SIGKILL to the master and everything that it has started."""
        master = self._master()
        if master:
            # A child started meanwhile would live on and keep the ports.
            os.kill(master, signal.SIGSTOP)
            eventually(lambda: self.kill_children() or not self.children(), what=f"the children of Postfix {self.name} are dead")
            os.kill(master, signal.SIGKILL)
        self._process.wait(30)

    def stop(self) -> None:
        """Ends the master by the pid that it wrote down; with it go its children and the script that started it."""
        if self._process is None:
            return
        master = self._master()
        if master:
            os.kill(master, signal.SIGTERM)
        self._process.wait(30)

    def log(self) -> str:
        return (self.dir / "log" / "mail.log").read_text(errors="replace")

    def queue_is_empty(self) -> bool:
        """True where every accepted message has left: nothing is on its way any more."""
        return not any(files for folder in ("maildrop", "incoming", "active", "deferred")
                       for _, _, files in os.walk(self.dir / "queue" / folder))

    def wait_delivered(self, timeout: float = 60) -> None:
        eventually(self.queue_is_empty, timeout, f"Postfix {self.name} has delivered everything")

    def reset(self) -> None:
        """Forgets all mail: queue and mailboxes."""
        if not self.queue_is_empty():
            run(["postsuper", "-c", self.config, "-d", "ALL"], check=False)
        for domain in self.mail.iterdir():
            shutil.rmtree(domain)
