"""Signed files: one pass, resumed, cancelled, refused; nothing false gets a name."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest

from iea_agent.domain import problems
from iea_agent.domain.download_plan import Progress
from iea_agent.domain.problems import Problem
from iea_agent.domain.update_catalogue import SignedFile
from iea_agent.services.https import Client, HttpsError
from iea_agent.services.network import RequestCancelled
from iea_agent.services.update_download import Terms, copy_file, fetch_file

CONTENT = bytes(range(256)) * 4096
FILE = SignedFile("impact-emploi/IEA-3.00.73.exe", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@dataclass
class StaticHost:
    """A static host that answers Range, and its faults."""

    address: str = ""
    content: bytes = CONTENT
    status: int = 0
    has_ranges: bool = True
    wrong_range: bool = False
    says_length: bool = True
    kind: str = "application/octet-stream"
    cut_at: int = -1
    stalls_at: int = -1
    goes_on: threading.Event = field(default_factory=threading.Event)
    sent: list[int] = field(default_factory=list)
    """The body's length of each answer, noted before it is sent: whoever has read the answer finds it here."""

    def answer(self, asked: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body for a request with the Range *asked*."""
        if self.status:
            return self.status, {}, self.content
        begin = int(re.sub(r"\D", "", asked)) if asked and self.has_ranges else 0
        if not begin:
            return 200, {}, self.content
        if begin >= len(self.content):
            return 416, {}, b""
        stated = begin + (7 if self.wrong_range else 0)
        last = len(self.content) - 1
        return 206, {"Content-Range": f"bytes {stated}-{last}/{len(self.content)}"}, self.content[begin:]


class Handler(BaseHTTPRequestHandler):
    host: StaticHost
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        host = self.host
        status, headers, body = host.answer(self.headers.get("Range", ""))
        self.send_response(status)
        self.send_header("Content-Type", host.kind)
        for name, value in headers.items():
            self.send_header(name, value)
        if host.says_length:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.close_connection = True
        self.end_headers()
        if host.stalls_at >= 0:
            self.wfile.write(body[: host.stalls_at])
            self.wfile.flush()
            host.goes_on.wait(20)
            body = body[host.stalls_at :]
        if host.cut_at >= 0:
            host.sent.append(host.cut_at)
            self.wfile.write(body[: host.cut_at])
            self.close_connection = True
            return
        host.sent.append(len(body))
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def host(server: ThreadingHTTPServer) -> Iterator[StaticHost]:
    Handler.host = StaticHost(f"http://127.0.0.1:{server.server_port}/IEA.exe")
    yield Handler.host
    Handler.host.goes_on.set()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def client() -> Iterator[Client]:
    with Client() as made:
        yield made


Fetch = Callable[..., Path]


@pytest.fixture
def fetch(client: Client, host: StaticHost, folder: Path) -> Fetch:
    def run(file: SignedFile = FILE, terms: Terms | None = None) -> Path:
        return fetch_file(client.receive, host.address, file, folder, terms or Terms())

    return run


def part_of(folder: Path) -> Path:
    return folder / f"{FILE.base_name}.{FILE.sha256}.part"


def fails(run: Callable[[], object]) -> tuple[Problem, str]:
    with pytest.raises(HttpsError) as caught:
        run()
    return caught.value.failure.problem, caught.value.failure.detail


def test_a_file_is_fetched_whole_and_not_twice(fetch: Fetch, host: StaticHost, folder: Path) -> None:
    seen: list[Progress] = []
    assert fetch(terms=Terms(report=seen.append)).read_bytes() == CONTENT
    assert [file.name for file in folder.iterdir()] == ["IEA-3.00.73.exe"]
    assert seen[-1] == Progress(len(CONTENT), len(CONTENT))
    assert {each.total for each in seen} == {len(CONTENT)}
    fetch()
    assert host.sent == [len(CONTENT)]


def test_a_cut_download_goes_on_where_it_ended(fetch: Fetch, host: StaticHost, folder: Path) -> None:
    host.cut_at = 300_000
    assert fails(fetch)[0] is problems.ANSWER_CUT
    assert part_of(folder).stat().st_size == 300_000
    host.cut_at = -1
    assert fetch().read_bytes() == CONTENT
    assert host.sent == [300_000, len(CONTENT) - 300_000]
    assert not part_of(folder).exists()


@pytest.mark.parametrize("fault", ["no-ranges", "wrong-range"])
def test_a_server_that_cannot_go_on_gives_the_whole(
    fetch: Fetch, host: StaticHost, folder: Path, fault: str
) -> None:
    folder.mkdir()
    part_of(folder).write_bytes(CONTENT[:1000])
    if fault == "no-ranges":
        host.has_ranges = False
        assert fetch().read_bytes() == CONTENT
        assert host.sent == [len(CONTENT)]
    else:
        # 206 with another beginning: asked again, without a range
        host.wrong_range = True
        assert fetch().read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("left", "sent"),
    [
        (CONTENT, []),
        (CONTENT + b"!", [len(CONTENT)]),
        (b"", [len(CONTENT)]),
    ],
)
def test_a_part_is_worth_what_its_bytes_are(
    fetch: Fetch, host: StaticHost, folder: Path, left: bytes, sent: list[int]
) -> None:
    folder.mkdir()
    part_of(folder).write_bytes(left)
    assert fetch().read_bytes() == CONTENT
    assert host.sent == sent


def test_a_damaged_part_is_thrown_away(fetch: Fetch, folder: Path) -> None:
    folder.mkdir()
    part_of(folder).write_bytes(b"xxxx" + CONTENT[4:1000])
    problem, detail = fails(fetch)
    assert problem is problems.UPDATE_FILE_ALTERED
    assert "another is signed" in detail
    assert list(folder.iterdir()) == []
    assert fetch().read_bytes() == CONTENT


@pytest.mark.parametrize("says_length", [True, False])
@pytest.mark.parametrize("content", [b"!" + CONTENT[1:], CONTENT + b"!", CONTENT[:-1], b""])
def test_another_content_is_refused(
    fetch: Fetch, host: StaticHost, folder: Path, content: bytes, says_length: bool
) -> None:
    host.content, host.says_length = content, says_length
    assert fails(fetch)[0] is problems.UPDATE_FILE_ALTERED
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (404, problems.UPDATE_FILE_MISSING),
        (410, problems.UPDATE_FILE_MISSING),
        (403, problems.FORBIDDEN),
        (503, problems.SERVER_UNAVAILABLE),
        (302, problems.REDIRECTED),
    ],
)
def test_an_answer_that_is_no_file_has_its_problem(
    fetch: Fetch, host: StaticHost, folder: Path, status: int, problem: Problem
) -> None:
    folder.mkdir()
    part_of(folder).write_bytes(CONTENT[:1000])
    host.status, host.content = status, b"non"
    assert fails(fetch)[0] is problem
    assert part_of(folder).stat().st_size == 1000


def test_a_page_instead_of_the_file_is_one(fetch: Fetch, host: StaticHost, folder: Path) -> None:
    host.kind, host.content = "text/html", b"<!doctype html><title>Accueil Wi-Fi</title><form>"
    problem, detail = fails(fetch)
    assert problem is not problems.UPDATE_FILE_ALTERED
    assert "Accueil" in detail or "HTTP 200" in detail
    assert [file.stat().st_size for file in folder.iterdir()] == [0]


@pytest.mark.parametrize("stalls_at", [0, 100_000])
def test_a_cancelled_download_ends_at_once_and_goes_on_later(
    fetch: Fetch, host: StaticHost, folder: Path, stalls_at: int
) -> None:
    host.stalls_at = stalls_at
    cancelled = threading.Event()
    moments: list[float] = []

    def look() -> bool:
        # the download waits: it looks again and again
        if len(moments) < 8:
            moments.append(time.monotonic())
            return False
        cancelled.set()
        return True

    with pytest.raises(RequestCancelled):
        fetch(terms=Terms(is_cancelled=look))
    assert cancelled.is_set()
    assert max(later - earlier for earlier, later in pairwise(moments)) < 0.2
    assert part_of(folder).stat().st_size == stalls_at
    host.stalls_at = -1
    assert fetch().read_bytes() == CONTENT
    # the server may notice late that nobody reads: it is the last answer that counts
    assert len(CONTENT) - stalls_at in host.sent


def test_a_slow_rate_is_kept(fetch: Fetch) -> None:
    seen: list[Progress] = []
    begun = time.monotonic()
    fetch(terms=Terms(report=seen.append, find_limit=lambda: 1_500_000))
    seconds = time.monotonic() - begun
    assert seconds >= 0.95 * len(CONTENT) / 1_500_000


def test_a_full_disk_is_said_before_a_byte_comes(fetch: Fetch, host: StaticHost) -> None:
    problem, detail = fails(lambda: fetch(terms=Terms(room=2**62)))
    assert problem is problems.DISK_TOO_FULL
    assert "bytes free" in detail
    assert host.sent == []


def test_a_folder_that_takes_nothing_is_named(fetch: Fetch, folder: Path) -> None:
    folder.write_bytes(b"a file stands there")
    problem, detail = fails(fetch)
    assert problem is problems.FOLDER_UNUSABLE
    assert str(folder) in detail


class TestCopy:
    """A file from a shared folder or a stick: the same judge."""

    def test_a_file_is_copied(self, folder: Path) -> None:
        assert copy_file(io.BytesIO(CONTENT), FILE, folder, Terms()).read_bytes() == CONTENT

    @pytest.mark.parametrize("content", [b"!" + CONTENT[1:], CONTENT + b"!", CONTENT[:-1], b""])
    def test_another_content_is_refused(self, folder: Path, content: bytes) -> None:
        problem, _ = fails(lambda: copy_file(io.BytesIO(content), FILE, folder, Terms()))
        assert problem is problems.UPDATE_FILE_ALTERED
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize("content", [b"!" + CONTENT[1:], CONTENT + b"!", b""])
    def test_it_is_judged_also_if_the_signed_file_is_here_already(self, folder: Path, content: bytes) -> None:
        ready = copy_file(io.BytesIO(CONTENT), FILE, folder, Terms())
        problem, _ = fails(lambda: copy_file(io.BytesIO(content), FILE, folder, Terms()))
        assert problem is problems.UPDATE_FILE_ALTERED
        assert list(folder.iterdir()) == [ready]
        assert copy_file(io.BytesIO(CONTENT), FILE, folder, Terms()) == ready

    def test_a_part_of_the_network_is_not_mixed_with_it(self, folder: Path) -> None:
        folder.mkdir()
        part_of(folder).write_bytes(b"x" * 1000)
        assert copy_file(io.BytesIO(CONTENT), FILE, folder, Terms()).read_bytes() == CONTENT

    def test_an_older_file_of_that_name_is_replaced(self, folder: Path) -> None:
        folder.mkdir()
        (folder / FILE.base_name).write_bytes(b"!" * len(CONTENT))
        assert copy_file(io.BytesIO(CONTENT), FILE, folder, Terms()).read_bytes() == CONTENT


def test_a_large_file_takes_little_memory(folder: Path) -> None:
    import tracemalloc

    size = 16 * 2**20
    piece = bytes(2**16)
    digest = hashlib.sha256()
    for _ in range(size // len(piece)):
        digest.update(piece)

    class Source(io.RawIOBase):
        left = size

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            count = min(len(buffer), self.left)
            buffer[:count] = bytes(count)
            self.left -= count
            return count

    tracemalloc.start()
    try:
        copy_file(
            io.BufferedReader(Source()),
            replace(FILE, length=size, sha256=digest.hexdigest()),
            folder,
            Terms(),
        )
        assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    finally:
        tracemalloc.stop()
