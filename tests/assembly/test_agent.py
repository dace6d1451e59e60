"""The resident agent: requests at the same moment, and what is on disk after."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from iea_agent.assembly.agent import Agent
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.local_facts import complete_status
from iea_agent.assembly.servers import Servers
from iea_agent.assembly.update_keeper import UpdateKeeper
from iea_agent.domain import machine, problems
from iea_agent.domain.documents import ReplyDocument
from iea_agent.domain.machine import Moment
from iea_agent.domain.signed_policy import format_time
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_machine import FileVerified, VersionProposed
from iea_agent.shell.dialogs.status_overview import summarize_status
from iea_agent.shell.wording.problem_details import summarize_problem
from iea_agent.shell.wording.status_text import list_facts
from tests.passwords import make_current_register, other_password, password, today
from tests.releases import make_offer

# the same code on both systems; a real vault would lead to the settings window
pytestmark = pytest.mark.linux

ASKING = "asking-client"
"""The name of the thread whose look at the clock a test holds up."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation in assistance mode, with a register and half a licence."""
    for name in ("policy", "settings", "state"):
        (tmp_path / name).mkdir()
    (tmp_path / "settings" / "settings.toml").write_text('schema = 1\n[licence]\nnumber = "IEA-1"\n')
    register = make_current_register().to_text()
    (tmp_path / "policy" / "register.json").write_text(register, encoding="utf-8")
    (tmp_path / "state" / "assistance.json").write_text(json.dumps({"schema": 1, "since": time.time() - 60}))
    return tmp_path


class Clock:
    """The real clock, which the asking client does not get past until it is let."""

    def __init__(self) -> None:
        self.looking = threading.Event()
        self.let_past = threading.Event()

    def __call__(self) -> Moment:
        moment = Moment(time.time(), time.monotonic())
        if threading.current_thread().name == ASKING:
            self.looking.set()
            assert self.let_past.wait(30)
        return moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def agent(folder: Path, clock: Callable[[], Moment]) -> Iterator[Agent]:
    agent = Agent(Servers(Installation.locate({"IEA_AGENT_HOME": str(folder)})), clock)
    thread = threading.Thread(target=agent.loop.run)
    agent.loop.post(machine.Started())
    thread.start()
    yield agent
    agent.loop.post(machine.QuitRequested())
    thread.join(30)
    assert not thread.is_alive()


def count_tries(folder: Path) -> int:
    """Return the failed tries that are on disk."""
    document = json.loads((folder / "state" / "attempts.json").read_text(encoding="utf-8"))
    failures: int = document["failures"]
    return failures


def leave(agent: Agent, typed: str) -> ReplyDocument:
    """Try the password *typed* and return the answer."""
    return agent.answer({"do": "leave-assistance", "password": typed})


def test_no_try_is_lost_while_another_client_looks(agent: Agent, clock: Clock, folder: Path) -> None:
    for _ in range(3):
        clock.looking.clear()
        clock.let_past.clear()
        asking = threading.Thread(target=agent.answer, args=({"do": "assistance"},), name=ASKING)
        asking.start()
        while asking.is_alive() and not clock.looking.is_set():
            time.sleep(0.01)
        leave(agent, other_password(today()))
        clock.let_past.set()
        asking.join(30)

    assert count_tries(folder) == 3


def test_three_clients_at_once_are_three_tries(agent: Agent, folder: Path) -> None:
    with ThreadPoolExecutor(3) as clients:
        answers = list(clients.map(lambda _: leave(agent, other_password(today())), range(3)))

    assert [answer["refusal"]["code"] for answer in answers] == ["password-wrong"] * 3
    assert count_tries(folder) == 3


def test_of_two_right_passwords_at_once_the_second_finds_the_mode_off(agent: Agent, folder: Path) -> None:
    with ThreadPoolExecutor(2) as clients:
        answers = list(clients.map(lambda _: leave(agent, password(today())), range(2)))

    assert sorted(answer["ok"] for answer in answers) == [False, True]
    refusal = next(answer["refusal"] for answer in answers if not answer["ok"])
    assert refusal["code"] == "assistance-not-on"
    assert count_tries(folder) == 0


def test_a_password_under_check_holds_up_no_other_client(agent: Agent) -> None:
    with ThreadPoolExecutor(1) as clients:
        trying = clients.submit(leave, agent, other_password(today()))
        answers = 0
        while not trying.done():
            assert agent.answer({"do": "status"})["ok"]
            answers += 1

    assert answers > 1


def test_sentences_name_the_support_address_of_the_settings(folder: Path, agent: Agent) -> None:
    settings = folder / "settings" / "settings.toml"
    settings.write_text('schema = 1\n[support]\naddress = "aide@exemple.fr"\n')
    assert agent.answer({"do": "reload"})["ok"]
    sentence = summarize_problem(problems.CONNECTION_REFUSED)
    assert "aide@exemple.fr" in sentence
    assert problems.SUPPORT_ADDRESS not in sentence
    settings.write_text("schema = 1\n")
    assert agent.answer({"do": "reload"})["ok"]
    assert problems.SUPPORT_ADDRESS in summarize_problem(problems.CONNECTION_REFUSED)


def test_the_end_of_assistance_mode_abandons_a_check(agent: Agent, folder: Path) -> None:
    with ThreadPoolExecutor(1) as clients:
        trying = clients.submit(leave, agent, password(today()))
        while not (folder / "state" / "attempts.json").exists():
            time.sleep(0.001)
        agent.loop.post(machine.AssistanceExpired())
        answer = trying.result(30)

    assert answer["refusal"]["code"] == "assistance-not-on"
    status = agent.answer({"do": "status"})["status"]
    assert status["state"] == "disconnected"
    assert "autostart" not in status, "the loop reads no registry"


def test_reconnect_is_answered_when_the_attempt_has_ended(agent: Agent) -> None:
    assert leave(agent, password(today()))["ok"]

    answer = agent.answer({"do": "reconnect"})

    assert answer["ok"]
    assert not answer["status"]["working"]
    assert answer["status"]["problem"] is not None


@pytest.mark.parametrize(
    "request_document",
    [
        {},
        {"do": "unheard-of"},
        {"do": 3},
        {"do": ["status"]},
        {"do": "ask"},
        {"do": "ask", "event": "unheard-of"},
        {"do": "leave-assistance", "password": 7},
    ],
)
def test_what_is_no_request_is_refused(agent: Agent, request_document: dict[str, object]) -> None:
    assert agent.answer(request_document) == {"ok": False, "refusal": {"code": "request-unknown"}}


def test_the_agent_ends_only_when_the_client_that_asks_for_it_has_its_answer(agent: Agent) -> None:
    request = {"do": "ask", "event": "quit"}
    assert agent.answer(request)["ok"]
    assert agent.answer({"do": "status"})["ok"], "the loop still answers"
    agent.answered({"do": "status"})
    assert agent.answer({"do": "status"})["ok"]
    agent.answered(request)
    while not agent.loop.ended:
        time.sleep(0.001)


def test_what_the_state_does_not_allow_is_refused(agent: Agent) -> None:
    requests: tuple[dict[str, object], ...] = ({"do": "reconnect"}, {"do": "ask", "event": "reconnect"})
    for request in requests:
        answer = agent.answer(request)
        assert answer == {
            "ok": False,
            "refusal": {"code": "not-now", "event": "reconnect", "state": "assistance"},
        }
    answer = agent.answer({"do": "enter-assistance", "reason": ""})
    assert answer == {
        "ok": False,
        "refusal": {"code": "cannot-enter-assistance", "state": "assistance"},
    }


def test_what_the_state_was_is_in_the_log_book(agent: Agent, folder: Path) -> None:
    # the answer comes when the state is on disk
    leave(agent, password(today()))
    agent.answer({"do": "status"})

    stays = Installation.locate({"IEA_AGENT_HOME": str(folder)}).read_log_book(time.time())
    assert [stay.course.value for stay in stays][:2] == ["assistance", "disconnected"]


def test_an_incident_that_the_publisher_knows_of_is_in_the_status_while_it_fails(
    agent: Agent, folder: Path
) -> None:
    now = time.time()
    notice = {
        "since": format_time(now - 60),
        "until": format_time(now + 3600),
        "text": {"fr": "Le serveur est en panne."},
    }
    file = folder / "state" / "updates" / "targets" / "notices.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"schema": 1, "notices": [notice]}))
    assert agent.answer({"do": "status"})["status"]["incident"] == "", "in assistance mode nothing fails"

    leave(agent, password(today()))
    agent.answer({"do": "reconnect"})

    status = agent.answer({"do": "status"})["status"]
    assert status["problem"] is not None
    assert status["incident"].endswith("Le serveur est en panne.")
    complete = complete_status(Installation.locate({"IEA_AGENT_HOME": str(folder)}), status)
    assert summarize_status(complete, now).remaining.startswith("Incident connu")
    file.write_text('{"schema": 1, "notices": []}')
    assert agent.answer({"do": "status"})["status"]["incident"] == ""


def test_the_status_names_the_version_that_waits_for_a_click(folder: Path, agent: Agent) -> None:
    assert agent.answer({"do": "status"})["status"]["update"] == ""
    keeper = UpdateKeeper(Installation.locate({"IEA_AGENT_HOME": str(folder)}), lambda: None)
    keeper.take(ReleaseKind.PRODUCT, VersionProposed(make_offer("3.00.73")), FileVerified())
    agent.loop.post(agent.look_around)
    status = agent.answer({"do": "status"})["status"]
    assert status["update"] == "Impact emploi 3.00.73, prête à installer"
    assert dict(list_facts(status, "", 0.0))["Mise à jour"] == status["update"]
