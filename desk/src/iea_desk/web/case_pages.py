"""The pages about one request: the field for it, its ten lines, the answer."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

from iea_agent.domain.day_password import spell_letters
from iea_agent.domain.support_letter import LONGEST_MAILTO, Letter
from iea_desk.case_text import compose_answer, list_lines, name_problem, typeset
from iea_desk.password_message import PasswordMessage, format_french_date
from iea_desk.request_files import LARGEST_MESSAGE
from iea_desk.support_case import SupportCase
from iea_desk.web.frame import (
    complaint,
    copy_button,
    definition_row,
    definition_table,
    field,
    heading,
    paragraph,
    render_page,
)
from iea_desk.web.markup import Content, Html, join, tag

TEXT, FILE = "texte", "fichier"
"""The fields of the form."""
_URGENT = ("Problème", "Qui agit", "Répondre")
_TELL = "Vérifiez d'abord que le message vient d'une adresse connue ; sinon, répondez à l'adresse enregistrée de l'association."


def render_start(password: PasswordMessage | str, text: str = "", fault: str = "") -> str:
    """Return the first page.

    *password* is today's, or why there is none. *text* stands in the field again after a *fault*.
    """
    return render_page(
        "Lire une demande",
        tag("h1", "Lire une demande"),
        complaint(fault, _KEEP if text else "") if fault else None,
        tag("div", _render_form(text), _render_password(password), class_="columns"),
        here="./",
    )


_KEEP = "Votre texte est encore dans le champ."


def _render_form(text: str) -> Html:
    kinds = "un fichier d'assistance (.zip), un message enregistré (.eml) ou une boîte (.mbox)"
    return tag(
        "form",
        field(
            "Coller un code, un message ou du texte",
            tag(
                "textarea",
                text,
                id=TEXT,
                name=TEXT,
                rows=7,
                autofocus=True,
                spellcheck="false",
                aria_describedby=f"{TEXT}-aide",
            ),
            TEXT,
            "Ctrl + Entrée pour lire.",
        ),
        field(
            f"Ou choisir {kinds}",
            tag(
                "input",
                type="file",
                id=FILE,
                name=FILE,
                accept=".zip,.eml,.mbox,.txt,.json",
                aria_describedby=f"{FILE}-aide",
            ),
            FILE,
            "Vous pouvez aussi déposer le fichier n'importe où sur cette page. Rien n'est écrit sur le disque.",
        ),
        tag("p", tag("button", "Lire", type="submit", class_="first")),
        method="post",
        action="demande",
        enctype="multipart/form-data",
        data_largest=LARGEST_MESSAGE,
    )


def _render_password(password: PasswordMessage | str) -> Html:
    title = heading(2, "Mot de passe du jour", id="titre-mot-de-passe")
    if isinstance(password, str):
        lines = [paragraph(line) for line in password.splitlines() if line.strip()]
        return tag("section", title, lines, class_="box", aria_labelledby="titre-mot-de-passe")
    content = [
        paragraph(f"{format_french_date(password.password.day).capitalize()}."),
        tag("p", tag("output", password.letters, id="lettres", class_="secret"), copy_button("lettres")),
        tag("p", tag("span", password.words, id="mots"), " ", copy_button("mots", "Copier les mots")),
        tag(
            "details",
            tag("summary", typeset("Épeler")),
            tag("p", spell_letters(password.letters)),
        ),
        paragraph(password.until),
        tag(
            "details",
            tag("summary", typeset("Message à envoyer")),
            paragraph(_TELL),
            _render_letter(Letter("", password.subject, password.body), "message"),
        ),
    ]
    return tag("section", title, *content, class_="box", aria_labelledby="titre-mot-de-passe")


def render_case_page(case: SupportCase, password: PasswordMessage | str) -> str:
    """Return the page of one request."""
    title = name_problem(case)
    if case.wants_password and not case.code:
        title = "Mot de passe du jour demandé"
    title = title[:1].upper() + title[1:]
    return render_page(title, heading(1, title), render_case_panel(case, password))


def render_case_panel(case: SupportCase, password: PasswordMessage | str, level: int = 2) -> Html:
    """Return the ten lines on *case*, and the answer under headings of *level*."""
    rows = [
        definition_row(name, typeset(what), "urgent" if name in _URGENT else None)
        for name, what in list_lines(case)
    ]
    subject, body = compose_answer(case, password if isinstance(password, PasswordMessage) else None)
    answer: list[Content] = [heading(level, "Réponse, à relire")]
    if case.wants_password:
        missing = isinstance(password, str)
        answer += [
            paragraph(_TELL, class_="careful"),
            complaint(f"Le mot de passe du jour manque. {password}") if missing else None,
        ]
    answer.append(_render_letter(Letter(case.sender, subject, body), "reponse"))
    return tag(
        "div",
        tag("div", definition_table(rows, "Les dix lignes"), class_="lines"),
        tag("section", *answer, class_="answer"),
        class_="columns case",
    )


def _render_letter(letter: Letter, name: str) -> Html:
    """Return a message that can be changed, copied and opened in the mail program."""
    address = letter.mailto
    body = unquote(address.partition("&body=")[2]).replace("\r\n", "\n")
    is_whole = body.rstrip() == letter.body.rstrip()
    return join(
        tag(
            "div",
            field("Destinataire", _render_line(f"{name}-adresse", letter.recipient), f"{name}-adresse"),
            field("Objet", _render_line(f"{name}-objet", letter.subject), f"{name}-objet"),
            class_="pair",
        ),
        field("Texte", tag("textarea", "\n", letter.body, id=f"{name}-texte", rows=11), f"{name}-texte"),
        None if is_whole else paragraph(_LONG, class_="hint"),
        tag(
            "p",
            copy_button(f"{name}-texte", "Copier le texte"),
            " ",
            tag(
                "a",
                "Ouvrir dans la messagerie",
                href=address if is_whole else replace(letter, body="").mailto,
                class_="button",
                data_letter=name,
                data_longest=LONGEST_MAILTO,
            ),
        ),
    )


_LONG = "La messagerie ne reprend pas un texte aussi long : copiez-le, puis collez-le dans le message."


def _render_line(identifier: str, text: str) -> Html:
    return tag("input", type="text", id=identifier, value=text, autocomplete="off")
