"""The phone code: what goes in comes out, and a mistyped character is put right."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain import phone_code, problems
from iea_agent.domain.day_password import ALPHABET
from iea_agent.domain.machine import State
from iea_agent.domain.phone_code import (
    CodeFault,
    PhoneCodeError,
    PhoneFacts,
    TimeSpan,
    decode_phone_code,
    format_phone_code,
    spell_phone_code,
)
from iea_agent.domain.proxy_choice import Source

DOWN = PhoneFacts(
    "0.1.0", State.DISCONNECTED, "IEA-T05", -4000.0, Source.SCRIPT, None, state_age=7000.0, day=30
)
DOWN_CODE = format_phone_code(DOWN)

some_facts = some.builds(
    PhoneFacts,
    some.sampled_from(["0.1.0", "1.2.3", "6.31.31"]),
    some.none() | some.sampled_from(State),
    some.just("") | some.sampled_from(sorted(problems.CATALOGUE)),
    some.none() | some.floats(-1e9, 1e9),
    some.none() | some.sampled_from(Source),
    some.none() | some.floats(0, 1e9),
    some.none() | some.floats(0, 1e9),
    some.integers(1, 31),
)


@pytest.mark.parametrize("code", [*sorted(problems.CATALOGUE), ""])
def test_every_problem_comes_out_as_it_went_in(code: str) -> None:
    reading = decode_phone_code(format_phone_code(PhoneFacts("0.1.0", State.DISCONNECTED, code)))
    assert (reading.code, reading.version, reading.state) == (code, "0.1.0", State.DISCONNECTED)


def test_the_numbers_of_old_codes_never_change() -> None:
    """Codes as the first version made them: a desk may get one years later."""
    assert phone_code.GROUP_LETTERS.startswith("CNPTSUAL")
    assert {group.value for group in problems.Group} <= set(phone_code.GROUP_LETTERS)
    first = {
        "IEA-C01": "40G6-0100-01SB",
        "IEA-N02": "40G6-4200-01DR",
        "IEA-P01": "40G6-8100-01V1",
        "IEA-T05": "40G6-C500-01GA",
        "IEA-S01": "40G6-G100-01XZ",
        "IEA-U01": "40G6-M100-01WT",
        "IEA-A01": "40G6-R100-01ZN",
        "IEA-L01": "40G6-W100-01YG",
    }
    for code, expected in first.items():
        assert format_phone_code(PhoneFacts("0.1.0", State.DISCONNECTED, code)) == expected
    assert DOWN_CODE == "40G6-C5F0-4YXK"


@given(some_facts)
def test_what_goes_in_comes_out(facts: PhoneFacts) -> None:
    reading = decode_phone_code(format_phone_code(facts))
    assert (reading.version, reading.state, reading.code) == (facts.version, facts.state, facts.code)
    assert (reading.proxy, reading.day, reading.corrected) == (facts.proxy, facts.day, 0)
    for seconds, step in (
        *((facts.assistance_age, reading.assistance), (facts.state_age, reading.age)),
        (None if facts.clock_ahead is None else abs(facts.clock_ahead), reading.clock),
    ):
        assert (seconds is None) is (step is None)
        if seconds is not None and step is not None:
            assert step.least <= seconds <= (step.most or seconds)
    wrong = reading.clock is not None and reading.clock.least > 0
    assert reading.clock_behind is (wrong and (facts.clock_ahead or 0) > 0)


@given(some_facts, some.integers(0, 11), some.integers(1, 31))
def test_one_wrong_character_is_put_right(facts: PhoneFacts, place: int, other: int) -> None:
    code = format_phone_code(facts)
    symbols = list(code.replace("-", ""))
    symbols[place] = ALPHABET[ALPHABET.index(symbols[place]) ^ other]
    reading = decode_phone_code("".join(symbols))

    assert (reading.corrected, reading.right) == (place + 1, code)


def test_two_that_changed_places_are_noticed_or_put_right_nowhere_silently() -> None:
    symbols = DOWN_CODE.replace("-", "")
    faults, silent = set(), 0
    for one, other in itertools.combinations(range(12), 2):
        swapped = list(symbols)
        swapped[one], swapped[other] = swapped[other], swapped[one]
        if "".join(swapped) == symbols:
            continue
        try:
            silent += decode_phone_code("".join(swapped)).corrected == 0
        except PhoneCodeError as error:
            faults.add(error.fault)
    assert (faults, silent) == ({CodeFault.CHARACTERS}, 0)


@pytest.mark.parametrize(
    ("text", "fault", "place", "missing"),
    [
        ("", CodeFault.LENGTH, 0, 12),
        (DOWN_CODE[:-1], CodeFault.LENGTH, 0, 1),
        (DOWN_CODE + "AB", CodeFault.LENGTH, 0, -2),
        ("x" * 100_000, CodeFault.LENGTH, 0, -189),
        ("U" + DOWN_CODE[1:], CodeFault.FOREIGN, 1, 0),
        (DOWN_CODE[:5] + "é" + DOWN_CODE[6:], CodeFault.FOREIGN, 5, 0),
        # nothing but zeros has right check symbols, and no format
        ("0" * 12, CodeFault.FORMAT, 0, 0),
    ],
)
def test_what_is_no_code_is_named(text: str, fault: CodeFault, place: int, missing: int) -> None:
    with pytest.raises(PhoneCodeError) as caught:
        decode_phone_code(text)
    assert (caught.value.fault, caught.value.place, caught.value.missing) == (fault, place, missing)


def test_however_it_is_typed_it_is_read() -> None:
    expected = decode_phone_code(DOWN_CODE)
    for text in (
        *(DOWN_CODE.lower(), DOWN_CODE.replace("-", " "), f"« {DOWN_CODE}. »", DOWN_CODE.replace("0", "o")),
        *(DOWN_CODE.replace("1", "l"), " ".join(DOWN_CODE), DOWN_CODE.replace("-", "\u2013")),
    ):
        assert decode_phone_code(text) == expected


def test_a_version_without_room_is_unknown() -> None:
    for version in ("0.40.0", "9.0.0", "nightly"):
        assert decode_phone_code(format_phone_code(PhoneFacts(version, None))).version == ""


def test_it_is_spelled_with_first_names() -> None:
    names = dict(spell_phone_code("ACZ7-0000-0000"))
    assert names == {"A": "Anatole", "C": "Célestin", "Z": "Zoé", "7": "sept", "0": "zéro"}
    assert len(list(spell_phone_code(DOWN_CODE))) == 12


def test_a_clock_an_hour_off_is_told_from_a_slow_one() -> None:
    clocks = {
        ahead: decode_phone_code(format_phone_code(PhoneFacts("0.1.0", None, "", ahead))).clock
        for ahead in (0.0, 400.0, -3600.0, 7200.0, 5e8)
    }
    assert list(clocks.values()) == [
        *(TimeSpan(0.0, 300.0), TimeSpan(300.0, 900.0), TimeSpan(900.0, 3900.0), TimeSpan(3900.0, 7500.0)),
        TimeSpan(400 * 86_400.0, None),
    ]
