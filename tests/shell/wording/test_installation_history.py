"""The history of updates: three lines for each version that was installed."""

from __future__ import annotations

from iea_agent.domain.installer_result import InstallReport, InstallResult
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_record import HistoryLine, HistoryStep
from iea_agent.shell.wording.installation_history import build_history_page, word_installations
from iea_agent.shell.wording.printed_page import render_html

DONE = InstallReport(InstallResult.DONE, "3.00.73", 0, "3.00.73", 120.0)
FAILED = InstallReport(InstallResult.FAILED, "3.00.73", 1603, "3.00.72")


def make_lines(
    report: InstallReport, *connected: bool, at: float = 1000.0, kind: ReleaseKind = ReleaseKind.PRODUCT
) -> list[HistoryLine]:
    """Return the lines of an installation, and of the first sign-in if there was one."""
    is_good = report.result is InstallResult.DONE
    shared = (at, kind, report.version, "3.00.72")
    return [
        HistoryLine(*shared, HistoryStep.INSTALLER, is_good, report.to_document()),
        HistoryLine(*shared, HistoryStep.VERSION, is_good, report.to_document()),
        *(HistoryLine(at, kind, report.version, "", HistoryStep.AUTHENTICATION, each) for each in connected),
    ]


def plain(texts: tuple[str, ...]) -> list[str]:
    return [text.replace("\u00a0", " ").replace("’", "'") for text in texts]


def test_an_installation_has_three_lines() -> None:
    (entry,) = word_installations(make_lines(DONE, True))
    assert (entry.product, entry.version, entry.before) == ("Impact emploi", "3.00.73", "3.00.72")
    assert plain(entry.lines) == [
        "Programme d'installation : code 0, en 2 minutes",
        "Version trouvée ensuite : 3.00.73",
        "Première authentification ensuite : acceptée",
    ]
    (waiting,) = word_installations(make_lines(DONE))
    assert plain(waiting.lines)[2:] == ["Première authentification ensuite : pas encore faite"]


def test_a_version_that_is_not_there_has_no_sign_in() -> None:
    (entry,) = word_installations(make_lines(FAILED))
    assert plain(entry.lines) == ["Programme d'installation : code 1603", "Version trouvée ensuite : 3.00.72"]


def test_every_try_and_every_product_is_told_apart_the_latest_first() -> None:
    lines = [*make_lines(FAILED), *make_lines(DONE, at=2000.0)]
    lines += make_lines(DONE, True, at=3000.0, kind=ReleaseKind.AGENT)
    # the first connection of Impact emploi comes after the other product
    lines.append(HistoryLine(4000.0, ReleaseKind.PRODUCT, "3.00.73", "", HistoryStep.AUTHENTICATION, True))
    entries = word_installations(lines)
    assert [(entry.product, entry.at) for entry in entries] == [
        ("Programme de connexion", 3000.0),
        ("Impact emploi", 2000.0),
        ("Impact emploi", 1000.0),
    ]
    assert plain(entries[1].lines)[-1] == "Première authentification ensuite : acceptée"


def test_the_history_is_printed() -> None:
    html = render_html(build_history_page(word_installations(make_lines(DONE, True)), 5000.0))
    assert "<h2>Impact emploi\u00a0: 3.00.72 → 3.00.73</h2>" in html
    assert html.count("<p>") == 4
