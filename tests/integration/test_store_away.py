"""Redis away, stopped, refusing, or back with less than it had: mail passes, nothing recorded is lost, nobody is answered twice."""

import subprocess

import pytest

from mail import ack, outage_report, reasons
from process import eventually


def tokens(stand) -> int:
    """How many acknowledgements wait in the shared queue."""
    return stand.status()["acks"]["pending"] + stand.status()["acks"]["delayed"]


def spooled(stand, node=None) -> dict[str, int]:
    """Rows of the node's spool by state."""
    import sqlite3
    path = (node or stand.node).state_dir / "spool.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return dict(db.execute("SELECT state, count(*) FROM acks GROUP BY state"))


def lose(stand, redis) -> None:
    """Redis is killed, and every program has noticed."""
    redis.kill()
    stand.replier.wait_for_line("the store is away")
    for node in stand.nodes:
        node.process.wait_for_line("claims: ")


def regain(stand, redis) -> None:
    marks = [(process, len(process.lines)) for process in (stand.replier, *(node.process for node in stand.nodes))]
    redis.start()
    for process, said in marks:
        process.wait_for_line("store is back", 30, start=said)


def test_local_answers_while_redis_is_away_and_tells_it_afterwards(make_stand, redis, customer):
    stand = make_stand(redis).start()
    stand.declare("P1")
    lose(stand, redis)
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    stand.mailbox(customer).wait_reply(30)
    # His second letter meets the mark on this node, and his third the one in Redis, which has been told meanwhile.
    assert reasons(stand.deliver(outage_report(customer))) == ["already-acked"]
    regain(stand, redis)
    eventually(lambda: redis.client().keys("outage:acked:*"), what="Redis knows of the letter")
    assert reasons(stand.deliver(outage_report(customer))) == ["already-acked"]
    stand.settle()
    assert len(stand.mailbox(customer).replies()) == 1
    assert tokens(stand) == 0


def test_blip_answers_nobody_again(make_stand, redis, customer):
    stand = make_stand(redis).start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    stand.mailbox(customer).wait_reply()
    eventually(lambda: spooled(stand).get("sent"), what="the node remembers the letter")
    lose(stand, redis)
    assert reasons(stand.deliver(outage_report(customer))) == ["already-acked"]
    regain(stand, redis)
    stand.settle()
    assert len(stand.mailbox(customer).replies()) == 1


def test_hold_waits_for_redis(make_stand, redis, customer):
    stand = make_stand(redis, store__when_down="hold").start()
    stand.declare("P1")
    lose(stand, redis)
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    assert spooled(stand) == {"held": 1}
    assert not stand.mailbox(customer).replies()
    regain(stand, redis)
    stand.mailbox(customer).wait_reply(30)
    stand.settle()
    assert len(stand.mailbox(customer).replies()) == 1


def test_outcome_that_is_unknown_is_asked_again_and_sent_once(make_stand, redis, customer):
    stand = make_stand(redis)
    stand.node.start()
    stand.declare("P1")
    redis.freeze()
    # The claim is in Redis' socket when the deadline passes: Redis may still take it, and does.
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    assert spooled(stand) == {"asked": 1}
    redis.thaw()
    eventually(lambda: spooled(stand).get("mirror") == 1, 30, "the node has asked again")
    assert tokens(stand) == 1
    stand.start_replier()
    stand.mailbox(customer).wait_reply(30)
    stand.settle()
    assert len(stand.mailbox(customer).replies()) == 1


def test_what_was_recorded_survives_killing_everything(make_stand, redis, customer):
    stand = make_stand(redis, store__when_down="hold").start()
    stand.declare("P1")
    lose(stand, redis)
    senders = [f"{number}.{customer}" for number in range(20)]
    for sender in senders:
        assert ack(stand.deliver(outage_report(sender))) == "queued"
    stand.node.process.kill()
    stand.replier.kill()
    redis.start()
    stand.start()
    for sender in senders:
        stand.mailbox(sender).wait_reply(40)
    stand.settle()
    assert [len(stand.mailbox(sender).replies()) for sender in senders] == [1] * 20


def test_local_letters_leave_after_a_restart_while_redis_is_still_away(make_stand, redis, customer):
    stand = make_stand(redis)
    stand.node.start()
    stand.declare("P1")
    redis.kill()
    stand.node.process.wait_for_line("claims: ")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    stand.node.process.kill()
    stand.node.start()
    # Routing goes on from the state directory, and so do answers, as long as what is known is not stale.
    assert ack(stand.deliver(outage_report(f"second.{customer}"))) == "queued"
    stand.start_replier()
    stand.mailbox(customer).wait_reply(30)
    stand.mailbox(f"second.{customer}").wait_reply(30)


def test_nodes_that_were_both_answering_leave_one_letter_a_customer_behind(make_stand, redis, customer):
    """Node 2 has no replier: what it recorded claims in Redis, and loses there against the letter that node 1 has sent."""
    stand = make_stand(redis, nodes=2).start()
    stand.declare("P1")
    lose(stand, redis)
    first, second = stand.nodes
    assert ack(stand.deliver(outage_report(customer), node=first)) == "queued"
    assert ack(stand.deliver(outage_report(customer), node=second)) == "queued"
    stand.mailbox(customer).wait_reply(30)
    regain(stand, redis)
    eventually(lambda: not spooled(stand, second).get("local"), 30, "node 2 has settled")
    stand.settle()
    assert len(stand.mailbox(customer).replies()) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 4 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "none", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_costs_the_acknowledgement_and_says_so_but_no_mail(make_stand, redis, small_disk, customer):
    stand = make_stand(redis, state_dir=str(small_disk), store__when_down="hold").start()
    stand.declare("P1")
    lose(stand, redis)
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        with pytest.raises(OSError):
            while True:
                file.write(b"x" * 4096)
    answers = [reasons(stand.deliver(outage_report(f"{number}.{customer}"))) for number in range(12)]
    assert answers[-1] == ["store"]
    assert stand.node.process.says("NOT TAKEN")
    assert stand.node.process.says("the disk is full")
    filler.unlink()
    assert ack(stand.deliver(outage_report(f"later.{customer}"))) == "queued"
    regain(stand, redis)
    stand.mailbox(customer).wait_reply(30)
    stand.mailbox(f"later.{customer}").wait_reply(30)


def test_too_few_replicas_hold_nobody_up_and_lose_nothing(make_stand, redis, customer):
    stand = make_stand(redis, store__min_replicas=1).start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    stand.mailbox(customer).wait_reply(30)
    assert stand.node.process.says("replica")
    assert spooled(stand).get("asked", 0) + spooled(stand).get("sent", 0) == 1
    assert reasons(stand.deliver(outage_report(customer))) == ["already-acked"]
    assert len(stand.mailbox(customer).replies()) == 1


def test_full_queue_refuses_new_work_loudly_and_keeps_the_old(make_stand, store, customer):
    stand = make_stand(store, ack__queue_limit=3, ack__site_cap=0)
    stand.node.start()
    stand.declare("P1")
    for number in range(3):
        assert ack(stand.deliver(outage_report(f"{number}.{customer}"))) == "queued"
    assert reasons(stand.deliver(outage_report(f"late.{customer}"))) == ["store"]
    assert stand.node.process.says("THE QUEUE IS FULL")
    stand.start_replier()
    for number in range(3):
        stand.mailbox(f"{number}.{customer}").wait_reply(30)
    eventually(lambda: tokens(stand) == 0, what="the queue is empty")
    assert ack(stand.deliver(outage_report(f"late.{customer}"))) == "queued"
