"""The register of passwords: its file, its hashes, and which register is used."""

from __future__ import annotations

import base64
import json
import re
from datetime import date

import pytest

from iea_agent.domain.password_register import (
    Kdf,
    Register,
    RegisterError,
    hash_number,
    parse_generation,
    parse_register,
    select_register,
)
from iea_agent.domain.state_values import LARGEST_GENERATION
from tests.passwords import QUICK, SALT, VECTORS, make_register

REGISTER = make_register()


def document(**changes: object) -> str:
    """Return a valid file with *changes*; None leaves a name out."""
    values = {**json.loads(REGISTER.to_text()), **changes}
    return json.dumps({name: value for name, value in values.items() if value is not None})


class TestFile:
    """Every value is checked before anything is hashed."""

    def test_the_text_gives_the_same_register(self) -> None:
        assert parse_register(REGISTER.to_text(), weakest=QUICK) == REGISTER
        assert (REGISTER.days, REGISTER.last) == (61, date(2026, 12, 31))
        assert REGISTER.remaining(date(2026, 12, 1)) == 30
        assert REGISTER.remaining(date(2027, 1, 1)) == -1

    def test_ten_years_are_as_long_as_published(self) -> None:
        register = Register("2026a", "*", 1, date(2026, 1, 1), SALT, Kdf(), bytes(16 * 3653))
        assert len(register.to_text()) == 78_150
        assert parse_register(register.to_text()) == register

    @pytest.mark.parametrize(
        ("changes", "message"),
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
            ({"portee": "p" * 101}, "portee"),
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
            ({}, "n:"),  # the cost of the tests
        ],
    )
    def test_a_value_out_of_bounds_is_refused(self, changes: dict[str, object], message: str) -> None:
        with pytest.raises(RegisterError, match=re.escape(message)):
            parse_register(document(**changes))

    @pytest.mark.parametrize(
        "changes",
        [
            {"kid": "k" * 32, "portee": "p" * 100, "generation": LARGEST_GENERATION},
            {"nb_jours": 1, "empreintes": base64.b64encode(bytes(16)).decode()},
            {"premier_jour": "2999-10-31"},
            {"kdf": {"nom": "scrypt", "n": 2**14, "r": 8, "p": 1, "dklen": 16}},
            {"kdf": {"nom": "scrypt", "n": 2**17, "r": 8, "p": 2, "dklen": 16}},
        ],
    )
    def test_the_last_value_within_bounds_is_accepted(self, changes: dict[str, object]) -> None:
        usual = {"kdf": {"nom": "scrypt", "n": 2**16, "r": 8, "p": 1, "dklen": 16}}
        register = parse_register(document(**{**usual, **changes}))
        assert json.loads(register.to_text()) == json.loads(document(**{**usual, **changes}))

    def test_a_file_has_no_more_than_200_000_characters(self) -> None:
        assert parse_register(document().ljust(200_000), weakest=QUICK) == REGISTER
        with pytest.raises(RegisterError, match="more than 200000 characters"):
            parse_register(document().ljust(200_001), weakest=QUICK)

    def test_a_name_that_stands_twice_is_refused(self) -> None:
        with pytest.raises(RegisterError, match="stands twice"):
            parse_register(document().replace("{", '{"kid": "2026b", ', 1), weakest=QUICK)

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
    def test_other_text_is_refused(self, text: str) -> None:
        with pytest.raises(RegisterError):
            parse_register(text)

    def test_base64_with_stray_bits_is_refused(self) -> None:
        stray = base64.b64encode(SALT).decode()
        assert stray.endswith("/w==")
        with pytest.raises(RegisterError, match="sel"):
            parse_register(document(sel=stray.replace("/w==", "/x==")), weakest=QUICK)


class TestHash:
    """The slow hash."""

    def test_the_published_values(self) -> None:
        hashes = [hash_number(number, "2026a", "*", day, SALT, QUICK).hex() for day, number, *_ in VECTORS]
        assert hashes == [
            "6a53192cb8985accca6594b41d1e648e",
            "d9beb69524b71d66724117ebea237000",
            "21094b45443668ae49ff845a00661fdd",
        ]

    def test_the_published_value_at_full_cost(self) -> None:
        day, number, *_ = VECTORS[0]
        assert hash_number(number, "2026a", "*", day, SALT, Kdf()).hex() == "5dcd7a269c16c03e992679d2995b1ee0"

    @pytest.mark.parametrize("changed", [{"kid": "2026b"}, {"scope": "IEA-1"}])
    def test_the_hash_belongs_to_its_key_and_scope(self, changed: dict[str, str]) -> None:
        day, value, *_ = VECTORS[0]
        names = {"kid": "2026a", "scope": "*", **changed}
        assert hash_number(value, names["kid"], names["scope"], day, SALT, QUICK) != make_register(
            day, 1
        ).digest_of(day)


def test_the_highest_generation_is_selected() -> None:
    first, second, own, other = (
        make_register(length=1),
        make_register(length=1, generation=2),
        make_register(length=1, generation=3, scope="IEA-1"),
        make_register(length=1, generation=9, scope="IEA-2"),
    )
    assert select_register([first, second, other]) is second
    assert select_register([second, first]) is second
    assert select_register([first, second, own, other], "IEA-1") is own
    forged = make_register(length=2, generation=2)
    assert select_register([second, forged]) is second
    assert select_register([first]) is first
    assert select_register([first], least_generation=1) is first
    assert select_register([first], least_generation=2) is None
    assert select_register([]) is None


def test_the_highest_generation_so_far_is_kept_in_a_document() -> None:
    assert parse_generation({"generation": 1}) == 1
    assert parse_generation({"generation": LARGEST_GENERATION}) == LARGEST_GENERATION
    for generation in (0, LARGEST_GENERATION + 1, "1", None):
        with pytest.raises(ValueError, match="generation"):
            parse_generation({"generation": generation})
