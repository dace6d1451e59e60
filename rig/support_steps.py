"""After the sheets: a request to the support desk, and how the desk reads it.

``wine_demo.py`` plays it as a last sheet. The desk's command runs in the Linux Python, over the file that the agent on the
Windows desktop has made.
"""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout

from iea_agent.domain import problems
from iea_agent.domain.person_requests import SUPPORT as SUPPORT_REQUEST
from iea_desk.cli import main as run_desk
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
from rig.practical_sheets import Instruction, Section, Sheet
from rig.prefix import windows_path
from rig.window_texts import SETTINGS, SUPPORT

COMPLAINT = "Ce qui se passe (facultatif)"
CODE = problems.INTERCEPTED.code
READING = "demande.txt"
"""The file with what the desk has read, which Notepad shows."""


NOTEPAD = "(Notepad|Bloc-notes)$"
"""The title of its window, in English and in French."""


def read_request() -> Deed:
    """Have the desk read the newest support file, and show its lines in Notepad."""

    def perform(clerk: Clerk) -> None:
        folder = clerk.stage.home / "state" / "support"
        file = max(folder.glob("assistance-*.zip"), key=lambda each: each.stat().st_mtime)
        printed = io.StringIO()
        with redirect_stdout(printed):
            code = run_desk(["read", "--answer", str(file)])
        if code != 0:
            raise AssertionError(printed.getvalue())
        text = clerk.stage.home / READING
        # Notepad knows UTF-8 by its mark
        text.write_text(printed.getvalue(), encoding="utf-8-sig", newline="\r\n")
        clerk.stage.desktop.start_program("notepad.exe", windows_path(text))

    return Deed("À l’assistance : « iea-desk read --answer assistance-….zip », sur la pièce jointe.", perform)


def see_reading(*texts: str) -> Sight:
    """Wait for Notepad with the lines, which must have all *texts*."""

    def look(clerk: Clerk) -> Frame:
        words = re.sub(r"\s+", " ", (clerk.stage.home / READING).read_text(encoding="utf-8-sig"))
        for text in texts:
            if text not in words:
                raise AssertionError(f"{text!r} is not in what the desk reads")
        window = clerk.stage.desktop.wait(
            lambda windows: next((w for w in windows if READING.partition(".")[0] in w.text), None), READING
        )
        return Frame(window.area)

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
            (close_program(NOTEPAD, "Le Bloc-notes est fermé."),),
            see_icon("ball"),
            "Le réglage est changé : la connexion revient d’elle-même.",
            before=(mend_servers(),),
        ),
    ),
)
SUPPORT_SHEET = Sheet("Après les fiches : l’assistance", "", (REQUEST,))
