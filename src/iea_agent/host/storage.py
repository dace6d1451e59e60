"""Folders, settings and state on disk.

Files are read within a limit and written whole or not at all. A broken file is copied aside, and the
last good one is used.
"""

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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TypeVar

from iea_agent.domain import settings
from iea_agent.domain.problems import N_

from . import current_host, folder_mark

APPLICATION = "IEA Agent"
HOME_VARIABLE = "IEA_AGENT_HOME"
# bytes
LARGEST_SETTINGS = 256 * 1024
LARGEST_STATE = 1024 * 1024
STATE_SCHEMA = 1
# copies of broken contents of one file
KEPT_ASIDE = 5

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_EXPECTED_TEXT = N_("un fichier de texte en UTF-8, de 256 Kio au plus")
_EXPECTED_ACCESS = N_("un fichier que ce programme peut lire")


class StorageError(Exception):
    """The disk refused; the file *path* is as it was, the cause is an ``OSError``."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of an installation.

    *policy* is the machine's, the others are the person's. A folder is made when something is written there. *name* is that of the installation in the vault
    and among the pipes: "IEA Agent", followed by a short hash if ``IEA_AGENT_HOME`` moves the folders.
    """

    settings: Path
    state: Path
    policy: Path
    logs: Path
    name: str

    @classmethod
    def locate(cls, environment: Mapping[str, str]) -> Folders:
        """Return the system's own folders, or those below ``IEA_AGENT_HOME`` if it is set."""
        if moved := environment.get(HOME_VARIABLE):
            home = Path(moved).absolute()
            name = f"{APPLICATION} {folder_mark(home)}"
            return cls(home / "settings", home / "state", home / "policy", home / "logs", name)
        # here, because a moved home does not need it
        import platformdirs

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
    """The settings in force, and what is wrong with the files.

    *faults* are those of the person's file, *policy_faults* those of the policy; a file that has any is
    replaced by its last good version. *set_aside* is the copy of a broken settings file.
    """

    effective: settings.Effective
    faults: tuple[settings.SettingFault, ...] = ()
    policy_faults: tuple[settings.SettingFault, ...] = ()
    set_aside: Path | None = None


Signature = tuple[int, int]
"""The time of the last change, in nanoseconds, and the size of a file."""


class Storage:
    """The files of one installation."""

    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.settings_file = folders.settings / "settings.toml"
        self.policy_file = folders.policy / "policy.toml"
        self._last_good_settings = folders.settings / "settings.last-good.toml"
        self._last_good_policy = folders.state / "policy.last-good.toml"

    def load(self) -> LoadedSettings:
        """Return the settings in force; faults are reported in them, never raised."""
        file = _read_settings(self.settings_file)
        set_aside = None
        if file.faults:
            with _refusal_logged():
                set_aside = _copy_aside(self.settings_file, file)
            own = _read_settings(self._last_good_settings).values
        else:
            own = file.values
            _keep_last_good(self._last_good_settings, file)
        policy, policy_faults = self._load_policy()
        return LoadedSettings(settings.apply_policy(own, policy), file.faults, policy_faults, set_aside)

    def save(self, changes: Mapping[str, object]) -> None:
        """Write *changes* into the person's file, all or none.

        *changes* maps dotted names to values of the file; None removes a setting, back to its default.
        Comments, order and unknown names stay. Raises ``RefusedError``; the file is then as it was.
        """
        # imported here: most processes refuse nothing, and the import takes a tenth of a command's time
        from iea_agent.domain import refusals
        from iea_agent.domain.refusals import RefusedError

        for name in changes:
            if name not in settings.DECLARATIONS:
                raise RefusedError(refusals.SettingUnknown(name))
        policy, _ = self._load_policy()
        for name in changes:
            declaration = settings.DECLARATIONS[name]
            if declaration.policy_only or declaration.attribute in policy:
                raise RefusedError(refusals.SettingLocked(name))
        path = self.settings_file
        try:
            values = check_changes(changes)
            with _exclusive(path):
                self._write_settings(path, values)
        except settings.SettingsError as error:
            raise RefusedError(refusals.SettingsInvalid(error.faults[0].name, error.faults)) from error
        except OSError as error:
            reason = type(error).__name__
            raise RefusedError(refusals.SettingsNotWritten(str(path), reason)) from error

    def _write_settings(self, path: Path, values: Mapping[str, object]) -> None:
        file = _read_settings(path)
        if file.is_newer:
            from iea_agent.domain.refusals import RefusedError, SettingsNewer

            raise RefusedError(SettingsNewer(str(path)))
        if file.faults:
            if file.data is None:
                # too large to copy, or not readable
                os.replace(path, _name_aside(path))
            else:
                _copy_aside(path, file)
            file = _read_settings(self._last_good_settings)
        text = "" if file.faults or file.data is None else _decode(file.data)
        text = set_values(text, values)
        settings.parse_file(text)
        write_atomically(path, text.encode())
        _keep_last_good(self._last_good_settings, _SettingsFile(data=text.encode()))

    def policy_signature(self) -> Signature | None:
        """Return what changes with the policy file, by one ``stat``; None without a file."""
        try:
            status = self.policy_file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    def read_state(self, name: str) -> dict[str, object]:
        """Return the document *name*; empty if there is none or it was broken.

        A broken one is moved aside. Raises ``StorageError`` if it is not readable.
        """
        path = self._state_file(name)
        try:
            data = _read_bounded(path, LARGEST_STATE)
            if data is None:
                return {}
            document = _parse_state(data)
            if document is None:
                _log.warning("state set aside", extra={"fields": {"file": path}})
                os.replace(path, _name_aside(path))
                _delete_oldest(path)
                return {}
        except OSError as error:
            raise StorageError(path) from error
        return document

    def has_state(self, name: str) -> bool:
        """Return whether there is a document *name*, readable or not."""
        return self._state_file(name).exists()

    def write_state(self, name: str, document: Mapping[str, object]) -> None:
        """Write the document *name*, 1 MiB at most. Raises ``StorageError``."""
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
        file = _read_settings(self.policy_file)
        if file.faults:
            return _read_settings(self._last_good_policy).values, file.faults
        if file.data is None:
            # the administrator has withdrawn it
            with _refusal_logged():
                self._last_good_policy.unlink(missing_ok=True)
        _keep_last_good(self._last_good_policy, file)
        return file.values, ()


def write_atomically(path: Path, data: bytes) -> None:
    """Write *data* to *path*: a reader sees the old content or the new one, whole.

    That holds even if the process is killed or the power fails. The folder is made if it is missing; only
    the person may read both (0700, 0600). Raises ``OSError``, and then leaves no file behind.
    """
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _delete_abandoned(path)
    new = folder / f".{path.name}.{os.getpid()}-{threading.get_ident()}.new"
    try:
        with open(new, "wb", opener=partial(os.open, mode=0o600)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _retry_while_held(lambda: os.replace(new, path))
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            # the new name, too, has to be on the disk
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Lock *path* against other processes, within 5 s. Raises ``OSError``."""
    machine = current_host()
    deadline = time.monotonic() + 5
    while (claim := machine.acquire_lock(path.name, path.parent)) is None:
        if time.monotonic() >= deadline:
            raise TimeoutError(errno.ETIMEDOUT, "another process is writing", str(path))
        time.sleep(0.02)
    try:
        yield
    finally:
        claim.close()


def _delete_abandoned(path: Path) -> None:
    """Delete what killed processes left of *path*: new versions over a minute old."""
    for new in path.parent.glob(f".{path.name}.*.new"):
        try:
            if time.time() - new.stat().st_mtime > 60:
                new.unlink()
        except OSError:
            # its process was quicker, or still holds it
            continue


def _retry_while_held(action: Callable[[], _T]) -> _T:
    """Do *action*, on Windows for up to a second while another program holds the file."""
    deadline = time.monotonic() + (1.0 if sys.platform == "win32" else 0.0)
    while True:
        try:
            return action()
        except PermissionError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.02)


@contextmanager
def _refusal_logged() -> Iterator[None]:
    """Only log it if the disk refuses a mere precaution."""
    try:
        yield
    except OSError as error:
        _log.warning("disk refused", extra={"fields": {"file": error.filename, "reason": error.strerror}})


def _read_bounded(path: Path, limit: int) -> bytes | None:
    """Return at most *limit* + 1 bytes of *path*; None if there is no such file."""

    def read_file() -> bytes:
        with path.open("rb") as file:
            return file.read(limit + 1)

    try:
        return _retry_while_held(read_file)
    except FileNotFoundError:
        return None


def _decode(data: bytes) -> str:
    """Return the text of UTF-8 *data*, without the mark that Notepad writes first."""
    return data.decode("utf-8-sig")


@dataclass(frozen=True, slots=True)
class _SettingsFile:
    """A settings or policy file; *data* is None if none can be read whole."""

    values: dict[str, object] = field(default_factory=dict)
    faults: tuple[settings.SettingFault, ...] = ()
    data: bytes | None = None

    @property
    def is_newer(self) -> bool:
        """Whether a newer version wrote it: its schema is a number beyond ours."""
        if self.data is None:
            return False
        import tomllib

        try:
            schema = tomllib.loads(_decode(self.data)).get("schema")
        except ValueError:
            # neither UTF-8 nor TOML
            return False
        return isinstance(schema, int) and schema > settings.SCHEMA


def _read_settings(path: Path) -> _SettingsFile:
    try:
        data = _read_bounded(path, LARGEST_SETTINGS)
    except OSError as error:
        _log.warning("not readable", extra={"fields": {"file": path, "reason": error.strerror}})
        return _SettingsFile(faults=(settings.SettingFault("", 0, _EXPECTED_ACCESS),))
    if data is None:
        return _SettingsFile()
    if len(data) > LARGEST_SETTINGS:
        return _SettingsFile(faults=(settings.SettingFault("", 0, _EXPECTED_TEXT),))
    try:
        return _SettingsFile(settings.parse_file(_decode(data)), data=data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _SettingsFile(faults=(settings.SettingFault("", line, _EXPECTED_TEXT),), data=data)
    except settings.SettingsError as error:
        return _SettingsFile(faults=error.faults, data=data)


def check_changes(changes: Mapping[str, object]) -> dict[str, object]:
    """Return *changes* as the file will hold them. Raises ``SettingsError``."""
    values: dict[str, object] = {}
    faults: list[settings.SettingFault] = []
    for name, value in changes.items():
        try:
            checked = None if value is None else settings.DECLARATIONS[name].check(value)
        except settings.SettingsError as error:
            faults += error.faults
        else:
            values[name] = checked.value if isinstance(checked, Enum) else checked
    if faults:
        raise settings.SettingsError(tuple(faults))
    return values


def set_values(text: str, values: Mapping[str, object]) -> str:
    """Return the settings file *text* with *values* set, and everything else as it is."""
    # here: it is slow to load, and only saving needs it
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
            # settings.parse_file has checked that it is a table
            document[section].pop(key, None)
    return tomlkit.dumps(document)


def _keep_last_good(path: Path, file: _SettingsFile) -> None:
    """Write the good *file* to *path*, if that holds anything else."""
    with _refusal_logged():
        if file.data is not None and _read_bounded(path, LARGEST_SETTINGS) != file.data:
            write_atomically(path, file.data)


def _name_aside(path: Path) -> Path:
    """Return a name beside *path* for its broken content; the names sort by time."""
    return path.with_name(f"{path.stem}.broken-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}{path.suffix}")


def _list_aside(path: Path) -> list[Path]:
    """Return the copies of the broken contents of *path*, oldest first."""
    return sorted(path.parent.glob(f"{path.stem}.broken-*{path.suffix}"))


def _copy_aside(path: Path, file: _SettingsFile) -> Path | None:
    """Copy the broken *file*, once; None if it is unreadable or a newer version's."""
    if file.data is None or file.is_newer:
        return None
    copies = _list_aside(path)
    if copies and _read_bounded(copies[-1], LARGEST_SETTINGS) == file.data:
        return copies[-1]
    copy = _name_aside(path)
    write_atomically(copy, file.data)
    _delete_oldest(path)
    return copy


def _delete_oldest(path: Path) -> None:
    for copy in _list_aside(path)[:-KEPT_ASIDE]:
        with _refusal_logged():
            copy.unlink()


def _parse_state(data: bytes) -> dict[str, object] | None:
    """Return the document in *data* without its schema; None if it is broken."""
    if len(data) > LARGEST_STATE:
        return None
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.pop("schema", None) != STATE_SCHEMA:
        return None
    return document
