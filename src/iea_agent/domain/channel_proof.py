"""The proof by which both ends of the channel know each other and every message.

Each end sends a random nonce. HMAC-SHA256 (RFC 2104) with the session's key is taken over the end that speaks, the
address and both nonces: a proof is good for one end of one connection to one agent, so none can be sent back or passed on.
The agent proves itself first. Each later message has a code over the same, its number and its content.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = b"iea-agent-channel/2\0"
NONCE = 32  # bytes
CODE = 32
"""Bytes of a proof and of the code before each message."""

AGENT, CLIENT = b"agent", b"client"


class ImpostorError(Exception):
    """The other end does not know the key, or the message is not its own."""


@dataclass(frozen=True)
class Encounter:
    """One meeting of an agent and a client: what both take their proofs over."""

    key: bytes
    address: str
    agent_nonce: bytes
    client_nonce: bytes

    def prove(self, speaker: bytes) -> bytes:
        """Return what proves that *speaker* knows the key."""
        return self._code(speaker, b"proof")

    def check_proof(self, speaker: bytes, proof: bytes) -> None:
        """Raise ``ImpostorError`` unless *proof* is that of *speaker*."""
        if not _are_equal(self.prove(speaker), proof):
            raise ImpostorError("another key")

    def seal(self, speaker: bytes, number: int, content: bytes) -> bytes:
        """Return message *number* of *speaker*, from 0, with its code."""
        return self._code(speaker, b"message", number.to_bytes(8, "big"), content) + content

    def unseal(self, speaker: bytes, number: int, message: bytes) -> bytes:
        """Return the content of a sealed message. Raises ``ImpostorError``."""
        content = message[CODE:]
        if not _are_equal(self.seal(speaker, number, content), message):
            raise ImpostorError("not the next message of this connection")
        return content

    def _code(self, *parts: bytes) -> bytes:
        # here: it loads OpenSSL, for which a window must not wait
        import hmac

        address = self.address.encode("utf-8", "surrogatepass")
        parts = (VERSION, address, self.agent_nonce, self.client_nonce, *parts)
        # the length before each part: no two lists of parts make the same bytes
        text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self.key, text, "sha256")


def _are_equal(expected: bytes, received: bytes) -> bool:
    """Compare in a time that says nothing of where they differ."""
    import hmac

    return hmac.compare_digest(expected, received)
