"""HTML made of pieces: whatever is not HTML already is escaped.

There is no other way to put text into a page, so that what a request says can never be anything but text.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

from iea_agent.domain.printable_text import escape_controls

_EMPTY = ("br", "input", "link", "meta")
"""Elements without content and without an end."""


class Html(str):
    """HTML, made by ``tag`` only."""

    __slots__ = ()


Content: TypeAlias = "str | Iterable[Content] | None"
"""What an element holds: HTML, or text to be escaped, or several of these."""


def tag(name: str, /, *children: Content, **attributes: str | int | bool | None) -> Html:
    """Return the element *name* with *children*.

    In the names of attributes ``_`` stands for ``-``, and one at the end is dropped. True is an attribute without a value, False and None are
    none.
    """
    written = "".join(
        _write_attribute(key.rstrip("_").replace("_", "-"), value)
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{written}>" + ("" if name in _EMPTY else f"{join(*children)}</{name}>"))


def _write_attribute(name: str, value: str | int) -> str:
    return f" {name}" if value is True else f' {name}="{_escape(str(value))}"'


def join(*children: Content) -> Html:
    """Return *children* one after the other."""
    return Html("".join(map(_write, children)))


def _write(child: Content) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    return _escape(child) if isinstance(child, str) else join(*child)


def _escape(text: str) -> str:
    return escape(escape_controls(text))
