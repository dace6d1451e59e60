"""Every fault of an update's file reaches the desk under its own name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.support_file import SupportFile
from iea_agent.domain import problems
from iea_agent.domain.problems import Problem
from iea_agent.domain.update_machine import UpdateState
from iea_desk.request_files import open_request, open_text
from iea_sandbox.world import World
from rig.agent_files import write_agent_files
from tests.assembly.test_update_worker import Pc
from tests.programs import make_program, make_version
from tests.releases import make_description
from tests.services.fault_table import left_to_the_updater
from tests.update_site import CONTENT, NAME

EXPECTED: Mapping[str, Problem] = {
    "tampered-target": problems.UPDATE_FILE_ALTERED,
    "longer-target": problems.UPDATE_FILE_ALTERED,
    "shorter-target": problems.UPDATE_FILE_ALTERED,
    "cut-target": problems.ANSWER_CUT,
    "missing-target": problems.UPDATE_FILE_MISSING,
}


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a sandbox of its own, with a version on offer."""
    with World(tmp_path_factory.mktemp("publisher")) as world:
        description = make_description(**{"minimum.windows": "", "installed_bytes": 0})
        world.publish({NAME: CONTENT}, {NAME: {"iea": description}})
        yield world


@pytest.fixture
def pc(publisher: World, tmp_path: Path) -> Iterator[Pc]:
    home = tmp_path / "home"
    write_agent_files(home, publisher)
    program = tmp_path / "ImpactEmploi.exe"
    program.write_bytes(make_program(make_version((3, 0, 72, 0), {})))
    with (home / "policy" / "policy.toml").open("a", encoding="utf-8") as policy:
        policy.write(f"\n[program]\npath = '{program}'\n")
    yield Pc(Installation.locate({"IEA_AGENT_HOME": str(home)}))
    publisher.mend()


@pytest.mark.parametrize("fault", left_to_the_updater())
def test_the_desk_names_what_the_worker_met(publisher: World, pc: Pc, fault: str) -> None:
    publisher.break_("updates", fault)
    record = pc.check()
    problem = EXPECTED[fault]
    assert (record.snapshot.state, record.snapshot.code) == (UpdateState.FAILED, problem.code)
    case = open_request(SupportFile(pc.installation).pack())
    assert (case.code, case.actor) == (problem.code, problem.actor)
    spoken = open_text(case.phone_code)
    assert (spoken.code, spoken.actor) == (problem.code, problem.actor)
