"""The sentences about every repair, before and after."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from iea_agent import locale
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import STAGES, Failure, Server, ServerReport, Stage, StageOutcome, StageResult
from iea_agent.domain.repairs import Repair, RepairKind, propose_repairs
from iea_agent.domain.settings import DEFAULTS, ProxyMode, Settings
from iea_agent.shell.wording import repair_text

pytestmark = pytest.mark.usefixtures("language")

CHOSEN = replace(
    DEFAULTS, secure=False, authentication="http://exemple.fr:80", updates="http://exemple.fr:8080/updates"
)


def failed(server: Server, address: str, route: str = "http://proxy:3128") -> ServerReport:
    """A report of a server that refused the connection."""
    stages = tuple(StageResult(stage, StageOutcome.SKIPPED) for stage in STAGES[server])
    return ServerReport(
        server, address, stages, Failure(Stage.CONNECTION, problems.CONNECTION_REFUSED), route=route
    )


def proposed(settings: Settings, *servers: Server) -> dict[RepairKind, Repair]:
    """Return what the domain proposes if *servers* fail."""
    addresses = {Server.AUTHENTICATION: settings.authentication, Server.UPDATES: settings.updates}
    return {r.kind: r for r in propose_repairs(settings, [failed(s, addresses[s]) for s in servers])}


EVERY = {
    **proposed(replace(CHOSEN, ipv4_only=True), *Server),
    **proposed(replace(CHOSEN, proxy_mode=ProxyMode.MANUAL, proxy_address="http://proxy:3128"), *Server),
    **proposed(replace(CHOSEN, secure=True, authentication="https://exemple.fr:80"), Server.AUTHENTICATION),
}


def test_there_are_words_for_every_repair() -> None:
    assert set(EVERY) == set(RepairKind) == set(repair_text.NAMES)
    names = [locale._(name) for name in repair_text.NAMES.values()]
    assert len(set(names)) == len(names), "a screen reader tells the buttons apart"
    for repair in EVERY.values():
        for sentence in (
            repair_text.describe_effect(repair, CHOSEN),
            repair_text.describe_applied_repair(repair, CHOSEN),
        ):
            assert re.fullmatch(r"[«A-ZÀÉ“\"].*\.", sentence)
            assert not re.search(r"[{}]|\bNone\b", sentence)


@pytest.mark.parametrize(
    ("settings", "servers", "kind", "before", "after"),
    [
        (
            replace(DEFAULTS, authentication="https://exemple.fr:80"),
            [Server.AUTHENTICATION],
            RepairKind.USUAL_PORT,
            "Retirer « :80 » de l’adresse du serveur d’authentification. Vérifié : le serveur répond alors.",
            "« :80 » a été retiré de l’adresse du serveur d’authentification. La correction est enregistrée.",
        ),
        (
            replace(DEFAULTS, authentication="https://a.fr:80", updates="https://a.fr:81/u"),
            [*Server],
            RepairKind.USUAL_PORT,
            "Retirer le numéro de port des deux adresses. Vérifié : les deux serveurs répondent alors.",
            "Le numéro de port a été retiré des deux adresses. La correction est enregistrée.",
        ),
        (
            replace(DEFAULTS, authentication="https://a.fr:8443", updates="https://a.fr/u"),
            [Server.UPDATES],
            RepairKind.SAME_PORT,
            "Mettre le même port que pour l’autre serveur (8443) dans l’adresse du serveur de mise à jour. Vérifié : "
            "le serveur répond alors.",
            "Le même port que pour l’autre serveur a été mis dans l’adresse du serveur de mise à jour. "
            "La correction est enregistrée.",
        ),
        (
            CHOSEN,
            [*Server],
            RepairKind.SECURE_MODE,
            "Cocher « Sécurisé » et mettre « https:// » dans les deux adresses. Vérifié : les deux serveurs répondent alors.",
            "Le mode « Sécurisé » a été coché et « https:// » mis dans les deux adresses. La correction est enregistrée.",
        ),
        (
            replace(DEFAULTS, updates="https://exemple.fr/updates"),
            [Server.UPDATES],
            RepairKind.OFFICIAL_ADDRESS,
            f"Remplacer l’adresse du serveur de mise à jour par l’adresse officielle {DEFAULTS.updates}. Vérifié : "
            "le serveur répond alors.",
            "L’adresse du serveur de mise à jour a été remplacée par l’adresse officielle. La correction est enregistrée.",
        ),
        (
            DEFAULTS,
            [Server.AUTHENTICATION],
            RepairKind.DIRECT,
            "Ne pas passer par le proxy. Vérifié : le serveur répond alors.",
            "La connexion ne passe plus par le proxy. La correction est enregistrée.",
        ),
    ],
)
def test_a_repair_is_told_in_a_sentence(
    settings: Settings, servers: list[Server], kind: RepairKind, before: str, after: str, language: str
) -> None:
    repair = proposed(settings, *servers)[kind]
    if language == "fr":
        assert repair_text.describe_effect(repair, settings).replace("\u00a0", " ") == before
        assert repair_text.describe_applied_repair(repair, settings).replace("\u00a0", " ") == after


AUTHENTICATION = {"authentication": "https://a.fr"}
UPDATES = {"updates": "https://b.fr/u"}


@pytest.mark.parametrize(
    ("kind", "changes", "order"),
    [
        (RepairKind.SECURE_MODE, {"secure": True}, "Cocher « Sécurisé »"),
        (
            RepairKind.SECURE_MODE,
            {"secure": True, **UPDATES},
            "Cocher « Sécurisé » et mettre « https:// » dans l’adresse du serveur de mise à jour",
        ),
        (RepairKind.USUAL_PORT, UPDATES, "Retirer « :8080 » de l’adresse du serveur de mise à jour"),
        (
            RepairKind.OFFICIAL_ADDRESS,
            AUTHENTICATION,
            "Remplacer l’adresse du serveur d’authentification par l’adresse officielle https://a.fr",
        ),
        (
            RepairKind.OFFICIAL_ADDRESS,
            {**AUTHENTICATION, **UPDATES},
            "Remplacer les deux adresses par les adresses officielles https://a.fr et https://b.fr/u",
        ),
        (
            RepairKind.SAME_PORT,
            {**AUTHENTICATION, **UPDATES},
            "Échanger les numéros de port des deux adresses",
        ),
        (RepairKind.IPV6_TOO, {"ipv4_only": False}, "Décocher « IPv4 seulement »"),
    ],
)
def test_what_a_repair_will_do(
    kind: RepairKind, changes: dict[str, object], order: str, language: str
) -> None:
    repair = Repair(kind, changes, (Server.UPDATES,))
    if language == "fr":
        effect = repair_text.describe_effect(repair, CHOSEN).replace("\u00a0", " ")
        assert effect == f"{order}. Vérifié : le serveur répond alors."
        assert repair_text.describe_applied_repair(repair, CHOSEN)


def test_the_console_gives_the_commands() -> None:
    settings = replace(DEFAULTS, authentication="https://impact-emploi.urssaf.fr:80")
    port = Repair(
        RepairKind.USUAL_PORT, {"authentication": "https://impact-emploi.urssaf.fr"}, (Server.AUTHENTICATION,)
    )
    direct = Repair(RepairKind.DIRECT, {"proxy_mode": ProxyMode.NONE}, tuple(Server))
    lines = repair_text.render_repairs([port, direct], settings).splitlines()
    assert "    iea-agent settings set connection.authentication https://impact-emploi.urssaf.fr" in lines
    assert "    iea-agent settings set proxy.mode none" in lines
    assert lines[:2] == ["", f"→ {repair_text.describe_effect(port, settings)}"]
    assert lines[3:5] == ["", f"→ {repair_text.describe_effect(direct, settings)}"]
    assert repair_text.render_repairs([], settings) == ""
    assert repair_text.render_repairs(None, settings).strip(), "that it works by now is worth saying"
    assert repair_text.build_repairs_document([direct]) == {
        "repairs": [
            {"kind": "direct", "servers": ["authentication", "updates"], "changes": {"proxy.mode": "none"}}
        ]
    }
