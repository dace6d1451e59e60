"""The world: both servers, the services on the way to them, and their faults."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import traceback
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from starlette.requests import Request as WebRequest
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from iea_sandbox.answers import FaultMiddleware
from iea_sandbox.authentication_server import LICENCES, AuthenticationServer, RegisteredLicence
from iea_sandbox.authority import NAME, CertificateAuthority
from iea_sandbox.faults import (
    PARTS,
    SERVERS,
    ActiveFault,
    FaultSwitch,
    PartName,
    ServerName,
    UnknownFault,
    find_fault,
)
from iea_sandbox.listener import Listener
from iea_sandbox.name_server import PUBLIC_NAME, WPAD, NameServer
from iea_sandbox.proxy import Proxy
from iea_sandbox.proxy_script import OFFERED_PORT, PATH, ProxyScriptServer
from iea_sandbox.record import Record, RecordedConnection, RecordedRequest
from iea_sandbox.typed_addresses import address_by_name, mistype_address
from iea_sandbox.update_server import UpdateServer

_PATIENCE = 10.0  # seconds that any order to the servers may take

_BY_NAME: tuple[PartName, ...] = ("names", "network", "pac")
"""Parts whose faults strike only clients that use the server's name."""

_Result = TypeVar("_Result")


class WorldFailed(Exception):
    """The sandbox itself had an error: what its clients got cannot be relied on."""


class World:
    """The sandbox's servers, run in a thread: ``with World(folder) as world:``.

    *folder* receives the authority's certificate, its revocation lists and the update repository.
    ``authentication.address`` and ``updates.address`` are what a person types if nothing is broken; they are set once
    the world has started, as are ``proxy.port``, ``names.port`` and ``script_address``. Methods may be called from
    any other thread.
    """

    def __init__(
        self,
        folder: Path,
        *,
        authentication_port: int = 0,
        updates_port: int = 0,
        issuer_path: str = "",
        dialect: str = "rfc",
        names_port: int = 0,
        script_port: int = 0,
        network_port: int | None = None,
    ) -> None:
        """Make the servers; port 0 is any free one.

        *issuer_path* is "/realms/iea" for example, *dialect* one of ``faults.DIALECTS``. *script_port* must be 80
        for a network that offers its script (WPAD). *network_port* is the UDP port on loopback of the program that
        takes this machine's network away: it receives "off" or "on", and answers anything when done. None if there
        is no such program.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = CertificateAuthority()
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self.authority.authority_pem + self.authority.revocations_pem)
        self._switches: Mapping[PartName, FaultSwitch] = {name: FaultSwitch() for name in PARTS}
        self.authentication = AuthenticationServer(self._switches["auth"], issuer_path, dialect)
        self.updates = UpdateServer(folder / "updates", self._switches["updates"])
        self.proxy = Proxy(self._switches["proxy"])
        self.names = NameServer(self._switches["names"])
        self._script_version = 0
        self.requests: Record[RecordedRequest] = Record()
        self.connections: Record[RecordedConnection] = Record()
        self._issuer_path = issuer_path
        self._ports: Mapping[ServerName, int] = {"auth": authentication_port, "updates": updates_port}
        self._listeners = {
            "auth": self._listener("auth", self.authentication.app),
            "updates": self._listener("updates", self.updates.app),
        }
        self._clear_listeners = {
            name: Listener(_redirect_to(listener)) for name, listener in self._listeners.items()
        }
        self._script_listener = Listener(ProxyScriptServer(self._switches["pac"], self.proxy))
        self._names_port, self._script_port, self._network_port = names_port, script_port, network_port
        self._failures: list[Exception] = []
        self._hosted: list[Listener] = []
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._ended = asyncio.Event()
        self._switching = asyncio.Lock()

    @property
    def root_file(self) -> Path:
        """The first root.json: the trust anchor with which an update client is shipped."""
        return self.updates.repository.first_root

    def licence(self, name: str = "good") -> RegisteredLicence:
        """Return one of ``LICENCES``. Raises KeyError."""
        return LICENCES[name]

    def break_(self, part: PartName, how: str, **options: object) -> None:
        """Switch a fault of ``faults.FAULTS`` on, in place of the part's present one.

        The options are those of ``faults.FaultOptions``. Every connection and request after the return meets the
        fault. Raises UnknownFault, and changes nothing, also if this machine cannot have that fault.
        """
        self._call(self._apply(part, find_fault(part, how, options)))

    def mend(self, part: PartName | None = None) -> None:
        """Switch off the fault of *part*, None for all. Raises UnknownFault."""
        if part not in (None, *PARTS):
            raise UnknownFault(f"Rien de ce nom : « {part} ». Choix : {', '.join(PARTS)}.")
        for name in PARTS if part is None else (part,):
            if self._switches[name].broken:
                self._call(self._apply(name, None))

    def broken(self, part: PartName) -> ActiveFault | None:
        """Return the fault that is switched on at *part*."""
        return self._switches[part].broken

    def to_type(self, server: ServerName) -> str:
        """Return the address to type for *server* so that the faults have an effect."""
        address = self.authentication.address if server == "auth" else self.updates.address
        broken = self.broken("address")
        if broken:
            return mistype_address(address, broken.fault.name, self._clear_listeners[server].port)
        if self._switches["names"].on("names-blocked"):
            return address_by_name(address, PUBLIC_NAME)
        proxy = self.broken("proxy")
        # Windows sends nothing for localhost through its own proxy
        by_name = any(self.broken(part) for part in _BY_NAME)
        return address_by_name(address) if by_name or (proxy and proxy.fault.how == "needed") else address

    @property
    def script_address(self) -> str:
        """The proxy script's address, a new one after each change: Windows caches scripts."""
        return f"http://127.0.0.1:{self._script_listener.port}{PATH}?{self._script_version}"

    @property
    def proxy_address(self) -> str:
        """The address of the proxy, as a person types it."""
        return f"http://127.0.0.1:{self.proxy.port}"

    def publish(
        self, targets: Mapping[str, bytes], descriptions: Mapping[str, Mapping[str, object]] | None = None
    ) -> None:
        """Publish these update targets (content by path) in a new signed version.

        *descriptions* are the ``custom`` fields of some of them, by path.
        """

        async def publish() -> None:
            self.updates.repository.publish(targets, descriptions)

        self._call(publish())

    def host(self, app: ASGIApp) -> int:
        """Serve another application over plain HTTP, and return its port."""
        listener = Listener(app)
        self._call(listener.open())
        self._hosted.append(listener)
        return listener.port

    def __enter__(self) -> Self:
        """Open the ports. Raises OSError if one is taken."""
        self._thread.start()
        self._loop = self._started.result(_PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything. Raises WorldFailed if the sandbox had an error meanwhile."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(_PATIENCE)
        if self._failures:
            raise WorldFailed(str(self._failures[0])) from self._failures[0]

    def _listener(self, name: ServerName, app: ASGIApp) -> Listener:
        switch = self._switches[name]
        return Listener(
            FaultMiddleware(app, name, switch, self.requests),
            certificates=self.authority,
            name=name,
            switch=switch,
            connections=self.connections,
        )

    def _run(self) -> None:
        # Windows' usual loop cannot wait for a first byte without taking it
        factory = asyncio.SelectorEventLoop if sys.platform == "win32" else None
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        asyncio.get_running_loop().set_exception_handler(self._record_error)
        try:
            for name in SERVERS:
                await self._listeners[name].open(self._ports[name])
                await self._clear_listeners[name].open()
            await self._script_listener.open(self._script_port)
            await self.proxy.open()
            await self.names.open(self._names_port)
            self.authentication.address = (
                f"https://localhost:{self._listeners['auth'].port}{self._issuer_path}"
            )
            self.updates.address = f"https://localhost:{self._listeners['updates'].port}/updates"
            self._started.set_result(asyncio.get_running_loop())
            await self._ended.wait()
        except OSError as error:
            self._started.set_exception(error)
        finally:
            if self._switches["network"].broken:
                await self._apply("network", None)
            for listener in (
                *self._listeners.values(),
                *self._clear_listeners.values(),
                self._script_listener,
                *self._hosted,
            ):
                await listener.close()
            await self.proxy.close()
            await self.names.close()

    def _record_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Remember an error from a task or a callback, unless a client has left (OSError)."""
        error = context.get("exception")
        if not isinstance(error, OSError) and not _is_second_end(error):
            self._failures.append(error or RuntimeError(context["message"]))
            loop.default_exception_handler(context)

    async def _apply(self, part: PartName, broken: ActiveFault | None) -> None:
        # orders come from several threads: only one at a time may leave and take a port
        async with self._switching:
            before = self._switches[part].broken
            self._switches[part].broken = broken
            try:
                await self._adapt(part)
            except UnknownFault:
                self._switches[part].broken = None
                if before:
                    await self._adapt(part)
                raise

    async def _adapt(self, part: PartName) -> None:
        """Apply the fault that is switched on."""
        switch = self._switches[part]
        match part:
            case "auth" | "updates":
                if part == "updates":
                    self.updates.adapt()
                await self._listeners[part].adapt()
            case "proxy":
                await self.proxy.adapt()
                await self._apply_proxy_only()
            case "pac":
                offered = switch.on("pac-offered")
                if offered and self._script_listener.port != OFFERED_PORT:
                    raise UnknownFault(
                        "Offrir un script n’est possible que dans le banc d’essai (make tour)."
                    )
                self._script_version += 1
                self.names.names = {NAME, WPAD} if offered else {NAME}
                await self._apply_proxy_only()
            case "network":
                await self._switch_network("off" if switch.broken else "on")
                await self.names.close()
                if not switch.broken:
                    await self.names.open()

    async def _apply_proxy_only(self) -> None:
        """Let only the proxy connect to the servers during a fault that says so."""
        by_script = self._switches["pac"].on("pac-offered", "pac-lost")
        proxy_only = by_script or self._switches["proxy"].on("proxy-needed")
        for listener in self._listeners.values():
            if listener.only_inside != proxy_only:
                listener.only_inside = proxy_only
                await listener.adapt()

    async def _switch_network(self, how: str) -> None:
        """Order the rig to switch the network. Raises UnknownFault if no rig listens."""
        if self._network_port is None:
            raise UnknownFault("Couper le réseau n’est possible que dans le banc d’essai (make tour).")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rig:
            rig.setblocking(False)
            rig.connect(("127.0.0.1", self._network_port))
            rig.send(how.encode("ascii"))
            async with asyncio.timeout(_PATIENCE / 2):
                await asyncio.get_running_loop().sock_recv(rig, 16)

    def _call(self, work: Coroutine[object, object, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)


def _redirect_to(listener: Listener) -> ASGIApp:
    """Return what redirects a server's plain http port to its https port."""

    async def redirect(scope: Scope, receive: Receive, send: Send) -> None:
        url = WebRequest(scope).url
        host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
        target = url.replace(scheme="https", netloc=f"{host}:{listener.port}")
        await RedirectResponse(str(target), 301)(scope, receive, send)

    return redirect


def _is_second_end(error: BaseException | None) -> bool:
    """Return whether asyncio only ended a connection that had ended.

    It does so if a client resets a connection while its last bytes leave (CPython 3.13, ``_SelectorSocketTransport``).
    """
    if not isinstance(error, AttributeError) or error.__traceback__ is None:
        return False
    code = list(traceback.walk_tb(error.__traceback__))[-1][0].f_code
    return code.co_name == "_call_connection_lost" and error.obj is None
