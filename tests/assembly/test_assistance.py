"""Assistance mode on one PC: what counts as a try, and what is remembered of it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from iea_agent.assembly.assistance import SAME_EVENT_SECONDS, Assistance
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.sealing import GENERATION, TRIES, Sealing
from iea_agent.domain import refusals, timing
from iea_agent.domain.machine import Moment, Snapshot, State
from iea_agent.domain.password_register import parse_generation
from iea_agent.domain.password_tries import FREE_TRIES, parse_tries
from iea_agent.domain.refusals import Refusal
from iea_agent.host.journal import Journal
from iea_agent.host.vault import Vault
from iea_agent.loop import Loop
from tests.assembly.crash_script import DiskWork
from tests.assembly.test_registers import Updates
from tests.passwords import make_current_register, other_password, password, today


class Process:
    """An agent's assistance mode, from its start on, without its icon and its channel."""

    def __init__(self, folder: Path, vault: Vault | None = None) -> None:
        self.installation = installation = Installation.locate({"IEA_AGENT_HOME": str(folder)})
        self.ahead = 0.0
        self.sealing = Sealing(installation, self.clock)
        if vault is not None:
            self.sealing.open(lambda: vault)
        since = self.sealing.restore_mode()
        snapshot = Snapshot(State.DISCONNECTED if since is None else State.ASSISTANCE, since or 0.0)
        work = DiskWork(lambda since: self.assistance.keep_record(since))
        self.loop = Loop(work, self.clock, lambda: 0.5, snapshot)
        self.assistance = Assistance(installation, self.sealing, self.clock, self.loop)

    def clock(self) -> Moment:
        return Moment(time.time() + self.ahead, time.monotonic() + self.ahead)

    def leave(self, typed: str) -> Refusal | None:
        """Type a password; return the refusal, None if it was right."""
        answers: list[Refusal | None] = []
        self.assistance.leave(typed, answers.append)
        while not answers:
            self.loop.turn(1.0)
        return answers[0]

    def enter(self) -> None:
        self.assistance.enter("")
        self.exchange()

    def exchange(self) -> None:
        """Let the vault and the agent tell each other what is new."""
        done = threading.Event()

        def wait() -> None:
            self.sealing.wait()
            done.set()

        threading.Thread(target=wait, daemon=True).start()
        while not done.is_set():
            self.loop.turn(0.01)

    @property
    def is_on(self) -> bool:
        return self.loop.snapshot.state is State.ASSISTANCE

    def list_events(self, name: str) -> list[dict[str, object]]:
        """Return the journal lines of one kind."""
        entries = Journal(self.installation.journal_file).entries()
        return [entry.document for entry in entries if entry.document["event"] == name]

    def failures(self) -> int:
        tries = self.installation.storage.read_state(TRIES, parse_tries)
        return 0 if tries is None else tries.failures

    def generation(self) -> int | None:
        return self.installation.storage.read_state(GENERATION, parse_generation)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation without a register."""
    for name in ("policy", "settings", "state"):
        (tmp_path / "home" / name).mkdir(parents=True)
    return tmp_path / "home"


def install(folder: Path, generation: int) -> None:
    """Put a register where an administrator does."""
    (folder / "policy" / "register.json").write_text(make_current_register(generation).to_text(), "utf-8")


# the registers


@pytest.mark.parametrize(
    ("days", "is_said"), [(timing.REGISTER_NOTICE_DAYS + 1, False), (timing.REGISTER_NOTICE_DAYS, True)]
)
def test_a_register_that_soon_ends_is_logged(
    folder: Path, days: int, is_said: bool, caplog: pytest.LogCaptureFixture
) -> None:
    register = replace(make_current_register(1), first=today(), digests=bytes(16 * days))
    (folder / "policy" / "register.json").write_text(register.to_text(), "utf-8")
    Process(folder).assistance.warn_of_expiry()
    assert ("register runs out" in caplog.text) is is_said


def test_the_memory_of_generations_and_the_register_of_the_updates_keep_apart(
    folder: Path, tmp_path: Path
) -> None:
    install(folder, 1)
    process = Process(folder)
    updates = Updates(process.installation, tmp_path / "site")
    updates.bring(make_current_register(5).to_text().encode())
    process.assistance.enter("")
    assert isinstance(process.leave(other_password(today())), refusals.PasswordWrong)
    assert process.generation() == 5, "what is signed is remembered as soon as it is used"

    updates.bring(make_current_register(6).to_text().encode())
    for _ in range(2):
        register = Process(folder).assistance.load_register()
        assert register is not None
        assert register.generation == 6
    assert Process(folder).leave(password(today())) is None
    assert Process(folder).generation() == 6

    process.installation.signed_register.unlink()
    assert Process(folder).assistance.load_register() is None, "generation 1 is too old by now"
    assert not list((folder / "state").rglob("*.broken-*"))


def test_a_wrong_password_teaches_no_generation_of_a_register_that_is_not_signed(folder: Path) -> None:
    install(folder, 1_000_000)
    process = Process(folder)
    process.assistance.enter("")
    process.leave(other_password(today()))
    assert process.generation() is None

    install(folder, 2)
    assert Process(folder).leave(password(today())) is None
    assert Process(folder).generation() == 2


# the journal


def test_what_costs_no_try_fills_no_journal(folder: Path) -> None:
    process = Process(folder)
    process.assistance.enter("")
    right = password(today())
    stranger = password(today() - timedelta(days=10))
    for _ in range(20):
        assert isinstance(process.leave(right[:-1]), refusals.PasswordMistyped)
        assert isinstance(process.leave(right), refusals.RegisterMissing)
    install(folder, 1)
    for _ in range(20):
        assert isinstance(process.leave(stranger), refusals.PasswordForOtherDay)
    process.ahead = SAME_EVENT_SECONDS
    process.leave(right[:-1])
    events = [entry.document for entry in Journal(process.installation.journal_file).entries()]
    assert [event["event"] for event in events] == ["entering", "typo", "no-register", "other-day", "typo"]
    assert [event.get("more") for event in events] == [None, None, None, None, 19]


# the tries


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"schema": 1}'])
def test_damaged_tries_are_no_fresh_start_whenever_the_agent_starts_again(
    folder: Path, damage: bytes
) -> None:
    install(folder, 1)
    first = Process(folder)
    first.assistance.enter("")
    first.leave(other_password(today()))
    (folder / "state" / "attempts.json").write_bytes(damage)
    for _ in range(3):
        process = Process(folder)
        assert process.failures() > FREE_TRIES
        assert isinstance(process.leave(password(today())), refusals.TooManyTries)
    events = [entry.document["event"] for entry in Journal(process.installation.journal_file).entries()]
    assert events.count("attempts-unreadable") == 1


def test_tries_set_aside_by_a_process_that_was_killed_then_are_no_fresh_start(folder: Path) -> None:
    install(folder, 1)
    first = Process(folder)
    first.assistance.enter("")
    first.leave(other_password(today()))
    state = folder / "state"
    (state / "attempts.json").rename(state / "attempts.broken-20261130T000000.000000Z.json")
    assert isinstance(Process(folder).leave(password(today())), refusals.TooManyTries)


def test_a_record_set_aside_by_a_process_that_was_killed_then_is_no_way_out(folder: Path) -> None:
    Process(folder).assistance.enter("")
    state = folder / "state"
    (state / "assistance.json").rename(state / "assistance.broken-20261130T000000.000000Z.json")
    (state / "journal.jsonl").unlink()
    assert Process(folder).loop.snapshot.state is State.ASSISTANCE


def test_no_try_is_lost_when_many_processes_count_at_once(folder: Path) -> None:
    install(folder, 1)
    Process(folder).assistance.enter("")
    processes = [Process(folder) for _ in range(4)]
    together = threading.Barrier(len(processes))
    judged: list[Refusal | None] = []

    def guess(process: Process) -> None:
        together.wait()
        judged.extend(process.leave(other_password(today())) for _ in range(3))

    threads = [threading.Thread(target=guess, args=(process,)) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kinds = [type(refusal) for refusal in judged]
    assert kinds.count(refusals.PasswordWrong) == FREE_TRIES
    assert kinds.count(refusals.TooManyTries) == 12 - FREE_TRIES
    assert Process(folder).failures() == FREE_TRIES
