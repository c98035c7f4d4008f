"""The release: it builds, installs and uninstalls by itself, and is the same each time it is made."""

import os
import tarfile

from conftest import TOP
from machine import command


def test_the_tarball_builds_by_itself_and_is_reproducible(tmp_path, version):
    for folder in ("one", "two"):
        command(TOP / "scripts/package", "tarball", tmp_path / folder, env={**os.environ, "SOURCE_DATE_EPOCH": "1770000000"})
    [one] = (tmp_path / "one").iterdir()
    assert one.name == f"outage-milter-{version}.tar.xz"
    assert one.read_bytes() == (tmp_path / "two" / one.name).read_bytes()
    with tarfile.open(one) as archive:
        names = archive.getnames()
        assert not [name for name in names if name.endswith((".o", ".pyc")) or "/.git/" in name or "/.deps" in name]
        assert {member.uname for member in archive} | {member.gname for member in archive} <= {"", "root"}
        archive.extractall(tmp_path)
    # `make distcheck` builds it in a folder of its own out of a tree that cannot be written, installs it, takes it away again and sees
    # that nothing is left; the tests are built, and scripts/test has run them.
    tree = tmp_path / f"outage-milter-{version}"
    command("./configure", cwd=tree, timeout=200)
    command("make", f"-j{os.cpu_count()}", "distcheck", "TESTS=", cwd=tree, timeout=900)
