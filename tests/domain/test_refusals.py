"""Refusals: each kind crosses the channel and comes back as it was."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from iea_agent.domain import refusals
from iea_agent.domain.refusals import KINDS, Refusal, UnknownRefusal, parse_refusal, to_document

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("code", KINDS)
@settings(max_examples=20)
@given(data=st.data())
def test_a_refusal_comes_back_as_it_was(code: str, data: st.DataObject) -> None:
    refusal = data.draw(st.from_type(KINDS[code]))
    assume(not math.isnan(getattr(refusal, "wait", 0.0)))
    assert parse_refusal(json.loads(json.dumps(to_document(refusal)))) == refusal


def test_each_kind_has_a_code_of_its_own() -> None:
    classes = {
        kind for kind in vars(refusals).values() if isinstance(kind, type) and issubclass(kind, Refusal)
    }
    abstract = {Refusal, refusals.AutostartRefused, refusals.PasswordRefused, refusals.SettingRefused}
    assert set(KINDS.values()) == classes - abstract


@pytest.mark.parametrize(
    "document",
    [
        {"code": "from-a-newer-agent", "detail": 1},
        {"code": "not-now", "event": "settings", "state": "flying"},
        {"code": "not-now", "event": 3, "state": "connected"},
        {"code": "not-now"},
        {"code": ["not-now"]},
        {},
        [],
        None,
    ],
)
def test_what_this_version_cannot_read_is_an_unknown_refusal(document: object) -> None:
    assert type(parse_refusal(document)) is UnknownRefusal


def test_details_that_another_agent_leaves_out_are_the_usual_ones() -> None:
    mistyped = {"span": None, "wait": 0.0, "fault": "", "position": 0, "part": "", "missing": 0}
    assert to_document(parse_refusal({"code": "password-mistyped"})) == {
        "code": "password-mistyped",
        **mistyped,
    }
    assert parse_refusal({"code": "password-for-other-day"}) == refusals.PasswordForOtherDay(
        span=None, wait=0.0, day=0, today=""
    )


def test_a_wait_of_whole_seconds_is_a_wait() -> None:
    refusal = parse_refusal({"code": "too-many-tries", "wait": 5, "span": [1, 2]})
    assert refusal == refusals.TooManyTries(span=(1, 2), wait=5.0)


def test_details_that_a_newer_agent_adds_are_passed_over() -> None:
    document = {"code": "cannot-enter-assistance", "state": "connected", "more": True}
    assert parse_refusal(document).code == "cannot-enter-assistance"


@pytest.mark.parametrize("code", KINDS)
@settings(max_examples=10)
@given(details=st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_no_document_makes_it_fail(code: str, details: dict[str, Any]) -> None:
    assert isinstance(parse_refusal({**details, "code": code}), Refusal)
