"""The proof that this version works, and what follows for the others on the disk."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from iea_agent.domain import problems, timing, version_trial
from iea_agent.domain.diagnosis import VersionReturn
from iea_agent.domain.version_trial import TrialState, VersionRecord

if TYPE_CHECKING:
    from iea_agent.domain.diagnosis import Failure
    from iea_agent.domain.machine import Moment
    from iea_agent.host.program_folder import ProgramFolder, TrialFile
    from iea_agent.host.storage import Storage

log = logging.getLogger(__name__)

STATE = "versions"


class VersionProof:
    """The trial of this version, on the loop's thread."""

    def __init__(
        self,
        program: ProgramFolder | None,
        trial_file: TrialFile,
        storage: Storage,
        clock: Callable[[], Moment],
    ) -> None:
        """Begin the time for the proof; *program* is None if none is installed."""
        self._program = program
        self._trial_file = trial_file
        self._storage = storage
        self._clock = clock
        self._begun = clock().steady
        self.is_settled = program is None
        self.version_return: VersionReturn | None = None

    def find_return(self) -> bool:
        """Look whether this version runs in the place of one that failed.

        Returns whether the person has not read of it yet, and remembers that it is announced now.
        """
        if self._program is None:
            return False
        try:
            slots = self._program.read_slots()
        except OSError:
            return False
        failed = version_trial.find_failed(self._trial_file.read_trials(), slots.current, slots.own)
        if failed:
            self.version_return = VersionReturn(failed, slots.own)
            log.warning("version went back", extra={"fields": {"failed": failed, "own": slots.own}})
        before = self._read_record()
        record = version_trial.record_failed(before, failed, self._clock().wall)
        return self._write_record(before, record) and bool(failed) and record.relapses != before.relapses

    def take(self, failure: Failure | None) -> None:
        """Take the result of an attempt: the first one in time proves the version.

        An error of our own proves nothing.
        """
        if self.is_settled or self._program is None:
            return
        if failure is not None and failure.problem is problems.INTERNAL_ERROR:
            return
        self.is_settled = True
        version = self._program.own
        if not self._prove(version):
            return
        before = self._read_record()
        record = version_trial.record_proved(before, version, self._clock().wall)
        self._write_record(before, record)
        threading.Thread(target=self._tidy, args=(record,), name="slots", daemon=True).start()

    def _prove(self, version: str) -> bool:
        """Write into the trial file that *version* is proved; return whether it is."""
        trials = self._trial_file.read_trials()
        if version in trials and trials[version].state is TrialState.PROVED:
            return True
        if self._clock().steady - self._begun > timing.PROOF:
            log.warning("version not proved in time")
            return False
        try:
            self._trial_file.write_trials(version_trial.prove(trials, version))
        except OSError as error:
            # the launcher will try the version again
            log.warning("proof not written", extra={"fields": {"error": type(error).__name__}})
            return False
        log.info("version proved", extra={"fields": {"version": version}})
        return True

    def _tidy(self, record: VersionRecord) -> None:
        """Remove the slots that no one needs any longer; on a thread of its own."""
        program = self._program
        if program is None:
            return
        try:
            slots, free = program.read_slots(), program.count_free_bytes()
        except OSError:
            return
        for name in version_trial.list_removable(slots, record, self._clock().wall, free):
            fields = {"slot": name, "removed": program.remove(name)}
            log.info("old version", extra={"fields": fields})

    def _read_record(self) -> VersionRecord:
        from iea_agent.host.state_files import StorageError

        try:
            record = self._storage.read_state(STATE, version_trial.parse_version_record)
        except StorageError:
            record = None
        return record or VersionRecord()

    def _write_record(self, before: VersionRecord, record: VersionRecord) -> bool:
        """Write *record* if it differs from *before*; return whether the disk has it."""
        from iea_agent.host.state_files import StorageError

        if record == before:
            return True
        try:
            self._storage.write_state(STATE, record.to_document())
        except StorageError as error:
            fields = {"error": type(error.__cause__).__name__}
            log.warning("versions not remembered", extra={"fields": fields})
            return False
        return True
