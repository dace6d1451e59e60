"""The setup's two pictures, drawn from the agent's own icons."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from installer.commands import ICONS

SIDE_SIZE = (328, 628)
"""Twice the 164 × 314 pixels of NSIS, for screens of high resolution."""
DAY, NIGHT = (232, 241, 252), (178, 208, 244)
BAR, INK = (243, 243, 243), (60, 60, 60)


def draw_side(file: Path) -> None:
    """Draw what stands beside the first and the last page: the ball in a light sky, and the taskbar below."""
    across, down = SIDE_SIZE
    picture = _shade(SIDE_SIZE)
    ball = _load("ball", 200)
    picture.paste(ball, ((across - 200) // 2, 120), ball)
    for place, name in enumerate(("ball-pale", "ball", "ball-heart", "beetle")):
        icon = _load(name, 48)
        picture.paste(icon, (44 + place * 64, 430), icon)
    picture.save(file)
    assert picture.size == (across, down)


def draw_place(file: Path) -> None:
    """Draw the place of the icon: the arrow, what it opens, and the way to the clock."""
    picture = _shade((656, 200))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 140, 656, 200), fill=BAR)
    draw.rounded_rectangle((250, 20, 450, 120), 12, fill=BAR, outline=(200, 200, 200), width=2)
    icon = _load("ball", 48)
    picture.paste(icon, (326, 46), icon)
    draw.line((334, 176, 348, 162, 362, 176), fill=INK, width=5, joint="curve")
    draw.line((390, 70, 480, 70, 480, 150), fill=(0, 95, 184), width=6, joint="curve")
    draw.polygon(((464, 146), (496, 146), (480, 168)), fill=(0, 95, 184))
    picture.save(file)


def _shade(size: tuple[int, int]) -> Image.Image:
    """Return a picture that darkens from top to bottom."""
    picture = Image.new("RGB", size)
    draw = ImageDraw.Draw(picture)
    for line in range(size[1]):
        share = line / size[1]
        colour = tuple(round(high + (low - high) * share) for high, low in zip(DAY, NIGHT, strict=True))
        draw.line((0, line, size[0], line), fill=colour)
    return picture


def _load(name: str, size: int) -> Image.Image:
    with Image.open(ICONS / f"{name}.ico") as icon:
        icon.size = (256, 256)  # type: ignore[misc]  # Pillow chooses a frame so
        return icon.convert("RGBA").resize((size, size), Image.Resampling.LANCZOS)
