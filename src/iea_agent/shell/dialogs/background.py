"""Work in threads, whose results come back to the window in the drawing thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import wx

from iea_agent.domain.refusals import Refusal, RefusedError

_Value = TypeVar("_Value")


def deliver(window: wx.Window, receive: Callable[[_Value], None], value: _Value) -> None:
    """Call *receive* with *value* in the drawing thread unless *window* is closed."""

    def call() -> None:
        if window and not window.IsBeingDeleted():
            receive(value)

    if window:
        wx.CallAfter(call)


def run_in_background(
    window: wx.Window, name: str, work: Callable[[], _Value], done: Callable[[_Value | None], None]
) -> None:
    """Call *work* in a thread, then deliver its result to *done*.

    *done* receives None if *work* raised; the exception then goes to ``threading.excepthook``.
    """

    def run() -> None:
        result: _Value | None = None
        try:
            result = work()
        finally:
            deliver(window, done, result)

    threading.Thread(target=run, name=name, daemon=True).start()


def attempt(request: Callable[[], None]) -> Refusal | None:
    """Make *request*; return why it was refused, None if it was not."""
    try:
        request()
    except RefusedError as error:
        return error.refusal
    return None


def ask(request: Callable[[], _Value]) -> _Value | Refusal:
    """Make *request*; return its result, or why it was refused."""
    try:
        return request()
    except RefusedError as error:
        return error.refusal


def follow_agent(
    window: wx.Window,
    watch: Callable[[Callable[[_Value], None]], Callable[[], None]],
    on_change: Callable[[_Value], None],
    on_tick: Callable[[], None],
    milliseconds: int,
) -> None:
    """Deliver each state to *on_change*, and ticks, until *window* is closed.

    *watch* calls its argument from any thread and returns the function that ends this.
    """

    def on_close(event: wx.CloseEvent) -> None:
        timer.Stop()
        end_watch()
        event.Skip()

    end_watch = watch(lambda state: deliver(window, on_change, state))
    timer = wx.Timer(window)
    window.Bind(wx.EVT_TIMER, lambda _event: on_tick(), timer)
    window.Bind(wx.EVT_CLOSE, on_close)
    timer.Start(milliseconds)
