"""The settings dialog, « Paramètres de connexion »: what it shows, and saving."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

import wx

from iea_agent.domain import person_requests, problems
from iea_agent.domain.refusals import (
    AutostartRefused,
    ProblemMet,
    Refusal,
    RefusedError,
    SettingRefused,
)
from iea_agent.domain.settings import LICENCE_KEY, PROXY_PASSWORD, Settings, list_changes
from iea_agent.locale import _

from . import typed_settings
from .autostart_row import AutostartRow
from .background import attempt, run_in_background
from .connection_fields import LEFT, Fields
from .ports import DialogContents, SettingsPort
from .scrolled_dialog import ScrolledDialog, run_dialog
from .server_test import ServerTest
from .server_test_panel import PANEL_WIDTH, ServerTestPanel
from .settings_rows import SERVERS, Typed
from .start_offer import StartOffer
from .unsaved_question import UnsavedQuestion
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


_LICENCE_ROW = "licence.number"


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
        self._is_saving = False
        self._close_when_saved = False
        # whether a test has ended, or something was saved that needs none
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
        is_writable = not self._contents.assistance
        self._fields = Fields(
            *(self.panel, self._contents.effective, is_writable),
            *({SERVERS: self._create_test}, self._on_edit, self.lay_out),
        )
        self._autostart: AutostartRow | None = None
        if self._contents.autostart is not None:
            self._autostart = AutostartRow(
                self.panel, LEFT, self._contents.autostart, is_writable, self._on_other_edit
            )
        self._results = ServerTestPanel(
            self.panel, self._test_button, self.lay_out, port.explain, self._on_repair
        )
        self._server_test = ServerTest(
            *(self, self._fields, self._results, port, lambda: self._contents, self._on_result)
        )
        self._message = Paragraph(self.footer, LEFT, spoken=True)
        place_before(self._message, self.help_button)
        self._save_button = wx.Button(self.footer, wx.ID_SAVE, _("&Enregistrer"))
        self._quit_button = wx.Button(self.footer, wx.ID_CANCEL, _("&Quitter"))
        # on a small screen one half stands below the other
        self._halves = wx.BoxSizer(wx.HORIZONTAL if self._is_wide else wx.VERTICAL)
        self._arrange()

        self.bind_press(self._save_button, self._save)
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
        self.bind_press(self._test_button, self._test)
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
        if self._autostart is not None:
            left.Add(self._autostart.sizer, 0, wx.TOP, middle + narrow)
        self._halves.Add(left)
        # the room of one line is kept where there is room, so that the buttons do not move under the mouse
        line = wx.BoxSizer(wx.HORIZONTAL)
        if self._is_wide:
            line.Add(narrow, self.GetTextExtent("É").height)
        line.Add(self._message)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._halves, 1, wx.EXPAND | wx.ALL, wide)
        self.panel.SetSizer(column)
        self.arrange_footer(self._save_button, self._quit_button, message=line)

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
        if self._contents.assistance:
            best = self._quit_button
        elif self._is_unsaved():
            best = self._test_button if self._is_untested() else self._save_button
        else:
            best = self._quit_button if self._settled else self._test_button
        finished = [self._test_button] if self._server_test.has_passed else []
        if best is self._quit_button and self._settled:
            finished.append(self._save_button)
        self.set_default(self._results.best_button or best, finished)

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
        if TEST in options and not self._server_test.is_running:
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
                    "Bienvenue. Saisissez le numéro et la clé de licence reçus de l'assistance, puis cliquez sur « Tester l'accès aux serveurs » "
                    "et sur « Enregistrer » (ou touche Entrée)."
                )
            )
            first = self._fields.control(_LICENCE_ROW)
        elif self._contents.problem in typed_settings.ASKING_CODES and self._fields.asks_for_sign_in:
            first = self._fields.control("proxy.user")
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
        self._server_test.take_edit(name)
        self._on_other_edit()

    def _on_other_edit(self) -> None:
        """Say no more that all is saved; what has changed is not tested."""
        self._message.set_text("")
        self._choose_default()
        self.lay_out()

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
        if isinstance(refusal, AutostartRefused) and self._autostart is not None:
            self._autostart.say_refusal(sentence)
            self.lay_out()
        elif not self._fields.show_refusal(name, sentence):
            self._say(sentence)

    def _say(self, sentence: str) -> None:
        self._message.set_text(sentence)
        self.lay_out()

    # the test

    def _test(self) -> None:
        if self._is_saving:
            return
        if self._server_test.is_running:
            self._server_test.stop(_("Test arrêté"))
            return
        values = self._parse()
        if values is None:
            return
        if not self._results.is_used:
            self._open_results()
        self._server_test.start(values, *self._typed_secrets())
        self._scroll_to_results(anew=True)

    def _on_result(self) -> None:
        """Have the Enter key do what comes next, and bring the result into view."""
        self._settled = True
        self._choose_default()
        self._scroll_to_results()

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

    # repairs

    def _on_repair(self, repair: Repair) -> None:
        """Make the *repair*, save, and test again; nothing else that was typed is lost."""
        from iea_agent.shell.wording.repair_text import describe_applied_repair, format_changes

        tested = self._server_test.tested
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
            self._server_test.cancel()
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
        is_untested = self._is_untested() and not self._server_test.has_ended
        starts = None if self._autostart is None else self._autostart.wanted

        def work() -> DialogContents | Refusal:
            refusal = None
            if starts is not None:
                refusal = attempt(lambda: self._port.choose_autostart(starts))
            if refusal is None and (changes or key or password or starts is None):
                refusal = attempt(lambda: self._port.save(changes, key, password))
            return refusal or self._port.load()

        def done(result: DialogContents | Refusal | None) -> None:
            end_saving()
            # closed by a person meanwhile; the dialog stays after a refusal
            is_closed, self._close_when_saved = self._close_when_saved, False
            if isinstance(result, DialogContents):
                self._show_saved(result, typed, changes, is_untested=is_untested)
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

    def _show_saved(
        self, contents: DialogContents, typed: Typed, changes: Mapping[str, object], *, is_untested: bool
    ) -> None:
        """Show *contents*, now saved, in the rows that still hold what was *typed* then."""
        self._contents = contents
        self._fields.put(typed_settings.format_settings(contents.effective.settings), unchanged=typed)
        if self._autostart is not None and contents.autostart is not None:
            self._autostart.show_choice(contents.autostart)
        # a password is deleted with its user
        if typed[LICENCE_KEY] or typed[PROXY_PASSWORD] or changes.get("proxy.user") == "":
            self._load_secrets()
        self._settled = not is_untested
        self._banner.set_text("")
        self._results.show_done("")
        if is_untested:
            self._say(
                _(
                    "Paramètres enregistrés, mais pas encore testés. Cliquez sur « Tester l'accès aux serveurs »."
                )
            )
        else:
            self._say(_("Paramètres enregistrés. Vous pouvez quitter."))
        self._choose_default()

    def _is_untested(self) -> bool:
        """Return whether something is typed for the servers that no passed test has seen."""
        if self._server_test.has_passed:
            return False
        if any(self._typed_secrets()):
            return True
        saved = self._contents.effective.settings
        try:
            return self._server_test.leaves_out(
                typed_settings.parse_settings(self._fields.typed(), saved), saved
            )
        except RefusedError:
            return True

    def _is_unsaved(self) -> bool:
        if self._contents.assistance:
            return False
        saved = self._contents.effective.settings
        is_other = self._autostart is not None and self._autostart.wanted is not None
        return is_other or typed_settings.is_unsaved(self._fields.typed(), saved)

    def _on_close(self, event: wx.CloseEvent) -> None:
        if event.CanVeto() and self._is_saving:
            self._close_when_saved = True
            event.Veto()
            return
        if event.CanVeto() and self._is_unsaved():
            with UnsavedQuestion(self) as question:
                answer = question.ShowModal()
            if answer != wx.ID_NO:
                event.Veto()
                if answer == wx.ID_SAVE:
                    self._save(self.Close)
                return
        self._server_test.close()
        if event.CanVeto() and self._server_test.failing == self._contents.effective.settings:
            # the icon must not claim a connection that the person has just seen fail
            self.Hide()
            run_in_background(
                self, "reconnect", lambda: attempt(self._port.reconnect), lambda _refusal: self.Destroy()
            )
        else:
            self.Destroy()
