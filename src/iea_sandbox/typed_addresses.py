"""Addresses as a person may type them: the right one, spoiled in every way that has been seen."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from iea_sandbox.authority import ACCENTED, NAME

_NOBODY = f"serveur-inconnu.{NAME.partition('.')[2]}"


def mistype_address(address: str, how: str, clear_port: int) -> str:
    """The sound *address* with an "address" fault; *clear_port* is where the same server speaks plain http.

    Raises KeyError for a fault that is none of ours.
    """
    parts = urlsplit(address)

    def put(
        scheme: str = parts.scheme, host: str = parts.hostname or "", port: int = parts.port or 443
    ) -> str:
        return urlunsplit((scheme, f"{host}:{port}", parts.path, "", ""))

    match how:
        case "address-quotes":
            return f"«\u00a0{address}\u00a0»"
        case "address-spaces":
            return put(host=f"{parts.hostname} ")
        case "address-no-scheme":
            return address.removeprefix(f"{parts.scheme}://")
        case "address-idn":
            return put(host=ACCENTED)
        case "address-ipv6":
            return put(host="[::1]")
        case "address-port-out-of-range":
            return put(port=99_999)
        case "address-port-80":
            return put(port=clear_port)
        case "address-http":
            return put("http")
        case "address-http-redirect":
            return put("http", port=clear_port)
        case "address-unknown-name":
            return put(host=_NOBODY)
    raise KeyError(how)


def address_by_name(address: str) -> str:
    """The same server by the name that the sandbox's name service knows."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, f"{NAME}:{parts.port}", parts.path, "", ""))
