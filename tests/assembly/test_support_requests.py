"""Messages to support: handed to the mail program with the file, and remembered."""

from __future__ import annotations

import stat
import zipfile
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.last_test import keep_repairs, keep_test
from iea_agent.assembly.support_requests import SupportRequests
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Server, ServerReport, Stage
from iea_agent.domain.refusals import NoMailProgram, RefusedError
from iea_agent.domain.repairs import Repair, RepairKind
from iea_agent.domain.settings import DEFAULTS
from iea_agent.domain.support_letter import Outcome
from iea_agent.shell.wording.letter_text import compose_letter

pytestmark = [pytest.mark.linux, pytest.mark.usefixtures("system_vault")]


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a desktop on which every program opens."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("xdg-open", "xdg-email"):
        program = programs / name
        program.write_text("#!/bin/sh\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")


@pytest.fixture
def requests(tmp_path: Path) -> SupportRequests:
    return SupportRequests(Installation.locate({"IEA_AGENT_HOME": str(tmp_path)}))


@pytest.mark.usefixtures("desktop")
def test_a_draft_with_the_file_is_opened_and_a_second_one_is_warned_about(
    requests: SupportRequests, tmp_path: Path
) -> None:
    facts = replace(requests.load_facts(), contact="Zoé, Les Glycines", complaint="rien ne se lance")
    assert facts.earlier is None
    letter = compose_letter(facts)
    assert requests.write_letter(letter, facts) is Outcome.DRAFT

    (file,) = (tmp_path / "state" / "support").glob("*.eml")
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    (part,) = message.iter_attachments()
    body = message.get_body()
    assert body is not None
    assert "rien ne se lance" in body.get_content()
    with zipfile.ZipFile(file.with_suffix(".zip")) as archive:
        assert part.get_filename() == file.with_suffix(".zip").name
        assert "report.json" in archive.namelist()

    second = requests.load_facts()
    assert (second.contact, second.earlier and second.earlier.body) == ("Zoé, Les Glycines", letter.body)


def test_without_a_mail_program_it_says_so_and_remembers_nothing(
    requests: SupportRequests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    facts = requests.load_facts()
    with pytest.raises(RefusedError) as caught:
        requests.write_letter(compose_letter(facts), facts)
    assert caught.value.refusal == NoMailProgram()
    assert requests.load_facts().earlier is None


@pytest.mark.usefixtures("desktop")
def test_a_copied_message_is_remembered_as_one_that_may_have_been_sent(requests: SupportRequests) -> None:
    facts = requests.load_facts()
    requests.keep_copy(compose_letter(facts), facts)
    earlier = requests.load_facts().earlier
    assert earlier is not None
    assert not earlier.is_sent


def test_what_the_last_test_has_found_is_offered_until_it_is_done(
    requests: SupportRequests, tmp_path: Path
) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    failure = Failure(Stage.CONNECTION, problems.CONNECTION_UNANSWERED)
    reports = [ServerReport(server, "https://exemple.fr", (), failure) for server in Server]
    keep_test(installation.storage, reports)
    assert requests.load_facts().repair == ""
    repair = Repair(RepairKind.IPV4_ONLY, {"ipv4_only": True}, tuple(Server))
    keep_repairs(installation.storage, reports, (repair,), DEFAULTS)
    assert "IPv4" in requests.load_facts().repair
    installation.save({"connection.ipv4_only": True}, None)
    assert requests.load_facts().repair == ""
