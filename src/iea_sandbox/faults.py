"""The catalogue of what can be broken: one name per fault, the layer it strikes, and a French sentence for `--help`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Literal, get_args

ServerName = Literal["auth", "updates"]
SERVERS: tuple[ServerName, ...] = get_args(ServerName)


DIALECTS = ("rfc", "keycloak", "keycloak-old", "oidc-provider", "authlib", "django-oauth-toolkit")


class Layer(Enum):
    """What a fault strikes; the value is its heading in the help."""

    CONNECTION = "connexion"
    CERTIFICATE = "certificat et chiffrement"
    BYTES = "octets de la réponse"
    ANSWER = "réponse HTTP"
    DOCUMENT = "contenu des réponses du serveur d'authentification"
    LICENCE = "licence"
    METADATA = "métadonnées signées des mises à jour"
    TARGET = "fichiers des mises à jour"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a fault may be given besides its name; `Fault.accepts` says which of them it heeds."""

    at: str = ""
    """Only requests whose target (path and query) contains this text are struck; empty: all of them."""
    retry_after: int | None = None
    """Seconds announced in Retry-After (RFC 9110, 10.2.3)."""
    location: str = "https://ailleurs.example/connexion"
    """Where a redirection points."""
    days: int = 3
    """How far ahead the server's clock is (Date header), in days; negative: behind."""
    dialect: str = "rfc"
    """Whose words a refusal is said in: one of `DIALECTS`."""
    issuer: str = "Autorité inconnue"
    """Organisation named as the issuer of a certificate."""


@dataclass(frozen=True)
class Fault:
    """One way to be broken."""

    name: str
    layer: Layer
    description: str
    servers: tuple[ServerName, ...] = SERVERS
    accepts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Broken:
    """A fault that is switched on, with its options."""

    fault: Fault
    options: Options


@dataclass
class Switch:
    """What is broken at one server just now; the server looks at it, the world sets it."""

    broken: Broken | None = None

    def layer(self, *layers: Layer) -> Broken | None:
        """The present fault when it strikes one of these layers."""
        return self.broken if self.broken and self.broken.fault.layer in layers else None

    def on(self, *names: str) -> bool:
        """Whether one of these faults is switched on."""
        return self.broken is not None and self.broken.fault.name in names


class UnknownFault(ValueError):
    """The fault, the server or the option does not exist, or they do not go together; the text is French, for a person."""


_AT = ("at",)
_LATER = ("at", "retry_after")
_AUTH: tuple[ServerName, ...] = ("auth",)
_UPDATES: tuple[ServerName, ...] = ("updates",)

_CATALOGUE = (
    # connection: before any TLS
    Fault("refuse", Layer.CONNECTION, "personne n'écoute sur le port (connexion refusée)"),
    Fault("reset", Layer.CONNECTION, "la connexion est coupée net (RST) pendant la négociation TLS"),
    Fault("timeout", Layer.CONNECTION, "la connexion est acceptée, puis plus rien"),
    Fault("handshake-closed", Layer.CONNECTION, "le serveur raccroche pendant la négociation TLS"),
    Fault("plain-http", Layer.CONNECTION, "le port parle HTTP en clair au lieu de TLS"),
    # certificate and protocol version
    Fault("expired-cert", Layer.CERTIFICATE, "le certificat a expiré hier"),
    Fault("not-yet-valid", Layer.CERTIFICATE, "le certificat ne sera valable que demain"),
    Fault("wrong-host", Layer.CERTIFICATE, "le certificat est celui d'un autre serveur"),
    Fault("self-signed", Layer.CERTIFICATE, "le certificat s'est signé lui-même"),
    Fault(
        "unknown-ca",
        Layer.CERTIFICATE,
        "le certificat vient d'une autorité inconnue (un antivirus qui intercepte : --issuer)",
        accepts=("issuer",),
    ),
    Fault("missing-intermediate", Layer.CERTIFICATE, "le serveur oublie son certificat intermédiaire"),
    Fault("old-tls", Layer.CERTIFICATE, "le serveur ne connaît que TLS 1.1"),
    Fault("client-cert", Layer.CERTIFICATE, "le serveur exige un certificat du poste"),
    # bytes: TLS stands, HTTP goes wrong
    Fault("no-answer", Layer.BYTES, "la demande est lue, la réponse ne vient jamais"),
    Fault("closed", Layer.BYTES, "la demande est lue, le serveur raccroche sans répondre"),
    Fault("stalled", Layer.BYTES, "la réponse s'arrête au milieu, la connexion reste ouverte"),
    Fault("truncated", Layer.BYTES, "la réponse est coupée au milieu"),
    Fault("garbage", Layer.BYTES, "la réponse n'est pas du HTTP"),
    Fault("oversized", Layer.BYTES, "la réponse ne finit jamais"),
    Fault("compression-bomb", Layer.BYTES, "la réponse, compressée, enfle mille fois à la lecture"),
    # answer: sound HTTP with the wrong message
    Fault("301", Layer.ANSWER, "redirection vers une autre adresse", accepts=("at", "location")),
    Fault("302", Layer.ANSWER, "redirection vers une page de connexion", accepts=("at", "location")),
    Fault("401", Layer.ANSWER, "un frontal réclame un mot de passe", accepts=_AT),
    Fault("403", Layer.ANSWER, "accès interdit", accepts=_AT),
    Fault("404", Layer.ANSWER, "page introuvable", accepts=_AT),
    Fault("407", Layer.ANSWER, "un mandataire réclame un mot de passe", accepts=_AT),
    Fault("408", Layer.ANSWER, "le serveur a trop attendu la demande", accepts=_AT),
    Fault("429", Layer.ANSWER, "trop de demandes (Retry-After : 30 s sauf --retry-after)", accepts=_LATER),
    Fault("500", Layer.ANSWER, "panne du serveur", accepts=_AT),
    Fault("502", Layer.ANSWER, "le frontal reçoit une mauvaise réponse", accepts=_AT),
    Fault("503", Layer.ANSWER, "service indisponible (Retry-After avec --retry-after)", accepts=_LATER),
    Fault("504", Layer.ANSWER, "le frontal attend en vain", accepts=_AT),
    Fault("maintenance", Layer.ANSWER, "page de maintenance (503, Retry-After : 600 s)", accepts=_LATER),
    Fault("captive-portal", Layer.ANSWER, "page d'un portail Wi-Fi à la place de la réponse", accepts=_AT),
    Fault("another-service", Layer.ANSWER, "un tout autre service répond, en JSON", accepts=_AT),
    Fault(
        "wrong-clock", Layer.ANSWER, "l'heure du serveur est fausse (--days, 3 sauf avis)", accepts=("days",)
    ),
    # what the authentication server says
    Fault("issuer-mismatch", Layer.DOCUMENT, "le document annonce une autre adresse que la sienne", _AUTH),
    Fault("clear-token-endpoint", Layer.DOCUMENT, "le document envoie la licence en clair (http)", _AUTH),
    Fault("no-token", Layer.DOCUMENT, "la réponse ne contient pas de jeton", _AUTH),
    Fault("scope-missing", Layer.DOCUMENT, "le jeton est donné sans le droit demandé", _AUTH),
    # licence
    Fault("refused", Layer.LICENCE, "autorisation refusée, quelle que soit la licence", _AUTH, ("dialect",)),
    Fault("unknown", Layer.LICENCE, "aucun numéro de licence n'est reconnu", _AUTH, ("dialect",)),
    Fault("wrong-key", Layer.LICENCE, "aucune clé de licence n'est reconnue", _AUTH, ("dialect",)),
    # signed metadata
    Fault("metadata-expired", Layer.METADATA, "timestamp.json a expiré", _UPDATES),
    Fault("snapshot-expired", Layer.METADATA, "snapshot.json a expiré", _UPDATES),
    Fault("targets-expired", Layer.METADATA, "targets.json a expiré", _UPDATES),
    Fault("root-expired", Layer.METADATA, "la dernière racine a expiré", _UPDATES),
    Fault("rolled-back", Layer.METADATA, "une ancienne version est resservie", _UPDATES),
    Fault("rolled-back-snapshot", Layer.METADATA, "timestamp.json désigne un ancien snapshot.json", _UPDATES),
    Fault("rolled-back-targets", Layer.METADATA, "snapshot.json désigne un ancien targets.json", _UPDATES),
    Fault("badly-signed", Layer.METADATA, "timestamp.json est signé d'une clé étrangère", _UPDATES),
    Fault(
        "root-badly-signed", Layer.METADATA, "une nouvelle racine n'est pas signée de l'ancienne", _UPDATES
    ),
    Fault("altered-timestamp", Layer.METADATA, "timestamp.json a été modifié après sa signature", _UPDATES),
    Fault("altered-targets", Layer.METADATA, "targets.json a été modifié après sa signature", _UPDATES),
    Fault("mixed-snapshot", Layer.METADATA, "snapshot.json est celui d'une autre publication", _UPDATES),
    # files behind the metadata
    Fault("tampered-target", Layer.TARGET, "le fichier a été modifié, à la même longueur", _UPDATES),
    Fault("longer-target", Layer.TARGET, "le fichier est plus long que signé", _UPDATES),
    Fault("shorter-target", Layer.TARGET, "le fichier est plus court que signé", _UPDATES),
    Fault("missing-target", Layer.TARGET, "le fichier a disparu", _UPDATES),
)

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _CATALOGUE}


def choose(server: ServerName, how: str, options: Mapping[str, object]) -> Broken:
    """Check a name and its options against the catalogue. Options set to None count as not given.

    Raises UnknownFault.
    """
    if server not in SERVERS:
        raise UnknownFault(f"Serveur inconnu : « {server} ». Choix : {', '.join(SERVERS)}.")
    fault = FAULTS.get(how)
    if fault is None:
        raise UnknownFault(f"Panne inconnue : « {how} ». La liste est donnée par iea-sandbox --help.")
    if server not in fault.servers:
        raise UnknownFault(f"La panne « {how} » n'existe que pour : {', '.join(fault.servers)}.")
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        if name not in fault.accepts:
            raise UnknownFault(f"La panne « {how} » n'a pas d'option « {name.replace('_', '-')} ».")
        wanted = int if name in ("retry_after", "days") else str
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise UnknownFault(f"L'option « {name.replace('_', '-')} » n'accepte pas {value!r}.")
    if given.get("dialect", DIALECTS[0]) not in DIALECTS:
        raise UnknownFault(f"Dialecte inconnu : « {given['dialect']} ». Choix : {', '.join(DIALECTS)}.")
    return Broken(fault, Options(**given))  # type: ignore[arg-type]  # names and types were checked just above


def described() -> str:
    """The catalogue as text, one heading per layer."""
    lines: list[str] = []
    for layer in Layer:
        lines.append(f"\n{layer.value[0].upper()}{layer.value[1:]} :")
        for fault in _CATALOGUE:
            if fault.layer is layer:
                only = "" if len(fault.servers) == len(SERVERS) else f" ({fault.servers[0]} seulement)"
                lines.append(f"  {fault.name:<22} {fault.description}{only}")
    return "\n".join(lines).lstrip("\n")


OPTION_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Options))
