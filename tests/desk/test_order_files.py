"""The files of a release manager: their limits, and their faults in French."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from iea_desk.keys import DeskError
from iea_desk.order_files import read_toml, word_fault


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "fiche.toml"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a = 1\nb = oui\n", "faute à la ligne 2, colonne 5"),
        (b"a = [\n", "il manque la fin"),
        (b"a = '\xe9'\n", "ce n’est pas du texte en UTF-8"),
        (b"a = " + b"[" * 20_000, "il est trop imbriqué"),
        (b"#" * 1_000_001, "dépasse 976 Ko"),
    ],
)
def test_a_fault_is_told_by_its_place(file: Path, content: bytes, fault: str) -> None:
    file.write_bytes(content)
    with pytest.raises(DeskError, match=fault):
        read_toml(file)


def test_times_are_text_whatever_their_kind(file: Path) -> None:
    file.write_text("a = 2026-12-01T08:00:00Z\nb = [07:32:00, 2026-12-01]\n", encoding="utf-8")
    assert read_toml(file) == {"a": "2026-12-01T08:00:00Z", "b": ["07:32:00", "2026-12-01"]}


@pytest.mark.linux
def test_a_pipe_is_not_waited_for(file: Path) -> None:
    if sys.platform != "win32":
        os.mkfifo(file)
    with pytest.raises(OSError, match="pas un fichier"):
        read_toml(file)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("kind: missing", "«~kind~» manque"),
        (
            "kind: 3 is not a valid ReleaseKind",
            "«~kind~» n’a pas la valeur attendue (détail technique~: 3 is not a valid ReleaseKind)",
        ),
        ("not JSON: Expecting value: line 1 column 7 (char 6)", "faute à la ligne 1, colonne 7"),
        ("something else", "something else"),
    ],
)
def test_what_the_agents_would_refuse_is_named(message: str, words: str) -> None:
    assert word_fault(ValueError(message)) == words.replace("~", "\u00a0")
