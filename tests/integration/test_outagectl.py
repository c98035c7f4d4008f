"""The operator's hand, on either store: what each command does, says and returns."""

import json
import re
import subprocess

import pytest

from mail import LEGAL_TEXT, PASSWORD_TEXT, Letter, ack, outage_report
from process import eventually
from settings import SUPPORT

CHECK_KEYS = ["file", "incident", "severity", "match", "score", "threshold", "rules", "language", "account", "escalate",
              "sensitive", "tier", "queue", "respond_by", "ack", "reasons", "headers", "rules_score", "model_score", "words"]


@pytest.fixture
def either(make_stand, store):
    """A live site, once on SQLite and once on Redis."""
    return make_stand(store).start()


def failed(done, status: int = 1) -> str:
    """Asserts a clean failure: one line on stderr."""
    assert done.returncode == status, done
    assert done.stderr.strip()
    if status == 1:
        assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def test_declare_update_resolve_are_seen_in_status(either):
    either.ctl("declare", "P2", "--title", "Slow pages", "--scope", "Europe", "--next-update", "30m")
    either.wait_word("P2")
    status = either.ctl("status", check=False).stdout
    assert "P2" in status and "Slow pages" in status
    either.ctl("update", "We found the cause", "--phase", "identified")
    assert "identified" in either.ctl("status", check=False).stdout
    either.ctl("resolve", "--fix", "A bigger machine")
    either.wait_word("resolved")
    assert "resolved" in either.ctl("status", check=False).stdout


def test_status_json_is_one_object(either):
    either.declare("P1", "--title", "Down")
    status = json.loads(either.ctl("status", "--json", check=False).stdout)
    assert isinstance(status, dict)
    assert "P1" in json.dumps(status)
    assert "Down" in json.dumps(status)


def test_update_is_quoted_by_the_next_reply(either, customer):
    either.declare("P1")
    either.ctl("update", "The database is being restored.", "--phase", "identified")
    either.deliver(outage_report(customer))
    assert "The database is being restored." in either.mailbox(customer).wait_reply().text()


def test_named_incidents_must_be_named_where_several_are_open(either):
    either.ctl("declare", "mail", "P2")
    either.ctl("update", "Still at it")  # the only one open
    either.ctl("declare", "api", "P1")
    failed(either.ctl("update", "Which one?", check=False), 2)
    failed(either.ctl("resolve", check=False), 2)
    either.ctl("update", "api", "This one")
    either.ctl("resolve", "mail")


@pytest.mark.parametrize("args", [
    ["frobnicate"], ["declare"], ["declare", "P4"], ["declare", "P1", "P2"], ["declare", "Bad Name", "P1"],
    ["declare", "P1", "--next-update", "soon"], ["declare", "--nonsense", "P1"], ["update"], ["acks", "nonsense"],
    ["declare", "P1", "--next-update", "2020-01-01T00:00:00Z"], ["declare", "P1", "--match", "("], ["update", "  "],
    ["check", "--client", "zzz", "/dev/null"], ["check", "--sender", "nobody", "/dev/null"]])
def test_wrong_usage_changes_nothing(stand, args):
    failed(stand.ctl(*args, check=False), 2)
    assert stand.node.word() == ""


def test_update_may_begin_with_a_dash(either):
    either.declare("P1")
    either.ctl("update", "--", "-5 % of the requests still fail")
    assert "-5 % of the requests" in either.ctl("status").stdout


def test_clear_ends_what_nodes_remember_of_a_store_that_lost_everything(make_stand, redis, customer):
    stand = make_stand(redis).start()
    stand.declare("P1")
    redis.cli("FLUSHALL")
    eventually(lambda: "STORE EMPTY" in stand.ctl("status").stdout, 20, "status says that the store is empty")
    assert ack(stand.deliver(outage_report(customer))) == "none"
    stand.ctl("clear")
    stand.wait_word("")
    assert stand.deliver(outage_report(customer)).outage() == {}


def test_output_that_cannot_be_written_is_a_failure(either):
    with open("/dev/full", "w") as full:
        done = subprocess.run([either.build / "outagectl", "-c", either.node.config, "status"], stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False)
    failed(done)


def test_resolve_with_nothing_open_changes_nothing(either, customer):
    either.ctl("resolve", check=False)
    assert either.deliver(outage_report(customer)).outage() == {}


def test_pause_and_resume_show_in_status(either):
    either.declare("P1")
    either.ctl("pause", "wrong text went out")
    assert "wrong text went out" in either.ctl("status", check=False).stdout
    either.ctl("resume")
    assert "wrong text went out" not in either.ctl("status", check=False).stdout


def test_accounts_are_kept_listed_and_removed(either, customer):
    either.put_account("acme.example", account="Acme", level="platinum")
    either.put_account("jane@other.example", account="Jane & Söhne", level="gold")
    listed = either.ctl("accounts", "list").stdout
    assert "acme.example" in listed and "Jane & Söhne" in listed
    either.ctl("accounts", "remove", "acme.example")
    assert "acme.example" not in either.ctl("accounts", "list").stdout
    failed(either.ctl("accounts", "remove", "acme.example", check=False))
    failed(either.ctl("accounts", "set", "co.uk", '{"account": "Everybody"}', check=False))
    failed(either.ctl("accounts", "set", "x.example", "{not json", check=False))


def test_store_that_is_away_is_said_in_one_line(make_stand, redis):
    stand = make_stand(redis)
    redis.kill()
    assert "redis" in failed(stand.ctl("declare", "P1", check=False)).lower() + str(redis.port)
    redis.start()


def write(folder, name: str, letter: Letter, head: bytes = b"") -> str:
    path = folder / name
    path.write_bytes(head + letter.bytes)
    return str(path)


def test_check_json_has_every_key_always(stand, tmp_path):
    folder = tmp_path / "mails"
    (folder / "sub").mkdir(parents=True)
    outage = write(folder, "a-outage.eml", outage_report("jane@customer.example"))
    password = write(folder, "b-password.eml", Letter("joe@customer.example", "Forgot my password", PASSWORD_TEXT))
    legal = write(folder / "sub", "c-legal.eml", Letter("jim@customer.example", "Breach of contract", LEGAL_TEXT))
    (folder / "d-link.eml").symlink_to(outage)
    done = stand.ctl("check", "--json", "--incident", "P1", str(folder))
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [entry["file"] for entry in found] == [outage, password, legal]
    for entry in found:
        assert list(entry) == CHECK_KEYS
        assert isinstance(entry["match"], bool)
        for name in ("rules", "escalate", "sensitive", "reasons"):
            assert isinstance(entry[name], list)
        assert entry["incident"] == "default" and entry["severity"] == "P1"
        assert all(name.startswith("X-Outage-") and isinstance(value, str) for name, value in entry["headers"].items())
    assert (found[0]["match"], found[0]["ack"], found[0]["reasons"], found[0]["queue"]) == (True, "queued", [], "surge")
    assert (found[1]["match"], found[1]["ack"], found[1]["queue"], found[1]["tier"]) == (False, "none", "normal", None)
    assert "no-match" in found[1]["reasons"]
    assert found[2]["escalate"] == ["legal"]
    assert "escalated" in found[2]["reasons"]
    assert found[0]["account"] is None


def test_check_shows_what_the_helpdesk_is_told(make_stand, tmp_path):
    stand = make_stand(helpdesk="rt")
    path = write(tmp_path, "m.eml", outage_report("jane@customer.example"))
    headers = json.loads(stand.ctl("check", "--json", "--incident", "P1", path).stdout)["headers"]
    assert headers["X-RT-Command"] == "Queue: surge\nPriority: 80"
    assert headers["Precedence"] == "bulk"
    assert "    X-RT-Command: Queue: surge\n    X-RT-Command: Priority: 80\n" in stand.ctl("check", "--incident", "P1", path).stdout


def test_check_says_all_reasons_and_without_an_incident_too(stand, tmp_path):
    headers = [("Precedence", "bulk"), ("List-Id", "<x.y>")]
    path = write(tmp_path, "m.eml", outage_report("noreply@customer.example", auth=False, headers=headers))
    entry = json.loads(stand.ctl("check", "--json", path).stdout)
    assert entry["incident"] is None and entry["severity"] is None
    told = [reason for reason in entry["reasons"] if reason != "no-match"]
    assert told == ["list-mail", "precedence", "system-sender", "no-incident", "unauthenticated"]
    assert entry["ack"] == "none"
    assert entry["headers"] == {}


def test_check_agrees_with_the_milter(p1_like, tmp_path, customer):
    letter = outage_report(customer)
    path = write(tmp_path, "m.eml", letter)
    offline = json.loads(p1_like.ctl("check", "--json", "--incident", "P1", "--sender", customer, path).stdout)
    received = p1_like.deliver(letter).outage()
    assert set(offline["headers"]) == {f"X-Outage-{name}" for name in received}
    for name in ("Match", "Queue", "Tier", "Language", "Ack"):
        assert offline["headers"][f"X-Outage-{name}"] == received[name]


@pytest.fixture
def p1_like(stand):
    """The incident that `check --incident P1` means: open, named default, no texts."""
    stand.declare("P1")
    return stand


def test_check_reads_mbox_line_crlf_and_stdin_and_names_what_it_cannot_read(stand, tmp_path):
    letter = outage_report("jane@customer.example")
    path = write(tmp_path, "m.eml", letter, b"From jane@customer.example Sat Nov 21 15:10:00 2026\r\n")
    assert json.loads(stand.ctl("check", "--json", "--incident", "P1", path).stdout)["ack"] == "queued"
    # As it lies in a maildir: the delivery into it is no loop, an earlier one to us is.
    received = b"Received: from a by b; Sat, 21 Nov 2026 15:10:00 +0000\r\n"
    delivered = f"Delivered-To: {SUPPORT}\r\n".encode()
    for head, ack_is in ((b"Return-Path: <jane@customer.example>\r\n" + delivered + received, "queued"),
                         (b"Return-Path: <jane@customer.example>\r\n" + received + delivered, "none")):
        path = write(tmp_path, "stored.eml", letter, head)
        assert json.loads(stand.ctl("check", "--json", "--incident", "P1", path).stdout)["ack"] == ack_is, head
    unix = tmp_path / "unix.eml"
    unix.write_bytes(letter.bytes.replace(b"\r\n", b"\n"))
    done = stand.ctl("check", "--json", "--incident", "P1", str(tmp_path / "missing.eml"), str(unix), check=False)
    assert done.returncode == 1
    assert "missing.eml" in done.stderr
    assert json.loads(done.stdout)["ack"] == "queued"
    piped = stand.ctl("check", "--json", "--incident", "P1", "-", input=letter.bytes.decode())
    assert json.loads(piped.stdout)["file"] == "-"


@pytest.mark.parametrize("severity", ["P1", "P2", "P3", "resolved"])
def test_preview_shows_a_whole_reply_for_a_bare_word(stand, severity):
    shown = stand.ctl("preview", "--incident", severity).stdout
    assert "Subject:" in shown
    assert "{{" not in shown
    assert not re.search(r"\n\n\n", shown)


def test_help_shows_the_everyday_commands(stand):
    shown = stand.ctl("--help").stdout
    for command in ("declare", "update", "resolve", "clear", "pause", "status"):
        assert command in shown
    assert "acks" not in shown
    assert "acks" in stand.ctl("help", "admin").stdout


def test_canceled_incident_answers_nobody_any_more(either, customer):
    either.declare("P1")
    either.ctl("clear")
    either.wait_word("")
    received = either.deliver(outage_report(customer))
    assert ack(received) == ""
    assert received.outage() == {}
