"""Each window of the catalogue has its command, adapter and dialog."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from iea_agent.assembly.dialog_adapters import ADAPTERS, StatusAdapter
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.own_command import agent_command, own_command
from iea_agent.assembly.window_opener import window_command
from iea_agent.assembly.window_process import show_window
from iea_agent.commands import build_parser
from iea_agent.domain import exit_codes
from iea_agent.domain.machine import TABLE
from iea_agent.domain.person_requests import REQUESTS, WINDOWS, PersonRequest
from iea_agent.domain.refusals import RefusedError, WindowNotStarted


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})


@pytest.mark.linux
def test_a_window_whose_process_does_not_start_says_so(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Linux starts no program with a variable of this length
    monkeypatch.setenv("IEA_TEST_TOO_LONG", "x" * 200_000)
    with pytest.raises(RefusedError) as caught:
        StatusAdapter(installation).ask("settings")
    assert caught.value.refusal == WindowNotStarted("OSError")


@pytest.mark.parametrize("request_", WINDOWS.values(), ids=lambda request_: request_.name)
def test_a_window_has_a_command_an_adapter_and_a_dialog(
    request_: PersonRequest, installation: Installation
) -> None:
    window = (request_.window, *request_.options)
    assert window_command(*window)[-len(window) - 1 :] == ["window", *window]
    ADAPTERS[request_.window](installation)
    spec = find_spec(f"iea_agent.shell.dialogs.{request_.window}_dialog")
    assert spec is not None
    assert spec.origin is not None
    # not imported: wx is there on Windows only
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    runs = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "run"]
    assert [len(run.args.args) for run in runs] == [4], "port, on_shown, options, later"


@pytest.mark.parametrize("request_", WINDOWS.values(), ids=lambda request_: request_.name)
def test_its_event_opens_it_wherever_it_is_in_the_table(request_: PersonRequest) -> None:
    steps = [step for (_, event), step in TABLE.items() if event is request_.event]
    assert steps
    assert all(request_.effect in step.effects for step in steps)


def test_no_adapter_is_left_over_and_no_two_requests_have_one_name() -> None:
    assert set(ADAPTERS) == {request.window for request in WINDOWS.values()}
    assert len({request.name for request in REQUESTS}) == len({request.event for request in REQUESTS})
    assert len({request.name for request in REQUESTS}) == len(REQUESTS)


def test_the_agent_is_started_as_at_the_beginning_of_the_session() -> None:
    command = agent_command()
    assert command[: len(own_command())] == own_command()
    assert build_parser().parse_args(command[len(own_command()) :]).quiet


def test_an_unknown_window_is_wrong_usage(installation: Installation) -> None:
    assert show_window(installation, "nonsense") == exit_codes.USAGE
