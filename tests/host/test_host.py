"""The machine's services: one contract for both systems, tried with real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

import pytest

from iea_agent import host

PATIENCE = 30.0  # seconds for a process to start: Wine's first one is slow

TALK = """
import os, socket, sys
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
line.settimeout(60)
line.sendall(f"{os.getpid()} {' '.join(sys.argv[2:3])}\\n".encode())
while said := line.recv(100):
    line.sendall(said)
"""
"""A process that tells its number and its role, then repeats what it hears until the line is cut; its death cuts the line."""


class Line:
    """The test's end of the line to a process that runs ``TALK``."""

    def __init__(self, listener: socket.socket) -> None:
        self._socket, _ = listener.accept()
        self._socket.settimeout(PATIENCE)
        with self._socket.makefile("rb") as heard:
            pid, self.role = heard.readline().decode().rstrip("\n").split(" ", 1)
        self.pid = int(pid)

    def lives(self) -> bool:
        """Whether the process answers."""
        try:
            self._socket.sendall(b"ping")
            return self._socket.recv(4) == b"ping"
        except ConnectionError:
            return False

    def wait_for_its_end(self) -> None:
        """Until the process is gone; its system then closes the line."""
        with suppress(ConnectionError):
            assert self._socket.recv(1) == b""

    def close(self) -> None:
        """Cut the line: the process ends."""
        self._socket.close()


@pytest.fixture(scope="module")
def machine() -> host.Host:
    """This machine."""
    return host.here()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Where ``TALK`` calls."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        yield listener


def port(listener: socket.socket) -> str:
    """The listener's port, as an argument."""
    return str(listener.getsockname()[1])


class TestClaim:
    """Only one of a name."""

    def test_the_second_one_gets_nothing_until_the_first_lets_go(
        self, machine: host.Host, tmp_path: Path
    ) -> None:
        first = machine.claim("agent", tmp_path / "state")
        assert first is not None
        assert machine.claim("agent", tmp_path / "state") is None
        assert machine.claim("agent", tmp_path / "state") is None
        first.close()
        first.close()
        again = machine.claim("agent", tmp_path / "state")
        assert again is not None
        again.close()

    def test_names_and_folders_are_apart(self, machine: host.Host, tmp_path: Path) -> None:
        claims = [
            machine.claim(name, tmp_path / folder)
            for name in ("agent", "settings")
            for folder in ("é a", "b")
        ]
        for claim in claims:
            assert claim is not None
            claim.close()

    def test_death_lets_go(self, machine: host.Host, tmp_path: Path) -> None:
        script = (
            "import sys; from pathlib import Path; from iea_agent import host\n"
            "claim = host.here().claim('agent', Path(sys.argv[1])); print(claim is not None, flush=True)\n"
            "sys.stdin.readline()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline().strip() == b"True"
            assert machine.claim("agent", tmp_path) is None
            other.kill()
            other.wait(PATIENCE)
        claim = machine.claim("agent", tmp_path)
        assert claim is not None
        claim.close()


class TestChild:
    """Processes that end with us."""

    def test_it_runs_and_is_seen_to_end(self, machine: host.Host, listener: socket.socket) -> None:
        codes: SimpleQueue[int] = SimpleQueue()
        child = machine.start_child(
            [sys.executable, "-c", TALK + "sys.exit(7)", port(listener)], os.environ, codes.put
        )
        line = Line(listener)
        assert child.alive()
        assert child.wait(0.01) is None
        assert line.lives()
        line.close()
        assert codes.get(timeout=PATIENCE) == 7
        assert child.wait(PATIENCE) == 7
        assert not child.alive()
        child.stop()  # too late: nothing happens

    def test_it_gets_arguments_and_environment_and_has_nowhere_to_write(
        self, machine: host.Host, tmp_path: Path
    ) -> None:
        script = (
            "import os, sys; print('lost'); print('lost', file=sys.stderr); heard = sys.stdin.read()\n"
            "open(sys.argv[1], 'w', encoding='utf-8').write(repr((heard, sys.argv[2:], os.environ['IEA_TEST'])))"
        )
        arguments = ['a "quoted" one', "", "é 😀", "--x=\\"]
        child = machine.start_child(
            [sys.executable, "-c", script, str(tmp_path / "out"), *arguments],
            {**os.environ, "IEA_TEST": "ü"},
        )
        assert child.wait(PATIENCE) == 0
        assert (tmp_path / "out").read_text("utf-8") == repr(("", arguments, "ü"))

    def test_one_that_listens_is_told_something_once(self, machine: host.Host, tmp_path: Path) -> None:
        script = "import sys; open(sys.argv[1], 'w', encoding='utf-8').write(repr(sys.stdin.read()))"
        child = machine.start_child(
            [sys.executable, "-c", script, str(tmp_path / "out")], os.environ, listening=True
        )
        machine.let_to_the_front(child.pid)
        assert child.tell("settings --test")
        assert child.wait(PATIENCE) == 0
        assert (tmp_path / "out").read_text("utf-8") == repr("settings --test\n")

    def test_one_that_has_ended_is_told_nothing(self, machine: host.Host) -> None:
        child = machine.start_child([sys.executable, "-c", ""], os.environ, listening=True)
        assert child.wait(PATIENCE) == 0
        assert not child.tell("settings")

    def test_it_can_be_stopped(self, machine: host.Host, listener: socket.socket) -> None:
        child = machine.start_child([sys.executable, "-c", TALK, port(listener)], os.environ)
        line = Line(listener)
        child.stop()
        line.wait_for_its_end()
        assert not child.alive()
        line.close()

    def test_what_is_not_there_is_said(self, machine: host.Host, tmp_path: Path) -> None:
        for program in (str(tmp_path / "missing.exe"), "iea-no-such-program"):
            with pytest.raises(host.LaunchError) as refusal:
                machine.start_child([program, "x"], os.environ)
            assert refusal.value.program == program
            assert isinstance(refusal.value.__cause__, OSError)

    def test_it_dies_with_us_and_what_it_started_lives_on(
        self, machine: host.Host, listener: socket.socket
    ) -> None:
        """An agent (started here as a child, too), its dialog, and what the dialog has started."""
        dialog = (
            f"TALK = {TALK!r}\nimport os, subprocess, sys\n"
            "null = subprocess.DEVNULL\n"
            "program = [sys.executable, '-c', TALK, sys.argv[1], 'program']\n"
            "subprocess.Popen(program, stdin=null, stdout=null, stderr=null)\n"
            "exec(TALK)"
        )
        agent = (
            "import os, sys, threading; from iea_agent import host\n"
            "machine = host.here()\n"
            "dialog = [sys.executable, '-c', sys.argv[3], sys.argv[1], 'dialog']\n"
            "worker = threading.Thread(target=machine.start_child, args=(dialog, os.environ))\n"
            "worker.start(); worker.join()\n"  # as from a pool: the thread that started the dialog ends first
            + TALK
        )
        child = machine.start_child(
            [sys.executable, "-c", agent, port(listener), "agent", dialog], os.environ
        )
        lines = {line.role: line for line in (Line(listener), Line(listener), Line(listener))}
        assert all(line.lives() for line in lines.values())
        child.stop()
        lines["agent"].wait_for_its_end()
        lines["dialog"].wait_for_its_end()
        assert lines["program"].lives()
        for line in lines.values():
            line.close()

    def test_its_window_comes_to_the_front(self, machine: host.Host, listener: socket.socket) -> None:
        script = TALK + (
            "import threading, ctypes\nctypes.windll.user32.MessageBoxW(None, 'text', 'IEA test', 0)"
        )
        if sys.platform == "win32":
            import ctypes
            from ctypes import wintypes

            child = machine.start_child([sys.executable, "-c", script, port(listener)], os.environ)
            line = Line(listener)
            assert not machine.raise_window(child.pid)
            line.close()
            deadline = threading.Event()
            timer = threading.Timer(PATIENCE, deadline.set)
            timer.start()
            while not machine.raise_window(child.pid) and not deadline.is_set():
                assert child.wait(0.05) is None
            timer.cancel()
            front = wintypes.DWORD()
            user32 = ctypes.WinDLL("user32")
            user32.GetWindowThreadProcessId(user32.GetForegroundWindow(), ctypes.byref(front))
            child.stop()
            assert front.value == child.pid
        else:
            assert not machine.raise_window(os.getpid())


class TestLaunch:
    """Programs that outlive us."""

    @staticmethod
    def program(folder: Path, listener: socket.socket) -> Path:
        """A program that runs ``TALK``, in a folder with a space and an accent."""
        folder = folder / "Impact emploi é"
        folder.mkdir()
        (folder / "talk.py").write_text(TALK, "utf-8")
        if sys.platform == "win32":
            program = folder / "impact.cmd"
            program.write_text(f'@"{sys.executable}" talk.py {port(listener)} program <nul >nul 2>&1\r\n')
        else:
            program = folder / "impact"
            program.write_text(
                f'#!/bin/sh\nexec "{sys.executable}" "${{0%/*}}/talk.py" {port(listener)} program\n'
            )
            program.chmod(0o755)
        return program

    def test_the_program_outlives_who_launched_it(
        self, machine: host.Host, listener: socket.socket, tmp_path: Path
    ) -> None:
        agent = (
            "import sys; from pathlib import Path; from iea_agent import host\n"
            "host.here().launch(Path(sys.argv[3]))\n" + TALK
        )
        child = machine.start_child(
            [sys.executable, "-c", agent, port(listener), "agent", str(self.program(tmp_path, listener))],
            os.environ,
        )
        lines = {line.role: line for line in (Line(listener), Line(listener))}
        child.stop()
        lines["agent"].wait_for_its_end()
        assert lines["program"].lives()
        for line in lines.values():
            line.close()

    def test_what_cannot_be_started_is_said(self, machine: host.Host, tmp_path: Path) -> None:
        for program in (tmp_path / "missing.exe", tmp_path / "no such folder" / "x.exe"):
            with pytest.raises(host.LaunchError) as refusal:
                machine.launch(program)
            assert refusal.value.program == str(program)
            assert isinstance(refusal.value.__cause__, OSError)


class TestNetwork:
    """Notices of changes, and whether there is a way out."""

    def test_watching_can_be_stopped_and_begun_again(self, machine: host.Host) -> None:
        for _ in range(3):
            before = threading.active_count()
            stop = machine.watch_network(lambda: None)
            assert threading.active_count() == before + 1
            stop()
            assert threading.active_count() == before
            stop()

    @pytest.mark.linux
    def test_a_change_is_noticed_and_no_way_out_is_seen(self) -> None:
        """In a network of its own, which begins without anything: its loopback is switched on."""
        script = """
import fcntl, socket, struct, sys, threading
from iea_agent import host
noticed = threading.Event()
stop = host.here().watch_network(noticed.set)
assert host.no_network()
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x1))  # SIOCSIFFLAGS, IFF_UP
assert noticed.wait(20)
assert host.no_network()
stop()
print("noticed")
"""
        for namespaces in (["--net"], ["--user", "--map-root-user", "--net"]):
            done = subprocess.run(
                ["unshare", *namespaces, sys.executable, "-W", "error", "-c", script],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            if not done.stderr.startswith("unshare:"):
                break
        else:
            pytest.skip(f"no network of its own to be had here: {done.stderr.strip()}")
        assert (done.stdout, done.stderr) == ("noticed\n", "")

    def test_asking_for_a_way_out_takes_no_time(self) -> None:
        assert host.no_network() in (True, False)


class TestNames:
    """What tells one from another."""

    def test_a_session_is_the_same_for_all_its_processes(self, machine: host.Host) -> None:
        asked = subprocess.run(
            [sys.executable, "-c", "from iea_agent import host; print(host.here().session())"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        assert asked.stdout.strip() == machine.session()
        assert machine.session().isdigit()

    def test_folders_have_marks(self, tmp_path: Path) -> None:
        assert host.mark(tmp_path) == host.mark(tmp_path)
        assert host.mark(tmp_path) != host.mark(tmp_path / "x")
        assert len(host.mark(tmp_path)) == 8
        if sys.platform == "win32":
            assert host.mark(tmp_path) == host.mark(Path(str(tmp_path).upper()))

    def test_the_system_is_described_in_a_line(self, machine: host.Host) -> None:
        description = machine.description()
        assert description.isprintable()
        assert ("Windows" if sys.platform == "win32" else "Linux") in description
