"""The proof of a version: one classified result in time, and what follows from it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from iea_agent.assembly.version_proof import VersionProof
from iea_agent.domain import problems, timing
from iea_agent.domain.diagnosis import Failure, Stage, VersionReturn
from iea_agent.domain.machine import Moment
from iea_agent.domain.version_trial import Trial, TrialState
from iea_agent.host.program_folder import ProgramFolder, TrialFile
from iea_agent.host.storage import Folders, Storage

DAY = 86_400.0
UNREACHABLE = Failure(Stage.CONNECTION, problems.CONNECTION_REFUSED)
OWN_ERROR = Failure(Stage.ADDRESS, problems.INTERNAL_ERROR)


class Post:
    """A PC with an installed program of two versions, and a clock that is set by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "program"
        for slot in ("0.1.0", "0.2.0"):
            (self.folder / slot).mkdir(parents=True)
        self.point("current", "0.2.0")
        self.point("previous", "0.1.0")
        self.trial = TrialFile(folder / "local" / "trial")
        self.storage = Storage(Folders.locate({"IEA_AGENT_HOME": str(folder / "home")}))
        self.seconds = 0.0
        self.start = time.time()

    def point(self, name: str, slot: str) -> None:
        (self.folder / name).write_text(slot)

    def clock(self) -> Moment:
        return Moment(self.start + self.seconds, self.seconds)

    def begin(self, own: str = "0.2.0") -> VersionProof:
        """Start the agent of the slot *own*."""
        return VersionProof(ProgramFolder(self.folder, own), self.trial, self.storage, self.clock)

    def state(self, version: str = "0.2.0") -> TrialState | None:
        trial = self.trial.read_trials().get(version)
        return None if trial is None else trial.state

    def wait_for_tidying(self) -> None:
        for thread in threading.enumerate():
            if thread.name == "slots":
                thread.join(30)


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


@pytest.mark.parametrize("failure", [None, UNREACHABLE], ids=["connected", "a problem"])
def test_a_classified_result_in_time_proves_the_version(post: Post, failure: Failure | None) -> None:
    post.trial.write_trials({"0.2.0": Trial(2, TrialState.TRYING)})
    proof = post.begin()
    post.seconds = timing.PROOF
    proof.take(failure)
    post.wait_for_tidying()
    assert post.trial.read_trials() == {"0.2.0": Trial(2, TrialState.PROVED)}


def test_an_error_of_our_own_proves_nothing_but_a_later_result_does(post: Post) -> None:
    proof = post.begin()
    proof.take(OWN_ERROR)
    assert post.state() is None
    proof.take(UNREACHABLE)
    assert post.state() is TrialState.PROVED


def test_a_result_that_comes_too_late_proves_nothing(post: Post) -> None:
    proof = post.begin()
    post.seconds = timing.PROOF + 1
    proof.take(None)
    assert post.state() is None


def test_outside_an_installed_program_nothing_is_proved(post: Post) -> None:
    proof = VersionProof(None, post.trial, post.storage, post.clock)
    assert proof.is_settled
    assert not proof.find_return()
    proof.take(None)
    assert not post.trial.path.exists()


def test_the_version_before_goes_a_week_after_the_proof(post: Post) -> None:
    post.begin().take(None)
    post.wait_for_tidying()
    assert (post.folder / "0.1.0").exists()
    post.seconds = timing.OLD_SLOT
    post.begin().take(None)
    post.wait_for_tidying()
    assert not (post.folder / "0.1.0").exists()
    assert not (post.folder / "previous").exists()
    assert (post.folder / "0.2.0").exists()


def test_a_return_is_announced_once_and_stays_in_the_status(post: Post) -> None:
    post.trial.write_trials({"0.2.0": Trial(3, TrialState.FAILED)})
    first = post.begin("0.1.0")
    assert first.find_return()
    assert first.version_return == VersionReturn("0.2.0", "0.1.0")
    again = post.begin("0.1.0")
    assert not again.find_return()
    assert again.version_return == VersionReturn("0.2.0", "0.1.0")
    again.take(None)
    post.wait_for_tidying()
    assert post.state() is TrialState.FAILED, "the version that stands in proves itself, not the other"
    assert (post.folder / "0.2.0").exists()


def test_a_version_that_fails_again_is_announced_again(post: Post) -> None:
    post.trial.write_trials({"0.2.0": Trial(3, TrialState.FAILED)})
    assert post.begin("0.1.0").find_return()
    # an update is tried once more
    post.trial.write_trials({"0.2.0": Trial(1, TrialState.TRYING)})
    assert not post.begin("0.2.0").find_return()
    post.trial.write_trials({"0.2.0": Trial(3, TrialState.FAILED)})
    assert post.begin("0.1.0").find_return()


@pytest.mark.parametrize(
    "content", [b"\0" * 5000, b"0.2.0 999 failed\n", b"0.2.0 1 proved\n", b"0.1.0 3 failed\n"]
)
def test_a_lying_trial_file_does_no_harm(post: Post, content: bytes) -> None:
    post.trial.path.parent.mkdir()
    post.trial.path.write_bytes(content)
    proof = post.begin()
    assert not proof.find_return()
    proof.take(None)
    post.wait_for_tidying()
    assert post.state() is TrialState.PROVED
    assert (post.folder / "0.1.0").exists()


def test_a_disk_that_refuses_the_proof_leaves_the_version_on_trial(post: Post) -> None:
    post.trial.path.parent.mkdir()
    post.trial.path.mkdir()
    proof = post.begin()
    proof.take(None)
    assert proof.is_settled
    assert post.trial.path.is_dir()
