"""Registers in the encodings that editors write, and those that are refused."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.registers import load_registers
from tests.passwords import make_current_register


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    for file in installation.register_files():
        file.parent.mkdir()
    return installation


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_a_register_saved_by_an_editor_is_read(installed: Installation, mark: bytes, encoding: str) -> None:
    register = make_current_register()
    installed.register_files()[0].write_bytes(mark + f"{register.to_text()}\r\n".encode(encoding))
    assert load_registers(installed) == ([register], {})


@pytest.mark.parametrize("data", [b"", b"\0" * 50, b"{}", b"\xff\xfe\x00\xd8", b"[" * 9000], ids=ascii)
def test_a_damaged_register_is_refused_and_the_other_counts(installed: Installation, data: bytes) -> None:
    register = make_current_register()
    first, second = installed.register_files()
    assert load_registers(installed) == ([], {})
    first.write_bytes(data)
    second.write_text(register.to_text(), "utf-8")
    registers, refused = load_registers(installed)
    assert registers == [register]
    assert list(refused) == [first]
    assert refused[first]
