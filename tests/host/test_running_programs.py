"""The programs that run: this one is one of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from iea_agent.host.running_programs import is_running, list_running

OWN = os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def test_this_program_runs_from_its_file() -> None:
    own = [each for each in list_running((os.path.basename(OWN).upper(),)) if each.pid == os.getpid()]
    assert [os.path.normcase(each.path) for each in own] == [os.path.normcase(OWN)]
    assert is_running(OWN)


def test_a_program_of_the_same_name_in_another_folder_does_not_run(tmp_path: Path) -> None:
    assert not is_running(str(tmp_path / os.path.basename(OWN)))
    assert not is_running("")


def test_other_names_are_left_out() -> None:
    assert list_running(("no-such-program.exe",)) == ()
    assert list_running(()) == ()
