"""
The check-digit schemes that identifiers of many countries share.

Shapes: `digits` is a text of ASCII digits only, check digit included unless said otherwise. Cost: about 1 us for ten digits.
"""

from __future__ import annotations

from collections.abc import Sequence

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_ORD_0 = ord("0")

_VERHOEFF_TABLE = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_VERHOEFF_SHIFT = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _make_permutations() -> tuple[tuple[int, ...], ...]:
    rows = [tuple(range(10))]
    for _ in range(7):
        rows.append(tuple(_VERHOEFF_SHIFT[each] for each in rows[-1]))
    return tuple(rows)


_VERHOEFF_PERMUTATIONS = _make_permutations()


def values(digits: str) -> list[int]:
    return [each - _ORD_0 for each in digits.encode()]


def weighted(digits: str, weights: Sequence[int]) -> int:
    """Return the sum of digit times weight, as far as the shorter of the two goes."""
    return sum(weight * (digit - _ORD_0) for weight, digit in zip(weights, digits.encode(), strict=False))


def luhn_sum(digits: str) -> int:
    reverse = digits.encode()[::-1]
    return sum(reverse[0::2]) - _ORD_0 * len(reverse[0::2]) + sum(_DOUBLED[each - _ORD_0] for each in reverse[1::2])


def is_luhn(digits: str) -> bool:
    return luhn_sum(digits) % 10 == 0


def is_verhoeff(digits: str) -> bool:
    check = 0
    for index, digit in enumerate(values(digits)[::-1]):
        check = _VERHOEFF_TABLE[check][_VERHOEFF_PERMUTATIONS[index % 8][digit]]
    return check == 0


def is_mod_11_10(digits: str) -> bool:
    """Whether ISO 7064 MOD 11,10 holds."""
    check = 10
    for digit in values(digits[:-1]):
        check = (check + digit) % 10 or 10
        check = check * 2 % 11
    return (check + int(digits[-1])) % 10 == 1


def is_mod_97(text: str) -> bool:
    """Whether ISO 7064 MOD 97-10 holds for letters (A = 10) and digits."""
    return int("".join(str(int(each, 36)) for each in text)) % 97 == 1


def is_mod_11_2(text: str) -> bool:
    """Whether ISO 7064 MOD 11-2 holds; the last character may be X for ten."""
    check = 0
    for digit in values(text[:-1]):
        check = (check + digit) * 2 % 11
    return (check + (10 if text[-1] == "X" else int(text[-1]))) % 11 == 1


def is_ean(digits: str) -> bool:
    """Whether the check digit of GS1 holds: EAN-13, and what borrowed it."""
    reverse = values(digits)[::-1]
    return (sum(reverse[0::2]) + 3 * sum(reverse[1::2])) % 10 == 0


def is_repeated(digits: str) -> bool:
    """Whether all characters are the same, as in placeholders: checksums of zeros hold everywhere."""
    return digits == digits[0] * len(digits)
