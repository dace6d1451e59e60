"""List every module with its purpose in docs/architecture.md.

The purpose is the first line of the module's docstring. ``--check`` changes nothing and returns 1 if the page is stale.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
FOLDERS = ("src/iea_agent", "src/iea_sandbox", "src/iea_desk", "rig", "tools")
BEGIN = "<!-- begin: drawn by tools/draw_rooms.py -->\n"
END = "<!-- end: drawn by tools/draw_rooms.py -->\n"


def read_purpose(path: Path) -> str:
    """Return the first docstring line of the module at *path*, or ""."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def draw_folder(folder: Path) -> Iterator[str]:
    """Yield the lines for *folder* and for each folder below it that holds modules."""
    modules = sorted(folder.glob("*.py"))
    package = folder / "__init__.py"
    purpose = f": {read_purpose(package)}" if package in modules else ""
    yield f"**`{folder.relative_to(ROOT).as_posix()}/`**{purpose}\n"
    yield from (f"- `{path.name}`: {read_purpose(path)}" for path in modules if path != package)
    yield ""
    for path in sorted(folder.iterdir()):
        if any(path.glob("*.py")):
            yield from draw_folder(path)


def draw_page(page: str) -> str:
    """Return *page* with a new list. Raise ``ValueError`` if the markers are missing."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    lines = [line for folder in FOLDERS for line in draw_folder(ROOT / folder)]
    return before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after


def main() -> int:
    """Draw the list, or with ``--check`` return 1 if the page is stale."""
    page = PAGE.read_text(encoding="utf-8")
    drawn = draw_page(page)
    if "--check" not in sys.argv:
        PAGE.write_text(drawn, encoding="utf-8", newline="\n")
    elif drawn != page:
        print(f"{PAGE.name} does not list the modules as they are: run tools/draw_rooms.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
