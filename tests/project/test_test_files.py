"""Every module of the agent has tests: a file of its name, or one named here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "iea_agent"
TESTS = ROOT / "tests"

TESTED_BY = {
    # a declaration, compared with its schema
    "domain/report_documents.py": "domain/test_documents.py",
    # values without behaviour, in use wherever failures are worded
    "domain/evidence.py": "shell/wording/test_problem_details.py",
    # the programs themselves
    "__main__.py": "assembly/test_crash.py",
    "commands/assistance_commands.py": "test_assistance.py",
    "commands/connection_commands.py": "test_cli.py",
    "commands/program_commands.py": "test_cli.py",
    "commands/running_agent.py": "test_cli.py",
    "commands/settings_commands.py": "test_cli.py",
    "commands/support_commands.py": "test_cli.py",
    "commands/terminal.py": "test_cli.py",
    "commands/update_commands.py": "assembly/test_update_requests.py",
    "shell/wording/it_sheet_text.py": "shell/wording/test_printed_page.py",
    "shell/wording/statement_text.py": "shell/wording/test_printed_page.py",
    "shell/wording/journal_text.py": "test_cli.py",
    "shell/wording/phone_code_text.py": "test_cli.py",
    "shell/wording/support_file_text.py": "assembly/test_support_file.py",
    "shell/wording/autostart_text.py": "assembly/test_autostart_choice.py",
    "assembly/agent_client.py": "test_cli.py",
    "assembly/dialog_adapters.py": "desktop/test_dialogs.py",
    "assembly/inspection.py": "test_cli.py",
    "assembly/installation.py": "test_cli.py",
    "assembly/instance.py": "assembly/test_session.py",
    "assembly/own_command.py": "assembly/test_window_process.py",
    "assembly/last_test.py": "test_cli.py",
    "assembly/printed_pages.py": "test_cli.py",
    "assembly/support_facts.py": "assembly/test_support_file.py",
    "assembly/program_launch.py": "test_cli.py",
    "assembly/servers.py": "assembly/test_proxies.py",
    "assembly/window_opener.py": "desktop/test_windows_open.py",
    # with real servers and proxies
    "services/network.py": "services/test_https.py",
    "services/tunnel.py": "services/test_proxy_answers.py",
    "services/web_pages.py": "services/test_judge.py",
    # one contract for both systems
    "host/child.py": "host/test_host.py",
    "host/installer_process.py": "assembly/test_installing.py",
    "host/posix.py": "host/test_host.py",
    "host/windows.py": "host/test_host.py",
    "host/broken_files.py": "host/test_storage.py",
    "host/settings_file.py": "host/test_storage.py",
    "host/state_files.py": "host/test_storage.py",
    "host/windows_mail.py": "host/test_host.py",
    "host/windows_private.py": "host/test_windows_pipe.py",
    # nothing but what a wire is, and the proofs that both ends of one make
    "domain/wires.py": "test_channel.py",
    "domain/channel_proof.py": "test_channel.py",
    # what a window decides, without a window
    "shell/dialogs/ports.py": "shell/dialogs/test_dialog_decisions.py",
    "shell/dialogs/repair_offers.py": "shell/dialogs/test_dialog_decisions.py",
    "shell/dialogs/settings_rows.py": "shell/dialogs/test_dialog_decisions.py",
    "shell/dialogs/status_overview.py": "shell/dialogs/test_dialog_decisions.py",
    "shell/dialogs/typed_settings.py": "shell/dialogs/test_dialog_decisions.py",
    "shell/dialogs/updates_port.py": "shell/wording/test_update_overview.py",
    # with real clicks
    "shell/dialogs/reading_pane.py": "desktop/test_updates_dialog.py",
    "shell/dialogs/version_reader.py": "desktop/test_updates_dialog.py",
    "shell/dialogs/autostart_row.py": "desktop/test_dialogs.py",
    "shell/dialogs/first_help_panel.py": "desktop/test_support_dialog.py",
    "shell/dialogs/papers_panel.py": "desktop/test_support_dialog.py",
    "shell/dialogs/server_test.py": "desktop/test_dialogs.py",
    "shell/dialogs/unsaved_question.py": "desktop/test_dialogs.py",
    "shell/dialogs/background.py": "desktop/test_dialogs.py",
    "shell/dialogs/connection_fields.py": "desktop/test_dialogs.py",
    "shell/dialogs/history_strip.py": "desktop/test_dialogs.py",
    "shell/dialogs/phone_code_row.py": "desktop/test_dialogs.py",
    "shell/dialogs/letter_panel.py": "desktop/test_support_dialog.py",
    "shell/dialogs/scrolled_dialog.py": "desktop/test_dialogs.py",
    "shell/dialogs/server_test_panel.py": "desktop/test_dialogs.py",
    "shell/dialogs/settings_dialog.py": "desktop/test_dialogs.py",
    "shell/dialogs/start_offer.py": "desktop/test_dialogs.py",
    "shell/dialogs/stage_results.py": "desktop/test_dialogs.py",
    "shell/dialogs/status_dialog.py": "desktop/test_dialogs.py",
    "shell/dialogs/widgets.py": "desktop/test_dialogs.py",
    "shell/tray/plain_tray.py": "shell/tray/test_tray.py",
    "shell/tray/windows_tray.py": "desktop/test_tray.py",
}
"""Modules whose tests stand in a file of another name, and that file."""

MODULES = sorted(
    path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if path.name != "__init__.py"
)
FILES = {path.name: path for path in TESTS.rglob("test_*.py")}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_tests(module: str) -> None:
    own = FILES.get(f"test_{Path(module).name}")
    assert (own is None) is (module in TESTED_BY), f"tests/**/test_{Path(module).name}, or a line here"
    if own is None:
        assert (TESTS / TESTED_BY[module]).is_file()


def test_a_test_file_tests_something() -> None:
    for path in FILES.values():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        assert any(name.startswith("test_") for name in names), path


def test_only_modules_that_are_there_are_listed() -> None:
    assert set(TESTED_BY) <= set(MODULES)
