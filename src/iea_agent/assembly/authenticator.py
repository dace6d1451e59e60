"""Authenticates this installation with the server, each attempt in a thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage, malformed_address
from iea_agent.loop import Attempt

from .servers import Servers

if TYPE_CHECKING:
    from iea_agent.domain.addresses import Address
    from iea_agent.domain.settings import Settings
    from iea_agent.host.logs import Log
    from iea_agent.services.authentication import Discovery, Licence
    from iea_agent.services.https import Client

log = logging.getLogger("iea_agent.agent")


@dataclass
class Session:
    """The connection under one set of settings; serves one attempt at a time."""

    settings: Settings
    licence: Licence | None = None
    client: Client | None = None
    discovery: Discovery | None = None
    in_use: bool = False
    replaced: bool = False

    def close_client(self) -> None:
        """Close the client in a thread: closing may wait for the network."""
        client, self.client = self.client, None
        if client is not None:
            threading.Thread(target=client.close, name="close", daemon=True).start()


class Authenticator:
    """Owns the session, on the loop's thread; *report* is called on the attempt's."""

    def __init__(self, servers: Servers, settings: Settings, report: Callable[[Attempt], None]) -> None:
        self._servers = servers
        self._report = report
        self._session = Session(settings)
        # hides secrets in the log files, once there are any
        self.log: Log | None = None

    def begin(self, run: int) -> None:
        """Begin attempt *run* in a thread."""
        if self._session.in_use:
            # an abandoned attempt has not ended yet
            self.renew(self._session.settings)
        session = self._session
        session.in_use = True
        threading.Thread(
            target=self._attempt, args=(run, session), name=f"attempt-{run}", daemon=True
        ).start()

    def renew(self, settings: Settings) -> None:
        """Start a new session with *settings*; an attempt of the old one ends by itself."""
        old, self._session = self._session, Session(settings)
        old.replaced = True
        old.close_client()

    def _attempt(self, run: int, session: Session) -> None:
        try:
            failure = self._authenticate(session)
        except Exception as error:
            log.exception("attempt failed unexpectedly")
            failure = Failure(Stage.ADDRESS, problems.INTERNAL_ERROR, type(error).__name__)
        session.in_use = False
        if session.replaced:
            session.close_client()
        self._report(Attempt(run, failure))

    def _authenticate(self, session: Session) -> Failure | None:
        from iea_agent.domain import addresses
        from iea_agent.host.vault import VaultUnavailable
        from iea_agent.services.authentication import authenticate
        from iea_agent.services.https import HttpsError

        server = session.settings.authentication
        try:
            licence = session.licence or self._servers.installation.licence(session.settings)
        except VaultUnavailable as error:
            return Failure(Stage.LICENCE, problems.VAULT_UNAVAILABLE, type(error.__cause__).__name__)
        if licence is None:
            return Failure(Stage.LICENCE, problems.NOT_CONFIGURED)
        session.licence = licence
        self._hide(licence.key)
        try:
            address = addresses.parse(server)
        except addresses.AddressError as error:
            return malformed_address(error.kind)
        client: Client | None = None
        try:
            client = session.client = session.client or self._connect(session, address)
            access = authenticate(client, address, licence, discovery=session.discovery)
        except HttpsError as error:
            # the route may have failed, and the system's proxy may be another one by the next attempt
            session.discovery = None
            failure = self._servers.issuers.record_refused(server, error.failure, time.time())
            if client is not None:
                failure = self._servers.explain(session.settings, client, address, failure)
            session.close_client()
            return failure
        session.discovery = access.discovery
        self._servers.issuers.record_accepted(server, client.certificate)
        return None

    def _connect(self, session: Session, address: Address) -> Client:
        client = self._servers.connect(session.settings)(address)
        route = client.route
        if route.credentials is not None:
            self._hide(route.credentials.password)
        fields = {"route": str(route), "source": route.source.value, "detail": route.detail}
        log.info("route", extra={"fields": {name: value for name, value in fields.items() if value}})
        return client

    def _hide(self, secret: str) -> None:
        if self.log is not None:
            self.log.hide(secret)
