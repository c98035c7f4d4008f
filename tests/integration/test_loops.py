"""Loops and floods, really run: two sites of ours, and peers that answer every mail that they get."""

import itertools
import re
import time
from email.message import EmailMessage
from email import message_from_bytes

import pytest

from mail import OUTAGE_TEXT, Letter, Mailbox, ack, authenticated, outage_report, reasons
from mail import send as send_letter
from process import eventually, free_port
from relay import FakeRelay
from settings import SUPPORT
from stand import Stand

OTHER_SUPPORT = "help@corp.example"
# A chain of letters that nothing stops would go on for ever; a test then fails instead.
FUSE = 40
_letters = itertools.count(1)


class Post(FakeRelay):
    """Takes what repliers send and does with each letter what the test says, before it is acknowledged."""

    def __init__(self, hand):
        super().__init__(free_port())
        self.hand = hand
        self.errors: list[str] = []

    def _note(self, message) -> None:
        super()._note(message)
        try:
            if len(self.messages) <= FUSE:
                self.hand(*message)
        except Exception as error:  # whatever it is, the test has to show it
            self.errors.append(repr(error))

    def to(self, address: str) -> list:
        """The letters to address, or, with "@domain", to a domain."""
        with self.changed:
            return [message for message in self.messages if message[1][0].lower().endswith(address)]

    def wait_to(self, address: str, count: int = 1, timeout: float = 30) -> None:
        self.wait(lambda: sum(rcpts[0].lower().endswith(address) for _, rcpts, _ in self.messages) >= count, timeout)


@pytest.fixture
def post():
    """Letters go nowhere, unless a test sets `hand`."""
    post = Post(lambda *message: None)
    yield post
    post.close()
    assert post.errors == []
    assert len(post.messages) <= FUSE, "the letters did not come to an end"


def fence(stand: Stand, post: Post, support: str = SUPPORT) -> None:
    """Returns when every acknowledgement that this site has queued so far has left: jobs go in order."""
    address = f"fence{next(_letters)}@other.example"
    assert ack(stand.deliver(outage_report(address, to=support))) == "queued"
    post.wait_to(address)


# -- two sites of ours

class TwoSites:
    """Each has its own Postfix, store and support address; what either sends reaches the other's MTA through `post`."""

    def __init__(self, make_stand, site, folder, post: Post, own_envelope: bool):
        self.post = post
        first, second = site(2)
        self.by_domain = {}
        for postfix, support, name in ((first, SUPPORT, "a"), (second, OTHER_SUPPORT, "b")):
            postfix.reset()
            (folder / name).mkdir()
            stand = Stand(folder / name, [postfix], None, {
                "support": [{"address": support}], "reply.relay": f"smtp://127.0.0.1:{post.port}",
                "reply.envelope_sender": support if own_envelope else ""})
            make_stand.made.append(stand)
            stand.start()
            stand.ctl("declare", "P1")
            eventually(lambda stand=stand, support=support: stand.node.ask(rcpt=support).get("Incident"), what=f"{name} has P1")
            self.by_domain[support.partition("@")[2]] = stand

    @property
    def a(self) -> Stand:
        return self.by_domain["support.example"]

    @property
    def b(self) -> Stand:
        return self.by_domain["corp.example"]

    def deliver(self, sender: str, rcpt: str, data: bytes) -> None:
        """Into the milter port of the site that rcpt belongs to. Its MTA has checked the envelope sender, and it was right."""
        stand = self.by_domain.get(rcpt.partition("@")[2])
        if stand is None:
            return
        letter = Letter(sender, "", "", rcpt)
        letter.bytes = ("".join(f"{name}: {value}\r\n" for name, value in [authenticated(sender)] if sender)).encode() + data
        send_letter(stand.postfix.milter_port, letter)

    def settle(self) -> None:
        """What one site queued may have made the other queue something."""
        for stand, support in [(self.a, SUPPORT), (self.b, OTHER_SUPPORT)] * 2:
            fence(stand, self.post, support)

    def assert_one_each(self) -> None:
        self.settle()
        for address in (SUPPORT, OTHER_SUPPORT):
            assert len(self.post.to(address)) <= 1, address


@pytest.fixture(params=[False, True], ids=["null-sender", "own-envelope"])
def sites(request, make_stand, site, tmp_path, post):
    return TwoSites(make_stand, site, tmp_path, post, request.param)


def test_two_sites_whose_addresses_were_forged_towards_each_other(sites, post):
    post.hand = lambda sender, rcpts, data: sites.deliver(sender, rcpts[0], data)
    forged = [outage_report(OTHER_SUPPORT, to=SUPPORT), outage_report(SUPPORT, to=OTHER_SUPPORT)]
    for stand, letter in zip((sites.a, sites.b), forged):
        assert ack(stand.deliver(letter)) == "queued", "each has to be answered, or this test shows nothing"
    for address in (SUPPORT, OTHER_SUPPORT):
        post.wait_to(address)
    sites.assert_one_each()
    for stand, address in ((sites.a, SUPPORT), (sites.b, OTHER_SUPPORT)):
        reply = stand.mailbox(address).wait_reply()
        assert ack(reply) == "none"
        assert "auto-submitted" in reasons(reply)


MARKS = ("auto-submitted", "x-auto-response-suppress", "precedence", "in-reply-to", "references", "x-loop", "message-id", "subject",
         "list-id", "x-autoreply")


def stripped(sender: str, data: bytes) -> bytes:
    """The same letter as if a person had written it: a gateway has rewritten all that could tell."""
    message = message_from_bytes(data)
    fresh = EmailMessage()
    for name, value in message.items():
        if name.lower() not in MARKS and not name.lower().startswith(("content-", "mime-", "from", "x-")):
            fresh[name] = re.sub(r"\s+", " ", str(value))
    fresh["From"] = sender
    fresh["Subject"] = "Service down, 503 errors"
    fresh["Message-ID"] = f"<stripped-{next(_letters)}@gateway.example>"
    fresh.set_content(OUTAGE_TEXT)
    return fresh.as_bytes().replace(b"\n", b"\r\n")


def test_two_sites_with_a_gateway_between_them_that_strips_every_mark(sites, post):
    def hand(sender: str, rcpts: list[str], data: bytes) -> None:
        other = {SUPPORT: OTHER_SUPPORT, OTHER_SUPPORT: SUPPORT}.get(rcpts[0])
        if other is not None:
            sites.deliver(other, rcpts[0], stripped(other, data))

    post.hand = hand
    assert ack(sites.a.deliver(outage_report(OTHER_SUPPORT, to=SUPPORT))) == "queued"
    # It went to B as a person's mail, was answered, came back as a person's mail, and that was the end.
    post.wait_to(OTHER_SUPPORT)
    post.wait_to(SUPPORT)
    last = sites.a.mailbox(SUPPORT).wait_for(lambda message: message.message_id.startswith("<stripped"))
    assert reasons(last) == ["already-acked"]
    sites.assert_one_each()


# -- peers

class Peer:
    """Answers every letter with fresh mail to support in which nothing tells of the letter: a machine that no header gives away.
    address(n): from whom its nth mail comes."""

    def __init__(self, stand: Stand, post: Post, address, answers: int = 1):
        self.stand = stand
        self.address = address
        self.answers = answers
        self.sent: list[Letter] = []
        self._numbers = itertools.count(1)
        post.hand = self.hand

    def hand(self, _sender: str, rcpts: list[str], _data: bytes) -> None:
        if rcpts[0].endswith("customer.example"):
            for _ in range(self.answers):
                self.write()

    def write(self) -> Letter:
        sender = self.address(next(self._numbers))
        letter = outage_report(sender, subject="Nobody can log in, the service is down")
        self.sent.append(letter)
        send_letter(self.stand.postfix.milter_port, letter)
        return letter

    def verdicts(self) -> list[str]:
        """For each mail that it sent so far "queued", or the reasons against it."""
        box = Mailbox(self.stand.postfix.mail, SUPPORT)
        arrived = [box.wait_id(letter.message_id) for letter in list(self.sent)]
        return [ack(received) if ack(received) == "queued" else ",".join(reasons(received)) for received in arrived]


def peer_site(make_stand, store, post: Post, **more) -> Stand:
    stand = make_stand(store, reply__relay=f"smtp://127.0.0.1:{post.port}", **more).start()
    stand.declare("P1")
    return stand


@pytest.mark.parametrize("answers", [1, 4])
def test_peer_that_strips_all_headers_is_answered_once(make_stand, store, post, customer, answers):
    stand = peer_site(make_stand, store, post)
    peer = Peer(stand, post, lambda number: customer.upper().replace("@CUSTOMER.EXAMPLE", "@customer.example")
                if number % 2 else customer, answers)
    peer.write()
    post.wait_to("@customer.example")
    fence(stand, post)
    assert len(post.to("@customer.example")) == 1
    assert peer.verdicts() == ["queued"] + ["already-acked"] * answers


CHANGING = {"address": lambda number: f"peer{number}@customer.example", "plus-tag": lambda number: f"peer+{number}@customer.example"}


@pytest.mark.parametrize("changes", CHANGING)
def test_peer_that_changes_its_address_meets_the_domains_cap(make_stand, store, post, changes):
    stand = peer_site(make_stand, store, post, ack__domain_cap=5)
    peer = Peer(stand, post, CHANGING[changes])
    hour = time.time() // 3600
    peer.write()
    eventually(lambda: "rate" in peer.verdicts(), 60, "the cap ends it")
    fence(stand, post)
    # The cap counts by the hour of the clock: where that has changed meanwhile, it counted anew.
    hours = int(time.time() // 3600 - hour) + 1
    assert len(post.to("@customer.example")) <= 5 * hours
    assert peer.verdicts()[-1] == "rate"
    incident, = stand.status()["incidents"]
    assert incident["held"]["rate"] >= 1


def test_cap_of_a_domain_holds_nobody_else_back(make_stand, store, post):
    stand = peer_site(make_stand, store, post, ack__domain_cap=1)
    assert ack(stand.deliver(outage_report("a@customer.example"))) == "queued"
    assert reasons(stand.deliver(outage_report("b@customer.example"))) == ["rate"]
    assert ack(stand.deliver(outage_report("a@acme.example"))) == "queued"


@pytest.mark.parametrize("cap", ["domain", "shared-by-list", "shared-by-file"])
def test_shared_domains_are_exempt_from_the_domains_cap(make_stand, store, post, tmp_path, cap):
    shared = tmp_path / "shared"
    shared.write_text("# Mailbox providers\nMailbox.example\n" + ("customer.example\n" if cap == "shared-by-file" else ""))
    stand = peer_site(make_stand, store, post, ack__domain_cap=2, ack__shared_domains_file=str(shared),
                      ack__shared_domains=["customer.example"] if cap == "shared-by-list" else [])
    verdicts = [ack(stand.deliver(outage_report(f"person{number}@customer.example"))) for number in range(6)]
    assert verdicts == (["queued"] * 2 + ["none"] * 4 if cap == "domain" else ["queued"] * 6)


def test_sites_cap_delays_a_flood_and_drops_nothing(make_stand, store, post):
    """The peer's domain is one that many share, so that only the cap of the site is left."""
    cap, flood = 5, 20
    stand = peer_site(make_stand, store, post, ack__site_cap=cap, ack__domain_cap=1, ack__shared_domains=["customer.example"])
    minute = time.time() // 60
    peer = Peer(stand, post, CHANGING["address"])
    for _ in range(flood):
        peer.write()

    def status() -> dict:
        incident, = stand.status()["incidents"]
        return incident

    eventually(lambda: status()["counters"].get("sent", 0) >= cap, 60, "what may leave at once has left")
    verdicts = peer.verdicts()
    assert set(verdicts) == {"queued"}
    minutes = int(time.time() // 60 - minute) + 1
    left = len(post.to("@customer.example"))
    assert left <= cap * minutes
    assert status()["counters"]["delayed"] >= flood - cap * minutes
    waiting = stand.ctl("acks", "pending").stdout
    answered = {rcpts[0] for _, rcpts, _ in post.to("@customer.example")}
    for letter in peer.sent[:flood]:
        assert letter.sender in answered or letter.sender in waiting, "nothing is dropped"


def test_one_address_is_written_to_only_so_often_over_all_incidents(make_stand, store, post, customer):
    stand = peer_site(make_stand, store, post, ack__address_cap=2, incident__reopen_within="0")
    verdicts = []
    for number in range(3):
        if number > 0:
            stand.ctl("clear")
            stand.wait_word("")
            stand.declare("P1")
        received = stand.deliver(outage_report(customer))
        verdicts.append(ack(received) if ack(received) == "queued" else reasons(received)[0])
        if verdicts[-1] == "queued":
            post.wait_to(customer, number + 1)
    assert verdicts == ["queued", "queued", "rate"]
    # Somebody else's count is his own.
    assert ack(stand.deliver(outage_report(f"other.{customer}"))) == "queued"


def test_what_is_held_back_is_counted_and_shown(make_stand, store, post, customer):
    stand = peer_site(make_stand, store, post, ack__domain_cap=1)
    stand.deliver(outage_report(customer))
    post.wait_to(customer)
    for _ in range(2):
        assert reasons(stand.deliver(outage_report(customer))) == ["already-acked"]
    assert reasons(stand.deliver(outage_report(f"other.{customer}"))) == ["rate"]
    incident, = stand.status()["incidents"]
    assert incident["held"]["already-acked"] == 2
    assert incident["held"]["rate"] == 1
    assert "delayed" not in incident["counters"]
    shown = stand.ctl("status", check=False).stdout
    assert "already-acked" in shown and "rate" in shown


@pytest.mark.parametrize("mode, tries", [("hang", 1), ("drop", 2)])
def test_letter_whose_outcome_is_unknown_waits_for_an_operator_and_keeps_its_id(make_stand, store, post, customer, mode, tries):
    """A relay that is silent after the final dot has mostly taken the letter; one that breaks off has mostly not, so it gets one more
    try, and no third."""
    stand = peer_site(make_stand, store, post, reply__timeout="1s")
    post.mode = mode
    stand.deliver(outage_report(customer))
    eventually(lambda: customer in stand.ctl("acks", "dead").stdout, 30, "it is buried: a further try might be a further letter")
    assert len(post.to(customer)) == tries
    post.mode = "accept"
    stand.ctl("acks", "retry", "--all")
    post.wait_to(customer, tries + 1)
    letters = [message_from_bytes(data) for _, _, data in post.to(customer)]
    assert len({letter["Message-ID"] for letter in letters}) == 1


def test_person_who_answers_our_letter_is_no_loop_but_gets_no_second_one(make_stand, store, post, customer):
    stand = peer_site(make_stand, store, post)
    stand.deliver(outage_report(customer))
    post.wait_to(customer)
    ours = message_from_bytes(post.to(customer)[0][2])["Message-ID"].strip()
    again = outage_report(customer, subject="Re: Service down, 503 errors",
                          headers=[("In-Reply-To", ours), ("References", ours)])
    assert reasons(stand.deliver(again)) == ["already-acked"]
    # A machine's answer is one.
    robot = outage_report(f"robot.{customer}", headers=[("References", ours), ("Precedence", "bulk")])
    assert "loop" in reasons(stand.deliver(robot))
    # Mail that carries our own id as its own.
    echoed = outage_report(f"echo.{customer}", headers=[("Message-ID", ours)])
    stand.send(echoed)
    echo = stand.mailbox(SUPPORT).wait_for(lambda message: message.message_id == ours)
    assert ack(echo) == "none"
    assert "own-address" in reasons(echo)
