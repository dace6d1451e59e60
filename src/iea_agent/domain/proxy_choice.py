"""Choice of the proxy for a server: bypass lists, proxy lists, and their order."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias
from urllib.parse import urlsplit

from . import addresses
from .addresses import Address, AddressError
from .printable_text import clean_detail
from .settings import ProxyMode, Settings


class Source(Enum):
    """Who decided the route to a server."""

    NONE = "none"  # there is no proxy
    SETTINGS = "settings"  # the agent's own settings
    SYSTEM = "system"  # the system's static setting
    SCRIPT = "script"  # a proxy script (PAC) that the system's setting names
    OPEN_SCRIPT = "open-script"  # such a script that comes over http or from a share
    NETWORK = "network"  # a proxy script that the network offers (WPAD)

    @property
    def is_open(self) -> bool:
        """Whether anybody on the way, in a café for example, may have chosen the proxy."""
        return self in (Source.OPEN_SCRIPT, Source.NETWORK)


@dataclass(frozen=True, slots=True)
class Choice:
    """The proxy for one server, None for direct; *detail* is for the support desk.

    *unusable* is the fault of the configured script if the route is direct for want of it.
    """

    proxy: Address | None = None
    source: Source = Source.NONE
    detail: str = ""
    unusable: ScriptFault | None = None


@dataclass(frozen=True, slots=True)
class ScriptFault:
    """Why a proxy script cannot be used; *script* is its redacted address, or ""."""

    script: str
    reason: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """The system's proxy setting, as in Windows' « Paramètres proxy ».

    *servers* is a proxy list (see ``parse_proxy_list``), *bypass* a bypass list (see ``is_bypassed``), *script* the address of a proxy script.
    """

    detect: bool = False  # find a script on the network (WPAD)
    script: str = ""
    servers: str = ""
    bypass: str = ""


class ScriptUnusable(Exception):
    """A proxy script that cannot be used."""


def redact_script_address(script: str) -> str:
    """Return the address of a script without user, password and query."""
    try:
        parts = urlsplit(script)
        place = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    except ValueError:
        return ""
    return f"{parts.scheme}://{place}{parts.path}" if place else ""


def _script_source(script: str) -> Source:
    """Return who decides if the script at the address *script* does."""
    # "file:///C:/proxy.pac" is on this PC, "file://server/proxy.pac" on a share
    is_sure = re.match(r"https://|file:///[A-Za-z]:", script.strip(), re.IGNORECASE)
    return Source.SCRIPT if is_sure else Source.OPEN_SCRIPT


Evaluate: TypeAlias = Callable[[str, Address], str]
"""Runs the script at an address ("" for the one that the network offers) for a server, and returns its proxy list, "" for the direct route.
Raises ``ScriptUnusable``."""

_KINDS = ("PROXY", "HTTP", "HTTPS", "SOCKS", "SOCKS4", "SOCKS5")


def is_bypassed(address: Address, patterns: str) -> bool:
    """Return whether a bypass list exempts *address* from the proxy.

    The format is Windows': entries separated by « ; », « , » or blanks; « * » for any characters; a scheme before or a port behind if only
    these are meant; ``<local>`` for every name without a dot.
    """
    host = f"[{address.host}]" if ":" in address.host else address.host
    for pattern in re.split(r"[;,\s]+", patterns.lower()):
        if pattern == "<local>":
            if "." not in host and ":" not in host:
                return True
            continue
        scheme, separator, rest = pattern.partition("://")
        if separator and scheme != address.scheme:
            continue
        wanted = rest if separator else pattern
        if wanted.count(":") > 1 and not wanted.startswith("["):
            wanted = f"[{wanted}]"  # an IPv6 address without its brackets
        with_port = re.fullmatch(r"(\[.*\]|[^:]*):(\d+|\*)", wanted)
        if wanted and _matches(wanted, f"{host}:{address.port}" if with_port else host):
            return True
    return False


def _matches(pattern: str, text: str) -> bool:
    """Return whether *text* matches *pattern* with « * », in linear time."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *between, last = rest
    place, end = len(first), len(text) - len(last)
    if place > end or not text.startswith(first) or not text.endswith(last):
        return False
    for part in between:
        at = text.find(part, place, end)
        if at < 0:
            return False
        place = at + len(part)
    return True


_LONGEST_LIST = 4096
"""Characters of a proxy list that are read: each entry takes time, and a script can name thousands."""


@dataclass(frozen=True, slots=True)
class ProxyList:
    """The first usable proxy, or *direct* if that comes first; the entries left out.

    *skipped* has five of them at most, without user and password.
    """

    proxy: Address | None
    direct: bool
    skipped: tuple[str, ...]

    @property
    def detail(self) -> str:
        """What was left out, for the support desk."""
        return "; ".join(f"not supported: {entry}" for entry in self.skipped)


def parse_proxy_list(text: str, scheme: str) -> ProxyList:
    """Return the first usable route of a proxy list for servers of *scheme*.

    The list has the form of a script's answer (``PROXY a:1; SOCKS b:2; DIRECT``) or that of WinHTTP and of Windows' static setting
    (``a:1;http://b:2``, ``http=a:1;https=b:2;socks=c:3``). SOCKS proxies and proxies reached over TLS are left out.
    """
    skipped: list[str] = []
    # a password may contain what separates entries: nothing before the last "@" is quoted
    unsafe = text.count(";", 0, text.rfind("@") + 1) if "@" in text else 0
    for number, entry in enumerate(_split_list(text)):
        words = entry.split()
        if [word.upper() for word in words] == ["DIRECT"]:
            return ProxyList(None, True, _quote(skipped))
        if len(words) == 2 and words[0].upper() in _KINDS:
            kind, words = words[0].upper(), words[1:]
        else:
            kind = "PROXY"
        for word in words:
            meant_for, _, server = word.rpartition("=")
            if meant_for and meant_for.lower() not in (scheme, "socks"):
                continue  # for servers of another scheme
            proxy = None if meant_for.lower() == "socks" else _proxy(kind, server)
            if proxy is not None:
                return ProxyList(proxy, False, _quote(skipped))
            is_unsafe = number < unsafe or ("@" in entry and "@" not in word)
            skipped.append("" if is_unsafe else entry.strip() if len(words) == 1 else word)
    return ProxyList(None, False, _quote(skipped))


def _split_list(text: str) -> list[str]:
    """Return the entries of a proxy list; of too long a one those that are whole."""
    return text.split(";") if len(text) <= _LONGEST_LIST else text[:_LONGEST_LIST].split(";")[:-1]


_MOST_QUOTED = 5
_LONGEST_QUOTED = 80  # characters


def _quote(skipped: Sequence[str]) -> tuple[str, ...]:
    """Return the first *skipped* entries, cut, without what stands before an "@"."""
    quoted = []
    for entry in skipped[:_MOST_QUOTED]:
        text = clean_detail(f"…{entry[entry.rfind('@') :]}" if "@" in entry else entry or "…")
        quoted.append(text if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]}…")
    return (*quoted, "…") if len(skipped) > _MOST_QUOTED else tuple(quoted)


def _proxy(kind: str, server: str) -> Address | None:
    """Return the proxy's address, None if it cannot be used."""
    if kind not in ("PROXY", "HTTP"):
        return None
    try:
        address = addresses.parse(server if "://" in server else f"http://{server}")
    except AddressError:
        return None
    return None if address.secure or address.path else address


def choose_by_settings(settings: Settings, address: Address) -> Choice:
    """Return the choice of settings with ``ProxyMode.NONE`` or ``MANUAL``."""
    if settings.proxy_mode is ProxyMode.NONE or not settings.proxy_address:
        return Choice(None, Source.SETTINGS)
    if is_bypassed(address, settings.proxy_bypass):
        return Choice(None, Source.SETTINGS, "on the bypass list")
    return Choice(addresses.parse(settings.proxy_address), Source.SETTINGS)


def may_authenticate(choice: Choice, settings: Settings) -> bool:
    """Return whether the proxy of *choice* may get a password that was given for it.

    Never if anybody on the way may have named it: any network can name a proxy, and Basic sends it the password in clear.
    """
    return choice.proxy is not None and bool(settings.proxy_user) and not choice.source.is_open


def is_trusted(choice: Choice, settings: Settings) -> bool:
    """Return whether a person or the policy has set the proxy of *choice*.

    Only then may it learn who is signed in to Windows; a proxy that a script or the network names may be anybody's.
    """
    if choice.source in (Source.SETTINGS, Source.SYSTEM):
        return True
    named = settings.proxy_address
    return bool(named) and not choice.source.is_open and choice.proxy == addresses.parse(named)


def choose_by_system(configuration: Configuration, address: Address, evaluate: Evaluate) -> Choice:
    """Return the choice of the system's *configuration*.

    The order is Windows': the network's script, the configured script, the static setting. This machine itself is never reached by a proxy.
    A script that cannot be used is passed over, as browsers do: a laptop at home does not reach the script of the office. If the configured one
    was the only setting, the choice names its fault.
    """
    if address.loopback:
        return Choice()
    left_out: list[str] = []
    unusable: ScriptFault | None = None
    if configuration.detect:
        try:
            return _by_script(evaluate("", address), address, Source.NETWORK)
        except ScriptUnusable as error:
            left_out.append(f"no script from the network: {error}")
    if configuration.script:
        try:
            answer = evaluate(configuration.script, address)
            return _by_script(answer, address, _script_source(configuration.script))
        except ScriptUnusable as error:
            unusable = ScriptFault(redact_script_address(configuration.script), str(error))
            left_out.append(f"script unusable: {error}")
    fixed = choose_fixed(configuration, address)
    detail = "; ".join(filter(None, (*left_out, fixed.detail)))
    if fixed.source is Source.NONE:
        return Choice(None, Source.NONE, detail, unusable)
    return fixed if fixed.proxy is None else Choice(fixed.proxy, Source.SYSTEM, detail)


def choose_fixed(configuration: Configuration, address: Address) -> Choice:
    """Return the choice of the static setting of *configuration* alone."""
    servers = parse_proxy_list(configuration.servers, address.scheme)
    if servers.proxy is None:
        return Choice(None, Source.NONE, servers.detail)
    if is_bypassed(address, configuration.bypass):
        return Choice(None, Source.SYSTEM, "on the bypass list")
    return Choice(servers.proxy, Source.SYSTEM, servers.detail)


def _by_script(answer: str, address: Address, source: Source) -> Choice:
    servers = parse_proxy_list(answer, address.scheme)
    if servers.skipped and servers.proxy is None and not servers.direct:
        raise ScriptUnusable(f"not supported: {', '.join(servers.skipped)}")
    return Choice(servers.proxy, source, servers.detail)
