"""The chaos suite: a whole site of real programs under load while things die; see scenarios.py for what happens and judge.py for
what must hold. Run it by scripts/chaos.

One line for each scenario, `ok`, `FAILED` or `not run`; below them for each failure the first culprits, with what the nodes logged
about them. Exit status 0 only where nothing failed."""

import argparse
import dataclasses
import itertools
import json
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from hosts import make_network  # noqa: E402
from judge import Facts, Judge, Letter, Mail, Row  # noqa: E402
from load import Load, Plan  # noqa: E402
from nodes import Site  # noqa: E402
from scenarios import SCENARIOS, Scenario, Stage, faketime_library  # noqa: E402

HOSTS = ["node1", "node2", "node3"]
RATE = 40
SHORT_MAILS = 130
# Of a scenario's time, what starting, healing and waiting for the last acknowledgement takes.
OVERHEAD_S = 10
CULPRITS = 5
COLUMNS = (("mails in", "mails"), ("delivered", "delivered"), ("lost", "lost_mails"), ("acks due", "due"), ("answered", "answered"),
           ("lost", "unanswered"), ("twice", "twice"), ("same id", "same_id"), ("per side", "per_side"), ("strangers", "strangers"))


@dataclasses.dataclass
class Played:
    """What is needed to judge a scenario, now and once more at the end."""

    row: Row
    facts: Facts
    mails: list[Mail]


def say(text: str = "") -> None:
    print(text, flush=True)


class Phases:
    """How long each step of a scenario took."""

    def __init__(self, row: Row):
        self._row = row
        self._begin = time.monotonic()

    def end(self, name: str) -> None:
        now = time.monotonic()
        self._row.phases[name], self._begin = round(now - self._begin, 1), now


class Logs:
    """What the programs have logged since it was made."""

    def __init__(self, site: Site):
        self._paths = [log for node in site.nodes for log in (node.milter_log, node.replier_log)]
        self._begin = {path: path.stat().st_size if path.exists() else 0 for path in self._paths}

    def lines(self):
        for path in self._paths:
            if path.exists():
                with path.open("rb") as file:
                    file.seek(self._begin[path])
                    yield from file.read().decode("utf-8", "replace").splitlines()

    def slowest_us(self) -> int:
        """Of all messages, by what the milters say themselves."""
        messages = (line for line in self.lines() if "event=message" in line)
        return max((int(found[1]) for line in messages if (found := re.search(r"\bus=(\d+)", line))), default=0)

    def withdrawn(self) -> set[str]:
        """To whom no resolution was sent because the incident came back."""
        letters = (line for line in self.lines() if "event=withdrawn" in line and "reopened" in line)
        return {found[1] for line in letters if (found := re.search(r"\bto=(\S+)", line))}


class Chaos:
    def __init__(self, options: argparse.Namespace, folder: Path):
        self.options = options
        self.network = make_network(HOSTS, options.isolated)
        self.site = Site(folder, self.network)
        self.played: list[Played] = []
        self.rows: list[Row] = []
        self._seen: dict = {}
        self._width = max(len(what.name) for what in SCENARIOS)

    def close(self) -> None:
        self.site.close()
        self.network.close()

    # -- playing

    def start(self) -> None:
        self.site.sink.start()
        self.site.start()
        self._header()

    def cannot_run(self, what: Scenario) -> str:
        if what.cuts and not self.network.can_cut:
            return "network namespaces are not permitted here: no node can be cut off"
        if what.clock and not faketime_library():
            return "libfaketime is not installed"
        return ""

    def play(self, what: Scenario, number: int, mails: int) -> None:
        row = Row(what.name, not_run=self.cannot_run(what))
        self.rows.append(row)
        if not row.not_run:
            try:
                self._play(what, row, number, mails)
            except Exception:  # a scenario that breaks must not hide the others
                row.problems += traceback.format_exc(limit=-3).splitlines()
        self._show(row)
        if row.problems or row.culprits:
            self._explain(row)

    def _play(self, what: Scenario, row: Row, number: int, mails: int) -> None:
        phases = Phases(row)
        site, rng = self.site, random.Random(f"{self.options.seed} {what.name}")
        site.start_all()
        site.restart_programs(what.settings)
        if what.redis:
            site.redis_site.wait_whole()
        site.flip("none")
        site.flip("P1")
        site.deaf.clear()
        phases.end("begin")
        logs, dead = Logs(site), set(site.dead())
        plan = Plan(rng, f"{what.name}{number}", mails, site.nodes, what.refused)
        load = Load(plan, site.nodes, RATE, rng)
        stage = Stage(site, what, rng, load, mails / RATE)
        try:
            what.play(stage)
            load.finish()
        except Exception as error:  # what the mail came to is judged all the same
            row.problems.append(f"{type(error).__name__}: {error}")
            load.stop()
        phases.end("load")
        stage.heal()
        phases.end("heal")
        left = site.wait_done()
        phases.end("done")
        stage.facts.withdrawn = logs.withdrawn()
        self.played.append(Played(row, stage.facts, load.accepted))
        self._judge(row, stage.facts, load.accepted)
        row.milter_ms = logs.slowest_us() / 1000
        row.retries = load.retries
        row.problems += [f"not done in time: {left}"] if left else []
        row.problems += [f"mail never accepted: {why}" for why in load.failed[:CULPRITS]]
        row.problems += [f"{count} acknowledgements given up by {node.name} itself" for node in site.nodes
                         if (count := node.spool("dead"))]
        self._judge_dead(row, [line for line in site.dead() if line not in dead])

    def _judge_dead(self, row: Row, lines: list[str]) -> None:
        """lines: as `outagectl acks dead` prints them, with the customer's address among tabs."""
        written = {letter.rcpt for letter in list(self.site.sink.letters)}
        lost = [line for line in lines if not written & set(line.split("\t"))]
        row.buried = len(lines) - len(lost)
        row.problems += [f"given up: {line}" for line in lost[:CULPRITS]]

    def _letters(self, mails: list[Mail]) -> list[Letter]:
        senders = {done.sender for done in mails}
        return [letter for letter in list(self.site.sink.letters) if letter.rcpt in senders]

    def _judge(self, row: Row, facts: Facts, mails: list[Mail]) -> Row:
        letters = self._letters(mails)
        if self.options.mutate == "letter" and letters:
            letters = letters[1:]
        if self.options.mutate == "twice" and letters:
            letters.append(dataclasses.replace(letters[0], answers="<another@customer.example>"))
        delivered = self.site.delivered(self._seen)
        if self.options.mutate == "mail" and mails:
            delivered.pop(mails[0].message_id, None)
        return Judge(row, facts, mails, delivered, letters).run()

    def afterwards(self) -> None:
        """Everything is judged once more: a scenario's letters may come during a later one. The row has the sums; what was wrong
        before does not count again."""
        total = Row("all, again", sums=True)
        known = {done.sender for played in self.played for done in played.mails}
        for played in self.played:
            again = self._judge(Row(played.row.scenario), played.facts, played.mails)
            for name in ("mails", "delivered", "due", "answered", "twice", "same_id", "per_side", "strangers"):
                setattr(total, name, getattr(total, name) + getattr(again, name))
            for name in ("twice", "strangers"):
                more = getattr(again, name) - getattr(played.row, name)
                if more > 0:
                    total.problems.append(f"{played.row.scenario}: {more} more {name} after it was over")
                    total.culprits += again.culprits[:CULPRITS]
            total.slowest_ms, total.milter_ms = max(total.slowest_ms, again.slowest_ms), max(total.milter_ms, played.row.milter_ms)
        strangers = {letter.rcpt for letter in self.site.sink.letters} - known
        if strangers:
            total.problems.append(f"letters to nobody's address: {', '.join(sorted(strangers)[:CULPRITS])}")
        right, wrong = (sum(row.good == good for row in self.rows if not row.not_run) for good in (True, False))
        self.rows.append(total)
        self._show(total)
        self._explain(total)
        say(f"{right} scenarios as they must be, {wrong} not, {sum(bool(row.not_run) for row in self.rows)} not run; "
            f"seed {self.options.seed}")

    # -- showing

    def _header(self) -> None:
        titles = "".join(f"{title:>10}" for title, _ in COLUMNS)
        say(f"{'':8}{'scenario':{self._width}}{titles}{'slowest':>10}{'in milter':>11}")

    def _show(self, row: Row) -> None:
        if row.not_run:
            say(f"not run {row.scenario:{self._width}}  {row.not_run}")
            return
        numbers = "".join(f"{getattr(row, member):10}" for _, member in COLUMNS)
        times = f"{row.slowest_ms:8.0f}ms{row.milter_ms:9.0f}ms"
        say(f"{'ok' if row.good else 'FAILED':8}{row.scenario:{self._width}}{numbers}{times}{self._notes(row)}")

    @staticmethod
    def _notes(row: Row) -> str:
        notes = [(row.passed, "passed while their node had no milter"), (row.copies, "copies"),
                 (row.refused, "refused by their own server"), (row.retries, "retries"),
                 (row.buried, "buried though answered")]
        told = ", ".join(f"{count} {what}" for count, what in notes if count)
        return f"  ({told})" if told else ""

    def _explain(self, row: Row) -> None:
        for problem in row.problems:
            say(f"        ! {problem}")
        for address, what in row.culprits[:CULPRITS]:
            say(f"        ! {address} {what}")
            for line in self.site.tell(address):
                say(f"          | {line}")
        if len(row.culprits) > CULPRITS:
            say(f"        ! ... and {len(row.culprits) - CULPRITS} more")

    def write_json(self, path: Path) -> None:
        told = ("lost_mails", "unanswered", "good")
        rows = [{**dataclasses.asdict(row), **{name: getattr(row, name) for name in told}} for row in self.rows]
        whole = {"seed": self.options.seed, "namespaces": self.network.can_cut, "scenarios": rows}
        path.write_text(json.dumps(whole, indent=1) + "\n")


def parse() -> argparse.Namespace:
    names = [what.name for what in SCENARIOS]
    parser = argparse.ArgumentParser(prog="scripts/chaos",
                                     description="Breaks a whole site under load, and counts what became of the mail.")
    parser.add_argument("--short", action="store_true", help="fewer scenarios, fewer mails: part of scripts/test")
    parser.add_argument("--seed", default=str(random.randrange(1_000_000)), help="makes the same choices again")
    parser.add_argument("--minutes", type=float, default=10, help="how long the long form takes, about (10)")
    parser.add_argument("--scenario", nargs="+", choices=names, metavar="NAME", help="only these: " + ", ".join(names))
    parser.add_argument("--mails", type=int, help="in each scenario, instead of what fits into the time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="writes the numbers there")
    parser.add_argument("--keep", action="store_true", help="leaves the folder with configuration, logs and mailboxes")
    # By scripts/chaos: we are in namespaces of our own.
    parser.add_argument("--isolated", action="store_true", help=argparse.SUPPRESS)
    # What the suite itself is tested by: it has to notice.
    parser.add_argument("--mutate", choices=("letter", "twice", "mail"), help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> list[Scenario]:
    if options.scenario:
        return [what for what in SCENARIOS if what.name in options.scenario]
    wanted = [what for what in SCENARIOS if what.short or not options.short]
    # Those that break Redis and the others by turns: Sentinel takes its time to mend it, and the others need not wait for that.
    breaking, others = ([what for what in wanted if what.redis == redis] for redis in (True, False))
    pairs = itertools.zip_longest(breaking, others)
    return [what for pair in pairs for what in pair if what is not None]


def stop_by_signal(number: int, frame) -> None:
    raise KeyboardInterrupt


def main() -> int:
    options = parse()
    signal.signal(signal.SIGTERM, stop_by_signal)
    signal.signal(signal.SIGHUP, stop_by_signal)
    folder = Path(tempfile.mkdtemp(prefix="outage-chaos-"))
    folder.chmod(0o755)
    scenarios = chosen(options)
    mails = options.mails or (SHORT_MAILS if options.short else
                              max(SHORT_MAILS, int((options.minutes * 60 / len(scenarios) - OVERHEAD_S) * RATE)))
    chaos = None
    try:
        chaos = Chaos(options, folder)
        chaos.start()
        for number, what in enumerate(scenarios):
            chaos.play(what, number, mails)
        chaos.afterwards()
        if options.json:
            chaos.write_json(options.json)
        return 0 if all(row.good for row in chaos.rows if not row.not_run) else 1
    except KeyboardInterrupt:
        say("interrupted")
        return 1
    finally:
        if chaos is not None:
            chaos.close()
        if options.keep:
            say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
