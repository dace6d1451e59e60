"""Technical details in words, with the codes by which whoever helps looks them up."""

from __future__ import annotations

import pytest

from iea_agent.shell.wording.detail_text import word_detail


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("ConnectionRefusedError: [Errno 10061] Unknown error", "connexion refusée (Windows 10061)"),
        ("ConnectionRefusedError: [WinError 10061] Aucune connexion", "connexion refusée (Windows 10061)"),
        ("ConnectionRefusedError: [Errno 111] Connection refused", "connexion refusée (Errno 111)"),
        ("gaierror: [Errno 11001] getaddrinfo failed", "nom introuvable (Windows 11001)"),
        ("socket.gaierror: [Errno -2] Name or service not known", "nom introuvable (Errno -2)"),
        ("TimeoutError: [Errno 10060] \nautre ligne", "délai dépassé (Windows 10060)\nautre ligne"),
        ("ConnectTimeout", "délai de connexion dépassé"),
        ("HTTP 403, unauthorized_client", "HTTP 403, unauthorized_client"),
        ("StrangeError: [Errno 5] x", "StrangeError: [Errno 5] x"),
        ("", ""),
    ],
)
def test_what_the_system_said_is_worded_with_its_number(detail: str, words: str) -> None:
    assert word_detail(detail) == words
