"""A headless Chromium that tests and the demonstration drive over two pipes."""

from __future__ import annotations

import base64
import fcntl
import io
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

PROGRAM = shutil.which("chromium")
_SECONDS = 30.0
_KEYS = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Space": (32, " "),
    "Escape": (27, ""),
    "End": (35, ""),
}
"""The keys that are pressed: code and what they type."""
_SHIFT, _CONTROL = 8, 2
_OPTIONS = (
    *(
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
    ),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions", "--lang=fr"),
    *(
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--remote-debugging-pipe",
        "--force-color-profile=srgb",
    ),
    # no network but this machine's
    *("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "about:blank"),
)


class Chromium:
    """The browser; *folder* holds its profile. One page is open."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self._process, self._to, self._back = process, to, back
        self._rest = b""
        self._count = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        """What the browser has reported, in its order."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setLocaleOverride", locale="fr-FR")
        self.resize(1366, 768)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        answer = self._wait(lambda each: each.get("id") == self._count)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _wait(self, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        end = time.monotonic() + _SECONDS
        while True:
            while b"\0" in self._rest:
                text, _, self._rest = self._rest.partition(b"\0")
                message: dict[str, Any] = json.loads(text)
                if "method" in message:
                    self.events.append(message)
                if is_wanted(message):
                    return message
            ready = select.select([self._back], [], [], max(0.0, end - time.monotonic()))[0]
            assert ready, f"Chromium says nothing any more ({self._process.poll()})"
            data = os.read(self._back, 1 << 20)
            assert data, "Chromium has ended"
            self._rest += data

    # what a person does

    def open(self, address: str) -> None:
        """Go to *address*, and wait until the page is there."""
        with self.loading():
            self.send("Page.navigate", url=address)

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Wait, after the block, until the page that it asks for is there."""
        before = self._count_loads()
        yield
        if self._count_loads() == before:
            self._wait(lambda each: each.get("method") == "Page.loadEventFired")

    def _count_loads(self) -> int:
        return sum(each["method"] == "Page.loadEventFired" for each in self.events)

    def press(self, key: str, *, shift: bool = False, control: bool = False) -> None:
        """Press a key and let it go."""
        code, text = _KEYS[key]
        common = {
            "key": " " if key == "Space" else key,
            "code": key,
            "windowsVirtualKeyCode": code,
            "modifiers": _SHIFT * shift + _CONTROL * control,
        }
        typed = {} if control or not text else {"text": text}
        self.send("Input.dispatchKeyEvent", type="keyDown", **common, **typed)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def type_text(self, text: str) -> None:
        """Type *text* where the focus is."""
        self.send("Input.insertText", text=text)

    def choose_file(self, selector: str, file: Path) -> None:
        """Choose *file* in a field for files."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(file)])

    # what a person sees

    def evaluate(self, expression: str) -> Any:
        """Return the value of *expression* in the page, once it is there."""
        result = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_until(self, condition: str) -> None:
        """Wait until *condition* is true in the page; it is looked at for each frame."""
        self.evaluate(
            f"new Promise(done => {{const look = () => ({condition}) ? done() : requestAnimationFrame(look); look()}})"
        )

    def resize(self, across: int, down: int) -> None:
        """Give the window another size, in pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=across, height=down, deviceScaleFactor=1, mobile=False
        )

    def choose_colours(self, scheme: str) -> None:
        """Have the system be "light" or "dark"."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def capture(self, file: Path) -> None:
        """Write a picture of the window."""
        data = base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])
        with Image.open(io.BytesIO(data)) as picture:
            picture.convert("RGB").quantize(128).save(file, optimize=True)

    def list_addresses(self) -> list[str]:
        """Return all addresses that pages have asked for."""
        return [
            each["params"]["request"]["url"]
            for each in self.events
            if each["method"] == "Network.requestWillBeSent"
        ]

    def list_complaints(self) -> list[str]:
        """Return what the browser's console holds, breaches of the policy among it."""
        entries = [each["params"]["entry"] for each in self.events if each["method"] == "Log.entryAdded"]
        thrown = [each for each in self.events if each["method"] == "Runtime.exceptionThrown"]
        return [f"{each['level']}: {each['text']} {each.get('url', '')}" for each in entries] + list(
            map(str, thrown)
        )


def _move_up(descriptor: int) -> int:
    if sys.platform == "win32":
        raise OSError
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD, 20)


@contextmanager
def start_chromium(folder: Path) -> Iterator[Chromium]:
    """Give a browser with a new profile in *folder*."""
    (theirs, to), (back, answers) = os.pipe(), os.pipe()
    # out of the way of 3 and 4, which the browser wants
    theirs, answers = map(_move_up, (theirs, answers))
    assert PROGRAM is not None
    process = subprocess.Popen(
        [
            "bash",
            "-c",
            f'exec "$@" 3<&{theirs} 4>&{answers}',
            "chromium",
            PROGRAM,
            *_OPTIONS,
            f"--user-data-dir={folder}",
        ],
        pass_fds=(theirs, answers),
        env={**os.environ, "LANGUAGE": "fr"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    os.close(answers)
    try:
        chromium = Chromium(process, to, back)
        yield chromium
        chromium.send("Browser.getVersion")
    finally:
        process.terminate()
        process.wait(_SECONDS)
        os.close(to)
        os.close(back)
