"""The page of ``iea-desk web`` in the demonstration: it is given a support file.

Chromium does what a person does, and takes the picture. Where there is none, the same is done over HTTP.
"""

from __future__ import annotations

import html
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

import httpx

from rig.chromium import PROGRAM, start_chromium

_SIZE = (1366, 900)
_SECONDS = 20
_TAG = re.compile(r"<[^>]*>")
_ANSWER = "document.getElementById('reponse-texte')"
_COPIED = "document.getElementById('annonce').textContent === 'Copié.'"


class PageReading(NamedTuple):
    """What the page says of a request, its answer included.

    *picture* is None without a browser.
    """

    words: str
    picture: Path | None = None


def read_in_page(
    file: Path, picture: Path, options: Sequence[str] = (), *, in_browser: bool = PROGRAM is not None
) -> PageReading:
    """Return what the page of ``iea-desk web``, with *options*, says of *file*.

    The browser writes *picture*.
    """
    with _serve_desk(options) as address:
        return _ask_browser(address, file, picture) if in_browser else PageReading(_ask_server(address, file))


@contextmanager
def _serve_desk(options: Sequence[str]) -> Iterator[str]:
    """Give the address that ``iea-desk web`` prints."""
    command = [sys.executable, "-m", "iea_desk", "web", "--no-browser", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address.startswith("http://"):
                raise AssertionError(f"iea-desk web: {address}")
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=_SECONDS)


def _ask_browser(address: str, file: Path, picture: Path) -> PageReading:
    """Choose *file* on the page, copy the answer, and photograph the page."""
    # the browser's own children may still write to its profile for a moment after it has ended
    profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with profile as folder, start_chromium(Path(folder)) as chromium:
        chromium.resize(*_SIZE)
        chromium.send(
            "Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"]
        )
        chromium.open(address)
        chromium.choose_file("#fichier", file)
        with chromium.loading():
            chromium.evaluate("document.querySelector('form button').click()")
        words = str(chromium.evaluate(f"document.body.innerText + ' ' + {_ANSWER}?.value"))
        chromium.evaluate("document.querySelector('[data-copy=reponse-texte]').click()")
        chromium.wait_until(_COPIED)
        chromium.capture(picture)
        return PageReading(words, picture)


def _ask_server(address: str, file: Path) -> str:
    """Send *file* as the page's form does, and return the words of the page."""
    with httpx.Client(trust_env=False, timeout=_SECONDS, follow_redirects=True) as client:
        start = str(client.get(address).raise_for_status().url)
        answer = client.post(
            urljoin(start, "demande"),
            files={"fichier": (file.name, file.read_bytes())},
            headers={"Origin": start.rpartition("/")[0].rpartition("/")[0]},
        )
        return html.unescape(_TAG.sub(" ", answer.raise_for_status().text))
