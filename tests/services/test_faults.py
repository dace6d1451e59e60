"""Every fault is found at its stage and called by its name."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from tests.services.conftest import BRIEF, Serve, page, proxy, request_of, says, silent
from tests.services.fault_table import BEYOND, DOCUMENT, SANDBOX, Seen, document, left_to_the_updater

from iea_agent.domain.addresses import parse
from iea_agent.domain.diagnosis import Outcome, Server, ServerReport
from iea_agent.services.authentication import Licence
from iea_agent.services.https import Client, Route
from iea_agent.services.reachability import Connect, examine
from iea_sandbox.authentication_server import SCOPE
from iea_sandbox.faults import FAULTS
from iea_sandbox.world import World

SERVERS = {"auth": Server.AUTHENTICATION, "updates": Server.UPDATES}


def licence_of(world: World, name: str = "good") -> Licence:
    given = world.licence(name)
    return Licence(given.number, given.key)


def find(
    server: Server, text: str, connect: Connect, licence: Licence | None = None, seconds: float = 12.0
) -> ServerReport:
    (report,) = examine(
        {server: text},
        connect,
        licence,
        lambda _: None,
        now=datetime.now(UTC),
        scope=SCOPE if licence else "",
        seconds=seconds,
    )
    return report


def assert_found(report: ServerReport, expected: Seen | None) -> None:
    assert report.done
    failure = report.failure
    assert (failure and Seen(failure.stage, failure.reason)) == expected, failure
    outcomes = [stage.outcome for stage in report.stages]
    if expected is None:
        assert set(outcomes) <= {Outcome.PASSED, Outcome.SKIPPED}
        return
    place = [stage.stage for stage in report.stages].index(expected.stage)
    assert outcomes[place] is Outcome.FAILED
    assert set(outcomes[:place]) <= {Outcome.PASSED, Outcome.SKIPPED}
    assert set(outcomes[place + 1 :]) <= {Outcome.SKIPPED}
    assert report.stages[place].detail, "support wants evidence"


@pytest.mark.parametrize("server", ["auth", "updates"])
@pytest.mark.parametrize("name", SANDBOX)
def test_fault_of_the_sandbox(world: World, name: str, server: str) -> None:
    if server not in FAULTS[name].servers:
        expected = None
    else:
        expected = SANDBOX[name]._asdict()[SERVERS[server].value]
        world.break_("auth" if server == "auth" else "updates", name)
    address = world.authentication.address if server == "auth" else world.updates.address
    report = find(
        SERVERS[server],
        address,
        lambda _: Client(Route(ca_file=world.ca_file), limits=BRIEF),
        licence_of(world),
    )
    assert_found(report, expected)


def test_no_fault_of_the_sandbox_is_left_out() -> None:
    assert set(SANDBOX) | set(left_to_the_updater()) == set(FAULTS)


def test_what_the_server_asked_to_wait_is_kept(world: World) -> None:
    world.break_("auth", "503", retry_after=77)
    report = find(
        Server.AUTHENTICATION, world.authentication.address, lambda _: Client(Route(ca_file=world.ca_file))
    )
    assert report.failure is not None
    assert report.failure.retry_after == 77


# --- around the servers

Arrangement = Callable[["Place"], tuple[str, Connect, Licence | None]]


class Place:
    """Where an arrangement is made: the sandbox, raw servers, a folder, and a promise to take things down again."""

    def __init__(self, world: World, serve: Serve, folder: Path, undo: ExitStack) -> None:
        self.world, self.serve, self.folder, self.undo = world, serve, folder, undo
        self.address = world.authentication.address

    def through(self, route: Route) -> Connect:
        return lambda _: Client(route, limits=BRIEF, online=lambda: True)

    def by_proxy(self, text: str) -> tuple[str, Connect, Licence | None]:
        return self.address, self.through(Route(parse(text), self.world.ca_file)), None

    def named(
        self, resolve: Callable[[str], tuple[str, ...]], *, online: bool = True
    ) -> tuple[str, Connect, Licence | None]:
        def connect(_: object) -> Client:
            return Client(limits=BRIEF, resolve=resolve, online=lambda: online)

        return "https://serveur.example", connect, None


def _failing(code: int) -> Callable[[str], tuple[str, ...]]:
    def resolve(host: str) -> tuple[str, ...]:
        raise socket.gaierror(code, f"about {host}")

    return resolve


def _never(place: Place) -> Callable[[str], tuple[str, ...]]:
    released = threading.Event()
    place.undo.callback(released.set)

    def resolve(_: str) -> tuple[str, ...]:
        released.wait(20)
        return ()

    return resolve


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def full_backlog(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port whose queue of connections is full: Linux drops what more comes, as a firewall does."""
    with ExitStack() as kept, socket.create_server((host, port), backlog=0) as listener:
        place = listener.getsockname()
        for _ in range(3):
            filler = kept.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(place)
        yield place[1]


def _unanswered(place: Place) -> tuple[str, Connect, Licence | None]:
    port = place.undo.enter_context(full_backlog())
    return f"https://127.0.0.1:{port}", place.through(Route()), None


def _missing(place: Place) -> tuple[str, Connect, Licence | None]:
    return place.address, place.through(Route(ca_file=place.folder / "nothing.pem")), None


def _nonsense(place: Place) -> tuple[str, Connect, Licence | None]:
    file = place.folder / "nonsense.pem"
    file.write_text("bonjour")
    return place.address, place.through(Route(ca_file=file)), None


def _hang_up(_: socket.socket) -> None:
    """Accept, and close at once."""


def _onward(place: Place) -> tuple[str, Connect, Licence | None]:
    raw = place.serve(says(page("301 Moved", b"", "Location: https://localhost/")))
    return raw.address, place.through(Route()), None


def _cut(place: Place) -> tuple[str, Connect, Licence | None]:
    def reset(connection: socket.socket) -> None:
        request_of(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return place.serve(reset).address, place.through(Route()), None


def _dribble(place: Place) -> tuple[str, Connect, Licence | None]:
    over = threading.Event()
    place.undo.callback(over.set)

    def drip(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        for _ in count():
            if over.wait(0.1):
                return
            connection.sendall(b"x")

    return place.serve(drip).address, place.through(Route()), None


ARRANGEMENTS: dict[str, Arrangement] = {
    "address-malformed": lambda place: ("https://impot emploi.example", place.through(Route()), None),
    "address-in-clear": lambda place: (
        "http://serveur.example",
        place.through(Route()),
        licence_of(place.world),
    ),
    "no-network": lambda place: place.named(_failing(socket.EAI_AGAIN), online=False),
    "name-unknown": lambda place: place.named(_failing(socket.EAI_NONAME)),
    "name-without-address": lambda place: place.named(lambda _: ()),
    "name-server-silent": lambda place: place.named(_never(place)),
    "name-server-failing": lambda place: place.named(_failing(socket.EAI_AGAIN)),
    "unanswered": _unanswered,
    "proxy-stopped": lambda place: place.by_proxy(f"http://127.0.0.1:{_closed_port()}"),
    "proxy-unknown": lambda place: (
        place.address,
        lambda _: Client(
            Route(parse("http://mandataire.example:3128")),
            resolve=_failing(socket.EAI_NONAME),
            online=lambda: True,
        ),
        None,
    ),
    "proxy-silent": lambda place: place.by_proxy(place.serve(silent).address),
    "proxy-closes": lambda place: place.by_proxy(place.serve(_hang_up).address),
    "proxy-over-https": lambda place: place.by_proxy("https://localhost:3128"),
    "proxy-password": lambda place: place.by_proxy(
        place.serve(proxy(page("407 Proxy Authentication Required"))).address
    ),
    "proxy-forbids": lambda place: place.by_proxy(
        place.serve(proxy(page("403 Forbidden by policy"))).address
    ),
    "proxy-fails": lambda place: place.by_proxy(place.serve(proxy(page("503 DNS lookup failed"))).address),
    "ca-file-missing": _missing,
    "ca-file-nonsense": _nonsense,
    "https-expected": lambda place: (
        # the words of nginx
        place.serve(says(page("400 Bad Request", b"The plain HTTP request was sent to HTTPS port"))).address,
        place.through(Route()),
        None,
    ),
    "https-alert": lambda place: (
        # OpenSSL's alert: unexpected message
        place.serve(says(b"\x15\x03\x01\x00\x02\x02\x0a")).address,
        place.through(Route()),
        None,
    ),
    "http-to-https": _onward,
    "cut-in-clear": _cut,
    "wrong-path": lambda place: (
        place.address + "/realms/faux",
        place.through(Route(ca_file=place.world.ca_file)),
        None,
    ),
    "dribble": _dribble,
}


# a full queue of connections drops the next only on Linux; Wine sometimes shows a reset as an orderly end
ONLY_LINUX = ("unanswered", "cut-in-clear")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.linux if name in ONLY_LINUX else ()) for name in BEYOND],
)
def test_fault_beyond_the_servers(name: str, world: World, serve: Serve, tmp_path: Path) -> None:
    with ExitStack() as undo:
        text, connect, licence = ARRANGEMENTS[name](Place(world, serve, tmp_path, undo))
        report = find(Server.AUTHENTICATION, text, connect, licence, 1.0 if name == "dribble" else 12.0)
        assert_found(report, BEYOND[name][1])


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run: python -m tests.services.fault_table"
