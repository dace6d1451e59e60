"""Every window of the registry opens in a process of its own, under Wine."""

from __future__ import annotations

from pathlib import Path

from iea_agent.domain.person_requests import WINDOWS
from rig.desktop import Window
from rig.stage import AgentStage


def test_every_window_opens_and_closes(tmp_path: Path) -> None:
    with AgentStage(tmp_path) as stage:
        for request in WINDOWS.values():
            before = {window.handle for window in stage.desktop.windows()}

            def opened(windows: list[Window], before: set[int] = before) -> Window | None:
                # a window may be seen a moment before its title is set
                new = (window for window in windows if window.handle not in before and window.text)
                return next(new, None)

            command = ("window", request.window, *request.options)
            process = stage.start_command(*command)
            stage.desktop.wait(opened, f"the window {request.name} with a title", 60)
            # Escape is the button that closes, which a new window may have forgotten to connect
            stage.desktop.key("Escape")
            assert process.wait(30) == 0, request.name
