"""The site's own mail: `outagectl learn` makes a model of it, `outagectl evaluate` says how good the detection is, and a damaged model is told."""

import json
import re
import subprocess

import pytest

from mail import ack, outage_report, parse_value
from process import TOP, build_dir, eventually

DOWN = ["is kaputt since the night", "will not start for anybody here", "answers nobody in the office", "shows an empty screen to all of us"]
FINE = ["needs another invoice address", "is nice, what does it cost for ten", "could do with a darker theme", "has a typing mistake on page two"]
WORDS = ["ledger", "planner", "archive", "gateway", "wallet", "tracker", "harbour", "timber", "velvet", "copper", "meadow", "lantern", "saddle", "orchard"]


def texts(endings):
    """48 texts of many words that say nothing, and a few that do."""
    for number in range(48):
        chosen = [WORDS[(number * step + step * step) % len(WORDS)] + "abcdefgh"[number * step % 8] for step in (3, 5, 9, 11, 13, 17, 19, 23)]
        yield f"The {WORDS[number % 6]} {endings[number // 12]}, {' '.join(chosen)}"


def letter(text: str) -> str:
    return f"From: jane@customer.example\nTo: support@site.example\nSubject: question\n\n{text}\n"


@pytest.fixture
def config(tmp_path):
    """A configuration without support addresses, whose model is not there yet."""
    path = tmp_path / "outage-milter.conf"
    path.write_text(f'state_dir = "{tmp_path}";\nrules = {{ dir = "{TOP}/conf/rules"; }};\nmodel = {{ file = "site.model"; }};\n')
    return path


@pytest.fixture
def site_mail(tmp_path):
    """Outage mail as an mbox, half of the other as a maildir, half as a table."""
    outage, other = list(texts(DOWN)), list(texts(FINE))
    (tmp_path / "outage.mbox").write_text("".join(f"From jane Fri Nov 21 10:00:00 2025\n{letter(text)}\n" for text in outage))
    for folder in ("cur", "new", "tmp"):
        (tmp_path / "box" / folder).mkdir(parents=True)
    for number, text in enumerate(other[:24]):
        (tmp_path / "box" / ("cur" if number % 2 else "new") / str(number)).write_text(letter(text))
    (tmp_path / "rest.tsv").write_text("label\tlang\tescalation\tbody\n" + "".join(f"0\ten\t-\t{text}\n" for text in other[24:]))
    return ["--outage", tmp_path / "outage.mbox", "--other", tmp_path / "box", "--tsv", tmp_path / "rest.tsv"]


def ctl(config, *args, status: int = 0):
    done = subprocess.run([build_dir() / "outagectl", "-c", config, *map(str, args)], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done
    return done


def test_a_site_teaches_it_its_own_mail(config, site_mail, tmp_path):
    model = tmp_path / "site.model"
    said = ctl(config, "learn", "--only", *site_mail, "-o", model).stdout
    assert "96 of your mails and 0 texts that come with this program" in said
    assert re.search(r"held out in turn.* F1 [01]\.\d+", said)

    measured = json.loads(ctl(config, "evaluate", "--json", *site_mail).stdout)
    assert measured["mails"] == 96
    assert measured["both"]["outage"] == 48
    # No rule knows how this site's customers say it; the model does.
    assert measured["both"]["f1"] > measured["rules"]["f1"]
    assert measured["model"]["recall_at_1_percent"] > 0.9
    assert set(measured["source"]) == {"outage.mbox", "box", "rest.tsv"}

    mail = tmp_path / "mail"
    mail.write_text(letter("The planner is kaputt, it will not start for anybody"))
    verdict = json.loads(ctl(config, "check", "--json", "--incident", "P1", mail).stdout)
    assert verdict["model_score"] > 0
    assert {"kaputt", "anybody", "start"} & set(verdict["words"])

    # A password may be made of words that it learned: where one stands in the mail, no word is named.
    mail.write_text(letter("It is kaputt, it will not start for anybody. My password is: Kaputt7anybody and the login jane"))
    verdict = json.loads(ctl(config, "check", "--json", "--incident", "P1", mail).stdout)
    assert verdict["sensitive"] == ["password"] and verdict["model_score"] > 0 and verdict["words"] == []


def test_the_tables_are_for_people(config, site_mail):
    done = ctl(config, "evaluate", *site_mail)
    for head in ("rules + model", "rules alone", "model alone", "language", "source", "Worst missed"):
        assert head in done.stdout
    assert "the rules go on alone" in done.stderr
    # Where there is no outage mail, none of it was missed either.
    assert re.search(r"^box +0 +24 +\S+ +- +- ", done.stdout, re.M)


def test_no_secret_is_printed(config, tmp_path):
    """What evaluate prints goes into tickets."""
    mail = tmp_path / "mail"
    mail.write_text(letter("My password is: Winter7sunset, what do ten seats cost?"))
    shown = ctl(config, "evaluate", "--outage", mail).stdout
    assert "(not shown, for it holds: password)" in shown and "sunset" not in shown.lower()


def test_a_damaged_model_is_told_and_the_rules_go_on(config, site_mail, tmp_path):
    model = tmp_path / "site.model"
    ctl(config, "learn", "--only", *site_mail, "-o", model)
    damaged = bytearray(model.read_bytes())
    damaged[-5] ^= 1
    model.write_bytes(damaged)
    tested = subprocess.run([build_dir() / "outage-milter", "-t", "-c", config], capture_output=True, text=True, timeout=60)
    assert tested.returncode != 0
    assert f"{config}:3: model.file: {model}: the model is damaged" in tested.stdout + tested.stderr
    mail = tmp_path / "mail"
    mail.write_text(letter("Your site is down, 503 on every page"))
    done = ctl(config, "check", "--json", "--incident", "P1", mail)
    verdict = json.loads(done.stdout)
    assert verdict["match"] and verdict["model_score"] == 0 and verdict["words"] == []
    assert "the model is damaged" in done.stderr and "the rules go on alone" in done.stderr


def test_a_milter_without_its_model_says_so_once_in_its_log_and_answers(make_stand, customer, tmp_path):
    stand = make_stand(model__file=str(tmp_path / "none.model")).start()
    said = [line for line in stand.node.process.lines if "the rules go on alone" in line]
    assert len(said) == 1
    assert said[0].startswith("outage-milter[") and "none.model" in said[0]
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    eventually(lambda: "without the model" in stand.ctl("status", check=False).stdout, 20, "the status names it")


def test_a_model_that_is_damaged_in_place_does_no_harm_and_a_reload_keeps_the_one_in_force(make_stand, customer, tmp_path):
    model = tmp_path / "own.model"
    model.write_bytes((TOP / "conf" / "model" / "outage.model").read_bytes())
    stand = make_stand(model__file=str(model)).start()
    stand.declare("P1")
    for harm in (b"", b"no model"):
        model.write_bytes(harm)  # in place, as cp does
        assert "model" in parse_value(stand.deliver(outage_report(customer)).one("X-Outage-Match"))[1]
        stand.node.reload()
        assert any(f"model.file: {model}: " in line and "the model in force stays" in line for line in stand.node.process.lines)
        assert "model" in parse_value(stand.deliver(outage_report(customer)).one("X-Outage-Match"))[1]


def test_the_shipped_texts_are_learned_along(config, site_mail, tmp_path):
    """They lie beside the model; a site's few mails alone would say little."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.tsv").write_text("label\tbody\n1\tThe harbour is on fire\n0\tA question about my bill\n")
    said = ctl(config, "learn", *site_mail, "-o", tmp_path / "site.model").stdout
    assert "96 of your mails and 2 texts that come with this program" in said
    said = ctl(config, "learn", "--only", *site_mail, "-o", tmp_path / "site.model").stdout
    assert "96 of your mails and 0 texts" in said


def test_wrong_mail_teaches_nothing(config, site_mail, tmp_path):
    model = tmp_path / "site.model"
    (tmp_path / "rest.tsv").write_text("label\tbody\n0\tfine\nmaybe\tdown\n")
    done = ctl(config, "learn", "--only", *site_mail, "-o", model, status=1)
    assert f"{tmp_path}/rest.tsv:3: the label is neither 0 nor 1" in done.stderr
    done = ctl(config, "learn", "--only", "--outage", tmp_path / "outage.mbox", "-o", model, status=1)
    assert "too few to learn from" in done.stderr
    assert not model.exists()
    # Where the model has no place it is said before minutes are spent.
    done = ctl(config, "learn", "--only", "--outage", tmp_path / "outage.mbox", "-o", tmp_path / "nowhere" / "site.model", status=1)
    assert "nowhere/site.model cannot be written" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("args", [["learn"], ["learn", "-o", "x", "--stamp", "soon", "y"], ["learn", "--only", "-o", "x"], ["evaluate"]])
def test_wrong_usage(config, args):
    ctl(config, *args, status=2)


def test_the_shipped_model_is_what_the_shipped_texts_teach(config, tmp_path):
    """`make update-model` after a change of the texts, or of how a text is read."""
    made = tmp_path / "made.model"
    ctl(config, "learn", "--only", "--stamp", "2026-11-22T00:00:00Z", "-o", made, TOP / "conf" / "model" / "corpus")
    assert made.read_bytes() == (TOP / "conf" / "model" / "outage.model").read_bytes()
