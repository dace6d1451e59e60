"""A recording: more in the log for a while, never a secret."""

from __future__ import annotations

import io
import logging
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iea_agent.assembly.fault_recording import (
    STATE,
    follow_recording,
    load_recording,
    start_recording,
    stop_recording,
)
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.support_file import SupportFile
from iea_agent.domain.addresses import Address, parse
from iea_agent.domain.diagnosis import Server
from iea_agent.domain.timing import RECORDING
from iea_agent.host import logs
from iea_agent.services.authentication import Licence
from iea_agent.services.https import Client
from iea_agent.services.network import Credentials, Route
from iea_agent.services.reachability import examine
from iea_sandbox.proxy import PASSWORD, USER
from iea_sandbox.world import World

room = logging.getLogger("iea_agent.services.network")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})


@pytest.fixture
def log(installation: Installation) -> Iterator[logs.Log]:
    log = logs.start_logging(installation.folders.logs)
    yield log
    log.close()


def read_log(installation: Installation) -> str:
    file = installation.folders.logs / "agent.log"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def test_it_begins_lasts_and_can_be_stopped(installation: Installation, log: logs.Log) -> None:
    room.debug("before")
    until = start_recording(installation)
    assert until is not None
    assert 0 < until - time.time() <= RECORDING
    follow_recording(installation.storage, log)
    room.debug("meanwhile")
    # a new agent goes on with it
    assert load_recording(installation.storage) == until
    stop_recording(installation)
    follow_recording(installation.storage, log)
    room.debug("after")
    assert ("before" in read_log(installation), "meanwhile" in read_log(installation)) == (False, True)
    assert "after" not in read_log(installation)
    assert load_recording(installation.storage) is None


def test_it_ends_by_itself_also_without_anybody_who_looks(installation: Installation, log: logs.Log) -> None:
    log.record(time.time() - 1)
    room.debug("late")
    room.info("usual")
    assert (room.isEnabledFor(logging.DEBUG), "late" in read_log(installation)) == (False, False)
    assert "usual" in read_log(installation)
    # one that was forgotten, and one of a clock that went back
    for until in (time.time() - 1, time.time() + RECORDING + 60):
        installation.storage.write_state(STATE, {"until": until})
        assert load_recording(installation.storage) is None


@pytest.mark.usefixtures("system_vault")
def test_what_is_recorded_is_in_the_support_file_and_no_secret_is(
    installation: Installation, log: logs.Log, world: World
) -> None:
    """A whole test of both servers, by a proxy that asks for a password."""
    start_recording(installation)
    follow_recording(installation.storage, log)
    given = world.licence("good")
    world.break_("proxy", "password")
    routes = [
        Route(ca_file=world.ca_file),
        Route(parse(world.proxy_address), world.ca_file, Credentials(USER, PASSWORD)),
        Route(parse(world.proxy_address), world.ca_file, Credentials(USER, "PLANTED-wrong")),
    ]
    for route in routes:

        def connect(_address: Address, route: Route = route) -> Client:
            return Client(route, online=lambda: True)

        examine(
            {
                Server.AUTHENTICATION: world.authentication.address,
                Server.UPDATES: world.updates.address,
            },
            connect,
            Licence(given.number, given.key),
            lambda _report: None,
            now=datetime.now(UTC),
        )
    data = SupportFile(installation).pack()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        whole = "".join(archive.read(name).decode("utf-8-sig") for name in archive.namelist())
    recorded = read_log(installation)
    for text in ("stage=certificate", "issuer=", "proxy sign-in", "method=POST", "accepted=False"):
        assert text in recorded, text
    assert "stage=certificate" in whole
    for text in (recorded, whole):
        for secret in (given.key, PASSWORD, "PLANTED", "eyJ", "access_token", "Basic "):
            assert secret not in text, secret
