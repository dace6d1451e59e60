"""The dialog « Demande de support technique »: assistance mode, and a message."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import TYPE_CHECKING

import wx

from iea_agent.domain import person_requests, problems
from iea_agent.domain.machine import State
from iea_agent.domain.refusals import CannotEnterAssistance, PasswordRefused, Refusal
from iea_agent.locale import _
from iea_agent.shell.wording import state_text, time_text
from iea_agent.shell.wording.problem_details import summarize_problem
from iea_agent.shell.wording.refusal_text import word_refusal

from . import status_overview
from .background import attempt, follow_agent, run_in_background
from .first_help_panel import FirstHelpPanel
from .letter_panel import LetterPanel
from .papers_panel import PapersPanel
from .ports import Situation, SupportPort
from .scrolled_dialog import ScrolledDialog, run_dialog
from .start_offer import StartOffer
from .support_overview import REPAIR, FirstHelp, describe_limits, find_first_help, word_heading
from .widgets import (
    MIDDLE,
    NARROW,
    WIDE,
    Header,
    Paragraph,
    Remark,
    SpokenDescription,
    can_focus,
    fit_width,
    has_room,
    load_icons,
    make_row,
    mask_text,
)

if TYPE_CHECKING:
    from iea_agent.shell.wording.letter_text import LetterFacts

WIDTH = 460
"""Width of the text, in device-independent pixels."""
LONGEST_REASON = 200
"""In characters."""
LONGEST_PASSWORD = 250
"""In characters: more than any password has, so that too long a text is refused, not cut off."""


def run(
    port: SupportPort, on_shown: Callable[[], None], _options: Collection[str], _later: Iterable[str] = ()
) -> None:
    """Show the dialog until it is closed; call *on_shown* once it can be used."""
    run_dialog(lambda: SupportDialog(port, on_shown))


class SupportDialog(ScrolledDialog):
    """The whole dialog: the situation, two choices with what they need, the message."""

    help_page = "guide-assistance"

    def __init__(self, port: SupportPort, on_shown: Callable[[], None]) -> None:
        super().__init__(_(person_requests.SUPPORT.title), port.explain)
        self._port = port
        self._on_shown = on_shown
        self._situation: Situation | None = None
        self._can_enter = self._can_leave = False
        # the agent is entering or leaving assistance mode for this dialog
        self._working = False
        # it has done it
        self._done = False
        # a password may be tried from this moment on, by the monotonic clock
        self._ready_at = 0.0
        # the same moment by the wall clock, to be shown
        self._ready_wall = 0.0
        self._waiting = False

        self._header = Header(self.panel, WIDTH)
        self._news = Paragraph(self.panel, WIDTH, spoken=True, title=1)
        self._start = StartOffer(self.panel, WIDTH, port.start_agent, self.lay_out)
        self._help = FirstHelpPanel(self.panel, WIDTH, port.explain, self._on_help)
        self._create_choices(self.panel)
        self._entering = self._create_reason(self.panel)
        self._limits = Paragraph(self.panel, WIDTH)
        self._letter = LetterPanel(self.panel, WIDTH, port, self.lay_out, self._on_facts)
        self._leaving = self._create_password(self.panel)
        self._papers = PapersPanel(self.panel, WIDTH, port, self.lay_out)
        self._message = Paragraph(self.footer, WIDTH - 200, spoken=True)
        self._launch = wx.Button(self.footer, label=_(person_requests.LAUNCH.label))
        self._launch.Hide()
        self._ok = wx.Button(self.footer, wx.ID_OK, _("OK"))
        self._close = wx.Button(self.footer, wx.ID_CANCEL, _("A&nnuler"))
        self._arrange()

        self._ok.Bind(wx.EVT_BUTTON, lambda _event: self._on_ok())
        self._launch.Bind(wx.EVT_BUTTON, lambda _event: self._on_launch())
        for choice in (self._enter, self._leave):
            choice.Bind(wx.EVT_RADIOBUTTON, lambda _event: self._on_choice())
        # the button that Enter presses follows the keyboard
        self.Bind(wx.EVT_CHILD_FOCUS, self._on_focus)
        self._show_situation(port.load())

    def _create_choices(self, parent: wx.Window) -> None:
        self._choices = Paragraph(parent, WIDTH, _("Votre demande"), title=1)
        self._enter = wx.RadioButton(parent, label=_("&Activer le mode assistance"), style=wx.RB_GROUP)
        self._why_not_enter = Paragraph(parent, WIDTH - WIDE)
        self._leave = wx.RadioButton(parent, label=_("&Désactiver le mode assistance"))
        self._why_not_leave = Paragraph(parent, WIDTH - WIDE)
        for choice in (self._enter, self._leave):
            SpokenDescription(choice, lambda: self._choices.text)

    # A label is made right before its edit: that is how screen readers name an edit.

    def _create_reason(self, parent: wx.Window) -> tuple[wx.Window, ...]:
        self._consequences = Paragraph(parent, WIDTH)
        self._reason_label = wx.StaticText(parent, label=_("&Motif (facultatif)"))
        self._reason = wx.TextCtrl(parent)
        self._reason.SetMaxLength(LONGEST_REASON)
        self._reason_hint = Paragraph(parent, WIDTH)
        SpokenDescription(self._reason, lambda: self._reason_hint.text)
        return self._reason_label, self._reason

    def _create_password(self, parent: wx.Window) -> tuple[wx.Window, ...]:
        self._password_label = wx.StaticText(parent, label=_("2. Saisissez le mot de &passe du jour reçu"))
        # In clear unless masked: it came by e-mail or telephone and expires in a few days, and typing errors are the danger.
        self._password = wx.TextCtrl(parent)
        self._password.SetMaxLength(LONGEST_PASSWORD)
        self._mask = wx.CheckBox(parent, label=_("Ma&squer"))
        self._complaint = Remark(parent, WIDTH)
        self._next_attempt = Paragraph(parent, WIDTH)
        SpokenDescription(self._password, self._describe_password)
        self._password.Bind(wx.EVT_TEXT, self._on_text)
        self._password.Bind(wx.EVT_TEXT_PASTE, self._on_paste)
        self._mask.Bind(wx.EVT_CHECKBOX, lambda _event: self._mask_password())
        return self._password_label, self._password, self._mask

    def _describe_password(self) -> str:
        return " ".join(filter(None, (self._complaint.paragraph.text, self._next_attempt.text)))

    def _arrange(self) -> None:
        wide, middle, narrow = self.FromDIP(WIDE), self.FromDIP(MIDDLE), self.FromDIP(NARROW)
        password = make_row(self, self._password, self._mask, wide=self._password, needs=WIDTH)
        body = wx.BoxSizer(wx.VERTICAL)
        body.Add(self._header.sizer, 0, wx.EXPAND | wx.BOTTOM, middle)
        body.Add(self._news, 0, wx.BOTTOM, middle)
        body.Add(self._start.sizer, 0, wx.EXPAND)
        body.Add(self._help.sizer, 0, wx.EXPAND)
        body.Add(self._choices, 0, wx.TOP, middle)
        for choice, why_not in (
            (self._enter, self._why_not_enter),
            (self._leave, self._why_not_leave),
        ):
            indented = wx.BoxSizer()
            indented.Add(why_not, 0, wx.LEFT, wide)
            body.Add(choice, 0, wx.TOP, narrow)
            body.Add(indented, 0, wx.TOP, narrow)
        body.AddSpacer(wide)
        body.Add(self._consequences, 0, wx.BOTTOM, wide)
        body.Add(self._reason_label, 0, wx.BOTTOM, narrow)
        body.Add(self._reason, 0, wx.EXPAND | wx.BOTTOM, narrow)
        body.Add(self._reason_hint, 0, wx.BOTTOM, wide)
        body.Add(self._limits, 0, wx.BOTTOM, wide)
        body.Add(self._letter.sizer, 0, wx.EXPAND)
        body.Add(self._password_label, 0, wx.BOTTOM, narrow)
        body.Add(password, 0, wx.EXPAND)
        body.Add(self._complaint.sizer, 0, wx.TOP, narrow)
        body.Add(self._next_attempt, 0, wx.TOP, narrow)
        body.Add(self._papers.sizer, 0, wx.EXPAND | wx.TOP, middle)
        body.SetMinSize(self.FromDIP(wx.Size(fit_width(self, WIDTH), -1)))
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(body, 0, wx.EXPAND | wx.ALL, wide)
        self.panel.SetSizer(column)
        self.arrange_footer(
            self._launch, self._ok, self._close, message=self._message, is_beside=has_room(self, WIDTH)
        )

    def begin(self) -> None:
        """Focus the control where work begins, and follow the agent."""
        wx.CallAfter(self._on_shown)
        self._find_first_control().SetFocus()
        self._letter.load()
        self._papers.load()
        follow_agent(self, self._port.watch, self._on_change, self._follow_time, 250)

    # the situation

    def _on_change(self, situation: Situation | None) -> None:
        if self._done:
            return
        if self._working:
            # shown once the request of this dialog has its answer
            self._situation = situation
            return
        had_focus = self.find_focus()
        had_best = had_focus is self._find_best_button()
        self._letter.load()
        self._show_situation(situation)
        self.lay_out()
        if had_best or not can_focus(had_focus):
            self.give_focus(self._find_first_control())

    def _show_situation(self, situation: Situation | None) -> None:
        """Show *situation*: at most one choice is possible, the other says why not."""
        before, self._situation = self._situation, situation
        active = self._can_leave = situation is not None and situation.assistance_since is not None
        may_enter = self._can_enter = situation is not None and not active and situation.may_enter
        self._show_state(situation)
        self._enter.Enable(may_enter)
        self._leave.Enable(active)
        if not may_enter or before is None or not before.may_enter:
            # whoever came to write has not chosen it
            self._enter.SetValue(False)
        self._leave.SetValue(active)
        self._why_not_enter.set_text(self._explain_not_entering())
        self._why_not_leave.set_text(
            _("Le mode assistance n'est pas actif.") if situation is not None and not active else ""
        )
        self._show_entering(may_enter and self._enter.GetValue())
        self._show_leaving(active)
        if active or situation is None:
            self._help.show(FirstHelp())
        self._letter.show_heading(word_heading(self._help.help, in_assistance=active))
        self._limits.set_text(describe_limits(situation, time.time()) if situation and active else "")
        self._close.SetLabel(_("A&nnuler") if active or may_enter else _("&Fermer"))
        self._start.show(situation is None)
        self._choose_default(self.find_focus())
        self._wait(situation.wait if situation is not None and active else 0.0)

    def _show_state(self, situation: Situation | None) -> None:
        icon = "beetle" if self._can_leave else "ball-heart" if self._can_enter else "ball"
        self.SetIcons(load_icons(icon))
        headline, news = _(state_text.STATES[State.ASSISTANCE]), ""
        if situation is None:
            stopped = status_overview.summarize_status(None, time.time())
            self._header.show_state("beetle", stopped.headline, stopped.advice, grey=True)
        elif situation.assistance_since is None:
            self._header.show_state("beetle", headline, _("non actif"), grey=True)
        else:
            since = time_text.format_since(situation.assistance_since, time.time())
            self._header.show_state("beetle", headline, since)
            news = _("Les serveurs répondent de nouveau.") if situation.servers_answer else ""
        self._news.set_text(news)

    def _explain_not_entering(self) -> str:
        if self._situation is None or self._can_enter:
            return ""
        if self._can_leave:
            return _("Le mode assistance est déjà actif.")
        if self._situation.why_not is not None:
            return word_refusal(self._situation.why_not)
        return word_refusal(CannotEnterAssistance(State.CONNECTED))

    def _show_entering(self, on: bool) -> None:
        for control in self._entering:
            control.Show(on)
        self._consequences.set_text(
            _(
                "Le scarabée rouge remplacera la boule bleue, en bas à droite de votre écran, et vous pourrez relancer Impact emploi. Ce poste restera "
                "déconnecté jusqu'à la saisie du mot de passe du jour, à demander à l'assistance."
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

    def _find_first_control(self) -> wx.Window:
        return self._password if self._can_leave else self._find_best_button()

    def _find_best_button(self) -> wx.Window:
        """Return the button that helps whoever has chosen and written nothing."""
        if self._situation is None:
            return self._start.button
        return self._help.button if self._help.help.button else self._close

    # what Enter presses

    def _on_focus(self, event: wx.ChildFocusEvent) -> None:
        event.Skip()
        if not self._done:
            self._choose_default(event.GetWindow())

    def _choose_default(self, focus: wx.Window | None) -> None:
        """Have Enter press what helps: never assistance mode for somebody who writes."""
        if self._letter.holds(focus) or (self._letter.is_begun and not self._can_leave):
            self._letter.write.SetDefault()
        elif self._can_leave or (self._can_enter and self._enter.GetValue()):
            self._ok.SetDefault()
        else:
            self._find_best_button().SetDefault()

    def _on_choice(self) -> None:
        self._show_entering(self._can_enter and self._enter.GetValue())
        self._enable_ok()
        self._choose_default(self.find_focus())
        self.lay_out()

    # what helps without writing

    def _on_facts(self, facts: LetterFacts) -> None:
        """Show what helps now; the letter has the facts first."""
        if self._done:
            return
        had_focus = self.find_focus()
        had_best = had_focus is self._find_best_button()
        in_assistance = self._can_leave
        self._help.show(FirstHelp() if in_assistance or self._situation is None else find_first_help(facts))
        self._letter.show_heading(word_heading(self._help.help, in_assistance=in_assistance))
        if had_best or not can_focus(had_focus):
            self.give_focus(self._find_first_control())
        self._choose_default(self.find_focus())

    def _on_help(self, name: str) -> None:
        """Do what the button offers, and show why it was refused."""
        request = person_requests.DIAGNOSIS.name if name == REPAIR else name
        self._show_message("")

        def show_reason(refusal: Refusal | None) -> None:
            if refusal is not None:
                self._show_message(word_refusal(refusal))

        run_in_background(self, "help", lambda: attempt(lambda: self._port.ask(request)), show_reason)

    # the wait before the next try

    def _wait(self, seconds: float) -> None:
        self._ready_at = time.monotonic() + seconds
        self._ready_wall = time.time() + seconds
        self._waiting = seconds > 0
        self._follow_wait()

    def _follow_time(self) -> None:
        self._papers.follow_time()
        self._follow_wait()

    def _follow_wait(self) -> None:
        if self._done:
            return
        seconds = self._ready_at - time.monotonic()
        if self._waiting and seconds <= 0:
            self._waiting = False
            self._complaint.set_text(_("Vous pouvez essayer de nouveau."))
        text = ""
        if self._waiting:
            when = time_text.format_coming_time(self._ready_wall, self._ready_wall - seconds)
            text = _("Nouvel essai possible {when}").format(when=when)
        if text != self._next_attempt.text:
            self._next_attempt.set_text(text)
            self.lay_out()
        self._enable_ok()

    def _enable_ok(self) -> None:
        may_activate = self._can_enter and self._enter.GetValue()
        able = may_activate or (self._can_leave and not self._waiting)
        self._ok.Enable(able and not self._working)

    # what a person does

    def _on_text(self, event: wx.CommandEvent) -> None:
        event.Skip()
        self._complaint.set_text("")

    def _on_paste(self, _event: wx.CommandEvent) -> None:
        """Paste as one line: Windows would cut the text off at its first line break."""
        clipboard = wx.TheClipboard
        if not clipboard.Open():
            return
        data = wx.TextDataObject()
        try:
            clipboard.GetData(data)
        finally:
            clipboard.Close()
        self._password.WriteText(" ".join(data.GetText().split())[:LONGEST_PASSWORD])

    def _mask_password(self) -> None:
        """Have the password drawn as dots, or in clear again."""
        mask_text(self._password, masked=self._mask.GetValue())

    def _on_ok(self) -> None:
        if self._can_enter and self._enter.GetValue():
            self._activate()
        elif self._can_leave:
            self._deactivate()

    def _activate(self) -> None:
        """Activate it at once: the dialog has said what follows, and it can be undone."""
        reason = " ".join(self._reason.GetValue().split())
        self._request(
            partial(self._port.enter, reason),
            _("Activation en cours…"),
            "beetle",
            _("Le mode assistance est activé. Vous pouvez relancer Impact emploi."),
        )

    def _deactivate(self) -> None:
        self._request(
            partial(self._port.leave, self._password.GetValue()),
            _("Vérification en cours…"),
            "ball-heart",
            _("Le mode assistance est désactivé. L'authentification est relancée."),
        )

    def _on_launch(self) -> None:
        """Launch Impact emploi, and close: all is done then."""
        self._launch.Disable()
        self._show_message(_("Lancement en cours…"))

        def on_answer(answer: tuple[Refusal | None] | None) -> None:
            if answer == (None,):
                self.Close()
                return
            self._launch.Enable()
            self._show_message("")
            self._show_refusal(answer[0] if answer else None)

        run_in_background(self, "launch", lambda: (attempt(self._port.launch),), on_answer)

    def _request(self, request: Callable[[], None], meanwhile: str, picture: str, outcome: str) -> None:
        """Call *request* in a thread; show *meanwhile*, then *outcome* or the refusal."""
        self._working = True
        self._enable_ok()
        self._complaint.set_text("")
        self._show_message(meanwhile)

        def on_answer(answer: tuple[Refusal | None] | None) -> None:
            self._working = False
            self._show_message("")
            if answer == (None,):
                self._show_outcome(picture, outcome)
                return
            self._on_change(self._situation)
            self._show_refusal(answer[0] if answer else None)

        # in a tuple, because no answer at all says that something failed
        run_in_background(self, "assistance", lambda: (attempt(request),), on_answer)

    def _show_refusal(self, refusal: Refusal | None) -> None:
        """Show *refusal*; None after an internal error."""
        if refusal is None:
            self._show_message(summarize_problem(problems.INTERNAL_ERROR))
        elif not isinstance(refusal, PasswordRefused):
            self._show_message(word_refusal(refusal))
        elif self._can_leave:
            self._complaint.set_text(word_refusal(refusal), is_error=True)
            self._wait(refusal.wait)
            self.lay_out()
            self.give_focus(self._password)
            select_all = (-1, -1)
            self._password.SetSelection(*(refusal.span or select_all))

    def _show_outcome(self, picture: str, sentence: str) -> None:
        """Show only that it is done."""
        self._done = True
        self._show_entering(False)
        self._show_leaving(False)
        self._help.show(FirstHelp())
        self._letter.hide()
        self._papers.hide()
        for control in (self._choices, self._enter, self._leave, self._ok):
            control.Hide()
        for text in (self._why_not_enter, self._why_not_leave, self._news, self._limits, self._next_attempt):
            text.set_text("")
        self._header.show_outcome(picture, sentence)
        self.SetIcons(load_icons(picture))
        self._close.SetLabel(_("&Fermer"))
        may_launch = picture == "beetle" and self._port.can_launch
        self._launch.Show(may_launch)
        best = self._launch if may_launch else self._close
        best.SetDefault()
        self.give_focus(best)
        self.fit()

    def _show_message(self, sentence: str) -> None:
        self._message.set_text(sentence)
        self.lay_out()
