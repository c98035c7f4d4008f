"""People: who waits for one is called until he is answered, the status lists him, and our own teams hear of each incident."""

import json

import pytest

from mail import LEGAL_TEXT, Letter, outage_report
from process import eventually
from settings import SUPPORT

HOOK = """#!/bin/sh
env | grep ^OUTAGE_ | sort > "$1/$$.part"
mv "$1/$$.part" "$1/$$.page"
"""
MANAGER, ON_CALL = "manager@support.example", "oncall@support.example"


@pytest.fixture
def pages(tmp_path):
    """A folder into which the page's program writes what it was told, and the setting that runs it."""
    folder = tmp_path / "pages"
    folder.mkdir()
    folder.chmod(0o777)
    program = tmp_path / "page"
    program.write_text(HOOK)
    program.chmod(0o755)
    return folder, [str(program), str(folder)]


def told(folder) -> list[dict[str, str]]:
    """What each call was told."""
    return [dict(line.split("=", 1) for line in path.read_text().splitlines())
            for path in sorted(folder.glob("*.page"), key=lambda path: path.stat().st_mtime_ns)]


def waiting(stand) -> list[dict]:
    return stand.status()["waiting"]


def person_answers(stand, letter, client=None, to=None, **headers) -> Letter:
    """Somebody of the support team answers from the support address."""
    answer = Letter(SUPPORT, "Re: your message", "We are on it.\n\nJane", to=to or letter.sender,
                    headers=[("In-Reply-To", letter.message_id), *headers.items()])
    stand.send(answer, client)
    stand.mailbox(answer.rcpts[0]).wait_id(answer.message_id)
    return answer


def test_large_account_is_called_for_until_somebody_answers(make_stand, store, pages):
    folder, command = pages
    stand = make_stand(store, page__command=command, page__to=[ON_CALL], page__repeat="5s", page__times=5).start()
    stand.put_account("acme.example", account="Acme", level="platinum", manager=MANAGER, respond_within="30m")
    stand.declare("P1")
    stand.wait_account("it@acme.example", "Acme")
    letter = outage_report("it@acme.example")
    stand.deliver(letter)
    first, = eventually(lambda: told(folder), 30, "the first call")
    assert (first["OUTAGE_REASON"], first["OUTAGE_ACCOUNT"], first["OUTAGE_SEVERITY"]) == ("account", "Acme", "P1")
    assert first["OUTAGE_SENDER"] == "it@acme.example" and first["OUTAGE_MESSAGE_ID"] == letter.message_id
    mail = stand.mailbox(MANAGER).wait_count(1)[0]
    assert "Acme" in mail.one("Subject") and "it@acme.example" in mail.text()
    entry, = waiting(stand)
    assert entry["account"] == "Acme" and entry["sender"] == "it@acme.example"
    assert "Acme" in stand.ctl("status", check=False).stdout
    eventually(lambda: len(told(folder)) >= 2, 40, "the second call")
    person_answers(stand, letter)
    eventually(lambda: waiting(stand) == [], 20, "nobody waits any more")
    calls = len(told(folder))
    # Two others are called for after it: had the first still been waiting, its turn would have come before the second's repetition.
    legal = Letter("boss@customer.example", "Service down: breach of contract", LEGAL_TEXT)
    stand.deliver(legal)
    eventually(lambda: len([call for call in told(folder)[calls:] if call["OUTAGE_SENDER"] == legal.sender]) >= 2, 60, "two calls")
    assert [call for call in told(folder)[calls:] if call["OUTAGE_SENDER"] == letter.sender] == []
    assert stand.mailbox(ON_CALL).wait_count(1)  # without an account, whoever is on call is written to


def test_calls_have_an_end(make_stand, pages):
    folder, command = pages
    stand = make_stand(page__command=command, page__repeat="5s", page__times=2).start()
    stand.declare("P1")

    def calls(sender: str) -> list:
        return [call for call in told(folder) if call["OUTAGE_SENDER"] == sender]

    first, second = "boss@customer.example", "ceo@customer.example"
    for sender in (first, second):
        stand.deliver(Letter(sender, "Service down: breach of contract", LEGAL_TEXT))
        eventually(lambda sender=sender: len(calls(sender)) == 2, 40, f"both calls for {sender}")
    # While the second was called for twice, a third call for the first would have been due.
    assert len(calls(first)) == 2
    eventually(lambda: sorted(entry["calls"] for entry in waiting(stand)) == [2, 2], 20, "they are counted")  # nobody is forgotten for that


@pytest.mark.parametrize("wrong", ["stranger", "machine", "other-mail"])
def test_what_is_no_answer_of_ours_ends_no_waiting(make_stand, wrong):
    stand = make_stand().start()
    stand.declare("P1")
    letter = Letter("boss@customer.example", "Service down: breach of contract", LEGAL_TEXT)
    stand.deliver(letter)
    eventually(lambda: len(waiting(stand)) == 1, 20, "he waits")
    if wrong == "stranger":
        person_answers(stand, letter, client="198.51.100.66")
    elif wrong == "machine":
        person_answers(stand, letter, **{"Auto-Submitted": "auto-replied"})
    else:
        person_answers(stand, outage_report("boss@customer.example"))
    # A real answer to another who waits is known; whatever the wrong one did would be known by then.
    second = Letter("ceo@customer.example", "Service down: breach of contract", LEGAL_TEXT)
    stand.deliver(second)
    eventually(lambda: len(waiting(stand)) == 2, 20, "both wait")
    person_answers(stand, second)
    eventually(lambda: len(waiting(stand)) == 1, 20, "the second is answered")
    assert waiting(stand)[0]["sender"] == "boss@customer.example"


def test_page_command_that_hangs_or_fails_harms_nobody(make_stand, tmp_path, customer):
    program = tmp_path / "hang"
    program.write_text("#!/bin/sh\nsleep 600 & sleep 600\n")
    program.chmod(0o755)
    stand = make_stand(page__command=[str(program)], page__timeout="1s", page__to=[ON_CALL]).start()
    stand.declare("P1")
    stand.deliver(Letter("boss@customer.example", "Service down: breach of contract", LEGAL_TEXT))
    assert "boss@customer.example" in stand.mailbox(ON_CALL).wait_count(1)[0].text()
    stand.replier.wait_for_line("page.command", 30)
    stand.deliver(outage_report(customer))
    stand.mailbox(customer).wait_reply()


def test_feed_tells_our_teams_of_each_step_once(make_stand, store):
    stand = make_stand(store, feed__recipients=["noc@support.example", "partner@other.example"]).start()
    stand.declare("P1", "--title", "Login is down")
    stand.ctl("update", "The disk is being replaced.")
    stand.resolve("--fix", "The disk was replaced.")
    for address in ("noc@support.example", "partner@other.example"):
        mails = stand.mailbox(address).wait_count(3)
        assert len({message.message_id for message in mails}) == 3
        texts = [message.text() for message in mails]
        assert any("The disk is being replaced." in text for text in texts)
        assert any("The disk was replaced." in text for text in texts)
        assert all("Login is down" in message.one("Subject") for message in mails)
        assert all(message.one("Auto-Submitted") == "auto-generated" for message in mails)
    stand.replier.stop()
    stand.start_replier()
    stand.settle()
    assert [len(stand.mailbox(address).messages()) for address in ("noc@support.example", "partner@other.example")] == [3, 3]


def test_feed_and_calls_go_out_while_customers_letters_are_paused(make_stand, store, customer):
    stand = make_stand(store, feed__recipients=["noc@support.example"], page__to=[ON_CALL]).start()
    stand.ctl("pause", "checking the text")
    stand.declare("P1", "--title", "Login is down")
    stand.mailbox("noc@support.example").wait_count(1)
    stand.deliver(Letter("boss@customer.example", "Service down: breach of contract", LEGAL_TEXT))
    stand.mailbox(ON_CALL).wait_count(1)
    stand.deliver(outage_report(customer))
    stand.wait_quiet()
    assert stand.mailbox(customer).replies() == []


def test_status_names_the_largest_account_first(stand):
    stand.put_account("big.example", account="Big", level="platinum", respond_within="30m")
    stand.declare("P1")
    stand.wait_account("it@big.example", "Big")
    stand.deliver(Letter("boss@customer.example", "Service down: breach of contract", LEGAL_TEXT))
    stand.deliver(outage_report("it@big.example"))
    eventually(lambda: len(waiting(stand)) == 2, 20, "both wait")
    # "Down again" is no news before the fix.
    assert [entry["kinds"] for entry in waiting(stand)] == ["", "legal"]
    text = stand.ctl("status", check=False).stdout
    assert text.index("Big") < text.index("boss@customer.example")
    assert json.loads(stand.ctl("status", "--json", check=False).stdout)["waiting"][0]["account"] == "Big"
