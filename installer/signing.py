"""Signs the programs with a certificate (Authenticode), by osslsigncode."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from installer.commands import run


class Certificate:
    """A certificate with its key: one PKCS #12 file, or two in PEM.

    A password is read from a file: an argument stands in the list of processes.
    """

    def __init__(
        self, certificate: Path, key: Path | None = None, password: Path | None = None, stamp: str = ""
    ) -> None:
        """Sign with these files; *stamp* is the address of a time stamp server, "" for none."""
        self._options: list[str] = (
            ["-certs", str(certificate), "-key", str(key)] if key else ["-pkcs12", str(certificate)]
        )
        if password:
            self._options += ["-readpass", str(password)]
        if stamp:
            self._options += ["-ts", stamp]

    def command(self, program: str, target: str) -> list[str]:
        """Return the command that signs *program* into *target*."""
        about = ("-n", "IEA Agent", "-h", "sha256")
        return ["osslsigncode", "sign", *self._options, *about, "-in", program, "-out", target]

    def sign(self, programs: Sequence[Path]) -> None:
        """Sign each program in place. Raises ``BuildError``."""
        for program in programs:
            signed = program.with_name(f"{program.name}.signed")
            signed.unlink(missing_ok=True)
            run(*self.command(str(program), str(signed)))
            signed.replace(program)

    def script(self, file: Path) -> str:
        """Write a script that signs the file that is its argument, and return its path: NSIS calls it."""
        line = shlex.join(self.command("PROGRAM", "PROGRAM.signed")).replace("PROGRAM", '"$1"')
        file.write_text(f'#!/bin/sh\nset -e\n{line}\nmv "$1.signed" "$1"\n', encoding="utf-8")
        file.chmod(0o755)
        return str(file)
