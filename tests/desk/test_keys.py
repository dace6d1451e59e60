"""The desk's keys: their text, the passwords that they give, their files."""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

import pytest

from iea_agent.domain import day_password
from iea_desk import private_files
from iea_desk.keys import (
    KeyFormatError,
    KeyNotFound,
    MasterKey,
    MonthKey,
    MonthKeys,
    Ring,
    choose_kid,
    parse_keys,
)

DAY = date(2026, 11, 24)
OLD = MasterKey("2026a", bytes(range(32)))
NEW = MasterKey("2026b", bytes(range(32, 64)))
RING = Ring((OLD,)).rotate(NEW)
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


class TestPrivateFiles:
    """Readable by their owner alone."""

    def test_the_text_gives_the_same_keys(self, tmp_path: Path) -> None:
        path = tmp_path / "clé.json"
        private_files.write_private(path, "é\n")
        assert private_files.read_private(path) == "é\n"
        private_files.write_private(path, "ü\n", replace=True)
        assert private_files.read_private(path) == "ü\n"
        assert [each.name for each in tmp_path.iterdir()] == [path.name]

    def test_nothing_is_overwritten(self, tmp_path: Path) -> None:
        path = tmp_path / "key"
        private_files.write_private(path, "first")
        with pytest.raises(FileExistsError):
            private_files.write_private(path, "second")
        assert private_files.read_private(path) == "first"

    def test_what_is_no_key_file_is_not_read_into_memory(self, tmp_path: Path) -> None:
        path = tmp_path / "film"
        private_files.write_private(path, "x" * 200_000)
        with pytest.raises(ValueError, match="too large"):
            private_files.read_private(path)

    @pytest.mark.linux
    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o777])
    def test_what_others_can_reach_is_refused(self, tmp_path: Path, mode: int) -> None:
        path = tmp_path / "key"
        private_files.write_private(path, "secret")
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(mode)
        with pytest.raises(private_files.NotPrivate, match="chmod 600"):
            private_files.read_private(path)

    @pytest.mark.parametrize(
        ("rights", "is_open"),
        [
            ("O:S-1-2D:P(A;;FA;;;S-1-2)", False),
            ("O:S-1-2D:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;FA;;;S-1-2)", False),
            ("O:BAD:(A;;FA;;;S-1-2)(D;;FR;;;WD)(A;OICIIO;FA;;;CO)", False),
            ("O:S-1-2D:P(A;;FA;;;S-1-2)(A;;FR;;;WD)", True),
            ("O:S-1-2D:P(A;;FA;;;S-1-2)(A;;FR;;;BU)", True),
            ("O:S-1-2D:P(A;;FA;;;S-1-2)(A;;0x2;;;S-1-20)", True),
            ("O:S-1-2D:P(A;;FA;;;S-1-2)(XA;;FR;;;S-1-20)", True),
            ("O:S-1-2D:NO_ACCESS_CONTROL", True),
            ("O:S-1-2", True),
            ("", True),
        ],
    )
    def test_who_the_rights_of_windows_let_in(self, rights: str, is_open: bool) -> None:
        assert private_files.is_open_to_others(rights, "S-1-2") is is_open

    @pytest.mark.windows
    def test_a_file_that_everyone_can_read_on_windows(self, tmp_path: Path) -> None:
        if sys.platform == "win32":
            from iea_desk.windows_rights import set_rights, user_sid

            path = tmp_path / "key"
            private_files.write_private(path, "secret")
            set_rights(path, f"D:P(A;;FA;;;{user_sid()})(A;;FR;;;WD)")
            with pytest.raises(private_files.NotPrivate, match="icacls"):
                private_files.read_private(path)
