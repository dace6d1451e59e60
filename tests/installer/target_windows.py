"""A Windows in which setups and packages run, and what they leave there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from rig.prefix import Prefix, windows_path

UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\IEA Agent"
RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
DONE, WRONG, NEWER, UNREACHABLE, REFUSED = 0, 3, 4, 6, 7
"""Exit codes of the setup (docs/administration.md)."""

OWN = r"windows/|users/[^/]+/(Temp/|AppData/Local/Temp/|AppData/LocalLow/Microsoft)"
"""Where Windows itself writes: among others the certificates that it has looked at."""

OWN_KEYS = (
    r"\\SystemCertificates|\\Console|\\Explorer|\\Software\\Policies|\\Wine\\Temporary"
    r"|\\Credential Manager\](| \"EncryptionKey\".*)$|\\CurrentVersion\\(Run|Uninstall)\]$"
)
"""Keys that Windows itself makes or writes; a genuine one always has the last two."""


class Windows:
    """A prefix in which setups run.

    They get no pipes: the agent that they start, or Wine's desktop, would inherit them, and a reader wait for its end.
    """

    def __init__(self, prefix: Prefix) -> None:
        self.prefix = prefix
        (self.person,) = (prefix.path / "drive_c" / "users").glob("[!P]*")
        self.local = self.person / "AppData" / "Local"
        self.program = self.local / "Programs" / "IEA Agent"

    def run(self, program: Path | str, *arguments: str, given: str = "", timeout: float = 120) -> int:
        """Run a program without an output to its end; return its exit code."""
        process = self.start(program, *arguments)
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.close()
        return process.wait(timeout)

    def start(self, program: Path | str, *arguments: str) -> subprocess.Popen[str]:
        """Start a program without an output."""
        nothing = subprocess.DEVNULL
        return self.prefix.start(program, *arguments, output=nothing, errors=nothing)

    def run_for(self, seconds: float, program: Path, *arguments: str) -> int | None:
        """Run a program, at most so long; return its exit code, None if it was killed."""
        process = self.start(program, *arguments)
        assert process.stdin is not None
        process.stdin.close()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
            return None

    def command(self, *arguments: str, given: str = "", program: Path | None = None) -> tuple[int, str]:
        """Run the installed command; return exit code and output."""
        command = (program or self.program) / "iea-agent.exe"
        done = self.prefix.run(command, *arguments, given=given, timeout=90)
        return done.returncode, done.stdout

    def status(self) -> Any:
        """Return the agent's status, None if none answers in time."""
        code, output = self.command("status", "--json")
        return json.loads(output) if code in (0, 1) else None

    def until(self, state: str, timeout: float = 60) -> None:
        """Wait until the agent is in *state*; "" is none."""
        deadline = time.monotonic() + timeout
        while (status := self.status()) is None or status["state"] != state:
            if not state and status is None:
                return
            assert time.monotonic() < deadline, status

    def registry(self, root: str, key: str) -> dict[str, str]:
        """Return the texts and numbers of a key of the registry; none if it is not there."""
        output = self.prefix.run("reg", "query", rf"{root}\{key}").stdout
        return {
            name: value.strip() for name, value in re.findall(r"^    (.+?)    REG_\w+    (.*)$", output, re.M)
        }

    def menu(self) -> set[str]:
        """Return the names in our folder of the start menu."""
        return {file.stem for file in self.prefix.path.rglob("Start Menu/Programs/IEA Agent/*.lnk")}

    def note_approval(self, root: str, value: str) -> None:
        """Write what the Task Manager notes of an entry that it disables."""
        assert self.run("reg", "add", rf"{root}\{APPROVED}", "/v", value, "/d", "3", "/f") == 0

    def pointer(self, name: str, program: Path | None = None) -> str:
        """Return what ``current`` or ``previous`` names; "" if it is not there."""
        file = (program or self.program) / name
        return file.read_text().strip() if file.exists() else ""

    def files(self) -> set[str]:
        """Return every file and folder that is not Windows' own."""
        drive = self.prefix.path / "drive_c"
        # not rglob, which fails where an uninstaller is just at work
        names = {
            Path(folder, name).relative_to(drive).as_posix()
            for folder, folders, files in os.walk(drive)
            for name in (*folders, *files)
        }
        return {name for name in names if not re.match(OWN, name)}

    def keys(self) -> set[str]:
        """Return the keys of the registry that a setup may change, with their values."""
        entries, key = set[str](), ""
        for root in ("HKCU", r"HKLM\Software\Microsoft\Windows\CurrentVersion"):
            file = self.prefix.path / "export.reg"
            assert self.run("reg", "export", root, windows_path(file), "/y") == 0
            for line in file.read_text("utf-16").splitlines():
                key = line if line.startswith("[") else key
                entries.add(key if line in (key, "") else f"{key} {line}")
            file.unlink()
        return {entry for entry in entries if not re.search(OWN_KEYS, entry)}
