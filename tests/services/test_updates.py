"""Update metadata are trusted only if they are signed, current and newer."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iea_agent.domain import problems
from iea_agent.domain.addresses import parse
from iea_agent.domain.diagnosis import Server, Stage, StageOutcome
from iea_agent.domain.problems import Problem
from iea_agent.services import updates
from iea_agent.services.https import Client, HttpsError
from iea_agent.services.messages import Reply, Request
from iea_agent.services.network import Route
from iea_sandbox.repository import Repository
from iea_sandbox.world import World
from tests.services.conftest import BRIEF, Behaviour, Serve, page, request_of
from tests.services.test_faults import report_on

ADDRESS = parse("https://maj.example/updates")


class Site:
    """A repository on a static host, and a PC that visits it without a network."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder / "site")
        self.repository.publish({"policy.toml": b"schema = 1\n"})
        self.root = folder / "root.json"
        self.root.write_bytes(self.repository.first_root.read_bytes())
        self.folder = folder / "state" / "updates"
        self.overlay: dict[str, bytes] = {}
        self.statuses: dict[str, int] = {}
        self.asked: list[str] = []

    def ask(self, request: Request, limit: int) -> Reply:
        """What the host answers."""
        name = request.url.removeprefix(f"{ADDRESS}/metadata/")
        self.asked.append(name)
        file = self.repository.folder / "metadata" / name
        content = self.overlay.get(name, file.read_bytes() if file.exists() else None)
        status = self.statuses.get(name, 404 if content is None else 200)
        assert len(content or b"") <= limit
        return Reply(status, {}, content or b"")

    def visit(self, *, timestamp: bytes = b"") -> updates.VerifiedMetadata:
        """Check, keeping what is learnt."""
        self.asked.clear()
        return updates.check(
            self.ask, ADDRESS, self.root.read_bytes(), self.folder, timestamp=timestamp, wait=0
        )

    def fails(self) -> tuple[Stage, Problem, str]:
        """What a visit finds wrong."""
        with pytest.raises(HttpsError) as caught:
            self.visit()
        failure = caught.value.failure
        return failure.stage, failure.problem, failure.detail

    def read_served(self, name: str) -> bytes:
        """Return a file of the host."""
        return (self.repository.folder / "metadata" / name).read_bytes()

    def read_trusted(self, name: str) -> bytes:
        """Return a file of the PC."""
        return (self.folder / "metadata" / name).read_bytes()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_what_is_asked_for(site: Site) -> None:
    verified = site.visit()
    assert site.asked == ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]
    assert verified.version == 1
    assert timedelta(days=13) < verified.expires - datetime.now(UTC) <= timedelta(days=14)
    assert str(verified).startswith("signatures checked, version 1, expires ")
    site.visit()
    assert site.asked == ["2.root.json", "timestamp.json"]
    site.visit(timestamp=site.read_served("timestamp.json"))
    assert site.asked == ["2.root.json"], "the timestamp that was just read is not asked for again"


def test_keys_may_be_replaced(site: Site) -> None:
    site.visit()
    before = site.read_served("timestamp.json")
    for _ in range(3):
        site.repository.rotate_keys()
    assert site.visit(timestamp=before).version == 4, "a timestamp from before the new root is read again"
    assert site.asked == [
        "2.root.json", "3.root.json", "4.root.json", "5.root.json", "timestamp.json", "4.snapshot.json", "4.targets.json",
    ]  # fmt: skip
    site.visit()
    assert site.asked == ["5.root.json", "timestamp.json"]


@pytest.mark.parametrize("how", ["rolled-back-targets", "root-badly-signed", "targets-expired"])
def test_what_was_refused_stays_refused_until_repaired(site: Site, how: str) -> None:
    site.repository.publish()
    site.visit()
    site.overlay = site.repository.spoil(how)
    first = site.fails()
    assert site.fails()[:2] == first[:2]
    site.overlay = {}
    site.repository.heal()
    assert site.visit().version == 4


@pytest.mark.linux  # elsewhere a file has no holes by default, and gigabytes are written
@pytest.mark.parametrize("name", ["timestamp.json", "targets.json", "root_history/2.root.json"])
def test_metadata_of_gigabytes_are_deleted_and_not_read(site: Site, name: str) -> None:
    site.visit()
    file = site.folder / "metadata" / name
    file.touch()
    os.truncate(file, 3_000_000_000)
    tracemalloc.start()
    try:
        site.visit()
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 100_000_000
    assert not file.exists() or file.stat().st_size < updates.LARGEST


def test_another_publisher_is_not_trusted(site: Site, tmp_path: Path) -> None:
    site.root.write_bytes(Site(tmp_path / "another").root.read_bytes())
    stage, problem, detail = site.fails()
    assert (stage, problem) == (Stage.METADATA, problems.METADATA_NOT_AUTHENTIC)
    assert detail == "timestamp.json: timestamp was signed by 0/1 keys"


def test_a_new_root_of_another_publisher_begins_anew(site: Site, tmp_path: Path) -> None:
    for _ in range(2):
        site.repository.rotate_keys()
    site.visit()
    other = Site(tmp_path / "another")
    other.folder = site.folder
    assert other.visit().version == 1


def test_what_else_may_be_served(site: Site) -> None:
    site.visit()
    site.repository.publish()
    new = "2.snapshot.json"
    page_of_html = b"<!doctype html><title>Bienvenue</title>"
    unlike = Stage.KIND, problems.NOT_AN_UPDATE_SERVER
    unfinished = Stage.METADATA, problems.METADATA_INCOMPLETE
    mischief = Stage.METADATA, problems.METADATA_NOT_AUTHENTIC
    for file, status, body, expected in [
        ("timestamp.json", 404, b"", unlike),
        ("timestamp.json", 403, b"", (Stage.ANSWER, problems.FORBIDDEN)),
        ("timestamp.json", 503, b"", (Stage.ANSWER, problems.SERVER_UNAVAILABLE)),
        ("timestamp.json", 200, page_of_html, unlike),
        ("timestamp.json", 204, b"", unlike),
        ("timestamp.json", 200, site.read_served("timestamp.json") + b" " * 20_000, mischief),
        ("2.root.json", 200, site.root.read_bytes(), (Stage.METADATA, problems.METADATA_ROLLED_BACK)),
        (new, 404, b"", unfinished),
        (new, 410, b"", unfinished),
        (new, 204, b"", unfinished),
        (new, 200, page_of_html, unfinished),  # "not found" as a page with status 200
        (new, 200, b"<title>Web Page Blocked</title>", (Stage.METADATA, problems.PAGE_INSTEAD)),
        (new, 302, b"", (Stage.METADATA, problems.REDIRECTED)),
        (new, 403, b"", (Stage.METADATA, problems.FORBIDDEN)),
        (new, 503, b"", (Stage.METADATA, problems.SERVER_UNAVAILABLE)),
        (new, 200, b"x" * 60_000, mischief),
        (new, 200, b"{}", mischief),
        ("2.targets.json", 404, b"", unfinished),
    ]:
        site.overlay, site.statuses = {file: body}, {file: status}
        assert site.fails()[:2] == expected, (file, status, body[:20])


@pytest.mark.parametrize("status", [204, 302, 400, 401, 403, 404, 410, 429, 500, 503])
def test_hosts_say_in_many_ways_that_there_is_no_next_root(site: Site, status: int) -> None:
    site.statuses = {"2.root.json": status}
    assert site.visit().version == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!doctype html><title>Page introuvable</title>",
        b"Not Found",
        b"{}",
        b"[]",
        b'{"error": "not found"}',
    ],
)
def test_what_is_no_root_is_no_alarm(site: Site, body: bytes) -> None:
    site.overlay = {"2.root.json": body}
    assert site.visit().version == 1


def test_other_metadata_in_place_of_the_next_root_is_no_alarm(site: Site) -> None:
    site.overlay = {"2.root.json": site.read_served("timestamp.json")}
    assert site.visit().version == 1


def test_the_root_after_the_next_is_looked_for_behind_a_good_one(site: Site) -> None:
    site.repository.rotate_keys()
    site.overlay = {"3.root.json": b"<html>"}
    assert site.visit().version == 2


@pytest.mark.parametrize(
    "content", [b"", b"{", b"<html>", b"[]", b'{"signatures": [], "signed": {"_type": "root"}}']
)
def test_a_root_that_cannot_be_used_is_named(site: Site, content: bytes) -> None:
    site.root.write_bytes(content)
    stage, problem, detail = site.fails()
    assert (stage, problem) == (Stage.METADATA, problems.METADATA_NOT_AUTHENTIC)
    assert detail.startswith("root.json of this computer cannot be used")
    assert not site.asked


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_root_with_the_mark_of_an_editor_is_read(site: Site, encoding: str) -> None:
    site.root.write_bytes(site.root.read_text("utf-8").encode(encoding))
    assert site.visit().version


# --- the folder


def _cut_short(*names: str) -> Callable[[Path], None]:
    def damage(trusted: Path) -> None:
        file = trusted.joinpath(*names)
        file.write_bytes(file.read_bytes()[:-40])

    return damage


def _noise(name: str) -> Callable[[Path], None]:
    def damage(trusted: Path) -> None:
        (trusted / name).write_bytes(bytes(range(256)))

    return damage


DAMAGE: dict[str, Callable[[Path], None]] = {
    "timestamp in pieces": _cut_short("timestamp.json"),
    "snapshot in pieces": _cut_short("snapshot.json"),
    "targets are noise": _noise("targets.json"),
    "root history in pieces": _cut_short("root_history", "1.root.json"),
    "root gone": lambda trusted: (trusted / "root.json").unlink(missing_ok=True),  # Wine makes no links
    "killed while writing": _noise("tmpabc"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_folder_repairs_itself(site: Site, how: str) -> None:
    site.visit()
    trusted = site.folder / "metadata"
    sound = sorted(file.relative_to(trusted) for file in trusted.rglob("*"))
    DAMAGE[how](trusted)
    site.visit()
    assert sorted(file.relative_to(trusted) for file in trusted.rglob("*")) == sound
    site.visit()
    assert site.asked == ["2.root.json", "timestamp.json"]


def test_where_the_disk_refuses_the_check_is_made_all_the_same(site: Site) -> None:
    site.folder.parent.mkdir()
    site.folder.write_bytes(b"a file where the folder should be")
    assert site.visit().version == 1


HOLDER = """
import sys
from pathlib import Path
from iea_agent.domain.addresses import parse
from iea_agent.services import updates
from iea_agent.services.messages import Reply

address, site, root, folder = parse(sys.argv[1]), *map(Path, sys.argv[2:])

def ask(request, limit):
    file = site / request.url.removeprefix(f"{address}/")
    if file.name.endswith(".snapshot.json"):
        print("in the middle", flush=True)
        sys.stdin.read()
    return Reply(200 if file.exists() else 404, {}, file.read_bytes() if file.exists() else b"")

updates.check(ask, address, root.read_bytes(), folder)
"""


def test_another_process_in_the_middle_is_not_waited_for_and_may_be_killed(site: Site) -> None:
    site.visit()
    site.repository.publish()
    site.repository.publish()
    arguments = [ADDRESS, site.repository.folder, site.root, site.folder]
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"in the middle"
        assert site.read_trusted("timestamp.json") == site.read_served("timestamp.json"), (
            "the other process has stored it"
        )
        assert site.visit().version == 3
        assert site.read_trusted("snapshot.json") == site.read_served("1.snapshot.json"), (
            "this visit was made on a copy"
        )
        site.overlay = site.repository.spoil("rolled-back")
        assert site.fails()[1] is problems.METADATA_ROLLED_BACK, "the copy knows what was seen"
        other.kill()
    assert site.fails()[1] is problems.METADATA_ROLLED_BACK
    site.overlay = {}
    assert site.visit().version == 3
    assert site.read_trusted("snapshot.json") == site.read_served("3.snapshot.json")


# --- the line


def _serving(site: Site, struck: str, strike: Behaviour) -> Behaviour:
    """The site over HTTP, but for the file *struck*."""

    def behaviour(connection: socket.socket) -> None:
        while request := request_of(connection):
            name = request.split()[1].decode().rpartition("/")[2]
            if name == struck:
                strike(connection)
                return
            reply = site.ask(Request("GET", f"{ADDRESS}/metadata/{name}"), updates.LARGEST)
            connection.sendall(page(f"{reply.status} -", reply.body))

    return behaviour


def _stall(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    connection.recv(1)


def _endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(bytes(65536))


@pytest.mark.parametrize(
    ("file", "how", "problem"),
    [
        ("1.snapshot.json", _stall, problems.ANSWER_LATE),
        ("2.root.json", _endless, problems.ANSWER_NONSENSE),
        ("1.snapshot.json", _endless, problems.ANSWER_NONSENSE),
        ("1.targets.json", _endless, problems.ANSWER_NONSENSE),
    ],
)
def test_what_comes_slowly_or_without_end_is_bounded(
    site: Site, serve: Serve, file: str, how: Behaviour, problem: Problem
) -> None:
    server = serve(_serving(site, file, how))

    def verify(ask: updates.Send, _: object, timestamp: bytes) -> str:
        return str(
            updates.check(
                ask, parse(server.address), site.root.read_bytes(), site.folder, timestamp=timestamp
            )
        )

    report = report_on(Server.UPDATES, server.address, lambda _: Client(limits=BRIEF), verify=verify)
    assert report.failure is not None
    assert (report.failure.stage, report.failure.problem) == (Stage.METADATA, problem)
    assert report.stages[-2].outcome is StageOutcome.PASSED


# --- the test of the servers


def test_the_test_takes_two_requests_over_one_connection(world: World, tmp_path: Path) -> None:
    def verify(ask: updates.Send, _: object, timestamp: bytes) -> str:
        address = parse(world.updates.address)
        return str(updates.check(ask, address, world.root_file.read_bytes(), tmp_path, timestamp=timestamp))

    def visit() -> str:
        world.requests.clear()
        world.connections.clear()
        report = report_on(
            Server.UPDATES,
            world.updates.address,
            lambda _: Client(Route(ca_file=world.ca_file)),
            verify=verify,
        )
        assert report.passed, report.failure
        return report.stages[-1].detail

    visit()
    assert visit().startswith("signatures checked, version ")
    names = [request.target.rpartition("/")[2] for request in world.requests]
    assert names[0] == "timestamp.json"
    assert len(names) == 2, "TCP, TLS and two requests: four round trips"
    assert names[1].endswith(".root.json")
    assert len(world.connections.select(server="updates")) == 1, "the answer 404 was read to its end"


def test_without_a_root_the_test_says_that_nothing_was_verified(world: World) -> None:
    report = report_on(Server.UPDATES, world.updates.address, lambda _: Client(Route(ca_file=world.ca_file)))
    assert report.passed
    assert report.stages[-1].detail.startswith("signatures not checked: no root.json here; expires ")


@pytest.mark.linux  # in Windows the real tray is asked: tests/desktop/test_tray.py
def test_only_updates_loads_tuf() -> None:
    program = (
        "import sys, iea_agent.cli, iea_agent.assembly.start, iea_agent.assembly.agent, iea_agent.assembly.dialog_adapters\n"
        "import iea_agent.services.reachability, iea_agent.services.authentication\n"
        "print(sorted({'tuf', 'securesystemslib', 'cryptography', 'filelock', 'urllib3'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
