"""A private Request Tracker 5 (Debian's): own configuration, SQLite file and port, its mailgate behind a Postfix of the stand.

Nothing of the machine's own RT is read or written. Mail that RT sends leaves through the same Postfix."""

import base64
import json
import os
import shutil
import urllib.parse
import urllib.request
from pathlib import Path

from postfix import Postfix
from process import TOP, Process, can_connect, eventually, run

PLUGIN = TOP / "conf" / "helpdesk" / "rt" / "Outage.pm"

SITE_CONFIG = """\
Set($rtname, 'support.example');
Set($Organization, 'support.example');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{dir}/rt.db');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {port});
Set($Timezone, 'UTC');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'info');
Set($HTMLFormatter, 'core');
Set($CorrespondAddress, 'support@support.example');
Set($CommentAddress, 'comment@support.example');
Set($OwnerEmail, 'owner@support.example');
Set($MailCommand, 'sendmailpipe');
Set($SendmailPath, '/usr/sbin/sendmail');
Set($SendmailArguments, '-C {postfix} -oi');
Set(@MailPlugins, qw(Auth::MailFrom Action::Outage));
Set($OutageHeader, 'X-Outage-RT-Command');
1;
"""

# Everybody may open tickets in all queues but Staff.
DATA = """\
use utf8;
@Queues = map { { Name => $_, CorrespondAddress => '', CommentAddress => '' } } 'Outage', 'Große Kunden', 'Escalations', 'Staff';
@Users = ({ Name => 'jane', EmailAddress => 'jane@support.example', RealName => 'Jane', Privileged => 1 });
@ACL = (
    ( map { { GroupDomain => 'SystemInternal', GroupType => 'Everyone', Queue => $_, Right => 'CreateTicket' },
            { GroupDomain => 'SystemInternal', GroupType => 'Everyone', Queue => $_, Right => 'ReplyToTicket' } }
        'General', 'Outage', 'Große Kunden', 'Escalations' ),
    { GroupDomain => 'SystemInternal', GroupType => 'Privileged', Right => 'OwnTicket' },
);
1;
"""

# Behind the address of the mailgate stands, where there is one, what followed the "+": with --extension queue that is the queue.
MAILGATE = """\
rt unix - n n - 1 pipe
  user=nobody null_sender= argv=/usr/bin/env EXTENSION=${{extension}} /usr/bin/rt-mailgate-5 --extension queue --queue General
  --action correspond --url http://127.0.0.1:{port}/
"""


def prepare(postfix: Postfix, port: int) -> None:
    """Lets postfix, which is not started yet, hand mail for support@ to the mailgate of an RT on port."""
    with (postfix.config / "master.cf").open("a") as master:
        master.write(MAILGATE.format(port=port))
    with (postfix.config / "main.cf").open("a") as main:
        main.write("transport_maps = inline:{ support@support.example=rt: }\n")


class RequestTracker:
    """One RT; start() sets it up and serves it."""

    def __init__(self, folder: Path, port: int, postfix: Postfix):
        self.dir = folder / "rt"
        self.port = port
        self.process: Process | None = None
        (self.dir / "conf.d").mkdir(parents=True)
        actions = self.dir / "lib" / "RT" / "Interface" / "Email" / "Action"
        actions.mkdir(parents=True)
        shutil.copy(PLUGIN, actions / "Outage.pm")
        (self.dir / "RT_SiteConfig.pm").write_text(SITE_CONFIG.format(dir=self.dir, port=port, postfix=postfix.config))
        (self.dir / "data.pl").write_text(DATA)
        self.env = {"RT_SITE_CONFIG": str(self.dir / "RT_SiteConfig.pm"), "RT_SITE_CONFIG_DIR": str(self.dir / "conf.d"),
                    "PERL5LIB": str(self.dir / "lib"), "LC_ALL": "C.UTF-8"}

    def start(self) -> None:
        for action in (["--action", "init", "--skip-create"], ["--action", "insert", "--datafile", str(self.dir / "data.pl")]):
            run(["rt-setup-database-5", *action], env={**os.environ, **self.env})
        self.process = Process("rt-server", ["/usr/share/request-tracker5/libexec/standalone_httpd", "--port", self.port],
                               self.dir / "server.log", self.env)
        eventually(lambda: can_connect(("127.0.0.1", self.port)), 60, "RT serves")

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()

    def ask(self, path: str):
        """What REST 2 answers at path, as RT's root sees it."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/REST/2.0/{path}")
        request.add_header("Authorization", "Basic " + base64.b64encode(b"root:password").decode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def tickets(self, subject: str) -> list[dict]:
        """The tickets of that subject, oldest first, each with its fields as REST 2 has them and its queue by name."""
        query = urllib.parse.urlencode({"query": f"Subject = '{subject}'", "orderby": "id"})
        found = [self.ask(f"ticket/{item['id']}") for item in self.ask(f"tickets?{query}")["items"]]
        for ticket in found:
            ticket["queue"] = self.ask(f"queue/{ticket['Queue']['id']}")["Name"]
        return found
