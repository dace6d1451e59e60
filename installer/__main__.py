"""Make all that is published of a release, ``python -m installer`` (``make installer``).

Start it in the project's folder. What is up to date is not made again: the stamps in
``build/installer`` are hashes of everything that a part is made of.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import iea_agent
from installer import build, release
from installer.signing import Certificate
from rig.build import BuildError


def main(arguments: Sequence[str]) -> int:
    """Run the command that *arguments* name; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m installer",
        description="Make the setup, the MSI, the portable test and what goes with them, in build/installer/release.",
    )
    parser.add_argument(
        "--certificate", type=Path, help="sign with this certificate: PKCS #12, or PEM with --key"
    )
    parser.add_argument("--key", type=Path, help="the key of a certificate in PEM")
    parser.add_argument("--password", type=Path, help="a file with the password of the key")
    parser.add_argument(
        "--time-stamp", default="", metavar="URL", help="a server of time stamps (RFC 3161 or older)"
    )
    parser.add_argument("--folder-only", action="store_true", help="make the program folder, nothing else")
    parser.add_argument(
        "--url", default=release.URL, help="the folder from which people will download the release; https"
    )
    options = parser.parse_args(arguments)
    certificate = (
        Certificate(options.certificate, options.key, options.password, options.time_stamp)
        if options.certificate
        else None
    )
    began = time.monotonic()
    try:
        program = build.build_program()
        print(f"{program.folder}: {build.measure(program.folder) / 1e6:.1f} MB", flush=True)
        if not options.folder_only:
            for file in release.build_release(program, certificate, options.url):
                print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"version {iea_agent.__version__}, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
