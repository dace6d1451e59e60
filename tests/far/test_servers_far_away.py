"""The servers behind a bad network.

300 ms, 2 % loss, IPv6 only, and a name server that is dead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Server, Stage
from iea_agent.domain.problems import Problem
from iea_agent.services.reachability import EXAMINATION_SECONDS
from iea_sandbox.authority import NAME
from iea_sandbox.world import World
from rig.agent_files import write_agent_files
from tests.far.network import DEAD_NAME_SERVER, DELAY, GATEWAY, AgentEnd, FarNetwork, reason_against

pytestmark = pytest.mark.linux

SLACK = 1.5  # seconds that a machine with other things to do may take besides
SERVERS = tuple(server.value for server in Server)


@dataclass(frozen=True)
class Far:
    """The sandbox, the agent's end, and an installation there."""

    world: World
    agent: AgentEnd
    home: Path

    def examine(self, licence: str = "good", **settings: object) -> dict[str, Any]:
        """Test both servers by name, with the licence called *licence*."""
        given_out = self.world.licence(licence)
        servers = {"authentication": self.world.authentication.address, "updates": self.world.updates.address}
        own = {name: address.replace("localhost", NAME) for name, address in servers.items()}
        own |= {"licence_number": given_out.number, "ca_file": str(self.world.ca_file)}
        return self.agent.examine(home=str(self.home), key=given_out.key, settings={**own, **settings})


@pytest.fixture(scope="module")
def running_far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    if reason := reason_against():
        pytest.skip(f"no network of its own: {reason}")
    folder = tmp_path_factory.mktemp("far")
    with FarNetwork() as network:
        world = World(folder / "world")
        network.there(world.__enter__)
        try:
            write_agent_files(folder / "home", world)
            with closing(AgentEnd(network, folder)) as agent:
                yield Far(world, agent, folder / "home")
        finally:
            network.there(lambda: world.__exit__(None, None, None))


@pytest.fixture
def far(running_far: Far) -> Iterator[Far]:
    """The far sandbox, sound, and name servers that answer."""
    running_far.world.mend()
    running_far.agent.choose_name_servers(GATEWAY)
    yield running_far
    running_far.world.mend()


def assert_passed(answer: dict[str, Any]) -> None:
    assert [answer[server]["problem"] for server in SERVERS] == [None, None], answer
    assert all(answer[server]["passed"] for server in SERVERS), answer


def test_both_servers_are_reached_by_translated_addresses(far: Far) -> None:
    answer = far.examine()
    assert_passed(answer)
    # name, connection and TLS alone are four round trips
    assert answer["seconds"] > 4 * 2 * DELAY


def test_the_second_name_server_is_asked(far: Far) -> None:
    """Three times at most.

    Two packets in a hundred are lost, and after the dead server there is time for one question only.
    """
    far.agent.choose_name_servers(DEAD_NAME_SERVER, GATEWAY)
    for _ in range(3):
        answer = far.examine()
        assert answer["seconds"] < EXAMINATION_SECONDS + SLACK
        if all(answer[server]["passed"] for server in SERVERS):
            break
    assert_passed(answer)


def test_no_name_server_answers(far: Far) -> None:
    far.agent.choose_name_servers(DEAD_NAME_SERVER)
    answer = far.examine()
    assert {answer[server]["problem"] for server in SERVERS} == {problems.NAME_SERVER_SILENT.code}, answer
    assert answer["seconds"] < EXAMINATION_SECONDS + SLACK


@pytest.mark.parametrize(
    ("fault", "stage", "problem"),
    [
        ("refuse", Stage.CONNECTION, problems.CONNECTION_REFUSED),
        ("expired-cert", Stage.CERTIFICATE, problems.CERTIFICATE_EXPIRED),
        ("503", Stage.ANSWER, problems.SERVER_UNAVAILABLE),
    ],
)
def test_a_fault_is_called_by_its_name_all_the_same(
    far: Far, fault: str, stage: Stage, problem: Problem
) -> None:
    far.world.break_("auth", fault)
    answer = far.examine()
    judged = answer[Server.AUTHENTICATION.value]
    assert (judged["stage"], judged["problem"]) == (stage.value, problem.code), judged
    assert answer[Server.UPDATES.value]["passed"], answer
    assert answer["seconds"] < EXAMINATION_SECONDS + SLACK


def test_a_wrong_licence_is_refused(far: Far) -> None:
    judged = far.examine("unknown")[Server.AUTHENTICATION.value]
    assert judged["problem"] == problems.LICENCE_NOT_RECOGNISED.code, judged


def test_ipv4_only_cannot_work_here(far: Far) -> None:
    answer = far.examine(ipv4_only=True)
    assert not any(answer[server]["passed"] for server in SERVERS), answer
