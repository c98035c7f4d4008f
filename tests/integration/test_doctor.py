"""outagectl doctor: a healthy site is well; each fault is named with the line that cures it, and that line, taken from its own words and put
where it says, does. Postfix is a real one: postconf writes what is broken and what is cured."""

import json
import os
import re
import shlex
import shutil

import pytest

from mail import outage_report
from postfix import Postfix
from process import TOP, eventually, free_port, pause, run
from stand import Stand

SIGNER = "{ inet:127.0.0.1:8891, default_action=accept, connect_timeout=1s }"


class Site:
    """A healthy site of its own, and the hands that break and mend it."""

    def __init__(self, folder):
        folder.chmod(0o755)
        for parent in folder.parents[:-1]:
            if parent.stat().st_mode & 0o005 != 0o005:
                parent.chmod(parent.stat().st_mode | 0o055)
        self.postfix = Postfix(folder, "mx1")
        self.entrance, self.replies = f"127.0.0.1:{self.postfix.milter_port}/inet", f"127.0.0.1:{self.postfix.plain_port}/inet"
        self.ours = f"{{ unix:{self.postfix.socket}, default_action=accept }}"
        self.postconf("-PX", f"{self.entrance}/milter_default_action")
        self.override(self.entrance, "smtpd_milters", f"inet:127.0.0.1:11332, {self.ours}")
        self.override(self.replies, "smtpd_milters", SIGNER)
        self.set("milter_default_action = accept")
        self.healthy = {path: path.read_text() for path in (self.postfix.config / "main.cf", self.postfix.config / "master.cf")}
        # One language of rules and of templates: what is not under test need not be read thirty times.
        self.usual = {"rules.dir": str(folder / "rules"), "template.dir": str(folder / "templates")}
        (folder / "rules").mkdir()
        for name in ("common.conf", "en.conf", "en-escalation.conf"):
            shutil.copy(TOP / "conf" / "rules" / name, folder / "rules")
        shutil.copytree(TOP / "conf" / "templates" / "en", folder / "templates" / "en")
        self.stand = Stand(folder, [self.postfix], changes=self.usual)
        self.redis: list[str] = []

    def postconf(self, *args: str) -> None:
        run(["postconf", "-c", self.postfix.config, *args])
        self._age(self.postfix.config / "master.cf")

    @staticmethod
    def _age(path) -> None:
        """Postfix waits until a file that it reads has been left alone for a second or two."""
        long_ago = path.stat().st_mtime - 3600
        os.utime(path, (long_ago, long_ago))

    def write(self, path, text: str) -> None:
        path.write_text(text)
        self._age(path)

    def override(self, service: str, name: str, value: str) -> None:
        """In master.cf, below the line of the service (NAME/TYPE), in place of what it has for that setting."""
        self._put_override(service, f"-o {{ {name} = {value} }}")

    def _put_override(self, service: str, line: str) -> None:
        path = self.postfix.config / "master.cf"
        wanted = service.rsplit("/", 1)
        name = re.match(r"-o \{ (\S+) = ", line).group(1)
        lines, inside = [], False
        for there in path.read_text().splitlines():
            if not there.startswith(" "):
                inside = there.split()[:2] == wanted
            elif inside and re.match(rf"\s+-o \{{? ?{name} ?=", there):
                continue
            lines.append(there)
            if inside and not there.startswith(" "):
                lines.append(f"  {line}")
        self.write(path, "\n".join(lines) + "\n")

    def set(self, *lines: str) -> None:
        """In main.cf, in place of what it has for these settings."""
        path = self.postfix.config / "main.cf"
        text = path.read_text()
        for line in lines:
            name = line.partition("=")[0].strip()
            text = re.sub(rf"(?m)^{name} *=.*\n", "", text) + f"{line}\n"
        self.write(path, text)

    def mend(self) -> None:
        """Postfix as it should be, whatever was done to it."""
        for path, text in self.healthy.items():
            self.write(path, text)

    def configure(self, **changes) -> None:
        """The standard configuration with these ("__" for the dot)."""
        self.stand.configure({**self.usual, **{name.replace("__", "."): value for name, value in changes.items()}})

    def doctor(self, *args: str, user: str | None = None) -> dict:
        """What it finds: check -> the findings of that name."""
        command = [self.stand.build / "outagectl", "-c", self.stand.node.config, "doctor", "--json", "--postfix", self.postfix.config,
                   "--opendkim", self.stand.dir / "opendkim.conf", "--sendmail", "/nonexistent", *args]
        for url in self.redis:
            command += ["--redis", url]
        done = run(command, check=False, user=user)
        assert done.stderr == "", done.stderr
        told = json.loads(done.stdout)
        assert done.returncode == (1 if told["wrong"] else 0)
        found: dict = {"": told}
        for finding in told["findings"]:
            found.setdefault(finding["check"], []).append(finding)
        return found

    def put(self, finding: dict) -> None:
        """Does what a finding says, as an admin would: its line goes where it says."""
        file, place, line = finding["file"], finding["place"], finding["line"]
        assert line, finding
        if file is None:
            run(shlex.split(line))
        elif file.endswith("main.cf"):
            self.set(line)
        elif file.endswith("master.cf") and place:
            self._put_override(place, line)
        else:
            self._put_setting(file, place, line)

    def _put_setting(self, file: str, group: str | None, line: str) -> None:
        text = self.stand.node.config.read_text() if file == str(self.stand.node.config) else ""
        indent = "\t" if group else ""
        name = line.partition(" = ")[0]
        start, end = 0, len(text)
        if group:
            if f"\n{group} = {{\n" not in text:
                text += f"{group} = {{\n}};\n"
            start = text.index(f"\n{group} = {{\n") + len(f"\n{group} = {{\n")
            end = text.index("\n}", start - 1) + 1
        inside = re.sub(rf"(?m)^{indent}{name} = .*\n", "", text[start:end])
        with open(file, "w", encoding="utf-8") as out:
            out.write(text[:start] + f"{indent}{line}\n" + inside + text[end:])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("doctor"))
    made.postfix.start()
    try:
        with made.stand:
            yield made
    finally:
        made.postfix.stop()


def cured(site: Site, *checks: str) -> dict:
    """Each of these is found wrong, with a line; once all lines are put in, none is. Returns what was found."""
    found = site.doctor()
    for check in checks:
        assert check in found, (check, found[""])
        assert found[check][0]["severity"] == "wrong" and found[check][0]["means"], found[check]
    for check in checks:
        site.put(found[check][0])
    left = site.doctor()
    assert left["configuration"][0]["severity"] == "fine", left["configuration"]
    assert not set(checks) & set(left), {check: left[check] for check in checks if check in left}
    return found


def test_a_healthy_site_is_well_and_its_mail_passes(site):
    found = eventually(lambda: (lambda now: now if not now[""]["wrong"] else None)(site.doctor()), 20, "all is well")
    assert found[""]["summary"] == "all is well" and found[""]["look"] == 0
    assert {"configuration", "postfix", "replies", "programs", "secret"} == set(found) - {""}
    # The same in words, and Postfix takes this configuration for what the doctor takes it for.
    said = run([site.stand.build / "outagectl", "-c", site.stand.node.config, "doctor", "--postfix", site.postfix.config, "--opendkim",
                "/nonexistent", "--sendmail", "/nonexistent"]).stdout
    assert said.startswith("all is well\n") and "last, and goes on without it" in said
    received = site.stand.deliver(outage_report("jane@customer.example", headers=[("X-Outage-Queue", "forged")]))
    assert "Queue" not in received.outage()


def test_how_postfix_reaches_the_milter(site):
    site.override(site.entrance, "smtpd_milters", "inet:127.0.0.1:11332")
    site.set(f"non_smtpd_milters=unix:{site.postfix.socket}")
    assert "non_smtpd_milters" in cured(site, "milter-absent")["milter-absent"][0]["what"]
    site.mend()
    # Before another one, deferring while it is away, by an old protocol.
    site.override(site.entrance, "smtpd_milters", f"unix:{site.postfix.socket}, {{ inet:127.0.0.1:11332, default_action=quarantine }}")
    site.set("milter_protocol=2", "milter_default_action=tempfail")
    cured(site, "milter-order", "milter-default-action", "milter-protocol")
    site.mend()
    site.override(site.entrance, "smtpd_milters", str(site.postfix.socket))
    cured(site, "milter-notation")
    site.mend()
    folder = site.postfix.socket.parent
    mode = folder.stat().st_mode & 0o777
    folder.chmod(0o700)
    site.set("recipient_delimiter=-")
    site.configure(reply__bounce_address="bounces@support.example")
    cured(site, "milter-permissions", "recipient-delimiter")
    folder.chmod(mode)
    site.configure()
    site.mend()


def test_a_chrooted_smtpd_and_mail_that_comes_back_from_a_filter(site):
    filtered = f"127.0.0.1:{free_port()}/inet"
    site.postconf("-M", f"{filtered}={filtered.partition('/')[0]} inet n - n - - smtpd")
    site.override(filtered, "smtpd_milters", site.ours)
    site.override(site.entrance, "content_filter", "smtp:[127.0.0.1]:10024")
    cured(site, "milter-twice")
    site.mend()
    # In a chroot the path counts from the queue directory: the socket moves there.
    site.postconf("-F", f"{site.entrance}/chroot=y")
    site.override(site.entrance, "smtpd_milters", "{ unix:/milter/milter.sock, default_action=accept }")
    cured(site, "milter-socket")
    site.configure()
    # As the packages do it: the same path inside, by a link.
    site.override(site.entrance, "smtpd_milters", site.ours)
    assert "milter-socket" in site.doctor()
    inside = site.postfix.dir / "queue" / site.postfix.socket.relative_to("/").parent
    inside.parent.mkdir(parents=True)
    inside.symlink_to(os.path.relpath(site.postfix.socket.parent, inside.parent))
    assert "milter-socket" not in site.doctor()
    site.mend()


def test_results_that_anybody_may_have_written(site):
    site.configure(auth__all_instances=True)
    cured(site, "forged-results")
    site.configure(auth__all_instances=True)
    checks = site.postfix.dir / "authentication_results"
    site.write(checks, "/^Received:/ IGNORE\n")
    site.set(f"header_checks = regexp:{checks}")
    assert site.doctor()["forged-results"][0]["severity"] == "wrong"
    site.write(checks, "/^Authentication-Results[[:space:]]*:/ IGNORE\n")
    assert "forged-results" not in site.doctor()
    site.configure()
    site.mend()


def test_replies_leave_signed_and_by_a_port_of_their_own(site):
    site.override(site.replies, "smtpd_milters", site.ours)
    cured(site, "reply-port", "reply-unsigned")
    site.mend()
    site.override(site.replies, "receive_override_options", "no_unknown_recipient_checks,no_milters")
    dkim = site.stand.dir / "opendkim.conf"
    dkim.write_text("# ours\nMode v\nDomain other.example\n")
    found = site.doctor()
    assert found["dkim-domain"][0]["line"] == "Domain other.example, support.example" and found["dkim-mode"][0]["line"] == "Mode sv"
    dkim.write_text("".join(f"{found[check][0]['line']}\n" for check in ("dkim-mode", "dkim-domain")))
    cured(site, "reply-no-milters")
    assert not {"dkim-domain", "dkim-mode"} & set(site.doctor())
    dkim.unlink()
    site.mend()


def test_what_the_configuration_lacks(site):
    config = site.stand.node.config
    site.configure(support=None, auth__trusted_ids=[], spf__nameserver=f"127.0.0.1:{free_port()}", spf__timeout="200ms")
    cured(site, "support", "authentication")
    # SPF is on now, and nobody answers it.
    assert site.doctor()["dns"][0]["severity"] == "wrong"
    # Mistakes stand there as outage-milter -t says them, in the configuration and in what it names.
    site.configure(mode="alive")
    assert f"{config}:1:" in site.doctor()["configuration"][0]["what"]
    templates = site.stand.dir / "templates"
    letter = (templates / "en" / "ack-P1.txt").read_text()
    (templates / "en" / "ack-P1.txt").write_text("Subject: x\n\n{{nonsense}}\n")
    site.configure()
    assert "ack-P1.txt" in site.doctor()["configuration"][0]["what"]
    (templates / "en" / "ack-P1.txt").write_text(letter)
    # A secret that all can read; what a package left; and somebody who may not look.
    site.configure()
    (site.stand.dir / "secret").chmod(0o644)
    leftover = config.with_name(config.name + ".dpkg-dist")
    leftover.touch()
    cured(site, "secret-readable")
    assert site.doctor()["leftover"][0]["severity"] == "look"
    leftover.unlink()


def test_somebody_who_may_not_look_is_told_what_was_not_looked_at(site):
    (site.stand.dir / "secret").chmod(0o600)
    unread = site.doctor(user="nobody")["unread"]
    assert [finding for finding in unread if "secret" in finding["what"]], unread


def test_a_key_that_nobody_follows(site, redis):
    redis.client().set("outage:incident", "P1")
    site.redis = [redis.url]
    cured(site, "flip-elsewhere")
    site.redis = []
    site.configure()


def test_shadow_mode_in_an_incident(site):
    site.configure(mode="shadow")
    assert site.doctor()["shadow"][0]["severity"] == "look"
    site.stand.ctl("declare", "P2")
    cured(site, "shadow")
    site.stand.ctl("clear")
    site.configure()


def test_a_gateway_in_front_is_named_and_may_be_trusted(site):
    site.configure(spf__enabled=True, spf__nameserver=f"127.0.0.1:{free_port()}", spf__timeout="100ms")
    # It was so for an hour already.
    hour_ago = site.stand.node.config.stat().st_mtime - 3600
    os.utime(site.stand.node.config, (hour_ago, hour_ago))
    for number in range(12):
        site.stand.send(outage_report(f"writer{number}@customer.example", auth=False), client="192.0.2.7")
    found = eventually(lambda: (lambda now: now if "gateway" in now else pause(0.2))(site.doctor()), 15, "the gateway is named")
    assert found["gateway"][0]["line"] == 'trusted_relays = ( "192.0.2.7" );' and found["gateway"][0]["place"] == "spf"
    cured(site, "gateway")
    assert "unauthenticated" not in site.doctor()
    site.configure()
