"""What PCs of a site say of themselves: read as if anybody had written it."""

from __future__ import annotations

import json

import pytest

from iea_agent.domain import timing
from iea_agent.domain.post_report import (
    LARGEST_FILE,
    LONGEST_VERSION,
    PostReport,
    SiteView,
    find_latest,
    is_ahead,
    is_behind,
    is_gone,
    list_other_versions,
    name_post,
    parse_post_report,
)
from iea_agent.domain.update_catalogue import ReleaseKind

PRODUCT, AGENT = ReleaseKind.PRODUCT, ReleaseKind.AGENT
NOW = 1_800_000_000
GOOD = {"schema": 1, "product": "3.00.72", "agent": "0.1.0", "seen": NOW}


@pytest.mark.parametrize("product", ["3.00.72", "V72", "V.3.01.002", ""])
def test_what_a_pc_writes_is_read_back(product: str) -> None:
    report = PostReport("BUREAU-2", product, "0.1.0", NOW)
    data = json.dumps(report.to_document()).encode()
    assert parse_post_report("BUREAU-2", data) == report
    assert len(data) < LARGEST_FILE / 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[" * LARGEST_FILE,
        b'{"a":' * (LARGEST_FILE // 5),
        json.dumps({**GOOD, "x": ""}).encode(),
        json.dumps({name: value for name, value in GOOD.items() if name != "agent"}).encode(),
        json.dumps(GOOD).encode() + b" " * LARGEST_FILE,
        *(
            json.dumps({**GOOD, name: value}).encode()
            for name, value in [
                ("schema", 2),
                ("schema", True),
                ("schema", None),
                ("seen", 0),
                ("seen", -1),
                ("seen", 1.5),
                ("seen", True),
                ("seen", "1"),
                ("seen", 10**300),
                ("seen", float("inf")),
                ("agent", 1),
                ("agent", "trois"),
                ("agent", "0.1.0\n"),
                ("agent", "0.1.٣"),
                ("product", None),
                ("product", "3.00.72\x1b[2J"),
                ("product", "<b>3.00.72</b>"),
                ("product", "\ud800"),
                ("product", "V" + "1" * LONGEST_VERSION),
            ]
        ),
    ],
)
def test_what_is_not_exactly_so_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 any
        parse_post_report("BUREAU-2", data)


@pytest.mark.parametrize(
    "post", ["", "a b", "../x", "a/b", "\x1b[31m", "<i>", "PC\n", "PC.", "é", "x" * 41, "\udcff", "a&b"]
)
def test_a_name_that_no_pc_gives_itself_is_refused(post: str) -> None:
    with pytest.raises(ValueError, match="name"):
        parse_post_report(post, json.dumps(GOOD).encode())


@pytest.mark.parametrize(
    ("computer", "post"),
    [
        ("BUREAU-2", "BUREAU-2"),
        ("poste d'accueil", "poste-d-accueil"),
        ("é/..\\x", "-----x"),
        ("", "PC"),
        ("x" * 50, "x" * 40),
    ],
)
def test_each_pc_has_a_name_that_the_others_accept(computer: str, post: str) -> None:
    assert name_post(computer) == post
    assert parse_post_report(post, json.dumps(GOOD).encode()).post == post


def test_one_that_was_not_seen_for_90_days_is_gone_and_one_of_tomorrow_is_a_wrong_clock() -> None:
    report = PostReport("A", "", "0.1.0", NOW)
    assert not is_gone(report, NOW + 90 * 86_400)
    assert is_gone(report, NOW + 90 * 86_400 + 1)
    assert not is_ahead(report, NOW - timing.SITE_POST_AHEAD)
    assert is_ahead(report, NOW - timing.SITE_POST_AHEAD - 1)


SITE = SiteView(
    "bureau-1",
    (
        PostReport("ACCUEIL", "V72", "0.1.0", NOW),
        PostReport("BUREAU-1", "3.00.73", "0.2.0", NOW),
        PostReport("BUREAU-2", "3.00.72", "0.2.0", NOW),
        PostReport("CAISSE", "", "", NOW),
    ),
)


def test_who_is_behind() -> None:
    assert [find_latest(SITE.reports, kind) for kind in (PRODUCT, AGENT)] == ["3.00.73", "0.2.0"]
    assert find_latest((), PRODUCT) == ""
    behind = [each.post for each in SITE.reports if is_behind(each, PRODUCT, "3.00.73")]
    assert behind == ["ACCUEIL", "BUREAU-2"]
    assert not is_behind(SITE.reports[0], PRODUCT, "")


@pytest.mark.parametrize(
    ("kind", "installed", "posts"),
    [
        (PRODUCT, "V73", ["ACCUEIL", "BUREAU-2"]),
        # the same version in another form
        (PRODUCT, "3.00.72", []),
        (AGENT, "0.2.0", ["ACCUEIL"]),
        (PRODUCT, "", []),
    ],
)
def test_which_other_pcs_have_another_version(kind: ReleaseKind, installed: str, posts: list[str]) -> None:
    assert [each.post for each in list_other_versions(SITE, kind, installed)] == posts
