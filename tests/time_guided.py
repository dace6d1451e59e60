"""Search for inputs on which a parser is slow, for a person who has an hour.

    nice -n 19 .venv/bin/python -m tests.time_guided --seconds 3600

Inputs are runs of repeated pieces. Half of them are new, the others are the slowest so far with one run changed. A table, written to
build/fuzz/times.txt every minute and printed at the end, says how many inputs each parser of ``tests.parsers`` got, and its slowest.
The exit code is 1 if one took more than ``LONGEST_SECONDS``, or ended in an error that is not the parser's own.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from tests.parsers import LONGEST_SECONDS, PARSERS, PIECES, Frame, Parser, measure

TABLE = Path(__file__).parents[1] / "build" / "fuzz" / "times.txt"
KEPT = 5
"""The slowest inputs of a parser that are changed further."""
MOST_RUNS = 6


class Run(NamedTuple):
    """A piece, and how much of the input it fills."""

    piece: str
    share: float


class Input(NamedTuple):
    """A frame with runs in it."""

    frame: Frame
    runs: tuple[Run, ...]

    def __str__(self) -> str:
        runs = " ".join(f"{run.piece!r}*{run.share:g}" for run in self.runs)
        return f"{self.frame.before!r} {runs} {self.frame.behind!r}"

    def render(self, size: int) -> str:
        """Return the text of *size* characters."""
        room = size - len(self.frame.before) - len(self.frame.behind)
        whole = sum(run.share for run in self.runs)
        text = "".join(
            run.piece * max(int(room * run.share / whole / len(run.piece)), 1) for run in self.runs
        )
        return self.frame.before + text[:room] + self.frame.behind


@dataclass
class Search:
    """What has been tried with one parser; *slowest* is sorted, the slowest first."""

    parser: Parser
    tried: int = 0
    slowest: list[tuple[float, Input]] = field(default_factory=list)
    errors: dict[str, Input] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        """Whether no input took too long or ended in an error."""
        return not self.errors and all(seconds <= LONGEST_SECONDS for seconds, _ in self.slowest)

    def try_one(self, chance: random.Random) -> None:
        """Measure one more input; a slow one again, as other programs may have run."""
        given = self._change(chance) if self.slowest and chance.random() < 0.5 else self._make(chance)
        text = given.render(self.parser.largest)
        self.tried += 1
        try:
            seconds = measure(self.parser, text)
        except Exception as error:  # noqa: BLE001 each is told at the end
            self.errors.setdefault(repr(error)[:200], given)
            return
        if len(self.slowest) < KEPT or seconds > self.slowest[-1][0]:
            seconds = min(seconds, measure(self.parser, text), measure(self.parser, text))
            self.slowest = sorted([*self.slowest, (seconds, given)], key=lambda each: -each[0])[:KEPT]

    def _make(self, chance: random.Random) -> Input:
        frame = chance.choice((Frame(), *self.parser.frames))
        return Input(frame, tuple(_make_run(chance) for _ in range(chance.randint(1, MOST_RUNS))))

    def _change(self, chance: random.Random) -> Input:
        _, given = chance.choice(self.slowest)
        runs = list(given.runs)
        runs[chance.randrange(len(runs))] = _make_run(chance)
        if len(runs) < MOST_RUNS and chance.random() < 0.3:
            runs.insert(chance.randint(0, len(runs)), _make_run(chance))
        elif len(runs) > 1 and chance.random() < 0.3:
            del runs[chance.randrange(len(runs))]
        return given._replace(runs=tuple(runs))


def _make_run(chance: random.Random) -> Run:
    """Return a piece, or two of them, or any characters, once or often."""
    piece = chance.choice(PIECES)
    if chance.random() < 0.4:
        piece += chance.choice(PIECES)
    if chance.random() < 0.1:
        piece = "".join(
            chr(chance.choice((chance.randrange(128), chance.randrange(0x3000)))) for _ in range(3)
        )
    return Run(piece, chance.choice((0.0, 0.01, 0.1, 1.0)) or 1e-9)


def main() -> int:
    """Search for the given time and print the table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--seed", type=int, default=None)
    given = options.parse_args()
    chance = random.Random(given.seed)  # noqa: S311 no secret
    searches = {name: Search(parser) for name, parser in PARSERS.items()}
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + given.seconds
    written = 0.0
    for search in cycle(searches.values()):
        now = time.monotonic()
        if now > end:
            break
        search.try_one(chance)
        if now > written + 60:
            written = now
            TABLE.write_text(render_table(searches), encoding="utf-8")
    print(render_table(searches))
    return 0 if all(search.is_sound for search in searches.values()) else 1


def render_table(searches: Mapping[str, Search]) -> str:
    """Return a line for each parser, its errors, and a line for all."""
    lines = []
    for name, search in searches.items():
        seconds, slowest = search.slowest[0] if search.slowest else (0.0, None)
        lines.append(f"{name:48} {search.tried:7} inputs, slowest {seconds * 1000:6.1f} ms: {slowest}")
        lines += [f"    {error}: {input_}" for error, input_ in search.errors.items()]
    worst = max((search.slowest[0][0] for search in searches.values() if search.slowest), default=0.0)
    tried = sum(search.tried for search in searches.values())
    return "\n".join([*lines, f"{tried} inputs, slowest {worst * 1000:.1f} ms"])


if __name__ == "__main__":
    sys.exit(main())
