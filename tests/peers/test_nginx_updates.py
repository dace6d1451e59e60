"""Updates from nginx over TLS, as publishers serve them: attacks are refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iea_agent.assembly.updating import Updating
from iea_agent.services.update_download import Terms
from iea_sandbox.world import World
from tests.assembly.test_updating import TestAttacks, offer_of, pc, pc_name
from tests.update_site import CONTENT, NAME, Site, open_nginx_site

pytestmark = pytest.mark.linux
__all__ = ["TestAttacks", "pc", "pc_name"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, running_world: World) -> Iterator[Site]:
    """Return a repository that Debian's nginx serves, for this module."""
    with open_nginx_site(tmp_path_factory.mktemp("nginx"), running_world) as site:
        yield site


def test_a_cut_download_goes_on_where_it_ended(site: Site, pc: Updating) -> None:
    offer = offer_of(pc)
    pc.place.mkdir()
    (pc.place / f"{offer.file.base_name}.{offer.file.sha256}.part").write_bytes(CONTENT[:70_000])
    assert pc.fetch(offer, Terms()).read_bytes() == CONTENT
    last = site.list_given()[-1]
    assert f" 206 {len(CONTENT) - 70_000} " in last
    assert NAME.rpartition("/")[2] in last
