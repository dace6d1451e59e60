"""The agent's local API: JSON over a named pipe or an abstract Unix socket.

A message is one JSON object as bytes, at most ``LARGEST`` of them, with ``"schema": 1``; nothing is pickled. Both sides prove that they know the key in
a file that only the user can read (the mutual challenge of ``multiprocessing.connection``). ``docs/channel.md`` lists the messages.
"""

from __future__ import annotations

import json
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from .domain import refusals
from .domain.refusals import Refusal, RefusedError

if TYPE_CHECKING:
    from multiprocessing.connection import _ConnectionBase

    from .domain.documents import ReplyDocument, RequestDocument, StatusDocument

    # a socket's connection on Linux, a pipe's on Windows: two classes
    Wire: TypeAlias = _ConnectionBase[Any, Any]

SCHEMA = 1
LARGEST = 65_536
WATCHERS = 32
"""More watching clients than this are turned away: a dialog or two is usual."""
CLOSE_SECONDS = 0.5
"""Longest wait at the end for answers under way."""

log = logging.getLogger("iea_agent.channel")

Document = Mapping[str, object]


class ChannelError(Exception):
    """What came is not a message of this channel."""


def address(name: str) -> str:
    """Return where the agent listens whose channel has this *name*."""
    return rf"\\.\pipe\iea-agent-{name}" if sys.platform == "win32" else f"\0iea-agent-{name}"


def family() -> str:
    """Return the kind of connection, as ``multiprocessing.connection`` calls it."""
    return "AF_PIPE" if sys.platform == "win32" else "AF_UNIX"


def _send(connection: Wire, document: Document) -> None:
    # plain ASCII: half a character, which UTF-8 cannot hold, passes as an escape
    connection.send_bytes(json.dumps({"schema": SCHEMA, **document}).encode())


def _receive(connection: Wire) -> Document:
    """Return the next message. Raises ``EOFError``, ``OSError``, ``ChannelError``."""
    try:
        document = json.loads(connection.recv_bytes(LARGEST))
    except ValueError as error:
        raise ChannelError("not a message") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ChannelError("not a message of this schema")
    return document


def refuse(refusal: Refusal) -> ReplyDocument:
    """Return the reply that carries *refusal*."""
    return {"ok": False, "refusal": refusals.to_document(refusal)}


class ChannelServer:
    """Calls *answer* for each request, on the client's thread, and serves watchers.

    *answered* is called with the request once its client has the answer, or has left.
    """

    def __init__(
        self,
        where: str,
        key: bytes,
        answer: Callable[[Document], Document],
        answered: Callable[[Document], None] = lambda _request: None,
    ) -> None:
        from multiprocessing.connection import Listener

        self._listener = Listener(where, family())
        self._key = key
        self._answer = answer
        self._answered = answered
        self._clients: set[threading.Thread] = set()
        self._watchers: dict[int, queue.SimpleQueue[Document]] = {}
        self._latest: Document = {}
        self._closed = False
        threading.Thread(target=self._accept, name="channel", daemon=True).start()

    def publish(self, status: Document) -> None:
        """Send *status* to every watcher, now and to those who come later."""
        self._latest = status
        for watcher in list(self._watchers.values()):
            watcher.put(status)

    def close(self) -> None:
        """Stop listening, and wait a moment for the answers that are under way."""
        self._closed = True
        self._listener.close()
        deadline = time.monotonic() + CLOSE_SECONDS
        for client in list(self._clients):
            client.join(max(0.0, deadline - time.monotonic()))

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection = self._listener.accept()
            except OSError as error:
                if self._closed:
                    return
                log.warning("accept failed", extra={"fields": {"error": type(error).__name__}})
                # an error that lasts must not fill the log and keep a processor busy
                time.sleep(1)
                continue
            client = threading.Thread(
                target=self._serve, args=(connection,), name="channel-client", daemon=True
            )
            self._clients.add(client)
            client.start()

    def _serve(self, connection: Wire) -> None:
        # the challenge runs in the client's own thread: a client that hangs in it delays no other
        from multiprocessing import AuthenticationError
        from multiprocessing.connection import answer_challenge, deliver_challenge

        try:
            with connection:
                deliver_challenge(connection, self._key)
                answer_challenge(connection, self._key)
                request = _receive(connection)
                if request.get("do") == "watch":
                    self._serve_watcher(connection)
                else:
                    self._serve_request(connection, request)
        except (OSError, EOFError, ChannelError, AuthenticationError) as error:
            log.info("client left", extra={"fields": {"reason": type(error).__name__}})
        finally:
            self._clients.discard(threading.current_thread())

    def _serve_request(self, connection: Wire, request: Document) -> None:
        try:
            _send(connection, self._answer(request))
            # the client closes when it has read the answer
            connection.poll(CLOSE_SECONDS)
        finally:
            self._answered(request)

    def _serve_watcher(self, connection: Wire) -> None:
        self._clients.discard(threading.current_thread())
        if len(self._watchers) >= WATCHERS:
            _send(connection, refuse(refusals.TooManyWatchers()))
            return
        statuses: queue.SimpleQueue[Document] = queue.SimpleQueue()
        if self._latest:
            statuses.put(self._latest)
        self._watchers[id(statuses)] = statuses
        try:
            while True:
                _send(connection, {"ok": True, "status": statuses.get()})
        finally:
            del self._watchers[id(statuses)]


def _connect(where: str, key: bytes) -> Wire:
    from multiprocessing import AuthenticationError
    from multiprocessing.connection import Client

    try:
        return Client(where, family(), authkey=key)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise RefusedError(refusals.AgentNotRunning()) from error
    except (OSError, EOFError, AuthenticationError) as error:
        raise _unreachable(error) from error


def _unreachable(error: Exception) -> RefusedError:
    return RefusedError(refusals.AgentUnreachable(type(error).__name__))


def _checked(reply: ReplyDocument) -> ReplyDocument:
    """Return *reply*. Raises ``RefusedError`` if it is a refusal."""
    if reply.get("ok"):
        return reply
    raise RefusedError(refusals.parse_refusal(reply.get("refusal")))


def ask(where: str, key: bytes, request: RequestDocument, timeout: float = 5.0) -> ReplyDocument:
    """Return the answer to *request*. Raises ``RefusedError``, also after *timeout* s."""
    result: queue.SimpleQueue[ReplyDocument | Exception] = queue.SimpleQueue()

    def exchange() -> None:
        try:
            with _connect(where, key) as connection:
                _send(connection, request)
                result.put(cast("ReplyDocument", _receive(connection)))
        except (OSError, EOFError, ChannelError) as error:
            result.put(_unreachable(error))
        except RefusedError as error:
            result.put(error)

    # pipes have no time-out of their own: the thread that waits is not the one that reads
    threading.Thread(target=exchange, name="channel-ask", daemon=True).start()
    try:
        answer = result.get(timeout=timeout)
    except queue.Empty:
        raise RefusedError(refusals.AgentTimedOut()) from None
    if isinstance(answer, Exception):
        raise answer
    return _checked(answer)


def watch(where: str, key: bytes) -> Iterator[StatusDocument]:
    """Connect, and return the agent's status at each change until it ends.

    Raises ``RefusedError``, now or at a change.
    """
    return _watch(_connect(where, key))


def _watch(wire: Wire) -> Iterator[StatusDocument]:
    with wire as connection:
        _send(connection, {"do": "watch"})
        while True:
            try:
                message = _receive(connection)
            except (EOFError, OSError):
                return
            except ChannelError as error:
                raise _unreachable(error) from error
            yield _checked(cast("ReplyDocument", message))["status"]
