"""doc/contract.md names what the code names: whoever changes one of them changes the page first."""

import re
from pathlib import Path

from process import TOP
from test_outagectl import CHECK_KEYS

CONTRACT = TOP / "doc" / "contract.md"
TRAPS = TOP / "doc" / "library-traps.md"
SOURCES = [path for kind in ("*.c", "*.h", "*.lua") for path in sorted((TOP / "milter").rglob(kind))]


def section(number: int) -> str:
    """The text of a numbered section."""
    return re.search(rf"^## {number}\. .*?(?=^## |\Z)", CONTRACT.read_text(), re.M | re.S)[0]


def first_cells(text: str) -> list[str]:
    """What stands in backticks in the first column of its tables."""
    return [name for row in re.findall(r"^\|([^|]*)\|", text, re.M) for name in re.findall(r"`([^`]+)`", row)]


def source(name: str) -> str:
    return (TOP / "milter" / name).read_text()


def test_every_key_in_redis_is_named():
    """A key whose name ends in a colon goes on with what belongs to it."""
    used = set()
    for path in (TOP / "milter" / "store").glob("redis*.c"):
        used |= set(re.findall(r'\b(?:redis_key|numbered_key)\([^"()]+, "([a-z:]+)"', path.read_text()))
        used |= set(re.findall(r'\[NOTES_\w+\] = \{ "([a-z:]+)"', path.read_text()))
    for path in (TOP / "milter" / "store" / "lua").glob("*.lua"):
        used |= set(re.findall(r"'((?:rate|past|state):[a-z:]*)'", path.read_text()))
    named = re.findall(r"`outage:([\w:]+)`", section(5))
    assert {"acked:", "rate:site:", "contacts:", "stats:minute:", "incident"} < used and len(used) > 30
    assert [key for key in sorted(used) if key not in named and not (key.endswith(":") and any(name.startswith(key) for name in named))] == []


def test_fields_of_a_state_and_of_the_texts_are_all_named():
    fields = re.findall(r"'(\w+)'", re.search(r"STATE_FIELDS = \{(.*?)\}", source("store/lua/incident.lua"), re.S)[1])
    texts = re.findall(r'\[TEXT_\w+\] = "(\w+)"', source("incident/incident.c"))
    named = set(re.findall(r"`(\w+)`", section(4)))
    assert len(fields) == 10 and len(texts) == 16
    assert set(fields + texts) - named == set()


def test_reasons_stand_in_the_order_of_the_code():
    reasons = re.findall(r'\[REASON_\w+\] = "([a-z-]+)"', source("inspect/answerable.c"))
    assert len(reasons) == 26
    assert re.search(r"```text\n(.*?)```", section(8), re.S)[1].split() == reasons


def test_headers_are_those_of_the_code():
    written = re.findall(r'(?:add_own|add_list)\(verdict, config, "([\w-]+)"', source("inspect/verdict-headers.c"))
    named = re.findall(r"^X-Outage-([\w-]+)", section(7), re.M)
    assert len(named) == len(set(named)) and set(named) == set(written)


def test_members_of_check_are_those_that_it_prints():
    assert first_cells(section(10)) == CHECK_KEYS


def test_comments_point_to_numbers_that_are_there():
    numbers = {CONTRACT.name: re.findall(r"^## (\d+)\. ", CONTRACT.read_text(), re.M),
               TRAPS.name: re.findall(r"^(\d+)\. ", TRAPS.read_text(), re.M)}
    assert all(found == [str(i) for i in range(1, len(found) + 1)] and found for found in numbers.values())
    pointers = [(str(path.relative_to(TOP)), Path(page).name, number) for path in SOURCES
                for page, list_of in re.findall(r"(doc/(?:contract|library-traps)\.md)\s(?:[*-]+\s+)?((?:\d+(?:, | and | to )?)+)",
                                                path.read_text())
                for number in re.findall(r"\d+", list_of)]
    assert len(pointers) > 30
    assert [pointer for pointer in pointers if pointer[2] not in numbers[pointer[1]]] == []
