"""Descriptions of versions in an update repository, as a publisher signs them."""

from __future__ import annotations

from iea_agent.domain.update_catalogue import Offer, SignedFile, parse_offer

SHA256 = "0f" * 32


def make_description(version: str = "3.00.73", /, **changes: object) -> dict[str, object]:
    """Return the object ``iea`` of a version of the product, with *changes*.

    A dotted name changes what is inside: ``**{"rollout.percent": 5}``.
    """
    document: dict[str, object] = {
        "schema": 1,
        "kind": "product",
        "version": version,
        "channel": "stable",
        "minimum": {"agent": "", "windows": "10.0.17763", "product": "3.00.60"},
        "rollout": {"percent": 100, "salt": version},
        "not_before": None,
        "deadline": None,
        "critical": False,
        "installer": {
            "type": "exe",
            "arguments": ["/S"],
            "scope": "machine",
            "success": [0],
            "reboot": [3010, 1641],
            "busy": [1618],
        },
        "detect": {"registry": r"HKLM\SOFTWARE\Urssaf\Impact emploi", "value": "Version", "file": ""},
        "installed_bytes": 400_000_000,
        "closes": ["ImpactEmploi.exe"],
        "notes": {"fr": f"notes/{version}.fr.md", "en": ""},
        "downgrade": False,
        "signer": "",
    }
    for name, value in changes.items():
        part, _, inner = name.partition(".")
        if inner:
            document[part] = {**document[part], inner: value}  # type: ignore[dict-item]
        else:
            document[part] = value
    return document


def make_file(version: str = "3.00.73", /, **changes: object) -> SignedFile:
    """Return the signed file of a version, described as ``make_description`` does."""
    description = make_description(version, **changes)
    folder, name = (
        ("agent", "iea-agent-setup") if description["kind"] == "agent" else ("impact-emploi", "ImpactEmploi")
    )
    return SignedFile(f"{folder}/{name}-{version}.exe", 1000, SHA256, {"iea": description})


def make_offer(version: str = "3.00.73", /, **changes: object) -> Offer:
    """Return the offer of a version, described as ``make_description`` does."""
    return parse_offer(make_file(version, **changes))
