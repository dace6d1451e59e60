"""The languages in which a sentence is tested."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iea_agent import locale


@pytest.fixture(params=locale.LANGUAGES)
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test in every language."""
    locale.choose(request.param)
    yield request.param
    locale.choose("fr")
