"""What the window of the updates is told by the keeper of the updates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.site_posts import SitePosts
from iea_agent.assembly.update_keeper import UpdateKeeper
from iea_agent.assembly.updates_adapter import HISTORY_PAGE, NOTES_PAGE, UpdatesAdapter
from iea_agent.domain.installer_result import InstallReport, InstallResult
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.update_catalogue import Catalogue, ReleaseKind
from iea_agent.domain.update_machine import (
    FileVerified,
    InstallConfirmed,
    InstallerRefused,
    InstallRequested,
    UpdateState,
    VersionProposed,
)
from iea_agent.domain.update_record import HistoryLine, HistoryStep, LaunchWish, end_check
from tests.programs import make_program, make_version
from tests.releases import make_offer

PRODUCT = ReleaseKind.PRODUCT
# no day around the 5th or the 15th
NOW = 1_800_400_000.0


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})


class Pc:
    """A PC with a version on offer, and the window's port on it."""

    def __init__(self, installation: Installation) -> None:
        self.works = 0
        self.keeper = UpdateKeeper(installation, self._work, lambda: NOW)
        self.offer = make_offer(**{"minimum.windows": "", "minimum.product": ""})
        self.keeper.save_catalogue(Catalogue((self.offer,)))
        self.port = UpdatesAdapter(installation, lambda _name: "", self.keeper)

    def _work(self) -> None:
        self.works += 1

    def be_ready(self) -> None:
        """Have the file be there."""
        self.keeper.take(PRODUCT, VersionProposed(self.offer), FileVerified())


@pytest.fixture
def pc(installation: Installation) -> Pc:
    return Pc(installation)


def test_the_window_sees_what_the_keeper_knows(pc: Pc) -> None:
    signature = pc.port.sign()
    facts = pc.port.look(PRODUCT)
    assert (facts.installed, facts.snapshot.state, facts.result) == ("", UpdateState.NONE, ())
    assert [each.offer for each in facts.choice.listed] == [pc.offer]
    assert not pc.port.look_at_check().is_pending
    pc.port.check()
    assert pc.port.look_at_check().is_pending
    assert pc.port.sign() != signature
    pc.keeper.end_check(lambda record: end_check(record, NOW + 9, "IEA-N04"))
    check = pc.port.look_at_check()
    assert (check.is_pending, check.checked, check.code) == (False, 0.0, "IEA-N04")
    assert pc.works == 1
    pc.port.start_download(PRODUCT, "3.00.73")
    assert pc.port.look(PRODUCT).snapshot.state is UpdateState.DOWNLOADING
    assert pc.works == 2


def test_what_stopped_an_installation_is_said_before_the_next(pc: Pc) -> None:
    pc.be_ready()
    (first, *_others) = pc.port.list_preparations(PRODUCT)
    assert "sauvegarde" in first
    report = InstallReport(InstallResult.RIGHTS_REFUSED, "3.00.73", 1223)
    pc.port.install(PRODUCT, launches=True)
    assert pc.port.look(PRODUCT).launch is LaunchWish.ASKED
    pc.keeper.take(
        PRODUCT, InstallerRefused(), change=lambda record: replace(record, report=report.to_document())
    )
    facts = pc.port.look(PRODUCT)
    assert facts.snapshot.state is UpdateState.READY
    assert "droits d’administrateur" in facts.result[0]
    assert facts.command.endswith("update install --version 3.00.73")


def test_an_installed_version_shows_its_lines_until_they_are_read(pc: Pc) -> None:
    pc.be_ready()
    report = InstallReport(InstallResult.DONE, "3.00.73", 0, "3.00.73")
    pc.keeper.take(PRODUCT, InstallRequested(), InstallConfirmed(0))
    shared = (NOW, PRODUCT, "3.00.73", "3.00.72")
    pc.keeper.add_history(
        HistoryLine(*shared, HistoryStep.INSTALLER, True, report.to_document()),
        HistoryLine(*shared, HistoryStep.VERSION, True, report.to_document()),
    )
    assert len(pc.port.look(PRODUCT).result) == 3
    (entry,) = pc.port.list_history()
    assert entry.lines == pc.port.look(PRODUCT).result
    pc.port.read_result(PRODUCT)
    assert pc.port.look(PRODUCT).snapshot.state is UpdateState.NONE


def test_a_file_that_nobody_signed_is_refused(pc: Pc, tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        pc.port.take_file(str(tmp_path / "absent.exe"), lambda _progress: None)


@pytest.mark.linux
def test_a_page_that_no_browser_opens_is_named(
    pc: Pc, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for sentence, name in (
        (pc.port.print_history(), HISTORY_PAGE),
        (pc.port.print_notes(pc.offer.release), NOTES_PAGE),
    ):
        assert "Aucun navigateur" in sentence
        assert (file := Path(sentence.rpartition("\u00a0: ")[2])).stem == name
        assert file.is_file()


def write_policy(installation: Installation, *lines: str) -> None:
    installation.storage.policy_file.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(("schema = 1", "[updates]", *lines))
    installation.storage.policy_file.write_text(f"{text}\n", encoding="utf-8")


def test_the_other_pcs_of_the_site_are_named_and_only_there(
    installation: Installation, tmp_path: Path
) -> None:
    pc = Pc(installation)
    assert not pc.port.has_site
    assert pc.port.describe_site() == {}
    write_policy(installation, f"folder = '{tmp_path}'")
    SitePosts(tmp_path, "ACCUEIL").write("3.00.72", "0.0.9")
    pc = Pc(installation)
    assert pc.port.has_site
    sentences = pc.port.describe_site()
    # Impact emploi is not on this PC
    assert sentences[PRODUCT] == ""
    assert "ACCUEIL" in sentences[ReleaseKind.AGENT]
    write_policy(installation, f"folder = '{tmp_path / 'away'}'")
    assert pc.port.describe_site() == {}


def test_a_shared_program_is_closed_on_the_other_pcs_first(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_policy(installation, f"folder = '{tmp_path}'")
    SitePosts(tmp_path, "ACCUEIL").write("3.00.72", "0.1.0")
    pc = Pc(installation)
    detect = {"registry": "", "value": "", "file": r"%IEA_SHARE%\ImpactEmploi.exe"}
    pc.offer = make_offer(**{"minimum.windows": "", "minimum.product": "", "detect": detect})
    pc.keeper.save_catalogue(Catalogue((pc.offer,)))
    pc.be_ready()
    monkeypatch.setenv("IEA_SHARE", r"\\SERVEUR\paie")
    assert "(ACCUEIL)" in pc.port.list_preparations(PRODUCT)[0]
    write_policy(installation)
    assert "tous les autres postes" in pc.port.list_preparations(PRODUCT)[0]
    monkeypatch.setenv("IEA_SHARE", r"C:\IEA")
    assert "sauvegarde" in pc.port.list_preparations(PRODUCT)[0]


@pytest.mark.parametrize(
    ("time", "scope", "expected"),
    [("night", "user", True), ("click", "user", False), ("night", "machine", False)],
)
def test_the_window_knows_what_the_night_installs(
    installation: Installation, time: str, scope: str, expected: bool
) -> None:
    write_policy(installation, f'install = "{time}"')
    program = installation.storage.policy_file.parent / "ImpactEmploi.exe"
    program.write_bytes(make_program(make_version((3, 0, 72, 0), {})))
    write_policy(installation, f'install = "{time}"', "[program]", f"path = '{program}'")
    pc = Pc(installation)
    # whoever runs the tests may be an administrator
    is_expected = expected or (time == "night" and installation.host.has_rights())
    offer = make_offer(**{"minimum.windows": "", "minimum.product": "", "installer.scope": scope})
    pc.keeper.save_catalogue(Catalogue((offer,)))
    pc.keeper.take(PRODUCT, VersionProposed(offer), FileVerified())
    assert pc.port.look(PRODUCT).at_night is is_expected


def test_no_night_is_promised_to_an_agent_that_no_setup_has_installed(installation: Installation) -> None:
    write_policy(installation, 'install = "night"')
    pc = Pc(installation)
    # no setup of ours has installed what the tests run: the night watch leaves it, whatever its publisher signed
    changes = {"kind": "agent", "minimum.windows": "", "minimum.product": "", "installer.scope": "user"}
    offer = make_offer("99.0.0", **changes)
    pc.keeper.save_catalogue(Catalogue((offer,)))
    pc.keeper.take(ReleaseKind.AGENT, VersionProposed(offer), FileVerified())
    facts = pc.port.look(ReleaseKind.AGENT)
    assert facts.listed is not None
    assert facts.listed.is_proposed
    assert not facts.at_night
