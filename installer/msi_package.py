"""Makes the MSI that administrators deploy by group policy: per machine, with the folders that the setup makes.

wixl writes the files and the usual tables. What it does not know is added to the tables afterwards, as text, and its times and
numbers are replaced: the same program gives the same bytes.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import iea_agent
from iea_agent.host.storage import APPLICATION
from installer.commands import ICONS, run
from installer.launchers import LAUNCHERS, compile_program, format_version_numbers
from installer.program_folder import set_times
from rig.build import BuildError

UPGRADE_CODE = "{8A1C7A55-5DFE-4BC0-8D02-3BD0A1A4A001}"
"""What all versions have in common; ``setup.nsi`` asks Windows for it."""
LANGUAGE, CODE_PAGE = 1036, 1252  # French
RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
UNINSTALL_KEY = rf"Software\Microsoft\Windows\CurrentVersion\Uninstall\{APPLICATION}"

TEXTS = {
    "newer": "Une version plus récente est déjà installée sur ce poste. Rien n’a changé.",
    "setup": "Le programme de connexion a été installé sur ce poste par iea-agent-setup.exe. Désinstallez-le d’abord : les paramètres et la licence restent.",
}

SHORTCUTS = {"run": APPLICATION, "launch": "Lancer Impact emploi", "support": "Écrire à l’assistance"}
"""The lines of the start menu: the agent's command, and the name."""

AUTOSTART_CONDITION = "AUTOSTART=1 OR (NOT AUTOSTART AND (RUNENTRY OR NOT WIX_UPGRADE_DETECTED))"
"""Whether the agent starts at logon: as given; else yes at first, and as it was after an update."""
PUBLIC_PROPERTIES = ("AUTOSTART", "WIX_DOWNGRADE_DETECTED", "WIX_UPGRADE_DETECTED")
"""What Windows Installer hands on to its part that has the rights of the system."""

SEQUENCES = {
    # within the transaction: if the new version cannot be installed, the old one comes back
    "RemoveExistingProducts": ("", 1501),
    # an update leaves the files of the version before, to go back to
    "RemoveFiles": ("NOT UPGRADINGPRODUCTCODE", 3500),
}
"""The actions of Windows Installer itself that get another condition and place."""

# Windows Installer, "Summary List of All Custom Action Types" and "Custom Action Return Processing Options"
_IN_BINARY, _IN_FOLDER, _IGNORED, _NOT_AWAITED, _IN_SCRIPT, _AS_SYSTEM = 2, 34, 64, 128, 1024, 2048

_NAMES = uuid.UUID("0d8f3a0a-5f5b-5d3f-9a53-6c0c3c1f6a11")
_EPOCH = "315532800"
_TIME_TYPE = struct.pack("<I", 64)  # VT_FILETIME
_TIME = struct.pack("<Q", 119600064000000000)
"""1980, as Windows counts: in 100 ns since 1601."""
_CREATED, _SAVED = 12, 13  # PIDSI_CREATE_DTM, PIDSI_LASTSAVE_DTM
_SUMMARY = bytes.fromhex("e0859ff2f94f6810ab9108002b27b3d9")
"""FMTID_SummaryInformation."""
_FIXED_VERSION = struct.pack("<II", 0xFEEF04BD, 0x10000)
"""How VS_FIXEDFILEINFO begins."""

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Action:
    """A program that Windows Installer starts; *kind* and *source* are those of its table."""

    name: str
    kind: int
    source: str
    command: str
    condition: str
    sequence: int


def list_actions(version: str) -> tuple[Action, ...]:
    """Return what the package of *version* does besides its files, in its order."""
    script = _IN_BINARY + _IN_SCRIPT + _AS_SYSTEM
    explorer = f'"[WindowsFolder]explorer.exe" "[MENU]{APPLICATION}.lnk"'
    return (
        Action(
            *("StopAgent", _IN_FOLDER + _IGNORED, "INSTALLDIR", '"[INSTALLDIR]iea-agent.exe" quit'),
            *("Installed OR WIX_UPGRADE_DETECTED", 1390),
        ),
        # after all that can fail: until then the version before is current
        Action("SwitchVersion", script, "Steps", f'install "[INSTALLDIR]." {version}', "NOT REMOVE", 6500),
        Action(
            *("RemoveVersions", script + _IGNORED, "Steps", 'remove "[INSTALLDIR]."'),
            *('REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE', 6510),
        ),
        # Explorer has the rights of the person, whoever has allowed the update; the system has no icon
        Action(
            *("StartAgent", _IN_FOLDER + _IGNORED + _NOT_AWAITED, "INSTALLDIR", explorer),
            *('WIX_UPGRADE_DETECTED AND NOT REMOVE AND UserSID<>"S-1-5-18"', 6610),
        ),
    )


def make_identifier(*names: str) -> str:
    """Return the identifier that the *names* always give, as Windows spells one."""
    return f"{{{uuid.uuid5(_NAMES, '/'.join(names))}}}".upper()


def build_msi(folder: Path, launchers: Path, target: Path, version: str = "", *, sign: str = "") -> None:
    """Write the MSI *target* of the program *folder*. Raises ``BuildError``.

    *sign* is a command that signs the file whose path follows it: the program that Windows runs as the system is signed, too.
    For tests the package may have another *version*.
    """
    version = version or iea_agent.__version__
    work = target.with_name(f"{target.stem}.work")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    # wixl takes no file from elsewhere
    (work / "version").symlink_to(folder.resolve())
    # the cabinet has the times of the files
    shutil.copytree(launchers, work / "launchers")
    set_times(work / "launchers")
    (work / "icon.ico").symlink_to(ICONS / "ball.ico")
    steps = work / "steps.exe"
    compile_program(steps, "-mwindows", "msi_steps.c", "-ladvapi32")
    if sign:
        run(sign, str(steps))
    files = list_files(folder)
    ElementTree.ElementTree(describe_package(files, version)).write(
        work / "agent.wxs", "utf-8", xml_declaration=True
    )
    package = work / "agent.msi"
    run(
        "env",
        f"SOURCE_DATE_EPOCH={_EPOCH}",
        "wixl",
        "--arch",
        "x64",
        "--output",
        package.name,
        "agent.wxs",
        cwd=work,
    )
    edit_tables(
        package, version, {make_key(file): read_file_version((work / file).read_bytes()) for file in files}
    )
    content = b"".join(hashlib.sha256((work / file).read_bytes()).digest() for file in (*files, steps.name))
    identifier = make_identifier("package", version, hashlib.sha256(content).hexdigest())
    run(
        "msibuild", str(package), "-s", f"{APPLICATION} {version}", APPLICATION, f"x64;{LANGUAGE}", identifier
    )
    package.write_bytes(fix_times(package.read_bytes()))
    package.replace(target)
    shutil.rmtree(work)


def list_files(folder: Path) -> list[str]:
    """Return the files that are installed, as the package names them, in the order of their names."""
    version = (
        f"version/{file.relative_to(folder).as_posix()}" for file in folder.rglob("*") if file.is_file()
    )
    return sorted([*version, *(f"launchers/{name}.exe" for name in LAUNCHERS)])


def make_key(name: str) -> str:
    """Return the key of the tables for the file or folder *name*."""
    return f"_{hashlib.sha256(name.encode()).hexdigest()[:24]}"


def describe_package(files: list[str], version: str) -> ElementTree.Element:
    """Return what wixl makes the package of: the installed *files*, and what Windows notes of them."""
    wix = ElementTree.Element("Wix", xmlns="http://schemas.microsoft.com/wix/2006/wi")
    product = _add(
        wix, "Product", Id=make_identifier("product", version), Name=APPLICATION, Language=str(LANGUAGE),
        Codepage=str(CODE_PAGE), Version=format_version(version), Manufacturer=APPLICATION, UpgradeCode=UPGRADE_CODE,
    )  # fmt: skip
    _add(
        product,
        "Package",
        InstallerVersion="500",
        Compressed="yes",
        InstallScope="perMachine",
        Manufacturer=APPLICATION,
    )
    _add(product, "Media", Id="1", Cabinet="agent.cab", EmbedCab="yes")
    _add(product, "MajorUpgrade", DowngradeErrorMessage=TEXTS["newer"])
    for name, value in (("ARPNOMODIFY", "1"), ("ARPPRODUCTICON", "icon.ico")):
        _add(product, "Property", Id=name, Value=value)
    for name, key, value in (
        ("RUNENTRY", RUN_KEY, APPLICATION),
        ("SETUPVERSION", UNINSTALL_KEY, "DisplayVersion"),
    ):
        searched = _add(product, "Property", Id=name)
        _add(
            searched,
            "RegistrySearch",
            Id=name.title(),
            Root="HKLM",
            Key=key,
            Name=value,
            Type="raw",
            Win64="yes",
        )
    _add(product, "Condition", Message=TEXTS["setup"]).text = "Installed OR NOT SETUPVERSION"
    _add(product, "Icon", Id="icon.ico", SourceFile="icon.ico")
    _add(product, "Binary", Id="Steps", SourceFile="steps.exe")
    root = _add(product, "Directory", Id="TARGETDIR", Name="SourceDir")
    menu = _add(root, "Directory", Id="ProgramMenuFolder")
    _add(menu, "Directory", Id="MENU", Name=APPLICATION)
    _add(root, "Directory", Id="WindowsFolder")
    programs = _add(root, "Directory", Id="ProgramFiles64Folder")
    place = _add(programs, "Directory", Id="INSTALLDIR", Name=APPLICATION)
    feature = ElementTree.Element("Feature", Id="Agent", Level="1")
    for component in (*_describe_files(place, files, version), _describe_autostart(place)):
        _add(feature, "ComponentRef", Id=component)
    product.append(feature)
    return wix


def _add(parent: ElementTree.Element, name: str, /, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, name, attributes)


def _describe_files(place: ElementTree.Element, files: list[str], version: str) -> Iterator[str]:
    """Describe the *files*, a component each, and yield the names of the components."""
    folders = {"launchers": place}
    for file in files:
        parts = file.split("/")
        for depth in range(1, len(parts)):
            name = "/".join(parts[:depth])
            if name not in folders:
                above = folders[name.rpartition("/")[0] or "launchers"]
                title = version if depth == 1 else parts[depth - 1]
                folders[name] = _add(above, "Directory", Id=make_key(name), Name=title)
        # a version's file is another one in each version: its folder has another name
        number = make_identifier("component", file if parts[0] == "launchers" else f"{version}/{file}")
        component = _add(
            folders[file.rpartition("/")[0]], "Component", Id=make_key(file), Guid=number, Win64="yes"
        )
        entry = _add(component, "File", Id=make_key(file), Source=file, KeyPath="yes")
        if file == "launchers/iea-agentw.exe":
            for command, title in SHORTCUTS.items():
                _add(entry, "Shortcut", Id=command, Directory="MENU", Name=title, Arguments=command)
            _add(component, "RemoveFolder", Id="Menu", Directory="MENU", On="uninstall")
        yield make_key(file)


def _describe_autostart(place: ElementTree.Element) -> str:
    component = _add(
        place, "Component", Id="Autostart", Guid=make_identifier("component", "autostart"), Win64="yes"
    )
    _add(
        component, "RegistryValue", Root="HKLM", Key=RUN_KEY, Name=APPLICATION, Type="string", KeyPath="yes",
        Value='"[INSTALLDIR]iea-agentw.exe" run --quiet',
    )  # fmt: skip
    return "Autostart"


def format_version(version: str) -> str:
    """Return *version* as Windows Installer compares it: three numbers."""
    return ".".join(format_version_numbers(version).split(",")[:3])


def edit_tables(package: Path, version: str, file_versions: Mapping[str, str]) -> None:
    """Add to the *package* what wixl does not know."""
    changes, rows = list_changes(file_versions), list_rows(list_actions(version))
    for name in sorted({*changes, *rows}):
        write_table(package, name, changes.get(name, {}), rows.get(name, ()))
    (package.parent / "code_page.idt").write_bytes(f"\r\n\r\n{CODE_PAGE}\t_ForceCodepage\r\n".encode())
    run("msibuild", str(package), "-i", "code_page.idt", cwd=package.parent)


def list_changes(file_versions: Mapping[str, str]) -> Mapping[str, Mapping[str, Row]]:
    """Return what changes in wixl's tables: by table and key, the columns."""
    # wixl names the feature, which Windows would install at a click
    shortcut = {"Target": "[INSTALLDIR]iea-agentw.exe", "Icon_": "icon.ico", "IconIndex": "0"}
    return {
        "Component": {"Autostart": {"Condition": AUTOSTART_CONDITION}},
        # without it Windows would keep a launcher of the version before: one that has a version wins
        "File": {key: {"Version": each} for key, each in file_versions.items()},
        "InstallExecuteSequence": {
            action: {"Condition": condition, "Sequence": str(number)}
            for action, (condition, number) in SEQUENCES.items()
        },
        "Property": {"SecureCustomProperties": {"Value": ";".join(PUBLIC_PROPERTIES)}},
        # wixl takes the folder of the component
        "RemoveFile": {"Menu": {"DirProperty": "MENU"}},
        "Shortcut": dict.fromkeys(SHORTCUTS, shortcut),
    }


def list_rows(actions: Iterable[Action]) -> Mapping[str, Sequence[Row]]:
    """Return the rows that the *actions* add, by table."""
    return {
        "CustomAction": [
            {
                "Action": each.name,
                "Type": str(each.kind),
                "Source": each.source,
                "Target": each.command,
            }
            for each in actions
        ],
        "InstallExecuteSequence": [
            {"Action": each.name, "Condition": each.condition, "Sequence": str(each.sequence)}
            for each in actions
        ],
    }


def read_table(package: Path, name: str) -> tuple[str, list[Row]]:
    """Return the head of a table, three lines, and its rows by the names of the columns."""
    lines = run("msiinfo", "export", str(package), name).replace("\r", "").split("\n")
    columns = lines[0].split("\t")
    rows = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines[3:] if line]
    return "\n".join(lines[:3]), rows


def write_table(package: Path, name: str, changes: Mapping[str, Row], more: Iterable[Row]) -> None:
    """Change rows of a table by their keys, the first column, and add *more*. Raises ``BuildError``."""
    head, rows = read_table(package, name)
    columns = head.partition("\n")[0].split("\t")
    by_key = {row[columns[0]]: row for row in rows}
    for key, change in changes.items():
        if key not in by_key:
            raise BuildError(f"wixl has written no {key} into the table {name}")
        by_key[key] |= change
    lines = [
        *head.split("\n"),
        *("\t".join(row.get(column, "") for column in columns) for row in (*rows, *more)),
    ]
    (package.parent / f"{name}.idt").write_text("\r\n".join(lines) + "\r\n", encoding="utf-8", newline="")
    run("msibuild", str(package), "-i", f"{name}.idt", cwd=package.parent)


def read_file_version(program: bytes) -> str:
    """Return the version in the resources of a *program*, "" for a file without one."""
    place = program.find(_FIXED_VERSION)
    if place < 0:
        return ""
    high, low = struct.unpack_from("<II", program, place + 8)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"


def fix_times(package: bytes) -> bytes:
    """Return the *package* with one fixed time in its summary, which has that of the build."""
    content = bytearray(package)
    # the format: [MS-OLEPS], 2.21 and 2.18
    start = content.index(_SUMMARY) + len(_SUMMARY)
    section = start - 44 + struct.unpack_from("<I", content, start)[0]
    (count,) = struct.unpack_from("<I", content, section + 4)
    for number in range(count):
        kind, offset = struct.unpack_from("<II", content, section + 8 + 8 * number)
        if kind in (_CREATED, _SAVED) and content[section + offset : section + offset + 4] == _TIME_TYPE:
            content[section + offset + 4 : section + offset + 12] = _TIME
    return bytes(content)
