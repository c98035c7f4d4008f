"""A past outage's mail by today's rules: `outagectl replay`."""

import json
from email.utils import format_datetime
from datetime import datetime, timedelta, timezone

import pytest

import settings
from mail import LEGAL_TEXT, PASSWORD_TEXT, PLAIN_TEXT, authenticated
from process import build_dir, run

START = datetime(2026, 11, 21, 9, 0, tzinfo=timezone.utc)


def mail(sender, minute, text=PLAIN_TEXT, subject="Is it down?", vouched=True, to=settings.SUPPORT, authserv="mx.example", extra="",
         delivered=""):
    date = format_datetime(START + timedelta(minutes=minute))
    auth = f"{authenticated(sender, authserv)[0]}: {authenticated(sender, authserv)[1]}\n" if vouched else ""
    return (f"Return-Path: <{sender}>\n{delivered}{auth}Received: from a by b; {date}\nDate: Thu, 1 Jan 1998 00:00:00 +0000\nFrom: <{sender}>\n"
            f"To: {to}\nMessage-ID: <{sender}-{minute}>\nSubject: {subject}\n{extra}\n{text}\n")


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    """A maildir, an mbox and a single mail; the same person writes in all of them."""
    folder = tmp_path_factory.mktemp("past")
    maildir = folder / "maildir"
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    for number, text in enumerate([
            mail("jane@one.example", 30, subject="later"), mail("joe@two.example", 10, delivered=f"Delivered-To: {settings.SUPPORT}\n"),
            mail("max@acme.example", 11),
            mail("law@three.example", 12, LEGAL_TEXT), mail("pw@four.example", 13, PASSWORD_TEXT),
            mail("un@five.example", 14, vouched=False), mail("un@five.example", 15, vouched=False),
            mail("list@six.example", 16, extra="List-Id: <news.six.example>\n"),
            mail("loop@six.example", 16, extra=f"Delivered-To: {settings.SUPPORT}\n"),
            mail("bcc@seven.example", 17, to="sales@support.example"),
            mail("x@eight.example", 18, subject="<script>alert(1)</script> =?utf-8?q?=1b[31m?=")]):
        (maildir / "cur" / f"{number}:2,S").write_text(text)
    (maildir / "tmp" / "half").write_text(mail("tmp@nine.example", 1))
    (folder / "one.mbox").write_text("From - Sat Nov 21 2026\n" + mail("jane@one.example", 5, subject="first")
                                     + "\nFrom - Sat Nov 21 2026\n" + mail("jane@one.example", 200, subject="after the fix"))
    (folder / "accounts.json").write_text(json.dumps({"acme.example": {"account": "Acme", "level": "gold"}}))
    return folder


@pytest.fixture(scope="module")
def replay(past):
    def call(*args, status=0, paths=("maildir", "one.mbox"), **changes):
        own = settings.standard(past, f"unix:{past}/socket", f"sqlite:{past}/store.db", 25)
        config = past / "site.conf"
        config.write_text(settings.to_libconfig({**own, **{name.replace("__", "."): value for name, value in changes.items()}}))
        done = run([build_dir() / "outagectl", "-c", config, "replay", *args, *(past / path for path in paths)], check=False)
        assert done.returncode == status, done
        return done
    return call


@pytest.fixture(scope="module")
def seen(replay, past):
    return json.loads(replay("--json", "--html", past / "page.html", "--accounts", past / "accounts.json", "--resolved",
                             "2026-11-21T12:00:00Z").stdout)


def test_each_person_is_answered_once_by_the_dates_of_the_mail(seen):
    assert seen["mails"] == 13 and seen["from"] == "2026-11-21T09:05:00Z" and seen["undated"] == 0
    assert sum(seen["fates"].values()) == 13
    answered = {(line["from"], line["subject"]) for line in seen["lists"]["answered"]}
    assert {("jane@one.example", "first"), ("joe@two.example", "Is it down?")} <= answered
    assert ("jane@one.example", "after the fix") in answered  # of the second wave there is a letter of its own
    assert [line["subject"] for line in seen["lists"]["already_acknowledged"]] == ["later"]


def test_what_is_for_people_is_taken_out_and_why(seen):
    lifted = {line["from"]: line["why"] for line in seen["lists"]["lifted"]}
    assert lifted["max@acme.example"].startswith("account Acme") and "legal" in lifted["law@three.example"]
    assert seen["kinds"]["account"] == 1 and seen["lifted"] == len(lifted)


def test_what_hangs_on_vouching_is_said(seen, replay):
    assert seen["fates"]["if_vouched"] == 1 and seen["fates"]["if_vouched_again"] == 1 and seen["people_if_vouched"] == 1
    text = replay("--rcpt", settings.SUPPORT, auth__trusted_ids=[]).stdout
    assert "mx.example (" in text and "auth.trusted_ids" in text
    assert "0  acknowledged, one letter a person" in text


def test_machines_other_mail_and_the_silent_are_told_apart(seen):
    # What the delivery into the mailbox wrote on top is no loop (joe is answered); what was there before is.
    assert sorted(line["from"] for line in seen["lists"]["machine"]) == ["list@six.example", "loop@six.example"]
    assert [line["from"] for line in seen["lists"]["other"]] == ["pw@four.example"]
    silent, = seen["lists"]["silent"]
    assert silent["from"] == "bcc@seven.example" and "not-addressed" in silent["why"]
    assert any("sales@support.example (1)" in advice for advice in seen["advice"])


def test_the_page_stands_by_itself_and_runs_nothing(seen, past):
    page = (past / "page.html").read_text()
    assert "<script>" not in page and "&lt;script&gt;" in page and "\x1b" not in page
    assert "src=" not in page and "first" in page and "account Acme" in page
    assert (past / "page.html").stat().st_mode & 0o077 == 0


def test_the_time_can_be_narrowed(replay):
    seen = json.loads(replay("--json", "--since", "2026-11-21T09:10:00Z", "--until", "2026-11-21T09:12:00Z").stdout)
    assert seen["mails"] == 2 and seen["outside"] == 11


def test_what_cannot_be_done_is_said_before_the_work(replay, past):
    assert "make that folder" in replay("--html", past / "no" / "page.html", status=1).stderr
    assert "is a folder" in replay("--html", past, status=2).stderr
    assert "RFC 3339" in replay("--since", "noon", status=2).stderr
    assert "no mail" in replay(paths=("maildir/new",), status=1).stderr
    done = replay(paths=("maildir", "nowhere"), status=1)
    assert "nowhere" in done.stderr and "11 mails" in done.stdout
