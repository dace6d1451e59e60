"""Check that no file of the repository holds a secret: a key, a token, a password.

Forms are looked for, not chance: the tests are full of made-up keys, which a search for
random characters would report.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
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
    """Return the files that git has or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, timeout=60)
    return sorted(name for name in set(done.stdout.split("\0")) if (root / name).is_file())


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
