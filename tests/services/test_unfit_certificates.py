"""Chains that OpenSSL refuses for each kind of reason, by real handshakes."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure
from iea_agent.domain.problems import Problem
from iea_agent.services.https import Client, HttpsError
from iea_agent.services.messages import Request
from iea_agent.services.network import Route
from tests.services.conftest import PATIENT
from tests.services.peers import served

DAY = timedelta(days=1)
NOW = datetime.now(UTC)


@dataclass
class Link:
    """One certificate of a chain: what is particular about it."""

    name: str
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = ()
    bits: int = 0
    """Of an RSA key; 0 for an elliptic one."""
    is_authority: bool = True
    path_length: int | None = None
    claims: bytes = b""
    """The identifier of the issuer's key, if it is not that of the signer."""
    hosts: tuple[str, ...] = ()
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(init=False)

    def __post_init__(self) -> None:
        elliptic = ec.generate_private_key(ec.SECP256R1())
        self.key = rsa.generate_private_key(65537, self.bits) if self.bits else elliptic

    def signed_by(self, issuer: Link) -> x509.Certificate:
        """Return the certificate."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(self.name))
            .issuer_name(_name(issuer.name))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 2 * DAY)
            .not_valid_after(NOW + 60 * DAY)
            .add_extension(x509.BasicConstraints(self.is_authority, self.path_length), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
        )
        if self.claims:
            builder = builder.add_extension(
                x509.AuthorityKeyIdentifier(self.claims, None, None), critical=False
            )
        if self.hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(host) for host in self.hosts])
            builder = builder.add_extension(names, critical=False)
        for extension, critical in self.extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(issuer.key, SHA256())


def _name(text: str) -> x509.Name:
    attribute = x509.NameAttribute
    return x509.Name([attribute(NameOID.ORGANIZATION_NAME, "Autorité"), attribute(NameOID.COMMON_NAME, text)])


def leaf(
    *extensions: tuple[x509.ExtensionType, bool], hosts: tuple[str, ...] = ("localhost",), **more: object
) -> Link:
    """The server's own certificate."""
    return Link("localhost", extensions, is_authority=False, hosts=hosts, **more)  # type: ignore[arg-type]


def between(*extensions: tuple[x509.ExtensionType, bool], **more: object) -> Link:
    """An intermediate authority."""
    return Link("Intermédiaire", extensions, **more)  # type: ignore[arg-type]


CLIENTS = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
UNHEARD_OF = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00"), True)
ELSEWHERE = (x509.NameConstraints([x509.DNSName("example.org")], None), True)
FORBIDDEN = (x509.NameConstraints(None, [x509.DNSName("localhost")]), True)
SIGNS_NOTHING = (
    x509.KeyUsage(True, False, False, False, False, False, False, False, False),
    True,
)
TOO_WEAK, IRREGULAR = problems.CERTIFICATE_TOO_WEAK, problems.CERTIFICATE_IRREGULAR
NOTHING = problems.CERTIFICATE_PROVES_NOTHING

CHAINS: dict[str, tuple[Sequence[Link], Problem]] = {
    "short key": ((leaf(bits=1024), between()), TOO_WEAK),
    "short key of the authority": ((leaf(), between(bits=1024)), TOO_WEAK),
    "purpose of the authority": ((leaf(), between(CLIENTS)), IRREGULAR),
    "path length": ((leaf(), Link("Seconde"), between(path_length=0)), IRREGULAR),
    "critical extension": ((leaf(UNHEARD_OF), between()), IRREGULAR),
    "authority that may not sign": ((leaf(), between(SIGNS_NOTHING)), IRREGULAR),
    "no authority": ((leaf(), between(is_authority=False)), IRREGULAR),
    "name that is not permitted": ((leaf(), between(ELSEWHERE)), NOTHING),
    "name that is excluded": ((leaf(), between(FORBIDDEN)), NOTHING),
    "purpose": ((leaf(CLIENTS), between()), NOTHING),
    "purpose, by the root itself": ((leaf(CLIENTS),), NOTHING),
    "another name": ((leaf(hosts=("autre.example",)), between()), problems.CERTIFICATE_OF_ANOTHER),
}


@pytest.fixture
def ask(tmp_path: Path) -> Callable[[Sequence[Link], Link, Sequence[x509.Certificate]], Failure]:
    """Serve a chain, trust the root's certificate, and return the failure."""

    def go(chain: Sequence[Link], root: Link, sent: Sequence[x509.Certificate]) -> Failure:
        private = chain[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        with trustme.Blob(
            private + b"".join(each.public_bytes(Encoding.PEM) for each in sent)
        ).tempfile() as path:
            context.load_cert_chain(path)
        file = tmp_path / "own.pem"
        file.write_bytes(root.signed_by(root).public_bytes(Encoding.PEM))
        with served(context) as port, Client(Route(ca_file=file), limits=PATIENT) as client:
            with pytest.raises(HttpsError) as raised:
                client.request(Request("GET", f"https://localhost:{port}/"))
            return raised.value.failure

    return go


Ask = Callable[[Sequence[Link], Link, Sequence[x509.Certificate]], Failure]


@pytest.mark.parametrize("name", CHAINS)
def test_an_unfit_chain_is_called_what_it_is(ask: Ask, name: str) -> None:
    chain, problem = CHAINS[name]
    root = Link("Racine")
    signed = [one.signed_by(by) for one, by in zip(chain, [*chain[1:], root], strict=True)]
    failure = ask(chain, root, signed)
    assert failure.problem is problem, failure.detail
    assert failure.certificate is not None


@pytest.mark.parametrize("identifier", ["none", "the root's", "another"])
def test_a_leaf_that_a_trusted_root_did_not_sign_is_an_alarm(ask: Ask, identifier: str) -> None:
    root, stranger = Link("Racine"), Link("Racine")
    own = x509.SubjectKeyIdentifier.from_public_key(root.key.public_key()).digest
    forged = leaf(claims={"none": b"", "the root's": own, "another": b"x" * 20}[identifier])
    failure = ask([forged], root, [forged.signed_by(stranger)])
    assert failure.problem is NOTHING, failure.detail


def test_a_link_that_did_not_come(ask: Ask) -> None:
    root, link, server = Link("Racine"), between(), leaf()
    failure = ask([server, link], root, [server.signed_by(link)])
    assert failure.problem is problems.CERTIFICATE_CHAIN_INCOMPLETE


def test_a_link_that_did_not_come_of_a_certificate_for_clients_is_an_alarm(ask: Ask) -> None:
    root, link, client = Link("Racine"), between(), leaf(CLIENTS)
    assert ask([client, link], root, [client.signed_by(link)]).problem is NOTHING
