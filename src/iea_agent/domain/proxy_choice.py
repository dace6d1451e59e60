"""Which proxy a server is reached by: bypass lists, the proxy lists that Windows and proxy scripts give, and the order in which they are heeded."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias
from urllib.parse import urlsplit

from . import addresses
from .addresses import Address, AddressError
from .settings import ProxyMode, Settings


class Source(Enum):
    """Who decided the way to a server."""

    NONE = "none"  # nobody: there is no proxy
    SETTINGS = "settings"  # the person's own
    SYSTEM = "system"  # the system's static setting
    SCRIPT = "script"  # a proxy script (PAC) that the system's setting names
    NETWORK = "network"  # a proxy script that the network offers (WPAD)


@dataclass(frozen=True, slots=True)
class Choice:
    """The proxy for one server, or None for the direct way. *detail* says in English what was passed over, for the support desk."""

    proxy: Address | None = None
    source: Source = Source.NONE
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The system's proxy setting as Windows keeps it: what is ticked and filled in under « Paramètres proxy ».

    *servers* is a proxy list (``read``), *bypass* a bypass list (``bypassed``), *script* the address of a proxy script.
    """

    detect: bool = False  # find a script on the network (WPAD)
    script: str = ""
    servers: str = ""
    bypass: str = ""


class ScriptUnusable(Exception):
    """A proxy script that could not be found, fetched or run, or whose answer cannot be used. Its text is technical evidence in English.

    *script* is its address as it may be shown (``shown``), "" where the network offers none.
    """

    def __init__(self, evidence: str, script: str = "") -> None:
        super().__init__(evidence)
        self.script = script


def redact_script_address(script: str) -> str:
    """The address of a script as it may be shown: without user, password and query."""
    try:
        parts = urlsplit(script)
        place = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    except ValueError:
        return ""
    return f"{parts.scheme}://{place}{parts.path}" if place else ""


Evaluate: TypeAlias = Callable[[str, Address], str]
"""From the address of a script ("" for the one that the network offers) and of a server to the script's answer: a proxy list, "" for the direct way.
Raises ``ScriptUnusable``."""

_KINDS = ("PROXY", "HTTP", "HTTPS", "SOCKS", "SOCKS4", "SOCKS5")


def is_bypassed(address: Address, patterns: str) -> bool:
    """Whether a bypass list exempts *address* from the proxy.

    As in Windows' own: entries with « ; », « , » or blanks between them, « * » for any characters, a scheme before or a port behind where only these
    are meant, ``<local>`` for every name without a dot.
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
            wanted = f"[{wanted}]"  # an IPv6 literal as nobody should write it, and many do
        with_port = re.fullmatch(r"(\[.*\]|[^:]*):(\d+|\*)", wanted)
        if wanted and _matches(wanted, f"{host}:{address.port}" if with_port else host):
            return True
    return False


def _matches(pattern: str, text: str) -> bool:
    """Whether *text* is *pattern*, in which « * » stands for any characters. In linear time: the list may be anybody's."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *between, last = rest
    place, end = len(first), len(text) - len(last)
    if place > end or not text.startswith(first) or not text.endswith(last):
        return False
    for part in between:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


@dataclass(frozen=True, slots=True)
class ProxyList:
    """What a proxy list says for one scheme: its first usable proxy, whether a direct way comes before it, and what was passed over."""

    proxy: Address | None
    direct: bool
    skipped: tuple[str, ...]


def parse_proxy_list(text: str, scheme: str) -> ProxyList:
    """The first way of a proxy list that can be used for servers of *scheme*.

    Understood are a script's own words (``PROXY a:1; SOCKS b:2; DIRECT``) and what WinHTTP makes of them, which is also how Windows writes its static
    setting (``a:1;http://b:2``, ``http=a:1;https=b:2;socks=c:3``). A proxy is spoken to in plain http; SOCKS, and proxies reached over TLS, are passed over.
    """
    skipped: list[str] = []
    for entry in text.split(";"):
        words = entry.split()
        if [word.upper() for word in words] == ["DIRECT"]:
            return ProxyList(None, True, tuple(skipped))
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
                return ProxyList(proxy, False, tuple(skipped))
            skipped.append(entry.strip() if len(words) == 1 else word)
    return ProxyList(None, False, tuple(skipped))


def _proxy(kind: str, server: str) -> Address | None:
    """The proxy's address, None where it cannot be used."""
    if kind not in ("PROXY", "HTTP"):
        return None
    try:
        read = addresses.parse(server if "://" in server else f"http://{server}")
    except AddressError:
        return None
    return None if read.secure or read.path else read


def choose_by_settings(chosen: Settings, address: Address) -> Choice:
    """The choice of settings that leave nothing to the system (``ProxyMode.NONE`` and ``MANUAL``)."""
    if chosen.proxy_mode is ProxyMode.NONE or not chosen.proxy_address:
        return Choice(None, Source.SETTINGS)
    if is_bypassed(address, chosen.proxy_bypass):
        return Choice(None, Source.SETTINGS, "on the bypass list")
    return Choice(addresses.parse(chosen.proxy_address), Source.SETTINGS)


def may_authenticate(choice: Choice, chosen: Settings) -> bool:
    """Whether the proxy of *choice* may be told the user and password of *chosen*.

    They were given for the proxy whose address stands beside them. Where none does, for the system's: but never for one that the network offers, for any
    café can offer one, and Basic tells it the password in clear.
    """
    if choice.proxy is None or not chosen.proxy_user:
        return False
    if chosen.proxy_address:
        return choice.proxy == addresses.parse(chosen.proxy_address)
    return choice.source is not Source.NETWORK


def choose_by_system(configuration: Configuration, address: Address, evaluate: Evaluate) -> Choice:
    """The choice that the system's *configuration* makes, in Windows' order: the network's script, the script named, the static setting.

    This machine itself is never sent to a proxy. That the network offers no script, or a broken one, is no failure: looking for one is what Windows
    does unasked. Raises ``ScriptUnusable`` when the script that is named cannot be used and there is no static setting to fall back on.
    """
    if address.loopback:
        return Choice()
    passed_over: list[str] = []
    if configuration.detect:
        try:
            return _by_script(evaluate("", address), address, Source.NETWORK)
        except ScriptUnusable as error:
            passed_over.append(f"no script from the network: {error}")
    if configuration.script:
        try:
            return _by_script(evaluate(configuration.script, address), address, Source.SCRIPT)
        except ScriptUnusable as error:
            if not configuration.servers:
                raise ScriptUnusable(str(error), redact_script_address(configuration.script)) from None
            passed_over.append(f"script unusable: {error}")
    found = parse_proxy_list(configuration.servers, address.scheme)
    passed_over += [f"not supported: {entry}" for entry in found.skipped]
    detail = "; ".join(passed_over)
    if found.proxy is None:
        return Choice(None, Source.NONE, detail)
    if is_bypassed(address, configuration.bypass):
        return Choice(None, Source.SYSTEM, "on the bypass list")
    return Choice(found.proxy, Source.SYSTEM, detail)


def _by_script(answer: str, address: Address, source: Source) -> Choice:
    found = parse_proxy_list(answer, address.scheme)
    if found.skipped and found.proxy is None and not found.direct:
        raise ScriptUnusable(f"not supported: {', '.join(found.skipped)}")
    return Choice(found.proxy, source, "; ".join(f"not supported: {entry}" for entry in found.skipped))
