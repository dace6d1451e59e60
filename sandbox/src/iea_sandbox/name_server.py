"""A name server on loopback (RFC 1035) for the sandbox's names, and its faults."""

from __future__ import annotations

import asyncio
import struct
from ipaddress import ip_address

from iea_sandbox.authority import NAME
from iea_sandbox.faults import FaultSwitch
from iea_sandbox.record import Record

DOMAIN = NAME.partition(".")[2]
WPAD = f"wpad.{DOMAIN}"
"""The host where a PC of the domain looks for the network's proxy script (WPAD)."""

_NO_ERROR, _FORMAT_ERROR, _SERVER_FAILURE, _NO_SUCH_NAME, _REFUSED = 0, 1, 2, 3, 5  # RFC 1035, 4.1.1
PUBLIC_NAME = "serveur.iea-sandbox.example"
"""A name that looks like one of the internet (RFC 2606), for a filter that blocks it."""

_A = 1
_AAAA = 28
_CODES = {"names-failing": _SERVER_FAILURE, "names-malformed": _FORMAT_ERROR, "names-refusing": _REFUSED}
_IN = 1
_ADDRESS = ip_address("127.0.0.1").packed
_NOWHERE = ip_address("127.0.0.254").packed
"""Of this machine too, but nothing listens there."""
_ANSWER = 0x8400  # an authoritative answer
_ASKED_FOR_RECURSION = 0x0100
_SECONDS = 0  # clients must not cache an answer: the next fault must have its effect


class NameServer(asyncio.DatagramProtocol):
    """A name server on UDP at 127.0.0.1.

    The names in ``names`` are this machine; others do not exist. ``questions`` records the names asked for.
    """

    def __init__(self, switch: FaultSwitch) -> None:
        self.names = {NAME}
        self.questions: Record[str] = Record()
        self.port = 0
        self._switch = switch
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self, port: int = 0) -> None:
        """Take the port (0: the previous or any free one). Raises OSError if it is taken."""
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", port or self.port)
        )
        self.port = self._transport.get_extra_info("sockname")[1]

    async def close(self) -> None:
        """Leave the port."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
            # the socket is closed in the loop's next turn
            await asyncio.sleep(0)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a question."""
        if self._transport is not None and (answer := self._answer(data)):
            self._transport.sendto(answer, addr)

    def _answer(self, query: bytes) -> bytes:
        """Return the answer to *query*; b"" if it is no query, or the server is silent."""
        if len(query) < 12:
            return b""
        number, flags, questions = struct.unpack_from("!HHH", query)
        is_answer = flags & 0x8000
        if is_answer:
            return b""
        try:
            name, end = _parse_name(query)
            kind, group = struct.unpack_from("!HH", query, end)
        except (ValueError, struct.error, IndexError):
            return self._message(number, flags, _FORMAT_ERROR, b"")
        self.questions.add(name)
        if self._switch.on("names-silent") or (kind == _AAAA and self._switch.on("names-half-silent")):
            return b""
        question = query[12 : end + 4]
        if questions != 1:
            return self._message(number, flags, _FORMAT_ERROR, question)
        if self._switch.on(*_CODES):
            code = _CODES[self._switch.broken.fault.name] if self._switch.broken else _SERVER_FAILURE
            return self._message(number, flags, code, question)
        blocked = self._switch.on("names-blocked") and name == PUBLIC_NAME
        if (name not in self.names and not blocked) or group != _IN or self._switch.on("names-unknown"):
            return self._message(number, flags, _NO_SUCH_NAME, question)
        if kind != _A or self._switch.on("names-empty"):
            return self._message(number, flags, _NO_ERROR, question)
        # 0xC00C points to the name in the question (4.1.4)
        record = struct.pack("!HHHIH", 0xC00C, _A, _IN, _SECONDS, len(_ADDRESS))
        record += _NOWHERE if blocked else _ADDRESS
        return self._message(number, flags, _NO_ERROR, question, record)

    @staticmethod
    def _message(number: int, flags: int, code: int, question: bytes, record: bytes = b"") -> bytes:
        flags = _ANSWER | (flags & _ASKED_FOR_RECURSION) | code
        return struct.pack("!6H", number, flags, bool(question), bool(record), 0, 0) + question + record


def _parse_name(query: bytes) -> tuple[str, int]:
    """Return the first question's name and end (4.1.2). Raises ValueError, IndexError."""
    labels = []
    at = 12
    while length := query[at]:
        if length > 63:
            raise ValueError("a pointer has no place in a question")
        labels.append(query[at + 1 : at + 1 + length].decode("ascii"))
        at += 1 + length
    return ".".join(labels).lower(), at + 1
