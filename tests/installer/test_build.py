"""What a build leaves that fails or is killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from installer import build
from installer.build import Built
from installer.msi_package import build_msi
from installer.setup_program import compile_portable_test, compile_setup
from rig.build import BuildError

HALF = """#!/bin/sh
# writes half of the file that it is to make, and fails
for word; do
    case $word in -DOUTPUT=*) printf half >"${word#-DOUTPUT=}" ;; esac
    case $before in --output) printf half >"$word" ;; esac
    before=$word
done
exit 1
"""


@pytest.mark.parametrize(
    ("make", "tool"),
    [(compile_setup, "makensis"), (compile_portable_test, "makensis"), (build_msi, "wixl")],
)
def test_the_file_of_before_is_whole_whatever_happens(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[..., None], tool: str
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / tool).write_text(HALF)
    (tmp_path / "bin" / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    slot, target = tmp_path / "slot", tmp_path / "made"
    slot.mkdir()
    (slot / "python313.zip").touch()
    target.write_text("the one of before")
    with pytest.raises(BuildError):
        make(slot, built.launchers, target)
    assert target.read_text() == "the one of before"


def test_what_is_made_anew_counts_as_made_only_at_the_end(tmp_path: Path) -> None:
    part = tmp_path / "part"
    with build.stamping(part, "first"):
        part.write_text("first")
    assert build.is_stamped(part, "first")

    def fail() -> None:
        with build.stamping(part, "second"):
            part.write_text("seco")
            raise BuildError("as the test wished")

    with pytest.raises(BuildError):
        fail()
    assert not build.is_stamped(part, "first")
    assert not build.is_stamped(part, "second")
