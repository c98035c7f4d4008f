"""Redis as sites run it: with passwords, TLS and unix sockets, behind Sentinels, as a Cluster.

    with SentinelSet(folder, replicas=1, sentinels=3) as redis:
        stand = make_stand(redis=redis).start()      # anything with .url will do
        redis.primary().kill()
        redis.wait_failover()

Every server listens on 127.0.0.1 alone and is ended by its own pid."""

import time
from pathlib import Path

from process import TOP, Process, eventually, free_port, run
from stand import Redis, write_users

MASTER = "outage"  # what the Sentinels call the primary


class Server(Redis):
    """A redis-server with settings of its own. Its port may be 0: then only `socket` or `tls_port` leads to it."""

    def __init__(self, folder: Path, name: str, *args, password: str = "", port: int | None = None):
        super().__init__(folder, name)
        if port is not None:
            self.port = port
        self.name = name
        self.password_files = ""  # store.url says who our programs are
        self.password = password
        self.args = [*args, *(["--requirepass", password, "--masterauth", password] if password else [])]
        self.login = ["-a", password, "--no-auth-warning"] if password else []
        self.door = ["-p", str(self.port)]  # where redis-cli finds it
        self.url = f"redis://{':' + password + '@' if password else ''}127.0.0.1:{self.port}"

    def command(self) -> list:
        return ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.dir, "--save", "", "--appendonly", "yes",
                "--appendfsync", "always", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", *self.args]

    def start(self) -> "Server":
        self.process = Process(self.name, self.command(), self.dir / "redis.log")
        eventually(self.answers, 20, f"{self.name} answers PING")
        return self

    def answers(self) -> bool:
        if not self.running():
            raise RuntimeError(f"{self.name} ended:\n" + "\n".join(self.process.lines[-5:]))
        return run(["redis-cli", *self.door, *self.login, "PING"], check=False).stdout.strip() == "PONG"

    def client(self):
        import redis
        return redis.Redis(port=self.port, password=self.password or None, decode_responses=True)

    def cli(self, *args: str) -> str:
        return run(["redis-cli", *self.door, *self.login, *args]).stdout.strip()

    def role(self) -> str:
        """master or slave; "" where it does not answer."""
        return run(["redis-cli", *self.door, *self.login, "ROLE"], check=False).stdout.partition("\n")[0].strip()

    def running(self) -> bool:
        return self.process is not None and self.process.running()

    def stop(self) -> None:
        """SIGKILL: a server that waits for its replicas before it ends would only cost time."""
        if self.running():
            self.thaw()
            self.kill()

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()


class Sentinel(Server):
    """One redis-sentinel; it keeps what it learns in its own configuration, also over a restart."""

    def __init__(self, folder: Path, name: str, password: str):
        super().__init__(folder, name)
        self.config = self.dir / "sentinel.conf"
        self.login = ["-a", password, "--no-auth-warning"] if password else []

    def configure(self, text: str) -> None:
        self.config.write_text(text)

    def command(self) -> list:
        return ["redis-server", self.config, "--sentinel"]

    def primary_port(self) -> int:
        """Whom it names; 0 where it does not answer."""
        lines = run(["redis-cli", *self.door, *self.login, "SENTINEL", "get-master-addr-by-name", MASTER],
                    check=False).stdout.split()
        return int(lines[1]) if len(lines) == 2 and lines[1].isdigit() else 0

    def knows(self) -> tuple[int, int]:
        """How many replicas and other Sentinels it knows of."""
        words = self.cli("SENTINEL", "master", MASTER).split("\n")
        facts = dict(zip(words[::2], words[1::2]))
        return int(facts.get("num-slaves", 0)), int(facts.get("num-other-sentinels", 0))


class Group:
    """Servers that belong together: what start() began is stopped, also where it failed half way."""

    password_files = ""  # as of stand.Redis

    def denied(self) -> str:
        return ""

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_) -> None:
        self.stop()


class SentinelSet(Group):
    """A primary, its replicas and the Sentinels that watch them. url names all Sentinels; with a password it carries that of Redis,
    and sentinel_password_file is the file for store.sentinel_password_file."""

    def __init__(self, folder: Path, replicas: int = 1, sentinels: int = 3, password: str = "", sentinel_password: str = "",
                 down_after_ms: int = 1000):
        self.dir = folder / "redis-set"
        self.dir.mkdir()
        self.servers = [Server(self.dir, f"redis{number + 1}", password=password) for number in range(replicas + 1)]
        for replica in self.servers[1:]:
            replica.args += ["--replicaof", f"127.0.0.1 {self.servers[0].port}"]
        self.sentinels = [Sentinel(self.dir, f"sentinel{number + 1}", sentinel_password) for number in range(sentinels)]
        login = f":{password}@" if password else ""
        self.url = f"redis+sentinel://{login}{','.join(f'127.0.0.1:{sentinel.port}' for sentinel in self.sentinels)}/{MASTER}"
        self.sentinel_password_file = self.dir / "sentinel-password"
        if sentinel_password:
            self.sentinel_password_file.write_text(sentinel_password + "\n")
            self.sentinel_password_file.chmod(0o600)
        for sentinel in self.sentinels:
            lines = [f"port {sentinel.port}", "bind 127.0.0.1", f"dir {sentinel.dir}",
                     f"sentinel monitor {MASTER} 127.0.0.1 {self.servers[0].port} {sentinels // 2 + 1}",
                     f"sentinel down-after-milliseconds {MASTER} {down_after_ms}",
                     f"sentinel failover-timeout {MASTER} {max(5 * down_after_ms, 3000)}"]
            if password:
                lines.append(f"sentinel auth-pass {MASTER} {password}")
            if sentinel_password:
                lines += [f"requirepass {sentinel_password}", f"sentinel sentinel-pass {sentinel_password}"]
            sentinel.configure("\n".join(lines) + "\n")

    def start(self) -> "SentinelSet":
        for server in [*self.servers, *self.sentinels]:
            server.start()
        self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Returns once a failover is possible."""
        want = (len(self.servers) - 1, len(self.sentinels) - 1)
        for sentinel in self.sentinels:
            eventually(lambda sentinel=sentinel: sentinel.knows() == want, 40, f"{sentinel.name} knows all others")
        for replica in self.servers[1:]:
            eventually(lambda replica=replica: "master_link_status:up" in replica.cli("INFO", "replication"), 20,
                       f"{replica.name} follows")

    def primary(self) -> Server:
        """Whom most of the Sentinels that run name."""
        ports = [sentinel.primary_port() for sentinel in self.sentinels if sentinel.running()]
        port = max(set(ports), key=ports.count)
        return next(server for server in self.servers if server.port == port)

    def wait_failover(self, old: Server, timeout: float = 60) -> float:
        """Waits until most of all Sentinels name another primary than `old`, which says so itself; returns time.monotonic() of
        that moment."""
        def done() -> bool:
            ports = [sentinel.primary_port() for sentinel in self.sentinels if sentinel.running()]
            return sum(port not in (0, old.port) for port in ports) * 2 > len(self.sentinels)
        eventually(done, timeout, "the Sentinels name another primary")
        at = time.monotonic()
        eventually(lambda: self.primary().role() == "master", timeout, "the new primary says that it is one")
        return at

    def stop(self) -> None:
        for server in [*self.sentinels, *self.servers]:
            server.stop()


class SampleServer(Server):
    """One that runs by conf/redis/redis.conf.sample and conf/redis/users.acl; tests are its user `default`, with a password."""

    def __init__(self, folder: Path, name: str, primary: int = 0):
        """primary: the port of the one that it follows; 0 = none."""
        super().__init__(folder, name, password="operators")
        self.password_files = write_users(self.dir, "user default on >operators ~* &* +@all")
        self.config = self.dir / "redis.conf"
        self.config.write_text(own_words((TOP / "conf/redis/redis.conf.sample").read_text(), [
            ("port 6379", f"port {self.port}"), ("bind 192.0.2.11 127.0.0.1", "bind 127.0.0.1"),
            ("/etc/redis/users.acl", f"{self.dir}/users.acl"), ("REPLICA-PASSWORD", "secret")])
            + f"dir {self.dir}\nrepl-diskless-sync-delay 0\nrepl-ping-replica-period 1\n"
            + (f"replicaof 127.0.0.1 {primary}\n" if primary else ""))

    def command(self) -> list:
        return ["redis-server", self.config]


def own_words(sample: str, words: list[tuple[str, str]]) -> str:
    """A sample file with what is each site's own; each of these has to stand in it."""
    for theirs, ours in words:
        if theirs not in sample:
            raise ValueError(f"the sample says nothing of {theirs!r}")
        sample = sample.replace(theirs, ours)
    return sample


class SampleSet(SentinelSet):
    """A primary, two replicas and three Sentinels as the samples of conf/redis have them, but for the time until a failover."""

    def __init__(self, folder: Path):
        super().__init__(folder, replicas=0, sentinel_password="sentinels")
        primary = SampleServer(self.dir, "primary")
        self.servers = [primary, *(SampleServer(self.dir, f"replica{number}", primary.port) for number in (1, 2))]
        self.password_files = primary.password_files
        self.sentinel_password_file.write_text("outage-milter:asking\n")
        for sentinel in self.sentinels:
            sentinel.configure(own_words((TOP / "conf/redis/sentinel.conf.sample").read_text(), [
                ("port 26379", f"port {sentinel.port}"), ("bind 192.0.2.11 127.0.0.1", "bind 127.0.0.1"),
                ("dir /var/lib/redis", f"dir {sentinel.dir}"), (f"monitor {MASTER} 192.0.2.11 6379", f"monitor {MASTER} 127.0.0.1 {primary.port}"),
                ("SENTINEL-PASSWORD", "secret"), ("SENTINELS-PASSWORD", "sentinels"), ("ASKING-PASSWORD", "asking"),
                (f"down-after-milliseconds {MASTER} 5000", f"down-after-milliseconds {MASTER} 1000"),
                (f"failover-timeout {MASTER} 30000", f"failover-timeout {MASTER} 5000")]))

    def denied(self) -> str:
        return "".join(server.denied() for server in self.servers)


class Cluster(Group):
    """A Redis Cluster of `nodes` primaries that share the slots. url names the first."""

    def __init__(self, folder: Path, nodes: int = 3):
        self.dir = folder / "cluster"
        self.dir.mkdir()
        # The bus would listen 10000 ports above, where free_port() may have found us one near the end.
        self.bus_ports = [free_port() for _ in range(nodes)]
        self.nodes = [Server(self.dir, f"node{number + 1}", "--cluster-enabled", "yes", "--cluster-port", self.bus_ports[number],
                             "--cluster-node-timeout", "2000") for number in range(nodes)]
        self.url = self.nodes[0].url

    def start(self) -> "Cluster":
        for node in self.nodes:
            node.start()
        edges = [16384 * number // len(self.nodes) for number in range(len(self.nodes) + 1)]
        for number, node in enumerate(self.nodes):
            node.cli("CLUSTER", "ADDSLOTSRANGE", str(edges[number]), str(edges[number + 1] - 1))
            node.cli("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        for node in self.nodes[1:]:
            node.cli("CLUSTER", "MEET", "127.0.0.1", str(self.nodes[0].port),
                     str(self.bus_ports[0]))
        for node in self.nodes:
            eventually(lambda node=node: "cluster_state:ok" in node.cli("CLUSTER", "INFO")
                       and f"cluster_known_nodes:{len(self.nodes)}" in node.cli("CLUSTER", "INFO"), 30, f"{node.name} is ready")
        return self

    def owner(self, key: str) -> Server:
        """The node that has the key's slot."""
        slot = int(self.nodes[0].cli("CLUSTER", "KEYSLOT", key))
        return self.nodes[min(slot * len(self.nodes) // 16384, len(self.nodes) - 1)]

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()


class Authority:
    """A certificate authority of our own, made with the openssl program."""

    KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    def __init__(self, folder: Path, name: str = "authority"):
        self.dir = folder / name
        self.dir.mkdir()
        self.file = self.dir / "ca.pem"
        run(["openssl", "req", "-x509", *self.KEY, "-keyout", self.dir / "ca.key", "-out", self.file, "-subj", f"/CN={name}",
             "-days", "2"])

    def certificate(self, name: str, names: str = "DNS:localhost,IP:127.0.0.1", days: int = 2) -> tuple[Path, Path]:
        """Certificate and key for the names; with negative days it has expired already."""
        request, key, cert, extensions = (self.dir / f"{name}.{kind}" for kind in ("csr", "key", "pem", "ext"))
        extensions.write_text(f"subjectAltName={names}\n")
        run(["openssl", "req", *self.KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}"])
        run(["openssl", "x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.dir / "ca.key", "-CAcreateserial",
             "-days", str(days), "-extfile", extensions, "-out", cert])
        return cert, key


class TlsServer(Server):
    """A redis-server that speaks TLS alone. clients: whether it asks for a certificate of theirs."""

    def __init__(self, folder: Path, name: str, authority: Authority, certificate: tuple[Path, Path], clients: bool = False,
                 password: str = "", host: str = "127.0.0.1", protocols: str = "TLSv1.2 TLSv1.3"):
        tls_port = free_port()
        super().__init__(folder, name, "--tls-port", tls_port, "--tls-cert-file", certificate[0], "--tls-key-file", certificate[1],
                         "--tls-ca-cert-file", authority.file, "--tls-auth-clients", "yes" if clients else "no", "--tls-protocols",
                         protocols, password=password, port=0)
        cert, key = authority.certificate(f"{name}-operator")
        self.door = ["-p", str(tls_port), "--tls", "--insecure", "--cert", str(cert), "--key", str(key)]
        self.url = f"rediss://{':' + password + '@' if password else ''}{host}:{tls_port}"
