"""Keeps who usually vouches for each server in the installation's state, and tells since when another one does."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from iea_agent.domain import addresses, known_issuers
from iea_agent.domain.diagnosis import Certificate, Failure, ServerReport
from iea_agent.domain.known_issuers import Known
from iea_agent.host.storage import StorageError

if TYPE_CHECKING:
    from iea_agent.host.storage import Storage

log = logging.getLogger(__name__)

STATE = "issuers"


class Issuers:
    """The memory of one installation. The disk is touched only where a certificate tells something new."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._settled: dict[
            str, Certificate
        ] = {}  # what was believed last, so that a heartbeat costs nothing

    def accepted(self, address: str, certificate: Certificate | None) -> None:
        """TLS has believed *certificate* at *address*."""
        origin = _origin(address)
        if origin is None or certificate is None or self._settled.get(origin) == certificate:
            return
        known = self._read()
        self._keep(known, origin, known_issuers.accepted(known.get(origin, Known()), certificate))
        self._settled[origin] = certificate

    def refused(self, address: str, failure: Failure, now: float) -> Failure:
        """*failure* at *address*, with the time at which its certificate's issuer took the usual one's place, where it did."""
        origin = _origin(address)
        if origin is None or failure.certificate is None:
            return failure
        self._settled.pop(origin, None)
        known = self._read()
        entry, certificate = known_issuers.refused(known.get(origin, Known()), failure.certificate, now)
        self._keep(known, origin, entry)
        return replace(failure, certificate=certificate)

    def seen(self, report: ServerReport, now: float) -> ServerReport:
        """*report* of a finished test, remembered and told in the same way."""
        if report.failure is not None and report.failure.certificate is not None:
            return replace(report, failure=self.refused(report.address, report.failure, now))
        self.accepted(report.address, report.certificate)
        return report

    def _read(self) -> dict[str, Known]:
        try:
            return known_issuers.read(self._storage.read_state(STATE))
        except StorageError as error:
            log.warning("issuers not read", extra={"fields": {"error": type(error.__cause__).__name__}})
            return {}

    def _keep(self, known: dict[str, Known], origin: str, entry: Known) -> None:
        if known.get(origin, Known()) == entry:
            return
        try:
            self._storage.write_state(STATE, known_issuers.written({**known, origin: entry}))
        except StorageError as error:  # a memory that is not kept costs one sentence, never the connection
            log.warning("issuers not kept", extra={"fields": {"error": type(error.__cause__).__name__}})


def _origin(address: str) -> str | None:
    try:
        return addresses.parse(address).origin
    except addresses.AddressError:
        return None
