"""The tour of faults: what it plays, reports as unexpected, and leaves out."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import pytest

from iea_sandbox.faults import Fault, ServerName, UnknownFault
from rig.tour import expected_codes, run

pytestmark = pytest.mark.linux  # the agent's own commands; under Wine `make tour` shows its windows


def test_the_page_says_what_is_reported_of_each_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["wrong-host", "address-spaces", "network-off"]
    assert run(tmp_path / "home", tmp_path / "page", names) == 0
    assert "3 comme attendu, 0 à voir, 1 laissée de côté" in capsys.readouterr().out
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    for text in ("rien à signaler", "Certificat d’un autre serveur", "IEA-T03", "certificat", "IEA-C02"):
        assert text in page.replace("&#x27;", "'")
    assert "par le proxy" not in page, "no way led through one, and for a malformed address there was none"
    assert "Couper le réseau" in page or "Le service de noms de ce poste" in page
    anchors = re.findall(r'<h3 id="([\w-]+)">', page)
    assert anchors == ["en-etat", *names]
    assert re.findall(r'href="#([\w-]+)"', page) == anchors


def test_a_fault_that_is_not_seen_as_expected_is_flagged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def expect(fault: Fault, server: ServerName) -> Collection[str]:
        return {"IEA-S01"} if fault.name == "503" else expected_codes(fault, server)

    assert run(tmp_path / "home", tmp_path / "page", ["refuse", "503"], expectation=expect) == 1
    assert "2 comme attendu, 1 à voir" in capsys.readouterr().out
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8").replace("&#x27;", "'")
    assert "Serveur d’authentification : attendu IEA-S01, obtenu IEA-S06." in page


def test_a_fault_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownFault, match="nonsense"):
        run(tmp_path, tmp_path / "page", ["nonsense"])
