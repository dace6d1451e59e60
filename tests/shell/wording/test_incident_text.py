"""What a person reads of what the publisher announces: an incident, a change."""

from __future__ import annotations

import time
from dataclasses import replace

from iea_agent.domain.diagnosis import PendingChange
from iea_agent.domain.signed_policy import Notice, Words
from iea_agent.shell.wording.balloon_text import build_notice_balloon
from iea_agent.shell.wording.incident_text import describe_incident
from iea_agent.shell.wording.problem_details import describe_notice

SINCE = time.mktime((2026, 11, 30, 9, 12, 0, 0, 0, -1))
NEXT = time.mktime((2026, 11, 30, 10, 30, 0, 0, 0, -1))
TEXT = "Le serveur de connexion est en panne."
NOTICE = Notice(SINCE, SINCE + 86_400, Words(TEXT, "The server is down."), NEXT)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u2019", "'")


def test_since_when_until_when_and_that_nobody_need_write(language: str) -> None:
    text = plain(describe_incident(NOTICE, SINCE + 60))
    if language == "fr":
        assert text == (
            f"Incident connu depuis 9 h 12, prochaine information à 10 h 30 ; inutile d'écrire à l'assistance. {TEXT}"
        )
    else:
        assert text.startswith("Incident known since")


def test_what_is_not_known_is_not_promised(language: str) -> None:
    for notice, now in ((replace(NOTICE, next_news=None), SINCE + 60), (NOTICE, NEXT + 1)):
        text = plain(describe_incident(notice, now))
        if language == "fr":
            assert text == f"Incident connu depuis 9 h 12 ; inutile d'écrire à l'assistance. {TEXT}"
    text = plain(describe_incident(replace(NOTICE, no_need_to_write=False), SINCE + 60))
    if language == "fr":
        assert text == f"Incident connu depuis 9 h 12, prochaine information à 10 h 30. {TEXT}"


def test_another_day_is_named(language: str) -> None:
    tomorrow = replace(NOTICE, next_news=NEXT + 86_400)
    text = plain(describe_incident(tomorrow, SINCE + 60))
    if language == "fr":
        assert "prochaine information le 01/12/2026 à 10 h 30" in text
    text = plain(describe_incident(replace(NOTICE, next_news=None), SINCE + 86_000))
    if language == "fr":
        assert text.startswith("Incident connu depuis le 30/11/2026 à 9 h 12")


def test_a_change_for_which_this_pc_is_not_ready_says_what_and_to_whom_to_show_it(language: str) -> None:
    pending = PendingChange("https://connexion.urssaf.fr/ie", NEXT, "IEA-N01")
    text = plain(describe_notice(pending))
    for piece in ("30/11/2026", "https://connexion.urssaf.fr/ie", "IEA-N01"):
        assert piece in text
    balloon = build_notice_balloon(pending)
    assert "30/11/2026" in balloon.body
    if language == "fr":
        assert "personne qui s'occupe de votre informatique" in text
        assert plain(balloon.title) == "Ce poste n'atteint pas encore le futur serveur"
