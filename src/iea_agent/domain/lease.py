"""What a token proves: until when it holds, and when the agent signs in again.

Between two sign-ins a heartbeat asks the server for something that costs it nothing. A token that still holds when a server returns is used, not renewed; what
became due in the meantime is spread, so that a server that was away is not met by all agents at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from . import timing
from .machine import Moment


@dataclass(frozen=True, slots=True)
class Lease:
    """The times of one token; *renew* is on the steady clock, *ends* on both.

    A steady clock may stand still during sleep, and a wall clock may be set: the token has ended when either says so.
    """

    renew: float
    ends: Moment

    def holds(self, now: Moment) -> bool:
        """Return whether the token has not ended."""
        return now.steady < self.ends.steady and now.wall < self.ends.wall

    def wants_sign_in(self, now: Moment, *, returning: bool) -> bool:
        """Return whether to sign in now; *returning* after a failed attempt."""
        return not self.holds(now) or (now.steady >= self.renew and not returning)

    def put_off(self, now: Moment, seconds: float) -> Lease:
        """Return the lease with its sign-in in *seconds*, or at the token's end."""
        return replace(self, renew=now.steady + seconds)

    def spread(self, now: Moment, chance: float) -> Lease:
        """Return the lease after the server came back; what is due is spread."""
        return self if now.steady < self.renew else self.put_off(now, timing.RETURN_SPREAD * chance)


def grant(now: Moment, expires_in: float | None) -> Lease:
    """Return the lease of a token given *now*, which lives *expires_in* seconds."""
    lifetime = timing.TOKEN_LIFETIME if expires_in is None else expires_in
    renew_in = min(max(timing.SIGN_IN_PART * lifetime, timing.SIGN_IN_LEAST), timing.SIGN_IN_LONGEST)
    # a token of less than five minutes: no more sign-ins than one in five minutes
    held = max(lifetime, renew_in)
    return Lease(now.steady + renew_in, Moment(now.wall + held, now.steady + held))
