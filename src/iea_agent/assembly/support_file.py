"""The support file: collected, redacted and packed; it needs no running agent."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from iea_agent.domain import support_report
from iea_agent.domain.redaction import PrivateNames, Redaction
from iea_agent.domain.settings import split_list
from iea_agent.domain.support_report import Level
from iea_agent.host.journal import Journal
from iea_agent.host.own_names import list_own_names
from iea_agent.host.regular_files import read_tail
from iea_agent.host.state_files import StorageError

from .agent_client import AgentClient
from .support_facts import load_updates, make_phone_code, read_assistance_since

if TYPE_CHECKING:
    from pathlib import Path

    from iea_agent.domain.documents import DiagnosisDocument, StatusDocument
    from iea_agent.domain.log_book import Stay
    from iea_agent.domain.report_documents import (
        ReportedCrashDocument,
        ReportedJournalDocument,
        ReportedStayDocument,
        SupportReportDocument,
        TestedServersDocument,
    )

    from .installation import Installation

MOST_LOG = 250_000
"""Bytes of the end of each log."""
MOST_LOGS = 6
"""Logs, the newest first."""
MOST_JOURNAL = 500
"""The newest events of the journal."""


class SupportFile:
    """What one support file contains, collected once."""

    def __init__(self, installation: Installation, level: Level = Level.NORMAL) -> None:
        self._installation = installation
        self._level = level
        self._now = time.time()
        self._settings = installation.storage.load().effective.settings
        self._redaction = Redaction(self._list_names(), level)

    def pack(self) -> bytes:
        """Return the zip. Its parts are bounded, so it is, by ``LARGEST_FILE``."""
        return _zip(self.list_parts(), self._now)

    def list_parts(self) -> dict[str, str]:
        """Return the texts by their name in the file, redacted; the explanation is first."""
        from iea_agent.shell.wording import history_text, support_file_text

        hide = self._redaction
        document = hide.hide_values(self.document)
        parts = {
            support_report.REPORT: json.dumps(document, indent=1, ensure_ascii=False),
            support_report.HISTORY: history_text.render_history(self._stays),
            support_report.JOURNAL: hide.hide("\n".join(self._list_journal())),
            **{name: hide.hide_foreign(text) for name, text in self._iterate_logs()},
        }
        readme = support_file_text.render_readme(self._level, parts, self._now)
        return {support_report.README: readme, **parts}

    @cached_property
    def document(self) -> SupportReportDocument:
        """The document of ``report.json``, before anything is hidden but secrets."""
        diagnosis = self._diagnosis
        return {
            "schema": 1,
            "made": round(self._now),
            "level": self._level.value,
            "version": diagnosis["version"],
            "program_version": self._installation.program_version(self._settings),
            "system": diagnosis["system"],
            "phone_code": make_phone_code(self._installation, self._status),
            "status": self._status,
            "assistance_since": read_assistance_since(self._installation),
            "register_days": diagnosis["register_days"],
            "test": self._load_test(),
            "history": list(map(_build_stay, self._stays[-support_report.MOST_STAYS :])),
            "licence_key": diagnosis["licence_key"],
            "proxy_password": diagnosis["proxy_password"],
            "settings": diagnosis["settings"],
            "setting_faults": diagnosis["faults"],
            "routes": {
                name: " ".join(filter(None, (route["value"], f"({route['origin']})", route["detail"])))
                for name, route in diagnosis["routes"].items()
            },
            "updates": load_updates(self._installation),
            "journal": self._describe_journal(),
            "crash": self._load_crash(),
            "libraries": diagnosis["libraries"],
        }

    @cached_property
    def _diagnosis(self) -> DiagnosisDocument:
        from .inspection import diagnose

        return diagnose(self._installation)

    @cached_property
    def _status(self) -> StatusDocument | None:
        from .local_facts import complete_status

        status = AgentClient(self._installation).status()
        return None if status is None else complete_status(self._installation, status)

    @cached_property
    def _stays(self) -> tuple[Stay, ...]:
        try:
            return self._installation.read_log_book(self._now)
        except StorageError:
            return ()

    def _load_test(self) -> TestedServersDocument | None:
        from .last_test import load_test_document

        return load_test_document(self._installation.storage)

    def _load_crash(self) -> ReportedCrashDocument | None:
        from .crash_watch import load_crash

        crash = load_crash(self._installation.storage)
        return None if crash is None else {"at": crash.at, "is_repeated": crash.is_repeated}

    @cached_property
    def _journal(self) -> list[tuple[dict[str, object], bool]]:
        try:
            return [
                (entry.document, entry.whole) for entry in Journal(self._installation.journal_file).entries()
            ]
        except StorageError:
            return []

    def _describe_journal(self) -> ReportedJournalDocument | None:
        if not self._journal:
            return None
        last_hash = Journal(self._installation.journal_file).read_last_hash()
        return {
            "whole": all(whole for _document, whole in self._journal),
            "entries": len(self._journal),
            "last_hash": last_hash,
        }

    def _list_journal(self) -> Iterator[str]:
        from iea_agent.shell.wording.journal_text import format_journal_entry

        for document, whole in self._journal[-MOST_JOURNAL:]:
            yield format_journal_entry(document, whole=whole)

    def _iterate_logs(self) -> Iterator[tuple[str, str]]:
        """Yield the end of the newest logs, and what a crash has left."""
        folders = self._installation.folders
        files = [*_list_files(folders.logs, "*.log*"), *_list_files(folders.state, "crash-*.txt")]
        for file in files[:MOST_LOGS]:
            with suppress(OSError):
                text = read_tail(file, MOST_LOG)[1].decode("utf-8", "replace")
                if text:
                    # the number of a session may name a person's login
                    yield f"{support_report.LOG_FOLDER}{file.name}", text

    def _list_names(self) -> PrivateNames:
        installation = self._installation
        names = list_own_names(os.environ)
        words = split_list(self._settings.support_hidden)
        strict = self._level is Level.STRICT
        return PrivateNames(
            secrets=tuple(self._iterate_secrets()),
            homes=names.homes,
            users=(*names.users, *((self._settings.proxy_user,) if self._settings.proxy_user else ())),
            machines=names.machines,
            words=(
                *words,
                *((self._settings.licence_number,) if strict and self._settings.licence_number else ()),
            ),
            addresses=tuple(installation.host.list_addresses()),
            public_hosts=tuple(self._iterate_hosts()),
        )

    def _iterate_secrets(self) -> Iterator[str]:
        """Yield the secrets of the vault: a library may have written them into a log."""
        from iea_agent.host.vault import VaultUnavailable

        with suppress(VaultUnavailable):
            yield self._installation.licence_key() or ""
        with suppress(VaultUnavailable):
            password = self._installation.proxy_password()
            yield "" if password is None else password.password

    def _iterate_hosts(self) -> Iterator[str]:
        from iea_agent.domain.addresses import AddressError, parse
        from iea_agent.domain.settings import DEFAULTS

        for values in (DEFAULTS, self._settings):
            for address in (values.authentication, values.updates):
                with suppress(AddressError):
                    yield parse(address).host
        yield from split_list(self._settings.token_hosts)
        yield self._settings.support_address.rpartition("@")[2]


def _build_stay(stay: Stay) -> ReportedStayDocument:
    return {
        "begin": round(stay.begin, 1),
        "seconds": round(stay.seconds, 1),
        "state": stay.course.value,
        "code": stay.code,
    }


def _list_files(folder: Path, pattern: str) -> list[Path]:
    """Return the files of *folder* that match *pattern*, the newest first."""
    ages: list[tuple[float, Path]] = []
    for file in folder.glob(pattern):
        with suppress(OSError):
            if file.is_file() and not file.name.endswith(".lock"):
                ages.append((-file.stat().st_mtime, file))
    return [file for _age, file in sorted(ages)]


def _zip(parts: dict[str, str], now: float) -> bytes:
    buffer = io.BytesIO()
    moment = time.localtime(now)[:6]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, moment)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            if not name.endswith(".json"):
                # old programs on Windows know UTF-8 by its mark
                text = "\ufeff" + text.replace("\n", "\r\n")
            archive.writestr(entry, text.encode("utf-8", "replace"))
    return buffer.getvalue()
