"""A file that cannot be read is refused by its name, whatever command needs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from iea_agent import commands
from iea_agent.assembly.disk_refusals import refuse_unreadable
from iea_agent.assembly.installation import Installation
from iea_agent.domain.refusals import AgentRuns, FileNotReadable, RefusedError
from iea_agent.host.state_files import StorageError


def test_the_refusal_names_file_and_reason() -> None:
    with pytest.raises(RefusedError) as caught, refuse_unreadable():
        raise StorageError(Path("carnet.json")) from PermissionError()
    assert caught.value.refusal == FileNotReadable("carnet.json", "PermissionError")


def test_other_refusals_pass() -> None:
    with pytest.raises(RefusedError) as caught, refuse_unreadable():
        raise RefusedError(AgentRuns())
    assert caught.value.refusal == AgentRuns()


@pytest.mark.parametrize("command", ["journal", "statement"])
def test_a_journal_that_is_a_folder_is_refused(tmp_path: Path, command: str) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    installation.journal_file.mkdir(parents=True)
    with pytest.raises(RefusedError) as caught:
        commands.run(installation, [command])
    refusal = caught.value.refusal
    assert isinstance(refusal, FileNotReadable)
    assert str(installation.journal_file) in repr(refusal).replace("\\\\", "\\")
