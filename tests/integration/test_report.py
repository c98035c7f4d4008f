"""The debrief: a short real incident, from the first mail to the second wave, in every format; and the page as a browser sees it."""

import csv
import io
import json

from browser import Browser
from history import BEGIN, HOSTILE, History
from mail import PLAIN_TEXT, Letter, outage_report
from process import eventually
from settings import SUPPORT

TITLE = 'Login <script>alert("x")</script> fails'
UPDATE = "=2+3 <b>We are</b> moving & working"
ACCOUNT = '=HYPERLINK("https://evil.example/?a,b")'
GERMAN = ("Hallo,\n\nIhre Website ist seit heute Morgen nicht erreichbar, und niemand bei uns kann sich anmelden. Gibt es eine "
          "Störung?\n\nViele Grüße\n")
STILL = "Hello,\n\nthe outage is still not fixed: your website is still down for us and nobody can log in.\n\nRegards\n"
SECTIONS = ["Volume", "Accounts, and how long they waited for a person", "Updates against promise", "Timeline",
            "What customers were told", "What the mail was", "The second wave, after the fix"]


def debrief(stand, *args: str) -> dict:
    return json.loads(stand.ctl("report", *args, "--json").stdout)


def answer(stand, letter: Letter) -> None:
    """Somebody of the support team answers."""
    sent = Letter(SUPPORT, "Re: your message", "We are on it.\n\nJane", to=letter.sender, headers=[("In-Reply-To", letter.message_id)])
    stand.send(sent)
    stand.mailbox(letter.sender).wait_id(sent.message_id)


def incident(stand) -> None:
    """What happens: eight mails, an update, an answer of a person, the fix, and one who says that it is none."""
    stand.put_account("acme.example", account=ACCOUNT, level="platinum")
    stand.put_account("globex.example", account="Globex", level="gold")
    stand.ctl("declare", "P2", "--title", TITLE, "--next-update", "30m")
    stand.wait_word("P2")
    stand.wait_account("it@acme.example", "HYPERLINK")
    stand.wait_account("it@globex.example", "Globex")
    account = outage_report("it@acme.example")
    for letter in [outage_report("jane@customer.example"), outage_report("jane@customer.example", subject="Still 503 errors"), account,
                   outage_report("it@globex.example"), Letter("max@kunde.example", "Website nicht erreichbar, Störung?", GERMAN),
                   outage_report("forged@customer.example", auth=False),
                   Letter("joe@customer.example", "My invoice", "Please send me the invoice of October once more.\n")]:
        stand.deliver(letter)
    stand.ctl("update", UPDATE, "--phase", "identified", "--next-update", "1h")
    answer(stand, account)
    stand.settle()
    stand.ctl("resolve", "--fix", "Moved.")
    stand.wait_word("resolved")
    stand.deliver(Letter("late@customer.example", "Your outage is not fixed", STILL))


def check_figures(report: dict) -> None:
    assert report["severity"] == "P2" and not report["open"] and report["unread"] == [] and len(report["summary"]) == 3
    assert report["texts"]["title"] == TITLE and report["texts"]["fix"] == "Moved."
    said = [(event["what"], event["detail"]) for event in report["timeline"]]
    assert said[0][0] == "opened" and ("update", UPDATE) in said and "resolved" in dict(said)
    assert report["held_back"]["vip"] == 2 and report["held_back"]["already-acked"] == 1 and report["held_back"]["unauthenticated"] >= 1
    assert report["languages"]["de"] == 1 and report["languages"]["en"] >= 6 and report["rules"]
    # Kept: the update came at once, and so did the end.
    assert [(gap["promised_by"], gap["overdue_minutes"]) for gap in report["promises"]] == [("next_update_at", 0)] * 2
    assert report["surge"]["peak_a_minute"] > 0 and report["surge"]["factor"] is None
    receipts, responses = report["receipts"], report["first_responses"]
    assert receipts["queued"] == receipts["sent"] == 3  # Jane, Max and the fence
    assert responses["observable"] and responses["answered"] == 1 and responses["median_seconds"] <= 60
    # Six of those who wrote have no answer: two customers, the fence, the forged one, Globex, and who came after the fix.
    assert (report["mail"]["customers"], responses["unanswered"], responses["wrote_again"]) == (7, 6, 1)
    first, second = report["accounts"]
    assert (first["account"], first["still_waiting"], first["first_answer"]) == ("Globex", 1, None)
    assert (second["account"], second["still_waiting"], second["mails"]) == (ACCOUNT, 0, 1) and second["first_answer"]
    assert report["second_wave"]["matched"] == report["second_wave"]["still_affected"] == 1


def test_debrief_of_a_real_incident(make_stand, redis):
    stand = make_stand(redis).start()
    none = stand.ctl("report", check=False)
    assert none.returncode == 1 and "there has been no incident yet" in none.stderr
    incident(stand)
    eventually(lambda: debrief(stand)["second_wave"]["still_affected"], 20, "the milter has told what it counted")
    report = debrief(stand)
    check_figures(report)
    text = stand.ctl("report").stdout
    assert "STILL WAITING" in text and "unknown: no baseline yet" in text and "not fixed" in text
    page = stand.ctl("report", "--html", "-").stdout
    for hostile in (TITLE, UPDATE, "<script>", "<b>We"):
        assert hostile not in page
    assert "Login &lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; fails" in page and "it@acme.example" not in page + text
    rows = list(csv.reader(io.StringIO(stand.ctl("report", "--csv").stdout)))
    assert rows[0][:6] == ["account", "mails", "first_mail", "first_answer_of_a_person", "minutes_waited", "still_waiting"]
    assert [row[0] for row in rows[1:]] == ["Globex", "'" + ACCOUNT] and rows[1][5] == "1" and rows[2][3]
    # Its name goes to the next one; the debrief is still there under its id.
    stand.ctl("clear")
    stand.ctl("pause", "of the next")
    stand.ctl("resume")
    assert {"pause", "resume"}.isdisjoint(event["what"] for event in debrief(stand, "default")["timeline"])
    stand.ctl("declare", "other", "P3", "--title", "Another")
    assert debrief(stand)["incident"] == "other" and debrief(stand, "default")["id"] == report["id"]
    wrong = stand.ctl("report", "20200101T000000Z-default", check=False)
    assert wrong.returncode == 1 and "outagectl log" in wrong.stderr


PROBE = """(() => {
  const of = selector => [...document.querySelectorAll(selector)];
  return {
    title: document.title, lang: document.documentElement.lang, style: getComputedStyle(document.body).backgroundColor,
    text: getComputedStyle(document.body).color, wide: document.documentElement.scrollWidth,
    main: of('main').length, h1: of('h1').map(h => h.textContent), sections: of('h2').map(h => h.textContent),
    bars: of('figure').map(f => f.querySelectorAll('rect.bar').length), lines: of('path.expected').length,
    named: of('svg.chart').every(s => s.getAttribute('role') === 'img' && s.getAttribute('aria-labelledby').split(' ').every(
      id => document.getElementById(id).textContent !== '')),
    marks: of('figure:first-of-type text.mark').map(t => t.textContent),
    outside: of('figure text').filter(t => { const r = t.getBoundingClientRect();
      return r.width > 0 && (r.left < -1 || r.right > innerWidth + 1); }).map(t => t.textContent),
    captions: of('table').every(t => t.caption !== null && t.caption.textContent !== ''),
    scopes: of('th').every(th => th.scope === 'col' || th.scope === 'row'),
    accounts: of('section:has(#accounts) tbody tr').map(tr => [...tr.cells].map(c => c.textContent)),
    scripts: of('script, img, link, iframe, object, [style], [onerror]').length,
  };
})()"""


def colour(text: str) -> float:
    """Relative luminance of WCAG 2.1 of "rgb(r, g, b)"."""
    parts = [int(part) / 255 for part in text.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted([colour(one), colour(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_page_in_a_browser(tmp_path):
    """Of an incident in SQLite, which the other formats tell of in the same way."""
    history = History(tmp_path).make()
    page = tmp_path / "debrief.html"
    history.ctl("report", "--html", page)
    assert page.stat().st_mode & 0o777 == 0o600
    report = json.loads(history.ctl("report", history.id, "--json").stdout)
    steps = [step for step in report["volume"]["steps"] if step["mail"] is not None]
    assert report["mail"]["matched"] == history.matched and 10 < report["surge"]["factor"] < 20
    assert [gap["overdue_minutes"] for gap in report["promises"]] == [0, 15, 0, 10]
    text = history.ctl("report").stdout
    assert "\x1b" not in text and f"{HOSTILE}\\x1b" in text and "15 min late" in text and "surge factor" in text
    with Browser(tmp_path) as browser:
        desk, phone, dark = browser.open(page), browser.open(page, width=360), browser.open(page, dark=True)
        for look in (desk, phone, dark):
            assert look.requests == [page.as_uri()] and look.complaints == []
        seen = desk.ask(PROBE)
        assert seen["lang"] == "en" and seen["main"] == 1 and seen["h1"] == [seen["title"]] == [report["texts"]["title"]]
        assert seen["sections"] == SECTIONS
        assert seen["bars"] == [len(steps)] * 2 and seen["lines"] == 1 and seen["named"]
        assert seen["marks"] == ["declared P2", "now P1", "update", "update", "update", "resolved"]
        assert seen["captions"] and seen["scopes"] and seen["scripts"] == 0
        assert [row[0] for row in seen["accounts"]] == [account["account"] for account in report["accounts"]]
        assert HOSTILE in [row[0] for row in seen["accounts"]] and len(seen["accounts"]) == 5
        small, night = phone.ask(PROBE), dark.ask(PROBE)
        assert small["wide"] == 360 and small["outside"] == [] and seen["wide"] == 1100 and seen["outside"] == []
        assert colour(seen["style"]) > 0.9 and colour(night["style"]) < 0.05
        assert contrast(seen["style"], seen["text"]) >= 7 and contrast(night["style"], night["text"]) >= 7
        # The skip link is the first thing that a keyboard reaches.
        assert desk.ask("document.querySelector('a').className") == "skip"
        assert phone.screenshot().startswith(b"\x89PNG") and desk.pdf().startswith(b"%PDF-")
