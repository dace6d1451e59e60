"""The message to the support desk as an address of the mail program (RFC 6068)."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain.support_letter import LONGEST_MAILTO, Letter, complete_subject


def test_the_address_has_every_character() -> None:
    letter = Letter("a+b@exemple.fr", "Été & 100 % ?", "Bonjour,\nl'été = #1 & +2\n")
    assert letter.mailto == (
        "mailto:a%2Bb@exemple.fr?subject=%C3%89t%C3%A9%20%26%20100%20%25%20%3F"
        "&body=Bonjour%2C%0D%0Al%27%C3%A9t%C3%A9%20%3D%20%231%20%26%20%2B2%0D%0A"
    )


@given(some.text(max_size=100), some.text(max_size=3000))
def test_it_is_bounded_and_begins_with_the_whole_lines(subject: str, body: str) -> None:
    subject, body = (text.encode("utf-8", "replace").decode() for text in (subject, body))
    letter = Letter("a@exemple.fr", subject, body)
    assert len(letter.mailto) <= LONGEST_MAILTO
    assert letter.mailto.isascii()
    parts = urlsplit(letter.mailto)
    assert (parts.scheme, unquote(parts.path)) == ("mailto", "a@exemple.fr")
    fields = parse_qs(parts.query, keep_blank_values=True)
    assert fields["subject"] == [subject]
    lines = fields["body"][0].replace("\r\n", "\n").split("\n")
    assert set(fields) == {"subject", "body"}
    assert lines == body.replace("\r\n", "\n").split("\n")[: len(lines)] or lines == [""]


def test_of_a_long_body_as_many_lines_are_left_as_fit() -> None:
    letter = Letter("a@exemple.fr", "Objet", "\n".join(["é" * 50] * 100))
    line = len("%C3%A9") * 50 + len("%0D%0A")
    assert LONGEST_MAILTO - line < len(letter.mailto) <= LONGEST_MAILTO
    assert letter.whole_text.count("é") == 5000, "the copy has all of it"


def test_the_version_takes_its_place_in_the_subject() -> None:
    assert complete_subject("Serveur de connexion 3.00.XX", "3.00.72") == "Serveur de connexion 3.00.72"
    assert complete_subject("Autre objet", "3.00.72") == "Autre objet"
