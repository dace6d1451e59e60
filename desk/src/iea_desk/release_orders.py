"""The orders of a release manager: versions, notes, policy, notices.

Each order checks what it is given as the agents will, and refuses with a sentence what would harm them. It changes the draft alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuf.api.metadata import TargetFile  # type: ignore[attr-defined]

from iea_agent.domain import timing
from iea_agent.domain.exit_codes import REFUSED
from iea_agent.domain.password_register import RegisterError, parse_register
from iea_agent.domain.printable_text import escape_controls
from iea_agent.domain.program_version import order_version
from iea_agent.domain.release_notes import LARGEST_NOTES
from iea_agent.domain.signed_policy import (
    NOTICES_FILE,
    POLICY_FILE,
    REGISTER_FILE,
    SCHEMA,
    Notice,
    PolicyError,
    SignedPolicy,
    parse_notices,
    parse_policy,
)
from iea_agent.domain.update_catalogue import (
    CUSTOM,
    Catalogue,
    CatalogueError,
    Offer,
    Release,
    ReleaseKind,
    SignedFile,
    check_file_name,
    check_release,
    list_offers,
)
from iea_desk.keys import DeskError
from iea_desk.order_files import LARGEST_DOCUMENT, read_bounded, read_toml, word_fault
from iea_desk.publication import Publication

FOLDERS = {ReleaseKind.PRODUCT: "impact-emploi", ReleaseKind.AGENT: "agent"}
FIRST_PERCENT = 5
MOST_VERSIONS = 6
"""Versions of a channel that are worth keeping."""


def list_catalogue(publication: Publication) -> Catalogue:
    """Return what agents would be offered after the draft."""
    return list_offers(map(_to_signed_file, publication.targets.values()))


def _to_signed_file(target: TargetFile) -> SignedFile:
    custom = target.custom if isinstance(target.custom, dict) else {}
    return SignedFile(target.path, target.length, str(target.hashes.get("sha256", "")), custom)


# versions


def add_release(publication: Publication, file: Path, sheet: Path) -> Offer:
    """Draft the version in *file*, described in *sheet* (TOML). Raises ``DeskError``."""
    if not file.is_file():
        raise DeskError(f"Il n’y a pas de fichier {file}.")
    document = _complete_sheet(read_toml(sheet))
    try:
        release = check_release(document)
        name = f"{FOLDERS[release.kind]}/{file.name}"
        check_file_name(name)
    except CatalogueError as error:
        raise DeskError(
            f"{sheet} : les postes ne comprendraient pas cette fiche : {word_fault(error)}.", REFUSED
        ) from None
    _demand_newer(publication, release, name)
    for notes in filter(None, (release.notes.fr, release.notes.en)):
        if notes not in publication.targets:
            raise DeskError(
                f"Les notes « {notes} » manquent. Ajoutez-les d’abord : iea-desk publish notes {release.version} FICHIER.",
                REFUSED,
            )
    publication.put(name, file, {CUSTOM: document})
    for offer in list_catalogue(publication).offers:
        if offer.file.name == name:
            return offer
    raise DeskError(f"{file} ne peut pas être proposé : {_find_refusal(publication, name)}.", REFUSED)


def _find_refusal(publication: Publication, name: str) -> str:
    refusals = list_catalogue(publication).refusals
    return next((each for each in refusals if name in each), "une autre version a ce numéro")


def _complete_sheet(sheet: dict[str, Any]) -> dict[str, Any]:
    """Return *sheet* with what a release manager need not write."""
    version = str(sheet.get("version", ""))
    document = {
        "schema": 1,
        "channel": "stable",
        "not_before": None,
        "deadline": None,
        "critical": False,
        "downgrade": False,
        "signer": "",
        "closes": [],
        **sheet,
    }
    usual: Mapping[str, Mapping[str, object]] = {
        "minimum": {"agent": "", "windows": "", "product": ""},
        "rollout": {"percent": FIRST_PERCENT, "salt": version},
        "notes": {"fr": f"notes/{version}.fr.md", "en": ""},
        "detect": {"registry": "", "value": "", "file": ""},
    }
    for name, values in usual.items():
        part = sheet.get(name, {})
        # what is no table is refused by the agents' own rules
        document[name] = {**values, **part} if isinstance(part, dict) else part
    return document


def _demand_newer(publication: Publication, release: Release, name: str) -> None:
    published = publication.signed.find_published("targets")
    public = published.signed.targets if published else {}
    for offer in list_catalogue(publication).offers:
        other = offer.release
        if (other.kind, other.channel) != (release.kind, release.channel):
            continue
        is_same_draft = offer.file.name == name and name not in public
        if not is_same_draft and order_version(release.version) <= order_version(other.version):
            raise DeskError(
                f"La version {release.version} n’est pas plus récente que {other.version}, déjà dans le dépôt : "
                "les postes ne la prendraient pas. Donnez-lui un numéro plus haut.",
                REFUSED,
            )


def find_offer(publication: Publication, version: str, kind: str = "") -> Offer:
    """Return the offer of *version*. Raises ``DeskError`` unless there is just one."""
    try:
        wanted = order_version(version)
    except ValueError:
        raise DeskError(f"« {version} » n’est pas un numéro de version.", REFUSED) from None
    offers = [
        offer
        for offer in list_catalogue(publication).offers
        if order_version(offer.release.version) == wanted and kind in ("", offer.release.kind.value)
    ]
    if len(offers) == 1:
        return offers[0]
    if offers:
        raise DeskError(
            f"Plusieurs fichiers ont la version {version} : précisez --kind product ou agent.", REFUSED
        )
    there = ", ".join(offer.release.version for offer in list_catalogue(publication).offers) or "aucune"
    raise DeskError(f"Il n’y a pas de version {version} dans le dépôt. Il y a : {there}.", REFUSED)


def roll_out(publication: Publication, offer: Offer, percent: int) -> None:
    """Draft that *offer* is proposed to *percent* of the posts. Raises ``DeskError``."""
    before, version = offer.release.rollout.percent, offer.release.version
    if before == 0:
        raise DeskError(
            f"La version {version} est retirée et ne revient pas : des postes ont appris qu’elle l’est. "
            "Publiez la correction sous un numéro plus haut.",
            REFUSED,
        )
    if percent <= before:
        raise DeskError(
            f"La version {version} est déjà proposée à {before} % des postes : une diffusion ne rétrécit pas, "
            f"car des postes l’ont déjà prise. Pour l’arrêter : iea-desk publish withdraw {version}.",
            REFUSED,
        )
    _set_percent(publication, offer, percent)


def withdraw(publication: Publication, offer: Offer, *, remove: bool) -> None:
    """Draft that nobody is proposed *offer* any more; *remove* its file, too."""
    if remove:
        publication.remove(offer.file.name)
    else:
        _set_percent(publication, offer, 0)


def _set_percent(publication: Publication, offer: Offer, percent: int) -> None:
    document = offer.release.to_document()
    document["rollout"] = {"percent": percent, "salt": offer.release.rollout.salt}
    publication.describe(offer.file.name, {**offer.file.custom, CUSTOM: document})


# texts


def add_notes(publication: Publication, version: str, language: str, file: Path) -> str:
    """Draft the notes of *version*; return their name. Raises ``DeskError``."""
    data = read_bounded(file, LARGEST_NOTES)
    try:
        text = data.decode("utf-8-sig")
        order_version(version)
    except ValueError:
        raise DeskError(
            f"{file} n’est pas un texte en UTF-8, ou « {version} » n’est pas une version.", REFUSED
        ) from None
    text = text.replace("\r\n", "\n")
    # a no-break space is French, and Python does not call it printable
    if not text.strip() or escape_controls(text) != text:
        raise DeskError(f"{file} est vide, ou contient des caractères invisibles.", REFUSED)
    name = f"notes/{version}.{language}.md"
    publication.put(name, text.encode())
    return name


def set_policy(publication: Publication, file: Path) -> SignedPolicy:
    """Draft the policy in *file* (TOML). Raises ``DeskError``."""
    text = json.dumps({"schema": SCHEMA, **read_toml(file)}, ensure_ascii=False, indent=1)
    try:
        policy = parse_policy(text)
    except PolicyError as error:
        raise DeskError(
            f"{file} : les postes refuseraient cette politique : {word_fault(error)}.", REFUSED
        ) from None
    if policy.ignored:
        raise DeskError(
            f"{file} : aucun poste ne connaît « {policy.ignored[0]} ». Est-ce une faute de frappe ?", REFUSED
        )
    _demand_reachable_minimum(publication, policy)
    _demand_time_to_tell(publication, policy)
    publication.put(POLICY_FILE, text.encode())
    return policy


def _demand_reachable_minimum(publication: Publication, policy: SignedPolicy) -> None:
    for kind, version in (
        (ReleaseKind.PRODUCT, policy.minimum.product),
        (ReleaseKind.AGENT, policy.minimum.agent),
    ):
        offers = [offer for offer in list_catalogue(publication).offers if offer.release.kind is kind]
        reachable = [offer for offer in offers if offer.release.rollout.percent == 100]
        if version and not any(
            order_version(offer.release.version) >= order_version(version) for offer in reachable
        ):
            raise DeskError(
                f"La version minimale {version} exclurait tout le monde : aucune version proposée à 100 % des postes "
                "n’est aussi récente.",
                REFUSED,
            )


def _demand_time_to_tell(publication: Publication, policy: SignedPolicy) -> None:
    before = publication.read_target(POLICY_FILE)
    try:
        announced = parse_policy(before.decode()).changes if before else ()
    except PolicyError:
        announced = ()
    for change in policy.changes:
        lead = change.begins - publication.now.timestamp()
        if change not in announced and lead < timing.REHEARSAL_LEAD:
            raise DeskError(
                f"Le changement « {change.name} » commence dans {max(lead, 0) / 86_400:.0f} jours. Il en faut 21 : "
                "chaque poste essaie d’abord les nouvelles adresses, et prévient une semaine avant s’il n’y arrive pas.",
                REFUSED,
            )


def set_notice(publication: Publication, document: Mapping[str, object] | None) -> Notice | None:
    """Draft the notice in *document*, None for none at all. Raises ``DeskError``."""
    notices = [] if document is None else [document]
    text = json.dumps({"schema": SCHEMA, "notices": notices}, ensure_ascii=False)
    try:
        (notice,) = parse_notices(text) or (None,)
    except PolicyError as error:
        raise DeskError(f"Les postes refuseraient cet avis : {word_fault(error)}.", REFUSED) from None
    publication.put(NOTICES_FILE, text.encode())
    return notice


def set_register(publication: Publication, file: Path) -> int:
    """Draft the register in *file*; return its generation. Raises ``DeskError``."""
    data = read_bounded(file, LARGEST_DOCUMENT)
    try:
        register = parse_register(data.decode("ascii", "replace"))
        before = publication.read_target(REGISTER_FILE)
        generation = parse_register(before.decode("ascii", "replace")).generation if before else 0
    except RegisterError as error:
        raise DeskError(
            f"{file} n’est pas un registre que les postes acceptent : {word_fault(error)}.", REFUSED
        ) from None
    if register.generation < generation or (register.generation == generation and data != before):
        raise DeskError(
            f"{file} est de génération {register.generation}, et le dépôt en est à la {generation} : les postes garderaient l’ancien.",
            REFUSED,
        )
    publication.put(REGISTER_FILE, data)
    return register.generation
