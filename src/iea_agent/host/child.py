"""Child processes, as both systems start them, around ``subprocess.Popen``."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress


class ChildProcess:
    """A started process that fulfils ``Child``."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        with_input: bool,
        executable: str | None = None,
        creation_flags: int = 0,
        apart: bool = False,
    ) -> None:
        """Start the process in the folder of this program. Raises ``OSError``.

        One that is *apart* outlives this process, and what ends this one's terminal does not reach it.

        Our own current folder may be anybody's, and a child in it would keep a stick from being taken out.
        """
        self._process = subprocess.Popen(
            list(arguments),
            executable=executable,
            env=dict(environment),
            cwd=os.path.dirname(sys.executable),
            stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # a line that did not arrive must not wait for the next one
            bufsize=0,
            creationflags=creation_flags,
            start_new_session=apart,
        )
        self.pid = self._process.pid
        if apart:
            # nobody may be left who waits for its end, and it must not stay in the list of processes then
            threading.Thread(target=self._process.wait, name=f"reaper of {self.pid}", daemon=True).start()

    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait(self, timeout: float) -> int | None:
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def send_line(self, line: str) -> bool:
        assert self._process.stdin is not None  # noqa: S101 it was started with an input
        try:
            self._process.stdin.write(f"{line}\n".encode())
        except OSError:
            return False
        return self.is_running()

    def kill(self) -> None:
        """See ``Child``; waits until the process has ended."""
        if self._process.stdin is not None:
            # a line that was not read is not needed
            with suppress(OSError):
                self._process.stdin.close()
        self._process.kill()
        self._process.wait(5)
