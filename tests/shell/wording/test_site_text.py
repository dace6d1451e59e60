"""The words for the PCs of a site."""

from __future__ import annotations

import time

import pytest

from iea_agent.domain.post_report import PostReport, SiteView
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.shell.wording.site_text import (
    build_posts_document,
    render_posts,
    word_other_versions,
    word_shared_program,
)

PRODUCT, AGENT = ReleaseKind.PRODUCT, ReleaseKind.AGENT
SEEN = int(time.mktime((2026, 11, 30, 9, 12, 0, 0, 0, -1)))
NOW = SEEN + 3600.0


def make_site(*versions: str) -> SiteView:
    """Return a site whose other PCs have these *versions* of Impact emploi."""
    here = PostReport("ICI", "3.00.73", "0.1.0", SEEN)
    others = (PostReport(f"PC-{n}", version, "0.1.0", SEEN) for n, version in enumerate(versions, start=1))
    return SiteView("ICI", (here, *others))


@pytest.mark.parametrize(
    ("versions", "sentence"),
    [
        ((), ""),
        (("3.00.73", "V73", ""), ""),
        (("V72",), "1 autre poste de ce dossier a encore la version V72 : PC-1."),
        (
            ("V72", "3.00.73", "3.00.72"),
            "2 autres postes de ce dossier ont encore la version V72 : PC-1, PC-3.",
        ),
        (("3.00.74",), "1 autre poste de ce dossier a déjà la version 3.00.74 : PC-1."),
        (("V74", "V74"), "2 autres postes de ce dossier ont déjà la version V74 : PC-1, PC-2."),
        (
            ("V74", "V72"),
            "2 autres postes de ce dossier ont une autre version : PC-2 (V72), PC-1 (V74).",
        ),
        (
            ("V72",) * 6,
            "6 autres postes de ce dossier ont encore la version V72 : PC-1, PC-2, PC-3, PC-4, PC-5, PC-6.",
        ),
        (
            ("V72",) * 7,
            "7 autres postes de ce dossier ont encore la version V72 : PC-1, PC-2, PC-3, PC-4, PC-5 et 2 autres.",
        ),
    ],
)
def test_one_sentence_says_who_has_another_version(versions: tuple[str, ...], sentence: str) -> None:
    sentences = word_other_versions(make_site(*versions), {PRODUCT: "3.00.73", AGENT: "0.1.0"})
    assert sentences == {PRODUCT: sentence.replace(" :", "\u00a0:"), AGENT: ""}


def test_a_shared_program_is_closed_on_the_others_first() -> None:
    assert "(BUREAU-2, ACCUEIL)" in word_shared_program(["BUREAU-2", "ACCUEIL"])
    assert "tous les autres postes" in word_shared_program([])


def test_the_table_names_who_is_behind() -> None:
    document = build_posts_document("/srv/iea", make_site("3.00.72", ""))
    assert [(each["here"], each["behind"]) for each in document["posts"]] == [
        (True, []),
        (False, ["product"]),
        (False, []),
    ]
    text = render_posts({**document, "ignored": 2}, NOW).replace("\u00a0", " ")
    assert text.splitlines() == [
        "Poste  Impact emploi  Programme de connexion  Vu",
        "ICI    3.00.73        0.1.0                   aujourd’hui à 9 h 12  ce poste",
        "PC-1   3.00.72        0.1.0                   aujourd’hui à 9 h 12  en retard : Impact emploi",
        "PC-2   ?              0.1.0                   aujourd’hui à 9 h 12",
        "Fichiers écartés (illisibles, ou datés du futur) : 2",
    ]


def test_without_a_folder_or_a_pc_the_table_says_so() -> None:
    assert "updates.folder" in render_posts(build_posts_document("", SiteView("")), NOW)
    assert "/srv/iea" in render_posts(build_posts_document("/srv/iea", SiteView("ICI")), NOW)
