"""Plays a turn of assistance mode in a process of its own, and ends it like kill -9 at the n-th touch of a file of the installation.

Arguments: home folder, n (0: never), then what to do: "enter", or "leave" and a password. Prints each thing that was told to a person.
"""

from __future__ import annotations

import os
import sys
import time
from types import FrameType

TOUCHES = {"open", "os.rename", "os.replace", "os.remove", "os.mkdir", "os.chmod", "os.truncate"}


def main(folder: str, touch: int, action: str, password: str = "") -> None:
    from iea_agent.assembly.assistance import Assistance
    from iea_agent.assembly.installation import Installation
    from iea_agent.domain import machine
    from iea_agent.domain.machine import Event, Moment, Snapshot, State

    installation = Installation.locate({"IEA_AGENT_HOME": folder})
    since = installation.assistance_since()
    snapshot = Snapshot(State.DISCONNECTED if since is None else State.ASSISTANCE, since or 0.0)

    def settle(event: Event, state: State) -> bool:
        after, effects = machine.advance(snapshot, event, Moment(time.time(), time.monotonic()))
        if machine.Effect.KEEP_ASSISTANCE in effects:
            installation.keep_assistance(after.since if state is State.ASSISTANCE else None)
        return after.state is state

    count = 0

    def touched(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event in TOUCHES and arguments and str(arguments[0]).startswith(folder):
            count += 1
            if count == touch:
                os._exit(137)

    def called(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == "judge":
            print("judged", flush=True)

    assistance = Assistance(installation, lambda: Moment(time.time(), time.monotonic()), settle)
    sys.addaudithook(touched)
    sys.setprofile(called)
    if action == "enter":
        print(assistance.enter(snapshot, "essai")["ok"], flush=True)
    else:
        print(assistance.leave(snapshot, password).get("accepted"), flush=True)
    print("touches", count, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
