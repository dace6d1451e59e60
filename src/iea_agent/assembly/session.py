"""The channel of a session's agent, and the file by which clients find it.

Each session of a person has an agent of its own. The file of a session holds the address of its channel, which is new at each start so that nobody can take
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

from iea_agent.host import LocalWires

if TYPE_CHECKING:
    from iea_agent.channel import ChannelServer, Document, Place

log = logging.getLogger(__name__)

LARGEST_FILE = 10_000  # bytes
KEY = 32  # bytes


def read_place(file: Path) -> Place | None:
    """Return where the agent of the session's *file* listens, None if it is broken."""
    from iea_agent.channel import Place
    from iea_agent.host.regular_files import read_bounded

    try:
        document = json.loads(read_bounded(file, LARGEST_FILE) or b"")
        place = Place(document["address"], bytes.fromhex(document["key"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return place if isinstance(place.address, str) and len(place.key) == KEY else None


class SessionChannel:
    """The channel of this session's agent, opened and written down again when needed.

    The agent goes on without it: the icon and the connection need no channel. *refused* is the folder
    that did not take its file, None if its usual one did.
    """

    def __init__(
        self,
        wires: LocalWires,
        session: str,
        files: Sequence[Path],
        answer: Callable[[Document], Document],
        answered: Callable[[Document], None] = lambda _request: None,
    ) -> None:
        """*files* are the places of the file of *session*, the usual one first.

        *answer* and *answered* are those of ``channel.ChannelServer``.
        """
        self._wires = wires
        self._session = session
        self._files = files
        self.refused: Path | None = None
        self._warned: set[tuple[str, Path]] = set()
        self._written: set[Path] = set()
        self._answer = answer
        self._answered = answered
        self._server: ChannelServer | None = None
        self._content = b""
        self._latest: Document = {}

    def open(self, name: str = "") -> bool:
        """Listen, at *name* or at a new one, and return whether clients can find it.

        If it listens already, only make sure of that and of its file.
        """
        self.refused = None
        if self._server is not None and not self._server.is_reachable():
            self._server.close()
            self._server = None
        if self._server is None and not self._listen(name or os.urandom(8).hex()):
            return False
        return any(map(self._write_file, self._files))

    def is_replaced(self) -> bool:
        """Return whether another agent of this session has written its own file since."""
        from iea_agent.host.regular_files import read_bounded

        with suppress(OSError):
            return any(
                read_bounded(file, LARGEST_FILE) != self._content and read_place(file) is not None
                for file in self._written
            )
        return False

    def _listen(self, name: str) -> bool:
        """Listen, on Linux in the first folder that allows it; False if none does."""
        from iea_agent.channel import ChannelServer

        key = os.urandom(KEY)
        for file in self._files:
            address = self._wires.name_channel(file.parent, f"{self._session}-{name}")
            try:
                self._server = ChannelServer(self._wires.listen(address), key, self._answer, self._answered)
            except OSError as error:
                # another program has the name, or the system has no room: another name comes at the next look
                self._warn_once("channel not opened", file, error)
                continue
            self._server.publish(self._latest)
            self._content = json.dumps({"address": address, "key": key.hex()}).encode()
            return True
        return False

    def _write_file(self, file: Path) -> bool:
        """Write *file* if it differs; return False if the disk refuses."""
        from iea_agent.host.atomic_files import write_atomically
        from iea_agent.host.regular_files import read_bounded

        try:
            if read_bounded(file, LARGEST_FILE) != self._content:
                write_atomically(file, self._content, private=True)
        except OSError as error:
            self._warn_once("channel not written down", file, error)
            self.refused = self.refused or file.parent
            return False
        self._warned -= {("channel not written down", file)}
        self._written.add(file)
        return True

    def _warn_once(self, text: str, file: Path, error: OSError) -> None:
        """Log it once for *file*: it is tried again several times a minute."""
        if (text, file) not in self._warned:
            self._warned.add((text, file))
            log.warning(text, extra={"fields": {"file": file, "error": type(error).__name__}})

    def publish(self, status: Document) -> None:
        """Send *status* to every watcher, now and to those who come later."""
        self._latest = status
        if self._server is not None:
            self._server.publish(status)

    def close(self) -> None:
        """Stop listening, and take the file away."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for file in self._files:
            self._delete_file(file)

    def _delete_file(self, file: Path) -> None:
        """Delete *file* if it is this agent's."""
        from iea_agent.host.regular_files import read_bounded

        with suppress(OSError):
            if read_bounded(file, LARGEST_FILE) == self._content:
                file.unlink()
