"""Runs the agent behind an icon that is none, and has it crash as the test asks.

Arguments: "exception" or "well". The module of the state machine's timing cannot be imported after "exception", as if it
were damaged. Prints "failed" and whether it starts again.
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


class NoIcon:
    """What the agent draws on."""

    def draw(self, view: object) -> None:
        """Ignore *view*."""

    def notify(self, title: str, body: str) -> None:
        print("balloon", title, body, flush=True)

    def stop(self) -> None:
        """Do nothing: nothing runs."""


def main(how: str) -> None:
    from iea_agent.assembly.start import Resident

    if how == "exception":
        sys.meta_path.insert(0, Damaged())
    resident = Resident(os.environ, beside=False, quiet=False)
    if how == "well":
        from iea_agent.domain.machine import QuitRequested

        resident.post(QuitRequested())
    resident.serve(NoIcon())  # type: ignore[arg-type]
    print("failed", resident.failed, "again", resident.starts_again, flush=True)
    # as the agent ends: a thread that waits for the network is not waited for
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
