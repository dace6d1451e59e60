"""Draw the tables of the state machines into docs/architecture.md.

For each machine the page gets a Mermaid diagram of the moves and a table of every step.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from iea_agent.domain.machine import TABLE, State
from iea_agent.domain.update_machine import UPDATE_TABLE, UpdateState

PAGE = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"


class DrawnStep(Protocol):
    """What a step of either machine has."""

    @property
    def state(self) -> Any: ...
    @property
    def effects(self) -> Sequence[Any]: ...


class Drawing(NamedTuple):
    """One machine: its *table*, its states with a caption each, where it begins.

    *name* stands in the markers; *list_changes* returns the functions that change the snapshot.
    """

    name: str
    table: Mapping[tuple[Any, type], DrawnStep]
    states: Mapping[Any, str]
    beginnings: Mapping[Any, str]
    list_changes: Callable[[Any], Sequence[Callable[..., object]]]


DRAWINGS = (
    Drawing(
        "",
        TABLE,
        {
            State.CONNECTING: "pale ball",
            State.CONNECTED: "ball",
            State.DISCONNECTED: "ball with a heart",
            State.ASSISTANCE: "beetle",
        },
        {State.CONNECTING: "", State.ASSISTANCE: "it was entered before the restart"},
        lambda step: step.updates,
    ),
    Drawing(
        " (updates)",
        UPDATE_TABLE,
        dict.fromkeys(UpdateState, ""),
        {UpdateState.NONE: ""},
        lambda step: step.changes,
    ),
)


def find_markers(drawing: Drawing) -> tuple[str, str]:
    """Return what stands before and behind *drawing* on the page."""
    by = f"drawn by tools/draw_states.py{drawing.name} -->"
    return f"<!-- begin: {by}", f"<!-- end: {by}"


def draw_diagram(drawing: Drawing) -> list[str]:
    """Return the diagram: one arrow for all moves between the same two states."""
    moves: dict[tuple[Enum, Enum], list[str]] = {}
    for (state, event), step in drawing.table.items():
        if step.state is not state:
            moves.setdefault((state, step.state), []).append(event.__name__)
    return [
        "```mermaid",
        "stateDiagram-v2",
        *(
            f"    {state.value} : {state.name}{caption and f'<br/>{caption}'}"
            for state, caption in drawing.states.items()
        ),
        *(f"    [*] --> {state.value}{why and f' : {why}'}" for state, why in drawing.beginnings.items()),
        *(
            f"    {source.value} --> {target.value} : {'<br/>'.join(sorted(events))}"
            for (source, target), events in moves.items()
        ),
        "```",
    ]


def draw_cell(drawing: Drawing, state: Enum, event: type) -> str:
    """Return what *event* does in *state*: the move, the effects, the changes."""
    step = drawing.table.get((state, event))
    if step is None:
        return ""
    move = "" if step.state is state else f"**→ {step.state.name}** "
    changes = "".join(f"<br/>*{change.__name__}*" for change in drawing.list_changes(step))
    return (move + ", ".join(effect.value for effect in step.effects)).strip() + changes


def draw_table(drawing: Drawing) -> list[str]:
    """Return the table: one row for each event, one column for each state."""
    events: dict[type, None] = dict.fromkeys(
        event for _, event in sorted(drawing.table, key=lambda key: key[1].__name__)
    )
    return [
        "| event | " + " | ".join(state.name for state in drawing.states) + " |",
        "|---" * (1 + len(drawing.states)) + "|",
        *(
            f"| {event.__name__} | "
            + " | ".join(draw_cell(drawing, state, event) for state in drawing.states)
            + " |"
            for event in events
        ),
    ]


def draw(page: str) -> str:
    """Return *page* with the parts between the markers drawn anew.

    Raises ``ValueError`` if markers are missing.
    """
    for drawing in DRAWINGS:
        begin, end = find_markers(drawing)
        between = "\n".join([begin, "", *draw_diagram(drawing), "", *draw_table(drawing), "", end])
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        page, count = re.subn(pattern, lambda _, text=between: text, page, flags=re.DOTALL)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"{PAGE.name}: the markers must stand there once, not {count} times")
    return page


def main() -> int:
    """Draw; with ``--check`` only say if the page is as drawn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the page is stale")
    check = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    new = draw(page)
    if check and new != page:
        print(f"{PAGE.name} is not what the table says: run tools/draw_states.py", file=sys.stderr)
        return 1
    if not check:
        PAGE.write_text(new, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
