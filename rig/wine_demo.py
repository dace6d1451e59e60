"""A clerk's day with the real Windows agent, played in a virtual screen; ends with a page of pictures, ``build/demo/index.html``.

With a display (``$DISPLAY``) the same world is shown live on it instead, for whoever wants to click.
"""

from __future__ import annotations

import html
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from PIL import Image

from iea_agent.domain import day_password
from iea_sandbox.cli import default_home
from iea_sandbox.control import attach
from rig.build import BUILD
from rig.demo import instructions
from rig.desktop import Area, Window
from rig.stage import MENU_RECONNECT, MENU_SETTINGS, MENU_SUPPORT, SETTINGS, STATUS, SUPPORT, Stage

PAGE = BUILD / "demo"
EMPTY = Area(200, 200, 204, 204)
"""A place of the desktop where nothing is: a click there closes a menu."""


class Album:
    """The pictures of the day and the page that shows them."""

    def __init__(self, folder: Path, stage: Stage) -> None:
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
        """Keep a picture of the screen, or of a part of it."""
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
        """Keep a picture of one window."""
        self.picture(name, caption, window.area)

    def icon(self, caption: str) -> None:
        """Keep an enlarged picture of the icon in its taskbar."""
        left, top, right, bottom = self._stage.desktop.icon()
        self.picture("icone", caption, Area(left - 60, top, right, bottom), enlarged=4)

    def corner(self, name: str, caption: str, width: int = 620, height: int = 240) -> None:
        """Keep a picture of the lower right corner of the screen, where tooltip, menu and balloon are."""
        across, down = self._stage.desktop.size
        self.picture(name, caption, Area(across - width, down - height, across, down))

    def write(self) -> Path:
        """Write the page; its path."""
        page = self._folder / "index.html"
        page.write_text(_PAGE.format(steps="\n".join(self._steps)), encoding="utf-8")
        return page


_PAGE = """<!doctype html>
<html lang="fr"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Une journée avec l'agent de connexion</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1d2b3a; background: #f7f9fb }}
h1 {{ font-weight: 600 }} h2 {{ margin-top: 3rem; font-weight: 600; border-top: 1px solid #d5dde5; padding-top: 1.5rem }}
figure {{ margin: 1rem 0 }} img {{ max-width: 100%; height: auto; border: 1px solid #c8d2dc; border-radius: 4px }}
figcaption {{ color: #54677a; font-size: .9em }}
</style>
<h1>Une journée avec l'agent de connexion</h1>
<p>Le vrai programme Windows, sous Wine, face aux serveurs du bac à sable : de vrais serveurs TLS sur cette machine, que l'on casse et que l'on répare.</p>
{steps}
</html>
"""


def play(stage: Stage, album: Album) -> None:
    """The day, step by step. Every step waits for what it shows: what does not come ends the demonstration with an error."""
    desktop, world = stage.desktop, stage.world
    licence = world.licence("good")

    album.step(
        "Première mise en route",
        "Rien n'est encore configuré : l'agent le dit (cœur rouge) et ouvre de lui-même les paramètres de connexion.",
    )
    stage.start_agent()
    stage.until("ball-heart")
    dialog = desktop.window(SETTINGS)
    album.picture("premiere-fois", "Le bureau à la première mise en route")
    desktop.type(licence.number)
    desktop.key("Tab")
    desktop.type(licence.key)
    stage.press(SETTINGS, "Tester l'accès aux serveurs")
    dialog = stage.until_text(SETTINGS, "Connexion au serveur réussie")
    album.window("test-reussi", "Une coche verte au bout de chaque adresse", dialog)
    stage.press(SETTINGS, "Enregistrer")
    stage.until("ball")
    stage.press(SETTINGS, "Quitter")
    desktop.gone(SETTINGS)

    album.step("Boule bleue", "L'installation est connectée au serveur de production.")
    album.icon("Boule bleue dans la zone de notification")
    desktop.tooltip()
    album.corner("infobulle", "L'infobulle", height=80)
    desktop.open_menu()
    album.corner("menu", "Le menu du clic droit")
    desktop.key("Escape")
    desktop.click(EMPTY)

    album.step(
        "Les serveurs tombent",
        "« Relancer l'authentification auprès du serveur » : la réponse vient tout de suite, avec la cause et ce qu'il faut faire.",
    )
    world.break_("auth", "refuse")
    world.break_("updates", "refuse")
    stage.choose(MENU_RECONNECT)
    stage.until("ball-heart")
    balloon = stage.balloon("IEA-N04")
    album.corner("bulle", "La bulle d'information", height=desktop.size[1] - balloon.area.top + 40)
    album.icon("Boule bleue accompagnée du cœur rouge")
    desktop.tooltip()
    album.corner("infobulle", "L'infobulle nomme le problème", height=120)
    desktop.click(desktop.icon())
    status = stage.until_text("Impact emploi", "IEA-N04")
    album.window("etat", "Clic gauche : l'état, le problème, ce qu'il faut faire et qui peut agir", status)
    desktop.key("Escape")

    album.step(
        "Une adresse mal saisie",
        "Dans les paramètres de connexion, une faute dans l'adresse : rond rouge barré, la raison et qui peut agir.",
    )
    stage.choose(MENU_SETTINGS)
    desktop.window(SETTINGS)
    right = world.authentication.address
    wrong = right.replace("localhost", "serveur-inconnu.invalid")
    stage.replace(SETTINGS, right, wrong)
    stage.press(SETTINGS, "Tester l'accès aux serveurs")
    dialog = stage.until_text(SETTINGS, "Échec de connexion au serveur")
    album.window("adresse-fausse", "Rond rouge barré, la cause, et qui peut agir", dialog)

    album.step(
        "Serveurs revenus, adresse corrigée",
        "Le test réussit ; « Enregistrer » puis « Quitter », comme sur la fiche pratique.",
    )
    world.mend()
    stage.replace(SETTINGS, wrong, f"  {right}.")
    stage.press(SETTINGS, "Tester l'accès aux serveurs")
    dialog = stage.until_text(SETTINGS, "Connexion au serveur réussie")
    album.window(
        "adresse-corrigee",
        "L'adresse collée avec des espaces et un point a été nettoyée ; coche verte",
        dialog,
    )
    stage.press(SETTINGS, "Enregistrer")
    stage.until_text(SETTINGS, "Paramètres enregistrés")
    stage.press(SETTINGS, "Quitter")
    desktop.gone(SETTINGS)

    album.step("De nouveau la boule bleue", "La connexion est rétablie ; Impact emploi peut être relancé.")
    stage.until("ball")
    album.icon("Boule bleue")
    desktop.click(desktop.icon())
    status = stage.until_text("Impact emploi", "Connectée au serveur")
    album.window("etat-connecte", "L'état de la connexion", status)
    desktop.key("Escape")
    desktop.gone(STATUS)

    album.step(
        "Une panne qui dure : le mode assistance",
        "Les serveurs sont de nouveau en panne et les bulletins de paie n'attendent pas. « Demande de support technique », "
        "« Activer le mode assistance » : une confirmation, et le scarabée rouge remplace la boule bleue.",
    )
    stage.install_register()
    world.break_("auth", "refuse")
    world.break_("updates", "refuse")
    stage.choose(MENU_RECONNECT)
    stage.until("ball-heart")
    dialog = stage.enter_assistance()
    album.window("assistance-activee", "Le mode assistance est activé", dialog)
    stage.until("beetle")
    album.icon("Le scarabée rouge")
    desktop.key("Escape")
    desktop.gone(SUPPORT)
    desktop.tooltip()
    stage.balloon("Mode assistance depuis")
    album.corner("infobulle", "L'infobulle dit depuis quand", height=120)
    desktop.open_menu()
    album.corner("menu", "En mode assistance, le menu dit ce qui doit attendre")
    desktop.key("Escape")
    desktop.click(EMPTY)

    album.step(
        "L'ordinateur redémarre",
        "Le mode assistance tient : au démarrage suivant, le scarabée est toujours là.",
    )
    _quit(stage)
    stage.start_agent()
    stage.until("beetle")
    album.icon("Toujours le scarabée")

    album.step(
        "Le mot de passe du jour",
        "Une faute de frappe est montrée là où elle est et ne compte pas comme un essai ; un mot de passe bien formé mais faux en est un.",
    )
    password = stage.password()
    typo = password[:8] + ("A" if password[8] != "A" else "B") + password[9:]
    for name, typed, said in (
        ("faute-de-frappe", typo, "Faute de frappe"),
        ("mauvais-mot-de-passe", wrong_password(), "pas le mot de passe du jour"),
    ):
        stage.choose(MENU_SUPPORT)
        stage.until_text(SUPPORT, "Mot de passe du jour")
        desktop.type(typed)
        desktop.key("Return")
        album.window(name, said, stage.until_text(SUPPORT, said))
        desktop.key("Escape")
        desktop.gone(SUPPORT)

    album.step(
        "Sortie du mode assistance",
        f"Le mot de passe que l'assistance envoie (iea-desk password) : {password}. Le cœur d'abord, puis, les serveurs revenus, la boule.",
    )
    stage.choose(MENU_SUPPORT)
    stage.until_text(SUPPORT, "Mot de passe du jour")
    desktop.type(password.lower().replace("-", " "))
    desktop.key("Return")
    dialog = stage.until_text(SUPPORT, "Le mode assistance est désactivé")
    album.window("assistance-desactivee", "Tapé en minuscules et sans tirets : accepté", dialog)
    stage.until("ball-heart")
    album.icon("Le cœur : sortir du mode assistance n'est pas encore être connecté")
    desktop.key("Escape")
    desktop.gone(SUPPORT)
    world.mend()
    stage.choose(MENU_RECONNECT)
    stage.until("ball")
    album.icon("La boule bleue")
    _quit(stage)


def wrong_password() -> str:
    """Well formed, for today, and of another master key."""
    day = day_password.compute_today(time.time(), date.min)
    key = day_password.derive_month_key(bytes(32), day_password.EVERYONE, day)
    return day_password.format_letters(day, day_password.derive_number(key, day_password.EVERYONE, day))


def _quit(stage: Stage) -> None:
    code, text = stage.command("quit")
    if code != 0:
        raise AssertionError(text)
    assert stage.agent is not None
    stage.agent.wait(30)


def live(stage: Stage) -> None:
    """Leave the world to whoever is there, until the agent is quit."""
    sandbox = attach(stage.world, default_home())
    try:
        print(instructions(stage.world), flush=True)
        stage.start_agent().wait()
    finally:
        sandbox.unlink(missing_ok=True)


def main(_arguments: Sequence[str]) -> int:
    """Play the day, or show it live where there is a display."""
    display = os.environ.get("DISPLAY")
    with tempfile.TemporaryDirectory() as folder, Stage(Path(folder), display=display) as stage:
        if display:
            live(stage)
            return 0
        album = Album(PAGE, stage)
        try:
            play(stage, album)
        except BaseException:
            album.picture("arret", "L'écran au moment de l'arrêt")
            print(stage.log(), file=sys.stderr)
            raise
        finally:
            page = album.write()
            print(f"\n{page}")
    return 0
