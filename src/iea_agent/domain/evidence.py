"""Typed evidence: what is particular to one failure.

``Problem.evidence`` names the type that failures of a problem can carry; ``shell/wording/problem_details.py`` has a sentence for each type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .addresses import Malformed


@dataclass(frozen=True, slots=True)
class MalformedAddress:
    """Why an address cannot be used."""

    kind: Malformed


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """The server's clock minus this PC's, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ClockConfirmed:
    """A server's clock agrees with this PC's, which therefore is not to blame."""


@dataclass(frozen=True, slots=True)
class InterceptedBy:
    """The name of a product in the table of ``interceptors``."""

    product: str


@dataclass(frozen=True, slots=True)
class CertificateHosts:
    """The server names that a certificate is for."""

    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefusalGround:
    """What a refusal is about: the right that was asked for.

    *scope* is "" if the server wants one and none is set, None if the server gave no reason at all.
    """

    scope: str | None


@dataclass(frozen=True, slots=True)
class NamedEvidence:
    """Evidence that is one name, path or address. A server may have chosen it."""

    name: str


class RedirectTarget(NamedEvidence):
    """Scheme and host of a redirection."""


class PortalPage(NamedEvidence):
    """Scheme and host of the page that a captive portal shows."""


class AnswerInClear(NamedEvidence):
    """What answers over http where https fails: perhaps a captive portal."""


class ResolvedAddress(NamedEvidence):
    """The addresses that the name service gave for a name."""


class PageTitle(NamedEvidence):
    """The title of a web page that came instead of an answer."""


class DeclaredIssuer(NamedEvidence):
    """The issuer in a discovery document."""


class TokenEndpoint(NamedEvidence):
    """The origin of the token endpoint in a discovery document."""


class ProxyInvolved(NamedEvidence):
    """The origin of the proxy."""


class SignInWanted(NamedEvidence):
    """The ways to sign in that a proxy offers."""


class ProxyScript(NamedEvidence):
    """The address of the proxy script (PAC), without credentials and query."""


class FileInvolved(NamedEvidence):
    """The path of a file on this PC."""


Evidence: TypeAlias = (
    MalformedAddress
    | ClockOffset
    | ClockConfirmed
    | InterceptedBy
    | CertificateHosts
    | RefusalGround
    | NamedEvidence
)
