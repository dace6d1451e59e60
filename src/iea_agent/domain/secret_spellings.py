"""Secrets in foreign text: the spellings of a known one, the form of others.

A server, a proxy or a library repeats what it was sent: quoted in an address, encoded for a header, escaped inside JSON or HTML.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

_SHORTEST = 4
"""Characters of the shortest secret that is blotted out: the letters of a shorter one are in every text."""
_HTML = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#x27;"))


def list_spellings(secret: str) -> frozenset[str]:
    """Return *secret* in every form that a text may give it, none of "".

    Those of base64 come without the padding, which says nothing.
    """
    if not secret:
        return frozenset()
    raw = secret.encode()
    in_html = secret
    for character, entity in _HTML:
        in_html = in_html.replace(character, entity)
    encoded = (base64.b64encode(raw), base64.urlsafe_b64encode(raw))
    return frozenset(
        {
            *(secret, in_html, quote(secret), quote(secret, safe=""), quote_plus(secret)),
            *(code.decode().rstrip("=") for code in encoded),
            # inside of structures
            *(repr(secret)[1:-1], repr(raw)[2:-1], json.dumps(secret)[1:-1]),
        }
    )


def compile_spellings(spellings: Iterable[str]) -> str:
    """Return an expression for one of *spellings*, in capital or small letters.

    The host of an address is written in small letters, and "%C3" may become "%c3". Matches nothing if there are none.
    """
    longest_first = sorted(spellings, key=len, reverse=True)
    return f"(?i:{'|'.join(map(re.escape, longest_first)) or '(?!)'})"


def blot(text: str, secrets: Iterable[str], mark: str = "…") -> str:
    """Return *text* with *mark* for each of *secrets*, however it is spelled."""
    return make_blotter(secrets, mark)(text)


def make_blotter(secrets: Iterable[str], mark: str = "…") -> Callable[[str], str]:
    """Return a function that does the same with many texts."""
    spellings = {each for secret in secrets if len(secret) >= _SHORTEST for each in list_spellings(secret)}
    expression = compile_spellings(spellings)
    pattern = re.compile(expression)
    return lambda text: pattern.sub(lambda _: mark, text)


_WORD = re.compile(r"[\w+/=.~-]{32,}")
_HEX = re.compile(r"(?:[0-9a-f]-?){32,}|(?:[0-9A-F]-?){32,}")
# how the first part of a token begins (RFC 7519, section 3.1): '{"' in base64
_SIGNED = "eyJ"
_RANDOM = re.compile(r"[A-Za-z0-9+/_~-]{32,}={0,2}")


def blot_tokens(text: str, mark: str = "…") -> str:
    """Return *text* with *mark* for each word that looks like a token.

    That is a JSON Web Token, or 32 characters or more of hexadecimal digits, or of base64 with capital letters, small
    letters and digits.
    """
    return _WORD.sub(lambda word: mark if _looks_random(word[0]) else word[0], text)


def _looks_random(word: str) -> bool:
    if _SIGNED in word or _HEX.search(word):
        return True
    return any(_is_mixed(part[0]) for part in _RANDOM.finditer(word))


def _is_mixed(text: str) -> bool:
    return all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
