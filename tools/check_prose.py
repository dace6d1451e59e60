"""Check the wording of docstrings, names and comments in the Python source."""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("src", "sandbox", "desk", "rig")
FOLDERS = (*SOURCES, "tests", "tools")

ALLOWED_FUNCTION_NAMES = {
    "src/iea_agent/services/network.py::Stream.read": "httpcore calls it: NetworkStream declares it",
}
"""Give the reason for each vague function name that a foreign interface asks for."""

VAGUE_VARIABLES = {"found", "shown", "told", "said", "kept", "known", "chosen"}
VAGUE_FUNCTIONS = {"read", "text", "shown", "heard", "told", "said", "found", "kept"}
VAGUE_MODULES = {"utils", "helpers", "manager", "common", "core", "base", "misc"}
REPEATABLE_MODULES = {"__init__.py", "__main__.py", "cli.py"}

# a comment that speaks only to a tool
DIRECTIVE = re.compile(r"(#\s*(noqa(: [A-Z\d, ]+)?|type: ignore(\[[\w, -]+\])?|pragma: no \w+|fmt: \w+)\s*)+")
# a line that opens a bracket around an expression, not around arguments
OPENING = re.compile(r"(^|[=:,]|\breturn)\s*\($")
# what stands in a file where a comment may break a rule; splitting a file into tokens takes long
SUSPECT = re.compile(rf"^(?=.{{111}}).*#|^\s*\)\s*#|{OPENING.pattern}\n.*#", re.MULTILINE)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef
Places = Iterable[tuple[int, str]]  # line, what is wrong there
Breaches = Iterable[tuple[str, int, str]]  # path, line, what is wrong there
Finding = tuple[str, int, str, str]  # path, line, name of the rule, message


class Module(NamedTuple):
    """Hold what the rules look at in one source file, its lines counted from 1."""

    path: str
    lines: list[str]
    nodes: list[ast.AST]
    functions: list[tuple[str, Function]]
    classes: list[tuple[str, int]]
    docstrings: list[tuple[int, str]]
    comments: list[tuple[int, str]]


class Project(NamedTuple):
    """Hold the files to check and the vague function names that are allowed."""

    root: Path
    modules: list[Module]
    allowed: Mapping[str, str]


class Rule(NamedTuple):
    """Give a rule a name, a sentence and a function that looks for breaches of it."""

    name: str
    sentence: str
    breaches: Callable[[Project], Breaches]


def definitions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """Yield the qualified name and the node of each class and function below *node*."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield prefix + child.name, child
            yield from definitions(child, f"{prefix}{child.name}.")
        elif not isinstance(child, ast.expr):
            yield from definitions(child, prefix)


def trailing_comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and code of each comment behind code, leaving out directives."""
    lines = source.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not DIRECTIVE.fullmatch(token.string):
            line, column = token.start
            if code := lines[line - 1][:column].strip():
                yield line, code


def parsed(path: str, source: str) -> Module:
    """Parse *source*. Raise ``SyntaxError`` if it is not Python."""
    tree = ast.parse(source, path)
    inside = list(definitions(tree))
    texts = [(node, ast.get_docstring(node)) for node in (tree, *(node for _, node in inside))]
    return Module(
        path=path,
        lines=["", *source.split("\n"), ""],
        nodes=list(ast.walk(tree)),
        functions=[(name, node) for name, node in inside if isinstance(node, Function)],
        classes=[(name, node.lineno) for name, node in inside if isinstance(node, ast.ClassDef)],
        docstrings=[(node.body[0].lineno, text.split("\n")[0]) for node, text in texts if text is not None],
        comments=list(trailing_comments(source)) if SUSPECT.search(source) else [],
    )


def bound_name(node: ast.AST) -> str | None:
    """Return the name that *node* gives to a variable, parameter or attribute of self."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return name
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
            return name
        case ast.ExceptHandler(name=given) | ast.MatchAs(name=given) | ast.MatchStar(name=given):
            return given
        case ast.MatchMapping(rest=given) | ast.alias(asname=given):
            return given
    return None


def long_docstrings(module: Module) -> Places:
    return ((line, f"{len(first)} characters") for line, first in module.docstrings if len(first) > 80)


def open_docstrings(module: Module) -> Places:
    firsts = ((line, first) for line, first in module.docstrings if first[-1:] not in tuple(".:?!"))
    return ((line, f"it ends with {first[-20:]!r}") for line, first in firsts)


def long_functions(module: Module) -> Places:
    lengths = ((name, node.lineno, node.end_lineno or node.lineno) for name, node in module.functions)
    return ((line, f"{name} has {end - line + 1} lines") for name, line, end in lengths if end - line >= 60)


def vague_variables(module: Module) -> Places:
    for node in module.nodes:
        name = bound_name(node)
        if name and name.lstrip("_") in VAGUE_VARIABLES:
            yield getattr(node, "lineno", 1), f"{name} is vague"


def vague_functions(project: Project) -> Breaches:
    for module in project.modules:
        for name, node in module.functions:
            if node.name.lstrip("_") in VAGUE_FUNCTIONS and f"{module.path}::{name}" not in project.allowed:
                yield module.path, node.lineno, f"{name} is vague"


def stale_allowances(project: Project) -> Breaches:
    checked = {module.path: dict(module.functions) for module in project.modules}
    for path, _, name in (entry.partition("::") for entry in project.allowed):
        vague = name.rpartition(".")[2].lstrip("_") in VAGUE_FUNCTIONS
        there = name in checked[path] if path in checked else (project.root / path).is_file()
        if not (vague and there):
            yield path, 1, f"{name} is not there, or not vague"


def vague_modules(module: Module) -> Places:
    path = Path(module.path)
    name = path.parent.name if path.name == "__init__.py" else path.stem
    if name.lstrip("_") in VAGUE_MODULES:
        yield 1, f"{name} is vague"


def repeated_names(project: Project) -> Breaches:
    first: dict[str, str] = {}
    for module in (module for module in project.modules if module.path.startswith(SOURCES)):
        public = [(name, line) for name, line in module.classes if not re.search(r"^_|\.", name)]
        for name, line in [(Path(module.path).name, 1), *public]:
            if name not in REPEATABLE_MODULES and first.setdefault(name, module.path) != module.path:
                yield module.path, line, f"{name} is also in {first[name]}"


def long_comments(module: Module) -> Places:
    lengths = ((line, len(module.lines[line])) for line, _ in module.comments)
    return ((line, f"{length} characters") for line, length in lengths if length > 110)


def wrapped_comments(module: Module) -> Places:
    for line, code in module.comments:
        above, below = module.lines[line - 1], module.lines[line + 1]
        alone = OPENING.search(above) and below.lstrip().startswith(")") and not code.endswith(",")
        if alone or code == ")":
            yield line, "it makes the formatter wrap the line"


def each(places: Callable[[Module], Places]) -> Callable[[Project], Breaches]:
    """Return a function that looks for the places in every module."""
    return lambda project: ((module.path, *place) for module in project.modules for place in places(module))


RULES = (
    Rule("docstring-length", "a docstring's first line has at most 80 characters", each(long_docstrings)),
    Rule("docstring-end", "a docstring's first line ends with one of . : ? !", each(open_docstrings)),
    Rule("function-length", "a function has at most 60 lines", each(long_functions)),
    Rule("variable-name", "the name of a variable says what it holds", each(vague_variables)),
    Rule("function-name", "the name of a function says what it does", vague_functions),
    Rule("stale-allowance", "ALLOWED_FUNCTION_NAMES lists only what needs it", stale_allowances),
    Rule("module-name", "the name of a module says what it holds", each(vague_modules)),
    Rule(
        "repeated-name",
        "modules and public classes outside tests and tools have names of their own",
        repeated_names,
    ),
    Rule("comment-length", "a line that ends with a comment has at most 110 characters", each(long_comments)),
    Rule("comment-wrapped", "a comment goes above code that has no room for it", each(wrapped_comments)),
)


def modules_below(root: Path, paths: Sequence[str]) -> list[Module]:
    """Parse the Python files at and below *paths*, leaving out hidden folders."""
    files = {file for path in paths for file in (root / path, *(root / path).rglob("*.py")) if file.is_file()}
    names = sorted(file.relative_to(root).as_posix() for file in files)
    return [parsed(name, (root / name).read_text("utf-8")) for name in names if "/." not in f"/{name}"]


def findings(project: Project) -> list[Finding]:
    """List what breaks the rules, in the order of the files."""
    breaches = [(rule, *breach) for rule in RULES for breach in rule.breaches(project)]
    return sorted((path, line, rule.name, f"{what}; {rule.sentence}") for rule, path, line, what in breaches)


def counts(broken: Iterable[Finding]) -> Iterator[str]:
    """Yield for each folder, and for all of them, how often each rule is broken."""
    folders: dict[str, Counter[str]] = {}
    for path, _, rule, _ in broken:
        folders.setdefault(path.rpartition("/")[0], Counter())[rule] += 1
    for folder, counter in [*sorted(folders.items()), ("all", sum(folders.values(), Counter()))]:
        yield f"{folder}: {', '.join(f'{rule} {count:,}' for rule, count in counter.most_common())}"


def main() -> int:
    """Print what breaks the rules, and return 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="*", default=FOLDERS, help="check only these files and folders")
    parser.add_argument("--counts", action="store_true", help="print only how often each rule is broken")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    options = parser.parse_args()
    modules = modules_below(options.root, options.paths)
    if not modules:
        parser.error("there is no Python file to check")
    broken = findings(Project(options.root, modules, ALLOWED_FUNCTION_NAMES))
    lines = counts(broken) if options.counts else ("{}:{}: {}: {}".format(*finding) for finding in broken)
    if broken:
        print(*lines, sep="\n")
        return 1
    docstrings = sum(len(module.docstrings) for module in modules)
    functions = sum(len(module.functions) for module in modules)
    print(f"checked {docstrings:,} docstrings, {functions:,} functions in {len(modules):,} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
