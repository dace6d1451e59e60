"""The whole world in one object: both servers on loopback, their authority, the way to them, and the switches to break each part."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
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
from iea_sandbox.name_server import WPAD, NameServer
from iea_sandbox.proxy import Proxy
from iea_sandbox.proxy_script import OFFERED_PORT, PATH, ProxyScript
from iea_sandbox.record import Record, RecordedConnection, RecordedRequest
from iea_sandbox.typed_addresses import address_by_name, mistype_address
from iea_sandbox.update_server import UpdateServer

_PATIENCE = 10.0  # seconds that any order to the servers may take

_BY_NAME: tuple[PartName, ...] = ("names", "network", "pac")
"""Parts whose faults strike only who comes by name."""

_Result = TypeVar("_Result")


class WorldFailed(Exception):
    """An error of the sandbox's own: what it showed to clients cannot be relied on."""


class World:
    """Runs from `with World(folder) as world:` (or `start` to `close`) in a thread of its own.

    `folder` receives the authority's certificate, its revocation lists and the update repository. `authentication.address`
    and `updates.address` are what a person would type while all is well; like `proxy.port`, `names.port` and `script_address`
    they hold once the world has started. Methods may be called from any thread but the world's own.
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
        """Port 0 is any free one; `issuer_path` such as "/realms/iea"; `dialect` one of `faults.DIALECTS`.

        `script_port` has to be 80 for a network that offers its script (WPAD).
        `network_port` is where who can take this machine's network away listens (UDP on loopback: "off" and "on", each
        answered by anything once it is done); None where nobody can.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.certificates = CertificateAuthority()
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self.certificates.authority_pem + self.certificates.revocations_pem)
        self._switches: Mapping[PartName, FaultSwitch] = {name: FaultSwitch() for name in PARTS}
        self.authentication = AuthenticationServer(self._switches["auth"], issuer_path, dialect)
        self.updates = UpdateServer(folder / "updates", self._switches["updates"])
        self.proxy = Proxy(self._switches["proxy"])
        self.names = NameServer(self._switches["names"])
        self._editions = 0
        self.requests: Record[RecordedRequest] = Record()
        self.connections: Record[RecordedConnection] = Record()
        self._issuer_path = issuer_path
        self._ports: Mapping[ServerName, int] = {"auth": authentication_port, "updates": updates_port}
        self._fronts = {
            "auth": self._front("auth", self.authentication.app),
            "updates": self._front("updates", self.updates.app),
        }
        self._clear = {name: Listener(_ToHttps(front)) for name, front in self._fronts.items()}
        self._script = Listener(ProxyScript(self._switches["pac"], self.proxy))
        self._names_port, self._script_port, self._network_port = names_port, script_port, network_port
        self._failures: list[Exception] = []
        self._others: list[Listener] = []
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._ended = asyncio.Event()
        self._switching = asyncio.Lock()

    @property
    def root_file(self) -> Path:
        """The first root.json: the trust anchor a client of the updates is shipped with."""
        return self.updates.repository.first_root

    @property
    def licences(self) -> Mapping[str, RegisteredLicence]:
        """All of them by name."""
        return LICENCES

    def licence(self, name: str = "good") -> RegisteredLicence:
        """One of `LICENCES`: good, second, suspended, limited, special, unknown. Raises KeyError."""
        return LICENCES[name]

    def break_(self, part: PartName, how: str, **options: object) -> None:
        """Switch a fault of `faults.FAULTS` on, in place of the part's present one; options as in `faults.FaultOptions`.

        From the return on, every new connection and request meets it. Raises UnknownFault, also where this machine
        cannot be broken that way: nothing is broken then.
        """
        self._call(self._apply(part, find_fault(part, how, options)))

    def mend(self, part: PartName | None = None) -> None:
        """Make a part (None: everything) sound again. Raises UnknownFault for another part."""
        if part not in (None, *PARTS):
            raise UnknownFault(f"Rien de ce nom : « {part} ». Choix : {', '.join(PARTS)}.")
        for name in PARTS if part is None else (part,):
            if self._switches[name].broken:
                self._call(self._apply(name, None))

    def broken(self, part: PartName) -> ActiveFault | None:
        """What is broken there just now."""
        return self._switches[part].broken

    def to_type(self, server: ServerName) -> str:
        """The address to type for a server, so that what is broken shows: its own, a spoiled one, or by name."""
        address = self.authentication.address if server == "auth" else self.updates.address
        broken = self.broken("address")
        if broken:
            return mistype_address(address, broken.fault.name, self._clear[server].port)
        proxy = self.broken("proxy")
        # Windows leads nothing that is called localhost through its own proxy
        by_name = any(self.broken(part) for part in _BY_NAME)
        return address_by_name(address) if by_name or (proxy and proxy.fault.how == "needed") else address

    @property
    def script_address(self) -> str:
        """Where the proxy script is (PAC); another place after each change, since Windows remembers what it has fetched."""
        return f"http://127.0.0.1:{self._script.port}{PATH}?{self._editions}"

    @property
    def proxy_address(self) -> str:
        """The proxy, as it would be typed."""
        return f"http://127.0.0.1:{self.proxy.port}"

    def publish(self, targets: Mapping[str, bytes]) -> None:
        """Publish these update targets (path in the repository: content) in a new signed version."""

        async def publish() -> None:
            self.updates.repository.publish(targets)

        self._call(publish())

    def host(self, app: ASGIApp) -> int:
        """Serve one more application over plain HTTP until the world closes; returns its port."""
        front = Listener(app)
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

    def _front(self, name: ServerName, app: ASGIApp) -> Listener:
        switch = self._switches[name]
        return Listener(
            FaultMiddleware(app, name, switch, self.requests),
            certificates=self.certificates,
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
        asyncio.get_running_loop().set_exception_handler(self._note)
        try:
            for name in SERVERS:
                await self._fronts[name].open(self._ports[name])
                await self._clear[name].open()
            await self._script.open(self._script_port)
            await self.proxy.open()
            await self.names.open(self._names_port)
            self.authentication.address = f"https://localhost:{self._fronts['auth'].port}{self._issuer_path}"
            self.updates.address = f"https://localhost:{self._fronts['updates'].port}/updates"
            self._started.set_result(asyncio.get_running_loop())
            await self._ended.wait()
        except OSError as error:
            self._started.set_exception(error)
        finally:
            if self._switches["network"].broken:
                await self._apply("network", None)
            for front in (*self._fronts.values(), *self._clear.values(), self._script, *self._others):
                await front.close()
            await self.proxy.close()
            await self.names.close()

    def _note(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio met in a task or a callback. A client that leaves in the middle (OSError) is no news here."""
        error = context.get("exception")
        if not isinstance(error, OSError):
            self._failures.append(error or RuntimeError(context["message"]))
            loop.default_exception_handler(context)

    async def _apply(self, part: PartName, broken: ActiveFault | None) -> None:
        async with (
            self._switching
        ):  # orders come from several threads: a port is left and taken by one of them at a time
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
        """Act on the switch's present position."""
        switch = self._switches[part]
        match part:
            case "auth" | "updates":
                if part == "updates":
                    self.updates.adapt()
                await self._fronts[part].adapt()
            case "proxy":
                await self.proxy.adapt()
                await self._wall_in()
            case "pac":
                offered = switch.on("pac-offered")
                if offered and self._script.port != OFFERED_PORT:
                    raise UnknownFault(
                        "Offrir un script n'est possible que dans le banc d'essai (make tour)."
                    )
                self._editions += 1
                self.names.known = {NAME, WPAD} if offered else {NAME}
                await self._wall_in()
            case "network":
                await self._switch_network("off" if switch.broken else "on")
                await self.names.close()
                if not switch.broken:
                    await self.names.open()

    async def _wall_in(self) -> None:
        """Let only the proxy through to the servers where a fault wants it, else everybody."""
        walled = self._switches["proxy"].on("proxy-needed") or self._switches["pac"].on("pac-offered")
        for front in self._fronts.values():
            if front.only_inside != walled:
                front.only_inside = walled
                await front.adapt()

    async def _switch_network(self, how: str) -> None:
        """Have the rig take this machine's network away, or give it back. Raises UnknownFault where there is no such rig."""
        if self._network_port is None:
            raise UnknownFault("Couper le réseau n'est possible que dans le banc d'essai (make tour).")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.connect(("127.0.0.1", self._network_port))
            asking.send(how.encode("ascii"))
            async with asyncio.timeout(_PATIENCE / 2):
                await asyncio.get_running_loop().sock_recv(asking, 16)

    def _call(self, work: Coroutine[object, object, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)


class _ToHttps:
    """The plain http port that a server has beside its own: it sends whoever comes there to https."""

    def __init__(self, front: Listener) -> None:
        self._front = front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        asked = WebRequest(scope).url
        host = f"[{asked.hostname}]" if ":" in (asked.hostname or "") else asked.hostname
        there = asked.replace(scheme="https", netloc=f"{host}:{self._front.port}")
        await RedirectResponse(str(there), 301)(scope, receive, send)
