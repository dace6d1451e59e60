"""The test from a stick: what it says, and that it leaves no trace."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from iea_agent.domain import exit_codes
from installer.build import Built
from installer.setup_program import compile_portable_test
from rig.desktop import Desktop, Window
from tests.installer.target_windows import Windows

NOT_RUN = 10
NOBODY = "https://localhost:1"
POLICY = r"HKLM\Software\Policies\IEA Agent\connection"


@pytest.fixture(scope="module")
def program(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program, not packed."""
    target = tmp_path_factory.mktemp("portable") / "iea-agent-test.exe"
    compile_portable_test(built.folder, built.launchers, target, is_packed=False)
    return target


@pytest.fixture
def stick(program: Path, tmp_path: Path) -> Path:
    """Return the program in a folder of its own."""
    return Path(shutil.copy(program, tmp_path / program.name))


def list_all(windows: Windows) -> set[str]:
    """Return every file, folder and key that a program may change."""
    drive = windows.prefix.path / "drive_c"
    return {path.relative_to(drive).as_posix() for path in drive.rglob("*")} | windows.keys()


def window_with(text: str) -> Callable[[list[Window]], Window | None]:
    """Return what picks the window of which a part has *text*."""
    return lambda windows: next(
        (each for each in windows if any(text in child.text for child in each.children)), None
    )


def test_it_leaves_no_trace_whatever_the_test_says(stick: Path) -> None:
    with Desktop() as desktop:
        windows = Windows(desktop.prefix)
        for name in ("authentication", "updates"):
            assert windows.run("reg", "add", POLICY, "/v", name, "/d", NOBODY, "/f") == 0
        before = list_all(windows)
        # with the addresses of this PC's policy; nobody reads an output
        assert windows.run(stick, "/S", "/SAVE") == exit_codes.FAILED
        (report,) = stick.parent.glob("iea-agent-test-result-*.txt")
        assert "IEA-N04" in report.read_text("utf-8-sig")
        report.unlink()
        assert windows.run(stick, "/S", "/NONSENSE") == NOT_RUN
        assert list_all(windows) == before
        assert [path.name for path in stick.parent.iterdir()] == [stick.name]

        # a person: addresses from the file beside it, the result in a window, saved only on demand
        (stick.parent / "iea-agent-test.ini").write_text(f"[servers]\nauthentication={NOBODY}\n")
        process = desktop.start_program(stick, f"/UPDATES={NOBODY}/ailleurs", env={"LC_ALL": "fr_FR.UTF-8"})
        title = "Impact emploi – Test de l’accès aux serveurs"
        desktop.click(desktop.window(title).control("Tester"))

        window = desktop.wait(window_with("IEA-N04"), "the result", timeout=60)
        desktop.click(window.control("Enregistrer le résultat à côté de ce programme"))
        saved = desktop.wait(window_with("Enregistré"), "where it was saved")
        desktop.click(saved.control("OK"))
        desktop.click(desktop.window(title).control("Fermer"))
        assert process.wait(30) == exit_codes.FAILED
        (report,) = stick.parent.glob("iea-agent-test-resultat-*.txt")
        text = report.read_text("utf-8-sig")
        assert f"{NOBODY}/ailleurs" in text
        assert "IEA-N04" in text
        assert list_all(windows) == before
