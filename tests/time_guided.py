"""Search for inputs on which a parser is slow, for a person who has an hour.

    nice -n 19 .venv/bin/python -m tests.time_guided --seconds 3600

Inputs are runs of repeated pieces. Half of them are new, the others are the slowest so far with one run changed. At the end a table says how many inputs each
parser of ``tests.parsers`` got, and its slowest; the exit code is 1 if one took more than ``LONGEST_SECONDS``.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass, field
from itertools import cycle
from typing import NamedTuple

from tests.parsers import LONGEST_SECONDS, PARSERS, PIECES, Frame, Parser, measure

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

    def try_one(self, chance: random.Random) -> None:
        """Measure one more input; a slow one again, as other programs may have run."""
        given = self._change(chance) if self.slowest and chance.random() < 0.5 else self._make(chance)
        text = given.render(self.parser.largest)
        self.tried += 1
        seconds = measure(self.parser, text)
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
    end = time.monotonic() + given.seconds
    for search in cycle(searches.values()):
        if time.monotonic() > end:
            break
        search.try_one(chance)
    for name, search in searches.items():
        seconds, slowest = search.slowest[0] if search.slowest else (0.0, None)
        print(f"{name:48} {search.tried:7} inputs, slowest {seconds * 1000:6.1f} ms: {slowest}")
    worst = max(search.slowest[0][0] for search in searches.values() if search.slowest)
    print(f"{sum(search.tried for search in searches.values())} inputs, slowest {worst * 1000:.1f} ms")
    return 1 if worst > LONGEST_SECONDS else 0


if __name__ == "__main__":
    sys.exit(main())
