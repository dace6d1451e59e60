"""The requests of a mailbox by problem, so that an incident is seen at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from iea_agent.domain.printable_text import clean_foreign_text
from iea_agent.domain.problems import Group
from iea_desk.case_text import name_problem, typeset
from iea_desk.request_files import RequestRefused, open_request
from iea_desk.support_case import SupportCase, is_plausible

INCIDENT_PCS = 3
"""So many PCs with one problem are asked about as an incident,"""
INCIDENT_SPAN = 7200.0
"""if it began on all of them within so many seconds."""
_ONE_BY_ONE = (Group.CONFIGURATION.value, Group.THIS_PC.value)
"""Problems of one PC, which are no incident however many have them."""
_MOST_SENDERS = 6


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """One message: its *name* in the folder, and its case or why it was refused."""

    name: str
    case: SupportCase | None
    refusal: str = ""

    @property
    def sender(self) -> str:
        """Who sent it; without an address, the message itself."""
        return (self.case.sender if self.case else "") or self.name


@dataclass(slots=True)
class ProblemGroup:
    """The messages about one problem, "" for those without a code."""

    code: str
    title: str
    messages: list[InboxMessage] = field(default_factory=list)

    @property
    def senders(self) -> dict[str, int]:
        """How many messages each sender wrote about it."""
        counts: dict[str, int] = {}
        for message in self.messages:
            counts[message.sender] = counts.get(message.sender, 0) + 1
        return counts

    @property
    def password_count(self) -> int:
        """How many senders want the password of the day."""
        return len(
            {each.sender for each in self.messages if each.case is not None and each.case.wants_password}
        )

    def find_incident(self) -> tuple[int, float] | None:
        """Return how many PCs met it at about the same time, and when the first did."""
        if not self.code or self.code[4:5] in _ONE_BY_ONE:
            return None
        begins: dict[str, float] = {}
        for message in self.messages:
            begin = _find_begin(message.case)
            if begin is not None:
                begins[message.sender] = min(begin, begins.get(message.sender, begin))
        times = sorted(begins.values())
        first, best = 0, (0, 0.0)
        for place, moment in enumerate(times):
            while moment - times[first] > INCIDENT_SPAN:
                first += 1
            best = max(best, (place - first + 1, times[first]))
        return best if best[0] >= INCIDENT_PCS else None


def _find_begin(case: SupportCase | None) -> float | None:
    if case is None:
        return None
    begin = case.sent if case.since is None else case.since
    return begin if begin is not None and is_plausible(begin) else None


@dataclass(frozen=True, slots=True)
class Inbox:
    """All messages: the *groups*, the largest first, and what was *refused*."""

    groups: tuple[ProblemGroup, ...]
    refused: tuple[InboxMessage, ...]

    @property
    def message_count(self) -> int:
        """How many messages were read."""
        return sum(len(group.messages) for group in self.groups)

    @property
    def sender_count(self) -> int:
        """How many people wrote."""
        return len({message.sender for group in self.groups for message in group.messages})


def sort_inbox(messages: Iterable[tuple[str, bytes | None]]) -> Inbox:
    """Return *messages* by their problem.

    Each is a name and its bytes, None if it is too large; they are taken apart one after the other.
    """
    return group_messages(open_inbox_message(name, data) for name, data in messages)


def group_messages(messages: Iterable[InboxMessage]) -> Inbox:
    """Return *messages*, taken apart already, by their problem."""
    groups: dict[str, ProblemGroup] = {}
    refused = []
    for message in messages:
        if message.case is None:
            refused.append(message)
            continue
        case = message.case
        group = groups.setdefault(case.code, ProblemGroup(case.code, ""))
        # those without a code have nothing else in common
        group.title = group.title or (name_problem(case) if case.code else "Sans code de problème")
        group.messages.append(message)
    ordered = sorted(groups.values(), key=lambda group: (-len(group.senders), group.code))
    return Inbox(tuple(ordered), tuple(refused))


def open_inbox_message(name: str, data: bytes | None) -> InboxMessage:
    """Return the message in *data*, None for one that is too large."""
    name = clean_foreign_text(name)
    if data is None:
        return InboxMessage(name, None, "Trop gros pour une demande d'assistance.")
    try:
        return InboxMessage(name, open_request(data))
    except RequestRefused as error:
        return InboxMessage(name, None, str(error))


def render_inbox(inbox: Inbox, now: float, left_out: int = 0) -> str:
    """Return what the person at the desk reads; *left_out* messages were not opened."""
    return typeset("\n".join(_list_lines(inbox, now, left_out)))


def describe_inbox(inbox: Inbox) -> str:
    """Return how much there is in *inbox*."""
    repeated = inbox.message_count - sum(len(group.senders) for group in inbox.groups)
    return (
        f"{_count(inbox.message_count, 'message')} de {_count(inbox.sender_count, 'poste')}, {_count(len(inbox.groups), 'sujet')}"
        f" ; {_count(repeated, 'répétition', 'regroupée')}, {_count(len(inbox.refused), 'message', 'non lu')}"
    )


def _count(number: int, *words: str) -> str:
    return " ".join([str(number), *(f"{word}{'s' if number > 1 else ''}" for word in words)])


def _list_lines(inbox: Inbox, now: float, left_out: int) -> Iterator[str]:
    yield describe_inbox(inbox)
    if left_out:
        yield f"{left_out} messages de plus n'ont pas été ouverts : déplacez les anciens."
    for group in inbox.groups:
        yield ""
        yield group.title
        yield from (f"    {line}" for line in _list_group(group, now))
    if inbox.refused:
        yield ""
        yield "Messages non lus"
        yield from (f"    {each.name} : {each.refusal}" for each in inbox.refused[:20])


def describe_extent(group: ProblemGroup, now: float) -> str:
    """Return how many PCs have the problem, and whether it may be an incident."""
    incident = group.find_incident()
    if incident is not None:
        return f"{incident[0]} postes, même code, depuis {format_begin(incident[1], now)} : incident ?"
    return _count(len(group.senders), "poste")


def _list_group(group: ProblemGroup, now: float) -> Iterator[str]:
    senders = group.senders
    yield describe_extent(group, now)
    if group.password_count:
        yield f"mot de passe du jour à envoyer : {group.password_count}"
    names = [f"{name} ({count} messages)" if count > 1 else name for name, count in senders.items()]
    more = [f"et {len(names) - _MOST_SENDERS} autres"] if len(names) > _MOST_SENDERS else []
    yield ", ".join([*names[:_MOST_SENDERS], *more])


def format_begin(wall: float, now: float) -> str:
    """Return « 9 h 12 » today, « le 29/11 à 9 h 12 » before, by this PC's clock."""
    if not is_plausible(wall):
        return "date illisible"
    local, today = (datetime.fromtimestamp(moment, UTC).astimezone() for moment in (wall, now))
    time_of_day = f"{local.hour} h {local.minute:02d}"
    return time_of_day if local.date() == today.date() else f"le {local:%d/%m} à {time_of_day}"


def build_inbox_document(inbox: Inbox, left_out: int = 0) -> dict[str, object]:
    """Return the document of ``inbox --json``; times are seconds since 1970."""
    return {
        "schema": 1,
        "messages": inbox.message_count,
        "senders": inbox.sender_count,
        "left_out": left_out,
        "groups": [_build_group(group) for group in inbox.groups],
        "refused": [{"name": each.name, "reason": typeset(each.refusal)} for each in inbox.refused],
    }


def _build_group(group: ProblemGroup) -> dict[str, object]:
    incident = group.find_incident()
    actors = [each.case.actor.value for each in group.messages if each.case is not None and each.case.actor]
    return {
        "code": group.code,
        "title": group.title,
        "actor": actors[0] if actors else None,
        "senders": group.senders,
        "passwords": group.password_count,
        "incident": None if incident is None else {"pcs": incident[0], "since": incident[1]},
        "messages": [each.name for each in group.messages],
    }
