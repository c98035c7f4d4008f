"""Figures: what every node has counted of support mail adds up in the store, who was answered by a person is known, and a stop loses nothing."""

import re
import signal
import sqlite3
from collections import Counter

from mail import LEGAL_TEXT, Letter, outage_report
from process import eventually
from settings import SUPPORT


class Figures:
    """What the store has counted; read as a tool outside the project would."""

    def __init__(self, stand):
        self.redis = stand.redis.client() if stand.redis else None
        self.path = None if stand.redis else stand.store_url.removeprefix("sqlite:")

    def rows(self, query: str, *values) -> list:
        with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True) as db:
            return db.execute(query, values).fetchall()

    def sums(self, incident: str) -> Counter:
        sums: Counter = Counter()
        if self.redis is None:
            sums.update(dict(self.rows("SELECT counter, sum(n) FROM stats_minutes WHERE id = ? GROUP BY counter", incident)))
            return sums
        for key in self.redis.keys(f"outage:stats:minute:{incident}:*"):
            for field, n in self.redis.hgetall(key).items():
                sums[field[3:]] += int(n)
        return sums

    def senders(self, incident: str) -> int:
        if self.redis is None:
            return self.rows("SELECT count(*) FROM stats_senders WHERE id = ? AND slot = 0", incident)[0][0]
        return self.redis.pfcount(f"outage:stats:senders:{incident}")

    def accounts(self, incident: str) -> dict[str, int]:
        if self.redis is None:
            return dict(self.rows("SELECT account, n FROM stats_accounts WHERE id = ?", incident))
        return {name: int(n) for name, n in self.redis.hgetall(f"outage:stats:account:{incident}").items()}

    def threads(self, incident: str) -> list[tuple]:
        """(account, mails, again, whether a person answered) of each customer."""
        if self.redis is None:
            found = self.rows("SELECT account, mails, again, answered_at > 0 FROM stats_threads WHERE id = ?", incident)
            return sorted((account, mails, again, bool(answered)) for account, mails, again, answered in found)
        texts = [text.split(" ", 5) for text in self.redis.hgetall(f"outage:stats:threads:{incident}").values()]
        return sorted((words[5] if len(words) > 5 else "", int(words[3]), int(words[4]), words[2] != "0") for words in texts)

    def outbound(self) -> int:
        if self.redis is None:
            found = self.rows("SELECT at FROM stats_outbound")
            return found[0][0] if found else 0
        return int(self.redis.get("outage:stats:outbound") or 0)


def end(stand) -> None:
    """SIGTERM to every milter; returns once all have ended."""
    for node in stand.nodes:
        node.process.signal(signal.SIGTERM)
    for node in stand.nodes:
        node.hurry()
        assert node.process.wait(30) == 0


def incident_id(stand, letter) -> str:
    """The id that this mail was tagged with."""
    return re.search(r"\bid=(\S+?);", letter.outage()["Incident"]).group(1)


def test_figures_of_all_nodes_add_up(make_stand, store):
    stand = make_stand(store, nodes=2 if store else 1).start()
    figures, first, last = Figures(stand), stand.nodes[0], stand.nodes[-1]
    stand.put_account("acme.example", account="Acme", level="platinum")
    # Nothing is on: what may be outage mail is counted, so that a surge can be seen.
    stand.deliver(outage_report("early@customer.example"))
    stand.declare("P1")
    stand.wait_account("it@acme.example", "Acme")
    report = outage_report("jane@customer.example")
    received = stand.deliver(report, node=first)
    stand.mailbox(report.sender, first).wait_reply()  # the automatic receipt, which is no person's answer
    stand.deliver(outage_report("jane@customer.example"), node=last)
    stand.deliver(outage_report("it@acme.example"), node=last)
    stand.deliver(Letter("boss@customer.example", "Service down: breach of contract", LEGAL_TEXT), node=first)
    stand.deliver(Letter("bob@customer.example", "Invoice", "Could you send me last month's invoice once more?\n"), node=first)
    assert figures.outbound() == 0
    answer = Letter(SUPPORT, "Re: your message", "We are on it.\n\nJane", to=report.sender, headers=[("In-Reply-To", report.message_id)])
    stand.send(answer, node=last)
    stand.mailbox(report.sender, last).wait_id(answer.message_id)
    end(stand)

    incident = incident_id(stand, received)
    sums, everything = figures.sums(incident), figures.sums("all")
    probes = sums["held:null-sender"]  # the stand's own mail, by which it sees that the account is known
    assert {name: sums[name] for name in ("queued", "account", "held:already-acked", "held:vip", "held:escalated", "escalate:legal")} == {
        "queued": 1, "account": 1, "held:already-acked": 1, "held:vip": 1, "held:escalated": 1, "escalate:legal": 1}, sums
    assert sums["matched"] == sums["severity:P1"] == 4 + probes
    # The status has the milters' figures beside the store's.
    shown = next(one for one in stand.status()["incidents"] if one["id"] == incident)
    assert shown["counters"]["matched"] == 4 + probes and shown["counters"]["queued"] == 1
    assert {name: shown["held"][name] for name in ("vip", "escalated", "already-acked")} == {"vip": 1, "escalated": 1, "already-acked": 1}
    assert everything["matched"] == 5 + probes and everything["outbound"] == 1 and everything["up"] >= len(stand.nodes)
    assert everything["mail"] > sums["matched"] and sums["us"] > 0
    assert figures.senders(incident) == 3
    assert figures.accounts(incident) == {"Acme": 1}
    assert figures.threads(incident) == [("", 1, 0, False), ("", 2, 1, True), ("Acme", 1, 0, False)]
    assert figures.outbound() > 0
    assert all("were not written" not in line for node in stand.nodes for line in node.process.lines)
