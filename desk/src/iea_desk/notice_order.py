"""A notice of an incident, from what a person gives to what the agents read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from iea_agent.domain import timing
from iea_agent.domain.exit_codes import REFUSED
from iea_agent.domain.signed_policy import (
    LONGEST_SENTENCE,
    SCHEMA,
    Notice,
    PolicyError,
    format_time,
    parse_notices,
)
from iea_desk.keys import DeskError
from iea_desk.order_files import word_fault


@dataclass(frozen=True, slots=True)
class NoticeOrder:
    """What a person asks for; a time is as in « 9:12 » or « 2026-12-01 9:12 ».

    Without *since* it is now, without *until* one day later.
    """

    text: str
    english: str = ""
    since: str = ""
    next_news: str = ""
    until: str = ""
    asks_to_write: bool = False

    def build_document(self, now: datetime) -> dict[str, object]:
        """Return the notice for ``notices.json``. Raises ``DeskError``, which says all."""
        faults = list(self._list_faults(now))
        if faults:
            raise DeskError("\n".join(faults), REFUSED)
        since, until = self._find_span(now)
        return {
            "since": format_time(since.timestamp()),
            "until": format_time(until.timestamp()),
            "text": {"fr": self.text, "en": self.english},
            "next_news": format_time(parse_time(self.next_news, now).timestamp()) if self.next_news else None,
            "no_need_to_write": not self.asks_to_write,
        }

    def read_notice(self, now: datetime) -> Notice:
        """Return the notice as an agent reads it. Raises ``DeskError``."""
        text = json.dumps({"schema": SCHEMA, "notices": [self.build_document(now)]})
        try:
            return parse_notices(text)[0]
        except PolicyError as error:
            raise DeskError(f"Les postes refuseraient cet avis : {word_fault(error)}.", REFUSED) from None

    def list_arguments(self) -> list[str]:
        """Return the arguments of ``iea-desk publish`` that say the same."""
        times = {"--since": self.since, "--next": self.next_news, "--until": self.until}
        given = {"--english": self.english, **times}
        options = [word for name, value in given.items() if value for word in (name, value)]
        return ["notice", self.text, *options, *(["--write"] if self.asks_to_write else [])]

    def _list_faults(self, now: datetime) -> Iterator[str]:
        if not self.text.strip():
            yield "Écrivez le texte de l’avis : ce qui ne marche pas, et ce qui marche encore."
        for text, name in ((self.text, "Le texte"), (self.english, "Le texte anglais")):
            if not text.isprintable():
                yield f"{name} doit tenir sur une ligne, sans caractère invisible."
            if len(text) > LONGEST_SENTENCE:
                yield f"{name} a {len(text)} caractères : {LONGEST_SENTENCE} au plus."
        faults = [
            fault for each in (self.since, self.next_news, self.until) for fault in _judge_time(each, now)
        ]
        yield from faults
        if not faults:
            since, until = self._find_span(now)
            if not 0 < (until - since).total_seconds() <= timing.NOTICE_LONGEST:
                yield "L’avis doit finir après son début, et durer une semaine au plus."

    def _find_span(self, now: datetime) -> tuple[datetime, datetime]:
        since = parse_time(self.since, now) if self.since else now
        if self.until:
            return since, parse_time(self.until, now)
        with suppress(OverflowError):
            return since, since + timedelta(days=1)
        # the last day that there is has none after it
        return since, since


def parse_time(text: str, now: datetime) -> datetime:
    """Return the local time that *text* names, of today if it has no date.

    Raises ``DeskError``.
    """
    clock = re.fullmatch(
        r"(?:([0-9]{4})-([0-9]{2})-([0-9]{2})[ T])?([0-9]{1,2})[:h]([0-9]{2})(?::00)?", text, re.ASCII
    )
    try:
        if clock is None:
            raise ValueError
        year, month, day, hour, minute = clock.groups()
        date = now if year is None else datetime(int(year), int(month), int(day))
        return date.replace(
            hour=int(hour), minute=int(minute), second=0, microsecond=0, tzinfo=None
        ).astimezone()
    except (ValueError, OverflowError, OSError):
        shortened = text if len(text) <= 40 else f"{text[:40]}…"
        raise DeskError(f"« {shortened} » n’est pas une heure : 9:12, ou 2026-12-01 9:12.", REFUSED) from None


def _judge_time(text: str, now: datetime) -> Iterator[str]:
    try:
        if text:
            parse_time(text, now)
    except DeskError as error:
        yield str(error)
