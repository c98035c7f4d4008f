"""A Redis primary, its replicas, and the Sentinels that watch over them, one of each on every host."""

import contextlib
from pathlib import Path

import redis

from hosts import Host
from process import Process, eventually

MASTER = "chaos"

SERVER_CONF = """\
bind {address}
port {port}
dir {dir}
protected-mode no
save ""
appendonly yes
appendfsync everysec
repl-diskless-sync yes
repl-diskless-sync-delay 0
repl-ping-replica-period 1
repl-timeout 6
replica-announce-ip {address}
replica-announce-port {port}
"""
SENTINEL_CONF = """\
bind {address}
port {port}
dir {dir}
protected-mode no
sentinel monitor {master} {primary} {primary_port} 2
sentinel down-after-milliseconds {master} 1500
sentinel failover-timeout {master} 4000
sentinel parallel-syncs {master} 2
sentinel announce-ip {address}
sentinel announce-port {port}
"""


class Daemon:
    """A Redis or a Sentinel on its host. It writes its own configuration, and so comes back as what it was last told to be."""

    def __init__(self, folder: Path, host: Host, service: str):
        self.host = host
        self.service = service
        self.address = host.inner
        self.port = host.ports[service]
        self.name = f"{service}-{host.name}"
        self.dir = folder / self.name
        self.dir.mkdir()
        self.conf = self.dir / f"{service}.conf"
        self.process: Process | None = None

    def start(self) -> None:
        mode = ["--sentinel"] if self.service == "sentinel" else []
        self.process = Process(self.name, self.host.command(["redis-server", self.conf, *mode]), self.dir / "log")
        eventually(self.answers, 30, f"{self.name} answers PING")

    def client(self, timeout: float = 1) -> redis.Redis:
        return redis.Redis(host=self.address, port=self.port, decode_responses=True, socket_timeout=timeout,
                           socket_connect_timeout=timeout)

    def ask(self, *words, timeout: float = 1):
        """The answer to one command; None where there is none."""
        client = self.client(timeout)
        try:
            return client.execute_command(*words)
        except redis.RedisError:
            return None
        finally:
            client.close()

    def answers(self) -> bool:
        return self.ask("PING", timeout=0.5) is not None

    def running(self) -> bool:
        return self.process is not None and self.process.running()

    def kill(self) -> None:
        self.process.kill()

    def signal(self, number: int) -> None:
        self.process.signal(number)


class RedisSite:
    """The first host's Redis begins as primary. `url` is what a node is configured with."""

    def __init__(self, folder: Path, hosts: list[Host]):
        self.servers = [Daemon(folder, host, "redis") for host in hosts]
        self.sentinels = [Daemon(folder, host, "sentinel") for host in hosts]
        first = self.servers[0]
        for server in self.servers:
            text = SERVER_CONF.format(address=server.address, port=server.port, dir=server.dir)
            server.conf.write_text(text + ("" if server is first else f"replicaof {first.address} {first.port}\n"))
        for sentinel in self.sentinels:
            sentinel.conf.write_text(SENTINEL_CONF.format(address=sentinel.address, port=sentinel.port, dir=sentinel.dir,
                                                          master=MASTER, primary=first.address, primary_port=first.port))
        self.url = "redis+sentinel://" + ",".join(f"{s.address}:{s.port}" for s in self.sentinels) + f"/{MASTER}"

    def start(self) -> None:
        for daemon in [*self.servers, *self.sentinels]:
            if not daemon.running():
                daemon.start()

    def kill(self) -> None:
        for daemon in [*self.servers, *self.sentinels]:
            if daemon.running():
                daemon.kill()

    def named(self, sentinel: Daemon) -> Daemon | None:
        """The primary that this Sentinel names."""
        place = sentinel.ask("SENTINEL", "get-master-addr-by-name", MASTER, timeout=0.5)
        return next((server for server in self.servers if place and (server.address, str(server.port)) == tuple(place)), None)

    def primary(self) -> Daemon | None:
        """The one that most Sentinels name and that says so itself."""
        named = [server for server in map(self.named, self.sentinels) if server is not None]
        for server in self.servers:
            if named.count(server) * 2 > len(self.sentinels):
                role = server.ask("ROLE", timeout=0.5)
                return server if role and role[0] in ("master", b"master") else None
        return None

    def wait_primary(self, other_than: Daemon | None = None, timeout: float = 60) -> Daemon:
        def look():
            found = self.primary()
            return found if found is not other_than else None
        return eventually(look, timeout, "the Sentinels have agreed on a primary" + (" after the failover" if other_than else ""))

    def whole(self) -> bool:
        """One primary, all others follow it, and every Sentinel knows all of that."""
        primary = self.primary()
        if primary is None or any(self.named(sentinel) is not primary for sentinel in self.sentinels):
            return False
        for server in self.servers:
            role = server.ask("ROLE", timeout=0.5)
            if not role or (server is not primary and role[:4] != ["slave", primary.address, primary.port, "connected"]):
                return False
        for sentinel in self.sentinels:
            facts = sentinel.ask("SENTINEL", "MASTER", MASTER, timeout=0.5) or {}
            if not isinstance(facts, dict):
                facts = dict(zip(facts[::2], facts[1::2]))
            others = (int(facts.get("num-slaves", 0)), int(facts.get("num-other-sentinels", 0)))
            if others != (len(self.servers) - 1, len(self.sentinels) - 1) or facts.get("flags") not in ("master", {"master"}):
                return False
        return True

    def wait_whole(self, timeout: float = 90) -> None:
        eventually(self.whole, timeout, "Redis and its Sentinels are whole again")

    def set(self, key: str, value: str) -> None:
        """As the operator's redis-cli does it, at the primary of the moment."""
        def write():
            primary = self.primary()
            with contextlib.suppress(redis.RedisError):
                return primary is not None and primary.client().set(key, value)
            return False
        eventually(write, 60, f"SET {key} {value}")
