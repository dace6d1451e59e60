"""Render the drawings of assets/icons into the .ico and .png files that ship."""

from __future__ import annotations

import argparse
import io
import struct
import sys
from pathlib import Path

import resvg_py
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
DRAWINGS = ROOT / "assets" / "icons"
SHIPPED = ROOT / "src" / "iea_agent" / "shell" / "icons"

STATES = ("ball", "ball-pale", "ball-heart", "beetle")
"""Pictures of the notification area: one .ico each, and the .png files."""
MARKS = ("tick", "barred", "refused", "stage-pending", "stage-skipped", "stage-unreached")
"""Pictures of the dialogs: .png files only."""

PNG_SIZES = (16, 20, 24, 32, 40, 48, 64)
ICO_SIZES = (*PNG_SIZES, 256)
TOLERANCE = 2
"""Levels out of 255 by which a pixel may differ in --check: another processor may round another way."""


def find_drawing(name: str, size: int) -> Path:
    """Return the SVG that *name* is drawn from at *size* pixels.

    ``beetle.16.svg`` is drawn for 16 pixels and serves until the next larger drawing; ``beetle.svg`` is the full
    drawing and serves from 32 pixels up.
    """
    made_for = [int(path.suffixes[0][1:]) for path in DRAWINGS.glob(f"{name}.*.svg")]
    fitting = [made for made in made_for if made <= size < 32]
    return DRAWINGS / (f"{name}.{max(fitting)}.svg" if fitting else f"{name}.svg")


def render_png(name: str, size: int) -> bytes:
    """Return *name* at *size* × *size* pixels, as a PNG.

    It uses no font of the system, so that the bytes are the same everywhere.
    """
    drawing = find_drawing(name, size).read_text(encoding="utf-8")
    return resvg_py.svg_to_bytes(svg_string=drawing, width=size, height=size, skip_system_fonts=True)


def pack_dib(image: Image.Image) -> bytes:
    """Return *image* as an icon's bitmap.

    That is 32-bit BGRA, bottom row first, then the one-bit mask of transparent pixels.
    """
    width, height = image.size
    header = struct.pack("<IiiHHIIiiII", 40, width, 2 * height, 1, 32, 0, 0, 0, 0, 0, 0)
    colours = image.tobytes("raw", "BGRA", 0, -1)
    see_through = (
        image.getchannel("A")
        .point(lambda alpha: 255 if alpha == 0 else 0)
        .convert("1", dither=Image.Dither.NONE)
    )
    rows = see_through.tobytes("raw", "1", (width + 31) // 32 * 4, -1)
    return header + colours + rows


def pack_ico(name: str) -> bytes:
    """Return the multi-size icon of *name*.

    Small sizes are bitmaps, which every LoadImage reads; 256 is a PNG, which weighs less.
    """
    frames = [(size, render_png(name, size)) for size in ICO_SIZES]
    stored = [(size, data if size == 256 else pack_dib(open_png(data))) for size, data in frames]
    directory = struct.pack("<HHH", 0, 1, len(stored))
    offset = len(directory) + 16 * len(stored)
    for size, data in stored:
        directory += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(data), offset)
        offset += len(data)
    return directory + b"".join(data for _, data in stored)


def open_png(data: bytes) -> Image.Image:
    """Return the pixels of a PNG, with their transparency."""
    return Image.open(io.BytesIO(data)).convert("RGBA")


def render_all() -> dict[str, bytes]:
    """Return every file that ships, by name."""
    files = {f"{name}-{size}.png": render_png(name, size) for name in STATES + MARKS for size in PNG_SIZES}
    return files | {f"{name}.ico": pack_ico(name) for name in STATES}


def read_frames(data: bytes) -> list[tuple[bool, Image.Image]]:
    """Return the pictures in a .png or .ico, each with whether it is stored as PNG."""
    if data.startswith(b"\x89PNG"):
        return [(True, open_png(data))]
    pictures = []
    for index in range(struct.unpack_from("<H", data, 4)[0]):
        length, offset = struct.unpack_from("<II", data, 6 + 16 * index + 8)
        stored = data[offset : offset + length]
        if stored.startswith(b"\x89PNG"):
            pictures.append((True, open_png(stored)))
        else:
            width = struct.unpack_from("<i", stored, 4)[0]
            pictures.append(
                (False, Image.frombytes("RGBA", (width, width), stored[40:], "raw", "BGRA", 0, -1))
            )
    return pictures


def same_pictures(one: bytes, other: bytes) -> bool:
    """Return whether two files hold the same pictures, up to ``TOLERANCE``."""
    if one == other:
        return True
    ours, theirs = read_frames(one), read_frames(other)
    if [(kind, image.size) for kind, image in ours] != [(kind, image.size) for kind, image in theirs]:
        return False
    for (_, mine), (_, yours) in zip(ours, theirs, strict=True):
        # compared premultiplied: the colour of a transparent pixel does not matter
        levels = zip(mine.convert("RGBa").tobytes(), yours.convert("RGBa").tobytes(), strict=True)
        if any(abs(level - other_level) > TOLERANCE for level, other_level in levels):
            return False
    return True


def list_differences(folder: Path) -> list[str]:
    """Return a sentence for each file in *folder* that differs from its drawing."""
    expected = render_all()
    present = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".ico", ".png"}}
    differences = [f"{name}: missing" for name in expected.keys() - present.keys()]
    differences += [f"{name}: rendered from no drawing" for name in present.keys() - expected.keys()]
    differences += [
        f"{name}: not what its drawing renders to"
        for name in expected.keys() & present.keys()
        if not same_pictures(expected[name], present[name])
    ]
    return sorted(differences)


def main() -> int:
    """Render, or with ``--check`` compare; return 1 if a file differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if a file differs from its drawing"
    )
    parser.add_argument("--into", type=Path, default=SHIPPED, metavar="FOLDER", help="default: %(default)s")
    arguments = parser.parse_args()
    if arguments.check:
        differences = list_differences(arguments.into)
        print("\n".join(differences) or "icons: as drawn")
        return 1 if differences else 0
    arguments.into.mkdir(parents=True, exist_ok=True)
    for name, data in render_all().items():
        (arguments.into / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
