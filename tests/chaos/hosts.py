"""The machines of the site: network namespaces that can be cut off, or, where those are not permitted, ports of loopback.

Two networks: the inner one joins the nodes with each other (Redis, Sentinel), the outer one is the Internet, with the customers on it.
A node that is cut off loses the inner one only: its customers still reach it, and it them. We ourselves, the operator's desk and the
customers, sit in the namespace that this program was started in, which `scripts/chaos` makes for it."""

import contextlib
import os

from process import free_port, run

INNER, OUTER = "10.77.0", "10.78.0"
DESK = 254
PORTS = {"smtp": 25, "submission": 587, "redis": 6379, "sentinel": 26379}


class Host:
    """One machine: its addresses, its ports, and how a program is started on it."""

    def __init__(self, name: str, inner: str, outer: str, ports: dict[str, int], prefix: list[str]):
        self.name = name
        self.inner = inner
        self.outer = outer
        self.ports = ports
        self._prefix = prefix

    def command(self, args: list) -> list:
        """args, to be run on this host."""
        return [*self._prefix, *args]


class Namespaces:
    """Hosts as network namespaces, joined by two bridges of our own namespace."""

    can_cut = True

    def __init__(self, names: list[str]):
        self.customers = f"{OUTER}.{DESK}"
        self.sink_port = 2525
        self._unique = f"c{os.getpid()}"
        self._made: list[str] = []
        self.hosts: list[Host] = []
        try:
            self._make(names)
        except BaseException:
            self.close()
            raise

    def _make(self, names: list[str]) -> None:
        run(["ip", "link", "set", "lo", "up"])
        for bridge, network in (("inner", INNER), ("outer", OUTER)):
            run(["ip", "link", "add", bridge, "type", "bridge"])
            run(["ip", "address", "add", f"{network}.{DESK}/24", "dev", bridge])
            run(["ip", "link", "set", bridge, "up"])
        for number, name in enumerate(names, start=1):
            space = f"{self._unique}-{name}"
            run(["ip", "netns", "add", space])
            self._made.append(space)
            prefix = ["ip", "netns", "exec", space]
            run([*prefix, "ip", "link", "set", "lo", "up"])
            for bridge, network in (("inner", INNER), ("outer", OUTER)):
                run(["ip", "link", "add", f"{bridge}{number}", "type", "veth", "peer", "name", bridge, "netns", space])
                run(["ip", "link", "set", f"{bridge}{number}", "master", bridge, "up"])
                run([*prefix, "ip", "address", "add", f"{network}.{number}/24", "dev", bridge])
                run([*prefix, "ip", "link", "set", bridge, "up"])
            self.hosts.append(Host(name, f"{INNER}.{number}", f"{OUTER}.{number}", dict(PORTS), prefix))

    def _set(self, host: Host, state: str) -> None:
        run(["ip", "link", "set", f"inner{self.hosts.index(host) + 1}", state])

    def cut(self, host: Host) -> None:
        """Nothing reaches it from the other nodes, and nothing says so: what is sent is swallowed."""
        self._set(host, "down")

    def join(self, host: Host) -> None:
        self._set(host, "up")

    def close(self) -> None:
        """The bridges and cables go with our own namespace."""
        for space in self._made:
            with contextlib.suppress(RuntimeError):
                run(["ip", "netns", "delete", space])


class Loopback:
    """Hosts that are all this one, on free ports. None can be cut off."""

    can_cut = False

    def __init__(self, names: list[str]):
        self.customers = "127.0.0.1"
        self.sink_port = free_port()
        self.hosts = [Host(name, "127.0.0.1", "127.0.0.1", {service: free_port() for service in PORTS}, []) for name in names]

    def close(self) -> None:
        pass


def make_network(names: list[str], isolated: bool):
    """isolated: this program has network, mount and pid namespaces of its own."""
    return Namespaces(names) if isolated else Loopback(names)
