"""What the site's settings change: shadow mode, canaries, trusted hosts, no support addresses, who runs as whom."""

import os
import pwd
import stat

from mail import Letter, OUTAGE_TEXT, ack, outage_report, parse_value, reasons
from settings import BILLING, SUPPORT
from stand import reload

FORGED = [("X-Outage-Queue", "escalations"), ("X-Outage-Match", "yes; score=99")]


def test_shadow_mode_tags_but_answers_nobody(make_stand, customer):
    stand = make_stand(mode="shadow").start()
    declared = stand.ctl("declare", "P1")
    assert "NO CUSTOMER" in (declared.stdout + declared.stderr).upper()
    stand.wait_word("P1")
    received = stand.deliver(outage_report(customer))
    assert ack(received) == "shadow"
    assert received.one("X-Outage-Queue") == "surge"
    stand.wait_quiet()
    assert "NO CUSTOMER" in stand.ctl("status", check=False).stdout.upper()
    # Shadow leaves no marks behind: once live, the same customer is answered.
    stand.configure({"mode": "live"})
    assert "still works in shadow mode" in stand.ctl("status", check=False).stdout.splitlines()[0]
    stand.node.reload()
    reload(stand.replier)
    assert ack(stand.deliver(outage_report(customer))) == "queued"
    stand.mailbox(customer).wait_reply()
    assert len(stand.mailbox(customer).messages()) == 1


def test_canary_is_answered_in_shadow_mode(make_stand, customer):
    stand = make_stand(mode="shadow", canary=["@corp.example"]).start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "shadow"
    assert ack(stand.deliver(outage_report("tester@corp.example"))) == "queued"
    stand.mailbox("tester@corp.example").wait_reply()
    stand.wait_quiet()
    assert stand.mailbox(customer).messages() == []


def test_support_addresses_have_modes_of_their_own(make_stand, customer):
    stand = make_stand(mode="shadow", support=[{"address": SUPPORT}, {"address": BILLING, "mode": "live"}]).start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer))) == "shadow"
    assert ack(stand.deliver(outage_report(customer, to=BILLING))) == "queued"
    stand.mailbox(customer).wait_reply()


def test_support_can_be_a_whole_domain(make_stand, customer):
    stand = make_stand(support=[{"domain": "support.example"}]).start()
    stand.declare("P1")
    assert ack(stand.deliver(outage_report(customer, to="anything@support.example"))) == "queued"
    stand.mailbox(customer).wait_reply()


def test_headers_of_a_trusted_host_are_kept(make_stand, customer):
    stand = make_stand(trusted_hosts=["192.0.2.0/28"]).start()
    stand.declare("P1")
    kept = stand.deliver(outage_report(customer, headers=FORGED), client="192.0.2.7")
    assert kept.outage() == {"Queue": "escalations", "Match": "yes; score=99"}
    removed = stand.deliver(outage_report(customer, headers=FORGED), client="192.0.2.77")
    assert removed.one("X-Outage-Queue") == "surge"


def test_without_support_addresses_only_forged_headers_are_touched(make_stand, customer):
    stand = make_stand(support=[]).start()
    stand.ctl("declare", "P1")
    assert stand.deliver(outage_report(customer, headers=FORGED)).outage() == {}


def test_without_an_incident_nothing_is_tagged(stand, customer):
    received = stand.deliver(outage_report(customer, headers=FORGED))
    assert received.outage() == {}
    assert b"x-outage-" not in received.raw.lower()


def test_accounts_are_tagged_always_where_the_site_wants_it(make_stand):
    stand = make_stand(route__always=True).start()
    stand.put_account("acme.example", account="Acme", level="gold")
    stand.wait_account("jane@acme.example", "Acme")
    received = stand.deliver(Letter("jane@acme.example", "A question", "Where do I find the invoices?\n"))
    assert parse_value(received.one("X-Outage-Account"))[0] == "Acme"
    assert "X-Outage-Incident" not in received.compat


def test_other_header_prefix_is_used_and_protected(make_stand, customer):
    stand = make_stand(header_prefix="X-Site-").start()
    stand.ctl("declare", "P1")
    letter = outage_report(customer, headers=[("X-Site-Queue", "forged"), ("X-Outage-Queue", "none of our business")])
    received = stand.deliver(letter)
    assert received.one("X-Outage-Queue") == "none of our business"
    assert received.one("X-Site-Queue") in ("surge", "")


def test_milter_gives_up_root_and_the_mta_still_reaches_it(make_stand, customer):
    stand = make_stand(user="nobody", group="nogroup")
    nobody = pwd.getpwnam("nobody")
    for path in (stand.dir / "store", stand.node.state_dir):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    secret = stand.dir / "secret"
    secret.write_text("0123456789abcdef" * 4)
    secret.chmod(0o600)
    os.chown(secret, nobody.pw_uid, nobody.pw_gid)
    stand.node.start()
    status = open(f"/proc/{stand.node.process.pid}/status", encoding="ascii").read()
    uids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    assert set(uids) == {str(nobody.pw_uid)}
    mode = stand.node.socket.stat()
    assert stat.S_IMODE(mode.st_mode) == 0o660
    assert mode.st_gid == pwd.getpwnam("postfix").pw_gid
    received = stand.deliver(outage_report(customer, headers=FORGED))
    assert received.outage() == {}, "the milter was not asked"


def test_template_language_and_texts_of_a_support_address(make_stand, customer):
    stand = make_stand(support=[{"address": SUPPORT, "from_name": "Example Help", "reply_to": BILLING}]).start()
    stand.declare("P1")
    stand.deliver(Letter(customer, "Service down, 503 errors", OUTAGE_TEXT))
    reply = stand.mailbox(customer).wait_reply()
    assert "Example Help" in str(reply.message["From"])
    assert BILLING in str(reply.message["Reply-To"])


def test_without_trusted_ids_nobody_is_answered_and_status_says_why(make_stand, customer):
    stand = make_stand(auth__trusted_ids=[]).start()
    stand.declare("P1")
    received = stand.deliver(outage_report(customer))
    assert ack(received) == "none"
    assert reasons(received) == ["unauthenticated"]
    assert received.one("X-Outage-Queue") == "surge"
    said = stand.ctl("status", check=False)
    assert "auth.trusted_ids" in said.stdout + said.stderr


def test_the_helpdesk_takes_orders_from_us_alone(make_stand, customer):
    stand = make_stand(helpdesk="zammad").start()
    stand.declare("P1")
    forged = [("X-Zammad-Ticket-Owner", "boss"), ("X-Zammad-Ticket-Group", "VIP"), ("x-zammad-ignore", "true"), ("Importance", "high")]
    received = stand.deliver(outage_report(customer, headers=forged))
    assert ack(received) == "queued"
    assert {name: received.all(name) for name in ("X-Zammad-Ticket-Owner", "X-Zammad-Ticket-Group", "X-Zammad-Ticket-Priority",
                                                  "X-Zammad-Ignore", "X-Zammad-Send-Auto-Response", "Importance")} == {
        "X-Zammad-Ticket-Owner": [], "X-Zammad-Ticket-Group": ["surge"], "X-Zammad-Ticket-Priority": ["3 high"],
        "X-Zammad-Ignore": [], "X-Zammad-Send-Auto-Response": ["false"], "Importance": ["high"]}
    # A customer's own Zammad may order other recipients about.
    elsewhere = stand.deliver(outage_report(customer, to="somebody@other.example", headers=forged))
    assert elsewhere.all("X-Zammad-Ticket-Group") == ["VIP"]
    stand.mailbox(customer).wait_reply()
