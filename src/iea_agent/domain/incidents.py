"""Incidents of the connection: from the first failure until it holds again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .log_book import LogBookState, Stay

HOLDS = 300.0
"""A connection of so many seconds ends an incident; a shorter one belongs to it."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident: its *stays* in order, and whether it *lasts*."""

    stays: tuple[Stay, ...]
    lasts: bool

    @property
    def begin(self) -> float:
        """When it began (wall clock)."""
        return self.stays[0].begin

    @property
    def end(self) -> float:
        """When it ended, or until when it was observed."""
        return self.stays[-1].end

    @property
    def codes(self) -> tuple[str, ...]:
        """The problems, in the order in which they were met."""
        return tuple(dict.fromkeys(stay.code for stay in self.stays if stay.code))

    def sum_seconds(self, state: LogBookState) -> float:
        """Return for how many seconds the connection was in *state*."""
        return sum(stay.seconds for stay in self.stays if stay.course is state)


def list_incidents(stays: Iterable[Stay]) -> tuple[Incident, ...]:
    """Return the incidents among *stays*, oldest first."""
    incidents: list[Incident] = []
    present: list[Stay] = []
    for stay in stays:
        if not present and stay.course not in (LogBookState.DISCONNECTED, LogBookState.ASSISTANCE):
            continue
        if stay.course is LogBookState.CONNECTED and stay.seconds >= HOLDS:
            incidents.append(_close(present, lasts=False))
            present = []
        else:
            present.append(stay)
    if present:
        incidents.append(_close(present, lasts=present[-1].course is not LogBookState.CONNECTED))
    return tuple(incidents)


def _close(stays: list[Stay], *, lasts: bool) -> Incident:
    """Return the incident of *stays*, without what only followed it."""
    while not lasts and stays[-1].course is LogBookState.CONNECTED:
        stays = stays[:-1]
    return Incident(tuple(stays), lasts)
