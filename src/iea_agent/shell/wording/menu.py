"""The icon's picture, tooltip and menu for a snapshot."""

from __future__ import annotations

from iea_agent.domain import machine
from iea_agent.domain.machine import Event, Snapshot, State
from iea_agent.domain.person_requests import BY_EVENT, REQUESTS, Abilities, PersonRequest
from iea_agent.locale import _
from iea_agent.shell.wording.state_text import STATES, format_state_since
from iea_agent.shell.wording.view import (
    SEPARATOR,
    TOOLTIP_UNITS,
    MenuLine,
    Picture,
    View,
    count_utf16_units,
)

PICTURES = {
    State.CONNECTING: Picture.PALE_BALL,
    State.CONNECTED: Picture.BALL,
    State.DISCONNECTED: Picture.HEART,
    State.ASSISTANCE: Picture.BEETLE,
}

NO_ABILITIES = Abilities()


def render_view(snapshot: Snapshot, now: float, abilities: Abilities = NO_ABILITIES) -> View:
    """Return the view of *snapshot* at wall-clock time *now*."""
    headline = f"{_(STATES[snapshot.state])} {format_state_since(snapshot.state, snapshot.since, now)}"
    *lines, last = (_render_line(request, snapshot.state, abilities) for request in REQUESTS if request.label)
    return View(
        PICTURES[snapshot.state],
        _render_tooltip(snapshot, headline),
        (MenuLine(headline, machine.StatusRequested()), SEPARATOR, *lines, SEPARATOR, last),
        machine.StatusRequested(),
    )


def explain_disabled(event: type[Event], state: State, abilities: Abilities) -> str:
    """Return why *event* can do nothing now, or "" if it can."""
    reason = BY_EVENT[event].explain_refusal(state, abilities)
    return _(reason) if reason else ""


def _render_line(request: PersonRequest, state: State, abilities: Abilities) -> MenuLine:
    """Return the menu line of *request*."""
    before, _mark, after = _(request.label).partition("&")
    label, mnemonic = before + after, after[:1].upper()
    if reason := explain_disabled(request.event, state, abilities):
        return MenuLine(f"{label.rstrip('…')} ({reason})", None, enabled=False, mnemonic=mnemonic)
    return MenuLine(label, request.event(), mnemonic=mnemonic)


def _render_tooltip(snapshot: Snapshot, headline: str) -> str:
    second = ""
    if snapshot.problem is not None and snapshot.state is not State.ASSISTANCE:
        second = f"\n{_(snapshot.problem.title)} ({snapshot.problem.code})"
    if snapshot.state is State.ASSISTANCE and snapshot.servers_answer:
        second = "\n" + _("Les serveurs répondent de nouveau")
    whole = f"Impact emploi – {headline}{second}"
    if count_utf16_units(whole) <= TOOLTIP_UNITS:
        return whole
    # the menu and the status window say since when; what is wrong is needed here
    return f"Impact emploi – {_(STATES[snapshot.state])}{second}"
