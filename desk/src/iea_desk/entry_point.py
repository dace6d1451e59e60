"""The entry point of `iea-desk`: Ctrl and C leave no trace from its first moment."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command of this process, and return its exit code."""
    try:
        # imported here: it takes a moment in which a person may change their mind
        from iea_desk.cli import main as run

        return run()
    except KeyboardInterrupt:
        print("\nInterrompu.", file=sys.stderr)
        return 1
