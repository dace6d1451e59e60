"""The message to the support desk, and the address that opens it as a draft."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote

LONGEST_MAILTO = 2000
"""Characters of a ``mailto:`` address; Windows passes on about 2,080."""
VERSION_PLACE = "3.00.XX"
"""What stands in the prescribed subject where the version of Impact emploi belongs."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that a person completes and sends.

    *body* has lines of text. *hints* are in French, for the person: what to do before sending it.
    """

    recipient: str
    subject: str
    body: str
    hints: tuple[str, ...] = ()

    @property
    def whole_text(self) -> str:
        """The whole message, for people who paste it into a page."""
        return f"{self.recipient}\n{self.subject}\n\n{self.body}"

    @property
    def mailto(self) -> str:
        """The address that opens the message in a mail program (RFC 6068).

        The last lines of the body are left out where the address would be too long.
        """
        begin = f"mailto:{quote(self.recipient, safe='@')}?subject={quote(self.subject, safe='')}&body="
        lines = self.body.split("\n")
        while lines and len(begin) + len(_encode(lines)) > LONGEST_MAILTO:
            lines.pop()
        return begin + _encode(lines)


class Outcome(Enum):
    """How a message left, as far as is known."""

    SENT = "sent"
    # opened in the mail program with the file, and perhaps closed again
    DRAFT = "draft"
    # opened without the file, which is shown beside it
    DRAFT_ALONE = "draft-alone"


def _encode(lines: list[str]) -> str:
    # line ends are "%0D%0A" (RFC 6068, section 5), and a space is never "+"
    return quote("\r\n".join(lines), safe="")


def complete_subject(form: str, version: str) -> str:
    """Return the subject *form* with *version* in its place."""
    return form.replace(VERSION_PLACE, version)
