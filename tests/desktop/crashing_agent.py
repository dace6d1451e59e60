"""The agent with a module that cannot be imported once the icon is there.

The process that it starts in its place is an ordinary one.
"""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder


class Damaged(MetaPathFinder):
    """Refuses a module that the agent needs after its icon."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "iea_agent.assembly.servers":
            raise ImportError("damaged")


if __name__ == "__main__":
    from iea_agent.assembly import start

    sys.meta_path.insert(0, Damaged())
    sys.exit(start.run(os.environ, tray=True))
