"""Random input gets a documented answer, soon, in little memory, without a crash.

An input may cost 0.2 s of processor time (``tests.budget``). For a person who has an hour, `IEA_FUZZ` is the number of examples of each test:

    IEA_FUZZ=20000 python -m pytest tests/services/test_fuzz.py -q

What is found is kept in .hypothesis and tried first the next time. ``coverage_guided`` feeds the same checks otherwise.
"""

from __future__ import annotations

import json
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tuf.api.metadata import Metadata

from iea_agent.domain import addresses, problems
from iea_agent.domain import settings as file_of_settings
from iea_agent.domain.addresses import AddressError
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.services import authentication, updates
from iea_agent.services.authentication import AccessGranted, Discovery, Licence, run_exchange
from iea_agent.services.https import Client, HttpsError
from iea_agent.services.judge import judge_answer
from iea_agent.services.messages import Reply, Request
from iea_agent.services.network import Limits
from tests.budget import GIVEN, MOST_MEMORY, TooSlowError, bounded, examples
from tests.covered import cover, covers
from tests.services.conftest import raw_server, request_of
from tests.services.test_updates import ADDRESS, Site

LICENCE = Licence("IEA-0001-ESSAI", "K3Y-9F2M-7QX4-20LB")


def check(failure: Failure) -> None:
    """A failure that can be shown: named, and its evidence in one bounded line."""
    assert failure.problem is not problems.INTERNAL_ERROR
    assert len(failure.detail) < 500
    assert failure.detail.isprintable()
    assert repr(failure.evidence).isprintable()
    assert LICENCE.key not in failure.detail
    assert failure.retry_after is None or 0 <= failure.retry_after <= 86_400


ANY = st.text(st.characters(exclude_categories=()), max_size=30)
"""Surrogates too: they come from JSON, and from a console in another code page."""


def test_an_input_that_costs_too_much_is_noticed() -> None:
    def work() -> None:
        end = time.process_time() + 0.02
        while time.process_time() < end:
            pass

    with pytest.raises(TooSlowError), bounded(0.01):
        work()
    with bounded():
        work()


# --- addresses, settings

_PIECES = (
    "https://|http://|HTTPS:|//|:|@|[|]|[::1]|[fe80::1%25eth0]|%|%00|%2e|.|..|.fr|/|\\|?|#|;|,|«|»|\u00a0|\u200b|\u202e|xn--|xn--a|localhost|127.0.0.1|0x7f"
    "|١٢٣|ｅ|é|ß|㎏|．|。|:80|:99999|:0|:-1|:１|exemple|serveur|a@b|\t| |\r\n|\x00|\ud800|\udfff|\U0010ffff"
)
PIECES = st.sampled_from(_PIECES.split("|"))
TYPED = st.lists(PIECES | ANY, max_size=8).map("".join)


@covers("address", "refused")
@examples(150)
@example("https://exemple.fr")
@given(TYPED)
def test_any_typed_text_is_an_address_or_is_refused(text: str) -> None:
    clean = addresses.clean(text)
    assert addresses.clean(clean) == clean
    for typed in (text, clean, addresses.secure_address(clean)[0]):
        try:
            address = addresses.parse(typed)
        except AddressError:
            cover("refused")
            continue
        cover("address")
        assert addresses.parse(str(address)) == address
        assert address.host.isascii()
        assert 0 < address.port < 65536


@pytest.mark.parametrize(
    "piece", ["a", "a.", "[", "%25", "https://", "é", "« ", "\u00a0", "1:", "xn--", "@", "/", "\udcff"]
)
def test_a_million_characters_are_read_or_refused_at_once(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    with bounded(1):
        for typed in (text, f"https://{text}", f"https://exemple.fr/{text}", f"https://exemple.fr:{text}"):
            try:
                addresses.parse(addresses.clean(typed))
            except AddressError:
                continue


NAMES = st.sampled_from(sorted(file_of_settings.DECLARATIONS)) | st.sampled_from(
    ["schema", "connection", "licence", "a.b.c", '""']
)
VALUES = st.sampled_from(
    [
        "true",
        '"non"',
        "1",
        "-1",
        "9" * 5000,
        "1e999",
        "nan",
        "[]",
        "[" * 3000,
        "{}",
        "1979-05-27",
        '"http://a"',
        '"https://é.fr/"',
        '"\\ud800"',
        '"',
        "'''",
        "0x",
        "=",
    ]
)
LINES = st.one_of(
    st.tuples(NAMES, VALUES).map(" = ".join),
    NAMES.map(lambda name: f"[{name}]"),
    NAMES.map(lambda name: f"[[{name}]]"),
    ANY,
)


@covers("read", "refused")
@examples(80)
@example("[connection]\nipv4_only = true")
@given(st.lists(LINES, max_size=8).map("\n".join))
def test_any_settings_file_is_read_or_refused(text: str) -> None:
    try:
        values = file_of_settings.parse_file(text).values
    except file_of_settings.SettingsError as refused:
        cover("refused")
        faults, text = refused.faults, str(refused)
    else:
        cover("read")
        file_of_settings.apply_policy(values, values)
        return
    assert faults
    assert text


# --- what servers say in JSON

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    ANY,
    st.integers(),
    st.floats(),
    TYPED,
    st.sampled_from(
        [
            10**400,
            -(10**400),
            2**64,
            "nan",
            "inf",
            "-1",
            "1e400",
            "Bearer",
            "bearer",
            "invalid_client",
            "access_denied",
            str(ADDRESS),
        ]
    ),
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3), max_leaves=6
)
NOISE = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"",
            b"\xef\xbb\xbf{}",
            b"[" * 60_000,
            b'{"a":' * 12_000,
            b"1" * 60_000,
            b'{"issuer":"\\ud800"}',
            b'{"issuer":"\xff"}',
            b'"' + b"\\u0000" * 9000 + b'"',
        ]
    ),
)


def documents(*names: str) -> st.SearchStrategy[bytes]:
    """Return JSON objects with some of these members, sometimes other bytes."""
    members = st.fixed_dictionaries({}, optional=dict.fromkeys(names, ANYTHING))
    return st.one_of(members.map(lambda document: json.dumps(document).encode()), NOISE)


GOOD_DISCOVERY = json.dumps({"issuer": str(ADDRESS), "token_endpoint": f"{ADDRESS}/token"}).encode()
STATUSES = st.sampled_from(
    [200, 200, 200, 201, 204, 301, 400, 401, 403, 404, 407, 408, 410, 426, 429, 500, 503, 511, 599, 999]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["location", "retry-after", "date", "age", "content-type", "www-authenticate", "proxy-authenticate"]
    ),
    st.one_of(
        ANY,
        TYPED,
        st.sampled_from(
            [
                "Thu, 01 Jan 1970 00:00:00 GMT",
                "Mon, 1 Jan 0001 00:00:00 +2359",
                "Fri, 31 Dec 9999 23:59:59 -2359",
                "Thu, 1 Jan 2026 00:00:00 +99999999999999999999",
                "Thu, 99 Jan 99999 99:99:99 GMT",
                "1" * 400,
                "-5",
                "²",
                "//[",
                "https://a b/",
                "https://[::1",
            ]
        ),
    ),
    max_size=4,
)


@covers("discovered", "refused")
@examples(70)
@example([(200, {}, GOOD_DISCOVERY)])
@given(
    st.lists(
        st.tuples(STATUSES, HEADERS, documents("issuer", "token_endpoint", "grant_types_supported")),
        min_size=1,
        max_size=3,
    )
)
def test_any_discovery_document(answers: list[tuple[int, dict[str, str], bytes]]) -> None:
    replies = [Reply(status, headers, body) for status, headers, body in answers]

    def ask(request: Request) -> Reply:
        assert request.url.startswith("https://maj.example/")
        return replies.pop(0) if len(replies) > 1 else replies[0]

    try:
        discovery = run_exchange(authentication.discover(ADDRESS), ask)
    except HttpsError as error:
        cover("refused")
        check(error.failure)
        return
    cover("discovered")
    assert discovery.token_endpoint.startswith("https://")


@covers("granted", "refused")
@examples(70)
@example(200, {}, b'{"access_token": "t", "token_type": "Bearer"}')
@given(
    STATUSES,
    HEADERS,
    documents("access_token", "token_type", "expires_in", "scope", "error", "error_description"),
)
def test_any_answer_to_a_licence(status: int, headers: dict[str, str], body: bytes) -> None:
    reply = Reply(status, headers, body.replace(b"inf", LICENCE.key.encode()))
    discovery = Discovery(ADDRESS, f"{ADDRESS}/token")
    try:
        granted: AccessGranted = run_exchange(
            authentication.request_token(discovery, LICENCE), lambda _: reply
        )
    except HttpsError as error:
        cover("refused")
        check(error.failure)
        return
    cover("granted")
    assert granted.expires_in is None or 0 <= granted.expires_in < float("inf")
    assert reply.server_time is None or isinstance(reply.server_time, float)


# --- bytes of HTTP

BRIEF = Limits(name=0.2, connect=0.2, tls=0.2, read=0.2)
HEAD = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Up\r\n\r\n",
        b"HTTP/1.1 204 -\r\n",
        b"HTTP/1.1 304 -\r\n",
        b"HTTP/1.1 999 \r\n",
        b"HTTP/1.1 20\r\n",
        b"HTTP/1.0 200 OK\n",
        b"HTTP/2 200\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"ICY 200 OK\r\n",
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"\x15\x03\x01\x00\x02\x02\x46",
    ]
)
FIELDS = st.sampled_from(
    [
        b"Content-Length: 5\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: 6\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Length: 0x5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: \xff\r\n",
        b"Content-Encoding: \x9b31m\r\n",
        b"Content-Type: text/html; charset=utf-7\r\n",
        b"Connection: close\r\n",
        b"Connection: keep-alive, Upgrade\r\n",
        b"Set-Cookie: a=b; Domain=.\r\n",
        b"X: a\x00b\r\n",
        b"X : y\r\n",
        b" folded\r\n",
        b": empty\r\n",
        b"No colon\r\n",
        b"X: " + b"y" * 9000 + b"\r\n",
        b"X: y\r\n" * 500,
        b"Location: \x80\xff\r\n",
        b"Location: \x08\r\n",
        b"Date: Thu, 1 Jan 2026 00:00:00 +99999999999999999999\r\n",
        b"Retry-After: 9999999999999999999999\r\n",
        b"Age: 1e3\r\n",
    ]
)
BODY = st.sampled_from(
    [
        b"hallo",
        b"5\r\nhallo\r\n0\r\n\r\n",
        b"5;x=\x00\r\nhallo\r\n",
        b"0\r\nContent-Length: 7\r\n\r\n",
        b"ffffffffffffffffff\r\n",
        b"-5\r\n",
        b"5\r\nhal",
        b"1\r\n{\r\n" * 400,
        b"\x1f\x8b\x08\x00",
        b"\x00" * 70_000,
        b"[" * 70_000,
        b"",
    ]
)
ANSWERS = st.builds(
    lambda head, fields, end, body: head + b"".join(fields) + end + body,
    HEAD | st.binary(max_size=30),
    st.lists(FIELDS | st.binary(max_size=12), max_size=5),
    st.sampled_from([b"\r\n", b"\n", b""]),
    BODY | st.binary(max_size=60),
)


def answering(answer: Callable[[], bytes], ask: Callable[[str], None], *, hang_up: bool = True) -> None:
    """Run *ask* with the address of a server that gives *answer* once a connection."""

    def give(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(answer())
        if not hang_up:
            connection.recv(1)

    with raw_server(give) as server:
        ask(server.address)


def check_answer(address: str) -> None:
    """Make a request, and look at what came of it."""
    request = Request("GET", address)
    with bounded(), Client(limits=BRIEF) as client:
        try:
            reply = client.request(request, seconds=0.5)
        except HttpsError as error:
            cover("failure")
            check(error.failure)
            return
    cover("reply")
    assert len(reply.body) <= 65536
    if (failure := judge_answer(request, reply)) is not None:
        check(failure)
    assert reply.server_time is None or isinstance(reply.server_time, float)


@covers("reply", "failure")
@pytest.mark.parametrize("hang_up", [True, False])
def test_any_bytes_as_an_answer(*, hang_up: bool) -> None:
    answer = b""

    def ask(address: str) -> None:
        @examples(60 if hang_up else 8, GIVEN if hang_up else GIVEN // 8)
        @example(b"HTTP/1.1 204 -\r\n\r\n")
        @example(b"ICY 200 OK\r\n")
        @given(ANSWERS)
        def one(bytes_: bytes) -> None:
            nonlocal answer
            answer = bytes_
            check_answer(address)

        one()

    answering(lambda: answer, ask, hang_up=hang_up)


FLOODED_SECONDS = 2.5
"""The work of both ends of a flood that lasts half a second, on a slow machine that counts its memory."""
FLOODS = {
    "headers without end": (b"HTTP/1.1 200 OK\r\n", b"X-A: bbbbbbbbbbbbbbbbbbbbbbb\r\n"),
    "one header without end": (b"HTTP/1.1 200 OK\r\nX-A: ", b"b"),
    "a status line without end": (b"HTTP/1.1 200 ", b"O"),
    "interim answers without end": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "a body without end": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "chunks without end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "one chunk without end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", b"x"),
    "a chunk's length without end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "a chunk's extension without end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"e"),
    "trailers without end": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"X-T: bbbbbbbbbbbbbbbbb\r\n",
    ),
}


@pytest.mark.parametrize("how", FLOODS)
def test_a_flood_costs_neither_memory_nor_time(how: str) -> None:
    begin, more = FLOODS[how]

    def flood(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(begin)
        block = more * (65536 // len(more))
        while True:
            connection.sendall(block)

    with raw_server(flood) as server, Client(limits=BRIEF) as client, bounded(FLOODED_SECONDS):
        tracemalloc.start()
        try:
            with pytest.raises(HttpsError) as caught:
                client.request(Request("GET", server.address), seconds=0.5)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    check(caught.value.failure)
    assert peak < MOST_MEMORY / 8


# --- signed metadata


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Three versions, and a second root; the old keys have signed up to the second."""
    site = Site(tmp_path_factory.mktemp("publisher"))
    site.repository.rotate_keys()
    site.repository.publish()
    return site


FILES = ("2.root.json", "timestamp.json", "3.snapshot.json", "3.targets.json")


def _members(document: object) -> Iterator[tuple[dict[str, object] | list[object], str | int]]:
    """Every place of a value inside a JSON document."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield document, name
            yield from _members(value)
    elif isinstance(document, list):
        for place, value in enumerate(document):
            yield document, place
            yield from _members(value)


@st.composite
def altered(draw: st.DrawFn, original: bytes) -> bytes:
    """Return the file with one value or byte changed, cut short, or other bytes."""
    how = draw(st.sampled_from(["value", "value", "value", "none", "byte", "cut", "noise"]))
    if how == "noise":
        return draw(NOISE)
    if how == "cut":
        return original[: draw(st.integers(0, len(original) - 1))]
    if how == "byte":
        place = draw(st.integers(0, len(original) - 1))
        return original[:place] + draw(st.binary(min_size=1, max_size=1)) + original[place + 1 :]
    document = json.loads(original)
    inside, at = draw(st.sampled_from(list(_members(document))))
    if how == "none":
        del inside[at]  # type: ignore[arg-type]
    else:
        inside[at] = draw(ANYTHING)  # type: ignore[index]
    return json.dumps(document).encode()


@pytest.mark.parametrize("file", ["2.root.json", "timestamp.json"])
def test_the_same_metadata_laid_out_otherwise_are_believed(publisher: Site, file: str) -> None:
    """They are signed as a document. The others are named with their length and hash."""
    publisher.overlay = {file: json.dumps(json.loads(publisher.read_served(file)), indent=1).encode()}
    with TemporaryDirectory() as folder:
        assert updates.check(publisher.ask, ADDRESS, publisher.root.read_bytes(), Path(folder)).version == 3


@covers("refused")
@examples(50)
@given(st.data())
def test_any_altered_metadata_are_refused(publisher: Site, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(FILES))
    served = data.draw(altered(publisher.read_served(file)))
    publisher.overlay = {file: served}
    failure: Failure | None = None
    with TemporaryDirectory() as folder:
        try:
            verified = updates.check(publisher.ask, ADDRESS, publisher.root.read_bytes(), Path(folder))
        except HttpsError as refused:
            failure = refused.failure
    if failure is not None:
        cover("refused")
        check(failure)
        assert failure.stage in (Stage.KIND, Stage.METADATA)
        return
    # as TUF reads it: a missing spec_version is its own
    read, signed = (
        Metadata.from_bytes(each).signed.to_dict() for each in (served, publisher.read_served(file))
    )
    assert read == signed, "what was altered was believed"
    assert verified.version == 3
