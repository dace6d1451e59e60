"""The dialogs on a Windows desktop, as a person and a screen reader use them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iea_agent import locale
from iea_agent.domain import problems
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.settings import DEFAULTS
from iea_agent.shell.dialogs.settings_rows import ROWS
from iea_agent.shell.dialogs.typed_settings import format_settings
from iea_agent.shell.wording.problem_details import advise_in_settings, format_steps, list_steps
from rig.desktop import Area, Desktop, Window
from rig.installed_program import start_script
from rig.prefix import windows_path
from tests.failures import failed
from tests.status_documents import make_status

if sys.platform != "linux":
    pytest.skip("a desktop under Wine", allow_module_level=True)

STAGE = Path(__file__).with_name("dialog_stage.py")
PATIENCE = 15.0
SETTINGS = "Paramètres de connexion$"
STATUS = "État de la connexion$"
AUTHENTICATION = "Adresse du serveur d’authentification"
UPDATES = "Adresse du serveur de mise à jour"
NUMBER, KEY = "Numéro de licence", "Clé de licence"
PROXY = "Adresse du proxy"
USER, PASSWORD = "Nom d’utilisateur", "Mot de passe du proxy"
RECONNECT = "Relancer l’authentification auprès du serveur"
FOLD = "Afficher les détails techniques"
START = "Démarrer le programme de connexion"
TEST = "Tester l’accès aux serveurs"
COPY = "Copier les détails"
LOWEST = 672
"""Height of the smallest usual screen without its task bar, in device-independent pixels.

It is that of 1920 × 1080 at 150 %.
"""
TARGET = 24
"""Least height of what is clicked, in device-independent pixels (WCAG 2.2, 2.5.8)."""
HERE = {
    "authentication": "https://127.0.0.1",
    "updates": "https://127.0.0.1/updates",
    "licence_number": "IEA-0000-1234",
}


def plain(text: str) -> str:
    """Return *text* as read, in one line, with ordinary spaces, without accelerators.

    Lines are broken as the font requires.
    """
    return " ".join(locale._(text).replace("&", "").split())


class Play:
    """One dialog on stage."""

    def __init__(self, desktop: Desktop, folder: Path, dialog: str, *options: str | Path) -> None:
        self.desktop = desktop
        self._log = folder / f"{time.monotonic_ns()}.jsonl"
        arguments = (windows_path(option) if isinstance(option, Path) else option for option in options)
        self.process: subprocess.Popen[str] = start_script(
            desktop, STAGE, dialog, windows_path(self._log), *arguments
        )
        self.title = SETTINGS if dialog == "settings" else STATUS
        if dialog in ("settings", "status"):
            self.logged("shown")
            self.until(lambda: desktop.front() == self.window.handle, "the dialog in front")

    @property
    def window(self) -> Window:
        """The dialog as it is now."""
        return self.desktop.window(self.title)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What the dialog has asked for so far."""
        if not self._log.exists():
            return []
        written = self._log.read_text(encoding="utf-8").splitlines(keepends=True)
        return [event for line in written if line.endswith("\n") and kind in (event := json.loads(line))]

    def logged(self, kind: str, count: int = 1) -> dict[str, Any]:
        """Wait until there are *count* events of this kind; the last of them."""
        self.until(lambda: len(self.events(kind)) >= count, f"{kind} in the log")
        return self.events(kind)[count - 1]

    def until(self, seen: Callable[[], bool], what: str) -> None:
        """Look again until *seen*."""
        deadline, pause = time.monotonic() + PATIENCE, threading.Event()
        while not seen():
            if what != "the end" and self.process.poll() is not None:
                raise AssertionError(f"no {what}; the dialog has ended: {self.process.communicate()[0]}")
            if time.monotonic() > deadline:
                texts = [
                    child.text
                    for window in self.desktop.windows()
                    for child in window.children
                    if child.visible
                ]
                raise AssertionError(f"no {what}; on screen: {texts}")
            pause.wait(0.02)

    def texts(self) -> list[str]:
        """Every text on the dialog, as a screen reader may find it."""
        return [plain(child.text) for child in self.window.children if child.visible and child.text]

    def sees(self, text: str) -> None:
        """Wait until *text* stands somewhere on the dialog."""
        self.until(lambda: any(plain(text) in each for each in self.texts()), repr(text))

    def reads(self, *texts: str) -> None:
        """Check that *texts* come in this order, which is that of screen readers."""
        heard = iter(self.texts())
        for text in texts:
            assert any(each.startswith(plain(text)) for each in heard), (text, self.texts())

    def pictures(self) -> list[str]:
        """The names of the pictures on the dialog."""
        measured = self.tell("measure", "measured")["measured"]
        return [control["name"] for control in measured if control["kind"] == "StaticBitmap"]

    def labelled(self, label: str) -> Window:
        """The control that follows the label: how a screen reader names it."""
        children = self.window.children
        place = next(
            i for i, c in enumerate(children) if c.kind == "Static" and plain(c.text).startswith(label)
        )
        return children[place + 1]

    def enter(self, label: str, text: str) -> None:
        """Click into the field, select what is in it, type."""
        self.desktop.click(self.labelled(label))
        self.desktop.key("ctrl+a")
        self.desktop.type(text)

    def click(self, button: str) -> None:
        """Click a button once it can be clicked."""
        self.until(lambda: self.window.control(button, "Button").enabled, f"enabled {button!r}")
        self.desktop.click(self.window.control(button, "Button"))

    def tell(self, line: str, kind: str) -> dict[str, Any]:
        """Have the stage answer *line*."""
        count = len(self.events(kind)) + 1
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.logged(kind, count)

    def hear(self) -> list[dict[str, Any]]:
        """What Windows tells a screen reader of each control: name, description, role."""
        heard: list[dict[str, Any]] = self.tell("hear", "heard")["heard"]
        return heard

    def focus(self) -> str:
        """The name of the control that has the keyboard."""
        return plain(self.tell("focus", "focus")["focus"])

    def focused(self, name: str) -> None:
        """Wait until the control of this name has the keyboard."""
        self.until(lambda: self.focus() == name, f"keyboard at {name!r}")

    def marked(self, label: str, word: str) -> None:
        """Wait for *word* at the end of the field's line, and check the picture before it.

        "Réussi" is green, "Échec" is red.
        """

        def inside() -> list[Window]:
            children, edit = self.window.children, self.labelled(label).area
            end = Area(edit.right, edit.top - 8, edit.right + 80, edit.bottom + 8)
            return [c for c in children if c.kind == "Static" and c.visible and _within(c.area, end)]

        self.until(
            lambda: [c.text for c in inside() if c.text] == ([word] if word else []), f"{word!r} at {label!r}"
        )
        if not word:
            return

        def painted() -> bool:
            pixels = self.desktop.look(next(c for c in inside() if not c.text).area).tobytes()
            colours = list(zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True))
            red = sum(r > g + 60 and r > b + 60 for r, g, b in colours)
            green = sum(g > r + 60 and g > b + 30 for r, g, b in colours)
            return green > 10 > red if word == "Réussi" else red > 10 > green

        self.until(painted, f"picture of {word!r} at {label!r}")

    def ended(self) -> None:
        """Wait for the end of the dialog; nothing was complained about on the way."""
        self.until(lambda: self.process.poll() is not None, "the end")
        output, _ = self.process.communicate()
        assert output == ""
        assert self.process.returncode == 0


def steps(problem: problems.Problem) -> list[str]:
    """What the settings window advises, sentence by sentence."""
    return list_steps(advise_in_settings(problem.advice))


def _within(inner: Area, outer: Area) -> bool:
    return (
        outer.left <= inner.left
        and inner.right <= outer.right
        and outer.top <= inner.top
        and inner.bottom <= outer.bottom
    )


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    """One desktop for the tests that need nothing of their own."""
    with Desktop() as made:
        yield made


@pytest.fixture
def play(desktop: Desktop, tmp_path: Path) -> Iterator[Callable[..., Play]]:
    """A maker of plays; what is still on stage afterwards is ended."""
    made: list[Play] = []

    def start(dialog: str, *options: str | Path, **own: object) -> Play:
        if dialog == "settings":
            options = (*options, "--own", json.dumps({**HERE, **own}))
        made.append(Play(desktop, tmp_path, dialog, *options))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            desktop.gone(one.title)
        one.process.communicate()


@pytest.mark.parametrize("name", ["settings", "status"])
def test_a_screen_reader_finds_a_name_for_every_control(
    name: str, play: Callable[..., Play], tmp_path: Path
) -> None:
    dialog = (
        play("status", "--source", write_status(tmp_path)) if name == "status" else play("settings", "--test")
    )
    if name == "settings":
        dialog.sees("Connexion au serveur réussie")
    before = None
    kinds = set()
    for child in dialog.window.children:
        if child.kind in ("Edit", "ComboBox", "ListBox"):
            assert before is not None
            assert before.kind == "Static", child
            assert before.text.strip(), child
        elif child.kind == "Button" and child.visible:
            assert child.text.strip(), child
        kinds.add(child.kind)
        before = child
    assert kinds >= (
        {"Edit", "ComboBox", "ListBox", "Button", "Static"} if name == "settings" else {"Button", "Static"}
    )


ALERT, EDIT = 8, 42
"""Roles of Windows' accessibility (oleacc.h)."""


def test_what_a_screen_reader_is_told_of_the_settings(play: Callable[..., Play]) -> None:
    """Groups, marks and stages have names, fields their hints; results are alerts."""
    dialog = play("settings", authentication="https://introuvable.exemple.fr")
    dialog.sees("Une clé est enregistrée")
    dialog.enter(UPDATES, "ftp://exemple.fr")
    dialog.click("Enregistrer")
    dialog.sees("L’adresse doit commencer par")
    described = {
        plain(each["name"]): each for each in dialog.hear() if each["kind"] in ("TextCtrl", "CheckBox")
    }
    assert described[UPDATES]["role"] == EDIT
    bad = "Serveurs. L’adresse doit commencer par « https:// »."
    assert plain(described[UPDATES]["description"]) == bad
    assert plain(described[KEY]["description"]).startswith("Licence d’installation. Une clé est enregistrée")
    for row in ROWS:
        if (label := plain(row.label)) in described:
            assert plain(described[label]["description"]).startswith(f"{plain(row.group.heading)}."), label
    dialog.enter(UPDATES, HERE["updates"])
    dialog.click(TEST)
    dialog.sees("Serveur introuvable (IEA-N02)")
    heard = dialog.hear()
    names = [plain(each["name"]) for each in heard]
    stages = ["Adresse : réussi", "Nom : échec", "Connexion : non atteint", f"{AUTHENTICATION} : échec"]
    assert {*stages, f"{UPDATES} : réussi"} <= set(names)
    alerts = [plain(each["name"]) for each in heard if each["role"] == ALERT]
    assert alerts[0] == "Échec de connexion au serveur"
    assert alerts[-1].startswith("• Ouvrez un site internet"), "the advice is read, too"


def test_the_keyboard_reaches_everything_in_reading_order(play: Callable[..., Play]) -> None:
    dialog = play("settings")
    assert "Détails du test" not in dialog.texts(), "there are none yet"
    dialog.desktop.key("alt+t")
    dialog.sees("Connexion au serveur réussie")
    dialog.desktop.key("alt+a")
    secure, *below = [plain(row.label) for row in ROWS if row.is_visible(format_settings(DEFAULTS), False)]
    addresses, others = below[:2], below[2:]
    order = [
        *addresses,
        TEST,
        *others,
        "Parcourir…",
        FOLD,
        "Copier les détails",
        "Aide",
        "Enregistrer",
        "Quitter",
        secure,
    ]
    assert order[0] == AUTHENTICATION
    stages = (
        "Serveur d’authentification",
        "Adresse",
        "Nom",
        "Réponse",
        "Licence",
        "Serveur de mise à jour",
        "Nom",
    )
    dialog.reads(
        *("Mode de connexion", secure, "Serveurs", AUTHENTICATION, "Réussi", UPDATES, "Réussi", TEST),
        *(NUMBER, "Réussi", KEY, "Une clé est enregistrée", "Proxy", others[-1], "Parcourir…"),
        *("Connexion au serveur réussie", *stages, FOLD, "Copier les détails", "Enregistrer", "Quitter"),
    )
    for name in [*order, order[0]]:
        assert dialog.focus() == name
        dialog.desktop.key("Tab")
    for letter, name in {
        "m": UPDATES,
        "n": NUMBER,
        "c": KEY,
        "p": "Proxy",
        "f": others[-1],
        "a": AUTHENTICATION,
    }.items():
        dialog.desktop.key(f"alt+{letter}")
        dialog.focused(name)
    dialog.desktop.key("alt+s", "alt+s", "Escape")
    dialog.ended()
    assert not dialog.events("saved")


def test_what_is_pasted_from_the_sheet_is_cleaned(play: Callable[..., Play]) -> None:
    dialog = play("settings")
    play("copy", "--text", "« https://impact-emploi.urssaf.fr« ").logged("copied")
    dialog.desktop.click(dialog.labelled(UPDATES))
    dialog.desktop.key("ctrl+a", "ctrl+v")
    dialog.until(lambda: dialog.labelled(UPDATES).text == "https://impact-emploi.urssaf.fr", "clean address")


def test_what_nobody_sees_in_a_pasted_number_is_removed_and_said(play: Callable[..., Play]) -> None:
    dialog = play("settings")
    play("copy", "--text", "\u200b IEA\u20110000\u00ad-1234\u00a0").logged("copied")
    dialog.desktop.click(dialog.labelled(NUMBER))
    dialog.desktop.key("ctrl+a", "ctrl+v")
    dialog.until(lambda: dialog.labelled(NUMBER).text == "IEA-0000-1234", "clean number")
    dialog.sees("caractères invisibles ont été retirés du numéro de licence")


def test_http_becomes_https_in_secure_mode_and_is_said(play: Callable[..., Play]) -> None:
    dialog = play("settings")
    dialog.enter(AUTHENTICATION, "http://exemple.fr/")
    dialog.desktop.key("Tab")
    dialog.sees("« http:// » a été remplacé par « https:// »")
    assert dialog.labelled(AUTHENTICATION).text == "https://exemple.fr"


def test_leaving_secure_mode_warns_and_coming_back_secures_the_addresses(play: Callable[..., Play]) -> None:
    dialog = play("settings")
    dialog.desktop.key("alt+s")
    dialog.sees("la clé de licence n’est jamais envoyée en clair")
    dialog.enter(UPDATES, "http://exemple.fr/updates")
    dialog.desktop.key("Tab", "alt+s")
    dialog.until(lambda: dialog.labelled(UPDATES).text == "https://exemple.fr/updates", "secured address")
    assert not any("jamais envoyée en clair" in text for text in dialog.texts())


def test_a_wrong_address_is_shown_corrected_and_saved(play: Callable[..., Play]) -> None:
    dialog = play("settings", authentication="https://introuvable.exemple.fr")
    dialog.desktop.key("alt+t")
    dialog.sees("Échec de connexion au serveur")
    unknown = problems.NAME_UNKNOWN
    for text in (
        f"{unknown.title} (IEA-N02)",
        unknown.text,
        "Que faire",
        *steps(unknown),
        "Échec à l’étape « Nom »",
    ):
        dialog.sees(text)
    dialog.marked(AUTHENTICATION, "Échec")
    dialog.marked(UPDATES, "Réussi")
    assert not dialog.events("saved"), "testing never saves"
    dialog.enter(AUTHENTICATION, "https://127.0.0.1")
    dialog.sees("Les paramètres ont changé depuis ce test : relancez-le.")
    for label in (AUTHENTICATION, UPDATES, NUMBER):
        dialog.marked(label, "")
    assert not {"tick", "barred"} & set(dialog.pictures()), "no mark stands beside what was not tested"
    dialog.click(TEST)
    dialog.sees("Connexion au serveur réussie")
    for label in (AUTHENTICATION, UPDATES, NUMBER):
        dialog.marked(label, "Réussi")
    dialog.click("Enregistrer")
    dialog.sees("Paramètres enregistrés. Vous pouvez quitter.")
    assert dialog.logged("saved")["saved"] == {"connection.authentication": "https://127.0.0.1"}
    dialog.click("Quitter")
    dialog.ended()


def test_the_dialog_opens_with_the_test_under_way(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--test", authentication="https://introuvable.exemple.fr")
    dialog.sees("Échec de connexion au serveur")
    assert dialog.focus() == TEST
    assert not dialog.events("saved")


@pytest.mark.parametrize(
    ("word", "problem"),
    [("refuse", problems.AUTHORISATION_REFUSED), ("inconnue", problems.LICENCE_NOT_RECOGNISED)],
)
def test_a_refused_licence_is_not_a_failed_connection(
    word: str, problem: problems.Problem, play: Callable[..., Play]
) -> None:
    dialog = play("settings", authentication=f"https://{word}.exemple.fr")
    dialog.click(TEST)
    dialog.sees("Connexion aux serveurs réussie")
    dialog.sees(problem.title)
    for step in steps(problem):
        dialog.sees(step)
    dialog.marked(AUTHENTICATION, "Réussi")
    dialog.marked(UPDATES, "Réussi")
    dialog.marked(NUMBER, "Refusée")
    # before the headline, at the stage and at the number; nothing is called a failure
    assert dialog.pictures().count("refused") == 3
    assert not any("Échec" in text for text in dialog.texts())


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        (AUTHENTICATION, "https://", "Le nom du serveur n’est pas correct."),
        (UPDATES, "ftp://exemple.fr", "L’adresse doit commencer par « https:// »."),
    ],
)
def test_a_bad_field_is_named_and_has_the_keyboard(
    field: str, typed: str, sentence: str, play: Callable[..., Play]
) -> None:
    dialog = play("settings")
    dialog.enter(NUMBER, "IEA-0000-5678")
    dialog.enter(field, typed)
    dialog.click("Enregistrer")
    dialog.sees(sentence)
    dialog.focused(field)
    assert dialog.pictures() == ["barred"], "beside the sentence"
    assert dialog.labelled(NUMBER).text == "IEA-0000-5678"
    assert not dialog.events("saved")


CHOOSE = "Choisissez le programme Impact emploi"
PROGRAM = "Emplacement du programme (facultatif)"


def test_the_program_is_chosen_among_the_files(play: Callable[..., Play], desktop: Desktop) -> None:
    """In the system's own dialog; what is no program is said at once."""
    folder = desktop.prefix.path / "drive_c" / "Impact été"
    folder.mkdir()
    for name in ("Impact emploi.exe", "notes.txt"):
        (folder / name).write_bytes(b"MZ")
    dialog = play("settings")

    def choose(path: str) -> None:
        desktop.window(CHOOSE)
        desktop.type(path)
        desktop.key("Return")
        desktop.gone(CHOOSE)

    desktop.key("alt+f", "Tab", "space")
    choose(r"C:\Impact été\Impact emploi.exe")
    dialog.until(
        lambda: dialog.labelled(PROGRAM).text == r"C:\Impact été\Impact emploi.exe", "what was chosen"
    )
    dialog.focused("Parcourir…")
    dialog.click("Parcourir…")
    desktop.window(CHOOSE)
    desktop.key("Escape")
    desktop.gone(CHOOSE)
    assert dialog.labelled(PROGRAM).text == r"C:\Impact été\Impact emploi.exe", "cancelled: nothing changes"
    dialog.click("Parcourir…")
    choose(r"C:\Impact été\notes.txt")
    dialog.sees("Saisissez le chemin complet d’un programme de ce poste")
    assert dialog.pictures() == ["barred"], "beside the sentence"
    dialog.click("Parcourir…")
    choose(r"C:\Impact été\Impact emploi.exe")
    dialog.until(lambda: not any("chemin complet" in text for text in dialog.texts()), "no complaint")
    dialog.click("Enregistrer")
    assert dialog.logged("saved")["saved"] == {"program.path": r"C:\Impact été\Impact emploi.exe"}


def test_stopping_editing_and_closing_during_a_test_take_no_time(play: Callable[..., Play]) -> None:
    dialog = play("settings", authentication="https://lent.exemple.fr")
    dialog.desktop.key("alt+t")
    dialog.sees("Réponse… (6 sur 8)")
    dialog.sees("En cours")
    dialog.marked(UPDATES, "Réussi")
    dialog.desktop.key("alt+t")
    asked = time.time()
    ended = dialog.logged("test_ended")
    assert ended["test_ended"] is True
    assert ended["at"] - asked < 0.2
    dialog.sees("Test arrêté")
    dialog.desktop.key("alt+t")
    dialog.sees("Réponse… (6 sur 8)")
    dialog.marked(UPDATES, "Réussi")
    dialog.enter(UPDATES, "https://127.0.0.1/autres")
    dialog.sees("Test arrêté : les paramètres ont changé. Relancez-le.")
    assert dialog.logged("test_ended", 2)["test_ended"] is True
    for label in (AUTHENTICATION, UPDATES):
        dialog.marked(label, "")
    dialog.enter(UPDATES, HERE["updates"])
    dialog.desktop.key("alt+t")
    dialog.sees("Réponse… (6 sur 8)")
    dialog.desktop.key("Escape")
    asked = time.time()
    assert dialog.logged("closed")["at"] - asked < 0.2
    dialog.ended()


def test_unsaved_changes_are_asked_about(play: Callable[..., Play]) -> None:
    dialog = play("settings")
    dialog.enter(NUMBER, "IEA-0000-5678")
    for _again in range(2):
        dialog.desktop.key("Escape")
        dialog.until(lambda: "Voulez-vous enregistrer" in " ".join(dialog.texts()), "the question")
        if not _again:
            dialog.desktop.key("Escape")
            dialog.until(
                lambda: "Voulez-vous enregistrer" not in " ".join(dialog.texts()), "the end of the question"
            )
            assert dialog.labelled(NUMBER).text == "IEA-0000-5678"
    dialog.desktop.key("alt+n")
    dialog.ended()
    assert not dialog.events("saved")


def test_unsaved_changes_can_be_saved_on_leaving(play: Callable[..., Play]) -> None:
    dialog = play("settings")
    dialog.enter(NUMBER, "IEA-0000-5678")
    dialog.desktop.key("alt+q")
    dialog.until(lambda: "Voulez-vous enregistrer" in " ".join(dialog.texts()), "the question")
    dialog.desktop.key("Return")
    dialog.ended()
    assert [event["saved"] for event in dialog.events("saved")] == [{"licence.number": "IEA-0000-5678"}]


def test_the_first_run_says_what_is_needed_and_keeps_the_key_to_itself(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--first-run", licence_number="")
    dialog.sees("Saisissez le numéro et la clé de licence reçus de l’assistance")
    dialog.sees("Aucune clé enregistrée")
    assert dialog.focus() == NUMBER
    dialog.desktop.type("IEA-0000-1234")
    dialog.desktop.key("Tab")
    dialog.desktop.type("tres-secret")
    # what the Enter key does comes next each time: test, save, quit
    dialog.desktop.key("Return")
    dialog.sees("Connexion au serveur réussie")
    assert not dialog.events("saved")
    dialog.desktop.key("Return")
    saved = dialog.logged("saved")
    assert (saved["saved"], saved["key"]) == ({"licence.number": "IEA-0000-1234"}, True)
    dialog.sees("Une clé est enregistrée ; elle n’est jamais affichée.")
    assert dialog.labelled(KEY).text == ""
    dialog.sees("Vous pouvez quitter.")
    dialog.desktop.key("Return")
    dialog.ended()


def test_what_the_vault_refuses_is_said_at_the_key(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--no-vault")
    dialog.sees("(IEA-C03)")
    dialog.enter(KEY, "impossible")
    dialog.click("Enregistrer")
    dialog.sees("La clé de licence est trop longue.")
    dialog.focused(KEY)


def test_the_window_answers_while_it_saves(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--saving", "2")
    dialog.enter(NUMBER, "IEA-0000-5678")
    dialog.click("Enregistrer")
    saved = dialog.logged("saved")
    for button in ("Enregistrer", TEST):
        assert not dialog.window.control(button).enabled
    assert dialog.window.control("Quitter").enabled
    dialog.enter(UPDATES, "https://127.0.0.1/autres")
    dialog.until(lambda: dialog.labelled(UPDATES).text == "https://127.0.0.1/autres", "what is typed")
    assert dialog.tell("focus", "focus")["at"] - saved["at"] < 2, "the window did not wait for the disk"
    assert not any("Paramètres enregistrés" in text for text in dialog.texts())
    dialog.sees("Paramètres enregistrés")
    for button in ("Enregistrer", TEST):
        assert dialog.window.control(button).enabled
    assert dialog.labelled(UPDATES).text == "https://127.0.0.1/autres", "what was typed meanwhile stays"
    dialog.desktop.key("alt+e")
    assert dialog.logged("saved", 2)["saved"] == {"connection.updates": "https://127.0.0.1/autres"}


def test_closing_waits_for_the_end_of_saving(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--saving", "2")
    dialog.enter(NUMBER, "IEA-0000-5678")
    dialog.desktop.key("alt+e")
    saved = dialog.logged("saved")
    dialog.desktop.key("Escape")
    dialog.ended()
    assert dialog.events("closed")[0]["at"] - saved["at"] >= 2


def test_closing_while_saving_is_forgotten_after_a_refusal(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--no-vault", "--saving", "1")
    dialog.enter(KEY, "impossible")
    dialog.click("Enregistrer")
    dialog.logged("saved")
    dialog.desktop.key("Escape")
    dialog.sees("La clé de licence est trop longue.")
    dialog.focused(KEY)


def test_the_proxy_address_is_open_only_where_it_is_used(play: Callable[..., Play]) -> None:
    dialog = play("settings")
    assert not {PROXY, USER, PASSWORD} & set(dialog.texts())
    dialog.desktop.key("alt+p", "End")
    dialog.sees(PROXY)
    dialog.click("Enregistrer")
    dialog.sees("Saisissez l’adresse du proxy.")
    dialog.desktop.type("proxy.exemple.fr:3128")
    dialog.desktop.key("alt+x")
    dialog.desktop.type("localhost, *.exemple.fr")
    dialog.desktop.key("alt+e")
    assert dialog.logged("saved")["saved"] == {
        "proxy.mode": "manual",
        "proxy.address": "http://proxy.exemple.fr:3128",
        "proxy.bypass": "localhost;*.exemple.fr",
    }


def test_the_password_of_a_proxy_that_asks_for_one_is_kept_and_not_shown(play: Callable[..., Play]) -> None:
    dialog = play("settings", authentication="https://entreprise.exemple.fr")
    assert USER not in dialog.texts()
    dialog.desktop.key("alt+t")
    dialog.sees("(IEA-P02)")
    dialog.sees(USER)
    dialog.click("Saisir l’identification")
    dialog.focused(USER)
    dialog.until(lambda: "Recherche d’une correction…" not in dialog.texts(), "the end of the search")
    assert not any("correction" in text for text in dialog.texts()), "there is something to do"
    dialog.desktop.key("alt+y")
    dialog.focused(PASSWORD)
    dialog.desktop.type("tres-secret")
    dialog.desktop.key("alt+t")
    dialog.sees("Saisissez le nom qui va avec ce mot de passe.")
    dialog.focused(USER)
    dialog.desktop.type("dupont")
    dialog.desktop.key("alt+t")
    assert dialog.logged("tested", 2)["password"]
    dialog.desktop.key("alt+e")
    saved = dialog.logged("saved")
    # for the proxy that asked
    changes = {"proxy.user": "dupont", "proxy.address": "http://proxy.entreprise.exemple.fr:3128"}
    assert (saved["saved"], saved["password"], saved["key"]) == (changes, True, False)
    dialog.sees(
        "Un mot de passe est enregistré pour http://proxy.entreprise.exemple.fr:3128 ; il n’est jamais affiché"
    )
    assert dialog.labelled(PASSWORD).text == ""
    dialog.desktop.key("Escape")
    dialog.ended()


def test_who_is_sent_here_by_a_refused_proxy_password_types_at_once(play: Callable[..., Play]) -> None:
    proxy = {"proxy_mode": "manual", "proxy_address": "http://proxy.exemple.fr:3128", "proxy_user": "dupont"}
    dialog = play("settings", "--problem", "IEA-P04", **proxy)
    dialog.focused(USER)


def test_a_proxy_that_asks_no_more_asks_for_nothing(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--test", authentication="https://entreprise.exemple.fr")
    dialog.sees(USER)
    dialog.desktop.key("alt+y")
    dialog.focused(PASSWORD)
    dialog.desktop.type("tres-secret")
    dialog.enter(AUTHENTICATION, "https://127.0.0.1")
    assert USER in dialog.texts(), "nothing moves under the person's hands"
    dialog.desktop.key("alt+y", "ctrl+a", "BackSpace", "alt+t")
    dialog.sees("Connexion au serveur réussie")
    dialog.until(lambda: not {USER, PASSWORD} & set(dialog.texts()), "the end of both fields")


def test_a_repair_is_offered_made_and_undone_by_keyboard_alone(play: Callable[..., Play]) -> None:
    with_port, without = "https://impact-emploi.urssaf.fr:80", "https://impact-emploi.urssaf.fr"
    dialog = play("settings", "--repairs", authentication=with_port, updates=f"{with_port}/updates")
    dialog.desktop.key("alt+n")
    dialog.desktop.type("IEA-0000-5678")
    dialog.desktop.key("alt+t")
    dialog.sees("Retirer « :80 » des deux adresses. Vérifié : les deux serveurs répondent alors.")
    assert dialog.focus() == TEST, "the keyboard stays where the person is"
    port = problems.PORT_WITHOUT_TLS
    dialog.reads(
        *(
            "Échec de connexion au serveur",
            "Une correction est proposée",
            "Corriger",
            "Serveur d’authentification",
        ),
        *(
            port.title,
            port.text,
            "Que faire",
            f"• {steps(port)[0]}",
            "En savoir plus",
            "Serveur de mise à jour",
        ),
        *("Même cause que ci-dessus (IEA-T06)", FOLD, "Enregistrer"),
    )
    assert not any("Paramètres de connexion" in text for text in dialog.texts()), "this is that window"
    assert not dialog.events("saved"), "nothing is changed before it is chosen"
    # the offer is the default button
    dialog.desktop.key("alt+n", "Return")
    assert dialog.logged("saved")["saved"] == {
        "connection.authentication": without,
        "connection.updates": f"{without}/updates",
        "licence.number": "IEA-0000-5678",
    }
    dialog.sees("« :80 » a été retiré des deux adresses. La correction est enregistrée.")
    dialog.sees("Connexion au serveur réussie")
    assert dialog.labelled(AUTHENTICATION).text == without
    assert not any("Corriger" in text for text in dialog.texts())
    dialog.desktop.key("alt+o")
    assert dialog.logged("saved", 2)["saved"] == {
        "connection.authentication": with_port,
        "connection.updates": f"{with_port}/updates",
    }
    dialog.sees("La correction est annulée")
    assert dialog.labelled(AUTHENTICATION).text == with_port
    assert dialog.labelled(NUMBER).text == "IEA-0000-5678"
    offer = "Une correction est proposée"
    dialog.sees(offer)
    dialog.desktop.key("alt+n", "End", "BackSpace")
    dialog.until(lambda: offer not in dialog.texts(), "the end of the offer")
    assert "Annuler la correction" not in dialog.texts()


def test_a_test_is_told_stage_by_stage_with_a_link_to_the_page(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--test", authentication="https://antivirus.exemple.fr")
    dialog.sees("Aucune correction automatique n’a été trouvée.")
    dialog.sees("Produit probable, d’après son certificat : Avast")
    for name in ("Adresse", "Nom", "Connexion", "Proxy", "Certificat", "Réponse", "Identité"):
        there = dialog.texts().count(name)
        assert there == (3 if name == "Proxy" else 2), "under its picture, for each server"
    assert {"Licence", "Mises à jour"} < set(dialog.texts())
    assert dialog.pictures().count("stage-skipped") == 2, "no proxy on either way"
    assert not any("certificate" in text or " ms" in text for text in dialog.texts()), "closed"
    dialog.desktop.key("alt+f", "Tab", "Tab")
    dialog.focused("En savoir plus sur IEA-T12")
    dialog.desktop.key("Return")
    assert dialog.logged("explained")["explained"] == "IEA-T12"
    dialog.desktop.key("Tab")
    dialog.focused(FOLD)
    dialog.desktop.key("space")
    dialog.sees("Détails du test")
    dialog.desktop.key("Tab", "Tab")
    dialog.focused("Détails du test")
    dialog.desktop.key("ctrl+c")
    dialog.sees("Détails copiés.")
    dialog.desktop.key("Escape")
    dialog.ended()
    check_clipboard(
        play, "Émetteur donné par le certificat : Avast Web/Mail Shield Root", f"(SHA-256) : {'3f9a' * 16}"
    )


def test_help_shows_the_page_of_the_guide(play: Callable[..., Play]) -> None:
    dialog = play("settings")
    dialog.desktop.key("F1")
    assert dialog.logged("explained")["explained"] == "guide-connexion"


def test_help_of_the_status_is_about_its_problem(play: Callable[..., Play], tmp_path: Path) -> None:
    dialog = play("status", "--source", write_status(tmp_path))
    dialog.desktop.key("F1")
    assert dialog.logged("explained")["explained"] == "IEA-T01"


def test_help_shows_the_page_of_the_problem_that_is_shown(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--test", authentication="https://antivirus.exemple.fr")
    dialog.sees("Produit probable, d’après son certificat : Avast")
    dialog.click("Aide")
    assert dialog.logged("explained")["explained"] == "IEA-T12"


def check_clipboard(play: Callable[..., Play], *texts: str) -> None:
    """Paste the clipboard in another program; it holds each of *texts*."""
    pasted = plain(play("paste").logged("pasted")["pasted"])
    for text in texts:
        assert plain(text) in pasted


def test_of_two_causes_one_is_explained_and_the_other_a_line_that_opens(play: Callable[..., Play]) -> None:
    dialog = play(
        *("settings", "--test"),
        authentication="https://introuvable.exemple.fr",
        updates="https://expire.exemple.fr",
    )
    dialog.sees("Aucune correction automatique n’a été trouvée.")
    unknown, expired = problems.CATALOGUE["IEA-N02"], problems.CATALOGUE["IEA-T01"]

    def explained(entry: problems.Problem, other: problems.Problem) -> None:
        for text in (entry.text, *steps(entry), f"{other.title} ({other.code}) – que faire ?"):
            dialog.sees(text)
        assert not any(plain(steps(other)[0]) in text for text in dialog.texts())

    explained(unknown, expired)
    pictures = dialog.pictures()
    unreached = [*["tick", "barred"], *6 * ["stage-unreached"]]
    assert any(pictures[place : place + 8] == unreached for place in range(len(pictures))), pictures
    dialog.desktop.key("alt+f", "Tab", "Tab", "Tab")
    dialog.focused("Certificat du serveur expiré (IEA-T01) – que faire ?")
    dialog.desktop.key("Return")
    dialog.focused("En savoir plus sur IEA-T01")
    explained(expired, unknown)
    dialog.desktop.key("shift+Tab")
    dialog.focused("Serveur introuvable (IEA-N02) – que faire ?")
    dialog.click("Serveur introuvable (IEA-N02) – que faire ?")
    explained(unknown, expired)


def test_a_cause_that_both_servers_share_is_explained_once(play: Callable[..., Play]) -> None:
    both = "https://introuvable.exemple.fr"
    dialog = play("settings", "--test", authentication=both, updates=both)
    dialog.sees("Même cause que ci-dessus (IEA-N02).")
    assert sum(plain(problems.CATALOGUE["IEA-N02"].text) in text for text in dialog.texts()) == 1
    assert not any("que faire" in text for text in dialog.texts())


def test_a_note_gives_way_to_a_failure(play: Callable[..., Play]) -> None:
    dialog = play(
        *("settings", "--test"),
        authentication="https://horloge.exemple.fr",
        updates="https://introuvable.exemple.fr",
    )
    dialog.sees("Heure de cet ordinateur à vérifier (IEA-L02) – que faire ?")
    for step in steps(problems.CATALOGUE["IEA-N02"]):
        dialog.sees(step)


def test_a_wrong_clock_is_a_note_under_a_tick(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--test", authentication="https://horloge.exemple.fr")
    dialog.sees("Connexion au serveur réussie")
    dialog.sees("(IEA-L02)")
    dialog.sees("L’ordinateur retarde de 1 heure et 30 minutes sur le serveur.")
    dialog.marked(AUTHENTICATION, "Réussi")


def test_what_the_administrator_fixed_is_grey_and_says_so(play: Callable[..., Play]) -> None:
    dialog = play(
        "settings", "--locked", "secure", "updates", "proxy_mode", "proxy_address", proxy_mode="manual"
    )
    by = "fixé par votre administrateur"
    assert not dialog.labelled(UPDATES).enabled
    assert dialog.labelled(AUTHENTICATION).enabled
    assert [text for text in dialog.texts() if by in text] == [
        f"{label} – {by}" for label in (UPDATES, "Proxy", PROXY)
    ]
    assert not dialog.window.control("Sécurisé").enabled
    dialog.reads("Sécurisé", "Fixé par votre administrateur.")


def test_assistance_mode_shows_and_tests_but_changes_nothing(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--assistance")
    dialog.sees("Désactivez d’abord le mode assistance")
    for label in (AUTHENTICATION, UPDATES, NUMBER, KEY, PROXY):
        assert not dialog.labelled(label).enabled
    assert not dialog.window.control("Enregistrer").enabled
    assert not any("champ vide" in text for text in dialog.texts()), "nothing can be typed"
    dialog.click(TEST)
    dialog.sees("Connexion au serveur réussie")
    dialog.click("Désactiver le mode assistance…")
    assert dialog.logged("asked")["asked"] == "support"
    dialog.ended()


def test_a_broken_file_is_named_with_its_line(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--broken")
    dialog.sees("connection.updates, ligne 4 : il faut une adresse")
    dialog.sees("la dernière valeur valable, ou celle d’origine, est utilisée")


@pytest.mark.parametrize("keys", [("alt+d",), ("alt+l", "Tab", "Tab", "ctrl+c")])
def test_the_details_of_a_test_can_be_copied(keys: tuple[str, ...], play: Callable[..., Play]) -> None:
    dialog = play("settings", updates="https://expire.exemple.fr/updates")
    dialog.click(TEST)
    dialog.sees("Échec de connexion au serveur")
    dialog.desktop.key(*keys)
    dialog.sees("Détails copiés.")
    dialog.desktop.key("Escape")
    dialog.ended()
    check_clipboard(
        play,
        "https://expire.exemple.fr/updates",
        "(IEA-T01)",
        "certificat refusé : le certificat a expiré [0xa]",
        "Certificat : échec, 12 ms",
    )


NOW_DOCUMENT = Snapshot(
    State.DISCONNECTED,
    0.0,
    failure=failed(problems.CERTIFICATE_EXPIRED, "certificate refused: certificate has expired [0xa]"),
)


def write_status(folder: Path, snapshot: Snapshot | None = NOW_DOCUMENT) -> Path:
    """Write the document of *snapshot* as of now, or null, to the stage's file."""
    path = folder / "status.json"
    now = time.time()
    document = None
    if snapshot is not None:
        fresh = {"since": now - 700, "contact_at": now - 4000, "retry_at": now + 75}
        moved = Snapshot(**{name: getattr(snapshot, name) for name in snapshot.__slots__} | fresh)
        document = make_status(moved, DEFAULTS)
    written = path.with_suffix(".new")
    written.write_text(json.dumps(document), encoding="utf-8")
    written.replace(path)
    return path


def test_the_status_says_what_is_wrong_and_offers_what_helps(
    play: Callable[..., Play], tmp_path: Path
) -> None:
    dialog = play("status", "--source", write_status(tmp_path))
    expired = problems.CATALOGUE["IEA-T01"]
    for text in (
        "Échec de connexion au serveur",
        "depuis ",
        f"{expired.title} (IEA-T01)",
        format_steps(expired.advice.removesuffix(problems.MEANWHILE).rstrip()),
        "vers ",
        "Vos bulletins ne sont pas touchés.",
        "connecté 6 h, en échec 1 h, en mode assistance 2 h, arrêté 15 h",
    ):
        dialog.sees(text)
    assert dialog.focus() == "Trouver la panne"
    assert "le certificat a expiré [0xa]" not in " ".join(dialog.texts())
    dialog.sees("40G6-C5F0-4YXK")
    dialog.click("Épeler le code")
    dialog.sees("4, 0, G comme Gaston, 6")
    dialog.click("Afficher les détails techniques")
    dialog.sees("le certificat a expiré [0xa]")
    dialog.click("Masquer les détails techniques")
    dialog.until(lambda: "le certificat a expiré [0xa]" not in dialog.texts(), "closed details")
    dialog.desktop.key("alt+t")
    assert dialog.logged("asked")["asked"] == "diagnosis"
    dialog.desktop.key("alt+r")
    assert dialog.logged("asked", 2)["asked"] == "reconnect"
    dialog.sees("Authentification en cours…")
    assert not dialog.window.control(RECONNECT, "Button").enabled
    write_status(tmp_path)
    dialog.sees("échec.")
    dialog.until(lambda: dialog.window.control(RECONNECT, "Button").enabled, "an end")
    dialog.focused(RECONNECT)
    dialog.desktop.key("alt+p")
    assert dialog.logged("asked", 3)["asked"] == "settings"
    while dialog.focus() != "Fermer":
        dialog.desktop.key("Tab")
    dialog.desktop.key("Tab")
    dialog.focused("En savoir plus sur IEA-T01")
    dialog.desktop.key("Return")
    assert dialog.logged("explained")["explained"] == "IEA-T01"
    dialog.desktop.key("ctrl+c")
    dialog.sees("Détails copiés.")
    dialog.desktop.key("Escape")
    dialog.ended()
    check_clipboard(
        play,
        "État : Échec de connexion au serveur",
        "(IEA-T01)",
        expired.advice,
        DEFAULTS.authentication,
    )


def test_a_letter_leads_from_the_footer_to_what_stands_above(
    play: Callable[..., Play], tmp_path: Path
) -> None:
    """Connected, the keyboard is below: Alt and a letter press what stands above."""
    dialog = play("status", "--source", write_status(tmp_path, Snapshot(State.CONNECTED, 0.0)))
    dialog.desktop.key("alt+f")
    dialog.ended()
    dialog = play("status", "--source", write_status(tmp_path, Snapshot(State.CONNECTED, 0.0)))
    while dialog.focus() != "Fermer":
        dialog.desktop.key("Tab")
    dialog.desktop.key("alt+p")
    assert dialog.logged("asked")["asked"] == "settings"
    dialog.desktop.key("Escape")
    dialog.ended()
    settings = play("settings")
    settings.desktop.key("alt+e")
    settings.sees("Paramètres enregistrés")
    settings.focused("Enregistrer")
    settings.desktop.key("alt+s")
    settings.sees("la clé de licence n’est jamais envoyée en clair")


def test_the_status_follows_the_agent(play: Callable[..., Play], tmp_path: Path) -> None:
    dialog = play("status", "--source", write_status(tmp_path))
    write_status(tmp_path, Snapshot(State.CONNECTED, 0.0))
    dialog.sees("Votre installation IEA est connectée à notre serveur de production.")
    dialog.sees("Lancer Impact emploi")
    assert not any("IEA-T01" in text for text in dialog.texts())
    write_status(tmp_path, Snapshot(State.ASSISTANCE, 0.0))
    dialog.sees("mot de passe du jour")
    assert not {RECONNECT, "Trouver la panne"} & set(dialog.texts())
    write_status(tmp_path, None)
    dialog.sees("Le programme de connexion est arrêté")
    dialog.focused(START)
    dialog.desktop.key("Return")
    dialog.sees("IEA-L05")
    assert dialog.focus() == START
    dialog.desktop.key("Return")
    dialog.logged("started", 2)
    write_status(tmp_path, Snapshot(State.CONNECTED, 0.0))
    dialog.sees("Votre installation IEA est connectée à notre serveur de production.")
    assert START not in dialog.texts()
    assert not any("IEA-L05" in text for text in dialog.texts())
    dialog.desktop.key("Escape")
    dialog.ended()


def test_the_settings_without_an_agent_offer_its_start(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--stopped")
    dialog.sees("Le programme de connexion est arrêté")
    dialog.click(START)
    dialog.logged("started")
    dialog.sees("Le programme de connexion est démarré.")
    assert START not in dialog.texts()
    assert not any("est arrêté" in text for text in dialog.texts())
    dialog.desktop.key("Escape")
    dialog.ended()


def test_a_window_in_which_nobody_works_stays_behind(play: Callable[..., Play], tmp_path: Path) -> None:
    """Once a person comes back to it, the keyboard is at its best button."""
    status = play("status", "--source", write_status(tmp_path))
    settings = play("settings")
    front = settings.window.handle
    for snapshot, text in (
        (Snapshot(State.CONNECTED, 0.0), "Votre installation IEA est connectée"),
        (Snapshot(State.ASSISTANCE, 0.0), "mot de passe du jour"),
    ):
        write_status(tmp_path, snapshot)
        status.sees(text)
        # what it asked the system for has been done when it answers
        status.tell("measure", "measured")
        assert settings.desktop.front() == front
        assert next(w.handle for w in settings.desktop.windows() if w.text.startswith("Impact")) == front
    settings.desktop.key("Escape")
    settings.ended()
    status.desktop.click(status.window.control("Mode assistance"))
    status.until(lambda: status.desktop.front() == status.window.handle, "the status in front")
    status.focused("Lancer Impact emploi")
    status.desktop.key("Escape")
    status.ended()


def test_a_saved_address_that_fails_is_told_to_the_agent_on_leaving(play: Callable[..., Play]) -> None:
    """The sheet: after a failed test « Quitter », and the ball has a red heart."""
    dialog = play("settings", authentication="https://introuvable.exemple.fr")
    dialog.click(TEST)
    dialog.sees("Échec de connexion au serveur")
    dialog.click("Quitter")
    dialog.ended()
    assert dialog.events("reconnected")


def test_what_was_not_saved_or_works_is_not_told_to_the_agent(play: Callable[..., Play]) -> None:
    dialog = play("settings", updates="https://introuvable.exemple.fr/updates")
    dialog.click(TEST)
    dialog.sees("Échec de connexion au serveur")
    dialog.enter(AUTHENTICATION, "https://introuvable.exemple.fr")
    dialog.click(TEST)
    dialog.logged("test_ended", 2)
    dialog.until(lambda: plain("Arrêter le test") not in dialog.texts(), "the end of the test")
    dialog.click("Quitter")
    dialog.until(lambda: "Voulez-vous enregistrer" in " ".join(dialog.texts()), "the question")
    dialog.desktop.key("alt+n")
    dialog.ended()
    assert not dialog.events("reconnected")


def test_what_is_changed_is_tested_before_it_is_saved(play: Callable[..., Play]) -> None:
    dialog = play("settings")
    dialog.enter(UPDATES, "https://127.0.0.1/autres")
    dialog.desktop.key("alt+e")
    dialog.sees("Paramètres enregistrés, mais pas encore testés.")
    dialog.enter(UPDATES, "https://127.0.0.1/updates")
    dialog.desktop.key("Return")
    dialog.sees("Connexion au serveur réussie")
    assert len(dialog.events("saved")) == 1
    dialog.desktop.key("Return")
    dialog.sees("Paramètres enregistrés. Vous pouvez quitter.")


def test_a_key_is_shown_only_while_it_is_typed(play: Callable[..., Play]) -> None:
    dialog = play("settings")
    assert "Afficher" not in dialog.texts(), "nobody sees a saved key"
    dialog.enter(KEY, "Cle-0Ol1")
    dialog.sees("Afficher")
    pictures = []
    for _click in range(3):
        dialog.click("Afficher")
        dialog.focus()
        pictures.append(dialog.desktop.look(dialog.labelled(KEY).area).tobytes())
    assert pictures[0] == pictures[2] != pictures[1], "in clear, as dots, in clear"
    dialog.desktop.click(dialog.labelled(KEY))
    dialog.desktop.key("ctrl+a", "Delete")
    dialog.until(lambda: "Afficher" not in dialog.texts(), "nothing to show")


AUTOSTART = "Démarrer avec Windows"


def test_the_start_with_windows_is_shown_and_saved(play: Callable[..., Play]) -> None:
    dialog = play("settings", "--autostart", "on")
    dialog.click(AUTOSTART)
    dialog.desktop.key("alt+e")
    dialog.sees("Paramètres enregistrés. Vous pouvez quitter.")
    assert dialog.events("starts")[-1]["starts"] is False
    assert not dialog.events("saved"), "no setting has changed"
    dialog.desktop.key("Escape")
    dialog.ended()
    dialog = play("settings", "--autostart", "refused")
    dialog.click(AUTOSTART)
    dialog.desktop.key("alt+e")
    dialog.sees("Le démarrage avec Windows n’a pas pu être enregistré")
    assert dialog.pictures() == ["barred"]
    dialog.desktop.key("Escape")
    dialog.sees("Voulez-vous enregistrer")


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("for-all", "pour tous les utilisateurs de ce poste"),
        ("disabled", "désactivé dans le Gestionnaire des tâches"),
        ("forbidden", "Une règle de votre administrateur"),
    ],
)
def test_a_start_with_windows_that_is_fixed_is_grey_with_the_reason(
    play: Callable[..., Play], option: str, reason: str
) -> None:
    dialog = play("settings", "--autostart", option)
    dialog.sees(reason)
    assert not dialog.window.control(AUTOSTART, "Button").enabled


SCREENS = [(100, (1366, 768)), (125, (1366, 768)), (150, (1366, 768)), (200, (1920, 1080))]
"""Scalings and the smallest screens on which each is usual."""


@pytest.mark.parametrize(("scaling", "size"), SCREENS)
def test_on_every_screen_nothing_is_cut_and_the_buttons_stay(
    scaling: int, size: tuple[int, int], tmp_path: Path
) -> None:
    """The first screen shows everything; on the last ones there is room for 910 × 490."""
    with Desktop(scaling, size) as desktop:
        own = json.dumps(
            {
                **HERE,
                "authentication": "https://antivirus.exemple.fr",  # the longest of all explanations
                "updates": "https://expire.exemple.fr",
            }
        )
        settings = Play(
            *(desktop, tmp_path, "settings", "--own", own, "--locked", "licence_number"),
            *(["--broken"] if scaling > 100 else []),
        )
        buttons = {"Enregistrer", "Quitter"}
        check_footer(settings.tell("measure", "measured"), scaling, buttons)
        settings.click(TEST)
        settings.sees("Échec de connexion au serveur")
        two_causes = settings.tell("measure", "measured")
        check_footer(two_causes, scaling, buttons)
        if scaling == 100:
            assert two_causes["window"][3] <= LOWEST, "it fits a laptop"
        assert any(re.search("^•.*\n ", each["text"], re.MULTILINE) for each in two_causes["measured"])
        check_in_view(settings, two_causes, "Connexion sécurisée interceptée (IEA-T12)", "Que faire")
        assert settings.focus() == TEST, "nothing takes the keyboard away"
        settings.desktop.key("Escape")
        settings.ended()
        status = Play(desktop, tmp_path, "status", "--source", write_status(tmp_path))
        check_footer(status.tell("measure", "measured"), scaling, {"Aide", COPY, "Fermer"})
        status.desktop.key("Escape")
        status.ended()


def check_in_view(dialog: Play, measured: dict[str, Any], *texts: str) -> None:
    """Check that *texts* are in view above the footer, without scrolling by hand."""
    (footer,) = (c["area"] for c in measured["measured"] if c["kind"] == "Footer")
    window = dialog.window
    for text in texts:
        area = window.control(text).area
        assert window.area.top < area.top, text
        assert area.bottom <= footer[1], text


NARROW_SCREEN = 400, (1280, 1024)
"""A screen 320 device-independent pixels wide (WCAG 1.4.10)."""


def test_at_320_pixels_nothing_scrolls_sideways(tmp_path: Path) -> None:
    with Desktop(*NARROW_SCREEN) as desktop:
        own = json.dumps(
            {
                **HERE,
                "authentication": "https://antivirus.exemple.fr",
                "updates": "https://impact-emploi.urssaf.fr:80/updates",
            }
        )
        settings = Play(
            *(desktop, tmp_path, "settings", "--own", own, "--repairs", "--locked", "licence_number")
        )
        settings.desktop.key("alt+t")
        settings.logged("searched")
        settings.sees("Échec de connexion au serveur")
        check_footer(settings.tell("measure", "measured"), 400, {"Aide", "Enregistrer", "Quitter"})
        settings.desktop.key("Escape")
        settings.ended()
        status = Play(desktop, tmp_path, "status", "--source", write_status(tmp_path))
        status.desktop.key("alt+q")
        status.sees("Détail technique")
        check_footer(status.tell("measure", "measured"), 400, {"Aide", COPY, "Fermer"})
        status.desktop.key("Escape")
        status.ended()


def check_footer(measured: dict[str, Any], scaling: int, buttons: set[str]) -> None:
    """Check that *buttons* are in view, and that what scrolls is cut nowhere.

    Nothing is wider than the window, so a person scrolls in one direction only.
    """
    check_sizes(measured, scaling)
    window = measured["window"]
    assert _inside(window, measured["room"])
    (footer,) = (c for c in measured["measured"] if c["kind"] == "Footer")
    assert _inside(footer["area"], window)
    in_view = {c["text"].replace("&", "") for c in measured["measured"] if _inside(c["area"], footer["area"])}
    assert buttons <= in_view
    (line,) = (
        c["area"]
        for c in measured["measured"]
        if c["kind"] == "StaticLine" and c["area"][1] == footer["area"][1]
    )
    assert line[2] == footer["area"][2], "the line above the footer"
    for control in measured["measured"]:
        left, _top, width, _height = control["area"]
        assert window[0] <= left, control
        assert left + width <= window[0] + window[2], control


def check_sizes(measured: dict[str, Any], scaling: int) -> None:
    """Check that every control has the room it wants, and the dialog is on the screen.

    A control is inside its parent and beside its neighbours.
    """
    assert measured["scale"] == scaling / 100
    assert _inside(measured["window"], measured["room"])
    assert len(measured["measured"]) > 10
    for control in measured["measured"]:
        kind, text = control["kind"], control["text"]
        if text.startswith("•"):
            # what continues a step stands below its words, not below its bullet
            assert all(line.startswith(("•", "  ")) for line in text.splitlines()), text
        if kind in ("StaticText", "Paragraph", "Button", "CheckBox", "Choice", "StaticBitmap"):
            assert control["has"][0] >= control["wants"][0], (kind, text, control)
        if kind not in ("ScrolledWindow", "ListBox", "StaticLine"):
            assert control["has"][1] >= control["wants"][1], (kind, text, control)
        if kind in ("Button", "Link", "PageLink", "CheckBox"):
            assert control["has"][1] >= TARGET * scaling // 100, (kind, text, control)
        assert _inside(control["area"], control["within"]), (kind, text, control)
    kinds = [control["kind"] for control in measured["measured"]]
    # what scrolls may be behind the footer, whose controls come last
    footer = kinds.index("Footer")
    containers = ("ScrolledWindow", "Footer", "Mark", "Banner", "StageStrip")
    for part in (measured["measured"][:footer], measured["measured"][footer:]):
        visible = [control for control in part if control["kind"] not in containers]
        for number, one in enumerate(visible):
            for other in visible[number + 1 :]:
                assert not _overlap(one["area"], other["area"]), (one, other)


def _inside(inner: list[int], outer: list[int]) -> bool:
    x, y, width, height = inner
    left, top, all_width, all_height = outer
    return left <= x and top <= y and x + width <= left + all_width and y + height <= top + all_height


def _overlap(one: list[int], other: list[int]) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )
