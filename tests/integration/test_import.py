"""What a status page says, brought in by `outagectl import`: once, whoever calls it how often, and never against the operator's word."""

import json
from datetime import datetime, timedelta, timezone

import pytest

import settings
from process import build_dir, run

PAGE = "https://status.support.example"


class Hand:
    """outagectl on a store of its own; nothing else runs."""

    def __init__(self, folder, store_url):
        self.config = folder / "site.conf"
        own = settings.standard(folder, f"unix:{folder}/socket", store_url, 25)
        self.config.write_text(settings.to_libconfig({**own, "secret_file": str(folder / "secret")}))

    def ctl(self, *args, status=0, **more):
        done = run([build_dir() / "outagectl", "-c", self.config, *args], check=False, **more)
        assert done.returncode == status, done
        return done

    def bring(self, page, *args, kind="statuspage", status=0):
        return self.ctl("import", kind, "-", *args, input=page if isinstance(page, str) else json.dumps(page), status=status)

    def incident(self, name="default"):
        found = [one for one in json.loads(self.ctl("status", "--json").stdout)["incidents"] if one["name"] == name]
        return found[0] if found else None

    def history(self):
        return self.ctl("log", "--json").stdout


@pytest.fixture
def hand(store, tmp_path):
    return Hand(tmp_path, store.url if store is not None else f"sqlite:{tmp_path}/store.db")


def update(number, body, minute):
    return {"id": f"u{number}", "status": "investigating", "body": body, "created_at": f"2026-11-22T08:{minute:02}:00.000Z"}


def incident(identity="abc123", *updates, **more):
    """As a status page has it: the newest update first."""
    return {"id": identity, "name": "Sign-in fails", "status": "investigating", "impact": "major", "shortlink": "https://stspg.io/x",
            "components": [{"name": "API"}, {"name": "Dashboard"}],
            "incident_updates": list(reversed(updates)) or [update(1, "We are looking into it.", 0)], **more}


def page(*incidents):
    return {"page": {"name": "Example", "url": PAGE}, "status": {"indicator": "major"}, "incidents": list(incidents)}


def test_what_the_page_said_before_our_own_word_does_not_follow_it(hand):
    hand.ctl("declare", "P2")
    hand.bring(page(incident("abc123", update(1, "We are looking into it.", 0))))
    hand.ctl("update", "We have found it ourselves.")
    old, new = update(2, "Still looking.", 20), update(3, "It is being mended.", 30)
    assert "added" not in hand.bring(page(incident("abc123", update(1, "We are looking into it.", 0), old))).stdout
    assert hand.incident()["update"] == "We have found it ourselves."
    new["created_at"] = (datetime.now(timezone.utc) + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert "1 update added" in hand.bring(page(incident("abc123", update(1, "We are looking into it.", 0), old, new))).stdout
    assert hand.incident()["update"] == "It is being mended."


def test_a_page_is_brought_in_once_however_often_it_is_asked(hand):
    first, second = update(1, "We are <b>looking</b> into it &amp; more.", 0), update(2, "Found it. \U0001f600\r\nSoon.", 20)
    hand.ctl("declare", "P3")
    assert "title" in hand.bring(page(incident("abc123", first))).stdout
    now = hand.incident()
    assert now["word"] == "P3"  # the operator's severity stands
    assert now["texts"] == {"title": "Sign-in fails", "components": "API, Dashboard", "phase": "investigating",
                            "status_url": PAGE + "/incidents/abc123"}
    assert now["update"] == "We are looking into it & more."
    before = hand.history()
    assert "nothing new" in hand.bring(page(incident("abc123", first))).stdout
    assert "nothing new" in hand.bring(page(incident("abc123", first)), "--declare=P1", "--resolve").stdout
    assert hand.history() == before

    assert "1 update added" in hand.bring(page(incident("abc123", first, second))).stdout
    assert hand.incident()["update"] == "Found it. \U0001f600\nSoon."
    # A text that was corrected is said anew where it is the newest; what was said before stands.
    second["body"] = "Found it."
    assert "1 update added" in hand.bring(page(incident("abc123", first, second))).stdout
    first["body"] = "Otherwise"
    assert "nothing new" in hand.bring(page(incident("abc123", first, second))).stdout
    assert hand.incident()["update"] == "Found it."


def test_it_declares_and_resolves_only_where_it_is_told_to(hand):
    assert "prepared" in hand.bring(page(incident())).stdout
    assert "nothing new" in hand.bring(page(incident())).stdout
    assert hand.incident() is None or not hand.incident()["active"]
    assert "declared P2" in hand.bring(page(incident()), "--declare").stdout
    assert hand.incident()["update"] == "We are looking into it."
    assert "outagectl resolve" in hand.bring(page()).stdout
    assert hand.incident()["word"] == "P2"
    assert "resolved" in hand.bring(page(), "--resolve").stdout
    assert hand.incident()["word"] == "resolved"
    assert "nothing new" in hand.bring(page(), "--resolve", "--declare").stdout
    by = hand.history()
    assert "(statuspage abc123)" in by and "(statuspage abc123/u1/" in by


def test_what_the_operator_ended_stays_ended(hand):
    hand.bring(page(incident()), "--declare", "P1")
    assert hand.incident()["word"] == "P1"
    hand.ctl("clear")
    before = hand.history()
    for _ in range(2):
        assert "left alone" in hand.bring(page(incident()), "--declare").stdout
    assert hand.history() == before and not hand.incident()["active"]
    assert "declared" in hand.bring(page(incident("other")), "--declare").stdout


def test_texts_prepared_of_what_is_over_are_not_said_of_the_next(hand):
    hand.bring(page(incident()))
    assert "withdrawn" in hand.bring(page()).stdout
    hand.ctl("declare", "P1")
    assert hand.incident()["texts"] == {}


def test_a_promise_is_left_out_and_said_so(hand):
    hand.ctl("declare", "P1")
    promise, plain = update(1, "We will refund you all.", 0), update(2, "We found it.", 5)
    done = hand.bring(page(incident("abc123", promise, plain)), status=1)
    assert '"refund" is a word of promise' in done.stderr and "1 update added" in done.stdout
    assert hand.incident()["update"] == "We found it."
    hand.bring(page(incident("abc123", promise, plain)))  # what came after it holds: there is nothing left to say


def test_among_several_one_has_to_be_named(hand):
    hand.ctl("declare", "P1")
    both = page(incident("one"), incident("two", name="Mail is late"))
    done = hand.bring(both, status=1)
    assert "one (Sign-in fails), two (Mail is late)" in done.stderr
    assert "only: one (Sign-in fails)" in hand.bring(both, "--incident", "three", status=1).stderr
    hand.bring(both, "--incident", "two")
    assert hand.incident()["texts"]["title"] == "Mail is late"
    assert "nothing new" in hand.bring(both).stdout  # it is known now which is meant


def test_json_of_our_own_sets_what_it_names(hand, tmp_path):
    own = {"id": "INC-7", "severity": "P2", "title": "Down", "scope": "EU", "components": ["a", "b"], "phase": "identified",
           "next_update_at": "2099-01-01T00:00:00Z", "status_url": PAGE + "/7", "updates": [{"text": "Looking.", "at": "2026-11-22T08:00:00Z"}]}
    file = tmp_path / "incident.json"
    file.write_text(json.dumps(own))
    assert "declared P2" in hand.ctl("import", "json", str(file), "--declare", "eu-1").stdout
    assert hand.incident("eu-1")["texts"]["scope"] == "EU" and hand.incident("eu-1")["update"] == "Looking."
    assert "nothing new" in hand.ctl("import", "json", str(file), "eu-1").stdout
    hand.bring({"id": "INC-7", "scope": ""}, "eu-1", kind="json")
    assert "scope" not in hand.incident("eu-1")["texts"]
    assert "url_domains" in hand.bring({"id": "INC-7", "status_url": "https://evil.example/"}, "eu-1", kind="json", status=1).stderr
    assert "resolved" in hand.bring({"id": "INC-7", "resolved": True}, "--resolve", "eu-1", kind="json").stdout


def test_bad_input_is_named_with_its_place(stand_in):
    for text, kind, said in [("", "statuspage", "an object in braces"), ("<html>", "statuspage", "HTML"),
                             ('{"page":\n {"x": 1}', "statuspage", "line 2"), ('{"incidents": [{}]}', "statuspage", "incidents[0].id: is missing"),
                             ('{"incidents": [{"id": "a", "name": 5}]}', "statuspage", "incidents[0].name: is no text"),
                             ("{}", "statuspage", "incidents: is missing"), ("[" * 100000, "statuspage", "braces"),
                             ('{"a":' * 100, "json", "nested"), ('{"tittle": "x"}', "json", "tittle: is no member"),
                             ('{"match": ".*"}', "json", "match: cannot be imported"), ('{"severity": "P9"}', "json", "severity"),
                             ('{"title": "\\ud800"}', "json", "backslash"), ("{" + " " * (4 * 1024 * 1024) + "}", "json", "larger than 4 MB")]:
        done = stand_in.bring(text, kind=kind, status=1)
        assert said in done.stderr and len(done.stderr.splitlines()) == 1, (text[:40], done.stderr)


@pytest.fixture
def stand_in(tmp_path):
    return Hand(tmp_path, f"sqlite:{tmp_path}/store.db")
