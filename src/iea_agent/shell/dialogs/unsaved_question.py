"""The question about unsaved changes, asked when the settings dialog closes."""

from __future__ import annotations

import wx

from iea_agent.locale import _

from .widgets import WIDE, Paragraph, make_row

QUESTION = 340
"""Width of the question about unsaved changes, in device-independent pixels."""


class UnsavedQuestion(wx.Dialog):  # type: ignore[misc]
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
