"""Dollars as people write them, nano-dollars as we keep them; exact in both directions."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

NANO_PER_USD = 1_000_000_000
_MAX_NANO_USD = 2**63 - 1


def parse_usd(text: str | int | Decimal) -> int:
    """
    Return an amount of dollars as nano-dollars.

    Errors: ValueError for what is no number, negative, finer than a nano-dollar, or too large for the table.
    """
    try:
        nano_usd = Decimal(text) * NANO_PER_USD
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is no amount of dollars; write it like 0.15") from error
    if not nano_usd.is_finite() or nano_usd < 0:
        raise ValueError(f"{text!r} is no amount of dollars; write it like 0.15")
    if nano_usd > _MAX_NANO_USD:
        raise ValueError(f"{text!r} dollars is more than can be kept")
    if nano_usd != nano_usd.to_integral_value():
        raise ValueError(f"{text!r} has more than nine decimal places; a nano-dollar is the smallest amount")
    return int(nano_usd)


def format_usd(nano_usd: int) -> str:
    """Return nano-dollars as dollars without an exponent or trailing zeros: 150_000_000 is `0.15`."""
    dollars, rest = divmod(nano_usd, NANO_PER_USD)
    return f"{dollars}.{rest:09d}".rstrip("0").rstrip(".")


def dump_usd(nano_usd: int) -> str:
    """Return nano-dollars as dollars for programs, always with nine places: 150_000_000 is `0.150000000`."""
    dollars, rest = divmod(nano_usd, NANO_PER_USD)
    return f"{dollars}.{rest:09d}"


def show_usd(nano_usd: int) -> str:
    """Return nano-dollars for people: 150_000_000 is `$0.15`."""
    return f"${format_usd(nano_usd)}"


def show_budget(nano_usd: int) -> str:
    """Return nano-dollars as a round sum is written, with thousands apart and at least cents: `$1,500.00`, `$0.000125`."""
    dollars, rest = divmod(nano_usd, NANO_PER_USD)
    return f"${dollars:,}.{f'{rest:09d}'.rstrip('0').ljust(2, '0')}"
