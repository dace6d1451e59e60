"""The words for updates: each reason has a sentence, sizes are short."""

from __future__ import annotations

import pytest

from iea_agent import locale
from iea_agent.domain.download_plan import Progress
from iea_agent.domain.update_choice import Reason
from iea_agent.shell.wording.update_text import REASONS, format_size, word_progress, word_reasons


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    assert set(REASONS) == set(Reason)
    for reason in Reason:
        french = word_reasons((reason, Reason.OLDER))
        locale.choose("en")
        assert word_reasons((reason,)) != french
        locale.choose("fr")
    assert word_reasons(()) == ""


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
