"""The password as the front desk reads it out, and the e-mail that it sends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from iea_agent.domain import day_password
from iea_desk.keys import Password

_WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)

_MAIL = """\
Bonjour,

Voici le mot de passe du jour pour désactiver le mode assistance :

{letters}

Vous pouvez aussi saisir ces mots :

{words}

puis cliquez sur « OK ».

{until}

Où le saisir : clic droit sur le scarabée rouge, en bas à droite de votre écran, dans les \
notifications, puis « Demande de support technique » et « Désactiver le mode assistance ».

L’assistance Impact emploi
"""


@dataclass
class PasswordMessage:
    """One password as people read it: letters for e-mail, words for the telephone."""

    password: Password

    def __post_init__(self) -> None:
        day, number = self.password.day, self.password.number
        self.letters = day_password.format_letters(day, number)
        self.words = day_password.format_words(day, number)
        self.until = f"Utilisable jusqu’au {format_french_date(day_password.last_day(day))} inclus."
        self.subject = f"Impact emploi : mot de passe du jour du {format_french_date(day)}"
        self.body = _MAIL.format(letters=self.letters, words=self.words, until=self.until)

    def to_document(self) -> dict[str, object]:
        """Return the JSON document for a program."""
        return {
            "schema": 1,
            "day": self.password.day.isoformat(),
            "last_day": day_password.last_day(self.password.day).isoformat(),
            "scope": self.password.scope,
            "kid": self.password.kid,
            "letters": self.letters,
            "words": self.words,
            "spoken": day_password.spell_letters(self.letters),
            "mail": {"subject": self.subject, "body": self.body},
        }

    def to_text(self) -> str:
        """Return the text for the person at the desk."""
        everyone = self.password.scope == day_password.EVERYONE
        where = "tous les postes" if everyone else f"l’installation {self.password.scope}"
        key = f" (clé {self.password.kid})" if self.password.kid else ""
        return (
            f"Mot de passe du {format_french_date(self.password.day)}, pour {where}{key}\n\n"
            f"    {self.letters}\n"
            f"    {self.words}\n\n"
            f"Épeler : {day_password.spell_letters(self.letters)}\n"
            f"{self.until}\n\n"
            f"──── message à envoyer ────\n"
            f"Objet : {self.subject}\n\n"
            f"{self.body}"
        )


def format_french_date(day: date) -> str:
    """Return *day* as in « vendredi 27 novembre 2026 »."""
    number = "1er" if day.day == 1 else str(day.day)
    return f"{_WEEKDAYS[day.weekday()]} {number} {_MONTHS[day.month - 1]} {day.year}"
