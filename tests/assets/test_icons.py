"""The icons as they ship.

They are complete, as drawn, drawn for their size, visible on any taskbar, and distinct without colour.
"""

from __future__ import annotations

import io
import itertools
import math
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "src" / "iea_agent" / "shell" / "icons"
RENDERER = ROOT / "tools" / "render_icons.py"
PAGE = ROOT / "docs" / "icons.md"

STATES = ("ball-pale", "ball", "ball-heart", "beetle")
MARKS = ("tick", "barred", "refused", "stage-pending", "stage-skipped", "stage-unreached")
PNG_SIZES = (16, 20, 24, 32, 40, 48, 64)
ICO_SIZES = (*PNG_SIZES, 256)
LIGHT_TASKBARS = ("#ffffff", "#f3f3f3")
DARK_TASKBARS = ("#202020", "#1f1f1f", "#101010")

VISIBLE = 3.0
"""Contrast that a picture needs against what is beside it: WCAG 2.2, 1.4.11."""
OUTLINE = 0.85
"""Least share of an outline that stands out. The rest may be rows that only graze a curve, and on a white taskbar the
corners where the heart's white edge is crossed aslant."""
DISTINCT = 15.0
"""Least distance of two states in greys, in points of lightness. A paler ball, a red ball and a ball with a red dot are
7 to 12 from the ball, and a heart without its white edge 13: none of them would do."""
SEEN_APART = 20.0
"""Points of lightness between two pixels that a person tells apart at a glance."""
APART = 0.2
"""Least share of the pixels of two states, of those that either fills, that are told apart."""
SHINE = 25.0
"""Least points of lightness by which the shine of a ball is lighter than the ball."""
REDRAWN = 2.5
"""Least distance, in the same unit, of a small frame from the large one shrunk to its size. What really is shrunk, the 32
pixels from the 64, is less than 2 away."""

PAIRS = tuple(itertools.combinations(STATES, 2))


def shipped(name: str, size: int) -> Image.Image:
    """The .png of *name* that ships."""
    with Image.open(SHIPPED / f"{name}-{size}.png") as image:
        return image.convert("RGBA")


def frames(name: str) -> dict[int, bytes]:
    """What the .ico of *name* stores, by the size that its directory promises."""
    data = (SHIPPED / f"{name}.ico").read_bytes()
    reserved, kind, count = struct.unpack_from("<HHH", data)
    assert (reserved, kind) == (0, 1)
    stored = {}
    for index in range(count):
        width, height, colours, _, planes, bits, length, offset = struct.unpack_from(
            "<BBBBHHII", data, 6 + 16 * index
        )
        assert (height, colours, planes, bits) == (width, 0, 1, 32)
        assert offset + length <= len(data)
        stored[width or 256] = data[offset : offset + length]
    return stored


def luminances(picture: Image.Image, taskbar: str) -> list[list[float]]:
    """Return WCAG's relative luminance (0 to 1) of each pixel, row by row.

    *picture* lies on *taskbar*.
    """
    seen = Image.alpha_composite(Image.new("RGBA", picture.size, taskbar), picture).convert("RGB").tobytes()
    linear = [v / 255 / 12.92 if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in range(256)]
    values = [
        0.2126 * linear[seen[i]] + 0.7152 * linear[seen[i + 1]] + 0.0722 * linear[seen[i + 2]]
        for i in range(0, len(seen), 3)
    ]
    return [values[i : i + picture.width] for i in range(0, len(values), picture.width)]


def contrast(one: float, other: float) -> float:
    """WCAG's contrast of two luminances, 1 to 21."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def outline_seen(picture: Image.Image, taskbar: str) -> float:
    """The share of a picture's outline that stands out from *taskbar*.

    Each row and each column is walked from both ends up to the first pixel that is more picture than taskbar: those are
    the outline. It stands out there if that pixel, or one right behind it, has VISIBLE contrast with the
    taskbar. Right behind is one pixel in sixteen, and one more: the soft edge, or the white edge of the heart, which a
    white taskbar swallows without harm.
    """
    size = picture.width
    ground = luminances(Image.new("RGBA", (1, 1)), taskbar)[0][0]
    visible = [[contrast(value, ground) >= VISIBLE for value in row] for row in luminances(picture, taskbar)]
    alpha = picture.getchannel("A").tobytes()
    solid = [[value >= 128 for value in alpha[i : i + size]] for i in range(0, size * size, size)]
    reach = math.ceil(size / 10) + 1
    walks = []
    # zip(*rows) is a transposition
    for solids, visibles in ((solid, visible), (list(zip(*solid)), list(zip(*visible)))):  # noqa: B905
        for s, v in zip(solids, visibles, strict=True):
            walks += [(list(s), list(v)), (list(s)[::-1], list(v)[::-1])]
    met = [any(v[s.index(True) : s.index(True) + reach]) for s, v in walks if any(s)]
    return sum(met) / len(met)


def lightnesses(picture: Image.Image, taskbar: str) -> list[list[float]]:
    """Return CIE lightness L* (0 to 100) of each pixel on *taskbar*.

    That is what a picture shows to a person who sees no colours.
    """
    return [
        [116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y for y in row]
        for row in luminances(picture, taskbar)
    ]


def distance(one: Image.Image, other: Image.Image) -> float:
    """Return how different two pictures are in greys, in points of lightness.

    That is the root mean square of the differences. The second is tried in place and one pixel off in every direction, on a
    light and a dark taskbar; the least counts, so that neither a shift nor one lucky taskbar makes two pictures distinct.
    """
    size = one.width

    def moved(picture: Image.Image, right: int, down: int) -> Image.Image:
        wider = Image.new("RGBA", (size + 2, size + 2))
        wider.paste(picture, (1 + right, 1 + down))
        return wider

    distances = []
    for taskbar in ("#f3f3f3", "#202020"):
        first = list(itertools.chain(*lightnesses(moved(one, 0, 0), taskbar)))
        for right, down in itertools.product((-1, 0, 1), repeat=2):
            second = itertools.chain(*lightnesses(moved(other, right, down), taskbar))
            squares = sum((mine - yours) ** 2 for mine, yours in zip(first, second, strict=True))
            distances.append(math.sqrt(squares / size**2))
    return min(distances)


def share_apart(one: Image.Image, other: Image.Image) -> float:
    """Return the share of pixels that two pictures show apart in greys.

    Only pixels that one of the two fills are counted; the worse of a light and a dark taskbar counts.
    """
    filled = [
        max(alphas) >= 128
        for alphas in zip(*(picture.getchannel("A").tobytes() for picture in (one, other)), strict=True)
    ]
    shares: list[float] = []
    for taskbar in ("#f3f3f3", "#202020"):
        seen = [itertools.chain(*lightnesses(picture, taskbar)) for picture in (one, other)]
        apart = [abs(mine - yours) >= SEEN_APART for mine, yours in zip(*seen, strict=True)]
        shares.append(sum(a for a, f in zip(apart, filled, strict=True) if f) / sum(filled))
    return min(shares)


def pieces(pixels: set[tuple[int, int]]) -> list[set[tuple[int, int]]]:
    """Return the pieces of *pixels* that hang together, by sides or corners."""
    left, parts = set(pixels), []
    while left:
        part, edge = set[tuple[int, int]](), [left.pop()]
        while edge:
            x, y = edge.pop()
            part.add((x, y))
            near = {(x + across, y + down) for across in (-1, 0, 1) for down in (-1, 0, 1)} & left
            left -= near
            edge += near
        parts.append(part)
    return parts


def pixels_where(picture: Image.Image, fits: Callable[[int, int, int, int], bool]) -> set[tuple[int, int]]:
    """Return the places of the pixels whose red, green, blue and opacity *fits*."""
    data = picture.tobytes()
    return {
        (at % picture.width, at // picture.width)
        for at in range(picture.width * picture.height)
        if fits(*data[4 * at : 4 * at + 4])
    }


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the renderer's own comparison on *folder*."""
    command = [sys.executable, str(RENDERER), "--check", "--into", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


renders = pytest.mark.skipif(
    sys.platform == "win32", reason="checks sources: pictures are rendered where one develops"
)


@renders
def test_what_ships_is_what_the_drawings_render_to() -> None:
    result = check(SHIPPED)
    assert result.returncode == 0, result.stdout + result.stderr


@renders
def test_the_comparison_sees_a_changed_a_missing_and_a_stray_picture(tmp_path: Path) -> None:
    folder = tmp_path / "icons"
    folder.mkdir()
    for path in SHIPPED.iterdir():  # not shutil.copytree: Wine lacks the CopyFile2 that it calls on Windows
        (folder / path.name).write_bytes(path.read_bytes())
    touched = shipped("tick", 16)
    touched.putpixel((6, 11), (31, 140, 72, 255))
    touched.save(folder / "tick-16.png")
    (folder / "barred-20.png").unlink()
    (folder / "ball-20.png").rename(folder / "bowl-20.png")
    icon = bytearray((folder / "beetle.ico").read_bytes())
    blue_in_the_middle = icon.index(struct.pack("<Iii", 40, 16, 32)) + 40 + 4 * (16 * 8 + 8)
    icon[blue_in_the_middle] ^= 0x40
    (folder / "beetle.ico").write_bytes(icon)
    result = check(folder)
    assert result.returncode == 1
    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == [
        "ball-20.png",
        "barred-20.png",
        "beetle.ico",
        "bowl-20.png",
        "tick-16.png",
    ]


@pytest.mark.parametrize("name", STATES)
def test_an_icon_holds_every_size_in_the_form_windows_reads(name: str) -> None:
    stored = frames(name)
    assert tuple(stored) == ICO_SIZES
    for size, data in stored.items():
        if size == 256:
            with Image.open(io.BytesIO(data)) as image:
                assert (image.format, image.size, image.mode) == ("PNG", (256, 256), "RGBA")
            continue
        # BITMAPINFOHEADER: the height counts the picture and its mask; then BGRA from the bottom row up, then the mask.
        length, width, height, planes, bits, compression = struct.unpack_from("<IiiHHI", data)
        assert (length, width, height, planes, bits, compression) == (40, size, 2 * size, 1, 32, 0)
        mask_row = (size + 31) // 32 * 4
        assert len(data) == 40 + 4 * size * size + mask_row * size
        picture = Image.frombytes("RGBA", (size, size), data[40 : 40 + 4 * size * size], "raw", "BGRA", 0, -1)
        assert picture.tobytes() == shipped(name, size).tobytes()
        mask = Image.frombytes("1", (size, size), data[40 + 4 * size * size :], "raw", "1", mask_row, -1)
        see_through = [value == 0 for value in picture.getchannel("A").tobytes()]
        assert [value != 0 for value in mask.convert("L").tobytes()] == see_through


def test_every_picture_ships_at_every_size_and_fills_it() -> None:
    for name, size in itertools.product(STATES + MARKS, PNG_SIZES):
        picture = shipped(name, size)
        assert picture.size == (size, size)
        if name in STATES:
            left, top, right, bottom = (
                picture.getchannel("A").point(lambda alpha: 255 * (alpha >= 64)).getbbox() or (0,) * 4
            )
            assert max(right - left, bottom - top) >= 0.9 * size, f"{name} is too small in its {size} pixels"


@pytest.mark.parametrize("name", [*STATES, "tick", "barred", "refused"])
def test_small_frames_are_drawn_for_their_size(name: str) -> None:
    def from_shrunk(size: int) -> float:
        shrunk = shipped(name, 64).resize((size, size), Image.Resampling.LANCZOS)
        return distance(shipped(name, size), shrunk)

    for size in (16, 20, 24):
        assert from_shrunk(size) > REDRAWN, f"{name} at {size} is only the large one shrunk"
    assert from_shrunk(32) < REDRAWN, "the measure sees two drawings where there is one"


@pytest.mark.parametrize("taskbar", LIGHT_TASKBARS + DARK_TASKBARS)
@pytest.mark.parametrize("name", STATES + MARKS)
def test_the_outline_stands_out_on_every_taskbar(name: str, taskbar: str) -> None:
    for size in PNG_SIZES:
        assert outline_seen(shipped(name, size), taskbar) > OUTLINE, f"{name} at {size} on {taskbar}"


def test_the_outline_of_a_picture_of_the_taskbar_s_colour_is_not_seen() -> None:
    pale = Image.new("RGBA", (16, 16), "#e3f0fe")
    assert outline_seen(pale, "#ffffff") == 0
    assert outline_seen(pale, "#202020") == 1


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_no_two_states_look_alike_without_colour(pair: tuple[str, str]) -> None:
    one, other = pair
    for size in (16, 20, 24, 32):
        assert distance(shipped(one, size), shipped(other, size)) >= DISTINCT


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_a_large_part_of_two_states_differs_where_they_are_smallest(pair: tuple[str, str]) -> None:
    for size in (16, 20):
        one, other = (shipped(name, size) for name in pair)
        assert share_apart(one, other) >= APART, size
        assert share_apart(one, one) == 0


@pytest.mark.parametrize("size", [16, 20])
def test_a_small_beetle_has_four_thick_legs(size: int) -> None:
    solid = pixels_where(shipped("beetle", size), lambda *rgba: rgba[3] >= 128)
    left, right = min(x for x, _ in solid), max(x for x, _ in solid)
    thick = {
        (x, y)
        for x, y in solid
        for a in (-1, 1)
        for b in (-1, 1)
        if {(x + a, y), (x, y + b), (x + a, y + b)} <= solid
    }
    for outside in ({left, left + 1}, {right, right - 1}):
        legs = pieces({(x, y) for x, y in solid if x in outside})
        assert len(legs) == 2, "one upwards, one downwards"
        for leg in legs:
            assert len(leg - thick) <= 1, "no part of a leg but its tip is a single pixel wide"
            assert len(leg) >= 6


@pytest.mark.parametrize("size", [16, 20, 24])
def test_the_head_of_the_beetle_is_dark_in_a_red_edge(size: int) -> None:
    picture = shipped("beetle", size)
    red = pixels_where(picture, lambda r, g, b, a: a >= 128 and r >= 190 and g < 130 and b < 130)
    dark = pixels_where(picture, lambda r, g, b, a: a == 255 and r < 150 and g < 40 and b < 40)
    head = max(pieces({(x, y) for x, y in dark if y < 0.4 * size}), key=len)
    assert len(head) >= size * size / 20
    # the head is in the middle, and wider than it is high
    across, down = [x for x, _ in head], [y for _, y in head]
    assert abs(min(across) + max(across) - (min(x for x, _ in red) + max(x for x, _ in red))) <= 1
    assert max(across) - min(across) > max(down) - min(down)
    # on a dark taskbar the red around it shows where it ends
    for end in (min(across), max(across)):
        side = {(end + step, y) for step in (-2, -1, 1, 2) for y in down}
        assert side & red


@pytest.mark.parametrize("size", [16, 20, 24])
def test_the_small_heart_is_large_and_its_edge_thin(size: int) -> None:
    picture = shipped("ball-heart", size)
    heart = pixels_where(picture, lambda r, g, b, a: a >= 128 and r > 180 and max(g, b) < 110)
    white = pixels_where(picture, lambda r, g, b, a: a >= 128 and min(r, g, b) > 190)
    ball = pixels_where(picture, lambda r, g, b, a: a >= 128 and b > max(r, g) + 60)
    wide, high = (len({place[axis] for place in heart}) for axis in (0, 1))
    assert min(wide, high) >= size / 2
    assert len(heart) >= 0.19 * size**2
    assert len(ball) >= 0.28 * size**2, "the ball is still a ball"
    edge = {(x, y) for x, y in white if not (x < 0.45 * size > y)}
    assert len(edge) <= len(heart) / 2


@pytest.mark.parametrize("name", ["ball", "ball-heart"])
@pytest.mark.parametrize("size", [16, 20, 24, 32])
def test_a_ball_shines_in_its_upper_left(name: str, size: int) -> None:
    rows = lightnesses(shipped(name, size), "#808080")
    # away from the heart, whose edge is white
    corner = sorted(itertools.chain(*(row[: size * 2 // 5] for row in rows[: size * 2 // 5])))
    assert corner[-1] - corner[len(corner) // 2] >= SHINE


def recoloured(ball: Image.Image) -> Image.Image:
    """The ball in red instead of blue."""
    return Image.merge("RGBA", [ball.getchannel(band) for band in "BGRA"])


def paler(ball: Image.Image) -> Image.Image:
    """The ball a third of the way to white."""
    bands = [
        ball.getchannel(band).point([level + (255 - level) // 3 for level in range(256)]) for band in "RGB"
    ]
    return Image.merge("RGBA", [*bands, ball.getchannel("A")])


def dotted(ball: Image.Image) -> Image.Image:
    """The ball with a red dot in its corner: the picture of the agent's older sheets."""
    picture = ball.copy()
    ImageDraw.Draw(picture).ellipse((8, 8, 15, 15), fill="#d01f1f")
    return picture


@pytest.mark.parametrize("change", [recoloured, paler, dotted])
def test_colour_alone_makes_no_two_states_distinct(change: Callable[[Image.Image], Image.Image]) -> None:
    ball = shipped("ball", 16)
    assert distance(ball, change(ball)) < DISTINCT


def test_the_page_shows_the_distances_as_measured() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| ([0-9—| ]+) \|$", page, re.MULTILINE)
    cells_by_pair = {
        (name, other): cell.strip()
        for name, cells in rows
        for other, cell in zip(STATES, cells.split("|"), strict=True)
    }
    for one, other in itertools.product(STATES, repeat=2):
        measured = "—" if one == other else str(round(distance(shipped(one, 16), shipped(other, 16))))
        assert cells_by_pair[one, other] == measured, f"{one} and {other}"


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    @pytest.mark.parametrize("name", STATES)
    def test_windows_loads_each_size_as_it_was_drawn(name: str) -> None:
        """Load each frame with LoadImage, which the notification area gets unchanged."""

        class Bitmap(ctypes.Structure):
            _fields_ = (
                ("type", wintypes.LONG),
                ("width", wintypes.LONG),
                ("height", wintypes.LONG),
                ("row", wintypes.LONG),
                ("planes", wintypes.WORD),
                ("bits", wintypes.WORD),
                ("data", ctypes.c_void_p),
            )

        class IconInfo(ctypes.Structure):
            _fields_ = (
                ("icon", wintypes.BOOL),
                ("x", wintypes.DWORD),
                ("y", wintypes.DWORD),
                ("mask", ctypes.c_void_p),
                ("colour", ctypes.c_void_p),
            )

        user32 = ctypes.WinDLL("user32", use_last_error=True)
        gdi32 = ctypes.WinDLL("gdi32", use_last_error=True)
        user32.LoadImageW.restype = ctypes.c_void_p
        user32.LoadImageW.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR, *(wintypes.UINT,) * 4)
        user32.GetIconInfo.argtypes = (ctypes.c_void_p, ctypes.POINTER(IconInfo))
        user32.DestroyIcon.argtypes = (ctypes.c_void_p,)
        gdi32.GetObjectW.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
        gdi32.GetBitmapBits.argtypes = (ctypes.c_void_p, wintypes.LONG, ctypes.c_void_p)
        gdi32.DeleteObject.argtypes = (ctypes.c_void_p,)
        image_icon, load_from_file = 1, 0x10
        for size in PNG_SIZES:
            handle = user32.LoadImageW(
                None, str(SHIPPED / f"{name}.ico"), image_icon, size, size, load_from_file
            )
            assert handle, ctypes.get_last_error()
            info, bitmap = IconInfo(), Bitmap()
            assert user32.GetIconInfo(handle, ctypes.byref(info))
            assert gdi32.GetObjectW(info.colour, ctypes.sizeof(bitmap), ctypes.byref(bitmap))
            assert (bitmap.width, bitmap.height, bitmap.bits) == (size, size, 32)
            pixels = ctypes.create_string_buffer(4 * size * size)
            assert gdi32.GetBitmapBits(info.colour, len(pixels), pixels) == len(pixels)
            loaded = Image.frombytes("RGBA", (size, size), pixels.raw, "raw", "BGRA").convert("RGBa")
            assert loaded.tobytes() == shipped(name, size).convert("RGBa").tobytes(), f"{name} at {size}"
            for piece in (info.mask, info.colour):
                gdi32.DeleteObject(piece)
            user32.DestroyIcon(handle)
