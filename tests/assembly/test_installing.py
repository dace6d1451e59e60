"""Installers that end in every way: real programs, real exit codes.

The installer is a copy of the system's shell, told by its signed arguments what to do. Exit codes have 8 bits on Linux.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.installing import (
    Installing,
    InstallStage,
    Preparation,
    Watch,
    find_install_result,
    install_update,
)
from iea_agent.domain.installer_plan import InstallerRecord, parse_installer_record
from iea_agent.domain.installer_result import NO_CODE, InstallReport, InstallResult
from iea_agent.domain.update_catalogue import Offer, ReleaseKind, SignedFile, parse_offer
from tests.programs import make_program, make_version
from tests.releases import make_description

ON_WINDOWS = sys.platform == "win32"
SHELL = Path(os.environ["COMSPEC"]) if ON_WINDOWS else Path("/bin/sh")
OPTIONS = ("/d", "/c") if ON_WINDOWS else ("-c",)
RESTART, BUSY, FAILURE, REFUSED = (3010, 1618, 1603, 1223) if ON_WINDOWS else (74, 75, 67, 68)
COPY = "copy /y new.exe ImpactEmploi.exe >nul" if ON_WINDOWS else "cp new.exe ImpactEmploi.exe"
INSTALL = f"{COPY} & " if ON_WINDOWS else f"{COPY}; "
OLD, NEW = "3.00.72", "3.00.73"


def version_of(text: str) -> bytes:
    """Return a program of the version *text* that does nothing."""
    return make_program(make_version((3, 0, int(text[-2:]), 0), {"ProductVersion": text}))


@dataclass
class Pc:
    """A PC with Impact emploi 3.00.72 and the verified file of 3.00.73."""

    folder: Path
    stages: list[InstallStage] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.installation = Installation.locate({"IEA_AGENT_HOME": str(self.folder / "home")})
        self.file = self.folder / "ImpactEmploi-3.00.73.exe"
        shutil.copyfile(SHELL, self.file)
        (self.folder / "new.exe").write_bytes(version_of(NEW))
        self.install(OLD)

    def install(self, version: str) -> None:
        """Install *version* behind the agent's back."""
        (self.folder / "ImpactEmploi.exe").write_bytes(version_of(version))

    def offer(self, *arguments: str, **changes: object) -> Offer:
        """Return the offer of the file, whose installer has *arguments*."""
        data = self.file.read_bytes()
        description = make_description(
            NEW,
            **{
                "installer.arguments": list(arguments),
                "installer.scope": "user",
                "installer.reboot": [RESTART],
                "installer.busy": [BUSY],
                "detect": {"registry": "", "value": "", "file": str(self.folder / "ImpactEmploi.exe")},
                **changes,
            },
        )
        name = f"impact-emploi/{self.file.name}"
        return parse_offer(
            SignedFile(name, len(data), hashlib.sha256(data).hexdigest(), {"iea": description})
        )

    def run(self, command: str, tries: int = 0, settle: float = 0.0) -> InstallReport:
        """Run the installer with *command*, and note the stages."""
        watch = Watch(self.stages.append)
        offer = self.offer(*OPTIONS, command)
        return Installing(self.installation, settle).run(offer, self.file, tries, watch)

    def read_record(self) -> InstallerRecord:
        """Return what is saved of the installer."""
        record = self.installation.storage.read_state("installer-product", parse_installer_record)
        assert record is not None
        return record


@pytest.fixture
def pc(tmp_path: Path) -> Pc:
    return Pc(tmp_path)


@pytest.mark.parametrize(
    ("command", "result", "code", "installed"),
    [
        (f"{INSTALL}exit 0", InstallResult.DONE, 0, NEW),
        (f"{INSTALL}exit {RESTART}", InstallResult.RESTART, RESTART, NEW),
        (f"exit {RESTART}", InstallResult.RESTART_FIRST, RESTART, OLD),
        ("exit 0", InstallResult.UNCONFIRMED, 0, OLD),
        (f"exit {BUSY}", InstallResult.BUSY, BUSY, OLD),
        (f"exit {FAILURE}", InstallResult.FAILED, FAILURE, OLD),
        pytest.param(
            f"exit {REFUSED}", InstallResult.RIGHTS_REFUSED, REFUSED, OLD, marks=pytest.mark.windows
        ),
    ],
)
def test_an_installer_is_judged_by_its_code_and_what_it_leaves(
    pc: Pc, command: str, result: InstallResult, code: int, installed: str
) -> None:
    report = pc.run(command)
    assert (report.result, report.exit_code, report.installed) == (result, code, installed)
    assert pc.stages == [InstallStage.CHECKING, InstallStage.RUNNING]
    record = pc.read_record()
    assert (record.exit_code, record.before) == (code, OLD)
    assert 0 < record.started <= record.ended
    # whoever was killed now, before the machine has taken the end, reads the same
    again = Installing(pc.installation, 0.0).resume(ReleaseKind.PRODUCT, NEW)
    assert again is not None
    assert (again.result, again.exit_code, again.installed) == (result, code, installed)


def test_the_fourth_try_beside_another_installation_is_the_last(pc: Pc) -> None:
    assert pc.run(f"exit {BUSY}", tries=3).result is InstallResult.BUSY_TOO_LONG


@pytest.mark.linux
def test_a_version_that_comes_after_the_end_is_waited_for(pc: Pc) -> None:
    report = pc.run(f"(sleep 0.4; {COPY}) & exit 0", settle=30.0)
    assert (report.result, report.installed) == (InstallResult.DONE, NEW)


def test_how_long_it_took_is_known_the_next_time(pc: Pc) -> None:
    installing = Installing(pc.installation)
    release = pc.offer().release
    assert installing.prepare(release) == Preparation((), False, 0.0, is_shared=False)
    report = pc.run(f"{INSTALL}exit 0")
    assert installing.prepare(release).last_seconds == report.seconds > 0


@pytest.mark.parametrize("place", [r"\\SERVEUR\paie", r"\\?\UNC\SERVEUR\paie"])
def test_a_program_on_another_computer_is_shared(pc: Pc, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IEA_SHARE", place)
    release = pc.offer(detect={"registry": "", "value": "", "file": r"%IEA_SHARE%\ie.exe"}).release
    assert Installing(pc.installation).prepare(release).is_shared


def test_a_file_that_was_changed_is_not_started(pc: Pc) -> None:
    offer = pc.offer(*OPTIONS, f"{INSTALL}exit 0")
    data = bytearray(pc.file.read_bytes())
    data[-1] ^= 1
    pc.file.write_bytes(data)
    assert install_update(pc.installation, offer, pc.file).result is InstallResult.FILE_LOST
    pc.file.write_bytes(data + b"more")
    assert install_update(pc.installation, offer, pc.file).result is InstallResult.FILE_LOST
    pc.file.unlink()
    report = install_update(pc.installation, offer, pc.file)
    assert (report.result, report.installed) == (InstallResult.FILE_LOST, OLD)
    assert find_install_result(pc.installation, offer) is None


@pytest.mark.windows
def test_nobody_swaps_the_file_between_its_verification_and_its_end(pc: Pc) -> None:
    refusals: list[str] = []

    def swap(stage: InstallStage) -> None:
        """Try what a thief would, once the file is verified."""
        other = pc.folder / "other.exe"
        other.write_bytes(b"MZ another")
        attacks: dict[str, Callable[[], object]] = {
            "write": lambda: pc.file.open("r+b"),
            "replace": lambda: os.replace(other, pc.file),
            "rename": lambda: pc.file.rename(pc.folder / "gone.exe"),
            "delete": lambda: pc.file.unlink(),
        }
        for name, attack in attacks.items():
            try:
                attack()
            except PermissionError:
                refusals.append(f"{stage.value} {name}")

    offer = pc.offer(*OPTIONS, f"{INSTALL}exit 0")
    watch = Watch(lambda stage: swap(stage) if stage is InstallStage.RUNNING else None)
    assert install_update(pc.installation, offer, pc.file, 0, watch).result is InstallResult.DONE
    assert refusals == [f"running {name}" for name in ("write", "replace", "rename", "delete")]
    # afterwards it is a file as any other
    pc.file.unlink()


@pytest.mark.windows
def test_a_file_that_somebody_still_writes_is_not_started(pc: Pc) -> None:
    offer = pc.offer(*OPTIONS, f"{INSTALL}exit 0")
    with pc.file.open("r+b"):
        report = install_update(pc.installation, offer, pc.file)
    assert (report.result, report.exit_code, report.installed) == (InstallResult.NOT_STARTED, 32, OLD)


def test_what_is_no_program_is_not_started(pc: Pc) -> None:
    pc.file.write_bytes(b"\0no program")
    report = pc.run("exit 0")
    assert (report.result, report.installed) == (InstallResult.NOT_STARTED, OLD)
    assert report.exit_code > 0


def test_an_older_version_is_never_installed(pc: Pc) -> None:
    pc.install("3.00.74")
    report = pc.run(f"{INSTALL}exit 0")
    assert (report.result, report.installed) == (InstallResult.NEWER_THERE, "3.00.74")
    assert pc.stages == []


def test_a_program_that_has_to_be_closed_is_named_and_left_alone(pc: Pc) -> None:
    """Of the product's folder only: the same name elsewhere is another program."""
    name = "Paie.exe"
    program = pc.folder / name
    shutil.copyfile(SHELL, program)
    program.chmod(0o700)
    # a shell that waits for a line
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            offer = pc.offer(*OPTIONS, f"{INSTALL}exit 0", closes=[name.upper(), "Other.exe"])
            assert Installing(pc.installation).prepare(offer.release).open_programs == (name,)
            report = install_update(pc.installation, offer, pc.file)
            assert (report.result, report.open_programs) == (InstallResult.PROGRAM_OPEN, (name,))
            assert process.poll() is None
            elsewhere = {"registry": "", "value": "", "file": str(pc.folder / "elsewhere" / "x.exe")}
            foreign = pc.offer(*OPTIONS, "exit 0", closes=[name], detect=elsewhere)
            assert Installing(pc.installation).prepare(foreign.release).open_programs == ()
        finally:
            process.kill()


class Hanging:
    """An installer that waits for ever, and the agent that leaves it."""

    def __init__(self, pc: Pc, success: int) -> None:
        arguments = ("/d", "/k") if ON_WINDOWS else ("-c", "kill -STOP $$")
        self.offer = pc.offer(*arguments, **{"installer.success": [success]})
        self.stages: list[InstallStage] = []
        self.pc = pc

    def watch(self) -> InstallReport | None:
        """Watch it until it is worth a word."""
        installing = Installing(self.pc.installation, 0.0, long_seconds=0.0)
        watch = Watch(self.stages.append, lambda: InstallStage.RUNNING_LONG in self.stages)
        if self.stages:
            self.stages.clear()
            return installing.resume(ReleaseKind.PRODUCT, NEW, 0, watch)
        return installing.run(self.offer, self.pc.file, 0, watch)

    def end(self) -> None:
        """End it from outside, as a person does with the Task Manager."""
        pid = self.pc.read_record().pid
        # 0 would be this test and its parents
        assert pid
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


@pytest.mark.parametrize(("installs", "result"), [(True, InstallResult.DONE), (False, InstallResult.FAILED)])
def test_one_that_hangs_is_never_ended_and_its_end_is_read_later(
    pc: Pc, installs: bool, result: InstallResult
) -> None:
    # the code that Windows gives to what is ended from outside, as long as it still knows it
    hanging = Hanging(pc, int(signal.SIGTERM) if installs else 0)
    report = hanging.watch()
    assert report == InstallReport(InstallResult.STILL_RUNNING, NEW)
    assert hanging.stages == [InstallStage.CHECKING, InstallStage.RUNNING, InstallStage.RUNNING_LONG]
    # the agent comes again: it runs on
    report = hanging.watch()
    assert report == InstallReport(InstallResult.STILL_RUNNING, NEW)
    assert hanging.stages == [InstallStage.RUNNING, InstallStage.RUNNING_LONG]
    if installs:
        pc.install(NEW)
    hanging.end()
    report = find_install_result(pc.installation, hanging.offer)
    assert report is not None
    assert report.result is result
    assert ON_WINDOWS or report.exit_code == NO_CODE


def test_whoever_was_killed_before_the_start_begins_anew(pc: Pc) -> None:
    offer = pc.offer(*OPTIONS, "exit 0")
    assert find_install_result(pc.installation, offer) is None
    record = InstallerRecord(offer.release, str(pc.file), started=1e9)
    pc.installation.storage.write_state("installer-product", record.to_document())
    assert find_install_result(pc.installation, offer) is None
    # but what has been installed meanwhile counts
    pc.install(NEW)
    report = find_install_result(pc.installation, offer)
    assert report == InstallReport(InstallResult.DONE, NEW, installed=NEW)
    # and another version's record does not
    assert Installing(pc.installation).resume(ReleaseKind.PRODUCT, "3.00.74") is None


def test_no_setup_has_installed_a_checkout(pc: Pc) -> None:
    installing = Installing(pc.installation)
    assert installing.find_own_scope() is None
    agent = pc.offer(kind="agent").release
    assert installing.find_installed(agent) == ""
