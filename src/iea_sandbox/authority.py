"""The sandbox's certificate authority, and a certificate for each fault of one."""

from __future__ import annotations

import ssl
import warnings
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

NAME = "serveur.iea-sandbox.test"
"""The name that the sandbox's name server resolves, in a domain for tests (RFC 6761, 6.2)."""
ACCENTED = "bac-à-sable.localhost"
"""An international name of this machine that needs no name server (RFC 6761, 6.3)."""
HOSTS = ("localhost", NAME, ACCENTED.encode("idna").decode("ascii"), "127.0.0.1", "::1")
GOOD = "good"
ORGANISATION = "Bac à sable IEA"
ANTIVIRUS = "Avast Web/Mail Shield Root"
STRANGER = "Autorité inconnue"
PORTAL = "portail.example"


class CertificateAuthority:
    """A root, an intermediate under it, and server certificates for loopback.

    The private keys live as long as the object and are never written to a lasting file: an authority that was
    trusted for an afternoon cannot be misused later.
    """

    def __init__(self) -> None:
        self._root = trustme.CA(
            organization_name=ORGANISATION, organization_unit_name="Autorité du bac à sable IEA"
        )
        # of the same organisation: by it a chain that lacks this certificate differs from a stranger's
        self._intermediate = trustme.CA(
            parent_cert=self._root,
            path_length=0,
            organization_name=ORGANISATION,
            organization_unit_name="Autorité intermédiaire du bac à sable IEA",
        )
        self._revoked = _leaf(self._intermediate)
        self.context = cache(self._make_context)
        """Returns a server-side TLS context with the certificate of a kind and issuer, made once."""

    @property
    def authority_pem(self) -> bytes:
        """The root's certificate, which a client must trust."""
        return self._root.cert_pem.bytes()

    @property
    def revocations_pem(self) -> bytes:
        """The revocation lists of the root and of the intermediate (RFC 5280, 5)."""
        revoked = x509.load_pem_x509_certificate(self._revoked.cert_chain_pems[0].bytes()).serial_number
        return _revocations(self._root) + _revocations(self._intermediate, revoked)

    def pem(self, kind: str = GOOD, issuer: str = "") -> bytes:
        """Return private key and chain in one PEM text.

        *kind* is "good", "captive-portal" or the name of a certificate fault (``faults.py``). *issuer* is the
        organisation that signs an "unknown-ca" or "intercepted" certificate. Raises KeyError for another kind.
        """
        match kind:
            case "good" | "old-tls" | "client-cert":
                leaf = _leaf(self._intermediate)
            case "expired-cert":
                leaf = _leaf(self._intermediate, first_day=-90, last_day=-1)
            case "not-yet-valid":
                leaf = _leaf(self._intermediate, first_day=1, last_day=90)
            case "wrong-host":
                leaf = _leaf(self._intermediate, "autre-serveur.example")
            case "missing-intermediate":
                leaf = _leaf(self._intermediate)
                return leaf.private_key_pem.bytes() + leaf.cert_chain_pems[0].bytes()
            case "unknown-ca" | "intercepted":
                name = issuer or (STRANGER if kind == "unknown-ca" else ANTIVIRUS)
                leaf = _leaf(trustme.CA(organization_name=name, organization_unit_name=name))
            case "revoked":
                leaf = self._revoked
            case "captive-portal":
                portal = trustme.CA(organization_name=PORTAL, organization_unit_name=PORTAL)
                leaf = _leaf(portal, PORTAL, of=PORTAL)
            case "self-signed":
                return _self_signed()
            case _:
                raise KeyError(kind)
        return leaf.private_key_and_cert_chain_pem.bytes()

    def _make_context(self, kind: str, issuer: str = "") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        # OpenSSL takes certificates from files only; trustme deletes this one at once.
        with trustme.Blob(self.pem(kind, issuer)).tempfile() as path:
            context.load_cert_chain(path)
        if kind == "old-tls":
            with warnings.catch_warnings():
                # old versions are the purpose
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        elif kind == "client-cert":
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.authority_pem.decode("ascii"))
        return context


def _leaf(
    authority: trustme.CA, *hosts: str, of: str = ORGANISATION, first_day: int = -30, last_day: int = 60
) -> trustme.LeafCert:
    """Return a certificate for *hosts* (none: the sandbox's); days count from today."""
    now = datetime.now(UTC)
    return authority.issue_cert(
        *(hosts or HOSTS),
        organization_name=of,
        # without it subject and issuer could be equal, and the certificate self-signed
        organization_unit_name="Serveur",
        not_before=now + timedelta(days=first_day),
        not_after=now + timedelta(days=last_day),
    )


def _self_signed() -> bytes:
    """Return a key and its self-signed certificate; trustme makes none."""
    now, day = datetime.now(UTC), timedelta(days=1)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [_general_name(host) for host in HOSTS]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + 90 * day)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _revocations(authority: trustme.CA, *serial_numbers: int) -> bytes:
    """Return the authority's list of the certificates with *serial_numbers*."""
    certificate = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    key = load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101  # trustme's default
    now = datetime.now(UTC)
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(now - timedelta(days=1))
        .next_update(now + timedelta(days=365))
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False
        )
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for number in serial_numbers:
        entry = (
            x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now - timedelta(days=1))
        )
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
