"""What the registry says about the start with Windows, judged."""

from __future__ import annotations

import pytest

from iea_agent.domain.autostart import (
    Autostart,
    AutostartEntry,
    judge_autostart,
    parse_approval,
    quote_command,
)

COMMAND = quote_command(r"C:\Users\Zoé\AppData\Local\Programs\IEA Agent\iea-agentw.exe")
OWN = AutostartEntry(COMMAND, is_approved=True, for_all=False)
DISABLED = AutostartEntry(COMMAND, is_approved=False, for_all=False)
FOR_ALL = AutostartEntry(COMMAND.upper(), is_approved=True, for_all=True)
OTHER = AutostartEntry(r"C:\old\agent.exe run", is_approved=True, for_all=False)


def test_the_command_is_quoted_for_its_blanks() -> None:
    assert COMMAND == r'"C:\Users\Zoé\AppData\Local\Programs\IEA Agent\iea-agentw.exe" run --quiet'


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", True),
        (b"\x02" + bytes(11), True),
        (b"\x06" + bytes(11), True),
        (b"\x03\0\0\0" + b"\x12" * 8, False),
        (b"\x07", False),
    ],
)
def test_the_first_byte_of_an_approval_counts(data: bytes, *, expected: bool) -> None:
    assert parse_approval(data) is expected


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((), Autostart.OFF),
        ((OWN,), Autostart.ON),
        ((FOR_ALL,), Autostart.ON),
        ((DISABLED,), Autostart.DISABLED),
        ((DISABLED, FOR_ALL), Autostart.ON),
        ((OTHER,), Autostart.OTHER),
        ((OTHER, DISABLED), Autostart.DISABLED),
        ((OTHER, FOR_ALL), Autostart.ON),
    ],
)
def test_what_happens_at_logon(entries: tuple[AutostartEntry, ...], expected: Autostart) -> None:
    assert judge_autostart(entries, COMMAND) is expected


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((), Autostart.FORBIDDEN),
        ((OTHER, DISABLED), Autostart.FORBIDDEN),
        ((DISABLED, FOR_ALL), Autostart.ON),
    ],
)
def test_a_policy_against_own_entries_leaves_that_for_all(
    entries: tuple[AutostartEntry, ...], expected: Autostart
) -> None:
    assert judge_autostart(entries, COMMAND, is_forbidden=True) is expected
