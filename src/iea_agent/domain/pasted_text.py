"""Text that was pasted or piped in: its encoding, and characters that nobody sees.

Mails, word processors and web pages put such characters into numbers and keys: a zero-width space, a
soft hyphen, a byte order mark, the marks of a writing direction, no-break spaces and hyphens. A program
that kept them would refuse what looks right to the person who pasted it.
"""

from __future__ import annotations

import codecs

# the longer marks first: that of UTF-32 begins with that of UTF-16
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# hyphen, no-break hyphen, figure dash, en dash, minus: all look like "-" in a number
_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-")

_LONGEST = 16_384
"""Characters of a text that is tidied: no number, key, name or password is longer, and each is refused as such."""


def detect_mark(data: bytes) -> tuple[int, str]:
    """Return the length of the mark that *data* begins with, and its encoding.

    It is the byte order mark of Unicode; without one, the encoding is "".
    """
    return next(((len(mark), encoding) for mark, encoding in _MARKS if data.startswith(mark)), (0, ""))


def decode_file(data: bytes) -> str:
    """Return the text of *data*, in UTF-8 or as its byte order mark says.

    Bytes that are no UTF-8 stay in it as lone surrogates: the value that has them is refused alone.
    """
    length, encoding = detect_mark(data)
    return data[length:].decode(encoding or "utf-8", "surrogateescape")


def drop_mark(data: bytes) -> bytes:
    """Return the text *data* in UTF-8 if a mark says what it is, else as it is.

    Raises ``UnicodeDecodeError``.
    """
    length, encoding = detect_mark(data)
    return data[length:].decode(encoding).encode() if encoding else data


def decode_text(data: bytes, code_page: str) -> str:
    """Return the text of *data*: its mark decides, else UTF-8, else *code_page*.

    Raises ``UnicodeDecodeError``.
    """
    length, encoding = detect_mark(data)
    if encoding:
        return data[length:].decode(encoding)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(code_page)


def has_control_characters(text: str) -> bool:
    """Return whether *text* has characters that no keyboard types, NUL for example."""
    return any(ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in text)


def tidy_code(text: str) -> str:
    """Return a number or a key without invisible characters and outer blanks.

    Blanks other than the plain one are removed inside, too; a hyphen of a word processor becomes "-".
    """
    return _replace_invisible(text, "").translate(_HYPHENS).strip()


def tidy_name(text: str) -> str:
    """Return a name or a path without invisible characters and outer blanks.

    Blanks other than the plain one become plain ones.
    """
    return _replace_invisible(text, " ").strip()


def tidy_password(text: str) -> str:
    """Return a password without invisible characters; its blanks may be part of it."""
    return _replace_invisible(text, None)


def _replace_invisible(text: str, blank: str | None) -> str:
    """Return *text* without invisible characters, unusual blanks replaced by *blank*.

    If *blank* is None, they stay.
    """
    # nearly always; the tables of Unicode (1 MB) need not be loaded
    if text.isascii() or len(text) > _LONGEST:
        return text
    import unicodedata

    characters = []
    for character in text:
        category = unicodedata.category(character)
        if category == "Cf" or "\ufe00" <= character <= "\ufe0f" or character == "\u034f":
            continue
        is_unusual = category in ("Zs", "Zl", "Zp") and character != " "
        characters.append(blank if is_unusual and blank is not None else character)
    return "".join(characters)
