"""The record of the last test of both servers: support asks first what it said."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from iea_agent.domain.diagnosis import ServerReport
from iea_agent.domain.server_test_record import ServerTestRecord, parse_server_test, record_test
from iea_agent.host.storage import Storage, StorageError

log = logging.getLogger(__name__)

STATE = "last-test"


def keep_test(storage: Storage, reports: Sequence[ServerReport]) -> None:
    """Write down what *reports* said; the test counts without that, too."""
    try:
        storage.write_state(STATE, record_test(reports, time.time()).to_document())
    except StorageError:
        log.warning("test not recorded")


def load_test(storage: Storage) -> ServerTestRecord | None:
    """Return what the last test said, None if it is not known."""
    try:
        return storage.read_state(STATE, parse_server_test)
    except StorageError:
        return None
