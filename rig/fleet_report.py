"""Writes the fleet's part of ``docs/benchmarks.md``, and its chart."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from html import escape

from rig.build import ROOT
from rig.fleet import HEAD, OPTIMUM, Course, Policy, format_row, list_policies

PAGE = ROOT / "docs" / "benchmarks.md"
CHART = ROOT / "docs" / "pictures" / "fleet.svg"
MARK = "fleet"
SIZES = (1_000, 10_000, 100_000)
CHARTED = 10_000
"""The size of the fleet in the chart; the others look the same."""
SERVERS = (20.0, 50.0, 100.0)
"""Sign-ins a second of the servers in the table on sizing, for a fleet of ``CHARTED``."""

Courses = Mapping[tuple[int, float], Mapping[str, Course]]
"""The course of each policy, by the size of the fleet and the capacity of its server."""

# The chart

WIDTH, HEIGHT, LEFT, TOP, GAP = 720, 200, 56, 34, 62
SECONDS = 720
MOST_LOAD = 8.0
COLOURS = ("#1b6e3c", "#7bb661", "#c0392b", "#2b6cb0", "#8e44ad")
DASHES = ("", "7 4", "2 3", "9 3 2 3", "4 2")


def draw_chart(courses: Mapping[str, Course]) -> str:
    """Return the chart of *courses* as SVG: who is back, and what the server is asked."""
    height = 2 * HEIGHT + 2 * TOP + GAP + 22 * len(courses)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + LEFT + 20} {height}" font-family="sans-serif" font-size="13">',
        "<title>A fleet after an outage: PCs that are back, and the load of the server</title>",
        f'<rect width="100%" height="{height}" fill="#ffffff"/>',
        *_draw_axes(TOP, "PCs that are connected again, %", [0, 25, 50, 75, 100], 100),
        *_draw_axes(TOP + HEIGHT + GAP, "sign-ins a second / capacity", [0, 1, 2, 4, 6, 8], MOST_LOAD),
    ]
    for number, (name, course) in enumerate(courses.items()):
        style = f'fill="none" stroke="{COLOURS[number]}" stroke-width="2" stroke-dasharray="{DASHES[number]}"'
        lines = ((TOP, _share_back(course), 100.0), (TOP + HEIGHT + GAP, _load(course), MOST_LOAD))
        for top, values, most in lines:
            points = " ".join(
                f"{LEFT + second * WIDTH / SECONDS:.0f},{top + HEIGHT * (1 - min(value / most, 1)):.1f}"
                for second, value in enumerate(values)
                if second % 4 == 0
            )
            parts.append(f'<polyline {style} points="{points}"/>')
        y = 2 * HEIGHT + TOP + GAP + 52 + 22 * number
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + 44}" y1="{y - 4}" y2="{y - 4}" {style}/>')
        parts.append(f'<text x="{LEFT + 54}" y="{y}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _share_back(course: Course) -> Iterator[float]:
    still = course.agents - len(course.returns)
    returned = 0
    for second in range(SECONDS + 1):
        while returned < len(course.returns) and course.returns[returned] <= second:
            returned += 1
        yield (still + returned) / course.agents * 100


def _load(course: Course) -> Iterator[float]:
    """Yield the load of each second, as the mean of four."""
    for second in range(SECONDS + 1):
        some = course.loads[second : second + 4]
        yield sum(some) / max(len(some), 1) / course.capacity


def _draw_axes(top: int, title: str, marks: list[int], most: float) -> Iterator[str]:
    yield f'<text x="{LEFT}" y="{top - 12}" font-weight="bold">{title}</text>'
    for mark in marks:
        y = top + HEIGHT * (1 - mark / most)
        yield f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.0f}" y2="{y:.0f}" stroke="#dddddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{mark}</text>'
    for minute in range(0, SECONDS // 60 + 1, 2):
        x = LEFT + minute * 60 * WIDTH / SECONDS
        yield f'<text x="{x:.0f}" y="{top + HEIGHT + 18}" text-anchor="middle">{minute} min</text>'


# The page


def split_page(page: str, mark: str) -> tuple[str, str, str]:
    """Return what stands before the part *mark* of *page*, that part, and the rest."""
    before, begin, rest = page.partition(f"<!-- begin: {mark} -->\n")
    section, end, after = rest.partition(f"<!-- end: {mark} -->\n")
    return before + begin, section, end + after


def replace_section(page: str, mark: str, section: str) -> str:
    """Return *page* with another generated part *mark*."""
    before, _, after = split_page(page, mark)
    return f"{before}\n{section}\n{after}"


def render_section(courses: Courses, policies: tuple[Policy, ...]) -> str:
    """Return the generated part of the page."""
    sizes = [key for key in courses if key[1] == key[0] / OPTIMUM]
    rows = [format_row(name, course) for key in sizes for name, course in courses[key].items()]
    sizing = [
        format_row(name, course)
        for key in courses
        if key[0] == CHARTED
        for name, course in courses[key].items()
        if name == "IEA Agent, tokens of an hour"
    ]
    sources = [f"- **{policy.name}**: {policy.source}." for policy in policies if policy.source]
    return "\n".join(
        [
            "A server that is away for ten minutes and then takes so many sign-ins a second that the optimum, one sign-in of each PC without a gap, is 200 s:",
            "",
            *HEAD,
            *rows,
            "",
            "![PCs that are back and load of the server after the outage](pictures/fleet.svg)",
            "",
            f"The same fleet of {CHARTED:,} PCs with servers of other strength:",
            "",
            *HEAD,
            *sizing,
            "",
            "What the others do, as their sources say:",
            "",
            *sources,
            "",
        ]
    )


def run_all() -> dict[tuple[int, float], dict[str, Course]]:
    """Run every course of the page; a few minutes."""
    policies = list_policies()
    courses: dict[tuple[int, float], dict[str, Course]] = {}
    for agents, capacity in (
        *((size, size / OPTIMUM) for size in SIZES),
        *((CHARTED, each) for each in SERVERS),
    ):
        if (agents, capacity) not in courses:
            wanted = policies if capacity == agents / OPTIMUM else policies[:1]
            courses[agents, capacity] = {each.name: each.run(agents, capacity) for each in wanted}
            print(f"{agents:,} PCs, {capacity:.0f} sign-ins a second", file=sys.stderr, flush=True)
    return courses


def write(courses: Courses | None = None) -> int:
    """Write the section and the chart; return 0."""
    courses = run_all() if courses is None else courses
    page = PAGE.read_text(encoding="utf-8")
    section = render_section(courses, list_policies())
    PAGE.write_text(replace_section(page, MARK, section), encoding="utf-8")
    CHART.write_text(draw_chart(courses[CHARTED, CHARTED / OPTIMUM]), encoding="utf-8")
    return 0
