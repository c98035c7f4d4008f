"""A terminal for a program to run in: a real pty, and a screen that holds what the program has drawn."""

import fcntl
import os
import pty
import re
import signal
import struct
import termios
import threading
import time

_PIECES = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)|(\x1b)", re.DOTALL)


class Terminal:
    """Runs args on a pty of that size. What it draws is kept as lines; `modes` are those switched on (1049: a screen of its own)."""

    def __init__(self, args: list, width: int = 80, height: int = 24, **env: str):
        self.modes: set[str] = {"25", "7"}
        self.raw = ""
        self.lines: list[str] = []
        self._row = self._column = 0
        self._size = (width, height)
        self._changed = threading.Condition()
        self._status: int | None = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            self._set_size(0, width, height)
            os.execve(str(args[0]), [str(arg) for arg in args], {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PATH": os.environ["PATH"], **env})
        self.before = termios.tcgetattr(self.fd)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @staticmethod
    def _set_size(fd: int, width: int, height: int) -> None:
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def resize(self, width: int, height: int) -> None:
        with self._changed:
            self._size = (width, height)
        self._set_size(self.fd, width, height)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            with self._changed:
                if data:
                    # A frame is written at once; that a character is cut in two is left to the replacement.
                    self._draw(data.decode("utf-8", "replace"))
                self._changed.notify_all()
            if not data:
                break

    def _draw(self, text: str) -> None:
        self.raw += text
        for numbers, letter, control, plain, stray in _PIECES.findall(text):
            if letter in "hl" and numbers.startswith("?"):
                (self.modes.add if letter == "h" else self.modes.discard)(numbers[1:])
            elif letter == "H":
                self._row = self._column = 0
            elif letter == "K":
                self._put(self._line()[:self._column])
            elif letter == "J":
                self._put(self._line()[:self._column])
                del self.lines[self._row + 1:]
            elif control == "\n":
                self._row += 1
            elif control == "\r":
                self._column = 0
            elif plain:
                line = self._line().ljust(self._column)
                self._put(line[:self._column] + plain + line[self._column + len(plain):])
                self._column += len(plain)
            assert not stray, f"an escape that no frame has: {text!r}"

    def _line(self) -> str:
        return self.lines[self._row] if self._row < len(self.lines) else ""

    def _put(self, line: str) -> None:
        self.lines += [""] * (self._row + 1 - len(self.lines))
        self.lines[self._row] = line

    def _shown(self) -> str:
        """What the window has room for: of a frame drawn for a larger one the rest is lost."""
        width, height = self._size
        return "\n".join(line[:width] for line in self.lines[:height])

    def text(self) -> str:
        with self._changed:
            return self._shown()

    def wait(self, look, timeout: float = 15) -> None:
        """Until look(text of the screen) is true; or a string is on it."""
        found = (lambda text: look in text) if isinstance(look, str) else look
        deadline = time.monotonic() + timeout
        with self._changed:
            while not found(self._shown() if "1049" in self.modes else "\n".join(self.lines)):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{look} is not on the screen:\n" + self._shown())
                self._changed.wait(left)

    def press(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def ended(self) -> int:
        """Waits for its end and returns its exit status (negative: the signal)."""
        deadline = time.monotonic() + 20
        while self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                self.signal(signal.SIGKILL)
                raise TimeoutError("it does not end:\n" + self.text())
            else:
                self._reader.join(0.01)
        self._reader.join(5)
        return self._status

    def close(self) -> None:
        if self._status is None:
            self.signal(signal.SIGKILL)
            self.ended()
        os.close(self.fd)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_) -> None:
        self.close()
