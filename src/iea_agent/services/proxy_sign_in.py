"""Signing in at a proxy: challenges are answered, a refusal is remembered.

Credentials are sent only if the proxy asks, by the safest scheme that it offers (RFC 9110, section 11.6), once. What counts towards the lock of an
account is a password that is shown: a refused one is not shown again by itself for 15 minutes.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import TypeAlias

from .messages import Challenge
from .network import Credentials
from .proxy_answers import ProxyAnswer
from .secret_verdicts import SecretVerdicts

BeginSignIn: TypeAlias = Callable[[str, str], "SignIn"]
"""Begins the sign-in for a request, given its method and target."""


class SignIn:
    """The sign-in for one request on one connection."""

    def __init__(
        self, credentials: Credentials | None, verdicts: SecretVerdicts, method: str, target: str
    ) -> None:
        self._credentials = credentials
        self._verdicts = verdicts
        self._method = method
        self._target = target
        self.is_shown = False
        """Whether the credentials were sent."""
        self.was_refused = False
        """Whether the proxy has refused the credentials, now or a short time ago."""

    def answer(self, answer: ProxyAnswer) -> str:
        """Return the next Proxy-Authorization for *answer*, "" if there is none."""
        if self._credentials is None or self.is_shown:
            return ""
        # a proxy that does not say what it wants is given the usual
        for challenge in sorted(answer.challenges, key=_rank) or (Challenge("Basic", {}),):
            respond = _SCHEMES.get(challenge.scheme.lower())
            if respond is None:
                continue
            authorization = respond(self._credentials, challenge.parameters, self._method, self._target)
            if authorization:
                self.is_shown = self._verdicts.may_show(self._credentials.user, self._credentials.password)
                self.was_refused = not self.is_shown
                return authorization if self.is_shown else ""
        return ""

    def end(self, accepted: bool | None) -> None:
        """Take the proxy's verdict; None if it gave none."""
        if self.is_shown and self._credentials is not None:
            self.was_refused = accepted is False
            user, password = self._credentials.user, self._credentials.password
            self._verdicts.settle(user, password, accepted=accepted)


def _basic(credentials: Credentials, _parameters: Mapping[str, str], _method: str, _target: str) -> str:
    """Return the authorization of RFC 7617, in UTF-8."""
    return "Basic " + b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()


def _digest(credentials: Credentials, parameters: Mapping[str, str], method: str, target: str) -> str:
    """Return the authorization of RFC 7616, "" if something unknown is wanted."""
    algorithm, offered = parameters.get("algorithm", "MD5"), parameters.get("qop", "")
    name = algorithm.upper().removesuffix("-SESS")
    counted = "auth" in [quality.strip() for quality in offered.split(",")]
    if name not in _HASHES or (offered and not counted):
        return ""

    def digest(*parts: str) -> str:
        return _HASHES[name](":".join(parts).encode(), usedforsecurity=False).hexdigest()

    realm, nonce, client_nonce = (
        parameters.get("realm", ""),
        parameters.get("nonce", ""),
        secrets.token_hex(8),
    )
    secret = digest(credentials.user, realm, credentials.password)
    if name != algorithm.upper():
        secret = digest(secret, nonce, client_nonce)
    between = (nonce, "00000001", client_nonce, "auth") if counted else (nonce,)
    quoted = {
        "username": credentials.user,
        "realm": realm,
        "nonce": nonce,
        "uri": target,
        "response": digest(secret, *between, digest(method, target)),
        **({"opaque": parameters["opaque"]} if "opaque" in parameters else {}),
        **({"cnonce": client_nonce} if counted else {}),
    }
    fields = [f'{field}="{_escape(value)}"' for field, value in quoted.items()]
    fields += [f"algorithm={algorithm}", *(("qop=auth", "nc=00000001") if counted else ())]
    # in a header, httpcore sends what is not ASCII as it comes: as Latin-1
    return "Digest " + ", ".join(fields).encode().decode("latin-1")


def _escape(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", text)


_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}

_SCHEMES: Mapping[str, Callable[[Credentials, Mapping[str, str], str, str], str]] = {
    "digest": _digest,
    "basic": _basic,
}
"""The schemes that answer at once, the safest first."""


def _rank(challenge: Challenge) -> int:
    """Return the place of a scheme among those that are spoken, the safest first."""
    schemes = [*_SCHEMES]
    name = challenge.scheme.lower()
    return schemes.index(name) if name in schemes else len(schemes)
