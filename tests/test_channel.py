"""The local channel: clients with the key are answered, and none delays another."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from iea_agent import channel
from iea_agent.channel import ChannelServer, Place
from iea_agent.domain import refusals
from iea_agent.domain.channel_proof import AGENT, CLIENT, CODE, NONCE, VERSION, Encounter, ImpostorError
from iea_agent.domain.machine import State
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.wires import Wire
from iea_agent.host import current_wires

KEY = b"k" * 32
SECONDS = 30.0

wires = current_wires()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(wires.name_channel(tmp_path, f"7-{uuid.uuid4().hex}"), KEY)


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def serve(
    place: Place,
    running: ExitStack,
    answer: Callable[[channel.Document], channel.Document],
    answered: Callable[[channel.Document], None] = lambda _request: None,
) -> ChannelServer:
    """Serve at *place* until the test ends."""
    server = ChannelServer(wires.listen(place.address), place.key, answer, answered)
    running.callback(server.close)
    return server


@pytest.fixture
def server(place: Place, running: ExitStack) -> ChannelServer:
    def answer(request: channel.Document) -> channel.Document:
        if request["do"] == "refuse":
            refusal = refusals.NotNow("launch", State.CONNECTING)
            return {"ok": False, "refusal": refusals.to_document(refusal)}
        if request["do"] == "hang":
            threading.Event().wait(5)
        return {"ok": True, "echo": request["do"]}

    server = serve(place, running, answer)
    server.publish({"state": "connecting"})
    return server


def ask(place: Place, do: str, timeout: float = SECONDS) -> Mapping[str, object]:
    """Return the answer to *do*."""
    conversation = channel.reach(wires.connect, place, timeout)
    return channel.ask(conversation, cast("Any", {"do": do}), timeout)


def connect(place: Place, running: ExitStack) -> Wire:
    """Return a wire to *place* without a proof."""
    wire = wires.connect(place.address, SECONDS)
    running.callback(wire.close)
    return wire


def meet(wire: Wire, place: Place) -> Encounter:
    """Do what ``docs/channel.md`` says of the proofs, as a program of anybody's would."""
    nonce = os.urandom(NONCE)
    wire.send(VERSION + nonce, SECONDS)
    answer = wire.receive(NONCE + CODE, SECONDS)
    encounter = Encounter(place.key, place.address, answer[:NONCE], nonce)
    encounter.check_proof(AGENT, answer[NONCE:])
    wire.send(encounter.prove(CLIENT), SECONDS)
    return encounter


def watch(place: Place) -> Generator[Mapping[str, object], None, None]:
    """Yield what *place* publishes, at once."""
    statuses = channel.watch(channel.reach(wires.connect, place, SECONDS))
    return cast("Generator[Mapping[str, object], None, None]", statuses)


@pytest.mark.usefixtures("server")
def test_a_request_is_answered(place: Place) -> None:
    answer = ask(place, "status")

    assert answer == {"schema": 1, "ok": True, "echo": "status"}


def test_the_answer_is_with_the_client_before_anything_else_happens(place: Place, running: ExitStack) -> None:
    """What ends the agent waits until then: its end would take the answer away."""
    ended: queue.SimpleQueue[tuple[object, bool]] = queue.SimpleQueue()
    received = threading.Event()

    def answered(request: channel.Document) -> None:
        # before the answer has been sent, this would wait in vain
        ended.put((request["do"], received.wait(5)))

    serve(place, running, lambda _request: {"ok": True}, answered)
    assert ask(place, "status")["ok"]
    received.set()
    assert ended.get(timeout=10) == ("status", True)


def test_a_client_that_leaves_without_its_answer_ends_the_exchange_all_the_same(
    place: Place, running: ExitStack
) -> None:
    ended: queue.SimpleQueue[object] = queue.SimpleQueue()
    left = threading.Event()

    def answer(_request: channel.Document) -> channel.Document:
        assert left.wait(5)
        return {"ok": True}

    serve(place, running, answer, lambda request: ended.put(request["do"]))
    conversation = channel.reach(wires.connect, place, SECONDS)
    with pytest.raises(RefusedError):
        channel.ask(conversation, {"do": "status"}, 0.1)
    left.set()
    assert ended.get(timeout=5) == "status"


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("text", ["é€\u2028", "\udcff", "\x00\x1b"])
def test_any_text_passes(place: Place, text: str) -> None:
    assert ask(place, text)["echo"] == text


@pytest.mark.usefixtures("server")
def test_a_refusal_comes_with_its_reason(place: Place) -> None:
    with pytest.raises(RefusedError) as caught:
        ask(place, "refuse")
    assert caught.value.refusal == refusals.NotNow("launch", State.CONNECTING)


@pytest.mark.usefixtures("server")
def test_a_wrong_key_is_turned_away(place: Place) -> None:
    with pytest.raises(RefusedError) as caught:
        ask(Place(place.address, b"x" * 32), "status")
    assert caught.value.refusal == refusals.AgentUnreachable("ImpostorError")


def test_without_an_agent_it_is_said(place: Place) -> None:
    with pytest.raises(RefusedError) as caught:
        ask(place, "status")
    assert caught.value.refusal == refusals.AgentNotRunning()


@pytest.mark.usefixtures("server")
def test_an_agent_that_hangs_is_given_up(place: Place) -> None:
    conversation = channel.reach(wires.connect, place, SECONDS)
    with pytest.raises(RefusedError) as caught:
        channel.ask(conversation, cast("Any", {"do": "hang"}), 0.2)
    assert caught.value.refusal == refusals.AgentTimedOut()


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04\x95",
        b"[]",
        b'{"do": "status"}',
        b'{"schema": 2, "do": "status"}',
        b"[" * 60_000,
        b"x" * 100_000,
    ],
)
def test_what_is_not_a_message_ends_the_conversation(
    place: Place, running: ExitStack, content: bytes
) -> None:
    wire = connect(place, running)
    encounter = meet(wire, place)
    wire.send(encounter.seal(CLIENT, 0, content), SECONDS)

    with pytest.raises((EOFError, OSError)):
        wire.receive(1000, SECONDS)
    assert ask(place, "status")["ok"]


def test_a_watcher_hears_nothing_before_there_is_a_status(place: Place, running: ExitStack) -> None:
    server = serve(place, running, lambda _request: {"ok": True})
    statuses = watch(place)
    # whoever asks is served after the watcher has been
    assert ask(place, "status")["ok"]
    server.publish({"state": "connected"})
    assert next(statuses) == {"state": "connected"}


def test_watchers_hear_every_change(place: Place, server: ChannelServer) -> None:
    heard: queue.SimpleQueue[Mapping[str, object]] = queue.SimpleQueue()

    def listen() -> None:
        for status in watch(place):
            heard.put(status)

    threading.Thread(target=listen, daemon=True).start()
    assert heard.get(timeout=5) == {"state": "connecting"}

    server.publish({"state": "connected"})
    server.publish({"state": "disconnected"})

    assert heard.get(timeout=5) == {"state": "connected"}
    assert heard.get(timeout=5) == {"state": "disconnected"}


class TestFlood:
    """Connections that prove nothing, and more clients than anybody needs."""

    def test_hundreds_without_a_proof_hold_up_nobody(
        self, place: Place, running: ExitStack, server: ChannelServer
    ) -> None:
        wires = [connect(place, running) for _ in range(200)]

        assert ask(place, "status", timeout=5)["ok"]
        assert count_threads() <= channel.ARRIVING
        for wire in wires:
            # each is closed after two seconds, or when a later one needs its place
            with pytest.raises((EOFError, OSError)):
                wire.receive(1000, 4 * channel.HANDSHAKE_SECONDS)
        assert server.is_reachable()

    @pytest.mark.usefixtures("server")
    @pytest.mark.parametrize(
        "hello", [b"\0", VERSION, b"x" * 100_000, VERSION + b"n" * (NONCE + 1), b"#CHALLENGE#" + b"n" * 20]
    )
    def test_rubbish_is_closed(self, place: Place, running: ExitStack, hello: bytes) -> None:
        wire = connect(place, running)
        with suppress(OSError):
            # a pipe may be closed before it has taken all
            wire.send(hello, SECONDS)
        with pytest.raises((EOFError, OSError)):
            wire.receive(1000, SECONDS)

    def test_proved_clients_are_counted_and_the_next_is_told(self, place: Place, running: ExitStack) -> None:
        over, inside = threading.Event(), threading.Semaphore(0)

        def answer(_request: channel.Document) -> channel.Document:
            inside.release()
            over.wait(SECONDS)
            return {"ok": True}

        serve(place, running, answer)
        running.callback(over.set)
        for _ in range(channel.CLIENTS):
            wire = connect(place, running)
            encounter = meet(wire, place)
            wire.send(encounter.seal(CLIENT, 0, b'{"schema": 1, "do": "status"}'), SECONDS)
            assert inside.acquire(timeout=SECONDS)

        with pytest.raises(RefusedError) as caught:
            ask(place, "status")
        assert caught.value.refusal == refusals.AgentBusy()
        over.set()
        while count_threads() > 2:
            threading.Event().wait(0.01)
        assert ask(place, "status")["ok"]

    def test_watchers_that_have_left_take_no_place(
        self, place: Place, running: ExitStack, server: ChannelServer
    ) -> None:
        for _ in range(channel.WATCHERS):
            statuses = watch(place)
            next(statuses)
            statuses.close()
        # nothing was published that would have shown it
        there = [watch(place) for _ in range(channel.WATCHERS)]
        assert all(next(statuses) == {"state": "connecting"} for statuses in there)
        with pytest.raises(RefusedError) as caught:
            next(watch(place))
        assert caught.value.refusal == refusals.TooManyWatchers()
        assert server.is_reachable()
        running.close()
        assert all(next(statuses, None) is None for statuses in there)

    @pytest.mark.linux  # a thread of any size starts on Windows
    def test_a_thread_that_cannot_start_ends_nothing(
        self, place: Place, running: ExitStack, server: ChannelServer
    ) -> None:
        with no_threads():
            wire = connect(place, running)
            with pytest.raises((EOFError, OSError)):
                wire.receive(1000, SECONDS)
        assert ask(place, "status")["ok"]
        assert server.is_reachable()
        other = Place(place.address.replace(".socket", "0.socket"), KEY)
        listener = wires.listen(other.address)
        with no_threads(), pytest.raises(OSError, match="no thread"):
            ChannelServer(listener, KEY, lambda _request: {"ok": True})
        with pytest.raises(RefusedError) as caught:
            ask(other, "status")
        assert caught.value.refusal == refusals.AgentNotRunning(), "it does not listen any more"


def count_threads() -> int:
    """Return how many threads serve clients."""
    return sum(thread.name == "channel-client" for thread in threading.enumerate())


@contextmanager
def no_threads() -> Iterator[None]:
    """Let no thread start during the block: no memory has room for its stack."""
    before = threading.stack_size(2**46)
    try:
        yield
    finally:
        threading.stack_size(before)


class Squatter:
    """Listens where clients look for the agent, and does not know the key."""

    def __init__(self, place: Place, running: ExitStack) -> None:
        self._listener = wires.listen(place.address)
        running.callback(self._listener.close)
        self._running = running

    def accept(self) -> Wire:
        wire = self._listener.accept()
        self._running.callback(wire.close)
        return wire


def reach(place: Place, running: ExitStack) -> Future[channel.Conversation]:
    """Let a client look for the agent at *place*, on a thread of its own."""
    pool = ThreadPoolExecutor(1)
    running.callback(pool.shutdown)
    return pool.submit(channel.reach, wires.connect, place, SECONDS)


class TestSquatter:
    """Whoever listens in the agent's place learns nothing and passes as nobody."""

    def test_what_a_client_says_proves_nothing_to_another_client(
        self, place: Place, running: ExitStack
    ) -> None:
        squatter = Squatter(place, running)
        clients = [reach(place, running) for _ in range(2)]
        wires = [squatter.accept() for _ in clients]
        hellos = [wire.receive(1000, SECONDS) for wire in wires]
        # each client's own words come back to the other one, as far as they go
        for wire, hello in zip(wires, reversed(hellos), strict=True):
            nonce = hello[len(VERSION) :]
            wire.send(nonce + nonce[:CODE], SECONDS)
        for client in clients:
            with pytest.raises(RefusedError) as caught:
                client.result(SECONDS)
            assert caught.value.refusal == refusals.AgentUnreachable("ImpostorError")
        for wire in wires:
            with pytest.raises(EOFError):
                wire.receive(1000, SECONDS)

    def test_a_client_waits_two_seconds_for_the_proof(self, place: Place, running: ExitStack) -> None:
        squatter = Squatter(place, running)
        client = reach(place, running)
        wire = squatter.accept()
        wire.receive(1000, SECONDS)
        with pytest.raises(RefusedError) as caught:
            client.result(4 * channel.HANDSHAKE_SECONDS)
        assert caught.value.refusal == refusals.AgentTimedOut()

    @pytest.mark.usefixtures("server")
    def test_a_proof_counts_at_its_own_address_and_for_its_own_nonces(
        self, place: Place, tmp_path: Path, running: ExitStack
    ) -> None:
        true = connect(place, running)
        true.send(VERSION + b"1" * NONCE, SECONDS)
        answer = true.receive(1000, SECONDS)
        genuine = Encounter(KEY, place.address, answer[:NONCE], b"1" * NONCE)
        genuine.check_proof(AGENT, answer[NONCE:])
        for other in (
            replace(genuine, address=wires.name_channel(tmp_path, "7-other")),
            replace(genuine, client_nonce=b"2" * NONCE),
            replace(genuine, agent_nonce=b"2" * NONCE),
            replace(genuine, key=b"x" * 32),
        ):
            with pytest.raises(ImpostorError):
                other.check_proof(AGENT, answer[NONCE:])
        with pytest.raises(ImpostorError):
            genuine.check_proof(CLIENT, answer[NONCE:])
        # the agent's own proof is no client's
        true.send(answer[NONCE:], SECONDS)
        with pytest.raises((EOFError, OSError)):
            true.receive(1000, SECONDS)

    @pytest.mark.parametrize("spoil", ["change", "repeat", "turn round"])
    def test_whoever_stands_between_can_change_nothing(
        self, place: Place, running: ExitStack, spoil: str
    ) -> None:
        asked: list[object] = []

        def answer(request: channel.Document) -> channel.Document:
            asked.append(request["do"])
            return {"ok": True}

        serve(place, running, answer)
        wire = connect(place, running)
        encounter = meet(wire, place)
        message = encounter.seal(CLIENT, 0, b'{"schema": 1, "do": "status"}')
        if spoil == "change":
            wire.send(message.replace(b"status", b"reload"), SECONDS)
        elif spoil == "repeat":
            # on another connection
            wire = connect(place, running)
            meet(wire, place)
            wire.send(message, SECONDS)
        else:
            wire.send(encounter.seal(AGENT, 0, b'{"schema": 1, "do": "status"}'), SECONDS)
        with pytest.raises((EOFError, OSError)):
            wire.receive(1000, SECONDS)
        assert asked == []
        assert ask(place, "status")["ok"]


def test_the_client_of_the_page_works(tmp_path: Path, running: ExitStack) -> None:
    other = Place(wires.name_channel(tmp_path, f"8-{uuid.uuid4().hex}"), KEY)
    serve(other, running, lambda _request: {"ok": True, "status": {"state": "connected"}})
    page = (Path(__file__).parents[1] / "docs" / "channel.md").read_text(encoding="utf-8")
    script = page.partition("```python\n")[2].partition("```")[0]
    file = tmp_path / "channel-8.json"
    file.write_text(json.dumps({"address": other.address, "key": KEY.hex()}))
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("connected\n", "")
