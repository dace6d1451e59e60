"""Change the code in small ways, one at a time, and see whether a test fails.

A change that no test notices shows what is not tested: a limit, a condition, an entry of a table. For the rooms without network, files and windows, whose
tests are quick. A sample is drawn by a seed, so that two runs try the same. Nothing is written: each change is compiled in a process of its own, which runs
the tests, those without fixtures first.

    make mutants MODULES="domain/lease loop"     # what was changed since main, without MODULES
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import itertools
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest

from tests.project.test_test_files import TESTED_BY

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "iea_agent"
TESTS = ROOT / "tests"
NUMBERS = ROOT / "docs" / "numbers.md"
ROOMS = ("domain", "shell/wording")
SINGLE = (
    "loop",
    *(
        f"services/{name}"
        for name in ("messages", "portals", "authentication", "failures", "token_answers", "judge")
    ),
)
"""Modules of other rooms that are as pure."""
OURS = ("iea_agent", "iea_desk", "iea_sandbox", "rig", "tests", "tools")
"""Packages that are loaded anew for each change; all others once."""

OPTIONS = (
    *("-x", "-q", "--assert=plain", "-m", "not windows and not desktop"),
    # the second does not load once Hypothesis has made an example, and is not needed
    *("-p", "no:cacheprovider", "-p", "no:hypothesispytest"),
)
"""How pytest runs."""

_OPPOSITES: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
}  # fmt: skip
_OTHER_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "True": "False"}
_WIDTH = 70  # characters of code in one line of the report


@dataclass(frozen=True)
class Mutant:
    """One change; *number* counts the changes of a module."""

    number: int
    line: int
    before: str
    after: str


def list_mutants(source: str) -> list[Mutant]:
    """Return every change of a module's *source*."""
    count = sum(1 for _ in _changes(ast.parse(source)))
    return [mutate(source, number)[1] for number in range(count)]


def mutate(source: str, number: int) -> tuple[ast.Module, Mutant]:
    """Return the tree of *source* after a change, and the change."""
    tree = ast.parse(source)
    node, change = next(each for count, each in enumerate(_changes(tree)) if count == number)
    before = ast.unparse(node)
    change()
    after = "" if isinstance(node, ast.Pass) else ast.unparse(node)
    return ast.fix_missing_locations(tree), Mutant(number, getattr(node, "lineno", 0), before, after)


def _changes(tree: ast.Module) -> Iterator[tuple[ast.AST, Callable[[], None]]]:
    """Yield each node that can be changed, and what changes it in place."""
    left_out = set(_without_meaning(tree))
    for node in ast.walk(tree):
        if node not in left_out:
            for make in _CHANGES.get(type(node), ()):
                yield from ((node, change) for change in make(node))


def _without_meaning(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what a test cannot notice.

    Annotations, docstrings, decorators, logging, ``strict=True``, and code for type checkers.
    """
    for node in ast.walk(tree):
        pointless: list[ast.AST | None] = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        pointless += getattr(node, "decorator_list", [])
        if isinstance(node, ast.Expr) and (
            isinstance(node.value, ast.Constant) or ast.unparse(node).startswith(("log.", "logging."))
        ):
            pointless.append(node)
        # both sides have the same length: what it guards against does not happen
        if isinstance(node, ast.keyword) and node.arg == "strict":
            pointless.append(node)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pointless.append(node)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("__"):
            pointless.append(node)
        for each in filter(None, pointless):
            yield from ast.walk(each)


def _become(node: Any, other: ast.AST) -> None:
    """Put *other* in the place of *node*."""
    place = {name: getattr(node, name) for name in ("lineno", "col_offset") if hasattr(node, name)}
    node.__class__ = other.__class__
    node.__dict__ = {**other.__dict__, **place}


def _operators(node: Any) -> Iterator[Callable[[], None]]:
    """Change an operator into its neighbour or opposite."""
    operators = node.ops if isinstance(node, ast.Compare) else [node.op]
    for place, operator in enumerate(operators):
        if (opposite := _OPPOSITES.get(type(operator))) is not None:
            new: list[Any] = [*operators]
            new[place] = opposite()
            if isinstance(node, ast.Compare):
                yield partial(setattr, node, "ops", new)
            else:
                yield partial(setattr, node, "op", new[0])


def _negations(node: Any) -> Iterator[Callable[[], None]]:
    """Negate a condition."""
    test = node.test
    yield lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), test))


def _filters(node: ast.comprehension) -> Iterator[Callable[[], None]]:
    """Remove the conditions of a comprehension."""
    if node.ifs:
        yield node.ifs.clear


def _not(node: ast.UnaryOp) -> Iterator[Callable[[], None]]:
    """Remove a ``not``."""
    if isinstance(node.op, ast.Not):
        yield lambda: _become(node, node.operand)


def _constants(node: ast.Constant) -> Iterator[Callable[[], None]]:
    """Change a number by one, and a truth into its opposite."""
    value = node.value
    if isinstance(value, bool):
        yield lambda: setattr(node, "value", not value)
    elif isinstance(value, int | float):
        yield lambda: setattr(node, "value", value + 1)


def _names(node: ast.Name) -> Iterator[Callable[[], None]]:
    """Change ``min`` into ``max``, ``any`` into ``all``."""
    if node.id in _OTHER_NAMES:
        yield lambda: setattr(node, "id", _OTHER_NAMES[node.id])


def _statements(node: ast.stmt) -> Iterator[Callable[[], None]]:
    """Remove a statement."""
    yield lambda: _become(node, ast.Pass())


def _returns(node: ast.Return) -> Iterator[Callable[[], None]]:
    """Return nothing."""
    if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield lambda: setattr(node, "value", ast.Constant(None))


def _entries(node: Any) -> Iterator[Callable[[], None]]:
    """Remove an entry of a table."""
    if isinstance(getattr(node, "ctx", None), ast.Store):
        return
    columns: list[list[Any]] = [node.keys, node.values] if isinstance(node, ast.Dict) else [node.elts]
    if len(columns[0]) > 1:
        yield from (partial(_remove, columns, place) for place in range(len(columns[0])))


def _remove(columns: list[list[Any]], place: int) -> None:
    for column in columns:
        del column[place]


def _arguments(node: ast.Call) -> Iterator[Callable[[], None]]:
    """Exchange the first two arguments."""
    if (
        ast.unparse(node.func) not in _OTHER_NAMES
        and len(node.args) >= 2
        and not any(isinstance(each, ast.Starred) for each in node.args[:2])
    ):
        yield lambda: node.args.__setitem__(slice(0, 2), node.args[1::-1])


_CHANGES: dict[type[ast.AST], tuple[Callable[[Any], Iterator[Callable[[], None]]], ...]] = {
    ast.Compare: (_operators,), ast.BoolOp: (_operators,), ast.BinOp: (_operators,), ast.UnaryOp: (_not,),
    ast.If: (_negations,), ast.IfExp: (_negations,), ast.While: (_negations,), ast.comprehension: (_filters,),
    ast.Constant: (_constants,), ast.Name: (_names,), ast.Return: (_returns,), ast.Call: (_arguments,),
    ast.Expr: (_statements,), ast.AugAssign: (_statements,), ast.Raise: (_statements,), ast.Delete: (_statements,),
    ast.Dict: (_entries,), ast.Set: (_entries,), ast.Tuple: (_entries,), ast.List: (_entries,),
}  # fmt: skip


class MutantFinder(importlib.abc.MetaPathFinder):
    """Finds one module, and compiles it with a change."""

    def __init__(self, name: str, number: int) -> None:
        self._name, self._number = name, number

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of the changed module, None for others."""
        spec = importlib.machinery.PathFinder.find_spec(name, path, target) if name == self._name else None
        if spec is None or spec.origin is None:
            return None
        number = self._number

        class Loader(importlib.machinery.SourceFileLoader):
            def get_code(self, _name: str) -> Any:
                source = Path(self.path).read_text(encoding="utf-8")
                return compile(mutate(source, number)[0], self.path, "exec")

        return importlib.util.spec_from_file_location(name, spec.origin, loader=Loader(name, spec.origin))


# The command.


@dataclass(frozen=True)
class Target:
    """A module, "domain/lease" for example, and its tests."""

    module: str

    @property
    def file(self) -> Path:
        """Its source."""
        return PACKAGE / f"{self.module}.py"

    @property
    def name(self) -> str:
        """As Python imports it."""
        return f"iea_agent.{self.module.replace('/', '.')}"

    @property
    def own_tests(self) -> list[str]:
        """The test file of the same name, or the one named in its stead."""
        folder, _, name = self.module.rpartition("/")
        file = TESTS / TESTED_BY.get(f"{self.module}.py", Path(folder, f"test_{name}.py"))
        return [str(file)] if file.exists() else []

    @property
    def other_tests(self) -> list[str]:
        """The test files of its room that import the module, the loop's, the numbers'."""
        folder = self.module.rpartition("/")[0]
        places = [*(TESTS / folder).glob("test_*.py"), TESTS / "test_loop.py"]
        files = {str(file) for file in places if self.name in _imports(file)}
        if f"`{self.module.replace('/', '.')}." in NUMBERS.read_text(encoding="utf-8"):
            files.add(str(TESTS / "project" / "test_numbers.py"))
        return sorted(files - set(self.own_tests))

    def start(
        self,
        tests: Sequence[str],
        number: int | None,
        seconds: int = 600,
        report: Callable[[], None] = lambda: None,
    ) -> int:
        """Run *tests* with a change (None: without) in a process of its own.

        It is ended when it has used the processor for *seconds*. Calls *report* there at the end; returns the process.
        """
        if sys.platform == "win32":
            raise OSError("Linux only")
        import resource  # Windows has none

        if process := os.fork():
            return process
        # a group, so that what it starts can be ended with it
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        if number is not None:
            sys.meta_path.insert(0, MutantFinder(self.name, number))
        code = 1
        with contextlib.suppress(BaseException):
            with_fixtures = [file for file in tests if not call_tests(importlib.import_module(_name(file)))]
            code = int(pytest.main([*OPTIONS, *with_fixtures])) if with_fixtures else 0
            report()
        os._exit(code)

    def load_what_stays(self, tests: Sequence[str]) -> None:
        """Load, once for every process, what *tests* import and no change concerns."""
        for name in [each for each in sys.modules if each.partition(".")[0] in OURS and each not in _PRESENT]:
            del sys.modules[name]
        reading, writing = os.pipe()
        process = self.start(tests, None, report=lambda: _write_loaded(writing))
        os.close(writing)
        with open(reading, encoding="utf-8") as pipe:
            loaded = dict(line.rstrip("\n").split("\t") for line in pipe)
        os.waitpid(process, 0)
        ours = {name: Path(file) for name, file in loaded.items() if file and name.partition(".")[0] in OURS}
        concerned = _dependents(self.name, ours)
        for name in loaded:
            if name not in concerned and "test_" not in name:
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)
        # no process copies the pages of what it does not change
        gc.freeze()


def _name(file: str) -> str:
    return ".".join(Path(file).relative_to(ROOT).with_suffix("").parts)


def use_quick_examples() -> None:
    """Let Hypothesis make the same examples each time, and not look for smaller ones."""
    hypothesis.settings.register_profile(
        "mutants",
        hypothesis.settings.get_profile("ci"),
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )
    hypothesis.settings.load_profile("mutants")


def call_tests(module: ModuleType) -> bool:
    """Call the test functions of *module* that need no fixture; one may raise.

    This is many times quicker than pytest. Returns whether there are no others.
    """
    source = inspect.getsource(module)
    if "pytestmark" in source or "autouse" in source:
        return False
    plain = True
    owners = [
        module,
        *(
            value()
            for name, value in vars(module).items()
            if name.startswith("Test") and inspect.isclass(value)
        ),
    ]
    tests = [getattr(owner, name) for owner in owners for name in dir(owner) if name.startswith("test_")]
    # the quick ones first: one that fails is the last
    for test in sorted(tests, key=lambda test: hasattr(test, "hypothesis")):
        marks = getattr(test, "pytestmark", [])
        if any(mark.name in ("windows", "desktop") for mark in marks):
            continue
        cases = [_list_cases(*mark.args[:2]) for mark in marks if mark.name == "parametrize"]
        given = {name for each in cases for case in each[:1] for name in case}
        if set(inspect.signature(test).parameters) != given or any(mark.name == "skipif" for mark in marks):
            plain = False
            continue
        for parts in itertools.product(*cases):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                test(**{name: value for part in parts for name, value in part.items()})
    return plain


def _list_cases(names: str | Sequence[str], values: Iterable[Any]) -> list[dict[str, Any]]:
    """Return the arguments of each case of ``parametrize``."""
    listed = [each.strip() for each in names.split(",")] if isinstance(names, str) else list(names)
    several = len(listed) > 1
    rows = [each.values if isinstance(each, _PARAM) else each if several else (each,) for each in values]
    return [dict(zip(listed, row, strict=True)) for row in rows]


_PARAM = type(pytest.param())
_PRESENT = frozenset(sys.modules)


def _write_loaded(pipe: int) -> None:
    with open(pipe, "w", encoding="utf-8") as names:
        files = ((name, getattr(module, "__file__", None)) for name, module in list(sys.modules.items()))
        names.write("".join(f"{name}\t{file or ''}\n" for name, file in files))


def _dependents(module: str, files: Mapping[str, Path]) -> set[str]:
    """Return *module* and which of the modules in *files* import it, directly or not.

    To import a module is to import the packages around it.
    """
    imported = {
        name: _imports(file, f"{name}." if file.stem == "__init__" else name) | {name.rpartition(".")[0]}
        for name, file in files.items()
    }
    dependents = {module}
    while more := {name for name, others in imported.items() if others & dependents} - dependents:
        dependents |= more
    return dependents


def _imports(file: Path, name: str = "") -> set[str]:
    """Return the modules that *file* (module *name*) imports, and names from them."""
    imported = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            place = name.split(".")[: -node.level] if node.level else []
            module = ".".join([*place, *([node.module] if node.module else [])])
            imported |= {module, *(f"{module}.{each.name}" for each in node.names)}
    return imported


def run_all(
    target: Target, tests: Sequence[str], numbers: Sequence[int | None], jobs: int, seconds: int
) -> list[bool]:
    """Run *tests* with each change, *jobs* at a time; return whether they pass.

    What works for more than *seconds*, or waits for ten times as long, is ended and has not passed.
    """
    if sys.platform == "win32":
        raise OSError("Linux only")
    passed: dict[int, bool] = {}
    running: dict[int, tuple[int, float]] = {}
    waiting = list(enumerate(numbers))
    while waiting or running:
        while waiting and len(running) < jobs:
            place, number = waiting.pop(0)
            running[target.start(tests, number, seconds)] = place, time.monotonic() + 10 * seconds
        process, status = os.waitpid(-1, os.WNOHANG)
        if process:
            place, _ = running.pop(process)
            passed[place] = status == 0
            continue
        for process, (_, deadline) in running.items():
            if time.monotonic() > deadline:
                os.killpg(process, signal.SIGKILL)
        time.sleep(0.01)
    return [passed[place] for place in range(len(numbers))]


def measure_patience(target: Target) -> int:
    """Return the seconds of work after which a change is taken for an endless loop."""
    if sys.platform == "win32":
        raise OSError("Linux only")
    import resource  # Windows has none

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for tests in (target.own_tests, target.other_tests):
        if tests and not run_all(target, tests, [None], 1, 600)[0]:
            raise SystemExit(f"{target.module}: its tests fail without any change")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 3 + int(4 * (after.ru_utime - before.ru_utime))


def examine(target: Target, count: int, seed: int, jobs: int) -> tuple[int, int, int]:
    """Try *count* mutants of a module and print those that survive.

    Returns how many were tried, killed by the module's own tests, and killed by any.
    """
    mutants = list_mutants(target.file.read_text(encoding="utf-8"))
    if not mutants:
        return 0, 0, 0
    drawn = random.Random(f"{seed} {target.module}").sample(mutants, min(count, len(mutants)))  # noqa: S311
    target.load_what_stays([*target.own_tests, *target.other_tests])
    began = time.monotonic()
    patience = measure_patience(target)

    def kill(mutants: Sequence[Mutant], tests: Sequence[str]) -> list[bool]:
        numbers = [mutant.number for mutant in mutants]
        return (
            [not passed for passed in run_all(target, tests, numbers, jobs, patience)]
            if tests
            else [False] * len(mutants)
        )

    by_own = kill(drawn, target.own_tests)
    left = [mutant for mutant, killed in zip(drawn, by_own, strict=True) if not killed]
    by_others = kill(left, target.other_tests)
    own, every = sum(by_own), sum(by_own) + sum(by_others)
    took = time.monotonic() - began
    print(
        f"{target.module:32} {own:3} killed by its own tests, {every:3} by all, of {len(drawn)} ({len(mutants)} in all), {took:.0f} s"
    )
    place = target.file.relative_to(ROOT)
    for mutant, killed in sorted(zip(left, by_others, strict=True), key=lambda pair: pair[0].line):
        if not killed:
            print(
                f"    {place}:{mutant.line}  {_short(mutant.before)}  →  {_short(mutant.after) or '(removed)'}",
                flush=True,
            )
    return len(drawn), own, every


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"


def pure_modules() -> list[str]:
    """Return the modules that this is for."""
    files = sorted(
        file for room in ROOMS for file in (PACKAGE / room).glob("*.py") if file.stem != "__init__"
    )
    modules = [file.relative_to(PACKAGE).with_suffix("").as_posix() for file in files]
    return [*modules, *(module for module in SINGLE if (PACKAGE / f"{module}.py").exists())]


def changed_modules() -> list[str]:
    """Return those that differ from the branch main, committed or not."""
    listed = subprocess.run(
        ["git", "diff", "--name-only", "main", "--", str(PACKAGE)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    changed = {(ROOT / name).relative_to(PACKAGE).with_suffix("").as_posix() for name in listed}
    return [module for module in pure_modules() if module in changed]


def main() -> int:
    """Try the mutants of the modules asked for; return 1 for another room's."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "modules", nargs="*", help="domain/lease for example; all for all; default: changed since main"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=60, help="mutants of each module")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    modules = pure_modules() if options.modules == ["all"] else options.modules or changed_modules()
    if unknown := [module for module in modules if module not in pure_modules()]:
        print(
            f"not a pure module: {', '.join(unknown)}; there are: {', '.join(pure_modules())}",
            file=sys.stderr,
        )
        return 1
    os.chdir(ROOT)
    # the tests of a commit must not depend on chance (tests/conftest)
    os.environ["CI"] = "1"
    use_quick_examples()
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]
    scores = [examine(Target(module), options.count, options.seed, options.jobs) for module in modules]
    tried, own, every = (sum(column) for column in zip(*scores, strict=True)) if scores else (0, 0, 0)
    if tried:
        print(f"score: {every / tried:.1%} of {tried} mutants, {own / tried:.1%} by the modules' own tests")
    else:
        print("no pure module was changed since main")
    return 0


if __name__ == "__main__":
    sys.exit(main())
