"""The phone code as it is read out: « quatre, zéro, Gaston, six »."""

from __future__ import annotations

from iea_agent.domain.day_password import GROUP_LENGTH
from iea_agent.domain.phone_code import spell_phone_code
from iea_agent.locale import _


def spell_code(code: str) -> str:
    """Return *code* spelled, a line for each group: « 4, 0, G comme Gaston, 6 »."""
    names = [
        symbol if symbol.isdigit() else _("{symbol} comme {name}").format(symbol=symbol, name=name)
        for symbol, name in spell_phone_code(code)
    ]
    groups = [names[at : at + GROUP_LENGTH] for at in range(0, len(names), GROUP_LENGTH)]
    return "\n".join(", ".join(group) for group in groups)
