"""Due dates of the payroll declaration: when nobody wants to hear of an update.

The declaration (DSN) is due on the 5th or the 15th of each month. A due date that is no working day moves to the next one. Working days are
Monday to Friday but the public holidays of France (code du travail, article L3133-1).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

DUE_DAYS = (5, 15)
"""Days of the month on which the declaration is due."""
QUIET_WORKING_DAYS = 2
"""Working days before a due date that are quiet as well."""
_FIXED_HOLIDAYS = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
# Easter Monday, Ascension, Whit Monday
_DAYS_AFTER_EASTER = (1, 39, 50)
_DAY = timedelta(days=1)


def compute_easter(year: int) -> date:
    """Return Easter Sunday of *year* in the Gregorian calendar.

    Source: the anonymous algorithm in J. Meeus, « Astronomical Algorithms », chapter 8.
    """
    golden = year % 19
    century, rest = divmod(year, 100)
    leaps, skipped = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leaps - correction + 15) % 30
    weekday = (32 + 2 * skipped + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


@cache
def list_public_holidays(year: int) -> frozenset[date]:
    """Return the eleven public holidays of *year* in France."""
    easter = compute_easter(year)
    fixed = (date(year, month, day) for month, day in _FIXED_HOLIDAYS)
    return frozenset((*fixed, *(easter + timedelta(days=days) for days in _DAYS_AFTER_EASTER)))


def is_working_day(day: date) -> bool:
    """Return whether *day* is neither on a weekend nor a public holiday."""
    return day.weekday() < 5 and day not in list_public_holidays(day.year)


def find_working_day(day: date) -> date:
    """Return *day* if it is a working day, else the next one."""
    while not is_working_day(day):
        day += _DAY
    return day


def find_due_date(day: date) -> date:
    """Return the next due date, *day* itself if it is one.

    It is the working day on which the declaration is due.
    """
    return next(end for _begin, end in _list_quiet_times(day) if end >= day)


def is_quiet_day(day: date) -> bool:
    """Return whether *day* is a due date or shortly before one.

    Quiet are the days from the second working day before the 5th or the 15th to the due date: weekends
    between them too.
    """
    return any(begin <= day <= end for begin, end in _list_quiet_times(day))


def find_quiet_end(day: date) -> date:
    """Return *day* if it is not quiet, else the first day after the due date."""
    return next((end + _DAY for begin, end in _list_quiet_times(day) if begin <= day <= end), day)


def _list_quiet_times(day: date) -> tuple[tuple[date, date], ...]:
    """Return the first and the last day of each quiet time of this month and the next."""
    following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return tuple(
        (_count_back(month.replace(day=due)), find_working_day(month.replace(day=due)))
        for month in (day, following)
        for due in DUE_DAYS
    )


def _count_back(day: date) -> date:
    """Return the working day that is ``QUIET_WORKING_DAYS`` of them before *day*."""
    for _ in range(QUIET_WORKING_DAYS):
        day -= _DAY
        while not is_working_day(day):
            day -= _DAY
    return day
