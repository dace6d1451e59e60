"""After the sheets: a request to the support desk, and how the desk reads it.

``wine_demo.py`` plays it as a last sheet. The desk's pages are served by the Linux Python; they are given the file that the agent on
the Windows desktop has made.
"""

from __future__ import annotations

import re

from iea_agent.domain import problems
from iea_agent.domain.person_requests import SUPPORT as SUPPORT_REQUEST
from rig.chromium import PROGRAM
from rig.clerk import (
    Clerk,
    Deed,
    Frame,
    Sight,
    break_servers,
    choose_line,
    close,
    close_program,
    fill,
    mend_servers,
    press,
    press_key,
    reconnect,
    right_click,
    see_icon,
    see_window,
)
from rig.desk_page import read_in_page
from rig.practical_sheets import Instruction, Section, Sheet
from rig.window_texts import SETTINGS, SUPPORT

COMPLAINT = "Ce qui se passe (facultatif)"
CODE = problems.INTERCEPTED.code
READING, PICTURE = "demande.txt", "demande.png"
"""The words of the desk's page, and its picture."""
_HOW = "dans Chromium" if PROGRAM else "par HTTP, sans image : il n’y a pas de Chromium ici"


def read_request() -> Deed:
    """Give the newest support file to the page of ``iea-desk web``."""

    def perform(clerk: Clerk) -> None:
        home = clerk.stage.home
        file = max(
            (home / "state" / "support").glob("assistance-*.zip"), key=lambda each: each.stat().st_mtime
        )
        reading = read_in_page(file, home / PICTURE, ("--key-file", str(clerk.stage.desk_keys)))
        (home / READING).write_text(reading.words, encoding="utf-8")

    return Deed(
        f"À l’assistance : la pièce jointe est donnée à la page de « iea-desk web », et la réponse est copiée ({_HOW}).",
        perform,
    )


def see_reading(*texts: str) -> Sight:
    """See the page of the desk, which must have all *texts*."""

    def look(clerk: Clerk) -> Frame:
        words = re.sub(r"\s+", " ", (clerk.stage.home / READING).read_text(encoding="utf-8"))
        for text in texts:
            if text not in words:
                raise AssertionError(f"{text!r} is not in what the desk reads")
        picture = clerk.stage.home / PICTURE
        return Frame(None, taken=picture if picture.exists() else None)

    return Sight(f"On y lit {', '.join(f'« {text} »' for text in texts)}.", look)


REQUEST = Section(
    "Une demande, et sa réponse",
    (
        Instruction(
            "",
            (right_click("ball-heart"), choose_line(SUPPORT_REQUEST)),
            see_window(SUPPORT, "Avant d’écrire", CODE),
            "La fenêtre commence par ce qui aide sans écrire ; le mode assistance n’est activé que si on le choisit.",
            before=(
                close_program(),
                break_servers("intercepted", "auth", "updates"),
                reconnect("ball-heart"),
            ),
        ),
        Instruction(
            "",
            (press(SUPPORT, "Trouver la panne"),),
            see_window(SETTINGS, "Avast"),
            "Le test nomme le logiciel qui ouvre la connexion, et le réglage à y changer.",
        ),
        Instruction(
            "",
            (
                press(SETTINGS, "Quitter"),
                fill(SUPPORT, COMPLAINT, "ce que l’on voit", lambda _clerk: "le logiciel ne se lance pas"),
                press_key("alt+r", "Touches Alt et R : « Écrire à l’assistance »."),
            ),
            see_window(SUPPORT, "Votre message est parti"),
            "La messagerie s’ouvre avec le message et son fichier ; celle de Wine l’envoie aussitôt.",
        ),
        Instruction(
            "",
            (right_click("ball-heart"), choose_line(SUPPORT_REQUEST)),
            see_window(SUPPORT, "est bien parti", "inutile d’en envoyer un autre"),
            "Une seconde demande pour le même problème est annoncée comme telle ; on peut l’envoyer quand même.",
            before=(close(SUPPORT),),
        ),
        Instruction(
            "",
            (read_request(),),
            see_reading(CODE, "authentification en échec", "Dans Avast", "Bonjour,"),
            "Dix lignes disent ce qui ne va pas, depuis quand, qui peut agir et quoi répondre ; puis vient un projet de réponse.",
            before=(close(SUPPORT),),
        ),
        Instruction(
            "",
            (),
            see_icon("ball"),
            "Le réglage est changé : la connexion revient d’elle-même.",
            before=(mend_servers(),),
        ),
    ),
)
SUPPORT_SHEET = Sheet("Après les fiches : l’assistance", "", (REQUEST,))
