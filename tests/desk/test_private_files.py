"""Private files: only their owner can read them, or they are refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from iea_desk import private_files


def test_a_written_file_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "clé.json"
    private_files.write_private(path, "é\n")
    assert private_files.read_private(path) == "é\n"
    private_files.write_private(path, "ü\n", replace=True)
    assert private_files.read_private(path) == "ü\n"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    private_files.write_private(path, "first")
    with pytest.raises(FileExistsError):
        private_files.write_private(path, "second")
    assert private_files.read_private(path) == "first"


def test_too_large_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film"
    private_files.write_private(path, "x" * 200_000)
    with pytest.raises(ValueError, match="too large"):
        private_files.read_private(path)


@pytest.mark.linux
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    if sys.platform != "win32":
        os.mkfifo(pipe, 0o600)
    with pytest.raises(OSError, match="pas un fichier"):
        private_files.read_private(pipe)


WRITE_AS_ANOTHER = """
import ctypes, sys
from pathlib import Path
from iea_desk.key_store import save_file
from iea_desk.keys import DeskError

# new files belong to another user, as on a medium that keeps no owner
ctypes.CDLL(None).setfsuid(65534)
try:
    save_file(Path(sys.argv[1]), "secret")
except DeskError as error:
    print(int(error.exit_code), error)
"""


@pytest.mark.linux
@pytest.mark.skipif(not os.access("/", os.W_OK), reason="needs root")
def test_where_rights_do_not_hold_nothing_is_written() -> None:
    # pytest's own folder is closed to other users
    with tempfile.TemporaryDirectory() as folder:
        shutil.chown(folder, user=65534)
        key_file = Path(folder) / "trousseau.json"
        arguments = [sys.executable, "-X", "utf8", "-c", WRITE_AS_ANOTHER, str(key_file)]
        done = subprocess.run(arguments, capture_output=True, encoding="utf-8", timeout=60, check=False)

        assert done.stdout.startswith(f"4 Rien n’est écrit\u00a0: dans {folder}"), done.stderr
        assert "FAT" in done.stdout
        assert not list(Path(folder).iterdir())


@pytest.mark.linux
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o777])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    private_files.write_private(path, "secret")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(mode)
    with pytest.raises(private_files.NotPrivate, match="chmod 600"):
        private_files.read_private(path)


@pytest.mark.parametrize(
    ("rights", "is_open"),
    [
        ("O:S-1-2D:P(A;;FA;;;S-1-2)", False),
        ("O:S-1-2D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;FA;;;S-1-2)", False),
        ("O:BAD:(A;;FA;;;S-1-2)(D;;FR;;;WD)(A;OICIIO;FA;;;CO)", False),
        ("O:S-1-20D:P(A;;FA;;;S-1-2)", True),
        ("O:S-1-2D:P(A;;FA;;;S-1-2)(A;;FR;;;WD)", True),
        ("O:S-1-2D:P(A;;FA;;;S-1-2)(A;;FR;;;BU)", True),
        ("O:S-1-2D:P(A;;FA;;;S-1-2)(A;;0x2;;;S-1-20)", True),
        ("O:S-1-2D:P(A;;FA;;;S-1-2)(XA;;FR;;;S-1-20)", True),
        ("O:S-1-2D:NO_ACCESS_CONTROL", True),
        ("O:S-1-2", True),
        ("", True),
    ],
)
def test_who_the_rights_of_windows_let_in(rights: str, is_open: bool) -> None:
    assert private_files.is_open_to_others(rights, "S-1-2") is is_open


@pytest.mark.windows
def test_a_file_that_everyone_can_read_on_windows(tmp_path: Path) -> None:
    if sys.platform == "win32":
        from iea_desk.windows_rights import create_file, user_sid

        path = tmp_path / "key"
        os.close(create_file(path, f"D:P(A;;FA;;;{user_sid()})(A;;FR;;;WD)"))
        with pytest.raises(private_files.NotPrivate, match="icacls"):
            private_files.read_private(path)


@pytest.mark.windows
def test_on_windows_a_file_has_its_rights_from_its_first_moment(tmp_path: Path) -> None:
    if sys.platform == "win32":
        from iea_desk.windows_rights import abbreviate_sid, create_file, file_rights, user_sid

        path = tmp_path / "key"
        mine = f"D:P(A;;FA;;;{user_sid()})"
        descriptor = create_file(path, mine)
        with open(descriptor, "w", encoding="utf-8") as file:
            assert not private_files.is_open_to_others(file_rights(file), abbreviate_sid(user_sid()))
            with pytest.raises(PermissionError):
                path.read_bytes()
            file.write("secret")
        assert private_files.read_private(path) == "secret"
        with pytest.raises(FileExistsError):
            create_file(path, mine)
