"""Settings and secrets are saved together, or not at all.

Each change is cut off at every touch of the disk and of the vault in turn: the process dies there, or
from there on everything refuses. Then both stores are as before, or both as after.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from iea_agent.assembly.saving import STATE
from iea_agent.domain import refusals
from iea_agent.domain.refusals import RefusedError
from tests.assembly.saving_script import CHANGES, make_installation

ROOT = Path(__file__).parents[2]
BEFORE = ("OLD", "marie", "old key", "old password")
AFTER = {
    "licence": ("NEW", "marie", "new key", "old password"),
    "all": ("NEW", "paul", "new key", "new password"),
    "secrets": ("OLD", "marie", "new key", "new password"),
    "key": ("OLD", "marie", "new key", "old password"),
    "settings": ("NEW", "marie", "old key", "old password"),
    "forget": ("OLD", "", "old key", None),
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An installation with a licence and a proxy's user, with their secrets."""
    home = tmp_path / "home"
    make_installation(home).save({"licence.number": "OLD", "proxy.user": "marie"}, "old key", "old password")
    return home


def look(home: Path) -> tuple[str, str, str | None, str | None]:
    """Return what a fresh process finds: number, user, key and password."""
    installation = make_installation(home)
    values = installation.storage.load().effective.settings
    given = installation.proxy_password()
    return (
        values.licence_number,
        values.proxy_user,
        installation.licence_key(),
        None if given is None else given.password,
    )


def secrets_of(home: Path) -> dict[str, str]:
    """Return what the vault holds."""
    secrets: dict[str, str] = json.loads(home.with_suffix(".vault").read_text())
    return secrets


def play(kind: str, action: str, *homes: Path) -> list[list[dict[str, int | bool] | None]]:
    """Play *action* in each home, cut off at no touch and then at each."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.assembly.saving_script", kind, action, *homes],
        cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    reports: list[list[dict[str, int | bool] | None]] = json.loads(done.stdout)
    assert len(reports) == len(homes)
    assert kind == "kill" or not any(None in of_home for of_home in reports)
    return reports


def name_copy(home: Path, number: int) -> Path:
    """Return where *home* was copied to, to be cut off at touch *number*."""
    return home.with_name(f"{home.name}-{number}")


def expect_clean(home: Path) -> None:
    """Nothing of a change is left beside the secrets."""
    assert not [account for account in secrets_of(home) if account.endswith(".new")]
    assert not (home / "state" / f"{STATE}.json").exists()


@pytest.mark.linux  # the same code on both systems, and only here a process can be copied
@pytest.mark.parametrize(
    ("action", "kind"),
    [*((action, kind) for action in CHANGES for kind in ("kill", "refuse")), ("all", "refuse once")],
)
def test_cut_off_anywhere_both_are_as_before_or_as_after(action: str, kind: str, home: Path) -> None:
    ((whole, *cut),) = play(kind, action, home)
    assert whole is not None
    assert whole["done"]
    assert look(name_copy(home, 0)) == AFTER[action]
    expect_clean(name_copy(home, 0))
    assert len(cut) >= (9 if action in ("licence", "all", "forget") else 1)

    outcomes = set()
    for number, report in enumerate(cut, start=1):
        place = name_copy(home, number)
        now = look(place)
        assert now in (BEFORE, AFTER[action]), number
        if report is not None:
            assert now == (AFTER[action] if report["done"] else BEFORE), number
        assert look(place) == now, "it stays so"
        make_installation(place).save(*CHANGES[action])
        assert look(place) == AFTER[action], "and the next change is saved"
        expect_clean(place)
        outcomes.add(now)
    assert BEFORE in outcomes


@pytest.mark.linux
@pytest.mark.parametrize("kind", ["kill", "refuse"])
def test_cut_off_again_while_it_is_finished(kind: str, home: Path) -> None:
    """Kill saving at each touch, and cut off the next start at each of its own."""
    (reports,) = play("kill", "licence", home)
    killed = [name_copy(home, number) for number, report in enumerate(reports) if report is None]
    outcomes = set()
    for place, starts in zip(killed, play(kind, "read", *killed), strict=True):
        for again in range(len(starts)):
            now = look(name_copy(place, again))
            assert now in (BEFORE, AFTER["licence"]), (place.name, again)
            outcomes.add(now)
    assert len(outcomes) == 2


@pytest.mark.parametrize(
    ("changes", "key", "password", "code"),
    [
        ({"licence.number": "two words"}, "new key", None, "settings-invalid"),
        ({"licence.number": 12}, "new key", None, "settings-invalid"),
        ({"connection.nothing": 1}, "new key", None, "setting-unknown"),
        ({"connection.secure": False}, "new key", None, "setting-locked"),
        ({"assistance.maximum_days": 1}, "new key", None, "setting-locked"),
        ({"licence.number": "NEW"}, "x" * 2000, None, "secret-too-long"),
        ({"licence.number": "NEW"}, "new\0key", None, "secret-unreadable"),
        ({"licence.number": "NEW"}, "new key", "pass\x1bword", "secret-unreadable"),
        ({"licence.number": "NEW"}, "\u200b", None, "secret-missing"),
    ],
)
def test_everything_is_judged_before_anything_is_written(
    home: Path, changes: dict[str, object], key: str, password: str | None, code: str
) -> None:
    policy = home / "policy" / "policy.toml"
    policy.parent.mkdir()
    policy.write_text("[connection]\nsecure = true\n")
    make_installation(home).storage.load()
    before = {path: path.read_bytes() for path in home.parent.rglob("*") if path.is_file()}
    with pytest.raises(RefusedError) as refused:
        make_installation(home).save(changes, key, password)
    assert refused.value.refusal.code == code
    assert {path: path.read_bytes() for path in home.parent.rglob("*") if path.is_file()} == before


def test_a_key_is_not_kept_if_the_policy_fixes_the_number(home: Path) -> None:
    policy = home / "policy" / "policy.toml"
    policy.parent.mkdir()
    policy.write_text('[licence]\nnumber = "FIXED"\n')
    with pytest.raises(RefusedError) as refused:
        make_installation(home).save({"licence.number": "NEW"}, "new key")
    assert refused.value.refusal == refusals.SettingLocked("licence.number")
    assert secrets_of(home)["licence-key"] == "old key"


def test_a_pasted_secret_is_tidied_wherever_it_comes_from(home: Path) -> None:
    make_installation(home).save({}, " \u200bnew key\u00a0", "\ufeffnew password ")
    assert look(home)[2:] == ("new key", "new password ")


def test_a_newer_file_keeps_its_secrets(home: Path) -> None:
    file = home / "settings" / "settings.toml"
    file.write_text(file.read_text().replace("schema = 1", "schema = 2"))
    with pytest.raises(RefusedError) as refused:
        make_installation(home).save({"licence.number": "NEW"}, "new key")
    assert refused.value.refusal == refusals.SettingsNewer(str(file))
    assert secrets_of(home)["licence-key"] == "old key"
