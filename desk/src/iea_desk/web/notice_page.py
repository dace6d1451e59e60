"""The page of a notice: what the agents will show of an incident."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime

from iea_agent.domain.problems import CATALOGUE
from iea_agent.domain.signed_policy import LONGEST_SENTENCE
from iea_agent.shell.wording.incident_text import describe_incident
from iea_desk.case_text import typeset
from iea_desk.notice_order import NoticeOrder
from iea_desk.web.frame import complaint, copy_button, field, heading, paragraph, render_page
from iea_desk.web.markup import Content, Html, tag

ORDER, PREVIEW, WRITE, END = "faire", "voir", "ecrire", "finir"
"""The name of the buttons, and what each asks for."""
_LONGEST_FIELD = 2000
_HEADING = "Avis d'incident"


def make_order(fields: Mapping[str, str]) -> NoticeOrder:
    """Return what the fields of the form ask for."""
    text, english, since, next_news, until = (
        fields.get(name, "")[:_LONGEST_FIELD].strip()
        for name in ("texte", "anglais", "depuis", "prochaine", "fin")
    )
    return NoticeOrder(text, english, since, next_news, until, fields.get("inutile") != "oui")


def suggest_order(code: str, since: str) -> NoticeOrder:
    """Return the first content of the form, for an incident of the problem *code*."""
    problem = CATALOGUE.get(code)
    text = f"{problem.title}." if problem else ""
    return NoticeOrder(typeset(text), since=since[:40])


def render_notice_page(
    order: NoticeOrder, *, has_folder: bool, fault: str = "", outcome: Content = None
) -> str:
    """Return the page with *order* in its fields, and what came of it above."""
    return render_page(
        _HEADING,
        heading(1, _HEADING),
        complaint(fault, "Rien n'est écrit. Ce que vous avez saisi est encore là.") if fault else None,
        outcome,
        paragraph(
            "Les postes qui échouent montrent cet avis, et une personne qui l'a lu n'écrit pas. Il s'adresse à tous les postes."
        ),
        _render_form(order, has_folder),
        here="avis",
    )


def _render_form(order: NoticeOrder, has_folder: bool) -> Html:
    needless = tag(
        "input", type="checkbox", id="inutile", name="inutile", value="oui", checked=not order.asks_to_write
    )
    buttons: list[Content] = [_button(PREVIEW, "Voir l'aperçu", "first")]
    if has_folder:
        buttons += [
            " ",
            _button(WRITE, "Mettre dans le brouillon"),
            " ",
            _button(END, "Retirer l'avis en cours"),
        ]
    return tag(
        "form",
        _render_text(
            "texte",
            "Texte",
            order.text,
            f"Une phrase de {LONGEST_SENTENCE} caractères au plus : ce qui ne marche pas, ce qui marche encore.",
        ),
        tag(
            "div",
            _render_time("depuis", "Depuis", order.since, "Vide : maintenant."),
            _render_time(
                "prochaine", "Prochaine information", order.next_news, "Vide : l'avis n'en parle pas."
            ),
            _render_time(
                "fin", "Fin de l'avis", order.until, "Vide : un jour après le début. Une semaine au plus."
            ),
            class_="times",
        ),
        tag("p", needless, " ", tag("label", typeset("Inutile d'écrire à l'assistance"), for_="inutile")),
        tag(
            "details",
            tag("summary", "Texte anglais"),
            _render_text("anglais", "Texte pour les postes en anglais", order.english),
            open=bool(order.english),
        ),
        tag("p", buttons),
        method="post",
        action="avis",
    )


def _render_text(name: str, label: str, value: str, hint: str = "") -> Html:
    control = tag(
        "input",
        type="text",
        id=name,
        name=name,
        value=value,
        maxlength=LONGEST_SENTENCE,
        aria_describedby=f"{name}-aide" if hint else None,
        autofocus=bool(hint),
    )
    return field(label, control, name, hint)


def _render_time(name: str, label: str, value: str, hint: str) -> Html:
    control = tag(
        "input", type="datetime-local", id=name, name=name, value=value, aria_describedby=f"{name}-aide"
    )
    return field(label, control, name, hint)


def _button(order: str, label: str, kind: str = "") -> Html:
    return tag("button", typeset(label), type="submit", name=ORDER, value=order, class_=kind or None)


def render_preview(order: NoticeOrder, now: datetime, *, has_folder: bool) -> Html:
    """Return what an agent shows. Raises ``DeskError``."""
    notice = order.read_notice(now)
    wall = now.timestamp()
    remarks = []
    if notice.since > wall:
        remarks.append("Les postes ne le montrent qu'à partir de son début.")
    if notice.next_news is not None and notice.next_news <= wall:
        remarks.append("L'heure de la prochaine information est passée : elle n'est pas montrée.")
    content: list[Content] = [
        heading(2, "Aperçu, comme sur un poste", id="apercu"),
        tag("blockquote", describe_incident(notice, max(wall, notice.since))),
        *map(paragraph, remarks),
    ]
    if not has_folder:
        content += [
            paragraph("Pour le publier, sur le poste de la personne qui tient le dépôt :"),
            tag("p", tag("code", quote_command(order), id="commande"), " ", copy_button("commande")),
            tag("p", tag("code", "iea-desk publish sign")),
        ]
    return tag("section", content, class_="box", aria_labelledby="apercu")


def quote_command(order: NoticeOrder) -> str:
    """Return the command that prepares the same notice."""
    words = ["iea-desk", "publish", *order.list_arguments()]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def render_written(sentence: str) -> Html:
    """Return that the draft was written, and what comes next."""
    return tag(
        "div",
        paragraph(sentence, role="status"),
        paragraph("Dans le brouillon. Pour publier, la personne qui signe lance :"),
        tag("p", tag("code", "iea-desk publish sign")),
        class_="done",
    )
