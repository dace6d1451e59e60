"""Whole texts as a person reads them, in both languages, against ``whole_texts/``.

A changed sentence changes a file there. Write the files anew, then read the difference as a clerk would:

    python -m tests.shell.wording.test_whole_texts
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from iea_agent import __version__, locale
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import (
    STAGES,
    Certificate,
    Failure,
    Server,
    ServerReport,
    Stage,
    StageOutcome,
    StageResult,
)
from iea_agent.domain.evidence import ClockOffset, PortalPage, RedirectTarget
from iea_agent.domain.machine import Effect, Snapshot, State
from iea_agent.domain.person_requests import Abilities
from iea_agent.domain.settings import DEFAULTS
from iea_agent.shell.wording import balloon_text, menu, report_text, status_text
from iea_agent.shell.wording.view import SEPARATOR
from tests.status_documents import make_status

FOLDER = Path(__file__).parent / "whole_texts"
# local time, as the sentences are
NOW = time.mktime((2026, 11, 12, 14, 25, 0, 0, 0, -1))
HOUR = 3600.0
SETTINGS = replace(DEFAULTS, licence_number="IEA-0000-1234")
UNANSWERED = Failure(Stage.CONNECTION, problems.CONNECTION_UNANSWERED, "ConnectTimeout")
MAINTENANCE = Failure(Stage.ANSWER, problems.SERVER_IN_MAINTENANCE, "HTTP 503", retry_after=900.0)
REFUSED = Failure(Stage.LICENCE, problems.AUTHORISATION_REFUSED, "HTTP 403 access_denied")
PORTAL = Failure(Stage.CONNECTION, problems.CAPTIVE_PORTAL, evidence=PortalPage("https://portail.exemple.fr"))
SLOW_CLOCK = Failure(Stage.ANSWER, problems.CLOCK_WRONG, evidence=ClockOffset(266_400))
ELSEWHERE = Failure(Stage.ANSWER, problems.REDIRECTED, "HTTP 302", evidence=RedirectTarget("https://a.fr"))
CERTIFICATE = Certificate("exemple.fr", "Certigna", NOW - 1e7, NOW + 1e7, "ab" * 32, NOW - 26 * HOUR)
EXPIRED = Failure(
    Stage.CERTIFICATE, problems.CERTIFICATE_EXPIRED, "certificate has expired", certificate=CERTIFICATE
)

SNAPSHOTS = {
    "first answer awaited": Snapshot(State.CONNECTING, NOW - 5, working=True),
    "connected": Snapshot(State.CONNECTED, NOW - HOUR, contact_at=NOW - 40),
    "connected, one attempt failed": Snapshot(
        State.CONNECTED,
        NOW - 30 * HOUR,
        failure=UNANSWERED,
        failed_at=NOW - 3,
        contact_at=NOW - 64,
        retry_at=NOW + 1,
    ),
    "lost": Snapshot(
        State.DISCONNECTED,
        NOW - 600,
        failure=UNANSWERED,
        failed_at=NOW - 20,
        contact_at=NOW - 26 * HOUR,
        retry_at=NOW + 40,
    ),
    "lost, attempt under way": Snapshot(
        State.DISCONNECTED, NOW - 600, failure=MAINTENANCE, failed_at=NOW - 20, working=True
    ),
    "refused": Snapshot(State.DISCONNECTED, NOW, failure=REFUSED, failed_at=NOW, retry_at=NOW + 900),
    "assistance": Snapshot(State.ASSISTANCE, NOW - 59 * 60, failure=UNANSWERED, failed_at=NOW),
    "assistance, servers answer": Snapshot(
        State.ASSISTANCE, NOW - 51.6 * HOUR, contact_at=NOW - 30, servers_answer=True
    ),
}
"""A snapshot of each kind that the status window shows."""


def report(
    server: Server, failure: Failure | None, *findings: Failure, certificate: Certificate | None = None
) -> ServerReport:
    """Return a finished report whose stages went well up to that of *failure*."""
    order = STAGES[server]
    at = len(order) if failure is None else order.index(failure.stage)
    stages = tuple(
        StageResult(stage, StageOutcome.PASSED, 48.4 * place, "192.0.2.7" if stage is Stage.NAME else "")
        if place < at
        else StageResult(stage, StageOutcome.FAILED if place == at else StageOutcome.SKIPPED)
        for place, stage in enumerate(order)
    )
    return ServerReport(
        server, "https://exemple.fr", stages, failure, 2140.0, findings=findings, certificate=certificate
    )


TESTS = {
    "both reached": (report(Server.AUTHENTICATION, None), report(Server.UPDATES, None, SLOW_CLOCK)),
    "expired certificate": (
        report(Server.AUTHENTICATION, EXPIRED, certificate=CERTIFICATE),
        report(Server.UPDATES, None),
    ),
    "sign-in page": (
        report(Server.AUTHENTICATION, UNANSWERED, PORTAL),
        replace(report(Server.UPDATES, ELSEWHERE), route="http://proxy:3128", route_source="script"),
    ),
    "refused licence": (report(Server.AUTHENTICATION, REFUSED), report(Server.UPDATES, None)),
}
"""Tests of both servers with each kind of outcome."""

BALLOONS = {
    Effect.ANNOUNCE_FAILURE: "lost",
    Effect.ANNOUNCE_RECOVERY: "connected",
    Effect.ANSWER_PERSON: "connected",
    Effect.ANNOUNCE_ASSISTANCE: "assistance, servers answer",
    Effect.ANNOUNCE_EXPIRY: "refused",
    Effect.ANNOUNCE_SERVERS_ANSWER: "assistance, servers answer",
}
"""Each announcement, with the snapshot in which it is made."""


def list_texts() -> Iterator[tuple[str, str]]:
    """Yield each text in the present language, after a title."""
    for name, snapshot in SNAPSHOTS.items():
        document = make_status(snapshot, SETTINGS)
        yield f"status: {name}", status_text.render_status(document, NOW)
    for name, snapshot in SNAPSHOTS.items():
        view = menu.render_view(snapshot, NOW, Abilities())
        lines = [
            "-" if line is SEPARATOR else f"{'' if line.enabled else 'grey '}[{line.mnemonic}] {line.label}"
            for line in view.menu
        ]
        yield f"icon: {name}", "\n".join([view.picture.value, view.tooltip, *lines])
    for kind, name in BALLOONS.items():
        balloon = balloon_text.build_announcement_balloon(kind, SNAPSHOTS[name])
        yield f"balloon: {kind.value}", f"{balloon.title}\n{balloon.body}"
    for name, balloon in (
        ("program", balloon_text.build_launch_failure_balloon(r"C:\IEA\iea.exe")),
        ("window", balloon_text.build_window_failure_balloon("FileNotFoundError")),
        ("settings", balloon_text.build_problem_balloon(problems.SETTINGS_UNREADABLE)),
        (
            "folders",
            balloon_text.build_folders_balloon([PurePosixPath("/plein"), PurePosixPath("/journaux")]),
        ),
    ):
        yield f"balloon: {name}", f"{balloon.title}\n{balloon.body}"
    for name, reports in TESTS.items():
        yield f"test: {name}", report_text.render_report(reports, NOW)
        for each in reports:
            yield f"lines: {name}, {each.server.value}", "\n".join(report_text.list_report_lines(each))


def render_texts() -> str:
    """Return all texts in the present language."""
    text = "\n".join(f"== {title}\n{text}\n" for title, text in list_texts())
    # a no-break blank is seen, and the version may rise
    return text.replace("\u00a0", "~").replace(__version__, "VERSION")


@pytest.mark.usefixtures("language")
def test_every_whole_text_is_as_written(language: str) -> None:
    assert render_texts() == (FOLDER / f"{language}.txt").read_text(encoding="utf-8")


def main() -> None:
    """Write the texts of every language."""
    FOLDER.mkdir(exist_ok=True)
    for language in locale.LANGUAGES:
        locale.choose(language)
        (FOLDER / f"{language}.txt").write_text(render_texts(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
