"""A clerk's work with the keyboard alone: the tasks of the guide without a mouse."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("a desktop under Wine", allow_module_level=True)

from rig.desktop import PAUSE, Window
from rig.stage import AgentStage
from rig.window_texts import SETTINGS, STATUS, SUPPORT, TEST_BUTTON, TEST_FAILED, TEST_PASSED

ICON_KEYS = Path(__file__).with_name("icon_keys.py")
PATIENCE = 20.0


class Clerk:
    """Presses keys only, and looks at the screen."""

    def __init__(self, stage: AgentStage) -> None:
        self._stage = stage
        self._desktop = stage.desktop

    def press(self, *keys: str) -> None:
        """Press *keys* by their X names."""
        self._desktop.key(*keys)

    def type(self, text: str) -> None:
        """Type *text*."""
        self._desktop.type(text)

    def open_menu(self, letter: str) -> None:
        """Press the menu key on the icon, then the underlined *letter* of a line.

        No window may be open: under Wine a menu then gets no keys.
        """
        self._press_on_icon("menu")
        self._desktop.menu()
        self.press(letter)

    def open_status(self) -> None:
        """Press Enter on the icon."""
        self._press_on_icon("enter")

    def _press_on_icon(self, key: str) -> None:
        left, top, _right, _bottom = self._desktop.icon()
        self._desktop.start(ICON_KEYS, key, str(left), str(top)).wait(PATIENCE)

    def sees(self, title: str, text: str) -> Window:
        """Wait for *text* in the window *title*, which is the one in front."""
        self._stage.until_text(title, text, PATIENCE)
        return self._desktop.wait(
            lambda windows: next(
                (w for w in windows if title in w.text and w.handle == self._desktop.front()), None
            ),
            f"{title!r} in front",
            PATIENCE,
        )

    def at(self, title: str) -> str:
        """Return the name of what has the keyboard: its text, or the label before an edit."""
        handle = self._desktop.focus()
        children = self._desktop.window(title).children
        place = next((n for n, child in enumerate(children) if child.handle == handle), None)
        if place is None:
            return ""
        named = children[place - 1] if children[place].kind in ("Edit", "ComboBox") else children[place]
        return named.text.replace("&", "")

    def is_at(self, title: str, name: str) -> None:
        """Wait until the keyboard is at *name* in the window *title*."""
        deadline = time.monotonic() + PATIENCE
        while (at := self.at(title)) != name:
            assert time.monotonic() < deadline, f"the keyboard is at {at!r}, not at {name!r}"
            time.sleep(PAUSE)

    def tabs_to(self, title: str, name: str) -> int:
        """Press Tab until the keyboard is at *name*; return how often that was."""
        for presses in range(30):
            if self.at(title) == name:
                return presses
            self.press("Tab")
        raise AssertionError(f"Tab does not reach {name!r}")

    def closes(self, title: str, *keys: str) -> None:
        """Press *keys* and wait for the end of the window *title*."""
        self.press(*keys)
        self._desktop.gone(title)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[AgentStage]:
    """Return a stage with a register, so that assistance mode can be left."""
    with AgentStage(tmp_path) as made:
        made.install_register()
        yield made


def test_a_day_without_a_mouse(stage: AgentStage) -> None:
    clerk = Clerk(stage)
    stage.start_agent()
    stage.until("ball-heart")
    connect(clerk, stage)
    clerk.open_status()
    clerk.sees(STATUS, "Connexion établie avec le serveur de production")
    mistype_and_mend_an_address(clerk, stage)
    meet_a_refused_licence(clerk, stage)
    use_assistance_mode(clerk, stage)
    clerk.closes(STATUS, "Escape")


def connect(clerk: Clerk, stage: AgentStage) -> None:
    """The window has come by itself, with the keyboard at the number."""
    licence = stage.world.licence("good")
    clerk.sees(SETTINGS, "Bienvenue.")
    clerk.is_at(SETTINGS, "Numéro de licence")
    clerk.type(licence.number)
    clerk.press("Tab")
    clerk.is_at(SETTINGS, "Clé de licence")
    clerk.type(licence.key)
    clerk.press("Return")
    clerk.sees(SETTINGS, TEST_PASSED)
    clerk.press("Return")
    clerk.sees(SETTINGS, "Vous pouvez quitter.")
    clerk.closes(SETTINGS, "Return")
    stage.until("ball")


def mistype_and_mend_an_address(clerk: Clerk, stage: AgentStage) -> None:
    """Alt and a letter lead from the status to the address; the test names the fault."""
    clerk.press("alt+p")
    clerk.sees(SETTINGS, TEST_BUTTON)
    clerk.press("alt+a", "ctrl+a")
    clerk.type("https://serveur.invalid")
    clerk.press("alt+t")
    clerk.sees(SETTINGS, TEST_FAILED)
    clerk.sees(SETTINGS, "IEA-N02")
    clerk.is_at(SETTINGS, TEST_BUTTON)
    clerk.press("alt+a")
    clerk.is_at(SETTINGS, "Adresse du serveur d’authentification")
    clerk.type(stage.world.authentication.address)
    clerk.press("alt+t")
    clerk.sees(SETTINGS, TEST_PASSED)
    # the test has answered: Enter does what comes next, although its button has the keyboard
    clerk.is_at(SETTINGS, TEST_BUTTON)
    clerk.closes(SETTINGS, "Return")


def meet_a_refused_licence(clerk: Clerk, stage: AgentStage) -> None:
    """The answer comes in the status window, with what helps."""
    stage.world.break_("auth", "refused")
    clerk.sees(STATUS, "Connexion établie avec le serveur de production")
    clerk.press("alt+r")
    clerk.sees(STATUS, "échec.")
    clerk.sees(STATUS, "IEA-A01")
    stage.until("ball-heart")


def use_assistance_mode(clerk: Clerk, stage: AgentStage) -> None:
    """One Enter in, the password and one Enter out."""
    clerk.press("alt+d")
    clerk.sees(SUPPORT, "Activer le mode assistance")
    clerk.press("alt+a", "Return")
    clerk.sees(SUPPORT, "Le mode assistance est activé")
    clerk.closes(SUPPORT, "Return")
    stage.until("beetle")
    stage.world.mend()
    clerk.sees(STATUS, "Mode assistance")
    clerk.press("alt+d")
    clerk.sees(SUPPORT, "Désactiver le mode assistance")
    clerk.is_at(SUPPORT, "2. Saisissez le mot de passe du jour reçu")
    clerk.type(stage.password())
    clerk.press("Return")
    clerk.sees(SUPPORT, "Le mode assistance est désactivé")
    clerk.closes(SUPPORT, "Return")
    stage.until("ball")


def test_an_antivirus_without_a_mouse(stage: AgentStage) -> None:
    clerk = Clerk(stage)
    stage.save_licence()
    stage.world.break_("auth", "intercepted")
    stage.start_agent()
    stage.until("ball-heart", timeout=45)
    clerk.open_menu("Down")
    clerk.press("Return")
    clerk.sees(STATUS, "IEA-T12")
    clerk.is_at(STATUS, "Trouver la panne")
    clerk.press("Return")
    clerk.sees(SETTINGS, TEST_FAILED)
    clerk.sees(SETTINGS, "IEA-T12")
    clerk.is_at(SETTINGS, TEST_BUTTON)
    assert clerk.tabs_to(SETTINGS, "Copier les détails") <= 12
    clerk.press("space")
    clerk.sees(SETTINGS, "Détails copiés.")
    clerk.closes(SETTINGS, "Escape")
