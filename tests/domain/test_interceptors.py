"""TLS interceptors are recognised by their certificates, other issuers are not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iea_agent.domain.interceptors import (
    INTERCEPTORS,
    PORTALS,
    ProductKind,
    find_interceptor,
    find_portal,
    recognise,
)

SOURCES = Path(__file__).resolve().parents[2] / "docs" / "interceptors.md"
"""A table with a line for each product: its name, and the issuers of its certificates as they have been seen."""
LINES = [
    line.split("|")[1:3] for line in SOURCES.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
][1:]
SEEN = [
    (issuer, product.strip()) for product, issuers in LINES for issuer in re.findall(r"`([^`]+)`", issuers)
]
STRANGERS = [
    "DigiCert Inc",
    "Let's Encrypt",
    "Sectigo Limited",
    "Certigna",
    "DHIMYOTIS",
    "CertEurope",
    "Symantec Corporation",
    "Cloudflare, Inc.",
    "Google Trust Services",
    "Microsoft Corporation",
    "Amazon",
    "ArubaPEC S.p.A.",
    "Aruba S.p.A.",
    "City of Palo Alto",
    "Norton Rose Fulbright LLP",
    "AVG Internal CA",
    "Checkpoint Systems",
    "SFR Root CA",
    "Beset",
    "Sophosia",
    "Trend",
    "Autorité inconnue",
    "Orange",
    "Menlo Park City School",
    "Cato Institute",
    "Securlytics",
    "",
]


@pytest.mark.parametrize(("issuer", "product"), SEEN)
def test_a_product_is_known_by_its_certificates(issuer: str, product: str) -> None:
    recognised = recognise(["Autre", issuer])
    assert recognised is not None
    assert recognised.name == product
    assert find_interceptor(product) is recognised


@pytest.mark.parametrize("issuer", STRANGERS)
def test_a_stranger_is_no_interceptor(issuer: str) -> None:
    assert recognise([issuer]) is None


def test_each_product_has_its_sources() -> None:
    assert [product.strip() for product, _ in LINES] == [product.name for product in INTERCEPTORS]


def test_the_table_is_without_gaps_and_repetitions() -> None:
    assert len(INTERCEPTORS) >= 30
    assert len({product.name for product in INTERCEPTORS}) == len(INTERCEPTORS)
    assert {product.kind for product in INTERCEPTORS} == set(ProductKind)
    marks = [mark for product in INTERCEPTORS for mark in product.marks]
    assert len(set(marks)) == len(marks)
    for product in INTERCEPTORS:
        assert re.match(r"[A-ZÀ-Ý].*[.]$", product.setting, re.DOTALL), product.name
        for mark in product.marks:
            assert mark == mark.casefold()
            recognised = recognise([mark])
            assert recognised is product, f"{mark} is found earlier in the table"


def test_the_marks_are_those_that_were_written_down() -> None:
    """A mark changed on purpose is changed in ``interceptors.txt`` by hand, too."""
    rows = [f"{each.name} | {each.kind.value} | {', '.join(each.marks)}" for each in INTERCEPTORS]
    rows += [f"{operator} | portal | {', '.join(domains)}" for operator, domains in PORTALS.items()]
    golden = Path(__file__).with_name("interceptors.txt").read_text(encoding="utf-8").splitlines()
    assert rows == golden


def test_a_stranger_has_no_entry() -> None:
    assert find_interceptor("") is None
    assert find_interceptor("Autre") is None


@pytest.mark.parametrize("domain", [domain for each in PORTALS.values() for domain in each])
def test_a_portal_is_known_by_the_hosts_of_its_certificate(domain: str) -> None:
    for host in (domain, f"*.{domain}", f"login.{domain}".upper()):
        assert find_portal(["autre.example", host]) == host.casefold().removeprefix("*.")


@pytest.mark.parametrize(
    "host",
    [
        *("free.fr", "mafreebox.freebox.fr", "sfr.fr", "www.sncf", "sncf", "meraki.com", "arubanetworks.com"),
        "",
        "orange.fr",
        "impots.orange.fr",
        "notwifirst.net",
        "wifirst.net.example",
        "*.net",
    ],
)
def test_another_host_is_no_portal(host: str) -> None:
    assert find_portal([host]) == ""
