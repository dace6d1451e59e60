"""The password as people read it."""

from __future__ import annotations

from datetime import date

from iea_desk.password_message import format_french_date


def test_days_in_french() -> None:
    assert format_french_date(date(2026, 11, 27)) == "vendredi 27 novembre 2026"
    assert format_french_date(date(2026, 12, 1)) == "mardi 1er décembre 2026"
    assert format_french_date(date(2027, 8, 15)) == "dimanche 15 août 2027"
