"""The log files: one line an event, easy to grep, no secret in them.

Who writes uses the standard library and nothing of ours: ``_log = logging.getLogger(__name__)``, then
``_log.info("authenticated", extra={"fields": {"server": address, "ms": 41}})``, which gives::

    2026-11-23T17:41:02.123Z INFO services.authentication authenticated server=https://impact-emploi.urssaf.fr ms=41
"""

from __future__ import annotations

import base64
import json
import logging
import re
import time
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from urllib.parse import quote, quote_plus

FILES = 5
FILE_SIZE = 1_000_000  # bytes
KEPT_DAYS = 14
LONGEST_VALUE = 2_000  # characters
LONGEST_TRACEBACK = 8_000
HIDDEN = "[masqué]"

_CREDENTIALS = r"(?i:\b(?P<scheme>Bearer|Basic)\s+[\w.~+/=-]{4,})"
_NO_KEY = re.compile(r"\W")
_PLAIN = re.compile(r"[^\s\"=\\]+")


class Log:
    """The running log. Its writer is the root logger's: what libraries warn of is in it, too."""

    def __init__(self, handler: logging.Handler, lines: Lines) -> None:
        self._handler = handler
        self._lines = lines

    def hide(self, secret: str) -> None:
        """From now on write ``HIDDEN`` in place of *secret*, also where it comes encoded for a form, an address or a header."""
        self._lines.hide(secret)

    def close(self) -> None:
        """Write no more, and let go of the file."""
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()


def start_logging(folder: Path, name: str = "agent", level: str = "INFO") -> Log:
    """Log to ``folder/name.log``, at most ``FILES`` files of ``FILE_SIZE`` bytes; older ones than ``KEPT_DAYS`` are removed first.

    The file is opened at the first line. Each process needs a *name* of its own: Windows renames no file that another one holds open.
    *level* is for our own events; of libraries only warnings are taken: theirs name addresses, ours are chosen. Raises ``OSError``.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_old(folder, name)
    lines = Lines()
    handler = _File(folder / f"{name}.log")
    handler.setFormatter(lines)
    logging.getLogger().addHandler(handler)
    logging.getLogger("iea_agent").setLevel(level)
    return Log(handler, lines)


class Lines(logging.Formatter):
    """Formats one record as one line. The only way into the file, and so the place where secrets are taken out."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets: set[str] = set()
        self._pattern = re.compile(_CREDENTIALS)

    def hide(self, secret: str) -> None:
        """See ``Log.hide``."""
        if not secret:
            return
        raw = secret.encode()
        self._secrets |= {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
        self._secrets |= {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
        self._secrets |= {
            repr(secret)[1:-1],
            repr(raw)[2:-1],
            json.dumps(secret)[1:-1],
        }  # inside of structures
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._pattern = re.compile("|".join([_CREDENTIALS, *map(re.escape, longest_first)]))

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, room, event, fields; a traceback is the last field."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        room = record.name.removeprefix("iea_agent.")
        parts = [
            f"{moment}.{int(record.msecs):03d}Z",
            record.levelname,
            room,
            self._value(record.getMessage()),
        ]
        fields: object = getattr(record, "fields", {})
        if isinstance(fields, dict):
            parts += [f"{self._key(key)}={self._value(value)}" for key, value in fields.items()]
        if record.exc_info:
            traceback = self.formatException(record.exc_info)
            parts.append(f"traceback={self._value(traceback, LONGEST_TRACEBACK)}")
        return " ".join(parts)

    def _key(self, key: object) -> str:
        return _NO_KEY.sub("_", self._pattern.sub(_hidden, str(key)))

    def _value(self, value: object, longest: int = LONGEST_VALUE) -> str:
        """*value* without secrets, cut to length, and quoted where a space or a sign would make two words or two lines of it."""
        text = self._pattern.sub(_hidden, str(value))
        if len(text) > longest:
            text = f"{text[: longest // 2]}…{text[-longest // 2 :]}"
        if _PLAIN.fullmatch(text) and text.isprintable():
            return text
        text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text) + '"'


def _hidden(match: re.Match[str]) -> str:
    scheme = match["scheme"]
    return f"{scheme} {HIDDEN}" if scheme else HIDDEN


class _File(RotatingFileHandler):
    """A rotating file that goes on growing while another program holds it open, where the standard one would lose every line (Windows)."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path, maxBytes=FILE_SIZE, backupCount=FILES - 1, encoding="utf-8", delay=True, errors="replace"
        )
        self._path = path

    def doRollover(self) -> None:  # the standard library's name
        """Move the full file out of the way first: only when that could be done are the older ones moved."""
        if self.stream:
            self.stream.close()
            self.stream = None
        full = self._path.with_name(f"{self._path.name}.full")
        with suppress(OSError):
            self._path.replace(full)
            super().doRollover()
            full.replace(f"{self.baseFilename}.1")


def _remove_old(folder: Path, name: str) -> None:
    """Remove this log's files that nobody has written to for ``KEPT_DAYS``."""
    for file in folder.glob(f"{name}.log*"):
        with suppress(OSError):  # gone, or held by somebody: the next start will do
            if time.time() - file.stat().st_mtime > KEPT_DAYS * 86_400:
                file.unlink()
