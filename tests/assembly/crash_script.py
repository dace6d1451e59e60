"""Plays a turn of assistance mode and kills itself at the n-th touch of a file.

It ends as by kill -9. Arguments: home folder, n (0: never), then "enter", or "leave" and a password. Prints what a person gets to know.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iea_agent.assembly.assistance import Assistance
    from iea_agent.domain.refusals import Refusal

TOUCHES = {"open", "os.rename", "os.replace", "os.remove", "os.mkdir", "os.chmod", "os.truncate"}


class DiskWork:
    """The loop's work, of which only the disk counts here."""

    def __init__(self, keep: Callable[[float | None], None]) -> None:
        self.keep_assistance = keep

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_arguments: None


def _enter(assistance: Assistance) -> Refusal | None:
    from iea_agent.domain.refusals import RefusedError

    try:
        assistance.enter("essai")
    except RefusedError as error:
        return error.refusal
    return None


def main(folder: str, touch: int, action: str, password: str = "") -> None:
    from iea_agent.assembly.assistance import Assistance
    from iea_agent.assembly.installation import Installation
    from iea_agent.assembly.sealing import Sealing
    from iea_agent.domain.machine import Moment, Snapshot, State
    from iea_agent.loop import Loop

    installation = Installation.locate({"IEA_AGENT_HOME": folder})
    since = installation.assistance_since()

    def clock() -> Moment:
        return Moment(time.time(), time.monotonic())

    snapshot = Snapshot(State.DISCONNECTED if since is None else State.ASSISTANCE, since or 0)
    loop = Loop(DiskWork(lambda since: assistance.keep_record(since)), clock, lambda: 0.5, snapshot)
    count = 0

    def touched(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event in TOUCHES and arguments and str(arguments[0]).startswith(folder):
            count += 1
            if count == touch:
                os._exit(137)

    def called(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == "check_candidate":
            print("judged", flush=True)

    assistance = Assistance(installation, Sealing(installation, clock), clock, loop)
    sys.addaudithook(touched)
    threading.setprofile(called)
    answers: list[Refusal | None] = []
    if action == "leave":
        assistance.leave(password, answers.append)
    else:
        answers.append(_enter(assistance))
    while not answers:
        loop.turn(1.0)
    print(answers[0] is None, flush=True)
    print("touches", count, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
