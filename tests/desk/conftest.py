"""What the tests of the desk's pages share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iea_desk.web.desk_pages import DeskSources
from tests.desk.desk_visitor import Visitor, serve


@pytest.fixture(scope="module")
def visitor() -> Iterator[Visitor]:
    """A browser in front of the pages without keys, mailbox and repository."""
    with serve(DeskSources()) as visitor:
        yield visitor
