"""The local channel: clients with the key are answered, and none delays another."""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Client

import pytest

from iea_agent import channel
from iea_agent.domain import refusals
from iea_agent.domain.machine import State
from iea_agent.domain.refusals import RefusedError

KEY = b"k" * 32


@pytest.fixture
def where() -> str:
    return channel.address(uuid.uuid4().hex)


@pytest.fixture
def server(where: str) -> Iterator[channel.ChannelServer]:
    def answer(request: channel.Document) -> channel.Document:
        if request["do"] == "refuse":
            refusal = refusals.NotNow("launch", State.CONNECTING)
            return {"ok": False, "refusal": refusals.to_document(refusal)}
        if request["do"] == "hang":
            threading.Event().wait(5)
        return {"ok": True, "echo": request["do"]}

    server = channel.ChannelServer(where, KEY, answer)
    server.publish({"state": "connecting"})
    yield server
    server.close()


@pytest.mark.usefixtures("server")
def test_a_request_is_answered(where: str) -> None:
    answer = channel.ask(where, KEY, {"do": "status"})

    assert answer == {"schema": 1, "ok": True, "echo": "status"}


def test_the_answer_is_with_the_client_before_anything_else_happens(where: str) -> None:
    """What ends the agent waits until then: its end would take the answer away."""
    ended: queue.SimpleQueue[tuple[object, bool]] = queue.SimpleQueue()
    received = threading.Event()

    def answered(request: channel.Document) -> None:
        # before the answer has been sent, this would wait in vain
        ended.put((request["do"], received.wait(5)))

    server = channel.ChannelServer(where, KEY, lambda _request: {"ok": True}, answered)
    try:
        assert channel.ask(where, KEY, {"do": "status"})["ok"]
        received.set()
        assert ended.get(timeout=10) == ("status", True)
    finally:
        server.close()


def test_a_client_that_leaves_without_its_answer_ends_the_exchange_all_the_same(where: str) -> None:
    ended: queue.SimpleQueue[object] = queue.SimpleQueue()
    left = threading.Event()

    def answer(_request: channel.Document) -> channel.Document:
        assert left.wait(5)
        return {"ok": True}

    server = channel.ChannelServer(where, KEY, answer, lambda request: ended.put(request["do"]))
    try:
        with pytest.raises(RefusedError):
            channel.ask(where, KEY, {"do": "status"}, timeout=0.1)
        left.set()
        assert ended.get(timeout=5) == "status"
    finally:
        server.close()


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("text", ["é€\u2028", "\udcff", "\x00\x1b"])
def test_any_text_passes(where: str, text: str) -> None:
    assert channel.ask(where, KEY, {"do": text})["echo"] == text  # type: ignore[typeddict-item]


@pytest.mark.usefixtures("server")
def test_a_refusal_comes_with_its_reason(where: str) -> None:
    with pytest.raises(RefusedError) as caught:
        channel.ask(where, KEY, {"do": "refuse"})
    assert caught.value.refusal == refusals.NotNow("launch", State.CONNECTING)


@pytest.mark.usefixtures("server")
def test_a_wrong_key_is_turned_away(where: str) -> None:
    with pytest.raises(RefusedError) as caught:
        channel.ask(where, b"x" * 32, {"do": "status"})
    assert isinstance(caught.value.refusal, refusals.AgentUnreachable)


def test_without_an_agent_it_is_said(where: str) -> None:
    with pytest.raises(RefusedError) as caught:
        channel.ask(where, KEY, {"do": "status"})
    assert caught.value.refusal == refusals.AgentNotRunning()


@pytest.mark.usefixtures("server")
def test_an_agent_that_hangs_is_given_up(where: str) -> None:
    with pytest.raises(RefusedError) as caught:
        channel.ask(where, KEY, {"do": "hang"}, timeout=0.2)
    assert caught.value.refusal == refusals.AgentTimedOut()


@pytest.mark.usefixtures("server")
def test_a_client_that_says_nothing_holds_up_nobody(where: str) -> None:
    with Client(where, channel.family()):  # connects and never answers the challenge
        assert channel.ask(where, KEY, {"do": "status"})["ok"]


@pytest.mark.parametrize(
    "message", [b"\x80\x04\x95", b"[]", b'{"do": "status"}', b'{"schema": 2, "do": "status"}', b"x" * 100_000]
)
@pytest.mark.usefixtures("server")
def test_what_is_not_a_message_ends_the_conversation(where: str, message: bytes) -> None:
    def exchange() -> bytes:
        with Client(where, channel.family(), authkey=KEY) as connection:
            connection.send_bytes(message)
            return connection.recv_bytes(1000)

    with pytest.raises((EOFError, OSError)):
        exchange()

    assert channel.ask(where, KEY, {"do": "status"})["ok"]


def test_a_watcher_hears_nothing_before_there_is_a_status(where: str) -> None:
    server = channel.ChannelServer(where, KEY, lambda _request: {"ok": True})
    statuses = channel.watch(where, KEY)
    heard: queue.SimpleQueue[Mapping[str, object]] = queue.SimpleQueue()
    threading.Thread(target=lambda: heard.put(next(statuses)), daemon=True).start()
    # whoever asks is served after the watcher has been
    assert channel.ask(where, KEY, {"do": "status"})["ok"]
    server.publish({"state": "connected"})
    assert heard.get(timeout=5) == {"state": "connected"}
    server.close()


def test_watchers_hear_every_change(where: str, server: channel.ChannelServer) -> None:
    heard: queue.SimpleQueue[Mapping[str, object]] = queue.SimpleQueue()

    def listen() -> None:
        for status in channel.watch(where, KEY):
            heard.put(status)

    threading.Thread(target=listen, daemon=True).start()
    assert heard.get(timeout=5) == {"state": "connecting"}

    server.publish({"state": "connected"})
    server.publish({"state": "disconnected"})

    assert heard.get(timeout=5) == {"state": "connected"}
    assert heard.get(timeout=5) == {"state": "disconnected"}
