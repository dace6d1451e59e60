"""Saves a change again and again, cut off at each touch of disk or vault in turn.

Arguments: how it is cut off (``KINDS``), what happens: a name of ``CHANGES``, or "read" for the next
start, and home folders. Each time it is played in a copy of the installation, whose name has the number of
the touch, by a process of its own. Prints the reports for each home: null of a process that was killed.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from iea_agent.assembly.installation import Installation
from iea_agent.domain.proxy_choice import Configuration
from iea_agent.domain.refusals import RefusedError
from iea_agent.host.storage import Folders, Storage
from iea_agent.host.system_proxy import ConfiguredProxies, SystemProxies
from iea_agent.host.vault import VaultUnavailable
from tests.assembly.apart import KILLED, play_apart

Report: TypeAlias = "dict[str, int | bool]"
Change: TypeAlias = "tuple[Mapping[str, object], str | None, str | None]"

CHANGES: Mapping[str, Change] = {
    "licence": ({"licence.number": "NEW"}, "new key", None),
    "all": ({"licence.number": "NEW", "proxy.user": "paul"}, "new key", "new password"),
    "secrets": ({}, "new key", "new password"),
    "key": ({"licence.number": "OLD"}, "new key", None),
    "settings": ({"licence.number": "NEW"}, None, None),
    "forget": ({"proxy.user": ""}, None, None),
}
KINDS = ("kill", "refuse", "refuse once")
"""The process dies at the touch; everything refuses from there on; only that touch is refused."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Touches:
    """Counts the touches, and refuses or dies at one of them."""

    def __init__(self, folder: Path, number: int, kind: str) -> None:
        self._folder = f"{folder}{os.sep}"
        self._number = number
        self._kind = kind
        self.count = 0

    def touch(self, error: type[Exception]) -> None:
        """Count one touch; at the n-th, die or raise *error*."""
        self.count += 1
        if self._kind == "kill":
            if self.count == self._number:
                os._exit(KILLED)
        elif self.count == self._number or (self._kind == "refuse" and 0 < self._number <= self.count):
            raise error(errno.ENOSPC, os.strerror(errno.ENOSPC), self._folder)

    def on_event(self, event: str, arguments: tuple[object, ...]) -> None:
        """Take an audit event for a touch if it changes the disk."""
        if not arguments or not str(arguments[0]).startswith(self._folder):
            return
        if (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES) or (
            # a full disk still deletes, while a process may die there
            event in ("os.rename", "os.link", "os.mkdir") or (event == "os.remove" and self._kind != "refuse")
        ):
            self.touch(OSError)


class FileVault:
    """A vault in a file; every change of it is a touch."""

    def __init__(self, path: Path, touches: Touches | None) -> None:
        self._path = path
        self._touches = touches

    def _load(self) -> dict[str, str]:
        secrets: dict[str, str] = json.loads(self._path.read_text()) if self._path.exists() else {}
        return secrets

    def _change(self, account: str, secret: str | None) -> None:
        if self._touches is not None:
            self._touches.touch(VaultUnavailable)
        secrets = self._load()
        secrets.pop(account, None)
        if secret is not None:
            secrets[account] = secret
        self._path.write_text(json.dumps(secrets))

    def read_secret(self, account: str) -> str | None:
        return self._load().get(account)

    def write_secret(self, account: str, secret: str) -> None:
        self._change(account, secret)

    def delete_secret(self, account: str) -> None:
        self._change(account, None)


@dataclass(frozen=True)
class VaultInstallation(Installation):
    """An installation whose vault is a file."""

    touches: Touches | None = None

    @cached_property
    def proxies(self) -> SystemProxies:
        return ConfiguredProxies(lambda: Configuration(servers="mandataire:3128"), lambda *_: "")

    @cached_property
    def vault(self) -> FileVault:
        return FileVault(self.folders.settings.parent.with_suffix(".vault"), self.touches)


def make_installation(home: Path, touches: Touches | None = None) -> VaultInstallation:
    """Return the installation in *home*."""
    folders = Folders.locate({"IEA_AGENT_HOME": str(home)})
    return VaultInstallation(folders, Storage(folders), touches=touches)


def play(home: Path, number: int, kind: str, action: str) -> Report:
    """Play *action* in *home*, cut off at touch *number*, 0 for never."""
    touches = Touches(home, number, kind)
    installation = make_installation(home, touches)
    sys.addaudithook(touches.on_event)
    is_done = False
    try:
        if action == "read":
            installation.storage.load()
            installation.licence_key()
            installation.proxy_password()
        else:
            installation.save(*CHANGES[action])
        is_done = True
    except (RefusedError, VaultUnavailable):
        pass
    return {"touches": touches.count, "done": is_done}


def play_in_copy(home: Path, number: int, kind: str, action: str) -> Report | None:
    """Play it in a copy of *home* and in another process; None if that was killed."""
    copy = home.with_name(f"{home.name}-{number}")
    shutil.copytree(home, copy)
    shutil.copy(home.with_suffix(".vault"), copy.with_suffix(".vault"))
    code, text = play_apart(lambda: print(json.dumps(play(copy, number, kind, action))))
    report: Report | None = None if code == KILLED else json.loads(text)
    return report


def play_at_each_touch(home: Path, kind: str, action: str) -> list[Report | None]:
    """Play it cut off at no touch, and then at each; return the reports."""
    whole = play_in_copy(home, 0, kind, action)
    touches = range(1, int(whole["touches"]) + 1) if whole is not None else ()
    return [whole, *(play_in_copy(home, number, kind, action) for number in touches)]


def main(kind: str, action: str, *homes: str) -> None:
    for loaded_once in ("tomlkit", "iea_agent.assembly.saving", "iea_agent.domain.refusals"):
        __import__(loaded_once)
    print(json.dumps([play_at_each_touch(Path(home), kind, action) for home in homes]))


if __name__ == "__main__":
    main(*sys.argv[1:])
