"""The settings: one declaration each, the file that holds them, and the policy.

Text comes in and values go out; ``host/storage.py`` reads and writes the files. A file is TOML
with one table a subject::

    schema = 1
    [connection]
    secure = true
    authentication = "https://impact-emploi.urssaf.fr"
    updates = "https://impact-emploi.urssaf.fr/updates"
    [licence]
    number = "IEA-0000-1234"
    [proxy]
    mode = "system"

To add a setting, add a line to ``Settings``. The secrets have a name here and no value: they are
in the system's vault only.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from functools import partial
from itertools import islice
from typing import Generic, TypeVar

from . import addresses, pasted_text, problems
from .problems import N_

SCHEMA = 1

_Value = TypeVar("_Value")


class ProxyMode(Enum):
    """The way to the network: the system's own setting, none, or the given address."""

    SYSTEM = "system"
    NONE = "none"
    MANUAL = "manual"


class InstallTime(Enum):
    """When a verified version is installed: after a click, or at night by itself."""

    CLICK = "click"
    NIGHT = "night"


# The kinds of values


def _check_address(value: object) -> str:
    return str(addresses.parse(addresses.clean(_check_text(value))))


def _check_licence(value: object) -> str:
    text = pasted_text.tidy_code(_check_text(value))
    if not re.fullmatch(r"[!-~]{0,100}", text):
        raise ValueError
    return text


def _check_proxy(value: object) -> str:
    if value == "":
        return ""
    text = addresses.clean(_check_text(value))
    address = addresses.parse(text if "://" in text else f"http://{text}")
    if address.scheme != "http" or address.path:
        raise ValueError
    return f"{address.origin}:80" if address.port == 80 else address.origin


_QUOTES = "\"'«»“”„‘’"
# A folder of a drive or of Linux, or a variable of Windows that holds one. No share and no device: to open one tells
# a stranger's server the person's sign-in. Of Windows' paths a second colon would name a stream of a file.
_WINDOWS_PATH = re.compile(r"[A-Za-z]:[\\/](?![\\/])[^:]*")
_ABSOLUTE_PATH = re.compile(rf"{_WINDOWS_PATH.pattern}|/(?!/).*|%[^%]+%[^:]*")
_VARIABLE = re.compile("%([^%]+)%")
_SHARE = re.compile(r"\\\\[^\\/:?*.][^\\/:?*]*\\[^\\/:?*]+(?:\\[^:?*]*)?")


def _check_path(value: object) -> str:
    text = pasted_text.tidy_name(_check_text(value)).strip(_QUOTES).strip()
    # a quotation mark that is left stands between a path and its arguments
    is_usable = len(text) <= 1000 and text.isprintable() and '"' not in text
    if not is_usable or (text and not _ABSOLUTE_PATH.fullmatch(text)):
        raise ValueError
    return text


def _check_folder(value: object) -> str:
    text = pasted_text.tidy_name(_check_text(value)).strip(_QUOTES).strip().rstrip("\\/")
    is_usable = len(text) <= 1000 and text.isprintable() and '"' not in text
    # a share is allowed: only an administrator can name one
    if not is_usable or (text and not (_ABSOLUTE_PATH.fullmatch(text) or _SHARE.fullmatch(text))):
        raise ValueError
    return text


def _check_program(value: object) -> str:
    text = _check_path(value)
    # a document, a shortcut or a script would be opened by another program
    if text and not text.startswith("/") and not text.lower().endswith(".exe"):
        raise ValueError
    return text


def is_usable_path(path: str, *, on_windows: bool) -> bool:
    """Return whether *path*, without variables, is complete on this system."""
    return bool(_WINDOWS_PATH.fullmatch(path)) if on_windows else path.startswith("/")


def expand_variables(path: str, environment: Mapping[str, str]) -> str:
    """Return *path* with the variables that it names, "%ProgramFiles%" for example.

    Their names are those of *environment* in either case. Raises ``KeyError``.
    """
    values = {name.upper(): value for name, value in environment.items()} if "%" in path else {}
    return _VARIABLE.sub(lambda variable: values[variable[1].upper()], path)


def _check_user(value: object) -> str:
    text = pasted_text.tidy_name(_check_text(value))
    # RFC 7617, section 2: Basic cannot carry a colon in the name
    if len(text) > 100 or not text.isprintable() or ":" in text:
        raise ValueError
    return text


def _check_scope(value: object) -> str:
    text = " ".join(_check_text(value).split())
    # RFC 6749, section 3.3
    if not re.fullmatch(r"[ !#-\[\]-~]{0,500}", text):
        raise ValueError
    return text


def _check_bypass(value: object) -> str:
    text = _check_text(value)
    if len(text) > 2000:
        raise ValueError
    hosts = [host.strip().lower() for host in re.split(r"[;,\s]+", text) if host.strip()]
    if not all(re.fullmatch(r"[\w.*:\[\]-]+|<local>", host) for host in hosts):
        raise ValueError
    return ";".join(hosts)


def _check_pins(value: object) -> str:
    pins = [" ".join(pin.split()) for pin in _check_text(value).split(";")]
    pins = [pin for pin in pins if pin]
    if len(pins) > 20 or any(len(pin) > 200 or not pin.isprintable() for pin in pins):
        raise ValueError
    # a mistyped hash is no issuer's name
    hashes = [pin for pin in pins if pin.lower().startswith("sha256")]
    if not all(re.fullmatch(r"sha256/[A-Za-z0-9+/]{43}=", pin) for pin in hashes):
        raise ValueError
    return ";".join(pins)


UNMET_PIN = "sha256/?"
"""Pins that no certificate meets, in place of those that a policy demands and nobody can read."""


def _check_hosts(value: object) -> str:
    hosts = re.split(r"[;,\s]+", _check_text(value).strip(";, \t"))
    if len(hosts) > 20:
        raise ValueError
    parsed = [addresses.parse(f"https://{host}") for host in hosts if host]
    if any(address.path or address.port != 443 for address in parsed):
        raise ValueError
    return ";".join(address.host for address in parsed)


def _check_mail_address(value: object) -> str:
    text = _check_text(value).strip()
    # one address as people have them (RFC 5322, addr-spec without quotes), with what no mail program takes for a command
    if len(text) > 254 or not re.fullmatch(r"[\w.!#$%&'*+/=^`{|}~-]+@[A-Za-z0-9.-]+", text, re.ASCII):
        raise ValueError
    return text


def _check_subject(value: object) -> str:
    text = " ".join(_check_text(value).split())
    if not text or len(text) > 100 or not text.isprintable():
        raise ValueError
    return text


def _check_hidden(value: object) -> str:
    words = [" ".join(word.split()) for word in _check_text(value).split(";")]
    text = ";".join(word for word in words if word)
    if len(text) > 500 or not text.isprintable():
        raise ValueError
    return text


def split_list(value: str) -> tuple[str, ...]:
    """Return the entries of a setting that holds several, ";" between them."""
    return tuple(value.split(";")) if value else ()


MOST_DAYS = 366
"""The longest limit of assistance mode; a policy's template has it, too."""


def _check_days(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_DAYS:
        raise ValueError
    return value


def _check_type(kind: type[_Value], value: object) -> _Value:
    if not isinstance(value, kind):
        raise ValueError
    return value


_check_switch, _check_text = partial(_check_type, bool), partial(_check_type, str)


_SWITCH_WORDS = {
    **dict.fromkeys(("true", "vrai", "oui", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "faux", "non", "no", "off", "0"), False),
}


def _parse_switch(text: str) -> object:
    return _SWITCH_WORDS.get(text.strip().lower(), text)


def _parse_number(text: str) -> object:
    return int(text) if re.fullmatch(r"\s*[0-9]{1,9}\s*", text) else text


def _format(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class Kind(Generic[_Value]):
    """What the values of a setting have in common.

    *expected* says to a person what is accepted. *check* returns a value of the file as the program
    uses it, or raises ``ValueError``. *parse* turns what a person types into a value of the file,
    *format* turns it back.
    """

    expected: str
    check: Callable[[object], _Value]
    parse: Callable[[str], object] = str.strip
    format: Callable[[object], str] = _format


SWITCH = Kind(N_("true ou false"), _check_switch, _parse_switch)
ADDRESS = Kind(N_("une adresse comme « https://impact-emploi.urssaf.fr »"), _check_address)
LICENCE = Kind(
    N_("uniquement des lettres, des chiffres et des tirets (100 caractères au plus)"), _check_licence
)
PROXY_MODE = Kind(N_("« system », « none » ou « manual »"), ProxyMode)
INSTALL_TIME = Kind(N_("« click » ou « night »"), InstallTime)
PROXY = Kind(
    N_("une adresse comme « http://proxy.exemple.fr:3128 », sans nom d'utilisateur ni mot de passe"),
    _check_proxy,
)
DAYS = Kind(N_("un nombre de jours de 0 (sans limite) à 366"), _check_days, _parse_number)
PROGRAM = Kind(
    N_(
        "le chemin complet d'un programme de ce poste, comme « C:\\Program Files\\Exemple\\ie.exe », sans arguments"
    ),
    _check_program,
)
AUTHORITIES = Kind(
    N_("le chemin complet d'un fichier de ce poste, comme « C:\\ProgramData\\IEA Agent\\autorite.pem »"),
    _check_path,
)
PATHS = (PROGRAM, AUTHORITIES)
FOLDER = Kind(
    N_("le chemin complet d'un dossier, comme « \\\\SERVEUR\\Impact emploi »"),
    _check_folder,
)
USER = Kind(N_("un nom d'utilisateur (100 caractères au plus, sans « : »)"), _check_user)
SCOPE = Kind(N_("des noms de droits séparés par des espaces, sans accents"), _check_scope)
HOSTS = Kind(N_("des noms de serveur séparés par « ; », comme « jetons.exemple.fr »"), _check_hosts)
PINS = Kind(
    N_("des noms d'émetteurs ou des empreintes « sha256/… », séparés par « ; »"),
    _check_pins,
)
MAIL_ADDRESS = Kind(N_("une adresse de messagerie comme « assistance@exemple.fr »"), _check_mail_address)
SUBJECT = Kind(N_("un objet de 1 à 100 caractères"), _check_subject)
HIDDEN_WORDS = Kind(
    N_("des mots séparés par « ; », 500 caractères au plus"),
    _check_hidden,
    format=lambda value: str(value).replace(";", " ; "),
)
BYPASS = Kind(
    N_("des noms de serveur séparés par « ; », comme « localhost ; *.exemple.fr »"),
    _check_bypass,
    format=lambda value: str(value).replace(";", " ; "),
)


# The settings


def _setting(name: str, default: _Value, kind: Kind[_Value], *, policy_only: bool = False) -> _Value:
    """Declare a setting; if *policy_only*, a person's own file does not set it."""
    return field(default=default, metadata={"name": name, "kind": kind, "policy_only": policy_only})


@dataclass(frozen=True, slots=True)
class Settings:
    """Valid settings."""

    secure: bool = _setting("connection.secure", True, SWITCH)
    authentication: str = _setting("connection.authentication", addresses.OFFICIAL_AUTHENTICATION, ADDRESS)
    updates: str = _setting("connection.updates", addresses.OFFICIAL_UPDATES, ADDRESS)
    # PEM file of further certificate authorities
    ca_file: str = _setting("connection.ca_file", "", AUTHORITIES)
    # What a certificate must have besides: the name of its issuer, or the hash of a key in its chain
    pins: str = _setting("connection.pins", "", PINS, policy_only=True)
    # the right (scope) to ask the authentication server for; most servers need none
    scope: str = _setting("connection.scope", "", SCOPE)
    # Other hosts than the authentication server's that may get the licence key, ";" between them. Not in a
    # person's own file: whoever can write it could have the key sent anywhere.
    token_hosts: str = _setting("connection.token_hosts", "", HOSTS, policy_only=True)
    # some networks have a broken IPv6
    ipv4_only: bool = _setting("connection.ipv4_only", False, SWITCH)
    # A repair may replace an address that does not work by these: if a person's own file could set
    # them, anybody could decide what is official.
    official_authentication: str = _setting(
        "connection.official_authentication", addresses.OFFICIAL_AUTHENTICATION, ADDRESS, policy_only=True
    )
    official_updates: str = _setting(
        "connection.official_updates", addresses.OFFICIAL_UPDATES, ADDRESS, policy_only=True
    )
    licence_number: str = _setting("licence.number", "", LICENCE)
    proxy_mode: ProxyMode = _setting("proxy.mode", ProxyMode.SYSTEM, PROXY_MODE)
    proxy_address: str = _setting("proxy.address", "", PROXY)
    proxy_user: str = _setting("proxy.user", "", USER)
    # hosts that are reached without the proxy, ";" between them, "*" for any characters
    proxy_bypass: str = _setting("proxy.bypass", "", BYPASS)
    # path of Impact emploi
    program: str = _setting("program.path", "", PROGRAM)
    # A folder of verified files that the PCs of a site share. In a person's own file it would have another
    # computer asked for its files.
    updates_folder: str = _setting("updates.folder", "", FOLDER, policy_only=True)
    # whether the agent looks for updates by itself, and whether it fetches them before anybody asks
    updates_check: bool = _setting("updates.check", True, SWITCH, policy_only=True)
    updates_download: bool = _setting("updates.download", True, SWITCH, policy_only=True)
    # when a verified version is installed: in a person's own file it would install what nobody has clicked on
    updates_install: InstallTime = _setting(
        "updates.install", InstallTime.CLICK, INSTALL_TIME, policy_only=True
    )
    # to whom a person writes, and what stands in the subject; 3.00.XX becomes the version of Impact emploi
    support_address: str = _setting("support.address", problems.SUPPORT_ADDRESS, MAIL_ADDRESS)
    support_subject: str = _setting("support.subject", problems.SUPPORT_SUBJECT, SUBJECT)
    # what no support file contains: names that only this place has
    support_hidden: str = _setting("support.hidden", "", HIDDEN_WORDS)
    # whether the servers are tested, quietly, on the two working days before a due date
    deadline_check: bool = _setting("deadline.check", True, SWITCH)
    # Longest time in assistance mode; 0 for no limit. In a person's own file the limit would be a
    # way out of assistance mode without a password.
    assistance_days: int = _setting("assistance.maximum_days", 0, DAYS, policy_only=True)

    def with_values(self, values: Mapping[str, object]) -> Settings:
        """Return these settings with other *values*, by attribute, that are checked."""
        return replace(self, **values)  # type: ignore[arg-type]


DEFAULTS = Settings()

LICENCE_KEY, PROXY_PASSWORD = "licence.key", "proxy.password"
"""The names of the secrets, in the same form as those of the settings."""

_SECRETS: Mapping[str, Callable[[str], str]] = {
    LICENCE_KEY: pasted_text.tidy_code,
    PROXY_PASSWORD: pasted_text.tidy_password,
}
PASTED: Mapping[str, Callable[[str], str]] = {
    **_SECRETS,
    "licence.number": pasted_text.tidy_code,
    "proxy.user": pasted_text.tidy_name,
}
"""How a text without a visible form is tidied, by the name of its setting or secret."""


def tidy_typed(name: str, text: str) -> str:
    """Return *text* for the setting or secret *name* without invisible characters."""
    return PASTED[name](text) if name in PASTED else text


def check_secret(name: str, text: str) -> str:
    """Return *text* as the secret *name* is saved. Raises ``ValueError``.

    That is for control characters, which no keyboard types.
    """
    secret = tidy_typed(name, text)
    if pasted_text.has_control_characters(secret):
        raise ValueError(name)
    return secret


@dataclass(frozen=True, slots=True)
class Declaration:
    """One setting: its dotted *name*, its *attribute* in ``Settings``, and its rules."""

    name: str
    attribute: str
    kind: Kind[object]
    policy_only: bool

    def value_in(self, settings: Settings) -> object:
        """Return the value of this setting in *settings*, as the file holds it."""
        value = getattr(settings, self.attribute)
        return value.value if isinstance(value, Enum) else value

    def check(self, value: object) -> object:
        """Return *value* as ``Settings`` holds it. Raises ``SettingsError``."""
        try:
            return self.kind.check(value)
        except ValueError:
            raise SettingsError((SettingFault(self.name, 0, self.kind.expected),)) from None

    def convert_entry(self, entry: object) -> object:
        """Return an *entry* of the Windows registry as a value of the file.

        ``check`` judges it. The registry knows numbers and texts: a switch is 0 or 1.
        """
        if isinstance(entry, str):
            return self.kind.parse(entry)
        return bool(entry) if self.kind is SWITCH and entry in (0, 1) else entry

    def parse_typed(self, text: str) -> object:
        """Return what a person typed as a value of the file; ``check`` judges it."""
        return self.kind.parse(text)

    def format_typed(self, settings: Settings) -> str:
        """Return the value in *settings* as a person types it."""
        return self.kind.format(self.value_in(settings))


DECLARATIONS: Mapping[str, Declaration] = {
    each.metadata["name"]: Declaration(attribute=each.name, **each.metadata) for each in fields(Settings)
}
"""Every setting by its dotted name."""


def list_changes(saved: Settings, wanted: Settings) -> dict[str, object]:
    """Return what to write to replace *saved* by *wanted*: values of the file by name."""
    return {
        name: declaration.value_in(wanted)
        for name, declaration in DECLARATIONS.items()
        if declaration.value_in(wanted) != declaration.value_in(saved)
    }


# The file


@dataclass(frozen=True, slots=True)
class SettingFault:
    """Why a value or a file is refused, and what is *expected* instead, in French.

    *name* is dotted, "" for the file as a whole; *line* is 0 if it is not known, *file* is the file's name.
    """

    name: str
    line: int
    expected: str
    file: str = ""

    def concerns(self, name: str) -> bool:
        """Return whether the setting *name* is refused by it."""
        refused = self.name.lower()
        return name == refused or name.startswith(f"{refused}.")


@dataclass(frozen=True, slots=True)
class UnknownName:
    """A dotted *name* in the file *file* that no setting has.

    *line* is 0 if it is not known, *nearest* is the most similar name of a setting, "" if none is similar.
    """

    name: str
    line: int = 0
    nearest: str = ""
    file: str = ""


class SettingsError(ValueError):
    """Settings or a policy that cannot be used; *faults* says where and why."""

    def __init__(self, faults: tuple[SettingFault, ...]) -> None:
        super().__init__("; ".join(f"{f.name or 'file'}, line {f.line}: {f.expected}" for f in faults))
        self.faults = faults


Document = dict[str, object]
Step = Callable[[Document], Document]


# schema 0: written by hand, without a number
STEPS: Mapping[int, Step] = {0: lambda document: {"schema": 1, **document}}


def upgrade(document: Document, steps: Mapping[int, Step] = STEPS, schema: int = SCHEMA) -> Document:
    """Return *document* in *schema*. Raises ``SettingsError`` if it is newer."""
    number = document.get("schema", 0)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= schema:
        raise SettingsError(
            (SettingFault("schema", 0, N_("une version de fichier que ce programme connaît")),)
        )
    for step in range(number, schema):
        document = steps[step](document)
    return document


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a settings or policy file sets: *values* by attribute.

    *faults* are what is refused in it, each alone. *unknown* are the names that no setting has. *readable* is
    its text, in which the lines that are no TOML have become comments.
    """

    values: dict[str, object]
    faults: tuple[SettingFault, ...]
    readable: str
    unknown: tuple[UnknownName, ...] = ()


def parse_file(text: str) -> ParsedFile:
    """Return what a settings or policy file sets, and every bad value with its line.

    Names that this program does not know set nothing: a newer one may know them. Raises ``SettingsError`` if nothing of the file can
    be used: it is of a newer version, or an error of syntax leaves unclear what the rest means.
    """
    try:
        _check_names(text)
        readable, document, faults = _comment_out_errors(text)
        document = upgrade(document)
    except SettingsError as error:
        raise SettingsError(_locate(error.faults, text)) from None
    except ValueError as error:
        # a number of more digits than Python reads
        raise SettingsError((SettingFault("", 0, _EXPECTED_TOML),)) from error
    except RecursionError:
        raise SettingsError((SettingFault("", 0, N_("moins de crochets imbriqués")),)) from None
    values, refused = check_document(document)
    faults += refused
    faults += _list_capitals(document)
    unknown = tuple(_list_unknown(document, text))
    return ParsedFile(values, tuple(dict.fromkeys(_locate(faults, text))), readable, unknown)


def check_document(document: Mapping[str, object]) -> tuple[dict[str, object], list[SettingFault]]:
    """Return what *document* sets, by attribute, and every value that is refused."""
    values: dict[str, object] = {}
    faults: list[SettingFault] = []
    for declaration in DECLARATIONS.values():
        table, key = declaration.name.split(".")
        section = document.get(table, {})
        if not isinstance(section, dict):
            faults.append(SettingFault(table, 0, N_("une section entre crochets")))
        elif key in section:
            try:
                values[declaration.attribute] = declaration.check(section[key])
            except SettingsError as error:
                faults += error.faults
    return values, faults


def check_entries(entries: Mapping[str, Mapping[str, object]]) -> ParsedFile:
    """Return what *entries* of the Windows registry set, ordered as in a file."""
    document: Document = {
        section: {name: _convert_entry(f"{section}.{name}", entry) for name, entry in named.items()}
        for section, named in entries.items()
    }
    values, faults = check_document(document)
    return ParsedFile(values, tuple(faults), "", tuple(_list_unknown(document, "")))


def _convert_entry(name: str, entry: object) -> object:
    return DECLARATIONS[name].convert_entry(entry) if name in DECLARATIONS else entry


_EXPECTED_TOML = N_("un fichier TOML sans faute de syntaxe")
_EXPECTED_LINE = N_("une ligne TOML sans faute de syntaxe, qui n'est pas déjà dans le fichier")
_EXPECTED_QUOTES = N_("un chemin entre apostrophes, comme 'C:\\Exemple'")
MOST_ERRORS = 20
"""Errors of syntax that are set apart; a file of more is broken as a whole."""
MOST_AGAIN = 16_384
"""Characters that are read again because an error stood behind them; a file that needs more is broken as a whole."""


MOST_DOTS = 50
"""Dots in the names of a line: Python's parser takes the square of their number in time."""
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')


def _check_names(text: str) -> None:
    """Raise ``SettingsError`` for the first line with a name of too many parts."""
    for number, line in enumerate(text.split("\n"), start=1):
        is_long = line.count(".") > MOST_DOTS and not line.lstrip().startswith("#")
        if is_long and _QUOTED.sub("", line).count(".") > MOST_DOTS:
            raise SettingsError((SettingFault("", number, N_("moins de points dans les noms")),))


def _comment_out_errors(text: str) -> tuple[str, Document, list[SettingFault]]:
    """Return *text* with what is no TOML as comments, what it says, and the faults.

    Each error has the text read from its beginning again. Raises ``SettingsError`` if that takes too long, or
    if it is unclear what else the error spoils.
    """
    lines = text.split("\n")
    faults: list[SettingFault] = []
    again = 0
    while True:
        readable = "\n".join(lines)
        try:
            return readable, tomllib.loads(readable), faults
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"line (\d+)", str(error))
            # without a number: "at end of document"
            line = int(place[1]) if place else len(text.rstrip("\n").split("\n"))
            # the text up to there, and the line by itself
            again += sum(len(each) + 1 for each in lines[:line]) + len(lines[line - 1])
            may_go_on = len(faults) < MOST_ERRORS and again <= MOST_AGAIN
            spoilt = _find_spoilt(lines, line, str(error).startswith("Cannot")) if may_go_on else range(0)
            name = _name_line(text, line)
            if not spoilt or not name:
                line = faults[0].line if faults else line
                raise SettingsError((SettingFault("", line, _EXPECTED_TOML),)) from error
            has_path = "\\" in lines[line - 1]
            faults.append(SettingFault(name, line, _EXPECTED_QUOTES if has_path else _EXPECTED_LINE))
            for number in spoilt:
                lines[number] = f"# {lines[number]}"


def _find_spoilt(lines: list[str], line: int, is_repeated: bool) -> range:
    """Return the lines, from 0, that an error in *line*, from 1, spoils.

    It is the line itself, or with the head of a section the whole section; empty if that is unclear.
    """
    text = lines[line - 1].strip()
    if text.startswith("["):
        heads = (number for number in range(line, len(lines)) if lines[number].lstrip().startswith("["))
        return range(line - 1, next(heads, len(lines)))
    if text.startswith("#") or "=" not in text or not (is_repeated or _is_error(text)):
        # the error is further up: a text or a list that does not end
        return range(0)
    return range(line - 1, line)


def _is_error(line: str) -> bool:
    try:
        tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return True
    return False


def _list_capitals(document: Document) -> Iterator[SettingFault]:
    """Yield the names of settings in *document* that have capitals: they do not count."""
    for table, section in document.items():
        for key in section if isinstance(section, dict) else ():
            name = f"{table}.{key}"
            if name not in DECLARATIONS and name.lower() in DECLARATIONS:
                yield SettingFault(name, 0, N_("ce nom en minuscules"))


MOST_UNKNOWN = 20
"""Unknown names of a file that are listed; a file of more is for another program."""


def _list_unknown(document: Document, text: str) -> Iterator[UnknownName]:
    """Yield the first names in *document* that no setting has, in any letters."""
    names = (
        f"{table}.{key}" if isinstance(section, dict) else table
        for table, section in document.items()
        for key in (section if isinstance(section, dict) else ("",))
    )
    unknown = (name for name in names if name.lower() not in DECLARATIONS and name != "schema")
    for name in islice(unknown, MOST_UNKNOWN):
        yield UnknownName(name, find_line(text, name), _find_similar(name))


def _find_similar(name: str) -> str:
    # imported here: hardly any file has an unknown name
    from difflib import get_close_matches

    # a longer name is similar to none, and the comparison takes the square of its length in time
    longest = max(map(len, DECLARATIONS)) * 2
    similar = get_close_matches(name.lower(), DECLARATIONS, n=1) if len(name) <= longest else []
    return similar[0] if similar else ""


def _locate(faults: Iterable[SettingFault], text: str) -> tuple[SettingFault, ...]:
    """Return *faults*, each with its line in *text*."""
    return tuple(
        replace(fault, line=find_line(text, fault.name)) if fault.name and not fault.line else fault
        for fault in faults
    )


def _iterate_names(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line, from 1, that begins a section or sets something, and its name."""
    table = ""
    for number, line in enumerate(text.split("\n"), start=1):
        # One repetition in each pattern: a long line must not take the square of its length in time.
        if header := re.match(r"\[\[?([^\[\]]+)", line.strip()):
            table = _join_name(header[1])
            yield number, table
        elif setting := re.match(r"([\w.\"' \t-]+)=", line.strip()):
            yield number, f"{table}.{_join_name(setting[1])}" if table else _join_name(setting[1])


def _join_name(text: str) -> str:
    return "".join(text.split()).replace('"', "").replace("'", "")


def find_line(text: str, name: str) -> int:
    """Return the line, from 1, that sets the dotted *name* in *text*; 0 if unclear."""
    return next((line for line, each in _iterate_names(text) if each == name), 0)


def _name_line(text: str, line: int) -> str:
    """Return the dotted name that *line*, from 1, of *text* sets; "" if unclear."""
    return next((name for number, name in _iterate_names(text) if number == line), "")


# The policy


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings in force, and the attributes that the administrator's policy fixes."""

    settings: Settings
    locked: frozenset[str]


def apply_policy(own: Mapping[str, object], policy: Mapping[str, object]) -> Effective:
    """Return *policy* on top of *own* values and the defaults; https if secure."""
    allowed = {each.attribute for each in DECLARATIONS.values() if not each.policy_only}
    own = {attribute: value for attribute, value in own.items() if attribute in allowed}
    settings = DEFAULTS.with_values({**own, **policy})
    if settings.secure:
        settings = replace(
            settings,
            authentication=addresses.secure_address(settings.authentication)[0],
            updates=addresses.secure_address(settings.updates)[0],
        )
    return Effective(settings, frozenset(policy))
