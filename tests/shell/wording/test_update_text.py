"""The words for updates: each reason has a sentence, sizes are short."""

from __future__ import annotations

import pytest

from iea_agent import locale
from iea_agent.domain.download_plan import Progress
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_choice import Reason
from iea_agent.domain.update_machine import UpdateEffect, UpdateSnapshot, UpdateState
from iea_agent.shell.wording.update_text import (
    REASONS,
    build_update_balloon,
    format_size,
    render_updates,
    word_progress,
    word_reasons,
)
from tests.releases import make_offer


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    assert set(REASONS) == set(Reason)
    for reason in Reason:
        french = word_reasons((reason, Reason.OLDER))
        locale.choose("en")
        assert word_reasons((reason,)) != french
        locale.choose("fr")
    assert word_reasons(()) == ""


FILE = make_offer("3.00.73").file
ANNOUNCED = [
    (effect, UpdateState.AVAILABLE, "")
    for effect in UpdateEffect
    if effect.name.startswith("ANNOUNCE") and effect is not UpdateEffect.ANNOUNCE_RESULT
] + [
    (UpdateEffect.ANNOUNCE_RESULT, UpdateState.INSTALLED, ""),
    (UpdateEffect.ANNOUNCE_RESULT, UpdateState.FAILED, ""),
    (UpdateEffect.ANNOUNCE_RESULT, UpdateState.FAILED, "IEA-U05"),
]


def test_every_announcement_has_a_balloon_of_its_own_in_both_languages() -> None:
    bodies = set()
    for effect, state, code in ANNOUNCED:
        snapshot = UpdateSnapshot(state, 1.0, "3.00.73", FILE.name, FILE.length, FILE.sha256, code)
        for language in ("fr", "en"):
            locale.choose(language)
            for kind in ReleaseKind:
                balloon = build_update_balloon(effect, kind, snapshot)
                assert balloon is not None
                assert "3.00.73" in balloon.body
                assert code in balloon.body
                bodies.add((balloon.title, balloon.body))
    locale.choose("fr")
    assert len(bodies) == 4 * len(ANNOUNCED)


def test_an_update_that_is_gone_by_now_is_not_announced() -> None:
    assert build_update_balloon(UpdateEffect.ANNOUNCE_READY, ReleaseKind.AGENT, UpdateSnapshot()) is None


def test_a_version_on_its_way_to_everyone_is_told_so() -> None:
    assert "proposée progressivement" in word_reasons((Reason.ROLLING_OUT, Reason.QUIET_DAY))


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 octets"),
        (999, "999 octets"),
        (1000, "1,0 Ko"),
        (14_600_000, "14,6 Mo"),
        (209_715_200, "210 Mo"),
        (64_000_000_000_000, "64000 Go"),
    ],
)
def test_a_size_is_short(size: int, words: str) -> None:
    assert format_size(size).replace("\u00a0", " ") == words


def test_a_download_says_how_far_it_is() -> None:
    begun = word_progress(Progress(0, 210_000_000)).replace("\u00a0", " ")
    assert begun == "0 octets sur 210 Mo"
    half = word_progress(Progress(75_800_000, 210_000_000, 2_100_000.0)).replace("\u00a0", " ")
    assert half == "75,8 Mo sur 210 Mo, 2,1 Mo/s, encore 64 s"


def test_a_version_that_nobody_knows_is_called_unknown() -> None:
    text = render_updates(
        {"schema": 1, "installed": {"product": "", "agent": "0.1.0"}, "withdrawn": [], "versions": []}
    )
    assert [line.replace("\u00a0", " ") for line in text.splitlines()] == [
        "Impact emploi : version installée inconnue",
        "  aucune version proposée",
        "Programme de connexion : version installée 0.1.0",
        "  aucune version proposée",
    ]
