"""What a choice of updates asks about this PC."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

from iea_agent import __version__
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.update_post import describe_post
from iea_agent.domain import timing
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.version_trial import VersionRecord, record_failed

NOON = time.mktime((2026, 12, 9, 12, 0, 0, 0, 0, -1))


def test_the_number_that_draws_is_drawn_once(tmp_path: Path) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    first, second = (describe_post(installation, kind, NOON) for kind in ReleaseKind)
    assert first.drawing_name == second.drawing_name
    assert len(first.drawing_name) == 32
    assert (first.installed, second.installed) == ("", __version__)
    assert first.today == date(2026, 12, 9)
    # without a disk nothing draws, and nothing breaks
    (tmp_path / "state" / "rollout.json").unlink()
    (tmp_path / "state").rmdir()
    (tmp_path / "state").write_bytes(b"")
    assert describe_post(installation, ReleaseKind.AGENT, NOON).drawing_name == ""


def test_a_version_of_the_agent_that_failed_rests_for_a_day(tmp_path: Path) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    record = record_failed(VersionRecord(), "0.2.0", NOON)
    installation.storage.write_state("versions", record.to_document())
    rested = NOON + timing.FAILED_VERSION_REST
    for kind, now, failed in (
        (ReleaseKind.AGENT, NOON, {"0.2.0"}),
        (ReleaseKind.AGENT, rested, set()),
        (ReleaseKind.PRODUCT, NOON, set()),
    ):
        assert describe_post(installation, kind, now).failed == failed
