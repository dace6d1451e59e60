"""The right half of the window of updates: a version, and its *Lisez-moi*."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import wx

from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.release_notes import parse_notes
from iea_agent.domain.update_catalogue import Release
from iea_agent.domain.update_choice import Listed
from iea_agent.locale import _
from iea_agent.shell.wording import update_overview
from iea_agent.shell.wording.notes_text import StyledText, compose_history, compose_notes
from iea_agent.shell.wording.refusal_text import word_refusal
from iea_agent.shell.wording.update_overview import UpdateFacts

from .background import run_in_background
from .reading_pane import ReadingPane
from .updates_port import UpdatesPort
from .widgets import MIDDLE, NARROW, Paragraph, show_sentence


class VersionReader:
    """The list of versions and of the history, and what is read, in ``sizer``.

    *ask_for* has the chosen version fetched; *lay_out* lays the window out again.
    """

    def __init__(
        self,
        parent: wx.Window,
        width: int,
        height: int,
        port: UpdatesPort,
        ask_for: Callable[[Release], None],
        lay_out: Callable[[], None],
    ) -> None:
        self._port = port
        self._lay_out = lay_out
        self._facts: UpdateFacts | None = None
        # what stands in the list; the history comes last
        self._listed: tuple[Listed, ...] = ()
        self._labels: list[str] = []
        self._notes: dict[Release, StyledText] = {}
        # a person has chosen what to read; until then it is what is proposed
        self._has_chosen = False
        # a label is made right before its list: that is how screen readers name a list
        self._label = wx.StaticText(parent, label=_("&Version à lire"))
        self._list = wx.Choice(parent)
        self._why = Paragraph(parent, width)
        self._ask = wx.Button(parent, label=_("Demander cette versi&on"))
        self.pane = ReadingPane(parent, width, height, self._print, lay_out)
        self.sizer = self._arrange(parent)
        self._list.Bind(wx.EVT_CHOICE, lambda _event: self._on_chosen())
        self._ask.Bind(wx.EVT_BUTTON, lambda _event: self._on_ask(ask_for))

    def _arrange(self, parent: wx.Window) -> wx.Sizer:
        middle, narrow = parent.FromDIP(MIDDLE), parent.FromDIP(NARROW)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._label, 0, wx.BOTTOM, narrow)
        column.Add(self._list, 0, wx.EXPAND | wx.BOTTOM, middle)
        column.Add(self._why, 0, wx.BOTTOM, middle)
        column.Add(self._ask, 0, wx.BOTTOM, middle)
        column.Add(self.pane.sizer, 1, wx.EXPAND)
        return column

    def show(self, facts: UpdateFacts) -> None:
        """Show the versions of *facts*; what is read stays, if it is still there.

        The caller lays its window out again.
        """
        is_same_kind = self._facts is not None and self._facts.kind is facts.kind
        before = self._find_chosen() if is_same_kind and self._has_chosen else None
        was_history = is_same_kind and before is None and self._has_chosen
        self._facts, self._listed = facts, facts.readable
        labels = [
            *map(update_overview.name_version, self._listed),
            _("Historique des mises à jour"),
        ]
        first = before.offer.release if before else update_overview.find_first(facts)
        if labels != self._labels:
            self._labels = labels
            self._list.Set(labels)
            self._list.SetSelection(len(labels) - 1 if was_history else self._find_place(first))
        elif not is_same_kind or not self._has_chosen:
            self._list.SetSelection(self._find_place(first))
        self._show_chosen()

    def _find_place(self, release: Release | None) -> int:
        releases = [listed.offer.release for listed in self._listed]
        return releases.index(release) if release in releases else len(releases)

    def _find_chosen(self) -> Listed | None:
        """Return the version that is chosen in the list, None for the history."""
        place = self._list.GetSelection()
        return self._listed[place] if 0 <= place < len(self._listed) else None

    def _on_ask(self, ask_for: Callable[[Release], None]) -> None:
        listed = self._find_chosen()
        if listed is not None:
            ask_for(listed.offer.release)

    def _on_chosen(self) -> None:
        self._has_chosen = True
        self._show_chosen()
        self._lay_out()

    def _show_chosen(self) -> None:
        listed, facts = self._find_chosen(), self._facts
        may_ask = listed is not None and facts is not None and update_overview.may_ask(facts, listed)
        self._ask.Show(may_ask)
        why = update_overview.explain_version(facts, listed) if listed is not None and facts else ""
        self._why.set_text(why)
        if listed is None:
            entries = self._port.list_history()
            text = compose_history(entries, time.time())
            nothing = _("Aucune mise à jour n'a encore été installée par ce programme.")
            self.pane.show_text(
                _("Historique des mises à jour"),
                text if entries else StyledText(nothing),
                can_print=bool(entries),
            )
            return
        release = listed.offer.release
        if release in self._notes:
            self._show_notes(release, self._notes[release])
        else:
            run_in_background(
                self._list.GetTopLevelParent(),
                "notes",
                partial(self._port.read_notes, release),
                partial(self._on_read, release),
            )

    def _on_read(self, release: Release, text: str | None) -> None:
        notes = compose_notes(parse_notes(text or ""))
        if notes.text:
            self._notes[release] = notes
        listed = self._find_chosen()
        if listed is not None and listed.offer.release == release:
            self._show_notes(release, notes)
            self._lay_out()

    def _show_notes(self, release: Release, notes: StyledText) -> None:
        name = _("Lisez-moi de la version {version}").format(version=release.version)
        missing = _(
            "Le Lisez-moi de cette version n'est pas encore sur ce poste. Cliquez sur « Actualiser »."
        )
        self.pane.show_text(name, notes if notes.text else StyledText(missing), can_print=bool(notes.text))

    def _print(self) -> None:
        listed = self._find_chosen()
        window = self._list.GetTopLevelParent()

        def show() -> str:
            try:
                if listed is None:
                    return self._port.print_history()
                return self._port.print_notes(listed.offer.release)
            except RefusedError as error:
                return word_refusal(error.refusal)

        run_in_background(window, "print", show, lambda sentence: show_sentence(window, sentence or ""))
