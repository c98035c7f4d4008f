"""The customers' mail server: takes their mail, or treats it as ill as real ones do, and remembers every letter.

A letter counts once it has been answered with 250, or left unanswered in the mode "late". What is refused for good is remembered too,
as not taken: the customer was written to, and more than that nobody can do."""

import asyncio
import email
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from judge import Letter

# Mail to an address that begins so is refused for good.
REFUSED = "gone."
# Only the resolution's letter says what the fix was.
FIX_TEXT = "a-new-database-server"


class Sink:
    """`mode`: accept; greylist (the first try to each address is put off); silent (RCPT TO is not answered); late (the final dot is
    not answered, but the letter is there); drop (the connection ends at the final dot, and the letter is gone)."""

    def __init__(self, address: str, port: int):
        self.letters: list[Letter] = []
        self.changed = threading.Condition()
        self.turned_away = 0  # tries that the mode made fail
        self._mode = "accept"
        self._seen: set[str] = set()
        self._late: list[asyncio.Event] = []
        self._controller = Controller(self, hostname=address, port=port, ready_timeout=20, ident="customers")

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self.set_mode("accept")
        self._controller.stop()

    def set_mode(self, mode: str) -> None:
        """Who was kept waiting is let go: his client has gone by now, or hears that he is to come again."""
        self._mode = mode
        self._controller.loop.call_soon_threadsafe(self._let_go)

    def _let_go(self) -> None:
        for event in self._late:
            event.set()
        self._late.clear()

    async def _keep_waiting(self) -> None:
        event = asyncio.Event()
        self._late.append(event)
        await event.wait()

    def _turn_away(self) -> None:
        with self.changed:
            self.turned_away += 1
            self.changed.notify_all()

    def wait_turned_away(self, count: int, timeout: float = 60) -> None:
        """Waits until so many more tries have failed by the mode."""
        with self.changed:
            goal = self.turned_away + count
            if not self.changed.wait_for(lambda: self.turned_away >= goal, timeout):
                raise TimeoutError(f"the customers' server turned {self.turned_away} away, not {goal}, within {timeout} s")

    # -- what aiosmtpd calls

    async def handle_RCPT(self, server: SMTP, session, envelope, address: str, options) -> str:
        if self._mode == "silent":
            self._turn_away()
            await self._keep_waiting()
            return "451 4.3.0 Try again later"
        if self._mode == "greylist" and address not in self._seen:
            self._seen.add(address)
            self._turn_away()
            return "450 4.2.0 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session, envelope) -> str:
        if self._mode == "drop":
            self._turn_away()
            server.transport.abort()
            return "451 4.3.0 Try again later"
        refused = [rcpt for rcpt in envelope.rcpt_tos if rcpt.startswith(REFUSED)]
        self._remember(session.host_name or "", envelope, taken=not refused)
        if refused:
            return "550 5.1.1 No such mailbox"
        if self._mode == "late":
            self._turn_away()
            await self._keep_waiting()
        return "250 2.0.0 Ok"

    def _remember(self, relay: str, envelope, taken: bool) -> None:
        message = email.message_from_bytes(envelope.content)
        body = message.get_payload(decode=True) or b""
        for rcpt in envelope.rcpt_tos:
            letter = Letter(rcpt=rcpt.lower(), message_id=(message["Message-ID"] or "").strip(),
                            answers=(message["In-Reply-To"] or "").strip(), resolved=FIX_TEXT.encode() in body,
                            node=relay.partition(".")[0], at=time.monotonic(), taken=taken)
            with self.changed:
                self.letters.append(letter)
                self.changed.notify_all()
