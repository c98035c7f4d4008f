"""A private Dovecot: what customers' own servers are to us. Takes letters by LMTP, shows them by IMAP, knows every address.

Own configuration and folders, ports of loopback, the account "nobody" for the mailboxes; ended by its own pid. Needs root, as the
Postfix in front of it does."""

import imaplib
import pwd
import shutil
from pathlib import Path

from process import Process, can_connect, eventually, free_port

PASSWORD = "sesame"

CONFIG = """\
base_dir = {dir}/run
state_dir = {dir}/state
log_path = /dev/stderr
instance_name = {dir}
listen = 127.0.0.1
protocols = imap lmtp
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
auth_username_chars =
first_valid_uid = 1
mail_location = maildir:{dir}/mail/%Lu
postmaster_address = postmaster@{name}.example
recipient_delimiter =
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%Lu allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp_port}
  }}
}}
"""


class Dovecot:
    """One instance below `base`."""

    def __init__(self, base: Path, name: str = "dovecot"):
        self.dir = base / name
        self.config = self.dir / "dovecot.conf"
        self.imap_port, self.lmtp_port = free_port(), free_port()
        self._process: Process | None = None
        owner = pwd.getpwnam("nobody")
        for folder in ("", "run", "state", "mail"):
            (self.dir / folder).mkdir()
            (self.dir / folder).chmod(0o755)
        shutil.chown(self.dir / "mail", owner.pw_uid, owner.pw_gid)
        self.config.write_text(CONFIG.format(dir=self.dir, name=name, password=PASSWORD, uid=owner.pw_uid, gid=owner.pw_gid,
                                             imap_port=self.imap_port, lmtp_port=self.lmtp_port))

    @property
    def transport(self) -> str:
        """How a Postfix on this host hands mail in."""
        return f"lmtp:inet:127.0.0.1:{self.lmtp_port}"

    def start(self) -> None:
        self._process = Process("dovecot", ["dovecot", "-F", "-c", self.config], self.dir / "dovecot.log")
        for port in (self.imap_port, self.lmtp_port):
            eventually(lambda port=port: can_connect(("127.0.0.1", port)), 20, f"Dovecot on port {port}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def fetch(self, address: str) -> list[bytes]:
        """Every message of that mailbox, as IMAP gives it."""
        imap = imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=20)
        try:
            imap.login(address, PASSWORD)
            imap.select("INBOX", readonly=True)
            numbers = imap.search(None, "ALL")[1][0].split()
            return [imap.fetch(number.decode(), "(BODY.PEEK[])")[1][0][1] for number in numbers]
        finally:
            imap.logout()

    def envelope(self, address: str) -> str:
        """What the server itself reads in the header of the first message (RFC 3501 section 7.4.2)."""
        imap = imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=20)
        try:
            imap.login(address, PASSWORD)
            imap.select("INBOX", readonly=True)
            return imap.fetch("1", "(ENVELOPE BODYSTRUCTURE)")[1][0].decode()
        finally:
            imap.logout()

    def wait(self, address: str, timeout: float = 40) -> bytes:
        """The first message of that mailbox, as soon as it is there."""
        return eventually(lambda: self.fetch(address), timeout, f"a letter for {address} at Dovecot")[0]
