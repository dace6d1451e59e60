"""A changed certificate is dated across restarts, whatever the disk refuses."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from iea_agent.assembly.issuer_record import STATE, IssuerRecord
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import (
    Certificate,
    EndpointChange,
    Failure,
    Interception,
    Server,
    ServerReport,
    Stage,
)
from iea_agent.domain.known_issuers import parse_record
from iea_agent.host.storage import Folders, Storage

ADDRESS = "https://iea.exemple.fr/updates"


def storage(folder: Path) -> Storage:
    return Storage(Folders.locate({"IEA_AGENT_HOME": str(folder)}))


def by(issuer: str) -> Certificate:
    return Certificate("iea.exemple.fr", issuer, 0.0, 1.0, "00")


def refused(issuer: str) -> ServerReport:
    failure = Failure(Stage.CERTIFICATE, problems.INTERCEPTED, certificate=by(issuer))
    return ServerReport(Server.UPDATES, ADDRESS, (), failure)


def changed_at(report: ServerReport) -> float | None:
    assert report.failure is not None
    assert report.failure.certificate is not None
    return report.failure.certificate.changed_at


def test_the_change_is_remembered_by_the_next_process(tmp_path: Path) -> None:
    passed = ServerReport(Server.UPDATES, ADDRESS, (), certificate=by("Certigna"))
    assert IssuerRecord(storage(tmp_path)).record(passed, 50.0) == passed
    assert changed_at(IssuerRecord(storage(tmp_path)).record(refused("Avast"), 100.0)) == 100.0
    # another path of the same server is the same certificate
    failure = Failure(Stage.CERTIFICATE, problems.INTERCEPTED, certificate=by("Avast"))
    again = IssuerRecord(storage(tmp_path)).record_refused("https://iea.exemple.fr", failure, 200.0)
    assert again.certificate is not None
    assert again.certificate.changed_at == 100.0


def test_a_first_sight_is_no_change(tmp_path: Path) -> None:
    assert changed_at(IssuerRecord(storage(tmp_path)).record(refused("Avast"), 100.0)) is None


def test_what_is_known_costs_no_disk(tmp_path: Path) -> None:
    memory = IssuerRecord(storage(tmp_path))
    memory.record_accepted(ADDRESS, by("Certigna"), 50.0)
    file = tmp_path / "state" / "issuers.json"
    file.unlink()
    memory.record_accepted(ADDRESS, by("Certigna"), 50.0)
    assert not file.exists()


def test_a_disk_that_refuses_costs_the_date_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder", encoding="utf-8")
    memory = IssuerRecord(storage(tmp_path))
    memory.record_accepted(ADDRESS, by("Certigna"), 50.0)
    assert changed_at(memory.record(refused("Avast"), 100.0)) is None


def test_two_sessions_lose_no_record_of_each_other(tmp_path: Path) -> None:
    first, second = IssuerRecord(storage(tmp_path)), IssuerRecord(storage(tmp_path))
    servers = [f"https://{number}.exemple.fr" for number in range(8)]

    def record(memory: IssuerRecord, own: list[str]) -> None:
        for server in own:
            memory.record_accepted(server, by("Certigna"), 50.0)

    threads = [
        threading.Thread(target=record, args=(memory, own))
        for memory, own in ((first, servers[::2]), (second, servers[1::2]))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(storage(tmp_path).read_state(STATE, parse_record) or {}) == set(servers)


def test_a_change_of_a_believed_issuer_and_of_the_token_endpoint_is_said_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memory = IssuerRecord(storage(tmp_path))
    memory.record_accepted(ADDRESS, by("Certigna"), 50.0)
    memory.record_endpoint(ADDRESS, "https://iea.exemple.fr/token", 50.0)
    assert memory.list_notices(ADDRESS, 60.0) == ()
    assert caplog.records == []
    passed = ServerReport(Server.UPDATES, ADDRESS, (), certificate=by("Fortinet"))
    interception = Interception("Fortinet (FortiGate)", "Certigna", 100.0)
    assert memory.record(passed, 100.0).notices == (interception,)
    memory.record_endpoint(ADDRESS, "https://iea.exemple.fr/autre", 110.0)
    change = EndpointChange("https://iea.exemple.fr/autre", "https://iea.exemple.fr/token", 110.0)
    assert [record.message for record in caplog.records] == [
        "certificate of an interceptor believed",
        "token endpoint changed",
    ]
    # also in the next process
    assert IssuerRecord(storage(tmp_path)).list_notices(ADDRESS, 120.0) == (interception, change)
