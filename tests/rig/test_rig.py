"""The Windows rig: Python, dialogs, notification area, and nothing left behind."""

from __future__ import annotations

import select
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from PIL import Image, ImageDraw

from rig.build import PYTHON, BuildError, check_signature, cut_pkcs7, wine_version
from rig.desktop import Area, Desktop, NotSeenError
from rig.prefix import InUseError, Prefix, windows_path

pytestmark = [pytest.mark.linux, pytest.mark.desktop]
HERE = Path(__file__).parent


def output_of(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a program and return its output."""
    return process.communicate(timeout=30)[0].strip()


def line_of(stream: IO[str] | None) -> str:
    """Wait for the next line that a running program writes, and return it."""
    assert stream is not None
    assert select.select([stream], [], [], 30)[0], "nothing was written"
    return stream.readline().strip()


def test_windows_python_is_windows_and_answers_in_utf8(windows_python: Prefix) -> None:
    done = windows_python.python("-c", "import sys; print(sys.platform, sys.version_info[:2], 'é')")
    assert (done.returncode, done.stdout.strip()) == (0, "win32 (3, 13) é")


def test_windows_python_sees_our_sources_and_its_own_wheels(windows_python: Prefix) -> None:
    code = "import iea_agent, wx, win32ctypes, truststore, importlib.util as u; print(u.find_spec('numpy'))"
    done = windows_python.python("-c", code)
    assert done.stdout.strip() == "None"


def test_only_named_variables_reach_windows(windows_python: Prefix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAK", "1")
    done = windows_python.python(
        "-c", "import os; print(os.environ.get('LEAK'), os.environ['GIVEN'])", env={"GIVEN": "2"}
    )
    assert done.stdout.strip() == "None 2"


def test_exit_code_and_deadline(windows_python: Prefix) -> None:
    assert windows_python.python("-c", "raise SystemExit(3)").returncode == 3
    with pytest.raises(subprocess.TimeoutExpired):
        windows_python.python("-c", "import threading; threading.Event().wait()", timeout=2)


def test_who_inherits_the_output_keeps_nobody_waiting(windows_python: Prefix) -> None:
    """As Wine's desktop does, which begins with the first program."""
    waiting = "import threading; threading.Event().wait()"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{waiting}']); print(input())"
    done = windows_python.run(PYTHON / "python.exe", "-c", code, given="é\n", timeout=30)
    assert (done.returncode, done.stdout) == (0, "é\n")


def test_changed_program_is_refused(tmp_path: Path) -> None:
    genuine = tmp_path / "python.exe"
    shutil.copy(PYTHON / "python.exe", genuine)
    check_signature(genuine)
    content = bytearray(genuine.read_bytes())
    content[0x1000] ^= 1
    genuine.write_bytes(content)
    with pytest.raises(BuildError, match="not signed"):
        check_signature(genuine)


def test_both_forms_of_an_extracted_signature_are_read() -> None:
    structure = b"\x30\x82\x01\x00" + bytes(256)
    header = (8 + len(structure) + 4).to_bytes(4, "little") + b"\x00\x02\x02\x00"
    assert cut_pkcs7(structure) == cut_pkcs7(header + structure + bytes(4)) == structure


def test_named_prefix_stays_and_has_one_user() -> None:
    with Prefix("rig-test") as first:
        shutil.copy(__file__, first.path / "drive_c" / "left.txt")
        with pytest.raises(InUseError):
            Prefix("rig-test")
    with Prefix("rig-test") as second:
        assert (second.path / "drive_c" / "left.txt").exists()
    shutil.rmtree(second.path)


def test_nothing_is_left_of_a_closed_desktop(windows_desktop: Callable[..., Desktop]) -> None:
    desktop = windows_desktop()
    program = desktop.start("-c", "import threading; threading.Event().wait()")
    desktop.close()
    assert program.poll() is not None
    assert not desktop.prefix.path.exists()
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(["xdotool", "getmouselocation"], env=desktop.x, check=True, capture_output=True)


@pytest.mark.parametrize("scaling", [100, 150, 200])
def test_dialog_is_read_filled_and_closed(windows_desktop: Callable[..., Desktop], scaling: int) -> None:
    desktop = windows_desktop(scaling=scaling)
    program = desktop.start(HERE / "shown_dialog.py")
    dialog = desktop.window("^Boîte d'essai$")
    field = next(control for control in dialog.children if control.kind == "Edit")
    assert field.area.size[0] == 300 * scaling // 100
    desktop.click(field)
    desktop.type("https://exemple.fr/")
    desktop.type("été « œ »")
    desktop.wait(
        lambda windows: next((w for w in windows for c in w.children if "»" in c.text), None),
        "what was typed",
    )
    desktop.click(dialog.control("Enregistrer", "Button"))
    assert output_of(program) == "saved https://exemple.fr/été « œ »"
    desktop.gone("^Boîte d'essai$")


def test_keyboard_alone_reaches_a_dialog(windows_desktop: Callable[..., Desktop]) -> None:
    desktop = windows_desktop()
    program = desktop.start(HERE / "shown_dialog.py")
    desktop.window("^Boîte d'essai$")
    desktop.type("a b")
    desktop.key("Tab", "space")
    assert output_of(program) == "saved a b"


def test_a_window_that_does_not_come_is_reported_with_those_on_screen(
    windows_desktop: Callable[..., Desktop],
) -> None:
    with pytest.raises(NotSeenError, match=r"never\.\.\. not seen in 0.1 s; on screen: ") as seen:
        windows_desktop().window("never...", timeout=0.1)
    # Wine 10 has no taskbar here, and its notification area is hidden while it is empty
    assert ("Shell_TrayWnd" in str(seen.value)) is (wine_version() < 9)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a folder with two icons of similar shape."""
    for name, box in {"disc": (2, 2, 30, 30), "half": (2, 2, 30, 16)}.items():
        picture = Image.new("RGBA", (32, 32))
        ImageDraw.Draw(picture).ellipse(box, fill=(30, 80, 200))
        picture.save(tmp_path / f"{name}.ico", sizes=[(16, 16), (24, 24), (32, 32)])
    return tmp_path


@pytest.mark.parametrize("scaling", [100, 150])
def test_icon_is_found_recognised_and_its_menu_used(
    windows_desktop: Callable[..., Desktop], pictures: Path, scaling: int
) -> None:
    desktop = windows_desktop(scaling=scaling)
    with pytest.raises(NotSeenError):
        desktop.icon(timeout=0.1)
    program = desktop.start(HERE / "shown_icon.py", windows_path(pictures / "half.ico"))
    assert isinstance(desktop.icon(), Area)
    assert desktop.recognise_icon(pictures) == "half"
    assert desktop.tooltip() == "Icône d'essai"
    assert [item.enabled for item in desktop.open_menu()] == [True, False, True]
    desktop.choose(1)
    assert line_of(program.stdout) == "clicked"
    desktop.open_menu()
    desktop.choose(3)
    # bare pystray may take long to leave; the rig ends it with the desktop
    assert line_of(program.stdout) == "ended"
