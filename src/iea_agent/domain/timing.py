"""When to try again: delays in seconds.

Retries back off exponentially with jitter, so that ten thousand agents do not return in the same second.
"""

from __future__ import annotations

import math

from .diagnosis import Failure
from .problems import Problem, Retry

FIRST = 1.0
LONGEST = 60.0
HEARTBEAT = 60.0
PROBE = 300.0
REFUSED = 900.0
ENDPOINT_NOTICE = 30 * 86_400.0
"""How long a change of the place to which the licence is sent is shown."""
REGISTER_NOTICE_DAYS = 180
"""Fewer days left in the register of passwords than this are worth a warning."""
UNAVAILABLE_FIRST = (5.0, 15.0, 45.0)
"""The first waits for a server that is not available and names no time."""
UNAVAILABLE_LEAST = 60.0
UNAVAILABLE_SPREAD_FIRST = 30.0
"""The random addition to ``UNAVAILABLE_LEAST`` after the first such answer; doubled after each further one.

Whoever waits long after the first leaves a server idle that has just come back and is busy for a minute only.
"""
UNAVAILABLE_SPREAD = 240.0
RETRY_AFTER_LONGEST = 3600.0
SPREAD = 0.5
"""The random addition to what a server asks for and to ``UNAVAILABLE_FIRST``."""
MAINTENANCE_LEAST = 60.0
"""A shorter Retry-After announces no maintenance: the server is busy."""
LOOK_FIRST = 30.0
"""The first look at a server that asks for a longer wait; the later ones grow apart.

Two come within the minute after which a failure is announced: two hiccups are no failure of a minute.
"""
LOOK_LONGEST = 300.0
TOKEN_LIFETIME = 300.0
"""How long a token lives whose server does not say it."""
SIGN_IN_PART = 0.8
"""The part of a token's life after which the agent signs in again."""
SIGN_IN_LEAST = 300.0
SIGN_IN_LONGEST = 1800.0
RETURN_SPREAD = 600.0
"""Sign-ins that became due while a server was away are spread over this time after it."""
EXPLANATION_FIRST = 15.0
"""What explains a failure is looked for again after this, and then ever later while it lasts: it is asked on port 80, in clear."""
EXPLANATION_LONGEST = 300.0
NETWORK_SETTLES = 2.0
CHANGE_FLOOR = 15.0
"""Between two attempts that changes of the network bring.

A name, a connection and an answer may take nearly as long: a network that keeps changing must not abandon every attempt before it ends.
"""
CHANGES_APART = 60.0
"""A change this long after the last one begins the backoff anew."""
OBSERVED_GAP = 120.0
"""Between two failed attempts further apart, a failure was not observed."""
REHEARSAL_LEAD = 21 * 86_400.0
"""The least time between the first rehearsal of an announced change and its day."""
REHEARSAL_SPREAD = 86_400.0
"""First rehearsals are spread over this time, and all later ones with them."""
REHEARSAL_PASSED = 3 * 86_400.0
"""Between two rehearsals where the new addresses work."""
REHEARSAL_FAILED = 4 * 3600.0
"""Between two rehearsals where they do not."""
REHEARSALS_BEFORE_TELLING = 3
"""Rehearsals that fail one after the other before the person is told: one may fail by chance."""
REHEARSALS_BEFORE_LATE_TELLING = 2
TELLING_LATE = 9 * 86_400.0
"""So short before its day fewer rehearsals are enough: the person is told a week ahead."""
CHANGE_LOOK_BACK = 60.0
"""Between two looks at the old server while the new one fails."""
CHANGE_RETURN = 6 * 3600.0
"""After a return to the old address the new one is tried again after this time."""
CHANGE_SETTLED = 3 * 86_400.0
"""After so long without a return the change is done."""
NOTICE_LONGEST = 7 * 86_400.0
"""A notice of an incident ends after a week: one that was forgotten must not stay."""
CLOCK_CHECK = 15.0
CLOCK_CHECK_LONGEST = 16.5
"""A check may come this late, so that none comes shortly before another timer: fewer wake-ups, and still far below ``SLEPT_GAP``."""
SLEPT_GAP = 22.5
POLICY_CHECK = 60.0
RECORDING = 600.0
"""How long more goes into the logs once a person asks for it."""
RESTART_APART = 600.0
"""The agent starts again by itself after a crash, unless another one was less than this before."""
PROOF = 120.0
"""A new version proves itself within this time after its start: the icon, and one result of an attempt."""
TRIAL_STARTS = 3
"""The start without a proof before it at which the launcher goes back to the version before."""
FAILED_VERSION_REST = 86_400.0
"""How long a version that did not prove itself is not offered again."""
OLD_SLOT = 7 * 86_400.0
"""How long the version before stays on the disk after its successor has proved itself."""
UNFINISHED_SLOT = 86_400.0
"""A folder of a version that nothing names is left alone this long: a setup may be about to name it."""
UPDATE_FIRST = 120.0
"""The first check for updates comes this long after the start."""
UPDATE_FIRST_SPREAD = 180.0
"""The random addition to ``UPDATE_FIRST``."""
UPDATE_CHECK = 86_400.0
"""Between two checks for updates, ± 10 %."""
UPDATE_CHECK_FAILED = (600.0, 1800.0, 7200.0)
"""The waits after checks that fail one after the other; the last one stays. Downloads that nobody asked for wait as long."""
UPDATE_LOOK = 5.0
"""Between two looks of the agent at the files of the updates."""
UPDATE_WORKER_STARTS = 60.0
"""A worker that the agent has started has this long before the agent starts another one."""
UPDATE_LOOK_AFTER = 600.0
"""While an update is under way a worker is started this often, in case the one at work was killed: one too many ends at once."""
UPDATE_LOOK_AGAIN = 3600.0
"""A download that nobody asked for and that may not begin now is thought of again after this."""
PART_LASTS = 30 * 86_400.0
"""A part of a download that nobody goes on with is deleted after this."""
FILE_LASTS = 86_400.0
"""A file of an update that nothing names is left alone this long: another process may have just brought it."""
SITE_PART_LASTS = 900.0
"""The PC of a site that fetches a file is waited for as long as its part is younger than this, and never longer."""
SITE_TOUCH = 60.0
"""Between two signs of life of a PC that fetches a file for its site."""
SITE_LOOK = 30.0
"""Between two looks whether that PC has the file by now."""
SITE_LOOK_SPREAD = 60.0
"""The random addition to ``SITE_LOOK``."""
SITE_POST_LASTS = 90 * 86_400.0
"""A PC of a site that has written nothing for so long is left out of the list, and its file deleted."""
SITE_POST_AHEAD = 86_400.0
"""So far in the future may a PC of a site date itself: clocks differ."""
PROGRAM_LOOK = 5.0
"""Between two looks whether Impact emploi runs, while a file comes."""
CANCEL_LOOK = 0.05
"""Between two looks whether a download was paused or cancelled."""

NIGHT_BEGIN = 3600.0
"""The time of day, in seconds after midnight, at which the first PC may install by itself, if the policy wants it at night."""
NIGHT_SPREAD = 10_800.0
"""Each PC draws the time of its beginning: from ``NIGHT_BEGIN`` on over this time, so that those of a site do not all begin at once."""
NIGHT_END = 18_000.0
"""The time of day from which nothing is begun any more."""
NIGHT_TOLD = 28_800.0
"""The time of day until which balloons wait that came at night."""
NIGHT_LOOK = 60.0
"""Between two looks, at night, whether a version can be installed now."""
NIGHT_AGAIN = 43_200.0
"""What could not be installed in a night is tried again no sooner than this."""
NIGHT_PATIENCE = 3 * 86_400.0
"""A version that waits for a night is announced after this time: the PC may be off every night."""
INSTALLER_BUSY = 600.0
"""After this time an installer is started again that has met another installation."""
INSTALLER_TRIES = 3
"""How often it is started again."""
INSTALLER_LONG = 600.0
"""An installer that runs longer than this is worth a word; nothing ever ends it."""
INSTALLER_LATE = 900.0
"""An installer that could not be started for so long is asked for again."""
LAUNCH_LATE = 300.0
"""Whoever wants Impact emploi launched after its installation does not expect it later than this."""
INSTALLER_SETTLES = 10.0
"""How long the new version is waited for after an installer has ended: some end before the program that they have started."""


def next_try(
    problem: Problem, tries: int, retry_after: float | None, chance: float, unavailable: int | None = None
) -> float | None:
    """Return the seconds until the next attempt, None if only a change can help.

    *tries* counts the failed attempts since the backoff began, from 1, and *unavailable* those among them whose server answered that it is not available: all
    of them, if it is not given. *retry_after* is the server's wish in seconds (RFC 9110, section 10.2.3): respected
    up to an hour, and spread; it never shortens our own wait. *chance* is in [0, 1).
    """
    if problem.retry is Retry.ON_CHANGE:
        return None
    wish = min(max(retry_after or 0.0, 0.0), RETRY_AFTER_LONGEST) * (1 + SPREAD * chance)
    return max(wish, _own_wait(problem.retry, tries, chance, tries if unavailable is None else unavailable))


def _own_wait(retry: Retry, tries: int, chance: float, unavailable: int) -> float:
    """Return the seconds until the next attempt if the server has no wish."""
    earlier = max(tries, 1) - 1
    if retry is Retry.REFUSED:
        return REFUSED
    if retry is Retry.UNAVAILABLE:
        if earlier < len(UNAVAILABLE_FIRST):
            return UNAVAILABLE_FIRST[earlier] * (1 + SPREAD * chance)
        spread: float = UNAVAILABLE_SPREAD_FIRST * 2 ** min(max(unavailable, 1) - 1, 16)
        return UNAVAILABLE_LEAST + min(spread, UNAVAILABLE_SPREAD) * chance
    doubled: float = FIRST * 2 ** min(earlier, 16)
    return min(doubled, LONGEST) * (0.5 + chance)


def put_off_sign_in(retry_after: float | None, chance: float) -> float:
    """Return the seconds until a sign-in that a server has put off is tried again."""
    wish = min(max(retry_after or 0.0, 0.0), RETRY_AFTER_LONGEST) * (1 + SPREAD * chance)
    return max(wish, UNAVAILABLE_LEAST + UNAVAILABLE_SPREAD * chance)


def next_look(failure: Failure, failing_for: float, retry_in: float, chance: float) -> float | None:
    """Return the seconds until a look at a server that asks to be left alone.

    None if *failure* is another one, or if the next attempt, in *retry_in*, comes before. *failing_for* is the time since the first failure.
    """
    if failure.retry_after is None or failure.problem.retry is not Retry.UNAVAILABLE:
        return None
    seconds = min(max(failing_for, LOOK_FIRST), 0.8 * LOOK_LONGEST) * (1 + 0.25 * chance)
    return seconds if seconds < retry_in else None


def next_explanation(failing_for: float) -> float:
    """Return the seconds after which to look again for what explains a failure.

    *failing_for* is the time since the first look.
    """
    return min(max(failing_for, EXPLANATION_FIRST), EXPLANATION_LONGEST)


def settle(now: float, first_notice: float, last_change: float) -> float:
    """Return when to act on a change of the network that was noticed *now*.

    *first_notice* is the first notice since the agent last acted on one, at *last_change*. Never later than ``CHANGE_FLOOR`` after both, though notices may
    never end.
    """
    floor = last_change + CHANGE_FLOOR
    return max(min(now + NETWORK_SETTLES, first_notice + CHANGE_FLOOR), floor)


def observed(gap: float) -> float:
    """Return how much of the *gap* between two failed attempts counts as failure."""
    return gap if 0 <= gap <= OBSERVED_GAP else 0.0


def heartbeat(chance: float) -> float:
    """Return the seconds until the next heartbeat: 60 s ± 10 %."""
    return HEARTBEAT * (0.9 + 0.2 * chance)


def next_check(due_in: float | None) -> float:
    """Return the seconds from one check of the clock to the next.

    *due_in* is the time until another timer, which is a check too: those before it stand at equal distances. None: there is no other timer.
    """
    if due_in is None:
        return CLOCK_CHECK
    return due_in / max(1, math.ceil(due_in / CLOCK_CHECK_LONGEST))


def slept(wall_elapsed: float) -> bool:
    """Return whether the computer slept in the *wall_elapsed* seconds since a check."""
    return wall_elapsed > SLEPT_GAP
