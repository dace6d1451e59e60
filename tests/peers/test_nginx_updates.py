"""Updates from nginx over TLS, as publishers serve them: attacks are refused."""

from __future__ import annotations

import getpass
from collections.abc import Iterator

import pytest

from iea_agent.assembly.updating import Updating
from iea_agent.services.update_download import Terms
from iea_sandbox.world import World
from tests.assembly.test_updating import TestAttacks, offer_of, pc, pc_name
from tests.services.peers import free_ports, run_nginx
from tests.update_site import CONTENT, NAME, Site

pytestmark = pytest.mark.linux
__all__ = ["TestAttacks", "pc", "pc_name"]

CONFIGURATION = """
{user}
daemon off;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    ssl_certificate {folder}/nginx.pem; ssl_certificate_key {folder}/nginx.pem;
    server {{ listen 127.0.0.1:{secure} ssl; root {folder}/served; }}
    server {{ listen 127.0.0.1:{plain}; return 204; }}
}}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, running_world: World) -> Iterator[Site]:
    """Return a repository that Debian's nginx serves, for this module."""
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "nginx.pem").write_bytes(running_world.authority.pem())
    secure, plain = free_ports(2)
    # its workers read folders that are the test's alone
    user = "user root;" if getpass.getuser() == "root" else ""
    text = CONFIGURATION.format(user=user, folder=folder, secure=secure, plain=plain)

    def list_given() -> list[str]:
        lines = (folder / "access.log").read_text(encoding="utf-8").splitlines()
        return [line for line in lines if "/targets/" in line]

    with run_nginx(folder, text, plain):
        yield Site(folder, f"https://localhost:{secure}", list_given, running_world.ca_file)


def test_a_cut_download_goes_on_where_it_ended(site: Site, pc: Updating) -> None:
    offer = offer_of(pc)
    pc.place.mkdir()
    (pc.place / f"{offer.file.base_name}.{offer.file.sha256}.part").write_bytes(CONTENT[:70_000])
    assert pc.fetch(offer, Terms()).read_bytes() == CONTENT
    last = site.list_given()[-1]
    assert f" 206 {len(CONTENT) - 70_000} " in last
    assert NAME.rpartition("/")[2] in last
