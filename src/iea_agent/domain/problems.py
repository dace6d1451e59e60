"""The catalogue of problems, with the texts that a person reads about each.

Each problem is declared once, as a constant of this module; failures refer to it. The fields *depends_on* and *patience* follow Tailscale's health
warnings; the words are those of the product's own sheets.

Codes are stable: the support desk, the pages in ``docs/problemes/`` and clerks' e-mails use them. A code is never used again for another problem.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from .evidence import (
    CertificateHosts,
    ClockConfirmed,
    ClockOffset,
    DeclaredIssuer,
    Evidence,
    FileInvolved,
    InterceptedBy,
    MalformedAddress,
    PageTitle,
    PortalPage,
    ProxyInvolved,
    ProxyScript,
    RedirectTarget,
    RefusalGround,
    ResolvedAddress,
    SignInWanted,
    TokenEndpoint,
)


def N_(text: str) -> str:
    """Mark *text* for translation; the shell translates it when it is shown."""
    return text


class Group(Enum):
    """The letter in a problem's code, in the order of the pages."""

    CONFIGURATION = "C"
    NETWORK = "N"
    PROXY = "P"
    CERTIFICATE = "T"
    SERVER_ANSWER = "S"
    UPDATES = "U"
    AUTHORISATION = "A"
    THIS_PC = "L"


class Severity(Enum):
    """How much of the clerk's work is stopped."""

    HIGH = "high"  # Impact emploi cannot be used
    MEDIUM = "medium"  # something does not work; payslips can still be made
    LOW = "low"  # worth knowing


class Retry(Enum):
    """When to try again after a failure; ``timing.next_try`` has the seconds."""

    BACKOFF = "backoff"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    ON_CHANGE = "on-change"


class Actor(Enum):
    """Who can solve it. The value goes into JSON; the sentence is in ``ACTORS``."""

    YOU = "you"
    NETWORK = "network"
    IT = "it"
    URSSAF = "urssaf"


ACTORS = {
    Actor.YOU: N_("Vous pouvez agir vous-même."),
    Actor.NETWORK: N_("À voir du côté de votre box, de votre Wi-Fi ou de votre fournisseur d'accès."),
    Actor.IT: N_("À voir avec la personne qui s'occupe de votre informatique."),
    Actor.URSSAF: N_("À voir avec l'assistance Impact emploi."),
}

SUPPORT_ADDRESS = "impact-emploi-association@urssaf.fr"
SUPPORT_SUBJECT = "Serveur de connexion 3.00.XX"
"""The subject of a message to the support desk, as the sheet prescribes it."""

LOST_CONNECTION_PATIENCE = 10.0
"""Seconds for which a connection must have failed before the heart is shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """One entry of the catalogue.

    - *title* fits a balloon's title (63 UTF-16 units), *text* says what is wrong, *advice* says what to do now.
    - *depends_on*: problems that explain this one. If one of them holds, this one is a consequence and is not shown.
    - *patience*: how many seconds attempts may fail this way before the failure is shown; 0 means at once.
    - *evidence*: the type that its failures can carry.
    - *retry*: when to try again.
    - *is_variant*: another case of the problem with this code, which has other words or another actor.
    - *repairable*: whether another address or another route may solve it.
    """

    code: str
    severity: Severity
    actor: Actor
    title: str
    text: str
    advice: str
    depends_on: tuple[Problem, ...] = ()
    patience: float = 0.0
    evidence: type[Evidence] | None = None
    retry: Retry = Retry.BACKOFF
    repairable: bool = True
    is_variant: bool = False

    @property
    def group(self) -> Group:
        """The group that the letter of the code names."""
        return Group(self.code[4])

    @property
    def is_refusal(self) -> bool:
        """Whether the server was reached and refused this licence."""
        return self.group is Group.AUTHORISATION

    def __post_init__(self) -> None:
        if self.is_variant:
            _variants.setdefault(self.code, []).append(self)
            return
        if self.code in _declared:
            raise ValueError(f"{self.code} is declared twice")
        _declared[self.code] = self

    def __str__(self) -> str:
        return self.code


_declared: dict[str, Problem] = {}
_variants: dict[str, list[Problem]] = {}

MEANWHILE = N_("En attendant, le mode assistance permet d'utiliser Impact emploi.")
"""How an advice ends if only support can help; left out where it has just been said."""
_SUPPORT = N_(
    "Contactez l'assistance (impact-emploi-association@urssaf.fr) en indiquant le code affiché. En attendant, le mode assistance permet "
    "d'utiliser Impact emploi."
)
_TRY_AGAIN = N_(
    "La connexion est retentée automatiquement. Si la panne dure, contactez l'assistance (impact-emploi-association@urssaf.fr) en indiquant le code "
    "affiché. En attendant, le mode assistance permet d'utiliser Impact emploi."
)
_ANOTHER_NETWORK = N_(
    "Essayez un autre réseau. Si cela marche, montrez ce message à la personne qui s'occupe de votre informatique ; sinon, "
    "contactez l'assistance (impact-emploi-association@urssaf.fr) en indiquant le code affiché."
)

# First the problems that explain others.

NO_NETWORK = Problem(
    "IEA-N01",
    Severity.HIGH,
    Actor.NETWORK,
    title="Pas de réseau",
    text="Cet ordinateur n'est relié à aucun réseau.",
    advice=(
        "Vérifiez que le Wi-Fi est activé ou que le câble réseau est branché, que le mode avion est désactivé et que votre box est allumée. La "
        "connexion se rétablit ensuite automatiquement."
    ),
    patience=LOST_CONNECTION_PATIENCE,
    repairable=False,
)

CAPTIVE_PORTAL = Problem(
    "IEA-N07",
    Severity.HIGH,
    Actor.YOU,
    title="Page d'accueil Wi-Fi à valider",
    text="Ce réseau Wi-Fi affiche sa page d'accueil au lieu d'ouvrir l'accès à internet.",
    advice=(
        "Ouvrez un site internet : la page d'accueil du réseau s'affiche. Acceptez ses conditions ou identifiez-vous ; la connexion se rétablit "
        "ensuite automatiquement."
    ),
    depends_on=(NO_NETWORK,),
    patience=LOST_CONNECTION_PATIENCE,
    evidence=PortalPage,
    repairable=False,
)

PROXY_NEEDED = Problem(
    "IEA-P07",
    Severity.HIGH,
    Actor.YOU,
    title="Ce réseau exige un proxy",
    text="Sur ce réseau, le serveur n'est pas joignable directement, mais il l'est par le proxy réglé dans Windows.",
    advice="Dans « Paramètres de connexion », choisissez le proxy « Celui de Windows », puis enregistrez.",
    depends_on=(NO_NETWORK,),
    patience=LOST_CONNECTION_PATIENCE,
)

CLOCK_WRONG = Problem(
    "IEA-L02",
    Severity.MEDIUM,
    Actor.YOU,
    title="Heure de cet ordinateur à vérifier",
    text="L'heure de cet ordinateur et celle du serveur diffèrent de plus de cinq minutes.",
    advice=(
        "Comparez l'heure de cet ordinateur avec celle de votre téléphone. Si elle est fausse : clic droit sur l'heure, « Ajuster la date et "
        "l'heure », « Synchroniser maintenant ». Si elle est juste, celle du serveur est fausse : contactez l'assistance."
    ),
    patience=LOST_CONNECTION_PATIENCE,
    evidence=ClockOffset,
)

NAME_BLOCKED = Problem(
    "IEA-N08",
    Severity.HIGH,
    Actor.IT,
    title="Nom du serveur bloqué",
    text="Le service de noms (DNS) de ce réseau, ou un filtre de cet ordinateur, bloque le nom du serveur.",
    advice=(
        "Demandez à la personne qui s'occupe de votre informatique d'autoriser le nom du serveur dans le filtrage DNS (box, contrôle parental, "
        "antivirus ou fichier « hosts »)."
    ),
    depends_on=(NO_NETWORK,),
    patience=LOST_CONNECTION_PATIENCE,
    evidence=ResolvedAddress,
)

PROXY_SCRIPT_UNUSABLE = Problem(
    "IEA-P06",
    Severity.HIGH,
    Actor.IT,
    title="Script de proxy inutilisable",
    text="Windows doit choisir le proxy d'après un script (PAC) introuvable ou en erreur, et sans proxy le serveur n'est pas joint non plus.",
    advice=(
        "Au bureau, ou avec un VPN à connecter, signalez ce message à la personne qui s'occupe de votre informatique. Ailleurs, le script n'est pas en "
        "cause : ouvrez un site internet pour vérifier votre connexion."
    ),
    depends_on=(NO_NETWORK, CAPTIVE_PORTAL, NAME_BLOCKED),
    patience=LOST_CONNECTION_PATIENCE,
    evidence=ProxyScript,
)

_IN_ITS_PLACE = (CAPTIVE_PORTAL, NAME_BLOCKED)
"""The problems that explain why something else answers in place of the server."""
_THE_WAY = (NO_NETWORK, *_IN_ITS_PLACE, PROXY_NEEDED, PROXY_SCRIPT_UNUSABLE)
"""The problems that explain why a server cannot be reached."""

# The others, by code.

NOT_CONFIGURED = Problem(
    "IEA-C01",
    Severity.HIGH,
    Actor.YOU,
    title="Ce poste n'est pas encore configuré",
    text="Aucune licence d'installation n'est enregistrée sur ce poste.",
    advice="Dans « Paramètres de connexion », saisissez le numéro et la clé de licence reçus de l'assistance, puis cliquez sur « Enregistrer ».",
    retry=Retry.ON_CHANGE,
    repairable=False,
)

ADDRESS_MALFORMED = Problem(
    "IEA-C02",
    Severity.HIGH,
    Actor.YOU,
    title="Adresse de serveur mal écrite",
    text="L'adresse du serveur ne peut pas être comprise.",
    advice=(
        "Dans « Paramètres de connexion », corrigez l'adresse signalée. L'adresse habituelle du serveur d'authentification est "
        "« https://impact-emploi.urssaf.fr »."
    ),
    evidence=MalformedAddress,
    retry=Retry.ON_CHANGE,
)

VAULT_UNAVAILABLE = Problem(
    "IEA-C03",
    Severity.HIGH,
    Actor.IT,
    title="Coffre-fort du système inaccessible",
    text="La clé de licence est gardée dans le coffre-fort de votre système (le Gestionnaire d'identification de Windows), qui ne répond pas.",
    advice=(
        "Fermez puis rouvrez votre session Windows. Si le problème reste, faites vérifier le Gestionnaire d'identification par la personne qui "
        "s'occupe de votre informatique. La clé n'est jamais écrite ailleurs."
    ),
    repairable=False,
)

SETTINGS_UNREADABLE = Problem(
    "IEA-C04",
    Severity.MEDIUM,
    Actor.IT,
    title="Paramètre refusé",
    text="Un fichier de paramètres contient une erreur ; la valeur refusée est remplacée par la dernière valeur valable.",
    advice="Ouvrez « Paramètres de connexion » : la ligne refusée y est nommée. Vérifiez les valeurs, puis enregistrez. Rien n'est effacé.",
)

SENT_IN_CLEAR = Problem(
    "IEA-C05",
    Severity.HIGH,
    Actor.YOU,
    title="Adresse non sécurisée",
    text="L'adresse commence par « http:// » : elle n'est pas sécurisée, et la clé de licence n'est jamais envoyée en clair.",
    advice="Dans « Paramètres de connexion », cochez « Sécurisé », puis enregistrez.",
)

CA_FILE_UNREADABLE = Problem(
    "IEA-C06",
    Severity.HIGH,
    Actor.IT,
    title="Fichier de certificats introuvable ou illisible",
    text=(
        "Un fichier de certificats supplémentaires a été indiqué pour ce poste. Il ne peut pas être lu, ou sa liste de révocation n'est plus à "
        "jour."
    ),
    advice="Signalez ce message à la personne qui s'occupe de votre informatique : le chemin du fichier est dans les détails.",
    evidence=FileInvolved,
    repairable=False,
)

POLICY_UNUSABLE = Problem(
    "IEA-C07",
    Severity.MEDIUM,
    Actor.IT,
    title="Règles de l'administrateur en défaut",
    text="Un fichier de l'administrateur de ce poste contient une erreur, ou d'autres personnes que lui peuvent le modifier.",
    advice=(
        "Signalez ce message à la personne qui s'occupe de votre informatique : « Paramètres de connexion » et « iea-agent diagnose » nomment "
        "ce fichier. Rien n'est effacé."
    ),
    evidence=FileInvolved,
    repairable=False,
)

NAME_UNKNOWN = Problem(
    "IEA-N02",
    Severity.HIGH,
    Actor.YOU,
    title="Serveur introuvable",
    text="Le nom du serveur n'existe pas, ou votre connexion à internet est coupée.",
    advice=(
        "Ouvrez un site internet, par exemple www.urssaf.fr. S'il ne s'affiche pas, redémarrez votre box. S'il s'affiche, vérifiez l'adresse "
        "dans « Paramètres de connexion » : une faute de frappe suffit."
    ),
    depends_on=_THE_WAY,
    patience=LOST_CONNECTION_PATIENCE,
)

NAME_SERVER_SILENT = Problem(
    "IEA-N03",
    Severity.HIGH,
    Actor.NETWORK,
    title="Le service de noms ne répond pas",
    text="Votre réseau n'a pas indiqué l'adresse du serveur, ou pas à temps (service de noms, ou DNS).",
    advice=(
        "C'est souvent passager : attendez une minute. Sinon, redémarrez votre box ou essayez un autre réseau. Si d'autres sites s'ouvrent, "
        "faites vérifier le DNS de ce poste par la personne qui s'occupe de votre informatique."
    ),
    depends_on=_THE_WAY,
    patience=LOST_CONNECTION_PATIENCE,
)

NAME_WITHOUT_IPV4 = Problem(
    "IEA-N09",
    Severity.HIGH,
    Actor.YOU,
    title="Le serveur n'a pas d'adresse IPv4",
    text="Sur ce réseau, le serveur n'a pas d'adresse IPv4, et le réglage « IPv4 seulement » interdit les autres.",
    advice=(
        "Dans « Paramètres de connexion », décochez « IPv4 seulement », puis enregistrez. S'il est grisé, votre administrateur l'a fixé : montrez-lui "
        "ce message."
    ),
    depends_on=_THE_WAY,
    patience=LOST_CONNECTION_PATIENCE,
)

TOKEN_HOST_UNREACHABLE = Problem(
    "IEA-N10",
    Severity.HIGH,
    Actor.URSSAF,
    title="Le serveur renvoie vers un ordinateur injoignable",
    text="Le serveur d'authentification répond, mais il demande d'envoyer la licence à un autre ordinateur, qui ne répond pas.",
    advice=(
        "Contactez l'assistance (impact-emploi-association@urssaf.fr) en indiquant le code et l'adresse affichés. Si un pare-feu filtre votre réseau, "
        "faites-y autoriser cette adresse. En attendant, le mode assistance permet d'utiliser Impact emploi."
    ),
    patience=LOST_CONNECTION_PATIENCE,
    evidence=TokenEndpoint,
)

CONNECTION_REFUSED = Problem(
    "IEA-N04",
    Severity.HIGH,
    Actor.URSSAF,
    title="Le serveur refuse la connexion",
    text="Le serveur est joignable mais refuse la connexion : le service est arrêté, ou le numéro de port de l'adresse est faux.",
    advice=(
        "La connexion est retentée automatiquement. Si la panne dure, testez les serveurs dans « Paramètres de connexion » et contactez "
        "l'assistance (impact-emploi-association@urssaf.fr). En attendant, le mode assistance permet d'utiliser Impact emploi."
    ),
    depends_on=_THE_WAY,
    patience=LOST_CONNECTION_PATIENCE,
)

CONNECTION_UNANSWERED = Problem(
    "IEA-N05",
    Severity.HIGH,
    Actor.NETWORK,
    title="Le serveur ne répond pas",
    text="Aucune réponse du serveur : il est arrêté, ou un pare-feu bloque la connexion.",
    advice=(
        "Ouvrez un site internet pour vérifier votre connexion. Si elle fonctionne et que cela dure, faites autoriser l'adresse du serveur dans "
        "le pare-feu et l'antivirus. En attendant, le mode assistance permet d'utiliser Impact emploi."
    ),
    depends_on=_THE_WAY,
    patience=LOST_CONNECTION_PATIENCE,
)

CONNECTION_CUT = Problem(
    "IEA-N06",
    Severity.HIGH,
    Actor.NETWORK,
    title="Connexion interrompue pendant l'échange",
    text="La connexion au serveur a été coupée pendant l'échange.",
    advice=_TRY_AGAIN,
    depends_on=_THE_WAY,
    patience=LOST_CONNECTION_PATIENCE,
)

PROXY_UNREACHABLE = Problem(
    "IEA-P01",
    Severity.HIGH,
    Actor.IT,
    title="Serveur mandataire (proxy) injoignable",
    text="Le serveur mandataire (proxy) par lequel ce poste doit passer ne répond pas.",
    advice=(
        "Si votre réseau n'a pas de proxy, choisissez « Aucun » dans « Paramètres de connexion » et enregistrez. S'il en a un, montrez ce "
        "message à la personne qui s'occupe de votre informatique."
    ),
    depends_on=(NO_NETWORK,),
    patience=LOST_CONNECTION_PATIENCE,
    evidence=ProxyInvolved,
)

PROXY_WANTS_PASSWORD = Problem(
    "IEA-P02",
    Severity.HIGH,
    Actor.IT,
    title="Le proxy demande un mot de passe",
    text="Le serveur mandataire (proxy) de votre réseau exige une identification.",
    advice=(
        "Demandez à la personne qui s'occupe de votre informatique le nom d'utilisateur et le mot de passe du proxy, puis saisissez-les dans "
        "« Paramètres de connexion »."
    ),
    evidence=ProxyInvolved,
)

OFFERED_PROXY_WANTS_PASSWORD = Problem(
    "IEA-P02",
    Severity.HIGH,
    Actor.IT,
    title="Le proxy demande un mot de passe",
    text=(
        "Un serveur mandataire (proxy) que le réseau désigne lui-même demande un mot de passe. Aucun ne lui est donné : n'importe quel Wi-Fi peut en "
        "désigner un."
    ),
    advice=(
        "Au bureau : demandez l'adresse du proxy à la personne qui s'occupe de votre informatique, choisissez « À l'adresse suivante » dans "
        "« Paramètres de connexion » et saisissez-la. Ailleurs : changez de réseau."
    ),
    evidence=ProxyInvolved,
    is_variant=True,
)

PROXY_REFUSES = Problem(
    "IEA-P03",
    Severity.HIGH,
    Actor.IT,
    title="Le proxy refuse ce serveur",
    text="Le serveur mandataire (proxy) de votre réseau n'a pas laissé passer la connexion vers ce serveur.",
    advice="Demandez à la personne qui s'occupe de votre informatique d'autoriser l'adresse du serveur dans le proxy.",
    patience=LOST_CONNECTION_PATIENCE,
    evidence=ProxyInvolved,
)

PROXY_REFUSES_PASSWORD = Problem(
    "IEA-P04",
    Severity.HIGH,
    Actor.YOU,
    title="Le proxy refuse le mot de passe",
    text="Le serveur mandataire (proxy) n'accepte pas le nom d'utilisateur ou le mot de passe enregistrés.",
    advice=(
        "Saisissez-les de nouveau dans « Paramètres de connexion » : ce sont souvent ceux de votre session, et le mot de passe a pu changer. "
        "S'ils sont justes, voyez avec la personne qui s'occupe de votre informatique."
    ),
    evidence=ProxyInvolved,
    retry=Retry.REFUSED,
)

PROXY_SIGN_IN_UNKNOWN = Problem(
    "IEA-P05",
    Severity.HIGH,
    Actor.IT,
    title="Identification du proxy non prise en charge",
    text="Le serveur mandataire (proxy) demande une forme d'identification qui n'est pas prise en charge.",
    advice=(
        "Demandez à la personne qui s'occupe de votre informatique d'autoriser l'adresse du serveur sans identification, "
        "ou avec un simple nom d'utilisateur et mot de passe."
    ),
    evidence=SignInWanted,
)

SERVER_OUT_OF_PROXYS_REACH = Problem(
    "IEA-P08",
    Severity.HIGH,
    Actor.URSSAF,
    title="Le proxy ne joint pas le serveur",
    text="Le serveur mandataire (proxy) de votre réseau répond, mais il n'arrive pas à joindre le serveur.",
    advice=(
        "Ouvrez un site internet. Si aucun ne s'ouvre, prévenez la personne qui s'occupe de votre informatique. Sinon, le serveur est sans doute "
        "arrêté : un nouvel essai est automatique. En attendant, le mode assistance permet d'utiliser Impact emploi."
    ),
    depends_on=(NO_NETWORK,),
    patience=LOST_CONNECTION_PATIENCE,
    evidence=ProxyInvolved,
)

NO_PROXY_THERE = Problem(
    "IEA-P09",
    Severity.HIGH,
    Actor.YOU,
    title="L'adresse du proxy n'est pas celle d'un proxy",
    text="Ce qui répond à l'adresse du proxy n'est pas un proxy : c'est sans doute un site internet, une box ou un appareil du réseau.",
    advice=(
        "Si votre réseau n'a pas de proxy, choisissez « Aucun » dans « Paramètres de connexion » et enregistrez. S'il en a un, demandez son adresse "
        "et son port à la personne qui s'occupe de votre informatique."
    ),
    depends_on=(NO_NETWORK,),
    patience=LOST_CONNECTION_PATIENCE,
    evidence=ProxyInvolved,
)

PROXY_SENDS_TO_PAGE = Problem(
    "IEA-P10",
    Severity.HIGH,
    Actor.YOU,
    title="Le proxy renvoie vers une page internet",
    text=(
        "Le serveur mandataire (proxy) renvoie vers une page : elle demande sans doute de vous identifier, ou annonce que le serveur "
        "est bloqué."
    ),
    advice=(
        "Ouvrez un site internet et identifiez-vous si une page le demande ; la connexion se rétablit ensuite automatiquement. Si rien n'est demandé, "
        "montrez ce message à la personne qui s'occupe de votre informatique."
    ),
    depends_on=(NO_NETWORK,),
    patience=LOST_CONNECTION_PATIENCE,
    evidence=PortalPage,
)

PROXY_MAKES_NO_CONNECTION = Problem(
    "IEA-P11",
    Severity.HIGH,
    Actor.IT,
    title="Le proxy n'ouvre pas la connexion",
    text="Le serveur mandataire (proxy) de votre réseau a répondu, mais sans ouvrir la connexion vers le serveur.",
    advice=(
        "La connexion est retentée automatiquement. Si la panne dure, montrez ce message à la personne qui s'occupe de votre informatique : la réponse "
        "du proxy est dans les détails."
    ),
    depends_on=(NO_NETWORK,),
    patience=LOST_CONNECTION_PATIENCE,
    evidence=ProxyInvolved,
)

NAME_UNKNOWN_TO_PROXY = Problem(
    "IEA-P12",
    Severity.HIGH,
    Actor.YOU,
    title="Le proxy ne trouve pas le serveur",
    text="Le serveur mandataire (proxy) de votre réseau ne trouve pas le nom du serveur.",
    advice=(
        "Vérifiez l'adresse dans « Paramètres de connexion » : une faute de frappe suffit. Si elle est juste, prévenez la personne qui s'occupe de "
        "votre informatique."
    ),
    depends_on=(NO_NETWORK,),
    patience=LOST_CONNECTION_PATIENCE,
    evidence=ProxyInvolved,
)

CERTIFICATE_EXPIRED = Problem(
    "IEA-T01",
    Severity.HIGH,
    Actor.URSSAF,
    title="Certificat du serveur expiré",
    text="Le certificat du serveur, ou celui d'une autorité qui le garantit, n'est plus valable à la date de cet ordinateur.",
    advice=(
        "Vérifiez d'abord la date et l'heure de cet ordinateur. Si elles sont justes, contactez l'assistance "
        "(impact-emploi-association@urssaf.fr) en indiquant le code affiché. En attendant, le mode assistance permet d'utiliser Impact emploi."
    ),
    depends_on=(CLOCK_WRONG, *_IN_ITS_PLACE),
    patience=LOST_CONNECTION_PATIENCE,
    evidence=ClockConfirmed,
)

CERTIFICATE_NOT_YET_VALID = Problem(
    "IEA-T02",
    Severity.HIGH,
    Actor.YOU,
    title="Certificat du serveur pas encore valable",
    text="Le certificat du serveur n'est pas encore valable à la date de cet ordinateur : l'horloge est sans doute en retard.",
    advice=(
        "Mettez cet ordinateur à l'heure : clic droit sur l'heure, en bas à droite de l'écran, « Ajuster la date et l'heure », puis "
        "« Synchroniser maintenant ». Relancez ensuite l'authentification."
    ),
    depends_on=(CLOCK_WRONG, *_IN_ITS_PLACE),
    patience=LOST_CONNECTION_PATIENCE,
)

CERTIFICATE_OF_ANOTHER = Problem(
    "IEA-T03",
    Severity.HIGH,
    Actor.YOU,
    title="Certificat d'un autre serveur",
    text="Le serveur présente un certificat établi pour un autre nom que l'adresse saisie.",
    advice=(
        "Vérifiez l'adresse dans « Paramètres de connexion ». Si elle est juste, un autre appareil répond peut-être à la place du serveur : "
        "essayez un autre réseau, puis contactez l'assistance."
    ),
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
    evidence=CertificateHosts,
)

CERTIFICATE_SELF_SIGNED = Problem(
    "IEA-T04",
    Severity.HIGH,
    Actor.IT,
    title="Certificat auto-signé",
    text="Le serveur présente un certificat que personne n'a garanti : un autre appareil répond peut-être à sa place.",
    advice=(
        "Vérifiez l'adresse dans « Paramètres de connexion ». Si elle est juste, essayez un autre réseau et montrez ce message à la personne qui "
        "s'occupe de votre informatique."
    ),
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
)

CERTIFICATE_AUTHORITY_UNKNOWN = Problem(
    "IEA-T05",
    Severity.HIGH,
    Actor.IT,
    title="Certificat d'une autorité inconnue",
    text="Le certificat du serveur est garanti par une autorité que cet ordinateur ne connaît pas.",
    advice=(
        "Un antivirus ou le réseau de votre organisme inspecte peut-être les connexions. Essayez un autre réseau et montrez ce message à la "
        "personne qui s'occupe de votre informatique."
    ),
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
)

PORT_WITHOUT_TLS = Problem(
    "IEA-T06",
    Severity.HIGH,
    Actor.YOU,
    title="Numéro de port incorrect pour une adresse https",
    text="L'adresse commence par « https:// », mais le numéro de port indiqué n'accepte pas les connexions sécurisées.",
    advice=(
        "Dans « Paramètres de connexion », retirez le numéro de port (« :80 ») à la fin de l'adresse, puis enregistrez. S'il n'y en a pas, un appareil "
        "répond peut-être à la place du serveur : essayez un autre réseau."
    ),
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
)

TLS_TOO_OLD = Problem(
    "IEA-T07",
    Severity.HIGH,
    Actor.URSSAF,
    title="Chiffrement trop ancien",
    text="Le serveur, ou un appareil sur le chemin, ne connaît qu'un chiffrement dépassé, que ce poste refuse (il faut TLS 1.2 au moins).",
    advice=_SUPPORT,
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
)

TLS_INTERRUPTED = Problem(
    "IEA-T08",
    Severity.HIGH,
    Actor.NETWORK,
    title="Connexion sécurisée impossible",
    text="La connexion a été interrompue pendant la mise en place du chiffrement.",
    advice="Un pare-feu ou un antivirus coupe peut-être la connexion. Essayez un autre réseau ; sinon, contactez l'assistance.",
    depends_on=_THE_WAY,
    patience=LOST_CONNECTION_PATIENCE,
)

CLIENT_CERTIFICATE_WANTED = Problem(
    "IEA-T09",
    Severity.HIGH,
    Actor.URSSAF,
    title="Le serveur exige un certificat du poste",
    text="Le serveur demande à ce poste un certificat qu'il n'a pas.",
    advice="Vérifiez l'adresse dans « Paramètres de connexion ». Si elle est juste, contactez l'assistance en indiquant le code affiché.",
    patience=LOST_CONNECTION_PATIENCE,
)

CERTIFICATE_NOT_PINNED = Problem(
    "IEA-T20",
    Severity.HIGH,
    Actor.IT,
    title="Certificat différent de celui attendu",
    text="Le certificat du serveur est reconnu par Windows, mais ce n'est pas celui que votre administrateur exige ; rien n'a été envoyé.",
    advice=(
        "Essayez un autre réseau : si cela marche, quelque chose ouvre les connexions sécurisées de celui-ci. Sinon, montrez ce message à la personne "
        "qui s'occupe de votre informatique : le certificat a peut-être été renouvelé."
    ),
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
)

CERTIFICATE_REVOKED = Problem(
    "IEA-T10",
    Severity.HIGH,
    Actor.URSSAF,
    title="Certificat du serveur révoqué",
    text="Le certificat du serveur a été annulé par l'autorité qui l'avait établi.",
    advice=_SUPPORT,
    patience=LOST_CONNECTION_PATIENCE,
)

CERTIFICATE_CHAIN_INCOMPLETE = Problem(
    "IEA-T11",
    Severity.HIGH,
    Actor.URSSAF,
    title="Certificat du serveur incomplet",
    text="Le serveur présente son certificat sans celui de l'autorité intermédiaire qu'il nomme : rien ne permet donc de le vérifier.",
    advice=_SUPPORT,
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
)

INTERCEPTED = Problem(
    "IEA-T12",
    Severity.HIGH,
    Actor.IT,
    title="Connexion sécurisée interceptée",
    text=(
        "Un antivirus ou un appareil de votre réseau ouvre les connexions sécurisées et présente son propre certificat à la place de celui du serveur. "
        "Ce poste ne se connecte pas, car ce produit pourrait lire la clé de licence."
    ),
    advice=(
        "Montrez ce message à la personne qui s'occupe de votre informatique : l'adresse du serveur est à ajouter aux exceptions de ce produit."
    ),
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
    evidence=InterceptedBy,
)

CERTIFICATE_TOO_WEAK = Problem(
    "IEA-T13",
    Severity.HIGH,
    Actor.URSSAF,
    title="Certificat du serveur trop faible",
    text=(
        "Le certificat du serveur, ou celui d'une autorité qui le garantit, a une clé trop courte ou une signature dépassée (MD5, SHA-1)."
    ),
    advice=_ANOTHER_NETWORK,
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
)

CERTIFICATE_IRREGULAR = Problem(
    "IEA-T14",
    Severity.HIGH,
    Actor.URSSAF,
    title="Certificat du serveur mal établi",
    text="Le certificat du serveur, ou celui d'une autorité qui le garantit, ne respecte pas les règles : il n'est pas accepté.",
    advice=_ANOTHER_NETWORK,
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
    evidence=ClockConfirmed,
)

CERTIFICATE_PROVES_NOTHING = Problem(
    "IEA-T15",
    Severity.HIGH,
    Actor.IT,
    title="Certificat non valable pour ce serveur",
    text=(
        "Le certificat présenté ne prouve pas que c'est bien ce serveur : fausse signature, autre usage, ou autorité qui n'a pas le droit de "
        "l'établir."
    ),
    advice=(
        "Un autre appareil répond peut-être à la place du serveur : la connexion est refusée. Essayez un autre réseau et montrez ce message à la "
        "personne qui s'occupe de votre informatique."
    ),
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
)

CERTIFICATE_REFUSED = Problem(
    "IEA-T16",
    Severity.HIGH,
    Actor.IT,
    title="Certificat du serveur refusé",
    text="Cet ordinateur n'accepte pas le certificat du serveur. La raison donnée par le système est dans les détails du test.",
    advice=(
        "Essayez un autre réseau et montrez ce message à la personne qui s'occupe de votre informatique. Si cela échoue partout, contactez "
        "l'assistance (impact-emploi-association@urssaf.fr)."
    ),
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
)

NO_COMMON_CIPHER = Problem(
    "IEA-T17",
    Severity.HIGH,
    Actor.URSSAF,
    title="Aucun chiffrement en commun",
    text="Le serveur, ou un appareil sur le chemin, n'accepte aucun des procédés de chiffrement que ce poste propose.",
    advice=_ANOTHER_NETWORK,
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
)

HANDSHAKE_REFUSED = Problem(
    "IEA-T18",
    Severity.HIGH,
    Actor.URSSAF,
    title="Le serveur n'arrive pas à sécuriser la connexion",
    text="Le serveur, ou un appareil qui répond à sa place, a interrompu lui-même la mise en place du chiffrement.",
    advice=_TRY_AGAIN,
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
)

SERVER_NAME_UNKNOWN = Problem(
    "IEA-T19",
    Severity.HIGH,
    Actor.YOU,
    title="Le serveur ne connaît pas ce nom",
    text="Un serveur répond à cette adresse, mais il ne connaît pas le nom demandé et refuse la connexion sécurisée.",
    advice=(
        "Vérifiez l'adresse dans « Paramètres de connexion ». Si elle est juste, contactez l'assistance (impact-emploi-association@urssaf.fr) en "
        "indiquant le code affiché."
    ),
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
)

ANSWER_LATE = Problem(
    "IEA-S01",
    Severity.HIGH,
    Actor.URSSAF,
    title="Le serveur tarde à répondre",
    text="La connexion est établie, mais le serveur n'a pas répondu à temps.",
    advice=_TRY_AGAIN,
    patience=LOST_CONNECTION_PATIENCE,
)

ANSWER_CUT = Problem(
    "IEA-S02",
    Severity.HIGH,
    Actor.URSSAF,
    title="Réponse du serveur interrompue",
    text="Le serveur a fermé la connexion avant la fin de sa réponse.",
    advice=_TRY_AGAIN,
    patience=LOST_CONNECTION_PATIENCE,
)

NOT_AN_AUTHENTICATION_SERVER = Problem(
    "IEA-S03",
    Severity.HIGH,
    Actor.YOU,
    title="Ce n'est pas un serveur d'authentification",
    text="Un serveur répond à cette adresse, mais ce n'est pas un serveur d'authentification.",
    advice=(
        "Vérifiez l'adresse du serveur d'authentification dans « Paramètres de connexion ». Sur un Wi-Fi public, ouvrez d'abord une page "
        "internet pour accepter ses conditions."
    ),
    evidence=PageTitle,
)

NOT_AN_UPDATE_SERVER = Problem(
    "IEA-S04",
    Severity.MEDIUM,
    Actor.YOU,
    title="Ce n'est pas un serveur de mise à jour",
    text="Un serveur répond à cette adresse, mais ce n'est pas un serveur de mise à jour.",
    advice="Vérifiez l'adresse du serveur de mise à jour dans « Paramètres de connexion » : elle se termine d'habitude par « /updates ».",
    evidence=PageTitle,
)

REDIRECTED = Problem(
    "IEA-S05",
    Severity.HIGH,
    Actor.YOU,
    title="Le serveur renvoie vers une autre adresse",
    text="Le serveur indique une autre adresse ; par sécurité, elle n'est pas suivie.",
    advice="Vérifiez l'adresse dans « Paramètres de connexion ». Sur un Wi-Fi public, ouvrez d'abord une page internet pour accepter ses conditions.",
    depends_on=(CAPTIVE_PORTAL,),
    evidence=RedirectTarget,
)

SERVER_UNAVAILABLE = Problem(
    "IEA-S06",
    Severity.HIGH,
    Actor.URSSAF,
    title="Serveur momentanément indisponible",
    text="Le serveur signale qu'il est momentanément indisponible (panne ou maintenance).",
    advice=_TRY_AGAIN,
    patience=LOST_CONNECTION_PATIENCE,
    retry=Retry.UNAVAILABLE,
)

TOO_MANY_REQUESTS = Problem(
    "IEA-S07",
    Severity.HIGH,
    Actor.URSSAF,
    title="Trop de demandes",
    text="Le serveur a reçu trop de demandes et demande de patienter.",
    advice="Attendez : la connexion est retentée automatiquement, au moment demandé par le serveur. Relancer l'authentification plus tôt n'y change "
    "rien.",
    patience=LOST_CONNECTION_PATIENCE,
    retry=Retry.UNAVAILABLE,
)

FORBIDDEN = Problem(
    "IEA-S08",
    Severity.HIGH,
    Actor.IT,
    title="Accès interdit",
    text="Le serveur, ou un filtre de votre réseau, interdit l'accès à cette adresse.",
    advice=(
        "Vérifiez l'adresse dans « Paramètres de connexion ». Si elle est juste, demandez à la personne qui s'occupe de votre informatique si un "
        "filtre internet bloque ce serveur."
    ),
)

NOTHING_THERE = Problem(
    "IEA-S09",
    Severity.HIGH,
    Actor.YOU,
    title="Rien à cette adresse",
    text="Le serveur existe, mais il n'y a rien à l'adresse indiquée.",
    advice=(
        "Vérifiez la fin de l'adresse dans « Paramètres de connexion » : l'adresse d'authentification n'a d'habitude rien après « .fr », celle "
        "de mise à jour se termine par « /updates »."
    ),
)

ISSUER_DIFFERS = Problem(
    "IEA-S10",
    Severity.HIGH,
    Actor.YOU,
    title="Le serveur se présente sous un autre nom",
    text="Le serveur d'authentification s'annonce sous une autre adresse que celle saisie : ce n'est peut-être pas le bon serveur.",
    advice=(
        "Vérifiez l'adresse du serveur d'authentification dans « Paramètres de connexion », à la lettre près. Si elle est juste, contactez "
        "l'assistance en indiquant le code affiché."
    ),
    evidence=DeclaredIssuer,
)

ISSUER_UNAWARE = Problem(
    "IEA-S10",
    Severity.HIGH,
    Actor.URSSAF,
    title="Le serveur se présente sous un autre nom",
    text="Le serveur d'authentification annonce une adresse interne ou non sécurisée : il est sans doute mal configuré.",
    advice=(
        "L'adresse saisie est sans doute juste. Transmettez ce message à l'assistance (impact-emploi-association@urssaf.fr) : l'adresse publique du "
        "serveur est à vérifier."
    ),
    evidence=DeclaredIssuer,
    is_variant=True,
)

ANSWER_NONSENSE = Problem(
    "IEA-S11",
    Severity.HIGH,
    Actor.IT,
    title="Réponse incompréhensible",
    text="Ce qui répond à cette adresse n'est pas une réponse de serveur normale : elle est trop longue, mal formée ou illisible.",
    advice=(
        "Vérifiez l'adresse. Si elle est juste, un filtre de votre réseau modifie peut-être les échanges. Essayez un autre réseau et montrez ce "
        "message à la personne qui s'occupe de votre informatique."
    ),
    depends_on=(CAPTIVE_PORTAL,),
)

TEST_TOO_LONG = Problem(
    "IEA-S12",
    Severity.HIGH,
    Actor.NETWORK,
    title="Échange trop lent avec le serveur",
    text="L'échange avec le serveur n'a pas pu se terminer dans le temps prévu.",
    advice="Votre connexion est très lente ou instable. Réessayez dans un moment, près de la box, par câble ou depuis un autre réseau.",
    patience=LOST_CONNECTION_PATIENCE,
)

HTTPS_EXPECTED = Problem(
    "IEA-S13",
    Severity.HIGH,
    Actor.YOU,
    title="Le serveur attend une adresse https",
    text="L'adresse commence par « http:// », mais le numéro de port indiqué n'accepte que les connexions sécurisées.",
    advice="Dans « Paramètres de connexion », cochez « Sécurisé », puis enregistrez.",
)

KEY_ASKED_IN_CLEAR = Problem(
    "IEA-S14",
    Severity.HIGH,
    Actor.URSSAF,
    title="Le serveur demande la licence en clair",
    text="Le serveur d'authentification veut recevoir la licence à une adresse non sécurisée ; elle n'est pas envoyée.",
    advice=_SUPPORT,
    evidence=TokenEndpoint,
)

KEY_ASKED_ELSEWHERE = Problem(
    "IEA-S20",
    Severity.HIGH,
    Actor.URSSAF,
    title="La licence est demandée par un autre serveur",
    text="Le serveur d'authentification veut faire envoyer la licence à un autre serveur que lui-même ; elle n'est pas envoyée.",
    advice=_SUPPORT,
    evidence=TokenEndpoint,
)

SERVER_IN_MAINTENANCE = Problem(
    "IEA-S15",
    Severity.HIGH,
    Actor.URSSAF,
    title="Serveur en maintenance",
    text="Le serveur annonce qu'il est en maintenance.",
    advice=(
        "Il n'y a rien à faire, et il est inutile d'écrire à l'assistance : la connexion est retentée automatiquement. En attendant, le mode "
        "assistance permet d'utiliser Impact emploi."
    ),
    patience=LOST_CONNECTION_PATIENCE,
    retry=Retry.UNAVAILABLE,
)

IDENTIFICATION_WANTED = Problem(
    "IEA-S16",
    Severity.HIGH,
    Actor.IT,
    title="Identification demandée à cette adresse",
    text="Ce qui répond à cette adresse demande un nom d'utilisateur et un mot de passe que le programme de connexion n'a pas.",
    advice=(
        "Vérifiez l'adresse dans « Paramètres de connexion ». Si elle est juste, montrez ce message à la personne qui s'occupe de votre "
        "informatique : un filtre protège peut-être ce réseau."
    ),
)

PAGE_INSTEAD = Problem(
    "IEA-S17",
    Severity.HIGH,
    Actor.IT,
    title="Une page à la place du serveur",
    text="Une page web répond à la place du serveur : celle d'un filtre, d'un pare-feu ou d'un site fermé pour le moment.",
    advice=(
        "Essayez un autre réseau. Si la page n'apparaît plus, montrez ce message à la personne qui s'occupe de votre informatique. Sinon, attendez : "
        "un nouvel essai est automatique. Si la panne dure, contactez l'assistance en indiquant le code affiché."
    ),
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
    evidence=PageTitle,
    retry=Retry.UNAVAILABLE,
)

BROWSER_WANTED = Problem(
    "IEA-S18",
    Severity.HIGH,
    Actor.IT,
    title="Un filtre attend un navigateur",
    text=(
        "Ce qui répond à cette adresse n'accepte qu'un navigateur internet (« êtes-vous humain ? ») ; le programme de connexion n'en est pas un."
    ),
    advice=(
        "Essayez un autre réseau. Si cela y marche, demandez à la personne qui s'occupe de votre informatique d'exempter l'adresse du serveur de "
        "cette vérification. Sinon, contactez l'assistance en indiquant le code affiché."
    ),
    depends_on=_IN_ITS_PLACE,
    patience=LOST_CONNECTION_PATIENCE,
    evidence=PageTitle,
)

REQUEST_REJECTED = Problem(
    "IEA-S19",
    Severity.HIGH,
    Actor.URSSAF,
    title="Demande rejetée par le serveur",
    text="Le serveur, ou un appareil devant lui, n'accepte pas la forme de la demande ; votre licence n'est pas en cause.",
    advice=_SUPPORT,
    patience=LOST_CONNECTION_PATIENCE,
)

METADATA_EXPIRED = Problem(
    "IEA-U01",
    Severity.MEDIUM,
    Actor.URSSAF,
    title="Informations de mise à jour périmées",
    text="Les informations de mise à jour du serveur ne sont plus valables à la date de cet ordinateur.",
    advice=(
        "Vérifiez d'abord la date et l'heure de cet ordinateur. Si elles sont justes, contactez l'assistance en indiquant le code affiché ; "
        "vos bulletins de paie ne sont pas concernés."
    ),
    depends_on=(CLOCK_WRONG,),
)

METADATA_ROLLED_BACK = Problem(
    "IEA-U02",
    Severity.MEDIUM,
    Actor.URSSAF,
    title="Informations de mise à jour plus anciennes",
    text="Le serveur de mise à jour présente une version plus ancienne que celle déjà vue par ce poste.",
    advice="Rien ne sera installé. Contactez l'assistance en indiquant le code affiché ; vos bulletins de paie ne sont pas concernés.",
)

METADATA_NOT_AUTHENTIC = Problem(
    "IEA-U03",
    Severity.MEDIUM,
    Actor.URSSAF,
    title="Informations de mise à jour non authentiques",
    text="Les informations de mise à jour ne portent pas la signature attendue, ou ont été modifiées.",
    advice="Rien ne sera installé. Contactez l'assistance en indiquant le code affiché ; vos bulletins de paie ne sont pas concernés.",
)

METADATA_INCOMPLETE = Problem(
    "IEA-U04",
    Severity.MEDIUM,
    Actor.URSSAF,
    title="Mise à jour en cours de publication",
    text="Le serveur de mise à jour annonce des fichiers qu'il n'a pas encore : une publication n'est sans doute pas terminée.",
    advice=(
        "Réessayez dans quelques minutes. Si cela dure plus d'un jour, contactez l'assistance en indiquant le code affiché ; vos bulletins de "
        "paie ne sont pas concernés."
    ),
    patience=LOST_CONNECTION_PATIENCE,
    repairable=False,
)

UPDATE_FILE_ALTERED = Problem(
    "IEA-U05",
    Severity.MEDIUM,
    Actor.URSSAF,
    title="Fichier de mise à jour non conforme",
    text="Le fichier reçu n'est pas celui qui a été publié et signé : il a été abîmé ou modifié en chemin.",
    advice="Rien n'en a été gardé, et rien n'a été installé. Réessayez plus tard ; si cela recommence, contactez l'assistance en indiquant le code affiché.",
    repairable=False,
)

UPDATE_FILE_MISSING = Problem(
    "IEA-U06",
    Severity.MEDIUM,
    Actor.URSSAF,
    title="Fichier de mise à jour absent",
    text="La mise à jour est annoncée, mais son fichier n'est pas (ou n'est plus) à l'endroit prévu.",
    advice="Réessayez dans quelques minutes. Si cela dure plus d'un jour, contactez l'assistance en indiquant le code affiché.",
    patience=LOST_CONNECTION_PATIENCE,
    evidence=PageTitle,
    repairable=False,
)

UPDATE_FILE_UNKNOWN = Problem(
    "IEA-U07",
    Severity.MEDIUM,
    Actor.YOU,
    title="Ce fichier n'est pas une mise à jour publiée",
    text="Ce fichier n'est dans aucune des listes de mises à jour signées que ce poste connaît.",
    advice="Rien n'a été installé. Téléchargez de nouveau le fichier depuis le site d'Impact emploi, ou connectez ce poste pour qu'il reçoive la liste.",
    repairable=False,
)

DISK_TOO_FULL = Problem(
    "IEA-U08",
    Severity.MEDIUM,
    Actor.YOU,
    title="Disque trop plein pour la mise à jour",
    text="Il n'y a pas assez de place sur le disque de ce poste pour recevoir et installer la mise à jour.",
    advice="Libérez de la place (la corbeille, les téléchargements), puis réessayez : ce qui est déjà reçu est gardé.",
    repairable=False,
)

UPDATES_WITHOUT_ROOT = Problem(
    "IEA-U09",
    Severity.MEDIUM,
    Actor.IT,
    title="Mises à jour impossibles à vérifier",
    text="Il manque à ce poste le fichier qui permet de vérifier les mises à jour : aucune ne peut être reçue ni installée.",
    advice=(
        "Demandez à la personne qui s'occupe de votre informatique de déposer ce fichier (root.json) sur ce poste. Vous pouvez continuer à "
        "travailler ; vos bulletins de paie ne sont pas concernés."
    ),
    repairable=False,
)

AUTHORISATION_REFUSED = Problem(
    "IEA-A01",
    Severity.HIGH,
    Actor.URSSAF,
    title="Serveur d'authentification / Autorisation refusée",
    text="Le serveur répond, reconnaît votre licence, mais refuse l'autorisation.",
    advice=(
        "Une intervention technique est nécessaire : contactez l'assistance (impact-emploi-association@urssaf.fr). En attendant, le mode "
        "assistance permet d'utiliser Impact emploi."
    ),
    evidence=RefusalGround,
    retry=Retry.REFUSED,
)

LICENCE_NOT_RECOGNISED = Problem(
    "IEA-A02",
    Severity.HIGH,
    Actor.URSSAF,
    title="Licence d'installation non reconnue",
    text="Le serveur répond, mais ne reconnaît pas le numéro ou la clé de licence de ce poste.",
    advice=(
        "Ressaisissez le numéro et la clé dans « Paramètres de connexion » ; les majuscules comptent. S'ils sont justes, contactez l'assistance "
        "(impact-emploi-association@urssaf.fr). En attendant, le mode assistance permet d'utiliser Impact emploi."
    ),
    retry=Retry.REFUSED,
)

INTERNAL_ERROR = Problem(
    "IEA-L01",
    Severity.HIGH,
    Actor.URSSAF,
    title="Erreur interne du programme de connexion",
    text="Le programme de connexion a rencontré une erreur imprévue.",
    advice=(
        "Clic droit sur l'icône, « Quitter », puis relancez le programme de connexion depuis le menu Démarrer. Si cela recommence, contactez "
        "l'assistance en indiquant le code affiché."
    ),
    repairable=False,
)

FOLDER_UNUSABLE = Problem(
    "IEA-L03",
    Severity.MEDIUM,
    Actor.IT,
    title="Dossier du programme de connexion inutilisable",
    text="Le programme de connexion ne peut pas écrire dans l'un de ses dossiers : le disque est plein, ou le dossier est protégé. La connexion n'en "
    "dépend pas.",
    advice=(
        "Libérez de la place sur le disque. Si le message revient, transmettez le nom du dossier à la personne qui s'occupe de votre informatique."
    ),
    repairable=False,
)

OTHER_PROGRAM = Problem(
    "IEA-L04",
    Severity.MEDIUM,
    Actor.IT,
    title="Un autre logiciel gêne le programme de connexion",
    text=(
        "Un logiciel de ce poste occupe la place du programme de connexion : ses fenêtres et ses commandes peuvent rester sans réponse. La connexion "
        "n'en dépend pas."
    ),
    advice="Redémarrez l'ordinateur. Si le message revient, prévenez la personne qui s'occupe de votre informatique.",
    repairable=False,
)

AGENT_NOT_STARTED = Problem(
    "IEA-L05",
    Severity.MEDIUM,
    Actor.URSSAF,
    title="Le programme de connexion ne démarre pas",
    text="Le programme de connexion de ce poste n'a pas pu démarrer, ou ne répond pas.",
    advice=(
        "Redémarrez l'ordinateur. Si le message revient, contactez l'assistance (impact-emploi-association@urssaf.fr) en indiquant le code affiché."
    ),
    repairable=False,
)


_ORDER = list(Group)
CATALOGUE: Mapping[str, Problem] = {
    code: _declared[code]
    for code in sorted(_declared, key=lambda code: (_ORDER.index(_declared[code].group), code))
}
"""Every problem by its code."""


def find_case(code: str, actor: Actor | None) -> Problem | None:
    """Return the case of the problem with *code* that *actor* can solve.

    The usual case if no other is *actor*'s, or if *actor* is None; None if no problem has *code*.
    """
    usual = CATALOGUE.get(code)
    if usual is None or actor in (None, usual.actor):
        return usual
    return next((each for each in _variants.get(code, ()) if each.actor is actor), usual)


def find_other_case(code: str) -> Problem | None:
    """Return the case of the problem with *code* that has another actor, if any."""
    usual = CATALOGUE.get(code)
    return next((each for each in _variants.get(code, ()) if usual and each.actor is not usual.actor), None)


class FirstStep(Enum):
    """What a window offers first; the values are names in ``person_requests``."""

    TEST = "diagnosis"
    SETTINGS = "settings"
    RETRY = "reconnect"
    SUPPORT = "support"


_FIRST_STEPS: Mapping[FirstStep, tuple[Problem, ...]] = {
    # the settings themselves are wrong, or the advice names them
    FirstStep.SETTINGS: (
        NOT_CONFIGURED,
        ADDRESS_MALFORMED,
        SETTINGS_UNREADABLE,
        SENT_IN_CLEAR,
        PROXY_UNREACHABLE,
        PROXY_REFUSES_PASSWORD,
        PROXY_NEEDED,
        NO_PROXY_THERE,
        PORT_WITHOUT_TLS,
        NOT_AN_AUTHENTICATION_SERVER,
        NOT_AN_UPDATE_SERVER,
        NOTHING_THERE,
        ISSUER_DIFFERS,
        HTTPS_EXPECTED,
        LICENCE_NOT_RECOGNISED,
    ),
    # mended outside this program, after which it is tried again
    FirstStep.RETRY: (NO_NETWORK, CAPTIVE_PORTAL, CLOCK_WRONG, VAULT_UNAVAILABLE),
    # mended by the support desk only
    FirstStep.SUPPORT: (
        SERVER_UNAVAILABLE,
        TOO_MANY_REQUESTS,
        SERVER_IN_MAINTENANCE,
        CLIENT_CERTIFICATE_WANTED,
        KEY_ASKED_IN_CLEAR,
        KEY_ASKED_ELSEWHERE,
        AUTHORISATION_REFUSED,
        INTERNAL_ERROR,
        AGENT_NOT_STARTED,
    ),
}
"""The problems for which the test of the servers is not what helps first."""
_STEP_OF = {problem.code: step for step, listed in _FIRST_STEPS.items() for problem in listed}


def find_first_step(code: str) -> FirstStep:
    """Return what helps first against the problem with *code*: mostly the test."""
    return _STEP_OF.get(code, FirstStep.TEST)
