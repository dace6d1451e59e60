"""Who opens secure connections on their way: each product is known by its certificates, and nobody else is."""

from __future__ import annotations

import re

import pytest

from iea_agent.domain.interceptors import INTERCEPTORS, Kind, named, recognised

SEEN = [
    ("avast! Web/Mail Shield Root", "Avast"),
    ("AVG Web/Mail Shield", "AVG"),
    ("AO Kaspersky Lab", "Kaspersky"),
    ("Kaspersky Anti-Virus Personal Root Certificate", "Kaspersky"),
    ("ESET, spol. s r. o.", "ESET"),
    ("ESET SSL Filter CA", "ESET"),
    ("Bitdefender Personal CA.Net-Defender", "Bitdefender"),
    ("Norton Web/Mail Shield Root", "Norton"),
    ("Zscaler Inc.", "Zscaler"),
    ("Fortinet", "Fortinet (FortiGate)"),
    ("NETASQ - Secure Internet Connectivity", "Stormshield"),
    ("Sophos SSL CA_C0123456789", "Sophos"),
    ("Cisco Umbrella Root CA", "Cisco Umbrella"),
    ("Cisco", "Cisco"),
    ("DO_NOT_TRUST_FiddlerRoot", "Fiddler"),
    ("mitmproxy", "mitmproxy"),
    ("WatchGuard_Technologies", "WatchGuard"),
    ("HTTPS Management Certificate for SonicWALL (self-signed)", "SonicWall"),
    ("Freebox SA", "Freebox"),
    ("Sagemcom Broadband SAS", "Sagemcom"),
    ("www.routerlogin.net", "Netgear"),
    ("UniFi", "Ubiquiti (UniFi)"),
]
AUTHORITIES = [
    "DigiCert Inc",
    "Let's Encrypt",
    "Sectigo Limited",
    "Certigna",
    "DHIMYOTIS",
    "CertEurope",
    "Symantec Corporation",
    "Google Trust Services",
    "Microsoft Corporation",
    "Amazon",
    "Autorité inconnue",
    "Orange",
    "Savga",
    "",
]


@pytest.mark.parametrize(("issuer", "product"), SEEN)
def test_a_product_is_known_by_its_certificates(issuer: str, product: str) -> None:
    found = recognised(["Autre", issuer])
    assert found is not None
    assert found.name == product
    assert named(product) is found


@pytest.mark.parametrize("issuer", AUTHORITIES)
def test_an_authority_is_no_interceptor(issuer: str) -> None:
    assert recognised([issuer]) is None


def test_the_table_is_without_gaps_and_repetitions() -> None:
    assert len(INTERCEPTORS) >= 30
    assert len({product.name for product in INTERCEPTORS}) == len(INTERCEPTORS)
    assert {product.kind for product in INTERCEPTORS} == set(Kind)
    marks = [mark for product in INTERCEPTORS for mark in product.marks]
    assert len(set(marks)) == len(marks)
    for product in INTERCEPTORS:
        assert re.match(r"[A-ZÀ-Ý].*[.]$", product.setting, re.DOTALL), product.name
        for mark in product.marks:
            assert mark == mark.casefold()
            found = recognised([mark])
            assert found is product, f"{mark} is found earlier in the table"


def test_a_stranger_has_no_entry() -> None:
    assert named("") is None
    assert named("Autre") is None
