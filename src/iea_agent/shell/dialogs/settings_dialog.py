"""The settings dialog, « Paramètres de connexion »: mode, addresses, licence, proxy, and the test of both servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import wx

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Server, ServerReport, Stage, StageOutcome
from iea_agent.domain.settings import Settings
from iea_agent.locale import _

from . import typed_settings
from .connection_fields import LEFT, Fields
from .ports import SaveError, SettingsPort
from .scrolled_dialog import ScrolledDialog, run_dialog
from .server_test_panel import PANEL_WIDTH, ServerTestPanel, is_ticked
from .widgets import MIDDLE, NARROW, WIDE, Banner, Paragraph, load_icons

if TYPE_CHECKING:
    from iea_agent.domain.repairs import Repair


def run(port: SettingsPort, on_shown: Callable[[], None], options: Collection[str]) -> None:
    """Show the dialog until it is closed; call *on_shown* once it can be used.

    *options* may hold "test", which starts the test of both servers at once.
    """
    run_dialog(lambda: SettingsDialog(port, on_shown, "test" in options))


HEIGHT = 640
"""Height that leaves room for what is said later, in device-independent pixels, where the screen has it."""


class Question(wx.Dialog):  # type: ignore[misc]
    """What to do with unsaved changes: answers ID_SAVE, ID_NO or ID_CANCEL."""

    def __init__(self, parent: wx.Window) -> None:
        super().__init__(parent, title=parent.GetTitle())
        text = Paragraph(self, 340, _("Voulez-vous enregistrer les modifications avant de quitter ?"))
        buttons = wx.BoxSizer(wx.HORIZONTAL)
        for identity, label in (
            (wx.ID_SAVE, _("&Enregistrer")),
            (wx.ID_NO, _("&Ne pas enregistrer")),
            (wx.ID_CANCEL, _("&Annuler")),
        ):
            button = wx.Button(self, identity, label)
            button.Bind(wx.EVT_BUTTON, lambda event: self.EndModal(event.GetId()))
            buttons.Add(button, 0, wx.LEFT if identity != wx.ID_SAVE else 0, self.FromDIP(MIDDLE))
            if identity == wx.ID_SAVE:
                button.SetDefault()
                button.SetFocus()
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(text, 0, wx.ALL, self.FromDIP(WIDE))
        column.Add(buttons, 0, wx.ALIGN_RIGHT | wx.LEFT | wx.RIGHT | wx.BOTTOM, self.FromDIP(WIDE))
        self.SetSizerAndFit(column)
        self.CentreOnParent()


class SettingsDialog(ScrolledDialog):
    """The whole dialog: fields, test, and the two buttons below."""

    def __init__(self, port: SettingsPort, on_shown: Callable[[], None], test: bool) -> None:
        title = _("Impact emploi – Paramètres de connexion")
        super().__init__(title, HEIGHT, wx.DEFAULT_DIALOG_STYLE | wx.RESIZE_BORDER)
        self._on_shown = on_shown
        self._test_at_once = test
        self._port = port
        self._loaded = port.load()
        self._run = 0  # number of the present test: what an earlier one says is ignored
        self._cancelled: threading.Event | None = None
        self._searching = (
            threading.Event()
        )  # set where no search for repairs is under way or has been answered
        self._searching.set()
        self._tested: Settings | None = None
        self._before: dict[str, object] = {}  # what a repair has changed, by attribute
        self._undo: wx.Button | None = None

        self._banner = Banner(self.panel, LEFT + PANEL_WIDTH)
        self._fields = Fields(
            self.panel, self._loaded.effective, not self._loaded.assistance, self._changed, self.lay_out
        )
        self._results = ServerTestPanel(self.panel, self.lay_out, port.explain, self._on_mend)
        line = wx.StaticLine(self.panel)
        self._message = Paragraph(self.panel, PANEL_WIDTH, spoken=True)
        self._save = wx.Button(self.panel, wx.ID_SAVE, _("&Enregistrer"))
        self._quit = wx.Button(self.panel, wx.ID_CANCEL, _("&Quitter"))

        wide = self.FromDIP(WIDE)
        halves = wx.BoxSizer(wx.HORIZONTAL)
        halves.Add(self._fields.sizer, 0, wx.EXPAND | wx.RIGHT, wide)
        halves.Add(self._results.sizer, 1, wx.EXPAND)
        foot = wx.BoxSizer(wx.HORIZONTAL)
        foot.AddSpacer(self.FromDIP(NARROW))
        foot.Add(self._message, 0, wx.ALIGN_CENTRE_VERTICAL)
        foot.AddStretchSpacer()
        foot.Add(self._save, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, self.FromDIP(MIDDLE))
        foot.Add(self._quit, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, self.FromDIP(NARROW))
        column = wx.BoxSizer(wx.VERTICAL)
        self._top = wx.BoxSizer(wx.HORIZONTAL)
        self._top.Add(self._banner, 1, wx.EXPAND)
        column.Add(self._top, 0, wx.EXPAND | wx.LEFT | wx.RIGHT | wx.TOP, wide)
        column.Add(halves, 1, wx.EXPAND | wx.ALL, wide)
        column.Add(line, 0, wx.EXPAND)
        column.Add(foot, 0, wx.EXPAND | wx.ALL, self.FromDIP(MIDDLE + NARROW))
        self.panel.SetSizer(column)

        self._results.button.Bind(wx.EVT_BUTTON, lambda _event: self._test())
        self._save.Bind(wx.EVT_BUTTON, lambda _event: self._on_save())
        self._quit.Bind(wx.EVT_BUTTON, lambda _event: self.Close())
        self.Bind(wx.EVT_CLOSE, self._on_close)

        self._first = self._introduce()
        self.fit()
        self.CentreOnScreen()

    def begin(self) -> None:
        """Focus the control where work begins, and start what is slow."""
        wx.CallAfter(self._on_shown)
        wx.CallAfter(lambda: self.SetIcons(load_icons("ball")))
        self._first.SetFocus()
        if self._test_at_once:
            self._results.button.SetFocus()
            wx.CallAfter(self._test)
        threading.Thread(target=self._look_for_key, name="licence-key", daemon=True).start()

    def _introduce(self) -> wx.Window:
        """Say at the top what is unusual; the control where work begins."""
        first = self._fields.authentication.edit
        if self._loaded.assistance:
            self._banner.set_text(
                _(
                    "Désactivez d'abord le mode assistance : tant qu'il est actif, les paramètres de connexion ne peuvent pas être modifiés."
                )
            )
            self._save.Disable()
            self._quit.SetDefault()
            return self._quit
        self._save.SetDefault()
        if self._loaded.faults:
            from iea_agent.shell.wording.problem_details import describe_setting_fault

            lines = [
                _(
                    "Le fichier de paramètres contient une erreur : les derniers paramètres valables sont affichés."
                )
            ]
            self._banner.set_text(
                "\n".join([*lines, *(describe_setting_fault(fault) for fault in self._loaded.faults)])
            )
        elif not self._loaded.effective.settings.licence_number:
            self._banner.set_text(
                _(
                    "Bienvenue. Pour connecter ce poste, saisissez le numéro et la clé de licence reçus de l'assistance, puis cliquez sur "
                    "« Enregistrer ». Les adresses sont déjà remplies."
                )
            )
            first = self._fields.number.edit
        return first if first.IsEnabled() else self._results.button

    def _look_for_key(self) -> None:
        key, password = self._port.key_saved(), self._port.proxy_password_saved()
        wx.CallAfter(self._show_secrets, key, password)

    def _show_secrets(self, key: bool | None, password: bool | None) -> None:
        if self:  # the dialog may be closed by now
            self._fields.show_key(key)
            self._fields.show_password(bool(password))

    def _changed(self) -> None:
        self._message.set_text("")
        self._fields.mark_licence(None)
        self._results.mark_outdated()
        self._withdraw()

    def _read(self) -> Settings | None:
        """The settings typed, or None after the field that cannot be used has been shown."""
        self._fields.tidy()
        try:
            wanted = typed_settings.read(self._fields.typed(), self._loaded.effective.settings)
            if self._fields.proxy_password() is not None and not wanted.proxy_user:
                raise typed_settings.Complaint(
                    "proxy_user", _("Saisissez le nom qui va avec ce mot de passe.")
                )
            return wanted
        except typed_settings.Complaint as complaint:
            if not self._fields.complain(complaint.field, complaint.sentence):
                self._say(complaint.sentence)
            return None

    def _say(self, sentence: str) -> None:
        self._message.set_text(sentence)
        self.lay_out()

    # the test

    def _test(self) -> None:
        if self._cancelled is not None:
            self._cancel()
            self._results.show_stopped(_("Test arrêté"))
            self._mark_all(None)
            return
        values = self._read()
        if values is None:
            return
        key, password = self._fields.licence_key(), self._fields.proxy_password()
        self._withdraw()
        self._tested = values
        self._run += 1
        run, cancelled = self._run, threading.Event()
        self._cancelled = cancelled
        self._results.show_start()
        self._mark_all(StageOutcome.RUNNING)

        def progress(found: ServerReport) -> None:
            if not cancelled.is_set():
                wx.CallAfter(self._on_progress, run, found)

        def work() -> None:
            reports: tuple[ServerReport, ...] = ()
            try:
                reports = self._port.test(values, key, password, progress, cancelled)
            finally:
                if not cancelled.is_set():
                    wx.CallAfter(self._on_tested, run, reports)

        threading.Thread(target=work, name="test", daemon=True).start()

    def _cancel(self) -> None:
        """Forget the present test, if any; it is told to stop and not waited for."""
        if self._cancelled is not None:
            self._cancelled.set()
            self._cancelled = None
            self._run += 1

    def _on_progress(self, run: int, found: ServerReport) -> None:
        if self and run == self._run and self._cancelled is not None:
            self._results.show_progress(found)
            if found.done:
                self._fields.mark(
                    found.server, StageOutcome.PASSED if is_ticked(found) else StageOutcome.FAILED
                )

    def _on_tested(self, run: int, reports: tuple[ServerReport, ...]) -> None:
        if not self or run != self._run:
            return
        self._cancelled = None
        if not reports:
            entry = problems.INTERNAL_ERROR
            self._mark_all(None)
            self._results.show_stopped(f"{_(entry.title)} ({entry.code}). {_(entry.advice)}")
            return
        self._results.show_outcome(reports)
        for found in reports:
            self._fields.mark(found.server, StageOutcome.PASSED if is_ticked(found) else StageOutcome.FAILED)
            for result in found.stages:
                if result.stage is Stage.LICENCE and result.outcome in (
                    StageOutcome.PASSED,
                    StageOutcome.FAILED,
                ):
                    self._fields.mark_licence(result.outcome)
        if self._tested is not None:
            self._fields.heed(self._tested, reports)
        self._search(reports)

    # repairs

    def _search(self, reports: tuple[ServerReport, ...]) -> None:
        """Look for what works instead, if a server was not reached and there is something to try."""
        values, locked = self._tested, self._loaded.effective.locked
        if values is None or self._loaded.assistance or all(is_ticked(found) for found in reports):
            return
        from iea_agent.domain import repairs

        kinds = [repair.kind for repair in repairs.propose_repairs(values, reports, locked)]
        if not kinds:
            return
        password = self._fields.proxy_password()
        self._searching = over = threading.Event()
        self._results.show_search()
        found: list[Repair] = []

        def show(done: bool, passing: bool = False) -> None:
            if self and not over.is_set():
                if passing:
                    self._results.show_passing()
                    return
                likeliest_first = sorted(found, key=lambda repair: kinds.index(repair.kind))
                self._results.show_repairs(likeliest_first, values, complete=done)
                if done:
                    self._results.update_reports(repairs.add_proxy_findings(reports, found))

        def tell(repair: Repair) -> None:
            found.append(repair)
            wx.CallAfter(show, False)

        def work() -> None:
            passing = False
            try:
                passing = self._port.repairs(values, password, reports, tell, over) is None
            finally:
                wx.CallAfter(show, True, passing)

        threading.Thread(target=work, name="repairs", daemon=True).start()

    def _withdraw(self) -> None:
        """Forget the search and what it found: the settings are no longer those that were tested."""
        if not self._searching.is_set():
            self._searching.set()
            self._results.clear_repairs()
            self._save.SetDefault()

    def _on_mend(self, repair: Repair) -> None:
        """Make the *repair* that was chosen, save, and test again; nothing else that was typed is lost."""
        from iea_agent.shell.wording.repair_text import describe_applied_repair

        before, tested = self._fields.typed(), self._tested
        if tested is None:
            return
        self._fields.put(replace(before, **repair.changes))  # type: ignore[arg-type]  # attributes that both have
        if not self._on_save():
            self._fields.put(before)
            return
        self._before = {name: getattr(before, name) for name in repair.changes}
        self._message.set_text("")  # what was done says that it is saved
        self._results.button.SetFocus()
        self._test()
        self._report(describe_applied_repair(repair, tested), undo=True)

    def _on_undo(self) -> None:
        """Put back what was there before the repair, save, and test again."""
        self._fields.put(replace(self._fields.typed(), **self._before))  # type: ignore[arg-type]  # the same attributes
        if self._on_save():
            self._results.button.SetFocus()
            self._test()
            self._say(_("La correction est annulée : les valeurs d'avant sont de nouveau enregistrées."))

    def _report(self, sentence: str, *, undo: bool = False) -> None:
        """Say at the top what was done, "" for nothing, with the button that undoes it."""
        if undo and self._undo is None:
            self._undo = wx.Button(self.panel, label=_("Annuler la c&orrection"))
            self._undo.MoveAfterInTabOrder(self._banner)
            self._undo.Bind(wx.EVT_BUTTON, lambda _event: self._on_undo())
            self._top.Add(self._undo, 0, wx.ALIGN_CENTRE_VERTICAL | wx.LEFT, self.FromDIP(MIDDLE))
        if self._undo is not None:
            self._undo.Show(undo)
        self._banner.set_text(sentence)
        self.lay_out()

    def _mark_all(self, outcome: StageOutcome | None) -> None:
        for server in Server:
            self._fields.mark(server, outcome)
        self._fields.mark_licence(None)

    # saving and leaving

    def _on_save(self) -> bool:
        """Save what is typed; the dialog stays. False where it could not be saved."""
        wanted = self._read()
        if wanted is None:
            return False
        key, password = self._fields.licence_key(), self._fields.proxy_password()
        changes = typed_settings.changes(self._loaded.effective.settings, wanted)
        try:
            with wx.BusyCursor():
                self._port.save(changes, key, password)
                self._loaded = self._port.load()
        except SaveError as error:
            if not self._fields.complain(error.field, error.sentence):
                self._say(error.sentence)
            return False
        self._fields.put(typed_settings.shown(self._loaded.effective.settings))
        self._fields.forget_secrets()
        if key is not None:
            self._fields.show_key(True)
        if password is not None or changes.get("proxy.user") == "":  # the password goes with its user
            self._fields.show_password(password is not None)
        self._report("")
        self._say(_("Paramètres enregistrés."))
        return True

    def _is_unsaved(self) -> bool:
        return not self._loaded.assistance and (
            self._fields.licence_key() is not None
            or self._fields.proxy_password() is not None
            or typed_settings.is_unsaved(self._fields.typed(), self._loaded.effective.settings)
        )

    def _on_close(self, event: wx.CloseEvent) -> None:
        if event.CanVeto() and self._is_unsaved():
            with Question(self) as question:
                answer = question.ShowModal()
            if answer == wx.ID_CANCEL or (answer == wx.ID_SAVE and not self._on_save()):
                event.Veto()
                return
        self._cancel()
        self._searching.set()
        self.Destroy()
