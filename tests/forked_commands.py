"""Runs commands in copies of a process that has loaded the agent: on Linux.

A command is over in a tenth of the time that a new Python takes to begin. What is lost is that beginning, which is the same for every
command: ``test_start``, ``test_isolation`` and each agent that a test starts have it, and in Windows every command has it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import logging
import os
import pkgutil
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from tempfile import TemporaryFile

import pytest

import iea_agent

_LARGEST = 1 << 17


class Template:
    """The process that is copied, at the other end of *channel*."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], given: bytes, timeout: float
    ) -> tuple[int, bytes, bytes]:
        """Run ``iea-agent`` in a copy; return exit code, output and errors.

        *words* are its arguments. Raises TimeoutError if it takes longer than *timeout* seconds.
        """
        if sys.platform == "win32":
            raise RuntimeError("no process can be copied here")
        reading, writing = os.pipe()
        with TemporaryFile() as output, TemporaryFile() as errors:
            os.write(writing, given)
            os.close(writing)
            request = json.dumps([list(words), dict(environment)]).encode()
            socket.send_fds(self._channel, [request], [reading, output.fileno(), errors.fileno()])
            os.close(reading)
            self._channel.settimeout(timeout)
            code = int(self._channel.recv(_LARGEST))
            output.seek(0)
            errors.seek(0)
            return code, output.read(), errors.read()


@pytest.fixture(scope="session")
def template() -> Iterator[Template | None]:
    """Return what runs commands, None where no process can be copied."""
    if sys.platform == "win32":
        yield None
        return
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.forked_commands", str(its.fileno())]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, pass_fds=[its.fileno()], env=environment
    ) as process:
        its.close()
        with ours:
            yield Template(ours)
        # it ends when its channel is closed, unless a command hangs
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()


def main(channel: socket.socket) -> None:
    """Copy this process for each command that comes."""
    if sys.platform == "win32":
        raise RuntimeError("no process can be copied here")
    for module in pkgutil.walk_packages(iea_agent.__path__, "iea_agent."):
        # some need Windows
        with contextlib.suppress(ImportError, AttributeError, AssertionError):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    # a copy does not look through what it has not made
    gc.freeze()
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel, _LARGEST, 3)
        if not request:
            return
        child = os.fork()
        if child == 0:
            channel.close()
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
                os.close(descriptor)
            code = 1
            try:
                code = _run_command(*json.loads(request))
            finally:
                if sys.exc_info()[0] is not None:
                    traceback.print_exc()
                # to take the interpreter down would take longer than most commands
                os._exit(code)
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(child, 0)
        channel.send(str(os.waitstatus_to_exitcode(status)).encode())


def _run_command(words: list[str], environment: dict[str, str]) -> int:
    """Run the command, and what Python does at the end of a process."""
    from iea_agent import cli

    os.environ.clear()
    os.environ.update(environment)
    code = cli.main(words)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
