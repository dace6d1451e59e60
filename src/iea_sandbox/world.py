"""The whole world in one object: both servers on loopback, their authority, and the switches to break them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from starlette.types import ASGIApp

from iea_sandbox.answers import Witness
from iea_sandbox.authentication_server import LICENCES, AuthenticationServer, Licence
from iea_sandbox.certificates import Certificates
from iea_sandbox.faults import SERVERS, Broken, ServerName, Switch, UnknownFault, choose
from iea_sandbox.front import Front
from iea_sandbox.record import Connection, Record, Request
from iea_sandbox.update_server import UpdateServer

_PATIENCE = 10.0  # seconds that any order to the servers may take

_Result = TypeVar("_Result")


class WorldFailed(Exception):
    """An error of the sandbox's own: what it showed to clients cannot be relied on."""


class World:
    """Runs from `with World(folder) as world:` (or `start` to `close`) in a thread of its own.

    `folder` receives the authority's certificate and the update repository. `authentication.address` and
    `updates.address` are what a person would type; they hold once the world has started. Methods may be called from
    any thread but the world's own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        authentication_port: int = 0,
        updates_port: int = 0,
        issuer_path: str = "",
        dialect: str = "rfc",
    ) -> None:
        """Port 0 is any free one; `issuer_path` such as "/realms/iea"; `dialect` one of `faults.DIALECTS`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.certificates = Certificates()
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self.certificates.authority_pem)
        self._switches: Mapping[ServerName, Switch] = {name: Switch() for name in SERVERS}
        self.authentication = AuthenticationServer(self._switches["auth"], issuer_path, dialect)
        self.updates = UpdateServer(folder / "updates", self._switches["updates"])
        self.requests: Record[Request] = Record()
        self.connections: Record[Connection] = Record()
        self._issuer_path = issuer_path
        self._ports: Mapping[ServerName, int] = {"auth": authentication_port, "updates": updates_port}
        self._fronts = {
            "auth": self._front("auth", self.authentication.app),
            "updates": self._front("updates", self.updates.app),
        }
        self._failures: list[Exception] = []
        self._others: list[Front] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="sandbox", daemon=True)
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._ended = asyncio.Event()

    @property
    def root_file(self) -> Path:
        """The first root.json: the trust anchor a client of the updates is shipped with."""
        return self.updates.repository.first_root

    @property
    def licences(self) -> Mapping[str, Licence]:
        """All of them by name."""
        return LICENCES

    def licence(self, name: str = "good") -> Licence:
        """One of `LICENCES`: good, second, suspended, limited, special, unknown. Raises KeyError."""
        return LICENCES[name]

    def break_(self, server: ServerName, how: str, **options: object) -> None:
        """Switch a fault of `faults.FAULTS` on, in place of the present one; options as in `faults.Options`.

        From the return on, every new connection and request meets it. Raises UnknownFault.
        """
        self._call(self._apply(server, choose(server, how, options)))

    def mend(self, server: ServerName | None = None) -> None:
        """Make a server (None: both) sound again. Raises UnknownFault for another server."""
        if server not in (None, *SERVERS):
            raise UnknownFault(f"Serveur inconnu : « {server} ». Choix : {', '.join(SERVERS)}.")
        for name in SERVERS if server is None else (server,):
            if self._switches[name].broken:
                self._call(self._apply(name, None))

    def broken(self, server: ServerName) -> Broken | None:
        """What is broken there just now."""
        return self._switches[server].broken

    def publish(self, targets: Mapping[str, bytes]) -> None:
        """Publish these update targets (path in the repository: content) in a new signed version."""

        async def publish() -> None:
            self.updates.repository.publish(targets)

        self._call(publish())

    def host(self, app: ASGIApp) -> int:
        """Serve one more application over plain HTTP until the world closes; returns its port."""
        front = Front(app)
        self._call(front.open())
        self._others.append(front)
        return front.port

    def start(self) -> Self:
        """Open the ports. Raises OSError when one is taken."""
        self._thread.start()
        self._loop = self._started.result(_PATIENCE)
        return self

    def close(self) -> None:
        """Close everything and end the thread. Raises WorldFailed when the sandbox itself had an error meanwhile."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(_PATIENCE)
        if self._failures:
            raise WorldFailed(str(self._failures[0])) from self._failures[0]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _front(self, name: ServerName, app: ASGIApp) -> Front:
        switch = self._switches[name]
        return Front(
            Witness(app, name, switch, self.requests),
            certificates=self.certificates,
            name=name,
            switch=switch,
            connections=self.connections,
        )

    async def _live(self) -> None:
        asyncio.get_running_loop().set_exception_handler(self._note)
        try:
            for name in SERVERS:
                await self._fronts[name].open(self._ports[name])
            self.authentication.address = f"https://localhost:{self._fronts['auth'].port}{self._issuer_path}"
            self.updates.address = f"https://localhost:{self._fronts['updates'].port}/updates"
            self._started.set_result(asyncio.get_running_loop())
            await self._ended.wait()
        except OSError as error:
            self._started.set_exception(error)
        finally:
            for front in (*self._fronts.values(), *self._others):
                await front.close()

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio met in a task or a callback. A client that leaves in the middle (OSError) is no news here."""
        error = context.get("exception")
        if not isinstance(error, OSError):
            self._failures.append(error or RuntimeError(context["message"]))
            loop.default_exception_handler(context)

    async def _apply(self, server: ServerName, broken: Broken | None) -> None:
        self._switches[server].broken = broken
        if server == "updates":
            self.updates.adapt()
        await self._fronts[server].adapt()

    def _call(self, work: Coroutine[object, object, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)
