"""The access token, which a program of the same person asks the agent for."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from iea_agent.assembly.authenticator import HeldToken
from iea_agent.domain.machine import Moment
from iea_sandbox.world import World
from tests.installations import Installation


@pytest.mark.linux  # the same code on both systems
@pytest.mark.usefixtures("system_vault")
def test_a_program_gets_the_token_and_nothing_else_has_it(
    installation: Installation, running: ExitStack, world: World
) -> None:
    assert installation.run("token").returncode == 3
    agent = installation.start(running)
    agent.until("disconnected", "IEA-C01")
    refused = installation.run("token")
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "pas de jeton" in refused.stderr
    installation.license()
    agent.until("connected")
    done = installation.run("token")
    document = json.loads(done.stdout)
    token = document["access_token"]
    # a signed one (RFC 7519), as the server gives them
    assert token.count(".") == 2
    assert 0 < document["expires_in"] <= 3600
    files = [file for file in installation.folder.rglob("*") if file.is_file()]
    assert len(files) > 3
    assert not [file for file in files if token.encode() in file.read_bytes()]
    # no server got it back
    requests = world.requests.select()
    assert not [each for each in requests if token in f"{each.target} {each.headers} {each.body!r}"]


def test_a_token_ends_when_one_of_the_clocks_says_so() -> None:
    token = HeldToken("secret", Moment(1000.0, 500.0))
    assert token.count_seconds(Moment(900.0, 100.0)) == 100
    # the PC has slept
    assert token.count_seconds(Moment(1100.0, 400.0)) == -100
    assert "secret" not in repr(token)
