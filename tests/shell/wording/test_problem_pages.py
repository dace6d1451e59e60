"""The pages beside the agent: found by code, and by nothing else."""

from __future__ import annotations

import pytest

from iea_agent.domain.problems import CATALOGUE
from iea_agent.shell.wording import problem_pages


@pytest.mark.parametrize("code", ["", "IEA-X99", "index", "../pages/IEA-T05", "IEA-T05.html"])
def test_only_a_code_of_the_catalogue_has_a_page(code: str) -> None:
    assert problem_pages.find_page(code) is None


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_problem_has_its_page_beside_the_agent(code: str) -> None:
    page = problem_pages.find_page(code)
    assert page is not None
    assert (page.name, page.parent.name, page.parents[1].name) == (f"{code}.html", "pages", "shell")


@pytest.mark.parametrize("name", problem_pages.GUIDE)
def test_help_without_a_problem_opens_its_page_of_the_guide(name: str) -> None:
    page = problem_pages.find_page(name)
    assert page is not None
    assert page.name == f"{name}.html"
