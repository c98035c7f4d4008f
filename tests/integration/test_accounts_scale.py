"""Many accounts: read in slices that hold nobody up, followed field by field, and a hostile entry costs nothing."""

import json

import pytest

from mail import OUTAGE_TEXT
from process import eventually

ACCOUNTS = 60000


def entry(name: str) -> str:
    return json.dumps({"account": name, "level": "gold", "manager": "jane@example.com", "contacts": ["it@acme.example"],
                       "respond_within": "30m", "language": "de", "template": "acme", "ack": "none"})


def fill(redis, count: int) -> None:
    """As a script of the site writes them: by hand, past outagectl."""
    pipe = redis.client().pipeline(transaction=False)
    for number in range(count):
        pipe.hset("outage:accounts", f"customer{number}.example", entry(f"Customer {number}"))
    pipe.execute()


@pytest.fixture
def many(make_stand, redis):
    """A live site with many accounts and P1 declared."""
    fill(redis, ACCOUNTS)
    stand = make_stand(redis).start()
    stand.declare("P1")
    return stand


def knows(stand, address: str) -> str:
    return stand.node.ask(address, text=OUTAGE_TEXT).get("Account", "")


def beat(stand) -> dict:
    return next(node for node in stand.status()["nodes"] if node["node"] == "node1")


def test_all_of_many_are_known_and_redis_is_never_held_up(many, redis):
    client = redis.client()
    eventually(lambda: beat(many).get("accounts") == ACCOUNTS, 60, "the node has read them")
    assert f"Customer {ACCOUNTS - 1}" in knows(many, f"it@mail.customer{ACCOUNTS - 1}.example")
    calls = client.info("commandstats")
    assert calls["cmdstat_hscan"]["calls"] >= ACCOUNTS / 1000, "read in slices"


def test_a_change_by_outagectl_is_seen_without_reading_all_again(many, redis):
    eventually(lambda: beat(many).get("accounts") == ACCOUNTS, 60, "the node has read them")
    slices = redis.client().info("commandstats")["cmdstat_hscan"]["calls"]
    many.put_account("customer7.example", account="Renamed")
    many.wait_account("it@customer7.example", "Renamed")
    many.ctl("accounts", "remove", "customer8.example")
    eventually(lambda: knows(many, "it@customer8.example") == "", 20, "it is gone")
    # Of the nodes' heartbeats, which status reads in slices too, there are a few.
    assert redis.client().info("commandstats")["cmdstat_hscan"]["calls"] < slices + 60


def test_a_flip_is_seen_while_accounts_are_read(make_stand, redis):
    fill(redis, ACCOUNTS)
    stand = make_stand(redis).start()
    stand.declare("P1")
    for word in ("P2", "P3", "P1"):
        stand.declare(word)
    eventually(lambda: beat(stand).get("accounts") == ACCOUNTS, 60, "the node has read them")


def test_a_huge_entry_is_named_and_costs_nothing(make_stand, redis):
    client = redis.client()
    client.hset("outage:accounts", "good.example", entry("Good"))
    client.execute_command("EVAL", "return redis.call('HSET', KEYS[1], 'huge.example', string.rep('x', 100000000))", 1,
                           "outage:accounts")
    stand = make_stand(redis).start()
    stand.declare("P1")
    stand.wait_account("it@good.example", "Good")
    line = stand.node.process.wait_for_line("huge.example")
    assert "longer than 16 KB" in line
    before = client.info("stats")["total_net_output_bytes"]
    stand.put_account("other.example", account="Other")
    stand.wait_account("it@other.example", "Other")
    listed = stand.ctl("accounts", "list", check=False)
    assert "good.example" in listed.stdout and "huge.example" in listed.stderr and listed.returncode == 1
    assert client.info("stats")["total_net_output_bytes"] - before < 10_000_000
    assert beat(stand)["accounts_broken"] == 1
    assert "entries of the accounts cannot be used" in stand.ctl("status").stdout


def test_what_is_written_by_hand_is_seen_too(make_stand, redis):
    stand = make_stand(redis).start()
    stand.declare("P1")
    redis.cli("HSET", "outage:accounts", "hand.example", entry("By hand"))
    stand.wait_account("it@hand.example", "By hand")
    redis.cli("HSET", "outage:accounts", "hand.example", "{broken")
    stand.node.process.wait_for_line('account "hand.example"')
    assert "By hand" in knows(stand, "it@hand.example"), "a broken entry leaves the last good one"
    redis.cli("HDEL", "outage:accounts", "hand.example")
    eventually(lambda: knows(stand, "it@hand.example") == "", 20, "it is gone")
