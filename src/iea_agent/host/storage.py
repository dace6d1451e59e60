"""Folders, settings and state on disk: read within bounds, written whole or not at all, a broken file never lost and never in the way."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TypeVar

from iea_agent.domain import settings
from iea_agent.domain.problems import N_

from . import here, mark

APPLICATION = "IEA Agent"
HOME_VARIABLE = "IEA_AGENT_HOME"
LARGEST_SETTINGS = 256 * 1024  # bytes
LARGEST_STATE = 1024 * 1024  # bytes
STATE_SCHEMA = 1
KEPT_ASIDE = 5  # broken copies of one file

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_EXPECTED_TEXT = N_("un fichier de texte en UTF-8, de 256 Kio au plus")
_EXPECTED_ACCESS = N_("un fichier que ce programme peut lire")


class StorageError(Exception):
    """The disk refused: full, read-only, no right. *path* is the file; the system's ``OSError`` is the cause. What was there is intact."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


class SettingLocked(Exception):
    """The administrator's policy has fixed these settings (dotted *names*): they are not for the person to change."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class SettingUnknown(Exception):
    """There is no setting of these dotted *names*."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class SettingsNewer(Exception):
    """The file at *path* was written by a newer version of the agent: this one does not touch it."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things are. *policy* is the machine's, the others are the person's. They are made when something is written there.

    *name* tells this installation from others of the same person, where the system has one name space for all (vault, pipe):
    "IEA Agent", or with a short hash behind where ``IEA_AGENT_HOME`` has moved the folders.
    """

    settings: Path
    state: Path
    policy: Path
    logs: Path
    name: str

    @classmethod
    def locate(cls, environment: Mapping[str, str]) -> Folders:
        """The system's own places, or all of them below ``IEA_AGENT_HOME`` where *environment* has it."""
        if moved := environment.get(HOME_VARIABLE):
            home = Path(moved).absolute()
            name = f"{APPLICATION} {mark(home)}"
            return cls(home / "settings", home / "state", home / "policy", home / "logs", name)
        import platformdirs  # here, because a moved home does without

        places = platformdirs.PlatformDirs(APPLICATION, appauthor=False, roaming=False)
        return cls(
            places.user_config_path,
            places.user_state_path,
            places.site_config_path,
            places.user_log_path,
            APPLICATION,
        )


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """What ``Storage.load`` found.

    *faults* are those of the person's file, *policy_faults* those of the administrator's; where there are any, the last good file is in force
    instead. *set_aside* is the copy of a broken settings file.
    """

    effective: settings.Effective
    faults: tuple[settings.SettingFault, ...] = ()
    policy_faults: tuple[settings.SettingFault, ...] = ()
    set_aside: Path | None = None


Signature = tuple[int, int]  # time of the last change in ns, size


class Storage:
    """The files of one installation."""

    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.settings_file = folders.settings / "settings.toml"
        self.policy_file = folders.policy / "policy.toml"
        self._last_good_settings = folders.settings / "settings.last-good.toml"
        self._last_good_policy = folders.state / "policy.last-good.toml"

    def load(self) -> LoadedSettings:
        """The settings in force. Never fails: what cannot be read is reported, and the last good file or the defaults stand in."""
        own, faults, data = _read_settings(self.settings_file)
        set_aside = None
        if faults:
            if data is not None and not _is_newer(data):
                set_aside = _attempt(lambda: _copy_aside(self.settings_file, data))
            own, _, _ = _read_settings(self._last_good_settings)
        elif data is not None:
            _keep(self._last_good_settings, data)
        policy, policy_faults = self._load_policy()
        return LoadedSettings(settings.apply_policy(own, policy), faults, policy_faults, set_aside)

    def save(self, changes: Mapping[str, object]) -> None:
        """Write *changes* (dotted name to value; None takes the setting out, back to its default) into the person's file, all or none.

        Comments, order and unknown names stay as they are. Raises ``SettingUnknown``, ``SettingLocked``, ``settings.SettingsError`` (bad values, by
        name), ``SettingsNewer`` or ``StorageError``; the file is then as it was.
        """
        if unknown := tuple(name for name in changes if name not in settings.DECLARATIONS):
            raise SettingUnknown(unknown)
        policy, _ = self._load_policy()
        declarations = (settings.DECLARATIONS[name] for name in changes)
        if locked := tuple(d.name for d in declarations if d.policy_only or d.attribute in policy):
            raise SettingLocked(locked)
        values = checked(changes)
        path = self.settings_file
        try:
            with _alone(path):
                self._write_settings(path, values)
        except OSError as error:
            raise StorageError(path) from error

    def _write_settings(self, path: Path, values: Mapping[str, object]) -> None:
        _, faults, data = _read_settings(path)
        if data is not None and _is_newer(data):
            raise SettingsNewer(path)
        if faults:
            if data is None:  # too large to copy, or not readable
                os.replace(path, _aside(path))
            else:
                _copy_aside(path, data)
            _, faults, data = _read_settings(self._last_good_settings)
        text = changed("" if faults or data is None else _decoded(data), values)
        settings.parse_file(text)
        write_atomically(path, text.encode())
        _keep(self._last_good_settings, text.encode())

    def policy_signature(self) -> Signature | None:
        """Changes whenever the policy file does; None where there is none. One ``stat``: cheap enough for every minute."""
        try:
            found = self.policy_file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def read_state(self, name: str) -> dict[str, object]:
        """The document kept as *name*; empty where there is none, or where it was broken and has been set aside.

        Raises ``StorageError`` where there is one that cannot be read.
        """
        path = self._state_file(name)
        try:
            data = _read_bounded(path, LARGEST_STATE)
            if data is None:
                return {}
            document = _state_of(data)
            if document is None:
                _log.warning("state set aside", extra={"fields": {"file": path}})
                os.replace(path, _aside(path))
                _forget_old(path)
                return {}
        except OSError as error:
            raise StorageError(path) from error
        return document

    def has_state(self, name: str) -> bool:
        """Whether there is a document kept as *name*, readable or not."""
        return self._state_file(name).exists()

    def write_state(self, name: str, document: Mapping[str, object]) -> None:
        """Keep *document* (what JSON can say, 1 MiB at most) as *name*. Raises ``StorageError``."""
        path = self._state_file(name)
        data = json.dumps({"schema": STATE_SCHEMA, **document}, ensure_ascii=False, indent=1).encode()
        if len(data) > LARGEST_STATE:
            raise ValueError(f"state {name} of {len(data)} bytes")
        try:
            write_atomically(path, data)
        except OSError as error:
            raise StorageError(path) from error

    def _state_file(self, name: str) -> Path:
        if not re.fullmatch(r"[a-z][a-z-]{0,40}", name):
            raise ValueError(f"not a name for a state: {name!r}")
        return self.folders.state / f"{name}.json"

    def _load_policy(self) -> tuple[dict[str, object], tuple[settings.SettingFault, ...]]:
        policy, faults, data = _read_settings(self.policy_file)
        if faults:
            policy, _, _ = _read_settings(self._last_good_policy)
        elif data is not None:
            _keep(self._last_good_policy, data)
        else:  # the administrator has withdrawn it
            _attempt(lambda: self._last_good_policy.unlink(missing_ok=True))
        return policy, faults


def write_atomically(path: Path, data: bytes) -> None:
    """Make *path* hold *data*: whoever reads it, and whatever ends this process or the power, finds the old content or the new, whole.

    The folder is made where it is missing; both are the person's only (0700, 0600). Raises ``OSError``; nothing is left behind then.
    """
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(path)
    new = folder / f".{path.name}.{os.getpid()}-{threading.get_ident()}.new"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        with open(os.open(new, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _patiently(lambda: os.replace(new, path))
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # the new name, too, is on the disk
        finally:
            os.close(descriptor)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """While one process reads, changes and writes *path*, another one waits, so that neither's changes are lost.

    Raises ``OSError``, also where the other one takes more than 5 s.
    """
    machine = here()
    deadline = time.monotonic() + 5
    while (claim := machine.claim(path.name, path.parent)) is None:
        if time.monotonic() >= deadline:
            raise TimeoutError(errno.ETIMEDOUT, "another process is writing", str(path))
        time.sleep(0.02)
    try:
        yield
    finally:
        claim.close()


def _sweep(path: Path) -> None:
    """Remove what a process that was killed while writing *path* has left: a minute old, nobody is writing it any more."""
    for left in path.parent.glob(f".{path.name}.*.new"):
        try:
            if time.time() - left.stat().st_mtime > 60:
                left.unlink()
        except OSError:
            continue  # its own writer was quicker, or holds it still


def _patiently(action: Callable[[], _T]) -> _T:
    """*action*, tried again for a second on Windows while somebody (an antivirus, a reader) holds the file; elsewhere nobody can."""
    deadline = time.monotonic() + (1.0 if sys.platform == "win32" else 0.0)
    while True:
        try:
            return action()
        except PermissionError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.02)


def _attempt(action: Callable[[], _T]) -> _T | None:
    """*action* where it can be done; a disk that refuses a precaution must not keep the agent from working."""
    try:
        return action()
    except OSError as error:
        _log.warning("disk refused", extra={"fields": {"file": error.filename, "reason": error.strerror}})
        return None


def _read_bounded(path: Path, limit: int) -> bytes | None:
    """At most *limit* + 1 bytes of *path*; None where there is no such file. Raises ``OSError``."""

    def read() -> bytes:
        with path.open("rb") as file:
            return file.read(limit + 1)

    try:
        return _patiently(read)
    except FileNotFoundError:
        return None


def _decoded(data: bytes) -> str:
    """UTF-8, with or without the mark that Notepad puts in front. Raises ``UnicodeDecodeError``."""
    return data.decode("utf-8-sig")


def _read_settings(
    path: Path,
) -> tuple[dict[str, object], tuple[settings.SettingFault, ...], bytes | None]:
    """The values of a settings or policy file, its faults, and its bytes (None where there is none, or none that could be read whole)."""
    try:
        data = _read_bounded(path, LARGEST_SETTINGS)
    except OSError as error:
        _log.warning("not readable", extra={"fields": {"file": path, "reason": error.strerror}})
        return {}, (settings.SettingFault("", 0, _EXPECTED_ACCESS),), None
    if data is None:
        return {}, (), None
    if len(data) > LARGEST_SETTINGS:
        return {}, (settings.SettingFault("", 0, _EXPECTED_TEXT),), None
    try:
        return settings.parse_file(_decoded(data)), (), data
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return {}, (settings.SettingFault("", line, _EXPECTED_TEXT),), data
    except settings.SettingsError as error:
        return {}, error.faults, data


def _is_newer(data: bytes) -> bool:
    """Whether the file was written by a newer version: its schema is a number beyond ours."""
    import tomllib

    try:
        schema = tomllib.loads(_decoded(data)).get("schema")
    except ValueError:  # neither UTF-8 nor TOML
        return False
    return isinstance(schema, int) and schema > settings.SCHEMA


def checked(changes: Mapping[str, object]) -> dict[str, object]:
    """*changes* as the file is to hold them: read by their fields, so that a pasted address is clean on disk. Raises ``SettingsError``."""
    values: dict[str, object] = {}
    faults: list[settings.SettingFault] = []
    for name, value in changes.items():
        try:
            read = None if value is None else settings.DECLARATIONS[name].check(value)
        except settings.SettingsError as error:
            faults += error.faults
        else:
            values[name] = read.value if isinstance(read, Enum) else read
    if faults:
        raise settings.SettingsError(tuple(faults))
    return values


def changed(text: str, values: Mapping[str, object]) -> str:
    """*text* with *values* set, the rest untouched. tomlkit is imported here: only who saves pays for it."""
    import tomlkit

    document = tomlkit.parse(text)
    if "schema" not in document:
        fresh = tomlkit.document()
        fresh["schema"] = settings.SCHEMA
        document = tomlkit.parse(tomlkit.dumps(fresh) + text)
    for name, value in values.items():
        section, key = name.split(".")
        if value is not None:
            document.setdefault(section, tomlkit.table())[key] = value
        elif section in document:
            document[section].pop(key, None)  # a table: settings.parse_file has seen it
    return tomlkit.dumps(document)


def _keep(path: Path, data: bytes) -> None:
    """Remember *data* at *path* as the last good one, written only when different."""

    def keep() -> None:
        if _read_bounded(path, LARGEST_SETTINGS) != data:
            write_atomically(path, data)

    _attempt(keep)


def _aside(path: Path) -> Path:
    """A name beside *path* for its broken content, that sorts by time."""
    return path.with_name(f"{path.stem}.broken-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}{path.suffix}")


def _broken(path: Path) -> list[Path]:
    """The broken contents of *path* kept so far, oldest first."""
    return sorted(path.parent.glob(f"{path.stem}.broken-*{path.suffix}"))


def _copy_aside(path: Path, data: bytes) -> Path:
    """Keep the broken *data* of *path*, once: a file that is still broken at the next start is not copied again."""
    kept = _broken(path)
    if kept and _read_bounded(kept[-1], LARGEST_SETTINGS) == data:
        return kept[-1]
    copy = _aside(path)
    write_atomically(copy, data)
    _forget_old(path)
    return copy


def _forget_old(path: Path) -> None:
    for old in _broken(path)[:-KEPT_ASIDE]:
        _attempt(old.unlink)


def _state_of(data: bytes) -> dict[str, object] | None:
    """The document that *data* says, without its schema; None where it is too long, no JSON, or of another schema."""
    if len(data) > LARGEST_STATE:
        return None
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.pop("schema", None) != STATE_SCHEMA:
        return None
    return document
