"""Check that tools/check_prose.py finds what breaks its rules, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

import pytest

from tools import check_prose

ROOT = Path(__file__).resolve().parents[2]
LONG = "x" * 110
CLASS = 'class Ball:\n    """Be round."""\n'


class Example(NamedTuple):
    """Give files that break one rule, and the place where they do."""

    files: dict[str, str]
    path: str
    line: int


def one(text: str, line: int) -> Example:
    """Return an example of one file, src/pkg/ball.py, that breaks a rule in *line*."""
    return Example({"src/pkg/ball.py": text}, "src/pkg/ball.py", line)


def function(length: int) -> str:
    """Return the text of a function of *length* lines, behind a decorator."""
    return "@decorated\ndef draw():\n" + "    pass\n" * (length - 1)


ALLOWED = {"src/pkg/stream.py::Outer.Stream.read": "io calls it"}
STREAM = "class Outer:\n    class Stream:\n        def read(self): ...\n"

EXAMPLES = {
    "docstring-length": [
        one(f'"""{"x" * 80}."""\n', 1),
        one(f'class Ball:\n    """\n    {"x" * 80}.\n    """\n', 2),
        one(f'async def draw():\n    if True:\n        def ball():\n            """{"x" * 80}."""\n', 4),
    ],
    "docstring-end": [
        one('"""Draw the ball"""\n', 1),
        one('def draw():\n    """Draw the ball,\n    or the heart."""\n', 2),
        one('class Ball:\n    """"""\n', 2),
    ],
    "function-length": [one(function(61), 2), one("class Ball:\n" + indent(function(61), " "), 3)],
    "variable-name": [
        one("a = 1\nfound = 2\n", 2),
        one("_known: int\n", 1),
        one("kept += 1\n", 1),
        one("def draw(a, *, told=None): ...\n", 1),
        one("def draw(\n    a,\n    *said,\n): ...\n", 3),
        one("draw(\n    lambda chosen: 1)\n", 2),
        one("class Ball:\n    shown: bool = True\n", 2),
        one("class Ball:\n    def draw(self):\n        self._shown = True\n", 3),
        one("for a, found in []: ...\n", 1),
        one("with a as (b, *found): ...\n", 1),
        one("try: ...\nexcept OSError as told: ...\n", 2),
        one("a = [\n    1\n    for kept in b]\n", 3),
        one("if (found := 1): ...\n", 1),
        one("match a:\n    case [1, *kept]: ...\n", 2),
        one("match a:\n    case {1: 2, **kept}: ...\n", 2),
        one("match a:\n    case 1 as kept: ...\n", 2),
        one("import a as known\n", 1),
    ],
    "function-name": [
        one("def read(): ...\n", 1),
        one("class Ball:\n    @property\n    def _text(self): ...\n", 3),
        one("def draw():\n    if True:\n        async def heard(): ...\n", 3),
    ],
    "stale-allowance": [
        Example({"src/pkg/stream.py": "def read_all(): ...\n"}, "src/pkg/stream.py", 1),
        Example({"src/pkg/stream.py": "class Outer:\n    read = 1\n"}, "src/pkg/stream.py", 1),
        Example({"src/pkg/river.py": ""}, "src/pkg/stream.py", 1),
    ],
    "module-name": [
        Example({"tests/utils.py": ""}, "tests/utils.py", 1),
        Example({"rig/core/__init__.py": ""}, "rig/core/__init__.py", 1),
    ],
    "repeated-name": [
        Example({"src/a/ball.py": "", "src/b/ball.py": ""}, "src/b/ball.py", 1),
        Example(
            {"src/a/one.py": CLASS, "src/b/two.py": f"a = 1\nif a:\n    {CLASS[:11]} ...\n"},
            "src/b/two.py",
            3,
        ),
    ],
    "comment-length": [one(f"a = 1\nb = 2  # {LONG}\n", 2), one(f'a = """\n{LONG}"""  # so\n', 2)],
    "comment-wrapped": [
        one("a = (\n    1\n)  # so\n", 3),
        one("draw(\n    1,\n)  # so\n", 3),
        one("a = (\n    1  # so\n)\n", 2),
        one("draw(\n    a=(\n        1  # so  # noqa: S101\n    ),\n)\n", 3),
        one("def draw():\n    return (\n        1  # so\n    )\n", 3),
        one("a = [\n    (\n        1  # so\n    ),\n]\n", 3),
    ],
}

CLEAN = {
    "src/pkg/__init__.py": "",
    "src/other/__init__.py": "",
    "src/pkg/cli.py": "",
    "src/other/cli.py": "",
    "src/pkg/ball.py": f'''"""{"x" * 79}.

A line below may be as long as it likes and end as it likes {LONG}
"""

import known
from known import found


class _Private:
    class Inner:
        """Is it inside?"""

    foundling = 1


def readable(a):
    """List:"""
    draw(found=1, **known.told)
    a.kept = {{"known": 1}}
    print(found, self.found, "#", """
    )  # no comment, but {LONG}
    """)


{function(60)}
# a comment on its own line {LONG}
b = 1  # {"x" * 101}
c = draw(
    1,
    2,
)  # noqa: S101
c = draw(1)  # type: ignore[no-untyped-call, {LONG}]  # noqa: S101, S105
c = (
    1,  # a tuple
)
c = (
    1  # the first
    + 2  # the second
)
c = draw(
    1  # an argument
)
''',
    "src/other/balls.py": "class _Private:\n    class Inner: ...\n",
    "tests/ball.py": CLASS,
    "tools/ball.py": CLASS,
    "tests/.hidden/utils.py": "",
    "tests/notes.txt": "found = 1",
}


def broken(
    root: Path, files: dict[str, str], allowed: dict[str, str] | None = None
) -> list[check_prose.Finding]:
    """Return what the checker finds in *files*, written below *root*."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    modules = check_prose.modules_below(root, check_prose.FOLDERS)
    return check_prose.findings(check_prose.Project(root, modules, allowed or {}))


@pytest.mark.parametrize("rule", check_prose.RULES, ids=lambda rule: rule.name)
def test_each_breach_of_a_rule_is_found_where_it_is(rule: check_prose.Rule, tmp_path: Path) -> None:
    for number, (files, path, line) in enumerate(EXAMPLES[rule.name]):
        allowed = ALLOWED if rule.name == "stale-allowance" else {}
        findings = broken(tmp_path / str(number), files, allowed)
        assert [finding[:3] for finding in findings] == [(path, line, rule.name)], files
        assert findings[0][3].endswith(f"; {rule.sentence}")


def test_clean_files_have_no_findings(tmp_path: Path) -> None:
    assert broken(tmp_path, CLEAN) == []


def test_an_allowed_function_may_have_a_vague_name(tmp_path: Path) -> None:
    assert broken(tmp_path, {"src/pkg/stream.py": STREAM}, ALLOWED) == []


def test_an_allowance_for_a_name_that_is_not_vague_is_stale(tmp_path: Path) -> None:
    findings = broken(
        tmp_path, {"src/pkg/ball.py": "def draw(): ...\n"}, {"src/pkg/ball.py::draw": "it draws"}
    )
    assert [finding[:3] for finding in findings] == [("src/pkg/ball.py", 1, "stale-allowance")]


def test_an_allowance_for_a_file_that_is_not_checked_is_not_stale(tmp_path: Path) -> None:
    broken(tmp_path, {"src/pkg/stream.py": STREAM, "src/pkg/ball.py": CLASS})
    modules = check_prose.modules_below(tmp_path, ["src/pkg/ball.py"])
    assert [module.path for module in modules] == ["src/pkg/ball.py"]
    assert check_prose.findings(check_prose.Project(tmp_path, modules, ALLOWED)) == []


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the tool as ``make lint`` does."""
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "check_prose.py", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_the_tool_and_its_test_obey_the_rules() -> None:
    done = run("tools/check_prose.py", "tests/project/test_prose_check.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("checked ")
    assert done.stdout.endswith(" functions in 2 files\n")


def test_the_tool_prints_a_line_for_each_finding_or_counts_them(tmp_path: Path) -> None:
    unchecked = {entry.partition("::")[0]: "" for entry in check_prose.ALLOWED_FUNCTION_NAMES}
    broken(tmp_path, {**unchecked, "rig/ball.py": "found = 1\nkept = 2\n", "rig/a/utils.py": ""})
    done = run("--root", tmp_path, "rig")
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines() == [
        "rig/a/utils.py:1: module-name: utils is vague; the name of a module says what it holds",
        "rig/ball.py:1: variable-name: found is vague; the name of a variable says what it holds",
        "rig/ball.py:2: variable-name: kept is vague; the name of a variable says what it holds",
    ]
    done = run("--root", tmp_path, "rig", "--counts")
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines() == [
        "rig: variable-name 2",
        "rig/a: module-name 1",
        "all: variable-name 2, module-name 1",
    ]


def test_the_tool_refuses_to_check_nothing(tmp_path: Path) -> None:
    assert run("--root", tmp_path, "src").returncode == 2
