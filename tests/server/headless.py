"""Drives a headless Chromium over its debugging pipe (Chrome DevTools Protocol): one page, synchronous."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome", "chrome") if (found := shutil.which(name))),
    None,
)
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-pipe",
    "--window-size=1280,900",
)
_WAIT = """new Promise((done) => {
  const end = Date.now() + %d;
  const look = () => {
    let value = null;
    try { value = %s; } catch { /* not there yet */ }
    if (value || Date.now() > end) done(value instanceof Node ? true : value);
    else setTimeout(look, 20);
  };
  look();
})"""


class Browser:
    """A browser with one page; everything it asked the network for and every script that ran is recorded."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        into, self._out = os.pipe()
        self._in, out = os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4, so the shell moves ours there.
        script = f'exec "$0" "$@" 3<&{into} 4>&{out}'
        command = ["/bin/bash", "-c", script, CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            command, pass_fds=(into, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(into)
        os.close(out)
        self._buffer = b""
        self._number = 0
        self._session = ""
        self.requests: list[dict[str, Any]] = []
        """Every request of the page, as the protocol describes it."""
        self.dialogs: list[str] = []
        self.errors: list[str] = []
        """Uncaught exceptions and console errors."""

    def __enter__(self) -> Browser:
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(20)
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, timeout: float = 30.0, **params: Any) -> dict[str, Any]:
        """Send a command to the page and return its result."""
        return self._call(method, params, timeout)

    def open(self, url: str) -> None:
        """Load a page, also when only the part after its hash differs."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)

    def js(self, expression: str, timeout: float = 30.0) -> Any:
        """Evaluate an expression, awaiting a promise; raises ``AssertionError`` with the page's exception."""
        answer = self.call(
            "Runtime.evaluate", timeout=timeout, expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, condition: str, timeout: float = 20.0) -> Any:
        """Wait until an expression is true in the page, whichever document it has by then, and return its value."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            left = max(int((end - time.monotonic()) * 1000), 1)
            waiting = _WAIT % (min(left, 2000), condition)
            answer = self.call(
                "Runtime.evaluate", timeout=timeout, expression=waiting, awaitPromise=True, returnByValue=True
            )
            value = answer.get("result", {}).get("value")
            if value:
                return value
        raise AssertionError(f"the page never came to: {condition}; errors: {self.errors}")

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """Press and release one key: ``Enter``, ``Escape``, ``ArrowDown`` …"""
        code = {"Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40, "Tab": 9}[key]
        extra = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **extra)

    def screenshot(self, path: Path) -> None:
        """Write a picture of the page, for a person who looks into a failure."""
        import base64

        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def _call(self, method: str, params: dict[str, Any], timeout: float = 30.0) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + timeout
        while True:
            answer = self._read(end - time.monotonic())
            if answer.get("id") == number:
                if "error" in answer:
                    # The document went away under a question: the answer is that there is none.
                    assert re.search("context|navigated", answer["error"]["message"]), (method, answer["error"])
                    return {}
                return answer.get("result", {})
            self._note(answer)

    def _read(self, timeout: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(timeout, 0.0))
            assert ready, "the browser does not answer"
            data = os.read(self._in, 1 << 20)
            assert data, "the browser has ended"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def _note(self, event: dict[str, Any]) -> None:
        method, params = event.get("method", ""), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"])[:500])
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(params["message"])
            self._number += 1
            answer = {"id": self._number, "sessionId": self._session, "method": "Page.handleJavaScriptDialog"}
            os.write(self._out, json.dumps({**answer, "params": {"accept": True}}).encode() + b"\0")
