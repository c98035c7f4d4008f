"""Other people's milters for the test stand: OpenDKIM, OpenDMARC and rspamd, each private and ended by its own pid; and the snippets of
conf/postfix, as they stand but for the places that differ between a test and a mail server.

They ask the name server of the test, where no program offers a setting for it by a resolv.conf of their own (a mount namespace)."""

import base64
import errno
import json
import random
import re
import shutil
from pathlib import Path

from dns import DnsServer
from dovecot import Dovecot
from postfix import Postfix
from process import TOP, Process, can_connect, eventually, free_port, run

SNIPPETS = TOP / "conf" / "postfix"
SELECTOR = "outage"


def snippet(name: str, places: dict[str, object]) -> str:
    """conf/postfix/NAME.snippet without its comments, each of places put in its place. A place that is not there is an error: the
    snippet has changed, or never held it."""
    lines = (SNIPPETS / f"{name}.snippet").read_text().splitlines()
    text = "".join(f"{line}\n" for line in lines if line.strip() and not line.lstrip().startswith("#"))
    for place, actual in places.items():
        if not re.search(rf"(?<!\w){re.escape(place)}(?!\w)", text):
            raise ValueError(f"{name}.snippet says nothing of {place}")
        text = re.sub(rf"(?<!\w){re.escape(place)}(?!\w)", lambda _, actual=actual: str(actual), text)
    return text


class Key:
    """A DKIM key of one domain, its record put into the zone."""

    def __init__(self, folder: Path, domain: str, zone: dict):
        self.path = folder / f"{domain}.{SELECTOR}.key"
        run(["openssl", "genrsa", "-out", self.path, "2048"])
        public = folder / f"{domain}.der"
        run(["openssl", "rsa", "-in", self.path, "-pubout", "-outform", "DER", "-out", public])
        zone[f"{SELECTOR}._domainkey.{domain}"] = {"TXT": f"v=DKIM1; k=rsa; p={base64.b64encode(public.read_bytes()).decode()}"}


class Milter:
    """One of them, listening on a port of 127.0.0.1."""

    def __init__(self, folder: Path, name: str):
        self.dir = folder / name
        self.dir.mkdir()
        self.dir.chmod(0o755)
        self.name = name
        self.port = free_port()
        self.process: Process | None = None

    def command(self) -> list:
        raise NotImplementedError

    def start(self) -> "Milter":
        self.launch()
        self.wait()
        return self

    def launch(self) -> None:
        self.process = Process(self.name, self.command(), self.dir / "log")

    def wait(self) -> None:
        eventually(lambda: self.process.running() and can_connect(("127.0.0.1", self.port)), 20,
                   f"{self.name} on port {self.port}; it says: {self.process.lines[-5:]}")

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def stop(self) -> None:
        """libmilter looks every five seconds whether it is to end, and nothing of these programs is to be kept."""
        if self.process is not None:
            self.kill()


def resolver(zone: dict) -> DnsServer:
    """A name server where a resolv.conf, which knows no ports, can name it: at an address of the loopback network of its own."""
    while True:
        try:
            return DnsServer(zone, (f"127.{random.randint(64, 127)}.{random.randint(1, 254)}.1", 53))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise


def with_resolver(dns_address: str, folder: Path, command: list) -> list:
    """The command, to be run where /etc/resolv.conf names that server."""
    resolv = folder / "resolv.conf"
    resolv.write_text(f"nameserver {dns_address}\noptions timeout:5 attempts:3\n")
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolv, *command]


class OpenDkim(Milter):
    def __init__(self, folder: Path, name: str, config: str, dns: DnsServer):
        """config: lines of opendkim.conf, with port 8891."""
        super().__init__(folder, name)
        resolver = self.dir / "unbound.conf"
        resolver.write_text('server:\n  do-not-query-localhost: no\n  module-config: "iterator"\n'
                            f'forward-zone:\n  name: "."\n  forward-addr: {dns.address.replace(":", "@")}\n')
        self.config = self.dir / "opendkim.conf"
        self.config.write_text(config.replace("inet:8891@", f"inet:{self.port}@") +
                               f"ResolverConfiguration {resolver}\nSyslog no\nPidFile {self.dir}/pid\nRequireSafeKeys no\n")

    def command(self) -> list:
        return ["opendkim", "-f", "-x", self.config]


class OpenDmarc(Milter):
    def __init__(self, folder: Path, name: str, config: str, dns: DnsServer):
        """config: lines of opendmarc.conf, with port 8893."""
        super().__init__(folder, name)
        self.dns = dns
        self.config = self.dir / "opendmarc.conf"
        self.config.write_text(config.replace("inet:8893@", f"inet:{self.port}@") + f"Syslog false\nPidFile {self.dir}/pid\n")

    def command(self) -> list:
        return with_resolver(self.dns.address.partition(":")[0], self.dir, ["opendmarc", "-f", "-c", self.config])


RSPAMD_CONF = """\
options {{
  pidfile = "{dir}/pid";
  url_tld = "{dir}/suffixes";
  filters = "dkim";
  local_addrs = [ "127.0.0.1" ];
  dns {{ nameserver = [ "{dns}" ]; timeout = 5s; retransmits = 3; }}
  control_socket = "{dir}/control.sock mode=0600";
  hs_cache_dir = "{dir}";
}}
logging {{ type = "console"; level = "notice"; }}
worker "rspamd_proxy" {{
  bind_socket = "127.0.0.1:{port}";
  milter = yes;
  timeout = 20s;
  count = 1;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
actions {{ reject = 1000; add_header = 900; greylist = null; }}
modules {{
  path = "/usr/share/rspamd/plugins/milter_headers.lua";
  path = "/usr/share/rspamd/plugins/dkim_signing.lua";
  path = "/usr/share/rspamd/plugins/dmarc.lua";
  path = "/usr/share/rspamd/plugins/spf.lua";
}}
.include "$CONFDIR/modules.d/spf.conf"
.include "$CONFDIR/modules.d/dkim.conf"
.include "$CONFDIR/modules.d/dmarc.conf"
.include "$CONFDIR/modules.d/milter_headers.conf"
.include "$CONFDIR/modules.d/dkim_signing.conf"
"""


class Rspamd(Milter):
    """rspamd with the modules that authenticate and sign, as Debian configures them, and no others."""

    def __init__(self, folder: Path, name: str, local: dict[str, str], dns: DnsServer, copies: dict[Path, Path]):
        """local: file of local.d -> its text. copies: file for it alone -> original."""
        super().__init__(folder, name)
        self.config = self.dir / "rspamd.conf"
        self.config.write_text(RSPAMD_CONF.format(dir=self.dir, dns=dns.address, port=self.port))
        # Instead of the thousands of public suffixes, which it takes 15 s to make ready.
        (self.dir / "suffixes").write_text("example\n")
        (self.dir / "local.d").mkdir()
        for file, text in local.items():
            (self.dir / "local.d" / file).write_text(text)
        for copy, original in copies.items():
            shutil.copy(original, copy)
        for entry in (self.dir, *self.dir.rglob("*")):
            shutil.chown(entry, "_rspamd", "_rspamd")

    def command(self) -> list:
        variables = [f"--var={name}={self.dir}" for name in ("LOCAL_CONFDIR", "DBDIR", "RUNDIR", "LOGDIR")]
        return ["rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", self.config, *variables]

    def stop(self) -> None:
        """Its workers end with it."""
        if self.process is not None:
            self.process.stop()


class RecipePostfix(Postfix):
    """A Postfix with lines of recipes at the end of its main.cf and master.cf."""

    def __init__(self, base: Path, name: str, more_ports: tuple[int, ...] = (), **more):
        """more_ports: those that the added lines of master.cf open."""
        self._more_ports = more_ports
        super().__init__(base, name, **more)

    def add(self, main: str = "", master: str = "") -> None:
        """Before start()."""
        for file, lines in (("main.cf", main), ("master.cf", master)):
            with (self.config / file).open("a") as config:
                config.write(lines)

    def start(self) -> None:
        super().start()
        for port in self._more_ports:
            eventually(lambda port=port: can_connect(("127.0.0.1", port)), what=f"Postfix {self.name} on port {port}")


def as_options(main: str) -> str:
    """Lines of main.cf as options of one service of master.cf."""
    settings = re.sub(r"\n\s+", " ", main).strip().splitlines()
    return "".join(f"  -o {{ {setting} }}\n" for setting in settings)


def settings_of(text: str) -> dict:
    """Lines of outage-milter.conf as the stand takes them: dotted name -> value."""
    found = {}
    for group, body in re.findall(r"(?m)^(\w+): \{(.*)\};$", text):
        found.update({f"{group}.{name}": value for name, value in settings_of(body.replace("; ", ";\n")).items()})
    for name, value in re.findall(r"(?m)^\s*(\w+) = (.*);\s*$", text):
        found[name] = json.loads(value.replace("(", "[").replace(")", "]"))
    return found


class SaslDovecot(Dovecot):
    """A Dovecot that Postfix asks about logins (any user with dovecot.PASSWORD), through a socket in its queue folder."""

    def __init__(self, base: Path, postfix: Postfix):
        super().__init__(base, "sasl")
        with self.config.open("a") as config:
            config.write(f"service auth {{\n  unix_listener {postfix.dir}/queue/private/auth {{\n    mode = 0660\n"
                         "    user = postfix\n    group = postfix\n  }\n}\n")
