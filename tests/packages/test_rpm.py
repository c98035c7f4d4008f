"""The RPM on a root that has nothing of it: what it holds, and that it installs, checks its configuration, and goes again."""

import shutil

import pytest

from machine import command

CONF = "/etc/outage-milter/outage-milter.conf"


def test_the_rpm_holds_what_admins_look_for(rpm, version):
    held = set(command("rpm", "-qpl", rpm).stdout.split())
    for name in ("/usr/sbin/outage-milter", "/usr/sbin/outage-replier", "/usr/bin/outagectl", "/usr/libexec/outage-milter/outage-spf",
                 "/usr/libexec/outage-milter/socket-folder", CONF, "/usr/lib/systemd/system/outage-milter.service",
                 "/usr/lib/systemd/system/outage-replier.service", "/usr/lib/systemd/system/outage-milter.service.d/socket.conf",
                 "/usr/lib/sysusers.d/outage-milter.conf", "/var/lib/outage-milter", "/usr/share/licenses/outage-milter",
                 "/usr/share/doc/outage-milter/README.md", "/usr/share/doc/outage-milter/doc/packages.md",
                 "/usr/share/doc/outage-milter/examples/grafana/outage-milter.json", "/usr/share/outage-milter/Outage.pm",
                 "/usr/share/man/man1/outagectl.1", "/usr/share/man/man5/outage-rules.5"):
        assert any(have.startswith(name) for have in held), name
    assert not [name for name in held if name.startswith(("/etc/postfix", "/etc/mail", "/var/spool", "/run"))]
    assert command("rpm", "-qp", "--qf", "%{VERSION}", rpm).stdout == version
    # What an admin may change stays at an upgrade.
    assert {name for name in held if name.startswith("/etc/outage-milter/") and "." in name} <= \
        set(command("rpm", "-qp", "--configfiles", rpm).stdout.split())
    # The plugin for Request Tracker does not ask for Request Tracker.
    assert "perl(" not in command("rpm", "-qp", "--requires", "--provides", rpm).stdout


@pytest.fixture(scope="module")
def root(bare_machine, deb, rpm):
    """The bare machine, off, with the libraries that the Debian package asks for."""
    machine = bare_machine()
    shutil.copy(deb, machine.path("/outage-milter.deb"))
    machine.path("/usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    machine.path("/usr/sbin/policy-rc.d").chmod(0o755)
    machine.chroot("apt-get", "install", "-y", "-q", "--no-install-recommends", "/outage-milter.deb", timeout=500)
    machine.chroot("apt-get", "purge", "-y", "-q", "outage-milter")
    return machine


def test_the_rpm_installs_and_goes_again(root, rpm):
    database = ["rpm", "--root", root.root, "--define", "_dbpath /var/lib/rpm"]
    command(*database, "--nodeps", "-i", rpm)
    try:
        assert root.chroot("getent", "passwd", "outage-milter").stdout.split(":")[5] == "/var/lib/outage-milter"
        assert root.chroot("stat", "-c", "%U:%G %a", "/var/lib/outage-milter").stdout.strip() == "outage-milter:outage-milter 750"
        assert "the configuration is good" in root.chroot("outage-milter", "-t").stdout
        root.path(CONF).write_text(root.path(CONF).read_text() + "# Ours.\n")
    finally:
        command(*database, "--nodeps", "-e", "outage-milter")
    assert root.path(f"{CONF}.rpmsave").read_text().endswith("# Ours.\n")
    assert not root.path("/usr/sbin/outage-milter").exists()
    shutil.rmtree(root.path("/etc/outage-milter"))
