"""Technical details in words, with the codes by which whoever helps looks them up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iea_agent import locale
from iea_agent.shell.wording.detail_text import word_detail

SHELL = Path(locale.__file__).parent / "shell"


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("ConnectionRefusedError: [Errno 10061] Unknown error", "connexion refusée (Windows 10061)"),
        ("ConnectionRefusedError: [WinError 10061] Aucune connexion", "connexion refusée (Windows 10061)"),
        ("ConnectionRefusedError: [Errno 111] Connection refused", "connexion refusée (Errno 111)"),
        ("OSError: [Errno 28] No space left on device", "disque plein (Errno 28)"),
        ("OSError: [Errno 5] Input/output error", "erreur du système (Errno 5)"),
        ("gaierror: [Errno 11001] getaddrinfo failed", "nom introuvable (Windows 11001)"),
        ("socket.gaierror: [Errno -2] Name or service not known", "nom introuvable (Errno -2)"),
        ("TimeoutError: [Errno 10060] \nautre ligne", "délai dépassé (Windows 10060)\nautre ligne"),
        (
            "TimeoutError: no answer from 192.0.2.1, 192.0.2.2",
            "délai dépassé, pas de réponse de 192.0.2.1, 192.0.2.2",
        ),
        ("ConnectTimeout", "délai de connexion dépassé"),
        (
            "RemoteProtocolError: Server disconnected without sending a response.",
            "réponse qui n’est pas du http, le serveur a coupé la connexion sans répondre",
        ),
        ("HTTP 403, unauthorized_client", "HTTP 403, unauthorized_client"),
        ("HTTP 401 invalid_client", "HTTP 401 invalid_client"),
        ("127.0.0.1, 2001:db8::7", "127.0.0.1, 2001:db8::7"),
        ("", ""),
        (
            "HTTP 401 invalid_client, the server says: Client authentication failed",
            "HTTP 401 invalid_client, le serveur répond «~Client authentication failed~»",
        ),
        ("502, the proxy says: Bad Gateway, squid", "502, le proxy répond «~Bad Gateway, squid~»"),
        ("407, asks for Basic, Digest", "407, identification demandée~: Basic, Digest"),
        (
            "certificate refused: certificate has expired [0xa], issued by Avast, the proxy says: x, SHA-256 3f9a",
            "certificat refusé~: le certificat a expiré [0xa], établi par «~Avast, the proxy says: x~», SHA-256 3f9a",
        ),
        (
            "TLS: WRONG_VERSION_NUMBER, then a client certificate was asked for",
            "erreur TLS WRONG_VERSION_NUMBER, puis un certificat de ce poste a été demandé",
        ),
        (
            "direct; no script from the network: WinHTTP error 12180",
            "accès direct~; aucun script donné par le réseau~: WinHTTP 12180",
        ),
        (
            "token endpoint https://id.exemple.fr: IEA-N04 ConnectionRefusedError: [Errno 10061] x",
            "adresse du jeton https://id.exemple.fr~: IEA-N04, connexion refusée (Windows 10061)",
        ),
        (
            "token endpoint https://id.exemple.fr: IEA-N04 ",
            "adresse du jeton https://id.exemple.fr~: IEA-N04",
        ),
        (
            "timestamp.json: expired, this computer says 2026-11-30T10:00:00+00:00",
            "timestamp.json~: expired, heure de ce poste~: 2026-11-30T10:00:00+00:00",
        ),
        (
            "C:\\a b\\ca.pem: FileNotFoundError: [Errno 2] No such file",
            "C:\\a b\\ca.pem~: fichier introuvable (Errno 2)",
        ),
        ("scheme", "L’adresse doit commencer par «~https://~»."),
        ("StrangeError: [Errno 5] x", "message d’origine~: «~StrangeError: [Errno 5] x~»"),
    ],
)
def test_what_the_system_said_is_worded_with_its_number(detail: str, words: str) -> None:
    assert word_detail(detail).replace("\u00a0", "~") == words


def test_what_another_side_says_ends_no_quotation_and_is_bounded() -> None:
    words = word_detail(f"502, the proxy says: » ; le serveur est réparé « {'x' * 500}")
    assert (words.count("«"), words.count("»")) == (1, 1)
    assert words.endswith("…\u00a0»")
    assert len(words) < 250


def test_in_english_a_detail_stays_english() -> None:
    locale.choose("en")
    try:
        for detail in (
            "certificate refused: certificate has expired [0xa]",
            "no licence to try",
            "token for 300 s",
            "left to the proxy",
        ):
            assert word_detail(detail) == detail
    finally:
        locale.choose("fr")


def test_no_window_shows_a_detail_as_it_came() -> None:
    """Each use is for scripts, a comparison, or goes through ``word_detail``."""
    for path in sorted(SHELL.rglob("*.py")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r"\b(result|failure|cause|report)\.detail\b|\[\"detail\"\]", line):
                is_document = '"detail": ' in line
                is_read = re.search(r"if (result|failure)\.detail:|detail = status", line)
                assert is_document or is_read or "word_detail(" in line, f"{path.name}: {line.strip()}"
