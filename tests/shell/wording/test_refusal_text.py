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
from iea_agent.shell.wording.refusal_text import word_refusal

EXAMPLES: list[Refusal] = [
    refusals.AgentNotRunning(),
    refusals.AgentTimedOut(),
    refusals.AgentUnreachable("OSError"),
    refusals.UnknownRefusal("from-a-newer-agent"),
    refusals.RequestUnknown(),
    refusals.TooManyWatchers(),
    *(
        refusals.NotNow(request.name, state)
        for request in REQUESTS
        for state in State
        if not allows(state, request.event)
    ),
    refusals.NotNow("launch", State.CONNECTED),
    *(refusals.CannotEnterAssistance(state) for state in State),
    refusals.AssistanceNotOn(),
    refusals.NothingWritten(),
    refusals.NotRemembered(),
    *(refusals.PasswordMistyped(fault=kind.value, position=3, group=1, missing=2) for kind in TypoKind),
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
    refusals.FileNotReadable("journal.jsonl", "PermissionError"),
    refusals.ProblemMet("IEA-P05"),
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
