"""The words of a case for the person at the desk: ten lines, and the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from iea_agent.domain import interceptors, problems
from iea_agent.domain.diagnosis import Stage
from iea_agent.domain.machine import State
from iea_agent.domain.phone_code import TimeSpan
from iea_agent.domain.problems import Actor
from iea_agent.domain.repairs import RepairKind
from iea_desk.password_message import PasswordMessage, format_french_date
from iea_desk.support_case import SERVERS, Origin, ServerOutcome, SupportCase, is_clock_wrong, is_plausible

_ORIGINS = {
    Origin.REPORT: "fichier d'assistance",
    Origin.PHONE_CODE: "code dicté",
    Origin.TEXT: "texte",
}
_ACTORS = {
    Actor.YOU: "le gestionnaire, sur son poste",
    Actor.NETWORK: "le gestionnaire, avec sa box, son Wi-Fi ou son fournisseur d'accès",
    Actor.IT: "la personne qui s'occupe de l'informatique du gestionnaire",
    Actor.URSSAF: "nous (l'assistance Impact emploi)",
}
_STATES = {
    State.CONNECTING: "connexion en cours (boule pâle)",
    State.CONNECTED: "connecté (boule)",
    State.DISCONNECTED: "déconnecté (cœur rouge)",
    State.ASSISTANCE: "mode assistance (scarabée rouge)",
}
_STAGES = {
    Stage.ADDRESS: "adresse",
    Stage.NAME: "nom",
    Stage.CONNECTION: "connexion",
    Stage.PROXY: "proxy",
    Stage.CERTIFICATE: "certificat",
    Stage.ANSWER: "réponse",
    Stage.KIND: "identité",
    Stage.LICENCE: "licence",
    Stage.METADATA: "mises à jour",
}
_ROUTES = {
    "none": "sans proxy",
    "settings": "proxy des paramètres de l'agent",
    "system": "proxy de Windows",
    "script": "proxy choisi par un script",
    "open-script": "proxy choisi par un script que n'importe qui a pu donner",
    "network": "proxy que le réseau désigne",
}
_REPAIRS = {
    RepairKind.SECURE_MODE: "cocher « Sécurisé »",
    RepairKind.USUAL_PORT: "retirer le numéro de port de l'adresse",
    RepairKind.SAME_PORT: "mettre le même port que pour l'autre serveur",
    RepairKind.OFFICIAL_ADDRESS: "revenir à l'adresse officielle",
    RepairKind.DIRECT: "ne pas passer par le proxy",
    RepairKind.SYSTEM_PROXY: "passer par le proxy de Windows",
    RepairKind.IPV4_ONLY: "se connecter en IPv4 seulement",
    RepairKind.IPV6_TOO: "décocher « IPv4 seulement »",
}
_SUPPORT = re.compile(
    r"contactez l'assistance|l'assistance vous|mode assistance permet|message à l'assistance", re.IGNORECASE
)
"""What no sentence of the support itself says."""
_INSTRUCTION = re.compile(r"\w{3}ez\b")
"""A verb that tells the person to do something."""
_IT = "personne qui s'occupe de votre informatique"
_SENTENCE_END = re.compile(r"(?<=[.!?]) ")
_BLANK_BEFORE = re.compile(r" (?=[:;?!»])|(?<=«) ")
_NO_CODE = "aucun code reconnu"


def render_case(case: SupportCase) -> str:
    """Return the ten lines on *case*."""
    return typeset("\n".join(f"{name:<9}: {what}" for name, what in list_lines(case)))


def typeset(text: str) -> str:
    """Return French *text* with its apostrophes and its no-break spaces."""
    return _BLANK_BEFORE.sub("\u00a0", text.replace("'", "’"))


def list_lines(case: SupportCase) -> Iterator[tuple[str, str]]:
    """Yield name and content of the ten lines."""
    yield "Demande", _join(_describe_request(case))
    yield "Problème", name_problem(case)
    yield "État", _describe_state(case)
    yield "Depuis", describe_since(case)
    yield "Qui agit", _name_who_acts(case)
    yield "Essayé", _join(_describe_tries(case))
    yield "Poste", _join(_describe_pc(case))
    yield "Réseau", _join(_describe_network(case))
    yield "À savoir", " ".join(case.notes) or "rien d'autre"
    yield "Répondre", " ".join(list_steps(case))


def _join(parts: Iterator[str]) -> str:
    return " ; ".join(parts) or "inconnu"


def _name_who_acts(case: SupportCase) -> str:
    if case.actor is not None:
        return name_actor(case.actor)
    if case.wants_password:
        return "nous, par le mot de passe du jour"
    return "le gestionnaire : qu'il dise ce qui ne va pas" if is_healthy(case) else "à déterminer"


def is_healthy(case: SupportCase) -> bool:
    """Return whether the PC has no problem with the connection."""
    return not case.code and (
        case.state is State.CONNECTED
        or (
            case.state is not State.ASSISTANCE
            and bool(case.tested)
            and not any(each.code for each in case.tested)
        )
    )


def name_actor(actor: Actor) -> str:
    """Return who acts, as the desk calls them."""
    return _ACTORS[actor]


def name_problem(case: SupportCase) -> str:
    """Return code and title of the problem."""
    if not case.code:
        return "aucun problème de connexion" if is_healthy(case) else _NO_CODE
    return f"{case.code} – {case.title}" if case.title else case.code


def _describe_request(case: SupportCase) -> Iterator[str]:
    yield _ORIGINS[case.origin]
    if case.sender:
        yield f"de {case.sender}"
    if case.sent is not None:
        yield f"envoyée le {format_moment(case.sent)}"
    if case.contact:
        yield f"coordonnées « {case.contact} »"
    if case.complaint:
        yield f"« {case.complaint} »"


def _describe_state(case: SupportCase) -> str:
    if case.state is None:
        return "programme de connexion arrêté" if case.is_stopped else "inconnu"
    if case.state is State.ASSISTANCE and case.assistance_since is not None:
        return f"{_STATES[case.state]} depuis le {format_moment(case.assistance_since)}"
    return _STATES[case.state]


def describe_since(case: SupportCase) -> str:
    """Return since when the problem lasts."""
    if case.since is not None:
        before = case.made is not None and case.made > case.since
        lasted = f", soit {format_duration((case.made or 0) - case.since)} avant l'envoi" if before else ""
        return f"{format_moment(case.since)}{lasted}"
    if case.age is not None:
        return f"{_format_span(case.age)} avant la lecture du code"
    return "inconnu"


def _describe_tries(case: SupportCase) -> Iterator[str]:
    if case.tested and case.tested_at is not None:
        yield f"test des serveurs le {format_moment(case.tested_at)}"
        yield from map(_describe_outcome, case.tested)
    elif case.test_words:
        yield f"test des serveurs {case.test_words}"
    elif case.origin is Origin.REPORT:
        yield "aucun test des serveurs"
    if case.repairs:
        yield f"correction trouvée : {' '.join(case.repairs)}"
    if case.interruptions:
        plural = "s" if case.interruptions > 1 else ""
        yield f"{case.interruptions} coupure{plural} dans le carnet de connexion"


def _describe_outcome(outcome: ServerOutcome) -> str:
    if not outcome.code:
        return f"{SERVERS[outcome.server]} : test réussi"
    stage = f" à l'étape « {_STAGES[outcome.stage]} »" if outcome.stage else ""
    return f"{SERVERS[outcome.server]} en échec{stage} ({outcome.code})"


def _describe_pc(case: SupportCase) -> Iterator[str]:
    if case.system:
        yield case.system
    if case.version:
        yield f"agent {case.version}"
    if case.program_version:
        yield f"Impact emploi {case.program_version}"
    if case.register_days is not None:
        yield _word_register(case.register_days)


def _word_register(days: int) -> str:
    """Return for how many days this PC can check a password of the day."""
    if days < 1:
        return "registre des mots de passe du jour périmé"
    return f"registre des mots de passe du jour valable encore {days} jour{'s' if days > 1 else ''}"


def _describe_network(case: SupportCase) -> Iterator[str]:
    if case.route:
        yield _word_route(case.route)
    if case.clock is not None:
        side = "en retard" if case.clock_behind else "en avance"
        yield f"horloge {side} de {_format_span(case.clock)}" if is_clock_wrong(case) else "horloge juste"


def _word_route(route: str) -> str:
    """Return a route, « http://proxy:3128 (system) » or who chose it, in words."""
    address, _bracket, rest = route.partition(" (")
    words = _ROUTES.get(rest.partition(")")[0])
    if words is None:
        return _ROUTES.get(route, route)
    return words if address == "direct" else f"{words} ({address})"


def list_steps(case: SupportCase) -> list[str]:
    """Return what the person is to do, a sentence each."""
    problem = case.problem
    steps = []
    if case.wants_password:
        steps.append("Mot de passe du jour à envoyer.")
    if problem is not None:
        steps += _list_repair_steps(case)
        sentences = _SENTENCE_END.split(problem.advice.replace("\u00a0", " "))
        steps += [each for each in sentences if not _SUPPORT.search(each)]
    if case.actor is Actor.URSSAF:
        steps.append(
            "De notre côté, nous intervenons."
            if steps
            else "Nous intervenons : le gestionnaire n'a rien à faire."
        )
    if not steps:
        steps.append(_ask_more(case))
    return steps


def _ask_more(case: SupportCase) -> str:
    if is_healthy(case):
        return "Demander ce que le gestionnaire fait, et ce qui s'affiche : la connexion n'est pas en cause."
    if case.origin is Origin.REPORT:
        return "Demander de cliquer sur « Tester l'accès aux serveurs », puis d'envoyer un nouveau fichier."
    return "Demander un fichier d'assistance, ou le code à douze caractères de la fenêtre « État de la connexion »."


def _list_repair_steps(case: SupportCase) -> Iterator[str]:
    """Yield what helps by itself: a repair, or the setting of what intercepts."""
    product = interceptors.find_interceptor(case.product) if case.code == problems.INTERCEPTED.code else None
    if product is not None:
        yield product.setting
    test = "Dans « Paramètres de connexion », cliquez sur « Tester l'accès aux serveurs »"
    if case.repairs:
        yield f"{test}, puis sur le bouton de la correction proposée : {case.repairs[0]}"
    elif case.hints and case.problem is not None and case.problem.repairable:
        yield f"{test} : ce qui remet la connexion en marche y est proposé (peut-être : {_REPAIRS[case.hints[0]]})."


# the answer


def compose_answer(case: SupportCase, password: PasswordMessage | None = None) -> tuple[str, str]:
    """Return subject and text of the answer, a draft that a person reads again."""
    # mail programs know the answer by this word
    subject = case.subject or typeset("Impact emploi : votre demande d'assistance")
    if case.subject and not case.subject.lower().startswith("re:"):
        subject = f"Re: {subject}"
    blocks = ["Bonjour,", *_list_blocks(case, password), "L'assistance Impact emploi"]
    return subject, typeset("\n\n".join(blocks)) + "\n"


def _list_blocks(case: SupportCase, password: PasswordMessage | None) -> Iterator[str]:
    problem = case.problem
    if problem is not None:
        yield f"Votre poste indique « {problem.title} » (code {problem.code}). {problem.text}"
        steps = [
            each
            for each in list_steps(case)
            if not each.startswith(("Mot de passe du jour", "Nous intervenons", "De notre côté"))
        ]
        if steps:
            # some advice says only what happens by itself
            advice = " ".join(steps)
            yield f"À faire : {advice}" if _INSTRUCTION.search(advice) else advice
    elif case.code:
        yield f"Votre poste indique le code {case.code}. Nous l'étudions et revenons vers vous."
    if case.actor is Actor.URSSAF:
        yield "Nous nous en occupons et revenons vers vous : il est inutile d'écrire de nouveau."
    elif case.actor is Actor.IT and not any(_IT in each for each in list_steps(case)):
        yield f"Vous pouvez transmettre ce message à la {_IT}."
    if case.wants_password:
        yield from _list_password(password)
    elif is_healthy(case):
        yield (
            "D'après ce que vous nous avez envoyé, la connexion de votre poste marche. Dites-nous ce que vous faites quand le problème se "
            "présente, et ce qui s'affiche alors : une copie de l'écran nous aide."
        )
    elif not case.code and case.origin is Origin.REPORT:
        yield (
            "Votre fichier n'indique aucun problème. Dans « Paramètres de connexion », cliquez sur « Tester l'accès aux serveurs », puis envoyez-nous "
            "de nouveau le message que prépare « Demande de support technique »."
        )
    elif not case.code:
        yield (
            "Pour que nous puissions vous aider, ouvrez « Demande de support technique » (clic droit sur l'icône, en bas à droite de votre "
            "écran) et envoyez-nous le message qu'elle prépare, avec son fichier."
        )


def _list_password(password: PasswordMessage | None) -> Iterator[str]:
    yield "Voici le mot de passe du jour pour désactiver le mode assistance :"
    if password is None:
        yield "[à compléter : iea-desk password]"
        return
    yield password.letters
    yield f"Vous pouvez aussi saisir ces mots : {password.words}"
    yield f"{password.until}"
    yield (
        "Où le saisir : clic droit sur le scarabée rouge, en bas à droite de votre écran, puis « Demande de support technique » et "
        "« Désactiver le mode assistance »."
    )


# times


def format_moment(wall: float) -> str:
    """Return « mardi 24 novembre 2026 à 9 h 12 », by this PC's clock."""
    if not is_plausible(wall):
        return "date illisible"
    local = datetime.fromtimestamp(wall, UTC).astimezone()
    return f"{format_french_date(local.date())} à {local.hour} h {local.minute:02d}"


def format_duration(seconds: float) -> str:
    """Return « 25 min », « 3 h » or « 2 jours »."""
    for size, name in ((86_400.0, "jour"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {name}{'s' if name == 'jour' and count > 1 else ''}"
    return "moins d'une minute"


def _format_span(span: TimeSpan) -> str:
    if span.most is None:
        return f"plus de {format_duration(span.least)}"
    if span.least == span.most:
        return format_duration(span.most)
    if not span.least:
        return f"moins de {format_duration(span.most)}"
    least, most = format_duration(span.least), format_duration(span.most)
    # the same unit is said once
    if least.partition(" ")[2].rstrip("s") == most.partition(" ")[2].rstrip("s"):
        least = least.partition(" ")[0]
    return f"entre {least} et {most}"


# for a program


def build_case_document(case: SupportCase) -> dict[str, object]:
    """Return the document of ``read --json``; times are seconds since 1970."""
    return {
        "schema": 1,
        "origin": case.origin.value,
        "code": case.code,
        "title": case.title,
        "is_known": case.problem is not None,
        "actor": case.actor.value if case.actor else None,
        "state": case.state.value if case.state else None,
        "is_stopped": case.is_stopped,
        "since": case.since,
        "age": None if case.age is None else [case.age.least, case.age.most],
        "made": case.made,
        "tested_at": case.tested_at,
        "tested": {each.server.value: each.code for each in case.tested},
        "repairs": [typeset(repair) for repair in case.repairs],
        "hints": [hint.value for hint in case.hints],
        "product": case.product,
        "interruptions": case.interruptions,
        "version": case.version,
        "program_version": case.program_version,
        "system": case.system,
        "phone_code": case.phone_code,
        "wants_password": case.wants_password,
        "complaint": case.complaint,
        "contact": case.contact,
        "sender": case.sender,
        "subject": case.subject,
        "sent": case.sent,
        "notes": [typeset(note) for note in case.notes],
        "steps": [typeset(step) for step in list_steps(case)],
    }
