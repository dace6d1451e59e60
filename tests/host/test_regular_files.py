"""Files opened only if they are files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from iea_agent.host.regular_files import NotAFileError, open_regular


def test_a_file_is_opened_and_made(tmp_path: Path) -> None:
    file = tmp_path / "a"
    with pytest.raises(FileNotFoundError):
        open(file, "rb", opener=open_regular).close()
    with open(file, "w", encoding="utf-8", opener=open_regular) as stream:
        stream.write("é")
    with open(file, encoding="utf-8", opener=open_regular) as stream:
        assert stream.read() == "é"


@pytest.mark.parametrize("mode", ["rb", "ab", "r+b"])
def test_what_is_no_file_is_not_opened(tmp_path: Path, mode: str) -> None:
    places = [tmp_path]
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "link").symlink_to("pipe")
        places += [tmp_path / "pipe", tmp_path / "link", Path("/dev/null")]
    for place in places:
        with pytest.raises(NotAFileError):
            open(place, mode, opener=open_regular).close()
