"""The record of the last test of both servers: support asks first what it said."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from iea_agent.domain.diagnosis import ServerReport
from iea_agent.domain.server_test_record import (
    ServerTestRecord,
    build_test_document,
    parse_server_test,
    record_test,
)
from iea_agent.domain.support_report import TestedServers, parse_test
from iea_agent.host.storage import Storage, StorageError

if TYPE_CHECKING:
    from iea_agent.domain.report_documents import TestedServersDocument

_T = TypeVar("_T")
log = logging.getLogger(__name__)

STATE = "last-test"
DETAILS = "last-test-details"
"""The state file for the support file: each stage of that test."""


def keep_test(storage: Storage, reports: Sequence[ServerReport]) -> None:
    """Write down what *reports* said; the test counts without that, too."""
    try:
        now = time.time()
        storage.write_state(STATE, record_test(reports, now).to_document())
        storage.write_state(DETAILS, build_test_document(reports, now))
    except StorageError:
        log.warning("test not recorded")


def load_test(storage: Storage) -> ServerTestRecord | None:
    """Return what the last test said, None if it is not known."""
    try:
        return storage.read_state(STATE, parse_server_test)
    except StorageError:
        return None


def load_test_details(storage: Storage) -> TestedServers | None:
    """Return the last test stage by stage, None if it is not known."""
    return _load(storage, parse_test)


def load_test_document(storage: Storage) -> TestedServersDocument | None:
    """Return the same as the document that was written."""
    return _load(storage, _check_document)


def _load(storage: Storage, parse: Callable[[Mapping[str, object]], _T]) -> _T | None:
    try:
        return storage.read_state(DETAILS, parse)
    except StorageError:
        return None


def _check_document(document: Mapping[str, object]) -> TestedServersDocument:
    parse_test(document)
    # the state file has the number of its form beside it
    return cast("TestedServersDocument", {"at": document["at"], "servers": document["servers"]})
