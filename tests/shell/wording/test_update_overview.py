"""What the window of the updates says in each state, and what helps then."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from iea_agent import locale
from iea_agent.domain import problems
from iea_agent.domain.download_plan import Progress
from iea_agent.domain.timing import INSTALLER_LONG
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_choice import RULES, Listed, Reason, UpdateChoice, Wishes
from iea_agent.domain.update_machine import (
    UPDATE_TABLE,
    DownloadCancelled,
    DownloadPaused,
    DownloadRequested,
    InstallRequested,
    UpdateEvent,
    UpdateSnapshot,
    UpdateState,
    VersionProposed,
    VersionSkipped,
)
from iea_agent.domain.update_record import LaunchWish
from iea_agent.shell.wording.update_overview import (
    LAUNCH_AFTER,
    CheckFacts,
    UpdateAction,
    UpdateFacts,
    UpdateSummary,
    explain_version,
    find_first,
    label_action,
    may_ask,
    name_version,
    summarize_update,
    word_check,
    word_download,
    word_installed,
    word_quarter,
)
from tests.releases import make_offer

NOW = time.mktime((2026, 11, 30, 18, 2, 0, 0, 0, -1))
CHECKED = CheckFacts(checked=NOW - 60)
INSTALLED = Listed(make_offer("3.00.72"), (Reason.INSTALLED,))
PROPOSED = Listed(make_offer("3.00.73"), ())
EVENTS: dict[UpdateAction, type[UpdateEvent]] = {
    UpdateAction.DOWNLOAD: DownloadRequested,
    UpdateAction.RESUME: DownloadRequested,
    UpdateAction.RETRY: DownloadRequested,
    UpdateAction.INSTALL: InstallRequested,
    UpdateAction.PAUSE: DownloadPaused,
    UpdateAction.CANCEL: DownloadCancelled,
    UpdateAction.SKIP: VersionSkipped,
    UpdateAction.RECALL: VersionProposed,
}


def make_facts(state: UpdateState, *listed: Listed, **changes: object) -> UpdateFacts:
    """Return an update in *state*, of the first of *listed*."""
    listed = listed or (PROPOSED, INSTALLED)
    version = "" if state is UpdateState.NONE else listed[0].offer.release.version
    snapshot = UpdateSnapshot(state, NOW - 60, version, length=210_000_000 if version else 0)
    facts = UpdateFacts(ReleaseKind.PRODUCT, "3.00.72", snapshot, UpdateChoice(None, listed))
    return replace(facts, **changes)  # type: ignore[arg-type]


def summarize(
    facts: UpdateFacts, check: CheckFacts = CHECKED, *preparations: str, can_launch: bool = True
) -> UpdateSummary:
    summary = summarize_update(facts, check, preparations, NOW, can_launch=can_launch)
    return replace(summary, headline=plain(summary.headline), text=plain(summary.text))


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("’", "'")


def test_a_version_that_the_night_installs_says_so() -> None:
    ready = make_facts(UpdateState.READY)
    assert "Rien n'est installé sans votre clic." in summarize(ready).text
    text = summarize(replace(ready, at_night=True)).text
    assert "la nuit, entre 1 h et 5 h" in text
    assert "sans votre clic" not in text


@pytest.mark.parametrize("state", UpdateState)
def test_every_state_has_its_words_and_only_buttons_that_do_something(state: UpdateState) -> None:
    summary = summarize(make_facts(state))
    assert summary.headline.startswith("Impact emploi : ")
    assert summary.best is None or summary.best in summary.actions
    for action in summary.actions:
        # a version that is asked for is proposed first
        if action in EVENTS and state is not UpdateState.NONE:
            assert (state, EVENTS[action]) in UPDATE_TABLE


@pytest.mark.parametrize(
    ("state", "best"),
    [
        (UpdateState.NONE, None),
        (UpdateState.AVAILABLE, UpdateAction.DOWNLOAD),
        (UpdateState.PAUSED, UpdateAction.RESUME),
        (UpdateState.READY, UpdateAction.INSTALL),
        (UpdateState.INSTALLED, UpdateAction.LAUNCH),
        (UpdateState.FAILED, UpdateAction.RETRY),
    ],
)
def test_what_helps_next_comes_first(state: UpdateState, best: UpdateAction | None) -> None:
    assert summarize(make_facts(state)).best is best


def test_nothing_to_do_says_why() -> None:
    nothing = UpdateChoice(None, ())
    for facts, check, picture, headline, text in (
        (make_facts(UpdateState.NONE, INSTALLED), CHECKED, "tick", "à jour", "Aucune version plus récente"),
        (
            make_facts(UpdateState.NONE, choice=nothing),
            CheckFacts(),
            "ball",
            "pas encore vérifié",
            "Cliquez sur « Actualiser »",
        ),
        (
            make_facts(UpdateState.NONE, Listed(PROPOSED.offer, (Reason.ROLLING_OUT,)), INSTALLED),
            CHECKED,
            "ball",
            "version 3.00.73 – proposée progressivement",
            "proposée progressivement",
        ),
        (
            make_facts(UpdateState.NONE, choice=UpdateChoice(None, (), is_installed_withdrawn=True)),
            CHECKED,
            "refused",
            "la version installée a été retirée",
            "Installez la suivante",
        ),
    ):
        summary = summarize(facts, check)
        assert (summary.picture, summary.headline) == (picture, f"Impact emploi : {headline}")
        assert text in summary.text
    assert summarize(make_facts(UpdateState.NONE, INSTALLED), CheckFacts(code="IEA-N02")).picture == "ball"
    asked = summarize(make_facts(UpdateState.NONE, Listed(PROPOSED.offer, (Reason.QUIET_DAY,))))
    assert asked.actions == (UpdateAction.DOWNLOAD,), "a person may have it at once"
    assert summarize(make_facts(UpdateState.NONE, Listed(PROPOSED.offer, (Reason.NOT_YET,)))).actions == ()


def test_an_offer_says_its_size_its_danger_its_deadline_and_why_it_waits() -> None:
    offer = make_offer(critical=True, deadline="2026-12-12T08:00:00Z")
    summary = summarize(make_facts(UpdateState.AVAILABLE, Listed(offer, (Reason.PUT_OFF,))))
    for sentence in ("210 Mo à télécharger", "un défaut grave", "avant le 12/12/2026", "remis cette version"):
        assert sentence in summary.text
    assert UpdateAction.SKIP not in summary.actions, "nobody skips a critical one"
    # the catalogue on this PC no longer has it
    assert "210 Mo" in summarize(make_facts(UpdateState.AVAILABLE, choice=UpdateChoice(None, ()))).text


def test_a_download_that_failed_names_its_problem_and_an_installation_its_result() -> None:
    facts = make_facts(UpdateState.FAILED)
    problem = problems.UPDATE_FILE_MISSING
    failed = summarize(replace(facts, snapshot=replace(facts.snapshot, code=problem.code)))
    assert (failed.headline, failed.code) == (
        "Impact emploi : le téléchargement n'a pas abouti",
        problem.code,
    )
    assert plain(problem.text) in failed.text
    assert failed.actions == (UpdateAction.RETRY, UpdateAction.SKIP, UpdateAction.CANCEL)
    installing = summarize(replace(facts, result=("L'installation a échoué (code 1603).",)))
    assert installing.headline == "Impact emploi : l'installation n'a pas abouti"
    assert installing.text == "L'installation a échoué (code 1603)."
    assert "contactez l'assistance" in summarize(facts).text
    assert summarize(facts).actions == (UpdateAction.RETRY, UpdateAction.SKIP)


def test_a_version_that_was_put_off_says_until_when() -> None:
    until = Wishes(put_off={"3.00.73": NOW + 3600})
    waits = Listed(PROPOSED.offer, (Reason.PUT_OFF,))
    for state in (UpdateState.NONE, UpdateState.READY):
        summary = summarize(make_facts(state, waits, INSTALLED, wishes=until), CHECKED, "Une sauvegarde.")
        assert summary.headline == "Impact emploi : version 3.00.73 remise à plus tard"
        assert "proposée de nouveau aujourd'hui à 19 h 02" in summary.text
        assert "sauvegarde" not in summary.text
        assert summary.best is None, "Enter closes the window"
    assert UpdateAction.INSTALL in summary.actions
    at_night = summarize(make_facts(UpdateState.READY, waits, INSTALLED, wishes=until, at_night=True))
    assert "la nuit" not in at_night.text, "no night installs what was put off"
    over = make_facts(UpdateState.READY, wishes=Wishes(put_off={"3.00.73": NOW}))
    assert summarize(over) == summarize(make_facts(UpdateState.READY))


def test_a_version_that_was_skipped_is_out_of_sight_but_for_the_way_back() -> None:
    skipped = Listed(PROPOSED.offer, (Reason.SKIPPED,))
    facts = make_facts(UpdateState.NONE, skipped, INSTALLED)
    assert facts.readable == (INSTALLED,)
    summary = summarize(facts)
    assert (summary.headline, summary.best) == ("Impact emploi : version 3.00.73 ignorée", None)
    assert "ne vous sera plus proposée" in summary.text
    assert summary.actions == (UpdateAction.RECALL,)
    assert plain(label_action(UpdateAction.RECALL, facts)) == "&Ne plus ignorer la version 3.00.73"
    # another one that may be taken comes first, and the way back stays
    gradual = Listed(make_offer("3.00.72.1"), (Reason.ROLLING_OUT,))
    other = summarize(make_facts(UpdateState.NONE, skipped, gradual, INSTALLED))
    assert other.actions == (UpdateAction.DOWNLOAD, UpdateAction.RECALL)
    assert "progressivement" in other.text
    # not beside what runs
    under_way = replace(
        make_facts(UpdateState.DOWNLOADING, gradual), choice=UpdateChoice(None, (skipped, gradual))
    )
    assert UpdateAction.RECALL not in summarize(under_way).actions


def test_a_version_beyond_its_deadline_neither_waits_nor_is_skipped() -> None:
    overdue = Listed(make_offer(deadline="2026-11-01T08:00:00Z"), ())
    for state in (UpdateState.AVAILABLE, UpdateState.READY):
        actions = summarize(make_facts(state, overdue)).actions
        assert not {UpdateAction.SKIP, UpdateAction.PUT_OFF} & set(actions)


def test_before_during_and_after_the_installation() -> None:
    ready = make_facts(UpdateState.READY, result=("Fermez d'abord Impact emploi.",))
    assert summarize(ready, CHECKED, "Faites une sauvegarde.").text.splitlines() == [
        "Fermez d'abord Impact emploi.",
        "Le fichier est sur ce poste et vérifié.",
        "Rien n'est installé sans votre clic.",
        "• Faites une sauvegarde.",
    ]
    without_rights = summarize(replace(ready, command="iea-agent update install"))
    assert UpdateAction.COPY_COMMAND in without_rights.actions
    assert UpdateAction.COPY_COMMAND not in summarize(ready).actions
    unknown = make_facts(UpdateState.READY, Listed(PROPOSED.offer, (Reason.UNKNOWN_INSTALLED,)))
    assert "connue" not in summarize(unknown).text, "it was asked for"
    # the agent replaces itself
    assert "votre clic" not in summarize(replace(ready, kind=ReleaseKind.AGENT)).text
    running = make_facts(UpdateState.INSTALLING)
    assert "toujours en cours" not in summarize(running).text
    long = replace(running, snapshot=replace(running.snapshot, since=NOW - INSTALLER_LONG - 1))
    assert "toujours en cours" in summarize(long).text
    done = make_facts(UpdateState.INSTALLED, result=("a", "b", "c"))
    assert summarize(done).text == "• a\n• b\n• c"
    assert summarize(done, can_launch=False).actions == ()
    assert summarize(replace(done, kind=ReleaseKind.AGENT)).actions == ()


def test_a_launch_is_offered_before_the_installation_and_explained_after_it() -> None:
    ready = make_facts(UpdateState.READY)
    assert summarize(ready).offers_launch
    assert not summarize(ready, can_launch=False).offers_launch
    assert not summarize(replace(ready, kind=ReleaseKind.AGENT)).offers_launch
    assert not summarize(make_facts(UpdateState.INSTALLED)).offers_launch
    ended = {wish: summarize(make_facts(UpdateState.INSTALLED, launch=wish)) for wish in LaunchWish}
    assert ended[LaunchWish.NONE].text == ""
    awaited = ended[LaunchWish.ASKED]
    assert "dès que ce poste sera connecté" in awaited.text
    assert (awaited.actions, awaited.best) == ((), None), "a second one would be launched"
    missed = ended[LaunchWish.MISSED]
    assert "n'a pas été lancé" in missed.text
    assert missed.best is UpdateAction.LAUNCH
    done = ended[LaunchWish.DONE]
    assert done.text == "Impact emploi a été lancé."
    assert (done.actions, done.best) == ((UpdateAction.LAUNCH,), None)


def test_nothing_but_sentences_is_shown_in_english() -> None:
    """Gettext answers an empty text with the head of its catalogue."""
    try:
        locale.choose("en")
        for state in UpdateState:
            summary = summarize(make_facts(state))
            assert "charset" not in summary.text, state
        assert word_quarter(Progress(1, 1000)) == ""
    finally:
        locale.choose("fr")


def test_another_pc_that_fetches_the_file_is_named() -> None:
    assert (
        "Le poste « COMPTA-2 »" in summarize(make_facts(UpdateState.DOWNLOADING, waits_for="COMPTA-2")).text
    )


def test_the_last_check_is_dated_and_its_problem_named() -> None:
    assert word_check(CheckFacts(), NOW) == ""
    assert plain(word_check(CHECKED, NOW)) == "Dernière vérification : aujourd'hui à 18 h 01"
    assert plain(word_check(CheckFacts(is_pending=True), NOW)) == "Vérification en cours…"
    failed = replace(CHECKED, code=problems.NAME_UNKNOWN.code)
    assert plain(word_check(failed, NOW)).splitlines() == [
        "La dernière vérification n'a pas abouti : Serveur introuvable (IEA-N02).",
        "Dernière vérification réussie : aujourd'hui à 18 h 01",
    ]
    assert "Dernière" not in word_check(CheckFacts(code="IEA-N02"), NOW)


def test_a_screen_reader_hears_four_sentences_of_a_download() -> None:
    heard = [word_quarter(Progress(received, 1000)) for received in range(0, 1001, 10)]
    assert list(dict.fromkeys(heard)) == [
        "",
        "Un quart est téléchargé.",
        "La moitié est téléchargée.",
        "Les trois quarts sont téléchargés.",
        "Tout est téléchargé\u00a0: vérification du fichier…",
    ]
    assert word_quarter(None) == word_quarter(Progress(0, 0)) == ""
    facts = make_facts(UpdateState.DOWNLOADING, progress=Progress(75_800_000, 210_000_000, 2_000_000))
    assert plain(word_download(facts)) == "75,8 Mo sur 210 Mo, 2,0 Mo/s, encore 68 s"
    assert word_download(make_facts(UpdateState.PAUSED)) == ""


def test_the_list_names_every_reason() -> None:
    names = [name_version(Listed(PROPOSED.offer, (reason,))) for reason in RULES]
    assert all(name.startswith("3.00.73 – ") and len(name) > 12 for name in names)
    assert name_version(PROPOSED) == "3.00.73 – proposée"


def test_only_another_version_that_suits_may_be_asked_for() -> None:
    later = Listed(make_offer("3.00.74"), (Reason.ROLLING_OUT,))
    facts = make_facts(UpdateState.AVAILABLE, PROPOSED, later, INSTALLED)
    assert [may_ask(facts, each) for each in facts.choice.listed] == [False, True, False]
    busy = make_facts(UpdateState.INSTALLING, PROPOSED, later)
    assert not may_ask(busy, later)


def test_a_reason_is_said_once() -> None:
    later = Listed(make_offer("3.00.74"), (Reason.ROLLING_OUT,))
    facts = make_facts(UpdateState.AVAILABLE, PROPOSED, later, INSTALLED)
    sentences = [plain(explain_version(facts, each)) for each in facts.choice.listed]
    assert sentences[0] == sentences[2] == ""
    assert "progressivement" in sentences[1]
    nothing = make_facts(UpdateState.NONE, later, INSTALLED)
    assert explain_version(nothing, later) == "", "the left half says it"
    assert "progressivement" in summarize(nothing).text
    ready = make_facts(UpdateState.READY, Listed(PROPOSED.offer, (Reason.SKIPPED,)))
    assert "d'ignorer cette version" in summarize(ready).text


def test_the_version_under_way_is_read_first_else_the_installed_one() -> None:
    older = Listed(make_offer("3.00.71"), (Reason.OLDER,))
    assert find_first(make_facts(UpdateState.READY)) == PROPOSED.offer.release
    assert find_first(make_facts(UpdateState.NONE, INSTALLED, older)) == INSTALLED.offer.release
    assert find_first(make_facts(UpdateState.NONE, older)) == older.offer.release
    assert find_first(make_facts(UpdateState.NONE, choice=UpdateChoice(None, ()))) is None


@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_no_two_buttons_of_the_window_share_a_letter(language: str) -> None:
    """Those of one state, with all that stands in the window beside them."""
    beside = (
        *("&Version à lire", "Demander cette versi&on", "Rec&hercher (Ctrl+F)", "&Suivant", "I&mprimer…"),
        *("Installer depuis &un fichier…", "&Actualiser", "&Fermer"),
    )
    try:
        locale.choose(language)
        kinds = [word_installed(make_facts(UpdateState.NONE, kind=kind)) for kind in ReleaseKind]
        every = [make_facts(state) for state in UpdateState]
        failed = make_facts(UpdateState.FAILED)
        code = problems.UPDATE_FILE_MISSING.code
        refused = make_facts(UpdateState.READY, command="iea-agent update install")
        older = Listed(make_offer("3.00.72.1"), ())
        skipped = UpdateChoice(None, (Listed(PROPOSED.offer, (Reason.SKIPPED,)), older))
        every += [replace(make_facts(state, older), choice=skipped) for state in UpdateState]
        for facts in (*every, refused, replace(failed, snapshot=replace(failed.snapshot, code=code))):
            actions = [label_action(action, facts) for action in summarize(facts).actions]
            offered = [LAUNCH_AFTER] if summarize(facts).offers_launch else []
            labels = [*actions, *kinds, *map(locale._, (*beside, *offered))]
            letters = [label[label.index("&") + 1].lower() for label in labels]
            assert len(letters) == len(set(letters)), sorted(labels)
    finally:
        locale.choose("fr")


def test_labels_say_version_and_size() -> None:
    facts = make_facts(UpdateState.AVAILABLE)
    assert plain(label_action(UpdateAction.DOWNLOAD, facts)) == "&Télécharger (1 Ko)".replace(
        "1 Ko", "1,0 Ko"
    )
    assert label_action(UpdateAction.PAUSE, facts) == "&Pause"
    assert plain(word_installed(facts)) == "Impact &emploi, version installée : 3.00.72"
    unknown = replace(facts, installed="", kind=ReleaseKind.AGENT)
    assert plain(word_installed(unknown)) == "Programme de &connexion, version installée : inconnue"
