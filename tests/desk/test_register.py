"""How far the making of a register is, and what is said of the time."""

from __future__ import annotations

import io
from datetime import date

import pytest

from iea_desk.letter import in_french
from iea_desk.register import ProgressBar, in_words


class Terminal(io.StringIO):
    """A stream that people watch."""

    def isatty(self) -> bool:
        return True


def played(stream: io.StringIO, begun: int = 0) -> str:
    """A hundred days, one a second, from *begun* on."""
    now = 50.0
    bar = ProgressBar(stream, clock=lambda: now)
    for done in range(begun, 101):
        bar(done, 100)
        now += 1
    return stream.getvalue().replace("\u00a0", " ")


def test_on_a_terminal_one_line_that_changes() -> None:
    shown = played(Terminal())
    assert shown.count("\n") == 1
    assert "25 % (25 jours sur 100), reste 1 min 15 s" in shown
    assert shown.rstrip().endswith("100 % (100 jours sur 100), fait en 1 min 40 s")


def test_elsewhere_a_line_for_each_tenth() -> None:
    lines = played(io.StringIO()).splitlines()
    assert len(lines) == 11
    assert "\r" not in "".join(lines)


def test_what_was_done_before_does_not_count_for_the_speed() -> None:
    assert "(75 jours sur 100), reste 25 s" in played(Terminal(), begun=50)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (59.6, "1 min 00 s"), (582, "9 min 42 s"), (3660, "1 h 01 min")]
)
def test_durations(seconds: float, words: str) -> None:
    assert in_words(seconds).replace("\u00a0", " ") == words


def test_days_in_french() -> None:
    assert in_french(date(2026, 11, 27)) == "vendredi 27 novembre 2026"
    assert in_french(date(2026, 12, 1)) == "mardi 1er décembre 2026"
    assert in_french(date(2027, 8, 15)) == "dimanche 15 août 2027"
