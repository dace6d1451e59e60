"""The scheme ``iea-mdp-jour/1``: its published vectors, every slip of the hand, the window of days, the register's bounds, the slow hash."""

from __future__ import annotations

import base64
import itertools
import json
import random
import re
import string
import unicodedata
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import day_password
from iea_agent.domain.day_password import (
    Candidate,
    Kdf,
    NotCovered,
    OtherDay,
    Register,
    RegisterError,
    Right,
    TypedPassword,
    Typo,
    TypoKind,
    Wrong,
    check_candidate,
    compute_today,
    derive_month_key,
    derive_number,
    find_candidate,
    format_letters,
    format_words,
    hash_number,
    last_day,
    parse_register,
    parse_typed_password,
    select_register,
    spell_letters,
)
from iea_agent.domain.day_words import WORDS

MASTER = bytes(range(32))
SALT = bytes.fromhex("00112233445566778899aabbccddeeff")
QUICK = Kdf(16, 1, 1)
VECTORS = [
    (
        date(2026, 11, 24),
        0x49F1C30D8F20,
        "24-29Y7-1GV3-S0Y4",
        "24 article subtil chrome ravager insolite",
        "6a53192cb8985accca6594b41d1e648e",
    ),
    (
        date(2026, 1, 1),
        0x3007D77093E08,
        "01-R0FN-VGJF-G87A",
        "01 prairie vilain gélule mortier bonheur",
        "d9beb69524b71d66724117ebea237000",
    ),
    (
        date(2026, 12, 31),
        0x176E0B427BA31,
        "31-BPW2-T2FE-HH9C",
        "31 euphorie prince dénouer silicium quotient",
        "21094b45443668ae49ff845a00661fdd",
    ),
]
LETTERS = VECTORS[0][2]
SPOKEN_WORDS = VECTORS[0][3]
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

days = st.dates(date(2020, 1, 1), date(2099, 12, 31))
numbers = st.integers(0, 2**50 - 1)


def the_register(
    first: date = date(2026, 11, 1),
    length: int = 61,
    generation: int = 1,
    scope: str = "*",
    kdf: Kdf = QUICK,
    kid: str = "2026a",
) -> Register:
    """A register as the desk makes it."""
    span = [first + timedelta(days=distance) for distance in range(length)]
    digests = b"".join(
        hash_number(
            derive_number(derive_month_key(MASTER, scope, day), scope, day), kid, scope, day, SALT, kdf
        )
        for day in span
    )
    return Register(kid, scope, generation, first, SALT, kdf, digests)


REGISTER = the_register()


class TestVectors:
    """What is published with the scheme."""

    def test_the_key_of_a_month(self) -> None:
        expected = "1d2612dfdd75d86e11b928195362ae6f8bc464b5f1944014353146409555c1fc"
        assert derive_month_key(MASTER, "*", date(2026, 11, 24)).hex() == expected
        assert derive_month_key(MASTER, "*", date(2026, 11, 1)).hex() == expected

    @pytest.mark.parametrize(("day", "expected", "letters", "words", "hashed"), VECTORS)
    def test_a_day(self, day: date, expected: int, letters: str, words: str, hashed: str) -> None:
        found = derive_number(derive_month_key(MASTER, "*", day), "*", day)
        assert found == expected
        assert format_letters(day, found) == letters
        assert format_words(day, found) == words
        assert hash_number(found, "2026a", "*", day, SALT, QUICK).hex() == hashed
        assert (
            parse_typed_password(letters) == parse_typed_password(words) == TypedPassword(day.day, expected)
        )

    def test_the_hash_at_full_strength(self) -> None:
        day, found, *_ = VECTORS[0]
        assert hash_number(found, "2026a", "*", day, SALT, Kdf()).hex() == "5dcd7a269c16c03e992679d2995b1ee0"

    def test_an_installation_of_its_own_has_other_passwords(self) -> None:
        day = VECTORS[0][0]
        assert derive_number(derive_month_key(MASTER, "IEA-1", day), "IEA-1", day) != VECTORS[0][1]

    def test_spoken(self) -> None:
        assert spell_letters(LETTERS) == (
            "24 – deux, neuf, Yvonne, sept – un, Gaston, Victor, trois – Suzanne, zéro, Yvonne, quatre"
        )
        for name in day_password._FIRST_NAMES:
            assert unicodedata.normalize("NFD", name)[0] in ALPHABET
        for symbol, name in day_password._SPOKEN.items():
            assert symbol.isdigit() or name.startswith(symbol)


class TestForms:
    """Both forms, however they are typed."""

    @given(days, numbers)
    def test_there_and_back(self, day: date, value: int) -> None:
        assert parse_typed_password(format_letters(day, value)) == TypedPassword(day.day, value)
        assert parse_typed_password(format_words(day, value)) == TypedPassword(day.day, value)

    @pytest.mark.parametrize(
        "typed",
        [
            "24-29y7-1gv3-s0y4",
            "  24 29Y7 1GV3 S0Y4\r\n",
            "2429Y71GV3S0Y4",
            "24–29Y7—1GV3‑S0Y4",
            "«\u00a024-29Y7-1GV3-S0Y4\u00a0».",
            "24-29Y7-IGV3-SOY4",
            "24-29y7-lgv3-soy4",
            "２４－２９Ｙ７－１ＧＶ３－Ｓ０Ｙ４",
            "2 4 2 9 Y 7 1 G V 3 S 0 Y 4",
            SPOKEN_WORDS.upper(),
            "24 artic subt chro rava inso",
            "24, article, subtil, chrome, ravager, insolite.",
            "24 arti subt chro rava inso",
            "24 articles subtile chromé ravagé insolites",
        ],
    )
    def test_what_does_not_matter(self, typed: str) -> None:
        assert parse_typed_password(typed) == TypedPassword(24, VECTORS[0][1])

    def test_a_day_of_one_digit(self) -> None:
        expected = TypedPassword(1, VECTORS[1][1])
        assert (
            parse_typed_password("1-R0FN-VGJF-G87A") == parse_typed_password("O1-R0FN-VGJF-G87A") == expected
        )
        assert parse_typed_password("1 prairie vilain gelule mortier bonheur") == expected
        assert parse_typed_password(unicodedata.normalize("NFD", VECTORS[1][3])) == expected

    @given(st.text(max_size=250))
    def test_anything_typed_is_a_value(self, typed: str) -> None:
        found = parse_typed_password(typed)
        assert isinstance(found, (TypedPassword, Typo))
        if isinstance(found, Typo) and found.span:
            assert 0 <= found.span[0] < found.span[1] <= len(typed)

    @given(
        st.lists(
            st.sampled_from(["24", "article", "29Y7", "ABCD", "u", "été", "-", " ", "٣", "½"]), max_size=30
        )
    )
    def test_pieces_of_passwords_are_a_value(self, pieces: list[str]) -> None:
        assert isinstance(parse_typed_password("".join(pieces)), (TypedPassword, Typo))

    def test_the_list_of_words(self) -> None:
        words = WORDS.split()
        assert len(words) == 2048
        assert unicodedata.is_normalized("NFC", WORDS)
        bare = {unicodedata.normalize("NFD", word).encode("ascii", "ignore")[:4] for word in words}
        assert len(bare) == 2048
        assert min(map(len, words)) == 5


class TestTypos:
    """A slip of the hand is located, and is no try."""

    @pytest.mark.parametrize(
        ("typed", "typo"),
        [
            ("", Typo(TypoKind.EMPTY)),
            (" -–- ", Typo(TypoKind.EMPTY)),
            ("24-29Y7-1GB3-S0Y4", Typo(TypoKind.CHARACTER, 7, 2, (10, 11))),
            ("25-29Y7-1GV3-S0Y4", Typo(TypoKind.DAY, span=(0, 2))),
            ("24-29Y7-1VG3-S0Y4", Typo(TypoKind.CHARACTERS)),
            ("24-29Y7-1GU3-S0Y4", Typo(TypoKind.FOREIGN, 7, 2, (10, 11))),
            ("  24-É9Y7-1GV3-S0Y4", Typo(TypoKind.FOREIGN, 1, 1, (5, 6))),
            ("00-29Y7-1GV3-S0Y4", Typo(TypoKind.DAY, span=(0, 2))),
            ("32-29Y7-1GV3-S0Y4", Typo(TypoKind.DAY, span=(0, 2))),
            ("ZZ-29Y7-1GV3-S0Y4", Typo(TypoKind.DAY, span=(0, 2))),
            ("24-29Y7-1GV3-S0Y", Typo(TypoKind.LENGTH, missing=1)),
            ("24-29Y7-1GV3-S0Y44", Typo(TypoKind.LENGTH, missing=-1)),
            ("bonjour", Typo(TypoKind.LENGTH, missing=7)),
            ("24 article subtil crome ravager insolite", Typo(TypoKind.WORD, 3, span=(18, 23))),
            ("24 article subtil chr ravager insolite", Typo(TypoKind.WORD, 3, span=(18, 21))),
            ("24 article subtil ravager insolite", Typo(TypoKind.LENGTH, missing=1)),
            ("article subtil chrome ravager insolite", Typo(TypoKind.DAY, span=(0, 7))),
            ("24 subtil article chrome ravager insolite", Typo(TypoKind.WORDS)),
            ("x" * 201, Typo(TypoKind.LENGTH, missing=-1)),
        ],
    )
    def test_where_it_is(self, typed: str, typo: Typo) -> None:
        assert parse_typed_password(typed) == typo

    @pytest.mark.parametrize("letters", [vector[2] for vector in VECTORS])
    def test_every_single_error_is_located(self, letters: str) -> None:
        places = [place for place, symbol in enumerate(letters) if symbol != "-"][2:]
        for position, place in enumerate(places, start=1):
            for symbol in set(ALPHABET) - {letters[place]}:
                wrong = letters[:place] + symbol + letters[place + 1 :]
                expected = Typo(TypoKind.CHARACTER, position, (position + 3) // 4, (place, place + 1))
                assert parse_typed_password(wrong) == expected, wrong
        for day in set(range(1, 32)) - {int(letters[:2])}:
            assert parse_typed_password(f"{day:02}{letters[2:]}") == Typo(TypoKind.DAY, span=(0, 2))

    def test_every_swap_is_detected(self) -> None:
        chance = random.Random(1)  # noqa: S311 the same days every time
        for _ in range(200):
            letters = format_letters(date(2026, 1, chance.randint(1, 31)), chance.getrandbits(50))
            places = [place for place, symbol in enumerate(letters) if symbol != "-"][2:]
            for one, other in itertools.combinations(places, 2):
                swapped = list(letters)
                swapped[one], swapped[other] = swapped[other], swapped[one]
                if letters[one] != letters[other]:
                    assert parse_typed_password("".join(swapped)) == Typo(TypoKind.CHARACTERS), (
                        letters,
                        one,
                        other,
                    )

    def test_every_double_error_is_detected(self) -> None:
        """The code is linear: an error goes unseen exactly where its own syndromes are zero, whatever the password. So all of them are tried."""
        for one, other in itertools.combinations(range(13), 2):
            for left in range(1, 32):
                for right in range(1, 32):
                    error = [0] * 13
                    error[one], error[other] = left, right
                    assert day_password._syndromes(error) != (0, 0)

    def test_double_errors_in_what_is_typed_are_typos(self) -> None:
        places = [place for place, symbol in enumerate(LETTERS) if symbol != "-"][2:]
        for one, other in itertools.combinations(places, 2):
            for left, right in itertools.product("07BCDEF", repeat=2):
                wrong = list(LETTERS)
                wrong[one], wrong[other] = left, right
                typed = "".join(wrong)
                assert typed == LETTERS or isinstance(parse_typed_password(typed), Typo), typed

    def test_noise_passes_once_in_a_thousand(self) -> None:
        chance = random.Random(2)  # noqa: S311
        passed = sum(
            isinstance(parse_typed_password("24" + "".join(chance.choices(ALPHABET, k=12))), TypedPassword)
            for _ in range(20_000)
        )
        assert 5 <= passed <= 45  # 20 expected

    def test_a_wrong_word_is_caught_31_times_in_32(self) -> None:
        words = SPOKEN_WORDS.split()
        all_words = WORDS.split()
        unseen = 0
        for place in range(1, 6):
            for word in set(all_words) - {words[place]}:
                found = parse_typed_password(" ".join([*words[:place], word, *words[place + 1 :]]))
                assert isinstance(found, TypedPassword) or found == Typo(TypoKind.WORDS)
                unseen += isinstance(found, TypedPassword)
        assert unseen / (5 * 2047) == pytest.approx(1 / 32, abs=0.01)


class TestDays:
    """Which day it is, and which day a password is for."""

    @pytest.mark.parametrize(
        ("utc", "expected"),
        [
            ((2026, 11, 24, 22, 59, 59), date(2026, 11, 24)),
            ((2026, 11, 24, 23, 0, 0), date(2026, 11, 25)),
            ((2026, 7, 14, 22, 30, 0), date(2026, 7, 14)),  # 00:30 in Paris in summer
            ((2015, 1, 1, 0, 0, 0), date(2026, 6, 1)),
        ],
    )
    def test_today(self, utc: tuple[int, int, int, int, int, int], expected: date) -> None:
        wall = datetime(*utc, tzinfo=UTC).timestamp()
        assert compute_today(wall, floor=date(2026, 6, 1)) == expected

    @pytest.mark.parametrize("wall", [-1e18, -1.0, 0.0, 1e18])
    def test_an_absurd_clock_is_a_day_all_the_same(self, wall: float) -> None:
        assert compute_today(wall, floor=date(2026, 6, 1)) >= date(2026, 6, 1)

    def test_the_window(self) -> None:
        friday = date(2026, 11, 27)
        entered = TypedPassword(27, 1)
        for distance in range(-10, 11):
            found = find_candidate(entered, REGISTER, friday + timedelta(days=distance))
            if -1 <= distance <= 3:
                assert isinstance(found, Candidate)
                assert found.day == friday
            else:
                assert found == OtherDay(27, friday + timedelta(days=distance))
        assert last_day(date(2026, 11, 24)) == date(2026, 11, 27)

    @pytest.mark.parametrize("now", [date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 3)])
    def test_the_window_over_the_end_of_a_month(self, now: date) -> None:
        found = find_candidate(TypedPassword(30, 1), REGISTER, now)
        assert isinstance(found, Candidate)
        assert found.day == date(2026, 11, 30)

    def test_a_day_that_no_month_near_has(self) -> None:
        assert find_candidate(TypedPassword(31, 1), REGISTER, date(2026, 11, 30)) == OtherDay(
            31, date(2026, 11, 30)
        )

    def test_a_day_outside_the_register(self) -> None:
        assert find_candidate(TypedPassword(31, 1), REGISTER, date(2026, 11, 1)) == NotCovered(
            date(2026, 10, 31)
        )
        assert find_candidate(TypedPassword(1, 1), REGISTER, date(2027, 1, 1)) == NotCovered(date(2027, 1, 1))
        assert isinstance(find_candidate(TypedPassword(31, 1), REGISTER, date(2027, 1, 1)), Candidate)

    @given(st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.integers(-3, 1))
    def test_no_day_is_ever_mistaken_for_another(self, now: date, distance: int) -> None:
        day = now + timedelta(days=distance)
        register = Register("k", "*", 1, now - timedelta(days=10), SALT, QUICK, bytes(16 * 20))
        found = find_candidate(TypedPassword(day.day, 1), register, now)
        assert isinstance(found, Candidate)
        assert found.day == day


class TestJudging:
    """The slow hash."""

    def judged(self, typed: str, now: date, register: Register = REGISTER) -> object:
        entered = parse_typed_password(typed)
        assert isinstance(entered, TypedPassword)
        candidate = find_candidate(entered, register, now)
        assert isinstance(candidate, Candidate)
        return check_candidate(candidate)

    def test_right_in_both_forms_and_again(self) -> None:
        for typed in (LETTERS, SPOKEN_WORDS, LETTERS):
            assert self.judged(typed, date(2026, 11, 24)) == Right(date(2026, 11, 24), "2026a")

    def test_wrong(self) -> None:
        wrong = format_letters(date(2026, 11, 24), VECTORS[0][1] ^ 1)
        assert self.judged(wrong, date(2026, 11, 24)) == Wrong(date(2026, 11, 24))

    def test_the_password_of_another_day_under_this_days_number(self) -> None:
        assert self.judged(format_letters(date(2026, 12, 24), VECTORS[0][1]), date(2026, 12, 24)) == Wrong(
            date(2026, 12, 24)
        )

    @pytest.mark.parametrize("changed", [{"kid": "2026b"}, {"scope": "IEA-1"}])
    def test_the_hash_belongs_to_its_key_and_scope(self, changed: dict[str, str]) -> None:
        day, value, *_ = VECTORS[0]
        names = {"kid": "2026a", "scope": "*", **changed}
        assert hash_number(value, names["kid"], names["scope"], day, SALT, QUICK) != REGISTER.digest_of(day)

    def test_no_representation_shows_the_password(self) -> None:
        entered = parse_typed_password(LETTERS)
        assert isinstance(entered, TypedPassword)
        candidate = find_candidate(entered, REGISTER, date(2026, 11, 24))
        shown = repr((entered, candidate, REGISTER))
        for secret in (
            str(entered.number),
            hex(entered.number)[2:],
            "29Y7",
            "article",
            repr(REGISTER.digests)[2:-1],
        ):
            assert secret not in shown


class TestRegister:
    """The file: read strictly, within bounds, before anything is hashed."""

    def document(self, **changes: object) -> str:
        """A valid file with *changes*; a name with None is left out."""
        document = {**json.loads(REGISTER.to_text()), **changes}
        return json.dumps({name: value for name, value in document.items() if value is not None})

    def test_there_and_back(self) -> None:
        assert parse_register(REGISTER.to_text(), weakest=QUICK) == REGISTER
        assert (REGISTER.days, REGISTER.last) == (61, date(2026, 12, 31))
        assert REGISTER.remaining(date(2026, 12, 1)) == 30
        assert REGISTER.remaining(date(2027, 1, 1)) == -1

    def test_ten_years_are_as_long_as_published(self) -> None:
        register = Register("2026a", "*", 1, date(2026, 1, 1), SALT, Kdf(), bytes(16 * 3653))
        assert len(register.to_text()) == 78_150
        assert parse_register(register.to_text()) == register

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"format": "iea-mdp-jour/2"}, "not a document"),
            ({"kid": None}, "not a document"),
            ({"plus": 1}, "not a document"),
            ({"kid": ""}, "kid"),
            ({"kid": "a b"}, "kid"),
            ({"kid": "a\0b"}, "kid"),
            ({"kid": "a\n"}, "kid"),
            ({"kid": 7}, "kid"),
            ({"kid": "k" * 33}, "kid"),
            ({"portee": ""}, "portee"),
            ({"generation": 0}, "generation"),
            ({"generation": True}, "generation"),
            ({"generation": 1.0}, "generation"),
            ({"generation": 10**7}, "generation"),
            ({"premier_jour": "2026-02-30"}, "premier_jour"),
            ({"premier_jour": "20260201"}, "premier_jour"),
            ({"premier_jour": "2026-W01-1"}, "premier_jour"),
            ({"premier_jour": "9999-12-31"}, "premier_jour"),
            ({"premier_jour": "2999-12-31"}, "premier_jour"),
            ({"premier_jour": 1}, "premier_jour"),
            ({"nb_jours": 60}, "empreintes"),
            ({"nb_jours": 0}, "nb_jours"),
            ({"nb_jours": 7401}, "nb_jours"),
            ({"sel": "AAAA"}, "sel"),
            ({"sel": "é" * 24}, "sel"),
            ({"empreintes": "!" * 1304}, "empreintes"),
            ({"empreintes": 12}, "empreintes"),
            ({"kdf": "scrypt"}, "kdf"),
            ({"kdf": {"nom": "pbkdf2", "n": 2**16, "r": 8, "p": 1, "dklen": 16}}, "kdf"),
            ({"kdf": {"nom": "scrypt", "n": 2**16, "r": 8, "p": 1, "dklen": 32}}, "dklen"),
            ({"kdf": {"nom": "scrypt", "n": 2**18, "r": 8, "p": 1, "dklen": 16}}, "n:"),
            ({"kdf": {"nom": "scrypt", "n": 2**13, "r": 8, "p": 1, "dklen": 16}}, "n:"),
            ({"kdf": {"nom": "scrypt", "n": 2**16 + 2, "r": 8, "p": 1, "dklen": 16}}, "power of two"),
            ({"kdf": {"nom": "scrypt", "n": 2**16, "r": 9, "p": 1, "dklen": 16}}, "r:"),
            ({"kdf": {"nom": "scrypt", "n": 2**16, "r": 1, "p": 1, "dklen": 16}}, "r:"),
            ({"kdf": {"nom": "scrypt", "n": 2**16, "r": 8, "p": 3, "dklen": 16}}, "p:"),
            ({}, "n:"),  # the strength of the tests
        ],
    )
    def test_what_is_refused(self, changes: dict[str, object], said: str) -> None:
        with pytest.raises(RegisterError, match=re.escape(said)):
            parse_register(self.document(**changes))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            "null",
            "[" * 100_000,
            " " * 200_001,
            '{"format": 1, "format": 1}',
            "9" * 5000,
            "NaN",
        ],
    )
    def test_no_document_at_all(self, text: str) -> None:
        with pytest.raises(RegisterError):
            parse_register(text)

    def test_base64_of_one_writing_only(self) -> None:
        stray = base64.b64encode(SALT).decode()
        assert stray.endswith("/w==")
        with pytest.raises(RegisterError, match="sel"):
            parse_register(self.document(sel=stray.replace("/w==", "/x==")), weakest=QUICK)

    def test_only_a_rising_generation(self) -> None:
        first, second, own, other = (
            the_register(length=1),
            the_register(length=1, generation=2),
            the_register(length=1, generation=3, scope="IEA-1"),
            the_register(length=1, generation=9, scope="IEA-2"),
        )
        assert select_register([first, second, other]) is second
        assert select_register([second, first]) is second
        assert select_register([first, second, own, other], "IEA-1") is own
        forged = the_register(length=2, generation=2)
        assert select_register([second, forged]) is second
        assert select_register([first], least_generation=2) is None
        assert select_register([]) is None


def test_nobody_in_the_module_asks_for_the_date() -> None:
    source = Path(day_password.__file__).read_text(encoding="utf-8")
    assert not re.search(r"date\.today|\.now\(|fromtimestamp|\bdatetime\.", source)
    assert set(ALPHABET) < set(string.digits + string.ascii_uppercase)
