"""A picture of the last 24 hours: each part of the day by shape and by colour."""

from __future__ import annotations

from collections.abc import Sequence

import wx

from iea_agent.domain.connection_history import CELLS, ConnectionCourse

from .widgets import set_picture

HEIGHT = 18
"""In device-independent pixels."""
_COLOURS = {
    ConnectionCourse.CONNECTED: (0, 122, 61),
    ConnectionCourse.FAILED: (196, 32, 38),
    ConnectionCourse.ASSISTANCE: (176, 96, 0),
    ConnectionCourse.OFF: (118, 118, 118),
}


class HistoryStrip(wx.StaticBitmap):  # type: ignore[misc]  # wx has no types here
    """Parts of the day: a bar if connected, a cross if failed, half a bar, or a line.

    Half a bar is assistance mode, a line an agent that did not run. A sentence beside it says the same.
    """

    def __init__(self, parent: wx.Window, width: int) -> None:
        super().__init__(parent)
        self._cells: Sequence[ConnectionCourse] = ()
        self._width = width
        self.Bind(wx.EVT_DPI_CHANGED, self._on_scaling_changed)
        self.Hide()

    def _on_scaling_changed(self, event: wx.DPIChangedEvent) -> None:
        event.Skip()
        self.show_cells(self._cells)

    def show_cells(self, cells: Sequence[ConnectionCourse]) -> None:
        """Draw *cells*, oldest first; without any the strip is hidden."""
        self._cells = cells
        self.Show(bool(cells))
        if cells:
            # wx takes the smallest for the size at 100 %: of the scaled one alone it would make a larger picture
            scales = sorted({1.0, self.GetDPIScaleFactor()})
            set_picture(self, wx.BitmapBundle.FromBitmaps([self._draw(scale) for scale in scales]))

    def _draw(self, scale: float) -> wx.Bitmap:
        size = wx.Size(round(self._width * scale), round(HEIGHT * scale))
        line, gap = max(1, round(2 * scale)), max(1, round(scale))
        bitmap = wx.Bitmap(size)
        canvas = wx.MemoryDC(bitmap)
        canvas.SetBackground(wx.Brush(self.GetParent().GetBackgroundColour()))
        canvas.Clear()
        for number, course in enumerate(self._cells):
            left = number * size.width // CELLS
            right = (number + 1) * size.width // CELLS - gap
            colour = wx.Colour(*_COLOURS[course])
            canvas.SetPen(wx.Pen(colour, line if course is ConnectionCourse.FAILED else 1))
            canvas.SetBrush(wx.Brush(colour))
            if course is ConnectionCourse.FAILED:
                top, bottom = line, size.height - line
                canvas.DrawLine(left + line, top, right - line, bottom)
                canvas.DrawLine(left + line, bottom, right - line, top)
                continue
            heights = {ConnectionCourse.CONNECTED: size.height, ConnectionCourse.ASSISTANCE: size.height // 2}
            height = heights.get(course, line)
            canvas.DrawRectangle(left, size.height - height, right - left, height)
        canvas.SelectObject(wx.NullBitmap)
        return bitmap
