"""Times and durations in words, in local time and the same in every window."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta

from iea_agent.domain.problems import N_
from iea_agent.locale import _


def format_since(wall: float, now: float) -> str:
    """Return « depuis 14 h 05 », with the day unless it is today's."""
    if format_date(wall) == format_date(now):
        return _("depuis {time}").format(time=format_time_of_day(wall))
    return _("depuis le {date} à {time}").format(date=format_date(wall), time=format_time_of_day(wall))


def format_age(seconds: float) -> str:
    """Return how long something has lasted: « 2 j 3 h », « 3 h 05 », « 12 min »."""
    minutes = max(0, int(seconds // 60))
    days, hours = divmod(minutes // 60, 24)
    if days:
        return _("{days} j {hours} h").format(days=days, hours=hours)
    if hours and not minutes % 60:
        return _("{hours} h").format(hours=hours)
    if hours:
        return _("{hours} h {minutes:02d}").format(hours=hours, minutes=minutes % 60)
    return _("{minutes} min").format(minutes=minutes)


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units: « 3 jours et 2 heures »."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return _counted(round(seconds), N_("1 seconde"), N_("{number} secondes"))
    days, hours = divmod(minutes // 60, 24)
    parts = (
        _counted(days, N_("1 jour"), N_("{number} jours")),
        _counted(hours, N_("1 heure"), N_("{number} heures")),
        _counted(minutes % 60, N_("1 minute"), N_("{number} minutes")),
    )
    first = next(place for place, part in enumerate(parts) if part)
    return _(" et ").join(part for part in parts[first : first + 2] if part)


def _counted(number: int, one: str, many: str) -> str:
    """Return *number* with its unit, or "" for 0."""
    if number == 0:
        return ""
    return _(one) if number == 1 else _(many).format(number=number)


def format_wait(seconds: float) -> str:
    """Return a time to wait, rounded up: « 45 s », « 4 min », « 2 h »."""
    whole = math.ceil(seconds)
    if whole < 90:
        return _("{seconds} s").format(seconds=whole)
    minutes = math.ceil(whole / 60)
    if minutes < 120:
        return _("{minutes} min").format(minutes=minutes)
    return _("{hours} h").format(hours=math.ceil(minutes / 60))


def format_coming_time(wall: float, now: float) -> str:
    """Return when something comes: « vers 18 h 42 », « dans moins d'une minute ».

    Never a countdown: what changes by itself disturbs whoever reads, and cannot be stopped (WCAG 2.2.2).
    """
    if wall - now < 60:
        return _("dans moins d'une minute")
    # at that time it is possible, not a moment before it
    minute = math.ceil(wall / 60) * 60.0
    if format_date(minute) == format_date(now):
        return _("vers {time}").format(time=format_time_of_day(minute))
    return _("le {date} vers {time}").format(date=format_date(minute), time=format_time_of_day(minute))


def format_milliseconds(milliseconds: float) -> str:
    """Return a measured time: « 48 ms », « 2,1 s »."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    return _("{seconds} s").format(seconds=f"{milliseconds / 1000:.1f}".replace(".", _(",")))


def format_moment(wall: float, now: float) -> str:
    """Return « aujourd'hui à 9 h 12 » or « le 02/11/2026 à 19 h 05 »."""
    if format_date(wall) == format_date(now):
        return _("aujourd'hui à {time}").format(time=format_time_of_day(wall))
    return _("le {date} à {time}").format(date=format_date(wall), time=format_time_of_day(wall))


def _local(wall: float) -> datetime:
    """Return *wall* in local time, or in UTC (on Windows before 1970 and after 3000)."""
    try:
        return datetime(*time.localtime(wall)[:6])
    except (OverflowError, OSError, ValueError):
        seconds = min(max(wall, -62135596800.0), 253402300799.0)  # what datetime can hold
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def format_date(wall: float) -> str:
    """Return « 02/11/2026 »."""
    return _local(wall).strftime(_("%d/%m/%Y"))


_WEEKDAYS = (
    *(N_("lundi"), N_("mardi"), N_("mercredi"), N_("jeudi"), N_("vendredi"), N_("samedi"), N_("dimanche")),
)


def format_weekday(wall: float) -> str:
    """Return « mardi »."""
    return _(_WEEKDAYS[_local(wall).weekday()])


def format_time_of_day(wall: float) -> str:
    """Return « 9 h 12 »."""
    local = _local(wall)
    return _("{hour} h {minute:02d}").format(hour=local.hour, minute=local.minute)
