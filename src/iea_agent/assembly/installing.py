"""Installs a verified version: holds its file, starts it, sees what is there then.

It may be killed at any point. What is needed to learn the end later is saved before the installer starts and after it has ended, and nothing here ever
ends an installer, or Impact emploi.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from iea_agent.domain import timing
from iea_agent.domain.installer_plan import (
    InstallerRecord,
    QuietMoment,
    is_share,
    may_install_by_itself,
    parse_installer_record,
    plan_installer,
)
from iea_agent.domain.installer_result import (
    NO_CODE,
    InstallReport,
    InstallResult,
    classify_end,
    classify_start_error,
    confirms,
    is_downgrade,
)
from iea_agent.domain.program_version import order_version
from iea_agent.domain.settings import expand_variables
from iea_agent.domain.update_catalogue import InstallerType, Offer, Release, ReleaseKind, Scope, SignedFile
from iea_agent.host.installed_versions import find_file_version, find_registry_text
from iea_agent.host.installer_process import (
    InstallerProcess,
    StartRefusedError,
    find_final_path,
    find_installer,
    list_processes_of,
    open_held,
    start_installer,
)
from iea_agent.host.regular_files import retry_while_held
from iea_agent.host.running_programs import list_running

if TYPE_CHECKING:
    from .installation import Installation

log = logging.getLogger(__name__)

PIECE = 1024 * 1024
"""Bytes that are hashed at once."""
LOOK_SECONDS = 0.25
"""The longest wait without a look whether anybody still watches."""
UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\IEA Agent"
"""Where our own setup (installer/setup.nsi) notes what it has installed."""
_ROOTS = {Scope.USER: "HKCU", Scope.MACHINE: "HKLM"}


class InstallStage(Enum):
    """What is done now."""

    CHECKING = "checking"
    RUNNING = "running"
    RUNNING_LONG = "running-long"


@dataclass(frozen=True, slots=True)
class Watch:
    """Who waits for an installer: *report* is told each stage.

    Once *is_cancelled* returns true, nobody waits any more; the installer goes on.
    """

    report: Callable[[InstallStage], None] = lambda _stage: None
    is_cancelled: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a person reads before an installation.

    *open_programs* have to be closed. *last_seconds* is how long it took last time, 0 if unknown. *is_shared*: the product lies in a folder of
    another computer, which other PCs use too.
    """

    open_programs: tuple[str, ...]
    needs_rights: bool
    last_seconds: float
    is_shared: bool


def install_update(
    installation: Installation, offer: Offer, path: Path, tries: int = 0, watch: Watch = Watch()
) -> InstallReport:
    """Install *offer*, whose verified file is *path*, and return how it ended."""
    return Installing(installation).run(offer, path, tries, watch)


def find_install_result(
    installation: Installation, offer: Offer, tries: int = 0, watch: Watch = Watch()
) -> InstallReport | None:
    """Return how the installation of *offer* ended that was begun before.

    Waits for its end. None: its installer was never started.
    """
    return Installing(installation).resume(offer.release.kind, offer.release.version, tries, watch)


def may_install_own(installation: Installation, moment: QuietMoment) -> bool:
    """Return whether the agent may replace itself now, without a click."""
    # the registry only if nobody uses it
    return moment.is_quiet and may_install_by_itself(Installing(installation).find_own_scope(), moment)


class Installing:
    """Runs installers for one installation of the agent."""

    def __init__(
        self,
        installation: Installation,
        settle_seconds: float = timing.INSTALLER_SETTLES,
        long_seconds: float = timing.INSTALLER_LONG,
    ) -> None:
        """Prepare; the new version is waited for *settle_seconds* after an end.

        After *long_seconds* an installer is worth a word.
        """
        self._installation = installation
        self._settle_seconds = settle_seconds
        self._long_seconds = long_seconds

    def prepare(self, release: Release) -> Preparation:
        """Return what a person reads before *release* is installed."""
        record = self._read_record(release.kind)
        is_product = release.kind is ReleaseKind.PRODUCT
        return Preparation(
            self.list_open(release),
            self.find_scope(release) is Scope.MACHINE,
            0.0 if record is None else record.took,
            is_product and any(map(self._is_elsewhere, self._list_programs(release))),
        )

    def _is_elsewhere(self, program: str) -> bool:
        """Return whether *program* lies on another computer, by a letter or by its name."""
        paths = (program, os.path.realpath(program))
        return any(map(is_share, paths)) or not self._installation.host.is_local(program)

    def run(self, offer: Offer, path: Path, tries: int = 0, watch: Watch = Watch()) -> InstallReport:
        """Install *offer*, whose verified file is *path*, and return how it ended.

        *offer* has to come from metadata that were verified just now. *tries* counts how often it has met another installation.
        """
        release = offer.release
        installed = self.find_installed(release)
        report = InstallReport(InstallResult.NOT_STARTED, release.version, installed=installed)
        if is_downgrade(installed, release.version):
            return replace(report, result=InstallResult.NEWER_THERE)
        if programs := self.list_open(release):
            return replace(report, result=InstallResult.PROGRAM_OPEN, open_programs=programs)
        watch.report(InstallStage.CHECKING)
        try:
            with retry_while_held(lambda: open(path, "rb", opener=open_held)) as file:
                if not _is_signed(file, offer.file):
                    return replace(report, result=InstallResult.FILE_LOST)
                return self._run_held(file, self._begin_record(release, file, installed), tries, watch)
        except FileNotFoundError:
            return replace(report, result=InstallResult.FILE_LOST)
        except StartRefusedError as error:
            log.warning("installer not started", extra={"fields": {"code": error.code}})
            return replace(report, result=classify_start_error(error.code), exit_code=error.code or NO_CODE)
        except OSError as error:
            log.warning("file of the update", extra={"fields": {"error": error}})
            return replace(report, exit_code=getattr(error, "winerror", None) or NO_CODE)

    def resume(
        self, kind: ReleaseKind, version: str, tries: int = 0, watch: Watch = Watch()
    ) -> InstallReport | None:
        """Return how the installation of *version* ended that was begun before.

        Waits for its end. None: its installer was never started.
        """
        record = self._read_record(kind)
        if record is None or record.release.version != version:
            return None
        if record.ended:
            return self._conclude(record, tries)
        process = self._find_process(record)
        if process is not None:
            watch.report(InstallStage.RUNNING)
            return self._watch(process, record, tries, watch)
        if record.pid or confirms(self.find_installed(record.release), version):
            return self._conclude(record, tries)
        return None

    def list_open(self, release: Release) -> tuple[str, ...]:
        """Return the programs that *release* wants closed and that run.

        Only those in the folder of the product count, and those of another person, whose folder is not given.
        """
        folders = [os.path.normcase(folder) + os.sep for folder in self._list_folders(release)]
        running = list_running(release.closes) if release.closes and folders else ()
        names = [
            each.name
            for each in running
            if not each.path or any(os.path.normcase(each.path).startswith(folder) for folder in folders)
        ]
        return tuple(dict.fromkeys(names))

    def find_installed(self, release: Release) -> str:
        """Return the version that is installed of what *release* installs, "" for none."""
        detect = release.detect
        if release.kind is ReleaseKind.AGENT:
            scope = self.find_own_scope()
            version = "" if scope is None else _read_own_entry(scope, "DisplayVersion")
        elif detect.registry:
            version = find_registry_text(detect.registry, detect.value).strip()
        else:
            version = find_file_version(_expand(detect.file)) if _expand(detect.file) else ""
        try:
            order_version(version)
        except ValueError:
            return ""
        return version

    def find_scope(self, release: Release) -> Scope | None:
        """Return for whom *release* installs on this PC: the agent stays where it is.

        None: the agent, which no setup of ours has installed.
        """
        return self.find_own_scope() if release.kind is ReleaseKind.AGENT else release.installer.scope

    def find_own_scope(self) -> Scope | None:
        """Return for whom our setup has installed the program that runs.

        None: no setup of ours has, but the MSI, or nothing.
        """
        program = self._installation.program
        if program is None:
            return None
        places = ((scope, _read_own_entry(scope, "InstallLocation")) for scope in Scope)
        return next((scope for scope, place in places if _is_same_folder(place, program.path)), None)

    def _list_folders(self, release: Release) -> tuple[str, ...]:
        """Return the folders in which the product lies, as far as they are known."""
        return tuple({os.path.dirname(os.path.realpath(each)) for each in self._list_programs(release)})

    def _list_programs(self, release: Release) -> tuple[str, ...]:
        """Return the paths of the product's program that are known."""
        settings = self._installation.storage.load().effective.settings
        programs = (self._installation.find_program(settings), _expand(release.detect.file))
        return tuple(filter(None, programs))

    def _begin_record(self, release: Release, file: BinaryIO, installed: str) -> InstallerRecord:
        """Save that *release* is about to be installed; what was before is forgotten."""
        before = self._read_record(release.kind)
        logs = self._installation.folders.logs
        record = InstallerRecord(
            release,
            find_final_path(file.fileno()),
            str(logs / f"msi-{release.version}.log") if release.installer.type is InstallerType.MSI else "",
            time.time(),
            took=0.0 if before is None else before.took,
            before=installed,
        )
        self._write_record(record)
        return record

    def _run_held(self, file: BinaryIO, record: InstallerRecord, tries: int, watch: Watch) -> InstallReport:
        """Start the installer in *file*, and wait. Raises ``StartRefusedError``."""
        release = record.release
        if record.log_file:
            os.makedirs(os.path.dirname(record.log_file), exist_ok=True)
            # Windows Installer wants the file for itself
            file.close()
        plan = plan_installer(release, record.file, record.log_file, self.find_own_scope())
        watch.report(InstallStage.RUNNING)
        process = start_installer(plan)
        fields = {"version": release.version, "pid": process.pid, "elevated": plan.is_elevated}
        log.info("installer started", extra={"fields": fields})
        self._installation.host.allow_foreground(process.pid)
        record = replace(record, pid=process.pid, born=process.born)
        self._write_record(record)
        return self._watch(process, record, tries, watch)

    def _watch(
        self, process: InstallerProcess, record: InstallerRecord, tries: int, watch: Watch
    ) -> InstallReport:
        """Wait for the end of *process*, and return how it was."""
        is_long = False
        try:
            while (code := process.wait(LOOK_SECONDS)) is None:
                if watch.is_cancelled():
                    return InstallReport(InstallResult.STILL_RUNNING, record.release.version)
                if not is_long and time.time() - record.started > self._long_seconds:
                    is_long = True
                    watch.report(InstallStage.RUNNING_LONG)
                    # it may ask something behind other windows
                    self._installation.host.raise_window(process.pid)
        finally:
            process.close()
        record = replace(record, exit_code=code, ended=time.time())
        self._write_record(record)
        return self._conclude(record, tries)

    def _conclude(self, record: InstallerRecord, tries: int) -> InstallReport:
        """Look for the version, and return how the installation of *record* ended."""
        release = record.release
        installed = self.find_installed(release)
        deadline = time.monotonic() + self._settle_seconds
        result = classify_end(release, record.exit_code, installed, tries)
        while result is InstallResult.UNCONFIRMED and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
            installed = self.find_installed(release)
            result = classify_end(release, record.exit_code, installed, tries)
        seconds = max(0.0, record.ended - record.started)
        if result in (InstallResult.DONE, InstallResult.RESTART) and seconds:
            self._write_record(replace(record, took=seconds))
        report = InstallReport(
            result, release.version, record.exit_code, installed, seconds, log_file=record.log_file
        )
        fields = {"version": release.version, "result": result.value, "code": record.exit_code}
        log.info("installer ended", extra={"fields": {**fields, "installed": installed}})
        return report

    def _find_process(self, record: InstallerRecord) -> InstallerProcess | None:
        """Return the process of *record* if it still runs.

        Between its start and the note of its number this process may have been killed: then its file tells it.
        """
        if record.pid:
            return find_installer(record.pid, record.born)
        pids = list_processes_of((record.file,))
        return find_installer(pids[0], 0) if pids else None

    def _read_record(self, kind: ReleaseKind) -> InstallerRecord | None:
        from iea_agent.host.state_files import StorageError

        try:
            return self._installation.storage.read_state(_name_state(kind), parse_installer_record)
        except StorageError:
            return None

    def _write_record(self, record: InstallerRecord) -> None:
        from iea_agent.host.state_files import StorageError

        try:
            self._installation.storage.write_state(_name_state(record.release.kind), record.to_document())
        except StorageError as error:
            # the version that is found tells the end then
            fields = {"error": type(error.__cause__).__name__}
            log.warning("installer not remembered", extra={"fields": fields})


def _is_same_folder(one: str, other: Path) -> bool:
    """Return whether both paths lead to the same folder, however they are spelled."""
    try:
        return bool(one) and os.path.samefile(one, other)
    except OSError:
        return False


def _name_state(kind: ReleaseKind) -> str:
    return f"installer-{kind.value}"


def _is_signed(file: BinaryIO, signed: SignedFile) -> bool:
    """Return whether the opened *file* is the *signed* one."""
    if os.fstat(file.fileno()).st_size != signed.length:
        return False
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    return digest.hexdigest() == signed.sha256


def _expand(path: str) -> str:
    """Return *path* with the variables of this PC, "" if one does not exist."""
    try:
        return expand_variables(path, os.environ)
    except KeyError:
        return ""


def _read_own_entry(scope: Scope, value: str) -> str:
    return find_registry_text(f"{_ROOTS[scope]}\\{UNINSTALL}", value).strip()
