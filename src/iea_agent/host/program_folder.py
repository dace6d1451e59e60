"""The folder of the installed program: launchers, and a slot for each version.

It is never changed in place. Another version gets a new slot, and one file that is replaced whole, ``current``,
says which slot the launchers load (``domain/version_trial.py``).
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from iea_agent.domain.version_trial import (
    LARGEST_POINTER,
    LARGEST_TRIALS,
    Slots,
    Trial,
    is_slot_name,
    parse_pointer,
    parse_trials,
    render_trials,
)

from .atomic_files import write_atomically
from .regular_files import read_bounded
from .storage import APPLICATION

CURRENT, PREVIOUS = "current", "previous"
UNFINISHED = ".part"
"""The end of the name of a slot that a setup is still filling."""


@dataclass(frozen=True, slots=True)
class ProgramFolder:
    """The installed program at *path*; the slot *own* is the version that runs."""

    path: Path
    own: str

    @classmethod
    def locate(cls, launcher: str = sys.executable, slot: str = sys.prefix) -> ProgramFolder | None:
        """Return the folder of this process; None in a checkout or a pip install.

        *launcher* lies in it, and *slot* has the interpreter that the launcher has loaded.
        """
        folder, own = os.path.split(os.path.abspath(slot))
        same = os.path.normcase(folder) == os.path.normcase(os.path.dirname(os.path.abspath(launcher)))
        if not same or not is_slot_name(own) or not os.path.isfile(os.path.join(folder, CURRENT)):
            return None
        return cls(Path(folder), own)

    @property
    def windowed_launcher(self) -> Path:
        """The program that Windows starts at logon: it has no console."""
        return self.path / "iea-agentw.exe"

    @property
    def console_launcher(self) -> Path:
        """The program that a person starts from a prompt."""
        return self.path / "iea-agent.exe"

    def read_slots(self) -> Slots:
        """Return the slots that are there, and what names them. Raises ``OSError``."""
        now = time.time()
        ages = {
            entry.name: now - entry.stat(follow_symlinks=False).st_mtime
            for entry in os.scandir(self.path)
            if entry.is_dir(follow_symlinks=False) and is_slot_name(entry.name.removesuffix(UNFINISHED))
        }
        return Slots(ages, self.own, self._read_pointer(CURRENT), self._read_pointer(PREVIOUS))

    def _read_pointer(self, name: str) -> str:
        """Return the slot that the file *name* names, "" for none."""
        try:
            return parse_pointer(read_bounded(self.path / name, LARGEST_POINTER) or b"")
        except OSError:
            return ""

    def switch(self, slot: str) -> None:
        """Have the launchers load *slot* from now on, and the present one if it fails.

        Whenever this process or the power ends, ``current`` names the one or the other. Raises ``OSError``, also for
        a slot that is not there.
        """
        present = self._read_pointer(CURRENT)
        if not is_slot_name(slot) or not (self.path / slot).is_dir():
            raise FileNotFoundError(slot)
        # a second switch to the same slot must not forget the one before
        if present == slot:
            return
        if present:
            self._write_pointer(PREVIOUS, present)
        self._write_pointer(CURRENT, slot)

    def _write_pointer(self, name: str, slot: str) -> None:
        write_atomically(self.path / name, f"{slot}\n".encode(), through=True)

    def remove(self, slot: str) -> bool:
        """Remove *slot*; False if it is in use, or not ours to remove.

        The interpreter is the first of its files to go: Windows refuses that while a process of any session has it loaded, and
        then nothing else is touched. What nothing names any longer is removed by a later call.
        """
        folder = self.path / slot
        try:
            # first of all: the launcher must not go back to what is half removed
            if self._read_pointer(PREVIOUS) == slot:
                (self.path / PREVIOUS).unlink()
            # "python313.dll" before "python3.dll", which is seldom loaded
            for library in sorted(folder.glob("python3*.dll"), reverse=True):
                library.unlink()
            shutil.rmtree(folder)
        except OSError:
            return False
        return True

    def count_free_bytes(self) -> int:
        """Return the room on the disk of the program. Raises ``OSError``."""
        return shutil.disk_usage(self.path).free


@dataclass(frozen=True, slots=True)
class TrialFile:
    """The person's file in which the launcher counts the starts of a new version.

    Its place does not depend on ``IEA_AGENT_HOME``: the launcher knows one place only.
    """

    path: Path

    @classmethod
    def locate(cls) -> TrialFile:
        """Return the file of the person who runs this process."""
        local = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~/.local/share")
        return cls(Path(local, APPLICATION, "trial"))

    def read_trials(self) -> dict[str, Trial]:
        """Return the trials by version; none if the file cannot be read."""
        with suppress(OSError):
            return parse_trials(read_bounded(self.path, LARGEST_TRIALS) or b"")
        return {}

    def write_trials(self, trials: dict[str, Trial]) -> None:
        """Replace the file. Raises ``OSError``."""
        write_atomically(self.path, render_trials(trials))
