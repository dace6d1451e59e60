"""The process of one window: ``iea-agent window NAME OPTIONS``."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from iea_agent.domain import exit_codes, refusals
from iea_agent.domain.refusals import RefusedError

from .dialog_adapters import ADAPTERS
from .installation import Installation
from .window_opener import PREPARED_SECONDS

PRELOADED = ("settings", "status", "support")
"""The windows that a prepared process knows; the others would only make it larger."""


def read_lines() -> Iterator[str]:
    """Yield the lines of the standard input.

    Without Python's own buffer: a thread that waits in it would disturb the end of the process.
    """
    rest = b""
    while data := os.read(0, 4096):
        *lines, rest = (rest + data).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)


def wait_for_window_name(lines: Iterator[str]) -> list[str]:
    """Preload the dialogs, then read the window's name and options; [] if none comes."""
    for name in PRELOADED:
        _import_dialog(name)
    patience = threading.Timer(PREPARED_SECONDS, os._exit, (0,))
    patience.daemon = True
    patience.start()
    window = next(lines, "").split()
    patience.cancel()
    return window


def _import_dialog(name: str) -> ModuleType:
    if find_spec("wx") is None:
        raise RefusedError(refusals.NoWindows())
    return import_module(f"iea_agent.shell.dialogs.{name}_dialog")


def run(installation: Installation, window: Sequence[str]) -> int:
    """Show *window*, or the one named on stdin. Raises ``RefusedError``."""
    lines = read_lines()
    name, *options = window or wait_for_window_name(lines) or [""]
    return show_window(installation, name, options, lines) if name else exit_codes.FINE


def show_window(
    installation: Installation, name: str, options: Sequence[str] = (), later: Iterable[str] = ()
) -> int:
    """Show the window *name* until it is closed and return the exit code.

    *later* yields the options of each request for the window while it is open.
    """
    if name not in ADAPTERS:
        return exit_codes.USAGE

    def start_logging() -> None:
        from .fault_recording import start_log

        start_log(installation, name)

    _import_dialog(name).run(ADAPTERS[name](installation), start_logging, options, later)
    return exit_codes.FINE
