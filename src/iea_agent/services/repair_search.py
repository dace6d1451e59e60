"""Search for the repairs that make a failed test of the servers pass."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from iea_agent.domain.diagnosis import Server, ServerReport
from iea_agent.domain.repairs import ADDRESSES, Repair, RepairKind, is_identified
from iea_agent.domain.settings import Settings

from .authentication import Connect
from .reachability import CANCEL_CHECK_SECONDS, EXAMINATION_SECONDS, examine

ConnectWith: TypeAlias = Callable[[Settings], Connect]
"""Returns how servers are reached under the settings."""

_WITHOUT_REPAIR = -1
"""The number of the attempt with unchanged settings."""


def search(
    candidates: Sequence[Repair],
    settings: Settings,
    reports: Sequence[ServerReport],
    connect_with: ConnectWith,
    on_repair: Callable[[Repair], None],
    *,
    now: datetime,
    cancelled: threading.Event,
    seconds: float = EXAMINATION_SECONDS,
) -> tuple[Repair, ...] | None:
    """Try each candidate repair while re-running the failed test of *settings*.

    All are tried at the same time, without the licence. A repair counts for the servers that fail without it and are reached with it;
    it does not count if a server that was reached is lost. *on_repair* is called with each as soon as this is known.

    Returns the repairs in the order of *candidates*; None if the unchanged *settings* now work. What takes longer than *seconds* does not
    count. Returns within 200 ms once *cancelled* is set.
    """
    if not candidates:
        return ()
    progress = _Progress(candidates, reports, on_repair)
    over = threading.Event()
    results: queue.SimpleQueue[tuple[int, frozenset[Server]]] = queue.SimpleQueue()

    def attempt(number: int, tried: Settings) -> None:
        reached = _test(tried, [report.server for report in reports], connect_with(tried), now, seconds, over)
        by_proxy = number != _WITHOUT_REPAIR and candidates[number].kind is RepairKind.SYSTEM_PROXY
        if by_proxy and all(report.route == "direct" for report in reached):
            reached = ()  # the system has no proxy: this is what DIRECT tries
        results.put((number, frozenset(report.server for report in reached)))

    changed = enumerate(candidate.apply_to(settings) for candidate in candidates)
    for number, tried in ((_WITHOUT_REPAIR, settings), *changed):
        threading.Thread(target=attempt, args=(number, tried), name="repair", daemon=True).start()
    deadline = time.monotonic() + seconds
    while not progress.is_known and not cancelled.is_set() and (left := deadline - time.monotonic()) > 0:
        with suppress(queue.Empty):
            progress.add(*results.get(timeout=min(CANCEL_CHECK_SECONDS, left)))
    over.set()
    return progress.repairs


@dataclass
class _Progress:
    """What the attempts have shown so far."""

    candidates: Sequence[Repair]
    reports: Sequence[ServerReport]
    on_repair: Callable[[Repair], None]

    def __post_init__(self) -> None:
        self._reached_before = {report.server for report in self.reports if is_identified(report)}
        self._failed = {report.server for report in self.reports} - self._reached_before
        self._still_failing: frozenset[Server] | None = None
        self._reached: dict[int, frozenset[Server]] = {}
        self._repairs: dict[int, Repair] = {}

    @property
    def is_known(self) -> bool:
        """Whether no attempt is pending, or the failure has passed by itself."""
        complete = self._still_failing is not None and len(self._reached) == len(self.candidates)
        return complete or self._still_failing == frozenset()

    @property
    def repairs(self) -> tuple[Repair, ...] | None:
        """The repairs that work; None if the failure has passed by itself."""
        if self._still_failing == frozenset():
            return None
        return tuple(self._repairs[number] for number in sorted(self._repairs))

    def add(self, number: int, servers: frozenset[Server]) -> None:
        """Take the *servers* that attempt *number* has reached."""
        if number == _WITHOUT_REPAIR:
            self._still_failing = frozenset(self._failed - servers)
        else:
            self._reached[number] = servers
        if not self._still_failing:
            return
        for tried in self._reached.keys() - self._repairs.keys():
            candidate, reached = self.candidates[tried], self._reached[tried]
            repaired = reached & self._still_failing & set(candidate.servers)
            if repaired and reached >= self._reached_before:
                self._repairs[tried] = candidate.narrow_to(repaired)
                self.on_repair(self._repairs[tried])


def _test(
    settings: Settings,
    servers: Sequence[Server],
    connect: Connect,
    now: datetime,
    seconds: float,
    cancelled: threading.Event,
) -> tuple[ServerReport, ...]:
    """Return the reports of the *servers* that are reached with *settings*."""
    reports = examine(
        {server: str(getattr(settings, ADDRESSES[server])) for server in servers},
        connect,
        None,
        lambda _report: None,
        now=now,
        seconds=seconds,
        cancelled=cancelled,
    )
    return tuple(report for report in reports if is_identified(report))
