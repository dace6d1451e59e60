"""The sentences for refusals: every kind has one in both languages."""

from __future__ import annotations

import pytest

from iea_agent import locale
from iea_agent.domain import refusals
from iea_agent.domain.addresses import Malformed
from iea_agent.domain.machine import State, allows
from iea_agent.domain.password_tries import WaitReason
from iea_agent.domain.person_requests import REQUESTS
from iea_agent.domain.refusals import KINDS, Refusal
from iea_agent.domain.settings import SettingFault
from iea_agent.domain.typed_password import TypoKind
from iea_agent.domain.update_choice import Reason
from iea_agent.domain.update_machine import UpdateState
from iea_agent.shell.wording.refusal_text import word_next_try, word_refusal

EXAMPLES: list[Refusal] = [
    refusals.AgentNotRunning(),
    refusals.AgentTimedOut(),
    refusals.AgentBusy(),
    refusals.AgentHidden(("state", "settings")),
    refusals.SavedOnly(),
    refusals.AgentUnreachable("OSError"),
    refusals.UnknownRefusal("from-a-newer-agent"),
    refusals.RequestUnknown(),
    refusals.TooManyWatchers(),
    refusals.AgentBusy(),
    *(
        refusals.NotNow(request.name, state)
        for request in REQUESTS
        for state in State
        if not allows(state, request.event)
    ),
    refusals.NotNow("launch", State.CONNECTED),
    *(refusals.NoToken(state) for state in State),
    *(refusals.CannotEnterAssistance(state) for state in State),
    refusals.AssistanceNotOn(),
    refusals.AgentRuns(),
    refusals.AssistanceOn(),
    refusals.NothingWritten(),
    refusals.NotRemembered(),
    *(refusals.PasswordMistyped(fault=kind.value, position=3, part="1GB3", missing=2) for kind in TypoKind),
    refusals.PasswordMistyped(fault="length", missing=-1),
    refusals.RegisterMissing(),
    refusals.RegisterRefused(path="register.json"),
    refusals.PasswordForOtherDay(day=4, today="2026-11-29"),
    refusals.DayNotCovered(day="2026-11-29"),
    *(refusals.TooManyTries(reason=reason) for reason in WaitReason),
    *(refusals.PasswordWrong(reason=reason) for reason in WaitReason),
    refusals.SettingUnknown("connection.colour"),
    refusals.SettingLocked("connection.updates"),
    refusals.SettingsInvalid("licence.number", (SettingFault("licence.number", 4, "un chemin de fichier"),)),
    refusals.ValueInvalid("program.path", "un chemin de fichier"),
    *(refusals.AddressMalformed("connection.updates", reason) for reason in Malformed),
    refusals.ProxyAddressMissing(),
    refusals.ProxyUserMissing(),
    refusals.SecretTooLong("licence.key"),
    refusals.SecretTooLong("proxy.password"),
    *(
        kind(name)
        for kind in (refusals.SecretMissing, refusals.SecretUnreadable)
        for name in ("licence.key", "proxy.password")
    ),
    refusals.SettingsNewer("settings.toml"),
    refusals.SettingsNotWritten("settings.toml", "OSError"),
    *(
        refusals.FileNotReadable("journal.jsonl", reason)
        for reason in ("PermissionError", "FileNotFoundError", "NotAFileError")
    ),
    refusals.SharedFolderAway(r"\\SERVEUR\Impact emploi", "PermissionError"),
    refusals.FileNotWritten("support.zip", "PermissionError"),
    refusals.NoIncident(),
    refusals.NotInstalled(),
    refusals.AutostartDisabled(),
    refusals.AutostartForAll(),
    refusals.AutostartForbidden(),
    refusals.AutostartNotWritten("PermissionError"),
    refusals.ProblemMet("IEA-P05"),
    refusals.AgentNotStarted(reason="exit code 1"),
    refusals.VersionNotOffered("3.00.99"),
    refusals.VersionNotOffered(""),
    *(refusals.VersionNotAllowed("3.00.73", reason.value) for reason in Reason),
    *(refusals.UpdateNotNow(state.value) for state in UpdateState),
    refusals.WorkerNotStarted("PermissionError"),
    refusals.WindowNotStarted("PermissionError"),
    refusals.NoMailProgram(),
    refusals.NoWindows(),
]


def test_the_examples_have_every_kind() -> None:
    assert {type(refusal) for refusal in EXAMPLES} == set(KINDS.values())


@pytest.mark.parametrize("refusal", EXAMPLES, ids=str)
def test_every_refusal_has_a_sentence_in_both_languages(refusal: Refusal) -> None:
    french = word_refusal(refusal)
    locale.choose("en")
    english = word_refusal(refusal)
    locale.choose("fr")
    assert french
    assert french != english
    assert "{" not in french + english


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (refusals.SecretTooLong("licence.key"), "La clé de licence est trop longue."),
        (refusals.SecretTooLong("proxy.password"), "Le mot de passe du proxy est trop long."),
        (refusals.SecretMissing("licence.key"), "Aucune clé de licence n’a été donnée"),
        (refusals.SecretMissing("proxy.password"), "Aucun mot de passe n’a été donné"),
        (refusals.SecretUnreadable("licence.key"), "La clé de licence contient"),
        (refusals.SecretUnreadable("proxy.password"), "Le mot de passe contient"),
        (
            refusals.SettingLocked("licence.key"),
            "Ce paramètre est fixé par votre administrateur : licence.key",
        ),
        (refusals.PasswordMistyped(fault="empty"), "Saisissez le mot de passe du jour"),
        (refusals.PasswordMistyped(fault="day"), "Faute de frappe : vérifiez le jour, les deux premiers"),
        (
            refusals.PasswordMistyped(fault="foreign", position=1, part="UGB3"),
            "Faute de frappe : vérifiez le 1er caractère de « UGB3 », il n’existe pas",
        ),
        (
            refusals.PasswordMistyped(fault="character", position=3, part="1GB3"),
            "Faute de frappe : vérifiez le 3e caractère de « 1GB3 ».",
        ),
        (refusals.PasswordMistyped(fault="characters"), "Faute de frappe : deux caractères au moins"),
        (
            refusals.PasswordMistyped(fault="word", position=3, part="CROME"),
            "Faute de frappe : vérifiez le 3e mot, « CROME ».",
        ),
        (
            refusals.PasswordMistyped(fault="word-count", missing=3),
            "Mot de passe incomplet : il manque 3 mots.",
        ),
        (
            refusals.PasswordMistyped(fault="word-count", missing=1),
            "Mot de passe incomplet : il manque un mot.",
        ),
        (refusals.PasswordMistyped(fault="word-count", missing=-1), "Mot de passe trop long"),
        (refusals.PasswordMistyped(fault="words"), "Faute de frappe : un des mots n’est pas le bon."),
        (refusals.PasswordMistyped(fault="length", missing=1), "Mot de passe incomplet"),
        (refusals.PasswordMistyped(fault="length", missing=0), "Mot de passe trop long"),
        (refusals.PasswordMistyped(fault="length", missing=-1), "Mot de passe trop long"),
        (
            refusals.PasswordForOtherDay(day=4, today="2026-11-29"),
            "Ce mot de passe est celui du 4 ; l’ordinateur indique le 29/11/2026.",
        ),
        (
            refusals.DayNotCovered(day="2026-11-29"),
            "Ce poste ne connaît pas encore les mots de passe du 29/11/2026",
        ),
        (
            refusals.FileNotReadable("cle.exe", "FileNotFoundError"),
            "Ce fichier n’existe pas ; vérifiez son nom : cle.exe",
        ),
        (
            refusals.FileNotReadable("cle.exe", "NotAFileError"),
            "Ce fichier ne peut pas être lu ; vérifiez les droits de son dossier : cle.exe (ce n’est pas un fichier)",
        ),
        (
            refusals.SettingsNotWritten("settings.toml", "PermissionError"),
            "Les paramètres n’ont pas pu être écrits, rien n’a été changé. Libérez",
        ),
        (refusals.TooManyTries(reason=WaitReason.STOPPED), "Trop d’essais : contactez l’assistance."),
        (refusals.TooManyTries(reason=WaitReason.WAIT), "Trop d’essais : attendez un peu"),
    ],
    ids=str,
)
def test_a_refusal_says_what_to_mend(refusal: Refusal, sentence: str) -> None:
    assert word_refusal(refusal).replace("\u00a0", " ").startswith(sentence)


def test_a_wrong_password_says_why_the_next_has_to_wait_if_it_has_to() -> None:
    wrong = "Ce n’est pas le mot de passe du jour. Vérifiez-le ou demandez-le de nouveau à l’assistance."
    assert word_refusal(refusals.PasswordWrong()) == wrong
    waits = word_refusal(refusals.PasswordWrong(reason=WaitReason.WAIT)).replace("\u00a0", " ")
    assert waits == f"{wrong} Trop d’essais : attendez un peu avant le suivant."


def test_when_the_next_password_may_be_tried() -> None:
    assert word_next_try(40).replace("\u00a0", " ") == "Nouvel essai possible dans 40 s."
