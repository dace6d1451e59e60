"""A mailbox that is looked at again and again: each message is taken apart once."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from iea_desk.inbox import Inbox, InboxMessage, group_messages, open_inbox_message
from iea_desk.inbox_folder import MOST_MESSAGES

LOOK_SECONDS = 4.0
"""How long a person waits for a page; what is not read by then is read by the next look."""


@dataclass(frozen=True, slots=True)
class MailboxView:
    """What was in the mailbox *at* a time, in seconds since 1970.

    *keys* has what names each message in an address. *waiting* messages are not read yet, *left_out* are too many.
    """

    inbox: Inbox
    keys: dict[str, InboxMessage]
    at: float
    waiting: int = 0
    left_out: int = 0


class Mailbox:
    """The messages that *iterate* yields, as ``iterate_messages`` does."""

    def __init__(
        self, iterate: Callable[[], Iterator[tuple[str, bytes | None]]], seconds: float = LOOK_SECONDS
    ) -> None:
        self._iterate = iterate
        self._seconds = seconds
        self._opened: dict[str, InboxMessage] = {}
        self._lock = threading.Lock()

    def look(self) -> MailboxView:
        """Return what is there now. Raises ``RequestRefused``, ``OSError``."""
        with self._lock:
            end = time.monotonic() + self._seconds
            messages = self._iterate()
            opened = dict(self._open(islice(messages, MOST_MESSAGES), end))
            left_out = sum(1 for _each in messages)
            # what has gone from the folder is forgotten
            self._opened = {key: each for key, each in opened.items() if each is not None}
        inbox = group_messages(self._opened.values())
        return MailboxView(inbox, self._opened, time.time(), len(opened) - len(self._opened), left_out)

    def _open(
        self, messages: Iterator[tuple[str, bytes | None]], end: float
    ) -> Iterator[tuple[str, InboxMessage | None]]:
        """Yield key and message of each, None for one that there is no time for."""
        for name, data in messages:
            digest = hashlib.sha256(name.encode("utf-8", "replace"))
            digest.update(data or b"")
            key = digest.hexdigest()[:32]
            message = self._opened.get(key)
            if message is not None:
                yield key, message
            elif time.monotonic() < end:
                yield key, open_inbox_message(name, data)
            else:
                yield key, None
