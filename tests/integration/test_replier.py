"""Acknowledgements on their way out: a sick relay, a dead replier, jobs that are not ours, and the reply itself."""

import email.policy
import email.utils
import json
import re
import signal

import pytest

from conftest import StandMaker
from mail import ack, outage_report
from process import eventually
from relay import FakeRelay
from settings import STATUS_URL, SUPPORT


def relay_settings(relay: FakeRelay, **more) -> dict:
    return {"reply__relay": f"smtp://127.0.0.1:{relay.port}", "reply__timeout": "1s", **more}


def test_temporary_failure_is_tried_again(make_stand, store, fake_relay, customer):
    fake_relay.mode = "tempfail"
    stand = make_stand(store, **relay_settings(fake_relay)).start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    fake_relay.wait(lambda: fake_relay.refused >= 2)
    assert customer in stand.ctl("acks", "pending").stdout
    fake_relay.mode = "accept"
    fake_relay.wait(lambda: fake_relay.messages)
    assert fake_relay.messages[0][:2] == ("", [customer])
    eventually(lambda: customer not in stand.ctl("acks", "pending").stdout, what="the job is finished")
    assert customer not in stand.ctl("acks", "dead").stdout


def test_relay_that_is_down_is_tried_again(make_stand, store, customer):
    stand = make_stand(store)
    plain = stand.relay_port
    stand.configure({"reply.relay": "smtp://127.0.0.1:1", "reply.timeout": "1s"})
    stand.start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    stand.replier.wait_for_line("event=deferred")
    stand.configure({"reply.relay": f"smtp://127.0.0.1:{plain}"})
    said = len(stand.replier.lines)
    stand.replier.signal(signal.SIGUSR1)
    stand.replier.wait_for_line("event=reload", start=said)
    stand.mailbox(customer).wait_reply(30)


def test_permanent_refusal_is_buried_with_its_reason_and_can_be_retried(make_stand, store, fake_relay, customer):
    fake_relay.mode = "reject"
    stand = make_stand(store, **relay_settings(fake_relay)).start()
    stand.declare("P1")
    stand.deliver(outage_report(customer))
    dead = eventually(lambda: stand.ctl("acks", "dead").stdout, what="the job is buried")
    assert customer in dead
    assert "No such mailbox here" in dead
    assert fake_relay.refused == 1
    fake_relay.mode = "accept"
    stand.ctl("acks", "retry", "--all")
    fake_relay.wait(lambda: fake_relay.messages)
    assert stand.ctl("acks", "dead").stdout == ""


def test_endless_temporary_failure_is_buried_at_last(make_stand, store, fake_relay, customer):
    fake_relay.mode = "tempfail"
    stand = make_stand(store, **relay_settings(fake_relay, reply__tries=3)).start()
    stand.declare("P1")
    stand.deliver(outage_report(customer))
    dead = eventually(lambda: stand.ctl("acks", "dead").stdout, 30, "the job is buried")
    assert "Try again later" in dead
    assert fake_relay.refused == 3


def test_job_of_a_killed_replier_is_taken_over(make_stand, store, fake_relay, customer):
    fake_relay.mode = "hang"
    stand = make_stand(store, **relay_settings(fake_relay)).start()
    stand.declare("P1")
    stand.deliver(outage_report(customer))
    fake_relay.wait(lambda: fake_relay.messages)
    stand.replier.kill()
    fake_relay.mode = "accept"
    stand.start_replier()
    fake_relay.wait(lambda: len(fake_relay.messages) >= 2, 60)
    first, second = (email.message_from_bytes(data) for _, _, data in fake_relay.messages[:2])
    # The same Message-ID lets the customer's side see that it is the same one.
    assert first["Message-ID"] == second["Message-ID"]
    eventually(lambda: customer not in stand.ctl("acks", "pending").stdout, what="the job is finished")


def test_job_in_hand_when_redis_dies_is_ended_once_it_is_back(make_stand, redis, fake_relay, customer):
    # The time for taking over, minutes with the shipped settings, is for jobs whose replier died; this one lives.
    stand = make_stand(redis, reply__relay=f"smtp://127.0.0.1:{fake_relay.port}").start()
    stand.declare("P1")
    fake_relay.mode = "hold"
    stand.deliver(outage_report(customer))
    fake_relay.wait(lambda: fake_relay.messages)
    redis.kill()
    fake_relay.release()
    stand.replier.wait_for_line("the store is away")
    redis.start()
    eventually(lambda: stand.status()["acks"]["sent"] == 1, 30, "the letter that left is ended")
    acks = stand.status()["acks"]
    assert (acks["pending"], acks["delayed"], acks["dead"]) == (0, 0, 0)
    assert len(fake_relay.messages) == 1


def test_replier_that_is_not_there_keeps_the_job_waiting(make_stand, store, customer):
    stand = make_stand(store)
    stand.node.start()
    stand.declare("P1")
    stand.deliver(outage_report(customer))
    assert customer in stand.ctl("acks", "pending").stdout
    stand.start_replier()
    stand.mailbox(customer).wait_reply()
    stand.wait_quiet()
    assert len(stand.mailbox(customer).messages()) == 1


def test_stopped_replier_ends_cleanly_and_loses_nothing(make_stand, store, customer):
    stand = make_stand(store, ack__domain_cap=0, ack__site_cap=0).start()
    stand.declare("P1")
    senders = [f"{number}.{customer}" for number in range(30)]
    for sender in senders:
        stand.send(outage_report(sender))
    assert stand.replier.stop() == 0
    stand.start_replier()
    for sender in senders:
        stand.mailbox(sender).wait_reply(30)
    stand.wait_quiet()
    assert [len(stand.mailbox(sender).messages()) for sender in senders] == [1] * 30


def test_unsigned_job_is_dropped_loudly(make_stand, redis, customer):
    stand = make_stand(redis)
    stand.node.start()
    stand.declare("P1")
    stand.deliver(outage_report(customer))
    client = redis.client()
    (_, fields), = client.xrange("outage:acks")
    payload = next(name for name, value in fields.items() if value.startswith("{"))
    changed = json.loads(fields[payload])
    changed = json.loads(json.dumps(changed).replace(customer, "victim@other.example"))
    client.xadd("outage:acks", {**fields, payload: json.dumps(changed)})
    client.xadd("outage:acks", {"nonsense": "1"})
    stand.start_replier()
    stand.mailbox(customer).wait_reply()
    stand.replier.wait_for_line("not signed by this site")
    stand.settle()
    assert stand.mailbox("victim@other.example").messages() == []
    assert "not signed" in stand.ctl("acks", "dead").stdout


def test_stream_trimmed_or_group_lost_does_not_stop_the_replier(make_stand, redis, customer):
    stand = make_stand(redis).start()
    stand.declare("P1")
    redis.cli("XGROUP", "DESTROY", "outage:acks", "replier")
    redis.cli("DEL", "outage:acks")
    stand.deliver(outage_report(customer))
    stand.mailbox(customer).wait_reply(40)


@pytest.fixture(scope="module")
def reply(site, tmp_path_factory):
    """One acknowledgement, as the customer gets it, and the letter that it answers."""
    maker = StandMaker(site, tmp_path_factory.mktemp("reply"))
    letter = outage_report("jane@customer.example", subject="Re: Störung: nobody can log in, 503 errors")
    references = b"References: <first@customer.example> <second@customer.example>\r\n"
    letter.bytes = references + letter.bytes
    try:
        stand = maker().start()
        stand.declare("P1", "--title", "Login and API are down", "--scope", "All customers in Europe", "--next-update", "30m",
                      "--workaround", "Please use the mobile app.")
        stand.deliver(letter)
        return stand.mailbox("jane@customer.example").wait_reply(), letter
    finally:
        maker.end(False)


def test_reply_is_strictly_valid_mail(reply):
    received, _ = reply
    message = email.message_from_bytes(received.raw, policy=email.policy.SMTP.clone(raise_on_defect=True))
    for part in message.walk():
        for name, value in part.items():
            assert str(value).strip(), f"{name} is empty"
            assert "\n" not in str(value)
    for line in received.raw.splitlines():
        assert len(line) <= 998
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted"):
        assert len(message.get_all(name, [])) == 1, name
    assert email.utils.parsedate_to_datetime(message["Date"]).tzinfo is not None


def test_reply_is_marked_as_machine_made(reply):
    received, _ = reply
    assert received.one("Auto-Submitted").startswith("auto-replied")
    assert "All" in received.one("X-Auto-Response-Suppress")
    assert received.one("Return-Path") == "<>"


def test_reply_belongs_to_its_thread(reply):
    received, letter = reply
    assert received.one("In-Reply-To") == letter.message_id
    assert received.one("References").split() == ["<first@customer.example>", "<second@customer.example>", letter.message_id]
    assert re.fullmatch(r"<outage-ack\.[0-9a-f]{32}@[a-z0-9.-]+>", received.message_id)


def test_reply_says_what_the_operator_said_and_quotes_nothing(reply):
    received, _ = reply
    text = " ".join(received.text().split())
    assert "Login and API are down" in text
    assert "All customers in Europe" in text
    assert "Please use the mobile app." in text
    assert STATUS_URL in text
    assert "Example Cloud" in received.raw.decode("utf-8", "replace")
    assert "{{" not in text and "}}" not in text
    assert "since nine o'clock this morning" not in text
    assert SUPPORT in received.one("From") + received.one("Reply-To")


def test_promised_update_that_has_passed_is_left_out(make_stand, redis, customer):
    stand = make_stand(redis).start()
    redis.cli("HSET", "outage:incident:default", "title", "A title", "next_update_at", "2020-02-02T02:02:00Z",
              "eta", "not a time", "status_url", "https://evil.example/",
              "workaround", "See http://evil.example/ for more {{site_name}} {{#x}}")
    redis.cli("SET", "outage:incident", "P1")
    stand.wait_word("P1")
    stand.deliver(outage_report(customer))
    text = stand.mailbox(customer).wait_reply().text()
    assert "2020" not in text and "02:02" not in text
    assert "not a time" not in text
    assert "https://evil.example" not in text


def test_hostile_subject_and_ids_do_not_get_into_the_reply_unescaped(stand, customer):
    stand.declare("P1")
    letter = outage_report(customer, subject="=?utf-8?q?Service_down_503=0D=0ABcc:_victim=40other.example?=")
    letter.bytes = b"In-Reply-To: <a b>\r\nReferences: <x@y>junk\x01 <z\r\n\t@w>\r\n" + letter.bytes
    assert ack(stand.deliver(letter)) == "queued"
    reply = stand.mailbox(customer).wait_reply()
    assert "Bcc" not in reply.compat
    stand.settle()
    assert stand.mailbox("victim@other.example").messages() == []
    assert b"\x01" not in reply.raw
