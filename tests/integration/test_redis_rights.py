"""conf/redis/users.acl: each program can do its work and no more, and who may only flip can only flip. (Every stand on Redis works with
these users, and fails at its end where one wanted what he may not.)"""

import json
import re

import pytest
from mail import LEGAL_TEXT, Letter, ack, outage_report
from process import TOP, eventually, run
from settings import SUPPORT


class As:
    """redis-cli as one of the users."""

    def __init__(self, redis, user: str):
        self.login = ["redis-cli", "-p", redis.port, "--user", user, "--pass", "secret", "--no-auth-warning"]

    def __call__(self, *command: str) -> str:
        return run([*self.login, *command], check=False).stdout.strip()

    def may(self, *command: str) -> bool:
        said = self(*command)
        return not said.startswith("NOPERM") and "user executing the script can't" not in said


# What would hurt most in wrong hands, and what nobody needs.
NEVER = [("FLUSHALL",), ("FLUSHDB",), ("KEYS", "*"), ("CONFIG", "GET", "*"), ("CONFIG", "SET", "dir", "/"), ("ACL", "LIST"), ("SHUTDOWN",),
         ("MONITOR",), ("SAVE",), ("REPLICAOF", "NO", "ONE"), ("MIGRATE", "h", "1", "k", "0", "1"), ("CLIENT", "LIST"),
         ("CLIENT", "KILL", "ID", "1"), ("SCRIPT", "FLUSH"), ("FUNCTION", "LIST"), ("PUBLISH", "news", "x"), ("SUBSCRIBE", "news"),
         ("GET", "somebody-elses"), ("EVAL", "return redis.call('GET', 'somebody-elses')", "0"), ("RESTORE", "outage:x", "0", "x"),
         ("DUMP", "outage:accounts"), ("OBJECT", "ENCODING", "outage:accounts"), ("SORT", "outage:accounts"), ("MEMORY", "DOCTOR")]


@pytest.fixture
def rights(make_stand, redis, customer):
    """A whole incident; returns who else may want something of the Redis it ran on."""
    stand = make_stand(redis, ack__again_after="1s").start()
    stand.put_account("acme.example", account="Acme", level="platinum", manager="manager@support.example")
    stand.declare("P1", "--title", "Login is down", "--since", "2h", "--yes")
    stand.wait_account("it@acme.example", "Acme")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    stand.mailbox(customer).wait_reply(20)
    account = outage_report("it@acme.example")
    stand.deliver(account)
    stand.deliver(Letter(f"law.{customer}", "Our contract", LEGAL_TEXT))
    stand.send(Letter(SUPPORT, "Re: your message", "We are on it.\n\nJane", to=account.sender, headers=[("In-Reply-To", account.message_id)]))
    eventually(lambda: "goes to 1" in stand.ctl("update", "A question.", "--notify", check=False).stdout, 20, "somebody can be told")
    stand.ctl("update", "Half of it is back.", "--phase", "identified", "--next-update", "30m", "--notify", "--yes")
    stand.ctl("pause", "a look")
    stand.ctl("resume")
    stand.resolve("--fix", "Moved.", "--notify", "--yes")
    eventually(lambda: all(one["done"] for one in json.loads(stand.ctl("notices", "--json").stdout)), 40, "all have been told")
    for words in (["status"], ["report"], ["log"], ["accounts", "list"], ["accounts", "remove", "acme.example"], ["acks", "pending"],
                  ["acks", "dead"], ["acks", "retry", "--all"], ["acks", "bury", "--all"], ["export", customer], ["bounced", customer, "--clear"],
                  ["forget", customer, "--yes"], ["clear"]):
        done = stand.ctl(*words, check=False)
        assert "NOPERM" not in done.stdout + done.stderr, words
    stand.stop()
    assert redis.denied() == ""
    return {user: As(redis, f"outage-{user}") for user in ("milter", "replier", "operator", "flip")}


def test_a_whole_incident_needs_no_other_rights_and_none_are_left_over(rights, redis):
    for user, hand in rights.items():
        assert [command for command in NEVER if hand.may(*command)] == [], user
    # Only who erases goes through the keys, only who sends takes from the queue, only who decides about mail counts it.
    for command, users in ((("SCAN", "0"), {"operator"}), (("XREADGROUP", "GROUP", "g", "c", "STREAMS", "outage:acks", ">"), {"replier"}),
                           (("PFADD", "outage:stats:x", "y"), {"milter"}), (("DEL", "outage:x"), {"replier", "operator"})):
        assert {user for user, hand in rights.items() if hand.may(*command)} == users, command

    flip = rights["flip"]
    assert flip("SET", "outage:incident", "P2") == "OK" and flip("GET", "outage:incident") == "P2"
    assert flip("HSET", "outage:incidents", "payments", "P1") == "1" and flip("HDEL", "outage:incidents", "payments") == "1"
    assert flip("DEL", "outage:incident") == "1"
    for command in (("HGETALL", "outage:accounts"), ("GET", "outage:pause"), ("SET", "outage:pause", "1"), ("HGETALL", "outage:state:default"),
                    ("HSET", "outage:incident:default", "title", "x"), ("HGET", "outage:incident:default", "title"), ("EXISTS", "outage:acks"),
                    ("EVAL", "return 1", "0"), ("XADD", "outage:acks", "*", "payload", "x"), ("INFO",), ("SCAN", "0"),
                    ("SUBSCRIBE", "__redis__:invalidate"), ("RENAME", "outage:incident", "outage:pause"), ("EXPIRE", "outage:incident", "1")):
        assert not flip.may(*command), command
    redis.cli("ACL", "LOG", "RESET")


def test_every_command_that_the_store_knows_is_somebodys_right():
    rules = (TOP / "conf/redis/users.acl").read_text().splitlines()
    allowed = {word[1:].partition("|")[0] for line in rules for word in line.split() if word.startswith("+")}
    used = set()
    for path in (TOP / "milter/store/lua").glob("*.lua"):
        text = re.sub(r"--.*", "", path.read_text())
        used |= set(re.findall(r"\('([A-Z]+)'", text))
    for path in (TOP / "milter/store").glob("*.c"):
        used |= set(re.findall(r'command_new\("([A-Z]+)"', path.read_text()))
    missing = {command for command in used if command.lower() not in allowed}
    # AUTH is everybody's, SENTINEL is asked of Sentinels, and CONFIG only as the user `default`.
    assert len(used) > 55 and missing <= {"AUTH", "SENTINEL", "CONFIG"}, missing
