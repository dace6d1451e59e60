"""The one agent of a session: the lock that it holds."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from iea_agent.host import InstanceLock, current_host


def find_lock_folder(environment: Mapping[str, str]) -> str | os.PathLike[str]:
    """Return the folder whose name the agent's lock has.

    It never depends on the current folder, unless ``IEA_AGENT_HOME`` itself does.
    """
    if sys.platform == "win32":
        # a mutex needs only a name, and the person's folder has one;
        # finding the system's own folders would delay the icon by 0.1 s
        return environment.get("IEA_AGENT_HOME") or os.path.expanduser("~")
    from iea_agent.host.storage import Folders

    return Folders.locate(environment).state


def claim_session(folder: str | os.PathLike[str], session: str) -> InstanceLock | None:
    """Return the right to be the only agent in *session*, None if another has it."""
    return current_host().acquire_lock(f"agent-{session}", folder)
