"""The channel of a session's agent, and the file by which clients find it.

Each session of a person has an agent of its own. The file of a session holds the name of its channel, which is new at each start so that nobody can take
it before, and the key. It does not prove that an agent runs; only the agent's lock does
(``instance.py``).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iea_agent.channel import ChannelServer, Document

log = logging.getLogger(__name__)

LARGEST_FILE = 1000  # bytes


def read_channel(file: Path) -> tuple[str, bytes] | None:
    """Return address and key of the channel in the session's *file*, None without any."""
    from iea_agent import channel

    try:
        with file.open("rb") as stream:
            document = json.loads(stream.read(LARGEST_FILE))
        return channel.address(str(document["name"])), bytes.fromhex(document["key"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


class SessionChannel:
    """The channel of this session's agent, opened and written down again when needed.

    The agent goes on without it: the icon and the connection need no channel.
    """

    def __init__(
        self,
        file: Path,
        answer: Callable[[Document], Document],
        answered: Callable[[Document], None] = lambda _request: None,
    ) -> None:
        """*answer* and *answered* are those of ``channel.ChannelServer``."""
        self._file = file
        self._answer = answer
        self._answered = answered
        self._server: ChannelServer | None = None
        self._content = b""
        self._latest: Document = {}

    def open(self, name: str = "") -> bool:
        """Listen, at *name* or at a new one, and return whether clients can find it.

        If it listens already, only make sure of its file.
        """
        if self._server is None:
            self._listen(name or os.urandom(8).hex())
        return self._server is not None and self._write_file()

    def _listen(self, name: str) -> None:
        from iea_agent import channel

        key = os.urandom(32)
        try:
            self._server = channel.ChannelServer(channel.address(name), key, self._answer, self._answered)
        except OSError as error:
            # another program has the name, or pipes cannot be made: another name comes at the next look
            log.warning("channel not opened", extra={"fields": {"error": type(error).__name__}})
            return
        self._server.publish(self._latest)
        self._content = json.dumps({"name": name, "key": key.hex()}).encode()

    def _write_file(self) -> bool:
        from iea_agent.host.storage import write_atomically

        try:
            if not self._file.is_file() or self._file.read_bytes() != self._content:
                write_atomically(self._file, self._content, private=True)
        except OSError as error:
            log.warning("channel not written down", extra={"fields": {"error": type(error).__name__}})
            return False
        return True

    def publish(self, status: Document) -> None:
        """Send *status* to every watcher, now and to those who come later."""
        self._latest = status
        if self._server is not None:
            self._server.publish(status)

    def close(self) -> None:
        """Stop listening, and take the file away."""
        if self._server is not None:
            self._server.close()
            with suppress(OSError):
                self._file.unlink()
