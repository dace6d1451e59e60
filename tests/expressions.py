"""The regular expressions of a module, and which of them can be slow.

An expression is slow where one text can go through two of its repetitions, or through one in two ways (``a*a*``, ``(ab?|b)*``), and something
behind them can fail: then every split is tried, the square of the length in time at least. ``re.search`` repeats "any character" in front, too.
The check follows the states of the expression (Glushkov's automaton) and looks for such a text: criterion IDA of Weber and Seidl, "On the degree of
ambiguity of finite automata" (1991).

Looks ahead and behind and references are taken as always true, repetitions of a stated number as few: what those cost is a factor and no power.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import re
import string
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

parser: Any = importlib.import_module("re._parser")
constants: Any = importlib.import_module("re._constants")

ALPHABET = frozenset(string.printable + "\x00\x7fé«\u00a0\u200b\U0001f600")
"""Characters that stand for all others."""
FEW = 2
"""A repetition of a stated number is followed as often as this."""
CATEGORIES = {
    constants.CATEGORY_DIGIT: r"\d",
    constants.CATEGORY_NOT_DIGIT: r"\D",
    constants.CATEGORY_SPACE: r"\s",
    constants.CATEGORY_NOT_SPACE: r"\S",
    constants.CATEGORY_WORD: r"\w",
    constants.CATEGORY_NOT_WORD: r"\W",
}
EDGES = (constants.AT_BEGINNING, constants.AT_BEGINNING_STRING, constants.AT_END, constants.AT_END_STRING)


class Part(NamedTuple):
    """A part of an expression: its first and last states, and whether it may be empty."""

    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    is_empty: bool = True


class Automaton:
    """The states of an expression: sets of characters, and what may follow them."""

    def __init__(self, pattern: str | bytes, flags: int = 0) -> None:
        self.characters: list[frozenset[str]] = []
        self.follow: list[set[int]] = []
        self.repeats_nothing = False
        """Whether something is repeated without end that may be empty: ``(a*)*``."""
        tree = parser.parse(pattern, flags)
        self.flags = tree.state.flags
        self.whole = self._sequence(tree)

    def add(self, characters: frozenset[str]) -> Part:
        """Add a state."""
        self.characters.append(characters)
        self.follow.append(set())
        state = frozenset({len(self.follow) - 1})
        return Part(state, state, False)

    def link(self, sources: frozenset[int], targets: frozenset[int]) -> None:
        """Let each of *targets* follow each of *sources*."""
        for source in sources:
            self.follow[source] |= targets

    def _sequence(self, items: Any) -> Part:
        whole = Part()
        for operation, argument in items:
            whole = self._join(whole, self._item(operation, argument))
        return whole

    def _join(self, one: Part, other: Part) -> Part:
        self.link(one.last, other.first)
        return Part(
            one.first | other.first if one.is_empty else one.first,
            one.last | other.last if other.is_empty else other.last,
            one.is_empty and other.is_empty,
        )

    def _item(self, operation: Any, argument: Any) -> Part:
        if operation in (constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT):
            return self._repeat(*argument)
        if operation is constants.BRANCH:
            parts = [self._sequence(each) for each in argument[1]]
            return Part(
                frozenset().union(*(part.first for part in parts)),
                frozenset().union(*(part.last for part in parts)),
                any(part.is_empty for part in parts),
            )
        if operation is constants.SUBPATTERN:
            return self._sequence(argument[3])
        if operation is constants.ATOMIC_GROUP:
            return self._sequence(argument)
        if operation is constants.ASSERT and argument[0] > 0:
            return self._sequence(argument[1])
        if operation is constants.AT and argument in EDGES:
            # no character leads here, so that nothing in front of it repeats, and what stands behind a repetition may fail
            return self.add(frozenset())
        if operation in (constants.AT, constants.ASSERT, constants.ASSERT_NOT, constants.GROUPREF):
            return Part()
        return self.add(self._characters(operation, argument))

    def _repeat(self, least: int, most: Any, items: Any) -> Part:
        whole = Part()
        for _ in range(min(least, FEW)):
            whole = self._join(whole, self._sequence(items))
        if most is constants.MAXREPEAT:
            body = self._sequence(items)
            self.repeats_nothing |= body.is_empty
            self.link(body.last, body.first)
            return self._join(whole, body._replace(is_empty=True))
        for _ in range(min(most, FEW) - min(least, FEW)):
            whole = self._join(whole, self._sequence(items)._replace(is_empty=True))
        return whole

    def _characters(self, operation: Any, argument: Any) -> frozenset[str]:
        if operation is constants.ANY:
            return ALPHABET if self.flags & re.DOTALL else ALPHABET - {"\n"}
        if operation is constants.IN:
            negated = argument[0][0] is constants.NEGATE
            some = frozenset().union(*(self._characters(*each) for each in argument[negated:]))
            return ALPHABET - some if negated else some
        if operation is constants.RANGE:
            some = frozenset(each for each in ALPHABET if argument[0] <= ord(each) <= argument[1])
        elif operation is constants.CATEGORY:
            some = frozenset(each for each in ALPHABET if re.match(CATEGORIES[argument], each))
        else:
            some = frozenset({chr(argument)})
        if self.flags & re.IGNORECASE:
            some |= {other for each in some for other in (each.lower(), each.upper())}
        return ALPHABET - some if operation is constants.NOT_LITERAL else some


def is_slow(pattern: str | bytes, flags: int = 0, *, is_searched: bool, is_full: bool) -> bool:
    """Return whether the time of an expression may grow faster than the text.

    *is_searched* is true of ``search``, ``findall``, ``sub`` and ``split``, *is_full* of ``fullmatch``.
    """
    states = Automaton(pattern, flags)
    if is_searched:
        front = states.add(ALPHABET)
        states.link(front.last, front.first | states.whole.first)
    reached = [_reach(states.follow, state) for state in range(len(states.follow))]
    loops = [state for state, reach in enumerate(reached) if state in reach]
    circles = {one: frozenset(other for other in reached[one] if one in reached[other]) for one in loops}
    return states.repeats_nothing or any(
        one != other and other in reached[one] and _is_shared(states, circles, one, other)
        for one in loops
        for other in loops
        # where the whole may end, nothing behind can fail
        if is_full or not (states.whole.last & circles[other])
    )


def _reach(follow: list[set[int]], state: int) -> frozenset[int]:
    """Return what can be reached from *state* by one step or more."""
    reached: set[int] = set()
    waiting = [state]
    while waiting:
        new = follow[waiting.pop()] - reached
        reached |= new
        waiting += new
    return frozenset(reached)


def _is_shared(states: Automaton, circles: dict[int, frozenset[int]], one: int, other: int) -> bool:
    """Return whether a text leads from *one* to itself, to *other* and from it to it."""
    begin, end = (one, one, other), (one, other, other)
    reached: set[tuple[int, ...]] = set()
    waiting: list[tuple[int, ...]] = [begin]
    while waiting:
        at_one, between, at_other = waiting.pop()
        for step in product(
            states.follow[at_one] & circles[one],
            states.follow[between],
            states.follow[at_other] & circles[other],
        ):
            if step not in reached and frozenset.intersection(*(states.characters[each] for each in step)):
                if step == end:
                    return True
                reached.add(step)
                waiting.append(step)
    return False


# --- the expressions of a module

SEARCHING = frozenset({"search", "findall", "finditer", "sub", "subn", "split"})
METHODS = SEARCHING | {"match", "fullmatch"}


class Expression(NamedTuple):
    """An expression in the source: its *place*, and the *methods* that use it."""

    place: str
    pattern: str | bytes
    flags: int
    methods: frozenset[str]

    @property
    def is_slow(self) -> bool:
        """Whether one of its uses is slow (see ``is_slow``)."""
        return any(
            is_slow(self.pattern, self.flags, is_searched=method in SEARCHING, is_full=method == "fullmatch")
            for method in self.methods
        )


class _Names(dict[str, object]):
    """The names of a module; those of its functions stand for any text."""

    def __missing__(self, name: str) -> str:
        return "x"


def list_expressions(file: Path, module: str) -> Iterator[Expression]:
    """Yield the expressions in *file*, which is imported as *module*."""
    content = ast.parse(file.read_text(encoding="utf-8"))
    names = _Names({**vars(builtins), **vars(importlib.import_module(module))})
    used: dict[str, set[str]] = {}
    for each in ast.walk(content):
        if isinstance(each, ast.Attribute) and each.attr in METHODS:
            used.setdefault(ast.unparse(each.value), set()).add(each.attr)
    targets = {
        id(each.value): ast.unparse(each.targets[0])
        for each in ast.walk(content)
        if isinstance(each, ast.Assign)
    }
    for call in ast.walk(content):
        if not (isinstance(call, ast.Call) and ast.unparse(call.func).startswith("re.")):
            continue
        method = ast.unparse(call.func).removeprefix("re.")
        if method not in METHODS | {"compile"}:
            continue
        methods = frozenset(used.get(targets.get(id(call), ""), METHODS) if method == "compile" else {method})
        flags = [
            each
            for each in (*call.args[1:], *(word.value for word in call.keywords))
            if "re." in ast.unparse(each)
        ]
        pattern, *given = (eval(ast.unparse(each), {}, names) for each in (call.args[0], *flags))  # noqa: S307
        yield Expression(f"{module}:{call.lineno}", pattern, sum(given), methods)
