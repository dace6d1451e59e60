"""The support dialog on a Windows desktop, as a person and a screen reader use it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("a desktop under Wine", allow_module_level=True)

from iea_agent.domain.machine import State
from iea_agent.domain.refusals import (
    AgentTimedOut,
    CannotEnterAssistance,
    NoIncident,
    PasswordMistyped,
    PasswordWrong,
    Refusal,
    to_document,
)
from iea_agent.shell.wording.refusal_text import word_refusal
from rig.desktop import Desktop
from rig.installed_program import start_script
from rig.prefix import windows_path
from tests.desktop.test_dialogs import (
    NARROW_SCREEN,
    SCREENS,
    START,
    Play,
    check_footer,
    check_sizes,
    plain,
)

STAGE = Path(__file__).with_name("support_stage.py")
TITLE = "(Demande de support technique|Technical support request)$"
ENTER, LEAVE = "Activer le mode assistance", "Désactiver le mode assistance"
REASON, PASSWORD = "Motif (facultatif)", "2. Saisissez le mot de passe du jour reçu"
ADDRESS = "impact-emploi-association@urssaf.fr"
WRITE, COPY, FILE = "Écrire à l’assistance", "Copier le message", "Voir le fichier joint"
CONTACT = "Vos coordonnées (nom, association, téléphone)"
COMPLAINT = "Ce qui se passe (facultatif)"
PREVIEW = "Le message, tel qu’il sera envoyé :"
LETTER = (CONTACT, COMPLAINT, "Adresse :", "Objet :", PREVIEW, WRITE, COPY, FILE)
SHEET, STATEMENT = "Fiche pour l’informatique", "Justificatif de l’incident"
RECORD, STOP = "Enregistrer pendant que je reproduis", "Arrêter l’enregistrement"
PAPERS = (SHEET, STATEMENT, RECORD)
TEST, REPAIR = "Trouver la panne", "Faire cette correction"
SUBJECT = "Serveur de connexion 3.00.72"
LAUNCH = "Lancer Impact emploi"
ACTIVATED = "Le mode assistance est activé. Vous pouvez relancer Impact emploi."
DEACTIVATED = "Le mode assistance est désactivé. L’authentification est relancée."
RIGHT, TYPO, WRONG = "24-29Y7-1GV3-S0Y4", "24-29Y7-1GB3-S0Y4", "24-0000-0000-0000"
WORDS = "24 article subtil chrome ravager insolite"
MISTYPED = PasswordMistyped(span=(10, 11), fault="character", position=3, part="1GB3")
WAITING = PasswordWrong(wait=3.0)
EMPTY = PasswordMistyped(fault="empty")
ANSWERS: dict[str, Refusal | None] = {RIGHT: None, WORDS: None, TYPO: MISTYPED, WRONG: WAITING, "": EMPTY}
NO_ANSWER = word_refusal(AgentTimedOut())
"""What the stage refuses « panne » and « refus » with."""
REFUSED = CannotEnterAssistance(State.CONNECTED)
DISCONNECTED = {"assistance_since": None, "may_enter": True}
CONNECTED = {"assistance_since": None, "may_enter": False}


def assistance(**changes: object) -> dict[str, object]:
    """Return the situation in assistance mode, entered a minute ago."""
    return {"assistance_since": time.time() - 60, "may_enter": False, "register_days": 3000, **changes}


class SupportPlay(Play):
    """The support dialog on stage, in a situation that can be changed."""

    def __init__(self, desktop: Desktop, folder: Path, situation: object, *options: str) -> None:
        self.desktop = desktop
        self._log = folder / f"{time.monotonic_ns()}.jsonl"
        self._source = self._log.with_suffix(".situation")
        self.title = TITLE
        self.becomes(situation)
        self.process = start_script(
            desktop,
            STAGE,
            windows_path(self._log),
            "--source",
            windows_path(self._source),
            "--answers",
            json.dumps({password: refusal and to_document(refusal) for password, refusal in ANSWERS.items()}),
            *options,
        )
        self.logged("shown")
        self.until(lambda: desktop.front() == self.window.handle, "the dialog in front")

    def becomes(self, situation: object) -> None:
        """Have the agent report another situation."""
        written = self._source.with_suffix(".new")
        written.write_text(json.dumps(situation), encoding="utf-8")
        written.replace(self._source)

    def can_write(self) -> None:
        """Wait until the message is there."""
        self.until(lambda: self.enabled(WRITE), "a message")

    def chooses_assistance(self) -> None:
        """Choose « Activer le mode assistance » by its letter."""
        self.desktop.key("alt+a")
        self.until(lambda: self.enabled("OK"), "OK")

    def enabled(self, name: str) -> bool:
        """Return whether this button can be clicked."""
        return self.window.control(name, "Button").enabled


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    """Return one desktop for the tests that change nothing of it."""
    with Desktop() as made:
        yield made


@pytest.fixture
def play(desktop: Desktop, tmp_path: Path) -> Iterator[Callable[..., SupportPlay]]:
    """Return a function that shows a dialog; end those that are open after the test."""
    made: list[SupportPlay] = []

    def start(situation: object, *options: str) -> SupportPlay:
        made.append(SupportPlay(desktop, tmp_path, situation, *options))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            desktop.gone(TITLE)
        one.process.communicate()


def test_a_screen_reader_finds_a_name_for_every_control(play: Callable[..., SupportPlay]) -> None:
    for situation, names in (
        (DISCONNECTED, {ENTER, LEAVE, REASON, *LETTER, *PAPERS, "OK", "Annuler"}),
        (assistance(), {ENTER, LEAVE, *LETTER, PASSWORD, "Masquer", *PAPERS, "OK", "Annuler"}),
    ):
        dialog = play(situation)
        if situation is DISCONNECTED:
            dialog.chooses_assistance()
        named: set[str] = set()
        before = None
        for child in dialog.window.children:
            if child.kind == "Edit":
                assert before is not None
                assert before.kind == "Static"
                named |= {plain(before.text)} if child.visible else set()
            elif child.kind == "Button" and child.visible:
                assert child.text.strip(), child
                named.add(plain(child.text))
            before = child
        assert named >= names
        dialog.desktop.key("Escape")
        dialog.ended()


def test_what_a_screen_reader_is_told_of_assistance(play: Callable[..., SupportPlay]) -> None:
    """The group of both choices; the hint and the complaint with their field."""
    dialog = play(DISCONNECTED)
    dialog.chooses_assistance()
    described = {plain(each["name"]): each["description"] for each in dialog.hear()}
    assert described[REASON].startswith("N’indiquez aucun nom")
    assert described[ENTER] == described[LEAVE] == "Votre demande"
    dialog.becomes(assistance())
    dialog.focused(PASSWORD)
    dialog.desktop.type(TYPO)
    dialog.desktop.key("Return")
    dialog.sees(word_refusal(MISTYPED))
    described = {plain(each["name"]): each["description"] for each in dialog.hear()}
    assert described[PASSWORD] == word_refusal(MISTYPED)


def test_activating_takes_one_ok_and_no_password(play: Callable[..., SupportPlay]) -> None:
    dialog = play(DISCONNECTED)
    assert not dialog.enabled(LEAVE)
    # whoever came to write has chosen nothing
    assert not dialog.enabled("OK")
    dialog.chooses_assistance()
    dialog.sees("Le mode assistance n’est pas actif.")
    for text in (
        "Le scarabée rouge remplacera la boule bleue",
        "vous pourrez relancer Impact emploi",
        "restera déconnecté",
    ):
        dialog.sees(text)
    dialog.sees("N’indiquez aucun nom de salarié ni d’association.")
    assert PASSWORD not in dialog.texts()
    dialog.desktop.key("alt+m")
    dialog.desktop.type("paie du 30")
    dialog.desktop.key("Return")
    entered = dialog.logged("entered")
    assert (entered["entered"], entered["ui_thread"]) == ("paie du 30", False)
    dialog.sees(ACTIVATED)
    assert dialog.texts() == [plain(ACTIVATED), "Aide", "Fermer"]
    assert dialog.focus() == "Fermer"
    assert len(dialog.events("entered")) == 1
    dialog.desktop.key("Return")
    dialog.ended()


def test_after_activation_the_next_step_is_to_launch_the_program(play: Callable[..., SupportPlay]) -> None:
    dialog = play(DISCONNECTED, "--program")
    dialog.click(ENTER)
    dialog.click("OK")
    dialog.sees(ACTIVATED)
    dialog.focused(LAUNCH)
    dialog.desktop.key("Return")
    dialog.ended()
    assert dialog.events("launched")


def test_who_leaves_is_told_how_long_it_can_last_and_be_left(play: Callable[..., SupportPlay]) -> None:
    dialog = play(assistance(ends_at=time.time() + 3 * 86400 + 30, register_days=20))
    dialog.sees("Le mode assistance se terminera de lui-même dans 3 jours")
    dialog.sees("pour 20 jours")
    dialog.becomes(assistance(register_days=None))
    dialog.sees("Ce poste ne peut pas encore vérifier le mot de passe du jour")
    dialog.becomes(assistance())
    dialog.until(lambda: not any("Ce poste" in text for text in dialog.texts()), "no remark")
    dialog.desktop.key("Escape")
    dialog.ended()


def test_a_reason_is_one_line_of_200_characters_at_most(play: Callable[..., SupportPlay]) -> None:
    dialog = play(DISCONNECTED)
    dialog.chooses_assistance()
    dialog.desktop.key("alt+m")
    dialog.desktop.type("abcdefghi " * 21)
    dialog.desktop.key("Return")
    assert dialog.logged("entered")["entered"] == ("abcdefghi " * 20).strip()
    dialog.desktop.key("Escape")
    dialog.ended()


def test_a_refusal_is_shown_and_entering_may_be_tried_again(play: Callable[..., SupportPlay]) -> None:
    dialog = play(DISCONNECTED)
    dialog.chooses_assistance()
    for count in (1, 2):
        dialog.enter(REASON, "refus")
        dialog.desktop.key("Return")
        dialog.logged("entered", count)
        dialog.sees(NO_ANSWER)
        dialog.until(lambda: dialog.enabled("OK"), "OK again")
    dialog.desktop.key("Escape")
    dialog.ended()


def test_the_reason_is_shown_if_it_may_not_be_entered(play: Callable[..., SupportPlay]) -> None:
    dialog = play({**CONNECTED, "why_not": to_document(REFUSED)})
    dialog.sees(word_refusal(REFUSED))
    assert [dialog.enabled(name) for name in (ENTER, LEAVE, "OK")] == [False, False, False]
    assert dialog.focus() == "Fermer"
    dialog.becomes(CONNECTED)
    dialog.sees(word_refusal(REFUSED))
    dialog.desktop.key("Return")
    dialog.ended()


@pytest.mark.parametrize("password", [RIGHT, WORDS])
def test_the_password_of_the_day_ends_it(password: str, play: Callable[..., SupportPlay]) -> None:
    dialog = play(assistance())
    assert dialog.focus() == PASSWORD
    assert not dialog.enabled(ENTER)
    dialog.sees("Le mode assistance est déjà actif.")
    dialog.sees("depuis ")
    dialog.desktop.type(password)
    dialog.until(lambda: dialog.labelled(PASSWORD).text == password, "the password in clear")
    dialog.desktop.key("Return")
    left = dialog.logged("left")
    assert (left["left"], left["ui_thread"]) == (password, False)
    dialog.sees(DEACTIVATED)
    assert dialog.texts() == [plain(DEACTIVATED), "Aide", "Fermer"]
    assert dialog.focus() == "Fermer"
    assert dialog.labelled(PASSWORD).text == ""
    dialog.desktop.key("Return")
    dialog.ended()


def test_a_typo_is_shown_where_it_is(play: Callable[..., SupportPlay]) -> None:
    dialog = play(assistance())
    dialog.desktop.type(TYPO)
    dialog.click("OK")
    dialog.sees(word_refusal(MISTYPED))
    dialog.focused(PASSWORD)
    assert dialog.pictures()[-1] == "barred", "before the sentence, as everywhere"
    dialog.desktop.type("V")  # takes the place of what is selected
    dialog.until(lambda: dialog.labelled(PASSWORD).text == RIGHT, "the corrected password")
    assert plain(word_refusal(MISTYPED)) not in dialog.texts()
    dialog.desktop.key("Return")
    dialog.sees(DEACTIVATED)


def test_a_wrong_password_without_a_known_error_is_selected_whole(play: Callable[..., SupportPlay]) -> None:
    dialog = play(assistance())
    dialog.desktop.key("Return")
    dialog.sees(word_refusal(EMPTY))
    dialog.desktop.type("panne")
    dialog.desktop.key("Return")
    dialog.sees(NO_ANSWER)
    dialog.enter(PASSWORD, WRONG)
    dialog.desktop.key("Return")
    dialog.sees(word_refusal(WAITING))
    dialog.desktop.type(RIGHT)
    dialog.until(lambda: dialog.labelled(PASSWORD).text == RIGHT, "only what was typed last")


def test_the_next_try_is_announced(play: Callable[..., SupportPlay]) -> None:
    dialog = play(assistance())
    dialog.desktop.type(WRONG)
    dialog.desktop.key("Return")
    dialog.sees("Nouvel essai possible dans moins d’une minute")
    assert not dialog.enabled("OK")
    dialog.desktop.type(RIGHT)
    dialog.desktop.key("Return")
    dialog.sees("Vous pouvez essayer de nouveau.")
    assert len(dialog.events("left")) == 1, "nothing was tried before its time"
    assert not any("Nouvel essai" in text for text in dialog.texts())
    dialog.desktop.key("Return")
    dialog.sees(DEACTIVATED)


def test_a_wait_is_shown_in_words(play: Callable[..., SupportPlay]) -> None:
    dialog = play(assistance(wait=73))
    dialog.sees("Nouvel essai possible vers ")
    dialog.becomes(assistance(wait=29 * 86400))
    day = time.strftime("%d/%m/%Y", time.localtime(time.time() + 29 * 86400))
    dialog.sees(f"Nouvel essai possible le {day} vers ")
    dialog.becomes(assistance(wait=45))
    dialog.sees("Nouvel essai possible dans moins d’une minute")
    assert not dialog.enabled("OK")
    dialog.becomes(assistance())
    dialog.until(lambda: dialog.enabled("OK"), "OK")
    dialog.desktop.key("Escape")
    dialog.ended()


def test_a_password_pasted_from_an_e_mail_becomes_one_line(
    play: Callable[..., SupportPlay], tmp_path: Path
) -> None:
    dialog = play(assistance())
    other = Play(dialog.desktop, tmp_path, "copy", "--text", f"\r\n {RIGHT}\r\nUtilisable")
    other.logged("copied")
    other.ended()
    dialog.desktop.click(dialog.labelled(PASSWORD))
    dialog.desktop.key("ctrl+v")
    dialog.until(lambda: dialog.labelled(PASSWORD).text == f"{RIGHT} Utilisable", "all of it")


def test_the_password_can_be_masked(play: Callable[..., SupportPlay]) -> None:
    dialog = play(assistance())

    def ink() -> bytes:
        return dialog.desktop.look(dialog.labelled(PASSWORD).area).tobytes()

    def enter(text: str) -> bytes:
        """Type *text* and go on to the box, so that no caret blinks."""
        dialog.desktop.key("alt+p", "ctrl+a")
        dialog.desktop.type(text)
        dialog.desktop.key("Tab")
        dialog.focused("Masquer")
        return ink()

    clear = enter("IIII")
    other = enter("MMMM")
    assert other != clear
    dialog.desktop.key("alt+s")
    dialog.until(lambda: ink() != other, "dots")
    dots = ink()
    assert enter("IIII") == dots != clear
    dialog.desktop.key("space")
    dialog.until(lambda: ink() == clear, "letters")


@pytest.mark.parametrize("situation", [None, DISCONNECTED])
def test_the_message_to_support_is_written_and_can_be_copied(
    situation: object, play: Callable[..., SupportPlay], tmp_path: Path
) -> None:
    dialog = play(situation, "--earlier")
    dialog.can_write()
    assert [dialog.labelled(label).text for label in ("Adresse :", "Objet :")] == [ADDRESS, SUBJECT]
    dialog.sees("Pour écrire à l’assistance")
    dialog.sees("au sujet de IEA-T05 est bien parti")
    dialog.desktop.key("alt+q")
    dialog.desktop.type("rien ne se lance")
    dialog.until(lambda: "rien ne se lance" in dialog.labelled(PREVIEW).text, "what was typed")
    preview = dialog.labelled(PREVIEW).text
    assert "Ce qui se passe : rien ne se lance" in preview.replace("\xa0", " ")
    assert "Mes coordonnées : Zoé" in preview.replace("\xa0", " ")
    assert "40G6-C5F0-4YXK" in preview
    dialog.desktop.key("alt+r")
    written = dialog.logged("written")
    assert written["written"].startswith(f"mailto:{ADDRESS}?subject=Serveur%20de%20connexion")
    assert (written["contact"], written["complaint"]) == ("Zoé", "rien ne se lance")
    dialog.sees("Aucun logiciel de messagerie ne s’est ouvert.")
    dialog.desktop.key("alt+r")
    dialog.sees("Le fichier y est joint.")
    dialog.desktop.key("alt+j")
    dialog.sees("rien n’est envoyé")
    dialog.desktop.key("alt+c")
    dialog.sees("Message copié")
    assert dialog.logged("copied")["copied"] == SUBJECT
    dialog.desktop.key("Escape")
    dialog.ended()
    pasted = Play(dialog.desktop, tmp_path, "paste").logged("pasted")["pasted"]
    lines = pasted.splitlines()
    assert lines[:3] == [ADDRESS, SUBJECT, ""]
    # what was shown is what is sent
    assert lines[3:] == preview.splitlines()


def test_what_helps_without_writing_comes_first(play: Callable[..., SupportPlay]) -> None:
    """A repair, else the test; Enter presses it."""
    effect = "Cocher « Sécurisé ». Vérifié : les deux serveurs répondent alors."
    for options, button in (((), TEST), (("--repair", effect), REPAIR)):
        dialog = play(DISCONNECTED, "--problem", "IEA-N04", *options)
        dialog.focused(button)
        dialog.reads("Avant d’écrire", "Le serveur refuse la connexion", button, ENTER, "Cela n’a pas suffi")
        dialog.desktop.key("Return")
        assert dialog.logged("asked")["asked"] == "diagnosis"
        dialog.desktop.key("Escape")
        dialog.ended()


def test_enter_never_leads_whoever_writes_to_assistance_mode(play: Callable[..., SupportPlay]) -> None:
    dialog = play(DISCONNECTED, "--problem", "IEA-N04")
    dialog.can_write()
    dialog.chooses_assistance()
    dialog.desktop.key("alt+q")
    dialog.desktop.type("rien ne va")
    dialog.desktop.key("Return")
    assert dialog.logged("written")["complaint"] == "rien ne va"
    # nor once the keyboard is elsewhere
    dialog.desktop.key("alt+a", "Return")
    dialog.logged("written", 2)
    dialog.desktop.key("Escape")
    dialog.ended()
    assert not dialog.events("entered")


def test_a_known_incident_comes_before_everything(play: Callable[..., SupportPlay]) -> None:
    news = "Incident connu depuis 9 h 12 ; inutile d’écrire à l’assistance. Panne chez nous."
    dialog = play(DISCONNECTED, "--problem", "IEA-S06", "--incident", news)
    dialog.sees(news)
    dialog.reads("Avant d’écrire", news, ENTER, "Cela n’a pas suffi")
    assert dialog.focus() == "Annuler"
    dialog.desktop.key("Return")
    dialog.ended()


def test_papers_are_opened_and_a_fault_is_recorded(play: Callable[..., SupportPlay]) -> None:
    dialog = play(DISCONNECTED)
    dialog.desktop.key("alt+h")
    assert dialog.logged("paper")["paper"] == "sheet"
    dialog.desktop.key("alt+i")
    dialog.sees(word_refusal(NoIncident()))
    dialog.desktop.key("alt+g")
    dialog.sees("Enregistrement en cours, encore 2 min")
    dialog.click(STOP)
    dialog.sees("Enregistrement arrêté")
    assert [each["recording"] for each in dialog.events("recording")] == [True, False]
    assert RECORD in dialog.texts()
    dialog.desktop.key("Escape")
    dialog.ended()


def test_who_leaves_asks_for_the_password_first(play: Callable[..., SupportPlay]) -> None:
    dialog = play(assistance())
    dialog.can_write()
    dialog.reads("1. Demandez le mot de passe du jour", *LETTER, PASSWORD)


def test_the_keyboard_reaches_everything_in_reading_order(play: Callable[..., SupportPlay]) -> None:
    for situation, order in (
        (
            assistance(),
            [
                PASSWORD,
                "Masquer",
                *PAPERS,
                "Aide",
                "OK",
                "Annuler",
                LEAVE,
                *LETTER,
            ],
        ),
        (DISCONNECTED, ["Annuler", ENTER, *LETTER, *PAPERS, "Aide"]),
    ):
        dialog = play(situation)
        dialog.can_write()
        for name in [*order, order[0]]:
            dialog.focused(plain(name))
            dialog.desktop.key("Tab")
        dialog.desktop.key("alt+n")
        dialog.ended()
        assert not dialog.events("left")
        assert not dialog.events("entered")


def test_it_can_be_closed_while_a_password_is_checked(play: Callable[..., SupportPlay]) -> None:
    dialog = play(assistance())
    dialog.desktop.type("lent")
    dialog.desktop.key("Return")
    dialog.logged("left")
    dialog.sees("Vérification en cours…")
    assert not dialog.enabled("OK")
    assert dialog.tell("measure", "measured"), "it still answers"
    dialog.desktop.key("Escape")
    dialog.ended()
    assert dialog.events("unwatched")


def test_it_follows_the_agent(play: Callable[..., SupportPlay]) -> None:
    dialog = play(assistance())
    dialog.desktop.type("24-29")
    dialog.becomes(assistance(servers_answer=True))
    dialog.sees("Les serveurs répondent de nouveau.")
    assert dialog.labelled(PASSWORD).text == "24-29"
    dialog.becomes(DISCONNECTED)
    dialog.until(lambda: dialog.enabled(ENTER), "open choice")
    assert not any("Les serveurs répondent" in text for text in dialog.texts())
    assert dialog.labelled(PASSWORD).text == ""
    assert dialog.focus() == "Annuler"
    dialog.becomes(None)
    dialog.sees("Le programme de connexion est arrêté")
    assert [dialog.enabled(name) for name in (ENTER, LEAVE, "OK")] == [False, False, False]
    assert dialog.focus() == START
    dialog.desktop.key("Return")
    dialog.logged("started")
    dialog.sees("Le programme de connexion est démarré.")
    dialog.becomes(CONNECTED)
    dialog.until(lambda: START not in dialog.texts(), "an agent")
    dialog.desktop.key("Escape")
    dialog.ended()


def test_help_shows_the_page_of_the_guide(play: Callable[..., SupportPlay]) -> None:
    dialog = play(DISCONNECTED)
    dialog.desktop.key("F1")
    assert dialog.logged("explained")["explained"] == "guide-assistance"


def test_it_speaks_english(play: Callable[..., SupportPlay]) -> None:
    dialog = play(assistance(wait=100), "--language", "en")
    assert dialog.focus() != PASSWORD
    french = {plain(text) for text in (ENTER, LEAVE, PASSWORD, COPY, "Masquer", "Annuler")}
    assert not french & set(dialog.texts())
    check_sizes(dialog.tell("measure", "measured"), 100)
    dialog.desktop.key("Escape")
    dialog.ended()


@pytest.mark.parametrize(("scaling", "size"), SCREENS)
def test_on_every_screen_nothing_is_cut_and_the_buttons_stay(
    scaling: int, size: tuple[int, int], tmp_path: Path
) -> None:
    with Desktop(scaling, size) as desktop:
        for situation in (DISCONNECTED, assistance(servers_answer=True, wait=4000)):
            dialog = SupportPlay(desktop, tmp_path, situation)
            check_footer(dialog.tell("measure", "measured"), scaling, {"OK", "Annuler"})
            dialog.desktop.key("Escape")
            dialog.ended()
        dialog = SupportPlay(desktop, tmp_path, assistance())
        dialog.desktop.type(WRONG)
        dialog.desktop.key("Return")
        dialog.sees("Nouvel essai")
        measured = dialog.tell("measure", "measured")
        check_footer(measured, scaling, {"OK", "Annuler"})
        # what is said of the password is in view without scrolling
        (footer,) = (c["area"] for c in measured["measured"] if c["kind"] == "Footer")
        for text in ("Ce n’est pas le mot de passe", "Nouvel essai"):
            (answer,) = (c["area"] for c in measured["measured"] if text in c["text"])
            assert measured["window"][1] <= answer[1], text
            assert answer[1] + answer[3] <= footer[1], text
        dialog.desktop.key("Escape")
        dialog.ended()


def test_at_320_pixels_nothing_scrolls_sideways(tmp_path: Path) -> None:
    with Desktop(*NARROW_SCREEN) as desktop:
        for situation in (DISCONNECTED, assistance(servers_answer=True, wait=4000)):
            dialog = SupportPlay(desktop, tmp_path, situation)
            check_footer(dialog.tell("measure", "measured"), 400, {"Aide", "OK", "Annuler"})
            dialog.desktop.key("Escape")
            dialog.ended()
