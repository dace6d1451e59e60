"""The password of today, from the desk's keys."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

from iea_agent.domain.day_password import compute_today
from iea_desk.key_store import load_keys
from iea_desk.password_message import PasswordMessage


def find_today() -> date:
    """Return the day that passwords are of now."""
    return compute_today(time.time(), date(2026, 1, 1))


def make_todays_message(key_file: Path | None, scope: str, kid: str) -> PasswordMessage:
    """Return today's password, from *key_file* or the vault.

    Raises ``DeskError``, ``OSError``.
    """
    return PasswordMessage(load_keys(key_file).derive_password(find_today(), scope, kid))
