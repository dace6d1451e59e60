"""The record of each server's usual issuer and token endpoint, in a state file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from iea_agent.domain import addresses, known_issuers
from iea_agent.domain.diagnosis import Certificate, Failure, Notice, ServerReport
from iea_agent.domain.known_issuers import KnownIssuer
from iea_agent.host.state_files import StorageError

if TYPE_CHECKING:
    from iea_agent.host.storage import Storage

log = logging.getLogger(__name__)

STATE = "issuers"


class IssuerRecord:
    """The record of one installation; writes to disk only what is new."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        # last accepted certificate of each origin: a heartbeat then costs nothing
        self._accepted: dict[str, Certificate] = {}
        self._latest: dict[str, KnownIssuer] = {}

    def record_accepted(self, address: str, certificate: Certificate | None, now: float) -> None:
        """Record the issuer of *certificate*, which TLS has accepted at *address*."""
        origin = _origin(address)
        if origin is None or certificate is None or self._accepted.get(origin) == certificate:
            return
        was_believed = self._find(origin).is_believed
        entry = self._change(origin, lambda entry: known_issuers.record_accepted(entry, certificate, now))
        self._accepted[origin] = certificate
        if entry.is_believed and not was_believed:
            fields = {"server": origin, "issuer": entry.stranger, "usual": entry.usual}
            log.warning("certificate of an interceptor believed", extra={"fields": fields})

    def record_endpoint(self, address: str, endpoint: str, now: float) -> None:
        """Record and log the token *endpoint* to which the licence for *address* is sent."""
        origin = _origin(address)
        if origin is None or self._find(origin).endpoint == endpoint:
            return
        entry = self._change(origin, lambda entry: known_issuers.record_endpoint(entry, endpoint, now))
        fields = {"endpoint": endpoint, "before": entry.endpoint_before}
        if entry.endpoint_before:
            log.warning("token endpoint changed", extra={"fields": fields})
        else:
            log.info("token endpoint", extra={"fields": {"endpoint": endpoint}})

    def list_notices(self, address: str, now: float) -> tuple[Notice, ...]:
        """Return what a person should know about *address*, though it is reached."""
        origin = _origin(address)
        return () if origin is None else known_issuers.list_notices(self._find(origin), now)

    def _find(self, origin: str) -> KnownIssuer:
        """Return the entry of *origin*, from the disk at the first time only."""
        if origin not in self._latest:
            self._latest[origin] = self._load().get(origin, KnownIssuer())
        return self._latest[origin]

    def record_refused(self, address: str, failure: Failure, now: float) -> Failure:
        """Record the refused certificate and return *failure*, which says since when."""
        origin = _origin(address)
        if origin is None or failure.certificate is None:
            return failure
        self._accepted.pop(origin, None)
        refused = failure.certificate
        entry = self._change(origin, lambda entry: known_issuers.record_refused(entry, refused, now)[0])
        return replace(failure, certificate=known_issuers.record_refused(entry, refused, now)[1])

    def record(self, report: ServerReport, now: float) -> ServerReport:
        """Record the certificate of a finished test and return *report*, dated likewise."""
        if report.failure is not None and report.failure.certificate is not None:
            return replace(report, failure=self.record_refused(report.address, report.failure, now))
        self.record_accepted(report.address, report.certificate, now)
        return replace(report, notices=self.list_notices(report.address, now))

    def _load(self) -> dict[str, KnownIssuer]:
        try:
            return self._storage.read_state(STATE, known_issuers.parse_record) or {}
        except StorageError as error:
            log.warning("issuers not read", extra={"fields": {"error": type(error.__cause__).__name__}})
            return {}

    def _change(self, origin: str, change: Callable[[KnownIssuer], KnownIssuer]) -> KnownIssuer:
        """Apply *change* to the entry of *origin*, also on disk; return the new one."""
        before = self._load().get(origin, KnownIssuer())
        entry = self._latest[origin] = change(before)
        if entry == before:
            return entry
        try:
            with self._storage.exclusive_state(STATE):
                # another session or window may have written since
                issuers = self._load()
                entry = self._latest[origin] = change(issuers.get(origin, KnownIssuer()))
                self._storage.write_state(STATE, known_issuers.render_record({**issuers, origin: entry}))
        except StorageError as error:
            # a lost record costs one sentence, never the connection
            log.warning("issuers not kept", extra={"fields": {"error": type(error.__cause__).__name__}})
        return entry


def _origin(address: str) -> str | None:
    try:
        return addresses.parse(address).origin
    except addresses.AddressError:
        return None
