"""What a clerk does and sees on the Windows desktop, as values with French words.

Runs in the Linux Python. Each function of the first three groups returns a Deed, each of the last a Sight: nothing
happens before they are performed. ``practical_sheets.py`` makes its steps of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from iea_agent.domain.machine import State
from iea_agent.domain.person_requests import RECONNECT, SUPPORT, PersonRequest
from iea_agent.domain.refusals import NoToken
from iea_agent.locale import _
from iea_agent.shell.wording.refusal_text import word_refusal
from iea_sandbox.faults import ServerName
from iea_sandbox.world import World
from rig.desktop import MENU as MENU_KIND
from rig.desktop import NO_WINDOW, TASKBAR, TOOLTIP, Area, MenuItem, NotSeenError, Window
from rig.stage import MENU, AgentStage
from rig.window_texts import SUPPORT as SUPPORT_WINDOW

EMPTY = Area(200, 200, 204, 204)
"""An empty place of the desktop: a click there closes a menu."""
FOLDER = "ExplorerWClass"
"""The kind of the window in which Wine shows a folder."""
PROGRAM_WINDOW = r"^Impact emploi 3\."
"""The window of the program that stands in for Impact emploi."""
AGENT_GIVES = "L’agent a donné un jeton d’accès ("
AGENT_REFUSES = word_refusal(NoToken(State.ASSISTANCE))
"""What that program shows of the agent's answer: how long its token is, or why there is none."""
PICTURES = {
    "ball": "boule bleue",
    "ball-heart": "boule bleue accompagnée du cœur rouge",
    "beetle": "scarabée rouge",
}
"""What the sheets call each picture of the icon."""
CLICKED = 0.2  # seconds in which a click has its effect, and a balloon comes
MARGIN = 12
"""Pixels round a part of a window in its picture, at 100 %."""


@dataclass
class Clerk:
    """The person at the desktop of the *stage*, and what one step leaves to the next."""

    stage: AgentStage
    password: str = ""
    """The password of the day, once the desk has given it."""


class Frame(NamedTuple):
    """A part of the screen, None for all of it, and how often a picture enlarges it.

    *taken* is a picture that there is already, in its place.
    """

    area: Area | None
    enlarged: int = 1
    taken: Path | None = None


class Deed(NamedTuple):
    """Something that a person does, or that is prepared: in French, and as a function."""

    text: str
    perform: Callable[[Clerk], object]


class Sight(NamedTuple):
    """What must be true after a step: in French, and as a function that waits for it.

    The function returns what to photograph. It raises NotSeenError if the sight does not come.
    """

    text: str
    look: Callable[[Clerk], Frame]


Spelled = Callable[[World], str]
"""An address of the sandbox as a person types it."""


def name_line(request: PersonRequest) -> str:
    """Return the label of a menu line or button without its « & » and « … »."""
    return _(request.label).replace("&", "").rstrip("…")


# what a person does


def right_click(picture: str) -> Deed:
    """Open the menu of the icon, which must show *picture*."""

    def perform(clerk: Clerk) -> None:
        clerk.stage.until(picture)
        open_menu(clerk.stage)

    return Deed(f"Clic droit sur l’icône ({PICTURES[picture]}).", perform)


def open_menu(stage: AgentStage) -> list[MenuItem]:
    """Right-click the icon until its whole menu is open, and return the lines."""
    for _attempt in range(4):
        # a window that is just opening takes the focus, and with it the menu: a person clicks again, too
        with suppress(NotSeenError):
            items = stage.desktop.open_menu(timeout=5)
            if len(items) == len(MENU):
                return items
        stage.desktop.key("Escape")
    raise NotSeenError(f"no menu of {len(MENU)} lines")


def choose_line(request: PersonRequest) -> Deed:
    """Click a line of the open menu, or open the menu for it."""

    def perform(clerk: Clerk) -> None:
        desktop = clerk.stage.desktop
        is_open = any(window.kind == MENU_KIND for window in desktop.windows())
        items = desktop.menu() if is_open else []
        # a busy machine may not have painted all lines
        if len(items) != len(MENU):
            items = open_menu(clerk.stage)
        desktop.click(items[find_line(request)])

    return Deed(f"Clic sur la ligne « {name_line(request)} » du menu.", perform)


def find_line(request: PersonRequest) -> int:
    """Return the place of the line of *request* in the menu, from 0."""
    return [type(line.event) for line in MENU].index(request.event)


def left_click() -> Deed:
    """Click the icon, which opens the status window."""
    return Deed(
        "Clic gauche sur l’icône.", lambda clerk: clerk.stage.desktop.click(clerk.stage.desktop.icon())
    )


def point_at_icon() -> Deed:
    """Point at the icon until its tooltip is there."""
    return Deed("La souris est posée sur l’icône.", lambda clerk: clerk.stage.desktop.tooltip())


def press(window: str, button: str, answer: str = "") -> Deed:
    """Click a button, a check box or a choice of a window, once that is possible.

    Waits for the *answer* of the window.
    """

    def perform(clerk: Clerk) -> None:
        present = await_window(
            clerk, window, lambda present: present.control(button, "Button").enabled, f"{button!r} enabled"
        )
        if clerk.stage.desktop.front() != present.handle:
            # Wine may have left no window active, and loses the click that activates one
            left, top, right, _bottom = present.area
            clerk.stage.desktop.click(Area(left, top, right, top + 2 * scale(clerk, MARGIN)))
        place = present.control(button, "Button").area
        uncover(clerk, place)
        clerk.stage.press(window, button)
        # a balloon that comes just now takes the click
        time.sleep(CLICKED)
        if uncover(clerk, place) and any(
            each.handle == present.handle for each in clerk.stage.desktop.windows()
        ):
            clerk.stage.press(window, button)
        if answer:
            clerk.stage.until_text(window, answer)

    return Deed(f"Clic sur « {button} ».", perform)


def uncover(clerk: Clerk, place: Area) -> bool:
    """Wait until no balloon lies over *place*; return whether one did."""
    desktop = clerk.stage.desktop
    x, y = place.centre

    def covers(window: Window) -> bool:
        left, top, right, bottom = window.area
        return window.kind == TOOLTIP and left <= x < right and top <= y < bottom

    if not any(map(covers, desktop.windows())):
        return False
    desktop.wait(lambda windows: None if any(map(covers, windows)) else NO_WINDOW, "the balloon's end", 60)
    return True


def type_words(words: str, what: Callable[[Clerk], str]) -> Deed:
    """Type into the control that has the keyboard; *words* say what."""
    return Deed(words, lambda clerk: clerk.stage.desktop.type(what(clerk)))


def press_key(name: str, words: str) -> Deed:
    """Press a key by its X name; *words* say which."""
    return Deed(words, lambda clerk: clerk.stage.desktop.key(name))


def fill(window: str, label: str, words: str, what: Callable[[Clerk], str]) -> Deed:
    """Type over what the field below *label* holds; *words* say what is typed."""

    def perform(clerk: Clerk) -> None:
        desktop = clerk.stage.desktop
        desktop.click(find_field(desktop.window(window), label))
        desktop.key("ctrl+a")
        desktop.type(what(clerk))
        desktop.key("Tab")

    return Deed(f"Clic dans « {label} », Ctrl+A ; on tape {words}, puis Tab.", perform)


def fill_address(window: str, label: str, spelled: Spelled) -> Deed:
    """Type an address over what the field below *label* holds."""
    return fill(window, label, "l’adresse", lambda clerk: spelled(clerk.stage.world))


def find_field(window: Window, label: str) -> Window:
    """Return the field after its label. Raises NotSeenError."""
    after = window.children[window.children.index(window.control(label, "Static")) :]
    return next(control for control in after if control.kind == "Edit" and control.visible)


def close(title: str) -> Deed:
    """Close a window with the Escape key."""

    def perform(clerk: Clerk) -> None:
        desktop = clerk.stage.desktop
        for attempt in range(3):
            window = desktop.window(title)
            # after another program's window Wine may leave none with the keyboard, and say otherwise
            if attempt or desktop.front() != window.handle:
                activate(clerk, window)
            desktop.key("Escape")
            with suppress(NotSeenError):
                desktop.gone(title, timeout=5)
                return
        raise NotSeenError(f"the end of {title!r}")

    return Deed("La fenêtre est fermée (touche Échap).", perform)


def activate(clerk: Clerk, window: Window) -> None:
    """Click the right of the title of *window*: Wine may have left none active."""
    _left, top, right, _bottom = window.area
    side = scale(clerk, MARGIN)
    clerk.stage.desktop.click(Area(right - 6 * side, top, right - 3 * side, top + 2 * side))


def close_folder(title: str) -> Deed:
    """Close the folder that a copied message opens, and go back to the window *title*."""

    def perform(clerk: Clerk) -> None:
        desktop = clerk.stage.desktop
        with suppress(NotSeenError):
            click_corner(
                clerk,
                desktop.wait(
                    lambda windows: next((each for each in windows if each.kind == FOLDER), None), "a folder"
                ),
            )
        activate(clerk, desktop.window(title))

    return Deed("Le dossier du fichier à joindre s’ouvre ; il est refermé.", perform)


def click_corner(clerk: Clerk, window: Window) -> None:
    """Click the cross in the corner of *window*, and wait until that is gone."""
    area, side = window.area, scale(clerk, MARGIN)
    clerk.stage.desktop.click(Area(area.right - 2 * side, area.top, area.right, area.top + 2 * side))
    clerk.stage.desktop.wait(
        lambda windows: None if any(each.handle == window.handle for each in windows) else NO_WINDOW,
        f"the end of {window.text!r}",
    )


def close_menu() -> Deed:
    """Close the open menu without choosing."""

    def perform(clerk: Clerk) -> None:
        clerk.stage.desktop.key("Escape")
        clerk.stage.desktop.click(EMPTY)

    return Deed("Le menu est refermé.", perform)


def close_program(window: str = PROGRAM_WINDOW, words: str = "Impact emploi est fermé.") -> Deed:
    """Close the payroll program's *window*, or another, with the button in its corner."""
    return Deed(words, lambda clerk: click_corner(clerk, clerk.stage.desktop.window(window)))


def wait_for_balloon() -> Deed:
    """Wait until the last balloon is gone, so that the next is a new one."""

    def perform(clerk: Clerk) -> None:
        clerk.stage.desktop.wait(
            lambda windows: None if any(w.kind == TOOLTIP for w in windows) else NO_WINDOW,
            "the end of the balloon",
            timeout=30,
        )

    return Deed("La dernière bulle d’information s’efface.", perform)


# what is prepared


def break_servers(how: str, *servers: ServerName) -> Deed:
    """Switch the fault *how* on at some servers of the sandbox, which else are sound."""

    def perform(clerk: Clerk) -> None:
        clerk.stage.world.mend()
        for server in servers:
            clerk.stage.world.break_(server, how)

    what = " et ".join(
        {"auth": "le serveur d’authentification", "updates": "le serveur de mise à jour"}[s] for s in servers
    )
    return Deed(f"Le bac à sable met en panne {what} ({how}).", perform)


def mend_servers(picture: str = "") -> Deed:
    """Repair all of the sandbox, and wait for *picture*."""

    def perform(clerk: Clerk) -> None:
        clerk.stage.world.mend()
        if picture:
            clerk.stage.until(picture)

    return Deed("Les serveurs du bac à sable sont réparés.", perform)


def reconnect(picture: str) -> Deed:
    """Authenticate again through the menu, and wait for *picture*."""

    def perform(clerk: Clerk) -> None:
        choose_line(RECONNECT).perform(clerk)
        clerk.stage.until(picture)

    return Deed(f"« {name_line(RECONNECT)} » amène l’icône : {PICTURES[picture]}.", perform)


def enter_assistance() -> Deed:
    """Enter assistance mode through menu and dialog."""

    def perform(clerk: Clerk) -> None:
        clerk.stage.enter_assistance()
        clerk.stage.until("beetle")
        clerk.stage.desktop.key("Escape")
        clerk.stage.desktop.gone(SUPPORT_WINDOW)

    return Deed("Le mode assistance est activé (rubrique « Activer le mode assistance »).", perform)


def ask_password(clerk: Clerk) -> None:
    """Have the desk give the password of the day."""
    clerk.password = clerk.password or clerk.stage.password()


def leave_assistance() -> Deed:
    """Leave assistance mode through menu and dialog."""

    def perform(clerk: Clerk) -> None:
        ask_password(clerk)
        clerk.stage.choose(SUPPORT)
        clerk.stage.until_text(SUPPORT_WINDOW, "mot de passe du jour reçu")
        clerk.stage.desktop.type(clerk.password)
        clerk.stage.desktop.key("Return")
        clerk.stage.until("ball-heart")
        clerk.stage.desktop.key("Escape")
        clerk.stage.desktop.gone(SUPPORT_WINDOW)

    return Deed("Le mode assistance est désactivé (rubrique « Désactiver le mode assistance »).", perform)


def configure_as_before() -> Deed:
    """Give the installation the settings of the time before the secure mode."""

    def perform(clerk: Clerk) -> None:
        world = clerk.stage.world
        for name, value in (
            ("connection.secure", "false"),
            ("connection.authentication", in_clear(world.authentication.address)),
            ("connection.updates", in_clear(world.updates.address)),
        ):
            code, text = clerk.stage.command("settings", "set", name, value)
            if code != 0:
                raise AssertionError(text)

    return Deed(
        "Le poste reçoit ses anciens paramètres : « Sécurisé » décoché, adresses en « http:// ».", perform
    )


def in_clear(address: str) -> str:
    """Return *address* as it was before the secure mode."""
    return address.replace("https://", "http://")


def start_agent() -> Deed:
    """Start the agent, as Windows does when a person logs on."""
    return Deed("La session Windows est ouverte.", lambda clerk: clerk.stage.start_agent())


def quit_agent(clerk: Clerk) -> None:
    """Quit the agent with its command, and wait until it has ended."""
    code, text = clerk.stage.command("quit")
    if code != 0:
        raise AssertionError(text)
    # the setup may have started it
    if clerk.stage.agent is not None:
        clerk.stage.agent.wait(30)


# what must then be true


def see_icon(picture: str) -> Sight:
    """Wait for the icon to show *picture*."""

    def look(clerk: Clerk) -> Frame:
        clerk.stage.until(picture)
        left, top, right, bottom = clerk.stage.desktop.icon()
        return Frame(Area(left - (right - left), top, right, bottom), enlarged=4)

    return Sight(f"L’icône est : {PICTURES[picture]}.", look)


def see_tooltip(picture: str, text: str) -> Sight:
    """Wait for the icon to show *picture*, with *text* in its tooltip."""

    def look(clerk: Clerk) -> Frame:
        clerk.stage.until(picture)
        tooltip = clerk.stage.desktop.wait(
            lambda windows: next((w for w in windows if w.kind == TOOLTIP and text in w.text), None),
            f"the tooltip {text!r}",
        )
        # without what lies above it: a balloon may still be there
        return Frame(Area(tooltip.area.left - 1, tooltip.area.top - 1, *clerk.stage.desktop.size))

    return Sight(f"L’icône est : {PICTURES[picture]}. L’infobulle dit « {text} ».", look)


def see_balloon(text: str) -> Sight:
    """Wait for a balloon with *text*."""
    return Sight(
        f"Une bulle d’information nomme le problème ({text}).",
        lambda clerk: cut_corner(clerk, clerk.stage.balloon(text).area),
    )


def cut_corner(clerk: Clerk, area: Area) -> Frame:
    """Return the lower right corner of the screen, with *area* in it."""
    margin, (right, bottom) = scale(clerk, MARGIN), clerk.stage.desktop.size
    return Frame(Area(area.left - margin, area.top - margin, right, bottom))


def scale(clerk: Clerk, length: int) -> int:
    """Return a length at 100 % in pixels of the screen."""
    return length * clerk.stage.desktop.scaling // 100


def see_menu(*enabled: PersonRequest, grey: tuple[PersonRequest, ...] = ()) -> Sight:
    """Wait for the open menu; these lines must be black, and those *grey*."""

    def look(clerk: Clerk) -> Frame:
        items = clerk.stage.desktop.menu()
        # a busy machine may not have painted all lines
        if len(items) != len(MENU):
            items = open_menu(clerk.stage)
        for request, is_enabled in {**dict.fromkeys(enabled, True), **dict.fromkeys(grey, False)}.items():
            if items[find_line(request)].enabled != is_enabled:
                raise NotSeenError(f"« {name_line(request)} » is {'grey' if is_enabled else 'not grey'}")
        menu = next(window for window in clerk.stage.desktop.windows() if window.kind == MENU_KIND)
        return cut_corner(clerk, menu.area)

    def name(requests: tuple[PersonRequest, ...]) -> str:
        return ", ".join(f"« {name_line(request)} »" for request in requests)

    parts = [f"possible : {name(enabled)}"] if enabled else []
    parts += [f"grisé : {name(grey)}"] if grey else []
    return Sight(f"Le menu est ouvert ; {' ; '.join(parts)}.", look)


def see_window(title: str, *texts: str) -> Sight:
    """Wait for the window *title*, above all others and with all *texts*."""

    def look(clerk: Clerk) -> Frame:
        for text in texts:
            clerk.stage.until_text(title, text)
        return Frame(find_uppermost(clerk, title).area)

    words = f" On y lit {', '.join(f'« {text} »' for text in texts)}." if texts else ""
    return Sight(f"La fenêtre « {title} » est au premier plan.{words}", look)


def find_uppermost(clerk: Clerk, title: str) -> Window:
    """Wait until the window *title* lies above all others, and return it."""

    def pick(windows: list[Window]) -> Window | None:
        others = (w for w in windows if w.kind not in (TASKBAR, TOOLTIP, MENU_KIND) and w.text)
        first = next(others, None)
        return first if first and title in first.text else None

    return clerk.stage.desktop.wait(pick, f"{title!r} above all others")


def await_window(clerk: Clerk, title: str, holds: Callable[[Window], object], what: str) -> Window:
    """Wait until *what* *holds* for the window *title*, and until that lies on top."""

    def pick(windows: list[Window]) -> Window | None:
        for window in windows:
            # it may not have all its controls yet
            with suppress(NotSeenError):
                if title in window.text and holds(window):
                    return window
        return None

    clerk.stage.desktop.wait(pick, what, timeout=30)
    return find_uppermost(clerk, title)


def see_ticked(title: str, label: str) -> Sight:
    """Wait for a check box or a choice of the window *title* to be ticked."""

    def look(clerk: Clerk) -> Frame:
        return Frame(
            await_window(
                clerk, title, lambda window: window.control(label, "Button").ticked, f"{label!r} ticked"
            ).area
        )

    return Sight(f"« {label} » est coché.", look)


def see_filled(title: str, label: str, spelled: Spelled) -> Sight:
    """Wait for the field below *label* to hold an address."""

    def look(clerk: Clerk) -> Frame:
        address = spelled(clerk.stage.world)
        return Frame(
            await_window(
                clerk,
                title,
                lambda window: find_field(window, label).text == address,
                f"{address!r} in {label!r}",
            ).area
        )

    return Sight(f"« {label} » contient l’adresse tapée.", look)


def see_marks(title: str, labels: tuple[str, ...], word: str, *texts: str) -> Sight:
    """Wait for a mark with *word* at the end of the fields below *labels*.

    With *texts* the whole window is photographed, which must have them, else only the fields.
    """

    def look(clerk: Clerk) -> Frame:
        window = await_window(
            clerk,
            title,
            lambda window: all(find_mark(window, label, word) for label in labels),
            f"the marks {word!r}",
        )
        for text in texts:
            window = clerk.stage.until_text(title, text)
        if texts:
            return Frame(window.area)
        margin = scale(clerk, MARGIN)
        fields = [find_field(window, label).area for label in labels]
        # the nearest one: the results at the right may have the same word on the same line
        marks = [
            min((mark.area for mark in find_mark(window, label, word)), key=lambda area: area.left)
            for label in labels
        ]
        left, right = min(area.left for area in fields), max(area.right for area in marks)
        top, bottom = min(area.top for area in fields), max(area.bottom for area in fields)
        return Frame(Area(left - margin, top - 2 * margin, right + margin, bottom + margin // 3), enlarged=2)

    return Sight(f"Au bout de {' et de '.join(f'« {label} »' for label in labels)} : « {word} ».", look)


def find_mark(window: Window, label: str, word: str) -> list[Window]:
    """Return what has *word* at the right of the field below *label*, on its line."""
    _left, top, right, bottom = find_field(window, label).area
    return [
        control
        for control in window.children
        if control.visible
        and control.text == word
        and control.area.left >= right
        and top < control.area.centre[1] < bottom
    ]


def see_closed(title: str, picture: str) -> Sight:
    """Wait for the window *title* to be gone, and the icon to show *picture*."""

    def look(clerk: Clerk) -> Frame:
        clerk.stage.desktop.gone(title)
        return see_icon(picture).look(clerk)

    return Sight(f"La fenêtre est fermée. {see_icon(picture).text}", look)


def see_program(picture: str) -> Sight:
    """Wait for the payroll program's window, and the icon to show *picture*.

    The window must say what the agent has answered to the question for its token.
    """
    answer = AGENT_REFUSES if picture == "beetle" else AGENT_GIVES

    def look(clerk: Clerk) -> Frame:
        clerk.stage.desktop.window(PROGRAM_WINDOW)
        clerk.stage.until_text("Impact emploi 3.", answer)
        clerk.stage.until(picture)
        return Frame(None)

    return Sight(
        "Impact emploi est lancé (un programme du banc d’essai en tient lieu). "
        f"Sa fenêtre dit : « {answer.rstrip(' (')} ». {see_icon(picture).text}",
        look,
    )
