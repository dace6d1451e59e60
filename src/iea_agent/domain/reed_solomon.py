"""Two check symbols that locate one wrong symbol and detect two (Reed-Solomon).

A word is a sequence of at most 31 symbols, each a number from 0 to 31: an element
of GF(32) = GF(2)[x] / (x^5 + x^2 + 1), with α = x. In a correct word the sum of all
symbols c_i and the sum of all c_i·α^i (i from 0) are both zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def _compute_powers() -> tuple[int, ...]:
    """Return α^0 … α^30."""
    powers = [1]
    while len(powers) < 31:
        doubled = powers[-1] << 1
        powers.append(doubled ^ 0b100101 if doubled & 32 else doubled)
    return tuple(powers)


_POWERS = _compute_powers()
_LOGARITHMS = {power: exponent for exponent, power in enumerate(_POWERS)}


def _multiply(left: int, right: int) -> int:
    return _POWERS[(_LOGARITHMS[left] + _LOGARITHMS[right]) % 31] if left and right else 0


def compute_syndromes(word: Iterable[int]) -> tuple[int, int]:
    """Return the two sums of *word*; both are 0 if it is correct."""
    plain = weighted = 0
    for place, symbol in enumerate(word):
        plain ^= symbol
        weighted ^= _multiply(symbol, _POWERS[place])
    return plain, weighted


def compute_check_symbols(message: Sequence[int]) -> tuple[int, int]:
    """Return the two symbols that make a correct word when they follow *message*."""
    plain, weighted = compute_syndromes(message)
    # first + last = plain, and first·α^n + last·α^(n+1) = weighted for a message of n symbols
    before, behind = _POWERS[len(message)], _POWERS[len(message) + 1]
    inverse = _POWERS[-_LOGARITHMS[before ^ behind] % 31]
    last = _multiply(_multiply(plain, before) ^ weighted, inverse)
    return plain ^ last, last


def locate_error(plain: int, weighted: int) -> int | None:
    """Return the place (from 0) of the only wrong symbol, None if several are wrong.

    *plain* and *weighted* are the syndromes of an incorrect word: one error e at
    place i gives e and e·α^i. The place may lie behind the end of the word: then, too,
    several symbols are wrong.
    """
    return (_LOGARITHMS[weighted] - _LOGARITHMS[plain]) % 31 if plain and weighted else None
