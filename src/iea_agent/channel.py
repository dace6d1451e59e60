"""The running agent's local API: JSON lines over a named pipe (Windows) or an abstract Unix socket, for the command line and the dialogs.

A message is one JSON object as bytes, at most ``LARGEST`` of them, with ``"schema": 1``; nothing is ever pickled. Both sides prove that they know
the key in a file only the user can read (``multiprocessing.connection``'s mutual challenge). ``docs/channel.md`` lists the messages.
"""

from __future__ import annotations

import json
import logging
import queue
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from .domain import refusals
from .domain.refusals import RefusedError

if TYPE_CHECKING:
    from multiprocessing.connection import _ConnectionBase

    from .domain.documents import ReplyDocument, RequestDocument, StatusDocument

    # a socket's connection on Linux, a pipe's on Windows: two classes
    Wire: TypeAlias = _ConnectionBase[Any, Any]

SCHEMA = 1
LARGEST = 65_536
WATCHERS = 32
"""More watching clients than this are turned away: a dialog or two is usual."""

log = logging.getLogger("iea_agent.channel")

Document = Mapping[str, object]


class ChannelError(Exception):
    """What came is not a message of this channel."""


def address(home: str, session: str) -> str:
    """Where the agent of *home* listens in this Windows session (or for this user)."""
    # no secret: who may speak is a matter of the key; and hashlib would load OpenSSL
    name = f"{zlib.crc32(home.encode()):08x}-{session}"
    return rf"\\.\pipe\iea-agent-{name}" if sys.platform == "win32" else f"\0iea-agent-{name}"


def family() -> str:
    """The kind of connection, in ``multiprocessing.connection``'s words."""
    return "AF_PIPE" if sys.platform == "win32" else "AF_UNIX"


def _send(connection: Wire, document: Document) -> None:
    connection.send_bytes(json.dumps({"schema": SCHEMA, **document}, ensure_ascii=False).encode())


def _receive(connection: Wire) -> Document:
    """The next message. Raises ``EOFError`` or ``OSError`` when there is none, ``ChannelError`` for what is not one."""
    try:
        document = json.loads(connection.recv_bytes(LARGEST))
    except ValueError as error:
        raise ChannelError("not a message") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ChannelError("not a message of this schema")
    return document


class ChannelServer:
    """The agent's side. *answer* gets each request and returns the reply; ``publish`` goes to every watcher."""

    def __init__(self, where: str, key: bytes, answer: Callable[[Document], Document]) -> None:
        from multiprocessing.connection import Listener

        self._listener = Listener(where, family())
        self._key = key
        self._answer = answer
        self._watchers: dict[int, queue.SimpleQueue[Document]] = {}
        self._latest: Document = {}
        self._closed = False
        threading.Thread(target=self._accept, name="channel", daemon=True).start()

    def publish(self, status: Document) -> None:
        """Pass *status* on to all who watch."""
        self._latest = status
        for watcher in list(self._watchers.values()):
            watcher.put(status)

    def close(self) -> None:
        """Listen no more. Conversations under way end by themselves."""
        self._closed = True
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection = self._listener.accept()
            except OSError as error:
                if self._closed:
                    return
                log.warning("accept failed", extra={"fields": {"error": type(error).__name__}})
                time.sleep(1)  # what lasts must not fill the log and a processor
                continue
            threading.Thread(
                target=self._serve, args=(connection,), name="channel-client", daemon=True
            ).start()

    def _serve(self, connection: Wire) -> None:
        # the challenge runs in the client's own thread: a client that hangs in it hangs nobody else
        from multiprocessing import AuthenticationError
        from multiprocessing.connection import answer_challenge, deliver_challenge

        with connection:
            try:
                deliver_challenge(connection, self._key)
                answer_challenge(connection, self._key)
                request = _receive(connection)
                if request.get("do") == "watch":
                    self._serve_watcher(connection)
                else:
                    _send(connection, self._answer(request))
            except (OSError, EOFError, ChannelError, AuthenticationError) as error:
                log.info("client left", extra={"fields": {"reason": type(error).__name__}})

    def _serve_watcher(self, connection: Wire) -> None:
        if len(self._watchers) >= WATCHERS:
            _send(connection, {"ok": False, "error": "too many watchers"})
            return
        inbox: queue.SimpleQueue[Document] = queue.SimpleQueue()
        inbox.put(self._latest)
        self._watchers[id(inbox)] = inbox
        try:
            while True:
                _send(connection, {"ok": True, "status": inbox.get()})
        finally:
            del self._watchers[id(inbox)]


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
    if "refusal" in reply:
        raise RefusedError(refusals.parse_refusal(reply["refusal"]))
    raise RefusedError(refusals.UnknownRefusal(reply.get("error", "")))


def ask(where: str, key: bytes, request: RequestDocument, timeout: float = 5.0) -> ReplyDocument:
    """Send *request* to the running agent and return its answer.

    Raises ``RefusedError``: the agent refuses, does not run, does not answer within
    *timeout* seconds, or cannot be reached.
    """
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
    """Yield the agent's status, now and at each change, until the agent ends.

    Raises ``RefusedError`` if that cannot begin.
    """
    with _connect(where, key) as connection:
        _send(connection, {"do": "watch"})
        while True:
            try:
                message = _receive(connection)
            except (EOFError, OSError):
                return
            except ChannelError as error:
                raise _unreachable(error) from error
            yield _checked(cast("ReplyDocument", message))["status"]
