"""Write the generated lists in the documentation: modules, commands, problems.

``--check`` changes nothing and returns 1 if a section is stale.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from iea_agent import locale
from iea_agent.commands import load_commands
from iea_agent.domain.person_requests import REQUESTS
from iea_agent.domain.problems import CATALOGUE, Group

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src/iea_agent", "sandbox/src/iea_sandbox", "desk/src/iea_desk", "rig", "tools")

TITLES: Mapping[Group, str] = {
    Group.CONFIGURATION: "Configuration",
    Group.NETWORK: "Réseau",
    Group.PROXY: "Serveur mandataire (proxy)",
    Group.CERTIFICATE: "Certificat et chiffrement",
    Group.SERVER_ANSWER: "Réponse du serveur",
    Group.UPDATES: "Mises à jour",
    Group.AUTHORISATION: "Autorisation",
    Group.THIS_PC: "Ce poste",
}


def list_modules() -> Iterator[str]:
    """Yield every module with its purpose, folder by folder."""
    for folder in FOLDERS:
        yield from _list_folder(ROOT / folder)


def _list_folder(folder: Path) -> Iterator[str]:
    modules = sorted(folder.glob("*.py"))
    package = folder / "__init__.py"
    purpose = f": {read_purpose(package)}" if package in modules else ""
    yield f"**`{folder.relative_to(ROOT).as_posix()}/`**{purpose}\n"
    yield from (f"- `{path.name}`: {read_purpose(path)}" for path in modules if path != package)
    yield ""
    for path in sorted(folder.iterdir()):
        if any(path.glob("*.py")):
            yield from _list_folder(path)


def read_purpose(path: Path) -> str:
    """Return the first docstring line of the module at *path*, or ""."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def list_commands() -> Iterator[str]:
    """Yield every command of ``iea-agent``, with what it does in English."""
    locale.choose("en")
    yield from ("| command | does |", "|---|---|")
    yield from (f"| `{command.name}` | {locale._(command.help)} |" for command in load_commands())


def list_requests() -> Iterator[str]:
    """Yield the events that a client may ask for, one row each."""
    yield from ("| event | menu line | window |", "|---|---|---|")
    for request in REQUESTS:
        yield f"| `{request.name}` | {request.label.replace('&', '')} | {' '.join((request.window, *request.options))} |"


def list_problems() -> Iterator[str]:
    """Yield the index of the problem pages, letter by letter."""
    locale.choose("fr")
    for group in Group:
        codes = sorted(code for code, problem in CATALOGUE.items() if problem.group is group)
        yield from (f"## {TITLES[group]}", "", "| code | problème |", "|---|---|")
        yield from (f"| [{code}]({code}.md) | {locale._(CATALOGUE[code].title)} |" for code in codes)
        yield ""


SECTIONS: Mapping[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "modules": ("docs/architecture.md", list_modules),
    "commands": ("README.md", list_commands),
    "requests": ("docs/channel.md", list_requests),
    "problems": ("docs/problemes/README.md", list_problems),
}
"""By the name in the markers: the page and the function that yields the section's lines."""


def draw_section(page: str, name: str, lines: list[str]) -> str:
    """Return *page* with *lines* between the markers; ``ValueError`` without markers."""
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
    section = begin + "\n" + "\n".join(lines).strip() + "\n\n" + end
    drawn, count = re.subn(
        re.escape(begin) + ".*?" + re.escape(end), lambda _: section, page, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"the markers of {name} must stand in the page once, not {count} times")
    return drawn


def main() -> int:
    """Write the sections, or with ``--check`` return 1 if one is stale."""
    parser = argparse.ArgumentParser(description="Write the generated sections of README.md and docs/.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a section is stale")
    parser.add_argument("names", nargs="*", help="only these sections")
    options = parser.parse_args()
    stale = []
    for name in options.names or SECTIONS:
        place, lines = SECTIONS[name]
        path = ROOT / place
        page = path.read_text(encoding="utf-8")
        drawn = draw_section(page, name, list(lines()))
        if drawn != page:
            stale.append(f"{place}: the section {name} is stale: run tools/draw_sections.py")
            if not options.check:
                path.write_text(drawn, encoding="utf-8", newline="\n")
    if options.check and stale:
        print(*stale, sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
