"""Making a register: an interrupted run is continued, and the progress is output."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from iea_agent.domain.password_register import Kdf
from iea_desk.keys import MasterKey
from iea_desk.register import (
    OtherRegister,
    ProgressBar,
    RegisterPlan,
    WrongHash,
    format_duration,
    make_register,
    unfinished_file,
    verify_register,
)

PLAN = RegisterPlan(MasterKey("2026a", bytes(range(32))), "*", 1, date(2026, 11, 1), 30, Kdf(16, 1, 1))


def ignore_progress(_done: int, _total: int) -> None:
    """Show no progress."""


class Ended(Exception):
    """The run is interrupted."""


def stop_at(last: int, output: Path) -> None:
    """Make the register as far as *last*, then end."""

    def progress(done: int, _total: int) -> None:
        if done == last:
            raise Ended

    with pytest.raises(Ended):
        make_register(PLAN, output, progress)


def test_a_run_goes_on_even_after_half_a_line(tmp_path: Path) -> None:
    output = tmp_path / "register"
    for last in (0, 7, 8, 20, 29):
        stop_at(last, output)
        with unfinished_file(output).open("a", encoding="ascii") as file:
            file.write("0123456789abcdef"[: last % 16])
    register = make_register(PLAN, output, ignore_progress)
    assert register.days == 30
    assert register.digests == b"".join(PLAN.hash_day(distance, register.salt) for distance in range(30))


def test_another_order_does_not_go_on_with_this_one(tmp_path: Path) -> None:
    output = tmp_path / "register"
    stop_at(7, output)
    before = unfinished_file(output).read_bytes()
    for other in (
        replace(PLAN, days=31),
        replace(PLAN, generation=2),
        replace(PLAN, first=date(2026, 11, 2)),
        replace(PLAN, scope="IEA-1"),
        replace(PLAN, kdf=Kdf(32, 1, 1)),
        replace(PLAN, key=MasterKey("2026a", bytes(32))),
        replace(PLAN, key=MasterKey("2026b", bytes(range(32)))),
    ):
        with pytest.raises(OtherRegister):
            make_register(other, output, ignore_progress)
    assert unfinished_file(output).read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        # a password of one's own for a day, even with the code of its neighbour
        lambda lines: [*lines[:3], "00" * 16, *lines[4:]],
        lambda lines: [*lines[:3], f"{'00' * 16} {lines[3].rpartition(' ')[2]}", *lines[4:]],
        # each line alone would be right
        lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]],
        lambda lines: [*lines[:3], *lines[4:]],
        lambda lines: [lines[0], *lines[1:], lines[-1]],
        # the salt, the days
        lambda lines: [lines[0].replace('"salt": "', '"salt": "00'), *lines[1:]],
        lambda lines: [lines[0].replace('"days": 30', '"days": 31'), *lines[1:]],
        # without any code, as it was written formerly
        lambda lines: [line.rpartition(" ")[0] for line in lines],
        lambda lines: ["é", *lines],
    ],
)
def test_a_start_that_somebody_changed_is_not_used(
    tmp_path: Path, change: Callable[[list[str]], list[str]]
) -> None:
    output = tmp_path / "register"
    stop_at(7, output)
    begun = unfinished_file(output)
    lines = change(begun.read_text(encoding="ascii").splitlines())
    begun.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    for plan in (PLAN, replace(PLAN, days=31)):
        with pytest.raises(OtherRegister):
            make_register(plan, output, ignore_progress)
    assert not output.exists()


def test_a_giant_in_the_place_of_a_start_is_neither_read_whole_nor_overwritten(tmp_path: Path) -> None:
    output = tmp_path / "register"
    with unfinished_file(output).open("wb") as file:
        file.write(b"a")
        file.truncate(4_000_000_000)
    with pytest.raises(OtherRegister):
        make_register(PLAN, output, ignore_progress)
    assert unfinished_file(output).stat().st_size == 4_000_000_000


@pytest.mark.linux
def test_a_pipe_in_the_place_of_a_start_is_not_waited_for(tmp_path: Path) -> None:
    output = tmp_path / "register"
    if sys.platform != "win32":
        os.mkfifo(unfinished_file(output))
    with pytest.raises(OSError, match="pas un fichier"):
        make_register(PLAN, output, ignore_progress)


@pytest.mark.linux
@pytest.mark.parametrize("there", [False, True])
def test_a_link_in_the_place_of_a_start_is_not_followed(tmp_path: Path, there: bool) -> None:
    output, elsewhere = tmp_path / "register", tmp_path / "elsewhere"
    if there:
        elsewhere.write_bytes(b"")
    unfinished_file(output).symlink_to(elsewhere)
    with pytest.raises(OtherRegister):
        make_register(PLAN, output, ignore_progress)
    assert elsewhere.exists() is there
    assert not there or elsewhere.read_bytes() == b""


def test_each_hash_of_a_register_is_verified(tmp_path: Path) -> None:
    register = make_register(PLAN, tmp_path / "register", ignore_progress)
    steps: list[tuple[int, int]] = []
    verify_register(PLAN.key, register, range(30), lambda *step: steps.append(step))
    assert steps == [(done, 30) for done in range(31)]
    for distance in (0, 17, 29):
        digests = bytearray(register.digests)
        digests[distance * 16] ^= 1
        with pytest.raises(WrongHash, match=(PLAN.first + timedelta(days=distance)).isoformat()):
            verify_register(PLAN.key, replace(register, digests=bytes(digests)), range(30), ignore_progress)
        others = [each for each in range(30) if each != distance]
        verify_register(PLAN.key, replace(register, digests=bytes(digests)), others, ignore_progress)
    for changed in (replace(register, first=date(2026, 11, 2)), replace(register, scope="IEA-1")):
        with pytest.raises(WrongHash):
            verify_register(PLAN.key, changed, [0], ignore_progress)


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def show_progress(stream: io.StringIO, begun: int = 0) -> str:
    """Return the progress of a hundred days, one a second, from *begun* on."""
    now = 50.0
    bar = ProgressBar(stream, clock=lambda: now)
    for done in range(begun, 101):
        bar(done, 100)
        now += 1
    return stream.getvalue().replace("\u00a0", " ")


def test_on_a_terminal_one_line_that_changes() -> None:
    output = show_progress(Terminal())
    assert output.count("\n") == 1
    assert "25 % (25 jours sur 100), reste 1 min 15 s" in output
    assert output.rstrip().endswith("100 % (100 jours sur 100), fait en 1 min 40 s")


def test_elsewhere_a_line_for_each_tenth() -> None:
    lines = show_progress(io.StringIO()).splitlines()
    assert len(lines) == 11
    assert "\r" not in "".join(lines)


def test_what_was_done_before_does_not_count_for_the_speed() -> None:
    assert "(75 jours sur 100), reste 25 s" in show_progress(Terminal(), begun=50)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (59.6, "1 min 00 s"), (582, "9 min 42 s"), (3660, "1 h 01 min")]
)
def test_durations(seconds: float, words: str) -> None:
    assert format_duration(seconds).replace("\u00a0", " ") == words
