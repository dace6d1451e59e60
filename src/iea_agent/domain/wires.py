"""The ends of a connection on this PC: what the host makes and the channel uses."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class Wire(Protocol):
    """One end of a connection that carries whole messages."""

    def send(self, message: bytes, seconds: float) -> None:
        """Send *message* within *seconds*. Raises ``OSError``."""

    def receive(self, limit: int, seconds: float | None) -> bytes:
        """Return the next message within *seconds*, None for any time.

        Raises ``EOFError`` when the other end has left, and ``OSError``, for a message over *limit* bytes, too.
        """

    def has_left(self) -> bool:
        """Return whether the other end has left; never waits."""

    def abort(self) -> None:
        """End the connection under the thread that uses it, which gets an error."""

    def close(self) -> None:
        """Close this end; a second call does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class WireListener(Protocol):
    """A place on this PC where clients of the same person connect."""

    @property
    def address(self) -> str:
        """Where it is."""

    def accept(self) -> Wire:
        """Wait for the next client and return its wire. Raises ``OSError``."""

    def is_reachable(self) -> bool:
        """Return whether clients can still find it."""

    def close(self) -> None:
        """Stop listening; ``accept`` then raises ``OSError``."""
