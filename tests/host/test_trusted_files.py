"""Files that only an administrator can have written.

On Linux the administrator is root; a test that nobody runs as root counts the person, as a checkout does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from iea_agent.host import NotTrustedError
from iea_agent.host.trusted_files import read_trusted

OTHER = 65534
"""The number of a user who is no administrator."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of the person's, in a folder of the person's."""
    folder = tmp_path / "IEA Agent"
    folder.mkdir(mode=0o755)
    file = folder / "policy.toml"
    file.write_bytes(b"0123456789")
    file.chmod(0o644)
    return file


def test_it_is_read_within_its_limit(file: Path) -> None:
    assert read_trusted(file, 10, own=True) == b"0123456789"
    assert read_trusted(file, 4, own=True) == b"01234", "one more says that there is more"


def test_what_is_not_there_is_not_there_whoever_owns_the_folder(file: Path) -> None:
    file.parent.chmod(0o777)
    for path in (file.with_name("root.json"), file.parent / "none" / "root.json"):
        with pytest.raises(FileNotFoundError):
            read_trusted(path, 10, own=True)


def test_what_is_no_file_is_refused(file: Path) -> None:
    (file.parent / "root.json").mkdir()
    with pytest.raises(OSError, match=r"root\.json"):
        read_trusted(file.parent / "root.json", 10, own=True)


@pytest.mark.windows
def test_on_windows_a_persons_own_file_is_no_administrators(file: Path) -> None:
    with pytest.raises(NotTrustedError, match="S-1-5-21-"):
        read_trusted(file, 10)


if sys.platform != "win32":

    @pytest.mark.linux
    @pytest.mark.parametrize("mode", [0o646, 0o666, 0o777, 0o642])
    @pytest.mark.parametrize("place", ["file", "folder"])
    def test_what_everybody_may_write_is_refused(file: Path, mode: int, place: str) -> None:
        judged = file if place == "file" else file.parent
        judged.chmod(mode | 0o111)
        with pytest.raises(NotTrustedError, match="everybody") as error:
            read_trusted(file, 10, own=True)
        assert error.value.filename == str(judged)

    @pytest.mark.linux
    def test_a_folder_where_everybody_may_only_add_is_refused_too(file: Path) -> None:
        file.parent.chmod(0o1777)
        with pytest.raises(NotTrustedError):
            read_trusted(file, 10, own=True)

    @pytest.mark.linux
    @pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file away")
    @pytest.mark.parametrize("place", ["file", "folder"])
    @pytest.mark.parametrize("own", [True, False])
    def test_what_somebody_else_owns_or_his_group_may_write_is_refused(
        file: Path, place: str, own: bool
    ) -> None:
        judged = file if place == "file" else file.parent
        os.chown(judged, OTHER, -1)
        with pytest.raises(NotTrustedError, match=f"user {OTHER}"):
            read_trusted(file, 10, own=own)
        os.chown(judged, 0, OTHER)
        assert read_trusted(file, 10, own=own) == b"0123456789"
        judged.chmod(0o775)
        with pytest.raises(NotTrustedError, match=f"group {OTHER}"):
            read_trusted(file, 10, own=own)

    @pytest.mark.linux
    def test_a_strangers_file_that_may_not_be_read_is_a_strangers(file: Path) -> None:
        """Else it would count as an administrator's mistake, which closes everything."""
        file.unlink()
        file.symlink_to(file)
        with pytest.raises(OSError, match="symbolic links") as error:
            read_trusted(file, 10, own=True)
        assert not isinstance(error.value, NotTrustedError)
        file.parent.chmod(0o777)
        with pytest.raises(NotTrustedError):
            read_trusted(file, 10, own=True)

    @pytest.mark.linux
    def test_a_pipe_is_not_waited_for(file: Path) -> None:
        pipe = file.with_name("root.json")
        os.mkfifo(pipe)
        with pytest.raises(OSError, match=r"root\.json"):
            read_trusted(pipe, 10, own=True)

    @pytest.mark.linux
    @pytest.mark.skipif(os.geteuid() == 0, reason="root's files are an administrator's")
    def test_a_persons_own_file_is_no_administrators(file: Path) -> None:
        with pytest.raises(NotTrustedError):
            read_trusted(file, 10)
