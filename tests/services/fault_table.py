"""The expected problem of each fault that the tests inject, and its deadline.

`python -m tests.services.fault_table` writes docs/faults.md; with `--measured` it prints the table with the times that the last runs of the tests took.
Those run with shorter limits; for the figures of the product's own, some three minutes:

    IEA_FULL_LIMITS=1 python -m pytest tests/services/test_faults.py -q
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Stage
from iea_agent.domain.problems import Actor, Problem
from iea_agent.services.network import Limits
from iea_agent.services.reachability import EXAMINATION_SECONDS
from iea_sandbox.faults import DIALECTS, FAULTS, SERVERS, Layer, ServerName

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "faults.md"
MEASURED = ROOT / "build" / "faults.json"
"""Seconds to the result by system and fault, written by the last runs of the tests."""

AT_ONCE = 1.0
"""The longest time to a result that has nothing to wait for, in seconds."""
Wait: TypeAlias = Literal["", "name", "connect", "tls", "read", "whole"]
"""The limit (``Limits``) that ends the test; "whole" is its own; "" if there is an answer at once."""


class ExpectedFailure(NamedTuple):
    """What a test of the servers must find, and the limit that it may wait for."""

    stage: Stage
    problem: Problem
    wait: Wait = ""

    def deadline(self, limits: Limits, whole: float = EXAMINATION_SECONDS) -> float:
        """Return the seconds after which the result must be there."""
        if self.wait == "whole":
            return whole
        return float(getattr(limits, self.wait)) if self.wait else AT_ONCE


class Expectation(NamedTuple):
    """What the test of each server must find during one fault, None for nothing.

    *finding* is what it must notice beside the failure.
    """

    authentication: ExpectedFailure | None
    updates: ExpectedFailure | None
    finding: Problem | None = None
    explanation: Problem | None = None
    """The problem shown instead, if the repair search or the other server's test finds it."""

    def failure(self, server: ServerName) -> ExpectedFailure | None:
        """Return what the test of *server* must find."""
        return self.authentication if server == "auth" else self.updates


def _both(stage: Stage, problem: Problem, wait: Wait = "") -> Expectation:
    return Expectation(ExpectedFailure(stage, problem, wait), ExpectedFailure(stage, problem, wait))


def _licence(problem: Problem) -> Expectation:
    return Expectation(ExpectedFailure(Stage.LICENCE, problem), None)


def _metadata(problem: Problem) -> Expectation:
    return Expectation(None, ExpectedFailure(Stage.METADATA, problem))


_NOT_OURS = Expectation(
    ExpectedFailure(Stage.KIND, problems.NOT_AN_AUTHENTICATION_SERVER),
    ExpectedFailure(Stage.KIND, problems.NOT_AN_UPDATE_SERVER),
)
_UNAVAILABLE = _both(Stage.ANSWER, problems.SERVER_UNAVAILABLE)

SANDBOX: Mapping[str, Expectation] = {
    "refuse": _both(Stage.CONNECTION, problems.CONNECTION_REFUSED),
    "filtered": _both(Stage.CONNECTION, problems.CONNECTION_UNANSWERED, "connect"),
    "tcp-reset": _both(Stage.CONNECTION, problems.CONNECTION_CUT),
    "reset": _both(Stage.CERTIFICATE, problems.TLS_INTERRUPTED),
    "timeout": _both(Stage.CERTIFICATE, problems.TLS_INTERRUPTED, "tls"),
    "handshake-closed": _both(Stage.CERTIFICATE, problems.TLS_INTERRUPTED),
    "plain-http": _both(Stage.CERTIFICATE, problems.PORT_WITHOUT_TLS),
    "captive-portal": _both(Stage.CERTIFICATE, problems.CERTIFICATE_AUTHORITY_UNKNOWN)._replace(
        finding=problems.CAPTIVE_PORTAL
    ),
    "expired-cert": _both(Stage.CERTIFICATE, problems.CERTIFICATE_EXPIRED),
    "not-yet-valid": _both(Stage.CERTIFICATE, problems.CERTIFICATE_IRREGULAR),
    "wrong-host": _both(Stage.CERTIFICATE, problems.CERTIFICATE_OF_ANOTHER),
    "self-signed": _both(Stage.CERTIFICATE, problems.CERTIFICATE_SELF_SIGNED),
    "unknown-ca": _both(Stage.CERTIFICATE, problems.CERTIFICATE_AUTHORITY_UNKNOWN),
    "intercepted": _both(Stage.CERTIFICATE, problems.INTERCEPTED),
    "missing-intermediate": _both(Stage.CERTIFICATE, problems.CERTIFICATE_CHAIN_INCOMPLETE),
    "expired-intermediate": _both(Stage.CERTIFICATE, problems.CERTIFICATE_EXPIRED),
    "revoked": _both(Stage.CERTIFICATE, problems.CERTIFICATE_REVOKED),
    "weak-key": _both(Stage.CERTIFICATE, problems.CERTIFICATE_TOO_WEAK),
    "weak-signature": _both(Stage.CERTIFICATE, problems.CERTIFICATE_TOO_WEAK),
    "name-only-in-cn": _both(Stage.CERTIFICATE, problems.CERTIFICATE_IRREGULAR),
    "unfit-authority": _both(Stage.CERTIFICATE, problems.CERTIFICATE_IRREGULAR),
    "forged": _both(Stage.CERTIFICATE, problems.CERTIFICATE_PROVES_NOTHING),
    "client-only": _both(Stage.CERTIFICATE, problems.CERTIFICATE_PROVES_NOTHING),
    "old-tls": _both(Stage.CERTIFICATE, problems.TLS_TOO_OLD),
    "old-ciphers": _both(Stage.CERTIFICATE, problems.NO_COMMON_CIPHER),
    "client-cert": _both(Stage.CERTIFICATE, problems.CLIENT_CERTIFICATE_WANTED),
    "client-cert-reset": _both(Stage.CERTIFICATE, problems.CLIENT_CERTIFICATE_WANTED),
    "unknown-name": _both(Stage.CERTIFICATE, problems.SERVER_NAME_UNKNOWN),
    "internal-error": _both(Stage.CERTIFICATE, problems.HANDSHAKE_REFUSED),
    "no-answer": _both(Stage.ANSWER, problems.ANSWER_LATE, "read"),
    "closed": _both(Stage.ANSWER, problems.ANSWER_CUT),
    "stalled": _both(Stage.ANSWER, problems.ANSWER_LATE, "read"),
    "truncated": _both(Stage.ANSWER, problems.ANSWER_CUT),
    "garbage": _both(Stage.ANSWER, problems.ANSWER_NONSENSE),
    "oversized": _both(Stage.ANSWER, problems.ANSWER_NONSENSE),
    "compression-bomb": _both(Stage.ANSWER, problems.ANSWER_NONSENSE),
    "301": _both(Stage.ANSWER, problems.REDIRECTED),
    "302": _both(Stage.ANSWER, problems.REDIRECTED),
    "401": _both(Stage.ANSWER, problems.IDENTIFICATION_WANTED),
    "403": _both(Stage.ANSWER, problems.FORBIDDEN),
    "404": _NOT_OURS,
    "407": _both(Stage.ANSWER, problems.PROXY_WANTS_PASSWORD),
    "408": _UNAVAILABLE,
    "429": _both(Stage.ANSWER, problems.TOO_MANY_REQUESTS),
    "500": _UNAVAILABLE,
    "502": _UNAVAILABLE,
    "503": _UNAVAILABLE,
    "504": _UNAVAILABLE,
    "maintenance": _both(Stage.ANSWER, problems.SERVER_IN_MAINTENANCE),
    "431": _both(Stage.ANSWER, problems.REQUEST_REJECTED),
    "web-page": _NOT_OURS,
    "block-page": _both(Stage.ANSWER, problems.PAGE_INSTEAD),
    "closed-page": _both(Stage.ANSWER, problems.PAGE_INSTEAD),
    "to-closed-page": _both(Stage.ANSWER, problems.PAGE_INSTEAD),
    "cookie-check": _both(Stage.ANSWER, problems.BROWSER_WANTED),
    "captcha": _both(Stage.ANSWER, problems.BROWSER_WANTED),
    "front-400": _both(Stage.ANSWER, problems.REQUEST_REJECTED),
    "compressed": Expectation(None, None),
    "another-service": _NOT_OURS,
    "wrong-clock": Expectation(None, None, finding=problems.CLOCK_WRONG),
    "issuer-mismatch": Expectation(ExpectedFailure(Stage.KIND, problems.ISSUER_DIFFERS), None),
    "issuer-in-clear": Expectation(ExpectedFailure(Stage.KIND, problems.ISSUER_UNAWARE), None),
    "token-host-lost": _licence(problems.TOKEN_HOST_UNREACHABLE),
    "token-elsewhere": _licence(problems.KEY_ASKED_ELSEWHERE),
    "clear-token-endpoint": Expectation(ExpectedFailure(Stage.KIND, problems.KEY_ASKED_IN_CLEAR), None),
    "first-place-guarded": Expectation(None, None),
    "post-only": Expectation(None, None),
    "no-token": _licence(problems.REQUEST_REJECTED),
    "empty-token": _licence(problems.REQUEST_REJECTED),
    "grant-unsupported": _licence(problems.REQUEST_REJECTED),
    "method-unsupported": _licence(problems.REQUEST_REJECTED),
    "scope-missing": _licence(problems.AUTHORISATION_REFUSED),
    "refused": _licence(problems.AUTHORISATION_REFUSED),
    "refused-silently": _licence(problems.AUTHORISATION_REFUSED),
    "unknown": _licence(problems.LICENCE_NOT_RECOGNISED),
    "wrong-key": _licence(problems.LICENCE_NOT_RECOGNISED),
    "metadata-expired": _metadata(problems.METADATA_EXPIRED),
    "snapshot-expired": _metadata(problems.METADATA_EXPIRED),
    "targets-expired": _metadata(problems.METADATA_EXPIRED),
    "root-expired": _metadata(problems.METADATA_EXPIRED),
    "rolled-back": _metadata(problems.METADATA_ROLLED_BACK),
    "rolled-back-snapshot": _metadata(problems.METADATA_ROLLED_BACK),
    "rolled-back-targets": _metadata(problems.METADATA_ROLLED_BACK),
    "badly-signed": _metadata(problems.METADATA_NOT_AUTHENTIC),
    "root-badly-signed": _metadata(problems.METADATA_NOT_AUTHENTIC),
    "altered-timestamp": _metadata(problems.METADATA_NOT_AUTHENTIC),
    "altered-targets": _metadata(problems.METADATA_NOT_AUTHENTIC),
    "mixed-snapshot": _metadata(problems.METADATA_NOT_AUTHENTIC),
    "half-published": _metadata(problems.METADATA_INCOMPLETE),
    "root-as-page": Expectation(None, None),
    "proxy-password": _both(Stage.PROXY, problems.PROXY_WANTS_PASSWORD),
    "proxy-password-refused": _both(Stage.PROXY, problems.PROXY_REFUSES_PASSWORD),
    "proxy-password-refused-401": _both(Stage.PROXY, problems.PROXY_REFUSES_PASSWORD),
    "proxy-digest": _both(Stage.PROXY, problems.PROXY_WANTS_PASSWORD),
    "proxy-bearer": _both(Stage.PROXY, problems.PROXY_SIGN_IN_UNKNOWN),
    "proxy-ntlm": _both(Stage.PROXY, problems.PROXY_SIGN_IN_UNKNOWN),
    "proxy-forbids": _both(Stage.PROXY, problems.PROXY_REFUSES),
    "proxy-anonymous": Expectation(None, None),
    "proxy-lost": _both(Stage.PROXY, problems.SERVER_OUT_OF_PROXYS_REACH),
    "proxy-late": _both(Stage.PROXY, problems.SERVER_OUT_OF_PROXYS_REACH),
    "proxy-name-unknown": _both(Stage.PROXY, problems.NAME_UNKNOWN_TO_PROXY),
    "proxy-website": _both(Stage.PROXY, problems.NO_PROXY_THERE),
    "proxy-box": _both(Stage.PROXY, problems.NO_PROXY_THERE),
    "proxy-page": _both(Stage.PROXY, problems.PROXY_SENDS_TO_PAGE),
    "proxy-busy": _both(Stage.PROXY, problems.PROXY_MAKES_NO_CONNECTION),
    "proxy-stopped": _both(Stage.PROXY, problems.PROXY_UNREACHABLE),
    "proxy-silent": _both(Stage.PROXY, problems.PROXY_UNREACHABLE, "read"),
    "proxy-closed": _both(Stage.PROXY, problems.PROXY_UNREACHABLE),
    "proxy-needed": _both(Stage.CERTIFICATE, problems.TLS_INTERRUPTED)._replace(
        explanation=problems.PROXY_NEEDED
    ),
    "names-silent": _both(Stage.NAME, problems.NAME_SERVER_SILENT, "name"),
    "names-unknown": _both(Stage.NAME, problems.NAME_UNKNOWN),
    "names-failing": _both(Stage.NAME, problems.NAME_SERVER_SILENT),
    "names-malformed": _both(Stage.NAME, problems.NAME_SERVER_SILENT),
    "names-refusing": _both(Stage.NAME, problems.NAME_SERVER_SILENT),
    "names-half-silent": Expectation(None, None),
    "names-empty": _both(Stage.NAME, problems.NAME_UNKNOWN),
    "names-blocked": _both(Stage.CONNECTION, problems.CONNECTION_REFUSED)._replace(
        finding=problems.NAME_BLOCKED
    ),
    "address-quotes": Expectation(None, None),
    "address-spaces": _both(Stage.ADDRESS, problems.ADDRESS_MALFORMED),
    "address-no-scheme": Expectation(None, None),
    "address-idn": Expectation(None, None),
    "address-ipv6": Expectation(None, None),
    "address-port-out-of-range": _both(Stage.ADDRESS, problems.ADDRESS_MALFORMED),
    "address-port-80": _both(Stage.CERTIFICATE, problems.PORT_WITHOUT_TLS),
    "address-http": _both(Stage.ANSWER, problems.HTTPS_EXPECTED),
    "address-http-redirect": _both(Stage.ANSWER, problems.HTTPS_EXPECTED),
    "address-unknown-name": _both(Stage.NAME, problems.NAME_UNKNOWN),
}
"""By the sandbox's names. Those of the signed metadata are met by a PC that has visited the sound server before and has its root.json."""

ALTERNATIVES: Mapping[str, ExpectedFailure] = {
    # whether the reset comes before or after the first byte of TLS is a matter of microseconds
    "tcp-reset": ExpectedFailure(Stage.CERTIFICATE, problems.TLS_INTERRUPTED),
    # Windows makes the sign-in, and this proxy refuses it
    "proxy-ntlm": ExpectedFailure(Stage.PROXY, problems.PROXY_WANTS_PASSWORD),
}
"""What may be found as well."""

PLAYED_BY_THE_TOUR: Mapping[str, Problem | None] = {
    # without a script the servers are reached directly
    "pac-missing": None,
    "pac-error": None,
    "pac-slow": None,
    "pac-lost": problems.PROXY_SCRIPT_UNUSABLE,
    "pac-offered": None,
    "network-off": problems.NO_NETWORK,
}
"""The problem of each fault that needs Windows' own settings or a PC without a network."""


def expected_problem(fault: str, server: ServerName) -> Problem | None:
    """Return the problem that a person reads about *server* during *fault*, or None.

    ``ALTERNATIVES`` has the problem that may be read instead.
    """
    parts = FAULTS[fault].parts
    if (parts[0] in SERVERS and server not in parts) or fault in left_to_the_updater():
        return None
    if fault in PLAYED_BY_THE_TOUR:
        return PLAYED_BY_THE_TOUR[fault]
    row = SANDBOX[fault]
    failure = row.failure(server)
    return row.explanation or row.finding or (failure.problem if failure else None)


class OtherFault(NamedTuple):
    """A fault that the sandbox cannot play; *seen* is what the test must find."""

    what: str
    seen: ExpectedFailure | None
    finding: Problem | None = None


_MALFORMED = ExpectedFailure(Stage.ADDRESS, problems.ADDRESS_MALFORMED)

OTHER_FAULTS: Mapping[str, OtherFault] = {
    # the address; the sandbox has more of each kind
    "address-other-scheme": OtherFault("l’adresse commence par ftp://", _MALFORMED),
    "address-international": OtherFault(
        "le nom du serveur contient des accents, et n’existe pas",
        ExpectedFailure(Stage.NAME, problems.NAME_UNKNOWN),
    ),
    "address-ipv6-broken": OtherFault("l’adresse IPv6 n’est pas fermée par « ] »", _MALFORMED),
    "address-in-clear": OtherFault(
        "l’adresse d’un serveur distant commence par http://",
        ExpectedFailure(Stage.ADDRESS, problems.SENT_IN_CLEAR),
    ),
    # the name
    "no-network": OtherFault(
        "le poste n’est relié à aucun réseau", ExpectedFailure(Stage.NAME, problems.NO_NETWORK)
    ),
    "name-without-ipv4": OtherFault(
        "le nom n’a qu’une adresse IPv6, le réglage veut IPv4",
        ExpectedFailure(Stage.NAME, problems.NAME_WITHOUT_IPV4),
    ),
    # the connection
    "cut-in-clear": OtherFault(
        "la connexion est coupée net (RST), sans TLS", ExpectedFailure(Stage.ANSWER, problems.CONNECTION_CUT)
    ),
    "portal-cuts": OtherFault(
        "un portail Wi-Fi coupe https et redirige http vers sa page",
        ExpectedFailure(Stage.CERTIFICATE, problems.TLS_INTERRUPTED),
        problems.CAPTIVE_PORTAL,
    ),
    "portal-redirects": OtherFault(
        "l’adresse est en http://, un portail Wi-Fi redirige vers sa page",
        ExpectedFailure(Stage.ANSWER, problems.CAPTIVE_PORTAL),
    ),
    "portal-page": OtherFault(
        "l’adresse est en http://, un portail Wi-Fi répond par sa page",
        ExpectedFailure(Stage.ANSWER, problems.CAPTIVE_PORTAL),
    ),
    "portal-511": OtherFault(
        "un portail Wi-Fi répond 511 (identification nécessaire)",
        ExpectedFailure(Stage.ANSWER, problems.CAPTIVE_PORTAL),
    ),
    # the proxy
    "proxy-unknown": OtherFault(
        "le nom du proxy n’existe pas", ExpectedFailure(Stage.PROXY, problems.PROXY_UNREACHABLE)
    ),
    "proxy-over-https": OtherFault(
        "l’adresse du proxy commence par https://", ExpectedFailure(Stage.PROXY, problems.PROXY_UNREACHABLE)
    ),
    "proxy-password-in-clear": OtherFault(
        "l’adresse est en http://, le proxy réclame un mot de passe",
        ExpectedFailure(Stage.PROXY, problems.PROXY_WANTS_PASSWORD),
    ),
    "squid": OtherFault("squid, sans mot de passe", None),
    "squid-with-password": OtherFault("squid, avec le bon mot de passe", None),
    "squid-password": OtherFault(
        "squid réclame un mot de passe", ExpectedFailure(Stage.PROXY, problems.PROXY_WANTS_PASSWORD)
    ),
    "squid-wrong-password": OtherFault(
        "squid n’accepte pas le mot de passe", ExpectedFailure(Stage.PROXY, problems.PROXY_REFUSES_PASSWORD)
    ),
    "squid-forbids": OtherFault(
        "squid interdit ce serveur", ExpectedFailure(Stage.PROXY, problems.PROXY_REFUSES)
    ),
    "proxy-intercepts": OtherFault(
        "le proxy ouvre les connexions sécurisées (certificat de Zscaler)",
        ExpectedFailure(Stage.CERTIFICATE, problems.INTERCEPTED),
    ),
    # certificates
    "ca-file-missing": OtherFault(
        "le fichier de certificats de l’administrateur n’existe pas",
        ExpectedFailure(Stage.CERTIFICATE, problems.CA_FILE_UNREADABLE),
    ),
    "ca-file-nonsense": OtherFault(
        "le fichier de certificats de l’administrateur n’en contient aucun",
        ExpectedFailure(Stage.CERTIFICATE, problems.CA_FILE_UNREADABLE),
    ),
    "ca-file-without-list": OtherFault(
        "la liste de révocation du fichier de l’administrateur est celle d’une autre autorité",
        ExpectedFailure(Stage.CERTIFICATE, problems.CA_FILE_UNREADABLE),
    ),
    "box": OtherFault(
        "une box présente le certificat de son fabricant (Sagemcom)",
        ExpectedFailure(Stage.CERTIFICATE, problems.INTERCEPTED),
    ),
    "openssl-tls-1.1": OtherFault(
        "openssl s_server ne connaît que TLS 1.1", ExpectedFailure(Stage.CERTIFICATE, problems.TLS_TOO_OLD)
    ),
    "openssl-client-certificate": OtherFault(
        "openssl s_server exige un certificat du poste (TLS 1.3)",
        ExpectedFailure(Stage.CERTIFICATE, problems.CLIENT_CERTIFICATE_WANTED),
    ),
    "openssl-client-certificate-1.2": OtherFault(
        "openssl s_server exige un certificat du poste (TLS 1.2)",
        ExpectedFailure(Stage.CERTIFICATE, problems.CLIENT_CERTIFICATE_WANTED),
    ),
    "openssl-client-certificate-optional": OtherFault(
        "openssl s_server demande un certificat du poste sans l’exiger",
        ExpectedFailure(Stage.KIND, problems.NOT_AN_AUTHENTICATION_SERVER),
    ),
    "openssl-rsa-key-exchange": OtherFault(
        "openssl s_server n’accepte que l’échange de clé par RSA (AES128-GCM-SHA256)",
        ExpectedFailure(Stage.CERTIFICATE, problems.NO_COMMON_CIPHER),
    ),
    "openssl-cbc-only": OtherFault(
        "openssl s_server n’accepte que CBC et SHA-1",
        ExpectedFailure(Stage.CERTIFICATE, problems.NO_COMMON_CIPHER),
    ),
    "openssl-http2-only": OtherFault(
        "openssl s_server ne parle que HTTP/2 (alerte 120)",
        ExpectedFailure(Stage.CERTIFICATE, problems.HANDSHAKE_REFUSED),
    ),
    "tls-1.3-client-certificate-reset": OtherFault(
        "le serveur (TLS 1.3 seulement) exige un certificat du poste, et coupe net au lieu de le dire",
        ExpectedFailure(Stage.CERTIFICATE, problems.CLIENT_CERTIFICATE_WANTED),
    ),
    "old-renegotiation": OtherFault(
        "le serveur ne connaît pas la renégociation sécurisée (RFC 5746)",
        ExpectedFailure(Stage.CERTIFICATE, problems.TLS_TOO_OLD),
    ),
    "old-and-silent": OtherFault(
        "le serveur ne connaît que TLS 1.1 et raccroche sans alerte",
        ExpectedFailure(Stage.CERTIFICATE, problems.TLS_TOO_OLD),
    ),
    "nginx-unknown-name": OtherFault(
        "nginx ne connaît pas le nom demandé (ssl_reject_handshake)",
        ExpectedFailure(Stage.CERTIFICATE, problems.SERVER_NAME_UNKNOWN),
    ),
    # the answer
    "nginx-https-expected": OtherFault(
        "l’adresse commence par http://, le port de nginx attend https",
        ExpectedFailure(Stage.ANSWER, problems.HTTPS_EXPECTED),
    ),
    "nginx-client-certificate": OtherFault(
        "nginx exige un certificat du poste",
        ExpectedFailure(Stage.CERTIFICATE, problems.CLIENT_CERTIFICATE_WANTED),
    ),
    "nginx-to-https": OtherFault(
        "nginx renvoie de http:// vers https://", ExpectedFailure(Stage.ANSWER, problems.HTTPS_EXPECTED)
    ),
    "nginx-port-80": OtherFault(
        "l’adresse est en https:// avec le port http de nginx (« :80 »)",
        ExpectedFailure(Stage.CERTIFICATE, problems.PORT_WITHOUT_TLS),
    ),
    "nginx-unavailable": OtherFault(
        "le serveur derrière nginx est arrêté (502)",
        ExpectedFailure(Stage.ANSWER, problems.SERVER_UNAVAILABLE),
    ),
    "https-expected": OtherFault(
        "l’adresse commence par http://, le serveur répond que ce port attend https",
        ExpectedFailure(Stage.ANSWER, problems.HTTPS_EXPECTED),
    ),
    "https-alert": OtherFault(
        "l’adresse commence par http://, le port répond par une alerte TLS",
        ExpectedFailure(Stage.ANSWER, problems.HTTPS_EXPECTED),
    ),
    "http-to-https": OtherFault(
        "le serveur renvoie de http:// vers https://", ExpectedFailure(Stage.ANSWER, problems.HTTPS_EXPECTED)
    ),
    "maintenance-announced": OtherFault(
        "503 avec Retry-After, sans page de maintenance",
        ExpectedFailure(Stage.ANSWER, problems.SERVER_IN_MAINTENANCE),
    ),
    "wrong-path": OtherFault(
        "le serveur d’authentification est là, le chemin est faux",
        ExpectedFailure(Stage.KIND, problems.NOTHING_THERE),
    ),
    "dribble": OtherFault(
        "la réponse arrive un octet à la fois", ExpectedFailure(Stage.ANSWER, problems.TEST_TOO_LONG, "whole")
    ),
    # the licence, in the words of each server
    **{
        f"licence-{fault}-{dialect}": OtherFault(
            f"{FAULTS[fault].description}, dans les termes de {dialect}", seen
        )
        for fault, seen in (
            ("refused", ExpectedFailure(Stage.LICENCE, problems.AUTHORISATION_REFUSED)),
            ("unknown", ExpectedFailure(Stage.LICENCE, problems.LICENCE_NOT_RECOGNISED)),
        )
        for dialect in DIALECTS
        if dialect != "rfc"
    },
}
"""What the sandbox's servers cannot do wrong: the address, the name, the way there, the proxy; and what real peers do in their own way."""

_ACTORS = {
    Actor.YOU: "the clerk",
    Actor.NETWORK: "box, Wi-Fi",
    Actor.IT: "IT person",
    Actor.URSSAF: "Urssaf",
}
_SYSTEMS = {"linux": "Linux", "win32": "Windows Python"}


class Line(NamedTuple):
    """One line of the document. *keys* are its names in ``MEASURED``."""

    fault: str
    server: str
    what: str
    seen: ExpectedFailure | None
    finding: Problem | None
    keys: tuple[str, ...]


def sandbox_lines() -> Iterator[Line]:
    """The faults of the sandbox, one line for each way in which they are seen."""
    for name, row in SANDBOX.items():
        fault = FAULTS[name]
        broken = {s: row.failure(s) for s in SERVERS if s in fault.parts or fault.parts[0] not in SERVERS}
        if len(set(broken.values())) == 1:
            kind = "both" if len(broken) == 2 else next(iter(broken))
            parts = [(kind, next(iter(broken.values())), tuple(broken))]
        else:
            parts = [(server, seen, (server,)) for server, seen in broken.items()]
        for server, seen, measured in parts:
            keys = tuple(f"{name} {each}" for each in measured)
            how = name if fault.parts[0] in SERVERS else f"{fault.parts[0]} --how {fault.how}"
            yield Line(how, server, fault.description, seen, row.explanation or row.finding, keys)


def other_lines() -> Iterator[Line]:
    """Yield the faults around the servers."""
    for name, (what, seen, finding) in OTHER_FAULTS.items():
        yield Line(name, "", what, seen, finding, (name,))


def document() -> str:
    """docs/faults.md as it should be."""
    lines = [
        "# Faults and the problem shown",
        "",
        "Every fault that the tests of the connection inject, and what the test of the servers (« Tester l’accès aux serveurs ») then shows: the failing",
        "stage, the code and the title of the problem, who can act, and the longest time in seconds until the result. The tests check each line and its",
        "time, with shorter limits in proportion. Written by `python -m tests.services.fault_table` from the table that the tests check; the",
        "titles come from `domain/problems.py`. Measured times are in `build/faults.json` after a run; `--measured` prints the table with them.",
        "",
        "“(with …)” is a finding: it is noticed beside the failure, and shown instead if it explains the failure.",
        "",
        "## Faults of the sandbox",
        "",
        "`iea-sandbox break auth|updates --how NAME`, or `iea-sandbox break NAME` for what lies between. “—”: nothing is wrong for the test.",
        "",
        *_table(sandbox_lines()),
        "",
        "Faults of the signed metadata are found if the PC has the publisher's trust root (`root.json` beside `policy.toml`); without it only the expiry of",
        "`timestamp.json` is checked. Faults of the files behind the metadata are found when one is fetched: "
        + ", ".join(f"`{name}`" for name in left_to_the_updater())
        + ".",
        "",
        "Faults of the PC itself are played by `python -m rig tour`: "
        + ", ".join(f"`{FAULTS[name].parts[0]} --how {FAULTS[name].how}`" for name in PLAYED_BY_THE_TOUR)
        + ".",
        "",
        "## Faults around the servers",
        "",
        *_table(other_lines()),
    ]
    return "\n".join(lines) + "\n"


def measured_document() -> str:
    """The table with what the last runs took."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    return "\n".join(_table([*sandbox_lines(), *other_lines()], measured)) + "\n"


def _table(lines: Iterable[Line], measured: Mapping[str, Mapping[str, float]] | None = None) -> Iterator[str]:
    systems = sorted(measured or {})
    titles = ["fault", "server", "what happens", "stage", "problem", "who can act", "at the latest"]
    titles += [f"measured, {_SYSTEMS.get(system, system)}" for system in systems]
    yield "| " + " | ".join(titles) + " |"
    yield "|---" * len(titles) + "|"
    for line in lines:
        cells = [f"`{line.fault}`", line.server, line.what, *_cells(line)]
        for system in systems:
            times = [(measured or {})[system][key] for key in line.keys if key in (measured or {})[system]]
            cells.append(f"{max(times):.2f} s" if times else "")
        yield "| " + " | ".join(cells) + " |"


def _cells(line: Line) -> tuple[str, str, str, str]:
    finding = "" if line.finding is None else f" (with {line.finding})"
    if line.seen is None:
        return "—", f"—{finding}", "", f"{AT_ONCE:g} s"
    entry = line.seen.problem
    return (
        line.seen.stage.value,
        f"{entry.code} {entry.title}{finding}",
        _ACTORS[entry.actor],
        f"{line.seen.deadline(Limits()):g} s",
    )


def left_to_the_updater() -> list[str]:
    """The faults of files, which the test of the servers does not fetch."""
    return [name for name, fault in FAULTS.items() if fault.layer is Layer.TARGET]


if __name__ == "__main__":
    if sys.argv[1:] == ["--measured"]:
        print(measured_document(), end="")
    else:
        DOCUMENT.write_text(document(), encoding="utf-8", newline="\n")
