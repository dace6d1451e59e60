"""Assistance mode through the command line, also killed and restarted."""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack
from datetime import timedelta

import pytest

from iea_agent.domain.day_password import format_words
from tests.installations import Agent, Installation
from tests.passwords import day_number, make_current_register, other_password, password, today


def install_register(installation: Installation, generation: int = 1) -> None:
    """Put a register where the agent looks for it."""
    file = installation.folder / "policy" / "register.json"
    file.write_text(make_current_register(generation).to_text(), encoding="utf-8")


@pytest.fixture
def disconnected(installation: Installation, running: ExitStack) -> Agent:
    """An agent that is not configured, and so has nothing to connect with: the heart."""
    install_register(installation)
    agent = installation.start(running)
    agent.until("disconnected", "IEA-C01")
    return agent


def off(installation: Installation, typed: str) -> tuple[int, str]:
    done = installation.run("assistance", "off", given=f"{typed}\n")
    return done.returncode, done.stderr + done.stdout


def test_in_without_a_password_and_out_with_the_one_of_the_day(
    installation: Installation, disconnected: Agent
) -> None:
    assert installation.run("assistance", "on", "--reason", "DSN à rendre").returncode == 0
    disconnected.until("assistance", "IEA-C01")
    assert installation.run("reconnect").returncode == 4, "assistance mode is left first"

    code, text = off(installation, password(today())[:-1])
    assert (code, "incomplet" in text) == (4, True)
    right = password(today())
    typo = right[:8] + ("A" if right[8] != "A" else "B") + right[9:]
    code, text = off(installation, typo)
    assert (code, "caractère" in text) == (4, True)
    code, text = off(installation, password(today() - timedelta(days=10)))
    assert (code, "ordinateur indique le" in text) == (4, True)
    code, text = off(installation, other_password(today()))
    assert (code, "pas le mot de passe du jour" in text) == (4, True)

    code, text = off(installation, right.lower().replace("-", " "))
    assert code == 0, text
    disconnected.until("disconnected", "IEA-C01")

    journal = installation.json("journal")
    assert journal["whole"]
    assert [entry["event"] for entry in journal["entries"]] == [
        "entering", "typo", "other-day", "refused", "leaving",
    ]  # fmt: skip
    assert journal["entries"][0]["reason"] == "DSN à rendre"
    for file in installation.folder.rglob("*"):
        if file.is_file():
            assert right.replace("-", "") not in file.read_text("utf-8", "replace").replace("-", "")


@pytest.mark.linux  # the same code everywhere, and under Wine each command takes seconds to start
def test_the_words_of_the_telephone_do_as_well_and_twice_in_a_day(
    installation: Installation, disconnected: Agent
) -> None:
    day = today() - timedelta(days=2)
    words = format_words(day, day_number(day))
    for _ in range(2):
        assert installation.run("assistance", "on").returncode == 0
        disconnected.until("assistance", "IEA-C01")
        assert off(installation, words)[0] == 0
        disconnected.until("disconnected", "IEA-C01")


@pytest.mark.linux  # the same code everywhere, and under Wine each command takes seconds to start
@pytest.mark.usefixtures("system_vault")
def test_only_from_the_heart(installation: Installation, running: ExitStack) -> None:
    installation.license()
    agent = installation.start(running)
    agent.until("connected")

    done = installation.run("assistance", "on")
    assert done.returncode == 4
    assert "après un échec de connexion" in done.stderr


def test_it_survives_a_kill_and_so_do_the_tries(
    installation: Installation, disconnected: Agent, running: ExitStack
) -> None:
    installation.run("assistance", "on")
    disconnected.until("assistance", "IEA-C01")
    for _ in range(6):
        off(installation, other_password(today()))
    disconnected.process.kill()
    disconnected.process.wait(10)

    again = installation.start(running)
    again.until("assistance")
    code, text = off(installation, password(today()))
    assert (code, "Nouvel essai possible" in text) == (4, True), text
    situation = installation.json("assistance", "status")
    assert situation["hold"] == "wait"
    assert 0 < situation["wait"] <= 60


@pytest.mark.linux  # the same code everywhere, and under Wine each command takes seconds to start
@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"schema": 1}', b'{"schema": 1, "failures": -4}'])
def test_damaged_tries_earn_nothing(
    installation: Installation, disconnected: Agent, running: ExitStack, damage: bytes
) -> None:
    installation.run("assistance", "on")
    disconnected.until("assistance", "IEA-C01")
    disconnected.process.kill()
    disconnected.process.wait(10)
    (installation.folder / "state" / "attempts.json").write_bytes(damage)

    again = installation.start(running)
    again.until("assistance")
    assert off(installation, password(today()))[0] == 4
    assert "attempts-unreadable" in {entry["event"] for entry in installation.json("journal")["entries"]}


@pytest.mark.linux  # the same code everywhere, and under Wine each command takes seconds to start
def test_an_older_register_is_not_taken_back(installation: Installation, disconnected: Agent) -> None:
    install_register(installation, generation=2)
    installation.run("assistance", "on")
    disconnected.until("assistance", "IEA-C01")
    assert off(installation, password(today()))[0] == 0, "generation 2 has been used"
    disconnected.until("disconnected", "IEA-C01")
    installation.run("assistance", "on")
    disconnected.until("assistance", "IEA-C01")

    install_register(installation, generation=1)
    code, text = off(installation, password(today()))
    assert (code, "registre" in text) == (4, True)


@pytest.mark.linux  # the same code everywhere, and under Wine each command takes seconds to start
@pytest.mark.usefixtures("system_vault")
def test_a_probe_tells_that_the_servers_answer(installation: Installation, running: ExitStack) -> None:
    install_register(installation)
    installation.license()
    installation.world.break_("auth", "refuse")
    agent = installation.start(running)
    agent.until("connecting", "IEA-N04")
    installation.run("reconnect")
    agent.until("disconnected", "IEA-N04")
    installation.run("assistance", "on")
    agent.until("assistance", "IEA-N04")

    installation.world.mend()
    agent.process.kill()
    agent.process.wait(10)
    again = installation.start(running)  # it probes at once
    while not again.until("assistance")["servers_answer"]:
        pass


@pytest.mark.linux  # the same code everywhere, and under Wine each command takes seconds to start
def test_a_limit_of_the_policy_ends_it(installation: Installation, running: ExitStack) -> None:
    (installation.folder / "state").mkdir(parents=True, exist_ok=True)
    long_ago = time.time() - 3 * 86_400
    (installation.folder / "state" / "assistance.json").write_text(
        json.dumps({"schema": 1, "since": long_ago})
    )
    policy = installation.folder / "policy" / "policy.toml"
    policy.write_text(policy.read_text() + "\n[assistance]\nmaximum_days = 2\n")

    agent = installation.start(running)
    agent.until("disconnected", "IEA-C01")
    assert installation.json("journal")["entries"][-1]["event"] == "expired"


@pytest.mark.linux  # the same code everywhere, and under Wine each command takes seconds to start
def test_only_the_policy_sets_a_limit(installation: Installation, running: ExitStack) -> None:
    done = installation.run("settings", "set", "assistance.maximum_days", "1")
    assert (done.returncode, "administrateur" in done.stderr) == (4, True)
    (installation.folder / "state").mkdir(parents=True, exist_ok=True)
    long_ago = time.time() - 3 * 86_400
    (installation.folder / "state" / "assistance.json").write_text(
        json.dumps({"schema": 1, "since": long_ago})
    )
    settings = installation.folder / "settings" / "settings.toml"
    settings.write_text(settings.read_text() + "\n[assistance]\nmaximum_days = 1\n")

    installation.start(running).until("assistance", "IEA-C01")


@pytest.mark.linux  # the same code everywhere, and under Wine each command takes seconds to start
def test_killed_at_any_moment_of_a_try_it_is_never_free(
    installation: Installation, disconnected: Agent, running: ExitStack
) -> None:
    installation.run("assistance", "on")
    disconnected.until("assistance", "IEA-C01")
    agent = disconnected
    for number in range(4):
        # the wrong password is under way when the agent is killed
        with ExitStack() as trying:
            process = trying.enter_context(agent.typing(other_password(today())))
            agent.wait_for_file("attempts.json", at_least=number + 1)
            agent.process.kill()
            agent.process.wait(10)
            process.communicate(timeout=30)
        agent = installation.start(running)
        agent.until("assistance")
    document = json.loads((installation.folder / "state" / "attempts.json").read_text())
    assert document["failures"] >= 4
    assert os.path.exists(installation.folder / "state" / "assistance.json")


# in Windows, too, by tests/assembly/test_sealing.py, without a process for each step
@pytest.mark.linux
@pytest.mark.usefixtures("system_vault")
def test_tries_that_are_put_back_earn_nothing(
    installation: Installation, disconnected: Agent, running: ExitStack
) -> None:
    assert installation.json("diagnose")["state_seal"] == "none"
    installation.run("assistance", "on")
    disconnected.until("assistance", "IEA-C01")
    off(installation, other_password(today()))
    state = installation.folder / "state"
    earlier = (state / "attempts.json").read_bytes()
    for _ in range(4):
        off(installation, other_password(today()))
    disconnected.process.kill()
    disconnected.process.wait(10)
    (state / "attempts.json").write_bytes(earlier)
    (state / "assistance.json").unlink()

    installation.start(running).until("assistance")
    code, text = off(installation, password(today()))
    assert (code, "Nouvel essai possible" in text) == (4, True), text
    assert installation.json("diagnose")["state_seal"] == "saved"
    broken = [entry for entry in installation.json("journal")["entries"] if entry["event"] == "seal-broken"]
    assert {(entry["state"], entry["reason"]) for entry in broken} >= {("attempts", "old")}
