"""Requests to the support desk as the agent makes them, for the tests."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from iea_agent import __version__
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Server, ServerReport, Stage
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.phone_code import PhoneFacts, format_phone_code
from iea_agent.domain.problems import Problem
from iea_agent.domain.server_test_record import build_test_document
from iea_agent.domain.settings import DEFAULTS
from iea_agent.domain.support_letter import Letter
from iea_agent.shell.wording.letter_text import LetterFacts, compose_letter
from tests.status_documents import make_status

NOW = 1_796_040_000.0
PROBLEMS: Mapping[str, Problem] = {
    name: each for name, each in vars(problems).items() if isinstance(each, Problem) and name.isupper()
}
"""Every problem, and the other cases of some, by the name of the constant."""


def make_report(problem: Problem | None = None, *, runs: bool = True, **changes: object) -> dict[str, Any]:
    """Return the report of a PC with *problem*, as the agent builds it."""
    failure = None if problem is None else Failure(Stage.ANSWER, problem, "HTTP 500")
    state = State.CONNECTED if problem is None else State.DISCONNECTED
    tested = [ServerReport(server, "https://exemple.fr", (), failure) for server in Server]
    return {
        "schema": 1,
        "made": NOW,
        "level": "normal",
        "version": __version__,
        "program_version": "3.00.72",
        "system": "Windows 10",
        "phone_code": make_phone_code(problem),
        "status": make_status(Snapshot(state, NOW - 3600, failure), DEFAULTS) if runs else None,
        "assistance_since": None,
        "register_days": 900,
        "test": build_test_document(tested, NOW - 600),
        "history": [],
        "licence_key": "saved",
        "settings": {},
        "routes": {"authentication": "direct (none)"},
        "journal": None,
        "crash": None,
        "libraries": {},
        **changes,
    }


def make_phone_code(problem: Problem | None) -> str:
    """Return the phone code of a PC with *problem*."""
    code = "" if problem is None else problem.code
    return format_phone_code(
        PhoneFacts(
            __version__,
            State.DISCONNECTED if code else State.CONNECTED,
            code,
            0.0,
            state_age=600.0,
            day=30,
            other_actor=problem is not None and problem.actor is not problems.CATALOGUE[code].actor,
        )
    )


def pack(parts: Mapping[str, bytes | str]) -> bytes:
    """Return a zip with *parts*."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def pack_report(problem: Problem | None = None, **changes: Any) -> bytes:
    """Return a support file of a PC with *problem*."""
    return pack({"LISEZ-MOI.txt": "…", "report.json": json.dumps(make_report(problem, **changes))})


def make_letter(problem: Problem) -> Letter:
    """Return the message that the agent prepares about *problem*."""
    status = make_status(Snapshot(State.DISCONNECTED, NOW, Failure(Stage.ANSWER, problem)), DEFAULTS)
    return compose_letter(
        LetterFacts(
            version="3.00.72",
            status=status,
            phone_code=make_phone_code(problem),
            contact="Club, Marie, 01 02 03 04 05",
            complaint="Le logiciel ne se lance pas",
        )
    )


def make_mail(
    text: str, attached: bytes | None = None, sender: str = "Marie <marie@exemple.fr>", at: float = NOW
) -> bytes:
    """Return a mail with *text*, and a support file where there is one."""
    message = EmailMessage()
    message["From"], message["To"] = sender, "impact-emploi-association@urssaf.fr"
    message["Subject"] = "Serveur de connexion 3.00.72"
    message["Date"] = format_datetime(datetime.fromtimestamp(at, UTC))
    message.set_content(text)
    if attached is not None:
        message.add_attachment(attached, maintype="application", subtype="zip", filename="assistance.zip")
    return bytes(message)
