"""A page that no browser opens is named, and one that cannot be written refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.page_files import open_file, save_page
from iea_agent.domain.refusals import FileNotWritten, RefusedError
from iea_agent.shell.wording.printed_page import PrintedPage

PAGE = PrintedPage("Titre", "Une note")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})


def test_a_page_is_written_over_the_one_before(installation: Installation) -> None:
    first = save_page(installation, PrintedPage("Avant", ""), "page")
    assert save_page(installation, PAGE, "page") == first
    assert "<h1>Titre</h1>" in first.read_text("utf-8")


def test_a_disk_that_refuses_is_named(installation: Installation) -> None:
    folder = save_page(installation, PAGE, "page").parent
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_bytes(b"")
    with pytest.raises(RefusedError) as caught:
        save_page(installation, PAGE, "page")
    assert isinstance(caught.value.refusal, FileNotWritten)


@pytest.mark.linux
def test_without_a_browser_a_person_is_told_where_it_is(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    page = save_page(installation, PAGE, "page")
    assert str(page) in open_file(installation, page)
