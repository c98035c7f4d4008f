"""The test stand: one site with Postfix, store, milter and replier in a folder of its own, and the hands to work it.

    with Stand(folder, [postfix]) as stand:
        stand.ctl("declare", "P1"); stand.wait_word("P1")
        letter = outage_report("jane@customer.example")
        received = stand.deliver(letter)          # as it reached the support mailbox
        stand.mailbox("jane@customer.example").wait_reply()

Every process is started here and ended here, by its own pid."""

import json
import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path

import mail
import settings
from milterclient import MilterSession
from postfix import Postfix
from process import TOP, Process, build_dir, can_connect, eventually, free_port, pause, run

# AddressSanitizer builds report leaks of their own accord; a test must fail then.
PROGRAM_ENV = {"G_DEBUG": "gc-friendly"}


# Whom of conf/redis/users.acl each program is.
REDIS_USERS = {"outage-milter": "outage-milter", "outage-replier": "outage-replier", "outagectl": "outage-operator"}


def write_users(folder: Path, *more: str) -> str:
    """Writes users.acl as conf/redis has it, with the password "secret" for each user, and more lines. Returns what store.password_file
    has to be for each program to be its own user there."""
    rules = (TOP / "conf/redis/users.acl").read_text().replace(" off resetpass ", " on >secret ")
    (folder / "users.acl").write_text(rules + "\n".join(more) + "\n")
    for program, user in REDIS_USERS.items():
        path = folder / f"password-{program}"
        path.write_text(f"{user}:secret\n")
        path.chmod(0o600)
    return str(folder / "password-%p")


class Redis:
    """A redis-server of our own; its data survives kill and restart. Our programs have the rights of conf/redis/users.acl there, and no
    more; tests are the user `default`, who may do everything."""

    def __init__(self, folder: Path, name: str = "redis"):
        self.dir = folder / name
        self.dir.mkdir()
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.process: Process | None = None
        self.password_files = write_users(self.dir, "user default on nopass ~* &* +@all")

    def start(self) -> None:
        self.process = Process("redis-server", ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.dir,
                                                "--save", "", "--appendonly", "yes", "--appendfsync", "always",
                                                "--aclfile", self.dir / "users.acl"], self.dir / "redis.log")
        eventually(self.answers, 20, "Redis answers PING")

    def denied(self) -> str:
        """What our programs wanted and had no right to."""
        return self.cli("ACL", "LOG") if self.password_files and self.process is not None and self.process.running() else ""

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as sock:
                sock.sendall(b"PING\r\n")
                return sock.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def client(self):
        import redis  # Debian's python3-redis; only tests with Redis need it
        return redis.Redis(port=self.port, decode_responses=True)

    def cli(self, *args: str) -> str:
        """redis-cli, as an operator types it."""
        return run(["redis-cli", "-p", self.port, *args]).stdout.strip()

    def freeze(self) -> None:
        self.process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()

    def stop(self) -> None:
        if self.process is not None:
            self.thaw()
            self.process.stop()


def reload(process: Process) -> None:
    """SIGUSR1, and waits until the program says that it has read its configuration again."""
    said = len(process.lines)
    process.signal(signal.SIGUSR1)
    process.wait_for_line("event=reload", start=said)


class Node:
    """One outage-milter (or, for tests of the stand itself, any milter that says event=ready) in front of one Postfix."""

    def __init__(self, stand: "Stand", postfix: Postfix, number: int):
        self.stand = stand
        self.postfix = postfix
        self.name = f"node{number}"
        self.socket = postfix.socket
        self.state_dir = stand.dir / f"state-{self.name}"
        self.config = stand.dir / f"{self.name}.conf"
        self.process: Process | None = None

    def start(self) -> None:
        if self.process is not None and self.process.running():
            raise RuntimeError(f"{self.name} runs already")
        self.process = Process(self.name, self.stand.milter_command(self), self.stand.dir / f"{self.name}.log", PROGRAM_ENV)
        self.process.wait_for_line("event=ready")
        eventually(lambda: can_connect(self.socket), 10, f"{self.name} accepts on {self.socket}")

    def reload(self) -> None:
        """SIGUSR1, and waits until the milter says that it has read its configuration again."""
        reload(self.process)

    def session(self) -> MilterSession:
        return MilterSession(self.socket)

    def hurry(self) -> None:
        """While it is stopping: knocks, for libmilter sees that it has to end only every five seconds, or when
        somebody comes."""
        if self.process is not None:
            eventually(lambda: not self.process.running() or (can_connect(self.socket) and pause(0.05)), 30,
                       f"{self.name} ends")

    def ask(self, from_address: str = "probe@other.example", rcpt: str = settings.SUPPORT,
            text: str = "Only a probe.\n") -> dict[str, str]:
        """The X-Outage headers that a message would get now. From the null sender: nothing is claimed."""
        headers = [mail.authenticated(from_address), ("From", f"<{from_address}>"), ("To", f"<{rcpt}>"), ("Subject", "probe")]
        session = self.session()
        try:
            answer = session.message("", [rcpt], headers, text.encode())
        finally:
            session.close()
        return {name[len("X-Outage-"):]: value for name, value in answer.headers if name.startswith("X-Outage-")}

    def word(self) -> str:
        """The severity that this node would tag mail with now; "" where nothing is on."""
        item, params = mail.parse_value(self.ask().get("Incident", ""))
        return ("resolved" if params.get("phase") == "resolved" else params.get("severity", "")) if item else ""


class Stand:
    """See the top of this file. With redis=None the store is SQLite."""

    def __init__(self, folder: Path, postfixes: list[Postfix], redis: Redis | None = None, changes: dict | None = None):
        """changes: settings other than settings.standard()."""
        self.dir = folder
        self.dir.chmod(0o755)
        self.redis = redis
        self.build = build_dir()
        self.store_url = redis.url if redis is not None else f"sqlite:{self.dir}/store/store.db"
        (self.dir / "store").mkdir(exist_ok=True)
        self.relay_port = postfixes[0].plain_port
        self.nodes = [self._make_node(postfix, number + 1) for number, postfix in enumerate(postfixes)]
        self.replier: Process | None = None
        self.configure(changes)

    def _make_node(self, postfix: Postfix, number: int) -> Node:
        return Node(self, postfix, number)

    def configure(self, changes: dict | None = None) -> None:
        """Writes every node's configuration: the standard one with changes (dotted name -> value)."""
        for node in self.nodes:
            node.state_dir.mkdir(exist_ok=True)
            node.state_dir.chmod(0o700)
            own = settings.standard(node.state_dir, f"unix:{node.socket}", self.store_url, self.relay_port)
            if self.redis is not None and self.redis.password_files:
                own["store.password_file"] = self.redis.password_files
            node.config.write_text(settings.to_libconfig({**own, "node": node.name, "secret_file": str(self.dir / "secret"),
                                                                **(changes or {})}))

    # -- processes

    @property
    def node(self) -> Node:
        return self.nodes[0]

    @property
    def postfix(self) -> Postfix:
        return self.nodes[0].postfix

    def milter_command(self, node: Node) -> list:
        return [self.build / "outage-milter", "-f", "-c", node.config]

    def start(self) -> "Stand":
        for node in self.nodes:
            node.start()
        self.start_replier()
        return self

    def start_replier(self) -> None:
        self.replier = Process("outage-replier", [self.build / "outage-replier", "-f", "-c", self.node.config],
                               self.dir / "replier.log", PROGRAM_ENV)
        self.replier.wait_for_line("event=ready")

    def stop(self) -> None:
        """Ends what still runs; a program that ends badly is an error, for a sanitizer may have spoken."""
        ours = [process for process in [*(node.process for node in self.nodes), self.replier] if process is not None]
        running = [process for process in ours if process.running()]
        died = [process for process in ours if not process.running() and not process.told_to_end]
        for process in running:
            process.signal(signal.SIGTERM)
        for node in self.nodes:
            node.hurry()
        bad = []
        for process in [*running, *died]:
            status = process.wait(30)
            if status != 0 or process in died:
                bad.append(f"{process.name} ended with {status}:\n" + "\n".join(process.lines[-40:]))
        if self.redis is not None and self.redis.denied():
            bad.append("conf/redis/users.acl does not allow what is needed:\n" + self.redis.denied())
        if bad:
            raise RuntimeError("\n".join(bad))

    def __enter__(self) -> "Stand":
        return self.start()

    def __exit__(self, *_) -> None:
        self.stop()

    # -- the operator's hand

    def ctl(self, *args: str, check: bool = True, node: Node | None = None, **more):
        """outagectl; returns the finished process."""
        return run([self.build / "outagectl", "-c", (node or self.node).config, *args], check=check, **more)

    def status(self) -> dict:
        return json.loads(self.ctl("status", "--json").stdout)

    def put_account(self, key: str, **account) -> None:
        self.ctl("accounts", "set", key, json.dumps(account))

    def wait_account(self, address: str, name: str, timeout: float = 20) -> None:
        """Waits until every node tags outage mail of this From with the account. Needs an incident, or route.always."""
        for node in self.nodes:
            eventually(lambda node=node: name in node.ask(address, text=mail.OUTAGE_TEXT).get("Account", ""), timeout,
                       f"{node.name} knows the account {name}")

    def declare(self, word: str = "P1", *more: str) -> None:
        """Declares and waits until every node knows."""
        self.ctl("declare", word, *more)
        self.wait_word(word)

    def resolve(self, *more: str) -> None:
        self.ctl("resolve", *more)
        self.wait_word("resolved")

    def wait_word(self, word: str, timeout: float = 20) -> None:
        """Waits until every node tags mail with word (P1, P2, P3, resolved, or "" for nothing)."""
        for node in self.nodes:
            eventually(lambda node=node: node.word() == word, timeout, f"{node.name} has {word or 'no incident'}")

    # -- mail

    def send(self, letter: mail.Letter, client: str | None = None, node: Node | None = None) -> None:
        """Sends by SMTP through the milter."""
        mail.send((node or self.node).postfix.milter_port, letter, client)

    def deliver(self, letter: mail.Letter, client: str | None = None, node: Node | None = None) -> mail.Received:
        """Sends it and returns it as it reached its first recipient."""
        node = node or self.node
        self.send(letter, client, node)
        return mail.Mailbox(node.postfix.mail, letter.rcpts[0]).wait_id(letter.message_id)

    def mailbox(self, address: str, node: Node | None = None) -> mail.Mailbox:
        return mail.Mailbox((node or self.node).postfix.mail, address)

    _fences = 0

    def settle(self) -> None:
        """Returns once every acknowledgement recorded so far has left and arrived: a later customer's has arrived, for jobs go
        in order, and Postfix holds nothing. Needs an open incident and a running replier."""
        Stand._fences += 1
        address = f"fence{Stand._fences}@other.example"
        received = self.deliver(mail.outage_report(address))
        if mail.ack(received) != "queued":
            raise RuntimeError(f"the fence's own mail was not acknowledged: {received.outage()}")
        self.mailbox(address).wait_reply(40)
        self.wait_quiet()

    def wait_quiet(self) -> None:
        for node in self.nodes:
            node.postfix.wait_delivered()


class OwnStand:
    """A stand with everything of its own, for programs outside pytest: Postfix instances, Redis, temporary folder."""

    def __init__(self, nodes: int = 1, with_redis: bool = False, changes: dict | None = None):
        self.dir = Path(tempfile.mkdtemp(prefix="outage-stand-"))
        self.dir.chmod(0o755)
        self.redis = Redis(self.dir) if with_redis else None
        self.postfixes = [Postfix(self.dir, f"mx{number + 1}") for number in range(nodes)]
        self.stand: Stand | None = None
        self._changes = changes

    def __enter__(self) -> Stand:
        try:
            if self.redis is not None:
                self.redis.start()
            for postfix in self.postfixes:
                postfix.start()
            self.stand = Stand(self.dir, self.postfixes, self.redis, self._changes)
            return self.stand.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_) -> None:
        try:
            if self.stand is not None:
                self.stand.stop()
        finally:
            for postfix in self.postfixes:
                postfix.stop()
            if self.redis is not None:
                self.redis.stop()
            if os.environ.get("OUTAGE_KEEP"):
                print(f"kept: {self.dir}")
            else:
                shutil.rmtree(self.dir)
