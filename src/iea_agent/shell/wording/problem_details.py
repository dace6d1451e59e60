"""Sentences about one particular failure, beside those of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Mapping

from iea_agent.domain import interceptors, problems, settings, timing
from iea_agent.domain.addresses import Malformed
from iea_agent.domain.diagnosis import (
    AnyNotice,
    Certificate,
    Failure,
    Interception,
    OutdatedVersion,
    PendingChange,
    VersionReturn,
)
from iea_agent.domain.evidence import (
    AnswerInClear,
    CertificateHosts,
    ClockConfirmed,
    ClockOffset,
    DeclaredIssuer,
    Evidence,
    FileInvolved,
    InterceptedBy,
    MalformedAddress,
    NamedEvidence,
    PageTitle,
    PortalPage,
    ProxyInvolved,
    ProxyScript,
    RedirectTarget,
    RefusalGround,
    ResolvedAddress,
    SignInWanted,
    TokenEndpoint,
)
from iea_agent.domain.interceptors import ProductKind
from iea_agent.domain.printable_text import clean_foreign_text
from iea_agent.domain.problems import N_, Actor, Group
from iea_agent.locale import _
from iea_agent.shell.wording.time_text import format_date, format_duration, format_moment, format_time_of_day

MALFORMED: Mapping[Malformed, str] = {
    Malformed.EMPTY: N_("Saisissez l'adresse du serveur."),
    Malformed.TOO_LONG: N_("Cette adresse est trop longue."),
    Malformed.SCHEME: N_("L'adresse doit commencer par « https:// »."),
    Malformed.BLANK: N_("Il y a un espace au milieu de l'adresse : retirez-le."),
    Malformed.HOST: N_("Le nom du serveur n'est pas correct. Exemple : https://impact-emploi.urssaf.fr"),
    Malformed.PORT: N_("Le numéro de port, après « : », doit être compris entre 1 et 65535."),
    Malformed.CREDENTIALS: N_("Retirez le nom d'utilisateur et le mot de passe (ce qui précède « @ »)."),
    Malformed.QUERY: N_("Retirez ce qui suit « ? » ou « # » à la fin de l'adresse."),
}
"""What a person reads of each way in which an address is malformed."""

_NAMED: Mapping[type[NamedEvidence], str] = {
    RedirectTarget: N_("Adresse indiquée par le serveur : {about} (non suivie)."),
    PortalPage: N_("Page d'accueil affichée par le réseau : {about}."),
    PageTitle: N_("Titre affiché par le réseau, non vérifié : « {about} »."),
    ProxyInvolved: N_("Proxy concerné : {about}."),
    SignInWanted: N_("Identification demandée par le proxy : {about}."),
    ProxyScript: N_("Script concerné : {about}."),
    DeclaredIssuer: N_("Adresse déclarée par le serveur : « {about} »."),
    AnswerInClear: N_(
        "Quelque chose répond en http à la place du serveur ({about}). Sur un Wi-Fi public, c'est peut-être la page d'accueil du Wi-Fi : "
        "ouvrez un site internet pour le vérifier."
    ),
    ResolvedAddress: N_("Adresse donnée par le service de noms : {about}."),
    TokenEndpoint: N_("Adresse demandée par le serveur : {about}."),
    FileInvolved: N_("Fichier concerné : {about}."),
}
"""The sentence for evidence that is a name or an address."""

_KINDS: Mapping[ProductKind, str] = {
    ProductKind.ANTIVIRUS: N_("antivirus"),
    ProductKind.FILTER: N_("filtre du réseau"),
    ProductKind.BOX: N_("box ou routeur"),
}


def describe_failure_details(failure: Failure, now: float) -> str:
    """Return the sentences about the details of *failure*, or "" if there are none.

    *now* is the wall-clock time at which it was observed.
    """
    sentences = [*_evidence(failure.evidence), *_evidence(failure.doubt)]
    if failure.certificate is not None and failure.problem.group is Group.CERTIFICATE:
        intercepted = failure.problem is problems.INTERCEPTED
        sentences += _certificate(failure.certificate, now, product_named=intercepted)
    if failure.retry_after is not None and failure.retry_after >= 1:
        by_proxy = failure.problem.group is Group.PROXY
        sentences.append((_wait_for_proxy if by_proxy else _wait)(failure.retry_after, now))
    return " ".join(filter(None, sentences))


def advise(failure: Failure) -> str:
    """Return what to do about *failure*.

    What to change in a product that intercepts comes first: a person may be able to do that alone.
    """
    advice = _(failure.problem.advice)
    if not isinstance(failure.evidence, InterceptedBy):
        return advice
    product = interceptors.find_interceptor(failure.evidence.product)
    return advice if product is None else f"{_(product.setting)} {advice}"


def _evidence(evidence: Evidence | None) -> list[str]:
    """Return the sentences about *evidence*."""
    match evidence:
        case None:
            return []
        case MalformedAddress(kind):
            return [_(MALFORMED[kind])]
        case ClockOffset(seconds):
            return [_clock(seconds)]
        case ClockConfirmed():
            return [
                _("L'heure de cet ordinateur est juste : un serveur donne la même, à quelques minutes près.")
            ]
        case InterceptedBy(product):
            return [_interceptor(product)]
        case CertificateHosts(hosts):
            text = _("Noms de serveurs donnés par ce certificat, non vérifiés : « {about} ».")
            return [text.format(about=clean_foreign_text(", ".join(hosts)))]
        case RefusalGround(scope):
            return [_ground(scope)]
        case NamedEvidence(name):
            return [_(_NAMED[type(evidence)]).format(about=clean_foreign_text(name))]


def describe_notice(notice: AnyNotice) -> str:
    """Return what a person should know about a connection that works, or the version."""
    if isinstance(notice, VersionReturn):
        text = _(
            "La version {failed} du programme de connexion ne fonctionnait pas sur ce poste : la version {own} a repris sa place. Vous n'avez rien à faire."
        )
        return text.format(failed=notice.failed, own=notice.own)
    if isinstance(notice, OutdatedVersion):
        text = _(
            "Le serveur n'acceptera bientôt plus la version {own} d'Impact emploi : installez la version {least} ou une plus récente. Vos bulletins ne sont "
            "pas touchés."
        )
        if notice.is_agent:
            text = _(
                "Le serveur n'acceptera bientôt plus la version {own} du programme de connexion : installez la version {least} ou une plus récente."
            )
        return text.format(own=notice.own, least=notice.least)
    if isinstance(notice, PendingChange):
        text = _(
            "Le {date}, l'adresse du serveur deviendra {address}, que ce poste n'atteint pas encore ({problem}). Rien ne change d'ici là. Donnez à la "
            "personne qui s'occupe de votre informatique la « Fiche pour l'informatique » (menu « Demande de support technique ») : elle dit quoi autoriser."
        )
        return text.format(date=format_date(notice.begins), address=notice.address, problem=notice.problem)
    since = format_date(notice.since)
    if isinstance(notice, Interception):
        text = _(
            "Depuis le {date}, {product} ouvre la connexion sécurisée, et ce poste l'accepte (avant : {usual}). Si ce n'est pas voulu, montrez ce message à la "
            "personne qui s'occupe de votre informatique."
        )
        return text.format(date=since, product=notice.product, usual=clean_foreign_text(notice.usual))
    text = _(
        "Depuis le {date}, le serveur fait envoyer la licence à {endpoint} (avant : {before}). S'il n'a pas été déplacé, prévenez l'assistance."
    )
    endpoint, before = clean_foreign_text(notice.endpoint), clean_foreign_text(notice.before)
    return text.format(date=since, endpoint=endpoint, before=before)


def _ground(scope: str | None) -> str:
    """Return which right a server refuses, or that it does not say why it refuses."""
    if scope is None:
        return _(
            "Le serveur n'a donné aucune raison : le numéro ou la clé peuvent aussi être faux, ou un droit (« scope ») manquer."
        )
    if scope:
        return _("Droit demandé au serveur (« scope ») : {about}.").format(about=clean_foreign_text(scope))
    return _(
        "Le serveur attend un droit (« scope »), et ce poste n'en demande aucun : réglage « connection.scope »."
    )


def _clock(seconds: float) -> str:
    """Return by how much this PC's clock is behind the server's, "" if unknown."""
    if not 1 <= abs(seconds) < 1e10:
        return ""
    text = _("L'ordinateur retarde de {duration} sur le serveur.")
    if seconds < 0:
        text = _("L'ordinateur avance de {duration} sur le serveur.")
    return text.format(duration=format_duration(abs(seconds)))


def _interceptor(name: str) -> str:
    """Return which product intercepts."""
    product = interceptors.find_interceptor(name)
    if product is None:
        return _("Produit probable, d'après son certificat : {name}.").format(name=clean_foreign_text(name))
    sentence = _("Produit probable, d'après son certificat : {name} ({kind}).")
    return sentence.format(name=product.name, kind=_(_KINDS[product.kind]))


def _certificate(certificate: Certificate, now: float, *, product_named: bool) -> list[str]:
    """Return whose certificate it is, unless named already, and when it changed."""
    sentences = []
    if not product_named:
        sentences.append(
            _(
                "Noms donnés par ce certificat, non vérifiés : établi pour « {subject} » par « {issuer} », valable du {begin} au {end}."
            ).format(
                subject=clean_foreign_text(certificate.subject) or "?",
                issuer=clean_foreign_text(certificate.issuer) or "?",
                begin=format_date(certificate.not_before),
                end=format_date(certificate.not_after),
            )
        )
    if certificate.changed_at is not None:
        sentences.append(
            _("Ce certificat a changé {moment}.").format(moment=format_moment(certificate.changed_at, now))
        )
    return sentences


def _wait_for_proxy(seconds: float, _now: float) -> str:
    text = _("Le proxy demande d'attendre {duration}.")
    return text.format(duration=format_duration(min(seconds, timing.RETRY_AFTER_LONGEST)))


def _wait(seconds: float, now: float) -> str:
    if seconds < 60:
        return _("Le serveur demande d'attendre {duration}.").format(duration=format_duration(seconds))
    if seconds > timing.RETRY_AFTER_LONGEST:
        # the agent does not wait as long as the server asks, so the sentence gives the agent's own time
        last = timing.RETRY_AFTER_LONGEST * (1 + timing.SPREAD)
        text = _(
            "Le serveur demande d'attendre plus de {longest}. Un nouvel essai a lieu dans {last} au plus tard."
        )
        return text.format(longest=format_duration(timing.RETRY_AFTER_LONGEST), last=format_duration(last))
    until = now + seconds
    # the duration as asked, and a time of day: true whenever it is read
    if format_date(until) == format_date(now):
        text = _("Le serveur demande d'attendre {duration}, jusque vers {time}.")
    else:
        text = _("Le serveur demande d'attendre {duration}, jusqu'au {date} vers {time}.")
    return text.format(
        duration=format_duration(seconds), date=format_date(until), time=format_time_of_day(until)
    )


_WHO: Mapping[Actor, tuple[str, tuple[str, ...]]] = {
    Actor.NETWORK: (
        N_("votre fournisseur d'accès à internet, ou la personne qui s'occupe de votre informatique"),
        ("box", "informatique", "fournisseur"),
    ),
    Actor.IT: (N_("la personne qui s'occupe de votre informatique"), ("informatique",)),
    Actor.URSSAF: (N_("l'assistance Impact emploi"), ("assistance",)),
}
"""Who can act, and the words by which an advice names them already; whoever reads knows of themselves."""


def name_actor(problem: problems.Problem) -> str:
    """Return « Qui peut agir : … », or "" if the advice of *problem* says so itself."""
    if problem.actor not in _WHO:
        return ""
    who, words = _WHO[problem.actor]
    named = any(word in problem.advice for word in words)
    return "" if named else _("Qui peut agir : {who}").format(who=_(who))


BULLET = "•\u00a0"
"""What a line begins with that is one of several steps."""


def list_steps(advice: str) -> list[str]:
    """Return the sentences of *advice*, to stand below each other."""
    return _SENTENCE_END.split(advice)


def format_steps(advice: str) -> str:
    """Return the steps of *advice*, each in a line with a bullet if there are several."""
    steps = list_steps(advice)
    return advice if len(steps) == 1 else "\n".join(f"{BULLET}{step}" for step in steps)


_SENTENCE_END = re.compile(r"(?<=[.?!])[ ](?=[A-ZÀÉÊÎ])")


def advise_in_settings(advice: str) -> str:
    """Return *advice* as it is given in the settings window, whose name it leaves out."""
    for phrase in (_("Dans « Paramètres de connexion », "), _(" dans « Paramètres de connexion »")):
        before, there, after = advice.partition(phrase)
        if there:
            advice = before + (after if before else after[:1].upper() + after[1:])
    return advice


def summarize_problem(problem: problems.Problem) -> str:
    """Return the title, the code and the advice of *problem*."""
    return f"{_(problem.title)} ({problem.code}). {_(problem.advice)}"


def describe_setting_fault(fault: settings.SettingFault) -> str:
    """Return a refused setting: « proxy.port, ligne 4 : attendu un nombre »."""
    return _("{place} : il faut {expected}").format(place=_name_place(fault), expected=_(fault.expected))


def describe_unknown_name(unknown: settings.UnknownName) -> str:
    """Return an unknown name: « conection.updates, ligne 4 : nom inconnu, ignoré »."""
    sentence = N_("{place} : nom inconnu, ignoré")
    if unknown.nearest:
        sentence = N_("{place} : nom inconnu, ignoré. Vouliez-vous écrire « {nearest} » ?")
    return _(sentence).format(place=_name_place(unknown), nearest=unknown.nearest)


def _name_place(place: settings.SettingFault | settings.UnknownName) -> str:
    """Return the name, the line and the file of *place*, as far as they are known."""
    line = _("ligne {line}").format(line=place.line) if place.line else ""
    parts = (clean_foreign_text(place.name), line, clean_foreign_text(place.file))
    return ", ".join(part for part in parts if part) or _("fichier")
