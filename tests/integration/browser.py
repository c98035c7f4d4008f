"""Debian's chromium without a screen, driven over its DevTools protocol on a pair of pipes: one start serves all looks at all pages.

    with Browser(folder) as browser:
        page = browser.open(path, width=360, dark=True)
        page.ask("document.title"); page.requests; page.screenshot(); page.pdf()"""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

TIMEOUT = 60


class Browser:
    def __init__(self, folder: Path):
        """folder: for its profile."""
        self.profile = folder / "chromium"
        self._number = 0
        self._events: list[dict] = []
        self._rest = b""

    def __enter__(self) -> "Browser":
        program = shutil.which("chromium")
        if program is None:
            raise RuntimeError("there is no chromium: scripts/install-deps installs it")
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # The protocol is spoken on descriptors 3 and 4.
        command = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", command, program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
             "--remote-debugging-pipe", f"--user-data-dir={self.profile}", "about:blank"],
            pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        return self

    def __exit__(self, *_) -> None:
        os.close(self._write)
        os.close(self._read)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def call(self, method: str, session: str | None = None, **params) -> dict:
        """One command and its result; events that come meanwhile are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data):]
        return self._until(lambda answer: answer.get("id") == self._number, method)

    def wait_event(self, method: str, session: str) -> dict:
        def wanted(event: dict) -> bool:
            return event.get("method") == method and event.get("sessionId") == session

        seen = next((event for event in self._events if wanted(event)), None)
        return seen["params"] if seen else self._until(wanted, method)

    def events(self, method: str, session: str) -> list[dict]:
        return [event["params"] for event in self._events if event.get("method") == method and event.get("sessionId") == session]

    def _until(self, wanted, what: str) -> dict:
        deadline = time.monotonic() + TIMEOUT
        while True:
            message = self._next(deadline, what)
            if "method" in message:
                self._events.append(message)
            if wanted(message):
                if "error" in message:
                    raise RuntimeError(f"{what}: {message['error']}")
                return message.get("result", message.get("params", {}))

    def _next(self, deadline: float, what: str) -> dict:
        while b"\0" not in self._rest:
            if not select.select([self._read], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"chromium did not answer {what}")
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                raise RuntimeError(f"chromium ended at {what}")
            self._rest += chunk
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def open(self, path: Path, width: int = 1100, height: int = 900, dark: bool = False) -> "Page":
        return Page(self, path, width, height, dark)


class Page:
    """A file, looked at in one width and one colour scheme."""

    def __init__(self, browser: Browser, path: Path, width: int, height: int, dark: bool):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Page.enable")
        self._call("Network.enable")
        self._call("Log.enable")
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self._call("Emulation.setEmulatedMedia",
                   features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self._call("Page.navigate", url=path.as_uri())
        browser.wait_event("Page.loadEventFired", self.session)

    def _call(self, method: str, **params) -> dict:
        return self.browser.call(method, self.session, **params)

    def ask(self, expression: str):
        """The value of a JavaScript expression in the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    @property
    def requests(self) -> list[str]:
        """The addresses of all that it asked for, itself first."""
        return [event["request"]["url"] for event in self.browser.events("Network.requestWillBeSent", self.session)]

    @property
    def complaints(self) -> list[str]:
        """What the browser said against it: refused style sheets, broken markup, failed loads."""
        return [event["entry"]["text"] for event in self.browser.events("Log.entryAdded", self.session)]

    def screenshot(self, whole: bool = True) -> bytes:
        """A PNG of the page."""
        return base64.b64decode(self._call("Page.captureScreenshot", captureBeyondViewport=whole)["data"])

    def whole_screenshot(self) -> bytes:
        """A PNG of all of the page, not only of what fits the window."""
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        return base64.b64decode(self._call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"])

    def pdf(self) -> bytes:
        return base64.b64decode(self._call("Page.printToPDF", printBackground=False)["data"])
