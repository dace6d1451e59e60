"""The certificates of the sandbox's authority."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from iea_sandbox.authority import GOOD, CertificateAuthority

WHOLE = 1 << 248
"""The least number of a signature that has no zero byte in front."""


@pytest.mark.linux  # the same code everywhere
@pytest.mark.parametrize("kind", [GOOD, "name-only-in-cn"])
def test_no_signature_is_one_that_wine_calls_false(kind: str) -> None:
    authority = CertificateAuthority()
    # of so many one is short by chance in 99 of 100 runs
    for _ in range(600):
        for certificate in x509.load_pem_x509_certificates(authority.pem(kind)):
            assert min(decode_dss_signature(certificate.signature)) >= WHOLE
