"""Requests and replies as values, and what their headers say."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType, UnionType
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import SplitResult, urljoin, urlsplit

from iea_agent.domain import addresses, problems
from iea_agent.domain.addresses import AddressError
from iea_agent.domain.evidence import RedirectTarget
from iea_agent.domain.problems import Problem
from iea_agent.domain.secret_spellings import make_blotter

_LONGEST_WAIT = 100
"""Characters of a Retry-After that are read; a date has 29."""
SCHEMES_WITH_PASSWORD = frozenset({"basic", "digest"})
"""The ways to sign in with user and password, in lower case."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Headers and body stay out of its repr: they carry the licence key."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply; header names are in lower case, and the body is not in the repr."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def decoded_body(self) -> str:
        """The body as text: what its byte order mark says, else UTF-8, else Latin-1."""
        marked = self.body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        try:
            return self.body.decode("utf-16" if marked else "utf-8-sig")
        except UnicodeDecodeError:
            return self.body.decode("latin-1")

    def without(self, secrets: Sequence[str]) -> Reply:
        """Return this reply without *secrets* that the server repeats."""
        blot = make_blotter(secrets)
        headers = {name: blot(value) for name, value in self.headers.items()}
        return Reply(self.status, headers, blot(self.decoded_body).encode(errors="replace"))

    @property
    def is_success(self) -> bool:
        """Whether the content is what was asked for (RFC 9110, section 15.3)."""
        return 200 <= self.status < 300

    def parse_object(self, **members: type | UnionType) -> dict[str, Any] | None:
        """Return the body as an object with *members* (see ``has_members``), else None."""
        try:
            # not strict: a line break inside a text does no harm
            value = json.loads(self.decoded_body, strict=False)
        except (ValueError, RecursionError):
            return None
        return value if has_members(value, **members) else None

    @property
    def retry_after(self) -> float | None:
        """The server's Retry-After in seconds, a day at most (RFC 9110, section 10.2.3).

        A date is compared with the server's own clock, not with this PC's.
        """
        text = self.headers.get("retry-after", "").strip()[:_LONGEST_WAIT]
        # twice, if two devices on the way add it; with a fraction or a unit that it does not have
        seconds = re.match(r"([0-9]{1,9})[0-9]*(?:\.[0-9]+)?\s*(?:s|sec|seconds)?(?=[,;]|$)", text)
        if seconds:
            return float(min(int(seconds[1]), 86_400))
        try:
            wait = _parse_date(text) - _parse_date(self.headers.get("date", ""))
        except (ValueError, TypeError, OverflowError):
            # no date, half a date, or a zone out of range
            return None
        return min(max(wait.total_seconds(), 0.0), 86_400.0)

    @property
    def server_time(self) -> float | None:
        """The server's clock in seconds since 1970: Date plus Age (RFC 9110, RFC 9111)."""
        try:
            date = _parse_date(self.headers.get("date", ""))
        except (ValueError, TypeError, OverflowError):
            return None
        age = self.headers.get("age", "").strip()
        cached = float(age[:9]) if age.isascii() and age.isdigit() else 0.0
        return date.timestamp() + cached


def _parse_date(text: str) -> datetime:
    """Return the date in *text*, in UTC without a zone (RFC 9110, section 5.6.7)."""
    date = parsedate_to_datetime(text)
    return date.replace(tzinfo=date.tzinfo or UTC)


def has_members(value: object, /, **members: type | UnionType) -> TypeGuard[dict[str, Any]]:
    """Return whether *value* is an object with *members*; a missing one is None."""
    return isinstance(value, dict) and all(
        isinstance(value.get(name), kind) for name, kind in members.items()
    )


def find_redirect_target(reply: Reply) -> RedirectTarget | None:
    """Return scheme and host of a redirection, None if it names no host.

    The rest of the address is left out: it may carry a session. The host is in ASCII, as the name service has it, since letters of another alphabet
    look like ours. What cannot be the name of a host, a sentence for example, is not repeated.
    """
    there = parse_location(reply)
    if not there.hostname:
        return None
    host = f"[{there.hostname}]" if ":" in there.hostname else there.hostname
    try:
        place = addresses.parse(f"{there.scheme or 'https'}://{host}")
    except AddressError:
        return None
    return RedirectTarget(place.origin)


def judge_proxy_challenge(
    challenges: Iterable[Challenge],
    detail: str,
    *,
    refused: bool,
    spoken: frozenset[str] = SCHEMES_WITH_PASSWORD,
) -> tuple[Problem, str]:
    """Return the problem behind *challenges*, and *detail* with their schemes.

    *refused*: the proxy has refused user and password. *spoken* are the schemes that we can answer, in lower case.
    """
    schemes = [challenge.scheme for challenge in challenges]
    if schemes:
        detail = f"{detail}, asks for {', '.join(schemes)}"
    if refused:
        return problems.PROXY_REFUSES_PASSWORD, detail
    if schemes and not spoken & {scheme.lower() for scheme in schemes}:
        return problems.PROXY_SIGN_IN_UNKNOWN, detail
    return problems.PROXY_WANTS_PASSWORD, detail


def parse_location(reply: Reply, base: str = "") -> SplitResult:
    """Return the target of a redirection; all its parts are empty if there is none.

    With the address that was asked for as *base*, it is complete.
    """
    try:
        parts = urlsplit(urljoin(base, reply.headers.get("location", "")[:LONGEST_FIELD]))
        parts.hostname  # noqa: B018  reading it is what may fail
    except ValueError:
        return urlsplit("")
    return parts


class Challenge(NamedTuple):
    """One way to sign in that is offered, and its parameters; *token* if it has none."""

    scheme: str
    parameters: Mapping[str, str] = MappingProxyType({})
    token: str = ""


LONGEST_FIELD = 4096
"""Characters of a field that are parsed: what goes on longer is no challenge."""
_MOST_CHALLENGES = 10

_PIECES = re.compile(r'"(?:\\.|[^"\\])*"?|,|[^,"]+', re.DOTALL)
"""What a list consists of (RFC 9110, 5.6). A quoted text may lack its end: else each quotation mark behind it would be looked for an end again."""
_SCHEME = re.compile(r"([A-Za-z][\w.+-]{0,30})(?:(?=\s+[^\s=])|$)")
_PARAMETER_NAME = re.compile(r"[\w.+-]+")
_TOKEN = re.compile(r"[\w.~+/-]+=*")
"""token68 of RFC 9110, which may end with "=", too."""


def parse_challenges(fields: Iterable[str]) -> tuple[Challenge, ...]:
    """Return up to ten challenges of Proxy-Authenticate *fields* (RFC 9110, 11.6.1)."""
    challenges: list[Challenge] = []
    for value in fields:
        parameters: dict[str, str] = {}
        for part in _split_list(value[:LONGEST_FIELD]):
            scheme = _SCHEME.match(part)
            rest = part[scheme.end() :].strip() if scheme else part
            if scheme is not None:
                parameters = {}
                token = rest if _TOKEN.fullmatch(rest) else ""
                challenges.append(Challenge(scheme[1], parameters, token))
            parameters.update(_parse_parameter(rest))
    return tuple(challenges[:_MOST_CHALLENGES])


def _split_list(value: str) -> list[str]:
    """Return what stands between commas; those in quotes do not count."""
    parts = [""]
    for piece in _PIECES.findall(value):
        if piece == ",":
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts]


def _parse_parameter(text: str) -> dict[str, str]:
    """Return the parameter in *text* by its name in lower case, {} if it is none."""
    name, equals, value = (each.strip() for each in text.partition("="))
    if not equals or not _PARAMETER_NAME.fullmatch(name):
        return {}
    if len(value) > 1 and value[0] == value[-1] == '"':
        return {name.lower(): re.sub(r"\\(.)", r"\1", value[1:-1])}
    return {} if '"' in value or "=" in value else {name.lower(): value}
