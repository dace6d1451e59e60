"""The names of this person and this PC, as logs and paths have them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

_PROFILE = re.compile(r"(.*[\\/]users[\\/][^\\/]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OwnNames:
    """Forms of the home folder, names of the account, and names of the PC."""

    homes: tuple[str, ...]
    users: tuple[str, ...]
    machines: tuple[str, ...]


def list_own_names(environment: Mapping[str, str]) -> OwnNames:
    """Return the names that the system and *environment* give."""
    # here: a process that makes no support file opens no socket library
    import socket

    def pick(*names: str) -> list[str]:
        return [environment[name] for name in names if environment.get(name)]

    homes = [os.path.expanduser("~"), *pick("USERPROFILE", "HOME")]
    # a folder for temporary files has the short form of the profile, C:\Users\JEAND~1
    homes += [match[1] for path in pick("TEMP", "TMP", "APPDATA") if (match := _PROFILE.match(path))]
    folders = [re.split(r"[\\/]", home.rstrip("\\/"))[-1] for home in homes]
    machines = [socket.gethostname(), *pick("COMPUTERNAME", "HOSTNAME")]
    machines += [name.partition(".")[0] for name in machines]
    return OwnNames(
        tuple(dict.fromkeys(homes)),
        tuple(dict.fromkeys((*pick("USERNAME", "USER", "LOGNAME"), *folders))),
        tuple(dict.fromkeys((*machines, *pick("USERDOMAIN", "USERDNSDOMAIN")))),
    )
