"""The start of each process: the agent's icon, one of its windows, or a command.

Results go to the standard output, everything else to the standard error. The exit
codes are in ``domain/exit_codes.py``.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from iea_agent import locale
from iea_agent.host import isolation
from iea_agent.locale import _


class _OutputLost(Exception):
    """The output is closed or its disk is full; the cause is an ``OSError``."""


class _PlainText(io.TextIOWrapper):
    """A stream on which foreign text cannot command the terminal."""

    def write(self, text: str) -> int:
        """Write *text* with its control characters escaped. Raises ``_OutputLost``."""
        # imported here: the icon does not need it and must not wait for it
        from iea_agent.domain.printable_text import escape_controls

        try:
            return super().write(escape_controls(text))
        except OSError as error:
            raise self._lose() from error

    def flush(self) -> None:
        """Write what waits in the buffer. Raises ``_OutputLost``."""
        try:
            super().flush()
        except OSError as error:
            raise self._lose() from error

    def _lose(self) -> _OutputLost:
        # what is still in the buffer would fail again at the end of the process
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        return _OutputLost()


def _plain(stream: TextIO) -> TextIO:
    """Return *stream* as plain text; a character that it lacks is written as "?"."""
    if not isinstance(stream, io.TextIOWrapper):
        # without a console there is no stream
        return stream
    encoding, by_line = stream.encoding, stream.line_buffering
    return _PlainText(stream.detach(), encoding=encoding, errors="replace", line_buffering=by_line)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in *arguments*, or the process's, and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # first: nothing that was not dropped by then may have been used
    try:
        isolation.isolate(os.environ, shows_windows=words[:1] != ["run"])
    except FileNotFoundError:
        return _explain_home()
    locale.choose(locale.language_of())
    if words in (["run"], ["run", "--quiet"]):
        # the icon waits for nothing that it does not need, not even the argument parser
        from iea_agent.assembly import start

        return start.run(os.environ, tray=True, quiet=len(words) > 1)
    sys.stdout, sys.stderr = _plain(sys.stdout), _plain(sys.stderr)
    try:
        code = _run(words)
        if sys.stdout is not None:
            sys.stdout.flush()
    except _OutputLost as lost:
        return _explain_lost_output(lost.__cause__)
    except KeyboardInterrupt:
        # at any moment, also while modules are imported
        from iea_agent.domain import exit_codes

        return exit_codes.FAILED
    return code


def _explain_home() -> int:
    """Say why the folders of the agent are not clear; return the exit code."""
    from iea_agent.domain import exit_codes

    locale.choose(locale.language_of())
    print(
        _("Le dossier courant n'existe plus : donnez dans IEA_AGENT_HOME un chemin complet."), file=sys.stderr
    )
    return exit_codes.USAGE


def _explain_lost_output(error: BaseException | None) -> int:
    """Return the exit code after a lost output; say why unless its reader has left."""
    from iea_agent.domain import exit_codes

    # Windows says EINVAL for a closed pipe
    if isinstance(error, OSError) and error.errno not in (errno.EPIPE, errno.EINVAL):
        from iea_agent.shell.wording.detail_text import word_error

        sentence = _("Le résultat n'a pas pu être écrit : {reason}").format(reason=word_error(error))
        print(sentence, file=sys.stderr)
    return exit_codes.FAILED


def _run(words: list[str]) -> int:
    """Run the command *words*; a refusal is worded, not raised."""
    import logging

    from iea_agent.assembly.installation import Installation
    from iea_agent.domain import exit_codes
    from iea_agent.domain.printable_text import is_encodable
    from iea_agent.domain.problems import SUPPORT_ADDRESS

    if not all(map(is_encodable, words)):
        print(_("Un argument contient des caractères illisibles. Tapez-le de nouveau."), file=sys.stderr)
        return exit_codes.USAGE
    # what is logged is for the log files; without one, it is not for the terminal
    logging.getLogger().addHandler(logging.NullHandler())
    installation = Installation.locate(os.environ)
    locale.replace_in_sentences(SUPPORT_ADDRESS, installation.find_support_address)
    try:
        if words[:1] == ["window"]:
            # not for people, hence not in the help
            from iea_agent.assembly import window_process

            return window_process.run(installation, words[1:])
        if words == ["update", "work"]:
            # the same
            from iea_agent.assembly import update_worker

            return update_worker.work(installation)
        from iea_agent import commands

        return commands.run(installation, words)
    except SystemExit as end:
        # argparse ends this way, also after it has printed the help
        return end.code if isinstance(end.code, int) else exit_codes.FINE
    except Exception as error:
        # imported here: most commands are not refused
        from iea_agent.domain.refusals import RefusedError
        from iea_agent.shell.wording.refusal_text import word_refusal

        if not isinstance(error, RefusedError):
            raise
        print(word_refusal(error.refusal), file=sys.stderr)
        return error.refusal.exit_code
