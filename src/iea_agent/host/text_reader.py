"""The publisher's texts on this PC, as a check for updates has brought them.

The icon's process looks for the files only: what reads them is loaded when there is one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from iea_agent.domain.pasted_text import decode_file

from .regular_files import read_bounded
from .state_files import Signature, sign_file

if TYPE_CHECKING:
    from pathlib import Path

    from iea_agent.domain.signed_policy import Notice, SignedPolicy

log = logging.getLogger("iea_agent.updates")

NOTICES_FILE = "notices.json"
POLICY_FILE = "policy.json"
LARGEST_FILE = 800_000
"""Bytes of a text, whatever its characters."""
_Text = TypeVar("_Text")


class TextReader:
    """The texts in the updates' *folder*, each read again when its file has changed."""

    def __init__(self, folder: Path) -> None:
        self._notices = folder / "targets" / NOTICES_FILE
        self._policy = folder / "targets" / POLICY_FILE
        self._read: dict[Path, tuple[Signature, object]] = {}

    def find_notice(self, now: float) -> Notice | None:
        """Return the notice that holds at *now*, None if there is none."""

        def parse(text: str) -> tuple[Notice, ...]:
            from iea_agent.domain.signed_policy import parse_notices

            return parse_notices(text)

        notices = self._load(self._notices, parse)
        if not notices:
            return None
        from iea_agent.domain.signed_policy import find_notice

        return find_notice(notices, now)

    def load_policy(self) -> SignedPolicy | None:
        """Return the publisher's policy, None if there is none.

        The same object until the file changes. Any thread may call this.
        """

        def parse(text: str) -> SignedPolicy:
            from iea_agent.domain.signed_policy import parse_policy

            return parse_policy(text)

        return self._load(self._policy, parse)

    def _load(self, file: Path, parse: Callable[[str], _Text]) -> _Text | None:
        signature = sign_file(file)
        if signature is None:
            self._read.pop(file, None)
            return None
        before = self._read.get(file)
        if before is not None and before[0] == signature:
            return before[1]  # type: ignore[return-value]  # what parse returned for this file
        text = _parse_file(file, parse)
        self._read[file] = signature, text
        return text


def _parse_file(file: Path, parse: Callable[[str], _Text]) -> _Text | None:
    try:
        data = read_bounded(file, LARGEST_FILE)
        return parse(decode_file(data)) if data else None
    except (OSError, ValueError) as error:
        log.warning("text refused", extra={"fields": {"file": file.name, "reason": str(error)}})
        return None
