"""The life of the Debian package on a bare machine with systemd: installed, used, upgraded, removed, purged; each test goes on where
the one before it ended. Postfix comes after it, as the worst order of the two."""

import hashlib
import shutil
import time
from pathlib import Path

import pytest

from machine import Machine, command, eventually

CONF = "/etc/outage-milter/outage-milter.conf"
STATE = "/var/lib/outage-milter"
SOCKET = "/run/outage-milter/milter.sock"
UNITS = ("outage-milter.service", "outage-replier.service")

SEND = """
import smtplib, sys
with smtplib.SMTP("127.0.0.1", 25, timeout=20) as smtp:
    smtp.sendmail(sys.argv[1], ["support@mail.example.com"], ("From: <%s>\\nTo: <support@mail.example.com>\\nMessage-ID: <%s>\\n"
        "Authentication-Results: mail.example.com; spf=pass smtp.mailfrom=%s\\nSubject: Your site is down\\n\\n"
        "Nothing loads since ten minutes, we get error 503 on all pages. Is there an outage?\\n") % (sys.argv[1], sys.argv[2], sys.argv[1]))
"""


@pytest.fixture(scope="module")
def machine(bare_machine, deb):
    machine = bare_machine()
    shutil.copy(deb, machine.path("/outage-milter.deb"))
    needed = command("dpkg-deb", "-f", deb, "Pre-Depends", "Depends").stdout
    machine.fetch(*(word.split()[0] for line in needed.splitlines() for word in line.split(": ")[1].split(", ")))
    with machine.booted():
        yield machine


def files_of(folder: Path) -> dict[str, str]:
    """What every file under it holds, or where it leads."""
    return {str(file.relative_to(folder)): str(file.readlink()) if file.is_symlink() else hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(folder.rglob("*")) if file.is_symlink() or file.is_file()}


def mode_of(machine: Machine, name: str) -> str:
    return machine.run("stat", "-c", "%U:%G %a", name).stdout.strip()


def send(machine: Machine, sender: str) -> str:
    """Hands a report of the outage to the machine's own Postfix and returns it as the support mailbox got it."""
    ident = f"{time.monotonic_ns()}@customer.example"
    machine.from_here("/usr/bin/python3", "-c", SEND, sender, ident)
    mailbox = machine.path("/var/mail/support")

    def arrived() -> str | None:
        letters = mailbox.read_text(errors="replace").split("\nFrom ") if mailbox.exists() else []
        return next((letter for letter in letters if ident in letter), None)
    return eventually(arrived, 30, "the mail is in the support mailbox")


def raise_version(deb: Path, folder: Path) -> Path:
    """The same package as a later version would be: with one more setting explained and one more rule."""
    command("dpkg-deb", "-R", deb, folder / "next")
    control = folder / "next/DEBIAN/control"
    fields = control.read_text().replace("\nVersion: ", "\nVersion: 99.")
    control.write_text(fields)
    for name in ("outage-milter.conf", "rules/common.conf"):
        file = folder / "next/etc/outage-milter" / name
        file.write_text(file.read_text() + "# From a later version.\n")
    sums = folder / "next/DEBIAN/md5sums"
    sums.write_text("".join(line for line in sums.read_text().splitlines(True) if "etc/outage-milter" not in line))
    command("dpkg-deb", "--root-owner-group", "-b", folder / "next", folder / "next.deb")
    return folder / "next.deb"


def test_the_package_holds_what_admins_look_for(deb, version):
    listing = command("dpkg-deb", "-c", deb).stdout
    held = {line.split()[5].lstrip(".") for line in listing.splitlines()}
    for name in ("/usr/sbin/outage-milter", "/usr/sbin/outage-replier", "/usr/bin/outagectl", "/usr/libexec/outage-milter/outage-spf",
                 CONF, "/etc/outage-milter/model/outage.model", "/etc/outage-milter/templates/ja/ack-P1.txt",
                 "/usr/share/bash-completion/completions/outagectl.bash", "/usr/share/zsh/site-functions/_outagectl",
                 "/usr/share/doc/outage-milter/doc/packages.md", "/usr/share/doc/outage-milter/copyright",
                 "/usr/share/doc/outage-milter/examples/grafana/outage-milter.json",
                 "/usr/share/doc/outage-milter/examples/prometheus/outage-milter.rules.yml",
                 "/usr/share/doc/outage-milter/README.md", "/usr/share/man/man1/outagectl.1", "/usr/share/man/man5/outage-rules.5",
                 "/usr/share/man/man5/outage-templates.5", "/usr/share/outage-milter/Outage.pm",
                 "/usr/share/doc/outage-milter/examples/main.cf.snippet", "/usr/share/doc/outage-milter/examples/outage-milter.mc"):
        assert {name, f"{name}.gz"} & held, name
    assert any(name.startswith("/usr/share/man/man8/outage-milter.8") for name in held)
    assert not [name for name in held if name.startswith(("/etc/postfix", "/etc/mail", "/var/spool", "/run"))]
    assert command("dpkg-deb", "-f", deb, "Version").stdout.startswith(f"{version}-")
    kept = command("dpkg-deb", "-I", deb, "conffiles").stdout
    assert {name for name in held if name.startswith("/etc/") and not name.endswith("/")} == set(kept.split())
    # Built with all that the programs give up their privileges by.
    needed = command("dpkg-deb", "-f", deb, "Depends").stdout
    assert all(library in needed for library in ("libcap-ng0", "libseccomp2", "libsystemd0"))


def test_installing_starts_both_in_shadow_mode(machine):
    before = files_of(machine.path("/etc"))
    said = machine.install("/outage-milter.deb")
    assert "rror" not in said, said
    for unit in UNITS:
        assert machine.active(unit), machine.journal(unit)
        assert machine.run("systemctl", "is-enabled", unit).stdout.strip() == "enabled"
        assert machine.run("systemctl", "show", "-P", "Type", unit).stdout.strip() == "notify"
    assert "NO CUSTOMER IS BEING ANSWERED" in machine.journal(UNITS[0])
    after = files_of(machine.path("/etc"))
    changed = {name for name in before if after.get(name) != before[name]}
    new = {name for name in after if name not in before and not name.startswith("outage-milter/")}
    # The system user, and the links of the enabled units; nothing else of the machine.
    users = {name + old for name in ("passwd", "group", "shadow", "gshadow") for old in ("", "-")}
    assert changed <= users, changed
    assert new - users <= {f"systemd/system/multi-user.target.wants/{unit}" for unit in UNITS} | {".pwd.lock"}, new


def test_user_folders_and_modes(machine):
    assert machine.run("getent", "passwd", "outage-milter").stdout.strip().endswith(f":{STATE}:/usr/sbin/nologin")
    assert machine.run("id", "-nG", "outage-milter").stdout.split() == ["outage-milter"]
    assert mode_of(machine, STATE) == "outage-milter:outage-milter 750"
    assert mode_of(machine, CONF) == "root:root 644"
    for unit in UNITS:
        main = machine.run("systemctl", "show", "-P", "MainPID", unit).stdout.strip()
        assert mode_of(machine, f"/proc/{main}").startswith("outage-milter:outage-milter ")


def test_without_postfix_the_socket_is_in_a_plain_folder(machine):
    assert machine.run("test", "-L", "/run/outage-milter", check=False).returncode == 1
    assert mode_of(machine, SOCKET) == "outage-milter:outage-milter 660"
    assert not machine.path("/var/spool/postfix").exists()


def test_the_programs_find_all_that_is_installed(machine):
    said = machine.run("outage-milter", "-t").stdout
    assert "the configuration is good" in said, said
    assert "warning" not in said
    # Lua, rules, model and templates.
    assert "outage" in machine.run("outagectl", "status").stdout
    letter = machine.run("outagectl", "preview", "--incident", "P1", "--language", "ja").stdout
    assert any("\u3040" <= char <= "\u30ff" for char in letter), letter
    completed = machine.run("bash", "-c", "source /usr/share/bash-completion/completions/outagectl.bash && complete -p outagectl").stdout
    assert "outagectl" in completed


def test_postfix_that_comes_later_reaches_the_socket(machine):
    machine.run("debconf-set-selections", stdin=None, input="postfix postfix/main_mailer_type select Local only\n"
                "postfix postfix/mailname string mail.example.com\n")
    machine.install("postfix")
    # A chrooted smtpd sees the one, everybody else the other.
    folder = "/var/spool/postfix/outage-milter"
    eventually(lambda: machine.run("test", "-S", f"{folder}/milter.sock", check=False).returncode == 0, 30, "the socket has moved")
    assert machine.active(UNITS[0]), machine.journal(UNITS[0])
    assert mode_of(machine, folder) == "outage-milter:postfix 2750"
    assert mode_of(machine, f"{folder}/milter.sock") == "outage-milter:postfix 660"
    assert machine.run("test", "-S", SOCKET, check=False).returncode == 0
    assert machine.run("chroot", "/var/spool/postfix", "/bin/true", check=False).returncode != 0  # nothing is in there to look with
    assert "outage-milter" not in machine.run("postfix", "check").stdout
    assert machine.run("id", "-nG", "outage-milter").stdout.split() == ["outage-milter"]


def test_mail_in_shadow_mode_is_tagged_and_answered_by_nobody(machine):
    smtpd = machine.run("postconf", "-M", "smtp/inet").stdout.split()
    assert smtpd[4] == "y", "Debian's Postfix is chrooted"
    untouched = files_of(machine.path("/etc/postfix"))
    machine.run("adduser", "--quiet", "--disabled-password", "--gecos", "", "support")
    machine.run("sed", "-i", '1i support = ( { address = "support@mail.example.com"; } );', CONF)
    machine.run("sed", "-i", 's/^auth = {/auth = {\\n\\ttrusted_ids = ( "mail.example.com" );/', CONF)
    machine.run("outage-milter", "-t")
    for unit in UNITS:
        machine.run("systemctl", "reload", unit)
        eventually(lambda: "event=reload" in machine.journal(unit), 20, f"{unit} has read its configuration again")
        assert machine.active(unit)
    machine.run("postconf", "-e", "mydestination = mail.example.com, localhost",
                "smtpd_milters = { unix:/run/outage-milter/milter.sock, default_action=tempfail }")
    machine.run("postfix", "reload")
    machine.run("outagectl", "declare", "P1", "--title", "The site is down")
    eventually(lambda: "X-Outage-Ack: shadow" in send(machine, "jane@customer.example"), 20, "the incident is known")
    letter = send(machine, "joe@customer.example")
    assert "X-Outage-Match: yes" in letter and "X-Outage-Incident: default" in letter
    # Nothing waits to be sent, nothing was: what Postfix took came from us.
    assert machine.run("mailq").stdout.strip() == "Mail queue is empty"
    log = machine.run("journalctl", "--no-pager", "-o", "cat").stdout
    assert "jane@customer.example" in log
    assert "to=<jane@customer.example>" not in log and "to=<joe@customer.example>" not in log
    machine.run("postconf", "-X", "smtpd_milters")
    changed = {name for name, value in files_of(machine.path("/etc/postfix")).items() if untouched.get(name) != value}
    assert changed == {"main.cf"}  # by this test


def test_a_program_that_dies_comes_back(machine):
    before = machine.run("systemctl", "show", "-P", "MainPID", UNITS[0]).stdout.strip()
    machine.run("systemctl", "kill", "-s", "KILL", UNITS[0])
    eventually(lambda: machine.active(UNITS[0]) and machine.run("systemctl", "show", "-P", "MainPID", UNITS[0]).stdout.strip() != before, 40,
               "systemd starts it again")
    assert machine.run("test", "-S", "/var/spool/postfix/outage-milter/milter.sock", check=False).returncode == 0


def test_upgrade_keeps_what_was_changed_and_renews_what_was_not(machine, deb, tmp_path):
    postfix = files_of(machine.path("/etc/postfix"))
    shutil.copy(raise_version(deb, tmp_path), machine.path("/next.deb"))
    before = machine.run("systemctl", "show", "-P", "MainPID", UNITS[0]).stdout
    machine.install("/next.deb", options=("-o", "Dpkg::Options::=--force-confold"))
    conf = machine.path(CONF).read_text()
    assert conf.startswith("support = (") and "later version" not in conf
    assert "later version" in machine.path(f"{CONF}.dpkg-dist").read_text()
    assert "later version" in machine.path("/etc/outage-milter/rules/common.conf").read_text()
    for unit in UNITS:
        assert machine.active(unit), machine.journal(unit)
    assert machine.run("systemctl", "show", "-P", "MainPID", UNITS[0]).stdout != before
    assert "P1" in machine.run("outagectl", "status").stdout  # the store is as it was
    assert files_of(machine.path("/etc/postfix")) == postfix


def test_remove_keeps_configuration_and_state(machine):
    secret = machine.path(f"{STATE}/secret").read_bytes()
    machine.run("apt-get", "remove", "-y", "-q", "outage-milter")
    assert not machine.active(UNITS[0]) and not machine.active(UNITS[1])
    assert machine.path(CONF).read_text().startswith("support = (")
    assert machine.path(f"{STATE}/secret").read_bytes() == secret
    assert machine.run("getent", "passwd", "outage-milter", check=False).returncode == 0
    assert not machine.path("/var/spool/postfix/outage-milter").exists()
    assert not machine.path("/usr/sbin/outage-milter").exists()


def test_installed_again_it_goes_on(machine):
    machine.install("/next.deb")
    assert machine.active(UNITS[0]), machine.journal(UNITS[0])
    assert "P1" in machine.run("outagectl", "status").stdout


def test_purge_takes_all_away(machine):
    postfix = files_of(machine.path("/etc/postfix"))
    machine.run("apt-get", "purge", "-y", "-q", "outage-milter")
    for name in ("/etc/outage-milter", STATE, "/var/spool/postfix/outage-milter", "/var/spool/postfix/run", "/usr/libexec/outage-milter"):
        assert not machine.path(name).exists(), name
    assert machine.run("test", "-e", "/run/outage-milter", check=False).returncode == 1
    assert machine.run("getent", "passwd", "outage-milter", check=False).returncode == 2
    assert machine.run("getent", "group", "outage-milter", check=False).returncode == 2
    owned = machine.run("find", "/", "-xdev", "(", "-nouser", "-o", "-nogroup", ")", "-not", "-path", "/proc/*").stdout
    assert owned == ""
    assert files_of(machine.path("/etc/postfix")) == postfix
    assert not [name for name in files_of(machine.path("/etc/systemd")) if "outage" in name]
