"""The switches of a running sandbox, over HTTP on loopback."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from iea_sandbox.authentication_server import LICENCES
from iea_sandbox.authority import NAME
from iea_sandbox.faults import OPTION_NAMES, PARTS, SERVERS
from iea_sandbox.orders import FILE
from iea_sandbox.proxy import PASSWORD, USER
from iea_sandbox.world import World

_NUMBERS = ("retry_after", "days")


def attach(world: World, home: Path) -> Path:
    """Open the endpoint of *world*, write ``sandbox.json`` (private) and return it."""
    home.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(24)

    # plain functions: Starlette runs them in a worker thread, from which the world accepts orders
    def answer(request: Request, carry_out: Callable[[dict[str, str]], None]) -> Response:
        # other users of the machine reach loopback too
        given = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(given, f"Bearer {token}".encode()):
            return JSONResponse({"error": "jeton absent ou faux"}, 401)
        try:
            carry_out(dict(request.query_params))
        except ValueError as error:  # UnknownFault, or not a number
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(_status(world))

    def break_(query: dict[str, str]) -> None:
        options = {
            name: int(query[name]) if name in _NUMBERS else query[name]
            for name in OPTION_NAMES
            if name in query
        }
        world.break_(query.get("part", ""), query.get("how", ""), **options)  # type: ignore[arg-type]

    def mend(query: dict[str, str]) -> None:
        world.mend(query.get("part"))  # type: ignore[arg-type]  # mend() checks it

    routes = [
        Route("/status", lambda request: answer(request, lambda _: None)),
        Route("/break", lambda request: answer(request, break_), methods=["POST"]),
        Route("/mend", lambda request: answer(request, mend), methods=["POST"]),
    ]
    port = world.host(Starlette(routes=routes))
    path = home / FILE
    beside = path.with_name(path.name + ".part")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(
            _status(world) | {"control": {"port": port, "token": token}}, file, indent=2, ensure_ascii=False
        )
    os.replace(beside, path)
    return path


def _status(world: World) -> dict[str, object]:
    broken = {name: world.broken(name) for name in PARTS}
    licences = {name: {"number": licence.number, "key": licence.key} for name, licence in LICENCES.items()}
    return {
        "schema": 1,
        "authentication": world.authentication.address,
        "updates": world.updates.address,
        "to_type": {name: world.to_type(name) for name in SERVERS},
        "proxy": {"address": world.proxy_address, "user": USER, "password": PASSWORD},
        "pac": world.script_address,
        "names": {"server": f"127.0.0.1:{world.names.port}", "name": NAME},
        "ca": str(world.ca_file.resolve()),
        "root": str(world.root_file.resolve()),
        "licences": licences,
        "broken": {name: each.fault.how if each else None for name, each in broken.items()},
        "requests": {name: len(world.requests.select(name)) for name in SERVERS},
    }
