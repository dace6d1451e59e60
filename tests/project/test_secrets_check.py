"""The check for secrets: each form is noticed, and the repository has none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.check_secrets import FORMS, find_breaches, list_secrets

ROOT = Path(__file__).resolve().parents[2]

# in two pieces, or the check would report this file
PLANTED = {
    "private key": "-----BEGIN RSA PRIV" "ATE KEY-----",
    "private key of PuTTY": "PuTTY-User-Key" "-File-3: ssh-ed25519",
    "master key of the desk": f'{{"kid": "2026a", "cle": "{"0f" * 32}"}}',
    "month key of the desk": f"2026-12:{'0f' * 32} 2026a *",
    "key of AWS": f"AKIA{'Z9' * 8}",
    "token of GitHub": f"token = 'ghp_{'aB3' * 12}'",
    "token of GitLab": f"glpat-{'aB3-' * 5}",
    "token of PyPI": f"pypi-AgEIcHlwaS5vcmc{'aB3-' * 15}",
    "token of npm": f"//registry/:_authToken=npm_{'aB3' * 12}",
    "token of Slack": f"xoxb-{'12345-' * 4}",
    "key of Google": f"AIza{'aB3_-' * 7}",
    "key of Azure": f"AccountKey={'aB3+' * 16}==",
    "signed token (RFC 7519)": f"Bearer eyJ{'hbGciOi' * 2}.eyJ{'zdWIiOi' * 2}.{'aB3-_' * 8}",
}  # fmt: skip


def test_every_form_has_an_example() -> None:
    assert PLANTED.keys() == FORMS.keys()


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_secret_is_found_at_its_line(name: str) -> None:
    assert list(list_secrets(f"first\nsecond\n  {PLANTED[name]}\n")) == [(3, name)]


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN CERTIFICATE-----",
        "sha256:16963d19594e18d746a70c7fce82237bde4f2cac4cfcf0ca2b84796fe9d0c6e9",
        "commit = 'bef5fe49c1c9e3d4c0a1f1f2cbbd5a0f0f7a1b2c'",
        "ghp_short, AKIA, eyJhbGci.eyJ",
    ],
)
def test_what_is_no_secret_is_let_be(text: str) -> None:
    assert list(list_secrets(text)) == []


@pytest.mark.parametrize(
    "name", ["id_rsa", "keys/server.key", "a.pem", ".env", "deep/down/vault.kdbx", "trousseau.json"]
)
def test_a_file_with_the_name_of_a_secret_is_found(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\x00\xff")
    assert len(list(find_breaches(tmp_path, [name], {}))) == 1


def test_an_allowance_holds_for_one_form_in_one_file_and_must_be_needed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(PLANTED["key of AWS"], encoding="utf-8")
    (tmp_path / "b").write_text(PLANTED["key of AWS"], encoding="utf-8")
    assert list(find_breaches(tmp_path, ["a", "b"], {("a", "key of AWS"): "an example"})) == [
        "b:1: this looks like a secret: key of AWS"
    ]
    assert list(find_breaches(tmp_path, ["a"], {("a", "token of npm"): "an example"})) == [
        "a:1: this looks like a secret: key of AWS",
        "a: no token of npm there any more",
    ]


@pytest.mark.linux  # a check of the project, which runs where it is built
class TestRepository:
    """The program, on whole repositories."""

    def run(self, root: Path) -> subprocess.CompletedProcess[str]:
        """Run the check as ``make lint`` does."""
        command = [
            sys.executable,
            "-X",
            "utf8",
            str(ROOT / "tools" / "check_secrets.py"),
            "--root",
            str(root),
        ]
        return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)

    def test_this_one_has_no_secret(self) -> None:
        done = self.run(ROOT)
        assert done.returncode == 0, done.stdout

    def test_a_secret_is_found_before_it_is_committed(self, tmp_path: Path) -> None:
        (tmp_path / ".gitignore").write_text("build/\n", encoding="utf-8")
        (tmp_path / "build").mkdir()
        (tmp_path / "build" / "made.txt").write_text(PLANTED["key of AWS"], encoding="utf-8")
        assert self.run(tmp_path).returncode == 0
        (tmp_path / "new é.txt").write_text(PLANTED["key of AWS"], encoding="utf-8")
        done = self.run(tmp_path)
        assert (done.returncode, done.stdout) == (1, "new é.txt:1: this looks like a secret: key of AWS\n")
