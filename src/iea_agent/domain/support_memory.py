"""What is remembered of messages to support: who writes, and what was written.

Support asks for one message per problem. So a second one about the same problem is not sent by mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from . import state_values

SAME_PROBLEM = 3 * 86_400.0
"""Seconds in which a second message about the same problem is probably the same request."""
MOST_MESSAGES = 10
"""Messages that are remembered, the newest ones."""
LONGEST_CONTACT = 200
"""Characters."""
LONGEST_COMPLAINT = 300
"""Characters."""
_LONGEST_TEXT = 5_000


@dataclass(frozen=True, slots=True)
class WrittenMessage:
    """A message that was prepared *at* a time of the wall clock.

    *code* is the problem's, "" for none. *is_sent* if the mail program has said so; else the person may have closed the draft.
    """

    at: float
    code: str
    subject: str
    body: str
    is_sent: bool


@dataclass(frozen=True, slots=True)
class SupportMemory:
    """The contact details that were given last, and the messages, oldest first."""

    contact: str = ""
    messages: tuple[WrittenMessage, ...] = ()

    def find_earlier(self, code: str, now: float) -> WrittenMessage | None:
        """Return the last message about *code* that probably is about the same thing."""
        same = (message for message in reversed(self.messages) if message.code == code)
        return next((message for message in same if 0 <= now - message.at <= SAME_PROBLEM), None)

    def add(self, contact: str, message: WrittenMessage) -> SupportMemory:
        """Return the memory with *message*, and with the *contact* details in it."""
        return replace(self, contact=contact, messages=(*self.messages, message)[-MOST_MESSAGES:])

    def to_document(self) -> dict[str, object]:
        """Return what is saved on disk."""
        return {
            "contact": self.contact,
            "messages": [
                {
                    "at": message.at,
                    "code": message.code,
                    "subject": message.subject,
                    "body": message.body,
                    "is_sent": message.is_sent,
                }
                for message in self.messages
            ],
        }


def parse_support_memory(document: Mapping[str, object]) -> SupportMemory:
    """Return the memory in a state file. Raises ``ValueError``."""
    messages = state_values.parse_list(document, "messages", MOST_MESSAGES)
    return SupportMemory(
        _parse_text(document, "contact", LONGEST_CONTACT), tuple(map(_parse_message, messages))
    )


def _parse_message(value: object) -> WrittenMessage:
    if not isinstance(value, dict):
        raise ValueError("messages: objects expected")
    return WrittenMessage(
        state_values.parse_time(value, "at"),
        _parse_text(value, "code", 10),
        _parse_text(value, "subject", _LONGEST_TEXT),
        _parse_text(value, "body", _LONGEST_TEXT),
        state_values.parse_flag(value, "is_sent"),
    )


def _parse_text(document: Mapping[str, object], name: str, longest: int) -> str:
    value = document.get(name)
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{name}: a text expected")
    return value
