"""Trust, and reading what a server showed: whom this PC believes, and what a certificate says of itself."""

from __future__ import annotations

import os
import ssl
import sys
from functools import lru_cache
from pathlib import Path


class FileUnreadable(Exception):
    """The administrator's file cannot be read, or holds no certificate; *cause* is what the system or OpenSSL says of it."""

    def __init__(self, file: Path | None, cause: OSError) -> None:
        super().__init__(f"{file}: {cause}")
        self.file = file
        self.cause = cause


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """The context that decides which certificates are believed: those of the system's store, and of *ca_file* besides.

    On Windows CryptoAPI decides, which downloads authorities on demand as browsers do. With *ca_file* OpenSSL decides there too, from the file and what
    the store holds at the moment: truststore would say of an expired certificate of the file's authority that its authority is unknown.
    Raises ``FileUnreadable``.
    """
    if sys.platform == "win32" and ca_file is None:
        # one for each client, they cost 0.3 ms: truststore holds a lock during the handshake, so a shared one would make servers wait for each other
        import truststore

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
    return openssl(ca_file)


def openssl(ca_file: Path | None) -> ssl.SSLContext:
    """The same, judged by OpenSSL on every system. Raises ``FileUnreadable``."""
    try:
        read = None if ca_file is None else (ca_file, os.stat(ca_file).st_mtime_ns)
    except OSError as error:
        raise FileUnreadable(ca_file, error) from None
    return _read_context(read)


@lru_cache(maxsize=2)
def _read_context(read: tuple[Path, int] | None) -> ssl.SSLContext:
    """Reading the system's authorities costs 20 ms and 1 MB: once, and again when the file has changed."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 turns on pedantry (RFC 5280 to the letter) that no browser asks for and many a private authority fails
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if read is not None:
        try:
            context.load_verify_locations(cafile=read[0])
        except OSError as error:  # not allowed, or (ssl.SSLError) not a certificate
            raise FileUnreadable(read[0], error) from None
    return context
