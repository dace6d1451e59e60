"""The catalogue of what can be broken: one name per fault, the layer it strikes, a French sentence for `--help`, the problem it leads to."""

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
    """What a fault strikes; the value is its heading in the help."""

    CONNECTION = "connexion"
    CERTIFICATE = "certificat et chiffrement"
    BYTES = "octets de la réponse"
    ANSWER = "réponse HTTP"
    DOCUMENT = "contenu des réponses du serveur d'authentification"
    LICENCE = "licence"
    METADATA = "métadonnées signées des mises à jour"
    TARGET = "fichiers des mises à jour"
    PROXY = "serveur mandataire (proxy)"
    SCRIPT = "script de proxy (PAC)"
    NAMES = "service de noms (DNS)"
    ADDRESS = "adresse saisie"
    NETWORK = "réseau du poste"


@dataclass(frozen=True, kw_only=True)
class FaultOptions:
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
    issuer: str = ""
    """Organisation named as the issuer of a certificate; empty: the fault's usual one."""


@dataclass(frozen=True)
class Fault:
    """One way to be broken. *shows* is the code of the problem that the agent should tell of, empty where it should find nothing wrong."""

    name: str
    layer: Layer
    description: str
    shows: str
    parts: tuple[PartName, ...] = SERVERS
    accepts: tuple[str, ...] = ()
    shows_updates: str | None = None
    """Where the test of the update server tells of another problem."""
    or_shows: str = ""
    """What the same fault may lead to as well: which of the two is a matter of microseconds."""

    @property
    def how(self) -> str:
        """What is typed after `--how`: names are unique for all parts together, and need not be said twice."""
        return self.name if set(self.parts) <= set(SERVERS) else self.name.removeprefix(f"{self.parts[0]}-")

    def shown(self, server: ServerName) -> str:
        """The code of the problem that the test of this server should tell of; empty for none."""
        if self.parts[0] in SERVERS and server not in self.parts:
            return ""
        return self.shows if server == "auth" or self.shows_updates is None else self.shows_updates


@dataclass(frozen=True)
class ActiveFault:
    """A fault that is switched on, with its options."""

    fault: Fault
    options: FaultOptions


@dataclass
class FaultSwitch:
    """What is broken at one part just now; the part looks at it, the world sets it."""

    broken: ActiveFault | None = None

    def fault_in(self, *layers: Layer) -> ActiveFault | None:
        """The present fault when it strikes one of these layers."""
        return self.broken if self.broken and self.broken.fault.layer in layers else None

    def on(self, *names: str) -> bool:
        """Whether one of these faults is switched on."""
        return self.broken is not None and self.broken.fault.name in names


class UnknownFault(ValueError):
    """The fault, the part or the option does not exist, or they do not go together; the text is French, for a person."""


_AT = ("at",)
_LATER = ("at", "retry_after")
_AUTH: tuple[PartName, ...] = ("auth",)
_UPDATES: tuple[PartName, ...] = ("updates",)
_PROXY: tuple[PartName, ...] = ("proxy",)
_PAC: tuple[PartName, ...] = ("pac",)
_NAMES: tuple[PartName, ...] = ("names",)
_ADDRESS: tuple[PartName, ...] = ("address",)
_NETWORK: tuple[PartName, ...] = ("network",)

_CATALOGUE = (
    # connection: before any TLS
    Fault("refuse", Layer.CONNECTION, "personne n'écoute sur le port (connexion refusée)", "IEA-N04"),
    Fault("filtered", Layer.CONNECTION, "un pare-feu avale les demandes de connexion (Linux)", "IEA-N05"),
    Fault(
        "tcp-reset",
        Layer.CONNECTION,
        "la connexion est coupée net (RST) aussitôt acceptée",
        "IEA-N06",
        or_shows="IEA-T08",
    ),
    Fault(
        "reset", Layer.CONNECTION, "la connexion est coupée net (RST) pendant la négociation TLS", "IEA-T08"
    ),
    Fault("timeout", Layer.CONNECTION, "la connexion est acceptée, puis plus rien", "IEA-T08"),
    Fault("handshake-closed", Layer.CONNECTION, "le serveur raccroche pendant la négociation TLS", "IEA-T08"),
    Fault("plain-http", Layer.CONNECTION, "le port parle HTTP en clair au lieu de TLS", "IEA-T06"),
    Fault(
        "captive-portal",
        Layer.CONNECTION,
        "un portail Wi-Fi répond à tout : son certificat en TLS, sa page d'accueil en clair",
        "IEA-N07",
    ),
    # certificate and protocol version
    Fault("expired-cert", Layer.CERTIFICATE, "le certificat a expiré hier", "IEA-T01"),
    Fault("not-yet-valid", Layer.CERTIFICATE, "le certificat ne sera valable que demain", "IEA-T02"),
    Fault("wrong-host", Layer.CERTIFICATE, "le certificat est celui d'un autre serveur", "IEA-T03"),
    Fault("self-signed", Layer.CERTIFICATE, "le certificat s'est signé lui-même", "IEA-T04"),
    Fault(
        "unknown-ca",
        Layer.CERTIFICATE,
        "le certificat vient d'une autorité inconnue (--issuer la nomme)",
        "IEA-T05",
        accepts=("issuer",),
    ),
    Fault(
        "intercepted",
        Layer.CERTIFICATE,
        "un antivirus ou un proxy présente son propre certificat (Avast sauf --issuer)",
        "IEA-T12",
        accepts=("issuer",),
    ),
    Fault(
        "missing-intermediate",
        Layer.CERTIFICATE,
        "le serveur oublie son certificat intermédiaire",
        "IEA-T11",
    ),
    Fault("revoked", Layer.CERTIFICATE, "le certificat a été révoqué par son autorité", "IEA-T10"),
    Fault("old-tls", Layer.CERTIFICATE, "le serveur ne connaît que TLS 1.1", "IEA-T07"),
    Fault("client-cert", Layer.CERTIFICATE, "le serveur exige un certificat du poste", "IEA-T09"),
    # bytes: TLS stands, HTTP goes wrong
    Fault("no-answer", Layer.BYTES, "la demande est lue, la réponse ne vient jamais", "IEA-S01"),
    Fault("closed", Layer.BYTES, "la demande est lue, le serveur raccroche sans répondre", "IEA-S02"),
    Fault("stalled", Layer.BYTES, "la réponse s'arrête au milieu, la connexion reste ouverte", "IEA-S01"),
    Fault("truncated", Layer.BYTES, "la réponse est coupée au milieu", "IEA-S02"),
    Fault("garbage", Layer.BYTES, "la réponse n'est pas du HTTP", "IEA-S11"),
    Fault("oversized", Layer.BYTES, "la réponse ne finit jamais", "IEA-S11"),
    Fault(
        "compression-bomb", Layer.BYTES, "la réponse, compressée, enfle mille fois à la lecture", "IEA-S11"
    ),
    # answer: sound HTTP with the wrong message
    Fault("301", Layer.ANSWER, "redirection vers une autre adresse", "IEA-S05", accepts=("at", "location")),
    Fault(
        "302", Layer.ANSWER, "redirection vers une page de connexion", "IEA-S05", accepts=("at", "location")
    ),
    Fault("401", Layer.ANSWER, "un frontal réclame un mot de passe", "IEA-S16", accepts=_AT),
    Fault("403", Layer.ANSWER, "accès interdit", "IEA-S08", accepts=_AT),
    Fault("404", Layer.ANSWER, "page introuvable", "IEA-S03", accepts=_AT, shows_updates="IEA-S04"),
    Fault("407", Layer.ANSWER, "un mandataire réclame un mot de passe", "IEA-P02", accepts=_AT),
    Fault("408", Layer.ANSWER, "le serveur a trop attendu la demande", "IEA-S06", accepts=_LATER),
    Fault(
        "429",
        Layer.ANSWER,
        "trop de demandes (Retry-After : 30 s sauf --retry-after)",
        "IEA-S07",
        accepts=_LATER,
    ),
    Fault("500", Layer.ANSWER, "panne du serveur", "IEA-S06", accepts=_LATER),
    Fault("502", Layer.ANSWER, "le frontal reçoit une mauvaise réponse", "IEA-S06", accepts=_LATER),
    Fault(
        "503",
        Layer.ANSWER,
        "service indisponible (Retry-After avec --retry-after)",
        "IEA-S06",
        accepts=_LATER,
    ),
    Fault("504", Layer.ANSWER, "le frontal attend en vain", "IEA-S06", accepts=_LATER),
    Fault(
        "maintenance",
        Layer.ANSWER,
        "page de maintenance (503, Retry-After : 600 s)",
        "IEA-S15",
        accepts=_LATER,
    ),
    Fault(
        "web-page",
        Layer.ANSWER,
        "une page web à la place de la réponse",
        "IEA-S03",
        accepts=_AT,
        shows_updates="IEA-S04",
    ),
    Fault(
        "another-service",
        Layer.ANSWER,
        "un tout autre service répond, en JSON",
        "IEA-S03",
        accepts=_AT,
        shows_updates="IEA-S04",
    ),
    Fault(
        "wrong-clock",
        Layer.ANSWER,
        "l'heure du serveur est fausse (--days, 3 sauf avis)",
        "IEA-L02",
        accepts=("days",),
    ),
    # what the authentication server says
    Fault(
        "issuer-mismatch",
        Layer.DOCUMENT,
        "le document annonce une autre adresse que la sienne",
        "IEA-S10",
        _AUTH,
    ),
    Fault(
        "clear-token-endpoint",
        Layer.DOCUMENT,
        "le document envoie la licence en clair (http)",
        "IEA-S14",
        _AUTH,
    ),
    Fault("no-token", Layer.DOCUMENT, "la réponse ne contient pas de jeton", "IEA-S03", _AUTH),
    Fault("scope-missing", Layer.DOCUMENT, "le jeton est donné sans le droit demandé", "IEA-A01", _AUTH),
    # licence
    Fault(
        "refused",
        Layer.LICENCE,
        "autorisation refusée, quelle que soit la licence",
        "IEA-A01",
        _AUTH,
        ("dialect",),
    ),
    Fault("unknown", Layer.LICENCE, "aucun numéro de licence n'est reconnu", "IEA-A02", _AUTH, ("dialect",)),
    Fault("wrong-key", Layer.LICENCE, "aucune clé de licence n'est reconnue", "IEA-A02", _AUTH, ("dialect",)),
    # signed metadata
    Fault("metadata-expired", Layer.METADATA, "timestamp.json a expiré", "IEA-U01", _UPDATES),
    Fault("snapshot-expired", Layer.METADATA, "snapshot.json a expiré", "IEA-U01", _UPDATES),
    Fault("targets-expired", Layer.METADATA, "targets.json a expiré", "IEA-U01", _UPDATES),
    Fault("root-expired", Layer.METADATA, "la dernière racine a expiré", "IEA-U01", _UPDATES),
    Fault("rolled-back", Layer.METADATA, "une ancienne version est resservie", "IEA-U02", _UPDATES),
    Fault(
        "rolled-back-snapshot",
        Layer.METADATA,
        "timestamp.json désigne un ancien snapshot.json",
        "IEA-U02",
        _UPDATES,
    ),
    Fault(
        "rolled-back-targets",
        Layer.METADATA,
        "snapshot.json désigne un ancien targets.json",
        "IEA-U02",
        _UPDATES,
    ),
    Fault(
        "badly-signed", Layer.METADATA, "timestamp.json est signé d'une clé étrangère", "IEA-U03", _UPDATES
    ),
    Fault(
        "root-badly-signed",
        Layer.METADATA,
        "une nouvelle racine n'est pas signée de l'ancienne",
        "IEA-U03",
        _UPDATES,
    ),
    Fault(
        "altered-timestamp",
        Layer.METADATA,
        "timestamp.json a été modifié après sa signature",
        "IEA-U03",
        _UPDATES,
    ),
    Fault(
        "altered-targets",
        Layer.METADATA,
        "targets.json a été modifié après sa signature",
        "IEA-U03",
        _UPDATES,
    ),
    Fault(
        "mixed-snapshot",
        Layer.METADATA,
        "snapshot.json est celui d'une autre publication",
        "IEA-U03",
        _UPDATES,
    ),
    # files behind the metadata: for the updater, the test of the servers fetches none of them
    Fault("tampered-target", Layer.TARGET, "le fichier a été modifié, à la même longueur", "", _UPDATES),
    Fault("longer-target", Layer.TARGET, "le fichier est plus long que signé", "", _UPDATES),
    Fault("shorter-target", Layer.TARGET, "le fichier est plus court que signé", "", _UPDATES),
    Fault("missing-target", Layer.TARGET, "le fichier a disparu", "", _UPDATES),
    # the proxy between the agent and both servers
    Fault("proxy-password", Layer.PROXY, "le proxy réclame un mot de passe", "IEA-P02", _PROXY),
    Fault("proxy-password-refused", Layer.PROXY, "le proxy refuse tous les mots de passe", "IEA-P04", _PROXY),
    Fault("proxy-ntlm", Layer.PROXY, "le proxy n'accepte que Negotiate ou NTLM", "IEA-P05", _PROXY),
    Fault("proxy-forbids", Layer.PROXY, "le proxy interdit ce serveur (403)", "IEA-P03", _PROXY),
    Fault("proxy-lost", Layer.PROXY, "le proxy ne trouve pas le serveur (503)", "IEA-P03", _PROXY),
    Fault("proxy-stopped", Layer.PROXY, "personne n'écoute sur le port du proxy", "IEA-P01", _PROXY),
    Fault("proxy-silent", Layer.PROXY, "le proxy accepte la connexion, puis plus rien", "IEA-P01", _PROXY),
    Fault("proxy-closed", Layer.PROXY, "le proxy raccroche sans répondre", "IEA-P01", _PROXY),
    Fault("proxy-needed", Layer.PROXY, "les serveurs ne sont joignables que par le proxy", "IEA-P07", _PROXY),
    # the script that says which proxy
    Fault("pac-missing", Layer.SCRIPT, "le script a disparu (404)", "IEA-P06", _PAC),
    Fault("pac-error", Layer.SCRIPT, "le script contient une faute", "IEA-P06", _PAC),
    Fault("pac-slow", Layer.SCRIPT, "le script n'arrive pas à temps", "IEA-P06", _PAC),
    Fault(
        "pac-offered",
        Layer.SCRIPT,
        "le réseau offre un script (WPAD), et seul son proxy mène aux serveurs (dans le banc d'essai seulement)",
        "",
        _PAC,
    ),
    # the name service
    Fault("names-silent", Layer.NAMES, "le service de noms ne répond jamais", "IEA-N03", _NAMES),
    Fault("names-unknown", Layer.NAMES, "le nom du serveur n'existe pas (NXDOMAIN)", "IEA-N02", _NAMES),
    Fault("names-failing", Layer.NAMES, "le service de noms n'y arrive pas (SERVFAIL)", "IEA-N03", _NAMES),
    Fault("names-empty", Layer.NAMES, "le nom existe, sans adresse", "IEA-N02", _NAMES),
    # what was typed: nothing is broken but the address
    Fault("address-quotes", Layer.ADDRESS, "recopiée avec les guillemets de la fiche", "", _ADDRESS),
    Fault("address-spaces", Layer.ADDRESS, "un espace au milieu", "IEA-C02", _ADDRESS),
    Fault("address-no-scheme", Layer.ADDRESS, "sans « https:// »", "", _ADDRESS),
    Fault("address-idn", Layer.ADDRESS, "un nom accentué (IDN)", "", _ADDRESS),
    Fault("address-ipv6", Layer.ADDRESS, "une adresse IPv6 entre crochets", "", _ADDRESS),
    Fault("address-port-out-of-range", Layer.ADDRESS, "un port au-delà de 65535", "IEA-C02", _ADDRESS),
    Fault("address-port-80", Layer.ADDRESS, "le port en clair (« :80 ») derrière https", "IEA-T06", _ADDRESS),
    Fault("address-http", Layer.ADDRESS, "http au lieu de https, au port sécurisé", "IEA-S13", _ADDRESS),
    Fault(
        "address-http-redirect",
        Layer.ADDRESS,
        "http au lieu de https, au port en clair qui renvoie vers https",
        "IEA-S13",
        _ADDRESS,
    ),
    Fault("address-unknown-name", Layer.ADDRESS, "un nom qui n'existe pas", "IEA-N02", _ADDRESS),
    # this machine
    Fault(
        "network-off",
        Layer.NETWORK,
        "plus aucun réseau (dans le banc d'essai seulement)",
        "IEA-N01",
        _NETWORK,
    ),
)

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _CATALOGUE}


def find_fault(part: PartName, how: str, options: Mapping[str, object]) -> ActiveFault:
    """Check a name and its options against the catalogue. Options set to None count as not given.

    Raises UnknownFault.
    """
    if part not in PARTS:
        raise UnknownFault(f"Rien de ce nom : « {part} ». Choix : {', '.join(PARTS)}.")
    fault = FAULTS.get(how if part in SERVERS else f"{part}-{how}")
    if fault is None:
        raise UnknownFault(f"Panne inconnue : « {how} ». La liste est donnée par iea-sandbox --help.")
    if part not in fault.parts:
        raise UnknownFault(f"La panne « {how} » n'existe que pour : {', '.join(fault.parts)}.")
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        if name not in fault.accepts:
            raise UnknownFault(f"La panne « {how} » n'a pas d'option « {name.replace('_', '-')} ».")
        wanted = int if name in ("retry_after", "days") else str
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise UnknownFault(f"L'option « {name.replace('_', '-')} » n'accepte pas {value!r}.")
    if given.get("dialect", DIALECTS[0]) not in DIALECTS:
        raise UnknownFault(f"Dialecte inconnu : « {given['dialect']} ». Choix : {', '.join(DIALECTS)}.")
    return ActiveFault(fault, FaultOptions(**given))  # type: ignore[arg-type]  # names and types were checked just above


def describe_faults() -> str:
    """The catalogue as text, one heading per layer."""
    lines: list[str] = []
    for layer in Layer:
        faults = [fault for fault in _CATALOGUE if fault.layer is layer]
        where = {part: None for fault in faults for part in fault.parts}
        lines.append(f"\n{layer.value[0].upper()}{layer.value[1:]} (break {'|'.join(where)}) :")
        lines += [f"  {fault.how:<22} {fault.description}" for fault in faults]
    return "\n".join(lines).lstrip("\n")


OPTION_NAMES: tuple[str, ...] = tuple(field.name for field in fields(FaultOptions))
