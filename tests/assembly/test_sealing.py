"""A state file that was put back, changed or deleted shows, and earns nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from iea_agent.assembly.sealing import ACCOUNT, GENERATION, TRIES, VAULT_SECONDS
from iea_agent.domain import refusals
from iea_agent.domain.password_tries import DAILY_LIMIT, FREE_TRIES
from iea_agent.domain.state_seal import parse_entry
from iea_agent.host.vault import VaultUnavailable, check_length
from tests.assembly.test_assistance import Process, folder, install
from tests.passwords import make_current_register, other_password, password, today

__all__ = ["folder"]


class Drawer:
    """A vault in memory, which can refuse to be read or written, or keep silent."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.refuses_reading = self.refuses_writing = False
        self.speaks = threading.Event()
        self.speaks.set()

    def read_secret(self, account: str) -> str | None:
        self.speaks.wait(60)
        if self.refuses_reading:
            raise VaultUnavailable from OSError("locked")
        return self.secrets.get(account)

    def write_secret(self, account: str, secret: str) -> None:
        if self.refuses_writing:
            raise VaultUnavailable from OSError("full")
        check_length(secret)
        self.secrets[account] = secret

    def delete_secret(self, account: str) -> None:
        self.secrets.pop(account, None)


@pytest.fixture
def vault() -> Drawer:
    return Drawer()


@pytest.fixture
def files(folder: Path) -> Path:
    """The state folder of an installation with a register."""
    install(folder, 1)
    return folder / "state"


def guess(process: Process, times: int) -> list[type[object]]:
    """Type *times* wrong passwords; return the kinds of the refusals."""
    kinds: list[type[object]] = [type(process.leave(other_password(today()))) for _ in range(times)]
    process.exchange()
    return kinds


def start(folder: Path, vault: Drawer) -> Process:
    """Start an agent, and let it compare its files with the vault."""
    process = Process(folder, vault)
    process.exchange()
    return process


# what was put back


def test_tries_put_back_give_no_new_tries(folder: Path, files: Path, vault: Drawer) -> None:
    first = start(folder, vault)
    first.enter()
    guess(first, 1)
    shutil.copy(files / "attempts.json", files / "kept")
    assert guess(first, 5)[-1] is refusals.TooManyTries
    for _ in range(3):
        shutil.copy(files / "kept", files / "attempts.json")
        process = start(folder, vault)
        assert isinstance(process.leave(password(today())), refusals.TooManyTries)
        assert process.failures() == FREE_TRIES
    events = process.list_events("seal-broken")
    assert [(event["state"], event["reason"]) for event in events] == [("attempts", "old")] * 3


def test_while_the_agent_runs_as_well(folder: Path, files: Path, vault: Drawer) -> None:
    process = start(folder, vault)
    process.enter()
    guess(process, 1)
    shutil.copy(files / "attempts.json", files / "kept")
    kinds = []
    for _ in range(FREE_TRIES + 1):
        kinds += guess(process, 1)
        shutil.copy(files / "kept", files / "attempts.json")
    assert kinds == [refusals.PasswordWrong] * 4 + [refusals.TooManyTries] * 2
    assert process.list_events("seal-broken")


def test_a_record_put_back_is_no_way_out(folder: Path, files: Path, vault: Drawer) -> None:
    first = start(folder, vault)
    first.enter()
    assert first.leave(password(today())) is None
    first.exchange()
    shutil.copy(files / "assistance.json", files / "kept")
    first.enter()
    began = first.loop.snapshot.since
    shutil.copy(files / "kept", files / "assistance.json")

    first.assistance.follow_other_session()
    assert first.is_on, "the running agent is not taken in"
    shutil.copy(files / "kept", files / "assistance.json")
    again = start(folder, vault)
    assert again.is_on
    assert again.loop.snapshot.since == began
    assert json.loads((files / "assistance.json").read_text())["since"] == began


@pytest.mark.parametrize("sealed", [True, False])
def test_an_earlier_beginning_does_not_end_the_mode_sooner(
    folder: Path, files: Path, vault: Drawer, sealed: bool
) -> None:
    first = start(folder, vault)
    first.enter()
    began = first.loop.snapshot.since
    document = json.loads((files / "assistance.json").read_text())
    document["since"] = began - 20 * 86_400
    if not sealed:
        document = {"schema": 1, "since": document["since"]}
    (files / "assistance.json").write_text(json.dumps(document))
    # at once, before anything else is done
    assert Process(folder, vault).loop.snapshot.since == began


def test_a_generation_put_back_lets_no_old_register_in(folder: Path, files: Path, vault: Drawer) -> None:
    for generation in (2, 3):
        install(folder, generation)
        process = start(folder, vault)
        process.enter()
        assert process.leave(password(today())) is None
        process.exchange()
        if generation == 2:
            shutil.copy(files / "register-generation.json", files / "kept")
    install(folder, 2)
    changes: list[Callable[[Path], object]] = [
        lambda file: shutil.copy(files / "kept", file),
        Path.unlink,
        lambda file: file.write_text('{"schema": 1, "generation": 1}'),
    ]
    for change in changes:
        change(files / "register-generation.json")
        process = start(folder, vault)
        assert process.assistance.load_register() is None
        assert process.generation() == 3


def test_a_generation_written_by_hand_does_not_lock_the_register_out(
    folder: Path, files: Path, vault: Drawer
) -> None:
    process = start(folder, vault)
    process.enter()
    assert process.leave(password(today())) is None
    process.exchange()
    (files / "register-generation.json").write_text('{"schema": 1, "generation": 1000000}')
    assert start(folder, vault).assistance.load_register() == make_current_register(1)


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"schema": 1, "since": null}'])
def test_deleted_or_changed_files_are_as_the_vault_says(
    folder: Path, files: Path, vault: Drawer, content: bytes | None
) -> None:
    first = start(folder, vault)
    first.enter()
    guess(first, FREE_TRIES)
    for file in files.iterdir():
        file.unlink()
    if content is not None:
        for name in ("attempts", "assistance"):
            (files / f"{name}.json").write_bytes(content)
    again = start(folder, vault)
    assert again.is_on
    assert again.failures() >= FREE_TRIES
    assert isinstance(again.leave(password(today())), refusals.TooManyTries)
    states = {event["state"] for event in again.list_events("seal-broken")}
    assert {"attempts", "assistance"} <= states


def test_tries_counted_by_hand_are_those_of_the_vault(folder: Path, files: Path, vault: Drawer) -> None:
    first = start(folder, vault)
    first.enter()
    guess(first, FREE_TRIES)
    file = files / "attempts.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "failures": 0, "recent": [], "not_before": 0, "count": 99}))
    again = start(folder, vault)
    assert isinstance(again.leave(password(today())), refusals.TooManyTries)
    assert again.failures() == FREE_TRIES


# the vault


def test_without_a_vault_everything_works(folder: Path, files: Path, vault: Drawer) -> None:
    vault.refuses_reading = True
    first = start(folder, vault)
    first.enter()
    guess(first, 2)
    again = start(folder, vault)
    assert (again.is_on, again.failures()) == (True, 2)
    assert again.leave(password(today())) is None
    again.exchange()
    assert not start(folder, vault).is_on
    assert not again.list_events("seal-broken")
    assert "seal" not in json.loads((files / "attempts.json").read_text())


def test_a_silent_vault_holds_nothing_up_for_long(folder: Path, files: Path, vault: Drawer) -> None:
    vault.speaks.clear()
    process = Process(folder, vault)
    began = time.monotonic()
    process.assistance.enter("")
    assert isinstance(process.leave(other_password(today())), refusals.PasswordWrong)
    assert time.monotonic() - began < 3 * VAULT_SECONDS + 10
    vault.speaks.set()
    process.exchange()
    assert "seal" in json.loads((files / "attempts.json").read_text())
    again = start(folder, vault)
    assert (again.is_on, again.failures()) == (True, 1)
    assert not again.list_events("seal-broken")


@pytest.mark.usefixtures("files")
def test_left_while_the_vault_refuses_writing_the_mode_stays_off(folder: Path, vault: Drawer) -> None:
    first = start(folder, vault)
    first.enter()
    vault.refuses_writing = True
    assert first.leave(password(today())) is None
    first.exchange()
    for _ in range(2):
        again = start(folder, vault)
        assert not again.is_on
    vault.refuses_writing = False
    again = start(folder, vault)
    again.enter()
    assert start(folder, vault).is_on
    assert not again.list_events("seal-broken")


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": "00", "copies": {}}', "[" * 900])
@pytest.mark.parametrize("deleted", [True, False])
def test_a_damaged_vault_is_no_fresh_start(
    folder: Path, files: Path, vault: Drawer, damage: str, deleted: bool
) -> None:
    first = start(folder, vault)
    first.enter()
    guess(first, 1)
    vault.secrets[ACCOUNT] = damage
    if deleted:
        (files / "attempts.json").unlink()
    again = start(folder, vault)
    assert again.is_on
    assert isinstance(again.leave(password(today())), refusals.TooManyTries)
    assert again.failures() > FREE_TRIES
    assert {event["reason"] for event in again.list_events("seal-broken")} == {"lost"}

    parse_entry(vault.secrets[ACCOUNT])
    last = start(folder, vault)
    assert len(last.list_events("seal-broken")) == len(again.list_events("seal-broken")), "said once"
    last.ahead = 3700.0
    assert last.leave(password(today())) is None, "an hour later"


@pytest.mark.usefixtures("files")
def test_files_of_another_pc_go_on(folder: Path, vault: Drawer) -> None:
    first = start(folder, vault)
    first.enter()
    other = start(folder, Drawer())
    assert other.is_on
    assert other.leave(password(today())) is None, "no try had been made: nothing is held up"


@pytest.mark.usefixtures("files")
def test_files_of_another_pc_give_no_new_tries(folder: Path, vault: Drawer) -> None:
    first = start(folder, vault)
    first.enter()
    guess(first, 1)
    other = Drawer()
    for _ in range(2):
        again = start(folder, other)
        assert isinstance(again.leave(password(today())), refusals.TooManyTries)
    again.ahead = 3700.0
    assert again.leave(password(today())) is None


def test_files_from_before_are_sealed_and_nothing_is_said(folder: Path, files: Path, vault: Drawer) -> None:
    old = Process(folder)
    old.enter()
    guess(old, 2)
    again = start(folder, vault)
    assert (again.is_on, again.failures()) == (True, 2)
    for name in ("attempts", "assistance"):
        assert "seal" in json.loads((files / f"{name}.json").read_text())
    assert not start(folder, vault).list_events("seal-broken")
    assert set(parse_entry(vault.secrets[ACCOUNT]).copies) == {TRIES, GENERATION, "assistance"}


def test_an_installation_that_never_used_the_mode_writes_nothing(folder: Path, vault: Drawer) -> None:
    start(folder, vault)
    assert vault.secrets == {}
    assert list((folder / "state").glob("*.json")) == []


@pytest.mark.usefixtures("files")
def test_killed_between_the_file_and_the_vault_nothing_is_said(folder: Path, vault: Drawer) -> None:
    first = start(folder, vault)
    first.enter()
    guess(first, 1)
    before = vault.secrets[ACCOUNT]
    guess(first, 1)
    assert vault.secrets[ACCOUNT] != before
    vault.secrets[ACCOUNT] = before
    again = start(folder, vault)
    assert (again.is_on, again.failures()) == (True, 2)
    assert not again.list_events("seal-broken")


@pytest.mark.usefixtures("files")
def test_a_try_is_in_the_vault_before_its_password_is_judged(folder: Path, vault: Drawer) -> None:
    process = start(folder, vault)
    process.enter()
    process.leave(other_password(today()))
    copies = parse_entry(vault.secrets[ACCOUNT]).copies
    assert copies["attempts"]["failures"] == 1


@pytest.mark.usefixtures("files")
def test_two_sessions_share_one_seal(folder: Path, vault: Drawer) -> None:
    first, second = start(folder, vault), start(folder, vault)
    first.enter()
    second.assistance.follow_other_session()
    second.exchange()
    for process in (first, second, first, second, first):
        assert guess(process, 1) == [refusals.PasswordWrong]
    for process in (second, first):
        assert guess(process, 1) == [refusals.TooManyTries]
    for process in (first, second):
        process.ahead = 3700.0
        process.exchange()
    assert second.leave(password(today())) is None
    second.exchange()
    first.assistance.follow_other_session()
    assert not first.is_on
    assert not first.list_events("seal-broken")
    assert not start(folder, vault).is_on


@pytest.mark.usefixtures("files")
def test_the_longest_entry_fits_the_vault(folder: Path, vault: Drawer) -> None:
    process = start(folder, vault)
    process.enter()
    for _ in range(DAILY_LIMIT):
        process.ahead += 3601.123457
        assert guess(process, 1) == [refusals.PasswordWrong]
    assert parse_entry(vault.secrets[ACCOUNT]).copies["attempts"]["failures"] == DAILY_LIMIT


def test_the_agent_starts_without_the_vault() -> None:
    script = (
        "import sys; from iea_agent.assembly.agent import Agent;"
        "print([name for name in ('keyring', 'iea_agent.host.vault') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


def test_a_disk_that_refuses_is_no_end(folder: Path, files: Path, vault: Drawer) -> None:
    first = start(folder, vault)
    first.enter()
    guess(first, FREE_TRIES)
    (files / "attempts.json").unlink()
    (files / "attempts.json").mkdir()
    again = start(folder, vault)
    assert isinstance(again.leave(password(today())), refusals.TooManyTries)
