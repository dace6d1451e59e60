"""The catalogue of versions: each field checked, what is not understood left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain.update_catalogue import (
    MOST_OFFERS,
    CatalogueError,
    Detect,
    Installer,
    InstallerType,
    Release,
    ReleaseKind,
    Rollout,
    Scope,
    SignedFile,
    check_file_name,
    check_release,
    list_offers,
    parse_offer,
    parse_release,
)
from tests.releases import SHA256, make_description, make_file, make_offer


def list_fields(document: Mapping[str, object], before: str = "") -> Iterator[str]:
    """Yield the dotted name of each field of *document*."""
    for name, value in document.items():
        yield before + name
        if isinstance(value, Mapping):
            yield from list_fields(value, f"{before}{name}.")


def drop_field(name: str) -> dict[str, object]:
    document = make_description()
    part, _, inner = name.partition(".")
    if inner:
        document[part] = {each: value for each, value in document[part].items() if each != inner}  # type: ignore[attr-defined]
    else:
        del document[part]
    return document


def test_a_description_is_read_as_it_is_meant() -> None:
    release = parse_release(
        make_description(
            "V.3.01.002",
            not_before="2026-12-17T07:00:00Z",
            **{"installer.scope": "user", "rollout.percent": 25},
        )
    )
    assert release.kind is ReleaseKind.PRODUCT
    assert release.version == "V.3.01.002"
    assert release.not_before == datetime(2026, 12, 17, 7, tzinfo=UTC)
    assert release.deadline is None
    assert release.rollout == Rollout(25, "V.3.01.002")
    assert release.installer == Installer(InstallerType.EXE, ("/S",), Scope.USER, (0,), (3010, 1641), (1618,))
    assert release.detect == Detect(r"HKLM\SOFTWARE\Urssaf\Impact emploi", "Version", "")
    assert release.minimum.product == "3.00.60"


NAMES = list(list_fields(make_description()))


def test_a_description_that_lacks_a_field_is_none() -> None:
    for name in NAMES:
        with pytest.raises(CatalogueError, match=r"schema|missing"):
            parse_release(drop_field(name))


@pytest.mark.parametrize("value", [None, 7, "", "x" * 5000, [], ["\0"], {}, True, -1, 1.5, [[0]]])
def test_a_value_is_taken_whole_or_refused(value: object) -> None:
    for name in NAMES:
        document = make_description(**{name: value})
        try:
            release = parse_release(document)
        except CatalogueError:
            continue
        assert release.to_document() == document


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "schema '2': this agent reads 1"),
        ({"schema": "1"}, "schema"),
        ({"kind": "driver"}, "kind"),
        ({"version": "3.00.73 bêta"}, "version"),
        ({"minimum": {"agent": "", "windows": ""}}, "minimum.product: missing"),
        ({"minimum.agent": "récente"}, "minimum"),
        ({"rollout.percent": 101}, "rollout.percent"),
        ({"rollout.percent": True}, "rollout.percent"),
        ({"rollout.salt": ""}, "rollout.salt"),
        ({"not_before": "2026-12-01"}, "not_before"),
        ({"not_before": "2026-13-01T00:00:00Z"}, "not_before"),
        ({"not_before": "2026-12-02T00:00:00Z", "deadline": "2026-12-02T00:00:00Z"}, "deadline"),
        ({"installer.type": "bat"}, "installer"),
        ({"installer.arguments": ["/D=\n"]}, "installer.arguments"),
        ({"installer.success": []}, "installer.success"),
        ({"installer.success": [0, 3010]}, "an exit code stands twice"),
        ({"installer.busy": [2**32]}, "installer.busy"),
        ({"detect.file": r"C:\IEA\ImpactEmploi.exe"}, "detect"),
        ({"detect.registry": ""}, "detect"),
        ({"detect.value": ""}, "detect"),
        ({"detect": {"registry": "", "value": "", "file": r"\\poste2\IEA\IEA.exe"}}, "detect.file"),
        ({"detect.registry": r"HKCR\.exe"}, "detect.registry"),
        ({"closes": [r"..\explorer.exe"]}, "closes"),
        ({"notes.fr": "notes/../1.root.json"}, "notes.fr"),
        ({"notes.fr": ""}, "notes.fr"),
        ({"downgrade": 1}, "downgrade"),
    ],
)
def test_what_is_impossible_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        parse_release(make_description(**changes))


@pytest.mark.parametrize("document", [None, 7, [], "schema", {}])
def test_what_is_no_description_is_refused(document: object) -> None:
    with pytest.raises(CatalogueError):
        parse_release(document)


def test_a_publisher_signs_only_what_the_agent_reads() -> None:
    document = make_description(detect={"registry": "", "value": "", "file": r"%ProgramFiles%\IEA\IEA.exe"})
    assert check_release(document) == parse_release(document)
    assert check_release(document).to_document() == document
    with pytest.raises(CatalogueError, match="criticall"):
        check_release({**document, "criticall": True})
    # an agent reads on: a later publisher may say more
    assert parse_release({**document, "criticall": True}).critical is False


VALUES = (
    some.none() | some.text() | some.integers() | some.booleans() | some.lists(some.text() | some.integers())
)


@given(some.lists(some.sampled_from(NAMES), max_size=3), VALUES)
def test_any_values_are_refused_or_written_again(names: list[str], value: object) -> None:
    document = make_description()
    for name in names:
        part, _, inner = name.partition(".")
        place = document[part] if inner else document
        if isinstance(place, dict):
            place[inner or part] = value
    try:
        release = parse_release(document)
    except CatalogueError:
        return
    assert parse_release(release.to_document()) == release


class TestFile:
    """The file of a version: its name, length and hash."""

    def test_a_file_offers_its_version(self) -> None:
        offer = parse_offer(make_file())
        assert offer.file.base_name == "ImpactEmploi-3.00.73.exe"
        assert isinstance(offer.release, Release)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"name": "impact-emploi/ImpactEmploi.msi"}, r"installer.type: ImpactEmploi\.msi"),
            ({"length": 0}, "length"),
            ({"length": 2**40}, "length"),
            ({"sha256": ""}, "SHA-256"),
            ({"sha256": SHA256.upper()}, "SHA-256"),
            ({"name": "../ImpactEmploi.exe"}, "no file name"),
            ({"name": "a/../b.exe"}, "no file name"),
            ({"name": "/etc/b.exe"}, "no file name"),
            ({"name": r"a\b.exe"}, "no file name"),
            ({"name": "C:b.exe"}, "no file name"),
            ({"name": "aux/b.exe"}, "no file name"),
            ({"name": "NUL.exe"}, "no file name"),
            ({"name": "x" * 210 + ".exe"}, "no file name"),
            ({"name": "b.exe\n"}, "no file name|installer.type"),
            ({"custom": {}}, "schema"),
        ],
    )
    def test_an_impossible_file_offers_nothing(self, changes: dict[str, object], message: str) -> None:
        with pytest.raises(CatalogueError, match=message):
            parse_offer(replace(make_file(), **changes))  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", ["a", "notes/3.00.73.fr.md", "x.", "con", "-a"])
    def test_a_name_is_good_on_every_disk(self, name: str) -> None:
        if name[-1].isalpha() and len(name) > 5:
            check_file_name(name)
        else:
            with pytest.raises(CatalogueError):
                check_file_name(name)


class TestList:
    """The list of versions in a repository."""

    def test_the_latest_version_is_first(self) -> None:
        files = [make_file(version) for version in ("3.00.9", "V.3.01.002", "V72", "3.00.73")]
        catalogue = list_offers([*files, SignedFile("register.json", 5, SHA256)])
        versions = [offer.release.version for offer in catalogue.offers]
        assert versions == ["V.3.01.002", "3.00.73", "V72", "3.00.9"]
        assert catalogue.refusals == ()

    def test_what_is_not_understood_is_told_to_the_log(self) -> None:
        catalogue = list_offers([make_file(schema=2), make_file("3.00.74")])
        assert [offer.release.version for offer in catalogue.offers] == ["3.00.74"]
        (refusal,) = catalogue.refusals
        assert "ImpactEmploi-3.00.73.exe" in refusal
        assert "this agent reads 1" in refusal

    def test_one_version_has_one_file(self) -> None:
        same = replace(make_file("3.00.73"), name="impact-emploi/Autre-3.00.73.exe")
        pilot = replace(make_file("3.00.73", channel="pilot"), name="impact-emploi/Pilote.exe")
        catalogue = list_offers([make_file(), same, pilot, make_file("3.00.73", kind="agent")])
        names = {offer.file.base_name for offer in catalogue.offers}
        assert names == {"Autre-3.00.73.exe", "Pilote.exe", "iea-agent-setup-3.00.73.exe"}
        assert len(catalogue.refusals) == 1

    def test_a_long_list_is_cut(self) -> None:
        catalogue = list_offers(make_file(f"3.00.{number}") for number in range(MOST_OFFERS + 20))
        assert len(catalogue.offers) == MOST_OFFERS
        assert len(catalogue.refusals) == 20

    def test_an_offer_says_what_it_is(self) -> None:
        assert make_offer("3.00.74").release.notes.fr == "notes/3.00.74.fr.md"
