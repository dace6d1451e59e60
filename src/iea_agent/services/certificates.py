"""TLS contexts, and a small parser for X.509 certificates.

The parser decides nothing: TLS has accepted or refused the certificate already. It reads what a person is told about it, without a
cryptographic library (10 MB in the tray process).
"""

from __future__ import annotations

import errno
import hashlib
import os
import ssl
import stat
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from iea_agent.domain.diagnosis import Certificate
from iea_agent.domain.pasted_text import drop_mark
from iea_agent.domain.printable_text import LONGEST_DETAIL, clean_detail
from iea_agent.domain.tls_verdicts import (
    NOT_PINNED,
    REVOKED,
    ServerCertificate,
    TrustedNames,
    is_pinned,
)

FILE_LIMIT = 16 * 1024 * 1024
"""Bytes of a file of authorities; a larger one is refused."""

ReadFile: TypeAlias = Callable[[Path, int], "bytes | None"]
"""Returns at most one byte more than asked for of a file, None without one. Raises ``OSError``."""

_CIPHERS = "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
"""The ciphers up to TLS 1.2: those of Python as python.org builds it. Debian's Python offers every one that OpenSSL has."""

_LEGACY_SERVER_CONNECT = 0x4
"""OpenSSL's SSL_OP_LEGACY_SERVER_CONNECT, which Python names since 3.12."""


class CaFileUnreadable(Exception):
    """The administrator's file cannot be read or has no certificate; *cause* says why."""

    def __init__(self, file: Path | None, cause: OSError) -> None:
        super().__init__(f"{file}: {cause}")
        self.file = file
        self.cause = cause


@dataclass(frozen=True, slots=True)
class BuiltChain:
    """The chain that the system has built, in DER, the server's certificate first.

    *is_revoked* is true if the system knows that one of them was revoked, and false also if it could not find out in time.
    """

    certificates: Sequence[bytes] = ()
    is_revoked: bool = False


BuildChain: TypeAlias = Callable[[Sequence[bytes]], BuiltChain]
"""Builds the chain for the certificates that a server has sent, its own first. May wait a second."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What is demanded of a certificate besides, once TLS has accepted it.

    *pins* are the policy's (``tls_verdicts.is_pinned``). *build_chain* is Windows', None where OpenSSL verifies.
    """

    pins: tuple[str, ...] = ()
    build_chain: BuildChain | None = None


NO_DEMANDS = Demands()


def check_accepted(connection: ssl.SSLSocket, demands: Demands) -> None:
    """Check the certificate of *connection*, which TLS has accepted.

    Raises ``ssl.SSLCertVerificationError``, as TLS would, with ``REVOKED`` or ``NOT_PINNED``.
    """
    if not demands.pins and demands.build_chain is None:
        return
    chain: Sequence[bytes] = ()
    if demands.build_chain is not None:
        built = demands.build_chain(_list_sent(connection))
        if built.is_revoked:
            raise _refuse(REVOKED, "revoked")
        chain = built.certificates
    elif sys.version_info >= (3, 13):
        # what OpenSSL has verified; earlier versions show the server's own certificate only
        chain = connection.get_verified_chain()
    parsed = map(parse_certificate, chain or _list_sent(connection)[:1])
    if not is_pinned([each for each in parsed if each is not None], demands.pins):
        raise _refuse(NOT_PINNED, "not the one that the policy demands")


def _list_sent(connection: ssl.SSLSocket) -> list[bytes]:
    """Return the certificates that the server has sent, at least its own."""
    if sys.version_info >= (3, 13):
        return connection.get_unverified_chain()
    own = connection.getpeercert(binary_form=True)
    return [] if own is None else [own]


def _refuse(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(message)
    error.verify_code, error.verify_message = code, message
    return error


def read_regular(path: Path, limit: int) -> bytes:
    """Return *limit* + 1 bytes of *path* at most; nothing is waited for.

    Raises ``OSError``.
    """
    _require_regular(path.stat())
    waits_not = getattr(os, "O_NONBLOCK", 0)
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | waits_not)) as file:
        # another one may have its name since
        status = os.fstat(file.fileno())
        _require_regular(status)
        # a buffer of the whole limit would be made at once
        return file.read(min(limit, status.st_size) + 1)


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a file")


def verifying_context(ca_file: Path | None, read: ReadFile = read_regular) -> ssl.SSLContext:
    """Return a context that trusts the authorities of the system and of *ca_file*.

    *read* reads that file: what it refuses is not loaded.

    On Windows CryptoAPI verifies, which downloads authorities on demand as browsers do. With *ca_file* OpenSSL verifies there too, with
    the file and the present content of the store: truststore would call the authority unknown if a certificate of the file's authority
    has expired. Raises ``CaFileUnreadable``.
    """
    if sys.platform == "win32" and ca_file is None:
        # one for each client (0.3 ms): truststore holds a lock during the handshake, so servers would wait for each other
        import truststore

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
    return _openssl(ca_file, read)


def looking_contexts(*, limited: bool) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return contexts for looks at a handshake: up to TLS 1.2, and TLS 1.3.

    They verify nothing, and nothing may be sent over them. Up to TLS 1.2 certificates come in clear. Those that are not *limited* take old
    versions and every cipher as well.
    """
    clear, newer = _client_context(), _client_context()
    for context in (clear, newer):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    clear.maximum_version = ssl.TLSVersion.TLSv1_2
    newer.minimum_version = ssl.TLSVersion.TLSv1_3
    if not limited:
        clear.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        clear.set_ciphers("ALL:@SECLEVEL=0")
        clear.options |= _LEGACY_SERVER_CONNECT
    return clear, newer


def usable_ciphers() -> frozenset[str]:
    """Return the ciphers that we accept, by OpenSSL's names."""
    return frozenset(cipher["name"] for cipher in _client_context().get_ciphers())


def _client_context() -> ssl.SSLContext:
    """Return a context for TLS 1.2 and newer that trusts no authority yet.

    Every context of OpenSSL's is made here, and not by ``ssl.create_default_context``: that one writes the session's keys to the file that the variable
    SSLKEYLOGFILE names, and with them anybody could read the licence key in a recorded connection.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    # a common name is no server name (RFC 9525, 2)
    context.hostname_checks_common_name = False
    return context


def _trust_system(context: ssl.SSLContext) -> None:
    """Let *context* trust the system's authorities.

    ``SSLContext.load_default_certs`` would also trust what the variables SSL_CERT_FILE and SSL_CERT_DIR name.
    """
    if sys.platform == "win32":
        certificates = [
            der
            for store in ("CA", "ROOT")
            for der, encoding, purposes in ssl.enum_certificates(store)
            if encoding == "x509_asn"
            and (purposes is True or (purposes is not False and ssl.Purpose.SERVER_AUTH.oid in purposes))
        ]
        if certificates:
            context.load_verify_locations(cadata=b"".join(certificates))
        return
    paths = ssl.get_default_verify_paths()
    file, folder = Path(paths.openssl_cafile), Path(paths.openssl_capath)
    if file.is_file():
        context.load_verify_locations(cafile=file)
    if folder.is_dir():
        context.load_verify_locations(capath=folder)


def trusted_names(ca_file: Path | None, read: ReadFile = read_regular) -> TrustedNames:
    """Return the names of the authorities that this PC trusts."""
    try:
        context = _openssl(ca_file, read)
    except CaFileUnreadable:
        return TrustedNames()
    parsed = [parse_certificate(der) for der in context.get_ca_certs(binary_form=True)]
    return TrustedNames(
        frozenset(each.certificate.subject for each in parsed if each is not None) - {""},
        frozenset(each.subject_name for each in parsed if each is not None) - {b""},
    )


def _openssl(ca_file: Path | None, read: ReadFile) -> ssl.SSLContext:
    try:
        version = None if ca_file is None else (ca_file, os.stat(ca_file).st_mtime_ns, read)
    except OSError as error:
        raise CaFileUnreadable(ca_file, error) from None
    return _load_context(version)


@lru_cache(maxsize=2)
def _load_context(version: tuple[Path, int, ReadFile] | None) -> ssl.SSLContext:
    """Load the authorities once (20 ms, 1 MB), and again if the file has changed."""
    context = _client_context()
    _trust_system(context)
    if version is not None:
        file, _changed, read = version
        # it may hold an intermediate authority alone
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            _load_file(context, file, read)
        except UnicodeDecodeError:
            raise CaFileUnreadable(file, OSError(errno.EINVAL, "not text")) from None
        except OSError as error:  # also ssl.SSLError: no certificate in it
            raise CaFileUnreadable(file, error) from None
    return context


def _load_file(context: ssl.SSLContext, file: Path, read: ReadFile) -> None:
    """Have *context* trust the authorities in *file*, with its revocation lists.

    Loaded is what *read* has returned, and never what has its name by then. Raises ``OSError``.
    """
    data = read(file, FILE_LIMIT)
    if data is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    if len(data) > FILE_LIMIT:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    text = drop_mark(data)
    has_list = b"-----BEGIN X509 CRL-----" in text
    if has_list or b"-----BEGIN TRUSTED CERTIFICATE-----" in text:
        # OpenSSL takes these from a file only
        with TemporaryDirectory(prefix="iea-agent-") as folder:
            copy = Path(folder, "ca.pem")
            copy.write_bytes(text)
            context.load_verify_locations(cafile=copy)
    else:
        context.load_verify_locations(cadata=text.decode("ascii", "ignore"))
    # from then on OpenSSL wants the revocation list of each issuer
    if has_list:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


# --- parser


def parse_certificate(der: bytes) -> ServerCertificate | None:
    """Parse an X.509 certificate (RFC 5280, section 4.1); return None if it is none."""
    try:
        return _parse(der)
    except _Malformed:
        return None


# bytes of a certificate; real ones have 1 to 4 KB
_LONGEST = 64 * 1024
# elements that are read in one place
_MOST = 100

_INTEGER, _SEQUENCE, _SET, _OID, _VERSION = 0x02, 0x30, 0x31, 0x06, 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_BIT_STRING, _EXTENSIONS, _DNS_NAME = 0x03, 0xA3, 0x82
_ALTERNATIVE_NAMES, _PURPOSES = b"\x55\x1d\x11", b"\x55\x1d\x25"  # RFC 5280, 4.2.1.6 and 4.2.1.12
# serverAuth, anyExtendedKeyUsage, and what two browsers had before them
_FOR_SERVERS = frozenset(
    bytes.fromhex(oid)
    for oid in ("2b06010505070301", "551d2500", "2b0601040182370a0303", "6086480186f8420401")
)
_RSA = bytes.fromhex("2a864886f70d010101")
# MD2, MD4, MD5 and SHA-1 with RSA; SHA-1 with ECDSA and DSA (RFC 3279, 2.2)
_OUTDATED_SIGNATURES = frozenset(
    bytes.fromhex(oid)
    for oid in (
        *("2a864886f70d010102", "2a864886f70d010103", "2a864886f70d010104", "2a864886f70d010105"),
        *("2a8648ce3d0401", "2a8648ce380403"),
    )
)
SHORTEST_RSA_KEY = 2048
"""Bits of an RSA key (CA/Browser Forum, Baseline Requirements, 6.1.5)."""
_ENCODINGS = {
    0x0C: "utf-8",
    0x12: "ascii",  # NumericString
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # TeletexString, as it is used
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}
_COMMON_NAME, _ORGANISATION, _UNIT = b"\x55\x04\x03", b"\x55\x04\x0a", b"\x55\x04\x0b"  # RFC 5280, A.1


class _Malformed(Exception):
    """Not DER, or not a certificate."""


def _parse(der: bytes) -> ServerCertificate:
    if len(der) > _LONGEST:
        raise _Malformed
    ((tag, certificate),) = _exactly(der, 1)
    parts = list(_elements(certificate)) if tag == _SEQUENCE else []
    if len(parts) != 3 or parts[0][0] != _SEQUENCE:
        raise _Malformed
    fields = list(_elements(parts[0][1]))
    if fields and fields[0][0] == _VERSION:
        del fields[0]
    if [tag for tag, _ in fields[:6]] != [_INTEGER, *[_SEQUENCE] * 5]:
        raise _Malformed
    _, (_, signature), (_, issuer), (_, validity), (_, subject), (_, key) = fields[:6]
    issued_by, issued_to = _names(issuer), _names(subject)
    begin, end = (_time(tag, value) for tag, value in _exactly(validity, 2))
    extensions = _extensions(fields[6:])
    outdated = _algorithm(signature) in _OUTDATED_SIGNATURES and issuer != subject
    return ServerCertificate(
        Certificate(
            subject=_best_name(issued_to),
            issuer=_best_name(issued_by),
            not_before=begin,
            not_after=end,
            sha256=hashlib.sha256(der).hexdigest(),
        ),
        tuple(text for _, text in issued_by),
        issuer == subject,
        _hosts(extensions.get(_ALTERNATIVE_NAMES)),
        common_name=next((text for kind, text in issued_to if kind == _COMMON_NAME), ""),
        issuer_name=issuer,
        subject_name=subject,
        names_hosts=_ALTERNATIVE_NAMES in extensions,
        key_hash=b64encode(hashlib.sha256(_sequence(key)).digest()).decode(),
        for_servers=_is_for_servers(extensions.get(_PURPOSES)),
        weak=outdated or _is_short(key),
    )


def _sequence(content: bytes) -> bytes:
    """Return the DER sequence with *content* (X.690, 8.1.3)."""
    length = len(content)
    size = length.to_bytes((length.bit_length() + 7) // 8, "big") if length > 0x7F else b""
    return (
        bytes([_SEQUENCE, 0x80 | len(size)]) + size + content
        if size
        else bytes([_SEQUENCE, length]) + content
    )


def _extensions(behind_key: list[tuple[int, bytes]]) -> dict[bytes, bytes]:
    """Return the extensions by their number, none if malformed (RFC 5280, 4.2)."""
    values: dict[bytes, bytes] = {}
    try:
        for _, extensions in (field for field in behind_key if field[0] == _EXTENSIONS):
            ((_, extensions),) = _exactly(extensions, 1)
            for _, extension in _elements(extensions):
                parts = list(_elements(extension))
                if len(parts) >= 2 and parts[0][0] == _OID:
                    values[parts[0][1]] = parts[-1][1]
    except _Malformed:
        return {}
    return values


def _hosts(extension: bytes | None) -> tuple[str, ...]:
    """Return the DNS names among a certificate's names (RFC 5280, 4.2.1.6)."""
    try:
        ((_, names),) = _exactly(extension or b"\x30\x00", 1)
        return tuple(_decode(0x16, text) for tag, text in _elements(names) if tag == _DNS_NAME)
    except _Malformed:
        return ()


def _is_for_servers(extension: bytes | None) -> bool:
    """Return whether the listed purposes, if any, have servers (RFC 5280, 4.2.1.12)."""
    try:
        return extension is None or any(
            purpose in _FOR_SERVERS
            for _, sequence in _exactly(extension, 1)
            for _, purpose in _elements(sequence)
        )
    except _Malformed:
        return True


def _algorithm(identifier: bytes) -> bytes:
    """Return the number of an algorithm, b"" if it has none (RFC 5280, 4.1.1.2)."""
    tag, number = next(_elements(identifier), (0, b""))
    return number if tag == _OID else b""


def _is_short(key: bytes) -> bool:
    """Return whether a public key is an RSA key that is too short (RFC 8017, A.1.1)."""
    try:
        (_, algorithm), (tag, bits) = _exactly(key, 2)
        if tag != _BIT_STRING or _algorithm(algorithm) != _RSA:
            return False
        ((_, numbers),) = _exactly(bits[1:], 1)
        return int.from_bytes(_exactly(numbers, 2)[0][1], "big").bit_length() < SHORTEST_RSA_KEY
    except _Malformed:
        return False


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag (one byte) and content of each element (X.690, 8.1 and 10.1)."""
    at = 0
    for _ in range(_MOST):
        if at == len(data):
            return
        if at + 2 > len(data) or data[at] & 0x1F == 0x1F:
            raise _Malformed
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4:
                raise _Malformed
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise _Malformed
        yield tag, data[at : at + length]
        at += length
    raise _Malformed


def _exactly(data: bytes, number: int) -> list[tuple[int, bytes]]:
    elements = list(_elements(data))
    if len(elements) != number:
        raise _Malformed
    return elements


def _names(name: bytes) -> list[tuple[bytes, str]]:
    """Return kind and text of each name that is used (RFC 5280, section 4.1.2.4)."""
    names = []
    for tag, relative in _elements(name):
        if tag != _SET:
            raise _Malformed
        for _, attribute in _elements(relative):
            (kind_tag, kind), (text_tag, text) = _exactly(attribute, 2)
            if kind_tag == _OID and kind in (_ORGANISATION, _UNIT, _COMMON_NAME) and text_tag in _ENCODINGS:
                names.append((kind, _decode(text_tag, text)))
    return names


def _decode(tag: int, value: bytes) -> str:
    text = value[: 4 * LONGEST_DETAIL].decode(_ENCODINGS[tag], errors="replace")
    return clean_detail(text).strip()


def _best_name(names: list[tuple[bytes, str]]) -> str:
    """Return the organisation, else the common name, else the unit."""
    for wanted in (_ORGANISATION, _COMMON_NAME, _UNIT):
        for kind, text in names:
            if kind == wanted and text:
                return text
    return ""


def _time(tag: int, value: bytes) -> float:
    """Return seconds since 1970 (RFC 5280, section 4.1.2.5: always UTC, with seconds)."""
    text = value.decode("ascii", errors="replace")
    digits = text[:-1]
    if tag == _UTC_TIME and len(digits) == 12:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    elif tag != _GENERALIZED_TIME:
        raise _Malformed
    if len(digits) != 14 or not (digits.isascii() and digits.isdigit()) or text[-1:] != "Z":
        raise _Malformed
    numbers = (int(digits[:4]), *(int(digits[at : at + 2]) for at in range(4, 14, 2)))
    try:
        return datetime(*numbers, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]
    except ValueError:
        raise _Malformed from None
