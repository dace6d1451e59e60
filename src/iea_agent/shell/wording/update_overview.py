"""What the window of the updates shows of one, and what a person may do now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from iea_agent.domain.download_plan import Progress
from iea_agent.domain.problems import CATALOGUE, N_
from iea_agent.domain.timing import INSTALLER_LONG, NIGHT_BEGIN, NIGHT_END
from iea_agent.domain.update_catalogue import Release, ReleaseKind
from iea_agent.domain.update_choice import (
    Listed,
    Postponement,
    Reason,
    UpdateChoice,
    Wishes,
    may_put_off,
    may_skip,
)
from iea_agent.domain.update_machine import UpdateSnapshot, UpdateState, VersionProposed, allows_update
from iea_agent.domain.update_record import LaunchWish
from iea_agent.locale import _

from .problem_details import BULLET, format_steps
from .time_text import format_moment
from .update_text import INSTALLED_WITHDRAWN, KINDS, format_size, word_progress, word_reasons


class UpdateAction(Enum):
    """What a person may do with an update; the value is the button's label."""

    DOWNLOAD = N_("&Télécharger")
    RESUME = N_("&Reprendre")
    RETRY = N_("&Réessayer")
    INSTALL = N_("&Installer")
    LAUNCH = N_("&Lancer Impact emploi")
    PAUSE = N_("&Pause")
    CANCEL = N_("A&nnuler le téléchargement")
    PUT_OFF = N_("Plus tar&d…")
    SKIP = N_("I&gnorer cette version")
    COPY_COMMAND = N_("Co&pier la commande")
    RECALL = N_("&Ne plus ignorer la version {version}")


POSTPONEMENTS: Mapping[Postponement, str] = {
    Postponement.HOUR: N_("Dans une &heure"),
    Postponement.TOMORROW: N_("&Demain matin"),
    Postponement.AFTER_DUE_DATE: N_("&Après la prochaine échéance"),
}
"""The lines of the menu of « Plus tard… »."""


PUT_OFF: Mapping[Postponement, str] = {
    Postponement.HOUR: N_("Cette version vous sera proposée de nouveau dans une heure."),
    Postponement.TOMORROW: N_("Cette version vous sera proposée de nouveau demain matin."),
    Postponement.AFTER_DUE_DATE: N_(
        "Cette version vous sera proposée de nouveau après la prochaine échéance."
    ),
}
"""What is said once the version was put off."""
SKIPPED = N_("Cette version ne vous sera plus proposée ; ce qui en était téléchargé est supprimé.")
RECALLED = N_("Cette version n'est plus ignorée.")


@dataclass(frozen=True, slots=True)
class UpdateFacts:
    """Where the update of *kind* is; *installed* is "" if unknown.

    *progress* is that of the download under way; with *waits_for*, that PC of the site fetches the file. *result* are the sentences about the last
    installation that ended. *command* is what an administrator types, "" if none is needed. *launch* is what becomes of the wish that came with it.
    *wishes* are the versions that a person has skipped or put off.
    *at_night*: the version is installed at night, as the policy wants it.
    """

    kind: ReleaseKind
    installed: str
    snapshot: UpdateSnapshot
    choice: UpdateChoice
    progress: Progress | None = None
    waits_for: str = ""
    result: tuple[str, ...] = ()
    command: str = ""
    launch: LaunchWish = LaunchWish.NONE
    wishes: Wishes = field(default_factory=Wishes)
    at_night: bool = False

    @property
    def listed(self) -> Listed | None:
        """The version that is under way, else the latest that a person may take."""
        if self.snapshot.version:
            return self.find_listed(self.snapshot.version)
        return next((each for each in self.readable if each.is_allowed), None)

    @property
    def readable(self) -> tuple[Listed, ...]:
        """The versions that a person looks at: without those that were skipped."""
        under_way = self.snapshot.version
        return tuple(
            each
            for each in self.choice.listed
            if Reason.SKIPPED not in each.reasons or each.offer.release.version == under_way
        )

    @property
    def skipped(self) -> Listed | None:
        """The latest version that a person has skipped and may take after all."""
        others = (each for each in self.choice.listed if each not in self.readable)
        return next((each for each in others if each.is_allowed), None)

    def find_return(self, version: str, now: float) -> float:
        """Return when *version*, which was put off, is proposed again; 0 if it was not."""
        until = self.wishes.put_off.get(version, 0.0)
        return until if until > now else 0.0

    def find_listed(self, version: str) -> Listed | None:
        """Return the *version* of the list, None if it is not in it."""
        return next((each for each in self.choice.listed if each.offer.release.version == version), None)


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """The checks: one *is_pending*, the last good one was *checked* at (wall clock).

    *code* is the problem of the last one, "" if it succeeded.
    """

    is_pending: bool = False
    checked: float = 0.0
    code: str = ""


@dataclass(frozen=True, slots=True)
class UpdateSummary:
    """The upper part of the window; *best* is the action that helps next.

    *offers_launch*: a person may have Impact emploi launched after the installation.
    """

    picture: str
    headline: str
    text: str = ""
    actions: tuple[UpdateAction, ...] = ()
    best: UpdateAction | None = None
    code: str = ""
    offers_launch: bool = False


@dataclass(frozen=True, slots=True)
class _StateWords:
    """What is shown in a state: picture, headline, sentence, and the actions."""

    picture: str
    headline: str
    text: str = ""
    actions: tuple[UpdateAction, ...] = ()
    best: UpdateAction | None = None


_OFFERED = (UpdateAction.PUT_OFF, UpdateAction.SKIP)
_STATES: Mapping[UpdateState, _StateWords] = {
    UpdateState.AVAILABLE: _StateWords(
        "ball",
        N_("{name} : version {version} proposée"),
        actions=(UpdateAction.DOWNLOAD, *_OFFERED),
        best=UpdateAction.DOWNLOAD,
    ),
    UpdateState.DOWNLOADING: _StateWords(
        "ball",
        N_("{name} : téléchargement de la version {version}"),
        N_("Vous pouvez continuer à travailler, et fermer cette fenêtre : le téléchargement continue."),
        (UpdateAction.PAUSE, UpdateAction.CANCEL),
    ),
    UpdateState.PAUSED: _StateWords(
        "ball",
        N_("{name} : téléchargement en pause"),
        N_("Ce qui est déjà reçu est gardé. Le téléchargement attend que vous cliquiez sur « Reprendre »."),
        (UpdateAction.RESUME, UpdateAction.CANCEL),
        UpdateAction.RESUME,
    ),
    UpdateState.READY: _StateWords(
        "ball",
        N_("{name} : version {version} prête à installer"),
        actions=(UpdateAction.INSTALL, *_OFFERED),
        best=UpdateAction.INSTALL,
    ),
    UpdateState.INSTALLING: _StateWords(
        "ball",
        N_("{name} : installation de la version {version} en cours"),
        N_(
            "N'éteignez pas l'ordinateur. Le programme d'installation peut ouvrir une fenêtre et vous poser des questions."
        ),
    ),
    UpdateState.INSTALLED: _StateWords("tick", N_("{name} : version {version} installée")),
    UpdateState.FAILED: _StateWords(
        "barred",
        N_("{name} : l'installation n'a pas abouti"),
        actions=(UpdateAction.RETRY, UpdateAction.SKIP),
        best=UpdateAction.RETRY,
    ),
    UpdateState.WITHDRAWN: _StateWords(
        "refused",
        N_("{name} : version {version} retirée"),
        N_(
            "Son éditeur ne la propose plus ; ce qui était téléchargé est supprimé. Vous n'avez rien à faire : gardez la version installée."
        ),
    ),
}
LAUNCH_AFTER = N_("&Lancer Impact emploi après l'installation")
"""The check box beside « Installer »."""
_LAUNCHES: Mapping[LaunchWish, tuple[str, tuple[UpdateAction, ...], UpdateAction | None]] = {
    LaunchWish.NONE: ("", (UpdateAction.LAUNCH,), UpdateAction.LAUNCH),
    # no button: it would launch a second one
    LaunchWish.ASKED: (
        N_("Impact emploi sera lancé dès que ce poste sera connecté au serveur, ou en mode assistance."),
        (),
        None,
    ),
    LaunchWish.MISSED: (
        N_(
            "Impact emploi n'a pas été lancé : ce poste n'était ni connecté au serveur, ni en mode assistance."
        ),
        (UpdateAction.LAUNCH,),
        UpdateAction.LAUNCH,
    ),
    LaunchWish.DONE: (N_("Impact emploi a été lancé."), (UpdateAction.LAUNCH,), None),
}
"""What is said of a launch after the installation, the actions then, and the best one."""
_PUT_OFF = N_("{name} : version {version} remise à plus tard")
_NO_OTHER = N_(
    "À votre demande, elle ne vous sera plus proposée. Aucune autre version ne l'est pour l'instant."
)
_WAITING = (Reason.SKIPPED, Reason.PUT_OFF, Reason.PROGRAM_RUNS)
"""Why a person may want to wait although the file is there."""
_TRY_AGAIN = N_("Cliquez sur « Réessayer » ; si l'échec se répète, contactez l'assistance.")
_SHORT_REASONS: Mapping[Reason, str] = {
    Reason.WITHDRAWN: N_("retirée"),
    Reason.INSTALLED: N_("installée"),
    Reason.OLDER: N_("plus ancienne"),
    Reason.ADMINISTRATORS: N_("mise à jour par l'administrateur"),
    Reason.AGENT_TOO_OLD: N_("pas encore possible"),
    Reason.WINDOWS_TOO_OLD: N_("impossible sur ce poste"),
    Reason.PRODUCT_TOO_OLD: N_("pas encore possible"),
    Reason.NOT_YET: N_("annoncée"),
    Reason.UNKNOWN_INSTALLED: N_("sur demande"),
    Reason.ROLLING_OUT: N_("proposée progressivement"),
    Reason.QUIET_DAY: N_("après l'échéance"),
    Reason.PROGRAM_RUNS: N_("quand Impact emploi sera fermé"),
    Reason.SKIPPED: N_("ignorée"),
    Reason.PUT_OFF: N_("remise à plus tard"),
    Reason.FAILED_TRIAL: N_("plus tard"),
}
"""Why a version is not proposed, in a list."""


def summarize_update(
    facts: UpdateFacts, check: CheckFacts, preparations: Sequence[str], now: float, *, can_launch: bool
) -> UpdateSummary:
    """Return what to show of *facts* at *now*; *preparations* come before installing."""
    if facts.snapshot.state is UpdateState.NONE:
        return _summarize_nothing(facts, check, now)
    words = _STATES[facts.snapshot.state]
    headline, code = words.headline, facts.snapshot.code
    actions, best = words.actions, words.best
    if code:
        headline = N_("{name} : le téléchargement n'a pas abouti")
        actions = (*actions, UpdateAction.CANCEL)
    may_launch = can_launch and facts.kind is ReleaseKind.PRODUCT
    if facts.snapshot.state is UpdateState.INSTALLED and may_launch:
        _words, actions, best = _LAUNCHES[facts.launch]
    if facts.command and facts.snapshot.state is UpdateState.READY:
        actions = (UpdateAction.INSTALL, UpdateAction.COPY_COMMAND, UpdateAction.PUT_OFF)
    if facts.snapshot.state is UpdateState.READY and facts.find_return(facts.snapshot.version, now):
        headline, best = _PUT_OFF, None
    return UpdateSummary(
        words.picture,
        _fill(headline, facts, facts.snapshot.version),
        "\n".join(filter(None, (*_describe_state(facts, preparations, now), _(words.text)))),
        _select_actions(facts, actions, now),
        best,
        code,
        offers_launch=facts.snapshot.state is UpdateState.READY and may_launch,
    )


def _select_actions(
    facts: UpdateFacts, actions: tuple[UpdateAction, ...], now: float
) -> tuple[UpdateAction, ...]:
    """Return those of *actions* that do something at *now*, and the way back if any."""
    listed = facts.listed
    refused = set[UpdateAction]()
    if listed is not None and not may_skip(listed.offer.release, now):
        refused.add(UpdateAction.SKIP)
    if listed is not None and not may_put_off(listed.offer.release, now):
        refused.add(UpdateAction.PUT_OFF)
    may_recall = facts.skipped is not None and UpdateAction.CANCEL not in actions
    if may_recall and (
        facts.snapshot.state is UpdateState.NONE or allows_update(facts.snapshot.state, VersionProposed)
    ):
        actions = (*actions, UpdateAction.RECALL)
    return tuple(each for each in actions if each not in refused)


def _fill(sentence: str, facts: UpdateFacts, version: str = "") -> str:
    return _(sentence).format(name=_(KINDS[facts.kind.value]), version=version)


def _summarize_nothing(facts: UpdateFacts, check: CheckFacts, now: float) -> UpdateSummary:
    """Return what to show if no version is under way."""
    listed, latest, skipped = facts.listed, next(iter(facts.readable), None), facts.skipped
    actions = _select_actions(facts, (UpdateAction.DOWNLOAD,) if listed is not None else (), now)
    if facts.choice.is_installed_withdrawn:
        headline = _fill(N_("{name} : la version installée a été retirée"), facts)
        return UpdateSummary("refused", headline, _(INSTALLED_WITHDRAWN), actions)
    if not check.checked and latest is None:
        sentence = _("Aucune vérification n'a encore abouti sur ce poste. Cliquez sur « Actualiser ».")
        return UpdateSummary("ball", _fill(N_("{name} : pas encore vérifié"), facts), sentence, actions)
    if skipped is not None and listed is None:
        headline = _fill(N_("{name} : version {version} ignorée"), facts, skipped.offer.release.version)
        return UpdateSummary("ball", headline, _(_NO_OTHER), actions)
    if latest is None or {Reason.INSTALLED, Reason.OLDER} & set(latest.reasons):
        return UpdateSummary(
            "ball" if check.code else "tick",
            _fill(N_("{name} : à jour"), facts),
            _("Aucune version plus récente n'est proposée."),
        )
    until = facts.find_return(latest.offer.release.version, now)
    if until:
        headline = _fill(_PUT_OFF, facts, latest.offer.release.version)
        return UpdateSummary("ball", headline, _word_return(until, now), actions)
    headline = _fill(N_("{name} : version {version}"), facts, name_version(latest))
    return UpdateSummary("ball", headline, word_reasons(latest.reasons), actions)


def _word_return(until: float, now: float) -> str:
    sentence = _("Vous l'avez remise à plus tard : elle vous sera proposée de nouveau {when}.")
    return sentence.format(when=format_moment(until, now))


def _describe_state(facts: UpdateFacts, preparations: Sequence[str], now: float) -> Iterator[str]:
    """Yield the sentences that come before those of the state."""
    match facts.snapshot.state:
        case UpdateState.AVAILABLE:
            yield from _describe_offer(facts)
        case UpdateState.DOWNLOADING if facts.waits_for:
            sentence = _("Le poste « {name} » télécharge déjà ce fichier : il sera repris de là.")
            yield sentence.format(name=facts.waits_for)
        case UpdateState.READY:
            until = facts.find_return(facts.snapshot.version, now)
            if until:
                yield _word_return(until, now)
            yield from facts.result
            yield _("Le fichier est sur ce poste et vérifié.")
            # the agent replaces itself: the preparations say so
            if facts.kind is ReleaseKind.PRODUCT:
                # at night, too, nothing is installed that was put off
                is_by_itself = facts.at_night and not until
                yield _word_night() if is_by_itself else _("Rien n'est installé sans votre clic.")
            if until:
                return
            reasons = facts.listed.reasons if facts.listed else ()
            yield word_reasons(tuple(each for each in reasons if each in _WAITING))
            yield from (f"{BULLET}{each}" for each in preparations)
        case UpdateState.INSTALLING if now - facts.snapshot.since > INSTALLER_LONG:
            yield _("L'installation est toujours en cours : regardez si une fenêtre attend une réponse.")
        case UpdateState.INSTALLED:
            yield from (f"{BULLET}{each}" for each in facts.result)
            yield _(_LAUNCHES[facts.launch][0])
        case UpdateState.FAILED:
            yield from _describe_failure(facts)


def _word_night() -> str:
    sentence = _(
        "Votre administrateur a prévu de l'installer la nuit, entre {begin} h et {end} h, si ce poste est allumé et Impact emploi "
        "fermé. Vous pouvez aussi l'installer maintenant."
    )
    return sentence.format(begin=int(NIGHT_BEGIN // 3600), end=int(NIGHT_END // 3600))


def _describe_offer(facts: UpdateFacts) -> Iterator[str]:
    listed = facts.listed
    size = _("{size} à télécharger. Vous pouvez continuer à travailler pendant ce temps.")
    yield size.format(size=format_size(facts.snapshot.length))
    if listed is None:
        return
    release = listed.offer.release
    if release.critical:
        yield _("Cette version corrige un défaut grave : installez-la dès que possible.")
    if release.deadline is not None:
        yield _("À installer avant le {date}.").format(date=release.deadline.strftime(_("%d/%m/%Y")))
    yield word_reasons(listed.reasons)


def _describe_failure(facts: UpdateFacts) -> Iterator[str]:
    if facts.snapshot.code:
        problem = CATALOGUE[facts.snapshot.code]
        yield _(problem.text)
        yield format_steps(_(problem.advice))
        return
    yield from facts.result or (_(_TRY_AGAIN),)


def word_installed(facts: UpdateFacts) -> str:
    """Return « Impact emploi – version installée : 3.00.72 », with a letter to type."""
    labels = {
        ReleaseKind.PRODUCT: N_("Impact &emploi, version installée : {version}"),
        ReleaseKind.AGENT: N_("Programme de &connexion, version installée : {version}"),
    }
    return _(labels[facts.kind]).format(version=facts.installed or _("inconnue"))


def word_check(check: CheckFacts, now: float) -> str:
    """Return when it was checked last what is offered, or that it is being checked."""
    if check.is_pending:
        return _("Vérification en cours…")
    when = format_moment(check.checked, now)
    if not check.code:
        return _("Dernière vérification : {when}").format(when=when) if check.checked else ""
    last = _("Dernière vérification réussie : {when}").format(when=when)
    problem = CATALOGUE[check.code]
    failed = _("La dernière vérification n'a pas abouti : {title} ({code}).")
    sentences = [failed.format(title=_(problem.title), code=check.code)]
    return "\n".join(sentences + [last] * bool(check.checked))


def word_download(facts: UpdateFacts) -> str:
    """Return how far a download is, "" if there is none."""
    return word_progress(facts.progress) if facts.progress is not None else ""


_QUARTERS = (
    "",
    N_("Un quart est téléchargé."),
    N_("La moitié est téléchargée."),
    N_("Les trois quarts sont téléchargés."),
    N_("Tout est téléchargé : vérification du fichier…"),
)


def word_quarter(progress: Progress | None) -> str:
    """Return what a screen reader hears of a download: four sentences in all."""
    if progress is None or not progress.total:
        return ""
    return _(_QUARTERS[min(4 * progress.received // progress.total, 4)])


def label_action(action: UpdateAction, facts: UpdateFacts) -> str:
    """Return the label of the button of *action*; a download says its size."""
    listed, skipped = facts.listed, facts.skipped
    if action is UpdateAction.RECALL:
        return _(action.value).format(version=skipped.offer.release.version if skipped else "")
    if action is not UpdateAction.DOWNLOAD or listed is None:
        return _(action.value)
    return _("{download} ({size})").format(
        download=_(action.value), size=format_size(listed.offer.file.length)
    )


def name_version(listed: Listed) -> str:
    """Return « 3.00.73 – proposée » for the list of the versions."""
    short = _("proposée") if listed.is_proposed else _(_SHORT_REASONS[listed.reasons[0]])
    return f"{listed.offer.release.version} – {short}"


def explain_version(facts: UpdateFacts, listed: Listed) -> str:
    """Return why *listed* is not proposed, unless the window says it elsewhere."""
    is_said = listed == facts.listed or Reason.INSTALLED in listed.reasons
    return "" if is_said else word_reasons(listed.reasons)


def may_ask(facts: UpdateFacts, listed: Listed) -> bool:
    """Return whether a person may ask for *listed* in place of what is under way."""
    is_other = facts.listed is None or facts.listed.offer != listed.offer
    return listed.is_allowed and is_other and facts.snapshot.state is not UpdateState.INSTALLING


def find_first(facts: UpdateFacts) -> Release | None:
    """Return the version that is read first: under way, else the installed one."""
    first = facts.listed or next((e for e in facts.choice.listed if Reason.INSTALLED in e.reasons), None)
    first = first or next(iter(facts.readable), None)
    return None if first is None else first.offer.release
