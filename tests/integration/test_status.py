"""outagectl status: who sees what, what the store is worth, and in its first line what hurts most."""

import json
import time

import pytest

from mail import ack, outage_report
from process import Process, eventually, free_port, run
from stand import Stand, reload


@pytest.fixture
def two(make_stand, redis) -> Stand:
    """Two nodes at one Redis."""
    return make_stand(redis, nodes=2).start()


@pytest.fixture
def stand_on_redis(make_stand, redis) -> Stand:
    return make_stand(redis).start()


def seen(stand: Stand) -> dict[str, dict]:
    """Node name -> what it says of itself."""
    return {node["node"]: node for node in stand.status()["nodes"]}


def first_line(stand: Stand, **more) -> str:
    return stand.ctl("status", **more).stdout.splitlines()[0]


def well(stand: Stand) -> bool:
    return first_line(stand).startswith("all is well")


def test_all_is_well_is_said_in_the_first_line(two):
    eventually(lambda: well(two), 30, "all is well")
    assert "no incident is on" in first_line(two)
    two.declare("P1")
    line = eventually(lambda: well(two) and first_line(two), 30, "all is well")
    assert "default is P1" in line


def test_each_node_tells_its_version_and_the_state_it_sees(two):
    two.declare("P2")
    incident, = two.status()["incidents"]
    for name in ("node1", "node2"):
        node = eventually(lambda name=name: seen(two).get(name, {}).get("state") and seen(two)[name], 30, f"{name} has seen it")
        assert node["state"] == [{"id": incident["id"], "word": "P2"}]
        assert node["program"] == "outage-milter" and node["version"] and not node["silent"] and node["differs"] is None
        assert 0 <= node["age"] < 60
    text = two.ctl("status").stdout
    assert "node node1: outage-milter" in text and f"P2 ({incident['id']})" in text
    assert "node node1/replier: outage-replier" in text


def write_node(redis, name: str, at: float, text: str) -> None:
    redis.client().hset("outage:nodes", name, f"{int(at)} {text}")


def test_a_node_that_sees_another_state_is_named(two, redis):
    two.declare("P1")
    incident, = two.status()["incidents"]
    write_node(redis, "astray", time.time() + 60, json.dumps({
        "program": "outage-milter", "state": [{"id": incident["id"], "word": "P3"}, {"id": "20200101T000000Z-old", "word": "P1"}]}))
    write_node(redis, "blind", time.time() + 60, json.dumps({"program": "outage-milter", "state": []}))
    nodes = seen(two)
    assert f"sees {incident['id']} as P3, the store has P1" in nodes["astray"]["differs"]
    assert "sees 20200101T000000Z-old (P1), which the store does not have" in nodes["astray"]["differs"]
    assert f"does not see {incident['id']}" in nodes["blind"]["differs"]
    assert first_line(two).startswith("! astray sees"), "the first line says so too"


def test_a_killed_node_falls_silent_and_is_left_out_after_a_day(two, redis):
    write_node(redis, "gone", time.time() - 300, '{"program":"outage-milter","version":"9"}')
    write_node(redis, "forgotten", time.time() - 86500, '{"program":"outage-milter"}')
    nodes = seen(two)
    assert nodes["gone"]["silent"] and "forgotten" not in nodes
    assert "node gone: outage-milter 9, silent for 5m" in two.ctl("status").stdout
    assert "! gone has been silent for 5m" in two.ctl("status").stdout
    two.nodes[1].process.kill()
    redis.client().hset("outage:nodes", "node2", f"{int(time.time()) - 90} {{}}")
    assert seen(two)["node2"]["silent"]


def test_heartbeats_of_any_kind_are_shown_unescaped_nowhere(two, redis):
    client = redis.client()
    hostile = "\x1b[31mnode\nnode x: all is well"
    write_node(redis, hostile, time.time(), json.dumps({"program": "p\x1b\n", "version": "\u202e", "last_error": "a\nb",
                                                        "state": [{"id": "\x1b[2J", "word": None}, 7, {}], "age": -5, "sent": "many",
                                                        "spool_dead": 1e30}))
    write_node(redis, "deep", time.time(), "[" * 15000)
    write_node(redis, "number", time.time(), "7")
    write_node(redis, "large", time.time(), "x" * 200000)
    client.hset("outage:nodes", "no-time", "{}")
    done = two.ctl("status")
    assert "\x1b" not in done.stdout and "\nnode x: all is well" not in done.stdout
    assert "node deep:" in done.stdout and "node large" not in done.stdout
    status = two.status()
    assert any(node["node"] == hostile for node in status["nodes"])
    client.delete("outage:nodes")
    client.set("outage:nodes", "a string")
    assert "who is running is not known" in two.ctl("status").stdout


def test_a_value_that_cannot_be_read_is_told_once_by_each_node(two, redis):
    two.declare("P1")
    redis.cli("SET", "outage:incident", "P1 please")
    for name in ("node1", "node2"):
        eventually(lambda name=name: seen(two)[name].get("problems") == 1, 20, f"{name} tells of it")
    assert "outage:incident" in first_line(two)
    redis.cli("SET", "outage:incident", "P1")
    eventually(lambda: seen(two)["node1"]["problems"] == 0 and seen(two)["node1"]["problems_seen"] == 1, 20, "it is gone, and counted")


def test_the_store_line_warns_of_what_can_lose_acknowledgements(two, redis):
    client = redis.client()
    store = two.status()["store"]
    assert store["reached"] and store["role"] == "master" and store["version"] and store["persistent"] and store["evicts"] is None
    assert store["replicas"] == 0 and "lag" not in store
    client.config_set("maxmemory", "1gb")
    client.config_set("maxmemory-policy", "allkeys-lru")
    assert two.status()["store"]["evicts"] == "allkeys-lru"
    eventually(lambda: "maxmemory-policy allkeys-lru" in first_line(two) and "noeviction" in first_line(two), 30, "the first line")
    # Every program that works with it says so in its log, once; here without waiting for the ten seconds between two looks.
    two.declare("P1")
    reload(two.replier)
    for process in (two.node.process, two.replier):
        process.wait_for_line("store risk evicts: the store throws keys away")
    client.config_set("maxmemory-policy", "noeviction")
    two.resolve()
    two.node.process.wait_for_line("store risk evicts: over")
    assert len([line for line in two.node.process.lines if "store risk" in line]) == 2
    # What cannot be read is not nothing.
    incident = two.status()["incidents"][0]
    assert incident["counters"] is not None and incident["held"] is not None
    client.set(f"outage:stats:{incident['id']}", "a string")
    incident = two.status()["incidents"][0]
    assert incident["counters"] is None and incident["held"] is None
    client.delete(f"outage:stats:{incident['id']}")
    # Whether there are save points is not for the users of conf/redis/users.acl to see, but for one who may do everything.
    client.config_set("appendonly", "no")
    assert "appendonly yes" not in two.ctl("status").stdout
    redis.password_files = ""
    two.configure()
    assert "appendonly yes" in first_line(two)
    client.config_set("save", "3600 1")
    assert two.status()["store"]["persistent"]


def test_replicas_and_their_lag_are_shown(two, redis, tmp_path):
    folder = tmp_path / "replica"
    folder.mkdir()
    redis.client().config_set("repl-diskless-sync-delay", "0")
    replica = Process("replica", ["redis-server", "--port", free_port(), "--bind", "127.0.0.1", "--dir", folder, "--save", "",
                                  "--replicaof", "127.0.0.1", redis.port], folder / "log")
    try:
        store = eventually(lambda: two.status()["store"].get("lag", -1) >= 0 and two.status()["store"], 60, "the replica is there")
        assert store["replicas"] == 1
        assert "1 replica(s), lag" in two.ctl("status").stdout
    finally:
        replica.stop()


def test_a_user_who_may_not_ask_learns_less_and_that_is_no_error(make_stand, redis):
    client = redis.client()
    redis.password_files = ""
    client.execute_command("ACL", "SETUSER", "modest", "on", ">secret", "~*", "&*", "+@all", "-info", "-config")
    stand = make_stand(redis, store__url=f"redis://modest:secret@127.0.0.1:{redis.port}").start()
    eventually(lambda: well(stand), 30, "all is well")
    store = stand.status()["store"]
    assert store["role"] is None and store["version"] is None and store["persistent"] and store["reached"]
    assert "secret" not in stand.ctl("status").stdout + json.dumps(stand.status())


def test_jobs_in_hand_are_shown_with_who_has_them(make_stand, redis, fake_relay, customer):
    fake_relay.mode = "hold"
    stand = make_stand(redis, reply__relay=f"smtp://127.0.0.1:{fake_relay.port}").start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    eventually(lambda: seen(stand)["node1/replier"]["queue_share"] == 1, 30, "the job is in the replier's hands")
    assert "1 job(s) in hand" in stand.ctl("status").stdout
    fake_relay.release()


def test_with_redis_away_status_shows_what_this_node_kept(two, redis):
    two.declare("P1", "--title", "Sign-in fails")
    eventually(lambda: "Sign-in fails" in (two.node.state_dir / "snapshot.json").read_text(), 20, "the node has kept it")
    redis.kill()
    done = two.ctl("status", check=False)
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1
    assert done.stdout.startswith("! the store cannot be reached: ")
    assert "as this node last heard it" in done.stdout and "default: P1" in done.stdout and "Sign-in fails" in done.stdout
    as_json = two.ctl("status", "--json", check=False)
    status = json.loads(as_json.stdout)
    assert as_json.returncode == 1 and status["summary"].startswith("! the store cannot be reached")
    assert not status["store"]["reached"] and str(redis.port) in status["store"]["error"]
    assert [incident["word"] for incident in status["incidents"]] == ["P1"]
    redis.start()
    eventually(lambda: first_line(two, check=False).startswith("all is well"), 60, "all is well again")
    node = eventually(lambda: seen(two)["node1"].get("losses") and seen(two)["node1"], 20, "the node tells of the loss")
    assert node["losses"] == 1 and node["last_error"] and node["last_error_at"]


def test_without_a_replier_the_first_line_says_so(two, redis):
    two.replier.stop()
    redis.client().hset("outage:nodes", "node1/replier", f"{int(time.time()) - 90} {{\"program\":\"outage-replier\"}}")
    assert "no outage-replier" in first_line(two)


def test_the_worst_comes_first(make_stand, redis):
    stand = make_stand(redis, mode="shadow").start()
    stand.ctl("pause", "wrong text")
    eventually(lambda: first_line(stand).startswith("! mode is shadow"), 30, "shadow mode is worse than a pause")
    assert "! PAUSED: wrong text" in stand.ctl("status").stdout
    for node in stand.nodes:
        node.process.signal(15)
        node.hurry()
    redis.client().delete("outage:nodes")
    assert first_line(stand).startswith("! no outage-milter")


def test_status_on_sqlite_shows_the_file(stand):
    eventually(lambda: well(stand), 30, "all is well")
    store = stand.status()["store"]
    assert store["role"] == "local" and store["where"].endswith("store.db") and store["persistent"]


def test_a_store_whose_memory_is_full_is_named_and_does_not_flood_the_log(stand_on_redis, redis):
    stand = stand_on_redis
    stand.declare("P1")
    said = len(stand.node.process.lines)
    redis.cli("CONFIG", "SET", "maxmemory", "1mb")
    assert "MEMORY IS FULL" in first_line(stand)
    # Its heartbeat is refused: said once, and the store is not taken for lost.
    stand.node.process.wait_for_line("heartbeat: ", 30, start=said)
    assert stand.deliver(outage_report("full@customer.example")).outage()["Queue"] == "surge"
    assert not any("the store is back" in line for line in stand.node.process.lines[said:])
    redis.cli("CONFIG", "SET", "maxmemory", "0")
    stand.mailbox("full@customer.example").wait_reply(40)


def test_a_relay_that_takes_nothing_is_named(make_stand, redis, fake_relay, customer):
    fake_relay.mode = "tempfail"
    stand = make_stand(redis, reply__relay=f"smtp://127.0.0.1:{fake_relay.port}", reply__tries=1000).start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    eventually(lambda: "cannot hand over letters" in first_line(stand), 30, "the first line names the relay")
    fake_relay.mode = "accept"
    eventually(lambda: well(stand), 60, "all is well again")
