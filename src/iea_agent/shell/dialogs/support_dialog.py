"""The dialog « Demande de support technique », first half: assistance mode on without a password, off with the password of the day."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable, Collection

import wx

from iea_agent.domain import problems
from iea_agent.domain.machine import State
from iea_agent.locale import _
from iea_agent.shell.wording import state_text, time_text

from . import status_overview
from .background import run_in_background
from .ports import PasswordAnswer, Situation, SupportError, SupportPort
from .scrolled_dialog import ScrolledDialog, run_dialog
from .widgets import MIDDLE, NARROW, WIDE, Header, Paragraph, copy_text, load_icons, make_title_font


def run(port: SupportPort, on_shown: Callable[[], None], _options: Collection[str]) -> None:
    """Show the dialog until it is closed; call *on_shown* once it can be used."""
    run_dialog(lambda: SupportDialog(port, on_shown))


WIDTH = 440
"""Width of the text, in device-independent pixels."""
LONGEST_REASON = 200
LONGEST_PASSWORD = 250
"""Characters; more than any password has, so that what is too long is seen and said rather than cut off."""


class SupportDialog(ScrolledDialog):
    """The whole dialog: what holds, the two choices, what the chosen one needs, OK and Annuler; and in its place, once it is done, the outcome."""

    def __init__(self, port: SupportPort, on_shown: Callable[[], None]) -> None:
        super().__init__(_("Impact emploi – Demande de support technique"))
        self._on_shown = on_shown
        self._port = port
        self._situation: Situation | None = None
        self._can_enter = self._can_leave = False
        self._working = False  # the agent is entering or leaving assistance mode
        self._done = False  # it has, because of us
        self._waiting = False
        self._counted = ""
        self._ready_at = 0.0  # on the steady clock: when a password may be tried
        self._closed = threading.Event()
        self._end_watch: Callable[[], None] | None = None

        parent = self.panel
        self._header = Header(parent, WIDTH)
        self._news = Paragraph(parent, WIDTH, spoken=True)
        self._news.SetFont(make_title_font(self, 1.0))

        self._enter = wx.RadioButton(parent, label=_("&Activer le mode assistance"), style=wx.RB_GROUP)
        self._why_not_enter = Paragraph(parent, WIDTH - WIDE)
        self._leave = wx.RadioButton(parent, label=_("&Désactiver le mode assistance"))
        self._why_not_leave = Paragraph(parent, WIDTH - WIDE)

        self._consequences = Paragraph(parent, WIDTH)
        # a label is made right before its edit: that is how screen readers name an edit
        self._reason_label = wx.StaticText(parent, label=_("&Motif (facultatif)"))
        self._reason = wx.TextCtrl(parent)
        self._reason.SetMaxLength(LONGEST_REASON)
        self._reason_hint = Paragraph(parent, WIDTH)

        self._password_label = wx.StaticText(parent, label=_("Mot de &passe du jour"))
        # In clear unless asked otherwise: it is of no more use in a few days, came by e-mail or telephone, and slips of the hand are the danger.
        self._password = wx.TextCtrl(parent)
        self._password.SetMaxLength(LONGEST_PASSWORD)
        self._mask = wx.CheckBox(parent, label=_("Ma&squer"))
        self._complaint = Paragraph(parent, WIDTH, spoken=True)
        self._countdown = Paragraph(parent, WIDTH)  # not spoken: once a second would be a nuisance
        self._address_label = wx.StaticText(
            parent, label=_("Demandez le mot de passe du jour à l'assistance :")
        )
        self._address = wx.TextCtrl(
            parent, value=problems.SUPPORT_ADDRESS, style=wx.TE_READONLY | wx.BORDER_NONE
        )
        self._address.SetBackgroundColour(self.GetBackgroundColour())
        self._copy = wx.Button(parent, label=_("&Copier l'adresse"))

        self._line = wx.StaticLine(parent)
        self._message = Paragraph(parent, WIDTH - 200, spoken=True)
        self._ok = wx.Button(parent, wx.ID_OK, _("OK"))
        self._close = wx.Button(parent, wx.ID_CANCEL, _("A&nnuler"))

        self._entering: tuple[wx.Window, ...] = (self._reason_label, self._reason)
        self._leaving: tuple[wx.Window, ...] = (
            *(self._password_label, self._password, self._mask),
            *(self._address_label, self._address, self._copy),
        )
        self._arrange()

        self._timer = wx.Timer(self)
        self.Bind(wx.EVT_TIMER, lambda _event: self._tick(), self._timer)
        self._password.Bind(wx.EVT_TEXT, self._on_text)
        self._password.Bind(wx.EVT_TEXT_PASTE, self._on_paste)
        self._mask.Bind(wx.EVT_CHECKBOX, lambda _event: self._show_masked())
        self._copy.Bind(wx.EVT_BUTTON, lambda _event: self._on_copy())
        self._ok.Bind(wx.EVT_BUTTON, lambda _event: self._on_ok())
        self._close.Bind(wx.EVT_BUTTON, lambda _event: self.Close())
        self.Bind(wx.EVT_CLOSE, self._on_close)

        self._show(port.load())
        self.fit()
        self.CentreOnScreen()

    def _arrange(self) -> None:
        wide, middle, narrow = self.FromDIP(WIDE), self.FromDIP(MIDDLE), self.FromDIP(NARROW)
        password = wx.BoxSizer(wx.HORIZONTAL)
        password.Add(self._password, 1, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, middle)
        password.Add(self._mask, 0, wx.ALIGN_CENTRE_VERTICAL)
        address = wx.BoxSizer(wx.HORIZONTAL)
        address.Add(self._address, 1, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, middle)
        address.Add(self._copy, 0, wx.ALIGN_CENTRE_VERTICAL)
        body = wx.BoxSizer(wx.VERTICAL)
        body.Add(self._header.sizer, 0, wx.EXPAND | wx.BOTTOM, middle)
        body.Add(self._news, 0, wx.BOTTOM, middle)
        for choice, why_not in (
            (self._enter, self._why_not_enter),
            (self._leave, self._why_not_leave),
        ):
            indented = wx.BoxSizer()
            indented.Add(why_not, 0, wx.LEFT, wide)
            body.Add(choice, 0, wx.TOP, middle)
            body.Add(indented, 0, wx.TOP, narrow)
        body.AddSpacer(wide)
        body.Add(self._consequences, 0, wx.BOTTOM, wide)
        body.Add(self._reason_label, 0, wx.BOTTOM, narrow)
        body.Add(self._reason, 0, wx.EXPAND)
        body.Add(self._reason_hint, 0, wx.TOP, narrow)
        body.Add(self._password_label, 0, wx.BOTTOM, narrow)
        body.Add(password, 0, wx.EXPAND)
        body.Add(self._complaint, 0, wx.TOP, narrow)
        body.Add(self._countdown, 0, wx.TOP, narrow)
        body.Add(self._address_label, 0, wx.TOP, wide)
        body.Add(address, 0, wx.EXPAND)
        body.SetMinSize(self.FromDIP(wx.Size(WIDTH, -1)))
        foot = wx.BoxSizer(wx.HORIZONTAL)
        foot.Add(self._message, 0, wx.ALIGN_CENTRE_VERTICAL)
        foot.AddStretchSpacer()
        foot.Add(self._ok, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, middle)
        foot.Add(self._close, 0, wx.ALIGN_CENTRE_VERTICAL)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(body, 0, wx.EXPAND | wx.ALL, wide)
        column.AddStretchSpacer()
        column.Add(self._line, 0, wx.EXPAND)
        column.Add(foot, 0, wx.EXPAND | wx.ALL, self.FromDIP(MIDDLE + NARROW))
        self.panel.SetSizer(column)

    def begin(self) -> None:
        """Once the window is shown: put the focus where work begins, and follow the agent."""
        wx.CallAfter(self._on_shown)
        self._first().SetFocus()
        self._end_watch = self._port.watch(self._report)
        self._timer.Start(250)

    def _report(self, situation: Situation | None) -> None:
        """From any thread."""
        if not self._closed.is_set():
            wx.CallAfter(self._on_change, situation)

    # what holds

    def _on_change(self, situation: Situation | None) -> None:
        if not self or self._done:  # the dialog may be closed by now
            return
        if self._working:
            self._situation = situation  # shown when it is known what became of our own doing
            return
        had_focus = self.FindFocus()
        self._show(situation)
        self.lay_out()
        if not self.IsEnabled():
            return  # the keyboard is the question's
        if had_focus is None or not had_focus.IsShown() or not had_focus.IsEnabled():
            self._first().SetFocus()

    def _show(self, situation: Situation | None) -> None:
        """Show *situation*: one choice can be made at most, and it is made already; the other one says why it cannot."""
        self._situation = situation
        active = self._can_leave = situation is not None and situation.assistance_since is not None
        may_enter = self._can_enter = situation is not None and not active and situation.may_enter
        self.SetIcons(load_icons("beetle" if active else "ball-heart" if may_enter else "ball"))
        if situation is None:
            stopped = status_overview.summarize_status(None, time.time())
            self._header.show_state("beetle", stopped.headline, stopped.advice, grey=True)
        else:
            since = situation.assistance_since
            held = time_text.format_since(since, time.time()) if since is not None else _("non actif")
            self._header.show_state("beetle", _(state_text.STATES[State.ASSISTANCE]), held, grey=not active)
        self._news.set_text(
            _("Les serveurs répondent de nouveau.")
            if situation is not None and active and situation.servers_answer
            else ""
        )
        self._enter.Enable(may_enter)
        self._leave.Enable(active)
        self._enter.SetValue(may_enter)
        self._leave.SetValue(active)
        self._why_not_enter.set_text(self._reason_against_entering())
        self._why_not_leave.set_text(
            _("Le mode assistance n'est pas actif.") if situation is not None and not active else ""
        )
        self._show_entering(may_enter)
        self._show_leaving(active)
        self._close.SetLabel(_("A&nnuler") if active or may_enter else _("&Fermer"))
        (self._ok if active or may_enter else self._close).SetDefault()
        self._wait(situation.wait if situation is not None and active else 0.0)

    def _reason_against_entering(self) -> str:
        if self._situation is None or self._can_enter:
            return ""
        if self._situation.assistance_since is not None:
            return _("Le mode assistance est déjà actif.")
        return self._situation.why_not or _(
            "Le mode assistance ne s'active que lorsque la connexion au serveur a échoué."
        )

    def _show_entering(self, on: bool) -> None:
        for control in self._entering:
            control.Show(on)
        self._consequences.set_text(
            _(
                "Le scarabée rouge remplacera la boule bleue, en bas à droite de votre écran, et vous pourrez relancer Impact emploi. La connexion au "
                "serveur restera coupée jusqu'à ce que vous désactiviez le mode assistance, avec le mot de passe du jour que l'assistance vous enverra."
            )
            if on
            else ""
        )
        self._reason_hint.set_text(_("N'indiquez aucun nom de salarié ni d'association.") if on else "")

    def _show_leaving(self, on: bool) -> None:
        for control in self._leaving:
            control.Show(on)
        if not on:
            self._password.ChangeValue("")
            self._complaint.set_text("")

    def _first(self) -> wx.Window:
        """The control where work begins."""
        if self._can_enter:
            return self._enter
        return self._password if self._can_leave else self._close

    # waiting for the next try

    def _wait(self, seconds: float) -> None:
        self._ready_at = time.monotonic() + seconds
        self._waiting = seconds > 0
        self._tick()

    def _tick(self) -> None:
        """Count down to the next try."""
        seconds = self._ready_at - time.monotonic()
        if self._waiting and seconds <= 0:
            self._waiting = False
            self._complaint.set_text(_("Vous pouvez essayer de nouveau."))
        told = (
            _("Nouvel essai possible dans {time}").format(time=time_text.format_countdown(seconds))
            if self._waiting
            else ""
        )
        if told != self._counted:
            self._counted = told
            self._countdown.set_text(told)
            self.lay_out()
        self._enable_ok()

    def _enable_ok(self) -> None:
        able = self._can_enter or (self._can_leave and not self._waiting)
        self._ok.Enable(able and not self._working)

    # what a person does

    def _on_text(self, event: wx.CommandEvent) -> None:
        event.Skip()
        self._complaint.set_text("")

    def _on_paste(self, _event: wx.CommandEvent) -> None:
        """Paste as one line: Windows would cut the text at its first line break, and leave nothing of one that begins with it."""
        clipboard = wx.TheClipboard
        if not clipboard.Open():
            return
        found = wx.TextDataObject()
        try:
            clipboard.GetData(found)
        finally:
            clipboard.Close()
        self._password.WriteText(" ".join(found.GetText().split())[:LONGEST_PASSWORD])

    def _show_masked(self) -> None:
        """Have the password drawn as dots, or in clear again."""
        if sys.platform == "win32":
            set_password_char = 0x00CC  # EM_SETPASSWORDCHAR; wx can only make another field
            dot = ord("●") if self._mask.GetValue() else 0
            ctypes.windll.user32.SendMessageW(self._password.GetHandle(), set_password_char, dot, 0)
        self._password.Refresh()

    def _on_copy(self) -> None:
        self._say(copy_text(problems.SUPPORT_ADDRESS, _("Adresse copiée.")))

    def _on_ok(self) -> None:
        if self._can_enter:
            self._activate()
        elif self._can_leave:
            self._deactivate()

    def _activate(self) -> None:
        question = wx.MessageDialog(
            self,
            _("Activer le mode assistance ?"),
            self.GetTitle(),
            wx.OK | wx.CANCEL | wx.CANCEL_DEFAULT | wx.ICON_QUESTION,
        )
        question.SetOKCancelLabels(_("&Activer"), _("A&nnuler"))
        question.SetExtendedMessage(
            _(
                "La connexion au serveur sera coupée. Pour la rétablir, il vous faudra le mot de passe du jour, à demander à l'assistance."
            )
        )
        with question:
            if question.ShowModal() != wx.ID_OK or not self._can_enter:  # which may have changed meanwhile
                return
        reason = " ".join(self._reason.GetValue().split())

        def enter() -> PasswordAnswer:
            self._port.enter(reason)
            return PasswordAnswer(True)

        self._work(enter, _("Activation en cours…"), self._on_entered)

    def _on_entered(self, _verdict: PasswordAnswer) -> None:
        self._finish("beetle", _("Le mode assistance est activé. Vous pouvez relancer Impact emploi."))

    def _deactivate(self) -> None:
        password = self._password.GetValue()
        self._work(lambda: self._port.leave(password), _("Vérification en cours…"), self._on_judged)

    def _on_judged(self, verdict: PasswordAnswer) -> None:
        if verdict.accepted:
            self._finish(
                "ball-heart",
                _("Le mode assistance est désactivé. L'agent relance l'authentification."),
            )
            return
        if not self._can_leave:
            return  # left elsewhere meanwhile
        self._complaint.set_text(verdict.sentence)
        self._wait(verdict.wait)
        self.lay_out()
        self._password.SetFocus()
        self._password.SetSelection(
            *(verdict.span or (-1, -1))
        )  # all of it where nobody can say what is wrong

    def _work(
        self, act: Callable[[], PasswordAnswer], meanwhile: str, then: Callable[[PasswordAnswer], None]
    ) -> None:
        """Do *act* in a thread, and *then* with its verdict; *meanwhile* is said for as long."""
        self._working = True
        self._enable_ok()
        self._complaint.set_text("")
        self._say(meanwhile)

        def work() -> tuple[PasswordAnswer | None, str]:
            try:
                return act(), ""
            except SupportError as error:
                return None, error.sentence

        def ended(result: tuple[PasswordAnswer | None, str] | None) -> None:
            verdict, sentence = result or (None, _internal_error())
            self._working = False
            self._say(sentence)
            if verdict is None or not verdict.accepted:
                self._on_change(self._situation)
            if verdict is not None:
                then(verdict)

        run_in_background(self, "assistance", work, ended)

    def _finish(self, which: str, outcome: str) -> None:
        """Only say what has become of it."""
        self._done = True
        self._timer.Stop()
        self._show_entering(False)
        self._show_leaving(False)
        for control in (self._enter, self._leave, self._ok):
            control.Hide()
        for text in (self._why_not_enter, self._why_not_leave, self._news, self._countdown):
            text.set_text("")
        self._header.show_outcome(which, outcome)
        self.SetIcons(load_icons(which))
        self._close.SetLabel(_("&Fermer"))
        self._close.SetDefault()
        self._close.SetFocus()
        self.fit()

    def _say(self, sentence: str) -> None:
        self._message.set_text(sentence)
        self.lay_out()

    def _on_close(self, _event: wx.CloseEvent) -> None:
        self._closed.set()
        self._timer.Stop()
        if self._end_watch is not None:
            self._end_watch()
        self.Destroy()


def _internal_error() -> str:
    entry = problems.INTERNAL_ERROR
    return f"{_(entry.title)} ({entry.code}). {_(entry.advice)}"
