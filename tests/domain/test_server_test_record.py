"""What is remembered of the last test of the servers."""

from __future__ import annotations

import pytest

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Server, ServerReport
from iea_agent.domain.server_test_record import ServerTestRecord, parse_server_test, record_test
from tests.failures import failed

AT = 1_800_000_000.0


def test_the_cause_of_each_server_is_remembered() -> None:
    expired = failed(problems.CERTIFICATE_EXPIRED, "K3Y-secret")
    reports = (
        ServerReport(
            Server.AUTHENTICATION, "https://a.fr", (), expired, findings=(failed(problems.NO_NETWORK),)
        ),
        ServerReport(Server.UPDATES, "https://b.fr", ()),
    )
    record = record_test(reports, AT)
    assert record.at == AT
    assert record.codes == {Server.AUTHENTICATION: reports[0].cause.problem.code, Server.UPDATES: ""}  # type: ignore[union-attr]
    document = record.to_document()
    assert "K3Y" not in str(document)
    assert parse_server_test(document) == record


@pytest.mark.parametrize(
    "change",
    [{"at": -1}, {"at": None}, {"updates": None}, {"updates": "IEA-T01\n"}, {"authentication": "<b>"}],
)
def test_what_nobody_wrote_is_refused(change: dict[str, object]) -> None:
    whole = ServerTestRecord(AT, dict.fromkeys(Server, "")).to_document()
    with pytest.raises(ValueError, match=next(iter(change))):
        parse_server_test({**whole, **change})
