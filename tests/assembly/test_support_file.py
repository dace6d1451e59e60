"""The support file: whole without an agent, and without what must not be in it."""

from __future__ import annotations

import io
import json
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from referencing import Registry, Resource

from iea_agent.assembly import support_file
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.last_test import keep_repairs, keep_test
from iea_agent.assembly.support_file import SupportFile
from iea_agent.assembly.update_keeper import RECORDS
from iea_agent.domain import log_book, problems, support_report
from iea_agent.domain.diagnosis import Certificate, Failure, Server, ServerReport, Stage
from iea_agent.domain.log_book import Entry, LogBookState
from iea_agent.domain.phone_code import decode_phone_code
from iea_agent.domain.problems import Group, Problem
from iea_agent.domain.repairs import Repair, RepairKind
from iea_agent.domain.settings import DEFAULTS
from iea_agent.domain.support_report import Level, parse_report
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_machine import UpdateSnapshot, UpdateState
from iea_agent.domain.update_record import UpdateRecord
from iea_agent.host.journal import Journal
from iea_desk.request_files import open_request, open_text

pytestmark = pytest.mark.usefixtures("system_vault")

DOCS = Path(__file__).resolve().parents[2] / "docs"
KEY, PASSWORD = "K3Y-9F2M-7QX4-20LB", "Prox1&Pässe"
TOKEN = ".".join(("eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiJ4In0", "c2lnbmF0dXJlc2lnbmF0dXJl"))
SECRETS = (KEY, "9F2M", PASSWORD, "Prox1", TOKEN, "eyJ", "269054958815780", "FR7630006000011234567890189")
NAMES = ("jdurand", "PC-MAIRIE-3", "192.168.1.20", "aa:bb:cc:dd:ee:ff", "Glycines", "marie@exemple.fr")
STRICT_NAMES = ("proxy.mairie.fr", "IEA-0000-1234", "9.9.9.9")
LEFT_BEHIND = (
    "2026-11-30T08:02:00.000Z WARNING services.https refused"
    f' key={KEY} auth="Bearer {TOKEN}" nir=269054958815780 iban=FR7630006000011234567890189'
    r" file=C:\Users\jdurand\x pc=PC-MAIRIE-3 ip=192.168.1.20 mac=aa:bb:cc:dd:ee:ff club=Glycines"
    " mail=marie@exemple.fr proxy=proxy.mairie.fr dns=9.9.9.9\n"
)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation that has seen everything that must not leave it."""
    monkeypatch.setenv("USERNAME", "jdurand")
    monkeypatch.setenv("COMPUTERNAME", "PC-MAIRIE-3")
    monkeypatch.setenv("USERPROFILE", r"C:\Users\jdurand")
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    changes = {
        "licence.number": "IEA-0000-1234",
        "proxy.mode": "manual",
        "proxy.address": "proxy.mairie.fr:3128",
        "proxy.user": "jdurand",
        "support.hidden": "Glycines",
    }
    installation.save(changes, KEY, PASSWORD)
    now = time.time()
    refused = Failure(
        Stage.PROXY,
        problems.PROXY_UNREACHABLE,
        f"proxy.mairie.fr {PASSWORD} {KEY} 192.168.1.20",
        certificate=Certificate("exemple.fr", "Avast", 0.0, 1.0, "ab" * 32),
    )
    reports = [
        ServerReport(server, "https://impact-emploi.urssaf.fr", (), refused, route_source="settings")
        for server in Server
    ]
    keep_test(installation.storage, reports)
    repair = Repair(RepairKind.IPV4_ONLY, {"ipv4_only": True}, tuple(Server))
    keep_repairs(installation.storage, reports, (repair,), DEFAULTS)
    installation.log_book_file.append((Entry(now - 600, LogBookState.DISCONNECTED, "IEA-P02"),), now)
    Journal(installation.journal_file).append(
        "entering", datetime.now(UTC), {"reason": f"marie@exemple.fr 269054958815780 {KEY}"}
    )
    installation.folders.logs.mkdir(parents=True, exist_ok=True)
    (installation.folders.logs / "agent.log").write_text(LEFT_BEHIND * 50, encoding="utf-8")
    (installation.folders.state / "crash-0.txt").write_text("Current thread: access violation", "utf-8")
    return installation


def unpack(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


@pytest.mark.parametrize("level", Level)
def test_no_secret_is_in_any_part_of_it(installation: Installation, level: Level) -> None:
    data = SupportFile(installation, level).pack()
    parts = unpack(data)
    absent = [
        *SECRETS,
        *(NAMES if level is not Level.NONE else ()),
        *(STRICT_NAMES if level is Level.STRICT else ()),
    ]
    for name, text in parts.items():
        for marker in absent:
            assert marker.lower() not in text.lower(), (name, marker)
    if level is Level.NONE:
        assert "192.168.1.20" in parts["journaux/agent.log"]
    assert len(data) < 100_000


def test_it_says_what_is_in_it_and_the_desk_reads_it(installation: Installation) -> None:
    parts = unpack(SupportFile(installation).pack())
    assert next(iter(parts)) == "LISEZ-MOI.txt"
    for name in parts:
        assert name in parts["LISEZ-MOI.txt"] or name == "LISEZ-MOI.txt"
    assert "access violation" in parts["journaux/crash-0.txt"]

    document: dict[str, Any] = json.loads(parts["report.json"])
    status = json.loads((DOCS / "status.schema.json").read_text(encoding="utf-8"))
    beside: Registry[Any] = Registry().with_resource("status.schema.json", Resource.from_contents(status))
    schema = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema, registry=beside).validate(document)

    report = parse_report(parts["report.json"].encode())
    # no agent runs: the last test names the problem
    assert report.status is None
    assert report.problem is not None
    assert report.problem.code == problems.PROXY_UNREACHABLE.code
    assert decode_phone_code(report.phone_code).code == problems.PROXY_UNREACHABLE.code
    assert [stay.code for stay in report.stays][:1] == ["IEA-P02"]
    assert report.test is not None
    assert report.test.repairs is not None
    (repair,) = report.test.repairs
    assert (repair.kind, dict(repair.changes)) == (RepairKind.IPV4_ONLY, {"connection.ipv4_only": "true"})
    assert report.licence_key == "saved"
    assert report.settings["proxy.address"].origin == "settings"
    assert report.journal is not None
    assert (report.journal.whole, report.journal.entries) == (True, 1)


@pytest.mark.parametrize(
    "problem", [p for p in problems.CATALOGUE.values() if p.group is Group.UPDATES], ids=str
)
def test_a_failed_update_is_named_as_the_agent_names_it(tmp_path: Path, problem: Problem) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    failed = UpdateSnapshot(
        UpdateState.FAILED, time.time() - 60, "3.00.73", "ie.msi", 1, "ab" * 32, problem.code
    )
    installation.storage.write_state(RECORDS[ReleaseKind.PRODUCT], UpdateRecord(failed).to_document())
    case = open_request(SupportFile(installation).pack())
    assert (case.code, case.actor) == (problem.code, problem.actor)
    assert any(f"Mise à jour d'Impact emploi 3.00.73 : échec ({problem.code})" in note for note in case.notes)
    spoken = open_text(case.phone_code)
    assert (spoken.code, spoken.actor) == (problem.code, problem.actor)


def test_it_is_bounded_whatever_the_logs_hold(installation: Installation) -> None:
    for number in range(10):
        (installation.folders.logs / f"agent.log.{number}").write_text("a\n" * 200_000)
    parts = unpack(SupportFile(installation).pack())
    logs = [text for name, text in parts.items() if name.startswith("journaux/")]
    assert len(logs) == support_file.MOST_LOGS
    assert max(map(len, logs)) <= 2 * support_file.MOST_LOG
    # even of what cannot be compressed
    longest = support_file.MOST_LOGS * support_file.MOST_LOG + log_book.LARGEST_FILE
    assert longest + support_report.LARGEST_REPORT <= support_report.LARGEST_FILE


def test_it_is_made_before_anything_is_set_up(tmp_path: Path) -> None:
    empty = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    report = parse_report(unpack(SupportFile(empty).pack())["report.json"].encode())
    assert (report.problem, report.test, report.stays, report.journal) == (None, None, (), None)
