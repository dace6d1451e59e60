"""The desk's page of the demonstration: over HTTP, and where nothing is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from iea_agent.domain import problems
from rig.desk_page import PageReading, read_in_page
from tests.desk.requests import pack_report

pytestmark = pytest.mark.linux


def test_the_file_is_given_to_the_page_and_the_answer_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "assistance.zip"
    file.write_bytes(pack_report(problems.INTERCEPTED))
    reading = read_in_page(file, tmp_path / "x.png", in_browser=False)
    assert reading == PageReading(reading.words, None)
    for words in ("IEA-T12", "authentification en échec", "Bonjour,"):
        assert words in reading.words


def test_what_the_desk_says_instead_of_its_address_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="Il n’y a ni dossier"):
        read_in_page(tmp_path, tmp_path, ("--inbox", str(tmp_path / "absent")), in_browser=False)
