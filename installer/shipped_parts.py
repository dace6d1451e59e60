"""The list of everything that ships (CycloneDX), and the licences of it all."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

import iea_agent
from installer import parts
from installer.parts import PARTS
from rig.build import PYTHON, ROOT, BuildError

SPECIFICATION = "1.6"
PYTHON_VERSION = "3.13.2"
"""The version of CPython that rig/build.py pins by a hash; a test asks the installed program."""
LICENCE_PATTERNS = ("licenses/**/*", "LICENSE*", "LICENCE*", "COPYING*", "NOTICE*")
_OPENSSL = re.compile(rb"OpenSSL (\d+\.\d+\.\d+[a-z]?) \d")
_ADDRESS = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562, appendix A: names that are addresses

Component = dict[str, object]


def write_parts(folder: Path, describe: dict[str, Path]) -> None:
    """Write ``licences`` and ``parts.cdx.json`` into the program *folder*.

    *describe* is the folder of metadata of each distribution. Raises ``BuildError`` for a part without a licence.
    """
    licences = folder / "licences"
    for name, about in sorted(describe.items()):
        copy_licences(about, licences / name)
    (licences / "CPython").mkdir()
    shutil.copyfile(PYTHON / "LICENSE.txt", licences / "CPython" / "LICENSE.txt")
    (licences / "IEA Agent").mkdir()
    shutil.copyfile(ROOT / "LICENSE", licences / "IEA Agent" / "LICENSE")
    (licences / "LISEZMOI.txt").write_text(EXPLANATION, encoding="utf-8", newline="\r\n")
    document = build_document(folder, describe)
    text = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    (folder / "parts.cdx.json").write_text(text, encoding="utf-8")


EXPLANATION = """\
Chaque dossier porte le nom d'un composant du programme et contient ses licences.
La liste complète, avec les versions et la raison de chacun, est dans parts.cdx.json (format CycloneDX).

pystray et wxPython sont sous licence LGPL : vous pouvez les remplacer. Les modules Python sont dans
python313.zip, une archive zip ordinaire ; les bibliothèques de wxPython sont dans le dossier lib\\wx.

Each folder has the name of a part of this program and holds its licences. parts.cdx.json lists all parts
with their versions and the reason for each. pystray and wxPython are under the LGPL: you may replace them.
"""


def copy_licences(about: Path, target: Path) -> None:
    """Copy the licences beside the metadata of a distribution. Raises ``BuildError`` if there are none."""
    files = {file for pattern in LICENCE_PATTERNS for file in about.glob(pattern) if file.is_file()}
    if not files:
        raise BuildError(f"{about.name} brings no licence")
    for file in sorted(files):
        place = target / file.relative_to(about).as_posix().removeprefix("licenses/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)


def build_document(folder: Path, describe: dict[str, Path]) -> Component:
    """Return the CycloneDX document of the program *folder*."""
    version = iea_agent.__version__
    components = [
        *_list_python(folder),
        *(_describe_part(part.name, part.reason, describe[part.name]) for part in PARTS),
        _describe_part("msvc-runtime", "Microsoft's C and C++ libraries", describe["msvc-runtime"]),
        *_list_files(folder),
    ]
    name = f"pkg:generic/iea-agent@{version}"
    digest = hashlib.sha256(json.dumps(components, sort_keys=True).encode()).hexdigest()
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPECIFICATION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        # of the content: two builds have the same
        "serialNumber": f"urn:uuid:{uuid.uuid5(_ADDRESS, f'{name}#{digest}')}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": name,
                "name": "iea-agent",
                "version": version,
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": components,
    }


def _describe_part(name: str, reason: str, about: Path) -> Component:
    metadata = Parser().parsestr((about / "METADATA").read_text("utf-8"))
    version = metadata["Version"]
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name.lower()}@{version}",
        "purl": f"pkg:pypi/{name.lower()}@{version}",
        "name": name,
        "version": version,
        "licenses": [read_licence(metadata)],
        "properties": [{"name": "iea:reason", "value": reason}],
    }


def read_licence(metadata: Message) -> Component:
    """Return the licence of a distribution as CycloneDX has it."""
    if expression := metadata["License-Expression"]:
        return {"expression": expression}
    classifiers = [each for each in metadata.get_all("Classifier", []) if each.startswith("License")]
    stated = (metadata["License"] or "").strip().partition("\n")[0]
    name = stated or (classifiers[0].rpartition(":: ")[2] if classifiers else "")
    return {"license": {"name": name or "see the folder licences"}}


def _list_python(folder: Path) -> Iterator[Component]:
    """Yield CPython and the libraries that are within its files."""
    yield {
        "type": "framework",
        "bom-ref": f"pkg:generic/cpython@{PYTHON_VERSION}",
        "purl": f"pkg:generic/cpython@{PYTHON_VERSION}",
        "name": "CPython",
        "version": PYTHON_VERSION,
        "licenses": [{"license": {"id": "PSF-2.0"}}],
        "properties": [{"name": "iea:reason", "value": "runs the agent"}],
    }
    for file in ("libcrypto-3.dll", "lib/cryptography/hazmat/bindings/_rust.pyd"):
        mark = _OPENSSL.search((folder / file).read_bytes())
        if mark is None:
            raise BuildError(f"{file} does not tell the version of OpenSSL")
        version = mark[1].decode()
        yield {
            "type": "library",
            "bom-ref": f"pkg:generic/openssl@{version}#{file}",
            "purl": f"pkg:generic/openssl@{version}",
            "name": "OpenSSL",
            "version": version,
            "licenses": [{"license": {"id": "Apache-2.0"}}],
            "properties": [{"name": "iea:reason", "value": f"within {file}"}],
        }


def _list_files(folder: Path) -> Iterator[Component]:
    """Yield each program, library and archive with its hash and the reason that is known of it."""
    reasons = {
        **parts.PYTHON,
        **parts.RUNTIME,
        "python313.zip": "the Python modules",
        "python313._pth": "where Python looks for modules",
    }
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_dir() or name.startswith(("licences/", "lib/iea_agent/")):
            continue
        reason = reasons.get(name, f"of {name.split('/')[1]}" if name.startswith("lib/") else "")
        yield {
            "type": "file",
            "bom-ref": f"file:{name}",
            "name": name,
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(file.read_bytes()).hexdigest()}],
            "properties": [{"name": "iea:reason", "value": reason}],
        }
