"""A draft as a file, which a mail program opens as a message that is not sent yet."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from pathlib import Path

from .atomic_files import write_atomically


def write_mail_file(file: Path, recipient: str, subject: str, body: str, attachment: Path) -> None:
    """Write the draft to *file* (.eml). Raises ``OSError``.

    ``X-Unsent: 1`` has Outlook and Thunderbird open it for editing.
    """
    message = EmailMessage(policy.SMTP)
    message["To"] = recipient
    message["Subject"] = subject
    message["X-Unsent"] = "1"
    message.set_content(body, cte="quoted-printable")
    message.add_attachment(
        attachment.read_bytes(), maintype="application", subtype="zip", filename=attachment.name
    )
    write_atomically(file, bytes(message))
