"""What a refused caller is told about the limit."""

from __future__ import annotations

from proxy.snapshot import LimitRule

_NANO = 1_000_000_000
_UNITS = {"requests": "requests", "tokens": "tokens", "input_tokens": "input tokens", "output_tokens": "output tokens"}


def describe_rule(rule: LimitRule) -> str:
    """Return a limit in words: `6 requests per 60 s with a burst of 2`, `$5.00 per calendar month`, `10 requests in flight`."""
    if rule.unit == "concurrency":
        return f"{rule.amount} requests in flight"
    if rule.calendar:
        return f"{_amount(rule, rule.amount)} per calendar {rule.calendar}"
    return f"{_amount(rule, rule.amount)} per {rule.window_s} s with a burst of {_amount(rule, rule.burst, is_short=True)}"


def _amount(rule: LimitRule, amount: int, *, is_short: bool = False) -> str:
    if rule.unit == "cost":
        return format_usd(amount)
    return str(amount) if is_short else f"{amount} {_UNITS[rule.unit]}"


def format_usd(nano_usd: int) -> str:
    """Return an amount of money with at least cents and no zeros at its end beyond them: `$5.00`, `$0.000125`."""
    whole, rest = divmod(nano_usd, _NANO)
    digits = f"{rest:09d}".rstrip("0")
    return f"${whole}.{digits.ljust(2, '0')}"
