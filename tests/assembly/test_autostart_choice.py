"""The start with Windows as a person chooses it, in the Windows registry."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from iea_agent.assembly import autostart_choice
from iea_agent.assembly.installation import Installation
from iea_agent.domain import refusals
from iea_agent.domain.autostart import Autostart, quote_command
from iea_agent.domain.refusals import RefusedError
from iea_agent.host import startup_entries
from iea_agent.host.program_folder import ProgramFolder
from iea_agent.shell.dialogs.ports import AutostartChoice
from iea_agent.shell.wording.autostart_text import describe_autostart


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An installation whose program was installed by a setup."""
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path / "home")})
    vars(installation)["program"] = ProgramFolder(tmp_path / "IEA Agent é", "0.1.0")
    return installation


def refusal_of(choose: object, installation: Installation) -> refusals.Refusal:
    with pytest.raises(RefusedError) as raised:
        choose(installation)  # type: ignore[operator]
    return raised.value.refusal


def test_what_is_not_installed_is_not_started_by_windows(tmp_path: Path) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    assert installation.read_autostart() is None
    assert autostart_choice.find_choice(installation) is None
    for choose in (autostart_choice.enable, autostart_choice.disable):
        assert refusal_of(choose, installation) == refusals.NotInstalled()


@pytest.mark.linux
def test_a_registry_that_refuses_is_told(installation: Installation) -> None:
    assert autostart_choice.find_choice(installation) == AutostartChoice(Autostart.OFF)
    assert refusal_of(autostart_choice.enable, installation) == refusals.AutostartNotWritten("OSError")


@pytest.mark.parametrize("state", [*Autostart, None])
def test_each_state_is_worded(state: Autostart | None) -> None:
    name, value = describe_autostart(state)
    assert name == "Démarrage avec Windows"
    assert value


if sys.platform == "win32":
    import winreg

    RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
    APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"

    def write(root: int, path: str, data: bytes | str) -> None:
        kind = winreg.REG_SZ if isinstance(data, str) else winreg.REG_BINARY
        with winreg.CreateKeyEx(root, path, access=winreg.KEY_SET_VALUE) as key:
            winreg.SetValueEx(key, startup_entries.VALUE, 0, kind, data)

    @pytest.fixture(autouse=True)
    def _clean() -> Iterator[None]:
        yield
        for root in (winreg.HKEY_CURRENT_USER, winreg.HKEY_LOCAL_MACHINE):
            for path in (RUN, APPROVED):
                try:
                    with winreg.OpenKey(root, path, access=winreg.KEY_SET_VALUE) as key:
                        winreg.DeleteValue(key, startup_entries.VALUE)
                except FileNotFoundError:
                    continue

    @pytest.mark.windows
    def test_it_is_switched_on_and_off(installation: Installation, tmp_path: Path) -> None:
        autostart_choice.disable(installation)
        autostart_choice.enable(installation)
        autostart_choice.enable(installation)
        assert installation.read_autostart() is Autostart.ON
        command = startup_entries.read_entries()[0].command
        assert command == f'"{tmp_path}\\IEA Agent é\\iea-agentw.exe" run --quiet'
        autostart_choice.disable(installation)
        assert installation.read_autostart() is Autostart.OFF

    @pytest.mark.windows
    def test_what_was_disabled_in_the_task_manager_is_left_so(installation: Installation) -> None:
        autostart_choice.enable(installation)
        write(winreg.HKEY_CURRENT_USER, APPROVED, b"\x03" + bytes(11))
        assert installation.read_autostart() is Autostart.DISABLED
        assert refusal_of(autostart_choice.enable, installation) == refusals.AutostartDisabled()
        autostart_choice.disable(installation)
        assert refusal_of(autostart_choice.enable, installation) == refusals.AutostartDisabled()
        fixed = AutostartChoice(Autostart.DISABLED, refusals.AutostartDisabled())
        assert autostart_choice.find_choice(installation) == fixed

    @pytest.mark.windows
    def test_an_entry_for_all_stays_an_administrators(installation: Installation, tmp_path: Path) -> None:
        command = quote_command(f"{tmp_path}\\IEA Agent é\\iea-agentw.exe")
        write(winreg.HKEY_LOCAL_MACHINE, RUN, command)
        assert installation.read_autostart() is Autostart.ON
        autostart_choice.enable(installation)
        assert len(startup_entries.read_entries()) == 1
        fixed = AutostartChoice(Autostart.ON, refusals.AutostartForAll())
        assert autostart_choice.find_choice(installation) == fixed
        assert refusal_of(autostart_choice.disable, installation) == refusals.AutostartForAll()

    @pytest.mark.windows
    def test_the_entry_of_another_program_is_replaced(installation: Installation) -> None:
        write(winreg.HKEY_CURRENT_USER, RUN, r"C:\old\agent.exe")
        assert autostart_choice.find_choice(installation) == AutostartChoice(Autostart.OTHER)
        autostart_choice.enable(installation)
        assert autostart_choice.find_choice(installation) == AutostartChoice(Autostart.ON)

    @pytest.mark.windows
    def test_a_policy_against_own_entries_is_told(installation: Installation) -> None:
        path, name = r"Software\Microsoft\Windows\CurrentVersion\Policies\Explorer", "DisableCurrentUserRun"
        with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, path, access=winreg.KEY_SET_VALUE) as key:
            winreg.SetValueEx(key, name, 0, winreg.REG_DWORD, 1)
            try:
                forbidden = refusals.AutostartForbidden()
                fixed = AutostartChoice(Autostart.FORBIDDEN, forbidden)
                assert autostart_choice.find_choice(installation) == fixed
                assert refusal_of(autostart_choice.enable, installation) == forbidden
            finally:
                winreg.DeleteValue(key, name)
