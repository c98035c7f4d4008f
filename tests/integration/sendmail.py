"""A private Sendmail with the same hands as postfix.Postfix: own configuration and queue, two SMTP ports on loopback, Maildirs for
every domain. Its programs and its m4 files are those of Debian's packages, unpacked by scripts/fetch-sendmail, for the package itself
would drive Postfix out.

The port `milter_port` passes mail through the milter by the very lines of conf/sendmail/outage-milter.mc, `plain_port` does not. Mail
goes by LMTP to a thread of this process, which writes it into the Maildir of its domain, or refuses it where that is none of DOMAINS, for
there is no DNS to ask for another server: the sender gets it back, as from Postfix. Needs root. Sendmail
knows no XCLIENT: who wants to be another client connects from that address (see mail.connect); `own_network` makes those addresses
exist. Logins are believed, whatever the password (a thread plays saslauthd)."""

import contextlib
import ctypes
import os
import shutil
import signal
import socketserver
import struct
import subprocess
import threading
from pathlib import Path

from postfix import DOMAINS
from process import TOP, can_connect, eventually, free_port, run

# The documentation's networks (RFC 5737): where the clients of the tests come from.
CLIENT_NETWORKS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
PACKAGES = Path(os.environ.get("OUTAGE_SENDMAIL", "/var/cache/outage-milter-tests/sendmail"))
SNIPPET = TOP / "conf" / "sendmail" / "outage-milter.mc"
SHIPPED_SOCKET = "/run/outage-milter/milter.sock"
CLONE_NEWNET = 0x40000000

SENDMAIL_MC = """\
divert(-1)
define(`_CF_DIR_', `{cf}/')
include(`{cf}/m4/cf.m4')
include(`{cf}/debian/autoconf.m4')
divert(0)dnl
VERSIONID(`outage-milter test stand')
OSTYPE(`debian')dnl
DOMAIN(`debian-mta')dnl
define(`confDOMAIN_NAME', `{name}.example')dnl
define(`confPID_FILE', `{dir}/sendmail.pid')dnl
define(`QUEUE_DIR', `{dir}/queue')dnl
define(`STATUS_FILE', `{dir}/statistics')dnl
define(`HELP_FILE', `{packages}/etc/mail/helpfile')dnl
define(`ALIAS_FILE', `')dnl
undefine(`confCW_FILE')dnl
undefine(`confCR_FILE')dnl
undefine(`confCT_FILE')dnl
undefine(`confCONTROL_SOCKET_NAME')dnl
undefine(`confHOST_STATUS_DIRECTORY')dnl
undefine(`confSAFE_FILE_ENV')dnl
define(`confTRUSTED_USER', `root')dnl
define(`confSERVICE_SWITCH_FILE', `{dir}/etc/service.switch')dnl
define(`confREJECT_NUL', `false')dnl
define(`confMAX_HOP', `50')dnl
define(`confTO_IDENT', `0')dnl
define(`confTO_QUEUEWARN', `')dnl
define(`confTO_QUEUERETURN', `60s')dnl
define(`confDOUBLE_BOUNCE_ADDRESS', `')dnl
define(`confMIN_QUEUE_AGE', `0')dnl
define(`confMAX_MESSAGE_SIZE', `31457280')dnl
define(`confMAX_HEADERS_LENGTH', `0')dnl
define(`confMAX_RCPTS_PER_MESSAGE', `1000')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confAUTH_MECHANISMS', `PLAIN')dnl
TRUST_AUTH_MECH(`PLAIN')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
RELAY_DOMAIN(`127 {domains}')dnl
DAEMON_OPTIONS(`Name=milter, Family=inet, Addr=127.0.0.1, Port={milter_port}, Listen=128')dnl
DAEMON_OPTIONS(`Name=plain, Family=inet, Addr=127.0.0.1, Port={plain_port}, Listen=128, InputMailFilters=')dnl
{snippet}
MAILER(`local')dnl
MAILER(`smtp')dnl
MAILER_DEFINITIONS
Mmaildir, P=[IPC], F=lnXzm8uh, E=\\r\\n, T=DNS/RFC822/SMTP, A=FILE {dir}/lmtp.sock
{mailers}
LOCAL_CONFIG
ESASL_CONF_PATH={dir}/etc
LOCAL_RULE_0
{routes}
R$* < @ $+ . > $*	$#maildir $@ maildir $: $1 @ $2
R$* < @ $+ > $*	$#maildir $@ maildir $: $1 @ $2
"""


def own_network() -> None:
    """Moves this process into a network of its own, where every address of CLIENT_NETWORKS is one of this host's. To be called before
    there are threads; whoever is started from now on is in it, too."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network of our own: Sendmail's whole-program tests need root")
    run(["ip", "link", "set", "lo", "up"])
    for network in CLIENT_NETWORKS:
        run(["ip", "route", "add", "local", network, "dev", "lo"])


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


def _serve(path: Path, handler: type) -> _Server:
    server = _Server(str(path), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def _logins() -> type:
    """saslauthd's side of its socket: four strings behind their lengths come in, OK goes out."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for _ in ("user", "password", "service", "realm"):
                size, = struct.unpack("!H", self.rfile.read(2))
                self.rfile.read(size)
            self.wfile.write(struct.pack("!H", 2) + b"OK")

    return Handler


def _domain_of(rcpt: bytes) -> str:
    return rcpt.decode(errors="surrogateescape").lower().rpartition("@")[2]


def _maildirs(mail: Path, domains) -> type:
    """An LMTP server (RFC 2033) that writes into mail/DOMAIN/new for these domains, with the headers on top that virtual(8) writes."""
    lock, number = threading.Lock(), [0]

    def write(sender: bytes, rcpt: bytes, message: bytes) -> None:
        folder = mail / _domain_of(rcpt)
        with lock:
            number[0] += 1
            name = f"{number[0]:08}"
            for sub in ("tmp", "new", "cur"):
                (folder / sub).mkdir(parents=True, exist_ok=True)
            head = b"Return-Path: <%s>\nX-Original-To: %s\nDelivered-To: %s\n" % (sender, rcpt, rcpt)
            (folder / "tmp" / name).write_bytes(head + message)
            (folder / "tmp" / name).rename(folder / "new" / name)

    class Handler(socketserver.StreamRequestHandler):
        def data(self) -> bytes:
            lines = []
            for line in self.rfile:
                if line == b".\r\n":
                    return b"".join(lines)
                lines.append(line.removeprefix(b".").removesuffix(b"\r\n") + (b"\n" if line.endswith(b"\r\n") else b""))
            raise EOFError("the message was cut off")

        def handle(self) -> None:
            sender, rcpts = b"", []
            self.wfile.write(b"220 maildirs LMTP\r\n")
            for line in self.rfile:
                word, _, rest = line.strip().partition(b" ")
                answer = b"250 2.0.0 Ok\r\n"
                if word == b"LHLO":
                    answer = b"250-maildirs\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n"
                elif word == b"MAIL":
                    sender, rcpts = rest.partition(b"<")[2].partition(b">")[0], []
                elif word == b"RCPT":
                    rcpt = rest.partition(b"<")[2].partition(b">")[0]
                    if _domain_of(rcpt) in domains:
                        rcpts.append(rcpt)
                    else:
                        answer = b"550 5.1.2 There is no such host\r\n"
                elif word == b"DATA":
                    self.wfile.write(b"354 Go on\r\n")
                    message = self.data()
                    for rcpt in rcpts:
                        write(sender, rcpt, message)
                    answer *= len(rcpts)
                self.wfile.write(answer)
                if word == b"QUIT":
                    return

    return Handler


class Sendmail:
    """One instance below `base`; start() and stop() own its processes."""

    def __init__(self, base: Path, name: str, domains=DOMAINS, transports: dict[str, str] | None = None):
        """domains: those delivered here. transports: of further domains, as Postfix writes them: lmtp:inet:HOST:PORT."""
        self.name = name
        self.dir = base / name
        self.config = self.dir / "etc"
        self.mail = self.dir / "mail"
        self.queue = self.dir / "queue"
        self.socket = self.dir / "milter" / "milter.sock"
        self.milter_port, self.plain_port = free_port(), free_port()
        self.program = PACKAGES / "usr" / "libexec" / "sendmail" / "sendmail"
        if not self.program.exists():
            raise FileNotFoundError(f"no Sendmail in {PACKAGES}: scripts/fetch-sendmail brings it there")
        self._domains = domains
        self._transports = transports or {}
        self._servers: list[_Server] = []
        self._process: subprocess.Popen | None = None
        self._write()

    def _write(self) -> None:
        # Sendmail uses no socket below a folder that others can write to.
        for folder in ("", "etc", "queue", "mail", "milter"):
            (self.dir / folder).mkdir()
            (self.dir / folder).chmod(0o755)
        self.queue.chmod(0o700)
        (self.dir / "statistics").touch()
        (self.config / "service.switch").write_text("hosts files\naliases files\npasswd files\n")
        (self.config / "Sendmail.conf").write_text(f"pwcheck_method: saslauthd\nsaslauthd_path: {self.dir}/logins.sock\nmech_list: PLAIN\n")
        mailers = routes = ""
        for number, (domain, transport) in enumerate(self._transports.items()):
            host, port = transport.removeprefix("lmtp:inet:").split(":")
            mailers += f"Mlmtp{number}, P=[IPC], F=lnXzm8uh, E=\\r\\n, T=DNS/RFC822/SMTP, A=TCP $h {port}\n"
            for dot in ("", " ."):
                routes += f"R$* < @ {domain}{dot} > $*\t$#lmtp{number} $@ [{host}] $: $1 @ {domain}\n"
        values = {"dir": self.dir, "name": self.name, "packages": PACKAGES, "cf": PACKAGES / "usr" / "share" / "sendmail" / "cf",
                  "domains": " ".join(self._domains), "milter_port": self.milter_port, "plain_port": self.plain_port,
                  "snippet": SNIPPET.read_text().replace(SHIPPED_SOCKET, str(self.socket)), "mailers": mailers, "routes": routes}
        (self.config / "sendmail.mc").write_text(SENDMAIL_MC.format(**values))
        (self.config / "sendmail.cf").write_text(run(["m4", self.config / "sendmail.mc"]).stdout)

    def start(self) -> None:
        self._servers = [_serve(self.dir / "lmtp.sock", _maildirs(self.mail, self._domains)), _serve(self.dir / "logins.sock", _logins())]
        # Where the host's name has no dot and is in no file, Sendmail first waits a minute for one that has.
        named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', f"{self.name}.example"]
        with (self.dir / "sendmail.log").open("wb") as log:
            self._process = subprocess.Popen([*named, self.program, "-C", self.config / "sendmail.cf", "-bD", "-q1s"],
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for port in (self.milter_port, self.plain_port):
            eventually(lambda port=port: can_connect(("127.0.0.1", port)), 30, f"Sendmail {self.name} on port {port}")

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _others(self) -> list[int]:
        """The pids of its sessions and deliveries: Sendmail works in its queue's folder."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (folder / "cwd").readlink() == self.queue and (folder / "exe").readlink() == self.program.resolve():
                    found.append(int(folder.name))
        return [pid for pid in found if pid != self._process.pid]

    def _kill_others(self) -> None:
        for pid in self._others():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Ends the daemon, then what it has started."""
        if self._process is None:
            return
        if self.running():
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        eventually(lambda: self._kill_others() or not self._others(), what=f"the children of Sendmail {self.name} are dead")
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def queue_is_empty(self) -> bool:
        """True where every accepted message has left: nothing is on its way any more."""
        return not any(path.name.startswith("qf") for path in self.queue.iterdir())

    def wait_delivered(self, timeout: float = 60) -> None:
        eventually(self.queue_is_empty, timeout, f"Sendmail {self.name} has delivered everything")

    def reset(self) -> None:
        """Forgets all mail: queue and mailboxes."""
        for path in self.queue.iterdir():
            path.unlink(missing_ok=True)
        for domain in self.mail.iterdir():
            shutil.rmtree(domain)
