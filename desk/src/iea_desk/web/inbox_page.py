"""The page of the mailbox: the requests by problem, one of them open beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Correspondent:
    """One person's messages about one problem, the newest first, by their keys."""

    name: str
    messages: dict[str, InboxMessage]

    @property
    def newest(self) -> str:
        """The key of the newest message."""
        return next(iter(self.messages))


def list_correspondents(group: ProblemGroup, keys: Mapping[int, str]) -> list[Correspondent]:
    """Return who wrote about the problem of *group*."""
    newest_first = sorted(group.messages, key=lambda message: -((message.case and message.case.sent) or 0.0))
    people: dict[str, dict[str, InboxMessage]] = {}
    for message in newest_first:
        people.setdefault(message.sender, {})[keys[id(message)]] = message
    return [Correspondent(name, messages) for name, messages in people.items()]


def render_inbox_page(
    view: MailboxView, opened: str, password: PasswordMessage | str, place: str = "boite"
) -> str:
    """Return the page of *view*; the message of the key *opened* is beside its list.

    *place* is the address of the page.
    """
    keys = {id(message): key for key, message in view.keys.items()}
    people = [list_correspondents(group, keys) for group in view.inbox.groups]
    groups = [
        _render_group(group, f"sujet-{number}", those, opened, view.at)
        for number, (group, those) in enumerate(zip(view.inbox.groups, people, strict=True))
    ]
    overview = [
        paragraph(f"{describe_inbox(view.inbox)}."),
        _render_state(view),
        groups or paragraph("La boîte est vide."),
        _render_refused(view.inbox.refused),
    ]
    beside = _render_opened([each for those in people for each in those], opened, password, view.at)
    return render_page(
        _TITLE,
        tag("h1", typeset(_TITLE)),
        tag(
            "div",
            tag("div", overview, class_="list"),
            beside if opened else None,
            class_="columns inbox" if opened else "inbox",
        ),
        here=place,
    )


def _render_state(view: MailboxView) -> Html:
    local = datetime.fromtimestamp(view.at, UTC).astimezone()
    sentence = f"Lue à {local.hour} h {local.minute:02d}."
    if view.waiting:
        sentence += f" {view.waiting} messages attendent encore."
    if view.left_out:
        sentence += f" {view.left_out} messages de plus ne sont pas ouverts : déplacez les anciens."
    again = "Lire la suite" if view.waiting else "Relire la boîte"
    return paragraph(sentence, " ", tag("a", again, href="?", class_="button"))


def _render_group(
    group: ProblemGroup, title: str, people: list[Correspondent], opened: str, now: float
) -> Html:
    actor = next((each.case.actor for each in group.messages if each.case and each.case.actor), None)
    incident = group.find_incident()
    lines: list[Content] = [tag("p", tag("strong", typeset(describe_extent(group, now))), class_="extent")]
    if incident is not None:
        since = f"{datetime.fromtimestamp(incident[1], UTC).astimezone():%Y-%m-%dT%H:%M}"
        address = f"avis?depuis={since}&code={group.code}"
        lines.append(tag("p", tag("a", "Préparer un avis", href=address, class_="button")))
    if actor is not None:
        lines.append(paragraph(f"Qui agit : {name_actor(actor)}"))
    if group.password_count:
        lines.append(paragraph(f"Mot de passe du jour à envoyer : {group.password_count}"))
    items = [_render_correspondent(each, opened, now) for each in people]
    first, others = items[:_MOST_SENDERS], items[_MOST_SENDERS:]
    # the open one is never folded away
    is_among_others = any(opened in each.messages for each in people[_MOST_SENDERS:])
    return tag(
        "section",
        heading(2, group.title[:1].upper() + group.title[1:], id=title),
        lines,
        tag("ul", first),
        tag(
            "details",
            tag("summary", typeset(f"et {len(others)} autre{'s' if len(others) > 1 else ''}")),
            tag("ul", others),
            open=is_among_others,
        )
        if others
        else None,
        class_="group incident" if incident else "group",
        aria_labelledby=title,
    )


def _render_correspondent(person: Correspondent, opened: str, now: float) -> Html:
    case = person.messages[person.newest].case
    parts = [f" ({len(person.messages)} messages)" if len(person.messages) > 1 else ""]
    if case is not None and case.sent is not None:
        parts.append(f", {format_begin(case.sent, now)}")
    if case is not None and case.wants_password:
        parts.append(" : mot de passe du jour")
    return tag("li", _link(person.newest, person.name, opened in person.messages), typeset("".join(parts)))


def _link(key: str, text: str, is_open: bool = False) -> Html:
    return tag("a", text, href=f"?ouvert={key}#demande", aria_current="true" if is_open else None)


def _render_opened(
    people: list[Correspondent], opened: str, password: PasswordMessage | str, now: float
) -> Html:
    """Return the message *opened*, the way to its neighbours, and its own older ones."""
    place = next((number for number, each in enumerate(people) if opened in each.messages), None)
    if place is None:
        gone = "Ce message n'est plus dans la boîte : il a été déplacé ou supprimé."
        content: list[Content] = [heading(2, "Message absent", id="demande", tabindex="-1"), paragraph(gone)]
    else:
        person = people[place]
        ways: list[Content] = []
        if place > 0:
            ways.append(_link(people[place - 1].newest, "Demande précédente"))
        if place + 1 < len(people):
            ways.append(_link(people[place + 1].newest, "Demande suivante"))
        others = [
            tag("li", _link(key, _name_moment(message, now), key == opened))
            for key, message in person.messages.items()
        ]
        case = person.messages[opened].case
        content = [
            heading(2, f"Demande de {person.name}", id="demande", tabindex="-1"),
            tag("p", [(way, " ") for way in ways], class_="ways"),
            [paragraph("Ses messages :"), tag("ul", others)] if len(others) > 1 else None,
            render_case_panel(case, password, 3) if case else None,
        ]
    return tag("section", content, class_="opened", aria_labelledby="demande")


def _name_moment(message: InboxMessage, now: float) -> str:
    sent = message.case.sent if message.case else None
    return message.name if sent is None else typeset(format_begin(sent, now))


def _render_refused(refused: tuple[InboxMessage, ...]) -> Html | None:
    if not refused:
        return None
    items = [tag("li", typeset(f"{each.name} : {each.refusal}")) for each in refused[:100]]
    return tag("details", tag("summary", typeset(f"Messages non lus ({len(refused)})")), tag("ul", items))
