"""The agent's socket on Linux: for its own user alone, and gone with its agent."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from iea_agent.host import current_wires

pytestmark = pytest.mark.linux

SECONDS = 30.0
NOBODY = 65534

wires = current_wires()

needs_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can be somebody else"
)


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def listen(folder: Path, running: ExitStack, name: str = "7-a") -> str:
    """Listen in *folder*, greet each client, and return the address."""
    address = wires.name_channel(folder, name)
    listener = wires.listen(address)
    running.callback(listener.close)

    def greet() -> None:
        while True:
            try:
                wire = listener.accept()
            except OSError:
                return
            # whoever only looks has left
            with wire, suppress(OSError):
                wire.send(b"welcome", SECONDS)

    threading.Thread(target=greet, daemon=True).start()
    return address


def greeting(address: str) -> bytes:
    """Return what the listener at *address* says."""
    with wires.connect(address, SECONDS) as wire:
        return wire.receive(100, SECONDS)


def run_as_nobody(script: str, *arguments: str) -> str:
    """Run *script* as another user and return what it prints."""
    code = f"import os, socket, sys\nos.setgid({NOBODY}); os.setuid({NOBODY})\n{script}"
    return subprocess.run(
        [sys.executable, "-I", "-c", code, *arguments],
        capture_output=True, text=True, timeout=SECONDS, check=True,
    ).stdout.strip()  # fmt: skip


CONNECT = """
wire = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
try:
    wire.connect(sys.argv[1])
    print(wire.recv(100))
except OSError as error:
    print(type(error).__name__)
"""


def test_folder_and_socket_are_born_private(tmp_path: Path, running: ExitStack) -> None:
    before = os.umask(0)
    try:
        address = listen(tmp_path / "state", running)
    finally:
        os.umask(before)

    assert stat.S_IMODE(os.stat(address).st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert greeting(address) == b"welcome"


@needs_root
def test_another_user_may_not_even_connect(running: ExitStack) -> None:
    # below /tmp every user finds the folder, whatever hides pytest's own
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    running.callback(folder.rmdir)
    address = listen(folder, running)
    folder.chmod(0o755)

    assert run_as_nobody(CONNECT, address) == "PermissionError"
    # though somebody opened the file to all
    os.chmod(address, 0o666)  # noqa: S103 that is the test
    assert run_as_nobody(CONNECT, address) in ("b''", "ConnectionResetError")
    assert greeting(address) == b"welcome"


@needs_root
def test_a_client_speaks_to_no_other_user(running: ExitStack) -> None:
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    running.callback(folder.rmdir)
    folder.chmod(0o777)
    address = wires.name_channel(folder, "7-a")
    code = (
        f"import os, socket, sys\nos.setuid({NOBODY})\nplace = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "place.bind(sys.argv[1]); place.listen(); print('ready', flush=True)\n"
        "print(place.accept()[0].recv(100), flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-I", "-c", code, address], stdout=subprocess.PIPE, text=True
    ) as squatter:
        running.callback(os.unlink, address)
        assert squatter.stdout is not None
        assert squatter.stdout.readline() == "ready\n"
        with pytest.raises(PermissionError):
            wires.connect(address, SECONDS)
        assert squatter.stdout.readline() == "b''\n", "it learned nothing"


def test_a_path_of_any_length_is_an_address(tmp_path: Path, running: ExitStack) -> None:
    address = listen(tmp_path / ("é" * 100) / ("x" * 100), running)

    assert len(os.fsencode(address)) > 300
    assert greeting(address) == b"welcome"


def test_what_killed_agents_left_is_cleared_away_and_nothing_else(tmp_path: Path, running: ExitStack) -> None:
    script = (
        "import os, sys; from pathlib import Path; from iea_agent import host\n"
        "machine = host.current_wires()\n"
        "machine.listen(machine.name_channel(Path(sys.argv[1]), '7-dead'))\n"
        "os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path], timeout=SECONDS, check=False)
    assert done.returncode == 9
    dead = Path(wires.name_channel(tmp_path, "7-dead"))
    assert dead.is_socket()
    (tmp_path / "channel-7-text.socket").write_text("somebody's")
    other = listen(tmp_path, running, "8-other")
    alive = listen(tmp_path, running, "7-alive")

    listen(tmp_path, running, "7-new")

    assert not dead.exists()
    assert greeting(alive) == greeting(other) == b"welcome"
    assert (tmp_path / "channel-7-text.socket").read_text() == "somebody's"


def test_a_socket_that_is_gone_or_replaced_is_noticed(tmp_path: Path, running: ExitStack) -> None:
    address = wires.name_channel(tmp_path, "7-a")
    mine = wires.listen(address)
    running.callback(mine.close)
    assert mine.is_reachable()

    os.unlink(address)
    assert not mine.is_reachable()
    theirs = wires.listen(address)
    running.callback(theirs.close)
    assert not mine.is_reachable()

    mine.close()
    assert theirs.is_reachable(), "only its own is taken away"


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    address = wires.name_channel(tmp_path, "7-a")
    Path(address).mkdir()
    with pytest.raises(OSError, match="in use"):
        wires.listen(address)
