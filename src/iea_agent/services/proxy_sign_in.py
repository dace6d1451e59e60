"""Signing in at a proxy: challenges are answered, a refusal is remembered.

Credentials are sent only if the proxy asks, by the safest scheme that it offers (RFC 9110, section 11.6), once. What counts towards the lock of an
account is a password that is shown: a refused one is not shown again by itself for 15 minutes.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from .messages import SCHEMES_WITH_PASSWORD, Challenge
from .network import Credentials
from .proxy_answers import ProxyAnswer
from .secret_verdicts import SecretVerdicts

log = logging.getLogger(__name__)

BeginSignIn: TypeAlias = Callable[[str, str], "SignIn"]
"""Begins the sign-in for a request, given its method and target."""


class Exchange(Protocol):
    """A sign-in of several messages on one connection (NTLM, Negotiate)."""

    def respond(self, token: bytes) -> bytes:
        """Return the next message, given the proxy's last one (empty at first).

        Raises ``OSError`` if there is none.
        """

    def close(self) -> None:
        """End it."""


BeginExchange: TypeAlias = Callable[[str, str, str, str], Exchange]
"""Begins an exchange: scheme, host of the proxy, user ("" for the person who is signed in), password. Raises ``OSError``."""


@dataclass(frozen=True, slots=True)
class Identity:
    """With what to sign in, and how.

    *begin* makes the messages of the Windows sign-in, None where the system has none. *is_trusted*: a person or the policy has set the proxy; only then
    the Windows sign-in is used, since it proves who is there to whoever asks.
    """

    credentials: Credentials | None
    verdicts: SecretVerdicts
    begin: BeginExchange | None = None
    is_trusted: bool = False

    @property
    def schemes(self) -> frozenset[str]:
        """The schemes that can be spoken on this system, in lower case."""
        return SCHEMES_WITH_PASSWORD | (frozenset(_EXCHANGED) if self.begin else frozenset())


class SignIn:
    """The sign-in for one request on one connection."""

    def __init__(self, identity: Identity, host: str, method: str, target: str) -> None:
        """*host* is the proxy; it is asked to do *method* on *target*."""
        self.identity = identity
        self._host = host
        self._method = method
        self._target = target
        self._user = identity.credentials.user if identity.credentials else ""
        self._password = identity.credentials.password if identity.credentials else ""
        self._is_allowed: bool | None = None
        self._exchange: Exchange | None = None
        self._scheme = ""
        self._tried: set[str] = set()
        self._continued = 0
        self.is_shown = False
        """Whether the proxy got what proves the password."""
        self.was_refused = False
        """Whether the proxy has refused our user and password, now or a short time ago."""

    def answer(self, answer: ProxyAnswer) -> str:
        """Return the next Proxy-Authorization for *answer*, "" if there is none."""
        # a proxy that does not say what it wants is given the usual
        challenges = answer.challenges or (Challenge("Basic"),)
        # names that we know: a proxy could word anything as one
        offered = " ".join(
            each for each in (*_EXCHANGED, *_AT_ONCE) if each in {c.scheme.lower() for c in challenges}
        )
        log.debug("proxy asks who is there", extra={"fields": {"proxy": self._host, "offered": offered}})
        if self._exchange is not None:
            continued = self._continue(challenges)
            if continued:
                return continued
        if self.is_shown:
            return ""
        for challenge in sorted(challenges, key=_rank):
            scheme = challenge.scheme.lower()
            if scheme not in self._tried and self._can_speak(scheme) and self._may_show():
                self._tried.add(scheme)
                authorization = self._begin(challenge)
                if authorization:
                    return authorization
        return ""

    def end(self, accepted: bool | None) -> None:
        """Take the proxy's verdict; None if it gave none."""
        self._close()
        log.debug(
            "proxy sign-in",
            extra={
                "fields": {"proxy": self._host, "tried": " ".join(sorted(self._tried)), "accepted": accepted}
            },
        )
        if self._is_allowed:
            verdict = accepted if self.is_shown else None
            self.was_refused = verdict is False and bool(self._user)
            self.identity.verdicts.settle(self._user, self._password, accepted=verdict)

    def _can_speak(self, scheme: str) -> bool:
        if scheme in _EXCHANGED:
            return self.identity.begin is not None and self.identity.is_trusted
        return scheme in _AT_ONCE and bool(self._user)

    def _may_show(self) -> bool:
        """Return whether the secret may be shown, which is asked once."""
        if self._is_allowed is None:
            self._is_allowed = self.identity.verdicts.may_show(self._user, self._password)
            self.was_refused = not self._is_allowed and bool(self._user)
        return self._is_allowed

    def _begin(self, challenge: Challenge) -> str:
        scheme = challenge.scheme.lower()
        if scheme in _AT_ONCE and self.identity.credentials is not None:
            respond = _AT_ONCE[scheme]
            authorization = respond(
                self.identity.credentials, challenge.parameters, self._method, self._target
            )
            self.is_shown = bool(authorization)
            return authorization
        self._scheme = challenge.scheme
        try:
            if self.identity.begin is not None:
                self._exchange = self.identity.begin(scheme, self._host, self._user, self._password)
                return self._format(self._exchange.respond(b""))
        except OSError:
            # nobody is signed in, or there is no ticket: the next scheme
            self._close()
        return ""

    def _continue(self, challenges: Iterable[Challenge]) -> str:
        """Return the next message of the exchange, "" if the proxy does not go on with it.

        Its first message proves nothing yet: if the proxy has no answer, another scheme may be tried.
        """
        token = next((c.token for c in challenges if c.token and c.scheme == self._scheme), "")
        try:
            if (
                token
                and self._exchange is not None
                and self._continued < _MOST_CONTINUED[self._scheme.lower()]
            ):
                self._continued += 1
                self.is_shown = True
                return self._format(self._exchange.respond(b64decode(token)))
        except (OSError, ValueError):
            pass
        self._close()
        return ""

    def _format(self, message: bytes) -> str:
        return f"{self._scheme} {b64encode(message).decode()}" if message else ""

    def _close(self) -> None:
        if self._exchange is not None:
            self._exchange.close()
            self._exchange = None


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
        return _HASHES[name](":".join(parts).encode("latin-1"), usedforsecurity=False).hexdigest()

    # what the proxy sent is text in Latin-1, whatever it was: so ours is too, and goes out as it came or as UTF-8
    user, password = (text.encode().decode("latin-1") for text in (credentials.user, credentials.password))
    realm, nonce, client_nonce = (
        parameters.get("realm", ""),
        parameters.get("nonce", ""),
        secrets.token_hex(8),
    )
    secret = digest(user, realm, password)
    if name != algorithm.upper():
        secret = digest(secret, nonce, client_nonce)
    between = (nonce, "00000001", client_nonce, "auth") if counted else (nonce,)
    quoted = {
        "username": user,
        "realm": realm,
        "nonce": nonce,
        "uri": target,
        "response": digest(secret, *between, digest(method, target)),
        **({"opaque": parameters["opaque"]} if "opaque" in parameters else {}),
        **({"cnonce": client_nonce} if counted else {}),
    }
    fields = [f'{field}="{_escape(value)}"' for field, value in quoted.items()]
    fields += [f"algorithm={algorithm}", *(("qop=auth", "nc=00000001") if counted else ())]
    return "Digest " + ", ".join(fields)


def _escape(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", text)


_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}

_EXCHANGED = ("negotiate", "ntlm")
"""The schemes of the Windows sign-in, the safest first."""
_MOST_CONTINUED = {"negotiate": 4, "ntlm": 1}
"""Messages after the first of an exchange: each further one may be one more try at the person's account."""
_AT_ONCE: Mapping[str, Callable[[Credentials, Mapping[str, str], str, str], str]] = {
    "digest": _digest,
    "basic": _basic,
}
"""The schemes that answer at once, the safest first."""


def _rank(challenge: Challenge) -> int:
    """Return the place of a scheme among those that are spoken, the safest first."""
    schemes = (*_EXCHANGED, *_AT_ONCE)
    name = challenge.scheme.lower()
    return schemes.index(name) if name in schemes else len(schemes)
