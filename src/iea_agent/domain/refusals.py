"""Refusals: why a request was not carried out, as a code with typed details.

A refusal holds no sentence. It crosses the channel as ``{"code": "agent-not-running"}`` with one more name for each detail, and the reader's side
words it (``shell/wording/refusal_text.py``). To add a kind, add a class here and its sentence there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, ClassVar, dataclass_transform, get_args, get_origin, get_type_hints

from . import problems
from .addresses import Malformed
from .exit_codes import ExitCode
from .machine import State
from .password_tries import WaitReason
from .settings import SettingFault

KINDS: dict[str, type[Refusal]] = {}
"""Every kind of refusal by its code."""


@dataclass_transform(frozen_default=True)
@dataclass(frozen=True)
class Refusal:
    """One refusal: the kind ``AgentNotRunning`` has the code "agent-not-running"."""

    code: ClassVar[str]
    exit_code: ClassVar[ExitCode] = ExitCode.REFUSED

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        """Register the kind, unless it only groups others."""
        if "__annotations__" in vars(cls):
            dataclass(frozen=True)(cls)
        cls.code = re.sub("(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        if not abstract:
            KINDS[cls.code] = cls


class RefusedError(Exception):
    """Something that a person asked for was not done."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


# The agent and its channel


class AgentNotRunning(Refusal):
    """No agent runs for this installation."""

    exit_code = ExitCode.NOT_RUNNING


class AgentTimedOut(Refusal):
    """The agent did not answer in time."""

    exit_code = ExitCode.TIMED_OUT


class AgentUnreachable(Refusal):
    """The exchange with the agent failed; *reason* is the name of the error."""

    exit_code = ExitCode.FAILED
    reason: str


class AgentHidden(Refusal):
    """An agent runs, but no folder of *paths* takes the file that says where."""

    exit_code = ExitCode.FAILED
    paths: tuple[str, ...]


class SavedOnly(Refusal):
    """What was changed is saved, but the agent, which runs, did not answer."""

    exit_code = ExitCode.TIMED_OUT


class AgentBusy(Refusal):
    """The agent already answers as many clients as it allows."""


class UnknownRefusal(Refusal):
    """A refusal that this version does not know; *reason* is its code."""

    reason: str


class RequestUnknown(Refusal):
    """The agent does not know this request."""


class AgentRuns(Refusal):
    """The agent runs, and has to be stopped before."""


class TooManyWatchers(Refusal):
    """The agent already serves as many watching clients as it allows."""


class NotNow(Refusal):
    """The event called *event* does nothing in *state* or on this installation."""

    event: str
    state: State


class NoToken(Refusal):
    """The agent has no access token that holds; it is in *state*."""

    state: State


# Assistance mode


class CannotEnterAssistance(Refusal):
    """Assistance mode cannot be entered in *state*."""

    state: State


class AssistanceNotOn(Refusal):
    """Assistance mode is not on, so it cannot be left."""


class AssistanceOn(Refusal):
    """Assistance mode is on: only the password of the day ends it."""


class NothingWritten(Refusal):
    """The disk refuses to be written, so nothing was changed."""


class NotRemembered(Refusal):
    """The change was made, but the disk refused it: it is lost at the next start."""


# The password of the day


class PasswordRefused(Refusal, abstract=True):
    """A password not accepted: *span* (start, end) to correct, *wait* in seconds."""

    span: tuple[int, int] | None = None
    wait: float = 0.0


class PasswordMistyped(PasswordRefused):
    """A typing error (``typed_password.Typo``), which is not a try."""

    fault: str = ""
    position: int = 0
    part: str = ""
    missing: int = 0


class RegisterMissing(PasswordRefused):
    """This PC has no register to check a password with."""


class RegisterRefused(PasswordRefused):
    """The register in the file *path* cannot be used: damaged, or not for this PC."""

    path: str = ""


class PasswordForOtherDay(PasswordRefused):
    """No day with the number *day* is near *today* (ISO 8601); not a try."""

    day: int = 0
    today: str = ""


class DayNotCovered(PasswordRefused):
    """The register of this PC does not cover *day* (ISO 8601). Not a try."""

    day: str = ""


class TooManyTries(PasswordRefused):
    """The next try has to wait because of *reason*; the password was not judged."""

    reason: WaitReason = WaitReason.WAIT


class PasswordWrong(PasswordRefused):
    """A well-formed wrong password: a try. *reason* is why the next has to wait."""

    reason: WaitReason = WaitReason.NONE


# Settings and secrets


class SettingRefused(Refusal, abstract=True):
    """A refusal about the setting or secret with the dotted *name*."""

    exit_code = ExitCode.USAGE
    name: str


class SettingUnknown(SettingRefused):
    """No setting has this name."""


class SettingLocked(SettingRefused):
    """The administrator's policy fixes this setting."""

    exit_code = ExitCode.REFUSED


class SettingsInvalid(SettingRefused):
    """Settings that cannot be used; *name* is that of the first of *faults*."""

    faults: tuple[SettingFault, ...]


class ValueInvalid(SettingRefused):
    """A typed value that cannot be used; *expected* is in French, to translate."""

    expected: str


class AddressMalformed(SettingRefused):
    """A typed server address that cannot be used."""

    reason: Malformed


class ProxyAddressMissing(SettingRefused):
    """A manual proxy needs an address."""

    name: str = "proxy.address"


class ProxyUserMissing(SettingRefused):
    """A proxy password needs a user name."""

    name: str = "proxy.user"


class SecretTooLong(SettingRefused):
    """The vault does not take a secret of this length."""


class SecretMissing(SettingRefused):
    """No licence key, or no proxy password, was given."""


class SecretUnreadable(SettingRefused):
    """The secret is no text, or has control characters."""


class SettingsNewer(Refusal):
    """A newer version of the agent wrote the settings file; it was not touched."""

    exit_code = ExitCode.FAILED
    path: str


class SettingsNotWritten(Refusal):
    """The disk refused the settings, nothing was changed; *reason* is the error."""

    exit_code = ExitCode.FAILED
    path: str
    reason: str


class FileNotReadable(Refusal):
    """The disk refused the file *path*; *reason* is the error."""

    exit_code = ExitCode.FAILED
    path: str
    reason: str


class SharedFolderAway(Refusal):
    """The folder *path* that PCs of a site share is away; *reason* is the error."""

    exit_code = ExitCode.FAILED
    path: str
    reason: str


class FileNotWritten(Refusal):
    """The disk refused to take the file *path*; *reason* is the error."""

    exit_code = ExitCode.FAILED
    path: str
    reason: str


class NoIncident(Refusal):
    """The log book has no such incident of the connection."""

    exit_code = ExitCode.FAILED


# The start with Windows


class NotInstalled(Refusal):
    """This program was not installed by its setup, so Windows cannot start it."""

    exit_code = ExitCode.FAILED


class AutostartRefused(Refusal, abstract=True):
    """A refusal about the start with Windows."""


class AutostartDisabled(AutostartRefused):
    """The person has disabled the start with Windows in the Task Manager."""


class AutostartForAll(AutostartRefused):
    """The start with Windows is an entry for all users of this PC."""


class AutostartForbidden(AutostartRefused):
    """A policy of Windows has it ignore what a person lets start at logon."""


class AutostartNotWritten(AutostartRefused):
    """The registry refused the entry; *reason* is the error."""

    exit_code = ExitCode.FAILED
    reason: str


# Everything else


class ProblemMet(Refusal):
    """A problem of the catalogue stands in the way; *problem* is its code."""

    exit_code = ExitCode.FAILED
    problem: str


class AgentNotStarted(ProblemMet):
    """The agent was started and did not come to answer; *reason* is for the log."""

    exit_code = ExitCode.NOT_RUNNING
    problem: str = problems.AGENT_NOT_STARTED.code
    reason: str = ""


class VersionNotOffered(Refusal):
    """The update server offers no version *version*; "" for none that is proposed."""

    version: str


class VersionNotAllowed(Refusal):
    """The version *version* cannot be taken on this PC, for *reason* (``Reason``)."""

    version: str
    reason: str


class UpdateNotNow(Refusal):
    """The update is in *state* (``UpdateState``), in which this does nothing."""

    state: str


class WorkerNotStarted(Refusal):
    """The process that fetches updates was not started; *reason* is for the log."""

    exit_code = ExitCode.FAILED

    reason: str


class WindowNotStarted(Refusal):
    """The process of a window was not started; *reason* is the error."""

    exit_code = ExitCode.FAILED

    reason: str


class NoMailProgram(Refusal):
    """No mail program took the message."""

    exit_code = ExitCode.FAILED


class NoWindows(Refusal):
    """This system has no windows of the agent."""

    exit_code = ExitCode.FAILED


def to_document(refusal: Refusal) -> dict[str, object]:
    """Return *refusal* as a JSON object: its code and its details."""
    return {"code": refusal.code} | asdict(
        refusal, dict_factory=lambda items: {name: _plain(value) for name, value in items}
    )


def parse_refusal(document: object) -> Refusal:
    """Return the refusal in *document*; ``UnknownRefusal`` if it is not readable."""
    values = dict(document) if isinstance(document, Mapping) else {}
    code = str(values.pop("code", ""))
    try:
        refusal: Refusal = _parse(KINDS[code], values)
    except (KeyError, TypeError, ValueError):
        return UnknownRefusal(code)
    return refusal


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


_hints = cache(get_type_hints)


def _parse(kind: Any, value: Any) -> Any:
    """Return a JSON value as *kind*. Raises ``TypeError`` or ``ValueError``."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        names = [field.name for field in fields(kind) if field.name in value]
        return kind(**{name: _parse(hints[name], value[name]) for name in names})
    if get_origin(kind) is tuple:
        kinds = get_args(kind)
        items = [kinds[0]] * len(value) if kinds[-1] is ... else kinds
        return tuple(_parse(item, each) for item, each in zip(items, value, strict=True))
    if optional := [each for each in get_args(kind) if each is not type(None)]:
        return None if value is None else _parse(optional[0], value)
    if issubclass(kind, Enum):
        return kind(value)
    if kind is float and isinstance(value, int):
        return float(value)
    if not isinstance(value, kind):
        raise TypeError(kind)
    return value
