"""A past incident with four hours of mail, written into an SQLite store: what a debrief is made of, without the four hours.

The incident is declared, updated and resolved by outagectl; then its times are moved back, and its figures are put in as the milters
would have counted them."""

import math
import sqlite3
from pathlib import Path

import settings
from process import build_dir, run

BEGIN = 1795273800 - 7 * 86400  # 2026-11-14T15:10:00Z: long enough ago that nothing of it is still going on, and kept all the same
RESOLVED = BEGIN + 200 * 60
HOSTILE = "<img src=x onerror=alert(1)>"
# (what was said, minutes after the declaration, minutes promised for the next word)
SAID = [("declare", 0, 30), ("severity", 8, None), ("We are looking into it.", 27, 30), ("A database server failed.", 72, 60),
        (f"Half of the customers can log in again {HOSTILE}\x1b", 130, 60)]


class History:
    """One site with one past incident. id: the incident's."""

    def __init__(self, folder: Path):
        self.dir = folder
        self.store = folder / "store.db"
        self.config = folder / "outage.conf"
        values = settings.standard(folder / "state", f"unix:{folder}/none", f"sqlite:{self.store}", 25)
        (folder / "state").mkdir()
        values["secret_file"] = str(folder / "secret")
        values["privacy.retention"] = "1000d"
        self.config.write_text(settings.to_libconfig(values))
        self.id = ""

    def ctl(self, *args: str, check: bool = True):
        return run([build_dir() / "outagectl", "-c", self.config, *args], check=check)

    def make(self) -> "History":
        self.ctl("declare", "P2", "--title", "Login and checkout fail for customers in Europe", "--scope", "Customers in Europe",
                 "--next-update", "30m")
        self.ctl("declare", "P1")
        for text, _, promised in SAID[2:]:
            # No shell hands a control character to outagectl, so one comes by hand.
            self.ctl("update", text.rstrip("\x1b"), "--next-update", f"{promised}m")
        self.ctl("resolve", "--cause", "A database server failed, and its replacement was not ready.", "--fix",
                 "The work was moved to another server.")
        with sqlite3.connect(self.store) as base:
            self._move_back(base)
            self._count(base)
        return self

    def _move_back(self, base: sqlite3.Connection) -> None:
        """Every event gets its time, and the incident its id."""
        stamp = "20261114T151000Z-default"
        self.id = stamp
        old = base.execute("SELECT id FROM state").fetchone()[0]
        minutes = [said[1] for said in SAID]
        step = 0
        for n, what in base.execute("SELECT n, what FROM events ORDER BY n").fetchall():
            step += what in ("severity", "resolved")
            at = RESOLVED if step > 1 else 0
            base.execute("UPDATE events SET at = ?, detail = replace(detail, ?, ?) WHERE n = ?", (at, old, stamp, n))
        opened = [row[0] for row in base.execute("SELECT n FROM events ORDER BY n")]
        index = -1
        for n, what in base.execute("SELECT n, what FROM events ORDER BY n").fetchall():
            if what == "opened" or what == "severity":
                index += 1
            elif what == "texts" and index >= 1 and n != opened[-1]:
                index += 1  # the texts of an update come before it
            if what == "resolved":
                break
            base.execute("UPDATE events SET at = ? WHERE n = ?", (BEGIN + minutes[min(index, len(minutes) - 1)] * 60, n))
            if what == "promise":
                base.execute("UPDATE events SET detail = strftime('%Y-%m-%dT%H:%M:%SZ', ?, 'unixepoch') WHERE n = ?",
                             (BEGIN + (minutes[index] + SAID[index][2]) * 60, n))
        base.execute("UPDATE events SET detail = detail || char(27) WHERE what = 'update' AND detail LIKE '%onerror%'")
        base.execute("UPDATE state SET id = ?, declared_at = ?, resolved_at = ?", (stamp, BEGIN, RESOLVED))
        for table in ("updates", "stats"):
            base.execute(f"UPDATE {table} SET id = ? WHERE id = ?", (stamp, old))
        base.execute("UPDATE texts SET value = ? WHERE field = 'id'", (stamp,))

    def _count(self, base: sqlite3.Connection) -> None:
        def add(id_: str, at: int, **counters: int) -> None:
            for name, n in counters.items():
                name = name.replace("__", ":").replace("_", "-") if "__" in name else name
                if n:
                    base.execute("INSERT INTO stats_minutes VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
                                 (id_, at, name, n))

        total = 0
        for minute in range(-120, 330):
            at = BEGIN + minute * 60
            calm = 1 + minute * 7 % 3 // 2
            rise = 14 / (1 + math.exp(-(minute - 5) / 6)) * (1 if minute < 60 else math.exp(-(minute - 60) / 70))
            wave = 4 * math.exp(-((minute - 215) / 14) ** 2)
            matched = round(rise + wave) if minute >= 0 else 0
            total += matched
            queued = matched * 6 // 10
            add("all", at, mail=calm + matched, up=2)
            add(self.id, at, mail=calm + matched, matched=matched, queued=queued)
            if matched and minute >= 200:
                add(self.id, at, severity__resolved=matched)
            if matched:
                add(self.id, at, held__already_acked=matched // 4, held__vip=matched // 7, held__unauthenticated=matched // 9,
                    language__en=matched - matched // 4, language__de=matched // 4, rule__site_down=matched // 2,
                    rule__http_5xx=matched // 3, rule__cannot_log_in=matched // 5, escalate__refund=minute % 17 == 0,
                    escalate__legal=minute % 97 == 0, sensitive__password=minute % 61 == 0)
                add(self.id, at, **({"escalate__still_affected": 1} if minute > 205 and minute % 9 == 0 else {}))
        self.matched = total
        for name, n in (("queued", 700), ("sent", 688), ("withdrawn", 12), ("sent:notice", 640)):
            base.execute("INSERT OR REPLACE INTO stats VALUES(?, ?, ?)", (self.id, name, n))
        for hour in range(168):
            base.execute("INSERT INTO baseline VALUES(?, ?, '1.0', 8)", (hour, f"{1.4 + 0.6 * math.sin(hour / 24 * 2 * math.pi):.3f}"))
        base.execute("INSERT INTO stats_outbound VALUES(1, ?)", (RESOLVED + 3600,))
        self._people(base)

    def _people(self, base: sqlite3.Connection) -> None:
        accounts = [("Acme Incorporated", 12, 66), ("Globex", 15, None), ("=HYPERLINK(\"https://evil.example/\")", 31, 210),
                    (HOSTILE, 44, 120), ("Wayne, Enterprises & Söhne", 50, 72)]
        for number, (name, first, answered) in enumerate(accounts):
            self._thread(base, f"account{number}", name, first, answered, 3 + number)
            base.execute("INSERT INTO stats_accounts VALUES(?, 0, ?, ?, ?)", (self.id, name, 3 + number, BEGIN))
        for number in range(95):
            answered = 20 + number * 3 if number % 5 else None
            self._thread(base, f"customer{number}", "", 2 + number, 2 + number + answered if answered else None, 1 + number % 2)

    def _thread(self, base: sqlite3.Connection, hash_: str, account: str, first: int, answered: int | None, mails: int) -> None:
        base.execute("INSERT INTO stats_threads VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                     (self.id, hash_, account, BEGIN + first * 60, BEGIN + (first + 9) * 60, BEGIN + answered * 60 if answered else 0,
                      mails, mails - 1))
