"""What the documents say is true: their examples run, and what they name is there. documents.py has the convention of the examples."""

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from email.message import EmailMessage
from pathlib import Path

import pytest

import mail
import settings
from conftest import StandMaker
from documents import KINDS, all_examples, anchors, in_backticks, links, man_pages, markdown_files, shown
from postfix import Postfix
from process import TOP, build_dir, eventually, run
from stand import Redis

pytestmark = pytest.mark.postfix("reads Postfix's configuration, and runs commands of a site with Postfix")
EXAMPLES = all_examples()
SUPPORT = "support@example.com"
MESSAGE_ID = "<a1@customer.example>"
# One rule, so that a check of settings does not wait for the examination of a thousand patterns.
RULES = 'language = "*"; rules = ( { name = "down"; class = "outage"; weight = 5.0; pattern = "\\\\bdown\\\\b"; } );\n'


def of_kind(*kinds: str):
    chosen = [example for example in EXAMPLES if example.kind in kinds]
    return pytest.mark.parametrize("example", chosen, ids=str)


def test_every_example_says_what_it_is():
    assert [f"{example}: {example.kind!r}" for example in EXAMPLES if example.kind not in KINDS] == []


# -- configuration

@pytest.fixture
def etc(tmp_path):
    """A folder as /etc/outage-milter is, with one rule; check() is outage-milter -t there."""
    for name in ("model", "shared-domains"):
        (tmp_path / name).symlink_to(TOP / "conf" / name)
    for name in ("rules", "templates"):
        (tmp_path / name).mkdir()
    shutil.copytree(TOP / "conf" / "templates" / "en", tmp_path / "templates" / "en")
    (tmp_path / "rules" / "one.conf").write_text(RULES)
    return tmp_path


def check_settings(etc: Path, text: str) -> None:
    """What outage-milter -t says of a site with these settings; a support address is added where they have none."""
    for language in set(re.findall(r'language = "(\w\w)\b', text)) - {"en"}:  # all of them would take a second
        (etc / "templates" / language).symlink_to(TOP / "conf" / "templates" / language)
    if not re.search(r"^support\b", text, re.M):
        text += f'support = ( "{SUPPORT}" );\n'
    (etc / "outage-milter.conf").write_text(text)
    done = run([build_dir() / "outage-milter", "-t", "-c", etc / "outage-milter.conf"], check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "warning" not in said, said


@of_kind("conf")
def test_settings_are_taken(example, etc):
    """A route may name a template that the same document shows."""
    for other in EXAMPLES:
        if (other.file, other.kind) == (example.file, "template"):
            (etc / "templates" / "en" / "ack-site.txt").write_text(other.text)
    check_settings(etc, example.text)


@of_kind("rules")
def test_rules_are_taken(example, etc):
    (etc / "rules" / "site.conf").write_text(example.text)
    check_settings(etc, "")


@of_kind("template")
def test_templates_are_taken(example, etc):
    (etc / "templates" / "en" / "ack-site.txt").write_text(example.text)
    check_settings(etc, "")


def unit_settings(text: str) -> set[str]:
    """"Section.Setting" of every line of a unit."""
    found, section = set(), ""
    for line in text.splitlines():
        if head := re.match(r"\[(\w+)\]$", line):
            section = head[1]
        elif name := re.match(r"(\w+)=", line):
            found.add(f"{section}.{name[1]}")
    return found


def test_drop_ins_change_what_the_units_set():
    shipped = set().union(*(unit_settings(path.read_text()) for path in (TOP / "packaging" / "systemd").glob("*.service")))
    assert [f"{example}: {name}" for example in EXAMPLES if example.kind == "ini" for name in unit_settings(example.text) - shipped] == []


# -- Postfix

def postfix_names(kind: str, text: str) -> set[str]:
    """Which settings or services the lines are about."""
    if kind == "main.cf":
        return set(re.findall(r"^([a-z]\w*) *=", text, re.M))
    return {" ".join(line.split()[:2]) for line in text.splitlines() if re.match(r"\S+ +(inet|unix|fifo|pass) ", line)}


def without(kind: str, text: str, names: set[str]) -> str:
    """text without what is about one of names, continuation lines included."""
    kept, keep = [], True
    for line in text.splitlines(keepends=True):
        if not line[0].isspace():
            keep = not postfix_names(kind, line) & names
        if keep:
            kept.append(line)
    return "".join(kept)


@pytest.fixture(scope="module")
def idle_postfix(tmp_path_factory):
    """A Postfix that is never started."""
    return Postfix(tmp_path_factory.mktemp("postfix"), "doc")


@of_kind("main.cf", "master.cf")
def test_postfix_takes_it(example, idle_postfix):
    """With what other examples of the same document set, where this one names it."""
    others = {kind: "".join(other.text for other in EXAMPLES if (other.file, other.kind) == (example.file, kind)) for kind in
              ("main.cf", "master.cf")}
    path = idle_postfix.config / example.kind
    before = path.read_text()
    try:
        path.write_text(without(example.kind, before, postfix_names(example.kind, example.text)) + example.text)
        os.utime(path, (1, 1))  # Postfix waits for a second where it has just been changed
        said = "".join(run(["postconf", "-c", idle_postfix.config, what]).stderr for what in ("-n", "-M", "-P"))
        run(["postfix", "-c", idle_postfix.config, "check"])
    finally:
        path.write_text(before)
        os.utime(path, (1, 1))
    known = postfix_names("main.cf", others["main.cf"])
    used = set(re.findall(r"\$\{?(\w+)", others["master.cf"] + others["main.cf"]))
    wrong = [line for line in said.splitlines()
             if not ((name := re.search(r"un(?:used|defined) parameter: (\w+)", line)) and name[1] in known and name[1] in used)]
    assert wrong == []


# -- commands

def customer_mail(sender: str, subject: str, text: str, identity: str) -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"], letter["Message-ID"] = sender, SUPPORT, subject, identity
    letter["Date"] = "Sat, 21 Nov 2026 15:10:00 +0000"
    letter.set_content(text)
    return letter.as_bytes()


def fill_folder(folder: Path) -> None:
    """What documents.py promises to lie there."""
    folder.mkdir()
    (folder / "mail.eml").write_bytes(customer_mail("jane@customer.example", "Service down, 503 errors", mail.OUTAGE_TEXT, MESSAGE_ID))
    rows = (TOP / "conf" / "model" / "corpus" / "en-desk-1.tsv").read_text().splitlines()
    chosen = [rows[0]]
    for kind, label in (("outage", "1"), ("other", "0")):
        (folder / "past" / kind).mkdir(parents=True)
        some = [row for row in rows[1:] if row.split("\t")[1] == label][:25]
        chosen += some
        for number, row in enumerate(some):
            subject, body = row.split("\t")[3:5]
            sender, identity = f"{kind}{number}@customer.example", f"<{kind}{number}@customer.example>"
            (folder / "past" / kind / f"{number}.eml").write_bytes(customer_mail(sender, subject, body.replace("\\n", "\n"), identity))
    (folder / "past" / "mails.tsv").write_text("".join(f"{row}\n" for row in chosen))
    (folder / "accounts.json").write_text(json.dumps({
        "acme.example": {"account": "Acme", "level": "platinum", "manager": "jane@example.com"},
        "it@corp.example": {"account": "Corp", "level": "gold"}}))
    update = {"id": "u1", "status": "investigating", "body": "We are looking into it.", "created_at": "2026-11-22T08:00:00.000Z"}
    (folder / "summary.json").write_text(json.dumps({
        "page": {"name": "Example", "url": "https://status.example.com"}, "status": {"indicator": "major"},
        "incidents": [{"id": "abc123", "name": "Sign-in fails", "status": "investigating", "impact": "major",
                       "shortlink": "https://stspg.io/x", "components": [{"name": "API"}], "incident_updates": [update]}]}))


class Shell:
    """Runs the commands of a document against one stand."""

    def __init__(self, folder: Path, stand):
        self.dir = folder
        self.stand = stand
        self._notified = 0
        self._bin = folder / "bin"
        self._bin.mkdir()
        doc = Postfix(folder, "shell")
        self._put("outagectl", f'exec "{build_dir()}/outagectl" -c "{stand.node.config}" "$@"')
        # With one rule: outage-milter -t takes seconds over all that are shipped.
        (folder / "rules").mkdir()
        (folder / "rules" / "one.conf").write_text(RULES)
        quick = folder / "quick.conf"
        quick.write_text(re.sub(r"(rules = \{\s*dir = )[^;]*", rf'\1"{folder}/rules"', stand.node.config.read_text()))
        self._put("outage-milter", f'exec "{build_dir()}/outage-milter" -c "{quick}" "$@"')
        self._put("redis-cli", f'exec /usr/bin/redis-cli -p {stand.redis.port} "$@"')
        for name in ("postconf", "postfix"):
            self._put(name, f'exec {shutil.which(name)} -c "{doc.config}" "$@"')

    def _put(self, name: str, line: str) -> None:
        (self._bin / name).write_text(f"#!/bin/sh\n{line}\n")
        (self._bin / name).chmod(0o755)

    def reset(self) -> None:
        """Nothing is on, and nobody has paused."""
        self.stand.ctl("resume")
        for incident in self.stand.status()["incidents"]:
            self.stand.ctl("clear", incident["name"])
        self.stand.redis.cli("DEL", "outage:incident", "outage:incidents")

    def run(self, examples: list) -> None:
        """One script, in which every command stands on its line of the document, so that bash names it."""
        self.reset()
        notifies = any("--notify" in example.text for example in examples)
        # A notice is named by the second of its order, and a second one of that name is refused: not that of the last document.
        if notifies:
            eventually(lambda: int(time.time()) > self._notified, what="the next second")
        name = examples[0].file
        folder = self.dir / re.sub(r"\W", "_", name)
        fill_folder(folder)
        lines = ["set -e -o pipefail; trap 'echo \"%s:$LINENO: $BASH_COMMAND\" >&2' ERR" % name]
        for example in examples:
            assert len(lines) < example.line, f"{example}: an example begins in the first line"
            lines += [""] * (example.line - 1 - len(lines)) + example.text.splitlines()
        (folder / ".script").write_text("\n".join(lines) + "\n")
        env = {**os.environ, "PATH": f"{self._bin}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "TERM": "dumb", "HOME": str(folder)}
        done = subprocess.run(["bash", ".script"], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=60, check=False)
        if notifies:
            self._notified = int(time.time())
        assert done.returncode == 0, "\n".join(done.stdout.splitlines()[-15:])


@pytest.fixture(scope="module")
def shell(site, tmp_path_factory, request):
    failed_before = request.session.testsfailed
    folder = tmp_path_factory.mktemp("documents")
    redis = Redis(folder)
    redis.start()
    request.addfinalizer(redis.stop)
    maker = StandMaker(site, folder)
    request.addfinalizer(lambda: maker.end(request.session.testsfailed > failed_before))
    logs = [str(folder / "node1.log"), str(folder / "replier.log")]
    stand = maker(redis, support=[{"address": SUPPORT}, {"address": settings.SUPPORT}], log__files=logs,
                  reply__url_domains=["example.com", "support.example"], site__name="Example",
                  offers=[{"name": "credit", "text": "We credit one day.", "levels": ["gold"]}]).start()
    stand.declare("P1")
    letter = mail.outage_report("jane@customer.example", headers=[("Message-ID", MESSAGE_ID)])
    stand.send(letter)
    stand.mailbox("jane@customer.example").wait_reply()
    eventually(lambda: stand.replier.says("event=acknowledged"), what="the replier's log tells of the letter")
    stand.resolve("--fix", "It was renewed.")
    return Shell(folder, stand)


SCRIPTS = {name: [example for example in EXAMPLES if (example.file, example.kind) == (name, "sh")]
           for name in dict.fromkeys(example.file for example in EXAMPLES if example.kind == "sh")}


@pytest.mark.parametrize("name", SCRIPTS)
def test_commands_run(name, shell):
    shell.run(SCRIPTS[name])


# -- what is named is there

MARKDOWN = pytest.mark.parametrize("path", markdown_files(), ids=shown)
FILE_SUFFIXES = {"c", "h", "md", "conf", "cf", "py", "lua", "txt", "html", "eml", "json", "tsv", "sock", "db", "log", "service", "mc", "cf",
                 "acl", "model", "sh", "spec", "yml", "gz", "deb", "rpm", "snippet", "target", "example", "com", "net", "org", "socket"}


@pytest.fixture(scope="module")
def setting_names():
    """Every setting as its man page lists it; in groups of a list (support, routes, offers) without the list's name."""
    text = (TOP / "man" / "outage-milter.conf.5").read_text()
    return set(re.findall(r"^\.It Cm (\S+)", text, re.M))


@pytest.fixture(scope="module")
def options():
    """(program, command or "") -> the options that its --help lists."""
    def listed(*args: str) -> set[str]:
        text = run([build_dir() / args[0], *args[1:], "--help"]).stdout
        return set(re.findall(r"(?:^|[\s,])(-[a-zA-Z]\b|--[a-z][a-z-]+)", text)) | {"-c", "--help", "--version"}
    commands = re.findall(r"^  ([a-z]+)\b", run([build_dir() / "outagectl", "help", "admin"]).stdout, re.M)
    return {**{(name, ""): listed(name) for name in ("outage-milter", "outage-replier")}, ("outagectl", "help"): set(),
            **{("outagectl", name): listed("outagectl", name) for name in commands}}


def unknown_setting(text: str, names: set[str]) -> bool:
    name = re.match(r"([a-z_]+(?:\.[A-Za-z0-9_*]+)+)(?: = .*)?$", text)
    if name is None or (name[1].rpartition(".")[2] in FILE_SUFFIXES and name[1] not in names) or (TOP / text).exists():
        return False
    pattern = re.compile(re.escape(name[1]).replace(r"\*", r"[A-Za-z0-9_.]+") + r"(\..*)?$")
    return not any(pattern.match(known) for known in names)


def wrong_command(text: str, options: dict) -> str:
    """What is wrong with a command line of ours, or ""."""
    if text.split(" ")[0] not in ("outagectl", "outage-milter", "outage-replier"):
        return ""
    words = shlex.split(text.replace("...", ""))
    command = next((word for word in words[1:] if not word.startswith("-")), "") if words[0] == "outagectl" else ""
    if words[0] == "outagectl" and not command:
        return ""
    known = options.get((words[0], command))
    if known is None:
        return f"there is no command {command}"
    given = [re.match(r"\[?(--?[a-zA-Z][a-z-]*)", word) for word in words[1:]]
    return " ".join(option[1] for option in given if option and option[1] not in known)


@MARKDOWN
def test_settings_commands_and_headers_in_backticks_exist(path, setting_names, options):
    man = (TOP / "man" / "outage-milter.8").read_text()
    wrong = []
    for place, text in in_backticks(path):
        if unknown_setting(text, setting_names):
            wrong.append(f"{place}: no setting {text}")
        if complaint := wrong_command(text, options):
            wrong.append(f"{place}: {text}: {complaint}")
        for header in re.findall(r"\bX-Outage-[A-Z][A-Za-z-]*[A-Za-z]", text):
            if f".It {header}\n" not in man:
                wrong.append(f"{place}: no header {header}")
    assert wrong == []


@MARKDOWN
def test_files_links_and_man_pages_exist(path):
    wrong = []
    for place, target in links(path):
        file, _, anchor = target.partition("#")
        there = path.parent / file if file else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            wrong.append(f"{place}: {target}")
    for place, text in in_backticks(path):
        if re.match(r"(milter|conf|scripts|packaging|doc|tests|man)/[\w./*{},-]+$", text) and not re.search("[{]|[A-Z]{4}", text) \
                and not list(TOP.glob(text)):
            wrong.append(f"{place}: no file {text}")
    for name, section in re.findall(r"\b(outage(?:ctl|-[a-z]+(?:\.conf)?))\((\d)\)", path.read_text()):
        if not (TOP / "man" / f"{name}.{section}").exists():
            wrong.append(f"{shown(path)}: no man page {name}({section})")
    assert wrong == []


def test_every_document_is_reached_from_the_readme():
    readme = TOP / "README.md"
    reached = {(readme.parent / target.partition("#")[0]).resolve() for _, target in links(readme)}
    index = TOP / "doc" / "README.md"
    reached |= {(index.parent / target.partition("#")[0]).resolve() for _, target in links(index)}
    assert [shown(path) for path in markdown_files() if path.resolve() not in reached | {readme, index}] == []


def test_man_pages_refer_to_pages_that_exist():
    wrong = []
    for path in man_pages():
        for name, section in re.findall(r"\.Xr (outage\S+) (\d)", path.read_text()):
            if not (TOP / "man" / f"{name}.{section}").exists():
                wrong.append(f"{shown(path)}: {name}({section})")
    assert wrong == []


def test_settings_in_man_pages_exist(setting_names):
    wrong = []
    for path in man_pages():
        for line in path.read_text().splitlines():
            for name in re.findall(r"\b([a-z_]+\.[A-Za-z0-9_.*]*[A-Za-z0-9_*])", line) if ".Cm " in line or ".Va " in line else ():
                if not name.startswith(("escalate.", "sensitive.")) and unknown_setting(name, setting_names):
                    wrong.append(f"{shown(path)}: {name}")
    assert wrong == []


def test_outagectl_man_page_has_every_command_and_option(options):
    text = (TOP / "man" / "outagectl.1").read_text()
    missing = [command for program, command in options if program == "outagectl" and command != "help" and f"Cm {command}" not in text]
    for (program, command), known in options.items():
        if program == "outagectl":
            missing += [f"{command} {option}" for option in known if option.startswith("--") and option not in ("--help", "--config")
                        and f"Fl -{option[2:]}" not in text.replace("\\-", "-")]
    assert missing == []
