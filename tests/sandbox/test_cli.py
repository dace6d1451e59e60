"""The command ``iea-sandbox``, as a person or a script runs it."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from threading import Timer

import httpx
import pytest

from iea_sandbox.cli import main
from iea_sandbox.faults import FAULTS, UnknownFault
from iea_sandbox.orders import order

# each test starts processes; what they do is tested on both systems beside this file
pytestmark = pytest.mark.linux

COMMAND = [sys.executable, "-m", "iea_sandbox.cli"]


@dataclass(frozen=True)
class Served:
    """A sandbox in a process of its own."""

    home: Path
    file: dict[str, object]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one more command on it."""
        return subprocess.run(
            [*COMMAND, *arguments, "--home", self.home],
            capture_output=True,
            encoding="utf-8",
            timeout=30,
            check=False,
        )

    def discovery(self) -> httpx.Response:
        url = f"{self.file['authentication']}/.well-known/openid-configuration"
        context = ssl.create_default_context(cafile=str(self.file["ca"]))
        return httpx.get(url, verify=context, trust_env=False, timeout=5)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    with subprocess.Popen(
        [*COMMAND, "serve", "--home", home], stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        deadline = Timer(30, process.kill)
        deadline.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if "Ctrl+C" in line:
                    break
            deadline.cancel()
            yield Served(home, json.loads((home / "sandbox.json").read_text(encoding="utf-8")))
        finally:
            deadline.cancel()
            process.terminate()
            process.wait(10)


def test_the_file_has_all_addresses(served: Served) -> None:
    assert str(served.file["updates"]).endswith("/updates")
    assert Path(str(served.file["ca"])).is_file()
    assert Path(str(served.file["root"])).is_file()
    licences = served.file["licences"]
    assert isinstance(licences, dict)
    assert licences["good"]["number"]
    assert served.discovery().status_code == 200


@pytest.mark.linux
def test_only_the_user_reads_the_file(served: Served) -> None:
    assert (served.home / "sandbox.json").stat().st_mode & 0o777 == 0o600


def test_break_status_and_mend(served: Served) -> None:
    broken = served.run("break", "auth", "--how", "503", "--retry-after", "5")
    assert broken.returncode == 0, broken.stderr
    assert "503" in broken.stdout
    assert served.discovery().headers["retry-after"] == "5"
    status = json.loads(served.run("status", "--json").stdout)
    assert {part: how for part, how in status["broken"].items() if how} == {"auth": "503"}
    assert "control" not in status
    assert served.run("mend").returncode == 0
    assert served.discovery().status_code == 200


def test_the_status_has_what_to_type_and_to_set(served: Served) -> None:
    sound = str(served.file["authentication"])
    proxy = served.file["proxy"]
    assert isinstance(proxy, dict)
    order(served.home, "break", {"part": "address", "how": "no-scheme"})
    output = served.run("break", "proxy", "--how", "password").stdout
    for text in (f"  {sound.removeprefix('https://')}\n", *proxy.values()):
        assert text in output
    status = order(served.home, "mend", {})
    assert status["to_type"] == {"auth": sound, "updates": served.file["updates"]}


def test_the_network_is_cut_in_the_rig_only(served: Served) -> None:
    with pytest.raises(UnknownFault, match="banc d’essai"):
        order(served.home, "break", {"part": "network", "how": "off"})


def test_a_fault_of_another_part_is_refused_with_its_reason(served: Served) -> None:
    refused = served.run("break", "updates", "--how", "refused")
    assert refused.returncode == 2
    assert "n’existe que pour" in refused.stderr


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer guess"])
def test_the_switches_want_the_token(served: Served, token: str) -> None:
    control = served.file["control"]
    assert isinstance(control, dict)
    for method, path in (("GET", "/status"), ("POST", "/break?part=auth&how=500"), ("POST", "/mend")):
        connection = HTTPConnection("127.0.0.1", control["port"], timeout=5)
        connection.request(method, path, headers={"Authorization": token})
        assert connection.getresponse().status == 401
        connection.close()
    assert served.discovery().status_code == 200


def test_without_a_sandbox_the_reason_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--home", str(tmp_path)]) == 3
    assert "Aucun bac à sable" in capsys.readouterr().err


def test_a_port_that_is_taken_is_reported(served: Served, tmp_path: Path) -> None:
    port = str(served.file["authentication"]).rpartition(":")[2]
    second = Served(tmp_path, {}).run("serve", "--auth-port", port)
    assert second.returncode == 1
    assert second.stderr.startswith("Impossible")


@pytest.mark.linux
def test_the_end_of_the_sandbox_removes_its_file(tmp_path: Path) -> None:
    with subprocess.Popen([*COMMAND, "serve", "--home", tmp_path], stdout=subprocess.PIPE) as process:
        deadline = Timer(30, process.kill)
        deadline.start()
        assert process.stdout is not None
        for line in process.stdout:
            if b"Ctrl+C" in line:
                break
        process.terminate()
        assert process.wait(10) == 0
        deadline.cancel()
    assert not (tmp_path / "sandbox.json").exists()


@pytest.mark.parametrize("command", [["--help"], ["break", "--help"]])
def test_the_help_lists_every_fault(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(command)
    text = capsys.readouterr().out
    assert [
        name
        for name, fault in FAULTS.items()
        if f"  {fault.how} " not in text or fault.description not in text
    ] == []


def test_the_home_may_come_from_the_environment(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "status"],
        env={**os.environ, "IEA_SANDBOX_HOME": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )
    assert done.returncode == 3
    assert tmp_path.name in done.stderr
