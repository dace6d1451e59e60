"""The catalogue of faults: name, layer, and a French sentence for ``--help``.

Which problem the agent should report of a fault is not said here, but in ``tests/services/fault_table.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Literal, get_args

ServerName = Literal["auth", "updates"]
SERVERS: tuple[ServerName, ...] = get_args(ServerName)
PartName = Literal["auth", "updates", "proxy", "pac", "names", "address", "network"]
PARTS: tuple[PartName, ...] = get_args(PartName)

DIALECTS = ("rfc", "keycloak", "keycloak-old", "oidc-provider", "authlib", "django-oauth-toolkit")


class Layer(Enum):
    """What a fault strikes: the heading in the help, and the parts that have it."""

    CONNECTION = "connexion", SERVERS
    CERTIFICATE = "certificat et chiffrement", SERVERS
    BYTES = "octets de la réponse", SERVERS
    ANSWER = "réponse HTTP", SERVERS
    DOCUMENT = "contenu des réponses du serveur d’authentification", ("auth",)
    LICENCE = "licence", ("auth",)
    METADATA = "métadonnées signées des mises à jour", ("updates",)
    TARGET = "fichiers des mises à jour", ("updates",)
    PROXY = "serveur mandataire (proxy)", ("proxy",)
    SCRIPT = "script de proxy (PAC)", ("pac",)
    NAMES = "service de noms (DNS)", ("names",)
    ADDRESS = "adresse saisie", ("address",)
    NETWORK = "réseau du poste", ("network",)

    def __init__(self, heading: str, parts: tuple[PartName, ...]) -> None:
        self.heading = heading
        self.parts = parts


@dataclass(frozen=True, kw_only=True)
class FaultOptions:
    """The options of a fault; ``Fault.accepts`` lists those that it uses."""

    at: str = ""
    """Strike only requests whose target (path and query) contains this text; "" for all."""
    retry_after: int | None = None
    """Seconds announced in Retry-After (RFC 9110, 10.2.3)."""
    location: str = "https://ailleurs.example/connexion"
    """Target of a redirection."""
    days: int = 3
    """How far the server's clock (Date header) is ahead, in days; negative if behind."""
    dialect: str = "rfc"
    """The product whose wording a refusal has: one of ``DIALECTS``."""
    issuer: str = ""
    """Organisation named as the issuer of a certificate; "" for the fault's usual one."""


@dataclass(frozen=True)
class Fault:
    """A fault that can be switched on at one or several parts."""

    name: str
    layer: Layer
    description: str
    accepts: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[PartName, ...]:
        """The parts at which it can be switched on."""
        return self.layer.parts

    @property
    def how(self) -> str:
        """The word after ``--how``: the name without its part, which stands before."""
        return self.name if self.parts[0] in SERVERS else self.name.removeprefix(f"{self.parts[0]}-")


@dataclass(frozen=True)
class ActiveFault:
    """A fault that is switched on, with its options."""

    fault: Fault
    options: FaultOptions


@dataclass
class FaultSwitch:
    """The fault that is switched on at one part; the world sets it, the part reads it."""

    broken: ActiveFault | None = None

    def fault_in(self, *layers: Layer) -> ActiveFault | None:
        """Return the active fault if it strikes one of these layers."""
        return self.broken if self.broken and self.broken.fault.layer in layers else None

    def on(self, *names: str) -> bool:
        """Return whether one of these faults is switched on."""
        return self.broken is not None and self.broken.fault.name in names


class UnknownFault(ValueError):
    """An unknown fault, part or option, or a wrong use; the message is French."""


_AT = ("at",)
_LATER = ("at", "retry_after")

_CATALOGUE = (
    # connection: before any TLS
    Fault("refuse", Layer.CONNECTION, "personne n’écoute sur le port (connexion refusée)"),
    Fault("filtered", Layer.CONNECTION, "un pare-feu bloque les connexions sans le signaler (Linux)"),
    Fault("tcp-reset", Layer.CONNECTION, "la connexion est coupée net (RST) aussitôt acceptée"),
    Fault("reset", Layer.CONNECTION, "la connexion est coupée net (RST) pendant la négociation TLS"),
    Fault("timeout", Layer.CONNECTION, "la connexion est acceptée, puis plus rien"),
    Fault("handshake-closed", Layer.CONNECTION, "le serveur raccroche pendant la négociation TLS"),
    Fault("plain-http", Layer.CONNECTION, "le port parle HTTP en clair au lieu de TLS"),
    Fault(
        "captive-portal",
        Layer.CONNECTION,
        "un portail Wi-Fi répond à tout : son certificat en TLS, sa page d’accueil en clair",
    ),
    # certificate and protocol version
    Fault("expired-cert", Layer.CERTIFICATE, "le certificat a expiré hier"),
    Fault("not-yet-valid", Layer.CERTIFICATE, "le certificat ne sera valable que demain"),
    Fault("wrong-host", Layer.CERTIFICATE, "le certificat est celui d’un autre serveur"),
    Fault("self-signed", Layer.CERTIFICATE, "le certificat s’est signé lui-même"),
    Fault(
        "unknown-ca",
        Layer.CERTIFICATE,
        "le certificat vient d’une autorité inconnue (--issuer la nomme)",
        ("issuer",),
    ),
    Fault(
        "intercepted",
        Layer.CERTIFICATE,
        "un antivirus ou un proxy présente son propre certificat (Avast sauf --issuer)",
        ("issuer",),
    ),
    Fault("missing-intermediate", Layer.CERTIFICATE, "le serveur oublie son certificat intermédiaire"),
    Fault("expired-intermediate", Layer.CERTIFICATE, "le certificat intermédiaire a expiré hier"),
    Fault("revoked", Layer.CERTIFICATE, "le certificat a été révoqué par son autorité"),
    Fault("weak-key", Layer.CERTIFICATE, "la clé du certificat est trop courte (RSA-1024)"),
    Fault("weak-signature", Layer.CERTIFICATE, "le certificat est signé en SHA-1"),
    Fault("name-only-in-cn", Layer.CERTIFICATE, "le certificat ne nomme le serveur que dans son CN"),
    Fault("unfit-authority", Layer.CERTIFICATE, "l’autorité intermédiaire n’en est pas une"),
    Fault("forged", Layer.CERTIFICATE, "le certificat se dit d’une autorité qui ne l’a pas signé"),
    Fault("client-only", Layer.CERTIFICATE, "le certificat est réservé à l’identification de clients"),
    Fault("old-tls", Layer.CERTIFICATE, "le serveur ne connaît que TLS 1.1"),
    Fault("old-ciphers", Layer.CERTIFICATE, "le serveur n’accepte que des chiffrements dépassés"),
    Fault("client-cert", Layer.CERTIFICATE, "le serveur exige un certificat du poste"),
    Fault(
        "client-cert-reset",
        Layer.CERTIFICATE,
        "le serveur exige un certificat du poste, et coupe net (RST) au lieu de le dire",
    ),
    Fault("unknown-name", Layer.CERTIFICATE, "le serveur ne connaît pas le nom demandé (alerte 112)"),
    Fault("internal-error", Layer.CERTIFICATE, "le serveur échoue pendant la négociation (alerte 80)"),
    # bytes: TLS stands, HTTP goes wrong
    Fault("no-answer", Layer.BYTES, "la demande est lue, la réponse ne vient jamais"),
    Fault("closed", Layer.BYTES, "la demande est lue, le serveur raccroche sans répondre"),
    Fault("stalled", Layer.BYTES, "la réponse s’arrête au milieu, la connexion reste ouverte"),
    Fault("truncated", Layer.BYTES, "la réponse est coupée au milieu"),
    Fault("garbage", Layer.BYTES, "la réponse n’est pas du HTTP"),
    Fault("oversized", Layer.BYTES, "la réponse ne finit jamais"),
    Fault("compression-bomb", Layer.BYTES, "la réponse, compressée, enfle mille fois à la lecture"),
    # answer: sound HTTP with the wrong message
    Fault("301", Layer.ANSWER, "redirection vers une autre adresse", ("at", "location")),
    Fault("302", Layer.ANSWER, "redirection vers une page de connexion", ("at", "location")),
    Fault("401", Layer.ANSWER, "un frontal réclame un mot de passe", _AT),
    Fault("403", Layer.ANSWER, "accès interdit", _AT),
    Fault("404", Layer.ANSWER, "page introuvable", _AT),
    Fault("407", Layer.ANSWER, "un mandataire réclame un mot de passe", _AT),
    Fault("408", Layer.ANSWER, "le serveur a trop attendu la demande", _LATER),
    Fault("429", Layer.ANSWER, "trop de demandes (Retry-After : 30 s sauf --retry-after)", _LATER),
    Fault("500", Layer.ANSWER, "panne du serveur", _LATER),
    Fault("502", Layer.ANSWER, "le frontal reçoit une mauvaise réponse", _LATER),
    Fault("503", Layer.ANSWER, "service indisponible (Retry-After avec --retry-after)", _LATER),
    Fault("504", Layer.ANSWER, "le frontal attend en vain", _LATER),
    Fault("maintenance", Layer.ANSWER, "page de maintenance (503, Retry-After : 600 s)", _LATER),
    Fault("431", Layer.ANSWER, "la demande est rejetée, comme trop longue", _AT),
    Fault("web-page", Layer.ANSWER, "une page web à la place de la réponse", _AT),
    Fault("block-page", Layer.ANSWER, "la page de blocage d’un filtre, avec l’état 200", _AT),
    Fault("closed-page", Layer.ANSWER, "la page d’un site fermé pour maintenance, avec l’état 200", _AT),
    Fault("to-closed-page", Layer.ANSWER, "redirection vers /maintenance.html", _AT),
    Fault(
        "cookie-check", Layer.ANSWER, "un filtre renvoie à la même adresse pour voir le cookie revenir", _AT
    ),
    Fault("captcha", Layer.ANSWER, "une protection demande de recopier une image (503)", _AT),
    Fault(
        "front-400", Layer.ANSWER, "le réseau de diffusion ne connaît pas le nom (400, « Invalid URL »)", _AT
    ),
    Fault("compressed", Layer.ANSWER, "la réponse juste, compressée sans avoir été demandée ainsi"),
    Fault("another-service", Layer.ANSWER, "un tout autre service répond, en JSON", _AT),
    Fault("wrong-clock", Layer.ANSWER, "l’heure du serveur est fausse (--days, 3 sauf avis)", ("days",)),
    Fault("issuer-mismatch", Layer.DOCUMENT, "le document annonce une autre adresse que la sienne"),
    Fault("issuer-in-clear", Layer.DOCUMENT, "le document annonce la bonne adresse, mais en http"),
    Fault("token-host-lost", Layer.DOCUMENT, "le document envoie la licence à un port qui ne répond pas"),
    Fault("token-elsewhere", Layer.DOCUMENT, "le document envoie la licence à un autre serveur"),
    Fault("clear-token-endpoint", Layer.DOCUMENT, "le document envoie la licence en clair (http)"),
    Fault(
        "first-place-guarded", Layer.DOCUMENT, "le premier emplacement du document réclame un mot de passe"
    ),
    Fault("post-only", Layer.DOCUMENT, "la licence n’est acceptée que dans le corps de la demande"),
    Fault("no-token", Layer.DOCUMENT, "la réponse ne contient pas de jeton"),
    Fault("empty-token", Layer.DOCUMENT, "la réponse à la licence est vide (204)"),
    Fault("grant-unsupported", Layer.DOCUMENT, "le serveur dit ne pas connaître ce genre de demande"),
    Fault("method-unsupported", Layer.DOCUMENT, "le serveur veut recevoir la clé d’une autre façon"),
    Fault("scope-missing", Layer.DOCUMENT, "le serveur exige un droit (scope) que la licence n’obtient pas"),
    Fault("refused", Layer.LICENCE, "autorisation refusée, quelle que soit la licence", ("dialect",)),
    Fault("unknown", Layer.LICENCE, "aucun numéro de licence n’est reconnu", ("dialect",)),
    Fault("wrong-key", Layer.LICENCE, "aucune clé de licence n’est reconnue", ("dialect",)),
    Fault("refused-silently", Layer.LICENCE, "la licence est refusée sans un mot (403 vide)"),
    Fault("metadata-expired", Layer.METADATA, "timestamp.json a expiré"),
    Fault("snapshot-expired", Layer.METADATA, "snapshot.json a expiré"),
    Fault("targets-expired", Layer.METADATA, "targets.json a expiré"),
    Fault("root-expired", Layer.METADATA, "la dernière racine a expiré"),
    Fault("rolled-back", Layer.METADATA, "une ancienne version est resservie"),
    Fault("rolled-back-snapshot", Layer.METADATA, "timestamp.json désigne un ancien snapshot.json"),
    Fault("rolled-back-targets", Layer.METADATA, "snapshot.json désigne un ancien targets.json"),
    Fault("badly-signed", Layer.METADATA, "timestamp.json est signé d’une clé étrangère"),
    Fault("root-badly-signed", Layer.METADATA, "une nouvelle racine n’est pas signée de l’ancienne"),
    Fault("altered-timestamp", Layer.METADATA, "timestamp.json a été modifié après sa signature"),
    Fault("altered-targets", Layer.METADATA, "targets.json a été modifié après sa signature"),
    Fault("mixed-snapshot", Layer.METADATA, "snapshot.json est celui d’une autre publication"),
    Fault("half-published", Layer.METADATA, "timestamp.json désigne un fichier qui n’est pas encore là"),
    Fault(
        "root-as-page", Layer.METADATA, "une page répond à la place de la racine suivante, qui n’existe pas"
    ),
    # files behind the metadata: for the updater, the test of the servers fetches none of them
    Fault("tampered-target", Layer.TARGET, "le fichier a été modifié, à la même longueur"),
    Fault("longer-target", Layer.TARGET, "le fichier est plus long que signé"),
    Fault("shorter-target", Layer.TARGET, "le fichier est plus court que signé"),
    Fault(
        "cut-target", Layer.TARGET, "le fichier vient lentement, puis est coupé au milieu ; la suite vient"
    ),
    Fault("missing-target", Layer.TARGET, "le fichier a disparu"),
    # the proxy between the agent and both servers
    Fault("proxy-password", Layer.PROXY, "le proxy réclame un mot de passe"),
    Fault("proxy-password-refused", Layer.PROXY, "le proxy refuse tous les mots de passe"),
    Fault(
        "proxy-password-refused-401",
        Layer.PROXY,
        "le proxy refuse tous les mots de passe par 401, comme tinyproxy",
    ),
    Fault("proxy-digest", Layer.PROXY, "le proxy n’accepte que Digest"),
    Fault("proxy-bearer", Layer.PROXY, "le proxy n’accepte que Bearer"),
    Fault("proxy-ntlm", Layer.PROXY, "le proxy n’accepte que Negotiate ou NTLM"),
    Fault("proxy-anonymous", Layer.PROXY, "le proxy refuse qui ne dit pas son nom (User-Agent)"),
    Fault("proxy-forbids", Layer.PROXY, "le proxy interdit ce serveur (403)"),
    Fault("proxy-lost", Layer.PROXY, "le proxy ne joint pas le serveur (503)"),
    Fault("proxy-late", Layer.PROXY, "le proxy attend le serveur en vain (504)"),
    Fault("proxy-name-unknown", Layer.PROXY, "le proxy ne trouve pas le nom du serveur, comme squid"),
    Fault("proxy-website", Layer.PROXY, "à l’adresse du proxy répond un site internet (405)"),
    Fault("proxy-box", Layer.PROXY, "à l’adresse du proxy répond la box de l’opérateur (403)"),
    Fault("proxy-page", Layer.PROXY, "le proxy renvoie vers sa page d’identification (302)"),
    Fault("proxy-busy", Layer.PROXY, "le proxy reçoit trop de demandes (429, Retry-After : 30 s)"),
    Fault("proxy-stopped", Layer.PROXY, "personne n’écoute sur le port du proxy"),
    Fault("proxy-silent", Layer.PROXY, "le proxy accepte la connexion, puis plus rien"),
    Fault("proxy-closed", Layer.PROXY, "le proxy raccroche sans répondre"),
    Fault("proxy-needed", Layer.PROXY, "les serveurs ne sont joignables que par le proxy"),
    # the script that says which proxy
    Fault("pac-missing", Layer.SCRIPT, "le script a disparu (404)"),
    Fault("pac-error", Layer.SCRIPT, "le script contient une faute"),
    Fault("pac-slow", Layer.SCRIPT, "le script n’arrive pas à temps"),
    Fault("pac-lost", Layer.SCRIPT, "le script a disparu (404), et seul le proxy mène aux serveurs"),
    Fault(
        "pac-offered",
        Layer.SCRIPT,
        "le réseau offre un script (WPAD), et seul son proxy mène aux serveurs (dans le banc d’essai seulement)",
    ),
    Fault("names-silent", Layer.NAMES, "le service de noms ne répond jamais"),
    Fault("names-unknown", Layer.NAMES, "le nom du serveur n’existe pas (NXDOMAIN)"),
    Fault("names-failing", Layer.NAMES, "le service de noms n’y arrive pas (SERVFAIL)"),
    Fault("names-malformed", Layer.NAMES, "le service de noms ne comprend pas la demande (FORMERR)"),
    Fault("names-refusing", Layer.NAMES, "le service de noms refuse de répondre (REFUSED)"),
    Fault("names-half-silent", Layer.NAMES, "le service de noms ne répond jamais sur l’IPv6 (AAAA)"),
    Fault("names-empty", Layer.NAMES, "le nom existe, sans adresse"),
    Fault("names-blocked", Layer.NAMES, "un filtre donne au nom une adresse où rien ne répond"),
    # what was typed: nothing is broken but the address
    Fault("address-quotes", Layer.ADDRESS, "recopiée avec les guillemets de la fiche"),
    Fault("address-spaces", Layer.ADDRESS, "un espace au milieu"),
    Fault("address-no-scheme", Layer.ADDRESS, "sans « https:// »"),
    Fault("address-idn", Layer.ADDRESS, "un nom accentué (IDN)"),
    Fault("address-ipv6", Layer.ADDRESS, "une adresse IPv6 entre crochets"),
    Fault("address-port-out-of-range", Layer.ADDRESS, "un port au-delà de 65535"),
    Fault("address-port-80", Layer.ADDRESS, "le port en clair (« :80 ») derrière https"),
    Fault("address-http", Layer.ADDRESS, "http au lieu de https, au port sécurisé"),
    Fault(
        "address-http-redirect",
        Layer.ADDRESS,
        "http au lieu de https, au port en clair qui renvoie vers https",
    ),
    Fault("address-unknown-name", Layer.ADDRESS, "un nom qui n’existe pas"),
    Fault("network-off", Layer.NETWORK, "plus aucun réseau (dans le banc d’essai seulement)"),
)

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _CATALOGUE}


def find_fault(part: PartName, how: str, options: Mapping[str, object]) -> ActiveFault:
    """Return the fault for *part* and *how*, with its options. Raises UnknownFault."""
    if part not in PARTS:
        raise UnknownFault(f"Rien de ce nom : « {part} ». Choix : {', '.join(PARTS)}.")
    fault = FAULTS.get(how if part in SERVERS else f"{part}-{how}")
    if fault is None:
        raise UnknownFault(f"Panne inconnue : « {how} ». La liste est donnée par iea-sandbox --help.")
    if part not in fault.parts:
        raise UnknownFault(f"La panne « {how} » n’existe que pour : {', '.join(fault.parts)}.")
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        if name not in fault.accepts:
            raise UnknownFault(f"La panne « {how} » n’a pas d’option « {name.replace('_', '-')} ».")
        wanted = int if name in ("retry_after", "days") else str
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise UnknownFault(f"L’option « {name.replace('_', '-')} » n’accepte pas {value!r}.")
    if given.get("dialect", DIALECTS[0]) not in DIALECTS:
        raise UnknownFault(f"Dialecte inconnu : « {given['dialect']} ». Choix : {', '.join(DIALECTS)}.")
    # names and types were checked just above
    return ActiveFault(fault, FaultOptions(**given))  # type: ignore[arg-type]


def describe_faults() -> str:
    """Return the catalogue as text, with a heading for each layer."""
    lines: list[str] = []
    for layer in Layer:
        faults = [fault for fault in _CATALOGUE if fault.layer is layer]
        heading = f"{layer.heading[0].upper()}{layer.heading[1:]}"
        lines.append(f"\n{heading} (break {'|'.join(layer.parts)}) :")
        lines += [f"  {fault.how:<22} {fault.description}" for fault in faults]
    return "\n".join(lines).lstrip("\n")


OPTION_NAMES: tuple[str, ...] = tuple(field.name for field in fields(FaultOptions))
