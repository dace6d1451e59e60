"""What a command prints for programs, and reads from the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping


def print_json(document: Mapping[str, object], indent: int | None = 2) -> None:
    """Print *document* as JSON."""
    # plain ASCII: the same bytes whatever the console's encoding
    print(json.dumps(document, indent=indent), flush=True)


def ask_line(prompt: str, *, masked: bool = False) -> str:
    """Return one line of the standard input, "" at its end. Raises ``ValueError``."""
    if sys.stdin is None:
        return ""
    if not sys.stdin.isatty():
        from iea_agent.host.standard_input import read_line

        return read_line(sys.stdin.buffer)
    if masked:
        import getpass

        return getpass.getpass(prompt)
    print(prompt, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline(500)
