"""The practical sheets, followed word by word with the Windows agent under Wine.

Runs in the Linux Python. Begins with the setup, in a new Windows. Writes a page of pictures, ``build/demo/index.html``; a step without the effect that the
sheet says ends it with exit code 1. If there is a display (``$DISPLAY``), the agent is started on it instead, for a
person to click.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from iea_sandbox.cli import default_home
from iea_sandbox.control import attach
from installer.build import build_program, build_setup
from rig.build import BUILD
from rig.change_steps import CHANGE_SHEET
from rig.clerk import Clerk, Frame, quit_agent
from rig.demo import instructions
from rig.demo_page import Played, render_page
from rig.desktop import PAUSE
from rig.practical_sheets import SHEETS, Instruction, Sheet
from rig.stage import AgentStage
from rig.support_steps import SUPPORT_SHEET
from rig.update_sheet import UPDATE_SHEET, install_payroll_program

PAGE = BUILD / "demo"
PAINTING = 3.0  # seconds that a window may take to be painted


class SheetWalk:
    """The steps of the *sheets*, played one after the other, and their page."""

    def __init__(self, folder: Path, stage: AgentStage, sheets: Sequence[Sheet] = SHEETS) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._folder = folder
        self._clerk = Clerk(stage)
        self._sheets = sheets
        self._played: dict[int, Played] = {}
        self._began = time.monotonic()

    def play(self) -> bool:
        """Play the steps until one fails; return whether none did."""
        steps = [step for sheet in self._sheets for section in sheet.sections for step in section.steps]
        for number, step in enumerate(steps):
            if not (step.before or step.deeds or step.sight):
                continue
            print(f"{time.monotonic() - self._began:5.1f} s  {number + 1:2}  {step.words or '–'}", flush=True)
            frame, failure = self._play_step(step)
            self._played[number] = self._take_picture(number, frame, failure)
            if failure:
                print(f"sans l’effet attendu : {failure}", file=sys.stderr)
                return False
        return True

    def _play_step(self, step: Instruction) -> tuple[Frame, str]:
        """Return what to photograph, and why the step failed."""
        try:
            for deed in (*step.before, *step.deeds):
                deed.perform(self._clerk)
            return step.sight.look(self._clerk) if step.sight else Frame(None), ""
        except AssertionError as error:
            return Frame(None), str(error) or type(error).__name__

    def _take_picture(self, number: int, frame: Frame, failure: str) -> Played:
        """Photograph *frame* once it has stopped changing."""
        name = f"{number + 1:02}.png"
        if frame.taken is not None:
            with Image.open(shutil.copy(frame.taken, self._folder / name)) as picture:
                return Played(name, picture.size, failure)
        desktop = self._clerk.stage.desktop
        deadline = time.monotonic() + PAINTING
        image, before = desktop.look(frame.area), None
        while before != image and time.monotonic() < deadline:
            time.sleep(2 * PAUSE)
            image, before = desktop.look(frame.area), image
        if frame.enlarged > 1:
            size = (image.width * frame.enlarged, image.height * frame.enlarged)
            image = image.resize(size, Image.Resampling.NEAREST)
        image.save(self._folder / name)
        return Played(name, image.size, failure)

    def write(self) -> Path:
        """Write the page and return its path."""
        page = self._folder / "index.html"
        page.write_text(
            render_page(self._sheets, self._played, time.monotonic() - self._began), encoding="utf-8"
        )
        return page


def walk(folder: Path, stage: AgentStage) -> int:
    """Play the sheets, write the page in *folder*, and return the exit code."""
    install_payroll_program(Clerk(stage))
    stage.install_register()
    sheet_walk = SheetWalk(folder, stage, (*SHEETS, SUPPORT_SHEET, UPDATE_SHEET, CHANGE_SHEET))
    try:
        if not sheet_walk.play():
            print(stage.log(), file=sys.stderr)
            return 1
        quit_agent(Clerk(stage))
        return 0
    finally:
        print(f"\n{sheet_walk.write()}")


def live(stage: AgentStage) -> None:
    """Let the person at the display use the agent until it is quit."""
    sandbox = attach(stage.world, default_home())
    try:
        print(instructions(stage.world), flush=True)
        stage.start_agent().wait()
    finally:
        sandbox.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> int:
    """Follow the sheets, or let a person play on the display if there is one."""
    parser = argparse.ArgumentParser(prog="python -m rig wine_demo", description=main.__doc__)
    parser.add_argument("--scaling", type=int, default=100, choices=(100, 125, 150, 200))
    scaling = parser.parse_args(arguments).scaling
    display = os.environ.get("DISPLAY")
    if not display:
        # what is up to date is not made again
        build_setup(build_program())
    # what it says of requests and answers that are broken on purpose
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    folder = PAGE if scaling == 100 else PAGE.with_name(f"demo-{scaling}")
    with tempfile.TemporaryDirectory() as home, AgentStage(Path(home), scaling, display) as stage:
        if display:
            live(stage)
            return 0
        return walk(folder, stage)
