"""A handshake is looked at: what comes, what is asked for, and how it ends."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from iea_agent.domain.tls_verdicts import Handshake
from iea_agent.services import certificates
from iea_agent.services.handshake import look

AUTHORITY = trustme.CA(organization_name="Racine")
LINK = trustme.CA(parent_cert=AUTHORITY, organization_name="Intermédiaire")
LEAF = LINK.issue_cert("localhost")
CLEAR, NEWER = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

Serve = Callable[[socket.socket], object]


@contextmanager
def connected(serve: Serve) -> Iterator[socket.socket]:
    """A connection whose other end *serve* plays on a thread, and closes."""
    ours, theirs = socket.socketpair()

    def play() -> None:
        with theirs:
            try:
                serve(theirs)
            except OSError:  # it was refused, or refuses
                return

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    try:
        with ours:
            yield ours
    finally:
        thread.join(5)


def tls(version: ssl.TLSVersion, asks: ssl.VerifyMode = ssl.CERT_NONE) -> Serve:
    """A server of one version that *asks* for a certificate, and reads once after it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    LEAF.configure_cert(context)
    context.verify_mode = asks
    AUTHORITY.configure_trust(context)

    def serve(connection: socket.socket) -> None:
        connection.settimeout(5)
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)

    return serve


def seen(serve: Serve, version: ssl.TLSVersion, seconds: float = 5.0) -> Handshake:
    """What a look at *serve* sees, with the context for *version*."""
    contexts = dict(zip((CLEAR, NEWER), certificates.looking_contexts(limited=True), strict=True))
    with connected(serve) as connection:
        return look(connection, contexts[version], "localhost", lambda: seconds)


def names(handshake: Handshake) -> list[str]:
    """The subjects of the certificates that came."""
    return [each.certificate.subject for each in handshake.chain]


def test_up_to_tls_1_2_the_whole_chain_is_seen() -> None:
    handshake = seen(tls(CLEAR), CLEAR)
    assert handshake.completed
    assert not handshake.certificate_asked
    assert handshake.version == "TLSv1.2"
    assert names(handshake)[1:] == ["Intermédiaire"]
    assert handshake.chain[0].hosts == ("localhost",)


def test_of_tls_1_3_the_servers_own_certificate_is_seen_at_least() -> None:
    handshake = seen(tls(NEWER), NEWER)
    assert handshake.version == "TLSv1.3"
    assert not handshake.certificate_asked
    assert handshake.chain[0].hosts == ("localhost",)


@pytest.mark.parametrize("version", [CLEAR, NEWER], ids=str)
def test_a_certificate_that_is_wanted(version: ssl.TLSVersion) -> None:
    handshake = seen(tls(version, ssl.CERT_REQUIRED), version)
    assert handshake.certificate_asked
    assert handshake.refused


@pytest.mark.parametrize(("version", "seconds"), [(CLEAR, 5.0), (NEWER, 0.3)], ids=str)
def test_a_certificate_that_may_be_missing(version: ssl.TLSVersion, seconds: float) -> None:
    handshake = seen(tls(version, ssl.CERT_OPTIONAL), version, seconds)
    assert handshake.certificate_asked
    assert handshake.completed
    assert not handshake.refused


def test_a_server_of_tls_1_3_alone_says_so() -> None:
    assert seen(tls(NEWER), CLEAR) == Handshake(refused=True, wants_newer=True)


def test_a_server_that_hangs_up() -> None:
    assert seen(lambda connection: connection.recv(1024), CLEAR) == Handshake(refused=True)


def test_a_server_that_is_silent() -> None:
    over = threading.Event()
    with pytest.raises(TimeoutError):
        seen(lambda _: over.wait(5), CLEAR, 0.1)
    over.set()


def test_a_server_without_end_is_left() -> None:
    def pour(connection: socket.socket) -> None:
        # ServerHello messages without content: OpenSSL refuses the first
        while True:
            connection.sendall(b"\x16\x03\x03\x40\x00" + bytes(0x4000))

    assert seen(pour, CLEAR).refused


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from([20, 21, 22, 23, 0, 255]), st.binary(max_size=60)).map(
            lambda record: struct.pack("!BHH", record[0], 0x0303, len(record[1])) + record[1]
        )
        | st.binary(max_size=20),
        max_size=5,
    ).map(b"".join)
)
def test_any_bytes_are_a_handshake_that_was_refused(data: bytes) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)

    handshake = seen(answer, CLEAR)
    assert handshake.refused
    assert not handshake.completed
