"""What is held of one person is shown to the operator and goes when he says so, on every node; nobody else's does."""

import json
import sqlite3

from mail import LEGAL_TEXT, Letter, ack, outage_report
from process import eventually


def held(stand, address: str) -> dict:
    return json.loads(stand.ctl("export", address).stdout)


def places(stand, address: str) -> set[str]:
    """Without the incidents' ids."""
    return {" ".join(word for word in part["place"].split() if not word.startswith("20"))
            for part in held(stand, address)["held"]}


def names_in(path, address: str) -> bool:
    """Whether anything in a node's own file still names the address."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as file:
        return any(address in (payload or "") for payload, in file.execute("SELECT payload FROM acks"))


def test_a_person_is_shown_and_forgotten(make_stand, store, customer):
    stand = make_stand(store).start()
    other = "somebody-else@customer.example"
    stand.declare("P1")
    for address in (customer, other):
        stand.deliver(outage_report(address))
        stand.mailbox(address).wait_reply(20)
    stand.deliver(Letter(customer, "Our contract", LEGAL_TEXT))
    eventually(lambda: {"waits", "wrote in", "affected"} <= places(stand, customer), 20, "all that is kept of him is shown")
    before = held(stand, customer)
    assert before["address"] == customer
    kept = next(part for part in before["held"] if part["place"] == "waits")
    assert kept["content"]["from"] == customer and kept["at"].endswith("Z")
    assert "mac" not in json.dumps(before)

    said = stand.ctl("forget", customer.upper().replace("@CUSTOMER.EXAMPLE", "@Customer.Example"), "--yes").stdout
    assert "forgotten" in said and "stays" in said
    left = places(stand, customer)
    assert left == {"acknowledgement active"}, left
    assert {"wrote in", "affected", "acknowledgement active"} <= places(stand, other)
    # The mark stays while the incident is on: he is not answered twice for having been forgotten.
    assert ack(stand.deliver(outage_report(customer))) == "none"

    if store is not None:
        node = stand.node
        path = node.state_dir / "spool.db"
        stand.stop()
        stand.start()
        eventually(lambda: not names_in(path, customer), 20, "the node has forgotten what it kept by itself")


def test_mistakes_are_told(stand):
    for words, status, said in ((["forget"], 2, "one ADDRESS"), (["export", "nobody"], 2, "no mail address"),
                                (["forget", "a@b.example"], 2, "--yes")):
        done = stand.ctl(*words, check=False)
        assert done.returncode == status and said in done.stderr, done
