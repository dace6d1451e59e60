"""Test what the dialogs decide without a window: settings, status, accelerators."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

import iea_agent
from iea_agent import locale
from iea_agent.domain import machine, problems, settings
from iea_agent.domain.connection_history import ConnectionCourse, Period
from iea_agent.domain.diagnosis import Failure, Server, ServerReport, Stage
from iea_agent.domain.documents import StatusDocument
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.person_requests import Abilities
from iea_agent.domain.problems import Actor, Problem
from iea_agent.domain.proxy_choice import Source
from iea_agent.domain.refusals import ProxyUserMissing, Refusal, RefusedError, SettingRefused
from iea_agent.domain.settings import (
    DECLARATIONS,
    DEFAULTS,
    LICENCE_KEY,
    PROXY_PASSWORD,
    ProxyMode,
    list_changes,
)
from iea_agent.shell.dialogs import status_overview, typed_settings
from iea_agent.shell.dialogs.settings_rows import ROWS
from iea_agent.shell.wording import repair_text, status_text
from iea_agent.shell.wording.problem_details import advise_in_settings, list_steps, name_actor
from iea_agent.shell.wording.refusal_text import word_refusal
from iea_agent.shell.wording.view import Picture
from tests.covered import cover, covers
from tests.failures import failed
from tests.status_documents import make_status

DIALOGS = Path(iea_agent.__file__).parent / "shell" / "dialogs"
NOW = 1_800_000_000.0
SAVED = replace(DEFAULTS, licence_number="IEA-0000-1234")
EVERYTHING = Abilities(program=True)


@pytest.mark.parametrize(
    ("pasted", "meant", "secured"),
    [
        ("https://impact-emploi.urssaf.fr« ", "https://impact-emploi.urssaf.fr", False),
        ("« https://impact-emploi.urssaf.fr/updates« ", "https://impact-emploi.urssaf.fr/updates", False),
        ("http://impact-emploi.urssaf.fr", "https://impact-emploi.urssaf.fr", True),
        ("impact-emploi.urssaf.fr.", "https://impact-emploi.urssaf.fr", False),
        ("", "", False),
    ],
)
def test_an_address_is_tidied_in_secure_mode(pasted: str, meant: str, secured: bool) -> None:
    assert typed_settings.tidy_address(pasted, secure=True) == (meant, secured)


def test_http_stays_where_secure_mode_is_off() -> None:
    assert typed_settings.tidy_address("http://127.0.0.1:8000", secure=False) == (
        "http://127.0.0.1:8000",
        False,
    )


def test_what_is_shown_reads_back_as_what_is_saved() -> None:
    for saved in (
        SAVED,
        replace(
            SAVED,
            proxy_mode=ProxyMode.MANUAL,
            proxy_address="http://proxy.exemple.fr:3128",
            program="C:\\IEA\\iea.exe",
        ),
    ):
        typed = typed_settings.format_settings(saved)
        assert typed_settings.parse_settings(typed, saved) == saved
        assert not typed_settings.is_unsaved(typed, saved)
        for name in (LICENCE_KEY, PROXY_PASSWORD):
            assert typed_settings.is_unsaved({**typed, name: "secret"}, saved)


def refusal_of(**typed: str) -> Refusal:
    """Return why *typed* is refused, by attribute and in place of what is saved."""
    names = {declaration.attribute: name for name, declaration in DECLARATIONS.items()}
    names |= {name.replace(".", "_"): name for name in (LICENCE_KEY, PROXY_PASSWORD)}
    texts = {names[attribute]: text for attribute, text in typed.items()}
    with pytest.raises(RefusedError) as error:
        typed_settings.parse_settings({**typed_settings.format_settings(SAVED), **texts}, SAVED)
    return error.value.refusal


@pytest.mark.parametrize(
    ("attribute", "typed"),
    [
        ("authentication", ""),
        ("authentication", "ftp://exemple.fr"),
        ("updates", "https://exem ple.fr"),
        ("licence_number", "numéro 12"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_with_a_sentence(attribute: str, typed: str) -> None:
    refusal = refusal_of(**{attribute: typed})
    assert isinstance(refusal, SettingRefused)
    assert DECLARATIONS[refusal.name].attribute == attribute
    assert word_refusal(refusal).endswith((".", "fr"))


def test_a_proxy_address_is_wanted_only_where_it_is_used() -> None:
    typed = {**typed_settings.format_settings(SAVED), "proxy.address": "socks://nulle-part"}
    assert typed_settings.parse_settings(typed, SAVED).proxy_address == ""
    for text in ("", "socks://nulle-part"):
        refusal = refusal_of(proxy_mode="manual", proxy_address=text)
        assert isinstance(refusal, SettingRefused)
        assert refusal.name == "proxy.address"
    manual = {**typed, "proxy.mode": "manual", "proxy.address": "proxy.exemple.fr:3128"}
    assert typed_settings.parse_settings(manual, SAVED).proxy_address == "http://proxy.exemple.fr:3128"


def test_a_proxy_password_needs_a_name() -> None:
    assert refusal_of(proxy_password="tres-secret") == ProxyUserMissing()


def test_changes_are_the_names_and_values_of_the_file() -> None:
    wanted = replace(SAVED, secure=False, proxy_mode=ProxyMode.NONE)
    changes = list_changes(SAVED, wanted)
    assert changes == {"connection.secure": False, "proxy.mode": "none"}
    assert list_changes(SAVED, SAVED) == {}


def test_saving_replaces_the_lines_that_are_refused() -> None:
    faults = [
        settings.SettingFault(name, 3, "")
        for name in ("proxy.address", "Connection.Secure", "program.path", "licence")
    ]
    assert typed_settings.list_refused(SAVED, faults, {"secure"}) == {
        "licence.number": "IEA-0000-1234",
        "program.path": "",
        "proxy.address": "",
    }


def test_a_repair_is_typed_like_a_person_would() -> None:
    changes = {"secure": True, "proxy_mode": ProxyMode.NONE, "proxy_bypass": "localhost;*.exemple.fr"}
    assert repair_text.format_changes(changes) == {
        "connection.secure": "true",
        "proxy.mode": "none",
        "proxy.bypass": "localhost ; *.exemple.fr",
    }


def test_each_row_stands_for_a_setting_or_a_secret() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names))
    assert set(names) <= {*DECLARATIONS, LICENCE_KEY, PROXY_PASSWORD}
    for row in ROWS:
        for value in row.choices:
            DECLARATIONS[row.name].check(value)


@covers("read", "refused")
@example("https://a.fr", "https://b.fr", "1", True, ProxyMode.SYSTEM, "", "", False)
@given(
    some.text(max_size=60),
    some.text(max_size=60),
    some.text(max_size=20),
    some.booleans(),
    some.sampled_from(ProxyMode),
    some.text(max_size=20),
    some.text(max_size=40),
    some.booleans(),
)
def test_whatever_is_typed_is_read_or_complained_about(
    authentication: str,
    updates: str,
    number: str,
    secure: bool,
    mode: ProxyMode,
    user: str,
    bypass: str,
    ipv4_only: bool,
) -> None:
    typed = {
        **typed_settings.format_settings(SAVED),
        "connection.secure": str(secure).lower(),
        "connection.authentication": authentication,
        "connection.updates": updates,
        "licence.number": number,
        "proxy.mode": mode.value,
        "proxy.user": user,
        "proxy.bypass": bypass,
        "connection.ipv4_only": str(ipv4_only).lower(),
    }
    try:
        wanted = typed_settings.parse_settings(typed, SAVED)
    except RefusedError as error:
        named = error.refusal.name if isinstance(error.refusal, SettingRefused) else ""
        if named not in typed:
            raise
        cover("refused")
    else:
        cover("read")
        again = typed_settings.parse_settings(typed_settings.format_settings(wanted), SAVED)
        assert again == wanted, "a second reading gives the same"


@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_the_settings_window_is_not_named_in_its_own_advice(language: str) -> None:
    # these two are about files, and no test of the servers ends with them
    elsewhere = ("IEA-C04", "IEA-C07")
    try:
        locale.choose(language)
        title = locale._("Paramètres de connexion")
        for problem in problems.CATALOGUE.values():
            advice = advise_in_settings(locale._(problem.advice))
            assert title not in advice or problem.code in elsewhere, advice
            assert advice[0].isupper() or advice[0] == "«", advice
            assert " ".join(list_steps(advice)) == advice
    finally:
        locale.choose("fr")


def test_who_can_act_is_said_only_where_the_advice_does_not() -> None:
    assert name_actor(problems.NOT_CONFIGURED) == ""
    for problem in problems.CATALOGUE.values():
        sentence = name_actor(problem)
        assert not (sentence and "informatique" in problem.advice and "informatique" in sentence)
        assert sentence == "" or sentence.startswith("Qui peut agir\u00a0: ")
    assert name_actor(replace(problems.NOT_CONFIGURED, actor=Actor.IT, advice="", is_variant=True)).endswith(
        "la personne qui s’occupe de votre informatique"
    )


PROXY, OTHER = "http://proxy.exemple.fr:3128", "http://autre.exemple.fr:8080"
SYSTEM = replace(SAVED, proxy_mode=ProxyMode.SYSTEM)


def by(route: str, reason: Problem | None = None) -> ServerReport:
    """Return the report of a test by *route*; *reason* is why it failed, if it did."""
    failure = None if reason is None else Failure(Stage.PROXY, reason)
    return ServerReport(Server.AUTHENTICATION, SAVED.authentication, (), failure, route=route)


@pytest.mark.parametrize(
    ("tested", "reports", "before", "asking"),
    [
        (SYSTEM, [by(PROXY, problems.PROXY_WANTS_PASSWORD)], "", PROXY),
        (SYSTEM, [by(PROXY, problems.PROXY_REFUSES_PASSWORD), by(PROXY)], "", PROXY),
        (SYSTEM, [by(OTHER, problems.PROXY_WANTS_PASSWORD)], PROXY, OTHER),
        (SYSTEM, [by(PROXY), by(PROXY)], PROXY, PROXY),  # what was typed is what lets through
        (SYSTEM, [by("direct"), by("direct")], PROXY, ""),
        (SYSTEM, [by(OTHER), by("direct")], PROXY, ""),
        (SYSTEM, [by("direct", problems.PROXY_WANTS_PASSWORD)], "", ""),  # none is used: none to tell it to
        (
            replace(SAVED, proxy_mode=ProxyMode.MANUAL),
            [by(OTHER, problems.PROXY_WANTS_PASSWORD)],
            PROXY,
            PROXY,
        ),
        (replace(SAVED, proxy_mode=ProxyMode.NONE), [by("direct")], PROXY, PROXY),
    ],
)
def test_the_fields_for_a_sign_in_stand_while_the_system_s_proxy_asks(
    tested: settings.Settings, reports: list[ServerReport], before: str, asking: str
) -> None:
    assert typed_settings.find_asking_proxy(tested, reports, before) == asking


def test_a_proxy_that_anybody_may_have_named_asks_for_nothing() -> None:
    for source in Source:
        asking = replace(by(PROXY, problems.PROXY_WANTS_PASSWORD), route_source=source.value)
        expected = "" if source in (Source.NETWORK, Source.OPEN_SCRIPT) else PROXY
        assert typed_settings.find_asking_proxy(SYSTEM, [asking], "") == expected


@pytest.mark.parametrize(
    ("named", "saved", "words"),
    [
        (PROXY, "", ""),
        (PROXY, PROXY, "Laissez ce champ vide"),
        ("PROXY.exemple.fr:3128", PROXY, "Laissez ce champ vide"),
        ("", PROXY, "Laissez ce champ vide"),
        ("http://", PROXY, "Laissez ce champ vide"),
        (OTHER, PROXY, "saisissez celui de ce proxy"),
    ],
)
def test_the_saved_password_is_said_with_its_proxy(named: str, saved: str, words: str) -> None:
    typed = {**typed_settings.format_settings(SAVED), "proxy.address": named}
    sentence = typed_settings.describe_saved_password(typed, saved)
    assert saved in sentence
    assert bool(sentence) == bool(saved)
    assert words in sentence


def document(state: State, **changes: object) -> StatusDocument:
    return make_status(replace(Snapshot(state, NOW - 60), **changes), SAVED)  # type: ignore[arg-type]


def test_a_problem_is_shown_with_what_to_do_and_who_can_act() -> None:
    problem = problems.CERTIFICATE_EXPIRED
    summary = status_overview.summarize_status(document(State.DISCONNECTED, failure=failed(problem)), NOW)
    assert summary == status_overview.StatusSummary(
        Picture.HEART,
        "Échec de connexion au serveur",
        summary.since,
        summary.remaining,
        f"{locale._(problem.title)} (IEA-T01)",
        locale._(problem.text),
        # without the sentence about assistance mode: it stands in *remaining*
        locale._(problem.advice).partition(" En attendant")[0],
        # the advice names the support desk itself
        "",
        "IEA-T01",
    )
    assert summary.since.startswith("depuis ")
    assert summary.remaining.startswith("Vos bulletins ne sont pas touchés. En attendant,")
    first_run = document(State.DISCONNECTED, failure=failed(problems.NOT_CONFIGURED))
    assert status_overview.summarize_status(first_run, NOW).remaining == ""


def test_a_failed_attempt_that_does_not_change_the_state_is_only_mentioned() -> None:
    failure = failed(problems.CONNECTION_UNANSWERED)
    summary = status_overview.summarize_status(document(State.CONNECTED, failure=failure), NOW)
    assert summary.picture is Picture.BALL
    assert (summary.title, summary.advice) == ("", "")
    assert "IEA-N05" in summary.text


def test_in_assistance_mode_the_advice_says_how_to_leave_it() -> None:
    silent = status_overview.summarize_status(document(State.ASSISTANCE), NOW)
    answering = status_overview.summarize_status(document(State.ASSISTANCE, servers_answer=True), NOW)
    assert "mot de passe du jour" in silent.advice
    assert answering.advice == f"Les serveurs répondent de nouveau. {silent.advice}"


def test_an_agent_that_has_stopped_is_shown_as_such() -> None:
    summary = status_overview.summarize_status(None, NOW)
    assert summary.picture is None
    assert "arrêté" in summary.headline
    assert status_overview.list_buttons(None, EVERYTHING) == {"support": True}
    assert "Dernier état connu" in status_overview.render_overview(None, document(State.CONNECTED), NOW)


@pytest.mark.parametrize("state", list(State))
def test_only_what_the_table_allows_has_a_button(state: State) -> None:
    buttons = status_overview.list_buttons(document(state), EVERYTHING)
    assert ("launch" in buttons) == machine.allows(state, machine.LaunchRequested)
    assert ("reconnect" in buttons) == machine.allows(state, machine.ReauthenticationRequested)
    assert "diagnosis" not in buttons, "nothing is wrong"
    refused = document(state, failure=failed(problems.CONNECTION_REFUSED))
    testable = "diagnosis" in status_overview.list_buttons(refused, EVERYTHING)
    assert testable == machine.allows(state, machine.DiagnosisRequested)
    unconfigured = document(state, failure=failed(problems.NOT_CONFIGURED))
    assert "diagnosis" not in status_overview.list_buttons(unconfigured, EVERYTHING)
    assert "support" in buttons
    assert all(buttons.values())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (42, "dans moins d’une minute"),
        (0, "maintenant"),
        (-3, "maintenant"),
    ],
)
def test_the_next_try_is_told_without_a_countdown(seconds: int, text: str) -> None:
    status = document(State.DISCONNECTED, retry_at=NOW + seconds)
    assert status_overview.describe_next_try(status, NOW) == text


def test_what_is_told_of_the_next_try_stays_until_its_last_minute() -> None:
    """Nothing changes by itself while a person reads (WCAG 2.2.2)."""
    status = document(State.DISCONNECTED, retry_at=NOW + 300)
    texts = {status_overview.describe_next_try(status, NOW + second) for second in range(240)}
    assert len(texts) == 1
    assert texts.pop().startswith("vers ")


def test_a_missing_next_try_is_explained() -> None:
    assert status_overview.describe_next_try(document(State.CONNECTING, working=True), NOW) == "en cours"
    unconfigured = status_overview.describe_next_try(document(State.DISCONNECTED), NOW)
    assert unconfigured == "après un changement des paramètres"


def test_nothing_is_said_of_the_next_try_where_none_is_needed() -> None:
    names = [name for name, _value in status_overview.list_facts(document(State.CONNECTED), NOW)]
    assert "Prochain essai" not in names
    for answer, words in ((False, "ils ne répondent pas"), (True, "ils répondent de nouveau")):
        watched = document(State.ASSISTANCE, servers_answer=answer)
        facts = dict(status_overview.list_facts(watched, NOW))
        assert facts["Serveurs"] == f"surveillés\u00a0; {words}"
        assert "Prochain essai" not in facts


def test_the_window_has_a_line_for_every_fact() -> None:
    failure = failed(problems.CERTIFICATE_EXPIRED, "expired")
    status = document(State.DISCONNECTED, failure=failure, retry_at=NOW)
    status["setting_faults"] = ["proxy.address, ligne 3"]
    status["notices"] = ["Depuis le 02/11/2026…"]
    status["autostart"] = "on"
    status["update"] = "Impact emploi 3.00.73, proposée"
    assert len(status_overview.list_facts(status, NOW)) == status_overview.MOST_FACTS
    assert len(status_text.list_technical_facts(status)) == status_overview.MOST_DETAILS


def test_what_is_technical_is_not_among_the_facts() -> None:
    failure = failed(problems.CONNECTION_REFUSED, "[Errno 10061]")
    facts = status_overview.list_facts(document(State.DISCONNECTED, failure=failure), NOW)
    assert not any("Errno" in value or "https://" in value for _name, value in facts)


@pytest.mark.parametrize(
    ("state", "problem", "best"),
    [
        (State.CONNECTED, None, "launch"),
        (State.CONNECTED, problems.CONNECTION_UNANSWERED, "launch"),
        (State.CONNECTING, None, ""),
        (State.ASSISTANCE, problems.CONNECTION_REFUSED, "launch"),
        (State.DISCONNECTED, problems.NOT_CONFIGURED, "settings"),
        (State.DISCONNECTED, problems.LICENCE_NOT_RECOGNISED, "settings"),
        (State.DISCONNECTED, problems.AUTHORISATION_REFUSED, "support"),
        (State.DISCONNECTED, problems.NO_NETWORK, "reconnect"),
        (State.DISCONNECTED, problems.CONNECTION_REFUSED, "diagnosis"),
    ],
)
def test_the_best_button_is_what_helps_now(state: State, problem: Problem | None, best: str) -> None:
    status = document(state, failure=None if problem is None else failed(problem))
    assert status_overview.find_best_button(status, EVERYTHING) == best
    without_program = replace(EVERYTHING, program=False)
    # where the program is may be said in the settings, but not in assistance mode: then closing is all that is left
    instead = "" if state is State.ASSISTANCE else "settings"
    assert status_overview.find_best_button(status, without_program) == best.replace("launch", instead)


@pytest.mark.parametrize("state", State)
def test_the_way_to_the_updates_is_there_while_a_version_waits(state: State) -> None:
    status = document(state)
    assert "updates" not in status_overview.list_buttons(status, EVERYTHING)
    waits: StatusDocument = {**status, "update": "Impact emploi 3.00.73, prête à installer"}
    buttons = status_overview.list_buttons(waits, EVERYTHING)
    assert list(buttons)[-1] == "updates"
    assert buttons["updates"]
    # what the connection needs stays first
    assert status_overview.find_best_button(waits, EVERYTHING) == status_overview.find_best_button(
        status, EVERYTHING
    )


def test_every_first_step_is_a_button() -> None:
    buttons = {request.name for request in status_overview.LABELS}
    assert {step.value for step in problems.FirstStep} <= buttons
    for code, problem in problems.CATALOGUE.items():
        status = document(State.DISCONNECTED, failure=failed(problem))
        assert status_overview.find_best_button(status, EVERYTHING) == problems.find_first_step(code).value


def test_the_last_24_hours_are_a_sentence_too() -> None:
    hour = 3600.0
    day = (
        Period(ConnectionCourse.OFF, NOW - 24 * hour, NOW - 9 * hour),
        Period(ConnectionCourse.CONNECTED, NOW - 9 * hour, NOW - hour),
        Period(ConnectionCourse.FAILED, NOW - hour, NOW - hour / 2),
        Period(ConnectionCourse.ASSISTANCE, NOW - hour / 2, NOW),
    )
    assert status_overview.describe_history(day).replace("\u00a0", " ") == (
        "Ces dernières 24 heures : connecté 8 h, en échec 30 min, en mode assistance 30 min, arrêté 15 h."
    )
    assert status_overview.describe_history(()) == ""


def test_a_grey_launch_button_says_why() -> None:
    status, nothing = document(State.CONNECTED), Abilities()
    assert status_overview.list_buttons(status, nothing)["launch"] is False
    assert status_overview.explain_grey_launch(status, nothing) == (
        "Logiciel introuvable, à indiquer dans «\u00a0Paramètres de connexion\u00a0»."
    )
    assert status_overview.explain_grey_launch(status, EVERYTHING) == ""
    assert status_overview.explain_grey_launch(document(State.DISCONNECTED), nothing) == ""
    assert status_overview.explain_grey_launch(None, nothing) == ""


def test_an_attempt_that_a_person_asked_for_is_answered() -> None:
    failure = failed(problems.CONNECTION_REFUSED)
    for status, words in (
        (document(State.CONNECTED), "Authentification réussie à "),
        (document(State.CONNECTED, failure=failure), "Dernier essai"),
        (document(State.DISCONNECTED, failure=failure), "Dernier essai"),
    ):
        assert status_overview.describe_outcome(status, NOW).startswith(words)


def sentences(*modules: str) -> Iterator[str]:
    """Every string that these modules have translated."""
    for module in modules:
        for node in ast.walk(ast.parse((DIALOGS / f"{module}.py").read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("_", "N_")
                and isinstance(node.args[0], ast.Constant)
            ):
                yield str(node.args[0].value)


@pytest.mark.parametrize("language", locale.LANGUAGES)
@pytest.mark.parametrize(
    "modules",
    [
        ("settings_dialog", "settings_rows", "server_test_panel", "stage_results", "repair_offers"),
        ("status_dialog", "status_overview"),
        ("support_dialog", "support_overview", "first_help_panel", "letter_panel", "papers_panel"),
        ("updates_dialog", "version_reader", "reading_pane"),
    ],
)
def test_no_two_labels_of_a_dialog_share_an_accelerator(modules: tuple[str, ...], language: str) -> None:
    try:
        locale.choose(language)
        texts = {*sentences(*modules)}
        if "status_overview" in modules:
            texts |= {*status_overview.LABELS.values()}
        labels = {locale._(text) for text in texts if "&" in text}
        question = {locale._(text) for text in ("&Ne pas enregistrer", "&Annuler")}  # a window of its own
        confirmation = {locale._("&Activer")}  # another one
        test_button = {locale._(text) for text in ("&Tester l'accès aux serveurs", "Arrêter le &test")}
        folds = [
            {locale._(f"Afficher les {details}"), locale._(f"Masquer les {details}")}
            for details in ("détails techni&ques", "détai&ls techniques")
        ]
    finally:
        locale.choose("fr")
    once = {min(test_button), *map(min, folds)}
    for together in (labels - question - confirmation - once, question):
        letters = [label[label.index("&") + 1].lower() for label in together]
        assert len(letters) == len(set(letters)), sorted(together)


@pytest.mark.parametrize("module", sorted(path.stem for path in DIALOGS.glob("*.py")))
def test_french_typography(module: str) -> None:
    for text in sentences(module):
        assert not re.search(r" [:;?!»]|« ", text), f"a space that may break: {text!r}"
