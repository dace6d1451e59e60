"""The small changes of the code that `make mutants` tries."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tools.mutants import TESTS, Target, call_tests, list_mutants, mutate, pure_modules

SOURCE = '''
"""A module."""

TABLE = {"a": 1, "b": 2}


def clip(value: int, most: int = 5) -> int:
    """Return the smaller one."""
    log.debug("not tested")
    if value < most and not value == 3:
        raise ValueError
    return min(value, most)
'''


def test_each_kind_of_change_is_made() -> None:
    changes = {(mutant.before, mutant.after) for mutant in list_mutants(SOURCE)}
    assert {
        ("{'a': 1, 'b': 2}", "{'b': 2}"),
        ("{'a': 1, 'b': 2}", "{'a': 1}"),
        ("5", "6"),
        ("value < most", "value <= most"),
        ("value == 3", "value != 3"),
        ("not value == 3", "value == 3"),
        ("value < most and (not value == 3)", "value < most or not value == 3"),
        ("raise ValueError", ""),
        ("return min(value, most)", "return None"),
        ("min", "max"),
    } <= changes


def test_what_no_test_can_notice_stays() -> None:
    for mutant in list_mutants(SOURCE):
        tree, _ = mutate(SOURCE, mutant.number)
        changed = ast.unparse(tree)
        for part in ('"""A module."""', "value: int", "-> int", "log.debug('not tested')"):
            assert part in changed, mutant


def test_each_change_makes_another_module() -> None:
    original = ast.unparse(ast.parse(SOURCE))
    changed = [ast.unparse(mutate(SOURCE, mutant.number)[0]) for mutant in list_mutants(SOURCE)]
    assert original not in changed
    assert len(set(changed)) == len(changed)


def test_the_modules_have_tests() -> None:
    assert all(Target(module).own_tests for module in pure_modules())


def test_the_neighbours_that_import_a_module_are_its_tests_too() -> None:
    assert [Path(file).name for file in Target("domain/day_words").other_tests] == ["test_typed_password.py"]
    assert Target("domain/evidence").own_tests == [str(TESTS / "shell/wording/test_problem_details.py")]


PLAIN = """
import pytest

CALLS = []


@pytest.mark.parametrize(("a", "b"), [(1, 2), pytest.param(3, 4, id="named")])
@pytest.mark.parametrize("c", [5, 6])
def test_cases(a, b, c):
    CALLS.append((a, b, c))


@pytest.mark.windows
def test_elsewhere():
    CALLS.append("windows")


class TestMore:
    @pytest.mark.parametrize("d", [(7, 8)])
    def test_method(self, d):
        CALLS.append(d)
"""


def test_plain_tests_are_called_and_one_with_a_fixture_is_left_to_pytest(tmp_path: Path) -> None:
    plain = tmp_path / "test_plain.py"
    plain.write_text(PLAIN, encoding="utf-8")
    module = load_file(plain)
    assert call_tests(module)
    assert sorted(module.CALLS) == [(1, 2, 5), (1, 2, 6), (3, 4, 5), (3, 4, 6), (7, 8)]
    plain.write_text("def test_with(tmp_path):\n    raise ValueError\n", encoding="utf-8")
    assert not call_tests(load_file(plain))


def test_a_plain_test_that_fails_raises(tmp_path: Path) -> None:
    failing = tmp_path / "test_failing.py"
    failing.write_text("def test_it():\n    assert False\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        call_tests(load_file(failing))


def load_file(file: Path) -> ModuleType:
    """Load a test file that stands outside of the project."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
