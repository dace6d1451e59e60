"""Forms as browsers send them, and as nobody should."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_desk.web.desk_pages import DeskSources
from iea_desk.web.form_data import FormRefused, parse_form
from iea_desk.web.guard import MOST_REQUESTS
from tests.budget import examples
from tests.desk.desk_visitor import PageReader, Visitor, serve

pytestmark = pytest.mark.linux  # the same program; once is enough

KIND = "multipart/form-data; boundary=----WebKitFormBoundary7MA4"
MARK = b"------WebKitFormBoundary7MA4"


@pytest.fixture(scope="module")
def hurried() -> Iterator[Visitor]:
    """A browser in front of pages that do not wait long for a request."""
    with serve(DeskSources(), head_seconds=0.1) as visitor:
        yield visitor


def make_part(name: str, content: bytes, more: str = "") -> bytes:
    """Return one part of a form."""
    return b'%s\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (
        MARK, name.encode(), more.encode(), content,
    )  # fmt: skip


def test_text_and_file_come_through_as_they_are() -> None:
    binary = bytes(range(256)) + b"\r\n\r\n--x\r\n"
    body = (
        make_part("texte", "é\r\nb".encode())
        + make_part("fichier", binary, '; filename="a.zip"\r\nContent-Type: application/zip')
        + MARK
        + b"--\r\n"
    )
    form = parse_form(KIND, body)
    assert (form.fields, form.file) == ({"texte": "é\nb"}, binary)
    assert parse_form(
        "application/x-www-form-urlencoded; charset=UTF-8", b"texte=%C3%A9+b%0D%0Ac&vide="
    ).fields == {
        "texte": "é b\nc",
        "vide": "",
    }
    quoted = parse_form(KIND.replace("----Web", '"----Web') + '"', body)
    assert quoted.file == binary


BROKEN = {
    "no end": (KIND, make_part("a", b"b")),
    "no boundary": ("multipart/form-data", b"x"),
    "no part": (KIND, b""),
    "no name": (KIND, MARK + b"\r\nx: y\r\n\r\nb\r\n" + MARK + b"--"),
    "no head": (KIND, MARK + b"\r\nb\r\n" + MARK + b"--"),
    "many parts": (KIND, make_part("a", b"b") * 30 + MARK + b"--"),
    "long head": (KIND, make_part("a", b"b", "x" * 5000) + MARK + b"--"),
    "many fields": ("application/x-www-form-urlencoded", b"a=b&" * 100),
    "JSON": ("application/json", b"{}"),
    "no kind": ("", b"a=b"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_form_is_refused_in_one_sentence(visitor: Visitor, name: str) -> None:
    kind, body = BROKEN[name]
    answer = visitor.client.post(
        f"{visitor.start}demande", content=body, headers={"Origin": visitor.origin, "Content-Type": kind}
    )
    assert answer.status_code in (400, 415)
    assert "le navigateur a gardé votre saisie" in visitor.read_page(answer).words


@examples(100)
@given(st.binary(max_size=300), st.sampled_from([KIND, "application/x-www-form-urlencoded"]))
def test_any_bytes_are_a_form_or_refused(body: bytes, kind: str) -> None:
    with suppress(FormRefused):
        parse_form(kind, MARK + body + MARK + b"--" if body[:1] < b"\x80" else body)


def test_a_hundred_megabytes_are_refused_with_a_page_and_not_held(visitor: Visitor) -> None:
    answer = visitor.client.post(
        f"{visitor.start}demande",
        content=(b"x" * 1_000_000 for _ in range(100)),
        headers={"Origin": visitor.origin, "Content-Type": KIND},
    )
    assert answer.status_code == 413
    assert "plus de 10 Mo" in visitor.read_page(answer).words


UNFINISHED = (
    "POST /FOLDER/demande HTTP/1.1\r\nHost: HOST\r\nOrigin: http://HOST\r\n"
    f"Content-Type: {KIND}\r\nContent-Length: 9999\r\n\r\nx"
)
"""A form of which the rest does not come."""


def test_a_browser_that_leaves_halfway_disturbs_nobody(visitor: Visitor) -> None:
    visitor.connect(UNFINISHED).close()
    assert visitor.get().status_code == 200


def test_connections_that_ask_for_nothing_disturb_nobody(visitor: Visitor) -> None:
    with ExitStack() as idle:
        for _ in range(2 * MOST_REQUESTS):
            idle.enter_context(visitor.connect())
        assert visitor.get().status_code == 200


def test_too_many_requests_get_a_page_that_says_so(visitor: Visitor) -> None:
    with ExitStack() as slow:
        for _ in range(2 * MOST_REQUESTS):
            slow.enter_context(visitor.connect(UNFINISHED))
            answer = visitor.get()
            if answer.status_code != 200:
                break
        assert answer.status_code == 503
        assert "rechargez cette page" in PageReader(answer.text).words
    # who has left is noticed soon
    assert any(visitor.get().status_code == 200 for _ in range(200))


@pytest.mark.parametrize("sent", ["", "GET / HTTP/1.1\r\nHost:"])
def test_a_peer_that_does_not_go_on_is_sent_away(hurried: Visitor, sent: str) -> None:
    with hurried.connect(sent) as connection:
        assert connection.recv(1) == b""
    assert hurried.get().status_code == 200
