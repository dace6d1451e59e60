"""Files that only their owner can read; a file that others can read is refused."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from pathlib import Path
from typing import IO, Any

_LARGEST = 100_000  # bytes


class NotPrivate(Exception):
    """Other users can read the file; the message is the command that prevents it."""


class NeverPrivate(Exception):
    """The medium of the folder keeps no rights: other users would read the file."""


def open_file(path: Path) -> IO[bytes]:
    """Open the file *path* for reading; a pipe or a device is refused, not waited for.

    Raises ``OSError``.
    """
    waits_not = getattr(os, "O_NONBLOCK", 0)
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | waits_not))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "ce n'est pas un fichier", str(path))
    return file


def read_private(path: Path) -> str:
    """Return the text of *path*. Raises ``NotPrivate``, ``OSError``, ``ValueError``."""
    with open_file(path) as file:
        _check(path, file)
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError("too large")
    return data.decode("utf-8-sig")


def write_private(path: Path, text: str, replace: bool = False) -> None:
    """Write *text* to *path* in one step; replace a file only if *replace* is set.

    The file is created with its rights, and they are checked before the first byte is
    written: FAT and exFAT keep none. Raises ``NeverPrivate``, ``FileExistsError``,
    ``OSError``.
    """
    target = path.with_name(f"{path.name}.{os.getpid()}.new") if replace else path
    descriptor = _create(target)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
            try:
                _check(target, file)
            except NotPrivate as error:
                raise NeverPrivate(str(path.parent)) from error
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            target.replace(path)
    except BaseException:
        target.unlink()
        raise


_TRUSTED = frozenset({"SY", "BA"})
"""The system and the administrators, who can read every file."""


def is_open_to_others(rights: str, user: str) -> bool:
    """Return whether *rights* (SDDL) admit others than *user* and administrators.

    The owner counts, who can change the rights.
    """
    owner, _, access = rights.partition("D:")
    entries = [entry.split(";") for entry in re.findall(r"\(([^()]*)\)", access)]
    # a denial (D) admits no one, and an entry only for inheritance (IO) does not apply to the file itself
    readers = {entry[-1] for entry in entries if entry[0] != "D" and "IO" not in entry[1]}
    readers.add(owner.removeprefix("O:"))
    # without any entry everybody is admitted
    return not entries or bool(readers - {user} - _TRUSTED)


if sys.platform == "win32":
    from iea_desk.windows_rights import abbreviate_sid, create_file, file_rights, user_sid

    def _create(path: Path) -> int:
        return create_file(path, f"O:{user_sid()}D:P(A;;FA;;;{user_sid()})")

    def _check(path: Path, file: IO[Any]) -> None:
        if is_open_to_others(file_rights(file), abbreviate_sid(user_sid())):
            raise NotPrivate(f'icacls "{path}" /inheritance:r /grant:r "%USERNAME%:F"')

else:

    def _create(path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def _check(path: Path, file: IO[Any]) -> None:
        status = os.fstat(file.fileno())
        if status.st_mode & 0o077 or status.st_uid not in (os.getuid(), 0):
            raise NotPrivate(f"chmod 600 '{path}'")
