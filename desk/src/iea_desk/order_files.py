"""The files of a release manager: read within a limit, their faults in words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from iea_agent.domain.exit_codes import REFUSED
from iea_agent.domain.signed_policy import format_time
from iea_desk.keys import DeskError
from iea_desk.private_files import open_file

LARGEST_DOCUMENT = 1_000_000
_FAULTS: Mapping[str, str] = {
    r"^([\w.]{1,60}): missing$": "« {0} » manque",
    r"\(at line (\d+), column (\d+)\)$": "faute à la ligne {0}, colonne {1}",
    r": line (\d+) column (\d+) \(char \d+\)$": "faute à la ligne {0}, colonne {1}",
    r"\(at end of document\)$": "il manque la fin",
    r"^'utf-8' codec ": "ce n’est pas du texte en UTF-8",
    r"^([\w.]{1,60}): (.*)$": "« {0} » n’a pas la valeur attendue (détail technique : {1})",
}
"""What the readers of TOML, of JSON and of the agents say is wrong, by its form."""


def word_fault(error: Exception) -> str:
    """Return in French what *error* says is wrong in a file, its own words if need be."""
    message = str(error)
    for form, words in _FAULTS.items():
        if match := re.search(form, message, re.DOTALL):
            return words.format(*match.groups())
    return message


def read_bounded(file: Path, largest: int) -> bytes:
    """Return what *file* holds. Raises ``DeskError`` if it is too large, ``OSError``."""
    with open_file(file) as source:
        data = source.read(largest + 1)
    if len(data) > largest:
        raise DeskError(f"{file} dépasse {largest // 1024} Ko. Rien n’est changé.", REFUSED)
    return data


def read_toml(file: Path) -> dict[str, Any]:
    """Return the document in *file*, times as text. Raises ``DeskError``, ``OSError``."""
    data = read_bounded(file, LARGEST_DOCUMENT)
    try:
        document = tomllib.loads(data.decode("utf-8-sig"))
    except ValueError as error:
        raise DeskError(f"{file} n’est pas un fichier TOML : {word_fault(error)}.", REFUSED) from None
    except RecursionError:
        raise DeskError(f"{file} n’est pas un fichier TOML : il est trop imbriqué.", REFUSED) from None
    written: dict[str, Any] = _write_times(document)
    return written


def _write_times(value: Any) -> Any:
    """Return *value* with the times as the signed documents have them."""
    match value:
        case datetime():
            return format_time((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())
        case date() | time():
            # no time of a document: the agents' own rules refuse it by its name
            return value.isoformat()
        case dict():
            return {name: _write_times(each) for name, each in value.items()}
        case list():
            return [_write_times(each) for each in value]
    return value
