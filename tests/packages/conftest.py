"""pytest's fixtures: the packages are built once, while the bare machine is made beside it. All of it needs root."""

import re
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine import Machine, command  # noqa: E402

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def version() -> str:
    """configure.ac has it, and nothing else."""
    return re.search(r"^AC_INIT\(\[outage-milter\], \[(.*)\]\)$", (TOP / "configure.ac").read_text(), re.M)[1]


@pytest.fixture(scope="session")
def bare_machine(tmp_path_factory):
    """Returns a function that waits for it: it is made in the background."""
    folder = tmp_path_factory.mktemp("machine")
    machine = Machine(folder / "root")
    wrong: list[BaseException] = []

    def make() -> None:
        try:
            machine.bootstrap()
            machine.fetch("postfix", only=True)
        except BaseException as error:  # told where it is waited for
            wrong.append(error)

    maker = threading.Thread(target=make)
    maker.start()

    def get() -> Machine:
        maker.join()
        if wrong:
            raise wrong[0]
        return machine

    yield get
    maker.join()


@pytest.fixture(scope="session")
def deb(bare_machine, tmp_path_factory) -> Path:
    """Built, and found good by lintian."""
    folder = tmp_path_factory.mktemp("deb")
    command(TOP / "scripts/package", "--nocheck", "deb", folder, timeout=900)
    [package] = folder.glob("outage-milter_*.deb")
    return package


@pytest.fixture(scope="session")
def rpm(tmp_path_factory) -> Path:
    """Built, and found good by rpmlint."""
    folder = tmp_path_factory.mktemp("rpm")
    command(TOP / "scripts/package", "--nocheck", "rpm", folder, timeout=900)
    [package] = [file for file in folder.glob("outage-milter-*.rpm") if not re.search(r"\.src\.rpm$", file.name)]
    return package
