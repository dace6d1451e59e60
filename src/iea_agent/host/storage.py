"""Folders and settings on disk, and the state beside them (``state_files.py``).

Files are read within a limit and written whole or not at all. A broken file is copied aside (``broken_files.py``), and the
last good one is used. What a settings file says, ``settings_file.py`` knows.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from iea_agent import IS_CHECKOUT
from iea_agent.domain import settings

from . import current_host, folder_mark, policy_registry
from .atomic_files import exclusive, refusal_logged, write_atomically
from .broken_files import copy_aside, link_aside, name_aside
from .regular_files import read_bounded, retry_while_held
from .settings_file import (
    EXPECTED_ADMINISTRATOR,
    EXPECTED_FILE,
    EXPECTED_TEXT,
    LARGEST_SETTINGS,
    ReadFile,
    SettingsFile,
    check_changes,
    read_registry_policy,
    read_settings_file,
    require_files,
    set_values,
)
from .state_files import Signature, StateFiles, sign_file
from .text_reader import TextReader

APPLICATION = "IEA Agent"
HOME_VARIABLE = "IEA_AGENT_HOME"
UPDATES = "updates"
"""The folder, beside the state, of what the update repository has signed."""

_log = logging.getLogger(__name__)
_MISSING = "there is no such file"


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of an installation.

    *policy* is the machine's, the others are the person's. A folder is made when something is written there. *name* is that of the installation in the vault
    and among the pipes: "IEA Agent", followed by a short hash if ``IEA_AGENT_HOME`` moves the folders. If *has_own_policy* is set, what the person has
    written counts as a policy, too: in a checkout only.
    """

    settings: Path
    state: Path
    policy: Path
    logs: Path
    name: str
    has_own_policy: bool = False

    @property
    def policy_name(self) -> str:
        """The installation's name where Group Policy writes; it moves as the policy does."""
        return self.name if self.has_own_policy else APPLICATION

    @classmethod
    def locate(cls, environment: Mapping[str, str], *, ships: bool = not IS_CHECKOUT) -> Folders:
        """Return the system's own folders, or those below ``IEA_AGENT_HOME`` if it is set.

        Of a program that *ships* the variable does not move the policy: whoever starts it would choose
        the administrator's word.
        """
        if moved := environment.get(HOME_VARIABLE):
            home = Path(moved).absolute()
            name = f"{APPLICATION} {folder_mark(home)}"
            policy = current_host().policy_folder(APPLICATION) if ships else home / "policy"
            return cls(home / "settings", home / "state", policy, home / "logs", name, not ships)
        # here, because a moved home does not need it
        import platformdirs

        places = platformdirs.PlatformDirs(APPLICATION, appauthor=False, roaming=False)
        return cls(
            places.user_config_path,
            places.user_state_path,
            current_host().policy_folder(APPLICATION),
            places.user_log_path,
            APPLICATION,
        )


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings in force, and what is wrong with the files.

    *faults* are those of the person's file, *policy_faults* those of the policy. A refused value of the person's
    is replaced by that of the last file without a fault, if it had one, else by the default; so is a whole
    file that cannot be used. One of the policy's is replaced by the default and stays locked: a copy
    of an earlier policy could only lie where the person may write. *set_aside* is the copy of a settings file that is no TOML.
    *unknown* are the names in the policy that no setting has.
    """

    effective: settings.Effective
    faults: tuple[settings.SettingFault, ...] = ()
    policy_faults: tuple[settings.SettingFault, ...] = ()
    set_aside: Path | None = None
    unknown: tuple[settings.UnknownName, ...] = ()

    @property
    def all_faults(self) -> tuple[settings.SettingFault, ...]:
        """The faults of both files."""
        return self.faults + self.policy_faults


class Storage(StateFiles):
    """The files of one installation: its state and its settings."""

    def __init__(self, folders: Folders) -> None:
        super().__init__(folders.state)
        self.folders = folders
        self.settings_file = folders.settings / "settings.toml"
        self.policy_file = folders.policy / "policy.toml"
        self.texts = TextReader(folders.state / UPDATES)
        self._last_good_settings = folders.settings / "settings.last-good.toml"
        # what the last policy without a fault fixed, and its file of authorities
        self._policy: dict[str, object] = {}
        self._authorities: list[Path] = []

    def load(self) -> LoadedSettings:
        """Return the settings in force; faults are reported in them, never raised."""
        file = read_settings_file(self.settings_file)
        set_aside = None
        if file.has_errors:
            with refusal_logged():
                set_aside = _copy_aside(self.settings_file, file)
        policy, policy_file = self._load_policy()
        own = settings.apply_policy({**self._load_signed(), **self._fill_up(file)}, policy)
        return LoadedSettings(own, file.faults, policy_file.faults, set_aside, policy_file.unknown)

    def _load_signed(self) -> dict[str, object]:
        """Return what the publisher's policy says in place of defaults: text alone."""
        policy = self.texts.load_policy()
        address = policy.support_address if policy is not None else ""
        return {"support_address": address} if address else {}

    def _fill_up(self, file: SettingsFile) -> dict[str, object]:
        """Return the values of the person's *file*; the last good ones for the refused."""
        if not file.faults:
            _keep_last_good(self._last_good_settings, file)
            return file.values
        before = read_settings_file(self._last_good_settings).values
        return before if file.is_broken else {**file.select_refused(before), **file.values}

    def save(self, changes: Mapping[str, object]) -> None:
        """Write *changes* into the person's file, all or none.

        *changes* maps dotted names to values of the file; None removes a setting, back to its default.
        Comments, order, unknown names and refused lines stay. Raises ``RefusedError``; the file is then
        as it was.
        """
        values = self.judge(changes)
        with self.lock_settings():
            self.write_settings(self.compose(values))

    def judge(self, changes: Mapping[str, object]) -> dict[str, object]:
        """Return *changes* as the file will hold them. Raises ``RefusedError``."""
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
        try:
            values = check_changes(changes)
            require_files(values)
        except settings.SettingsError as error:
            raise RefusedError(refusals.SettingsInvalid(error.faults[0].name, error.faults)) from error
        return values

    @contextmanager
    def lock_settings(self) -> Iterator[None]:
        """Keep other processes from saving, within 5 s. Raises ``RefusedError``."""
        with self._refusing(), ExitStack() as stack:
            stack.enter_context(exclusive(self.settings_file))
            release = stack.pop_all()
        with release:
            yield

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Raise ``RefusedError`` if the disk refuses the settings file."""
        try:
            yield
        except OSError as error:
            from iea_agent.domain.refusals import RefusedError, SettingsNotWritten

            reason = type(error).__name__
            raise RefusedError(SettingsNotWritten(str(self.settings_file), reason)) from error

    def read_settings(self) -> bytes | None:
        """Return what the person's file holds, None without a readable one."""
        try:
            return read_bounded(self.settings_file, LARGEST_SETTINGS)
        except OSError:
            return None

    def compose(self, values: Mapping[str, object]) -> bytes:
        """Return the person's file with *values* set. Raises ``RefusedError``.

        A file that cannot be used is copied aside, or moved if it cannot be copied.
        """
        from iea_agent.domain.refusals import RefusedError, SettingsInvalid, SettingsNewer

        path = self.settings_file
        file = read_settings_file(path)
        if file.is_newer:
            raise RefusedError(SettingsNewer(str(path)))
        with self._refusing():
            if file.is_broken and file.data is None:
                # too large to copy, or not readable: a second name keeps it
                link_aside(path)
            elif file.has_errors or file.refuses(values):
                # a line that is replaced, or becomes a comment
                _copy_aside(path, file)
        last_good = read_settings_file(self._last_good_settings)
        if file.is_broken:
            file = last_good
        elif file.has_errors:
            # its lines become comments: what holds in their place has to stay
            own = settings.DEFAULTS.with_values(file.select_refused(last_good.values))
            values = {**settings.list_changes(settings.DEFAULTS, own), **values}
        try:
            text = set_values(file.text, values)
            settings.parse_file(text)
        except (settings.SettingsError, ValueError) as error:
            fault = settings.SettingFault("", 0, EXPECTED_TEXT)
            raise RefusedError(SettingsInvalid("", (fault,))) from error
        return text.encode("utf-8", "surrogateescape")

    def write_settings(self, data: bytes | None) -> None:
        """Replace the person's file by *data*, None for no file. Raises ``RefusedError``."""
        with self._refusing():
            if data is None:
                self.settings_file.unlink(missing_ok=True)
                return
            if len(data) > LARGEST_SETTINGS:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(self.settings_file))
            if self.settings_file.is_dir():
                os.replace(self.settings_file, name_aside(self.settings_file))
            write_atomically(self.settings_file, data)
        file = read_settings_file(self.settings_file)
        if not file.faults:
            _keep_last_good(self._last_good_settings, file)

    def touch_settings(self) -> None:
        """Change the file's signature: other sessions then read the secrets again."""
        with refusal_logged():
            self.settings_file.touch(mode=0o600)

    def policy_signature(self) -> Signature | None:
        """Return what changes with the policy, its authorities and who may write them."""
        entries = self._sign_registry()
        if sign_file(self.policy_file) is None and not entries:
            return None
        files = [self.policy_file, *self._authorities]
        return (entries, *(part for file in files for part in (*(sign_file(file) or ()), self._refuse(file))))

    def _sign_registry(self) -> str:
        """Return what changes with the registry's policy, "" without one."""
        try:
            entries = policy_registry.list_entries(self.folders.policy_name, own=self.folders.has_own_policy)
        except OSError as error:
            return str(error)
        return repr(entries) if any(entries.values()) else ""

    def _refuse(self, path: Path) -> str:
        """Return why *path* cannot be used as an administrator's file, "" if it can."""
        try:
            return _MISSING if self.read_administrators_file(path, 0) is None else ""
        except OSError as error:
            return str(error)

    def read_administrators_file(self, path: Path, limit: int) -> bytes | None:
        """Return at most *limit* + 1 bytes of a file that only administrators can change.

        None if there is no such file. Raises ``OSError``: ``NotTrustedError`` if others can change it.
        """
        # imported late: a window begins without the calls of Windows
        from .trusted_files import read_trusted

        own = self.folders.has_own_policy
        try:
            return retry_while_held(lambda: read_trusted(path, limit, own=own))
        except FileNotFoundError:
            return None

    def choose_reader(self, ca_file: Path | None) -> ReadFile | None:
        """Return what reads *ca_file* if the policy names it, else None."""
        fixed = self._load_policy()[0].get("ca_file") if ca_file is not None else None
        return self.read_administrators_file if fixed and Path(str(fixed)) == ca_file else None

    def settings_signature(self) -> Signature | None:
        """Return what changes with the person's file."""
        return sign_file(self.settings_file)

    def _load_policy(self) -> tuple[dict[str, object], SettingsFile]:
        """Return what the policy fixes, by attribute, and its file.

        A refused value stays fixed, else the person's own would hold: to what the policy said before, as
        long as this process runs, then to the default, and pins to one that nothing meets. If nothing in the file
        can be used, it might have fixed anything but the licence. A file that others than administrators can change
        is nobody's word.
        """
        file = self._read_policy()
        in_doubt = replace(settings.DEFAULTS, pins=settings.UNMET_PIN if file.may_set("pins") else "")
        if file.is_broken:
            unclear = self._policy or {
                each.attribute: getattr(in_doubt, each.attribute)
                for each in settings.DECLARATIONS.values()
                if each.attribute != "licence_number"
            }
            fixed = {**unclear, **file.values}
        else:
            lost = {
                each.attribute: self._policy.get(each.attribute, getattr(in_doubt, each.attribute))
                for name, each in settings.DECLARATIONS.items()
                if file.refuses([name])
            }
            fixed = {**lost, **file.values}
        if not file.faults:
            self._policy = fixed
        return fixed, file

    def _read_policy(self) -> SettingsFile:
        """Return the policy: what the registry says, and the file where it says nothing."""
        self._authorities = []
        file = read_settings_file(self.policy_file, self.read_administrators_file)
        file = self._check_authorities(file, self.policy_file.name)
        registry = read_registry_policy(self.folders.policy_name, own=self.folders.has_own_policy)
        registry = self._check_authorities(registry, policy_registry.name_key(self.folders.policy_name))
        return replace(
            file,
            values={**file.values, **registry.values},
            faults=(*file.faults, *registry.faults),
            unknown=(*file.unknown, *registry.unknown),
            is_broken=file.is_broken or registry.is_broken,
        )

    def _check_authorities(self, policy: SettingsFile, place: str) -> SettingsFile:
        """Return *policy*, of *place*; its file of authorities is an administrator's."""
        path = Path(str(policy.values.get("ca_file") or ""))
        if not path.name:
            return policy
        self._authorities.append(path)
        if not (reason := self._refuse(path)):
            return policy
        _log.warning("authorities refused", extra={"fields": {"file": path, "reason": reason}})
        name = "connection.ca_file"
        line = settings.find_line(policy.text, name)
        expected = EXPECTED_FILE if reason == _MISSING else EXPECTED_ADMINISTRATOR
        fault = settings.SettingFault(name, line, expected, place)
        values = {attribute: value for attribute, value in policy.values.items() if attribute != "ca_file"}
        return replace(policy, values=values, faults=(*policy.faults, fault))


def _copy_aside(path: Path, file: SettingsFile) -> Path | None:
    """Copy the broken *file*; None if it is unreadable or a newer version's."""
    return None if file.data is None or file.is_newer else copy_aside(path, file.data)


def _keep_last_good(path: Path, file: SettingsFile) -> None:
    """Write *file*, which has no fault, to *path*, if that holds anything else."""
    with refusal_logged():
        if file.data is not None and read_bounded(path, LARGEST_SETTINGS) != file.data:
            write_atomically(path, file.data)
