"""Switches or removes a slot and kills itself at the n-th touch of the folder.

Arguments: program folder, own slot, n (0: never), "switch" or "remove", the slot. Prints the number of touches.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

TOUCHES = {"open", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir", "shutil.rmtree"}


def main(folder: str, own: str, touch: int, action: str, slot: str) -> None:
    from iea_agent.host import program_folder

    count = 0

    def touched(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event in TOUCHES and arguments and str(arguments[0]).startswith(folder):
            count += 1
            if count == touch:
                os._exit(137)

    program = program_folder.ProgramFolder(Path(folder), own)
    sys.addaudithook(touched)
    getattr(program, action)(slot)
    print("touches", count, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
