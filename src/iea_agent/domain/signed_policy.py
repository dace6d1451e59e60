"""The signed policy and the notices: what the publisher tells every agent.

Both are targets of the update repository, one JSON object each, and what an agent does with them is bounded here: they hold text, dates, versions
and addresses with https, nothing that makes a connection weaker. A document with one impossible value counts as a whole for nothing: what was read
before stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, TypeVar

from . import addresses, timing
from .interceptors import Interceptor, ProductKind
from .program_version import order_version
from .settings import DECLARATIONS, SettingsError

POLICY_FILE = "policy.json"
NOTICES_FILE = "notices.json"
REGISTER_FILE = "register.json"
"""The names of these targets in the repository."""
SCHEMA = 1
LARGEST_TEXT = 200_000
"""Characters of a document."""
MOST_NOTICES = 10
MOST_CHANGES = 4
MOST_INTERCEPTORS = 200
MOST_PAGES = 60
LONGEST_PAGE = 16_384
LONGEST_SENTENCE = 300
WEAKENING = frozenset(
    ("connection", "proxy", "licence", "ca_file", "authorities", "pins", "token_hosts", "secure", "program")
)
"""Names that no signed policy has: who trusts whom is decided on the PC."""
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_CODE = re.compile(r"IEA-[A-Z][0-9]{2}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

_Value = TypeVar("_Value")
_Document = Mapping[str, object]


class PolicyError(ValueError):
    """A document that no agent takes; the message says where and why, for a log."""


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in French, and in English or ""."""

    fr: str
    en: str = ""

    def pick(self, language: str) -> str:
        """Return the sentence in *language*, else in French."""
        return (self.en if language == "en" else "") or self.fr


@dataclass(frozen=True, slots=True)
class Notice:
    """An incident that the publisher knows of; times in seconds since 1970.

    *next_news* is when more will be said, None if it is open. With *no_need_to_write*, nobody has to tell support.
    """

    since: float
    until: float
    text: Words
    next_news: float | None = None
    no_need_to_write: bool = True


@dataclass(frozen=True, slots=True)
class ReplacedAddress:
    """An address that another one replaces."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class AnnouncedChange:
    """New addresses of the servers from *begins* on; times in seconds since 1970.

    From *rehearses* on the new servers answer, and agents try if they reach them. What does not change is None.
    """

    name: str
    rehearses: float
    begins: float
    authentication: ReplacedAddress | None = None
    updates: ReplacedAddress | None = None


@dataclass(frozen=True, slots=True)
class MinimumVersions:
    """The least versions that the servers go on to serve; "" for any."""

    agent: str = ""
    product: str = ""


@dataclass(frozen=True, slots=True)
class SignedPolicy:
    """What a publisher's policy says; what it says nothing of is "" or empty.

    *pages* are pages on problems by code, newer than those of the program, in its subset of Markdown. *ignored* are names that this agent does not
    know: a newer one may.
    """

    support_address: str = ""
    minimum: MinimumVersions = MinimumVersions()
    interceptors: tuple[Interceptor, ...] = ()
    pages: Mapping[str, Words] = field(default_factory=dict)
    changes: tuple[AnnouncedChange, ...] = ()
    ignored: tuple[str, ...] = ()


def parse_policy(text: str) -> SignedPolicy:
    """Parse the text of ``policy.json``. Raises ``PolicyError``."""
    document = _load(text)
    weakening = sorted(WEAKENING & {name.lower() for name in document})
    if weakening:
        raise PolicyError(f"{weakening[0]}: no signed policy may set it, it is decided on the PC")
    names = {each.name for each in fields(SignedPolicy)} - {"ignored"}
    values = {name: _within(name, RULES[name], document[name]) for name in sorted(names & document.keys())}
    return SignedPolicy(**values, ignored=tuple(sorted(document.keys() - names - {"schema"}))[:20])


def parse_notices(text: str) -> tuple[Notice, ...]:
    """Parse the text of ``notices.json``. Raises ``PolicyError``."""
    return tuple(_within("notices", _list_of(_notice, MOST_NOTICES), _load(text).get("notices")))


def find_notice(notices: Iterable[Notice], now: float) -> Notice | None:
    """Return the latest notice that holds at *now*, None if there is none."""
    holding = (notice for notice in notices if notice.since <= now < notice.until)
    return max(holding, key=lambda notice: notice.since, default=None)


def format_time(seconds: float) -> str:
    """Return a time in seconds since 1970 as the documents have it."""
    return datetime.fromtimestamp(seconds, UTC).strftime(_TIME)


# The documents


def _load(text: str) -> dict[str, Any]:
    if len(text) > LARGEST_TEXT:
        raise PolicyError(f"more than {LARGEST_TEXT} characters")
    try:
        document = json.loads(text, object_pairs_hook=_refuse_twice)
    except RecursionError:
        raise PolicyError("nested too deeply") from None
    except ValueError as error:
        raise PolicyError(f"not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise PolicyError(f"an object of schema {SCHEMA} expected")
    return document


def _refuse_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name stands twice")
    return document


def _within(name: str, rule: Callable[[Any], _Value], value: object) -> _Value:
    """Return *value* by its *rule*; a refusal says where. Raises ``PolicyError``."""
    try:
        return rule(value)
    except (ValueError, SettingsError) as error:
        raise PolicyError(f"{name}: {error}") from None


def _object(value: object, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Any]:
    """Return *value* if it is an object with just these names."""
    wanted = set(required)
    if not isinstance(value, dict) or not wanted <= value.keys() or value.keys() - wanted - set(optional):
        raise ValueError(f"an object with {', '.join((*required, *optional))} expected")
    return value


def _list_of(rule: Callable[[Any], _Value], most: int) -> Callable[[Any], tuple[_Value, ...]]:
    def check(value: object) -> tuple[_Value, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise ValueError(f"a list of {most} at most expected")
        return tuple(rule(each) for each in value)

    return check


# Values


def _match(value: object, pattern: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{what} expected")
    return value


def _time(value: object) -> float:
    if not isinstance(value, str) or len(value) > 20:
        raise ValueError("a time expected, 2027-03-01T06:00:00Z for example")
    return datetime.strptime(value, _TIME).replace(tzinfo=UTC).timestamp()


def _sentence(value: object, longest: int = LONGEST_SENTENCE) -> str:
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise ValueError(f"one printable line of {longest} characters at most expected")
    return value


def _page(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_PAGE or not value.replace("\n", "").isprintable():
        raise ValueError(f"printable lines of {LONGEST_PAGE} characters at most expected")
    if "http://" in value.lower():
        raise ValueError("a link without https")
    return value


def _words(rule: Callable[[object], str]) -> Callable[[Any], Words]:
    def check(value: object) -> Words:
        document = _object(value, ("fr",), ("en",))
        words = Words(rule(document["fr"]), rule(document.get("en", "")))
        if not words.fr.strip():
            raise ValueError("nothing said")
        return words

    return check


def _address(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("an address expected")
    address = addresses.parse(value)
    if not address.secure or str(address) != value:
        raise ValueError("an address expected that begins with https:// and has no slash at the end")
    return value


def _notice(value: object) -> Notice:
    document = _object(value, ("since", "until", "text"), ("next_news", "no_need_to_write"))
    next_news = document.get("next_news")
    needless = document.get("no_need_to_write", True)
    notice = Notice(
        _time(document["since"]),
        _time(document["until"]),
        _words(_sentence)(document["text"]),
        None if next_news is None else _time(next_news),
        needless is True,
    )
    if not isinstance(needless, bool):
        raise ValueError("no_need_to_write: true or false expected")
    if not 0 < notice.until - notice.since <= timing.NOTICE_LONGEST:
        raise ValueError("until: after since, a week at most, expected")
    return notice


def _minimum(value: object) -> MinimumVersions:
    document = _object(value, (), ("agent", "product"))
    return MinimumVersions(**{name: _version(each) for name, each in document.items()})


def _version(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a version expected")
    order_version(value)
    return value


def _interceptor(value: object) -> Interceptor:
    document = _object(value, ("name", "kind", "setting", "marks"))
    marks = _list_of(_mark, 10)(document["marks"])
    if not marks:
        raise ValueError("marks: one at least expected")
    return Interceptor(
        _sentence(document["name"], 60),
        ProductKind(document["kind"]),
        _sentence(document["setting"], 600),
        marks,
    )


def _mark(value: object) -> str:
    mark = _sentence(value, 60)
    # shorter ones would be in the names of honest issuers
    if len(mark) < 4 or mark != mark.casefold().strip():
        raise ValueError("marks: 4 letters at least, small ones, expected")
    return mark


def _pages(value: object) -> dict[str, Words]:
    if not isinstance(value, dict) or len(value) > MOST_PAGES:
        raise ValueError(f"an object of {MOST_PAGES} pages at most expected")
    return {_match(code, _CODE, "a problem's code"): _words(_page)(page) for code, page in value.items()}


def _change(value: object) -> AnnouncedChange:
    document = _object(value, ("name", "rehearses", "begins"), ("authentication", "updates"))
    change = AnnouncedChange(
        _match(document["name"], _NAME, "a name of small letters"),
        _time(document["rehearses"]),
        _time(document["begins"]),
        _replaced(document.get("authentication")),
        _replaced(document.get("updates")),
    )
    if not (change.authentication or change.updates):
        raise ValueError("nothing changes")
    if change.begins - change.rehearses < timing.REHEARSAL_LEAD:
        raise ValueError("rehearses: 21 days before begins at least, so that everybody is told in time")
    return change


def _replaced(value: object) -> ReplacedAddress | None:
    if value is None:
        return None
    document = _object(value, ("old", "new"))
    replaced = ReplacedAddress(_address(document["old"]), _address(document["new"]))
    if replaced.old == replaced.new:
        raise ValueError("the new address is the old one")
    return replaced


def _changes(value: object) -> tuple[AnnouncedChange, ...]:
    changes = _list_of(_change, MOST_CHANGES)(value)
    if len({change.name for change in changes}) != len(changes):
        raise ValueError("a name stands twice")
    return changes


def _support_address(value: object) -> str:
    return str(DECLARATIONS["support.address"].check(value))


RULES: Mapping[str, Callable[[Any], Any]] = {
    "support_address": _support_address,
    "minimum": _minimum,
    "interceptors": _list_of(_interceptor, MOST_INTERCEPTORS),
    "pages": _pages,
    "changes": _changes,
}
"""The rule of each value of a policy, by name."""
