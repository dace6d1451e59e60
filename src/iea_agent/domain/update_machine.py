"""The small state machine of an update: ``UPDATE_TABLE`` holds every transition.

There is one for Impact emploi and one for the agent; they know nothing of the connection's machine, nor it of them. The same two laws hold: no guards (if
an outcome matters, it is another event), and an event that is not in the table does nothing, so a button is enabled exactly when its event is there.

The snapshot is written to disk after each event and before its effects. An agent that was killed begins with ``MachineResumed``, which goes on with
what was under way: the part of a download is on the disk, and an installer that runs is asked for its result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum

from .problems import CATALOGUE
from .program_version import order_version
from .state_values import parse_count, parse_time
from .update_catalogue import LARGEST_EXIT_CODE, LARGEST_FILE, Offer, SignedFile
from .update_choice import UpdateChoice

LONGEST_TEXT = 300
"""Characters of a text in the saved snapshot."""


class UpdateState(Enum):
    """How far the update of one product is."""

    NONE = "none"
    AVAILABLE = "available"
    DOWNLOADING = "downloading"
    PAUSED = "paused"
    READY = "ready"
    INSTALLING = "installing"
    INSTALLED = "installed"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


# Events, in the past tense


@dataclass(frozen=True, slots=True)
class UpdateEvent:
    """Something that happened to an update."""


@dataclass(frozen=True, slots=True)
class VersionProposed(UpdateEvent):
    """Another version is on offer than the one under way."""

    offer: Offer


class NothingProposed(UpdateEvent):
    """The version that was on offer is not proposed now, for a reason of this PC."""


class VersionWithdrawn(UpdateEvent):
    """The publisher offers the version no longer."""


class VersionSkipped(UpdateEvent):
    """A person does not want the version at all."""


class VersionReturned(UpdateEvent):
    """The time is over to which a person had put the version off."""


class DownloadRequested(UpdateEvent):
    """A person or the rule for downloads by itself wants the file; also after a pause."""


class DownloadPaused(UpdateEvent):
    """A person has paused the download."""


class DownloadCancelled(UpdateEvent):
    """A person does not want the file any more."""


class FileVerified(UpdateEvent):
    """The file is on this PC and is the signed one, whatever way it came."""


@dataclass(frozen=True, slots=True)
class DownloadFailed(UpdateEvent):
    """The download ended with the problem of this *code*."""

    code: str


class FileLost(UpdateEvent):
    """The verified file is gone, or is not the signed one any more."""


class InstallRequested(UpdateEvent):
    """A person, or the administrator's policy, wants it installed now."""


class InstallerRefused(UpdateEvent):
    """The installer did not start: the rights were refused, a program is open."""


class InstallerBusy(UpdateEvent):
    """Another installation runs on this PC."""


@dataclass(frozen=True, slots=True)
class InstallConfirmed(UpdateEvent):
    """The installer ended with *exit_code*, and the new version is there."""

    exit_code: int


@dataclass(frozen=True, slots=True)
class InstallFailed(UpdateEvent):
    """The installer ended with *exit_code*, and the new version is not there."""

    exit_code: int


class ResultRead(UpdateEvent):
    """A person has read how it ended."""


class MachineResumed(UpdateEvent):
    """The agent has started and read the saved snapshot."""


class UpdateEffect(Enum):
    """What the agent does after an event, in this order."""

    STOP_DOWNLOAD = "stop-download"
    DELETE_FILES = "delete-files"
    START_DOWNLOAD = "start-download"
    START_INSTALLER = "start-installer"
    SCHEDULE_INSTALLER = "schedule-installer"
    READ_RESULT = "read-result"
    ANNOUNCE_VERSION = "announce-version"
    ANNOUNCE_READY = "announce-ready"
    ANNOUNCE_RESULT = "announce-result"
    ANNOUNCE_WITHDRAWAL = "announce-withdrawal"


@dataclass(frozen=True, slots=True)
class UpdateSnapshot:
    """Where an update is, *since* when (wall clock), and which file it is about.

    *code* is that of the problem of a failed download. *exit_code* is the installer's, -1 before one ended. *tries* counts how often the
    installer has met another installation.
    """

    state: UpdateState = UpdateState.NONE
    since: float = 0.0
    version: str = ""
    name: str = ""
    length: int = 0
    sha256: str = ""
    code: str = ""
    exit_code: int = -1
    tries: int = 0

    @property
    def file(self) -> SignedFile:
        """The file of the version, as it was signed when it was proposed."""
        return SignedFile(self.name, self.length, self.sha256)

    def to_document(self) -> dict[str, object]:
        """Return what is saved on disk."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "state": self.state.value}


def parse_update_snapshot(document: Mapping[str, object]) -> UpdateSnapshot:
    """Parse a saved *document*. Raises ``ValueError`` if it is impossible."""
    snapshot = UpdateSnapshot(
        UpdateState(document.get("state")),
        parse_time(document, "since"),
        version=_parse_text(document, "version"),
        name=_parse_text(document, "name"),
        length=parse_count(document, "length", 0, LARGEST_FILE),
        sha256=_parse_text(document, "sha256"),
        code=_parse_text(document, "code"),
        exit_code=parse_count(document, "exit_code", -1, LARGEST_EXIT_CODE),
        tries=parse_count(document, "tries", 0, 1000),
    )
    if (snapshot.state is UpdateState.NONE) == bool(snapshot.version):
        raise ValueError("version: one expected in every state but none")
    if snapshot.code and snapshot.code not in CATALOGUE:
        raise ValueError("code: a problem expected")
    return snapshot


def _parse_text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
        raise ValueError(f"{name}: a text expected")
    return value


UpdateChange = Callable[[UpdateSnapshot, UpdateEvent], UpdateSnapshot]
"""Returns the snapshot with what an event changes in it."""


def take_offer(snapshot: UpdateSnapshot, event: UpdateEvent) -> UpdateSnapshot:
    """Begin with another version."""
    if not isinstance(event, VersionProposed):
        raise TypeError(event)
    file = event.offer.file
    return UpdateSnapshot(
        snapshot.state, snapshot.since, event.offer.release.version, file.name, file.length, file.sha256
    )


def forget_offer(snapshot: UpdateSnapshot, _event: UpdateEvent) -> UpdateSnapshot:
    """Forget the version: there is none any more."""
    return UpdateSnapshot(snapshot.state, snapshot.since)


def forget_failure(snapshot: UpdateSnapshot, _event: UpdateEvent) -> UpdateSnapshot:
    """Forget how the last try ended."""
    return replace(snapshot, code="", exit_code=-1, tries=0)


def note_problem(snapshot: UpdateSnapshot, event: UpdateEvent) -> UpdateSnapshot:
    """Note why the download failed."""
    if not isinstance(event, DownloadFailed):
        raise TypeError(event)
    return replace(snapshot, code=event.code)


def note_exit(snapshot: UpdateSnapshot, event: UpdateEvent) -> UpdateSnapshot:
    """Note the exit code of the installer."""
    if not isinstance(event, InstallConfirmed | InstallFailed):
        raise TypeError(event)
    return replace(snapshot, exit_code=event.exit_code)


def count_try(snapshot: UpdateSnapshot, _event: UpdateEvent) -> UpdateSnapshot:
    """Count a try that met another installation."""
    return replace(snapshot, tries=snapshot.tries + 1)


@dataclass(frozen=True, slots=True)
class UpdateStep:
    """Where an event leads, what is done then, and what changes in the snapshot."""

    state: UpdateState
    effects: tuple[UpdateEffect, ...] = ()
    changes: tuple[UpdateChange, ...] = ()


_DOWNLOAD = UpdateStep(UpdateState.DOWNLOADING, (UpdateEffect.START_DOWNLOAD,), (forget_failure,))
_INSTALL = UpdateStep(UpdateState.INSTALLING, (UpdateEffect.START_INSTALLER,), (forget_failure,))
_READY = UpdateStep(UpdateState.READY, (UpdateEffect.ANNOUNCE_READY,), (forget_failure,))
_PROPOSED = UpdateStep(UpdateState.AVAILABLE, (UpdateEffect.ANNOUNCE_VERSION,), (take_offer,))
_PROPOSED_INSTEAD = replace(_PROPOSED, effects=(UpdateEffect.DELETE_FILES, UpdateEffect.ANNOUNCE_VERSION))
_WITHDRAWN = UpdateStep(
    UpdateState.WITHDRAWN, (UpdateEffect.DELETE_FILES, UpdateEffect.ANNOUNCE_WITHDRAWAL), (forget_failure,)
)
_OVER = UpdateStep(UpdateState.NONE, (), (forget_offer,))
_SKIPPED = replace(_OVER, effects=(UpdateEffect.DELETE_FILES,))
_DROPPED = UpdateStep(UpdateState.AVAILABLE, (UpdateEffect.DELETE_FILES,), (forget_failure,))


def _stop_first(step: UpdateStep) -> UpdateStep:
    return replace(step, effects=(UpdateEffect.STOP_DOWNLOAD, *step.effects))


_UPDATE_STEPS: Mapping[UpdateState, Mapping[type[UpdateEvent], UpdateStep]] = {
    UpdateState.NONE: {VersionProposed: _PROPOSED},
    UpdateState.AVAILABLE: {
        VersionProposed: _PROPOSED,
        NothingProposed: _OVER,
        VersionSkipped: _OVER,
        VersionWithdrawn: replace(_WITHDRAWN, effects=(UpdateEffect.ANNOUNCE_WITHDRAWAL,)),
        DownloadRequested: _DOWNLOAD,
        FileVerified: _READY,
    },
    UpdateState.DOWNLOADING: {
        VersionProposed: _stop_first(_PROPOSED_INSTEAD),
        VersionWithdrawn: _stop_first(_WITHDRAWN),
        # it may have begun by itself just before the click
        VersionSkipped: _stop_first(_SKIPPED),
        DownloadPaused: UpdateStep(UpdateState.PAUSED, (UpdateEffect.STOP_DOWNLOAD,)),
        DownloadCancelled: _stop_first(_DROPPED),
        DownloadFailed: UpdateStep(UpdateState.FAILED, (UpdateEffect.ANNOUNCE_RESULT,), (note_problem,)),
        FileVerified: _READY,
        MachineResumed: _DOWNLOAD,
    },
    UpdateState.PAUSED: {
        VersionProposed: _PROPOSED_INSTEAD,
        VersionWithdrawn: _WITHDRAWN,
        VersionSkipped: _SKIPPED,
        DownloadRequested: _DOWNLOAD,
        DownloadCancelled: _DROPPED,
        # from a shared folder or a stick
        FileVerified: _READY,
    },
    UpdateState.READY: {
        VersionProposed: _PROPOSED_INSTEAD,
        VersionWithdrawn: _WITHDRAWN,
        VersionSkipped: _SKIPPED,
        VersionReturned: UpdateStep(UpdateState.READY, (UpdateEffect.ANNOUNCE_READY,)),
        InstallRequested: _INSTALL,
        FileLost: _DROPPED,
    },
    # what an installer has begun it ends: nothing but its end leads out of here
    UpdateState.INSTALLING: {
        InstallerRefused: UpdateStep(UpdateState.READY, (), (forget_failure,)),
        InstallerBusy: UpdateStep(UpdateState.INSTALLING, (UpdateEffect.SCHEDULE_INSTALLER,), (count_try,)),
        FileLost: _DROPPED,
        InstallConfirmed: UpdateStep(UpdateState.INSTALLED, (UpdateEffect.ANNOUNCE_RESULT,), (note_exit,)),
        InstallFailed: UpdateStep(UpdateState.FAILED, (UpdateEffect.ANNOUNCE_RESULT,), (note_exit,)),
        MachineResumed: UpdateStep(UpdateState.INSTALLING, (UpdateEffect.READ_RESULT,)),
    },
    UpdateState.INSTALLED: {VersionProposed: _PROPOSED_INSTEAD, ResultRead: _OVER},
    UpdateState.FAILED: {
        VersionProposed: _PROPOSED_INSTEAD,
        VersionWithdrawn: _WITHDRAWN,
        VersionSkipped: _SKIPPED,
        # the file is looked for first: a whole one is not fetched again
        DownloadRequested: _DOWNLOAD,
        DownloadCancelled: _DROPPED,
        FileVerified: _READY,
    },
    UpdateState.WITHDRAWN: {VersionProposed: _PROPOSED, ResultRead: _OVER},
}

UPDATE_TABLE: Mapping[tuple[UpdateState, type[UpdateEvent]], UpdateStep] = {
    (state, event): step for state, steps in _UPDATE_STEPS.items() for event, step in steps.items()
}
"""Every transition, by state and type of event."""


def allows_update(state: UpdateState, event: type[UpdateEvent]) -> bool:
    """Return whether *event* does anything in *state*."""
    return (state, event) in UPDATE_TABLE


def advance_update(
    snapshot: UpdateSnapshot, event: UpdateEvent, now: float
) -> tuple[UpdateSnapshot, tuple[UpdateEffect, ...]]:
    """Return the snapshot and the effects after *event*, at *now* (wall clock)."""
    step = UPDATE_TABLE.get((snapshot.state, type(event)))
    if step is None:
        return snapshot, ()
    since = snapshot.since if step.state is snapshot.state else now
    after = replace(snapshot, state=step.state, since=since)
    for change in step.changes:
        after = change(after, event)
    return after, step.effects


def judge_choice(
    snapshot: UpdateSnapshot, choice: UpdateChoice, returned: Collection[str] = ()
) -> UpdateEvent | None:
    """Return what *choice*, made of the latest catalogue, means for an update.

    *returned* are the versions that were put off to a time that is over. None: nothing new. A version that is neither proposed nor listed any more
    was withdrawn. One that a person has asked for is not given up for an older one that is proposed.
    """
    is_listed = any(each.offer.release.version == snapshot.version for each in choice.listed)
    if choice.proposed is not None:
        proposed, under_way = choice.proposed.release.version, snapshot.version
        if proposed == under_way:
            if choice.proposed.file.sha256 != snapshot.sha256:
                return VersionProposed(choice.proposed)
            return VersionReturned() if proposed in returned else None
        if under_way and is_listed and order_version(proposed) < order_version(under_way):
            return None
        return VersionProposed(choice.proposed)
    if snapshot.version and not is_listed:
        return VersionWithdrawn()
    return NothingProposed() if snapshot.version else None
