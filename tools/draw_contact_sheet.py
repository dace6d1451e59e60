"""Draw docs/pictures/icons.png: every icon at every size, on every taskbar."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "src" / "iea_agent" / "shell" / "icons"
SHEET = ROOT / "docs" / "pictures" / "icons.png"

STATES = ("ball-pale", "ball", "ball-heart", "beetle")
MARKS = ("tick", "barred", "refused", "stage-pending", "stage-skipped", "stage-unreached")
SIZES = (64, 48, 40, 32, 24, 20, 16)
LIGHT, DARK, BLACK = "#f3f3f3", "#202020", "#101010"
INK, PAPER = "#30343b", "#ffffff"
WIDTH = 1504
LABEL = 130
MARGIN = 24


def open_icon(name: str, size: int) -> Image.Image:
    """Return the icon as it ships."""
    with Image.open(SHIPPED / f"{name}-{size}.png") as image:
        return image.convert("RGBA")


def lay_on(colour: str, picture: Image.Image, *, grey: bool = False) -> Image.Image:
    """Return *picture* on a plain *colour*, in greys if asked."""
    laid = Image.alpha_composite(Image.new("RGBA", picture.size, colour), picture)
    return laid.convert("L").convert("RGB") if grey else laid.convert("RGB")


def draw_row(name: str) -> Image.Image:
    """Return one icon at every size, side by side on a transparent ground."""
    strip = Image.new("RGBA", (sum(SIZES) + 10 * (len(SIZES) + 1), 76))
    x = 10
    for size in SIZES:
        strip.alpha_composite(open_icon(name, size), (x, (76 - size) // 2))
        x += size + 10
    return strip


def place_side_by_side(pictures: Iterable[Image.Image], gap: int, ground: str = PAPER) -> Image.Image:
    """Return the pictures side by side."""
    row = list(pictures)
    width = sum(picture.width for picture in row) + gap * (len(row) - 1)
    strip = Image.new("RGB", (width, max(picture.height for picture in row)), ground)
    x = 0
    for picture in row:
        strip.paste(picture, (x, 0))
        x += picture.width + gap
    return strip


def enlarge(colour: str, size: int, *, grey: bool = False) -> Image.Image:
    """Return the four states at *size* pixels, each pixel drawn large."""
    times = 150 // size
    states = (lay_on(colour, open_icon(name, size), grey=grey) for name in STATES)
    return place_side_by_side(
        (p.resize((size * times, size * times), Image.Resampling.NEAREST) for p in states), 6
    )


def draw_taskbar(colour: str, ink: str, scale: float, names: Iterable[str]) -> Image.Image:
    """Return the corner of a taskbar of 48 points with the clock.

    *scale* 1.0 is 100 %.
    """

    def px(points: float) -> int:
        return round(points * scale)

    bar = Image.new("RGBA", (px(300), px(48)), colour)
    pen = ImageDraw.Draw(bar)
    font = ImageFont.load_default(px(12))
    x = px(14)
    pen.line([(x, px(26)), (x + px(5), px(21)), (x + px(10), px(26))], fill=ink, width=max(1, px(1.2)))
    x += px(26)
    for name in names:
        size = px(16)
        bar.alpha_composite(open_icon(name, size), (x, (bar.height - size) // 2))
        x += px(32)
    pen.text((bar.width - px(14), px(8)), "10:42", font=font, fill=ink, anchor="ra")
    pen.text((bar.width - px(14), px(26)), "15/04/2026", font=font, fill=ink, anchor="ra")
    return bar.convert("RGB")


def draw_sheet() -> Image.Image:
    """Return the whole contact sheet."""
    page = Image.new("RGB", (WIDTH, 4000), PAPER)
    pen = ImageDraw.Draw(page)
    y = MARGIN

    def title(text: str) -> None:
        nonlocal y
        pen.text((MARGIN, y), text, font=ImageFont.load_default(17), fill=INK)
        y += 30

    def line(picture: Image.Image, label: str = "", gap: int = 6) -> None:
        nonlocal y
        pen.text(
            (MARGIN, y + picture.height // 2), label, font=ImageFont.load_default(13), fill=INK, anchor="lm"
        )
        page.paste(picture, (MARGIN + LABEL, y))
        y += picture.height + gap

    title("Every size, on a light and on a dark taskbar, in colour and in greys")
    for name in (*STATES, *MARKS):
        line(
            place_side_by_side(
                (
                    lay_on(ground, draw_row(name), grey=grey)
                    for grey in (False, True)
                    for ground in (LIGHT, DARK)
                ),
                10,
            ),
            name,
            0,
        )
    y += 18
    for size, scaling in ((16, "100 %"), (20, "125 %"), (24, "150 %")):
        title(f"{size} pixels ({scaling}), each pixel enlarged as it is")
        for label, grey in (("in colour", False), ("in greys", True)):
            line(
                place_side_by_side((enlarge(ground, size, grey=grey) for ground in (LIGHT, DARK)), 16), label
            )
        y += 12
    title("In place, at 100 % and at 150 %")
    for label, ground, ink in (
        ("Windows 11, light", LIGHT, "#1b1b1b"),
        ("dark", DARK, PAPER),
        ("Windows 10", BLACK, PAPER),
    ):
        line(
            place_side_by_side((draw_taskbar(ground, ink, scale, STATES) for scale in (1.0, 1.5)), 16), label
        )
    return page.crop((0, 0, WIDTH, y + MARGIN - 6))


if __name__ == "__main__":
    SHEET.parent.mkdir(parents=True, exist_ok=True)
    draw_sheet().save(SHEET, optimize=True)
    sys.exit(0)
