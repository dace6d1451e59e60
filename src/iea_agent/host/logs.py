"""The log files: one line for each event, without secrets.

Modules log with the standard library, ``log = logging.getLogger(__name__)`` and
``log.info("authenticated", extra={"fields": {"server": address, "ms": 41}})``, for::

    2026-11-23T17:41:02.123Z INFO services.authentication authenticated server=https://impact-emploi.urssaf.fr ms=41
"""

from __future__ import annotations

import logging
import re
import sys
import time
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from iea_agent.domain.secret_spellings import compile_spellings, list_spellings

from .regular_files import open_regular

OURS = "iea_agent"
FILES = 5
FILE_SIZE = 1_000_000  # bytes
RETENTION_DAYS = 14
LONGEST_VALUE = 2_000  # characters
LONGEST_TRACEBACK = 8_000  # characters
HIDDEN = "[masqué]"

_CREDENTIALS = r"(?i:\b(?P<scheme>Bearer|Basic)\s+[\w.~+/=-]{4,})"
_NO_KEY = re.compile(r"\W")
_PLAIN = re.compile(r"[^\s\"=\\]+")


class Log:
    """The running log; its handler is the root logger's, so libraries log there, too."""

    def __init__(self, handler: _RotatingFile, formatter: LineFormatter, level: str) -> None:
        self._handler = handler
        self._formatter = formatter
        self._limit = _RecordingLimit(level)
        handler.addFilter(self._limit)

    @property
    def is_refused(self) -> bool:
        """Whether the disk has refused the last line."""
        return self._handler.is_refused

    def hide(self, secret: str) -> None:
        """Write ``HIDDEN`` instead of *secret* from now on, encoded forms included."""
        self._formatter.hide(secret)

    def record(self, until: float | None) -> None:
        """Write our debug lines, too, *until* a time of the wall clock; None for no more."""
        self._limit.until = until
        logging.getLogger(OURS).setLevel(self._limit.level if until is None else logging.DEBUG)

    def close(self) -> None:
        """Stop logging and close the file."""
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()


def start_logging(folder: Path, name: str = "agent", level: str = "INFO") -> Log:
    """Log to ``folder/name.log``, in at most ``FILES`` files of ``FILE_SIZE`` bytes.

    Files older than ``RETENTION_DAYS`` are deleted first; the new one is opened at the
    first line, and a line that the disk refuses is lost. Each process needs a *name* of
    its own, as Windows does not rename a file that another process has open. *level* is
    for our events; libraries log warnings only.
    """
    _delete_old(folder, name)
    formatter = LineFormatter()
    handler = _RotatingFile(folder / f"{name}.log")
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)
    logging.getLogger(OURS).setLevel(level)
    return Log(handler, formatter, level)


class _RecordingLimit(logging.Filter):
    """Ends a recording by itself, at the first debug line after its time."""

    def __init__(self, level: str) -> None:
        super().__init__()
        self.level = level
        self.until: float | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether *record* is written."""
        if self.until is not None and record.levelno < logging.INFO and time.time() >= self.until:
            self.until = None
            logging.getLogger(OURS).setLevel(self.level)
            return False
        return True


class LineFormatter(logging.Formatter):
    """Formats a record as one line and hides the secrets in it."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets: set[str] = set()
        self._pattern = re.compile(_CREDENTIALS)

    def hide(self, secret: str) -> None:
        self._secrets |= list_spellings(secret)
        spellings = compile_spellings(self._secrets)
        self._pattern = re.compile(f"{_CREDENTIALS}|{spellings}")

    def format(self, record: logging.LogRecord) -> str:
        """Return time (UTC), level, module, event and fields; a traceback comes last."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        module = record.name.removeprefix("iea_agent.")
        parts = [
            f"{moment}.{int(record.msecs):03d}Z",
            record.levelname,
            module,
            self._format_value(record.getMessage()),
        ]
        fields: object = getattr(record, "fields", {})
        if isinstance(fields, dict):
            parts += [f"{self._format_key(key)}={self._format_value(value)}" for key, value in fields.items()]
        if record.exc_info:
            traceback = self.formatException(record.exc_info)
            parts.append(f"traceback={self._format_value(traceback, LONGEST_TRACEBACK)}")
        return " ".join(parts)

    def _format_key(self, key: object) -> str:
        return _NO_KEY.sub("_", self._pattern.sub(_hide, str(key)))

    def _format_value(self, value: object, longest: int = LONGEST_VALUE) -> str:
        """Return *value* without secrets, shortened, and quoted if it is not one word."""
        text = self._pattern.sub(_hide, str(value))
        if len(text) > longest:
            text = f"{text[: longest // 2]}…{text[-longest // 2 :]}"
        if _PLAIN.fullmatch(text) and text.isprintable():
            return text
        text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text) + '"'


def _hide(match: re.Match[str]) -> str:
    scheme = match["scheme"]
    return f"{scheme} {HIDDEN}" if scheme else HIDDEN


class _RotatingFile(RotatingFileHandler):
    """A rotating file that goes on if it cannot be renamed (open elsewhere, Windows)."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path, maxBytes=FILE_SIZE, backupCount=FILES - 1, encoding="utf-8", delay=True, errors="replace"
        )
        self._path = path
        self.is_refused = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record*; what the disk refuses is lost."""
        self.is_refused = False
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # the standard library's name
        """Note that the disk refuses, and begin with a new stream at the next line."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)
            return
        self.is_refused = True
        stream, self.stream = self.stream, None
        with suppress(OSError):
            if stream:
                stream.close()

    def _open(self) -> TextIOWrapper:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # the standard library's would wait for the reader of a pipe
        file = open(self.baseFilename, "ab", opener=open_regular)  # noqa: SIM115 the handler closes it
        return TextIOWrapper(file, encoding=self.encoding, errors=self.errors)

    def doRollover(self) -> None:  # the standard library's name
        """Rename the full file first, and the older ones only if that succeeds."""
        if self.stream:
            self.stream.close()
            self.stream = None
        full = self._path.with_name(f"{self._path.name}.full")
        with suppress(OSError):
            self._path.replace(full)
            super().doRollover()
            full.replace(f"{self.baseFilename}.1")


def _delete_old(folder: Path, name: str) -> None:
    """Delete the files of this log that have not changed for ``RETENTION_DAYS``."""
    # those of other sessions, too: the next session has another number
    for file in (*folder.glob(f"{name}.log*"), *folder.glob(f"{name}-*.log*")):
        # a file that is open elsewhere is deleted at the next start
        with suppress(OSError):
            if time.time() - file.stat().st_mtime > RETENTION_DAYS * 86_400:
                file.unlink()
