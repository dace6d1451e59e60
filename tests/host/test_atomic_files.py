"""Files written atomically: the old content or the new, whole."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iea_agent.host.atomic_files import write_atomically


def names(folder: Path) -> set[str]:
    """What is in *folder*, hidden files too."""
    return {path.name for path in folder.iterdir()}


def whole(path: Path) -> bytes:
    """Return the first eight bytes of *path*.

    All the pieces of eight bytes must be of one writing.
    """
    while True:
        try:
            data = path.read_bytes()
        except PermissionError:  # on Windows, in the very moment of its replacement
            continue
        assert data == data[:8] * 20_000
        return data[:8]


def test_it_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file"
    for data in (b"one", b"", b"three" * 100_000):
        write_atomically(path, data)
        assert path.read_bytes() == data
        assert names(path.parent) == {"file"}


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="file"):
        write_atomically(tmp_path / "file", b"x")
    assert names(tmp_path) == {"file"}


@pytest.mark.linux
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o400 | 0o200])
def test_of_a_link_the_target_is_replaced_and_the_mode_stays(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "elsewhere" / "settings.toml"
    target.parent.mkdir()
    target.write_bytes(b"old")
    target.chmod(mode)
    link, second = tmp_path / "settings.toml", tmp_path / "second"
    link.symlink_to(target)
    second.symlink_to(link)
    for path, data in ((link, b"one"), (second, b"two")):
        write_atomically(path, data)
        assert path.is_symlink()
        assert (target.read_bytes(), target.stat().st_mode & 0o777) == (data, mode)
        assert names(target.parent) == {"settings.toml"}


@pytest.mark.linux
def test_a_private_file_follows_no_link_and_no_mode(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_atomically(link, b"key", private=True)
    assert (target.read_bytes(), link.is_symlink()) == (b"old", False)
    link.chmod(0o644)
    write_atomically(link, b"key", private=True)
    assert link.stat().st_mode & 0o777 == 0o600


@pytest.mark.linux
@pytest.mark.skipif(os.access("/proc/1/environ", os.R_OK), reason="root may write anything")
def test_a_read_only_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o400)
    with pytest.raises(PermissionError):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


@pytest.mark.linux
def test_only_the_person_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    write_atomically(path, b"x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(sys.platform != "win32", reason="elsewhere an open file is no obstacle")
def test_it_waits_for_a_reader_to_let_go(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    script = (
        "import sys; f = open(sys.argv[1], 'rb'); print('open', flush=True); sys.stdin.readline(); f.close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdin is not None
        assert reader.stdout.readline().strip() == b"open"
        with pytest.raises(PermissionError):
            write_atomically(path, b"new")
        assert (path.read_bytes(), names(tmp_path)) == (b"old", {"file"})
        reader.stdin.write(b"\n")
        reader.stdin.flush()
        write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    old, fresh, other = (tmp_path / f".{name}.new" for name in ("file.1-1", "file.2-2", "others.1-1"))
    for path in (old, fresh, other):
        path.touch()
    os.utime(old, (1, 1))
    write_atomically(tmp_path / "file", b"x")
    assert names(tmp_path) == {"file", fresh.name, other.name}


def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    script = (
        "import itertools, sys; from pathlib import Path; from iea_agent.host.atomic_files import write_atomically\n"
        "for number in itertools.count():\n"
        "    write_atomically(Path(sys.argv[1]), b'%08d' % number * 20_000)\n"
        "    if not number: print('writing', flush=True)"
    )
    contents = set()
    for _ in range(30 if sys.platform == "linux" else 6):
        with subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline().strip() == b"writing"
            try:
                for _ in range(random.randrange(50)):  # noqa: S311 the moment of the crash
                    contents.add(whole(path))
                deadline = time.monotonic() + 30
                while len(contents) < 2 and time.monotonic() < deadline:  # a slow disk: see it really write
                    contents.add(whole(path))
            finally:
                writer.kill()
        contents.add(whole(path))
    assert len(contents) > 1


@pytest.mark.parametrize("through", [False, True])
def test_written_through_to_the_disk_it_is_replaced_alike(tmp_path: Path, through: bool) -> None:
    path = tmp_path / "current é"
    for data in (b"0.1.0\n", b"0.2.0\n"):
        write_atomically(path, data, through=through)
        assert (path.read_bytes(), names(tmp_path)) == (data, {path.name})
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_atomically(tmp_path / "folder", b"x", through=through)
    assert names(tmp_path) == {path.name, "folder"}
