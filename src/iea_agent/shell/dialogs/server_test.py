"""The test of what is typed: one at a time, with its marks at the rows.

After a failed test it searches for what works instead.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import wx

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Server, ServerReport, Stage, StageOutcome
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.settings import Settings, list_changes
from iea_agent.locale import _
from iea_agent.shell.wording.problem_details import summarize_problem

from . import typed_settings
from .background import run_in_background
from .connection_fields import Fields, Look
from .ports import DialogContents, SettingsPort
from .scrolled_dialog import give_focus
from .server_test_panel import ServerTestPanel, is_ticked

if TYPE_CHECKING:
    from iea_agent.domain.repairs import Repair

_SERVER_ROWS = {server: f"connection.{server.value}" for server in Server}
_LICENCE_ROW = "licence.number"
_NOT_TESTED = ("program.path",)
"""The rows that a test does not depend on."""
_LOOKS = {StageOutcome.PASSED: Look.PASSED, StageOutcome.FAILED: Look.FAILED}


class ServerTest:
    """Tests what the *fields* hold, and shows it there and in *panel*.

    *load* returns what the dialog shows. Calls *on_result* when a test has an outcome or a repair is offered.
    """

    def __init__(
        self,
        dialog: wx.Window,
        fields: Fields,
        panel: ServerTestPanel,
        port: SettingsPort,
        load: Callable[[], DialogContents],
        on_result: Callable[[], None],
    ) -> None:
        self._dialog = dialog
        self._fields = fields
        self._panel = panel
        self._port = port
        self._load = load
        self._on_result = on_result
        # number of the present test: what an earlier one reports is ignored
        self._run = 0
        self._cancelled: threading.Event | None = None
        # set if no search for repairs runs and none is offered
        self._search_ended = threading.Event()
        self._search_ended.set()
        self.tested: Settings | None = None
        # the settings with which the authentication server, tested last, did not accept this PC
        self.failing: Settings | None = None
        # whether a test of what is typed has ended, and whether it has passed
        self.has_ended = self.has_passed = False

    @property
    def is_running(self) -> bool:
        """Whether a test is under way."""
        return self._cancelled is not None

    def start(self, values: Settings, licence_key: str | None, proxy_password: str | None) -> None:
        """Test *values*; a secret that is None stands for the saved one."""
        self._forget_search()
        self.tested = values
        self.has_ended = self.has_passed = False
        self._run += 1
        run, cancelled = self._run, threading.Event()
        self._cancelled = cancelled
        self._panel.show_start()
        self._mark_all(Look.RUNNING)

        def on_progress(report: ServerReport) -> None:
            if not cancelled.is_set():
                wx.CallAfter(self._on_progress, run, report)

        run_in_background(
            self._dialog,
            "test",
            lambda: self._port.test(values, licence_key, proxy_password, on_progress, cancelled),
            lambda reports: self._on_tested(run, reports or (), proxy_password),
        )

    def take_edit(self, name: str) -> None:
        """Take back what was said of the values before the row *name* was changed."""
        if name in _NOT_TESTED:
            return
        self.has_ended = self.has_passed = False
        if self.is_running:
            self._stop_outdated()
        else:
            self._panel.mark_outdated()
        self._mark_all(None)
        self._forget_search()

    def cancel(self) -> None:
        """Forget the present test, if any; it is told to stop and not waited for."""
        if self._cancelled is not None:
            self._cancelled.set()
            self._cancelled = None
            self._run += 1

    def stop(self, sentence: str) -> None:
        """End the present test without a result, and say why."""
        self.cancel()
        self._panel.show_stopped(sentence)
        self._mark_all(None)

    def close(self) -> None:
        """End the test and the search: the dialog closes."""
        self.cancel()
        self._search_ended.set()

    def _stop_outdated(self) -> None:
        """End the present test, whose result would be about other settings."""
        self.stop(_("Test arrêté : les paramètres ont changé. Relancez-le."))

    def _on_progress(self, run: int, report: ServerReport) -> None:
        if self._dialog and run == self._run and self.is_running:
            self._panel.show_progress(report)
            if report.done:
                self._mark_server(report)

    def _mark_server(self, report: ServerReport) -> None:
        self._fields.mark(_SERVER_ROWS[report.server], Look.PASSED if is_ticked(report) else Look.FAILED)
        for result in report.stages:
            if result.stage is Stage.LICENCE and result.outcome in _LOOKS:
                refused = report.failure is not None and report.failure.problem.is_refusal
                self._fields.mark(_LICENCE_ROW, Look.REFUSED if refused else _LOOKS[result.outcome])

    def _mark_all(self, look: Look | None) -> None:
        for name in _SERVER_ROWS.values():
            self._fields.mark(name, look)
        self._fields.mark(_LICENCE_ROW, None)

    def _on_tested(self, run: int, reports: tuple[ServerReport, ...], proxy_password: str | None) -> None:
        if run != self._run:
            return
        self._cancelled = None
        if not reports:
            self._mark_all(None)
            self._panel.show_stopped(summarize_problem(problems.INTERNAL_ERROR))
            return
        if not self._holds(self.tested):
            self._stop_outdated()
            return
        self._panel.show_outcome(reports)
        failed = {report.server for report in reports if report.failure is not None}
        self.failing = self.tested if Server.AUTHENTICATION in failed else None
        for report in reports:
            self._mark_server(report)
        self.has_ended, self.has_passed = True, not failed
        if self.tested is not None:
            self._fields.follow_proxy(self.tested, reports)
        wants_sign_in = any(r.cause and r.cause.problem in typed_settings.ASKING for r in reports)
        if wants_sign_in and self._fields.asks_for_sign_in:
            name = self._fields.control("proxy.user")
            self._panel.show_sign_in(lambda: give_focus(name))
        self._search(reports, proxy_password)
        self._on_result()

    def leaves_out(self, typed: Settings, saved: Settings) -> bool:
        """Return whether *typed* has changes of *saved* that no passed test has seen."""
        return not self.has_passed and bool(list_changes(saved, typed).keys() - _NOT_TESTED)

    def _holds(self, tested: Settings | None) -> bool:
        """Return whether the fields still hold the settings that were *tested*."""
        try:
            typed = typed_settings.parse_settings(self._fields.typed(), self._load().effective.settings)
        except RefusedError:
            return False
        return tested is not None and not list_changes(tested, typed).keys() - _NOT_TESTED

    def _search(self, reports: tuple[ServerReport, ...], proxy_password: str | None) -> None:
        """Search what works instead, if a server was not reached and a repair is possible."""
        values, contents = self.tested, self._load()
        if values is None or contents.assistance or all(is_ticked(report) for report in reports):
            return
        from iea_agent.domain import repairs

        kinds = [
            repair.kind for repair in repairs.propose_repairs(values, reports, contents.effective.locked)
        ]
        if not kinds:
            return
        self._search_ended = ended = threading.Event()
        self._panel.show_search()
        verified: list[Repair] = []

        def show(done: bool) -> None:
            likeliest_first = sorted(verified, key=lambda repair: kinds.index(repair.kind))
            self._panel.show_repairs(likeliest_first, values, complete=done)
            self._on_result()

        def on_repair(repair: Repair) -> None:
            if self._dialog and not ended.is_set():
                verified.append(repair)
                show(False)

        def on_done(is_passing: bool | None) -> None:
            if ended.is_set():
                return
            if is_passing:
                self._panel.show_passing()
                return
            show(True)
            self._panel.update_reports(repairs.add_proxy_findings(reports, verified))

        def search() -> bool:
            offer = functools.partial(wx.CallAfter, on_repair)
            return self._port.repairs(values, proxy_password, reports, offer, ended) is None

        run_in_background(self._dialog, "repairs", search, on_done)

    def _forget_search(self) -> None:
        """Forget the search and its repairs: the settings are not those tested any more."""
        self._search_ended.set()
        self._panel.clear_repairs()
