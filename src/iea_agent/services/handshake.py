"""A handshake that is only looked at: what a server sends and asks for.

Python's ssl says neither which certificates came nor whether a client's certificate was asked for, and a reset may hide the server's alert. Here the
records go through our hands (``ssl.MemoryBIO``). Nothing is verified and nothing is sent over the connection: this never makes a connection usable.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from iea_agent.domain.tls_verdicts import Handshake, ServerCertificate

from . import certificates

_LONGEST_FLIGHT = 256 * 1024
"""Bytes of a server that are read in one handshake."""
_PART = 16 * 1024

# record types (RFC 8446, 5.1) and handshake messages (RFC 5246, 7.4)
_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23
_CERTIFICATE, _CERTIFICATE_REQUEST = 11, 13
# a fatal alert: protocol_version (RFC 8446, 6)
_PROTOCOL_VERSION = b"\x02\x46"


class _Ended(Exception):
    """The server has closed or reset the connection, or sends too much."""


def look(
    connection: socket.socket, context: ssl.SSLContext, host: str | None, bounded: Callable[[], float]
) -> Handshake:
    """Make a handshake over *connection* and return what is seen of it.

    *context* verifies nothing. *bounded* returns the seconds that one wait may take. Raises ``TimeoutError`` if the server is silent before the
    handshake is over, and ``OSError`` if nothing can be sent.
    """
    return _Look(connection, context, host, bounded).run()


class _Look:
    """The state of one look."""

    def __init__(
        self,
        connection: socket.socket,
        context: ssl.SSLContext,
        host: str | None,
        bounded: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._bounded = bounded
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._received = bytearray()
        self._sent = bytearray()

    def run(self) -> Handshake:
        """Go through the handshake and one more answer of the server, if it refuses then."""
        seen = Handshake(refused=True)
        try:
            self._shake_hands()
            # now, since an alert makes OpenSSL forget all of it
            cipher, version = self._tls.cipher(), self._tls.version()
            seen = Handshake(
                chain=self._hidden_chain(),
                completed=True,
                version=version or "",
                cipher=cipher[0] if cipher else "",
            )
            if version == "TLSv1.3" and self._was_asked():
                seen = replace(seen, refused=self._is_refused_afterwards())
        except (ssl.SSLError, _Ended):
            seen = replace(seen, refused=True)
        return replace(
            seen,
            chain=self._chain() or seen.chain,
            certificate_asked=self._was_asked(),
            wants_newer=(_ALERT, _PROTOCOL_VERSION) in _records(self._received),
        )

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send()
                self._receive()
            else:
                self._send()
                return

    def _is_refused_afterwards(self) -> bool:
        """Return whether a server that asked for a certificate goes on without one.

        TLS 1.3: the server sees that there is none only after the handshake. One that does not mind waits for a request.
        """
        try:
            while True:
                try:
                    if not self._tls.read(_PART):
                        return True
                except ssl.SSLWantReadError:
                    self._receive()
        except TimeoutError:
            return False

    def _send(self) -> None:
        data = self._outgoing.read()
        self._sent += data
        try:
            self._connection.settimeout(self._bounded())
            self._connection.sendall(data)
        except ConnectionError:
            # what came before may still be there
            return

    def _receive(self) -> None:
        """Take the next bytes. Raises ``TimeoutError``, and ``_Ended`` if there are none."""
        self._connection.settimeout(self._bounded())
        try:
            data = self._connection.recv(_PART)
        except ConnectionError:
            raise _Ended from None
        if not data or len(self._received) > _LONGEST_FLIGHT:
            raise _Ended
        self._received += data
        self._incoming.write(data)

    def _was_asked(self) -> bool:
        """Return whether the server asked for a certificate of the client.

        In TLS 1.2 the request can be read. In TLS 1.3 it is encrypted, but so is the answer: one record with an empty certificate before that with
        the end of the handshake.
        """
        if any(kind == _CERTIFICATE_REQUEST for kind, _ in _messages(self._received)):
            return True
        return sum(kind == _DATA for kind, _ in _records(self._sent)) > 1

    def _chain(self) -> tuple[ServerCertificate, ...]:
        """Return the certificates that came in clear, as they do up to TLS 1.2."""
        return _parse(
            der for kind, body in _messages(self._received) if kind == _CERTIFICATE for der in _list(body)
        )

    def _hidden_chain(self) -> tuple[ServerCertificate, ...]:
        """Return the certificates that Python tells: before 3.13 only the server's own."""
        get_chain = getattr(self._tls, "get_unverified_chain", None)
        return _parse(
            (get_chain() if get_chain else None) or [self._tls.getpeercert(binary_form=True) or b""]
        )


def _parse(ders: Iterable[bytes]) -> tuple[ServerCertificate, ...]:
    parsed = (certificates.parse_certificate(der) for der in ders)
    return tuple(each for each in parsed if each is not None)


def _records(data: bytes | bytearray) -> Iterator[tuple[int, bytes]]:
    """Yield type and content of each whole TLS record (RFC 8446, 5.1)."""
    at = 0
    while at + 5 <= len(data):
        end = at + 5 + int.from_bytes(data[at + 3 : at + 5], "big")
        if end > len(data):
            return
        yield data[at], bytes(data[at + 5 : end])
        at = end


def _messages(data: bytes | bytearray) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of each handshake message in clear (RFC 5246, 7.4)."""
    clear = bytearray()
    for kind, content in _records(data):
        if kind == _CHANGE_CIPHER_SPEC:
            break
        if kind == _HANDSHAKE:
            clear += content
    at = 0
    while at + 4 <= len(clear):
        end = at + 4 + int.from_bytes(clear[at + 1 : at + 4], "big")
        if end > len(clear):
            return
        yield clear[at], bytes(clear[at + 4 : end])
        at = end


def _list(body: bytes) -> Iterator[bytes]:
    """Yield each certificate of a Certificate message (RFC 5246, 7.4.2)."""
    at = 3
    while at + 3 <= len(body):
        end = at + 3 + int.from_bytes(body[at : at + 3], "big")
        yield body[at + 3 : end]
        at = end
