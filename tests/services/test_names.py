"""The addresses of a name, and what a name service says that has none."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from iea_agent.domain import problems
from iea_agent.domain.problems import Problem
from iea_agent.services.https import Client, HttpsError
from iea_agent.services.messages import Request
from iea_agent.services.names import (
    MADE_UP_NAME,
    NameWithoutIpv4,
    look_up,
    resolve_by_system,
    says_no_address,
)
from iea_agent.services.network import Limits
from tests.services.conftest import PATIENT

NAME = "serveur.example"
V4, V6 = socket.AF_INET, socket.AF_INET6
UNKNOWN, EMPTY = (11001, 11004) if sys.platform == "win32" else (socket.EAI_NONAME, socket.EAI_NODATA)
NEVER = "never"


@dataclass
class System:
    """A name service as ``getaddrinfo`` gives it: an answer for each name and family.

    An answer is addresses, the number of an error, ``NEVER``, or a list of these that are given one after another.
    """

    answers: Mapping[tuple[str, socket.AddressFamily], object]
    asked: list[tuple[str, socket.AddressFamily]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __call__(self, host: str, family: socket.AddressFamily) -> Sequence[str]:
        earlier = self.asked.count((host, family))
        self.asked.append((host, family))
        answer = self.answers.get((host, family), UNKNOWN)
        if isinstance(answer, list):
            answer = answer[min(earlier, len(answer) - 1)]
        if answer == NEVER:
            self.over.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "late")
        if isinstance(answer, int):
            raise socket.gaierror(answer, f"about {host}")
        assert isinstance(answer, tuple)
        return answer


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Ends what never answers with the test."""
    event = threading.Event()
    yield event
    event.set()


DOTTED = f"{NAME}."
HERE, HERE_TOO = "127.0.0.1", "::1"

FAMILIES: dict[str, tuple[object, object, bool, list[str] | type[OSError]]] = {
    # IPv4, IPv6, only IPv4, what comes out
    "both": ((HERE,), (HERE_TOO,), False, [HERE_TOO, HERE]),
    "no IPv6": ((HERE,), EMPTY, False, [HERE]),
    "silent about IPv6": ((HERE,), NEVER, False, [HERE]),
    "silent about IPv6, which is not wanted": ((HERE,), NEVER, True, [HERE]),
    "silent about IPv4": (NEVER, (HERE_TOO,), False, [HERE_TOO]),
    "broken for IPv6": ((HERE,), socket.EAI_FAIL, False, [HERE]),
    "unknown for IPv6": ((HERE,), UNKNOWN, False, [HERE]),
    "only IPv6": (EMPTY, (HERE_TOO,), False, [HERE_TOO]),
    "only IPv6, which is not wanted": (EMPTY, (HERE_TOO,), True, NameWithoutIpv4),
    "nothing": (EMPTY, EMPTY, False, socket.gaierror),
    "unknown": (UNKNOWN, UNKNOWN, False, socket.gaierror),
    "unknown, silent about IPv6": (UNKNOWN, NEVER, False, socket.gaierror),
    "silent": (NEVER, NEVER, False, TimeoutError),
    "silent about IPv4, no IPv6": (NEVER, EMPTY, False, TimeoutError),
}


@pytest.mark.parametrize(("v4", "v6", "only", "result"), FAMILIES.values(), ids=list(FAMILIES))
def test_both_families_are_asked_side_by_side(
    over: threading.Event, v4: object, v6: object, only: bool, result: list[str] | type[OSError]
) -> None:
    system = System({(DOTTED, V4): v4, (DOTTED, V6): v6}, over=over)
    begun = time.monotonic()
    if isinstance(result, list):
        assert resolve_by_system(NAME, 5, ipv4_only=only, ask=system) == result
        assert time.monotonic() - begun < 2
    else:
        with pytest.raises(result):
            resolve_by_system(NAME, 0.3, ipv4_only=only, ask=system)
    if only and isinstance(result, list):
        assert {family for _, family in system.asked} == {V4}


PASSING: dict[str, tuple[object, bool]] = {
    # what the name service says, whether that is an answer about the name
    "NXDOMAIN": (UNKNOWN, True),
    "no address": (EMPTY, True),
    "SERVFAIL twice": ([socket.EAI_AGAIN, socket.EAI_AGAIN], False),
    "no recovery (FORMERR)": (socket.EAI_FAIL, False),
    "out of memory": (socket.EAI_MEMORY, False),
}


@pytest.mark.parametrize(("answer", "is_answer"), PASSING.values(), ids=list(PASSING))
def test_only_an_answer_about_the_name_says_that_it_does_not_exist(answer: object, is_answer: bool) -> None:
    system = System({(DOTTED, V4): answer, (DOTTED, V6): answer})
    with pytest.raises(socket.gaierror) as caught:
        resolve_by_system(NAME, 5, ask=system)
    assert says_no_address(caught.value) == is_answer


def test_a_name_service_that_failed_is_asked_again() -> None:
    system = System({(DOTTED, V4): [socket.EAI_AGAIN, (HERE,)], (DOTTED, V6): EMPTY})
    assert resolve_by_system(NAME, 5, ask=system) == [HERE]


SEARCHED: dict[str, tuple[Mapping[str, object], Sequence[str] | None]] = {
    # what is there, what counts
    "the name itself": ({DOTTED: (HERE,), NAME: ("10.0.0.9",)}, (HERE,)),
    "a wildcard of the office": ({NAME: ("10.0.0.9",), MADE_UP_NAME: ("10.0.0.9",)}, None),
    "a wildcard with several addresses": ({NAME: ("10.0.0.9",), MADE_UP_NAME: ("10.0.0.7",)}, None),
    "the file hosts": ({NAME: (HERE,)}, (HERE,)),
    "no final dot, for it failed": ({DOTTED: socket.EAI_AGAIN, NAME: ("10.0.0.9",)}, None),
}


@pytest.mark.parametrize(("answers", "result"), SEARCHED.values(), ids=list(SEARCHED))
def test_the_domain_of_the_office_is_not_added(
    answers: Mapping[str, object], result: Sequence[str] | None
) -> None:
    system = System({(name, V4): answer for name, answer in answers.items()})
    if result is not None:
        assert look_up(NAME, family=V4, ask=system) == result
    else:
        with pytest.raises(socket.gaierror):
            look_up(NAME, family=V4, ask=system)


@pytest.mark.parametrize("name", ["serveur", "serveur.local", "nas.lan", "serveur.example."])
def test_a_name_of_the_office_is_asked_for_as_it_is(name: str) -> None:
    system = System({(name, V4): (HERE,)})
    assert look_up(name, family=V4, ask=system) == (HERE,)
    assert system.asked == [(name, V4)]


SAID: dict[str, tuple[int, Problem]] = {
    "NXDOMAIN": (UNKNOWN, problems.NAME_UNKNOWN),
    "no address": (EMPTY, problems.NAME_UNKNOWN),
    "again": (socket.EAI_AGAIN, problems.NAME_SERVER_SILENT),
    "fail": (socket.EAI_FAIL, problems.NAME_SERVER_SILENT),
    "memory": (socket.EAI_MEMORY, problems.NAME_SERVER_SILENT),
    "anything else": (10055, problems.NAME_SERVER_SILENT),
}


@pytest.mark.parametrize(("code", "problem"), SAID.values(), ids=list(SAID))
def test_each_error_of_the_system_has_its_problem(code: int, problem: Problem) -> None:
    def refuse(host: str) -> Sequence[str]:
        raise socket.gaierror(code, f"about {host}")

    with Client(limits=PATIENT, resolve=refuse) as client, pytest.raises(HttpsError) as caught:
        client.request(Request("GET", f"https://{NAME}"))
    assert caught.value.failure.problem is problem


def test_the_limit_leaves_room_for_a_second_name_server() -> None:
    """Resolvers wait 5 s for the first one (resolv.conf(5))."""
    assert 5 < Limits().name < 7


def test_a_name_is_asked_for_once_in_a_while() -> None:
    asked: list[str] = []

    def remember(host: str) -> Sequence[str]:
        asked.append(host)
        return ("127.0.0.1",)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Client(limits=PATIENT, resolve=remember) as client:
        for _ in range(3):
            with pytest.raises(HttpsError):
                client.request(Request("GET", f"http://{NAME}:{port}"))
    assert asked == [NAME]
