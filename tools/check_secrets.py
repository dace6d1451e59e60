"""Check that no file of the repository holds a secret: a key, a token, a password.

Forms are looked for, not chance: the tests are full of made-up keys, which a search for
random characters would report.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

FORMS: Mapping[str, str] = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY",
    "private key of PuTTY": r"PuTTY-User-Key-File-\d",
    "master key of the desk": r'"cle": ?"[0-9a-fA-F]{64}"',
    "month key of the desk": r"\b2\d{3}-(?:0[1-9]|1[0-2]):[0-9a-fA-F]{64}\b",
    "key of AWS": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "token of GitHub": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60})",
    "token of GitLab": r"\bglpat-[\w-]{20}",
    "token of PyPI": r"\bpypi-AgE[\w-]{50}",
    "token of npm": r"\bnpm_[A-Za-z0-9]{36}\b",
    "token of Slack": r"\bxox[abeoprs]-[\w-]{10}",
    "key of Google": r"\bAIza[\w-]{35}",
    "key of Azure": r"\bAccountKey=[A-Za-z0-9+/]{60}",
    "signed token (RFC 7519)": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20}",
}
"""Regular expressions of what is a secret by its form."""

NAMES = re.compile(
    r"(^|/)(id_(rsa|ecdsa|ed25519)|\.env|\.netrc|\.pypirc|trousseau\.json|[^/]*\.(pem|key|p12|pfx|ppk|kdbx))$"
)
"""Names of files that hold secrets."""

ALLOWED = {
    ("tests/desk/test_keys.py", "month key of the desk"): "derived from a master key of 32 counting bytes",
}
"""Give the reason for each file that may hold one form."""


def list_secrets(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything in *text* that has the form of a secret."""
    for name, form in FORMS.items():
        for match in re.finditer(form, text):
            yield text.count("\n", 0, match.start()) + 1, name


def list_files(root: Path) -> list[str]:
    """Return the files below *root* in folders that its .gitignore does not name.

    Without git: a copy of the sources that somebody has unpacked is checked too.
    """
    ignored = [".git", *(line.strip("/") for line in (root / ".gitignore").read_text("utf-8").split())]
    names: list[str] = []
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if not any(fnmatch(name, form) for form in ignored)]
        names += (Path(folder, name).relative_to(root).as_posix() for name in files)
    # a worktree's .git is a file
    return sorted(name for name in names if name != ".git" and (root / name).is_file())


def find_breaches(root: Path, names: Iterable[str], allowed: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Yield a line for each secret below *root*, and for each allowance without one."""
    unused = set(allowed)
    for name in names:
        if NAMES.search(name):
            yield f"{name}: a file of this name holds secrets"
        text = (root / name).read_bytes().decode("latin-1")
        for line, secret in list_secrets(text):
            unused.discard((name, secret))
            if (name, secret) not in allowed:
                yield f"{name}:{line}: this looks like a secret: {secret}"
    yield from (f"{name}: no {secret} there any more" for name, secret in sorted(unused))


def main() -> int:
    """Print every secret, and return 1 if there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository's folder")
    root = parser.parse_args().root
    names = list_files(root)
    breaches = list(find_breaches(root, names, ALLOWED if root == ROOT else {}))
    print(*breaches or [f"no secret in {len(names):,} files"], sep="\n")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
