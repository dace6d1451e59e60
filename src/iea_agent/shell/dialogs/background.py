"""Work in threads; its results come back to the window in the drawing thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import wx

_Result = TypeVar("_Result")
_State = TypeVar("_State")


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


def follow_agent(
    window: wx.Window,
    watch: Callable[[Callable[[_State], None]], Callable[[], None]],
    on_change: Callable[[_State], None],
    on_tick: Callable[[], None],
    milliseconds: int,
) -> None:
    """Call *on_change* with each state from *watch* until *window* is closed.

    *watch* calls its argument from any thread and returns the function that ends this;
    *on_change* is called in the drawing thread, and *on_tick* every so many *milliseconds*.
    """

    def deliver(state: _State) -> None:
        if window and not window.IsBeingDeleted():
            on_change(state)

    def report(state: _State) -> None:
        if window:
            wx.CallAfter(deliver, state)

    def on_close(_event: wx.CloseEvent) -> None:
        timer.Stop()
        end_watch()
        window.Destroy()

    end_watch = watch(report)
    timer = wx.Timer(window)
    window.Bind(wx.EVT_TIMER, lambda _event: on_tick(), timer)
    window.Bind(wx.EVT_CLOSE, on_close)
    timer.Start(milliseconds)
