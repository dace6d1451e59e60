"""What nobody at the desk should open: refused in one sentence, in little time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from iea_agent.domain import problems
from iea_desk.case_text import render_case
from iea_desk.cli import main
from iea_desk.request_files import LARGEST_MESSAGE, RequestRefused, open_request, open_text
from iea_desk.support_case import Origin
from tests.desk.requests import make_mail, make_phone_code, make_report, pack, pack_report

SECONDS = 2.0
"""Processor time of one request; the worst takes a tenth of a second on a quiet machine."""
MEMORY = 100_000_000
REPORT = json.dumps(make_report(problems.NAME_UNKNOWN))
"""A report that is read where nothing else is wrong."""


def make_bomb() -> bytes:
    """Return a support file whose report unpacks to a hundred times its size."""
    return pack({"report.json": b" " * 20_000_000})


def make_link() -> bytes:
    """Return a zip with a symbolic link."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("report.json")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, REPORT)
    return buffer.getvalue()


def make_lzma() -> bytes:
    """Return a zip of another compression."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("report.json", REPORT)
    return buffer.getvalue()


def nest(depth: int) -> bytes:
    """Return a mail with parts in parts."""
    part = b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n'
    return HEAD + b"".join(part % (level, level) for level in range(depth))


HEAD = b"From: a@b.fr\nTo: c@d.fr\nMIME-Version: 1.0\n"
REFUSED: dict[str, Callable[[], bytes]] = {
    "bomb": make_bomb,
    "bomb that lies": lambda: make_bomb().replace((20_000_000).to_bytes(4, "little"), b"\x10\0\0\0"),
    "great size": lambda: pack({"report.json": REPORT, "a.log": b"\0" * 31_000_000}),
    "upwards": lambda: pack({"report.json": REPORT, "../../autostart.bat": "x"}),
    "upwards in Windows": lambda: pack({"report.json": REPORT, "..\\a.bat": "x"}),
    "absolute": lambda: pack({"report.json": REPORT, "/etc/cron.d/x": "x"}),
    "drive": lambda: pack({"report.json": REPORT, "C:/a.bat": "x"}),
    "controls": lambda: pack({"report.json": REPORT, "\x1b[2Jx": "x"}),
    "twice": lambda: pack({"report.json": REPORT, "REPORT.json": REPORT}),
    "link": make_link,
    "lzma": make_lzma,
    "many entries": lambda: pack({f"{number}": "" for number in range(101)}),
    "no report": lambda: pack({"a.txt": "x"}),
    "cut": lambda: pack_report(problems.NAME_UNKNOWN)[:-30],
    "no JSON": lambda: pack({"report.json": "{"}),
    "deep JSON": lambda: pack({"report.json": "[" * 1_000_000}),
    "newer": lambda: pack({"report.json": '{"schema": 2}'}),
    "large": lambda: b"x" * (LARGEST_MESSAGE + 1),
    "many lines": lambda: HEAD + b"\n" * 600_000,
    "many headers": lambda: HEAD + b"a:\n" * 600_000,
    "one line": lambda: HEAD + b"\n" + b"x" * 9_000_000,
    "one header": lambda: HEAD + b"Subject: " + b"x " * 4_000_000 + b"\n\nx",
    "deep mail": lambda: nest(500),
    "many parts": lambda: HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 10_000,
    "Outlook": lambda: b"\xd0\xcf\x11\xe0" + b"\0" * 100,
    "nothing": lambda: b" \n",
    "PDF": lambda: b"%PDF-1.4\n" + b"\x80" * 2000,
    "picture": lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_sentence_in_bounded_time(name: str) -> None:
    data = REFUSED[name]()
    begin = time.process_time()
    with pytest.raises(RequestRefused) as caught:
        open_request(data)
    assert time.process_time() - begin < SECONDS
    message = str(caught.value)
    assert len(message) < 170
    assert message.endswith(".")
    assert message.isprintable()


LARGE_MAILS: dict[str, Callable[[], bytes]] = {
    "long lines": lambda: HEAD + b"\n" + (b"x" * 900_000 + b"\n") * 9,
    "one header": lambda: HEAD + b"Subject: " + b"=?utf-8?q?x?= " * 20_000 + b"\n\nx",
    "one address": lambda: b"From: " + b"(" * 250_000 + b"\nTo: x\n\nx",
    "no end of a part": lambda: (
        HEAD + b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n' + b"y\n" * 100_000
    ),
    "broken base64": lambda: (
        HEAD
        + b"Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n"
        + b"UEsDB*A=\n" * 100_000
    ),
    "page of brackets": lambda: HEAD + b"Content-Type: text/html\n\n" + (b"<" * 900_000 + b"\n") * 5,
    "unknown charset": lambda: (
        HEAD + b"Content-Type: text/plain; charset=klingon\n\n" + b"IEA-N02\xe9\n" * 100_000
    ),
    "NUL charset": lambda: HEAD + b'Content-Type: text/plain; charset="a\0b"\n\nx',
    "bad date": lambda: HEAD + b"Date: Mon, 99 Foo 99999 99:99:99 +9999\n\nIEA-N02",
}


@pytest.mark.parametrize("name", LARGE_MAILS)
def test_a_strange_mail_costs_little(name: str) -> None:
    data = LARGE_MAILS[name]()
    begin = time.process_time()
    with suppress(RequestRefused):
        open_request(data)
    assert time.process_time() - begin < SECONDS


@pytest.mark.parametrize("name", ["bomb", "many headers", "long lines"])
def test_memory_stays_bounded(name: str) -> None:
    data = {**REFUSED, **LARGE_MAILS}[name]()
    tracemalloc.start()
    with suppress(RequestRefused):
        open_request(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY


def test_a_refused_attachment_leaves_the_text_and_says_so() -> None:
    case = open_request(make_mail("Problème : x (IEA-P03)", REFUSED["upwards"]()))
    assert case.code == "IEA-P03"
    assert "Pièce jointe non lue. Refusé" in case.notes[-1]


def test_a_mail_in_html_only_is_read() -> None:
    page = "<p>Problème : x (IEA-P03)</p><p>Ce qui se passe : l&#39;écran <b>noir</b></p>"
    data = HEAD + b"Content-Type: text/html; charset=utf-8\n\n" + page.encode()
    case = open_request(data)
    assert (case.code, case.complaint) == ("IEA-P03", "l'écran noir")


def test_no_field_commands_the_terminal_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    evil = "\x1b]0;x\x07\u202e<script>alert(1)</script>"
    report = make_report(problems.NAME_UNKNOWN, system=evil, version=evil, routes={"updates": evil})
    file = tmp_path / "demande.eml"
    file.write_bytes(
        make_mail(f"Ce qui se passe : {evil}", pack({"report.json": json.dumps(report)}), "x <e@x.fr>")
    )
    for options in ([], ["--json"], ["--answer"]):
        assert main(["read", str(file), *options]) == 0
        printed = capsys.readouterr().out
        assert "\x1b" not in printed
        assert "\u202e" not in printed
    assert list(tmp_path.iterdir()) == [file]


def test_a_large_file_and_a_missing_one_are_refused_unread(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = tmp_path / "gros.eml"
    with large.open("wb") as file:
        file.truncate(100_000_000)
    assert main(["read", str(large)]) == 4
    assert "plus de 10 Mo" in capsys.readouterr().err
    # twelve letters and digits, and yet no phone code
    for name in ("absent.eml", "demande12.eml"):
        assert main(["read", name]) == 1
        assert "Il n’y a pas de fichier" in capsys.readouterr().err


NUMBERS = (
    *("01 02 03 04 05", "01.02.03.04.05", "0102030405", "+33 1 02 03 04 05", "+33 (0)1 02 03 04 05"),
    *("0033 1 02 03 04 05", "Tél. 01 02 03 04 05", "tel 01 02 03 04 05", "O1 O2 O3 O4 O5"),
    *("30/11/2026 14:05", "2026-11-30 20:45", "30 nov. 2026 14h", "le 30/11/2026"),
    *("123 456 789 00012", "12345678900012", "12 345 678,90 €", "12 345 678,90 EUR", "1 234 567 890,12"),
)
"""Telephone, date and time, SIRET, amount: ten to fourteen letters and digits."""


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_of_everyday_life_is_no_phone_code(number: str) -> None:
    case = open_text(number)
    assert (case.origin, case.phone_code) == (Origin.TEXT, "")
    code = make_phone_code(problems.NAME_UNKNOWN)
    assert open_text(f"Rappelez-moi : {number}. Code {code}").phone_code == code


def test_the_check_symbols_choose_among_the_numbers_of_a_text() -> None:
    # both are one symbol away from a code
    near, worse = "4012-8601-2904", "46BS-P6HH-R382"
    code = make_phone_code(problems.NAME_UNKNOWN)
    assert open_text(f"Compte {near}, code {code}").phone_code == code
    assert open_text(f"Mot de passe {worse}, code {code}").phone_code == code
    assert open_text(f"Compte {near}, merci").phone_code == ""


def test_a_code_with_a_mistake_is_still_taken_for_one() -> None:
    code = make_phone_code(problems.NAME_UNKNOWN)
    plain = code.replace("-", "")
    for typed in (code[1:], f"8{code}", plain[:-1], " ".join(plain[:-1]), code.lower().replace("-", " ")[1:]):
        with pytest.raises(RequestRefused, match="douze caractères"):
            open_text(typed)


@pytest.mark.linux  # the same program; once is enough
def test_a_text_is_read_from_standard_input() -> None:
    command = [sys.executable, "-m", "iea_desk", "read", "-", "--json"]
    ended = subprocess.run(command, input=b"Bonjour, IEA-P03 ?", capture_output=True, check=True)
    assert json.loads(ended.stdout)["code"] == "IEA-P03"


def test_times_that_no_system_can_show_are_named() -> None:
    case = open_request(json.dumps(make_report(problems.NAME_UNKNOWN, made=0, test=None)).encode())
    case = replace(case, since=1e12, sent=0.0)
    assert "date illisible" in render_case(case)
