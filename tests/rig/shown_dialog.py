"""A native dialog that prints what was typed, for test_rig.py to start on Windows."""

import sys

if sys.platform == "win32":
    import wx

    app = wx.App()
    dialog = wx.Dialog(None, title="Boîte d'essai")
    rows = wx.BoxSizer(wx.VERTICAL)
    rows.Add(wx.StaticText(dialog, label="Adresse du serveur :"), 0, wx.ALL, 8)
    field = wx.TextCtrl(dialog, size=dialog.FromDIP((300, -1)))
    rows.Add(field, 0, wx.ALL, 8)
    rows.Add(wx.Button(dialog, wx.ID_OK, "&Enregistrer"), 0, wx.ALL, 8)
    dialog.SetSizerAndFit(rows)
    saved = dialog.ShowModal() == wx.ID_OK
    print(f"saved {field.GetValue()}" if saved else "left", flush=True)
