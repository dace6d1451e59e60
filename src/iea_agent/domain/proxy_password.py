"""The password of a proxy, with the address for which it was given."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import addresses
from .addresses import Address, AddressError


@dataclass(frozen=True, slots=True)
class ProxyPassword:
    """A password, and the *proxy* for which the person or the policy gave it.

    It is sent to that proxy only. *proxy* is "" where none is meant: the password then goes nowhere. It stays out of the repr.
    """

    proxy: str
    password: str = field(repr=False)

    def is_for(self, proxy: Address | None) -> bool:
        """Return whether it was given for *proxy*."""
        try:
            return proxy is not None and bool(self.proxy) and addresses.parse(self.proxy) == proxy
        except AddressError:
            return False

    def to_secret(self) -> str:
        """Return it as the vault keeps it: no password has a line end."""
        return f"{self.proxy}\n{self.password}"


def parse_secret(secret: str) -> ProxyPassword:
    """Return what the vault has kept as *secret*."""
    proxy, _, password = secret.rpartition("\n")
    return ProxyPassword(proxy, password)
