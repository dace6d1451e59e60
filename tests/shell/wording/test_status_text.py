"""The status as a document and as text: as its schema says, without a secret."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from iea_agent import __version__
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.problems import Actor, Severity
from iea_agent.domain.settings import DEFAULTS, Settings
from iea_agent.shell.wording import status_text
from tests.failures import OBSERVED, failed
from tests.status_documents import make_status

pytestmark = pytest.mark.usefixtures("language")

DOCS = Path(__file__).resolve().parents[3] / "docs"
SCHEMA = json.loads((DOCS / "status.schema.json").read_text(encoding="utf-8"))
NOW = 1_790_000_000.4
VALIDATOR = Draft202012Validator(SCHEMA)
SETTINGS = replace(DEFAULTS, licence_number="IEA-0000-1234")


def snapshots() -> Iterator[Snapshot]:
    """Yield every state with every problem and none, with few and with all fields."""
    for state, code in itertools.product(State, [None, *OBSERVED]):
        yield Snapshot(state, NOW, failure=failed(code) if code else None)
        yield Snapshot(
            state,
            NOW - 86_400,
            failure=failed(code, "ConnectTimeout") if code else None,
            failed_at=NOW - 9,
            contact_at=NOW - 5,
            retry_at=NOW + 5,
            working=True,
            servers_answer=True,
        )


def test_every_status_is_as_its_schema_says() -> None:
    for snapshot in snapshots():
        VALIDATOR.validate(json.loads(json.dumps(make_status(snapshot, SETTINGS))))


def test_the_schema_is_one_and_names_what_the_domain_knows() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema"]["const"] == status_text.SCHEMA
    assert SCHEMA["properties"]["state"]["enum"] == [state.value for state in State]
    problem = SCHEMA["$defs"]["problem"]["properties"]
    assert problem["severity"]["enum"] == [severity.value for severity in Severity]
    assert problem["actor"]["enum"] == [actor.value for actor in Actor]


def test_the_schema_refuses_what_it_does_not_know() -> None:
    document = make_status(Snapshot(State.CONNECTED, NOW), SETTINGS)
    assert VALIDATOR.is_valid(document)
    assert not VALIDATOR.is_valid({**document, "licence_key": "x"})
    assert not VALIDATOR.is_valid({**document, "since": "hier"})
    assert not VALIDATOR.is_valid({**document, "state": "unknown"})


def test_times_are_utc_in_whole_seconds() -> None:
    assert status_text.format_rfc3339(0.9) == "1970-01-01T00:00:00Z"
    assert status_text.format_rfc3339(NOW) == "2026-09-21T14:13:20Z"
    assert status_text.format_rfc3339(None) is None


def test_the_status_for_people_says_everything_once(language: str) -> None:
    snapshot = Snapshot(
        State.DISCONNECTED, NOW, failure=failed(problems.NO_NETWORK, "ENETUNREACH"), retry_at=NOW + 60
    )
    document = make_status(snapshot, SETTINGS)
    problem = document["problem"]
    assert problem is not None
    lines = status_text.list_status_lines(document, NOW)
    names = [name for name, _ in lines]
    assert len(set(names)) == len(names)
    text = status_text.render_status(document, NOW)
    assert text.count("\n") == len(lines) - 1
    for piece in (
        document["state_text"],
        "IEA-N01",
        problem["text"],
        problem["advice"],
        problem["actor_text"],
        "ENETUNREACH",
        SETTINGS.authentication,
        SETTINGS.updates,
        "IEA-0000-1234",
        __version__,
    ):
        assert piece in text
    colon = "\u00a0: " if language == "fr" else ": "
    assert all(f"{name}{colon}{what}" in text for name, what in lines)


def test_until_when_to_wait_is_counted_from_the_answer_and_not_from_the_reading(language: str) -> None:
    answered = time.mktime((2026, 11, 12, 14, 25, 0, 0, 0, -1))
    closed = Failure(Stage.ANSWER, problems.SERVER_IN_MAINTENANCE, retry_after=600.0)
    snapshot = Snapshot(State.DISCONNECTED, answered - 60, failure=closed, failed_at=answered)
    document = make_status(snapshot, SETTINGS)
    assert document["problem"] is not None
    details = document["problem"]["particulars"]
    assert details in status_text.render_status(document, answered + 500)
    if language == "fr":
        assert details.endswith("10 minutes, jusque vers 14\u00a0h\u00a035.")


def test_no_line_of_the_status_is_empty() -> None:
    for snapshot, settings in itertools.product(snapshots(), (Settings(), SETTINGS)):
        for name, what in status_text.list_status_lines(make_status(snapshot, settings), NOW):
            assert name
            assert what, name


def test_the_status_has_no_place_for_the_key() -> None:
    for snapshot in snapshots():
        written = json.dumps(make_status(snapshot, SETTINGS)).lower()
        for word in ("licence_key", "secret", "token", "password"):
            assert f'"{word}"' not in written


def test_a_moment_names_the_day_where_it_is_not_today(language: str) -> None:
    noon = time.mktime((2026, 3, 5, 12, 0, 0, 0, 0, -1))
    today = status_text.format_document_time(status_text.format_rfc3339(noon - 3600), noon)
    before = status_text.format_document_time(status_text.format_rfc3339(noon - 5 * 86_400), noon)
    assert status_text.format_document_time(None, noon) == ""
    assert "2026" in before
    assert "2026" not in today
    assert ("11\u00a0h\u00a000" if language == "fr" else "11:00") in today


def test_what_is_refused_and_what_is_to_be_known_stand_last_among_the_facts() -> None:
    status = make_status(Snapshot(State.CONNECTED, NOW), DEFAULTS)
    plain = status_text.list_facts(status, "", NOW)
    noted = {**status, "setting_faults": ["premier", "second"], "notices": ["à savoir", "aussi"]}
    facts = status_text.list_facts(noted, "", NOW)  # type: ignore[arg-type]
    assert [what for _, what in facts[len(plain) :]] == ["premier\nsecond", "à savoir\naussi"]
    assert facts[: len(plain)] == plain
