"""The versions that an update repository offers, as its files describe them.

A signed file (a *target* of TUF) that installs something has the object ``iea`` in its ``custom`` field. Each field of that object is declared once,
in the classes below: the agent reads it by them, the publisher writes it by them. A file whose description has another schema, lacks a field or has
an impossible value does not exist for this agent: an agent that is older than the description must not guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache, partial
from typing import Annotated, Any, TypeVar, get_type_hints

from .program_version import order_version
from .settings import DECLARATIONS, SettingsError

SCHEMA = 1
CUSTOM = "iea"
"""The name of the description in the ``custom`` field of a target."""
LARGEST_FILE = 4 * 2**30
"""Bytes of the largest file that is offered."""
LARGEST_INSTALLED = 64 * 2**30
MOST_OFFERS = 200
"""Descriptions that are read; a publisher keeps six versions a channel."""
LARGEST_EXIT_CODE = 2**32 - 1
_FILE_NAME = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,98}[A-Za-z0-9]/){0,3}[A-Za-z0-9][A-Za-z0-9._-]{0,98}[A-Za-z0-9]"
)
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIME = "%Y-%m-%dT%H:%M:%SZ"

_Part = TypeVar("_Part")
_Rule = Callable[[Any], object]


class CatalogueError(ValueError):
    """A description that this agent does not understand; the message is for a log."""


class ReleaseKind(Enum):
    """What a file installs."""

    PRODUCT = "product"
    AGENT = "agent"


class Scope(Enum):
    """For whom an installer installs: a MACHINE needs an administrator."""

    USER = "user"
    MACHINE = "machine"


class InstallerType(Enum):
    """How an installer is started; the value is the end of its file's name."""

    EXE = "exe"
    MSI = "msi"


# The rules for values: each returns the value or raises ``ValueError``.


def _match_text(pattern: str, most: int) -> _Rule:
    form = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or len(value) > most or not form.fullmatch(value):
            raise CatalogueError(f"a text of the form {pattern} expected")
        return value

    return check


def _whole(least: int, most: int) -> _Rule:
    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise CatalogueError(f"a whole number from {least} to {most} expected")
        return value

    return check


def _several(rule: _Rule, most: int, least: int = 0) -> _Rule:
    def check(value: object) -> tuple[object, ...]:
        if not isinstance(value, (list, tuple)) or not least <= len(value) <= most:
            raise CatalogueError(f"a list of {least} to {most} values expected")
        return tuple(map(rule, value))

    return check


def _version(value: object) -> str:
    if not isinstance(value, str):
        raise CatalogueError("a version expected")
    order_version(value)
    return value


def _version_or_none(value: object) -> str:
    return "" if value == "" else _version(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise CatalogueError("true or false expected")
    return value


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 20:
        raise CatalogueError("a time expected, 2026-12-01T08:00:00Z for example, or null")
    return datetime.strptime(value, _TIME).replace(tzinfo=UTC)


def _program(value: object) -> str:
    try:
        return str(DECLARATIONS["program.path"].check(value))
    except SettingsError:
        raise CatalogueError("the path of a program on a drive of the PC expected") from None


@dataclass(frozen=True, slots=True)
class Minimum:
    """The least versions that a version needs; "" for any."""

    agent: Annotated[str, _version_or_none]
    windows: Annotated[str, _version_or_none]
    product: Annotated[str, _version_or_none]


@dataclass(frozen=True, slots=True)
class Rollout:
    """To how many of a hundred installations a version is proposed, drawn by *salt*.

    With 0 the version is withdrawn.
    """

    percent: Annotated[int, _whole(0, 100)]
    salt: Annotated[str, _match_text(r"[!-~]+", 64)]


@dataclass(frozen=True, slots=True)
class Installer:
    """How the file is started, and what its exit codes mean.

    *success*: done. *reboot*: done, the PC has to be restarted some time. *busy*: another installation runs. Any other code is a failure.
    """

    type: InstallerType
    arguments: Annotated[tuple[str, ...], _several(_match_text(r"[^\x00-\x1f\x7f]+", 300), 30)]
    scope: Scope
    success: Annotated[tuple[int, ...], _several(_whole(0, LARGEST_EXIT_CODE), 20, 1)]
    reboot: Annotated[tuple[int, ...], _several(_whole(0, LARGEST_EXIT_CODE), 20)]
    busy: Annotated[tuple[int, ...], _several(_whole(0, LARGEST_EXIT_CODE), 20)]


@dataclass(frozen=True, slots=True)
class Detect:
    """Where the installed version stands: a value of the registry, or a program.

    Either *registry* (a key) and *value* (the name of its value) are given, or *file* (a program with a version in its resources).
    """

    registry: Annotated[str, _match_text(r"(?:(?:HKLM|HKCU)\\[^\x00-\x1f\x7f]+)?", 250)]
    value: Annotated[str, _match_text(r"[^\x00-\x1f\x7f\\]*", 100)]
    file: Annotated[str, _program]


@dataclass(frozen=True, slots=True)
class NoteFiles:
    """The targets with what is new in a version, by language; *en* may be ""."""

    fr: Annotated[str, _match_text(r"notes/[A-Za-z0-9][A-Za-z0-9._-]*\.md", 120)]
    en: Annotated[str, _match_text(r"(?:notes/[A-Za-z0-9][A-Za-z0-9._-]*\.md)?", 120)]


@dataclass(frozen=True, slots=True)
class Release:
    """A version, as its file describes it.

    *not_before* and *deadline* bound when it is installed, None for no bound. A *critical* one mends a danger. *closes* are the programs that have
    to be closed before. With *downgrade*, the data still suit the version before afterwards, so that one may go back to it. *signer* is the name
    in the file's own signature, "" for a file without one.
    """

    schema: Annotated[int, _whole(SCHEMA, SCHEMA)]
    kind: ReleaseKind
    version: Annotated[str, _version]
    channel: Annotated[str, _match_text(r"[a-z]+", 20)]
    minimum: Minimum
    rollout: Rollout
    not_before: Annotated[datetime | None, _time]
    deadline: Annotated[datetime | None, _time]
    critical: Annotated[bool, _flag]
    installer: Installer
    detect: Detect
    installed_bytes: Annotated[int, _whole(0, LARGEST_INSTALLED)]
    closes: Annotated[tuple[str, ...], _several(_match_text(r"(?i)[\w .()-]+\.exe", 64), 20)]
    notes: NoteFiles
    downgrade: Annotated[bool, _flag]
    signer: Annotated[str, _match_text(r"[^\x00-\x1f\x7f]*", 200)]

    def to_document(self) -> dict[str, object]:
        """Return the object ``iea`` of the file's ``custom`` field."""
        return {each.name: _write_value(getattr(self, each.name)) for each in fields(self)}


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A file of the repository: its *name*, and what is signed of it."""

    name: str
    length: int
    sha256: str
    custom: Mapping[str, object] = field(default_factory=dict, repr=False)

    @property
    def base_name(self) -> str:
        """The name without its folders."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Offer:
    """A version and the file that installs it."""

    file: SignedFile
    release: Release


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The versions on offer, the latest first, and what the log says of the others."""

    offers: tuple[Offer, ...] = ()
    refusals: tuple[str, ...] = ()


def parse_release(document: object) -> Release:
    """Parse the object ``iea`` of a target. Raises ``CatalogueError``."""
    schema = document.get("schema") if isinstance(document, Mapping) else None
    if schema != SCHEMA:
        raise CatalogueError(f"schema {str(schema)[:20]!r}: this agent reads {SCHEMA}")
    release = _read_part(Release, document)
    _check_together(release)
    return release


def parse_offer(file: SignedFile) -> Offer:
    """Return what *file* offers. Raises ``CatalogueError``."""
    release = parse_release(file.custom.get(CUSTOM))
    check_file_name(file.name)
    if not file.name.lower().endswith(f".{release.installer.type.value}"):
        raise CatalogueError(f"installer.type: {file.base_name} is another")
    if not 0 < file.length <= LARGEST_FILE:
        raise CatalogueError(f"a length from 1 to {LARGEST_FILE} expected")
    if not _SHA256.fullmatch(file.sha256):
        raise CatalogueError("no SHA-256 signed")
    return Offer(file, release)


def check_release(document: Mapping[str, object]) -> Release:
    """Return what a publisher is about to sign, if the agent reads just that.

    Raises ``CatalogueError`` also for a field that no agent reads, which is usually a misspelt one.
    """
    release = parse_release(document)
    written = release.to_document()
    for name in sorted(document.keys() | written.keys()):
        if document.get(name) != written.get(name):
            raise CatalogueError(f"{name}: the agent would read {written.get(name)!r}")
    return release


def check_file_name(name: str) -> None:
    """Refuse a *name* that is none on every disk. Raises ``CatalogueError``."""
    is_usable = len(name) <= 200 and _FILE_NAME.fullmatch(name)
    if not is_usable or any(map(_DEVICE.fullmatch, name.split("/"))):
        raise CatalogueError(f"{name[:60]!r}: no file name for every disk")


def list_offers(files: Iterable[SignedFile]) -> Catalogue:
    """Return the catalogue of *files*; those without a description offer nothing.

    Of two files with one version of one kind and channel, the first by name counts.
    """
    offers: dict[tuple[object, ...], Offer] = {}
    refusals = []
    for file in sorted(files, key=lambda file: file.name):
        if CUSTOM not in file.custom:
            continue
        try:
            offer = parse_offer(file)
        except CatalogueError as error:
            refusals.append(f"{file.name[:200]!r}: {error}")
            continue
        release = offer.release
        place = (release.kind, release.channel, order_version(release.version))
        if place in offers or len(offers) == MOST_OFFERS:
            refusals.append(f"{file.name}: one version more than is read")
        else:
            offers[place] = offer
    latest_first = sorted(offers.values(), key=_order_offer, reverse=True)
    return Catalogue(tuple(latest_first), tuple(refusals[:MOST_OFFERS]))


def _order_offer(offer: Offer) -> tuple[int, ...]:
    return order_version(offer.release.version)


def _read_part(kind: type[_Part], document: object) -> _Part:
    """Return the *kind* that *document* describes. Raises ``CatalogueError``."""
    if not isinstance(document, Mapping):
        raise CatalogueError("an object expected")
    values = {}
    # mypy takes a class for one that cannot be hashed
    rules: dict[str, _Rule] = _list_rules(kind)  # type: ignore[arg-type]
    for name, rule in rules.items():
        if name not in document:
            raise CatalogueError(f"{name}: missing")
        try:
            values[name] = rule(document[name])
        except (ValueError, TypeError) as error:
            separator = "." if ": " in str(error) else ": "
            raise CatalogueError(f"{name}{separator}{error}") from None
    return kind(**values)


@cache
def _list_rules(kind: Hashable) -> dict[str, _Rule]:
    """Return the rule of each field of *kind*, by name."""
    return {name: _find_rule(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}


def _find_rule(hint: Any) -> _Rule:
    if hasattr(hint, "__metadata__"):
        rule: _Rule = hint.__metadata__[0]
        return rule
    if isinstance(hint, type) and is_dataclass(hint):
        return partial(_read_part, hint)
    # an Enum, which raises ``ValueError`` by itself
    by_value: _Rule = hint
    return by_value


def _write_value(value: Any) -> object:
    """Return *value* as JSON has it."""
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).strftime(_TIME)
        case tuple():
            return list(value)
    return (
        {each.name: _write_value(getattr(value, each.name)) for each in fields(value)}
        if is_dataclass(value)
        else value
    )


def _check_together(release: Release) -> None:
    """Refuse fields that do not go together. Raises ``CatalogueError``."""
    installer, detect = release.installer, release.detect
    codes = (*installer.success, *installer.reboot, *installer.busy)
    if len(codes) != len(set(codes)):
        raise CatalogueError("installer: an exit code stands twice")
    if bool(detect.registry) == bool(detect.file) or (detect.registry and not detect.value):
        raise CatalogueError("detect: either registry and value or file expected")
    if release.not_before and release.deadline and release.deadline <= release.not_before:
        raise CatalogueError("deadline: not after not_before")
