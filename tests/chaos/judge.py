"""Judges one scenario from what was seen from outside: mail that was accepted, mailboxes, and the letters that customers got.

Pure: no I/O, so that test_judge.py can show that it finds each mistake. Times are of one monotonic clock.

Our letters carry one Message-ID for each customer, incident and kind, whoever sends them, so equal Message-IDs alone prove nothing.
What tells two acknowledgements apart from one that SMTP delivered twice is the mail that they answer (In-Reply-To): each claim has its
own."""

import collections
import dataclasses

ACTIVE, RESOLVED, NOTHING = "active", "resolved", "nothing"
SHARED = ""  # the side of all nodes that see Redis


@dataclasses.dataclass(frozen=True)
class Mail:
    """A mail of the load that a node accepted (250 after the final dot)."""

    message_id: str
    sender: str
    node: str
    opened: float    # begin of its SMTP session
    dot: float       # its final dot
    accepted: float  # the 250
    answerable: bool = True
    tries: int = 1


@dataclasses.dataclass(frozen=True)
class Letter:
    """One that the customers' server got."""

    rcpt: str
    message_id: str
    answers: str     # Message-ID of the mail that it answers
    resolved: bool   # it says that the outage is over
    node: str        # whose Postfix brought it
    at: float
    taken: bool      # not refused for good


@dataclasses.dataclass(frozen=True)
class Span:
    """From when until when something held on one node."""

    node: str
    begin: float
    end: float

    def meets(self, begin: float, end: float) -> bool:
        return self.begin <= end and begin <= self.end


@dataclasses.dataclass(frozen=True)
class Flip:
    """The flip key was set after `begin`, and every node knew by `end`."""

    begin: float
    end: float
    word: str


@dataclasses.dataclass
class Facts:
    """What was done to the site, and so what cannot be expected."""

    deaf: list[Span] = dataclasses.field(default_factory=list)   # the node had no milter: its mail passed untouched
    alone: list[Span] = dataclasses.field(default_factory=list)  # the node may have answered by itself (store.when_down "local")
    flips: list[Flip] = dataclasses.field(default_factory=list)  # after the P1 that all began with
    resends: bool = False  # something was done that lets SMTP deliver a letter twice
    withdrawn: set[str] = dataclasses.field(default_factory=set)  # whose resolution was withdrawn, since it came back


@dataclasses.dataclass
class Row:
    """One line of the table."""

    scenario: str
    mails: int = 0        # accepted
    delivered: int = 0    # of these, in a mailbox
    copies: int = 0       # more than one of the same mail
    passed: int = 0       # untouched, while there was no milter on the node
    customers: int = 0
    due: int = 0          # acknowledgements
    answered: int = 0
    twice: int = 0
    same_id: int = 0
    per_side: int = 0
    strangers: int = 0    # letters that nobody owed
    buried: int = 0       # acknowledgements that were given up although the customer has a letter
    refused: int = 0      # answered, but their server refuses all mail to them
    slowest_ms: float = 0
    milter_ms: float = 0
    problems: list[str] = dataclasses.field(default_factory=list)
    culprits: list[tuple[str, str]] = dataclasses.field(default_factory=list)  # address, what is wrong
    not_run: str = ""
    resends: bool = False
    sums: bool = False    # of other rows, which have been judged by themselves
    retries: int = 0      # of mails that a node did not take at once
    phases: dict[str, float] = dataclasses.field(default_factory=dict)  # seconds

    @property
    def lost_mails(self) -> int:
        return self.mails - self.delivered

    @property
    def unanswered(self) -> int:
        return self.due - self.answered

    @property
    def good(self) -> bool:
        if self.sums:
            return not self.problems
        wrong = self.lost_mails or self.unanswered or self.twice or self.strangers or self.problems
        return not wrong and (self.resends or not self.same_id)


def kinds_between(flips: list[Flip], begin: float, end: float) -> set[str]:
    """The kinds of letter that a mail decided between begin and end may have been owed; one where that is certain."""
    words = [Flip(float("-inf"), float("-inf"), "P1"), *flips]
    found = set()
    for number, flip in enumerate(words):
        until = words[number + 1].end if number + 1 < len(words) else float("inf")
        if flip.begin <= end and begin <= until:
            found.add({"resolved": RESOLVED, "none": NOTHING}.get(flip.word, ACTIVE))
    return found


class Judge:
    """delivered: Message-ID -> for each copy in a mailbox, whether the milter had tagged it."""

    def __init__(self, row: Row, facts: Facts, mails: list[Mail], delivered: dict[str, list[bool]], letters: list[Letter]):
        self.row = row
        self.facts = facts
        self.mails = mails
        self.delivered = delivered
        self.letters: dict[str, list[Letter]] = collections.defaultdict(list)
        for letter in letters:
            self.letters[letter.rcpt].append(letter)
        row.resends = facts.resends

    def run(self) -> Row:
        self._judge_mails()
        customers: dict[str, list[Mail]] = collections.defaultdict(list)
        for mail in self.mails:
            if mail.answerable:
                customers[mail.sender].append(mail)
        self.row.customers = len(customers)
        for sender, mails in customers.items():
            self._judge_customer(sender, mails)
        for rcpt in self.letters.keys() - customers.keys():
            self._stray(rcpt, len(self.letters[rcpt]), "got a letter, and nobody owed one")
        return self.row

    def _culprit(self, address: str, what: str) -> None:
        self.row.culprits.append((address, what))

    def _stray(self, address: str, count: int, what: str) -> None:
        self.row.strangers += count
        self._culprit(address, what)

    def _judge_mails(self) -> None:
        self.row.mails = len(self.mails)
        for mail in self.mails:
            copies = len(self.delivered.get(mail.message_id, ()))
            self.row.delivered += copies > 0
            self.row.copies += max(0, copies - 1)
            self.row.slowest_ms = max(self.row.slowest_ms, (mail.accepted - mail.dot) * 1000)
            if copies == 0:
                self._culprit(mail.sender, f"mail {mail.message_id} was accepted by {mail.node} and is in no mailbox")

    def _passed_untouched(self, mail: Mail) -> bool:
        """No milter saw it, and none could."""
        if any(self.delivered.get(mail.message_id, (True,))):
            return False
        return any(span.node == mail.node and span.meets(mail.opened, mail.accepted) for span in self.facts.deaf)

    def _judge_customer(self, sender: str, mails: list[Mail]) -> None:
        seen = [mail for mail in mails if not self._passed_untouched(mail)]
        self.row.passed += len(mails) - len(seen)
        letters = self.letters.get(sender, [])
        if seen:
            self._judge_owed(sender, seen, letters)
        self.row.refused += any(not letter.taken for letter in letters)
        for kind in (ACTIVE, RESOLVED):
            self._judge_repeats(sender, mails, [letter for letter in letters if letter.resolved == (kind == RESOLVED)])
        if not any(flip.word == "resolved" for flip in self.facts.flips) and any(letter.resolved for letter in letters):
            self._stray(sender, 1, "was told that the outage is over, and it is not")

    def _judge_owed(self, sender: str, seen: list[Mail], letters: list[Letter]) -> None:
        owed = [kinds_between(self.facts.flips, mail.dot, mail.accepted) for mail in seen]
        certain = set().union(*(kinds for kinds in owed if len(kinds) == 1)) - {NOTHING}
        got = {RESOLVED if letter.resolved else ACTIVE for letter in letters}
        missing = set()
        if not got:
            # At the very flip it is one of the two, and we do not know which.
            missing = certain or {kind for kinds in owed if NOTHING not in kinds for kind in [" or ".join(sorted(kinds))]}
        elif RESOLVED in certain and RESOLVED not in got:
            missing = {RESOLVED}
        # What was not sent before the fix leaves as the resolution: that answers an active one too.
        if sender in self.facts.withdrawn:
            missing = {kind for kind in missing if RESOLVED not in kind}
            certain = certain & (got | missing)
        due = max(len(certain), len(missing), len(got) > 0)
        self.row.due += due
        self.row.answered += due - len(missing)
        if missing:
            ways = ", ".join(f"{mail.message_id} by {mail.node}" for mail in seen)
            self._culprit(sender, f"got no acknowledgement ({', '.join(sorted(missing))}) for {ways}")

    def _side(self, mail: Mail | None) -> str:
        for span in self.facts.alone:
            if mail is not None and span.node == mail.node and span.meets(mail.dot, mail.accepted):
                return mail.node
        return SHARED

    def _judge_repeats(self, sender: str, mails: list[Mail], letters: list[Letter]) -> None:
        """letters: all of one kind."""
        by_id = {mail.message_id: mail for mail in mails}
        claims: dict[str, list[Letter]] = collections.defaultdict(list)
        for letter in letters:
            claims[letter.answers].append(letter)
            if letter.answers not in by_id:
                self._stray(sender, 1, f"got a letter that answers {letter.answers or 'nothing'}, which is no mail of theirs")
        sides = collections.Counter(self._side(by_id.get(answers)) for answers in claims)
        twice = sum(count - 1 for count in sides.values())
        for copies in claims.values():
            other = len({letter.message_id for letter in copies}) - 1
            twice += other
            self.row.same_id += len(copies) - 1 - other
            if len(copies) - 1 > other and not self.facts.resends:
                self._culprit(sender, "got the same letter more than once, and nothing was done that allows that")
        self.row.twice += twice
        self.row.per_side += max(0, len(sides) - 1)
        if twice > 0:
            told = "; ".join(f"{letter.message_id} in answer to {letter.answers} by {letter.node}" for letter in letters)
            self._culprit(sender, f"was answered more than once: {told}")
