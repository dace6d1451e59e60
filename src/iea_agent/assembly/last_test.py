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
from iea_agent.host.state_files import StorageError
from iea_agent.host.storage import Storage

if TYPE_CHECKING:
    from iea_agent.domain.repairs import Repair
    from iea_agent.domain.report_documents import TestedServersDocument
    from iea_agent.domain.settings import Settings

_T = TypeVar("_T")
log = logging.getLogger(__name__)

STATE = "last-test"
DETAILS = "last-test-details"
"""The state file for the support file: each stage of that test."""


def keep_test(storage: Storage, reports: Sequence[ServerReport]) -> None:
    """Write down what *reports* said; the test counts without that, too."""
    _write(storage, reports, build_test_document(reports, time.time()))


def keep_repairs(
    storage: Storage, reports: Sequence[ServerReport], repairs: Sequence[Repair] | None, tested: Settings
) -> None:
    """Write down what makes the last test pass, which gave *reports* of *tested*.

    *repairs* is None if it passes by now without one.
    """
    from iea_agent.domain.repairs import add_proxy_findings
    from iea_agent.shell.wording.repair_text import describe_effect, format_changes

    test = load_test_details(storage)
    if test is None:
        return
    # a repair may explain the failure, as the person reads it
    explained = add_proxy_findings(reports, repairs or ())
    document = build_test_document(explained, test.at)
    document["repairs"] = [
        {
            "kind": repair.kind.value,
            "servers": [server.value for server in repair.servers],
            "effect": describe_effect(repair, tested),
            "changes": format_changes(repair.changes),
        }
        for repair in repairs or ()
    ]
    _write(storage, explained, document)


def _write(storage: Storage, reports: Sequence[ServerReport], document: TestedServersDocument) -> None:
    try:
        storage.write_state(STATE, record_test(reports, document["at"]).to_document())
        storage.write_state(DETAILS, document)
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
    names = ("at", "servers", "repairs")
    return cast("TestedServersDocument", {name: document.get(name) for name in names})
