"""The agents of two sessions of one person, their channels, and folders that fail."""

from __future__ import annotations

import json
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue

import pytest

from iea_agent import channel
from iea_agent.assembly.agent import Agent
from iea_agent.assembly.agent_client import AgentClient
from iea_agent.assembly.change_keeper import STATE as CHANGES
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.servers import Servers
from iea_agent.assembly.session import SessionChannel, read_place
from iea_agent.domain import machine, refusals
from iea_agent.domain.announced_change import ChangeRecord
from iea_agent.domain.machine import Moment
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.settings import DEFAULTS
from iea_agent.domain.signed_policy import format_time
from iea_agent.domain.wires import Wire, WireListener
from iea_agent.host import LocalWires, current_host, current_wires
from iea_agent.host.journal import Journal
from iea_agent.shell.wording.view import View
from tests.passwords import make_current_register, other_password, password, today

SECONDS = 30
NEW = "https://connexion.example/ie"
LEFT = json.dumps(
    {"address": "/nowhere" if sys.platform != "win32" else r"\\.\pipe\nowhere", "key": "00" * 32}
)
"""What a killed agent leaves."""

wires = current_wires()


def open_channel(
    files: Sequence[Path], answer: Callable[[channel.Document], channel.Document]
) -> SessionChannel:
    """Return the channel of session 1, which is not open yet."""
    return SessionChannel(wires, "1", files, answer)


class Icon:
    """A tray that only keeps its balloons."""

    def __init__(self) -> None:
        self.balloons: SimpleQueue[tuple[str, str]] = SimpleQueue()

    def notify(self, title: str, body: str) -> None:
        self.balloons.put((title, body))

    def draw(self, view: View) -> None:
        pass

    def run(self, ready: Callable[[], None]) -> None:
        pass

    def stop(self) -> None:
        pass


class Session:
    """The agent of one session, in a thread, and its client."""

    def __init__(
        self,
        folder: Path,
        number: str,
        running: ExitStack,
        kind: type[Installation] = Installation,
        *,
        beside: bool = False,
    ) -> None:
        self.installation = kind.locate({"IEA_AGENT_HOME": str(folder)}, number)
        lock = current_host().acquire_lock(f"agent-{number}", self.installation.lock_folder)
        assert lock is not None
        running.callback(lock.close)
        self.icon = Icon()
        self.client = AgentClient(self.installation)
        servers = Servers(self.installation)
        self.agent = Agent(servers, lambda: Moment(time.time(), time.monotonic()), beside=beside)
        self.thread = threading.Thread(target=self.agent.run, args=(self.icon,))
        self.thread.start()
        running.callback(self.end)

    def look_around(self) -> None:
        """Let the agent do what it does every 15 seconds, and wait until it is done."""
        self.do(self.agent.look_around)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the agent do nothing by itself during the block."""
        over = threading.Event()

        def wait() -> None:
            over.wait(SECONDS)

        self.agent.loop.post(wait)
        try:
            yield
        finally:
            over.set()

    def do(self, call: Callable[[], None]) -> None:
        """Have the loop's thread make *call*, and wait until it is done."""
        done = threading.Event()
        self.agent.loop.post(call)
        self.agent.loop.post(done.set)
        assert done.wait(SECONDS)

    def state(self) -> str:
        """Return the state that a client of this session sees."""
        return self.client.fetch_status()["state"]

    def until(self, state: str) -> None:
        """Wait for *state*."""
        for status in self.client.watch():
            if status["state"] == state:
                return

    def end(self) -> None:
        self.agent.loop.post(machine.QuitRequested())
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation with a register and half a licence: nothing to connect with."""
    for name in ("policy", "settings"):
        (tmp_path / name).mkdir()
    (tmp_path / "settings" / "settings.toml").write_text('schema = 1\n[licence]\nnumber = "IEA-1"\n')
    register = make_current_register().to_text()
    (tmp_path / "policy" / "register.json").write_text(register, encoding="utf-8")
    return tmp_path


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def sessions(folder: Path, running: ExitStack) -> tuple[Session, Session]:
    first = Session(folder, "1", running)
    first.until("disconnected")
    second = Session(folder, "2", running)
    second.until("disconnected")
    return first, second


def test_each_session_has_a_channel_of_its_own(sessions: tuple[Session, Session], folder: Path) -> None:
    first, second = sessions
    files = [folder / "state" / f"channel-{number}.json" for number in "12"]

    assert first.state() == second.state() == "disconnected"
    assert files[0].read_bytes() != files[1].read_bytes()
    assert {file.name for file in (folder / "logs").glob("*.log")} == {"agent.log", "agent-2.log"}


def test_assistance_mode_is_that_of_all_sessions(sessions: tuple[Session, Session], folder: Path) -> None:
    first, second = sessions
    first.client.enter_assistance("panne")

    assert second.state() == "assistance", "whoever asks is told at once"
    assert (
        second.client.fetch_assistance()["assistance_since"]
        == first.client.fetch_assistance()["assistance_since"]
    )

    second.client.leave_assistance(password(today()))
    first.look_around()
    assert first.client.status() is not None
    assert first.state() == "disconnected"
    assert json.loads((folder / "state" / "assistance.json").read_text())["since"] is None
    entries = list(Journal(folder / "state" / "journal.jsonl").entries())
    assert [entry.document["event"] for entry in entries] == ["entering", "leaving"]
    assert all(entry.whole for entry in entries)


def test_without_a_question_the_other_session_follows_at_the_next_look(
    sessions: tuple[Session, Session],
) -> None:
    first, second = sessions
    second.client.enter_assistance("")
    states = [first.agent.loop.snapshot.state]
    first.look_around()
    states += [first.agent.loop.snapshot.state]
    assert states == [machine.State.DISCONNECTED, machine.State.ASSISTANCE]


def _remove(file: Path) -> None:
    """Remove *file*; in Windows not while an agent is just reading it."""
    deadline, pause = time.monotonic() + 10, threading.Event()
    while True:
        try:
            file.unlink(missing_ok=True)
        except PermissionError:
            if time.monotonic() > deadline:
                raise
            pause.wait(0.02)
        else:
            return


def test_a_file_that_is_gone_or_broken_ends_assistance_mode_in_no_session(
    sessions: tuple[Session, Session], folder: Path
) -> None:
    first, second = sessions
    first.client.enter_assistance("")
    second.look_around()
    file = folder / "state" / "assistance.json"
    for content in (b"", b"\0" * 50, b"{}", b"[]", None):
        _remove(file)
        if content is not None:
            file.write_bytes(content)
        first.look_around()
        second.look_around()
        assert first.state() == second.state() == "assistance"


def test_tries_of_all_sessions_are_counted_together(sessions: tuple[Session, Session], folder: Path) -> None:
    first, second = sessions
    first.client.enter_assistance("")
    for session in (first, second, first, second, first):
        with pytest.raises(RefusedError) as refused:
            session.client.leave_assistance(other_password(today()))
        assert isinstance(refused.value.refusal, refusals.PasswordWrong)
    with pytest.raises(RefusedError) as refused:
        second.client.leave_assistance(password(today()))

    assert isinstance(refused.value.refusal, refusals.TooManyTries)
    assert first.client.fetch_assistance()["hold"] == second.client.fetch_assistance()["hold"] == "wait"
    assert json.loads((folder / "state" / "attempts.json").read_text())["failures"] == 5


def test_settings_saved_in_one_session_hold_in_the_other(sessions: tuple[Session, Session]) -> None:
    first, second = sessions
    first.client.save({"connection.ipv4_only": True}, None)
    second.do(second.agent.reread_policy)

    assert second.installation.storage.load().effective.settings.ipv4_only
    second.until("disconnected")
    assert second.agent.loop.snapshot.run > 1, "it tried again with them"


def test_the_end_of_one_session_leaves_the_other_alone(folder: Path, running: ExitStack) -> None:
    first = Session(folder, "1", running)
    with ExitStack() as short:
        second = Session(folder, "2", short)
        second.until("disconnected")
    with pytest.raises(RefusedError) as refused:
        second.client.fetch_status()
    assert isinstance(refused.value.refusal, refusals.AgentNotRunning)
    first.until("disconnected")


def test_a_deleted_file_of_the_channel_comes_back(sessions: tuple[Session, Session], folder: Path) -> None:
    first, _ = sessions
    file = folder / "state" / "channel-1.json"
    for content in (
        None,
        b"",
        b"[" * 9000,
        b'{"address": "x", "key": "zz"}',
        b'{"address": "x", "key": "00"}',
    ):
        with first.paused():
            file.unlink()
            if content is not None:
                file.write_bytes(content)
            with pytest.raises(RefusedError) as refused:
                first.client.fetch_status(timeout=0.2)
        assert isinstance(refused.value.refusal, refusals.AgentTimedOut), "it runs: its lock says so"

        first.look_around()
        assert first.state() == "disconnected"


def test_what_a_killed_agent_left_is_no_agent(folder: Path) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(folder)}, "1")
    installation.session_files[0].parent.mkdir()
    installation.session_files[0].write_text(LEFT)
    with pytest.raises(RefusedError) as refused:
        AgentClient(installation).fetch_status()
    assert isinstance(refused.value.refusal, refusals.AgentNotRunning)


def test_an_agent_is_found_behind_what_a_killed_one_left(folder: Path, running: ExitStack) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(folder)}, "1")
    usual, other, _home = installation.session_files
    usual.parent.mkdir()
    usual.write_text(LEFT)
    lock = current_host().acquire_lock("agent-1", installation.lock_folder)
    assert lock is not None
    running.callback(lock.close)
    mine = open_channel([usual / "in the way", other], lambda _request: {"ok": True, "status": {}})
    running.callback(mine.close)

    assert mine.open()
    assert mine.refused == usual
    assert not AgentClient(installation).fetch_status()
    mine.close()
    assert not other.exists()
    assert usual.exists(), "it is another agent's"


def test_a_key_saved_alone_in_one_session_is_read_by_the_other(sessions: tuple[Session, Session]) -> None:
    first, second = sessions
    before = second.installation.storage.settings_signature()
    first.installation.storage.touch_settings()
    assert second.installation.storage.settings_signature() != before
    second.do(second.agent.reread_policy)
    second.until("disconnected")
    assert second.agent.loop.snapshot.run > 1, "it tried again with the vault's key"


@pytest.mark.parametrize("ends", [True, False])
def test_quitting_succeeds_if_the_agent_ends_before_its_answer(
    folder: Path, running: ExitStack, ends: bool
) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(folder)}, "7")
    lock = current_host().acquire_lock("agent-7", installation.lock_folder)
    assert lock is not None
    running.callback(lock.close)

    def answer(_request: channel.Document) -> channel.Document:
        if ends:
            lock.close()
        raise OSError("the answer is cut off")

    mine = open_channel(installation.session_files, answer)
    assert mine.open()
    running.callback(mine.close)

    if ends:
        AgentClient(installation).quit()
        return
    with pytest.raises(RefusedError) as refused:
        AgentClient(installation).quit()
    assert isinstance(refused.value.refusal, refusals.AgentUnreachable)


def test_a_name_that_is_taken_is_given_up_for_another(tmp_path: Path) -> None:
    # another run of the tests may have one, too: the names are the machine's
    taken = f"taken-{secrets.token_hex(4)}"
    file = tmp_path / "channel-1.json"
    mine = open_channel([file], lambda _request: {"ok": True})
    mine.publish({"state": "connected"})

    with squat(wires.name_channel(tmp_path, f"1-{taken}")):
        assert not mine.open(taken)
        assert not file.exists()
        assert mine.open(), "at the next look with a name of its own"

    place = read_place(file)
    assert place is not None
    assert next(channel.watch(channel.reach(wires.connect, place, SECONDS)))["state"] == "connected"
    mine.close()
    assert not file.exists()


@contextmanager
def squat(address: str) -> Iterator[None]:
    """Hold *address* as another program would during the block."""
    if sys.platform == "win32":
        import _winapi

        squatter = _winapi.CreateNamedPipe(address, _winapi.PIPE_ACCESS_DUPLEX, 0, 1, 100, 100, 0, 0)
        yield
        _winapi.CloseHandle(squatter)
    else:
        Path(address).mkdir()
        yield


def test_names_and_keys_are_new_at_each_start(tmp_path: Path) -> None:
    file = tmp_path / "channel-1.json"
    places = []
    for _ in range(2):
        mine = open_channel([file], lambda _request: {"ok": True})
        assert mine.open()
        places.append(read_place(file))
        mine.close()
    first, second = places
    assert first is not None
    assert second is not None
    assert first.address != second.address
    assert first.key != second.key
    assert len(first.key) == 32


@pytest.mark.linux  # a pipe lies in no folder
def test_a_folder_that_was_emptied_gets_its_channel_again(
    sessions: tuple[Session, Session], folder: Path
) -> None:
    first, second = sessions
    with first.paused():
        for file in (folder / "state").glob("channel-1*"):
            file.unlink()
    first.look_around()
    assert first.state() == second.state() == "disconnected"


@pytest.mark.parametrize("spoilt", [("logs",), ("state",), ("logs", "state"), ("state/assistance.json/",)])
def test_folders_that_cannot_be_used_cost_a_balloon_and_nothing_else(
    folder: Path, running: ExitStack, spoilt: tuple[str, ...]
) -> None:
    for name in spoilt:
        file = folder / name.rstrip("/")
        file.parent.mkdir(exist_ok=True)
        # a file in the place of a folder, or a folder in the place of a file
        file.mkdir() if name.endswith("/") else file.write_text("in the way")
    agent = Session(folder, "1", running)

    # nothing is configured: the attempt was made, and has ended
    while agent.agent.loop.snapshot.problem is None:
        assert agent.thread.is_alive()
        time.sleep(0.02)
    agent.look_around()
    agent.look_around()
    # its windows and commands find it all the same; a record that is destroyed ends no assistance mode
    assert agent.state() == ("assistance" if spoilt == ("state/assistance.json/",) else "disconnected")
    balloons = []
    while not agent.icon.balloons.empty():
        balloons.append(agent.icon.balloons.get())
    named = [body for _title, body in balloons if "IEA-L03" in body]
    folders = [str(folder / name) for name in spoilt if not name.endswith("/")]
    assert len(named) == bool(folders)
    assert all(each in named[0] for each in folders)


def announce_change(folder: Path, after: float) -> None:
    """Bring the publisher's policy: another address in so many seconds."""
    begins = time.time() + after
    change = {
        "name": "2027-03",
        "rehearses": format_time(begins - 28 * 86_400),
        "begins": format_time(begins),
        "authentication": {"old": DEFAULTS.authentication, "new": NEW},
    }
    file = folder / "state" / "updates" / "targets" / "policy.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"schema": 1, "changes": [change]}))


def test_an_announced_change_is_made_as_soon_as_it_is_known_and_due(folder: Path, running: ExitStack) -> None:
    agent = Session(folder, "1", running)
    agent.until("disconnected")
    announce_change(folder, -60.0)
    agent.look_around()
    assert agent.client.fetch_status()["authentication"] == NEW
    assert agent.icon.balloons.empty()


def test_a_pc_that_is_not_ready_is_told_after_a_start_with_a_balloon(
    folder: Path, running: ExitStack
) -> None:
    announce_change(folder, 8 * 86_400.0)
    record = ChangeRecord(rehearsed=time.time(), failures=2, problem="IEA-N04")
    state = {"chance": 0.5, "records": {"2027-03": record.to_document()}}
    Installation.locate({"IEA_AGENT_HOME": str(folder)}, "1").storage.write_state(CHANGES, state)
    agent = Session(folder, "1", running)
    agent.until("disconnected")
    agent.look_around()
    title, _body = agent.icon.balloons.get(timeout=SECONDS)
    assert title == "Ce poste n’atteint pas encore le futur serveur"
    (note,) = agent.client.fetch_status()["notices"]
    assert NEW in note
    assert agent.icon.balloons.empty(), "once"


class DeafInstallation(Installation):
    """One on whose PC no channel can be opened for now."""

    @cached_property
    def wires(self) -> LocalWires:
        return DeafWires()


class DeafWires:
    """Wires on a PC where another program, or the system, lets nobody listen."""

    def __init__(self) -> None:
        self.listens = False

    def name_channel(self, folder: Path, name: str) -> str:
        return wires.name_channel(folder, name)

    def listen(self, address: str) -> WireListener:
        if not self.listens:
            raise OSError("no room")
        return wires.listen(address)

    def connect(self, address: str, seconds: float) -> Wire:
        return wires.connect(address, seconds)


def drain(icon: Icon) -> list[str]:
    """Return the texts of the balloons so far."""
    bodies = []
    while not icon.balloons.empty():
        bodies.append(icon.balloons.get()[1])
    return bodies


def test_an_agent_without_a_channel_goes_on_and_says_so(folder: Path, running: ExitStack) -> None:
    agent = Session(folder, "1", running, DeafInstallation)
    # nothing is configured: the attempt was made, and has ended
    while agent.agent.loop.snapshot.problem is None:
        assert agent.thread.is_alive()
        time.sleep(0.02)
    agent.look_around()
    agent.look_around()
    assert sum("IEA-L04" in body for body in drain(agent.icon)) == 1
    with pytest.raises(RefusedError) as refused:
        agent.client.fetch_status(timeout=0.2)
    assert isinstance(refused.value.refusal, refusals.AgentTimedOut)

    deaf = agent.installation.wires
    assert isinstance(deaf, DeafWires)
    deaf.listens = True
    agent.look_around()
    assert agent.state() == "disconnected"


def test_an_agent_beside_another_gives_way_when_that_one_answers(folder: Path, running: ExitStack) -> None:
    beside = Session(folder, "1", running, beside=True)
    assert beside.state() in ("connecting", "disconnected")
    beside.look_around()
    assert sum("IEA-L04" in body for body in drain(beside.icon)) == 1
    assert beside.thread.is_alive()
    beside.until("disconnected")

    # the agent that has the lock comes to life and writes its file
    other = SessionChannel(wires, "1", beside.installation.session_files, lambda _request: {"ok": True})
    running.callback(other.close)
    assert other.open()
    beside.agent.loop.post(beside.agent.look_around)
    beside.thread.join(SECONDS)

    assert not beside.thread.is_alive()
    assert read_place(beside.installation.session_files[0]) is not None, "the other one's stays"


def test_a_folder_that_is_mended_is_used_again(folder: Path, running: ExitStack) -> None:
    (folder / "state").write_text("in the way")
    (folder / "logs").write_text("in the way")
    agent = Session(folder, "1", running)
    while agent.agent.loop.snapshot.problem is None:
        time.sleep(0.02)

    (folder / "state").unlink()
    (folder / "logs").unlink()
    agent.look_around()

    assert agent.state() == "disconnected"
    agent.end()
    assert (folder / "logs" / "agent.log").is_file()
