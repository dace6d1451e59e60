"""Chains that Windows builds, and who waits for a word about revocation."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from iea_agent.host.windows_chains import ANSWER_SECONDS, Chain, ChainBuilder, build_chain
from tests.services.conftest import Serve, page, request_of, serve

__all__ = ["serve"]

SENT = (b"own", b"authority")


class Windows:
    """A Windows whose answer comes when the test lets it."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.is_revoked = True
        self.asked: list[bool] = []

    def __call__(self, sent: Sequence[bytes], revocation: bool) -> Chain:
        self.asked.append(revocation)
        if revocation:
            assert self.let.wait(30)
        return tuple(sent), revocation and self.is_revoked


def wait_for_answer() -> None:
    """Wait until no look at a revocation is under way."""
    for thread in threading.enumerate():
        if thread.name == "revocation":
            thread.join(30)


def test_an_answer_in_time_counts_at_once() -> None:
    windows = Windows()
    windows.let.set()
    assert ChainBuilder(windows, wait=30).build(SENT) == (SENT, True)
    assert windows.asked == [True]


def test_a_late_answer_counts_at_the_next_connection() -> None:
    windows = Windows()
    builder = ChainBuilder(windows, wait=0.01)
    assert builder.build(SENT) == (SENT, False), "nobody has said so yet"
    assert builder.build(SENT) == (SENT, False), "and nobody waits again"
    assert windows.asked == [True, False, False]
    windows.let.set()
    wait_for_answer()
    assert builder.build(SENT) == (SENT, True)
    assert windows.asked.count(True) == 1


def test_each_certificate_is_asked_about_once_an_hour() -> None:
    windows, now = Windows(), [0.0]
    windows.let.set()
    builder = ChainBuilder(windows, lambda: now[0], wait=30)
    for seconds in (0.0, ANSWER_SECONDS):
        now[0] = seconds
        builder.build(SENT)
    assert windows.asked == [True]
    builder.build((b"another",))
    now[0] = ANSWER_SECONDS + 1
    windows.is_revoked = False
    assert builder.build(SENT) == (SENT, False)
    assert windows.asked == [True] * 3
    assert builder.build(()) == ((), False)


if sys.platform == "win32":

    def test_windows_builds_the_chain_of_a_server() -> None:
        root = trustme.CA()
        leaf, authority = (
            ssl.PEM_cert_to_DER_cert(pem.bytes().decode())
            for pem in (root.issue_cert("localhost").cert_chain_pems[0], root.cert_pem)
        )
        for revocation in (False, True):
            certificates, is_revoked = build_chain([leaf, authority], revocation)
            assert certificates[:1] == (leaf,)
            assert not is_revoked
        assert build_chain([b"no certificate"], False) == ((), False)

    def test_windows_asks_the_authority_whether_a_certificate_is_revoked(serve: Serve) -> None:
        key = rsa.generate_private_key(65537, 2048)
        # Windows remembers a list by its address and its issuer: both are of this run only
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Autorité {uuid.uuid4()}")])
        begin, end = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
        revoked = x509.RevokedCertificateBuilder(4711, begin).build()
        empty = x509.CertificateRevocationListBuilder(issuer, begin, end)
        revocations = empty.add_revoked_certificate(revoked).sign(key, SHA256()).public_bytes(Encoding.DER)

        def give_list(connection: socket.socket) -> None:
            if request_of(connection):
                connection.sendall(page("200 OK", revocations, "Content-Type: application/pkix-crl"))

        place = x509.UniformResourceIdentifier(f"{serve(give_list).address}/{uuid.uuid4()}.crl")
        lists = x509.CRLDistributionPoints([x509.DistributionPoint([place], None, None, None)])

        def make(subject: x509.Name, serial: int, extension: x509.ExtensionType) -> bytes:
            builder = x509.CertificateBuilder(issuer, subject, key.public_key(), serial, begin, end)
            certificate = builder.add_extension(extension, critical=False).sign(key, SHA256())
            return certificate.public_bytes(Encoding.DER)

        authority = make(issuer, 1, x509.BasicConstraints(ca=True, path_length=None))
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        for serial, is_revoked in ((4711, True), (4712, False)):
            chain = (make(name, serial, lists), authority)
            assert build_chain(chain, True) == (chain, is_revoked)
