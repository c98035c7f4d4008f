"""outagectl status --watch in a real terminal, and outagectl log: what is going on, and who did it."""

import getpass
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import termios

import pytest

from mail import ack, outage_report
from process import eventually
from terminal import Terminal

ME = f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{socket.gethostname()}"


@pytest.fixture
def either(make_stand, store):
    """A live site, once on SQLite and once on Redis."""
    return make_stand(store).start()


def watch(stand, *more: str, width: int = 80, height: int = 24, **env: str) -> Terminal:
    return Terminal([stand.build / "outagectl", "-c", stand.node.config, "status", "--watch", *more], width, height, **env)


def set_by_hand(stand, redis, word: str) -> None:
    if redis is not None:
        redis.cli("SET", "outage:incident", word)
        return
    with sqlite3.connect(stand.store_url.removeprefix("sqlite:"), timeout=10) as db:
        db.execute("INSERT OR REPLACE INTO flip(name, word) VALUES('default', ?)", (word,))


def is_restored(terminal: Terminal) -> bool:
    """The screen before is back, with cursor and wrapping, and so are the modes of the line."""
    return terminal.modes == {"25", "7"} and termios.tcgetattr(terminal.fd) == terminal.before


def log(stand, *args: str) -> list[dict]:
    return [json.loads(line) for line in stand.ctl("log", "--json", *args).stdout.splitlines()]


def test_the_view_follows_what_happens_and_the_log_says_who_did_it(either, store, customer):
    with watch(either, "--interval", "1h") as view:
        view.wait("no incident is on")
        assert "1049" in view.modes and "25" not in view.modes
        # An hour between two looks: what shows up now was told by the store.
        either.ctl("declare", "P2", "--title", "Login is down \x1b[31m", "--next-update", "30m", check=False)
        either.ctl("declare", "P2", "--title", "Login is down", "--next-update", "30m")
        # A frame is written at once, but may be read in parts.
        view.wait(lambda text: all(part in text for part in ("default  P2 investigating for ", "Login is down", "next update promised in ")))
        set_by_hand(either, store, "P1")
        view.wait("default  P1 investigating for ")
        either.ctl("pause", "wrong text")
        view.wait("PAUSED  outagectl status")
        either.ctl("update", "We found the cause", "--phase", "identified")
        view.wait(lambda text: re.search(r"last update \d+s ago: We found the cause", text))
        view.resize(40, 10)
        view.wait(lambda text: "PAUSED  outagectl status  2" in text and "\u2026" in text.splitlines()[0] and "queue: " in text)
        view.resize(120, 50)
        view.wait("queue: 0 waiting")
        either.ctl("resume")
        view.wait(lambda text: "PAUSED" not in text)
        view.press("xq")
        assert view.ended() == 0 and is_restored(view)
    with watch(either, "--interval", "200ms") as view:
        assert ack(either.deliver(outage_report(customer))) == "queued"
        view.wait("1 acknowledged")
        view.press("\x03")
        assert view.ended() == 0 and is_restored(view)
    either.put_account("acme.example", account="Acme")
    either.ctl("accounts", "remove", "acme.example")
    either.resolve("--fix", "A bigger machine")
    check_log(either)


def check_log(stand) -> None:
    entries = log(stand)
    said = {entry["what"]: entry for entry in entries}
    assert {key for entry in entries for key in entry} == {"at", "by", "outside", "what", "incident", "id", "name", "detail", "text"}
    for what in ("opened", "pause", "resume", "update", "account", "account-removed", "resolved"):
        assert said[what]["by"] == ME and not said[what]["outside"], said[what]
    by_hand = said["severity"]
    assert by_hand["outside"] and by_hand["by"].startswith("outside (seen by ") and by_hand["text"] == "changed the severity to P1"
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
    incident = said["opened"]["id"]
    own = log(stand, incident)
    assert {entry["what"] for entry in own} >= {"opened", "severity", "pause", "update", "resolved"}
    assert not any(entry["what"].startswith("account") for entry in own)
    assert [entry["what"] for entry in log(stand, "--by", "outside")] == ["severity"]
    assert [entry["what"] for entry in log(stand, "--what", "pause", "--what", "resume")] == ["pause", "resume"]
    assert log(stand, "-n", "1") == entries[-1:]
    assert log(stand, "--until", "1h") == [] and len(log(stand, "--since", "1h")) == len(entries)
    text = stand.ctl("log").stdout
    assert f"{ME}" in text and "default: declared P2 as " in text and "PAUSED: wrong text" in text
    for wrong in (["log", "a", "b"], ["log", "P1"], ["log", "--since", "yesterday"], ["log", "-n", "-1"]):
        assert stand.ctl(*wrong, check=False).returncode == 2


def test_moves_of_the_queue_are_in_the_log(make_stand, store, fake_relay, customer):
    fake_relay.mode = "reject"
    stand = make_stand(store, reply__relay=f"smtp://127.0.0.1:{fake_relay.port}", reply__tries=1).start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    eventually(lambda: stand.status()["acks"]["dead"] == 1, 30, "the letter was buried")
    stand.ctl("acks", "retry", "--all")
    assert [(entry["by"], entry["what"]) for entry in log(stand, "--what", "queue-retry")] == [(ME, "queue-retry")]


def test_signals_leave_the_terminal_as_it_was(stand):
    with watch(stand, NO_COLOR="1") as view:
        view.wait("queue: 0 waiting")
        assert "\x1b[1m" not in view.raw
        view.signal(signal.SIGSTOP)
        view.signal(signal.SIGCONT)
        drawn = view.raw.count("\x1b[?1049h")
        view.wait(lambda _: view.raw.count("\x1b[?1049h") > 1 or drawn > 1)
        # In a session of its own it has no shell to stop for: it gives the screen back and takes it again.
        view.press("\x1a")
        view.wait(lambda _: "\x1b[?1049l" in view.raw and view.raw.rindex("\x1b[?1049h") > view.raw.index("\x1b[?1049l"))
        view.signal(signal.SIGTERM)
        assert view.ended() == 0 and is_restored(view)
    with watch(stand) as view:
        view.wait("queue: 0 waiting")
        assert "\x1b[1m" in view.raw
        view.signal(signal.SIGHUP)
        assert view.ended() == 0 and is_restored(view)


def test_without_a_screen_frames_follow_one_another(stand):
    with watch(stand, "--interval", "200ms", TERM="dumb", LANG="C") as view:
        view.wait("no incident is on")
        stand.ctl("declare", "P3", "--title", "Müde")
        view.wait("default  P3 investigating")
        view.wait("M?de")
        assert "\x1b" not in view.raw
        view.signal(signal.SIGINT)
        assert view.ended() == 0
    piped = subprocess.Popen([stand.build / "outagectl", "-c", stand.node.config, "status", "--watch"], stdout=subprocess.PIPE, text=True)
    try:
        while "default  P3" not in piped.stdout.readline():
            pass
        piped.stdout.close()
        stand.ctl("clear")
        assert piped.wait(20) == 0
    finally:
        piped.kill()
        piped.wait()
    for wrong in (["--interval", "2s"], ["--watch", "--json"], ["--watch", "--interval", "soon"], ["--watch", "--interval", "1ms"]):
        assert stand.ctl("status", *wrong, check=False).returncode == 2
    assert "--watch" in stand.ctl("status", "--help").stdout and "outagectl log" in stand.ctl("log", "--help").stdout


def test_the_last_frame_stays_while_the_store_is_away(make_stand, redis):
    stand = make_stand(redis).start()
    stand.declare("P1", "--title", "Login is down")
    with watch(stand, "--interval", "200ms", width=120, height=50) as view:
        view.wait("Login is down")
        redis.kill()
        view.wait(lambda text: "THE STORE CANNOT BE REACHED" in text and "Login is down" in text)
        redis.start()
        view.wait(lambda text: "CANNOT BE REACHED" not in text and "Login is down" in text)
        view.press("q")
        assert view.ended() == 0 and is_restored(view)
