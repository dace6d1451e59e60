"""The tour in a network of its own, with faults of the PC's names and network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig.build import ROOT
from rig.prefix import windows_path
from rig.wine_tour import NOT_APART

pytestmark = [pytest.mark.linux, pytest.mark.desktop]


def test_faults_of_the_machine_itself(tmp_path: Path) -> None:
    """Windows finds the proxy that the network offers (WPAD); and there is no network."""
    tour = (sys.executable, "-m", "rig", "wine_tour", "--no-windows", "--output", windows_path(tmp_path))
    done = subprocess.run(
        [*tour, "--only", "pac-offered", "network-off"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if NOT_APART in done.stdout:
        pytest.skip(NOT_APART)
    assert "3 comme attendu, 0 à voir, 0 laissée de côté" in done.stdout, done.stdout + done.stderr
