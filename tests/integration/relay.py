"""A small SMTP server that fails on purpose: what the replier meets when its relay is ill."""

import socket
import threading

TEMPFAIL = b"451 4.3.0 Try again later\r\n"
REJECT = b"550 5.1.1 No such mailbox here\r\n"
DENY = b"554 5.7.1 Relay access denied\r\n"
AT_RCPT = {"tempfail": TEMPFAIL, "reject": REJECT, "deny": DENY}


class FakeRelay:
    """Answers on 127.0.0.1:port. `mode` may change while it runs: "accept", "tempfail" (451 at RCPT), "reject" (550 at RCPT: the
    address is wrong), "deny" (554 at RCPT: the client is), "drop" (closes the connection after the final dot, before answering: the
    outcome is unknown to the client), "hang" (never answers the final dot) or "hold" (answers it once release() is called). Without
    `smtputf8` it does not offer that extension. Whole messages that came in are in `messages`; `changed` is notified about each."""

    def __init__(self, port: int, mode: str = "accept"):
        self.mode = mode
        self.smtputf8 = True
        self.messages: list[tuple[str, list[str], bytes]] = []
        self.refused = 0
        self.changed = threading.Condition()
        self.port = port
        self._server = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, client.makefile("rb") as lines:
                self._talk(client, lines)
        except OSError:
            pass  # the client has gone: that is its right

    def _talk(self, client, lines) -> None:
        sender, rcpts = "", []
        client.sendall(b"220 relay.example ESMTP\r\n")
        for line in lines:
            word = line[:4].upper()
            answer = b"250 2.0.0 Ok\r\n"
            if word == b"EHLO":
                answer = b"250-relay.example\r\n250-8BITMIME\r\n250 " + (b"SMTPUTF8\r\n" if self.smtputf8 else b"HELP\r\n")
            elif word == b"MAIL":
                sender, rcpts = line[10:].split(b">")[0].decode().strip("<"), []
            elif word == b"RCPT":
                if self.mode in AT_RCPT:
                    self._note_refusal()
                    answer = AT_RCPT[self.mode]
                else:
                    rcpts.append(line[8:].split(b">")[0].decode().strip("<"))
            elif word == b"DATA":
                client.sendall(b"354 Go on\r\n")
                data = self._read_data(lines)
                self._note((sender, rcpts, data))
                if self.mode == "drop":
                    return
                if self.mode == "hang":
                    continue
                with self.changed:
                    self.changed.wait_for(lambda: self.mode != "hold", 60)
            elif word == b"QUIT":
                client.sendall(b"221 2.0.0 Bye\r\n")
                return
            client.sendall(answer)

    @staticmethod
    def _read_data(lines) -> bytes:
        data = b""
        for line in lines:
            if line == b".\r\n":
                break
            data += line[1:] if line.startswith(b"..") else line
        return data

    def _note(self, message) -> None:
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    def _note_refusal(self) -> None:
        with self.changed:
            self.refused += 1
            self.changed.notify_all()

    def wait(self, predicate, timeout: float = 30) -> None:
        """Waits until predicate() holds; looked at after each message and each refusal."""
        with self.changed:
            if not self.changed.wait_for(predicate, timeout):
                raise TimeoutError(f"relay: {len(self.messages)} messages, {self.refused} refusals after {timeout} s")

    def release(self, mode: str = "accept") -> None:
        """Ends a "hold"."""
        with self.changed:
            self.mode = mode
            self.changed.notify_all()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
