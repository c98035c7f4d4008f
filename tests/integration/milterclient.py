"""A small MTA's side of the milter protocol (version 6): asks a milter about a message without any MTA between.

Used to ask a running milter which incident it has in mind, and for sessions that no MTA can be made to produce on demand."""

import re
import socket
import struct

# Every action and, of the steps, only what an old MTA offers: then each command is answered, which keeps this client simple.
_ACTIONS = 0x1FF
_STEPS = 0x100 | 0x200 | 0x400 | 0x100000  # no unknown, no data, skip, leading space


class Answer:
    """What a milter did to one message."""

    def __init__(self):
        self.headers: list[tuple[str, str]] = []
        self.added: list[str] = []
        self.final = ""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class MilterSession:
    """One connection to a milter's unix socket, after negotiation and CONNECT."""

    def __init__(self, path, client: str = "198.51.100.1", timeout: float = 10):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        self._socket.connect(str(path))
        self._send(b"O", struct.pack("!III", 6, _ACTIONS, _STEPS))
        code, data = self._receive()
        if code != b"O":
            raise ConnectionError(f"negotiation was answered by {code!r}")
        self.steps = struct.unpack("!III", data[:12])[2]
        # What is asked for at each stage: its number and the macros' names.
        self.wants_macros = {struct.unpack("!I", stage)[0]: names.decode()
                             for stage, names in re.findall(rb"(?s)(.{4})([^\0]*)\0", data[12:])}
        self._macros(b"C", {"j": "mx.example", "{daemon_name}": "mx.example"})
        self.step(b"C", b"client.example\0" + b"4" + struct.pack("!H", 25000) + client.encode() + b"\0")
        self.step(b"H", b"client.example\0")

    def _send(self, command: bytes, data: bytes = b"") -> None:
        self._socket.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise ConnectionError("the milter closed the connection")
            data += piece
        return data

    def _receive(self) -> tuple[bytes, bytes]:
        size, = struct.unpack("!I", self._exactly(4))
        packet = self._exactly(size)
        return packet[:1], packet[1:]

    def _macros(self, command: bytes, macros: dict[str, str]) -> None:
        self._send(b"D", command + b"".join(f"{name}\0{value}\0".encode() for name, value in macros.items()))

    def step(self, command: bytes, data: bytes) -> bytes:
        """Sends one command and returns the code of its answer."""
        self._send(command, data)
        code, _ = self._receive()
        if code not in b"csa":
            raise ConnectionError(f"{command!r} was answered by {code!r}")
        return code

    def begin(self, sender: str, rcpts: list[str], headers: list[tuple[str, str]]) -> None:
        """Everything up to the end of the headers."""
        self._macros(b"M", {"i": "4Test"})
        self.step(b"M", f"<{sender}>\0".encode())
        for rcpt in rcpts:
            self.step(b"R", f"<{rcpt}>\0".encode())
        for name, value in headers:
            space = " " if self.steps & 0x100000 else ""
            self.step(b"L", f"{name}\0{space}{value}\0".encode())
        self.step(b"N", b"")

    def message(self, sender: str, rcpts: list[str], headers: list[tuple[str, str]], body: bytes) -> Answer:
        """One whole message."""
        self.begin(sender, rcpts, headers)
        self.step(b"B", body)
        self._macros(b"E", {"i": "4Test"})
        self._send(b"E")
        answer = Answer()
        while True:
            code, data = self._receive()
            if code in (b"h", b"i"):
                name, value = data[4 if code == b"i" else 0:].split(b"\0")[:2]
                answer.headers.append((name.decode(), value.decode("utf-8", "replace").strip()))
            elif code == b"+":
                answer.added.append(data.rstrip(b"\0").decode())
            elif code in b"cadrty":
                answer.final = code.decode()
                return answer

    def abort(self) -> None:
        self._send(b"A")

    def close(self, quit_first: bool = True) -> None:
        if quit_first:
            self._send(b"Q")
        self._socket.close()
