"""Measure the installed program beside others, and write the table.

``make bench`` runs it. Each figure stands beside a floor, which nothing can go below, and a peer.

Runs in the Linux Python. Each part is measured alone, and its readings are kept in ``build/bench.json``, so that the parts can be made one by one on a busy
machine: ``python -m rig bench --only icon,memory``. With ``--write`` it makes the program's part of ``docs/benchmarks.md``, and its chart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import iea_agent
from installer.build import build_program, build_setup
from rig.build import BUILD, ROOT, wine_version
from rig.fleet_report import PAGE, replace_section
from rig.installed_program import LAID_OUT, VARIABLE
from rig.measure import measure_desktop, measure_endurance, measure_update
from rig.server_tests import Readings, measure_server_tests
from rig.update_figures import measure_updates

PARTS = ("size", "server", "download", "icon", "memory", "dialog", "change", "update", "endurance", "idle")
ON_ONE_DESKTOP = frozenset({"icon", "memory", "dialog", "change", "idle"})
RESULTS = BUILD / "bench.json"
CHART = ROOT / "docs" / "pictures" / "bench.svg"
MARK = "program"


class Comparison(NamedTuple):
    """One comparison: what, in which unit, and the names of the readings."""

    what: str
    unit: str
    agent: str
    floor: str
    floor_name: str
    peer: str
    peer_name: str
    goal: float | None = None
    """The ratio to the peer that is promised."""


SCRIPT, SAME_JOB = "pystray + Pillow", "the same job"
ROWS = (
    Comparison("start to icon", "s", "agent icon", "native icon", "icon in C", "same_job icon", SAME_JOB, 0.5),
    Comparison("start to icon", "s", "agent icon", "native icon", "icon in C", "pillow icon", SCRIPT, 0.5),
    Comparison("private memory", "MB", "agent memory", "pillow memory", SCRIPT, "same_job memory", SAME_JOB, 0.65),
    Comparison(
        "private memory without code", "MB", "agent memory without code", "pillow memory without code", SCRIPT,
        "same_job memory without code", SAME_JOB, 0.65,
    ),
    Comparison("processor in 10 idle minutes", "s", "agent processor", "", "", "same_job processor", SAME_JOB),
    Comparison("wake-ups of all threads a minute, idle", "", "agent wake-ups", "", "", "same_job wake-ups", SAME_JOB),
    Comparison("settings window after the click, at once", "s", "agent dialog", "", "", "bare dialog", "bare wxPython dialog"),
    Comparison(
        "settings window after the click, once the menu was read", "s", "agent dialog after reading", "", "",
        "bare dialog", "bare wxPython dialog",
    ),
    Comparison("test of both servers, on this machine", "ms", "test 0 ms", "", "", "curl 0 ms", "curl --parallel"),
    Comparison("test of both servers, 50 ms away", "ms", "test 50 ms", "", "", "curl 50 ms", "curl --parallel", 0.8),
    Comparison("download of 200 MiB over TLS, verified", "s", "download", "", "", "curl download", "curl, sha256sum", 0.9),
    Comparison("change of state to icon", "s", "agent change", "", "", "script change", SCRIPT),
)  # fmt: skip


class Limit(NamedTuple):
    """Something that has a limit of its own, not beside another program."""

    what: str
    unit: str
    name: str
    most: float


LIMITS = (
    Limit("setup", "MB", "setup", 16.0),
    Limit("installed", "MB", "installed", 55.0),
    Limit("change of state to icon", "s", "agent change", 0.5),
    Limit("update of a running agent: without an icon", "s", "update without icon", 3.0),
    Limit("processor in 10 idle minutes", "s", "agent processor", 0.1),
    Limit("memory of a download, over the idle process", "MB", "download memory", 2.0),
    Limit("check for updates that finds nothing new: round trips", "", "check round trips", 4.0),
    Limit("second PC of a site: of the first one's bytes", "%", "bytes of a second PC", 1.0),
)
STOCK = ("before the changes", "after the changes", "before the year", "after the year")


def measure_sizes(program: Path = LAID_OUT) -> Readings:
    """Return the sizes of the setup, made if out of date, and of the program in MB."""
    setup = build_setup(build_program())
    installed = sum(file.stat().st_size for file in program.rglob("*") if file.is_file())
    return {"setup": [setup.stat().st_size / 1e6], "installed": [installed / 1e6]}


def measure(parts: Sequence[str], runs: int, minutes: float) -> Readings:
    """Return the readings of *parts*."""
    readings: Readings = {}
    if "size" in parts:
        readings |= measure_sizes()
    if "server" in parts:
        readings |= measure_server_tests(2 * runs)
    if "download" in parts:
        readings |= measure_updates(runs)
    if ON_ONE_DESKTOP & set(parts):
        readings |= measure_desktop(runs, parts, minutes)
    if "update" in parts:
        readings |= measure_update(runs)
    if "endurance" in parts:
        readings |= measure_endurance()
    return readings


# The page


def middle(readings: Mapping[str, Sequence[float]], name: str) -> float | None:
    """Return the median of the readings *name*, None if it was not measured."""
    return statistics.median(readings[name]) if readings.get(name) else None


def format_value(value: float | None, unit: str) -> str:
    """Return *value* for a table."""
    if value is None:
        return "–"
    digits = 0 if unit in ("ms", "") else 1 if unit == "MB" else 2
    return f"{value:.{digits}f} {unit}".rstrip()


def format_row(row: Comparison, readings: Mapping[str, Sequence[float]]) -> str:
    """Return *row* as a line of the table."""
    ours, floor, peer = (middle(readings, name) for name in (row.agent, row.floor, row.peer))
    times = f"{ours / floor:.2f}" if ours is not None and floor else "–"
    ratio = f"**{ours / peer:.2f}**" if ours is not None and peer else "–"
    beside = f"{format_value(floor, row.unit)} ({row.floor_name})" if row.floor else "–"
    goal = f"≤ {row.goal}" if row.goal else ""
    cells = (row.what, format_value(ours, row.unit), beside, times, f"{format_value(peer, row.unit)} ({row.peer_name})", ratio, goal)  # fmt: skip
    return f"| {' | '.join(cells)} |"


def render_section(readings: Mapping[str, Sequence[float]]) -> str:
    """Return the generated part of the page."""
    limits = [
        f"| {limit.what} | {format_value(middle(readings, limit.name), limit.unit)} | ≤ {f'{limit.most:g} {limit.unit}'.rstrip()} |"
        for limit in LIMITS
    ]
    stock = [
        f"| {name} | {format_value(middle(readings, f'{name}, memory_mb'), 'MB')} | {format_value(middle(readings, f'{name}, graphic_objects'), '')} |"
        for name in STOCK
    ]
    runs = len(readings.get("agent icon", ()))
    minutes = middle(readings, "idle minutes") or 0
    made = {name: middle(readings, name) or 0 for name in ("changes", "days", "attempts, attempts")}
    return "\n".join(
        [
            f"Version {iea_agent.__version__}, Wine {wine_version()} on Linux; medians of {runs} runs; idle for {minutes:g} minutes.",
            "",
            "| what | agent | floor | of the floor | peer | of the peer | goal |",
            "|---|---|---|---|---|---|---|",
            *(format_row(row, readings) for row in ROWS),
            "",
            "![The agent as a part of its peers](pictures/bench.svg)",
            "",
            "| what | measured | limit |",
            "|---|---|---|",
            *limits,
            "",
            f"{made['changes']:,.0f} changes of state, each painted, and then {made['days']:.0f} days on a driven clock with "
            f"{made['attempts, attempts']:,.0f} attempts and an outage of an hour every ten days:",
            "",
            "| when | private memory | graphic objects |",
            "|---|---|---|",
            *stock,
            "",
        ]
    )


# The chart

LEFT, WIDTH, LINE, TOP, MOST = 400, 420, 30, 56, 1.5


def draw_chart(readings: Mapping[str, Sequence[float]]) -> str:
    """Return the ratios to the peers as SVG: a bar each, and a mark at its goal."""
    rows = [(row, ours / peer) for row in ROWS if (ours := middle(readings, row.agent)) is not None and (peer := middle(readings, row.peer))]  # fmt: skip
    height = TOP + LINE * len(rows) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 70} {height}" font-family="sans-serif" font-size="13">',
        "<title>The agent as a part of its peers: shorter is better</title>",
        f'<rect width="100%" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="18" font-weight="bold">The agent as a part of its peers (1 is equal; ◆ is the goal)</text>',
    ]
    for mark in (0, 0.5, 1, 1.5):
        x = LEFT + WIDTH * mark / MOST
        parts.append(f'<line x1="{x:.0f}" x2="{x:.0f}" y1="{TOP - 8}" y2="{height - 12}" stroke="#dddddd"/>')
        parts.append(f'<text x="{x:.0f}" y="{TOP - 14}" text-anchor="middle">{mark:g}</text>')
    for number, (row, ratio) in enumerate(rows):
        y = TOP + LINE * number
        length = WIDTH * min(ratio, MOST) / MOST
        colour = "#c0392b" if row.goal and ratio > row.goal else "#1b6e3c"
        label = f"{row.what} / {row.peer_name}"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end" font-size="12">{escape(label)}</text>')  # fmt: skip
        parts.append(f'<rect x="{LEFT}" y="{y + 2}" width="{length:.0f}" height="18" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + length + 10:.0f}" y="{y + 16}">{ratio:.2f}</text>')
        if row.goal:
            parts.append(f'<text x="{LEFT + WIDTH * row.goal / MOST:.0f}" y="{y + 16}" text-anchor="middle" fill="#000000">◆</text>')  # fmt: skip
    return "\n".join([*parts, "</svg>\n"])


def write(readings: Mapping[str, Sequence[float]]) -> None:
    """Write the section and the chart."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replace_section(page, MARK, render_section(readings)), encoding="utf-8")
    CHART.write_text(draw_chart(readings), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Parse *arguments*, measure, keep the readings and print the table."""
    parser = argparse.ArgumentParser(prog="python -m rig bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--idle", type=float, default=10.0, metavar="MINUTES")
    parser.add_argument("--only", default=",".join(PARTS), metavar="PARTS", help="some of %(default)s")
    parser.add_argument("--write", action="store_true", help="write the part of docs/benchmarks.md")
    options = parser.parse_args(arguments)
    parts = [part for part in options.only.split(",") if part]
    if unknown := set(parts) - set(PARTS):
        parser.error(f"unknown: {', '.join(unknown)}")
    if os.environ.get(VARIABLE, "") == "" and ON_ONE_DESKTOP & set(parts):
        parser.error(f"{VARIABLE} names no installed program: make bench sets it")
    measured = measure(parts, options.runs, options.idle)
    # read after it: another part may have been measured meanwhile
    readings: Readings = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    readings |= measured
    RESULTS.write_text(json.dumps(readings, indent=1))
    print(render_section(readings))
    if options.write:
        write(readings)
    return 0
