"""The log book as a clerk reads it, and as a program does."""

from __future__ import annotations

import time

from iea_agent.domain.log_book import LogBookState, Stay
from iea_agent.shell.wording.history_text import COURSES, build_history_document, render_history

MORNING = time.mktime((2026, 11, 30, 8, 2, 0, 0, 0, -1))
STAYS = (
    Stay(LogBookState.CONNECTED, "", MORNING - 86_400, 7200.0),
    Stay(LogBookState.KILLED, "", MORNING - 79_200, 79_200.0),
    Stay(LogBookState.DISCONNECTED, "IEA-N02", MORNING, 252.4),
)


def test_each_day_has_its_paragraph_with_codes_and_durations() -> None:
    assert render_history(STAYS).replace("\xa0", " ").splitlines() == [
        "29/11/2026",
        "    8 h 02  Connexion établie avec le serveur de production – 2 heures",
        "   10 h 02  Ordinateur éteint, ou programme de connexion interrompu – 22 heures",
        "",
        "30/11/2026",
        "    8 h 02  Échec de connexion au serveur : Serveur introuvable (IEA-N02) – 4 minutes",
    ]
    assert render_history(()) == "Le carnet de connexion est encore vide."


def test_the_document_says_the_same_in_utc() -> None:
    document = build_history_document(STAYS)
    assert document["stays"][2]["state"] == "disconnected"
    assert (document["stays"][2]["seconds"], document["stays"][2]["code"]) == (252, "IEA-N02")
    assert document["stays"][0]["begin"].endswith("Z")
    assert set(COURSES) == set(LogBookState)
