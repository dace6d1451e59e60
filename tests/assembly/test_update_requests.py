"""What the commands ask of updates: the version that is meant, and the refusals."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from iea_agent.assembly import update_requests
from iea_agent.assembly.installation import Installation
from iea_agent.domain import refusals
from iea_agent.domain.refusals import Refusal, RefusedError
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_choice import Post, choose_update, find_version
from tests.releases import make_offer

CHOICE = choose_update(
    [make_offer("3.00.73"), make_offer("3.00.74", **{"rollout.percent": 1}), make_offer("3.00.72")],
    ReleaseKind.PRODUCT,
    Post("3.00.72", "0.1.0", "", "3.00.72", "pc-1", 0.0, date(2026, 12, 9)),
)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    (tmp_path / "policy").mkdir()
    return Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("typed", "version"), [("", "3.00.73"), ("3.00.73", "3.00.73"), ("V73", "3.00.73"), ("3.0.74", "3.00.74")]
)
def test_a_version_is_meant_in_every_form(typed: str, version: str) -> None:
    assert find_version(CHOICE, typed).offer.release.version == version


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("3.00.99", refusals.VersionNotOffered("3.00.99")),
        ("trois", refusals.VersionNotOffered("trois")),
        ("3.00.72", refusals.VersionNotAllowed("3.00.72", "installed")),
    ],
)
def test_what_cannot_be_taken_is_refused(typed: str, refusal: Refusal) -> None:
    with pytest.raises(RefusedError) as caught:
        find_version(CHOICE, typed)
    assert caught.value.refusal == refusal


def test_without_any_list_this_pc_knows_no_version(installation: Installation) -> None:
    document = update_requests.check(installation, by_network=False)
    assert document["versions"] == []
    assert document["installed"]["product"] == ""


def test_a_file_that_is_not_there_or_not_signed_is_refused(
    installation: Installation, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError) as caught:
        update_requests.take_file(installation, tmp_path / "x.exe", lambda _progress: None)
    assert isinstance(caught.value.refusal, refusals.FileNotReadable)
    (tmp_path / "x.exe").write_bytes(b"MZ")
    with pytest.raises(RefusedError) as caught:
        update_requests.take_file(installation, tmp_path / "x.exe", lambda _progress: None)
    assert caught.value.refusal == refusals.ProblemMet("IEA-U07")
