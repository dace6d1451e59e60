"""What a support file hides: secrets always, names by level."""

from __future__ import annotations

import json

import pytest

from iea_agent.domain.redaction import HIDDEN, PrivateNames, Redaction
from iea_agent.domain.support_report import Level

NAMES = PrivateNames(
    secrets=("K3Y-9F2M-7QX4-20LB", "pässword&1"),
    homes=(r"C:\Users\jdurand", "/home/jdurand"),
    users=("jdurand", "pc"),
    machines=("PC-MAIRIE-3",),
    words=("Les Glycines",),
    addresses=("8.8.4.4",),
    public_hosts=("impact-emploi.urssaf.fr", "urssaf.fr"),
)


def hide(text: str, level: Level = Level.NORMAL) -> str:
    return Redaction(NAMES, level).hide_foreign(text)


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize(
    "text",
    [
        "key=K3Y-9F2M-7QX4-20LB.",
        '{"secret":"p\\u00e4ssword&1"}',
        "GET /?p=p%C3%A4ssword%261",
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
        "NIR 2 69 05 49 588 157 80",
        "nir=269054958815780",
        "IBAN FR76 3000 6000 0112 3456 7890 189",
    ],
)
def test_a_secret_and_a_personal_number_are_hidden_at_each_level(text: str, level: Level) -> None:
    hidden = hide(text, level)
    assert HIDDEN in hidden
    for secret in ("9F2M", "ssword", "eyJ", "588", "0112"):
        assert secret not in hidden


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"file=C:\Users\jdurand\AppData\x.log", r"file=[dossier-personnel]\AppData\x.log"),
        (r"C:\\Users\\JDURAND\\x", r"[dossier-personnel]\\x"),
        ("file:///C:/Users/jdurand/x", "file:///[dossier-personnel]/x"),
        ("/home/jdurand", "[dossier-personnel]"),
        # another folder that only begins like it
        ("/home/jdurandal/x", "/home/jdurandal/x"),
        (r"DOMAINE\jdurand PC-MAIRIE-3", r"DOMAINE\[utilisateur] [ordinateur]"),
        # a short name is in too many words
        ("le pc est lent", "le pc est lent"),
        ("Les glycines, compte 3", "[texte-masqué], compte 3"),
        ("192.168.1.20 8.8.4.4 9.9.9.9", "[adresse-1] [adresse-2] 9.9.9.9"),
        ("fe80::1 2001:4860:4860::8888 127.0.0.1 ::1", "[adresse-1] 2001:4860:4860::8888 127.0.0.1 ::1"),
        ("aa:bb:cc:dd:ee:ff 6ba7b810-9dad-11d1-80b4-00c04fd430c8", "[mac-1] [uuid-1]"),
        ("marie@exemple.fr 06 12 34 56 78", "[courriel-1] [telephone-1]"),
        ("impact-emploi-association@urssaf.fr", "impact-emploi-association@urssaf.fr"),
        # neither an address, nor a version, nor a time
        ("10:12:13 0.1.0 3.00.72 proxy.mairie.fr", "10:12:13 0.1.0 3.00.72 proxy.mairie.fr"),
    ],
)
def test_names_of_the_person_and_the_pc_get_a_placeholder(text: str, expected: str) -> None:
    assert hide(text) == expected


def test_the_strict_level_hides_every_machine_but_the_servers() -> None:
    text = "https://impact-emploi.urssaf.fr proxy.mairie.fr:3128 9.9.9.9 agent.log services.https 127.0.0.1"
    assert hide(text, Level.STRICT) == (
        "https://impact-emploi.urssaf.fr [machine-1]:3128 [adresse-1] agent.log [machine-2] 127.0.0.1"
    )
    assert hide(text, Level.NORMAL) == text


def test_nothing_but_secrets_is_hidden_if_that_is_wanted() -> None:
    assert hide(r"C:\Users\jdurand 192.168.1.20", Level.NONE) == r"C:\Users\jdurand 192.168.1.20"


def test_the_same_thing_has_the_same_placeholder_in_the_whole_file() -> None:
    redaction = Redaction(NAMES, Level.NORMAL)
    assert redaction.hide("10.0.0.1 10.0.0.2") == "[adresse-1] [adresse-2]"
    document = {"a": ["10.0.0.2", {"10.0.0.3": "10.0.0.3"}], "b": 3, "c": None, "d": True}
    assert redaction.hide_values(document) == {
        **document,
        "a": ["[adresse-2]", {"10.0.0.3": "[adresse-3]"}],
    }
    assert json.dumps(redaction.hide_values(document))


def test_a_fingerprint_stays_in_the_report() -> None:
    fingerprint = "0123456789abcdef" * 4
    redaction = Redaction(NAMES, Level.STRICT)
    assert redaction.hide(fingerprint) == fingerprint
    assert redaction.hide_foreign(fingerprint) == HIDDEN
