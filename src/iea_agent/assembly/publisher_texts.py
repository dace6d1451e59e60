"""The publisher's texts on this PC: policy, notices, register of passwords.

They are targets of the update repository. Whoever has just verified its metadata brings those that have changed, and the agent reads what lies on
the disk: text and dates, which decide nothing that a person could not set as well. The register is verified again when it is used (``registers.py``).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from iea_agent.domain.password_register import parse_register
from iea_agent.domain.pasted_text import decode_file
from iea_agent.domain.signed_policy import (
    NOTICES_FILE,
    POLICY_FILE,
    REGISTER_FILE,
    parse_notices,
    parse_policy,
)
from iea_agent.host.atomic_files import write_atomically
from iea_agent.host.regular_files import read_bounded
from iea_agent.host.text_reader import LARGEST_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from iea_agent.services.updates import SignedTarget

    from .installation import Installation

log = logging.getLogger("iea_agent.updates")

PARSERS: Mapping[str, Callable[[str], object]] = {
    POLICY_FILE: parse_policy,
    NOTICES_FILE: parse_notices,
    REGISTER_FILE: parse_register,
}
"""What refuses a text that this agent cannot use, by its name."""


class FetchText(Protocol):
    """Fetches the file at a path below ``targets/``; raises ``HttpsError``."""

    def __call__(self, path: str, largest: int, /) -> bytes: ...


def bring_texts(installation: Installation, fetch: FetchText) -> list[str]:
    """Bring the texts that have changed; return their names.

    A text that is no longer signed is deleted. One that is not what was signed, or that this agent cannot use, changes nothing: the one before
    stays. Raises what *fetch* raises, ``TargetError`` and ``OSError``.
    """
    from iea_agent.services.updates import find_signed

    folder = installation.updates_folder
    signed = find_signed(installation.read_signed_file, installation.root_file, folder, PARSERS)
    return [name for name in PARSERS if _bring_text(signed.get(name), fetch, folder / "targets" / name)]


def _bring_text(signed: SignedTarget | None, fetch: FetchText, place: Path) -> bool:
    if signed is None:
        with suppress(FileNotFoundError):
            place.unlink()
            return True
        return False
    if _hash(read_bounded(place, LARGEST_FILE) or b"") == signed.sha256:
        return False
    data = fetch(signed.path, LARGEST_FILE) if signed.length <= LARGEST_FILE else b""
    try:
        if len(data) != signed.length or _hash(data) != signed.sha256:
            raise ValueError("not the signed file")
        PARSERS[place.name](decode_file(data))
    except ValueError as error:
        log.warning("text refused", extra={"fields": {"file": place.name, "reason": str(error)}})
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(place, data)
    return True


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
