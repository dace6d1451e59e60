"""The notices of incidents on this PC, as ``publisher_texts.py`` has brought them.

The icon's process looks for the file only: what reads it is loaded when there is one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from iea_agent.domain.signed_policy import Notice

log = logging.getLogger("iea_agent.updates")

NOTICES_FILE = "notices.json"


class NoticeReader:
    """The notices on this PC, read again when their file has changed."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "targets" / NOTICES_FILE
        self._signature: tuple[int, int] | None = None
        self._notices: tuple[Notice, ...] = ()

    def find_notice(self, now: float) -> Notice | None:
        """Return the notice that holds at *now*, None if there is none."""
        signature = self._sign()
        if signature != self._signature:
            self._signature, self._notices = signature, self._load() if signature else ()
        if not self._notices:
            return None
        from iea_agent.domain.signed_policy import find_notice

        return find_notice(self._notices, now)

    def _sign(self) -> tuple[int, int] | None:
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    def _load(self) -> tuple[Notice, ...]:
        from iea_agent.domain.signed_policy import parse_notices
        from iea_agent.host.storage import decode_file, read_bounded

        from .publisher_texts import LARGEST_FILE

        try:
            data = read_bounded(self._file, LARGEST_FILE)
            return parse_notices(decode_file(data)) if data else ()
        except (OSError, ValueError) as error:
            log.warning("text refused", extra={"fields": {"file": self._file.name, "reason": str(error)}})
            return ()
