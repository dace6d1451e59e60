"""The words for the PCs of a site: a table, and what to know before an update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from iea_agent.domain.post_report import find_latest, is_behind, list_other_versions
from iea_agent.domain.problems import N_
from iea_agent.domain.program_version import order_version
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.locale import _

from .time_text import format_moment
from .update_text import KINDS

if TYPE_CHECKING:
    from iea_agent.domain.documents import SitePostDocument, SitePostsDocument
    from iea_agent.domain.post_report import PostReport, SiteView

MOST_NAMES = 5
"""PCs that a sentence names; the others are counted."""
NO_FOLDER = N_(
    "Aucun dossier partagé des mises à jour n'est fixé par l'administrateur (updates.folder) : ce poste ne connaît pas les autres."
)
_HEADINGS = (N_("Poste"), N_("Impact emploi"), N_("Programme de connexion"), N_("Vu"), "")
_STILL = (
    N_("1 autre poste de ce dossier a encore la version {version} : {names}."),
    N_("{number} autres postes de ce dossier ont encore la version {version} : {names}."),
)
_ALREADY = (
    N_("1 autre poste de ce dossier a déjà la version {version} : {names}."),
    N_("{number} autres postes de ce dossier ont déjà la version {version} : {names}."),
)
_DIFFERENT = N_("{number} autres postes de ce dossier ont une autre version : {names}.")


def word_other_versions(view: SiteView, installed: Mapping[ReleaseKind, str]) -> dict[ReleaseKind, str]:
    """Return the sentence about the PCs with another version than here, "" for none."""
    return {
        kind: _word_others(kind, list_other_versions(view, kind, version), version)
        for kind, version in installed.items()
    }


def _word_others(kind: ReleaseKind, others: Sequence[PostReport], installed: str) -> str:
    if not others:
        return ""

    def find_order(report: PostReport) -> tuple[int, ...]:
        return order_version(report.find_version(kind))

    ordered = sorted(others, key=find_order)
    (order, same), *more = [(key, list(group)) for key, group in groupby(ordered, key=find_order)]
    if more:
        names = [f"{each.post} ({each.find_version(kind)})" for each in ordered]
        return _(_DIFFERENT).format(number=len(names), names=_join(names))
    one, many = _STILL if order < order_version(installed) else _ALREADY
    return _(one if len(same) == 1 else many).format(
        number=len(same), version=same[0].find_version(kind), names=_join([each.post for each in same])
    )


def _join(names: Sequence[str]) -> str:
    """Return the first *names*, and how many there are besides."""
    rest = len(names) - MOST_NAMES
    # one more is named rather than counted
    if rest < 2:
        return ", ".join(names)
    named = ", ".join(names[:MOST_NAMES])
    return _("{names} et {number} autres").format(names=named, number=rest)


def word_shared_program(names: Sequence[str]) -> str:
    """Return what to do first if the product's folder is shared by the PCs *names*."""
    if not names:
        return _("Le dossier d'Impact emploi est partagé : fermez-le d'abord sur tous les autres postes.")
    sentence = _(
        "Le dossier d'Impact emploi est partagé : fermez-le d'abord sur les autres postes ({names})."
    )
    return sentence.format(names=_join(names))


def build_posts_document(folder: str, view: SiteView) -> SitePostsDocument:
    """Return the document of ``update posts``: each PC, and what it is behind in."""
    latest = {kind: find_latest(view.reports, kind) for kind in ReleaseKind}
    return {
        "schema": 1,
        "folder": folder,
        "posts": [
            {
                "post": each.post,
                "product": each.product,
                "agent": each.agent,
                "seen": each.seen,
                "here": each not in view.others,
                "behind": [kind.value for kind in ReleaseKind if is_behind(each, kind, latest[kind])],
            }
            for each in view.reports
        ],
        "ignored": view.ignored,
    }


def render_posts(document: SitePostsDocument, now: float) -> str:
    """Return *document* as a table for a terminal."""
    if not document["folder"]:
        return _(NO_FOLDER)
    rows = [tuple(map(_, _HEADINGS)), *(_render_post(each, now) for each in document["posts"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    if not document["posts"]:
        lines = [_("Aucun poste n'a encore écrit dans {folder}.").format(folder=document["folder"])]
    if document["ignored"]:
        ignored = _("Fichiers écartés (illisibles, ou datés du futur) : {number}")
        lines.append(ignored.format(number=document["ignored"]))
    return "\n".join(lines)


def _render_post(post: SitePostDocument, now: float) -> tuple[str, ...]:
    notes = [_("ce poste")] if post["here"] else []
    if post["behind"]:
        behind = ", ".join(_(KINDS[kind]) for kind in post["behind"])
        notes.append(_("en retard : {names}").format(names=behind))
    versions = (post["product"] or "?", post["agent"] or "?")
    return post["post"], *versions, format_moment(post["seen"], now), " ; ".join(notes)
