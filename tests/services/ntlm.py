"""The other side of NTLM: a proxy that knows one password and checks the response.

Written after Microsoft's [MS-NLMP]: the messages of section 2.2.1, NTLMv2 of section 3.3.2; MD4 is RFC 1320.
"""

from __future__ import annotations

import hmac
import re
import socket
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import md5

from tests.services.conftest import open_tunnel, page, request_of

_CHALLENGE = b"8 octets"
_TARGET = "DOMAINE"
# unicode, request target, NTLM, always sign, target is a domain, extended session security, target info
_FLAGS = 0x00898205


@dataclass
class NtlmProxy:
    """A CONNECT proxy that lets *user* in; as a behaviour of ``raw_server``.

    It signs in a connection, as NTLM does: what is sent on another one begins anew.
    """

    user: str
    password: str
    scheme: str = "NTLM"
    more: tuple[str, ...] = ()
    received: list[list[bytes]] = field(default_factory=list)
    """The messages of each connection."""

    def __call__(self, connection: socket.socket) -> None:
        """Serve one connection."""
        messages: list[bytes] = []
        self.received.append(messages)
        while head := request_of(connection):
            given = re.search(rb"\r\nProxy-Authorization: (\S+) (\S*)\r\n", head)
            if given is None:
                self._ask(connection, "")
            elif given[1] != self.scheme.encode():
                messages.append(given[1])
                self._ask(connection, "")
            else:
                messages.append(message := b64decode(given[2]))
                if message[8:12] == b"\x01\0\0\0":
                    self._ask(connection, f" {b64encode(_build_challenge()).decode()}")
                elif self._is_right(message):
                    open_tunnel(connection, head)
                    return
                else:
                    self._ask(connection, "")

    def _ask(self, connection: socket.socket, token: str) -> None:
        offers = [f"Proxy-Authenticate: {self.scheme}{token}", *(() if token else self.more)]
        connection.sendall(page("407 Proxy Authentication Required", b"<html>Non</html>", *offers))

    def _is_right(self, message: bytes) -> bool:
        """Return whether an AUTHENTICATE_MESSAGE proves the password by NTLMv2."""
        response, domain, user = (_field(message, at) for at in (20, 28, 36))
        proof, blob = response[:16], response[16:]
        name = user.decode("utf-16-le").upper() + domain.decode("utf-16-le")
        secret = md4(self.password.encode("utf-16-le"))
        key = hmac.digest(secret, name.encode("utf-16-le"), md5)
        expected = hmac.digest(key, _CHALLENGE + blob, md5)
        return user.decode("utf-16-le") == self.user and hmac.compare_digest(proof, expected)


def _build_challenge() -> bytes:
    """Return a CHALLENGE_MESSAGE for the domain ``DOMAINE``."""
    name = _TARGET.encode("utf-16-le")
    info = struct.pack("<HH", 2, len(name)) + name + bytes(4)
    head = b"NTLMSSP\0" + struct.pack("<IHHII", 2, len(name), len(name), 56, _FLAGS) + _CHALLENGE + bytes(8)
    where = struct.pack("<HHI", len(info), len(info), 56 + len(name))
    return head + where + b"\x06\x01\0\0\0\0\0\x0f" + name + info


def _field(message: bytes, at: int) -> bytes:
    """Return the payload whose length and offset stand at *at*."""
    length, _, offset = struct.unpack_from("<HHI", message, at)
    return message[offset : offset + length]


def md4(data: bytes) -> bytes:
    """Return the MD4 of *data* (RFC 1320), which OpenSSL 3 leaves out."""
    mask = 0xFFFFFFFF
    data += b"\x80" + bytes(-(len(data) + 9) % 64) + struct.pack("<Q", 8 * len(data))
    state = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
    rounds: tuple[tuple[Callable[[int, int, int], int], int, Iterable[int], tuple[int, ...]], ...] = (
        (lambda x, y, z: (x & y) | (~x & z), 0, range(16), (3, 7, 11, 19)),
        (
            lambda x, y, z: (x & y) | (x & z) | (y & z),
            0x5A827999,
            (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
            (3, 5, 9, 13),
        ),
        (
            lambda x, y, z: x ^ y ^ z,
            0x6ED9EBA1,
            (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15),
            (3, 9, 11, 15),
        ),
    )
    for start in range(0, len(data), 64):
        words = struct.unpack_from("<16I", data, start)
        a, b, c, d = state
        for mix, constant, order, shifts in rounds:
            for step, word in enumerate(order):
                total = (a + mix(b, c, d) + words[word] + constant) & mask
                shift = shifts[step % 4]
                a, b, c, d = d, (total << shift | total >> (32 - shift)) & mask, b, c
        state = tuple((before + after) & mask for before, after in zip(state, (a, b, c, d), strict=True))  # type: ignore[assignment]
    return struct.pack("<4I", *state)
