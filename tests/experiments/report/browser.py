"""Pictures of pages by headless Chromium, spoken to over a pipe (Chrome DevTools Protocol)."""

import base64
import fcntl
import io
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    "--disable-lcd-text",
    "--run-all-compositor-stages-before-draw",  # no shot of a page that is drawn in part
    "--disable-new-content-rendering-timeout",
    "--disable-checker-imaging",
    "--remote-debugging-pipe",
)
START = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
SCALE = 1.0  # pixels of a picture for each pixel of the page: at less, edges depend on luck
PATIENCE = 120  # seconds
MOST = 8_000  # of a page's pixels in one shot; what is higher than 16,384 cannot be drawn at once


def find_chromium() -> str | None:
    """The browser's program; None where it is not installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One tab."""

    def __init__(self, asks: int, answers: int) -> None:
        self._asks, self._answers = asks, answers
        self._unread = b""
        self._count = 0
        self._tab: dict[str, str] = {}
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._tab = {"sessionId": attached["sessionId"]}
        self.send("Page.enable")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            if not select.select([self._answers], [], [], PATIENCE)[0]:
                raise RuntimeError(f"the browser has not answered for {PATIENCE} s")
            read = os.read(self._answers, 1 << 20)
            if not read:
                raise RuntimeError("the browser has ended before it answered")
            self._unread += read
        message, self._unread = self._unread.split(b"\0", 1)
        return dict(json.loads(message))

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters, **self._tab}
        unsent = json.dumps(message).encode() + b"\0"
        while unsent:
            unsent = unsent[os.write(self._asks, unsent) :]
        while (answer := self._next()).get("id") != self._count:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def open(self, file: Path) -> None:
        """Show a page."""
        self.send("Page.navigate", url=file.resolve().as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def look(self, width: int, theme: str) -> None:
        """Give the tab a width in pixels, and the reader a liking for "light" or "dark"."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        liking = [{"name": "prefers-color-scheme", "value": theme}]
        self.send("Emulation.setEmulatedMedia", features=liking)
        self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def evaluate(self, script: str) -> Any:
        """The value of an expression on the page."""
        asked = {"expression": script, "returnByValue": True, "awaitPromise": True}
        return self.send("Runtime.evaluate", **asked)["result"].get("value")

    def picture(self) -> Image.Image:
        """The page shown, from its top to its end."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        whole = Image.new("RGB", (int(size["width"] * SCALE), int(size["height"] * SCALE)))
        for top in range(0, int(size["height"]), MOST):
            height = min(MOST, size["height"] - top)
            clip = {"x": 0, "y": top, "width": size["width"], "height": height, "scale": SCALE}
            how = {"captureBeyondViewport": True, "optimizeForSpeed": True}
            shot = self.send("Page.captureScreenshot", clip=clip, **how)
            part = Image.open(io.BytesIO(base64.b64decode(shot["data"])))
            whole.paste(part.convert("RGB"), (0, int(top * SCALE)))
        return whole


@contextmanager
def browser(program: str, profile: Path) -> Iterator[Browser]:
    """A running browser with a profile of its own; it reads from file 3 and writes to file 4."""
    asked, asks = os.pipe()
    answers, answered = os.pipe()
    theirs = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (asked, answered)]
    command = [program, *FLAGS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        [sys.executable, "-c", START, *map(str, theirs), *command],
        pass_fds=theirs,
        stderr=subprocess.DEVNULL,
    )
    for end in (asked, answered, *theirs):
        os.close(end)
    try:
        yield Browser(asks, answers)
    finally:
        process.terminate()
        process.wait(timeout=60)
        os.close(asks)
        os.close(answers)
