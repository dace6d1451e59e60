"""What a person reads of settings that were refused, or changed on their way in."""

from __future__ import annotations

import pytest

from iea_agent.domain.settings import PASTED, SettingFault
from iea_agent.shell.wording.problem_details import describe_setting_fault
from iea_agent.shell.wording.settings_text import describe_faults, describe_tidying

pytestmark = pytest.mark.usefixtures("language")


def test_every_refused_setting_has_its_line_below_the_heading() -> None:
    faults = (SettingFault("connection.secure", 4, "true ou false"), SettingFault("", 0, "un texte"))
    heading, *lines = describe_faults(faults).splitlines()
    assert heading.endswith(":")
    assert lines == [f"  {describe_setting_fault(fault)}" for fault in faults]


def test_whatever_may_be_tidied_has_a_sentence_of_its_own() -> None:
    sentences = [describe_tidying(name) for name in PASTED]
    assert all(sentences)
    assert len(set(sentences)) == len(PASTED)
