"""Servers that tests talk to: the sandbox's world, and oidc-provider, a certified server that nobody here wrote."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iea_sandbox.world import World


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
