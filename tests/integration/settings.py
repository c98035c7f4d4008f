"""Writes outage-milter.conf (libconfig) from a dict of dotted names, e.g. {"store.url": "sqlite:/x", "mode": "live"}."""

import os
import pwd
from pathlib import Path

from process import TOP, build_dir

SUPPORT = "support@support.example"
BILLING = "billing@support.example"
# The authserv-id whose Authentication-Results the test stand trusts.
TRUSTED_ID = "mx.example"
STATUS_URL = "https://status.support.example/"


def _value(value, indent: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, (list, tuple)):
        return "( " + ", ".join(_value(item, indent + "\t") for item in value) + " )"
    return "{\n" + _members(value, indent + "\t") + indent + "}"


def _members(members: dict, indent: str) -> str:
    return "".join(f"{indent}{name} = {_value(value, indent)};\n" for name, value in members.items())


def to_libconfig(settings: dict) -> str:
    """settings: dotted name -> value; None leaves the setting out."""
    tree: dict = {}
    for dotted, value in settings.items():
        if value is None:
            continue
        group = tree
        *parents, name = dotted.split(".")
        for parent in parents:
            group = group.setdefault(parent, {})
        group[name] = value
    return _members(tree, "")


def standard(state_dir: Path, socket: str, store_url: str, relay_port: int) -> dict:
    """What every test starts from: one live site with two support addresses."""
    settings = {
        "mode": "live",
        "user": pwd.getpwuid(os.getuid()).pw_name,
        "socket": socket,
        "socket_group": "postfix",
        "state_dir": str(state_dir),
        "log.destination": "stderr",
        "log.level": "debug",
        "support": [{"address": SUPPORT}, {"address": BILLING}],
        "auth.trusted_ids": [TRUSTED_ID],
        # Tests of SPF switch it on, with a DNS server of their own: no test asks the real one.
        "spf.enabled": False,
        "spf.program": str(build_dir() / "outage-spf"),
        "ack.shared_domains_file": str(TOP / "conf" / "shared-domains"),
        "rules.dir": str(TOP / "conf" / "rules"),
        "model.file": str(TOP / "conf" / "model" / "outage.model"),
        "template.dir": str(TOP / "conf" / "templates"),
        "store.url": store_url,
        "site.name": "Example Cloud",
        "reply.relay": f"smtp://127.0.0.1:{relay_port}",
        "reply.url_domains": ["support.example"],
        "store.local_after": "1s",
        "reply.retry_first": "200ms",
        "reply.retry_max": "500ms",
        # Several run on one machine: those who ask for figures name a port.
        "metrics.milter": "",
        "metrics.replier": "",
    }
    for word in ("P1", "P2", "P3"):
        settings[f"playbook.{word}.status_url"] = STATUS_URL
        settings[f"playbook.{word}.update_every"] = "30m"
    return settings
