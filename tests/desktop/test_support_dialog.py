"""The support dialog on a Windows desktop: assistance mode on and off, as a person does it and as a screen reader finds it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("a desktop under Wine", allow_module_level=True)

from rig.desktop import Desktop, Window
from rig.prefix import windows_path
from tests.desktop.test_dialogs import Play, check_sizes, plain

STAGE = Path(__file__).with_name("support_stage.py")
TITLE = "(Demande de support technique|Technical support request)$"
ENTER, LEAVE = "Activer le mode assistance", "Désactiver le mode assistance"
REASON, PASSWORD = "Motif (facultatif)", "Mot de passe du jour"
ADDRESS = "impact-emploi-association@urssaf.fr"
COPY = "Copier l'adresse"
ACTIVATED = "Le mode assistance est activé. Vous pouvez relancer Impact emploi."
DEACTIVATED = "Le mode assistance est désactivé. L'agent relance l'authentification."
RIGHT, TYPO, WRONG = "24-29Y7-1GV3-S0Y4", "24-29Y7-1GB3-S0Y4", "24-0000-0000-0000"
WORDS = "24 article subtil chrome ravager insolite"
CHECK = "Vérifiez le 7e caractère (groupe 2)."
VERDICTS = {
    RIGHT: {"accepted": True},
    WORDS: {"accepted": True},
    TYPO: {"accepted": False, "sentence": CHECK, "span": [10, 11]},
    WRONG: {"accepted": False, "sentence": "Ce mot de passe n'est pas le bon.", "wait": 3.0},
    "": {"accepted": False, "sentence": "Saisissez le mot de passe du jour."},
}
DISCONNECTED = {"assistance_since": None, "may_enter": True}
CONNECTED = {"assistance_since": None, "may_enter": False, "why_not": "Le serveur répond : inutile."}


def assistance(**others: object) -> dict[str, object]:
    """The situation in assistance mode since a minute."""
    return {"assistance_since": time.time() - 60, "may_enter": False, **others}


class SupportPlay(Play):
    """The support dialog on stage, in a situation that can be changed."""

    def __init__(self, desktop: Desktop, folder: Path, situation: object, *options: str) -> None:
        self.desktop = desktop
        self._log = folder / f"{time.monotonic_ns()}.jsonl"
        self._source = self._log.with_suffix(".situation")
        self._title = TITLE
        self.becomes(situation)
        self.process = desktop.start(
            STAGE,
            windows_path(self._log),
            "--source",
            windows_path(self._source),
            "--verdicts",
            json.dumps(VERDICTS),
            *options,
        )
        self.logged("shown")
        self.until(lambda: desktop.front() == self.window.handle, "the dialog in front")

    def becomes(self, situation: object) -> None:
        """Have the agent tell another situation."""
        written = self._source.with_suffix(".new")
        written.write_text(json.dumps(situation), encoding="utf-8")
        written.replace(self._source)

    @property
    def question(self) -> Window | None:
        """The confirmation, where it is shown."""
        return next(
            (
                window
                for window in self.desktop.windows()
                for child in window.children
                if child.kind == "Static" and plain(child.text) == "Activer le mode assistance ?"
            ),
            None,
        )

    def asked(self) -> Window:
        """Wait for the confirmation."""
        self.until(
            lambda: (q := self.question) is not None and self.desktop.front() == q.handle, "a question"
        )
        question = self.question
        assert question is not None
        return question

    def enabled(self, name: str) -> bool:
        """Whether this button can be chosen."""
        return self.window.control(name, "Button").enabled


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    """One desktop for the tests that need nothing of their own."""
    with Desktop() as made:
        yield made


@pytest.fixture
def play(desktop: Desktop, tmp_path: Path) -> Iterator[Callable[..., SupportPlay]]:
    """A maker of plays; what is still on stage afterwards is ended."""
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
        (DISCONNECTED, {ENTER, LEAVE, REASON, "OK", "Annuler"}),
        (assistance(), {ENTER, LEAVE, PASSWORD, "Masquer", COPY, "OK", "Annuler"}),
    ):
        shown = play(situation)
        named: set[str] = set()
        before = None
        for child in shown.window.children:
            if child.kind == "Edit":
                assert before is not None
                assert before.kind == "Static"
                named |= {plain(before.text)} if child.visible else set()
            elif child.kind == "Button" and child.visible:
                assert child.text.strip(), child
                named.add(plain(child.text))
            before = child
        assert named >= names
        shown.desktop.key("Escape")
        shown.ended()


def test_activating_takes_one_confirmation_and_no_password(play: Callable[..., SupportPlay]) -> None:
    shown = play(DISCONNECTED)
    assert shown.focus() == ENTER
    assert not shown.enabled(LEAVE)
    shown.sees("Le mode assistance n'est pas actif.")
    for text in (
        "Le scarabée rouge remplacera la boule bleue",
        "vous pourrez relancer Impact emploi",
        "restera coupée",
    ):
        shown.sees(text)
    shown.sees("N'indiquez aucun nom de salarié ni d'association.")
    assert PASSWORD not in shown.texts()
    shown.desktop.key("alt+m")
    shown.desktop.type("paie du 30")
    shown.desktop.key("Return")
    shown.asked()
    shown.desktop.key("Return")  # a second Enter is no confirmation
    shown.until(lambda: shown.question is None, "the end of the question")
    assert not shown.events("entered")
    shown.click("OK")
    question = shown.asked()
    shown.desktop.click(question.control("Activer", "Button"))
    entered = shown.logged("entered")
    assert (entered["entered"], entered["ui_thread"]) == ("paie du 30", False)
    shown.sees(ACTIVATED)
    assert shown.texts() == [plain(ACTIVATED), "Fermer"]
    assert shown.focus() == "Fermer"
    assert len(shown.events("entered")) == 1
    shown.desktop.key("Return")
    shown.ended()


def test_a_reason_is_one_line_of_200_characters_at_most(play: Callable[..., SupportPlay]) -> None:
    shown = play(DISCONNECTED)
    shown.desktop.key("alt+m")
    shown.desktop.type("abcdefghi " * 21)
    shown.desktop.key("Return")
    shown.asked()
    shown.desktop.key("alt+a")
    assert shown.logged("entered")["entered"] == ("abcdefghi " * 20).strip()
    shown.desktop.key("Escape")
    shown.ended()


def test_what_the_agent_refuses_is_said_and_may_be_tried_again(play: Callable[..., SupportPlay]) -> None:
    shown = play(DISCONNECTED)
    for count in (1, 2):
        shown.enter(REASON, "refus")
        shown.desktop.key("Return")
        shown.asked()
        shown.desktop.key("alt+a")
        shown.logged("entered", count)
        shown.sees("L'agent ne répond pas.")
        shown.until(lambda: shown.enabled("OK"), "OK again")
    shown.desktop.key("Escape")
    shown.ended()


def test_where_it_may_not_be_entered_the_reason_is_said(play: Callable[..., SupportPlay]) -> None:
    shown = play(CONNECTED)
    shown.sees("Le serveur répond : inutile.")
    assert [shown.enabled(name) for name in (ENTER, LEAVE, "OK")] == [False, False, False]
    assert shown.focus() == "Fermer"
    shown.becomes({**CONNECTED, "why_not": ""})
    shown.sees("Le mode assistance ne s'active que lorsque la connexion au serveur a échoué.")
    shown.desktop.key("Return")
    shown.ended()


@pytest.mark.parametrize("password", [RIGHT, WORDS])
def test_the_password_of_the_day_ends_it(password: str, play: Callable[..., SupportPlay]) -> None:
    shown = play(assistance())
    assert shown.focus() == PASSWORD
    assert not shown.enabled(ENTER)
    shown.sees("Le mode assistance est déjà actif.")
    shown.sees("depuis ")
    shown.desktop.type(password)
    shown.until(lambda: shown.labelled(PASSWORD).text == password, "the password in clear")
    shown.desktop.key("Return")
    left = shown.logged("left")
    assert (left["left"], left["ui_thread"]) == (password, False)
    shown.sees(DEACTIVATED)
    assert shown.texts() == [plain(DEACTIVATED), "Fermer"]
    assert shown.focus() == "Fermer"
    assert shown.labelled(PASSWORD).text == ""
    shown.desktop.key("Return")
    shown.ended()


def test_a_typo_is_shown_where_it_is(play: Callable[..., SupportPlay]) -> None:
    shown = play(assistance())
    shown.desktop.type(TYPO)
    shown.click("OK")
    shown.sees(CHECK)
    shown.focused(PASSWORD)
    shown.desktop.type("V")  # takes the place of what is selected
    shown.until(lambda: shown.labelled(PASSWORD).text == RIGHT, "the corrected password")
    assert plain(CHECK) not in shown.texts()
    shown.desktop.key("Return")
    shown.sees(DEACTIVATED)


def test_where_nobody_can_say_what_is_wrong_all_is_selected(play: Callable[..., SupportPlay]) -> None:
    shown = play(assistance())
    shown.desktop.key("Return")
    shown.sees("Saisissez le mot de passe du jour.")
    shown.desktop.type("panne")
    shown.desktop.key("Return")
    shown.sees("L'agent ne répond pas.")
    shown.enter(PASSWORD, WRONG)
    shown.desktop.key("Return")
    shown.sees("Ce mot de passe n'est pas le bon.")
    shown.desktop.type(RIGHT)
    shown.until(lambda: shown.labelled(PASSWORD).text == RIGHT, "only what was typed last")


def test_the_next_try_is_counted_down(play: Callable[..., SupportPlay]) -> None:
    shown = play(assistance())
    shown.desktop.type(WRONG)
    shown.desktop.key("Return")
    shown.sees("Nouvel essai possible dans 2 s")
    assert not shown.enabled("OK")
    shown.desktop.type(RIGHT)
    shown.desktop.key("Return")
    shown.sees("Vous pouvez essayer de nouveau.")
    assert len(shown.events("left")) == 1, "nothing was tried before its time"
    assert not any("Nouvel essai" in text for text in shown.texts())
    shown.desktop.key("Return")
    shown.sees(DEACTIVATED)


def test_a_wait_is_told_in_words(play: Callable[..., SupportPlay]) -> None:
    shown = play(assistance(wait=73))
    shown.sees("Nouvel essai possible dans 1 min 12 s")
    for wait, told in (
        (3600 + 300, "1 h 05 min"),
        (29 * 86400 + 3 * 3600 + 60, "29 j 3 h"),
        (1000, "16 min "),
    ):
        shown.becomes(assistance(wait=wait))
        shown.sees(f"Nouvel essai possible dans {told}")
    assert not shown.enabled("OK")
    shown.becomes(assistance())
    shown.until(lambda: shown.enabled("OK"), "OK")
    shown.desktop.key("Escape")
    shown.ended()


def test_what_is_pasted_from_an_e_mail_is_one_line(play: Callable[..., SupportPlay], tmp_path: Path) -> None:
    shown = play(assistance())
    other = Play(shown.desktop, tmp_path, "copy", "--text", f"\r\n {RIGHT}\r\nUtilisable")
    other.logged("copied")
    other.ended()
    shown.desktop.click(shown.labelled(PASSWORD))
    shown.desktop.key("ctrl+v")
    shown.until(lambda: shown.labelled(PASSWORD).text == f"{RIGHT} Utilisable", "all of it")


def test_the_password_can_be_masked(play: Callable[..., SupportPlay]) -> None:
    shown = play(assistance())

    def ink() -> bytes:
        return shown.desktop.look(shown.labelled(PASSWORD).area).tobytes()

    def enter(text: str) -> bytes:
        """Type *text* and go on to the box, so that no caret blinks."""
        shown.desktop.key("alt+p", "ctrl+a")
        shown.desktop.type(text)
        shown.desktop.key("Tab")
        shown.focused("Masquer")
        return ink()

    clear = enter("IIII")
    other = enter("MMMM")
    assert other != clear
    shown.desktop.key("alt+s")
    shown.until(lambda: ink() != other, "dots")
    dots = ink()
    assert enter("IIII") == dots != clear
    shown.desktop.key("space")
    shown.until(lambda: ink() == clear, "letters")


def test_the_address_of_the_support_desk_can_be_copied(
    play: Callable[..., SupportPlay], tmp_path: Path
) -> None:
    shown = play(assistance())
    assert shown.labelled("Demandez le mot de passe du jour à l'assistance").text == ADDRESS
    shown.desktop.key("alt+c")
    shown.sees("Adresse copiée.")
    shown.desktop.key("Escape")
    shown.ended()
    assert Play(shown.desktop, tmp_path, "paste").logged("pasted")["pasted"] == ADDRESS


def test_the_keyboard_reaches_everything_in_reading_order(play: Callable[..., SupportPlay]) -> None:
    for situation, order in (
        (
            assistance(),
            [
                PASSWORD,
                "Masquer",
                COPY,
                "OK",
                "Annuler",
                LEAVE,
            ],
        ),
        (DISCONNECTED, [ENTER, REASON, "OK", "Annuler"]),
    ):
        shown = play(situation)
        for name in [*order, order[0]]:
            assert shown.focus() == plain(name)
            shown.desktop.key("Tab")
        shown.desktop.key("alt+n")
        shown.ended()
        assert not shown.events("left")
        assert not shown.events("entered")


def test_it_can_be_closed_while_a_password_is_judged(play: Callable[..., SupportPlay]) -> None:
    shown = play(assistance())
    shown.desktop.type("lent")
    shown.desktop.key("Return")
    shown.logged("left")
    shown.sees("Vérification en cours…")
    assert not shown.enabled("OK")
    assert shown.tell("measure", "measured"), "it still answers"
    shown.desktop.key("Escape")
    shown.ended()
    assert shown.events("unwatched")


def test_it_follows_the_agent(play: Callable[..., SupportPlay]) -> None:
    shown = play(assistance())
    shown.desktop.type("24-29")
    shown.becomes(assistance(servers_answer=True))
    shown.sees("Les serveurs répondent de nouveau.")
    assert shown.labelled(PASSWORD).text == "24-29"
    shown.becomes(DISCONNECTED)
    shown.until(lambda: shown.enabled(ENTER), "open choice")
    assert not any("Les serveurs répondent" in text for text in shown.texts())
    assert shown.labelled(PASSWORD).text == ""
    assert shown.focus() == ENTER
    shown.becomes(None)
    shown.sees("L'agent est arrêté")
    assert [shown.enabled(name) for name in (ENTER, LEAVE, "OK")] == [False, False, False]
    assert shown.focus() == "Fermer"
    shown.desktop.key("Return")
    shown.ended()


def test_the_question_keeps_the_keyboard_when_the_situation_changes(play: Callable[..., SupportPlay]) -> None:
    shown = play(DISCONNECTED)
    shown.desktop.key("Return")
    shown.asked()
    shown.becomes(CONNECTED)
    shown.until(
        lambda: any(
            plain(child.text) == CONNECTED["why_not"] for w in shown.desktop.windows() for child in w.children
        ),
        "the reason behind the question",
    )
    shown.desktop.key("alt+a")
    shown.until(lambda: shown.question is None, "the end of the question")
    shown.desktop.key("Escape")
    shown.ended()
    assert not shown.events("entered")


def test_it_speaks_english(play: Callable[..., SupportPlay]) -> None:
    shown = play(assistance(wait=100), "--language", "en")
    assert shown.focus() != PASSWORD
    french = {plain(text) for text in (ENTER, LEAVE, PASSWORD, COPY, "Masquer", "Annuler")}
    assert not french & set(shown.texts())
    check_sizes(shown.tell("measure", "measured"), 100)
    shown.desktop.key("Escape")
    shown.ended()


@pytest.mark.parametrize(
    ("scaling", "size"), [(100, (1366, 768)), (125, (1366, 768)), (150, (1920, 1080)), (200, (2560, 1440))]
)
def test_nothing_is_cut_off_at_any_scaling(scaling: int, size: tuple[int, int], tmp_path: Path) -> None:
    with Desktop(scaling, size) as desktop:
        for situation in (DISCONNECTED, assistance(servers_answer=True, wait=4000)):
            shown = SupportPlay(desktop, tmp_path, situation)
            check_sizes(shown.tell("measure", "measured"), scaling)
            shown.desktop.key("Escape")
            shown.ended()
        shown = SupportPlay(desktop, tmp_path, assistance())
        shown.desktop.type(WRONG)
        shown.desktop.key("Return")
        shown.sees("Nouvel essai")
        check_sizes(shown.tell("measure", "measured"), scaling)
        shown.desktop.key("Escape")
        shown.ended()
