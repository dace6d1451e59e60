"""The setup in a new Windows, from the first file to the last trace."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import iea_agent
from iea_sandbox.world import World
from installer.build import Built
from installer.commands import run as run_program
from installer.launchers import COMPILER
from installer.setup_program import compile_setup
from rig.desktop import Desktop
from rig.prefix import Prefix, windows_path
from tests.installer.target_windows import (
    APPROVED,
    DONE,
    NEWER,
    REFUSED,
    RUN,
    UNINSTALL,
    UNREACHABLE,
    WRONG,
    Windows,
)

VERSION, NEXT = iea_agent.__version__, "99.0.0"
ALONE = ("/S", "/NOTEST", "/NOSTART")


@pytest.fixture(scope="module")
def setups(built: Built, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a setup of this version and one of the next, without compression."""
    folder = tmp_path_factory.mktemp("setups")
    for version in (VERSION, NEXT):
        compile_setup(
            built.folder, built.launchers, folder / f"{version}.exe", version=version, is_packed=False
        )
    return {version: folder / f"{version}.exe" for version in (VERSION, NEXT)}


def test_two_setups_are_the_same(setups: dict[str, Path], built: Built, tmp_path: Path) -> None:
    compile_setup(built.folder, built.launchers, tmp_path / "again.exe", is_packed=False)
    assert (tmp_path / "again.exe").read_bytes() == setups[VERSION].read_bytes()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return both servers."""
    with World(tmp_path_factory.mktemp("world")) as world:
        yield world


def test_a_clerks_pc_from_the_first_setup_to_the_last_trace(
    setups: dict[str, Path], world: World, tmp_path: Path
) -> None:
    """Install, connect, update under the agent, refuse the older, repair, remove."""
    licence = world.licence("good")
    key = tmp_path / "clé.txt"
    key.write_text(f"{licence.key}\n")
    with Desktop() as desktop:
        windows = Windows(desktop.prefix)
        files, keys = windows.files(), windows.keys()

        # nobody listens there: installed, and the exit code says that the servers are not reached
        addresses = (
            f"/AUTHENTICATION={world.authentication.address}",
            "/UPDATES=https://localhost:1/updates",
        )
        given = (f"/LICENCE={licence.number}", f"/KEYFILE={windows_path(key)}")
        assert windows.run(setups[VERSION], "/S", *addresses, *given) == UNREACHABLE
        assert windows.pointer("current") == VERSION
        assert windows.command("version") == (0, f"IEA Agent {VERSION}\n")
        assert windows.registry("HKCU", RUN)["IEA Agent"].endswith(r'IEA Agent\iea-agentw.exe" run --quiet')
        assert windows.registry("HKCU", UNINSTALL)["DisplayVersion"] == VERSION
        # Wine's language
        assert windows.menu() == {"IEA Agent", "Launch Impact emploi", "Write to support"}
        for name, value in (("ca_file", windows_path(world.ca_file)), ("updates", world.updates.address)):
            assert windows.command("settings", "set", f"connection.{name}", value)[0] == 0
        windows.until("connected")
        assert windows.command("test")[0] == 0
        document = json.loads(windows.command("diagnose", "--json")[1])
        assert document["licence_key"] == "saved"
        assert document["program"].endswith(r"IEA Agent\iea-agentw.exe") or document["program"].endswith(
            "iea-agent.exe"
        )

        # the agent runs
        assert windows.run(setups[NEXT], "/S") == DONE
        assert (windows.pointer("current"), windows.pointer("previous")) == (NEXT, VERSION)
        windows.until("connected")

        assert windows.run(setups[VERSION], "/S") == NEWER
        assert windows.pointer("current") == NEXT

        (windows.program / NEXT / "python313.zip").unlink()
        assert windows.run(setups[NEXT], "/S", "/AUTOSTART=0") == DONE
        assert windows.pointer("current") == f"{NEXT}+1"
        assert windows.pointer("previous") == VERSION
        assert not (windows.program / NEXT).exists()
        assert "IEA Agent" not in windows.registry("HKCU", RUN)
        windows.until("connected")

        windows.note_approval("HKCU", "IEA Agent")
        windows.note_approval("HKCU", "Another")
        assert windows.run(windows.program / "uninstall.exe", "/S", "/PURGE") == DONE
        deadline = time.monotonic() + 60
        while (left := windows.files() - files) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert left == set()
        assert sorted(windows.keys() - keys) == []
        assert windows.registry("HKCU", APPROVED).keys() == {"Another"}


@pytest.fixture
def windows() -> Iterator[Windows]:
    """Return a new Windows without a desktop."""
    with Prefix() as prefix:
        yield Windows(prefix)


def test_for_all_users(setups: dict[str, Path], windows: Windows, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('schema = 1\n[connection]\nauthentication = "https://exemple.invalid"\n')
    given = (f"/POLICY={windows_path(policy)}", "/NOTEST")
    assert windows.run(setups[VERSION], "/S", "/ALLUSERS", *given) == DONE
    drive = windows.prefix.path / "drive_c"
    program = drive / "Program Files" / "IEA Agent"
    assert windows.pointer("current", program) == VERSION
    assert (drive / "ProgramData" / "IEA Agent" / "policy.toml").read_text() == policy.read_text()
    assert windows.registry("HKLM", UNINSTALL)["DisplayVersion"] == VERSION
    assert "IEA Agent" in windows.registry("HKLM", RUN)
    assert windows.registry("HKCU", UNINSTALL) == {}
    assert windows.command("version", program=program)[0] == 0
    # one person does not install beside it
    assert windows.run(setups[VERSION], "/S", "/NOTEST") == WRONG
    for root in ("HKLM", "HKCU"):
        windows.note_approval(root, "IEA Agent")
    assert windows.run(program / "uninstall.exe", "/S") == DONE
    deadline = time.monotonic() + 60
    while program.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not program.exists()
    assert [windows.registry(root, APPROVED) for root in ("HKLM", "HKCU")] == [{}, {}]
    # the policy is the administrator's
    assert (drive / "ProgramData" / "IEA Agent" / "policy.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/KEY=secret"], "must not stand on the command line"),
        (["/KEYFILE=-"], "/KEYFILE also needs /LICENCE"),
        (["/LICENCE=IEA-1", r"/KEYFILE=Z:\nowhere"], r"no such file: Z:\nowhere"),
        (["/AUTOSTART=2"], "/AUTOSTART is 0 or 1"),
        (["/LICENSE=IEA-1"], "Unknown parameter: /LICENSE"),
        ([r"/POLICY=Z:\nowhere", "/ALLUSERS"], r"no such file: Z:\nowhere"),
        ([r"/POLICY=C:\windows\win.ini"], "add /ALLUSERS"),
        (["/ALLUSERS", "/LICENCE=IEA-1"], "each person enters their licence"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_parameter_changes_nothing_and_the_reason_is_told(
    setups: dict[str, Path], quiet: Windows, arguments: Sequence[str], words: str
) -> None:
    # a small letter, too: a window on fifty PCs would wait for somebody
    done = quiet.prefix.run(setups[VERSION], "/s", *arguments)
    assert done.returncode == WRONG
    assert words in done.stdout
    assert not quiet.program.exists()


@pytest.fixture(scope="module")
def quiet() -> Iterator[Windows]:
    """Return a Windows in which nothing gets installed."""
    with Prefix() as prefix:
        yield Windows(prefix)


def test_the_key_comes_from_the_standard_input_and_a_bad_setting_is_told(
    setups: dict[str, Path], windows: Windows
) -> None:
    given = ("/S", "/NOTEST", "/NOSTART", "/LICENCE=IEA-1", "/KEYFILE=-", "/UPDATES=no address at all")
    done = windows.prefix.run(setups[VERSION], *given, given="clé-1\n", timeout=120)
    assert done.returncode == REFUSED
    assert "refused: UPDATES. " in done.stdout
    document = json.loads(windows.command("diagnose", "--json")[1])
    assert document["licence_key"] == "saved"
    assert document["settings"]["licence.number"]["value"] == "IEA-1"
    assert document["settings"]["connection.updates"]["origin"] == "default"
    # beside it none is installed for all
    assert windows.run(setups[NEXT], "/S", "/ALLUSERS") == WRONG
    assert windows.registry("HKLM", UNINSTALL) == {}


def test_killed_in_an_update_the_whole_program_runs(setups: dict[str, Path], windows: Windows) -> None:
    """A few moments of it; ``tests.installer.kill_setup`` walks through all of them."""
    began = time.monotonic()
    assert windows.run(setups[VERSION], *ALONE) == DONE
    lasts = time.monotonic() - began
    for share in (0.3, 0.6, 0.85):
        windows.run_for(lasts * share, setups[NEXT], *ALONE)
        assert windows.command("version")[0] == 0, share
    assert windows.run(setups[NEXT], *ALONE) == DONE
    assert windows.pointer("current").partition("+")[0] == NEXT


def test_killed_at_any_moment_a_version_runs(built: Built, windows: Windows, tmp_path: Path) -> None:
    """With a stand-in for Python, so that every step takes its share of the time."""
    slot = tmp_path / "slot"
    (slot / "lib").mkdir(parents=True)
    source = Path(__file__).with_name("stand_in.c")
    run_program(COMPILER, "-shared", "-O1", str(source), "-o", str(slot / "python313.dll"))
    for name in ("python313.zip", *(f"lib/{number}.pyc" for number in range(50))):
        (slot / name).write_bytes(bytes(1000))
    setups = {version: tmp_path / f"{version}.exe" for version in ("1.0.0", "2.0.0")}
    for version, setup in setups.items():
        compile_setup(slot, built.launchers, setup, version=version, is_packed=False)
    assert windows.run(setups["1.0.0"], *ALONE) == DONE
    moment, seen = 0.0, set[str]()
    while True:
        code = windows.run_for(moment, setups["2.0.0"], *ALONE)
        version = windows.command("version")[1].splitlines()[0]
        seen.add(version)
        assert version.partition("+")[0] in setups, version
        if code is not None:
            break
        moment += 0.1
    assert code == DONE
    assert version.startswith("2.0.0")
    assert "1.0.0" in seen, "no kill came before the switch"
