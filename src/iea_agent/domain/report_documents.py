"""The document ``report.json`` in a support file (``docs/report.schema.json``).

The agent builds it, ``support_report`` parses it. Times are in seconds since 1970 UTC, except in *status*.
"""

from __future__ import annotations

from typing import Annotated, TypedDict

from .diagnosis import Server, Stage, StageOutcome
from .documents import Schema, SettingDocument, StatusDocument
from .log_book import LogBookState
from .problems import Actor
from .repairs import RepairKind
from .support_report import Level
from .update_catalogue import ReleaseKind
from .update_machine import UpdateState


class NotedProblemDocument(TypedDict):
    """A problem by its code; *title* is French, in every language."""

    code: str
    detail: str
    title: str
    actor: Annotated[str, Actor]


class WorkingRepairDocument(TypedDict):
    """Settings with which failed servers were reached, and their effect in words."""

    kind: Annotated[str, RepairKind]
    servers: list[Annotated[str, Server]]
    effect: str
    changes: dict[str, str]


class TestedStageDocument(TypedDict):
    """One stage of the test of a server."""

    stage: Annotated[str, Stage]
    outcome: Annotated[str, StageOutcome]
    milliseconds: float | None
    detail: str


class CertificateDocument(TypedDict):
    """The certificate that a server sent, or that was refused."""

    subject: str
    issuer: str
    not_before: float
    not_after: float
    sha256: str
    changed_at: float | None


class TestedServerDocument(TypedDict):
    """The last test of one server; *cause* may explain *failed_as*, what was observed."""

    server: Annotated[str, Server]
    address: str
    cause: NotedProblemDocument | None
    failed_as: NotedProblemDocument | None
    failed_stage: Annotated[str, Stage] | None
    findings: list[NotedProblemDocument]
    milliseconds: float
    route: str
    route_source: str
    clock_ahead: float | None
    certificate: CertificateDocument | None
    stages: list[TestedStageDocument]


class TestedServersDocument(TypedDict):
    """The last test of both servers, which ended *at*.

    *repairs* is null if none were looked for.
    """

    at: float
    servers: list[TestedServerDocument]
    repairs: list[WorkingRepairDocument] | None


class ReportedStayDocument(TypedDict):
    """One time of the log book."""

    begin: float
    seconds: float
    state: Annotated[str, LogBookState]
    code: str


class ReportedUpdateDocument(TypedDict):
    """The update of one product; *code* is why its download failed, else ""."""

    product: Annotated[str, ReleaseKind]
    version: str
    state: Annotated[str, UpdateState]
    since: float
    code: str


class ReportedJournalDocument(TypedDict):
    """The journal of assistance mode: whether its chain holds, and the last hash."""

    whole: bool
    entries: int
    last_hash: str


class ReportedCrashDocument(TypedDict):
    """The last crash of the agent."""

    at: float
    is_repeated: bool


class SupportReportDocument(TypedDict):
    """The whole of ``report.json``."""

    schema: Schema
    made: float
    level: Annotated[str, Level]
    version: str
    program_version: str
    system: str
    phone_code: str
    status: StatusDocument | None
    assistance_since: float | None
    register_days: int | None
    test: TestedServersDocument | None
    history: list[ReportedStayDocument]
    licence_key: str
    proxy_password: str
    settings: dict[str, SettingDocument]
    setting_faults: list[str]
    routes: dict[str, str]
    updates: list[ReportedUpdateDocument]
    journal: ReportedJournalDocument | None
    crash: ReportedCrashDocument | None
    libraries: dict[str, str]
