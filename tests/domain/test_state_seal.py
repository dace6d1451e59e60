"""Seals of state files: what is sound, old, changed or missing."""

from __future__ import annotations

import json

import pytest

from iea_agent.domain.state_seal import (
    KEY_BYTES,
    LARGEST_COUNT,
    MOST_COPIES,
    SealEntry,
    Verdict,
    add_seal,
    drop_seal,
    judge,
    parse_entry,
    read_count,
)

KEY, OTHER = bytes(KEY_BYTES), bytes(range(KEY_BYTES))
COPY = {"value": 7.25, "count": 5}
ENTRY = SealEntry(KEY, {"name": COPY})


def sealed(key: bytes = KEY, name: str = "name", **changes: object) -> dict[str, object]:
    return add_seal(key, name, {**COPY, **changes})


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        (sealed(), Verdict.SOUND),
        (COPY, Verdict.SOUND),
        (sealed(count=6, value=8), Verdict.SOUND),
        (sealed(count=4), Verdict.OLD),
        (sealed(value=8), Verdict.OLD),
        (None, Verdict.MISSING),
        ({}, Verdict.CHANGED),
        ({"value": 7.25}, Verdict.CHANGED),
        ({"value": 8, "count": 6}, Verdict.CHANGED),
        (sealed(OTHER, count=6), Verdict.CHANGED),
        (sealed(name="another", count=6), Verdict.CHANGED),
        ({**sealed(count=6), "value": 8}, Verdict.CHANGED),
        ({**sealed(), "count": 6}, Verdict.CHANGED),
        ({**COPY, "count": 6, "seal": "é\ud800"}, Verdict.CHANGED),
        ({**COPY, "count": 6, "seal": 6}, Verdict.CHANGED),
        (sealed(count="6"), Verdict.OLD),
    ],
    ids=str,
)
def test_what_the_seal_says(document: dict[str, object] | None, verdict: Verdict) -> None:
    assert judge(ENTRY, "name", document) is verdict


@pytest.mark.parametrize("document", [None, {}, COPY, sealed(OTHER)], ids=str)
def test_without_a_copy_there_is_nothing_to_compare_with(document: dict[str, object] | None) -> None:
    assert judge(ENTRY, "another", document) is Verdict.SOUND


def test_the_order_of_the_names_does_not_matter_and_reading_back_neither() -> None:
    document = json.loads(json.dumps(dict(reversed(sealed(count=6).items()))))
    assert judge(ENTRY, "name", document) is Verdict.SOUND
    assert drop_seal(document) == {**COPY, "count": 6}


@pytest.mark.parametrize(
    ("count", "number"),
    [
        (1, 1),
        (LARGEST_COUNT, LARGEST_COUNT),
        (0, 0),
        (-1, 0),
        (LARGEST_COUNT + 1, 0),
        (True, 0),
        ("1", 0),
        (1.0, 0),
    ],
)
def test_a_count_that_is_none_is_the_lowest(count: object, number: int) -> None:
    assert read_count({"count": count}) == number
    assert read_count({}) == 0


def test_the_newer_copy_stays() -> None:
    older, newer, new = {"count": 4}, {"count": 6}, {"count": 1}
    assert ENTRY.merge({"name": older}) == ENTRY
    assert ENTRY.merge({"name": {**COPY, "value": 9}}) == ENTRY
    assert ENTRY.merge({"name": newer, "new": new}) == SealEntry(KEY, {"name": newer, "new": new})
    assert (ENTRY.read_count("name"), ENTRY.read_count("new")) == (5, 0)


def test_the_entry_is_parsed_and_shows_no_key() -> None:
    assert parse_entry(ENTRY.to_text()) == ENTRY
    assert parse_entry(SealEntry(OTHER).to_text()) == SealEntry(OTHER)
    assert KEY.hex() not in repr(ENTRY)
    assert repr(KEY) not in repr(ENTRY)


def entry_of(**changes: object) -> str:
    return json.dumps({"key": KEY.hex(), "copies": {"name": COPY}, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "[]", "7", "null", "{}", "[" * 5000, entry_of(key=None), entry_of(key="0" * 62), entry_of(key="0" * 66),
        entry_of(key="z" * 64), entry_of(copies=None), entry_of(copies=[]), entry_of(copies={"name": 7}),
        entry_of(copies={"name": {}}), entry_of(copies={"name": {"count": 0}}),
        entry_of(copies={str(number): COPY for number in range(MOST_COPIES + 1)}),
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_a_damaged_entry_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_entry(text)


def test_as_many_copies_as_there_may_be() -> None:
    copies = {str(number): COPY for number in range(MOST_COPIES)}
    assert parse_entry(entry_of(copies=copies)).copies == copies
