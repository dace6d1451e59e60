"""Work in a thread; its result comes back to the window as an event."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import wx

_Result = TypeVar("_Result")


def run_in_background(
    window: wx.Window, name: str, work: Callable[[], _Result], done: Callable[[_Result | None], None]
) -> None:
    """Call *work* in a thread, then *done* with its result in the drawing thread.

    *name* is the thread's. *done* receives None if *work* raised an exception; the exception
    then goes to ``threading.excepthook``. It is not called if *window* is closed by then.
    """

    def deliver(result: _Result | None) -> None:
        if window and not window.IsBeingDeleted():
            done(result)

    def run() -> None:
        result: _Result | None = None
        try:
            result = work()
        finally:
            if window:
                wx.CallAfter(deliver, result)

    threading.Thread(target=run, name=name, daemon=True).start()
