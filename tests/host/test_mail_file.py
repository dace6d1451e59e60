"""A draft as a file: what a mail program opens has everything, unsent."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path

from iea_agent.host.mail_file import write_mail_file

BODY = "Bonjour,\n\nÉchec de connexion : « Serveur introuvable » (IEA-N02)\n" + "mot " * 300


def test_the_draft_has_recipient_subject_text_and_file(tmp_path: Path) -> None:
    attachment = tmp_path / "assistance-2026-11-30.zip"
    attachment.write_bytes(bytes(range(256)) * 40)
    file = tmp_path / "new" / "draft.eml"
    write_mail_file(file, "aide@exemple.fr", "Serveur de connexion 3.00.72 – été", BODY, attachment)

    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert (message["To"], message["X-Unsent"]) == ("aide@exemple.fr", "1")
    assert message["Subject"] == "Serveur de connexion 3.00.72 – été"
    body = message.get_body()
    assert body is not None
    assert body.get_content().split() == BODY.split()
    (part,) = message.iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == (attachment.name, "application/zip")
    assert part.get_content() == attachment.read_bytes()
    # who sends it is not said: the mail program knows
    assert message["From"] is None
    assert max(map(len, file.read_bytes().split(b"\r\n"))) <= 998
