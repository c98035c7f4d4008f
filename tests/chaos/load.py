"""The customers: who writes what, when, to which node; and the sending, as a real MTA does it.

A mail counts as accepted only after the 250 that follows its final dot. Where a node refuses or vanishes, the mail is tried again at
another, until one has taken it."""

import queue
import random
import smtplib
import threading
import time

import mail as letters
from judge import Mail
from mail import PASSWORD_TEXT, Letter, outage_report
from process import pause
from sink import REFUSED

CONNECTIONS = 6
# An SMTP session carries up to so many mails.
SESSION_MAILS = 3
# Longest time that a mail is tried.
PATIENCE = 120
SMTP_TIMEOUT = 40


class Plan:
    """What is going to be written: (letter, node, answerable), in order."""

    def __init__(self, rng: random.Random, tag: str, count: int, nodes: list, refused: bool = False):
        """tag: in every address, so that no two scenarios share a customer. refused: some customers' mailboxes are gone."""
        self.items: list[tuple[Letter, object, bool]] = []
        writers: list[tuple[str, object]] = []
        for number in range(count):
            node = rng.choice(nodes)
            chance = rng.random()
            if chance < 0.06:
                self.items.append((self._unanswerable(rng, f"{tag}.control{number}@customer.example"), node, False))
            elif chance < 0.38 and writers:
                sender, before = rng.choice(writers[-40:])
                if rng.random() < 0.7:
                    node = rng.choice([other for other in nodes if other is not before])
                self.items.append((outage_report(sender, subject="Re: Service down, 503 errors"), node, True))
            else:
                gone = REFUSED if refused and rng.random() < 0.15 else ""
                sender = f"{gone}{tag}.c{number}@customer.example"
                writers.append((sender, node))
                self.items.append((outage_report(sender), node, True))

    @staticmethod
    def _unanswerable(rng: random.Random, sender: str) -> Letter:
        kind = rng.randrange(4)
        if kind == 0:
            return outage_report(sender, headers=[("Precedence", "bulk")])
        if kind == 1:
            return outage_report(sender, headers=[("List-Id", "Users <users.lists.example>")])
        if kind == 2:
            return outage_report(sender, auth=False)
        return Letter(sender, "Forgot my password", PASSWORD_TEXT)


class Load:
    """Sends a plan at an even pace over several connections. `accepted` grows while it runs."""

    def __init__(self, plan: Plan, nodes: list, rate: float, rng: random.Random):
        """rate: mails a second. nodes: whatever has .name, .address and .port."""
        self.accepted: list[Mail] = []
        self.failed: list[str] = []
        self.retries = 0
        self.total = len(plan.items)
        self._nodes = nodes
        self._seed = rng.random()
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._todo: queue.SimpleQueue = queue.SimpleQueue()
        begin = time.monotonic()
        for number, item in enumerate(plan.items):
            self._todo.put((begin + number / rate, *item))
        self._threads = [threading.Thread(target=self._work, args=(number,), daemon=True) for number in range(CONNECTIONS)]
        for thread in self._threads:
            thread.start()

    def wait_share(self, share: float, timeout: float = 180) -> None:
        """Waits until this share of all mails has been accepted."""
        self._wait(lambda: self._ended() >= share * self.total, timeout, f"{share:.0%} of the mails accepted")

    def wait_more(self, count: int, node: str | None = None, timeout: float = 60) -> None:
        """Waits until so many more were accepted, by that node or by any, or the load has come to its end."""
        def number() -> int:
            return sum(1 for done in self.accepted if node in (None, done.node))
        with self._changed:
            goal = number() + count
        self._wait(lambda: number() >= goal or self._ended() >= self.total, timeout, f"{count} more mails accepted")

    def _ended(self) -> int:
        return len(self.accepted) + len(self.failed)

    def _wait(self, look, timeout: float, what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(look, timeout):
                raise TimeoutError(f"not within {timeout} s: {what} ({len(self.accepted)} of {self.total} are)")

    def stop(self) -> None:
        """Leaves unsent what has not been sent."""
        self._stopped.set()
        self.finish()

    def finish(self) -> None:
        """Waits for the last."""
        for thread in self._threads:
            thread.join(PATIENCE * 2)
            if thread.is_alive():
                raise TimeoutError("the load does not end")

    def _work(self, number: int) -> None:
        rng = random.Random(f"{self._seed} {number}")
        session = Session()
        while True:
            try:
                due, letter, node, answerable = self._todo.get_nowait()
            except queue.Empty:
                session.close()
                return
            if self._stopped.is_set():
                continue
            wait = due - time.monotonic()
            if wait > 0:
                # Nobody keeps a session open while he has nothing to say.
                if wait > 0.5:
                    session.close()
                pause(wait)
            self._send(session, letter, node, answerable, rng)

    def _send(self, session: "Session", letter: Letter, node, answerable: bool, rng: random.Random) -> None:
        tries, why = 0, ""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not self._stopped.is_set():
            tries += 1
            try:
                dot, accepted = session.send(node, letter)
            except (OSError, smtplib.SMTPException) as error:
                session.close()
                why = f"{letter.message_id} to {node.name}: {error!r}"
                node = rng.choice([other for other in self._nodes if other is not node])
                pause(0.1 * min(tries, 5))
                continue
            done = Mail(letter.message_id, letter.sender, node.name, session.opened, dot, accepted, answerable, tries)
            with self._changed:
                self.accepted.append(done)
                self.retries += tries - 1
                self._changed.notify_all()
            return
        with self._changed:
            self.failed.append(why)
            self._changed.notify_all()


class Session:
    """A connection to one node at a time, opened where it is needed."""

    def __init__(self):
        self.opened = 0.0
        self._smtp: smtplib.SMTP | None = None
        self._node = None
        self._carried = 0

    def close(self) -> None:
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._smtp.close()
        self._smtp = None

    def send(self, node, letter: Letter) -> tuple[float, float]:
        """When its final dot left, and when the 250 for it came. Raises where it was not taken."""
        if self._smtp is not None and (self._node is not node or self._carried >= SESSION_MAILS):
            self.close()
        if self._smtp is None:
            self.opened = time.monotonic()
            self._smtp = letters.connect(node.port, host=node.address, timeout=SMTP_TIMEOUT)
            self._node, self._carried = node, 0
        self._carried += 1
        self._expect(*self._smtp.mail(letter.sender, ["BODY=8BITMIME"]))
        for rcpt in letter.rcpts:
            self._expect(*self._smtp.rcpt(rcpt))
        code, answer = self._smtp.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, answer)
        self._smtp.send(letter.bytes + (b"" if letter.bytes.endswith(b"\r\n") else b"\r\n"))
        dot = time.monotonic()
        self._smtp.send(b".\r\n")
        self._expect(*self._smtp.getreply())
        return dot, time.monotonic()

    @staticmethod
    def _expect(code: int, answer: bytes) -> None:
        if code not in (250, 251):
            raise smtplib.SMTPResponseException(code, answer)
