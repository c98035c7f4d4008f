"""A job that one of our nodes signed is no licence: whoever can write to Redis puts old ones there again, and no letter leaves."""

import sqlite3

import pytest

from mail import ack, outage_report
from process import eventually


def relay_settings(fake_relay, **more) -> dict:
    return {"reply__relay": f"smtp://127.0.0.1:{fake_relay.port}", "reply__timeout": "1s", **more}


@pytest.fixture
def answered(make_stand, redis, fake_relay, customer):
    """A stand whose customer has had the acknowledgement, and the job of it as it lay in Redis."""
    stand = make_stand(redis, **relay_settings(fake_relay))
    stand.node.start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    (_, job), = redis.client().xrange("outage:acks")
    stand.start_replier()
    fake_relay.wait(lambda: fake_relay.messages)
    wait_ended(redis)
    return stand, job


def wait_ended(redis) -> None:
    eventually(lambda: redis.client().xlen("outage:acks") == 0, 40, "the queue is empty")


def marks(redis) -> list[str]:
    return list(redis.client().scan_iter("outage:acked:*"))


def restart_replier(stand) -> None:
    stand.replier.stop()
    stand.start_replier()


def assert_refused(stand, redis, fake_relay, job, why: str) -> None:
    """The job, put into the queue, is buried loudly; nothing leaves."""
    said = len(stand.replier.lines)
    redis.client().xadd("outage:acks", job)
    assert "error" in stand.replier.wait_for_line(why, start=said)
    wait_ended(redis)
    assert why in stand.ctl("acks", "dead").stdout
    assert len(fake_relay.messages) == 1


def test_replay_is_refused(answered, redis, fake_relay):
    stand, job = answered
    assert_refused(stand, redis, fake_relay, job, "replayed")
    # The mark tells every replier, not only the one that sent the letter.
    restart_replier(stand)
    assert_refused(stand, redis, fake_relay, job, "replayed")


def test_replay_under_a_rewritten_mark_is_refused_by_who_sent_the_letter(answered, redis, fake_relay):
    stand, job = answered
    client = redis.client()
    for mark in marks(redis):
        client.set(mark, client.get(mark).removesuffix(" sent"))
    assert_refused(stand, redis, fake_relay, job, "replayed")


def test_job_whose_mark_is_gone_is_refused(answered, redis, fake_relay):
    stand, job = answered
    redis.client().delete(*marks(redis))
    stand.replier.stop()
    # As a replier on another node, which did not send the letter.
    with sqlite3.connect(stand.node.state_dir / "spool.db") as spool:
        spool.execute("DELETE FROM acks")
    stand.start_replier()
    assert_refused(stand, redis, fake_relay, job, "never claimed")


def test_replay_after_the_fix_becomes_no_second_letter(answered, redis, fake_relay):
    stand, job = answered
    stand.resolve()
    assert_refused(stand, redis, fake_relay, job, "replayed")
    assert len(marks(redis)) == 1


def test_letter_that_left_while_the_store_went_away_is_no_replay(make_stand, redis, fake_relay, customer):
    fake_relay.mode = "hold"
    stand = make_stand(redis, **relay_settings(fake_relay, reply__timeout="5s")).start()
    stand.declare("P1")
    stand.deliver(outage_report(customer))
    fake_relay.wait(lambda: fake_relay.messages)
    redis.kill()
    fake_relay.release()
    stand.replier.wait_for_line("event=acknowledged")
    redis.start()
    wait_ended(redis)
    assert len(fake_relay.messages) == 1
    assert stand.ctl("acks", "dead").stdout == ""
    assert redis.client().get(marks(redis)[0]).endswith(" sent")
