"""pytest's fixtures: the MTA and Redis live for the whole run, a stand for one test.

The MTA is Postfix. With OUTAGE_MTA=sendmail in the environment it is Sendmail; tests of what only Postfix has carry the mark `postfix`
with the reason, and are left out then."""

import itertools
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from dns import DnsServer  # noqa: E402
from postfix import Postfix  # noqa: E402
from relay import FakeRelay  # noqa: E402
from process import free_port  # noqa: E402
from sendmail import Sendmail, own_network  # noqa: E402
from stand import Redis, Stand  # noqa: E402

# Of the site under test. Who plays somebody else's server takes what it likes.
Mta = {"postfix": Postfix, "sendmail": Sendmail}[os.environ.get("OUTAGE_MTA", "postfix")]

_customers = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "postfix(reason): needs what only Postfix has")
    if Mta is Sendmail:
        own_network()


def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if Mta is not Postfix and item.get_closest_marker("postfix")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Lets a fixture know how its test ended."""
    outcome = yield
    setattr(item, "report_" + outcome.get_result().when, outcome.get_result())


def open_folder(base: Path) -> Path:
    """Lets users without rights of their own, such as an MTA's, get to base."""
    for folder in (base, *base.parents):
        if folder != folder.parent and folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o055)
    return base


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Two MTAs; the second one is started when first asked for."""
    base = open_folder(tmp_path_factory.mktemp("site"))
    started: list[Mta] = []

    def get(count: int) -> list[Mta]:
        while len(started) < count:
            postfix = Mta(base, f"mx{len(started) + 1}")
            started.append(postfix)
            postfix.start()
        return started[:count]

    yield get
    for postfix in started:
        postfix.stop()


@pytest.fixture
def redis(tmp_path):
    """A fresh Redis."""
    server = Redis(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "redis"])
def store(request):
    """For tests that have to hold on either store: the Redis, or None for SQLite."""
    return request.getfixturevalue("redis") if request.param == "redis" else None


class StandMaker:
    """Builds stands that are not started yet, and ends them."""

    def __init__(self, site, folder: Path):
        self.site = site
        self.folder = folder
        self.made: list[Stand] = []

    def __call__(self, redis=None, nodes: int = 1, **changes) -> Stand:
        """changes: settings, with "__" for the dot: reply__tries=3."""
        postfixes = self.site(nodes)
        for postfix in postfixes:
            postfix.reset()
        changes = {name.replace("__", "."): value for name, value in changes.items()}
        self.made.append(Stand(self.folder, postfixes, redis, changes))
        return self.made[-1]

    def end(self, failed: bool) -> None:
        """Ends them; after a failure it shows what the programs said."""
        for stand in self.made:
            for log in sorted(stand.dir.glob("*.log")) if failed else ():
                print(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-60:]))
        for stand in self.made:
            stand.stop()


@pytest.fixture
def make_stand(site, tmp_path, request):
    """For a stand with settings of its own; one test long."""
    maker = StandMaker(site, tmp_path)
    yield maker
    reports = [getattr(request.node, f"report_{phase}", None) for phase in ("setup", "call")]
    maker.end(any(report is not None and report.failed for report in reports))


@pytest.fixture
def stand(make_stand) -> Stand:
    """A live site on SQLite with no incident; one test long."""
    return make_stand().start()


@pytest.fixture(scope="module")
def p1(site, tmp_path_factory, request):
    """A live site on SQLite with P1 declared, shared by all tests of a module: each brings its own senders."""
    failed_before = request.session.testsfailed
    maker = StandMaker(site, tmp_path_factory.mktemp("p1"))
    request.addfinalizer(lambda: maker.end(request.session.testsfailed > failed_before))  # also where the start fails
    stand = maker().start()
    stand.put_account("acme.example", account="Acme", level="platinum", manager="manager@support.example", respond_within="30m")
    stand.declare("P1", "--title", "Login and API are down", "--scope", "All customers in Europe", "--next-update", "30m")
    stand.wait_account("it@acme.example", "Acme")
    return stand


@pytest.fixture
def customer() -> str:
    """An address that no other test uses."""
    return f"customer{next(_customers)}@customer.example"


@pytest.fixture
def fake_relay():
    """A relay that can be made to fail."""
    relay = FakeRelay(free_port())
    yield relay
    relay.close()


@pytest.fixture
def dns():
    """A DNS server with an empty zone."""
    with DnsServer() as server:
        yield server
