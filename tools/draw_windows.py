"""Draw the README's picture: the status and the settings window on a problem.

Runs in the Linux Python, with the dialogs of ``tests/desktop`` on a Windows desktop under Wine.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage
from rig.desktop import Desktop
from tests.desktop.test_dialogs import HERE, NOW_DOCUMENT, TEST, Play, write_status

# the rig is of Linux, and so is what the type checker knows of it
assert sys.platform != "win32"

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "agent.png"
GAP = 24
"""Pixels between the two windows."""
ADDRESS = "https://impact-emploi.urssaf.fr:80"


def take_pictures(folder: Path) -> list[Path]:
    """Show both windows one after the other, and return their pictures in *folder*."""
    values = {name: getattr(NOW_DOCUMENT, name) for name in NOW_DOCUMENT.__slots__}
    failure = Failure(Stage.CERTIFICATE, problems.PORT_WITHOUT_TLS, "[SSL: WRONG_VERSION_NUMBER]")
    source = write_status(folder, type(NOW_DOCUMENT)(**{**values, "failure": failure}))
    own = json.dumps({**HERE, "authentication": ADDRESS, "updates": f"{ADDRESS}/updates"})
    pictures = []
    with Desktop(100, (1280, 760)) as desktop:
        for dialog, options, text in (
            ("status", ("--source", source), failure.problem.code),
            ("settings", ("--own", own, "--repairs"), "Retirer « :80 » des deux adresses"),
        ):
            play = Play(desktop, folder, dialog, *options)
            if dialog == "settings":
                play.click(TEST)
            play.sees(text)
            # what is drawn last is not announced
            time.sleep(1)
            desktop.move(1, 1)
            pictures.append(desktop.picture(folder / f"{dialog}.png", play.window))
            desktop.key("Escape")
            play.ended()
    return pictures


def main() -> None:
    """Write the picture: both windows side by side."""
    with tempfile.TemporaryDirectory() as folder:
        images = [Image.open(file).copy() for file in take_pictures(Path(folder))]
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    sheet = Image.new("RGB", (width, max(image.height for image in images)), "white")
    left = 0
    for image in images:
        sheet.paste(image, (left, 0))
        left += image.width + GAP
    sheet.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
