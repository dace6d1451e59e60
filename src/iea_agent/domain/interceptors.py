"""Known TLS interceptors, recognised by certificate issuer.

They are antivirus programs, corporate filters and routers. The table decides nothing about trust: it is used after a certificate was refused.
``docs/interceptors.md`` gives the source of each name and each setting, with a line for each line here; the publisher's signed policy may bring newer
ones (``use_newer``). A setting quotes the product's menus if its documentation shows them, and is general if not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from .problems import N_


class ProductKind(Enum):
    """The kind of a product; it decides who can change its setting."""

    ANTIVIRUS = "antivirus"  # on this PC
    FILTER = "filter"  # of the organisation, or a tool of its technicians
    BOX = "box"  # the router, or the box of the internet provider


@dataclass(frozen=True, slots=True)
class Interceptor:
    """One product, the setting to change, and the marks of its certificates.

    *marks* are whole words in lower case that the issuer's names contain.
    """

    name: str
    kind: ProductKind
    setting: str
    marks: tuple[str, ...]


_EXCLUDE_IN_ANTIVIRUS = N_(
    "Dans les paramètres de l'antivirus, cherchez l'analyse des connexions HTTPS (ou SSL/TLS) et ajoutez l'adresse du serveur aux exceptions."
)
_EXCLUDE_IN_FILTER = N_(
    "Dans l'administration de ce filtre, ajoutez l'adresse du serveur aux exceptions du déchiffrement SSL/TLS (inspection HTTPS)."
)
_END_THE_TOOL = N_(
    "C'est un outil de technicien qui enregistre les échanges de ce poste : fermez-le, puis retirez-le des paramètres de proxy de Windows."
)
_SIGN_IN = N_(
    "Ouvrez une page internet dans votre navigateur, identifiez-vous sur le portail de ce réseau ou acceptez ses conditions, puis réessayez."
)
_BOX = N_(
    "Ce boîtier répond à la place du serveur : d'habitude parce qu'il n'a pas d'accès à internet, ou qu'un filtrage bloque ce poste. Ouvrez sa page "
    "d'administration, vérifiez l'accès à internet et le contrôle parental, redémarrez-le au besoin."
)

INTERCEPTORS = (
    # antivirus programs
    Interceptor(
        "Avast",
        ProductKind.ANTIVIRUS,
        (
            "Dans Avast : « Menu », « Paramètres », « Général », « Exceptions », ajoutez l'adresse du serveur. À défaut : « Protection », "
            "« Agent Web », décochez « Activer l'analyse HTTPS »."
        ),
        ("avast",),
    ),
    Interceptor(
        "AVG",
        ProductKind.ANTIVIRUS,
        (
            "Dans AVG : « Menu », « Paramètres », « Général », « Exceptions », ajoutez l'adresse du serveur. À défaut, dans les réglages de "
            "l'Agent Web, décochez « Activer l'analyse HTTPS »."
        ),
        ("avg web/mail shield", "avg technologies"),
    ),
    Interceptor(
        "Kaspersky",
        ProductKind.ANTIVIRUS,
        (
            "Dans les paramètres de Kaspersky, ouvrez les paramètres du réseau, puis « Analyse des connexions chiffrées » : ajoutez l'adresse du "
            "serveur aux adresses de confiance."
        ),
        ("kaspersky",),
    ),
    Interceptor(
        "ESET",
        ProductKind.ANTIVIRUS,
        (
            "Dans ESET : touche F5 (« Configuration avancée »), rubrique « SSL/TLS » : parmi les applications, ajoutez iea-agent.exe pour que "
            "ses connexions ne soient pas analysées."
        ),
        ("eset",),
    ),
    Interceptor(
        "Bitdefender",
        ProductKind.ANTIVIRUS,
        (
            "Dans Bitdefender : « Protection », prévention des menaces en ligne : ajoutez l'adresse du serveur aux exceptions. À défaut, dans les "
            "paramètres de la même rubrique, désactivez l'analyse du Web chiffré."
        ),
        ("bitdefender",),
    ),
    Interceptor(
        "Norton",
        ProductKind.ANTIVIRUS,
        "Dans Norton, ouvrez les paramètres de « Safe Web », puis « Exclusions » : ajoutez l'adresse du serveur.",
        ("norton web/mail shield",),
    ),
    Interceptor("Avira", ProductKind.ANTIVIRUS, _EXCLUDE_IN_ANTIVIRUS, ("avira",)),
    Interceptor("Dr.Web", ProductKind.ANTIVIRUS, _EXCLUDE_IN_ANTIVIRUS, ("dr.web", "drweb", "doctor web")),
    Interceptor("G DATA", ProductKind.ANTIVIRUS, _EXCLUDE_IN_ANTIVIRUS, ("g data", "gdata")),
    Interceptor("BullGuard", ProductKind.ANTIVIRUS, _EXCLUDE_IN_ANTIVIRUS, ("bullguard",)),
    Interceptor(
        "AdGuard",
        ProductKind.ANTIVIRUS,
        "Dans les paramètres d'AdGuard, cherchez le filtrage HTTPS et ajoutez l'adresse du serveur aux exclusions.",
        ("adguard",),
    ),
    # filters of organisations
    Interceptor(
        "Zscaler",
        ProductKind.FILTER,
        (
            "Dans le portail d'administration de Zscaler, ajoutez aux règles « SSL Inspection » une règle d'action « Do Not Inspect » pour "
            "l'adresse du serveur."
        ),
        ("zscaler",),
    ),
    Interceptor(
        "Fortinet (FortiGate)",
        ProductKind.FILTER,
        "Sur le FortiGate, dans le profil « Inspection SSL/SSH » de la règle, exemptez l'adresse du serveur.",
        ("fortinet", "fortigate", "forticlient"),
    ),
    Interceptor(
        "Palo Alto Networks", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("palo alto networks", "pan-fw")
    ),
    Interceptor(
        "Stormshield",
        ProductKind.FILTER,
        (
            "Sur le pare-feu Stormshield : « Politique de sécurité », « Filtrage SSL », ajoutez pour l'adresse du serveur une règle d'action "
            "« Passer sans déchiffrer »."
        ),
        ("stormshield", "netasq", "ssl proxy default authority"),
    ),
    Interceptor(
        "Sophos", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("sophos", "sophosutm", "astaro", "cyberoam")
    ),
    Interceptor(
        "Cisco Umbrella",
        ProductKind.FILTER,
        "Dans la console Cisco Umbrella, ajoutez l'adresse du serveur à la liste « Selective Decryption » de la stratégie de ce réseau.",
        ("cisco umbrella", "opendns"),
    ),
    Interceptor("Cisco", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("cisco", "meraki", "ironport")),
    Interceptor("Netskope", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("netskope", "goskope")),
    Interceptor("Forcepoint", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("forcepoint", "websense")),
    Interceptor(
        "Symantec (Blue Coat)",
        ProductKind.FILTER,
        _EXCLUDE_IN_FILTER,
        ("blue coat", "bluecoat", "symantec web security"),
    ),
    Interceptor(
        "Check Point",
        ProductKind.FILTER,
        "Dans la console Check Point : stratégie « HTTPS Inspection », ajoutez pour l'adresse du serveur une règle d'action « Bypass ».",
        ("check point",),
    ),
    Interceptor("Barracuda", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("barracuda",)),
    Interceptor(
        "WatchGuard",
        ProductKind.FILTER,
        _EXCLUDE_IN_FILTER,
        ("watchguard", "watchguard_technologies", "fireware"),
    ),
    Interceptor(
        "SonicWall",
        ProductKind.FILTER,
        (
            "Sur le pare-feu SonicWall : « Policy », « DPI-SSL », « Client SSL », « Common Name », ajoutez le nom du serveur avec l'action "
            "« Exclude »."
        ),
        ("sonicwall",),
    ),
    Interceptor(
        "McAfee Web Gateway (Skyhigh)", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("mcafee", "skyhigh")
    ),
    Interceptor(
        "Trend Micro Web Security", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("trend micro", "iwss.trend")
    ),
    Interceptor(
        "Cloudflare Gateway",
        ProductKind.FILTER,
        "Dans la console Cloudflare, ajoutez aux règles HTTP de Gateway une règle d'action « Do Not Inspect » pour l'adresse du serveur.",
        ("cloudflare for teams", "gateway ca - cloudflare managed"),
    ),
    Interceptor("Kerio Control", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("kerio",)),
    Interceptor("iboss", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("iboss",)),
    Interceptor("Olfeo", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("olfeo",)),
    Interceptor("Cato Networks", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("cato networks",)),
    Interceptor("Menlo Security", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("menlo security",)),
    Interceptor("Securly", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("securly",)),
    Interceptor("ContentKeeper", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("contentkeeper",)),
    Interceptor("NetSpark", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("netspark",)),
    Interceptor("Smoothwall", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("smoothwall",)),
    Interceptor("Untangle", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("untangle",)),
    Interceptor("pfSense", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("pfsense",)),
    Interceptor("OPNsense", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("opnsense",)),
    Interceptor("Squid", ProductKind.FILTER, _EXCLUDE_IN_FILTER, ("squid",)),
    Interceptor("ALCASAR", ProductKind.FILTER, _SIGN_IN, ("alcasar",)),
    Interceptor("UCOPIA", ProductKind.FILTER, _SIGN_IN, ("ucopia",)),
    Interceptor("Aruba", ProductKind.FILTER, _SIGN_IN, ("aruba networks", "arubanetworks.com")),
    Interceptor("mitmproxy", ProductKind.FILTER, _END_THE_TOOL, ("mitmproxy",)),
    Interceptor("Charles", ProductKind.FILTER, _END_THE_TOOL, ("charles proxy", "xk72 ltd")),
    Interceptor("Fiddler", ProductKind.FILTER, _END_THE_TOOL, ("do_not_trust", "do_not_trust_fiddlerroot")),
    Interceptor("Burp", ProductKind.FILTER, _END_THE_TOOL, ("portswigger",)),
    # boxes and routers
    Interceptor(
        "Livebox (Orange)",
        ProductKind.BOX,
        (
            "La Livebox répond à la place du serveur. Ouvrez http://livebox dans votre navigateur : vérifiez l'accès à internet et le contrôle "
            "parental, redémarrez la Livebox au besoin."
        ),
        ("livebox",),
    ),
    Interceptor(
        "Freebox",
        ProductKind.BOX,
        (
            "La Freebox répond à la place du serveur. Ouvrez http://mafreebox.freebox.fr dans votre navigateur : vérifiez l'accès à internet et le "
            "contrôle parental, redémarrez la Freebox au besoin."
        ),
        ("freebox",),
    ),
    Interceptor(
        "SFR Box",
        ProductKind.BOX,
        (
            "La box SFR répond à la place du serveur. Ouvrez http://192.168.1.1 dans votre navigateur : vérifiez l'accès à internet et le contrôle "
            "parental, redémarrez la box au besoin."
        ),
        ("sfr box", "neufbox"),
    ),
    Interceptor("Sagemcom", ProductKind.BOX, _BOX, ("sagemcom",)),
    Interceptor("Technicolor", ProductKind.BOX, _BOX, ("technicolor",)),
    Interceptor("ZTE", ProductKind.BOX, _BOX, ("zte",)),
    Interceptor("Huawei", ProductKind.BOX, _BOX, ("huawei",)),
    Interceptor("Ubiquiti (UniFi)", ProductKind.BOX, _BOX, ("ubiquiti", "unifi")),
    Interceptor("Netgear", ProductKind.BOX, _BOX, ("netgear", "routerlogin.net")),
    Interceptor("TP-Link", ProductKind.BOX, _BOX, ("tp-link", "tplinkwifi.net", "tplink")),
    Interceptor("D-Link", ProductKind.BOX, _BOX, ("d-link",)),
    Interceptor("Linksys", ProductKind.BOX, _BOX, ("linksys",)),
    Interceptor("ASUS", ProductKind.BOX, _BOX, ("asus", "asustek", "router.asus.com")),
    Interceptor("FRITZ!Box", ProductKind.BOX, _BOX, ("fritz!box", "fritz.box", "avm gmbh")),
    Interceptor("MikroTik", ProductKind.BOX, _BOX, ("mikrotik",)),
    Interceptor("DrayTek", ProductKind.BOX, _BOX, ("draytek",)),
    Interceptor("Zyxel", ProductKind.BOX, _BOX, ("zyxel",)),
    Interceptor("Synology", ProductKind.BOX, _BOX, ("synology",)),
)

PORTALS: Mapping[str, tuple[str, ...]] = {
    "Orange": ("hautdebitmobile.orange.fr",),
    "SNCF": ("wifi.sncf", "wifi.intercites.sncf", "wifi.tgv-lyria.com"),
    "Free": ("wifi.free.fr",),
    "SFR": ("hotspot.wifi.sfr.fr",),
    "Netinary": ("netinary.net",),
    "Wifirst": ("wifirst.net",),
    "Wifipass": ("wifipass.org",),
    "UCOPIA": ("controller.access.network",),
    "GlobalSuite": ("login.globalsuite.net",),
    "HotelWifi": ("hotelwifi.com",),
    "Virgin": ("virginwifi.io",),
    "BT": ("btopenzone.com", "btwifi.com"),
    "VOO": ("wifree.voo.be",),
    "Icomera": ("ombord.info",),
    "Cisco Meraki": ("network-auth.com",),
    "Aruba": ("securelogin.arubanetworks.com", "securelogin.hpe.com"),
}
"""The domains of Wi-Fi portals, by operator. Their certificates are sound, and for these names instead of the server's."""

_own = {product.name: product for product in INTERCEPTORS}
_products: Mapping[str, Interceptor] = _own


def use_newer(products: Iterable[Interceptor]) -> None:
    """Have the publisher's *products* come before this program's own, in this process.

    One with the name of an own one takes its place. They change what is said of a refused certificate, never whether it is
    refused. Each call begins anew with the own ones.
    """
    global _products
    newer = {product.name: product for product in products}
    _products = {**newer, **{name: product for name, product in _own.items() if name not in newer}}


def find_interceptor(name: str) -> Interceptor | None:
    """Return the product called *name*, as in ``InterceptedBy``."""
    return _products.get(name)


def recognise(issuer_names: Iterable[str]) -> Interceptor | None:
    """Return the first product whose mark is in one of the *issuer_names*.

    They are organisation, unit and common name of a certificate's issuer.
    """
    texts = [name.casefold() for name in issuer_names]
    for product in _products.values():
        for mark in product.marks:
            if any(_has_word(text, mark) for text in texts):
                return product
    return None


def _has_word(text: str, mark: str) -> bool:
    """Return whether *mark* is in *text* as a whole word.

    « eset » is not in « beset », but « sophos » is in « sophos_ca_1234 ».
    """
    # the first question is answered at once, and nearly always with no
    return mark in text and re.search(rf"(?<![^\W_]){re.escape(mark)}(?![^\W_])", text) is not None


def find_portal(hosts: Iterable[str]) -> str:
    """Return the first of a certificate's *hosts* that is a Wi-Fi portal's, or ""."""
    domains = [domain for each in PORTALS.values() for domain in each]
    for host in hosts:
        name = host.casefold().removeprefix("*.")
        if any(name == domain or name.endswith(f".{domain}") for domain in domains):
            return name
    return ""
