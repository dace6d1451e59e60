"""The words for what was installed on this PC: three lines a version."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from iea_agent.domain.installer_result import NO_CODE, parse_install_report
from iea_agent.domain.update_machine import UpdateState
from iea_agent.domain.update_record import HistoryStep
from iea_agent.locale import _

from .balloon_text import Balloon
from .installer_text import word_history, word_result
from .update_text import BALLOON_TITLES, KINDS

if TYPE_CHECKING:
    from iea_agent.domain.documents import InstallationDocument, UpdateHistoryDocument, UpdateLineDocument
    from iea_agent.domain.update_catalogue import ReleaseKind
    from iea_agent.domain.update_record import HistoryLine, UpdateRecord


def build_history_document(lines: Iterable[HistoryLine]) -> UpdateHistoryDocument:
    """Return the document of ``update history``: the lines, the oldest first."""
    return {"schema": 1, "lines": [_build_line(line) for line in lines]}


def _build_line(line: HistoryLine) -> UpdateLineDocument:
    return {
        "at": line.at,
        "kind": line.kind.value,
        "version": line.version,
        "before": line.before,
        "step": line.step.value,
        "good": line.is_good,
        "words": word_line(line),
    }


def word_line(line: HistoryLine) -> str:
    """Return what a line of the history tells, « Version trouvée ensuite : 3.00.73 »."""
    if line.step is HistoryStep.AUTHENTICATION:
        return _("Première authentification ensuite : acceptée")
    try:
        installer, version = word_history(parse_install_report(line.report))
    except ValueError:
        return _("Ce qui s'est passé n'a pas pu être relu")
    return installer if line.step is HistoryStep.INSTALLER else version


def render_history(document: UpdateHistoryDocument) -> str:
    """Return *document* as text, the latest version first."""
    versions: dict[tuple[str, str], list[UpdateLineDocument]] = {}
    for line in document["lines"]:
        versions.setdefault((line["kind"], line["version"]), []).append(line)
    texts = []
    for (kind, version), lines in reversed(versions.items()):
        title = _("{kind} {version}").format(kind=_(KINDS[kind]), version=version)
        texts.append("\n".join([title, *map(_render_line, lines)]))
    return "\n".join(texts) or _("Aucune mise à jour n'a été installée par ce programme.")


def _render_line(line: UpdateLineDocument) -> str:
    at = datetime.fromtimestamp(line["at"]).strftime(_("%d/%m/%Y %H:%M"))
    return f"  {at}  {line['words']}"


def build_result_balloon(kind: ReleaseKind, record: UpdateRecord) -> Balloon | None:
    """Return the balloon for the end of an installer, None if it has left no report."""
    try:
        report = parse_install_report(record.report)
    except ValueError:
        return None
    return Balloon(_(BALLOON_TITLES[kind]), word_result(report, kind))


def build_installation_document(kind: ReleaseKind, record: UpdateRecord) -> InstallationDocument:
    """Return the document of ``update install``: how it ended, and what to do."""
    return {
        "schema": 1,
        "kind": kind.value,
        "version": record.snapshot.version,
        "state": record.snapshot.state.value,
        "exit_code": record.snapshot.exit_code,
        "words": _word_end(kind, record),
    }


def build_nothing_document(kind: ReleaseKind) -> InstallationDocument:
    """Return the document of ``update install`` where there was nothing to install."""
    return {
        "schema": 1,
        "kind": kind.value,
        "version": "",
        "state": UpdateState.NONE.value,
        "exit_code": NO_CODE,
        "words": _("Aucune nouvelle version n'est proposée à ce poste."),
    }


def _word_end(kind: ReleaseKind, record: UpdateRecord) -> str:
    try:
        return word_result(parse_install_report(record.report), kind)
    except ValueError:
        return _("L'installation n'a pas été lancée. Réessayez.")
