"""The flip key over time: words, forms, withdrawal, and that nothing of an earlier incident gets into a later one."""

import itertools

import pytest

from mail import ack, outage_report, parse_value, reasons
from process import eventually


@pytest.fixture
def shared(make_stand, redis):
    """A live site on Redis."""
    return make_stand(redis).start()


@pytest.fixture
def either(make_stand, store):
    """A live site, once on SQLite and once on Redis."""
    return make_stand(store).start()


def incident_id(received) -> str:
    return parse_value(received.one("X-Outage-Incident"))[1]["id"]


@pytest.mark.parametrize("word, seen", [("P1", "P1"), ("p2", "P2"), ("  P3\n", "P3")])
def test_bare_set_is_the_whole_interface(shared, customer, word, seen):
    shared.redis.cli("SET", "outage:incident", word)
    shared.wait_word(seen)
    assert ack(shared.deliver(outage_report(customer))) == "queued"
    reply = shared.mailbox(customer).wait_reply()
    assert "{{" not in reply.text()
    assert "status.support.example" in reply.text()


@pytest.mark.parametrize("end", [("DEL", "outage:incident"), ("SET", "outage:incident", "none"), ("SET", "outage:incident", ""),
                                 ("PEXPIRE", "outage:incident", "1")])
def test_incident_ends_at_once(shared, customer, end):
    shared.redis.cli("SET", "outage:incident", "P1")
    shared.wait_word("P1")
    shared.redis.cli(*end)
    shared.wait_word("")
    assert shared.deliver(outage_report(customer)).outage() == {}


@pytest.mark.parametrize("wrong", [("SET", "outage:incident", "P4"), ("SET", "outage:incident", "P1 P2"),
                                   ("LPUSH", "outage:incident", "P2")])
def test_unreadable_word_keeps_the_last_good_state_and_is_shown(shared, customer, wrong):
    shared.redis.cli("SET", "outage:incident", "P1")
    shared.wait_word("P1")
    if wrong[0] == "LPUSH":
        shared.redis.client().pipeline().delete("outage:incident").lpush("outage:incident", "P2").execute()
    else:
        shared.redis.cli(*wrong)
    shared.node.process.wait_for_line("outage:incident")
    assert shared.node.word() == "P1"
    assert "outage:incident" in shared.ctl("status", check=False).stdout
    shared.redis.client().pipeline().delete("outage:incident").set("outage:incident", "P3").execute()
    shared.wait_word("P3")


def test_several_incidents_by_name_and_the_highest_severity_tags(shared, customer):
    shared.redis.cli("HSET", "outage:incidents", "mail", "P3", "api", "P2", "Bad Name", "P1", "p1", "P1")
    shared.wait_word("P2")
    received = shared.deliver(outage_report(customer))
    assert parse_value(received.one("X-Outage-Incident"))[0] == "api"
    assert "Bad Name" in shared.ctl("status", check=False).stdout
    shared.redis.cli("HDEL", "outage:incidents", "api")
    shared.wait_word("P3")


@pytest.mark.parametrize(("field", "words"), [("match", r"\bimap\b"), ("title", "IMAP for everybody"), ("components", "Webmail, IMAP")])
def test_own_words_of_an_incident_pick_it(shared, customer, field, words):
    shared.redis.cli("HSET", "outage:incident:mail", field, words)
    shared.redis.cli("HSET", "outage:incidents", "mail", "P3", "api", "P1")
    shared.wait_word("P1")
    received = shared.deliver(outage_report(customer, subject="IMAP is down, 503 errors"))
    assert parse_value(received.one("X-Outage-Incident"))[0] == "mail"


def test_flushall_does_not_end_an_incident_but_raises_the_alarm(shared, customer):
    shared.redis.cli("SET", "outage:incident", "P1")
    shared.wait_word("P1")
    shared.redis.cli("FLUSHALL")
    shared.node.process.wait_for_line("store-empty")
    assert shared.node.word() == "P1"


def test_severity_changes_keep_the_incident(either, customer):
    either.declare("P1")
    first = incident_id(either.deliver(outage_report(customer)))
    either.declare("P3")
    again = either.deliver(outage_report(customer))
    assert incident_id(again) == first
    assert parse_value(again.one("X-Outage-Incident"))[1]["severity"] == "P3"
    assert reasons(again) == ["already-acked"]


def test_resolved_answers_the_second_wave_once(either, customer):
    either.declare("P1", "--title", "Login and API are down")
    either.deliver(outage_report(customer))
    either.mailbox(customer).wait_reply()
    either.resolve("--cause", "A disk was full", "--fix", "The disk was replaced")
    late = either.deliver(outage_report(customer))
    assert ack(late) == "queued"
    assert parse_value(late.one("X-Outage-Incident"))[1]["phase"] == "resolved"
    replies = either.mailbox(customer).wait_count(2)
    assert "The disk was replaced" in replies[1].text()
    assert "Login and API are down" in replies[1].text()
    assert reasons(either.deliver(outage_report(customer))) == ["already-acked"]


def test_reopened_incident_keeps_id_and_marks(either, customer):
    either.declare("P1", "--title", "Login and API are down")
    first = either.deliver(outage_report(customer))
    either.resolve()
    either.declare("P2")
    again = either.deliver(outage_report(customer))
    assert incident_id(again) == incident_id(first)
    assert reasons(again) == ["already-acked"]


SECRETS = ("Zebra-Title", "Zebra-Scope", "Zebra-Component", "Zebra-Workaround", "zebra.support.example", "Zebra-Update",
           "Zebra-Cause", "Zebra-Fix", "Zebra-Prevention")


def test_second_incident_says_nothing_of_the_first(make_stand, store, customer):
    stand = make_stand(store, incident__reopen_within="0").start()
    stand.declare("P1", "--title", SECRETS[0], "--scope", SECRETS[1], "--components", SECRETS[2], "--workaround", SECRETS[3],
                  "--status-url", "https://zebra.support.example/", "--next-update", "30m")
    stand.ctl("update", SECRETS[5], "--phase", "identified")
    first = stand.deliver(outage_report("first." + customer))
    told = stand.mailbox("first." + customer).wait_reply()
    assert SECRETS[0] in told.text()
    stand.resolve("--cause", SECRETS[6], "--fix", SECRETS[7], "--prevention", SECRETS[8])
    stand.deliver(outage_report("first." + customer))
    stand.mailbox("first." + customer).wait_count(2)
    stand.declare("P1")
    second = stand.deliver(outage_report(customer))
    assert incident_id(second) > incident_id(first)
    assert parse_value(second.one("X-Outage-Incident"))[1]["phase"] == "investigating"
    stand.mailbox(customer).wait_reply()
    stand.resolve()
    stand.deliver(outage_report(customer))
    stand.settle()
    later = [*stand.mailbox(customer).messages(), *stand.mailbox("@other.example").messages()]
    assert len(later) >= 3
    for reply in later:
        everything = reply.raw + reply.text().encode() + str(reply.message["Subject"]).encode()
        for secret in SECRETS:
            assert secret.encode() not in everything


def test_texts_prepared_before_the_flip_are_used(shared, customer):
    shared.redis.cli("HSET", "outage:incident:default", "title", "Prepared title", "scope", "Everybody")
    shared.redis.cli("SET", "outage:incident", "P2")
    shared.wait_word("P2")
    shared.deliver(outage_report(customer))
    assert "Prepared title" in shared.mailbox(customer).wait_reply().text()


def test_pause_stops_replies_and_resume_lets_them_go(either, customer):
    either.declare("P1")
    either.ctl("pause", "wrong text")
    senders = (f"{number}.{customer}" for number in itertools.count())
    eventually(lambda: ack(either.deliver(outage_report(next(senders)))) == "none", what="silence after pause")
    held = either.deliver(outage_report(customer))
    assert held.one("X-Outage-Queue") == "surge"
    assert reasons(held) == ["paused"]
    either.ctl("resume")
    eventually(lambda: ack(either.deliver(outage_report(next(senders)))) == "queued", what="answers after resume")
    assert ack(either.deliver(outage_report(customer))) == "queued"
    either.mailbox(customer).wait_reply()


def test_pause_key_set_by_hand_holds_what_is_queued(make_stand, redis, customer):
    stand = make_stand(redis)
    stand.node.start()  # no replier yet: the job stays queued
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    redis.cli("SET", "outage:pause", "on")
    stand.start_replier()
    stand.replier.wait_for_line("paused")
    assert stand.mailbox(customer).messages() == []
    redis.cli("SET", "outage:pause", "off")
    stand.mailbox(customer).wait_reply(60)


def test_clear_withdraws_what_has_not_left(make_stand, store, customer):
    stand = make_stand(store)
    stand.node.start()
    stand.declare("P1", "--title", "A false alarm")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    stand.ctl("clear")
    stand.wait_word("")
    stand.start_replier()
    stand.replier.wait_for_line("withdrawn")
    stand.declare("P2", "--title", "A real one")
    # The mark went with the job: the same customer is answered now, and with the new text only.
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    reply = stand.mailbox(customer).wait_reply()
    stand.settle()
    assert len(stand.mailbox(customer).messages()) == 1
    assert b"A false alarm" not in reply.raw


def test_job_queued_before_the_fix_becomes_the_resolution(make_stand, store, customer):
    stand = make_stand(store)
    stand.node.start()
    stand.declare("P1", "--title", "Login and API are down")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    stand.resolve("--fix", "The disk was replaced")
    stand.start_replier()
    reply = stand.mailbox(customer).wait_reply()
    assert "The disk was replaced" in reply.text()
    assert reasons(stand.deliver(outage_report(customer))) == ["already-acked"]
    stand.settle()
    assert len(stand.mailbox(customer).messages()) == 1


def test_two_nodes_share_one_incident_and_one_acknowledgement(make_stand, redis, customer):
    stand = make_stand(redis, nodes=2).start()
    redis.cli("SET", "outage:incident", "P1")
    stand.wait_word("P1")
    first, second = (stand.deliver(outage_report(customer), node=node) for node in stand.nodes)
    assert incident_id(first) == incident_id(second)
    assert [ack(first), ack(second)] == ["queued", "none"]
    assert reasons(second) == ["already-acked"]
    stand.mailbox(customer).wait_reply()
    stand.settle()
    assert len(stand.mailbox(customer).messages()) == 1
