"""The adapter of the window of updates: its port over the keeper of the updates."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent.domain import person_requests
from iea_agent.domain.installer_result import InstallResult, parse_install_report
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.settings import InstallTime
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_machine import UpdateState
from iea_agent.domain.update_record import LaunchWish
from iea_agent.host.program_folder import ProgramFolder
from iea_agent.locale import _
from iea_agent.shell.wording.installation_history import (
    build_history_page,
    word_installation,
    word_installations,
)
from iea_agent.shell.wording.installer_text import administrator_command, word_preparation, word_result
from iea_agent.shell.wording.notes_text import HistoryEntry
from iea_agent.shell.wording.site_text import word_other_versions, word_shared_program
from iea_agent.shell.wording.update_overview import CheckFacts, UpdateFacts
from iea_agent.shell.wording.update_text import KINDS

from .agent_client import AgentClient
from .notes_files import read_notes
from .update_keeper import UpdateKeeper, UpdateView

if TYPE_CHECKING:
    from iea_agent.domain.download_plan import Progress
    from iea_agent.domain.post_report import SiteView
    from iea_agent.domain.update_catalogue import Release
    from iea_agent.shell.wording.printed_page import PrintedPage

    from .installation import Installation

NOTES_PAGE, HISTORY_PAGE = "lisez-moi", "historique-mises-a-jour"
"""The names of the pages that are printed."""


class UpdatesAdapter:
    """What the window of updates needs (``dialogs.updates_port.UpdatesPort``).

    *explain* shows a page of the help.
    """

    def __init__(
        self, installation: Installation, explain: Callable[[str], str], keeper: UpdateKeeper | None = None
    ) -> None:
        self.explain = explain
        self._installation = installation
        self._keeper = keeper = keeper or UpdateKeeper(installation)
        self.sign, self.check, self.start_download = keeper.sign, keeper.check, keeper.start_download
        self.pause, self.cancel = keeper.pause, keeper.cancel
        self.skip, self.put_off, self.recall = keeper.skip, keeper.put_off, keeper.recall
        self.read_result = keeper.read_result
        self.read_notes = partial(read_notes, installation)
        settings = installation.storage.load().effective.settings
        self.can_launch = installation.abilities(settings).program
        self.has_site = bool(settings.updates_folder)

    def install(self, kind: ReleaseKind, *, launches: bool) -> None:
        """Have the verified file installed. Raises ``RefusedError``."""
        self._keeper.install(kind, LaunchWish.ASKED if launches else LaunchWish.NONE)

    def look(self, kind: ReleaseKind) -> UpdateFacts:
        """Return where the update of *kind* is. Raises ``RefusedError``."""
        view = self._keeper.look(kind)
        facts = UpdateFacts(
            *(view.kind, view.installed, view.snapshot, view.choice, view.progress, view.waits_for),
            *_word_end(view),
            launch=view.launch,
            wishes=view.wishes,
        )
        return replace(facts, at_night=self._installs_at_night(facts))

    def _installs_at_night(self, facts: UpdateFacts) -> bool:
        """Return whether the policy has the version of *facts* installed at night."""
        settings = self._installation.storage.load().effective.settings
        listed = facts.listed
        is_waiting = facts.snapshot.state is UpdateState.READY and listed is not None and listed.is_proposed
        if settings.updates_install is not InstallTime.NIGHT or not is_waiting or listed is None:
            return False
        from iea_agent.domain.night_install import needs_nobody

        from .installing import Installing

        scope = Installing(self._installation).find_scope(listed.offer.release)
        return needs_nobody(scope, has_rights=self._installation.host.has_rights())

    def look_at_check(self) -> CheckFacts:
        """Return where the checks are. Raises ``RefusedError``."""
        record = self._keeper.load_check()
        return CheckFacts(record.is_pending, record.checked, record.code)

    def list_history(self) -> tuple[HistoryEntry, ...]:
        """Return what was installed, the latest first; () if it cannot be read now."""
        try:
            return word_installations(self._keeper.load_history())
        except RefusedError:
            return ()

    def take_file(self, path: str, report: Callable[[Progress], None]) -> Release:
        """Verify the update in the file *path*. Raises ``RefusedError``."""
        from iea_agent.services.update_download import Terms

        return self._keeper.take_file(Path(path), Terms(report)).offer.release

    def list_preparations(self, kind: ReleaseKind) -> tuple[str, ...]:
        """Return what a person should know before installing."""
        from .installing import Installing

        view = self._keeper.look(kind)
        listed = next(
            (e for e in view.choice.listed if e.offer.release.version == view.snapshot.version), None
        )
        if listed is None:
            return ()
        release = listed.offer.release
        before = Installing(self._installation).prepare(release)
        sentences = word_preparation(release, before.open_programs, before.needs_rights, before.last_seconds)
        if not before.is_shared:
            return sentences
        site = self._read_site()
        others = () if site is None else site.others
        return (word_shared_program([each.post for each in others]), *sentences)

    def describe_site(self) -> Mapping[ReleaseKind, str]:
        """Return the sentence about the other PCs of the site for each product."""
        view = self._read_site()
        if view is None:
            return {}
        return word_other_versions(view, {kind: self._keeper.look(kind).installed for kind in ReleaseKind})

    def _read_site(self) -> SiteView | None:
        """Return the PCs of the site, None without a shared folder that can be read."""
        from .site_posts import SitePosts

        folder = self._installation.storage.load().effective.settings.updates_folder
        try:
            return SitePosts(Path(folder)).read_posts() if folder else None
        except OSError:
            return None

    def print_notes(self, release: Release) -> str:
        """Show the *Lisez-moi* of *release* as a page to print; return why not, or "".

        Raises ``RefusedError``.
        """
        from iea_agent.domain.release_notes import parse_notes
        from iea_agent.shell.wording.printed_page import PrintedPage

        title = _("Lisez-moi de la version {version}").format(version=release.version)
        note = f"{_(KINDS[release.kind.value])} {release.version}"
        return self._print(PrintedPage(title, note, blocks=parse_notes(self.read_notes(release))), NOTES_PAGE)

    def print_history(self) -> str:
        """Show the history as a page to print; return why not, or "".

        Raises ``RefusedError``.
        """
        return self._print(build_history_page(self.list_history(), time.time()), HISTORY_PAGE)

    def _print(self, page: PrintedPage, name: str) -> str:
        from .page_files import open_file, save_page

        return open_file(self._installation, save_page(self._installation, page, name))

    def launch(self) -> None:
        """Have the agent launch Impact emploi. Raises ``RefusedError``."""
        AgentClient(self._installation).request(person_requests.LAUNCH)


def _word_end(view: UpdateView) -> tuple[tuple[str, ...], str]:
    """Return how the last installation ended, and what an administrator types."""
    if view.snapshot.state is UpdateState.INSTALLED:
        lines = [line for line in view.history if line.version == view.snapshot.version]
        return word_installation(lines), ""
    try:
        report = parse_install_report(view.report)
    except ValueError:
        return (), ""
    if report.version != view.snapshot.version:
        return (), ""
    is_refused = report.result is InstallResult.RIGHTS_REFUSED
    command = administrator_command(_find_console(), report.version) if is_refused else ""
    return (word_result(report, view.kind),), command


def _find_console() -> str:
    """Return the path of the program with a console, which an administrator starts."""
    program = ProgramFolder.locate()
    return str(program.console_launcher) if program is not None else "iea-agent"
