"""Authenticates this installation with the server, each session in a thread.

An attempt signs in if there is no token that holds; otherwise it is a heartbeat, which sends no secret and costs the server nothing (``domain/lease.py``).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING

from iea_agent.domain import lease, problems, timing
from iea_agent.domain.diagnosis import Failure, Stage, malformed_address
from iea_agent.domain.machine import Moment
from iea_agent.domain.problems import Retry
from iea_agent.loop import Attempt

from .servers import Servers

if TYPE_CHECKING:
    from iea_agent.domain.addresses import Address
    from iea_agent.domain.lease import Lease
    from iea_agent.domain.problems import Problem
    from iea_agent.domain.settings import Settings
    from iea_agent.host.logs import Log
    from iea_agent.services.authentication import AccessGranted, Licence
    from iea_agent.services.explanation import Explanation
    from iea_agent.services.heartbeat import PublishedDiscovery
    from iea_agent.services.https import Client

log = logging.getLogger("iea_agent.agent")


@dataclass(frozen=True)
class TokenRefusal:
    """What the token endpoint answered to *licence* instead of a token.

    No attempt of the agent's own asks it again before *until* (steady clock): it wants a wait, or it refused the licence, which is sent again after 15
    minutes only.
    """

    licence: Licence
    failure: Failure
    until: float

    def forbids(self, licence: Licence, now: Moment, *, looking: bool) -> bool:
        """Return whether an attempt (a look if *looking*) must not ask for a token."""
        waits = self.licence == licence and now.steady < self.until
        return waits and (looking or self.failure.problem.is_refusal)


@dataclass(frozen=True)
class HeldToken:
    """An access token, a secret, and when it *ends*; only memory has it."""

    value: str = field(repr=False)
    ends: Moment

    def count_seconds(self, now: Moment) -> float:
        """Return for how long it holds yet."""
        return min(self.ends.steady - now.steady, self.ends.wall - now.wall)


@dataclass(frozen=True)
class Standing:
    """How the installation stands with the server, whatever the connection.

    *lease* is that of the *token* for *licence*. *refusal* is the last one, if the server wants a wait or refuses the licence.
    *returning* is true after a failed attempt.
    """

    licence: Licence | None = None
    lease: Lease | None = None
    refusal: TokenRefusal | None = None
    returning: bool = False
    token: HeldToken | None = None


@dataclass(frozen=True)
class Explained:
    """What explained a problem, looked for from *since* on, and again from *until* on.

    Both are times of the steady clock.
    """

    since: float
    until: float
    explanation: Explanation


@dataclass
class Session:
    """The connection under one set of settings; serves one attempt at a time."""

    settings: Settings
    standing: Standing = field(default_factory=Standing)
    licence: Licence | None = None
    client: Client | None = None
    published: PublishedDiscovery | None = None
    explained: dict[Problem, Explained] = field(default_factory=dict)
    in_use: bool = False
    replaced: bool = False
    # the attempts for the session's thread: a thread for each would wake the loop more often
    orders: SimpleQueue[tuple[int, bool] | None] = field(default_factory=SimpleQueue)
    thread: threading.Thread | None = None

    def close_client(self) -> None:
        """Close the client in a thread: closing may wait for the network."""
        client, self.client = self.client, None
        if client is not None:
            threading.Thread(target=client.close, name="close", daemon=True).start()


class Authenticator:
    """Owns the session, on the loop's thread; *report* is called on the attempt's."""

    def __init__(
        self,
        servers: Servers,
        settings: Settings,
        report: Callable[[Attempt], None],
        clock: Callable[[], Moment],
        chance: Callable[[], float],
    ) -> None:
        self._servers = servers
        self._report = report
        self._clock = clock
        self._chance = chance
        self._session = Session(settings)
        # hides secrets in the log files, once there are any
        self.log: Log | None = None

    def begin(self, run: int) -> None:
        """Begin attempt *run* in the session's thread."""
        self._start(run, looking=False)

    def look(self, run: int) -> None:
        """Begin attempt *run*, but ask for no token before the server wants it."""
        self._start(run, looking=True)

    def find_token(self) -> HeldToken | None:
        """Return the token that holds now, None if there is none."""
        token = self._session.standing.token
        return token if token is not None and token.count_seconds(self._clock()) > 0 else None

    def renew(self, settings: Settings, *, sign_in: bool = False) -> None:
        """Start a new session with *settings*; an attempt of the old one ends by itself.

        With the same settings a token that holds is used further, unless *sign_in*.
        """
        old = self._session
        same = settings == old.settings and not sign_in
        self._session = Session(settings, old.standing if same else Standing())
        old.replaced = True
        old.orders.put(None)
        # an attempt under way owns its client, and closes it
        if not old.in_use:
            old.close_client()

    def _start(self, run: int, *, looking: bool) -> None:
        if self._session.in_use:
            # an abandoned attempt has not ended yet
            self.renew(self._session.settings)
        session = self._session
        session.in_use = True
        session.orders.put((run, looking))
        if session.thread is None:
            session.thread = threading.Thread(
                target=self._serve, args=(session,), name="attempts", daemon=True
            )
            session.thread.start()

    def _serve(self, session: Session) -> None:
        while (order := session.orders.get()) is not None:
            run, looking = order
            self._attempt(run, session, looking)

    def _attempt(self, run: int, session: Session, looking: bool) -> None:
        try:
            failure = self._authenticate(session, looking)
        except Exception as error:
            log.exception("attempt failed unexpectedly")
            failure = Failure(Stage.ADDRESS, problems.INTERNAL_ERROR, type(error).__name__)
        session.standing = replace(session.standing, returning=failure is not None)
        session.in_use = False
        if session.replaced:
            session.close_client()
        self._report(Attempt(run, failure))

    def _authenticate(self, session: Session, looking: bool) -> Failure | None:
        from iea_agent.domain import addresses
        from iea_agent.host.vault import VaultUnavailable
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
            self._contact(session, client, address, licence, looking)
        except HttpsError as error:
            # the route may have failed, and the system's proxy may be another one by the next attempt
            session.published = None
            failure = self._servers.issuers.record_refused(server, error.failure, time.time())
            if client is not None:
                failure = self._explain(session, client, address, failure)
            session.close_client()
            return failure
        session.explained.clear()
        self._servers.issuers.record_accepted(server, client.certificate, time.time())
        return None

    def _explain(self, session: Session, client: Client, address: Address, failure: Failure) -> Failure:
        """Return what a person reads about *failure*.

        In a long outage its attempts share one look for what explains it.
        """
        now = self._clock().steady
        last = session.explained.get(failure.problem)
        if last is None or now >= last.until:
            since = now if last is None else last.since
            explanation = self._servers.explain(session.settings, client, address, failure)
            last = Explained(since, now + timing.next_explanation(now - since), explanation)
            session.explained[failure.problem] = last
        return last.explanation.cause(failure, time.time())

    def _contact(
        self, session: Session, client: Client, address: Address, licence: Licence, looking: bool
    ) -> None:
        """Sign in, or make a heartbeat. Raises ``HttpsError``."""
        from iea_agent.services.https import HttpsError

        now, standing = self._clock(), session.standing
        held = standing.lease if standing.licence == licence else None
        if held is None or held.wants_sign_in(now, returning=standing.returning):
            try:
                self._sign_in(session, client, address, licence, looking)
            except HttpsError as error:
                failure = error.failure
                if held is None or not held.holds(now) or failure.problem.retry is not Retry.UNAVAILABLE:
                    raise
                # only the sign-in is refused for now: the token still holds, so the heartbeat decides
                seconds = timing.put_off_sign_in(failure.retry_after, self._chance())
                later = held.put_off(now, seconds)
            else:
                return
        else:
            later = held.spread(now, self._chance()) if standing.returning else held
        self._check_server(session, client, address)
        session.standing = replace(session.standing, lease=later)

    def _check_server(self, session: Session, client: Client, address: Address) -> None:
        from iea_agent.services import heartbeat

        session.published = heartbeat.check_server(client, address, session.published)

    def _sign_in(
        self, session: Session, client: Client, address: Address, licence: Licence, looking: bool
    ) -> None:
        from iea_agent.services.authentication import authenticate
        from iea_agent.services.https import HttpsError

        if looking or session.published is None:
            self._check_server(session, client, address)
        now, refusal = self._clock(), session.standing.refusal
        if refusal is not None and refusal.forbids(licence, now, looking=looking):
            raise HttpsError(refusal.failure)
        published = session.published
        try:
            access = authenticate(
                client,
                address,
                licence,
                discovery=published.discovery if published else None,
                connect=self._servers.connect(session.settings),
                on_key=lambda endpoint: self._servers.issuers.record_endpoint(
                    str(address), str(endpoint), time.time()
                ),
            )
        except HttpsError as error:
            if seconds := _find_wait(error.failure):
                refusal = TokenRefusal(licence, error.failure, now.steady + seconds)
                session.standing = replace(session.standing, refusal=refusal)
            raise
        if published is None or access.discovery != published.discovery:
            session.published = None
        self._hide(access.token)
        session.standing = self._grant(licence, access)

    def _grant(self, licence: Licence, access: AccessGranted) -> Standing:
        now = self._clock()
        seconds = timing.TOKEN_LIFETIME if access.expires_in is None else access.expires_in
        token = HeldToken(access.token, Moment(now.wall + seconds, now.steady + seconds))
        return Standing(licence, lease.grant(now, access.expires_in), token=token)

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


def _find_wait(failure: Failure) -> float:
    """Return for how many seconds after *failure* to ask for no token."""
    if failure.problem.is_refusal:
        return timing.REFUSED
    if failure.problem.retry is Retry.UNAVAILABLE and failure.retry_after:
        return min(failure.retry_after, timing.RETRY_AFTER_LONGEST)
    return 0.0
