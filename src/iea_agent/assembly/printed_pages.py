"""The pages that a person prints: the statement, and the sheet for IT."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from iea_agent.domain.addresses import AddressError, parse
from iea_agent.domain.incidents import list_incidents
from iea_agent.domain.refusals import NoIncident, RefusedError
from iea_agent.host.journal import Journal
from iea_agent.shell.wording.it_sheet_text import SheetFacts, build_sheet, word_path
from iea_agent.shell.wording.printed_page import PrintedPage
from iea_agent.shell.wording.statement_text import StatementFacts, build_statement

from .disk_refusals import refuse_unreadable
from .last_test import load_test_details
from .page_files import open_file, save_page

if TYPE_CHECKING:
    from .installation import Installation


def make_statement(installation: Installation, number: int = 1) -> PrintedPage:
    """Return the statement about the last incident, or the one *number* - 1 before it.

    Raises ``RefusedError``.
    """
    now = time.time()
    with refuse_unreadable():
        incidents = list_incidents(installation.read_log_book(now))
        journal = Journal(installation.journal_file)
        whole = all(entry.whole for entry in journal.entries())
        last_hash = journal.read_last_hash() if installation.journal_file.exists() else ""
    if not 1 <= number <= len(incidents):
        raise RefusedError(NoIncident())
    values = installation.storage.load().effective.settings
    facts = StatementFacts(
        incidents[-number],
        now,
        values.licence_number,
        installation.program_version(values),
        installation.host.describe_system(),
        load_test_details(installation.storage),
        whole,
        last_hash,
    )
    return build_statement(facts)


def make_sheet(installation: Installation) -> PrintedPage:
    """Return the sheet for the person who looks after the computers, as of now."""
    from iea_agent.domain.diagnosis import Server
    from iea_agent.locale import _
    from iea_agent.shell.wording.report_text import SERVERS

    from .change_keeper import ChangeKeeper
    from .inspection import find_routes
    from .servers import Servers

    effective, now, servers = installation.storage.load().effective, time.time(), Servers(installation)
    changes = ChangeKeeper(
        installation.storage,
        installation.texts.load_policy,
        servers.rehearse,
        lambda _call: None,
        lambda: None,
    )
    # only read here: the agent rehearses and changes
    changes.open()
    values = changes.apply(effective)
    names = {server.value: _(text) for server, text in SERVERS.items()}
    hosts = {}
    for server, address in ((Server.AUTHENTICATION, values.authentication), (Server.UPDATES, values.updates)):
        try:
            parsed = parse(address)
            hosts[names[server.value]] = f"{parsed.host}, TCP {parsed.port}"
        except AddressError:
            hosts[names[server.value]] = address
    routes = {names[name]: word_path(route) for name, route in find_routes(servers, values).items()}
    system = installation.host.describe_system()
    test = load_test_details(installation.storage)
    pending = changes.list_pending(effective, now)
    return build_sheet(SheetFacts(values, now, system, hosts, routes, test, pending))


def open_paper(installation: Installation, name: str) -> str:
    """Show the statement or the sheet; return why it did not open, "" if it did.

    *name* is that of the file, a key of ``PAPERS``. Raises ``RefusedError``.
    """
    return open_file(installation, save_page(installation, PAPERS[name](installation), name))


STATEMENT, SHEET = "justificatif", "fiche-informatique"
PAPERS: Mapping[str, Callable[[Installation], PrintedPage]] = {STATEMENT: make_statement, SHEET: make_sheet}
"""What makes each page, by the name of its file."""
