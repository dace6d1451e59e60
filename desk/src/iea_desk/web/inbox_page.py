"""The page of the mailbox: the requests by problem, one of them open beside."""

from __future__ import annotations

from datetime import UTC, datetime

from iea_desk.case_text import name_actor, typeset
from iea_desk.inbox import InboxMessage, ProblemGroup, describe_extent, describe_inbox, format_begin
from iea_desk.password_message import PasswordMessage
from iea_desk.web.case_pages import render_case_panel
from iea_desk.web.frame import heading, paragraph, render_page
from iea_desk.web.mailbox import MailboxView
from iea_desk.web.markup import Content, Html, tag

_MOST_SENDERS = 8
_TITLE = "Boîte"


def render_no_inbox() -> str:
    """Return the page where no mailbox was given."""
    return render_page(
        _TITLE,
        tag("h1", typeset(_TITLE)),
        paragraph(
            "Aucune boîte n'a été indiquée. Relancez la commande avec un dossier de messages (.eml), un Maildir ou un fichier mbox :"
        ),
        tag("p", tag("code", "iea-desk web --inbox DOSSIER")),
        here="boite",
    )


def render_inbox_page(view: MailboxView, opened: str, password: PasswordMessage | str) -> str:
    """Return the page of *view*; the message of the key *opened* is beside its list."""
    inbox = view.inbox
    keys = {id(message): key for key, message in view.keys.items()}
    groups = [_render_group(group, number, keys, opened) for number, group in enumerate(inbox.groups)]
    overview = [
        paragraph(f"{describe_inbox(inbox)}."),
        _render_state(view),
        groups or paragraph("La boîte est vide."),
        _render_refused(inbox.refused),
    ]
    message = view.keys.get(opened)
    return render_page(
        _TITLE,
        tag("h1", typeset(_TITLE)),
        tag(
            "div",
            tag("div", overview, class_="list"),
            _render_opened(message, password) if message else _render_gone(opened),
            class_="columns inbox" if opened else "inbox",
        ),
        here="boite",
    )


def _render_state(view: MailboxView) -> Html:
    local = datetime.fromtimestamp(view.at, UTC).astimezone()
    sentence = f"Lue à {local.hour} h {local.minute:02d}."
    if view.waiting:
        sentence += f" {view.waiting} messages attendent encore."
    if view.left_out:
        sentence += f" {view.left_out} messages de plus ne sont pas ouverts : déplacez les anciens."
    again = "Lire la suite" if view.waiting else "Relire la boîte"
    return paragraph(sentence, " ", tag("a", again, href="boite", class_="button"))


def _render_group(group: ProblemGroup, number: int, keys: dict[int, str], opened: str) -> Html:
    title = f"sujet-{number}"
    actor = next((each.case.actor for each in group.messages if each.case and each.case.actor), None)
    incident = group.find_incident()
    lines: list[Content] = [tag("p", tag("strong", typeset(describe_extent(group))), class_="extent")]
    if incident is not None:
        since = f"{datetime.fromtimestamp(incident[1], UTC).astimezone():%Y-%m-%dT%H:%M}"
        lines.append(
            tag(
                "p",
                tag("a", "Préparer un avis", href=f"avis?depuis={since}&code={group.code}", class_="button"),
            )
        )
    if actor is not None:
        lines.append(paragraph(f"Qui agit : {name_actor(actor)}"))
    if group.password_count:
        lines.append(paragraph(f"Mot de passe du jour à envoyer : {group.password_count}"))
    senders: dict[str, list[InboxMessage]] = {}
    for message in group.messages:
        senders.setdefault(message.sender, []).append(message)
    items = [_render_sender(name, messages, keys, opened) for name, messages in senders.items()]
    more = [
        tag(
            "details",
            tag("summary", typeset(f"et {len(items) - _MOST_SENDERS} autres")),
            tag("ul", items[_MOST_SENDERS:]),
        )
    ]
    return tag(
        "section",
        heading(2, group.title[:1].upper() + group.title[1:], id=title),
        lines,
        tag("ul", items[:_MOST_SENDERS]),
        more if len(items) > _MOST_SENDERS else None,
        class_="group incident" if incident else "group",
        aria_labelledby=title,
    )


def _render_sender(name: str, messages: list[InboxMessage], keys: dict[int, str], opened: str) -> Html:
    """Return one person's messages as one line; the newest is opened."""
    newest = max(messages, key=lambda message: (message.case and message.case.sent) or 0.0)
    key = keys[id(newest)]
    case = newest.case
    when = f", {format_begin(case.sent)}" if case and case.sent is not None else ""
    count = f" ({len(messages)} messages)" if len(messages) > 1 else ""
    link = tag("a", name, href=f"boite?ouvert={key}#demande", aria_current="true" if key == opened else None)
    return tag("li", link, typeset(f"{count}{when}"))


def _render_opened(message: InboxMessage, password: PasswordMessage | str) -> Html:
    title = heading(2, f"Demande de {message.sender}", id="demande", tabindex="-1")
    if message.case is None:
        return tag("section", title, paragraph(message.refusal), class_="opened", aria_labelledby="demande")
    return tag(
        "section",
        title,
        render_case_panel(message.case, password, 3),
        class_="opened",
        aria_labelledby="demande",
    )


def _render_gone(opened: str) -> Html | None:
    if not opened:
        return None
    gone = "Ce message n'est plus dans la boîte : il a été déplacé ou supprimé."
    return tag(
        "section", heading(2, "Message absent", id="demande", tabindex="-1"), paragraph(gone), class_="opened"
    )


def _render_refused(refused: tuple[InboxMessage, ...]) -> Html | None:
    if not refused:
        return None
    items = [tag("li", typeset(f"{each.name} : {each.refusal}")) for each in refused[:100]]
    return tag("details", tag("summary", typeset(f"Messages non lus ({len(refused)})")), tag("ul", items))
