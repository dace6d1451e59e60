"""The folder of the installed program: a version is named at every moment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iea_agent.domain.version_trial import Trial, TrialState, parse_pointer
from iea_agent.host.program_folder import ProgramFolder, TrialFile

SCRIPT = Path(__file__).with_name("slot_script.py")
OLD, NEW = "0.1.0", "0.2.0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program folder with two versions, of which the first is current."""
    return make_program(tmp_path / "IEA Agent é")


def make_program(folder: Path, previous: str = "") -> Path:
    for slot in (OLD, NEW):
        (folder / slot / "lib").mkdir(parents=True)
        for name in ("python313.dll", "python3.dll", "lib/module.pyc"):
            (folder / slot / name).write_bytes(b"x")
    (folder / "current").write_text(f"{OLD}\n")
    if previous:
        (folder / "previous").write_text(f"{previous}\n")
    return folder


def named(folder: Path, name: str = "current") -> str:
    """Return what a launcher would load, "" if that is not whole."""
    file = folder / name
    slot = parse_pointer(file.read_bytes()) if file.exists() else ""
    return slot if slot and (folder / slot / "python313.dll").exists() else ""


def play(folder: Path, own: str, touch: int, *action: str) -> bool:
    """Play *action* up to *touch*; return whether it came to its end."""
    done = subprocess.run(
        [sys.executable, SCRIPT, str(folder), own, str(touch), *action],
        capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    is_over = "touches" in done.stdout
    assert done.returncode == (0 if is_over else 137), done.stderr
    return is_over


def test_it_is_recognised_by_the_running_launcher(folder: Path) -> None:
    launcher, slot = str(folder / "iea-agentw.exe"), str(folder / OLD)
    assert ProgramFolder.locate(launcher, slot) == ProgramFolder(folder, OLD)


def test_a_checkout_or_a_pip_install_has_none(folder: Path, tmp_path: Path) -> None:
    assert ProgramFolder.locate() is None
    launcher = str(folder / "iea-agentw.exe")
    assert ProgramFolder.locate(launcher, str(tmp_path / OLD)) is None
    assert ProgramFolder.locate(launcher, str(folder / "lib")) is None
    (folder / "current").unlink()
    assert ProgramFolder.locate(launcher, str(folder / OLD)) is None


def test_a_switch_names_the_new_version_and_the_one_before(folder: Path) -> None:
    program = ProgramFolder(folder, OLD)
    program.switch(NEW)
    assert (named(folder), named(folder, "previous")) == (NEW, OLD)
    program.switch(NEW)
    assert (named(folder), named(folder, "previous")) == (NEW, OLD), "a second time changes nothing"
    program.switch(OLD)
    assert (named(folder), named(folder, "previous")) == (OLD, NEW)
    assert not list(folder.glob("*.new"))


@pytest.mark.parametrize("slot", ["0.9.0", "..", "", "current", "0.1.0/../0.2.0"])
def test_a_switch_to_what_is_not_there_changes_nothing(folder: Path, slot: str) -> None:
    with pytest.raises(OSError, match=r".*"):
        ProgramFolder(folder, OLD).switch(slot)
    assert named(folder) == OLD
    assert not (folder / "previous").exists()


def test_killed_at_any_moment_of_a_switch_a_version_is_named(tmp_path: Path) -> None:
    touch, is_over, names = 0, False, []
    while not is_over:
        touch += 1
        folder = make_program(tmp_path / str(touch))
        # what an earlier kill may have left
        (folder / "current.new").write_bytes(b"0.")
        is_over = play(folder, OLD, touch, "switch", NEW)
        names.append(named(folder))
        assert named(folder, "previous") in ("", OLD)
        assert play(folder, OLD, 0, "switch", NEW)
        assert (named(folder), named(folder, "previous")) == (NEW, OLD), "the next try ends it"
    assert len(names) > 3
    assert set(names) == {OLD, NEW}


def test_killed_at_any_moment_of_a_removal_no_half_version_is_named(tmp_path: Path) -> None:
    touch, is_over = 0, False
    while not is_over:
        touch += 1
        folder = make_program(tmp_path / str(touch), previous=NEW)
        is_over = play(folder, OLD, touch, "remove", NEW)
        assert named(folder) == OLD
        assert not (folder / "previous").exists() or named(folder, "previous") == NEW
    assert touch > 4
    assert not (folder / NEW).exists()


def test_what_cannot_be_removed_is_left(folder: Path) -> None:
    program = ProgramFolder(folder, OLD)
    assert not program.remove("0.9.0")
    assert program.remove(NEW)
    assert named(folder) == OLD


@pytest.mark.windows
def test_a_version_that_another_session_runs_is_left_whole(folder: Path) -> None:
    library = folder / NEW / "python313.dll"
    shutil.copyfile(Path(sys.base_prefix) / "python313.dll", library)
    script = "import ctypes, sys; ctypes.WinDLL(sys.argv[1]); print('loaded', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(library)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"loaded"
        assert not ProgramFolder(folder, OLD).remove(NEW)
        assert (folder / NEW / "lib" / "module.pyc").exists()
        assert library.exists()
        other.communicate(timeout=60)
    assert ProgramFolder(folder, OLD).remove(NEW)


def test_slots_are_told_from_other_folders(folder: Path) -> None:
    (folder / "0.3.0.part").mkdir()
    (folder / "autre").mkdir()
    (folder / "0.4.0").write_text("a file")
    old = time.time() - 3600
    os.utime(folder / NEW, (old, old))
    slots = ProgramFolder(folder, OLD).read_slots()
    assert set(slots.ages) == {OLD, NEW, "0.3.0.part"}
    assert (slots.own, slots.current, slots.previous) == (OLD, OLD, "")
    assert slots.ages[NEW] >= 3599
    assert ProgramFolder(folder, OLD).count_free_bytes() > 0


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"..\\x", b"0.1.0\n" * 1000])
def test_a_pointer_that_is_no_name_names_nothing(folder: Path, content: bytes) -> None:
    (folder / "previous").write_bytes(content)
    assert ProgramFolder(folder, OLD).read_slots().previous == ""


class TestTrialFile:
    """What the launcher counts, and what anybody may have put in its place."""

    def test_it_is_written_and_read(self, tmp_path: Path) -> None:
        trials = {NEW: Trial(1, TrialState.PROVED)}
        file = TrialFile(tmp_path / "é" / "trial")
        assert file.read_trials() == {}
        file.write_trials(trials)
        assert file.path.read_bytes() == b"0.2.0 1 proved\n"
        assert file.read_trials() == trials

    @pytest.mark.parametrize("content", [b"\0" * 5000, b"\xff\xfe\0", b"0.2.0 1 failed\n" * 100_000])
    def test_one_that_is_no_trial_file_is_replaced(self, tmp_path: Path, content: bytes) -> None:
        file = TrialFile(tmp_path / "trial")
        file.path.write_bytes(content)
        assert file.read_trials() == {}
        file.write_trials({NEW: Trial(1, TrialState.PROVED)})
        assert file.read_trials() == {NEW: Trial(1, TrialState.PROVED)}

    def test_a_folder_in_its_place_is_none(self, tmp_path: Path) -> None:
        file = TrialFile(tmp_path / "trial")
        file.path.mkdir()
        assert file.read_trials() == {}
        with pytest.raises(OSError, match=r".*"):
            file.write_trials({})

    @pytest.mark.linux
    def test_a_pipe_or_a_file_that_may_not_be_read_is_none(self, tmp_path: Path) -> None:
        file = TrialFile(tmp_path / "trial")
        if sys.platform != "win32":
            os.mkfifo(file.path)
        assert file.read_trials() == {}
