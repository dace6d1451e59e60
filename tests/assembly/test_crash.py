"""Killed at each touch of a file: the state before or after, never between.

No try is free, and no file is half written.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from iea_agent.domain import password_tries as tries
from iea_agent.host.journal import Journal
from tests.passwords import make_current_register, other_password, password, today

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a register, in the heart."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "policy").mkdir()
    (folder / "policy" / "register.json").write_text(make_current_register().to_text(), encoding="utf-8")
    return folder


def play(action: str, typed: str, kind: str, *homes: Path) -> list[list[str]]:
    """Play a turn in each home, "whole" or "killed" at each touch; return the outputs."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.assembly.crash_script", action, typed, kind, *homes],
        cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    turns: list[list[str]] = json.loads(done.stdout)
    return turns


def every_moment(before: Path, tmp_path: Path, action: str, typed: str = "") -> list[tuple[Path, str]]:
    """Return the installation and the output after a kill at each touch in turn.

    The last one was not killed.
    """
    home = tmp_path / "before"
    shutil.copytree(before, home)
    (outputs,) = play(action, typed, "killed", home)
    assert ["touches" in output for output in outputs] == [False] * (len(outputs) - 1) + [True]
    return [(tmp_path / f"before-{touch}", output) for touch, output in enumerate(outputs, start=1)]


def in_assistance(home: Path) -> bool:
    file = home / "state" / "assistance.json"
    return file.exists() and json.loads(file.read_text(encoding="utf-8"))["since"] is not None


def failures(home: Path) -> int:
    file = home / "state" / "attempts.json"
    if not file.exists():
        return 0
    return tries.parse_tries(json.loads(file.read_text(encoding="utf-8"))).failures


def is_sound(home: Path) -> None:
    """Nothing is half written, and it all goes on from here."""
    for file in (home / "state").glob("*.json"):
        json.loads(file.read_text(encoding="utf-8"))
    entries = list(Journal(home / "state" / "journal.jsonl").entries())
    assert all(entry.whole for entry in entries)


@pytest.mark.linux  # the same code on both systems; and only here a process can be copied
def test_entering(installed: Path, tmp_path: Path) -> None:
    moments = every_moment(installed, tmp_path, "enter")

    assert len(moments) > 5
    for home, output in moments:
        is_sound(home)
        assert in_assistance(home) or "True" not in output, "who was told yes is in"
    assert in_assistance(moments[-1][0])


@pytest.mark.linux
def test_a_wrong_password_is_charged_before_it_is_judged(installed: Path, tmp_path: Path) -> None:
    held = tmp_path / "held"
    shutil.copytree(installed, held)
    play("enter", "", "whole", held)

    moments = every_moment(held, tmp_path, "leave", other_password(today()))

    assert len(moments) > 5
    for home, output in moments:
        is_sound(home)
        assert in_assistance(home)
        assert failures(home) == 1 or "judged" not in output, "what was judged has been charged"
    assert failures(moments[-1][0]) == 1


@pytest.mark.linux
def test_leaving(installed: Path, tmp_path: Path) -> None:
    held = tmp_path / "held"
    shutil.copytree(installed, held)
    play("enter", "", "whole", held)

    moments = every_moment(held, tmp_path, "leave", password(today()))

    assert len(moments) > 5
    for home, output in moments:
        is_sound(home)
        assert not in_assistance(home) or "True" not in output, "who was told yes is out"
    still_in = [home for home, _ in moments if in_assistance(home)]
    assert still_in
    for (output,) in play("leave", password(today()), "whole", *still_in):
        assert "True" in output, "and who is still in gets out with the same password"
    assert not in_assistance(moments[-1][0])
    assert failures(moments[-1][0]) == 0
