"""Tries what may mend a failed test, beside a second try of the same, so that what is offered is what works and did not before."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from iea_agent.domain.diagnosis import Server, ServerReport
from iea_agent.domain.repairs import ADDRESSES, Repair, RepairKind, is_identified
from iea_agent.domain.settings import Settings

from .reachability import CANCEL_CHECK_SECONDS, EXAMINATION_SECONDS, Connect, examine

ConnectWith: TypeAlias = Callable[[Settings], Connect]
"""How servers are reached under given settings."""


def search(
    tries: Sequence[Repair],
    chosen: Settings,
    reports: Sequence[ServerReport],
    ways: ConnectWith,
    on_found: Callable[[Repair], None],
    *,
    now: datetime,
    cancelled: threading.Event,
    seconds: float = EXAMINATION_SECONDS,
) -> tuple[Repair, ...] | None:
    """Those of *tries* that mend *reports*, a failed test of *chosen*, in their order; each is told to *on_found* once that is known.

    All are tried at once, without the licence: a repair counts for the servers that it mends, and not at all where it breaks one that was reached. Where
    *chosen* itself now works, the failure was a passing one: None. What is not over after *seconds* does not count. Returns within
    200 ms once *cancelled* is set.
    """
    if not tries:
        return ()
    before = {report.server for report in reports if is_identified(report)}
    failed = {report.server for report in reports} - before
    over = threading.Event()
    news: queue.SimpleQueue[tuple[int, frozenset[Server]]] = queue.SimpleQueue()

    def attempt(number: int, settings: Settings) -> None:
        found = _reached(settings, [r.server for r in reports], ways, now, seconds, over)
        if (
            number != again
            and tries[number].kind is RepairKind.SYSTEM_PROXY
            and all(r.route == "direct" for r in found)
        ):
            found = ()  # the system has no proxy to go by: without one is what DIRECT says
        news.put((number, frozenset(report.server for report in found)))

    again = -1
    for number, settings in ((again, chosen), *((n, each.apply_to(chosen)) for n, each in enumerate(tries))):
        threading.Thread(target=attempt, args=(number, settings), name="another way", daemon=True).start()
    deadline = time.monotonic() + seconds
    lasting: frozenset[Server] | None = (
        None  # the servers that still fail without a repair, once that is known
    )
    reached: dict[int, frozenset[Server]] = {}
    told: dict[int, Repair] = {}
    pending = len(tries) + 1
    while pending and lasting != frozenset() and not cancelled.is_set():
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            number, servers = news.get(timeout=min(CANCEL_CHECK_SECONDS, left))
        except queue.Empty:
            continue
        pending -= 1
        if number == again:
            lasting = frozenset(failed - servers)
        else:
            reached[number] = servers
        if not lasting:
            continue
        for found in reached.keys() - told.keys():
            mended = reached[found] & lasting & set(tries[found].servers)
            if mended and reached[found] >= before:
                told[found] = tries[found].narrow_to(mended)
                on_found(told[found])
    over.set()
    return None if lasting == frozenset() else tuple(told[number] for number in sorted(told))


def _reached(
    settings: Settings,
    servers: Sequence[Server],
    ways: ConnectWith,
    now: datetime,
    seconds: float,
    cancelled: threading.Event,
) -> tuple[ServerReport, ...]:
    """Of the servers that are reached, and are what they should be, with *settings*."""
    found = examine(
        {server: str(getattr(settings, ADDRESSES[server])) for server in servers},
        ways(settings),
        None,
        lambda _report: None,
        now=now,
        seconds=seconds,
        cancelled=cancelled,
    )
    return tuple(report for report in found if is_identified(report))
