"""Clients that come back to a server as other programs do.

Only when they ask again is played; each needs one accepted sign-in to be back, and none has a token that outlives an outage.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from rig.fleet import FleetMember, FleetServer, Policy

Wait = Callable[[int, Random], float]
"""Seconds until the next try, by the number of failures in a row, from 1."""


def wait_full_jitter(failures: int, random: Random) -> float:
    """Return any time up to a bound that doubles, from 1 s to 60 s."""
    return random.uniform(0, min(60.0, 2.0**failures))


def wait_tailscale(failures: int, random: Random) -> float:
    """Return the square of the failures times 10 ms, 30 s at most, half more or less."""
    return min(failures**2 * 0.01, 30.0) * (random.random() + 0.5)


def wait_nextcloud(_failures: int, _random: Random) -> float:
    """Return Nextcloud's wait: its check of the connection runs every 62 s."""
    return 62.0


@dataclass
class PeerClient:
    """One PC with another program: *wait* between tries.

    *settles* are the seconds that it lets pass after the first answer before it is back; then it asks once more.
    """

    wait: Wait
    next_at: float
    is_connected: bool = True
    settles: float = 0.0
    failures: int = 0
    settled_at: float = math.inf

    def due(self) -> float:
        """Return when it asks next."""
        return self.next_at

    def wake(self, server: FleetServer, now: float, random: Random) -> None:
        """Ask the server, or notice that it is gone."""
        if server.is_away(now) or not server.sign_in(now):
            self.is_connected = False
            self.failures += 1
            self.settled_at = math.inf
            self.next_at = now + self.wait(self.failures, random)
        elif self.settles and self.settled_at == math.inf:
            self.settled_at = self.next_at = now + self.settles
        else:
            # it is back, and nothing more of it is played
            self.is_connected, self.next_at = True, math.inf


def make_clients(
    wait: Wait, settles: Callable[[Random], float]
) -> Callable[[int, Random], Sequence[FleetMember]]:
    """Return what makes a fleet of clients that notice an outage within a minute."""

    def make(agents: int, random: Random) -> Sequence[FleetMember]:
        return [
            PeerClient(wait, NOTICED + random.random() * 60.0, settles=settles(random)) for _ in range(agents)
        ]

    return make


NOTICED = 120.0
"""When the outage begins."""
POLICIES = (
    Policy(
        "Nextcloud",
        make_clients(wait_nextcloud, lambda random: 60.0 * (1 + random.randrange(4)) + 0.1),
        "every 62 s (`connectionvalidator.h`, DefaultCallingInterval); after a 503 a client waits 1, 2, 3 or 4 whole minutes of its own before it is back "
        "(`accountstate.cpp`, _maintenanceToConnectedDelay), and asks again then",
    ),
    Policy(
        "Tailscale",
        make_clients(wait_tailscale, lambda _random: 0.0),
        "n² × 10 ms, at most 30 s, times 0.5 to 1.5 (`util/backoff/backoff.go`; `controlclient/auto.go` sets the 30 s)",
    ),
    Policy(
        "full jitter",
        make_clients(wait_full_jitter, lambda _random: 0.0),
        "any time from 0 to min(60 s, 2ⁿ s) (`ExpoBackoffFullJitter` of `aws-arch-backoff-simulator`; base and bound are those of this product)",
    ),
)
"""What others do, as their sources say."""
