"""The channel under rubbish: of strangers, of proved clients, and of agents.

Over the real wire of this system. Whatever one end says, the other ends in a documented way, soon, in little memory, and the next client is answered.
A longer run: `IEA_FUZZ=5000 python -m pytest tests/test_channel_fuzz.py -q`.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iea_agent import channel
from iea_agent.channel import ChannelServer, Place
from iea_agent.domain import refusals
from iea_agent.domain.channel_proof import AGENT, CLIENT, CODE, NONCE, VERSION, Encounter, ImpostorError
from iea_agent.domain.machine import State
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.wires import Wire, WireListener
from iea_agent.host import current_wires
from tests.budget import examples
from tests.covered import cover, covers
from tests.test_channel import SECONDS, ask, count_threads, meet

wires = current_wires()

ANY = st.text(st.characters(exclude_categories=()), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3), max_leaves=6
)
NAMES = ("schema", "do", "ok", "status", "refusal", "code", "password", "wait", "state")
DOCUMENTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5).map(
    lambda document: {"schema": channel.SCHEMA, **document}
)
CONTENTS = st.one_of(
    DOCUMENTS.map(lambda document: json.dumps(document).encode()),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"[" * 60_000,
            b'{"schema":1,"do":' * 3000,
            b'{"schema":1,"do":"' + b"x" * 65_000 + b'"}',
            b"1" * 60_000,
            b"x" * 70_000,
            b'{"schema":1,"do":"\xff"}',
            b'{"schema":1,"do":"\\ud800"}',
            b"",
        ]
    ),
)
RAW = st.one_of(
    st.binary(min_size=1, max_size=80),
    st.sampled_from([VERSION, VERSION + b"n" * (NONCE + 1), b"\0" * (NONCE + CODE), b"x" * 70_000]),
)


class Session(NamedTuple):
    """What a client does: how far it proves itself, and what it says then.

    *proof*: 0 says anything at all, 1 gives the right greeting and a wrong proof, 2 proves itself. Each message is sealed as by *role* with its number
    plus *ahead*, or is not sealed if *role* is empty.
    """

    proof: int
    raw: bytes
    contents: tuple[bytes, ...]
    role: bytes
    ahead: int


SESSIONS = st.builds(
    Session,
    st.sampled_from([0, 1, 2, 2, 2]),
    RAW,
    st.lists(CONTENTS, min_size=1, max_size=3).map(tuple),
    st.sampled_from([CLIENT, CLIENT, CLIENT, AGENT, b""]),
    st.sampled_from([0, 0, 0, 0, 1, 2**40]),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder: Path = tmp_path_factory.mktemp("channel")
    return Place(wires.name_channel(folder, f"7-{uuid.uuid4().hex}"), b"k" * 32)


def answer(request: channel.Document) -> channel.Document:
    """What an agent may answer, by what is asked."""
    if request.get("do") == "refuse":
        return {"ok": False, "refusal": refusals.to_document(refusals.NotNow("launch", State.CONNECTING))}
    return {"ok": True, "echo": request.get("do")}


@pytest.fixture(scope="module")
def server(place: Place) -> Iterator[ChannelServer]:
    server = ChannelServer(wires.listen(place.address), place.key, answer)
    server.publish({"state": "connected"})
    yield server
    server.close()


def play(session: Session, place: Place) -> None:
    """Do what *session* says, and note what the agent made of it."""
    with wires.connect(place.address, SECONDS) as wire:
        if session.proof < 2:
            if session.proof == 1:
                wire.send(VERSION + os.urandom(NONCE), SECONDS)
                wire.receive(NONCE + CODE, SECONDS)
            wire.send(session.raw, SECONDS)
            # a proof of the right length may be one: it is waited for
            cover("stranger")
            return
        encounter = meet(wire, place)
        for number, content in enumerate(session.contents):
            message = (
                encounter.seal(session.role, number + session.ahead, content) if session.role else content
            )
            wire.send(message or b"\0", SECONDS)
        reply = channel.parse_message(
            encounter.unseal(AGENT, 0, wire.receive(channel.LARGEST + CODE, SECONDS))
        )
        assert isinstance(reply["ok"], bool)
        cover("answered")


@covers("stranger", "answered", "turned away")
@examples(120)
@example(Session(2, b"x", (b'{"schema": 1, "do": "watch"}',), CLIENT, 0))
@example(Session(2, b"x", (b'{"schema": 1, "do": "status"}',) * 3, CLIENT, 0))
@example(Session(2, b"x", (b"[]",), CLIENT, 0))
@given(SESSIONS)
def test_any_session_ends_and_the_next_client_is_answered(
    place: Place, server: ChannelServer, session: Session
) -> None:
    try:
        play(session, place)
    except (OSError, EOFError):
        cover("turned away")
    assert ask(place, "status")["ok"]
    assert server.is_reachable()
    assert count_threads() <= channel.ARRIVING + 2


class Impostor:
    """An agent that proves itself, if it is to, and then sends *contents*."""

    def __init__(self, listener: WireListener, place: Place) -> None:
        self.listener = listener
        self.place = place
        self.session = Session(0, b"", (), AGENT, 0)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                wire = self.listener.accept()
            except OSError:
                return
            with wire, suppress(OSError, EOFError, ImpostorError):
                self._speak(wire)

    def _speak(self, wire: Wire) -> None:
        session = self.session
        hello = wire.receive(len(VERSION) + NONCE, SECONDS)
        if session.proof < 2:
            wire.send(session.raw, SECONDS)
            return
        encounter = Encounter(self.place.key, self.place.address, os.urandom(NONCE), hello[len(VERSION) :])
        wire.send(encounter.agent_nonce + encounter.prove(AGENT), SECONDS)
        encounter.check_proof(CLIENT, wire.receive(CODE, SECONDS))
        for number, content in enumerate(session.contents):
            message = (
                encounter.seal(session.role, number + session.ahead, content) if session.role else content
            )
            wire.send(message or b"\0", SECONDS)
        # the client has its answer before this end closes
        wire.receive(channel.LARGEST + CODE, SECONDS)


@pytest.fixture(scope="module")
def impostor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Impostor]:
    folder: Path = tmp_path_factory.mktemp("impostor")
    place = Place(wires.name_channel(folder, f"8-{uuid.uuid4().hex}"), b"i" * 32)
    impostor = Impostor(wires.listen(place.address), place)
    yield impostor
    impostor.listener.close()


REPLIES = SESSIONS.map(
    lambda session: session._replace(role=AGENT if session.role == CLIENT else session.role)
)


@covers("answered", "refused", "watched")
@examples(120)
@example(Session(2, b"x", (b'{"schema": 1, "ok": true}',), AGENT, 0))
@example(Session(2, b"x", (b'{"schema": 1, "ok": true, "status": {}}',), AGENT, 0))
@example(Session(2, b"x", (b'{"schema": 1, "ok": false, "refusal": {"code": []}}',), AGENT, 0))
@example(Session(1, b"x", (), AGENT, 0))
@given(REPLIES)
def test_any_agent_is_believed_or_refused_by_a_client(impostor: Impostor, session: Session) -> None:
    impostor.session = session
    try:
        channel.ask(
            channel.reach(wires.connect, impostor.place, SECONDS), cast("Any", {"do": "status"}), SECONDS
        )
        cover("answered")
    except RefusedError:
        cover("refused")
    try:
        for _ in channel.watch(channel.reach(wires.connect, impostor.place, SECONDS)):
            cover("watched")
            break
    except RefusedError:
        cover("refused")
