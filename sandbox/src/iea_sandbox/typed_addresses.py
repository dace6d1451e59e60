"""Addresses as a person may mistype them, for each "address" fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, urlsplit

from iea_sandbox.authority import ACCENTED, NAME

_UNKNOWN_HOST = f"serveur-inconnu.{NAME.partition('.')[2]}"


def _replace(parts: SplitResult, *, scheme: str = "", host: str = "", port: int = 0) -> str:
    """Return the address with what is given in place of its own."""
    netloc = f"{host or parts.hostname}:{port or parts.port or 443}"
    return parts._replace(scheme=scheme or parts.scheme, netloc=netloc).geturl()


_MISTAKES: Mapping[str, Callable[[SplitResult, int], str]] = {
    "address-quotes": lambda parts, _: f"«\u00a0{parts.geturl()}\u00a0»",
    "address-spaces": lambda parts, _: _replace(parts, host=f"{parts.hostname} "),
    "address-no-scheme": lambda parts, _: parts.geturl().removeprefix(f"{parts.scheme}://"),
    "address-idn": lambda parts, _: _replace(parts, host=ACCENTED),
    "address-ipv6": lambda parts, _: _replace(parts, host="[::1]"),
    "address-port-out-of-range": lambda parts, _: _replace(parts, port=99_999),
    "address-port-80": lambda parts, clear_port: _replace(parts, port=clear_port),
    "address-http": lambda parts, _: _replace(parts, scheme="http"),
    "address-http-redirect": lambda parts, clear_port: _replace(parts, scheme="http", port=clear_port),
    "address-unknown-name": lambda parts, _: _replace(parts, host=_UNKNOWN_HOST),
}


def mistype_address(address: str, fault: str, clear_port: int) -> str:
    """Return *address* with the mistake of an "address" fault.

    *clear_port* is the port at which the same server speaks plain http. Raises KeyError for another fault.
    """
    return _MISTAKES[fault](urlsplit(address), clear_port)


def address_by_name(address: str, name: str = NAME) -> str:
    """Return *address* with a name that the sandbox's name server resolves."""
    return _replace(urlsplit(address), host=name)
