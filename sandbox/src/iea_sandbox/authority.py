"""The sandbox's certificate authority, and a certificate for each fault of one."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from typing import Any, TypeVar

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

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
ALERTS = {
    "unknown-name": ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME,
    "internal-error": ssl.ALERT_DESCRIPTION_INTERNAL_ERROR,
}
"""The alert of each fault in which the server gives up as soon as it has read the name."""
_SOUND = (GOOD, "old-tls", "old-ciphers", "client-cert", "client-cert-reset", *ALERTS)
"""The faults of a server whose certificate is sound."""

_SHORT_BITS = 248
"""A number of a P-256 signature that has no more bits is short."""
_Made = TypeVar("_Made")


class CertificateAuthority:
    """A root, an intermediate under it, and server certificates for loopback.

    The private keys live as long as the object and are never written to a lasting file: an authority that was
    trusted for an afternoon cannot be misused later.
    """

    def __init__(self) -> None:
        self._root = _authority(
            organization_name=ORGANISATION, organization_unit_name="Autorité du bac à sable IEA"
        )
        # of the same organisation: by it a chain that lacks this certificate differs from a stranger's
        self._intermediate = _authority(
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
        if kind in _SOUND:
            return _leaf(self._intermediate).private_key_and_cert_chain_pem.bytes()
        match kind:
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
                leaf = _leaf(_authority(organization_name=name, organization_unit_name=name))
            case "revoked":
                leaf = self._revoked
            case "captive-portal":
                portal = _authority(organization_name=PORTAL, organization_unit_name=PORTAL)
                leaf = _leaf(portal, PORTAL, of=PORTAL)
            case "self-signed":
                own = _Subject("localhost")
                return _pem(own, own)
            case _:
                return self._unfit(kind)
        return leaf.private_key_and_cert_chain_pem.bytes()

    def _unfit(self, kind: str) -> bytes:
        """Return private key and chain of what no sound authority makes.

        Raises KeyError for another kind.
        """
        authority = _Subject.of(self._intermediate)
        link = self._intermediate.cert_pem.bytes()
        match kind:
            case "weak-key":
                return _pem(_Subject("localhost", _rsa_key(1024)), authority) + link
            case "weak-signature":
                between = _Subject("Autorité intermédiaire", _rsa_key(2048), ORGANISATION)
                second = _certificate(between, _Subject.of(self._root), hosts=(), is_authority=True)
                subject = _Subject("localhost")
                signed = _with_sha1(_certificate(subject, between), between)
                return subject.private_pem + signed + second.public_bytes(Encoding.PEM)
            case "name-only-in-cn":
                return _pem(_Subject("localhost"), authority, hosts=()) + link
            case "client-only":
                return _pem(_Subject("localhost"), authority, purpose=ExtendedKeyUsageOID.CLIENT_AUTH) + link
            case "forged":
                stranger = replace(authority, key=ec.generate_private_key(ec.SECP256R1()))
                return _pem(_Subject("localhost"), stranger, identifier=authority.key) + link
            case "unfit-authority":
                between = _Subject("Autorité intermédiaire", organisation=ORGANISATION)
                second = _certificate(between, _Subject.of(self._root), hosts=())
                return _pem(_Subject("localhost"), between) + second.public_bytes(Encoding.PEM)
            case "expired-intermediate":
                root = _Subject.of(self._root)
                old = _certificate(authority, root, hosts=(), is_authority=True, last_day=-1)
                return _pem(_Subject("localhost"), authority) + old.public_bytes(Encoding.PEM)
            case _:
                raise KeyError(kind)

    def _make_context(self, kind: str, issuer: str = "") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        if kind == "old-ciphers":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("ECDHE-ECDSA-AES128-SHA")
        elif kind.startswith(("old", "weak")):
            # what OpenSSL would not even load
            context.set_ciphers("ALL:@SECLEVEL=0")
        # OpenSSL takes certificates from files only; trustme deletes this one at once.
        with trustme.Blob(self.pem(kind, issuer)).tempfile() as path:
            context.load_cert_chain(path)
        if kind == "old-tls":
            with warnings.catch_warnings():
                # old versions are the purpose
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
        elif kind in ALERTS:
            context.sni_callback = lambda *_: ALERTS[kind]
        elif kind.startswith("client-cert"):
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.authority_pem.decode("ascii"))
        return context


def _leaf(
    authority: trustme.CA, *hosts: str, of: str = ORGANISATION, first_day: int = -30, last_day: int = 60
) -> trustme.LeafCert:
    """Return a certificate for *hosts* (none: the sandbox's); days count from today."""
    now = datetime.now(UTC)

    def issue() -> trustme.LeafCert:
        return authority.issue_cert(
            *(hosts or HOSTS),
            organization_name=of,
            # without it subject and issuer could be equal, and the certificate self-signed
            organization_unit_name="Serveur",
            not_before=now + timedelta(days=first_day),
            not_after=now + timedelta(days=last_day),
        )

    return _repeat(issue, lambda leaf: x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()))


def _authority(**options: Any) -> trustme.CA:
    """Return an authority with the *options* of trustme."""
    return _repeat(
        lambda: trustme.CA(**options), lambda made: x509.load_pem_x509_certificate(made.cert_pem.bytes())
    )


def _repeat(make: Callable[[], _Made], read: Callable[[_Made], x509.Certificate]) -> _Made:
    """Return what *make* makes, once *read* finds a certificate that Wine verifies.

    An ECDSA signature has two numbers, and one in 128 has a number that begins with a zero byte, which DER leaves out. Wine's CryptoAPI calls
    such a signature false; Windows does not.
    """
    while True:
        made = make()
        certificate = read(made)
        if not isinstance(certificate.signature_algorithm_parameters, ec.ECDSA):
            return made
        if min(decode_dss_signature(certificate.signature)).bit_length() > _SHORT_BITS:
            return made


@dataclass(frozen=True)
class _Subject:
    """Who a certificate is about, or who signs it: names and a private key."""

    name: str
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    organisation: str = ""
    whole: x509.Name | None = None

    @classmethod
    def of(cls, authority: trustme.CA) -> _Subject:
        """Return the subject that *authority* is."""
        key = load_pem_private_key(authority.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101  # trustme's default
        certificate = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
        return cls("", key, whole=certificate.subject)

    @property
    def private_pem(self) -> bytes:
        """The private key."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def x509_name(self) -> x509.Name:
        """The name as it stands in a certificate."""
        if self.whole is not None:
            return self.whole
        names = [x509.NameAttribute(NameOID.COMMON_NAME, self.name)]
        if self.organisation:
            names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organisation))
        return x509.Name(names)


def _certificate(
    subject: _Subject,
    issuer: _Subject,
    *,
    hosts: tuple[str, ...] = HOSTS,
    purpose: x509.ObjectIdentifier | None = None,
    identifier: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
    is_authority: bool = False,
    last_day: int = 60,
) -> x509.Certificate:
    """Return a certificate that trustme would not make.

    *identifier* is the key that the certificate claims to be signed by, the issuer's own if None.
    """
    now, day = datetime.now(UTC), timedelta(days=1)
    claimed = (identifier or issuer.key).public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject.x509_name)
        .issuer_name(issuer.x509_name)
        .public_key(subject.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 90 * day)
        .not_valid_after(now + last_day * day)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(subject.key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(claimed), critical=False)
    )
    if hosts:
        names = x509.SubjectAlternativeName(_general_name(host) for host in hosts)
        builder = builder.add_extension(names, critical=False)
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return _repeat(lambda: builder.sign(issuer.key, SHA256()), lambda certificate: certificate)


def _pem(subject: _Subject, issuer: _Subject, **options: Any) -> bytes:
    """Return the private key of *subject* and its certificate by *issuer*."""
    return subject.private_pem + _certificate(subject, issuer, **options).public_bytes(Encoding.PEM)


def _rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def _with_sha1(certificate: x509.Certificate, issuer: _Subject) -> bytes:
    """Return *certificate* signed with SHA-1, which cryptography refuses to do."""
    assert isinstance(issuer.key, rsa.RSAPrivateKey)  # noqa: S101  # of equal length with both digests
    sha256, sha1 = (bytes.fromhex(f"2a864886f70d0101{last}") for last in ("0b", "05"))
    der = certificate.public_bytes(Encoding.DER).replace(sha256, sha1)
    content = certificate.tbs_certificate_bytes.replace(sha256, sha1)
    signature = issuer.key.sign(content, PKCS1v15(), SHA1())  # noqa: S303  # the purpose
    return ssl.DER_cert_to_PEM_cert(der[: -len(signature)] + signature).encode("ascii")


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
