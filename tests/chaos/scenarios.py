"""What happens to the site while its customers write. Each scenario is a function over a Stage; what it does to the site it also
says to the judge, so that nothing is excused that was not done.

A scenario goes on by what has happened (so many more mails accepted, a new primary named), and by the clock only where the length of
a fault is what it is about."""

import dataclasses
import glob
import os
import random
import signal
import time
from collections.abc import Callable

from judge import Facts, Flip, Span
from load import Load
from process import pause, run
from nodes import RECONNECT, SINK_PATIENCE, Site, SiteNode


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    play: Callable[["Stage"], None]
    what: str
    short: bool = False
    redis: bool = False       # breaks Redis: begins only when that is whole
    cuts: bool = False        # needs hosts that can be cut off
    clock: bool = False       # needs libfaketime
    refused: bool = False     # some customers' mailboxes are gone
    resends: bool = False     # SMTP may deliver a letter twice
    settings: dict = dataclasses.field(default_factory=dict)

    @property
    def local(self) -> bool:
        return self.settings.get("store.when_down", "local") == "local"


SCENARIOS: list[Scenario] = []


def scenario(what: str, **more):
    """Registers a function as the scenario of its name."""
    def register(play: Callable[["Stage"], None]):
        SCENARIOS.append(Scenario(play.__name__.replace("_", "-"), play, what, **more))
        return play
    return register


class Stage:
    """One scenario while it is played."""

    def __init__(self, site: Site, what: Scenario, rng: random.Random, load: Load, seconds: float):
        """seconds: how long the load lasts; what a fault that lasts is measured by."""
        self.site = site
        self.rng = rng
        self.load = load
        self.seconds = seconds
        self.facts = Facts(resends=what.resends)
        self._local = what.local
        self._alone: dict[str, float] = {}

    def nodes(self, count: int) -> list[SiteNode]:
        """Some of them, in no order."""
        return self.rng.sample(self.site.nodes, count)

    def alone(self, *nodes: SiteNode) -> None:
        """From now on these do not see Redis."""
        for node in nodes or self.site.nodes:
            self._alone.setdefault(node.name, time.monotonic())

    def together(self, *nodes: SiteNode) -> None:
        """Redis is there for them again; they find out within RECONNECT seconds."""
        for node in nodes or self.site.nodes:
            begin = self._alone.pop(node.name, None)
            if begin is not None and self._local:
                self.facts.alone.append(Span(node.name, begin, time.monotonic() + RECONNECT))

    def flip(self, word: str) -> None:
        begin, end = self.site.flip(word)
        self.facts.flips.append(Flip(begin, end, word))

    def heal(self) -> None:
        """Whatever is broken is made whole."""
        site = self.site
        site.sink.set_mode("accept")
        for daemon in [*site.redis_site.servers, *site.redis_site.sentinels]:
            if daemon.running():
                daemon.signal(signal.SIGCONT)
        if site.network.can_cut:
            for host in site.network.hosts:
                site.network.join(host)
        for node in site.nodes:
            node.env = {}
        site.start_all()
        self.together()
        self.facts.deaf = list(site.deaf)


# -- programs of a node

@scenario("nothing is broken", redis=True)
def calm(stage: Stage) -> None:
    stage.load.wait_share(1)


@scenario("a milter is killed, a replier of another node, the Postfix of a third; each comes back", short=True, resends=True)
def kill_programs(stage: Stage) -> None:
    first, second, third = stage.nodes(3)
    stage.load.wait_share(0.15)
    stage.site.kill_milter(first)
    stage.load.wait_more(8, first.name)
    stage.site.start_milter(first)
    second.replier.kill()
    stage.load.wait_more(15)
    second.start_replier()
    third.postfix.kill_children("smtpd", "cleanup", "qmgr")
    stage.load.wait_more(10)
    third.postfix.kill()
    stage.load.wait_more(10)
    stage.site.start_postfix(third)


@scenario("a milter is killed and comes back, then another")
def kill_milter(stage: Stage) -> None:
    for share, node in zip((0.2, 0.55), stage.nodes(2)):
        stage.load.wait_share(share)
        stage.site.kill_milter(node)
        stage.load.wait_more(8, node.name)
        stage.site.start_milter(node)


@scenario("a replier is killed and comes back, then another", resends=True)
def kill_replier(stage: Stage) -> None:
    for share, node in zip((0.2, 0.5), stage.nodes(2)):
        stage.load.wait_share(share)
        node.replier.kill()
        stage.load.wait_more(15)
        node.start_replier()


@scenario("smtpd, cleanup and qmgr of one Postfix are killed, then another Postfix whole", resends=True)
def kill_postfix(stage: Stage) -> None:
    first, second = stage.nodes(2)
    for share in (0.1, 0.2, 0.3):
        stage.load.wait_share(share)
        first.postfix.kill_children("smtpd", "cleanup", "qmgr", "smtp", "virtual")
    stage.load.wait_share(0.5)
    second.postfix.kill()
    stage.load.wait_more(15)
    stage.site.start_postfix(second)


# -- Redis

def lose_primary(stage: Stage) -> None:
    primary = stage.site.redis_site.wait_primary()
    stage.load.wait_share(0.25)
    stage.alone()
    primary.kill()
    stage.site.redis_site.wait_primary(other_than=primary)
    stage.together()
    stage.load.wait_more(25)
    primary.start()


@scenario("the primary is killed, a replica takes over, the old one comes back", short=True, redis=True, resends=True)
def failover(stage: Stage) -> None:
    lose_primary(stage)


@scenario("the same with store.min_replicas = 1", redis=True, resends=True, settings={"store.min_replicas": 1})
def failover_min_replicas(stage: Stage) -> None:
    lose_primary(stage)


@scenario("the same with store.when_down = hold", redis=True, resends=True, settings={"store.when_down": "hold"})
def failover_hold(stage: Stage) -> None:
    lose_primary(stage)


@scenario("the primary hangs until a replica has taken over, then goes on", redis=True, resends=True)
def stall_primary(stage: Stage) -> None:
    primary = stage.site.redis_site.wait_primary()
    stage.load.wait_share(0.25)
    stage.alone()
    primary.signal(signal.SIGSTOP)
    stage.site.redis_site.wait_primary(other_than=primary)
    stage.together()
    stage.load.wait_more(25)
    primary.signal(signal.SIGCONT)


@scenario("every Redis hangs without closing a connection, then goes on", short=True, redis=True, resends=True)
def stall_all(stage: Stage) -> None:
    stage.load.wait_share(0.3)
    stage.alone()
    for server in stage.site.redis_site.servers:
        server.signal(signal.SIGSTOP)
    pause(max(2, stage.seconds / 3))
    for server in stage.site.redis_site.servers:
        server.signal(signal.SIGCONT)
    stage.site.redis_site.wait_primary()
    stage.together()


@scenario("FLUSHALL, then the flip key is set again", short=True, redis=True, resends=True)
def flushall(stage: Stage) -> None:
    stage.load.wait_share(0.5)
    begin = time.monotonic()
    stage.site.redis_site.wait_primary().client().flushall()
    stage.load.wait_more(10)
    # While the store is empty, nodes tag from memory and answer nobody (reason stale): who wrote then is owed nothing.
    again = time.monotonic()
    stage.facts.flips.append(Flip(begin, again, "none"))
    stage.site.redis_site.set("outage:incident", "P1")
    stage.site.wait_word("P1", 60)
    stage.facts.flips.append(Flip(again, time.monotonic(), "P1"))


# -- cuts

def cut_other(stage: Stage) -> None:
    primary = stage.site.redis_site.wait_primary()
    node = stage.rng.choice([node for node in stage.site.nodes if node.host is not primary.host])
    stage.load.wait_share(0.2)
    stage.alone(node)
    stage.site.network.cut(node.host)
    stage.load.wait_share(0.65)
    stage.site.network.join(node.host)
    stage.together(node)


@scenario("a node is cut off from Redis and the others, and returns", short=True, cuts=True, redis=True, resends=True,
          settings={"store.local_after": "500ms"})
def cut_node(stage: Stage) -> None:
    cut_other(stage)


@scenario("the same with store.when_down = hold", cuts=True, redis=True, resends=True, settings={"store.when_down": "hold"})
def cut_node_hold(stage: Stage) -> None:
    cut_other(stage)


@scenario("the node with the primary is cut off together with it, and returns", short=True, cuts=True, redis=True, resends=True,
          settings={"store.local_after": "500ms"})
def cut_primary(stage: Stage) -> None:
    site = stage.site
    primary = site.redis_site.wait_primary()
    node = next(node for node in site.nodes if node.host is primary.host)
    others = [other for other in site.nodes if other is not node]
    stage.load.wait_share(0.2)
    stage.alone()
    site.network.cut(node.host)
    site.redis_site.wait_primary(other_than=primary)
    stage.together(*others)
    stage.load.wait_share(0.65)
    site.network.join(node.host)
    stage.together(node)


# -- the customers' side

@scenario("the customers' server greylists, falls silent, drops connections, swallows its answer; some mailboxes are gone",
          short=True, refused=True, resends=True)
def sink_trouble(stage: Stage) -> None:
    sink = stage.site.sink
    for share, mode in ((0.1, "greylist"), (0.35, "silent"), (0.6, "drop"), (0.8, "late")):
        stage.load.wait_share(share)
        sink.set_mode(mode)
        sink.wait_turned_away(3)
        if mode in ("silent", "late"):
            pause(max(SINK_PATIENCE + 0.5, stage.seconds / 4))
    stage.load.wait_share(1)


# -- the operator

@scenario("the flip key goes P1, P2, resolved, P1 again", short=True)
def flips(stage: Stage) -> None:
    for share, word in ((0.25, "P2"), (0.5, "resolved"), (0.8, "P1")):
        stage.load.wait_share(share)
        if word == "resolved":
            stage.site.write_fix()
        stage.flip(word)


# -- everything

@scenario("every process on every host is killed at once and started again, in any order", short=True, redis=True, resends=True)
def kill_everything(stage: Stage) -> None:
    site = stage.site
    stage.load.wait_share(0.4)
    stage.alone()
    for node in site.nodes:
        site.kill_milter(node)
        node.replier.kill()
    site.redis_site.kill()
    for node in site.nodes:
        node.postfix.kill()
    for node in stage.nodes(3):
        site.start_postfix(node)
        site.start_milter(node)
        node.start_replier()
    site.redis_site.start()
    site.redis_site.wait_primary()
    stage.together()


def faketime_library() -> str:
    """libfaketime for programs with threads, or ""."""
    return next(iter(sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))), "")


@scenario("the wall clock of one node's programs jumps an hour ahead, then an hour back", clock=True, resends=True)
def clock_jumps(stage: Stage) -> None:
    site = stage.site
    node = stage.nodes(1)[0]
    clock = site.dir / "clock"

    def set_clock(text: str, ahead: int = 0) -> None:
        fresh = clock.with_suffix(".new")
        fresh.write_text(text + "\n")
        fresh.replace(clock)
        told = int(run(["date", "+%s"], env={**os.environ, **node.env}).stdout)
        if abs(told - time.time() - ahead) > 60:
            raise RuntimeError(f"libfaketime does not work: {told} is not {ahead} s ahead of {time.time():.0f}")

    node.env = {"LD_PRELOAD": faketime_library(), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1", "FAKETIME_CACHE_DURATION": "1"}
    set_clock("+0")
    site.kill_milter(node)
    node.replier.kill()
    site.start_milter(node)
    node.start_replier()
    for share, jump, ahead in ((0.3, "+1h", 3600), (0.6, "-1h", -3600), (0.9, "+0", 0)):
        stage.load.wait_share(share)
        set_clock(jump, ahead)
    stage.load.wait_share(1)
    site.kill_milter(node)
    node.replier.kill()
