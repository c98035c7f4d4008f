"""Wrong state is as bad as no state: a store that lost its memory, went back in time or holds nonsense neither announces an incident that
is over, nor ends one that is on, nor gives it another name."""

import shutil

import pytest

from mail import ack, outage_report, parse_value, reasons
from process import eventually

HUGE = 100 * 1024 * 1024


def incident_id(received) -> str:
    return parse_value(received.one("X-Outage-Incident"))[1]["id"]


def events(redis, what: str) -> list[dict]:
    return [fields for _, fields in redis.client().xrange("outage:events") if fields["what"] == what]


@pytest.fixture
def stand(make_stand, redis):
    return make_stand(redis).start()


@pytest.fixture
def pair(make_stand, redis):
    return make_stand(redis, nodes=2).start()


def is_answered_again(stand, number=iter(range(1000))):
    """True where new customers are; while the state is in doubt, acknowledgements are held back."""
    return ack(stand.deliver(outage_report(f"new{next(number)}@corp.example"))) == "queued"


def everything_is_lost(pair) -> None:
    pair.redis.cli("FLUSHALL")
    for node in pair.nodes:
        node.process.wait_for_line("store-empty")
        assert node.word() == "P1"


@pytest.mark.parametrize("by", ["redis-cli", "outagectl"])
def test_after_flushall_the_incident_goes_on_under_its_id(pair, customer, by):
    pair.redis.cli("SET", "outage:incident", "P1")
    pair.wait_word("P1")
    first = pair.deliver(outage_report(customer))
    pair.mailbox(customer).wait_reply()
    everything_is_lost(pair)
    if by == "redis-cli":
        pair.redis.cli("SET", "outage:incident", "P1")
    else:
        pair.ctl("declare", "P1")
    eventually(lambda: is_answered_again(pair), 20, "new customers are answered")
    for node in pair.nodes:
        assert incident_id(pair.deliver(outage_report(f"also.{node.name}@corp.example"), node=node)) == incident_id(first)
    assert len(events(pair.redis, "continued")) == 1
    assert events(pair.redis, "opened") == []
    assert "store" not in " ".join(pair.status()["warnings"]).lower()


def test_after_flushall_nobody_is_answered_twice(pair, customer):
    pair.redis.cli("SET", "outage:incident", "P1")
    pair.wait_word("P1")
    assert ack(pair.deliver(outage_report(customer))) == "queued"
    pair.mailbox(customer).wait_reply()
    pair.wait_quiet()
    everything_is_lost(pair)
    pair.redis.cli("SET", "outage:incident", "P1")
    pair.wait_word("P1")
    eventually(lambda: any(key.endswith("sent") or ":active:" in key for key in pair.redis.client().keys("outage:acked:*")), 30,
               "the nodes tell the store again whom they have answered")
    # Until every node has done so a claim waits on its node: recorded, and dropped later.
    for node in pair.nodes:
        eventually(lambda node=node: reasons(pair.deliver(outage_report(customer), node=node)) == ["already-acked"], 40,
                   f"{node.name} asks the store again")
    pair.settle()
    assert len(pair.mailbox(customer).replies()) == 1


def test_a_lost_state_key_neither_ends_nor_renames_it(stand, customer):
    stand.declare("P1", "--title", "Login and API are down")
    first = stand.deliver(outage_report(customer))
    stand.mailbox(customer).wait_reply()
    stand.redis.cli("DEL", "outage:state:default")
    eventually(lambda: stand.redis.cli("HGET", "outage:state:default", "id") == incident_id(first), 20, "the state is back")
    again = stand.deliver(outage_report(customer))
    assert incident_id(again) == incident_id(first)
    assert reasons(again) == ["already-acked"]
    assert len(events(stand.redis, "continued")) == 1
    assert stand.node.word() == "P1"


class OldCopy:
    """A backup of the store's files, and its restoration, as after a failover to a replica that was left behind."""

    def __init__(self, redis):
        self.redis = redis
        self.files = redis.dir / "appendonlydir"
        self.copy = redis.dir / "old"
        shutil.copytree(self.files, self.copy)

    def restore(self) -> None:
        self.redis.kill()
        shutil.rmtree(self.files)
        shutil.copytree(self.copy, self.files)
        self.redis.start()


def test_an_old_copy_does_not_end_what_is_on(pair, customer):
    pair.declare("P2")
    pair.ctl("clear")
    pair.wait_word("")
    old = OldCopy(pair.redis)
    pair.declare("P1")
    first = pair.deliver(outage_report(customer))
    old.restore()
    for node in pair.nodes:
        node.process.wait_for_line("went back in time", 30)
        assert node.word() == "P1"
        assert incident_id(pair.deliver(outage_report(f"x.{node.name}@corp.example"), node=node)) == incident_id(first)
    assert pair.redis.cli("HGET", "outage:state:default", "word") == "none"
    pair.ctl("declare", "P1")
    eventually(lambda: is_answered_again(pair), 20, "new customers are answered")
    for node in pair.nodes:
        assert incident_id(pair.deliver(outage_report(f"y.{node.name}@corp.example"), node=node)) == incident_id(first)


def test_an_old_copy_does_not_announce_what_is_over(pair, customer):
    pair.declare("P1")
    old = OldCopy(pair.redis)
    pair.ctl("clear")
    pair.wait_word("")
    old.restore()
    for node in pair.nodes:
        node.process.wait_for_line("went back in time", 30)
        assert pair.deliver(outage_report(customer), node=node).outage() == {}
    # Also after a restart: the node's own memory is in its state directory.
    pair.node.process.stop()
    pair.node.start()
    pair.node.process.wait_for_line("went back in time", 30)
    assert pair.node.word() == ""
    said = [len(node.process.lines) for node in pair.nodes]
    pair.ctl("declare", "P3")
    pair.wait_word("P3")
    pair.ctl("clear")
    pair.wait_word("")
    for node, start in zip(pair.nodes, said):
        assert not any("went back" in line for line in node.process.lines[start:])


def peak_memory(process) -> int:
    """The most that a process has held, in bytes."""
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


@pytest.mark.parametrize("key", ["incident", "incidents", "pause", "known", "life", "state:default", "incident:default",
                                 "updates:default"])
def test_a_huge_string_in_any_key_costs_no_mail_and_no_memory(stand, key):
    stand.declare("P1", "--title", "Login and API are down")
    stand.ctl("update", "A disk is being replaced")
    first = stand.deliver(outage_report("before@corp.example"))
    before = peak_memory(stand.node.process)
    # At once: a flip word that is gone for a moment ends the incident.
    stand.redis.client().pipeline().copy(f"outage:{key}", "kept").delete(f"outage:{key}").setrange(f"outage:{key}", HUGE - 1, "x").execute()
    stand.node.process.wait_for_line(f"warning: store: outage:{key} ")
    for number in range(20):
        received = stand.deliver(outage_report(f"customer{number}@corp.example"))
        assert incident_id(received) == incident_id(first)
        assert received.one("X-Outage-Queue") == "surge"
    assert any(f"outage:{key}" in warning for warning in stand.status()["warnings"])
    assert peak_memory(stand.node.process) - before < HUGE / 2
    said = [line for line in stand.node.process.lines if f"store: outage:{key} " in line]
    assert len(said) == 1, "it is to be said once"
    stand.redis.client().pipeline().delete(f"outage:{key}").copy("kept", f"outage:{key}").execute()
    eventually(lambda: is_answered_again(stand), 20, "all is well again")


@pytest.mark.parametrize("field, value", [("declared_at", "2100-01-01T00:00:00Z"), ("id", "21000101T000000Z-default"),
                                          ("epoch", "-1"), ("word", "none")])
def test_a_damaged_state_is_shown_and_can_be_mended(stand, customer, field, value):
    stand.declare("P1", "--title", "Login and API are down")
    first = stand.deliver(outage_report(customer))
    stand.redis.cli("HSET", "outage:state:default", field, value)
    line = stand.node.process.wait_for_line("outage:state:default cannot be read")
    assert field in line
    assert stand.node.word() == "P1"
    assert incident_id(stand.deliver(outage_report("b." + customer))) == incident_id(first)
    assert any("outage:state:default" in warning for warning in stand.status()["warnings"])
    stand.resolve("--fix", "The disk was replaced")
    late = stand.deliver(outage_report(customer))
    assert incident_id(late) == incident_id(first)
    assert stand.redis.cli("HGET", "outage:state:default", "word") == "resolved"
    assert not any("outage:state:default" in warning for warning in stand.status()["warnings"])
    stand.ctl("clear")
    stand.wait_word("")
