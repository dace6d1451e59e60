"""The settings: their names, defaults and limits, the upgrade from one schema to the next, and the administrator's policy on top.

Text comes in and values go out; files are ``host/storage.py``'s business. The file is TOML with one table a subject::

    schema = 1
    [connection]
    secure = true
    authentication = "https://impact-emploi.urssaf.fr"
    updates = "https://impact-emploi.urssaf.fr/updates"
    [licence]
    number = "IEA-0000-1234"
    [proxy]
    mode = "system"

The licence *key* has no place here: it is in the system's vault only.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from . import addresses
from .problems import N_

SCHEMA = 1


class ProxyMode(Enum):
    """Which way out of the network: the system's own setting, none, or the address given."""

    SYSTEM = "system"
    NONE = "none"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Settings:
    """Valid settings. Attributes and their dotted names in the file are paired in ``FIELDS``."""

    secure: bool = True
    authentication: str = addresses.OFFICIAL_AUTHENTICATION
    updates: str = addresses.OFFICIAL_UPDATES
    ca_file: str = ""  # PEM file of further certificate authorities; "" for none
    ipv4_only: bool = False  # some networks have a broken IPv6
    official_authentication: str = (
        addresses.OFFICIAL_AUTHENTICATION
    )  # what a repair may put in place of an address that does not work
    official_updates: str = addresses.OFFICIAL_UPDATES
    licence_number: str = ""
    proxy_mode: ProxyMode = ProxyMode.SYSTEM
    proxy_address: str = ""
    proxy_user: str = ""  # its password is in the vault
    proxy_bypass: str = (
        ""  # hosts that are reached without the proxy given, « ; » between them, « * » for any characters
    )
    program: str = ""  # path of Impact emploi; "" where nobody has said
    assistance_days: int = 0  # longest that assistance mode may hold; 0 for no limit


DEFAULTS = Settings()

_EXPECTED_SWITCH = N_("true ou false")
_EXPECTED_ADDRESS = N_("une adresse comme « https://impact-emploi.urssaf.fr »")
_EXPECTED_LICENCE = N_("des lettres, des chiffres et des tirets (100 caractères au plus)")
_EXPECTED_MODE = N_("« system », « none » ou « manual »")
_EXPECTED_PROXY = N_(
    "une adresse comme « http://proxy.exemple.fr:3128 », sans nom d'utilisateur ni mot de passe"
)
_EXPECTED_DAYS = N_("un nombre de jours de 0 (sans limite) à 366")
_EXPECTED_PATH = N_("un chemin de fichier")
_EXPECTED_USER = N_("un nom d'utilisateur (100 caractères au plus, sans « : »)")
_EXPECTED_BYPASS = N_("des noms de serveur séparés par « ; », comme « localhost ; *.exemple.fr »")


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(_EXPECTED_SWITCH)
    return value


def _address(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(_EXPECTED_ADDRESS)
    try:
        return str(addresses.parse(addresses.clean(value)))
    except addresses.AddressError:
        raise ValueError(_EXPECTED_ADDRESS) from None


def _licence(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]{0,100}", value.strip()):
        raise ValueError(_EXPECTED_LICENCE)
    return value.strip()


def _mode(value: object) -> ProxyMode:
    try:
        return ProxyMode(value)
    except ValueError:
        raise ValueError(_EXPECTED_MODE) from None


def _proxy(value: object) -> str:
    if value == "":
        return ""
    if not isinstance(value, str):
        raise ValueError(_EXPECTED_PROXY)
    text = addresses.clean(value)
    if "://" not in text:
        text = f"http://{text}"
    try:
        read = addresses.parse(text)
    except addresses.AddressError:
        raise ValueError(_EXPECTED_PROXY) from None
    if read.scheme != "http" or read.path:
        raise ValueError(_EXPECTED_PROXY)
    return f"{read.origin}:80" if read.port == 80 else read.origin


def _path(value: object) -> str:
    if not isinstance(value, str) or len(value) > 1000 or not value.isprintable():
        raise ValueError(_EXPECTED_PATH)
    return value


def _user(value: object) -> str:
    # RFC 7617, section 2: Basic cannot carry a colon in the name
    if not isinstance(value, str) or len(value) > 100 or not value.isprintable() or ":" in value:
        raise ValueError(_EXPECTED_USER)
    return value.strip()


def _bypass(value: object) -> str:
    if not isinstance(value, str) or len(value) > 2000:
        raise ValueError(_EXPECTED_BYPASS)
    hosts = [host.strip().lower() for host in re.split(r"[;,\s]+", value) if host.strip()]
    if not all(re.fullmatch(r"[\w.*:\[\]-]+|<local>", host) for host in hosts):
        raise ValueError(_EXPECTED_BYPASS)
    return ";".join(hosts)


def _days(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 366:
        raise ValueError(_EXPECTED_DAYS)
    return value


@dataclass(frozen=True, slots=True)
class Field:
    """One setting: its attribute in ``Settings`` and how its value is read (raises ``ValueError`` with what was expected, in French)."""

    attribute: str
    read: Callable[[object], object]


FIELDS: dict[str, Field] = {
    "connection.secure": Field("secure", _switch),
    "connection.authentication": Field("authentication", _address),
    "connection.updates": Field("updates", _address),
    "connection.ca_file": Field("ca_file", _path),
    "connection.ipv4_only": Field("ipv4_only", _switch),
    "connection.official_authentication": Field("official_authentication", _address),
    "connection.official_updates": Field("official_updates", _address),
    "licence.number": Field("licence_number", _licence),
    "proxy.mode": Field("proxy_mode", _mode),
    "proxy.address": Field("proxy_address", _proxy),
    "proxy.user": Field("proxy_user", _user),
    "proxy.bypass": Field("proxy_bypass", _bypass),
    "program.path": Field("program", _path),
    "assistance.maximum_days": Field("assistance_days", _days),
}


POLICY_ONLY = frozenset({"assistance_days", "official_authentication", "official_updates"})
"""Attributes that are the administrator's alone: in a person's own file the limit would be a way out of assistance mode without a password, and an
« official » address would be anybody's."""


@dataclass(frozen=True, slots=True)
class SettingFault:
    """Why a file is refused: the dotted name ("" for the file as a whole), the line (0 where unknown), and what was expected."""

    name: str
    line: int
    expected: str


class SettingsError(ValueError):
    """A settings or policy file that cannot be used; *faults* says where and why."""

    def __init__(self, faults: tuple[SettingFault, ...]) -> None:
        super().__init__("; ".join(f"{f.name or 'file'}, line {f.line}: {f.expected}" for f in faults))
        self.faults = faults


Document = dict[str, object]
Step = Callable[[Document], Document]


def _from_0_to_1(document: Document) -> Document:
    """A file written by hand without a schema number: its names are those of schema 1."""
    return {"schema": 1, **document}


STEPS: Mapping[int, Step] = {0: _from_0_to_1}


def upgrade(document: Document, steps: Mapping[int, Step] = STEPS, schema: int = SCHEMA) -> Document:
    """*document* brought to *schema*, one step after another.

    Raises ``SettingsError`` for a schema that is not a number or newer than this program: such a file is never touched.
    """
    found = document.get("schema", 0)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= schema:
        raise SettingsError(
            (SettingFault("schema", 0, N_("une version de fichier que ce programme connaît")),)
        )
    for step in range(found, schema):
        document = steps[step](document)
    return document


def read(text: str) -> dict[str, object]:
    """The values that a settings or policy file sets, by attribute of ``Settings``; names this program does not know are passed over.

    Raises ``SettingsError`` naming every bad value with its line, or the place of the first error of syntax.
    """
    try:
        document = upgrade(tomllib.loads(text))
    except SettingsError as error:
        raise SettingsError(
            tuple(replace(fault, line=line_of(text, fault.name)) for fault in error.faults)
        ) from None
    except ValueError as error:
        place = re.search(r"line (\d+)", str(error))
        line = int(place[1]) if place else len(text.splitlines())  # "at end of document"
        if not isinstance(error, tomllib.TOMLDecodeError):  # a number of more digits than Python reads
            line = 0
        raise SettingsError((SettingFault("", line, N_("un fichier TOML sans faute de syntaxe")),)) from error
    except RecursionError:
        raise SettingsError((SettingFault("", 0, N_("moins de crochets imbriqués")),)) from None
    values: dict[str, object] = {}
    faults = []
    for name, field in FIELDS.items():
        table, key = name.split(".")
        section = document.get(table, {})
        if not isinstance(section, dict):
            faults.append(SettingFault(table, line_of(text, table), N_("une section entre crochets")))
            continue
        if key not in section:
            continue
        try:
            values[field.attribute] = field.read(section[key])
        except ValueError as error:
            faults.append(SettingFault(name, line_of(text, name), str(error)))
    if faults:
        raise SettingsError(tuple(dict.fromkeys(faults)))
    return values


def line_of(text: str, name: str) -> int:
    """The line, from 1, where the dotted *name* is set in *text*; 0 where it cannot be told."""
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        # one repetition in each pattern: a line may be long, and is not to take its square in time
        if header := re.match(r"\[([^\[\]]+)\]", line.strip()):
            table = "".join(header[1].split()).replace('"', "")
            if table == name:
                return number
        elif setting := re.match(r"([\w.\"' \t-]+)=", line.strip()):
            key = "".join(setting[1].split()).replace('"', "").replace("'", "")
            if name in (key, f"{table}.{key}"):
                return number
    return 0


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings in force, and the attributes that the administrator's policy has fixed."""

    settings: Settings
    locked: frozenset[str]


def effective(own: Mapping[str, object], policy: Mapping[str, object]) -> Effective:
    """The policy's values on top of the person's own on top of the defaults; in secure mode every server address is https."""
    own = {name: value for name, value in own.items() if name not in POLICY_ONLY}
    settings = replace(DEFAULTS, **{**own, **policy})  # type: ignore[arg-type]  # both come from read()
    if settings.secure:
        settings = replace(
            settings,
            authentication=addresses.secured(settings.authentication)[0],
            updates=addresses.secured(settings.updates)[0],
        )
    return Effective(settings, frozenset(policy))
