"""Certificate chains as Windows builds them, and what it knows to be revoked.

Windows asks the authorities (OCSP, revocation lists) and remembers the answers. That takes the network, so it happens in a thread: whoever connects waits a
second at most, and goes on if there is no answer yet. One that comes later counts at the next connection.
"""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeAlias

WAIT_SECONDS = 1.0
"""How long a connection waits for the first answer about a certificate."""
ANSWER_SECONDS = 3600.0
"""How long an answer, or none, is valid in this process."""

Chain: TypeAlias = "tuple[tuple[bytes, ...], bool]"
"""The certificates of a chain in DER, the server's first, and whether one was revoked."""


class ChainBuilder:
    """Builds chains on any thread; asks about the same certificate once an hour."""

    def __init__(
        self,
        ask: Callable[[Sequence[bytes], bool], Chain] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: float = WAIT_SECONDS,
    ) -> None:
        """*ask* builds a chain, and looks for revocations if its second argument is true."""
        self._ask = ask or build_chain
        self._clock = clock
        self._wait = wait
        self._answers: dict[bytes, tuple[float, Future[Chain]]] = {}

    def build(self, sent: Sequence[bytes]) -> Chain:
        """Return the chain for the certificates that a server has *sent*.

        It is not revoked as long as nobody has said so.
        """
        if not sent:
            return (), False
        name = hashlib.sha256(b"".join(sent)).digest()
        since, answer = self._answers.get(name, (0.0, None))
        seconds = 0.0
        if answer is None or self._clock() - since > ANSWER_SECONDS:
            # older ones are of no use, and a network that shows another certificate each time must not fill the memory
            oldest = self._clock() - ANSWER_SECONDS
            self._answers = {key: each for key, each in self._answers.items() if each[0] >= oldest}
            answer, seconds = self._begin(sent), self._wait
            self._answers[name] = self._clock(), answer
        try:
            return answer.result(seconds)
        except TimeoutError:
            # without a look at revocations this asks nobody
            return self._ask(sent, False)

    def _begin(self, sent: Sequence[bytes]) -> Future[Chain]:
        answer: Future[Chain] = Future()

        def ask() -> None:
            try:
                answer.set_result(self._ask(sent, True))
            except Exception as error:  # noqa: BLE001 raised again for whoever waits
                answer.set_exception(error)

        # nothing can interrupt the system's call: the daemon thread may outlive the wait
        threading.Thread(target=ask, name="revocation", daemon=True).start()
        return answer


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    from .windows import declare

    _ENCODING = 0x10001  # X509_ASN_ENCODING | PKCS_7_ASN_ENCODING, wincrypt.h
    _STORE_IN_MEMORY = 2  # CERT_STORE_PROV_MEMORY
    _USE_EXISTING = 2  # CERT_STORE_ADD_USE_EXISTING
    _CACHE_ONLY = 0x4  # CERT_CHAIN_CACHE_ONLY_URL_RETRIEVAL
    # CERT_CHAIN_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT, CERT_CHAIN_REVOCATION_ACCUMULATIVE_TIMEOUT
    _REVOCATION = 0x40000000 | 0x08000000
    _IS_REVOKED = 0x4  # CERT_TRUST_IS_REVOKED
    _RETRIEVAL_MILLISECONDS = 10_000

    class _Usage(ctypes.Structure):  # CERT_USAGE_MATCH
        _fields_ = (
            ("dwType", wintypes.DWORD),
            ("cUsageIdentifier", wintypes.DWORD),
            ("rgpszUsageIdentifier", ctypes.c_void_p),
        )

    class _Parameters(ctypes.Structure):  # CERT_CHAIN_PARA
        _fields_ = (
            ("cbSize", wintypes.DWORD),
            ("RequestedUsage", _Usage),
            ("RequestedIssuancePolicy", _Usage),
            ("dwUrlRetrievalTimeout", wintypes.DWORD),
            ("fCheckRevocationFreshnessTime", wintypes.BOOL),
            ("dwRevocationFreshnessTime", wintypes.DWORD),
            ("pftCacheResync", ctypes.c_void_p),
            ("pStrongSignPara", ctypes.c_void_p),
            ("dwStrongSignFlags", wintypes.DWORD),
        )

    class _Certificate(ctypes.Structure):  # the beginning of CERT_CONTEXT
        _fields_ = (
            ("dwCertEncodingType", wintypes.DWORD),
            ("pbCertEncoded", ctypes.c_void_p),
            ("cbCertEncoded", wintypes.DWORD),
        )

    class _Element(ctypes.Structure):  # the beginning of CERT_CHAIN_ELEMENT
        _fields_ = (("cbSize", wintypes.DWORD), ("pCertContext", ctypes.POINTER(_Certificate)))

    class _SimpleChain(ctypes.Structure):  # the beginning of CERT_SIMPLE_CHAIN
        _fields_ = (
            ("cbSize", wintypes.DWORD),
            ("dwErrorStatus", wintypes.DWORD),
            ("dwInfoStatus", wintypes.DWORD),
            ("cElement", wintypes.DWORD),
            ("rgpElement", ctypes.POINTER(ctypes.POINTER(_Element))),
        )

    class _Context(ctypes.Structure):  # the beginning of CERT_CHAIN_CONTEXT
        _fields_ = (
            ("cbSize", wintypes.DWORD),
            ("dwErrorStatus", wintypes.DWORD),
            ("dwInfoStatus", wintypes.DWORD),
            ("cChain", wintypes.DWORD),
            ("rgpChain", ctypes.POINTER(ctypes.POINTER(_SimpleChain))),
        )

    def _crypt32() -> ctypes.WinDLL:
        """Return the library, which truststore has loaded by then."""
        library = ctypes.WinDLL("crypt32", use_last_error=True)
        pointer, number, certificate = ctypes.c_void_p, wintypes.DWORD, ctypes.POINTER(_Certificate)
        context = ctypes.POINTER(_Context)
        declare(library, "CertOpenStore", pointer, pointer, number, pointer, number, pointer)
        declare(library, "CertCloseStore", wintypes.BOOL, pointer, number)
        declare(
            library, "CertAddEncodedCertificateToStore", wintypes.BOOL,
            pointer, number, ctypes.c_char_p, number, number, ctypes.POINTER(certificate),
        )  # fmt: skip
        declare(library, "CertFreeCertificateContext", wintypes.BOOL, certificate)
        declare(
            library, "CertGetCertificateChain", wintypes.BOOL,
            pointer, certificate, pointer, pointer, ctypes.POINTER(_Parameters), number, pointer,
            ctypes.POINTER(context),
        )  # fmt: skip
        declare(library, "CertFreeCertificateChain", None, context)
        return library

    def build_chain(sent: Sequence[bytes], revocation: bool) -> Chain:
        """Return the chain built for *sent*; without *revocation* nobody is asked."""
        library = _crypt32()
        store = library.CertOpenStore(_STORE_IN_MEMORY, 0, None, 0, None)
        if not store:
            return (), False
        own = ctypes.POINTER(_Certificate)()
        context = ctypes.POINTER(_Context)()
        try:
            # the server's own certificate comes last, so that its context is the one that stays
            for der in sent[:0:-1]:
                library.CertAddEncodedCertificateToStore(store, _ENCODING, der, len(der), _USE_EXISTING, None)
            if not library.CertAddEncodedCertificateToStore(
                store, _ENCODING, sent[0], len(sent[0]), _USE_EXISTING, ctypes.byref(own)
            ):
                return (), False
            parameters = _Parameters(
                cbSize=ctypes.sizeof(_Parameters), dwUrlRetrievalTimeout=_RETRIEVAL_MILLISECONDS
            )
            flags = _REVOCATION if revocation else _CACHE_ONLY
            if not library.CertGetCertificateChain(
                None, own, None, store, ctypes.byref(parameters), flags, None, ctypes.byref(context)
            ):
                return (), False
            return _read_chain(context.contents)
        finally:
            if context:
                library.CertFreeCertificateChain(context)
            if own:
                library.CertFreeCertificateContext(own)
            library.CertCloseStore(store, 0)

    def _read_chain(context: _Context) -> Chain:
        certificates: list[bytes] = []
        if context.cChain:
            chain = context.rgpChain[0].contents
            for number in range(chain.cElement):
                certificate = chain.rgpElement[number].contents.pCertContext.contents
                certificates.append(ctypes.string_at(certificate.pbCertEncoded, certificate.cbCertEncoded))
        return tuple(certificates), bool(context.dwErrorStatus & _IS_REVOKED)

else:

    def build_chain(sent: Sequence[bytes], revocation: bool) -> Chain:  # noqa: ARG001
        """Return no chain: OpenSSL verifies here."""
        return (), False
