"""The examples that an operator imports, read again (docs/deployment.md)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from iea_agent.domain import timing

pytestmark = pytest.mark.linux

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXAMPLES = DOCS / "deployment"


def read_example(name: str) -> dict[str, Any]:
    """Return the example *name*."""
    example: dict[str, Any] = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    return example


def test_keycloaks_realm_allows_a_licence_and_nothing_else() -> None:
    realm = read_example("keycloak-realm.json")
    assert realm["enabled"]
    assert realm["sslRequired"] == "all"
    (client,) = realm["clients"]
    assert client["enabled"]
    assert client["clientAuthenticatorType"] == "client-secret"
    allowed = {
        "publicClient": False,
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
    }
    assert {name: client[name] for name in allowed} == allowed
    scopes = {scope["name"] for scope in realm["clientScopes"]}
    assert {*client["defaultClientScopes"], *client["optionalClientScopes"]} <= scopes


def test_tokens_live_an_hour_everywhere() -> None:
    """Then the agent signs in as seldom as it does at all."""
    lives = {
        read_example("keycloak-realm.json")["accessTokenLifespan"],
        read_example("glewlwyd-plugin.json")["parameters"]["access-token-duration"],
    }
    assert lives == {3600}
    assert timing.SIGN_IN_PART * 3600 >= timing.SIGN_IN_LONGEST
    assert "| `oidcRPMetaDataOptionsAccessTokenExpiration` | 3600 |" in (DOCS / "deployment.md").read_text(
        "utf-8"
    )


def test_no_example_has_a_secret_and_every_one_is_named_in_the_guide() -> None:
    guide = (DOCS / "deployment.md").read_text(encoding="utf-8")
    for file in EXAMPLES.iterdir():
        assert f"(deployment/{file.name})" in guide
        secrets = re.findall(r'"(?:secret|password|key)": "([^"]*)"', file.read_text(encoding="utf-8"))
        assert set(secrets) == {"A-REMPLACER"}


def test_the_guides_figures_follow_from_the_timing() -> None:
    guide = (DOCS / "deployment.md").read_text(encoding="utf-8").replace("\u00a0", "")
    for posts in (1_000, 10_000, 100_000):
        row = next(line for line in guide.splitlines() if line.startswith(f"| {posts} |"))
        cells = [float(cell.replace(",", ".")) for cell in row.strip("|").split("|")]
        sign_ins, beats = posts / timing.SIGN_IN_LONGEST, posts / timing.HEARTBEAT
        assert cells == [
            posts,
            pytest.approx(sign_ins, rel=0.1),
            pytest.approx(beats, rel=0.02),
            posts,
            posts / 200,
        ]
