"""Where Impact emploi may be, by what an installer wrote and the usual folders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain.program_search import InstalledProgram, list_candidates
from iea_agent.domain.settings import DECLARATIONS

WINDOWS = {
    "ProgramFiles": r"C:\Program Files",
    "PROGRAMFILES(X86)": r"C:\Program Files (x86)",
    "SystemDrive": "C:",
}


@pytest.mark.parametrize(
    ("program", "first"),
    [
        (InstalledProgram("Impact emploi association", r"D:\IEA\iea.exe,0"), r"D:\IEA\iea.exe"),
        (InstalledProgram("ImpactEmploi 3.00.73", r'"D:\Impact\Impact.exe",-101'), r"D:\Impact\Impact.exe"),
        (InstalledProgram("IEA 3", "", "D:\\Paie\\"), r"D:\Paie\ImpactEmploi.exe"),
        (InstalledProgram("Impact emploi", r"D:\Paie\unins000.exe", r"D:\Paie"), r"D:\Paie\ImpactEmploi.exe"),
    ],
)
def test_what_the_installer_wrote_comes_first(program: InstalledProgram, first: str) -> None:
    others = (InstalledProgram("Antivirus", r"C:\A\a.exe"), InstalledProgram(""))
    assert list_candidates((*others, program), WINDOWS)[0] == first


@pytest.mark.parametrize(
    "program",
    [
        InstalledProgram("Impact emploi – agent de connexion", r"D:\Agent\iea-agent.exe"),
        InstalledProgram("IEA Agent", r"D:\Agent\iea-agent.exe"),
        InstalledProgram("Idea", r"D:\Idea\idea.exe"),
        InstalledProgram("Impact emploi", r"\\serveur\partage\iea.exe"),
        InstalledProgram("Impact emploi", r"D:\IEA\iea.ico"),
        InstalledProgram("Impact emploi", r"D:\IEA\iea.exe:flux.exe"),
        InstalledProgram("Impact emploi", r"..\iea.exe"),
    ],
    ids=lambda program: f"{program.name} {program.icon}",
)
def test_another_program_a_share_and_what_is_no_program_are_left_out(program: InstalledProgram) -> None:
    assert list_candidates((program,), WINDOWS) == list_candidates((), WINDOWS)


def test_the_usual_folders_come_next() -> None:
    candidates = list_candidates((), WINDOWS)
    assert candidates[0] == r"C:\Program Files\Impact emploi\ImpactEmploi.exe"
    assert r"C:\Program Files (x86)\IEA\IEA.exe" in candidates
    assert r"C:\ImpactEmploi\ImpactEmploi.exe" in candidates
    assert len(candidates) == len(set(candidates)) <= 48
    assert list_candidates((), {}) == ()


@given(some.text(max_size=40), some.text(max_size=60), some.text(max_size=60))
def test_whatever_an_installer_wrote_gives_paths_that_the_setting_takes(
    name: str, icon: str, folder: str
) -> None:
    for path in list_candidates((InstalledProgram(f"Impact emploi {name}", icon, folder),), WINDOWS):
        assert DECLARATIONS["program.path"].check(path) == path
