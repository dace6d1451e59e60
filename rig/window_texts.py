"""Texts of the agent's windows by which the rig recognises them, in French."""

from __future__ import annotations

from iea_agent.domain import person_requests
from iea_agent.locale import _
from iea_agent.shell.dialogs.settings_rows import ROWS, Control
from iea_agent.shell.wording import report_text

SETTINGS = person_requests.SETTINGS.title
STATUS = person_requests.STATUS.title
SUPPORT = person_requests.SUPPORT.title
ENTER_ASSISTANCE = "Activer le mode assistance"

TEST_BUTTON = "Tester l’accès aux serveurs"
TEST_PASSED = report_text.SUCCEEDED
BOTH_PASSED = report_text.SERVERS_REACHED
TEST_FAILED = report_text.FAILED
REPAIR_SEARCH = "Recherche d’une correction"
REPAIR_BUTTON = "Corriger\u00a0:"


ADDRESS_FIELDS = tuple(_(row.label).replace("&", "") for row in ROWS if row.control is Control.ADDRESS)
"""The labels above the addresses of both servers."""
LICENCE_FIELD = next(_(row.label).replace("&", "") for row in ROWS if row.name == "licence.number")
