"""What the window « Gérer les mises à jour » needs from the rest of the agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from iea_agent.domain.download_plan import Progress
    from iea_agent.domain.update_catalogue import Release, ReleaseKind
    from iea_agent.domain.update_choice import Postponement
    from iea_agent.shell.wording.notes_text import HistoryEntry
    from iea_agent.shell.wording.update_overview import CheckFacts, UpdateFacts


class UpdatesPort(Protocol):
    """The updates of this PC; methods without another word are called in a thread.

    They return at once, ``take_file`` and ``read_notes`` excepted; those that change something raise ``RefusedError``.
    """

    @property
    def can_launch(self) -> bool:
        """Whether this PC has Impact emploi, as far as is known."""

    @property
    def has_site(self) -> bool:
        """Whether PCs share a folder of updates with this one."""

    def sign(self) -> object:
        """Return what changes when there is something new to see; fast, in no thread."""

    def look(self, kind: ReleaseKind) -> UpdateFacts:
        """Return where the update of *kind* is; fast, in no thread."""

    def look_at_check(self) -> CheckFacts:
        """Return where the checks are; fast, in no thread."""

    def list_history(self) -> tuple[HistoryEntry, ...]:
        """Return what was installed, the latest first; fast, in no thread."""

    def explain(self, name: str) -> str:
        """Show the page *name* (``problem_pages``); return why not, "" if it opens."""

    def check(self) -> None:
        """Have the server asked what is on offer."""

    def start_download(self, kind: ReleaseKind, version: str) -> None:
        """Have *version* fetched, a paused or failed download gone on with."""

    def pause(self, kind: ReleaseKind) -> None:
        """Have the download stop; what has come stays."""

    def cancel(self, kind: ReleaseKind) -> None:
        """Have the download stop; what has come goes."""

    def install(self, kind: ReleaseKind, *, launches: bool) -> None:
        """Have the verified file installed, and with *launches* Impact emploi launched."""

    def skip(self, kind: ReleaseKind, version: str) -> None:
        """Never propose *version* again, and delete its file."""

    def put_off(self, kind: ReleaseKind, version: str, postponement: Postponement) -> None:
        """Propose *version* again later."""

    def recall(self, kind: ReleaseKind, version: str) -> None:
        """Propose *version* again, though it was skipped or put off."""

    def read_result(self, kind: ReleaseKind) -> None:
        """Note that a person has read how the update ended."""

    def take_file(self, path: str, report: Callable[[Progress], None]) -> Release:
        """Verify the update in the file *path*, and have it ready to install."""

    def list_preparations(self, kind: ReleaseKind) -> tuple[str, ...]:
        """Return what a person should know before installing, a sentence each."""

    def describe_site(self) -> Mapping[ReleaseKind, str]:
        """Return a sentence about the other PCs of the site, "" for none."""

    def read_notes(self, release: Release) -> str:
        """Return the *Lisez-moi* of *release* (Markdown), "" if it is not here."""

    def print_notes(self, release: Release) -> str:
        """Show the *Lisez-moi* of *release* as a page to print; return why not, or ""."""

    def print_history(self) -> str:
        """Show the history as a page to print; return why not, or ""."""

    def launch(self) -> None:
        """Have the agent launch Impact emploi."""
