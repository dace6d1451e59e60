"""The agent's local API: one JSON object per message, over a wire on this PC.

The host makes the wires: a named pipe on Windows, a socket file on Linux. Both ends prove that they know the key in a file
that only the user can read (``domain/channel_proof.py``), and so does each message. ``docs/channel.md`` lists the messages.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

from .domain import refusals
from .domain.channel_proof import AGENT, CLIENT, CODE, NONCE, VERSION, Encounter, ImpostorError
from .domain.refusals import Refusal, RefusedError
from .domain.repetitions import Repetitions

if TYPE_CHECKING:
    from .domain.documents import AgentStatusDocument, ReplyDocument, RequestDocument
    from .domain.wires import Wire, WireListener

SCHEMA = 1
LARGEST = 65_536
HANDSHAKE_SECONDS = 2.0
"""How long both proofs may take together."""
MESSAGE_SECONDS = 5.0
"""How long a proved client may take for its request, and to take a message."""
ARRIVING = 16
"""Connections without a proof at one time; for one more the oldest is closed."""
CLIENTS = 64
"""Proved clients at one time; one more is told that the agent is busy."""
WATCHERS = 32
"""More watching clients than this are turned away: a dialog or two is usual."""
CLOSE_SECONDS = 0.5
"""Longest wait at the end for answers under way."""
LOG_SECONDS = 60.0
"""Between two lines of the log about clients that came to nothing."""

log = logging.getLogger("iea_agent.channel")

Document = Mapping[str, object]


class ChannelError(Exception):
    """What came is not a message of this channel."""


FAILURES = (OSError, EOFError, ChannelError, ImpostorError)
"""What ends a conversation."""


@dataclass(frozen=True)
class Place:
    """Where an agent listens, and the key of its session."""

    address: str
    key: bytes


Connect = Callable[[str, float], "Wire"]
"""Connects to an address within some seconds. Raises ``OSError``."""


def parse_message(content: bytes) -> Document:
    """Return the message in *content*. Raises ``ChannelError``."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ChannelError("not a message") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ChannelError("not a message of this schema")
    return document


class Conversation:
    """The messages between two ends that have proved themselves."""

    def __init__(self, wire: Wire, encounter: Encounter, own: bytes, other: bytes) -> None:
        """*own* and *other* are the names of the two ends."""
        self._wire = wire
        self._encounter = encounter
        self._own, self._other = own, other
        self._sent = self._received = 0

    def send(self, document: Document, seconds: float = MESSAGE_SECONDS) -> None:
        """Send *document*. Raises ``OSError``."""
        # plain ASCII: half a character, which UTF-8 cannot hold, passes as an escape
        content = json.dumps({"schema": SCHEMA, **document}).encode()
        self._wire.send(self._encounter.seal(self._own, self._sent, content), seconds)
        self._sent += 1

    def receive(self, seconds: float | None = MESSAGE_SECONDS) -> Document:
        """Return the next message.

        Raises ``EOFError``, ``OSError``, ``ChannelError``, ``ImpostorError``.
        """
        message = self._wire.receive(LARGEST + CODE, seconds)
        content = self._encounter.unseal(self._other, self._received, message)
        self._received += 1
        return parse_message(content)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close this end of the wire."""
        self._wire.close()

    def wait_for_end(self, seconds: float) -> None:
        """Wait until the other end has closed, or says something, or *seconds* are over."""
        try:
            self._wire.receive(1, seconds)
        except (OSError, EOFError):
            return


def meet_client(wire: Wire, place: Place) -> Conversation:
    """Prove the agent to the client on *wire*, and let it prove itself.

    Raises ``EOFError``, ``OSError``, ``ImpostorError``.
    """
    deadline = time.monotonic() + HANDSHAKE_SECONDS
    hello = wire.receive(len(VERSION) + NONCE, HANDSHAKE_SECONDS)
    if len(hello) != len(VERSION) + NONCE or not hello.startswith(VERSION):
        raise ImpostorError("another version")
    encounter = Encounter(place.key, place.address, os.urandom(NONCE), hello[len(VERSION) :])
    wire.send(encounter.agent_nonce + encounter.prove(AGENT), _left(deadline))
    encounter.check_proof(CLIENT, wire.receive(CODE, _left(deadline)))
    return Conversation(wire, encounter, AGENT, CLIENT)


def meet_agent(wire: Wire, place: Place, seconds: float = HANDSHAKE_SECONDS) -> Conversation:
    """Let the agent on *wire* prove itself, and prove this client to it after that.

    Raises ``EOFError``, ``OSError``, ``ImpostorError``.
    """
    deadline = time.monotonic() + min(seconds, HANDSHAKE_SECONDS)
    nonce = os.urandom(NONCE)
    wire.send(VERSION + nonce, _left(deadline))
    answer = wire.receive(NONCE + CODE, _left(deadline))
    encounter = Encounter(place.key, place.address, answer[:NONCE], nonce)
    encounter.check_proof(AGENT, answer[NONCE:])
    wire.send(encounter.prove(CLIENT), _left(deadline))
    return Conversation(wire, encounter, CLIENT, AGENT)


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


def refuse(refusal: Refusal) -> ReplyDocument:
    """Return the reply that carries *refusal*."""
    return {"ok": False, "refusal": refusals.to_document(refusal)}


class ChannelServer:
    """Calls *answer* for each request, on the client's thread, and serves watchers.

    *answered* is called with the request once its client has the answer, or has left.
    """

    def __init__(
        self,
        listener: WireListener,
        key: bytes,
        answer: Callable[[Document], Document],
        answered: Callable[[Document], None] = lambda _request: None,
    ) -> None:
        """Raises ``OSError`` if no thread can be started; *listener* is then closed."""
        self._listener = listener
        self._place = Place(listener.address, key)
        self._answer = answer
        self._answered = answered
        self._lock = threading.Lock()
        # in the order of their arrival
        self._arriving: dict[threading.Thread, Wire] = {}
        self._clients: set[threading.Thread] = set()
        self._watchers: dict[queue.SimpleQueue[Document | None], Wire] = {}
        self._latest: Document = {}
        self._closed = False
        self._repetitions = Repetitions(LOG_SECONDS)
        self._acceptor = threading.Thread(target=self._accept, name="channel", daemon=True)
        try:
            self._acceptor.start()
        except RuntimeError as error:
            listener.close()
            raise OSError("no thread for the channel") from error

    def is_reachable(self) -> bool:
        """Return whether clients can find this channel and are accepted."""
        return self._acceptor.is_alive() and self._listener.is_reachable()

    def publish(self, status: Document) -> None:
        """Send *status* to every watcher, now and to those who come later."""
        with self._lock:
            self._latest = status
            for statuses in self._watchers:
                statuses.put(status)

    def close(self) -> None:
        """Stop listening, and wait a moment for the answers that are under way."""
        self._closed = True
        self._listener.close()
        with self._lock:
            arriving, clients = list(self._arriving.values()), list(self._clients)
            for statuses in self._watchers:
                statuses.put(None)
        for wire in arriving:
            wire.abort()
        deadline = time.monotonic() + CLOSE_SECONDS
        for client in clients:
            client.join(_left(deadline))

    def _accept(self) -> None:
        while not self._closed:
            try:
                self._admit(self._listener.accept())
            except Exception as error:  # noqa: BLE001 whatever it is, later clients are accepted
                if self._closed:
                    return
                self._note("accept failed", error)
                # an error that lasts must not keep a processor busy
                time.sleep(1)

    def _admit(self, wire: Wire) -> None:
        """Serve *wire* on a thread of its own."""
        self._make_room()
        client = threading.Thread(target=self._serve, args=(wire,), name="channel-client", daemon=True)
        with self._lock:
            self._arriving[client] = wire
        try:
            client.start()
        except BaseException:
            # RuntimeError: the system has no thread now, and it may have one for the next client
            with self._lock:
                del self._arriving[client]
            wire.close()
            raise

    def _make_room(self) -> None:
        """Close the connections that wait longest for a proof: a client needs no time."""
        with self._lock:
            oldest = list(self._arriving.items())[: len(self._arriving) - ARRIVING + 1]
        for client, wire in oldest:
            wire.abort()
            client.join(1)

    def _serve(self, wire: Wire) -> None:
        # the proof is on the client's own thread: a client that hangs in it delays no other
        try:
            with wire:
                conversation = meet_client(wire, self._place)
                if self._let_in(conversation):
                    self._converse(wire, conversation)
        except FAILURES as error:
            self._note("client left", error)
        except Exception:
            log.exception("client failed")
        finally:
            with self._lock:
                self._arriving.pop(threading.current_thread(), None)
                self._clients.discard(threading.current_thread())

    def _let_in(self, conversation: Conversation) -> bool:
        """Count the proved client in; tell it if there are too many, and return False."""
        with self._lock:
            if len(self._clients) < CLIENTS:
                del self._arriving[threading.current_thread()]
                self._clients.add(threading.current_thread())
                return True
        # it stays among those that have to make room
        conversation.send(refuse(refusals.AgentBusy()))
        conversation.wait_for_end(CLOSE_SECONDS)
        return False

    def _note(self, text: str, error: Exception) -> None:
        """Log *error*, at most once a minute: whoever connects must not fill the log."""
        with self._lock:
            others = self._repetitions.take("failure", time.monotonic())
        if others is not None:
            log.info(text, extra={"fields": {"reason": type(error).__name__, "count": others + 1}})

    def _converse(self, wire: Wire, conversation: Conversation) -> None:
        request = conversation.receive()
        if request.get("do") == "watch":
            self._serve_watcher(wire, conversation)
            return
        try:
            conversation.send(self._answer(request))
            # the client closes when it has read the answer
            conversation.wait_for_end(CLOSE_SECONDS)
        finally:
            self._answered(request)

    def _serve_watcher(self, wire: Wire, conversation: Conversation) -> None:
        statuses: queue.SimpleQueue[Document | None] = queue.SimpleQueue()
        if not self._add_watcher(statuses, wire):
            conversation.send(refuse(refusals.TooManyWatchers()))
            conversation.wait_for_end(CLOSE_SECONDS)
            return
        try:
            while (status := statuses.get()) is not None:
                conversation.send({"ok": True, "status": status})
        finally:
            with self._lock:
                del self._watchers[statuses]

    def _add_watcher(self, statuses: queue.SimpleQueue[Document | None], wire: Wire) -> bool:
        """Return whether *statuses* may be watched; forgets watchers that have left."""
        with self._lock:
            if len(self._watchers) >= WATCHERS:
                left = [each for each, other in self._watchers.items() if other.has_left()]
                for each in left:
                    each.put(None)
                if len(self._watchers) - len(left) >= WATCHERS:
                    return False
            self._watchers[statuses] = wire
            if self._latest:
                statuses.put(self._latest)
        return True


def _unreachable(error: Exception) -> RefusedError:
    if isinstance(error, TimeoutError):
        return RefusedError(refusals.AgentTimedOut())
    if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
        return RefusedError(refusals.AgentNotRunning())
    return RefusedError(refusals.AgentUnreachable(type(error).__name__))


def _checked(reply: ReplyDocument) -> ReplyDocument:
    """Return *reply*. Raises ``RefusedError`` if it is a refusal."""
    if reply.get("ok"):
        return reply
    raise RefusedError(refusals.parse_refusal(reply.get("refusal")))


def reach(connect: Connect, place: Place, seconds: float) -> Conversation:
    """Return a conversation with the agent at *place*. Raises ``RefusedError``."""
    deadline = time.monotonic() + seconds
    try:
        wire = connect(place.address, seconds)
        try:
            return meet_agent(wire, place, _left(deadline))
        except BaseException:
            wire.close()
            raise
    except FAILURES as error:
        raise _unreachable(error) from error


def ask(conversation: Conversation, request: RequestDocument, timeout: float = 5.0) -> ReplyDocument:
    """Return the answer to *request* within *timeout* seconds, and close.

    Raises ``RefusedError``.
    """
    deadline = time.monotonic() + timeout
    with conversation:
        try:
            conversation.send(request, timeout)
            reply = conversation.receive(_left(deadline))
        except FAILURES as error:
            raise _unreachable(error) from error
    return _checked(cast("ReplyDocument", reply))


def watch(conversation: Conversation) -> Iterator[AgentStatusDocument]:
    """Ask for the agent's status now and at each change until it ends; return them.

    Raises ``RefusedError``, now or at a change.
    """
    try:
        conversation.send({"do": "watch"})
    except OSError as error:
        conversation.close()
        raise _unreachable(error) from error
    return _watch(conversation)


def _watch(conversation: Conversation) -> Iterator[AgentStatusDocument]:
    with conversation:
        while True:
            try:
                message = conversation.receive(None)
            except (EOFError, OSError):
                return
            except FAILURES as error:
                raise _unreachable(error) from error
            reply = _checked(cast("ReplyDocument", message))
            if not isinstance(reply.get("status"), dict):
                raise _unreachable(ChannelError("no status"))
            yield reply["status"]
