"""The desk's keys: their text and the passwords that they give."""

from __future__ import annotations

import json
from datetime import date

import pytest

from iea_agent.domain import day_password
from iea_desk.keys import (
    KeyFormatError,
    KeyNotFound,
    KeyRing,
    MasterKey,
    MonthKey,
    MonthKeys,
    choose_kid,
    parse_keys,
)

DAY = date(2026, 11, 24)
OLD = MasterKey("2026a", bytes(range(32)))
NEW = MasterKey("2026b", bytes(range(32, 64)))
RING = KeyRing((OLD,)).rotate(NEW)
NUMBER = 0x49F1C30D8F20
MONTH_LINE = "2026-11:1d2612dfdd75d86e11b928195362ae6f8bc464b5f1944014353146409555c1fc"


class TestRing:
    """The keeper's keys."""

    def test_the_text_gives_the_same_keys(self) -> None:
        assert parse_keys(RING.to_text()) == RING
        assert RING.generation == 2

    def test_the_newest_counts_unless_another_is_named(self) -> None:
        assert RING.find_key() == NEW
        assert RING.derive_password(DAY, "*", "2026a").number == NUMBER
        assert RING.derive_password(DAY, "*").number != NUMBER
        with pytest.raises(KeyNotFound, match="2025z"):
            RING.find_key("2025z")

    def test_names(self) -> None:
        assert choose_kid(RING, 2026) == "2026c"
        assert choose_kid(RING, 2027) == "2027a"
        with pytest.raises(KeyFormatError):
            RING.rotate(NEW)

    @pytest.mark.parametrize(
        "change",
        [
            {"format": "other"},
            {"generation": 0},
            {"generation": "1"},
            {"generation": True},
            {"cles": []},
            {"cles": 7},
            {"cles": [{"kid": "a", "cle": "00"}]},
            {"cles": [{"kid": "a b", "cle": "00" * 32}]},
            {"cles": [{"kid": "a"}]},
        ],
    )
    def test_a_damaged_one_is_refused(self, change: dict[str, object]) -> None:
        text = json.dumps({**json.loads(RING.to_text()), **change})
        with pytest.raises(KeyFormatError):
            parse_keys(text)

    @pytest.mark.parametrize("text", ["{", "{}", '{"a":' * 50_000])
    def test_no_ring_at_all(self, text: str) -> None:
        with pytest.raises(KeyFormatError):
            parse_keys(text)


class TestMonthKeys:
    """The front desk's keys."""

    def test_the_line_is_the_published_one(self) -> None:
        assert OLD.derive_month_key(DAY, "*").to_line() == f"{MONTH_LINE} 2026a *"

    @pytest.mark.parametrize("rest", ["", " 2026a", " 2026a *", "  "])
    def test_a_line_gives_the_days_of_its_month_and_no_other(self, rest: str) -> None:
        keys = parse_keys(f"# accueil\n\n{MONTH_LINE}{rest}\r\n")
        assert keys.derive_password(DAY, "*").number == NUMBER
        for day in (date(2026, 10, 31), date(2026, 12, 1), date(2025, 11, 24)):
            with pytest.raises(KeyNotFound, match=day.isoformat()[:7]):
                keys.derive_password(day, "*")
        with pytest.raises(KeyNotFound, match="IEA-1"):
            keys.derive_password(DAY, "IEA-1")

    def test_of_two_keys_of_a_month_the_last_line_counts_unless_named(self) -> None:
        keys = MonthKeys((OLD.derive_month_key(DAY, "*"), NEW.derive_month_key(DAY, "*")))
        assert parse_keys("\n".join(key.to_line() for key in keys.keys)) == keys
        assert keys.derive_password(DAY, "*").kid == "2026b"
        assert keys.derive_password(DAY, "*", "2026a").number == NUMBER

    @pytest.mark.parametrize(
        "text", ["", "# rien", "2026-11", "2026-13:" + "0" * 64, "2026-11:" + "0" * 63, f"{MONTH_LINE} a b c"]
    )
    def test_what_is_no_key_is_refused_without_being_quoted(self, text: str) -> None:
        with pytest.raises(KeyFormatError) as refused:
            parse_keys(text)
        assert "0000" not in str(refused.value)

    def test_no_representation_shows_a_key(self) -> None:
        representation = repr(
            (RING, RING.find_key(), OLD.derive_month_key(DAY, "*"), RING.derive_password(DAY, "*", "2026a"))
        )
        for secret in (OLD.key, NEW.key, OLD.derive_month_key(DAY, "*").key):
            assert repr(secret)[2:-1] not in representation
            assert secret.hex() not in representation
        assert str(NUMBER) not in representation

    def test_a_month_key_is_not_the_way_to_the_next(self) -> None:
        key = OLD.derive_month_key(DAY, "*")
        assert MonthKey("2026-12", key.key).derive_number(date(2026, 12, 1)) != day_password.derive_number(
            OLD.derive_month_key(date(2026, 12, 1), "*").key, "*", date(2026, 12, 1)
        )
