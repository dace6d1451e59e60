"""A clerk's day with the Windows agent, played under Wine on a virtual screen.

Runs in the Linux Python. Writes a page of pictures, ``build/demo/index.html``. If there is a display (``$DISPLAY``),
the agent is started on it instead, for a person to click.
"""

from __future__ import annotations

import html
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from iea_agent.domain import day_password, person_requests
from iea_agent.domain.person_requests import RECONNECT
from iea_sandbox.cli import default_home
from iea_sandbox.control import attach
from rig.build import BUILD
from rig.demo import instructions
from rig.desktop import Area, Desktop, Window
from rig.stage import AgentStage
from rig.window_texts import SETTINGS, STATUS, SUPPORT, TEST_BUTTON, TEST_FAILED, TEST_PASSED

PAGE = BUILD / "demo"
EMPTY = Area(200, 200, 204, 204)
"""An empty place of the desktop: a click there closes a menu."""


class Album:
    """The pictures of the day, and their page."""

    def __init__(self, folder: Path, stage: AgentStage) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._folder = folder
        self._stage = stage
        self._steps: list[str] = []
        self._count = 0
        self._began = time.monotonic()

    def step(self, title: str, text: str) -> None:
        """Begin a new step of the story."""
        print(f"{time.monotonic() - self._began:5.1f} s  {title}", flush=True)
        self._steps.append(f"<h2>{html.escape(title)}</h2>\n<p>{html.escape(text)}</p>")

    def picture(self, name: str, caption: str, area: Area | None = None, *, enlarged: int = 1) -> Path:
        """Add a picture of the screen, or of *area*; return its file."""
        self._count += 1
        file = self._folder / f"{self._count:02d}-{name}.png"
        image = self._stage.desktop.look(area)
        if enlarged > 1:
            image = image.resize((image.width * enlarged, image.height * enlarged), Image.Resampling.NEAREST)
        image.save(file)
        self._steps.append(
            f'<figure><img src="{file.name}" width="{image.width}" alt="{html.escape(caption)}">'
            f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        )
        return file

    def window(self, name: str, caption: str, window: Window) -> None:
        """Add a picture of one window."""
        self.picture(name, caption, window.area)

    def icon(self, caption: str) -> None:
        """Add an enlarged picture of the icon in its taskbar."""
        left, top, right, bottom = self._stage.desktop.icon()
        self.picture("icone", caption, Area(left - 60, top, right, bottom), enlarged=4)

    def corner(self, name: str, caption: str, width: int = 620, height: int = 240) -> None:
        """Add a picture of the lower right corner, where tooltip, menu and balloon are."""
        across, down = self._stage.desktop.size
        self.picture(name, caption, Area(across - width, down - height, across, down))

    def write(self) -> Path:
        """Write the page and return its path."""
        page = self._folder / "index.html"
        page.write_text(_PAGE.format(steps="\n".join(self._steps)), encoding="utf-8")
        return page


_PAGE = """<!doctype html>
<html lang="fr"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Une journée avec le programme de connexion</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1d2b3a; background: #f7f9fb }}
h1 {{ font-weight: 600 }} h2 {{ margin-top: 3rem; font-weight: 600; border-top: 1px solid #d5dde5; padding-top: 1.5rem }}
figure {{ margin: 1rem 0 }} img {{ max-width: 100%; height: auto; border: 1px solid #c8d2dc; border-radius: 4px }}
figcaption {{ color: #54677a; font-size: .9em }}
</style>
<h1>Une journée avec le programme de connexion</h1>
<p>Le vrai programme Windows, sous Wine, face aux serveurs du bac à sable : de vrais serveurs TLS sur cette machine, que l’on casse et que l’on répare.</p>
{steps}
</html>
"""


@dataclass
class Day:
    """The desktop, the pictures, and what one step leaves to the next."""

    stage: AgentStage
    album: Album
    password: str = ""
    """The password of the day, once the desk has given it."""

    @property
    def desktop(self) -> Desktop:
        """The desktop of the stage."""
        return self.stage.desktop

    @property
    def mistyped_address(self) -> str:
        """The authentication server's address with an unknown host."""
        return self.stage.world.authentication.address.replace("localhost", "serveur-inconnu.invalid")

    def close_window(self, title: str) -> None:
        """Close a window with the Escape key."""
        self.desktop.key("Escape")
        self.desktop.gone(title)

    def show_menu(self, caption: str) -> None:
        """Take a picture of the open menu, and close it."""
        self.desktop.open_menu()
        self.album.corner("menu", caption)
        self.desktop.key("Escape")
        self.desktop.click(EMPTY)

    def break_servers(self) -> None:
        """Let both servers refuse connections, reconnect, and wait for the heart."""
        self.stage.world.break_("auth", "refuse")
        self.stage.world.break_("updates", "refuse")
        self.stage.choose(RECONNECT)
        self.stage.until("ball-heart")


def configure(day: Day) -> None:
    """Type the licence, test and save: the heart becomes the ball."""
    stage, desktop = day.stage, day.desktop
    licence = stage.world.licence("good")
    stage.start_agent()
    stage.until("ball-heart")
    desktop.window(SETTINGS)
    day.album.picture("premiere-fois", "Le bureau à la première mise en route")
    desktop.type(licence.number)
    desktop.key("Tab")
    desktop.type(licence.key)
    stage.press(SETTINGS, TEST_BUTTON)
    dialog = stage.until_text(SETTINGS, TEST_PASSED)
    day.album.window("test-reussi", "Une coche verte au bout de chaque adresse", dialog)
    stage.press(SETTINGS, "Enregistrer")
    stage.until("ball")
    stage.press(SETTINGS, "Quitter")
    desktop.gone(SETTINGS)


def look_at_icon(day: Day) -> None:
    """Look at the icon, its tooltip and its menu."""
    day.album.icon("Boule bleue dans la zone de notification")
    day.desktop.tooltip()
    day.album.corner("infobulle", "L’infobulle", height=80)
    day.show_menu("Le menu du clic droit")


def lose_servers(day: Day) -> None:
    """Break both servers: heart, balloon, tooltip and status window name the problem."""
    stage, desktop, album = day.stage, day.desktop, day.album
    day.break_servers()
    balloon = stage.balloon("IEA-N04")
    album.corner("bulle", "La bulle d’information", height=desktop.size[1] - balloon.area.top + 40)
    album.icon("Boule bleue accompagnée du cœur rouge")
    desktop.tooltip()
    album.corner("infobulle", "L’infobulle nomme le problème", height=120)
    desktop.click(desktop.icon())
    status = stage.until_text(STATUS, "IEA-N04")
    album.window("etat", "Clic gauche : l’état, le problème, ce qu’il faut faire et qui peut agir", status)
    desktop.key("Escape")


def mistype_address(day: Day) -> None:
    """Type a wrong host and test: a barred circle with its cause."""
    stage = day.stage
    stage.choose(person_requests.SETTINGS)
    day.desktop.window(SETTINGS)
    stage.replace(SETTINGS, stage.world.authentication.address, day.mistyped_address)
    stage.press(SETTINGS, TEST_BUTTON)
    dialog = stage.until_text(SETTINGS, TEST_FAILED)
    day.album.window("adresse-fausse", "Rond rouge barré, la cause, et qui peut agir", dialog)


def correct_address(day: Day) -> None:
    """Repair the servers, paste the right address with blanks, test, save and leave."""
    stage = day.stage
    stage.world.mend()
    stage.replace(SETTINGS, day.mistyped_address, f"  {stage.world.authentication.address}.")
    stage.press(SETTINGS, TEST_BUTTON)
    dialog = stage.until_text(SETTINGS, TEST_PASSED)
    day.album.window(
        "adresse-corrigee",
        "L’adresse collée avec des espaces et un point a été nettoyée ; coche verte",
        dialog,
    )
    stage.press(SETTINGS, "Enregistrer")
    stage.until_text(SETTINGS, "Paramètres enregistrés")
    stage.press(SETTINGS, "Quitter")
    day.desktop.gone(SETTINGS)


def look_at_status(day: Day) -> None:
    """Wait for the ball, and look at the status window."""
    day.stage.until("ball")
    day.album.icon("Boule bleue")
    day.desktop.click(day.desktop.icon())
    status = day.stage.until_text(STATUS, "Connexion établie")
    day.album.window("etat-connecte", "L’état de la connexion", status)
    day.close_window(STATUS)


def enter_assistance(day: Day) -> None:
    """Break both servers and enter assistance mode: the beetle appears."""
    day.stage.install_register()
    day.break_servers()
    dialog = day.stage.enter_assistance()
    day.album.window("assistance-activee", "Le mode assistance est activé", dialog)
    day.stage.until("beetle")
    day.album.icon("Le scarabée rouge")
    day.close_window(SUPPORT)
    day.desktop.tooltip()
    day.stage.balloon("Mode assistance depuis")
    day.album.corner("infobulle", "L’infobulle dit depuis quand", height=120)
    day.show_menu("En mode assistance, le menu dit ce qui doit attendre")


def restart(day: Day) -> None:
    """Quit the agent and start it: the beetle is still there."""
    quit_agent(day.stage)
    day.stage.start_agent()
    day.stage.until("beetle")
    day.album.icon("Toujours le scarabée")


def try_wrong_passwords(day: Day) -> None:
    """Try a mistyped password and one of another master key: both are refused."""
    password = day.password = day.stage.password()
    mistyped = password[:8] + ("A" if password[8] != "A" else "B") + password[9:]
    for name, typed, refusal in (
        ("faute-de-frappe", mistyped, "Faute de frappe"),
        ("mauvais-mot-de-passe", make_wrong_password(), "pas le mot de passe du jour"),
    ):
        day.stage.choose(person_requests.SUPPORT)
        day.stage.until_text(SUPPORT, "mot de passe du jour reçu")
        day.desktop.type(typed)
        day.desktop.key("Return")
        day.album.window(name, refusal, day.stage.until_text(SUPPORT, refusal))
        day.close_window(SUPPORT)


def leave_assistance(day: Day) -> None:
    """Type the right password: the heart, and the ball once the servers are repaired."""
    day.stage.choose(person_requests.SUPPORT)
    day.stage.until_text(SUPPORT, "mot de passe du jour reçu")
    day.desktop.type(day.password.lower().replace("-", " "))
    day.desktop.key("Return")
    dialog = day.stage.until_text(SUPPORT, "Le mode assistance est désactivé")
    day.album.window("assistance-desactivee", "Tapé en minuscules et sans tirets : accepté", dialog)
    day.stage.until("ball-heart")
    day.album.icon("Le cœur : sortir du mode assistance n’est pas encore être connecté")
    day.close_window(SUPPORT)
    day.stage.world.mend()
    day.stage.choose(RECONNECT)
    day.stage.until("ball")
    day.album.icon("La boule bleue")
    quit_agent(day.stage)


class DayStep(NamedTuple):
    """One step of the day: heading and text of the page, and how it is played.

    The function *play* waits for everything that it shows: what does not come ends the demonstration with an error.
    """

    title: str
    text: str
    play: Callable[[Day], None]


STEPS = (
    DayStep(
        "Première mise en route",
        "Rien n’est encore configuré : le programme de connexion le dit (cœur rouge) et ouvre de lui-même les paramètres de connexion.",
        configure,
    ),
    DayStep("Boule bleue", "L’installation est connectée au serveur de production.", look_at_icon),
    DayStep(
        "Les serveurs tombent",
        "« Relancer l’authentification auprès du serveur » : la réponse vient tout de suite, avec la cause et ce qu’il faut faire.",
        lose_servers,
    ),
    DayStep(
        "Une adresse mal saisie",
        "Dans les paramètres de connexion, une faute dans l’adresse : rond rouge barré, la raison et qui peut agir.",
        mistype_address,
    ),
    DayStep(
        "Serveurs revenus, adresse corrigée",
        "Le test réussit ; « Enregistrer » puis « Quitter », comme sur la fiche pratique.",
        correct_address,
    ),
    DayStep(
        "De nouveau la boule bleue",
        "La connexion est rétablie ; Impact emploi peut être relancé.",
        look_at_status,
    ),
    DayStep(
        "Une panne qui dure : le mode assistance",
        "Les serveurs sont de nouveau en panne et les bulletins de paie n’attendent pas. « Demande de support technique », "
        "« Activer le mode assistance », « OK » : le scarabée rouge remplace la boule bleue.",
        enter_assistance,
    ),
    DayStep(
        "L’ordinateur redémarre",
        "Le mode assistance tient : au démarrage suivant, le scarabée est toujours là.",
        restart,
    ),
    DayStep(
        "Le mot de passe du jour",
        "Une faute de frappe est montrée là où elle est et ne compte pas comme un essai ; un mot de passe bien formé mais faux en est un.",
        try_wrong_passwords,
    ),
    DayStep(
        "Sortie du mode assistance",
        "Le mot de passe que l’assistance envoie (iea-desk password) : {password}. Le cœur d’abord, puis, les serveurs revenus, la boule.",
        leave_assistance,
    ),
)


def play(stage: AgentStage, album: Album) -> None:
    """Play the day, step by step."""
    day = Day(stage, album)
    for step in STEPS:
        album.step(step.title, step.text.format(password=day.password))
        step.play(day)


def make_wrong_password() -> str:
    """Return a well-formed password for today, of another master key."""
    day = day_password.compute_today(time.time(), date.min)
    key = day_password.derive_month_key(bytes(32), day_password.EVERYONE, day)
    return day_password.format_letters(day, day_password.derive_number(key, day_password.EVERYONE, day))


def quit_agent(stage: AgentStage) -> None:
    """Quit the agent with its command, and wait until it has ended."""
    code, text = stage.command("quit")
    if code != 0:
        raise AssertionError(text)
    assert stage.agent is not None
    stage.agent.wait(30)


def live(stage: AgentStage) -> None:
    """Let the person at the display use the agent until it is quit."""
    sandbox = attach(stage.world, default_home())
    try:
        print(instructions(stage.world), flush=True)
        stage.start_agent().wait()
    finally:
        sandbox.unlink(missing_ok=True)


def main(_arguments: Sequence[str]) -> int:
    """Play the day, or let a person play on the display if there is one."""
    display = os.environ.get("DISPLAY")
    with tempfile.TemporaryDirectory() as folder, AgentStage(Path(folder), display=display) as stage:
        if display:
            live(stage)
            return 0
        album = Album(PAGE, stage)
        try:
            play(stage, album)
        except BaseException:
            album.picture("arret", "L’écran au moment de l’arrêt")
            print(stage.log(), file=sys.stderr)
            raise
        finally:
            page = album.write()
            print(f"\n{page}")
    return 0
