"""Writes the commands' own help into README.md, between its markers; ``--check`` fails where README says something else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- begin: commands -->\n", "<!-- end: commands -->\n"


def commands() -> str:
    """The help of ``iea-agent`` in English, as a console of 100 columns shows it."""
    environment = {**os.environ, "COLUMNS": "100", "IEA_AGENT_LANG": "en", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "iea_agent", "--help"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    lines = (line.rstrip() for line in done.stdout.splitlines())
    return "```\n" + "\n".join(line for line in lines if line) + "\n```\n"


def main() -> int:
    """Write or check; the exit code says whether README was right."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    wanted = before + BEGIN + commands() + END + after
    if wanted == text:
        return 0
    if "--check" in sys.argv:
        print("README.md does not show the present help: run tools/readme_commands.py", file=sys.stderr)
        return 1
    README.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
