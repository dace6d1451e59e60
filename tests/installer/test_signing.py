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
from installer.commands import run as run_program
from installer.release import SUMS, build_release, list_sums
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


def test_a_release_is_signed_as_a_whole(built: Built, certificate: Path, tmp_path: Path) -> None:
    """With a version of one file: packing the real one takes a minute."""
    slot, output = tmp_path / "slot", tmp_path / "output"
    slot.mkdir()
    output.mkdir()
    for name in ("python313.zip", "parts.cdx.json"):
        (slot / name).touch()
    signing = Certificate(certificate / "both.p12", password=certificate / "password")
    files = build_release(Built(slot, built.launchers, ""), signing, output=output)
    signable = [file for file in files if file.suffix in (".exe", ".msi")]
    assert len(signable) == 3
    # what is in the MSI: the launchers, and the program that Windows runs as the system
    (package,) = (file for file in signable if file.suffix == ".msi")
    run_program("msiextract", "-C", str(tmp_path / "inside"), str(package))
    launchers = list((tmp_path / "inside").rglob("iea-agent*.exe"))
    assert len(launchers) == 2
    steps = tmp_path / "steps.exe"
    steps.write_bytes(
        subprocess.run(
            ["msiinfo", "extract", str(package), "Binary.Steps"], capture_output=True, check=True, timeout=60
        ).stdout
    )
    for file in (*signable, *launchers, steps):
        assert "IEA Agent, a test" in verify(file, certificate / "certificate.pem"), file
    (sums,) = (file for file in files if file.name == SUMS)
    assert sums.read_text("ascii") == list_sums(sums.parent)
