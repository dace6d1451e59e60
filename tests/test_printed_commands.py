"""Every command that the product or its documents print works."""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from iea_agent.commands import Command, load_commands
from iea_agent.domain import exit_codes
from iea_agent.domain.diagnosis import Server
from iea_agent.domain.repairs import Repair, RepairKind
from iea_agent.domain.settings import DEFAULTS, ProxyMode
from iea_agent.shell.wording import repair_text
from tests.installations import Installation

pytestmark = pytest.mark.linux  # the same program; once is enough

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("docs/problemes/*.md")])
PAGES = sorted(ROOT.glob("src/iea_agent/shell/pages/*.html"))
SOURCES = [*ROOT.glob("src/iea_agent/**/*.py"), *ROOT.glob("src/iea_agent/locale/*/LC_MESSAGES/*.po")]

CODE_SPAN = re.compile(r"`(iea-agent [^`]+)`|^(iea-agent .+)$", re.MULTILINE)
CODE_ELEMENT = re.compile(r"<code>(iea-agent [^<]+)</code>|^(iea-agent .+)$", re.MULTILINE)
QUOTED = re.compile(r"(?:«\s?|“)(iea-agent [^»”]+?)\s?[»”]")

CHANGES: Mapping[RepairKind, Mapping[str, object]] = {
    RepairKind.SECURE_MODE: {
        "secure": True,
        "authentication": "https://exemple.fr",
        "updates": "https://exemple.fr/maj",
    },
    RepairKind.USUAL_PORT: {"updates": "https://exemple.fr/maj"},
    RepairKind.SAME_PORT: {"updates": "https://exemple.fr:8443/maj"},
    RepairKind.OFFICIAL_ADDRESS: {"updates": DEFAULTS.official_updates},
    RepairKind.DIRECT: {"proxy_mode": ProxyMode.NONE},
    RepairKind.SYSTEM_PROXY: {"proxy_mode": ProxyMode.SYSTEM},
    RepairKind.IPV4_ONLY: {"ipv4_only": True},
    RepairKind.IPV6_TOO: {"ipv4_only": False},
}
"""What each repair may change."""
REPAIRS = tuple(Repair(kind, CHANGES[kind], (Server.UPDATES,)) for kind in RepairKind)
PLACEHOLDERS = re.compile(r"[A-Z]{3,}$|\{|\[|\||\.\.\.")


def collect(pattern: re.Pattern[str], files: list[Path]) -> set[str]:
    """Return the commands that *pattern* finds in *files*.

    Leaves out redirections and comments.
    """
    commands = set()
    for file in files:
        # a text may be continued in another literal
        content = re.sub(r'"\s*\n\s*"', "", file.read_text(encoding="utf-8"))
        for match in pattern.finditer(content):
            text = html.unescape(next(group for group in match.groups() if group))
            commands.add(" ".join(re.split(r"\s[<#>]\s?", text)[0].split()))
    return commands


def printed() -> list[str]:
    """Return every command in documents, pages, sentences and repairs."""
    commands = collect(CODE_SPAN, DOCUMENTS) | collect(CODE_ELEMENT, PAGES) | collect(QUOTED, SOURCES)
    repairs = repair_text.render_repairs(REPAIRS, DEFAULTS)
    commands |= set(re.findall(r"iea-agent .+", repairs))
    return sorted(command for command in commands if not PLACEHOLDERS.search(command))


def test_they_are_collected_from_every_kind_of_place() -> None:
    commands = set(printed())
    assert "iea-agent assistance off" in commands, "a code block"
    assert "iea-agent settings set connection.ipv4_only true" in commands, "a page and a repair"
    assert "iea-agent settings set proxy.mode none" in commands, "a repair"
    assert len(commands) > 15


@pytest.mark.parametrize("command", printed())
def test_it_is_no_wrong_usage(command: str, installation: Installation, tmp_path: Path) -> None:
    _program, *words = shlex.split(command)
    # a file that it writes is not for this folder
    words = [str(tmp_path / word) if word == "F.zip" else word for word in words]
    # a document may name a command instead of showing how it is called
    named = any(
        each.name == " ".join(words) and any(not a.name.startswith("-") and "nargs" not in a.options for a in each.arguments)
        for each in load_commands()
    )  # fmt: skip
    if named:
        assert command not in collect(QUOTED, SOURCES), "what the product itself prints works as it stands"
        words.append("--help")
    # a proxy's password is for one proxy
    installation.run("settings", "set", "proxy.address", "http://proxy.exemple.fr:3128")
    done = installation.run(*words, given="un secret\n")
    assert done.returncode != exit_codes.USAGE, done.stderr
    assert "Traceback" not in done.stderr
    if words == ["launch"]:
        # which has started the agent
        assert installation.run("quit").returncode == exit_codes.FINE


@pytest.mark.parametrize("command", load_commands(), ids=lambda command: command.name)
def test_every_command_has_its_help(command: Command, installation: Installation) -> None:
    assert installation.run(*command.name.split(), "--help").returncode == exit_codes.FINE
