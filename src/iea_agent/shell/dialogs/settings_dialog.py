"""The settings dialog, « Paramètres de connexion »: the rows, and the server test."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

import wx

from iea_agent.domain import person_requests, problems
from iea_agent.domain.diagnosis import Server, ServerReport, Stage, StageOutcome
from iea_agent.domain.refusals import ProblemMet, Refusal, RefusedError, SettingRefused
from iea_agent.domain.settings import LICENCE_KEY, PROXY_PASSWORD, Settings, list_changes
from iea_agent.locale import _
from iea_agent.shell.wording.problem_details import summarize_problem

from . import typed_settings
from .background import attempt, run_in_background
from .connection_fields import LEFT, Fields, Look
from .ports import DialogContents, SettingsPort
from .scrolled_dialog import ScrolledDialog, run_dialog
from .server_test_panel import PANEL_WIDTH, ServerTestPanel, is_ticked
from .settings_rows import SERVERS, Typed
from .start_offer import StartOffer
from .widgets import MIDDLE, NARROW, WIDE, Banner, Paragraph, load_icons, make_row, place_before

if TYPE_CHECKING:
    from iea_agent.domain.repairs import Repair


def run(
    port: SettingsPort, on_shown: Callable[[], None], options: Collection[str], later: Iterable[str] = ()
) -> None:
    """Show the dialog until it is closed; with the option "test", test at once.

    Calls *on_shown* once the dialog can be used. *later* yields the options of each further request for it.
    """
    run_dialog(lambda: SettingsDialog(port, on_shown, TEST in options), later)


TEST = "test"
"""The option of « Trouver la panne »."""


NOTE = 220
"""Width of the note beside the button that tests, in device-independent pixels."""


QUESTION = 340
"""Width of the question about unsaved changes, in device-independent pixels."""


class Question(wx.Dialog):  # type: ignore[misc]
    """Asks about unsaved changes: answers ID_SAVE, ID_NO or ID_CANCEL."""

    def __init__(self, parent: wx.Window) -> None:
        super().__init__(parent, title=parent.GetTitle())
        text = Paragraph(self, QUESTION, _("Voulez-vous enregistrer les modifications avant de quitter ?"))
        buttons = [
            wx.Button(self, identity, label)
            for identity, label in (
                (wx.ID_SAVE, _("&Enregistrer")),
                (wx.ID_NO, _("&Ne pas enregistrer")),
                (wx.ID_CANCEL, _("&Annuler")),
            )
        ]
        buttons[0].SetDefault()
        buttons[0].SetFocus()
        self.Bind(wx.EVT_BUTTON, lambda event: self.EndModal(event.GetId()))
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(text, 0, wx.ALL, self.FromDIP(WIDE))
        column.Add(
            make_row(self, *buttons, needs=QUESTION),
            0,
            wx.ALIGN_RIGHT | wx.LEFT | wx.RIGHT | wx.BOTTOM,
            self.FromDIP(WIDE),
        )
        self.SetSizerAndFit(column)
        self.CentreOnParent()


_SERVER_ROWS = {server: f"connection.{server.value}" for server in Server}
_LICENCE_ROW = "licence.number"
_NOT_TESTED = ("program.path",)
"""The rows that a test does not depend on."""
_LOOKS = {StageOutcome.PASSED: Look.PASSED, StageOutcome.FAILED: Look.FAILED}


class SettingsDialog(ScrolledDialog):
    """The whole dialog: the rows, the test, and the two buttons below."""

    help_page = "guide-connexion"

    def __init__(self, port: SettingsPort, on_shown: Callable[[], None], test: bool) -> None:
        title = _(person_requests.SETTINGS.title)
        super().__init__(title, port.explain, style=wx.DEFAULT_DIALOG_STYLE | wx.RESIZE_BORDER)
        self._on_shown = on_shown
        self._test_at_once = test
        self._port = port
        self._contents = port.load()
        # number of the present test: what an earlier one reports is ignored
        self._run = 0
        self._cancelled: threading.Event | None = None
        # set if no search for repairs runs and none is offered
        self._search_ended = threading.Event()
        self._search_ended.set()
        self._tested: Settings | None = None
        # the settings with which the authentication server, tested last, did not accept this PC
        self._failing: Settings | None = None
        self._is_saving = False
        self._close_when_saved = False
        # whether a test of what is typed has passed, and whether one has ended or something was saved
        self._passed = False
        self._settled = False
        # what a repair has changed
        self._before: Typed = {}
        # how far the window has scrolled by itself
        self._scrolled_to = 0

        self._is_wide = self.has_room_for(LEFT + PANEL_WIDTH + 3 * WIDE)
        self._banner = Banner(self.panel, LEFT)
        self._stopped = Paragraph(self.panel, LEFT)
        self._start = StartOffer(self.panel, LEFT, port.start_agent, self._on_started)
        if self._contents.stopped:
            self._stopped.set_text(
                _("Le programme de connexion est arrêté : la connexion de ce poste n'est plus surveillée.")
            )
            self._start.show(stopped=True)
        self._leave_button = self._create_leave_button() if self._contents.assistance else None
        self._fields = Fields(
            *(self.panel, self._contents.effective, not self._contents.assistance),
            *({SERVERS: self._create_test}, self._on_edit, self.lay_out),
        )
        self._results = ServerTestPanel(
            self.panel, self._test_button, self.lay_out, port.explain, self._on_repair
        )
        self._line = wx.StaticLine(self.footer)
        self._message = Paragraph(self.footer, LEFT, spoken=True)
        for control in (self._line, self._message):
            place_before(control, self.help_button)
        self._save_button = wx.Button(self.footer, wx.ID_SAVE, _("&Enregistrer"))
        self._quit_button = wx.Button(self.footer, wx.ID_CANCEL, _("&Quitter"))
        # on a small screen one half stands below the other
        self._halves = wx.BoxSizer(wx.HORIZONTAL if self._is_wide else wx.VERTICAL)
        self._arrange()

        self._save_button.Bind(wx.EVT_BUTTON, lambda _event: self._save())
        self.Bind(wx.EVT_CLOSE, self._on_close)

        self._first = self._introduce()
        self._choose_default()

    def _create_leave_button(self) -> wx.Button:
        """Return the button that opens the dialog in which assistance mode is left."""
        button = wx.Button(self.panel, label=_("Désactiver le mode assistance…"))

        def on_opened(refusal: Refusal | None) -> None:
            if refusal:
                self._show_refusal(refusal)
            else:
                self.Close()

        button.Bind(
            wx.EVT_BUTTON,
            lambda _event: run_in_background(
                self, "support", lambda: attempt(self._port.open_support), on_opened
            ),
        )
        return button

    def _create_test(self) -> wx.Sizer:
        """Return the button that tests, under the addresses as in the sheet."""
        self._test_button = wx.Button(self.panel, label=_("&Tester l'accès aux serveurs"))
        self._test_button.Bind(wx.EVT_BUTTON, lambda _event: self._test())
        note = Paragraph(self.panel, NOTE, _("Le test n'enregistre rien."))
        return make_row(self.panel, self._test_button, note, needs=LEFT)

    def _arrange(self) -> None:
        wide, middle, narrow = self.FromDIP(WIDE), self.FromDIP(MIDDLE), self.FromDIP(NARROW)
        left = wx.BoxSizer(wx.VERTICAL)
        left.Add(self._banner, 0, wx.EXPAND | wx.BOTTOM, middle)
        left.Add(self._stopped, 0, wx.BOTTOM, narrow)
        left.Add(self._start.sizer, 0, wx.BOTTOM, middle)
        if self._leave_button is not None:
            left.Add(self._leave_button, 0, wx.BOTTOM, middle)
        left.Add(self._fields.sizer)
        self._halves.Add(left)
        # the room of one line is kept where there is room, so that the buttons do not move under the mouse
        line = wx.BoxSizer(wx.HORIZONTAL)
        if self._is_wide:
            line.Add(narrow, self.GetTextExtent("É").height)
        line.Add(self._message)
        foot = wx.BoxSizer(wx.HORIZONTAL)
        foot.Add(self.help_button, 0, wx.ALIGN_CENTRE_VERTICAL | wx.LEFT, narrow)
        foot.AddStretchSpacer()
        foot.Add(self._save_button, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, middle)
        foot.Add(self._quit_button, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, narrow)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._halves, 1, wx.EXPAND | wx.ALL, wide)
        self.panel.SetSizer(column)
        footer = wx.BoxSizer(wx.VERTICAL)
        footer.Add(self._line, 0, wx.EXPAND)
        footer.Add(line, 0, wx.EXPAND | wx.LEFT | wx.RIGHT | wx.TOP, middle + narrow)
        footer.Add(foot, 0, wx.EXPAND | wx.ALL, middle + narrow)
        self.footer.SetSizer(footer)

    def _on_started(self) -> None:
        """Say no more that the agent is stopped once its start is no longer offered."""
        if not self._start.button.IsShown():
            self._stopped.set_text("")
        self.lay_out()

    def _open_results(self) -> None:
        """Make room for the results, before the first test."""
        edge = wx.LEFT if self._is_wide else wx.TOP
        self._halves.Add(self._results.sizer, 1, wx.EXPAND | edge, self.FromDIP(WIDE))
        self._message.set_width((LEFT if self._is_wide else 0) + PANEL_WIDTH)

    def _choose_default(self) -> None:
        """Have the Enter key do what comes next: test, save or quit."""
        is_first_run = not self._contents.effective.settings.licence_number
        if self._contents.assistance:
            best = self._quit_button
        elif self._is_unsaved():
            best = self._test_button if is_first_run and not self._passed else self._save_button
        else:
            best = self._quit_button if self._settled else self._test_button
        (self._results.best_button or best).SetDefault()

    def begin(self) -> None:
        """Focus the control where work begins, and start what is slow."""
        wx.CallAfter(self._on_shown)
        wx.CallAfter(lambda: self.SetIcons(load_icons("ball")))
        self._first.SetFocus()
        if self._test_at_once:
            self._test_button.SetFocus()
            wx.CallAfter(self._test)
        self._load_secrets()

    def take_options(self, options: Collection[str]) -> None:
        """Test, if that is asked for while the window is open and no test runs."""
        if TEST in options and self._cancelled is None:
            self.give_focus(self._test_button)
            self._test()

    def _introduce(self) -> wx.Window:
        """Say at the top what is unusual; return the control where work begins."""
        first = self._fields.control("connection.authentication")
        if self._contents.assistance:
            self._banner.set_text(
                _(
                    "Désactivez d'abord le mode assistance : tant qu'il est actif, les paramètres de connexion ne peuvent pas être modifiés."
                )
            )
            self._save_button.Disable()
            return self._quit_button
        if self._contents.faults:
            from iea_agent.shell.wording.settings_text import describe_faults

            self._banner.set_text(describe_faults(self._contents.faults))
        elif not self._contents.effective.settings.licence_number:
            self._banner.set_text(
                _(
                    "Bienvenue. Les adresses sont déjà remplies. Saisissez le numéro et la clé de licence reçus de l'assistance, cliquez sur "
                    "« Tester l'accès aux serveurs », puis sur « Enregistrer ». La touche Entrée suffit à chaque fois."
                )
            )
            first = self._fields.control(_LICENCE_ROW)
        return first if first.IsEnabled() else self._test_button

    def _load_secrets(self) -> None:
        """Ask the vault, which may be slow, what it holds, and say so."""
        run_in_background(
            self,
            "licence-key",
            lambda: (self._port.key_saved(), self._port.password_proxy()),
            self._show_secrets,
        )

    def _show_secrets(self, saved: tuple[bool | None, str | None] | None) -> None:
        if saved is not None:
            key, proxy = saved
            self._fields.show_key(key)
            self._fields.show_password(proxy or "")

    def _on_edit(self, name: str) -> None:
        """Take back what was said of the values that were typed before."""
        self._message.set_text("")
        if name not in _NOT_TESTED:
            self._passed = False
            if self._cancelled is not None:
                self._stop_outdated()
            else:
                self._results.mark_outdated()
            self._mark_all(None)
            self._forget_search()
        self._choose_default()

    def _parse(self) -> Settings | None:
        """Return the typed settings; None after the row that cannot be used is shown."""
        self._fields.tidy_texts()
        try:
            return typed_settings.parse_settings(self._fields.typed(), self._contents.effective.settings)
        except RefusedError as error:
            self._show_refusal(error.refusal)
            return None

    def _show_refusal(self, refusal: Refusal) -> None:
        from iea_agent.shell.wording.refusal_text import word_refusal

        sentence = word_refusal(refusal)
        name = refusal.name if isinstance(refusal, SettingRefused) else ""
        if not self._fields.show_refusal(name, sentence):
            self._say(sentence)

    def _say(self, sentence: str) -> None:
        self._message.set_text(sentence)
        self.lay_out()

    # the test

    def _test(self) -> None:
        if self._is_saving:
            return
        if self._cancelled is not None:
            self._stop(_("Test arrêté"))
            return
        values = self._parse()
        if values is None:
            return
        key, password = self._typed_secrets()
        self._forget_search()
        self._tested = values
        self._passed = False
        if not self._results.is_used:
            self._open_results()
        self._run += 1
        run, cancelled = self._run, threading.Event()
        self._cancelled = cancelled
        self._results.show_start()
        self._scroll_to_results(anew=True)
        self._mark_all(Look.RUNNING)

        def on_progress(report: ServerReport) -> None:
            if not cancelled.is_set():
                wx.CallAfter(self._on_progress, run, report)

        run_in_background(
            self,
            "test",
            lambda: self._port.test(values, key, password, on_progress, cancelled),
            lambda reports: self._on_tested(run, reports or ()),
        )

    def _scroll_to_results(self, *, anew: bool = False) -> None:
        """Bring the results into view where they stand below the rows.

        From the headline if all fits that a person needs first, else from what needs an action. Where a person
        has scrolled meanwhile, nothing moves unless a test begins *anew*.
        """
        if self._is_wide or not (anew or self.panel.GetViewStart()[1] == self._scrolled_to):
            return
        first, last = self._results.find_first_need()
        top = self._results.sizer.GetPosition().y
        if last.GetRect().GetBottom() - top > self.panel.GetClientSize().height:
            top = first.GetPosition().y - self.FromDIP(MIDDLE)
        _across, unit = self.panel.GetScrollPixelsPerUnit()
        self.panel.Scroll(-1, self.panel.CalcUnscrolledPosition(wx.Point(0, top)).y // unit)
        self._scrolled_to = self.panel.GetViewStart()[1]

    def _typed_secrets(self) -> tuple[str | None, str | None]:
        """Return the licence key and the proxy's password; None for one that is not typed."""
        typed = self._fields.typed()
        return typed[LICENCE_KEY] or None, typed[PROXY_PASSWORD] or None

    def _cancel(self) -> None:
        """Forget the present test, if any; it is told to stop and not waited for."""
        if self._cancelled is not None:
            self._cancelled.set()
            self._cancelled = None
            self._run += 1

    def _stop(self, sentence: str) -> None:
        """End the present test without a result, and say why."""
        self._cancel()
        self._results.show_stopped(sentence)
        self._mark_all(None)

    def _stop_outdated(self) -> None:
        """End the present test, whose result would be about other settings."""
        self._stop(_("Test arrêté : les paramètres ont changé. Relancez-le."))

    def _on_progress(self, run: int, report: ServerReport) -> None:
        if self and run == self._run and self._cancelled is not None:
            self._results.show_progress(report)
            if report.done:
                self._mark_server(report)

    def _mark_server(self, report: ServerReport) -> None:
        self._fields.mark(_SERVER_ROWS[report.server], Look.PASSED if is_ticked(report) else Look.FAILED)
        for result in report.stages:
            if result.stage is Stage.LICENCE and result.outcome in _LOOKS:
                refused = report.failure is not None and report.failure.problem.is_refusal
                self._fields.mark(_LICENCE_ROW, Look.REFUSED if refused else _LOOKS[result.outcome])

    def _on_tested(self, run: int, reports: tuple[ServerReport, ...]) -> None:
        if run != self._run:
            return
        self._cancelled = None
        if not reports:
            self._mark_all(None)
            self._results.show_stopped(summarize_problem(problems.INTERNAL_ERROR))
            return
        if not self._holds(self._tested):
            self._stop_outdated()
            return
        self._results.show_outcome(reports)
        failed = {report.server for report in reports if report.failure is not None}
        self._failing = self._tested if Server.AUTHENTICATION in failed else None
        for report in reports:
            self._mark_server(report)
        self._passed = not any(report.failure for report in reports)
        self._settled = True
        if self._tested is not None:
            self._fields.follow_proxy(self._tested, reports)
        wants_sign_in = any(r.cause and r.cause.problem in typed_settings.ASKING for r in reports)
        if wants_sign_in and self._fields.asks_for_sign_in:
            name = self._fields.control("proxy.user")
            self._results.show_sign_in(lambda: self.give_focus(name))
        self._search(reports)
        self._choose_default()
        self._scroll_to_results()

    def _holds(self, tested: Settings | None) -> bool:
        """Return whether the fields still hold the settings that were *tested*."""
        try:
            typed = typed_settings.parse_settings(self._fields.typed(), self._contents.effective.settings)
        except RefusedError:
            return False
        return tested is not None and not list_changes(tested, typed).keys() - _NOT_TESTED

    def _mark_all(self, look: Look | None) -> None:
        for name in _SERVER_ROWS.values():
            self._fields.mark(name, look)
        self._fields.mark(_LICENCE_ROW, None)

    # repairs

    def _search(self, reports: tuple[ServerReport, ...]) -> None:
        """Search what works instead, if a server was not reached and a repair is possible."""
        values, locked = self._tested, self._contents.effective.locked
        if values is None or self._contents.assistance or all(is_ticked(report) for report in reports):
            return
        from iea_agent.domain import repairs

        kinds = [repair.kind for repair in repairs.propose_repairs(values, reports, locked)]
        if not kinds:
            return
        _key, password = self._typed_secrets()
        self._search_ended = ended = threading.Event()
        self._results.show_search()
        verified: list[Repair] = []

        def show(done: bool) -> None:
            likeliest_first = sorted(verified, key=lambda repair: kinds.index(repair.kind))
            self._results.show_repairs(likeliest_first, values, complete=done)
            self._choose_default()
            self._scroll_to_results()

        def on_repair(repair: Repair) -> None:
            if self and not ended.is_set():
                verified.append(repair)
                show(False)

        def on_done(is_passing: bool | None) -> None:
            if ended.is_set():
                return
            if is_passing:
                self._results.show_passing()
                return
            show(True)
            self._results.update_reports(repairs.add_proxy_findings(reports, verified))

        def search() -> bool:
            offer = functools.partial(wx.CallAfter, on_repair)
            return self._port.repairs(values, password, reports, offer, ended) is None

        run_in_background(self, "repairs", search, on_done)

    def _forget_search(self) -> None:
        """Forget the search and its repairs: the settings are not those tested any more."""
        if not self._search_ended.is_set():
            self._search_ended.set()
        self._results.clear_repairs()

    def _on_repair(self, repair: Repair) -> None:
        """Make the *repair*, save, and test again; nothing else that was typed is lost."""
        from iea_agent.shell.wording.repair_text import describe_applied_repair, format_changes

        tested = self._tested
        if tested is None or self._is_saving:
            return
        typed, repaired = self._fields.typed(), format_changes(repair.changes)
        before = {name: typed[name] for name in repaired}

        def on_saved() -> None:
            self._before = before
            # the banner says that it is saved
            self._message.set_text("")
            self.give_focus(self._test_button)
            self._test()
            self._results.show_done(describe_applied_repair(repair, tested), self._on_undo)

        self._fields.put(repaired)
        self._save(on_saved, lambda: self._fields.put(before))

    def _on_undo(self) -> None:
        """Put back what was there before the repair, save, and test again."""

        def on_saved() -> None:
            self.give_focus(self._test_button)
            self._test()
            self._message.set_text("")
            self._results.show_done(
                _("La correction est annulée : les valeurs d'avant sont de nouveau enregistrées.")
            )

        if not self._is_saving:
            self._cancel()
            self._fields.put(self._before)
            self._save(on_saved)

    # saving and leaving

    def _save(
        self, on_saved: Callable[[], None] = lambda: None, on_refused: Callable[[], None] = lambda: None
    ) -> None:
        """Save what is typed, in the background; then call *on_saved* or *on_refused*."""
        if self._is_saving:
            return
        wanted = self._parse()
        if wanted is None:
            on_refused()
            return
        typed = self._fields.typed()
        effective, faults = self._contents.effective, self._contents.faults
        changes = {
            **typed_settings.list_refused(wanted, faults, effective.locked),
            **list_changes(effective.settings, wanted),
        }
        key, password = self._typed_secrets()

        def work() -> DialogContents | Refusal:
            refusal = attempt(lambda: self._port.save(changes, key, password))
            return refusal or self._port.load()

        def done(result: DialogContents | Refusal | None) -> None:
            end_saving()
            # closed by a person meanwhile; the dialog stays after a refusal
            is_closed, self._close_when_saved = self._close_when_saved, False
            if isinstance(result, DialogContents):
                self._show_saved(result, typed, changes)
                on_saved()
                if is_closed:
                    self.Close()
            else:
                self._show_refusal(result or ProblemMet(problems.INTERNAL_ERROR.code))
                on_refused()

        end_saving = self._begin_saving()
        run_in_background(self, "save", work, done)

    def _begin_saving(self) -> Callable[[], None]:
        """Disable the buttons that act; return the function that enables them again."""
        # not the button to quit: closing waits for the end of saving
        buttons = [self._save_button, self._test_button]
        focused = self.find_focus()
        self._is_saving = True
        wx.BeginBusyCursor()
        for button in buttons:
            button.Disable()

        def end() -> None:
            self._is_saving = False
            wx.EndBusyCursor()
            for button in buttons:
                button.Enable()
            if focused in buttons:
                self.give_focus(focused)

        return end

    def _show_saved(self, contents: DialogContents, typed: Typed, changes: Mapping[str, object]) -> None:
        """Show *contents*, now saved, in the rows that still hold what was *typed* then."""
        self._contents = contents
        self._fields.put(typed_settings.format_settings(contents.effective.settings), unchanged=typed)
        # a password is deleted with its user
        if typed[LICENCE_KEY] or typed[PROXY_PASSWORD] or changes.get("proxy.user") == "":
            self._load_secrets()
        self._settled = True
        self._banner.set_text("")
        self._results.show_done("")
        self._say(_("Paramètres enregistrés. Vous pouvez quitter."))
        self._choose_default()

    def _is_unsaved(self) -> bool:
        saved = self._contents.effective.settings
        return not self._contents.assistance and typed_settings.is_unsaved(self._fields.typed(), saved)

    def _on_close(self, event: wx.CloseEvent) -> None:
        if event.CanVeto() and self._is_saving:
            self._close_when_saved = True
            event.Veto()
            return
        if event.CanVeto() and self._is_unsaved():
            with Question(self) as question:
                answer = question.ShowModal()
            if answer != wx.ID_NO:
                event.Veto()
                if answer == wx.ID_SAVE:
                    self._save(self.Close)
                return
        self._cancel()
        self._search_ended.set()
        if event.CanVeto() and self._failing == self._contents.effective.settings:
            # the icon must not claim a connection that the person has just seen fail
            self.Hide()
            run_in_background(
                self, "reconnect", lambda: attempt(self._port.reconnect), lambda _refusal: self.Destroy()
            )
        else:
            self.Destroy()
