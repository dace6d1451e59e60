"""Registers in the encodings that editors write, and those that are refused."""

from __future__ import annotations

import codecs
import os
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.registers import load_registers
from iea_sandbox.repository import Repository
from tests.passwords import make_current_register


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path / "home")})
    for file in (installation.installed_register, installation.signed_register):
        file.parent.mkdir(parents=True)
    return installation


class Updates:
    """What an updater leaves on a PC: verified metadata, and the targets."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self._installation = installation
        self.repository = Repository(folder)
        self.metadata = installation.updates_folder / "metadata"
        self.history = self.metadata / "root_history"
        self.history.mkdir(parents=True)
        installation.root_file.write_bytes(self.repository.first_root.read_bytes())

    def bring(self, content: bytes, *, name: str = "register.json") -> None:
        """Publish *content* and download it, as an updater does once TUF has verified it."""
        self.repository.publish({name: content})
        served = self.repository.folder / "metadata"
        for root in served.glob("*.root.json"):
            shutil.copy(root, self.history)
        newest = max(served.glob("*.targets.json"), key=lambda file: int(file.name.split(".")[0]))
        shutil.copy(newest, self.metadata / "targets.json")
        file = self._installation.signed_register.with_name(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


@pytest.fixture
def updates(installed: Installation, tmp_path: Path) -> Updates:
    return Updates(installed, tmp_path / "site")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_a_register_saved_by_an_editor_is_read(installed: Installation, mark: bytes, encoding: str) -> None:
    register = make_current_register()
    installed.installed_register.write_bytes(mark + f"{register.to_text()}\r\n".encode(encoding))
    registers = load_registers(installed)
    assert (registers.usable, registers.refused) == ([register], {})


@pytest.mark.parametrize("data", [b"", b"\0" * 50, b"{}", b"\xff\xfe\x00\xd8", b"[" * 9000], ids=ascii)
def test_a_damaged_register_is_refused_and_the_other_counts(
    installed: Installation, updates: Updates, data: bytes
) -> None:
    register = make_current_register()
    assert load_registers(installed).usable == []
    installed.installed_register.write_bytes(data)
    updates.bring(register.to_text().encode())
    registers = load_registers(installed)
    assert registers.usable == [register]
    assert list(registers.refused) == [installed.installed_register]
    assert registers.refused[installed.installed_register]


@pytest.mark.linux  # elsewhere a file has no holes by default, and three gigabytes are written
def test_a_file_of_gigabytes_is_refused_and_not_read(installed: Installation, updates: Updates) -> None:
    updates.bring(make_current_register().to_text().encode())
    for file in (installed.installed_register, installed.signed_register):
        file.touch()
        os.truncate(file, 3_000_000_000)
    tracemalloc.start()
    try:
        registers = load_registers(installed)
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert registers.usable == []
    assert list(registers.refused) == [installed.installed_register, installed.signed_register]
    assert most < 50_000_000


def test_a_register_of_the_updates_counts_if_it_is_signed(installed: Installation, updates: Updates) -> None:
    register = make_current_register(generation=2)
    updates.bring(register.to_text().encode())
    assert load_registers(installed).signed == register

    forged = make_current_register(generation=9).to_text().encode()
    installed.signed_register.write_bytes(forged)
    registers = load_registers(installed)
    assert registers.signed is None
    assert "hash" in registers.refused[installed.signed_register]


def test_it_counts_after_the_publisher_has_replaced_all_keys(
    installed: Installation, updates: Updates
) -> None:
    for _ in range(3):
        updates.repository.rotate_keys()
    register = make_current_register(generation=2)
    updates.bring(register.to_text().encode())
    assert load_registers(installed).signed == register
    # the keys of the first root have been withdrawn
    (updates.history / "2.root.json").unlink()
    assert load_registers(installed).signed is None


def test_a_root_that_the_one_before_it_has_not_signed_is_not_followed(
    installed: Installation, updates: Updates
) -> None:
    updates.bring(make_current_register().to_text().encode())
    assert load_registers(installed).signed is not None
    for name, content in updates.repository.spoil("root-badly-signed").items():
        (updates.history / name).write_bytes(content)
    registers = load_registers(installed)
    assert registers.signed is None
    assert "signed by 0/1" in registers.refused[installed.signed_register]


@pytest.mark.parametrize("other", ["root", "targets", "nothing", "another name", "another kind", "damaged"])
def test_what_another_publisher_signed_is_no_register(
    installed: Installation, updates: Updates, tmp_path: Path, other: str
) -> None:
    content = make_current_register().to_text().encode()
    updates.bring(content, name="register.json" if other != "another name" else "other.json")
    installed.signed_register.write_bytes(content)
    targets = updates.metadata / "targets.json"
    match other:
        case "root":
            stranger = Repository(tmp_path / "stranger")
            installed.root_file.write_bytes(stranger.first_root.read_bytes())
        case "targets":
            stranger = Repository(tmp_path / "stranger")
            stranger.publish({"register.json": content})
            shutil.copy(stranger.folder / "metadata" / "1.targets.json", targets)
        case "nothing":
            installed.root_file.unlink()
        case "another kind":
            shutil.copy(updates.repository.folder / "metadata" / "timestamp.json", targets)
        case "damaged":
            targets.write_bytes(b"[" * 9000)
    registers = load_registers(installed)
    assert registers.signed is None
    assert registers.refused[installed.signed_register].startswith("not signed by the update server")


def test_nothing_else_in_the_state_folder_is_a_register(installed: Installation) -> None:
    state = installed.folders.state / "register.json"
    state.write_text(make_current_register(generation=1_000_000).to_text(), "utf-8")
    registers = load_registers(installed)
    assert (registers.usable, registers.refused) == ([], {})


@pytest.mark.parametrize("content", [None, b"{}"])
def test_without_a_file_of_the_updates_tuf_is_not_loaded(
    installed: Installation, content: bytes | None
) -> None:
    if content is not None:
        installed.installed_register.write_bytes(content)
    script = (
        "import sys\n"
        "from iea_agent.assembly.installation import Installation\n"
        "from iea_agent.assembly.registers import load_registers\n"
        "load_registers(Installation.locate({'IEA_AGENT_HOME': sys.argv[1]}))\n"
        "print([name for name in ('tuf', 'cryptography') if name in sys.modules])"
    )
    home = str(installed.folders.state.parent)
    done = subprocess.run([sys.executable, "-c", script, home], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.linux
@pytest.mark.parametrize("place", ["register.json", ""])
def test_a_register_that_somebody_else_may_write_is_refused(installed: Installation, place: str) -> None:
    installed.installed_register.write_text(make_current_register().to_text(), "utf-8")
    assert load_registers(installed).installed is not None
    (installed.folders.policy / place).chmod(0o777)
    registers = load_registers(installed)
    assert registers.usable == []
    assert "may be changed by everybody" in registers.refused[installed.installed_register]


@pytest.mark.linux
def test_a_root_that_somebody_else_may_write_verifies_nothing(
    installed: Installation, updates: Updates
) -> None:
    updates.bring(make_current_register().to_text().encode())
    assert load_registers(installed).signed is not None
    installed.root_file.chmod(0o666)
    registers = load_registers(installed)
    assert registers.usable == []
    assert "may be changed by everybody" in registers.refused[installed.signed_register]
