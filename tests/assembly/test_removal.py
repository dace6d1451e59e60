"""What a person leaves on the PC goes, unless something speaks against it."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.installations import Installation


@pytest.mark.usefixtures("system_vault")
def test_what_a_person_leaves_is_forgotten_but_not_under_a_running_agent(
    installation: Installation, running: ExitStack
) -> None:
    installation.license()
    agent = installation.start(running)
    agent.until("connected")
    done = installation.run("forget")
    assert done.returncode == 4
    assert "quit" in done.stderr
    assert installation.json("diagnose")["licence_key"] == "saved"

    assert installation.run("quit").returncode == 0
    agent.process.wait(20)
    assert installation.run("forget").returncode == 0
    assert {path.name for path in installation.folder.iterdir()} == {"policy"}
    document = installation.json("diagnose")
    assert (document["licence_key"], document["state_seal"]) == ("none", "none")
    assert document["settings"]["licence.number"]["value"] == ""
    # there is nothing left to forget
    assert installation.run("forget").returncode == 0


@pytest.mark.usefixtures("system_vault")
def test_assistance_mode_is_not_forgotten(installation: Installation, running: ExitStack) -> None:
    agent = installation.start(running)
    agent.until("disconnected", "IEA-C01")
    assert installation.run("assistance", "on").returncode == 0
    agent.until("assistance")
    installation.run("quit")
    agent.process.wait(20)
    done = installation.run("forget")
    assert done.returncode == 4
    assert "mot de passe du jour" in done.stderr
    assert [entry["event"] for entry in installation.json("journal")["entries"]] == ["entering"]
