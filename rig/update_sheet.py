"""The update of Impact emploi on the Windows desktop, after the practical sheets.

No sheet has words for it yet: each step says what is done and what must then be true.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from iea_agent.domain.person_requests import UPDATES
from iea_agent.shell.wording.update_text import format_size
from rig.clerk import (
    AGENT_GIVES,
    Clerk,
    Deed,
    Frame,
    Sight,
    choose_line,
    close_program,
    mend_servers,
    press,
    right_click,
    see_window,
)
from rig.payroll_program import ENTRY, NAME, build_installer
from rig.practical_sheets import Instruction, Section, Sheet

WINDOW = UPDATES.title
OLD, NEW = "3.00.72", "3.00.73"
SIZE = 16_000_000
"""Bytes that are added to the installer: its download can be watched."""
INSTALLER = f"Installation d’Impact emploi {NEW}"
PROGRAM = f"Impact emploi {NEW}"
NOTES = f"""# Impact emploi {NEW}

## Ce qui change

- Les bulletins de paie s’affichent de nouveau sur **deux colonnes**.
- La connexion au serveur passe par le programme de connexion.

Faites une sauvegarde avant l’installation.
"""


def install_payroll_program(clerk: Clerk) -> None:
    """Install the version before of the program that stands in for Impact emploi."""
    with tempfile.TemporaryDirectory() as folder:
        installer = build_installer(Path(folder), OLD)
        done = clerk.stage.desktop.prefix.run(str(installer), "/S")
    if done.returncode != 0:
        raise AssertionError(done.stderr)


def describe(version: str) -> dict[str, object]:
    """Return the description of *version*, as its publisher signs it."""
    return {
        "schema": 1,
        "kind": "product",
        "version": version,
        "channel": "stable",
        "minimum": {"agent": "", "windows": "", "product": ""},
        "rollout": {"percent": 100, "salt": version},
        "not_before": None,
        "deadline": None,
        # also shortly before a due date, whenever the demonstration is
        "critical": True,
        "installer": {
            "type": "exe",
            "arguments": [],
            "scope": "user",
            "success": [0],
            "reboot": [3010, 1641],
            "busy": [1618],
        },
        "detect": {"registry": ENTRY, "value": "DisplayVersion", "file": ""},
        "installed_bytes": 2_000_000,
        "closes": ["ImpactEmploi.exe"],
        "notes": {"fr": f"notes/{version}.fr.md", "en": ""},
        "downgrade": False,
        "signer": "",
    }


def publish_version() -> Deed:
    """Publish the new version, with its release notes."""

    def perform(clerk: Clerk) -> None:
        with tempfile.TemporaryDirectory() as folder:
            content = build_installer(Path(folder), NEW, SIZE).read_bytes()
        name = f"impact-emploi/{NAME}-{NEW}.exe"
        clerk.stage.world.publish(
            {name: content, f"notes/{NEW}.fr.md": NOTES.encode()}, {name: {"iea": describe(NEW)}}
        )

    return Deed(f"L’éditeur publie la version {NEW} : programme d’installation et Lisez-moi.", perform)


def ask_before_downloads() -> Deed:
    """Set the policy that has a download asked for: else it begins before the click."""

    def perform(clerk: Clerk) -> None:
        with (clerk.stage.home / "policy" / "policy.toml").open("a", encoding="utf-8") as policy:
            policy.write("\n[updates]\ndownload = false\n")

    return Deed("La politique du poste annonce les versions sans les télécharger d’elle-même.", perform)


def cut_download() -> Deed:
    """Have the next file come slowly, and be cut in the middle."""
    return Deed(
        "La ligne est lente, et se coupera au milieu du fichier.",
        lambda clerk: clerk.stage.world.break_("updates", "cut-target"),
    )


def see_front(title: str, what: str) -> Sight:
    """Wait for a window of another program."""

    def look(clerk: Clerk) -> Frame:
        return Frame(clerk.stage.desktop.window(title).area)

    return Sight(what, look)


def see_token(what: str) -> Sight:
    """Wait until the new version says that the agent has given it an access token.

    The agent looks every 15 s whether there is something to launch.
    """
    return Sight(what, lambda clerk: Frame(clerk.stage.until_text(PROGRAM, AGENT_GIVES, timeout=60).area))


STEPS = (
    Instruction(
        "",
        (right_click("ball"), choose_line(UPDATES)),
        see_window(WINDOW, f"version installée\u00a0: {OLD}"),
        "La version installée est lue dans le programme lui-même.",
        before=(publish_version(), ask_before_downloads()),
    ),
    Instruction(
        "",
        (press(WINDOW, "Actualiser"),),
        see_window(WINDOW, f"version {NEW} proposée", "deux colonnes"),
        "La version proposée est signée, et son Lisez-moi aussi : il se lit avant le téléchargement.",
    ),
    Instruction(
        "",
        (press(WINDOW, f"Télécharger ({format_size(SIZE)})"),),
        see_window(WINDOW, "téléchargement de la version", "sur 16,"),
        "Le travail continue pendant ce temps.",
        before=(cut_download(),),
    ),
    Instruction(
        "",
        (),
        see_window(WINDOW, "le téléchargement n’a pas abouti"),
        "La coupure est nommée ; ce qui est arrivé reste.",
        before=(),
    ),
    Instruction(
        "",
        (press(WINDOW, "Réessayer"),),
        see_window(WINDOW, f"version {NEW} prête à installer"),
        "Le téléchargement reprend où il s’est arrêté, et le fichier entier est vérifié.",
        before=(mend_servers(),),
    ),
    Instruction(
        "",
        (press(WINDOW, "Lancer Impact emploi après l’installation"), press(WINDOW, "Installer")),
        see_front(INSTALLER, "Le programme d’installation est ouvert."),
    ),
    Instruction(
        "",
        (),
        see_token(f"Impact emploi {NEW} est lancé, comme demandé ; il reçoit de l’agent un jeton d’accès."),
    ),
    Instruction(
        "",
        (close_program(),),
        see_window(WINDOW, f"version {NEW} installée", "Impact emploi a été lancé."),
        "Le code du programme d’installation ne suffit pas : la nouvelle version a été cherchée, et trouvée.",
    ),
)

UPDATE_SHEET = Sheet(
    "Après les fiches : une mise à jour", "", (Section("Une mise à jour d’Impact emploi", STEPS),)
)
