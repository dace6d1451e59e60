"""« Écrire à l'assistance »: the prepared message, and the ways to send it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import wx

from iea_agent.domain.refusals import NoMailProgram, Refusal
from iea_agent.domain.support_letter import Letter, Outcome
from iea_agent.domain.support_memory import LONGEST_COMPLAINT, LONGEST_CONTACT
from iea_agent.locale import _
from iea_agent.shell.wording.letter_text import (
    LetterFacts,
    compose_letter,
    describe_earlier,
    word_outcome,
)
from iea_agent.shell.wording.refusal_text import word_refusal

from .background import ask, run_in_background
from .ports import LetterPort
from .widgets import (
    MIDDLE,
    NARROW,
    WIDE,
    FixedText,
    Paragraph,
    SpokenDescription,
    copy_text,
    has_room,
    make_row,
)

PREVIEW_HEIGHT = 90
"""In device-independent pixels: six lines, so that the buttons below are seen on a small screen."""
_Value = TypeVar("_Value")


class LetterPanel:
    """What the person adds, the message, and the ways to send it, in ``sizer``.

    *lay_out* lays the window out again, *on_facts* is called with what is known of the problem.
    """

    def __init__(
        self,
        parent: wx.Window,
        width: int,
        port: LetterPort,
        lay_out: Callable[[], None],
        on_facts: Callable[[LetterFacts], None],
    ) -> None:
        self._port = port
        self._lay_out = lay_out
        self._on_facts = on_facts
        self._facts: LetterFacts | None = None
        self._is_shown = True
        self._heading = Paragraph(parent, width)
        self._earlier = Paragraph(parent, width, spoken=True)
        # a label is made right before its edit: that is how screen readers name an edit
        self._contact_label = wx.StaticText(parent, label=_("&Vos coordonnées (nom, association, téléphone)"))
        self._contact = wx.TextCtrl(parent)
        self._contact.SetMaxLength(LONGEST_CONTACT)
        self._complaint_label = wx.StaticText(parent, label=_("Ce &qui se passe (facultatif)"))
        self._complaint = wx.TextCtrl(parent)
        self._complaint.SetMaxLength(LONGEST_COMPLAINT)
        self._complaint_hint = Paragraph(
            parent,
            width,
            _("D'abord ce que vous voyez : « le logiciel ne se lance pas ». Aucun nom de salarié."),
        )
        SpokenDescription(self._complaint, lambda: self._complaint_hint.text)
        self._address_label = wx.StaticText(parent, label=_("Adresse :"))
        self._address = FixedText(parent)
        self._subject_label = wx.StaticText(parent, label=_("Objet :"))
        self._subject = FixedText(parent)
        self._preview_label = wx.StaticText(parent, label=_("Le message, tel qu'il sera envoyé :"))
        self._preview = FixedText(parent, wx.TE_MULTILINE)
        self._preview.SetMinSize(parent.FromDIP(wx.Size(-1, PREVIEW_HEIGHT)))
        self._hint = Paragraph(parent, width)
        self.write = wx.Button(parent, label=_("Éc&rire à l'assistance"))
        self._copy = wx.Button(parent, label=_("&Copier le message"))
        self._show_file = wx.Button(parent, label=_("Voir le fichier &joint"))
        self._outcome = Paragraph(parent, width, spoken=True)
        self.sizer = self._arrange(parent, width)
        for button, action in (
            (self.write, self._on_write),
            (self._copy, self._on_copy),
            (self._show_file, self._on_show_file),
        ):
            button.Disable()
            button.Bind(wx.EVT_BUTTON, lambda _event, action=action: action())
        for edit in (self._contact, self._complaint):
            edit.Bind(wx.EVT_TEXT, self._on_text)

    def _arrange(self, parent: wx.Window, width: int) -> wx.Sizer:
        middle, narrow = parent.FromDIP(MIDDLE), parent.FromDIP(NARROW)
        columns = 2 if has_room(parent, width) else 1
        pairs = wx.FlexGridSizer(columns, narrow, middle)
        pairs.AddGrowableCol(columns - 1)
        for label, edit in ((self._address_label, self._address), (self._subject_label, self._subject)):
            pairs.Add(label, 0, wx.ALIGN_CENTRE_VERTICAL)
            pairs.Add(edit, 1, wx.EXPAND)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._heading, 0, wx.BOTTOM, middle)
        column.Add(self._earlier, 0, wx.BOTTOM, narrow)
        for label, edit, space in (
            (self._contact_label, self._contact, middle),
            (self._complaint_label, self._complaint, narrow),
        ):
            column.Add(label, 0, wx.BOTTOM, narrow)
            column.Add(edit, 0, wx.EXPAND | wx.BOTTOM, space)
        column.Add(self._complaint_hint, 0, wx.BOTTOM, middle)
        column.Add(pairs, 0, wx.EXPAND | wx.BOTTOM, middle)
        column.Add(self._preview_label, 0, wx.BOTTOM, narrow)
        column.Add(self._preview, 0, wx.EXPAND)
        column.Add(self._hint, 0, wx.TOP, narrow)
        row = make_row(parent, self.write, self._copy, self._show_file, needs=width)
        column.Add(row, 0, wx.TOP, middle)
        column.Add(self._outcome, 0, wx.TOP, narrow)
        column.AddSpacer(parent.FromDIP(WIDE))
        return column

    def show_heading(self, heading: str) -> None:
        """Show the panel below *heading*; the caller lays its window out again."""
        self._heading.set_text(heading)

    @property
    def is_begun(self) -> bool:
        """Whether the person has begun to write."""
        loaded = "" if self._facts is None else self._facts.contact
        return bool(self._complaint.GetValue().strip()) or self._contact.GetValue().strip() != loaded.strip()

    def holds(self, control: wx.Window | None) -> bool:
        """Return whether *control* is one of this panel."""
        return control in (
            *(self._contact, self._complaint, self._address, self._subject, self._preview),
            *(self.write, self._copy, self._show_file),
        )

    def hide(self) -> None:
        """Hide all of it; the caller lays its window out again."""
        self._is_shown = False
        for text in (self._heading, self._earlier, self._complaint_hint, self._hint, self._outcome):
            text.set_text("")
        for control in (
            *(self._contact_label, self._contact, self._complaint_label, self._complaint),
            *(self._address_label, self._address, self._subject_label, self._subject),
            *(self._preview_label, self._preview, self.write, self._copy, self._show_file),
        ):
            control.Hide()

    def load(self) -> None:
        """Prepare the message anew from what is known now, in a thread."""
        self._run("letter", self._port.load_facts, self._on_loaded)

    def _run(self, name: str, work: Callable[[], _Value], done: Callable[[_Value | None], None]) -> None:
        run_in_background(self.write.GetTopLevelParent(), name, work, done)

    def _on_loaded(self, facts: LetterFacts | None) -> None:
        if facts is None or not self._is_shown or facts == self._facts:
            return
        if self._facts is None:
            self._contact.ChangeValue(facts.contact)
            for button in (self.write, self._copy, self._show_file):
                button.Enable()
        self._facts = facts
        self._earlier.set_text(describe_earlier(facts.earlier) if facts.earlier is not None else "")
        self._show_letter()
        self._on_facts(facts)
        self._lay_out()

    def _compose(self) -> tuple[Letter, LetterFacts]:
        """Return the message with what is typed now."""
        assert self._facts is not None  # noqa: S101 the buttons are grey until then
        contact, complaint = (" ".join(edit.GetValue().split()) for edit in (self._contact, self._complaint))
        facts = replace(self._facts, contact=contact, complaint=complaint)
        return compose_letter(facts), facts

    def _show_letter(self) -> None:
        letter, _facts = self._compose()
        for control, text in (
            (self._address, letter.recipient),
            (self._subject, letter.subject),
            (self._preview, letter.body),
        ):
            # what did not change keeps its place and its selection
            if control.GetValue() != text:
                control.ChangeValue(text)
        self._hint.set_text("\n".join(_(hint) for hint in letter.hints))

    def _on_text(self, event: wx.CommandEvent) -> None:
        event.Skip()
        if self._facts is not None:
            self._show_letter()

    def _on_write(self) -> None:
        """Open the mail program; the message stays a draft until the person sends it."""
        self._say(_("Ouverture de votre messagerie…"))
        self._run("mail", partial(ask, partial(self._port.write_letter, *self._compose())), self._on_written)

    def _on_written(self, answer: Outcome | Refusal | None) -> None:
        if isinstance(answer, Outcome):
            self._say(f"{word_outcome(answer)}\n{_('Sinon, cliquez sur « Copier le message ».')}")
        else:
            self._say(word_refusal(answer or NoMailProgram()))

    def _on_copy(self) -> None:
        """Copy the message, and show the file that a page lets a person attach."""
        letter, facts = self._compose()
        confirmation = _(
            "Message copié : collez-le dans votre messagerie, et joignez-y le fichier qui s'affiche."
        )
        self._say(copy_text(letter.whole_text, confirmation))
        self._run("copy", partial(ask, partial(self._port.keep_copy, letter, facts)), self._on_shown_file)

    def _on_show_file(self) -> None:
        self._say(_("Préparation du fichier…"))
        self._run("file", partial(ask, self._port.show_file), self._on_shown_file)

    def _on_shown_file(self, answer: object) -> None:
        if isinstance(answer, Refusal):
            self._say(word_refusal(answer))
        elif self._outcome.text == _("Préparation du fichier…"):
            self._say(_("Vous pouvez ouvrir ce fichier et le lire ; rien n'est envoyé."))

    def _say(self, sentence: str) -> None:
        self._outcome.set_text(sentence)
        self._lay_out()
