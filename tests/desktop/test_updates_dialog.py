"""The window of the updates on a Windows desktop, as a person uses it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("a desktop under Wine", allow_module_level=True)

from rig.desktop import Desktop
from rig.prefix import windows_path
from tests.desktop.test_dialogs import NARROW_SCREEN, SCREENS, Play, check_footer, plain

STAGE = Path(__file__).with_name("updates_stage.py")
TITLE = "(Gérer les mises à jour|Manage updates)$"
DOWNLOAD, LATER, SKIP = "Télécharger (210 Mo)", "Plus tard…", "Ignorer cette version"
CHECK, CLOSE, FILE = "Actualiser", "Fermer", "Installer depuis un fichier…"
LAUNCH_AFTER = "Lancer Impact emploi après l’installation"
LIST, SEARCH = "Version à lire", "Rechercher (Ctrl+F)"
SMALLEST_SCREEN = SCREENS[2]
"""With the least room of those that are usual."""
OLDER = [["3.00.72", ["installed"], {}], ["3.00.71", ["older"], {}]]
OFFERED = [["3.00.73", [], {}], *OLDER]
AGENT = {"installed": "0.1.0", "listed": [["0.1.0", ["installed"], {}]]}
NOW = time.time()
CHECKED = {"checked": NOW - 600}
HISTORY = [
    {
        "at": NOW - 86_400 * 20,
        "product": "Impact emploi",
        "version": "3.00.72",
        "before": "3.00.71",
        "lines": [
            "Programme d’installation\u00a0: code 0, en 2 minutes",
            "Version trouvée ensuite\u00a0: 3.00.72",
            "Première connexion\u00a0: réussie",
        ],
    }
]


def make_document(state: str, listed: list[Any] = OFFERED, **changes: Any) -> dict[str, Any]:
    """Return what the stage shows of Impact emploi in *state*, the agent up to date."""
    version = {} if state == "none" else {"version": "3.00.73"}
    product = {
        "installed": "3.00.72",
        "state": state,
        "listed": listed,
        "since": NOW - 60,
        **version,
        **changes,
    }
    return {"product": product, "agent": AGENT, "check": CHECKED, "history": HISTORY}


PREPARATIONS = [
    "À fermer d’abord\u00a0: ImpactEmploi.exe.",
    "Faites d’abord une sauvegarde de vos données, comme avant chaque mise à jour d’Impact emploi.",
    "Windows demandera les droits d’administrateur de ce poste.",
    "La dernière installation a duré 2 minutes et 10 secondes.",
]
OTHERS = "2 autres postes de ce dossier ont encore la version V72\u00a0: BUREAU-2, ACCUEIL."
DONE = [
    "Programme d’installation\u00a0: code 0, en 2 minutes",
    "Version trouvée ensuite\u00a0: 3.00.73",
    "Première connexion\u00a0: pas encore",
]
STATES: dict[str, dict[str, Any]] = {
    "nothing": make_document("none", OLDER),
    "never": {"product": {}, "agent": {"installed": "0.1.0"}},
    "gradually": make_document("none", [["3.00.73", ["rolling-out"], {}], *OLDER]),
    "checking": make_document("none", OLDER) | {"check": {"checked": NOW - 600, "is_pending": True}},
    "unreachable": make_document("none", OLDER) | {"check": {"checked": NOW - 600, "code": "IEA-N04"}},
    "offered": make_document("available"),
    "critical": make_document(
        "available", [["3.00.73", [], {"critical": True, "deadline": "2026-12-12T08:00:00Z"}], *OLDER]
    ),
    "downloading": make_document("downloading", progress=[75_800_000, 210_000_000, 2_100_000]),
    "paused": make_document("paused", progress=[105_800_000, 210_000_000]),
    "ready": make_document("ready") | {"preparations": PREPARATIONS},
    "installing": make_document("installing"),
    "installed": make_document("installed", result=DONE, installed="3.00.73"),
    "failed": make_document("failed", code="IEA-U06"),
    "failed-install": make_document(
        "failed",
        result=[
            "L’installation d’Impact emploi 3.00.73 a échoué (code 1603). La version présente est 3.00.72. Réessayez\u00a0; si cela se reproduit, "
            "écrivez à l’assistance."
        ],
    ),
    "withdrawn": make_document("withdrawn", OLDER),
}


class UpdatesPlay(Play):
    """The window of the updates on stage; what there is to see can be changed."""

    def __init__(self, desktop: Desktop, folder: Path, document: object, *options: str) -> None:
        self.desktop = desktop
        self._log = folder / f"{time.monotonic_ns()}.jsonl"
        self._source = self._log.with_suffix(".source")
        self.title = TITLE
        self.becomes(document)
        self.process = desktop.start(
            STAGE, windows_path(self._log), "--source", windows_path(self._source), *options
        )
        self.logged("shown")
        self.until(lambda: desktop.front() == self.window.handle, "the window in front")

    def becomes(self, document: object) -> None:
        """Have there be something else to see."""
        written = self._source.with_suffix(".new")
        written.write_text(json.dumps(document), encoding="utf-8")
        written.replace(self._source)


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    """Return one desktop for the tests that change nothing of it."""
    with Desktop() as made:
        yield made


@pytest.fixture
def play(desktop: Desktop, tmp_path: Path) -> Iterator[Callable[..., UpdatesPlay]]:
    """Return a function that shows the window; end those that are open after the test."""
    made: list[UpdatesPlay] = []

    def start(document: object, *options: str) -> UpdatesPlay:
        made.append(UpdatesPlay(desktop, tmp_path, document, *options))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            desktop.gone(TITLE)
        one.process.communicate()


def asked(play: UpdatesPlay, count: int = 1) -> list[object]:
    """Return what the window has asked for last, of *count* things, in a thread."""
    event = play.logged("asked", count)
    assert not event["ui_thread"]
    return [event["asked"], *event["about"]]


def test_a_clerk_goes_from_the_offer_to_the_new_version_with_the_enter_key(
    play: Callable[..., UpdatesPlay],
) -> None:
    """What helps next is the default button, and the keyboard is on it."""
    window = play(STATES["never"])
    window.sees("Aucune mise à jour n’a encore été installée")
    window.becomes(STATES["nothing"])
    window.sees("Lisez-moi de la version 3.00.72")
    assert window.focus() == CHECK
    window.desktop.key("Return")
    assert asked(window) == ["check"]
    window.becomes(STATES["checking"])
    window.focused(CLOSE)
    window.becomes(STATES["offered"])
    window.focused(DOWNLOAD)
    window.desktop.key("Return")
    assert asked(window, 2) == ["download", "product", "3.00.73"]
    window.becomes(STATES["downloading"])
    window.sees("75,8 Mo sur 210 Mo, 2,1 Mo/s, encore 64 s")
    window.sees("Un quart est téléchargé.")
    window.focused(CLOSE)
    window.desktop.key("alt+p")
    assert asked(window, 3) == ["pause", "product"]
    window.becomes(STATES["paused"])
    window.sees("téléchargement en pause")
    window.desktop.key("alt+r")
    assert asked(window, 4) == ["download", "product", "3.00.73"]
    window.becomes(STATES["ready"])
    for sentence in PREPARATIONS:
        window.sees(sentence)
    window.focused("Installer")
    window.desktop.key("Return")
    assert asked(window, 5) == ["install", "product"]
    window.desktop.key("alt+l")
    window.focused(LAUNCH_AFTER)
    window.desktop.key("alt+i")
    assert asked(window, 6) == ["install", "product", "launches"]
    window.becomes(STATES["installing"])
    window.sees("N’éteignez pas l’ordinateur")
    window.focused(CLOSE)
    window.becomes(STATES["installed"])
    for line in DONE:
        window.sees(line)
    window.focused("Lancer Impact emploi")
    window.desktop.key("Return")
    assert asked(window, 7) == ["launch"]
    assert not window.events("read"), "the window is still open"
    window.desktop.key("Escape")
    window.ended()
    assert window.logged("read")["read"] == "product"


def test_a_version_is_put_off_skipped_and_refused_in_words(play: Callable[..., UpdatesPlay]) -> None:
    window = play(STATES["offered"])
    window.desktop.key("alt+d", "Down", "Down", "Return")
    assert asked(window) == ["put_off", "product", "3.00.73", "tomorrow"]
    window.sees("proposée de nouveau demain matin")
    window.desktop.key("alt+g")
    assert asked(window, 2) == ["skip", "product", "3.00.73"]
    window.sees("ne vous sera plus proposée")
    window.becomes({**STATES["offered"], "refuses": True})
    window.desktop.key("alt+t")
    window.sees("n’a pas répondu à temps")
    window.focused(DOWNLOAD)


def test_the_lisez_moi_is_read_searched_and_printed(play: Callable[..., UpdatesPlay]) -> None:
    listed = [["3.00.74", ["rolling-out"], {}], *OFFERED, ["3.00.70", ["older"], {}]]
    window = play(make_document("available", listed))
    window.until(lambda: "Lisez-moi V73" in window.labelled("Lisez-moi").text, "the text")
    text = window.labelled("Lisez-moi de la version 3.00.73").text
    assert "c’est ICI (https://exemple.fr/guide)." in text
    assert "<script>" in text
    assert "**" not in text
    window.desktop.key("ctrl+f")
    window.focused(SEARCH)
    window.desktop.type("nulle part")
    window.desktop.key("Return")
    window.sees("« nulle part » n’est pas dans ce texte.")
    window.desktop.key("ctrl+a")
    window.desktop.type("anomalie")
    window.desktop.key("Return", "F3")
    window.until(lambda: not any("nulle part" in each for each in window.texts()), "no complaint")
    window.desktop.key("alt+m")
    assert asked(window) == ["print", "3.00.73"]
    # the version above it in the list is offered gradually, and may be asked for
    window.desktop.key("alt+v", "Up")
    window.sees("Cette version est proposée progressivement")
    window.until(lambda: "Lisez-moi V74" in window.labelled("Lisez-moi").text, "the other text")
    window.desktop.key("alt+o")
    assert asked(window, 2) == ["download", "product", "3.00.74"]
    window.desktop.key("alt+v", "End")
    window.until(lambda: "3.00.71 → 3.00.72" in window.labelled("Historique").text, "the history")
    window.desktop.key("alt+m")
    assert asked(window, 3) == ["print", "history"]
    window.desktop.key("Up")
    window.sees("Historique")


def test_the_connection_program_has_its_own_versions(play: Callable[..., UpdatesPlay]) -> None:
    agent = {"installed": "0.1.0", "state": "ready", "version": "0.2.0", "listed": [["0.2.0", [], {}]]}
    window = play({**make_document("none", OLDER), "agent": agent})
    window.sees("Programme de connexion : version 0.2.0 prête à installer")
    window.desktop.key("alt+e")
    window.sees("Impact emploi : à jour")
    window.desktop.key("alt+c")
    window.focused("Programme de connexion, version installée : 0.1.0")
    window.desktop.key("alt+i")
    assert asked(window) == ["install", "agent"]
    window.desktop.key("F1")
    assert window.logged("explained")["explained"] == "guide-mise-a-jour"


def test_everything_has_a_name_and_comes_in_reading_order(play: Callable[..., UpdatesPlay]) -> None:
    window = play(STATES["downloading"])
    window.until(lambda: "Lisez-moi V73" in window.labelled("Lisez-moi").text, "the text")
    before = ("Impact emploi : téléchargement", "Impact emploi, version", "Programme de connexion")
    within = ("Vous pouvez continuer", "75,8 Mo", "Un quart", "Pause", "Annuler le téléchargement", FILE)
    beside = (LIST, "Lisez-moi de la version 3.00.73", SEARCH, "Suivant", "Imprimer…")
    window.reads(*before, *within, *beside, "Aide", CHECK, CLOSE)
    names = [
        plain(each["name"]) for each in window.hear() if each["kind"] in ("Gauge", "TextCtrl", "FixedText")
    ]
    assert names == ["Téléchargement", "Lisez-moi de la version 3.00.73", SEARCH]
    window.desktop.key("alt+e")
    for name in (*within[-3:], *beside, "Aide", CHECK, CLOSE):
        window.desktop.key("Tab")
        window.focused(name)


@pytest.mark.parametrize(("scaling", "size"), [SMALLEST_SCREEN, NARROW_SCREEN])
def test_on_every_screen_nothing_is_cut_and_the_buttons_stay(
    scaling: int, size: tuple[int, int], tmp_path: Path
) -> None:
    with Desktop(scaling, size) as desktop:
        window = UpdatesPlay(desktop, tmp_path, {**STATES["ready"], "site": {"product": OTHERS}})
        for sentence in (*PREPARATIONS, OTHERS):
            window.sees(sentence)
        # a share that is away lets wait
        assert not window.logged("described")["ui_thread"]
        check_footer(window.tell("measure", "measured"), scaling, {"Aide", CHECK, CLOSE})
        window.becomes(STATES["failed"])
        window.sees("En savoir plus sur IEA-U06")
        check_footer(window.tell("measure", "measured"), scaling, {"Aide", CHECK, CLOSE})
        window.desktop.key("Escape")
        window.ended()
