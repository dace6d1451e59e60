"""A settings file or a policy, and what Group Policy says, with their faults."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from iea_agent.domain import settings
from iea_agent.domain.pasted_text import decode_file
from iea_agent.domain.problems import N_

from . import NotTrustedError, current_host, policy_registry
from .regular_files import read_bounded

# bytes
LARGEST_SETTINGS = 64 * 1024

_log = logging.getLogger(__name__)
ReadFile = Callable[[Path, int], "bytes | None"]

EXPECTED_TEXT = N_("un fichier de texte en UTF-8, de 64 Kio au plus")
_EXPECTED_VARIABLES = N_("un chemin dont les variables existent sur ce poste")
_EXPECTED_ACCESS = N_("un fichier que ce programme peut lire")
EXPECTED_ADMINISTRATOR = N_(
    "un fichier que seuls les administrateurs peuvent modifier, ainsi que son dossier"
)
_EXPECTED_KEY = N_("une clé de registre que seuls les administrateurs peuvent modifier")
_EXPECTED_KEY_ACCESS = N_("une clé de registre que ce programme peut lire")
_EXPECTED_LOCAL = N_("un chemin sur un disque de ce poste")
EXPECTED_FILE = N_("un fichier qui existe sur ce poste")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings or policy file; *data* is None if none can be read whole.

    *text* is what can be read in it. It *is_broken* if nothing in it can be used.
    """

    values: dict[str, object] = field(default_factory=dict)
    faults: tuple[settings.SettingFault, ...] = ()
    data: bytes | None = None
    text: str = ""
    is_broken: bool = False
    unknown: tuple[settings.UnknownName, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether something in it is no TOML."""
        return self.is_broken or (self.data is not None and decode_file(self.data) != self.text)

    def may_set(self, word: str) -> bool:
        """Return whether *word*, the last part of a name, is in it, or it cannot be read."""
        try:
            return self.data is None or word in decode_file(self.data).lower()
        except UnicodeDecodeError:
            return True

    def refuses(self, names: Iterable[str]) -> bool:
        """Return whether one of the settings *names* is refused in this file."""
        return any(fault.concerns(name) for name in names for fault in self.faults)

    def select_refused(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return those of *values*, by attribute, that replace what this file refuses.

        What is no TOML may have been any setting: then they are all that the file does not set.
        """
        if self.has_errors:
            return {name: value for name, value in values.items() if name not in self.values}
        return {
            declaration.attribute: values[declaration.attribute]
            for name, declaration in settings.DECLARATIONS.items()
            if declaration.attribute in values and self.refuses([name])
        }

    @property
    def is_newer(self) -> bool:
        """Whether a newer version wrote it: its schema is a number beyond ours."""
        if self.data is None:
            return False
        import tomllib

        try:
            schema = tomllib.loads(decode_file(self.data)).get("schema")
        except (ValueError, RecursionError):
            # neither UTF-8 nor TOML, or too many brackets in one another
            return False
        return isinstance(schema, int) and schema > settings.SCHEMA


def read_settings_file(path: Path, read_file: ReadFile = read_bounded) -> SettingsFile:
    """Return what *path* sets; its faults and unknown names name the file."""
    file = _parse_settings(path, read_file)
    return _name_place(file, path.name)


def _name_place(file: SettingsFile, place: str) -> SettingsFile:
    """Return *file* with *place* in its faults and unknown names."""
    return replace(
        file,
        faults=tuple(replace(fault, file=place) for fault in file.faults),
        unknown=tuple(replace(name, file=place) for name in file.unknown),
    )


def _parse_settings(path: Path, read_file: ReadFile) -> SettingsFile:
    try:
        data = read_file(path, LARGEST_SETTINGS)
    except NotTrustedError as error:
        _log.warning("not trusted", extra={"fields": {"file": error.filename, "reason": error.strerror}})
        return SettingsFile(faults=(settings.SettingFault("", 0, EXPECTED_ADMINISTRATOR),))
    except OSError as error:
        _log.warning("not readable", extra={"fields": {"file": path, "reason": error.strerror}})
        return _break(_EXPECTED_ACCESS)
    if data is None:
        return SettingsFile()
    if len(data) > LARGEST_SETTINGS:
        return _break(EXPECTED_TEXT)
    try:
        text = decode_file(data)
        parsed = settings.parse_file(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _break(EXPECTED_TEXT, line, data)
    except settings.SettingsError as error:
        return SettingsFile(faults=error.faults, data=data, is_broken=True)
    values, faults = _expand_paths(parsed.values, text)
    return SettingsFile(values, (*parsed.faults, *faults), data, parsed.readable, unknown=parsed.unknown)


def read_registry_policy(name: str, *, own: bool) -> SettingsFile:
    """Return what Group Policy sets for the installation *name*, as a file would."""
    key = policy_registry.name_key(name)
    try:
        entries = policy_registry.list_entries(name, own=own)
    except NotTrustedError as error:
        _log.warning("not trusted", extra={"fields": {"file": error.filename, "reason": error.strerror}})
        return SettingsFile(faults=(settings.SettingFault("", 0, _EXPECTED_KEY, key),))
    except OSError as error:
        _log.warning("not readable", extra={"fields": {"file": key, "reason": error.strerror}})
        return SettingsFile(faults=(settings.SettingFault("", 0, _EXPECTED_KEY_ACCESS, key),), is_broken=True)
    parsed = settings.check_entries(entries)
    values, faults = _expand_paths(parsed.values, "")
    return _name_place(SettingsFile(values, (*parsed.faults, *faults), unknown=parsed.unknown), key)


def _expand_paths(
    values: Mapping[str, object], text: str
) -> tuple[dict[str, object], list[settings.SettingFault]]:
    """Return *values* with complete paths, and the faults in those of *text*."""
    expanded, faults = dict(values), list[settings.SettingFault]()
    for name, declaration in settings.DECLARATIONS.items():
        if declaration.kind in settings.PATHS and declaration.attribute in expanded:
            try:
                expanded[declaration.attribute] = _expand_path(name, expanded.pop(declaration.attribute))
            except settings.SettingsError as error:
                faults += (replace(each, line=settings.find_line(text, name)) for each in error.faults)
    return expanded, faults


def _expand_path(name: str, value: object) -> str:
    """Return the path *value* of the setting *name* without variables.

    Raises ``SettingsError``, also if it is not on a disk of this PC.
    """
    expected = _EXPECTED_VARIABLES
    with suppress(KeyError):
        path = settings.expand_variables(str(value), os.environ)
        is_local = settings.is_usable_path(path, on_windows=sys.platform == "win32")
        if not path or (is_local and current_host().is_local(path)):
            return path
        expected = _EXPECTED_LOCAL
    raise settings.SettingsError((settings.SettingFault(name, 0, expected),))


def _break(expected: str, line: int = 0, data: bytes | None = None) -> SettingsFile:
    """Return a file of which nothing can be used."""
    return SettingsFile(faults=(settings.SettingFault("", line, expected),), data=data, is_broken=True)


def check_changes(changes: Mapping[str, object]) -> dict[str, object]:
    """Return *changes* as the file will hold them. Raises ``SettingsError``."""
    values: dict[str, object] = {}
    faults: list[settings.SettingFault] = []
    for name, value in changes.items():
        try:
            checked = None if value is None else settings.DECLARATIONS[name].check(value)
            if settings.DECLARATIONS[name].kind in settings.PATHS and checked:
                _expand_path(name, checked)
        except settings.SettingsError as error:
            faults += error.faults
        else:
            values[name] = checked.value if isinstance(checked, Enum) else checked
    if faults:
        raise settings.SettingsError(tuple(faults))
    return values


def require_files(values: Mapping[str, object]) -> None:
    """Raise ``SettingsError`` unless each path in *values* leads to a file, now."""
    for name, value in values.items():
        is_path = settings.DECLARATIONS[name].kind in settings.PATHS
        if is_path and value and not os.path.isfile(_expand_path(name, value)):
            raise settings.SettingsError((settings.SettingFault(name, 0, EXPECTED_FILE),))


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
        if section in document and not isinstance(document[section], Mapping):
            # no section: its copy has been set aside
            del document[section]
        if value is not None:
            document.setdefault(section, tomlkit.table())[key] = value
        elif section in document:
            document[section].pop(key, None)
    return tomlkit.dumps(document)
