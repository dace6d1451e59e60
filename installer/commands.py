"""What every step of the build shares: places, and programs that are run."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rig.build import BUILD, ROOT, BuildError

HERE = ROOT / "installer"
OUTPUT = BUILD / "installer"
ICONS = ROOT / "src" / "iea_agent" / "shell" / "icons"


def run(*command: str, cwd: Path = ROOT, timeout: float = 900) -> str:
    """Run *command* and return its output. Raises ``BuildError``."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=timeout)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(command[:4])} … failed:\n{done.stdout}{done.stderr}")
    return done.stdout
