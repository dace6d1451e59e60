"""The documents of the channel and of ``--json``.

The schemas in ``docs/`` describe those of ``status`` and ``test``; a test compares both.
``Annotated`` names the values that a text may have. The words in a document are in the
agent's language.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypeAlias, TypedDict

from .autostart import Autostart
from .diagnosis import Conclusion, Server, Stage, StageOutcome
from .log_book import LogBookState
from .machine import State
from .password_tries import WaitReason
from .problems import Actor, Severity
from .proxy_choice import Source
from .repairs import RepairKind

Schema: TypeAlias = Literal[1]
SettingValue: TypeAlias = "str | bool | int"
Origin: TypeAlias = Literal["default", "settings", "policy"]


class ProblemDocument(TypedDict):
    """One problem, as it was observed."""

    code: str
    severity: Annotated[str, Severity]
    title: str
    text: str
    particulars: str
    advice: str
    actor: Annotated[str, Actor]
    actor_text: str
    detail: str


class AgentStatusDocument(TypedDict):
    """What the agent says of itself (``watch``); times are RFC 3339 in UTC."""

    schema: Schema
    version: str
    state: Annotated[str, State]
    state_text: str
    explanation: str
    since: str
    problem: ProblemDocument | None
    last_contact: str | None
    next_try: str | None
    incident: str
    working: bool
    servers_answer: bool
    clock_ahead: float | None
    authentication: str
    updates: str
    licence_number: str
    setting_faults: list[str]
    notices: list[str]
    update: str


class StatusDocument(AgentStatusDocument):
    """What ``status --json`` prints: the agent's status, and what else this PC has."""

    autostart: Annotated[str, Autostart] | None
    impact_emploi_version: str


class StageDocument(TypedDict):
    """One stage of the test of a server."""

    stage: Annotated[str, Stage]
    outcome: Annotated[str, StageOutcome]
    milliseconds: float | None
    detail: str


class ServerDocument(TypedDict):
    """The test of one server."""

    server: Annotated[str, Server]
    address: str
    passed: bool
    milliseconds: float
    route: str
    route_source: Annotated[str, Source]
    problem: ProblemDocument | None
    findings: list[ProblemDocument]
    failed_stage: Annotated[str, Stage] | None
    failed_as: str | None
    stages: list[StageDocument]


class RepairDocument(TypedDict):
    """One repair that works; *changes* as ``settings set`` takes them."""

    kind: Annotated[str, RepairKind]
    servers: list[Annotated[str, Server]]
    changes: dict[str, str]


class ReportDocument(TypedDict):
    """The test of both servers."""

    schema: Schema
    conclusion: Annotated[str, Conclusion]
    headline: str
    servers: list[ServerDocument]
    setting_faults: list[str]


class RepairsDocument(TypedDict):
    """What repairs a failed test."""

    repairs: list[RepairDocument]


class ServersTestDocument(ReportDocument, RepairsDocument):
    """What ``test --json`` prints."""


class SettingDocument(TypedDict):
    """One setting in force and where it comes from."""

    value: SettingValue
    origin: Origin


class SettingsDocument(TypedDict):
    """What ``settings get --json`` prints: settings by dotted name, what is refused."""

    schema: Schema
    settings: dict[str, SettingDocument]
    faults: list[str]


class AssistanceDocument(TypedDict):
    """Assistance mode: *assistance_since* is wall clock, *wait* in seconds."""

    assistance_since: float | None
    may_enter: bool
    why_not: dict[str, object] | None
    wait: float
    hold: Annotated[str, WaitReason]
    servers_answer: bool
    register_days: int | None


class AssistanceStatusDocument(TypedDict):
    """What ``assistance status --json`` prints; *assistance_since* is RFC 3339 in UTC."""

    schema: Schema
    assistance_since: str | None
    may_enter: bool
    why_not: str
    wait: float
    hold: Annotated[str, WaitReason]
    servers_answer: bool
    register_days: int | None


class JournalDocument(TypedDict):
    """What ``journal --json`` prints.

    An entry has "at", "event", "whole" and the details of its event.
    """

    schema: Schema
    whole: bool
    entries: list[dict[str, object]]


class StayDocument(TypedDict):
    """One time of the log book; *begin* is RFC 3339 in UTC."""

    begin: str
    seconds: int
    state: Annotated[str, LogBookState]
    code: str


class HistoryDocument(TypedDict):
    """What ``history --json`` prints, oldest first."""

    schema: Schema
    stays: list[StayDocument]


class AutostartDocument(TypedDict):
    """What ``autostart status --json`` prints; null if the program is not installed."""

    schema: Schema
    autostart: Annotated[str, Autostart] | None
    commands: list[str]


class VersionDocument(TypedDict):
    """What ``version --json`` prints."""

    schema: Schema
    version: str


class OfferDocument(TypedDict):
    """A version on offer; *reasons* say why it is not proposed."""

    kind: Literal["product", "agent"]
    version: str
    bytes: int
    critical: bool
    proposed: bool
    allowed: bool
    reasons: list[str]


class UpdatesDocument(TypedDict):
    """What ``update check --json`` and ``update list --json`` print."""

    schema: Schema
    installed: dict[str, str]
    withdrawn: list[str]
    versions: list[OfferDocument]


class ReceivedFileDocument(TypedDict):
    """What ``update download --json`` and ``update from --json`` print.

    *notes* is the path of the verified *Lisez-moi*, "" if there is none.
    """

    schema: Schema
    kind: Literal["product", "agent"]
    version: str
    path: str
    bytes: int
    notes: str


class InstallationDocument(TypedDict):
    """What ``update install --json`` prints; *words* say how it ended."""

    schema: Schema
    kind: Literal["product", "agent"]
    version: str
    state: str
    exit_code: int
    words: str


class UpdateLineDocument(TypedDict):
    """One line of the history of updates; there are three a version."""

    at: float
    kind: Literal["product", "agent"]
    version: str
    before: str
    step: Literal["installer", "version", "authentication"]
    good: bool
    words: str


class UpdateHistoryDocument(TypedDict):
    """What ``update history --json`` prints."""

    schema: Schema
    lines: list[UpdateLineDocument]


class SitePostDocument(TypedDict):
    """One PC of the site, as it says itself; *seen* is when (wall clock)."""

    post: str
    product: str
    agent: str
    seen: int
    here: bool
    behind: list[Literal["product", "agent"]]


class SitePostsDocument(TypedDict):
    """What ``update posts --json`` prints; *folder* is "" if none is shared."""

    schema: Schema
    folder: str
    posts: list[SitePostDocument]
    ignored: int


UNKNOWN_ROUTE = "unknown"
"""The value of a route that could not be found."""


class RouteDocument(TypedDict):
    """The route to one server; *origin* is what decided it, or a problem's code."""

    value: str
    origin: str
    detail: str


class DiagnosisDocument(TypedDict):
    """What ``diagnose --json`` prints."""

    schema: Schema
    version: str
    system: str
    python: str
    program: str
    agent: str
    problem: str | None
    licence_key: str
    proxy_password: str
    state_seal: str
    autostart: Annotated[str, Autostart] | None
    impact_emploi_version: str
    routes: dict[str, RouteDocument]
    register_days: int | None
    folders: dict[str, str]
    settings: dict[str, SettingDocument]
    faults: list[str]
    libraries: dict[str, str]


class RequestDocument(TypedDict):
    """One request on the channel (``docs/channel.md``)."""

    do: str
    event: NotRequired[str]
    reason: NotRequired[str]
    password: NotRequired[str]


class TokenDocument(TypedDict):
    """The access token, a secret, and for how many seconds it holds yet."""

    access_token: str
    expires_in: int


class ReplyDocument(TypedDict):
    """The answer to one request; *refusal* if *ok* is false."""

    ok: bool
    status: NotRequired[AgentStatusDocument]
    assistance: NotRequired[AssistanceDocument]
    run: NotRequired[int]
    token: NotRequired[TokenDocument]
    refusal: NotRequired[dict[str, object]]
