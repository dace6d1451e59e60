"""The support file: its parts, and ``report.json`` for agent and desk.

The agent builds the document (``docs/report.schema.json`` describes it) and the desk parses it: a file comes from a mail, so nothing
in it is believed. What a later agent adds is left out; a later schema is refused by its number.

Times are seconds since 1970 UTC, except in ``status``, which is what ``status --json`` prints.
"""

from __future__ import annotations

import calendar
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from . import state_values
from .diagnosis import Certificate, Server, Stage, StageOutcome
from .log_book import LogBookState, Stay
from .machine import State
from .printable_text import bound_detail
from .problems import Actor
from .proxy_choice import Source
from .repairs import RepairKind

SCHEMA = 1
README = "LISEZ-MOI.txt"
REPORT = "report.json"
HISTORY = "carnet-de-connexion.txt"
JOURNAL = "journal-assistance.txt"
LOG_FOLDER = "journaux/"
SETUP_FOLDER = "installation/"
"""The parts of the file; the folders hold logs."""
LARGEST_FILE = 5_000_000
"""Bytes of the whole file, so that any mailbox takes it."""
LARGEST_REPORT = 2_000_000
"""Bytes of ``report.json``."""
MOST_STAYS = 4_000
"""The newest times of the log book that go into a report."""
_CODE = re.compile(r"(?:IEA-[A-Z][0-9]{2})?", re.ASCII)
_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z", re.ASCII)


class Level(Enum):
    """How much is hidden: secrets only; the person and the PC, too; or all names."""

    NONE = "none"
    NORMAL = "normal"
    STRICT = "strict"


class ReportError(ValueError):
    """A document that is no report; *schema* is the number of one that is too new."""

    def __init__(self, reason: str, schema: int | None = None) -> None:
        super().__init__(reason)
        self.schema = schema


@dataclass(frozen=True, slots=True)
class NotedProblem:
    """A problem by its code, with the technical text about it.

    *title* and *actor* are what the agent said of it, where it did: a code may be newer than this program's catalogue, and some
    cases of a problem have another actor.
    """

    code: str
    detail: str = ""
    title: str = ""
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class TestedStage:
    """One stage of a test; *milliseconds* is None if it was not reached."""

    stage: Stage
    outcome: StageOutcome
    milliseconds: float | None
    detail: str


@dataclass(frozen=True, slots=True)
class TestedServer:
    """The test of one server; *cause* is what a person read, None after a success.

    *failed_as* is the problem that was observed, which *cause* may explain.
    """

    server: Server
    address: str
    cause: NotedProblem | None
    failed_as: NotedProblem | None = None
    failed_stage: Stage | None = None
    findings: tuple[NotedProblem, ...] = ()
    stages: tuple[TestedStage, ...] = ()
    milliseconds: float = 0.0
    route: str = ""
    route_source: Source | None = None
    certificate: Certificate | None = None
    clock_ahead: float | None = None


@dataclass(frozen=True, slots=True)
class WorkingRepair:
    """A repair with which the test passed; *effect* is a sentence of the agent.

    *changes* has what would be typed, by the name of the setting.
    """

    kind: RepairKind
    servers: tuple[Server, ...]
    effect: str
    changes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TestedServers:
    """A test of both servers that ended *at* (wall clock).

    *repairs* is None if none were looked for.
    """

    at: float
    servers: tuple[TestedServer, ...]
    repairs: tuple[WorkingRepair, ...] | None = None

    def find_problem(self, connected_at: float | None = None) -> NotedProblem | None:
        """Return what is wrong: what a server's failure is called, else what was noticed.

        *connected_at* is when the connection was last seen to hold: what the test said of the authentication server before is over.
        """
        is_over = connected_at is not None and connected_at > self.at
        servers = [each for each in self.servers if not (is_over and each.server is Server.AUTHENTICATION)]
        causes = [server.cause for server in servers if server.cause is not None]
        return next(iter((*causes, *(each for server in servers for each in server.findings))), None)


@dataclass(frozen=True, slots=True)
class ReportedStatus:
    """The state of the agent when the file was made."""

    state: State
    since: float
    problem: NotedProblem | None
    last_contact: float | None
    next_try: float | None
    servers_answer: bool
    notices: tuple[str, ...]
    setting_faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportedSetting:
    """One setting in force; *origin* is "default", "settings" or "policy"."""

    value: str | bool | int
    origin: str


@dataclass(frozen=True, slots=True)
class ReportedUpdate:
    """The update of one product, in words that a later agent may add to.

    *code* is why its download failed, "" if it did not.
    """

    product: str
    version: str
    state: str
    since: float
    code: str


@dataclass(frozen=True, slots=True)
class ReportedJournal:
    """The journal of assistance mode: whether its chain holds, and its last hash."""

    whole: bool
    entries: int
    last_hash: str


@dataclass(frozen=True, slots=True)
class ReportedCrash:
    """The last crash of the agent, *at* a time of the wall clock."""

    at: float
    is_repeated: bool


@dataclass(frozen=True, slots=True)
class SupportReport:
    """What a support file says of one PC.

    *status* is None if the agent was stopped. *program_version* is that of Impact emploi, "" if unknown.
    """

    made: float
    level: Level
    version: str
    program_version: str
    system: str
    phone_code: str
    status: ReportedStatus | None
    test: TestedServers | None = None
    stays: tuple[Stay, ...] = ()
    assistance_since: float | None = None
    register_days: int | None = None
    licence_key: str = ""
    settings: Mapping[str, ReportedSetting] = field(default_factory=dict)
    routes: Mapping[str, str] = field(default_factory=dict)
    updates: tuple[ReportedUpdate, ...] = ()
    journal: ReportedJournal | None = None
    crash: ReportedCrash | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)

    @property
    def problem(self) -> NotedProblem | None:
        """What is wrong: by the agent's state, else by the last test, else with an update."""
        status = self.status
        if status is not None and status.problem is not None:
            return status.problem
        connected_at = status.last_contact if status is not None and status.state is State.CONNECTED else None
        tested = self.test.find_problem(connected_at) if self.test is not None else None
        failed = (NotedProblem(update.code) for update in self.updates if update.code)
        return tested or next(failed, None)


def parse_report(data: bytes) -> SupportReport:
    """Return the report in *data*. Raises ``ReportError``."""
    if len(data) > LARGEST_REPORT:
        raise ReportError("too large")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ReportError("no JSON") from error
    if not isinstance(document, dict):
        raise ReportError("an object expected")
    schema = document.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ReportError("no schema")
    if schema > SCHEMA:
        raise ReportError("a newer schema", schema)
    try:
        return _parse_document(document)
    except (ValueError, OverflowError) as error:
        raise ReportError(str(error)) from error


def _parse_document(document: Mapping[str, object]) -> SupportReport:
    return SupportReport(
        made=state_values.parse_time(document, "made"),
        level=Level(document.get("level")),
        version=_parse_text(document, "version"),
        program_version=_parse_text(document, "program_version"),
        system=_parse_text(document, "system"),
        phone_code=_parse_text(document, "phone_code"),
        status=_parse_optional(document, "status", _parse_status),
        test=_parse_optional(document, "test", parse_test),
        stays=tuple(map(_parse_stay, _parse_objects(document, "history", MOST_STAYS))),
        assistance_since=_parse_number(document, "assistance_since"),
        register_days=_parse_whole(document, "register_days"),
        licence_key=_parse_text(document, "licence_key"),
        settings={
            name: _parse_setting(value) for name, value in _parse_mapping(document, "settings").items()
        },
        routes=_parse_texts(document, "routes"),
        updates=tuple(map(_parse_update, _parse_objects(document, "updates", 10))),
        journal=_parse_optional(document, "journal", _parse_journal),
        crash=_parse_optional(document, "crash", _parse_crash),
        libraries=_parse_texts(document, "libraries"),
    )


def _parse_status(document: Mapping[str, object]) -> ReportedStatus:
    since = _parse_moment(document, "since")
    if since is None:
        raise ValueError("since: a time expected")
    return ReportedStatus(
        State(document.get("state")),
        since,
        _parse_optional(document, "problem", _parse_problem),
        _parse_moment(document, "last_contact"),
        _parse_moment(document, "next_try"),
        document.get("servers_answer") is True,
        _parse_lines(document, "notices"),
        _parse_lines(document, "setting_faults"),
    )


def _parse_moment(document: Mapping[str, object], name: str) -> float | None:
    """Return the RFC 3339 time *name*, None for null. Raises ``ValueError``."""
    value = document.get(name)
    if value is None:
        return None
    match = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{name}: a time expected")
    return float(calendar.timegm(tuple(map(int, match.groups()))))


def _parse_problem(document: Mapping[str, object]) -> NotedProblem:
    code = document.get("code")
    if not isinstance(code, str) or not code or not _CODE.fullmatch(code):
        raise ValueError("a code expected")
    # a later agent may know more actors
    actor = next((each for each in Actor if each.value == document.get("actor")), None)
    return NotedProblem(code, _parse_text(document, "detail"), _parse_text(document, "title"), actor)


def parse_test(document: Mapping[str, object]) -> TestedServers:
    """Return the test of both servers in *document*. Raises ``ValueError``."""
    servers = tuple(map(_parse_server, _parse_objects(document, "servers", len(Server))))
    repairs = document.get("repairs")
    return TestedServers(
        state_values.parse_time(document, "at"),
        servers,
        None
        if repairs is None
        else tuple(map(_parse_repair, _parse_objects(document, "repairs", len(RepairKind)))),
    )


def _parse_repair(document: Mapping[str, object]) -> WorkingRepair:
    return WorkingRepair(
        RepairKind(document.get("kind")),
        tuple(map(Server, _parse_lines(document, "servers"))),
        _parse_text(document, "effect"),
        _parse_texts(document, "changes"),
    )


def _parse_server(document: Mapping[str, object]) -> TestedServer:
    stage, source = document.get("failed_stage"), document.get("route_source")
    return TestedServer(
        Server(document.get("server")),
        _parse_text(document, "address"),
        _parse_optional(document, "cause", _parse_problem),
        _parse_optional(document, "failed_as", _parse_problem),
        None if stage is None else Stage(stage),
        tuple(map(_parse_problem, _parse_objects(document, "findings", 20))),
        tuple(map(_parse_stage, _parse_objects(document, "stages", len(Stage)))),
        _parse_number(document, "milliseconds") or 0.0,
        _parse_text(document, "route"),
        # a later agent may know more of them
        next((each for each in Source if each.value == source), None),
        _parse_optional(document, "certificate", _parse_certificate),
        _parse_number(document, "clock_ahead"),
    )


def _parse_stage(document: Mapping[str, object]) -> TestedStage:
    return TestedStage(
        Stage(document.get("stage")),
        StageOutcome(document.get("outcome")),
        _parse_number(document, "milliseconds"),
        _parse_text(document, "detail"),
    )


def _parse_certificate(document: Mapping[str, object]) -> Certificate:
    return Certificate(
        _parse_text(document, "subject"),
        _parse_text(document, "issuer"),
        _parse_number(document, "not_before") or 0.0,
        _parse_number(document, "not_after") or 0.0,
        _parse_text(document, "sha256"),
        _parse_number(document, "changed_at"),
    )


def _parse_stay(document: Mapping[str, object]) -> Stay:
    code, seconds = document.get("code", ""), _parse_number(document, "seconds")
    if not isinstance(code, str) or not _CODE.fullmatch(code) or seconds is None or seconds < 0:
        raise ValueError("history: a code and a duration expected")
    return Stay(
        LogBookState(document.get("state")), code, state_values.parse_time(document, "begin"), seconds
    )


def _parse_setting(value: object) -> ReportedSetting:
    if not isinstance(value, dict) or not isinstance(value.get("value"), (str, bool, int)):
        raise ValueError("settings: values expected")
    inner = value["value"]
    return ReportedSetting(
        bound_detail(inner) if isinstance(inner, str) else inner, _parse_text(value, "origin")
    )


def _parse_update(document: Mapping[str, object]) -> ReportedUpdate:
    code = document.get("code", "")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise ValueError("updates: a code expected")
    return ReportedUpdate(
        _parse_text(document, "product"),
        _parse_text(document, "version"),
        _parse_text(document, "state"),
        state_values.parse_time(document, "since"),
        code,
    )


def _parse_journal(document: Mapping[str, object]) -> ReportedJournal:
    return ReportedJournal(
        document.get("whole") is True,
        _parse_whole(document, "entries") or 0,
        _parse_text(document, "last_hash"),
    )


def _parse_crash(document: Mapping[str, object]) -> ReportedCrash:
    return ReportedCrash(state_values.parse_time(document, "at"), document.get("is_repeated") is True)


def _parse_text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name}: a text expected")
    return bound_detail(value)


def _parse_number(document: Mapping[str, object], name: str) -> float | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) < 1e15:
        raise ValueError(f"{name}: a number expected")
    return float(value)


def _parse_whole(document: Mapping[str, object], name: str) -> int | None:
    value = document.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or abs(value) > 10**15):
        raise ValueError(f"{name}: a whole number expected")
    return value


def _parse_mapping(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = document.get(name, {})
    if not isinstance(value, dict) or len(value) > 200:
        raise ValueError(f"{name}: an object expected")
    return {bound_detail(key): inner for key, inner in value.items()}


def _parse_texts(document: Mapping[str, object], name: str) -> Mapping[str, str]:
    return {
        key: bound_detail(value)
        for key, value in _parse_mapping(document, name).items()
        if isinstance(value, str)
    }


def _parse_lines(document: Mapping[str, object], name: str) -> tuple[str, ...]:
    values = document.get(name, [])
    if not isinstance(values, list) or len(values) > 100:
        raise ValueError(f"{name}: a list expected")
    return tuple(bound_detail(value) for value in values if isinstance(value, str))


def _parse_objects(document: Mapping[str, object], name: str, most: int) -> list[Mapping[str, object]]:
    values = document.get(name, [])
    if not isinstance(values, list) or len(values) > most:
        raise ValueError(f"{name}: a list of at most {most} objects expected")
    objects: list[Mapping[str, object]] = [value for value in values if isinstance(value, dict)]
    if len(objects) != len(values):
        raise ValueError(f"{name}: objects expected")
    return objects


_Parsed = TypeVar("_Parsed")


def _parse_optional(
    document: Mapping[str, object], name: str, parse: Callable[[Mapping[str, object]], _Parsed]
) -> _Parsed | None:
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError(f"{name}: an object expected")
    return parse(value)
