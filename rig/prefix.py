"""A private Wine prefix, and Windows programs that run in it without a desktop.

Runs in the Linux Python.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from rig.build import PREFIX_TEMPLATE, PYTHON, ROOT, WINDOWS, take_lock, wine_environment

PREFIXES = WINDOWS / "prefixes"
TEMPORARY = "temporary-"
SOCKETS = Path("/tmp")  # noqa: S108  where Debian's Wine wants the folder of its socket


class InUseError(Exception):
    """Another rig runs in the prefix of this name."""


class Prefix:
    """A copy of the template prefix below build/windows/prefixes.

    Without a name it is new and removed when closed. With a name it stays for a later use.
    """

    def __init__(self, name: str | None = None) -> None:
        PREFIXES.mkdir(parents=True, exist_ok=True)
        self._temporary = name is None
        self.path = PREFIXES / (name or TEMPORARY + secrets.token_hex(4))
        lock = take_lock(self.path.with_name(f"{self.path.name}.lock"), wait=False)
        if lock is None:
            raise InUseError(f"the prefix {self.path.name} is in use")
        self._lock = lock
        _sweep()
        if not self.path.exists():
            shutil.copytree(PREFIX_TEMPLATE, self.path, symlinks=True, copy_function=_copy)
        _make_server_folder(self.path)
        self.environment = wine_environment(self.path)

    def start(
        self,
        program: str | Path,
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        output: int | IO[str] = subprocess.PIPE,
        errors: int | IO[str] = subprocess.STDOUT,
    ) -> subprocess.Popen[str]:
        """Start a Windows program with pipes; *env* adds to the prefix's environment."""
        # Windows' Python wants each standard handle to be a pipe or a file, else it ends with "WinError 6".
        return subprocess.Popen(
            ["wine", str(program), *map(str, arguments)],
            env={**self.environment, **(env or {})}, cwd=cwd, stdin=subprocess.PIPE, stdout=output, stderr=errors,
            text=True, encoding="utf-8", errors="replace",
        )  # fmt: skip

    def run(
        self,
        program: str | Path,
        *arguments: str | Path,
        given: str = "",
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
        cwd: Path = ROOT,
    ) -> subprocess.CompletedProcess[str]:
        """Run a Windows program to its end; ``stdout`` has its output and errors.

        *given* is its input. Raises TimeoutExpired if it takes longer than *timeout* seconds: it is ended then.
        """
        with self.start(program, *arguments, env=env, cwd=cwd) as process:
            return subprocess.CompletedProcess(arguments, *read_to_end(process, timeout, given))

    def python(
        self,
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
        cwd: Path = ROOT,
    ) -> subprocess.CompletedProcess[str]:
        """Run the Windows Python to its end; ``stdout`` has its output and errors."""
        return self.run(PYTHON / "python.exe", *arguments, env=env, timeout=timeout, cwd=cwd)

    def registry(self, lines: str) -> None:
        """Add lines to the user's registry (user.reg) while nothing runs in the prefix."""
        with (self.path / "user.reg").open("a") as user:
            user.write(f"\n{lines}\n")

    def close(self) -> None:
        """End every program of the prefix, and remove it unless it has a name."""
        subprocess.run(
            ["wineserver", "-k"], env=self.environment, check=False, capture_output=True, timeout=60
        )
        _drop_server_folder(self.path)
        if self._temporary:
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()
        if self._temporary:
            Path(self._lock.name).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_to_end(process: subprocess.Popen[str], timeout: float, given: str = "") -> tuple[int, str]:
    """Return exit code and output of a Windows program, once it has ended.

    *given* is its input, which is closed.

    Not ``communicate``, which waits for the end of the pipe: Wine's desktop may have begun with the program and inherited
    the pipe, and then nobody closes that. All that the program has written is in the pipe when it has ended.

    Raises TimeoutExpired if it takes longer than *timeout* seconds: it is ended then.
    """
    if sys.platform != "linux":
        raise RuntimeError("Wine runs on Linux")
    assert process.stdin is not None
    assert process.stdout is not None
    output, ending, parts = process.stdout.fileno(), os.pidfd_open(process.pid), list[bytes]()
    deadline = time.monotonic() + timeout
    try:
        with contextlib.suppress(BrokenPipeError):  # it reads nothing
            process.stdin.write(given)
            process.stdin.close()
        while True:
            ready, _, _ = select.select([output, ending], [], [], max(0, deadline - time.monotonic()))
            if output in ready and (part := os.read(output, 65536)):
                parts.append(part)
            elif ending in ready:
                break
            elif output in ready:
                # it has closed its output, and goes on
                process.wait(max(0, deadline - time.monotonic()))
            else:
                raise subprocess.TimeoutExpired(process.args, timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    finally:
        os.close(ending)
        process.stdout.close()
    return process.wait(), b"".join(parts).decode("utf-8", "replace").replace("\r\n", "\n")


def windows_path(path: Path) -> str:
    """Return *path* as a Windows program spells it."""
    return "Z:" + str(path.resolve()).replace("/", "\\")


def _copy(source: str, target: str) -> None:
    # the files of Windows are only read: hard links cost nothing, copies 700 MB and 4 s
    if "/drive_c/windows/" in source:
        os.link(source, target)
    elif not source.endswith("/wineserver"):
        shutil.copy2(source, target)


def _make_server_folder(prefix: Path) -> None:
    """Make the folder of Wine's socket.

    Its name stands in the prefix's file ``wineserver``. Debian's Wine makes it if it is missing, but two programs
    that start together make two, and one of them fails.
    """
    _drop_server_folder(prefix)
    folder = SOCKETS / f"wine-{secrets.token_hex(3)}"
    folder.mkdir(mode=0o700)
    record = prefix / "wineserver"
    record.write_text(folder.name)
    # with other rights Wine ignores it and makes its own
    record.chmod(0o400)


def _drop_server_folder(prefix: Path) -> None:
    record = prefix / "wineserver"
    if record.exists() and re.fullmatch(r"wine-\w{6}", name := record.read_text()):
        shutil.rmtree(SOCKETS / name, ignore_errors=True)
    record.unlink(missing_ok=True)


def _sweep() -> None:
    """Remove the prefixes that a killed run has left."""
    for path in PREFIXES.glob(f"{TEMPORARY}*/"):
        if path.is_dir() and (lock := take_lock(path.with_name(f"{path.name}.lock"), wait=False)) is not None:
            with lock, contextlib.suppress(FileNotFoundError):
                subprocess.run(
                    ["wineserver", "-k"],
                    env=wine_environment(path),
                    check=False,
                    capture_output=True,
                    timeout=60,
                )
                _drop_server_folder(path)
                shutil.rmtree(path, ignore_errors=True)
                Path(lock.name).unlink(missing_ok=True)
