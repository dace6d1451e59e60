"""The table of every fault that the tests inject and the problem that the person is shown; `python -m tests.services.fault_table` writes docs/faults.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import PROBLEM_OF, Reason, Stage
from iea_sandbox.faults import FAULTS, Layer

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"


class Seen(NamedTuple):
    """What a test of the servers must find."""

    stage: Stage
    reason: Reason


class Row(NamedTuple):
    """One fault of the sandbox at each server; None where the test of the servers finds nothing wrong."""

    authentication: Seen | None
    updates: Seen | None


def _both(stage: Stage, reason: Reason) -> Row:
    return Row(Seen(stage, reason), Seen(stage, reason))


def _licence(reason: Reason) -> Row:
    return Row(Seen(Stage.LICENCE, reason), None)


_NOT_OURS = Row(
    Seen(Stage.KIND, Reason.NOT_AN_AUTHENTICATION_SERVER), Seen(Stage.KIND, Reason.NOT_AN_UPDATE_SERVER)
)
_UNAVAILABLE = _both(Stage.ANSWER, Reason.UNAVAILABLE)

SANDBOX: Mapping[str, Row] = {
    "refuse": _both(Stage.CONNECTION, Reason.REFUSED),
    "reset": _both(Stage.CERTIFICATE, Reason.TLS_INTERRUPTED),
    "timeout": _both(Stage.CERTIFICATE, Reason.TLS_INTERRUPTED),
    "handshake-closed": _both(Stage.CERTIFICATE, Reason.TLS_INTERRUPTED),
    "plain-http": _both(Stage.CERTIFICATE, Reason.PORT_WITHOUT_TLS),
    "expired-cert": _both(Stage.CERTIFICATE, Reason.CERTIFICATE_EXPIRED),
    "not-yet-valid": _both(Stage.CERTIFICATE, Reason.CERTIFICATE_NOT_YET_VALID),
    "wrong-host": _both(Stage.CERTIFICATE, Reason.CERTIFICATE_OF_ANOTHER),
    "self-signed": _both(Stage.CERTIFICATE, Reason.CERTIFICATE_SELF_SIGNED),
    "unknown-ca": _both(Stage.CERTIFICATE, Reason.CERTIFICATE_AUTHORITY_UNKNOWN),
    "missing-intermediate": _both(Stage.CERTIFICATE, Reason.CERTIFICATE_AUTHORITY_UNKNOWN),
    "old-tls": _both(Stage.CERTIFICATE, Reason.TLS_TOO_OLD),
    "client-cert": _both(Stage.CERTIFICATE, Reason.CLIENT_CERTIFICATE_WANTED),
    "no-answer": _both(Stage.ANSWER, Reason.ANSWER_LATE),
    "closed": _both(Stage.ANSWER, Reason.ANSWER_CUT),
    "stalled": _both(Stage.ANSWER, Reason.ANSWER_LATE),
    "truncated": _both(Stage.ANSWER, Reason.ANSWER_CUT),
    "garbage": _both(Stage.ANSWER, Reason.ANSWER_NONSENSE),
    "oversized": _both(Stage.ANSWER, Reason.ANSWER_NONSENSE),
    "compression-bomb": _both(Stage.ANSWER, Reason.ANSWER_NONSENSE),
    "301": _both(Stage.ANSWER, Reason.REDIRECTED),
    "302": _both(Stage.ANSWER, Reason.REDIRECTED),
    "401": _both(Stage.ANSWER, Reason.FORBIDDEN),
    "403": _both(Stage.ANSWER, Reason.FORBIDDEN),
    "404": _NOT_OURS,
    "407": _both(Stage.ANSWER, Reason.PROXY_WANTS_PASSWORD),
    "408": _UNAVAILABLE,
    "429": _both(Stage.ANSWER, Reason.TOO_MANY_REQUESTS),
    "500": _UNAVAILABLE,
    "502": _UNAVAILABLE,
    "503": _UNAVAILABLE,
    "504": _UNAVAILABLE,
    "maintenance": _UNAVAILABLE,
    "captive-portal": _NOT_OURS,
    "another-service": _NOT_OURS,
    "wrong-clock": Row(None, None),
    "issuer-mismatch": Row(Seen(Stage.KIND, Reason.ISSUER_DIFFERS), None),
    "clear-token-endpoint": Row(Seen(Stage.KIND, Reason.KEY_ASKED_IN_CLEAR), None),
    "no-token": _licence(Reason.NOT_AN_AUTHENTICATION_SERVER),
    "scope-missing": _licence(Reason.AUTHORISATION_REFUSED),
    "refused": _licence(Reason.AUTHORISATION_REFUSED),
    "unknown": _licence(Reason.LICENCE_NOT_RECOGNISED),
    "wrong-key": _licence(Reason.LICENCE_NOT_RECOGNISED),
    "metadata-expired": Row(None, Seen(Stage.METADATA, Reason.METADATA_EXPIRED)),
}
"""By the sandbox's names. Faults of signed metadata and of files that are not here are for the updater: the test looks only at timestamp.json."""

BEYOND: Mapping[str, tuple[str, Seen]] = {
    "address-malformed": (
        "l'adresse saisie contient un espace",
        Seen(Stage.ADDRESS, Reason.ADDRESS_MALFORMED),
    ),
    "address-in-clear": (
        "l'adresse d'un serveur distant commence par http://",
        Seen(Stage.ADDRESS, Reason.SENT_IN_CLEAR),
    ),
    "no-network": ("le poste n'est relié à aucun réseau", Seen(Stage.NAME, Reason.NO_NETWORK)),
    "name-unknown": ("le nom du serveur n'existe pas", Seen(Stage.NAME, Reason.NAME_UNKNOWN)),
    "name-without-address": ("le nom existe, sans adresse", Seen(Stage.NAME, Reason.NAME_UNKNOWN)),
    "name-server-silent": (
        "le service de noms ne répond jamais",
        Seen(Stage.NAME, Reason.NAME_SERVER_SILENT),
    ),
    "name-server-failing": (
        "le service de noms répond qu'il n'y arrive pas",
        Seen(Stage.NAME, Reason.NAME_SERVER_SILENT),
    ),
    "unanswered": ("un pare-feu avale les demandes de connexion", Seen(Stage.CONNECTION, Reason.UNANSWERED)),
    "proxy-stopped": ("personne n'écoute sur le port du proxy", Seen(Stage.PROXY, Reason.PROXY_UNREACHABLE)),
    "proxy-unknown": ("le nom du proxy n'existe pas", Seen(Stage.PROXY, Reason.PROXY_UNREACHABLE)),
    "proxy-silent": (
        "le proxy accepte la connexion, puis plus rien",
        Seen(Stage.PROXY, Reason.PROXY_UNREACHABLE),
    ),
    "proxy-closes": ("le proxy raccroche", Seen(Stage.PROXY, Reason.PROXY_UNREACHABLE)),
    "proxy-over-https": (
        "l'adresse du proxy commence par https://",
        Seen(Stage.PROXY, Reason.PROXY_UNREACHABLE),
    ),
    "proxy-password": ("le proxy réclame un mot de passe", Seen(Stage.PROXY, Reason.PROXY_WANTS_PASSWORD)),
    "proxy-forbids": ("le proxy interdit ce serveur", Seen(Stage.PROXY, Reason.PROXY_REFUSES)),
    "proxy-fails": ("le proxy ne trouve pas le serveur", Seen(Stage.PROXY, Reason.PROXY_REFUSES)),
    "ca-file-missing": (
        "le fichier de certificats de l'administrateur n'existe pas",
        Seen(Stage.CERTIFICATE, Reason.CA_FILE_UNREADABLE),
    ),
    "ca-file-nonsense": (
        "le fichier de certificats de l'administrateur n'en contient aucun",
        Seen(Stage.CERTIFICATE, Reason.CA_FILE_UNREADABLE),
    ),
    "https-expected": (
        "l'adresse commence par http://, le serveur répond que ce port attend https",
        Seen(Stage.ANSWER, Reason.HTTPS_EXPECTED),
    ),
    "https-alert": (
        "l'adresse commence par http://, le port répond par une alerte TLS",
        Seen(Stage.ANSWER, Reason.HTTPS_EXPECTED),
    ),
    "http-to-https": (
        "le serveur renvoie de http:// vers https://",
        Seen(Stage.ANSWER, Reason.HTTPS_EXPECTED),
    ),
    "cut-in-clear": ("la connexion est coupée net (RST), sans TLS", Seen(Stage.ANSWER, Reason.RESET)),
    "wrong-path": (
        "le serveur d'authentification est là, le chemin est faux",
        Seen(Stage.KIND, Reason.NOTHING_THERE),
    ),
    "dribble": ("la réponse arrive un octet à la fois", Seen(Stage.ANSWER, Reason.TOO_LONG)),
}
"""What the sandbox's servers cannot do wrong: the address, the name, the way there, the proxy."""


def document() -> str:
    """docs/faults.md as it should be."""
    lines = [
        "# Faults and the problem shown",
        "",
        "Every fault that the tests of the connection inject, and what the test of the servers (« Tester l'accès aux serveurs ») then shows: the failing",
        "stage, the code and the title of the problem. Written by `python -m tests.services.fault_table` from the table that the tests check; the titles",
        "come from `domain/problems.py`.",
        "",
        "## Faults of the sandbox",
        "",
        "`iea-sandbox break auth|updates --how NAME`. “—”: this server cannot have it, or the test finds nothing wrong, as it should.",
        "",
        "| fault | what happens | authentication server | update server |",
        "|---|---|---|---|",
    ]
    for name, row in SANDBOX.items():
        lines.append(
            f"| `{name}` | {FAULTS[name].description} | {_cell(row.authentication)} | {_cell(row.updates)} |"
        )
    lines += [
        "",
        "Faults of the signed metadata and of the files are found by the updater, which verifies signatures; the test of the servers looks only at the",
        "expiry of `timestamp.json`: " + ", ".join(f"`{name}`" for name in left_to_the_updater()) + ".",
        "",
        "## Faults around the servers",
        "",
        "| fault | what happens | shown |",
        "|---|---|---|",
    ]
    lines += [f"| `{name}` | {what} | {_cell(seen)} |" for name, (what, seen) in BEYOND.items()]
    return "\n".join(lines) + "\n"


def left_to_the_updater() -> list[str]:
    """The faults of the sandbox that this table leaves out."""
    return [
        name
        for name, fault in FAULTS.items()
        if fault.layer in (Layer.METADATA, Layer.TARGET) and name not in SANDBOX
    ]


def _cell(seen: Seen | None) -> str:
    if seen is None:
        return "—"
    code = PROBLEM_OF[seen.reason]
    return f"{seen.stage.value}: {code} {problems.problem(code).title}"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8", newline="\n")
