"""Plays turns of assistance mode, killed at each touch of a file in turn.

Arguments: "enter" or "leave", the password or "", then "whole" or "killed", and home folders. "whole" plays in each home once.
"killed" plays in copies of them, whose names have the number of the touch, until the last touch is passed. Each turn is played
by a process of its own, which ends as by kill -9. Prints for each home what a person gets to know of each turn.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from iea_agent.assembly.assistance import Assistance
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.sealing import Sealing
from iea_agent.domain.machine import Moment, Snapshot, State
from iea_agent.domain.refusals import Refusal, RefusedError
from iea_agent.loop import Loop
from tests.assembly.apart import KILLED, play_apart

TOUCHES = {"open", "os.rename", "os.replace", "os.remove", "os.mkdir", "os.chmod", "os.truncate"}


class DiskWork:
    """The loop's work, of which only the disk counts here."""

    def __init__(self, keep: Callable[[float | None], None]) -> None:
        self.keep_assistance = keep

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_arguments: None


def _enter(assistance: Assistance) -> Refusal | None:
    try:
        assistance.enter("essai")
    except RefusedError as error:
        return error.refusal
    return None


def play(folder: str, touch: int, action: str, password: str) -> None:
    """Play one turn in *folder*, killed at this touch, 0 for never."""
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
                os._exit(KILLED)

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


def play_killed(home: str, action: str, password: str) -> Iterator[str]:
    """Play it in copies of *home*, killed at each touch; the last turn is whole."""
    for touch in range(1, 200):
        copy = f"{home}-{touch}"
        shutil.copytree(home, copy)
        code, output = play_apart(lambda: play(copy, touch, action, password))  # noqa: B023  called at once
        yield output
        if code != KILLED:
            return
    raise RuntimeError("it never ends")


def main(action: str, password: str, kind: str, *homes: str) -> None:
    for loaded_once in ("domain.password_check", "host.posix", "host.trusted_files"):
        importlib.import_module(f"iea_agent.{loaded_once}")
    turns: list[list[str]] = []
    for home in homes:
        if kind == "killed":
            turns.append(list(play_killed(home, action, password)))
        else:
            code, output = play_apart(lambda: play(home, 0, action, password))  # noqa: B023  called at once
            if code == KILLED:
                raise RuntimeError("it was to be whole")
            turns.append([output])
    print(json.dumps(turns))


if __name__ == "__main__":
    main(*sys.argv[1:])
