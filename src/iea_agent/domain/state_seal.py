"""Seals of state files: whether one is the latest that an agent has written.

The vault holds a key and a copy of each sealed document. The file holds the same document with a *count*, which
grows at each writing, and with a *seal*, the HMAC-SHA256 of its name and content. So a restored old
file shows by its count, and one that something else has written by its seal.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .state_values import parse_count

COUNT = "count"
SEAL = "seal"
KEY_BYTES = 32
LARGEST_COUNT = 2**53
MOST_COPIES = 10

Document = Mapping[str, object]


class Verdict(Enum):
    """What the seal says about a state file."""

    SOUND = "sound"  # the latest, or nothing to compare with
    OLD = "old"  # an earlier one was put back
    CHANGED = "changed"  # without the agent, or by an agent without a vault
    MISSING = "missing"  # gone, or not readable
    LOST = "lost"  # sealed, but the vault has no key: another PC's, or a damaged vault


@dataclass(frozen=True, slots=True)
class SealEntry:
    """What the vault holds: the *key*, and the latest document of each name."""

    key: bytes = field(repr=False)
    copies: Mapping[str, Document] = field(default_factory=dict)

    def to_text(self) -> str:
        """Return the text of the secret."""
        return json.dumps({"key": self.key.hex(), "copies": self.copies}, separators=(",", ":"))

    def merge(self, copies: Mapping[str, Document]) -> SealEntry:
        """Return the entry with those of *copies* that are newer than its own."""
        newer = {name: copy for name, copy in copies.items() if read_count(copy) > self.read_count(name)}
        return SealEntry(self.key, {**self.copies, **newer})

    def read_count(self, name: str) -> int:
        """Return the count of the copy *name*, 0 without one."""
        return read_count(self.copies.get(name, {}))


def parse_entry(text: str) -> SealEntry:
    """Parse the secret in the vault. Raises ``ValueError``."""
    try:
        document = json.loads(text)
        key, copies = bytes.fromhex(document["key"]), document["copies"]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("no entry") from error
    if len(key) != KEY_BYTES or not isinstance(copies, dict) or len(copies) > MOST_COPIES:
        raise ValueError("no entry")
    for copy in copies.values():
        if not isinstance(copy, dict):
            raise ValueError("no copy")
        parse_count(copy, COUNT, 1, LARGEST_COUNT)
    return SealEntry(key, copies)


def read_count(document: Document) -> int:
    """Return the count of *document*, 0 if it has none."""
    try:
        return parse_count(document, COUNT, 1, LARGEST_COUNT)
    except ValueError:
        return 0


def drop_seal(document: Document) -> dict[str, object]:
    """Return *document* as the vault holds it."""
    return {name: value for name, value in document.items() if name != SEAL}


def add_seal(key: bytes, name: str, document: Document) -> dict[str, object]:
    """Return *document*, which has its count, with the seal for the file *name*."""
    plain = drop_seal(document)
    return {**plain, SEAL: _compute_seal(key, name, plain)}


def judge(entry: SealEntry, name: str, document: Document | None) -> Verdict:
    """Return what *entry* says about the *document* in the file *name*, None for none."""
    copy = entry.copies.get(name)
    if copy is None:
        return Verdict.SOUND
    if document is None:
        return Verdict.MISSING
    plain = drop_seal(document)
    if plain == copy:
        # also without a seal: the agent was killed before it could write one
        return Verdict.SOUND
    seal = document.get(SEAL)
    if not isinstance(seal, str) or not hmac.compare_digest(
        seal.encode("utf-8", "replace"), _compute_seal(entry.key, name, plain).encode()
    ):
        return Verdict.CHANGED
    return Verdict.SOUND if read_count(plain) > entry.read_count(name) else Verdict.OLD


def _compute_seal(key: bytes, name: str, plain: Document) -> str:
    content = json.dumps([name, plain], sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(key, content, hashlib.sha256).hexdigest()
