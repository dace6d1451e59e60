"""Draw the pictures of the windows: the README's, and those of the guide.

Runs in the Linux Python, with the dialogs of ``tests/desktop`` and the agent on a Windows desktop under Wine.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from iea_agent.domain import person_requests, problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.settings import DEFAULTS
from rig.desktop import MENU, TOOLTIP, Area, Desktop, Window
from rig.stage import AgentStage
from tests.desktop.test_dialogs import (
    AUTHENTICATION,
    FOLD,
    KEY,
    NOW_DOCUMENT,
    NUMBER,
    TEST,
    UPDATES,
    Play,
    write_status,
)
from tests.desktop.test_support_dialog import DISCONNECTED, PASSWORD, WRITE, SupportPlay, assistance
from tests.desktop.test_updates_dialog import DOWNLOAD, STATES, UpdatesPlay
from tools.draw_contact_sheet import LIGHT, draw_taskbar

# the rig is of Linux, and so is what the type checker knows of it
assert sys.platform != "win32"

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "pictures" / "agent.png"
PAGES = ROOT / "src" / "iea_agent" / "shell" / "pages"
LICENCE = {"licence_number": "IEA-0000-1234"}
GAP = 24
"""Pixels between the two windows of the README."""
SCALING = 150
"""Percent at which the guide's windows are taken; ``DENSITY`` in ``render_pages.py`` agrees with it."""
COLOURS = 160
"""Colours of a picture of the guide: they are enough for the windows, and a picture weighs little."""
RED = "#d3242b"
PATIENCE = 120
"""Seconds to wait for the agent, on a machine that has other work."""
AIR, STROKE, RADIUS = 7, 4, 17
"""Pixels between a thing and its mark, of the mark's line, of the disc with its number."""


class Shot(NamedTuple):
    """A picture of the guide before it is drawn on."""

    name: str
    """That of its file, without the suffix."""
    image: Image.Image
    area: Area
    """What the picture shows of the screen."""
    marks: dict[str, Area]
    """The place on the screen that each number marks; "" is a mark without a number."""


def enclose(things: Sequence[Window | Area]) -> Area:
    """Return the smallest area with all *things* in it."""
    areas = [thing.area if isinstance(thing, Window) else thing for thing in things]
    return Area(
        min(area.left for area in areas),
        min(area.top for area in areas),
        max(area.right for area in areas),
        max(area.bottom for area in areas),
    )


def take(name: str, desktop: Desktop, area: Area, **marks: Window | Area | Sequence[Window | Area]) -> Shot:
    """Return the picture of *area*.

    ``_3=button`` marks *button* with the number 3, ``_=button`` without a number.
    """
    # what is drawn last is not announced
    time.sleep(1)
    desktop.move(1, 1)
    time.sleep(0.3)
    places = {
        number[1:]: enclose([thing] if isinstance(thing, Window | Area) else thing)
        for number, thing in marks.items()
    }
    return Shot(name, desktop.look(area), area, places)


def draw_marks(shot: Shot) -> Image.Image:
    """Return the picture with a red frame and a number at each place, in few colours."""
    image = shot.image.copy()
    pen = ImageDraw.Draw(image)
    boxes = {}
    for number, place in shot.marks.items():
        left, top = place.left - shot.area.left - AIR, place.top - shot.area.top - AIR
        right, bottom = place.right - shot.area.left + AIR, place.bottom - shot.area.top + AIR
        box = (max(left, 2), max(top, 2), min(right, image.width - 3), min(bottom, image.height - 3))
        pen.rounded_rectangle(box, radius=8, outline=RED, width=STROKE)
        boxes[number] = box
    for number, box in boxes.items():
        if number:
            x, y = find_room(image, box)
            pen.ellipse((x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS), fill=RED, outline="white", width=2)
            pen.text((x, y), number, font=ImageFont.load_default(24), fill="white", anchor="mm")
    return image.quantize(COLOURS, kmeans=1, dither=Image.Dither.NONE)


def find_room(image: Image.Image, box: tuple[int, int, int, int]) -> tuple[int, int]:
    """Return the middle of a disc beside *box* that covers nothing, else its corner."""
    middle = (box[1] + box[3]) // 2
    for x in (box[0] - RADIUS - 2, box[2] + RADIUS + 2):
        disc = (x - RADIUS, middle - RADIUS, x + RADIUS, middle + RADIUS)
        inside = disc[0] >= 0 and disc[2] <= image.width
        # getcolors gives None if there are more colours than one
        if inside and image.crop(disc).getcolors(1):
            return x, middle
    return min(box[2], image.width - RADIUS - 3), max(box[1], RADIUS + 2)


def show_settings(desktop: Desktop, folder: Path) -> Iterator[Shot]:
    """Show the settings window at the first run, after tests, and as it opens."""
    play = Play(desktop, folder, "settings", "--first-run")
    play.enter(NUMBER, LICENCE["licence_number"])
    play.enter(KEY, "ABCD-EFGH-IJKL-MNOP")
    # Wine draws the edges of the fields anew only where the keyboard comes by
    desktop.key(*["Tab"] * 15)
    window = play.window
    yield take(
        "guide-premiere-fois",
        desktop,
        window.area,
        _1=[play.labelled(NUMBER), play.labelled(KEY)],
        _2=window.control(TEST, "Button"),
        _3=[window.control("Enregistrer", "Button"), window.control("Quitter", "Button")],
    )
    play.click(TEST)
    play.sees("Connexion au serveur réussie")
    window = play.window
    fields = [play.labelled(AUTHENTICATION), play.labelled(UPDATES)]
    marks = [
        child
        for child in window.children
        if child.text == "Réussi" and any(abs(child.area.top - field.area.top) < AIR for field in fields)
    ]
    last = next(child for child in window.children if child.visible and child.text == "Mises à jour")
    below = window.control(FOLD, "Button").area.bottom + 2 * AIR
    area = Area(*window.area[:2], last.area.right + 4 * AIR, below)
    yield take("guide-test-reussi", desktop, area, _=[*fields, *marks])
    leave(play)
    own = {**LICENCE, "authentication": f"{DEFAULTS.authentication}:80"}
    own["updates"] = f"{own['authentication']}/updates"
    play = Play(desktop, folder, "settings", "--own", json.dumps(own), "--repairs")
    play.click(TEST)
    play.sees("Retirer « :80 » des deux adresses")
    window = play.window
    offer = window.control("Corriger\u00a0: port habituel", "Button")
    title = window.control("Une correction est proposée", "Static")
    link = next(child for child in window.children if child.text.startswith("En savoir plus"))
    area = Area(title.area.left - 3 * AIR, window.area.top, window.area.right, link.area.bottom + 2 * AIR)
    yield take("guide-corriger", desktop, area, _4=[title, offer])
    leave(play)
    play = Play(desktop, folder, "settings", "--own", json.dumps(LICENCE))
    window = play.window
    yield take(
        "guide-parametres",
        desktop,
        window.area,
        _2=window.control("Sécurisé", "Button"),
        _3=play.labelled(AUTHENTICATION),
        _4=play.labelled(UPDATES),
        _5=window.control(TEST, "Button"),
    )
    leave(play)


def show_status(desktop: Desktop, folder: Path) -> Iterator[Shot]:
    """Show the status window on a failed connection."""
    failure = Failure(Stage.CONNECTION, problems.CONNECTION_REFUSED, "Windows 10061")
    play = Play(desktop, folder, "status", "--source", write_failure(folder, failure))
    play.sees(failure.problem.code)
    window = play.window
    button = window.control("Trouver la panne", "Button")
    advice = [
        child
        for child in window.children
        if child.visible and child.area.right < button.area.left and child.area.top > button.area.top - 30
    ]
    link = next(child for child in advice if child.text.startswith("En savoir plus"))
    problem = [child for child in advice if child.area.top < link.area.top]
    yield take("guide-etat", desktop, window.area, _2=problem, _3=button)
    leave(play)


def show_support(desktop: Desktop, folder: Path) -> Iterator[Shot]:
    """Show the window of assistance mode: before it, and in it."""
    play = SupportPlay(desktop, folder, DISCONNECTED, "--problem", "IEA-N04")
    play.can_write()
    window = play.window
    yield take("guide-joindre", desktop, window.area, _3=window.control(WRITE, "Button"))
    play.chooses_assistance()
    window = play.window
    yield take(
        "guide-activer",
        desktop,
        window.area,
        _3=window.control("Activer le mode assistance", "Button"),
        _4=window.control("OK", "Button"),
    )
    leave(play)
    play = SupportPlay(desktop, folder, assistance())
    play.can_write()
    window = play.window
    yield take("guide-mot-de-passe", desktop, window.area, _2=window.control(WRITE, "Button"))
    yield take(
        "guide-desactiver",
        desktop,
        window.area,
        _4=play.labelled(PASSWORD),
        _5=window.control("OK", "Button"),
    )
    leave(play)


def show_updates(desktop: Desktop, folder: Path) -> Iterator[Shot]:
    """Show the window of updates with a version on offer."""
    play = UpdatesPlay(desktop, folder, STATES["offered"])
    play.until(lambda: "Lisez-moi V73" in play.labelled("Lisez-moi").text, "the text")
    window = play.window
    headline = next(child for child in window.children if child.text.startswith("Impact emploi\u00a0:"))
    yield take(
        "guide-mise-a-jour",
        desktop,
        window.area,
        _2=headline,
        _3=window.control(DOWNLOAD, "Button"),
        _4=play.labelled("Lisez-moi"),
    )
    leave(play)


def show_menu(folder: Path) -> Iterator[Shot]:
    """Show the menu of the running agent, connected and not."""
    with AgentStage(folder, SCALING) as stage:
        stage.save_licence()
        stage.start_agent()
        stage.until("ball", PATIENCE)
        yield take_menu("guide-menu-parametres", stage, person_requests.SETTINGS, "1")
        stage.world.break_("auth", "refuse")
        stage.choose(person_requests.RECONNECT)
        stage.until("ball-heart", PATIENCE)
        stage.balloon("IEA-N04")
        # it would cover the menu
        stage.desktop.wait(
            lambda windows: windows[0] if all(w.kind != TOOLTIP for w in windows) else None,
            "its end",
            PATIENCE,
        )
        yield take_menu("guide-menu-assistance", stage, person_requests.SUPPORT, "2")


def take_menu(name: str, stage: AgentStage, request: person_requests.PersonRequest, number: str) -> Shot:
    """Return the picture of the menu and the icon, the line of *request* marked."""
    desktop = stage.desktop
    line = stage.open_menu_at(request)
    menu = next(window for window in desktop.windows() if window.kind == MENU)
    area = enclose([menu.area, desktop.icon(), Area(menu.area.left - 60, menu.area.top, *desktop.size)])
    shot = take(name, desktop, area, **{f"_{number}": line.area})
    desktop.key("Escape")
    return shot


def write_failure(folder: Path, failure: Failure) -> Path:
    """Write the status document of a connection that *failure* ended; return its file."""
    values = {name: getattr(NOW_DOCUMENT, name) for name in NOW_DOCUMENT.__slots__}
    file = write_status(folder, type(NOW_DOCUMENT)(**{**values, "failure": failure}))
    document = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(document | LICENCE), encoding="utf-8")
    return file


def leave(play: Play) -> None:
    """Close the window, with what was typed and not saved."""
    play.process.kill()
    play.desktop.gone(play.title)
    play.process.communicate()


def draw_guide() -> None:
    """Write the pictures of the guide beside its pages."""
    icon = draw_taskbar(LIGHT, "#1b1b1b", SCALING / 100, ("ball",))
    save(Shot("guide-icone", icon, Area(0, 0, *icon.size), {"": Area(58, 22, 86, 50)}))
    with tempfile.TemporaryDirectory() as folder:
        with Desktop(SCALING) as desktop:
            for show in (show_settings, show_status, show_support, show_updates):
                for shot in show(desktop, Path(folder)):
                    save(shot)
        for shot in show_menu(Path(folder)):
            save(shot)


def save(shot: Shot) -> None:
    """Write the picture with its marks beside the pages."""
    draw_marks(shot).save(PAGES / f"{shot.name}.png", optimize=True)


def draw_readme() -> None:
    """Write the README's picture: the status and the settings window side by side."""
    failure = Failure(Stage.CERTIFICATE, problems.PORT_WITHOUT_TLS, "[SSL: WRONG_VERSION_NUMBER]")
    own = {**LICENCE, "authentication": f"{DEFAULTS.authentication}:80"}
    own["updates"] = f"{own['authentication']}/updates"
    images = []
    with tempfile.TemporaryDirectory() as name, Desktop(100, (1280, 760)) as desktop:
        folder = Path(name)
        for dialog, options, text in (
            ("status", ("--source", write_failure(folder, failure)), failure.problem.code),
            ("settings", ("--own", json.dumps(own), "--repairs"), "Retirer « :80 » des deux adresses"),
        ):
            play = Play(desktop, folder, dialog, *options)
            if dialog == "settings":
                play.click(TEST)
            play.sees(text)
            images.append(take(dialog, desktop, play.window.area).image)
            leave(play)
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    sheet = Image.new("RGB", (width, max(image.height for image in images)), "white")
    left = 0
    for image in images:
        sheet.paste(image, (left, 0))
        left += image.width + GAP
    sheet.save(PICTURE, optimize=True)


def main() -> None:
    """Write all pictures."""
    draw_readme()
    draw_guide()


if __name__ == "__main__":
    main()
