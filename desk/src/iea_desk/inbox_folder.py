"""The messages of a folder, a Maildir or an mbox file, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from iea_desk.private_files import open_file
from iea_desk.request_files import LARGEST_MESSAGE, RequestRefused

MOST_MESSAGES = 5_000
"""Messages that are opened."""
_ENDINGS = (".eml", ".zip")
_CHUNK = 65_536
_MBOX_MARK = b"From "


def read_up_to(path: Path, most: int = LARGEST_MESSAGE) -> bytes | None:
    """Return the bytes of *path*, None if there are more than *most*.

    Raises ``OSError``.
    """
    with open_file(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            return None
        data = file.read(most + 1)
    return None if len(data) > most else data


def iterate_messages(place: Path) -> Iterator[tuple[str, bytes | None]]:
    """Yield name and bytes of each message, None for the bytes if it is too large.

    Raises ``RequestRefused``, ``OSError``.
    """
    if not place.is_dir():
        yield from _iterate_mbox(place)
        return
    for file in list_files(place):
        try:
            yield file.name, read_up_to(file)
        except OSError:
            # another program has just moved it
            continue


def list_files(folder: Path) -> list[Path]:
    """Return the files of messages in *folder*, the newest first.

    In a Maildir these are all files of ``new`` and ``cur``. Links are left out. Raises ``OSError``.
    """
    is_maildir = (folder / "cur").is_dir() and (folder / "new").is_dir()
    folders = (folder / "new", folder / "cur") if is_maildir else (folder,)
    files = []
    for each in folders:
        with os.scandir(each) as entries:
            files += [
                (-entry.stat(follow_symlinks=False).st_mtime, entry.name, Path(entry.path))
                for entry in entries
                if entry.is_file(follow_symlinks=False)
                and (is_maildir or entry.name.lower().endswith(_ENDINGS))
            ]
    return [file for _age, _name, file in sorted(files)]


def _iterate_mbox(file: Path) -> Iterator[tuple[str, bytes | None]]:
    with open_file(file) as stream:
        if not begins_mbox(stream.read(len(_MBOX_MARK))):
            raise RequestRefused(f"{file} n’est ni un dossier de messages, ni une boîte au format mbox.")
        stream.seek(0)
        yield from iterate_mbox(stream)


def begins_mbox(data: bytes) -> bool:
    """Return whether *data* begins as a mailbox in the format mbox does."""
    return data.startswith(_MBOX_MARK)


def iterate_mbox(stream: IO[bytes]) -> Iterator[tuple[str, bytes | None]]:
    """Yield name and bytes of each message of a mailbox in the format mbox."""
    number, size, is_after_blank, begins_line = 0, 0, True, True
    parts: list[bytes] = []
    # a line may have no end
    while line := stream.readline(_CHUNK):
        if begins_line and is_after_blank and begins_mbox(line):
            if number:
                yield _name(number), b"".join(parts) if size <= LARGEST_MESSAGE else None
            number, size, parts = number + 1, 0, []
        else:
            size += len(line)
            if size <= LARGEST_MESSAGE:
                parts.append(line)
            else:
                parts.clear()
        is_after_blank = begins_line and not line.strip()
        begins_line = line.endswith(b"\n")
    yield _name(number), b"".join(parts) if size <= LARGEST_MESSAGE else None


def _name(number: int) -> str:
    return f"message n° {number}"
