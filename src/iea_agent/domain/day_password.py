"""The password of the day, scheme ``iea-mdp-jour/1``: how the desk derives it, how a person may type it, how a PC without any secret checks it.

A master key gives a key for each month, which gives a number of 50 bits for each day. People see the number in one of two forms::

    24-29Y7-1GV3-S0Y4                          for e-mail: the day, ten symbols of the number, two check symbols
    24 article subtil chrome ravager insolite  for the telephone: the day, five words

A PC holds a register of one salted slow hash a day, which gives no password away. Checking goes in three steps, because only the last is slow
and only the last is a try: ``parse_typed_password``, ``find_candidate``, ``check_candidate`` (a fifth of a second and 64 MiB: never on a thread
that draws). Results are values; the sentences are the shell's. Nothing here shows a password in its representation.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from functools import cache

from .day_words import WORDS

SCHEME = "iea-mdp-jour/1"
EVERYONE = "*"
"""The scope of a password that holds on every PC; any other scope is the number of one installation."""

DAYS_BACK = 3
"""A password holds until this many days after its own: Friday's mail is read on Monday."""
DAYS_AHEAD = 1
"""A password is taken this many days before its own: the clock may be a day slow, the clerk in Martinique."""

_BITS = 50
_SYMBOLS = 10
_GROUP = 4
_CODE = _SYMBOLS + 2
_WORD_COUNT = 5
_WORD_LETTERS = 4
_WORD_CHECK_BITS = 5
_LONGEST = 200  # characters: what is longer was pasted by mistake
_UTC_OFFSET = 3600  # seconds: UTC+01:00 all year, so that no time-zone database is needed


# --- the day -------------------------------------------------------------------------------------------------------------------------


def compute_today(wall: float, floor: date) -> date:
    """The civil date at UTC+01:00, no summer time, of *wall* (seconds since 1970), and never before *floor*.

    *floor* is the newest date that the PC has reason to trust (its build, the last signed metadata): it saves a PC whose clock fell to 2015.
    """
    days = min(max(wall + _UTC_OFFSET, 0.0), 2.0**37) // 86400
    return max(date(1970, 1, 1) + timedelta(days=days), floor)


def last_day(day: date) -> date:
    """The last day on which the password of *day* is taken."""
    return day + timedelta(days=DAYS_BACK)


# --- derivation: the desk's side -----------------------------------------------------------------------------------------------------


def derive_month_key(master: bytes, scope: str, day: date) -> bytes:
    """The key of the month that *day* is in: all that the front desk needs, and no way back to *master* (32 bytes)."""
    return _derive(master, "mois", scope, day.isoformat()[:7])


def derive_number(key: bytes, scope: str, day: date) -> int:
    """The password of *day* as a number of 50 bits; *key* is its ``derive_month_key``."""
    return int.from_bytes(_derive(key, "jour", scope, day.isoformat()), "big") >> (256 - _BITS)


def _derive(key: bytes, *parts: str) -> bytes:
    return hmac.new(key, "\0".join((SCHEME, *parts)).encode(), hashlib.sha256).digest()


# --- letters: Crockford's alphabet, two Reed-Solomon check symbols over GF(32) ---------------------------------------------------------

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {symbol: value for value, symbol in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}


def _powers() -> tuple[int, ...]:
    """α^0 … α^30 in GF(32) = GF(2)[x] / (x^5 + x^2 + 1)."""
    powers = [1]
    while len(powers) < 31:
        doubled = powers[-1] << 1
        powers.append(doubled ^ 0b100101 if doubled & 32 else doubled)
    return tuple(powers)


_POWERS = _powers()
_LOGS = {power: exponent for exponent, power in enumerate(_POWERS)}


def _times(left: int, right: int) -> int:
    return _POWERS[(_LOGS[left] + _LOGS[right]) % 31] if left and right else 0


def _syndromes(word: Iterable[int]) -> tuple[int, int]:
    """Σ c_i and Σ c_i·α^i: both are 0 for a word without fault; one wrong symbol at i gives e and e·α^i."""
    plain = weighted = 0
    for place, value in enumerate(word):
        plain ^= value
        weighted ^= _times(value, _POWERS[place])
    return plain, weighted


def format_letters(day: date, number: int) -> str:
    """The form for e-mail, ``JJ-AAAA-BBBB-CCCC``."""
    values = [number >> shift & 31 for shift in range(_BITS - 5, -1, -5)]
    plain, weighted = _syndromes([day.day, *values])
    # c_11 + c_12 = plain and c_11·α^11 + c_12·α^12 = weighted
    ahead, behind = _POWERS[_SYMBOLS + 1], _POWERS[_SYMBOLS + 2]
    inverse = _POWERS[-_LOGS[ahead ^ behind] % 31]
    last = _times(_times(plain, ahead) ^ weighted, inverse)
    code = "".join(_ALPHABET[value] for value in (*values, plain ^ last, last))
    return "-".join((f"{day.day:02}", *(code[at : at + _GROUP] for at in range(0, _CODE, _GROUP))))


# --- words: the French list of BIP-39 ------------------------------------------------------------------------------------------------


@cache
def _words() -> tuple[str, ...]:
    return tuple(WORDS.split())


@cache
def _word_numbers() -> dict[str, int]:
    return {_first_letters(word): place for place, word in enumerate(_words())}


def _first_letters(word: str) -> str:
    """What tells a word: its first four letters in lower case, without accents."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", word) if letter.isalpha())
    return bare.lower()[:_WORD_LETTERS]


def format_words(day: date, number: int) -> str:
    """The form for the telephone: the day and five French words."""
    bits = number << _WORD_CHECK_BITS | _word_check(day.day, number)
    return " ".join((f"{day.day:02}", *(_words()[bits >> shift & 2047] for shift in range(44, -1, -11))))


def _word_check(day: int, number: int) -> int:
    seed = SCHEME.encode() + b"mots" + bytes([day]) + _as_bytes(number)
    return hashlib.sha256(seed).digest()[0] >> 3


def _as_bytes(number: int) -> bytes:
    return number.to_bytes(7, "big")


_DIGITS = ("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf")
_FIRST_NAMES = (
    *(
        "Anatole",
        "Berthe",
        "Célestin",
        "Désiré",
        "Eugène",
        "François",
        "Gaston",
        "Henri",
        "Joseph",
        "Kléber",
        "Marcel",
    ),
    *(
        "Nicolas",
        "Pierre",
        "Quintal",
        "Raoul",
        "Suzanne",
        "Thérèse",
        "Victor",
        "William",
        "Xavier",
        "Yvonne",
        "Zoé",
    ),
)
_SPOKEN = dict(zip(_ALPHABET, (*_DIGITS, *_FIRST_NAMES), strict=True))


def spell_letters(letters: str) -> str:
    """*letters* (of ``format_letters``) for the telephone, after the French spelling alphabet: « 24 – deux, neuf, Yvonne, sept – … »."""
    day, *groups = letters.split("-")
    return " – ".join((day, *(", ".join(_SPOKEN[symbol] for symbol in group) for group in groups)))


# --- what was typed ------------------------------------------------------------------------------------------------------------------


class TypoKind(Enum):
    """What is wrong with what was typed. None of it is a try."""

    EMPTY = "empty"
    LENGTH = "length"  # characters or words are missing, or too many: ``Typo.missing``
    DAY = "day"  # the two digits in front
    FOREIGN = "foreign"  # a character that no password has, such as U
    CHARACTER = "character"  # exactly this character is wrong
    CHARACTERS = "characters"  # two or more are wrong or have changed places, nobody can say which
    WORD = "word"  # exactly this word is not one of the list
    WORDS = "words"  # one or more are wrong, nobody can say which


@dataclass(frozen=True, slots=True)
class Typo:
    """A slip of the hand, and where it is.

    *position* counts characters (1 to 12) or words (1 to 5) after the day, 0 where it cannot be told; *group* is that of the character (1 to 3).
    *span* is where that stands in the text that was typed, so that a field can select it. *missing* is how many characters or words are
    missing, negative for too many.
    """

    kind: TypoKind
    position: int = 0
    group: int = 0
    span: tuple[int, int] | None = None
    missing: int = 0


@dataclass(frozen=True, slots=True)
class TypedPassword:
    """A password without fault of form: the day of the month in front of it, and its number."""

    day: int
    number: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Run:
    """Letters and digits that follow each other, in upper case, each with its place in the text."""

    symbols: tuple[str, ...]
    places: tuple[int, ...]

    @property
    def text(self) -> str:
        return "".join(self.symbols)

    @property
    def span(self) -> tuple[int, int]:
        return self.places[0], self.places[-1] + 1


def _runs(text: str) -> list[_Run]:
    """*text* cut at whatever is neither a letter nor a digit: blanks, dashes and quotation marks of every kind."""
    runs: list[list[tuple[str, int]]] = [[]]
    for place, character in enumerate(text):
        for symbol in unicodedata.normalize("NFKC", character).upper():
            if symbol.isalnum():
                runs[-1].append((symbol, place))
            elif not unicodedata.combining(symbol) and runs[-1]:
                runs.append([])
    return [_Run(tuple(symbol for symbol, _ in run), tuple(place for _, place in run)) for run in runs if run]


def parse_typed_password(text: str) -> TypedPassword | Typo:
    """Which password *text* is, in either form, or what is wrong with it.

    Case, blanks, dashes and punctuation do not matter, nor O for 0, I and L for 1; of words, accents and all after the fourth letter.
    """
    if len(text) > _LONGEST:
        return Typo(TypoKind.LENGTH, missing=_LONGEST - len(text))
    runs = _runs(text)
    if not runs:
        return Typo(TypoKind.EMPTY)
    # one word takes five letters, so that the shortest words form is longer than the longest letters form
    words = sum(run.text.isalpha() for run in runs) >= 2 and sum(len(run.symbols) for run in runs) > 16
    return _read_words(runs) if words else _read_letters(runs)


def _day(digits: str) -> int | None:
    value = int(digits) if re.fullmatch("[0-9]{1,2}", digits) else 0
    return value if 1 <= value <= 31 else None


def _read_letters(runs: list[_Run]) -> TypedPassword | Typo:
    symbols = [symbol for run in runs for symbol in run.symbols]
    places = [place for run in runs for place in run.places]
    front = (
        1 if len(symbols) == _CODE + 1 and len(runs[0].symbols) == 1 else 2
    )  # « 1-R0FN… » for « 01-R0FN… »
    if len(symbols) != front + _CODE:
        return Typo(TypoKind.LENGTH, missing=front + _CODE - len(symbols))
    wrong_day = Typo(TypoKind.DAY, span=(places[0], places[front - 1] + 1))

    def wrong(fault: TypoKind, position: int) -> Typo:
        place = places[front + position - 1]
        return Typo(fault, position, (position - 1) // _GROUP + 1, (place, place + 1))

    day = _day("".join(symbols[:front]).translate(str.maketrans("OIL", "011")))
    if day is None:
        return wrong_day
    values = []
    for position, symbol in enumerate(symbols[front:], start=1):
        if symbol not in _VALUES:
            return wrong(TypoKind.FOREIGN, position)
        values.append(_VALUES[symbol])
    plain, weighted = _syndromes([day, *values])
    if plain or weighted:
        place = (_LOGS[weighted] - _LOGS[plain]) % 31 if plain and weighted else 31
        if place == 0 and day != plain:  # the day that would be right is not 0
            return wrong_day
        return wrong(TypoKind.CHARACTER, place) if 1 <= place <= _CODE else Typo(TypoKind.CHARACTERS)
    return TypedPassword(day, _joined(values[:_SYMBOLS], 5))


def _read_words(runs: list[_Run]) -> TypedPassword | Typo:
    day = _day(runs[0].text)
    if day is None:
        return Typo(TypoKind.DAY, span=runs[0].span)
    if len(runs) != 1 + _WORD_COUNT:
        return Typo(TypoKind.LENGTH, missing=1 + _WORD_COUNT - len(runs))
    places = []
    for position, run in enumerate(runs[1:], start=1):
        place = _word_numbers().get(_first_letters(run.text))
        if place is None:
            return Typo(TypoKind.WORD, position, span=run.span)
        places.append(place)
    number, check = divmod(_joined(places, 11), 1 << _WORD_CHECK_BITS)
    return TypedPassword(day, number) if check == _word_check(day, number) else Typo(TypoKind.WORDS)


def _joined(values: Iterable[int], bits: int) -> int:
    joined = 0
    for value in values:
        joined = joined << bits | value
    return joined


# --- the register --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kdf:
    """The strength of scrypt (RFC 7914): it takes 128·n·r bytes of memory."""

    n: int = 2**16
    r: int = 8
    p: int = 1


STRONGEST = Kdf(2**17, 8, 2)
"""More than this could keep an old PC busy for seconds: refused before anything is hashed."""
WEAKEST = Kdf(2**14, 8, 1)
"""Less than this would give the passwords of the next years away to a stolen PC."""

_DIGEST = 16
_SALT = 16
_MOST_DAYS = 7400  # twenty years
_LARGEST = 200_000  # characters of the file
_FIELDS = {"format", "kid", "portee", "generation", "premier_jour", "nb_jours", "sel", "kdf", "empreintes"}


class RegisterError(ValueError):
    """A register that cannot be used; the message is for a log."""


@dataclass(frozen=True, slots=True)
class Register:
    """One salted slow hash for each day of a span: public, no secret in it.

    *kid* names the master key it was made with. A register of higher *generation* takes the place of the one before, never the other way round.
    """

    kid: str
    scope: str
    generation: int
    first: date
    salt: bytes
    kdf: Kdf
    digests: bytes = field(repr=False)  # 16 bytes a day

    @property
    def days(self) -> int:
        """How many days it covers."""
        return len(self.digests) // _DIGEST

    @property
    def last(self) -> date:
        """The last day it covers."""
        return self.first + timedelta(days=self.days - 1)

    def remaining(self, today: date) -> int:
        """How many more days it covers after *today*; 0 or less where it is of no more use."""
        return (self.last - today).days

    def digest_of(self, day: date) -> bytes | None:
        """The hash of *day*; None where the register does not cover it."""
        at = (day - self.first).days * _DIGEST
        return self.digests[at : at + _DIGEST] if 0 <= at < len(self.digests) else None

    def to_text(self) -> str:
        """The file: one line of JSON."""
        document = {
            "format": SCHEME,
            "kid": self.kid,
            "portee": self.scope,
            "generation": self.generation,
            "premier_jour": self.first.isoformat(),
            "nb_jours": self.days,
            "sel": base64.b64encode(self.salt).decode(),
            "kdf": {"nom": "scrypt", "n": self.kdf.n, "r": self.kdf.r, "p": self.kdf.p, "dklen": _DIGEST},
            "empreintes": base64.b64encode(self.digests).decode(),
        }
        return json.dumps(document, separators=(",", ":"))


def parse_register(text: str, weakest: Kdf = WEAKEST) -> Register:
    """The register that *text* is, every value of it within bounds. Raises ``RegisterError``.

    *weakest* is the least strength taken: tests, which cannot wait, give a lower one.
    """
    if len(text) > _LARGEST:
        raise RegisterError(f"more than {_LARGEST} characters")
    try:
        document = json.loads(text, object_pairs_hook=_without_doubles)
    except RecursionError:
        raise RegisterError("nested too deeply") from None
    except ValueError as error:
        raise RegisterError(f"not JSON: {error}") from None
    if not isinstance(document, dict) or set(document) != _FIELDS or document["format"] != SCHEME:
        raise RegisterError(f"not a document of {SCHEME}")
    days = _whole(document, "nb_jours", 1, _MOST_DAYS)
    first = _date(document["premier_jour"], days)
    digests = _bytes(document, "empreintes", days * _DIGEST)
    return Register(
        kid=_name(document, "kid", 32),
        scope=_name(document, "portee", 100),
        generation=_whole(document, "generation", 1, 10**6),
        first=first,
        salt=_bytes(document, "sel", _SALT),
        kdf=_kdf(document["kdf"], weakest),
        digests=digests,
    )


def select_register(
    registers: Iterable[Register], installation: str = "", least_generation: int = 1
) -> Register | None:
    """Which of *registers* to check with: the highest generation, at least *least_generation* (the highest this PC has ever held), of those
    made for everyone or for *installation*. Of two of one generation the first given; None where there is none.
    """
    best = None
    for register in registers:
        meant = register.scope in (EVERYONE, installation)
        if (
            meant
            and register.generation >= least_generation
            and (best is None or register.generation > best.generation)
        ):
            best = register
    return best


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name stands twice")
    return document


def _whole(document: dict[str, object], name: str, least: int, most: int) -> int:
    value = document[name]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise RegisterError(f"{name}: a whole number from {least} to {most} expected")
    return value


def _name(document: dict[str, object], name: str, longest: int) -> str:
    value = document[name]
    if not isinstance(value, str) or not re.fullmatch(f"[!-~]{{1,{longest}}}", value):
        raise RegisterError(f"{name}: 1 to {longest} printable ASCII characters expected")
    return value


def _bytes(document: dict[str, object], name: str, length: int) -> bytes:
    value = document[name]
    try:
        found = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != length or base64.b64encode(found).decode() != value:
        raise RegisterError(f"{name}: {length} bytes in base64 expected")
    return found


def _date(value: object, days: int) -> date:
    if isinstance(value, str) and re.fullmatch(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
        try:
            first = date.fromisoformat(value)
        except ValueError:
            first = date.max
        if first <= date(2999, 12, 31) - timedelta(days=days):
            return first
    raise RegisterError("premier_jour: a day such as 2026-01-01 expected")


def _kdf(value: object, weakest: Kdf) -> Kdf:
    if (
        not isinstance(value, dict)
        or set(value) != {"nom", "n", "r", "p", "dklen"}
        or value["nom"] != "scrypt"
    ):
        raise RegisterError("kdf: scrypt with n, r, p and dklen expected")
    n = _whole(value, "n", weakest.n, STRONGEST.n)
    if n & (n - 1):
        raise RegisterError("n: a power of two expected")
    _whole(value, "dklen", _DIGEST, _DIGEST)
    return Kdf(n, _whole(value, "r", weakest.r, STRONGEST.r), _whole(value, "p", weakest.p, STRONGEST.p))


# --- checking ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OtherDay:
    """No try: no day from *today* − 3 to *today* + 1 is a *day*-th. Either the password is too old or the PC's clock is wrong."""

    day: int
    today: date


@dataclass(frozen=True, slots=True)
class NotCovered:
    """No try: the register has no hash for *day*; the PC needs a newer one."""

    day: date


@dataclass(frozen=True, slots=True)
class Candidate:
    """A try that waits to be judged: everything ``check_candidate`` needs."""

    day: date
    kid: str
    scope: str
    salt: bytes
    kdf: Kdf
    number: int = field(repr=False)
    expected: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Right:
    """The password of *day*, made with key *kid*."""

    day: date
    kid: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """Well formed, and not the password of *day*: the only result that is a failed try."""

    day: date


def find_candidate(
    entered: TypedPassword, register: Register, today: date
) -> Candidate | OtherDay | NotCovered:
    """The day that *entered* is for: the one in [*today* − 3, *today* + 1] with its day of the month (five days in a row never share one)."""
    for distance in range(-DAYS_BACK, DAYS_AHEAD + 1):
        day = today + timedelta(days=distance)
        if day.day == entered.day:
            expected = register.digest_of(day)
            if expected is None:
                return NotCovered(day)
            return Candidate(
                day, register.kid, register.scope, register.salt, register.kdf, entered.number, expected
            )
    return OtherDay(entered.day, today)


def check_candidate(candidate: Candidate) -> Right | Wrong:
    """Whether it is the password: one scrypt, compared in constant time. Slow; needs 128·n·r bytes for the moment and gives them back."""
    found = hash_number(
        candidate.number, candidate.kid, candidate.scope, candidate.day, candidate.salt, candidate.kdf
    )
    if hmac.compare_digest(found, candidate.expected):
        return Right(candidate.day, candidate.kid)
    return Wrong(candidate.day)


def hash_number(number: int, kid: str, scope: str, day: date, salt: bytes, kdf: Kdf) -> bytes:
    """The hash of *number* that stands in the register for *day*."""
    return hashlib.scrypt(
        _as_bytes(number),
        salt="\0".join((SCHEME, kid, scope, day.isoformat(), "")).encode() + salt,
        n=kdf.n,
        r=kdf.r,
        p=kdf.p,
        maxmem=128 * kdf.r * (kdf.n + kdf.p + 2) + 2**20,  # OpenSSL's own limit of 32 MiB is too low
        dklen=_DIGEST,
    )
