"""An update's download beside ``curl`` and ``sha256sum``, and what a check costs.

nginx serves the repository over TLS on this machine. The download is the product's own, from the offer to the verified file.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.servers import Servers
from iea_agent.assembly.updating import Updating
from iea_agent.services.update_download import Terms
from iea_sandbox.world import World
from rig.server_tests import Readings, Relay
from tests.update_site import Site, open_nginx_site

SIZE = 200 << 20
"""Bytes of the update's file."""
ROUND_TRIP = 0.05
"""Seconds to the server far away, and back."""
MEBIBYTE = 1 << 20


def measure_updates(runs: int) -> Readings:
    """Return the readings of all: *runs* downloads, and as many checks."""
    with (
        tempfile.TemporaryDirectory() as folder,
        World(Path(folder, "world")) as world,
        open_nginx_site(Path(folder), world) as site,
    ):
        site.content = os.urandom(MEBIBYTE) * (SIZE // MEBIBYTE)
        site.describe()
        readings = {
            "check round trips": measure_check(site, runs),
            "bytes of a second PC": [measure_second_pc(site)],
        }
        return readings | measure_downloads(site, world.ca_file, runs)


def measure_check(site: Site, runs: int) -> list[float]:
    """Return the round trips of checks that find nothing new, far away.

    The relay delays no connecting: its round trip is added.
    """
    relay = Relay(urlsplit(site.address).port or 443, ROUND_TRIP / 2)
    near, site.address = site.address, f"https://localhost:{relay.port}"
    pc = site.make_pc("far")
    pc.refresh()
    round_trips: list[float] = []
    for _ in range(runs):
        before = relay.round_trips
        pc.refresh()
        round_trips.append(relay.round_trips - before + 1.0)
    site.address = near
    return round_trips


def measure_second_pc(site: Site) -> float:
    """Return the bytes that a second PC of a site fetches, in percent of the first's."""
    shared = site.folder / "shared"
    shared.mkdir()
    bytes_of_each = []
    for name in ("first", "second"):
        before = _sum_bytes(site)
        pc = site.make_pc(name, shared)
        pc.fetch(pc.refresh().offers[0], Terms())
        bytes_of_each.append(_sum_bytes(site) - before)
    return 100 * bytes_of_each[1] / bytes_of_each[0]


def _sum_bytes(site: Site) -> int:
    """Return the bytes of all bodies that nginx has given."""
    lines = (site.folder / "access.log").read_text(encoding="utf-8")
    return sum(int(size) for size in re.findall(r'" \d{3} (\d+) "', lines))


def measure_downloads(site: Site, ca_file: Path, runs: int) -> Readings:
    """Return seconds and memory in MB of downloads, ours and the peer's by turns."""
    readings: Readings = {"download": [], "download memory": [], "curl download": []}
    targets = site.served / "targets"
    file = max(targets.rglob("*.exe"), key=lambda file: file.stat().st_size)
    at = f"{site.address}/targets/{file.relative_to(targets).as_posix()}"
    copy = site.folder / "copy"
    for run in range(runs):
        begun = time.perf_counter()
        command = ("curl", "--silent", "--fail", "--cacert", ca_file, "--output", copy, at)
        subprocess.run(command, check=True, timeout=120)
        subprocess.run(("sha256sum", copy), check=True, timeout=120, stdout=subprocess.DEVNULL)
        readings["curl download"].append(time.perf_counter() - begun)
        copy.unlink()
        site.make_pc(f"pc-{run}")
        ours = subprocess.run(
            (sys.executable, "-m", "rig.update_figures", site.folder / f"pc-{run}"),
            check=True,
            timeout=120,
            stdout=subprocess.PIPE,
        )
        for name, value in json.loads(ours.stdout).items():
            readings[name].append(value)
    return readings


def download(home: Path) -> dict[str, float]:
    """Download what is offered to the PC at *home*; return the seconds and MB it took.

    The memory is the most that this process had, over what it had after the check.
    """
    pc = Updating(Servers(Installation.locate({"IEA_AGENT_HOME": str(home)})))
    offer = pc.refresh().offers[0]
    # the peak begins anew (proc(5))
    Path("/proc/self/clear_refs").write_text("5")
    before = _read_memory("VmRSS")
    begun = time.perf_counter()
    file = pc.fetch(offer, Terms())
    seconds = time.perf_counter() - begun
    most = _read_memory("VmHWM")
    file.unlink()
    return {"download": seconds, "download memory": most - before}


def _read_memory(name: str) -> float:
    """Return the value *name* of this process's memory in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(rf"{name}:\s+(\d+) kB", status)[0]) * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(download(Path(sys.argv[1]))))
