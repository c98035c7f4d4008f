"""The project's documents as the tests read them: what stands between fences, and what stands in backticks.

Markdown (README.md, doc/*.md) says by the first word behind a fence what an example is:

    conf        lines of outage-milter.conf: outage-milter -t takes them
    rules       a file of rules: outage-milter -t takes it, and has nothing to warn of
    template    a file KIND.txt: outage-milter -t takes it
    main.cf     lines of Postfix's main.cf: postconf reads them without a warning, postfix check takes them
    master.cf   the same of master.cf
    mc          lines of sendmail.mc; test_mtas.py makes a sendmail.cf of them
    ini         a drop-in of our systemd units, of settings that the shipped units know
    sh          commands that are run; those of one document one after another, as one script that ends at the first that fails
    console     a session that needs a real machine (packages, systemctl); not run
    text        what is shown or drawn; not run

A man page says it by a comment of the form  .\\" example: KIND  in front of the display; in its section EXAMPLES every display has one.

Commands run in a stand with a milter, a replier, Postfix and Redis. outagectl, outage-milter, redis-cli, postconf and postfix are on
PATH and know this stand; the store is empty, nothing is on. The support address is support@example.com. In the working folder lie:

    mail.eml                      an outage report of jane@customer.example, who was answered in an incident that is over
    past/outage/, past/other/     mails of a past outage, and others of that day
    past/mails.tsv                the same as a table
    summary.json                  what a status page says: one incident is open
    accounts.json                 two accounts"""

import re
from dataclasses import dataclass
from pathlib import Path

from process import TOP

KINDS = ("conf", "rules", "template", "main.cf", "master.cf", "mc", "ini", "sh", "console", "text")


@dataclass(frozen=True)
class Example:
    """One example. line: where its text begins, counted from 1."""
    file: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def markdown_files() -> list[Path]:
    return [TOP / "README.md", *sorted((TOP / "doc").glob("*.md"))]


def man_pages() -> list[Path]:
    return sorted((TOP / "man").glob("*.[158]"))


def shown(path: Path) -> str:
    return str(path.relative_to(TOP))


def fences(path: Path) -> list[Example]:
    """Every fenced example of a Markdown file, whatever its kind; of a fence without a word the kind is empty."""
    found = []
    kind = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        mark = re.match(r" {0,3}```(.*)$", line)
        if mark is None:
            if kind is not None:
                lines.append(line)
        elif kind is None:
            kind, begin, lines = mark[1].strip(), number + 1, []
        else:
            found.append(Example(shown(path), begin, kind, "".join(line + "\n" for line in lines)))
            kind = None
    if kind is not None:
        raise ValueError(f"{path}:{begin}: this fence never ends")
    return found


def plain(line: str) -> str:
    """A line of a display, as man shows it."""
    return line.replace("\\&", "").replace("\\e", "\\")


def displays(path: Path) -> list[Example]:
    """The displays of a man page that say what they are, and every one of its section EXAMPLES; of one that says nothing the kind is
    empty."""
    found = []
    section, said, lines = "", "", None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith(".Sh "):
            section = line[4:]
        elif line.startswith('.\\" example:'):
            said = line.partition(":")[2].strip()
        elif line.startswith(".Bd -literal") and (said or section == "EXAMPLES"):
            begin, lines = number + 1, []
        elif line == ".Ed" and lines is not None:
            found.append(Example(shown(path), begin, said, "".join(plain(line) + "\n" for line in lines)))
            said, lines = "", None
        elif lines is not None:
            lines.append(line)
    return found


def all_examples() -> list[Example]:
    return [example for path in markdown_files() for example in fences(path)] + \
           [example for path in man_pages() for example in displays(path)]


def prose(path: Path) -> list[tuple[int, str]]:
    """The numbered lines of a Markdown file that are in no fence."""
    found, inside = [], False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if re.match(r" {0,3}```", line):
            inside = not inside
        elif not inside:
            found.append((number, line))
    return found


def in_backticks(path: Path) -> list[tuple[str, str]]:
    """(file:line, text) of everything in backticks outside fences, also where it runs over a line's end."""
    text = "".join(f"{line}\n" for _, line in prose(path))
    numbers = [number for number, _ in prose(path)]
    return [(f"{shown(path)}:{numbers[text.count(chr(10), 0, code.start())]}", " ".join(code[1].split()))
            for code in re.finditer(r"`([^`]+)`", text)]


def links(path: Path) -> list[tuple[str, str]]:
    """(file:line, target) of every link that leads to a file."""
    return [(f"{shown(path)}:{number}", target) for number, line in prose(path)
            for target in re.findall(r"\]\(([^)\s]+)\)", line) if not re.match(r"[a-z]+:", target)]


def anchors(path: Path) -> set[str]:
    """What a link can name behind the "#": the headings, as they are shown on the usual forges."""
    heads = [line.lstrip("#").strip() for _, line in prose(path) if re.match(r"#{1,6} ", line)]
    return {re.sub(r"[^\w\- ]", "", head.replace("`", "").lower()).replace(" ", "-") for head in heads}
