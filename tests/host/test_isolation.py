"""What a process does not take over: code and trust of folders and variables."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from iea_agent.assembly.window_opener import window_command
from iea_agent.domain import exit_codes

SECONDS = 60

PLANTED = (
    *("argparse", "base64", "json", "logging", "pathlib", "platform", "queue", "random", "subprocess"),
    *("tomllib", "typing", "wx", "httpx", "platformdirs", "ctypes", "collections", "encodings"),
)
"""Modules that a stranger may leave in a folder: of the standard library, and of others."""

CHANGING = {
    "SSL_CERT_FILE": "x",
    "SSL_CERT_DIR": "x",
    "SSLKEYLOGFILE": "x",
    "OPENSSL_CONF": "x",
    "OPENSSL_MODULES": "x",
    "PYTHONPATH": "x",
    "PYTHONWARNINGS": "ignore",
    "PYTHON_KEYRING_BACKEND": "x",
    "KEYRING_PROPERTY_PERSIST": "x",
    **({"BROWSER": "x"} if sys.platform == "win32" else {}),
}
"""Variables that change what code runs or whom it trusts."""


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """Return a folder with modules that leave a mark when they are imported."""
    folder = tmp_path / "Téléchargements"
    plant(folder, tmp_path, PLANTED)
    return folder


def plant(folder: Path, tmp_path: Path, names: Iterable[str]) -> None:
    """Write modules into *folder* that leave a mark in *tmp_path*."""
    folder.mkdir()
    for name in names:
        text = f"open({str(tmp_path / 'mark')!r}, 'a', encoding='utf-8').write(__name__ + ' ')\n"
        (folder / f"{name}.py").write_text(text, "utf-8")


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run *command* with *folder* as its current folder."""
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip


def test_a_window_imports_nothing_from_the_current_folder(downloads: Path, tmp_path: Path) -> None:
    plant(downloads / "iea_agent", tmp_path, ["__init__", "cli"])

    done = run(downloads, *window_command("no-such-window"), PYTHONPATH=str(downloads))

    assert done.returncode == exit_codes.USAGE, done.stderr
    assert not (downloads.parent / "mark").exists()


def test_a_command_imports_nothing_from_the_current_folder(downloads: Path, tmp_path: Path) -> None:
    """Python's own start ("-m" without "-I") looks there before our first line runs."""
    home = str(tmp_path / "home")
    for name in ("collections", "typing"):
        (downloads / f"{name}.py").unlink()

    done = run(downloads, sys.executable, "-m", "iea_agent", "settings", "get", IEA_AGENT_HOME=home)

    assert done.returncode == exit_codes.FINE, done.stderr
    assert not (downloads.parent / "mark").exists()


def test_what_changes_code_or_trust_is_dropped_before_anything_is_done(tmp_path: Path) -> None:
    script = (
        "import os, sys, json; sys.path.append('relative'); from iea_agent.cli import main; main(['version'])\n"
        "print(json.dumps([sorted(os.environ), os.environ['IEA_AGENT_HOME'], sys.path]))"
    )
    done = run(tmp_path, sys.executable, "-c", script, **CHANGING, IEA_AGENT_HOME="home", IEA_KEPT="x")
    names, home, path = json.loads(done.stdout.splitlines()[-1])

    assert not {name.upper() for name in names} & set(CHANGING)
    assert "IEA_KEPT" in {name.upper() for name in names}
    assert Path(home) == tmp_path / "home", "a window finds it from another folder"
    assert path
    assert all(map(os.path.isabs, path))


@pytest.mark.linux
@pytest.mark.parametrize(("home", "code"), [("home", exit_codes.USAGE), ("/tmp/home", exit_codes.FINE)])
def test_a_current_folder_that_is_gone_is_named(tmp_path: Path, home: str, code: int) -> None:
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" -P -m iea_agent version'
    done = run(tmp_path, "sh", "-c", script, sys.executable, IEA_AGENT_HOME=home)

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert ("IEA_AGENT_HOME" in done.stderr) is (code == exit_codes.USAGE)


@pytest.mark.windows
def test_windows_grants_every_protection(tmp_path: Path) -> None:
    """Wine has all these functions, but keeps no note of the mitigations."""
    script = (
        "import json; from iea_agent.host.isolation import isolate\n"
        "print(json.dumps([isolate({}, shows_windows=shows) for shows in (True, False)]))"
    )
    of_a_window, of_the_agent = json.loads(run(tmp_path, sys.executable, "-c", script).stdout)

    assert set(of_a_window.values()) == {True}
    assert of_the_agent == {**of_a_window, "extension-points": True}


@pytest.mark.windows
@pytest.mark.parametrize("isolated", [True, False])
def test_a_library_in_the_current_folder_or_the_path_is_not_loaded(tmp_path: Path, isolated: bool) -> None:
    for source in Path(sys.prefix).glob("libffi-*.dll"):
        shutil.copy(source, tmp_path / "iea-planted.dll")
    script = (
        "import ctypes, sys; from iea_agent.host.isolation import isolate\n"
        "if sys.argv[1] == 'True': isolate({}, shows_windows=False)\n"
        "print(bool(ctypes.windll.kernel32.LoadLibraryW('iea-planted.dll')))"
    )
    done = run(tmp_path, sys.executable, "-c", script, str(isolated), PATH=str(tmp_path))

    assert done.stdout.strip() == str(not isolated), done.stderr
