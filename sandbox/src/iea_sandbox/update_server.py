"""The update server: a signed repository on a static file host, and its faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from iea_sandbox.faults import FaultSwitch, Layer
from iea_sandbox.repository import Repository

POLICY = "policy.toml"
README = "lisez-moi/V3.05.txt"

DRIBBLED, DRIBBLE_SECONDS = 256 * 1024, 0.1
"""Bytes at once of a file that comes slowly, and the time between: 2.6 MB a second."""

_FIRST = {POLICY: b"schema = 1\n"}
_SECOND = {
    README: """Impact emploi association V3.05
===============================

Cette version corrige l’affichage des bulletins de paie.
Fermez toutes les fenêtres d’Impact emploi avant l’installation.
""".encode()
}


class UpdateServer:
    """Serves a repository under /updates; two versions, so that one can roll back."""

    def __init__(self, folder: Path, switch: FaultSwitch) -> None:
        self._switch = switch
        self._overlay: dict[str, bytes] = {}
        self._spoiled = False
        self.address = ""
        self.repository = Repository(folder)
        self.repository.publish(_FIRST)
        self.repository.publish(_SECOND)
        self.app = Starlette(
            routes=[
                Route("/updates/metadata/{name}", self._metadata),
                Route("/updates/targets/{name:path}", self._target),
            ]
        )

    def adapt(self) -> None:
        """Apply the fault that is switched on: spoil the metadata, or heal them."""
        active = self._switch.fault_in(Layer.METADATA)
        if self._spoiled:
            self.repository.heal()
        self._overlay = self.repository.spoil(active.fault.name) if active else {}
        self._spoiled = active is not None

    async def _metadata(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name in self._overlay:
            return Response(self._overlay[name], media_type="application/json")
        path = self._path("metadata", name)
        return Response(path.read_bytes(), media_type="application/json") if path else _missing()

    async def _target(self, request: Request) -> Response:
        path = self._path("targets", request.path_params["name"])
        active = self._switch.fault_in(Layer.TARGET)
        if path is None or (active and active.fault.name == "missing-target"):
            return _missing()
        if active is None or (active.fault.name == "cut-target" and "range" in request.headers):
            # it answers Range, for downloads that resume
            return FileResponse(path)
        content = path.read_bytes()
        match active.fault.name:
            case "cut-target":
                length = {"content-length": str(len(content))}
                # uvicorn closes the connection of an answer that ends early
                return StreamingResponse(_dribble(content[: len(content) // 2]), headers=length)
            case "tampered-target":
                content = bytes((content[0] ^ 1,)) + content[1:]
            case "longer-target":
                content += b"!"
            case "shorter-target":
                content = content[: len(content) // 2]
        return Response(content)

    def _path(self, kind: str, name: str) -> Path | None:
        """Return the file of *name*; None if there is none, or it is outside the folder."""
        folder = (self.repository.folder / kind).resolve()
        path = (folder / name).resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None


async def _dribble(content: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), DRIBBLED):
        yield content[begin : begin + DRIBBLED]
        await asyncio.sleep(DRIBBLE_SECONDS)


def _missing() -> Response:
    return PlainTextResponse("Not Found", 404)
