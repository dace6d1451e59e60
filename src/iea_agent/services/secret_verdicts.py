"""The verdicts on secrets that count towards the lock of an account.

A refused secret is not shown again by itself for 15 minutes; only a person can ask for another try. Nothing is on disk: each process (the agent, a
window, a command) may show a secret once.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress

from iea_agent.domain import timing

VERDICT_SECONDS = 4.0
"""How long a connection waits for the verdict on the same secret on another connection."""


class SecretVerdicts:
    """The verdicts on secrets in this process, each secret by its hash.

    Safe on any thread. A secret is a user (or a licence number) and a password.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """*clock* gives seconds."""
        self._clock = clock
        self._salt = secrets.token_bytes(16)
        self._verdicts: dict[bytes, Future[bool]] = {}
        self._refused: dict[bytes, float] = {}

    def may_show(self, user: str, password: str) -> bool:
        """Return whether to show a secret; if so, ``settle`` must follow.

        Waits for the verdict on the first connection that shows it, a few seconds at most.
        """
        secret = self._hash(user, password)
        refused = self._refused.get(secret)
        if refused is not None and self._clock() - refused < timing.REFUSED:
            return False
        mine: Future[bool] = Future()
        first = self._verdicts.setdefault(secret, mine)
        if first is mine:
            return True
        try:
            return first.result(VERDICT_SECONDS)
        except TimeoutError:
            # a refusal comes at once: what takes time is the way from the proxy to the server
            return True

    def settle(self, user: str, password: str, *, accepted: bool | None) -> None:
        """Take the verdict on a secret that was shown; None if there was none."""
        secret = self._hash(user, password)
        if accepted is False:
            self._refused[secret] = self._clock()
        # an accepted secret may be shown on all connections from now on
        verdict = self._verdicts.get(secret) if accepted else self._verdicts.pop(secret, None)
        with suppress(InvalidStateError):
            if verdict is not None:
                verdict.set_result(accepted is not False)

    def forget(self) -> None:
        """Forget all verdicts: a person wants another try."""
        self._refused.clear()
        self._verdicts.clear()

    def _hash(self, user: str, password: str) -> bytes:
        return hashlib.blake2b(f"{user}\0{password}".encode(), key=self._salt).digest()
