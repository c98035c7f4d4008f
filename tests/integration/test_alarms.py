"""Alarms over whole sites: of all nodes and repliers one tells of each, again at the interval, and one gives the all-clear.

What they wait for is time that has to pass; so there is one site for all, and another one whose store is away meanwhile."""

from types import SimpleNamespace

import pytest

from mail import outage_report
from process import eventually, free_port
from stand import Redis, Stand


@pytest.fixture
def alarm(tmp_path):
    """alarm.command, and what it was told: a list of dicts, in the order of the calls."""
    calls = tmp_path / "alarms"
    calls.mkdir()
    program = tmp_path / "alarm"
    # In one step into its place, for several processes run it at once.
    program.write_text(f"#!/bin/sh\nenv >{calls}/$$.tmp && mv {calls}/$$.tmp {calls}/$(date +%s%N).$$\n")
    program.chmod(0o755)

    class Told:
        command = [str(program)]

        def __call__(self, kind: str, state: str | None = None) -> list[dict]:
            texts = [path.read_text() for path in sorted(calls.glob("*[0-9]"))]
            found = [dict(line.split("=", 1) for line in text.splitlines() if line.startswith("OUTAGE_")) for text in texts]
            return [one for one in found if one["OUTAGE_ALARM"] == kind and state in (None, one["OUTAGE_ALARM_STATE"])]

        def wait(self, kind: str, state: str, count: int = 1, timeout: float = 20) -> list[dict]:
            return eventually(lambda: len(self(kind, state)) >= count and self(kind, state), timeout, f"{count} {state}: {kind}")

    return Told()


@pytest.fixture
def lone(tmp_path, alarm):
    """A milter and a replier with a store of their own, before no MTA; not started yet."""
    folder = tmp_path / "lone"
    folder.mkdir()
    redis = Redis(folder)
    redis.start()
    mta = SimpleNamespace(socket=folder / "milter.socket", plain_port=free_port())
    stand = Stand(folder, [mta], redis, {"node": "lone", "alarm.command": alarm.command, "alarm.repeat": "1h"})
    try:
        yield stand
    finally:
        stand.stop()
        redis.stop()


def lines(stand: Stand, *texts: str) -> list[str]:
    """The lines of all programs that contain all of texts."""
    programs = [*(node.process for node in stand.nodes), stand.replier]
    return [line for program in programs for line in program.lines if all(text in line for text in texts)]


def events(stand: Stand, what: str, name: str) -> list[dict]:
    entries = [fields for _, fields in stand.redis.client().xrange("outage:events")]
    return [fields for fields in entries if fields["what"] == what and fields["name"].startswith(name)]


def lose_replier(stand: Stand) -> None:
    """Kills it; its last word lies a minute and a half back."""
    client = stand.redis.client()
    name, beat = eventually(lambda: next((pair for pair in client.hgetall("outage:nodes").items() if "outage-replier" in pair[1]), None),
                            what="the replier is heard")
    stand.replier.kill()
    at, rest = beat.split(" ", 1)
    client.hset("outage:nodes", name, f"{int(at) - 90} {rest}")
    client.hdel("outage:alarms", "=duty")  # it may have been the replier's


def counted(stand: Stand) -> int:
    """Mails like those of an outage, as the nodes have written them to the store."""
    client = stand.redis.client()
    return sum(int(n) for key in client.keys("outage:stats:minute:all:*") for field, n in client.hgetall(key).items() if field[3:] == "matched")


def test_one_tells_of_what_concerns_all_and_each_of_its_own_store(make_stand, redis, alarm, lone, customer):
    stand = make_stand(redis, nodes=2, alarm__command=alarm.command, alarm__repeat="1s", incident__silence="2s", surge__least=3,
                       surge__declare="P3", recent__keep="0").start()
    for number, name in enumerate(("ann", "bob", "cid")):
        stand.deliver(outage_report(f"{name}.{customer}"), node=stand.nodes[number % 2])
    lose_replier(stand)
    lone.start()
    lone.redis.kill()

    # A surge is declared where the site wants that. Whoever is on duty looks when anybody has done anything.
    eventually(lambda: counted(stand) >= 3, 20, "what both nodes have counted is in the store")
    stand.ctl("resume")
    assert "(outagectl declare P1)" in alarm.wait("surge", "raised")[0]["OUTAGE_TEXT"]
    stand.wait_word("P3")
    alarm.wait("surge", "cleared")
    told = alarm.wait("replier-away", "raised")
    assert told[0]["OUTAGE_NODE"] in ("node1", "node2") and "OUTAGE_INCIDENT" not in told[0]

    # A store that is away: everybody's own trouble.
    alarm.wait("store-away", "raised", 2)
    lone.redis.start()

    # Nobody has said a word of the incident; then a person declares it too, and a promise is broken.
    incident = redis.client().hget("outage:state:default", "id")
    told = alarm.wait("silence", "raised")
    assert (told[0]["OUTAGE_INCIDENT"], told[0]["OUTAGE_INCIDENT_ID"]) == ("default", incident)
    stand.declare("P1", "--next-update", "1s")
    told = alarm.wait("update-overdue", "raised")
    assert told[0]["OUTAGE_INCIDENT_ID"] == incident and "(outagectl update)" in told[0]["OUTAGE_TEXT"]
    assert alarm.wait("update-overdue", "repeated")[0]["OUTAGE_SINCE"] == told[0]["OUTAGE_SINCE"]
    stand.start_replier()
    stand.ctl("update", "We have found it.", "--next-update", "2h")
    told, = alarm.wait("update-overdue", "cleared")
    assert told["OUTAGE_TEXT"].startswith("over after ") and "has not come" in told["OUTAGE_TEXT"]
    assert "write it" not in told["OUTAGE_TEXT"]  # what was to be done is done
    repeats = len(alarm("update-overdue", "repeated"))
    alarm.wait("replier-away", "cleared")

    # A person has ended it: the surge is told of again, and stays ended.
    stand.ctl("clear")
    alarm.wait("surge", "raised", 2)
    eventually(lambda: lines(stand, "the surge is not declared"), 10, "the surge is left to persons")
    eventually(lambda: len(alarm("silence", "raised")) == len(alarm("silence", "cleared")), 20, "the all-clear of the silence")
    assert stand.node.word() == ""

    # Once each, whoever looked; and the log and the events say the same.
    assert len(lines(stand, "event=surge-declared", "word=P3", "(surge)")) == len(lines(stand, "event=surge-declared")) == 1
    for kind in ("update-overdue", "replier-away"):
        assert len(alarm(kind, "raised")) == len(alarm(kind, "cleared")) == 1
        assert len(events(stand, "alarm", kind)) == len(events(stand, "all-clear", kind)) == 1
    assert len(alarm("update-overdue", "repeated")) == repeats
    assert len(lines(stand, "event=alarm", "alarm=update-overdue", "state=cleared", f"incident={incident}")) == 1
    alarm.wait("store-away", "cleared", 2)
    for state in ("raised", "cleared"):
        assert sorted(one["OUTAGE_NODE"] for one in alarm("store-away", state)) == ["lone", "lone/replier"]
    eventually(lambda: len(events(lone, "all-clear", "store-away")) == 2, 20, "the events say that the store was away")
