"""A DNS server for tests, on a loopback port of its own, over UDP and TCP: it serves a zone, or misbehaves as it is told to, and
keeps every question that it was asked.

    with DnsServer() as dns:
        dns.zone["customer.example"] = {"TXT": "v=spf1 ip4:192.0.2.10 -all"}
        dns.zone["silent.example"] = {"does": "silent"}
        dns.zone["*.silent.example"] = {"does": "silent"}       # every name below it

A zone maps a name to a dict of record type -> value or list of values. A TXT value is a str, bytes, or a list of the character
strings that make one record; an MX value is "10 mail.example". A name that is not in the zone does not exist (NXDOMAIN); one that
has other types only is answered with no records.

Beside the types a name may have:
    "delay": seconds before its answer
    "does": "silent", "servfail", "refused", "nxdomain", "wrong-id", "other-name" (answers a question that nobody asked),
            "truncated" (over UDP nothing but TC; TCP has the whole answer), "garbage" (bytes that are no DNS message)
    "ttl": seconds (default 300)"""

import socket
import struct
import threading
import time

from dnslib import AAAA, CNAME, MX, NS, PTR, QTYPE, RCODE, RR, TXT, A, DNSError, DNSHeader, DNSLabel, DNSQuestion, DNSRecord

UDP_LIMIT = 512
_RECORDS = {"A": A, "AAAA": AAAA, "CNAME": CNAME, "NS": NS, "PTR": PTR}


def _strings(value) -> list[bytes]:
    """The character strings of a TXT record, each of at most 255 bytes."""
    if isinstance(value, (list, tuple)):
        return [item.encode() if isinstance(item, str) else item for item in value]
    data = value.encode() if isinstance(value, str) else value
    return [data[start:start + 255] for start in range(0, len(data), 255)] or [b""]


def _record(kind: str, value):
    if kind == "TXT":
        return TXT(_strings(value))
    if kind == "MX":
        preference, name = value.split()
        return MX(name, int(preference))
    return _RECORDS[kind](value)


class DnsServer:
    """Runs from its making to close(). `asked` holds (name, type, "udp" or "tcp") in the order of arrival."""

    def __init__(self, zone: dict | None = None, place: tuple[str, int] = ("127.0.0.1", 0)):
        """place: where it listens; port 0 is any free one."""
        self.zone: dict[str, dict] = dict(zone or {})
        self.asked: list[tuple[str, str, str]] = []
        self.changed = threading.Condition()
        self._udp, self._tcp = self._bind(place)
        self.port = self._udp.getsockname()[1]
        self.address = f"{place[0]}:{self.port}"
        self._closed = False
        for work in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=work, daemon=True).start()

    @staticmethod
    def _bind(place: tuple[str, int]) -> tuple[socket.socket, socket.socket]:
        """One port that is free for both protocols."""
        while True:
            tcp = socket.create_server(place, backlog=64)
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                udp.bind(tcp.getsockname())
                return udp, tcp
            except OSError:
                tcp.close()
                udp.close()
                if place[1] != 0:
                    raise

    def __enter__(self) -> "DnsServer":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self._closed = True
        self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        # Wakes the thread that waits for a datagram.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", (self.address.partition(":")[0], self.port))

    # -- what a test asks

    def was_asked(self, name: str) -> bool:
        """True where name, or anything below it, was asked for."""
        name = name.lower()
        with self.changed:
            return any(asked == name or asked.endswith("." + name) for asked, _, _ in self.asked)

    def count(self, name: str) -> int:
        """How often name, or anything below it, was asked for."""
        name = name.lower()
        with self.changed:
            return sum(asked == name or asked.endswith("." + name) for asked, _, _ in self.asked)

    def wait_asked(self, name: str, timeout: float = 20) -> None:
        deadline = time.monotonic() + timeout
        with self.changed:
            while not any(asked == name.lower() for asked, _, _ in self.asked):
                if not self.changed.wait(max(0, deadline - time.monotonic())):
                    raise TimeoutError(f"nobody asked for {name} within {timeout} s; asked was {self.asked[-20:]}")

    # -- serving

    def _serve_udp(self) -> None:
        while not self._closed:
            try:
                data, client = self._udp.recvfrom(65535)
            except OSError:
                continue  # an earlier answer met a closed port
            self._take(data, "udp", lambda answer, client=client: self._send_udp(answer, client))
        self._udp.close()

    def _send_udp(self, answer: bytes, client) -> None:
        try:
            self._udp.sendto(answer, client)
        except OSError:
            pass  # the asker has gone, or this server has been closed

    def _serve_tcp(self) -> None:
        while True:
            try:
                client, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        lock = threading.Lock()

        def send(answer: bytes) -> None:
            try:
                with lock:
                    client.sendall(struct.pack("!H", len(answer)) + answer)
            except OSError:
                pass  # the asker has gone

        try:
            with client, client.makefile("rb") as stream:
                while len(head := stream.read(2)) == 2:
                    self._take(stream.read(struct.unpack("!H", head)[0]), "tcp", send)
        except OSError:
            pass

    def _take(self, data: bytes, protocol: str, send) -> None:
        """Notes the question and has it answered, now or later."""
        try:
            query = DNSRecord.parse(data)
            name, kind = str(query.q.qname).rstrip(".").lower(), QTYPE[query.q.qtype]
        except (DNSError, struct.error, IndexError):
            return
        with self.changed:
            self.asked.append((name, kind, protocol))
            self.changed.notify_all()
        entry = self._entry(name)
        answer = self._answer(query, name, kind, entry, protocol)
        if answer is None:
            return
        if entry and entry.get("delay"):
            timer = threading.Timer(entry["delay"], send, [answer])
            timer.daemon = True
            timer.start()
        else:
            send(answer)

    def _entry(self, name: str) -> dict | None:
        if name in self.zone:
            return self.zone[name]
        labels = name.split(".")
        wild = ("*." + ".".join(labels[start:]) for start in range(1, len(labels)))
        return next((self.zone[key] for key in (*wild, "*") if key in self.zone), None)

    def _answer(self, query: DNSRecord, name: str, kind: str, entry: dict | None, protocol: str) -> bytes | None:
        does = entry.get("does") if entry else None
        reply = DNSRecord(DNSHeader(id=query.header.id, qr=1, aa=1, ra=1, rd=query.header.rd), q=query.q)
        if does == "silent":
            return None
        if does == "garbage":
            return struct.pack("!H", query.header.id) + b"\x81\x80\xff\xff\xff\xff" + b"\xc0" * 40
        if does in ("servfail", "refused", "nxdomain") or entry is None:
            reply.header.rcode = getattr(RCODE, (does or "nxdomain").upper())
            return reply.pack()
        self._add_records(reply, name, kind)
        if does == "wrong-id":
            reply.header.id = query.header.id ^ 0x5555
        if does == "other-name":
            other = DNSLabel("elsewhere.invalid")
            reply.questions = [DNSQuestion(other, query.q.qtype)]
            for record in reply.rr:
                record.rname = other
        packed = reply.pack()
        if protocol == "udp" and (does == "truncated" or len(packed) > self._limit(query)):
            short = DNSRecord(DNSHeader(id=reply.header.id, qr=1, aa=1, ra=1, tc=1, rd=query.header.rd), q=query.q)
            return short.pack()
        return packed

    @staticmethod
    def _limit(query: DNSRecord) -> int:
        """The asker's EDNS buffer stands in the class field of its OPT record."""
        return max([UDP_LIMIT, *(record.rclass for record in query.ar if record.rtype == QTYPE.OPT)])

    def _add_records(self, reply: DNSRecord, name: str, kind: str) -> None:
        """The records of that name, behind the chain of CNAMEs that leads to them."""
        seen = set()
        while name not in seen:
            seen.add(name)
            entry = self._entry(name) or {}
            wanted = kind if kind in entry else "CNAME"
            values = entry.get(wanted, [])
            for value in values if isinstance(values, list) else [values]:
                reply.add_answer(RR(name, getattr(QTYPE, wanted), ttl=entry.get("ttl", 300), rdata=_record(wanted, value)))
            if wanted == kind or not values:
                return
            name = str(values).rstrip(".").lower()
