"""The small changes of the code that `make mutants` tries."""

from __future__ import annotations

import ast
from pathlib import Path

from tools.mutants import TESTS, Target, list_mutants, mutate, pure_modules

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
