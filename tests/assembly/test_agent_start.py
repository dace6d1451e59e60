"""The start of the agent by a window or a command: that it failed is said."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from iea_agent.assembly.agent_start import start_and_wait
from iea_agent.assembly.installation import Installation
from iea_agent.domain.refusals import AgentNotStarted
from iea_agent.shell.wording.refusal_text import word_refusal


@pytest.mark.parametrize(
    ("command", "seconds", "reason"),
    [
        ([sys.executable, "-c", "raise SystemExit(7)"], 60, "exit code 7"),
        ([sys.executable, "-c", "import threading; threading.Event().wait(5)"], 0.5, "no answer"),
        (["iea-no-such-program"], 60, "FileNotFoundError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_agent_that_does_not_come_to_answer(
    tmp_path: Path, command: Sequence[str], seconds: float, reason: str
) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    assert start_and_wait(installation, command, seconds) == reason


def test_what_to_do_is_said_with_the_code() -> None:
    sentence = word_refusal(AgentNotStarted(reason="no answer"))
    assert "Redémarrez l" in sentence
    assert "IEA-L05" in sentence
