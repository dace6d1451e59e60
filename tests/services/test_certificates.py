"""The certificate parser gives what cryptography gives, or None."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import socket
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Stage
from iea_agent.domain.tls_verdicts import CERTIFICATE_CODES, ServerCertificate, TrustedNames
from iea_agent.services import certificates
from iea_agent.services.certificates import BuiltChain, CaFileUnreadable, Demands, parse_certificate
from iea_agent.services.https import Client, HttpsError
from iea_agent.services.messages import Request
from iea_agent.services.network import Route
from iea_sandbox.authority import CertificateAuthority
from iea_sandbox.world import World
from tests.covered import cover, covers
from tests.services.peers import revocation_list

KEY = ec.generate_private_key(ec.SECP256R1())
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=16)
TIMES = st.datetimes(datetime(1950, 1, 1), datetime(9999, 12, 31)).map(
    lambda t: t.replace(microsecond=0, tzinfo=UTC)
)
KINDS = [
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.COMMON_NAME,
    NameOID.LOCALITY_NAME,
    NameOID.TITLE,
]
NAMES = st.lists(st.tuples(st.sampled_from(KINDS), TEXTS), max_size=5)


def name(parts: list[tuple[x509.ObjectIdentifier, str]]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])


def made(issuer: x509.Name, subject: x509.Name, begin: datetime, end: datetime) -> bytes:
    """A certificate in DER."""
    builder = x509.CertificateBuilder(issuer, subject, KEY.public_key(), 1, begin, end)
    return builder.sign(KEY, SHA256()).public_bytes(Encoding.DER)


SOUND = made(
    name(
        [
            (NameOID.COUNTRY_NAME, "FR"),
            (NameOID.ORGANIZATION_NAME, "Urssaf"),
            (NameOID.COMMON_NAME, "Autorité"),
        ]
    ),
    name([(NameOID.COMMON_NAME, "impact-emploi.urssaf.fr")]),
    datetime(2026, 1, 1, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
)


def called(of: x509.Name) -> str:
    """Return the name that a person is told, as cryptography reads it."""
    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME):
        for attribute in of.get_attributes_for_oid(kind):
            return str(attribute.value)
    return ""


@settings(max_examples=50)
@given(NAMES, NAMES, TIMES, TIMES)
def test_it_reads_what_cryptography_reads(
    issuer: list[tuple[x509.ObjectIdentifier, str]],
    subject: list[tuple[x509.ObjectIdentifier, str]],
    one: datetime,
    other: datetime,
) -> None:
    begin, end = sorted((one, other))
    der = made(name(issuer), name(subject), begin, end)
    oracle = x509.load_der_x509_certificate(der)
    parsed = parse_certificate(der)
    assert parsed is not None
    certificate = parsed.certificate
    assert (certificate.issuer, certificate.subject) == (called(oracle.issuer), called(oracle.subject))
    assert certificate.not_before == oracle.not_valid_before_utc.timestamp()
    assert certificate.not_after == oracle.not_valid_after_utc.timestamp()
    assert certificate.sha256 == oracle.fingerprint(SHA256()).hex()
    assert set(parsed.issuer_names) == {text for kind, text in issuer if kind in KINDS[:3]}
    assert parsed.self_issued is (oracle.issuer == oracle.subject)


@given(st.lists(st.text("abcdefghij.-*", min_size=1, max_size=40), min_size=1, max_size=40))
def test_it_knows_the_servers_that_a_certificate_is_for(hosts: list[str]) -> None:
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name([]), name([]), KEY.public_key(), 1, begin, end)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    names = [*map(x509.DNSName, hosts), x509.RFC822Name("a@b.fr")]
    der = builder.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(KEY, SHA256())
    parsed = parse_certificate(der.public_bytes(Encoding.DER))
    assert parsed is not None
    assert parsed.hosts == tuple(hosts)


PURPOSES = {
    "server": (ExtendedKeyUsageOID.SERVER_AUTH,),
    "any": (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,),
    "both": (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH),
    "none listed": None,
    "client": (ExtendedKeyUsageOID.CLIENT_AUTH,),
    "code": (ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION),
}


@pytest.mark.parametrize("kind", PURPOSES)
def test_it_knows_whether_a_certificate_is_for_servers(kind: str) -> None:
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name([]), name([]), KEY.public_key(), 1, begin, end)
    purposes = PURPOSES[kind]
    if purposes is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    parsed = parse_certificate(builder.sign(KEY, SHA256()).public_bytes(Encoding.DER))
    assert parsed is not None
    assert parsed.for_servers is (kind not in ("client", "code"))
    assert not parsed.names_hosts


@pytest.mark.parametrize("kind", ["good", "weak-key", "weak-signature", "self-signed", "old-tls"])
def test_it_knows_what_is_weak(kind: str) -> None:
    pem = CertificateAuthority().pem(kind).decode()
    der = ssl.PEM_cert_to_DER_cert(
        pem[pem.index("-----BEGIN CERT") :].split("-----END CERT")[0] + "-----END CERTIFICATE-----"
    )
    parsed = parse_certificate(der)
    assert parsed is not None
    assert parsed.weak is kind.startswith("weak")


def test_a_certificate_whose_extensions_make_no_sense_is_one_all_the_same() -> None:
    begin, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name([]), name([]), KEY.public_key(), 1, begin, end)
    nonsense = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x7f")
    der = builder.add_extension(nonsense, critical=False).sign(KEY, SHA256())
    parsed = parse_certificate(der.public_bytes(Encoding.DER))
    assert parsed is not None
    assert parsed.hosts == ()


@pytest.mark.parametrize("encoding", [_ASN1Type.BMPString, _ASN1Type.UTF8String, _ASN1Type.PrintableString])
def test_names_in_other_encodings(encoding: _ASN1Type) -> None:
    text = "Kaspersky Lab" if encoding is _ASN1Type.PrintableString else "Contrôle de l'été"
    issuer = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text, encoding)])
    parsed = parse_certificate(
        made(issuer, issuer, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    )
    assert parsed is not None
    assert parsed.certificate.issuer == text


def test_a_name_is_one_printable_line() -> None:
    issuer = name([(NameOID.ORGANIZATION_NAME, "Urssaf\u202e\n\x1b[31m<b>" + "x" * 500)])
    parsed = parse_certificate(
        made(issuer, issuer, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    )
    assert parsed is not None
    assert parsed.certificate.issuer.isprintable()
    assert len(parsed.certificate.issuer) <= 200


@covers("certificate", "none")
@example([(len(SOUND) - 1, 1, b"?")])
@example([(0, 1, b"?")])
@given(
    st.lists(
        st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 3), st.binary(max_size=3)),
        min_size=1,
        max_size=4,
    )
)
def test_an_altered_certificate_is_one_or_none(
    changes: list[tuple[int, int, bytes]],
) -> None:
    der = SOUND
    for at, length, instead in changes:
        der = der[:at] + instead + der[at + length :]
    parsed = parse_certificate(der)
    cover("none" if parsed is None else "certificate")
    assert parsed is None or isinstance(parsed, ServerCertificate)
    if parsed is not None:
        assert parsed.certificate.sha256 == hashlib.sha256(der).hexdigest()


@given(st.binary(max_size=300))
def test_other_bytes_are_no_certificate(der: bytes) -> None:
    assert parse_certificate(der) is None


@pytest.mark.parametrize(
    "der",
    [b"", SOUND[:-1], SOUND + b"\0", b"\x30\x84\xff\xff\xff\xff" + SOUND, b"\x30\x80" + SOUND, SOUND * 100],
    ids=["empty", "cut", "longer", "huge", "indefinite", "many"],
)
def test_what_is_cut_or_too_long_is_nothing(der: bytes) -> None:
    assert parse_certificate(der) is None


def test_a_time_without_seconds_or_zone_is_nothing() -> None:
    assert SOUND.count(b"260101000000Z") == 1
    for broken in (b"260101000000+", b"2601010000000", b"261301000000Z", b"26 101000000Z"):
        assert parse_certificate(SOUND.replace(b"260101000000Z", broken)) is None


# --- trust


def test_what_the_administrator_adds_is_trusted_by_name(tmp_path: Path) -> None:
    file = tmp_path / "own.pem"
    file.write_bytes(CertificateAuthority().authority_pem)
    trusted = certificates.trusted_names(file)
    authority = parse_certificate(ssl.PEM_cert_to_DER_cert(file.read_text()))
    assert authority is not None
    assert "Bac à sable IEA" in trusted.organisations
    assert authority.subject_name in trusted.subjects
    assert "Bac à sable IEA" not in certificates.trusted_names(None).organisations
    assert certificates.trusted_names(tmp_path / "nothing.pem") == TrustedNames()


@pytest.mark.parametrize("revokes", [False, True])
def test_a_revocation_list_is_used_if_there_is_one(tmp_path: Path, *, revokes: bool) -> None:
    authority = trustme.CA()
    file = tmp_path / "own.pem"
    file.write_bytes(authority.cert_pem.bytes() + (revocation_list(authority) if revokes else b""))
    assert bool(certificates.verifying_context(file).verify_flags & ssl.VERIFY_CRL_CHECK_LEAF) is revokes


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_with_the_mark_of_an_editor_is_read(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "own.pem"
    file.write_bytes(CertificateAuthority().authority_pem.decode().encode(encoding))
    assert "Bac à sable IEA" in certificates.trusted_names(file).organisations


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaFileUnreadable) as raised:
        certificates.verifying_context(tmp_path / "nothing.pem")
    assert raised.value.file == tmp_path / "nothing.pem"


@pytest.mark.linux
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "own.pem"
    if sys.platform != "win32":
        os.mkfifo(file)
    with pytest.raises(CaFileUnreadable):
        certificates.verifying_context(file)


def test_only_what_was_judged_is_loaded(tmp_path: Path) -> None:
    """Not what has the name by then: a folder further up may have been exchanged."""
    ours, other = CertificateAuthority(), trustme.CA(organization_name="Autre")
    file = tmp_path / "own.pem"
    file.write_bytes(other.cert_pem.bytes())
    names = certificates.trusted_names(file, lambda _file, _limit: ours.authority_pem).organisations
    assert "Bac à sable IEA" in names
    assert "Autre" not in names

    def refuse(path: Path, _limit: int) -> bytes:
        raise PermissionError(errno.EPERM, "may be changed by everybody", str(path))

    with pytest.raises(CaFileUnreadable):
        certificates.verifying_context(file, refuse)


def every_context(ca_file: Path) -> list[ssl.SSLContext]:
    """All contexts that the agent makes."""
    looking = [*certificates.looking_contexts(limited=True), *certificates.looking_contexts(limited=False)]
    return [certificates.verifying_context(None), certificates.verifying_context(ca_file), *looking]


def test_old_tls_is_refused_where_something_may_be_sent(tmp_path: Path) -> None:
    file = tmp_path / "own.pem"
    file.write_bytes(CertificateAuthority().authority_pem)
    for context in every_context(file)[:2]:
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        # CryptoAPI decides by itself
        assert not context.hostname_checks_common_name or type(context) is not ssl.SSLContext
    clear, newer = certificates.looking_contexts(limited=True)
    assert (clear.minimum_version, newer.minimum_version) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def test_every_context_is_made_in_one_place() -> None:
    """``create_default_context`` obeys the environment; httpx and tuf are given ours."""
    makers = re.compile(r"create_default_context|SSLContext\(|_create_unverified")
    package = Path(certificates.__file__).parents[1]
    texts = {path: path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    assert [path.name for path, text in texts.items() if makers.search(text)] == ["certificates.py"]
    assert len(makers.findall(texts[Path(certificates.__file__)])) == 3, "CryptoAPI's, ours, and this reason"


@pytest.mark.parametrize("where", ["file", "unopenable"])
def test_variables_of_the_environment_neither_write_keys_nor_add_trust(
    world: World, tmp_path: Path, where: str
) -> None:
    keys = tmp_path / ("keys.log" if where == "file" else "nowhere/keys.log")
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from iea_agent.services.https import Client, HttpsError\n"
        "from iea_agent.services.messages import Request\nfrom iea_agent.services.network import Route\n"
        "from iea_agent.services import certificates\n"
        "for file in (Path(sys.argv[2]), None):\n"
        "    with Client(Route(ca_file=file)) as client:\n"
        "        try: print(client.request(Request('GET', sys.argv[1])).status)\n"
        "        except HttpsError as error: print(error.failure.problem)\n"
        "print(sum('Bac à sable' in n for n in certificates.trusted_names(None).organisations))"
    )
    variables = {
        "SSLKEYLOGFILE": str(keys),
        "SSL_CERT_FILE": str(world.ca_file),
        "SSL_CERT_DIR": str(tmp_path),
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", script, world.authentication.address, str(world.ca_file)],
        env=os.environ | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    lines = done.stdout.split()
    # the server has no page at its root
    assert lines[0] == "404", done.stderr
    assert lines[-1] == "0"
    if sys.platform != "win32":  # Wine's CryptoAPI lets strangers pass
        assert lines[1] != "404", "the authority of the variable is not trusted"
    assert not keys.exists()


@pytest.mark.parametrize(("number", "length"), [(101, 1), (90, 1000)], ids=["names", "bytes"])
def test_a_certificate_larger_than_any_is_nothing(number: int, length: int) -> None:
    many = name([(NameOID.ORGANIZATION_NAME, "x" * length)] * number)
    assert (
        parse_certificate(
            made(many, many, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
        )
        is None
    )


def test_the_ciphers_are_the_same_whoever_built_python() -> None:
    context = certificates.verifying_context(None)
    older = {cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"}
    assert older
    # without a key of its own for each connection, whoever has the server's key reads old connections
    assert all(re.match("(EC)?DHE-(RSA|ECDSA)-", name) for name in older)
    assert not [name for name in older if name.endswith("-SHA")]


def test_the_hash_of_a_key_is_that_of_curl_and_rfc_7469() -> None:
    short, long = KEY, rsa.generate_private_key(65537, 2048)
    for key in (short, long):
        builder = x509.CertificateBuilder(
            *(name([(NameOID.COMMON_NAME, "a.fr")]),) * 2,
            key.public_key(),
            1,
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2027, 1, 1, tzinfo=UTC),
        )
        parsed = parse_certificate(builder.sign(key, SHA256()).public_bytes(Encoding.DER))
        encoded = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert parsed is not None
        assert parsed.key_hash == b64encode(hashlib.sha256(encoded).digest()).decode()


class TestDemands:
    """What the policy and the system demand of a certificate that TLS has accepted."""

    @staticmethod
    def leaf(world: World) -> ServerCertificate:
        """The certificate of the authentication server."""
        with Client(Route(ca_file=world.ca_file)) as client:
            client.request(Request("GET", world.authentication.address))
            assert client.certificate is not None
            sha256 = client.certificate.sha256
        der = ssl.PEM_cert_to_DER_cert(
            ssl.get_server_certificate(("localhost", urlsplit(world.authentication.address).port or 443))
        )
        parsed = parse_certificate(der)
        assert parsed is not None
        assert parsed.certificate.sha256 == sha256
        return parsed

    def test_a_pin_is_met_by_the_issuers_name_or_the_key(self, world: World) -> None:
        leaf = self.leaf(world)
        for pin in (leaf.issuer_names[0], leaf.issuer_names[0].upper(), f"sha256/{leaf.key_hash}"):
            with Client(Route(ca_file=world.ca_file, pins=("Certigna", pin))) as client:
                assert client.request(Request("GET", world.authentication.address)).status == 404

    @pytest.mark.parametrize("pin", ["Certigna", "sha256/" + "A" * 43 + "="])
    def test_another_certificate_is_refused_before_anything_is_sent(self, world: World, pin: str) -> None:
        with Client(Route(ca_file=world.ca_file, pins=(pin,))) as client, pytest.raises(HttpsError) as caught:
            client.request(Request("GET", world.authentication.address))
        failure = caught.value.failure
        assert (failure.stage, failure.problem) == (Stage.CERTIFICATE, problems.CERTIFICATE_NOT_PINNED)
        assert failure.certificate is not None
        assert not list(world.requests)

    @pytest.mark.parametrize("is_revoked", [True, False])
    def test_what_windows_knows_to_be_revoked_is_refused(self, world: World, is_revoked: bool) -> None:
        asked: list[int] = []

        def build(sent: Sequence[bytes]) -> BuiltChain:
            asked.append(len(sent))
            return BuiltChain(sent, is_revoked)

        context = certificates.verifying_context(world.ca_file)
        parts = urlsplit(world.authentication.address)
        demands = Demands(build_chain=build)
        with (
            socket.create_connection((parts.hostname, parts.port), 10) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as connection,
            pytest.raises(ssl.SSLCertVerificationError) if is_revoked else nullcontext() as caught,
        ):
            certificates.check_accepted(connection, demands)
        assert asked
        if caught is not None:
            assert CERTIFICATE_CODES[caught.value.verify_code] is problems.CERTIFICATE_REVOKED
