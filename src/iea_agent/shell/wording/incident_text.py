"""The words for an incident that the publisher knows of."""

from __future__ import annotations

from iea_agent.domain.signed_policy import Notice
from iea_agent.locale import _, current_language
from iea_agent.shell.wording.time_text import format_date, format_time_of_day


def describe_incident(notice: Notice, now: float) -> str:
    """Return what a person reads of *notice*: since when, what, until when to wait."""
    sentence = _("Incident connu depuis {time}").format(time=_format_since(notice.since, now))
    if notice.next_news is not None and notice.next_news > now:
        sentence = _("{incident}, prochaine information {time}").format(
            incident=sentence, time=_format_coming(notice.next_news, now)
        )
    if notice.no_need_to_write:
        sentence = _("{incident} ; inutile d'écrire à l'assistance").format(incident=sentence)
    return f"{sentence}. {notice.text.pick(current_language())}"


def _format_since(wall: float, now: float) -> str:
    if format_date(wall) == format_date(now):
        return format_time_of_day(wall)
    return _("le {date} à {time}").format(date=format_date(wall), time=format_time_of_day(wall))


def _format_coming(wall: float, now: float) -> str:
    if format_date(wall) == format_date(now):
        return _("à {time}").format(time=format_time_of_day(wall))
    return _("le {date} à {time}").format(date=format_date(wall), time=format_time_of_day(wall))
