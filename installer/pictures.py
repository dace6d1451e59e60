"""The setup's two pictures, drawn from the agent's own icons."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from installer.commands import ICONS

SIDE_SIZE, PLACE_SIZE = (164, 314), (293, 98)
"""What NSIS shows at 100 %. It scales with its own coarse means, so larger pictures would look worse there."""
DAY, NIGHT = (232, 241, 252), (178, 208, 244)
BAR, INK, ARROW = (243, 243, 243), (60, 60, 60), (0, 95, 184)


def draw_side(file: Path) -> None:
    """Draw what stands beside the first and the last page: the ball in a light sky, and the taskbar below."""
    picture = _shade(SIDE_SIZE)
    ball = _load("ball", 96)
    picture.paste(ball, ((SIDE_SIZE[0] - 96) // 2, 64), ball)
    for place, name in enumerate(("ball-pale", "ball", "ball-heart", "beetle")):
        icon = _load(name, 24)
        picture.paste(icon, (22 + place * 32, 215), icon)
    picture.save(file)


def draw_place(file: Path) -> None:
    """Draw the place of the icon: the arrow, what it opens, and the way to the clock."""
    # drawn four times as large, so that the lines get smooth edges
    across, down = PLACE_SIZE
    picture = _shade((across * 4, down * 4))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 272, across * 4, down * 4), fill=BAR)
    draw.rounded_rectangle((440, 32, 720, 216), 24, fill=BAR, outline=(190, 190, 190), width=4)
    draw.line((556, 346, 580, 322, 604, 346), fill=INK, width=10, joint="curve")
    draw.line((640, 124, 800, 124, 800, 284), fill=ARROW, width=12, joint="curve")
    draw.polygon(((772, 280), (828, 280), (800, 316)), fill=ARROW)
    for line in (310, 346):
        draw.rectangle((900, line - 6, 1080, line + 6), fill=INK)
    picture = picture.resize(PLACE_SIZE, Image.Resampling.LANCZOS)
    icon = _load("ball", 24)
    picture.paste(icon, (133, 19), icon)
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
