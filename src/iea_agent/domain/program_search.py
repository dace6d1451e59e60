"""Where Impact emploi may be on this PC: the decision, without looking.

The files that Windows lists under « Applications installées » come first, then the usual folders.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .settings import DECLARATIONS, SettingsError, expand_variables, is_usable_path

MOST_ENTRIES = 1000
"""Installed programs that are looked at; a PC has a few hundred."""
_NAME = re.compile(r"\bimpact[ -]?emploi\b|\bIEA\b", re.IGNORECASE)
# our own entry is no payroll program
_OURS = re.compile(r"\bagent\b|\bconnexion\b", re.IGNORECASE)
_HELPER = re.compile(r"unins|uninst|setup|update|maj", re.IGNORECASE)
# Assumptions: the sheets name the program « Impact emploi », « Impact emploi association » and « IEA », and no file.
_FOLDERS = (r"%ProgramFiles%", r"%ProgramFiles(x86)%", r"%ProgramW6432%", r"%SystemDrive%")
_FOLDER_NAMES = ("Impact emploi", "ImpactEmploi", "Impact emploi association", "IEA")
_FILE_NAMES = ("ImpactEmploi.exe", "Impact emploi.exe", "IEA.exe")


@dataclass(frozen=True, slots=True)
class InstalledProgram:
    """One entry of the list of installed programs, as its installer wrote it.

    *icon* is the file of its picture, usually the program itself, with a number after a comma. *folder* is
    where it is installed. Both may be "".
    """

    name: str
    icon: str = ""
    folder: str = ""


def list_candidates(programs: Iterable[InstalledProgram], environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the paths at which Impact emploi may be, the likeliest first.

    *environment* holds the variables of the usual folders. Each path is complete, and one that the setting
    ``program.path`` takes.
    """
    paths = (*_from_entries(programs), *_from_usual_folders(environment))
    return tuple(dict.fromkeys(path for path in map(_check_path, paths) if path))


def _from_entries(programs: Iterable[InstalledProgram]) -> Iterator[str]:
    for program in programs:
        if not _NAME.search(program.name) or _OURS.search(program.name):
            continue
        icon = re.sub(r",-?\d+$", "", program.icon.strip()).strip('"')
        if icon and not _HELPER.search(icon.replace("/", "\\").rpartition("\\")[2]):
            yield icon
        folder = program.folder.strip().strip('"').rstrip("\\/")
        if folder:
            yield from (f"{folder}\\{name}" for name in _FILE_NAMES)


def _from_usual_folders(environment: Mapping[str, str]) -> Iterator[str]:
    for variable in _FOLDERS:
        try:
            folder = expand_variables(variable, environment)
        except KeyError:
            continue
        for name in _FOLDER_NAMES:
            yield from (f"{folder}\\{name}\\{file}" for file in _FILE_NAMES)


def _check_path(path: str) -> str:
    """Return *path* as the setting takes it; "" for a share, a device or a document."""
    try:
        checked = str(DECLARATIONS["program.path"].check(path))
    except SettingsError:
        return ""
    return checked if is_usable_path(checked, on_windows=True) else ""
