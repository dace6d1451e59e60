"""A signature with a certificate made for the test, and what it leaves as it was."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from installer.build import Built
from installer.msi_package import build_msi
from installer.setup_program import compile_setup
from installer.signing import Certificate

NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "IEA Agent, a test")])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a self-signed certificate, in both forms."""
    folder = tmp_path_factory.mktemp("certificate")
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    password = b"a word"
    (folder / "both.p12").write_bytes(
        pkcs12.serialize_key_and_certificates(b"test", key, made, None, BestAvailableEncryption(password))
    )
    (folder / "password").write_bytes(password)
    return folder


def verify(program: Path, anchor: Path) -> str:
    """Return what osslsigncode says of the signature of *program*."""
    command = ["osslsigncode", "verify", "-CAfile", str(anchor), "-in", str(program)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


@pytest.mark.parametrize("form", ["pem", "p12"])
def test_a_program_is_signed_and_can_be_unsigned_again(
    built: Built, certificate: Path, tmp_path: Path, form: str
) -> None:
    program = tmp_path / "iea-agentw.exe"
    shutil.copy(built.launchers / program.name, program)
    unsigned = program.read_bytes()
    signing = (
        Certificate(certificate / "certificate.pem", certificate / "key.pem")
        if form == "pem"
        else Certificate(certificate / "both.p12", password=certificate / "password")
    )
    signing.sign([program])
    verdict = verify(program, certificate / "certificate.pem")
    assert "IEA Agent, a test" in verdict
    assert "Succeeded" in verdict
    # two builds are compared without their signatures: they have a time
    bare = tmp_path / "bare.exe"
    subprocess.run(
        ["osslsigncode", "remove-signature", "-in", str(program), "-out", str(bare)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    content = bytearray(bare.read_bytes())
    # the checksum of the header is only written by the one who signs
    place = int.from_bytes(content[0x3C:0x40], "little") + 88
    content[place : place + 4] = unsigned[place : place + 4]
    assert bytes(content[: len(unsigned)]) == unsigned

    spoilt = bytearray(program.read_bytes())
    spoilt[0x600] ^= 1
    program.write_bytes(spoilt)
    assert (
        "Succeeded" not in verify(program, certificate / "certificate.pem").partition("Number of verified")[0]
    )


def test_the_uninstaller_is_signed_too(built: Built, certificate: Path, tmp_path: Path) -> None:
    signing = Certificate(certificate / "both.p12", password=certificate / "password")
    folder = tmp_path / "slot"
    folder.mkdir()
    (folder / "python313.zip").touch()
    script = signing.script(tmp_path / "sign")
    seen = tmp_path / "seen.exe"
    Path(script).write_text(Path(script).read_text() + f'cp "$1" {seen}\n')
    compile_setup(folder, built.launchers, tmp_path / "iea-agent-setup.exe", sign=script, is_packed=False)
    assert "IEA Agent, a test" in verify(seen, certificate / "certificate.pem")
    assert b"a word" not in Path(script).read_bytes()


def test_an_msi_is_signed(built: Built, certificate: Path, tmp_path: Path) -> None:
    folder = tmp_path / "slot"
    folder.mkdir()
    (folder / "python313.zip").touch()
    package = tmp_path / "agent.msi"
    build_msi(folder, built.launchers, package)
    Certificate(certificate / "both.p12", password=certificate / "password").sign([package])
    assert "IEA Agent, a test" in verify(package, certificate / "certificate.pem")
