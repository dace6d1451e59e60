"""What the support desk is sent, taken apart: a support file, a message, a text.

Nobody knows who has made it. Sizes and counts are looked at before anything is taken apart, nothing is ever written to the disk, and what is no
request is refused by one sentence.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from io import BytesIO
from pathlib import PurePosixPath, PureWindowsPath

from iea_agent.domain.day_password import CODE_LENGTH
from iea_agent.domain.exit_codes import REFUSED
from iea_agent.domain.pasted_text import decode_text
from iea_agent.domain.phone_code import CodeFault, PhoneCodeError, PhoneReading, decode_phone_code
from iea_agent.domain.printable_text import clean_foreign_text
from iea_agent.domain.support_report import (
    LARGEST_FILE,
    LARGEST_REPORT,
    REPORT,
    ReportError,
    SupportReport,
    parse_report,
)
from iea_desk.keys import DeskError
from iea_desk.pasted_request import LONGEST_PAGE, LONGEST_TEXT, has_letters, parse_request, strip_tags
from iea_desk.support_case import SupportCase, add_text, open_phone_case, open_report_case, open_text_case

LARGEST_MESSAGE = 10_000_000
"""Bytes of a message: a support file and some pictures of the screen."""
_MOST_LINES = 250_000
_LONGEST_LINE = 1_000_000
_LONGEST_HEAD = 300_000
_MOST_PARTS = 500
_DEEPEST = 20
"""How many times a message may name a boundary: each is a level of the parts in parts."""
_MOST_ENTRIES = 100
_LARGEST_CONTENT = 30_000_000
"""Bytes that a support file may say that it unpacks to; no more than its report is unpacked."""
_MOST_ATTACHMENTS = 5
_LONGEST_HEADER = 500
_ZIP_MARK, _OLE_MARK, _PDF_MARK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF-"
_DIRECTORY_MARK = b"PK\x01\x02"
_SYMBOLIC_LINK = 0o120000
_HEADERS = (
    *(b"from", b"to", b"subject", b"date", b"mime-version", b"content-type", b"received", b"return-path"),
    *(b"x-unsent", b"message-id", b"delivered-to", b"dkim-signature", b"x-mozilla-status"),
)
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError),
    *(OverflowError, OSError, IndexError, KeyError),
)
"""What the zip library raises for a file that is none, or is damaged."""
_UNREADABLE = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What the mail library raises for some broken messages."""


class RequestRefused(DeskError):
    """What is no request, or is too large for one; the message says it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, REFUSED)


def open_request(data: bytes) -> SupportCase:
    """Return the case in *data*: a support file, a message, or a text.

    Raises ``RequestRefused``.
    """
    if len(data) > LARGEST_MESSAGE:
        raise RequestRefused(
            f"Refusé : plus de {LARGEST_MESSAGE // 1_000_000} Mo, ce n'est pas une demande d'assistance."
        )
    if data.startswith(_ZIP_MARK):
        return open_report_case(open_support_file(data))
    if data.startswith(_PDF_MARK):
        raise RequestRefused(
            "C'est un PDF : il n'est pas lu. Collez le code qu'il montre, ou demandez le fichier d'assistance."
        )
    if data.startswith(_OLE_MARK):
        raise RequestRefused(
            "C'est un message au format d'Outlook (.msg) : enregistrez plutôt sa pièce jointe, ou le message en .eml."
        )
    if is_message(data):
        return open_message(data)
    if data.lstrip()[:1] == b"{":
        return open_report_case(_parse(data))
    return open_text(decode_bytes(data[: 4 * LONGEST_TEXT]))


def open_text(text: str) -> SupportCase:
    """Return the case of a text, or of a phone code alone. Raises ``RequestRefused``."""
    if is_phone_code(text):
        return open_phone_case(_open_phone_code(text))
    if not text.strip():
        raise RequestRefused("Il n'y a rien à lire.")
    if "\0" in text or text.count("\ufffd") * 10 > len(text):
        raise RequestRefused("Ce n'est ni un fichier d'assistance, ni un message, ni un texte.")
    return open_text_case(parse_request(text))


def is_phone_code(text: str) -> bool:
    """Return whether *text* is meant as a phone code, well typed or not.

    The check symbols decide. What they do not confirm is taken for a code with a mistake only if it looks like one: letters
    and digits mixed, in pieces of one length. A telephone number, a date, an amount or a SIRET number does not.
    """
    if len(text.strip()) > 40 or "IEA-" in text.upper():
        return False
    try:
        if not decode_phone_code(text).corrected:
            return True
    except PhoneCodeError:
        pass
    pieces = re.findall(r"[^\W_]+", text)
    sizes = [len(piece) for piece in pieces]
    return (
        10 <= sum(sizes) <= 14
        and (len(pieces) <= 3 or max(sizes) <= 2)
        and max(sizes) - min(sizes) <= 1
        # one by one or in pairs, too, a code has letters
        and any(map(_is_mixed, pieces if max(sizes) > 1 else ["".join(pieces)]))
    )


def _is_mixed(piece: str) -> bool:
    return has_letters(piece) and any(map(str.isdigit, piece))


def _open_phone_code(text: str) -> PhoneReading:
    try:
        return decode_phone_code(text)
    except PhoneCodeError as error:
        raise RequestRefused(
            _FAULTS[error.fault].format(place=error.place, count=CODE_LENGTH - error.missing)
        ) from None


_FAULTS = {
    CodeFault.LENGTH: "Un code pour l'assistance a douze caractères, celui-ci en a {count} : faites-le relire.",
    CodeFault.FOREIGN: "Le caractère n° {place} n'est dans aucun code : faites-le relire.",
    CodeFault.CHARACTERS: "Ce code n'est pas juste (plusieurs caractères sont faux) : faites-le relire.",
    CodeFault.FORMAT: "Ce code est d'un agent plus récent, ou n'est pas juste : mettez iea-desk à jour, ou faites-le relire.",
}


# a support file


def open_support_file(data: bytes) -> SupportReport:
    """Return the report in the zip *data*. Raises ``RequestRefused``."""
    if len(data) > LARGEST_FILE or data.count(_DIRECTORY_MARK) > _MOST_ENTRIES:
        raise RequestRefused("Ce fichier est trop gros pour un fichier d'assistance : il n'est pas ouvert.")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entry = _find_report(archive.infolist())
            with archive.open(entry) as file:
                content = file.read(LARGEST_REPORT + 1)
    except RequestRefused:
        raise
    except _BROKEN:
        raise RequestRefused("Ce fichier zip est abîmé : demandez à la personne de le renvoyer.") from None
    return _parse(content)


def _find_report(entries: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    names = [entry.filename for entry in entries]
    if any(map(_is_unsafe, entries)) or len({name.lower() for name in names}) < len(names):
        raise RequestRefused(
            "Refusé : ce zip a des noms de fichiers piégés (hors du dossier, en double, ou des liens) ; l'agent n'en fait pas de tels."
        )
    if sum(entry.file_size for entry in entries) > _LARGEST_CONTENT:
        raise RequestRefused("Refusé : ce zip se déplierait démesurément ; l'agent n'en fait pas de tels.")
    for entry in entries:
        if entry.filename == REPORT:
            # other methods ask for as much memory as the file says
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
                raise RequestRefused(
                    "Refusé : ce zip est chiffré ou d'une autre compression ; l'agent n'en fait pas de tels."
                )
            return entry
    raise RequestRefused(f"Ce zip n'est pas un fichier d'assistance : il n'a pas de {REPORT}.")


def _is_unsafe(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename
    windows = PureWindowsPath(name)
    return (
        ".." in windows.parts
        or bool(windows.drive or windows.root)
        or PurePosixPath(name).is_absolute()
        or not name.isprintable()
        or (entry.external_attr >> 16) & 0o170000 == _SYMBOLIC_LINK
    )


def _parse(content: bytes) -> SupportReport:
    try:
        return parse_report(content)
    except ReportError as error:
        if error.schema is not None:
            raise RequestRefused(
                f"Ce rapport est d'un agent plus récent (schéma {error.schema}) : mettez iea-desk à jour pour le lire."
            ) from None
        raise RequestRefused(
            f"Le {REPORT} de ce fichier est abîmé, ou ne vient pas de l'agent. Détail technique : {error}."
        ) from None


# a message


def is_message(data: bytes) -> bool:
    """Return whether *data* begins with the headers of a mail."""
    head = data[:8192].lstrip(b"\xef\xbb\xbf\r\n")
    lines = head.split(b"\n\n")[0].split(b"\r\n\r\n")[0].splitlines()[:40]
    names = {line.partition(b":")[0].lower() for line in lines if b":" in line[:40]}
    return len(names.intersection(_HEADERS)) >= 2


def open_message(data: bytes) -> SupportCase:
    """Return the case of a mail: of the support file in it, else of its text.

    Raises ``RequestRefused``.
    """
    if _is_strange(data):
        raise RequestRefused(
            "Refusé : ce message a trop de lignes ou de parties, ou des lignes trop longues, pour une demande d'assistance."
        )
    try:
        message = message_from_bytes(data)
        text = _find_text(message)
        attached = list(_iterate_attachments(message))
        sender, subject, sent = _read_head(message)
    except _UNREADABLE:
        raise RequestRefused("Ce message est abîmé : enregistrez plutôt sa pièce jointe.") from None
    del message
    return replace(_open_parts(text, attached), sender=sender, subject=subject, sent=sent)


def _is_strange(data: bytes) -> bool:
    """Return whether the mail library would need much time or memory for *data*."""
    folded = data.lower()
    ends = (data.find(b"\n\n"), data.find(b"\r\n\r\n"))
    return (
        data.count(b"\n") + data.count(b"\r") > 2 * _MOST_LINES
        or data.count(b"\n--") > _MOST_PARTS
        or folded.count(b"boundary") + folded.count(b"message/") > _DEEPEST
        or min((end for end in ends if end >= 0), default=len(data)) > _LONGEST_HEAD
        or any(
            data.find(b"\n", start, start + _LONGEST_LINE) < 0
            for start in range(0, len(data) - _LONGEST_LINE, _LONGEST_LINE)
        )
    )


def _open_parts(text: str, attached: list[bytes]) -> SupportCase:
    request = parse_request(text)
    notes: list[str] = []
    for content in attached:
        try:
            case = add_text(open_report_case(open_support_file(content)), request)
        except RequestRefused as error:
            notes.append(f"Pièce jointe non lue. {error}")
        else:
            return replace(case, notes=(*case.notes, *notes))
    case = open_text_case(request)
    return replace(case, notes=(*case.notes, *notes))


def _iterate_leaves(message: Message) -> Iterator[Message]:
    for number, part in enumerate(message.walk()):
        if number >= _MOST_PARTS:
            return
        if not part.is_multipart():
            yield part


def _find_text(message: Message) -> str:
    """Return the first plain text, else the first page in HTML, else ""."""
    page = ""
    for part in _iterate_leaves(message):
        kind = part.get_content_type()
        if kind == "text/plain" and (text := _decode(part)[:LONGEST_TEXT]).strip():
            return text
        if kind == "text/html" and not page:
            page = strip_tags(_decode(part)[:LONGEST_PAGE])
    return page


def _decode(part: Message) -> str:
    whole = part.get_payload()
    if isinstance(whole, str) and len(whole) > 4 * LONGEST_PAGE:
        part.set_payload(whole[: 4 * LONGEST_PAGE])
    data = _content(part)[: 4 * LONGEST_PAGE]
    try:
        return data.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):
        return decode_bytes(data)


def _iterate_attachments(message: Message) -> Iterator[bytes]:
    number = 0
    for part in _iterate_leaves(message):
        if part.get_content_maintype() in ("application", "multipart") or part.get_filename():
            content = _content(part)
            if content.startswith(_ZIP_MARK) and number < _MOST_ATTACHMENTS:
                number += 1
                yield content


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _read_head(message: Message) -> tuple[str, str, float | None]:
    """Return sender, subject and time of a message, as far as they can be read."""
    address = parseaddr(_decode_words(message.get("From")))[1]
    return (
        clean_foreign_text(address).lower(),
        clean_foreign_text(_decode_words(message.get("Subject"))),
        _read_date(message.get("Date")),
    )


def _decode_words(value: object) -> str:
    text = str(value or "")[:_LONGEST_HEADER]
    try:
        parts = decode_header(text)
        return "".join(
            part if isinstance(part, str) else part.decode(charset or "utf-8", "replace")
            for part, charset in parts
        )
    except _UNREADABLE:
        return text


def _read_date(value: object) -> float | None:
    try:
        moment = parsedate_to_datetime(str(value)[:100])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (*_UNREADABLE, OverflowError, OSError):
        return None


def decode_bytes(data: bytes) -> str:
    """Return the text of *data*: by its mark, else UTF-8, else Windows' code page."""
    try:
        return decode_text(data, "cp1252")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")
