"""Who usually vouches for a server, and since when another one does."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iea_agent.domain import timing
from iea_agent.domain.diagnosis import Certificate, EndpointChange, Interception
from iea_agent.domain.known_issuers import (
    LARGEST,
    KnownIssuer,
    list_notices,
    parse_record,
    record_accepted,
    record_endpoint,
    record_refused,
    render_record,
)
from iea_agent.domain.state_values import LATEST_TIME
from tests.covered import cover, covers


def by(issuer: str) -> Certificate:
    return Certificate("a.fr", issuer, 0.0, 1.0, "00")


def test_a_stranger_in_the_usual_issuers_place_is_dated_from_its_first_sight() -> None:
    entry = record_accepted(KnownIssuer(), by("Certigna"), 50.0)
    entry, certificate = record_refused(entry, by("Avast"), 100.0)
    assert certificate.changed_at == 100.0
    entry, certificate = record_refused(entry, by("Avast"), 200.0)
    assert certificate.changed_at == 100.0
    entry, certificate = record_refused(entry, by("ESET"), 300.0)
    assert certificate.changed_at == 300.0


def test_nothing_is_said_where_nothing_was_usual_or_nothing_changed() -> None:
    assert record_refused(KnownIssuer(), by("Avast"), 100.0) == (KnownIssuer(), by("Avast"))
    entry = record_accepted(KnownIssuer(), by("Certigna"), 50.0)
    assert record_refused(entry, by("Certigna"), 100.0) == (entry, by("Certigna"))


def test_an_accepted_issuer_is_the_usual_one() -> None:
    entry, _ = record_refused(record_accepted(KnownIssuer(), by("Certigna"), 50.0), by("Avast"), 100.0)
    assert record_accepted(entry, by("Certigna"), 50.0) == KnownIssuer("Certigna")
    assert record_accepted(entry, by("Let's Encrypt"), 50.0) == KnownIssuer("Let's Encrypt")


def test_an_interceptor_that_is_believed_is_said_as_long_as_it_lasts() -> None:
    entry = record_accepted(KnownIssuer(), by("Certigna"), 10.0)
    assert list_notices(entry, 20.0) == ()
    entry = record_accepted(entry, by("Fortinet"), 100.0)
    assert list_notices(entry, 200.0) == (Interception("Fortinet (FortiGate)", "Certigna", 100.0),)
    entry = record_accepted(entry, by("Fortinet"), 300.0)
    assert list_notices(entry, 50.0) == (Interception("Fortinet (FortiGate)", "Certigna", 50.0),), (
        "the clock was ahead"
    )
    assert list_notices(entry, 9e9) == (Interception("Fortinet (FortiGate)", "Certigna", 100.0),)
    # refused again, it is no interceptor that is believed
    assert list_notices(record_refused(entry, by("Avast"), 400.0)[0], 400.0) == ()
    assert list_notices(record_accepted(entry, by("Certigna"), 400.0), 400.0) == ()


def test_one_that_was_always_there_is_no_change() -> None:
    entry = record_accepted(KnownIssuer(), by("Zscaler Inc."), 10.0)
    assert list_notices(entry, 20.0) == ()
    entry = record_accepted(entry, by("Fortinet"), 30.0)
    assert list_notices(entry, 40.0) == ()


def test_another_token_endpoint_is_said_for_a_while() -> None:
    entry = record_endpoint(KnownIssuer("Certigna"), "https://a.fr/token", 10.0)
    assert list_notices(entry, 20.0) == ()
    assert record_endpoint(entry, "https://a.fr/token", 20.0) == entry
    entry = record_endpoint(entry, "https://a.fr:8443/token", 30.0)
    change = EndpointChange("https://a.fr:8443/token", "https://a.fr/token", 30.0)
    assert list_notices(entry, 40.0) == (change,)
    assert list_notices(entry, 30.0 + timing.ENDPOINT_NOTICE) == ()
    assert record_accepted(entry, by("Certigna"), 50.0) == entry


TIMES = st.floats(0, LATEST_TIME)
KNOWN = st.builds(KnownIssuer, st.text(), st.text(), TIMES, st.booleans(), st.text(), st.text(), TIMES)


@covers("whole", "cut")
@example({str(number): KnownIssuer(str(number)) for number in range(LARGEST + 1)})
@given(st.dictionaries(st.text(), KNOWN, max_size=LARGEST + 5))
def test_it_is_kept_within_bounds(entries: dict[str, KnownIssuer]) -> None:
    latest = dict(list(entries.items())[-LARGEST:])
    cover("whole" if latest == entries else "cut")
    assert parse_record(json.loads(json.dumps(render_record(entries)))) == latest


@pytest.mark.parametrize(
    "since", [1e300, float("nan"), float("inf"), -1, 1e13, True, "1", None, [1.0], 10**400]
)
def test_an_impossible_time_is_passed_over(since: object) -> None:
    entry = {**asdict(KnownIssuer("Certigna", "Avast")), "since": since}
    good = asdict(KnownIssuer("Certigna"))
    assert parse_record({"a": entry, "b": good}) == {"b": KnownIssuer("Certigna")}


def test_a_time_ahead_counts_from_now() -> None:
    entry = KnownIssuer("Certigna", "Avast", 900.0)
    entry, certificate = record_refused(entry, by("Avast"), 200.0)
    assert certificate.changed_at == entry.since == 200.0


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.dictionaries(st.text(), st.integers())))
def test_what_is_not_of_its_form_is_passed_over(document: dict[str, object]) -> None:
    assert parse_record(document) == {}
