"""The demonstration: the sheets' words, its page, a step without its effect."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from iea_agent.domain.signed_policy import parse_policy
from iea_agent.domain.update_catalogue import check_release
from iea_sandbox.world import World
from rig.change_steps import CHANGE_SHEET, REACHED, announce_change, holds_in_order
from rig.clerk import Deed, Frame, Sight
from rig.demo_page import Played, render_page
from rig.desktop import Area, NotSeenError
from rig.practical_sheets import SHEETS, Instruction, Section, Sheet
from rig.stage import AgentStage
from rig.support_steps import SUPPORT_SHEET
from rig.update_sheet import NEW, UPDATE_SHEET, describe
from rig.wine_demo import SheetWalk

pytestmark = pytest.mark.linux

DIGESTS = {
    "Mise à jour du mode de connexion au serveur Impact emploi": "218fbe6f769c5ce08128309e85a6ab69658ffc8c42f141f9986afbfe96f97cbf",
    "Lisez-moi V72": "4c88ed48f923de1ec2d79b2312ed613cf8666897dcd101cf062d9e8d1f19f3c5",
    "Lisez-Moi V-70": "6a7275ff736d7cf9234e3b23a9c8f6aba331b678b074010c96e889daa105becb",
    "Résolution des problèmes de connexion au serveur": "6c4d72f6ed29aa017c3a46b45de15165d7d2f83ae94a21ea08ea9d7ac0b6358b",
}
"""SHA-256 of what each sheet says of the connection, as it was published, without blanks."""
CORNER = Frame(Area(0, 0, 40, 20))


def words(sheet: Sheet) -> str:
    """Return all words of *sheet*, without blanks."""
    sections = (section.heading + "".join(step.words for step in section.steps) for section in sheet.sections)
    return re.sub(r"\s", "", sheet.title + sheet.heading + "".join(sections))


def make_step(name: str, sight: Sight, performed: list[str]) -> Instruction:
    """Return a step that writes its name down."""
    return Instruction(f"« {name} » :", (Deed(name, lambda _clerk: performed.append(name)),), sight)


def fail(_clerk: object) -> Frame:
    """See nothing."""
    raise NotSeenError("no <window>")


@pytest.mark.parametrize("title", DIGESTS)
def test_nothing_of_a_sheet_is_left_out_or_changed(title: str) -> None:
    sheet = next(sheet for sheet in SHEETS if sheet.title == title)
    assert hashlib.sha256(words(sheet).encode()).hexdigest() == DIGESTS[title]


def test_nothing_is_done_without_a_look_at_what_came_of_it() -> None:
    for sheet in (*SHEETS, SUPPORT_SHEET, UPDATE_SHEET, CHANGE_SHEET):
        for section in sheet.sections:
            for step in section.steps:
                assert step.sight or not (step.before or step.deeds), step.words


def test_the_version_of_the_demonstration_is_one_that_a_publisher_may_sign() -> None:
    assert check_release(describe(NEW)).version == NEW


def test_the_change_of_the_demonstration_is_one_that_a_publisher_may_sign(world: World) -> None:
    (change,) = parse_policy(json.dumps(announce_change(world, REACHED, 1_803_880_800.0))).changes
    assert change.authentication is not None
    assert change.authentication.old == world.authentication.address
    assert change.authentication.new != change.authentication.old
    assert change.begins == 1_803_880_800.0


def test_what_the_log_must_have_is_wanted_in_order() -> None:
    assert holds_in_order("rehearsal outcome=passed", ("rehearsal", "outcome=passed"))
    assert not holds_in_order("outcome=passed rehearsal", ("rehearsal", "outcome=passed"))


def test_the_page_quotes_each_step_and_names_the_one_that_failed() -> None:
    seen = Sight("Tout va bien.", lambda _clerk: CORNER)
    steps = (
        make_step("un", seen, []),
        make_step("deux", seen, [])._replace(differs="Autrement."),
        make_step("trois", seen, []),
    )
    sheets = (Sheet("Fiche", "", (Section("Partie", steps),)),)
    page = render_page(sheets, {0: Played("01.png", (4, 2)), 1: Played("", (0, 0), "no <window>")}, 1.0)
    assert "3 phrases des fiches, 2 étapes jouées" in page
    assert "échec à l’étape 2" in page
    assert "<blockquote>«\u00a0un\u00a0»\u00a0:</blockquote>" in page
    assert '<img src="01.png" width="4" height="2"' in page
    assert "Autrement." in page
    assert "no &lt;window&gt;" in page
    assert page.count("Étape non jouée") == 1


@pytest.mark.desktop
def test_a_step_without_its_effect_ends_the_walk_with_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    performed: list[str] = []
    steps = (
        make_step("un", Sight("Rien.", lambda _clerk: CORNER), performed),
        make_step("deux", Sight("Une fenêtre.", fail), performed),
        make_step("trois", Sight("Rien.", lambda _clerk: CORNER), performed),
    )
    sheets = (Sheet("Fiche", "", (Section("Partie", steps),)),)
    with AgentStage(tmp_path / "stage") as stage:
        sheet_walk = SheetWalk(tmp_path / "page", stage, sheets)
        assert not sheet_walk.play()
    assert performed == ["un", "deux"]
    page = sheet_walk.write().read_text(encoding="utf-8")
    assert "échec à l’étape 2" in page
    assert [file.name for file in sorted((tmp_path / "page").glob("*.png"))] == ["01.png", "02.png"]
    assert "no <window>" in capsys.readouterr().err
