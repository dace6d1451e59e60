"""The services of the operating system, with real processes: one contract."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from iea_agent import host
from iea_agent.domain.program_search import InstalledProgram

PATIENCE = 30.0  # seconds for a process to start: Wine's first one is slow

TALK = """
import os, socket, sys
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
line.settimeout(60)
line.sendall(f"{os.getpid()} {' '.join(sys.argv[2:3])}\\n".encode())
while data := line.recv(100):
    line.sendall(data)
"""
"""A process that sends its number and role, then echoes until the line is cut."""


class Line:
    """The test's end of the line to a process that runs ``TALK``."""

    def __init__(self, listener: socket.socket) -> None:
        self._socket, _ = listener.accept()
        self._socket.settimeout(PATIENCE)
        with self._socket.makefile("rb") as stream:
            pid, self.role = stream.readline().decode().rstrip("\n").split(" ", 1)
        self.pid = int(pid)

    def answers(self) -> bool:
        """Return whether the process answers."""
        try:
            self._socket.sendall(b"ping")
            return self._socket.recv(4) == b"ping"
        except ConnectionError:
            return False

    def wait_for_end(self) -> None:
        """Wait until the process has ended, which cuts the line."""
        with suppress(ConnectionError):
            assert self._socket.recv(1) == b""

    def close(self) -> None:
        """Cut the line, which ends the process."""
        self._socket.close()


@pytest.fixture(scope="module")
def machine() -> host.Host:
    """Return the host of this machine."""
    return host.current_host()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Return the socket that ``TALK`` connects to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        yield listener


def port(listener: socket.socket) -> str:
    """Return the port of *listener* as an argument."""
    return str(listener.getsockname()[1])


class TestLock:
    """Only one process has the lock of a name."""

    def test_the_second_one_gets_nothing_until_the_first_releases_it(
        self, machine: host.Host, tmp_path: Path
    ) -> None:
        first = machine.acquire_lock("agent", tmp_path / "state")
        assert first is not None
        assert machine.acquire_lock("agent", tmp_path / "state") is None
        assert machine.acquire_lock("agent", tmp_path / "state") is None
        first.close()
        first.close()
        again = machine.acquire_lock("agent", tmp_path / "state")
        assert again is not None
        again.close()

    def test_a_file_is_locked_for_all_sessions(self, machine: host.Host, tmp_path: Path) -> None:
        path = tmp_path / "é" / "journal"
        script = (
            "import sys; from pathlib import Path; from iea_agent import host\n"
            "lock = host.current_host().lock_file(Path(sys.argv[1])); print(lock is not None, flush=True)\n"
            "sys.stdin.readline()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == b"True"
            assert machine.lock_file(path) is None
            process.kill()
            process.wait(PATIENCE)
        lock = machine.lock_file(path)
        assert lock is not None
        assert machine.lock_file(path) is None
        lock.close()
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(OSError, match="file"):
            machine.lock_file(tmp_path / "file" / "journal")

    @pytest.mark.linux
    @pytest.mark.parametrize("folder", ["file", "file/state", "long/" * 40])
    def test_the_agent_s_lock_needs_no_folder(self, machine: host.Host, tmp_path: Path, folder: str) -> None:
        (tmp_path / "file").write_text("in the way")
        lock = machine.acquire_lock("agent", tmp_path / folder)
        assert lock is not None
        assert machine.acquire_lock("agent", tmp_path / folder) is None
        lock.close()
        again = machine.acquire_lock("agent", tmp_path / folder)
        assert again is not None
        again.close()

    def test_names_and_folders_are_apart(self, machine: host.Host, tmp_path: Path) -> None:
        locks = [
            machine.acquire_lock(name, tmp_path / folder)
            for name in ("agent", "settings")
            for folder in ("é a", "b")
        ]
        for lock in locks:
            assert lock is not None
            lock.close()

    def test_the_end_of_the_process_releases_it(self, machine: host.Host, tmp_path: Path) -> None:
        script = (
            "import sys; from pathlib import Path; from iea_agent import host\n"
            "lock = host.current_host().acquire_lock('agent', Path(sys.argv[1])); print(lock is not None, flush=True)\n"
            "sys.stdin.readline()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline().strip() == b"True"
            assert machine.acquire_lock("agent", tmp_path) is None
            other.kill()
            other.wait(PATIENCE)
        lock = machine.acquire_lock("agent", tmp_path)
        assert lock is not None
        lock.close()


class TestChild:
    """Children end with this process."""

    def test_it_runs_and_is_seen_to_end(self, machine: host.Host, listener: socket.socket) -> None:
        child = machine.start_child([sys.executable, "-c", TALK + "sys.exit(7)", port(listener)], os.environ)
        line = Line(listener)
        assert child.is_running()
        assert child.wait(0.01) is None
        assert line.answers()
        line.close()
        assert child.wait(PATIENCE) == 7
        assert not child.is_running()
        child.kill()  # too late: nothing happens

    def test_it_gets_arguments_and_environment_and_has_nowhere_to_write(
        self, machine: host.Host, tmp_path: Path
    ) -> None:
        script = (
            "import os, sys; print('lost'); print('lost', file=sys.stderr); data = sys.stdin.read()\n"
            "open(sys.argv[1], 'w', encoding='utf-8').write(repr((data, sys.argv[2:], os.environ['IEA_TEST'])))"
        )
        arguments = ['a "quoted" one', "", "é 😀", "--x=\\"]
        child = machine.start_child(
            [sys.executable, "-c", script, str(tmp_path / "out"), *arguments],
            {**os.environ, "IEA_TEST": "ü"},
        )
        assert child.wait(PATIENCE) == 0
        assert (tmp_path / "out").read_text("utf-8") == repr(("", arguments, "ü"))

    def test_it_works_in_the_folder_of_this_program(self, machine: host.Host, tmp_path: Path) -> None:
        script = "import os, sys; open(sys.argv[1], 'w', encoding='utf-8').write(os.getcwd())"
        child = machine.start_child([sys.executable, "-c", script, str(tmp_path / "out")], os.environ)
        assert child.wait(PATIENCE) == 0
        assert Path((tmp_path / "out").read_text("utf-8")).samefile(Path(sys.executable).parent)

    def test_a_child_with_input_gets_each_line(self, machine: host.Host, tmp_path: Path) -> None:
        script = (
            "import sys; lines = [sys.stdin.readline() for _ in range(3)]\n"
            "open(sys.argv[1], 'w', encoding='utf-8').write(''.join(lines))"
        )
        child = machine.start_child(
            [sys.executable, "-c", script, str(tmp_path / "out")], os.environ, with_input=True
        )
        machine.allow_foreground(child.pid)
        assert child.send_line("settings")
        assert child.send_line("test")
        # it ends with this one, and may have done so before that is looked at
        child.send_line("end")
        assert child.wait(PATIENCE) == 0
        assert (tmp_path / "out").read_text("utf-8") == "settings\ntest\nend\n"
        child.kill()

    def test_a_child_that_has_ended_gets_nothing(self, machine: host.Host) -> None:
        child = machine.start_child([sys.executable, "-c", ""], os.environ, with_input=True)
        assert child.wait(PATIENCE) == 0
        assert not child.send_line("settings")
        child.kill()

    def test_it_can_be_stopped(self, machine: host.Host, listener: socket.socket) -> None:
        child = machine.start_child([sys.executable, "-c", TALK, port(listener)], os.environ)
        line = Line(listener)
        child.kill()
        line.wait_for_end()
        assert not child.is_running()
        line.close()

    def test_a_missing_program_is_named(self, machine: host.Host, tmp_path: Path) -> None:
        for program in (str(tmp_path / "missing.exe"), "iea-no-such-program"):
            with pytest.raises(host.LaunchError) as refusal:
                machine.start_child([program, "x"], os.environ)
            assert refusal.value.program == program
            assert isinstance(refusal.value.__cause__, OSError)

    def test_it_dies_with_us_and_what_it_started_lives_on(
        self, machine: host.Host, listener: socket.socket
    ) -> None:
        """An agent (a child of the test), its dialog, and a program started by the dialog."""
        dialog = (
            f"TALK = {TALK!r}\nimport os, subprocess, sys\n"
            "null = subprocess.DEVNULL\n"
            "program = [sys.executable, '-c', TALK, sys.argv[1], 'program']\n"
            "subprocess.Popen(program, stdin=null, stdout=null, stderr=null)\n"
            "exec(TALK)"
        )
        agent = (
            "import os, sys, threading; from iea_agent import host\n"
            "machine = host.current_host()\n"
            "dialog = [sys.executable, '-c', sys.argv[3], sys.argv[1], 'dialog']\n"
            "worker = threading.Thread(target=machine.start_child, args=(dialog, os.environ))\n"
            "worker.start(); worker.join()\n"  # as from a pool: the thread that started the dialog ends first
            + TALK
        )
        child = machine.start_child(
            [sys.executable, "-c", agent, port(listener), "agent", dialog], os.environ
        )
        lines = {line.role: line for line in (Line(listener), Line(listener), Line(listener))}
        assert all(line.answers() for line in lines.values())
        child.kill()
        lines["agent"].wait_for_end()
        lines["dialog"].wait_for_end()
        assert lines["program"].answers()
        for line in lines.values():
            line.close()

    def test_what_is_started_apart_lives_on(self, machine: host.Host, listener: socket.socket) -> None:
        window = (
            "import os, sys; from iea_agent import host\n"
            "program = [sys.executable, '-c', sys.argv[3], sys.argv[1], 'program']\n"
            "host.current_host().start_apart(program, os.environ)\n" + TALK
        )
        child = machine.start_child(
            [sys.executable, "-c", window, port(listener), "window", TALK], os.environ
        )
        lines = {line.role: line for line in (Line(listener), Line(listener))}
        child.kill()
        lines["window"].wait_for_end()
        assert lines["program"].answers()
        for line in lines.values():
            line.close()

    def test_what_is_started_apart_can_be_waited_for(self, machine: host.Host) -> None:
        assert (
            machine.start_apart([sys.executable, "-c", "raise SystemExit(7)"], os.environ).wait(PATIENCE) == 7
        )
        with pytest.raises(host.LaunchError):
            machine.start_apart(["iea-no-such-program"], os.environ)

    def test_a_window_comes_to_the_front(self, machine: host.Host, listener: socket.socket) -> None:
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
            child.kill()
            assert front.value == child.pid
        else:
            assert not machine.raise_window(os.getpid())


class TestMail:
    """Under Wine with a mail program: ``desktop/test_agent.py``."""

    @pytest.mark.linux
    def test_the_desktop_opens_the_message(
        self, machine: host.Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pipe, opener = tmp_path / "pipe", tmp_path / "xdg-email"
        if sys.platform != "win32":
            os.mkfifo(pipe)
        opener.write_text(f"#!/bin/sh\nprintf %s \"$1\" > '{pipe}'\n")
        opener.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        machine.write_mail("mailto:a@exemple.fr?subject=%C3%89t%C3%A9")
        assert pipe.read_text() == "mailto:a@exemple.fr?subject=%C3%89t%C3%A9"
        opener.unlink()
        with pytest.raises(host.LaunchError):
            machine.write_mail("mailto:a@exemple.fr")

    def test_nothing_but_a_message_is_opened(self, machine: host.Host) -> None:
        for address in ("https://exemple.fr", "notepad.exe", "MAILTO:a@exemple.fr"):
            with pytest.raises(ValueError, match=address):
                machine.write_mail(address)


class TestLaunch:
    """Launched programs outlive this process."""

    @staticmethod
    def program(folder: Path, listener: socket.socket) -> Path:
        """Write a program that runs ``TALK``, in a folder with a space and an accent."""
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

    def test_the_program_outlives_the_agent(
        self, machine: host.Host, listener: socket.socket, tmp_path: Path
    ) -> None:
        agent = (
            "import sys; from pathlib import Path; from iea_agent import host\n"
            "host.current_host().launch(Path(sys.argv[3]))\n" + TALK
        )
        child = machine.start_child(
            [sys.executable, "-c", agent, port(listener), "agent", str(self.program(tmp_path, listener))],
            os.environ,
        )
        lines = {line.role: line for line in (Line(listener), Line(listener))}
        child.kill()
        lines["agent"].wait_for_end()
        assert lines["program"].answers()
        for line in lines.values():
            line.close()

    def test_what_is_installed_is_listed(self, machine: host.Host) -> None:
        if sys.platform != "win32":
            assert machine.list_programs() == ()
            return
        import winreg

        entry = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\iea-test"
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, entry) as key:
            winreg.SetValueEx(key, "DisplayName", 0, winreg.REG_SZ, "Impact emploi é")
            winreg.SetValueEx(key, "InstallLocation", 0, winreg.REG_DWORD, 7)
        try:
            assert InstalledProgram("Impact emploi é") in machine.list_programs()
        finally:
            winreg.DeleteKey(winreg.HKEY_CURRENT_USER, entry)

    def test_a_program_that_cannot_be_started_is_named(self, machine: host.Host, tmp_path: Path) -> None:
        for program in (tmp_path / "missing.exe", tmp_path / "no such folder" / "x.exe"):
            with pytest.raises(host.LaunchError) as refusal:
                machine.launch(program)
            assert refusal.value.program == str(program)
            assert isinstance(refusal.value.__cause__, OSError)


class TestPages:
    """Pages open below any folder, or it is said."""

    def test_a_page_that_nothing_opens_is_named(self, tmp_path: Path) -> None:
        folder = tmp_path / "Dossier é"
        folder.mkdir()
        page = folder / "page.no-such-kind"
        page.write_text("page", "utf-8")
        script = (
            "import sys; from pathlib import Path; from iea_agent import host\n"
            "try: host.current_host().open_page(Path(sys.argv[1]))\n"
            "except host.LaunchError as error: print(ascii(error.program))"
        )
        environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
        done = subprocess.run(
            [sys.executable, "-c", script, str(page)], env={**environment, "BROWSER": "iea-no-such-browser", "PATH": ""},
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.stdout.strip() == ascii(str(page)), done.stderr

    @pytest.mark.linux
    def test_a_page_below_a_folder_with_an_accent_opens(self, tmp_path: Path) -> None:
        browser, page = tmp_path / "browser", tmp_path / "Dossier é" / "IEA-N04.html"
        browser.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/opened"\n')
        browser.chmod(0o755)
        script = (
            "import sys; from pathlib import Path; from iea_agent import host\n"
            "host.current_host().open_page(Path(sys.argv[1]))"
        )
        subprocess.run(
            [sys.executable, "-c", script, str(page)], env={**os.environ, "BROWSER": f"{browser} %s"},
            stdin=subprocess.DEVNULL, timeout=PATIENCE, check=True,
        )  # fmt: skip
        assert (tmp_path / "opened").read_text().strip() == page.as_uri()


class TestNetwork:
    """Changes of the network, and the default route."""

    def test_watching_can_be_stopped_and_begun_again(self, machine: host.Host) -> None:
        for _ in range(3):
            before = threading.active_count()
            stop = machine.watch_network(lambda: None)
            assert threading.active_count() == before + 1
            stop()
            assert threading.active_count() == before
            stop()

    @pytest.mark.linux
    def test_a_change_is_noticed_and_a_missing_route_is_seen(self) -> None:
        """In a network namespace, which begins empty: its loopback is switched on."""
        script = """
import fcntl, socket, struct, sys, threading
from iea_agent import host
noticed = threading.Event()
stop = host.current_host().watch_network(noticed.set)
assert host.is_offline()
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x1))  # SIOCSIFFLAGS, IFF_UP
assert noticed.wait(20)
assert host.is_offline()
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
            pytest.skip(f"no network namespace here: {done.stderr.strip()}")
        assert (done.stdout, done.stderr) == ("noticed\n", "")

    def test_the_rights_of_this_process_are_told(self, machine: host.Host) -> None:
        # the rig's Windows knows administrators only
        assert machine.has_rights() is (sys.platform == "win32" or os.geteuid() == 0)

    def test_the_addresses_are_the_same_as_long_as_nothing_changes(self, machine: host.Host) -> None:
        addresses = machine.list_addresses()
        assert machine.list_addresses() == addresses
        assert not {"127.0.0.1", "7f000001"} & addresses

    @pytest.mark.linux
    def test_addresses_that_come_and_go_are_seen_without_a_notice(self, tmp_path: Path) -> None:
        """In a network namespace; the agent makes an event of it."""
        script = """
import subprocess, sys, time
from queue import SimpleQueue
from iea_agent.assembly.agent import Agent
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.servers import Servers
from iea_agent.domain.machine import Moment

def ip(*words):
    subprocess.run(["ip", *words], check=True)

inbox = SimpleQueue()

def changes():
    items = []
    while not inbox.empty():
        items.append(type(inbox.get()).__name__)
    return [name for name in items if name == "AddressesChanged"]

installation = Installation.locate({"IEA_AGENT_HOME": sys.argv[1]})
agent = Agent(Servers(installation), lambda: Moment(time.time(), time.monotonic()), inbox)
ip("link", "set", "lo", "up")
agent.look_around()
assert not changes()
ip("link", "add", "wifi", "type", "veth", "peer", "name", "hub")
ip("link", "set", "wifi", "up")
for words in (
    ("addr", "add", "10.1.1.1/24", "dev", "wifi"), ("addr", "add", "10.1.2.2/24", "dev", "wifi"),
    ("addr", "del", "10.1.1.1/24", "dev", "wifi"), ("addr", "add", "2001:db8::1/64", "dev", "wifi"),
    ("addr", "del", "2001:db8::1/64", "dev", "wifi"),
):
    ip(*words)
    agent.look_around()
    print(*changes(), *sorted(installation.host.list_addresses()))
    agent.look_around()
    assert not changes()
ip("addr", "add", "127.0.0.9/8", "dev", "lo")
agent.look_around()
assert not changes()
"""
        done = subprocess.run(
            ["unshare", "--net", sys.executable, "-W", "error", "-c", script, str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.stderr.startswith("unshare:") or "Operation not" in done.stderr:
            pytest.skip(f"no network namespace here: {done.stderr.strip()}")
        assert done.stdout.splitlines() == [
            "AddressesChanged 10.1.1.1",
            "AddressesChanged 10.1.1.1 10.1.2.2",
            "AddressesChanged 10.1.2.2",
            "AddressesChanged 10.1.2.2 20010db800000000",
            "AddressesChanged 10.1.2.2",
        ], done.stderr

    def test_looking_for_a_route_takes_no_time(self) -> None:
        assert host.is_offline() in (True, False)


class TestNames:
    """Names of sessions, folders and systems."""

    def test_a_session_is_the_same_for_all_its_processes(self, machine: host.Host) -> None:
        asked = subprocess.run(
            [sys.executable, "-c", "from iea_agent import host; print(host.current_host().session_id())"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        assert asked.stdout.strip() == machine.session_id()
        assert machine.session_id().isdigit()

    def test_folders_have_marks(self, tmp_path: Path) -> None:
        assert host.folder_mark(tmp_path) == host.folder_mark(tmp_path)
        assert host.folder_mark(tmp_path) != host.folder_mark(tmp_path / "x")
        assert len(host.folder_mark(tmp_path)) == 8
        if sys.platform == "win32":
            assert host.folder_mark(tmp_path) == host.folder_mark(Path(str(tmp_path).upper()))

    def test_the_system_is_described_in_a_line(self, machine: host.Host) -> None:
        description = machine.describe_system()
        assert description.isprintable()
        assert ("Windows" if sys.platform == "win32" else "Linux") in description


@pytest.mark.windows
@pytest.mark.parametrize("folder", [r"\\.\pipe\a", "CON"])
def test_a_folder_that_is_a_device_has_a_lock_like_others(folder: str) -> None:
    machine = host.current_host()
    lock = machine.acquire_lock("agent", folder)
    assert lock is not None
    assert machine.acquire_lock("agent", folder) is None
    lock.close()
