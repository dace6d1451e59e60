"""Draw the table of the state machine into docs/architecture.md.

The page gets a Mermaid diagram of the moves and a table of every step.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from iea_agent.domain.machine import TABLE, Event, State, Step

PAGE = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"
BEGIN = "<!-- begin: drawn by tools/draw_states.py -->"
END = "<!-- end: drawn by tools/draw_states.py -->"

PICTURES = {
    State.CONNECTING: "pale ball",
    State.CONNECTED: "ball",
    State.DISCONNECTED: "ball with a heart",
    State.ASSISTANCE: "beetle",
}


def diagram() -> list[str]:
    """Return the diagram: one arrow for all moves between the same two states."""
    moves: dict[tuple[State, State], list[str]] = {}
    for (state, event), step in TABLE.items():
        if step.state is not state:
            moves.setdefault((state, step.state), []).append(event.__name__)
    return [
        "```mermaid",
        "stateDiagram-v2",
        *(f"    {state.value} : {state.name}<br/>{picture}" for state, picture in PICTURES.items()),
        f"    [*] --> {State.CONNECTING.value}",
        f"    [*] --> {State.ASSISTANCE.value} : it was entered before the restart",
        *(
            f"    {source.value} --> {target.value} : {'<br/>'.join(sorted(events))}"
            for (source, target), events in moves.items()
        ),
        "```",
    ]


def cell(state: State, step: Step | None) -> str:
    """Return what an event does in *state*: the move, the effects, the updates."""
    if step is None:
        return ""
    move = "" if step.state is state else f"**→ {step.state.name}** "
    updates = "".join(f"<br/>*{update.__name__}*" for update in step.updates)
    return (move + ", ".join(effect.value for effect in step.effects)).strip() + updates


def table() -> list[str]:
    """Return the table: one row for each event, one column for each state."""
    events: dict[type[Event], None] = dict.fromkeys(
        event for _, event in sorted(TABLE, key=lambda key: key[1].__name__)
    )
    return [
        "| event | " + " | ".join(state.name for state in State) + " |",
        "|---" * (1 + len(State)) + "|",
        *(
            f"| {event.__name__} | "
            + " | ".join(cell(state, TABLE.get((state, event))) for state in State)
            + " |"
            for event in events
        ),
    ]


def draw(page: str) -> str:
    """Return *page* with the part between the markers drawn anew.

    Raises ``ValueError`` if the markers are missing.
    """
    between = "\n".join([BEGIN, "", *diagram(), "", *table(), "", END])
    new, count = re.subn(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: between, page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{PAGE.name}: the markers must stand there once, not {count} times")
    return new


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
