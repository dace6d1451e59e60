"""The channel of a session's agent, and the file by which clients find it.

Each session of a person has an agent of its own. The file of a session holds the name of its channel, which is new at each start so that nobody can take
it before, and the key. It does not prove that an agent runs; only the agent's lock does
(``instance.py``). Where its usual folder cannot be used, it lies in another one of the person's.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
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
    from iea_agent.host.storage import read_bounded

    try:
        document = json.loads(read_bounded(file, LARGEST_FILE) or b"")
        return channel.address(str(document["name"])), bytes.fromhex(document["key"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


class SessionChannel:
    """The channel of this session's agent, opened and written down again when needed.

    The agent goes on without it: the icon and the connection need no channel. *refused* is the folder
    that did not take its file, None if its usual one did.
    """

    def __init__(
        self,
        files: Sequence[Path],
        answer: Callable[[Document], Document],
        answered: Callable[[Document], None] = lambda _request: None,
    ) -> None:
        """*files* are the places of its file, the usual one first.

        *answer* and *answered* are those of ``channel.ChannelServer``.
        """
        self._files = files
        self.refused: Path | None = None
        self._refusing: set[Path] = set()
        self._answer = answer
        self._answered = answered
        self._server: ChannelServer | None = None
        self._content = b""
        self._latest: Document = {}

    def open(self, name: str = "") -> bool:
        """Listen, at *name* or at a new one, and return whether clients can find it.

        If it listens already, only make sure of its file.
        """
        self.refused = None
        if self._server is None:
            self._listen(name or os.urandom(8).hex())
        return self._server is not None and any(map(self._write_file, self._files))

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

    def _write_file(self, file: Path) -> bool:
        """Write *file* if it differs; return False if the disk refuses."""
        from iea_agent.host.storage import read_bounded, write_atomically

        try:
            if read_bounded(file, LARGEST_FILE) != self._content:
                write_atomically(file, self._content, private=True)
        except OSError as error:
            if file not in self._refusing:
                # once: it is tried again several times a minute
                self._refusing.add(file)
                fields = {"file": file, "error": type(error).__name__}
                log.warning("channel not written down", extra={"fields": fields})
            self.refused = self.refused or file.parent
            return False
        self._refusing.discard(file)
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
            for file in self._files:
                self._delete_file(file)

    def _delete_file(self, file: Path) -> None:
        """Delete *file* if it is this agent's."""
        from iea_agent.host.storage import read_bounded

        with suppress(OSError):
            if read_bounded(file, LARGEST_FILE) == self._content:
                file.unlink()
