"""Parsing of a typed password of the day: both forms, and every typing error."""

from __future__ import annotations

import itertools
import random
import unicodedata
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iea_agent.domain import day_words
from iea_agent.domain.day_password import format_letters, format_words
from iea_agent.domain.typed_password import TypedPassword, Typo, TypoKind, parse_typed_password
from tests.covered import cover, covers
from tests.passwords import ALPHABET, LETTERS, VECTORS, WORDS

days = st.dates(date(2020, 1, 1), date(2099, 12, 31))
numbers = st.integers(0, 2**50 - 1)


class TestForms:
    """Both forms, in all the ways people type them."""

    @given(days, numbers)
    def test_both_forms_are_parsed(self, day: date, value: int) -> None:
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
            WORDS.upper(),
            "24 artic subt chro rava inso",
            "24, article, subtil, chrome, ravager, insolite.",
            "24 arti subt chro rava inso",
            "24 articles subtile chromé ravagé insolites",
        ],
    )
    def test_case_blanks_and_punctuation_do_not_matter(self, typed: str) -> None:
        assert parse_typed_password(typed) == TypedPassword(24, VECTORS[0][1])

    def test_a_day_of_one_digit(self) -> None:
        expected = TypedPassword(1, VECTORS[1][1])
        assert (
            parse_typed_password("1-R0FN-VGJF-G87A") == parse_typed_password("O1-R0FN-VGJF-G87A") == expected
        )
        assert parse_typed_password("1 prairie vilain gelule mortier bonheur") == expected
        assert parse_typed_password(unicodedata.normalize("NFD", VECTORS[1][3])) == expected

    @covers("span", *TypoKind)
    @example("")
    @example("٣" * 14)
    @example("24-29Y7-1GB3-S0Y4")
    @example("25-29Y7-1GV3-S0Y4")
    @example("24-29Y7-1VG3-S0Y4")
    @example("24-29Y7-1GU3-S0Y4")
    @example("24 article subtil crome ravager insolite")
    @example("24 subtil article chrome ravager insolite")
    @example("24 article")
    @given(st.text(max_size=250))
    def test_any_text_gives_a_password_or_a_typo(self, typed: str) -> None:
        result = parse_typed_password(typed)
        assert isinstance(result, (TypedPassword, Typo))
        if isinstance(result, Typo):
            cover(result.kind)
        if isinstance(result, Typo) and result.span:
            cover("span")
            assert 0 <= result.span[0] < result.span[1] <= len(typed)

    @given(
        st.lists(
            st.sampled_from(["24", "article", "29Y7", "ABCD", "u", "été", "-", " ", "٣", "½"]), max_size=30
        )
    )
    def test_pieces_of_passwords_give_a_password_or_a_typo(self, pieces: list[str]) -> None:
        assert isinstance(parse_typed_password("".join(pieces)), (TypedPassword, Typo))

    def test_a_password_is_not_in_its_representation(self) -> None:
        password = parse_typed_password(LETTERS)
        assert isinstance(password, TypedPassword)
        for secret in (str(password.number), hex(password.number)[2:], "29Y7", "article"):
            assert secret not in repr(password)


class TestTypos:
    """A typing error is located and is no try."""

    @pytest.mark.parametrize(
        ("typed", "typo"),
        [
            ("", Typo(TypoKind.EMPTY)),
            (" -–- ", Typo(TypoKind.EMPTY)),
            ("24-29Y7-1GB3-S0Y4", Typo(TypoKind.CHARACTER, 3, "1GB3", (10, 11))),
            ("25-29Y7-1GV3-S0Y4", Typo(TypoKind.DAY, span=(0, 2))),
            ("24-29Y7-1VG3-S0Y4", Typo(TypoKind.CHARACTERS)),
            ("24-29Y7-1GU3-S0Y4", Typo(TypoKind.FOREIGN, 3, "1GU3", (10, 11))),
            ("  24-É9Y7-1GV3-S0Y4", Typo(TypoKind.FOREIGN, 1, "É9Y7", (5, 6))),
            ("00-29Y7-1GV3-S0Y4", Typo(TypoKind.DAY, span=(0, 2))),
            ("32-29Y7-1GV3-S0Y4", Typo(TypoKind.DAY, span=(0, 2))),
            ("ZZ-29Y7-1GV3-S0Y4", Typo(TypoKind.DAY, span=(0, 2))),
            ("24-29Y7-1GV3-S0Y", Typo(TypoKind.LENGTH, missing=1)),
            ("24-29Y7-1GV3-S0Y44", Typo(TypoKind.LENGTH, missing=-1)),
            ("bonjour", Typo(TypoKind.LENGTH, missing=7)),
            ("24 article subtil crome ravager insolite", Typo(TypoKind.WORD, 3, "CROME", (18, 23))),
            ("24 article subtil chr ravager insolite", Typo(TypoKind.WORD, 3, "CHR", (18, 21))),
            ("24 article subtil ravager insolite", Typo(TypoKind.WORD_COUNT, missing=1)),
            ("24 article subtil", Typo(TypoKind.WORD_COUNT, missing=3)),
            ("24 article", Typo(TypoKind.WORD_COUNT, missing=4)),
            ("24 article subtil chrome ravager insolite article", Typo(TypoKind.WORD_COUNT, missing=-1)),
            ("article subtil chrome ravager insolite", Typo(TypoKind.DAY, span=(0, 7))),
            ("24 subtil article chrome ravager insolite", Typo(TypoKind.WORDS)),
            ("x" * 200, Typo(TypoKind.LENGTH, missing=-186)),
            ("x" * 201, Typo(TypoKind.LENGTH, missing=-1)),
            # sixteen letters and digits are still meant as letters, seventeen as words
            ("24-ABCD-EFGH-JKMNPQ", Typo(TypoKind.LENGTH, missing=-2)),
            ("24 insolite chromes", Typo(TypoKind.WORD_COUNT, missing=3)),
            ("24-29Y7-1GV3-S0Y4-article", Typo(TypoKind.LENGTH, missing=-7)),
        ],
    )
    def test_where_it_is(self, typed: str, typo: Typo) -> None:
        assert parse_typed_password(typed) == typo

    def test_nothing_typed_has_no_place(self) -> None:
        assert parse_typed_password("") == Typo(TypoKind.EMPTY, position=0, part="", span=None, missing=0)

    @pytest.mark.parametrize("letters", [vector[2] for vector in VECTORS])
    def test_every_single_error_is_located(self, letters: str) -> None:
        places = [place for place, symbol in enumerate(letters) if symbol != "-"][2:]
        for position, place in enumerate(places, start=1):
            for symbol in set(ALPHABET) - {letters[place]}:
                wrong = letters[:place] + symbol + letters[place + 1 :]
                group = wrong.split("-")[(position + 3) // 4]
                expected = Typo(TypoKind.CHARACTER, (position - 1) % 4 + 1, group, (place, place + 1))
                assert parse_typed_password(wrong) == expected, wrong
        for day in set(range(1, 32)) - {int(letters[:2])}:
            assert parse_typed_password(f"{day:02}{letters[2:]}") == Typo(TypoKind.DAY, span=(0, 2))

    def test_every_swap_is_detected(self) -> None:
        generator = random.Random(1)  # noqa: S311 the same days every time
        for _ in range(200):
            letters = format_letters(date(2026, 1, generator.randint(1, 31)), generator.getrandbits(50))
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

    def test_double_errors_in_what_is_typed_are_typos(self) -> None:
        places = [place for place, symbol in enumerate(LETTERS) if symbol != "-"][2:]
        for one, other in itertools.combinations(places, 2):
            for left, right in itertools.product("07BCDEF", repeat=2):
                wrong = list(LETTERS)
                wrong[one], wrong[other] = left, right
                typed = "".join(wrong)
                assert typed == LETTERS or isinstance(parse_typed_password(typed), Typo), typed

    def test_noise_passes_once_in_a_thousand(self) -> None:
        generator = random.Random(2)  # noqa: S311
        passed = sum(
            isinstance(parse_typed_password("24" + "".join(generator.choices(ALPHABET, k=12))), TypedPassword)
            for _ in range(20_000)
        )
        assert 5 <= passed <= 45  # 20 expected

    def test_a_wrong_word_is_caught_31_times_in_32(self) -> None:
        words = WORDS.split()
        all_words = day_words.WORDS.split()
        unseen = 0
        for place in range(1, 6):
            for word in set(all_words) - {words[place]}:
                result = parse_typed_password(" ".join([*words[:place], word, *words[place + 1 :]]))
                assert isinstance(result, TypedPassword) or result == Typo(TypoKind.WORDS)
                unseen += isinstance(result, TypedPassword)
        assert unseen / (5 * 2047) == pytest.approx(1 / 32, abs=0.01)
