"""« Ce que ce programme envoie »: the page lists what the servers receive."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from iea_sandbox.record import RecordedRequest
from iea_sandbox.world import World
from tests.installations import Installation
from tests.releases import make_description

PAGE = (Path(__file__).parents[2] / "docs" / "envois.md").read_text(encoding="utf-8")
ROWS = {
    request: int(size) * 1024
    for request, size in re.findall(r"\| `((?:GET|POST) /[^`]+)` \|.*\| moins de (\d+) Ko \|", PAGE)
}
"""The most bytes of each request of the page."""
TEXTS = {request for request in ROWS if "/targets/" in request}
"""The requests for the publisher's texts: those that are published and have changed."""
SETUP, NOTES = "impact-emploi/ImpactEmploi-3.00.73.exe", "notes/SHA-256.VERSION.fr.md"
ALLOWED = {
    *("accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host"),
    *("user-agent", "if-none-match", "if-modified-since"),
}
"""The header fields that tell nothing of the person: with the licence, and what HTTP needs."""


def name_request(request: RecordedRequest) -> str:
    target = re.sub(r"/[0-9a-f]{64}(?=[.])", "/SHA-256", request.target)
    target = re.sub(r"(?<=notes/SHA-256[.])[0-9.]+(?=[.]fr)", "VERSION", target)
    return f"{request.method} {re.sub(r'/[0-9]+(?=[.])', '/N', target)}"


def measure(request: RecordedRequest) -> int:
    """Return the bytes of the request."""
    headers = sum(len(name) + len(value) + 4 for name, value in request.headers.items())
    return len(request.target) + headers + len(request.body)


@pytest.mark.linux  # the same requests on both systems
@pytest.mark.usefixtures("system_vault")
def test_the_page_lists_each_request_with_its_size(installation: Installation, world: World) -> None:
    published = {
        "notices.json": b'{"schema": 1, "notices": []}',
        "notes/3.00.73.fr.md": b"# 3.00.73",
        SETUP: b"MZ",
    }
    world.publish(published, {SETUP: {"iea": make_description(**{"minimum.windows": ""})}})
    installation.license()
    installation.run("test")
    installation.run("update", "check")
    with ExitStack() as running:
        installation.start(running).until("connected")
        requests = world.requests.select()

    named = {name_request(request) for request in requests}
    assert {f"GET /updates/targets/{name}" for name in ("SHA-256.notices.json", NOTES)} <= named
    assert named <= set(ROWS)
    assert set(ROWS) - named <= TEXTS
    private = (str(installation.folder), Path.home().name, json.dumps(str(Path.home())))
    for request in requests:
        assert request.secure
        assert measure(request) < ROWS[name_request(request)]
        assert set(request.headers) <= ALLOWED
        assert re.fullmatch(r"iea-agent/[0-9.]+", request.headers["user-agent"])
        content = f"{request.target} {request.headers} {request.body!r}"
        assert not [name for name in private if len(name) > 4 and name in content]
