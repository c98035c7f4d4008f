"""The demo: an outage from the flipped key to the last acknowledgement, on real mail servers, told step by step.

    demo.py            embedded store, one Postfix, one milter; flipped by outagectl
    demo.py --redis    a real Redis shared by two milters and two Postfix instances; flipped by redis-cli

Ends with `demo: 11 messages in, 11 delivered, N acknowledged, 0 lost`, counted from the mailboxes; exit status 0 only where every
message was treated as it should be. Before that the debrief is written as an HTML page, which stays."""

import datetime
import json
import os
import sys
import tempfile
import textwrap

import mail
from dns import DnsServer
from mail import LATE_TEXT, LEGAL_TEXT, OUTAGE_TEXT, PASSWORD_TEXT, PLAIN_TEXT, Letter, outage_report, parse_value, reasons
from postfix import DOMAINS
from process import eventually
from settings import SUPPORT, TRUSTED_ID
from stand import OwnStand, Stand

TITLE, SCOPE = "Login and API are down", "All customers in Europe"
FIX = "The failed database server was replaced at noon."
UPDATE = "A database server failed. We are moving its work to another one."
JANE = "jane@customer.example"
MANAGER = "manager@support.example"
# Where corp.example's mail comes from, as its SPF record says, and where it does not.
CORP, ELSEWHERE = "192.0.2.10", "198.51.100.66"
ZONE = {"corp.example": {"TXT": f"v=spf1 ip4:{CORP} -all"}, "customer.example": {"TXT": "v=spf1 -all"}}


class Expect:
    """What has to come of one message."""

    def __init__(self, what: str, letter: Letter, queue: str, ack: str, reason: str = "", match: str | None = None,
                 client: str | None = None):
        """client: the address that it comes from, where that matters."""
        self.what, self.letter, self.queue, self.ack, self.reason, self.match = what, letter, queue, ack, reason, match
        self.client = client

    def mistakes(self, received: mail.Received) -> list[str]:
        """Where the message that arrived differs."""
        found = []
        if self.queue and received.one("X-Outage-Queue") != self.queue:
            found.append(f"queue should be {self.queue}")
        if mail.ack(received) != self.ack or (self.reason and self.reason not in reasons(received)):
            found.append(f"acknowledgement should be {self.ack} {self.reason}".rstrip())
        if self.match and parse_value(received.one("X-Outage-Match"))[0] != self.match:
            found.append(f"match should be {self.match}")
        if b"escalations; forged" in received.raw or b"score=99" in received.raw:
            found.append("a forged header is still there")
        return found


def messages() -> list[Expect]:
    forged = [("X-Outage-Queue", "escalations; forged"), ("X-Outage-Match", "no; score=99"), ("X-Outage-Ack", "none")]
    lists = [("List-Id", "Users of the cloud <users.lists.example>"), ("Precedence", "list")]
    bounce = 'multipart/report; report-type=delivery-status; boundary="b"'
    texts = {
        "report": Letter(JANE, "Is your website down?", PLAIN_TEXT),
        "again": outage_report(JANE, subject="Still down! 503 errors, nobody can log in"),
        "account": outage_report("it@acme.example"),
        "legal": Letter("boss@customer.example", "Service down: breach of contract", LEGAL_TEXT),
        "password": Letter("joe@customer.example", "Forgot my password", PASSWORD_TEXT),
        "list": outage_report("users-bounces@lists.example", headers=lists),
        "bounce": Letter("", "Undelivered Mail Returned to Sender", f"--b\n\n{OUTAGE_TEXT}\n--b--\n",
                         headers=[("Auto-Submitted", "auto-replied"), ("Content-Type", bounce)]),
        "vacation": Letter("ann@customer.example", "Automatic reply: Service down, 503 errors", OUTAGE_TEXT,
                           headers=[("Auto-Submitted", "auto-replied (vacation)")]),
        "forged": outage_report("max@customer.example", headers=forged),
        "spf": outage_report("it@corp.example", auth=False),
        "stranger": outage_report("boss@corp.example", auth=False),
    }
    return [
        Expect("an outage report of a customer", texts["report"], "surge", "queued", match="yes"),
        Expect("the same customer once more", texts["again"], "surge", "none", "already-acked", "yes"),
        Expect("a report of a large account", texts["account"], "accounts", "none", "vip", "yes"),
        Expect("a threat of legal action", texts["legal"], "escalations", "none", "escalated", "yes"),
        Expect("a forgotten password: none of the outage's business", texts["password"], "normal", "none", "no-match", "no"),
        Expect("a message of a mailing list", texts["list"], "surge", "none", "list-mail"),
        Expect("a bounce", texts["bounce"], "", "none", "null-sender"),
        Expect("an out-of-office reply", texts["vacation"], "surge", "none", "auto-submitted"),
        Expect("a report with forged X-Outage headers", texts["forged"], "surge", "queued", match="yes"),
        Expect("a report for whose sender only his SPF record vouches", texts["spf"], "surge", "queued", match="yes", client=CORP),
        Expect("a report in somebody's name, from where his SPF record says it cannot be", texts["stranger"], "surge", "none",
               "unauthenticated", "yes", client=ELSEWHERE),
    ]


def say(text: str = "") -> None:
    print(text, flush=True)


def show_headers(received: mail.Received) -> None:
    for name, value in received.outage().items():
        say(textwrap.fill(f"X-Outage-{name}: {value}", 110, initial_indent="     | ", subsequent_indent="     |     ",
                          break_long_words=False, break_on_hyphens=False))


def show_reply(reply: mail.Received) -> None:
    say(f"     > From: {reply.message['From']}")
    say(f"     > To: {reply.message['To']}")
    say(f"     > Subject: {reply.message['Subject']}")
    say("     >")
    for line in reply.text().rstrip().splitlines():
        say(f"     > {line}".rstrip())


class Demo:
    def __init__(self, stand: Stand):
        self.stand = stand
        self.letters = messages()
        self.mistakes: list[str] = []

    def mistake(self, text: str) -> None:
        self.mistakes.append(text)
        say(f"     !! {text}")

    def flip(self, word: str, texts: dict[str, str]) -> None:
        """Turns the incident on or off, the way its store is used."""
        if self.stand.redis is not None:
            commands = [["HSET", "outage:incident:default", *(item for pair in texts.items() for item in pair)],
                        ["SET", "outage:incident", word]]
            for command in commands:
                say("  $ redis-cli " + " ".join(f'"{part}"' if " " in part else part for part in command))
                self.stand.redis.cli(*command)
        else:
            options = []
            for name, value in texts.items():
                options += ["--" + name.removesuffix("_at").replace("_", "-"), value]
            command = ["resolve", *options] if word == "resolved" else ["declare", word, *options]
            say("  $ outagectl " + " ".join(f'"{part}"' if " " in part else part for part in command))
            self.stand.ctl(*command)
        self.stand.wait_word(word)
        names = " and ".join(node.name for node in self.stand.nodes)
        say(f"  {names} know{'s' if len(self.stand.nodes) == 1 else ''}.")

    def put_account(self) -> None:
        self.stand.put_account("acme.example", account="Acme", level="platinum", manager=MANAGER,
                               respond_within="30m")
        self.stand.wait_account("it@acme.example", "Acme")

    def one_message(self, number: int, expected: Expect) -> bool:
        """Sends one message through the node whose turn it is; True where it arrived."""
        node = self.stand.nodes[number % len(self.stand.nodes)]
        say(f"\n  {number + 1}. {expected.what}")
        origin = f" from {expected.client}" if expected.client else ""
        say(f"     <{expected.letter.sender}> writes to {SUPPORT} through {node.postfix.name}{origin}")
        try:
            received = self.stand.deliver(expected.letter, expected.client, node)
        except TimeoutError:
            self.mistake("the message did not arrive")
            return False
        show_headers(received)
        for mistake in expected.mistakes(received):
            self.mistake(mistake)
        if mail.ack(received) == "queued":
            try:
                reply = self.reply_to(expected.letter)
                say(f"     acknowledgement to {reply.rcpt}: {reply.message['Subject']}")
                if TITLE not in reply.text():
                    self.mistake("the acknowledgement does not name the incident")
            except TimeoutError:
                self.mistake("no acknowledgement arrived")
        else:
            say("     no acknowledgement")
        return True

    def reply_to(self, letter: Letter) -> mail.Received:
        """The acknowledgement of this very letter. Replies leave through the first Postfix."""
        box = self.stand.mailbox(letter.sender)
        return box.wait_for(lambda reply: reply.one("In-Reply-To") == letter.message_id, 20, f"a reply to {letter.sender}")

    def acknowledgements(self) -> list[mail.Received]:
        """Every reply in every mailbox, on all nodes."""
        boxes = [self.stand.mailbox(f"@{domain}", node) for node in self.stand.nodes for domain in DOMAINS]
        return [reply for box in boxes for reply in box.replies() if reply.message_id.startswith("<outage-ack.")]

    def people(self) -> None:
        """The large account's manager is called, and the status says who waits."""
        say(f"\nA person is called for the large account: {MANAGER} gets")
        try:
            show_reply(self.stand.mailbox(MANAGER).wait_count(1, 30)[0])
        except TimeoutError:
            self.mistake("nobody was called")
        say("  $ outagectl status")
        status = self.stand.ctl("status", check=False).stdout
        say(textwrap.indent(status.rstrip(), "     | "))
        if "Acme" not in status:
            self.mistake("the status does not say that Acme waits")

    def tell_everybody(self, customers: list[str]) -> None:
        """An update goes to those who were acknowledged."""
        say("\nTelling everybody who wrote in:")
        say(f'  $ outagectl update "{UPDATE}" --notify --yes')
        self.stand.ctl("update", UPDATE, "--notify", "--yes")
        try:
            told = [self.stand.mailbox(customer).wait_for(lambda letter: UPDATE in letter.text(), 40) for customer in customers]
        except TimeoutError:
            self.mistake("somebody who wrote in was not told")
            return
        say(f"  {len(told)} notices arrived; the first:")
        show_reply(told[0])

    def after_the_fix(self) -> None:
        say(f"\nAfter the fix: {JANE} asks what it was.")
        letter = Letter(JANE, "Outage of your website this morning", LATE_TEXT)
        received = self.stand.deliver(letter)
        show_headers(received)
        try:
            reply = self.reply_to(letter)
        except TimeoutError:
            self.mistake("no resolution arrived")
            return
        say("     the resolution:")
        show_reply(reply)
        if FIX not in reply.text() or TITLE not in reply.text():
            self.mistake("the resolution does not say what was fixed")

    def answer(self) -> None:
        """A person writes to the large account; only that counts as a response."""
        letter = next(expected.letter for expected in self.letters if expected.letter.sender == "it@acme.example")
        answer = Letter(SUPPORT, "Re: your report", "We are on it, and I will call you within the hour.\n\nJoan", to=letter.sender,
                        headers=[("In-Reply-To", letter.message_id)])
        say(f"\nA person answers Acme: {SUPPORT} writes to {letter.sender}.")
        self.stand.send(answer)
        self.stand.mailbox(letter.sender).wait_id(answer.message_id)

    def debrief(self) -> None:
        """The debrief, as a page that stays when all else of the demo goes."""
        def counted() -> bool:
            return json.loads(self.stand.ctl("report", "--json").stdout)["second_wave"]["matched"] == 1

        eventually(counted, 30, "all mail is counted")
        handle, path = tempfile.mkstemp(prefix="outage-debrief-", suffix=".html")
        os.close(handle)
        self.stand.ctl("report", "--html", path)
        os.chmod(path, 0o644)
        say("\nThe debrief (its figures count the mails without a sender, too, by which this demo asks the milter what it knows):\n"
            "  $ outagectl report")
        text = self.stand.ctl("report").stdout
        say(textwrap.indent(text.rstrip(), "     | "))
        if "Acme: 1 mail, waited" not in text:
            self.mistake("the debrief does not say how long Acme waited")
        say(f"  $ outagectl report --html {path}\n  The same as a page, with charts: open it in a browser. It stays there.")

    def run(self) -> bool:
        stand = self.stand
        store = "Redis (shared)" if stand.redis is not None else "SQLite (embedded)"
        say(f"Site: {len(stand.nodes)} Postfix with outage-milter, outage-replier, store {store}, mode live, "
            f"trusted authserv-id {TRUSTED_ID}, SPF by a DNS server of the demo's own")
        say("\nDeclaring a P1:")
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)
        next_update = later.strftime("%Y-%m-%dT%H:%M:%SZ") if stand.redis is not None else "30m"
        self.flip("P1", {"title": TITLE, "scope": SCOPE, "next_update_at": next_update})
        self.put_account()
        letters = self.letters
        sent = [self.one_message(number, expected) for number, expected in enumerate(letters)]
        stand.wait_quiet()
        mailboxes = [message for node in stand.nodes for message in stand.mailbox(SUPPORT, node).messages()]
        delivered = sum(1 for expected in letters if any(m.message_id == expected.letter.message_id for m in mailboxes))
        acknowledged = len(self.acknowledgements())
        say("\n     the first acknowledgement in full:")
        for reply in self.acknowledgements()[:1]:
            show_reply(reply)
        self.people()
        self.answer()
        self.tell_everybody([expected.letter.sender for expected in letters if expected.ack == "queued"])
        say("\nResolving:")
        self.flip("resolved", {"fix": FIX, "cause": "A database server failed."})
        self.after_the_fix()
        stand.wait_quiet()
        total = len(self.acknowledgements())
        if len(mailboxes) != len(letters):
            self.mistake(f"{len(mailboxes)} messages in the support mailbox, not {len(letters)}")
        wanted = sum(expected.ack == "queued" for expected in letters)
        if acknowledged != wanted or total != wanted + 1:
            self.mistake(f"{acknowledged} acknowledgements and {total - acknowledged} resolutions, not {wanted} and 1")
        self.debrief()
        say(f"\nAfter the fix: 1 more message in, {total - acknowledged} resolution sent.")
        self.last_line = (f"demo: {len(letters)} messages in, {delivered} delivered, {acknowledged} acknowledged, "
                          f"{len(letters) - delivered} lost")
        return all(sent) and not self.mistakes


def main() -> int:
    with_redis = "--redis" in sys.argv[1:]
    with DnsServer(ZONE) as dns:
        changes = {"spf.enabled": True, "spf.nameserver": dns.address, "spf.helpers": 2}
        with OwnStand(nodes=2 if with_redis else 1, with_redis=with_redis, changes=changes) as stand:
            demo = Demo(stand)
            good = demo.run()
    for mistake in demo.mistakes:
        say(f"not as it must be: {mistake}")
    say(demo.last_line)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
