"""A child process as both systems give it: a ``subprocess.Popen`` and, where asked for, a thread that waits for its end."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress


class ChildProcess:
    """What ``Child`` promises, around a process that has been started."""

    def __init__(self, process: subprocess.Popen[bytes], on_exit: Callable[[int], None] | None) -> None:
        self._process = process
        self.pid = process.pid
        if on_exit is not None:
            report = on_exit

            def wait() -> None:
                report(process.wait())

            threading.Thread(target=wait, name=f"end of {process.pid}", daemon=True).start()

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def wait(self, timeout: float) -> int | None:
        """Its exit code, or None after *timeout* seconds."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def tell(self, line: str) -> bool:
        """Write *line* to its standard input and close that; False where it has ended."""
        assert self._process.stdin is not None  # noqa: S101 it was started listening
        try:
            with self._process.stdin as pipe:
                pipe.write(f"{line}\n".encode())
        except OSError:
            return False
        return self.alive()

    def stop(self) -> None:
        """End it at once and see it gone."""
        if self._process.stdin is not None:
            with suppress(OSError):  # what was not heard is not wanted
                self._process.stdin.close()
        self._process.kill()
        self._process.wait(5)
