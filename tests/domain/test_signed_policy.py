"""The signed policy and the notices: what they say, and that they weaken nothing."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from iea_agent.domain import timing
from iea_agent.domain.interceptors import ProductKind
from iea_agent.domain.signed_policy import (
    LARGEST_TEXT,
    LONGEST_PAGE,
    MOST_NOTICES,
    RULES,
    WEAKENING,
    PolicyError,
    ReplacedAddress,
    SignedPolicy,
    Words,
    find_notice,
    format_time,
    parse_notices,
    parse_policy,
)

OLD, NEW = "https://impact-emploi.urssaf.fr", "https://connexion.urssaf.fr/ie"
POLICY: dict[str, Any] = {
    "schema": 1,
    "support_address": "assistance@exemple.fr",
    "minimum": {"agent": "0.2.0", "product": "3.00.70"},
    "interceptors": [
        {
            "name": "Nouvel antivirus",
            "kind": "antivirus",
            "setting": "Dans ses paramètres, ajoutez l'adresse.",
            "marks": ["nouvel antivirus"],
        }
    ],
    "pages": {"IEA-N01": {"fr": "# Panne\n\nRappelez votre fournisseur.", "en": "# Outage"}},
    "changes": [
        {
            "name": "2027-03",
            "rehearses": "2027-02-01T06:00:00Z",
            "begins": "2027-03-01T06:00:00Z",
            "authentication": {"old": OLD, "new": NEW},
        }
    ],
}
NOTICES: dict[str, Any] = {
    "schema": 1,
    "notices": [
        {
            "since": "2026-11-30T08:12:00Z",
            "until": "2026-11-30T18:00:00Z",
            "next_news": "2026-11-30T09:30:00Z",
            "text": {"fr": "Le serveur de connexion est en panne."},
        }
    ],
}
SINCE = 1_796_026_320.0


def changed(document: dict[str, Any], place: str, value: object) -> str:
    """Return the text of *document* with another value at *place*, "changes.0.name"."""
    document = deepcopy(document)
    inner: Any = document
    *way, last = (int(step) if step.isdigit() else step for step in place.split("."))
    for step in way:
        inner = inner[step]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return json.dumps(document)


def test_what_a_policy_says() -> None:
    policy = parse_policy(json.dumps(POLICY))
    assert policy.support_address == "assistance@exemple.fr"
    assert (policy.minimum.agent, policy.minimum.product) == ("0.2.0", "3.00.70")
    (product,) = policy.interceptors
    assert (product.kind, product.marks) == (ProductKind.ANTIVIRUS, ("nouvel antivirus",))
    assert policy.pages["IEA-N01"].pick("en") == "# Outage"
    (change,) = policy.changes
    assert change.authentication == ReplacedAddress(OLD, NEW)
    assert change.updates is None
    assert format_time(change.begins) == "2027-03-01T06:00:00Z"
    assert change.begins - change.rehearses == 28 * 86_400


def test_a_policy_may_say_nothing_and_a_newer_one_more() -> None:
    assert parse_policy('{"schema": 1}') == SignedPolicy()
    policy = parse_policy(json.dumps(POLICY | {"colours": ["blue"], "banner": "x"}))
    assert policy.ignored == ("banner", "colours")
    assert policy.support_address


def test_each_value_has_a_rule() -> None:
    assert set(RULES) == set(POLICY) - {"schema"}


@pytest.mark.parametrize("name", [*sorted(WEAKENING), "Proxy", "PINS"])
def test_nothing_that_decides_whom_the_pc_trusts_is_taken(name: str) -> None:
    with pytest.raises(PolicyError, match="decided on the PC"):
        parse_policy(json.dumps(POLICY | {name: {"mode": "none"}}))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("schema", 2),
        ("schema", None),
        ("support_address", "assistance@exemple.fr?cc=autre@exemple.fr"),
        ("support_address", ["a@exemple.fr"]),
        ("minimum.agent", "la dernière"),
        ("minimum.windows", "10"),
        ("interceptors.0.marks", []),
        ("interceptors.0.marks", ["abc"]),
        ("interceptors.0.marks", ["Majuscule"]),
        ("interceptors.0.marks", ["x" * 61]),
        ("interceptors.0.kind", "friend"),
        ("interceptors.0.setting", "une\nautre ligne"),
        ("interceptors.0.setting", "à l'envers \u202egpj.exe"),
        ("interceptors.0.setting", None),
        ("interceptors.0.command", "format c:"),
        ("interceptors", [POLICY["interceptors"][0]] * 201),
        ("pages.IEA-N01", "texte"),
        ("pages.IEA-N01.fr", "x" * (LONGEST_PAGE + 1)),
        ("pages.IEA-N01.fr", ""),
        ("pages.IEA-N01.fr", "[ici](http://exemple.fr)"),
        ("pages.IEA-N01.fr", "\x1b[2J"),
        ("pages.autre", {"fr": "texte"}),
        ("changes.0.authentication.new", "http://connexion.urssaf.fr/ie"),
        ("changes.0.authentication.new", "connexion.urssaf.fr"),
        ("changes.0.authentication.new", f"{NEW}/"),
        ("changes.0.authentication.new", "https://moi:secret@connexion.urssaf.fr"),
        ("changes.0.authentication.new", OLD),
        ("changes.0.authentication.old", "http://impact-emploi.urssaf.fr"),
        ("changes.0.authentication.proxy", "http://proxy:3128"),
        ("changes.0.authentication", None),
        ("changes.0.begins", "2027-02-21T06:00:00Z"),
        ("changes.0.begins", "1er mars 2027"),
        ("changes.0.begins", "2027-02-30T06:00:00Z"),
        ("changes.0.begins", 1803880800),
        ("changes.0.name", "../../2027"),
        ("changes", [POLICY["changes"][0]] * 2),
        ("changes", {"name": "2027"}),
    ],
)
def test_one_impossible_value_refuses_the_whole(place: str, value: object) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(changed(POLICY, place, value))
    assert place.split(".")[0] in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"schema": 1, "schema": 1}', "[" * 100_000, "1" * 5000])
def test_what_is_no_document_is_refused(text: str) -> None:
    for parse in (parse_policy, parse_notices):
        with pytest.raises(PolicyError):
            parse(text)


def test_a_document_of_megabytes_is_not_read() -> None:
    with pytest.raises(PolicyError, match="characters"):
        parse_policy(" " * LARGEST_TEXT + '{"schema": 1}')


def test_what_a_notice_says() -> None:
    (notice,) = parse_notices(json.dumps(NOTICES))
    assert notice.since == SINCE
    assert notice.text == Words("Le serveur de connexion est en panne.")
    assert notice.text.pick("en") == notice.text.fr
    assert notice.next_news == SINCE + 78 * 60
    assert notice.no_need_to_write


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("notices", "panne"),
        ("notices", NOTICES["notices"] * (MOST_NOTICES + 1)),
        ("notices.0.until", "2026-11-30T08:12:00Z"),
        ("notices.0.until", "2026-12-08T08:12:00Z"),
        ("notices.0.until", None),
        ("notices.0.text.fr", "Panne\nAppelez le 0 899"),
        ("notices.0.text.fr", " "),
        ("notices.0.text.fr", "x" * 301),
        ("notices.0.text.de", "Störung"),
        ("notices.0.no_need_to_write", "oui"),
        ("notices.0.link", "https://exemple.fr"),
    ],
)
def test_an_impossible_notice_refuses_all(place: str, value: object) -> None:
    with pytest.raises(PolicyError, match="notices"):
        parse_notices(changed(NOTICES, place, value))


def test_the_latest_notice_that_holds_is_shown_and_none_stays() -> None:
    first = NOTICES["notices"][0]
    second = first | {"since": "2026-11-30T10:00:00Z", "text": {"fr": "Cela dure."}}
    notices = parse_notices(json.dumps(NOTICES | {"notices": [second, first]}))
    texts = [
        notice.text.fr if (notice := find_notice(notices, SINCE + hours * 3600)) else ""
        for hours in (-0.1, 0, 1, 2, 9, 10)
    ]
    outage = "Le serveur de connexion est en panne."
    assert texts == ["", outage, outage, "Cela dure.", "Cela dure.", ""]
    assert timing.NOTICE_LONGEST == 7 * 86_400
