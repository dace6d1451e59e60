"""Text from elsewhere: its encoding, and what nobody sees in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import pasted_text
from iea_agent.domain.settings import LICENCE_KEY, PASTED, PROXY_PASSWORD, check_secret, tidy_typed

TEXT = "clé-àß-42"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xff\xfe" + TEXT.encode("utf-16-le"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"),
        TEXT.encode("cp1252"),
    ],
    ids=["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "cp1252"],
)
def test_the_mark_decides_then_utf_8_then_the_code_page(data: bytes) -> None:
    assert pasted_text.decode_text(data, "cp1252") == TEXT


@pytest.mark.parametrize("data", [b"\xff\xfea", b"\xff\xfe\x00\xd8", b"cl\x81"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        pasted_text.decode_text(data, "cp1252")


def test_a_marked_file_becomes_utf_8_and_another_stays_as_it_is() -> None:
    assert pasted_text.drop_mark(b"\xff\xfe" + TEXT.encode("utf-16-le")) == TEXT.encode()
    assert pasted_text.drop_mark(TEXT.encode("utf-8-sig")) == TEXT.encode()
    assert pasted_text.drop_mark(TEXT.encode("cp1252")) == TEXT.encode("cp1252")
    assert pasted_text.detect_mark(b"abc") == (0, "")


@pytest.mark.parametrize("character", ["\0", "\x1f", "\x7f", "\x9f", *map(chr, (0xD800, 0xDFFF))], ids=ascii)
def test_a_control_character_is_noticed(character: str) -> None:
    assert pasted_text.has_control_characters(f"a{character}")


@pytest.mark.parametrize("character", [" ", "~", "\xa0", "\ud7ff", "\ue000"], ids=ascii)
def test_its_neighbours_are_none(character: str) -> None:
    assert not pasted_text.has_control_characters(f"a{character}")


INVISIBLE = [
    "\u200b",  # zero-width space
    "\u200c",
    "\u200d",
    "\u2060",  # word joiner
    "\u00ad",  # soft hyphen
    "\ufeff",  # byte order mark
    "\u200e",  # marks of a direction
    "\u202a",
    "\u202c",
    "\u2066",
    "\ufe00",
    "\ufe0f",
    "\u034f",
    "\U000e0020",
]
BLANKS = ["\u00a0", "\u202f", "\u2007", "\u2009", "\u3000", "\u2028", "\u2029"]


@pytest.mark.parametrize("character", INVISIBLE + BLANKS, ids=ascii)
@pytest.mark.parametrize("form", ["{}AB-12", "AB{}-12", "AB-12{}", " {} AB-12\t{}"])
def test_a_number_and_a_key_lose_what_nobody_sees(character: str, form: str) -> None:
    assert tidy_typed("licence.number", form.replace("{}", character)) == "AB-12"
    assert tidy_typed(LICENCE_KEY, form.replace("{}", character)) == "AB-12"


@pytest.mark.parametrize("hyphen", "\u2010\u2011\u2012\u2013\u2212")
def test_a_hyphen_of_a_word_processor_is_a_hyphen(hyphen: str) -> None:
    assert tidy_typed("licence.number", f"IEA{hyphen}0001") == "IEA-0001"


def test_a_name_keeps_its_blanks_as_plain_ones() -> None:
    assert tidy_typed("proxy.user", "\u200bJean\u00a0Dupont ") == "Jean Dupont"


@pytest.mark.parametrize("blank", [" ", "\u00a0"])
def test_a_password_keeps_its_blanks(blank: str) -> None:
    assert tidy_typed(PROXY_PASSWORD, f"{blank}a\u200bb{blank}") == f"{blank}ab{blank}"


@pytest.mark.parametrize("name", PASTED)
@given(text=st.text(max_size=40))
def test_tidying_twice_changes_nothing_more(name: str, text: str) -> None:
    tidied = tidy_typed(name, text)
    assert tidy_typed(name, tidied) == tidied


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f", "\x85", "\ud800", "\n"], ids=ascii)
def test_a_secret_with_control_characters_is_refused(character: str) -> None:
    for name in (LICENCE_KEY, PROXY_PASSWORD):
        with pytest.raises(ValueError, match=name):
            check_secret(name, f"a{character}b")
